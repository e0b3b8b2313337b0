"""What is said of a rollout to people elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.model import events as ev
from console.model.decide.wording import Words, clock, facts
from console.model.people import Actor
from console.model.rolling import FlagWrite, Purpose, RolloutRecord, RolloutState

_Writer = Callable[[Any, RolloutRecord, Actor], Words | None]


def _share(percent: float | None) -> str:
    return "an unknown share" if percent is None else f"{percent:g} %"


def _begun(payload: ev.RolloutBegun, _: RolloutRecord, __: Actor) -> Words:
    phases = ", ".join(f"{phase:g}" for phase in payload.phases)
    said = facts(("revision", payload.revision), ("phases", f"{phases} %"), ("flag", payload.flag))
    return Words(f"rollout {payload.plan} begun at {_share(payload.percent)}", "", said)


def _write_intended(payload: ev.WriteIntended, _: RolloutRecord, actor: Actor) -> Words | None:
    if not payload.break_glass:
        return None
    step = f"from {payload.before:g} to {payload.percent:g} %"
    return Words(f"GLASS BROKEN by {actor}: the rollout goes {step} without a decision", payload.break_glass)


def _write_finished(payload: ev.WriteFinished, record: RolloutRecord, _: Actor) -> Words | None:
    known = [item for item in (record.write, *record.doubtful) if item is not None and item.effect == payload.effect]
    if not known:
        return None
    write, step = known[0], f"from {known[0].before:g} to {known[0].percent:g} %"
    said = facts(("by", str(write.by)), ("why", write.reason), ("flag", write.flag))
    if payload.outcome == "done":
        return Words(f"rollout: {_done(write)} {step}", "", said)
    if payload.outcome == "refused":
        return Words(f"rollout: NOT set {step}", payload.answer, said)
    return Words(f"rollout: OUTCOME UNKNOWN of setting it {step}", payload.answer, said)


def _done(write: FlagWrite) -> str:
    if write.purpose is Purpose.ROLLBACK:
        return "rolled back"
    if write.percent < write.before:
        return "lowered"
    return "promoted" if write.purpose is Purpose.PROMOTE else "set"


def _moved(payload: ev.ShareMoved, record: RolloutRecord, _: Actor) -> Words:
    held = " and is held" if record.under_way and (payload.before is None or payload.percent > payload.before) else ""
    was = _share(payload.before)
    return Words(f"rollout: SOMEBODY ELSE set the flag to {payload.percent:g} % (was {was}){held}")


def _revision(payload: ev.RevisionChanged, _: RolloutRecord, __: Actor) -> Words | None:
    if not payload.before:
        return None
    return Words(f"rollout: revision {payload.revision} in place of {payload.before}: the bake begins anew")


def _finished(payload: ev.RolloutFinished, record: RolloutRecord, actor: Actor) -> Words:
    if payload.break_glass:
        return Words(f"GLASS BROKEN by {actor}: rollout {record.plan} finished without a decision", payload.break_glass)
    return Words(f"rollout {record.plan} finished: all phases are behind it", payload.reason)


def _breached(payload: ev.GuardrailBreached, record: RolloutRecord, _: Actor) -> Words | None:
    if record.state is RolloutState.ROLLING_BACK:
        return None  # What is to be done about it is being done.
    share = _share(record.percent)
    said = facts(("share", share), ("revision", record.revision), ("rule", "fast" if payload.fast else "slow"))
    return Words(f"GUARDRAIL BREACHED: {payload.guardrail}; a rollback is recommended", payload.why, said)


def _recovered(payload: ev.GuardrailRecovered, _: RolloutRecord, actor: Actor) -> Words:
    if payload.removed:
        return Words(
            f"the breach of {payload.guardrail} was let go by {actor}: no such guardrail any more", payload.why
        )
    return Words(f"guardrail {payload.guardrail} holds again", payload.why)


def _disagreed(payload: ev.ShareDisagreed, _: RolloutRecord, __: Actor) -> Words:
    title = f"rollout: {payload.set:g} % are set and {payload.measured:.1f} % are measured"
    return Words(title, "", facts(("since", clock(payload.since))))


def _countdown(payload: ev.CountdownStarted, _: RolloutRecord, __: Actor) -> Words:
    at = clock(payload.at)
    return Words(f"THE ROLLBACK STARTS BY ITSELF at {at}, unless somebody cancels it", payload.why)


def _rollback_begun(payload: ev.RollbackBegun, record: RolloutRecord, actor: Actor) -> Words:
    by = "by itself" if payload.automatic else f"by {actor}"
    return Words(f"ROLLBACK begun {by} from {_share(record.percent)}", payload.reason)


def _rollback_ended(payload: ev.RollbackEnded, _: RolloutRecord, __: Actor) -> Words:
    if payload.completed:
        return Words("rolled back: the share is at 0 %", payload.answer)
    return Words("the rollback ended BEFORE ITS END: the rollout is held", payload.answer)


_WORDS: Mapping[type[Any], _Writer] = {
    ev.RolloutBegun: _begun,
    ev.WriteIntended: _write_intended,
    ev.WriteFinished: _write_finished,
    ev.ShareMoved: _moved,
    ev.RevisionChanged: _revision,
    ev.RolloutHeld: lambda p, r, a: Words(f"rollout HELD by {a} at {_share(r.percent)}", p.reason),
    ev.RolloutReleased: lambda p, r, a: Words(f"rollout released by {a} at {_share(r.percent)}", p.reason),
    ev.RolloutAborted: lambda p, r, a: Words(f"rollout given up by {a} at {_share(r.percent)}", p.reason),
    ev.RolloutFinished: _finished,
    ev.GuardrailBreached: _breached,
    ev.GuardrailRecovered: _recovered,
    ev.ShareDisagreed: _disagreed,
    ev.CountdownStarted: _countdown,
    ev.CountdownCancelled: lambda p, r, a: Words(f"the countdown to the rollback was cancelled by {a}", p.reason),
    ev.RollbackBegun: _rollback_begun,
    ev.RollbackEnded: _rollback_ended,
}

ROLLOUT_EVENTS = tuple(_WORDS)
"""The events of a rollout that may be told."""

PERFORMANCE = (ev.GuardrailBreached, ev.GuardrailRecovered)
"""Those that the channels of performance hear of, too."""


def rollout_words(payload: Any, record: RolloutRecord, actor: Actor) -> Words | None:
    """What is said of an event of a rollout, which was `record` before it; None for what is only in the record."""
    rule = _WORDS.get(type(payload))
    return rule(payload, record, actor) if rule is not None else None
