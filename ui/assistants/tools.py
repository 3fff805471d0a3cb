"""The tools that assistants call: photos by id with their thumbnails, never by path."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent, ToolAnnotations
from pydantic import Field

from ... import __version__
from ...answers.photos import Photo
from ...answers.searching import result_fields
from ...errors import PictureError, PolyglanceError
from ...library import Library
from ..web.limits import MAX_ID, MAX_TEXT

MAX_RESULTS = 20
"""Most photos of one answer: each thumbnail is some 40 KB in it."""

INSTRUCTIONS = (
    "Searches the user's own photos by what they show. Ask in English, Chinese, Spanish, French, Russian, Japanese,"
    " Korean, Arabic or Italian; no translation is needed. Verdicts: sure, likely, unlikely."
)

RESULT_FIELDS = ("rank", "id", "relevance", "verdict", "score", "taken_at", "width", "height", "why", "count")
PATHS = {"path", "folder"}


def make_server(library: Library) -> MCPServer[Any]:
    """Return the tools over `library`."""
    server: MCPServer[Any] = MCPServer(
        "polyglance", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    reads_only = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(annotations=reads_only, structured_output=False)
    def search_photos(
        query: Annotated[
            str,
            Field(
                max_length=MAX_TEXT,
                description="What the photos show, in any of the nine languages, with filters as in"
                " 'cat after:2024-05 is:favourite'. Terms can be added and subtracted: 'beach + sunset - people'.",
            ),
        ],
        k: Annotated[int, Field(ge=1, le=MAX_RESULTS, description="Most photos to return.")] = 5,
    ) -> CallToolResult:
        """Find the user's photos that show something. Returns facts and a thumbnail for each, best first."""
        try:
            answer = library.search(query, k, files=False)
        except PolyglanceError as error:
            raise ToolError(str(error)) from error
        photos = []
        for result in answer:
            fields = result_fields(result)
            photos.append({name: fields[name] for name in RESULT_FIELDS})
        facts = {"language": answer.language, "relevant": answer.is_relevant, "photos": photos}
        if answer.is_partial:
            facts["partial"] = True  # photos that look right, and have no word of the query, are missing
        return _answer(library, facts, [result.photo.id for result in answer])

    @server.tool(annotations=reads_only, structured_output=False)
    def photo(
        id: Annotated[int, Field(ge=1, le=MAX_ID, description="Id of a photo, as search_photos returns it.")],  # noqa: A002
    ) -> CallToolResult:
        """What is known about one photo (date, camera, place, caption, keywords), with its thumbnail."""
        try:
            record = library.photo(id)
            document = Photo.from_record(record, favourite=bool(library.favourites_among([id])))
        except PolyglanceError as error:
            raise ToolError(str(error)) from error
        return _answer(library, document.model_dump(mode="json", exclude=PATHS), [id])

    return server


def _answer(library: Library, facts: dict[str, Any], photo_ids: Iterable[int]) -> CallToolResult:
    """The facts as JSON, followed by the thumbnails in the order of `photo_ids`, as far as they can be read."""
    content: list[ContentBlock] = [TextContent(type="text", text=json.dumps(facts, ensure_ascii=False))]
    for photo_id in photo_ids:
        try:
            jpeg = library.thumbnail(photo_id).read_bytes()
        except (PictureError, OSError):
            content.append(TextContent(type="text", text=f"The thumbnail of photo {photo_id} cannot be read."))
        else:
            content.append(ImageContent(type="image", data=base64.b64encode(jpeg).decode(), mime_type="image/jpeg"))
    return CallToolResult(content=content, structured_content=facts)
