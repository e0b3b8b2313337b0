"""A small real lighthouse for end-to-end tests: an exporter with the migration's own metrics and health endpoints,
watched by a real Prometheus and Alertmanager, and by the console through a copy of the example configuration."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from console.settings.load import init
from tests.servers import Alertmanager, Exporter, Prometheus, wait_until

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
        path.write_text(text.replace("interval: 15s", "interval: 1s"))

    def shorten(self, playbook: str, old: str, new: str) -> None:
        """Changes a line of a playbook, such as a timebox that a test cannot wait for."""
        path = self.config / "playbooks" / f"{playbook}.yaml"
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
