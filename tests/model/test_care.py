"""What people say about alerts belongs to a firing, or stays with the fingerprint."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import AlertRef
from console.model.care import Verdict
from console.model.decide import Batch
from console.model.fold import care as fold
from tests.model.life import BOB, MINUTES, P99, START, Life

FIRING = replace(P99, starts_at=START)
OTHER = AlertRef("f2", "QueueFull", starts_at=START)


def test_06_an_acknowledgement_survives_repeats_and_ends_with_its_firing() -> None:
    life = Life()
    life.do(cmd.AcknowledgeAlerts((FIRING,)))
    life.do(cmd.AddNote("alert:f1", "the backup runs"))
    life.do(cmd.JudgeAlert(FIRING, Verdict.NOT_ACTIONABLE, "nightly"))
    life.pass_time(30)
    care = life.state.care["f1"]
    assert care.has(FIRING.starts_at)
    assert not care.has(START + 20 * MINUTES)  # resolved, and fired again
    assert (care.verdict, care.notes) == (Verdict.NOT_ACTIONABLE, ((START, "alice", "the backup runs"),))
    again = replace(FIRING, starts_at=START + 20 * MINUTES)
    life.do(cmd.AcknowledgeAlerts((again,)), BOB)
    assert life.state.care["f1"].acknowledged_by == "bob"
    assert life.state.care["f1"].notes


def test_08_of_two_who_acknowledge_one_wins_and_the_other_is_told_who_and_when() -> None:
    life = Life()
    incident = life.declare()
    life.do(cmd.AcknowledgeIncident(incident), BOB)
    assert life.refused(cmd.AcknowledgeIncident(incident)) == "INC-1 was acknowledged by bob at 22:30:00Z"
    life.do(cmd.AcknowledgeAlerts((FIRING,)), BOB)
    said = life.refused(cmd.AcknowledgeAlerts((FIRING,)))
    assert said == "P99LatencyHigh was acknowledged by bob at 22:30:00Z"


def test_what_is_taken_is_skipped_and_the_rest_is_taken() -> None:
    life = Life()
    life.do(cmd.AcknowledgeAlerts((FIRING,)), BOB)
    (taken,) = life.do(cmd.AcknowledgeAlerts((FIRING, OTHER, OTHER)))
    assert taken.stream == "alert:f2"
    assert "and 1 more" in life.refused(cmd.AcknowledgeAlerts((FIRING, OTHER)))
    assert "no alert is chosen" in life.refused(cmd.AcknowledgeAlerts(()))


def test_an_alert_is_given_back_with_a_reason_and_keeps_its_verdict() -> None:
    life = Life()
    assert "nobody has acknowledged f1" in life.refused(cmd.UnacknowledgeAlert("f1", "x"))
    life.do(cmd.AcknowledgeAlerts((FIRING,), "carol", "PagerDuty"))
    assert (life.state.care["f1"].acknowledged_by, life.state.care["f1"].via) == ("carol", "PagerDuty")
    life.do(cmd.JudgeAlert(FIRING, Verdict.POOR_DETAILS))
    assert "reason is empty" in life.refused(cmd.UnacknowledgeAlert("f1", " "))
    life.do(cmd.UnacknowledgeAlert("f1", "not mine"))
    assert not life.state.care["f1"].has(START)
    assert life.state.care["f1"].verdict is Verdict.POOR_DETAILS


def test_what_is_old_is_forgotten_beyond_a_bound_but_not_what_was_judged_or_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fold, "KEPT", 3)
    monkeypatch.setattr(fold, "_STEP", 1)
    life = Life()
    for name in ("judged", "noted", "old"):
        life.do(cmd.AcknowledgeAlerts((AlertRef(name, name),)))
    life.do(cmd.JudgeAlert(AlertRef("judged", "judged"), Verdict.FALSE_POSITIVE))
    life.do(cmd.AddNote("alert:noted", "restart it"))
    life.pass_time(29 * 24 * 60)
    life.do(cmd.AcknowledgeAlerts((AlertRef("newer", "newer"),)))
    assert set(life.state.care) == {"judged", "noted", "old", "newer"}  # none of them is old enough
    life.pass_time(2 * 24 * 60)
    life.do(cmd.AcknowledgeAlerts((AlertRef("newest", "newest"),)))
    assert set(life.state.care) == {"judged", "noted", "newer", "newest"}


def test_ten_thousand_alerts_a_day_do_not_grow_the_state_for_ever() -> None:
    life = Life()
    for day in range(40):
        life.now = START + timedelta(days=day)
        for number in range(1_000):
            name = f"{day}-{number}"
            batch = Batch(f"alert:{name}", 0, (ev.AlertAcknowledged(AlertRef(name, name)),))
            life.record([batch], BOB)
            life.events.clear()
    assert len(life.state.care) <= 31_000  # 20,000, and what is younger than 30 days
    assert {f"{day}-0" in life.state.care for day in range(10, 40)} == {True}
    assert "0-0" not in life.state.care
