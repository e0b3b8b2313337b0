"""A small real lighthouse for end-to-end tests: an exporter with the migration's own metrics and health endpoints,
watched by a real Prometheus and Alertmanager, and by the console through a copy of the example configuration."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

from console.settings.load import init
from tests.servers import Alertmanager, Exporter, Prometheus, wait_until
from tests.tty.site import in_this_process

COMPONENTS = ("bridge", "event-store", "elicitation", "wait-for-messages")
RULES: list[dict[str, Any]] = [
    {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}},
    {
        "alert": "P99LatencyHigh",
        "expr": "max(p99_latency_milliseconds) >= 500",
        "for": "1s",
        "labels": {"severity": "critical", "team": "lighthouse"},
        "annotations": {"summary": "P99 of elicitation is {{ $value }} ms"},
    },
]


class Event(NamedTuple):
    """A row of the journal. `console` ends with the process id of the console that wrote it."""

    seq: int
    stream: str
    kind: str
    actor: str
    console: str
    recorded_at: str
    payload: dict[str, Any]


class Lighthouse:
    """Servers, configuration and journal in one folder; `oncall(...)` is the command line of a console on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.journal = folder / "record" / "journal.db"
        self._running = ExitStack()
        self._began = time.time()

    def __enter__(self) -> Self:
        self.exporter = self._running.enter_context(Exporter())
        for component in COMPONENTS:
            self.exporter.serve(f"/{component}/health")
        self.measure(p99=210)
        self.alertmanager = self._running.enter_context(Alertmanager(self.folder / "alertmanager"))
        self.prometheus = self._running.enter_context(
            Prometheus(
                self.folder / "prometheus",
                rules=RULES,
                scrape_targets={"lighthouse": self.exporter.address},
                alertmanagers=[self.alertmanager.address],
            )
        )
        self._configure()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _configure(self) -> None:
        init(self.config)
        path = self.config / "console.yaml"
        text = path.read_text()
        text = text.replace("http://127.0.0.1:9090", self.prometheus.url)
        text = text.replace("http://127.0.0.1:9093", self.alertmanager.url)
        for number, component in enumerate(COMPONENTS, start=1):
            text = text.replace(f"http://127.0.0.1:810{number}/health", f"{self.exporter.url}/{component}/health")
        text = re.sub(r"(?ms)^    # What this environment tells people.*?(?=^  - service)", "", text)  # it tells nobody
        assert "notify:\n" not in text
        path.write_text(text.replace("interval: 15s", "interval: 1s"))

    def shorten(self, file: str, old: str, new: str) -> None:
        """Changes the first such line of a configuration file, such as a timebox that a test cannot wait for."""
        path = self.config / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def measure(self, p99: float, percent: float = 25, requests: int = 100_000, errors: int = 20) -> None:
        """What the exporter says from now on: milliseconds, percent, counts."""
        self.exporter.set(
            f"""\
# TYPE elicitation_requests_total counter
elicitation_requests_total{{status="ok"}} {requests}
elicitation_requests_total{{status="error"}} {errors}
# TYPE p99_latency_milliseconds gauge
p99_latency_milliseconds {p99}
# TYPE probe_success gauge
probe_success 1
# TYPE elicitation_requests_in_flight gauge
elicitation_requests_in_flight {0 if percent == 0 else 40}
# TYPE lighthouse_rollout_percent gauge
lighthouse_rollout_percent {percent}
# TYPE lighthouse_rollout_phase_started_timestamp_seconds gauge
lighthouse_rollout_phase_started_timestamp_seconds {self._began - 600:.0f}
"""
        )

    def wait_for_alert(self, name: str) -> None:
        """Until Alertmanager holds the alert."""
        wait_until(
            lambda: [alert for alert in self.alertmanager.alerts() if alert["labels"]["alertname"] == name],
            30,
            what=f"{name} in Alertmanager",
        )

    def oncall(self, *arguments: str, who: str = "") -> Sequence[str]:
        """The command line of a console on this lighthouse."""
        options = ["--config", str(self.config), "--journal", str(self.journal), *(["--as", who] if who else [])]
        return [sys.executable, "-m", "console", *options, *arguments]

    def run(self, *arguments: str, who: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        """Carries out one command; AssertionError unless it ends with this exit code."""
        done = in_this_process(self.oncall(*arguments, who=who))
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{out}\n{err}"
        return subprocess.CompletedProcess(done.args, code, out, err)

    def json(self, *arguments: str, who: str = "") -> Any:
        """What one command prints with --json."""
        return json.loads(self.run(*arguments, "--json", who=who).stdout)

    def events(self, kind: str = "", holding: str = "") -> list[Event]:
        """The record as it lies in the file, without the console's own code: events of a kind, holding a text."""
        columns = "seq, stream, kind, actor, console, recorded_at, payload"
        found = [Event(*row[:-1], json.loads(row[-1])) for row in self._select(f"SELECT {columns} FROM events")]
        return [event for event in found if kind in ("", event.kind) and holding in json.dumps(event.payload)]

    def holder(self) -> int:
        """The process id that the lease names; 0 while it is free or has run out."""
        now = "strftime('%Y-%m-%dT%H:%M:%S', 'now')"
        held = "SELECT value ->> 0 FROM meta WHERE key = 'lease lighthouse/production'"
        rows = self._select(f"{held} AND value ->> 2 > {now}")
        return int(rows[0][0].rpartition(":")[2]) if rows and rows[0][0] else 0

    def _select(self, statement: str) -> list[Any]:
        connection = sqlite3.connect(f"{self.journal.as_uri()}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(f"{statement} ORDER BY 1").fetchall()
        finally:
            connection.close()
