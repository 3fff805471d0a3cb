"""Feeds pictures to an image tower, so that a graphics card never waits: threads prepare pieces ahead, pixels go up as
bytes from pinned memory on a stream of their own, and the card normalises them.

    pictures ── threads: resize, crop ──> bytes, pinned ── copy stream ──> normalise, tower ──> vectors

While the card computes a piece, the next is uploaded and those after it are prepared. Only torch, NumPy and Pillow are
needed, so that `benchmarks.gpu` can use it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from . import fitting

PIECE = 128
"""Most pictures that are prepared and computed together."""
PARTS = 8
"""Threads that prepare, and parts of a piece."""
AHEAD = 2
"""Pieces that are prepared ahead."""
QUEUED = 2
"""Pieces that the card has been given and whose vectors were not read yet."""


def encode_pictures(
    tower: Any, encode: Callable[..., Any], preparation: Any, images: Sequence[Any]
) -> npt.NDArray[np.float32]:
    """Encode pictures to unit vectors, (n, dimension) float32, in the order given.

    `tower` has `device` and `dtype`; `encode(pixel_values=…)` returns an output with `pooler_output`.
    """
    rows = list(stream(tower, encode, preparation, images, min(piece_size(tower), max(1, len(images)))))
    return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def stream(
    tower: Any, encode: Callable[..., Any], preparation: Any, images: Iterable[Any], piece: int = PIECE
) -> Iterator[npt.NDArray[np.float32]]:
    """Encode pictures as they come, and yield the unit vectors of each `piece` of them, in order."""
    import torch

    is_card = tower.device.type == "cuda"
    uploads = torch.cuda.Stream(tower.device) if is_card else None  # type: ignore[no-untyped-call]
    normalise = _normaliser(preparation, tower)
    queued: deque[tuple[Any, Any]] = deque()
    with ThreadPoolExecutor(min(PARTS, os.cpu_count() or 1), "prepare") as pool:
        for inputs in _prepared_ahead(pool, preparation, images, piece, pinned=is_card):
            with torch.inference_mode():  # not around a yield: the caller would compute in it too
                projected = encode(**normalise(_upload(inputs, tower, uploads))).pooler_output.float()
                queued.append(_download(torch.nn.functional.normalize(projected, dim=-1)))
            if len(queued) > QUEUED:
                yield _wait_for(*queued.popleft())
        for rows, copied in queued:
            yield _wait_for(rows, copied)


def piece_size(tower: Any) -> int:
    """How many pictures the tower computes at once: PIECE, or as many as fit into its card's free memory."""
    import torch

    if tower.device.type != "cuda":
        return PIECE
    cached = torch.cuda.memory_reserved(tower.device) - torch.cuda.memory_allocated(tower.device)
    free = torch.cuda.mem_get_info(tower.device)[0] + cached
    config = getattr(tower.config, "vision_config", tower.config)
    return fitting.batch_size(free, fitting.bytes_per_picture(config, tower.dtype.itemsize), PIECE)


def prepare(preparation: Any, images: Sequence[Any]) -> dict[str, Any]:
    """The inputs of the tower; pixels as bytes, which the card will normalise, where it can."""
    if _normalises(preparation):
        return dict(preparation(images=list(images), do_rescale=False, do_normalize=False, return_tensors="pt"))
    return dict(preparation(images=list(images), return_tensors="pt"))


def _normalises(preparation: Any) -> bool:
    """Whether the card can normalise: not where a processor cuts pictures into patches."""
    steps = ("do_rescale", "do_normalize")
    return all(getattr(preparation, step, False) for step in steps) and not hasattr(preparation, "patch_size")


def _normaliser(preparation: Any, tower: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what scales and normalises pixels in float32 on their device, and converts them to the tower's dtype."""
    import torch

    is_needed = _normalises(preparation)
    if is_needed:  # once: copying them for each piece would wait for the card
        means, deviations = (
            torch.tensor(values, device=tower.device).view(1, -1, 1, 1)
            for values in (preparation.image_mean, preparation.image_std)
        )

    def normalise(inputs: dict[str, Any]) -> dict[str, Any]:
        if is_needed:
            pixels = inputs["pixel_values"].float() * float(preparation.rescale_factor)
            inputs = {**inputs, "pixel_values": (pixels - means) / deviations}
        return {key: value.to(tower.dtype) if value.is_floating_point() else value for key, value in inputs.items()}

    return normalise


def _prepared_ahead(
    pool: ThreadPoolExecutor, preparation: Any, images: Iterable[Any], piece: int, *, pinned: bool
) -> Iterator[dict[str, Any]]:
    """Prepare pieces in parts, AHEAD of them ahead of the consumer."""
    remaining = iter(images)
    running: deque[list[Future[dict[str, Any]]]] = deque()
    size = -(-piece // PARTS)
    while True:
        while len(running) <= AHEAD and (taken := list(islice(remaining, piece))):
            parts = [taken[start : start + size] for start in range(0, len(taken), size)]
            running.append([pool.submit(prepare, preparation, part) for part in parts])
        if not running:
            return
        yield _joined([future.result() for future in running.popleft()], pinned=pinned)


def _joined(parts: list[dict[str, Any]], *, pinned: bool) -> dict[str, Any]:
    import torch

    joined = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    return {key: value.pin_memory() for key, value in joined.items()} if pinned else joined


def _upload(inputs: dict[str, Any], tower: Any, uploads: Any) -> dict[str, Any]:
    """Copy inputs to the tower's device; on a card while it computes, on the stream `uploads`."""
    import torch

    with torch.cuda.stream(uploads) if uploads is not None else nullcontext():
        on_device = {key: value.to(tower.device, non_blocking=True) for key, value in inputs.items()}
    if uploads is not None:
        computing = torch.cuda.current_stream(tower.device)
        computing.wait_stream(uploads)
        for value in on_device.values():
            value.record_stream(computing)
    return on_device


def _download(rows: Any) -> tuple[Any, Any]:
    """Begin to copy vectors to main memory. Returns them, and the event after which they are complete (or None)."""
    import torch

    if rows.device.type != "cuda":
        return rows.cpu(), None
    copied = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
    copied.copy_(rows, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return copied, event


def _wait_for(rows: Any, copied: Any) -> npt.NDArray[np.float32]:
    if copied is not None:
        copied.synchronize()
    return np.array(rows.numpy(), np.float32)
