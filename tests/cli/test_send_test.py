"""`oncall check --send-test` against a real Alertmanager, PagerDuty's and Grafana's fakes, a mail server and Slack's
webhook: what is proven, what is recorded, what is taken back, and when nothing is sent at all."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
import yaml

from console.bootstrap import proving
from console.bootstrap.proving import Trial
from console.cli import send_test
from console.integrations.http.client import client
from console.model.message import Act
from console.model.pager import ActOutcome, ActResult
from tests.fakes.grafana import TOKEN, FakeGrafana
from tests.fakes.mailbox import Mailbox
from tests.fakes.openapi import Judge
from tests.fakes.pagerduty import ANN, CANARIES, EVENTS_KEY, SERVICE, TEST_KEY, TEST_SERVICE, FakePagerDuty
from tests.fakes.pagerduty import TOKEN as REST_KEY
from tests.integrations.fault_server import FaultServer, answer
from tests.servers import Alertmanager

NAMES = ["alertmanager", "pagerduty", "slack.incidents", "email", "grafana", "webhook.status-page"]
PATH = "services/T0CANARY1/B0CANARY2/canary-of-slack"
SECRETS = (*CANARIES, TOKEN, "canary-of-slack", "B0CANARY2")


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    client()  # the first request imports httpx, which may take longer than a deadline
    with Alertmanager(tmp_path_factory.mktemp("alertmanager")) as running:
        yield running


@pytest.fixture
def site(oncall, alertmanager, shared_dir, monkeypatch):
    """Every kind of channel, each with something meant for tests where it can have it."""
    slack, hook, grafana, mailbox = FaultServer(), FaultServer(), FakeGrafana(), Mailbox()
    slack.behave = answer(200, "ok")
    with FakePagerDuty(Judge(shared_dir)) as pager:
        document = yaml.safe_load((oncall.config / "console.yaml").read_text())
        first = document["environments"][0]
        first["alertmanager"] = {"url": alertmanager.url}
        first["notify"] = notify = {
            "pagerduty": {
                "url": pager.url,
                "events_url": pager.url,
                "token": "env:PD_REST",
                "sender": "ann@example.com",
                "services": [SERVICE[0]],
                "events_key": "env:PD_EVENTS",
                "test_events_key": "env:PD_TESTS",
            },
            "slack": [{"name": "incidents", "webhook": "env:SLACK_REAL", "test": "env:SLACK_TEST"}],
            "email": {
                "host": "127.0.0.1",
                "port": mailbox.port,
                "security": "none",
                "sender": "oncall@example.com",
                "to": ["team@example.com"],
                "test_to": ["test@example.com"],
            },
            "grafana": {"url": grafana.url, "token": "env:GRAFANA"},
            "webhooks": [{"name": "status-page", "url": f"{hook.url}/hooks"}],
        }
        secrets = {"PD_REST": REST_KEY, "PD_EVENTS": EVENTS_KEY, "PD_TESTS": TEST_KEY, "GRAFANA": TOKEN}
        secrets |= {"SLACK_REAL": f"{slack.url}/{PATH}-real", "SLACK_TEST": f"{slack.url}/{PATH}"}
        for name, value in secrets.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("CI", raising=False)

        def write():
            (oncall.config / "console.yaml").write_text(yaml.safe_dump(document))

        write()
        yield SimpleNamespace(
            oncall=oncall,
            pager=pager,
            slack=slack,
            hook=hook,
            grafana=grafana,
            mailbox=mailbox,
            alertmanager=alertmanager,
            environment=first,
            notify=notify,
            write=write,
        )
    for server in (slack, hook, grafana, mailbox):
        server.close()


def events(oncall, kind):
    rows = [json.loads(line) for line in oncall("log", "export").out.splitlines()]
    return {row["stream"]: json.loads(row["payload"]) for row in rows if row["kind"] == kind}


def nothing_sent(site):
    written = [one for server in (site.slack, site.hook, site.grafana.server) for one in server.requests]
    written = [one for one in written if one.method not in ("GET", "HEAD")]
    return not (site.pager.sent("POST") or written or site.mailbox.taken or site.alertmanager.alerts())


# -- what is proven ---------------------------------------------------------------------------------------------------


def test_every_channel_is_proven_and_the_proof_is_kept(site):
    result = site.oncall("check", "--send-test", "--yes", "--json")

    assert [item["name"] for item in result.json["tests"]] == NAMES
    assert all(item["proven"] and item["evidence"] for item in result.json["tests"])
    assert set(events(site.oncall, "channel.proven")) == {f"channel:{name}" for name in NAMES}
    site.oncall("log", "verify", "--expect", result.json["head"])
    channels = {item["name"]: item for item in site.oncall("status", "--json").json["channels"]}
    assert set(channels) == set(NAMES)
    for item in channels.values():
        assert item["state"] == "proven"
        assert 0 <= item["age_seconds"] < 60
        assert item["by"] == "alice"
    shown = site.oncall("check", code=1).out
    assert shown.count("last proven") == len(NAMES)
    assert "UNPROVEN" not in shown


def test_each_test_is_labelled_goes_to_what_is_for_tests_and_is_taken_back(site):
    result = site.oncall("check", "--send-test", "--yes")

    (incident,) = site.pager.incidents.values()
    assert (incident.service, incident.status) == (TEST_SERVICE, "resolved")
    assert incident.payload["payload"]["custom_details"]["oncall_test"] == "true"
    (posted,) = site.slack.requests
    assert posted.target == f"/{PATH}"
    assert b"oncall_test=true" in posted.body
    (mail,) = site.mailbox.taken
    assert mail.rcpt_tos == ["test@example.com"]
    assert b"X-Oncall-Test: true" in mail.content
    written = [json.loads(one.body) for one in site.grafana.server.requests if one.method == "POST"]
    assert ["oncall_test" in item["tags"] for item in written] == [True]
    assert site.grafana.annotations == {}
    assert json.loads(site.hook.requests[0].body)["test"] is True
    assert site.alertmanager.alerts() == []
    assert "routed to tests" in result.out
    assert result.out.count("proven  ") == len(NAMES)
    assert "webhook.status-page: " in next(line for line in result.out.splitlines() if "without a test target" in line)


def test_43_no_secret_is_shown_or_kept(site):
    site.slack.behave = answer(403, f"no such hook: {PATH}")
    site.grafana.faults["POST", "/api/annotations"] = answer(401, {"message": f"bad token {TOKEN}"})
    said = site.oncall("check", "--send-test", "--yes", code=1)
    said = said.out + said.err + site.oncall("check", code=1).out + site.oncall("status", "--json").out
    said += site.oncall("log", "export").out

    assert "403" in said
    assert not [secret for secret in SECRETS if secret in said]


def test_only_the_channel_that_is_named(site):
    found = site.oncall("check", "--send-test", "--yes", "--channel", "email", "--json").json

    assert [item["name"] for item in found["tests"]] == ["email"]
    assert not site.pager.sent("POST")
    assert site.slack.requests == []
    missing = site.oncall("check", "--send-test", "--yes", "--channel", "fax", code=5).err
    assert "there is no such channel; known: alertmanager, pagerduty" in missing
    site.oncall("check", "--yes", code=2)


# -- what fails -------------------------------------------------------------------------------------------------------


def test_56_a_failure_is_recorded_and_stops_no_other(site):
    site.slack.behave = answer(500, "broken")
    found = {
        item["name"]: item for item in site.oncall("check", "--send-test", "--yes", "--json", code=1).json["tests"]
    }

    assert [name for name, item in found.items() if not item["proven"]] == ["slack.incidents"]
    assert "500" in events(site.oncall, "channel.test_failed")["channel:slack.incidents"]["error"]
    line = next(line for line in site.oncall("check", code=1).out.splitlines() if "FAILED" in line)
    assert line.startswith("BAD  slack.incidents: the last test FAILED")
    assert "never proven" in line
    site.slack.behave = answer(200, "ok")
    site.oncall("check", "--send-test", "--yes", "--channel", "slack.incidents")
    channels = {item["name"]: item["state"] for item in site.oncall("status", "--json").json["channels"]}
    assert set(channels.values()) == {"proven"}


def test_pagerdutys_test_is_resolved_when_it_cannot_be_read_back(site):
    site.pager.rule("GET", "/incidents", instead=answer(500), times=1000)
    found = site.oncall("check", "--send-test", "--yes", "--channel", "pagerduty", "--json", code=1).json

    (incident,) = site.pager.incidents.values()
    assert incident.status == "resolved"
    assert not found["tests"][0]["proven"]
    assert "channel:pagerduty" in events(site.oncall, "channel.test_failed")


@pytest.mark.parametrize("fault", [answer(500), answer(200, "[{"), answer(200, "{}"), answer(200, "[]")])
def test_alertmanagers_test_is_resolved_when_it_cannot_be_read_back(site, fault, monkeypatch):
    from console.integrations.alertmanager import proving as alertmanager_proving

    monkeypatch.setattr(alertmanager_proving, "READ_BACK", timedelta(seconds=0.1))
    server = FaultServer()
    status = answer(200, {"versionInfo": {"version": "1"}, "config": {"original": ""}})

    def behave(connection):
        path = connection.request.path
        (fault if (connection.request.method, path) == ("GET", "/api/v2/alerts") else status)(connection)

    server.behave = behave
    site.environment["alertmanager"] = {"url": server.url}
    site.write()
    try:
        result = site.oncall("check", "--send-test", "--yes", "--channel", "alertmanager", code=1)
    finally:
        server.close()

    begun, ended = [json.loads(one.body)[0] for one in server.requests if one.method == "POST"]
    assert begun["labels"] == ended["labels"]
    assert begun["labels"]["oncall_test"] == "true"
    lasts = datetime.fromisoformat(begun["endsAt"]) - datetime.fromisoformat(begun["startsAt"])
    assert timedelta(0) < lasts < timedelta(minutes=5)  # it ends by itself, too
    assert datetime.fromisoformat(ended["endsAt"]) <= datetime.now(UTC)
    assert "FAILED  alertmanager" in result.out
    assert "channel:alertmanager" in events(site.oncall, "channel.test_failed")


@pytest.mark.parametrize("ahead", [-90, 90])
def test_24_alertmanagers_test_begins_and_ends_by_its_own_clock(site, ahead):
    there = timedelta(seconds=ahead)
    server, standing = FaultServer(), []

    def behave(connection):
        date = {"Date": format_datetime(datetime.now(UTC) + there, usegmt=True)}
        if connection.request.method == "POST":
            standing[:] = json.loads(connection.request.body)
        found = [item for item in standing if datetime.fromisoformat(item["endsAt"]) > datetime.now(UTC) + there]
        body = found if connection.request.path.endswith("alerts") else {"config": {"original": ""}}
        answer(200, body, **date)(connection)

    server.behave = behave
    site.environment["alertmanager"] = {"url": server.url}
    site.write()
    try:
        site.oncall("check", "--send-test", "--yes", "--channel", "alertmanager")
    finally:
        server.close()

    begun, ended = [json.loads(one.body)[0] for one in server.requests if one.method == "POST"]
    assert begun["startsAt"] <= ended["endsAt"] < begun["endsAt"]
    off = datetime.fromisoformat(begun["startsAt"]) - datetime.now(UTC)
    assert abs(off - there) < timedelta(seconds=20)


def test_an_annotation_that_cannot_be_removed_is_named(site):
    site.grafana.faults["DELETE", "/api/annotations/42"] = answer(500)
    site.oncall("check", "--send-test", "--yes", "--channel", "grafana", code=1)

    error = events(site.oncall, "channel.test_failed")["channel:grafana"]["error"]
    assert "the test annotation 42 is left over, remove it by hand" in error


def test_an_alertmanager_that_is_away_is_sent_nothing(site):
    site.environment["alertmanager"] = {"url": "http://127.0.0.1:1"}
    site.write()
    result = site.oncall("check", "--send-test", "--yes", "--channel", "alertmanager", code=1)

    assert "whichever receivers it routes to: that cannot be read" in result.err
    assert "may stand until" not in result.out


def trial(name, prove, deadline=5.0):
    return Trial(name, Act.POST, prove, lambda: "nobody", True, timedelta(seconds=deadline))


def test_35_a_test_that_hangs_or_breaks_stops_no_other(site, monkeypatch):
    release = threading.Event()

    def breaks(_):
        raise ValueError("canary-of-a-fault")

    def works(_):
        return ActResult(ActOutcome.DONE, "took it \x1b]0;pwned\x07")

    found = [trial("hangs", lambda _: release.wait(60), 0.1), trial("breaks", breaks), trial("works", works)]
    monkeypatch.setattr(proving, "trials", lambda *_: found)
    try:
        result = site.oncall("check", "--send-test", "--yes", code=1)
    finally:
        release.set()

    assert "FAILED  hangs: no answer within 0 s" in result.out
    assert "FAILED  breaks: a fault of ours in breaks: ValueError" in result.out
    assert "proven  works" in result.out
    assert "\x1b" not in result.out
    assert "canary-of-a-fault" not in result.out + result.err + site.oncall("log", "export").out


async def test_who_breaks_off_waits_for_the_tests_under_way():
    begun, go_on, taken_back = asyncio.Event(), asyncio.Event(), []

    async def test():
        begun.set()
        await go_on.wait()
        taken_back.append(True)

    running = asyncio.create_task(send_test._all([test()]))
    await begun.wait()
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert taken_back == [True]


# -- when nothing is sent ---------------------------------------------------------------------------------------------


def test_with_ci_set_nothing_is_sent(site, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = site.oncall("check", "--send-test", "--yes", code=3)

    assert len(result.err.splitlines()) == 1
    assert "never runs with CI set" in result.err
    assert nothing_sent(site)
    assert not site.oncall.journal.exists()
    assert "with CI set" in site.oncall.bare("check", "--help").out


def test_46_read_only_sends_nothing(site):
    result = site.oncall("--read-only", "check", "--send-test", "--yes", code=3)

    assert "not with --read-only" in result.err
    assert nothing_sent(site)
    assert site.pager.requests == []


def test_where_no_proof_can_be_kept_nothing_is_sent(site, tmp_path):
    (tmp_path / "file").write_text("")
    result = site.oncall("check", "--send-test", "--yes", journal=tmp_path / "file" / "journal.db", code=4)

    assert "NOT SAVED" in result.err
    assert "nothing was sent" in result.err
    assert nothing_sent(site)


def test_a_check_alone_sends_nothing_and_probes(site):
    site.oncall("--read-only", "check", code=1)
    shown = site.oncall("check", code=1).out

    assert nothing_sent(site)
    assert {one.method for one in [*site.pager.requests, *site.grafana.server.requests]} <= {"GET", "HEAD"}
    assert "ok   grafana: lets us read annotations" in shown
    assert "ok   pagerduty: " in shown
    assert "?? " in next(line for line in shown.splitlines() if "email: UNPROVEN" in line)
    assert shown.count("UNPROVEN") == len(NAMES)
    assert {item["state"] for item in site.oncall("status", "--json").json["channels"]} == {"unproven"}
    found = site.oncall("check", "--json", code=1).json["findings"]
    assert {item["ok"] for item in found if "UNPROVEN" in item["what"]} == {None}
    (hook,) = [item for item in found if item["source"] == "webhook.status-page" and "UNPROVEN" in item["what"]]
    assert "no test target is configured" in hook["what"]


def test_elsewhere_than_on_a_terminal_it_wants_yes(site):
    result = site.oncall("check", "--send-test", code=2)

    assert "--yes" in result.err
    assert nothing_sent(site)


@pytest.mark.parametrize(("reply", "code"), [("n", 3), ("y", 0)])
def test_on_a_terminal_it_asks_once(site, monkeypatch, reply, code):
    asked = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda text="": asked.append(text) or reply)
    result = site.oncall("check", "--send-test", code=code)

    assert len(asked) == 1
    assert nothing_sent(site) is (code == 3)
    assert f"{len(NAMES)} tests for lighthouse/production, each labelled oncall_test=true" in result.err


# -- who is named -----------------------------------------------------------------------------------------------------


def test_it_names_what_is_for_tests(site):
    said = site.oncall("check", "--send-test", code=2).err

    for words in (
        "alertmanager -> its receivers: tests",
        "pagerduty -> the service of env:PD_TESTS, for tests",
        "slack.incidents -> the channel of env:SLACK_TEST, for tests",
        "email -> test@example.com, for tests",
        "grafana -> the whole organization: an annotation, written and removed",
        "webhook.status-page -> its receiver itself: NO TEST ADDRESS",
    ):
        assert words in said


def test_without_anything_for_tests_it_names_everybody_who_is_paged(site):
    del site.notify["pagerduty"]["test_events_key"]
    del site.notify["slack"][0]["test"]
    del site.notify["email"]["test_to"]
    site.write()
    site.pager.users[ANN[0]] = hostile = (ANN[0], "Ann \x1b]0;pwned\x07 Able")
    site.pager.on_call = [(1, hostile)]
    said = site.oncall("check", "--send-test", code=2).err

    assert "env:PD_EVENTS itself: NO TEST SERVICE is configured, it PAGES Ann" in said
    assert "level 1" in said
    assert "env:SLACK_REAL itself: NO TEST WEBHOOK" in said
    assert "team@example.com: NO TEST RECIPIENTS" in said
    assert "\x1b" not in said
    site.pager.rule("GET", "/incidents", instead=answer(500), times=1000)
    assert "it PAGES whoever is on call (it cannot say who: " in site.oncall("check", "--send-test", code=2).err


def test_an_alertmanager_that_would_page_says_so(site, tmp_path, alertmanager):
    from console.engine.clocks import SystemClock
    from console.integrations.alertmanager import AlertmanagerTest
    from console.settings.outside import HttpSource

    receivers = [{"name": "quiet"}, {"name": "pager", "pagerduty_configs": [{"routing_key": "0" * 32}]}]
    routes = [{"receiver": "quiet", "matchers": ['oncall_test="true"', 'environment="staging"']}]
    config = {"route": {"receiver": "pager", "routes": routes}, "receivers": receivers}
    with Alertmanager(tmp_path / "paging", config) as server:
        test = AlertmanagerTest(HttpSource("a", server.url), SystemClock())
        assert test.receivers("lighthouse/production") == (("pager", True),)
        assert test.receivers("lighthouse/staging") == (("quiet", False),)
