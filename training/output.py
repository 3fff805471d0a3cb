"""What comes out: a checkpoint in the Hugging Face layout, with a model card, put into the output folder at the end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .. import atomic
from ..encoders.transformers import whole
from ..encoders.transformers.checkpoint import PREPROCESSOR_FILES
from .card import model_card
from .checkpoints import FOLDER, reporting_full_disk
from .models import DualModel
from .options import Options, Result
from .selection import TOWER_PARTS

UNFINISHED = "unfinished"
"""The folder in `training/` where the files are written before they are put in their place."""


def write(dual: DualModel, result: Result, options: Options, facts: Mapping[str, Any]) -> None:
    """Write the model of a finished run with its card to the output folder. Raises DiskFull, TrainingError."""
    trains_images = options.towers != "text"
    if dual.adapter is not None:
        dual.model = dual.adapter.merge_and_unload()
        dual.adapter = None
    draft = result.output / FOLDER / UNFINISHED
    with reporting_full_disk(result.output):
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.mkdir()
            _write_model(dual, draft, trains_images=trains_images)
            (draft / "README.md").write_text(model_card(dual, result, options, facts), encoding="utf-8")
            # The configuration comes last: without it the folder is no checkpoint.
            for file in sorted(draft.iterdir(), key=lambda file: file.name == "config.json"):
                atomic.fsync(file)
                file.replace(result.output / file.name)
            atomic.fsync_folder(result.output)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _write_model(dual: DualModel, folder: Path, *, trains_images: bool) -> None:
    state = {}
    for key, value in dual.model.state_dict().items():
        # An image tower that was not trained keeps its stored precision: its tensors stay equal, byte for byte.
        unchanged = key.startswith(TOWER_PARTS["image"]) and not trains_images
        state[key] = value.detach().to("cpu", dual.dtype if unchanged else torch.float32).contiguous()
    whole.save_model(dual.model, folder, state)
    dual.tokenizer.save_pretrained(folder)
    for name in PREPROCESSOR_FILES:
        if (dual.source.path / name).is_file():
            shutil.copyfile(dual.source.path / name, folder / name)
