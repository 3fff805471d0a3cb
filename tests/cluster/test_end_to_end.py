"""The same life of a library with every kind of engines: the embedded ones, PostgreSQL, Milvus, Ray."""

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from compare import until as until_in_time
from PIL import Image
from polyglance import Library, Settings
from polyglance.data.sample import WORDS, copy_sample
from polyglance.errors import LibraryError
from sqlalchemy import text

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

until = functools.partial(until_in_time, seconds=240)
"""Processes that load an encoder start slowly on a machine that is busy."""

NAMES = {"horse.png": "лошадь 馬.png", "moon.png": "القمر.png", "coffee.png": "커피 한 잔.png"}
NAME_QUERIES = ("лошадь", "馬", "القمر", "커피", "rocket.jpg")
FILTERS = ("date:2024-05", "type:jpg", "is:undated type:png", "in:photos cat", "size:>1kb -rocket")
PHOTOS = text(
    "SELECT root.path, photo.path, photo.content_hash, error, size, mtime_ns, inode, width, height, format, taken_at,"
    " words.name, folder, caption_, keyword FROM photo JOIN root ON root.id = root_id LEFT JOIN (SELECT rowid AS id,"
    " name, folder, caption AS caption_, keyword FROM words) AS words ON words.id = photo.id ORDER BY 1, 2"
)
VECTORS = text("SELECT content_hash, vector FROM vector ORDER BY content_hash")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample pictures, some with names in other languages, and one with a date."""
    folder = tmp_path_factory.mktemp("sample") / "photos"
    copy_sample(folder)
    for name, other in NAMES.items():
        (folder / name).rename(folder / other)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 10:00:00"
    Image.open(folder / "chelsea.png").convert("RGB").save(folder / "dated.jpg", exif=exif)
    return folder


@pytest.fixture(scope="module")
def expected(sample, tmp_path_factory):
    """What an embedded library answers and holds."""
    folder = tmp_path_factory.mktemp("embedded")
    with Library.open(folder, settings=Settings(library=folder, encoder="lite")) as library:
        library.index([sample])
        return answers(library), rows(library, sample)


def answers(library):
    """The first photos of searches in nine languages and by names, and all that pass filters.

    Filters alone give photos without a date in the order in which they came, which is another one with Ray.
    """
    asked = [*(word for words in WORDS.values() for word in words), *NAME_QUERIES]
    first = {query: names(library.search(query, 3)) for query in asked}
    return first | {query: sorted(names(library.search(query, 100))) for query in FILTERS}


def names(answer):
    return [os.path.basename(result.path) for result in answer]


def rows(library, folder):
    """Photos with their words, without ids, and vectors by content."""
    with library.catalog.database.connect() as connection:
        photos = [tuple(row) for row in connection.execute(PHOTOS)]
        vectors = {row.content_hash: np.frombuffer(row.vector, "<f2") for row in connection.execute(VECTORS)}
    return [(root == os.fsencode(folder), *row) for root, *row in photos], vectors


def assert_same_rows(found, expected):
    assert [row[:6] + row[7:] for row in found[0]] == [row[:6] + row[7:] for row in expected[0]]  # without inodes
    assert found[1].keys() == expected[1].keys()
    for key, vector in found[1].items():  # batches of another size may round another way
        np.testing.assert_allclose(vector, expected[1][key], atol=2e-3)


def command(engines, folder, *arguments, **environment):
    """Start `polyglance ARGUMENTS` over the library in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "polyglance", *map(str, arguments)],
        env=engines.environment(folder, ENCODER="lite", **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    return out


@contextlib.contextmanager
def watching(engines, folder):
    """`polyglance watch` in a process of its own, which ends well."""
    process = command(engines, folder, "watch")
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        finish(process)


def is_first(library, path):
    return names(library.search(path.stem, 1, collapse=False)) == [path.name]


def count(engines, folder):
    """How many photos the library has; 0 before there is one."""
    try:
        with Library.open(folder, settings=engines.settings(folder), create=False) as library:
            return library.status().photos
    except LibraryError:
        return 0


def test_index_kill_search_filter_words_watch_and_check(engines, sample, expected, tmp_path):
    folder, photos = tmp_path / "library", tmp_path / "photos"
    shutil.copytree(sample, photos)
    index = ("index", photos, *engines.index_options)

    killed = command(engines, folder, *index, BATCH_SIZE=1)
    until(lambda: count(engines, folder) > 1 or killed.poll() is not None)
    killed.kill()
    out, _ = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, out
    kept = count(engines, folder)
    report = json.loads(finish(command(engines, folder, *index, "--json")).partition("{")[2].join(["{", ""]))
    assert report["added"] + report["unchanged"] == len(os.listdir(sample))
    assert report["unchanged"] >= kept > 1, "what was committed is not encoded again"

    with engines.open(folder) as library:
        until(lambda: answers(library) == expected[0])
        assert_same_rows(rows(library, photos), expected[1])
        with watching(engines, folder):
            until(lambda: library.status().watch)
            added = [photos / "夕焼け.png", photos / "verde.png"]
            for number, path in enumerate(added):
                Image.new("RGB", (40, 30), (9, 200 * number, 90)).save(path)
            until(lambda: all(is_first(library, path) for path in added))
            for path in added:
                path.unlink()
            until(lambda: library.status().photos == len(os.listdir(sample)))
        finish(command(engines, folder, *index))  # drops vectors that no photo has any more; watching keeps them
        until(lambda: answers(library) == expected[0])
        assert_same_rows(rows(library, photos), expected[1])
        assert library.check(deep=True).findings == []
