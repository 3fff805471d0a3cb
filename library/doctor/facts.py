"""What `polyglance doctor` knows of a machine. Sizes are in bytes; None is a value that the system does not tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class System:
    """The operating system and Python."""

    polyglance: str
    python: str
    name: str
    """Of the system, for reading: `Debian GNU/Linux 12 (bookworm)`, `macOS 15.1`, `Windows 11`."""
    kind: str
    """`linux`, `darwin` or `win32`, as `sys.platform`."""
    pip: str = "pip"
    """The command that installs into this Python."""
    is_translated: bool = False
    """Whether this Python is for Intel processors and is translated by Rosetta."""


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor, and how much of it this process may use."""

    model: str
    architecture: str
    """`x86_64`, `arm64`, …"""
    features: tuple[str, ...]
    """Instruction sets, by the names for reading in `reading`."""
    cores: int
    usable: float
    """Cores that this process may use: by its affinity and its control group."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory."""

    total: int
    """What the machine has, or what the control group allows, if that is less."""
    available: int


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card, as the system lists it."""

    name: str
    vendor: str
    """`nvidia`, `amd` or `apple`."""
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """A library that computes encoders."""

    name: str
    version: str | None
    """None if it is not installed."""
    build: str = ""
    """What it was built for: `cpu`, `cuda 12.8`, `rocm 6.2`."""
    devices: tuple[str, ...] = ()
    """The devices beside the processor that it can use: `cuda`, `mps`, `GPU`."""
    error: str = ""
    """Why it cannot be loaded; empty if it can."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A picture format, and the library that reads it."""

    name: str
    library: str | None
    """None if the format cannot be read."""


@dataclass(frozen=True, slots=True)
class Faiss:
    """The library that searches vectors."""

    packages: tuple[str, ...]
    """Of faiss-cpu and faiss-gpu-cu12, those installed: exactly one is right."""
    version: str | None
    simd: str
    """The instructions it uses: `AVX2`, `AVX512`, `NEON`, `generic`."""
    cards: int
    """Graphics cards that it can use."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that a folder is on, or would be on."""

    folder: str
    purpose: str
    """`library` or `encoders`."""
    free: int
    file_system: str
    is_remote: bool
    """A network disk, or a folder that another machine shares."""
    is_case_sensitive: bool | None
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Watching:
    """What following folders takes, and the limits of inotify (Linux only)."""

    folders: int
    """Folders of the library that contain photos, and those above them."""
    max_watches: int | None
    max_instances: int | None


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """The library, by one short read of its catalog."""

    folder: str
    state: str
    """`none`, `ready`, `old` (made by an older polyglance), `new` (by a newer one), `unreadable`, or
    `incomplete`: a copy that `migrate` has not finished."""
    option: str = ""
    """What names it on a command line: ` --library DIR`, or empty if it is that of the settings."""
    photos: int = 0
    vectors: int = 0
    encoder: str | None = None
    heic_failures: int = 0
    raw_failures: int = 0


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """An encoder that has a short name."""

    name: str
    is_ready: bool
    download: int | None
    """Bytes to fetch; None if unknown."""
    is_prepared: bool = False
    """Whether it was compiled and measured for this machine (`polyglance encoders prepare`)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    system: System
    processor: Processor
    memory: Memory
    cards: tuple[Card, ...]
    device: str
    """The setting `device`."""
    batch_size: int
    """The setting `batch_size`."""
    runtimes: tuple[Runtime, ...]
    codecs: tuple[Codec, ...]
    faiss: Faiss
    encoders: tuple[EncoderFacts, ...]
    library: LibraryFacts
    disks: tuple[Disk, ...]
    watching: Watching

    def runtime(self, name: str) -> Runtime:
        """The runtime called `name`."""
        return next(runtime for runtime in self.runtimes if runtime.name == name)
