"""Answers as JSON documents: the contract of docs/design.md section 7, shared by command line and HTTP API."""

from __future__ import annotations

from typing import Any

from ..data import paths
from .engine import Answer, Result


def answer(found: Answer) -> dict[str, Any]:
    """`{query, language, encoder, took_ms: {encode, search, total}, results: […]}`."""
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
    }


def result(one: Result) -> dict[str, Any]:
    """`{rank, id, path, score, relevance, taken_at, width, height}`; the path as printable text."""
    photo = one.photo
    return {
        "rank": one.rank,
        "id": photo.id,
        "path": paths.display(photo.path),
        "score": round(one.score, 6),
        "relevance": round(one.relevance, 4),
        "taken_at": photo.facts.taken_at,
        "width": photo.width,
        "height": photo.height,
    }
