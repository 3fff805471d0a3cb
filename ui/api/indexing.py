"""Roots, index jobs and the files that could not be read."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ...answers.folders import Folders
from ...answers.indexing import CurrentJob, ForgottenRoot, Job, StartedJob
from ...answers.status import Failure, Failures, Roots
from ...data import paths
from ...errors import UsageError
from ...indexer.run.places import check_folders
from ...library import Library
from ..web import folders
from ..web.jobs import Jobs
from ..web.limits import MAX_ID
from .parameters import Count, Position, Text
from .responses import respond

RootId = Annotated[int, Path(ge=1, le=MAX_ID, description="Id of a root, as `/roots` has it.")]


class NewRoot(BaseModel):
    """A folder of the server's machine."""

    model_config = ConfigDict(extra="forbid")
    path: Annotated[Text, Field(description="Absolute, or beginning with ~.", examples=["/home/me/Pictures"])]


class Rescan(BaseModel):
    """Which root to compare with its disk; null for all."""

    model_config = ConfigDict(extra="forbid")
    root: Annotated[int | None, Field(ge=1, le=MAX_ID, examples=[1])] = None


def router(library: Library, jobs: Jobs) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Indexing"])

    @routes.get("/roots", response_model=Roots)
    def roots() -> Response:
        """The folders that the library indexes."""
        return respond(Roots.from_library(library.status()))

    @routes.post("/roots", status_code=202, response_model=StartedJob)
    def add_root(new: NewRoot) -> Response:
        """Add a folder of the server's machine and begin to index it."""
        if not new.path.startswith(("/", "~")) and not os.path.isabs(new.path):
            error = UsageError("The path does not begin at the root of the disk.", "Give the whole path of the folder.")
            raise error.with_code("folder_whole_path")
        (folder,) = check_folders([new.path])
        return _started(
            jobs.start(paths.display(folder), lambda tick, stop: library.index([folder], progress=tick, stop=stop))
        )

    @routes.delete("/roots/{root_id}", response_model=ForgottenRoot)
    def forget_root(root_id: RootId) -> Response:
        """Drop a folder from the library. Its files are not touched, and marks of favourites are kept."""
        jobs.require_free()
        folder = library.root(root_id).path
        favourites = library.would_forget(folder).favourites
        return respond(ForgottenRoot(forgotten=library.forget(folder), favourites=favourites))

    @routes.get("/folders", response_model=Folders)
    def list_folders(
        path: Annotated[Text, Query(description="Absolute; the home folder if it is empty.")] = "",
    ) -> Response:
        """The folders in a folder of the server's machine, to choose one to add. No names of files."""
        return respond(folders.list_folders(path))

    @routes.post("/jobs", status_code=202, response_model=StartedJob)
    def rescan(request: Rescan) -> Response:
        """Compare one root with its disk, or all of them."""
        root = library.root(request.root) if request.root is not None else None
        folder = paths.display(root.path) if root else None
        return _started(jobs.start(folder, lambda tick, stop: library.rescan(request.root, progress=tick, stop=stop)))

    @routes.get("/jobs/current", response_model=CurrentJob)
    def job() -> Response:
        """The index job that runs, or the last one."""
        return respond(CurrentJob(job=jobs.document()))

    @routes.delete("/jobs/current", response_model=CurrentJob)
    def stop_job() -> Response:
        """Ask the job to stop; the batch in hand is finished, and all that is done is kept."""
        jobs.ask_stop()
        return respond(CurrentJob(job=jobs.document()))

    @routes.get("/failures", response_model=Failures)
    def failures(k: Count = 20, cursor: Position = 0) -> Response:
        """The files that could not be read, and why."""
        photos, total = library.failures(cursor, k + 1)
        next_cursor = photos[k - 1].id if len(photos) > k else None
        return respond(
            Failures(failures=[Failure.from_record(photo) for photo in photos[:k]], next=next_cursor, total=total)
        )

    @routes.post("/failures/retry", status_code=202, response_model=StartedJob)
    def retry() -> Response:
        """Try the files again that could not be read."""
        return _started(jobs.start(None, lambda tick, stop: library.rescan(failed=True, progress=tick, stop=stop)))

    return routes


def _started(job: Job) -> Response:
    return respond(StartedJob(job=job), 202)
