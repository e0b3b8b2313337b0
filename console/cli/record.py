"""What the commands that write have in common: one command to the record, ids as people say them, NOT SAVED."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from console.bootstrap.common import Options
from console.cli.exits import NOT_FOUND, NOT_SAVED, REFUSED, UNKNOWN, Stop, complain
from console.cli.output import json_option, line, show
from console.cli.telling import queued, tell

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.change import Change
    from console.model.commands import Command
    from console.model.decision import Decision
    from console.model.incident import Incident
    from console.model.run import Run
    from console.model.shift import Handoff, Shift
    from console.model.state import State

KNOWN_SHOWN = 10
CONFIRMATION = "NOT SAVED"

T = TypeVar("T", "Incident", "Run", "Handoff", "Change", "Decision")
F = TypeVar("F", bound=Callable[..., Any])
Shown = tuple[Any, Iterable[str]]
"""What a command prints: the data for --json, and the lines."""


@dataclass(frozen=True, slots=True)
class How:
    """How a command that writes goes about it: what it prints, whether it goes ahead without a journal, and whether it
    waits for the messages that it queues."""

    as_json: bool = False
    unsaved: bool = False
    wait: bool = True


_unsaved = click.option(
    "--unsaved", is_flag=True, help="Go ahead although the journal cannot be written; marked NOT SAVED, merged later."
)
_no_wait = click.option(
    "--no-wait", is_flag=True, help="Leave the messages it queues to the engine, or to `oncall outbox flush`."
)


def writing(*, unsaved: bool = False) -> Callable[[F], F]:
    """The options of a command that writes, handed over as `how`. `unsaved`: nothing may stop it."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def command(*args: Any, as_json: bool, no_wait: bool, unsaved: bool = False, **given: Any) -> Any:
            return function(*args, how=How(as_json, unsaved, not no_wait), **given)

        wrapped: Any = _no_wait(json_option(command))
        return cast(F, _unsaved(wrapped) if unsaved else wrapped)

    return decorate


def write(
    options: Options,
    wanted: Callable[[Console], Command | Awaitable[Command]],
    shown: Callable[[Console, Done], Shown],
    how: How,
    *,
    sources: bool = False,
    after: Callable[[Console, Done], Awaitable[None]] | None = None,
) -> None:
    """Opens the record, submits what `wanted` makes of it, prints what `shown` makes of the outcome, and carries out
    the messages that it queued. `after` is what is waited for in between."""
    from console.bootstrap import opened, run

    async def work() -> None:
        async with opened(options, sources=sources) as console:
            command = wanted(console)
            done = await submit(console, await command if isinstance(command, Awaitable) else command, how.unsaved)
            if after is not None:
                await after(console, done)
            await report(console, done, shown, how)

    run(work())


@contextlib.asynccontextmanager
async def reading(options: Options, *, sources: bool = False) -> AsyncIterator[Console]:
    """The record as it stands; with `sources`, they can be asked, too. Where there is no journal at all, that is said:
    an empty list would read as calm."""
    from console.bootstrap import journal_path, opened

    async with opened(options, sources=sources, read_only=True) as console:
        path = journal_path(options, console.settings)
        if not path.exists():
            complain(f"note: no journal at {path} yet; nothing was recorded there")
        yield console


async def allowed(console: Console, command: Command) -> None:
    """Asked before a person is: raises Stop where the rules would refuse a command as things stand."""
    if refusal := await console.refusal(command):
        raise Stop(refusal, REFUSED)


async def submit(console: Console, command: Command, unsaved: bool = False) -> Done:
    """Submits one command. Raises Stop when it was refused or could not be saved."""
    from console.engine.outcome import Denied, Unsaved

    outcome = await console.submit(command)
    if isinstance(outcome, Unsaved) and unsaved and outcome.may_proceed:
        _confirm(outcome.reason)
        outcome = await console.submit(command, unsaved=True)
    if isinstance(outcome, Denied):
        raise Stop(outcome.reason, UNKNOWN if outcome.unknown else REFUSED)
    if isinstance(outcome, Unsaved):
        way = "; --unsaved goes ahead all the same" if outcome.may_proceed else ""
        raise Stop("\n".join([f"NOT SAVED: {outcome.reason}{way}", *_words(command)]), NOT_SAVED)
    return outcome


def _confirm(reason: str) -> None:
    """On a terminal, has the words typed; elsewhere the option itself is the confirmation."""
    if not sys.stdin.isatty():
        return
    typed = click.prompt(f"{reason}\nType {CONFIRMATION} to go ahead", err=True, default="", show_default=False)
    if typed.strip() != CONFIRMATION:
        raise Stop("NOT SAVED, and nothing done", NOT_SAVED)


def _words(command: Command) -> Iterable[str]:
    """What the operator wrote, so that it is not lost."""
    for field in fields(command):
        value = getattr(command, field.name)
        if isinstance(value, str) and value:
            yield f"  {type(command).__name__}.{field.name}: {value}"


async def report(console: Console, done: Done, shown: Callable[[Console, Done], Shown], how: How) -> None:
    """Prints the outcome, with the head of the record that now holds it, and what became of its messages."""
    saved = not done.unsaved
    if not how.as_json:
        for text in shown(console, done)[1]:
            line(text)
        if not saved:
            line(f"NOT SAVED: waits in {done.unsaved} and is merged when the journal can be written")
    told = await tell(console, queued(done), wait=how.wait, saved=saved)
    if not how.as_json:
        for text in told.lines:
            line(text)
        return
    result = {"saved": saved, "unsaved": done.unsaved, "head": console.board.head}
    show({**result, "deliveries": told.data, "delivery_note": told.note, **shown(console, done)[0]}, "", as_json=True)


# -- ids --------------------------------------------------------------------------------------------------------------


def incident_of(state: State, said: str) -> Incident:
    """The incident called INC-12, 12, or by its uuid. Raises Stop with the known ones."""
    return _find("incident", "INC", state.incidents, said)


def run_of(state: State, said: str) -> Run:
    """The run called RUN-13, 13, or by its uuid. Raises Stop with the known ones."""
    return _find("run", "RUN", state.runs, said)


def handoff_of(state: State, said: str) -> Handoff:
    """The handoff called HO-4, 4, or by its uuid. Raises Stop with the known ones."""
    return _find("handoff", "HO", state.handoffs, said)


def change_of(state: State, said: str) -> Change:
    """The temporary change called CHG-14, 14, or by its uuid. Raises Stop with the known ones."""
    return _find("temporary change", "CHG", state.changes, said)


def decision_of(state: State, said: str) -> Decision:
    """The decision called DEC-41, 41, or by its uuid. Raises Stop with the known ones."""
    return _find("decision", "DEC", state.decisions, said)


def _find(what: str, prefix: str, table: Mapping[str, T], said: str) -> T:
    text = said.strip()
    if text.lower() in table:
        return table[text.lower()]
    number = text.upper().removeprefix(f"{prefix}-")
    for item in table.values():
        if number.isdecimal() and item.number == int(number) and item.number:
            return item
    known = [item.label if item.number else item.id for item in table.values()]
    raise unknown(what, said, known, names=False)  # a number that is near another one means nothing


def unknown(what: str, said: str, known: Iterable[str], *, names: bool = True) -> Stop:
    """The refusal of an id or name that nothing has: the names that are near it first, then the newest."""
    import difflib

    every = list(known)
    folded = {name.lower(): name for name in every} if names else {}
    near = [folded[name] for name in difflib.get_close_matches(said.strip().lower(), folded, n=3)]
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    more = f" and {len(every) - KNOWN_SHOWN} {'more' if names else 'older'}" if len(every) > KNOWN_SHOWN else ""
    listed = ", ".join(every[-KNOWN_SHOWN:]) + more if every else "none yet"
    return Stop(f"{said}: there is no such {what}{meant or ';'} known: {listed}", NOT_FOUND)


def step_of(run: Run, said: str) -> str:
    """The id of a run's step. Raises Stop with the known ones."""
    if said in run.steps:
        return said
    raise unknown(f"step in {run.label}", said, [step.id for step in run.playbook.steps])


def open_shift(state: State) -> Shift:
    """The shift that is on. Raises Stop."""
    if state.shift is None:
        raise Stop("nobody is on shift; `oncall shift begin` begins one", NOT_FOUND)
    return state.shift
