"""How long a rollback takes and when it must begin, for the Board: from the record, the readings, what is in flight.

A Board is made several times a second. Each part is computed anew only when what it is made of has changed; and what
computes it is imported when there is something to compute, which is after the first screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from console.engine.durations import Durations
from console.engine.sources import METRICS, PLAYBOOKS
from console.model import commands as cmd
from console.model.decide.rollback import forgotten, known
from console.model.decide.rollout_back import under_way
from console.model.estimate import Drain, Estimate, Measured, Remaining, RollbackHistory
from console.model.playbook import Do, LoadedPlaybook, Playbook, StepKind
from console.model.reading import Reading
from console.model.rollback import Readiness
from console.model.rolling import RolloutRecord
from console.model.run import Run, RunStatus, StepStatus

if TYPE_CHECKING:
    from console.engine.poller import Poller
    from console.engine.world import World
    from console.model.board import Board
    from console.model.clock import Limit
    from console.model.drain import Seen
    from console.model.predict import Live
    from console.model.state import State
    from console.settings.config import Config, Environment

T = TypeVar("T")

SEED = 6
"""One seed keeps an estimate from shivering."""
FRESH = timedelta(minutes=2)
"""Of a run that is older, nothing is foretold any more."""
REMAINING_EVERY = 5.0
"""Seconds after which what is left of a step is told anew, while nothing else happens."""
DECAY = 200
"""Readings of a drain that are kept."""
LONGEST = timedelta(days=36_500).total_seconds()
"""A century: no rollback takes longer."""
UNKNOWN = "unknown: it cannot be estimated from what was read"


class History:
    """Makes what `Readiness` shows beside the proofs. Called on the engine's loop; `Durations` alone is not."""

    def __init__(
        self, world: World, config: Config, environment: Environment, pollers: Mapping[str, Poller], mode: str
    ) -> None:
        self._config, self._pollers, self._mode = config, pollers, mode
        self._target = str(environment.target)
        self._plan = config.rollout
        self._rollback = config.rollout.rollback if config.rollout is not None else None
        self._durations: Durations | None = None
        if self._rollback is not None and self._rollback.durations and world.metrics is not None:
            self._durations = Durations(world.metrics, self._rollback.durations, world.clock)
            _also(pollers.get(METRICS), self._durations.look)
        self._decay: tuple[Seen, ...] = ()
        self._decay_of: tuple[str, datetime | None] = ("", None)
        """The run that drains, and since when its flag is at 0."""
        self._run: tuple[tuple[int, int], Run | None] = ((-1, -1), None)
        self._kept = _Kept()

    # -- how long -----------------------------------------------------------------------------------------------------

    def estimate(self, state: State, now: datetime, readings: Mapping[str, Reading[float]]) -> Estimate:
        """How long a rollback would take that begins now."""
        rollback = self._rollback
        if rollback is None:
            return Estimate(statement="no rollback is configured: rollback in rollout.yaml")
        measured = self._measured(state)
        if not self._begun(measured):
            return Estimate()
        from random import Random

        from console.model.predict import estimate, worth

        loaded = self._playbook(rollback.playbook)
        try:
            live = self._live(state, readings, loaded)
        except ArithmeticError:
            return Estimate(statement=UNKNOWN)
        machine = self._machine(state, loaded)
        hour = now.replace(minute=0, second=0, microsecond=0)

        def found() -> Estimate:
            titles = {step.id: step.title for step in loaded.playbook.steps} if loaded is not None else {}
            hash_ = loaded.hash if loaded is not None else ""
            return _tellable(
                estimate(
                    measured,
                    hour,
                    hash_,
                    mode=self._mode,
                    live=worth(live, measured),
                    machine=machine,
                    titles=titles,
                    draw=Random(SEED).random,
                )
            )

        key = (_Same(measured), hour, loaded.hash if loaded is not None else "", _Same(live), tuple(machine.items()))
        try:
            kept = self._kept.get("estimate", key, found)
        except ArithmeticError:
            return Estimate(statement=UNKNOWN, drain=live.drain)
        reading = readings.get("rollback.inflight")
        if kept.drain is None or reading is None or kept.drain.at == reading.at:
            return kept
        return replace(kept, drain=replace(kept.drain, at=reading.at))

    def _begun(self, measured: Sequence[Measured]) -> bool:
        """Whether there is anything that an estimate could be made of."""
        metrics = self._pollers.get(METRICS)
        return bool(measured) or (metrics is not None and metrics.value is not None)

    def _measured(self, state: State) -> tuple[Measured, ...]:
        """Those of the rollback's playbook, oldest first."""
        history = state.rollbacks.get(self._target)
        if history is None or self._rollback is None:
            return ()
        name = self._rollback.playbook
        found = history.measured
        return self._kept.get("measured", _Same(found), lambda: tuple(run for run in found if run.playbook == name))

    def practised(self, state: State) -> tuple[Measured, ...]:
        """The rollbacks and drills that were carried out to their end, as far as this console may rest on them."""
        found = self._measured(state)
        if not found:
            return ()
        from console.model.predict import visible

        return self._kept.get(
            "practised", _Same(found), lambda: tuple(run for run in found if visible(run, self._mode))
        )

    def _playbook(self, name: str) -> LoadedPlaybook | None:
        files = self._pollers.get(PLAYBOOKS)
        snapshot = files.value if files is not None else None
        shelf = snapshot if snapshot is not None else self._config.library.known
        found = shelf.playbooks if shelf is not None else ()
        return next((loaded for loaded in found if loaded.playbook.name == name), None)

    def _machine(self, state: State, loaded: LoadedPlaybook | None) -> Mapping[str, float]:
        """How long the flag takes to be written, as a canary or a real rollback has shown."""
        proof = state.standing.get(f"{self._target}/write-path")
        if loaded is None or proof is None or proof.seconds is None:
            return {}
        if proof.source == "simulated" and self._mode == "live":
            return {}
        return {step.id: proof.seconds for step in loaded.playbook.steps if step.kind is StepKind.FLAG}

    # -- what is in flight --------------------------------------------------------------------------------------------

    def _live(self, state: State, readings: Mapping[str, Reading[float]], loaded: LoadedPlaybook | None) -> Live:
        assert self._rollback is not None, "asked only then"
        from console.model.drain import FOREVER, Flow, drained, plausible_count, plausible_rate
        from console.model.predict import Live

        items = plausible_count(_known(readings.get("rollback.inflight")))
        completions = plausible_rate(_known(readings.get("rollback.completions")))
        arrivals = plausible_rate(_known(readings.get("rollback.arrivals")))
        backlog = plausible_count(_known(readings.get("rollback.backlog")))
        throughput = plausible_rate(_known(readings.get("rollback.throughput")))
        restore = min(backlog / throughput, FOREVER) if backlog is not None and throughput else None
        if backlog == 0.0:
            restore = 0.0
        rest = (self._rollback.restore_step, restore)
        if items is None:
            return self._kept.get("live", rest, lambda: Live(restore_step=rest[0], restore=restore))
        at = readings["rollback.inflight"].at
        self._see(state, items, completions, at)
        lasting = self._durations.lasting if self._durations is not None else None
        flow = Flow(items, completions, arrivals or 0.0, lasting, self._decay)
        cut = cut_after(loaded.playbook, self._rollback.drain_step) if loaded is not None else None

        def found() -> Live:
            drain, draining = drained(flow)
            if self._rollback is not None and self._rollback.arrivals and arrivals is None:
                # Configured and not read: that nothing arrives any more is not known.
                drain = Drain("", items, why="how much still arrives was not read")
                draining = None
            if cut is not None:
                left = draining.after(cut) if draining is not None else items if drain.never else None
                drain = replace(drain, cut_after=cut, cut=left)
            step = self._rollback.drain_step if self._rollback is not None else ""
            return Live(step, drain, draining, cut, *rest)

        return self._kept.get(
            "live", (items, completions, arrivals, _Same(lasting), _Same(self._decay), cut, rest), found
        )

    def _see(self, state: State, items: float, completions: float | None, at: datetime | None) -> None:
        """Keeps what is in flight while a rollback drains it: from when its flag is at 0."""
        run = self.run(state)
        since = _off_since(run) if run is not None else None
        of = (run.id if run is not None else "", since)
        if of != self._decay_of:
            self._decay_of, self._decay = of, ()
        if since is None or at is None or at < since:
            return
        from console.model.drain import Seen

        after = (at - since).total_seconds()
        if not self._decay or after > self._decay[-1].after:
            self._decay = (*self._decay, Seen(after, items, completions))[-DECAY:]

    def run(self, state: State) -> Run | None:
        """The rollback under way."""
        seen, run = self._run
        now = (state.seq, len(state.runs))  # what is not saved has no seq
        if seen != now or (run is not None and state.runs.get(run.id) is not run):
            record = state.rollouts.get(self._target) or RolloutRecord(self._target)
            run = under_way(state, record, self._plan, self._target)
            self._run = (now, run)
        return run

    # -- when, and how much longer ------------------------------------------------------------------------------------

    def completed(self, state: State, board: Board) -> Readiness:
        """The Board's readiness with its clocks."""
        readiness, rollback = board.readiness, self._rollback
        if rollback is None:
            return readiness
        run = self.run(state)
        if run is None and not self._begun(self._measured(state)):
            return readiness
        from console.model.clock import deadline, doubted, spent

        guardrails = board.rollout.guardrails if board.rollout is not None else ()
        judged = board.progress.judged if board.progress is not None else ()
        found = deadline(
            readiness.estimate,
            board.at,
            self._limits(board, rollback.objective),
            no_return=_known(board.readings.get("rollback.no_return")),
            under_way=run is not None,
            gone=spent(board.slos),
            unknown=doubted(board.slos, guardrails, judged),
        )
        left = self._remaining(state, board, run, rollback.objective) if run is not None else None
        return replace(readiness, deadline=found, remaining=left)

    def _limits(self, board: Board, objective: timedelta) -> tuple[Limit, ...]:
        from console.model.clock import budget_limits, objective_limit

        record = board.progress.record if board.progress is not None else None
        breaches = record.breaches.values() if record is not None and record.under_way else ()
        since = min((breach.since for breach in breaches), default=None)
        metrics = self._pollers.get(METRICS)
        answers = metrics.value if metrics is not None else None
        budgets: tuple[Limit, ...] = self._kept.get("budgets", _Same(answers), lambda: budget_limits(board.slos))
        return (*objective_limit(since, objective), *budgets)

    def _remaining(self, state: State, board: Board, run: Run, objective: timedelta) -> Remaining:
        assert self._rollback is not None, "asked only then"
        from random import Random

        from console.model.clock import remaining
        from console.model.predict import past, worth

        live = self._live(state, board.readings, self._playbook(self._rollback.playbook))
        measured = self.practised(state)
        loaded = self._playbook(self._rollback.playbook)
        machine = self._machine(state, loaded)
        elapsed = max(0.0, (board.at - run.started_at).total_seconds())

        def found() -> Remaining:
            modelled = worth(live, measured)
            runs = past(measured, board.at, modelled.steps(), machine)
            return remaining(run, board.at, runs, live=modelled, objective=objective, draw=Random(SEED).random)

        key = (run.id, run.version, elapsed // REMAINING_EVERY, _Same(measured), _Same(live), tuple(machine.items()))
        return replace(self._kept.get("remaining", key, found), elapsed=elapsed)

    # -- what becomes of it in the record -----------------------------------------------------------------------------

    def due(self, state: State, now: datetime, found: Estimate) -> tuple[cmd.Command, ...]:
        """What the engine that holds the lease should write down: what is said of a rollback that has begun, and what
        those that have ended came to."""
        if self._rollback is None:
            return ()
        history = state.rollbacks.get(self._target) or RollbackHistory(self._target)
        commands: list[cmd.Command] = []
        run = self.run(state)
        if run is not None and not known(history, run.id) and now - run.started_at <= FRESH:
            commands.append(prediction(run.id, found))
        over: tuple[str, ...] = self._kept.get("over", state.seq, lambda: self._over(state, history))
        return (*commands, *(cmd.MeasureRollback(name) for name in over))

    def _over(self, state: State, history: RollbackHistory) -> tuple[str, ...]:
        assert self._rollback is not None, "asked only then"
        measured = {item.run for item in history.measured}
        ended = [
            run
            for run in state.runs.values()
            if run.status is RunStatus.COMPLETED
            and run.playbook.name == self._rollback.playbook
            and run.target == self._target
            and not run.parent
            and run.id not in measured
            and run.ended_at is not None
            and not forgotten(history, run.ended_at)
        ]
        return tuple(run.id for run in sorted(ended, key=lambda run: run.ended_at or run.started_at))


def prediction(run: str, found: Estimate) -> cmd.PredictRollback:
    """What is said of a run that begins: of people's steps alone nothing is, for it is measured whole."""
    if found.human_only:
        return cmd.PredictRollback(run, found.runs)
    within = dict(found.within)
    return cmd.PredictRollback(run, found.runs, found.p50, found.p80, found.p95, within.get(15), within.get(20))


def _tellable(found: Estimate) -> Estimate:
    """Without times that no length of time can hold."""
    p50, p80, p95 = (
        seconds if seconds is not None and isfinite(seconds) and seconds <= LONGEST else None
        for seconds in (found.p50, found.p80, found.p95)
    )
    return replace(found, p50=p50, p80=p80, p95=p95)


def cut_after(playbook: Playbook, step_id: str) -> float | None:
    """After how many seconds the playbook goes on, whatever is still in flight."""
    step = next((step for step in playbook.steps if step.id == step_id), None)
    if step is None or step.timebox is None or not any(item.do is Do.GO_ON for item in step.on_overdue):
        return None
    return step.timebox.total_seconds()


def _off_since(run: Run) -> datetime | None:
    """When the first step that sets a flag to 0 was done."""
    for step in run.playbook.steps:
        progress = run.steps[step.id]
        if step.kind is StepKind.FLAG and step.percent == 0 and progress.status is StepStatus.DONE:
            return progress.ended_at
    return None


def _known(reading: Reading[float] | None) -> float | None:
    """Its value, where it can be relied on."""
    return reading.value if reading is not None and reading.ok else None


def _also(poller: Poller | None, look: Callable[[Any], None]) -> None:
    """Has a poller do one thing more with each answer."""
    if poller is None:
        return
    before = poller.prepare

    def both(answer: Any) -> None:
        before(answer)
        look(answer)

    poller.prepare = both


class _Same:
    """Equal to what holds the very same object, which stays alive for as long as it is compared."""

    __slots__ = ("item",)

    def __init__(self, item: object) -> None:
        self.item = item

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.item is self.item

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class _Kept:
    """What was computed last, and of what."""

    known: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def get(self, name: str, key: Any, make: Callable[[], T]) -> T:
        """The same again while the key is the same."""
        found = self.known.get(name)
        if found is None or found[0] != key:
            found = (key, make())
            self.known[name] = found
        made: T = found[1]
        return made
