"""Actions on alerts. What is meant is what stood under the cursor at the press, and nothing that came since."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.alert import reference
from console.model.care import Verdict
from console.model.filter import Filter, parse_filter
from console.model.folding import BY_GROUP, FLAT, Fold, Sort
from console.tui.actions.general import show
from console.tui.actions.silence import create, create_again, expire, extend, silence_details
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.tui.dialogs.pick import Entry, Picker
from console.tui.situation import taken
from console.view.line import Line, Tone, cut, fit, line, span
from console.view.times import instant

if TYPE_CHECKING:
    from console.model.alert import Alert
    from console.model.board import Board
    from console.model.links import Link
    from console.tui.app import ConsoleApp
    from console.tui.screens.alerts import AlertsScreen
    from console.tui.situation import Situation

NAMED = 12
"""Alerts of a fold that a question names."""


def standing(board: Board, alerts: Iterable[Alert]) -> list[Alert]:
    """Those of some alerts that still fire: the same ones, not a later firing."""
    now = {item.fingerprint: item.starts_at for item in board.feed.alerts}
    return [item for item in alerts if now.get(item.fingerprint) == item.starts_at]


def alerts_meant(at: Situation) -> tuple[Alert, ...]:
    """The alerts under the cursor, those of a fold all."""
    if at.item is not None:
        return at.item.alerts
    return tuple(item for item in at.board.feed.alerts if item.fingerprint == at.alert) if at.alert else ()


def _named(alerts: Sequence[Alert]) -> list[Line]:
    counted: dict[str, int] = {}
    for item in alerts:
        counted[item.name] = counted.get(item.name, 0) + 1
    lines = [
        line(span(f"  {count} x ", Tone.DIM), span(cut(name, 70), Tone.STRONG))
        for name, count in list(counted.items())[:NAMED]
    ]
    if len(counted) > NAMED:
        lines.append(line(span(f"  and {len(counted) - NAMED} other names", Tone.DIM)))
    return lines


# -- acknowledge ------------------------------------------------------------------------------------------------------


def _acknowledge(app: ConsoleApp, at: Situation) -> None:
    alerts = alerts_meant(at)
    nobodys = [item for item in alerts if not taken(at.board, (item,))] or list(alerts)
    free = [item for item in nobodys if item.state == "active"] or nobodys
    if len(free) == 1:
        command = cmd.AcknowledgeAlerts((reference(free[0]),))
        carry_out(app, command, f"{cut(free[0].name, 60)} acknowledged")
        return

    def build(_: Mapping[str, str]) -> cmd.Command:
        board = app.board
        still = standing(board, free) if board is not None else []
        if not still:
            raise ValueError("none of them fires any more")
        return cmd.AcknowledgeAlerts(tuple(map(reference, still)))

    count = f"{len(free)} alerts"
    facts = [line(f"{count} that nobody has, and none that comes after this:"), *_named(free)]
    question = Question(
        f"Acknowledge {count}?", f"Acknowledge {count} on {at.board.target}", build, tuple(facts), careful=True
    )
    ask(app, question, f"{count} acknowledged")


def _unacknowledge(app: ConsoleApp, at: Situation) -> None:
    (alert,) = alerts_meant(at)
    question = Question(
        f"Give back {cut(alert.name, 60)}",
        "Nobody has it",
        lambda answers: cmd.UnacknowledgeAlert(alert.fingerprint, answers["reason"]),
        (),
        (Text("reason", "Why"),),
    )
    ask(app, question, f"{cut(alert.name, 60)} given back")


# -- what people say about it -----------------------------------------------------------------------------------------

_MEANS = {
    Verdict.FALSE_POSITIVE: "Nothing was wrong.",
    Verdict.NOT_ACTIONABLE: "Something was wrong, and nobody can do anything about it.",
    Verdict.POOR_DETAILS: "It did not say what is wrong, where, or what to do.",
}


def _verdict(app: ConsoleApp, at: Situation) -> None:
    (alert,) = alerts_meant(at)
    said = at.board.care.get(alert.fingerprint)
    items = tuple(Item(item.value, line(item.value), item.value, _MEANS[item]) for item in Verdict)
    chosen = said.verdict.value if said is not None and said.verdict else Verdict.FALSE_POSITIVE.value
    question = Question(
        f"Was {cut(alert.name, 60)} worth waking somebody?",
        "Save the verdict",
        lambda answers: cmd.JudgeAlert(reference(alert), Verdict(answers["verdict"]), answers["note"]),
        (),
        (Choice("verdict", "Verdict", items, chosen), Text("note", "Note, for whoever improves it; may stay empty")),
    )
    ask(app, question, "Verdict")


def _note(app: ConsoleApp, at: Situation) -> None:
    (alert,) = alerts_meant(at)
    question = Question(
        f"Note on {cut(alert.name, 60)}",
        "Save the note",
        lambda answers: cmd.AddNote(f"alert:{alert.fingerprint}", answers["text"], instant(answers["at"], app.now)),
        (),
        (
            Text("text", "What was seen, tried, found out"),
            Text("at", "When (UTC); empty means now", "", "14:32 or -5m"),
        ),
    )
    ask(app, question, "Note")


def _link(app: ConsoleApp, at: Situation) -> None:
    alerts = standing(at.board, alerts_meant(at))
    if not alerts:
        app.say("The alert is no longer there.", bad=True)
        return
    what = cut(alerts[0].name, 60) if len(alerts) == 1 else f"{len(alerts)} alerts"

    def linked(incident_id: str | None) -> None:
        incident = at.board.incident(incident_id) if incident_id else None
        if incident is not None:
            command = cmd.LinkAlerts(incident.id, tuple(map(reference, alerts)))
            carry_out(app, command, f"{what} linked to {incident.label}")

    opened = at.board.open_incidents
    if len(opened) == 1:
        linked(opened[0].id)
        return
    entries = [
        Entry(item.id, line(span(f"{item.severity} {item.label} ", Tone.STRONG), item.title), item.label)
        for item in opened
    ]
    app.push_screen(Picker(f"Link {what} to", entries), linked)


# -- looking ----------------------------------------------------------------------------------------------------------


def _details(app: ConsoleApp, at: Situation) -> None:
    if isinstance(at.item, Fold):
        _fold(app, at)
        return
    from console.tui.screens.alert import AlertScreen

    alerts = alerts_meant(at)
    if alerts:
        app.push_screen(AlertScreen(alerts[0]))


def _screen(app: ConsoleApp) -> AlertsScreen | None:
    from console.tui.screens.alerts import AlertsScreen

    return next((screen for screen in reversed(app.screen_stack) if isinstance(screen, AlertsScreen)), None)


def _fold(app: ConsoleApp, at: Situation) -> None:
    screen = _screen(app)
    if screen is not None and isinstance(at.item, Fold):
        screen.show_as(screen.arranged.toggled(at.item))


def _alerts(app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.alerts import AlertsScreen

    show(app, AlertsScreen())


def _filters(app: ConsoleApp, _: Situation) -> None:
    screen = _screen(app)
    if screen is None:
        return
    saved = app.engine.settings.filters
    entries = [
        Entry(item.filter, line(span(fit(item.name, 24) + " ", Tone.STRONG), span(item.filter, Tone.ACCENT)), item.name)
        for item in saved
    ]
    entries.append(Entry("", line(span(fit("no filter", 24), Tone.STRONG)), "no filter", "Every alert is listed."))

    def picked(text: str | None) -> None:
        if text is None:
            return
        try:
            screen.set_filter(parse_filter(text))
        except ValueError as error:
            app.say(f"Not a filter: {error}", bad=True)

    facts = [] if saved else [line(span("None is saved: filters in console.yaml are offered here.", Tone.DIM))]
    app.push_screen(Picker("Filters", entries, facts=facts), picked)


def _unfilter(app: ConsoleApp, _: Situation) -> None:
    screen = _screen(app)
    if screen is not None and screen.arranged.filter:
        screen.set_filter(Filter())
    else:
        app.pop_screen()


def _sort(app: ConsoleApp, _: Situation) -> None:
    screen = _screen(app)
    if screen is not None:
        order = list(Sort)
        screen.set_sort(order[(order.index(screen.arranged.sort) + 1) % len(order)])
        app.say(f"{screen.arranged.sort.capitalize()} first; what nobody has comes before all")


def _group(app: ConsoleApp, _: Situation) -> None:
    screen = _screen(app)
    if screen is None:
        return
    choices = [(BY_GROUP, "as Alertmanager groups them"), (FLAT, "not at all")]
    choices += [(name, f"by {name}") for name in screen.labels]
    # A picker's id is never empty.
    entries = [Entry(f"by:{name}", line(text), text) for name, text in choices]

    def picked(chosen: str | None) -> None:
        if chosen is not None:
            screen.set_group(chosen.removeprefix("by:"))

    app.push_screen(Picker("Group", entries), picked)


def _silences(app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.silences import SilencesScreen

    app.push_screen(SilencesScreen())


# -- links ------------------------------------------------------------------------------------------------------------


def _open(app: ConsoleApp, at: Situation) -> None:
    from console.tui.alert_lines import links_of

    (alert,) = alerts_meant(at)
    offer_links(app, alert.name, links_of(alert, app.engine, at.board))


def offer_links(app: ConsoleApp, name: str, found: Sequence[Link]) -> None:
    """Which of the links of something is to be opened; the whole address is shown first."""
    entries = [
        Entry(
            link.url, line(span(fit(link.title, 16) + " ", Tone.STRONG), span(link.url, Tone.DIM)), link.title, link.url
        )
        for link in found
    ]
    facts = [line(span("The whole address stands below. Enter opens it; where no browser is, it is copied.", Tone.DIM))]
    picker = Picker(f"Open for {cut(name, 50)}", entries, facts=facts)
    app.push_screen(picker, lambda url: _browse(app, url) if url else None)


def _browse(app: ConsoleApp, url: str) -> None:
    """A browser of its own window; never one that would take over the terminal."""
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        app.open_url(url)
        app.say(f"Opened in the browser: {url}")
    else:
        app.copy_to_clipboard(url)
        app.say(f"No browser can be opened from here. Copied by the terminal: {url}")


def _silence(app: ConsoleApp, at: Situation) -> None:
    create(app, at.board, alerts_meant(at))


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "alerts": _alerts,
    "alert": _details,
    "alert-acknowledge": _acknowledge,
    "alert-unacknowledge": _unacknowledge,
    "silence": _silence,
    "verdict": _verdict,
    "alert-note": _note,
    "link": _link,
    "open-link": _open,
    "fold": _fold,
    "filters": _filters,
    "unfilter": _unfilter,
    "sort": _sort,
    "group": _group,
    "silences": _silences,
    "silence-details": silence_details,
    "silence-expire": expire,
    "silence-extend": extend,
    "silence-again": create_again,
}
