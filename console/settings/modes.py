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
