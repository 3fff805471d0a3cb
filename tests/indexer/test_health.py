from polyglance.data.records import FileStat, Known, Mounted, RootRecord
from polyglance.indexer import health
from polyglance.indexer.mounts import Mount
from polyglance.indexer.scan import Scan

ROOT = b"/media/stick/photos"
STICK = Mount(b"/media/stick", "ext4", "uuid-1")
SYSTEM = Mount(b"/", "ext4", "uuid-0")
KNOWN = {b"a.jpg": Known(1, FileStat(10, 20, 30)), b"disk/b.jpg": Known(2, FileStat(11, 21, 31))}
BEFORE = Mounted(b"/media/stick", 0, "uuid-1")


def found(*names, size=10):
    return Scan({name: FileStat(size, 1, 1) for name in names}, empty=not names)


def test_on_the_disk_it_was_on_absence_is_proved():
    assert health.unproved(BEFORE, [SYSTEM, STICK], ROOT, KNOWN, found(b"new.jpg")) == []


def test_an_unplugged_disk_proves_nothing_even_if_something_lies_in_its_place():
    assert health.unproved(BEFORE, [SYSTEM], ROOT, KNOWN, found(b"stray.jpg")) == [b""]
    assert health.unproved(BEFORE, [SYSTEM], ROOT, KNOWN, found()) == [b""]


def test_another_disk_at_the_same_place_proves_nothing():
    other = Mount(b"/media/stick", "vfat", "uuid-2")
    assert health.unproved(BEFORE, [SYSTEM, other], ROOT, KNOWN, found(b"stray.jpg")) == [b""]


def test_a_disk_that_was_copied_is_known_by_its_photos():
    other = Mount(b"/media/stick", "vfat", "uuid-2")
    assert health.unproved(BEFORE, [SYSTEM, other], ROOT, KNOWN, found(b"a.jpg")) == []
    assert health.unproved(BEFORE, [SYSTEM], ROOT, KNOWN, found(b"a.jpg")) == []
    assert health.unproved(BEFORE, [SYSTEM], ROOT, KNOWN, found(b"a.jpg", size=999)) == [b""]


def test_an_unknown_volume_is_not_held_against_a_disk():
    unnamed = Mount(b"/media/stick", "ext4", "")
    assert health.unproved(BEFORE, [SYSTEM, unnamed], ROOT, KNOWN, found(b"new.jpg")) == []


def test_the_empty_root_is_believed_only_if_it_is_the_same_folder():
    table = [SYSTEM, STICK]
    assert health.unproved(BEFORE, table, ROOT, KNOWN, found()) == []  # inode 0: both unknown
    other = Mounted(b"/media/stick", 77, "uuid-1")
    assert health.unproved(other, table, ROOT, KNOWN, found()) == [b""]
    assert health.unproved(other, table, ROOT, KNOWN, found(b"new.jpg")) == []


def test_an_empty_share_is_not_believed():
    share = Mount(b"/media/stick", "nfs4", "", remote=True)
    before = Mounted(b"/media/stick", 0)
    assert health.unproved(before, [SYSTEM, share], ROOT, KNOWN, found()) == [b""]
    assert health.unproved(before, [SYSTEM, share], ROOT, KNOWN, found(b"new.jpg")) == []


def test_a_disk_missing_inside_the_root_keeps_its_own_photos_only():
    before = Mounted(b"/media/stick", 0, "uuid-1", (b"disk",))
    inner = Mount(ROOT + b"/disk", "ext4")
    assert health.unproved(before, [SYSTEM, STICK], ROOT, KNOWN, found(b"new.jpg")) == [b"disk"]
    assert health.unproved(before, [SYSTEM, STICK, inner], ROOT, KNOWN, found(b"new.jpg")) == []
    there = Scan({b"disk/b.jpg": FileStat(11, 5, 5)}, empty=False)
    assert health.unproved(before, [SYSTEM, STICK], ROOT, KNOWN, there) == []


def test_before_the_first_whole_scan_only_an_empty_root_is_doubted():
    assert health.unproved(None, [SYSTEM], ROOT, KNOWN, found()) == [b""]
    assert health.unproved(None, [SYSTEM], ROOT, KNOWN, found(b"x.jpg")) == []


def test_nothing_known_nothing_to_lose():
    assert health.unproved(BEFORE, [SYSTEM], ROOT, {}, found()) == []


def test_a_missing_disk_inside_is_remembered_until_it_is_forgotten():
    before = Mounted(b"/media/stick", 0, "uuid-1", (b"disk", b"other"))
    table = [SYSTEM, STICK, Mount(ROOT + b"/third", "ext4")]
    assert health.remembered(before, table, ROOT, [b"disk"]).below == (b"disk", b"third")


def test_states(tmp_path):
    (tmp_path / "a.jpg").touch()
    root = bytes(tmp_path)
    disk = Mount(root, "ext4", "u")
    record = RootRecord(1, root, mounted=Mounted(root, 0, "u", (b"inner",)))
    inner = Mount(root + b"/inner", "ext4")
    assert health.state(record, [SYSTEM, disk, inner], list) == "online"
    assert health.state(record, [SYSTEM, disk], list) == "partly offline"
    assert health.state(record, [SYSTEM], lambda: [b"gone.jpg"]) == "offline"
    assert health.state(record, [SYSTEM, inner], lambda: [b"a.jpg"]) == "online"
    assert health.state(record, [SYSTEM, inner], list) == "online", "nothing is missed that was never there"
    assert health.state(RootRecord(1, root + b"/nowhere"), [SYSTEM], list) == "offline"


def test_absence_is_proved_file_by_file(tmp_path):
    root = bytes(tmp_path)
    disk = Mount(root, "ext4", "u")
    record = RootRecord(1, root, mounted=Mounted(root, 0, "u", (b"inner",)))
    assert health.is_absence_proved(record, b"a.jpg", [SYSTEM, disk], list)
    assert not health.is_absence_proved(record, b"inner/a.jpg", [SYSTEM, disk], list)
    assert not health.is_absence_proved(record, b"a.jpg", [SYSTEM], lambda: [b"a.jpg"])
    assert not health.is_absence_proved(RootRecord(1, root), b"a.jpg", [SYSTEM, disk], list)
