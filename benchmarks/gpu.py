"""AltCLIP-m9's shape on a graphics card: towers against the card's matrix rate, and pictures from JPEG files.

    python -m benchmarks.gpu            # on a machine with a card; ten minutes, 12 GB of the card's memory
    python -m benchmarks.gpu --small    # tiny, on the processor

It needs no network, and of packages only torch, transformers, NumPy and Pillow: polyglance itself need not be
installed. The weights are random and made in memory; speed does not depend on their values.

The comparison is the evaluation loop of AltCLIP's README: batches of 128, automatic mixed precision, and four workers
that decode the whole picture with Pillow and prepare it.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

if importlib.util.find_spec("polyglance") is None:  # in a clone that is not installed: the root is the package
    root = Path(__file__).parents[1]
    spec = importlib.util.spec_from_file_location(
        "polyglance", root / "__init__.py", submodule_search_locations=[str(root)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["polyglance"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["polyglance"])

from polyglance.data.pictures import images
from polyglance.data.pictures.ahead import map_ordered
from polyglance.encoders.transformers import feeding, fitting

from .pictures import write_photos
from .report import parser, publish

README_BATCH = 128
MAX_PIXELS = 300_000_000
TEXT_TOKENS = 16
"""Tokens of a text; a caption in nine languages has 8 to 24."""
FULL = {
    "tower": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16},
    "side": 224,
    "patch": 14,
    "words": 250_002,
    "matrix": 8192,
    "batches": (1, 8, 32, 64, 128, 256),
    "texts": (1, 32, 128),
    "readme_workers": 4,
    "files": 64,
    "photo": (4000, 3000),
    "readme": 256,
    "ours": 4096,
    "seconds": 4.0,
}
SMALL = FULL | {
    "tower": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4},
    "side": 32,
    "patch": 8,
    "words": 300,
    "matrix": 128,
    "batches": (1, 4),
    "texts": (1, 4),
    "readme_workers": 0,
    "files": 4,
    "photo": (400, 300),
    "readme": 8,
    "ours": 12,
    "seconds": 0.02,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything that this machine has."""
    import torch
    import transformers

    options = parser(__doc__)
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that decode pictures")
    chosen = options.parse_args(arguments)
    if chosen.device == "cpu" and not chosen.small:
        raise SystemExit("There is no graphics card that torch can use. --small runs the tiny size on the processor.")
    sizes: dict[str, Any] = SMALL if chosen.small else FULL
    device = torch.device(chosen.device)
    is_card = device.type == "cuda"
    model, preparation = build(sizes, device)
    rate = matrix_rate(sizes, device)
    report = {
        "card": torch.cuda.get_device_name(device) if is_card else "none: processor",
        "card_memory_gb": round(torch.cuda.get_device_properties(device).total_memory / 1e9, 1) if is_card else None,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "bf16_matrix_tflops": round(rate / 1e12, 2),
        "targets": {"image_tower_share_of_matrix_rate": 0.6, "pipeline_times_readme": 4},
    }
    pipeline = measure_pipeline(sizes, model, preparation, chosen.workers)
    model = model.to(torch.bfloat16)
    report |= {"image_tower": measure_images(sizes, model, rate), "text_tower": measure_texts(sizes, model)}
    report |= {"pipeline": pipeline, "faiss": measure_faiss(chosen.small)}
    publish("gpu", report, small=chosen.small)


def build(sizes: dict[str, Any], device: Any) -> tuple[Any, Any]:
    """A random AltCLIP in float32 on `device`, and its image processor."""
    import torch
    from transformers import AltCLIPConfig, AltCLIPModel

    try:
        from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil as Preparation
    except ImportError:  # other releases of transformers
        from transformers import CLIPImageProcessor as Preparation

    side = sizes["side"]
    config = AltCLIPConfig(
        projection_dim=768,
        text_config={**sizes["tower"], "vocab_size": sizes["words"], "project_dim": 768},
        vision_config={**sizes["tower"], "image_size": side, "patch_size": sizes["patch"]},
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = AltCLIPModel(config).requires_grad_(False).eval()
    size = {"height": side, "width": side}
    return model, Preparation(size={"shortest_edge": side}, crop_size=size)


def seconds_of(work: Callable[[], Any], device: Any, least: float) -> float:
    """Median seconds of `work`, warmed up, measured for about `least` seconds."""
    import torch

    def timed() -> float:
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - start

    with torch.inference_mode():
        once = min(timed() for _ in range(3))
        return statistics.median(timed() for _ in range(max(5, min(200, int(least / once)))))


def matrix_rate(sizes: dict[str, Any], device: Any) -> float:
    """Operations a second of a square bfloat16 matrix product, the highest rate that can be hoped for."""
    import torch

    n = sizes["matrix"]
    left, right = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    return float(2 * n**3 / seconds_of(lambda: left @ right, device, sizes["seconds"]))


def operations_per_picture(sizes: dict[str, Any]) -> float:
    """Multiplications and additions of the image tower: projections and MLP, attention, patches."""
    width, inner, layers = (sizes["tower"][key] for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    patches = (sizes["side"] // sizes["patch"]) ** 2
    tokens = patches + 1
    layer = 2 * tokens * (4 * width**2 + 2 * width * inner) + 4 * tokens**2 * width
    return float(layers * layer + 2 * patches * 3 * sizes["patch"] ** 2 * width + 2 * width * 768)


def measure_images(sizes: dict[str, Any], model: Any, rate: float) -> dict[str, Any]:
    """Pictures a second of the tower alone: as it is, from a recorded CUDA graph, and compiled."""
    import torch

    operations, by_size = operations_per_picture(sizes), {}
    for count in sizes["batches"]:
        pixels = torch.randn(count, 3, sizes["side"], sizes["side"], device=model.device, dtype=model.dtype)
        by_size[str(count)] = {
            name: figures(make, pixels, model.device, sizes["seconds"], operations, rate)
            for name, make in (
                ("eager", partial(eager, model)),
                ("cuda_graph", partial(cuda_graph, model)),
                ("compiled", partial(compiled, model)),
            )
        }
    best = max(
        each["share_of_matrix_rate"] for size in by_size.values() for each in size.values() if "error" not in each
    )
    memory = fitting.bytes_per_picture(model.config.vision_config, model.dtype.itemsize)
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "gigaoperations_per_picture": round(operations / 1e9, 1),
        "estimated_mb_per_picture": round(memory / 1e6, 2),
        "best_share_of_matrix_rate": best,
        "batches": by_size,
    }


def figures(
    make: Callable[[Any], Callable[[], Any]], pixels: Any, device: Any, seconds: float, operations: float, rate: float
) -> dict[str, Any]:
    import torch

    try:
        work = make(pixels)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
        taken = seconds_of(work, device, seconds)
    except Exception as error:  # noqa: BLE001 - a card, driver or compiler that cannot do it is a result
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    per_second = len(pixels) / taken
    result = {
        "pictures_per_second": round(per_second, 1),
        "tflops": round(per_second * operations / 1e12, 2),
        "share_of_matrix_rate": round(per_second * operations / rate, 3),
    }
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device) - before
        result["mb_per_picture"] = round(peak / len(pixels) / 1e6, 2)
    return result


def eager(model: Any, pixels: Any) -> Callable[[], Any]:
    return lambda: model.get_image_features(pixel_values=pixels).pooler_output


def compiled(model: Any, pixels: Any) -> Callable[[], Any]:
    import torch

    if pixels.device.type != "cuda":
        raise RuntimeError("measured on a card only")
    forward = torch.compile(lambda values: model.get_image_features(pixel_values=values).pooler_output)
    return lambda: forward(pixels)


def cuda_graph(model: Any, pixels: Any) -> Callable[[], Any]:
    """Record the tower's kernels once, and replay them without Python between them."""
    import torch

    if pixels.device.type != "cuda":
        raise RuntimeError("measured on a card only")
    warming = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    warming.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(warming):
        for _ in range(3):
            eager(model, pixels)()
    torch.cuda.current_stream().wait_stream(warming)
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        eager(model, pixels)()
    return graph.replay


def measure_texts(sizes: dict[str, Any], model: Any) -> dict[str, Any]:
    """Milliseconds for texts of TEXT_TOKENS tokens."""
    import torch

    result = {}
    for count in sizes["texts"]:
        ids = torch.randint(5, sizes["words"], (count, TEXT_TOKENS), device=model.device)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        taken = seconds_of(partial(text_features, model, inputs), model.device, sizes["seconds"])
        result[str(count)] = {"ms": round(1000 * taken, 2), "texts_per_second": round(count / taken, 1)}
    return result


def text_features(model: Any, inputs: dict[str, Any]) -> Any:
    return model.get_text_features(**inputs).pooler_output


class Files:
    """The README's dataset: each file is decoded in full and prepared by a worker of the DataLoader."""

    def __init__(self, paths: Sequence[Path], preparation: Any) -> None:
        self.paths, self.preparation = paths, preparation

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        with Image.open(self.paths[index]) as image:
            return self.preparation(images=image.convert("RGB"), return_tensors="pt")["pixel_values"][0]


def readme_loop(model: Any, preparation: Any, paths: Sequence[Path], workers: int) -> Any:
    """Vectors of the files by the README's evaluation loop."""
    import torch

    loader: Any = torch.utils.data.DataLoader(
        Files(paths, preparation),  # type: ignore[arg-type]
        batch_size=README_BATCH,
        shuffle=False,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
    )
    rows = []
    amp = torch.float16 if model.device.type == "cuda" else torch.bfloat16
    with torch.no_grad(), torch.autocast(model.device.type, dtype=amp):
        for pixels in loader:
            features = model.get_image_features(pixel_values=pixels.to(model.device)).pooler_output
            rows.append(torch.nn.functional.normalize(features.float(), dim=-1))
    return torch.cat(rows).cpu().numpy()


def decode(side: int, path: Path) -> Any:
    """What a decoding process of polyglance does with a file, without thumbnail and catalog."""
    return images.decode(path.read_bytes(), side=side, max_pixels=MAX_PIXELS).image


def our_way(sizes: dict[str, Any], model: Any, preparation: Any, paths: Sequence[Path], workers: int) -> Any:
    """Vectors of the files by polyglance's: reduced decoding in processes, then `feeding`."""
    start = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=start) as pool:
        decoded = map_ordered(pool, partial(decode, sizes["side"]), paths, 4 * feeding.PIECE)
        piece = feeding.piece_size(model)
        return np.concatenate(list(feeding.stream(model, model.get_image_features, preparation, decoded, piece)))


def measure_pipeline(sizes: dict[str, Any], model: Any, preparation: Any, workers: int) -> dict[str, Any]:
    """Pictures a second from JPEG files, starting processes included; files are read from the system's cache."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        files = write_photos(Path(folder), sizes["files"], *sizes["photo"])
        start = time.perf_counter()
        reference = readme_loop(model, preparation, repeated(files, sizes["readme"]), sizes["readme_workers"])
        readme = sizes["readme"] / (time.perf_counter() - start)
        half = build(sizes, model.device)[0].to(torch.float16 if model.device.type == "cuda" else torch.bfloat16)
        half.load_state_dict(model.state_dict())
        start = time.perf_counter()
        vectors = our_way(sizes, half, preparation, repeated(files, sizes["ours"]), workers)
        ours = sizes["ours"] / (time.perf_counter() - start)
    cosines = (reference[: len(files)] * vectors[: len(files)]).sum(axis=1)
    return {
        "megapixels": round(sizes["photo"][0] * sizes["photo"][1] / 1e6, 1),
        "decoding_processes": workers,
        "readme_pictures_per_second": round(readme, 1),
        "polyglance_pictures_per_second": round(ours, 1),
        "times": round(ours / readme, 2),
        "least_cosine": round(float(cosines.min()), 4),
    }


def repeated(files: Sequence[Path], count: int) -> list[Path]:
    return [files[number % len(files)] for number in range(count)]


def measure_faiss(small: bool) -> dict[str, Any] | str:
    """Exact search among 1 and 10 million vectors of 768 dimensions in float16 on the card; top 10."""
    try:
        import faiss
    except ImportError:
        return "not installed"
    if small or getattr(faiss, "get_num_gpus", int)() == 0:
        return "not for a card"
    try:
        return search_on_card(faiss)
    except Exception as error:  # noqa: BLE001 - the card may lack memory, and the rest was measured
        return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def search_on_card(faiss: Any) -> dict[str, Any]:
    options, resources = faiss.GpuIndexFlatConfig(), faiss.StandardGpuResources()
    options.useFloat16 = True
    index = faiss.GpuIndexFlatIP(resources, 768, options)
    random, result = np.random.default_rng(0), {}
    block = random.standard_normal((100_000, 768), np.float32)
    for millions in (1, 10):
        while index.ntotal < millions * 1_000_000:
            index.add(block)
        for queries in (1, 1024):
            index.search(block[:queries], 10)
            start = time.perf_counter()
            for _ in range(5):
                index.search(block[:queries], 10)
            taken = (time.perf_counter() - start) / 5
            result[f"{millions} million, {queries} at once"] = {"ms": round(1000 * taken, 2)}
    return result


if __name__ == "__main__":
    main()
