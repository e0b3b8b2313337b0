"""Every fault of every source under one console on a real terminal, one after the other: each is said beside the
source's name, keys are answered as fast, all passes by itself, no secret is drawn. Numbers are those of the study."""

from __future__ import annotations

import contextlib
import re
import time
from statistics import median

import pytest

from tests.fakes.door import REFUSED, Door, faults
from tests.fakes.mailbox import NEEDS_OPENSSL, certificate
from tests.fakes.outside import SLACK_SECRET, Outside, Sink
from tests.servers import Alertmanager, Prometheus
from tests.tty.terminal import Terminal

pytestmark = [pytest.mark.tty, pytest.mark.integration, pytest.mark.serial]

PRESSES, TWICE, SLACK_MS = 16, 2.0, 2.0
"""Keys of one measurement; how much slower than in quiet they may be, beside what a tick of the scheduler is."""
SOURCES = ("prometheus", "am-1", "pagerduty")
LATE = "no (complete )?answer w"
SAID = {
    "half a JSON": "answers what is not",
    "wrong types": "answers w",
    "missing keys": "answers w",
    "401": "answers 401",
    "403": "answers 403",
    "500": "answers 500",
    "429": "answers 429|asked us to slow down|not asked",
    "redirect": "answers 302, a redirect",
    "TLS error": "its certificate is not trusted",
    "hung": LATE,
    "slow body": LATE,
    REFUSED: "refuses the connection",
    "clock 90 s off": r"its clock is (89|90|91) s ahead",
}


def sources(wanted: str):
    """Whether each source's row says it."""
    rows = [re.compile(rf"{name} +(ok|UNREACHABLE) .*({wanted})") for name in SOURCES]
    return lambda text: all(row.search(text) for row in rows)


def well(text: str) -> bool:
    """Whether each source is well, and nothing more is said of it."""
    return all(re.search(rf"✔ {name} +ok +(<1 min|\d+ s|now)? *$", text, re.MULTILINE) for name in SOURCES)


def ask_until(console: Terminal, seen) -> None:
    """Asks again and again, as after a 429 nothing is asked for a while, and after many failures not often."""
    for _ in range(10):
        console.press("r")
        with contextlib.suppress(AssertionError):
            console.wait_for(seen, timeout=1.5)
            return
    console.wait_for(seen, timeout=1.5)


def latency(console: Terminal) -> float:
    """The median of how long a key waits for the first bytes that it causes, ms."""
    times = []
    for number in range(PRESSES):
        console.read_for(0.02)
        before, began = len(console.raw), time.perf_counter()
        console.press("jk"[number % 2])
        while len(console.raw) == before:
            console._read(1.0)
        times.append((time.perf_counter() - began) * 1e3)
    return median(times)


@pytest.fixture
def pairs(tmp_path):
    """A certificate that is trusted, and one that is not."""
    found = []
    for name in ("trusted", "other"):
        (tmp_path / name).mkdir()
        found.append(certificate(tmp_path / name))
    if None in found:
        pytest.skip(NEEDS_OPENSSL)
    return found


def test_35_43_45_a_screen_lives_through_every_fault(tmp_path, pairs):
    trusted, other = pairs
    evil = Sink()
    with (
        Outside(tmp_path / "outside") as outside,
        Alertmanager(tmp_path / "alertmanager") as alertmanager,
        Prometheus(tmp_path / "prometheus") as prometheus,
    ):
        names = ("Watchdog", "BridgeDown", "DiskFull", "P99LatencyHigh", "QueueGrows")
        alertmanager.post_alerts({"labels": {"alertname": name, "severity": "warning"}} for name in names)
        behind = {
            "prometheus": prometheus.url,
            "alertmanager": alertmanager.url,
            "pagerduty": outside.pagerduty.url,
            "slack": outside.slack.url,
        }
        door = Door(behind, trusted)
        broken = faults(door, evil.url)
        broken["TLS error"] = door.pass_on
        assert set(broken) == set(SAID), "none is left out"
        outside.configure(door.url_of("prometheus"), [door.url_of("alertmanager")], pagerduty=door.url_of("pagerduty"))
        env = outside.secrets | {
            "SLACK_WEBHOOK_URL": f"{door.url_of('slack')}/services/{SLACK_SECRET}",
            "SSL_CERT_FILE": str(trusted[0]),
            "HOME": str(tmp_path),
        }
        try:
            with Terminal(outside.oncall(), columns=160, rows=45, env=env) as console:
                console.wait_for("QueueGrows", "engine: here", well)
                quiet = latency(console)
                figures = {}
                for name in SAID:
                    if broken[name] == REFUSED:
                        door.shut()
                    else:
                        door.fault = broken[name]
                    if name == "TLS error":
                        door.present(*other)
                    ask_until(console, sources(SAID[name]))
                    console.press("r")  # so that the fault goes on while keys are pressed
                    figures[name] = latency(console)
                    if figures[name] > TWICE * quiet + SLACK_MS:  # a noisy neighbour is none the second time
                        console.press("r")
                        figures[name] = min(figures[name], latency(console))
                    door.present(*trusted)
                    door.open()
                # Nobody presses anything: it sees again by itself.
                door.fault = None
                ask_until(console, well)
                door.fault = broken["500"]
                console.wait_for(sources("answers 500"))
                door.fault = None
                console.wait_for(well)
                raw = bytes(console.raw)
        finally:
            door.stop.set()
            door.close()
            evil.close()
    print(f"quiet {quiet:.1f} ms; " + ", ".join(f"{name} {ms:.1f}" for name, ms in figures.items()))
    assert {name: ms for name, ms in figures.items() if ms > TWICE * quiet + SLACK_MS} == {}, quiet
    assert [canary for canary in outside.canaries if canary.encode() in raw] == []
    assert evil.requests == []
