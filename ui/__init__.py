"""The web: the server, the HTTP API, the page, which is a client of the API, and `blocks` for other Gradio apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio

    from ..library import Library


def blocks(library: Library, language: str | None = None) -> gradio.Blocks:
    """Return a search of `library` as a `gr.Blocks`, for a notebook, a Space or inside a Gradio app of your own.

    `language` is one of the nine (`"zh"`); None follows each reader's browser. Thumbnails are part of the answers, a
    picture to search by is deleted as soon as it was read, and no path of this machine is shown. Raises UsageError.

    >>> from polyglance import ui
    >>> app = ui.blocks(library, "it")
    >>> type(app).__mro__[1].__module__
    'gradio.blocks'
    """
    from .simple import building, layout

    return building.build_inside_loop(lambda: layout.make(library, language))
