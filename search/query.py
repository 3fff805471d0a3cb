"""What the user typed -> the text that is encoded."""

from __future__ import annotations

import unicodedata

from ..errors import QueryError

MAX_RESULTS = 10_000

# Marks that only steer the direction of display; they come along when text is copied from a page.
_BIDI_MARKS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF], None)


def normalise(text: str, max_chars: int) -> str:
    """Return `text` in NFC, on one line, without control characters and direction marks.

    Raises QueryError if nothing is left, if it is longer than `max_chars`, or if it is no valid text.
    """
    if len(text) > max_chars:
        raise QueryError(
            f"The query has {len(text):,} characters; the limit is {max_chars:,}.",
            "Describe the picture in a sentence or a few words.",
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError("The query is not valid text (its bytes are no UTF-8).", "Type it again in UTF-8.")
    cleaned = unicodedata.normalize("NFC", text).translate(_BIDI_MARKS)
    cleaned = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in cleaned)
    cleaned = " ".join(cleaned.split())
    if not cleaned:
        raise QueryError("The query is empty.", "Say what the picture shows, for example: snowy mountains")
    return cleaned


def check_count(count: int) -> int:
    """Return `count` if that many results can be asked for, else raise QueryError."""
    if not 1 <= count <= MAX_RESULTS:
        raise QueryError(f"{count} results cannot be asked for.", f"Ask for 1 to {MAX_RESULTS:,}.")
    return count
