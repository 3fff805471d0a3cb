"""Every benchmark runs, in its small size, and reports what its committed result has."""

import json
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from polyglance.benchmarks.pictures import photo_like
from polyglance.benchmarks.report import RESULTS

NEVER_RUN = {"gpu"}
"""Without a committed result: the machine for it was not there."""
ROOT = RESULTS.parents[1]
NOT_MEASURED = {"note", "page_ready_ms", "enter_to_first_thumbnail_ms"}
"""Remarks, and what needs a browser."""


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a benchmark in this process; its children are started from the repository's root. Returns its report."""
    monkeypatch.chdir(ROOT)

    def call(name, *arguments, result=None):
        kept = {path: path.read_bytes() for path in RESULTS.iterdir()}
        capsys.readouterr()
        import_module(f"polyglance.benchmarks.{name}").main([*map(str, arguments), "--small"])
        report = json.loads(capsys.readouterr().out)
        committed_file = RESULTS / f"{result or name}.json"
        committed = json.loads(committed_file.read_bytes()) if name not in NEVER_RUN else {}
        assert committed.keys() - NOT_MEASURED <= report.keys()
        assert {path: path.read_bytes() for path in RESULTS.iterdir()} == kept, "a small run is not kept"
        return report

    return call


def test_rescan(run):
    report = run("rescan")
    assert (report["files"], report["files_opened"]) == (400, 0)
    assert 20 < report["peak_mb"] < 1000


def test_indexing(run):
    assert run("indexing")["cosine_to_full_size"]["min"] > 0.9


def test_memory(run):
    assert run("memory")["peak_mb"].keys() == {"1", "3"}


def test_watching(run):
    assert run("watching")["renamed_folder"]["encoded"] == 0


def test_cold_start(run):
    assert {"numpy", "faiss"} <= run("cold_start")["search_imports_seconds"].keys()


def test_retrieval_metrics(run):
    assert run("retrieval_metrics")["small"]["same_figures"]


def test_searching(run):
    report = run("searching")
    assert len(report["search after encoding"]) == 6
    assert all(figures.keys() == {"p50_ms", "p99_ms"} for figures in report["search after encoding"].values())


def test_scale(run):
    vectors = run("scale")["vectors"]["1000"]
    assert all(figures["recall@10"] == 1 for figures in vectors.values())
    assert vectors.keys() == {"polyglance", "faiss IndexFlat"}


def test_serving(run, tmp_path):
    report = run("serving", "--without-page", "--library", tmp_path)
    assert all(figures["errors"] == 0 for figures in report["a_hundred_at_once"].values())
    assert report["while_indexing"]["searches"] > 0
    assert len(report["resident_mb_over_searches"]["at_each_tenth"]) == 10


def test_processes(run):
    report = run("processes")
    assert [figures["errors"] for figures in report["processes"].values()] == [0, 0]
    assert len(report["processes"]["2"]["resident_mb_of_each"]) == 2


def test_ray_workers(run):
    pytest.importorskip("ray")
    workers = run("ray_workers")["workers"]
    assert [(figures["pictures"], figures["failed"]) for figures in workers.values()] == [(20, 0), (40, 0)]


def test_capacity(run):
    assert [size["load"]["photos"] for size in run("capacity")["sizes"]] == [10**7, 10**8, 10**10]


def test_near_duplicates(run, tmp_path):
    for number in range(4):
        photo_like(120, 90, number).save(tmp_path / f"{number}.jpg")
    report = run("near_duplicates", tmp_path, result="near_duplicates_lite")
    assert report["photos"] == 3


def test_relevance(run, tmp_path):
    captioned, photos = tmp_path / "captioned", tmp_path / "photos"
    captioned.mkdir()
    photos.mkdir()
    photo_like(64, 48, 99).save(photos / "other.JPEG")
    with (tmp_path / "captions.jsonl").open("w") as file:
        for number in range(8):
            photo_like(64, 48, number).save(captioned / f"{number}.JPEG")
            caption = {"image": f"captioned/{number}.JPEG", "captions": {"en": [f"thing {number}"]}}
            file.write(json.dumps(caption) + "\n")
    also = tmp_path / "also.json"
    also.write_text('{"0": ["other.JPEG"]}')
    report = run("relevance", tmp_path / "captions.jsonl", photos, "--also", also, "--cache", tmp_path / "cache")
    assert report["only the own picture is right"]["shipped"].keys() == {"mean", "en"}


def test_altclip_parity(run):
    pytest.importorskip("transformers")
    report = run("altclip_parity")
    assert report["parity"]["least_cosine_of_images"] > 0.999
    assert report["parity"]["least_cosine_of_texts"] > 0.999


def test_gpu(run):
    report = run("gpu", "--device", "cpu", "--workers", 1)
    assert report["card"] == "none: processor"
    assert report["pipeline"]["least_cosine"] > 0.999
    assert report["image_tower"]["batches"]["4"]["eager"]["pictures_per_second"] > 0
    assert report["text_tower"].keys() == {"1", "4"}


def test_gpu_needs_few_packages_and_no_installation():
    """Of polyglance's dependencies it imports torch, transformers, NumPy and Pillow only; the clone is the package."""
    code = (
        "import sys\n"
        "missing = 'alembic faiss fastapi gradio pathspec platformdirs psutil pydantic pydantic_settings rich '\n"
        "missing += 'sqlalchemy typer watchdog'\n"
        "sys.modules.update(dict.fromkeys(missing.split()))\n"
        "sys.meta_path[:] = [each for each in sys.meta_path if '__editable__' not in repr(each)]\n"
        "sys.path.insert(0, '.')\n"
        "import benchmarks.gpu as gpu\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
        "import torch\n"
        "model, preparation = gpu.build(gpu.SMALL, torch.device('cpu'))\n"
        "assert sys.modules['polyglance'].__file__.startswith(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, ROOT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_them_changes_nothing():
    names = sorted(path.stem for path in Path(ROOT, "benchmarks").glob("*.py"))
    code = (
        "import sys; path = list(sys.path)\n"
        + "\n".join(f"import polyglance.benchmarks.{name}" for name in names)
        + "\nassert sys.path == path"
        + "\nassert not {'transformers', 'gradio', 'playwright'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_training_cost(run):
    report = run("training_cost")
    assert report["both"].keys() >= {"ours_ms", "plain_ms"}
    assert [streamed["examples"] for streamed in report["streaming"].values()] == [2250, 23750]


def test_exploring(run):
    report = run("exploring")
    assert report["labels"] > report["photos"] and report["things"] > 10
    assert report["facets_of_the_same_query"]["p50_ms"] > 0


@pytest.mark.skipif(not shutil.which("chromium"), reason="No Chromium here: run scripts/install-chromium.sh.")
def test_scrolling(run, tmp_path):
    report = run("scrolling", "--library", tmp_path)
    assert report["scrolling"]["pixels"] > 1000


def test_saving(run):
    report = run("saving")
    assert report["photos"] == 8 and report["first_bytes_ms"]["p50"] > 0


def test_encoding(run):
    report = run("encoding")
    assert report["readme"]["pictures_per_second"] > 0
    assert all(figures["a_hundred_at_once"]["errors"] == 0 for figures in report["altclip"].values())
    stages = {stage["stage"] for stage in report["lite"]["torch"]["profile"]["stages"]}
    assert {"read", "decode", "resize", "thumbnail", "encode", "commit"} <= stages


def test_ports(run):
    for package in ("milvus_lite", "psycopg", "pg0"):
        pytest.importorskip(package)
    for kind in run("ports")["search after encoding"].values():
        assert kind.keys() == {f"postgresql+{name}" for name in ("faiss", "pgvector", "milvus")} | {"sqlite+faiss"}
        for times in kind.values():
            assert 0 <= times["catalog_ms"] + times["vectors_ms"] <= 1.1 * times["p50_ms"]


def test_pgvector(run):
    pytest.importorskip("psycopg")
    pytest.importorskip("pg0")
    report = run("pgvector")
    assert report["flat"]["recall@10"] > 0.99
    assert report["strict_order"]["128"]["recall@10"] > 0.9
