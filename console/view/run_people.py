"""Who may do what in a run: who has a role now, and what stands against a person who acts alone."""

from __future__ import annotations

from console.model.alone import approves_own, lacks_role, lacks_second
from console.model.board import Board
from console.model.people import Actor
from console.model.playbook import Step
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
    actor = board.actor
    standing = {role for person in board.people if person.name == actor.name for role in person.roles}
    found = [
        lacks_role(step, actor, standing, board.incident(run.incident)),
        approves_own(step, actor, starter(run, board)),
    ]
    said = [f"it {text}" for text in found if text]
    missing = second_person(run, step, run.steps[step.id], board)
    return [*said, missing] if missing else said


def second_person(run: Run, step: Step, progress: StepRun, board: Board) -> str:
    """What is missing of the second person; empty when nothing is, and where none is asked for."""
    missing = lacks_second(run, step, progress, board.actor, board.console)
    if not missing:
        return ""
    return f"it {missing}" if progress.confirmed_by is not None else f"it {missing} (b there)"
