"""The two sides of a checkpoint: what the vectors of pictures depend on, and what else those of texts depend on.

A side is described so that the file format does not matter: hub repositories of 2022 and what transformers writes today
name keys, layers and picture sizes differently.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import is_zipfile

from . import contents
from .checkpoint import PREPROCESSOR_FILES, TOKENIZER_FILES, Checkpoint

if TYPE_CHECKING:
    import torch

NOT_IDENTITY = frozenset(
    {"_commit_hash", "_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"}
)
"""Keys of JSON files that describe a checkpoint's origin or storage, and do not affect its outputs."""

IMAGE_TENSORS = ("vision_model.", "visual_projection.")
TEXT_TENSORS = ("text_model.", "text_projection.")
"""Prefixes of a side's tensors. Other tensors belong to both sides, except those of NO_SIDE."""
NO_SIDE = re.compile(r"logit_scale|logit_bias|.*position_ids")
"""Tensors that no vector depends on: the factor of `match`, and counters that old versions of transformers saved."""

_CLIP_TOWER = {
    "hidden_act": "quick_gelu",
    "hidden_size": 768,
    "image_size": 224,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-5,
    "num_attention_heads": 12,
    "num_channels": 3,
    "num_hidden_layers": 12,
    "patch_size": 32,
}
_SIGLIP_TOWER = {
    **_CLIP_TOWER,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
    "patch_size": 16,
    "vision_use_head": True,
}
IMAGE_TOWERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "altclip": ("clip", _CLIP_TOWER),  # AltCLIP is a CLIP with another text tower
    "clip": ("clip", _CLIP_TOWER),
    "metaclip_2": ("metaclip_2", _CLIP_TOWER),
    "chinese_clip": ("chinese_clip", _CLIP_TOWER),
    "siglip": ("siglip", _SIGLIP_TOWER),
    "siglip2": ("siglip2", {**_SIGLIP_TOWER, "num_patches": 256}),
}
"""By `model_type`: the image tower, and all keys of `vision_config` that its outputs depend on, with their defaults."""

NOT_PICTURES = frozenset({"auto_map", "do_convert_rgb", "feature_extractor_type", "processor_class"})
"""Keys of an image processor that change nothing: pictures come as RGB."""
_RESCALES = {"do_rescale": True, "rescale_factor": 1 / 255}
"""What image processors of 2022 did without saying so."""


class Tensors(NamedTuple):
    """SHA-256 of the tensors of the two sides."""

    image: str
    text: str


def tensor_sums(weights: tuple[Path, ...]) -> Tensors:
    """The checksums over names, dtypes, shapes and bytes of the tensors in all weights files, in order of names.

    Reads every byte once, memory-mapped. Raises what safetensors and torch raise about damaged files.
    """
    sums = {name: _tensor_sum(tensor) for file in weights for name, tensor in tensors(file)}
    image, text = hashlib.sha256(), hashlib.sha256()
    for name in sorted(sums):
        line = f"{name} {sums[name]}\n".encode()
        if not name.startswith(TEXT_TENSORS):
            image.update(line)
        if not name.startswith(IMAGE_TENSORS):
            text.update(line)
    return Tensors(image.hexdigest(), text.hexdigest())


def image_settings(checkpoint: Checkpoint) -> str:
    """The image tower's architecture and the preparation of pictures, as JSON."""
    kind, defaults = IMAGE_TOWERS[checkpoint.model_type]
    config = checkpoint.section("vision_config")
    tower = {key: default if config.get(key) is None else config[key] for key, default in defaults.items()}
    return json.dumps({"kind": kind, "tower": tower, "pictures": _preparation(checkpoint)}, sort_keys=True)


def text_settings(checkpoint: Checkpoint) -> str:
    """SHA-256 of the rest of the configuration, the tokenizer, and how texts are truncated and padded."""
    config = {key: value for key, value in checkpoint.config.items() if not key.startswith("vision_config")}
    digest = hashlib.sha256(json.dumps(strip_origin(config), sort_keys=True).encode())
    for name in TOKENIZER_FILES:
        if (file := checkpoint.path / name).is_file():
            data = file.read_bytes()
            digest.update(f"{name} {len(data)} ".encode() + data)
    digest.update(f"text {checkpoint.text_length} {checkpoint.family.pads_to_length}".encode())
    return digest.hexdigest()


def strip_origin(value: Any) -> Any:
    """A JSON value without the keys of NOT_IDENTITY."""
    if isinstance(value, dict):
        return {key: strip_origin(item) for key, item in value.items() if key not in NOT_IDENTITY}
    return value


def _preparation(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """The image processor's settings, in the form of today's files."""
    files = [checkpoint.path / name for name in PREPROCESSOR_FILES]
    documents = [contents.read_object(file, checkpoint.name) for file in files if file.is_file()]
    nested = [each["image_processor"] for each in documents if isinstance(each.get("image_processor"), dict)]
    document = dict((nested or documents)[0])
    kind = document.pop("image_processor_type", None) or document.get("feature_extractor_type") or ""
    kind = contents.current_class_name(str(kind)).removesuffix("Pil")
    if kind == "CLIPImageProcessor":
        size, crop = document.get("size"), document.get("crop_size")
        document["size"] = {"shortest_edge": size} if isinstance(size, int) else size
        document["crop_size"] = {"height": crop, "width": crop} if isinstance(crop, int) else crop
    settings = {key: value for key, value in document.items() if value is not None and key not in NOT_PICTURES}
    return {"kind": kind, **_RESCALES, **strip_origin(settings)}


def tensors(file: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """(name, tensor mapped from the file) of a weights file; nothing for an index. Raises as `tensor_sums`."""
    import torch

    if file.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(str(file), framework="pt") as stored:
            for name in stored.keys():  # noqa: SIM118 - it is no mapping
                if not NO_SIDE.fullmatch(name):
                    yield _current_name(name), stored.get_tensor(name)
    elif file.suffix == ".bin":
        state = torch.load(file, map_location="cpu", mmap=is_zipfile(file), weights_only=True)
        for name, tensor in state.items():
            if isinstance(tensor, torch.Tensor) and not NO_SIDE.fullmatch(name):
                yield _current_name(name), tensor


def _current_name(name: str) -> str:
    """transformers loads layers as `layers`, and saves them again as `layer` where old checkpoints said so."""
    return name.replace(".encoder.layer.", ".encoder.layers.")


def _tensor_sum(tensor: torch.Tensor) -> str:
    import torch

    data = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()
    return f"{tensor.dtype} {tuple(tensor.shape)} {hashlib.sha256(data.data).hexdigest()}"
