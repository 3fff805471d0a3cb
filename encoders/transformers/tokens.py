"""The tokenizer of a text tower: transformers', or the same from a file that was saved when the tower was prepared.

The file has what transformers configured, truncation and padding too, for the library `tokenizers`, which transformers
itself calls. Reading it imports neither transformers nor torch, which take seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..runtimes.files import Stored
from . import identity, samples, towers
from .checkpoint import Checkpoint

ODD_TEXTS = (
    "",
    " ",
    "  two  spaces ",
    "ｆｕｌｌｗｉｄｔｈ",
    "日落 时分",
    "e\u0301 \u00e9",
    "\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7",
    "<s> </s> <mask>",
    "a\tb\nc\x00",
    "photo " * 200,
)
"""Texts with which a saved tokenizer is compared, beside the sentences."""

FIELDS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
"""What the library `tokenizers` calls the inputs of a tower."""

Tokens = dict[str, list[list[int]]]


class Tokenizer:
    """Texts to tokens, loaded on first use. Threads take turns: a call changes truncation and padding."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._turn = threading.Lock()
        self._loaded: Any = None
        self._names: Sequence[str] = ()

    def load_saved(self, stored: Stored) -> None:
        """Load the tokenizer that was saved with a tower, if there is one and it is what was written.

        transformers' is not loaded here: its modules cannot be imported by two threads at the same time.
        """
        with self._turn:
            if self._loaded is None and stored.tokenizer and not stored.damaged(identity.file_sha256):
                self._loaded, self._names = load_saved(stored.tokenizer), stored.compiled.inputs

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """The tokens of each text by the names of the tower's inputs. Raises EncoderUnavailable."""
        with self._turn, towers.translate_errors(self._checkpoint, "used"):
            if self._loaded is None:
                self._loaded = towers.load_tokenizer(self._checkpoint)
            if self._names:
                return _with_saved(self._loaded, texts, self._names)
            return samples.tokens(self._checkpoint, self._loaded, texts)


def load_saved(file: Path) -> Any:
    """Read a saved tokenizer."""
    from tokenizers import Tokenizer as Saved

    return Saved.from_file(str(file))


def save(checkpoint: Checkpoint, file: Path) -> bool:
    """Save the checkpoint's tokenizer; False, and no file, if a saved one would not give the same tokens."""
    tokenizer = towers.load_tokenizer(checkpoint)
    texts = [*samples.SENTENCES, *ODD_TEXTS]
    expected = samples.tokens(checkpoint, tokenizer, texts)  # the call sets truncation and padding
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not hasattr(backend, "to_str"):
        return False
    file.write_text(backend.to_str(), encoding="utf-8")
    if set(expected) <= set(FIELDS) and _with_saved(load_saved(file), texts, list(expected)) == expected:
        return True
    file.unlink()
    return False


def _with_saved(saved: Any, texts: Sequence[str], names: Sequence[str]) -> Tokens:
    encoded = saved.encode_batch(list(texts))
    return {name: [getattr(each, FIELDS[name]) for each in encoded] for name in names}
