"""A dual encoder's checkpoint on disk: finds its files, reads its configuration, and checks that it can be used.

Reads only JSON, in milliseconds, and imports neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config import LANGUAGES
from ...errors import EncoderUnavailable, NotADualEncoder
from . import contents

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Names of weights files, in the order in which transformers looks for them."""

PREPROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
VOCABULARY_FILES = (
    "tokenizer.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "vocab.txt",
    "vocab.json",
)
TOKENIZER_FILES = (
    *VOCABULARY_FILES,
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
)

TOKENIZER_OBJECTS = ("added_tokens.json", "special_tokens_map.json", "tokenizer_config.json")
"""The small JSON files among the tokenizer's files."""

MULTILINGUAL_VOCABULARY = 100_000
"""A larger vocabulary is multilingual (XLM-R 250002, Gemma 256000; CLIP's has 49408)."""


@dataclass(frozen=True)
class Family:
    """A kind of dual encoder: defaults of its configuration, and how its texts are prepared."""

    languages: tuple[str, ...]
    dimension_at: tuple[str, ...] = ("projection_dim",)
    dimension: int = 512
    image_side: int = 224
    text_length: int | None = None
    """Longest text in tokens; None if it is the text tower's number of positions."""
    positions: int = 77
    pads_to_length: bool = False
    """Whether every text is padded to the full length, as SigLIP was trained."""


FAMILIES: Mapping[str, Family] = {
    # XLM-R has 514 positions, but AltCLIP was trained with 77 tokens, CLIP's length.
    "altclip": Family(LANGUAGES, dimension=768, text_length=77, positions=514),
    "clip": Family(("en",)),
    "metaclip_2": Family(LANGUAGES),
    "chinese_clip": Family(("zh",), positions=512),
    "siglip": Family(("en",), ("vision_config", "hidden_size"), 768, positions=64, pads_to_length=True),
    "siglip2": Family(
        LANGUAGES, ("vision_config", "hidden_size"), 768, image_side=256, positions=64, pads_to_length=True
    ),
}
"""By `model_type` of config.json."""


@dataclass(frozen=True)
class Checkpoint:
    """A directory with a dual encoder whose configuration was read. Build it with `read`."""

    name: str
    path: Path
    model_type: str
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    languages: tuple[str, ...]

    @property
    def family(self) -> Family:
        """The family of its `model_type`."""
        return FAMILIES[self.model_type]

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        value: Any = self.config
        for key in self.family.dimension_at:
            value = (value or {}).get(key)
        return int(value or self.family.dimension)

    @property
    def image_side(self) -> int:
        """Side of the image tower's square input, in pixels."""
        sides = contents.flatten(self.section("vision_config").get("image_size"))
        return int(max(sides, default=self.family.image_side))

    @property
    def text_length(self) -> int:
        """Maximum length of a text in tokens, special tokens included; longer texts are truncated."""
        positions = int(self.section("text_config").get("max_position_embeddings") or self.family.positions)
        if self.family.text_length is None:
            return positions
        return min(self.family.text_length, positions - 2)  # XLM-R's positions start at 2

    def section(self, key: str) -> Mapping[str, Any]:
        """The configuration of a tower, `text_config` or `vision_config`."""
        # Old CLIP checkpoints repeat a tower's configuration under this second name, which has priority.
        return {**(self.config.get(key) or {}), **(self.config.get(f"{key}_dict") or {})}


def read(path: Path, name: str, languages: tuple[str, ...] | None = None) -> Checkpoint:
    """Read the configuration in the directory `path` and check its files.

    Raises NotADualEncoder if it has no model, another kind of model, or a model that needs code of its own;
    EncoderUnavailable if files are missing or have invalid values.
    """
    config = dual_config(path, name)
    model_type = str(config["model_type"])
    _require_file(path, PREPROCESSOR_FILES, name, "how pictures are prepared")
    _require_file(path, VOCABULARY_FILES, name, "the tokenizer's vocabulary")
    vocabulary = (config.get("text_config") or {}).get("vocab_size") or 0
    if languages is None:
        languages = LANGUAGES if vocabulary > MULTILINGUAL_VOCABULARY else FAMILIES[model_type].languages
    return Checkpoint(name, path, model_type, config, _find_weights(path, name), languages)


def dual_config(path: Path, name: str) -> Mapping[str, Any]:
    """Return config.json in `path`, and check the other JSON files beside it.

    Raises NotADualEncoder if it is no known kind of dual encoder, or needs code of its own; EncoderUnavailable if a
    file has invalid values.
    """
    config = contents.read_object(path / "config.json", name)
    model_type = str(config.get("model_type", ""))[:40]
    if model_type not in FAMILIES:
        kind = f"is a {model_type!r} model" if model_type else "does not say which kind of model it is"
        raise NotADualEncoder(
            f"{name} {kind}, which does not map pictures and texts into one space.",
            f"Kinds that do: {', '.join(sorted(FAMILIES))}.",
        )
    contents.check_sizes(config, name)
    contents.check_code(config, "config.json", name)
    for file in (*PREPROCESSOR_FILES, *TOKENIZER_OBJECTS):
        if (path / file).is_file():
            document = contents.read_object(path / file, name)
            contents.check_code(document, file, name)
            if file in PREPROCESSOR_FILES:
                contents.check_picture_sizes(document, file, name)
    return config


def _require_file(path: Path, names: tuple[str, ...], name: str, purpose: str) -> None:
    if not any((path / file).is_file() for file in names):
        raise EncoderUnavailable(
            f"{name} has no file for {purpose} ({' or '.join(names[:2])}).",
            "Copy the whole checkpoint, not only its weights.",
        )


def _find_weights(path: Path, name: str) -> tuple[Path, ...]:
    """Return the weights file, or the index and all its shards."""
    first = next((path / file for file in WEIGHTS if (path / file).is_file()), None)
    if first is None:
        raise EncoderUnavailable(
            f"{name} has no weights ({' or '.join(WEIGHTS[::2])}).",
            "Copy the whole checkpoint, or fetch it again.",
        )
    if first.suffix != ".json":
        return (first,)
    weight_map = contents.read_object(first, name).get("weight_map") or {}
    shard_names: list[Any] = list(weight_map.values()) if isinstance(weight_map, dict) else [None]
    if not all(isinstance(shard, str) and shard == Path(shard).name for shard in shard_names):
        raise EncoderUnavailable(f"{first.name} of {name} does not name files beside it.", "Fetch it again.")
    shards = [path / shard for shard in sorted(set(shard_names))]
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing or not shards:
        raise EncoderUnavailable(
            f"{name} lacks weights: {', '.join(missing) or 'its index is empty'}.", "Fetch it again."
        )
    return (first, *shards)
