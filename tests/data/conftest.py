import contextlib
import hashlib
import sqlite3

import numpy as np
import pytest
from alembic import command
from polyglance.data.catalog import migrations
from sqlalchemy import create_engine


@pytest.fixture(scope="session")
def make_first_schema():
    """Make a catalog as version 0.1.0 left it: schema 0001, rows by plain SQL."""

    def make(path, photos=50, dimension=128):
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            command.upgrade(migrations.config(connection), "0001")
        engine.dispose()
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            fill(db, photos, dimension)
            db.commit()
        return path

    return make


def fill(db, photos, dimension):
    drawn = np.random.default_rng(0).normal(size=(photos, dimension)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    db.execute("INSERT INTO root VALUES (1, ?, '2026-01-01T00:00:00+00:00')", (b"/photos",))
    db.execute("INSERT INTO encoder VALUES (1, 'test', ?, ?, 'float32')", ("f" * 32, dimension))
    db.executemany("INSERT INTO setting VALUES (?, ?)", [("generation", "12"), ("active_encoder", "1")])
    db.execute(
        "INSERT INTO photo (root_id, path, size, mtime_ns, inode, error, indexed_at) VALUES (1, ?, 1, 2, 3, ?, '')",
        (b"bad.jpg", "is empty (0 bytes)"),
    )
    for number, vector in enumerate(drawn):
        key = hashlib.sha256(b"%d" % number).digest()
        db.execute(
            "INSERT INTO photo (root_id, path, size, mtime_ns, inode, content_hash, width, height, format, taken_at,"
            " latitude, caption, keywords, indexed_at)"
            " VALUES (1, ?, ?, 2, ?, ?, 640, 480, 'JPEG', '2024-05-01', 35, ?, ?, '')",
            (b"%d.jpg" % number, number, number, key, "雪山", '["山"]'),
        )
        db.execute(
            "INSERT INTO vector (encoder_id, content_hash, vector) VALUES (1, ?, ?)",
            (key, vector.astype("<f2").tobytes()),
        )
