"""Two people on two consoles, crashes, a clock that jumps, files that change, answers of the world, and an engine: any
order of them gives a legal run, one outcome per attempt, no step done twice, no lost evidence, and the same state after
a replay."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from console.journal.codec import decode, encode
from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Batch, Refusal, decide, next_deadline
from console.model.events import Recorded, kind_of
from console.model.message import Act, ChannelSpec, Topic
from console.model.people import Actor
from console.model.playbook import ACTING, OBSERVED, Step, StepKind
from console.model.reading import ReadingState
from console.model.run import MAX_ATTEMPTS, Run, RunStatus, StepRun, StepStatus
from console.model.state import State, apply
from tests.model.life import ALICE, BOB, ENGINE, Life
from tests.model.playbooks import CHILD, FAIL, SECOND, loaded
from tests.model.playbooks import EVERY_KIND as WITHOUT_A_LIMIT

# The program is late while it runs, and would be tried again.
EVERY_KIND = loaded(
    "every-kind",
    *(replace(item, on_overdue=(FAIL,)) if item.id == "restart" else item for item in WITHOUT_A_LIMIT.playbook.steps),
)
TARGET = "lighthouse/production"
SEATS = ((ALICE, "a"), (BOB, "b"), (BOB, "a"))
"""Who sits at which console."""
WHO = st.sampled_from(SEATS)
ANY = st.integers(0, 30)
READINGS = ("query: up", "probe: GET https://lighthouse.example/health 200", "health.lighthouse", "rollout.percent")
OUTCOMES = (ev.StepCompleted, ev.StepFailed, ev.StepSkipped, ev.StepExpired)
TYPED = f"DISABLE {TARGET}"
ENDS = (cmd.CompleteStep, cmd.SkipStep, cmd.FailStep)

AHEAD = [item.id for item in EVERY_KIND.playbook.steps if item.id != "aside"] + ["restart", "disable", "tell"] * 4
"""Where a night begins: mostly where the console acts."""
_Fits = Callable[[Step, StepRun], bool]


def _acts(step: Step, progress: StepRun) -> bool:
    return step.kind in ACTING and progress.status is StepStatus.ACTIVE


def _runs(step: Step, progress: StepRun) -> bool:
    return step.kind is StepKind.COMMAND and progress.status is StepStatus.ACTIVE and progress.asked_by is not None


def _waits(step: Step, _: StepRun) -> bool:
    return step.kind in OBSERVED


def _failed(_: Step, progress: StepRun) -> bool:
    return progress.status is StepStatus.FAILED


def _needs_two(step: Step, progress: StepRun) -> bool:
    return step.second_person and progress.confirmed_by is None


def _where(fits: _Fits) -> Callable[[Any], Any]:
    """The rule makes sense only while such a step is under way."""
    return precondition(lambda self: any(self.fitting(run, fits) for run in self.life.state.runs.values()))


class Nights(RuleBasedStateMachine):
    """Anything at any time."""

    @initialize(ahead=st.sampled_from(AHEAD))
    def begin(self, ahead: str) -> None:
        self.life = Life()
        self.life.flags = "flags"
        self.life.channels = (ChannelSpec("slack.alerts", (Act.POST, Act.PAGE), tuple(Topic)),)
        self.life.playbooks = (EVERY_KIND, CHILD, SECOND)
        self.texts = itertools.count(1)
        self.waiting: list[tuple[list[Batch], Actor, str]] = []
        """What a console that is cut off has written down."""
        self.first: dict[tuple[str, str, int], StepStatus] = {}
        self.pinned: dict[str, tuple[Any, str]] = {}
        self.looked = 0
        self.hurry(self.life.run(EVERY_KIND), ahead)

    def hurry(self, run: str, until: str) -> None:
        """Closes what comes before a step, so that late steps are reached, too."""
        while not self.life.state.runs[run].steps[until].open:
            for step in self.life.state.runs[run].active:
                if step.id != "aside" and not self.life.state.runs[run].steps[until].open:
                    self.life.do(cmd.CompleteStep(run, step.id, self.said(), "on", TYPED, "in a hurry", "alone"))

    # -- who does what -------------------------------------------------------------------------------------------------

    def said(self) -> str:
        """A text that is found again."""
        return f"text-{next(self.texts)}-"

    def meant(self, run: int, step: int, fits: _Fits = lambda *_: True) -> tuple[Run, str]:
        """Mostly what is under way and fits, sometimes anything."""
        runs = list(self.life.state.runs.values())
        going = [item for item in runs if self.fitting(item, fits)] if (step + 1) % 7 else runs
        chosen = (going or runs)[run % len(going or runs)]
        names = (self.fitting(chosen, fits) if (step + 1) % 5 else []) or list(chosen.steps)
        return chosen, names[step % len(names)]

    def fitting(self, run: Run, fits: _Fits) -> list[str]:
        running = run.status is RunStatus.RUNNING
        return [item.id for item in run.active if running and fits(run.playbook.step(item.id), item)]

    def attempt(self, command: cmd.Command, seat: tuple[Actor, str]) -> list[Recorded]:
        before = len(self.life.events)
        run = self.life.state.runs.get(getattr(command, "run", ""))
        progress = run.steps.get(getattr(command, "step", "")) if run is not None else None
        try:
            done = self.life.do(command, *seat)
        except Refusal:
            assert len(self.life.events) == before
            return []
        if progress is not None and not isinstance(command, cmd.TakeStep | cmd.ConfirmStep):
            assert not progress.held_elsewhere(seat[1], self.life.now), "a late write of somebody who lost the step"
        if run is not None and run.held_at is not None:
            assert isinstance(command, cmd.ResumeRun | cmd.AbortRun)
        return done

    @rule(who=WHO, run=ANY, step=ANY, option=st.sampled_from(["on", "on", "again", "far", "other", ""]), alone=ANY)
    def complete(self, who: Any, run: int, step: int, option: str, alone: int) -> None:
        chosen, name = self.meant(run, step)
        override = self.said() if alone % 2 else ""
        glass = self.said() if alone % 3 else ""
        self.attempt(cmd.CompleteStep(chosen.id, name, self.said(), option, TYPED, override, glass), who)

    @rule(who=WHO, run=ANY, step=ANY, kind=st.sampled_from([cmd.FailStep, cmd.SkipStep]))
    def end_badly(self, who: Any, run: int, step: int, kind: Any) -> None:
        chosen, name = self.meant(run, step)
        self.attempt(kind(chosen.id, name, self.said()), who)

    @_where(_waits)
    @rule(who=WHO, run=ANY, step=ANY)
    def expire(self, who: Any, run: int, step: int) -> None:
        chosen, name = self.meant(run, step, _waits)
        self.attempt(cmd.ExpireStep(chosen.id, name, self.said(), self.said()), who)

    @_where(_failed)
    @rule(who=WHO, run=ANY, step=ANY)
    def retry(self, who: Any, run: int, step: int) -> None:
        chosen, name = self.meant(run, step, _failed)
        self.attempt(cmd.RetryStep(chosen.id, name), who)

    @rule(who=WHO, run=ANY, step=ANY, reason=st.booleans())
    def take(self, who: Any, run: int, step: int, reason: bool) -> None:
        chosen, name = self.meant(run, step)
        self.attempt(cmd.TakeStep(chosen.id, name, "it hurries" if reason else ""), who)

    @_where(_needs_two)
    @rule(who=WHO, run=ANY, step=ANY)
    def confirm(self, who: Any, run: int, step: int) -> None:
        chosen, name = self.meant(run, step, _needs_two)
        self.attempt(cmd.ConfirmStep(chosen.id, name, TARGET), who)

    @_where(_acts)
    @rule(who=WHO, run=ANY, step=ANY, glass=st.booleans())
    def carry_out(self, who: Any, run: int, step: int, glass: bool) -> None:
        chosen, name = self.meant(run, step, _acts)
        kinds = {StepKind.FLAG: cmd.SetFlag, StepKind.NOTIFY: cmd.SendNotice}
        command = kinds.get(chosen.playbook.step(name).kind, cmd.RunProgram)
        self.attempt(command(chosen.id, name, TYPED, "alone" if glass else ""), who)

    @rule(who=WHO, run=ANY, kind=st.sampled_from([cmd.ResumeRun, cmd.ResumeRun, cmd.HoldRun, cmd.AbortRun]))
    def control(self, who: Any, run: int, kind: Any) -> None:
        runs = list(self.life.state.runs)
        self.attempt(kind(runs[run % len(runs)], "because"), who)

    @rule(who=WHO, other=st.sampled_from([EVERY_KIND, SECOND]))
    def start_another(self, who: Any, other: Any) -> None:
        if len(self.life.state.runs) < 5:
            found = next(item for item in self.life.playbooks if item.playbook.name == other.playbook.name)
            self.attempt(cmd.StartRun(next(iter(self.life.state.incidents)), found), who)

    # -- what the world does -------------------------------------------------------------------------------------------

    @precondition(lambda self: any(not item.outcome for run in self.life.state.runs.values() for item in run.effects))
    @rule(outcome=st.sampled_from(["done", "done", "refused", "unknown"]), which=ANY)
    def effect_ends(self, outcome: str, which: int) -> None:
        """The program, or the provider of flags, answers; never, where its console has crashed."""
        open_ = [(run.id, item) for run in self.life.state.runs.values() for item in run.effects if not item.outcome]
        if open_:
            run, effect = open_[which % len(open_)]
            self.life.end_effect(run, outcome, self.said(), self.said(), effect=effect)

    @_where(_runs)
    @rule(back_off=st.sampled_from([11, 21]))
    def take_long(self, back_off: int) -> None:
        """A program takes longer than its step may, and whoever asked for it is there."""
        for seconds in (125, back_off):
            self.life.now += timedelta(seconds=seconds)
            self.fire()

    @rule(sent=st.booleans())
    def deliver(self, sent: bool) -> None:
        for item in list(self.life.state.deliveries.values()):
            if item.open:
                answer = ev.DeliverySent("taken") if sent else ev.DeliveryFailed("no such channel")
                self.life.record([Batch(item.stream, item.version, (answer,))], ENGINE)

    @rule(good=st.booleans(), state=st.sampled_from([ReadingState.OK, ReadingState.OK, ReadingState.STALE]))
    def observe(self, good: bool, state: ReadingState) -> None:
        values = (1.0, 1.0, 1.0, 0.0) if good else (9.0, 0.0, float("nan"), 25.0)
        for name, value in zip(READINGS, values, strict=True):
            self.life.reading(name, value, state)
        self.life.reading("inflight", 0.0 if good else 7.0, state)
        checks = [item.verify for item in EVERY_KIND.playbook.steps if item.verify is not None]
        shown = good and state is ReadingState.OK
        self.life.held = {str(check): self.life.held.get(str(check), self.life.now) for check in checks if shown}

    @rule(seconds=st.sampled_from([1, 9, 20, 61, 130, 301, 3600, -30, -3600]))
    def pass_time(self, seconds: int) -> None:
        self.life.now += timedelta(seconds=seconds)

    @rule(number=st.integers(2, 4))
    def edit_a_file(self, number: int) -> None:
        """The same name, another content."""
        new = loaded("every-kind", *EVERY_KIND.playbook.steps[: 8 + number], hash=f"edited-{number}")
        self.life.playbooks = (new, CHILD, SECOND)

    @rule()
    def fire(self) -> None:
        self.life.fire()
        assert all(event.kind != "run.step_overdue" for event in self.life.fire())
        due = next_deadline(self.life.state, TARGET, self.life.severities)
        assert due is None or due > self.life.now

    @rule()
    def settle(self) -> None:
        self.life.settle()
        assert self.life.settle() == []

    # -- a console that is cut off -------------------------------------------------------------------------------------

    @rule(who=WHO, run=ANY, step=ANY, kind=st.sampled_from(ENDS), other=st.sampled_from([None, *ENDS]))
    def write_down(self, who: Any, run: int, step: int, kind: Any, other: Any) -> None:
        """Somebody ends a step, and nobody hears of it; perhaps somebody else ends it, too."""
        chosen, name = self.meant(run, step, lambda item, _: item.verify is None)
        try:
            batches = decide(self.life.state, kind(chosen.id, name, self.said()), self.life.context(*who))
        except Refusal:
            return
        self.waiting.append((batches, *who))
        if other is not None:
            self.attempt(other(chosen.id, name, self.said()), next(seat for seat in SEATS if seat[1] != who[1]))

    @precondition(lambda self: self.waiting)
    @rule()
    def come_back(self) -> None:
        for batches, actor, console in self.waiting:
            self.life.record(batches, actor, console, cut_off=True)
        if self.waiting:
            self.life.settle()
        self.waiting = []

    # -- what must always be so ----------------------------------------------------------------------------------------

    @invariant()
    def a_run_that_goes_on_waits_for_something(self) -> None:
        for run in self.life.state.runs.values():
            if run.status is RunStatus.RUNNING:
                assert run.active, "a run that nobody can go on with"
                assert run.current is not None
            else:
                assert run.ended_at is not None
                assert all(step.status is not StepStatus.PENDING for step in run.steps.values())

    @invariant()
    def the_first_outcome_of_an_attempt_stands(self) -> None:
        for run in self.life.state.runs.values():
            for step in run.steps.values():
                key = (run.id, step.id, step.attempt)
                if step.status in (StepStatus.DONE, StepStatus.SKIPPED, StepStatus.EXPIRED):
                    assert self.first.setdefault(key, step.status) is step.status
                else:
                    assert not (step.open and key in self.first), "done, and to be done again"

    @invariant()
    def no_step_is_started_too_often(self) -> None:
        for run in self.life.state.runs.values():
            assert all(step.attempt <= MAX_ATTEMPTS + 1 for step in run.steps.values())

    @invariant()
    def what_runs_is_what_was_started(self) -> None:
        for run in self.life.state.runs.values():
            known = self.pinned.setdefault(run.id, (run.playbook, run.playbook_hash))
            assert known == (run.playbook, run.playbook_hash)

    @invariant()
    def no_evidence_is_lost(self) -> None:
        for event in self.life.events[self.looked :]:
            self.findable(event)
        self.looked = len(self.life.events)

    def findable(self, event: Recorded) -> None:
        """Every text of an outcome is in the run: in its steps, in what came earlier, or in its effects."""
        payload = event.payload
        if not isinstance(payload, (*OUTCOMES, ev.EffectFinished)):
            return
        run = self.life.state.runs[event.stream.partition(":")[2]]
        kept = "\n".join(
            text
            for step in run.steps.values()
            for item in (step, *step.earlier)
            for text in (item.observed, item.reason, item.evidence, item.override, item.output)
        )
        kept += "\n".join(f"{item.answer}\n{item.output}" for item in run.effects)
        names = ("observed", "reason", "evidence", "override", "output", "detail")
        for text in (getattr(payload, name, "") for name in names):
            assert text in kept, f"{text} of {event.kind} is lost"

    def teardown(self) -> None:
        if not hasattr(self, "life"):
            return
        for event in self.life.events:
            self.findable(event)
        self.once()
        replayed = State()
        for event in self.life.events:
            assert decode(*kind_of(event.payload), encode(event.payload)) == event.payload
            apply(replayed, event)
        assert replayed == self.life.state

    def once(self) -> None:
        """Nothing is carried out, said to be late, or told twice in one attempt; and no program runs or is tried again
        while an earlier attempt may be doing the same, or may have done it, unless somebody who has looked says why."""
        self.never_two_copies()
        effects = Counter(
            (run.id, item.step, item.attempt)
            for run in self.life.state.runs.values()
            for item in run.effects
            if item.kind == "command"
        )
        overdue = Counter(
            (event.stream, event.payload.step, event.payload.attempt)
            for event in self.life.events
            if event.kind == "run.step_overdue"
        )
        told = Counter(item.ref for item in self.life.state.deliveries.values() if item.ref.startswith("run:"))
        for counted in (effects, overdue, told):
            assert all(number == 1 for number in counted.values())

    def never_two_copies(self) -> None:
        outcomes: dict[str, str] = {}
        begun: dict[tuple[str, str], list[str]] = {}
        looked: set[tuple[str, str]] = set()
        """Steps whose program a person wants to run with a reason."""
        for event in self.life.events:
            payload = event.payload
            step = (event.stream, getattr(payload, "step", ""))
            doubt = [name for name in begun.get(step, ()) if outcomes[name] in ("", "unknown")]
            if isinstance(payload, ev.StepAsked) and payload.break_glass:
                looked.add(step)
            elif isinstance(payload, ev.StepStarted):
                looked.discard(step)
                assert not (payload.again and doubt), "tried again while it may be under way"
            elif isinstance(payload, ev.EffectFinished):
                outcomes[payload.effect] = payload.outcome
            elif isinstance(payload, ev.EffectIntended) and payload.kind == "command":
                assert not doubt or step in looked, "two copies of a program"
                assert all(outcomes[name] for name in doubt), "two copies of a program that runs"
                begun.setdefault(step, []).append(payload.effect)
                outcomes[payload.effect] = ""


@pytest.mark.parametrize("shard", range(6))
def test_nights(shard):
    """150 nights, in parts: an example that a timeout ends looks to hypothesis like one that is not the same twice."""
    machine = seed(shard)(type("Nights", (Nights,), {}))
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=50, deadline=None))
