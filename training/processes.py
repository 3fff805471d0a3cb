"""One process, or several that share each batch (`accelerate launch`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from ..config import Settings
from ..encoders.transformers import precision
from ..errors import UsageError

T = TypeVar("T")


class Processes(Protocol):
    """The processes of a run. All hold the same weights and see the same batches."""

    device: torch.device
    rank: int
    count: int

    def share(self, examples: Sequence[T]) -> Sequence[T]:
        """The part of a batch that this process computes."""

    def range(self, examples: Sequence[Any]) -> range:
        """The rows of that part."""

    def gather(self, rows: Tensor, examples: Sequence[Any]) -> Tensor:
        """The rows of all processes, in the order of the batch, without gradients."""

    def sum(self, value: Tensor) -> Tensor:
        """The sum over the processes."""

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace gradients by their sums over the processes."""

    def agree(self, value: T) -> T:
        """The value of the first process."""


class SingleProcess:
    """No other processes: nothing is exchanged."""

    rank = 0
    count = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def share(self, examples: Sequence[T]) -> Sequence[T]:
        """The whole batch."""
        return examples

    def range(self, examples: Sequence[Any]) -> range:
        """All rows."""
        return range(len(examples))

    def gather(self, rows: Tensor, examples: Sequence[Any]) -> Tensor:
        """The rows themselves."""
        return rows.detach().clone()

    def sum(self, value: Tensor) -> Tensor:
        """The value itself."""
        return value

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Leave the gradients as they are."""

    def agree(self, value: T) -> T:
        """The value itself."""
        return value


class SeveralProcesses:
    """Processes that `accelerate launch` or `torchrun` started."""

    def __init__(self, settings: Settings) -> None:
        try:
            from accelerate import PartialState
        except ImportError:
            raise UsageError(
                "Training in several processes needs accelerate.", "Install it: pip install 'polyglance[train]'"
            ) from None
        self._state = PartialState(cpu=precision.device(settings).type == "cpu")
        self.device = self._state.device
        self.rank = self._state.process_index
        self.count = self._state.num_processes

    def share(self, examples: Sequence[T]) -> Sequence[T]:
        """Neighbouring examples; the shares differ in length by one at most."""
        rows = self.range(examples)
        return examples[rows.start : rows.stop]

    def range(self, examples: Sequence[Any]) -> range:
        """The rows of that share."""
        total = len(examples)
        return range(self.rank * total // self.count, (self.rank + 1) * total // self.count)

    def gather(self, rows: Tensor, examples: Sequence[Any]) -> Tensor:
        """A sum of matrices in which each process has filled its rows: shares may differ in length."""
        whole = torch.zeros((len(examples), *rows.shape[1:]), dtype=rows.dtype, device=rows.device)
        own = self.range(examples)
        whole[own.start : own.stop] = rows.detach()
        return self.sum(whole)

    def sum(self, value: Tensor) -> Tensor:
        """The sum over the processes."""
        from accelerate.utils import reduce

        return reduce(value, "sum")  # type: ignore[no-any-return]

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace gradients by their sums; a parameter that this process did not use has a gradient of 0."""
        for parameter in parameters:
            own = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad = self.sum(own)

    def agree(self, value: T) -> T:
        """The value of the first process, sent to the others."""
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]  # type: ignore[no-any-return]


def join(settings: Settings) -> Processes:
    """The processes of this run, as the environment tells. Raises UsageError without accelerate."""
    if int(os.environ.get("WORLD_SIZE") or 1) > 1:
        return SeveralProcesses(settings)
    return SingleProcess(precision.device(settings))
