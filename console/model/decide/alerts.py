"""The rules of what people say about alerts. An acknowledgement is neither a silence nor a resolution."""

from __future__ import annotations

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.state import State


def acknowledge(state: State, command: cmd.AcknowledgeAlerts, _: Context) -> list[Batch]:
    """Takes the firings that nobody has; those that somebody has keep their owner."""
    batches, taken = {}, []
    for alert in command.alerts:
        care = state.care.get(alert.fingerprint)
        if care is not None and care.has(alert.starts_at):
            taken.append(f"{alert.name} was acknowledged by {care.acknowledged_by} at {care.acknowledged_at:%H:%M:%S}Z")
            continue
        stream, version = f"alert:{alert.fingerprint}", care.version if care is not None else 0
        batches[stream] = Batch(stream, version, (ev.AlertAcknowledged(alert, command.by.strip(), command.via),))
    if not batches:
        more = f", and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise Refusal(taken[0] + more if taken else "no alert is chosen")
    return list(batches.values())


def unacknowledge(state: State, command: cmd.UnacknowledgeAlert, _: Context) -> list[Batch]:
    """Gives it back, with a reason."""
    care = state.care.get(command.fingerprint)
    if care is None or care.acknowledged_at is None:
        raise Refusal(f"nobody has acknowledged {care.name if care and care.name else command.fingerprint}")
    given_back = ev.AlertUnacknowledged(required(command.reason, "the reason"), command.via)
    return [Batch(care.stream, care.version, (given_back,))]


def judge(state: State, command: cmd.JudgeAlert, _: Context) -> list[Batch]:
    """Whether it was worth waking somebody; the last word counts."""
    alert, care = command.alert, state.care.get(command.alert.fingerprint)
    judged = ev.AlertJudged(alert.name, command.verdict, command.note.strip())
    return [Batch(f"alert:{alert.fingerprint}", care.version if care is not None else 0, (judged,))]
