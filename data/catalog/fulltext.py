"""What a query asks for, as an expression of SQLite's FTS5 over the tokens that `words` stores."""

from __future__ import annotations

from collections.abc import Collection

from ...languages import tokens


def match(text: str, *, column: str = "", stop_words: Collection[str] = ()) -> str:
    """FTS5's expression for texts that have all units of `text`, if need be in one `column`; empty if there is none."""
    asked = " AND ".join(_unit_expression(unit) for unit in tokens.units(text, stop_words))
    return f"{column} : ({asked})" if asked and column else asked


def _unit_expression(unit: list[str]) -> str:
    return f'"{" ".join(unit)}"' + (" *" if tokens.is_prefix(unit) else "")
