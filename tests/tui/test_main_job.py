"""From an alert to a closed incident, by keys."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from console.model import commands as cmd
from console.model.incident import IncidentState
from console.model.people import Severity
from console.model.run import RunStatus, StepStatus
from console.tui.dialogs.form import Form
from console.tui.dialogs.pick import Picker
from console.tui.screens.incident import IncidentScreen
from console.tui.screens.overview import OverviewScreen
from console.tui.screens.run import RunScreen
from tests.view import boards


async def declared(at, alert=0):
    await at.press(*"j" * alert, "D")
    at.app.screen.query_one("#submit").action_press()
    await at.settle()


async def running(at, name="emergency-rollback"):
    """A run of a playbook in a fresh incident, on the screen."""
    await declared(at)
    at.screen.query_one("LineList").select(name)
    await at.press("enter")
    assert isinstance(at.screen, RunScreen)
    return at.engine.state.runs[next(reversed(at.engine.state.runs))].id


def step(at, run, name):
    return at.engine.state.runs[run].steps[name]


async def test_one_key_declares_from_the_highlighted_alert(open_console):
    async with open_console() as at:
        await at.press("j", "D")
        shown = at.text()
        for wanted in ("Declare an incident", "lighthouse/production", "ErrorRatioHigh, active since 14:30:10Z"):
            assert wanted in shown
        for severity in Severity:
            assert severity.value in shown
        assert "Some users feel it, or an SLO's budget burns too fast" in shown
        await at.press("enter", "k", "enter")
        command = at.engine.commands[-1]
        assert command.title == "2.4 % of requests fail"
        assert command.severity is Severity.SEV2
        assert [alert.fingerprint for alert in command.alerts] == ["fp-ErrorRatioHigh"]
        assert command.impact_started_at == boards.NOW - timedelta(minutes=2)


async def test_after_declaring_the_incident_is_shown_and_its_playbooks_are_offered_best_first(open_console):
    async with open_console() as at:
        await declared(at)
        assert isinstance(at.screen, Picker)
        assert [entry.id for entry in at.screen._entries][:2] == ["-", "emergency-rollback"]
        assert at.screen.query_one("LineList").selected.id == "-", "enter was pressed once too often"
        assert "fits P99LatencyCritical" in at.text()
        await at.press("q")
        assert isinstance(at.screen, IncidentScreen)
        shown = at.text()
        for wanted in ("SEV2 INC-1 DECLARED", "SEV2 Major Many users", "NOT ACKNOWLEDGED", "declared SEV2"):
            assert wanted in shown
        await at.press("q")
        assert isinstance(at.screen, OverviewScreen)
        assert "[INC-1]" in at.text()


async def test_acknowledge_does_not_ask(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q", "a")
        assert at.engine.state.incidents["id-1"].commander == "alice"
        assert "INC-1 acknowledged: saved" in at.text()
        await at.press("a")
        assert "INC-1 was acknowledged by alice" in at.text()


async def test_a_step_is_completed_with_what_was_observed(open_console):
    async with open_console() as at:
        run = await running(at)
        shown = at.text()
        assert "STEP 2 of 7" in shown
        assert "2:00 left of 2 min" in shown
        await at.press("c")
        assert "What did you observe?" in at.text()
        await at.press("enter", "enter")
        assert "what was observed is empty" in at.text()
        await at.focus("#field-observed")
        await at.type("flag at 0 %")
        await at.press("enter", "enter")
        assert "Not done: rollout.percent = 25" in at.text()
        assert at.screen.query_one("#field-observed").value == "flag at 0 %"
        await at.focus("#field-override")
        await at.type("the metric lags")
        await at.press("enter")
        assert step(at, run, "disable-flag").status is StepStatus.DONE
        assert "STEP 3 of 7" in at.text(), "the card follows the run"


async def test_a_step_fails_is_tried_again_and_skipped_each_with_a_reason(open_console):
    async with open_console() as at:
        run = await running(at)
        await at.press("f")
        await at.type("no access")
        await at.press("enter")
        assert step(at, run, "disable-flag").status is StepStatus.FAILED
        assert "FAILED" in at.text()
        await at.press("t")
        assert step(at, run, "disable-flag").attempt == 2
        await at.press("s")
        await at.type("the flag is gone")
        await at.press("enter")
        assert step(at, run, "disable-flag").reason == "the flag is gone"


async def test_a_wait_is_ended_by_decision(open_console):
    async with open_console() as at:
        run = await running(at)
        await at.press("x")
        assert "is no wait" in at.text()
        await at.press("s")
        await at.type("by hand")
        await at.press("enter", "x")
        await at.type("3 requests")
        await at.press("enter")
        await at.type("five minutes are over")
        await at.press("enter")
        drained = step(at, run, "drain-in-flight")
        assert (drained.status, drained.observed) == (StepStatus.EXPIRED, "3 requests")


async def test_an_irreversible_step_starts_on_cancel_and_must_be_typed(open_console):
    async with open_console() as at:
        run = await running(at)
        for name in ("disable-flag", "drain-in-flight", "verify-legacy"):
            await at.engine.submit(cmd.SkipStep(run, name, "test"))
        at.app.redraw()
        await at.settle()
        assert "IRREVERSIBLE" in at.text()
        await at.press("c")
        assert at.app.focused.id == "cancel"
        shown = at.text()
        assert "CLEAR lighthouse/production" in shown
        assert "Done, irreversibly, on lighthouse/production" in shown
        await at.focus("#field-observed")
        await at.type("backup of 14:00")
        at.screen.query_one("#submit").action_press()
        await at.settle()
        assert "is irreversible: type" in at.text()
        await at.focus("#field-typed")
        await at.type("CLEAR lighthouse/production")
        await at.focus("#field-break_glass")
        await at.type("nobody else is awake")
        at.screen.query_one("#submit").action_press()
        await at.settle()
        assert step(at, run, "clear-state").status is StepStatus.DONE


async def test_a_decision_shows_advice_and_leads_into_the_other_playbook(open_console):
    async with open_console() as at:
        run = await running(at, "p99-latency-high")
        for name in ("is-it-real", "is-it-the-new-path"):
            await at.engine.submit(cmd.CompleteStep(run, name, "yes"))
        at.app.redraw()
        await at.settle()
        assert "1 ADVISED Roll back now" in at.text()
        assert "guardrail.p99 is 612" in at.text()
        await at.press("s")
        assert "a decision is not skipped" in at.text()
        await at.press("c")
        assert at.screen.query_one("#field-option").selected.id == "roll-back"
        await at.press("enter")
        await at.type("612 ms and rising")
        await at.press("enter")
        runs = list(at.engine.state.runs.values())
        assert [item.status for item in runs] == [RunStatus.CONTINUED, RunStatus.RUNNING]
        assert "Emergency rollback" in at.text(), "the screen goes on to the run that continues"


async def test_the_flag_is_set_from_here_only_where_something_can(open_console):
    async with open_console() as at:
        run = await running(at)
        await at.press("e")
        assert "nothing here can set flags" in at.text()
        at.engine.show(flags="simulated flags")
        await at.press("e")
        assert isinstance(at.screen, Form)
        assert at.app.focused.id == "cancel"
        shown = at.text()
        assert "lighthouse-elicitation to 0 %" in shown
        assert "Set it on lighthouse/production" in shown
        await at.press("enter")
        assert not at.engine.state.runs[run].effects, "enter on Cancel does nothing"
        await at.press("e", "tab", "enter")
        assert at.engine.state.runs[run].effects[0].outcome == "done"
        assert "flag lighthouse-elicitation: done" in at.text()


async def test_overdue_is_unmistakable_and_comes_from_the_deadline(open_console):
    async with open_console() as at:
        await running(at)
        at.clock.advance(minutes=3, seconds=12)
        at.app.redraw()
        await at.settle()
        assert "OVERDUE by 1:12" in at.text()
        await at.press("1")
        assert "OVERDUE by 2:12" in at.text(), "the parallel step is the most overdue, and the banner says so"


async def test_a_note_may_tell_when_it_happened(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q", "plus")
        await at.type("customers call")
        await at.press("enter")
        await at.type("yesterday")
        await at.press("enter", "enter")
        assert "'yesterday' is no time" in at.text()
        field = at.screen.query_one("#field-at")
        await at.focus("#field-at")
        field.value = "-9m"
        await at.press("enter", "enter")
        event = at.engine.log[-1]
        assert event.payload.text == "customers call"
        assert event.occurred_at == boards.NOW - timedelta(minutes=9)
        assert "recorded 14:32:10Z" in at.text()


async def test_the_state_picker_shows_illegal_moves_with_the_reason_and_closes_the_incident(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q", "s", "6")
        assert "Not now: INC-1 is declared" in at.text()
        await at.press("q")
        for key, state in (("4", "mitigated"), ("5", "resolved")):
            await at.press("s", key)
            assert at.engine.state.incidents["id-1"].state.value == state
        await at.press("s", "6")
        assert "CLOSED is final" in at.text()
        assert at.app.focused.id == "cancel"
        await at.press("tab", "enter")
        assert at.engine.state.incidents["id-1"].state is IncidentState.CLOSED
        await at.press("s", "1")
        assert "Not now" in at.text()


async def test_reopening_needs_a_reason(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q", "s", "5", "s", "1")
        assert "Why" in at.text()
        await at.type("it is back")
        await at.press("enter")
        assert at.engine.state.incidents["id-1"].state is IncidentState.INVESTIGATING


async def test_severity_and_roles_change(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q", "v", "k", "enter")
        await at.type("data is exposed")
        await at.press("enter")
        assert at.engine.state.incidents["id-1"].severity is Severity.SEV1
        await at.press("o", "j", "j", "enter")
        at.app.focused.value = "carol"
        await at.press("enter")
        assert at.engine.state.incidents["id-1"].roles == {"scribe": "carol"}


async def test_an_answer_in_a_list_is_chosen_by_typing_its_beginning(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q", "o", *"scribe", "enter")
        at.app.focused.value = "carol"
        await at.press("enter")
        assert at.engine.state.incidents["id-1"].roles == {"scribe": "carol"}
        await at.press("v", *"sev5", *"sev1", "enter")
        await at.type("data is exposed")
        await at.press("enter")
        assert at.engine.state.incidents["id-1"].severity is Severity.SEV1


async def test_an_alert_is_linked_to_the_open_incident(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q", "1", "j", "l")
        linked = at.engine.state.incidents["id-1"].alerts
        assert [alert.name for alert in linked] == ["P99LatencyCritical", "ErrorRatioHigh"]


async def test_a_run_is_aborted_with_a_reason(open_console):
    async with open_console() as at:
        run = await running(at)
        await at.press("X")
        assert at.app.focused.id == "cancel"
        await at.focus("#field-reason")
        await at.type("wrong playbook")
        await at.press("enter", "tab", "enter")
        assert at.engine.state.runs[run].status is RunStatus.ABORTED
        assert "ABORTED" in at.text()


# -- what could not be saved ------------------------------------------------------------------------------------------


async def test_not_saved_is_unmistakable_keeps_the_text_and_goes_on_after_a_typed_confirmation(open_console):
    async with open_console() as at:
        at.engine.not_saved = "disk full"
        await at.press("D")
        at.screen.query_one("#field-title").value = "my own words"
        at.screen.query_one("#submit").action_press()
        await at.settle()
        shown = at.text()
        assert "NOT SAVED: disk full" in shown
        assert "my own words" in shown
        assert not at.engine.log
        await at.type("yes")
        await at.press("enter")
        assert not at.engine.log, "anything else than the words tries again"
        at.screen.query_one("#proceed").value = "NOT SAVED"
        await at.press("enter")
        assert at.engine.log[0].payload.title == "my own words"
        assert "it waits in /tmp/spool.jsonl" in " ".join(at.text().split())
        await at.press("q")
        assert "NOT SAVED" in at.text()


async def test_an_acknowledgement_that_cannot_be_saved_asks_too(open_console):
    async with open_console() as at:
        await declared(at)
        await at.press("q")
        at.engine.not_saved = "folder is read-only"
        await at.press("a")
        assert isinstance(at.screen, Form)
        assert "NOT SAVED: folder is read-only" in at.text()
        at.screen.query_one("#proceed").value = "NOT SAVED"
        await at.press("enter")
        assert at.engine.state.incidents["id-1"].acknowledged_at is not None


async def test_what_may_not_proceed_offers_no_way_around(open_console):
    async with open_console() as at:
        at.engine.not_saved = "disk full"
        await at.press("4", "b")
        assert "NOT SAVED: disk full" in at.text()
        assert not at.screen.query_one("#proceed").display


async def test_nothing_is_said_to_be_saved_before_it_is(open_console):
    async with open_console() as at:
        at.engine.delay = asyncio.Event()
        await at.press("D")
        at.screen.query_one("#submit").action_press()
        await at.settle()
        assert "saving ..." in at.text()
        await at.press("tab", "enter", "q")
        assert isinstance(at.screen, Form), "neither again nor away while it is under way"
        assert len(at.engine.commands) == 1
        at.engine.delay.set()
        await at.settle()
        assert "Incident declared: saved" in at.text()


async def test_a_refusal_keeps_the_text(open_console):
    async with open_console() as at:
        await at.press("D")
        at.screen.query_one("#field-title").value = "   "
        at.screen.query_one("#submit").action_press()
        await at.settle()
        assert "Not done: the title is empty" in at.text()
