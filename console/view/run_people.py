"""Who may do what in a run: who has a role now, and what stands against a person who acts alone."""

from __future__ import annotations

from console.model.board import Board
from console.model.people import Actor, are_two_people
from console.model.playbook import DECIDED, Step, StepKind
from console.model.run import Run, StepRun


def holders(role: str, run: Run, board: Board) -> str:
    """Who has a role now: in the incident, else by the rota, else by people.yaml; empty when nobody does."""
    incident = board.incident(run.incident)
    if incident is not None and incident.roles.get(role):
        return incident.roles[role]
    for name, reaches in board.on_call:
        if name == role and reaches:
            return ", ".join(reach.person for reach in reaches)
    return ", ".join(person.name for person in board.people if role in person.roles)


def starter(run: Run, board: Board) -> Actor | None:
    """Who started the run, or the one that called it first of all."""
    seen = {run.id}
    while run.parent and run.parent not in seen:
        above = board.run(run.parent)
        if above is None:
            break
        seen.add(above.id)
        run = above
    return run.started_by


def objections(run: Run, step: Step, board: Board) -> list[str]:
    """Why the actor of this console may not do the step alone. With a reason they may all the same: it is announced."""
    found = [_role(run, step, board), _own(run, step, board), second_person(run, step, run.steps[step.id], board)]
    return [text for text in found if text]


def _role(run: Run, step: Step, board: Board) -> str:
    if not step.role or step.kind not in DECIDED:
        return ""
    incident = board.incident(run.incident)
    named = incident.roles.get(step.role, "") if incident is not None else ""
    standing = any(person.name == board.actor.name and step.role in person.roles for person in board.people)
    if standing or named == board.actor.name:
        return ""
    return f"it is for the {step.role}{f' ({named})' if named else ''}"


def _own(run: Run, step: Step, board: Board) -> str:
    began = starter(run, board)
    if step.kind is not StepKind.APPROVAL or began is None or are_two_people(began, board.actor):
        return ""
    return f"it needs another person than {began}, who started the run"


def second_person(run: Run, step: Step, progress: StepRun, board: Board) -> str:
    """What is missing of the second person; empty when nothing is, and where none is asked for."""
    if not step.second_person or progress.asked_by is not None:
        return ""
    if progress.confirmed_by is None:
        return f"it needs a second person, who reads back {run.target} on their own console (b there)"
    who = f"it was read back by {progress.confirmed_by}"
    if not are_two_people(progress.confirmed_by, board.actor):
        return f"{who}: another person does it"
    if board.console and progress.confirmed_on == board.console:
        return f"{who} on this console: the second person uses their own"
    return ""
