import os
import subprocess
import sys

import pytest
from polyglance.indexer.disk.mounts import Mount, covering, is_remote, mounted, mounts

TABLE = [Mount(b"/", "ext4"), Mount(b"/mnt", "tmpfs"), Mount(b"/mnt/a", "nfs4", remote=True), Mount(b"/mnt", "xfs")]


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own; with a space in its name, which mount tables escape."""
    folder = tmp_path / "a disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "t", folder]).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", folder], check=False)


def test_a_path_lies_on_the_deepest_and_last_mounted_file_system():
    assert covering(TABLE, b"/home/x") == TABLE[0]
    assert covering(TABLE, b"/mnt/b") == TABLE[3]
    assert covering(TABLE, b"/mnt/a/b") == TABLE[2]
    assert covering(TABLE, b"/mnt/ab") == TABLE[3]


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "fuse.sshfs", "9p", "SMBFS"])
def test_network_file_systems_are_polled(kind):
    assert is_remote(kind)


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "apfs", "NTFS", "fuseblk", "tmpfs", "vfat", "overlay"])
def test_local_ones_are_not(kind):
    assert not is_remote(kind)


def test_a_disk_is_seen_when_mounted_and_missed_when_not(disk, tmp_path):
    root = os.fsencode(tmp_path)
    assert covering(mounts(), os.fsencode(disk)).kind == "tmpfs"
    assert mounted(mounts(), root).below == (b"a disk",)
    assert mounted(mounts(), os.fsencode(disk)).point == os.fsencode(disk)
    subprocess.run(["umount", disk], check=True)
    assert mounted(mounts(), root).below == ()
    assert mounted(mounts(), os.fsencode(disk)).point != os.fsencode(disk)


def test_mounts_are_told_where_the_working_directory_is_gone(tmp_path):
    code = "import os; from polyglance.indexer.disk.mounts import mounts\n"
    code += "os.chdir({0!r}); os.rmdir({0!r}); assert mounts()"
    (tmp_path / "gone").mkdir()
    subprocess.run([sys.executable, "-c", code.format(str(tmp_path / "gone"))], check=True)
