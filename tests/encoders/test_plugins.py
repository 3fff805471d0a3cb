"""Encoders that other packages bring: real distributions, installed by pip, one of them the documentation's."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from polyglance import Library, Settings
from polyglance.encoders import plugins, registry
from polyglance.errors import EncoderOutputError, EncoderUnavailable, UnknownEncoder
from shared import made_once

DOCUMENT = (Path(__file__).parents[2] / "docs/encoders.md").read_text(encoding="utf-8")
PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation")
OWN = ["lite", "altclip-m9", "altclip", "altclip-m18"]


def block(after: str, language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", DOCUMENT.split(after)[1], re.DOTALL).group(1)


@pytest.fixture(scope="session")
def colours(tmp_path_factory) -> Path:
    """The folder into which pip installed the documentation's package."""
    source = tmp_path_factory.mktemp("source")
    (source / "pyproject.toml").write_text(block("`pyproject.toml`:", "toml"), encoding="utf-8")
    (source / "polyglance_colours.py").write_text(block("`polyglance_colours.py`", "python"), encoding="utf-8")

    def install_it(target: Path) -> None:
        subprocess.run([*PIP, "--target", str(target), str(source)], check=True)

    return made_once(tmp_path_factory, "colours", install_it)


def install(folder: Path, package: str, name: str, code: str) -> Path:
    """A distribution as pip leaves it: one module, and metadata with one entry point."""
    module = package.replace("-", "_")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[polyglance.encoders]\n{name} = {module}:REGISTRATION\n")
    (folder / f"{module}.py").write_text(code)
    return folder


@pytest.fixture
def installed(colours, tmp_path, monkeypatch):
    """The documentation's package, and a function that installs more beside it."""
    monkeypatch.syspath_prepend(str(colours))
    monkeypatch.syspath_prepend(str(tmp_path / "more"))
    yield lambda *distribution: install(tmp_path / "more", *distribution)
    for name in [name for name in sys.modules if name.startswith(("polyglance_colours", "addon"))]:
        del sys.modules[name]


def command(*arguments: object, path: Path, library: Path) -> subprocess.CompletedProcess[str]:
    own = {"PYTHONPATH": str(path), "POLYGLANCE_LIBRARY": str(library), "XDG_STATE_HOME": str(library.parent / "state")}
    environment = {**os.environ, **own}
    call = [sys.executable, "-m", "polyglance", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, env=environment, check=False)


def listed() -> list[str]:
    return [info.name for info in registry.listing(Settings())]


@pytest.mark.slow
def test_the_documented_package_indexes_and_searches_from_the_command_line(colours, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for colour in ("red", "green", "blue"):
        Image.new("RGB", (40, 40), colour).save(photos / f"{colour}.png")
    indexed = command("index", photos, "--encoder", "colours", "--json", path=colours, library=tmp_path / "library")
    assert (indexed.returncode, json.loads(indexed.stdout)["encoder"]) == (0, "colours"), indexed.stderr
    result = command("search", "blue", "--plain", path=colours, library=tmp_path / "library")
    assert "blue.png" in result.stdout.splitlines()[0]
    assert "colours encoder: knows red, green and blue." in indexed.stderr + result.stderr
    without = command("search", "blue", path=tmp_path, library=tmp_path / "library")
    assert without.returncode == 1 and without.stderr.count("\n") == 1
    assert "indexed with the encoder colours, which is not here" in without.stderr


@pytest.mark.usefixtures("installed")
def test_a_package_s_encoder_is_listed_with_its_card():
    info = registry.listing(Settings(encoder="colours"))[-1]
    assert listed() == [*OWN, "colours"]
    assert (info.ready, info.dimension, info.languages, info.download_bytes) == (True, 4, ("en",), 0)
    assert info.description == "Pictures by their mean colour."
    assert registry.card("colours").note and registry.is_ready("colours")
    registry.pull("colours", Settings())
    with pytest.raises(UnknownEncoder, match="altclip-m18, colours;"):
        registry.create("no-such", Settings())


BROKEN = {
    "does not import": ("raise RuntimeError('no licence\\nmore')", "RuntimeError: no licence"),
    "has no registration": ("", "AttributeError"),
    "registers something else": ("REGISTRATION = 'broken'", "is no Registration of that name"),
    "registers another name": (
        "from polyglance.encoders.lite.encoder import REGISTRATION",
        "is no Registration of that name",
    ),
}


@pytest.mark.parametrize(("code", "reason"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_package_is_one_line_and_the_others_work(installed, caplog, code, reason):
    installed("addon-broken", "broken", code)
    assert listed() == [*OWN, "colours"]
    (line,) = [record.getMessage() for record in caplog.records]
    assert "\n" not in line and "encoder broken of the package addon-broken" in line and reason in line
    assert "pip uninstall addon-broken" in line
    assert registry.create("colours", Settings()).name == "colours"
    with pytest.raises(EncoderUnavailable, match="addon-broken"):
        registry.create("broken", Settings())
    assert not registry.is_ready("broken") and registry.card("broken").note == ""


def test_what_a_package_s_functions_raise_is_one_line(installed, caplog):
    installed(
        "addon-late",
        "late",
        "from polyglance.encoders.base import *\nfrom polyglance.encoders.base import Card\n"
        "def fail(*_): raise KeyError('weights')\n"
        "REGISTRATION = Registration('late', 3, Card(), fail, is_ready=fail)",
    )
    infos = {info.name: info for info in registry.listing(Settings())}
    assert not infos["late"].ready and infos["colours"].ready
    assert "addon-late cannot be used (KeyError: 'weights')" in caplog.text
    with pytest.raises(EncoderUnavailable, match="addon-late"):
        registry.create("late", Settings())


def test_an_own_name_is_not_replaced(installed, caplog):
    installed("addon-lite", "lite", "raise AssertionError('never imported')")
    assert listed() == [*OWN, "colours"]
    assert "an encoder lite, which is a name of polyglance's own" in caplog.text
    assert registry.find("lite") is registry.EMBEDDED


def test_two_packages_with_one_name_are_both_named(installed):
    for package in ("addon-one", "addon-two"):
        installed(package, "twice", "")
    with pytest.raises(EncoderUnavailable, match="addon-one and addon-two"):
        registry.create("twice", Settings())
    assert plugins.names() == ["colours", "twice"]


WRONG = """
import numpy as np
from polyglance_colours import Colours
from polyglance.encoders.base import Fingerprint, Registration
class Wrong(Colours):
    name = "wrong"
    fingerprint = Fingerprint("wrong", "", 4, "l2", "float32")
    def _unit(self, colours): return np.full((len(colours), 4), np.nan, np.float32)
REGISTRATION = Registration("wrong", 4, Colours.card, Wrong)
"""


def test_vectors_that_are_no_unit_vectors_never_reach_a_library(installed, tmp_path):
    installed("addon-wrong", "wrong", WRONG)
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    with Library.open(tmp_path / "library") as library:
        with pytest.raises(EncoderOutputError):
            library.index([tmp_path], encoder="wrong")
        assert library.status().photos == 0


def test_no_code_outside_of_it_compares_the_embedded_encoder_s_name():
    root = Path(__file__).parents[2]
    rooms = ("cli", "ui", "search", "indexer", "evaluation", "data", "languages", "encoders")
    sources = [*root.glob("*.py"), *(file for room in rooms for file in (root / room).rglob("*.py"))]
    comparing = [
        str(file.relative_to(root))
        for file in sources
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(part, ast.Constant) and part.value == "lite" for part in (node.left, *node.comparators))
    ]
    assert comparing == []
