"""What the commands on runs share: how a run is told, and one command about one step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.bootstrap.holders import left_by_us
from console.cli.exits import REFUSED, USAGE, Stop, complain
from console.cli.record import How, Shown, run_of, step_of, submit, write

if TYPE_CHECKING:
    from datetime import datetime

    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.board import Board
    from console.model.commands import Command
    from console.model.playbook import Step
    from console.model.run import Effect, Run, StepRun
    from console.model.state import State
    from console.settings.config import Config

OUTPUT_SHOWN = 20
"""Lines of a program's output, from its end."""

run_argument = click.argument("run_id", metavar="RUN")
step_argument = click.argument("step")
link_option = click.option("--link", "links", multiple=True, metavar="URL", help="Evidence elsewhere; repeatable.")
typed_option = click.option("--typed", default="", help="For an irreversible step: the words it asks for.")
glass_option = click.option(
    "--break-glass",
    default="",
    metavar="REASON",
    help="Why you do alone what needs another person or role; it is told.",
)
set_option = click.option(
    "--set", "given", multiple=True, metavar="NAME=VALUE", help="A variable of the playbook; repeatable."
)


def variables(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What `--set` says. Raises Stop."""
    found = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise Stop(f"--set {item}: expected NAME=VALUE", USAGE)
        found[name.strip()] = value.strip()
    return tuple(found.items())


# -- how a run is told ------------------------------------------------------------------------------------------------


def shown(console: Console, run_id: str) -> Shown:
    """A run as data and as lines."""
    from console.reports.runs import run_data

    run, now, state = console.state.runs[run_id], console.board.at, console.state
    children = [item for item in state.runs.values() if item.parent == run.id]
    data = {
        **run_data(run, now),
        "drift": drift(run, console.settings) or None,
        "children": [{"id": item.id, "label": item.label, "step": item.parent_step} for item in children],
    }
    return {"run": data}, _lines(run, state, now, console.settings)


def drift(run: Run, config: Config) -> str:
    """How the playbook's file differs from what the run was started from; empty when it does not."""
    loaded = next((item for item in config.playbooks if item.playbook.name == run.playbook.name), None)
    if loaded is None:
        return "the playbook's file is gone; the run goes on with what it was started from"
    if loaded.hash != run.playbook_hash:
        return f"{loaded.file} has changed since; the run goes on with what it was started from"
    return ""


def _lines(run: Run, state: State, now: datetime, config: Config) -> Iterator[str]:
    yield f"{run.label}  {run.playbook.title}  {run.status}" + (f": {run.reason}" if run.reason else "")
    if run.held_at is not None:
        yield f"ON HOLD since {run.held_at:%H:%M:%S}Z: {run.held_reason}"
    if run.parent in state.runs:
        yield f"called by {state.runs[run.parent].label}, step {run.parent_step}"
    if run.next_run in state.runs:
        yield f"goes on in {state.runs[run.next_run].label}"
    if run.ended_at is None and (changed := drift(run, config)):
        yield f"note: {changed}"
    if run.untrusted and run.playbook_hash not in state.trusted and run.ended_at is None:
        yield f"note: its programs may not run: {run.untrusted}"
    yield from (f"{name} = {value}" for name, value in run.variables.items())
    called = {item.parent_step: item.label for item in state.runs.values() if item.parent == run.id}
    for number, step in enumerate(run.playbook.steps, 1):
        yield from _step_lines(run, step, number, now)
        if step.id in called:
            yield f"   runs as {called[step.id]}"
    yield from (f"to take back: {step.title}: {step.undo}" for step, _ in run.undoing if run.ended_at is not None)


def _step_lines(run: Run, step: Step, number: int, now: datetime) -> Iterator[str]:
    progress = run.steps[step.id]
    parts = [f"{number}. {step.id}", step.title, progress.status.value, *clock(progress, now)]
    if progress.attempt > 1:
        parts.append(f"attempt {progress.attempt}")
    if progress.observed or progress.reason:
        parts.append(progress.observed or progress.reason)
    yield "  ".join(parts)
    yield from (
        f"   attempt {item.attempt}: {item.status}: {item.observed or item.reason}" for item in progress.earlier
    )
    yield from _proof(progress)
    yield from (f"   {effect_line(effect)}" for effect in run.effects_of(step.id))
    if not progress.open:
        return
    yield f"   {step.challenge}"
    yield f"   expected: {step.response}"
    yield from (f"   option {item.id}: {item.label}" for item in step.options)
    yield from (f"   {text}" for text in _standing(run, step, progress, now))


def clock(progress: StepRun, now: datetime) -> Iterator[str]:
    """What is left of a step's time, or how late it is."""
    late = progress.overdue_by(now)
    if progress.deadline is not None and progress.ended_at is None and progress.started_at is not None:
        left = (progress.deadline - now).total_seconds()
        yield f"OVERDUE by {-left:.0f} s" if left < 0 else f"{left:.0f} s left"
    elif late is not None:
        yield f"{late.total_seconds():.0f} s late"


def _proof(progress: StepRun) -> Iterator[str]:
    if progress.evidence:
        yield f"   evidence: {progress.evidence}"
    if progress.override:
        yield f"   closed without proof: {progress.override}"
    if progress.break_glass:
        yield f"   BREAK-GLASS: {progress.break_glass}"
    yield from (f"   link: {link}" for link in progress.links)
    yield from (f"   | {text}" for text in progress.output.splitlines()[-OUTPUT_SHOWN:])
    if progress.digest:
        yield f"   {progress.digest}"


def effect_line(effect: Effect) -> str:
    """What was carried out, and what came of it."""
    what = f"{effect.kind} {effect.target}, {effect.detail}"
    if not effect.outcome:
        return f"under way, or OUTCOME UNKNOWN: {what}"
    return f"{what}: {effect.outcome}" + (f": {effect.answer}" if effect.answer else "")


def needs(run: Run, step: Step, progress: StepRun, typed: str, role: str = "", alone: str = "") -> Iterator[str]:
    """What a step that is open asks for, besides its answer. `typed` says how what is irreversible is confirmed, `role`
    and `alone` what to do without the role and without the second person."""
    if step.verify is not None:
        yield f"closes on: {step.verify}"
    if step.confirm:
        yield f"IRREVERSIBLE{typed}"
    if step.role:
        yield f"only the {step.role} may{role}"
    if step.second_person:
        by = progress.confirmed_by
        yield f"two persons: {f'read back by {by}' if by else f'a second person reads the target back{alone}'}"


def again(progress: StepRun) -> Iterator[str]:
    """When a failed step is tried again by itself."""
    if progress.retry_at is not None:
        yield f"tried again at {progress.retry_at:%H:%M:%S}Z"


def _standing(run: Run, step: Step, progress: StepRun, now: datetime) -> Iterator[str]:
    yield from needs(run, step, progress, f", --typed {run.confirmation(step)!r}")
    if progress.holder and progress.held_until is not None and now < progress.held_until:
        yield f"held by {progress.held_by} on {progress.holder} until {progress.held_until:%H:%M:%S}Z"
    yield from again(progress)


# -- one command about one step ---------------------------------------------------------------------------------------


def on_step(
    options: Options,
    run_id: str,
    step: str,
    wanted: Callable[[Console, Run, str], Command],
    how: How,
    *,
    verify: bool = False,
    after: Callable[[Console, Done], Awaitable[None]] | None = None,
) -> None:
    """Submits a command about one step and shows the run afterwards. `verify`: the step's reading may be needed.
    `after` is what is waited for in between."""
    found: list[str] = []

    async def make(console: Console) -> Command:
        run = run_of(console.state, run_id)
        found.append(run.id)
        step_id = step_of(run, step)
        if verify and run.playbook.step(step_id).verify is not None:
            await console.ask()
        await take_from_the_dead(console, run, step_id)
        return wanted(console, run, step_id)

    write(options, make, lambda console, _: shown(console, found[0]), how=how, sources=verify, after=after)


def on_run(options: Options, run_id: str, wanted: Callable[[Run], Command], how: How) -> None:
    """Submits a command about a run as a whole, and shows it afterwards."""
    found: list[str] = []

    def make(console: Console) -> Command:
        run = run_of(console.state, run_id)
        found.append(run.id)
        return wanted(run)

    def result(console: Console, _: Done) -> Shown:
        return shown(console, found[0])

    write(options, make, result, how=how)


async def take_from_the_dead(console: Console, run: Run, step_id: str) -> None:
    """A command that carried a step out holds it for some minutes, and has ended long before. Who goes on with the next
    command need not give a reason for that: the process that holds it is gone, and it was one of the same user."""
    from console.model.commands import TakeStep

    holder = run.steps[step_id].holder
    if not left_by_us(holder):
        return
    try:
        await submit(console, TakeStep(run.id, step_id, f"the command that held it ({holder}) has ended", holder))
    except Stop as stop:
        if stop.code != REFUSED:  # it was let go meanwhile
            raise


def acting_words(run: Run, step: Step, state: State) -> Iterable[str]:
    """What the console is about to do, and where: for the one question that is asked, and for a dry run."""
    incident = state.incidents.get(run.incident)
    service, environment = (incident.service, incident.environment) if incident is not None else ("?", "?")
    if step.program is not None:
        what = f"run {command_line(step.program.argv)}"
    elif step.notice is not None:
        what = f"tell {step.notice.channel}: {step.notice.text}"
    else:
        what = f"set the flag {step.flag} to {step.percent:g} %"
    yield f"{step.title} ({run.label}): {what}"
    yield f"on {run.target}: service {service}, environment {environment}"


def command_line(argv: Sequence[str]) -> str:
    """An argument vector as somebody would type it: where each argument ends is seen."""
    import shlex

    return shlex.join(argv)


class Tail:
    """Says each line that programs write, once. `run` is the id of theirs; empty: any."""

    def __init__(self, say: Callable[[str], None], run: str = "") -> None:
        self._say, self.run = say, run
        self._seen: tuple[str, ...] = ()
        self.steps: set[tuple[str, str]] = set()
        """The steps, by their run, of which a line was said."""

    def look(self, board: Board) -> None:
        """The newest Board."""
        for job in board.jobs:
            if self.run in ("", job.run) and job.tail != self._seen:
                before, self._seen = self._seen, job.tail
                self.steps.add((job.run, job.step))
                # A tail moves on: what was its end before is somewhere in it now.
                known = next((n for n in range(len(before), 0, -1) if job.tail[:n] == before[-n:]), 0)
                for text in job.tail[known:]:
                    self._say(f"  | {text}")


class Tries:
    """Says how each try of a step has ended that is tried again by itself, and when the next one is."""

    def __init__(self, say: Callable[[str], None], run: str, step: str) -> None:
        self._say, self._run, self.step = say, run, step
        self._waits: datetime | None = None

    def look(self, board: Board) -> None:
        """The newest Board."""
        run = board.run(self._run)
        progress = run.steps.get(self.step) if run is not None else None
        if run is None or progress is None or progress.retry_at in (None, self._waits):
            return
        self._waits = progress.retry_at
        why = next((item.answer for item in reversed(run.effects_of(self.step)) if item.outcome), progress.reason)
        self._say(f"attempt {progress.attempt}: {why}; tried again at {progress.retry_at:%H:%M:%S}Z (ctrl+c: not)")


def resume(console: Console, run_id: str, step_id: str) -> str:
    """How to go on with a step that is left in the middle."""
    run = console.state.runs[run_id]
    kind = {"flag": "flag", "notify": "notice"}.get(run.playbook.step(step_id).kind if step_id else "notify", "program")
    again = f"`oncall run {kind} {run.label} {step_id or 'STEP'}` goes on"
    return f"Look what came of it: `oncall run show {run.label}`; then {again}"


def note_drift(console: Console, run: Run) -> None:
    """Says on stderr when the file has changed since the run was started."""
    if changed := drift(run, console.settings):
        complain(f"note: {changed}")
