"""The entry point: `oncall` and `python -m console`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Runs the command line and exits. The garbage collector rests until everything is imported."""
    gc.disable()
    from console.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
