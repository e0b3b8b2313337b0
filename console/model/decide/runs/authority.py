"""Who may: another person, a role, a word that is typed. Everything that needs a person who is not there can be done
alone with a reason, which is kept and told: nothing may stop a rollback."""

from __future__ import annotations

from console.model.decide.context import Context, Refusal
from console.model.decide.runs.flow import callers
from console.model.people import are_two_people
from console.model.playbook import DECIDED, Step, StepKind
from console.model.run import Run, StepRun
from console.model.state import State


def typed_right(run: Run, step: Step, typed: str) -> str:
    """What was typed for an irreversible step. Raises Refusal when it is not what must be."""
    if not step.irreversible:
        return ""
    if typed.strip() != run.confirmation(step):
        raise Refusal(f"{step.title!r} is irreversible: type {run.confirmation(step)!r} to confirm it")
    return typed.strip()


def allowed(state: State, run: Run, step: Step, progress: StepRun, context: Context, break_glass: str) -> str:
    """Empty when the actor may; else the reason why they do it all the same. Raises Refusal without one."""
    objections = [
        text
        for text in (
            _without_role(state, run, step, context),
            _own_approval(state, run, step, context),
            _alone(run, step, progress, context),
        )
        if text
    ]
    if objections and not break_glass.strip():
        raise Refusal(f"{'; '.join(objections)}. Alone it can be done with a reason, which is told (break the glass)")
    return break_glass.strip() if objections else ""


def _without_role(state: State, run: Run, step: Step, context: Context) -> str:
    if not step.role or step.kind not in DECIDED:
        return ""
    name = context.actor.name
    incident = state.incidents.get(run.incident)
    holder = incident.roles.get(step.role, "") if incident is not None else ""
    if name == holder or step.role in context.standing.get(name, ()):
        return ""
    return f"{step.title!r} is for the {step.role}{f' ({holder})' if holder else ''}"


def _own_approval(state: State, run: Run, step: Step, context: Context) -> str:
    if step.kind is not StepKind.APPROVAL:
        return ""
    starter = callers(state, run)[-1].started_by
    if starter is None or are_two_people(starter, context.actor):
        return ""
    return f"{step.title!r} needs another person than {starter}, who started the run"


def _alone(run: Run, step: Step, progress: StepRun, context: Context) -> str:
    """Whether the second person is missing; what was asked for in this attempt had one."""
    if not step.second_person or progress.asked_by is not None:
        return ""
    if progress.confirmed_by is None:
        return f"{step.title!r} needs a second person, who reads back {run.target} on their own console"
    if not are_two_people(progress.confirmed_by, context.actor):
        return f"{step.title!r} was read back by {progress.confirmed_by}: another person does it"
    if context.console and progress.confirmed_on == context.console:
        return f"{step.title!r} was read back on this console: the second person uses their own"
    return ""


def refuse_second_read_back(step: Step, progress: StepRun, context: Context) -> None:
    """Raises Refusal where somebody has read the target back already: whoever then does it must not put themselves in
    that one's place. When that one has taken the step, another person reads back."""
    before = progress.confirmed_by
    if before is None:
        return
    does_it = progress.held_by is not None and not are_two_people(progress.held_by, before)
    holds = progress.held_until is not None and context.now < progress.held_until
    if not (does_it and holds and are_two_people(before, context.actor)):
        raise Refusal(f"{before} has read back the target of {step.title!r} already")


def read_back_right(run: Run, step: Step, progress: StepRun, read_back: str, context: Context) -> str:
    """What the second person typed. Raises Refusal when it is not the target, or they hold the step themselves."""
    if not step.second_person:
        raise Refusal(f"{step.title!r} needs no second person")
    holds = progress.held_by is not None and progress.held_until is not None and context.now < progress.held_until
    if holds and progress.held_by is not None and not are_two_people(progress.held_by, context.actor):
        raise Refusal(f"{progress.held_by} does {step.title!r}: another person reads the target back")
    if holds and context.console and progress.holder == context.console:
        raise Refusal(f"{step.title!r} is done on this console: read the target back on your own")
    if read_back.strip() not in (run.target, run.confirmation(step) or run.target):
        raise Refusal(f"{read_back.strip()!r} is not the target: read back {run.target!r}")
    return read_back.strip()
