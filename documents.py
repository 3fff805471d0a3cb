"""Answers, photos and status as JSON documents: the contract of docs/design.md, shared by command line and HTTP API."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from .data import paths, troubles
from .data.check import Report
from .data.facets import Facets
from .data.records import NEVER_SEEN, PhotoRecord
from .encoders.registry import EncoderInfo
from .indexer.update import Report as IndexReport
from .library import Status
from .search import filters
from .search.engine import Answer, Result

Document: TypeAlias = dict[str, Any]

RETRY_HINT = "It is tried again at the next run: check its disk and permissions."
CHANGE_HINT = "Open it with another program: if that fails too, the file is damaged."


def answer(found: Answer) -> dict[str, Any]:
    """`{query, language, encoder, took_ms: {encode, search, total}, results: […], next, changed, relevant}`.

    `next` is the cursor of the next page or null, `relevant` false if nothing on a first page is.
    """
    took = found.took
    return {
        "query": found.query,
        "language": found.language,
        "encoder": found.encoder,
        "took_ms": {
            "encode": round(took.encode, 3),
            "search": round(took.search, 3),
            "total": round(took.total, 3),
        },
        "results": [result(one) for one in found.results],
        "next": found.next,
        "changed": found.changed,
        "relevant": found.is_relevant,
    }


def result(one: Result) -> dict[str, Any]:
    """`{rank, id, path, score, relevance, taken_at, width, height, why, count}`; the path as printable text.

    `why` lists what speaks for it, `count` is how many near-duplicates it stands for, itself included.
    """
    photo = one.photo
    return {
        "rank": one.rank,
        "id": photo.id,
        "path": one.path,
        "score": round(one.score, 6),
        "relevance": round(one.relevance, 4),
        "taken_at": photo.facts.taken_at,
        "width": photo.width,
        "height": photo.height,
        "why": list(one.why),
        "count": one.count,
    }


def photo(record: PhotoRecord) -> dict[str, Any]:
    """Everything the library knows about one photo; sizes in pixels and bytes, the path as printable text."""
    facts = record.facts
    folder, name = os.path.split(record.path)
    return {
        "id": record.id,
        "path": paths.display(record.path),
        "folder": paths.display(folder),
        "name": paths.display(name),
        "width": record.width,
        "height": record.height,
        "format": record.format,
        "size": record.size,
        "taken_at": facts.taken_at,
        "camera": facts.camera,
        "lens": facts.lens,
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "caption": facts.caption,
        "keywords": list(facts.keywords),
    }


def status(found: Status) -> dict[str, Any]:
    """`{photos, failed, roots: [{path, state, photos, missing}], encoder, dimension, index, generation, watch}`."""
    encoder = found.encoder
    return {
        "photos": found.photos,
        "failed": len(found.failures),
        "roots": [
            {"path": paths.display(root.path), "state": state, "photos": root.photos, "missing": root.missing}
            for root, state in found.roots
        ],
        "encoder": encoder.name if encoder else None,
        "dimension": encoder.dimension if encoder else None,
        "index": found.index,
        "generation": found.generation,
        "watch": _watch(found),
    }


def _watch(found: Status) -> dict[str, Any] | None:
    """`{process, roots: [{path, how, note}]}`, or null if nobody watches."""
    if found.watch is None:
        return None
    names = {root.id: paths.display(root.path) for root, _ in found.roots}
    roots = [
        {"path": names[each.root_id], "how": each.how, "note": each.note}
        for each in found.watch.roots
        if each.root_id in names
    ]
    return {"process": found.watch.process, "roots": roots}


def check(report: Report) -> dict[str, Any]:
    """`{ok, findings: [{code, subject, message, repaired, advice, harmless}], photos, vectors, deep, …, seconds}`.

    `compared` and `not_compared` count the photo files that a deep check read, and those that are not there as they
    were indexed.
    """
    return {
        "ok": report.ok,
        "findings": [asdict(finding) | {"harmless": finding.is_harmless} for finding in report.findings],
        "photos": report.photos,
        "vectors": report.vectors,
        "deep": report.deep,
        "compared": report.compared,
        "not_compared": report.not_compared,
        "seconds": round(report.seconds, 3),
    }


def failures(found: Status) -> list[dict[str, Any]]:
    """`[{path, reason}]` of the files that cannot be read."""
    return [{"path": paths.display(photo.path), "reason": photo.error} for photo in found.failures]


def failure(photo: PhotoRecord) -> dict[str, Any]:
    """`{id, path, kind, reason, hint}` of a file that cannot be read; `data.troubles` has the kinds."""
    hint = RETRY_HINT if photo.mtime_ns == NEVER_SEEN.mtime_ns else CHANGE_HINT
    kind = troubles.kind_of(photo.error or "")
    return {"id": photo.id, "path": paths.display(photo.path), "kind": kind, "reason": photo.error, "hint": hint}


def roots(found: Status) -> list[dict[str, Any]]:
    """`[{id, path, state, photos, failed, missing, watch: {how, note}}]`; `watch` is null where nobody watches."""
    watched = {each.root_id: each for each in found.watch.roots} if found.watch else {}
    return [
        {
            "id": root.id,
            "path": paths.display(root.path),
            "state": state,
            "photos": root.photos,
            "failed": root.failed,
            "missing": root.missing,
            "watch": {"how": watched[root.id].how, "note": watched[root.id].note} if root.id in watched else None,
        }
        for root, state in found.roots
    ]


def facets(found: Facets) -> dict[str, Any]:
    """`{cameras, folders, types, first, last, favourites, places}`; names as filters take them."""
    types: dict[str, int] = {}
    for name, count in found.formats.items():
        short = filters.type_of(name)
        if short:
            types[short] = types.get(short, 0) + count
    return {
        "cameras": [{"name": name, "photos": count} for name, count in found.cameras.items()],
        "folders": [
            {"root": paths.display(each.root), "path": paths.display(each.path), "photos": each.photos}
            for each in found.folders
        ],
        "types": [{"name": name, "photos": count} for name, count in types.items()],
        "first": found.first,
        "last": found.last,
        "favourites": found.favourites,
        "places": found.places,
    }


def copies(group: Sequence[PhotoRecord]) -> dict[str, Any]:
    """`{photos: […]}`, each as in results as far as that makes sense: photos with equal bytes."""
    return {"photos": [result(Result(rank, each, 1.0, 1.0, ("same bytes",))) for rank, each in enumerate(group, 1)]}


def encoder(info: EncoderInfo, active: str | None) -> dict[str, Any]:
    """`{name, ready, dimension, languages, download_bytes, description, active}`; `active` answers searches."""
    return {
        "name": info.name,
        "ready": info.ready,
        "dimension": info.dimension,
        "languages": list(info.languages),
        "download_bytes": info.download_bytes,
        "description": info.description,
        "active": info.name == active,
    }


def counts(done: IndexReport) -> dict[str, int]:
    """`{added, changed, moved, removed, unchanged, failed}` of an index run."""
    tally = done.tally
    return {
        "added": tally.added,
        "changed": tally.changed,
        "moved": tally.moved,
        "removed": tally.removed,
        "unchanged": tally.unchanged,
        "failed": len(tally.failures),
    }


def report(done: IndexReport) -> dict[str, Any]:
    """What an index run did: counts, `seconds`, `images_per_second`, `encoder`, the folders that were `offline`, and
    `doubts`: photos that were not found and are kept.
    """
    return {
        **counts(done),
        "still_failed": done.tally.still_failed,
        "seconds": round(done.seconds, 3),
        "images_per_second": round(done.images_per_second, 2),
        "encoder": done.encoder,
        "offline": [{"message": each.error.message, "hint": each.error.hint} for each in done.offline],
        "doubts": [{"message": each.message, "hint": each.hint} for each in done.doubts],
    }
