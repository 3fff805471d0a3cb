"""The image tower of `lite`: the network through the fastest runtime there is, and the threads that compute with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ... import priority
from ..runtimes import openvino_
from . import compiled

Network: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""From pixels (SIDE, SIDE, 3) to logits (1000,), safe to call from several threads."""


class ImageTower(NamedTuple):
    """The network and its threads. A single picture, of a query, does not wait for a batch, of an index run."""

    network: Network
    single: ThreadPoolExecutor
    batch: ThreadPoolExecutor
    runtime: str


def load(runtime: str) -> ImageTower:
    """Load the network: through OpenVINO if it is installed and `runtime` is not `torch`, else through torch.

    Raises EncoderUnavailable.
    """
    if runtime != "torch" and openvino_.is_installed() and (network := compiled.load()):
        start: Callable[..., ThreadPoolExecutor] = start_threads
        name = "openvino"
    else:
        network, start, name = _load_torch(), start_torch_threads, "torch"
    single = start(1, give_way=False)
    return ImageTower(network, single, start(os.cpu_count() or 1, give_way=True), name)


def _load_torch() -> Network:
    from . import efficientnet

    network = efficientnet.load()
    return lambda pixels: efficientnet.logits(network, pixels[None])[0]


def start_threads(count: int, *, give_way: bool, prepare: Callable[[], object] = lambda: None) -> ThreadPoolExecutor:
    """Start threads that each call `prepare`; with `give_way` they have a low priority.

    On two cores a picture takes 22 ms when each core has its own picture, 31 ms when all cores share one picture, and
    34 ms in a batch on all cores.
    """
    started = Barrier(count + 1)

    def begin() -> None:
        if give_way:
            priority.give_way()
        prepare()
        started.wait()

    pool = ThreadPoolExecutor(count, "lite-images")
    for _ in range(count):
        pool.submit(begin)
    started.wait()
    return pool


def start_torch_threads(count: int, *, give_way: bool) -> ThreadPoolExecutor:
    """Start threads in which torch computes on one core each; other threads keep torch's number of threads."""
    import torch

    process_threads = torch.get_num_threads()
    pool = start_threads(count, give_way=give_way, prepare=_compute_alone)
    torch.set_num_threads(process_threads)  # set_num_threads also sets the number that later threads copy
    return pool


def _compute_alone() -> None:
    import torch

    torch.get_num_threads()  # the first call copies the process's number, which would overwrite a later setting
    torch.set_num_threads(1)
