"""What the documentation shows is what the program takes."""

import plistlib
import re
import shlex
from pathlib import Path

import pytest
import typer
from polyglance.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page):
    for line in re.findall(r"^ {4}(?:docker exec polyglance )?(polyglance [a-z].*)$", page.read_text(), re.MULTILINE):
        yield shlex.split(line.split("  #")[0])


@pytest.mark.parametrize(("page", "words"), [(page.name, words) for page in PAGES for words in commands(page)])
def test_every_command_shown_is_one_that_the_program_takes(page, words):
    command = typer.main.get_command(app)
    name = words[1]
    context = command.make_context("polyglance", list(words[1:]), resilient_parsing=True)
    sub = command.get_command(context, name)
    assert sub is not None, f"{page}: {name}"
    sub.make_context(name, list(words[2:]), parent=context)


def test_the_service_files_start_a_command_there_is():
    with (ROOT / "docs/examples/io.polyglance.watch.plist").open("rb") as file:
        arguments = plistlib.load(file)["ProgramArguments"]
    unit = (ROOT / "docs/examples/polyglance.service").read_text()
    started = re.search(r"^ExecStart=\S+/polyglance (.*)$", unit, re.MULTILINE).group(1).split()
    assert arguments[1:] == started == ["serve", "--watch"]


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
