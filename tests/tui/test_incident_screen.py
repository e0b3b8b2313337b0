"""The incident screen: what is seen at once, its panes, its dialogs; the list, the ledger, the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import Matcher
from console.model.change import ChangeKind, ChangeStatus
from console.model.escalation import Reach
from console.model.message import DeliveryState
from console.model.pager import PagerIncident, PagerStatus
from console.model.people import Severity
from console.model.silence import Silence
from console.tui.screens.changes import ChangesScreen
from console.tui.screens.incident import IncidentScreen
from console.tui.screens.run import RunScreen
from tests.tui.screen import sev1
from tests.view import boards


async def in_progress(at):
    await sev1(at.engine)
    at.app.redraw()
    await at.press("2")
    assert isinstance(at.screen, IncidentScreen)
    return next(iter(at.engine.state.incidents.values()))


async def declared(at, severity=Severity.SEV1, title="checkout fails"):
    done = await at.engine.submit(cmd.DeclareIncident(title, severity))
    at.app.redraw()
    await at.press("2")
    return done.subject


def staffed():
    return boards.staffed(boards.busy())


def incident(at):
    return next(iter(at.engine.state.incidents.values()))


# -- seen at once -----------------------------------------------------------------------------------------------------


async def test_the_essentials_are_seen_without_scrolling_at_80x24(open_console):
    async with open_console(staffed()) as at:
        await in_progress(at)
        shown = at.text()
        for wanted in (
            "SEV1 INC-1 INVESTIGATING",
            "IC alice",
            "update OVERDUE by 19:10",
            "5 NOT SENT",
            "s: identified, mitigating",
            "SEV1 Critical",
            "alice (IC)",
            "acknowledged 13:58Z by alice after 6 min",
            "level 2 secondary",
            "UPDATE OVERDUE by 19:10",
            "Disable the flag  2/7 of RUN-",
            "5 NOT SENT  to slack-incidents; to undo: CHG-",
        ):
            assert wanted in shown, wanted


async def test_the_next_escalation_names_who_is_told_and_when(open_console):
    async with open_console(staffed()) as at:
        await declared(at)
        assert "next secondary (bob) in 5:00" in at.text()
        assert "NOT ACKNOWLEDGED  5:00 left" in at.text()
        await at.engine.submit(cmd.Escalate(incident(at).id, 1))
        at.app.redraw()
        await at.settle()
        assert "next lead  NOBODY ON CALL" in at.text()


async def test_a_level_that_reached_nobody_is_loud(open_console):
    board = replace(staffed(), on_call=())
    async with open_console(board, size=(120, 40)) as at:
        await declared(at)
        assert "NOBODY ON CALL" in at.text()


async def test_the_banner_stands_on_every_screen(open_console):
    async with open_console(staffed()) as at:
        await in_progress(at)
        await at.engine.submit(cmd.DeclareIncident("another", Severity.SEV3))
        at.app.redraw()
        for key in ("3", "4", "6", "7", "8"):
            await at.press(key)
            line = at.text().splitlines()[1]
            for wanted in ("SEV1 INC-1 INVESTIGATING", "update OVERDUE", "+1 OPEN"):
                assert wanted in line, key


async def test_the_playbook_stands_beside_at_160(open_console):
    async with open_console(staffed(), size=(160, 45)) as at:
        await in_progress(at)
        assert "PLAYBOOK" in at.text()
        assert "STEP 2 of 7  DISABLE THE FLAG" in at.text()
        assert "L [Log" in at.text()


# -- panes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("W", "watch the replica lag"),
        ("F", "impact started  not known"),
        ("A", "P99LatencyCritical"),
        ("C", "pool raised from 40 to 80"),
        ("M", "no answer within 10 s"),
        ("P", "+1 555 0101"),
        ("S", "Disable the flag"),
    ],
)
async def test_one_key_turns_to_each_pane(open_console, key, wanted):
    async with open_console(staffed()) as at:
        await in_progress(at)
        await at.press(key)
        shown = "\n".join(at.text().splitlines()[12:])
        assert wanted in shown


async def test_tab_goes_through_the_panes_and_each_keeps_its_cursor(open_console):
    async with open_console(staffed()) as at:
        await in_progress(at)
        await at.press("g")
        before = at.screen.situation(at.engine.board).entry
        await at.press(*["tab"] * 7)
        assert "S [Steps" in at.text()
        await at.press("tab")
        assert at.screen.situation(at.engine.board).entry == before


async def test_a_correction_stands_beside_what_it_corrects(open_console):
    async with open_console(staffed(), size=(120, 40)) as at:
        await in_progress(at)
        rows = at.text().splitlines()
        place = next(index for index, row in enumerate(rows) if "support has 41 tickets" in row)
        assert "(corrected below)" in rows[place]
        assert "(recorded 13:58:10Z)" in rows[place]
        assert "support has 14 tickets" in rows[place + 1]


async def test_a_linked_alert_that_left_the_feed_is_gone_only_while_the_feed_is_evidence(open_console):
    async with open_console(staffed(), size=(120, 40)) as at:
        await in_progress(at)
        await at.press("A")
        assert "firing" in at.text()
        at.engine.show(feed=replace(boards.quiet().feed))
        at.app.redraw()
        await at.settle()
        assert "gone" in at.text()
        at.engine.show(feed=boards.broken().feed)
        at.app.redraw()
        await at.settle()
        assert "NOT KNOWN (no data)" in at.text()


async def test_people_can_be_called_when_everything_is_down(open_console):
    async with open_console(boards.staffed(boards.broken())) as at:
        await in_progress(at)
        await at.press("P")
        for wanted in ("names and addresses: people.yaml", "+1 555 0100", "NOBODY ON CALL"):
            assert wanted in at.text()


async def test_the_age_of_pagerdutys_answer_is_said(open_console):
    from console.model.board import SourceStatus
    from console.model.reading import ReadingState

    old = SourceStatus("pagerduty", ReadingState.UNREACHABLE, boards.NOW - timedelta(hours=3), "timed out")
    board = replace(staffed(), sources=(*boards.sources(), old))
    async with open_console(board) as at:
        await declared(at)
        await at.press("P")
        assert "PagerDuty answered 3 h 00 ago, now UNREACHABLE" in at.text()


# -- dialogs ----------------------------------------------------------------------------------------------------------


async def test_an_update_is_prefilled_and_shows_what_is_sent_to_whom(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await in_progress(at)
        await at.press("u")
        shown = at.text()
        for wanted in ("goes to  slack-incidents, mail", "Conditions: 50 % of checkouts fail", "Needs: a DBA"):
            assert wanted in shown
        at.app.focused.value = "20 % of checkouts fail"
        await at.settle()
        assert "Conditions: 20 % of checkouts fail" in at.text()
        await at.press("enter", "enter", "enter")
        await at.type("20m")
        await at.press("enter")
        update = incident(at).updates[-1]
        assert update.conditions == "20 % of checkouts fail"
        assert update.next_due == at.clock.now() + timedelta(minutes=20)
        assert "next in 20:00" in at.text()


async def test_the_default_of_a_new_severity_is_the_more_severe_one(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at, Severity.SEV3)
        await at.press("v", "enter")
        await at.type("it grows")
        await at.press("enter")
        assert incident(at).severity is Severity.SEV2


async def test_escalating_asks_once_names_who_and_where_and_starts_on_cancel(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("e")
        assert at.app.focused.id == "cancel"
        for wanted in ("lighthouse/production", "level 2 is told: secondary (bob)"):
            assert wanted in at.text()
        await at.press("tab", "enter")
        assert incident(at).level == 2


async def test_10_two_escalations_as_of_one_level_are_one(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("e")
        await at.engine.submit(cmd.Escalate(incident(at).id, 1))
        await at.press("tab", "enter")
        assert "Not done" in at.text()
        assert incident(at).level == 2


async def test_what_is_typed_at_a_button_is_written_and_never_obeyed_by_the_screen_below(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("e")
        assert at.app.focused.id == "cancel"
        await at.press(*"need", "space", *"db")
        assert at.screen.query_one("#field-reason").value == "need db"
        assert not incident(at).decisions
        await at.press("enter")
        assert at.app.focused.id == "cancel", "where care is due no second enter sends it"
        await at.press("tab", "enter")
        assert incident(at).escalations[-1].reason == "need db"


async def test_what_was_written_is_kept_when_a_form_is_closed_and_gone_once_it_is_sent(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("d")
        await at.type("roll back")
        await at.press("escape")
        assert "What you wrote is kept" in at.text()
        await at.press("t")
        assert at.screen.query_one("#field-text").value == ""
        await at.press("escape", "d")
        assert "As you left it at 14:" in at.text()
        assert at.screen.query_one("#field-choice").value == "roll back"
        at.screen.query_one("#field-reason").value = "P99"
        await at.focus("#submit")
        await at.press("enter")
        assert incident(at).decisions["D1"].choice == "roll back"
        await at.press("d")
        assert at.screen.query_one("#field-choice").value == ""


async def test_an_incident_is_opened_in_triage_and_declared_by_its_state(open_console):
    async with open_console(staffed()) as at:
        await at.press("I")
        assert "Open an incident in triage" in at.text()
        at.screen.query_one("#field-title").value = "P99 looks odd"
        await at.focus("#submit")
        await at.press("enter", "q", "2")
        assert incident(at).state == "triage"
        assert "INC-1 TRIAGE" in at.text()
        assert "opened" in at.text()
        assert "nobody further while it is in triage" in at.text()
        await at.press("s")
        assert "1 declared" in at.text()
        await at.press("1")
        assert incident(at).state == "declared"
        await at.press("s", "1")
        assert incident(at).state == "investigating"


async def test_an_incident_that_cannot_be_closed_says_what_goes_before(open_console):
    async with open_console(staffed()) as at:
        await declared(at)
        await at.press("s", "6")
        assert "INC-1 is declared: resolve it first" in at.text()


async def test_a_name_that_is_not_known_is_said_before_it_is_given_a_role(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("o")
        at.screen.query_one("#field-person").value = "bbo"
        await at.settle()
        assert "bbo is not in people.yaml" in at.text()
        at.screen.query_one("#field-person").value = at.engine.board.actor.name
        await at.settle()
        assert "is not in people.yaml" not in at.text()


async def test_a_second_q_does_not_end_an_escalation_that_hangs_on_this_console(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("q", "q")
        assert "INC-1 is not acknowledged" in at.text()
        await at.press("escape")
        assert not at.app._leaving.under_way
        await at.press("a", "q")
        assert at.app._leaving.under_way


async def test_giving_back_is_careful_and_needs_a_reason(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("U")
        assert "nobody has acknowledged INC-1" in at.text()
        await at.press("a", "U")
        assert at.app.focused.id == "cancel"
        await at.press("tab", "enter")
        assert "the reason is empty" in at.text()
        at.screen.query_one("#field-reason").value = "called away"
        await at.press("enter")
        assert incident(at).acknowledged_at is None


async def test_a_task_is_added_taken_and_done(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("t")
        await at.type("watch the lag")
        await at.press("enter", "enter")
        await at.type("20m")
        await at.press("enter", "enter")
        task = incident(at).tasks["T1"]
        assert (task.text, task.owner, task.due_at) == ("watch the lag", "", at.clock.now() + timedelta(minutes=20))
        await at.press("W", "enter", "2")
        assert incident(at).tasks["T1"].owner == "alice"
        await at.press("enter", "1")
        assert incident(at).tasks["T1"].outcome == "done"


async def test_a_decision_is_recorded_and_observed(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("d")
        for value in ("roll back", "the release is the only change", "roll back; scale out", "", "errors below 1 %"):
            await at.type(value)
            await at.press("enter")
        await at.press("enter")
        decision = incident(at).decisions["D1"]
        assert decision.options == ("roll back", "scale out")
        assert decision.check_at == at.clock.now() + timedelta(minutes=10)
        await at.press("W")
        assert "10:00 left" in at.text()
        await at.press("enter")
        await at.type("0.4 %")
        await at.press("enter")
        assert incident(at).decisions["D1"].observed == "0.4 %"


async def test_a_time_is_set_from_its_row_as_estimated(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("F", "g", "enter", "enter")
        await at.type("-10m")
        await at.press("enter", "j", "enter", "enter")
        assert incident(at).times["impact_started"] == at.clock.now() - timedelta(minutes=10)
        assert "ESTIMATED" in at.text()


async def test_impact_is_recorded(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("i")
        for value in ("requests that failed", "5,310", "the SLO"):
            await at.type(value)
            await at.press("enter")
        assert incident(at).impact[0].value == "5,310"


async def test_a_line_of_the_log_is_corrected_and_a_playbooks_line_is_not(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await in_progress(at)
        await at.press("G", "c")
        assert "of the playbook's own record" in at.text()
        await at.press("g", "c")
        assert "declared SEV1" in at.text()
        await at.type("two thirds of all requests")
        await at.press("enter", "enter", "enter")
        fixes = [event.payload for event in at.engine.log if isinstance(event.payload, ev.Corrected)]
        assert fixes[-1].event_id == at.engine.log[0].id
        assert fixes[-1].text == "two thirds of all requests"


async def test_an_open_page_is_handed_to_other_people_by_a_key(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        subject = await declared(at)
        await at.press("h")
        assert "no page of INC-1 is open in PagerDuty" in at.text()
        at.engine.people = (Reach("bob", (), "PBOB"),)
        page = PagerIncident("PD1", 7, "P99", PagerStatus.TRIGGERED, "high", "svc", boards.NOW, assigned_to=("carol",))
        await at.engine.submit(cmd.LinkPager(subject, page, True))
        at.app.redraw()
        await at.press("h")
        assert "PD1 triggered assigned to carol" in at.text()
        assert at.app.focused.id == "cancel"
        at.screen.query_one("#field-people").value = "kim"
        await at.settle()
        assert "kim: no PagerDuty user id" in at.text()
        at.screen.query_one("#field-people").value = "bob"
        at.screen.query_one("#field-reason").value = "knows the bridge"
        await at.settle()
        assert "PagerDuty pages bob, and nobody else." in at.text()
        await at.focus("#submit")
        await at.press("enter")
        assert at.engine.commands[-1] == cmd.ReassignPage(subject, ("bob",), "knows the bridge")
        assert "reassigned: saved" in at.text()


async def test_two_incidents_are_merged_after_one_question(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        one = await declared(at, title="first")
        other = await at.engine.submit(cmd.DeclareIncident("second", Severity.SEV1))
        at.app.redraw()
        await at.press("m", "1")
        assert at.app.focused.id == "cancel"
        for wanted in ("first", "goes on in", "second", "lighthouse/production"):
            assert wanted in at.text()
        at.screen.query_one("#field-reason").value = "one cause"
        await at.press("tab", "enter")
        assert at.engine.state.incidents[one].merged_into == other.subject
        label = at.engine.state.incidents[other.subject].label
        assert f"goes on in {label}" in at.text()
        await at.press("6")
        assert f"into {label}: " in at.text()


async def test_closing_says_what_stands_against_it_and_goes_there(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await in_progress(at)
        await at.press("s", "5", "s", "6")
        shown = at.text()
        assert "INC-1 cannot be closed yet" in shown
        assert "Emergency rollback" in shown
        assert "pool raised" in shown
        await at.press("1")
        assert isinstance(at.screen, RunScreen)
        await at.press("2", "s", "6", "2")
        assert isinstance(at.screen, ChangesScreen)
        assert "undo: set pool back to 40" in at.text()


async def test_cancelling_needs_a_reason_and_is_careful(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("s", "7")
        assert "CANCELLED is final" in at.text()
        assert at.app.focused.id == "cancel"
        await at.press("tab", "enter")
        assert "the reason is empty" in at.text()


async def test_read_only_shows_everything_and_changes_nothing(open_console):
    async with open_console(replace(staffed(), read_only=True), size=(100, 40)) as at:
        await in_progress(at)
        count = len(at.engine.commands)
        for key in "usevotdiTcUmaD":
            await at.press(key)
            assert "read-only" in at.text(), key
        for pane in "LWFACMPR":
            await at.press(pane, "g", "enter")
            while len(at.app.screen_stack) > 3:
                at.app.pop_screen()
                await at.settle()
        assert len(at.engine.commands) == count


# -- list, ledger, outbox ---------------------------------------------------------------------------------------------


async def test_the_list_has_open_ones_first_and_searches(open_console):
    async with open_console(staffed(), size=(120, 40)) as at:
        for title, severity in (("small", Severity.SEV4), ("over", Severity.SEV1), ("large", Severity.SEV2)):
            await at.engine.submit(cmd.DeclareIncident(title, severity))
        over = next(item for item in at.engine.state.incidents.values() if item.title == "over")
        await at.engine.submit(cmd.ChangeState(over.id, "cancelled", "a test"))
        at.app.redraw()
        await at.press("6")
        titles = [item.title for item in at.screen.query_one("#incidents").items]
        assert titles == ["large", "small", "over"]
        await at.press("slash")
        await at.type("cancelled")
        await at.press("enter", "enter")
        assert isinstance(at.screen, IncidentScreen)
        assert "CANCELLED" in at.text()


async def test_a_change_made_by_hand_is_recorded_handed_over_and_undone(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        await at.press("7", "b")
        await at.type("pool 40 to 80")
        await at.press("enter", "enter")
        await at.type("set pool to 40")
        await at.press("enter", "enter", "enter", "enter")
        change = next(iter(at.engine.state.changes.values()))
        assert (change.kind, change.incident) == (ChangeKind.OVERRIDE, incident(at).id)
        assert "1 to undo or hand over" in at.text()
        await at.press("h")
        await at.type("bob")
        await at.press("enter")
        await at.type("ticket 7")
        await at.press("enter")
        assert "bob owes it" in at.text()
        await at.press("x")
        await at.type("pool is 40")
        await at.press("enter")
        assert next(iter(at.engine.state.changes.values())).state is ChangeStatus.UNDONE
        await at.press("x")
        assert "is undone" in at.text()


async def test_an_unknown_outcome_is_loud_and_settled_with_what_was_seen(open_console):
    silence = Silence(
        (Matcher("alertname", "=", "Down"),), boards.NOW, boards.NOW + timedelta(hours=1), "alice", "known"
    )
    async with open_console(staffed(), size=(100, 40)) as at:
        await at.engine.submit(cmd.CreateSilence(silence))
        at.app.redraw()
        await at.press("7")
        assert "OUTCOME UNKNOWN" in at.text()
        await at.press("e")
        assert "has no silence in Alertmanager that is known" in at.text()
        await at.press("t", "enter")
        await at.type("it is in the list")
        await at.press("enter")
        assert next(iter(at.engine.state.changes.values())).state is ChangeStatus.IN_FORCE
        assert "OUTCOME UNKNOWN" not in at.text()


async def test_a_silence_is_expired_after_one_question(open_console):
    silence = Silence(
        (Matcher("alertname", "=", "Down"),), boards.NOW, boards.NOW + timedelta(hours=1), "alice", "known"
    )
    async with open_console(staffed(), size=(100, 40)) as at:
        done = await at.engine.submit(cmd.CreateSilence(silence))
        at.engine._append(done.events[0].stream, ev.ChangeMade("created", "s-1"), at.clock.now(), False)
        at.engine.show()
        at.app.redraw()
        await at.press("7", "x")
        assert at.app.focused.id == "cancel"
        assert "lighthouse/production" in at.text()
        await at.press("tab", "enter")
        sent = at.engine.commands[-1]
        assert isinstance(sent, cmd.ExpireSilence)
        assert sent.silence.id == "s-1"
        await at.press("enter", "3")
        assert "Extend the silence" in at.text()


async def test_the_outbox_shows_why_and_sends_again_what_was_given_up(open_console):
    async with open_console(staffed(), size=(100, 40)) as at:
        await declared(at)
        first = next(iter(at.engine.state.deliveries.values()))
        at.engine._append(first.stream, ev.DeliveryFailed("403 invalid_token", 1), at.clock.now(), False)
        at.engine.show()
        at.app.redraw()
        await at.press("8")
        shown = at.text()
        for wanted in ("NOT SENT, GIVEN UP", "403 invalid_token", "last proven 3 d 0 h ago by alice", "unproven"):
            assert wanted in shown
        await at.press("enter")
        assert "SEV1 lighthouse/production: checkout fails" in at.text()
        await at.press("q", "t")
        assert at.engine.state.deliveries[first.id].state is DeliveryState.QUEUED
        await at.press("t")
        assert "that message is queued, not given up" in at.text()


async def test_a_linked_alert_opens_with_everything_known_of_it(open_console):
    async with open_console(staffed(), size=(120, 40)) as at:
        await in_progress(at)
        await at.press("A", "enter")
        assert "P99 of elicitation is 612 ms" in at.text()
        assert "fingerprint" in at.text()
