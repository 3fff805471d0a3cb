"""Class names and templates in the nine languages, as data files: what zero-shot classification says of a picture."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...config import LANGUAGES
from ...errors import DataError
from ...languages import vocabulary
from ..reading import at, check_languages, read_lines

FOLDER = Path(__file__).parent
TEMPLATE_FILES = {"cifar10": "cifar10.toml", "imagenet": "imagenet.toml"}


@dataclass(frozen=True)
class Names:
    """How a class is called: `{c}` bare, `{a}` with the indefinite and `{the}` with the definite article.

    Where a language has no articles, or only the bare name is known, all three are the same.
    """

    bare: str
    indefinite: str
    definite: str

    def fill(self, template: str) -> str:
        """The template with this class in it."""
        for place, name in (("{c}", self.bare), ("{a}", self.indefinite), ("{the}", self.definite)):
            template = template.replace(place, name)
        return template


def templates(dataset: str, language: str) -> tuple[str, ...]:
    """The templates of a data set, by default ImageNet's. Raises UsageError (unknown language)."""
    check_languages([language], LANGUAGES, "among the prompts")
    document = _toml(TEMPLATE_FILES.get(dataset, TEMPLATE_FILES["imagenet"]))
    return tuple(document["templates"][language])


def class_names(dataset: str, classes: Sequence[str], language: str) -> tuple[Names, ...]:
    """What the classes of a data set are called in a language.

    For a folder tree of the user's own they are the folders' names, underscores taken as spaces. Raises UsageError
    (unknown language), DataError (a class of CIFAR-10 that has no name).
    """
    check_languages([language], LANGUAGES, "among the prompts")
    if dataset == "cifar10":
        named = _toml("cifar10.toml")["classes"]
        unknown = next((key for key in classes if key not in named), None)
        if unknown is not None:
            raise DataError(f"CIFAR-10 has no class {unknown!r}.", "Name its classes with --classes FILE.")
        return tuple(Names(*_three(named[key][language])) for key in classes)
    synsets = imagenet_classes()
    if dataset.startswith("imagenet"):
        return tuple(_bare(synsets[key][language]) for key in classes)
    return tuple(_bare(key.replace("_", " ")) for key in classes)


@functools.cache
def imagenet_classes() -> Mapping[str, Mapping[str, str]]:
    """WordNet id -> name by language, in the order of the class numbers 0 to 999.

    English names are open_clip's, the others the first, most exact, of this project's translations for `lite`.
    """
    return {
        row["synset"]: {code: row["name" if code == "en" else code].split(";")[0].strip() for code in LANGUAGES}
        for row in vocabulary.rows("classes.tsv")
    }


def read_templates(path: Path) -> tuple[str, ...]:
    """Templates from the user's file, one a line, each with {c}, {a} or {the}. Raises DataMissing, DataError."""
    found = []
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            if not any(place in line for place in ("{c}", "{a}", "{the}")):
                raise DataError(f"{at(path, number)}: the template has no {{c}} for the class name: {line[:60]!r}.")
            found.append(line.strip())
    return tuple(found)


def read_class_names(path: Path, classes: Sequence[str]) -> tuple[Names, ...]:
    """Class names from the user's file: `KEY<TAB>NAME` a line, KEY being a folder's name or CIFAR-10's English name.

    Raises DataMissing, DataError (a class without a name, twice, or unknown).
    """
    named: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        key, _, name = (part.strip() for part in line.partition("\t"))
        if not name:
            raise DataError(f"{at(path, number)}: expected CLASS<TAB>NAME, found {line[:60]!r}.")
        if key in named:
            raise DataError(f"{at(path, number)}: the class {key!r} is named twice.")
        if key not in classes:
            raise DataError(
                f"{at(path, number)}: there is no class {key!r}.", f"The first are: {', '.join(classes[:5])}."
            )
        named[key] = name
    missing = [key for key in classes if key not in named]
    if missing:
        raise DataError(f"{path}: {len(missing)} classes have no name, {missing[0]!r} for one.")
    return tuple(_bare(named[key]) for key in classes)


@functools.cache
def _toml(name: str) -> dict[str, dict[str, dict[str, list[str]]]]:
    with (FOLDER / name).open("rb") as file:
        return tomllib.load(file)


def _three(names: Sequence[str]) -> tuple[str, str, str]:
    return (names[0], names[0], names[0]) if len(names) == 1 else (names[0], names[1], names[2])


def _bare(name: str) -> Names:
    return Names(name, name, name)
