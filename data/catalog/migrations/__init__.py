"""Alembic migrations of the catalog, run from Python: there is no alembic.ini."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, bound to `connection` if one is given."""
    result = Config()
    result.set_main_option("script_location", str(Path(__file__).parent))
    result.attributes["connection"] = connection
    return result


def known() -> frozenset[str]:
    """All revisions there are."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to `revision`, the newest by default, inside the caller's transaction."""
    command.upgrade(config(connection), revision)
