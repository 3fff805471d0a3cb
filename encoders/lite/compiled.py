"""EfficientNet-Lite2 through OpenVINO: the same logits as `efficientnet` (within 1e-4), in half of the time.

OpenVINO comes with the extra `fast`. The folded weights are kept in the user's cache, so that neither torch nor the
package's file is read again. A file that is missing, damaged or cannot be written only costs time.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from ..runtimes import convolutions
from ..runtimes.base import one_line
from . import sentences
from .architecture import PIXEL_DEVIATION, PIXEL_MEAN, SIDE, STAGES, WEIGHTS_PACKAGE

FORM = 1
"""Increase it when the layout of the file changes."""

log = logging.getLogger("polyglance")


def load() -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]] | None:
    """Return a function from pixels (SIDE, SIDE, 3) to logits (1000,), for any number of threads; None if it fails."""
    try:
        weights = _folded_weights(default_file())
        return convolutions.compile_network(weights, STAGES, side=SIDE, mean=PIXEL_MEAN, deviation=PIXEL_DEVIATION)
    except Exception as error:  # noqa: BLE001 - a runtime is an acceleration: whatever fails in it, torch computes
        log.warning(f"OpenVINO cannot run the lite encoder, so torch does ({one_line(error)}).")
        return None


def default_file() -> Path:
    """The file of the folded weights. Its name has the version of the package that they come from."""
    folder = Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "lite"
    return folder / f"{version(WEIGHTS_PACKAGE.replace('_', '-'))}-{FORM}.bin"


def _folded_weights(file: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, KeyError):
        return sentences.read(file)
    from . import efficientnet

    state = efficientnet.load().state_dict()
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in state.items()}
    with contextlib.suppress(OSError):
        sentences.write(file, arrays)
    return arrays
