"""Silences and temporary changes from the command line, on a real Alertmanager."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from console.cli.parse import local
from tests import servers


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    with servers.Alertmanager(tmp_path_factory.mktemp("alertmanager")) as server:
        labels = [{"alertname": "P99High", "instance": f"i{number}"} for number in range(3)]
        server.post_alerts([{"labels": one} for one in [{"alertname": "Watchdog"}, {"alertname": "Disk"}, *labels]])
        servers.wait_until(lambda: len(server.alerts()) == 5, what="the alerts")
        yield server


@pytest.fixture
def fed(oncall, alertmanager):
    oncall.notify()
    oncall.alertmanager(alertmanager.address)
    yield oncall
    for silence in alertmanager.silences().values():
        if silence["status"]["state"] != "expired":
            alertmanager.expire_silence(silence["id"])


ADD = ("silence", "add", "alertname=P99High", "--for", "2h", "--comment", "a deploy")


def standing(alertmanager):
    return [item for item in alertmanager.silences().values() if item["status"]["state"] == "active"]


def test_the_preview_names_what_it_would_hide_and_changes_nothing(fed, alertmanager):
    shown = fed("silence", "preview", "alertname=P99High", 'instance=~"i[01]"')

    assert "in lighthouse/production" in shown.out
    assert "It hides 2 alerts that fire now" in shown.out
    data = fed("silence", "preview", '{alertname="P99High", instance!="i0"}', "--json").json
    assert (data["hides"], len(data["alerts"])) == (2, 2)
    assert standing(alertmanager) == []
    assert not fed.journal.exists()


def test_without_yes_nothing_is_silenced(fed, alertmanager):
    asked = fed(*ADD, code=2)

    assert "It hides 3 alerts that fire now" in asked.out
    assert "Silence this in lighthouse/production until " in asked.err
    assert standing(alertmanager) == []
    assert "read-only" in fed("--read-only", *ADD, "--yes", code=3).err
    assert standing(alertmanager) == []


def test_a_silence_from_its_making_to_its_end(fed, alertmanager):
    change = fed(*ADD, "--yes", "--json").json["change"]
    (made,) = standing(alertmanager)
    assert (made["id"], made["comment"], made["createdBy"]) == (change["remote"], "a deploy", "alice")
    assert change["owed"] is True
    (listed,) = fed("silence", "ls", "--json").json["silences"]
    assert (listed["id"], listed["fits"], listed["state"]) == (made["id"], 3, "active")

    fed("silence", "extend", change["label"], "--for", "5h")
    (longer,) = standing(alertmanager)
    assert longer["endsAt"] > made["endsAt"]
    fed("silence", "expire", longer["id"][:8], "--reason", "the deploy is over")
    assert standing(alertmanager) == []
    assert "no silence" in fed("silence", "ls").out
    assert "was undone" in fed("silence", "expire", longer["id"], code=3).err
    assert longer["id"] in [item["id"] for item in fed("silence", "ls", "--expired", "--json").json["silences"]]

    again = fed("silence", "recreate", longer["id"], "--for", "1h", "--yes", "--json").json["change"]
    (made_anew,) = standing(alertmanager)
    assert made_anew["id"] == again["remote"] != longer["id"]
    assert made_anew["comment"] == "a deploy"
    assert "extend" in fed("silence", "recreate", made_anew["id"], "--for", "1h", "--yes", code=3).err
    fed("changes", "undo", again["label"])
    assert standing(alertmanager) == []


def test_somebody_elses_silence_comes_into_the_ledger_when_it_is_touched(fed, alertmanager):
    theirs = alertmanager.post_silence({"alertname": "Disk"})

    fed("silence", "expire", theirs)

    assert standing(alertmanager) == []
    (change,) = fed("changes", "ls", "--all", "--json").json["changes"]
    assert (change["remote"], change["state"]) == (theirs, "undone")


def test_an_incident_waits_for_its_silence(fed):
    label = fed("incident", "declare", "--severity", "SEV3", "slow", "--json").json["incident"]["label"]
    change = fed(*ADD, "--incident", label, "--yes", "--json").json["change"]["label"]
    fed("incident", "resolve", label)

    assert change in fed("incident", "close", label, code=3).err
    assert change in fed("incident", "show", label).out
    fed("changes", "handover", change, "--to", "OPS-12", "--reason", "until the next release")
    assert "OPS-12 owes it" in fed("changes", "ls", "--all").out
    fed("incident", "close", label)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["team", "--for", "1h"], 2, "is no matcher"),
        (["team=~(", "--for", "1h"], 2, "team=~("),
        (["{some words}", "--for", "1h"], 2, "what is no matcher"),
        (["alertname=X"], 2, "--for 2h or --until"),
        (["alertname=X", "--for", "1h", "--until", "22:00"], 2, "--for 2h or --until"),
        (["alertname=X", "--until", "noon"], 2, "is no time"),
        (["alertname=X", "--until", "2020-01-01"], 3, "in the past"),
        (["alertname=X", "--for", "0s"], 3, "in the past"),
        (['alertname=~".*"', "--for", "1h"], 3, "fit every alert"),
        (["alertname=X", "--for", "10000d"], 3, "its end is more than a year away"),
        (["alertname=X", "--for", "1h", "--cluster", "moon"], 2, "known: alertmanager"),
        (["alertname=X", "--for", "1h", "--incident", "INC-9"], 5, "no such incident"),
    ],
    ids=str,
)
def test_bad_input_is_one_line_and_nothing_is_made(fed, alertmanager, arguments, code, why):
    result = fed("silence", "add", *arguments, "--comment", "x", "--yes", code=code)

    assert why in result.err
    assert len(result.err.splitlines()) == 1
    assert standing(alertmanager) == []


def test_an_outcome_that_nobody_knows_has_its_own_code_and_is_settled_by_a_person(oncall):
    with servers.Exporter() as lost:  # whatever it is sent, its answer is no silence's id
        lost.serve("/api/v2/silences", "[]", content_type="application/json")
        lost.serve("/api/v2/alerts/groups", "[]", content_type="application/json")
        oncall.notify()
        oncall.alertmanager(lost.address)

        result = oncall(*ADD, "--yes", code=6)
        posted = lost.requests.count("POST /api/v2/silences")

    assert "outcome unknown" in result.err
    assert posted == 1
    (change,) = oncall("changes", "ls", "--json").json["changes"]
    assert (change["state"], change["in_force"]) == ("intended", True)
    assert "OUTCOME UNKNOWN" in oncall("changes", "ls").out
    oncall("changes", "settle", change["label"], "refused", "--observed", "amtool shows none")
    assert "no temporary change is owed" in oncall("changes", "ls").out


def test_changes_that_were_made_by_hand(oncall):
    record = ("changes", "record", "override", "bridge", "limit 10", "--undo", "set it back to 50")
    change = oncall(*record, "--for", "2h", "--json").json["change"]

    assert (change["state"], change["kind"], change["owed"]) == ("in force", "override", True)
    assert "set it back to 50" in oncall("changes", "undo", change["label"], code=2).err
    oncall("changes", "undo", change["label"], "--observed", "it is 50")
    assert "undone" in oncall("changes", "ls", "--all").out
    assert change["label"] in oncall("changes", "undo", "CHG-999", "--observed", "x", code=5).err


# -- the clock on the wall --------------------------------------------------------------------------------------------


@pytest.fixture
def paris(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


NOW = datetime(2025, 11, 3, 20, 30, tzinfo=UTC)  # 21:30 in Paris


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22:00", datetime(2025, 11, 3, 21, tzinfo=UTC)),
        ("9:00", datetime(2025, 11, 4, 8, tzinfo=UTC)),
        ("22:00Z", datetime(2025, 11, 3, 22, tzinfo=UTC)),
        ("2025-11-04 10:00", datetime(2025, 11, 4, 9, tzinfo=UTC)),
        ("2026-07-01T10:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2025-11-04T10:00+00:00", datetime(2025, 11, 4, 10, tzinfo=UTC)),
    ],
)
def test_until_is_by_the_readers_own_clock(paris, text, expected):
    assert local(text, NOW) == expected


@pytest.mark.parametrize("text", ["2026-03-29 02:30", "25:00", "later", "", "0001-01-01"])
def test_what_no_clock_on_the_wall_shows_is_refused(paris, text):
    with pytest.raises(ValueError, match="is no time"):
        local(text, NOW)


def test_tomorrow_is_an_hour_longer_when_the_clocks_go_back(paris):
    evening = datetime(2025, 10, 25, 20, tzinfo=UTC)  # 22:00; the clocks go back at 03:00

    assert local("21:00", evening) == datetime(2025, 10, 26, 20, tzinfo=UTC)
