"""A refresh with 10,000 alerts of a real Alertmanager: fetch, decode, diff, merge and order.

Beside the bare fetch with a typed decode of the same fields, and beside `amtool alert query`, each in the same rounds;
then the memory that 10,000 alerts cost, and whether it stays bounded while 1 % of them change with every refresh.

python benchmarks/alerts_refresh.py
"""

import ctypes
import gc
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from console.engine.clocks import SystemClock
from console.integrations.alertmanager import Alertmanager
from console.model.board import AlertFeed
from console.model.feed import merge
from console.model.reading import ReadingState
from console.settings.outside import HttpSource
from console.view.alerts import ordered
from tests import servers

COUNT = 10_000
ROUNDS = 11
FLOOR_BUDGET, AMTOOL_BUDGET = 1.6, 1.0
MEMORY_MB, GROWTH_MB = 20.0, 5.0
REFRESHES = 500
M_TRIM_THRESHOLD = -1
"""Of malloc.h."""
FLAGS = {"active": "true", "silenced": "true", "inhibited": "true"}


class Status(msgspec.Struct):
    state: str
    silencedBy: list[str]
    inhibitedBy: list[str]


class Receiver(msgspec.Struct):
    name: str


class WholeAlert(msgspec.Struct):
    fingerprint: str
    startsAt: datetime
    generatorURL: str
    status: Status
    receivers: list[Receiver]
    labels: dict[str, str]
    annotations: dict[str, str]


class WholeGroup(msgspec.Struct):
    labels: dict[str, str]
    alerts: list[WholeAlert]


WHOLE = msgspec.json.Decoder(list[WholeGroup])


def alert(number: int, generation: int = 0) -> dict[str, object]:
    """As Prometheus sends one: 7 labels, 3 annotations."""
    return {
        "labels": {
            "alertname": f"Alert{number % 50}",
            "severity": ("critical", "warning", "info")[number % 3],
            "service": f"svc{number % 20}",
            "pod": f"svc{number % 20}-{number:05}-{generation}",
            "instance": f"10.0.{number // 250}.{number % 250}:9090",
            "cluster": "eu-1",
            "team": f"team{number % 9}",
        },
        "annotations": {
            "summary": f"svc{number % 20}-{number:05}-{generation} is slow",
            "description": f"The 99th percentile of svc{number % 20}-{number:05}-{generation} is above half a second, "
            "and has been for more than ten minutes.",
            "runbook_url": f"https://runbooks.example/Alert{number % 50}",
        },
        "generatorURL": f"http://prometheus.example/graph?g0.expr=alert{number % 50}&g0.tab=1",
    }


def source_of(url: str) -> Alertmanager:
    return Alertmanager(HttpSource("alertmanager", url, timeout=timedelta(seconds=30)), "Watchdog", SystemClock())


def refresh(source: Alertmanager) -> int:
    """What the console does with one answer."""
    snapshot = merge([source.read()])
    return len(ordered(AlertFeed(snapshot.alerts, ReadingState.OK, snapshot.at)))


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def speed(folder: Path, rounds: int = ROUNDS) -> dict[str, float]:
    """Medians in seconds: the refresh, the bare fetch with typed decode, and amtool, taken in turn."""
    with servers.Alertmanager(folder) as server:
        for start in range(0, COUNT, 1_000):
            server.post_alerts(alert(number) for number in range(start, start + 1_000))
        source = source_of(server.url)
        assert refresh(source) == COUNT

        def bare() -> None:
            body = source.http.ask("GET", "api/v2/alerts/groups", params=FLAGS).body
            assert sum(len(group.alerts) for group in WHOLE.decode(body)) == COUNT

        def amtool() -> None:
            binary = servers.amtool_binary()
            command = [binary, f"--alertmanager.url={server.url}", "alert", "query", "-o", "json"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        found: dict[str, list[float]] = {"refresh": [], "floor": [], "amtool": []}
        for _ in range(rounds):
            found["refresh"].append(seconds(lambda: refresh(source)))
            found["floor"].append(seconds(bare))
            found["amtool"].append(seconds(amtool))
    return {name: median(times) for name, times in found.items()}


@contextmanager
def changing(count: int) -> Iterator[str]:
    """An Alertmanager's answers of which 1 % of the alerts are others each time, without Alertmanager's own pace."""
    dice = random.Random(1)
    now = datetime.now(UTC).isoformat()
    generations = [0] * count

    def item(number: int) -> bytes:
        status = {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
        fingerprint = f"{number:08x}{generations[number]:08x}"
        whole = {"fingerprint": fingerprint, "startsAt": now, "updatedAt": now, "endsAt": now, "status": status}
        return json.dumps({**alert(number, generations[number]), **whole, "receivers": [{"name": "team"}]}).encode()

    items = [item(number) for number in range(count)]
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                body = b"{}"
                if "groups" in self.path:
                    for number in dice.sample(range(count), count // 100):
                        generations[number] += 1
                        items[number] = item(number)
                    body = b'[{"labels":{"alertname":"All"},"receiver":{"name":"team"},"alerts":['
                    body += b",".join(items) + b"]}]"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def held_mb() -> float:
    """What is still resident once all that nobody uses has been given back: by the collector, and by malloc, which
    keeps what was freed between two pieces that were not.

    malloc_trim leaves the free top of a thread's own arena, up to twice the largest answer so far, now and then: from
    the first call on, malloc gives that back by itself."""
    libc = ctypes.CDLL(None)
    gc.collect()
    libc.mallopt(M_TRIM_THRESHOLD, 128 * 1024)
    libc.malloc_trim(0)
    return resident_mb()


def keep_refreshing(url: str, marks: tuple[int, ...], out: "multiprocessing.connection.Connection") -> None:
    """In a process of its own: refreshes, and tells after as many as `marks` say what is resident, and what of it is
    held."""
    source = source_of(url)
    for count in range(1, max(marks) + 1):
        refresh(source)
        if count in marks:
            out.send((resident_mb(), held_mb()))


def memory(count: int, marks: tuple[int, ...]) -> list[tuple[float, float]]:
    """What is resident, and what of it is held, in MB, after so many refreshes of `count` alerts."""
    context = multiprocessing.get_context("spawn")
    with changing(count) as url:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=keep_refreshing, args=(url, marks, theirs))
        child.start()
        theirs.close()
        found = [ours.recv() for _ in marks]
        child.join()
    return found


def figures() -> tuple[dict[str, float], str]:
    """The figures that have budgets, and lines about them."""
    with tempfile.TemporaryDirectory() as folder:
        took = speed(Path(folder))
    ((empty, _),) = memory(0, (5,))
    (early, _), (_, held), (_, later) = memory(COUNT, (5, 7, REFRESHES))
    found = {
        "floor": took["refresh"] / took["floor"],
        "amtool": took["refresh"] / took["amtool"],
        "memory": early - empty,
        "growth": later - held,
    }
    lines = (
        f"refresh of {COUNT} alerts: {took['refresh'] * 1e3:.0f} ms; "
        f"fetch and typed decode {took['floor'] * 1e3:.0f} ms, ratio {found['floor']:.2f} (budget {FLOOR_BUDGET:g}); "
        f"amtool {took['amtool'] * 1e3:.0f} ms, ratio {found['amtool']:.2f} (budget {AMTOOL_BUDGET:g})\n"
        f"memory of {COUNT} alerts: {found['memory']:.1f} MB above {empty:.1f} MB (budget {MEMORY_MB:g}); "
        f"after {REFRESHES} refreshes of which each changed 1 %: {found['growth']:+.1f} MB held (budget {GROWTH_MB:g})"
    )
    return found, lines


if __name__ == "__main__":
    measured, text = figures()
    print(text)
    budgets = {"floor": FLOOR_BUDGET, "amtool": AMTOOL_BUDGET, "memory": MEMORY_MB, "growth": GROWTH_MB}
    sys.exit(any(measured[name] > budget for name, budget in budgets.items()))
