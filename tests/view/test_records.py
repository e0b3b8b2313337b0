"""Incidents, runs and shifts as they are shown, over events made by the real rules."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import AlertRef, reference
from console.model.events import KINDS, Unknown
from console.model.people import Severity
from console.view import checks, incident_panels, incidents, offers, runs, shifts, step_card, timeline
from console.view.events import _WRITERS, describe, step_names
from console.view.line import Tone, words
from console.view.look import Look
from tests.tui.fake import FakeEngine, StillClock
from tests.view import boards

LOOK = Look(seconds=True)


def text(lines):
    return "\n".join(words(item) for item in lines)


class Story:
    """An engine to which things happen one after the other."""

    def __init__(self, board=None):
        self.clock = StillClock()
        self.engine = FakeEngine(board or boards.busy(), self.clock)

    def do(self, command, **options):
        outcome = asyncio.run(self.engine.submit(command, **options))
        assert type(outcome).__name__ == "Done", outcome
        return outcome

    @property
    def board(self):
        return self.engine.board

    @property
    def now(self):
        return self.clock.now()


@pytest.fixture
def story():
    told = Story()
    alerts = tuple(reference(item) for item in told.board.feed.active[:2])
    told.incident = told.do(cmd.DeclareIncident("P99 is 612 ms", Severity.SEV2, alerts)).subject
    return told


@pytest.fixture
def rollback(story):
    loaded = next(item for item in story.board.playbooks if item.playbook.name == "emergency-rollback")
    story.run = story.do(cmd.StartRun(story.incident, loaded)).subject
    return story


def the_run(story):
    return story.board.run(story.run)


def test_the_banner_holds_severity_state_lead_and_the_next_deadline(story):
    shown = text(incidents.banner(story.board, story.now, 100, LOOK))
    assert "SEV2 INC-1 DECLARED P99 is 612 ms" in shown
    assert "NOBODY LEADS" in shown
    assert "10:00 left to acknowledge INC-1" in shown
    story.clock.advance(minutes=10, seconds=71)
    assert "OVERDUE by 1:11  to acknowledge INC-1" in text(incidents.banner(story.board, story.now, 100, LOOK))


def test_after_the_acknowledgement_somebody_leads(story):
    story.do(cmd.AcknowledgeIncident(story.incident))
    shown = text(incidents.banner(story.board, story.now, 100, LOOK))
    assert "IC alice" in shown
    assert "1:00:00 left to update INC-1" in shown
    incident = story.board.incident(story.incident)
    facts = text(incident_panels.essentials(incident, story.board, story.now, 100, LOOK))
    for wanted in ("SEV2 Major Many users", "acknowledged 14:32Z by alice", "alice (IC)", "next in 1:00:00"):
        assert wanted in facts


def test_the_most_severe_incident_comes_first_and_the_others_are_named(story):
    story.do(cmd.DeclareIncident("data lost", Severity.SEV1))
    shown = text(incidents.banner(story.board, story.now, 120, LOOK))
    assert shown.startswith("✖ SEV1 INC-")
    assert "+1 OPEN data lost" in shown
    assert "also open: SEV2 INC-1" in shown


def test_a_step_is_shown_with_its_countdown_and_then_unmistakably_overdue(rollback):
    run = the_run(rollback)
    step = run.playbook.step("disable-flag")
    shown = text(step_card.card(run, step, rollback.board, rollback.now, 100, LOOK))
    for wanted in ("STEP 2 of 7", "DISABLE THE FLAG", "2:00 left of 2 min", "expect", "rollout.percent <= 0: NO (25"):
        assert wanted in shown
    assert "set lighthouse-elicitation to 0 % by hand" in shown
    rollback.clock.advance(minutes=3, seconds=5)
    row = runs.row(run, step, rollback.now, 80, LOOK)
    assert "OVERDUE by 1:05" in words(row)
    assert any(piece.tone is Tone.ALARM for piece in row)


def test_an_ended_step_keeps_what_was_observed_and_how_late_it_was(rollback):
    rollback.clock.advance(minutes=3)
    rollback.do(cmd.CompleteStep(rollback.run, "disable-flag", "flag at 0 %", override="the metric lags"))
    run = the_run(rollback)
    shown = words(runs.row(run, run.playbook.step("disable-flag"), rollback.now, 100, LOOK))
    assert "▲ 2 Disable the flag               WITHOUT PROOF flag at 0 %" in shown
    assert "flag at 0 %" in shown
    assert "3:00 of 2 min, OVERDUE by 1:00" in shown


def test_an_irreversible_step_says_what_must_be_typed(rollback):
    run = the_run(rollback)
    shown = text(step_card.card(run, run.playbook.step("clear-state"), rollback.board, rollback.now, 100, LOOK))
    assert "IRREVERSIBLE" in shown
    assert "CLEAR lighthouse/production" in shown


def test_an_unknown_outcome_is_an_alarm(rollback):
    told = rollback
    run = the_run(told)
    intent = ev.EffectIntended("e1", "flag", "lighthouse-elicitation", "set to 0 %", "disable-flag")
    told.engine._append(run.stream, intent, told.now, False)
    told.engine.show()
    shown = text(step_card.card(the_run(told), run.playbook.step("disable-flag"), told.board, told.now, 100, LOOK))
    assert "OUTCOME UNKNOWN" in shown


def test_advice_comes_from_an_ok_reading_only(story):
    loaded = next(item for item in story.board.playbooks if item.playbook.name == "p99-latency-high")
    option = loaded.playbook.step("roll-back-or-repair").options[0]
    assert checks.advice(option, story.board)[0].text == "ADVISED "
    dark = replace(story.board, readings={"guardrail.p99": boards.stale(612.0)})
    assert checks.advice(option, dark) == (None, "no advice: guardrail.p99 cannot be relied on now")
    calm = replace(story.board, readings={"guardrail.p99": boards.ok(182.0)})
    assert checks.advice(option, calm)[0] is None
    assert "not advised: guardrail.p99 is 182" in checks.advice(option, calm)[1]


def test_the_timeline_shows_both_times_when_they_are_apart_and_what_is_not_saved(story):
    story.do(cmd.AddNote(story.incident, "customers call", story.now - timedelta(minutes=9)))
    events = asyncio.run(story.engine.timeline(f"incident:{story.incident}"))
    shown = words(timeline.row(timeline.Entry(events[-1]), step_names(events), 120, LOOK))
    assert shown.startswith("14:23:10Z")
    assert "(recorded 14:32:10Z) note: customers call" in shown
    story.engine.not_saved = "disk full"
    story.do(cmd.AcknowledgeIncident(story.incident), unsaved=True)
    aside = story.engine.log[-1]
    assert "NOT SAVED" in words(timeline.row(timeline.Entry(aside), {}, 120, LOOK))
    assert "NOT SAVED" in text(incidents.banner(story.board, story.now, 100, LOOK))


def test_every_kind_of_event_has_its_sentence():
    assert set(KINDS.values()) == set(_WRITERS)


def test_an_unknown_kind_is_shown_as_such(story):
    strange = replace(story.engine.log[0], payload=Unknown("{}"), kind="comet.sighted", kind_version=3)
    assert describe(strange, {}) == (Tone.UNKNOWN, "unknown event comet.sighted version 3")


def test_playbooks_that_fit_a_linked_alert_come_first(story):
    alert = story.board.incident(story.incident).alerts
    named = ("emergency-rollback", "p99-latency-high")
    playbooks = [item for item in story.board.playbooks if item.playbook.name in named]
    ranked = offers.rank(playbooks, alert, Severity.SEV2)
    assert [item.loaded.playbook.name for item in ranked] == ["emergency-rollback", "p99-latency-high"]
    assert all(item.fits for item in ranked)
    warning = AlertRef("f", "P99LatencyHigh", labels=(("alertname", "P99LatencyHigh"), ("severity", "warning")))
    ranked = offers.rank(playbooks, (warning,), Severity.SEV3)
    assert [item.loaded.playbook.name for item in ranked] == ["p99-latency-high", "emergency-rollback"]
    assert [item.fits for item in ranked] == [True, False]
    assert "meant for SEV1, SEV2" in ranked[1].why


def test_without_alerts_every_playbook_is_offered_and_none_is_said_to_fit(story):
    ranked = offers.rank(story.board.playbooks, (), Severity.SEV5)
    assert len(ranked) == len(story.board.playbooks)
    assert not any(item.fits for item in ranked)


def test_the_shift_lists_handoff_items_and_watch_items(story):
    assert "Nobody is on shift" in text(shifts.summary(story.board, story.now, 100, LOOK))
    story.do(cmd.BeginShift())
    shift = story.board.shift.id
    story.do(cmd.AddWatchItem(shift, "replica lag", story.now + timedelta(hours=2)))
    items = (ev.HandoffItem("1", "incident", story.incident, "INC-1", "look at it"),)
    story.do(cmd.OfferHandoff(shift, "bob", items, "1:abc", "one incident"))
    shown = text(shifts.summary(story.board, story.now, 120, LOOK))
    assert "offered by alice to bob" in shown
    assert "1 of 1 items wait for bob" in shown
    entries = shifts.entries(story.board, story.now, 100, LOOK)
    assert [entry.kind for entry in entries] == ["item", "watch"]
    assert "until 16:32Z" in words(entries[1].row)


@pytest.mark.parametrize("width", [60, 80, 110])
def test_nothing_of_the_record_is_wider_than_the_screen(rollback, width):
    rollback.do(cmd.AddNote(rollback.incident, "日本語 " * 40))
    board, now, run = rollback.board, rollback.now, the_run(rollback)
    events = asyncio.run(rollback.engine.timeline(f"incident:{rollback.incident}", run.stream))
    lines = [
        *incidents.banner(board, now, width, LOOK),
        incidents.strap(board, now, width, LOOK),
        *incident_panels.essentials(board.incident(rollback.incident), board, now, width, LOOK),
        *(timeline.row(entry, step_names(events), width, LOOK) for entry in timeline.entries(events)),
        *(line for event in events for line in timeline.details(event, {}, width)),
        *(runs.row(run, step, now, width, LOOK) for step in run.playbook.steps),
        *(line for step in run.playbook.steps for line in step_card.card(run, step, board, now, width, LOOK)),
        runs.open_line(run, "disable-flag", now, width),
    ]
    for line in lines:
        assert cell_len(words(line)) <= width, words(line)
