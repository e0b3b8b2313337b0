"""`oncall silence`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, REFUSED, USAGE, Stop, complain
from console.cli.feed import NOT_NEEDED, alertmanager_option, confirm, doubt, looking, whole, yes_option
from console.cli.output import json_option, line, show
from console.cli.parse import DURATION, local
from console.cli.record import How, Shown, change_of, incident_of, write, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.alert import Alert, Matcher
    from console.model.board import Board
    from console.model.commands import Command
    from console.model.silence import Silence

_WIDE = 110
_LISTED = 20

matchers_argument = click.argument("matchers", metavar="MATCHER...", nargs=-1, required=True)
silence_argument = click.argument("silence_id", metavar="ID")
for_option = click.option("--for", "length", type=DURATION, default=None, help="How long from now: 90m, 2h, 1d.")
until_option = click.option(
    "--until", default="", metavar="TIME", help="Until when, by your own clock: 22:00, 2025-11-03T22:00, or ...Z."
)
cluster_option = click.option("--cluster", default="", help="Which Alertmanagers, where there are several clusters.")


@click.group("silence")
def command() -> None:
    """Silences of Alertmanager. A MATCHER is severity=critical or team=~"pay.*"; an ID may be cut, or be CHG-14."""


@command.command("ls")
@click.option("--expired", is_flag=True, help="Those that expired within the last day, too.")
@alertmanager_option
@json_option
@click.pass_obj
def ls(options: Options, expired: bool, urls: tuple[str, ...], as_json: bool) -> None:
    """List the silences that are in force or to come, and how many alerts each fits."""
    from console.bootstrap import run
    from console.model.silence import SilenceState
    from console.reports.response import silence_data
    from console.view.alert_silences import ordered

    async def work() -> None:
        async with looking(options, urls) as console:
            board = console.board
            _answered(board)
            found = [
                item for item in ordered(board.silences, board.at) if expired or item.state != SilenceState.EXPIRED
            ]
            fits = {item.id: _hidden(item.matchers, board) for item in found}
            data = [
                {**silence_data(item), "fits": None if (seen := fits[item.id]) is None else len(seen)} for item in found
            ]
            rows = (_row(item, fits[item.id], board.at) for item in found)
            show({"environment": str(board.target), "silences": data}, lambda: list(rows) or ["no silence"], as_json)

    run(work())


def _answered(board: Board) -> None:
    """Raises Stop when no silences could be read: an empty list would say that nothing is hidden."""
    if board.feed.at is None:
        raise Stop(f"the silences could not be read: {board.feed.note}", FAILED)
    lost = [source for source in board.sources if source.name.startswith("silences of") and source.blind]
    for source in lost:
        complain(f"note: {source.name}: {source.error}")
    if lost and not board.silences:
        raise Stop("the silences could not be read", FAILED)


def _row(silence: Silence, hidden: Sequence[Alert] | None, now: datetime) -> str:
    from console.view.alert_silences import row
    from console.view.line import words
    from console.view.look import ASCII, Look

    count = None if hidden is None else len(hidden)
    return f"{silence.id}  {words(row(silence, count, now, 10_000, Look(ASCII)))}"


def _hidden(matchers: Sequence[Matcher], board: Board) -> tuple[Alert, ...] | None:
    """The alerts that stand and fit; None where that cannot be told: a matcher that is not understood here, or alerts
    that could not be read."""
    from console.model.silence import preview

    if board.feed.at is None:
        return None
    try:
        return preview(matchers, board.feed.alerts)
    except ValueError:
        return None


@command.command("preview")
@matchers_argument
@alertmanager_option
@json_option
@click.pass_obj
def preview(options: Options, matchers: tuple[str, ...], urls: tuple[str, ...], as_json: bool) -> None:
    """Show which of the alerts that stand a silence would hide. Nothing is changed."""
    from console.bootstrap import run

    wanted = _matchers(matchers)

    async def work() -> None:
        async with looking(options, urls) as console:
            board = console.board
            hidden = _hidden(wanted, board)
            data = {
                "environment": str(board.target),
                "matchers": [str(item) for item in wanted],
                **_hides(hidden, board),
            }
            show(data, lambda: [f"in {board.target}", *_blast(hidden, board.at)], as_json)
            doubt(board)

    run(work())


def _hides(hidden: Sequence[Alert] | None, board: Board) -> dict[str, Any]:
    from console.reports.response import alert_data

    known = hidden is not None
    return {"hides": len(hidden or ()) if known else None, "alerts": [alert_data(item, board) for item in hidden or ()]}


def _blast(hidden: Sequence[Alert] | None, now: datetime) -> Iterator[str]:
    from console.view.alert_silences import blast
    from console.view.line import words
    from console.view.look import ASCII, Look

    yield from (words(item) for item in blast(hidden, now, _WIDE, Look(ASCII), most=_LISTED))


def _matchers(said: Sequence[str]) -> tuple[Matcher, ...]:
    from console.model.alert import parse_matcher
    from console.model.filter import parse_filter

    found: list[Matcher] = []
    try:
        for text in said:
            if not text.lstrip().startswith("{"):
                found.append(parse_matcher(text))
                continue
            several = parse_filter(text)
            if several.words or several.without or several.facts:
                raise ValueError(f'{text!r} holds what is no matcher; expected {{name="value", ...}}')
            found += several.matchers
    except ValueError as error:
        raise Stop(str(error), USAGE) from None
    return tuple(found)


def _end(length: timedelta | None, until: str, now: datetime) -> datetime:
    """When it ends, by one of the two options. Raises Stop."""
    if (length is None) == (not until):
        raise Stop("say how long: either --for 2h or --until 22:00", USAGE)
    try:
        return now + length if length is not None else local(until, now)
    except (ValueError, OverflowError) as error:
        raise Stop(f"--until: {error}" if until else "--for: longer than the calendar", USAGE) from None


@command.command("add")
@matchers_argument
@for_option
@until_option
@click.option("--comment", required=True, help="Why, for whoever meets it.")
@click.option(
    "--incident", "incident_id", default="", metavar="INC", help="For which incident: its closing waits for it."
)
@cluster_option
@yes_option
@writing(unsaved=True)
@click.pass_obj
def add(
    options: Options,
    matchers: tuple[str, ...],
    length: timedelta | None,
    until: str,
    comment: str,
    incident_id: str,
    cluster: str,
    yes: bool,
    how: How,
) -> None:
    """Silence what fits all matchers. Shows what that hides and asks first; --yes goes ahead without a terminal."""
    from console.model.commands import CreateSilence
    from console.model.silence import Silence

    wanted_matchers = _matchers(matchers)

    async def wanted(console: Console) -> Command:
        now, board = console.board.at, console.board
        incident = incident_of(console.state, incident_id).id if incident_id else ""
        ends = _end(length, until, now)
        silence = Silence(wanted_matchers, now, ends, board.actor.name, comment, cluster=_cluster(console, cluster))
        await _agreed(console, silence, yes, how)
        return CreateSilence(silence, incident)

    write(options, wanted, _made, how, sources=True)


def _cluster(console: Console, said: str) -> str:
    """The cluster that is meant. Raises Stop."""
    chosen = console.settings.environment(str(console.board.target))
    known = list(dict.fromkeys(item.cluster for item in chosen.alertmanagers))
    if said in known:
        return said
    if not known:
        raise Stop(f"no Alertmanager is configured for {chosen.target}", USAGE)
    if said or len(known) > 1:
        found = f"found {said}" if said else "there are several clusters"
        raise Stop(f"--cluster: {found}; known: {', '.join(known)}", USAGE)
    return known[0]


async def _agreed(console: Console, silence: Silence, yes: bool, how: How) -> None:
    """Shows what a silence would hide, and asks. Raises Stop."""
    from console.model.silence import refusal

    reason = refusal(silence, console.board.at)
    if reason:
        raise Stop(f"not silenced: {reason}", REFUSED)
    await console.ask(without=NOT_NEEDED)
    board = console.board
    if not how.as_json:
        line(f"in {board.target}, until {_both(silence.ends_at)}: {silence.text}")
        for text in _blast(_hidden(silence.matchers, board), board.at):
            line(text)
    confirm(f"Silence this in {board.target} until {_both(silence.ends_at)}?", yes)


def _both(when: datetime) -> str:
    """UTC, and the reader's own time where that is another."""
    from console.view.times import local as here
    from console.view.times import stamp

    there = here(when, when.astimezone().tzinfo)
    return f"{stamp(when)} ({there})" if there else stamp(when)


def _made(console: Console, done: Done) -> Shown:
    from console.reports.response import change_data
    from console.view.card import change_line

    change = console.state.changes[done.subject]
    lines = [change_line(change, console.board.at), f"  {change.remote}: {change.answer}"]
    return {"change": change_data(change, console.board.at)}, lines


def _on_one(options: Options, silence_id: str, wanted: Callable[[Console, Silence], Command], how: How) -> None:
    """Submits a command about one silence that Alertmanager has."""

    async def make(console: Console) -> Command:
        return wanted(console, await _found(console, silence_id))

    write(options, make, _made, how, sources=True)


async def _found(console: Console, said: str) -> Silence:
    """The silence of this id, the only one that begins like it, or that of CHG-14. Raises Stop."""
    await console.ask(without=NOT_NEEDED)
    board = console.board
    _answered(board)
    wanted = said
    if said.upper().startswith("CHG-"):
        change = change_of(console.state, said)
        wanted = change.remote
        if not wanted:
            raise Stop(
                f"{change.label} has no silence's id: {change.state}; `oncall changes settle` says how it is", REFUSED
            )
    silences = {item.id: item for item in board.silences}
    return silences[whole("silence", wanted, silences, [f"{item.id} {item.text}" for item in silences.values()])]


@command.command("expire")
@silence_argument
@click.option("--reason", default="", help="Why it is not needed any more.")
@writing(unsaved=True)
@click.pass_obj
def expire(options: Options, silence_id: str, reason: str, how: How) -> None:
    """End a silence now; also one that somebody else made."""
    from console.model.commands import ExpireSilence

    _on_one(options, silence_id, lambda _, silence: ExpireSilence(silence, reason), how)


@command.command("extend")
@silence_argument
@for_option
@until_option
@writing(unsaved=True)
@click.pass_obj
def extend(options: Options, silence_id: str, length: timedelta | None, until: str, how: How) -> None:
    """Move a silence's end, counted from now; also of one that somebody else made."""
    from console.model.commands import ExtendSilence

    def wanted(console: Console, silence: Silence) -> Command:
        return ExtendSilence(silence, _end(length, until, console.board.at))

    _on_one(options, silence_id, wanted, how)


@command.command("recreate")
@silence_argument
@for_option
@until_option
@click.option("--comment", default="", help="Why; else as it was.")
@click.option("--incident", "incident_id", default="", metavar="INC", help="For which incident.")
@yes_option
@writing(unsaved=True)
@click.pass_obj
def recreate(
    options: Options,
    silence_id: str,
    length: timedelta | None,
    until: str,
    comment: str,
    incident_id: str,
    yes: bool,
    how: How,
) -> None:
    """Make an expired silence anew, with the same matchers. Shows what it hides and asks first."""
    from console.model.commands import CreateSilence
    from console.model.silence import SilenceState

    async def wanted(console: Console) -> Command:
        before = await _found(console, silence_id)
        if before.state is not SilenceState.EXPIRED:
            raise Stop(f"{before.id} is {before.state}: `oncall silence extend` moves its end", REFUSED)
        now, board = console.board.at, console.board
        again = replace(
            before,
            id="",
            state=SilenceState.PENDING,
            updated_at=None,
            starts_at=now,
            ends_at=_end(length, until, now),
            created_by=board.actor.name,
            comment=comment or before.comment,
        )
        incident = incident_of(console.state, incident_id).id if incident_id else ""
        await _agreed(console, again, yes, how)
        return CreateSilence(again, incident)

    write(options, wanted, _made, how, sources=True)
