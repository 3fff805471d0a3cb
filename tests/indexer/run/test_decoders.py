"""Index runs over pictures that crash, hang or eat memory, or are swapped for links: the other photos do not notice."""

from __future__ import annotations

import threading
import time

import pytest
from polyglance.indexer.disk.scan import scan
from polyglance.indexer.run.stop import Stop
from worker_traps import CRASHES, EATS, HANGS


@pytest.fixture
def four_photos(photos, draw):
    return [draw(photos / f"{number}.png", number) for number in range(4)]


def test_hostile_pictures_cost_themselves(make_setup, photos, four_photos, traps):
    for name, data in (("0 crashes", CRASHES), ("1 hangs", HANGS), ("2 eats", EATS)):
        (photos / f"{name}.jpg").write_bytes(data)
    setup = make_setup(max_decode_seconds=6.0)
    tally = setup.update()
    assert (tally.added, tally.encoded) == (4, 4)
    assert {failure.path.rsplit(b"/", 1)[1]: failure.reason for failure in tally.failures} == {
        b"0 crashes.jpg": "could not be decoded: its decoder crashed",
        b"1 hangs.jpg": "could not be decoded: took more than 6 s",
        b"2 eats.jpg": "could not be decoded: took more than 600 MB of memory",
    }
    assert setup.update().still_failed == 3, "the bytes are at fault, so they are not tried again"


def test_a_run_that_waits_for_a_hanging_picture_can_be_stopped(make_setup, photos, four_photos, traps):
    (photos / "hangs.jpg").write_bytes(HANGS)
    setup = make_setup(max_decode_seconds=3600.0)
    stop = Stop()
    object.__setattr__(setup.pipeline, "stop", stop)
    run = threading.Thread(target=setup.update)
    run.start()
    while not (busy := [each for each in threading.enumerate() if each.name.startswith("decode")]):
        time.sleep(0.01)
    time.sleep(0.5)
    stop.ask()
    run.join(timeout=60)
    assert not run.is_alive()
    for thread in busy:
        thread.join(timeout=60)
        assert not thread.is_alive(), "the process that hangs was ended, and so its thread"


def test_a_photo_swapped_for_a_link_after_the_scan_is_not_read(setup, photos, four_photos, draw, monkeypatch, tmp_path):
    outside = draw(tmp_path / "outside.png", 99)

    def scan_and_swap(*arguments, **options):
        result = scan(*arguments, **options)
        four_photos[2].unlink()
        four_photos[2].symlink_to(outside)
        return result

    monkeypatch.setattr("polyglance.indexer.run.survey.scan", scan_and_swap)
    tally = setup.update()
    assert tally.added == 3
    assert [failure.reason for failure in tally.failures] == ["was replaced by a link"]
    assert len(setup.catalog.photos.contents()) == 3
