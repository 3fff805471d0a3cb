"""A library over six of the sample pictures, for the examples of docstrings and docs."""

import shutil

import pytest
from polyglance import Library, Settings
from polyglance.data.sample import copy_sample

EXAMPLES = ("chelsea.png", "coffee.png", "horse.png", "moon.png", "motorcycle_left.png", "rocket.jpg")


@pytest.fixture(scope="session")
def example_template(tmp_path_factory):
    """A folder with the folder `Pictures`, and `template`, a library over it."""
    place = tmp_path_factory.mktemp("examples")
    (place / "Pictures").mkdir()
    for path in copy_sample(place / "sample"):
        if path.name in EXAMPLES:
            shutil.move(path, place / "Pictures")
    with Library.open(place / "template", settings=Settings(encoder="lite")) as library:
        assert library.index([place / "Pictures"]).tally.added == len(EXAMPLES)
    return place


@pytest.fixture
def example_place(example_template, monkeypatch):
    """The current folder: it holds `Pictures`, which is only read, and a copy of the library at the usual place."""
    shutil.rmtree(example_template / "library", ignore_errors=True)
    shutil.copytree(example_template / "template", example_template / "library")
    monkeypatch.chdir(example_template)
    monkeypatch.setenv("HOME", str(example_template))
    monkeypatch.setenv("POLYGLANCE_LIBRARY", str(example_template / "library"))
    monkeypatch.setenv("POLYGLANCE_ENCODER", "lite")
    return example_template
