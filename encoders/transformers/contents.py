"""Checks of a checkpoint's JSON files. They come from strangers: no code that they name is run, no size is trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import EncoderUnavailable, NotADualEncoder

MAX_DEPTH = 64
"""Nesting of objects and lists: more than any checkpoint has, and far below Python's limit."""

MAX_SIZES = {
    "hidden_size": 2**15,
    "image_size": 2**12,
    "intermediate_size": 2**17,
    "max_num_patches": 2**14,
    "max_position_embeddings": 2**17,
    "num_attention_heads": 2**10,
    "num_channels": 2**6,
    "num_hidden_layers": 2**9,
    "num_patches": 2**14,
    "patch_size": 2**10,
    "project_dim": 2**15,
    "projection_dim": 2**15,
    "projection_size": 2**15,
    "vocab_size": 2**24,
}
"""Limits of the sizes by which memory is allocated or layers are built, each many times that of the largest model."""

SIZES_BY_SIDE = ("image_size", "patch_size")
"""Sizes that may be a list, with a value for each side."""

TOWERS = ("text_config", "vision_config", "text_config_dict", "vision_config_dict")
PICTURE_SIZES = ("size", "crop_size", "pad_size")
CLASS_KEYS = ("architectures", "tokenizer_class", "image_processor_type", "feature_extractor_type")
"""Keys that name the class which reads the file."""


def read_object(file: Path, name: str) -> Mapping[str, Any]:
    """The JSON object in a file of the checkpoint `name`. Raises NotADualEncoder, EncoderUnavailable."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotADualEncoder(
            f"{name} is no model checkpoint: it has no {file.name}.",
            "Give a directory as transformers saves it, or a model's id on the hub.",
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderUnavailable(
            f"{file.name} of {name} cannot be read ({type(error).__name__}).", "Fetch the checkpoint again."
        ) from None
    if not isinstance(value, dict):
        raise NotADualEncoder(f"{file.name} of {name} is no JSON object.", "Fetch the checkpoint again.")
    if _is_deep(value):
        raise _error(file.name, name, f"it is nested more than {MAX_DEPTH} deep")
    return value


def check_sizes(config: Mapping[str, Any], name: str) -> None:
    """Raise EncoderUnavailable if config.json has sizes above MAX_SIZES, or a tower's configuration is no object."""
    for key in TOWERS:
        if not isinstance(config.get(key) or {}, dict):
            raise _error("config.json", name, f"{key} is no object")
    for section in (config, *(config.get(key) or {} for key in TOWERS)):
        _check_numbers("config.json", name, section)


def check_picture_sizes(preparation: Mapping[str, Any], file: str, name: str) -> None:
    """Raise EncoderUnavailable if pictures would be resized to more than the largest `image_size`."""
    _check_numbers(file, name, preparation)
    for key in PICTURE_SIZES:
        for value in flatten(preparation.get(key)):
            _check_number(file, name, key, value, MAX_SIZES["image_size"])


def check_code(document: Mapping[str, Any], file: str, name: str) -> None:
    """Raise NotADualEncoder if the file names a class that only Python code of the checkpoint defines.

    `auto_map` names such code. It is ignored beside classes that transformers defines, because those are loaded; many
    checkpoints on the hub have it for older versions of transformers.
    """
    for section in (document, *(value for value in document.values() if isinstance(value, dict))):
        if "auto_map" in section and (foreign := _foreign_classes(section)):
            raise NotADualEncoder(
                f"{name} needs Python code of its own ({foreign[0][:60]} in {file}), which is never run here.",
                "Choose a checkpoint that transformers can load by itself.",
            )
        for key in ("attn_implementation", "_attn_implementation"):
            if "/" in str(section.get(key)):
                raise NotADualEncoder(
                    f"{name} wants code from the model hub ({key} in {file}), which is never run here.",
                    "Choose another checkpoint, or take that line out of the file.",
                )


def _foreign_classes(section: Mapping[str, Any]) -> list[str]:
    import transformers

    known = set(dir(transformers))
    names = [str(value) for key in CLASS_KEYS for value in flatten(section.get(key))]
    return [name for name in names if name not in known and current_class_name(name) not in known]


def current_class_name(name: str) -> str:
    """The name in transformers 5 of a class of an older version."""
    return name.removesuffix("Fast").replace("FeatureExtractor", "ImageProcessor")


def _check_numbers(file: str, name: str, section: Mapping[str, Any]) -> None:
    for key, largest in MAX_SIZES.items():
        value = section.get(key)
        for number in flatten(value) if key in SIZES_BY_SIDE or value is None else [value]:
            _check_number(file, name, key, number, largest)


def _check_number(file: str, name: str, key: str, value: Any, largest: int) -> None:
    if type(value) is not int or not 0 < value <= largest:
        raise _error(file, name, f"{key} is {str(value)[:20]!r}, and no number from 1 to {largest}")


def flatten(value: Any) -> Iterator[Any]:
    """The items of a list, the values of an object, or the value itself; without nulls."""
    if isinstance(value, dict):
        value = list(value.values())
    for item in value if isinstance(value, list) else [value]:
        if item is not None:
            yield item


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level if isinstance(item, (dict, list)) for inner in _items(item)]
    return bool(level)


def _items(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _error(file: str, name: str, problem: str) -> EncoderUnavailable:
    return EncoderUnavailable(f"{file} of {name} is wrong: {problem}.", "Fetch the checkpoint again.")
