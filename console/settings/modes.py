"""Who may read and change the files: what they say decides who is paged, and what a playbook makes people do."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from console.settings.problems import Problem, Problems

LINKS = 40
"""How many links are followed, as the kernel does."""


def judge_modes(folder: Path, others: Iterable[Path], problems: Problems) -> None:
    """Warns of files below `folder` that everybody can read, and of those, and of `others`, that others can change."""
    own = sorted(path for pattern in ("*.y*ml", "*/*.y*ml") for path in folder.glob(pattern))
    modes = judge_writers((folder, *own, *others), problems)
    readable = [str(path.relative_to(folder)) for path in own if modes.get(path, 0) & stat.S_IROTH]
    if readable and modes[folder] & stat.S_IXOTH:  # nobody gets to what is in a folder that they may not enter
        found = (
            f"files that every user of this host can read ({', '.join(readable[:3])}{', ...' * (len(readable) > 3)})"
        )
        problems.warn(Problem(str(folder), 1, 1, "(folder)", found, "none (chmod -R o-rwx)"))


def judge_writers(paths: Iterable[Path], problems: Problems) -> Mapping[Path, int]:
    """Warns of what others can change. The modes of those that there are."""
    modes = {path: stat.S_IMODE(os.stat(path).st_mode) for path in paths if path.exists()}
    for path, mode in modes.items():
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            what = "(folder)" if path.is_dir() else "(file)"
            found = f"mode {mode:04o}: others can change it"
            problems.warn(Problem(str(path), 1, 1, what, found, "changes by its owner alone (chmod go-w)"))
    return modes


def written_by_others(file: Path) -> str:
    """Who else may change what a file says, in one line; empty when nobody but its owner and root can.

    As OpenSSH judges a key file: it, and every folder on the way to it, belongs to the user or to root, and neither its
    group nor others may write it. A folder like /tmp is no exception, although its sticky bit keeps what is there from
    being replaced: once something clears it away, whoever comes first puts their own there.
    """
    try:
        return judged_way(str(file))[1]
    except OSError as error:
        return f"{error.filename or file} cannot be looked at ({error.strerror})"


def judged_way(path: str, *, sticky: bool = False) -> tuple[str, str]:
    """What the path leads to, and who else may lead it elsewhere, in one line; empty when nobody can.

    It is walked as the kernel does, name by name: each link where it stands, and each `..` from where the links have
    led to by then. Every folder on the way is looked at, whether or not it is above what is found in the end. With
    `sticky`, a folder in one such as /tmp is let off: nobody may replace what is another's there. A file or a link is
    not, for anybody may put one there. Raises OSError when it leads nowhere.
    """
    at, links, found = os.sep, 0, ""  # of several, what is found last: it is the nearest
    left = os.path.join(os.getcwd(), path).split(os.sep)[::-1]
    while left:
        name = left.pop()
        if name in ("", "."):
            continue
        below = os.path.dirname(at) if name == ".." else os.path.join(at, name)
        status = os.lstat(below)
        if not (sticky and stat.S_ISDIR(status.st_mode) and _sticky(at)):
            found = _judged(at) or found
        if not stat.S_ISLNK(status.st_mode):
            at = below
            continue
        if status.st_uid not in (0, os.getuid()):
            found = f"{below} belongs to another user"
        links += 1
        if links > LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(below)
        at = os.sep if os.path.isabs(target) else at
        left += target.split(os.sep)[::-1]
    return at, _judged(at) or found


def _sticky(folder: str) -> bool:
    """Whether nobody but the user and root may replace what they have in it."""
    found = os.stat(folder)
    return bool(found.st_mode & stat.S_ISVTX) and found.st_uid in (0, os.getuid())


def _judged(path: str) -> str:
    found = os.stat(path)
    if found.st_uid not in (0, os.getuid()):
        return f"{path} belongs to another user"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path} can be changed by others (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""
