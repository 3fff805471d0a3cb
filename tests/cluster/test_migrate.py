"""`polyglance migrate`: a library is the same after it was copied to other engines, and nothing is encoded."""

import json
import shutil

import children
import colour_encoder
import pytest
import typer
from libraries import draw
from PIL import Image
from polyglance import cli
from polyglance.data.catalog.filters import NOTHING
from polyglance.data.copying import rows
from polyglance.encoders import registry
from polyglance.errors import LibraryBusy, LibraryError, UsageError
from polyglance.library import check, migrate
from polyglance.library.suggestions import suggest
from sqlalchemy import text

NAMES = (
    *("sunset beach", "海边日落", "puesta de sol", "coucher de soleil", "закат"),
    *("夕焼けの海", "해변 일몰", "غروب", "tramonto"),
)
QUERIES = ("sunset", "日落", "sol", "soleil", "закат", "夕焼け", "해변", "غروب", "tramonto", "red", "green -dark")
FILTERS = ("type:png", "date:2024-05", "is:favourite", "folder:2", "size:<1mp", "place:Rome", "red type:jpg")
ROME = {1: "N", 2: (41.89, 0.0, 0.0), 3: "E", 4: (12.51, 0.0, 0.0)}

WAYS = [
    ("embedded", "embedded"),
    pytest.param(("embedded", "postgresql"), marks=pytest.mark.cluster),
    pytest.param(("postgresql", "embedded"), marks=pytest.mark.cluster),
    pytest.param(("embedded", "postgresql+milvus"), marks=pytest.mark.cluster),
    pytest.param(("postgresql+milvus", "embedded"), marks=pytest.mark.cluster),
    pytest.param(("embedded", "postgresql+pgvector"), marks=pytest.mark.cluster),
]


class NoEncoder(colour_encoder.ColourEncoder):
    """Texts only: a picture that is encoded is an error."""

    def encode_images(self, images):
        raise AssertionError("a picture was encoded")


@pytest.fixture(autouse=True)
def tiny_encoder(monkeypatch):
    monkeypatch.setattr(registry, "create", colour_encoder.create)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Names in nine languages, a copy, a file that is none, a photo with date and place, and two that will go."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(NAMES):
        (folder / f"{number % 3}").mkdir(exist_ok=True)
        draw(folder / f"{number % 3}" / f"{name}.png", number)
    (folder / "copy.png").write_bytes((folder / "0" / f"{NAMES[0]}.png").read_bytes())
    (folder / "bad.png").write_text("no picture")
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(ROME)
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 10:00:00"
    Image.new("RGB", (40, 30), (200, 20, 90)).save(folder / "rome.jpg", exif=exif)
    draw(folder / "excluded.png", 40)
    draw(folder / "zzz gone.png", 41)
    return folder


def fill(engines, folder, photos):
    """Index, mark, encode with a second encoder, and exclude two photos, one with the highest key of a vector."""
    with engines.open(folder, encoder="colour") as library:
        library.index([photos])
        library.mark([library.search("закат", 1)[0].photo.id])
        library.reencode("colour2")
        library.exclude(["excluded*", "*gone*"])
        library.index([photos])
    return folder


@pytest.fixture(scope="module")
def filled(photos, tmp_path_factory, new_engines):
    """A library in engines of a kind, made once; it is only read."""
    made = {}

    def make(kind):
        if kind not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(registry, "create", colour_encoder.create)
                engines = new_engines(kind)
                made[kind] = engines, fill(engines, tmp_path_factory.mktemp("filled") / "library", photos)
        return made[kind]

    return make


@pytest.fixture
def small(filled, tmp_path):
    """A copy of the embedded one that a test may change."""
    engines, folder = filled("embedded")
    shutil.copytree(folder, tmp_path / "library")
    return engines, tmp_path / "library"


def dump(library):
    """Every row of every table, with keys and seals, read past the program."""
    result = {}
    with library.catalog.database.connect() as connection:
        for table in rows.TABLES:
            statement = text(f"SELECT {', '.join(table.c.keys())} FROM {table.name}")
            result[table.name] = sorted(map(tuple, connection.execute(statement)), key=repr)
    return result


def answers(library):
    """What searches, filters and pages give, with ids and scores; Milvus sums in another order than FAISS."""
    catalog = library.catalog
    searched = {
        query: [
            (r.photo.id, r.path, round(r.score, 4), round(r.relevance, 4), r.why, r.count)
            for r in library.search(query, 20)
        ]
        for query in (*QUERIES, *FILTERS)
    }
    facets = catalog.facets.count(NOTHING)
    return (
        searched,
        (facets.formats, facets.folders, facets.favourites, facets.undated, facets.photos),
        library.months(),
        library.newest(50),
        library.duplicates(),
        library.failures(),
        library.excluded(),
        library.explore("it").places,
        [(root.path, root.photos, root.mounted) for root, _ in library.status().roots],
        sorted(encoder.name for encoder in catalog.encoders.all()),
        library.generation(),
    )


def copy(engines, folder, target_engines, target, **more):
    return migrate(
        target, target_engines.catalog, target_engines.vectors, folder=folder, settings=engines.settings(folder), **more
    )


@pytest.fixture(params=WAYS, ids=lambda way: " to ".join(way))
def copied(request, filled, new_engines, tmp_path, monkeypatch):
    """(an opened library, its opened copy, the report); pictures are not encoded."""
    monkeypatch.setattr(registry, "create", lambda name, _settings: NoEncoder(name))
    (engines, folder), target = filled(request.param[0]), new_engines(request.param[1])
    report = copy(engines, folder, target, tmp_path / "copy")
    with engines.open(folder) as library, target.open(tmp_path / "copy", create=False) as other:
        yield library, other, report


def test_a_copy_has_the_same_rows_and_gives_the_same_answers(copied):
    library, other, report = copied
    assert dump(other) == dump(library)
    expected = answers(library)
    assert answers(other) == expected
    assert all(expected[0].values()), "every query has answers"
    assert {name: table.rows for name, table in report.tables.items()} == {
        name: len(table) for name, table in dump(library).items()
    }
    assert thumbnails(other) == thumbnails(library)
    assert other.check(deep=True).findings == []


def thumbnails(library):
    return {path.name: path.read_bytes() for path in (library.folder / "thumbnails").rglob("*") if path.is_file()}


def test_a_copy_goes_on_with_new_keys_and_knows_what_it_has(copied, photos, monkeypatch):
    library, other, _ = copied
    highest = rows.last_ids(library.catalog.database)["vector"]
    assert highest > max(row[0] for row in dump(library)["vector"]), "the highest key is gone"
    assert other.index([photos]).tally.unchanged == library.status().photos
    other.exclude(["*gone*"])
    other.index([photos])  # the vector of an excluded photo was kept: it has a new key, and nothing is encoded
    assert min(set(column(other, "vector")) - set(column(library, "vector"))) > highest
    assert other.check(deep=True).findings == []


def column(library, table):
    return [row[0] for row in dump(library)[table]]


# --- stops ---


def work(folder, target, catalog=""):
    """Copy in small batches; for a process that is killed."""
    rows.ROWS_AT_ONCE = 5
    migrate(target, catalog, folder=folder, settings=children.settings(folder))


@pytest.mark.parametrize("kind", ["embedded", pytest.param("postgresql", marks=pytest.mark.cluster)])
def test_killed_at_every_commit_it_goes_on_and_ends_equal(small, new_engines, tmp_path, kind):
    engines, folder = small
    target, place = new_engines(kind), tmp_path / "copy"
    kills = 0
    for step in ["commit"] * 2 + ["rename thumbnails/*", "commit"] * 40:
        process = children.start(work, folder, place, target.catalog, crash=(place, step, 2))
        process.join()
        if process.exitcode == 0:
            break
        kills += 1
        if kills == 1:
            continue  # it was killed before it had written anything
        with pytest.raises(LibraryError, match=r"not complete\. Run the same 'polyglance migrate' again"):
            target.open(place)
        with pytest.raises(LibraryError, match="is not complete"):
            check(place, settings=target.settings(place), repair=True)
    assert process.exitcode == 0
    assert kills > 5
    with engines.open(folder) as library, target.open(place) as other:
        assert dump(other) == dump(library)
        assert thumbnails(other) == thumbnails(library)
        assert other.check(deep=True).findings == []


OPENING = {
    "demo": ["--no-serve"],
    "index": [],
    "index FOLDER": ["."],
    "reencode": ["--encoder", "colour2"],
    "forget": ["x"],
    "watch": [],
    "exclude": ["x"],
    "search": ["x"],
    "similar": ["x.png"],
    "favourite": ["1"],
    "explore": [],
    "status": [],
    "check": [],
    "check --repair": ["--repair"],
    "migrate": ["--to", "y"],
    "serve": ["--port", "0"],
    "encoders prepare": [],
    "train pairs": ["--output", "y"],
}
"""Commands that open a library, with what each has to be told."""
NOT_OPENING = {"match", "doctor", "calibrate", "encoders", "encoders pull", "evaluate", "train"}
"""`doctor` says it among what else it says; the others have to do with no library."""


def commands(group, before=""):
    for name, command in group.commands.items():
        below = commands(command, f"{before}{name} ") if hasattr(command, "commands") else ()
        yield from (below or (f"{before}{name}",))


def test_every_command_that_opens_a_library_is_listed():
    every = set(commands(typer.main.get_command(cli.app)))
    opening = {name.removesuffix(" FOLDER").removesuffix(" --repair") for name in OPENING}
    others = {name for name in every - opening if not {name, name.partition(" ")[0]} & NOT_OPENING}
    assert (others, opening - every) == (set(), set())


@pytest.fixture(scope="module")
def unfinished(filled, tmp_path_factory):
    """A copy that was stopped."""
    _, folder = filled("embedded")
    place = tmp_path_factory.mktemp("unfinished") / "copy"
    children.start(work, folder, place, crash=(place, "rename thumbnails/*", 2)).join()
    return place


def told_of(place):
    return f"The library {place} is a copy that is not complete. Run the same 'polyglance migrate' again to go on."


@pytest.mark.parametrize("command", OPENING)
def test_every_command_says_that_a_copy_is_not_complete(unfinished, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    names = command.removesuffix(" FOLDER").removesuffix(" --repair").split()
    line = refused(capsys, *names, "--library", unfinished, *OPENING[command], code=1)
    assert line == f"Error: {told_of(unfinished)}"


def test_doctor_says_it_too_and_a_shell_completes_nothing(unfinished, filled, capsys):
    assert cli.run(["--json", "doctor", "--library", str(unfinished)]) in {0, 1}
    document = json.loads(capsys.readouterr().out)
    (advice,) = [
        advice["text"] for check in document["checks"] if check["subject"] == "library" for advice in check["advice"]
    ]
    assert advice == told_of(unfinished)
    assert suggest(filled("embedded")[1], "roots")
    assert suggest(unfinished, "roots") == []


def test_a_library_that_changed_after_a_stop_is_copied_as_it_is_now(small, photos, tmp_path):
    engines, folder = small
    changed = tmp_path / "photos"
    shutil.copytree(photos, changed)
    with engines.open(folder) as library:
        library.index([changed])
    process = children.start(work, folder, tmp_path / "copy", crash=(tmp_path / "copy", "commit", 12))
    process.join()
    assert process.exitcode == -9
    first, second = changed / "0" / f"{NAMES[0]}.png", changed / "0" / f"{NAMES[3]}.png"
    first.rename(tmp_path / "between")
    second.rename(first)
    (tmp_path / "between").rename(second)
    (changed / "rome.jpg").unlink()
    with engines.open(folder) as library:
        library.index([changed])
        copy(engines, folder, engines, tmp_path / "copy")
        with engines.open(tmp_path / "copy") as other:
            assert dump(other) == dump(library)
            assert thumbnails(other) == thumbnails(library)


def test_what_was_copied_is_not_written_again(small, tmp_path):
    engines, folder = small
    process = children.start(work, folder, tmp_path / "copy", crash=(tmp_path / "copy", "rename thumbnails/*", 2))
    process.join()
    assert process.exitcode == -9
    report = copy(engines, folder, engines, tmp_path / "copy")
    assert report.written == 0
    again = copy(engines, folder, engines, tmp_path / "copy")
    assert (again.tables, again.written, again.files.files) == (report.tables, 0, 0)


# --- what is refused ---


def refused(capsys, *arguments, code=2):
    """The one line that a command ends with."""
    capsys.readouterr()
    assert cli.run([str(argument) for argument in arguments]) == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_a_wrong_target_is_one_line(small, tmp_path, capsys, photos):
    _, folder = small
    place = tmp_path / "copy"
    assert "own folder" in refused(capsys, "migrate", "--library", folder, "--to", folder)
    assert "lies in the other" in refused(capsys, "migrate", "--library", folder, "--to", folder / "thumbnails")
    assert "is not empty" in refused(capsys, "migrate", "--library", folder, "--to", photos)
    assert not (photos / "catalog.db").exists()
    line = refused(capsys, "migrate", "--library", folder, "--to", place, "--catalog", "mysql://x/y")
    assert "--catalog cannot be used: it must begin with postgresql+psycopg://" in line
    line = refused(capsys, "migrate", "--library", folder, "--to", place, "--vectors", "milvus://x")
    assert "--vectors cannot be used: it must be milvus://host:19530/collection" in line
    assert "There is no library" in refused(capsys, "migrate", "--library", tmp_path / "none", "--to", place)
    assert not place.exists()


def test_another_library_at_the_target_is_left_alone(small, filled, tmp_path, photos):
    engines, folder = small
    with engines.open(tmp_path / "other", encoder="colour") as other:
        other.index([photos])
        before = dump(other)
        with pytest.raises(UsageError, match="There is another library at"):
            copy(engines, folder, engines, tmp_path / "other")
        assert dump(other) == before
    copy(engines, folder, engines, tmp_path / "copy")
    with engines.open(folder) as library:
        library.exclude(["x*"])
    with pytest.raises(UsageError, match="older or newer copy"):
        copy(engines, folder, engines, tmp_path / "copy")


def test_a_copy_of_another_library_that_is_not_complete_is_left_alone(small, tmp_path, photos):
    engines, folder = small
    children.start(work, folder, tmp_path / "copy", crash=(tmp_path / "copy", "commit", 6)).join()
    with engines.open(tmp_path / "other", encoder="colour") as other:
        other.index([photos])
    with pytest.raises(UsageError, match=r"copy of another library, .*library, not complete"):
        copy(engines, tmp_path / "other", engines, tmp_path / "copy")


def test_a_library_that_is_being_written_or_is_damaged_is_not_copied(small, tmp_path):
    engines, folder = small
    with engines.open(folder) as library:
        with library.catalog.writer_lock(), pytest.raises(LibraryBusy):
            copy(engines, folder, engines, tmp_path / "copy")
        with library.catalog.database.writing() as connection:
            connection.execute(text("UPDATE photo SET width = 9 WHERE id = 3"))
    with pytest.raises(LibraryError, match=r"photo 3 is not what was written.*check --repair"):
        copy(engines, folder, engines, tmp_path / "copy")


@pytest.mark.cluster
def test_a_database_that_cannot_be_used_is_one_line(small, new_engines, postgresql, tmp_path, capsys):
    _, folder = small
    for url, line in {
        postgresql.url("never_made"): "createdb",
        postgresql.url("postgres").replace("//polyglance@", "//stranger@"): "Check user and password in --catalog",
        "postgresql+psycopg://nobody@127.0.0.1:1/db": "Is the server running?",
    }.items():
        assert line in refused(capsys, "migrate", "--library", folder, "--to", tmp_path / "x", "--catalog", url, code=1)
    assert not (tmp_path / "x").exists()


@pytest.mark.cluster
def test_the_database_of_the_library_itself_is_refused(filled, tmp_path):
    engines, folder = filled("postgresql")
    with pytest.raises(UsageError, match="is that of the library itself"):
        copy(engines, folder, engines, tmp_path / "copy")


def test_milvus_that_does_not_answer_is_told_before_anything_is_copied(small, tmp_path, capsys):
    pytest.importorskip("pymilvus")
    line = refused(
        capsys, "migrate", "--library", small[1], "--to", tmp_path / "x", "--vectors", "milvus://127.0.0.1:1/x", code=1
    )
    assert "Milvus at 127.0.0.1:1 does not answer. Start Milvus." in line
    assert not (tmp_path / "x").exists()


def test_the_command_prints_what_it_copied_and_how_to_use_it(small, tmp_path, capsys):
    place = tmp_path / "copy"
    assert cli.run(["migrate", "--library", str(small[1]), "--to", str(place), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["library"], document["catalog"], document["sent"]) == (str(place), "", None)
    assert {table["name"] for table in document["tables"]} >= {"photo", "vector", "words", "favourite", "label"}
    assert cli.run(["migrate", "--library", str(small[1]), "--to", str(place)]) == 0
    said = capsys.readouterr()
    assert "all rows were compared" in said.out
    assert f"POLYGLANCE_LIBRARY={place}" in said.err
