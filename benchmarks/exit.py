"""From `q` until the process is gone, against the bare app.

python benchmarks/exit.py
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

BUDGET_MS = 150.0
PAIRS = 9


def left(command: tuple[str, ...], *texts: str, **variables: str) -> Callable[[], list[float]]:
    """Measures the milliseconds that leaving takes."""

    def measure() -> list[float]:
        with _pty.Child(command, **variables) as child:
            child.until(*texts)
            child.settle(0.2, 2.0)
            return [child.leave() * 1e3]

    return measure


def figures(pairs: int = PAIRS) -> tuple[float, str]:
    """Milliseconds more than the bare app, the worse of demo and live, and a line."""
    with _pty.live() as (command, home):
        (bare,), (demo,), (live,) = _pty.rounds(
            pairs,
            left(_pty.BARE, _pty.BARE_TEXT),
            left(_pty.DEMO, *_pty.OVERVIEW),
            left(command, *_pty.CLOSED, **home),
        )
    more = max(demo, live) - bare
    return more, (
        f"exit: bare {bare:.0f} ms, demo {demo:.0f} ms, live {live:.0f} ms: {more:+.0f} ms (budget {BUDGET_MS:+g}), "
        f"ratio {max(demo, live) / bare:.2f}"
    )


if __name__ == "__main__":
    found, line = figures()
    print(line)
    sys.exit(found > BUDGET_MS)
