"""Two processes with gloo train as one does: the same losses, and the same weights."""

import json
import multiprocessing
import os
import shutil
import socket

import pytest
import torch
from polyglance.config import Settings
from polyglance.training.align import align
from polyglance.training.distill import distill
from polyglance.training.options import AlignOptions, DistillOptions

COMMON = {"batch": 13, "micro_batch": 3, "epochs": 2, "learning_rate": 1e-3, "log_steps": 1, "warmup": 0}


def train(kind, output, places, environment):
    os.environ.update(environment)
    settings = Settings(device="cpu", precision="float32", decode_workers=2)
    if kind == "align":
        align(str(places[0]), places[1], output, AlignOptions(**COMMON, towers="both"), settings)
    else:
        distill(str(places[0]), str(places[1]), [places[2]], output, DistillOptions(**COMMON), settings)


def train_in_two(kind, output, places):
    """Two forks of this process, which has everything imported."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    children = [
        multiprocessing.get_context("fork").Process(
            target=train,
            args=(kind, output, places, {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)}),
            daemon=True,
        )
        for rank in range(2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(200)
    assert [child.exitcode for child in children] == [0, 0]


def weights(output):
    (path,) = (output / "training/checkpoints").glob("step-*.pt")
    return torch.load(path, weights_only=True)["weights"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["align", "distill"])
def test_two_processes_give_the_weights_of_one(kind, clip, xlm_r, parallel_text, pairs, tmp_path):
    """Without dropout, which each process draws for itself; batches of 13 do not split evenly."""
    pytest.importorskip("accelerate")
    student = without_dropout(xlm_r, tmp_path / "student")
    places = (clip, pairs) if kind == "align" else (clip, student, parallel_text)
    train(kind, tmp_path / "one", places, {})
    train_in_two(kind, tmp_path / "two", places)
    ours, expected = weights(tmp_path / "two"), weights(tmp_path / "one")
    for key, value in expected.items():
        # A bias of attention's keys has no gradient but rounding, which Adam makes as large as any other.
        if not key.endswith(("k_proj.bias", "key.bias")):
            torch.testing.assert_close(ours[key], value, rtol=1e-3, atol=2e-5, msg=key)
    for first, second in zip(points(tmp_path / "one"), points(tmp_path / "two"), strict=True):
        assert first == pytest.approx(second, rel=1e-4)
    assert (tmp_path / "two/model.safetensors").is_file()


def points(output):
    rows = [json.loads(line) for line in (output / "training/log.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def without_dropout(folder, target):
    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (target / "config.json").write_text(json.dumps(config))
    return target
