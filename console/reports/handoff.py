"""A handoff, drafted or offered, as data and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from console.model.events import HandoffItem
from console.model.shift import Handoff, Shift
from console.reports.render import render
from console.reports.timeline import day, mark
from console.reports.values import Json, instant


def standing(handoff: Handoff) -> str:
    """Where a handoff stands, in words."""
    if handoff.withdrawn:
        return f"withdrawn: {handoff.withdrawn}"
    if handoff.accepted_at is not None:
        return "accepted"
    return f"offered, {len(handoff.pending)} of {len(handoff.items)} items open"


def handoff_data(handoff: Handoff) -> Json:
    """One handoff with its items and their answers."""
    return {
        "id": handoff.id,
        "label": handoff.label,
        "shift": handoff.shift,
        "standing": standing(handoff),
        "open": handoff.open,
        "offered_by": str(handoff.offered_by),
        "to": handoff.to,
        "offered_at": instant(handoff.offered_at),
        "accepted_at": instant(handoff.accepted_at),
        "accepted_by": str(handoff.accepted_by) if handoff.accepted_by else None,
        "shared_login": handoff.shared_login,
        "summary": handoff.summary,
        "anchor": handoff.anchor,
        "items": [_item(item, handoff) for item in handoff.items],
    }


def _item(item: HandoffItem, handoff: Handoff | None = None) -> Json:
    answer = handoff.answers.get(item.id) if handoff is not None else None
    return {
        "id": item.id,
        "kind": item.kind,
        "ref": item.ref,
        "text": item.text,
        "actions": item.actions,
        "answer": answer.answer if answer else None,
        "read_back": answer.read_back if answer else "",
        "answered_by": str(answer.by) if answer else None,
        "answered_at": instant(answer.at) if answer else None,
    }


def draft_document(shift: Shift, items: Sequence[HandoffItem], summary: str, anchor: str, mode: str) -> Json:
    """What would be offered now."""
    return {
        "title": f"Handoff of {shift.operator}: draft",
        "mode": mode,
        "summary": summary,
        "standing": "draft",
        "anchor": anchor,
        "items": [_item(item) for item in items],
        "accepted": "",
    }


def document(handoff: Handoff, mode: str) -> Json:
    """A handoff that was offered."""
    data = handoff_data(handoff)
    accepted = ""
    if handoff.accepted_at is not None:
        accepted = f"{day(data['accepted_at'])} by {data['accepted_by']}"
    return {
        "title": f"{handoff.label}: {handoff.offered_by} to {handoff.to}",
        "mode": mode,
        **data,
        "accepted": accepted,
    }


def markdown(data: Json) -> str:
    """The document for people."""
    return render("handoff.md.j2", **{"shared_login": "", **data}, mark=mark, day=day)
