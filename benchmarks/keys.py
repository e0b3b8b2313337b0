"""From a key press to the first bytes that it caused on the terminal, and how many bytes in all.

    python benchmarks/keys.py

On the Overview's list, with every source down, and on the checklist of a run. Exits with 1 above a budget.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

P50_MS, P95_MS, BYTES = 10.0, 25.0, 2048
PRESSES = 60


def pressed(child: _pty.Child, keys: tuple[str, ...], presses: int) -> tuple[float, float, int]:
    """Median and 95th percentile in milliseconds, and the bytes of the median key."""
    child.settle(1.2, 5.0)
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
    """(Where, p50, p95, bytes)."""
    broken = [word for source in ("prometheus", "alertmanager", "health") for word in ("--break", source)]
    with _pty.Child(_pty.DEMO) as child:
        child.until(*_pty.OVERVIEW)
        yield "Overview", *pressed(child, ("j", "k"), presses)
    for where, more in (("run", []), ("run, sources down", broken)):
        with _pty.Child((*_pty.DEMO, "--drill", "rollback", *more)) as child:
            child.until("Disable the flag", "Validate")
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
