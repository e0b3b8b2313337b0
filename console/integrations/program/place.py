"""Where a program is, and whether somebody else could put another in its place."""

from __future__ import annotations

import os
from pathlib import Path

from console.model.playbook import Program
from console.model.text import safe
from console.settings.modes import judged_way

PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where programs are looked for; the console's own PATH may hold anything."""


class Misplaced(Exception):
    """It may not run: one safe line that says why."""


def executable(name: str, folder: Path) -> str:
    """The path of the program called `name`: on `PATH`, absolute, or relative to `folder` and inside it. It is the one
    that was judged, with every link followed.

    Raises Misplaced when it is not there, is no program, or somebody else than the user and root may change it, a
    folder on the way to it, or a link that leads to it.
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
    found = judge(found)
    if not os.access(found, os.X_OK):
        raise Misplaced(f"{shown}: it may not be executed (chmod u+x)")
    return found


def working_folder(program: Program, folder: Path) -> str:
    """Where it runs, with every link followed: `cwd`, absolute or inside `folder`; `folder` itself without one. Raises
    Misplaced when it is not there or somebody else may write it: a program takes much from where it works."""
    cwd = program.cwd
    if "\0" in cwd:
        raise Misplaced("a working directory with a zero byte in it")
    found = cwd if os.path.isabs(cwd) else inside(cwd or ".", folder)
    if not os.path.isdir(found):
        raise Misplaced(f"{safe(cwd or str(folder), 200)}: no such folder to work in")
    return judge(found)


def arguments(program: Program, folder: str) -> None:
    """Raises Misplaced when an argument names a file, absolute or from the working folder, that somebody else may
    write: it may be the script that the program runs. So with what stands behind `=`, as in `--file=x`; a folder is
    judged when it lies in the working folder. What is neither, such as a device or a socket, is not."""
    for argument in program.argv[1:]:
        for name in {argument, argument.partition("=")[2]} - {""}:
            path = os.path.join(folder, name)
            real = os.path.realpath(path)
            if os.path.isfile(real) or (os.path.isdir(real) and os.path.commonpath([real, folder]) == folder):
                try:
                    judge(path)
                except Misplaced as wrong:
                    raise Misplaced(f"the argument {safe(argument, 100)}: {wrong}") from None


def inside(name: str, folder: Path) -> str:
    """`name` in `folder`, as it is named. Raises Misplaced when it leads out of it."""
    root = os.path.realpath(folder)
    found = os.path.join(folder, name)
    if os.path.commonpath([root, os.path.realpath(found)]) != root:
        raise Misplaced(f"{safe(name, 200)}: it leads out of the playbooks' folder {safe(root, 200)}")
    return found


def judge(path: str) -> str:
    """What the path leads to. Raises Misplaced when somebody else than the user and root may put something else there:
    by writing it, any folder on the way, or a link."""
    real, others = judged_way(path, sticky=True)
    if others:
        raise Misplaced(safe(f"{others}: only what you and root alone may change may run (chmod go-w)", 400))
    return real
