"""What is generated, running: a real Prometheus and a real Alertmanager on the files, and an error burst that pages
when its burn rate says.

A day of clean history is there from the start; then the traffic is ten times as much, and all of it fails. Everything
is an exact function of the clock, so that the moment is known at which the ratio of the last hour goes above 14.4 times
the budget. That it takes seconds and not minutes is the burst's size; windows, factors and files are those of every
day. Only the times that Alertmanager collects alerts for are shortened.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime

import pytest
import yaml

from console.engine.clocks import SystemClock
from console.integrations.alertmanager import Alertmanager as Source
from console.model.message import Topic
from console.settings.outside import HttpSource, Notify, PagerDuty, SecretRef, SlackWebhook
from tests.reports.generated import made, objective, shipped_plan, written
from tests.servers import Alertmanager, Exporter, Prometheus, request, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prometheus")]

RATE, BURST = 20.0, 200.0
"""Requests per second: before, and while all of them fail."""
LIMIT = 14.4 * 0.001
PROMISED = 3600 * RATE * LIMIT / (BURST - LIMIT * (BURST - RATE))
"""Seconds t after which BURST t / (RATE (3600 - t) + BURST t), the ratio over an hour, is at LIMIT."""
SLACK = 10.0
"""Seconds that a busy machine may take for what takes two: a scrape and an evaluation."""
KEY = "the-integration-key"


class Shop(Exporter):
    """Counts requests by the clock. `burst` is when everything begins to fail."""

    def __init__(self, began: float) -> None:
        self.began, self.burst = began, float("inf")
        super().__init__()

    def counts(self, at: float) -> dict[str, float]:
        return {"200": RATE * (min(at, self.burst) - self.began), "500": BURST * max(0.0, at - self.burst)}

    def _answer(self, handler) -> None:
        samples = (f'requests_total{{code="{code}"}} {count}' for code, count in self.counts(time.time()).items())
        self.set("\n".join(["# TYPE requests_total counter", *samples]))
        super()._answer(handler)

    def history(self, until: float) -> str:
        """A sample each minute."""
        lines = [
            f'requests_total{{code="{code}",job="shop",instance="shop"}} {count} {at}'
            for code in ("200", "500")
            for at in range(int(self.began), int(until), 60)
            for count in (self.counts(at)[code],)
        ]
        return "\n".join(["# TYPE requests counter", *lines, "# EOF\n"])


@pytest.fixture
def shop():
    with Shop(int(time.time()) - 25 * 3600) as running:
        yield running


@pytest.fixture
def people():
    """PagerDuty, Slack and a dead man's switch."""
    with Exporter() as sink:
        sink.serve("/v2/enqueue", '{"status": "success", "dedup_key": "x"}', 202, "application/json")
        sink.serve("/slack", "ok")
        sink.serve("/beat", "ok")
        yield sink


def told(sink, path):
    """What was posted to a path."""
    return [
        json.loads(body) for line, body in zip(list(sink.requests), sink.bodies, strict=False) if line == f"POST {path}"
    ]


def planned(folder, sink):
    """The shipped plan with one SLO, and with channels that end here."""
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "pagerduty-events-key").write_text(f"{KEY}\n")
    (secrets / "slack-alerts").write_text(f"{sink.url}/slack\n")
    notify = Notify(
        PagerDuty(HttpSource("pagerduty", "http://x"), events_url=sink.url),
        (SlackWebhook("alerts", SecretRef("env", "X"), (Topic.ALERTS,)),),
    )
    of = shipped_plan()
    return replace(
        of,
        environment=replace(of.environment, notify=notify, components=()),
        objectives=(objective(alert="ShopErrorRateHigh"),),
        rollout=None,
        secrets=str(secrets),
        heartbeat=f"{sink.url}/beat",
    )


def quickly(config):
    """Alertmanager's configuration, without the time in which it collects alerts."""
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    return config


@pytest.fixture
def servers(tmp_path, shop, people):
    of = planned(tmp_path, people)
    config = quickly(yaml.safe_load(made("alertmanager", of).files["alertmanager.yml"]))
    folder = tmp_path / "prometheus"
    with Alertmanager(tmp_path / "alertmanager", config) as alertmanager:
        prometheus = Prometheus(
            folder,
            scrape_targets={"shop": shop.address},
            alertmanagers=[alertmanager.address],
            history=shop.history(time.time()),
        )
        written(folder, "prometheus", of)
        main = json.loads((folder / "prometheus.yml").read_text())
        (folder / "prometheus.yml").write_text(json.dumps(main | {"rule_files": ["oncall-*.rules.yml"]}))
        with prometheus:
            yield prometheus, alertmanager


def test_an_error_burst_pages_when_its_burn_rate_says(servers, shop, people):
    prometheus, alertmanager = servers
    prometheus.wait_for('up{job="shop"} == 1')
    prometheus.wait_for('slo:sli_error:ratio_rate1h{sloth_slo="errors"} == 0')
    wait_until(lambda: told(people, "/beat"), 20, what="the dead man's switch")
    assert told(people, "/beat")[0]["alerts"][0]["labels"]["alertname"] == "Watchdog"
    assert not told(people, "/v2/enqueue")
    rules = request(prometheus.address, "GET", "/api/v1/rules")["data"]["groups"]
    assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}

    shop.burst = time.time()
    (page,) = wait_until(lambda: told(people, "/v2/enqueue"), PROMISED + 3 * SLACK, what="the page")

    active = request(prometheus.address, "GET", "/api/v1/alerts")["data"]["alerts"]
    (fired,) = [item for item in active if item["labels"].get("sloth_severity") == "page"]
    since = datetime.fromisoformat(fired["activeAt"][:26].rstrip("Z") + "+00:00").timestamp() - shop.burst
    assert PROMISED - 0.5 < since < PROMISED + SLACK

    assert page["routing_key"] == KEY
    assert page["event_action"] == "trigger"
    assert page["payload"]["severity"] == "critical"
    assert "Title of errors of shop" in page["payload"]["summary"]
    details = page["payload"]["custom_details"]
    assert (details["runbook"], details["playbook"]) == ("ShopErrorRateHigh", "")

    wait_until(lambda: told(people, "/slack"), 20, what="the message")
    (message,) = told(people, "/slack")[0]["attachments"]
    assert message["title"].startswith("CRITICAL 1 ShopErrorRateHigh lighthouse/production")

    # Its ticket needs more of a day than there is time for here: as it would come.
    alertmanager.post_alerts([{"labels": fired["labels"] | {"severity": "warning", "sloth_severity": "ticket"}}])

    def inhibited():
        found = [item for item in alertmanager.alerts() if item["labels"].get("sloth_severity") == "ticket"]
        return found and found[0]["status"]["inhibitedBy"]

    wait_until(inhibited, 20, what="the page to inhibit its ticket")

    # The console finds the page of that alert by the key that it computes from the generated routes.
    source = Source(HttpSource("alertmanager", alertmanager.url), "Watchdog", SystemClock())

    def paged():
        seen = source.read()
        return seen.watchdog_seen and [item for item in seen.alerts if item.paged]

    (seen,) = wait_until(paged, 20, what="the page in the console's feed")
    assert page["dedup_key"] in seen.page_keys
    source.close()
