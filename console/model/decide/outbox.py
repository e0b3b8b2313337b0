"""When a delivery that waited has lost its point."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.incident import QUIET
from console.model.message import Act, Delivery
from console.model.state import State

TOO_OLD = timedelta(hours=24)
"""What waited longer says nothing that anybody should learn in this way now."""

_PAGING = (Act.PAGE, Act.TRIGGER, Act.ESCALATE)


def pointless(state: State, delivery: Delivery, now: datetime) -> str:
    """Why it should not be carried out any more; empty when it should. Nobody is paged for what is over, or for what
    somebody has taken since: whoever has it may ask for more people."""
    if now - delivery.queued_at > TOO_OLD:
        return f"waited since {delivery.queued_at:%Y-%m-%d %H:%M}Z: too old to be sent"
    incident = state.incidents.get(delivery.message.subject)
    if incident is None or delivery.act not in _PAGING:
        return ""
    if incident.state in QUIET:
        return f"{incident.label} is {incident.state}: nobody needs to be paged"
    taken = incident.acknowledged_at
    if taken is not None and taken >= delivery.queued_at and delivery.act is not Act.ESCALATE:
        return f"{incident.label} is acknowledged: nobody needs to be paged"
    return ""
