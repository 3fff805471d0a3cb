from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import SENTENCES, SIDE, copy_of
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders.runtimes import cpu, files, openvino_, quantising
from polyglance.encoders.runtimes.base import LEAST_COSINE, TowerUnusable
from polyglance.encoders.transformers import background, checkpoint, compiled, identity, samples, tokens
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.encoders.transformers.towers import Part
from shared import made_once

pytest.importorskip("openvino")
Tiny = Callable[[str], Path]
TEXTS = list(SENTENCES.values())
slow = pytest.mark.slow
CONVERTED = ["altclip", *(pytest.param(kind, marks=slow) for kind in ("chinese_clip", "clip", "metaclip_2", "siglip"))]
NEAR = 1 - 1e-5
"""Least cosine of OpenVINO to torch, both in float32."""


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    random = np.random.default_rng(7)
    shapes = [(40, 50), (SIDE, SIDE), (90, 200), (64, 33)] * 4
    coarse = [random.integers(0, 256, (4, 4, 3), dtype=np.uint8) for _ in shapes]
    return [Image.fromarray(pixels).resize((w, h)) for pixels, (h, w) in zip(coarse, shapes, strict=True)]


@pytest.fixture(scope="module")
def prepared(tiny_altclip: Path, tmp_path_factory: pytest.TempPathFactory, pictures: list[Image.Image]) -> Path:
    """A copy of the tiny AltCLIP, prepared with int8. Read it, or break a copy of it."""

    def quantise(folder: Path) -> None:
        make(copy_of(tiny_altclip, folder), precision="int8").prepare(pictures, lambda _: None)

    return made_once(tmp_path_factory, "prepared", quantise)


@pytest.fixture
def fresh(prepared: Path, tmp_path: Path) -> Path:
    """A prepared checkpoint that a test may break."""
    return copy_of(prepared, tmp_path / "fresh")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(files, "CACHE", tmp_path / "compiled")
    return files.CACHE


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    with caplog.at_level(logging.WARNING, "polyglance"):
        yield lambda: [record.getMessage() for record in caplog.records if record.name == "polyglance"]


def make(folder: Path, **changes: Any) -> DualEncoder:
    return DualEncoder(checkpoint.read(folder, "tiny"), Settings(device="cpu", **changes))


def cosines(left: Any, right: Any) -> Any:
    return (left.astype(np.float64) * right.astype(np.float64)).sum(axis=1)


def manifest(folder: Path, side: str = "text") -> dict[str, Any]:
    return dict(json.loads((folder / files.FOLDER / f"{side}.json").read_text(encoding="utf-8")))


def rewrite(folder: Path, side: str = "text", **changes: Any) -> None:
    """Change a manifest, and seal it as the code does."""
    document = manifest(folder, side) | changes
    del document["seal"]
    sealed = {**document, "seal": files._seal(document)}
    (folder / files.FOLDER / f"{side}.json").write_text(json.dumps(sealed), encoding="utf-8")


@pytest.mark.parametrize("kind", CONVERTED)
def test_openvino_gives_the_vectors_of_torch(
    kind: str, tiny_altclip: Path, tiny_checkpoint: Tiny, pictures: list[Image.Image]
) -> None:
    folder = tiny_altclip if kind == "altclip" else tiny_checkpoint(kind)
    torch, openvino = (make(folder, precision="float32", runtime=name) for name in ("torch", "openvino"))
    assert cosines(torch.encode_texts(TEXTS), openvino.encode_texts(TEXTS)).min() > NEAR
    assert cosines(torch.encode_images(pictures), openvino.encode_images(pictures)).min() > NEAR
    assert openvino._texts.opened.runtime == openvino._pictures.opened.runtime == "openvino"


@slow
def test_a_tower_that_tracing_changes_is_left_to_torch(
    tiny_checkpoint: Tiny, pictures: list[Image.Image], lines: Callable[[], list[str]]
) -> None:
    """SigLIP 2 resizes its positions for each picture; a trace has the shapes of the example."""
    folder = tiny_checkpoint("siglip2")
    torch, openvino = (make(folder, precision="float32", runtime=name) for name in ("torch", "openvino"))
    vectors = openvino.encode_images(pictures)
    assert openvino._pictures.opened.runtime == "torch"
    assert cosines(torch.encode_images(pictures), vectors).min() > NEAR
    assert len(lines()) == 1 and "image tower: OpenVINO" in lines()[0] and "computing in float32" in lines()[0]
    assert cosines(torch.encode_texts(TEXTS), openvino.encode_texts(TEXTS)).min() > NEAR


@slow
def test_a_quantised_tower_is_near_to_float32_and_meets_it(
    prepared: Path, tiny_altclip: Path, pictures: list[Image.Image]
) -> None:
    exact, quick = make(tiny_altclip, precision="float32"), make(prepared, precision="int8")
    others = [picture.rotate(90, expand=True) for picture in pictures]
    assert cosines(exact.encode_texts(TEXTS), quick.encode_texts(TEXTS)).min() > LEAST_COSINE
    assert cosines(exact.encode_images(others), quick.encode_images(others)).mean() > LEAST_COSINE
    assert quick._texts.opened.precision == quick._pictures.opened.precision == "int8"
    assert quick.fingerprint.dtype == "openvino int8"
    assert quick.fingerprint.digest != exact.fingerprint.digest
    assert quick.fingerprint.matches(exact.fingerprint.digest) and exact.fingerprint.matches(quick.fingerprint.digest)


@slow
def test_a_quantised_text_does_not_depend_on_its_neighbours(prepared: Path) -> None:
    encoder = make(prepared, precision="int8")
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    assert cosines(encoder.encode_texts([*TEXTS, "", *TEXTS])[: len(TEXTS)], alone).min() > 1 - 1e-6


@slow
def test_what_was_measured_decides(fresh: Path) -> None:
    for taken, expected in ((1.0, "openvino int8"), (9.0, "float32")):
        rewrite(fresh, "text", milliseconds={"openvino int8": taken, "float32": 2.0})
        assert make(fresh)._texts.plan.dtype == expected
    assert make(fresh, precision="int8")._texts.plan.dtype == "openvino int8"
    assert make(fresh, runtime="torch")._texts.plan.dtype == "float32"
    assert make(fresh, runtime="openvino", precision="float32")._texts.plan.dtype == "openvino float32"


@slow
def test_a_prepared_search_imports_neither_torch_nor_transformers(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "CHECKSUMS", tmp_path / "sums.json")
    make(prepared).fingerprint  # noqa: B018 - the checksums of a checkpoint's tensors are computed once
    script = f"""
import sys
from pathlib import Path
from polyglance.config import Settings
from polyglance.encoders.transformers import checkpoint, identity
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.encoders.transformers.towers import Part
identity.CHECKSUMS = Path({str(identity.CHECKSUMS)!r})
encoder = DualEncoder(checkpoint.read(Path({str(prepared)!r}), "tiny"), Settings(device="cpu", precision="int8"))
encoder.fingerprint
encoder.encode_texts(["one", "two words"])
loaded = {{"torch", "transformers", "nncf", "openvino_telemetry.main"}} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["altclip", "chinese_clip", "clip", "metaclip_2", "siglip2"])
def test_a_saved_tokenizer_gives_the_same_tokens(
    kind: str, tiny_altclip: Path, tiny_checkpoint: Tiny, tmp_path: Path
) -> None:
    from polyglance.encoders.transformers import towers

    source = checkpoint.read(tiny_altclip if kind == "altclip" else tiny_checkpoint(kind), "tiny")
    assert tokens.save(source, tmp_path / "saved.json")
    texts = [*TEXTS, "Mixed ЯЗЫКИ 言語 in one", "word " * 300, "\u202eright to left", "#123 (raw) 50%"]
    expected = samples.tokens(source, towers.load_tokenizer(source), texts)
    assert tokens._with_saved(tokens.load_saved(tmp_path / "saved.json"), texts, list(expected)) == expected


def test_a_tokenizer_without_such_a_file_is_transformers_own(tiny_checkpoint: Tiny, tmp_path: Path) -> None:
    assert not tokens.save(checkpoint.read(tiny_checkpoint("siglip"), "tiny"), tmp_path / "saved.json")
    assert not (tmp_path / "saved.json").exists()


def _cut(folder: Path) -> None:
    file = next((folder / files.FOLDER).glob("text-*.bin"))
    file.write_bytes(file.read_bytes()[:-64])


def _flip(folder: Path) -> None:
    file = next((folder / files.FOLDER).glob("text-*.bin"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _remove(folder: Path) -> None:
    next((folder / files.FOLDER).glob("text-*.xml")).unlink()


def _garble(folder: Path) -> None:
    """The checksum is right, and OpenVINO cannot read the file."""
    file = next((folder / files.FOLDER).glob("text-*.xml"))
    file.write_text("<net>", encoding="utf-8")
    rewrite(folder, files=manifest(folder)["files"] | {file.name: identity.file_sha256(file)})


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (_cut, "is damaged"),
    "one bit": (_flip, "is damaged"),
    "missing": (_remove, "is damaged"),
    "cannot be compiled": (_garble, "cannot compile"),
    "manifest": (lambda folder: (folder / files.FOLDER / "text.json").write_text("{}"), "is damaged"),
    "other checkpoint": (lambda folder: rewrite(folder, made_of="0" * 32), "another checkpoint"),
    "other CPU": (lambda folder: rewrite(folder, cpu="x86_64 avx512 vnni"), "a CPU with x86_64 avx512 vnni"),
    "other version": (lambda folder: rewrite(folder, version="2019.1.0"), "OpenVINO 2019.1.0"),
    "too far": (lambda folder: rewrite(folder, cosine=0.98), "0.9800"),
}


@slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_cannot_be_used_is_one_line_and_loses_nothing(
    fault: str, fresh: Path, tiny_altclip: Path, lines: Callable[[], list[str]]
) -> None:
    break_it, reason = FAULTS[fault]
    break_it(fresh)
    encoder = make(fresh, precision="int8")
    vectors = encoder.encode_texts(TEXTS)
    assert cosines(vectors, make(tiny_altclip, precision="float32").encode_texts(TEXTS)).min() > NEAR
    assert encoder._texts.opened.precision == "float32"
    assert len(lines()) == 1 and reason in lines()[0] and "\n" not in lines()[0]


@slow
def test_a_changed_manifest_is_damaged(fresh: Path) -> None:
    file = fresh / files.FOLDER / "text.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"cosine": 0.', '"cosine": 1.'), encoding="utf-8")
    stored, reason = compiled.find_stored(checkpoint.read(fresh, "tiny"), "text_model")
    assert stored is None and reason is not None and reason.endswith("is damaged")


@slow
def test_without_openvino_torch_computes(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "openvino" else find(name))
    assert make(fresh)._texts.plan.runtime == "torch"
    assert lines() == []
    assert make(fresh, runtime="openvino").encode_texts(TEXTS).shape == (len(TEXTS), 24)
    assert len(lines()) == 1 and "pip install 'polyglance[fast]'" in lines()[0]


@slow
def test_an_openvino_that_cannot_be_imported_is_one_line(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "broken" / "openvino").mkdir(parents=True)
    fault = 'raise ImportError("libopenvino.so: cannot open shared object file")'
    (tmp_path / "broken" / "openvino" / "__init__.py").write_text(fault, encoding="utf-8")
    script = f"""
from pathlib import Path
from polyglance.config import Settings
from polyglance.encoders.transformers import checkpoint, identity
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.encoders.transformers.towers import Part
identity.CHECKSUMS = Path({str(identity.CHECKSUMS)!r})
encoder = DualEncoder(checkpoint.read(Path({str(fresh)!r}), "tiny"), Settings(device="cpu", precision="int8"))
assert encoder.encode_texts(["one"]).shape == (1, 24)
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "broken")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    said = [line for line in done.stderr.splitlines() if "transformers" not in line]
    assert done.returncode == 0 and len(said) == 1, done.stderr
    assert "OpenVINO cannot be imported (ImportError: libopenvino.so" in said[0] and "computing in float32" in said[0]


@slow
def test_memory_that_ends_in_the_middle_of_a_run_loses_no_batch(
    fresh: Path, tiny_altclip: Path, pictures: list[Image.Image], lines: Callable[[], list[str]]
) -> None:
    encoder = make(fresh, precision="int8", batch_size=4)
    encoder.encode_images(pictures[:1])
    opened = encoder._pictures.opened
    infer, calls = opened._request, []

    class Request:
        def infer(self, values: Any, share_inputs: bool) -> Any:
            calls.append(1)
            if len(calls) > 2:
                raise MemoryError("bad_alloc")
            return infer.infer(values, share_inputs=share_inputs)

    opened._request = Request()
    vectors = encoder.encode_images(pictures)
    assert cosines(vectors, make(tiny_altclip, precision="float32").encode_images(pictures)).min() > LEAST_COSINE
    assert len(lines()) == 1 and "MemoryError: bad_alloc" in lines()[0]
    assert encoder._pictures.opened.precision == "float32"


@slow
def test_a_folder_that_may_not_be_written_uses_the_cache(
    prepared: Path, tiny_altclip: Path, tmp_path: Path, cache: Path
) -> None:
    source = checkpoint.read(copy_of(tiny_altclip, tmp_path / "read-only"), "tiny")
    (source.path / files.FOLDER).write_text("a file where the folder would be", encoding="utf-8")
    stored, _ = compiled.find_stored(checkpoint.read(prepared, "tiny"), "text_model")
    assert stored is not None
    digest = compiled.made_of(source, "text_model")
    folder = files.write(
        files.folders(source.path, digest),
        "text",
        stored.compiled,
        lambda target: [
            Path(shutil.copy(stored.folder / name, target.parent / name)) for name in stored.compiled.files
        ],
    )
    assert folder == cache / digest
    encoder = make(source.path, precision="int8")
    assert encoder.encode_texts(TEXTS).shape == (len(TEXTS), 24) and encoder._texts.opened.precision == "int8"


@slow
def test_a_write_that_fails_leaves_what_was_there(fresh: Path) -> None:
    (fresh / files.FOLDER / "lock").touch()
    before = sorted(file.name for file in (fresh / files.FOLDER).iterdir())
    stored, _ = compiled.find_stored(checkpoint.read(fresh, "tiny"), "text_model")
    assert stored is not None

    def fail(target: Path) -> list[Path]:
        target.write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write([fresh / files.FOLDER], "text", stored.compiled, fail)
    assert sorted(file.name for file in (fresh / files.FOLDER).iterdir()) == before
    assert make(fresh, precision="int8")._texts.plan.stored is not None


@slow
def test_an_index_run_prepares_beside_its_work_and_reports_to_nobody(
    tiny_altclip: Path,
    tmp_path: Path,
    pictures: list[Image.Image],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {"HOME": str(home), "CI": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    encoder = make(folder, precision="int8", batch_size=8)
    encoder.prepare_beside()
    with caplog.at_level(logging.INFO, "polyglance"):
        while encoder._preparing._process is None:
            encoder.encode_images(pictures)
        before = encoder.encode_images(pictures)
        encoder._preparing._process.wait()
        encoder.encode_images(pictures[:1])
    assert encoder._pictures.plan.dtype == "openvino int8"
    assert cosines(encoder.encode_images(pictures), before).min() > LEAST_COSINE
    assert make(folder, precision="int8")._texts.plan.dtype == "openvino int8"
    assert any("is prepared" in record.getMessage() for record in caplog.records)
    # OpenVINO's converter and NNCF report to Google Analytics, and keep a number of this user in ~/intel.
    assert list(home.iterdir()) == []


@slow
def test_a_preparation_that_is_killed_costs_the_run_nothing(
    tiny_altclip: Path, tmp_path: Path, pictures: list[Image.Image], lines: Callable[[], list[str]]
) -> None:
    encoder = make(copy_of(tiny_altclip, tmp_path / "copy"), precision="int8")
    encoder.prepare_beside()
    encoder.encode_images(pictures * 3)
    process, folder = encoder._preparing._process, encoder._preparing._folder
    assert process is not None and folder is not None
    process.kill()
    process.wait()
    encoder.encode_images(pictures)
    assert encoder._pictures.opened.runtime == "torch" and not os.path.exists(folder.name)
    assert len(lines()) == 1 and "is memory short?" in lines()[0]


@slow
def test_only_what_can_be_prepared_is_collected(fresh: Path, tiny_altclip: Path, pictures: list[Image.Image]) -> None:
    for encoder in (make(fresh), make(tiny_altclip, runtime="torch"), make(tiny_altclip, precision="float32")):
        encoder.prepare_beside()
        encoder.encode_images(pictures)
        assert encoder._preparing._kept == []
    encoder = make(tiny_altclip, batch_size=3)
    encoder.encode_images(pictures)  # of searches
    assert encoder._preparing._kept == []
    encoder.prepare_beside()
    encoder.encode_images(pictures)
    assert len(encoder._preparing._kept) == len(range(0, len(pictures), background.EVERY))


@pytest.mark.parametrize(
    ("flags", "features", "exact", "bfloat16"),
    [
        (["fpu", "avx2", "fma"], {"avx2"}, False, False),
        (["avx2", "avx512f", "avx512_vnni"], {"avx2", "avx512", "vnni"}, True, False),
        (["avx2", "avx_vnni"], {"avx2", "vnni"}, True, False),
        (["avx512f", "avx512_bf16", "amx_bf16", "amx_int8"], {"avx512", "bfloat16", "amx", "amx_int8"}, True, True),
        (["fp", "asimd", "asimddp", "i8mm"], {"neon", "dot_product", "int8_matrix"}, True, None),
        ([], set(), False, False),
    ],
)
def test_features_of_a_cpu(flags: list[str], features: set[str], exact: bool, bfloat16: bool | None) -> None:
    known = cpu.known_features(flags)
    assert known == features
    machine = cpu.Cpu("x86_64", known)
    assert machine.multiplies_int8_exactly == exact
    assert bfloat16 is None or machine.computes_bfloat16 == bfloat16


def test_this_cpu_is_the_one_that_torch_sees() -> None:
    import torch

    names = [name for name, value in torch.cpu.get_capabilities().items() if value is True]
    assert cpu.known_features(names) == cpu.read().features - {"neon"} or cpu.read().architecture != "x86_64"


def test_weights_have_seven_bits_where_sums_overflow() -> None:
    from nncf.quantization.advanced_parameters import OverflowFix

    recipe = quantising.RECIPES[0]
    fixes = [
        quantising._parameters(recipe, cpu.Cpu("x86_64", frozenset(features))).overflow_fix
        for features in ({"avx2"}, {"avx2", "vnni"})
    ]
    assert fixes == [OverflowFix.ENABLE, OverflowFix.DISABLE]


@slow
@pytest.mark.parametrize("part", ["vision_model", "text_model"])
def test_a_recipe_leaves_the_outputs_of_feed_forward_blocks_in_float(
    tiny_altclip: Path, tmp_path: Path, part: Part
) -> None:
    source = checkpoint.read(tiny_altclip, "tiny")
    path, _ = compiled.convert(source, part, Settings(device="cpu"), tmp_path)
    recipe = next(each for each in quantising.RECIPES if each.in_float)
    inputs = samples.inputs(source, part)[0]
    model = quantising.quantise(openvino_.core().read_model(path), [inputs], recipe, cpu.read())
    products = [each for each in model.get_ops() if each.get_type_name() == "MatMul" and "aten::linear" in str(each)]
    in_float = [each for each in products if re.fullmatch(recipe.in_float, each.get_friendly_name())]
    assert in_float
    for product in products:
        kinds = {value.get_node().get_type_name() for value in product.input_values()}
        assert ("FakeQuantize" in kinds) == (product not in in_float), product


def test_errors_of_openvino_are_one_line() -> None:
    with pytest.raises(TowerUnusable, match="OpenVINO cannot compile it") as caught:
        openvino_.compile_model(Path("nowhere.xml"), "float32")
    assert "\n" not in str(caught.value) and "Exception from" not in str(caught.value)
