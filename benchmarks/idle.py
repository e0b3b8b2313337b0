"""CPU and bytes of a console that nobody touches: live with no run and no alert, and the demo.

    python benchmarks/idle.py

CPU is the process's own (/proc), so neighbours do not count. Exits with 1 above a budget.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

IDLE, DEMO = 0.3, 1.5
SECONDS = 30.0
SETTLING = 6.0
"""Seconds after the start that are not idle yet."""


class Quiet(BaseHTTPRequestHandler):
    """Every source at once, with nothing to tell but that alerting works."""

    def do_GET(self) -> None:
        if self.path.startswith("/api/v2"):
            started = "2026-01-01T00:00:00Z"
            alert = {
                "fingerprint": "1",
                "labels": {"alertname": "Watchdog", "severity": "none"},
                "annotations": {},
                "startsAt": started,
                "updatedAt": started,
                "endsAt": started,
                "generatorURL": "",
                "receivers": [{"name": "all"}],
                "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
            }
            answer: object = [{"labels": {}, "receiver": {"name": "all"}, "alerts": [alert]}]
        else:
            answer = {"status": "success", "data": {"resultType": "vector", "result": []}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def quiet() -> Iterator[str]:
    """The address of a server where nothing happens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def watched(children: Sequence[_pty.Child], seconds: float) -> list[tuple[float, int]]:
    """Of each, percent of a CPU and bytes written, within one minute by the clock: the header's HH:MM may not move."""
    left = 60.0 - time.time() % 60.0
    if left < seconds + 2.0:
        _pty.read_all(children, left + 1.0)
    _pty.read_all(children, 0.2)
    cpu, written = [child.cpu for child in children], [len(child.raw) for child in children]
    time.sleep(seconds)
    used = [100.0 * (child.cpu - before) / seconds for child, before in zip(children, cpu, strict=True)]
    _pty.read_all(children, 0.2)
    return [(percent, len(child.raw) - before) for percent, child, before in zip(used, children, written, strict=True)]


Found = tuple[float, int, float]
"""Idle percent and bytes, and the demo's percent."""


def figures(
    seconds: float = SECONDS, most: int = 1, enough: Callable[[Found], bool] = lambda _: True
) -> tuple[Found, str]:
    """All of them, and a line. While they are not `enough`, the same programs are watched again, up to `most` times:
    of each figure the least counts, because what a busy machine does to a process, it adds."""
    with (
        quiet() as address,
        _pty.live(address) as (command, home),
        _pty.Child(command, **home) as live,
        _pty.Child(_pty.DEMO) as demo,
        _pty.Child(_pty.BARE) as bare,
    ):
        live.until("engine:", "alertmanager  ok", "wait-for-messages   up")
        demo.until(*_pty.OVERVIEW)
        bare.until(_pty.BARE_TEXT)
        _pty.read_all((live, demo, bare), SETTLING)
        rounds: list[list[tuple[float, int]]] = []
        while True:
            rounds.append(watched((live, demo, bare), seconds))
            (idle, idle_bytes), (busy, busy_bytes), (floor, _) = (
                (min(percent for percent, _ in of_one), min(written for _, written in of_one))
                for of_one in zip(*rounds, strict=True)
            )
            if enough((idle, idle_bytes, busy)) or len(rounds) == most:
                break
    line = (
        f"idle: bare {floor:.2f} % CPU; live {idle:.2f} % (budget {IDLE}), {idle_bytes} bytes (budget 0), "
        f"ratio {idle / floor if floor else 0.0:.1f}; demo {busy:.2f} % (budget {DEMO}), "
        f"{busy_bytes / seconds:.0f} bytes/s"
    )
    return (idle, idle_bytes, busy), line


if __name__ == "__main__":
    (idle, idle_bytes, demo), line = figures()
    print(line)
    sys.exit(idle > IDLE or idle_bytes > 0 or demo > DEMO)
