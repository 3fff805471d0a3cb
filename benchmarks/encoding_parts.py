"""The parts of `benchmarks.encoding`, each measured in a process of its own."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image
from polyglance import Library, priority
from polyglance.answers.indexing import RunProfile
from polyglance.config import load
from polyglance.data.pictures import images, thumbnails
from polyglance.encoders import registry
from polyglance.search.texts import Texts

from .altclip_parity import TEXTS
from .report import peak_mb

AT_ONCE = 100
QUERIES = 15


def machine() -> dict[str, Any]:
    """The CPU's name, the instruction sets that count here, and the rate of torch's matrix product in float32."""
    import torch

    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    flags = set(fields.get("flags", "").split())
    matrix = torch.rand(2048, 2048)
    seconds = least(lambda: matrix @ matrix, 5)
    return {
        "cpu": fields.get("model name", "").lstrip("\t: ") or "unknown",
        "instructions": [name for name in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_bf16") if name in flags],
        "float32_gflops": round(2 * 2048**3 / seconds / 1e9),
        "load_average_before": round(load_average(), 2),
    }


def load_average() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def decoding(options: argparse.Namespace) -> dict[str, float]:
    """Processor milliseconds of one core for a picture, by decoder: the median over the pictures."""
    files = [path.read_bytes() for path in sorted((options.folder / "few").rglob("*.jpg"))]
    side = 260
    decoders: dict[str, Callable[[bytes], object]] = {
        "sha-256 of the file": lambda data: hashlib.sha256(data).digest(),
        "Pillow, full size": lambda data: Image.open(io.BytesIO(data)).load(),
        "Pillow, draft": lambda data: draft(data, 2 * side).load(),
        "Pillow, draft to one half of that": lambda data: draft(data, side).load(),
        "polyglance, to an upright RGB picture": lambda data: images.decode(data, side=side, max_pixels=10**9),
    }
    if find_spec("simplejpeg"):
        import simplejpeg

        decoders["simplejpeg, reduced"] = lambda data: simplejpeg.decode_jpeg(
            data, min_height=2 * side, min_width=2 * side
        )
        decoders["simplejpeg, reduced, fast DCT"] = lambda data: simplejpeg.decode_jpeg(
            data, min_height=2 * side, min_width=2 * side, fastdct=True, fastupsample=True
        )
    if find_spec("pyvips"):
        import pyvips

        decoders["pyvips, shrink on load"] = lambda data: pyvips.Image.jpegload_buffer(data, shrink=4).numpy()
    picture = images.decode(files[0], side=side, max_pixels=10**9).image
    figures = {name: milliseconds(decode, files) for name, decode in decoders.items()}
    figures["thumbnail"] = milliseconds(lambda _: thumbnails.encode_jpeg(picture, 384), files)
    return {**figures, "megabytes of a file": round(sum(map(len, files)) / len(files) / 1e6, 2)}


def draft(data: bytes, short_side: int) -> Any:
    image = Image.open(io.BytesIO(data))
    scale = max(1, min(image.size) // short_side)
    image.draft("RGB", (image.width // scale, image.height // scale))
    return image


def milliseconds(work: Callable[[bytes], object], files: list[bytes]) -> float:
    work(files[0])
    times = []
    for data in files:
        start = time.process_time()
        work(data)
        times.append(time.process_time() - start)
    return round(1000 * statistics.median(times), 2)


class IndexPart:
    """Runs the product's pipeline in this process and tells what its profile tells."""

    @staticmethod
    def has_openvino() -> bool:
        return find_spec("openvino") is not None

    def __call__(self, folder: Path, photos: Path, encoder: str, **chosen: str) -> dict[str, Any]:
        """Index `photos` into a new library in `folder`; the rate is without loading the encoder."""
        settings = load()
        settings = settings.model_copy(update={k: v for k, v in chosen.items() if k in type(settings).model_fields})
        with Library.open(folder, settings=settings) as library:
            profile = library.index([photos], encoder=encoder).profile
        seconds = profile.elapsed - profile.stages["load"].wall
        return {
            "pictures_per_second": round((profile.stages["encode"].pictures) / seconds, 2),
            "peak_mb": round(peak_mb()),
            "mapped_from_files_mb": round(mapped_mb()),
            "profile": RunProfile.from_profile(profile).model_dump(),
        }


index_part = IndexPart()


def mapped_mb() -> float:
    """Resident memory of this process that is mapped from files, weights above all: the system can take it back."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssFile:"))


def lite(options: argparse.Namespace) -> dict[str, Any]:
    """The whole pipeline with lite through each runtime, and a plain loop with torch, in turn."""
    from polyglance.encoders.lite import efficientnet

    from .indexing import plain_loop

    photos = sorted((options.folder / "photos").rglob("*.jpg"))
    network = efficientnet.load()
    plain_loop(network, photos[:1])
    rounds: dict[str, list[Any]] = {"torch": [], "openvino": []}
    loops = []
    for number in range(1 if options.small else 2):
        start = time.perf_counter()
        plain_loop(network, photos[:16])
        loops.append(min(16, len(photos)) / (time.perf_counter() - start))
        for runtime, runs in rounds.items():
            if runtime == "torch" or index_part.has_openvino():
                folder = options.folder / f"lite-{runtime}-{number}"
                runs.append(index_part(folder, options.folder / "photos", "lite", runtime=runtime))
    best = {name: max(runs, key=lambda run: run["pictures_per_second"]) for name, runs in rounds.items() if runs}
    return {"plain loop": {"pictures_per_second": round(max(loops), 2)}, **best}


def lite_queries(options: argparse.Namespace) -> dict[str, Any]:
    """A text query with lite: quiet and under load; a whole cold search."""
    settings = load()
    encoder = registry.create("lite", settings)
    folder = options.folder / "lite-torch-0"
    return {**queries(encoder, options), "cold_search_seconds": cold_seconds(options, folder)}


def readme(options: argparse.Namespace) -> dict[str, float]:
    """The way of AltCLIP's README: full decode, processor, float32 model, one at a time."""
    import torch
    from transformers import AltCLIPModel, AutoImageProcessor, AutoTokenizer

    model = AltCLIPModel.from_pretrained(options.checkpoint, dtype=torch.float32).eval()
    processor = AutoImageProcessor.from_pretrained(options.checkpoint, backend="pil")
    tokenizer = AutoTokenizer.from_pretrained(options.checkpoint)

    def encode_picture(path: Path) -> None:
        pixels = processor(images=Image.open(path).convert("RGB"), return_tensors="pt")
        with torch.no_grad():
            model.get_image_features(**pixels)

    def encode_text(text: str) -> None:
        tokens = tokenizer([text], padding=True, truncation=True, max_length=77, return_tensors="pt")
        with torch.no_grad():
            model.get_text_features(**tokens)

    photos = sorted((options.folder / "few").rglob("*.jpg"))[: 2 if options.small else 6]
    encode_picture(photos[0])
    start = time.perf_counter()
    for path in photos:
        encode_picture(path)
    seconds = time.perf_counter() - start
    return {
        "pictures_per_second": round(len(photos) / seconds, 3),
        "query_ms": p50([partial(encode_text, text) for text in texts(3 if options.small else QUERIES)]),
        "peak_mb": round(peak_mb()),
    }


def prepare(options: argparse.Namespace) -> dict[str, float]:
    """Quantise both towers with some of the pictures, once for a checkpoint; minutes at full size."""
    start = time.perf_counter()
    encoder: Any = registry.create(str(options.checkpoint), load())
    if not encoder.fingerprint.dtype.endswith("int8"):
        encoder.prepare(few_pictures(options, 40), say=lambda line: print(line, file=sys.stderr))
    return {"seconds": round(time.perf_counter() - start, 1)}


def altclip(options: argparse.Namespace) -> dict[str, Any]:
    """Whole pipeline and queries with the runtime and precision that the environment chooses."""
    name = str(options.checkpoint)
    folder = options.folder / f"altclip-{options.variant.replace(' ', '-')}"
    result = index_part(folder, options.folder / "few", name)
    encoder = registry.create(name, load())
    result |= {"computed_in": encoder.fingerprint.dtype, "queries": queries(encoder, options)}
    return {**result, "a_hundred_at_once": at_once(encoder, options)} if options.hundred else result


def cold(options: argparse.Namespace) -> float:
    """Seconds of a search with AltCLIP from a new process."""
    return cold_seconds(options, max(options.folder.glob("altclip-*"), key=lambda path: path.stat().st_mtime))


def queries(encoder: Any, options: argparse.Namespace) -> dict[str, float]:
    """Median milliseconds of a text: alone, beside busy processes (one, or one on each core), beside our index run."""
    encoder.encode_texts(TEXTS[:1])
    work = [partial(encoder.encode_texts, [text]) for text in texts(3 if options.small else QUERIES)]
    quiet = p50(work)
    with spinning(1):
        beside_one = p50(work)
    with spinning(os.cpu_count() or 1):
        beside_others = p50(work)
    with indexing(encoder, few_pictures(options)):
        beside_our_run = p50(work)
    quiet = min(quiet, p50(work))
    return {
        "p50_ms": quiet,
        "beside_one_spinning_process": round(beside_one / quiet, 2),
        "beside_one_on_each_core": round(beside_others / quiet, 2),
        "beside_our_index_run": round(beside_our_run / quiet, 2),
    }


def at_once(encoder: Any, options: argparse.Namespace) -> dict[str, float]:
    """A hundred threads with a text each, against the same texts in one call."""
    count = 8 if options.small else AT_ONCE
    asked, seconds, go = texts(count), [], threading.Barrier(count + 1)
    shared = Texts(encoder)

    def ask(text: str) -> None:
        go.wait()
        start = time.perf_counter()
        shared.encode([text])
        seconds.append(time.perf_counter() - start)

    threads = [threading.Thread(target=ask, args=(text,)) for text in asked]
    for thread in threads:
        thread.start()
    go.wait()
    for thread in threads:
        thread.join()
    batched = least(lambda: encoder.encode_texts(asked), 1)
    p95 = sorted(seconds)[round(0.95 * count) - 1]
    return {
        "texts": count,
        "errors": count - len(seconds),
        "p95_seconds": round(p95, 2),
        "batched_seconds": round(batched, 2),
        "ratio": round(p95 / batched, 2),
    }


@contextlib.contextmanager
def spinning(count: int) -> Iterator[None]:
    """Busy neighbours in this session: other sessions share by themselves (autogroups)."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(0.3)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def indexing(encoder: Any, pictures: list[Image.Image]) -> Iterator[None]:
    """Pictures are encoded in a thread of low priority, as in an index job of the server."""
    started, ended = threading.Event(), threading.Event()

    def run() -> None:
        priority.give_way()
        while not ended.is_set():
            encoder.encode_images(pictures)
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def few_pictures(options: argparse.Namespace, count: int = 4) -> list[Image.Image]:
    files = sorted((options.folder / "photos").rglob("*.jpg"))[:count]
    return [images.decode(path.read_bytes(), side=224, max_pixels=10**9).image for path in files]


def cold_seconds(options: argparse.Namespace, library: Path) -> float:
    """Seconds of a whole `polyglance search` from a new process; in a small run, of a search in this one."""
    if options.small:
        with Library.open(library) as opened:
            return round(least(lambda: opened.search("snowy mountains"), 1), 2)
    command = [sys.executable, "-m", "polyglance", "search", "snowy mountains", "--json", "--library", str(library)]

    def run() -> None:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)

    run()
    return round(statistics.median(least(run, 1) for _ in range(3)), 2)


def texts(count: int) -> list[str]:
    return [f"{TEXTS[number % len(TEXTS)]} {number}" for number in range(count)]


def p50(work: Sequence[Callable[[], object]]) -> float:
    return round(1000 * statistics.median(least(each, 1) for each in work), 1)


def least(work: Callable[[], object], times: int) -> float:
    """The least seconds of several calls."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "decoding": decoding,
    "lite": lite,
    "lite_queries": lite_queries,
    "readme": readme,
    "prepare": prepare,
    "altclip": altclip,
    "cold": cold,
}
