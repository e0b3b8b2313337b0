"""The process that does the statistics: scipy takes seconds and 110 MB to import, which no console is to pay for.

One job on each line of its input, one answer on each line of its output, JSON both. It ends when its input does, in the
midst of a job, too: nothing of it outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import IO, Any


def main() -> None:
    """Answers jobs until the input ends."""
    source, out = sys.stdin.buffer, sys.stdout.buffer
    jobs: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_hear, args=(source, jobs), daemon=True).start()
    try:
        from console.reports.baseline import stats
    except ImportError as error:
        _say(out, {"missing": error.name or "scipy"})
        return
    _say(out, {"ready": True})
    while True:
        try:
            answer: dict[str, Any] = stats.answer(json.loads(jobs.get()))
        except Exception as error:  # said, so that whoever waits does not wait for ever
            answer = {"error": f"{type(error).__name__}: {error}"}
        _say(out, answer)


def _hear(source: IO[bytes], jobs: queue.Queue[bytes]) -> None:
    for line in source:
        jobs.put(line)
    os._exit(0)


def _say(out: IO[bytes], answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
