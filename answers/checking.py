"""Documents about the check of a library's files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

from pydantic import Field

from ..data.check import check
from .base import Document


class Finding(Document):
    """One thing that is wrong."""

    code: str = Field(description="What is wrong, the same in every version: docs/check.md lists the codes.")
    subject: str = Field(description="What it is about.")
    message: str = Field(description="What is wrong, in one line.")
    repaired: bool = Field(description="Whether it was mended.")
    advice: str = Field(description="What is left to do; may be empty.")
    harmless: bool = Field(description="Whether it takes space and does nothing else.")


class Check(Document):
    """What a check found."""

    ok: bool = Field(description="Whether nothing is wrong, or all of it was mended or is harmless.")
    findings: list[Finding]
    photos: int = Field(description="Photos in the catalog.")
    vectors: int = Field(description="Vectors in the catalog.")
    deep: bool = Field(description="Whether thumbnails and photos were read as well.")
    compared: int = Field(description="Photo files that were read and are as they were indexed.")
    not_compared: int = Field(description="Photo files that are gone, offline, or changed since they were indexed.")
    seconds: float = Field(description="How long the check took.")

    @classmethod
    def from_report(cls, report: check.Report) -> Self:
        """Seconds with 3 decimals."""
        return cls(
            ok=report.ok,
            findings=[Finding(**asdict(finding), harmless=finding.is_harmless) for finding in report.findings],
            photos=report.photos,
            vectors=report.vectors,
            deep=report.deep,
            compared=report.compared,
            not_compared=report.not_compared,
            seconds=round(report.seconds, 3),
        )
