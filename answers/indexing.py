"""Documents about changes of a library: index runs and jobs, reencoding, roots, excluded patterns."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field

from ..errors import PolyglanceError
from ..indexer.run.profile import Profile
from ..indexer.run.report import Report, Tally
from .base import Document, Time, vocabulary

JobState: TypeAlias = Annotated[str, vocabulary("running", "done", "failed", "stopped")]
JobPhase: TypeAlias = Annotated[
    str, vocabulary("waiting", "scanning", "indexing", "finishing", "done", "failed", "stopped")
]


class Counts(Document):
    """How many files an index run saw, by what became of them."""

    added: int
    changed: int
    moved: int
    removed: int
    unchanged: int
    failed: int = Field(description="Files that could not be read in this run.")

    @classmethod
    def from_tally(cls, tally: Tally) -> Self:
        """Count what a run did."""
        return cls(
            added=tally.added,
            changed=tally.changed,
            moved=tally.moved,
            removed=tally.removed,
            unchanged=tally.unchanged,
            failed=len(tally.failures),
        )


class ProfileStage(Document):
    """What one stage of an index run took, for all pictures together."""

    stage: str = Field(description="`read`, `decode`, `resize`, `thumbnail`, `deliver`, `load`, `encode` or `commit`.")
    pictures: int = Field(description="Files that passed the stage.")
    wall_seconds: float = Field(description="By the clock, added up over what is done side by side.")
    cpu_seconds: float = Field(description="Of a processor.")
    pictures_per_second: float | None = Field(description="While the stage worked, all side by side; null if idle.")
    share: float = Field(description="Of the processor seconds of all stages, 0 to 1.")


class RunProfile(Document):
    """Where the time of an index run went."""

    seconds: float = Field(description="From the first file to the last commit.")
    cpu_seconds: float = Field(description="Of all stages.")
    processors: int = Field(description="Of this machine.")
    limit: str | None = Field(description="The stage that limits the run; null if no file was read.")
    stages: list[ProfileStage]

    @classmethod
    def from_profile(cls, profile: Profile) -> Self:
        """Seconds with 3 decimals, rates with 2."""
        stages = [
            ProfileStage(
                stage=name,
                pictures=stage.pictures,
                wall_seconds=round(stage.wall, 3),
                cpu_seconds=round(stage.cpu, 3),
                pictures_per_second=None if (rate := profile.rate(name)) is None else round(rate, 2),
                share=round(stage.cpu / profile.cpu, 3) if profile.cpu else 0.0,
            )
            for name, stage in profile.stages.items()
        ]
        return cls(
            seconds=round(profile.elapsed, 3),
            cpu_seconds=round(profile.cpu, 3),
            processors=profile.processors,
            limit=profile.limit(),
            stages=stages,
        )


class ErrorMessage(Document):
    """What went wrong, and what to do."""

    message: str
    hint: str = Field(description="May be empty.")
    code: str | None = Field(default=None, description="Name of the reason, for other languages; null if it has none.")
    values: dict[str, str] = Field(default={}, description="The parts of the message that vary, by name.")

    @classmethod
    def from_error(cls, error: PolyglanceError) -> Self:
        """The error's message, hint and reason."""
        return cls(message=error.message, hint=error.hint, code=error.code or None, values=error.values)


class _Run(Counts):
    seconds: float = Field(description="Of the whole run.")
    images_per_second: float = Field(description="Pictures encoded in a second of the whole run.")
    encoder: str = Field(description="Name of the encoder.")
    missing: int = Field(description="Photos not found and kept, until `--yes` confirms that they are gone.")


class IndexRun(_Run):
    """What an index run did, as the command line tells it."""

    busy: list[ErrorMessage] = Field(description="The folders left out, because another process indexes them.")

    @classmethod
    def from_report(cls, report: Report) -> Self:
        """Seconds with 3 decimals, the rate with 2."""
        return cls(**_run(report), busy=[ErrorMessage.from_error(error) for error in report.busy])


class ProfiledIndexRun(_Run):
    """What an index run did, and where the time went: `index --profile`."""

    profile: RunProfile
    busy: list[ErrorMessage] = Field(description="The folders left out, because another process indexes them.")

    @classmethod
    def from_report(cls, report: Report) -> Self:
        """As `IndexRun`, and the profile."""
        busy = [ErrorMessage.from_error(error) for error in report.busy]
        return cls(**_run(report), profile=RunProfile.from_profile(report.profile), busy=busy)


def _run(report: Report) -> dict[str, Any]:
    return dict(
        Counts.from_tally(report.tally),
        missing=sum(doubt.missing for doubt in report.doubts),
        seconds=round(report.seconds, 3),
        images_per_second=round(report.images_per_second, 2),
        encoder=report.encoder,
    )


class IndexReport(Counts):
    """What an index job did."""

    still_failed: int = Field(description="Files that could not be read before and are unchanged: not tried again.")
    seconds: float = Field(description="Of the whole run.")
    images_per_second: float = Field(description="Pictures encoded in a second of the whole run.")
    encoder: str = Field(description="Name of the encoder.")
    offline: list[ErrorMessage] = Field(description="The folders whose disk was not there.")
    doubts: list[ErrorMessage] = Field(description="Folders most of whose photos were not found; they are kept.")
    busy: list[ErrorMessage] = Field(description="The folders left out, because another process indexes them.")

    @classmethod
    def from_report(cls, report: Report) -> Self:
        """Seconds with 3 decimals, the rate with 2."""
        return cls(
            **dict(Counts.from_tally(report.tally)),
            still_failed=report.tally.still_failed,
            seconds=round(report.seconds, 3),
            images_per_second=round(report.images_per_second, 2),
            encoder=report.encoder,
            offline=[ErrorMessage.from_error(offline.error) for offline in report.offline],
            doubts=[ErrorMessage(message=doubt.message, hint=doubt.hint) for doubt in report.doubts],
            busy=[ErrorMessage.from_error(error) for error in report.busy],
        )


class Job(Document):
    """An index run in a server; times in ISO 8601, UTC."""

    id: int = Field(description="Counts from 1 since the server started.")
    kind: Literal["index"]
    state: JobState
    phase: JobPhase = Field(description="What it does now; `waiting` for another process to finish writing.")
    root: str | None = Field(description="Its folder; null for all.")
    done: int = Field(description="Files.")
    total: int = Field(description="Files.")
    failed: int = Field(description="Files that could not be read.")
    rate: float | None = Field(description="Files a second, lately.")
    seconds_left: float | None = Field(description="At that rate; null while it is not known.")
    started: Time
    finished: Time | None
    report: IndexReport | None = Field(description="What it did; null unless it is done.")
    error: ErrorMessage | None = Field(description="Null unless it failed.")


class StartedJob(Document):
    """The job that was started."""

    job: Job


class CurrentJob(Document):
    """The job that runs, or the last one; null if there was none."""

    job: Job | None


class Reencoded(Document):
    """What switching to another encoder did."""

    encoder: str
    encoded: int = Field(description="Pictures encoded.")
    failed: int = Field(description="Files that could not be read.")


class ForgottenRoot(Document):
    """What dropping a folder from the library over HTTP did."""

    forgotten: int = Field(description="Photos dropped.")
    favourites: int = Field(description="How many of them are favourites, which they are again when they return.")


class Forgotten(Document):
    """What dropping a folder from the library did, or would do."""

    forgotten: int = Field(description="Photos dropped; 0 if nothing was to be done.")
    photos: int = Field(description="Photos that were, or would be, dropped.")
    favourites: int = Field(description="How many of them are favourites, which they are again when they return.")


class Excluded(Document):
    """What is left out of the library."""

    excluded: list[str] = Field(description="Patterns in gitignore's syntax.")
