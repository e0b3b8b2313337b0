"""Actions on service levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.model.alert import Alert, AlertState
from console.model.links import Link, links
from console.tui.actions.alert import offer_links
from console.tui.actions.general import show, top
from console.view.slo_detail import told_alerts

if TYPE_CHECKING:
    from console.model.slo import SloGauge
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation


def links_of(gauge: SloGauge, app: ConsoleApp, at: Situation) -> list[Link]:
    """The operator's own links, filled with what the objective and the alerts about it are labelled with; then the
    dashboard and the runbook that its annotations name."""
    objective = gauge.objective
    alerts = told_alerts(gauge, at.board.feed.alerts)
    names = {
        "slo": objective.short or objective.name,
        "sloth_slo": objective.short or objective.name,
        "sloth_service": objective.service,
        "service": objective.service,
        "alertname": objective.alert,
    }
    labels = {**(dict(alerts[0].labels) if alerts else {}), **names, **dict((*objective.labels, *objective.group))}
    notes = dict((*objective.ticket.annotations, *objective.page.annotations, *objective.annotations))
    known = {key: value for key, value in labels.items() if value}
    stand_in = Alert("", tuple(known.items()), tuple(notes.items()), AlertState.UNKNOWN, at.board.at)
    templates = ((item.title, item.url) for item in app.engine.settings.links)
    found = {link.url: link for link in links(stand_in, templates, None)}
    for alert in alerts:
        for link in links(alert, (), None):
            found.setdefault(link.url, link)
    return list(found.values())


def _open(app: ConsoleApp, at: Situation) -> None:
    gauge = at.the_slo
    if gauge is None:
        return
    found = links_of(gauge, app, at)
    if found:
        offer_links(app, gauge.objective.title, found)
    else:
        app.say("No link fits it: links: in console.yaml, or a dashboard annotation of the SLO, gives one.", bad=True)


def _copy(app: ConsoleApp, at: Situation) -> None:
    screen = top(app)
    text = screen.copied(at) if screen is not None else ""
    if text:
        app.copy_to_clipboard(text)
        app.say(f"Copied by the terminal: {text}")


def _slos(app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.slos import SlosScreen

    show(app, SlosScreen())


def _details(app: ConsoleApp, at: Situation) -> None:
    from console.tui.screens.slos import SloScreen

    gauge = at.the_slo
    if gauge is not None:
        app.push_screen(SloScreen(gauge.objective.name))


def _turn(app: ConsoleApp, zoom: int = 0, mark: int = 0) -> None:
    from console.tui.screens.slos import OfSlos

    screen = top(app)
    if isinstance(screen, OfSlos):
        screen.turn(zoom, mark)


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "slos": _slos,
    "slo": _details,
    "slo-query": _copy,
    "slo-links": _open,
    "lane-in": lambda app, at: _turn(app, zoom=-1),
    "lane-out": lambda app, at: _turn(app, zoom=1),
    "lane-next": lambda app, at: _turn(app, mark=1),
    "lane-previous": lambda app, at: _turn(app, mark=-1),
}
