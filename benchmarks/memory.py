"""Resident memory some seconds after the start, beside the bare app's.

python benchmarks/memory.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

BUDGET_MB = 60.0


def resident(command: tuple[str, ...], *texts: str, **variables: str) -> float:
    """Megabytes once the texts are painted and it has settled."""
    with _pty.Child(command, **variables) as child:
        child.until(*texts)
        child.read_for(2.5)
        return child.resident_mb


def figures() -> tuple[float, str]:
    """The larger of demo and live, and a line."""
    bare = resident(_pty.BARE, _pty.BARE_TEXT)
    demo = resident(_pty.DEMO, *_pty.OVERVIEW)
    with _pty.live() as (command, home):
        live = resident(command, *_pty.CLOSED, **home)
    found = max(demo, live)
    return found, (
        f"memory: bare {bare:.1f} MB, demo {demo:.1f} MB, live {live:.1f} MB resident (budget {BUDGET_MB:g}), "
        f"ratio {found / bare:.2f}"
    )


if __name__ == "__main__":
    found, line = figures()
    print(line)
    sys.exit(found > BUDGET_MB)
