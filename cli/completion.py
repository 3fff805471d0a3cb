"""Shell completion from the library. It is quick, only reads, and stays silent about every error."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import typer

ENCODERS = ("auto", "lite", "altclip-m9", "altclip", "altclip-m18")
"""The encoders that polyglance brings; listing those of packages would import them."""

_BASH_UNSAFE = re.compile(r"([^\w@%+=:,./-])")


def roots(ctx: typer.Context, incomplete: str) -> list[str]:
    """The library's roots, for `--root` and `forget`."""
    return _matching(_stored(ctx, "roots"), incomplete)


def cameras(ctx: typer.Context, incomplete: str) -> list[str]:
    """The cameras that the library's photos were taken with."""
    return _matching(_stored(ctx, "cameras"), incomplete)


def encoders(ctx: typer.Context, incomplete: str) -> list[str]:
    """The encoders that polyglance brings and those of the library."""
    return _matching(dict.fromkeys([*ENCODERS, *_stored(ctx, "encoders")]), incomplete)


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    matching = [name for name in names if name.startswith(incomplete)]
    is_bash = os.environ.get("_POLYGLANCE_COMPLETE", "").endswith("bash")
    # Bash inserts a completion as it is, other shells quote it.
    return [_BASH_UNSAFE.sub(r"\\\1", name) for name in matching] if is_bash else matching


def _stored(context: typer.Context, what: Literal["roots", "cameras", "encoders"]) -> list[str]:
    try:
        from ..library.suggestions import suggest

        return suggest(_library_folder(context), what)
    except Exception:  # noqa: BLE001 - a message would stand in the middle of the line that is typed
        return []


def _library_folder(context: typer.Context) -> Path | None:
    """The folder that `--library` names before or after the command."""
    here: typer.Context | None = context
    while here is not None:
        if folder := here.params.get("library"):
            return Path(folder)
        here = here.parent  # type: ignore[assignment]
    return None
