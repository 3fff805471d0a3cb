import json

import pytest
from polyglance.cli import hints, run
from polyglance.data.sample import copy_sample


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The demo's pictures in a folder that no test changes."""
    folder = tmp_path_factory.mktemp("sample")
    copy_sample(folder)
    return folder


@pytest.fixture(scope="session")
def indexed(sample, tmp_path_factory):
    """A library of the sample that no test changes."""
    folder = tmp_path_factory.mktemp("indexed")
    assert run(["index", str(sample), "--encoder", "lite", "--library", str(folder)]) == 0
    return folder


@pytest.fixture
def polyglance(tmp_path, capsys, monkeypatch):
    """Run a command line in this process, over a library of its own unless `--library` is given."""
    monkeypatch.setenv("POLYGLANCE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setattr(hints, "folder", lambda: tmp_path / "hints")

    def call(*arguments):
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call
