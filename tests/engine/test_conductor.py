"""The conductor in simulated time: phases, disagreement, breaches, countdowns, the way back, and writes that fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.clocks import SimulatedClock
from console.engine.conductor import TRIES
from console.engine.console import Console
from console.engine.outcome import Denied, Done, Unsaved
from console.engine.share import LEGACY, NEW
from console.journal.spool import FileSpool
from console.model import commands as cmd
from console.model.board import Board
from console.model.decision import Proposal, answer
from console.model.events import CountdownCancelled, Recorded, RunFinished
from console.model.events.decision import Finding
from console.model.message import Act, ChannelSpec, Topic
from console.model.people import Severity
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Proof, ProofState, Readiness
from console.model.rolling import RolloutRecord, RolloutState
from console.model.rollout import GuardrailRule
from console.model.rollout_plan import AutoRollback, CriterionKind, CriterionRule, Evidence, RollbackPlan
from console.model.run import MAX_ATTEMPTS
from console.model.verdict import Judged, Speed, Verdict
from console.ports import NO_SERIES, Append, NewEvent, Query, Rejected
from tests.engine.bench import CONFIG, PLAN, START, Bench, Metrics
from tests.model.life import BOB, ENGINE
from tests.model.rollouts import setting

TARGET = "lighthouse/production"
ROLLED = replace(PLAN, rollback=RollbackPlan("emergency-rollback"), hash="sha256:plan")
AUTO = replace(ROLLED, auto=AutoRollback(timedelta(seconds=60)))
GLASS = "there is nobody to decide"


class Measured(Metrics):
    """Answers with what is measured; `rollout.percent` is unknown while it is None."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(clock)
        self.share: float | None = 0.0
        self.gone = self.dark = False
        """Whether the new path, or the legacy path, has no series any more."""

    def read(self, queries: Sequence[Query], **more: object) -> Mapping[str, Reading[float]]:
        found = dict(super().read(queries, **more))
        state = ReadingState.OK if self.share is not None else ReadingState.NO_DATA
        found["rollout.percent"] = Reading(state, self.share, self.clock.now(), "prometheus")
        if self.gone:
            found["rollout.percent"] = found[NEW] = missing(ReadingState.NO_DATA, "prometheus", NO_SERIES)
        if self.dark:
            found[LEGACY] = missing(ReadingState.NO_DATA, "prometheus", NO_SERIES)
        return found


class Rollout(Bench):
    """A bench with a rollout: `judged` is what the guardrails come to, `can` whether a rollback is possible."""

    judged: tuple[Judged, ...] = ()
    can: ProofState = ProofState.PROVEN

    def plan(self, plan: object) -> None:
        self.config = replace(CONFIG, rollout=plan)  # type: ignore[arg-type]

    async def begun(self, name: str = "alice", share: float = 0.0) -> Console:
        """A console that has begun a rollout, at a share that is entered."""
        console = await self.judging(name)
        assert isinstance(await console.submit(cmd.BeginRollout("rev-1")), Done)
        if share:
            await self.promoted(console, share)
        return console

    async def judging(self, name: str) -> Console:
        console = await self.console(name, flags=True)
        console._judges.judged = lambda _: self.judged
        console._judges.readiness = lambda *_: Readiness((Proof("all", "All", self.can, "tested"),))
        await self.run(20)
        return console

    async def promoted(self, console: Console, share: float) -> None:
        command = cmd.SetShare(share, rollout(console).percent or 0.0, break_glass=GLASS)
        assert isinstance(await console.submit(command), Done)
        self.measured.share = share
        await self.run(60)
        assert rollout(console).state is RolloutState.BAKING

    @property
    def measured(self) -> Measured:
        assert isinstance(self.metrics, Measured)
        return self.metrics

    def count(self, *kinds: str) -> list[int]:
        return [len(self.kinds(f"rollout.{kind}")) for kind in kinds]

    def pages(self) -> list[str]:
        """Why the engine itself told the next level of a flag that it could not set."""
        told = [event.payload.reason for event in self.journal.read() if event.kind == "incident.escalated"]
        return [reason for reason in told if "by itself" in reason]

    def events(self, kind: str) -> list[Recorded]:
        return [event for event in self.journal.read() if event.kind == f"rollout.{kind}"]


@pytest.fixture
async def bench(tmp_path):
    bench = Rollout(tmp_path, SimulatedClock(START))
    bench.metrics = Measured(bench.clock)
    bench.plan(ROLLED)
    yield bench
    for console in bench.consoles:
        await console.stop()


def rollout(console: Console) -> RolloutRecord:
    return console.state.rollouts[TARGET]


def breach(guardrail: str = "p99", verdict: Verdict = Verdict.BREACH) -> Judged:
    return Judged(guardrail, guardrail.upper(), verdict, Speed.FAST, 612.0, 500.0, samples=900, why="612 ms of 500")


# -- phases -----------------------------------------------------------------------------------------------------------


async def test_a_phase_is_entered_once_when_the_measured_share_says_so(bench: Rollout) -> None:
    console = await bench.begun()
    done = await console.submit(cmd.SetShare(5, 0, promote=True, break_glass=GLASS))
    assert isinstance(done, Done)
    assert [event.kind for event in done.events][:1] == ["rollout.write_intended"]
    assert "rollout.write_finished" in [event.kind for event in done.events]
    await bench.run(60)
    assert (rollout(console).state, bench.count("phase_entered")) == (RolloutState.RAMPING, [0])
    bench.measured.share = None
    await bench.run(60)
    assert bench.count("phase_entered") == [0]
    bench.measured.share = 4.1
    await bench.run(120)
    assert (rollout(console).state, bench.count("phase_entered", "moved")) == (RolloutState.BAKING, [1, 0])
    assert rollout(console).stays[-1].measured == 4.1
    assert console.board.progress is not None
    assert console.board.progress.record == rollout(console)


async def test_a_disagreement_that_lasts_is_told_once_and_ends(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    bench.measured.share = 9
    await bench.run(100)
    assert bench.count("disagreed") == [0]
    bench.measured.share = None
    await bench.run(60)
    bench.measured.share = 9
    await bench.run(100)
    assert bench.count("disagreed") == [0]
    await bench.run(60)
    assert bench.count("disagreed", "agreed") == [1, 0]
    assert rollout(console).disagrees_since is not None
    bench.measured.share = 5.5
    await bench.run(60)
    assert bench.count("disagreed", "agreed") == [1, 1]


async def test_another_revision_bakes_anew(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    since = rollout(console).bake_since
    console._judges.revision = lambda: "rev-2"
    await bench.run(60)
    assert bench.count("revision_changed") == [1]
    assert rollout(console).bake_since > since


async def test_a_share_that_somebody_else_sets_is_believed_when_it_is_read_twice(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    bench.flags.percent = 50
    await bench.run(60)
    assert bench.count("moved", "phase_entered") == [1, 1]
    record = rollout(console)
    assert (record.percent, record.state, record.held_reason) == (
        50, RolloutState.HELD, "somebody else set the flag to 50 %",
    )  # fmt: skip
    bench.measured.share = 50
    await bench.run(60)
    assert bench.count("moved", "phase_entered") == [1, 2]


async def test_two_engines_write_everything_once(bench: Rollout) -> None:
    alice = await bench.begun(share=5)
    bob = await bench.judging("bob")
    bench.judged = (breach(),)
    await bench.run(60)
    assert bench.count("breached") == [1]
    await bench.kill(alice)
    bench.judged = (breach(verdict=Verdict.PASS),)
    await bench.run(120)
    assert bench.count("breached", "recovered") == [1, 1]
    assert not rollout(bob).breaches


# -- writes -----------------------------------------------------------------------------------------------------------


async def test_two_operators_promote_at_once_and_one_is_refused_by_name(bench: Rollout) -> None:
    alice = await bench.begun(share=5)
    bob = await bench.judging("bob")
    command = cmd.SetShare(25, 5, promote=True, break_glass=GLASS)
    assert isinstance(await alice.submit(command), Done)
    assert await bob.submit(command) == Denied("alice set it to 25 % 0 s ago: it was 5 % on the screen")
    assert bench.flags.set == [("elicitation", 5), ("elicitation", 25)]


async def test_a_decision_is_looked_at_again_with_the_findings_of_the_moment(bench: Rollout) -> None:
    bench.plan(replace(ROLLED, criteria=(CriterionRule("budget", "Error budget", CriterionKind.BUDGET),)))
    console = await bench.begun()
    until = bench.clock.now() + timedelta(hours=1)
    left = "62 % of it is left"
    found = Finding("budget", "Error budget", "budget", "technical", True, "pass", left, expires_at=until)
    console._judges.proposal = lambda board, *_: Proposal(0, 5, answer((found,)), (found,), board.at)
    await bench.run(20)
    assert isinstance(await console.submit(cmd.Decide(0, 5, "GO", (found,))), Done)
    found = replace(found, outcome="fail", evidence="3 % of it is left")
    denied = await console.submit(cmd.SetShare(5, 0, promote=True))
    assert isinstance(denied, Denied)
    assert "it is NO-GO since then: Error budget: 3 % of it is left" in denied.reason
    assert bench.flags.set == []
    assert isinstance(await console.submit(cmd.SetShare(5, 0, promote=True, break_glass=GLASS)), Done)
    assert isinstance(await console.submit(cmd.SetShare(0, 5)), Done)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)


@pytest.mark.parametrize("what", ["criteria", "board"])
async def test_a_go_is_not_usable_while_the_criteria_cannot_be_computed(
    bench: Rollout, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Be it the criteria themselves, or the whole Board, of which there is an older one."""
    bench.plan(replace(ROLLED, criteria=(CriterionRule("budget", "Error budget", CriterionKind.BUDGET),)))
    console = await bench.begun()
    until = bench.clock.now() + timedelta(hours=1)
    found = Finding(
        "budget", "Error budget", "budget", "technical", True, "pass", "62 % of it is left", expires_at=until
    )

    def proposal(board: Board, *_: object) -> Proposal:
        return Proposal(0, 5, answer((found,)), (found,), board.at)

    def broken(*_: object) -> Proposal:
        raise ZeroDivisionError

    console._judges.proposal = proposal
    await bench.run(20)
    assert isinstance(await console.submit(cmd.Decide(0, 5, "GO", (found,))), Done)
    await bench.run(1)
    if what == "criteria":
        console._judges.proposal = broken
        why = "fault in the criteria: ZeroDivisionError"
    else:
        monkeypatch.setattr("console.engine.board.with_progress", broken)
        why = "fault: no Board can be made (ZeroDivisionError); this is that of "
    denied = await console.submit(cmd.SetShare(5, 0, promote=True))
    assert isinstance(denied, Denied)
    assert f"says GO, and nobody knows whether it stands: {why}" in denied.reason
    assert bench.flags.set == []
    assert isinstance(await console.submit(cmd.SetShare(5, 0, promote=True, break_glass=GLASS)), Done)
    assert isinstance(await console.submit(cmd.SetShare(0, 5)), Done)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)


async def test_a_write_that_is_refused_changes_nothing(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    bench.flags.error = "403 Forbidden: the token may not write"
    denied = await console.submit(cmd.SetShare(25, 5, promote=True, break_glass=GLASS))
    assert denied == Denied("elicitation was not set: 403 Forbidden: the token may not write", passing=True)
    record = rollout(console)
    assert (record.state, record.write.outcome, record.percent) == (RolloutState.BAKING, "refused", 5)


async def test_a_write_without_effect_is_not_done(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    bench.flags.ineffective = True
    denied = await console.submit(cmd.SetShare(25, 5, promote=True, break_glass=GLASS))
    assert denied == Denied("elicitation was not set: 200 OK, and it gives 5 %")
    assert rollout(console).percent == 5
    assert bench.count("phase_entered") == [1]


async def test_a_write_that_nobody_knows_of_stays_open_and_is_not_repeated(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    bench.flags.lost = "no answer within 5 s"
    denied = await console.submit(cmd.SetShare(25, 5, promote=True, break_glass=GLASS))
    assert isinstance(denied, Denied)
    assert denied.unknown
    bench.flags.percent = bench.measured.share = 25
    await bench.run(300)
    record = rollout(console)
    assert (record.state, record.percent, record.open_write.outcome) == (RolloutState.RAMPING, 5, "unknown")
    assert bench.flags.set[1:] == [("elicitation", 25)]
    bench.flags.lost = ""
    again = await console.submit(cmd.SetShare(25, 5, promote=True, break_glass=GLASS))
    assert isinstance(again, Denied)
    assert "nobody knows what came of the write of 25 %" in again.reason
    settled = cmd.SettleWrite(record.open_write.effect, True, 25, "Unleash shows 25 %")
    assert isinstance(await console.submit(settled), Done)
    await bench.run(60)
    assert (rollout(console).state, rollout(console).percent) == (RolloutState.BAKING, 25)


# -- guardrails -------------------------------------------------------------------------------------------------------


async def test_a_breach_recommends_and_only_a_pass_ends_it(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(120)
    assert bench.count("breached", "countdown_started", "rollback_begun") == [1, 0, 0]
    bench.judged = (breach(verdict=Verdict.INCONCLUSIVE),)
    await bench.run(120)
    bench.judged = ()
    await bench.run(120)
    assert bench.count("recovered") == [0]
    denied = await console.submit(cmd.SetShare(25, 5, promote=True, break_glass=GLASS))
    assert isinstance(denied, Denied)
    assert "p99 is breached since" in denied.reason
    bench.judged = (breach(verdict=Verdict.PASS),)
    await bench.run(60)
    assert bench.count("recovered") == [1]


async def test_a_breach_ends_where_its_guardrail_is_not_judged_any_more(bench: Rollout) -> None:
    deep = GuardrailRule("deep", "Deep", "x", 300, 500, "ms", phases=(50.0,))
    bench.plan(replace(ROLLED, guardrails=(deep,)))
    console = await bench.begun(share=5)
    for share in (25, 50):
        await bench.promoted(console, share)
    bench.judged = (breach("deep"), breach("errors"))
    await bench.run(60)
    assert list(rollout(console).breaches) == ["deep", "errors"]
    bench.judged = ()
    bench.flags.lost = "no answer within 5 s"
    assert isinstance(await console.submit(cmd.SetShare(25, 50)), Denied)
    await bench.run(60)
    assert bench.count("recovered") == [0], "nobody knows where it is"
    bench.flags.lost, bench.flags.percent, bench.measured.share = "", 25, 25
    settled = cmd.SettleWrite(rollout(console).open_write.effect, True, 25, "Unleash shows 25 %")
    assert isinstance(await console.submit(settled), Done)
    await bench.run(60)
    assert list(rollout(console).breaches) == ["errors"]
    assert isinstance(await console.submit(cmd.SetShare(0, 25)), Done)
    bench.measured.share = 0
    await bench.run(60)
    assert (bench.count("recovered"), rollout(console).breaches) == ([2], {})
    assert [event.payload.why for event in bench.events("recovered")] == [
        "it is not for 25 %", "nothing goes to the new path: the share is 0 %",
    ]  # fmt: skip
    assert isinstance(await console.submit(cmd.SetShare(5, 0, promote=True, break_glass=GLASS)), Done)


async def test_a_fault_in_judging_is_said_and_is_no_pass(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(60)

    def fault(_: object) -> tuple[Judged, ...]:
        raise ZeroDivisionError

    console._judges.judged = fault
    await bench.run(60)
    assert console.board.fault == "fault in the guardrails: ZeroDivisionError"
    assert bench.count("breached", "recovered") == [1, 0]


# -- the countdown ----------------------------------------------------------------------------------------------------


async def test_a_countdown_ends_in_a_rollback(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    (started,) = bench.events("countdown_started")
    assert rollout(console).countdown.at == started.occurred_at + timedelta(seconds=60)
    assert bench.count("rollback_begun") == [0]
    await bench.run(90)
    (begun,) = bench.events("rollback_begun")
    assert started.payload.at <= begun.occurred_at < started.payload.at + timedelta(seconds=1)
    assert begun.payload.automatic
    assert begun.actor == ENGINE
    (incident,) = console.board.open_incidents
    assert incident.title == "Rollback of r from 5 %: p99: 612 ms of 500"
    assert len(bench.kinds("rollback.predicted")) == 1
    run = console.state.runs[rollout(console).run]
    assert [step.id for step in run.active] == ["alert", "disable"]
    assert bench.flags.set == [("elicitation", 5), ("elicitation", 0)]
    assert (run.steps["disable"].asked_by, rollout(console).percent) == (ENGINE, 0)
    bench.measured.share = 0
    await bench.run(60)
    assert [step.id for step in console.state.runs[run.id].active] == ["alert", "drain"]


async def test_a_step_of_a_rollback_that_somebody_began_is_theirs(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)
    await bench.run(120)
    assert bench.flags.percent == 5


async def test_a_flag_that_could_not_be_set_for_a_moment_is_tried_again_and_somebody_is_paged(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    bench.flags.error = "flags: connection refused"
    await bench.run((rollout(console).countdown.at - bench.clock.now()).total_seconds() + 20)
    run = console.state.runs[rollout(console).run]
    assert (run.steps["disable"].attempt, bench.flags.percent) == (3, 5), "after 5 s and after 10 s more"
    (why,) = bench.pages()
    assert why.startswith(f"{run.label} could not set elicitation to 0 % by itself: ")
    assert "connection refused" in why
    bench.flags.error = ""
    await bench.run(30)
    assert (bench.flags.percent, rollout(console).percent) == (0, 0)
    assert console.state.runs[run.id].steps["disable"].attempt == 4
    assert len(bench.pages()) == 1


@pytest.mark.parametrize("fault", ["rejected", "ineffective"])
async def test_what_would_be_refused_again_is_paged_and_left_to_people(bench: Rollout, fault: str) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    if fault == "rejected":

        def forbidden(*_: object) -> None:
            raise Rejected("flags: answers 403")

        bench.flags.set_percent = forbidden  # type: ignore[assignment]
    bench.flags.ineffective = True
    await bench.run(300)
    run = console.state.runs[rollout(console).run]
    assert run.steps["disable"].attempt == 1
    assert len(bench.pages()) == 1


async def test_a_flag_that_cannot_be_set_leaves_attempts_to_people(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    bench.flags.error = "flags: connection refused"
    await bench.run(1200)
    run = console.state.runs[rollout(console).run]
    assert run.steps["disable"].attempt == TRIES < MAX_ATTEMPTS
    bench.flags.error = ""
    assert isinstance(await console.submit(cmd.RetryStep(run.id, "disable")), Done)


async def test_a_flag_that_the_engine_could_not_set_is_left_to_people(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    bench.flags.lost = "no answer within 5 s"
    await bench.run(300)
    assert bench.flags.set[1:] == [("elicitation", 0)]
    assert rollout(console).open_write.outcome == "unknown"


async def test_a_cancelled_countdown_does_not_start_again_for_the_same_breach(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    assert isinstance(await console.submit(cmd.CancelCountdown("we look")), Done)
    await bench.run(300)
    assert bench.count("countdown_started", "rollback_begun") == [1, 0]
    bench.judged = (breach(), breach("errors"))
    await bench.run(30)
    assert bench.count("countdown_started") == [2]


@pytest.mark.parametrize("full", [True, False], ids=["the disk is full", "for whoever cancelled alone"])
@pytest.mark.parametrize("lives", [True, False], ids=["its console lives", "its console is gone"])
async def test_a_cancel_that_could_not_be_saved_is_heard_before_anything_begins(
    bench: Rollout, full: bool, lives: bool
) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    counted = rollout(console).countdown
    assert counted is not None
    await bench.run((counted.at - bench.clock.now()).total_seconds() - 1)
    bench.journal.problem = "disk full" if full else ""
    folder = next(bench.folder.glob("alice*"), bench.folder / "alice1")
    other = FileSpool([folder], bench.clock, bench.ids, BOB, console="bob", journal="bench")
    stale = NewEvent(CountdownCancelled("long ago"), bench.clock.now() - timedelta(hours=1), bench.ids.new())
    said = NewEvent(CountdownCancelled("we look first"), bench.clock.now(), bench.ids.new())
    for event in (stale, said):
        other.put(Append(f"rollout:{TARGET}", None, (event,), BOB))
    if not lives:
        other.close()

    await bench.run(120)

    assert (rollout(console).countdown, rollout(console).state) == (None, RolloutState.BAKING)
    assert bench.flags.percent == 5
    bench.journal.problem = ""
    await bench.run(120)
    assert bench.count("rollback_begun") == [0]
    reasons = [event.payload.reason for event in bench.events("countdown_cancelled")]
    assert "bob cancelled it, which is not saved yet: we look first" in reasons
    other.close()


async def test_an_old_cancel_that_waits_somewhere_stops_no_later_countdown(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    other = FileSpool([bench.folder / "alice1"], bench.clock, bench.ids, BOB, console="bob", journal="bench")
    old = NewEvent(CountdownCancelled("long ago"), bench.clock.now(), bench.ids.new())
    other.put(Append(f"rollout:{TARGET}", None, (old,), BOB))
    await bench.run(60)
    bench.judged = (breach(),)
    await bench.run(120)
    assert rollout(console).state is RolloutState.ROLLING_BACK
    other.close()


async def test_nothing_is_counted_down_unless_a_rollback_is_possible(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.can = ProofState.UNKNOWN
    bench.judged = (breach(),)
    await bench.run(120)
    assert bench.count("breached", "countdown_started") == [1, 0]
    bench.can = ProofState.PROVEN
    await bench.run(40)
    assert bench.count("countdown_started") == [1]
    bench.can = ProofState.EXPIRED
    await bench.run(120)
    assert bench.count("countdown_cancelled", "rollback_begun") == [1, 0]
    assert rollout(console).countdown is None
    bench.can = ProofState.PROVEN
    await bench.run(120)
    assert bench.count("countdown_started", "rollback_begun") == [2, 1]


async def test_nothing_is_counted_down_without_the_lease(bench: Rollout) -> None:
    bench.plan(AUTO)
    alice = await bench.begun(share=5)
    await bench.kill(alice)
    bob = await bench.console("bob", flags=True, read_only=True)
    bench.judged = (breach(),)
    bob._judges.judged = lambda _: bench.judged
    bob._judges.readiness = lambda *_: Readiness((Proof("all", "All", ProofState.PROVEN, "tested"),))
    await bench.run(300)
    assert bench.count("breached", "countdown_started", "rollback_begun") == [0, 0, 0]


async def test_a_countdown_that_ended_while_nobody_was_there_is_counted_anew(bench: Rollout) -> None:
    bench.plan(AUTO)
    alice = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(20)
    await bench.kill(alice)
    await bench.run(600)
    assert bench.count("countdown_started") == [1]
    await bench.judging("bob")
    await bench.run(20)
    assert bench.count("countdown_started", "countdown_cancelled", "rollback_begun") == [2, 1, 0]
    await bench.run(90)
    assert bench.count("rollback_begun") == [1]


async def test_a_rollback_that_cannot_be_started_is_said_once(bench: Rollout) -> None:
    bench.plan(replace(AUTO, rollback=RollbackPlan("no-such-playbook")))
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(300)
    (cancelled,) = bench.events("countdown_cancelled")
    assert cancelled.payload.reason.startswith("the rollback could not be started: the playbook 'no-such-playbook'")
    assert bench.count("countdown_started", "rollback_begun") == [1, 0]
    assert rollout(console).breaches


async def test_a_disk_that_is_full_stops_no_rollback_by_itself_while_the_lease_lasts(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    assert rollout(console).countdown is not None
    await bench.run((rollout(console).countdown.at - bench.clock.now()).total_seconds() - 1)
    bench.journal.problem = "disk full"
    await bench.run(5)
    assert (rollout(console).state, bench.flags.percent) == (RolloutState.ROLLING_BACK, 0)
    assert rollout(console).unsaved
    bench.journal.problem = ""
    await bench.run(60)
    assert (rollout(console).unsaved, rollout(console).percent) == (False, 0)
    assert bench.count("rollback_begun", "write_finished") == [1, 2]


async def test_a_disk_that_is_full_for_longer_than_the_lease_leaves_the_rollback_to_people(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    assert rollout(console).countdown is not None
    bench.journal.problem = "disk full"
    await bench.run(120)
    assert (console.board.lease.holder, bench.flags.percent) == ("", 5)
    assert rollout(console).state is not RolloutState.ROLLING_BACK
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high"), unsaved=True), Done)
    done = await console.submit(cmd.SetFlag(rollout(console).run, "disable"), unsaved=True)
    assert (type(done), bench.flags.percent) == (Done, 0)


# -- the way back -----------------------------------------------------------------------------------------------------


async def finished(bench: Rollout, console: Console, outcome: str = "completed") -> None:
    """The rollback's run ends."""
    run = rollout(console).run
    event = NewEvent(RunFinished(outcome, "by the test"), bench.clock.now(), bench.ids.new())
    await console._record.append([Append(f"run:{run}", None, (event,), ENGINE)])
    console._changed()


async def test_a_rollback_is_over_when_its_run_is_and_the_share_is_at_nothing(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)
    await bench.run(20)
    run = rollout(console).run
    await console.submit(cmd.CompleteStep(run, "alert", "told"))
    assert isinstance(await console.submit(cmd.SetFlag(run, "disable")), Done)
    assert (rollout(console).percent, rollout(console).write.purpose) == (0, "rollback")
    bench.measured.share = 0
    await finished(bench, console)
    await bench.run(60)
    assert rollout(console).state is RolloutState.ROLLED_BACK
    assert bench.count("rollback_begun", "rollback_ended") == [1, 1]
    assert len(bench.kinds("rollback.predicted")) == 1


async def test_a_rollback_that_leaves_traffic_is_not_over(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)
    await finished(bench, console)
    await bench.run(60)
    assert rollout(console).state is RolloutState.ROLLING_BACK
    await bench.run(120)
    assert rollout(console).state is RolloutState.HELD
    assert rollout(console).held_reason.endswith("is completed; flag 5 %, measured 5 %")


async def test_a_rollback_waits_for_the_measured_traffic_and_not_for_the_flag_alone(bench: Rollout) -> None:
    console = await bench.begun(share=5)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)
    assert isinstance(await console.submit(cmd.SetFlag(rollout(console).run, "disable")), Done)
    await finished(bench, console)
    await bench.run(90)
    assert (bench.flags.percent, rollout(console).state) == (0, RolloutState.ROLLING_BACK)
    bench.measured.share = 0.4
    await bench.run(40)
    assert rollout(console).state is RolloutState.ROLLED_BACK


@pytest.mark.parametrize(("share", "said"), [(5.0, "measured 5 %"), (None, "measured unknown")])
async def test_a_rollback_whose_traffic_is_still_there_is_held(bench: Rollout, share: float | None, said: str) -> None:
    console = await bench.begun(share=5)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)
    assert isinstance(await console.submit(cmd.SetFlag(rollout(console).run, "disable")), Done)
    bench.measured.share = share
    await finished(bench, console)
    await bench.run(180)
    assert (bench.flags.percent, rollout(console).state) == (0, RolloutState.HELD)
    assert rollout(console).held_reason.endswith(f"is completed; flag 0 %, {said}")


@pytest.mark.parametrize("dark", [False, True], ids=["the legacy path is counted", "nothing is"])
async def test_no_series_of_the_new_path_is_its_end_where_the_legacy_path_has_traffic(
    bench: Rollout, dark: bool
) -> None:
    bench.plan(replace(ROLLED, evidence=(Evidence("p99", "b[$window]", "n[$window]", legacy_total="l[$window]"),)))
    console = await bench.begun(share=5)
    assert isinstance(await console.submit(cmd.StartRollback("P99 is high")), Done)
    assert isinstance(await console.submit(cmd.SetFlag(rollout(console).run, "disable")), Done)
    bench.measured.gone, bench.measured.dark = True, dark
    await finished(bench, console)
    await bench.run(180)
    (ended,) = bench.events("rollback_ended")
    if dark:
        assert (rollout(console).state, ended.payload.completed) == (RolloutState.HELD, False)
        assert ended.payload.answer.endswith("flag 0 %, measured unknown (no series)")
    else:
        assert (rollout(console).state, ended.payload.completed) == (RolloutState.ROLLED_BACK, True)
        why = "no series of elicitation, 1 requests on wait-for-messages in a minute, and the flag at 0 %"
        assert ended.payload.answer.endswith(f"flag 0 %, measured 0 % ({why})")


async def test_a_rollback_runs_with_the_disk_full_no_approver_and_every_notifier_down(bench: Rollout) -> None:
    class Dead:
        name = "slack.incidents"

        def __getattr__(self, name: str) -> object:
            raise OSError("network is unreachable")

    bench.outside = {
        "channels": (Dead(),),
        "specs": (ChannelSpec("slack.incidents", (Act.POST,), (Topic.INCIDENTS,)),),
    }
    console = await bench.begun(share=5)
    bench.journal.problem = "disk full"
    started = await console.submit(cmd.StartRollback("P99 is high"), unsaved=True)
    assert isinstance(started, Done)
    assert started.unsaved
    run = rollout(console).run
    assert isinstance(await console.submit(cmd.CompleteStep(run, "alert", "told"), unsaved=True), Done)
    assert isinstance(await console.submit(cmd.SetFlag(run, "disable"), unsaved=True), Done)
    assert (bench.flags.percent, rollout(console).percent) == (0, 0)
    assert (rollout(console).state, rollout(console).unsaved) == (RolloutState.ROLLING_BACK, True)
    await bench.run(30)
    bench.journal.problem = ""
    await bench.run(30)
    assert (rollout(console).state, rollout(console).unsaved) == (RolloutState.ROLLING_BACK, False)
    assert bench.count("rollback_begun", "write_intended", "write_finished") == [1, 2, 2]


async def test_a_step_that_raises_the_share_waits_for_a_disk_that_is_full(bench: Rollout) -> None:
    console = await bench.begun()
    declared = await console.submit(cmd.DeclareIncident("the share is raised", Severity.SEV3))
    assert isinstance(declared, Done)
    incident = declared.subject
    raises, lowers = [await console.submit(cmd.StartRun(incident, setting(share))) for share in (5, 0)]
    assert isinstance(raises, Done)
    assert isinstance(lowers, Done)
    bench.journal.problem = "disk full"
    raised = await console.submit(cmd.SetFlag(raises.subject, "set", break_glass=GLASS))
    assert raised == Unsaved("disk full", may_proceed=False)
    assert await console.submit(cmd.SetFlag(lowers.subject, "set")) == Unsaved("disk full", may_proceed=True)


async def test_a_disk_that_is_full_stops_neither_the_way_to_0_nor_a_hold_nor_a_cancel(bench: Rollout) -> None:
    bench.plan(AUTO)
    console = await bench.begun(share=5)
    bench.judged = (breach(),)
    await bench.run(30)
    assert rollout(console).countdown is not None
    bench.journal.problem = "disk full"
    assert await console.submit(cmd.SetShare(0, 5)) == Unsaved("disk full", may_proceed=True)
    assert await console.submit(cmd.SetShare(2, 5)) == Unsaved("disk full", may_proceed=False)
    for command in (cmd.CancelCountdown("we look"), cmd.HoldRollout("we look"), cmd.SetShare(0, 5)):
        done = await console.submit(command, unsaved=True)
        assert isinstance(done, Done), done
        assert done.unsaved
    assert (bench.flags.percent, rollout(console).percent) == (0, 0)
    assert (rollout(console).state, rollout(console).countdown) == (RolloutState.HELD, None)
    bench.journal.problem = ""
    await bench.run(60)
    assert bench.count("countdown_cancelled", "held", "write_intended", "rollback_begun") == [1, 1, 2, 0]
