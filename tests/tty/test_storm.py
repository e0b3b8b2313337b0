"""Thousands of alerts at once from a real Alertmanager, at both sizes: what must still be seen, and done."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.tty.site import Site
from tests.tty.terminal import Terminal
from tests.tty.test_visible import VERDICT, leave, see

pytestmark = [pytest.mark.tty, pytest.mark.integration]

BEFORE = ("DatabaseDown", "P99LatencyHigh")
HOSTS, NAMES = 1000, 4


def firing(name, severity, **labels):
    began = datetime.now(UTC).isoformat()
    return {"labels": {"alertname": name, "severity": severity, **labels}, "startsAt": began}


def storm(alertmanager):
    """Every host loses four things within a second."""
    for number in range(NAMES):
        lost = f"Storm{number}"
        alertmanager.post_alerts(firing(lost, "critical", instance=f"host-{host}:9100") for host in range(HOSTS))


def test_in_a_storm_of_thousands_what_was_there_before_is_seen_and_one_key_takes_a_fold(tmp_path, start_alertmanager):
    alertmanager = start_alertmanager()
    alertmanager.post_alerts([firing("Watchdog", "none"), *(firing(name, "critical") for name in BEFORE)])
    site = Site(tmp_path, alertmanager=alertmanager.url)
    total = NAMES * HOSTS + len(BEFORE)
    with Terminal(site.oncall(who="alice"), columns=160, rows=45) as terminal:
        see(terminal, r"ALERTS .*2 active", *BEFORE)
        storm(alertmanager)
        for columns, rows in ((160, 45), (80, 24)):
            terminal.resize(columns, rows)
            see(
                terminal,
                r"LIVE +lighthouse/production",
                rf"No incident is open; {total} alerts are active",
                VERDICT,
                rf"ALERTS .*{total} active",
                rf"{HOSTS}× +Storm\d.*STORM",
                r"BLIND: prometheus UNREACHABLE",
                r"D Declare.*\? Help",
            )
            terminal.press("5")
            see(
                terminal,
                rf"ALERTS .*{total} unowned, 0 acknowledged",
                r"STORM: \d+ new in a minute",
                *(rf"{HOSTS}× Storm{number} .*STORM" for number in range(NAMES)),
                *BEFORE,
            )
            terminal.press("1")
            terminal.wait_for("CAN ROLL BACK")
        terminal.press("5")
        terminal.wait_for(f"{total} unowned, 0 acknowledged", *(f"Storm{number}" for number in range(NAMES)))
        terminal.press("g", "a")
        see(terminal, rf"Acknowledge {HOSTS} alerts on lighthouse/production", rf"{HOSTS} x Storm\d")
        terminal.press("tab", "enter")
        see(
            terminal, rf"{total - HOSTS} unowned, {HOSTS} acknowledged", rf"{HOSTS} alerts acknowledged: saved", *BEFORE
        )
        leave(terminal)
