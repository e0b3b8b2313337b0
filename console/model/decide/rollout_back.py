"""The way back: a rollback is started by one command, and nothing but another one that is under way refuses it.

It is a run of the plan's playbook in an incident. Whoever starts that playbook by hand has begun the rollback, too.
"""

from __future__ import annotations

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import incidents, runs
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decide.foresight import Draft
from console.model.decide.rollout import on, plan_of, record_of, rollback_run
from console.model.incident import QUIET, Incident
from console.model.people import Severity
from console.model.playbook import LoadedPlaybook
from console.model.rolling import RolloutRecord, RolloutState
from console.model.rollout import REACHED, RolloutPlan
from console.model.run import Run, RunStatus
from console.model.state import State


def start(state: State, command: cmd.StartRollback, context: Context) -> list[Batch]:
    """The run, in the incident that is named, else in the most severe open one, else in one that is declared by it."""
    plan, record = plan_of(context), record_of(state, context)
    _refuse_twice(state, record, plan, context)
    if command.automatic:
        _refuse_early(record, context)
    reason = required(command.reason, "the reason")
    loaded = _playbook(plan, context)
    draft = Draft(state, context)
    incident = _incident(draft, command, record, plan, reason, context)
    known = set(draft.state.runs)
    draft.take(runs.start(draft.state, cmd.StartRun(incident.id, loaded), context))
    run = next(name for name in draft.state.runs if name not in known)
    draft.add(record.stream, ev.RollbackBegun(run, reason, command.automatic))
    return draft.batches()


def start_run(state: State, command: cmd.StartRun, context: Context) -> list[Batch]:
    """A run that somebody starts by hand. That of the rollback's playbook is the rollback of what is rolled out."""
    batches = runs.start(state, command, context)
    record, plan = record_of(state, context), context.plan
    incident = state.incidents.get(command.incident)
    ours = plan is not None and plan.rollback is not None
    ours = ours and command.playbook.playbook.name == plan.rollback.playbook  # type: ignore[union-attr]
    here = incident is not None and incident.target == record.target
    begun = record.started_at is not None and (record.under_way or record.state is RolloutState.PROMOTED)
    if not (ours and here and begun):
        return batches
    stream = next(
        (batch.stream for batch in batches if any(isinstance(item, ev.RunStarted) for item in batch.payloads)), ""
    )
    return [*batches, *on(record, ev.RollbackBegun(stream.partition(":")[2], "its playbook was started"))]


def resume_run(state: State, command: cmd.ResumeRun, context: Context) -> list[Batch]:
    """A rollback that was aborted and goes on is one again."""
    batches = runs.resume(state, command, context)
    record = record_of(state, context)
    run = rollback_run(state, record)
    if run is None or run.id != command.run or run.status is not RunStatus.ABORTED or not record.under_way:
        return batches
    return [*batches, *on(record, ev.RollbackBegun(record.run, f"{run.label} goes on: {command.reason.strip()}"))]


def under_way(state: State, record: RolloutRecord, plan: RolloutPlan | None, target: str) -> Run | None:
    """The rollback's run that goes on: the one of the record, or one that was started by hand."""
    run = rollback_run(state, record)
    if run is not None and run.status is RunStatus.RUNNING:
        return run
    name = plan.rollback.playbook if plan is not None and plan.rollback is not None else ""
    for item in state.runs.values():
        of = state.incidents.get(item.incident)
        here = of is not None and of.target == target
        if here and item.status is RunStatus.RUNNING and item.playbook.name == name and not item.parent:
            return item
    return None


def _refuse_twice(state: State, record: RolloutRecord, plan: RolloutPlan, context: Context) -> None:
    run = under_way(state, record, plan, str(context.target))
    if run is not None:
        by = f" by {run.started_by}" if run.started_by is not None else ""
        raise Refusal(f"{run.label} rolls back already, started at {run.started_at:%H:%M:%S}Z{by}")


def _refuse_early(record: RolloutRecord, context: Context) -> None:
    if record.countdown is None or record.countdown.at > context.now or not record.breaches:
        raise Refusal("no countdown to a rollback has ended")


def _playbook(plan: RolloutPlan, context: Context) -> LoadedPlaybook:
    if plan.rollback is None:
        raise Refusal(
            "no rollback playbook is configured (rollback.playbook in rollout.yaml): start one in an incident"
        )
    loaded = context.playbooks.get(plan.rollback.playbook)
    if loaded is None:
        raise Refusal(f"the playbook {plan.rollback.playbook!r} is not there or cannot be read: see `oncall check`")
    return loaded


def _incident(
    draft: Draft,
    command: cmd.StartRollback,
    record: RolloutRecord,
    plan: RolloutPlan,
    reason: str,
    context: Context,
) -> Incident:
    named = draft.state.incidents.get(command.incident)
    if named is not None and named.open:
        return named
    target = str(context.target)
    waiting = [item for item in draft.state.incidents.values() if item.target == target and item.state not in QUIET]
    if waiting:
        return min(waiting, key=lambda item: (item.severity.rank, item.declared_at))
    share = f" from {record.percent:g} %" if record.percent is not None else ""
    declared = cmd.DeclareIncident(f"Rollback of {plan.name}{share}: {reason}", _severity(context))
    known = set(draft.state.incidents)
    draft.take(incidents.declare(draft.state, declared, context))
    return next(item for name, item in draft.state.incidents.items() if name not in known)


def _severity(context: Context) -> Severity:
    """The most severe one of the matrix: who rolls back wants everybody that it names. SEV1 where there is none."""
    return min((rule.severity for rule in context.severities), key=lambda item: item.rank, default=Severity.SEV1)


# -- the countdown ----------------------------------------------------------------------------------------------------


def start_countdown(state: State, command: cmd.StartCountdown, context: Context) -> list[Batch]:
    """For breaches that nobody has cancelled one for; nothing where the plan wants none."""
    record, plan = record_of(state, context), context.plan
    if plan is None or plan.auto is None or not counts_down(record):
        return []
    return on(record, ev.CountdownStarted(context.now + plan.auto.countdown, command.why))


def counts_down(record: RolloutRecord) -> bool:
    """Whether a countdown may start: a breach stands that none was cancelled for."""
    if not record.under_way or record.countdown is not None or not record.percent:
        return False
    cancelled = record.cancelled_at
    return any(cancelled is None or breach.since > cancelled for breach in record.breaches.values())


def cancel_countdown(state: State, command: cmd.CancelCountdown, context: Context) -> list[Batch]:
    """There is none again for the breaches that stand, unless the engine itself cancels it."""
    record = record_of(state, context)
    if record.countdown is None:
        raise Refusal("no rollback is counted down")
    return on(record, ev.CountdownCancelled(required(command.reason, "the reason"), command.again))


# -- the end ----------------------------------------------------------------------------------------------------------


def ended(state: State, command: cmd.ObserveRollback, context: Context) -> list[Batch]:
    """Completed when the playbook was carried out to its end and the share is observed at 0 %, by all that tells of it.
    While it is unknown or another one, the end is not there yet, until it was looked for long enough."""
    record = record_of(state, context)
    run = rollback_run(state, record)
    if record.state is not RolloutState.ROLLING_BACK or command.run != record.run or run is None:
        return []
    if run.status is RunStatus.RUNNING:
        return []
    if run.status is RunStatus.ABORTED:
        return on(record, ev.RollbackEnded(record.run, False, f"{run.label} was aborted: {run.reason}", aborted=True))
    gone, seen = _gone(command, context)
    if not gone and not command.given_up:
        return []
    return on(record, ev.RollbackEnded(record.run, gone, f"{run.label} is completed; {seen}"))


def _gone(command: cmd.ObserveRollback, context: Context) -> tuple[bool, str]:
    """Whether no traffic is left on the new path, with what was seen. The flag at 0 % is what was asked for; where
    traffic is measured, only that says what came of it. Where nothing tells of it, nobody knows."""
    plan, said = context.plan, list[tuple[bool, str]]()
    flag, measured = command.flag, command.measured
    if flag is not None or (plan is not None and plan.flag and context.flags):
        said.append((flag == 0, f"flag {_share(flag)}"))
    if measured is not None or (plan is not None and plan.percent_expr):
        points = plan.tolerance(plan.phases[0]) if plan is not None else REACHED  # the smallest share that there may be
        said.append(
            (measured is not None and measured <= points, f"measured {_share(measured)}{_why(measured, context)}")
        )
    if not said:
        return False, "nobody knows the share"
    return all(well for well, _ in said), ", ".join(words for _, words in said)


def _why(measured: float | None, context: Context) -> str:
    """On what a measured share rests that no expression gave, or why it is unknown, in brackets."""
    reading = context.readings.get("rollout.percent")
    if reading is None:
        return ""
    why = reading.note if measured is None else reading.source.partition(": ")[2]
    return f" ({why})" if why else ""


def _share(percent: float | None) -> str:
    return "unknown" if percent is None else f"{percent:g} %"
