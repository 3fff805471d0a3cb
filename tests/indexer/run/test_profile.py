"""What the profile of a run says: every picture in every stage, seconds that add up, and the stage that limits."""

from __future__ import annotations

import time

import pytest
from polyglance.answers.indexing import ProfiledIndexRun
from polyglance.indexer.run.places import Place
from polyglance.indexer.run.profile import DECODING, STAGES, Profile
from polyglance.indexer.run.update import update


def test_every_picture_passes_every_stage(make_setup, photos, draw):
    for number in range(5):
        draw(photos / f"{number}.png", number)
    (photos / "no picture.jpg").write_bytes(b"no picture")
    setup = make_setup()
    report = update(setup.pipeline, [Place(setup.root)])
    profile = report.profile
    counts = {name: profile.stages[name].pictures for name in STAGES}
    assert counts == {**dict.fromkeys(DECODING, 5), "read": 6, "deliver": 5, "load": 1, "encode": 4, "commit": 6}
    assert profile.lanes == 2
    assert all(stage.wall > 0 for stage in profile.stages.values())
    serial = sum(profile.stages[name].wall for name in ("load", "encode", "commit"))
    assert serial <= profile.elapsed, "the stages of the main thread follow each other"
    assert profile.cpu <= 1.2 * profile.processors * profile.elapsed, "no processor is counted twice"
    assert profile.limit() in STAGES
    assert {stage.stage for stage in ProfiledIndexRun.from_report(report).profile.stages} == set(STAGES)


def test_a_run_that_reads_nothing_is_limited_by_nothing():
    assert Profile().limit() is None
    assert Profile().rate("decode") is None


def test_processors_limit_if_they_are_busy_else_the_longest_lane():
    profile = Profile(lanes=4, processors=2, elapsed=10.0)
    profile.stages["read"].wall = 36.0
    profile.stages["encode"].wall, profile.stages["encode"].cpu = 8.0, 8.0
    assert profile.limit() == "read", "four readers wait for a slow disk for nine of ten seconds each"
    profile.stages["encode"].cpu = 18.0
    assert profile.limit() == "encode"


def test_waiting_is_wall_time_and_no_processor_time():
    profile = Profile()
    with profile.measured("commit", 3):
        time.sleep(0.05)
    commit = profile.stages["commit"]
    assert commit.wall >= 0.05 > commit.cpu
    assert profile.rate("commit") == pytest.approx(3 / commit.wall)
