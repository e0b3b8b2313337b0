"""Feeds to look at, and a console on them: `python -m tests.tui.feeds quiet|feed|storm|broken|large [alerts]`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.engine.lookups import Firing, Found
from console.model import commands as cmd
from console.model.alert import Alert, AlertState, Matcher, reference
from console.model.board import AlertFeed
from console.model.pager import PagerIncident, PagerLogEntry, PagerStatus
from console.model.reading import ReadingState
from console.model.silence import Silence, SilenceState
from tests.tui.fake import FakeEngine, StillClock
from tests.view import boards

NOW = boards.NOW
RUNBOOK = """# High latency

The **P99** is above `500 ms`. See [the dashboard](https://grafana.example.com/d/x).

1. Look at the queue:

```
kubectl get pods -l app=elicitation
```

- [ ] roll back when it grows
- page storage
  - and say why

> Never restart the event store.
"""


def alert(number, name="", *, group="", severity="warning", minutes=5.0, state=AlertState.ACTIVE, source="alertmanager",
          **labels):  # fmt: skip
    name = name or f"Alert{number}"
    pairs = {"alertname": name, "severity": severity, "job": "elicitation", **labels}
    return Alert(
        f"{number:016x}",
        tuple(sorted(pairs.items())),
        (
            ("runbook_url", f"https://runbooks.example.com/{name}"),
            ("summary", f"{name} on {labels.get('instance', 'eu')}"),
        ),
        state,
        NOW - timedelta(minutes=minutes),
        source=source,
        silenced_by=("s-1",) if state is AlertState.SUPPRESSED else (),
        group=group,
        generator_url="https://prometheus.example.com/graph?g0.expr=up",
    )


def mixed():
    """A bad night: groups, a page, silences, owners."""
    pods = [
        alert(100 + i, "PodCrashLooping", group='{alertname="PodCrashLooping", cluster="eu"}', severity="critical",
              minutes=3 + i, instance=f"pod-{i}")
        for i in range(9)
    ]  # fmt: skip
    disks = [
        alert(200 + i, "DiskFull", group='{alertname="DiskFull", cluster="eu"}', minutes=60 + i, instance=f"db-{i}")
        for i in range(3)
    ]
    singles = [
        alert(1, "P99LatencyCritical", severity="critical", minutes=4, instance="elicitation-0", team="payments"),
        alert(2, "ErrorRatioHigh", minutes=2, team="payments"),
        alert(3, "EventStoreReplicaLag", severity="info", minutes=55, state=AlertState.SUPPRESSED, team="storage"),
        alert(4, "CertificateExpires", minutes=2000),
    ]
    pager = replace(alert(0, "Checkout is down", severity="", source="pagerduty"), fingerprint="pd:PX1", annotations=())
    return [*singles, *pods, *disks, pager]


def page(number=311):
    return PagerIncident(
        "P1", number, "P99 of elicitation", PagerStatus.ACKNOWLEDGED, "high", "elicitation", NOW - timedelta(minutes=4),
        url="https://example.pagerduty.com/incidents/P1", escalation_policy="payments", level=2,
        assigned_to=("Bob",), acknowledged_by="Bob",
    )  # fmt: skip


def silence(name="s-1", state=SilenceState.ACTIVE, begins=-30, ends=90, **matchers):
    matchers = matchers or {"alertname": "EventStoreReplicaLag"}
    return Silence(
        tuple(Matcher(key, "=", value) for key, value in matchers.items()),
        NOW + timedelta(minutes=begins),
        NOW + timedelta(minutes=ends),
        "carol",
        "known, storage is on it",
        name,
        state,
        "alertmanager",
    )


def board(alerts, *, evidence=ReadingState.OK, note="", arrivals=None, pages=None, silences=None):
    calm = boards.busy()
    watchdog = boards.quiet().feed.alerts
    feed = AlertFeed(
        (*alerts, *watchdog), evidence, NOW - timedelta(seconds=6), note, pages=pages or {}, arrivals=arrivals or {}
    )
    found = silences if silences is not None else (
        silence(), silence("s-2", SilenceState.PENDING, 30, 200, team="payments"),
        silence("s-3", SilenceState.EXPIRED, -300, -20, alertname="DiskFull"),
    )  # fmt: skip
    return replace(calm, feed=feed, silences=found)


def storm(count=400):
    """So many pods die within ten seconds, and one alert flaps."""
    alerts = [*mixed(), *(storming(i, count) for i in range(count))]
    arrivals = {f"{1000 + i:016x}": (NOW - timedelta(seconds=10 * i / count),) for i in range(count)}
    arrivals[f"{2:016x}"] = tuple(NOW - timedelta(seconds=20 * i) for i in range(7, 0, -1))
    return board(alerts, arrivals=arrivals)


def storming(i, count):
    return alert(1000 + i, f"Storm{i % 4}", severity="critical", minutes=10 / 60 * i / count, instance=f"host-{i}:9100")


def many(count):
    """Ten to a group."""
    return [
        alert(
            10_000 + i, f"Load{i // 10 % 50}", group=f'{{alertname="Load{i // 10 % 50}", pool="{i // 10}"}}',
            severity=("critical", "warning", "info")[i % 3], minutes=i % 5000, instance=f"host-{i}:9100",
            pool=str(i // 10), state=AlertState.SUPPRESSED if i % 11 == 0 else AlertState.ACTIVE,
        )
        for i in range(count)
    ]  # fmt: skip


def made(case, count=10_000):
    if case == "quiet":
        return board([])
    if case == "storm":
        return storm(5000)
    if case == "large":
        return board(many(count))
    if case == "broken":
        return replace(
            boards.broken(),
            feed=replace(board(mixed()).feed, evidence=ReadingState.STALE, note="connection refused at 127.0.0.1:9093"),
        )
    return board(mixed(), pages={f"{1:016x}": page()})


def answers(engine):
    found = engine.lookups.found
    spans = tuple(Firing(NOW - timedelta(hours=h), NOW - timedelta(hours=h, minutes=-25)) for h in (20, 9, 8, 1))
    found["history"] = Found(firings=spans, source="prometheus", at=NOW)
    found["runbook"] = Found(text=RUNBOOK, source="https://runbooks.example.com/x", at=NOW)
    found["page"] = Found(
        log=(PagerLogEntry("R1", "trigger", NOW - timedelta(minutes=4), "Prometheus"),
             PagerLogEntry("R2", "acknowledge", NOW - timedelta(minutes=3), "Bob")),
        source="pagerduty", at=NOW,
    )  # fmt: skip


async def owned(engine):
    chosen = [item for item in engine.board.feed.alerts if item.name in ("ErrorRatioHigh", "CertificateExpires")]
    await engine.submit(cmd.AcknowledgeAlerts(tuple(map(reference, chosen))))


def main():
    from console.tui.launch import run

    case = sys.argv[1] if len(sys.argv) > 1 else "feed"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000

    class Ticking(StillClock):
        began = datetime.now(UTC)

        def now(self):
            return self.at + (datetime.now(UTC) - self.began)

    def start():
        clock = Ticking()
        engine = FakeEngine(made(case, count), clock)
        answers(engine)
        asyncio.run(owned(engine))
        return engine, clock

    sys.exit(run(start, title="lighthouse/production LIVE"))


if __name__ == "__main__":
    main()
