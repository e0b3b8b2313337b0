"""From a key press to the first bytes that it caused on the terminal, and how many bytes in all.

    python benchmarks/keys.py

On the Overview's list, with every source down, and on the checklist of a run. Exits with 1 above a budget.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

P50_MS, P95_MS, BYTES = 10.0, 25.0, 2048
PRESSES = 60
SETTLING = 5.0
"""Seconds from the start to the first key."""


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


def measured(presses: int = PRESSES) -> Iterator[tuple[str, float, float, int]]:
    """(Where, p50, p95, bytes). All are started first, and come to rest together."""
    broken = [word for source in ("prometheus", "alertmanager", "health") for word in ("--break", source)]
    drill = (*_pty.DEMO, "--drill", "rollback")
    shown = ("Disable the flag", "Validate")
    places = (
        ("Overview", _pty.DEMO, _pty.OVERVIEW),
        ("run", drill, shown),
        ("run, sources down", (*drill, *broken), shown),
    )
    with ExitStack() as running:
        children = []
        for _, command, texts in places:
            children.append(running.enter_context(_pty.Child(command)))
            children[-1].until(*texts)
        _pty.read_all(children, SETTLING)
        for (where, _, _), child in zip(places, children, strict=True):
            yield where, *pressed(child, ("j", "k"), presses)


def figures(presses: int = PRESSES) -> tuple[list[tuple[str, float, float, int]], str]:
    """All of them, and a line."""
    found = list(measured(presses))
    shown = "; ".join(f"{where} p50 {p50:.1f} ms, p95 {p95:.1f} ms, {size} B" for where, p50, p95, size in found)
    return found, f"keys: {shown} (budget {P50_MS:g} ms, {P95_MS:g} ms, {BYTES} B)"


if __name__ == "__main__":
    found, line = figures()
    print(line)
    sys.exit(any(p50 > P50_MS or p95 > P95_MS or size > BYTES for _, p50, p95, size in found))
