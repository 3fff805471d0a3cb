"""What a loader returns: pictures with captions, or pictures with classes. No picture is opened yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Indices: TypeAlias = npt.NDArray[np.int64]

HALVES = ("first", "second")


@dataclass(frozen=True)
class Captions:
    """The captions of one language: `texts[i]` was written for picture `owners[i]` of the set."""

    texts: tuple[str, ...]
    owners: tuple[int, ...]

    @cached_property
    def owner_array(self) -> Indices:
        """`owners` as an array (texts,)."""
        return np.array(self.owners, np.int64)


@dataclass(frozen=True)
class RetrievalSet:
    """Pictures and captions in several languages.

    `name` finds the published figures. `shared` says that equal captions of one language belong to all their pictures;
    published protocols count only the picture that a caption was written for.
    """

    name: str
    images: tuple[Path, ...]
    captions: Mapping[str, Captions]
    shared: bool = False

    @property
    def texts(self) -> int:
        """Number of captions in all languages."""
        return sum(len(captions.texts) for captions in self.captions.values())

    def without(self, dropped: set[int]) -> RetrievalSet:
        """The set without the pictures of these numbers, and without their captions."""
        kept = [index for index in range(len(self.images)) if index not in dropped]
        place = {old: new for new, old in enumerate(kept)}
        captions = {}
        for language, old in self.captions.items():
            pairs = [(text, place[owner]) for text, owner in zip(old.texts, old.owners, strict=True) if owner in place]
            captions[language] = Captions(tuple(text for text, _ in pairs), tuple(owner for _, owner in pairs))
        return replace(self, images=tuple(self.images[index] for index in kept), captions=captions)

    def only(self, languages: Sequence[str]) -> RetrievalSet:
        """The set with these of its languages, in this order, without the pictures that only others caption."""
        chosen = replace(self, captions={language: self.captions[language] for language in languages})
        return chosen.without(self._captioned() - chosen._captioned())

    def half(self, which: str) -> RetrievalSet:
        """Every other picture, from the `first` or the `second` on, with its captions."""
        return self.without(set(range(HALVES[::-1].index(which), len(self.images), 2)))

    def among(self, others: Sequence[Path]) -> RetrievalSet:
        """The set in a library that also holds `others`, to which no caption belongs."""
        return replace(self, images=(*self.images, *others))

    def _captioned(self) -> set[int]:
        return {owner for captions in self.captions.values() for owner in captions.owners}


@dataclass(frozen=True)
class Pixels:
    """A picture that comes as pixels in an array rather than as a file."""

    name: str
    rgb: npt.NDArray[np.uint8]  # (height, width, 3)

    def image(self) -> Image.Image:
        """The picture."""
        return Image.fromarray(self.rgb, "RGB")


Source: TypeAlias = Path | Pixels
"""Where a picture comes from."""


@dataclass(frozen=True)
class ClassificationSet:
    """Pictures with one class each: `labels[i]` is the number, in `classes`, of the class of `images[i]`.

    `classes` are keys for the class names of `prompts`: CIFAR-10's English names, WordNet ids, or folder names.
    """

    name: str
    images: tuple[Source, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
