"""Reads the facts of this machine. What a system does not tell is left out; nothing is written."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from PIL import features as pillow

from ... import __version__
from ...config import Settings
from ...encoders import registry
from ...encoders.runtimes import cpu
from ...encoders.transformers import models
from . import cards, probes, storage
from .facts import Codec, EncoderFacts, Facts, Faiss, Memory, Processor, Runtime, System

FEATURES = {
    "avx2": "AVX2",
    "avx512": "AVX-512",
    "vnni": "VNNI",
    "bfloat16": "BF16",
    "amx": "AMX",
    "amx_int8": "AMX int8",
    "neon": "NEON",
    "dot_product": "dot product",
    "int8_matrix": "I8MM",
}
"""The instruction sets of `encoders.runtimes.cpu`, by their names for reading."""

GROUPS = Path("/sys/fs/cgroup")
RUNTIMES = ("torch", "openvino", "onnxruntime")
FAISS_PACKAGES = ("faiss-cpu", "faiss-gpu-cu12")
_UNLIMITED = 1 << 62


def read(folder: Path, settings: Settings) -> Facts:
    """Read all facts; the processes that load libraries run side by side."""
    with ThreadPoolExecutor(len(RUNTIMES) + 1) as pool:
        loading = {name: pool.submit(_load, name) for name in RUNTIMES}
        searching = pool.submit(_read_faiss)
        codecs, encoders = _read_codecs(), _read_encoders(settings)
        library, disks, watching = storage.read(folder, settings.library, settings.catalog_url)
        torch = loading["torch"].result()
        return Facts(
            _read_system(),
            _read_processor(torch),
            _read_memory(),
            cards.read(),
            settings.device,
            settings.batch_size,
            tuple(_make_runtime(name, loading[name].result()) for name in RUNTIMES),
            codecs,
            searching.result(),
            encoders,
            library,
            disks,
            watching,
        )


def version_of(package: str) -> str | None:
    """The version of an installed package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _read_system() -> System:
    if sys.platform == "darwin":
        name = f"macOS {platform.mac_ver()[0]}"
    elif sys.platform == "win32":
        name = f"Windows {platform.release()}"
    else:
        try:
            name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
        except OSError:
            name = f"{platform.system()} {platform.release()}"
    is_translated = probes.output_of("sysctl", "-n", "sysctl.proc_translated") == "1"
    return System(__version__, platform.python_version(), name, sys.platform, _pip(), is_translated)


def _pip() -> str:
    """`pip` if that is this Python's, else the path of this Python with `-m pip`."""
    program = shutil.which("pip")
    if program and os.path.dirname(program) == os.path.dirname(sys.executable):
        return "pip"
    program = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f"{program} -m pip"


def _read_processor(torch: dict[str, Any]) -> Processor:
    """Where the system tells neither flags nor model, torch does."""
    tells = cpu.CPUINFO.is_file() or sys.platform == "darwin"
    known = cpu.read().features if tells else cpu.known_features(torch.get("flags", ()))
    names = tuple(name for key, name in FEATURES.items() if key in known)
    model = re.search(r"^model name\s*: (.+)$", _text(cpu.CPUINFO), re.MULTILINE)
    name = (model[1] if model else torch.get("cpu", "")) or platform.processor() or platform.machine()
    cores = os.cpu_count() or 1
    return Processor(name.strip(), platform.machine().lower(), names, cores, _usable_cores(cores))


def _usable_cores(cores: int) -> float:
    usable = float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else float(cores)
    for quota, period in (_words(folder / "cpu.max") for folder in _control_groups()):
        if quota.isdigit() and period.isdigit():
            usable = min(usable, int(quota) / int(period))
    return usable


def _read_memory() -> Memory:
    memory = psutil.virtual_memory()
    limit = min(
        (int(word) for folder in _control_groups() if (word := _text(folder / "memory.max").strip()).isdigit()),
        default=_UNLIMITED,
    )
    return Memory(min(memory.total, limit), min(memory.available, limit))


def _control_groups() -> list[Path]:
    """The folders of this process's control group and those above it (Linux, version 2)."""
    lines = [line for line in _text(Path("/proc/self/cgroup")).splitlines() if line.startswith("0::")]
    own = GROUPS / lines[0][4:] if lines else GROUPS
    return [folder for folder in (own, *own.parents) if folder.is_relative_to(GROUPS)]


def _words(file: Path) -> tuple[str, str]:
    first, _, second = _text(file).strip().partition(" ")
    return first, second


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _load(name: str) -> dict[str, Any]:
    if version_of(name) is None:
        return {}
    return probes.load("polyglance.encoders.probe", name)


def _make_runtime(name: str, loaded: dict[str, Any]) -> Runtime:
    devices, error = tuple(loaded.get("devices", ())), loaded.get("error", "")
    return Runtime(name, version_of(name), loaded.get("build", ""), devices, error)


def _read_faiss() -> Faiss:
    packages = tuple(name for name in FAISS_PACKAGES if version_of(name))
    if not packages and find_spec("faiss") is None:
        return Faiss((), None, "", 0)
    loaded = probes.load("polyglance.data.vectors.probe")
    return Faiss(
        packages, loaded.get("version"), loaded.get("simd", ""), loaded.get("cards", 0), loaded.get("error", "")
    )


def _read_codecs() -> tuple[Codec, ...]:
    turbo = pillow.check("libjpeg_turbo")
    jpeg = f"libjpeg-turbo {pillow.version('libjpeg_turbo')}" if turbo else f"libjpeg {pillow.version('jpg')}"
    return (
        Codec("JPEG", jpeg if pillow.check("jpg") else None),
        Codec("WebP", _library("libwebp", pillow.version, "webp")),
        Codec("AVIF", _library("libavif", pillow.version, "avif")),
        Codec("HEIC", _library("pi-heif", version_of, "pi-heif")),
        Codec("RAW", _library("rawpy", version_of, "rawpy")),
    )


def _library(name: str, read_version: Callable[[str], str | None], key: str) -> str | None:
    version = read_version(key)
    return f"{name} {version}" if version else None


def _read_encoders(settings: Settings) -> tuple[EncoderFacts, ...]:
    return tuple(
        EncoderFacts(each.name, each.ready, each.download_bytes, models.is_prepared(each.name))
        for each in registry.listing(settings)
    )
