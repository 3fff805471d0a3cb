import os
import sys

import pytest
from polyglance.errors import FolderError
from polyglance.indexer.disk.scan import scan


def names(folder, below=b""):
    return set(scan(os.fsencode(folder), below).files)


def test_finds_pictures_by_suffix_in_any_case_and_depth(photos):
    for name in ("a.jpg", "B.JPEG", "deep/er/c.PNG", "d.webp", "notes.txt", "jpg", "e.jpg.part"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).touch()
    assert names(photos) == {b"a.jpg", b"B.JPEG", b"deep/er/c.PNG", b"d.webp"}


def test_skips_hidden_and_system_entries(photos):
    for name in (
        ".hidden.jpg",
        "._a.jpg",
        ".Trash-1000/x.jpg",
        "@eaDir/a.jpg/SYNO_THUMB.jpg",
        "$RECYCLE.BIN/y.jpg",
    ):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).touch()
    assert names(photos) == set()


def test_a_folder_named_like_a_picture_is_a_folder(photos):
    (photos / "album.jpg").mkdir()
    (photos / "album.jpg" / "a.jpg").touch()
    assert names(photos) == {b"album.jpg/a.jpg"}


def test_names_are_exact_bytes(photos):
    odd = [
        b"\xff\xfe.jpg",
        "📷.jpg".encode(),
        "صورة.jpg".encode(),
        b"two\nlines.jpg",
        "é.jpg".encode(),
        "é.jpg".encode(),
    ]
    for name in odd:
        (photos / os.fsdecode(name)).touch()
    assert names(photos) == set(odd)


def test_links_are_not_followed(photos, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").touch()
    (photos / "loop").symlink_to(photos)
    (photos / "out").symlink_to(outside)
    (photos / "link.jpg").symlink_to(outside / "secret.jpg")
    (photos / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (photos / "a.jpg").touch()
    assert names(photos) == {b"a.jpg"}


def test_below_gives_paths_from_the_root(photos):
    (photos / "2024" / "may").mkdir(parents=True)
    (photos / "2024" / "may" / "a.jpg").touch()
    (photos / "b.jpg").touch()
    assert names(photos, b"2024") == {b"2024/may/a.jpg"}


def test_missing_folder_is_one_clear_line(tmp_path):
    with pytest.raises(FolderError, match="No such file"):
        scan(os.fsencode(tmp_path / "none"))


def test_tells_an_empty_root_from_one_without_pictures(photos):
    assert scan(os.fsencode(photos)).empty
    (photos / "notes.txt").touch()
    assert not scan(os.fsencode(photos)).empty


def test_a_folder_that_may_not_be_listed_is_named(photos, as_nobody, opened_to_all):
    for name in ("open/a.jpg", "shut/b.jpg"):
        (photos / name).parent.mkdir()
        (photos / name).touch()
    opened_to_all(photos)
    (photos / "shut").chmod(0)
    code = (
        "from polyglance.indexer.disk.scan import scan;"
        f"scanned = scan({os.fsencode(photos)!r}); print(list(scanned.files), list(scanned.unreadable.items()))"
    )
    done = as_nobody(code)
    (photos / "shut").chmod(0o755)
    reason = "cannot be read: permission denied (what is in it was left as it was)"
    assert done.stdout.strip() == f"[b'open/a.jpg'] [(b'shut', '{reason}')]", done.stderr


def test_opens_no_file(photos):
    (photos / "a.jpg").write_bytes(b"x")
    before = (photos / "a.jpg").stat().st_atime_ns
    os.utime(photos / "a.jpg", ns=(before - 10**15, before - 10**15))
    opened = []
    sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" and scanning else None)
    scanning = True
    names(photos)
    scanning = False
    assert opened == []
