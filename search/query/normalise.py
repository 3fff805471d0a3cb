"""What the user typed -> clean text, in one spelling of what can be spelled in several ways."""

from __future__ import annotations

import re
import unicodedata

from ...errors import QueryError

MAX_RESULTS = 10_000

# Marks that only steer the direction of display; they come along when text is copied from a page.
_BIDI_MARKS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF], None)

# Full-width letters, signs and space, half-width kana and hangul: an input method's modes, not the user's meaning.
_WIDTHS = re.compile("[\u3000\uff01-\uff5e\uff61-\uffdc\uffe0-\uffe6\uffe8-\uffee]+")

# Where text was read in a wrong encoding, such characters stand side by side; ftfy decides, but costs 0.15 s to load.
_MOJIBAKE = re.compile("[\u0080-\u058f\u2000-\u25ff]{2}")

MOST_PASSES = 4
"""Repairing may uncover what cleaning then changes; texts that are not stable after this are left as they are."""


def normalise(text: str, max_chars: int) -> str:
    """Return `text` in NFC, on one line, without control characters and direction marks.

    Mojibake is repaired (`cafÃ©`), full and half width are folded. Raises QueryError if nothing is left, if it is
    longer than `max_chars`, or if it is no valid text.
    """
    if len(text) > max_chars:
        raise QueryError(
            f"The query has {len(text):,} characters; the limit is {max_chars:,}.",
            "Describe the picture in a sentence or a few words.",
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError("The query is not valid text (its bytes are no UTF-8).", "Type it again in UTF-8.")
    if "\0" in text:
        raise QueryError("The query holds a NUL character, which no text does.", "Type it again.")
    cleaned = text
    for _ in range(MOST_PASSES):
        before, cleaned = cleaned, _cleaned(cleaned)
        if cleaned == before:
            break
    if not cleaned:
        raise QueryError("The query is empty.", "Say what the picture shows, for example: snowy mountains")
    return cleaned


def _cleaned(text: str) -> str:
    if _MOJIBAKE.search(text):
        from ftfy import fix_encoding

        text = fix_encoding(text)
    folded = _WIDTHS.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    composed = unicodedata.normalize("NFC", folded).translate(_BIDI_MARKS)
    plain = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in composed)
    return " ".join(plain.split())


def check_count(count: int) -> int:
    """Return `count` if that many results can be asked for, else raise QueryError."""
    if not 1 <= count <= MAX_RESULTS:
        raise QueryError(f"{count} results cannot be asked for.", f"Ask for 1 to {MAX_RESULTS:,}.")
    return count
