import os
from dataclasses import replace

from polyglance.data.catalog.records import Disk, FileStat, Known, Mounted, RootRecord
from polyglance.indexer.disk import health
from polyglance.indexer.disk.mounts import Mount
from polyglance.indexer.disk.scan import Scan

ROOT = b"/media/stick/photos"
STICK = Mount(b"/media/stick", "ext4", "uuid-1")
SYSTEM = Mount(b"/", "ext4", "uuid-0")
KNOWN = {b"a.jpg": Known(1, FileStat(10, 20, 30)), b"disk/b.jpg": Known(2, FileStat(11, 21, 31))}
BEFORE = Mounted(b"/media/stick", 0, "uuid-1")


def none(_folder):
    return []


def scanned(*names, size=10):
    return Scan({name: FileStat(size, 1, 1) for name in names}, empty=not names)


def test_on_the_disk_it_was_on_absence_is_proved():
    assert health.find_unproved(BEFORE, [SYSTEM, STICK], ROOT, KNOWN, scanned(b"new.jpg")) == []


def test_an_unplugged_disk_proves_nothing_even_if_something_lies_in_its_place():
    assert health.find_unproved(BEFORE, [SYSTEM], ROOT, KNOWN, scanned(b"stray.jpg")) == [b""]
    assert health.find_unproved(BEFORE, [SYSTEM], ROOT, KNOWN, scanned()) == [b""]


def test_another_disk_at_the_same_place_proves_nothing():
    other = Mount(b"/media/stick", "vfat", "uuid-2")
    assert health.find_unproved(BEFORE, [SYSTEM, other], ROOT, KNOWN, scanned(b"stray.jpg")) == [b""]


def test_a_disk_that_was_copied_is_known_by_its_photos():
    other = Mount(b"/media/stick", "vfat", "uuid-2")
    assert health.find_unproved(BEFORE, [SYSTEM, other], ROOT, KNOWN, scanned(b"a.jpg")) == []
    assert health.find_unproved(BEFORE, [SYSTEM], ROOT, KNOWN, scanned(b"a.jpg")) == []
    assert health.find_unproved(BEFORE, [SYSTEM], ROOT, KNOWN, scanned(b"a.jpg", size=999)) == [b""]


def real(folder, volume="", **more):
    """A folder that is there, as a scan remembers it: mounted by itself, or on the disk of `more`."""
    root = os.fsencode(folder)
    info = os.stat(root)
    return Mounted(more.get("point", root), info.st_ino, volume, device=info.st_dev)


def test_an_unknown_volume_proves_nothing_at_the_top_of_a_disk(tmp_path):
    root = os.fsencode(tmp_path)
    table = [SYSTEM, Mount(root, "tmpfs")]
    assert health.find_unproved(real(root), table, root, KNOWN, scanned(b".DS_Store")) == [b""]
    assert health.find_unproved(real(root), table, root, KNOWN, scanned(b"a.jpg")) == []
    assert health.find_unproved(real(root), table, root, KNOWN, scanned(), confirmed=True) == [], (
        "the user knows better"
    )
    renamed = Scan({b"new name.jpg": FileStat(11, 21, 31)}, empty=False)
    assert health.find_unproved(real(root), table, root, KNOWN, renamed) == [], "it is a photo of this disk"


def test_an_unknown_volume_is_believed_by_device_and_inode_below_its_top_and_on_the_system_disk(tmp_path):
    root = os.fsencode(tmp_path)
    above = Mount(os.path.dirname(root), "tmpfs")
    before = real(root, point=above.point)
    assert health.find_unproved(before, [SYSTEM, above], root, KNOWN, scanned(b"new.jpg")) == []
    assert health.find_unproved(real(root, point=b"/"), [Mount(b"/", "overlay")], root, KNOWN, scanned()) == []


def test_another_device_or_folder_is_another_disk_whoever_says_what(tmp_path):
    root = os.fsencode(tmp_path)
    table = [SYSTEM, Mount(root, "tmpfs")]
    for other in (replace(real(root), device=77), replace(real(root), inode=77)):
        assert health.find_unproved(other, table, root, KNOWN, scanned(b"stray.jpg")) == [b""]
        assert health.find_unproved(other, table, root, KNOWN, scanned(b"stray.jpg"), confirmed=True) == [b""]


def test_photos_elsewhere_on_the_disk_prove_it_for_an_emptied_folder(tmp_path):
    root = os.fsencode(tmp_path)
    table = [SYSTEM, Mount(root, "tmpfs")]
    assert health.find_unproved(real(root), table, root, KNOWN, scanned(), has_photo=lambda folder: True) == []


def test_a_root_is_believed_to_have_lost_all_only_if_it_is_the_same_folder():
    table = [SYSTEM, STICK]
    assert health.find_unproved(BEFORE, table, ROOT, KNOWN, scanned()) == []  # inode 0: both unknown
    other = Mounted(b"/media/stick", 77, "uuid-1")
    for scan in (scanned(), scanned(b"new.jpg")):
        assert health.find_unproved(other, table, ROOT, KNOWN, scan) == [b""]
        assert health.find_unproved(other, table, ROOT, KNOWN, scan, confirmed=True) == []
    assert health.find_unproved(other, table, ROOT, KNOWN, scanned(b"a.jpg")) == []


def test_an_empty_share_is_not_believed():
    share = Mount(b"/media/stick", "nfs4", "", remote=True)
    before = Mounted(b"/media/stick", 0)
    assert health.find_unproved(before, [SYSTEM, share], ROOT, KNOWN, scanned()) == [b""]
    assert health.find_unproved(before, [SYSTEM, share], ROOT, KNOWN, scanned(b"@eaDir")) == [b""]
    assert health.find_unproved(before, [SYSTEM, share], ROOT, KNOWN, scanned(b"a.jpg")) == []


def test_a_disk_missing_inside_the_root_keeps_its_own_photos_only():
    before = Mounted(b"/media/stick", 0, "uuid-1", (b"disk",), disks={b"disk": Disk("uuid-3")})
    inner = Mount(ROOT + b"/disk", "ext4", "uuid-3")
    assert health.find_unproved(before, [SYSTEM, STICK], ROOT, KNOWN, scanned(b"new.jpg")) == [b"disk"]
    assert health.find_unproved(before, [SYSTEM, STICK, inner], ROOT, KNOWN, scanned(b"new.jpg")) == []
    for other in (replace(inner, volume=""), replace(inner, volume="uuid-4")):
        assert health.find_unproved(before, [SYSTEM, STICK, other], ROOT, KNOWN, scanned(b"new.jpg")) == [b"disk"]
    present = Scan({b"disk/b.jpg": FileStat(11, 5, 5)}, empty=False)
    assert health.find_unproved(before, [SYSTEM, STICK], ROOT, KNOWN, present) == []


def test_before_the_first_whole_scan_only_photos_prove_a_root():
    assert health.find_unproved(None, [SYSTEM], ROOT, KNOWN, scanned()) == [b""]
    assert health.find_unproved(None, [SYSTEM], ROOT, KNOWN, scanned(b"x.jpg")) == [b""]
    assert health.find_unproved(None, [SYSTEM], ROOT, KNOWN, scanned(b"a.jpg")) == []
    assert health.find_unproved(None, [SYSTEM], ROOT, KNOWN, scanned(b"x.jpg"), confirmed=True) == []


def test_nothing_known_nothing_to_lose():
    assert health.find_unproved(BEFORE, [SYSTEM], ROOT, {}, scanned()) == []


def test_a_missing_disk_inside_is_remembered_until_it_is_forgotten():
    before = Mounted(b"/media/stick", 0, "uuid-1", (b"disk", b"other"))
    table = [SYSTEM, STICK, Mount(ROOT + b"/third", "ext4")]
    assert health.describe_scanned(before, table, ROOT, [b"disk"]).below == (b"disk", b"third")


def test_states(tmp_path):
    (tmp_path / "a.jpg").touch()
    root = bytes(tmp_path)
    disk = Mount(root, "ext4", "u")
    record = RootRecord(1, root, mounted=replace(real(root, "u"), below=(b"inner",), disks={b"inner": Disk("v")}))
    inner = Mount(root + b"/inner", "ext4", "v")
    assert health.state(record, [SYSTEM, disk, inner], none) == "online"
    assert health.state(record, [SYSTEM, disk], none) == "partly offline"
    assert health.state(record, [SYSTEM], lambda _: [b"gone.jpg"]) == "offline"
    assert health.state(record, [SYSTEM, inner], lambda _: [b"a.jpg"]) == "online"
    assert health.state(record, [SYSTEM, inner], none) == "online", "nothing is missed that was never there"
    assert health.state(RootRecord(1, root + b"/nowhere"), [SYSTEM], none) == "offline"
    unnamed = replace(inner, volume="")
    assert health.state(record, [SYSTEM, disk, unnamed], lambda _: [b"inner/gone.jpg"]) == "partly offline"
    inside = lambda folder: [b"inner/gone.jpg"] if folder else [b"a.jpg"]  # noqa: E731
    assert health.state(record, [SYSTEM, disk, unnamed], inside) == "partly offline"


def test_a_disk_without_a_name_is_online_if_a_photo_is_there(tmp_path):
    (tmp_path / "a.jpg").touch()
    root = os.fsencode(tmp_path)
    record = RootRecord(1, root, mounted=real(root))
    table = [SYSTEM, Mount(root, "tmpfs")]
    assert health.state(record, table, lambda _: [b"gone.jpg", b"a.jpg"]) == "online"
    assert health.state(record, table, lambda _: [b"gone.jpg"]) == "offline"


def test_absence_is_proved_file_by_file(tmp_path):
    root = bytes(tmp_path)
    disk = Mount(root, "ext4", "u")
    record = RootRecord(1, root, mounted=replace(real(root, "u"), below=(b"inner",)))
    assert health.is_absence_proved(record, b"a.jpg", [SYSTEM, disk], none)
    assert not health.is_absence_proved(record, b"inner/a.jpg", [SYSTEM, disk], none)
    assert not health.is_absence_proved(record, b"a.jpg", [SYSTEM], lambda _: [b"a.jpg"])
    assert not health.is_absence_proved(RootRecord(1, root), b"a.jpg", [SYSTEM, disk], none)


def test_what_is_most_of_a_root_is_doubted_and_half_of_a_small_one_is_not():
    assert not health.is_doubtful(50, 50)
    assert not health.is_doubtful(60, 120)
    assert health.is_doubtful(61, 120)
