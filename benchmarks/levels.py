"""What service levels cost: requests, time against one query for each number, and keys while 500 of them refresh.

    python benchmarks/levels.py

Asks a real Prometheus (make servers) with a month of history of 50 services, and hours of 450 more. Takes about two
minutes. Exits with 1 above a goal.
"""

import asyncio
import http.client
import json
import random
import re
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty
from console.engine.clocks import SystemClock
from console.engine.filling import Filling
from console.engine.metrics import MetricRounds
from console.engine.offload import in_place
from console.integrations.prometheus import Prometheus
from console.model.sli import of_counters
from console.model.slo import Objective
from console.model.window import Rolling
from console.settings.config import HttpSource
from tests import servers

FEW, MANY = 50, 500
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")
FIRST, STEADY, STEADY_MANY, CHEAPER, KEYS = 3, 2, 6, 20.0, 2.0
"""Goals: requests to the first gauges and of a round, of `FEW` and of `MANY`; how many times cheaper than a query for
each number; how many times its quiet figure a key may take."""
ROUNDS, PRESSES = 12, 105


def history(few: int = FEW, many: int = MANY, days: int = 30) -> str:
    """OpenMetrics text: two counters a service, every minute of the last hours, and of the first `few` every five
    minutes before that."""
    now = int(time.time()) // 60 * 60
    recent = range(now - 7 * 3600, now + 900, 60)
    older = range((now - days * 86_400) // 300 * 300, now - 7 * 3600, 300)  # at the ends of slices
    lines = ["# TYPE calls counter"]
    for number in range(many):
        for code, rate in (("200", 10.0 + number % 7), ("500", 0.001 * (number % 5))):
            name = f'calls_total{{service="s{number}",code="{code}"}}'
            for at in (*(older if number < few else ()), *recent):
                lines.append(f"{name} {rate * (at - now + days * 86_400):.3f} {at}")
    return "\n".join([*lines, "# EOF\n"])


def objectives(count: int) -> list[Objective]:
    """One for each service."""
    found = []
    for number in range(count):
        total = f'calls_total{{service="s{number}"}}'
        sli = of_counters(total, bad=total.replace("}", ',code="500"}'))
        window = Rolling(timedelta(days=30))
        found.append(Objective(f"s{number}", f"S{number}", "s", 0.999, window, "Occurrences", sli))
    return found


def requests(server: servers.Prometheus) -> int:
    """How many queries the server has answered."""
    text = servers.request(server.address, "GET", "/metrics")
    found = re.findall(r'prometheus_http_requests_total\{code="\d+",handler="/api/v1/query(?:_range)?"\} (\S+)', text)
    return round(sum(map(float, found)))


class Asked:
    """Rounds on the real server, and what they cost."""

    def __init__(self, server: servers.Prometheus, count: int) -> None:
        clock = SystemClock()
        self.server = server
        self.source = Prometheus(HttpSource("prometheus", server.url, timeout=timedelta(seconds=20)), clock)
        self.rounds = MetricRounds(self.source, objectives(count), None, clock, None, server.url)
        self.source.read([])  # httpx is imported by the first request
        self.filling = Filling(self.rounds.levels, clock, in_place, self._told)

    async def _told(self) -> None:
        pass

    def round(self) -> tuple[int, float, float]:
        """Requests, milliseconds, and those of our own CPU."""
        before = requests(self.server)
        began, cpu = time.perf_counter(), time.process_time()
        self.answers = self.rounds.read()
        taken, own = (time.perf_counter() - began) * 1e3, (time.process_time() - cpu) * 1e3
        return requests(self.server) - before, taken, own


def each_ms(server: servers.Prometheus, count: int = FEW) -> tuple[float, int]:
    """Milliseconds for one query per number, over one connection, one after the other, and how many there were."""
    connection = http.client.HTTPConnection(server.address)
    numbers = 0
    began = time.perf_counter()
    for item in objectives(count):
        for window in WINDOWS:
            part, total = (text.replace("$window", window) for text in (item.sli.part, item.sli.total))
            body = urlencode({"query": f"({part}) / ({total})"})
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/api/v1/query", body, headers)
            found = json.loads(connection.getresponse().read())
            numbers += len(found["data"]["result"])
    taken = (time.perf_counter() - began) * 1e3
    connection.close()
    return taken, numbers


def costs(server: servers.Prometheus) -> tuple[bool, list[str]]:
    """Requests, and time against one query for each number."""
    asked = Asked(server, FEW)
    first, first_ms, _ = asked.round()
    good = first <= FIRST and all(gauge.burn.value is not None for gauge in asked.answers.gauges)
    before, began = requests(server), time.perf_counter()
    asyncio.run(asked.filling.finish(10_000))
    filled, seconds = requests(server) - before, time.perf_counter() - began
    covered = min(gauge.coverage or 0.0 for gauge in asked.rounds.again(asked.answers).gauges)
    rounds = [asked.round() for _ in range(ROUNDS)]
    counted, round_ms = max(count for count, _, _ in rounds), median(taken for _, taken, _ in rounds)
    own_ms = median(own for _, _, own in rounds)
    alone_ms, numbers = each_ms(server)
    ratio = alone_ms / round_ms
    good = good and counted <= STEADY and ratio >= CHEAPER and covered > 0.99
    return good, [
        f"{FEW} SLOs: first gauges {first} requests (goal {FIRST}), {first_ms:.0f} ms; a round {counted}"
        f" (goal {STEADY}), {round_ms:.1f} ms, {own_ms:.1f} ms of our CPU",
        f"{FEW} SLOs: 30 d in the background in {filled} requests, {seconds:.1f} s without the pauses,"
        f" {covered:.1%} covered",
        f"{FEW} SLOs x {len(WINDOWS)} windows: {numbers} queries, one for each number, take {alone_ms:.0f} ms:"
        f" {ratio:.0f}x (goal {CHEAPER:g}x)",
    ]


def many(server: servers.Prometheus) -> tuple[bool, str]:
    """Requests of rounds with many objectives."""
    asked = Asked(server, MANY)
    first, first_ms, _ = asked.round()
    rounds = [asked.round() for _ in range(ROUNDS // 2)]
    asked.rounds.levels._range_at = None  # the last slices are due, as once a minute
    rounds.append(asked.round())
    most, round_ms = max(count for count, _, _ in rounds), median(taken for _, taken, _ in rounds)
    own_ms = median(own for _, _, own in rounds)
    burning = sum(gauge.burn.value is not None for gauge in asked.answers.gauges)
    good = max(first, most) <= STEADY_MANY and burning == MANY
    return good, (
        f"{MANY} SLOs: first {first} requests, {first_ms:.0f} ms; a round at most {most} (goal {STEADY_MANY}),"
        f" {round_ms:.0f} ms, {own_ms:.0f} ms of our CPU"
    )


# -- keys -------------------------------------------------------------------------------------------------------------

_SLO = """apiVersion: openslo/v1
kind: SLO
metadata: {{name: s{number}}}
spec:
  service: lighthouse
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad: {{metricSource: {{type: Prometheus, spec: {{query: 'calls_total{{service="s{number}",code="500"}}'}}}}}}
        total: {{metricSource: {{type: Prometheus, spec: {{query: 'calls_total{{service="s{number}"}}'}}}}}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: 0.999}}]
"""


@contextmanager
def console(url: str):
    """The console on a terminal, with `MANY` objectives that are read every two seconds, where a server is at `url`."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        _pty.init(config)
        main = config / "console.yaml"
        text = main.read_text().replace("http://127.0.0.1:9090\n", f"{url}\n", 1)
        main.write_text(text.replace("interval: 15s ", "interval: 2s ", 1).replace("timeout: 5s", "timeout: 20s", 1))
        text = "---\n".join(_SLO.format(number=number) for number in range(MANY))
        (config / "slo" / "many.yaml").write_text(text)
        journal = Path(folder) / "record" / "journal.db"
        command = (*_pty.ONCALL, "--config", str(config), "--journal", str(journal))
        with _pty.Child(command) as running:
            running.until("oncall", timeout=60.0)
            _pty.read_all([running], 12.0)
            yield running


def p99_ms(running: _pty.Child, presses: int) -> float:
    """The 99th percentile of a key, which shows another screen, to its first bytes."""
    keys = [running.press("67"[number % 2], quiet=0.01 + 0.02 * random.random()) for number in range(presses)]
    return _pty.percentile([seconds * 1e3 for seconds, _ in keys], 0.99)


def keys(server: servers.Prometheus, presses: int = PRESSES, rounds: int = 3) -> tuple[bool, str]:
    """Keys while the objectives are read every two seconds and their month in the background, against keys of a console
    that has as many, and no server; in turn."""
    pairs = []
    with console(server.url) as loud, console("http://127.0.0.1:9") as quiet:
        for _ in range(rounds):
            pairs.append((p99_ms(quiet, presses), p99_ms(loud, presses)))
            _pty.read_all([loud, quiet], 0.5)
    ratio = median(late / early for early, late in pairs)
    still, moving = (median(pair[at] for pair in pairs) for at in (0, 1))
    return ratio <= KEYS, (
        f"keys with {MANY} SLOs: p99 {moving:.1f} ms while they are read every 2 s and filled, {still:.1f} ms quiet:"
        f" {ratio:.2f}x (goal {KEYS:g}x, median of {rounds})"
    )


def main() -> int:
    good = True
    with tempfile.TemporaryDirectory() as folder, servers.Prometheus(Path(folder), history=history()) as server:
        found, lines = costs(server)
        print("\n".join(lines), flush=True)
        good &= found
        for part in (many, keys):
            found, line = part(server)
            print(line, flush=True)
            good &= found
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
