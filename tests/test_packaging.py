import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_every_package_is_listed():
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    existing = {
        ".".join(["polyglance", *path.parent.relative_to(ROOT).parts])
        for path in ROOT.rglob("__init__.py")
        if not {".venv", "tests", "build"} & set(path.relative_to(ROOT).parts)
    }
    assert listed == existing


def test_vendored_files_have_licences_and_are_packaged():
    static = ROOT / "ui/page/static"
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["polyglance.ui.page"]
    packaged = {path for pattern in patterns for path in (ROOT / "ui/page").glob(pattern) if path.is_file()}
    folders = [path for path in (static / "vendor").iterdir() if path.is_dir()]
    assert folders
    assert [folder.name for folder in folders if not (folder / "LICENSE").read_text().strip()] == []
    assert [path for path in static.rglob("*") if path.is_file() and path not in packaged] == []


def test_version_is_one_fact():
    import polyglance

    assert polyglance.__version__ == PROJECT["project"]["version"]


@pytest.mark.parametrize("what", ["import polyglance", "from polyglance.cli import run; run(['--help'])"])
def test_import_and_help_load_no_heavy_library(what):
    heavy = ("torch", "gradio", "transformers", "faiss", "sqlalchemy")
    code = f"{what}\nimport sys; print([name for name in {heavy} if name in sys.modules])"
    assert run(code).splitlines()[-1] == "[]"


def test_public_names_resolve():
    import polyglance

    assert [getattr(polyglance, name).__name__ for name in ("Library", "Settings", "PolyglanceError")] == [
        "Library",
        "Settings",
        "PolyglanceError",
    ]
    with pytest.raises(AttributeError, match="nothing"):
        _ = polyglance.nothing
