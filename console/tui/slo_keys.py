"""The registry's part for service levels."""

from __future__ import annotations

from console.tui import situation as when
from console.tui.action import Action


def _there(at: when.Situation) -> bool:
    return at.lane


SLO_ACTIONS: tuple[Action, ...] = (
    Action(
        "slo",
        "enter",
        "Details",
        "The curves of budget and SLI, what happened meanwhile, alerts, definition",
        "slos",
        enabled=when.slo,
        footer=1,
    ),
    Action(
        "slo-query",
        "y",
        "Copy query",
        "Copy the queries that it is measured by to the clipboard",
        "slos slo",
        enabled=when.slo,
        footer=4,
    ),
    Action(
        "slo-links",
        "o",
        "Open link",
        "Its dashboards and runbook: the whole address is shown first",
        "slos slo",
        enabled=when.slo,
        footer=5,
    ),
    Action(
        "lane-in",
        "z",
        "Zoom in",
        "Less time: window, 3 d, 1 d, 6 h, 1 h",
        "slos slo",
        enabled=when.lane,
        footer=2,
        seen=_there,
    ),
    Action(
        "lane-out",
        "Z",
        "Zoom out",
        "More time: 1 h, 6 h, 1 d, 3 d, window",
        "slos slo",
        enabled=when.lane,
        footer=6,
        seen=_there,
    ),
    Action(
        "lane-next",
        "right",
        "Next mark",
        "Read the next mark of the time lane",
        "slos slo",
        enabled=when.lane,
        footer=7,
        seen=_there,
    ),
    Action(
        "lane-previous",
        "left",
        "Mark before",
        "Read the mark before",
        "slos slo",
        enabled=when.lane,
        footer=3,
        seen=_there,
    ),
)
