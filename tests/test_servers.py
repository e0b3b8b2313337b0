"""The servers of the other tests do what those tests rely on."""

from __future__ import annotations

import time

import pytest

from tests.servers import Exporter, free_port, request, wait_until

RULES = [
    {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}},
    {"alert": "Errors", "expr": 'app_errors{job="app"} > 0', "labels": {"severity": "critical"}},
]


@pytest.mark.integration
def test_an_alert_goes_from_the_exporter_through_both_servers(start_prometheus, start_alertmanager, exporter):
    exporter.set("app_errors 3\n")
    alertmanager = start_alertmanager()
    prometheus = start_prometheus(
        rules=RULES, scrape_targets={"app": exporter.address}, alertmanagers=[alertmanager.address]
    )

    prometheus.wait_for('ALERTS{alertname="Errors",alertstate="firing"}')
    names = wait_until(lambda: {"Errors", "Watchdog"} <= {a["labels"]["alertname"] for a in alertmanager.alerts()})

    assert names
    assert prometheus.query("up")[0]["metric"]["instance"] == "app"


@pytest.mark.integration
def test_history_is_there_from_the_start(start_prometheus):
    now = time.time()
    samples = "".join(f"app_level {n} {now - 7200 + 60 * n:.0f}\n" for n in range(115))
    prometheus = start_prometheus(history=f"# TYPE app_level gauge\n{samples}# EOF\n")

    assert prometheus.query("count_over_time(app_level[1d])")[0]["value"][1] == "115"


@pytest.mark.integration
def test_alertmanager_silences_and_comes_back_on_its_port(alertmanager):
    alertmanager.post_alerts([{"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}}])
    silence = alertmanager.post_silence({"alertname": "A"})
    wait_until(lambda: [a["status"]["state"] for a in alertmanager.alerts(silenced="true")].count("suppressed") == 1)
    alertmanager.expire_silence(silence)

    url = alertmanager.url
    alertmanager.kill()
    with pytest.raises(OSError, match="refused"):
        alertmanager.alerts()
    alertmanager.start()
    assert alertmanager.url == url
    assert alertmanager.alerts() == []


def test_the_exporter_answers_breaks_and_hangs(exporter):
    exporter.set("up 1")
    exporter.serve("/health", "no", status=503)
    assert request(exporter.address, "GET", "/metrics") == "up 1\n"
    with pytest.raises(Exception, match="HTTP 503: no"):
        request(exporter.address, "GET", "/health?verbose=1")
    exporter.delay = 60
    with pytest.raises(TimeoutError):
        request(exporter.address, "GET", "/metrics", timeout=0.1)
    assert exporter.requests == ["GET /metrics", "GET /health?verbose=1", "GET /metrics"]


def test_a_stopped_exporter_refuses():
    with Exporter("x 1") as exporter:
        address = exporter.address
    with pytest.raises(OSError, match="refused"):
        request(address, "GET", "/metrics")


def test_waiting_says_what_did_not_come():
    with pytest.raises(AssertionError, match=r"the moon did not come within 0\.01 s"):
        wait_until(lambda: None, timeout=0.01, interval=0.001, what="the moon")


def test_free_ports_differ():
    assert len({free_port() for _ in range(10)}) > 1
