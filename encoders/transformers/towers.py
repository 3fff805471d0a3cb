"""Loading one tower of a dual encoder through transformers, and refusing what is not whole.

transformers loads a model as a whole. Here its class is built without the other tower, so that loading reads
only the tensors that are left; renaming of old keys, shards and file formats stay transformers' work.
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
from .checkpoint import Checkpoint

if TYPE_CHECKING:
    import torch

# Read by transformers while it loads: without it, a checkpoint that has no safetensors file starts a thread
# that asks the hub to convert it.
os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")

log = logging.getLogger(__name__)

Part = Literal["text_model", "vision_model"]
_HERE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Without the second, transformers asks on standard input whether it may run a checkpoint's code."""

_LOADING = threading.RLock()
"""transformers keeps loading state in globals (default dtype, verbosity): one load at a time."""


def load_tower(checkpoint: Checkpoint, part: Part, device: torch.device, dtype: torch.dtype) -> Any:
    """Return the checkpoint's model with only one tower, frozen, on `device` in `dtype`.

    It has `get_text_features` or `get_image_features`. Raises EncoderUnavailable if the weights are damaged
    or incomplete: transformers itself would fill missing tensors with random numbers.
    """
    other: Part = "vision_model" if part == "text_model" else "text_model"
    with _LOADING, _quiet(), clear_errors(checkpoint):
        model, report = _without(_model_class(checkpoint), other).from_pretrained(
            str(checkpoint.path),
            dtype=dtype,
            **_HERE,
            output_loading_info=True,
            use_safetensors=checkpoint.weights[0].name.startswith("model."),
        )
        absent = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
        if absent:
            raise EncoderUnavailable(
                f"The weights of {checkpoint.name} lack {len(absent)} tensors, {absent[0]} for one.",
                "Fetch the checkpoint again.",
            )
        return model.requires_grad_(False).eval().to(device)


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """Return the checkpoint's tokenizer. Raises EncoderUnavailable."""
    from transformers import AutoTokenizer

    with _LOADING, _quiet(), clear_errors(checkpoint):
        return AutoTokenizer.from_pretrained(str(checkpoint.path), **_HERE)


def load_preparation(checkpoint: Checkpoint) -> Any:
    """Return what turns pictures into the image tower's input, with PIL. Raises EncoderUnavailable."""
    from transformers import AutoImageProcessor

    with _LOADING, _quiet(), clear_errors(checkpoint):
        # Another backend resizes with other rounding: the vectors would differ between machines.
        return AutoImageProcessor.from_pretrained(str(checkpoint.path), backend="pil", **_HERE)


def logit_scale(checkpoint: Checkpoint) -> float:
    """Factor between cosine and logit: exp of the parameter, read in its stored precision, towers aside."""
    import torch

    with clear_errors(checkpoint):
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

    config = AutoConfig.from_pretrained(str(checkpoint.path), **_HERE)
    return AutoModel._model_mapping[type(config)]


def _without(base: Any, part: Part) -> Any:
    """Return `base` as a class whose instances have no `part`."""

    def build(self: Any, config: Any, *args: Any, **kwargs: Any) -> None:
        base.__init__(self, config, *args, **kwargs)
        delattr(self, part)

    # transformers finds the renaming of old checkpoints' keys by the class's name and module.
    return type(base.__name__, (base,), {"__init__": build, "__module__": base.__module__})


@contextmanager
def clear_errors(checkpoint: Checkpoint, done: str = "loaded") -> Iterator[None]:
    """Turn whatever transformers, torch, tokenizers and safetensors raise over a stranger's files into one line."""
    try:
        yield
    except PolyglanceError:
        raise
    except Exception as error:
        log.debug("%s cannot be %s", checkpoint.path, done, exc_info=True)
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else ""
        raise EncoderUnavailable(
            f"{checkpoint.name} cannot be {done} ({type(error).__name__}: {reason}).",
            "Its files are damaged or incomplete: fetch the checkpoint again. Or is memory short?",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' progress bars and reports on unused tensors off the terminal."""
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
