"""Killed before any step that changes what is on disk, a library ends as one that was not.

Each scenario is prepared once, and run once to write down its steps: commits, files written, renamed and removed. Then
it is run in processes that are killed before one of them. What was killed is run again, and compared with the library
in which the same was done without a kill.
"""

import shutil
import signal

import children
import pytest
from colour_encoder import picture
from compare import assert_same, assert_sound, until

pytestmark = pytest.mark.torture

SCENARIOS = ["first", "index", "reencode", "forget", "forget_below", "exclude"]


def every_commit_and_kind(name, step, number):
    """Before every commit of each scenario; of the index run, which does all kinds of steps, once before each kind."""
    return step == "commit" or (name == "index" and number == 1)


def every_step(_name, _step, _number):
    """Before every step of each scenario."""
    return True


CHOICES = [every_commit_and_kind, pytest.param(every_step, marks=pytest.mark.full)]


class Scenario:
    """Folders, and a library of them in which something is to be done by `work`, which may be done twice."""

    def __init__(self, name, place, many):
        self.place, self.photos, self.other = place, place / "photos", place / "other"
        self.library, self.reference = place / "library", place / "reference"
        many(self.photos / "a", 9)
        many(self.other, 4, first=300)
        if name != "first":
            children.finish(children.index, self.library, [self.photos / "a", self.other])
        getattr(self, name)(many)
        if name != "first":
            shutil.copytree(self.library, self.reference)
        log = place / "steps"
        children.finish(children.write_steps, self.reference, log, self.work, self.reference, *self.arguments)
        self.steps = log.read_text().splitlines()
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
        many(self.photos / "new", 4, first=100)
        folder = self.photos / "a"
        for number in range(2):
            picture(folder / "00" / f"{number:04}.png", 200 + number)
            (folder / "00" / f"{number + 2:04}.png").rename(folder / f"moved {number}.png")
            (folder / "00" / f"{number + 4:04}.png").unlink()
        (folder / "01" / "0006.png").rename(self.other / "from another root.png")
        shutil.copy(folder / "01" / "0007.png", folder / "copy.png")
        (folder / "bad.png").write_text("no picture")
        self.work, self.arguments = children.index, ([self.photos, self.other],)

    def reencode(self, *_):
        self.work, self.arguments = children.reencode, ("colour2",)

    def forget(self, *_):
        self.work, self.arguments = children.forget, (self.other,)

    def forget_below(self, *_):
        shutil.rmtree(self.other / "50")
        self.work, self.arguments = children.forget, (self.other / "50",)

    def exclude(self, *_):
        self.work, self.arguments = children.exclude, (["00/"],)


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory):
    made = {}

    def many(folder, count, first=0):
        for number in range(first, first + count):
            picture(folder / f"{number // 6:02}" / f"{number:04}.png", number)

    def get(name):
        if name not in made:
            made[name] = Scenario(name, tmp_path_factory.mktemp(name), many)
        return made[name]

    return get


def kill_and_run_again(scenario, library, step, number):
    """Kill the scenario's work before a step, do it again, and compare with what was never killed."""
    if scenario.library.exists():
        shutil.copytree(scenario.library, library)
    process = scenario.start(library, crash=(library, step, number))
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it was not reached"
    again = scenario.start(library)
    again.join()
    if scenario.work is not children.forget:
        assert again.exitcode == 0
    scenario.tidy(library)
    assert_same(library, scenario.reference)


@pytest.mark.timeout(1800)  # dozens of runs in one test
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("choose", CHOICES, ids=lambda choose: choose.__name__)
def test_killed_before_a_step_and_run_again_it_ends_equal(scenarios, tmp_path, name, choose):
    scenario = scenarios(name)
    points = [point for point in children.moments(scenario.steps, all_of_them=True) if choose(name, *point)]
    assert ("commit", 1) in points
    for count, (step, number) in enumerate(points):
        try:
            kill_and_run_again(scenario, tmp_path / f"{count}", step, number)
        except AssertionError as error:
            raise AssertionError(f"Killed before step {number} of the kind {step!r}") from error
        shutil.rmtree(tmp_path / f"{count}")


@pytest.mark.parametrize(
    ("step", "number"),
    [("write .watch.json.*.tmp", 1), ("rename .watch.json.*.tmp", 1), ("commit", 1)],
)
def test_a_watcher_killed_there_is_followed_by_one_that_knows_all(scenarios, tmp_path, step, number):
    scenario = scenarios("reencode")
    library = tmp_path / "library"
    shutil.copytree(scenario.library, library)
    process = children.start(children.watch, library, crash=(library, step, number))
    process.join(60)
    reached = process.exitcode is not None
    process.kill()
    assert reached, f"a watcher does no step {step!r}"
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
