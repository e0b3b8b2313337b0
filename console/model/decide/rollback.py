"""What is said of a rollback when it begins, and what it came to when it has ended."""

from __future__ import annotations

from datetime import datetime

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context
from console.model.estimate import KEPT, Origin, RollbackHistory
from console.model.measuring import human_steps, place, step_seconds, whole
from console.model.run import Run, RunStatus
from console.model.state import State

DIGITS = 3
"""Of seconds and of probabilities in the record."""


def predict(state: State, command: cmd.PredictRollback, context: Context) -> list[Batch]:
    """Once for each run, while it is under way: nothing is foretold afterwards."""
    history, run = history_of(state, context), state.runs.get(command.run)
    if run is None or run.status is not RunStatus.RUNNING or known(history, run.id):
        return []
    said = ev.RollbackPredicted(
        run.id,
        command.runs,
        _rounded(command.p50),
        _rounded(command.p80),
        _rounded(command.p95),
        _rounded(command.within_15),
        _rounded(command.within_20),
    )
    return [Batch(history.stream, history.version, (said,))]


def measure(state: State, command: cmd.MeasureRollback, context: Context) -> list[Batch]:
    """What a run took that was carried out as a whole; nothing where it was measured already. That of a drill, or in a
    simulated world, is simulated."""
    history, run = history_of(state, context), state.runs.get(command.run)
    if run is None or run.ended_at is None or not whole(run):
        return []
    if any(item.run == run.id for item in history.measured) or forgotten(history, run.ended_at):
        return []
    drill = next((item for item in state.drills.values() if item.run == run.id), None)
    simulated = drill is not None or run.mode != "live"
    speed = drill.speed if drill is not None else 1.0
    seconds = (run.ended_at - run.started_at).total_seconds()
    said = history.predicted.get(run.id)
    comparable = said is not None and abs(speed - 1.0) < 0.01
    quantile = place(said, seconds) if said is not None and comparable else None
    measured = ev.RollbackMeasured(
        run=run.id,
        seconds=round(seconds, DIGITS),
        source=(Origin.SIMULATED if simulated else Origin.REAL).value,
        playbook=run.playbook.name,
        playbook_hash=run.playbook_hash,
        steps=tuple((step, round(took, DIGITS)) for step, took in step_seconds(run, run.ended_at).items()),
        phase=_phase(state, run, context),
        speed=speed,
        quantile=_rounded(quantile),
        human=human_steps(run.playbook),
    )
    return [Batch(history.stream, history.version, (measured,), run.ended_at)]


def history_of(state: State, context: Context) -> RollbackHistory:
    """Of our target; a blank one where nothing was measured."""
    target = str(context.target)
    return state.rollbacks.get(target) or RollbackHistory(target)


def known(history: RollbackHistory, run: str) -> bool:
    """Whether something was said of a run, or it was measured."""
    return run in history.predicted or any(item.run == run for item in history.measured)


def forgotten(history: RollbackHistory, ended_at: datetime) -> bool:
    """Whether so old a run would not be kept."""
    return len(history.measured) >= KEPT and ended_at <= history.measured[0].at


def _phase(state: State, run: Run, context: Context) -> float | None:
    """The share of traffic that it was rolled back from, where the record knows."""
    record = state.rollouts.get(str(context.target))
    stays = record.stays if record is not None else ()
    before = [stay for stay in stays if stay.entered_at <= run.started_at]
    return before[-1].percent if before else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
