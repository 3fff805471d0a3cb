"""Alembic migrations of the catalog, run from Python: there is no alembic.ini.

Alembic is imported when it is used, which is seldom: it takes a tenth of a search's start.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, bound to `connection` if one is given."""
    from alembic.config import Config

    result = Config()
    result.set_main_option("script_location", str(Path(__file__).parent))
    result.attributes["connection"] = connection
    return result


def known() -> frozenset[str]:
    """All revisions there are."""
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to `revision`, the newest by default, inside the caller's transaction."""
    from alembic import command

    command.upgrade(config(connection), revision)
