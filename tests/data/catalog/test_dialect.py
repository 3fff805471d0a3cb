"""What SQLite does its own way stands in one module, so that another database is an addition."""

import ast
import re
from pathlib import Path

import pytest
from polyglance.data.catalog import sqlite

ROOM = Path(sqlite.__file__).parent
DATA = ROOM.parent
CONSTRUCTS = (
    r"json_each|\bMATCH\b|\bPRAGMA\b|\bBEGIN\b|\browid\b|\bbm25\b|\bfts5|sqlite_(master|sequence)|INSERT OR|"
    r"\bINDEXED BY\b|\b(instr|glob)\(|\+\w+ IN\b"
)
EXEMPT = {"check", "migrations", "integrity.py", "own_data.py", "rebuild.py"}
"""They write this schema, repair this file, or copy it: another database has its own ways of that."""


def modules():
    return [
        path
        for path in sorted(DATA.rglob("*.py"))
        if path.name != "sqlite.py" and not EXEMPT & set(path.relative_to(DATA).parts)
    ]


def names_in(path):
    """What a module's code names of SQLite: imports of its driver or dialect, and constructs in texts."""
    tree = ast.parse(path.read_text())
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("sqlite3"))
        elif isinstance(node, ast.ImportFrom) and re.match(r"sqlite3|sqlalchemy\.dialects", node.module or ""):
            yield node.module
        elif isinstance(node, ast.ImportFrom) and any(alias.name == "sqlite" for alias in node.names):
            yield "sqlite"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from (match[0] for match in re.finditer(CONSTRUCTS, node.value))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(DATA).as_posix())
def test_no_other_module_names_a_construct_of_sqlite(path):
    chosen = ["sqlite"] if path == ROOM / "dialect.py" else []
    assert list(names_in(path)) == chosen


@pytest.mark.parametrize(
    "code",
    [
        "import sqlite3",
        "from sqlalchemy.dialects.sqlite import insert",
        "from . import sqlite",
        "text('SELECT value FROM json_each(:ids)')",
        "f'SELECT {key} FROM words WHERE words MATCH ?'",
        "connection.exec_driver_sql('PRAGMA foreign_keys=ON')",
    ],
)
def test_a_construct_of_sqlite_is_noticed(tmp_path, code):
    path = tmp_path / "module.py"
    path.write_text(f'"""Prose may name PRAGMA and MATCH."""\n{code}\n')
    assert len(list(names_in(path))) == 1


def test_the_docstring_lists_what_another_dialect_has_to_provide():
    listed = set(re.findall(r"`(\w+)`", sqlite.__doc__.split("It has to provide:")[1].split("\n\nDurability")[0]))
    used = {name for path in modules() for name in re.findall(r"\bdialect\.([a-zA-Z_]+)", path.read_text())}
    assert used - listed == set()
    assert [name for name in listed if not hasattr(sqlite, name)] == []
