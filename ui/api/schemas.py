"""What answers look like, for the OpenAPI document; `documents` makes them, tests compare the two."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Took(_Exact):
    """Milliseconds spent."""

    encode: float
    search: float
    total: float


class Result(_Exact):
    """A photo found, or a group of near-duplicates: the photo that stands for it."""

    rank: int = Field(description="1 is best.")
    id: int
    path: str = Field(description="Printable text; not for opening files.")
    score: float = Field(description="Cosine.")
    relevance: float = Field(description="0 to 1; from 0.5 on it likely shows what was asked for.")
    taken_at: str | None = Field(description="The camera's local time, ISO 8601.")
    width: int
    height: int
    why: list[str] = Field(description="What speaks for it: looks like, name, folder, caption, keyword, filter.")
    count: int = Field(description="How many photos it stands for, itself included.")


class Found(Result):
    """A result of a search."""

    favourite: bool


class Answer(_Exact):
    """Results, best first."""

    query: str
    language: str | None = Field(description="ISO 639-1; null if no text was asked for.")
    encoder: str
    took_ms: Took
    results: list[Found]
    next: str | None = Field(description="`cursor` of the next page.")
    changed: bool = Field(
        description="The library has changed since the page before, whose order is not known any more."
    )
    relevant: bool = Field(description="False if nothing on a first page is relevant.")


class Photo(_Exact):
    """One photo; sizes in pixels and bytes, places in decimal degrees."""

    id: int
    path: str
    folder: str
    name: str
    width: int | None
    height: int | None
    format: str | None
    size: int
    taken_at: str | None
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None
    caption: str | None
    keywords: list[str]
    favourite: bool


class Marked(_Exact):
    """A photo's favourite mark, which all photos with the same bytes share: `ids`."""

    id: int
    favourite: bool
    ids: list[int]


class Group(_Exact):
    """Photos that belong together."""

    photos: list[Result]


class Groups(_Exact):
    """Groups of photos whose files are equal."""

    groups: list[Group]
    next: int | None


class Coverage(_Exact):
    """How a root is watched."""

    how: Literal["native", "partly", "polling", "offline"]
    note: str


class StatusRoot(_Exact):
    """A root, briefly."""

    path: str
    state: str
    photos: int
    missing: int


class WatchedRoot(Coverage):
    """A root that is watched."""

    path: str


class Watch(_Exact):
    """The process that watches the library."""

    process: int
    roots: list[WatchedRoot]


class Status(_Exact):
    """What the library holds."""

    photos: int
    failed: int
    roots: list[StatusRoot]
    encoder: str | None
    dimension: int | None
    index: str
    generation: int = Field(description="Grows with every change.")
    watch: Watch | None


class Named(_Exact):
    """A camera or kind, with its number of photos."""

    name: str
    photos: int


class Folder(_Exact):
    """A folder with photos in it or below it; `path` is relative to the root, empty for the root itself."""

    root: str
    path: str
    photos: int


class Facets(_Exact):
    """What there is to filter by."""

    cameras: list[Named]
    folders: list[Folder]
    types: list[Named]
    first: str | None
    last: str | None
    favourites: int
    places: int


class Encoder(_Exact):
    """An encoder; `active` is the one that answers."""

    name: str
    ready: bool
    dimension: int | None
    languages: list[str]
    download_bytes: int | None
    description: str
    active: bool


class Root(_Exact):
    """A folder that the library indexes."""

    id: int
    path: str
    state: Literal["online", "offline", "partly offline"]
    photos: int
    failed: int
    missing: int = Field(description="Photos that the last scan did not find and that are kept: most of the folder.")
    watch: Coverage | None


class Roots(_Exact):
    """All of them."""

    roots: list[Root]


class Forgotten(_Exact):
    """How many photos were dropped, and how many of them are favourites, which they are again when they return."""

    forgotten: int
    favourites: int


class Choice(_Exact):
    """A folder of the server's machine."""

    name: str
    path: str


class Folders(_Exact):
    """The folders in one; `parent` is null at the top."""

    path: str
    parent: str | None
    folders: list[Choice]


class Said(_Exact):
    """What went wrong, and what to do."""

    message: str
    hint: str


class Report(_Exact):
    """What an index run did."""

    added: int
    changed: int
    moved: int
    removed: int
    unchanged: int
    failed: int
    still_failed: int
    seconds: float
    images_per_second: float
    encoder: str
    offline: list[Said]
    doubts: list[Said]


class Job(_Exact):
    """An index run; times in ISO 8601, UTC."""

    id: int
    kind: Literal["index"]
    state: Literal["running", "done", "failed", "stopped"]
    phase: Literal["waiting", "scanning", "indexing", "finishing", "done", "failed", "stopped"]
    root: str | None = Field(description="Its folder; null for all.")
    done: int
    total: int
    failed: int
    rate: float | None = Field(description="Files a second, lately.")
    seconds_left: float | None
    started: str
    finished: str | None
    report: Report | None
    error: Said | None


class Started(_Exact):
    """The job that was started."""

    job: Job


class Current(_Exact):
    """The job that runs, or the last one; null if there was none."""

    job: Job | None


class Failure(_Exact):
    """A file that could not be read."""

    id: int
    path: str
    kind: Literal[
        "damaged",
        "empty",
        "extra",
        "forbidden",
        "gone",
        "large",
        "memory",
        "not_a_file",
        "not_a_picture",
        "unreadable",
        "other",
    ]
    reason: str
    hint: str


class Failures(_Exact):
    """A page of them."""

    failures: list[Failure]
    next: int | None
    total: int


class Problem(BaseModel):
    """An error (RFC 9457): what is wrong, in `detail`, and what to do, in `hint`."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
