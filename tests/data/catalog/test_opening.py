import contextlib
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from polyglance.data.catalog import migrations, opening, plain_postgresql
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.models import Base
from polyglance.errors import LibraryError, LibraryMissing


def test_missing_library_is_named_with_the_next_step(tmp_path):
    with pytest.raises(LibraryMissing, match="polyglance index"):
        opening.open_database(tmp_path / "catalog.db")
    assert not (tmp_path / "catalog.db").exists()


def test_a_catalog_whose_schema_version_is_lost_is_damaged_and_no_stranger_s_database(tmp_path):
    path = tmp_path / "catalog.db"
    opening.open_database(path, create=True).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.commit()
    with pytest.raises(LibraryError, match="check --repair"):
        opening.open_database(path)


def test_migrations_build_exactly_the_models(tmp_path):
    catalog = opening.open_database(tmp_path / "catalog.db", create=True)

    def of_models(name, kind, parents):
        return kind != "table" or not name.startswith("words")  # the full-text index, which is no model

    with catalog.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": of_models})
        assert compare_metadata(context, Base.metadata) == []
    catalog.close()


@pytest.mark.cluster
def test_migrations_build_exactly_the_models_in_postgresql_too(new_catalog_url, tmp_path):
    url = new_catalog_url("postgresql")
    with Catalog(tmp_path / "catalog.db", url) as catalog, catalog.database.reading() as connection:
        assert plain_postgresql.schema_problem(connection) == ""
        types = connection.exec_driver_sql(
            "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = current_schema()"
        )
        expected = {"bigint", "bytea", "character varying", "double precision", "text", "tsvector"}
        assert set(types.scalars()) == expected
        others = connection.exec_driver_sql(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'"
            " AND table_name <> 'alembic_version'"
        )
        assert others.all() == []


def test_schema_constant_is_the_newest_migration():
    assert ScriptDirectory.from_config(migrations.config()).get_current_head() == opening.SCHEMA


def test_opening_twice_migrates_once(tmp_path):
    for _ in range(2):
        opening.open_database(tmp_path / "catalog.db", create=True).close()
    assert opening.open_database(tmp_path / "catalog.db").close() is None


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda db: db.execute("UPDATE alembic_version SET version_num = '9999'"), "newer polyglance"),
        (lambda db: db.execute("UPDATE alembic_version SET version_num = '0000'"), "older version"),
        (lambda db: db.execute("DROP TABLE alembic_version"), "not a polyglance catalog"),
    ],
)
def test_other_schemas_are_refused_with_advice(tmp_path, prepare, message):
    path = tmp_path / "catalog.db"
    opening.open_database(path, create=True).close()
    connection = sqlite3.connect(path)
    prepare(connection)
    connection.commit()
    connection.close()
    with pytest.raises(LibraryError, match=message):
        opening.open_database(path)


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path):
    (tmp_path / "catalog.db").write_text("this is not SQLite, by a long way" * 100)
    with pytest.raises(LibraryError, match="cannot be opened: file is not a database") as caught:
        opening.open_database(tmp_path / "catalog.db")
    assert "\n" not in str(caught.value)
