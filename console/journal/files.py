"""The journal's files: private from the first byte, and never on a network."""

from __future__ import annotations

import grp
import os
import re
import stat
from pathlib import Path

from console.ports import JournalUnusable

MOUNTS = Path("/proc/self/mountinfo")

_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|9p|afs|ceph|lustre|beegfs|gpfs|gfs2|ocfs2|glusterfs|pvfs2|ncpfs|coda|davfs"
    r"|fuse\.(sshfs|glusterfs|ceph\S*|s3fs|rclone|gcsfuse|goofys|davfs2?|curlftpfs|moosefs|mfs\S*|juicefs|smbnetfs)"
)


def refuse_network(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raises JournalUnusable when `folder` (or what exists of it) lies on a network file system, whose locks and shared
    memory SQLite's write-ahead log cannot trust. Silent where the system lists no mounts (no /proc)."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    real, best, found = str(folder.resolve()), -1, ""
    for line in lines:
        front, _, back = line.partition(" - ")
        try:
            point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), front.split(" ")[4])
            kind = back.split(" ")[0]
        except IndexError:
            continue
        # the longest mount point above the folder; of equals the later one, which covers the earlier
        if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= best:
            best, found = len(point), kind
    if _NETWORK.fullmatch(found):
        raise JournalUnusable(
            f"{folder} is on a network file system ({found}), where a journal can be damaged; put it on a local disk"
        )


def group_id(group: str) -> int:
    """The number of a group. Raises JournalUnusable when there is none of that name."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise JournalUnusable(f"journal.group: there is no group {group!r} on this host") from None


def make_folder(folder: Path, group: str | None = None) -> None:
    """Makes the folder 0700, or 2770 for a group. One that exists already keeps its mode: it may be anybody's; but a
    group's must be writable for the group, else JournalUnusable says how to make it so. Raises OSError."""
    gid = None if group is None else group_id(group)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        seen = folder.stat()
        if not stat.S_ISDIR(seen.st_mode):
            raise
        if gid is not None and (seen.st_gid != gid or seen.st_mode & 0o2070 != 0o2070):
            raise JournalUnusable(
                f"{folder} is not shared with {group}: chgrp {group} {folder} && chmod 2770 {folder}"
            ) from None
        return
    if gid is not None:
        os.chown(folder, -1, gid)
        folder.chmod(0o2770)
    sync_folder(folder.parent)


def create(path: Path, group: str | None = None) -> None:
    """Makes an empty file, 0600, or 0660 for a group; SQLite gives -wal and -shm the mode of the database. Raises
    FileExistsError and other OSErrors."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if group is not None:
            os.fchown(handle, -1, group_id(group))
        os.fchmod(handle, mode_for(group))
    finally:
        os.close(handle)


def tighten(path: Path, group: str | None = None) -> None:
    """Takes away what others may do to an existing journal, as far as it is ours to change. By path, never by opening:
    closing a descriptor of a database drops the locks that SQLite holds on it in this process."""
    for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        try:
            seen = file.stat()
            if group is not None and seen.st_gid != group_id(group):
                os.chown(file, -1, group_id(group))
            if stat.S_IMODE(seen.st_mode) != mode_for(group):
                file.chmod(mode_for(group))
        except OSError:
            continue  # not ours, or not there: SQLite will say whether it can be used


def mode_for(group: str | None) -> int:
    """The mode of the journal's files."""
    return 0o600 if group is None else 0o660


def sync_folder(folder: Path) -> None:
    """Makes names in a folder durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
