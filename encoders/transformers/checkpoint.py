"""A dual encoder's checkpoint on disk: its files, what its configuration says, whether we can use it.

Reads JSON only, so that it costs milliseconds: neither torch nor transformers is imported.
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
"""Where a checkpoint may keep its weights, in the order in which transformers looks for them."""

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
"""Of these, the small JSON files."""

MULTILINGUAL_VOCABULARY = 100_000
"""A vocabulary above this size (XLM-R 250002, Gemma 256000) was made for many languages; CLIP's has 49408."""


@dataclass(frozen=True)
class Family:
    """How one kind of dual encoder differs: defaults of its configuration, and how it wants its texts."""

    languages: tuple[str, ...]
    dimension_at: tuple[str, ...] = ("projection_dim",)
    dimension: int = 512
    image_side: int = 224
    text_length: int | None = None
    """Longest text in tokens, where it is not the tower's number of positions."""
    positions: int = 77
    pads_to_length: bool = False
    """Whether every text is padded to the full length, as SigLIP was trained."""


FAMILIES: Mapping[str, Family] = {
    # XLM-R has 514 positions but AltCLIP was trained on 77 tokens, CLIP's length.
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
    """A directory that holds a dual encoder, looked at but not loaded. Build it with `read`."""

    name: str
    path: Path
    model_type: str
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    languages: tuple[str, ...]

    @property
    def family(self) -> Family:
        """What its kind of model needs."""
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
        """Side of the square that its image tower sees, in pixels."""
        sides = contents.flat(self._part("vision_config").get("image_size"))
        return int(max(sides, default=self.family.image_side))

    @property
    def text_length(self) -> int:
        """Tokens of its longest text, special ones included; what is beyond is cut off."""
        positions = int(self._part("text_config").get("max_position_embeddings") or self.family.positions)
        if self.family.text_length is None:
            return positions
        return min(self.family.text_length, positions - 2)  # XLM-R's positions start at 2

    def _part(self, key: str) -> Mapping[str, Any]:
        # Old CLIP checkpoints repeat a tower's configuration under this second name, and mean it.
        return {**(self.config.get(key) or {}), **(self.config.get(f"{key}_dict") or {})}


def read(path: Path, name: str, languages: tuple[str, ...] | None = None) -> Checkpoint:
    """Look at the directory `path`.

    Raises NotADualEncoder if it holds another kind of model, none, or one that needs code of its own;
    EncoderUnavailable if files are missing or say what cannot be.
    """
    config = dual_config(path, name)
    model_type = str(config["model_type"])
    _require(path, PREPROCESSOR_FILES, name, "how pictures are prepared")
    _require(path, VOCABULARY_FILES, name, "the tokenizer's vocabulary")
    vocabulary = (config.get("text_config") or {}).get("vocab_size") or 0
    if languages is None:
        languages = LANGUAGES if vocabulary > MULTILINGUAL_VOCABULARY else FAMILIES[model_type].languages
    return Checkpoint(name, path, model_type, config, _weights(path, name), languages)


def dual_config(path: Path, name: str) -> Mapping[str, Any]:
    """Return what config.json in `path` says, having looked at the other JSON files beside it.

    Raises NotADualEncoder if that is no dual encoder we know, or code would have to be run; EncoderUnavailable if a
    file says what cannot be.
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
            said = contents.read_object(path / file, name)
            contents.check_code(said, file, name)
            if file in PREPROCESSOR_FILES:
                contents.check_picture_sizes(said, file, name)
    return config


def _require(path: Path, names: tuple[str, ...], name: str, what: str) -> None:
    if not any((path / file).is_file() for file in names):
        raise EncoderUnavailable(
            f"{name} has no file for {what} ({' or '.join(names[:2])}).",
            "Copy the whole checkpoint, not only its weights.",
        )


def _weights(path: Path, name: str) -> tuple[Path, ...]:
    """Return the weights files: one, or the index and all its shards."""
    first = next((path / file for file in WEIGHTS if (path / file).is_file()), None)
    if first is None:
        raise EncoderUnavailable(
            f"{name} has no weights ({' or '.join(WEIGHTS[::2])}).",
            "Copy the whole checkpoint, or fetch it again.",
        )
    if first.suffix != ".json":
        return (first,)
    weight_map = contents.read_object(first, name).get("weight_map") or {}
    named: list[Any] = list(weight_map.values()) if isinstance(weight_map, dict) else [None]
    if not all(isinstance(shard, str) and shard == Path(shard).name for shard in named):
        raise EncoderUnavailable(f"{first.name} of {name} does not name files beside it.", "Fetch it again.")
    shards = [path / shard for shard in sorted(set(named))]
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing or not shards:
        raise EncoderUnavailable(
            f"{name} lacks weights: {', '.join(missing) or 'its index is empty'}.", "Fetch it again."
        )
    return (first, *shards)
