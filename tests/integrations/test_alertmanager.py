"""Reading alerts, against a server that plays Alertmanager."""

import copy
import hashlib
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import console.integrations.http.client  # noqa: F401  # now: no time-out pays for its import
from console.integrations.alertmanager import Alertmanager
from console.integrations.alertmanager.alerts import SPARE
from console.integrations.alertmanager.routes import read_routes
from console.model.alert import AlertState
from console.model.text import safe
from tests.integrations.conftest import CANARY, MIXED, failing, told_after
from tests.integrations.fault_server import FaultServer, answer, hang, raw, reset, trickle
from tests.timing import in_time

HOSTILE = "[red]x[/] [@click=app.quit]y[/] \x1b]52;c;eA==\x07\x1b[2J \x9b31m \u202eabc\u2066 \x00 \u2028"


def alert(name="Slow", fingerprint="", state="active", labels=(), **fields):
    labels = {"alertname": name, "severity": "critical"} | dict(labels)
    return {
        "fingerprint": fingerprint or name.lower().ljust(16, "0"),
        "labels": labels,
        "annotations": {"summary": f"{name} it is"},
        "startsAt": "2026-11-21T07:00:00.123456789Z",
        "endsAt": "2026-11-21T08:00:00Z",
        "updatedAt": "2026-11-21T07:30:00Z",
        "generatorURL": "http://p/graph",
        "receivers": [{"name": "team"}],
        "status": {"state": state, "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
    } | fields


def group(*alerts, labels=(("alertname", "Slow"),)):
    return {"labels": dict(labels), "receiver": {"name": "team"}, "alerts": list(alerts)}


@pytest.fixture
def waits(waits):
    """What never comes is among answers that do."""
    return max(waits, MIXED)


@pytest.fixture
def alertmanager(source, clock, token) -> Alertmanager:
    return Alertmanager(replace(source, name="alertmanager"), "Watchdog", clock, token)


def test_one_request_for_every_kind_of_alert(server, alertmanager, clock):
    silenced = alert(
        "Quiet", state="suppressed", status={"state": "suppressed", "silencedBy": ["s1"], "inhibitedBy": []}
    )
    inhibited = alert("Less", status={"state": "suppressed", "silencedBy": [], "inhibitedBy": ["slow000"]})
    server.behave = answer(200, [group(alert(), silenced), group(inhibited, alert("Watchdog"), labels=())])
    found = alertmanager.read()
    polled = "/api/v2/alerts/groups"
    assert sorted(request.path for request in server.requests) == [polled, "/api/v2/status"]
    asked = next(request for request in server.requests if request.path == polled)
    assert asked.params == {"active": "true", "silenced": "true", "inhibited": "true"}
    assert [item.name for item in found.alerts] == ["Slow", "Quiet", "Less", "Watchdog"]
    first, quiet, less, _ = found.alerts
    assert (first.state, first.severity, first.group) == (AlertState.ACTIVE, "critical", '{alertname="Slow"}')
    assert first.starts_at == min(datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC), clock.now())
    assert first.annotation("summary") == "Slow it is"
    assert (quiet.state, quiet.silenced_by) == (AlertState.SUPPRESSED, ("s1",))
    assert (less.inhibited_by, less.group) == (("slow000",), "{}")
    assert found.watchdog_seen
    assert found.changed == {item.fingerprint for item in found.alerts}
    assert alertmanager.note == ""


def test_nothing_is_not_the_same_as_calm(server, alertmanager):
    server.behave = answer(200, [])
    found = alertmanager.read()
    assert (found.alerts, found.watchdog_seen) == ((), False)


def test_an_alert_in_several_groups_is_one(server, alertmanager):
    server.behave = answer(200, [group(alert()), group(alert(), labels=(("team", "b"),))])
    found = alertmanager.read()
    assert len(found.alerts) == 1
    assert found.alerts[0].group == '{alertname="Slow"}'


def test_the_same_object_until_something_changes(server, alertmanager):
    steady, moving = alert("Steady"), alert("Moving")
    server.behave = answer(200, [group(steady, moving)])
    before = alertmanager.read().alerts
    later = [copy.deepcopy(item) | {"endsAt": "2026-11-21T09:00:00Z", "updatedAt": "x"} for item in (steady, moving)]
    server.behave = answer(200, [group(*later)])
    found = alertmanager.read()
    assert found.changed == frozenset()
    assert all(old is new for old, new in zip(before, found.alerts, strict=True))
    for change in (
        {"status": {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}},
        {"annotations": {"summary": "worse"}},
        {"startsAt": "2026-11-21T07:10:00Z"},
    ):
        later[1] |= change
        server.behave = answer(200, [group(*later)])
        found = alertmanager.read()
        assert found.changed == {moving["fingerprint"]}
        assert found.alerts[0] is before[0]
    server.behave = answer(200, [group(later[0])])
    found = alertmanager.read()
    assert (len(found.alerts), found.changed) == (1, frozenset())
    server.behave = answer(200, [group(*later)])
    assert alertmanager.read().changed == {moving["fingerprint"]}


def test_labels_are_shared_between_alerts(server, alertmanager):
    alerts = [alert("Slow", fingerprint=f"{number:016x}", labels=(("pod", str(number)),)) for number in range(3)]
    server.behave = answer(200, [group(*alerts)])
    first, second, _ = alertmanager.read().alerts
    assert first.labels != second.labels
    assert first.labels[0] is second.labels[0]


def test_outside_text_is_made_safe(server, alertmanager):
    bad = alert(HOSTILE, fingerprint="f" * 16, labels=((HOSTILE, "x" * 100_000),))
    bad |= {"annotations": {"summary": HOSTILE * 5_000}, "status": {"state": HOSTILE, "silencedBy": [HOSTILE]}}
    server.behave = answer(200, [group(bad, labels=((HOSTILE, HOSTILE),))])
    [found] = alertmanager.read().alerts
    texts = [found.group, *found.silenced_by, *(text for pair in found.labels + found.annotations for text in pair)]
    assert all(text.isprintable() for text in texts), texts
    assert max(map(len, texts)) <= 4_000
    assert found.state is AlertState.UNKNOWN
    assert "[@click=app.quit]" in found.name, "markup is kept as text; it is the screen that never reads it"


def test_a_lone_surrogate_spoils_nothing(server, alertmanager):
    body = json.dumps([group(alert(), alert("Odd", labels=(("pod", "a\ud800b"),)))])
    assert "\\ud800" in body
    server.behave = answer(200, body)
    good, odd = alertmanager.read().alerts
    assert (good.name, odd.name) == ("Slow", "Odd")
    assert odd.label("pod") in ("a?b", "a\ufffdb")
    assert alertmanager.note == ""


BROKEN = {
    "no labels": ({"labels": None}, "(no alertname)"),
    "labels a list": ({"labels": ["a"]}, "(no alertname)"),
    "label no text": ({"labels": {"alertname": 5, "x": None, "y": {"z": 1}}}, "5"),
    "no annotations": ({"annotations": None}, "Odd"),
    "no fingerprint": ({"fingerprint": None}, "Odd"),
    "number as fingerprint": ({"fingerprint": 17}, "Odd"),
    "no status": ({"status": None}, "Odd"),
    "status a text": ({"status": "active"}, "Odd"),
    "state a number": ({"status": {"state": 1}}, "Odd"),
    "silenced by null": ({"status": {"state": "active", "silencedBy": None, "inhibitedBy": None}}, "Odd"),
    "no start": ({"startsAt": None}, "Odd"),
    "start no date": ({"startsAt": "yesterday"}, "Odd"),
    "start zero": ({"startsAt": "0001-01-01T00:00:00Z"}, "Odd"),
    "start without zone": ({"startsAt": "2026-11-21T07:00:00"}, "Odd"),
    "start in the future": ({"startsAt": "2999-01-01T00:00:00Z"}, "Odd"),
}


@pytest.mark.parametrize(("change", "name"), BROKEN.values(), ids=BROKEN)
def test_a_broken_alert_is_kept_with_what_it_says(server, alertmanager, clock, change, name):
    before = clock.now()
    server.behave = answer(200, [group(alert(), alert("Odd") | change)])
    for changes in (2, 0):
        found = alertmanager.read()
        assert [item.name for item in found.alerts] == ["Slow", name]
        assert len(found.changed) == changes, "it keeps its identity from round to round"
        odd = found.alerts[1]
        assert odd.fingerprint
        assert odd.starts_at.tzinfo is not None
        assert odd.starts_at <= clock.now()
        if change.get("startsAt") not in ("2026-11-21T07:00:00", None) or "startsAt" not in change:
            assert odd.starts_at >= before - timedelta(days=400)
    assert alertmanager.note == ""


def test_the_beginning_of_a_firing_stays_the_same_while_our_clock_is_behind(server, alertmanager, clock):
    """An acknowledgement belongs to the firing by its beginning: one that moved with our clock would lose it."""
    begun = clock.now() + timedelta(seconds=90)
    said = alert() | {"startsAt": begun.isoformat()}
    server.behave = answer(200, [group(said)])
    first = alertmanager.read().alerts[0].starts_at
    server.behave = answer(200, [group(said | {"annotations": {"summary": "now 93 %"}})])
    assert alertmanager.read().alerts[0].starts_at == first == begun


@pytest.mark.parametrize("junk", [None, 5, "x", [1], []])
def test_what_is_no_alert_at_all_is_counted(server, alertmanager, junk):
    server.behave = answer(200, [group(alert(), junk), junk, {"labels": {}}])
    assert len(alertmanager.read().alerts) == 1
    assert alertmanager.note == "3 of its alerts could not be read"
    server.behave = answer(200, [group(alert())])
    alertmanager.read()
    assert alertmanager.note == ""


def test_missing_keys(server, alertmanager):
    server.behave = answer(200, [{"alerts": [{}]}])
    [found] = alertmanager.read().alerts
    assert (found.name, found.state, found.group) == ("(no alertname)", AlertState.UNKNOWN, "{}")


def test_a_watchdog_counts_even_when_it_is_silenced(server, alertmanager):
    server.behave = answer(200, [group(alert("Watchdog", state="suppressed"))])
    assert alertmanager.read().watchdog_seen


def test_without_a_name_there_is_no_watchdog(server, source, clock):
    server.behave = answer(200, [group(alert("", labels=(("alertname", ""),)))])
    assert not Alertmanager(source, "", clock).read().watchdog_seen


def test_the_server_s_clock(server, alertmanager):
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    server.behave = answer(200, [], Date=date)
    assert alertmanager.read().skew_seconds == pytest.approx(600, abs=2)


HEAD = b"HTTP/1.1 200 OK\r\n"
FAULTS = {
    "hung": hang,
    "reset": reset,
    "slow body": trickle(HEAD + b"Content-Length: 99999\r\n\r\n", b" "),
    "half a JSON": answer(200, json.dumps([group(alert())])[:99]),
    "cut off": raw(HEAD + b"Content-Length: 100\r\n\r\n[{"),
    "no JSON": answer(200, "<html>log in</html>"),
    "deep": answer(200, "[" * 100_000),
    "empty": answer(200),
    "null": answer(200, "null"),
    "object": answer(200, {}),
    "text": answer(200, '"x"'),
    "only junk": answer(200, [5, None]),
    "401": answer(401, f"who is {CANARY}?"),
    "403": answer(403, "no"),
    "404": answer(404, "404 page not found"),
    "400": answer(400, '"bad matcher"'),
    "429": answer(429, "slow down", Retry_After="9"),
    "500": answer(500, f"oops {CANARY}\x1b[2J" + "z" * 100_000),
    "redirect": answer(302, Location=f"https://elsewhere.example/?{CANARY}"),
    "204": answer(204),
}


@pytest.mark.parametrize("behave", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_an_outage_in_time(server, alertmanager, waits, behave):
    server.behave = answer(200, [group(alert())])
    before = alertmanager.read()
    server.behave = behave
    text = str(in_time(told_after(waits) + 0.6, failing(alertmanager.read)))
    assert text.startswith("alertmanager (http://127.0.0.1:")
    assert CANARY not in text
    assert text.isprintable()
    assert len(text) < 700
    server.behave = answer(200, [group(alert())])
    after = alertmanager.read()
    assert after.alerts[0] is before.alerts[0]
    assert not after.changed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def shared_server():
    server = FaultServer()
    yield server
    server.close()


@given(st.dictionaries(st.sampled_from(sorted(alert())), JSON, max_size=4))
def test_whatever_one_alert_holds_the_others_stay(shared_server, change):
    from console.engine.clocks import SystemClock
    from console.settings.config import HttpSource

    alertmanager = Alertmanager(HttpSource("a", shared_server.url), "Watchdog", SystemClock())
    shared_server.behave = answer(200, [group(alert("Odd") | change, alert("Watchdog", fingerprint="w"))])
    found = alertmanager.read()
    assert found.watchdog_seen
    for item in found.alerts:
        assert all(text == safe(text) for pair in item.labels + item.annotations for text in pair)
    assert not alertmanager.read().changed


def test_probe(server, alertmanager):
    def behave(connection):
        if connection.request.path == "/api/v2/status":
            answer(200, {"versionInfo": {"version": "0.27.0\x1b[2J"}, "cluster": {"status": "ready"}})(connection)
        else:
            answer(200, [group(alert(), None)])(connection)

    server.behave = behave
    findings = alertmanager.probe()
    assert [finding.ok for finding in findings] == [True, False, False]
    assert "version 0.27.0\ufffd[2J, 1 alerts" in findings[0].what
    assert "1 of its alerts could not be read" in findings[1].what
    assert "no alert Watchdog" in findings[2].what
    assert "vector(1)" in findings[2].todo


@pytest.mark.parametrize("behave", [reset, answer(200, "<html>"), answer(404), answer(401, CANARY)])
def test_probe_of_something_else(server, alertmanager, behave):
    server.behave = behave
    [finding] = alertmanager.probe()
    assert not finding.ok
    assert finding.todo
    assert CANARY not in finding.what


LINKS = {
    "http://p/graph?g0.expr=up%20%3D%3D%200&g0.tab=1": True,
    "https://p.example:9090/a": True,
    "HTTPS://P/": True,
    "javascript:alert(1)": False,
    "file:///etc/passwd": False,
    "http://p/ x": False,
    "http://p/\x1b[2J": False,
    'http://p/"onclick="x': False,
    "http://p/" + "x" * 5_000: False,
    "": False,
}


@pytest.mark.parametrize(("url", "fine"), LINKS.items())
def test_where_it_comes_from_is_a_safe_address_or_none(server, alertmanager, url, fine):
    server.behave = answer(200, [group(alert(generatorURL=url), alert("Odd", generatorURL=5))])
    first, odd = alertmanager.read().alerts
    assert first.generator_url == (url if fine else "")
    assert odd.generator_url == ""


CONFIG = """
route:
  receiver: {receiver}
receivers:
- name: team
  pagerduty_configs: [{{routing_key: <secret>}}]
- name: nobody
"""


class Ticking:
    """The system's clock, with a hand on its monotonic one."""

    def __init__(self, clock):
        self.now, self._clock, self.ahead = clock.now, clock, 0.0

    def monotonic(self):
        return self._clock.monotonic() + self.ahead


class Config:
    """Answers with alerts of `receiver`, and with `original` as the configuration."""

    def __init__(self, server, original, receiver="team"):
        self.server, self.original, self.receiver, self.status = server, original, receiver, 200
        server.behave = self

    def __call__(self, connection):
        if connection.request.path.endswith("status"):
            answer(self.status, {"config": {"original": self.original}})(connection)
        else:
            answer(200, [group(alert(receivers=[{"name": self.receiver}]))])(connection)

    def asked(self):
        return sum(request.path.endswith("status") for request in self.server.requests)


@pytest.fixture
def ticking(source, clock):
    clock = Ticking(clock)
    return clock, Alertmanager(replace(source, name="am-2", token=None), "Watchdog", clock)


def test_the_routing_is_read_every_five_minutes_and_soon_when_an_alert_names_what_it_does_not(server, ticking):
    clock, alertmanager = ticking
    config = Config(server, CONFIG.format(receiver="nobody"))
    for _ in range(3):
        [found] = alertmanager.read().alerts
        assert (found.receivers, found.paged, found.source) == (("team",), True, "am-2")
    assert config.asked() == 1
    clock.ahead += 301
    again = alertmanager.read()
    assert config.asked() == 2
    assert again.alerts[0] is found, "the same configuration changes nothing"

    config.receiver = "new"
    alertmanager.read()
    clock.ahead += 31
    alertmanager.read()
    assert config.asked() == 3
    config.receiver = "team"
    clock.ahead += 31
    alertmanager.read()
    assert config.asked() == 3


BAD_CONFIGS = {
    "empty": "",
    "a list": "[]",
    "something else": "x: y",
    "no YAML": "{",
    "no receivers": "route: {receiver: a}",
    "routes of numbers": "receivers: []\nroute: {routes: [5]}",
    "endless": "&a [*a]",
    "endless routes": "receivers: []\nroute: &a {routes: [*a]}",
    "deep": "[" * 100_000,
    "a label that is a list": "receivers: [{name: x}]\nroute: {match: {a: [b]}}",
    "no matcher": 'receivers: [{name: x}]\nroute: {matchers: ["!"]}',
}


@pytest.mark.parametrize("original", BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_a_routing_that_cannot_be_read_is_unknown_and_no_fault_of_the_alerts(server, ticking, original):
    clock, alertmanager = ticking
    config = Config(server, original)
    [found] = alertmanager.read().alerts
    assert (found.paged, found.page_keys) == (None, ())
    alertmanager.read()
    assert config.asked() == 1
    config.original = CONFIG.format(receiver="team")
    clock.ahead += 31
    [found] = alertmanager.read().alerts
    assert (found.paged, len(found.page_keys)) == (True, 1)
    config.status = 500
    clock.ahead += 301
    assert alertmanager.read().alerts[0] is found, "what was known stays known"


def test_a_configuration_that_stands_for_billions_of_routes_is_refused_in_time(server, ticking):
    _, alertmanager = ticking
    lines = ["x0: &x0 {receiver: team}"]
    lines += [f"x{n}: &x{n} {{receiver: team, routes: [{', '.join([f'*x{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    Config(server, "\n".join([*lines, "route: *x11", "receivers: [{name: team}]"]))
    began = time.process_time()
    [found] = alertmanager.read().alerts
    assert found.paged is None
    assert time.process_time() - began < 5


def test_an_expression_that_cannot_be_read_leaves_both_keys_possible():
    config = """
route:
  receiver: team
  routes:
  - {receiver: team, matchers: ['a=~"(?P>x)"'], group_by: [a]}
  - {receiver: team, matchers: ['a=b']}
receivers: [{name: team, pagerduty_configs: [{}]}]
"""
    keys = read_routes(config).page_keys({"a": "b", "c": "d"}, ("team",))
    expected = ['{}/{a=~"(?P>x)"}:{a="b"}', '{}/{a="b"}:{}']
    assert keys == tuple(hashlib.sha256(key.encode()).hexdigest() for key in expected)


def test_what_is_gone_is_forgotten(server, alertmanager):
    for round_ in range(40):
        alerts = [
            alert(f"A{round_}", fingerprint=f"{round_}-{n}", labels=(("pod", f"{round_}/{n}"),)) for n in range(200)
        ]
        server.behave = answer(200, [group(*alerts)])
        alertmanager.read()
    shared = alertmanager._shared
    assert len(shared._pairs) < 200 * 1.25 + SPARE + 400
