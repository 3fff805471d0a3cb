"""The file systems that are mounted, and where, as the operating system lists them (through psutil)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from ...data import paths
from ...data.catalog.records import INODE_BITS, Disk, Mounted

# fmt: off
REMOTE_KINDS = frozenset({
    "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "drvfs", "gfs", "gfs2", "glusterfs", "lustre", "ncpfs",
    "nfs", "nfs4", "ocfs2", "prl_fs", "smb2", "smb3", "smbfs", "sshfs", "vboxsf", "virtiofs", "vmhgfs", "webdav",
})
# fmt: on
"""File systems that other machines change: the kernel reports only the changes made on this machine."""

BY_UUID = b"/dev/disk/by-uuid"


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system; `kind` is its type's name, `volume` its UUID or serial number, empty if unknown."""

    point: bytes
    kind: str
    volume: str = ""
    remote: bool = False


def mounts() -> list[Mount]:
    """List all mounted file systems, in the order they were mounted."""
    volumes = _volumes()
    return [
        Mount(
            os.fsencode(part.mountpoint).rstrip(b"\\") or b"/",
            part.fstype,
            _volume(os.fsencode(part.device), volumes) or _serial(part.mountpoint),
            is_remote(part.fstype) or "remote" in part.opts.split(","),
        )
        for part in psutil.disk_partitions(all=True)
    ]


def _volume(device: bytes, volumes: dict[bytes, str]) -> str:
    """Return the UUID of a device; empty if the name is no path (`tmpfs`), which would mean the working directory."""
    return volumes.get(os.path.realpath(device), "") if os.path.isabs(device) else ""


def is_remote(kind: str) -> bool:
    """Whether changes in a file system of this type may go unreported: network, shared folders, FUSE."""
    kind = kind.lower()
    return kind in REMOTE_KINDS or kind.startswith("fuse.")


def covering(table: Sequence[Mount], path: bytes) -> Mount:
    """Return the file system that an absolute path is on: the last one mounted at the deepest mount point.

    Object storage is on none, and counts as always mounted: whoever cannot reach it cannot list it either.
    """
    deepest = Mount(b"/", "")
    for mount in () if paths.is_url(path) else table:
        if paths.is_within(path, mount.point) and len(mount.point) >= len(deepest.point):
            deepest = mount
    return deepest


def mounted(table: Sequence[Mount], root: bytes) -> Mounted:
    """Return how a root is mounted now: its file system, and those mounted inside it."""
    if paths.is_url(root):
        return Mounted(b"/")
    outer = covering(table, root)
    inside = {  # the last one mounted at a point hides the others
        paths.relative_to(mount.point, root): mount
        for mount in table
        if mount.point != root and paths.is_within(mount.point, root)
    }
    top = _disk(root, outer.volume)
    disks = {point: _disk(mount.point, mount.volume) for point, mount in inside.items()}
    return Mounted(outer.point, top.inode, outer.volume, tuple(sorted(inside)), top.device, disks)


def _disk(folder: bytes, volume: str) -> Disk:
    try:
        info = os.stat(folder)
    except OSError:
        return Disk(volume)
    return Disk(volume, info.st_dev, info.st_ino & INODE_BITS)


def _volumes() -> dict[bytes, str]:
    """Return device -> UUID of the file system on it; empty where Linux keeps no such list."""
    result = {}
    with suppress(OSError):
        for name in os.listdir(BY_UUID):
            result[os.path.realpath(os.path.join(BY_UUID, name))] = os.fsdecode(name)
    return result


def _serial(point: str) -> str:
    """Return a volume's serial number on Windows, where Python gives it as the device of files; empty elsewhere."""
    if sys.platform == "win32":
        with suppress(OSError):
            return f"{os.stat(point).st_dev:x}"
    return ""
