"""A run as a whole: started, put on hold, resumed, aborted; and the word that a file's programs may run."""

from __future__ import annotations

from collections.abc import Iterator

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decide.foresight import Draft
from console.model.decide.runs import flow
from console.model.decide.runs.finding import find_run, find_running
from console.model.run import MAX_ATTEMPTS, Run, RunStatus, StepStatus
from console.model.state import State


def start(state: State, command: cmd.StartRun, context: Context) -> list[Batch]:
    """A run of a playbook in an open incident; the same playbook runs once at a time in it."""
    incident = state.incidents.get(command.incident)
    if incident is None or not incident.open:
        raise Refusal(f"incident {incident.label if incident else command.incident} is not open")
    _refuse_twice(state, incident.id, incident.label, command.playbook.playbook.name)
    draft = Draft(state, context)
    try:
        flow.begin(draft, context.fresh(), incident.id, command.playbook, dict(command.variables))
    except ValueError as error:
        raise Refusal(str(error)) from None
    return draft.batches()


def _refuse_twice(state: State, incident: str, label: str, name: str) -> None:
    for run in state.runs_of(incident):
        if run.status is RunStatus.RUNNING and run.playbook.name == name:
            raise Refusal(f"{name} is running already in {label}, as {run.label}")


def hold(state: State, command: cmd.HoldRun, context: Context) -> list[Batch]:
    """Stops every clock of a run and of those that it called."""
    run = find_running(state, command.run)
    if run.held_at is not None:
        raise Refusal(f"{run.label} is on hold since {run.held_at:%H:%M:%S}Z ({run.held_reason})")
    held = ev.RunHeld(required(command.reason, "the reason"))
    return [Batch(item.stream, item.version, (held,)) for item in (run, *_below(state, run)) if item.held_at is None]


def _below(state: State, run: Run) -> Iterator[Run]:
    """The running ones that it called."""
    for item in state.runs.values():
        if item.parent == run.id and item.status is RunStatus.RUNNING:
            yield item
            yield from _below(state, item)


def resume(state: State, command: cmd.ResumeRun, context: Context) -> list[Batch]:
    """Goes on with what was on hold: what is under way gets the time back that was left. What was aborted goes on where
    it ended: the steps that were under way start anew."""
    run = find_run(state, command.run)
    resumed = ev.RunResumed(required(command.reason, "the reason"))
    if run.held_at is not None:
        # What somebody held by itself, for a reason of its own, stays so.
        why = (run.held_at, run.held_reason)
        held = [run, *(item for item in _below(state, run) if (item.held_at, item.held_reason) == why)]
        return [Batch(item.stream, item.version, (resumed,)) for item in held]
    if run.status is not RunStatus.ABORTED:
        raise Refusal(f"{run.label} is {run.status}: there is nothing to resume")
    incident = state.incidents.get(run.incident)
    if incident is None or not incident.open:
        raise Refusal(f"incident {incident.label if incident else run.incident} is not open")
    _refuse_twice(state, incident.id, incident.label, run.playbook.name)
    draft = Draft(state, context)
    draft.add(run.stream, resumed)
    for progress in run.active:
        # What was started as often as it may be goes on as it stands.
        if progress.status is StepStatus.ACTIVE and progress.attempt < MAX_ATTEMPTS:
            flow.launch(draft, run.id, run.playbook.step(progress.id))
    return draft.batches()


def abort(state: State, command: cmd.AbortRun, context: Context) -> list[Batch]:
    """Ends the run where it stands, with a reason, and what it called. `Run.undoing` says what was done and how it is
    taken back."""
    run = find_running(state, command.run)
    draft = Draft(state, context)
    flow.finish(draft, run.id, RunStatus.ABORTED, required(command.reason, "the reason"))
    return draft.batches()


def trust(state: State, command: cmd.TrustPlaybook, _: Context) -> list[Batch]:
    """The programs of this very file may run from now on, whoever may write it."""
    loaded = command.playbook
    known = state.trusted.get(loaded.hash)
    if known is not None:
        raise Refusal(f"{loaded.playbook.name} was trusted by {known.by} at {known.at:%Y-%m-%d %H:%M:%S}Z")
    reason = required(command.reason, "the reason")
    trusted = ev.PlaybookTrusted(loaded.playbook.name, loaded.hash, loaded.file, reason)
    return [Batch(f"trust:{loaded.hash}", 0, (trusted,))]
