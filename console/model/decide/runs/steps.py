"""What people do with a step: complete it, fail it, try it again, skip it, end it, take it, read it back.

Nothing here may stop a rollback: readings to look at warn and never refuse, a step whose effect cannot be verified is
closed with a reason, and every step but a decision can be skipped with one.
"""

from __future__ import annotations

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.changes import flag_set
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decide.foresight import Draft
from console.model.decide.runs import authority, flow
from console.model.decide.runs.finding import find_mine, find_step, held_elsewhere, whose
from console.model.decide.runs.seeing import begun, shown
from console.model.decide.runs.telling import react
from console.model.playbook import DECIDED, OBSERVED, Option, Step, StepKind
from console.model.run import HELD, MAX_ATTEMPTS, Run, RunStatus, StepRun, StepStatus
from console.model.state import State


def complete(state: State, command: cmd.CompleteStep, context: Context) -> list[Batch]:
    """Closes a step on what was observed. Where the step names a reading, that reading must show the effect, or the
    operator gives a reason to close it all the same."""
    run, step, progress = find_mine(state, command.run, command.step, context)
    observed = required(command.observed, "what was observed")
    option = _option(step, command.option)
    typed = "" if progress.asked_by is not None else authority.typed_right(run, step, command.typed)
    glass = authority.allowed(state, run, step, progress, context, command.break_glass)
    evidence, override = _evidence(state, run, step, progress, context, command.override)
    done = ev.StepCompleted(
        step.id,
        observed,
        option.id if option else "",
        typed,
        evidence,
        override,
        glass,
        links=command.links,
        attempt=progress.attempt,
    )
    draft = Draft(state, context)
    if option is not None and option.playbook:
        _continue_in(draft, run, step, done, option)
        return draft.batches()
    if option is not None and option.goto:
        flow.refuse_spent(run, option.goto)
    flow.end_step(draft, run.id, done)
    if option is not None and option.goto:
        flow.jump(draft, run.id, step, option.goto)
    else:
        flow.advance(draft, run.id, step)
    if step.kind is StepKind.FLAG:
        draft.take(flag_set(draft.state, run, step, observed, context))
    return draft.batches()


def _option(step: Step, wanted: str) -> Option | None:
    if step.kind is not StepKind.DECISION:
        return None
    for option in step.options:
        if option.id == wanted:
            return option
    known = ", ".join(option.id for option in step.options)
    raise Refusal(f"{step.title!r} is a decision: choose one of {known}")


def _evidence(
    state: State, run: Run, step: Step, progress: StepRun, context: Context, override: str
) -> tuple[str, str]:
    """The evidence in words, and why the step is closed although it does not show the effect."""
    override = override.strip()
    if step.kind is StepKind.PLAYBOOK:
        child = flow.called(state, run, step.id)
        if child is not None and child.status is RunStatus.RUNNING:
            said = f"{child.label} {child.playbook.title} is still running"
            return said, _needed(override, said)
    if step.verify is None:
        return "", ""
    effects = run.effects_of(step.id, progress.attempt)
    if effects and not effects[-1].outcome:
        said = f"cannot verify {step.verify}: {effects[-1].detail} has not ended"
        return said, _needed(override, said)
    after = effects[-1].ended_at if effects else None
    held, evidence = shown(step.verify, context, after, begun(step, progress))
    return evidence, "" if held else _needed(override, evidence)


def _needed(override: str, evidence: str) -> str:
    if not override:
        raise Refusal(f"{evidence}; wait for it, or close the step with a reason")
    return override


def _continue_in(draft: Draft, run: Run, step: Step, done: ev.StepCompleted, option: Option) -> None:
    """Another playbook takes over: a new run of it, or the one that is under way in this incident."""
    loaded = flow.playbook_of(draft.context, option.playbook)
    reason = f"{step.title}: {option.label}"
    for other in draft.state.runs_of(run.incident):
        if other.status is RunStatus.RUNNING and other.playbook.name == option.playbook:
            if other in flow.callers(draft.state, run):
                raise Refusal(f"{option.playbook} is running already, as {other.label}: choose another branch")
            flow.end_step(draft, run.id, done)
            flow.finish(draft, run.id, RunStatus.CONTINUED, reason, other.id)
            return
    following = draft.context.fresh()
    flow.end_step(draft, run.id, done)
    flow.finish(draft, run.id, RunStatus.CONTINUED, reason, following)
    try:
        answers = flow.known_answers(draft.state, run, loaded.playbook)
        flow.begin(draft, following, run.incident, loaded, answers, run.parent, run.parent_step)
    except ValueError as error:
        raise Refusal(f"{error}; choose another branch, or start {option.playbook} by hand") from None


def fail(state: State, command: cmd.FailStep, context: Context) -> list[Batch]:
    """It is tried again by itself where the playbook says so; else its reactions follow, or it stays open, failed,
    until it is tried again or skipped. Of what was begun for it and gave no answer nobody knows the outcome."""
    run, step, _ = find_mine(state, command.run, command.step, context)
    reason = required(command.reason, "the reason")
    draft = Draft(state, context)
    flow.give_up(draft, run.id, step.id, reason)
    flow.failed(draft, run.id, step.id, reason)
    return draft.batches()


def retry(state: State, command: cmd.RetryStep, context: Context) -> list[Batch]:
    """Starts a failed step again, with a new timebox; whoever carries it out is asked anew."""
    run, step, progress = find_mine(state, command.run, command.step, context, StepStatus.FAILED)
    if progress.attempt >= MAX_ATTEMPTS:
        raise Refusal(f"step {step.title!r}: {flow.SPENT}")
    draft = Draft(state, context)
    flow.launch(draft, run.id, step)
    return draft.batches()


def skip(state: State, command: cmd.SkipStep, context: Context) -> list[Batch]:
    """With a reason; a decision cannot be skipped, since nothing would say where to go on."""
    run, step, progress = find_mine(state, command.run, command.step, context, StepStatus.ACTIVE, StepStatus.FAILED)
    if step.kind is StepKind.DECISION:
        raise Refusal(f"{step.title!r} is a decision: choose a branch, or abort the run")
    if step.kind in DECIDED and progress.status is StepStatus.ACTIVE:
        raise Refusal(f"{step.title!r} is an approval: it is given, alone with a reason (break the glass), or it fails")
    reason = required(command.reason, "the reason") if step.skip_needs_reason else command.reason.strip()
    glass = authority.allowed(state, run, step, progress, context, command.break_glass) if step.kind in DECIDED else ""
    skipped = ev.StepSkipped(step.id, reason, progress.attempt, glass)
    draft = Draft(state, context)
    flow.end_step(draft, run.id, skipped)
    react(draft, run, step, (), skipped, "SKIPPED")
    flow.advance(draft, run.id, step)
    return draft.batches()


def expire(state: State, command: cmd.ExpireStep, context: Context) -> list[Batch]:
    """Ends a wait by decision, with what it leaves behind."""
    run, step, progress = find_mine(state, command.run, command.step, context, StepStatus.ACTIVE, StepStatus.FAILED)
    if step.kind not in OBSERVED:
        raise Refusal(f"{step.title!r} is no wait: complete, fail or skip it")
    expired = ev.StepExpired(
        step.id,
        required(command.observed, "what is left"),
        required(command.reason, "the reason"),
        progress.attempt,
    )
    draft = Draft(state, context)
    flow.end_step(draft, run.id, expired)
    flow.advance(draft, run.id, step)
    return draft.batches()


def take(state: State, command: cmd.TakeStep, context: Context) -> list[Batch]:
    """Holds a step for this console, five minutes at a time. From another one it is taken at once, with a reason."""
    run, step, progress = find_step(state, command.run, command.step, StepStatus.ACTIVE, StepStatus.FAILED)
    reason = command.reason.strip()
    if held_elsewhere(progress, context) and not reason:
        raise Refusal(f"{whose(step, progress)}: give a reason to take it over")
    if command.holder and progress.holder != command.holder:
        raise Refusal(f"{whose(step, progress) if progress.holder else 'nobody holds it'}: not {command.holder}")
    return [Batch(run.stream, run.version, (taken(progress, context, reason),))]


def taken(progress: StepRun, context: Context, reason: str = "") -> ev.StepTaken:
    """The event by which this console holds a step from now on."""
    return ev.StepTaken(progress.id, context.now + HELD, reason)


def confirm(state: State, command: cmd.ConfirmStep, context: Context) -> list[Batch]:
    """A second person reads the target back; whoever then does it is another one, on another console."""
    run, step, progress = find_step(state, command.run, command.step)
    read_back = authority.read_back_right(run, step, progress, command.read_back, context)
    authority.refuse_second_read_back(step, progress, context)
    return [Batch(run.stream, run.version, (ev.StepConfirmed(step.id, progress.attempt, read_back),))]
