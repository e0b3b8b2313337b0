"""What plain mode shows of a step, and what it asks: lines, and the ways that are open now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.bootstrap.holders import gone
from console.cli.run_common import acting_words, again, clock, drift, effect_line, needs

if TYPE_CHECKING:
    from datetime import datetime

    from console.engine.console import Console
    from console.model.board import Board
    from console.model.playbook import Check, Step
    from console.model.run import Run, StepRun
    from console.model.state import State

HELP = """\
An answer is what you observe. Enter alone looks again. Besides, also while it waits:
  /run            carry the step out (a program, a flag, a message): it is asked for once
  /skip WHY       leave the step out
  /fail WHY       it went wrong
  /retry          begin a failed step again
  /expire WHY     stop waiting; what is left behind is the reason
  /override WHY   close the step although its reading does not show the effect
  /glass WHY      do alone what needs another person or role; it is told
  /take WHY       take the step from another console
  /hold WHY       put the run on hold     /resume WHY  go on
  /abort WHY      end the run here
  /quit           leave; the run stays as it is"""

HOLD_HELP = """\
  /resume WHY     go on
  /abort WHY      end the run here
  Enter, /quit    leave; the run stays on hold"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an answer is for: the run and the step that were on the screen when it was asked."""

    run: Run
    step: Step
    read: frozenset[str] = frozenset()
    """The hashes of the playbooks that this console has read from files that others may not write."""

    @property
    def progress(self) -> StepRun:
        """How far the step had come."""
        return self.run.steps[self.step.id]


# -- who has to do something ------------------------------------------------------------------------------------------


def needs_somebody(run: Run, progress: StepRun, board: Board, terminal: bool) -> bool:
    """Whether a step comes no further by itself. In a pipe, what closes by its own reading is waited for until it is
    late: the answers there are for the steps that follow."""
    from console.model.playbook import ACTING, OBSERVED, StepKind
    from console.model.run import StepStatus

    step = run.playbook.step(progress.id)
    if progress.status is StepStatus.FAILED:
        return progress.retry_at is None
    if step.kind is StepKind.PLAYBOOK:
        return False
    if step.kind in OBSERVED:
        return progress.overdue_fired or terminal
    if step.kind not in ACTING or progress.asked_by is None:
        return True
    effects = run.effects_of(step.id, progress.attempt)
    if any(effect.outcome == "unknown" for effect in effects):
        return True
    if any(not effect.outcome for effect in effects) or (not effects and step.kind is not StepKind.NOTIFY):
        return not _attended(run, progress, board)
    if step.verify is not None:
        return progress.overdue_fired or terminal
    return step.kind is StepKind.FLAG or progress.overdue_fired


def _attended(run: Run, progress: StepRun, board: Board) -> bool:
    """Whether a console that is not known to be gone carries the step out."""
    if any((job.run, job.step) == (run.id, progress.id) for job in board.jobs):
        return True
    if progress.held_elsewhere(board.console, board.at):
        return not gone(progress.holder)
    # Ours, and nothing runs: it is about to begin, or it began in a process that is no more.
    return progress.holder == board.console and not run.effects_of(progress.id, progress.attempt)


def hindrance(prompt: Prompt, console: Console, glass: str = "") -> str:
    """Why the step cannot be carried out from here now; empty when it can be asked for."""
    from console.model.message import Act
    from console.model.run import StepStatus

    run, step, progress, board = prompt.run, prompt.step, prompt.progress, console.board
    by_hand = "do it by hand and type what you observe"
    if board.read_only:
        return "this console is read-only"
    if progress.status is StepStatus.FAILED:
        return "it has failed: /retry begins it again" + (" by itself too" if progress.retry_at else "")
    if progress.held_elsewhere(board.console, board.at):
        return _held(progress)
    if not step.repeatable and any(effect.outcome in ("", "unknown") for effect in run.effects_of(step.id)):
        return "an earlier attempt has an unknown outcome: look, then type what you observe, or /fail WHY"
    if step.flag and not board.flags:
        return f"nothing here can set {step.flag}: {by_hand}"
    if step.program is not None and run.playbook_hash not in console.state.trusted:
        why = run.untrusted
        if not why and run.playbook_hash not in prompt.read:
            why = "this console has not read that version of the playbook from a file that others may not write"
        if why:
            trust = f"`oncall playbook trust {run.playbook.name} --reason WHY`"
            return f"{why}: read the file, then {trust} elsewhere, or {by_hand}"
    if step.notice is not None:
        name = step.notice.channel
        if not any(Act.POST in spec.acts and name in (spec.name, spec.kind) for spec in board.channels):
            return f"there is no channel {name!r} here: {by_hand}"
    if step.second_person and progress.confirmed_by is None and progress.asked_by is None and not glass:
        return f"it needs a second person, who reads back {run.target} on their own console; /glass WHY does it alone"
    return ""


# -- the card ---------------------------------------------------------------------------------------------------------


def card(prompt: Prompt, console: Console) -> Iterator[str]:
    """The step, one fact a line."""
    run, step, progress, board = prompt.run, prompt.step, prompt.progress, console.board
    number = [item.id for item in run.playbook.steps].index(step.id) + 1
    yield ""
    checklist = next((item for item in run.playbook.checklists if item.id == step.checklist), None)
    if checklist is not None and checklist.pause_point:
        yield f"{checklist.title}. {checklist.pause_point}"
    yield (
        f"STEP {number} of {len(run.playbook.steps)}: {step.title} ({step.kind}, {step.owner}), "
        f"{_time(step, progress, board.at)}"
    )
    if changed := drift(run, console.settings):
        yield f"note: {changed}"
    yield f"do: {step.challenge}"
    yield f"expect: {step.response}"
    yield from (f"look at: {_now(check, board)}" for check in step.look_at)
    if step.verify is not None:
        yield f"reads: {_now(step.verify, board)}"
    for place, option in enumerate(step.options, 1):
        advice = f" (fits {_now(option.when, board)})" if option.when is not None else ""
        yield f"  {place} {option.id}: {option.label}{advice}"
    yield from _standing(run, step, progress, board)
    if progress.asked_by is None and acts(step):
        reason = hindrance(prompt, console)
        yield from (f"not from here: {reason}",) if reason else acting_words(run, step, console.state)
    yield from (effect_line(effect) for effect in run.effects_of(step.id, progress.attempt))
    if progress.reason:
        yield f"FAILED: {progress.reason}"
    if step.undo:
        yield f"is taken back by: {step.undo}"
    others = [run.playbook.step(item.id).title for item in run.active if item.id != step.id]
    if others:
        yield f"also open: {', '.join(others)}"


def acts(step: Step) -> bool:
    """Whether there is something that the console could carry out."""
    return bool(step.program or step.notice or step.flag)


def _time(step: Step, progress: StepRun, now: datetime) -> str:
    if said := ", ".join(clock(progress, now)):
        return said
    return f"timebox {step.timebox.total_seconds() / 60:g} min" if step.timebox else "no timebox"


def _standing(run: Run, step: Step, progress: StepRun, board: Board) -> Iterator[str]:
    """What the step waits for, besides its answer, in the words of the prompt."""
    typed = f": {run.confirmation(step)} must be typed; it is asked for"
    role, alone = "; /glass WHY does it all the same, and is told", "; /glass WHY does it alone, and is told"
    yield from needs(run, step, progress, typed, role, alone)
    if progress.held_elsewhere(board.console, board.at):
        yield _held(progress)
    yield from again(progress)


def _held(progress: StepRun) -> str:
    """Who holds the step, and how it is taken."""
    until = f"until {progress.held_until:%H:%M:%S}Z" if progress.held_until is not None else ""
    if gone(progress.holder):
        return (
            f"held by {progress.held_by} {until} on {progress.holder}, a console that is gone: /take WHY takes the step"
        )
    return f"held by {progress.held_by} on {progress.holder} {until}: /take WHY takes the step"


def _now(check: Check, board: Board) -> str:
    """A check and what is read of it now."""
    found = board.readings.get(check.reading)
    if found is None:
        return f"{check}: not read yet"
    if found.value is None or not found.ok:
        value = f", last {found.value:g}" if found.value is not None else ""
        return (
            f"{check}: CANNOT VERIFY, {found.state.replace('_', ' ')}{value}{f': {found.note}' if found.note else ''}"
        )
    age = f", {(board.at - found.at).total_seconds():.0f} s old" if found.at is not None else ""
    since = board.held.get(str(check))
    held = f", since {(board.at - since).total_seconds():.0f} s" if since is not None else ""
    return f"{check}: {'yes' if check.holds(found.value) else 'NO'}, {found.value:g}{age}{held}"


# -- the question -----------------------------------------------------------------------------------------------------


def question(prompt: Prompt, console: Console) -> str:
    """What is asked, with the ways that are open."""
    from console.model.playbook import OBSERVED, StepKind
    from console.model.run import StepStatus

    step, progress, board = prompt.step, prompt.progress, console.board
    if progress.status is StepStatus.FAILED:
        return f"failed: {', '.join(_after_failure(prompt, board))}, or ?:"
    if progress.held_elsewhere(board.console, board.at):
        return "held elsewhere: Enter looks again, /take WHY takes it, or ?:"
    if step.kind is StepKind.DECISION:
        return f"choose 1-{len(step.options)}, or ?:"
    if step.kind is StepKind.APPROVAL:
        return "approve [y/N], or ?:"
    if step.kind in OBSERVED:
        return "it ends by itself; Enter looks again, /expire WHY stops waiting, or ?:"
    if progress.asked_by is not None:
        return _after_asking(prompt)
    if acts(step) and not hindrance(prompt, console):
        return "/run does it; or what you observe, if it is done by hand; or ?:"
    return "observed, or ?:"


def _after_failure(prompt: Prompt, board: Board) -> Iterable[str]:
    from console.model.playbook import OBSERVED, StepKind
    from console.model.run import MAX_ATTEMPTS

    step, progress = prompt.step, prompt.progress
    if progress.held_elsewhere(board.console, board.at):
        yield "/take WHY"
    if progress.attempt < MAX_ATTEMPTS:
        yield "/retry"
    if step.kind is not StepKind.DECISION:
        yield "/skip WHY"
    if step.kind in OBSERVED:
        yield "/expire WHY"
    yield "/abort WHY"


def _after_asking(prompt: Prompt) -> str:
    """The step was carried out, and has not closed."""
    step, progress = prompt.step, prompt.progress
    effects = prompt.run.effects_of(step.id, progress.attempt)
    if any(effect.outcome in ("", "unknown") for effect in effects):
        closes = "/override WHY" if step.verify is not None else "what you observe"
        again = "/run sets it again; or " if step.repeatable else ""
        return f"OUTCOME UNKNOWN: {again}look, then {closes} closes it; /fail WHY, /skip WHY, or ?:"
    if not effects and not step.notice:
        return "it was asked for, and nobody carries it out: /fail WHY, then /retry; /skip WHY, or ?:"
    if step.verify is not None:
        return (
            "it was carried out and closes by its reading; Enter looks again, /override WHY closes it, /fail WHY, or ?:"
        )
    return "observed, or ?:"


def waiting_for(run: Run, read: frozenset[str] = frozenset()) -> Prompt | None:
    """The step that what is said meanwhile is about: the one that holds the run up."""
    current = run.current
    return Prompt(run, run.playbook.step(current.id), read) if current is not None else None


def waiting(run: Run, board: Board) -> Iterator[str]:
    """What is under way by itself."""
    from console.model.run import StepStatus

    names = [
        f"{run.playbook.step(item.id).title}{', tried again' if item.status is StepStatus.FAILED else ''}"
        for item in run.active
    ]
    yield f"waiting: {', '.join(names) or 'nothing'}"
    for item in run.active:
        if item.held_elsewhere(board.console, board.at):
            yield f"  {run.playbook.step(item.id).title}: {_held(item)}"
    target = waiting_for(run)
    of = f" for {target.step.title}" if target is not None and len(names) > 1 else ""
    yield f"  meanwhile{of}: /override, /skip, /fail, /take, /hold, /abort with WHY, /quit, or ?"


def option_of(step: Step, text: str) -> str | None:
    """The option that a number or a name means."""
    ids = [item.id for item in step.options]
    if text.isdecimal() and 1 <= int(text) <= len(ids):
        return ids[int(text) - 1]
    return text if text in ids else None


def goes_on_here(run: Run, step: Step, board: Board, state: State) -> bool:
    """Whether what this console was asked for comes to its end by itself: a program runs or is tried again, a message
    is on its way, or all is done and the step is about to close."""
    from console.model.decide.runs.telling import told_by
    from console.model.playbook import StepKind
    from console.model.run import StepStatus

    progress = run.steps[step.id]
    if run.ended_at is not None or run.held_at is not None or not progress.open:
        return False
    if any((job.run, job.step) == (run.id, step.id) for job in board.jobs):
        return True
    if progress.status is StepStatus.FAILED:
        return progress.retry_at is not None
    if step.kind is StepKind.NOTIFY:
        told = told_by(state, run, step, progress.attempt)
        return step.verify is None and not any(item.open and item.attempts for item in told)
    effects = run.effects_of(step.id, progress.attempt)
    if not effects:
        return progress.asked_by is not None and progress.holder == board.console
    return step.verify is None and step.kind is StepKind.COMMAND and all(item.outcome == "done" for item in effects)


def outcome_of(progress: StepRun) -> str:
    """How a step has ended, and by whom."""
    by = f" by {progress.by}" if progress.by else ""
    return f"{progress.observed or progress.evidence or progress.reason or progress.status}{by}"


def in_own_words(reason: str) -> str:
    """A refusal with the prompt's ways in it, instead of those of other commands."""
    for said, here in _WAYS:
        reason = reason.replace(said, here)
    return reason


_WAYS = (
    ("with a reason, which is told (break the glass)", "by /glass WHY, which is told"),
    ("alone with a reason (break the glass)", "alone by /glass WHY"),
    ("close the step with a reason", "close it by /override WHY"),
    ("give a reason to take it over", "/take WHY takes it"),
    ("take it with a reason", "/take WHY takes it"),
    ("resume it first", "/resume WHY first"),
)
