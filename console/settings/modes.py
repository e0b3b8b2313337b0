"""Who may read and change the files: what they say decides who is paged, and what a playbook makes people do."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from console.settings.problems import Problem, Problems


def judge_modes(folder: Path, others: Iterable[Path], problems: Problems) -> None:
    """Warns of files below `folder` that everybody can read, and of those, and of `others`, that others can change."""
    own = sorted(path for pattern in ("*.y*ml", "*/*.y*ml") for path in folder.glob(pattern))
    modes = {path: stat.S_IMODE(os.stat(path).st_mode) for path in (folder, *own, *others) if path.exists()}
    readable = [str(path.relative_to(folder)) for path in own if modes.get(path, 0) & stat.S_IROTH]
    if readable and modes[folder] & stat.S_IXOTH:  # nobody gets to what is in a folder that they may not enter
        found = (
            f"files that every user of this host can read ({', '.join(readable[:3])}{', ...' * (len(readable) > 3)})"
        )
        problems.warn(Problem(str(folder), 1, 1, "(folder)", found, "none (chmod -R o-rwx)"))
    for path, mode in modes.items():
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            what = "(folder)" if path.is_dir() else "(file)"
            found = f"mode {mode:04o}: others can change it"
            problems.warn(Problem(str(path), 1, 1, what, found, "changes by its owner alone (chmod go-w)"))


def written_by_others(file: Path) -> str:
    """Who else may change what a file says, in one line; empty when nobody but its owner and root can.

    As OpenSSH judges a key file: it, and every folder above it, belongs to the user or to root, and neither its group
    nor others may write it. A folder like /tmp is no exception, although its sticky bit keeps what is there from being
    replaced: once something clears it away, whoever comes first puts their own there. Both the path as it is named and
    the one that its links lead to are looked at.
    """
    for path in dict.fromkeys((os.path.abspath(file), os.path.realpath(file))):
        while True:
            found = _judged(path)
            if found:
                return found
            above = os.path.dirname(path)
            if above == path:
                break
            path = above
    return ""


def _judged(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError as error:
        return f"{path} cannot be looked at ({error.strerror})"
    if found.st_uid not in (0, os.getuid()):
        return f"{path} belongs to another user"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path} can be changed by others (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""
