"""Several processes at one library: two writers, eight readers, a watcher beside an index run."""

import threading

import children
import pytest
from colour_encoder import COLOURS, picture
from compare import assert_same, count, rows, until
from polyglance.data.catalog import locks

pytestmark = pytest.mark.torture

SLOW = {"COLOUR_SECONDS": "0.01"}


def read_until_told(folder, stop, bad):
    """Search again and again; put into `bad` whatever is not an answer of photos."""
    try:
        with children.opened(folder) as library:
            searches = 0
            while not stop.is_set():
                for word in COLOURS:
                    for result in library.search(word, 30).results:
                        assert result.photo.path.endswith(b".png") and result.photo.error is None
                        assert library.photo(result.photo.id).content_hash == result.photo.content_hash
                        searches += 1
            assert searches
    except Exception as error:  # noqa: BLE001 - whatever it is, the test is to say it
        bad.put(repr(error))


@pytest.mark.parametrize(("count", "new"), [(3, 40), pytest.param(8, 200, marks=pytest.mark.full)])
def test_readers_search_while_one_writes(many, photos, tmp_path, count, new):
    many(photos, 40)
    library = tmp_path / "library"
    children.finish(children.index, library, [photos])
    many(photos / "more", new, first=1000)
    stop, bad = children.context.Event(), children.context.SimpleQueue()
    readers = [children.start(read_until_told, library, stop, bad) for _ in range(count)]
    children.finish(children.index, library, [photos], environment=SLOW)
    (photos / "00").rename(photos / "renamed")
    children.finish(children.index, library, [photos])
    stop.set()
    for reader in readers:
        reader.join()
    said = [] if bad.empty() else bad.get()
    assert not said
    children.finish(children.index, tmp_path / "reference", [photos])
    assert_same(library, tmp_path / "reference")


def test_a_second_writer_is_told_who_the_first_is(many, photos, tmp_path):
    many(photos, 100)
    library, said = tmp_path / "library", tmp_path / "said"
    first = children.start(children.index, library, [photos], environment={"COLOUR_SECONDS": "0.15"})
    until((library / "writer.txt").exists)
    for command in (["index", photos, "--encoder", "colour"], ["reencode", "--encoder", "colour2"], ["forget", photos]):
        second = children.start(children.command_line, [*command, "--library", library], said)
        second.join()
        assert second.exitcode == 4, command
        assert f"is being written to by process {first.pid}" in said.read_text()
        said.unlink()
    first.join()
    assert first.exitcode == 0
    children.finish(children.index, tmp_path / "reference", [photos])
    assert_same(library, tmp_path / "reference")


def test_a_watcher_and_index_runs_side_by_side(many, photos, tmp_path):
    many(photos, 20)
    library, log = tmp_path / "library", tmp_path / "log"
    children.finish(children.index, library, [photos])
    watcher = children.start(children.watch, library, environment={"COLOUR_LOG": str(log)})
    until((library / "watch.json").exists)
    busy = 0
    for number in range(10):
        picture(photos / "side" / f"{number}.png", 500 + number)
        process = children.start(children.command_line, ["index", photos, "--library", library], tmp_path / "said")
        process.join()
        assert process.exitcode in {0, 4}
        busy += process.exitcode == 4
    until(lambda: len(rows(library)["photos"]) == 30)
    watcher.terminate()
    watcher.join()
    assert watcher.exitcode == 0
    assert count(log) <= 10
    children.finish(children.index, tmp_path / "reference", [photos])
    assert rows(library)["photos"] == rows(tmp_path / "reference")["photos"]
    assert "Traceback" not in (tmp_path / "said").read_text()


def test_a_second_watcher_is_told_who_the_first_is(many, photos, tmp_path):
    many(photos, 4)
    library, said = tmp_path / "library", tmp_path / "said"
    children.finish(children.index, library, [photos])
    first = children.start(children.watch, library)
    until((library / "watch.json").exists)
    second = children.start(children.command_line, ["watch", "--library", library], said)
    second.join()
    assert second.exitcode == 4
    assert f"is being watched by process {first.pid}" in said.read_text()
    first.kill()
    first.join()
    third = children.start(children.watch, library)  # the system freed the lock
    until(lambda: locks.is_watched(library))
    third.terminate()
    third.join()
    assert third.exitcode == 0


def test_writers_that_take_turns_end_as_one(many, photos, tmp_path):
    """Two processes index different roots into one library, each trying until it is let in."""
    other = tmp_path / "other"
    many(photos, 30)
    many(other, 30, first=700)
    library = tmp_path / "library"

    def until_done(folder):
        code = 4
        while code == 4:
            process = children.start(
                children.command_line, ["index", folder, "--library", library, "--encoder", "colour"], tmp_path / "said"
            )
            process.join()
            code = process.exitcode
        codes.append(code)

    codes = []
    threads = [threading.Thread(target=until_done, args=(folder,)) for folder in (photos, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0]
    children.finish(children.index, tmp_path / "reference", [photos, other])
    assert rows(library)["vectors"] == rows(tmp_path / "reference")["vectors"]
