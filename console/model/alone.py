"""What stands against one person doing a step alone: said by the rules that refuse it, and by the screen before."""

from __future__ import annotations

from collections.abc import Collection

from console.model.incident import Incident
from console.model.people import Actor, are_two_people
from console.model.playbook import DECIDED, Step, StepKind
from console.model.run import Run, StepRun


def lacks_role(step: Step, actor: Actor, standing: Collection[str], incident: Incident | None) -> str:
    """Who alone may decide or approve it, where that is not the actor, who has the roles `standing` by people.yaml."""
    if not step.role or step.kind not in DECIDED:
        return ""
    named = incident.roles.get(step.role, "") if incident is not None else ""
    if actor.name == named or step.role in standing:
        return ""
    return f"is for the {step.role}{f' ({named})' if named else ''}"


def approves_own(step: Step, actor: Actor, starter: Actor | None) -> str:
    """Whether somebody would approve what they have started themselves."""
    if step.kind is not StepKind.APPROVAL or starter is None or are_two_people(starter, actor):
        return ""
    return f"needs another person than {starter}, who started the run"


def lacks_second(run: Run, step: Step, progress: StepRun, actor: Actor, console: str) -> str:
    """What is missing of the second person; what was asked for in this attempt had one."""
    if not step.second_person or progress.asked_by is not None:
        return ""
    if progress.confirmed_by is None:
        return f"needs a second person, who reads back {run.target} on their own console"
    if not are_two_people(progress.confirmed_by, actor):
        return f"was read back by {progress.confirmed_by}: another person does it"
    if console and progress.confirmed_on == console:
        return "was read back on this console: the second person uses their own"
    return ""
