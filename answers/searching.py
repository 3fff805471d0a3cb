"""Documents about searches and matches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, Self

from pydantic import Field

from ..search import answer as searches
from .base import CameraTime, Document


class Took(Document):
    """How long the search took, in milliseconds."""

    encode: float = Field(description="Encoding the query's texts and pictures.")
    search: float = Field(description="Finding and ordering the photos.")
    total: float = Field(description="All of it.")


class Result(Document):
    """A photo that was found. Where near-duplicates are shown as one, it stands for all of them."""

    rank: int = Field(description="1 is best.")
    id: int = Field(description="Id of the photo, for use in further calls.")
    path: str = Field(description="Printable text; not for opening files.")
    score: float = Field(description="Cosine of query and photo, -1 to 1; 1 if only filters were given.")
    relevance: float = Field(description="0 to 1; from 0.5 on it likely shows what was asked for.")
    taken_at: CameraTime | None = Field(description="The camera's local time, ISO 8601.")
    width: int = Field(description="Pixels, upright.")
    height: int = Field(description="Pixels, upright.")
    why: list[str] = Field(
        description="What speaks for it: looks like, name, folder, caption, keyword, filter, same bytes."
    )
    count: int = Field(description="How many photos it stands for, itself included.")
    verdict: Literal["sure", "likely", "unlikely"] = Field(description="How surely it is what was asked for.")


class MarkedResult(Result):
    """A result that says whether the photo is a favourite."""

    favourite: bool = Field(description="Whether the photo is a favourite.")


class Answer(Document):
    """The answer to a search."""

    query: str = Field(description="What was asked for, with filters as they were understood.")
    language: str | None = Field(description="ISO 639-1; null if no text was asked for.")
    encoder: str = Field(description="Name of the encoder that answered.")
    took_ms: Took = Field(description="How long it took, in milliseconds.")
    results: tuple[Result, ...] = Field(description="Best first.")
    next: str | None = Field(description="`cursor` of the next page; null if this is the last.")
    changed: bool = Field(
        description="The library has changed since the page before, whose order is not known any more."
    )
    relevant: bool = Field(description="False if nothing on a first page is relevant.")
    partial: bool = Field(
        description="True while the engine that finds similar pictures does not answer: all results have the words."
    )

    @classmethod
    def from_search(cls, answer: searches.Answer) -> Self:
        """Milliseconds with 3 decimals, scores with 6, relevance with 4."""
        return cls.model_validate(_page_fields(answer, [result_fields(result) for result in answer.results]))


class MarkedAnswer(Answer):
    """The answer to a search, whose results say which of them are favourites."""

    results: tuple[MarkedResult, ...] = Field(description="Best first.")

    @classmethod
    def with_favourites(cls, answer: searches.Answer, favourites: Collection[int]) -> Self:
        """As `Answer.from_search`; `favourites` are the ids of the favourites among the results."""
        results = [result_fields(result) | {"favourite": result.photo.id in favourites} for result in answer.results]
        return cls.model_validate(_page_fields(answer, results))


class TextMatch(Document):
    """One of the texts that a picture was matched with."""

    text: str
    probability: float = Field(description="0 to 1; those of all texts sum to 1.")


class Match(Document):
    """How well each text fits a picture, best first."""

    image: str = Field(description="Path of the picture as printable text.")
    encoder: str
    texts: list[TextMatch]

    @classmethod
    def from_probabilities(cls, image: str, encoder: str, ranked: Sequence[tuple[str, float]]) -> Self:
        """`ranked` are texts with their probabilities, which get 6 decimals."""
        texts = [TextMatch(text=text, probability=round(probability, 6)) for text, probability in ranked]
        return cls(image=image, encoder=encoder, texts=texts)


def result_fields(result: searches.Result) -> dict[str, Any]:
    """The fields of a `Result`. To validate a page of these at once is five times faster than to make each model."""
    photo = result.photo
    return {
        "rank": result.rank,
        "id": photo.id,
        "path": result.path,
        "score": round(result.score, 6),
        "relevance": round(result.relevance, 4),
        "taken_at": photo.facts.taken_at,
        "width": photo.width,
        "height": photo.height,
        "why": list(result.why),
        "count": result.count,
        "verdict": result.verdict,
    }


def _page_fields(answer: searches.Answer, results: list[dict[str, Any]]) -> dict[str, Any]:
    durations = answer.took
    return {
        "query": answer.query,
        "language": answer.language,
        "encoder": answer.encoder,
        "took_ms": {
            "encode": round(durations.encode, 3),
            "search": round(durations.search, 3),
            "total": round(durations.total, 3),
        },
        "results": results,
        "next": answer.next,
        "changed": answer.changed,
        "relevant": answer.is_relevant,
        "partial": answer.is_partial,
    }
