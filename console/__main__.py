"""The entry point: `oncall` and `python -m console`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading


def main() -> None:
    """Runs the command line and exits."""
    from console.bootstrap.common import set_out

    set_out()
    from console.cli.main import run

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> None:
    """Ends the process. A source that hangs is left in a daemon thread: where C++ is on its stack, taking the
    interpreter down below it ends the process with SIGABRT. So nothing is taken down while there is one."""
    if not any(thread.daemon for thread in threading.enumerate()):
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
