"""The interface of a tower that was compiled for this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Inputs: TypeAlias = Mapping[str, npt.NDArray[Any]]
"""What a tower takes, by the names that transformers gives them; the first axis of each is the batch."""

Projected: TypeAlias = npt.NDArray[np.float32]
"""Shape (n, dimension), not normalised."""

Runtime = Literal["torch", "openvino"]

LEAST_COSINE = 0.99
"""Vectors of two precisions of one checkpoint may meet from this cosine on. A tower below it is never used."""


class Tower(Protocol):
    """One tower of a dual encoder. Several threads may call it."""

    @property
    def runtime(self) -> Runtime:
        """What computes it."""

    @property
    def precision(self) -> str:
        """`float32`, `bfloat16`, `float16` or `int8`."""

    def project(self, inputs: Inputs) -> Projected:
        """Compute the projected vectors of a batch of any size. Raises TowerUnusable."""


class TowerUnusable(Exception):
    """A runtime cannot compile or compute a tower; another one may. The message is one line for the log."""


def one_line(error: BaseException) -> str:
    """The kind of an error and the first line of its message, at most 160 characters."""
    lines = str(error).strip().splitlines() or [""]
    # OpenVINO's messages begin with places in its source.
    text = next((line for line in lines if not line.startswith(("Exception from", "Check '"))), lines[0])
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__
