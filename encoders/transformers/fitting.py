"""Batches that fit into memory: one that does not is halved and encoded all the same, so that nothing is lost.

Only torch is needed, so that `benchmarks.gpu` can use it.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import EncoderUnavailable

log = logging.getLogger("polyglance")

_MESSAGES = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "out_of_memory",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",
)
"""How torch (CPU, CUDA, MPS), oneDNN, cuBLAS and the C++ library name it, in a RuntimeError."""

MEMORY_SHARE = 0.5
"""The part of a graphics card's free memory that a batch may take; the rest is for fragments and other programs."""


@dataclass(slots=True)
class FittingBatches:
    """Encodes in batches of at most `size`, which shrinks when a batch does not fit into memory."""

    size: int
    unit: str
    """What is encoded, for the message: pictures, texts."""
    move: Callable[[], bool] = lambda: False
    """Called when not even one fits: moves the tower to where there is more memory. False if there is no such place."""

    def encode(
        self, indices: Sequence[int], encode: Callable[[list[int]], npt.NDArray[np.float32]]
    ) -> Iterator[tuple[list[int], npt.NDArray[np.float32]]]:
        """Yield each batch of `indices` with its vectors, in order. Raises EncoderUnavailable if not even one fits."""
        start = 0
        while start < len(indices):
            batch = list(indices[start : start + self.size])
            try:
                vectors = encode(batch)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                vectors = None
            # Only here are the error and the tensors of its frames gone.
            if vectors is None:
                self._shrink(len(batch))
            else:
                yield batch, vectors
                start += len(batch)

    def _shrink(self, count: int) -> None:
        release_cached()
        if count > 1:
            self.size = count // 2
            log.warning(
                f"Memory is too short for {count} {self.unit} at once: encoding {self.size} at once from now on."
            )
        elif not self.move():
            raise EncoderUnavailable(
                f"Memory is too short to encode even one of the {self.unit}.",
                "Close other programs, or use the encoder lite.",
            )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that caused it, is that memory was short."""
    here: BaseException | None = error
    while here is not None:
        if isinstance(here, MemoryError) or type(here).__name__ == "OutOfMemoryError":
            return True
        text = str(here).lower()
        if isinstance(here, RuntimeError) and any(message in text for message in _MESSAGES):
            return True
        here = here.__cause__
    return False


def place(model: Any, device: Any) -> Any:
    """Move a model to `device`, or to the processor if it does not fit there."""
    try:
        return model.to(device)
    except RuntimeError as error:
        if device.type == "cpu" or not is_out_of_memory(error):
            raise
    _give_up_card(model)  # here the error and the tensors of its frames are gone
    return model


def move_to_processor(model: Any) -> bool:
    """Move a model to the processor, in one line of the log; False if it is there."""
    if all(parameter.device.type == "cpu" for parameter in model.parameters()):
        return False
    _give_up_card(model)
    return True


def _give_up_card(model: Any) -> None:
    model.to("cpu")
    release_cached()
    log.warning("The graphics card's memory is too short for the encoder: it runs on the processor, which is slower.")


def release_cached() -> None:
    """Give memory that torch keeps for later back to the graphics card."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()


def bytes_per_picture(config: Any, item_bytes: int) -> int:
    """Memory that a ViT of this vision configuration takes for one more picture of a batch, without gradients.

    A layer holds its input, a residual, the normalised input, query, key, value, the attention's output, and both sides
    of the MLP's activation; pictures come as bytes and as float32.
    """
    side = int(config.image_size)
    tokens = (side // int(config.patch_size)) ** 2 + 1
    layer = tokens * (7 * int(config.hidden_size) + 2 * int(config.intermediate_size)) * item_bytes
    return layer + 3 * side * side * (1 + 4 + item_bytes)


def batch_size(free_bytes: int, item_bytes: int, most: int) -> int:
    """The largest power of two of items that fit into MEMORY_SHARE of the free memory, from 1 to `most`."""
    fitting = max(1, int(free_bytes * MEMORY_SHARE) // item_bytes)
    return int(min(most, 1 << (fitting.bit_length() - 1)))
