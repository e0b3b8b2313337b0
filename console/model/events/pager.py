"""What other systems said that must outlive them: who is on call (stream "pager:<service>/<environment>"), and the
phases of the rollout (stream "rollout:<service>/<environment>")."""

from __future__ import annotations

from console.model.events.registry import event
from console.model.pager import OnCall
from console.model.value import value


@event("pager.on_call_changed")
@value
class OnCallChanged:
    """Kept so that names and numbers are there when PagerDuty is not."""

    on_calls: tuple[OnCall, ...]


@event("rollout.phase_observed")
@value
class PhaseObserved:
    """The share of traffic on the new path, when it was first seen to be another one."""

    percent: float
    source: str
    before: float | None = None
