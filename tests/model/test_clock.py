"""The rollback's clocks, what a run is measured by, and what the record keeps of both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model import commands as cmd
from console.model import events as ev
from console.model.clock import Limit, budget_limits, deadline, doubted, objective_limit, remaining, spent
from console.model.decide import Batch
from console.model.drain import Flow, drained
from console.model.estimate import KEPT, Estimate, Measured, Origin, Prediction, Remaining
from console.model.forecast import Forecast
from console.model.measuring import human_steps, place, step_seconds
from console.model.past import Past, past
from console.model.people import Severity
from console.model.playbook import Check, LoadedPlaybook, Playbook, StepKind
from console.model.predict import Live
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import Guardrail, GuardrailRule
from console.model.run import Run, RunStatus
from console.model.sli import of_counters
from console.model.slo import Objective, SloGauge
from console.model.verdict import Judged, Verdict
from console.model.window import Rolling
from tests.model.life import ALICE, ENGINE, ROLLBACK, START, Life, step

NOW = datetime(2026, 3, 1, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAN = LoadedPlaybook(
    Playbook(
        "emergency-rollback",
        "Emergency rollback",
        (Severity.SEV1,),
        "platform",
        "2026-11-01",
        (
            step("tell", kind=StepKind.NOTIFY, parallel=True),
            step("flag", kind=StepKind.FLAG, flag="elicitation"),
            step("drain", kind=StepKind.WAIT, verify=Check("reading.inflight", "<=", 0)),
            step("verify"),
            step("agree", kind=StepKind.APPROVAL),
        ),
    ),
    "sha256:a",
    "emergency-rollback.yaml",
)
USUAL = {"flag": 60.0, "drain": 300.0, "verify": 120.0, "agree": 120.0}
HUMAN = ("verify", "agree")


def runs(count: int = 5, at: datetime = START) -> tuple[Past, ...]:
    """Past ones, a little different from each other: 9 to 11 minutes."""
    found = []
    for number in range(count):
        factor = 0.9 + 0.05 * number
        steps = {name: seconds * factor for name, seconds in USUAL.items()}
        found.append(Measured(str(number), at, 600.0 * factor, Origin.REAL, "p", "h", steps, human=HUMAN))
    return past(found, at)


class UnderWay(Life):
    """A rollback under way."""

    def __init__(self) -> None:
        super().__init__()
        self.playbooks = (PLAN,)
        self.id = self.run(PLAN)

    @property
    def it(self) -> Run:
        return self.state.runs[self.id]

    def done(self, name: str, minutes: float) -> None:
        """The step takes so long, and is done."""
        self.pass_time(minutes)
        current = self.it.playbook.step(name)
        bob = replace(ALICE, name="bob", login="bob") if current.kind is StepKind.APPROVAL else ALICE
        override = "seen" if current.kind in (StepKind.WAIT, StepKind.FLAG) else ""
        self.do(cmd.CompleteStep(self.id, name, "done", override=override, break_glass="alone"), bob)

    def through(self, pace: float = 1.0) -> None:
        self.done("tell", 0.0)
        for name, seconds in USUAL.items():
            self.done(name, pace * seconds / 60.0)

    def left(self, past_runs: tuple[Past, ...] | None = None, live: Live | None = None) -> Remaining:
        known = runs(at=self.now) if past_runs is None else past_runs
        return remaining(self.it, self.now, known, live=live or Live(), draw=Random(2).random)


# -- what a run took --------------------------------------------------------------------------------------------------


def test_every_moment_of_a_run_belongs_to_one_step() -> None:
    life = UnderWay()
    life.through()
    took = step_seconds(life.it, life.now)
    assert took == pytest.approx(USUAL)  # what is never waited for took nothing of the whole
    assert sum(took.values()) == (life.it.ended_at - life.it.started_at).total_seconds()  # type: ignore[operator]


@given(st.lists(st.floats(0, 30), min_size=4, max_size=4), st.floats(0, 40))
def test_steps_sum_to_the_whole_however_long_they_take(minutes: list[float], until: float) -> None:
    life = UnderWay()
    life.done("tell", 0)
    for name, length in zip(USUAL, minutes, strict=True):
        life.done(name, round(length, 1))
    at = life.it.started_at + until * MINUTE
    took = step_seconds(life.it, at)
    whole = (min(at, life.now) - life.it.started_at).total_seconds()
    assert sum(took.values()) == pytest.approx(whole, abs=1e-3)
    assert all(seconds >= 0 for seconds in took.values())


def test_people_carry_out_what_they_close() -> None:
    assert human_steps(PLAN.playbook) == HUMAN


# -- under way --------------------------------------------------------------------------------------------------------


def test_at_its_begin_all_of_it_is_left() -> None:
    found = UnderWay().left()
    assert (found.elapsed, found.pace) == (0.0, 1.0)
    assert found.p50 == pytest.approx(600, rel=0.02)
    assert (found.p80 or 0) < (found.p95 or 0)


def test_it_is_told_anew_after_each_step() -> None:
    life = UnderWay()
    life.done("tell", 0)
    said = [life.left().p50 or 0.0]
    for name, seconds in USUAL.items():
        life.done(name, seconds / 60)
        said.append(life.left().p50 or 0.0)
        if life.it.status is RunStatus.RUNNING:
            assert said[-1] == pytest.approx(said[-2] - seconds, rel=0.05, abs=2)
    assert life.it.status is RunStatus.COMPLETED


def test_a_slow_one_stays_slow_and_the_first_step_says_little() -> None:
    life = UnderWay()
    life.done("flag", 2)  # twice as long
    first = life.left()
    assert first.pace == pytest.approx(2 ** (1 / 3))
    life.done("drain", 10)
    second = life.left()
    assert second.pace == pytest.approx(2 ** (2 / 4))
    assert second.p50 == pytest.approx(240 * second.pace, rel=0.05)


def test_a_pace_is_not_endless() -> None:
    life = UnderWay()
    life.done("flag", 600)
    assert life.left().pace == pytest.approx(4 ** (1 / 3))


def test_a_step_that_lasts_longer_than_ever_is_not_over_at_once() -> None:
    life = UnderWay()
    for name in ("flag", "drain", "verify"):
        life.done(name, USUAL[name] / 60)
    life.pass_time(30)
    found = life.left()
    assert (found.p50 or 0) > 60  # it took two minutes before, and has taken thirty
    assert found.elapsed == pytest.approx(480 + 1800)


def test_without_three_runs_only_the_time_that_has_passed_is_known() -> None:
    life = UnderWay()
    life.pass_time(3)
    for known in ((), runs(2, life.now)):
        found = life.left(known)
        assert (found.elapsed, found.p50, found.p80, found.p95) == (180.0, None, None, None)


def test_a_step_that_was_never_measured_leaves_it_unknown() -> None:
    life = UnderWay()
    known = tuple(replace(run, steps={name: 60.0 for name in USUAL if name != "agree"}) for run in runs())
    assert life.left(known).p50 is None


def test_people_alone_say_nothing_of_a_machine_that_is_still_to_act() -> None:
    life = UnderWay()
    people = tuple(replace(run, whole=False) for run in runs())
    assert life.left(people).p50 is None
    life.done("flag", 1)
    life.done("drain", 5)
    life.done("tell", 0)
    assert life.left(people).p50 == pytest.approx(240, rel=0.05)  # all that is left is theirs


def test_a_live_drain_under_way() -> None:
    life = UnderWay()
    life.done("flag", 1)
    drain, draining = drained(Flow(1200.0, 2.0))
    rest = past([item.run for item in runs(at=life.now)], life.now, frozenset({"drain"}))
    found = life.left(rest, Live("drain", drain, draining))
    assert found.p50 == pytest.approx(600 + 240, rel=0.05)
    cut = life.left(rest, Live("drain", drain, draining, cut=300.0))
    assert cut.p50 == pytest.approx(300 + 240, rel=0.05)
    life.pass_time(4)
    cut = life.left(rest, Live("drain", drain, draining, cut=300.0))
    assert cut.p50 == pytest.approx(60 + 240, rel=0.05)
    life.done("drain", 1)
    assert life.left(rest, Live("drain", drain, draining)).p50 == pytest.approx(240, rel=0.05)


# -- the point of no return -------------------------------------------------------------------------------------------

KNOWN = Estimate(runs=5, p50=864.0, p80=998.0, p95=1200.0)


def test_start_by_or_the_objective_cannot_be_met() -> None:
    limits = objective_limit(NOW, timedelta(minutes=30))
    found = deadline(KNOWN, NOW, limits)
    assert (found.at, found.passed) == (NOW + 10 * MINUTE, False)
    assert found.why == "the objective of 30 min after the breach at 14:00:00Z cannot be met (P95 20.0 min)"
    assert deadline(KNOWN, NOW + 10 * MINUTE, limits).passed


def test_the_first_limit_counts() -> None:
    limits = (Limit(NOW + 90 * MINUTE, "the objective"), Limit(NOW + 60 * MINUTE, "the budget of errors"))
    found = deadline(KNOWN, NOW, limits)
    assert found.at == NOW + 40 * MINUTE
    assert found.why.startswith("the budget of errors cannot be met")


def test_an_unknown_length_gives_no_deadline_and_a_reason() -> None:
    limits = (Limit(NOW + 90 * MINUTE, "the objective"),)
    for unknown in (Estimate(), replace(KNOWN, human_only=True)):
        found = deadline(unknown, NOW, limits)
        assert (found.at, found.passed) == (None, False)
        assert found.why.startswith("unknown: nobody knows how long it takes")


def test_nothing_bounds_it_while_all_is_well() -> None:
    assert deadline(KNOWN, NOW, ()).why.startswith("nothing bounds it")
    assert objective_limit(None, 20 * MINUTE) == ()


def test_the_point_of_no_return_is_over_for_good() -> None:
    found = deadline(KNOWN, NOW, (Limit(NOW + 90 * MINUTE, "x"),), no_return=1.0)
    assert (found.at, found.passed, found.why) == (None, True, "the point of no return is passed")
    assert deadline(KNOWN, NOW, (Limit(NOW + 90 * MINUTE, "x"),), no_return=0.0).at is not None


def test_while_it_is_under_way_there_is_no_deadline_to_start() -> None:
    assert deadline(KNOWN, NOW, (Limit(NOW, "x"),), under_way=True).why == "a rollback is under way"


OBJECTIVE = Objective(
    "errors", "Errors", "l", 0.999, Rolling(timedelta(days=30)), "Occurrences", of_counters("a", bad="b")
)


def gauge(left: float | None, burn: float | None, forecast: Forecast | None = None) -> SloGauge:
    def reading(number: float | None) -> Reading[float]:
        if number is None:
            return missing(ReadingState.NO_DATA, "x")
        return Reading(ReadingState.OK, number, NOW, "x")

    return SloGauge(OBJECTIVE, reading(1.0), reading(left), reading(burn), forecast=forecast)


def test_a_budget_that_burns_bounds_it() -> None:
    (limit,) = budget_limits([gauge(0.5, 14.4)])
    assert limit == Limit(NOW + timedelta(days=30) * 0.5 / 14.4, "the budget of errors")
    day = timedelta(days=1)
    (foretold,) = budget_limits([gauge(0.5, 2.0, Forecast(NOW, 30 * day, 2 * day, 3 * day, None, 0.1, 9))])
    assert foretold.at == NOW + 2 * day


def test_nothing_bounds_it_is_said_only_of_what_is_known() -> None:
    well = gauge(0.5, 0.9)
    assert (spent([well]), doubted([well])) == ((), ())
    assert (spent([gauge(0.0, 20.0)]), spent([gauge(None, None)])) == (("errors",), ())
    found = deadline(KNOWN, NOW, (), gone=("errors",))
    assert (found.at, found.why) == (None, "the budget of errors is spent already")
    for unread in (
        gauge(None, 20.0),
        gauge(0.5, None),
        replace(well, burn=replace(well.burn, state=ReadingState.STALE)),
    ):
        assert doubted([unread]) == ("errors",)
    found = deadline(KNOWN, NOW, (), unknown=("errors", "p99", "a", "b"))
    assert (found.at, found.why) == (None, "unknown: whether errors, p99, a and 1 more hold is not known")
    assert "; whether p99 hold" in deadline(KNOWN, NOW, (), gone=("errors",), unknown=("p99",)).why


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_guardrail_is_known_by_its_evidence_or_by_its_level(verdict: Verdict) -> None:
    rule = GuardrailRule("p99", "P99", "q", warning=200.0, critical=300.0)
    seen = Guardrail(rule, Reading(ReadingState.OK, 120.0, NOW, "x"))
    assert (doubted([], [seen]), doubted([], [replace(seen, rule=replace(rule, phases=(5.0,)), within=False)])) == (
        (),
        (),
    )
    assert doubted([], [replace(seen, value=missing(ReadingState.NO_DATA, "x"))]) == ("p99",)
    assert doubted([], [replace(seen, value=Reading(ReadingState.OK, 400.0, NOW, "x"))]) == ("p99",)
    assert doubted([], [seen], [Judged("p99", "P99", verdict)]) == (() if verdict is Verdict.PASS else ("p99",))


@pytest.mark.parametrize(("left", "burn"), [(inf, 20.0), (1e308, 2.0), (0.5, inf), (0.5, nan), (nan, 20.0)])
def test_figures_that_are_none_bound_nothing(left: float, burn: float) -> None:
    assert budget_limits([gauge(left, burn)]) == ()


@pytest.mark.parametrize(("left", "burn"), [(0.5, 0.9), (0.0, 20.0), (-0.1, 20.0), (None, 20.0), (0.5, None)])
def test_a_budget_that_lasts_is_spent_or_is_unknown_bounds_nothing(left: float | None, burn: float | None) -> None:
    assert budget_limits([gauge(left, burn)]) == ()


# -- in the record ----------------------------------------------------------------------------------------------------

SAID = Prediction("r", NOW, 5, 600.0, 720.0, 900.0)
TARGET = "lighthouse/production"


@pytest.mark.parametrize(("seconds", "share"), [(600, 0.5), (720, 0.8), (900, 0.95)])
def test_a_duration_falls_where_it_was_predicted(seconds: float, share: float) -> None:
    assert place(SAID, seconds) == pytest.approx(share, abs=1e-6)


def test_what_was_not_predicted_is_not_scored() -> None:
    assert place(Prediction("r", NOW, 0), 600) is None
    assert place(Prediction("r", NOW, 3, 600.0, None, None), 600) is None
    assert place(Prediction("r", NOW, 3, 600.0, 600.0, 600.0), 600) is None


@given(st.floats(1, 1e5), st.floats(1, 1e5))
def test_a_longer_one_falls_no_lower(one: float, other: float) -> None:
    low, high = sorted((one, other))
    below, above = place(SAID, low), place(SAID, high)
    assert below is not None
    assert above is not None
    assert 0.0 < below <= above < 1.0


def test_what_is_said_and_what_it_came_to() -> None:
    life = UnderWay()
    life.do(cmd.PredictRollback(life.id, 5, 600.0, 720.0, 900.0, 0.9, 0.99), ENGINE)
    history = life.state.rollbacks[TARGET]
    assert history.predicted[life.id].within == ((15, 0.9), (20, 0.99))
    assert life.do(cmd.PredictRollback(life.id, 9, 1.0), ENGINE) == []  # said once
    assert life.do(cmd.MeasureRollback(life.id), ENGINE) == []  # it is not over
    life.through(pace=1.2)
    life.pass_time(60)
    life.do(cmd.MeasureRollback(life.id), ENGINE)
    history = life.state.rollbacks[TARGET]
    (found,) = history.measured
    assert (found.seconds, found.origin, found.playbook, found.playbook_hash) == (
        720.0, Origin.REAL, "emergency-rollback", "sha256:a",
    )  # fmt: skip
    assert found.steps == pytest.approx({name: 1.2 * seconds for name, seconds in USUAL.items()})
    assert (found.human, found.quantile, found.at) == (HUMAN, 0.8, life.it.ended_at)
    assert history.predicted == {}
    assert life.do(cmd.MeasureRollback(life.id), ENGINE) == []
    assert life.do(cmd.PredictRollback(life.id, 9, 1.0), ENGINE) == []  # nothing is foretold afterwards


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_a_drill_is_simulated_and_has_its_speed(speed: float) -> None:
    life = UnderWay()
    life.record([Batch("drill:d1", 0, (ev.DrillStarted("rollback", life.id, speed),))], ALICE)
    life.do(cmd.PredictRollback(life.id, 5, 600.0, 720.0, 900.0), ENGINE)
    life.through()
    life.record([Batch("drill:d1", 1, (ev.DrillFinished("completed", 10.0),))], ALICE)
    life.do(cmd.MeasureRollback(life.id), ENGINE)
    (found,) = life.state.rollbacks[TARGET].measured
    assert (found.origin, found.speed) == (Origin.SIMULATED, speed)
    assert (found.quantile is not None) == (speed == 1.0)
    assert life.state.drills["d1"].outcome == "completed"


def test_a_rollback_that_was_given_up_is_not_measured() -> None:
    life = UnderWay()
    life.do(cmd.AbortRun(life.id, "it was a false alarm"))
    assert life.do(cmd.MeasureRollback(life.id), ENGINE) == []
    assert life.do(cmd.MeasureRollback("unheard of"), ENGINE) == []
    assert life.do(cmd.PredictRollback("unheard of", 0), ENGINE) == []


def test_a_rollback_of_which_a_step_was_left_out_is_not_measured() -> None:
    life = UnderWay()
    life.done("tell", 0.0)
    first, *others = USUAL
    life.do(cmd.SkipStep(life.id, first, "it was done already"))
    for name in others:
        life.done(name, 1.0)
    assert life.it.status is RunStatus.COMPLETED
    assert life.do(cmd.MeasureRollback(life.id), ENGINE) == []


def test_the_newest_fifty_are_kept_and_an_older_one_is_not_measured_again() -> None:
    life = UnderWay()
    life.through()
    measured = ev.RollbackMeasured("x", 600.0, "real", "emergency-rollback", "sha256:a", ())
    for number in range(KEPT + 3):
        life.pass_time(1)
        batch = Batch(f"rollback:{TARGET}", number, (replace(measured, run=f"x{number}"),))
        life.record([batch], ENGINE)
    history = life.state.rollbacks[TARGET]
    assert len(history.measured) == KEPT
    assert history.measured[-1].run == f"x{KEPT + 2}"
    assert history.version == KEPT + 3
    assert life.do(cmd.MeasureRollback(life.id), ENGINE) == []


def test_what_cannot_be_what_it_says_changes_nothing() -> None:
    life = UnderWay()
    strange = ev.RollbackMeasured("x", 600.0, "imagined", "p", "h", ())
    life.record([Batch(f"rollback:{TARGET}", 0, (strange,))], ENGINE)
    assert life.state.rollbacks[TARGET].measured == ()


def test_the_bundled_rules_name_the_same_playbook() -> None:
    assert ROLLBACK.playbook.name == PLAN.playbook.name
