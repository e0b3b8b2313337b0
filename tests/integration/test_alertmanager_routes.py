"""The dedup keys that we compute, against those under which a real Alertmanager pages."""

import json

import pytest

from console.engine.clocks import SystemClock
from console.integrations.alertmanager import Alertmanager
from console.settings.outside import HttpSource
from tests.servers import wait_until

pytestmark = pytest.mark.integration

QUICK = {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h"}
ROUTE = {
    "receiver": "nobody",
    "group_by": ["alertname", "service"],
    **QUICK,
    "routes": [
        {
            "matchers": ['team="pay"'],
            "receiver": "pay-pager",
            "routes": [
                {"match": {"kind": "plain"}, "group_by": ["..."]},
                {"match_re": {"kind": "old|older"}, "receiver": "shared-pager", "group_by": ["kind", "alertname"]},
                {"matchers": ['kind=~"re[gx]+\\\\d"', "severity!=none"], "receiver": "shared-pager", "continue": True},
                {"matchers": ['kind!~"z.*"', 'note="say \\"hi\\" \\\\ there"'], "receiver": "shared-pager"},
            ],
        },
        {"matchers": ['team=~"web|"'], "receiver": "quiet", "routes": [{"matchers": ["page=yes"], "receiver": "web"}]},
        {"matchers": ["team=alone"], "receiver": "alone", "group_by": []},
        {"matchers": ['team=~"[[:alpha:]]+x"'], "receiver": "foreign", "continue": True},
    ],
}
ALERTS = {
    "inherits group_by and the receiver": {"alertname": "A", "team": "pay", "service": "s1", "pod": "p1"},
    "all labels": {
        "alertname": "B",
        "team": "pay",
        "kind": "plain",
        "pod": 'p 2 é \t \\ " \u200b',
        "a": "1",
        "a1": "2",
    },
    "match_re": {"alertname": "C", "team": "pay", "kind": "older", "service": "s2"},
    "a regular expression, escaped, and on": {"alertname": "D", "team": "pay", "kind": "regx7", "service": "s2"},
    "quotes": {"alertname": "E", "team": "pay", "kind": "x", "note": 'say "hi" \\ there'},
    "nested in one that does not page": {"alertname": "F", "team": "web", "page": "yes", "service": "s3"},
    "an empty group_by is no group_by": {"alertname": "G", "team": "alone", "service": "s4"},
    "not Python's regular expression": {"alertname": "H", "team": "abcx", "service": "s4"},
}
UNPAGED = {
    "no team": {"alertname": "I"},
    "the parent, which does not page": {"alertname": "J", "team": "web"},
    "nobody": {"alertname": "K", "team": "other7"},
}


def pager(name, sink):
    return {"name": name, "pagerduty_configs": [{"routing_key": "secret-key", "url": f"{sink.url}/v2/enqueue"}]}


def config(sink, route=ROUTE):
    paging = ("pay-pager", "shared-pager", "web", "alone", "foreign")
    receivers = [pager(name, sink) for name in paging] + [{"name": name} for name in ("nobody", "quiet")]
    return {"route": route, "receivers": receivers}


def source_of(server):
    return Alertmanager(HttpSource("am-1", server.url), "Watchdog", SystemClock())


def posted(sink):
    """Dedup keys by the alertname that they were posted for."""
    found = {}
    for line, body in zip(sink.requests, sink.bodies, strict=False):
        assert line == "POST /v2/enqueue"
        event = json.loads(body)
        assert event["event_action"] == "trigger"
        for name in [*ALERTS, *UNPAGED]:
            letter = (ALERTS | UNPAGED)[name]["alertname"]
            if f"alertname = {letter}\n" in event["payload"]["custom_details"]["firing"]:
                found.setdefault(name, set()).add(event["dedup_key"])
    return found


def test_alertmanager_pages_under_one_of_the_keys(start_alertmanager, exporter):
    exporter.serve("/v2/enqueue", "{}", 202)
    server = start_alertmanager(config=config(exporter))
    server.post_alerts({"labels": labels} for labels in (ALERTS | UNPAGED).values())
    keys = wait_until(lambda: (found := posted(exporter)).keys() >= ALERTS.keys() and found)
    wait_until(lambda: len(posted(exporter)["a regular expression, escaped, and on"]) == 1)

    alerts = {alert.name: alert for alert in source_of(server).read().alerts}
    assert len(alerts) == len(ALERTS | UNPAGED)
    for name, labels in ALERTS.items():
        found = alerts[labels["alertname"]]
        assert found.paged, name
        assert keys[name] <= set(found.page_keys), name
        assert len(found.page_keys) <= 2, (name, "a key too many may be another alert's")
        assert found.source == "am-1"
    for name, labels in UNPAGED.items():
        assert (alerts[labels["alertname"]].paged, alerts[labels["alertname"]].page_keys) == (False, ()), name
        assert name not in keys
    assert alerts["A"].receivers == ("pay-pager",)
    strangers = [key for name, found in keys.items() for key in found if name != "quotes"]
    assert not set(alerts["E"].page_keys) & set(strangers), "the receiver is shared, the key is not"


def test_nobody_s_secret_is_kept(start_alertmanager, exporter):
    server = start_alertmanager(config=config(exporter))
    source = source_of(server)
    source.read()
    assert "secret-key" not in repr(vars(source._routing.routes))
    assert "<secret>" not in repr(vars(source._routing.routes))


def test_a_changed_configuration_is_taken_up(start_alertmanager, exporter, monkeypatch):
    exporter.serve("/v2/enqueue", "{}", 202)
    server = start_alertmanager(config=config(exporter, {"receiver": "nobody", **QUICK}))
    clock = SystemClock()
    source = Alertmanager(HttpSource("am-1", server.url), "Watchdog", clock)
    labels = {"alertname": "A", "team": "pay"}
    server.post_alerts([{"labels": labels}])
    [before] = source.read().alerts
    assert (before.paged, before.page_keys) == (False, ())

    server.stop()
    (server.folder / "alertmanager.yml").write_text(json.dumps(config(exporter)))
    server.start()
    server.post_alerts([{"labels": labels}])
    [same] = source.read().alerts
    assert same.receivers == ("pay-pager",)
    later = clock.monotonic() + 301
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    found = source.read()
    [after] = found.alerts
    assert after.paged
    assert found.changed == {after.fingerprint}
    key = wait_until(lambda: posted(exporter).get("inherits group_by and the receiver"))
    assert key <= set(after.page_keys)
