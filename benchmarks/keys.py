"""From a key press to the first bytes that it caused on the terminal, and how many bytes in all.

    python benchmarks/keys.py

On the Overview's list, with every source down, and on the checklist of a run; and on the other screens: those that are
a page are so low that each key scrolls them by a row. Exits with 1 above a budget.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

P50_MS, P95_MS, BYTES = 10.0, 25.0, 2048
PRESSES = 60
SETTLING = 5.0
"""Seconds from the start to the first key."""


LOW = (140, 24)
"""Columns and rows where the Rollout and the Rollback screen scroll."""


class Place(NamedTuple):
    """Where keys are pressed: a program and its size, what it shows once it has started, and the key of a screen."""

    name: str
    command: tuple[str, ...]
    size: tuple[int, int]
    texts: tuple[str, ...]
    screen: str = ""


def pressed(child: _pty.Child, keys: tuple[str, ...], presses: int) -> tuple[float, float, int]:
    """Median and 95th percentile in milliseconds, and the bytes of the median key."""
    for key in keys:
        child.press(key)
    found = [child.press(keys[number % len(keys)]) for number in range(presses)]
    times = [seconds * 1e3 for seconds, _ in found]
    return (
        _pty.percentile(times, 0.5),
        _pty.percentile(times, 0.95),
        int(_pty.percentile([size for _, size in found], 0.5)),
    )


def places() -> tuple[Place, ...]:
    """All of them."""
    broken = [word for source in ("prometheus", "alertmanager", "health") for word in ("--break", source)]
    drill = (*_pty.DEMO, "--drill", "rollback")
    steps = ("Disable the flag", "Validate")
    return (
        Place("Overview", _pty.DEMO, _pty.SIZE, _pty.OVERVIEW),
        Place("run", drill, _pty.SIZE, steps),
        Place("run, sources down", (*drill, *broken), _pty.SIZE, steps),
        Place("Alerts", _pty.DEMO, _pty.SIZE, _pty.OVERVIEW, "5"),
        Place("SLOs", _pty.DEMO, _pty.SIZE, _pty.OVERVIEW, "9"),
        Place("Decision", _pty.DEMO, _pty.SIZE, _pty.OVERVIEW, "V"),
        Place("Rollout", _pty.DEMO, LOW, _pty.OVERVIEW[1:2], "0"),
        Place("Rollback", _pty.DEMO, LOW, _pty.OVERVIEW[1:2], "B"),
    )


def measured(presses: int = PRESSES, of_screens: int = PRESSES) -> Iterator[tuple[str, float, float, int]]:
    """(Where, p50, p95, bytes), with so many presses `of_screens` that are reached by a key. All programs are started
    first, and come to rest together."""
    with ExitStack() as running:
        children: dict[tuple[object, ...], _pty.Child] = {}
        for place in places():
            if (place.command, place.size) not in children:
                child = running.enter_context(_pty.Child(place.command, place.size))
                child.until(*place.texts)
                children[place.command, place.size] = child
        _pty.read_all(children.values(), SETTLING)
        for place in places():
            child = children[place.command, place.size]
            if place.screen:
                child.press(place.screen, quiet=0.2)
            yield place.name, *pressed(child, ("j", "k"), of_screens if place.screen else presses)


def figures(presses: int = PRESSES, of_screens: int = PRESSES) -> tuple[list[tuple[str, float, float, int]], str]:
    """All of them, and a line."""
    found = list(measured(presses, of_screens))
    shown = "; ".join(f"{where} p50 {p50:.1f} ms, p95 {p95:.1f} ms, {size} B" for where, p50, p95, size in found)
    return found, f"keys: {shown} (budget {P50_MS:g} ms, {P95_MS:g} ms, {BYTES} B)"


if __name__ == "__main__":
    found, line = figures()
    print(line)
    sys.exit(any(p50 > P50_MS or p95 > P95_MS or size > BYTES for _, p50, p95, size in found))
