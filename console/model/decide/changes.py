"""The rules of the temporary changes: every one has an owner until it is undone or handed over.

What Alertmanager is asked for is in the record before it is asked, so that a crash leaves *outcome unknown* and never
nothing. A silence that somebody else made comes into the ledger as soon as somebody here touches it.
"""

from __future__ import annotations

from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.change import Change, ChangeKind, ChangeStatus
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decide.find import find
from console.model.playbook import Step
from console.model.run import Run
from console.model.silence import Silence
from console.model.state import State

_UNDO_SILENCE = "expire the silence"


def create_silence(state: State, command: cmd.CreateSilence, context: Context) -> list[Batch]:
    """The intent. What Alertmanager would refuse, or nobody can want, is refused before it is asked."""
    silence = command.silence
    if all(matcher.matches({}) for matcher in silence.matchers):
        raise Refusal("these matchers would silence everything: name at least one label that must have a value")
    if silence.ends_at <= max(silence.starts_at, context.now):
        raise Refusal(f"the silence would end at {silence.ends_at:%H:%M:%S}Z, before it begins")
    required(silence.comment, "the comment")
    if command.incident:
        find(state, command.incident)
    return [Batch(f"change:{context.fresh()}", 0, (_silence_intended(silence, command.incident, context),))]


def _silence_intended(silence: Silence, incident: str, context: Context) -> ev.ChangeIntended:
    what = f"silence {silence.text}: {silence.comment}"
    target = silence.cluster or str(context.target)
    return ev.ChangeIntended(ChangeKind.SILENCE, target, what, _UNDO_SILENCE, incident, silence.ends_at, silence)


def extend_silence(state: State, command: cmd.ExtendSilence, context: Context) -> list[Batch]:
    """The intent to move its end."""
    if command.ends_at <= context.now:
        raise Refusal(f"{command.ends_at:%H:%M:%S}Z has passed")
    if command.ends_at == command.silence.ends_at:
        raise Refusal(f"it ends at {command.ends_at:%H:%M:%S}Z already")
    return [_on_silence(state, command.silence, ev.ExtendIntended(command.ends_at), context)]


def expire_silence(state: State, command: cmd.ExpireSilence, context: Context) -> list[Batch]:
    """The intent to end it now."""
    return [_on_silence(state, command.silence, ev.UndoIntended(command.reason.strip()), context)]


def _on_silence(state: State, silence: Silence, intent: Any, context: Context) -> Batch:
    if not silence.id:
        raise Refusal("that silence has no id: it is not in Alertmanager")
    change = _of_silence(state, silence)
    found = ev.ChangeMade(f"found in Alertmanager, made by {silence.created_by}", silence.id, silence.ends_at)
    if change is None:
        return Batch(f"change:{context.fresh()}", 0, (_silence_intended(silence, "", context), found, intent))
    if change.state in (ChangeStatus.UNDONE, ChangeStatus.REFUSED):
        at = f" at {change.ended_at:%H:%M:%S}Z" if change.ended_at else ""
        raise Refusal(f"{change.label} was {change.state}{at} by {change.ended_by}: {change.answer}")
    known = () if change.remote else (found,)
    return Batch(change.stream, change.version, (*known, intent))


def _of_silence(state: State, silence: Silence) -> Change | None:
    """The entry of a silence: by its id, or, while nobody knows whether it was made, by what was asked for."""
    asked = (silence.matchers, silence.ends_at, silence.comment)
    found = None
    for change in state.changes.values():
        if change.remote and change.remote == silence.id:
            return change
        unknown = change.state is ChangeStatus.INTENDED and change.silence is not None
        if (
            unknown
            and change.silence
            and asked
            == (
                change.silence.matchers,
                change.silence.ends_at,
                change.silence.comment,
            )
        ):
            found = change
    return found


def record(state: State, command: cmd.RecordChange, context: Context) -> list[Batch]:
    """What somebody changed by hand, with the way back."""
    if command.expires_at is not None and command.expires_at <= context.now:
        raise Refusal(f"{command.expires_at:%H:%M:%S}Z has passed: it is not in force any more")
    if command.incident:
        find(state, command.incident)
    intended = ev.ChangeIntended(
        command.kind,
        required(command.target, "the target"),
        required(command.what, "what was changed"),
        required(command.undo, "how it is undone"),
        command.incident,
        command.expires_at,
    )
    return [Batch(f"change:{context.fresh()}", 0, (intended, ev.ChangeMade("made by hand")))]


def _find(state: State, change_id: str) -> Change:
    change = state.changes.get(change_id)
    if change is None:
        raise Refusal(f"change {change_id} is not in this record")
    if change.ended_at is not None:
        raise Refusal(f"{change.label} was {change.state} by {change.ended_by} at {change.ended_at:%H:%M:%S}Z")
    return change


def settle(state: State, command: cmd.SettleChange, _: Context) -> list[Batch]:
    """How it stands, as a person saw it."""
    change = _find(state, command.change)
    observed = required(command.observed, "what was observed")
    answers: dict[tuple[ChangeStatus, ChangeStatus], Any] = {
        (ChangeStatus.INTENDED, ChangeStatus.IN_FORCE): ev.ChangeMade(observed),
        (ChangeStatus.INTENDED, ChangeStatus.REFUSED): ev.ChangeRefused(observed),
        (ChangeStatus.UNDOING, ChangeStatus.IN_FORCE): ev.UndoRefused(observed),
    }
    undone = ev.ChangeUndone(observed) if command.state is ChangeStatus.UNDONE else None
    answer = undone or answers.get((change.state, command.state))
    if answer is None:
        raise Refusal(f"{change.label} is {change.state}: it cannot be settled as {command.state}")
    return [Batch(change.stream, change.version, (answer,))]


def hand_over(state: State, command: cmd.HandOverChange, context: Context) -> list[Batch]:
    """To somebody else, or to a ticket, with a reason."""
    change = _find(state, command.change)
    if not change.owed(context.now):
        raise Refusal(f"{change.label} is {change.state}: nobody has to undo it")
    given = ev.ChangeHandedOver(required(command.to, "the receiver"), required(command.reason, "the reason"))
    return [Batch(change.stream, change.version, (given,))]


# -- flags that a playbook sets ---------------------------------------------------------------------------------------


def flag_intended(state: State, run: Run, step: Step, context: Context) -> list[Batch]:
    """The ledger's side of an intent to set a flag."""
    return [] if _of_flag(state, run, step) is not None else [_new_flag(run, step, context)]


def flag_set(state: State, run: Run, step: Step, answer: str, context: Context) -> list[Batch]:
    """The flag of a step stands where the step wants it. What the same flag was set to before is over with that: it has
    one way back, and not two."""
    known = _of_flag(state, run, step)
    made = ev.ChangeMade(answer)
    before = [
        Batch(item.stream, item.version, (ev.ChangeUndone(f"{_what(step)} since"),))
        for item in _flags(state, run, step)
        if item.state in (ChangeStatus.INTENDED, ChangeStatus.IN_FORCE) and item is not known
    ]
    if known is None:
        new = _new_flag(run, step, context)
        return [*before, Batch(new.stream, 0, (*new.payloads, made))]
    if known.state is ChangeStatus.INTENDED:
        return [*before, Batch(known.stream, known.version, (made,))]
    return before


def flag_outcome(state: State, run_id: str, step_id: str, outcome: str, answer: str, context: Context) -> list[Batch]:
    """The ledger's side of how setting a flag ended: for the engine, with its `EffectFinished`."""
    run = state.runs[run_id]
    step = run.playbook.step(step_id)
    if outcome == "done":
        return flag_set(state, run, step, answer, context)
    known = _of_flag(state, run, step)
    if outcome != "refused" or known is None or known.state is not ChangeStatus.INTENDED:
        return []
    return [Batch(known.stream, known.version, (ev.ChangeRefused(answer),))]


def _what(step: Step) -> str:
    return f"{step.flag or 'the flag'} set to {step.percent:g} %"


def _target(run: Run, step: Step) -> str:
    return f"{step.flag} on {run.target}" if step.flag else run.target


def _flags(state: State, run: Run, step: Step) -> list[Change]:
    target = _target(run, step)
    return [
        change
        for change in state.changes_of(run.incident)
        if change.kind is ChangeKind.FLAG and change.target == target and change.ended_at is None
    ]


def _of_flag(state: State, run: Run, step: Step) -> Change | None:
    found = [change for change in _flags(state, run, step) if change.what == _what(step)]
    return found[-1] if found else None


def _new_flag(run: Run, step: Step, context: Context) -> Batch:
    before = context.readings.get("rollout.percent")
    was = f" ({before.value:g} % of the traffic)" if before is not None and before.value is not None else ""
    intended = ev.ChangeIntended(
        ChangeKind.FLAG,
        _target(run, step),
        _what(step),
        step.undo or f"set {step.flag or 'the flag'} back to what it was before{was}",
        run.incident,
    )
    return Batch(f"change:{context.fresh()}", 0, (intended,))


# -- programs that a playbook runs ------------------------------------------------------------------------------------


def command_intended(state: State, run: Run, step: Step, context: Context) -> list[Batch]:
    """The ledger's side of an intent to run a program that can be taken back: only what says how is a temporary
    change."""
    if not step.undo or _of_command(state, run, step) is not None:
        return []
    intended = ev.ChangeIntended(ChangeKind.OTHER, run.target, _what_runs(step), step.undo, run.incident)
    return [Batch(f"change:{context.fresh()}", 0, (intended,))]


def command_outcome(state: State, run: Run, step: Step, outcome: str, answer: str) -> list[Batch]:
    """The ledger's side of how a program ended."""
    known = _of_command(state, run, step)
    answers = {"done": ev.ChangeMade(answer), "refused": ev.ChangeRefused(answer)}
    if known is None or known.state is not ChangeStatus.INTENDED or outcome not in answers:
        return []
    return [Batch(known.stream, known.version, (answers[outcome],))]


def _what_runs(step: Step) -> str:
    argv = " ".join(step.program.argv) if step.program is not None else ""
    return f"{step.title}: {argv}"


def _of_command(state: State, run: Run, step: Step) -> Change | None:
    """What is in the ledger for it and not over yet. A program that has failed half way may have changed something: it
    is told anew with every try."""
    for change in state.changes_of(run.incident):
        known = change.kind is ChangeKind.OTHER and change.target == run.target and change.ended_at is None
        if known and change.what == _what_runs(step):
            return change
    return None
