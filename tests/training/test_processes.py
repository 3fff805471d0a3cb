"""Two processes with gloo train as one does: the same losses, and the same weights."""

import os
import socket
import subprocess
import sys

import pytest
import torch

CODE = """
import sys
from pathlib import Path
from polyglance.config import Settings
from polyglance.training.align import align
from polyglance.training.distill import distill
from polyglance.training.options import AlignOptions, DistillOptions
kind, output, *places = sys.argv[1:]
settings = Settings(device="cpu", precision="float32", decode_workers=2)
common = dict(batch=13, micro_batch=3, epochs=2, learning_rate=1e-3, log_steps=1, warmup=0)
if kind == "align":
    align(places[0], Path(places[1]), Path(output), AlignOptions(**common, towers="both"), settings)
else:
    distill(places[0], places[1], [Path(places[2])], Path(output), DistillOptions(**common), settings)
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def train(kind, output, places, count):
    port = free_port()
    children = []
    for rank in range(count):
        environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
        if count > 1:
            environment |= {"WORLD_SIZE": str(count), "RANK": str(rank), "LOCAL_RANK": str(rank)}
            environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        command = [sys.executable, "-c", CODE, kind, str(output), *map(str, places)]
        children.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for child in children:
        _, errors = child.communicate(timeout=200)
        assert child.returncode == 0, errors


def weights(output):
    (path,) = (output / "training/checkpoints").glob("step-*.pt")
    return torch.load(path, weights_only=True)["weights"]


@pytest.mark.parametrize("kind", ["align", "distill"])
def test_two_processes_give_the_weights_of_one(kind, clip, xlm_r, parallel_text, pairs, tmp_path):
    """Without dropout, which each process draws for itself; batches of 13 do not split evenly."""
    pytest.importorskip("accelerate")
    student = without_dropout(xlm_r, tmp_path / "student")
    places = (clip, pairs) if kind == "align" else (clip, student, parallel_text)
    for name, count in (("one", 1), ("two", 2)):
        train(kind, tmp_path / name, places, count)
    ours, expected = weights(tmp_path / "two"), weights(tmp_path / "one")
    for key, value in expected.items():
        torch.testing.assert_close(ours[key], value, rtol=1e-3, atol=2e-5)
    assert (tmp_path / "two/model.safetensors").is_file()


def without_dropout(folder, target):
    import json
    import shutil

    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (target / "config.json").write_text(json.dumps(config))
    return target
