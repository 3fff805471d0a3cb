"""Ctrl-C and SIGTERM: what is in hand is kept, the process ends within seconds, and goes on where it was."""

import os
import signal
import time

import children
import pytest
from compare import assert_same, count, in_catalog, rows, until

pytestmark = pytest.mark.torture

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
PROMISED_SECONDS = 5  # the promise itself, not a measure of speed
SLOW = {"COLOUR_SECONDS": "0.5", "POLYGLANCE_THUMBNAIL_SIDE": "64"}


class Command:
    """A command that is under way, with the tiny encoder."""

    def __init__(self, place, *arguments, slow=True):
        self.library, self.log, self.said = place / "library", place / "log", place / "said"
        environment = {**(SLOW if slow else {}), "COLOUR_LOG": str(self.log)}
        self.process = children.start(
            children.command_line, [*arguments, "--library", self.library], self.said, environment=environment
        )

    def is_in_a_later_batch(self):
        """Whether one batch is done, and the next one is being encoded."""
        return 4 <= count(self.log) < count(self.log.with_name("log.begun"))

    def stop(self, number):
        """Its exit code after the signal; raises if it takes too long."""
        start = time.monotonic()
        os.kill(self.process.pid, number)
        self.process.join(PROMISED_SECONDS)
        assert self.process.exitcode is not None, "it did not end in time"
        assert time.monotonic() - start < PROMISED_SECONDS
        assert "Traceback" not in self.said.read_text()
        assert not (self.library / "writer.txt").exists(), "it was ended by force"
        return self.process.exitcode


@SIGNALS
def test_index_keeps_the_batch_in_hand_and_goes_on(photos, many, tmp_path, number):
    many(photos, 20)
    command = Command(tmp_path, "index", photos, "--encoder", "colour")
    until(command.is_in_a_later_batch)
    assert command.stop(number) == 1
    assert "run the same command to go on" in command.said.read_text()
    kept = count(command.log)
    assert kept == len(in_catalog(tmp_path / "library")), "what was encoded was not committed"
    assert 4 < kept < 20
    again = Command(tmp_path, "index", photos, "--encoder", "colour", slow=False)
    again.process.join()
    assert again.process.exitcode == 0
    assert count(command.log) == 20
    children.finish(children.index, tmp_path / "reference", [photos])
    assert rows(tmp_path / "library") == rows(tmp_path / "reference")


@SIGNALS
def test_reencode_keeps_the_batch_in_hand_and_goes_on(photos, many, tmp_path, number):
    many(photos, 12)
    library = tmp_path / "library"
    children.finish(children.index, library, [photos])
    command = Command(tmp_path, "reencode", "--encoder", "colour2")
    until(command.is_in_a_later_batch)
    assert command.stop(number) == 1
    kept = count(command.log)
    assert sum(name == "colour2" for name, *_ in rows(library)["vectors"]) == kept
    assert ("active_encoder", "1") in rows(library)["settings"]
    again = Command(tmp_path, "reencode", "--encoder", "colour2", slow=False)
    again.process.join()
    assert again.process.exitcode == 0
    assert count(command.log) == 12
    assert ("active_encoder", "2") in rows(library)["settings"]


@SIGNALS
def test_an_idle_watcher_ends_at_once_and_well(photos, many, tmp_path, number):
    many(photos, 3)
    children.finish(children.index, tmp_path / "library", [photos])
    command = Command(tmp_path, "watch")
    until((tmp_path / "library" / "watch.json").exists)
    assert command.stop(number) == 0


@SIGNALS
def test_a_busy_watcher_keeps_the_batch_in_hand_and_ends_well(photos, many, tmp_path, number):
    many(photos, 3)
    library = tmp_path / "library"
    children.finish(children.index, library, [photos])
    command = Command(tmp_path, "watch")
    until((library / "watch.json").exists)
    many(photos, 20, first=100)
    until(command.is_in_a_later_batch)
    assert command.stop(number) == 0
    kept = count(command.log)
    assert len(in_catalog(library)) == 3 + kept
    assert kept < 20
    children.finish(children.index, library, [photos])
    children.finish(children.index, tmp_path / "reference", [photos])
    assert_same(library, tmp_path / "reference")


def test_a_second_signal_ends_it_at_once(photos, many, tmp_path):
    many(photos, 20)
    command = Command(tmp_path, "index", photos, "--encoder", "colour")
    until(command.is_in_a_later_batch)
    os.kill(command.process.pid, signal.SIGINT)
    time.sleep(0.1)
    command.stop(signal.SIGINT)
    children.finish(children.index, tmp_path / "library", [photos])
    children.finish(children.index, tmp_path / "reference", [photos])
    assert_same(tmp_path / "library", tmp_path / "reference")
