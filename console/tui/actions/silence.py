"""Silences: made with a preview of what they would hide, ended, extended, made again. Each asks once and names the
target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.alert import Matcher
from console.model.board import AlertFeed
from console.model.duration import duration
from console.model.filter import parse_filter
from console.model.silence import Silence, preview
from console.tui.actions.submit import ask
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.tui.dialogs.text import Reader
from console.tui.feed import AT_ONCE
from console.view.alert_silences import blast, details, when
from console.view.alerts import no_evidence
from console.view.line import Line, Tone, fold, labelled, line, span
from console.view.times import clock, stamp

if TYPE_CHECKING:
    from console.model.alert import Alert
    from console.model.board import Board
    from console.model.incident import Incident
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

LENGTH = "2h"
"""Proposed for a new silence."""
SHOWN = 5
"""Alerts that a preview names."""


def matchers_of(text: str) -> tuple[Matcher, ...]:
    """Matchers in Alertmanager's syntax. Raises ValueError with one line."""
    found = parse_filter(text)
    if found.words or found.without or found.facts:
        raise ValueError('a silence has matchers only, such as alertname="X", team=~"pay.*"')
    if not found.matchers:
        raise ValueError("name at least one matcher")
    return found.matchers


def common(alerts: Sequence[Alert]) -> tuple[Matcher, ...]:
    """Matchers for the labels that all alerts have alike."""
    shared = set(alerts[0].labels).intersection(*(alert.labels for alert in alerts)) if alerts else set()
    return tuple(Matcher(name, "=", value) for name, value in alerts[0].labels if (name, value) in shared)


def create(app: ConsoleApp, board: Board, alerts: Sequence[Alert]) -> None:
    """Asks for a silence of these alerts."""
    source = alerts[0].source if alerts else ""
    meant = {item.fingerprint for item in alerts}
    linked = [item for item in board.open_incidents if any(one.fingerprint in meant for one in item.alerts)]
    _ask(app, board, common(alerts), "", _cluster(app, board, source), linked)


def create_again(app: ConsoleApp, at: Situation) -> None:
    """Asks for a silence like the highlighted one."""
    silence = at.the_silence
    if silence is not None:
        _ask(app, at.board, silence.matchers, silence.comment, silence.cluster)


def _cluster(app: ConsoleApp, board: Board, source: str) -> str:
    known = _clusters(app, board)
    return known.get(source) or next(iter(known.values()), "")


def _clusters(app: ConsoleApp, board: Board) -> dict[str, str]:
    """The cluster of each Alertmanager of this environment."""
    settings = app.engine.settings
    here = next((item for item in settings.environments if item.target == board.target), None)
    return {item.source.name: item.cluster for item in here.alertmanagers} if here is not None else {}


def _ask(
    app: ConsoleApp,
    board: Board,
    matchers: Sequence[Matcher],
    comment: str,
    cluster: str,
    linked: Sequence[Incident] = (),
) -> None:
    clusters = list(dict.fromkeys(_clusters(app, board).values()))
    choices = (
        (Choice("cluster", "Where", tuple(Item(name, line(name), name) for name in clusters), cluster),)
        if len(clusters) > 1
        else ()
    )

    owing = next(iter((*linked, *board.open_incidents)), None)

    def build(answers: Mapping[str, str]) -> cmd.Command:
        now = app.now
        ends = now + _length(answers["length"])
        silence = Silence(
            matchers_of(answers["matchers"]),
            now,
            ends,
            board.actor.name,
            answers["comment"].strip(),
            cluster=answers.get("cluster") or cluster,
        )
        return cmd.CreateSilence(silence, owing.id if owing is not None else "")

    known = _Hidden()

    def shown(answers: Mapping[str, str], width: int) -> Sequence[Line]:
        now, look = app.now, app.seen[2]
        hidden = known.of(app.board.feed, matchers_of(answers["matchers"])) if app.board is not None else ()
        until = now + _length(answers["length"])
        told = blast(hidden, now, width, look, most=SHOWN, verb="would hide")
        unsure = no_evidence(app.board.feed) if app.board is not None else ()
        blind = fold(unsure, width) if unsure else []
        return [line(span(f"until {stamp(until)}", Tone.DIM)), *blind, *told]

    target = str(board.target)
    waits = f"It counts as a change of {owing.label}, which cannot be closed before it is over." if owing else ""
    facts = (line(span(waits, Tone.DIM)),) if waits else ()
    question = Question(
        f"Silence on {target}",
        f"Silence on {target}",
        build,
        facts,
        (
            Text("matchers", "Matchers: all must fit", ", ".join(map(str, matchers))),
            Text("length", "For how long", LENGTH, "30m, 2h, 1d"),
            Text("comment", "Why, for whoever finds it", comment),
            *choices,
        ),
        careful=True,
        preview=shown,
        large=len(board.feed.alerts) > AT_ONCE,
    )
    ask(app, question, "Silence")


def _length(text: str) -> timedelta:
    length = duration(text.strip())
    if not length:
        raise ValueError("a silence of no length hides nothing")
    if length > timedelta(days=366):
        raise ValueError("a silence for more than a year is a rule that should not be there")
    return length


class _Hidden:
    """The firing alerts that matchers fit now. Looked for once: who types the reason asks with every letter."""

    def __init__(self) -> None:
        self._feed, self._matchers = AlertFeed(), tuple[Matcher, ...]()
        self._found: tuple[Alert, ...] = ()

    def of(self, feed: AlertFeed, matchers: Sequence[Matcher]) -> tuple[Alert, ...]:
        """Those of a feed."""
        wanted = tuple(matchers)
        if feed is not self._feed or wanted != self._matchers:
            self._feed, self._matchers, self._found = feed, wanted, preview(wanted, feed.active)
        return self._found


def hides(silence: Silence, alerts: Sequence[Alert]) -> tuple[Alert, ...] | None:
    """The alerts that a silence fits; None where one of its matchers is not understood."""
    try:
        return preview(silence.matchers, alerts)
    except ValueError:
        return None


def silence_details(app: ConsoleApp, at: Situation) -> None:
    """The silence in full."""
    silence = at.the_silence
    if silence is not None:
        _, now, look = app.seen
        found = hides(silence, at.board.feed.alerts)
        app.push_screen(Reader("Silence", lambda width: details(silence, found, now, width, look)))


def _facts(silence: Silence, at: Situation, now: datetime, width: int) -> tuple[Line, ...]:
    return (
        *labelled("matchers", silence.text, width, tone=Tone.ACCENT),
        *labelled("by", f"{silence.created_by}: {silence.comment}", width),
        *labelled("ends", f"{stamp(silence.ends_at)}, {when(silence, now)[0]}", width),
        *labelled("on", f"{at.board.target}, {silence.cluster}", width, tone=Tone.STRONG),
    )


def expire(app: ConsoleApp, at: Situation) -> None:
    """Ends it: what it hides is heard again."""
    silence = at.the_silence
    if silence is None:
        return
    width = max(40, min(app.size.width, 110) - 5)
    found = hides(silence, at.board.feed.alerts)
    back = blast(found, app.now, width, app.seen[2], most=SHOWN)
    question = Question(
        "Expire the silence?",
        f"Expire it on {at.board.target}",
        lambda _: cmd.ExpireSilence(silence),
        (*_facts(silence, at, app.now, width), *back),
        careful=True,
    )
    ask(app, question, "Silence expired")


def extend(app: ConsoleApp, at: Situation) -> None:
    """A later end."""
    silence = at.the_silence
    if silence is None:
        return
    width = max(40, min(app.size.width, 110) - 5)

    def build(answers: Mapping[str, str]) -> cmd.Command:
        return cmd.ExtendSilence(silence, silence.ends_at + _length(answers["length"]))

    def shown(answers: Mapping[str, str], _: int) -> Sequence[Line]:
        ends = silence.ends_at + _length(answers["length"])
        return [line(span(f"It would end at {stamp(ends)}, not at {clock(silence.ends_at)}.", Tone.STRONG))]

    question = Question(
        "Extend the silence",
        f"Extend it on {at.board.target}",
        build,
        _facts(silence, at, app.now, width),
        (Text("length", "By how much", LENGTH, "30m, 2h, 1d"),),
        preview=shown,
    )
    ask(app, question, "Silence extended")
