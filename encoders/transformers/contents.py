"""What the JSON files of a checkpoint may say: strangers wrote them, and nothing in them is run or believed unseen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import EncoderUnavailable, NotADualEncoder

DEEPEST = 64
"""Objects and lists in each other: more than any checkpoint has, and far from Python's limit."""

LARGEST = {
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
"""Sizes by which memory is taken or layers are built, each many times what the largest model has."""

BY_SIDE = ("image_size", "patch_size")
"""Sizes that may be given for each side."""

TOWERS = ("text_config", "vision_config", "text_config_dict", "vision_config_dict")
PICTURE_SIZES = ("size", "crop_size", "pad_size")
CLASS_KEYS = ("architectures", "tokenizer_class", "image_processor_type", "feature_extractor_type")
"""What names the class that a file is for."""


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
        raise _wrong(file.name, name, f"it is nested more than {DEEPEST} deep")
    return value


def check_sizes(config: Mapping[str, Any], name: str) -> None:
    """Raise EncoderUnavailable if config.json says sizes that no model has, or a tower is no object."""
    for key in TOWERS:
        if not isinstance(config.get(key) or {}, dict):
            raise _wrong("config.json", name, f"{key} is no object")
    for part in (config, *(config.get(key) or {} for key in TOWERS)):
        _check_numbers("config.json", name, part)


def check_picture_sizes(preparation: Mapping[str, Any], file: str, name: str) -> None:
    """Raise EncoderUnavailable if pictures would be blown up to a size that no model sees."""
    _check_numbers(file, name, preparation)
    for key in PICTURE_SIZES:
        for value in flat(preparation.get(key)):
            _check_number(file, name, key, value, LARGEST["image_size"])


def check_code(said: Mapping[str, Any], file: str, name: str) -> None:
    """Raise NotADualEncoder if the file names a class that only Python code of the checkpoint has.

    `auto_map` says where such code is. Beside classes that transformers has itself it is passed over, for theirs
    are loaded: many checkpoints on the hub carry it for older versions.
    """
    for part in (said, *(value for value in said.values() if isinstance(value, dict))):
        if "auto_map" in part and (foreign := _foreign_classes(part)):
            raise NotADualEncoder(
                f"{name} needs Python code of its own ({foreign[0][:60]} in {file}), which is never run here.",
                "Choose a checkpoint that transformers can load by itself.",
            )
        for key in ("attn_implementation", "_attn_implementation"):
            if "/" in str(part.get(key)):
                raise NotADualEncoder(
                    f"{name} wants code from the model hub ({key} in {file}), which is never run here.",
                    "Choose another checkpoint, or take that line out of the file.",
                )


def _foreign_classes(said: Mapping[str, Any]) -> list[str]:
    import transformers

    own = set(dir(transformers))
    named = [str(value) for key in CLASS_KEYS for value in flat(said.get(key))]
    # Classes of before transformers 5, whose work the one without the ending does now.
    today = {each: each.removesuffix("Fast").replace("FeatureExtractor", "ImageProcessor") for each in named}
    return [each for each in named if each not in own and today[each] not in own]


def _check_numbers(file: str, name: str, said: Mapping[str, Any]) -> None:
    for key, largest in LARGEST.items():
        value = said.get(key)
        for each in flat(value) if key in BY_SIDE or value is None else [value]:
            _check_number(file, name, key, each, largest)


def _check_number(file: str, name: str, key: str, value: Any, largest: int) -> None:
    if type(value) is not int or not 0 < value <= largest:
        raise _wrong(file, name, f"{key} is {str(value)[:20]!r}, and no number from 1 to {largest}")


def flat(value: Any) -> Iterator[Any]:
    """A value, or those in a list or object; nothing if it is null."""
    if isinstance(value, dict):
        value = list(value.values())
    for each in value if isinstance(value, list) else [value]:
        if each is not None:
            yield each


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level if isinstance(each, (dict, list)) for inner in _inside(each)]
    return bool(level)


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _wrong(file: str, name: str, what: str) -> EncoderUnavailable:
    return EncoderUnavailable(f"{file} of {name} is wrong: {what}.", "Fetch the checkpoint again.")
