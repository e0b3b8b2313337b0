"""Any order of operators, time and engine gives a legal run: property tests over the rules and the fold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from console.model import commands as cmd
from console.model.decide import Refusal
from console.model.run import SETTLED, RunStatus, StepStatus
from console.model.state import State, apply
from tests.model.life import ALICE, BOB, LATENCY, ROLLBACK, Life

OPERATORS = st.sampled_from([ALICE, BOB])
STEPS = st.sampled_from(["alert", "disable", "drain", "clear", "validate", "confirm", "decide", "tune", "observe"])
OPTIONS = st.sampled_from(["", "rollback", "again", "skip-tuning", "go-on"])
TYPED = st.sampled_from(["", "CLEAR lighthouse/production"])


class Interleavings(RuleBasedStateMachine):
    """Two operators and the engine, pressing anything at any time."""

    @initialize(playbook=st.sampled_from([ROLLBACK, LATENCY]))
    def begin(self, playbook: object) -> None:
        self.life = Life()
        self.life.run(playbook)  # type: ignore[arg-type]
        self.settled: dict[tuple[str, str, int], StepStatus] = {}

    def attempt(self, command: cmd.Command, actor: object) -> None:
        before = len(self.life.events)
        try:
            self.life.do(command, actor)  # type: ignore[arg-type]
        except Refusal:
            assert len(self.life.events) == before

    def a_run(self, choice: int) -> str:
        runs = list(self.life.state.runs)
        return runs[choice % len(runs)]

    @rule(who=OPERATORS, run=st.integers(0, 3), step=STEPS, option=OPTIONS, typed=TYPED, override=st.booleans())
    def complete(self, who: object, run: int, step: str, option: str, typed: str, override: bool) -> None:
        reason = "seen otherwise" if override else ""
        self.attempt(cmd.CompleteStep(self.a_run(run), step, "seen", option, typed, reason), who)

    @rule(who=OPERATORS, run=st.integers(0, 3), step=STEPS, kind=st.sampled_from([cmd.FailStep, cmd.SkipStep]))
    def end_badly(self, who: object, run: int, step: str, kind: type) -> None:
        self.attempt(kind(self.a_run(run), step, "because"), who)

    @rule(who=OPERATORS, run=st.integers(0, 3), step=STEPS)
    def retry(self, who: object, run: int, step: str) -> None:
        self.attempt(cmd.RetryStep(self.a_run(run), step), who)

    @rule(who=OPERATORS, run=st.integers(0, 3))
    def expire(self, who: object, run: int) -> None:
        self.attempt(cmd.ExpireStep(self.a_run(run), "drain", "2 left", "too old"), who)

    @rule(minutes=st.floats(0, 10))
    def pass_time(self, minutes: float) -> None:
        self.life.pass_time(minutes)

    @rule()
    def fire(self) -> None:
        self.life.fire()

    @invariant()
    def a_settled_attempt_never_changes(self) -> None:
        for run in self.life.state.runs.values():
            for step in run.steps.values():
                key = (run.id, step.id, step.attempt)
                if step.status in SETTLED:
                    known = self.settled.setdefault(key, step.status)
                    assert known in (step.status, StepStatus.PASSED_OVER)

    @invariant()
    def a_running_run_waits_for_somebody_and_an_ended_one_for_nobody(self) -> None:
        for run in self.life.state.runs.values():
            if run.status is RunStatus.RUNNING:
                assert run.active
                assert run.current is not None
            else:
                assert all(step.status is not StepStatus.PENDING for step in run.steps.values())

    @invariant()
    def every_deadline_fires_at_most_once(self) -> None:
        fired = [
            (event.stream, event.payload.step, event.payload.attempt)
            for event in self.life.events
            if event.kind == "run.step_overdue"
        ]
        assert len(fired) == len(set(fired))

    @invariant()
    def a_replay_gives_the_same_state(self) -> None:
        replayed = State()
        for event in self.life.events:
            apply(replayed, event)
        assert replayed == self.life.state


Interleavings.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_interleavings = Interleavings.TestCase
