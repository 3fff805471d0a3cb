"""Contrastive training of pictures with texts: what alignment and fine-tuning share.

Example(picture, group, text) ─┬─ picture -> cached vector, or pixels -> image tower ─┐
                               └─ text -> tokens -> text tower ───────────────────────┴─ symmetric cross-entropy
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..arrays import Floats
from ..datasets.sets import Source
from . import losses
from .accumulation import backward_embeddings
from .loop import autocast
from .models import DualModel
from .options import Options
from .pictures import Preparation
from .processes import Processes


@dataclass(frozen=True, slots=True)
class Example:
    """A text for a picture. Pictures of one `group` (the same picture, or the same class) are no negatives."""

    picture: int
    group: int
    text: str


class Examples(Protocol):
    """The data of a run."""

    pictures: Sequence[Source]

    def sizes(self) -> Sequence[int]:
        """The number of examples of each epoch."""

    def epoch(self, number: int) -> Iterator[Example]:
        """The examples of an epoch, shuffled, the same at each call."""


class ContrastiveTask:
    """Implements `Task`. `vectors` (pictures, d) are those of a frozen image tower; without them it is run."""

    lower_is_better = False

    def __init__(
        self,
        kind: str,
        what: str,
        score: str,
        dual: DualModel,
        data: Examples,
        options: Options,
        processes: Processes,
        preparation: Preparation,
        validate: Callable[[], dict[str, float]],
        vectors: Floats | None = None,
    ) -> None:
        self.kind, self.what, self.score = kind, what, score
        self.model = dual.model
        self._dual, self._data, self._options, self._processes = dual, data, options, processes
        self._preparation = preparation
        self._vectors = None if vectors is None else torch.from_numpy(vectors)
        self._validate = validate

    def epoch_sizes(self) -> Sequence[int]:
        """The number of examples of each epoch."""
        return self._data.sizes()

    def examples(self, epoch: int) -> Iterator[Example]:
        """The examples of an epoch."""
        return self._data.epoch(epoch)

    def backward(self, batch: Sequence[Example]) -> float:
        """Add the gradients of a batch and return its loss."""
        same = self._same(batch)
        scale = self.model.logit_scale
        if self._vectors is not None:
            fixed = self._vectors[[example.picture for example in batch]].to(self._processes.device)
            return backward_embeddings(
                batch,
                self._options.micro_batch,
                lambda part: (self._embed_texts(part),),
                lambda texts: losses.contrastive(fixed, texts, scale, same),
                self._processes,
            )
        return backward_embeddings(
            batch,
            self._options.micro_batch,
            lambda part: (self._embed_pictures(part), self._embed_texts(part)),
            lambda pictures, texts: losses.contrastive(pictures, texts, scale, same),
            self._processes,
        )

    def after_step(self) -> None:
        """Clamp the learned scale."""
        losses.clamp_scale(self.model.logit_scale)

    def validate(self) -> dict[str, float]:
        """The scores of what is held out."""
        return self._validate()

    def _same(self, batch: Sequence[Example]) -> Tensor:
        numbers: dict[str, int] = {}
        texts = [numbers.setdefault(example.text, len(numbers)) for example in batch]
        groups = [example.group for example in batch]
        device = self._processes.device
        return losses.same_pairs(torch.tensor(groups, device=device), torch.tensor(texts, device=device))

    def _embed_texts(self, part: Sequence[Example]) -> Tensor:
        with autocast(self._options, self._processes.device):
            return self._dual.embed_texts([example.text for example in part], self._processes.device)

    def _embed_pictures(self, part: Sequence[Example]) -> Tensor:
        pictures = self._preparation.read([self._data.pictures[example.picture] for example in part])
        pixels = self._preparation.prepare(pictures, self._processes.device)
        with autocast(self._options, self._processes.device):
            return self._dual.embed_pixels(pixels)
