"""Documents about the evaluation of encoders: retrieval, zero-shot classification, comparison."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from pydantic import Field

from ..evaluation import compare, retrieval, zeroshot
from .base import Document

RecallName: TypeAlias = Literal["R@1", "R@5", "R@10"]
Recalls: TypeAlias = dict[RecallName, float]


class Figures(Document):
    """Retrieval in one language, or the mean over all: the share of queries with a right answer among the first k."""

    text_to_image: Recalls = Field(description="Percent.")
    image_to_text: Recalls = Field(description="Percent.")
    MR: float = Field(description="The mean of the six, percent.")

    @classmethod
    def from_figures(cls, figures: retrieval.Figures) -> Self:
        """Round to two decimals; MR is computed from the exact figures."""
        ways = {way: {name: round(value, 2) for name, value in recalls.items()} for way, recalls in figures.items()}
        return cls.model_validate({**ways, "MR": round(retrieval.mean_recall(figures), 2)})


class Retrieval(Document):
    """What an encoder does on a retrieval set."""

    dataset: str
    encoder: str
    images: int = Field(description="Pictures that were searched.")
    texts: int = Field(description="Captions in all languages.")
    languages: dict[str, Figures] = Field(description="By ISO 639-1.")
    mean: Figures = Field(description="The mean over the languages.")

    @classmethod
    def from_result(cls, result: retrieval.RetrievalResult) -> Self:
        """Make the document that docs/design.md describes."""
        exact = {language: retrieval.figures(measured) for language, measured in result.languages.items()}
        return cls(
            dataset=result.data.name,
            encoder=result.encoder,
            images=len(result.data.images),
            texts=result.data.texts,
            languages={language: Figures.from_figures(figures) for language, figures in exact.items()},
            mean=Figures.from_figures(retrieval.mean_figures(list(exact.values()))),
        )


class ZeroShotMetrics(Document):
    """Fractions, 0 to 1."""

    acc1: float = Field(description="Share of pictures whose class came first.")
    acc5: float | None = Field(description="Share of pictures whose class is among the first 5; null below 5 classes.")
    mean_per_class_recall: float = Field(description="The mean over the classes of the share that came first.")


class ZeroShot(Document):
    """What an encoder does on a classification set, as AltCLIP's script writes it."""

    dataset: str
    metrics: ZeroShotMetrics

    @classmethod
    def from_result(cls, result: zeroshot.ZeroShotResult) -> Self:
        """Six decimals."""
        metrics = ZeroShotMetrics(
            acc1=round(result.acc1, 6),
            acc5=None if result.acc5 is None else round(result.acc5, 6),
            mean_per_class_recall=round(result.mean_per_class_recall, 6),
        )
        return cls(dataset=result.dataset, metrics=metrics)


class Interval(Document):
    """A figure with the ends of its confidence interval, in percent."""

    value: float
    low: float
    high: float

    @classmethod
    def from_interval(cls, interval: compare.Interval) -> Self:
        """Two decimals."""
        return cls(value=round(interval.value, 2), low=round(interval.low, 2), high=round(interval.high, 2))


class Difference(Interval):
    """The second encoder's figure less the first's, in points."""

    differs: bool = Field(description="Whether the interval leaves 0 out.")


class Measure(Document):
    """One measure of both encoders, and their difference."""

    first: Interval
    second: Interval
    difference: Difference

    @classmethod
    def from_comparison(cls, comparison: compare.MeasureComparison) -> Self:
        """Round to two decimals; `differs` is computed from the exact figures."""
        difference = Interval.from_interval(comparison.difference)
        return cls(
            first=Interval.from_interval(comparison.first),
            second=Interval.from_interval(comparison.second),
            difference=Difference(**dict(difference), differs=comparison.differs),
        )


class Measures(Document):
    """All measures of one language, or of the mean over the languages."""

    text_to_image: dict[RecallName, Measure]
    image_to_text: dict[RecallName, Measure]
    MR: Measure

    @classmethod
    def from_table(cls, table: compare.Table) -> Self:
        """The measures of one of `compare.compare`'s tables."""
        ways = {
            way: {
                name: Measure.from_comparison(comparison)
                for (measured_way, name), comparison in table.items()
                if measured_way == way
            }
            for way in compare.WAYS
        }
        return cls.model_validate({**ways, "MR": Measure.from_comparison(table["", "MR"])})


class Comparison(Document):
    """Two encoders on the same data."""

    dataset: str
    encoders: list[str] = Field(description="The first and the second.")
    images: int = Field(description="Pictures that were searched.")
    texts: int = Field(description="Captions in all languages.")
    confidence: float = Field(description="Of the intervals, 0 to 1.")
    samples: int = Field(description="Bootstrap samples.")
    languages: dict[str, Measures] = Field(description="By ISO 639-1.")
    mean: Measures = Field(description="The mean over the languages.")

    @classmethod
    def from_results(
        cls,
        first: retrieval.RetrievalResult,
        second: retrieval.RetrievalResult,
        samples: int = compare.SAMPLES,
        seed: int = compare.SEED,
    ) -> Self:
        """Raises DataError if the two did not see the same data."""
        tables = compare.compare(first, second, samples, seed)
        measures = {language: Measures.from_table(table) for language, table in tables.items()}
        mean = measures.pop("mean")
        return cls(
            dataset=first.data.name,
            encoders=[first.encoder, second.encoder],
            images=len(first.data.images),
            texts=first.data.texts,
            confidence=compare.CONFIDENCE,
            samples=samples,
            languages=measures,
            mean=mean,
        )
