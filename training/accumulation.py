"""Gradients of a batch that is too large to be computed at once, and equal those of the whole batch.

A mean over examples is accumulated example by example. The contrastive loss compares every example with every other:
its gradient is computed with respect to the embeddings, which need little memory, and then carried into the model one
micro-batch at a time (GradCache, arXiv 2101.06983). Processes share a batch in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from .losses import full
from .processes import Processes

T = TypeVar("T")


def micro_batches(examples: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Split `examples` into parts of at most `size`."""
    for start in range(0, len(examples), size):
        yield examples[start : start + size]


def backward_mean(
    examples: Sequence[T], size: int, mean_loss: Callable[[Sequence[T]], Tensor], processes: Processes
) -> float:
    """Add the gradients of the mean loss of `examples`, of which each process computes its share. Returns the loss.

    `mean_loss` computes the mean of a part. The gradients of the processes are to be summed.
    """
    total = torch.zeros((), device=processes.device)
    for part in micro_batches(processes.share(examples), size):
        loss = mean_loss(part) * (len(part) / len(examples))
        loss.backward()
        total += loss.detach()
    return float(processes.sum(total))


def backward_embeddings(
    examples: Sequence[T],
    size: int,
    embed: Callable[[Sequence[T]], tuple[Tensor, ...]],
    loss: Callable[..., Tensor],
    processes: Processes,
) -> float:
    """Add the gradients of `loss(*embeddings)` of all `examples` together. Returns the loss.

    `embed` returns tensors (n, d) of a part, with gradients. The gradients of the model are to be summed over the
    processes. Every process computes the same loss, so those of parameters of the loss itself are divided by the
    number of processes.
    """
    share = processes.share(examples)
    parts = list(micro_batches(share, size))
    if processes.count == 1 and len(parts) == 1:
        value = loss(*embed(parts[0]))
        value.backward()
        return float(value.detach())
    states, columns = [], []
    for part in parts:
        states.append(_random_state())
        with torch.no_grad():
            columns.append(embed(part))
    local = [full(torch.cat(column)) for column in zip(*columns, strict=True)]
    gathered = [processes.gather(column, examples).requires_grad_() for column in local]
    value = loss(*gathered)
    (value / processes.count).backward()
    rows = processes.range(examples)
    gradients = [column.grad[rows.start : rows.stop] * processes.count for column in gathered]  # type: ignore[index]
    start = 0
    for part, state in zip(parts, states, strict=True):
        with _replayed(state):
            outputs = embed(part)
        trained = [
            (output, gradient[start : start + len(part)].to(output.dtype))
            for output, gradient in zip(outputs, gradients, strict=True)
            if output.requires_grad
        ]
        torch.autograd.backward([output for output, _ in trained], [gradient for _, gradient in trained])
        start += len(part)
    return float(value.detach())


def _random_state() -> tuple[Tensor, list[Tensor]]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return torch.get_rng_state(), cuda


class _replayed:  # noqa: N801 - a context manager
    """Inside, random numbers (dropout) are those that followed `state`; afterwards they go on as before."""

    def __init__(self, state: tuple[Tensor, list[Tensor]]) -> None:
        self._state = state

    def __enter__(self) -> None:
        self._now = _random_state()
        _restore(self._state)

    def __exit__(self, *_error: object) -> None:
        _restore(self._now)


def _restore(state: tuple[Tensor, list[Tensor]]) -> None:
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])
