"""A run that was killed, stopped, or met a full disk goes on, and ends as if nothing had happened."""

import errno
import itertools
import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.errors import DiskFull, Stopped, TrainingError, UsageError
from polyglance.indexer.run.stop import Stop
from polyglance.progress import silent
from polyglance.training import checkpoints, losses
from polyglance.training.align import align
from polyglance.training.distill import distill
from polyglance.training.options import AlignOptions, DistillOptions

COMMON = {"batch": 16, "micro_batch": 8, "epochs": 3, "learning_rate": 2e-3, "log_steps": 1, "checkpoint_steps": 2}


def run_distill(places, output, progress=silent, stop=None, **options):
    clip, xlm_r, text = places
    chosen = DistillOptions(**{**COMMON, **options})
    settings = Settings(device="cpu", precision="float32")
    return distill(str(clip), str(xlm_r), [text], output, chosen, settings, progress=progress, stop=stop)


def run_align(places, output, progress=silent, stop=None, **options):
    encoder, pairs = places
    chosen = AlignOptions(**{**COMMON, **options})
    settings = Settings(device="cpu", precision="float32")
    cache = output.parent / "vectors"
    return align(str(encoder), pairs, output, chosen, settings, progress=progress, stop=stop, cache=cache)


def die_at(work, places, output, step):
    """In a process of its own: SIGKILL at a step."""

    def kill(tick):
        if tick.done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    work(places, output, kill)


def log_of(output):
    return (output / "training/log.jsonl").read_text()


def weights(output):
    return torch.load(sorted((output / "training/checkpoints").glob("step-*.pt"))[-1], weights_only=True)["weights"]


@pytest.fixture
def distilled(clip, xlm_r, parallel_text):
    return run_distill, (clip, xlm_r, parallel_text)


@pytest.fixture
def aligned(tiny_altclip, pairs):
    return run_align, (tiny_altclip, pairs)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["distilled", "aligned"])
def test_after_kill_9_the_losses_are_the_same_to_the_bit(kind, request, tmp_path):
    """Killed between two checkpoints, in the second epoch: dropout, order and optimiser go on as they would have."""
    work, places = request.getfixturevalue(kind)
    whole = work(places, tmp_path / "whole")
    process = multiprocessing.get_context("fork").Process(
        target=die_at, args=(work, places, tmp_path / "killed", 5), daemon=True
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "killed/config.json").exists()
    resumed = work(places, tmp_path / "killed", resume=True)
    assert log_of(tmp_path / "killed") == log_of(tmp_path / "whole")
    assert resumed.points == whole.points and resumed.best == whole.best
    ours, expected = weights(tmp_path / "killed"), weights(tmp_path / "whole")
    assert all(torch.equal(ours[key], expected[key]) for key in expected)


def test_a_stop_keeps_the_work_and_resume_gives_the_same_losses(distilled, tmp_path):
    work, places = distilled
    whole = work(places, tmp_path / "whole")
    stop = Stop()
    with pytest.raises(Stopped):
        work(places, tmp_path / "out", lambda tick: stop.ask() if tick.done == 3 else None, stop)
    steps = []
    resumed = work(places, tmp_path / "out", lambda tick: steps.append(tick.done), resume=True)
    assert steps[0] == 3 and resumed.points == whole.points


def test_a_finished_run_is_not_trained_again(aligned, tmp_path):
    work, places = aligned
    whole = work(places, tmp_path / "out")
    steps = []
    again = work(places, tmp_path / "out", lambda tick: steps.append(tick.done), resume=True)
    assert steps == [whole.steps] and again.points == whole.points


def test_an_output_folder_that_holds_something_else_is_refused(distilled, tmp_path):
    work, places = distilled
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_bytes(b"x")
    with pytest.raises(UsageError, match="holds something else"):
        work(places, tmp_path / "photos")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]
    with pytest.raises(UsageError, match="is a file"):
        work(places, tmp_path / "photos/a.jpg")


def test_a_run_is_neither_overwritten_nor_continued_with_other_settings(aligned, tmp_path):
    work, places = aligned
    work(places, tmp_path / "out")
    with pytest.raises(UsageError, match="holds a run"):
        work(places, tmp_path / "out")
    with pytest.raises(UsageError, match=r"has learning_rate 0\.002, not 0\.5"):
        work(places, tmp_path / "out", resume=True, learning_rate=0.5)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(aligned, tmp_path, monkeypatch):
    work, places = aligned
    calls = itertools.count(1)
    compute = losses.contrastive

    def contrastive(*arguments):
        loss = compute(*arguments)
        return loss * float("nan") if next(calls) == 4 else loss

    monkeypatch.setattr(losses, "contrastive", contrastive)
    with pytest.raises(TrainingError, match=r"The loss of step 4 is not a finite number, at a learning rate of 0\.00"):
        work(places, tmp_path / "out")
    assert all(torch.isfinite(value).all() for value in weights(tmp_path / "out").values())
    assert not (tmp_path / "out/config.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["step-00000004.pt", "best.pt", "model.safetensors"])
def test_a_full_disk_is_one_line_and_the_last_checkpoint_is_kept(aligned, tmp_path, monkeypatch, name):
    work, places = aligned
    whole = work(places, tmp_path / "whole")
    if name == "model.safetensors":

        def full(*_arguments, **_options):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("polyglance.encoders.transformers.whole.save_model", full)
    else:
        save = checkpoints._save

        def fill(state, path):
            save(state, path)
            if path.name.startswith(f".{name}") and (name != "best.pt" or state["step"] > 2):
                path.write_bytes(path.read_bytes()[:1000])
                raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(checkpoints, "_save", fill)
    options = {"learning_rate": 2e-3}
    try:
        work(places, tmp_path / "out", **options)
    except DiskFull as error:
        assert "is full" in error.message and "--resume" in error.hint
    else:
        assert name == "best.pt"  # the first validation was the best
    assert not (tmp_path / "out/config.json").exists() or name == "best.pt"
    monkeypatch.undo()
    resumed = work(places, tmp_path / "out", resume=True, **options)
    assert resumed.points == whole.points
    assert not list((tmp_path / "out").rglob(".*tmp*"))


def test_a_checkpoint_that_finds_no_space_raises_what_the_system_says():
    """torch itself says: enforce fail, unexpected pos 704 vs 598."""
    with pytest.raises(OSError, match="No space left on device"):
        checkpoints._save({"weights": torch.zeros(200_000)}, Path("/dev/full"))


def test_a_damaged_checkpoint_is_named(aligned, tmp_path):
    work, places = aligned
    stop = Stop()
    with pytest.raises(Stopped):
        work(places, tmp_path / "out", lambda tick: stop.ask() if tick.done == 3 else None, stop)
    newest = sorted((tmp_path / "out/training/checkpoints").glob("step-*.pt"))[-1]
    newest.write_bytes(newest.read_bytes()[:500])
    with pytest.raises(TrainingError, match=r"step-00000003\.pt is damaged .* Remove it"):
        work(places, tmp_path / "out", resume=True)
    newest.unlink()
    assert work(places, tmp_path / "out", resume=True).steps == 12


def test_the_run_ends_early_when_the_score_stops_getting_better(aligned, tmp_path):
    work, places = aligned
    result = work(places, tmp_path / "out", epochs=30, patience=2, learning_rate=1e-9)
    assert result.ended_early and len(result.validations) == 3
    assert result.best == result.validations[0].step


def test_the_written_weights_are_those_of_the_best_validation(aligned, tmp_path, settings):
    work, places = aligned
    result = work(places, tmp_path / "out", epochs=6, learning_rate=5e-2)
    scores = [each.scores["MR"] for each in result.validations]
    best = result.validations[scores.index(max(scores))]
    assert result.best == best.step
    stored = torch.load(tmp_path / "out/training/checkpoints/best.pt", weights_only=True)
    assert stored["step"] == best.step
    from safetensors.torch import load_file

    written = load_file(tmp_path / "out/model.safetensors")
    np.testing.assert_array_equal(
        written["text_model.transformation.weight"], stored["weights"]["text_model.transformation.weight"]
    )
    assert registry.create(str(tmp_path / "out"), settings).logit_scale > 0


def test_two_checkpoints_and_the_best_are_kept(aligned, tmp_path):
    work, places = aligned
    work(places, tmp_path / "out", epochs=5)
    names = sorted(path.name for path in (tmp_path / "out/training/checkpoints").iterdir())
    assert names == ["best.pt", "step-00000018.pt", "step-00000020.pt"]


def test_validation_after_steps_and_a_constant_rate(aligned, tmp_path):
    work, places = aligned
    result = work(places, tmp_path / "out", validation_steps=5, schedule="constant", warmup=0)
    assert [each.step for each in result.validations] == [5, 10]
    assert {point.learning_rate for point in result.points} == {2e-3}
    rows = [json.loads(line) for line in log_of(tmp_path / "out").splitlines()]
    assert sum("scores" in row for row in rows) == 2
