"""The alert feed from the command line, on a real Alertmanager."""

from __future__ import annotations

import pytest

from tests import servers

ALERTS = [
    {"labels": {"alertname": "Watchdog", "severity": "none"}},
    *(
        {
            "labels": {"alertname": "P99High", "severity": "critical", "instance": f"i{number}", "team": "payments"},
            "annotations": {"summary": f"P99 of i{number} is high"},
        }
        for number in range(3)
    ),
    {"labels": {"alertname": "DiskFull", "severity": "warning", "team": "storage"}},
]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    with servers.Alertmanager(tmp_path_factory.mktemp("alertmanager")) as server:
        server.post_alerts(ALERTS)
        servers.wait_until(lambda: len(server.alerts()) == len(ALERTS), what="the alerts")
        yield server


@pytest.fixture
def fed(oncall, alertmanager):
    oncall.notify()
    oncall.alertmanager(alertmanager.address)
    return oncall


def fingerprints(oncall, *options):
    return [alert["fingerprint"] for alert in oncall("alerts", "ls", *options, "--json").json["alerts"]]


def test_a_url_needs_neither_a_configuration_nor_a_journal(oncall, alertmanager, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "config")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("ONCALL_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("ONCALL_JOURNAL", str(tmp_path / "none" / "journal.db"))

    shown = oncall.bare("alerts", "ls", "--alertmanager", alertmanager.url)

    assert [line.split()[2] for line in shown.out.splitlines()] == ["P99High"] * 3 + ["DiskFull"]
    assert shown.err == ""
    assert not (tmp_path / "none").exists()
    one = oncall.bare("alerts", "ls", "--alertmanager", alertmanager.url + "/", "--json").json["alerts"][0]
    details = oncall.bare("alerts", "show", one["fingerprint"], "--alertmanager", alertmanager.url).out
    assert one["annotations"]["summary"] in details
    assert "no metric source is configured" in details
    assert "no silence" in oncall.bare("silence", "ls", "--alertmanager", alertmanager.url).out


def test_the_keys_of_the_list(fed):
    data = fed("alerts", "ls", "--group-by", "team", "--json").json

    assert sorted(data) == ["alerts", "at", "environment", "evidence", "groups", "total"]
    assert data["evidence"] == {"state": "ok", "note": ""}
    assert data["total"] == len(ALERTS)
    assert [(item["group"], len(item["fingerprints"])) for item in data["groups"]] == [("payments", 3), ("storage", 1)]
    assert {"fingerprint", "labels", "acknowledged_by", "page", "incidents", "verdict"} <= set(data["alerts"][0])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--filter", 'severity="critical" instance=~"i[01]"'], ["P99High", "P99High"]),
        (["--filter", "disk"], ["DiskFull"]),
        (["--filter", "alertname=Watchdog"], ["Watchdog"]),
        (["--sort", "name"], ["DiskFull", "P99High", "P99High", "P99High"]),
        (["--state", "suppressed", "--state", "muted"], []),
        (["--filter", "team!=payments"], ["DiskFull"]),
    ],
    ids=str,
)
def test_filter_state_and_sort(fed, options, names):
    assert [alert["name"] for alert in fed("alerts", "ls", *options, "--json").json["alerts"]] == names


def test_what_cannot_be_read_is_no_empty_list(oncall):
    for arguments in (["alerts", "ls", "--alertmanager", "http://127.0.0.1:1"], ["alerts", "ls"], ["silence", "ls"]):
        result = oncall(*arguments, code=1)
        assert result.out == ""
        assert len(result.err.splitlines()) == 1
        assert "refuses the connection" in result.err


@pytest.mark.parametrize("url", ["ftp://x", "localhost:9093", "http://", "http://a b", "http://x:0"])
def test_bad_addresses_are_one_line(oncall, url):
    result = oncall.bare("alerts", "ls", "--alertmanager", url, code=2)

    assert len(result.err.splitlines()) == 1
    assert "expected an http or https URL" in result.err


def test_credentials_in_an_address_are_not_repeated(oncall):
    result = oncall.bare("alerts", "ls", "--alertmanager", "http://me:canary@127.0.0.1:1", code=2)

    assert "canary" not in result.err + result.out


def test_a_bad_filter_is_one_line(fed):
    assert fed("alerts", "ls", "--filter", 'a=~"("', code=2).err.count("\n") == 1
    assert "@state" in fed("alerts", "ls", "--filter", "@stat=x", code=2).err


def test_an_alert_is_taken_judged_noted_and_given_back(fed):
    fingerprint = fingerprints(fed, "--filter", "alertname=DiskFull")[0]
    taken = fed("alerts", "ack", fingerprint, "--json").json
    assert [item["acknowledged_by"] for item in taken["alerts"]] == ["alice"]

    assert "was acknowledged by alice" in fed("alerts", "ack", fingerprint, by="bob", code=3).err
    assert "alice has it" in fed("alerts", "ls").out
    assert fingerprints(fed, "--filter", "@acked=yes") == [fingerprint]
    fed("alerts", "verdict", fingerprint, "poor-details", "--note", "which disk?")
    fed("alerts", "note", fingerprint[:8], "it is sda")
    fed("alerts", "unack", fingerprint, "--reason", "lunch")
    shown = fed("alerts", "show", fingerprint[:8]).out
    for wanted in ("by nobody", "poor details, said alice: which disk?", "alice: it is sda", "storage"):
        assert wanted in shown
    data = fed("alerts", "show", fingerprint, "--json").json
    assert sorted(data) == ["alert", "history", "links", "silences"]
    assert data["alert"]["verdict"] == "poor details"
    assert "refuses the connection" in data["history"]["error"]
    assert "nobody has acknowledged" in fed("alerts", "unack", fingerprint, "--reason", "x", code=3).err


def test_more_than_one_needs_yes_and_takes_only_what_was_listed(fed):
    asked = fed("alerts", "ack", "--filter", "alertname=P99High", code=2)
    assert "3 alerts:" in asked.out
    assert "--yes" in asked.err
    assert fingerprints(fed, "--filter", "@acked=yes") == []

    listed = fed("alerts", "ack", "--filter", "alertname=P99High", "--yes").out
    taken = fingerprints(fed, "--filter", "@acked=yes")
    assert len(taken) == 3
    assert all(fingerprint in listed for fingerprint in taken)
    assert "no active alert without an owner" in fed("alerts", "ack", "--filter", "P99High", "--yes", code=2).err


def test_on_a_terminal_it_asks_once(fed, monkeypatch):
    from console.cli import feed

    answers = iter([False, True])
    monkeypatch.setattr(feed.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(feed.click, "confirm", lambda *_, **__: next(answers))

    assert "nothing was done" in fed("alerts", "ack", "--filter", "P99High", code=2).err
    assert fingerprints(fed, "--filter", "@acked=yes") == []
    fed("alerts", "ack", "--filter", "P99High")
    assert len(fingerprints(fed, "--filter", "@acked=yes")) == 3


def test_what_there_is_not_is_refused_by_name(fed):
    assert "there is no such alert" in fed("alerts", "show", "0000000000000000", code=5).err
    assert "DiskFull" in fed("alerts", "ack", "dead", code=5).err
    assert "FINGERPRINT, or give --filter" in fed("alerts", "ack", code=2).err


def test_read_only_takes_nothing(fed):
    fingerprint = fingerprints(fed)[0]

    assert "read-only" in fed("--read-only", "alerts", "ack", fingerprint, code=3).err
    assert not fed.journal.exists()


def test_an_incident_is_declared_from_an_alert_that_stands(fed):
    declared = fed("incident", "declare", "--severity", "SEV2", "slow", "--alert", "P99High", "--json").json
    label = declared["incident"]["label"]

    assert len(declared["incident"]["alerts"]) == 3
    assert {label} == {
        name
        for item in fed("alerts", "ls", "--filter", "P99High", "--json").json["alerts"]
        for name in item["incidents"]
    }
