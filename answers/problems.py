"""The document of an HTTP error."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """An error (RFC 9457): what is wrong, in `detail`, and what to do, in `hint`."""

    type: str = Field(description="Always `about:blank`: the status says what kind of error it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, in one line.")
    hint: str | None = Field(default=None, description="What to do.")
    code: str | None = Field(default=None, description="Name of the reason, for saying it in another language.")
    values: dict[str, str] | None = Field(default=None, description="What varies in `detail`, by name.")
    request_id: str | None = Field(
        default=None, description="Names the request in the server's log; the header X-Request-ID has it too."
    )
