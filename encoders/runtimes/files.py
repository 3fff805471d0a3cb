"""Compiled towers on the disk: two files of OpenVINO and a manifest, beside the checkpoint or in the user's cache.

The manifest is written last and appears complete or not at all. It says which checkpoint the files were made of, for
which CPU, by which version, and their checksums. What does not fit is not used, and is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from ... import atomic
from .base import LEAST_COSINE

FORMAT = 1
TOKENIZER = ".tokenizer.json"
"""Ending of a saved tokenizer's name."""
FOLDER = "polyglance-compiled"
"""Folder in a checkpoint's directory."""
CACHE = Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "compiled"
"""Where the files of checkpoints are that stand in folders which may not be written; one folder for each digest."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The manifest of a compiled tower."""

    made_of: str
    """Digest of the checkpoint's side, as its fingerprint has it for float32."""
    version: str
    """Version of OpenVINO."""
    cpu: str
    """The CPU and its instruction sets."""
    precision: str
    """Precision of the file."""
    cosine: float
    """Least cosine to float32, of inputs that were not used to quantise."""
    milliseconds: Mapping[str, float]
    """Of one input, by runtime and precision, as measured on this machine."""
    fastest: str
    """The runtime and precision to use here, such as `openvino int8`."""
    inputs: Sequence[str] = ()
    """Names of the tower's inputs."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 by file name; the model is the first. Empty if torch is the fastest."""
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest that fits, and the folder that it is in."""

    folder: Path
    compiled: Compiled

    @property
    def model(self) -> Path:
        """OpenVINO's description of the model; the weights are beside it."""
        return self.folder / next(iter(self.compiled.files))

    @property
    def tokenizer(self) -> Path | None:
        """The saved tokenizer of a text tower, if it has one."""
        return next((self.folder / name for name in self.compiled.files if name.endswith(TOKENIZER)), None)

    def damaged(self, sha256: Callable[[Path], str]) -> str | None:
        """The name of a file that is missing or not what was written; None if there is none."""
        for name, checksum in self.compiled.files.items():
            try:
                if sha256(self.folder / name) != checksum:
                    return name
            except OSError:
                return name
        return None


def folders(checkpoint: Path, made_of: str) -> tuple[Path, Path]:
    """Where the files of a checkpoint are: beside it, or in the cache."""
    return checkpoint / FOLDER, CACHE / made_of


def find(places: Iterable[Path], side: str, made_of: str, version: str, cpu: str) -> tuple[Stored | None, str | None]:
    """The compiled tower of a side (`image` or `text`) that fits, and why one that was there does not fit."""
    reason = None
    for folder in places:
        file = folder / f"{side}.json"
        if not file.is_file():
            continue
        compiled = _read(file)
        if compiled is None:
            reason = f"{file} is damaged"
        elif compiled.made_of != made_of:
            reason = f"{file} is of another checkpoint"
        elif _major(compiled.version) != _major(version):
            reason = f"{file} is of OpenVINO {compiled.version}"
        elif compiled.cpu != cpu:
            reason = f"{file} was made for a CPU with {compiled.cpu}"
        elif compiled.cosine < LEAST_COSINE:
            reason = f"{file} is too far from float32 (cosine {compiled.cosine:.4f})"
        else:
            return Stored(folder, compiled), None
    return None, reason


def write(places: Iterable[Path], side: str, compiled: Compiled, save: Callable[[Path], Iterable[Path]] | None) -> Path:
    """Write a tower's files and manifest into the first folder that can be written; return the folder.

    `save` writes the files of a model at a path; None if there is no file worth keeping. Raises OSError if no folder
    can be written.
    """
    failure: OSError | None = None
    for folder in places:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock"):  # another process may prepare the same checkpoint
                _write(folder, side, compiled, save)
            return folder
        except OSError as error:
            failure = error
    assert failure is not None
    raise failure


def _write(folder: Path, side: str, compiled: Compiled, save: Callable[[Path], Iterable[Path]] | None) -> None:
    stem = f"{side}-{secrets.token_hex(4)}"
    new: dict[str, str] = {}
    try:
        if save is not None:
            for file in save(folder / f"{stem}.xml"):
                atomic.fsync(file)
                with file.open("rb") as stream:
                    new[file.name] = hashlib.file_digest(stream, "sha256").hexdigest()
        document = {**asdict(compiled), "files": new}
        with atomic.whole_file(folder / f"{side}.json") as temporary:
            temporary.write_text(json.dumps({**document, "seal": _seal(document)}, indent=1), encoding="utf-8")
    except BaseException:
        for file in folder.glob(f"{stem}.*"):
            file.unlink(missing_ok=True)
        raise
    for file in folder.glob(f"{side}-*"):
        if file.name not in new:
            with contextlib.suppress(OSError):  # Windows keeps a file that another process has mapped
                file.unlink()


def _read(file: Path) -> Compiled | None:
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        seal = document.pop("seal")
        if seal != _seal(document) or document["format"] != FORMAT:
            return None
        if any(name != Path(name).name for name in document["files"]):
            return None
        return Compiled(**{each.name: document[each.name] for each in fields(Compiled)})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _seal(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _major(version: str) -> str:
    return version.split(".", 1)[0]
