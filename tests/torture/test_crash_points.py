"""Killed at every point where something is half done, a library ends as one that was not.

Each scenario is prepared once, then run in a process that is killed at one point of it. What was killed is run again,
and compared with a copy of the library in which the same was done without a kill.
"""

import shutil
import signal

import children
import pytest
from colour_encoder import picture
from compare import assert_same, assert_sound, until

CATALOG = "polyglance.data.catalog."
WRITES = [(CATALOG + "vectors:put", 1), (CATALOG + "settings:bump", 1)]

POINTS = {
    "first": [
        ("polyglance.data.catalog.opening:migrate", 1),
        ("polyglance.data.catalog.migrations:upgrade", 1),
        (CATALOG + "encoders:Encoders.add", 1),
        (CATALOG + "encoders:Encoders.activate", 1),
        (CATALOG + "roots:Roots.add", 1),
        ("filelock:FileLock.acquire", 1),
        ("filelock:FileLock.release", 1),
        ("pathlib:Path.write_text", 1),
        ("polyglance.data.pictures.thumbnails:Thumbnails.write", 5),
        ("pathlib:Path.replace", 7),
        ("polyglance.indexer.run.pipeline:Pipeline.run", 1),
    ],
    "index": [
        (CATALOG + "changes:Changes.commit", 1),
        (CATALOG + "changes:Changes.commit", 3),
        *WRITES,
        (CATALOG + "roots:Roots.add", 1),
        (CATALOG + "roots:_absorb", 1),
        (CATALOG + "changes:Changes.move", 1),
        (CATALOG + "changes:Changes.remove", 1),
        (CATALOG + "roots:Roots.record_scan", 1),
        (CATALOG + "roots:Roots.record_scan", 2),
        (CATALOG + "vectors:Vectors.prune", 1),
        ("polyglance.data.pictures.thumbnails:Thumbnails.remove", 1),
        ("polyglance.data.pictures.thumbnails:Thumbnails.remove", 3),
        ("polyglance.data.pictures.thumbnails:Thumbnails.write", 1),
        ("pathlib:Path.replace", 1),
        ("pathlib:Path.unlink", 1),
        ("polyglance.indexer.run.pipeline:Pipeline.run", 1),
        ("polyglance.indexer.run.vanished:VanishedPhotos.unclaimed", 1),
    ],
    "reencode": [
        (CATALOG + "encoders:Encoders.add", 1),
        (CATALOG + "changes:Changes.commit", 2),
        *WRITES,
        (CATALOG + "encoders:Encoders.activate", 1),
    ],
    "forget": [
        (CATALOG + "roots:Roots.remove", 1),
        (CATALOG + "vectors:Vectors.prune", 1),
        ("polyglance.data.pictures.thumbnails:Thumbnails.remove", 2),
    ],
    "forget_below": [
        (CATALOG + "changes:Changes.remove", 1),
        (CATALOG + "roots:Roots.record_scan", 1),
        (CATALOG + "vectors:Vectors.prune", 1),
        ("polyglance.data.pictures.thumbnails:Thumbnails.remove", 2),
    ],
    "exclude": [(CATALOG + "settings:LibrarySettings.exclude", 1), (CATALOG + "settings:put", 1)],
}
CASES = [
    pytest.param(
        scenario,
        place,
        number,
        when,
        marks=() if when == "before" and scenario == "index" else pytest.mark.torture,
        id=f"{scenario}-{when}-{place.split(':')[1]}-{number}",
    )
    for scenario, points in POINTS.items()
    for place, number in points
    for when in ("before", "after")
]


class Scenario:
    """Folders, and a library of them in which something is to be done by `work`, which may be done twice."""

    def __init__(self, name, place, many):
        self.place, self.photos, self.other = place, place / "photos", place / "other"
        self.library, self.reference = place / "library", place / "reference"
        many(self.photos / "a", 30)
        many(self.other, 10, first=300)
        if name != "first":
            children.finish(children.index, self.library, [self.photos / "a", self.other])
        getattr(self, name)(many)
        if name != "first":
            shutil.copytree(self.library, self.reference)
        self.start(self.reference).join()
        self.tidy(self.reference)

    def tidy(self, library):
        """What `forget` left because it was killed, the next full run takes away; it is no error to say it twice."""
        if self.work is children.forget:
            remaining = [self.photos / "a"] + [self.other] * (self.arguments[0] != self.other)
            children.finish(children.index, library, remaining)

    def start(self, library, crash=None):
        return children.start(self.work, library, *self.arguments, crash=crash)

    def first(self, *_):
        self.work, self.arguments = children.index, ([self.photos, self.other],)

    def index(self, many):
        """New, changed, moved, copied, removed and bad files, and a root that takes another one over."""
        many(self.photos / "new", 6, first=100)
        folder = self.photos / "a"
        for number in range(4):
            picture(folder / "00" / f"{number:04}.png", 200 + number)
            (folder / "00" / f"{number + 4:04}.png").rename(folder / f"moved {number}.png")
            (folder / "00" / f"{number + 8:04}.png").unlink()
        (folder / "01" / "0025.png").rename(self.other / "from another root.png")
        shutil.copy(folder / "01" / "0026.png", folder / "copy.png")
        (folder / "bad.png").write_text("no picture")
        self.work, self.arguments = children.index, ([self.photos, self.other],)

    def reencode(self, *_):
        self.work, self.arguments = children.reencode, ("colour2",)

    def forget(self, *_):
        self.work, self.arguments = children.forget, (self.other,)

    def forget_below(self, *_):
        shutil.rmtree(self.other / "15")
        self.work, self.arguments = children.forget, (self.other / "15",)

    def exclude(self, *_):
        self.work, self.arguments = children.exclude, (["00/"],)


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory):
    made = {}

    def many(folder, count, first=0):
        for number in range(first, first + count):
            picture(folder / f"{number // 20:02}" / f"{number:04}.png", number)

    def get(name):
        if name not in made:
            made[name] = Scenario(name, tmp_path_factory.mktemp(name), many)
        return made[name]

    return get


@pytest.mark.parametrize(("name", "place", "number", "when"), CASES)
def test_killed_there_and_run_again_it_ends_equal(scenarios, tmp_path, name, place, number, when):
    scenario = scenarios(name)
    library = tmp_path / "library"
    if scenario.library.exists():
        shutil.copytree(scenario.library, library)
    process = scenario.start(library, crash=(place, when, number))
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"{place} was not reached {number} times"
    again = scenario.start(library)
    again.join()
    if scenario.work is not children.forget:
        assert again.exitcode == 0
    scenario.tidy(library)
    assert_same(library, scenario.reference)


@pytest.mark.torture
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("place", "number"),
    [("polyglance.data.watch_state:publish", 1), ("pathlib:Path.replace", 1), (CATALOG + "roots:Roots.record_scan", 1)],
)
def test_a_watcher_killed_there_is_followed_by_one_that_knows_all(scenarios, tmp_path, place, number, when):
    scenario = scenarios("reencode")
    library = tmp_path / "library"
    shutil.copytree(scenario.library, library)
    process = children.start(children.watch, library, crash=(place, when, number))
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with children.opened(library) as opened:
        assert opened.status().watch is None
        again = children.start(children.watch, library)
        until(lambda: (state := opened.status().watch) and [root.how for root in state.roots] == ["native"] * 2)
        again.terminate()
        again.join()
    assert again.exitcode == 0
    assert not list(library.glob(".*.tmp"))
    assert_sound(library)
