"""The checklist of a run in every state of a bad night, and what its keys do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model import commands as cmd
from console.model.people import Severity
from console.model.playbook import LoadedPlaybook, Playbook, Step, Variable, VariableType
from console.model.run import RunStatus, StepStatus
from console.tui.actions.general import show_run
from console.tui.dialogs.form import Form
from console.tui.screens.run import RunScreen
from tests.view import boards, nights


async def night(at, name, *more):
    """The run in that state, on the screen."""
    if not at.engine.state.incidents:
        await at.engine.submit(cmd.DeclareIncident("The database pool is nearly exhausted", Severity.SEV2))
    made = nights.put(at.engine, name, *more)
    show_run(at.app, made[name].id)
    await at.settle()
    assert isinstance(at.screen, RunScreen)
    return made[name].id


def run_of(at, run):
    return at.engine.state.runs[run]


def said(at):
    """The text on the screen as one line, without what is drawn around it: the left column, then the right one."""
    rows = [row.split("█", 1) for row in at.text().splitlines()]
    return " ".join(" ".join([*(row[0] for row in rows), *(row[-1] for row in rows)]).replace("│", " ").split())


async def fill(at, **fields):
    for name, text in fields.items():
        await at.focus(f"#field-{name}")
        await at.type(text)
    at.screen.query_one("#submit").action_press()
    await at.settle()


# -- what is seen -----------------------------------------------------------------------------------------------------

SEEN = {
    "running": (
        "STEP 1 of 9  LOOK AT THE POOL",
        "2:00 left of 2 min",
        "do it, then c with what you observe",
        "guardrail.p99 < 300: NO (612, 5 s old)",
        "owner     incident commander: alice, bob",
        "late      at 14:34:10Z by itself: it is announced",
        "next      2 Raise the pool or restart? (3 min)",
        "LATE by 6:00: 20:00 left to do, ends 14:52:10Z",
    ),
    "overdue": (
        "OVERDUE by 1:05",
        "since 14:31:05Z; done by itself: the next level is told",
        "WAITS FOR APPROVAL: v approves, f refuses; the incident commander, not alice, who started the run",
    ),
    "approval": ("WAITS FOR APPROVAL", "v approves, f refuses", "PAUSE POINT: Before anything is restarted"),
    "blind": ("CANNOT VERIFY (STALE): it does not close by itself; x ends the wait", "CANNOT VERIFY, STALE (38, 4 min"),
    "held": ("ON HOLD  since 14:31:10Z (1:00): the DBA looks at it first", "u resumes", "3:00 left, ON HOLD"),
    "failed": (
        "FAILED: exit 1: connection refused",
        "t tries again, s skips it",
        "failed: exit 1 after 4 s",
        "connect: connection refused",
        "sha256:77aa01",
        "try 3 of 3",
    ),
    "second": ("WAITS FOR A SECOND PERSON", "reads back lighthouse/production on their own console"),
    "program": (
        "its program runs here, 0:12 of 1:00",
        "kubectl --namespace=lighthouse rollout restart",
        "'deployment/elicitation; rm -rf'",
        "output    deployment.apps/elicitation",
        "alice has it here until 14:36:10Z",
        "held for 40 of 60 s",
    ),
    "unknown": ("OUTCOME UNKNOWN: command lighthouse/production", "c closes it by hand, f says that it failed"),
    "elsewhere": ("bob has it on bob@host-2:812 until 14:35:30Z; m takes it over",),
    "again": ("FAILED: exit 1; try 2 of 3 at 14:32:18Z, in 0:08",),
    "deciding": (
        "c chooses; only the incident commander may",
        "1 ADVISED Restart it  to 3 Agree to the restart",
        "3 Look again  back to 1 Look at the pool",
        "4 Roll back  goes on in Emergency rollback",
    ),
    "proving": (
        "closes by itself once value <= 32 for 60 s; c closes it before, with a reason",
        "command on lighthouse/production: done",
    ),
    "untrusted": (
        "the file has changed since: was 00ff00f, is c3d4e5f",
        "its programs may not run: playbooks/ may be written by everybody",
        "oncall playbook trust pool",
    ),
}


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_every_state_of_a_night_says_what_to_do(open_console, size):
    async with open_console(size=size) as at:
        for name, wanted in SEEN.items():
            await night(at, name)
            shown = said(at)
            for text in wanted:
                assert " ".join(text.split()) in shown, f"{name}: {text!r} is not in\n{at.text()}"


async def test_the_compact_form_beside_the_incident_says_the_step_its_clock_and_what_is_next(open_console):
    async with open_console() as at:
        for name, wanted in (
            ("running", "step 2:00 left of 2 min Look at the pool 1/9 of RUN-21; next 2 Raise"),
            ("overdue", "step OVERDUE by 1:05 of 3 min Agree to the restart 3/9 of RUN-22"),
            ("held", "step ON HOLD 1:00 Look at the pool 1/9 of RUN-25; next 2 Raise"),
            ("failed", "FAILED Restart elicitation 4/9 of RUN-26"),
            ("elsewhere", "Look at the pool (bob has it) 1/9 of RUN-30"),
        ):
            at.engine.state.runs.clear()
            await night(at, name)
            await at.press("2")
            assert wanted in said(at), name
            await at.press("S")
            assert "to spare" in at.text() or "LATE by" in at.text()


async def test_the_card_stands_beside_the_incident_on_a_wide_screen(open_console):
    async with open_console(size=(160, 45)) as at:
        await night(at, "program")
        await at.press("2")
        for wanted in ("STEP 4 of 9 RESTART ELICITATION", "K stops it", "to spare", "PAUSE POINT"):
            assert wanted in said(at)


async def test_the_card_gives_way_at_80x24_and_details_show_all_of_it(open_console):
    async with open_console() as at:
        await night(at, "program")
        assert "d shows all of it" in at.text()
        assert "dry run" not in at.text()
        await at.press("d")
        shown = said(at)
        for wanted in ("dry run kubectl", "--dry-run=server", "read back by bob", "try 1 of 3"):
            assert wanted in shown
        assert "at most 1 min; success is exit 0; in tools; with KUBECONFIG and no other variables" in shown
        await at.press("q")
        assert isinstance(at.screen, RunScreen)


async def test_the_cursor_goes_from_step_to_step_past_the_heads_of_the_lists(open_console):
    async with open_console(size=(100, 40)) as at:
        await night(at, "running")
        await at.press("j", "j")
        assert "STEP 3 of 9" in at.text()
        await at.press("k", "k", "k")
        assert "STEP 1 of 9" in at.text()


# -- what the keys do -------------------------------------------------------------------------------------------------


async def test_a_program_asks_once_on_cancel_with_all_that_it_would_do_and_where(open_console):
    async with open_console() as at:
        run = await night(at, "second")
        await at.press("e")
        assert isinstance(at.screen, Form)
        assert at.app.focused.id == "cancel"
        shown = said(at)
        for wanted in (
            "service lighthouse, environment production (PRODUCTION)",
            "kubectl --namespace=lighthouse rollout restart 'deployment/elicitation; rm -rf'",
            "--dry-run=server",
            "undo kubectl rollout undo deployment/elicitation",
            "Run it on lighthouse/production",
            "Not alone: it needs a second person, who reads back lighthouse/production",
            "BREAK THE GLASS: why alone? It is announced",
        ):
            assert wanted in shown, wanted
        at.screen.query_one("#submit").action_press()
        await at.settle()
        assert "needs a second person" in at.text()
        assert not run_of(at, run).effects
        await fill(at, break_glass="nobody else is awake")
        assert run_of(at, run).effects[0].kind == "command"


async def test_whoever_runs_a_program_once_more_is_told_that_nobody_knows_what_came_of_it_before(open_console):
    async with open_console() as at:
        run = await night(at, "second")
        found = run_of(at, run)
        before = nights.effect("unknown", "it hung")
        steps = {**found.steps, "restart": replace(found.steps["restart"], attempt=2)}
        at.engine.state.runs[run] = replace(found, steps=steps, effects=(before,))
        at.engine.show()
        await at.settle()
        await at.press("e")
        assert "Look first: nobody knows what came of attempt 1 (kubectl rollout restart: it hung)." in said(at)
        assert "BREAK THE GLASS" in said(at)
        await fill(at, break_glass="killed by hand")
        assert run_of(at, run).steps["restart"].break_glass == "killed by hand"


async def test_the_second_person_reads_back_and_only_another_one_goes_on(open_console):
    async with open_console() as at:
        run = await night(at, "second")
        await at.press("b")
        await fill(at, read_back="lighthouse/staging")
        assert "is not the target" in at.text()
        at.screen.query_one("#field-read_back").value = ""
        await fill(at, read_back="lighthouse/production")
        assert run_of(at, run).steps["restart"].confirmed_by == boards.ALICE
        assert "it was read back by alice: another person does it" in said(at)


async def test_an_approval_needs_another_person_or_the_glass_broken(open_console):
    async with open_console() as at:
        run = await night(at, "approval")
        await at.press("s")
        assert "an approval is not skipped" in at.text()
        await at.press("enter")
        assert at.app.focused.id == "cancel"
        assert "Not alone: it needs another person than alice, who started the run." in said(at)
        await fill(at, observed="the graph")
        assert "Alone it can be done with a reason" in said(at)
        await fill(at, break_glass="bob does not answer")
        assert run_of(at, run).steps["agree"].break_glass == "bob does not answer"


async def test_another_ones_approval_is_not_asked_for_a_reason(open_console):
    async with open_console(replace(boards.busy(), actor=boards.BOB)) as at:
        run = await night(at, "approval")
        await at.press("v")
        assert "BREAK" not in at.text()
        await fill(at, observed="the graph https://grafana.example/d/1")
        agreed = run_of(at, run).steps["agree"]
        assert agreed.status is StepStatus.DONE
        assert agreed.links == ("https://grafana.example/d/1",)


async def test_what_is_expected_is_no_answer_and_a_refusal_leads_to_the_field(open_console):
    async with open_console() as at:
        run = await night(at, "running")
        await at.press("c")
        expected = run_of(at, run).playbook.step("look").response
        assert f"expected: {expected}"[:40] in at.text()
        for _ in range(2):
            await at.focus("#submit")
            await at.press("enter")
            assert "what was observed is empty" in said(at)
            assert at.app.focused.id == "field-observed"
        await at.press(*"38", "enter")
        assert run_of(at, run).steps["look"].status is StepStatus.DONE


async def test_a_step_that_somebody_else_has_is_taken_over_with_a_reason(open_console):
    async with open_console() as at:
        run = await night(at, "elsewhere")
        await at.press("c")
        assert "Complete: bob has it on bob@host-2:812: m takes it over" in at.text()
        await at.press("m")
        assert at.app.focused.id == "cancel"
        await at.press(*"went quiet".replace(" ", "-"))
        assert at.screen.query_one("#field-reason").value == "went-quiet", "typed at a button, meant for the reason"
        at.screen.query_one("#submit").action_press()
        await at.settle()
        assert run_of(at, run).steps["look"].holder == nights.HERE


def left(console, by=boards.ALICE):
    """Alice has the step on another console of hers."""

    def put(at, run):
        progress = replace(run.steps["look"], holder=console, held_by=by)
        at.engine.state.runs[run.id] = replace(run, steps={**run.steps, "look": progress})
        at.engine.show()
        at.app.redraw()

    return put


async def test_after_a_crash_the_same_operator_goes_on_at_once(open_console):
    dead = "alice@host-1:77"
    async with open_console(left_by_us=lambda console: console == dead) as at:
        run = await night(at, "elsewhere")
        left(dead)(at, run_of(at, run))
        await at.until(lambda: run_of(at, run).steps["look"].holder == nights.HERE)
        await at.settle()
        assert f"{dead} held it, and is gone: it is taken" in said(at)
        assert at.engine.log[-1].payload.reason == f"the console that held it ({dead}) has ended"
        await at.press("c")
        await fill(at, observed="38 of 40")
        assert run_of(at, run).steps["look"].status is StepStatus.DONE


@pytest.mark.parametrize(("by", "gone"), [(boards.ALICE, False), (nights.BOB, True)])
async def test_a_console_that_lives_and_one_of_somebody_else_keep_their_steps(open_console, by, gone):
    async with open_console(left_by_us=lambda console: gone) as at:
        run = await night(at, "elsewhere")
        left("alice@host-1:77", by)(at, run_of(at, run))
        await at.settle()
        await at.press("c")
        assert "m takes it over" in at.text()
        assert run_of(at, run).steps["look"].holder == "alice@host-1:77"


async def test_a_step_that_nobody_has_is_taken_at_once(open_console):
    async with open_console() as at:
        run = await night(at, "running")
        await at.press("m")
        assert run_of(at, run).steps["look"].holder == nights.HERE
        assert "alice has it here until 14:37:10Z" in at.text()


async def test_hold_abort_and_resume_each_ask_for_a_reason(open_console):
    async with open_console() as at:
        run = await night(at, "running")
        await at.press("h")
        await fill(at, reason="wait for the DBA")
        assert "ON HOLD" in at.text()
        await at.press("c")
        assert "is on hold: u resumes it" in at.text()
        await at.press("u")
        await fill(at, reason="she is here")
        assert run_of(at, run).held_at is None
        await at.press("X")
        assert at.app.focused.id == "cancel"
        await fill(at, reason="wrong playbook")
        assert run_of(at, run).status is RunStatus.ABORTED
        assert "ABORTED: wrong playbook" in at.text()
        await at.press("u")
        await fill(at, reason="it was the right one")
        assert run_of(at, run).status is RunStatus.RUNNING


async def test_a_running_program_is_stopped_after_one_question(open_console):
    async with open_console() as at:
        run = await night(at, "program")
        await at.press("enter")
        assert "its program runs: it closes by itself, K stops it" in at.text()
        await at.press("K", "enter")
        assert not at.engine.stopped_jobs, "the first answer lets it run"
        await at.press("K", "j", "enter")
        assert at.engine.stopped_jobs == [(run, "restart")]
        assert "its program is being stopped" in at.text()


async def test_enter_opens_the_run_that_a_step_called_and_o_leads_back(open_console):
    async with open_console() as at:
        await night(at, "parent", "child")
        assert "RUN-36 Smoke test: running, 0 of 1 steps; o opens it" in at.text()
        await at.press("enter")
        assert "STEP 1 of 1  ASK ONCE" in at.text()
        await at.press("o")
        assert "STEP 6 of 9  SMOKE TEST" in at.text()


async def test_every_action_of_the_screen_is_in_the_palette_with_the_reason_why_not(open_console):
    async with open_console(size=(160, 45)) as at:
        await night(at, "running")
        await at.press("colon", *"carry")
        assert "not now: Look at the pool carries nothing out" in at.text()


async def test_read_only_changes_nothing(open_console):
    async with open_console(replace(boards.busy(), read_only=True)) as at:
        await night(at, "running")
        for key in ("enter", "c", "f", "s", "h", "m", "X"):
            await at.press(key)
            assert "read-only" in at.text(), key
        assert len(at.engine.commands) == 1


# -- the start --------------------------------------------------------------------------------------------------------

ASKS = Playbook(
    "asks",
    "It asks",
    (Severity.SEV2,),
    "team",
    "2026-11-21",
    (Step("do", "Do it", "Do it with {{size}} for {{why}}.", "Done", timebox=timedelta(minutes=1)),),
    variables=(
        Variable("size", VariableType.INTEGER, default="40", ask="How many connections?"),
        Variable("where", VariableType.CHOICE, choices=("blue", "green")),
        Variable("why", VariableType.TEXT, ask="Why now?"),
    ),
)


async def test_a_playbook_asks_what_it_has_to_be_told_with_errors_in_place(open_console):
    board = replace(boards.busy(), playbooks=(LoadedPlaybook(ASKS, "sha256:1", "asks.yaml"),))
    async with open_console(board) as at:
        await at.press("D")
        at.screen.query_one("#submit").action_press()
        await at.settle()
        await at.press("enter")
        assert not at.engine.state.runs, "enter on Declare once too often starts nothing"
        await at.press("p", "enter")
        assert "How many connections? (integer)" in at.text()
        size = at.screen.query_one("#field-size")
        assert size.value == "40"
        size.value = "many"
        await at.settle()
        assert "size: found 'many', expected a whole number" in at.text()
        await fill(at, why="it is full")
        assert at.app.focused is size
        assert not at.engine.state.runs
        size.value = "60"
        at.screen.query_one("#submit").action_press()
        await at.settle()
        assert isinstance(at.screen, RunScreen)
        assert "Do it with 60 for it is full." in at.text()


async def test_the_footer_has_what_the_step_waits_for(open_console):
    async with open_console() as at:
        for name, wanted in (("elsewhere", "m Take"), ("program", "K Stop program"), ("second", "b Read back")):
            await night(at, name)
            footer = at.text().splitlines()[-1]
            assert wanted in footer, footer
            assert f"({wanted})" not in footer
        await night(at, "running")
        footer = at.text().splitlines()[-1]
        assert not any(title in footer for title in ("Take", "Stop program", "Read back"))
