"""Normalisation of typed text: one spelling of texts that Unicode can spell in several ways."""

from __future__ import annotations

import re
import unicodedata

from ...errors import QueryError

MAX_RESULTS = 10_000

# Marks that only control the direction of display; text copied from a page contains them.
_BIDI_MARKS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF], None)

# Full-width letters, signs and space, half-width kana and hangul: they depend on the mode of the input method only.
_WIDTHS = re.compile("[\u3000\uff01-\uff5e\uff61-\uffdc\uffe0-\uffe6\uffe8-\uffee]+")

# Text that was read in a wrong encoding has such characters side by side. ftfy decides, but takes 0.15 s to load.
_MOJIBAKE = re.compile("[\u0080-\u058f\u2000-\u25ff]{2}")

MAX_PASSES = 4
"""A repair may produce characters that the next pass changes. A text that still changes after this many is kept."""


def normalise(text: str, max_chars: int) -> str:
    """Return `text` in NFC, on one line, without control characters and direction marks.

    Mojibake is repaired (`cafÃ©`), full and half width are folded. Raises QueryError if the result is empty, or if
    `text` is longer than `max_chars` or not valid text.
    """
    if len(text) > max_chars:
        raise QueryError(
            f"The query has {len(text):,} characters; the limit is {max_chars:,}.",
            "Describe the picture in a sentence or a few words.",
        ).with_code("long", limit=f"{max_chars}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError("The query is not valid text (its bytes are no UTF-8).", "Type it again in UTF-8.")
    if "\0" in text:
        raise QueryError("The query holds a NUL character, which no text does.", "Type it again.")
    cleaned = text
    for _ in range(MAX_PASSES):
        before, cleaned = cleaned, _clean(cleaned)
        if cleaned == before:
            break
    if not cleaned:
        error = QueryError("The query is empty.", "Say what the picture shows, for example: snowy mountains")
        raise error.with_code("empty")
    return cleaned


def _clean(text: str) -> str:
    if _MOJIBAKE.search(text):
        from ftfy import fix_encoding

        text = fix_encoding(text)
    folded = _WIDTHS.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    composed = unicodedata.normalize("NFC", folded).translate(_BIDI_MARKS)
    plain = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in composed)
    return " ".join(plain.split())


def check_count(count: int) -> int:
    """Return `count` if that many results can be asked for, else raise QueryError."""
    if not 1 <= count <= MAX_RESULTS:
        raise QueryError(f"{count} results cannot be asked for.", f"Ask for 1 to {MAX_RESULTS:,}.")
    return count
