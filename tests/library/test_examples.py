"""Everything public has an example in its docstring, and each example gives what it shows."""

import doctest
import inspect
import json
import re
import runpy
import shutil
from pathlib import Path

import polyglance
import pytest
from polyglance import Library, Settings

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ROOT = Path(polyglance.__file__).parent
TOUR = ROOT / "docs/python.md"
NOTEBOOK = ROOT / "docs/examples/search.ipynb"
CLASSES = [getattr(polyglance, name) for name in polyglance.__all__ if name != "__version__"]


def public_parts(kind):
    """(name, object) of a class and of its own public methods and properties."""
    yield kind.__name__, kind
    for name, value in vars(kind).items():
        value = value.__func__ if isinstance(value, classmethod) else value
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            yield f"{kind.__name__}.{name}", value


PARTS = dict(
    part for kind in CLASSES for part in (public_parts(kind) if kind is not Settings else [("Settings", Settings)])
)


@pytest.mark.parametrize("name", PARTS)
def test_the_example_gives_what_it_shows(name, example_place):
    with Library.open() as library:
        finder = doctest.DocTestFinder(recurse=False)
        (test,) = finder.find(PARTS[name], name, globs={"library": library})
        assert test.examples, f"{name} has no example"
        output = []
        result = doctest.DocTestRunner(verbose=False, optionflags=OPTIONS).run(test, out=output.append)
    assert not result.failed, "".join(output)


def test_what_is_public_is_all_of_it():
    assert {"Library", "Library.search", "Library.open", "Answer", "Result.image", "PolyglanceError"} <= set(PARTS)
    assert len(PARTS) > 40


@pytest.mark.slow
def test_the_tour_gives_what_it_shows(example_place):
    shutil.rmtree(example_place / "library")  # it begins with an empty one
    names, output = {}, []
    for block in re.findall(r"```python\n(.*?)```", TOUR.read_text(encoding="utf-8"), re.DOTALL):
        test = doctest.DocTestParser().get_doctest(block, names, TOUR.name, str(TOUR), 0)
        doctest.DocTestRunner(verbose=False, optionflags=OPTIONS).run(test, out=output.append, clear_globs=False)
        names = test.globs
    assert not output, "".join(output)
    assert names["library"].folder == example_place / "library"


@pytest.mark.slow
def test_the_notebook_was_executed_and_its_cells_still_give_what_it_shows(example_place):
    def shown(notebook):
        """What each code cell prints, and the formats of what it shows."""
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        return [
            [
                ("".join(output.get("text", [])).partition("\n")[0], sorted(output.get("data", ())))
                for output in cell["outputs"]
            ]
            for cell in cells
        ]

    shutil.rmtree(example_place / "library")
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    again = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    runpy.run_path(str(ROOT / "scripts/notebook.py"))["run"](again)
    assert shown(json.loads(json.dumps(again).replace(str(example_place), "/home/me"))) == shown(notebook)
    formats = [kind for cell in shown(notebook) for _, kinds in cell for kind in kinds]
    assert {"text/html", "image/jpeg", "text/plain"} == set(formats)
    assert NOTEBOOK.stat().st_size < 300_000
