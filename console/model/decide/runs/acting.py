"""Steps that the console carries out when a person asks for it: once, with the intent in the record before."""

from __future__ import annotations

import shlex
from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import changes, rollout
from console.model.decide.context import Batch, Context, Refusal
from console.model.decide.foresight import Draft
from console.model.decide.runs import authority, telling
from console.model.decide.runs.finding import find_mine
from console.model.decide.runs.flow import give_up
from console.model.decide.runs.steps import taken
from console.model.decide.wording import Words, facts
from console.model.playbook import Step, StepKind
from console.model.run import Effect, Run, StepRun, StepStatus
from console.model.state import State

_Ask = cmd.SetFlag | cmd.RunProgram | cmd.SendNotice


def set_flag(state: State, command: cmd.SetFlag, context: Context) -> list[Batch]:
    """The intent to set a flag, before anything is touched."""
    run, step, progress = _find(state, command, context, StepKind.FLAG, "sets no flag")
    if not context.flags:
        raise Refusal(f"nothing here can set {step.flag}: set it by hand and type what you observe")
    draft = _asked(state, command, run, step, progress, context)
    intent = ev.EffectIntended(
        context.fresh(), "flag", step.flag, f"set to {step.percent:g} % for {run.target}", step.id
    )
    give_up(draft, run.id, step.id, "no answer was heard before it was asked for again")
    draft.add(run.stream, intent)
    draft.take(changes.flag_intended(draft.state, run, step, context))
    draft.take(rollout.step_intended(draft.state, run, step, intent.effect, command.break_glass, context))
    return draft.batches()


def run_program(state: State, command: cmd.RunProgram, context: Context) -> list[Batch]:
    """The intent to run a program. One whose file others may write runs only when somebody has read it."""
    run, step, progress = _find(state, command, context, StepKind.COMMAND, "runs no program")
    if step.program is None:
        raise Refusal(f"{step.title!r} names no program: do it by hand and type what you observe")
    if run.untrusted and run.playbook_hash not in state.trusted:
        name = run.playbook.name
        raise Refusal(
            f"{run.untrusted}: read the file, then `oncall playbook trust {name} --reason ...`, or do it by hand"
        )
    draft = _asked(state, command, run, step, progress, context)
    intent = ev.EffectIntended(context.fresh(), "command", run.target, shlex.join(step.program.argv), step.id)
    draft.add(run.stream, intent)
    draft.take(changes.command_intended(draft.state, run, step, context))
    return draft.batches()


def send_notice(state: State, command: cmd.SendNotice, context: Context) -> list[Batch]:
    """Queues a message to a channel."""
    run, step, progress = _find(state, command, context, StepKind.NOTIFY, "tells nobody")
    notice = step.notice
    if notice is None or not telling.channels(notice.channel, context):
        name = notice.channel if notice is not None else "none"
        raise Refusal(f"there is no channel {name!r} here: tell them by hand and type what you observe")
    if telling.told_by(state, run, step, progress.attempt):
        raise Refusal(f"{step.title!r} is sent already: it closes when the far side has taken it")
    draft = _asked(state, command, run, step, progress, context)
    first, _, rest = notice.text.partition("\n")
    said = Words(first, rest, facts(("playbook", run.playbook.title), ("step", step.title)))
    ref = telling.notice_ref(run, step, progress.attempt)
    telling.queue(draft, run, notice.channel, ev.StepAsked(step.id, progress.attempt), said, ref)
    return draft.batches()


def _find(state: State, command: _Ask, context: Context, kind: StepKind, otherwise: str) -> tuple[Run, Step, StepRun]:
    """The step, where it is of this kind and nothing is under way for it. Raises Refusal."""
    run, step, progress = find_mine(state, command.run, command.step, context)
    if step.kind is not kind:
        raise Refusal(f"{step.title!r} {otherwise}")
    if step.repeatable:
        return run, step, progress
    for effect in run.effects_of(step.id):
        if not effect.outcome:
            raise Refusal(
                f"an earlier attempt ({effect.kind} {effect.target}, {effect.detail}) has an unknown outcome: "
                "look, then close the step by hand, or say that it failed"
            )
    if not command.break_glass.strip() and (doubt := in_doubt(run, step)):
        raise Refusal(f"{doubt}. Look first; then it can be run with a reason, which is told (break the glass)")
    for effect in run.effects_of(step.id, progress.attempt):
        if effect.outcome == "unknown" or (effect.outcome == "done" and effect.kind != "flag"):
            raise Refusal(
                f"{step.title!r} was carried out in this attempt ({effect.outcome}): close it, or say that it failed "
                "and try it again"
            )
    return run, step, progress


def in_doubt(run: Run, step: Step) -> str:
    """Why the program of a step may have done its work in an earlier attempt, or be doing it still; empty when nothing
    speaks for that. Then only a person who has looked runs it once more."""
    progress = run.steps[step.id]
    for effect in run.effects_of(step.id) if step.kind is StepKind.COMMAND else ():
        if effect.attempt == progress.attempt:
            continue
        if effect.outcome == "unknown":
            return f"nobody knows what came of attempt {effect.attempt} ({effect.detail}: {effect.answer})"
        if effect.outcome == "done" and not any(_knew(item, effect) for item in progress.earlier):
            return f"attempt {effect.attempt} has ended well after it was given up ({effect.detail}: {effect.answer})"
    return ""


def _knew(item: StepRun, effect: Effect) -> bool:
    """Whether an attempt came to its end with its effect, and not before."""
    if item.attempt != effect.attempt or item.ended_at is None or effect.ended_at is None:
        return False
    return item.status is StepStatus.DONE or item.ended_at >= effect.ended_at


def _asked(state: State, command: _Ask, run: Run, step: Step, progress: StepRun, context: Context) -> Draft:
    """Who asked, and who holds the step from now on. A further try of what was asked for does not ask again."""
    events: list[Any] = []
    doubt = in_doubt(run, step)
    if progress.asked_by is None or doubt:
        typed = authority.typed_right(run, step, command.typed) if progress.asked_by is None else ""
        glass = authority.allowed(state, run, step, progress, context, command.break_glass)
        glass = command.break_glass.strip() if doubt else glass
        events.append(ev.StepAsked(step.id, progress.attempt, typed, glass))
    draft = Draft(state, context)
    draft.add(run.stream, *events, taken(progress, context))
    return draft
