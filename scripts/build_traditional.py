"""Rebuild `languages/words/traditional.txt`: Traditional Chinese characters and the Simplified ones they stand for.

Run: python scripts/build_traditional.py   (needs OpenCC from PyPI, which nothing else uses)
"""

from __future__ import annotations

from opencc import OpenCC
from polyglance.languages.chinese import FILE

HAN = (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), *range(0xF900, 0xFB00))
VARIANTS = ("t2s", "tw2s", "hk2s")
"""OpenCC's conversions from the standard, Taiwanese and Hong Kong forms; the first that changes a character counts."""


def main() -> None:
    converters = [OpenCC(name) for name in VARIANTS]
    pairs = []
    for character in map(chr, HAN):
        changed = [other for converter in converters if (other := converter.convert(character)) != character]
        if changed and len(changed[0]) == 1:
            pairs.append((character, changed[0]))
    FILE.write_text(_lines(pairs), encoding="utf-8")
    print(f"{len(pairs)} characters")


def _lines(pairs: list[tuple[str, str]]) -> str:
    return "".join("".join(side) + "\n" for side in zip(*pairs, strict=True))


if __name__ == "__main__":
    main()
