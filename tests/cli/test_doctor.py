import dataclasses
import re

import pytest
from library_values import MACHINE
from polyglance.library import doctor
from polyglance.library.doctor import advice

from .terminals import plain, run_in_terminal


@pytest.fixture
def on(monkeypatch):
    """Let `polyglance doctor` find these facts."""

    def call(facts):
        monkeypatch.setattr(doctor, "examine", lambda *_: (facts, advice.checks(facts)))

    return call


BARE = dataclasses.replace(
    MACHINE,
    cards=(),
    runtimes=(dataclasses.replace(MACHINE.runtimes[0], build="cpu", devices=()), MACHINE.runtimes[2]),
    library=dataclasses.replace(MACHINE.library, state="none", encoder=None, option=" --library /l"),
)
BARE = dataclasses.replace(BARE, runtimes=(BARE.runtimes[0], dataclasses.replace(MACHINE.runtimes[1], version=None)))


def test_all_is_well_in_one_line_each(polyglance, on):
    on(MACHINE)
    done = polyglance("doctor")
    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert lines[0] == "polyglance 0.1.0, Python 3.12.1, Debian GNU/Linux 12 (bookworm)"
    assert len(lines) == 14
    assert [line.split()[:2] for line in lines[2:12]] == [["ok", subject] for subject in advice.SUBJECTS]
    assert lines[-1] == "There is nothing to do."


def test_what_to_do_follows_with_commands_to_copy(polyglance, on):
    on(BARE)
    done = polyglance("doctor")
    assert done.code == 0
    first, last = done.out.partition("What to do, the most urgent first")[::2]
    assert "faster  runtimes" in first and "next    library" in first
    assert last.split("\n\n")[1:] == [
        "faster  OpenVINO encodes pictures faster than torch on a processor, with lite and with AltCLIP.\n"
        '          pip install "polyglance[fast]"',
        "next    Index a folder of photos.\n          polyglance index ~/Pictures --library /l\n",
    ]


def test_the_document_has_checks_what_to_do_and_the_facts(polyglance, on):
    on(BARE)
    document = polyglance("doctor", "--json").json
    assert list(document) == ["checks", "first", "facts"]
    assert [check["subject"] for check in document["checks"]] == list(advice.SUBJECTS)
    assert document["first"][0]["commands"] == ['pip install "polyglance[fast]"']
    assert document["facts"]["memory"] == {"total": 16_000_000_000, "available": 9_000_000_000}


@pytest.mark.slow
def test_a_real_machine_without_a_library(polyglance, tmp_path):
    place = tmp_path / "none"
    done = polyglance("doctor", "--library", place)
    assert (done.code, done.err) == (0, "")
    assert f"polyglance index ~/Pictures --library {place}" in done.out
    assert not place.exists()


def test_wrong_use_ends_with_2(polyglance, monkeypatch):
    assert polyglance("doctor", "everything").code == 2
    monkeypatch.setenv("POLYGLANCE_DEVICE", "abacus")
    assert polyglance("doctor").code == 2


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_in_a_terminal_lines_are_wrapped_below_their_text_and_commands_are_not(on, columns, tmp_path):
    long = dataclasses.replace(
        BARE, library=dataclasses.replace(BARE.library, folder="/a/" + "long " * 30, option=" --library /" + "l" * 90)
    )
    code = (
        "import sys; from polyglance.library import doctor; from polyglance.cli import run\n"
        "sys.path.insert(0, sys.argv[1]); import facts_here\n"
        "doctor.examine = lambda *_: facts_here.VALUE\n"
        "sys.exit(run(['doctor']))"
    )
    (tmp_path / "facts_here.py").write_text(
        "from polyglance.library.doctor import advice\nfrom polyglance.library.doctor.facts import *\n"
        f"FACTS = {long!r}\nVALUE = FACTS, advice.checks(FACTS)\n"
    )
    status, output = run_in_terminal(["-c", code, tmp_path], columns=columns)
    assert status == 0
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", plain(output)).splitlines()]
    command = "          polyglance index ~/Pictures --library /" + "l" * 90
    assert command in lines
    wrapped = [line for line in lines[2:] if line != command and "pip install" not in line]
    assert max(map(len, wrapped)) <= min(columns, 110)
    assert any(re.fullmatch(r" {19}\S.*", line) for line in wrapped)
