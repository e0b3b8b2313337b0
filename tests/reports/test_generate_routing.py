"""The routes: who hears of what, judged by amtool."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from console.model.message import Topic
from console.model.people import Severity, SeverityRule
from console.settings.outside import HttpSource, Notify, PagerDuty, SecretRef, SlackWebhook
from tests.reports.generated import OBJECTIVES, amtool, made, plan, shipped_plan

CANARY = "canary-4711-do-not-print"


def config(of):
    return yaml.safe_load(made("alertmanager", of).files["alertmanager.yml"])


def with_notify(notify, **more):
    of = shipped_plan()
    return replace(of, environment=replace(of.environment, notify=notify), **more)


@pytest.fixture
def routes(tmp_path):
    """routes(plan, label="value", ...) -> the receivers that amtool names, with commas between."""

    def ask(of, **labels):
        path = tmp_path / "alertmanager.yml"
        path.write_text(made("alertmanager", of).files["alertmanager.yml"])
        asked = (f"{name}={value}" for name, value in labels.items())
        return amtool("config", "routes", "test", f"--config.file={path}", *asked).splitlines()[0]

    return ask


@pytest.mark.integration
def test_amtool_accepts_it_with_and_without_channels(tmp_path):
    bare = with_notify(Notify())
    eu = with_notify(Notify(PagerDuty(HttpSource("pagerduty", "x"), events_url="https://events.eu.pagerduty.com")))
    paths = []
    for index, of in enumerate((shipped_plan(), plan(heartbeat="https://deadman.example.com/x"), bare, eu)):
        paths.append(tmp_path / f"{index}.yml")
        paths[-1].write_text(made("alertmanager", of).files["alertmanager.yml"])

    assert amtool("check-config", *paths).count("SUCCESS") == 4


@pytest.mark.integration
@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"alertname": "Watchdog", "severity": "none"}, "watchdog"),
        ({"alertname": "Anything", "severity": "none"}, "nobody"),
        ({"alertname": "BridgeDown", "severity": "critical"}, "page"),
        ({"alertname": "SlothsOwn", "severity": "pageteam", "sloth_severity": "page"}, "page"),
        ({"alertname": "ShopErrorsBudgetBurn", "severity": "warning", "sloth_severity": "ticket"}, "ticket"),
        ({"alertname": "Unknown", "severity": "somebody-s-own-word"}, "ticket"),
        ({"alertname": "SecurityViolations", "severity": "critical", "team": "security"}, "team-security,page"),
        ({"alertname": "P99LatencyHigh", "severity": "warning"}, "team-performance,ticket"),
    ],
)
def test_who_hears_of_what(routes, labels, receivers):
    assert routes(shipped_plan(), **labels) == receivers


def test_a_page_goes_to_pagerduty_and_to_the_channels_that_hear_of_alerts():
    receivers = {item["name"]: item for item in config(shipped_plan())["receivers"]}

    (pager,) = receivers["page"]["pagerduty_configs"]
    assert pager["routing_key_file"] == "/etc/alertmanager/secrets/pagerduty-events-key"
    assert {"runbook", "playbook"} <= pager["details"].keys()
    assert [item["api_url_file"].rpartition("/")[2] for item in receivers["page"]["slack_configs"]] == ["slack-alerts"]
    assert receivers["ticket"].keys() == {"name", "slack_configs"}
    assert receivers["team-security"]["slack_configs"][0]["api_url_file"].endswith("/slack-security")
    assert receivers["watchdog"].keys() == receivers["nobody"].keys() == {"name"}


def test_a_page_inhibits_its_ticket_and_a_critical_guardrail_its_warning():
    slo, guardrail = config(plan(OBJECTIVES["grouped"]))["inhibit_rules"]

    assert slo["equal"] == ["sloth_id", "service", "environment", "handler", "region"]
    assert 'guardrail!=""' in guardrail["source_matchers"]  # else two alerts without one would be equal in it
    assert 'guardrail!=""' in guardrail["target_matchers"]


def test_the_severity_matrix_says_how_often_it_is_told_again():
    def rule(severity, acknowledge, update=None):
        return SeverityRule(severity, "", "", acknowledge, update)

    hours = timedelta(hours=1)
    matrix = (rule(Severity.SEV2, 5 * hours, 2 * hours), rule(Severity.SEV4, 9 * hours))
    route = config(replace(shipped_plan(), severities=matrix))["route"]
    assert route["repeat_interval"] == "9h"
    assert [item["repeat_interval"] for item in route["routes"] if item["receiver"] == "page"] == ["2h", "2h"]
    assert config(replace(shipped_plan(), severities=()))["route"]["repeat_interval"] == "4h"


def test_no_secret_and_no_address_of_a_secret_is_in_it():
    notify = Notify(
        PagerDuty(HttpSource("pagerduty", "x"), events_key=SecretRef("env", "PD_KEY")),
        (SlackWebhook("ops", SecretRef("file", "hooks/ops"), tuple(Topic)),),
    )
    text = made("alertmanager", with_notify(notify, secrets="/run/am")).files["alertmanager.yml"]

    assert "/run/am/pagerduty-events-key   the integration key (Events API v2): env:PD_KEY" in text
    assert "/run/am/slack-ops   the address of the incoming webhook: file:hooks/ops" in text
    body = yaml.safe_load(text)
    assert "hooks/ops" not in str(body)
    assert "PD_KEY" not in str(body)
    assert not [
        key for item in body["receivers"] for key in item if key not in ("name", "pagerduty_configs", "slack_configs")
    ]


def test_a_channel_that_hears_of_everything_is_told_once():
    everything = SlackWebhook("ops", SecretRef("env", "X"), tuple(Topic))
    names = [item["name"] for item in config(with_notify(Notify(slack=(everything,))))["receivers"]]
    assert names == ["page", "ticket", "watchdog", "nobody"]


def test_who_tells_nobody_is_told_so():
    found = made("alertmanager", with_notify(Notify()))
    assert [note.partition(": ")[2] for note in found.notes] == [
        "nobody is paged",
        "warnings are told to nobody",
        "with --heartbeat URL, a dead man's switch notices when alerting is gone",
    ]
    for note in found.notes:
        assert f"# NOTE {note}" in found.files["alertmanager.yml"]


def test_a_dead_mans_switch_hears_each_minute():
    of = plan(heartbeat="https://deadman.example.com/x")
    (route,) = [item for item in config(of)["route"]["routes"] if item["receiver"] == "watchdog"]
    (receiver,) = [item for item in config(of)["receivers"] if item["name"] == "watchdog"]
    assert route["repeat_interval"] == route["group_interval"] == "1m"
    assert receiver["webhook_configs"] == [{"url": "https://deadman.example.com/x", "send_resolved": False}]
    assert not made("alertmanager", of).notes
