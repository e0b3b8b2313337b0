"""Where a program is, and whether somebody else could put another in its place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from console.model.playbook import Program
from console.model.text import safe

PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where programs are looked for; the console's own PATH may hold anything."""
_LINKS = 40
"""How many links are followed, as the kernel does."""


class Misplaced(Exception):
    """It may not run: one safe line that says why."""


def executable(name: str, folder: Path) -> str:
    """The path of the program called `name`: on `PATH`, absolute, or relative to `folder` and inside it.

    Raises Misplaced when it is not there, is no program, or somebody else than the user and root may change it, the
    folder that it is in, or a link that leads to it.
    """
    shown = safe(name, 200)
    if not name or "\0" in name:
        raise Misplaced("a program without a name, or with a zero byte in it")
    if "/" not in name:
        found = next((path for path in (os.path.join(item, name) for item in PATH) if os.path.isfile(path)), "")
        if not found:
            raise Misplaced(f"{shown}: no such program in {', '.join(PATH)}")
    elif os.path.isabs(name):
        found = name
    else:
        found = inside(name, folder)
    if not os.path.isfile(found):
        raise Misplaced(f"{shown}: no such program")
    if not os.access(found, os.X_OK):
        raise Misplaced(f"{shown}: it may not be executed (chmod u+x)")
    judge(found)
    return found


def working_folder(program: Program, folder: Path) -> str:
    """Where it runs: `cwd`, absolute or inside `folder`; `folder` itself without one. Raises Misplaced.

    Who may write `folder` is not judged here: where others may, nothing of it runs until somebody has read the very
    file and said so, and then its programs have a place to work in.
    """
    cwd = program.cwd
    if "\0" in cwd:
        raise Misplaced("a working directory with a zero byte in it")
    found = cwd if os.path.isabs(cwd) else inside(cwd or ".", folder)
    if not os.path.isdir(found):
        raise Misplaced(f"{safe(cwd or str(folder), 200)}: no such folder to work in")
    if cwd:
        judge(found)
    return found


def inside(name: str, folder: Path) -> str:
    """`name` in `folder`, links followed. Raises Misplaced when it leads out of it."""
    root = os.path.realpath(folder)
    found = os.path.realpath(os.path.join(root, name))
    if os.path.commonpath([root, found]) != root:
        raise Misplaced(f"{safe(name, 200)}: it leads out of the playbooks' folder {safe(root, 200)}")
    return found


def judge(path: str) -> None:
    """Raises Misplaced when somebody else than the user and root may put something else at `path`: by writing it, any
    folder above it, or a link on the way."""
    for _ in range(_LINKS):
        parent = os.path.realpath(os.path.dirname(os.path.abspath(path)))
        name = os.path.basename(os.path.abspath(path))
        path = os.path.join(parent, name) if name else parent
        link = os.path.islink(path)
        _judge_folders(parent, strict=link or not os.path.isdir(path))
        if not link:
            break
        path = os.path.join(parent, os.readlink(path))
    else:
        raise Misplaced(f"{safe(path, 200)}: too many links")
    _judge(path, os.stat(path))


def _judge_folders(folder: str, *, strict: bool) -> None:
    """A folder and those above it. In a sticky one, such as /tmp, nobody may replace what is another's; `strict`: but
    anybody may put something beside it."""
    while True:
        status = os.stat(folder)
        if strict or not status.st_mode & stat.S_ISVTX:
            _judge(folder, status)
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder, strict = above, False


def _judge(path: str, status: os.stat_result) -> None:
    shown = safe(path, 200)
    if status.st_uid not in (0, os.geteuid()):
        raise Misplaced(f"{shown} belongs to another user: only what is yours or root's may run")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(status.st_mode)
        raise Misplaced(f"{shown} has mode {mode:04o}: others can change it (chmod go-w)")
