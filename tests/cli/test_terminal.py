import os
import re
import subprocess
import sys
import time

import pytest
from PIL import Image
from polyglance import Library
from polyglance.cli import app, hints, preview, run, showing
from typer.main import get_command

from .terminals import plain, run_in_terminal

needs_pty = pytest.mark.skipif(os.name == "nt", reason="Windows has no pty")


def commands(group=None, path=()):
    """(path, command) of every command and group."""
    group = group or get_command(app)
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("arguments", [[], ["evaluate"]])
def test_a_bare_group_prints_its_help(polyglance, arguments):
    done = polyglance(*arguments)
    assert done.code == 0
    assert done.out.startswith("Usage: polyglance")
    assert "Commands:" in done.out
    assert done.err == ""


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_help_has_no_types_and_no_brackets_in_brackets(polyglance, path):
    done = polyglance(*path, "--help")
    assert done.code == 0
    assert not re.search(r"<(int|str|path|list|float|bool)", done.out)
    assert not re.search(r"\[\[|\]\]|\{[A-Z]|…\]?\.\.\.", done.out)


def test_wrong_values_are_explained(polyglance):
    done = polyglance("search", "-k", "abc", "dog")
    assert done.code == 2
    assert done.err == ("Error: '-k' / '--count' takes a whole number, not 'abc'. Try 'polyglance search --help'.\n")
    assert polyglance("forget").err == "Error: Missing argument 'FOLDER'. Try 'polyglance forget --help'.\n"


def test_index_without_a_folder_rescans_all(polyglance, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (64, 64), "red").save(tmp_path / name / "a.png")
    missing = polyglance("index")
    assert missing.code == 2
    assert "polyglance index FOLDER" in missing.err
    polyglance("index", tmp_path / "one", tmp_path / "two", "--encoder", "lite")
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "one" / "b.png")
    (tmp_path / "two" / "a.png").unlink()
    assert polyglance("index", "--json").json["added"] == 1
    (tmp_path / "two").rmdir()
    absent = polyglance("index")
    assert absent.code == 0
    assert f"{tmp_path / 'two'} is offline; its photos are kept." in absent.err
    assert polyglance("index", "--encoder", "lite").code == 2


def test_index_without_a_folder_confirms_with_yes(polyglance, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(60):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(photos / f"{number}.png")
    polyglance("index", photos, "--encoder", "lite")
    for number in range(1, 60):
        (photos / f"{number}.png").unlink()
    kept = polyglance("index", "--json")
    assert (kept.code, kept.json["missing"], kept.json["removed"]) == (3, 59, 0)
    removed = polyglance("index", "--yes", "--json")
    assert (removed.code, removed.json["removed"]) == (0, 59)


def test_the_hint_comes_once_a_day(polyglance, indexed, tmp_path):
    assert "lite encoder" in polyglance("search", "cat", "--library", indexed).err
    assert "lite encoder" not in polyglance("search", "cat", "--library", indexed).err
    (shown,) = (tmp_path / "hints").iterdir()
    for hours, is_due in ((-23, False), (-25, True), (+2, True)):
        moment = time.time() + hours * 3600
        os.utime(shown, (moment, moment))
        assert hints.is_due("lite") == is_due


def test_a_hint_without_a_place_to_keep_it_is_no_error(polyglance, indexed, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(hints, "folder", lambda: tmp_path / "file" / "hints")
    done = polyglance("search", "cat", "--library", indexed)
    assert done.code == 0
    assert "lite encoder" in done.err


@pytest.fixture
def odd(tmp_path):
    """A library of two photos with odd names, and these names."""
    photos = os.fsencode(tmp_path / "photos")
    os.mkdir(photos)
    names = [b"two\nlines $(touch x); '.png", "صورة -rf.png".encode() if os.name == "nt" else b"-\xff\xfe.png"]
    for name in names:
        with open(os.path.join(photos, name), "wb") as file:
            Image.new("RGB", (64, 64), "blue").save(file, "PNG")
    folder = tmp_path / "odd"
    with Library.open(folder) as library:
        library.index([photos], encoder="lite")
    return folder, {os.path.join(photos, name) for name in names}


def python(*arguments):
    return subprocess.run([sys.executable, "-m", "polyglance", *map(str, arguments)], capture_output=True, check=True)


def test_paths_for_pipes_are_exact_bytes_and_nothing_else(odd, capfdbinary):
    folder, paths = odd
    for option, end in (("--print0", b"\0"), ("--paths", b"\n")):
        capfdbinary.readouterr()
        assert run(["search", "blue", "--all", option, "--library", str(folder)]) == 0
        out, errors = capfdbinary.readouterr()
        assert errors == b""
        assert {path for path in paths if path + end in out} == paths
        assert len(out) == sum(len(path) + 1 for path in paths)


def test_only_one_way_of_showing_at_a_time(polyglance, indexed):
    done = polyglance("search", "cat", "--paths", "--json", "--library", indexed)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="a program of our own stands for xdg-open")
def test_open_gives_the_first_photo_to_its_program_whatever_its_name(polyglance, odd, tmp_path, monkeypatch):
    folder, paths = odd
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "xdg-open"
    program.write_text(f'#!/bin/sh\nprintf "%s|%s" "$#" "$1" > "{tmp_path}/opened"\nexit "$CODE"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("CODE", "0")
    for picture in range(1, 3):
        assert polyglance("similar", picture, "--open", "--library", folder).code == 0
        count, _, path = (tmp_path / "opened").read_bytes().partition(b"|")
        assert count == b"1"
        assert path in paths
    monkeypatch.setenv("CODE", "4")
    failed = polyglance("search", "blue", "--open", "--library", folder)
    assert failed.code == 1
    assert failed.err.splitlines()[-1].startswith("Error: The photo could not be opened.")
    monkeypatch.setattr(showing.shutil, "which", lambda _name: None)
    assert "Install xdg-utils" in polyglance("search", "blue", "--open", "--library", folder).err


@pytest.mark.slow
@needs_pty
def test_paths_are_links_in_a_terminal_and_plain_in_a_pipe(indexed, sample):
    arguments = ["-m", "polyglance", "search", "gatto", "-k", "2", "--library", indexed]
    code, output = run_in_terminal(arguments, columns=60)
    assert code == 0
    assert re.search(rb"\x1b\]8;id=\d+;file://[^/]*/\S*chelsea.png\x1b\\", output)
    lines = [line for line in plain(output).splitlines() if "#" in line]
    piped = python(*arguments[2:])
    assert b"\x1b" not in piped.stdout
    assert lines == piped.stdout.decode().splitlines()
    _, dumb = run_in_terminal(arguments, env={"TERM": "dumb"})
    assert b"\x1b" not in dumb
    _, colourless = run_in_terminal(arguments, env={"NO_COLOR": "1"})
    assert not re.search(rb"\x1b\[[0-9;]*3\d", colourless)


@needs_pty
@pytest.mark.parametrize(
    ("answers", "picture"),
    [
        ({}, "▀".encode()),
        pytest.param({b"\x1b[c": b"\x1b[?62;4;6c"}, b"\x1bP0;0;0q", marks=pytest.mark.slow),
        pytest.param(
            {b"\x1b[c": b"\x1b[?62;6c", b"\x1b_G": b"\x1b_Gi=1;OK\x1b\\"}, b"\x1b_Gi=", marks=pytest.mark.slow
        ),
    ],
    ids=["half blocks", "sixel", "kitty"],
)
def test_previews_are_drawn_as_the_terminal_can(indexed, answers, picture):
    arguments = ["-m", "polyglance", "search", "قطة", "-k", "1", "--preview", "--library", indexed]
    code, output = run_in_terminal(arguments, columns=60, answers=answers)
    assert code == 0
    assert "[Arabic]" in plain(output)
    assert output.count(picture) >= 1
    assert picture in output.partition(b"chelsea.png")[2]


def test_previews_need_a_terminal(polyglance, indexed):
    done = polyglance("search", "gatto", "-k", 1, "--preview", "--library", indexed)
    assert done.code == 0
    assert len(done.out.splitlines()) == 1
    assert "Thumbnails need a terminal" in done.err
    assert preview.picture_class() is None


@needs_pty
def test_notices_stand_above_the_one_progress_bar(tmp_path):
    script = tmp_path / "bar.py"
    script.write_text(
        "import logging\n"
        "from polyglance.cli.output import NoteHandler, note, progress_bar\n"
        "from polyglance.progress import Tick\n"
        "logging.basicConfig(level=logging.INFO, format='%(message)s', handlers=[NoteHandler()])\n"
        "with progress_bar('Indexing') as show:\n"
        "    show(Tick(1, 10))\n"
        "    logging.info('a notice')\n"
        "    note('another')\n"
        "    show(Tick(5, 10))\n"
    )
    code, output = run_in_terminal([script])
    assert code == 0
    text = plain(output)
    assert "\r\x1b[2Ka notice\r\n" in text  # the line of the bar is cleared first
    assert "\r\x1b[2Kanother\r\n" in text
    assert text.endswith("\x1b[2K")  # and the bar is gone at the end


def complete(line, **more):
    words = line.split(" ")
    env = {**os.environ, "_POLYGLANCE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from polyglance.__main__ import main; main()"],
        capture_output=True,
        check=True,
        text=True,
        env=env | more,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "sqlalchemy", "faiss", "gradio"}
    assert all(line.startswith("import time:") for line in done.stderr.splitlines())
    return [each for each in done.stdout.split("\n") if each]


@pytest.mark.slow
def test_roots_cameras_and_encoders_are_completed_from_the_library(tmp_path):
    photos = tmp_path / "my photos"
    photos.mkdir()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Fujifilm", "X100V"
    Image.new("RGB", (64, 64), "red").save(photos / "a.jpg", exif=exif)
    folder = tmp_path / "library"
    with Library.open(folder) as library:
        library.index([photos], encoder="lite")
        root = str(photos).replace(" ", "\\ ")
        here = {"POLYGLANCE_LIBRARY": str(folder)}
        assert complete("polyglance search --root ", **here) == [root]  # what is committed is in the write-ahead log
    before = sorted(folder.iterdir())
    assert complete("polyglance search --root ", **here) == [root]
    assert complete("polyglance forget ", **here) == [root]
    assert complete(f"polyglance --library {folder} search --root {tmp_path}") == [root]
    assert complete("polyglance search --camera F", **here) == ["Fujifilm\\ X100V"]
    assert complete("polyglance search --camera x", **here) == []
    assert "lite" in complete("polyglance index --encoder ", **here)
    assert complete("polyglance index --encoder li", POLYGLANCE_LIBRARY=str(tmp_path / "none")) == ["lite"]
    assert sorted(folder.iterdir()) == before
    assert not (tmp_path / "none").exists()


def test_completion_is_silent_about_a_damaged_library(tmp_path):
    (tmp_path / "catalog.db").write_bytes(b"no database" * 1000)
    assert complete("polyglance search --root ", POLYGLANCE_LIBRARY=str(tmp_path)) == []


def test_importing_the_library_loads_nothing_heavy():
    script = (
        "import sys\nfrom polyglance import Library\n"
        "assert Library.open\n"
        "heavy = {'numpy', 'sqlalchemy', 'pydantic', 'PIL', 'faiss', 'alembic', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_search_imports_nothing_that_it_can_do_without(indexed):
    script = (
        "import sys\nfrom polyglance.cli import run\n"
        f"assert run(['search', 'dog', '--library', {str(indexed)!r}]) == 0\n"
        "heavy = {'alembic', 'torch', 'transformers', 'watchdog', 'gradio'}\n"
        "slow_to_start = {'sqlalchemy.orm', 'numpy.ma', 'snowballstemmer', 'psycopg', 'pymilvus'}\n"
        "imported = (heavy | slow_to_start) & set(sys.modules)\n"
        "assert not imported, imported\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
