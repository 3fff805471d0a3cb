"""What the documentation shows is what the program takes."""

import os
import plistlib
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from polyglance.cli import app
from polyglance.config import Settings
from polyglance.errors import QueryError
from polyglance.languages import tokens
from polyglance.search.query.filters import NAMES
from polyglance.search.query.parse import Query, Term, parse

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page):
    """The words of each command in a block or in the cell of a table."""
    block, cell = r"^ {4}(?:docker exec polyglance )?(polyglance [a-z].*)$", r"\| `(polyglance [a-z][^`]*)` \|"
    for pattern in (block, cell):
        for line in re.findall(pattern, page.read_text(), re.MULTILINE):
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


SEARCHING = (ROOT / "docs/searching.md").read_text()


def rows(header):
    """Cells of the table of docs/searching.md that begins with this header, without their backticks."""
    table = SEARCHING.split(f"\n| {header} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().removeprefix("`").removesuffix("`") for cell in row.strip("|").split("|")] for row in table]


@pytest.mark.parametrize("typed", [row[0] for row in rows("plain text")])
def test_what_is_said_to_be_plain_text_is(typed):
    assert parse(typed, 1000) == Query((Term("text", typed),))


@pytest.mark.parametrize(("typed", "meant"), rows("in quotes"))
def test_what_is_said_to_be_quoted_is(typed, meant):
    assert parse(typed, 1000) == Query((Term("text", meant),))


@pytest.mark.parametrize(("typed", "parts"), rows("sum"))
def test_sums_have_the_parts_that_are_said(typed, parts):
    assert len(parse(typed, 1000).terms) == int(parts)


def test_every_filter_is_shown_and_every_one_shown_is_taken():
    queries = [parse(row[0], 1000) for row in rows("filter")]
    assert all(query.terms == () and len(query.filters) == 1 for query in queries)
    assert {query.filters[0].name for query in queries} == set(NAMES)


@pytest.mark.parametrize(("query", "text"), [row[:2] for row in rows("query | finds")])
def test_words_find_what_is_said(query, text):
    units = tokens.units(query)
    assert units
    assert all(tokens.has(tokens.document_tokens(text), unit) for unit in units)


@pytest.mark.parametrize(("query", "message"), rows("query | says"))
def test_what_is_said_to_be_refused_is_and_says_so(query, message):
    with pytest.raises(QueryError) as caught:
        parse(query, 1000)
    assert message in str(caught.value)


def test_the_settings_reference_is_what_the_script_makes():
    page = runpy.run_path(str(ROOT / "scripts/settings_reference.py"))["page"]()
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == page, "run scripts/settings_reference.py"


def test_the_settings_reference_has_every_setting_with_its_variable_and_meaning():
    table = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| .* \| (.+) \|$", (ROOT / "docs/settings.md").read_text(), re.MULTILINE
    )
    assert [key for key, _, _ in table] == list(Settings.model_fields)
    assert all(variable == f"POLYGLANCE_{key.upper()}" for key, variable, _ in table)
    assert all(len(meaning) > 20 for _, _, meaning in table)


def test_the_defaults_can_be_used_on_a_machine_with_more_processors_than_workers_are_allowed():
    code = "import os; os.cpu_count = lambda: 128; from polyglance.config import load; print(load().decode_workers)"
    environment = {name: value for name, value in os.environ.items() if name != "POLYGLANCE_DECODE_WORKERS"}
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "64\n"
