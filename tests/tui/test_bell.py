"""When the terminal rings: tests 31 and 32 of the study, on the rule alone; tests/tty looks at the bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model.board import AlertFeed
from console.model.care import AlertCare
from console.model.people import Severity
from console.model.reading import ReadingState
from console.tui.bell import PAUSE, Ringer
from tests.tui.fake import FakeEngine, StillClock
from tests.view import boards

NOW = boards.NOW


def fed(*alerts, arrivals, board=None):
    feed = AlertFeed(alerts, ReadingState.OK, NOW, "", arrivals=arrivals)
    return replace(board or boards.quiet(), feed=feed)


def arrived(*alerts, at=NOW):
    return fed(*alerts, arrivals={alert.fingerprint: (at,) for alert in alerts})


@pytest.fixture
def engine():
    return FakeEngine(boards.staffed(boards.quiet()), StillClock())


async def declared(engine, severity=Severity.SEV1, title="checkout fails"):
    """By somebody else: what the operator at this screen does does not ring here."""
    me = engine.board.actor
    engine._board = replace(engine.board, actor=boards.BOB)
    done = await engine.submit(cmd.DeclareIncident(title, severity))
    engine._board = replace(engine.board, actor=me)
    return done.subject


def test_a_new_critical_alert_rings_and_a_warning_does_not():
    ringer = Ringer()
    assert ringer.hear(arrived(boards.alert("Slow", "warning")), NOW) == ""
    assert "Down" in ringer.hear(arrived(boards.alert("Down")), NOW)


def test_what_was_there_at_the_first_reading_does_not_ring():
    assert Ringer().hear(fed(boards.alert("Down"), arrivals={}), NOW) == ""


def test_an_alert_that_somebody_has_does_not_ring():
    alert = boards.alert("Down")
    care = AlertCare(alert.fingerprint, acknowledged_at=NOW, acknowledged_by="bob", firing=alert.starts_at)
    board = replace(arrived(alert), care={alert.fingerprint: care})
    assert Ringer().hear(board, NOW) == ""


def test_31_an_alert_that_flaps_for_ten_minutes_rings_once():
    ringer, alert, times, rung = Ringer(), boards.alert("Flap"), (), []
    for second in range(600):
        now = NOW + timedelta(seconds=second)
        if second % 2 == 0:
            times = (*times, now)
        there = (alert,) if second % 2 == 0 else ()
        rung.append(ringer.hear(fed(*there, arrivals={alert.fingerprint: times[-10:]}), now))
    assert [text for text in rung if text] == [rung[0]]
    assert "Flap" in rung[0]


def test_an_alert_that_has_left_before_it_was_looked_at_rings_when_it_is_seen():
    ringer, alert = Ringer(), boards.alert("Flap")
    assert ringer.hear(fed(arrivals={alert.fingerprint: (NOW,)}), NOW) == ""
    assert "Flap" in ringer.hear(arrived(alert, at=NOW + timedelta(seconds=9)), NOW + timedelta(seconds=9))


def test_an_alert_that_returns_after_a_calm_rings_again():
    ringer, alert = Ringer(), boards.alert("Down")
    later = NOW + timedelta(minutes=20)
    assert ringer.hear(arrived(alert), NOW)
    assert ringer.hear(arrived(alert, at=later), later)


def test_32_what_comes_together_rings_together_and_the_next_waits():
    ringer = Ringer()
    storm = [boards.alert(f"Down{number}") for number in range(5)]
    assert "(+4 more)" in ringer.hear(arrived(*storm), NOW)
    late = boards.alert("Later")
    board = fed(*storm, late, arrivals={late.fingerprint: (NOW + timedelta(seconds=1),)})
    assert ringer.hear(board, NOW + timedelta(seconds=1)) == ""
    assert ringer.rest(NOW + timedelta(seconds=1)) == PAUSE - timedelta(seconds=1)
    assert ringer.hear(board, NOW + PAUSE - timedelta(seconds=1)) == ""
    assert "Later" in ringer.hear(board, NOW + PAUSE)
    assert ringer.rest(NOW + PAUSE) is None


async def test_32_critical_does_not_wait_behind_what_is_not_and_comes_first(engine):
    incident = await declared(engine, Severity.SEV3)
    await engine.submit(cmd.AcknowledgeIncident(incident))
    engine.clock.advance(hours=4, seconds=1)  # the update of a SEV3 is overdue
    ringer = Ringer()
    first = ringer.hear(engine.board, engine.clock.now())
    assert "status update OVERDUE" in first
    down = boards.alert("Down")
    engine.show(feed=AlertFeed((down,), ReadingState.OK, NOW, "", arrivals={down.fingerprint: (NOW,)}))
    assert "Down" in ringer.hear(engine.board, engine.clock.now() + timedelta(seconds=1))


async def test_an_unacknowledged_sev1_rings_once_and_again_when_it_is_given_back(engine):
    incident = await declared(engine)
    ringer = Ringer()
    assert "SEV1 INC-1 not acknowledged: checkout fails" in ringer.hear(engine.board, engine.clock.now())
    engine.clock.advance(minutes=1)
    assert ringer.hear(engine.board, engine.clock.now()) == ""
    await engine.submit(cmd.AcknowledgeIncident(incident))
    assert ringer.hear(engine.board, engine.clock.now()) == ""
    await engine.submit(cmd.UnacknowledgeIncident(incident, "called away"))
    assert "SEV1 INC-1 not acknowledged" in ringer.hear(engine.board, engine.clock.now())


async def test_a_late_acknowledgement_rings(engine):
    await declared(engine)
    ringer = Ringer()
    ringer.hear(engine.board, engine.clock.now())
    engine.clock.advance(minutes=5)
    assert "NOT ACKNOWLEDGED in time" in ringer.hear(engine.board, engine.clock.now())


async def test_an_escalation_by_somebody_else_rings(engine):
    incident = await declared(engine, Severity.SEV3)
    ringer = Ringer()
    assert "escalated to level 1" in ringer.hear(engine.board, engine.clock.now())
    me, engine._board = engine.board.actor, replace(engine.board, actor=boards.BOB)
    engine.clock.advance(minutes=1)
    await engine.submit(cmd.Escalate(incident, 1))
    assert "escalated to level 2" in ringer.hear(replace(engine.board, actor=me), engine.clock.now())


async def test_what_the_operator_does_at_this_screen_does_not_ring(engine):
    await engine.submit(cmd.DeclareIncident("mine", Severity.SEV1))
    assert Ringer().hear(engine.board, engine.clock.now()) == ""


async def test_an_overdue_step_rings(engine):
    incident = await declared(engine, Severity.SEV3)
    await engine.submit(cmd.AcknowledgeIncident(incident))
    await engine.submit(cmd.StartRun(incident, engine.board.playbooks[0]))
    engine.clock.advance(hours=1)
    assert "OVERDUE" in Ringer().hear(engine.board, engine.clock.now())


def test_the_text_is_bounded_harmless_and_names_the_mode():
    alert = boards.alert("x" * 500 + "\x1b]9;evil\x07", summary="\x9c" * 50)
    text = Ringer().hear(replace(arrived(alert), mode="drill"), NOW)
    assert text.startswith("DRILL: lighthouse/production: x")
    assert len(text) <= 160
    assert text.isprintable()
