"""Answers, photos and status as JSON documents: the contract of docs/design.md, shared by command line and HTTP API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .data import paths
from .data.check import Report
from .data.records import PhotoRecord
from .library import Status
from .search.engine import Answer, Result


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
    return {
        "id": record.id,
        "path": paths.display(record.path),
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
    """`{photos, failed, roots: [{path, state, photos}], encoder, dimension, index, generation, watch}`."""
    encoder = found.encoder
    return {
        "photos": found.photos,
        "failed": len(found.failures),
        "roots": [
            {"path": paths.display(root.path), "state": state, "photos": root.photos} for root, state in found.roots
        ],
        "encoder": encoder.name if encoder else None,
        "dimension": encoder.dimension if encoder else None,
        "index": "exact",
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
