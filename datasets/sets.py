"""The sets that loaders return: pictures with captions, or pictures with classes. Pictures are not opened."""

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

    `name` is the key of the published figures. With `shared`, a caption that several pictures have, in one language, is
    right for all of them; published protocols count only the picture that a caption was written for.
    """

    name: str
    images: tuple[Path, ...]
    captions: Mapping[str, Captions]
    shared: bool = False

    @property
    def texts(self) -> int:
        """Number of captions in all languages."""
        return sum(len(captions.texts) for captions in self.captions.values())

    def without(self, removed: set[int]) -> RetrievalSet:
        """The set without the pictures of these numbers, and without their captions."""
        kept = [index for index in range(len(self.images)) if index not in removed]
        new_index = {old: new for new, old in enumerate(kept)}
        captions = {}
        for language, old in self.captions.items():
            pairs = [
                (text, new_index[owner])
                for text, owner in zip(old.texts, old.owners, strict=True)
                if owner in new_index
            ]
            captions[language] = Captions(tuple(text for text, _ in pairs), tuple(owner for _, owner in pairs))
        return replace(self, images=tuple(self.images[index] for index in kept), captions=captions)

    def only(self, languages: Sequence[str]) -> RetrievalSet:
        """The set with these languages, in this order, without pictures that have captions in other languages only."""
        selected = replace(self, captions={language: self.captions[language] for language in languages})
        return selected.without(self._captioned_images() - selected._captioned_images())

    def half(self, name: str) -> RetrievalSet:
        """Every other picture with its captions, beginning with the `first` or the `second`."""
        return self.without(set(range(HALVES[::-1].index(name), len(self.images), 2)))

    def among(self, others: Sequence[Path]) -> RetrievalSet:
        """The set with the pictures `others` added, which have no captions."""
        return replace(self, images=(*self.images, *others))

    def _captioned_images(self) -> set[int]:
        return {owner for captions in self.captions.values() for owner in captions.owners}


@dataclass(frozen=True)
class Pixels:
    """A picture that is an array of pixels instead of a file."""

    name: str
    rgb: npt.NDArray[np.uint8]  # (height, width, 3)

    def image(self) -> Image.Image:
        """The picture as a PIL image."""
        return Image.fromarray(self.rgb, "RGB")


Source: TypeAlias = Path | Pixels
"""A picture: a file, or pixels."""


@dataclass(frozen=True)
class ClassificationSet:
    """Pictures with one class each: the class of `images[i]` is `classes[labels[i]]`.

    `classes` are the keys of `prompts.class_names`: CIFAR-10's English names, WordNet ids, or folder names.
    """

    name: str
    images: tuple[Source, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
