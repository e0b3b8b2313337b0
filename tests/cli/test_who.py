"""Who is on call, with everything else down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from console.engine.clocks import SystemClock, SystemIds
from console.journal.sqlite import SqliteJournal
from console.model import events as ev
from console.model.pager import OnCall
from console.model.people import Actor
from console.ports import Append, NewEvent

EVE = OnCall("Payments", 1, "Eve Stone", "PEVE", contacts=(("phone", "+1 555 0199"),))
ALICE = OnCall("Lighthouse", 1, "Alice M.", "PALICE1", schedule_id="PSCHED1")


@pytest.fixture
def recorded(oncall):
    """PagerDuty's answer of three hours ago."""

    async def note():
        journal = SqliteJournal(oncall.journal, SystemClock(), console="engine")
        event = NewEvent(ev.OnCallChanged((EVE, ALICE)), datetime.now(UTC) - timedelta(hours=3), SystemIds().new())
        await journal.append([Append("pager:lighthouse/production", 0, (event,), Actor("engine", "root"))])
        await journal.close()

    oncall.journal.parent.mkdir(mode=0o700, exist_ok=True)
    asyncio.run(note())
    return oncall


def test_people_yaml_is_enough(oncall):
    shown = oncall("who")

    assert shown.out.splitlines()[0].split()[:2] == ["primary", "alice"]
    assert "+1 555 0100" in shown.out
    assert "never recorded" in shown.out
    assert not oncall.journal.exists()


def test_what_pagerduty_said_is_kept_with_its_age(recorded):
    text = recorded("who").out
    assert "Eve Stone" in text
    assert "+1 555 0199" in text
    assert "PagerDuty said so 3 h 00 ago" in text

    data = recorded("who", "--json").json
    assert sorted(data) == ["age_seconds", "environment", "known_at", "on_calls", "people", "roles"]
    assert data["age_seconds"] >= 3 * 3600
    assert [item["person"] for item in data["on_calls"]] == ["Eve Stone", "Alice M."]


def test_asked_and_unreachable_it_says_so_and_shows_what_is_known(recorded):
    shown = recorded("who", "--ask")

    assert "note: PagerDuty: " in shown.err
    assert "Eve Stone" in shown.out


def test_a_journal_that_cannot_be_read_leaves_the_names(oncall):
    oncall.journal.parent.mkdir(mode=0o700)
    oncall.journal.write_bytes(b"this is no database" * 100)

    shown = oncall("who")

    assert "these are the names of people.yaml" in shown.err
    assert "alice" in shown.out


def test_nobody_is_loud(oncall):
    people = oncall.config / "people.yaml"
    people.write_text(people.read_text().replace("people: [alice]", "schedule: PNOBODY"))

    assert "NOBODY ON CALL" in oncall("who").out
