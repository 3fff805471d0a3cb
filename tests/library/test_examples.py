"""Everything public has an example in its docstring, and each example gives what it shows."""

import doctest
import inspect
import re
import shutil
from pathlib import Path

import polyglance
import pytest
from polyglance import Library, Settings

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TOUR = Path(polyglance.__file__).with_name("docs") / "python.md"
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
        result = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=output.append)
    assert not result.failed, "".join(output)


def test_what_is_public_is_all_of_it():
    assert {"Library", "Library.search", "Library.open", "Answer", "Result.image", "PolyglanceError"} <= set(PARTS)
    assert len(PARTS) > 40


def test_the_tour_gives_what_it_shows(example_place):
    shutil.rmtree(example_place / "library")  # it begins with an empty one
    names, output = {}, []
    for block in re.findall(r"```python\n(.*?)```", TOUR.read_text(encoding="utf-8"), re.DOTALL):
        test = doctest.DocTestParser().get_doctest(block, names, TOUR.name, str(TOUR), 0)
        doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=output.append, clear_globs=False)
        names = test.globs
    assert not output, "".join(output)
    assert names["library"].folder == example_place / "library"
