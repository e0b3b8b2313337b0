"""`oncall --help` against `python -c pass`, and that it loads no Textual.

python benchmarks/help.py
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

BUDGET = 10.0
"""Click and asyncio cost several times what an empty interpreter does; Textual would more than double it."""
PAIRS = 15
_LOADED = """
import sys
from console.cli.main import run
code = run(["--help"])
sys.exit(code or any(name.partition(".")[0] in ("textual", "rich", "httpx", "yaml") for name in sys.modules))
"""


def ran(*arguments: str) -> Callable[[], list[float]]:
    """Measures the seconds of a Python process."""

    def measure() -> list[float]:
        start = time.perf_counter()
        subprocess.run(
            (sys.executable, *arguments), env=_pty.environment(), cwd=_pty.REPO, check=True, stdout=subprocess.DEVNULL
        )
        return [time.perf_counter() - start]

    return measure


def figures(pairs: int = PAIRS) -> tuple[float, str]:
    """The ratio, and a line. Raises CalledProcessError where something heavy was loaded."""
    ran("-c", _LOADED)()
    (floor,), (help_,) = _pty.rounds(pairs, ran("-c", "pass"), ran("-m", "console", "--help"))
    found = help_ / floor
    return found, (
        f"help: python -c pass {floor * 1e3:.0f} ms, --help {help_ * 1e3:.0f} ms, no Textual, "
        f"ratio {found:.1f} (budget {BUDGET:g})"
    )


if __name__ == "__main__":
    found, line = figures()
    print(line)
    sys.exit(found > BUDGET)
