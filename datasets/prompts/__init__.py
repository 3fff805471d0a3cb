"""Class names and templates of zero-shot classification, in the nine languages, from data files."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...config import LANGUAGES
from ...errors import DataError
from ...languages import vocabulary
from ..reading import check_languages, locate, read_lines

FOLDER = Path(__file__).parent
TEMPLATE_FILES = {"cifar10": "cifar10.toml", "imagenet": "imagenet.toml"}


@dataclass(frozen=True)
class Names:
    """The names of a class for templates: `{c}` bare, `{a}` with the indefinite, `{the}` with the definite article.

    If the language has no articles, or only the bare name is known, all three are equal.
    """

    bare: str
    indefinite: str
    definite: str

    def fill(self, template: str) -> str:
        """The template with its placeholders replaced by the names."""
        for placeholder, name in (("{c}", self.bare), ("{a}", self.indefinite), ("{the}", self.definite)):
            template = template.replace(placeholder, name)
        return template


def templates(dataset: str, language: str) -> tuple[str, ...]:
    """The templates of a data set, ImageNet's if it has none. Raises UsageError if the language is unknown."""
    check_languages([language], LANGUAGES, "among the prompts")
    document = _toml(TEMPLATE_FILES.get(dataset, TEMPLATE_FILES["imagenet"]))
    return tuple(document["templates"][language])


def class_names(dataset: str, classes: Sequence[str], language: str) -> tuple[Names, ...]:
    """The names of a data set's classes in a language.

    For the user's own folders they are the folders' names, with spaces instead of underscores. Raises UsageError if the
    language is unknown, DataError if CIFAR-10 has no such class.
    """
    check_languages([language], LANGUAGES, "among the prompts")
    if dataset == "cifar10":
        names = _toml("cifar10.toml")["classes"]
        unknown = next((key for key in classes if key not in names), None)
        if unknown is not None:
            raise DataError(f"CIFAR-10 has no class {unknown!r}.", "Name its classes with --classes FILE.")
        return tuple(Names(*_three(names[key][language])) for key in classes)
    synsets = imagenet_classes()
    if dataset.startswith("imagenet"):
        return tuple(_bare(synsets[key][language]) for key in classes)
    return tuple(_bare(key.replace("_", " ")) for key in classes)


@functools.cache
def imagenet_classes() -> Mapping[str, Mapping[str, str]]:
    """WordNet id -> name by language, in the order of the class numbers 0 to 999.

    English names are open_clip's. The others are the first, most exact, translations of polyglance's tables for `lite`.
    """
    return {
        row["synset"]: {code: row["name" if code == "en" else code].split(";")[0].strip() for code in LANGUAGES}
        for row in vocabulary.rows("classes.tsv")
    }


def read_templates(path: Path) -> tuple[str, ...]:
    """Templates from the user's file, one a line, each with {c}, {a} or {the}. Raises DataMissing, DataError."""
    templates = []
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            if not any(placeholder in line for placeholder in ("{c}", "{a}", "{the}")):
                place = locate(path, number)
                raise DataError(f"{place}: the template has no {{c}} for the class name: {line[:60]!r}.")
            templates.append(line.strip())
    return tuple(templates)


def read_class_names(path: Path, classes: Sequence[str]) -> tuple[Names, ...]:
    """Class names from the user's file with lines `KEY<TAB>NAME`; KEY is a folder's name or CIFAR-10's English name.

    Raises DataMissing; DataError if a class is unknown, has no name, or occurs twice.
    """
    names: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        key, _, name = (part.strip() for part in line.partition("\t"))
        if not name:
            raise DataError(f"{locate(path, number)}: expected CLASS<TAB>NAME, found {line[:60]!r}.")
        if key in names:
            raise DataError(f"{locate(path, number)}: the class {key!r} is named twice.")
        if key not in classes:
            raise DataError(
                f"{locate(path, number)}: there is no class {key!r}.", f"The first are: {', '.join(classes[:5])}."
            )
        names[key] = name
    missing = [key for key in classes if key not in names]
    if missing:
        raise DataError(f"{path}: {len(missing)} classes have no name, {missing[0]!r} for one.")
    return tuple(_bare(names[key]) for key in classes)


@functools.cache
def _toml(name: str) -> dict[str, dict[str, dict[str, list[str]]]]:
    with (FOLDER / name).open("rb") as file:
        return tomllib.load(file)


def _three(names: Sequence[str]) -> tuple[str, str, str]:
    return (names[0], names[0], names[0]) if len(names) == 1 else (names[0], names[1], names[2])


def _bare(name: str) -> Names:
    return Names(name, name, name)
