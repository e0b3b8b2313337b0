"""What the engine sees of a rollout: the share, the revision, the guardrails. What is known already is no event."""

from __future__ import annotations

from math import isfinite
from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context
from console.model.decide.rollout import on, record_of
from console.model.reading import Reading, ReadingState
from console.model.rolling import RolloutRecord, RolloutState, same_share
from console.model.rollout import RolloutPlan
from console.model.state import State


def observe_share(state: State, command: cmd.ObserveShare, context: Context) -> list[Batch]:
    """Another revision, a share that somebody else set, a phase that is entered, and whether the measured share is that
    which is set. While a write has no outcome, nobody knows what is set."""
    plan, record = context.plan, record_of(state, context)
    if plan is None or (record.started_at is None and record.state is not RolloutState.ROLLING_BACK):
        return []
    found = [*_revision(record, command)]
    flag = command.flag if command.flag is not None and isfinite(command.flag) else None
    measured = command.measured if command.measured is not None and isfinite(command.measured) else None
    if record.open_write is None:
        if flag is not None and (record.percent is None or not same_share(flag, record.percent)):
            found.append(ev.ShareMoved(flag, record.percent))
        elif record.under_way and record.percent is not None:
            found += _phase(record, plan, flag, measured)
            found += _agreement(record, plan, measured, command, context)
    return on(record, *found) if found else []


def _revision(record: RolloutRecord, command: cmd.ObserveShare) -> list[Any]:
    if not record.under_way or not command.revision or command.revision == record.revision:
        return []
    return [ev.RevisionChanged(command.revision, record.revision)]


def _phase(record: RolloutRecord, plan: RolloutPlan, flag: float | None, measured: float | None) -> list[Any]:
    """Entered when the flag was read at what was set, and the measured share says so, where one is measured at all."""
    share = record.percent or 0.0
    if record.stay is not None or not share or flag is None:
        return []
    if plan.percent_expr and not plan.agrees(share, measured):
        return []
    write = record.write
    effect = write.effect if write is not None and write.outcome == "done" and same_share(write.percent, share) else ""
    return [ev.PhaseEntered(share, measured, effect)]


def _agreement(
    record: RolloutRecord,
    plan: RolloutPlan,
    measured: float | None,
    command: cmd.ObserveShare,
    context: Context,
) -> list[Any]:
    share = record.percent or 0.0
    if measured is None:
        return []
    if plan.agrees(share, measured):
        return [ev.ShareAgreed(share, measured)] if record.disagrees_since is not None else []
    since = command.since
    if record.disagrees_since is not None or since is None or context.now - since < plan.share_for:
        return []
    return [ev.ShareDisagreed(share, measured, since)]


def not_judged(record: RolloutRecord, plan: RolloutPlan, guardrail: str) -> str:
    """Why a guardrail is judged no longer where the rollout is now, and a breach of it says nothing of it; empty while
    it is, and while nobody knows where it is."""
    if record.percent is None or record.open_write is not None:
        return ""
    if not record.percent:
        return "nothing goes to the new path: the share is 0 %"
    rule = next((rule for rule in plan.guardrails if rule.name == guardrail), None)
    if rule is None or not rule.phases:
        return ""
    here = Reading(ReadingState.OK, record.percent)
    return f"it is not for {record.percent:g} %" if plan.within(rule.phases, here) is False else ""


def observe_guardrail(state: State, command: cmd.ObserveGuardrail, context: Context) -> list[Batch]:
    """A guardrail that is breached, or is no longer."""
    record = record_of(state, context)
    if not record.under_way and record.state is not RolloutState.ROLLING_BACK:
        return []
    known = record.breaches.get(command.guardrail)
    if command.breached and (known is None or (command.fast and not known.fast)):
        breached = ev.GuardrailBreached(
            command.guardrail, command.why, command.fast, command.value, command.limit, command.samples
        )
        return on(record, breached)
    if not command.breached and known is not None:
        return on(record, ev.GuardrailRecovered(command.guardrail, command.why))
    return []
