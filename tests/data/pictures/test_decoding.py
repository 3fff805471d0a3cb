"""Decoding in processes of their own: a picture that crashes, hangs or eats memory costs itself alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import psutil
import pytest
from PIL import Image
from polyglance import Settings
from polyglance.data.pictures import decoding, files, images
from polyglance.data.pictures.decoding import DecodeOptions, Decoders
from polyglance.data.pictures.frames import Message
from polyglance.data.pictures.process import DecodingProcess
from polyglance.errors import DecodersBusy, PictureError, PolyglanceError
from worker_traps import CRASHES, EATS, HANGS, PRINTS

OPTIONS = DecodeOptions.from_settings(Settings(), 64, jpeg_side=32)


def encoded(kind="JPEG", colour="teal", size=(400, 300), **options):
    target = BytesIO()
    Image.new("RGB", size, colour).save(target, kind, **options)
    return target.getvalue()


@pytest.fixture
def decoders():
    decoding.end_idle()
    yield Decoders(2)
    decoding.end_idle()


def processes():
    return [child for child in psutil.Process().children() if "polyglance.data.pictures.worker" in child.cmdline()]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_comes_back_is_what_decoding_gives(decoders, kind):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Pentax", 6
    data = encoded(kind, exif=exif)
    expected = images.decode(data, side=64, max_pixels=OPTIONS.max_pixels)
    decoded = decoders.decode(data, OPTIONS)
    assert decoded.image.tobytes() == expected.image.tobytes()
    assert (decoded.width, decoded.height, decoded.format, decoded.facts) == (300, 400, kind, expected.facts)
    with Image.open(BytesIO(decoded.jpeg)) as small:
        assert (small.format, max(small.size)) == ("JPEG", 32)


def test_only_what_the_options_ask_for_comes_back(decoders):
    assert decoders.decode(encoded(), replace(OPTIONS, pixels=False)).image is None
    assert decoders.decode(encoded(), replace(OPTIONS, jpeg_side=0)).jpeg == b""


def test_reasons_come_back_with_what_to_do(decoders):
    with pytest.raises(PictureError, match="is truncated or damaged") as raised:
        decoders.decode(encoded()[:200], OPTIONS)
    assert not raised.value.may_pass
    with pytest.raises(PictureError, match="over the limit of") as raised:
        decoders.decode(encoded(), replace(OPTIONS, max_pixels=100))
    assert (raised.value.hint, raised.value.may_pass) == ("Raise POLYGLANCE_MAX_PIXELS to read it.", True)


@pytest.mark.parametrize(
    ("trap", "reason"),
    [
        (CRASHES, "could not be decoded: its decoder crashed"),
        (HANGS, "could not be decoded: took more than 1 s"),
        (EATS, "could not be decoded: took more than 600 MB of memory"),
    ],
)
def test_a_picture_that_crashes_hangs_or_eats_memory_costs_itself(decoders, traps, trap, reason):
    with pytest.raises(PictureError) as raised:
        decoders.decode(trap, replace(OPTIONS, seconds=1.0 if trap == HANGS else 60.0))
    assert (raised.value.message, raised.value.may_pass) == (reason, False)
    assert decoders.decode(encoded(), OPTIONS).width == 400


def test_memory_is_watched_where_the_system_sets_no_limit(decoders, traps, monkeypatch):
    monkeypatch.setenv("POLYGLANCE_TEST_PLATFORM", "darwin")
    with pytest.raises(PictureError, match="took more than 600 MB of memory"):
        decoders.decode(EATS, OPTIONS)


def test_what_a_decoder_prints_disturbs_nothing(decoders, traps):
    assert decoders.decode(PRINTS + encoded(), OPTIONS).width == 400


def test_a_killed_process_is_no_fault_of_the_picture(decoders, traps):
    def kill():
        while not processes():
            time.sleep(0.01)
        time.sleep(0.5)
        processes()[0].kill()

    threading.Thread(target=kill).start()
    with pytest.raises(PictureError, match="its decoder was killed") as raised:
        decoders.decode(HANGS, OPTIONS)
    assert raised.value.may_pass


def test_a_process_killed_while_it_starts_is_no_fault_of_the_picture():
    process = DecodingProcess()
    process.kill()
    with pytest.raises(PictureError, match="its decoder was killed") as raised:
        process.send(Message({}))
    assert raised.value.may_pass
    process.end()


def test_signals_to_the_whole_group_leave_the_picture_in_hand(decoders):
    decoders.decode(encoded(), OPTIONS)
    for number in (signal.SIGINT, signal.SIGTERM):
        processes()[0].send_signal(number)
    assert decoders.decode(encoded(), OPTIONS).width == 400
    assert len(processes()) == 1


def test_threads_get_their_own_pictures(decoders):
    colours = [f"#{number:02x}8040" for number in range(0, 256, 8)]

    def red(colour):
        return decoders.decode(encoded("PNG", colour), OPTIONS).image.getpixel((0, 0))[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(red, colours)) == list(range(0, 256, 8))
    assert len(processes()) == 2


def test_more_pictures_than_may_wait_are_refused(traps):
    decoders = Decoders(1, waiting=1)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(decoders.decode, HANGS, OPTIONS) for _ in range(2)]
        while not processes():
            time.sleep(0.01)
        time.sleep(0.5)
        with pytest.raises(DecodersBusy):
            decoders.decode(encoded(), OPTIONS)
        decoders.close()
        assert all(isinstance(future.exception(), PictureError) for future in futures)


def test_closing_ends_what_is_being_decoded(decoders, traps):
    threading.Timer(0.5, decoders.close).start()
    with pytest.raises(PictureError, match="its decoder was killed"):
        decoders.decode(HANGS, OPTIONS)
    with pytest.raises(PictureError, match="the run was stopped"):
        decoders.decode(encoded(), OPTIONS)


def test_a_forked_child_has_its_own_processes(decoders):
    decoders.decode(encoded(), OPTIONS)
    parent = processes()[0].pid

    def child(answers):
        decoding.ON_DEMAND.decode(encoded(), OPTIONS)
        answers.put([each.pid for each in processes()])
        decoding.end_idle()

    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=child, args=(answers,))
    process.start()
    pids = answers.get(timeout=30)
    process.join()
    assert len(pids) == 1
    assert parent not in pids
    assert decoders.decode(encoded(), OPTIONS).width == 400


def test_a_process_ends_when_the_one_that_started_it_is_killed(tmp_path):
    code = """
        from io import BytesIO
        from PIL import Image
        from polyglance import Settings
        from polyglance.data.pictures import decoding
        target = BytesIO()
        Image.new("RGB", (9, 9)).save(target, "PNG")
        decoding.ON_DEMAND.decode(target.getvalue(), decoding.DecodeOptions.from_settings(Settings(), 64))
        print("ready", flush=True)
        input()
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout.readline() == b"ready\n"
        (worker,) = psutil.Process(parent.pid).children()
        parent.kill()
    assert worker.wait(timeout=20) is None or not worker.is_running()


def test_a_process_that_cannot_start_is_no_fault_of_the_picture(decoders, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PolyglanceError, match=r"does not start \(status 3\)") as raised:
        decoders.decode(encoded(), OPTIONS)
    assert not isinstance(raised.value, PictureError)


def test_a_file_whose_content_is_known_is_not_decoded(decoders, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(encoded())
    content_hash, picture = decoders.read(os.fsencode(tmp_path), b"photo.jpg", OPTIONS, lambda _: False)
    assert (content_hash, picture) == (files.content_hash(encoded()), None)
    second_hash, picture = decoders.read(os.fsencode(tmp_path), b"photo.jpg", OPTIONS)
    assert (second_hash, picture.width) == (content_hash, 400)


def test_a_link_is_not_followed(decoders, tmp_path):
    (tmp_path / "outside.jpg").write_bytes(encoded())
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "photo.jpg").symlink_to(tmp_path / "outside.jpg")
    with pytest.raises(PictureError, match="was replaced by a link"):
        decoders.read(os.fsencode(tmp_path / "root"), b"photo.jpg", OPTIONS)
