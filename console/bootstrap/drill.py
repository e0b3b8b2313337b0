"""The rollback drill: how it is set up, rehearsed without a screen, and brought to its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from console.bootstrap.common import BadInput
from console.model.value import value

if TYPE_CHECKING:
    from console.engine.api import Engine
    from console.engine.console import Console
    from console.model.commands import Command
    from console.model.events import DrillStarted
    from console.model.people import Actor
    from console.model.playbook import LoadedPlaybook, Step
    from console.model.run import Run
    from console.ports import Clock, Ids, Journal

SCENARIOS: Mapping[str, str] = {"rollback": "emergency-rollback"}
"""Scenario -> the playbook that is rehearsed."""

PACE = 0.6
"""The share of each timebox that the scripted operator takes."""
UNTIMED = timedelta(minutes=1)
RETRY = timedelta(seconds=5)
"""How often it looks again whether a step's reading shows the effect."""
ALONE = "rehearsed by one person"
"""Why it does alone what needs another person or role."""
PATIENCE = timedelta(minutes=5)
"""How long it waits for that, before it closes the step with a reason."""


@value
class Drill:
    """A drill under way."""

    stream: str
    incident: str
    run: str
    started: DrillStarted


def check(scenario: str) -> None:
    """Raises BadInput for a scenario that there is not."""
    if scenario not in SCENARIOS:
        raise BadInput(f"--drill {scenario}: there is no such scenario; known: {', '.join(SCENARIOS)}")


def playbook_of(scenario: str, playbooks: Sequence[LoadedPlaybook]) -> LoadedPlaybook:
    """The playbook of a scenario. Raises BadInput."""
    check(scenario)
    name = SCENARIOS[scenario]
    for loaded in playbooks:
        if loaded.playbook.name == name:
            return loaded
    raise BadInput(f"--drill {scenario}: the configuration has no playbook {name}")


async def begin(console: Console, journal: Journal, clock: Clock, ids: Ids, scenario: str, speed: float = 1.0) -> Drill:
    """Declares and acknowledges the drill's incident, starts its run, and notes that the drill has begun.

    The console must have read the record. Raises BadInput.
    """
    from console.model import commands as cmd
    from console.model.alert import reference
    from console.model.events import DrillStarted
    from console.model.people import Severity

    loaded = playbook_of(scenario, console.settings.playbooks)
    alerts = tuple(reference(alert) for alert in console.board.feed.active)
    declare = cmd.DeclareIncident(f"DRILL: {loaded.playbook.title}", Severity.SEV1, alerts)
    incident = await _done(console, declare)
    await _done(console, cmd.AcknowledgeIncident(incident))
    run = await _done(console, cmd.StartRun(incident, loaded))
    started = DrillStarted(scenario, run, speed)
    drill = Drill(f"drill:{ids.new()}", incident, run, started)
    await _note(journal, clock, ids, console.board.actor, drill.stream, started)
    return drill


async def _done(console: Engine, command: Command) -> str:
    from console.engine.outcome import Done

    outcome = await console.submit(command)
    if not isinstance(outcome, Done):
        raise BadInput(f"the drill cannot go on: {outcome.reason}")
    return outcome.subject


async def _note(journal: Journal, clock: Clock, ids: Ids, actor: Actor, stream: str, payload: Any) -> None:
    from console.ports import Append, NewEvent

    await journal.append([Append(stream, None, (NewEvent(payload, clock.now(), ids.new()),), actor)])


async def finish(
    console: Console, journal: Journal, clock: Clock, ids: Ids, drill: Drill, left_at: datetime | None = None
) -> dict[str, Any]:
    """Notes that the drill is over, and makes its report. `left_at` is when, for a run that did not end."""
    from console.model.events import DrillFinished
    from console.reports.drill import document

    run = console.state.runs[drill.run]
    now = left_at or clock.now()
    minutes = ((run.ended_at or now) - run.started_at).total_seconds() / 60
    outcome = run.status.value if run.ended_at is not None else "left"
    await _note(journal, clock, ids, console.board.actor, drill.stream, DrillFinished(outcome, round(minutes, 3)))
    return document(run, drill.started, now, str(journal.head()))


# -- without a screen -------------------------------------------------------------------------------------------------


async def rehearse(console: Console, clock: Clock, drill: Drill, takes: Mapping[str, timedelta] | None = None) -> None:
    """A scripted operator carries out the run: each step is closed `takes` (by step id) after it started, else after
    `PACE` of its timebox. A flag step is carried out from the console first."""
    planned = dict(takes or {})
    while (run := console.state.runs[drill.run]).ended_at is None:
        due = {item.id: _due(run, item.id, planned) for item in run.active}
        step_id = min(due, key=lambda key: (due[key], key))
        await clock.sleep_until(due[step_id])
        await _close(console, clock, run, run.playbook.step(step_id))


def _due(run: Run, step_id: str, planned: Mapping[str, timedelta]) -> datetime:
    began = run.steps[step_id].started_at
    assert began is not None, "an active step has started"
    box = run.playbook.step(step_id).timebox
    return began + planned.get(step_id, box * PACE if box is not None else UNTIMED)


async def _close(console: Console, clock: Clock, run: Run, step: Step) -> None:
    from console.engine.outcome import Done
    from console.model import commands as cmd
    from console.model.playbook import StepKind
    from console.model.run import StepStatus

    if step.kind is StepKind.FLAG and console.board.flags:
        await console.submit(cmd.SetFlag(run.id, step.id, break_glass=ALONE))
    option = step.options[0].id if step.options else ""
    typed = run.confirmation(step)
    complete = cmd.CompleteStep(run.id, step.id, f"rehearsed: {step.response}", option, typed, break_glass=ALONE)
    give_up = clock.now() + PATIENCE
    while not isinstance(outcome := await console.submit(complete), Done):
        if console.state.runs[run.id].steps[step.id].status is not StepStatus.ACTIVE:
            return  # It has come to its end by itself: its reading showed the effect.
        if clock.now() >= give_up:
            override = f"rehearsed without proof after {PATIENCE.total_seconds() / 60:g} min"
            await _done(console, cmd.CompleteStep(run.id, step.id, outcome.reason, option, typed, override, ALONE))
            return
        await clock.sleep_until(clock.now() + RETRY)
