"""The Alertmanager source against the real server."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks import alerts_refresh
from console.engine.clocks import SystemClock
from console.integrations.alertmanager import Alertmanager
from console.model.alert import AlertState
from console.model.text import safe
from console.ports import SourceError
from console.settings.config import HttpSource
from tests.servers import wait_until
from tests.timing import in_time

pytestmark = pytest.mark.integration


INHIBIT = [
    {
        "source_matchers": ['severity="critical"'],
        "target_matchers": ['severity="warning"'],
        "equal": ["service"],
    }
]
HOSTILE = "[/] [@click=app.quit]x[/] \x1b]52;c;eA==\x1b\\ \x9b2J \u202e \u2066 \x00 \u2028 \ufeff"


@pytest.fixture
def server(start_alertmanager):
    return start_alertmanager(inhibit_rules=INHIBIT)


def source_of(server, timeout=20.0):
    source = HttpSource("alertmanager", server.url, timeout=timedelta(seconds=timeout))
    return Alertmanager(source, "Watchdog", SystemClock())


def named(snapshot):
    return {alert.name: alert for alert in snapshot.alerts}


def alert(name, severity="none", **fields):
    return {"labels": {"alertname": name, "severity": severity, "service": "lighthouse"}} | fields


def test_active_silenced_and_inhibited(server):
    source = source_of(server)
    found = source.read()
    assert (found.alerts, found.watchdog_seen, found.skew_seconds) == ((), False, 0.0)

    began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    annotations = {"summary": "P99 is 620 ms"}
    server.post_alerts(
        [
            alert("Watchdog"),
            alert("Slow", "critical", startsAt=began.isoformat(), annotations=annotations),
            alert("Slower", "warning"),
            alert("Noise"),
        ]
    )
    silence = server.post_silence({"alertname": "Noise"})
    suppressed = {"Slower", "Noise"}
    found = wait_until(
        lambda: (
            (snapshot := source.read())
            and {name for name, item in named(snapshot).items() if item.state is AlertState.SUPPRESSED} == suppressed
            and snapshot
        )
    )
    alerts = named(found)
    assert set(alerts) == {"Watchdog", "Slow", "Slower", "Noise"}
    assert found.watchdog_seen
    assert alerts["Slow"].state is AlertState.ACTIVE
    assert alerts["Slow"].starts_at == began
    assert alerts["Slow"].annotation("summary") == "P99 is 620 ms"
    assert alerts["Slow"].group == '{alertname="Slow"}'
    assert alerts["Noise"].silenced_by == (silence,)
    assert alerts["Slower"].inhibited_by == (alerts["Slow"].fingerprint,)
    raw = {item["labels"]["alertname"]: item["fingerprint"] for item in server.alerts()}
    assert {name: item.fingerprint for name, item in alerts.items()} == raw

    # Prometheus sends every alert again and again: nothing has changed by that.
    server.post_alerts([alert("Slow", "critical", startsAt=began.isoformat(), annotations=annotations)])
    again = source.read()
    assert again.changed == frozenset()
    assert all(named(again)[name] is item for name, item in alerts.items())

    server.expire_silence(silence)
    found = wait_until(lambda: (snapshot := source.read()).changed and snapshot)
    assert found.changed == {alerts["Noise"].fingerprint}
    assert named(found)["Noise"].state is AlertState.ACTIVE

    ended = datetime.now(UTC) - timedelta(seconds=1)
    server.post_alerts([alert("Slow", "critical", startsAt=began.isoformat(), endsAt=ended.isoformat())])
    assert "Slow" not in named(source.read())


def test_33_36_hostile_alerts(server):
    labels = {"alertname": HOSTILE, "pod": "x" * 100_000}
    server.post_alerts([{"labels": labels, "annotations": {"summary": HOSTILE * 10_000}}, alert("Plain")])
    found = source_of(server).read()
    assert len(found.alerts) == 2
    for item in found.alerts:
        texts = [item.group, *(text for pair in item.labels + item.annotations for text in pair)]
        assert all(text == safe(text) and len(text) <= 4_000 for text in texts)
    assert named(found)["Plain"].state in (AlertState.ACTIVE, AlertState.UNPROCESSED)


def test_a_server_that_goes_and_comes_back(server):
    source = source_of(server)
    server.post_alerts([alert("Watchdog")])
    assert source.read().watchdog_seen
    server.kill()

    def refused():
        with pytest.raises(SourceError, match="refuses the connection"):
            source.read()

    in_time(1, refused)
    server.start()
    found = source.read()
    assert (found.alerts, found.watchdog_seen) == ((), False), "an empty feed after a restart is no evidence of calm"


def test_probe(server):
    source = source_of(server)
    findings = source.probe()
    assert [finding.ok for finding in findings] == [True, False]
    assert "version 0." in findings[0].what
    server.post_alerts([alert("Watchdog")])
    assert all(finding.ok for finding in source.probe())


@pytest.mark.serial
@pytest.mark.timeout(300)
def test_ten_thousand_alerts_within_twice_the_budgets(tmp_path, capsys):
    took = alerts_refresh.speed(tmp_path, rounds=5)
    ((empty, _),) = alerts_refresh.memory(0, (3,))
    (early, _), (_, held), (_, later) = alerts_refresh.memory(alerts_refresh.COUNT, (3, 5, 30))
    with capsys.disabled():
        print(f"\n10,000 alerts: {took}, {early - empty:.1f} MB, {later - held:+.1f} MB held after 30 refreshes")
    assert took["refresh"] < 2 * alerts_refresh.FLOOR_BUDGET * took["floor"]
    assert took["refresh"] < 2 * alerts_refresh.AMTOOL_BUDGET * took["amtool"]
    assert early - empty < 2 * alerts_refresh.MEMORY_MB
    assert later - held < 2 * alerts_refresh.GROWTH_MB
