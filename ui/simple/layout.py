"""The components of the blocks, and what they do."""

from __future__ import annotations

import html
from typing import Any

import gradio

from ...errors import PolyglanceError
from ...library import Library
from ...search.answer import Answer
from . import api, building, pictures
from .pictures import Addresses, InPage
from .searching import PAGE, Searching, Wish
from .texts import Texts

AT_ONCE = 4
QUEUED = 64
"""Most searches of all users together that wait; further ones are refused."""

SWEEP_SECONDS = (30, 60)
"""(how often, from what age) Gradio deletes uploads that nobody searched by."""


class Blocks(gradio.Blocks):  # type: ignore[misc]
    """`gr.Blocks` that keeps its translations wherever it is launched, and fetches nothing from the network."""

    def __init__(self, texts: Texts) -> None:
        super().__init__(title="polyglance", analytics_enabled=False, fill_width=True, delete_cache=SWEEP_SECONDS)
        self._translations = texts.translations()

    @property
    def i18n_instance(self) -> gradio.I18n | None:
        """The translations, which `launch` would replace by none."""
        return self._translations

    @i18n_instance.setter
    def i18n_instance(self, value: gradio.I18n | None) -> None:
        self._translations = value or self._translations

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> Any:
        """Refuse web addresses in a client's input, which Gradio would fetch; otherwise as Gradio."""
        if pictures.names_web_address(inputs):
            raise gradio.Error("Only uploaded pictures can be searched by.", print_exception=False)
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)


def make(
    library: Library, language: str | None = None, addresses: Addresses | None = None, *, has_api: bool = False
) -> gradio.Blocks:
    """Return the blocks. `has_api` adds the endpoints of `api` for `gradio_client`. Raises UsageError."""
    texts = Texts(language)
    searching = Searching(library, addresses or InPage())
    with Blocks(texts) as blocks:
        gradio.Markdown(texts["home.tagline"])
        with gradio.Row():
            text = gradio.Textbox(
                label=texts["search.label"],
                placeholder=texts["search.placeholder"],
                max_length=library.settings.max_query_chars,
                scale=4,
                autofocus=True,
            )
            go = gradio.Button(texts["search.go"], variant="primary", scale=1)
        with gradio.Accordion(texts["filter.button"], open=False), gradio.Row():
            filters = _filters(texts)
        with gradio.Row():
            picture = gradio.Image(
                label=texts["like.alt"],
                alt_text=texts["like.alt"],
                sources=["upload", "clipboard"],
                buttons=[],
                height=220,
                scale=1,
            )
            gallery = gradio.Gallery(
                label=texts["results.label"],
                columns=5,
                height="75vh",
                object_fit="contain",
                buttons=[],
                interactive=False,
                scale=4,
            )
        message = gradio.Markdown(visible=False)
        more = gradio.Button(texts["results.more"], visible=False)
        original = gradio.Button(texts["photo.open"], visible=False)
        originals, count = gradio.State([]), gradio.State(PAGE)

        def show(shown: int, sent: object, *values: Any) -> tuple[Any, Any, Any, Any, list[str | None], Any, int]:
            try:
                wish = Wish(*values)
                data = pictures.read(sent)
                answer = searching.search(wish, data, shown)
                kept = {"path": None, "url": pictures.as_address(pictures.shrink(library, data))} if data else None
            except PolyglanceError as error:
                raise gradio.Error(html.escape(str(error)), print_exception=False) from error
            tiles = searching.tiles(answer) if answer else []
            links = [searching.addresses.original(result) for result in answer or ()]
            has_more = gradio.update(visible=bool(answer and answer.next))
            return kept, tiles, _remark(texts, answer), has_more, links, gradio.update(visible=False), shown

        def first(*values: Any) -> Any:
            return show(PAGE, *values)

        def further(shown: int, *values: Any) -> Any:
            return show(shown + PAGE, *values)

        def choose(links: list[str | None], chosen: gradio.SelectData) -> Any:
            link = dict(enumerate(links)).get(chosen.index)
            return gradio.update(visible=link is not None, link=link)

        def cameras() -> Any:
            return gradio.update(choices=list(library.facets().cameras))

        wishes = [picture, text, *filters]
        results = [picture, gallery, message, more, originals, original, count]
        raw: Any = {
            "preprocess": False,  # Gradio would open the picture, and copy thumbnails into files
            "postprocess": False,
            "api_visibility": "private",
            "concurrency_limit": AT_ONCE,
            "show_progress": "minimal",
            "show_progress_on": gallery,
        }
        changes = [each.input for each in filters if not isinstance(each, gradio.Textbox)]
        submits = [each.submit for each in filters if isinstance(each, gradio.Textbox)]
        asked = [go.click, text.submit, picture.upload, picture.clear, *changes, *submits]
        gradio.on(asked, first, wishes, results, **raw)
        more.click(further, [count, *wishes], results, **raw)
        gallery.select(choose, originals, original, api_visibility="private", show_progress="hidden")
        blocks.load(cameras, None, filters[2], api_visibility="private", show_progress="hidden")
        if has_api:
            api.add(searching)
    blocks.queue(max_size=QUEUED, default_concurrency_limit=AT_ONCE)
    building.let_rest(blocks)
    return blocks


def _filters(texts: Texts) -> list[gradio.components.Component]:
    """The components of the filters, in the order of the fields of `Wish` after `text`."""
    orientations = [(texts[f"orientation.{value}"], value) for value in ("landscape", "portrait", "square")]
    sorts = [(texts[f"sort.{value}"], value) for value in ("relevance", "date")]
    return [
        gradio.Textbox(label=texts["filter.from"], placeholder="2024-05", max_length=40),
        gradio.Textbox(label=texts["filter.to"], placeholder="2024-05-31", max_length=40),
        gradio.Dropdown(label=texts["filter.camera"], choices=[], value=None),
        gradio.Dropdown(label=texts["filter.orientation"], choices=orientations, value=None),
        gradio.Checkbox(label=texts["filter.favourites"]),
        gradio.Checkbox(label=texts["filter.relevant"]),
        gradio.Dropdown(label=texts["sort.label"], choices=sorts, value="relevance", filterable=False),
    ]


def _remark(texts: Texts, answer: Answer | None) -> Any:
    """The line below the gallery if no photo was found, none that is relevant, or not all that there are."""
    if answer is None or (answer.results and answer.is_relevant and not answer.is_partial):
        return gradio.update(visible=False)
    remark = "results.partial" if answer.is_partial else "results.nothing" if answer.results else "results.none"
    return gradio.update(visible=True, value=texts[remark])
