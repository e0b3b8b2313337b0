"""Rollout, rollback and decision by keys: what each asks, and what it hands to the rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model.decision import Status
from console.model.events.decision import Condition
from console.model.people import Severity
from console.model.rolling import FlagWrite, Purpose, RolloutState
from tests.model.rollouts import Rollouts
from tests.tui.test_screens import incident_with_run
from tests.view import rollouts
from tests.view.boards import ALICE, NOW


@pytest.fixture
def taken(monkeypatch):
    """The commands that reached the engine; what the rules say to them is tested with the rules."""
    from console.engine.outcome import Denied
    from tests.tui.fake import FakeEngine

    found = []

    async def submit(self, command, *, unsaved=False):
        found.append(command)
        return Denied("this test keeps it")

    monkeypatch.setattr(FakeEngine, "submit", submit)
    return found


def held(**changes):
    board = rollouts.baking()
    return replace(board, progress=replace(board.progress, record=rollouts.record(**changes)))


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_three_screens_open_from_everywhere_and_close(open_console, size):
    async with open_console(rollouts.baking(), size=size) as at:
        for key, wanted in (("0", "TRACK"), ("B", "DRIVERS"), ("V", "OUTCOME")):
            await at.press(key)
            assert wanted in at.text()
            await at.press("q")
            assert "CAN ROLL BACK" in at.text()


@pytest.mark.parametrize("name", ["countdown", "passed", "unknown"])
@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_what_matters_is_seen_without_scrolling(open_console, name, size):
    async with open_console(rollouts.CASES[name](), size=size) as at:
        assert "CAN ROLL BACK" in at.text()
        assert "TIME" in at.text()
        for key in ("1", "0", "B", "V") if name == "countdown" else ():
            await at.press(key)
            assert "ROLLBACK STARTS BY ITSELF IN 0:42" in at.text()
        if name == "passed":
            await at.press("B")
            assert "POINT OF NO RETURN PASSED" in at.text()


async def test_one_confirmed_key_starts_the_rollback_from_the_overview(open_console, taken):
    async with open_console(rollouts.breached()) as at:
        assert "R ROLL BACK" in at.text()
        await at.press("R")
        shown = at.text()
        assert "ROLL BACK lighthouse/production now" in shown
        assert "emergency-rollback" in shown
        assert "CAN ROLL BACK: UNVERIFIED" in shown
        assert at.app.focused.id == "cancel"
        await at.press("enter")
        assert taken == []
        await at.press("R")
        await at.press("tab", "enter")
    assert [type(item) for item in taken] == [cmd.StartRollback]
    assert taken[0].reason.startswith("P99 latency: 48.1 %")


@pytest.mark.parametrize("board", [rollouts.unknown, rollouts.passed])
async def test_no_state_of_readiness_stands_against_a_rollback(open_console, board, taken):
    async with open_console(board()) as at:
        await at.press("R")
        await at.focus("#field-reason")
        await at.type("I say so")
        await at.focus("#submit")
        await at.press("enter")
    assert [type(item) for item in taken] == [cmd.StartRollback]


@pytest.mark.parametrize("key", "1234567890BV")
async def test_the_rollback_is_one_key_from_every_screen(open_console, key):
    async with open_console(rollouts.breached()) as at:
        await incident_with_run(at)
        await at.press(key, "R")
        assert "ROLL BACK lighthouse/production now" in at.text()
        await at.press("tab", "enter")
        assert isinstance(at.engine.commands[-1], cmd.StartRollback)


async def test_the_incident_offers_the_rollback_in_its_footer_and_its_help(open_console):
    async with open_console(rollouts.baking()) as at:
        await at.engine.submit(cmd.DeclareIncident("checkout fails", Severity.SEV1))
        at.app.redraw()
        await at.press("2")
        assert "R ROLL BACK" in at.text().splitlines()[-1]
        await at.press("question_mark", "G")
        assert "ROLL BACK" in at.text()


async def test_the_countdown_is_stopped_from_any_screen(open_console, taken):
    async with open_console(rollouts.breached(countdown=True)) as at:
        await at.press("5")
        await at.press("H")
        assert "Stop it on lighthouse/production" in at.text()
        await at.press("enter")
    assert taken == [cmd.CancelCountdown("a person decides")]


async def test_a_promotion_rests_on_the_decision_and_on_the_share_that_were_on_the_screen(open_console, taken):
    async with open_console(rollouts.deciding()) as at:
        await at.press("0")
        await at.press("P")
        assert "rests on  DEC-341 CONDITIONAL by alice" in at.text()
        assert "Set 50 % on lighthouse/production" in at.text()
        assert at.app.focused.id == "cancel"
        await at.press("tab", "enter")
    assert taken == [cmd.SetShare(50.0, 25.0, True, "", "d-1", "")]


async def test_without_a_decision_the_glass_is_offered_and_the_reason_said(open_console, taken):
    async with open_console(rollouts.baking()) as at:
        await at.press("0")
        await at.press("P")
        assert "Not on a decision: no decision is recorded for 25 to 50 %" in " ".join(at.text().split())
        await at.focus("#field-break_glass")
        await at.type("the author is asleep")
        await at.focus("#submit")
        await at.press("enter")
    assert taken == [cmd.SetShare(50.0, 25.0, True, "the author is asleep", "", "the author is asleep")]


async def test_after_the_last_phase_a_promotion_finishes(open_console, taken):
    async with open_console(rollouts.passed()) as at:
        await at.press("0")
        await at.press("P")
        assert "Finish on lighthouse/production" in at.text()
        await at.focus("#submit")
        await at.press("enter")
    assert [type(item) for item in taken] == [cmd.FinishRollout]


async def test_any_share_can_be_set_and_what_is_no_percentage_is_said(open_console, taken):
    async with open_console(rollouts.baking()) as at:
        await at.press("0")
        await at.press("s")
        await at.focus("#field-percent")
        await at.type("a lot")
        await at.focus("#submit")
        await at.press("enter")
        assert "'a lot' is no percentage" in at.text()
        assert taken == []
        at.app.screen.query_one("#field-percent").value = "5 %"
        await at.focus("#field-reason")
        await at.type("too many")
        await at.focus("#submit")
        await at.press("enter")
    assert taken == [cmd.SetShare(5.0, 25.0, False, "too many", "", "")]


@pytest.mark.parametrize(
    ("board", "key", "reason"),
    [
        (rollouts.breached, "P", "a guardrail is breached (p99): R rolls back"),
        (rollouts.unknown, "h", "no rollout is under way: b begins one"),
        (rollouts.baking, "u", "it is not held"),
        (rollouts.baking, "b", "one is under way"),
        (rollouts.baking, "S", "no write is open"),
        (lambda: replace(rollouts.baking(), flags=""), "s", "no flag provider is configured"),
    ],
)
async def test_what_cannot_be_done_says_why(open_console, board, key, reason, taken):
    async with open_console(board()) as at:
        await at.press("0")
        await at.press(key)
        assert reason in " ".join(at.text().split())
    assert taken == []


async def test_hold_and_release_ask_for_a_reason(open_console, taken):
    async with open_console(rollouts.baking()) as at:
        await at.press("0")
        await at.press("h")
        await at.type("the weekend")
        await at.press("enter")
    async with open_console(held(state=RolloutState.HELD, held_by=ALICE, held_reason="x")) as at:
        await at.press("0")
        await at.press("u")
        await at.focus("#field-reason")
        await at.type("Monday")
        await at.focus("#submit")
        await at.press("enter")
    assert taken == [cmd.HoldRollout("the weekend"), cmd.ReleaseRollout("Monday")]


async def test_a_write_of_unknown_outcome_is_settled_by_what_was_seen(open_console, taken):
    write = FlagWrite(
        "e1", "lighthouse-elicitation", 50.0, 25.0, Purpose.SET, NOW, ALICE, outcome="unknown", answer="timed out"
    )
    async with open_console(held(write=write)) as at:
        assert "OUTCOME UNKNOWN" in at.text()
        await at.press("0")
        await at.press("S")
        assert "timed out" in at.text()
        await at.focus("#field-answer")
        await at.type("read in Unleash")
        await at.focus("#submit")
        await at.press("enter")
    assert taken == [cmd.SettleWrite("e1", False, 25.0, "read in Unleash")]


async def test_a_decision_is_recorded_on_the_findings_that_were_on_the_screen(open_console, taken):
    board = rollouts.deciding()
    async with open_console(board) as at:
        await at.press("V")
        await at.press("c")
        assert "Within working hours" in at.text(), "what stands against it"
        choices = at.app.screen.query_one("#field-status")
        choices.select(str(Status.CONDITIONAL))
        await at.focus("#field-condition")
        await at.type("watch P99")
        await at.focus("#submit")
        await at.press("enter")
        assert "a condition needs a date" in at.text()
        at.app.screen.query_one("#field-due").value = "2h"
        await at.focus("#submit")
        await at.press("enter")
    (command,) = taken
    assert isinstance(command, cmd.Decide)
    assert (command.from_percent, command.to_percent, command.status) == (25.0, 50.0, "CONDITIONAL")
    assert command.findings == board.progress.proposal.findings
    assert command.conditions == (Condition("watch P99", "alice", NOW.replace(hour=16)),)
    assert command.p95_minutes == pytest.approx(20.0)
    assert command.head == board.head


async def test_criteria_are_attested_and_approved(open_console, taken):
    async with open_console(rollouts.baking()) as at:
        await at.press("V")
        await at.press("t")
        await at.focus("#field-link")
        await at.type("https://wiki.example.com/support")
        await at.focus("#submit")
        await at.press("enter")
        await at.press("escape")
        await at.press("v")
        assert "begun by  bob: another person approves" in at.text()
        await at.focus("#submit")
        await at.press("enter")
    attested, approved = taken
    assert attested == cmd.Attest("support-told", "https://wiki.example.com/support", "", 50.0, True)
    assert approved == cmd.Approve("approval", 50.0, True, "")


async def test_the_highlighted_criterion_is_shown_in_full(open_console):
    async with open_console(rollouts.baking()) as at:
        await at.press("V")
        assert "BAKED, WITH ENOUGH REQUESTS" in at.text()
        await at.press("j")
        assert "v approves it (in the role incident commander)" in " ".join(at.text().split())


async def test_a_read_only_console_shows_everything_and_sets_nothing(open_console, taken):
    async with open_console(replace(rollouts.deciding(), read_only=True)) as at:
        await at.press("0")
        for key in ("P", "h", "s", "R"):
            await at.press(key)
            assert "this console is read-only" in at.text()
    assert taken == []


@pytest.mark.parametrize("ended", [False, True])
async def test_a_rollback_can_be_begun_anew_once_its_run_has_ended(open_console, taken, ended):
    """Aborted while the record still says that it rolls back: the rules would begin another."""
    life = Rollouts()
    life.begin()
    life.step(5)
    life.do(cmd.StartRollback("P99 is high"))
    if ended:
        life.do(cmd.AbortRun(life.rollout.run, "wrong service"))
    assert life.rollout.state is RolloutState.ROLLING_BACK
    board = rollouts.rolling_back(life.rollout.run)
    async with open_console(replace(board, progress=replace(board.progress, record=life.rollout))) as at:
        at.engine.state = life.state
        at.engine.show()
        await at.press("B", "R")
        shown = at.text()
    assert ("ROLL BACK lighthouse/production now" in shown) is ended
    assert ("rolls back already: 3 shows its" in shown) is not ended


async def test_a_page_scrolls_by_keys_and_paints_rows_that_are_others(open_console):
    async with open_console(rollouts.baking()) as at:
        await at.press("0")
        top = at.text()
        assert "RISKS" not in top
        await at.press("G")
        assert "Event store lags" in at.text()
        assert "TRACK" not in at.text()
        for key, back in (("j", "k"), ("space", "pageup")):
            await at.press("g", key, back)
            assert at.text() == top
        await at.press("j")
        assert "TRACK" in at.text()
        assert "decides to 50 %" not in at.text()
