"""Who may: another person, a role, a word that is typed. Everything that needs a person who is not there can be done
alone with a reason, which is kept and told: nothing may stop a rollback."""

from __future__ import annotations

from console.model.alone import approves_own, lacks_role, lacks_second
from console.model.decide.context import Context, Refusal
from console.model.decide.runs.flow import callers
from console.model.people import are_two_people
from console.model.playbook import Step
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
    incident, actor = state.incidents.get(run.incident), context.actor
    starter = callers(state, run)[-1].started_by
    missing = (
        lacks_role(step, actor, context.standing.get(actor.name, ()), incident),
        approves_own(step, actor, starter),
        lacks_second(run, step, progress, actor, context.console),
    )
    objections = [f"{step.title!r} {text}" for text in missing if text]
    if objections and not break_glass.strip():
        raise Refusal(f"{'; '.join(objections)}. Alone it can be done with a reason, which is told (break the glass)")
    return break_glass.strip() if objections else ""


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
