"""The kernel's limit of inotify watches, set low in a namespace of the watcher's own, as `unshare -Ur` makes it."""

import ctypes
import os
from pathlib import Path

import children
import pytest
from colour_encoder import picture
from compare import assert_equals_disk, in_catalog, until

pytestmark = pytest.mark.torture

CLONE_NEWUSER = 0x10000000


def watch_with_few(library, limit, log):
    """Watch in a user namespace in which only `limit` folders may be."""
    os.environ["COLOUR_LOG"] = str(log)
    user, group = os.geteuid(), os.getegid()
    assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) == 0, os.strerror(ctypes.get_errno())
    for name, text in (("uid_map", f"0 {user} 1"), ("setgroups", "deny"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", name).write_text(text)
    Path("/proc/sys/user/max_inotify_watches").write_text(str(limit))
    children.watch(library)


@pytest.mark.parametrize(("limit", "how"), [(8, "partly"), (0, "polling")])
def test_where_watches_are_few_it_says_so_and_finds_changes_all_the_same(
    needs_namespaces, photos, tmp_path, limit, how
):
    for number in range(20):
        picture(photos / f"{number:02}" / "old.png", 2 * number)
        picture(photos / f"{number:02}" / "kept.png", 2 * number + 1)
    library, log = tmp_path / "library", tmp_path / "log"
    children.finish(children.index, library, [photos])
    watcher = children.start(watch_with_few, library, limit, log)
    with children.opened(library) as opened:
        root = until(lambda: (state := opened.status().watch) and (each := state.roots[0]).how == how and each)
    assert "fs.inotify.max_user_watches" in root.note
    if how == "partly":
        assert "8 of 21 folders" in root.note
    for folder in range(20):
        picture(photos / f"{folder:02}" / "new.png", 1000 + folder)
        (photos / f"{folder:02}" / "old.png").unlink()
    (photos / "07").rename(photos / "renamed")
    until(lambda: (os.fsencode(photos), b"renamed/new.png") in in_catalog(library), 40)
    until(lambda: sum(path.endswith(b"/new.png") for _, path in in_catalog(library)) == 20, 40)
    until(lambda: len(in_catalog(library)) == 40, 40)
    assert_equals_disk(library, photos, pruned=False)
    watcher.terminate()
    watcher.join()
    assert watcher.exitcode == 0
    assert log.stat().st_size == 20
