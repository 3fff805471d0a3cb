"""The tree that errors.py shows is the tree of its classes."""

import re

import polyglance.errors
import polyglance.ui.web.server  # and with it every module that could define an error
from polyglance.errors import PolyglanceError


def shown():
    """(name, parent, exit code) of each line of the tree; a line without a code has its parent's."""
    lines = re.findall(r"^ {4}([│├└─ ]*)(\w+)( +\d| {2,}\w|$)", polyglance.errors.__doc__, re.MULTILINE)
    above, rows = {}, set()
    for indent, name, code in lines:
        depth = len(indent) // 4
        parent, inherited = above.get(depth - 1, (None, 1))
        exit_code = int(code) if code.strip().isdecimal() else inherited
        above[depth] = (name, exit_code)
        rows.add((name, parent, exit_code))
    return rows


def real(kind=PolyglanceError, parent=None):
    rows = {(kind.__name__, parent, kind.exit_code)}
    return rows.union(*(real(child, kind.__name__) for child in kind.__subclasses__()))


def test_every_error_is_in_the_tree_under_its_parent_with_its_exit_code():
    assert shown() == real()


def test_every_error_is_defined_in_errors():
    names = {name for name, _, _ in real()}
    assert names <= set(vars(polyglance.errors))
