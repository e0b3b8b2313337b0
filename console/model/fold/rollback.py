"""The fold of what is known of rollbacks: how long they took, what was said of them before; and of drills, what they
rehearse and how fast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from console.model import events as ev
from console.model.estimate import KEPT, Drill, Measured, Origin, Prediction, RollbackHistory
from console.model.events import Recorded
from console.model.fold.rules import Rules

RULES = Rules(blank=RollbackHistory)

OPEN = 10
"""Predictions of rollbacks that are not measured: those that were given up never are."""


@RULES.changed(ev.RollbackPredicted)
def _predicted(history: RollbackHistory, recorded: Recorded, payload: ev.RollbackPredicted) -> RollbackHistory:
    within = tuple(
        (minutes, share) for minutes, share in ((15, payload.within_15), (20, payload.within_20)) if share is not None
    )
    said = Prediction(payload.run, recorded.occurred_at, payload.runs, payload.p50, payload.p80, payload.p95, within)
    return replace(history, predicted=dict([*history.predicted.items(), (payload.run, said)][-OPEN:]))


@RULES.changed(ev.RollbackMeasured)
def _measured(history: RollbackHistory, recorded: Recorded, payload: ev.RollbackMeasured) -> RollbackHistory:
    found = Measured(
        run=payload.run,
        at=recorded.occurred_at,
        seconds=float(payload.seconds),
        origin=Origin(payload.source),
        playbook=payload.playbook,
        playbook_hash=payload.playbook_hash,
        steps={step: float(seconds) for step, seconds in payload.steps},
        phase=payload.phase,
        speed=float(payload.speed),
        quantile=payload.quantile,
        human=payload.human,
        mode=recorded.mode,
    )
    others = tuple(item for item in history.measured if item.run != found.run)
    kept = sorted((*others, found), key=lambda item: item.at)[-KEPT:]
    predicted = {run: said for run, said in history.predicted.items() if run != found.run}
    return replace(history, measured=tuple(kept), predicted=predicted)


# -- drills -----------------------------------------------------------------------------------------------------------


def _forgotten(table: Mapping[str, Drill]) -> Iterable[str]:
    return list(table)[: max(0, len(table) - KEPT)]


DRILLS = Rules(forgotten=_forgotten, at_birth=True)


@DRILLS.born(ev.DrillStarted)
def _started(recorded: Recorded, payload: ev.DrillStarted) -> Drill:
    drill = recorded.stream.partition(":")[2]
    return Drill(drill, payload.scenario, payload.run, recorded.occurred_at, recorded.version, payload.speed)


@DRILLS.changed(ev.DrillFinished)
def _finished(drill: Drill, recorded: Recorded, payload: ev.DrillFinished) -> Drill:
    return replace(drill, outcome=payload.outcome, ended_at=recorded.occurred_at)
