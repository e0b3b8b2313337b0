"""Rollouts for tests: a record in memory with a plan, a flag whose true share the test knows, and people who do
whatever they like."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, Context, Refusal, write_outcome
from console.model.decision import Proposal, Unjudged, answer
from console.model.events import Recorded
from console.model.events.decision import Finding
from console.model.people import Actor
from console.model.playbook import LoadedPlaybook, Playbook, StepKind
from console.model.rolling import FlagWrite, RolloutRecord, compared
from console.model.rollout import GuardrailRule, RolloutPlan
from console.model.rollout_plan import AutoRollback, RollbackPlan
from console.model.run import RunStatus
from tests.model.life import ALICE, BOB, ENGINE, Life, step

TARGET = "lighthouse/production"
PLAN = RolloutPlan(
    "lighthouse-9", "elicitation", "wait-for-messages", (5.0, 25.0, 50.0, 100.0), timedelta(minutes=30), "percent",
    flag="elicitation",
    guardrails=(GuardrailRule("p99", "P99", "p99", 300, 500), GuardrailRule("errors", "Errors", "errors", 1, 5)),
    rollback=RollbackPlan("emergency-rollback"), auto=AutoRollback(), hash="sha256:plan",
)  # fmt: skip


def setting(percent: float) -> LoadedPlaybook:
    """A playbook with the one step that sets the rollout's flag."""
    name = f"set-{percent:g}"
    only = step("set", kind=StepKind.FLAG, flag="elicitation", percent=percent)
    return LoadedPlaybook(Playbook(name, name, (), "platform", "2026-11-01", (only,)), name, f"{name}.yaml")


class Rollouts(Life):
    """`real` is what the flag gives in truth, `truths` what it gave when each event was recorded, `landed` each write
    that changed it, with what it gave before."""

    def __init__(self) -> None:
        super().__init__()
        self.plan, self.flags = PLAN, "test flags"
        self.real = 0.0
        self.proposal: Proposal | Unjudged | None = None
        self.truths: dict[int, float] = {}
        self.landed: list[tuple[float, FlagWrite]] = []
        self.look()

    @property
    def rollout(self) -> RolloutRecord:
        return self.state.rollouts.get(TARGET) or RolloutRecord(TARGET)

    def context(self, actor: Actor = ALICE, console: str = "test") -> Context:
        return replace(super().context(actor, console), proposed=lambda: self.proposal)

    def finds(self, outcome: str, name: str = "budget") -> Finding:
        """The one criterion of the next phase comes to that."""
        here = self.rollout.percent or 0.0
        found = Finding(name, "Error budget", "budget", "technical", True, outcome, "3 % of it is left")
        self.proposal = Proposal(here, PLAN.next_phase(here) or here, answer((found,)), (found,), self.now)
        return found

    def record(
        self, batches: list[Batch], actor: Actor, console: str = "test", *, cut_off: bool = False
    ) -> list[Recorded]:
        recorded = super().record(batches, actor, console, cut_off=cut_off)
        self.truths |= {event.seq: self.real for event in recorded}
        return recorded

    def look(self) -> None:
        """The flag is read."""
        self.reading("flag.percent", self.real)

    def begin(self, revision: str = "rev-1") -> None:
        self.look()
        self.do(cmd.BeginRollout(revision))

    def certify(self, start: float, to: float, status: str = "GO", **changes: object) -> str:
        """The id of a decision that is recorded as it is."""
        fields = {"plan_hash": PLAN.hash, "revision": self.rollout.revision, "verdict": "go", "findings": ()}
        known = {"target": TARGET, "rollout": PLAN.name, "from_percent": start, "to_percent": to, "status": status}
        certified = ev.DecisionCertified(**{**fields, **known, **changes})  # type: ignore[arg-type]
        stream = f"decision:{self.context().fresh()}"
        self.record([Batch(stream, 0, (certified,))], ALICE)
        return stream.partition(":")[2]

    def ends(self, outcome: str = "done", observed: float | None = None) -> list[Recorded]:
        """The write under way ends; one that is done has changed the flag."""
        write = self.rollout.write
        assert write is not None
        if outcome == "done":
            self.land(write)
            observed = write.percent
        self.look()
        followed = write_outcome(self.state, write.effect, outcome, "said so", observed, self.context(ENGINE))
        return self.record(followed, ENGINE)

    def land(self, write: FlagWrite) -> None:
        """It changes the flag."""
        self.landed.append((self.real, write))
        self.real = write.percent

    def provided(self, outcome: str, landed: bool = False) -> list[Recorded]:
        """The provider answers: the write is compared with what the flag gives, and ends as it is drawn, if that is
        what it was to give. `landed`: whether one of which nobody hears has changed it."""
        write = self.rollout.write
        assert write is not None
        expected = compared(write.percent, write.before)
        if outcome in ("done", "ineffective") and expected is not None and expected != self.real:
            return self.ends("refused", self.real)
        if outcome == "ineffective":
            return self.ends("refused", self.real)
        if outcome == "unknown" and landed and expected in (None, self.real):
            self.land(write)
        return self.ends(outcome)

    def seen(self, measured: float | None = None, revision: str = "", flag: bool = True) -> list[Recorded]:
        """The conductor looks: at the flag, and at the measured share, which is the true one if not said otherwise."""
        share = self.real if measured is None else measured
        return self.do(cmd.ObserveShare(self.real if flag else None, share, revision), ENGINE)

    def step(self, percent: float, actor: Actor = ALICE) -> None:
        """One whole promotion: decided, set, entered."""
        start = self.rollout.percent or 0.0
        self.do(cmd.SetShare(percent, start, promote=True, decision=self.certify(start, percent)), actor)
        self.ends()
        self.seen()

    def run_ends(self, outcome: str = "completed") -> None:
        """The rollback's run ends."""
        run = self.state.runs[self.rollout.run]
        self.record([Batch(run.stream, run.version, (ev.RunFinished(outcome, "it ended"),))], ENGINE)


# -- whatever people do -----------------------------------------------------------------------------------------------

Act = Callable[[Rollouts, Random], object]


def _begin(life: Rollouts, draw: Random) -> list[Recorded]:
    life.look()
    return life.do(cmd.BeginRollout(draw.choice(["rev-1", "rev-2"])), _who(draw))


def _who(draw: Random) -> Actor:
    return draw.choice([ALICE, BOB])


def _certify(life: Rollouts, draw: Random) -> list[Recorded]:
    start = life.rollout.percent or 0.0
    to = draw.choice([PLAN.next_phase(start) or start, *PLAN.phases])
    before = len(life.events)
    life.certify(start, to, draw.choice(["GO", "GO", "CONDITIONAL", "NO-GO"]))
    return life.events[before:]


def _promote(life: Rollouts, draw: Random) -> list[Recorded]:
    start = life.rollout.percent or 0.0
    expected = draw.choice([start, start, start, 5.0])
    glass = draw.choice(["", "", "", "", "nobody is there"])
    return life.do(cmd.SetShare(PLAN.next_phase(start) or 100.0, expected, promote=True, break_glass=glass), _who(draw))


def _set(life: Rollouts, draw: Random) -> list[Recorded]:
    share = draw.choice([0.0, 5.0, 25.0, 50.0, 100.0, 101.0])
    return life.do(cmd.SetShare(share, life.rollout.percent or 0.0), _who(draw))


def _answer(life: Rollouts, draw: Random) -> list[Recorded]:
    write = life.rollout.write
    if write is None or write.outcome:
        return []
    outcome = draw.choice(["done", "done", "done", "done", "refused", "ineffective", "unknown"])
    return life.provided(outcome, landed=draw.random() < 0.5)


def _open(life: Rollouts) -> list[FlagWrite]:
    return [item for item in (life.rollout.write, *life.rollout.doubtful) if item is not None and item.open]


def _settle(life: Rollouts, draw: Random) -> list[Recorded]:
    found = _open(life)
    effect = draw.choice(found).effect if found else "none"
    done = draw.random() < 0.5
    return life.do(cmd.SettleWrite(effect, done, None if done else life.real, "I looked"), _who(draw))


def _share(life: Rollouts, draw: Random) -> list[Recorded]:
    flag = draw.choice([life.real, life.real, life.real, None])
    measured = draw.choice([life.real, life.real, life.real + 10.0, None])
    since = draw.choice([None, life.now - timedelta(minutes=3)])
    return life.do(cmd.ObserveShare(flag, measured, draw.choice(["", "", "rev-1", "rev-2"]), since), ENGINE)


def _guardrail(life: Rollouts, draw: Random) -> None:
    name, breached = draw.choice(["p99", "errors"]), draw.random() < 0.4
    life.do(cmd.ObserveGuardrail(name, breached, "as it is", fast=draw.random() < 0.3), ENGINE)
    if draw.random() < 0.5:
        life.do(cmd.StartCountdown("a breach"), ENGINE)


def _run(life: Rollouts, draw: Random) -> list[Recorded]:
    run = life.state.runs.get(life.rollout.run)
    if run is None or run.status is not RunStatus.RUNNING:
        return []
    before = len(life.events)
    life.run_ends(draw.choice(["completed", "completed", "aborted"]))
    if draw.random() < 0.8:
        life.real = 0.0
    return life.events[before:]


def _onwards(life: Rollouts, draw: Random) -> list[Recorded]:
    """As it should be: the phase is over, what was breached has recovered, and the next one comes. After the last one
    it is finished."""
    before, following = len(life.events), PLAN.next_phase(life.rollout.percent or 0.0)
    life.pass_time(31)
    for name in life.rollout.breaches:
        life.do(cmd.ObserveGuardrail(name, False, "as it was"), ENGINE)
    life.seen()
    if following is not None:
        life.step(following, _who(draw))
    else:
        life.do(cmd.FinishRollout(life.certify(100.0, 100.0)), _who(draw))
    return life.events[before:]


def _outside(life: Rollouts, draw: Random) -> list[Recorded]:
    """Somebody else sets the flag, whatever is under way here."""
    if draw.random() < 0.3:
        life.real = draw.choice([0.0, 10.0, 50.0, 100.0])
    if draw.random() < 0.5:
        life.look()
    return []


def _findings(life: Rollouts, draw: Random) -> None:
    life.proposal = None
    if draw.random() < 0.1:
        life.proposal = Unjudged("a fault")
    elif draw.random() < 0.6:
        life.finds(draw.choice(["pass", "unknown", "fail"]))


def _flag_step(life: Rollouts, draw: Random) -> list[Recorded]:
    """A playbook of any incident sets the flag."""
    share, glass = draw.choice([0.0, 5.0, 25.0, 50.0, 100.0]), draw.choice(["", "", "", "nobody is there"])
    loaded = setting(share)
    running = [run for run in life.state.runs.values() if run.playbook.name == loaded.playbook.name and run.active]
    before = len(life.events)
    if not running:
        incidents = [incident.id for incident in life.state.incidents.values() if incident.open]
        life.do(cmd.StartRun(draw.choice(incidents) if incidents else life.declare(), loaded), _who(draw))
        running = [life.state.runs[next(reversed(life.state.runs))]]
    actor = _who(draw)
    life.do(cmd.SetFlag(running[0].id, "set", break_glass=glass), actor)
    return life.events[before:]


def _turn_off(life: Rollouts, draw: Random) -> list[Recorded]:
    return life.do(cmd.SetFlag(life.rollout.run, "disable"), _who(draw))


def _later(life: Rollouts, draw: Random) -> list[Recorded]:
    life.pass_time(draw.choice([0.5, 2.0, 31.0]))
    life.look()
    return []


def _look_back(life: Rollouts, draw: Random) -> list[Recorded]:
    return life.do(cmd.ObserveRollback(life.rollout.run, draw.choice([life.real, None]), life.real), ENGINE)


ACTS: tuple[Act, ...] = (
    _begin, _onwards, _onwards, _onwards, _certify, _certify, _promote, _promote, _set, _answer, _answer, _answer,
    _settle, _share, _share, _share, _outside, _flag_step, _turn_off, _findings, _guardrail, _guardrail, _run, _later,
    _later, _look_back, _look_back, _run, _flag_step,
    lambda life, draw: life.do(cmd.HoldRollout("wait"), _who(draw)),
    lambda life, draw: life.do(cmd.ReleaseRollout("go on"), _who(draw)),
    lambda life, draw: life.do(cmd.ReleaseRollout("go on"), _who(draw)),
    lambda life, draw: life.do(cmd.AbortRollout("enough"), _who(draw)) if draw.random() < 0.3 else [],
    lambda life, draw: life.do(cmd.FinishRollout("", draw.choice(["", "", "nobody is there"])), _who(draw)),
    lambda life, draw: life.do(cmd.StartRollback("it is bad"), _who(draw)) if draw.random() < 0.4 else [],
    lambda life, draw: life.do(cmd.StartCountdown("a breach"), ENGINE),
    lambda life, draw: life.do(cmd.CancelCountdown("no"), _who(draw)),
    lambda life, draw: life.do(cmd.StartRollback("by itself", automatic=True), ENGINE),
)  # fmt: skip


def anything(life: Rollouts, draw: Random) -> list[Recorded]:
    """Somebody does something, or the engine: what was recorded. What is refused is no event."""
    before = len(life.events)
    with suppress(Refusal):
        draw.choice(ACTS)(life, draw)
    return life.events[before:]
