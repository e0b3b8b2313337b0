"""What a key press means, and the reasons why an action makes no sense now. Both know ids, never rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from console.model.value import value

if TYPE_CHECKING:
    from console.model.alert import Alert
    from console.model.board import Board
    from console.model.change import Change
    from console.model.folding import Item
    from console.model.incident import Incident
    from console.model.message import Delivery
    from console.model.playbook import Step
    from console.model.run import Run, StepRun
    from console.model.silence import Silence
    from console.model.slo import SloGauge


@value
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
    lane: bool = False
    """Whether a time lane is on the screen."""
    item: Item | None = None
    """The row of the alert feed, as it was at the press: what has come to its fold since is not meant."""

    @property
    def the_silence(self) -> Silence | None:
        """The silence under the cursor, while it is on the Board."""
        wanted = self.entry.removeprefix("silence:")
        return next((item for item in self.board.silences if item.id == wanted), None) if wanted != self.entry else None

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

    @property
    def the_change(self) -> Change | None:
        """The temporary change under the cursor, while it is on the Board."""
        return next((item for item in self.board.changes if self.entry == f"change:{item.id}"), None)

    @property
    def the_slo(self) -> SloGauge | None:
        """The objective under the cursor, while it is on the Board."""
        return next((item for item in self.board.slos if self.entry == f"slo:{item.objective.name}"), None)

    @property
    def the_delivery(self) -> Delivery | None:
        """The message under the cursor, while it is on the Board."""
        return next((item for item in self.board.deliveries if self.entry == f"delivery:{item.id}"), None)


def slo(at: Situation) -> str:
    """An objective is under the cursor, or was."""
    return "" if at.the_slo is not None or at.gone else "no SLO is highlighted"


def lane(at: Situation) -> str:
    """A time lane is on the screen."""
    return "" if at.lane else "enter shows the time lane of an SLO"


def alert(at: Situation) -> str:
    """An alert, or a fold of them, is under the cursor, or was."""
    return "" if at.alert or at.gone or at.item is not None else "no alert is highlighted"


def one_alert(at: Situation) -> str:
    """One alert is under the cursor, or was."""
    return alert(at) or ("" if at.alert or at.gone else "this is about one alert: enter opens the fold")


def fold(at: Situation) -> str:
    """The cursor is on a fold, or was."""
    return "" if at.gone or (at.item is not None and len(at.item.alerts) > 1) else "no fold is highlighted"


def unowned(at: Situation) -> str:
    """There is something under the cursor that nobody has."""
    if at.gone or at.item is None:
        return alert(at)
    if len(at.item.alerts) > 1:
        return "" if taken(at.board, at.item.alerts) < len(at.item.alerts) else "somebody has all of them"
    care = at.board.care.get(at.alert)
    if care is None or not care.acknowledges(at.item.alerts[0]):
        return ""
    return f"{care.name} was acknowledged by {care.acknowledged_by}"


def taken(board: Board, alerts: Iterable[Alert]) -> int:
    """How many of these somebody has."""
    care = board.care
    return sum(1 for item in alerts if item.fingerprint in care and care[item.fingerprint].acknowledges(item))


def owned(at: Situation) -> str:
    """Somebody has the alert."""
    care = at.board.care.get(at.alert)
    return one_alert(at) or ("" if at.gone or (care is not None and care.acknowledged_at) else "nobody has it")


def silence(at: Situation) -> str:
    """A silence is under the cursor, or was."""
    return "" if at.the_silence is not None or at.gone else "no silence is highlighted"


def silence_stands(at: Situation) -> str:
    """It is in force, or will be."""
    found = at.the_silence
    return silence(at) or (f"it is {found.state.value}" if found is not None and found.state == "expired" else "")


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
    if reason and at.scope == "overview" and at.alert:
        return f"{reason}: 5 lists the alerts, and there a takes one"
    found = at.the_incident
    if not reason and found is not None and found.acknowledged_at is not None:
        return f"{found.label} was acknowledged by {found.acknowledged_by}"
    return reason


def unacknowledge(at: Situation) -> str:
    """Somebody has the incident."""
    reason = open_incident(at)
    found = at.the_incident
    if not reason and found is not None and found.acknowledged_at is None:
        return f"nobody has acknowledged {found.label}"
    return reason


def escalate(at: Situation) -> str:
    """The incident is one that more people may be told of."""
    reason = open_incident(at)
    found = at.the_incident
    if not reason and found is not None and found.state.value == "resolved":
        return f"{found.label} is resolved: nobody is told any more"
    return reason


def paged(at: Situation) -> str:
    """A page of PagerDuty is open for the incident."""
    reason = open_incident(at)
    found = at.the_incident
    if not reason and found is not None and not found.open_pages:
        return f"no page of {found.label} is open in PagerDuty: e tells people by other ways"
    return reason


def merge(at: Situation) -> str:
    """There is another open incident."""
    others = [item for item in at.board.open_incidents if item.id != at.incident]
    return open_incident(at) or ("" if others else "no other incident is open")


def row(at: Situation) -> str:
    """Something is under the cursor, or was."""
    return "" if at.entry or at.gone else "nothing is highlighted"


def log_line(at: Situation) -> str:
    """A line of the log is under the cursor."""
    return "" if at.event else "no line of the log is highlighted: L shows it"


def change(*kinds: str) -> Callable[[Situation], str]:
    """A temporary change that is not over is under the cursor, of one of these kinds where some are named."""

    def reason(at: Situation) -> str:
        found = at.the_change
        if found is None:
            return f"{at.gone} is no longer there" if at.gone else "no temporary change is highlighted"
        if found.ended_at is not None:
            return f"{found.label} is {found.state.value}"
        if kinds and found.kind.value not in kinds:
            return f"{found.label} is a {found.kind.value}, no {' or '.join(kinds)}"
        return ""

    return reason


def hand_over(at: Situation) -> str:
    """Somebody owes the undoing of the change."""
    found, reason = at.the_change, change()(at)
    if not reason and found is not None and not found.owed(at.board.at):
        return f"{found.label} is {found.state.value}: nobody owes its undoing"
    return reason


def retry(at: Situation) -> str:
    """A message that was given up is under the cursor."""
    found = at.the_delivery
    if found is None:
        return "no message is highlighted"
    return "" if found.state.value == "failed" else f"that message is {found.state.value}, not given up"


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
    """An open incident, and playbooks to offer. Those that have yet to be read are waited for in the offer itself."""
    return open_incident(at) or ("" if at.board.playbooks or not at.board.playbooks_read else "no playbook is loaded")


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
