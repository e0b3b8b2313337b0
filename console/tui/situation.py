"""What a key press means, and the reasons why an action makes no sense now. Both know ids, never rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.model.board import Board
    from console.model.incident import Incident
    from console.model.playbook import Run, Step, StepRun


@dataclass(frozen=True, slots=True)
class Situation:
    """What a key press meant at the moment of the press: ids, never rows. Empty where nothing is meant.

    `gone` names what was under the cursor and is no longer there: an action on it is refused by that name.
    """

    board: Board
    scope: str
    alert: str = ""
    incident: str = ""
    run: str = ""
    step: str = ""
    entry: str = ""
    event: str = ""
    gone: str = ""

    @property
    def the_incident(self) -> Incident | None:
        """The incident meant, while it is on the Board."""
        return self.board.incident(self.incident) if self.incident else None

    @property
    def the_run(self) -> Run | None:
        """The run meant, while it is on the Board."""
        return self.board.run(self.run) if self.run else None

    @property
    def the_step(self) -> tuple[Step, StepRun] | None:
        """The step under the cursor with its progress."""
        run = self.the_run
        if run is None or self.step not in run.steps:
            return None
        return run.playbook.step(self.step), run.steps[self.step]


def alert(at: Situation) -> str:
    """An alert is under the cursor, or was."""
    return "" if at.alert or at.gone else "no alert is highlighted"


def open_incident(at: Situation) -> str:
    """The incident meant is open."""
    found = at.the_incident
    if found is None:
        return "no incident is open" if not at.incident else "that incident is not on the board"
    return "" if found.open else f"{found.label} is {found.state.value}"


def known_incident(at: Situation) -> str:
    """There is an incident, open or not."""
    return "" if at.the_incident is not None else "there is no incident"


def acknowledge(at: Situation) -> str:
    """The incident waits to be acknowledged."""
    reason = open_incident(at)
    found = at.the_incident
    if not reason and found is not None and found.acknowledged_at is not None:
        return f"{found.label} was acknowledged by {found.acknowledged_by}"
    return reason


def note(at: Situation) -> str:
    """There is something to note on."""
    return (
        ""
        if at.the_incident is not None or at.board.shift is not None
        else "no incident is open and nobody is on shift"
    )


def link(at: Situation) -> str:
    """An alert, and an incident to link it to."""
    return alert(at) or open_incident(at)


def playbooks(at: Situation) -> str:
    """An open incident, and playbooks to offer."""
    return open_incident(at) or ("" if at.board.playbooks else "no playbook is loaded")


def run(at: Situation) -> str:
    """There is a run."""
    return "" if at.the_run is not None else "no playbook is running"


def running(at: Situation) -> str:
    """The run meant is under way."""
    run = at.the_run
    if run is None:
        return "no playbook is running"
    return "" if run.ended_at is None else f"{run.label} is {run.status.value}"


def step(*statuses: str) -> Callable[[Situation], str]:
    """The step under the cursor has one of these statuses."""

    def reason(at: Situation) -> str:
        stopped = running(at)
        found = at.the_step
        if stopped or found is None:
            return stopped or "no step is highlighted"
        step, progress = found
        return "" if progress.status.value in statuses else f"step {step.title} is {progress.status.value}"

    return reason


active = step("active")
open_step = step("active", "failed")


def skip(at: Situation) -> str:
    """The step may be skipped."""
    reason, found = open_step(at), at.the_step
    if not reason and found is not None and found[0].kind.value == "decision":
        return "a decision is not skipped: choose a branch, or abort the run"
    return reason


def expire(at: Situation) -> str:
    """The step is an open wait."""
    reason, found = open_step(at), at.the_step
    if not reason and found is not None and found[0].kind.value != "wait":
        return f"{found[0].title} is no wait: complete, fail or skip it"
    return reason


def flag(at: Situation) -> str:
    """The step sets a flag, and something here can."""
    reason, found = active(at), at.the_step
    if reason or found is None:
        return reason
    if found[0].kind.value != "flag":
        return f"{found[0].title} sets no flag"
    return "" if at.board.flags else "nothing here can set flags: set it by hand, then c with what you observe"


def environments(at: Situation) -> str:
    """There is another environment."""
    return "" if len(at.board.environments) > 1 else "only one service and environment is configured"


def begin(at: Situation) -> str:
    """Nobody is on shift."""
    shift = at.board.shift
    return f"{shift.operator} is on shift: it is taken over by a handoff" if shift is not None else ""


def on_shift(at: Situation) -> str:
    """Somebody is on shift."""
    return "" if at.board.shift is not None else "nobody is on shift"


def entry(kind: str, otherwise: str) -> Callable[[Situation], str]:
    """An entry of this kind is under the cursor."""
    return lambda at: "" if at.entry.startswith(kind) else otherwise


def take(at: Situation) -> str:
    """A handoff waits to be taken."""
    mine = [item for item in at.board.handoffs if item.open and item.to == at.board.actor.name]
    if not mine:
        return "no handoff is offered to you"
    left = len(mine[0].pending)
    return f"{left} items of {mine[0].label} are not accepted yet" if left else ""


def has_incidents(at: Situation) -> str:
    """There is an incident to show."""
    return "" if at.board.incidents else "there is no incident: D declares one"


def has_runs(at: Situation) -> str:
    """There is a run to show."""
    return "" if at.board.runs else "no playbook was started: p offers some"
