"""The response on lines: nothing wider than the screen, nobody on call is loud, what is unknown is said to be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from console.model import commands as cmd
from console.model import events as ev
from console.model.change import ChangeKind
from console.model.message import DeliveryState
from console.model.people import Severity
from console.model.response import Escalation, PagerLink
from console.view import changes, deliveries, escalation, incident_panels, incidents, preview, timeline
from console.view.line import Tone, fold, line, span, words
from console.view.look import Look
from tests.tui.fake import FakeEngine, StillClock
from tests.tui.screen import sev1
from tests.view import boards

LOOK = Look(seconds=True)
WIDE = "日本語 " * 40


def text(lines):
    return "\n".join(words(item) for item in lines)


@pytest.fixture
def engine():
    made = FakeEngine(boards.staffed(boards.busy()), StillClock())
    asyncio.run(sev1(made))
    return made


def the_incident(engine):
    return next(iter(engine.state.incidents.values()))


def do(engine, command):
    return asyncio.run(engine.submit(command))


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_nothing_of_the_response_is_wider_than_the_screen(engine, width):
    incident = the_incident(engine).id
    for command in (
        cmd.AddTask(incident, WIDE, WIDE, engine.clock.now() + timedelta(minutes=3)),
        cmd.RecordDecision(incident, WIDE, WIDE, (WIDE,), WIDE, WIDE, engine.clock.now() + timedelta(minutes=3)),
        cmd.RecordImpact(incident, WIDE, WIDE, WIDE),
        cmd.RecordChange(ChangeKind.FLAG, WIDE, WIDE, WIDE, incident, engine.clock.now() + timedelta(minutes=3)),
        cmd.PostUpdate(incident, WIDE, WIDE, WIDE),
        cmd.Escalate(incident, 2, WIDE),
    ):
        do(engine, command)
    board, now, shown = engine.board, engine.clock.now(), the_incident(engine)
    panes = (
        incident_panels.work(shown, now, LOOK),
        incident_panels.facts(shown, board, now, LOOK),
        incident_panels.alerts(shown, board, now, LOOK),
        incident_panels.owed(shown, board, now, LOOK),
        incident_panels.messages(shown, board, now, LOOK),
        incident_panels.people(shown, board, now, LOOK),
        incident_panels.steps(shown, board, now, LOOK),
    )
    lines = [
        *incident_panels.essentials(shown, board, now, width, LOOK),
        *incident_panels.playbook(shown, board, now, width, LOOK, 30),
        incidents.strap(board, now, width, LOOK),
        incidents.list_row(shown, board, now, width, LOOK),
        *(row.draw(width) for pane in panes for row in pane),
        *(line for item in board.changes for line in changes.details(item, board, now, width, LOOK)),
        *(line for item in board.deliveries for line in deliveries.details(item, width)),
        *(deliveries.channel_row(item, board, now, width, LOOK) for item in board.channels),
        incident_panels.tabs([incident_panels.Pane("L", "Log", panes[0], 2)], "L", width),
    ]
    for shown_line in lines:
        assert cell_len(words(shown_line)) <= width, words(shown_line)


def test_the_essentials_take_at_most_ten_lines_at_80_cells(engine):
    lines = incident_panels.essentials(the_incident(engine), engine.board, engine.clock.now(), 80, LOOK)
    assert len(lines) <= 10


def test_pagerdutys_policy_pages_in_our_place_and_is_named(engine):
    link = PagerLink("P1", "key", True, policy="payments", level=2, assigned_to=("dave",))
    incident = replace(the_incident(engine), pages={"P1": link}, acknowledged_at=None)
    shown = words(escalation.coming(incident, engine.board, engine.clock.now()))
    assert shown.startswith("PagerDuty pages by policy payments, level 2: dave")
    assert "e escalates" in shown


def test_a_level_without_anybody_is_an_alarm():
    level = Escalation(1, "primary", boards.NOW, ())
    spans = escalation.told(level)
    assert any(piece.tone is Tone.ALARM and "NOBODY ON CALL" in piece.text for piece in spans)


def test_a_level_that_is_due_and_was_not_told_is_an_alarm(engine):
    now = engine.clock.now()
    incident = replace(the_incident(engine), acknowledged_at=None, escalate_at=now - timedelta(seconds=70))
    assert "due 1:10 ago" in words(escalation.coming(incident, engine.board, now))


def test_a_correction_of_a_correction_stands_under_it(engine):
    incident = the_incident(engine).id
    first = next(event for event in engine.log if isinstance(event.payload, ev.Corrected))
    do(engine, cmd.Correct(incident, first.id, "support has 15 tickets"))
    events = asyncio.run(engine.timeline(f"incident:{incident}"))
    found = timeline.entries(events)
    assert len(found) == len(events)
    place = next(index for index, entry in enumerate(found) if entry.event.id == first.id)
    assert found[place].corrects
    assert found[place].corrected
    assert found[place + 1].event.payload.text == "support has 15 tickets"


def test_only_what_failed_is_not_sent(engine):
    now, items = engine.clock.now(), list(engine.state.deliveries.values())
    given_up = replace(items[0], state=DeliveryState.FAILED, attempts=3, ended_at=now)
    needless = replace(items[1], state=DeliveryState.FAILED, attempts=0, ended_at=now)
    old = replace(given_up, id="old", ended_at=now - timedelta(days=1))
    queued = replace(items[2], state=DeliveryState.QUEUED)
    board = replace(engine.board, deliveries=(given_up, needless, old, queued))
    assert deliveries.not_sent(board, now) == [given_up]
    assert deliveries.word(needless)[0] == "not needed"


def test_the_preview_is_what_the_rules_queue(engine):
    incident, now = the_incident(engine), engine.clock.now()
    payload = ev.UpdatePosted("half fail", "rolling back", "a DBA", now + timedelta(minutes=30))
    told = preview.foretold(incident, payload, engine.board, now)
    before = set(engine.state.deliveries)
    do(engine, cmd.PostUpdate(incident.id, "half fail", "rolling back", "a DBA"))
    queued = [item for name, item in engine.state.deliveries.items() if name not in before]
    assert [(item.channel, item.act, item.message) for item in queued] == [
        (item.channel, item.act, item.message) for item in told
    ]


def test_without_a_channel_the_preview_says_that_nobody_hears_it(engine):
    board = replace(engine.board, channels=())
    payload = ev.UpdatePosted("half fail", "", "", None)
    assert "No channel" in text(preview.preview(the_incident(engine), payload, board, engine.clock.now(), 80))


def test_open_incidents_are_listed_before_ended_ones(engine):
    other = do(engine, cmd.DeclareIncident("over", Severity.SEV1)).subject
    do(engine, cmd.ChangeState(other, "cancelled", "a test"))
    assert [item.title for item in incidents.listed(engine.board)][-1] == "over"


def test_what_went_out_for_a_level_is_what_the_outbox_says_and_no_address(engine):
    board, incident = engine.board, the_incident(engine)
    level = incident.escalations[0]
    mine = [item for item in board.deliveries if item.queued_at == level.at]
    assert mine

    def said(state, **changes):
        told = tuple(replace(item, state=state) for item in mine)
        return escalation.went_out(level, incident, replace(board, deliveries=told, **changes))

    assert "sent slack-incidents" in words(said(DeliveryState.SENT))
    assert "queued slack-incidents" in words(said(DeliveryState.QUEUED))
    assert any(piece.tone is Tone.ALARM for piece in said(DeliveryState.FAILING))
    assert "no message is known" in words(escalation.went_out(level, incident, replace(board, deliveries=())))
    assert "NO CHANNEL: CALL THEM" in words(said(DeliveryState.SENT, channels=()))


def test_a_line_is_folded_at_blanks_and_keeps_its_tones():
    shown = line(span("matchers: ", Tone.DIM), span("one two three", Tone.STRONG))
    assert fold(shown, 80) == [shown]
    assert [words(item) for item in fold(shown, 13)] == ["matchers: one", "two three"]
    assert fold(shown, 13)[1] == line(span("two three", Tone.STRONG))
