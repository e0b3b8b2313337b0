"""The outbox: what was told to whom, what is NOT SENT and why, and when each channel was last proven."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from console.model.board import Board
from console.model.message import ChannelSpec, Delivery, DeliveryState
from console.view import telling
from console.view.line import Line, Tone, fit, labelled, line, span, spread
from console.view.look import Look
from console.view.times import age, stamp

LOUD_FOR = timedelta(hours=12)
"""How long what was given up is counted as NOT SENT on every screen; the outbox keeps showing it."""

_PLACE = {DeliveryState.FAILING: 0, DeliveryState.FAILED: 1, DeliveryState.QUEUED: 2, DeliveryState.SENT: 3}


def ordered(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """What is NOT SENT first, then what waits, then what was sent; the newest first in each."""
    return sorted(deliveries, key=lambda item: (_PLACE[item.state], -item.queued_at.timestamp()))


def pointless(delivery: Delivery) -> bool:
    """Whether it ended without an attempt, because nobody needed it any more: that is no failure."""
    return delivery.state is DeliveryState.FAILED and delivery.attempts == 0


def not_sent(board: Board, now: datetime, incident: str = "") -> list[Delivery]:
    """What should have reached somebody and has not; of one incident, or of all."""
    return [
        item
        for item in board.deliveries
        if (not incident or item.message.subject == incident)
        and not pointless(item)
        and (
            item.state is DeliveryState.FAILING
            or (item.state is DeliveryState.FAILED and now - (item.ended_at or item.queued_at) < LOUD_FOR)
        )
    ]


def word(delivery: Delivery) -> tuple[str, Tone]:
    """Its state: NOT SENT is loud."""
    if pointless(delivery):
        return "not needed", Tone.DIM
    return {
        DeliveryState.QUEUED: ("queued", Tone.NORMAL),
        DeliveryState.FAILING: (" NOT SENT ", Tone.ALARM),
        DeliveryState.FAILED: (" NOT SENT, GIVEN UP ", Tone.ALARM),
        DeliveryState.SENT: ("sent", Tone.OK),
    }[delivery.state]


def row(delivery: Delivery, now: datetime, width: int, look: Look) -> Line:
    """One message on one line: state, channel, what it does, what it says, and why it is not sent."""
    state, tone = word(delivery)
    mark = {Tone.ALARM: look.marks.of(Tone.CRITICAL), Tone.OK: look.marks.of(Tone.OK)}.get(
        tone, span(look.marks.coming + " ", Tone.DIM)
    )
    told = f"{delivery.message.label} {delivery.message.title}".strip()
    why = line(span(f"{delivery.error}: ", Tone.WARNING)) if delivery.error and tone is Tone.ALARM else ()
    left = line(
        mark,
        span(f"{state} ", tone),
        span(f"{delivery.channel} ", Tone.STRONG),
        span(f"{delivery.act} ", Tone.DIM),
        why,
        told,
    )
    return spread(left, line(span(age(delivery.ended_at or delivery.queued_at, now, look), Tone.DIM)), width)


def details(delivery: Delivery, width: int, again_at: datetime | None = None) -> list[Line]:
    """One message in full, as plain text. `again_at`: when this console tries it again, if it is the one that does."""
    state, tone = word(delivery)
    tries = f"{delivery.attempts} tried" if delivery.attempts else "not tried yet"
    lines = [
        line(span(f"{delivery.channel} {delivery.act} ", Tone.STRONG), span(state, tone)),
        (),
        *labelled("queued", f"{stamp(delivery.queued_at)}, {tries}", width, 12),
    ]
    if delivery.error:
        lines += labelled("why", delivery.error, width, 12, Tone.WARNING)
    if delivery.state is DeliveryState.FAILING:
        again = f"tried again at {again_at:%H:%M:%S}Z" if again_at else "the console that holds the lease tries again"
        lines += labelled("next", again, width, 12)
    if delivery.ended_at is not None:
        lines += labelled("ended", stamp(delivery.ended_at), width, 12)
    if delivery.receipt:
        lines += labelled("receipt", delivery.receipt, width, 12)
    lines += [*labelled("id", delivery.id, width, 12), ()]
    for text in telling.plain(delivery.message).splitlines():
        lines += labelled("", text, width, 0)
    return lines


def channel_row(channel: ChannelSpec, board: Board, now: datetime, width: int, look: Look) -> Line:
    """A channel: whether it works now, what it does, and when it was last proven."""
    name = line(span(f"{fit(channel.name, 20)} ", Tone.STRONG))
    wants = ", ".join(topic.value for topic in channel.topics) or ", ".join(act.value for act in channel.acts)
    return spread(line(name, proof(channel, board, now, look), span(f"  {wants}", Tone.DIM)), (), width)


def proof(channel: ChannelSpec, board: Board, now: datetime, look: Look) -> Line:
    """`last proven 3 d ago by alice`, `FAILED its test`, or *unproven*."""
    found = board.proofs.get(channel.name)
    if found is None or (found.proven_at is None and found.failed_at is None):
        return line(look.marks.of(Tone.UNKNOWN), span("unproven", Tone.UNKNOWN))
    proven = f"last proven {age(found.proven_at, now, look)} ago by {found.by}" if found.proven_at else "never proven"
    if found.failed_at is not None and (found.proven_at is None or found.failed_at > found.proven_at):
        text = f"FAILED its test {age(found.failed_at, now, look)} ago: {found.error}"
        return line(look.marks.of(Tone.CRITICAL), span(text, Tone.CRITICAL), span(f" ({proven})", Tone.DIM))
    return line(look.marks.of(Tone.OK), span(proven, Tone.OK))


def summary(board: Board, now: datetime) -> Line:
    """How many wait, how many are NOT SENT."""
    missing = len(not_sent(board, now))
    queued = sum(item.state is DeliveryState.QUEUED for item in board.deliveries)
    loud = span(f" {missing} NOT SENT ", Tone.ALARM) if missing else span("nothing is NOT SENT", Tone.DIM)
    return line(loud, span(f"  {queued} queued" if queued else "", Tone.NORMAL))
