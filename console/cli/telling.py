"""What a command told people: the messages it queued are carried out by itself when no engine runs that would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.message import Delivery

PATIENCE = 10.0
"""Seconds that a command waits for its messages to go out; what is not through by then stays in the outbox."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a command's messages: the data for --json, and the lines. `note`: why nothing was tried."""

    data: list[dict[str, Any]]
    lines: list[str]
    note: str = ""


def queued(done: Done) -> list[str]:
    """The ids of the messages that a command has queued."""
    return [event.stream.partition(":")[2] for event in done.events if event.kind == "delivery.queued"]


async def tell(
    console: Console, ids: Iterable[str], *, wait: bool, saved: bool = True, patience: float | None = None
) -> Told:
    """Carries out what waits, unless another engine does, and says what became of the messages `ids`. `patience` is in
    seconds; None: that of every command."""
    wanted = list(ids)
    if not wanted:
        return Told([], [])
    if wait:  # also what could not be saved: nothing may stop an escalation
        note = await _deliver(console, PATIENCE if patience is None else patience)
    else:
        until = "the engine; `oncall outbox flush` sends them now" if saved else "the journal, until it can be written"
        note = f"they wait for {until}"
    deliveries = [console.state.deliveries[item] for item in wanted]
    return Told(data(deliveries), list(_lines(deliveries, note)), note)


async def _deliver(console: Console, patience: float) -> str:
    try:
        async with asyncio.timeout(patience):
            return await console.deliver()
    except TimeoutError:
        return f"no answer within {patience:g} s; they stay in the outbox"


def data(deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """Messages for --json."""
    from console.reports.response import delivery_data

    return [delivery_data(item) for item in deliveries]


def _lines(deliveries: list[Delivery], note: str) -> Iterable[str]:
    from console.view.card import message_line

    waiting = [item for item in deliveries if item.open]
    if note and waiting:
        channels = ", ".join(dict.fromkeys(item.channel for item in waiting))
        yield f"  queued for {channels}: {note}"
    for item in deliveries:
        if not (note and item in waiting):
            yield f"  {message_line(item)}"
