"""The rules of playbook runs.

Nothing here may stop a rollback: readings to look at warn and never refuse, a step whose effect cannot be verified is
closed with a reason, and any step can be skipped with one.
"""

from __future__ import annotations

from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.changes import flag_intended, flag_set
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.playbook import Check, LoadedPlaybook, Option, Step, StepKind
from console.model.reading import Reading, ReadingState
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.model.state import State

MAX_ATTEMPTS = 9
"""How often one step may be started in a run, so that a loop ends."""


def _find(state: State, run_id: str, step_id: str) -> tuple[Run, Step, StepRun]:
    run = state.runs.get(run_id)
    if run is None:
        raise Refusal(f"run {run_id} is not in this record")
    if run.status is not RunStatus.RUNNING:
        raise Refusal(f"{run.label} is {run.status}")
    if step_id not in run.steps:
        raise Refusal(f"{run.label} has no step {step_id!r}")
    return run, run.playbook.step(step_id), run.steps[step_id]


def _active(state: State, run_id: str, step_id: str, *statuses: StepStatus) -> tuple[Run, Step, StepRun]:
    run, step, progress = _find(state, run_id, step_id)
    if progress.status not in (statuses or (StepStatus.ACTIVE,)):
        by = f" by {progress.by}" if progress.by else ""
        at = f" at {progress.ended_at:%H:%M:%S}Z" if progress.ended_at else ""
        raise Refusal(f"step {step.title!r} is {progress.status}{by}{at}")
    return run, step, progress


def _start_events(run: Run | None, first: Step | None, playbook: Any, context: Context) -> list[Any]:
    """StepStarted for `first`, and for what starts together with it: a parallel step never holds up the next."""
    events: list[Any] = []
    step = first
    while step is not None:
        before = run.steps[step.id] if run is not None else None
        attempt = (before.attempt if before else 0) + 1
        if attempt > MAX_ATTEMPTS:
            raise Refusal(f"step {step.title!r} was started {MAX_ATTEMPTS} times: skip it or abort the run")
        deadline = None if step.timebox is None else context.now + step.timebox
        events.append(ev.StepStarted(step.id, step.owner, deadline, attempt))
        if not step.parallel:
            break
        step = playbook.after(step.id)
    return events


def _begin(incident: str, loaded: LoadedPlaybook, context: Context) -> tuple[str, Batch]:
    run_id = context.fresh()
    started = ev.RunStarted(incident, loaded.playbook, loaded.hash, str(context.target))
    steps = _start_events(None, loaded.playbook.steps[0], loaded.playbook, context)
    return run_id, Batch(f"run:{run_id}", 0, (started, *steps))


def start(state: State, command: cmd.StartRun, context: Context) -> list[Batch]:
    """A run of a playbook in an open incident; the same playbook runs once at a time in it."""
    incident = state.incidents.get(command.incident)
    if incident is None or not incident.open:
        raise Refusal(f"incident {incident.label if incident else command.incident} is not open")
    name = command.playbook.playbook.name
    for run in state.runs_of(incident.id):
        if run.status is RunStatus.RUNNING and run.playbook.name == name:
            raise Refusal(f"{name} is running already in {incident.label}, as {run.label}")
    return [_begin(incident.id, command.playbook, context)[1]]


def _advance(run: Run, step: Step, goto: str, context: Context) -> list[Any]:
    """What follows when `step` is settled: the next steps, or the end of the run."""
    if step.parallel and not goto:
        others = [item for item in run.active if item.id != step.id]
        at_end = not others and _last_blocking_settled(run, step)
        return [ev.RunFinished(RunStatus.COMPLETED)] if at_end else []
    following = run.playbook.step(goto) if goto else run.playbook.after(step.id)
    if following is not None:
        return _start_events(run, following, run.playbook, context)
    still_open = [item for item in run.active if item.id != step.id]
    return [] if still_open else [ev.RunFinished(RunStatus.COMPLETED)]


def _last_blocking_settled(run: Run, step: Step) -> bool:
    pending = [item for item in run.steps.values() if item.status is StepStatus.PENDING and item.id != step.id]
    return not pending


def verdict(check: Check, reading: Reading[float] | None) -> tuple[bool, str]:
    """Whether a reading shows what a step must show, and the evidence in words. No value, or a value that is less than
    ok, shows nothing."""
    if reading is None:
        return False, f"cannot verify {check}: no such reading"
    if reading.value is None or reading.state is not ReadingState.OK:
        return (
            False,
            f"cannot verify {check}: {reading.state.replace('_', ' ')}{': ' + reading.note if reading.note else ''}",
        )
    at = f" at {reading.at:%H:%M:%S}Z" if reading.at else ""
    held = check.holds(reading.value)
    return (
        held,
        f"{check.reading} = {reading.value:g}{at} ({reading.source}), {'as' if held else 'not'} expected {check}",
    )


def complete(state: State, command: cmd.CompleteStep, context: Context) -> list[Batch]:
    """Closes a step on what was observed. Where the step names a reading, that reading must show the effect, or the
    operator gives a reason to close it all the same."""
    run, step, _ = _active(state, command.run, command.step)
    observed = required(command.observed, "what was observed")
    option = _option(step, command.option)
    if step.irreversible and command.typed.strip() != run.confirmation(step):
        raise Refusal(f"{step.title!r} is irreversible: type {run.confirmation(step)!r} to confirm it")
    evidence, override = "", command.override.strip()
    if step.verify is not None:
        held, evidence = verdict(step.verify, context.readings.get(step.verify.reading))
        if not held and not override:
            raise Refusal(f"{evidence}; wait for it, or close the step with a reason")
        if held:
            override = ""
    done = ev.StepCompleted(
        step.id,
        observed,
        option.id if option else "",
        command.typed.strip() if step.irreversible else "",
        evidence,
        override,
    )
    if option is not None and option.playbook:
        return _continue_in(run, step, done, option, context)
    following = _advance(run, step, option.goto if option else "", context)
    ledger = flag_set(state, run, step, observed, context) if step.kind is StepKind.FLAG else []
    return [Batch(run.stream, run.version, (done, *following)), *ledger]


def _option(step: Step, wanted: str) -> Option | None:
    if step.kind is not StepKind.DECISION:
        return None
    for option in step.options:
        if option.id == wanted:
            return option
    known = ", ".join(option.id for option in step.options)
    raise Refusal(f"{step.title!r} is a decision: choose one of {known}")


def _continue_in(run: Run, step: Step, done: ev.StepCompleted, option: Option, context: Context) -> list[Batch]:
    loaded = context.playbooks.get(option.playbook)
    if loaded is None:
        raise Refusal(f"playbook {option.playbook!r} is not loaded; choose another branch, or start it by hand")
    next_run, begun = _begin(run.incident, loaded, context)
    finished = ev.RunFinished(RunStatus.CONTINUED, f"{step.title}: {option.label}", next_run)
    return [Batch(run.stream, run.version, (done, finished)), begun]


def fail(state: State, command: cmd.FailStep, _: Context) -> list[Batch]:
    """The step stays open, failed, until it is tried again or skipped."""
    run, step, _progress = _active(state, command.run, command.step)
    return [Batch(run.stream, run.version, (ev.StepFailed(step.id, required(command.reason, "the reason")),))]


def retry(state: State, command: cmd.RetryStep, context: Context) -> list[Batch]:
    """Starts a failed step again, with a new timebox."""
    run, step, progress = _active(state, command.run, command.step, StepStatus.FAILED)
    if progress.attempt >= MAX_ATTEMPTS:
        raise Refusal(f"step {step.title!r} was started {MAX_ATTEMPTS} times: skip it or abort the run")
    deadline = None if step.timebox is None else context.now + step.timebox
    started = ev.StepStarted(step.id, step.owner, deadline, progress.attempt + 1)
    return [Batch(run.stream, run.version, (started,))]


def skip(state: State, command: cmd.SkipStep, context: Context) -> list[Batch]:
    """With a reason; a decision cannot be skipped, since nothing would say where to go on."""
    run, step, _ = _active(state, command.run, command.step, StepStatus.ACTIVE, StepStatus.FAILED)
    if step.kind is StepKind.DECISION:
        raise Refusal(f"{step.title!r} is a decision: choose a branch, or abort the run")
    skipped = ev.StepSkipped(step.id, required(command.reason, "the reason"))
    return [Batch(run.stream, run.version, (skipped, *_advance(run, step, "", context)))]


def expire(state: State, command: cmd.ExpireStep, context: Context) -> list[Batch]:
    """Ends a wait by decision, with what it leaves behind."""
    run, step, _ = _active(state, command.run, command.step, StepStatus.ACTIVE, StepStatus.FAILED)
    if step.kind is not StepKind.WAIT:
        raise Refusal(f"{step.title!r} is no wait: complete, fail or skip it")
    expired = ev.StepExpired(
        step.id, required(command.observed, "what is left"), required(command.reason, "the reason")
    )
    return [Batch(run.stream, run.version, (expired, *_advance(run, step, "", context)))]


def abort(state: State, command: cmd.AbortRun, _: Context) -> list[Batch]:
    """Ends the run where it stands, with a reason."""
    run = state.runs.get(command.run)
    if run is None or run.status is not RunStatus.RUNNING:
        raise Refusal(f"run {run.label if run else command.run} is not running")
    finished = ev.RunFinished(RunStatus.ABORTED, required(command.reason, "the reason"))
    return [Batch(run.stream, run.version, (finished,))]


def intend_flag(state: State, command: cmd.SetFlag, context: Context) -> list[Batch]:
    """The intent to set a flag, before anything is touched. Refused while an earlier attempt's outcome is unknown."""
    run, step, _ = _active(state, command.run, command.step)
    if step.kind is not StepKind.FLAG:
        raise Refusal(f"{step.title!r} sets no flag")
    if not context.flags:
        raise Refusal(f"nothing here can set {step.flag}: set it by hand and type what you observe")
    for effect in run.effects:
        if effect.step == step.id and effect.kind == "flag" and not effect.outcome:
            raise Refusal(
                f"an earlier attempt to set {effect.target} has an unknown outcome: "
                "read the flag, then close the step by hand"
            )
    intent = ev.EffectIntended(
        context.fresh(), "flag", step.flag, f"set to {step.percent:g} % for {run.target}", step.id
    )
    return [Batch(run.stream, run.version, (intent,)), *flag_intended(state, run, step, context)]
