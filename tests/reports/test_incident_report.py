"""The post-incident review: what the record holds, where each figure is from, and nothing that it does not hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from console.model import events as ev
from console.model.alert import AlertRef
from console.model.care import Verdict
from console.model.change import ChangeKind, ChangeStatus
from console.model.commands import (
    AbortRun,
    AcknowledgeIncident,
    AddNote,
    AddTask,
    AssignRole,
    ChangeSeverity,
    ChangeState,
    CompleteStep,
    Correct,
    DeclareIncident,
    FailStep,
    JudgeAlert,
    ObserveDecision,
    ObservePhase,
    PostUpdate,
    RecordChange,
    RecordDecision,
    RecordImpact,
    SetTime,
    SettleChange,
    StartRun,
)
from console.model.incident import COMMANDER
from console.model.message import Act, ChannelSpec, Topic
from console.model.people import Severity
from console.model.reading import ReadingState
from console.reports.history import gather, replay
from console.reports.incident import document, markdown
from console.reports.values import dump
from tests.model.life import ALICE, BOB, ENGINE, LATENCY, P99, ROLLBACK, Life

PARSER = MarkdownIt("gfm-like")
MINUTES = timedelta(minutes=1)
PARTS = 18


def report(life, incident):
    return document(replay(incident, gather(life.state.incidents[incident], lambda: iter(life.events))))


def by(rows, key, value):
    (row,) = [row for row in rows if row[key] == value]
    return row


def emit(life, stream, *payloads, actor=ENGINE):
    """What another part of the console records."""
    from console.model.decide import Batch

    version = sum(event.stream == stream for event in life.events)
    return life.record([Batch(stream, version, payloads)], actor)


def whole_life():
    """An incident in which everything happens once."""
    life = Life()
    life.channels = (ChannelSpec("slack.incidents", (Act.POST,), (Topic.INCIDENTS,)),)
    life.do(ObservePhase(5.0, "prometheus"))
    life.pass_time(50)
    life.do(ObservePhase(25.0, "prometheus"))
    life.pass_time(20)
    life.reading("slo.latency.budget_left", 0.8)
    life.reading("guardrail.p99", 620.0)
    alert = replace(P99, starts_at=life.now - 4 * MINUTES)
    incident = life.do(DeclareIncident("P99 is high", Severity.SEV2, (alert,), life.now - 10 * MINUTES))[0]
    incident = incident.stream.partition(":")[2]
    life.pass_time(3)
    life.do(AcknowledgeIncident(incident))
    life.do(ChangeSeverity(incident, Severity.SEV1, "it spreads"))
    life.pass_time(5)
    life.do(AssignRole(incident, COMMANDER, "bob"))
    first = life.do(StartRun(incident, LATENCY))[0].stream.partition(":")[2]
    life.do(CompleteStep(first, "confirm", "yes"))
    life.pass_time(2)
    life.do(CompleteStep(first, "decide", "burns", option="rollback"), BOB)
    rollback = next(run.id for run in life.state.runs.values() if run.playbook.name == ROLLBACK.playbook.name)
    life.do(RecordImpact(incident, "requests failed", "5 %", "prometheus"))
    life.do(PostUpdate(incident, "burning", "rolling back", "nothing"))
    life.do(RecordDecision(incident, "roll back", "burns", ("wait",), "loses the queue", "P99 falls"))
    change = life.do(RecordChange(ChangeKind.FLAG, "lighthouse", "off", "on again", incident))[0]
    life.do(AddTask(incident, "alert on the queue", "bob", None, "detect"))
    life.do(JudgeAlert(P99, Verdict.POOR_DETAILS))
    life.pass_time(45)
    life.do(PostUpdate(incident, "better", "watching", ""))
    life.do(ObserveDecision(incident, "D1", "P99 fell after 4 min"))
    life.do(AbortRun(rollback, "done by hand"))
    life.do(SettleChange(change.stream.partition(":")[2], ChangeStatus.UNDONE, "looked"))
    life.reading("slo.latency.budget_left", 0.7)
    life.do(ChangeState(incident, "mitigated"))
    life.pass_time(10)
    life.reading("slo.latency.budget_left", 0.65, ReadingState.STALE)
    life.do(ChangeState(incident, "resolved"))
    return life, incident


def test_it_has_every_part_and_they_are_filled_in():
    data = report(*whole_life())
    text = markdown(data)

    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert [line.split()[1] for line in headings] == [f"{number}." for number in range(1, PARTS + 1)]
    assert (data["header"]["severity"], data["header"]["severity_max"]) == ("SEV1", "SEV1")
    assert data["header"]["kind"] == "real"
    assert data["summary"]["detected_by"] == "alert P99LatencyHigh"
    assert text.count("to be written in the review") == 3
    assert by(data["decisions"], "id", "D1")["observed"] == "P99 fell after 4 min"
    assert data["action_items"][0]["kind"] == "detect"
    assert data["tasks"] == []
    assert data["changes"][0]["state"] == "undone"
    assert data["alerts"][0]["judged"] == ["poor details"]
    assert {item["who"]: item["roles"] for item in data["participants"]} == {"alice": [COMMANDER], "bob": [COMMANDER]}


def test_24_each_metric_stands_with_its_definition():
    data = report(*whole_life())
    seconds = {row["id"]: row["seconds"] for row in data["metrics"]}

    assert seconds == {
        "TTD": 6 * 60,
        "TTA": 3 * 60,
        "TTE": 3 * 60,
        "TDR": 10 * 60,
        "TTM": 65 * 60,
        "TTR": 75 * 60,
        "RB": 45 * 60,
        "SEV1": 62 * 60,
        "SEV2": 3 * 60,
    }
    assert all(row["definition"] for row in data["metrics"])
    text = markdown(data)
    assert "| TTM, time to mitigate | 1:05:00 h | first mitigated - impact started | - |" in text
    assert by(data["metrics"], "id", "RB")["note"].endswith("aborted; its playbook has no objective")


@pytest.mark.parametrize(("minutes", "word"), [(20, "met"), (21, "MISSED")])
def test_a_rollback_stands_against_its_objective(minutes, word):
    life = Life()
    playbook = replace(ROLLBACK.playbook, steps=ROLLBACK.playbook.steps[1:2], objective=(15 * MINUTES, 20 * MINUTES))
    incident = life.declare()
    run = life.do(StartRun(incident, replace(ROLLBACK, playbook=playbook)))[0].stream.partition(":")[2]
    life.pass_time(minutes)
    life.reading("rollout.percent", 0)
    life.do(CompleteStep(run, "disable", "0 %"))

    row = by(report(life, incident)["metrics"], "id", "RB")
    assert row["seconds"] == minutes * 60
    assert row["note"].endswith(f"completed; objective 15:00 min to 20:00 min: {word}")


def test_what_is_not_known_stays_unknown():
    life = Life()
    incident = life.declare()
    data = report(life, incident)

    assert {row["id"]: row["seconds"] for row in data["metrics"] if row["id"] != "SEV1"} == dict.fromkeys(
        ("TTD", "TTA", "TTE", "TDR", "TTM", "TTR", "RB")
    )
    assert by(data["metrics"], "id", "TTM")["note"] == "not known: impact started and mitigated"
    assert [row["name"] for row in data["times"] if row["at"]] == ["declared"]
    assert data["rollout"]["percent"] is None
    assert data["budgets"] == []
    text = markdown(data)
    for words in ("No impact was recorded", "no error budget was read", "No playbook was run", "nobody had a role"):
        assert words in text
    assert "when declared: no source was read" in text


def test_each_time_names_its_event_and_what_was_said_before():
    life, incident = whole_life()
    life.do(
        SetTime(incident, "impact_started", life.state.incidents[incident].declared_at - 12 * MINUTES, True, "graph")
    )
    data = report(life, incident)

    began = by(data["times"], "name", "impact_started")
    said = by(data["timeline"], "id", began["event"])
    assert said["kind"] == "incident.time_set"
    assert began["estimated"]
    assert [item["at"] for item in began["before"]] == ["2026-03-28T23:30:00.000000Z"]
    assert by(data["metrics"], "id", "TTM")["note"] == "estimated"
    assert by(data["times"], "name", "rollback_decided")["by"] == "bob"
    for row in data["times"]:
        assert row["at"] is None or row["event"] in {event.id for event in life.events}
    (line,) = [line for line in markdown(data).splitlines() if line.startswith("| impact started")]
    assert "estimated; was 2026-03-28 23:30:00Z" in line


def test_25_times_are_utc_with_the_readers_own_beside_and_an_offset_in_json():
    data = report(*whole_life())
    text = markdown(data, lambda _: ZoneInfo("America/Chicago"))

    assert "| declared | 2026-03-28 23:40:00Z | 2026-03-28 18:40:00-05:00 |" in text
    assert by(data["times"], "name", "declared")["at"] == "2026-03-28T23:40:00.000000Z"
    assert "+00:00" not in markdown(data)


def test_corrections_stand_beside_what_they_correct():
    life, incident = whole_life()
    acknowledged = by(report(life, incident)["times"], "name", "acknowledged")["event"]
    life.do(Correct(incident, acknowledged, "bob had it", life.now - 70 * MINUTES, "asked him"), BOB)
    data = report(life, incident)

    row = by(data["times"], "name", "acknowledged")
    assert row["corrections"][0]["text"] == "bob had it"
    assert row["at"] == "2026-03-28T23:43:00.000000Z"  # both are kept; a correction moves nothing
    lines = markdown(data).splitlines()
    at = next(
        number for number, line in enumerate(lines) if "acknowledged (incident.acknowledged" in line.replace("\\", "")
    )
    assert lines[at + 1].startswith("  - CORRECTED")
    assert "bob had it" in lines[at + 1]


def test_what_was_recorded_late_shows_both_times():
    life, incident = whole_life()
    life.do(AddNote(incident, "the queue grew", life.now - 3 * MINUTES))
    (line,) = [line for line in markdown(report(life, incident)).splitlines() if "the queue grew" in line]
    assert "(recorded 2026-03-29 00:45:00Z)" in line


def test_the_budget_spent_needs_two_good_readings():
    data = report(*whole_life())

    mitigated, resolved = data["budgets"]
    assert (mitigated["slo"], mitigated["until"], mitigated["spent"]) == ("latency", "mitigated", 0.1)
    assert (resolved["until"], resolved["spent"]) == ("resolved", None)
    assert resolved["why_not"] == "the reading when resolved was stale"
    assert "| latency | mitigated | 80 % | 70 % | 10 % | - |" in markdown(data)
    assert "when resolved: stale: slo.latency.budget_left" in [item["what"] for item in data["blind_spots"]]


def test_the_phase_that_was_live_when_it_began():
    rollout = report(*whole_life())["rollout"]

    assert (rollout["reference"], rollout["percent"], rollout["baked_seconds"]) == ("impact started", 25, 10 * 60)
    assert [item["percent"] for item in rollout["changes_before"]] == [5, 25]
    assert rollout["readings"][0]["moment"] == "declared"


def test_roles_over_time_and_the_time_in_each_severity():
    data = report(*whole_life())

    lead = [(row["who"], row["from"][11:16], row["to"] and row["to"][11:16]) for row in data["roles"]]
    assert lead == [("alice", "23:43", "23:48"), ("bob", "23:48", None)]
    assert [(row["who"], row["from"][11:16]) for row in data["severities"]] == [("SEV2", "23:40"), ("SEV1", "23:43")]


def test_a_reopened_incident_counts_only_while_it_was_open():
    life, incident = whole_life()
    life.pass_time(60)
    life.do(ChangeState(incident, "investigating", "again"))
    life.pass_time(5)
    life.do(ChangeState(incident, "resolved"))

    assert by(report(life, incident)["metrics"], "id", "SEV1")["seconds"] == (62 + 5) * 60


def test_updates_stand_with_their_delay_and_what_was_not_sent():
    life, incident = whole_life()
    queued = [event for event in life.events if isinstance(event.payload, ev.DeliveryQueued)]
    for event in queued[:-1]:
        emit(life, event.stream, ev.DeliverySent("took it"))
    emit(life, queued[-1].stream, ev.DeliveryFailed("gave up", 3))
    data = report(life, incident)

    assert [row["late_seconds"] for row in data["updates"]] == [0, 15 * 60]
    assert [row["sent_to"] for row in data["updates"]] == [["slack.incidents"]] * 2
    assert data["deliveries"]["sent"] == {"slack.incidents": len(queued) - 1}
    assert [item["error"] for item in data["deliveries"]["not_sent"]] == ["gave up"]
    assert "NOT SENT: slack.incidents" in markdown(data)


def test_what_nobody_needed_any_more_is_no_failure():
    life, incident = whole_life()
    queued = [event for event in life.events if isinstance(event.payload, ev.DeliveryQueued)]
    for event in queued:
        emit(life, event.stream, ev.DeliveryFailed("it is closed", 0))

    data = report(life, incident)["deliveries"]
    assert (data["not_sent"], data["not_needed"]) == ([], len(queued))


def test_more_messages_than_a_state_keeps_are_all_counted():
    life, incident = whole_life()
    for number in range(250):
        life.do(PostUpdate(incident, f"update {number}", "", ""))
    queued = [event for event in life.events if isinstance(event.payload, ev.DeliveryQueued)]
    for event in queued:
        emit(life, event.stream, ev.DeliverySent("took it"))
    assert len(life.state.deliveries) < len(queued)

    assert report(life, incident)["deliveries"]["sent"] == {"slack.incidents": len(queued)}


def test_steps_stand_with_plan_actual_overdue_evidence_and_override():
    life = Life()
    incident = life.declare()
    run = life.do(StartRun(incident, ROLLBACK))[0].stream.partition(":")[2]
    life.do(FailStep(run, "alert", "nobody answers"))
    life.pass_time(5)
    life.reading("rollout.percent", 25)
    life.do(CompleteStep(run, "disable", "0 % in the file", override="the gauge hangs"))
    data = report(life, incident)

    step = by(data["runs"][0]["steps"], "id", "disable")
    assert (step["timebox_seconds"], step["took_seconds"], step["overdue_seconds"]) == (120, 300, 180)
    assert step["override"] == "the gauge hangs"
    (line,) = [line for line in markdown(data).splitlines() if line.startswith("| 2. Disable")]
    assert "| 2:00 min | 5:00 min | 3:00 min | done |" in line
    assert "OVERRIDE: the gauge hangs" in line


def test_only_what_is_about_it_is_in_it():
    life, incident = whole_life()
    before = dump(report(life, incident))
    other = life.do(DeclareIncident("something else", Severity.SEV2))[0].stream.partition(":")[2]
    life.do(AddNote(other, "elsewhere"))
    life.do(RecordChange(ChangeKind.OTHER, "x", "y", "z", other))

    assert dump(report(life, incident)) == before


def test_gaps_of_the_engine_and_unknown_outcomes_are_blind_spots():
    life = Life()
    incident = life.declare()
    emit(life, "engine", ev.LeaseReleased("bob@host", 1))
    life.pass_time(20)
    emit(life, "engine", ev.LeaseTaken("alice@host", 2))
    life.fire()
    emit(life, "change:c1", ev.ChangeIntended(ChangeKind.SILENCE, "x", "y", "z", incident))
    spots = [item["what"] for item in report(life, incident)["blind_spots"]]

    assert any(spot.startswith("no engine was running, last in bob@host") for spot in spots)
    assert any("late: no engine was running" in spot for spot in spots)
    assert any("its outcome is not known (intended)" in spot for spot in spots)


def test_an_engine_that_changes_hands_is_no_gap():
    life = Life()
    incident = life.declare()
    emit(life, "engine", ev.LeaseReleased("bob@host", 1))
    life.pass_time(0.5)
    emit(life, "engine", ev.LeaseTaken("alice@host", 2))
    life.pass_time(20)
    life.do(ChangeState(incident, "resolved"))
    life.pass_time(20)
    emit(life, "engine", ev.LeaseReleased("alice@host", 2))
    life.pass_time(20)
    life.do(ChangeState(incident, "closed"))

    assert not [spot for spot in report(life, incident)["blind_spots"] if "engine" in spot["what"]]


def test_a_drill_says_so_everywhere():
    life, incident = whole_life()
    life.events = [replace(event, mode="drill") for event in life.events]
    data = report(life, incident)

    assert data["header"]["kind"] == "DRILL"
    text = markdown(data)
    assert text.startswith("# DRILL Post-incident review of INC-")
    assert "nothing of this was real" in text


def test_59_twice_from_the_same_log_is_the_same_to_the_byte():
    one, other = (report(*whole_life()) for _ in range(2))

    assert dump(one) == dump(other)
    assert markdown(one, lambda _: UTC) == markdown(other, lambda _: UTC)


HOSTILE = [
    "# heading\n## two",
    "| a | b |\n| --- | --- |",
    "<script>alert(1)</script><!-- -->",
    "![i](http://evil.example/x.png) [x](http://evil.example)",
    "http://evil.example www.evil.example me@evil.example @all",
    "```\ncode",
    "\x1b]0;pwned\x07 \u202e \x00 \ud800",
    "{{ header }} {% if %}",
]


def tokens(text):
    for token in PARSER.parse(text):
        yield token.type, token.tag
        yield from ((child.type, child.tag) for child in token.children or ())


def hostile_life(text):
    life = Life()
    life.channels = (ChannelSpec("slack.incidents", (Act.POST,), (Topic.INCIDENTS,)),)
    alert = AlertRef("f1", text, text, ((text, text),), life.now - MINUTES)
    incident = life.do(DeclareIncident("x" + text, Severity.SEV1, (alert,)))[0].stream.partition(":")[2]
    life.do(AcknowledgeIncident(incident))
    life.do(ChangeState(incident, "identified", text))
    life.do(RecordImpact(incident, "x" + text, "x" + text, text))
    life.do(PostUpdate(incident, "x" + text, text, text))
    life.do(RecordDecision(incident, "x" + text, "x" + text, ("x" + text,), text, text))
    life.do(AddTask(incident, "x" + text, "bob", None, "prevent"))
    life.do(RecordChange(ChangeKind.OTHER, "x" + text, "x" + text, "x" + text, incident))
    life.do(AssignRole(incident, "x" + text, "x" + text))
    life.do(AddNote(incident, "x" + text))
    return life, incident


@given(st.one_of(st.sampled_from(HOSTILE), st.text("\\`*_{}[]()#+-.!|<>~&$@:/\"'^= \t\n1a", max_size=30)))
@example("".join(HOSTILE))
@settings(max_examples=60, deadline=None)
def test_38_outside_text_opens_nothing(text):
    quiet, loud = (list(tokens(markdown(report(*hostile_life(words))))) for words in ("x", text))
    bad = {"link_open", "image", "html_inline", "html_block", "code_inline", "code_block", "s_open"}

    assert not {kind for kind, _ in loud} & bad
    for kind in ("fence", "heading_open", "tr_open", "td_open", "table_open", "th_open"):
        assert sum(found == kind for found, _ in loud) == sum(found == kind for found, _ in quiet), kind


def test_the_lanes_hold_no_outside_text():
    (quiet, loud) = (
        [token.content for token in PARSER.parse(markdown(report(*hostile_life(words)))) if token.type == "fence"]
        for words in ("x", "".join(HOSTILE))
    )
    assert quiet == loud
    assert len(quiet) == 1


def test_the_lanes_show_who_did_what_when_on_one_axis():
    data = report(*whole_life())
    marks = data["lane"]["marks"]
    assert [item["at"] for item in marks] == sorted(item["at"] for item in marks)
    assert all(data["lane"]["from"] <= item["at"] <= data["lane"]["to"] for item in marks)
    assert {item["lane"] for item in marks} == {"phase", "flags", "alerts", "incident", "people"}
    declared = by(marks, "mark", "D")
    assert declared["at"] == by(data["timeline"], "kind", "incident.declared")["occurred_at"]
    assert declared["seq"] == by(data["timeline"], "kind", "incident.declared")["seq"]
    rows = markdown(data).partition("```text\n")[2].partition("```")[0].splitlines()
    lanes = {row.split()[0]: row for row in rows[1:6]}
    assert list(lanes) == ["phase", "flags", "alerts", "incident", "people"]
    assert len({len(row) for row in lanes.values()}) == 1
    assert ">25%" in lanes["phase"]
    assert lanes["incident"].rindex("M") < lanes["incident"].rindex("R")


def test_38_nothing_that_a_terminal_obeys_is_in_it():
    text = markdown(report(*hostile_life("".join(HOSTILE))))
    assert not {"\x1b", "\x07", "\x00", "\u202e", "\ud800"} & set(text)
    assert ALICE.name in text
