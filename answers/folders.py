"""Documents about the folders of the server's machine, from which a user chooses one to add."""

from __future__ import annotations

from pydantic import Field

from .base import Document


class ServerFolder(Document):
    """A folder of the server's machine."""

    name: str
    path: str = Field(description="Absolute.")


class Folders(Document):
    """The folders in a folder of the server's machine, without hidden ones, in order of their names."""

    path: str = Field(description="The folder itself, absolute.")
    parent: str | None = Field(description="The folder it is in; null at the top.")
    folders: list[ServerFolder]
