"""From the start to the first paint, and to an Overview with data in every pane, against the bare app's first paint.

    python benchmarks/start.py

Warm, and cold (no bytecode of anything); the demo, and live with every source closed. Exits with 1 above a budget.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

Measure = Callable[[], Sequence[float]]
FIRST, FULL, COLD = 1.25, 2.0, 2.2
PAIRS = 15
COLD_PAIRS = 9


def painted(command: tuple[str, ...], *stages: tuple[str, ...], cold: bool = False, **variables: str) -> Measure:
    """Measures seconds from exec until the texts of each stage are on the terminal."""

    def measure() -> list[float]:
        with tempfile.TemporaryDirectory() as cache:
            more = {**variables, "PYTHONPYCACHEPREFIX": cache} if cold else variables
            with _pty.Child(command, **more) as child:
                return [child.until(*texts) for texts in stages]

    return measure


def ratios(pairs: int = PAIRS, cold_pairs: int = COLD_PAIRS) -> tuple[dict[str, tuple[float, float]], str]:
    """Each figure's (ratio, budget), and a line with all figures."""
    bare, demo = (_pty.BARE, (_pty.BARE_TEXT,)), (_pty.DEMO, (_pty.DEMO_TEXT,), _pty.OVERVIEW)
    with _pty.live() as (command, home):
        warm = (painted(*bare), painted(*demo), painted(command, (_pty.LIVE_TEXT,), _pty.CLOSED, **home))
        _pty.rounds(1, *warm)
        (floor,), (demo_first, demo_full), (live_first, live_full) = _pty.rounds(pairs, *warm)
    (cold,), (_, demo_cold) = _pty.rounds(cold_pairs, painted(*bare, cold=True), painted(*demo, cold=True))
    found = {
        "demo first paint": (demo_first / floor, FIRST),
        "live first paint": (live_first / floor, FIRST),
        "demo Overview": (demo_full / floor, FULL),
        "live Overview": (live_full / floor, FULL),
        "demo Overview cold": (demo_cold / cold, COLD),
    }
    figures = ", ".join(f"{name} {ratio:.2f}x (budget {budget})" for name, (ratio, budget) in found.items())
    return found, f"start: bare {floor * 1e3:.0f} ms, cold {cold * 1e3:.0f} ms; {figures}"


if __name__ == "__main__":
    found, line = ratios()
    print(line)
    sys.exit(any(ratio > budget for ratio, budget in found.values()))
