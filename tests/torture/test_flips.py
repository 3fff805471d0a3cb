"""A byte is changed somewhere in the catalog or its snapshot. Nobody is misled, and own data survives.

For each place: opening and searching raise nothing but errors of ours and lend no wrong vector; after `check --repair`
and an index run over the real folder the catalog is what it was, row by row and vector by vector, with all folders,
exclusions and favourites. At every other place an index run goes before the check: no backup is made of damaged data.

The catalog is checkpointed and closed: what is flipped is what is on the disk. A place takes about 0.3 s: CI tries
some in every part of each file, with the patterns in turn; `-m full` tries many, and at last every byte, which takes
hours.
"""

import contextlib
import os
import shutil

import pytest
from polyglance import Library, Settings
from polyglance.data.vectors.index import VectorIndex
from polyglance.errors import PolyglanceError
from polyglance.library import check

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

SETTINGS = Settings(encoder="lite")
PATTERNS = (0x01, 0x80, 0xFF)
LONG = 64  # bytes of a damaged range


def vectors_of(catalog):
    """Content hash -> vector as searches see it, from the index in memory."""
    record = catalog.encoders.active()
    if record is None:
        return {}
    index = VectorIndex(catalog, record.id, record.dimension)
    index.follow()
    ids = index.state.ids
    held = dict(zip(ids.tolist(), index.fetch(ids), strict=True))
    photos = catalog.selection.photos(list(held))
    return {photo.path: held[vector_id].tobytes() for vector_id, shown in photos.items() for photo in shown}


def looked_at(small, truth):
    """Use the library as searches and status do; return whether it could be used."""
    try:
        with Library.open(small.folder, settings=SETTINGS, create=False) as library:
            library.status()
            found = vectors_of(library.catalog)
            for photo_id in range(1, 14):
                library.catalog.photos.get(photo_id)
            library.search("blue")
    except PolyglanceError as error:
        assert "\n" not in str(error)
        return False
    by_name = {os.path.basename(path): vector for path, vector in found.items()}
    right = {os.path.basename(path): vector for path, vector in truth.items()}
    wrong = [name for name, vector in by_name.items() if name in right and right[name] != vector]
    assert not wrong, f"another vector is shown for {wrong}"
    return True


def settle(small, original):
    """Check, repair, index; the library then is as it was."""
    mended = check(small.folder, settings=SETTINGS, repair=True)
    assert mended.ok, mended.findings
    assert all(finding.is_harmless for finding in check(small.folder, settings=SETTINGS).findings)
    index(small)
    assert check(small.folder, settings=SETTINGS).findings == []
    assert held(small) == original, [finding.code for finding in mended.findings]
    return "mended" if mended.findings else "harmless"


def index(small):
    with Library.open(small.folder, settings=SETTINGS) as library:
        library.index([small.photos])
        library.search("blue")


def held(small):
    """What the catalog holds, with the user's own data."""
    favourites = small.ask("SELECT content_hash, marked_at FROM favourite ORDER BY 1")
    own = small.ask("SELECT path FROM root"), small.ask("SELECT value FROM setting WHERE key = 'excluded'")
    return small.state() | {"own": (favourites, *own)}


@pytest.fixture(scope="module")
def template(small_library_template, tmp_path_factory):
    """The small library, with two favourites and an exclusion."""
    folder = tmp_path_factory.mktemp("own") / "library"
    shutil.copytree(small_library_template.folder, folder)
    template = type(small_library_template)(folder, small_library_template.photos)
    with template.open() as library:
        library.mark([3, 5])
        library.exclude(["*.tif"])
        library.rescan()
    return template


def tried(small, template, path, places, change):
    """Change the file at each place in turn; return how it ended -> places."""
    original = held(template)
    with Library.open(template.folder, settings=SETTINGS, create=False) as library:
        truth = vectors_of(library.catalog)
    good = (template.folder / path.relative_to(small.folder)).read_bytes()
    ended = {}
    for number, place in enumerate(places):
        shutil.rmtree(small.folder)
        shutil.copytree(template.folder, small.folder)
        path.write_bytes(change(good, place))
        try:
            looked_at(small, truth)
            if number % 2:
                with contextlib.suppress(PolyglanceError):
                    index(small)
            how = settle(small, original)
        except BaseException as error:
            error.add_note(f"at byte {place} of {path.name} (page {place // 4096}, offset {place % 4096})")
            raise
        ended.setdefault(how, []).append(place)
    print({how: len(where) for how, where in ended.items()})
    return ended


def flip(pattern):
    return lambda data, place: data[:place] + bytes([data[place] ^ pattern]) + data[place + 1 :]


def blot(data, place):
    return data[:place] + bytes(min(LONG, len(data) - place)) + data[place + LONG :]


def every(*strides):
    """Test it at each `stride`-th byte: at the first stride in CI, at the others in full."""
    first, *others = strides
    return pytest.mark.parametrize(
        "stride", [first, *(pytest.param(other, marks=pytest.mark.full) for other in others)]
    )


@every(14_983, 997, 1)
def test_a_flipped_byte_of_the_catalog(small_library, template, stride):
    def flip_in_turn(data, place):
        return flip(PATTERNS[place // stride % len(PATTERNS)])(data, place)

    size = small_library.catalog.stat().st_size
    tried(small_library, template, small_library.catalog, range(0, size, stride), flip_in_turn)


@every(39_989, 2_999)
def test_a_blotted_range_of_the_catalog(small_library, template, stride):
    size = small_library.catalog.stat().st_size
    tried(small_library, template, small_library.catalog, range(7, size, stride), blot)


@every(7, 3)
def test_a_flipped_byte_of_the_header_and_the_schema(small_library, template, stride):
    places = [*range(0, 100, stride), *range(100, 4096, 132 * stride)]
    tried(small_library, template, small_library.catalog, places, flip(0x21))


@every(9_973, 2_999, 1)
def test_a_flipped_byte_of_the_snapshot(small_library, template, stride):
    (path,) = (small_library.folder / "snapshots").glob("*.faiss")
    size = path.stat().st_size
    ended = tried(small_library, template, path, range(0, size, stride), flip(0x04))
    assert set(ended) == {"mended"}
