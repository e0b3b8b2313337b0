"""Timeline, handoff, drill, snapshot and changes: pure, complete, and the same each time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from console.model import handoff as drafts
from console.model.commands import (
    AcknowledgeIncident,
    AddNote,
    AddWatchItem,
    AnswerHandoffItem,
    BeginShift,
    ChangeState,
    CompleteStep,
    OfferHandoff,
    StartRun,
)
from console.model.events import DrillStarted, Unknown
from console.model.people import Actor
from console.model.reading import Reading, ReadingState
from console.reports import changes, drill, handoff, snapshot, timeline, values
from tests.model.life import ALICE, BOB, ROLLBACK, Life
from tests.view import boards

HOSTILE = "# [x](http://evil.example) <b>|</b> ![i](x)\x1b]0;pwned\x07 \u202e"
PARSER = MarkdownIt("gfm-like")


def kinds(markdown):
    for token in PARSER.parse(markdown):
        yield token.type
        yield from (child.type for child in token.children or ())


def life_of(note=HOSTILE, by=ALICE):
    life = Life()
    incident = life.declare()
    life.pass_time(1)
    life.do(AcknowledgeIncident(incident))
    run = life.do(StartRun(incident, ROLLBACK))[0].stream.partition(":")[2]
    life.do(CompleteStep(run, "alert", note), by)
    life.pass_time(4)
    life.fire()
    life.do(AddNote(incident, note, life.now - timedelta(minutes=3)), by)
    return life, incident, run


def document_of(life, incident):
    subject, runs = life.state.incidents[incident], life.state.runs_of(incident)
    streams = {subject.stream, *(run.stream for run in runs)}
    return timeline.document(subject, runs, [event for event in life.events if event.stream in streams])


# -- timeline ---------------------------------------------------------------------------------------------------------


def test_the_timeline_has_every_event_in_the_order_it_happened():
    life, incident, _ = life_of()
    data = document_of(life, incident)

    assert len(data["events"]) == len(life.events)
    times = [event["occurred_at"] for event in data["events"]]
    assert times == sorted(times)
    assert [event["kind"] for event in data["events"] if event["late"]] == ["note.added"]
    (run,) = data["incident"]["runs"]
    steps = {step["id"]: step for step in run["steps"]}
    assert steps["disable"]["overdue_seconds"] == 120
    assert steps["alert"]["by"] == "alice"


def test_the_same_record_gives_the_same_bytes():
    first, second = (document_of(*life_of()[:2]) for _ in range(2))

    assert values.dump(first) == values.dump(second)
    assert timeline.markdown(first) == timeline.markdown(second)


def test_outside_text_opens_nothing_in_the_markdown():
    life, incident, _ = life_of(by=Actor("eve <b>", "eve"))
    text = timeline.markdown(document_of(life, incident))

    found = set(kinds(text))
    assert not found & {"link_open", "image", "html_inline", "html_block", "code_inline", "code_block"}
    assert list(kinds(text)).count("fence") == 1  # the lanes
    assert "\x1b" not in text
    assert "\u202e" not in text
    headings = [token.content for token in PARSER.parse(text) if token.type == "inline" and token.level == 1]
    assert len([line for line in text.splitlines() if line.startswith("#")]) == 4, headings
    assert "(self-declared by eve)" in text


def test_two_events_far_apart_show_both_times():
    life, incident, _ = life_of("the queue grew")
    text = timeline.markdown(document_of(life, incident))

    (line,) = [line for line in text.splitlines() if "note: the queue grew" in line]
    assert line.startswith("- 2026-03-28 22:32:00Z (recorded 2026-03-28 22:35:00Z)")


def test_what_was_a_demo_says_so():
    life, incident, _ = life_of()
    life.state.incidents[incident] = replace(life.state.incidents[incident], mode="drill")

    text = timeline.markdown(document_of(life, incident))
    assert text.startswith("# DRILL INC-1")
    assert "nothing of this was real" in text


def test_an_unknown_kind_is_shown_raw():
    life, incident, _ = life_of()
    life.events[-1] = replace(life.events[-1], kind="incident.teleported", payload=Unknown('{"to": "mars"}'))

    text = timeline.markdown(document_of(life, incident))
    assert "incident.teleported" in text
    assert "mars" in text


def test_what_is_not_saved_says_so_and_is_no_anchor():
    life, incident, _ = life_of()
    life.events[-1] = replace(life.events[-1], seq=0, hash="")

    data = document_of(life, incident)
    assert data["anchor"].startswith(f"{life.events[-2].seq}:")
    assert "(NOT SAVED)" in timeline.markdown(data)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_note_keeps_the_structure(one, two):
    life, incident, _ = life_of("x" + one)
    life.do(AddNote(incident, "y" + two))
    text = timeline.markdown(document_of(life, incident))

    tokens = [token.type for token in PARSER.parse(text)]
    assert tokens.count("heading_open") == 4
    assert tokens.count("table_open") == 1
    assert tokens.count("tr_open") == 1 + len(ROLLBACK.playbook.steps)
    assert tokens.count("td_open") == 7 * len(ROLLBACK.playbook.steps)


# -- handoff ----------------------------------------------------------------------------------------------------------


def shift_of(life):
    life.do(BeginShift())
    return life.state.shift


def test_a_draft_of_a_quiet_shift_is_empty():
    life = Life()
    items, summary = drafts.draft(life.state, shift_of(life), life.now)

    assert items == ()
    assert "0 open incidents" in summary
    empty = handoff.draft_document(life.state.shift, items, summary, "", "live")
    assert "nothing is open" in handoff.markdown(empty)


def test_a_draft_is_ordered_and_names_what_is_next():
    life, incident, run = life_of("x")
    before = life.declare()
    life.do(ChangeState(before, "resolved"))  # resolved before the shift, and nobody closed it
    life.pass_time(1)
    shift = shift_of(life)
    life.do(AddWatchItem(shift.id, "the disk", life.now + timedelta(hours=2)))
    during = life.declare()
    life.do(ChangeState(during, "resolved"))
    life.pass_time(1)
    items, _ = drafts.draft(life.state, life.state.shift, life.now)

    assert [(item.kind, item.ref) for item in items] == [
        ("incident", incident),
        ("run", run),
        ("incident", before),
        ("watch", "W1"),
        ("change", during),
    ]
    assert "OVERDUE since 22:33:00Z" in items[1].actions
    assert "close it" in items[2].actions
    assert len({item.id for item in items}) == len(items)
    assert drafts.draft(life.state, life.state.shift, life.now)[0] == items


def test_a_handoff_document_shows_answers_and_stays_text():
    life = Life()
    shift = shift_of(life)
    life.do(AddWatchItem(shift.id, HOSTILE))
    items, summary = drafts.draft(life.state, life.state.shift, life.now)
    offered = life.do(OfferHandoff(shift.id, "bob", items, "3:abc", summary))[0].stream.partition(":")[2]
    life.do(AnswerHandoffItem(offered, "W1", "questioned", "which | disk?"), BOB)

    text = handoff.markdown(handoff.document(life.state.handoffs[offered], "live"))
    assert "questioned; which \\| disk?; bob" in text
    assert not set(kinds(text)) & {"link_open", "image", "html_inline"}


# -- drill ------------------------------------------------------------------------------------------------------------


def test_a_drill_that_was_left_is_not_done():
    life, _, run = life_of("x")
    data = drill.document(life.state.runs[run], DrillStarted("rollback", run, 10.0), life.now, "9:abc")

    assert data["verdict"] == "not completed: running"
    assert not drill.passed(data)
    assert [step["verdict"] for step in data["steps"]] == ["within", *["not done"] * 4]
    text = drill.markdown(data)
    assert text.count("SIMULATED") >= 3
    assert "10.0 times as fast" in text


# -- snapshot and changes ---------------------------------------------------------------------------------------------


def test_a_snapshot_is_plain_json_whatever_the_board():
    for board in (boards.quiet(), boards.busy(), boards.broken()):
        data = snapshot.snapshot(board)
        assert json.loads(values.dump(data)) == json.loads(values.dump(snapshot.snapshot(board)))
        assert values.dump(data).isascii()


def test_numbers_without_noise_and_without_infinity():
    assert values.number(0.1 + 0.2) == 0.3
    assert values.number(float("inf")) is None
    assert values.number(float("nan")) is None
    assert values.number(7) == 7
    reading = Reading(ReadingState.OK, 0.999514, boards.NOW, "prometheus", 3)
    assert values.reading_data(reading) == {
        "state": "ok",
        "value": 0.999514,
        "at": "2025-11-03T14:32:10.000000Z",
        "source": "prometheus",
        "n": 3,
        "note": "",
    }


def test_no_change_is_no_line_and_each_change_is_one():
    quiet, bad = boards.quiet(), boards.busy()

    assert changes.changes(quiet, quiet) == []
    assert changes.changes(None, quiet)
    lines = changes.changes(quiet, bad)
    assert len(lines) == len(set(lines))
    assert any("guardrail" in line and "was ok" in line for line in lines)
    back = changes.changes(bad, quiet)
    assert any("left the feed" in line for line in back)
