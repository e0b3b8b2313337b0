"""From the start to the first paint, and to an Overview with data in every pane; the memory then; and from `q` until
the process is gone. The demo, and live with every source closed, against the bare app.

    python benchmarks/life.py

The three take turns, and each run of a program gives all its figures. Starts are warm, and cold (no bytecode of
anything). Exits with 1 above a budget.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

FIRST, FULL, COLD = 1.25, 2.0, 2.2
STARTS = ("demo first paint", "live first paint", "demo Overview", "live Overview", "demo Overview cold")
MEMORY_MB = 60.0
EXIT_MS = 150.0
PAIRS = 15
COLD_PAIRS = 9
MORE = 3
"""Pairs that follow where those were not enough."""
AFTER = 2.5
"""Seconds after the last start when memory is taken."""


class Program(NamedTuple):
    """A command, its variables, and the texts that each stage of its start paints."""

    command: tuple[str, ...]
    variables: dict[str, str]
    stages: tuple[tuple[str, ...], ...]


class Life(NamedTuple):
    """Seconds to each stage, resident MB and seconds of leaving."""

    painted: list[float]
    resident_mb: float
    leaving: float


Found = dict[str, tuple[float, float]]
"""Each figure's (value, budget)."""

BARE = Program(_pty.BARE, {}, ((_pty.BARE_TEXT,),))
DEMO = Program(_pty.DEMO, {}, ((_pty.DEMO_TEXT,), _pty.STARTED))


def lived(programs: Sequence[Program], reverse: bool = False, after: float = 0.0) -> list[Life]:
    """Of each, its life. One starts once the last has come to rest; none is left before all have been started."""
    order = list(reversed(range(len(programs)))) if reverse else list(range(len(programs)))
    with ExitStack() as running:
        children: dict[int, _pty.Child] = {}
        painted: dict[int, list[float]] = {}
        for index in order:
            command, variables, stages = programs[index]
            children[index] = child = running.enter_context(_pty.Child(command, **variables))
            painted[index] = [child.until(*texts) for texts in stages]
            child.settle(0.2, 2.0)
        _pty.read_all(children.values(), after)
        resident = {index: child.resident_mb for index, child in children.items()}
        leaving = {}
        for index in order:
            children[index].read_waiting()
            leaving[index] = children[index].leave()
    return [Life(painted[index], resident[index], leaving[index]) for index in range(len(programs))]


def cold_start(program: Program, copies: int) -> list[float]:
    """Seconds until the last stage is painted, of several copies at a time, each with a cache of its own."""
    with ExitStack() as running:
        caches = [running.enter_context(tempfile.TemporaryDirectory()) for _ in range(copies)]
        return _pty.until_each(
            [
                running.enter_context(
                    _pty.Child(program.command, **program.variables, PYTHONPYCACHEPREFIX=cache)  # a fresh one
                )
                for cache in caches
            ],
            *program.stages[-1],
        )


def figures(
    pairs: int = PAIRS,
    cold_pairs: int = COLD_PAIRS,
    copies: int = 1,
    most: int = 1,
    enough: Callable[[Found], bool] = lambda _: True,
) -> tuple[Found, str]:
    """All of them, and a line each for start, memory and exit. Cold, so many `copies` of one program start at a time:
    what they take from each other, they take from floor and console alike. While they are not `enough`, more pairs
    follow, up to `most` times as many: the medians are of all of them."""
    taken: list[list[Life]] = []
    colds: list[list[float]] = [[], []]
    with _pty.live() as (command, home):
        programs = (BARE, DEMO, Program(command, home, ((_pty.LIVE_TEXT,), _pty.CLOSED)))
        resident = [life.resident_mb for life in lived(programs, after=AFTER)]
        while True:
            for number in range(len(taken), len(taken) + (MORE if taken else pairs)):
                taken.append(lived(programs, reverse=number % 2 == 1))
            for number in range(-(-(MORE if colds[0] else cold_pairs) // copies)):
                for index in (0, 1) if number % 2 == 0 else (1, 0):
                    colds[index] += cold_start((BARE, DEMO)[index], copies)
            found, line = _of(taken, colds, resident)
            if enough(found) or len(taken) >= most * pairs:
                return found, line


def _of(taken: list[list[Life]], colds: list[list[float]], resident: list[float]) -> tuple[Found, str]:
    bare_mb, demo_mb, live_mb = resident
    (floor,), (demo_first, demo_full), (live_first, live_full) = (
        [median(times) for times in zip(*(life.painted for life in lives), strict=True)]
        for lives in zip(*taken, strict=True)
    )
    bare_ms, demo_ms, live_ms = (median(life.leaving * 1e3 for life in lives) for lives in zip(*taken, strict=True))
    cold, demo_cold = map(median, colds)
    found = {
        "demo first paint": (demo_first / floor, FIRST),
        "live first paint": (live_first / floor, FIRST),
        "demo Overview": (demo_full / floor, FULL),
        "live Overview": (live_full / floor, FULL),
        "demo Overview cold": (demo_cold / cold, COLD),
        "memory": (max(demo_mb, live_mb), MEMORY_MB),
        "exit": (max(demo_ms, live_ms) - bare_ms, EXIT_MS),
    }
    starts = ", ".join(f"{name} {ratio:.2f}x (budget {budget})" for name in STARTS for ratio, budget in [found[name]])
    return found, (
        f"start: bare {floor * 1e3:.0f} ms, cold {cold * 1e3:.0f} ms; {starts}\n"
        f"memory: bare {bare_mb:.1f} MB, demo {demo_mb:.1f} MB, live {live_mb:.1f} MB resident "
        f"(budget {MEMORY_MB:g}), ratio {max(demo_mb, live_mb) / bare_mb:.2f}\n"
        f"exit: bare {bare_ms:.0f} ms, demo {demo_ms:.0f} ms, live {live_ms:.0f} ms: {found['exit'][0]:+.0f} ms "
        f"(budget {EXIT_MS:+g}), ratio {max(demo_ms, live_ms) / bare_ms:.2f}"
    )


if __name__ == "__main__":
    found, line = figures()
    print(line)
    sys.exit(any(value > budget for value, budget in found.values()))
