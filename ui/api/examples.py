"""Examples of answers for the OpenAPI document, made by the code that makes the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ...answers import (
    encoders,
    exploring,
    facets,
    folders,
    indexing,
    maps,
    photos,
    problems,
    searching,
    status,
    timeline,
)
from ...data.catalog.records import Cluster, DayInYear, EncoderRecord, PhotoRecord, RootRecord
from ...data.pictures.exif import Exposure, Facts
from ...encoders.registry import EncoderInfo
from ...indexer.run.report import Report, Tally
from ...library import Status
from ...progress import Tick
from ...search.answer import Answer, Durations, Result
from ..web.jobs import Job

PROBLEM = problems.Problem(
    type="about:blank",
    title="Unprocessable Entity",
    status=422,
    detail="There is no filter colour:.",
    hint='The filters are after: before: date: …; put text in quotes: "colour:red"',
).model_dump()


def answers() -> dict[str, Any]:
    """The example of each operation that answers with JSON, by operation id."""
    return {name: document.model_dump(mode="json") for name, document in _documents().items()}


def _documents() -> dict[str, BaseModel]:
    folder, alps = b"/home/me/Pictures", "/home/me/Pictures/2024/Alps"
    facts = Facts(
        "2024-02-11T09:30:00", "Fujifilm X100V", "23mm F2", 45.9764, 7.6586, "The hut at sunrise", ("alps", "snow")
    )
    photo = PhotoRecord(
        12, folder + b"/2024/Alps/DSCF0042.jpg", 5_242_880, 1, b"\x12" * 32, None, 6240, 4160, "JPEG", facts
    )
    copy = PhotoRecord(57, folder + b"/Best/DSCF0042.jpg", 5_242_880, 1, b"\x12" * 32, None, 6240, 4160, "JPEG", facts)
    broken = PhotoRecord(
        90, folder + b"/2019/IMG_7003.jpg", 0, 1, None, "is empty (0 bytes)", None, None, None, Facts()
    )
    results = [Result(1, photo, 0.31, 0.93, ("looks like", "keyword"), 2)]
    answer = Answer("snowy mountains", "en", "lite", Durations(9.1, 2.4, 11.7), results, "42-20")
    like = Answer("12", None, "lite", Durations(0.0, 2.4, 2.5), [Result(1, copy, 1.0, 1.0)])
    root = RootRecord(1, folder, 4096, 1)
    lite_record = EncoderRecord(1, "lite", "", 1011, "float32")
    library = Status(Path("library"), [(root, "online")], [broken], lite_record, "exact", 42, None)
    tally = Tally(added=3, changed=0, moved=1, removed=0, unchanged=4093, failures=[], still_failed=1)
    running = Job(1, "/home/me/Pictures", phase="indexing", tick=Tick(64, 4097, 0, 64), rate=15.2, started=1.7e9)
    done = Job(1, None, "done", "done", Tick(4097, 4097, 0, 3), 15.2, 1.7e9, 1.7e9 + 4, Report(tally, 4.0, "lite"))
    marked = searching.MarkedAnswer.with_favourites(answer, {12})
    similar = searching.MarkedAnswer.with_favourites(like, set())
    all_facets = facets.Facets(
        cameras=[facets.NamedCount(name="Fujifilm X100V", photos=4000)],
        folders=[facets.PhotoFolder(root="/home/me/Pictures", path="2024/Alps", photos=310)],
        types=[facets.NamedCount(name="jpg", photos=4096)],
        first="2019-05-01T12:34:56",
        last="2024-02-11T09:30:00",
        favourites=7,
        places=2100,
        photos=4096,
    )
    lite = EncoderInfo("lite", 1011, ("en", "zh"), 0, True, "embedded, everyday things")
    cat = exploring.ThingTile(key="cat", name="gato", photos=31, cover=12, q="gato")
    rome = exploring.PlaceTile(
        key="3169070",
        name="Roma",
        country="IT",
        photos=85,
        cover=57,
        q="place:3169070",
        latitude=41.89,
        longitude=12.51,
    )
    explored = exploring.Explore(
        things=[cat],
        places=[rome],
        countries=[
            exploring.PlaceTile(
                key="IT",
                name="Italia",
                country="IT",
                photos=120,
                cover=12,
                q="place:IT",
                latitude=42.83,
                longitude=12.83,
            )
        ],
        folders=[exploring.FolderTile(name="Alps", path=alps, photos=310, cover=12, q=f"in:{alps}")],
        cameras=[exploring.CameraTile(name="Fujifilm X100V", photos=4000, cover=12, q='camera:"Fujifilm X100V"')],
        favourites=exploring.FavouritesTile(photos=7, cover=12),
        duplicates=exploring.CopiesTile(photos=2),
        examples=[exploring.Example(language="es", text="gato")],
    )
    suggestion = exploring.Suggestion(
        kind="place",
        text="Roma",
        photos=85,
        q=None,
        filter=exploring.SuggestedFilter(name="place", value="3169070"),
    )
    return {
        "explore": explored,
        "suggest": exploring.Suggestions(suggestions=[suggestion]),
        "search": marked,
        "search_with_picture": marked,
        "similar": similar,
        "similar_to_upload": similar,
        "timeline": timeline.Timeline.from_counts([("2024-02", 310), (None, 3)], [photo], {12}),
        "timeline_month": timeline.Month.from_records("2024-02", [photo], {12}),
        "on_this_day": timeline.OnThisDay.from_days([DayInYear(2024, 12, [photo])], {12}),
        "photo_map": maps.Map.from_clusters([Cluster(310, 12, 45.9764, 7.6586, 45.97, 7.65, 45.98, 7.67)]),
        "exif": photos.Exif.from_exposure(Exposure(2.8, 0.004, 200, 23.0, 35.0, 0.0, False), "23mm F2"),
        "neighbours": timeline.Neighbours.from_records([copy], [], {12}),
        "photo": photos.Photo.from_record(photo, favourite=True, place=("Zermatt", "CH")),
        "mark": photos.FavouriteMark(id=12, favourite=True, ids=[12, 57]),
        "unmark": photos.FavouriteMark(id=12, favourite=False, ids=[12, 57]),
        "paths_of_many": photos.PhotoPaths.from_records([photo, copy]),
        "mark_many": photos.FavouriteMarks(favourite=True, ids=[12, 57]),
        "near_duplicates": photos.PhotoGroup.from_results([Result(1, photo, 1.0, 1.0), Result(2, copy, 1.0, 1.0)]),
        "status": status.Status.from_library(library),
        "facets": all_facets,
        "duplicates": photos.DuplicateGroups(groups=[photos.PhotoGroup.from_copies([photo, copy])], next=None),
        "encoders": encoders.LibraryEncoders.from_registry([lite], "lite"),
        "roots": status.Roots.from_library(library),
        "add_root": indexing.StartedJob(job=running.document()),
        "forget_root": indexing.ForgottenRoot(forgotten=4096, favourites=7),
        "list_folders": folders.Folders(
            path="/home/me",
            parent="/home",
            folders=[folders.ServerFolder(name="Pictures", path="/home/me/Pictures")],
        ),
        "rescan": indexing.StartedJob(job=running.document()),
        "job": indexing.CurrentJob(job=done.document()),
        "stop_job": indexing.CurrentJob(job=running.document()),
        "failures": status.Failures(failures=[status.Failure.from_record(broken)], next=None, total=1),
        "retry": indexing.StartedJob(job=running.document()),
    }
