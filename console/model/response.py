"""What an incident's response is made of besides its state: tasks, decisions, status updates, escalations, its page."""

from __future__ import annotations

from datetime import datetime

from console.model.escalation import Reach
from console.model.pager import PagerStatus
from console.model.people import Actor
from console.model.value import value


@value
class Task:
    """Something that somebody does. `kind` is task, or an action item's: detect, prevent, mitigate, process."""

    id: str
    text: str
    owner: str
    added_at: datetime
    added_by: Actor
    due_at: datetime | None = None
    kind: str = "task"
    outcome: str = ""
    result: str = ""
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it is neither done nor dropped."""
        return not self.outcome


@value
class Decision:
    """What was decided, among which options, against which objections, and whether it came out as expected."""

    id: str
    at: datetime
    by: Actor
    choice: str
    reason: str
    options: tuple[str, ...] = ()
    objections: str = ""
    expected: str = ""
    check_at: datetime | None = None
    observed: str = ""
    observed_at: datetime | None = None


@value
class Update:
    """One status update: Conditions, Actions, Needs."""

    at: datetime
    by: Actor
    conditions: str
    actions: str
    needs: str
    next_due: datetime | None = None


@value
class Escalation:
    """One level that was told, and whom that reached."""

    level: int
    role: str
    at: datetime
    people: tuple[Reach, ...]
    late_seconds: float = 0.0
    reason: str = ""
    pager: str = ""
    by: str = ""
    """Who pressed it; "engine" when its time had come."""

    @property
    def nobody(self) -> bool:
        """Whether nobody could be reached: no holder of the role, or none with an address."""
        return not self.pager and not any(reach.ways for reach in self.people)


@value
class PagerLink:
    """The PagerDuty incident that pages for one of ours, as it was last seen."""

    pager_id: str
    key: str
    adopted: bool
    url: str = ""
    policy: str = ""
    """The escalation policy that owns the paging; empty: none, and the console's own clock does it."""
    level: int = 0
    status: PagerStatus = PagerStatus.TRIGGERED
    by: str = ""
    assigned_to: tuple[str, ...] = ()
    changed_at: datetime | None = None
    silent_since: datetime | None = None
    """Since when PagerDuty says nothing, once that is for too long: then it is no evidence that anybody is reached."""

    @property
    def pages(self) -> bool:
        """Whether a policy of PagerDuty pages for it in our place, as far as anybody knows."""
        return bool(self.policy) and self.status is not PagerStatus.RESOLVED and self.silent_since is None


@value
class Impact:
    """A number of the impact, and where it comes from."""

    what: str
    value: str
    evidence: str
    at: datetime
