"""What SQLite does its own way stands in one module, so that another database is an addition."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from polyglance.data.catalog import dialect, sqlite
from polyglance.data.catalog.catalog import Catalog

ROOM = Path(sqlite.__file__).parent
DATA = ROOM.parent
CONSTRUCTS = (
    r"json_each|\bMATCH\b|\bPRAGMA\b|\bBEGIN\b|\browid\b|\bbm25\b|\bfts5|sqlite_(master|sequence)|INSERT OR|"
    r"\bINDEXED BY\b|\b(instr|glob)\(|\+\w+ IN\b"
)
EXEMPT = {"check", "migrations", "integrity.py", "plain_sqlite.py", "own_data.py", "rebuild.py", "suggestions.py"}
"""They write this schema, repair this file, copy it, or read it without SQLAlchemy: another database has its own
ways of that."""


ALLOWED = {
    "dialect.py": {"sqlite"},  # only to check its types
    "opening.py": {"sqlite"},  # a backup is a copy of this file
    "constructs.py": {"rowid"},  # the name of a column; PostgreSQL's table has it too
}


def modules():
    return [
        path
        for path in sorted(DATA.rglob("*.py"))
        if path.name not in {"sqlite.py", "postgresql.py", "word_vectors.py"}
        and not EXEMPT & set(path.relative_to(DATA).parts)
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
    assert set(names_in(path)) <= ALLOWED.get(path.name, set())


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


@pytest.mark.parametrize("name", ["sqlite", pytest.param("postgresql", marks=pytest.mark.cluster)])
def test_a_dialect_has_all_that_the_protocol_lists(name):
    if name == "postgresql":
        pytest.importorskip("psycopg")
    members = {each for each in vars(dialect.Dialect) if not each.startswith("_")}
    assert len(members) > 15
    assert [each for each in members if not hasattr(dialect.by_name(name), each)] == []


def test_the_driver_of_another_database_is_loaded_only_for_it(tmp_path):
    Catalog(tmp_path / "catalog.db", create=True).close()  # here: Alembic, which makes it, loads all dialects
    code = "import sys; from pathlib import Path; from polyglance.data.catalog.catalog import Catalog\n"
    code += "Catalog(Path(sys.argv[1])).close()\n"
    code += "print({'psycopg', 'sqlalchemy.dialects.postgresql'} & set(sys.modules))"
    command = [sys.executable, "-c", code, str(tmp_path / "catalog.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"
