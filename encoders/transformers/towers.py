"""Loads one tower of a dual encoder through transformers, and refuses incomplete checkpoints.

transformers loads a model as a whole. Here its class is built without the other tower, so that only the remaining
tensors are read. transformers still handles renamed keys, shards and file formats.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from zipfile import is_zipfile

from ...errors import EncoderUnavailable, NotADualEncoder, PolyglanceError
from . import fitting
from .checkpoint import Checkpoint

if TYPE_CHECKING:
    import torch

# transformers reads it while it loads. Without it, a checkpoint without a safetensors file starts a thread that asks
# the hub to convert the checkpoint.
os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")

log = logging.getLogger(__name__)

Part = Literal["text_model", "vision_model"]
_LOCAL_ONLY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Without `trust_remote_code=False`, transformers asks on standard input whether it may run a checkpoint's code."""

_LOAD_LOCK = threading.RLock()
"""Only one thread loads at a time, because transformers uses global state (default dtype, verbosity)."""


def load_tower(checkpoint: Checkpoint, part: Part, device: torch.device, dtype: torch.dtype) -> Any:
    """Return the checkpoint's model with only one tower, frozen, on `device` in `dtype`.

    It has `get_text_features` or `get_image_features`. Raises EncoderUnavailable if the weights are damaged or
    incomplete; transformers itself would fill missing tensors with random numbers.
    """
    unused_part: Part = "vision_model" if part == "text_model" else "text_model"
    with _LOAD_LOCK, _quiet(), translate_errors(checkpoint):
        model, report = _without_part(_model_class(checkpoint), unused_part).from_pretrained(
            str(checkpoint.path),
            dtype=dtype,
            **_LOCAL_ONLY,
            output_loading_info=True,
            use_safetensors=checkpoint.weights[0].name.startswith("model."),
        )
        missing = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
        if missing:
            raise EncoderUnavailable(
                f"The weights of {checkpoint.name} lack {len(missing)} tensors, {missing[0]} for one.",
                "Fetch the checkpoint again.",
            )
        return fitting.place(model.requires_grad_(False).eval(), device)


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """Return the checkpoint's tokenizer. Raises EncoderUnavailable."""
    from transformers import AutoTokenizer

    with _LOAD_LOCK, _quiet(), translate_errors(checkpoint):
        return AutoTokenizer.from_pretrained(str(checkpoint.path), **_LOCAL_ONLY)


def load_preparation(checkpoint: Checkpoint) -> Any:
    """Return the checkpoint's image processor, with PIL as its backend. Raises EncoderUnavailable."""
    from transformers import AutoImageProcessor

    with _LOAD_LOCK, _quiet(), translate_errors(checkpoint):
        # Other backends round differently when they resize: vectors would differ between machines.
        return AutoImageProcessor.from_pretrained(str(checkpoint.path), backend="pil", **_LOCAL_ONLY)


def logit_scale(checkpoint: Checkpoint) -> float:
    """Factor between cosine and logit: exp of the stored parameter, read without loading a tower."""
    import torch

    with translate_errors(checkpoint):
        for file in checkpoint.weights:
            if file.suffix == ".safetensors":
                from safetensors import safe_open

                with safe_open(str(file), framework="pt") as tensors:
                    if "logit_scale" in tensors.keys():  # noqa: SIM118 - it is no mapping
                        return float(tensors.get_tensor("logit_scale").float().exp().item())
            elif file.suffix == ".bin":
                state = torch.load(file, map_location="cpu", mmap=is_zipfile(file), weights_only=True)
                if "logit_scale" in state:
                    return float(state["logit_scale"].float().exp().item())
    raise NotADualEncoder(f"{checkpoint.name} has no logit_scale.", "Use a dual encoder's checkpoint.")


def _model_class(checkpoint: Checkpoint) -> Any:
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(str(checkpoint.path), **_LOCAL_ONLY)
    return AutoModel._model_mapping[type(config)]


def _without_part(base: Any, part: Part) -> Any:
    """Return `base` as a class whose instances have no `part`."""

    def build(self: Any, config: Any, *args: Any, **kwargs: Any) -> None:
        base.__init__(self, config, *args, **kwargs)
        delattr(self, part)

    # transformers looks up how to rename old checkpoints' keys by the class's name and module.
    return type(base.__name__, (base,), {"__init__": build, "__module__": base.__module__})


@contextmanager
def translate_errors(checkpoint: Checkpoint, action: str = "loaded") -> Iterator[None]:
    """Translate errors of transformers, torch, tokenizers and safetensors into EncoderUnavailable, one line each."""
    try:
        yield
    except PolyglanceError:
        raise
    except Exception as error:
        log.debug("%s cannot be %s", checkpoint.path, action, exc_info=True)
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else ""
        raise EncoderUnavailable(
            f"{checkpoint.name} cannot be {action} ({type(error).__name__}: {reason}).",
            "Its files are damaged or incomplete: fetch the checkpoint again. Or is memory short?",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence transformers' progress bars and its reports of unused tensors."""
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
