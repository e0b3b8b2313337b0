"""What the commands about alerts and silences share: where they look, and which alerts are meant."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, USAGE, Stop, complain
from console.cli.record import unknown

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.model.alert import Alert
    from console.model.board import Board

NOT_NEEDED = ("prometheus", "health")
"""Sources that say nothing of alerts."""
SHORTEST = 6
"""Characters of a fingerprint or id that may stand for the whole."""

filter_option = click.option(
    "--filter", "text", default="", metavar="MATCHERS", help='severity="critical" team=~"pay.*", words, @acked=no.'
)
alertmanager_option = click.option(
    "--alertmanager", "urls", multiple=True, metavar="URL", help="Look there, without a configuration; repeatable."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@contextlib.asynccontextmanager
async def looking(options: Options, urls: Sequence[str] = ()) -> AsyncIterator[Console]:
    """A console that only looks, with its sources asked."""
    from console.bootstrap import opened
    from console.bootstrap.direct import looking_at

    async with looking_at(urls) if urls else opened(options, sources=True, read_only=True) as console:
        await console.ask(without=NOT_NEEDED)
        yield console


def readable(board: Board) -> None:
    """Raises Stop when no Alertmanager has answered and PagerDuty shows nothing: an empty list would read as calm."""
    if board.feed.at is None and not board.feed.alerts:
        raise Stop(f"NO EVIDENCE OF ALERTING: {board.feed.note}", FAILED)


def doubt(board: Board) -> None:
    """Says on stderr why the feed proves less than it seems to."""
    from console.view.alerts import no_evidence
    from console.view.line import words

    missing = words(no_evidence(board.feed))
    if missing:
        complain(f"note: {missing}")


def filtered(board: Board, text: str) -> list[Alert]:
    """The alerts that a filter passes, without the always-firing one unless it is asked for. Raises Stop."""
    from console.model.filter import Seen, parse_filter, text_of
    from console.view.alerts import owner

    try:
        wanted = parse_filter(text)
    except ValueError as error:
        raise Stop(f"--filter: {error}", USAGE) from None
    found = []
    for alert in board.feed.alerts:
        if alert.name == board.feed.watchdog and board.feed.watchdog not in text:
            continue
        said = text_of(alert) if wanted.reads_text else ""
        repeats = len(board.feed.arrivals.get(alert.fingerprint, ()))
        if wanted.passes(Seen(alert, dict(alert.labels), said, owner(board, alert) is not None, repeats)):
            found.append(alert)
    return found


def named(board: Board, said: Iterable[str]) -> list[Alert]:
    """The alerts of these fingerprints, each once; the beginning of one will do where it is the only one. Raises
    Stop."""
    alerts = {alert.fingerprint: alert for alert in board.feed.alerts}
    known = [f"{alert.fingerprint} ({alert.name})" for alert in alerts.values()]
    found = (alerts[whole("alert", text, alerts, known)] for text in said)
    return list({alert.fingerprint: alert for alert in found}.values())


def whole(what: str, said: str, ids: Iterable[str], known: Iterable[str]) -> str:
    """The id that is said, or the only one that begins like that. Raises Stop."""
    known_ids = list(ids)
    if said in known_ids:
        return said
    like = [item for item in known_ids if len(said) >= SHORTEST and item.startswith(said)]
    if len(like) == 1:
        return like[0]
    if like:
        raise Stop(f"{said}: {len(like)} {what}s begin like that", USAGE)
    raise unknown(what, said, known)


def confirm(question: str, yes: bool) -> None:
    """Asks on a terminal, and needs --yes elsewhere. Raises Stop when it is not wanted."""
    from console.model.text import safe

    if yes:
        return
    if not sys.stdin.isatty():
        raise Stop(f"{question} Give --yes to go ahead; nothing was done", USAGE)
    if not click.confirm(safe(question), default=False, err=True):
        raise Stop("nothing was done", USAGE)
