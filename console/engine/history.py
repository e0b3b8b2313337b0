"""How long a rollback takes and when it must begin, for the Board: from the record, the readings, what is in flight.

A Board is made several times a second. Each part is computed anew only when what it is made of has changed. What is
drawn at random, thousands of times, is computed aside, and imported there: the Board has the last estimate until then,
and says of when it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from console.engine.aside import Aside
from console.engine.durations import Durations
from console.engine.inflight import Flowing, InFlight, modelled, reliable
from console.engine.kept import Kept, Same
from console.engine.sources import METRICS, PLAYBOOKS
from console.model import commands as cmd
from console.model.decide.rollback import forgotten, known
from console.model.decide.rollout_back import under_way
from console.model.estimate import Deadline, Estimate, Measured, Remaining, RollbackHistory
from console.model.measuring import whole
from console.model.playbook import LoadedPlaybook, StepKind
from console.model.progress import Progress
from console.model.reading import Reading
from console.model.rollback import Readiness
from console.model.rolling import RolloutRecord
from console.model.run import Run

if TYPE_CHECKING:
    from console.engine.poller import Poller
    from console.engine.world import World
    from console.model.board import Board
    from console.model.clock import Limit
    from console.model.predict import Live
    from console.model.state import State
    from console.settings.config import Config, Environment

SEED = 6
"""One seed keeps an estimate from shivering."""
FRESH = timedelta(minutes=2)
"""Of a run that is older, nothing is foretold any more."""
REMAINING_EVERY = 5.0
"""Seconds after which what is left of a step is told anew, while nothing else happens."""
LONGEST = timedelta(days=36_500).total_seconds()
"""A century: no rollback takes longer."""
UNKNOWN = Estimate(statement="it cannot be estimated from what was read")
PENDING = Estimate(statement="it is being computed")
FAILED = Estimate(statement="a fault of ours while it was computed")


class History:
    """Makes what `Readiness` shows beside the proofs. Called on the engine's loop; `Durations` alone is not."""

    def __init__(
        self,
        world: World,
        config: Config,
        environment: Environment,
        pollers: Mapping[str, Poller],
        mode: str,
        aside: Aside,
    ) -> None:
        self._config, self._pollers, self._mode, self._aside = config, pollers, mode, aside
        self._target = str(environment.target)
        self._plan = config.rollout
        self._rollback = config.rollout.rollback if config.rollout is not None else None
        self._inflight: InFlight | None = None
        if self._rollback is not None:
            durations: Durations | None = None
            if self._rollback.durations and world.metrics is not None:
                durations = Durations(world.metrics, self._rollback.durations, world.clock)
                _also(pollers.get(METRICS), durations.look)
            self._inflight = InFlight(self._rollback, durations)
        self._run: tuple[tuple[int, int], Run | None] = ((-1, -1), None)
        self._kept = Kept()

    # -- how long -----------------------------------------------------------------------------------------------------

    def estimate(self, state: State, now: datetime, readings: Mapping[str, Reading[float]]) -> Estimate:
        """How long a rollback would take that begins now."""
        rollback = self._rollback
        if rollback is None:
            return Estimate(statement="no rollback is configured: rollback in rollout.yaml")
        measured = self._measured(state)
        if not self._begun(measured):
            return Estimate()
        loaded = self._playbook(rollback.playbook)
        flowing = self._flowing(state, readings, loaded)
        machine, mode = self._machine(state, loaded), self._mode
        hour = now.replace(minute=0, second=0, microsecond=0)
        hash_ = loaded.hash if loaded is not None else ""
        titles = {step.id: step.title for step in loaded.playbook.steps} if loaded is not None else {}

        def found() -> Estimate:
            from random import Random

            from console.model.predict import estimate, worth

            live: Live | None = None
            try:
                live = modelled(flowing)
                draw = Random(SEED).random
                past = worth(live, measured)
                return _tellable(
                    estimate(measured, hour, hash_, mode=mode, live=past, machine=machine, titles=titles, draw=draw)
                )
            except ArithmeticError:
                return replace(UNKNOWN, drain=live.drain if live is not None else None)

        key = (Same(measured), hour, hash_, Same(flowing), tuple(machine.items()))
        answer = self._aside.get("the time of a rollback", key, now, found)
        if answer is None:
            return PENDING
        made, reading = answer.value, readings.get("rollback.inflight")
        if made is None:
            return FAILED
        read_at = reading.at if reading is not None else None
        return self._kept.get("dated", (Same(made), answer.at, read_at), lambda: _dated(made, answer.at, read_at))

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
        return self._kept.get("measured", Same(found), lambda: tuple(run for run in found if run.playbook == name))

    def practised(self, state: State) -> tuple[Measured, ...]:
        """The rollbacks and drills that were carried out to their end, as far as this console may rest on them."""
        found = self._measured(state)
        if not found:
            return ()
        from console.model.past import visible

        return self._kept.get("practised", Same(found), lambda: tuple(run for run in found if visible(run, self._mode)))

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

    def _flowing(self, state: State, readings: Mapping[str, Reading[float]], loaded: LoadedPlaybook | None) -> Flowing:
        assert self._inflight is not None, "asked only then"
        return self._inflight.look(self.run(state), readings, loaded)

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

    def completed(self, state: State, board: Board, progress: Progress) -> Readiness:
        """The Board's readiness with its clocks. `progress` is that of the rollout, as far as it is judged."""
        readiness, rollback = board.readiness, self._rollback
        if rollback is None:
            return readiness
        run = self.run(state)
        if run is None and not self._begun(self._measured(state)):
            return readiness
        left = self._remaining(state, board, run, rollback.objective) if run is not None else None
        found = self._deadline(board, progress, run is not None, rollback.objective)
        return replace(readiness, deadline=found, remaining=left)

    def _deadline(self, board: Board, progress: Progress, under_way: bool, objective: timedelta) -> Deadline:
        """It is made anew of what has changed; of the time it is only whether it has passed."""
        estimate, guardrails = board.readiness.estimate, board.rollout.guardrails if board.rollout is not None else ()
        no_return = reliable(board.readings.get("rollback.no_return"))
        limits = self._limits(board, progress, objective)

        def found() -> Deadline:
            from console.model.clock import deadline, doubted, spent

            return deadline(
                estimate,
                board.at,
                limits,
                no_return=no_return,
                under_way=under_way,
                gone=spent(board.slos),
                unknown=doubted(board.slos, guardrails, progress.judged),
            )

        key = (Same(estimate), limits, no_return, under_way, Same(board.slos), Same(guardrails), progress.judged)
        kept = self._kept.get("deadline", key, found)
        passed = kept.passed if kept.at is None else kept.at <= board.at
        return kept if passed == kept.passed else replace(kept, passed=passed)

    def _limits(self, board: Board, progress: Progress, objective: timedelta) -> tuple[Limit, ...]:
        from console.model.clock import budget_limits, objective_limit

        record = progress.record
        breaches = record.breaches.values() if record.under_way else ()
        since = min((breach.since for breach in breaches), default=None)
        metrics = self._pollers.get(METRICS)
        answers = metrics.value if metrics is not None else None
        budgets: tuple[Limit, ...] = self._kept.get("budgets", Same(answers), lambda: budget_limits(board.slos))
        return (*objective_limit(since, objective), *budgets)

    def _remaining(self, state: State, board: Board, run: Run, objective: timedelta) -> Remaining | None:
        """None while it is not known, and is being computed."""
        assert self._rollback is not None, "asked only then"
        loaded = self._playbook(self._rollback.playbook)
        flowing, measured = self._flowing(state, board.readings, loaded), self.practised(state)
        machine, now = self._machine(state, loaded), board.at
        elapsed = max(0.0, (now - run.started_at).total_seconds())

        def found() -> Remaining:
            from random import Random

            from console.model.clock import remaining
            from console.model.past import past
            from console.model.predict import worth

            try:
                live = worth(modelled(flowing), measured)
                runs = past(measured, now, live.steps(), machine)
                return remaining(run, now, runs, live=live, objective=objective, draw=Random(SEED).random)
            except ArithmeticError:
                return Remaining(run.id, elapsed, within=objective)

        key = (run.id, run.version, elapsed // REMAINING_EVERY, Same(measured), Same(flowing), tuple(machine.items()))
        answer = self._aside.get("the time that is left of a rollback", key, now, found)
        if answer is None or answer.value is None or answer.value.run != run.id:
            return None
        return replace(answer.value, elapsed=elapsed, at=answer.at)

    # -- what becomes of it in the record -----------------------------------------------------------------------------

    def due(self, state: State, now: datetime, found: Estimate) -> tuple[cmd.Command, ...]:
        """What the engine that holds the lease should write down: what is said of a rollback that has begun, and what
        those that have ended came to."""
        if self._rollback is None:
            return ()
        history = state.rollbacks.get(self._target) or RollbackHistory(self._target)
        commands: list[cmd.Command] = []
        run = self.run(state)
        said = found is not PENDING and found is not FAILED
        if run is not None and said and not known(history, run.id) and now - run.started_at <= FRESH:
            commands.append(prediction(run.id, found))
        over: tuple[str, ...] = self._kept.get("over", state.seq, lambda: self._over(state, history))
        return (*commands, *(cmd.MeasureRollback(name) for name in over))

    def _over(self, state: State, history: RollbackHistory) -> tuple[str, ...]:
        assert self._rollback is not None, "asked only then"
        measured = {item.run for item in history.measured}
        ended = [
            run
            for run in state.runs.values()
            if whole(run)
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


def _dated(found: Estimate, at: datetime | None, read_at: datetime | None) -> Estimate:
    """With the instants that it is of: what is in flight is what was read last, as long as it is the same."""
    if at is not None:
        return replace(found, at=at)
    drain = found.drain
    return replace(found, drain=replace(drain, at=read_at)) if drain is not None and read_at is not None else found


def _tellable(found: Estimate) -> Estimate:
    """Without times that no length of time can hold."""
    p50, p80, p95 = (
        seconds if seconds is not None and isfinite(seconds) and seconds <= LONGEST else None
        for seconds in (found.p50, found.p80, found.p95)
    )
    return replace(found, p50=p50, p80=p80, p95=p95)


def _also(poller: Poller | None, look: Callable[[Any], None]) -> None:
    """Has a poller do one thing more with each answer."""
    if poller is None:
        return
    before = poller.prepare

    def both(answer: Any) -> None:
        before(answer)
        look(answer)

    poller.prepare = both
