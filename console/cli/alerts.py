"""`oncall alerts`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import USAGE, Stop
from console.cli.feed import (
    NOT_NEEDED,
    alertmanager_option,
    confirm,
    doubt,
    filter_option,
    filtered,
    looking,
    named,
    readable,
    whole,
    yes_option,
)
from console.cli.output import json_option, line, show, table
from console.cli.record import How, Shown, write, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.lookups import Found
    from console.model.alert import Alert, AlertRef
    from console.model.board import Board
    from console.model.commands import Command

STATES = ("active", "suppressed", "silenced", "inhibited", "muted", "unprocessed", "resolved", "unknown")
VERDICTS = {"false-positive": "false positive", "not-actionable": "not actionable", "poor-details": "poor details"}
_WIDE = 110
_NAMES_SHOWN = 20

fingerprint_argument = click.argument("fingerprint")


@click.group("alerts")
def command() -> None:
    """The alert feed: list, show, acknowledge, judge. A FINGERPRINT may be cut while it is the only one."""


@command.command("ls")
@filter_option
@alertmanager_option
@click.option("--group-by", metavar="LABEL", default=None, help="By a label's values; @group: as Alertmanager does.")
@click.option(
    "--sort",
    type=click.Choice(["severity", "newest", "name"]),
    default="severity",
    show_default=True,
    help="What comes first; before all, what is active.",
)
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only these; repeatable.")
@json_option
@click.pass_obj
def ls(
    options: Options,
    text: str,
    urls: tuple[str, ...],
    group_by: str | None,
    sort: str,
    states: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the alerts that stand. With --alertmanager it needs no configuration and no record."""
    from console.bootstrap import run
    from console.reports.response import alert_data
    from console.reports.values import instant

    wanted = f"{text} @state={'|'.join(states)}" if states else text

    async def work() -> None:
        async with looking(options, urls) as console:
            board = console.board
            readable(board)
            found = _sorted(filtered(board, wanted), sort)
            groups = _groups(found, group_by)
            data: dict[str, Any] = {
                "at": instant(board.feed.at),
                "environment": str(board.target),
                "evidence": {"state": board.feed.evidence.value, "note": board.feed.note},
                "total": len(board.feed.alerts),
                "alerts": [alert_data(alert, board) for alert in found],
            }
            if group_by is not None:
                data["groups"] = [
                    {"group": name, "fingerprints": [alert.fingerprint for alert in alerts]} for name, alerts in groups
                ]
            show(data, lambda: _listed(groups, board, group_by is not None), as_json)
            doubt(board)

    run(work())


def _sorted(alerts: Iterable[Alert], sort: str) -> list[Alert]:
    from console.model.folding import rank_of

    keys: dict[str, Callable[[Alert], Any]] = {
        "severity": lambda alert: (rank_of(alert), -alert.starts_at.timestamp()),
        "newest": lambda alert: -alert.starts_at.timestamp(),
        "name": lambda alert: (alert.name, alert.labels),
    }
    return sorted(alerts, key=lambda alert: (alert.state.value != "active", keys[sort](alert), alert.fingerprint))


def _groups(alerts: Sequence[Alert], label: str | None) -> list[tuple[str, list[Alert]]]:
    """By the label's value, in the order of their first alert."""
    groups: dict[str, list[Alert]] = {}
    for alert in alerts:
        name = "" if label is None else alert.group if label == "@group" else alert.label(label)
        groups.setdefault(name, []).append(alert)
    return list(groups.items())


def _listed(groups: Sequence[tuple[str, list[Alert]]], board: Board, headed: bool) -> Iterator[str]:
    if not groups:
        yield "no such alert" if board.feed.alerts else "no alert"
    for name, alerts in groups:
        if headed:
            yield f"{name or '(none)'}: {len(alerts)}"
        rows = table([_row(alert, board) for alert in alerts])
        yield from (f"  {row}" for row in rows) if headed else rows


def _row(alert: Alert, board: Board) -> tuple[str, ...]:
    from console.view.alerts import linked, owner, state_word
    from console.view.times import span_of

    had, incident = owner(board, alert), linked(board, alert.fingerprint)
    state = state_word(alert) or alert.state.value
    who = f"{state}, {had.acknowledged_by} has it" if had is not None else state
    age = span_of(max(board.at - alert.starts_at, timedelta(0)), seconds=True)
    told = alert.annotation("summary") or alert.annotation("description")
    return alert.fingerprint, alert.severity or "-", alert.name, who, age, incident or "-", told


@command.command("show")
@fingerprint_argument
@alertmanager_option
@json_option
@click.pass_obj
def show_one(options: Options, fingerprint: str, urls: tuple[str, ...], as_json: bool) -> None:
    """Show one alert: labels, annotations, owner, silences, page, links, and the history of its last day."""
    from console.bootstrap import run
    from console.model.links import links
    from console.reports.response import alert_data, silence_data
    from console.reports.values import instant

    async def work() -> None:
        async with looking(options, urls) as console:
            board = console.board
            readable(board)
            (alert,) = named(board, [fingerprint])
            history = await console.lookups.history(alert)
            hiding = [item for item in board.silences if item.id in alert.silenced_by]
            templates = [(item.title, item.url) for item in console.settings.links]
            leads = links(alert, templates, board.feed.pages.get(alert.fingerprint))
            data = {
                "alert": alert_data(alert, board),
                "silences": [silence_data(item) for item in hiding],
                "links": [{"title": item.title, "url": item.url} for item in leads],
                "history": {
                    "error": history.error,
                    "firings": [
                        {"since": instant(item.since), "until": instant(item.until)} for item in history.firings
                    ],
                },
            }
            show(data, lambda: [*_details(alert, board), *_links(leads), *_history(history)], as_json)
            doubt(board)

    run(work())


def _details(alert: Alert, board: Board) -> Iterator[str]:
    from console.view.alert_detail import details
    from console.view.line import words
    from console.view.look import ASCII, Look

    yield f"fingerprint  {alert.fingerprint}"
    yield from (words(item) for item in details(alert, board, (), board.at, _WIDE, Look(ASCII, seconds=True)))


def _links(leads: Iterable[Any]) -> Iterator[str]:
    yield from (f"{item.title:17} {item.url}" for item in leads)


def _history(found: Found) -> Iterator[str]:
    from console.view.alert_detail import history
    from console.view.line import words
    from console.view.look import ASCII, Look

    yield ""
    if found.error or found.at is None:
        yield f"Last day not known: {found.error}"
        return
    yield from (words(item) for item in history(found.firings, found.at, _WIDE, Look(ASCII)))


# -- what people say about alerts -------------------------------------------------------------------------------------


@command.command("ack")
@click.argument("fingerprints", metavar="FINGERPRINT...", nargs=-1)
@filter_option
@yes_option
@writing(unsaved=True)
@click.pass_obj
def ack(options: Options, fingerprints: tuple[str, ...], text: str, yes: bool, how: How) -> None:
    """Acknowledge alerts: they are yours until they end. It hides nothing, and PagerDuty is told where it pages.

    More than one asks first, or needs --yes; what is taken is what was listed, and nothing that came since.
    """
    from console.model.alert import reference
    from console.model.commands import AcknowledgeAlerts

    if bool(fingerprints) == bool(text):
        raise Stop("name the alerts by FINGERPRINT, or give --filter", USAGE)
    taken: list[Alert] = []

    async def wanted(console: Console) -> Command:
        await console.ask(without=NOT_NEEDED)
        board = console.board
        readable(board)
        taken.extend(named(board, fingerprints) if fingerprints else _free(board, text))
        if not taken:
            raise Stop(f"--filter {text}: no active alert without an owner passes it", USAGE)
        if len(taken) > 1:
            for row in _preview(taken):
                line(row) if not how.as_json else None
            confirm(f"Acknowledge {len(taken)} alerts in {board.target}?", yes)
        return AcknowledgeAlerts(tuple(reference(alert) for alert in taken))

    def shown(console: Console, _: object) -> Shown:
        rows = table([_row(alert, console.board) for alert in taken])
        return {"alerts": [_care(console, alert.fingerprint) for alert in taken]}, rows

    write(options, wanted, shown, how, sources=True)


def _free(board: Board, text: str) -> list[Alert]:
    return filtered(board, f"{text} @state=active @acked=no")


def _preview(alerts: Sequence[Alert]) -> Iterator[str]:
    yield f"{len(alerts)} alerts:"
    yield from (f"  {alert.fingerprint}  {alert.name}" for alert in alerts[:_NAMES_SHOWN])
    if len(alerts) > _NAMES_SHOWN:
        yield f"  and {len(alerts) - _NAMES_SHOWN} more"


def _care(console: Console, fingerprint: str) -> dict[str, Any]:
    from console.reports.response import care_data

    return care_data(console.state.care[fingerprint])


def _said(console: Console, fingerprint: str) -> Shown:
    data = _care(console, fingerprint)
    parts = [fingerprint, data["name"] or "(no name)"]
    parts.append(f"{data['acknowledged_by']} has it" if data["acknowledged_by"] else "nobody has it")
    parts += [f"judged {data['verdict']}"] if data["verdict"] else []
    return {"alert": data}, ["  ".join(parts)]


def _about(options: Options, fingerprint: str, wanted: Callable[[AlertRef], Command], how: How) -> None:
    """Submits what is said about one alert, that stands or that the record knows."""
    from console.model.alert import AlertRef, reference

    found: list[str] = []

    async def make(console: Console) -> Command:
        await console.ask(without=NOT_NEEDED)
        standing = {alert.fingerprint: reference(alert) for alert in console.board.feed.alerts}
        known = {care.fingerprint: AlertRef(care.fingerprint, care.name) for care in console.state.care.values()}
        known |= standing
        names = [f"{ref.fingerprint} ({ref.name})" for ref in known.values()]
        found.append(whole("alert", fingerprint, known, names))
        return wanted(known[found[0]])

    write(options, make, lambda console, _: _said(console, found[0]), how, sources=True)


@command.command("unack")
@fingerprint_argument
@click.option("--reason", required=True, help="Why it is given back.")
@writing()
@click.pass_obj
def unack(options: Options, fingerprint: str, reason: str, how: How) -> None:
    """Give an alert back: nobody has it any more."""
    from console.model.commands import UnacknowledgeAlert

    _about(options, fingerprint, lambda alert: UnacknowledgeAlert(alert.fingerprint, reason), how)


@command.command("verdict")
@fingerprint_argument
@click.argument("verdict", type=click.Choice(list(VERDICTS)))
@click.option("--note", default="", help="What should be better.")
@writing()
@click.pass_obj
def verdict(options: Options, fingerprint: str, verdict: str, note: str, how: How) -> None:
    """Judge an alert that should not have come, or not like this."""
    from console.model.care import Verdict
    from console.model.commands import JudgeAlert

    _about(options, fingerprint, lambda alert: JudgeAlert(alert, Verdict(VERDICTS[verdict]), note), how)


@command.command("note")
@fingerprint_argument
@click.argument("text")
@writing()
@click.pass_obj
def note(options: Options, fingerprint: str, text: str, how: How) -> None:
    """Add a note to an alert: whoever sees it next reads it."""
    from console.model.commands import AddNote

    _about(options, fingerprint, lambda alert: AddNote(f"alert:{alert.fingerprint}", text), how)
