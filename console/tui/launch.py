"""The way in: prepares the terminal's environment before Textual is imported, runs the app, says how it ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any


def utf8(environ: Mapping[str, str]) -> bool:
    """Whether the locale writes UTF-8; otherwise marks and lines are ASCII."""
    # Python itself sets LC_CTYPE so where the locale is C (PEP 538); the terminal is none the wiser.
    coerced = environ.get("LC_CTYPE") == "C.UTF-8" and environ.get("LANG") in ("C", "POSIX")
    chosen = environ.get("LC_ALL") or ("" if coerced else environ.get("LC_CTYPE")) or environ.get("LANG") or ""
    return "utf-8" in chosen.lower() or "utf8" in chosen.lower()


def run(start: Any, **options: Any) -> int:
    """Runs the console on the terminal until it is left. The options are those of `tui.app.ConsoleApp`. The exit code:
    0, 1 after a crash or when the engine cannot be had, 128 + n after signal n."""
    # 120 frames a second take the tail off the key latency; over a slow link set TEXTUAL_FPS lower.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    options.setdefault("ascii_marks", not utf8(os.environ))
    from console.tui.app import ConsoleApp

    async def work() -> int:
        app = ConsoleApp(start, **options)
        try:
            await app.run_async()
        finally:
            await app.stop_engine()
        return app.return_code or 0

    return asyncio.run(work())
