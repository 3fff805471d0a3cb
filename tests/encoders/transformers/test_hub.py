from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import SENTENCES
from hub_server import COMMIT, Hub, run_python
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.encoders.transformers import hub as polyglance_hub

PULL = """
import json, sys
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.encoders.transformers import hub, transfer
from polyglance.errors import PolyglanceError
%s
steps = []
try:
    registry.pull("owner/tiny", Settings(), progress=lambda tick: steps.append([tick.done, tick.total]))
    error = None
except PolyglanceError as caught:
    error = [type(caught).__name__, caught.message, caught.hint]
print(json.dumps({"error": error, "steps": steps, "ready": error is None and registry.is_ready("owner/tiny"),
                  "torch": "torch" in sys.modules}))
"""
ENCODE = """
import json
from polyglance.config import Settings
from polyglance.encoders import registry
encoder = registry.create("owner/tiny", Settings(precision="float32", device="cpu"))
print(json.dumps([encoder.fingerprint.digest, encoder.encode_texts([%r]).tolist()]))
"""
GIVE_UP_AT_ONCE = "transfer.PAUSES = ()"


@pytest.fixture
def serving(hub: Hub, tiny_altclip: Path) -> Hub:
    hub.repos["owner/tiny"] = tiny_altclip
    return hub


def pull(hub: Hub, home: Path, preparation: str = "") -> dict[str, Any]:
    done = run_python(PULL % preparation, hub.environment(home), home)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def weights_requests(hub: Hub) -> list[str | None]:
    return [ranges for method, path, ranges in hub.asked if method == "GET" and path.endswith("pytorch_model.bin")]


def cached_files(home: Path) -> dict[str, int]:
    folder = home / "hf" / "hub" / "models--owner--tiny"
    return {file.name: file.stat().st_size for file in (folder / "snapshots" / COMMIT).glob("*")}


def blobs(home: Path) -> list[Path]:
    return list((home / "hf" / "hub" / "models--owner--tiny" / "blobs").glob("*"))


@pytest.mark.slow
def test_a_pulled_model_is_whole_and_then_works_without_the_hub(
    serving: Hub, tiny_altclip: Path, tmp_path: Path
) -> None:
    (tiny_altclip / "README.md").write_text("not needed", encoding="utf-8")
    result = pull(serving, tmp_path)
    (tiny_altclip / "README.md").unlink()
    assert result["error"] is None and result["ready"] and not result["torch"]
    assert cached_files(tmp_path) == {file.name: file.stat().st_size for file in tiny_altclip.iterdir()}
    heres, totals = zip(*result["steps"], strict=True)
    assert list(heres) == sorted(heres) and heres[-1] == totals[-1] == sum(cached_files(tmp_path).values())

    serving.asked.clear()
    text = SENTENCES["ja"]
    from_cache = run_python(ENCODE % text, serving.environment(tmp_path), tmp_path)
    assert from_cache.returncode == 0, from_cache.stderr
    assert serving.asked == []
    from_folder = registry.create(str(tiny_altclip), Settings(precision="float32", device="cpu"))
    digest, vectors = json.loads(from_cache.stdout)
    assert digest == from_folder.fingerprint.digest
    np.testing.assert_allclose(vectors, from_folder.encode_texts([text]), atol=1e-6)


def test_a_broken_connection_is_taken_up_where_it_broke(serving: Hub, tmp_path: Path) -> None:
    serving.cuts = [50_000, 30_000]
    result = pull(serving, tmp_path, "transfer.PAUSES = (0.01,)")
    assert result["error"] is None and result["ready"]
    assert weights_requests(serving) == [None, "bytes=50000-", "bytes=80000-"]


def test_a_download_that_was_given_up_goes_on_in_the_next_process(serving: Hub, tmp_path: Path) -> None:
    serving.cuts = [50_000]
    first = pull(serving, tmp_path, GIVE_UP_AT_ONCE)
    assert first["error"][0] == "EncoderUnavailable" and "cut off at 0.05 MB" in first["error"][1]
    assert "pytorch_model.bin" not in cached_files(tmp_path)
    serving.asked.clear()
    second = pull(serving, tmp_path)
    assert second["error"] is None and second["ready"]
    assert weights_requests(serving) == ["bytes=50000-"]
    assert second["steps"][0][0] >= 50_000


def test_a_server_that_cannot_resume_starts_again(serving: Hub, tmp_path: Path) -> None:
    serving.cuts = [50_000]
    serving.ignores_ranges = True
    result = pull(serving, tmp_path, "transfer.PAUSES = (0.01,)")
    assert result["error"] is None and result["ready"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config.json"])
def test_wrong_bytes_of_the_right_size_are_refused_and_leave_nothing(
    serving: Hub, tiny_altclip: Path, tmp_path: Path, name: str
) -> None:
    serving.damaged = {name}
    result = pull(serving, tmp_path)
    assert result["error"][0] == "EncoderUnavailable"
    assert name in result["error"][1] and "damaged" in result["error"][1]
    assert name not in cached_files(tmp_path)
    wrong = (tiny_altclip / name).read_bytes()[:-1]
    assert not any(blob.read_bytes().startswith(wrong) for blob in blobs(tmp_path))
    serving.damaged = set()
    assert pull(serving, tmp_path)["ready"]


def test_a_model_that_lost_a_file_is_mended(serving: Hub, tmp_path: Path) -> None:
    pull(serving, tmp_path)
    snapshot = tmp_path / "hf" / "hub" / "models--owner--tiny" / "snapshots" / COMMIT
    (snapshot / "sentencepiece.bpe.model").unlink()
    serving.asked.clear()
    assert pull(serving, tmp_path)["ready"]
    assert weights_requests(serving) == []


def test_a_model_of_another_kind_is_refused_before_its_weights_are_fetched(
    hub: Hub, tiny_checkpoint: Any, tmp_path: Path
) -> None:
    hub.repos["owner/tiny"] = tiny_checkpoint("bert")
    result = pull(hub, tmp_path)
    assert result["error"][0] == "NotADualEncoder" and "'bert'" in result["error"][1]
    assert not any(path.endswith(".safetensors") for _, path, _ in hub.asked)


def test_all_shards_are_fetched(hub: Hub, tiny_checkpoint: Any, tmp_path: Path) -> None:
    hub.repos["owner/tiny"] = tiny_checkpoint("clip")
    assert pull(hub, tmp_path)["ready"]
    assert sum(name.startswith("model-0000") for name in cached_files(tmp_path)) == 3


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (403, "EncoderUnavailable", "accept its licence"),
        (404, "UnknownEncoder", "no public model called owner/tiny"),
        (500, "EncoderUnavailable", "answered 500"),
    ],
)
def test_refusals_of_the_hub_are_explained(serving: Hub, tmp_path: Path, status: int, kind: str, words: str) -> None:
    serving.status = status
    result = pull(serving, tmp_path)
    assert result["error"][0] == kind and words in result["error"][1]


def test_without_a_hub_the_way_out_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.url = "http://127.0.0.1:9"
    error = pull(hub, tmp_path)["error"]
    assert error[0] == "EncoderUnavailable"
    assert error[1] == "owner/tiny is not on this machine and the model hub cannot be reached."
    assert "polyglance encoders pull owner/tiny" in error[2] and "--encoder lite" in error[2]


def test_offline_mode_asks_nothing(serving: Hub, tmp_path: Path) -> None:
    code = PULL % ""
    done = run_python(code, {**serving.environment(tmp_path), "HF_HUB_OFFLINE": "1"}, tmp_path)
    assert json.loads(done.stdout)["error"][0] == "EncoderUnavailable"
    assert serving.asked == []


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (
            ["config.json", "pytorch_model.bin", "model.safetensors", "tf_model.h5", "onnx/config.json"],
            ["config.json", "model.safetensors"],
        ),
        (
            ["config.json", "pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin", "training_args.bin"],
            ["config.json", "pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin"],
        ),
        (["vocab.txt", "merges.txt", "README.md", "x.png"], ["vocab.txt", "merges.txt"]),
    ],
)
def test_one_form_of_the_weights_is_chosen(names: list[str], chosen: list[str]) -> None:
    assert polyglance_hub.choose_files(names) == chosen


def test_a_full_disk_is_foreseen(serving: Hub, tmp_path: Path) -> None:
    preparation = "import shutil; hub.shutil.disk_usage = lambda path: shutil._ntuple_diskusage(9, 9, 9)"
    error = pull(serving, tmp_path, preparation)["error"]
    assert error[0] == "EncoderUnavailable" and "needs" in error[1] and "HF_HOME" in error[2]
    assert weights_requests(serving) == []
    shutil.rmtree(tmp_path / "hf")
