"""What would be told to whom, before it is: by the very rules that queue it.

A module of its own, for the rules are loaded by the engine's thread while the first screens are.
"""

from __future__ import annotations

from datetime import datetime

from console.model import events as ev
from console.model.board import Board
from console.model.decide.announce import announce
from console.model.decide.context import Batch, Context
from console.model.incident import Incident
from console.model.state import State
from console.view import telling
from console.view.line import Line, Tone, labelled, line, span


def foretold(incident: Incident, payload: object, board: Board, now: datetime) -> list[ev.DeliveryQueued]:
    """What an event of an incident would be told to whom, by the rules that queue it."""
    context = Context(
        now,
        board.actor,
        board.target,
        fresh=str,
        severities=board.severities,
        mode=board.mode,
        channels=board.channels,
        alerts=board.feed.alerts,
        pages=board.feed.pages,
    )
    state = State()
    state.incidents[incident.id] = incident
    state.deliveries.update((item.id, item) for item in board.deliveries)
    queued = announce(state, [Batch(incident.stream, incident.version, (payload,))], context)
    return [item for batch in queued for item in batch.payloads]


def preview(incident: Incident, payload: object, board: Board, now: datetime, width: int) -> list[Line]:
    """The text that would be sent, and to which channels."""
    told = foretold(incident, payload, board, now)
    if not told:
        nobody = "No channel is configured that hears of this: it stands in the record only."
        return [line(span(nobody, Tone.WARNING))]
    names = ", ".join(dict.fromkeys(f"{item.channel}" for item in told))
    lines = labelled("goes to", names, width, 9, Tone.STRONG)
    for text in telling.plain(told[0].message).splitlines():
        if text:
            lines += labelled("", text, width, 0, Tone.ACCENT)
    return lines
