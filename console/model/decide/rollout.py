"""The rules of the rollout: begun, the share set, held, released, given up, finished.

Raising the share rests on a decision for exactly that step, or on broken glass, and on a rollout that is neither held
nor breached and of whose share nobody doubts anything. Lowering it rests on nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.announce import announce
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decision import Decision, newest, turned, valid
from console.model.playbook import Step
from console.model.rolling import FlagWrite, Purpose, RolloutRecord, RolloutState, same_share
from console.model.rollout import RolloutPlan
from console.model.run import Run, RunStatus
from console.model.state import State

FLAG = "flag.percent"
"""The reading of the share that the flag gives."""

PATIENCE = timedelta(minutes=1)
"""How long a write may be under way before somebody else says what came of it."""


def record_of(state: State, context: Context) -> RolloutRecord:
    """The record of our target; a blank one where nothing is known."""
    target = str(context.target)
    return state.rollouts.get(target) or RolloutRecord(target)


def plan_of(context: Context) -> RolloutPlan:
    """The plan. Raises Refusal where none is configured."""
    if context.plan is None:
        raise Refusal("no rollout is planned here: rollout.yaml says nothing")
    return context.plan


def on(record: RolloutRecord, *payloads: Any) -> list[Batch]:
    """Events for its stream."""
    return [Batch(record.stream, record.version, payloads)]


def share_now(record: RolloutRecord, context: Context) -> float | None:
    """The share that the flag gives: as it was last read back, else as it is read now; None: nobody knows."""
    if record.percent is not None:
        return record.percent
    reading = context.readings.get(FLAG)
    return reading.value if reading is not None and reading.ok else None


def rollback_run(state: State, record: RolloutRecord) -> Run | None:
    """The run of the rollback: the last one, where playbooks took over from each other."""
    run, seen = state.runs.get(record.run), set[str]()
    while run is not None and run.status is RunStatus.CONTINUED and run.next_run not in seen:
        seen.add(run.next_run)
        following = state.runs.get(run.next_run)
        if following is None:
            break
        run = following
    return run


def _ago(when: datetime, now: datetime) -> str:
    seconds = max((now - when).total_seconds(), 0.0)
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"at {when:%Y-%m-%d %H:%M}Z"


def _at(when: datetime | None) -> str:
    return f" since {when:%H:%M:%S}Z" if when is not None else ""


# -- begun, held, given up --------------------------------------------------------------------------------------------


def begin(state: State, command: cmd.BeginRollout, context: Context) -> list[Batch]:
    """The plan as it is now, where the flag stands: at 0 %, or, where others began it, at the share that is read. A
    phase that others entered bakes from now on."""
    plan, record = plan_of(context), record_of(state, context)
    if record.state is RolloutState.ROLLING_BACK:
        raise Refusal(f"{record.plan or plan.name} is being rolled back{_at(record.rollback_since)}")
    if record.under_way:
        there = f" at {record.percent:g} %" if record.percent is not None else ""
        raise Refusal(f"{record.plan} is under way{there}{_at(record.started_at)}: finish, abort or roll it back first")
    if record.open_write is not None:
        raise Refusal(_doubt(record.open_write, context.now))
    reading = context.readings.get(FLAG)
    share = reading.value if reading is not None and reading.ok else None
    if context.flags and plan.flag and share is None:
        why = reading.note if reading is not None and reading.note else "it was not read"
        raise Refusal(f"what {plan.flag} gives now is not known ({why}): a rollout begins where it stands")
    revision = command.revision.strip()
    return on(record, ev.RolloutBegun(plan.name, plan.hash, revision, plan.phases, plan.flag, share))


def _under_way(state: State, context: Context) -> RolloutRecord:
    """Raises Refusal where nothing is under way."""
    record = record_of(state, context)
    if record.started_at is None:
        raise Refusal("no rollout is under way: begin one")
    if record.state is RolloutState.ROLLING_BACK:
        run = rollback_run(state, record)
        label = f" by {run.label}" if run is not None else ""
        raise Refusal(f"{record.plan or 'it'} is being rolled back{label}{_at(record.rollback_since)}")
    if not record.under_way:
        at = f" at {record.ended_at:%Y-%m-%d %H:%M:%S}Z" if record.ended_at else ""
        raise Refusal(f"{record.plan} was {record.state}{at}: no rollout is under way")
    return record


def hold(state: State, command: cmd.HoldRollout, context: Context) -> list[Batch]:
    """Nothing is promoted until it is released."""
    record = _under_way(state, context)
    if record.held_by is not None:
        raise Refusal(f"{record.plan} is held{_at(record.held_at)} by {record.held_by}: {record.held_reason}")
    return on(record, ev.RolloutHeld(required(command.reason, "the reason")))


def release(state: State, command: cmd.ReleaseRollout, context: Context) -> list[Batch]:
    """It goes on. After a breach in this phase the bake begins anew. A breach that nothing will ever judge again,
    because the plan has its guardrail no longer, is let go with it."""
    record = _under_way(state, context)
    gone = removed(record, context.plan)
    if record.held_by is None and not gone:
        raise Refusal(f"{record.plan} is not held")
    reason, found = required(command.reason, "the reason"), list[Any]()
    if record.held_by is not None:
        anew = record.breached_at is not None and record.bake_since is not None
        found.append(ev.RolloutReleased(reason, anew))
    return on(record, *found, *(ev.GuardrailRecovered(name, reason, removed=True) for name in gone))


def removed(record: RolloutRecord, plan: RolloutPlan | None) -> tuple[str, ...]:
    """The guardrails that are breached, and that the plan has no longer: a breach does not fall away because a file was
    edited, and nothing would ever pass."""
    if plan is None:
        return ()
    known = {rule.name for rule in plan.guardrails} | {item.guardrail for item in plan.evidence}
    return tuple(name for name in record.breaches if name not in known)


def abort(state: State, command: cmd.AbortRollout, context: Context) -> list[Batch]:
    """Given up where it is. A rollback whose run has ended without an end that could be observed is given up, too."""
    record = record_of(state, context)
    run = rollback_run(state, record)
    stuck = record.state is RolloutState.ROLLING_BACK and (run is None or run.status is not RunStatus.RUNNING)
    record = record if stuck else _under_way(state, context)
    return on(record, ev.RolloutAborted(required(command.reason, "the reason")))


def finish(state: State, command: cmd.FinishRollout, context: Context) -> list[Batch]:
    """The end of the last phase, on a decision that says so of the step from it to itself."""
    plan, record = plan_of(context), _under_way(state, context)
    share = record.percent
    if share is None or plan.next_phase(share) is not None:
        at = "an unknown share" if share is None else f"{share:g} %"
        raise Refusal(f"{record.plan} is at {at}: it is finished after its last phase, {max(plan.phases):g} %")
    _nothing_against(record, context)
    decision, glass = _rests_on(state, record, share, command.decision, command.break_glass, context)
    return on(record, ev.RolloutFinished("", decision, glass))


# -- the share --------------------------------------------------------------------------------------------------------


def set_share(state: State, command: cmd.SetShare, context: Context) -> list[Batch]:
    """The intent to set the flag, before it is touched. Who was slower is refused by the name of who was faster."""
    plan, record = plan_of(context), record_of(state, context)
    percent = command.percent
    if not plan.flag or not context.flags:
        raise Refusal(f"nothing here can set {plan.flag or 'a flag'}: no flag provider is configured for it")
    if not isfinite(percent) or not 0 <= percent <= 100:
        raise Refusal(f"{percent:g} is no share: expected 0 to 100 %")
    current = share_now(record, context)
    lowers = percent == 0 or (current is not None and percent <= current)
    reason = command.reason.strip()
    if not lowers or command.promote:
        record = _under_way(state, context)
    # To 0 % is written whatever is known: who wants that shall not be told that it is so already, by an old reading.
    if percent != 0:
        _certain(record, plan.flag, current, context)
        _as_expected(record, command.expected, context)
        if current is not None and same_share(percent, current):
            raise Refusal(f"{plan.flag} gives {percent:g} % already")
    before = command.expected if current is None else current
    purpose = Purpose.PROMOTE if command.promote else Purpose.SET
    write = ev.WriteIntended(context.fresh(), plan.flag, percent, before, purpose.value, reason)
    if lowers and not command.promote:
        return on(record, write)
    if command.promote and current is not None:
        _is_next(plan, current, percent)
    return on(record, raised(state, record, write, command.decision, command.break_glass, context))


def raised(
    state: State, record: RolloutRecord, write: ev.WriteIntended, decision: str, break_glass: str, context: Context
) -> ev.WriteIntended:
    """The intent to raise the share, with what it rests on. Raises Refusal where it must not be raised."""
    _nothing_against(record, context)
    rests, glass = _rests_on(state, record, write.percent, decision, break_glass, context)
    return replace(write, decision=rests, break_glass=glass, safe=_safe(record, context))


def _certain(record: RolloutRecord, flag: str, current: float | None, context: Context) -> None:
    """Raises Refusal while it is not certain what the flag gives: what would lower a share may raise another one."""
    if record.open_write is not None:
        raise Refusal(_doubt(record.open_write, context.now))
    if current is None:
        raise Refusal(f"what {flag} gives now is not known: only 0 % can be set")


def _as_expected(record: RolloutRecord, expected: float, context: Context) -> None:
    if record.percent is None or same_share(expected, record.percent):
        return
    write = record.write
    if write is not None and write.outcome == "done" and same_share(write.percent, record.percent):
        when = _ago(write.ended_at or write.at, context.now)
        raise Refusal(f"{write.by} set it to {record.percent:g} % {when}: it was {expected:g} % on the screen")
    raise Refusal(f"it is at {record.percent:g} %, not at {expected:g} % as on the screen: look again")


def _is_next(plan: RolloutPlan, current: float, percent: float) -> None:
    following = plan.next_phase(current)
    if following is None:
        raise Refusal(f"{current:g} % is the last phase: finish the rollout")
    if not same_share(percent, following):
        raise Refusal(f"the phase after {current:g} % is {following:g} %, not {percent:g} %")


def _nothing_against(record: RolloutRecord, context: Context) -> None:
    """Raises Refusal while it is held or breached, a write has no outcome, the share that is set is not entered, or is
    not the measured one."""
    if record.open_write is not None:
        raise Refusal(_doubt(record.open_write, context.now))
    if record.held_by is not None:
        raise Refusal(f"held{_at(record.held_at)} by {record.held_by}: {record.held_reason}")
    if record.breaches:
        told = "; ".join(
            f"{breach.guardrail} is breached{_at(breach.since)} ({breach.why})" for breach in record.breaches.values()
        )
        gone = removed(record, context.plan)
        way = f"; the plan has {' and '.join(gone)} no longer: releasing the rollout lets that go" if gone else ""
        raise Refusal(f"{told}{way}")
    if record.stay is None and record.percent:
        raise Refusal(f"{record.percent:g} % is set and not entered yet: the measured share does not say so")
    if record.disagrees_since is not None:
        raise Refusal(f"the measured share is another one than is set{_at(record.disagrees_since)}")


def _doubt(write: FlagWrite, now: datetime) -> str:
    if not write.outcome and now - write.at < PATIENCE:
        return f"{write.by} is setting it to {write.percent:g} % since {_ago(write.at, now).removesuffix(' ago')}"
    return (
        f"nobody knows what came of the write of {write.percent:g} % {_ago(write.at, now)} by {write.by}: look at "
        f"{write.flag}, then settle it; until then only 0 % can be set"
    )


def _rests_on(
    state: State, record: RolloutRecord, to: float, named: str, break_glass: str, context: Context
) -> tuple[str, str]:
    """The decision that a step rests on, or the reason why it is taken without. Raises Refusal."""
    start = record.percent or 0.0
    decision = _decision(state, record, named, start, to)
    why = valid(
        decision,
        start,
        to,
        plan_of(context).hash,
        record.revision,
        context.now,
        target=record.target,
        others=tuple(state.decisions.values()),
        attestations=record.attestations,
    )
    since = record.bake_since or record.started_at
    if not why and decision is not None and since is not None and decision.at < since:
        why = f"{decision.label} is older than this bake ({since:%H:%M:%S}Z)"
    if not why and decision is not None:
        why = turned(decision, context.proposed())
    if not why and decision is not None:
        return decision.id, ""
    if break_glass.strip():
        return "", break_glass.strip()
    raise Refusal(f"{why}. Without one it can be done with a reason, which is told (break the glass)")


def _decision(state: State, record: RolloutRecord, named: str, start: float, to: float) -> Decision | None:
    """The one that is named, else the newest of the step; None where nobody has decided. Raises Refusal for a name that
    none has."""
    if not named:
        return newest(state.decisions.values(), record.target, start, to)
    found = state.decisions.get(named)
    found = found or next((item for item in state.decisions.values() if item.label == named), None)
    if found is None:
        raise Refusal(f"there is no decision {named}")
    return found


def _safe(record: RolloutRecord, context: Context) -> float | None:
    """The share that is left, where its bake is over without a breach."""
    if record.percent is None or record.bake_since is None or record.breached_at is not None:
        return None
    bake = plan_of(context).stage(record.percent).bake
    return record.percent if context.now - record.bake_since >= bake else None


def settle_write(state: State, command: cmd.SettleWrite, context: Context) -> list[Batch]:
    """What somebody saw of a write whose outcome nobody knew. One that is under way is left alone."""
    record = record_of(state, context)
    known = [item for item in (record.write, *record.doubtful) if item is not None and item.effect == command.effect]
    if not known or not known[0].open:
        raise Refusal("that write is not open: nothing is to be settled")
    write = known[0]
    if not write.outcome and context.now - write.at < PATIENCE:
        raise Refusal(f"{_doubt(write, context.now)}: wait for its answer")
    observed = write.percent if command.done and command.observed is None else command.observed
    if command.done and observed is not None and not same_share(observed, write.percent):
        raise Refusal(f"{observed:g} % was seen, not {write.percent:g} %: that is not done")
    answer = required(command.answer, "what was observed")
    return on(record, ev.WriteFinished(write.effect, "done" if command.done else "refused", answer, observed))


def write_outcome(
    state: State, effect: str, outcome: str, answer: str, observed: float | None, context: Context
) -> list[Batch]:
    """How a write has ended: for the engine, with whom that is told."""
    record = record_of(state, context)
    batches = on(record, ev.WriteFinished(effect, outcome, answer, observed))
    return [*batches, *announce(state, batches, context)]


# -- steps of playbooks that set the flag -----------------------------------------------------------------------------


def _sets_it(record: RolloutRecord, step: Step, context: Context) -> bool:
    known = record.started_at is not None or record.state is RolloutState.ROLLING_BACK
    return known and context.plan is not None and bool(step.flag) and step.flag == context.plan.flag


def step_intended(state: State, run: Run, step: Step, effect: str, break_glass: str, context: Context) -> list[Batch]:
    """The rollout's side of a step's intent to set its flag, by the same effect. From the begin of a rollout until it
    is promoted, a step that raises the share rests on what a promotion rests on. Raises Refusal."""
    record = record_of(state, context)
    if not _sets_it(record, step, context):
        return []
    current = share_now(record, context)
    if step.percent != 0:
        _certain(record, step.flag, current, context)
    last = rollback_run(state, record)
    back = record.state is RolloutState.ROLLING_BACK and last is not None and run.id in (last.id, record.run)
    write = ev.WriteIntended(
        effect,
        step.flag,
        step.percent,
        current if current is not None else step.percent,
        (Purpose.ROLLBACK if back else Purpose.SET).value,
        f"{run.label}: {step.title}",
    )
    lowers = step.percent == 0 or step.percent <= write.before
    if not lowers and record.state is not RolloutState.PROMOTED:
        write = raised(state, _under_way(state, context), write, "", break_glass, context)
    return on(record, write)


def step_outcome(
    state: State, effect: str, outcome: str, answer: str, observed: float | None, context: Context
) -> list[Batch]:
    """The rollout's side of how that ended; nothing where the flag is not its own."""
    record = record_of(state, context)
    if not any(item.effect == effect for item in (record.write, *record.doubtful) if item is not None):
        return []
    return write_outcome(state, effect, outcome, answer, observed, context)
