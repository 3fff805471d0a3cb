"""Documents about the machine: what was found, and what would make polyglance faster or safer on it."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from ..library import doctor
from ..library.doctor import advice as advising
from .base import Document


class _Fact(Document):
    model_config = ConfigDict(from_attributes=True)


class DoctorSystem(_Fact):
    """The operating system and Python."""

    polyglance: str = Field(description="polyglance's version.")
    python: str = Field(description="Python's version.")
    name: str = Field(description="The system's name and version.")
    kind: str = Field(description="linux, darwin or win32.")
    is_translated: bool = Field(description="Whether this Python is for Intel processors and runs on Apple's.")


class DoctorProcessor(_Fact):
    """The processor."""

    model: str
    architecture: str = Field(description="x86_64, arm64, …")
    features: list[str] = Field(
        description="Of AVX2, AVX-512, VNNI, BF16, AMX, AMX int8, NEON, dot product and I8MM, those it has."
    )
    cores: int
    usable: float = Field(description="Cores that this process may use.")


class DoctorMemory(_Fact):
    """Main memory, in bytes."""

    total: int = Field(description="What the machine has, or what its control group allows.")
    available: int


class DoctorCard(_Fact):
    """A graphics card."""

    name: str
    vendor: str = Field(description="nvidia, amd or apple.")
    memory: int | None = Field(description="In bytes; null if unknown.")


class DoctorRuntime(_Fact):
    """A library that computes encoders."""

    name: str
    version: str | None = Field(description="Null if it is not installed.")
    build: str = Field(description="What torch was built for: cpu, cuda 12.8, rocm 6.2; else empty.")
    devices: list[str] = Field(description="Devices beside the processor that it can use.")
    error: str = Field(description="Why it cannot be loaded; empty if it can.")


class DoctorCodec(_Fact):
    """A picture format."""

    name: str
    library: str | None = Field(description="What reads it; null if nothing does.")


class DoctorFaiss(_Fact):
    """The library that searches vectors."""

    packages: list[str] = Field(description="Of faiss-cpu and faiss-gpu-cu12, those installed.")
    version: str | None
    simd: str = Field(description="The instructions that it uses: AVX2, AVX512, NEON, generic.")
    cards: int = Field(description="Graphics cards that it can use.")
    error: str = Field(description="Why it cannot be loaded; empty if it can.")


class DoctorEncoder(_Fact):
    """An encoder that has a short name."""

    name: str
    is_ready: bool = Field(description="Whether it works on this machine without a network.")
    download: int | None = Field(description="Bytes to fetch; null if unknown.")
    is_prepared: bool = Field(description="Whether it was compiled and measured for this machine.")


class DoctorLibrary(_Fact):
    """The library."""

    folder: str
    state: str = Field(description="none, ready, old or new (made by another version), unreadable, or incomplete.")
    photos: int = Field(description="Files in the catalog, readable or not.")
    vectors: int = Field(description="Vectors of its encoder.")
    encoder: str | None
    heic_failures: int = Field(description="Files that need the extra heic.")
    raw_failures: int = Field(description="Files that need the extra raw.")


class DoctorDisk(_Fact):
    """The disk that a folder is on, or would be on."""

    folder: str
    purpose: str = Field(description="library or encoders.")
    free: int = Field(description="Bytes.")
    file_system: str = Field(description="Its name: ext4, apfs, nfs; empty if unknown.")
    is_remote: bool = Field(description="Whether another machine may change it.")
    is_case_sensitive: bool | None = Field(description="Null if that cannot be told without writing.")
    is_writable: bool


class DoctorWatching(_Fact):
    """What following the library's folders takes."""

    folders: int = Field(description="Folders with photos, and those above them.")
    max_watches: int | None = Field(description="Limit of inotify; null where there is none.")
    max_instances: int | None = Field(description="Limit of inotify; null where there is none.")


class DoctorFacts(_Fact):
    """What was found."""

    system: DoctorSystem
    processor: DoctorProcessor
    memory: DoctorMemory
    cards: list[DoctorCard]
    device: str = Field(description="The setting `device`.")
    batch_size: int = Field(description="The setting `batch_size`.")
    runtimes: list[DoctorRuntime]
    codecs: list[DoctorCodec]
    faiss: DoctorFaiss
    encoders: list[DoctorEncoder]
    library: DoctorLibrary
    disks: list[DoctorDisk]
    watching: DoctorWatching


class DoctorAdvice(_Fact):
    """What would make polyglance faster or safer here."""

    kind: str = Field(description="broken, safer, faster, more or next.")
    text: str
    commands: list[str] = Field(description="To copy, in this order; may be empty.")


class DoctorCheck(_Fact):
    """One subject."""

    subject: str
    state: str = Field(description="ok, or the most urgent kind of its advice.")
    text: str = Field(description="What was found, in one line.")
    advice: list[DoctorAdvice]


class Doctor(Document):
    """What `polyglance doctor` found, and what to do first."""

    checks: list[DoctorCheck]
    first: list[DoctorAdvice] = Field(description="All advice, the most urgent first.")
    facts: DoctorFacts

    @classmethod
    def from_examination(cls, facts: doctor.Facts, checks: tuple[doctor.Check, ...]) -> Self:
        """Raw facts as they were read; sizes in bytes."""
        return cls(
            checks=[DoctorCheck.model_validate(check) for check in checks],
            first=[DoctorAdvice.model_validate(advice) for advice in advising.to_do(checks)],
            facts=DoctorFacts.model_validate(facts),
        )
