"""Loads whole models for training: a dual encoder with both towers, or an XLM-R text model."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import EncoderUnavailable, UnknownEncoder
from . import contents, towers
from .checkpoint import TOKENIZER_FILES, WEIGHTS, Checkpoint
from .hub import SHARDS, split_revision
from .models import HUB_ID

XLM_R_TYPES = frozenset({"xlm-roberta"})
"""`model_type` of text models whose layers are AltCLIP's text tower."""


def load_model(checkpoint: Checkpoint) -> Any:
    """The checkpoint's model on the CPU, in the precision in which it is stored. Raises EncoderUnavailable."""
    from transformers import AutoModel

    return _load(AutoModel, checkpoint.path, checkpoint.name)


def load_xlm_r(path: Path, name: str) -> Any:
    """The XLM-R model in a directory, without its pooling layer, in float32. Raises EncoderUnavailable."""
    from transformers import XLMRobertaModel

    return _load(XLMRobertaModel, path, name, add_pooling_layer=False).float()


def load_tokenizer(path: Path, name: str) -> Any:
    """The tokenizer in a directory. Raises EncoderUnavailable."""
    from transformers import AutoTokenizer

    with _loading(path, name):
        return AutoTokenizer.from_pretrained(str(path), **towers._LOCAL_ONLY)


def save_model(model: Any, folder: Path, state: dict[str, Any]) -> None:
    """Write a model's configuration, and the tensors `state` as one safetensors file. Raises OSError."""
    from safetensors import SafetensorError

    with towers._LOAD_LOCK, towers._quiet():
        try:
            model.save_pretrained(folder, state_dict=state, max_shard_size="100GB")
        except SafetensorError as error:  # its text has the system's
            number = errno.ENOSPC if "No space" in str(error) else errno.EIO
            raise OSError(number, os.strerror(number)) from error


def find_text_model(name: str) -> Path:
    """The directory of an XLM-R model: a directory, or a hub id, which is fetched.

    Raises UnknownEncoder if there is none, EncoderUnavailable if the hub cannot be reached.
    """
    folder = Path(os.path.abspath(os.path.expanduser(name)))
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(name):
        raise UnknownEncoder(f"There is no directory {name}.", "Give the directory or hub id of an XLM-R model.")
    from huggingface_hub import snapshot_download

    repo_id, revision = split_revision(name)
    patterns = ["config.json", *TOKENIZER_FILES, *WEIGHTS, *SHARDS.values()]
    try:
        return Path(snapshot_download(repo_id, revision=revision, allow_patterns=patterns))
    except Exception as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise EncoderUnavailable(f"{name} cannot be fetched ({reason}).", "Give the directory of a copy.") from error


def model_type(path: Path, name: str) -> str:
    """`model_type` of config.json. Raises NotADualEncoder if there is none, EncoderUnavailable if it is damaged."""
    config = contents.read_object(path / "config.json", name)
    contents.check_sizes(config, name)
    contents.check_code(config, "config.json", name)
    return str(config.get("model_type", ""))[:40]


def _load(base: Any, path: Path, name: str, **options: Any) -> Any:
    """Raises EncoderUnavailable if a tensor is missing; transformers itself would fill it with random numbers."""
    with _loading(path, name):
        model, report = base.from_pretrained(
            str(path), dtype="auto", output_loading_info=True, **options, **towers._LOCAL_ONLY
        )
        missing = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
        if missing:
            raise EncoderUnavailable(
                f"The weights of {name} lack {len(missing)} tensors, {missing[0]} for one.", "Fetch it again."
            )
    return model


@contextmanager
def _loading(path: Path, name: str) -> Iterator[None]:
    with towers._LOAD_LOCK, towers._quiet(), towers.translate_errors(Checkpoint(name, path, "", {}, (), ())):
        yield
