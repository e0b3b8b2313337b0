"""Boards to look at: a quiet night, a bad one, and one where hardly anything can be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.model.alert import Alert, AlertState
from console.model.board import AlertFeed, Board, Health, LeaseView, SourceStatus, Target
from console.model.escalation import Reach
from console.model.message import Act, ChannelProof, ChannelSpec, Topic
from console.model.people import Actor
from console.model.readiness import Facts, assess
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Readiness
from console.model.rollout import Guardrail, Rollout
from console.model.slo import SloGauge
from console.settings.load import load

NOW = datetime(2025, 11, 3, 14, 32, 10, tzinfo=UTC)
CONFIG = load(Path(__file__).parents[2] / "config")
ALICE = Actor("alice", "alice")
BOB = Actor("bob", "bob")


def ok(value, source="prometheus", age=5, **more):
    return Reading(ReadingState.OK, value, NOW - timedelta(seconds=age), source, **more)


def stale(value, source="prometheus", age=260):
    return Reading(ReadingState.STALE, value, NOW - timedelta(seconds=age), source)


def lost(source="prometheus", note="connection refused"):
    return missing(ReadingState.UNREACHABLE, source, note)


def alert(name, severity="critical", minutes=3, fingerprint="", state=AlertState.ACTIVE, **annotations):
    labels = (("alertname", name), ("component", "elicitation"), ("severity", severity))
    return Alert(
        fingerprint or f"fp-{name}",
        labels,
        tuple(annotations.items()) or (("summary", f"{name} on elicitation"),),
        state,
        NOW - timedelta(minutes=minutes),
        silenced_by=("s1",) if state is AlertState.SUPPRESSED else (),
    )


def gauge(index, ratio, left, burn, trend=()):
    return SloGauge(CONFIG.objectives[index], ratio, left, burn, tuple(trend), "occurrences")


def partial(value):
    return Reading(ReadingState.PARTIAL, value, NOW - timedelta(seconds=5), "prometheus", None, "covers 1 of 30 d")


def rollout(percent, since, p99, errors, security):
    rules = CONFIG.rollout.guardrails
    values = (p99, errors, security)
    return Rollout(CONFIG.rollout, percent, since, tuple(map(Guardrail, rules, values)))


def health(**down):
    rows = []
    for name in ("bridge", "event-store", "elicitation", "wait-for-messages"):
        up = down.get(name.replace("-", "_"), ok(True, "health"))
        rows.append(Health(name, up, NOW - timedelta(minutes=90), timedelta(minutes=1), name == "wait-for-messages"))
    return tuple(rows)


def ready(legacy, percent):
    """By what is read of the legacy path and of the traffic; nothing else is known of a rollback."""
    return Readiness(assess(Facts(CONFIG.rollout, {"rollout.percent": percent}, legacy=legacy), NOW))


def sources(**bad):
    found = []
    for name in ("prometheus", "alertmanager", "health"):
        state, error, age = bad.get(name, (ReadingState.OK, "", 6))
        at = None if age is None else NOW - timedelta(seconds=age)
        found.append(SourceStatus(name, state, at, error, NOW + timedelta(seconds=9)))
    return tuple(found)


def quiet(mode="live"):
    part = rollout(ok(25.0), ok((NOW - timedelta(minutes=12)).timestamp()), ok(182.0), ok(0.12), ok(0.0))
    rows = health()
    watchdog = alert("Watchdog", "none", 5000)
    return Board(
        number=1,
        at=NOW,
        mode=mode,
        target=Target("lighthouse", "production"),
        actor=ALICE,
        sources=sources(),
        slos=(
            gauge(0, ok(0.99972), partial(0.62), ok(0.4), [1, 1, 0.9996, 1, 1, 1, 0.9999, 1] * 3),
            gauge(1, ok(0.9995), partial(0.71), ok(0.5), [0.9995] * 10 + [None] * 2 + [0.9996] * 12),
            gauge(2, ok(0.9961), partial(0.44), ok(0.9), [0.996] * 24),
        ),
        rollout=part,
        readiness=ready(rows[3].up, part.percent),
        feed=AlertFeed((watchdog,), ReadingState.OK, NOW - timedelta(seconds=6), ""),
        health=rows,
        lease=LeaseView("alice@host-1", True, NOW + timedelta(seconds=9)),
        head="41:9f2c3a",
        flags="",
        people=CONFIG.people,
        environments=(Target("lighthouse", "production"), Target("lighthouse", "staging", False)),
        severities=CONFIG.severities,
        playbooks=CONFIG.playbooks,
        readings=readings(part, rows),
    )


def readings(part, rows):
    found = {f"guardrail.{item.rule.name}": item.value for item in part.guardrails}
    found["rollout.percent"] = part.percent
    return found | {f"health.{row.component}": row.up.map(float) for row in rows}


ON_CALL = (
    ("primary", (Reach("alice", (("phone", "+1 555 0100"), ("slack", "@alice"))),)),
    ("secondary", (Reach("bob", (("phone", "+1 555 0101"),)),)),
    ("lead", ()),
)
CHANNELS = (
    ChannelSpec("slack-incidents", (Act.POST, Act.PAGE), (Topic.INCIDENTS,)),
    ChannelSpec("mail", (Act.POST,), (Topic.INCIDENTS, Topic.SECURITY)),
)


def staffed(board):
    """With people on call and channels to tell."""
    proven = ChannelProof("slack-incidents", 1, NOW - timedelta(days=3), "alice", "ok")
    return replace(board, on_call=ON_CALL, channels=CHANNELS, proofs={"slack-incidents": proven})


def busy(mode="live"):
    calm = quiet(mode)
    part = rollout(ok(25.0), ok((NOW - timedelta(minutes=21)).timestamp()), ok(612.0), ok(2.4), ok(0.0))
    rows = health(elicitation=Reading(ReadingState.OK, False, NOW, "health", None, "503"))
    alerts = (
        alert("P99LatencyCritical", "critical", 4, summary="P99 of elicitation is 612 ms, limit 500 ms"),
        alert("P99LatencyHigh", "warning", 6, summary="P99 of elicitation is above 300 ms"),
        alert("ErrorRatioHigh", "warning", 2, summary="2.4 % of requests fail"),
        alert("EventStoreReplicaLag", "info", 55, state=AlertState.SUPPRESSED, summary="replica lags by 40 s"),
        *calm.feed.alerts,
    )
    return replace(
        calm,
        slos=(
            gauge(0, ok(0.99972), partial(0.62), ok(0.4), [1] * 24),
            gauge(1, ok(0.9871), partial(-0.13), ok(24.0), [0.9995] * 18 + [0.99, 0.98, 0.976] * 2),
            gauge(2, ok(0.981), partial(0.21), ok(19.0), [0.996] * 18 + [0.9, 0.8, 0.7] * 2),
        ),
        rollout=part,
        readiness=ready(rows[3].up, part.percent),
        feed=AlertFeed(alerts, ReadingState.OK, NOW - timedelta(seconds=6), ""),
        health=rows,
        readings=readings(part, rows),
    )


def broken(mode="live"):
    calm = quiet(mode)
    refused = "connection refused at 127.0.0.1:9090: is Prometheus running?"
    part = rollout(stale(25.0), stale((NOW - timedelta(minutes=21)).timestamp()), stale(180.0), lost(), lost())
    rows = health(event_store=lost("health", "timed out"), wait_for_messages=lost("health", "timed out"))
    return replace(
        calm,
        sources=sources(
            prometheus=(ReadingState.UNREACHABLE, refused, 260),
            alertmanager=(ReadingState.STALE, "no answer within 5 s", 95),
        ),
        slos=(
            gauge(0, stale(0.99972), stale(0.62), stale(0.4), [1] * 24),
            gauge(1, lost(), lost(), lost()),
            gauge(2, missing(ReadingState.NO_TRAFFIC, "prometheus"), lost(), lost()),
        ),
        rollout=part,
        readiness=ready(rows[3].up, part.percent),
        feed=AlertFeed(
            (), ReadingState.NO_DATA, NOW - timedelta(seconds=95), "the always-firing alert 'Watchdog' is not there"
        ),
        health=rows,
        lease=LeaseView(),
        not_saved="disk full: /var/lib/oncall/journal.db",
        readings=readings(part, rows),
    )
