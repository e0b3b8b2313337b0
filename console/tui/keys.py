"""THE registry of actions. Bindings, footer, help, palette, keymap and the documentation all read it.

An action is reached by its key and from the palette. One that makes no sense now stays visible, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.tui import situation as when
from console.tui.action import Action as Action
from console.tui.alert_keys import ALERT_ACTIONS
from console.tui.incident_keys import INCIDENT_ACTIONS
from console.tui.proof_keys import PROOF_ACTIONS
from console.tui.rollout_keys import ROLLOUT_ACTIONS
from console.tui.run_keys import ON_A_STEP, RUN_ACTIONS
from console.tui.slo_keys import SLO_ACTIONS

SCREENS = 50
"""From this place in the footer on, an action leads to another screen: it has its room after all others."""
ALWAYS = 80
"""From this place in the footer on, an action has its room before all others."""


# -- the registry -----------------------------------------------------------------------------------------------------

ACTIONS: tuple[Action, ...] = (
    Action("help", "question_mark,f1", "Help", "The keys of this screen, and what the screen means", footer=ALWAYS),
    Action("palette", "colon,ctrl+p", "All actions", "Find an action by its name", footer=ALWAYS + 1),
    Action("quit", "q", "Back or quit", "Close this screen; on the Overview, leave the console"),
    Action("back", "escape", "Back", "One step back"),
    Action("exit", "ctrl+q,ctrl+c", "Quit", "Leave the console"),
    Action("overview", "1", "Overview", "What is broken, and can we roll back"),
    Action(
        "incident",
        "2",
        "Incident",
        "The open incident; a list when there are several",
        enabled=when.has_incidents,
        footer=50,
    ),
    Action("run", "3", "Checklist", "The running playbook", enabled=when.has_runs, footer=51),
    Action("shift", "4", "Shift", "Who is on, what is watched, handoffs", footer=52),
    Action("alerts", "5", "Alerts", "What is new and nobody's, silences, verdicts", footer=49),
    Action("incidents", "6", "Incidents", "All incidents, the open ones first; / searches", footer=53),
    Action("changes", "7", "Changes", "What was altered for now, and who owes its undoing", footer=54),
    Action("outbox", "8", "Outbox", "What was told to whom, and what is NOT SENT", footer=55),
    Action("slos", "9", "SLOs", "What burns its error budget, since when, and until when it lasts", footer=50),
    Action("contacts", "", "Who to call", "Who is on call, and how they are reached when all else is down"),
    Action("refresh", "r", "Ask again", "Ask every source now"),
    Action(
        "environment",
        "E",
        "Service, environment",
        "Watch another service or environment",
        enabled=when.environments,
    ),
    Action("copy", "y", "Copy", "Copy what is highlighted to the clipboard"),
    Action("suspend", "ctrl+z", "Suspend", "Back to the shell; fg returns"),
    Action("screenshot", "", "Save a picture", "Write the screen to an SVG file"),
    Action(
        "declare",
        "D",
        "Declare",
        "Declare an incident, from the highlighted alert if there is one",
        footer=10,
        writes=True,
    ),
    Action(
        "triage",
        "I",
        "Triage",
        "Open an incident that is not declared yet, from the highlighted alert if there is one",
        writes=True,
    ),
    Action(
        "acknowledge",
        "a",
        "Acknowledge",
        "Say that you have the incident; does not ask",
        enabled=when.acknowledge,
        footer=11,
        writes=True,
    ),
    Action(
        "note",
        "plus",
        "Note",
        "Write down what happened, now or at an earlier time",
        enabled=when.note,
        footer=20,
        writes=True,
    ),
    Action(
        "playbooks",
        "p",
        "Playbooks",
        "The playbooks that fit the incident, best first",
        enabled=when.playbooks,
        footer=12,
        writes=True,
    ),
    *ALERT_ACTIONS,
    *INCIDENT_ACTIONS,
    *RUN_ACTIONS,
    *SLO_ACTIONS,
    *ROLLOUT_ACTIONS,
    *PROOF_ACTIONS,
    # Shift
    Action("begin", "b", "Begin", "Begin your shift", "shift", enabled=when.begin, footer=1, writes=True),
    Action(
        "watch",
        "w",
        "Watch item",
        "Something to keep an eye on",
        "shift",
        enabled=when.on_shift,
        footer=2,
        writes=True,
    ),
    Action(
        "unwatch",
        "x",
        "Close item",
        "Close the highlighted watch item, with a reason",
        "shift",
        enabled=when.entry("watch:", "no watch item is highlighted"),
        writes=True,
    ),
    Action(
        "offer",
        "h",
        "Hand over",
        "Offer the shift to somebody, with a draft from the record",
        "shift",
        enabled=when.on_shift,
        footer=3,
        writes=True,
    ),
    Action(
        "answer",
        "enter",
        "Answer",
        "Accept or question the highlighted item",
        "shift",
        enabled=when.entry("item:", "no handoff item is highlighted"),
        footer=4,
        writes=True,
    ),
    Action(
        "take",
        "t",
        "Take over",
        "Accept the handoff, once every item is accepted",
        "shift",
        enabled=when.take,
        footer=5,
        writes=True,
    ),
    Action(
        "withdraw",
        "W",
        "Withdraw",
        "Withdraw the open handoff, with a reason",
        "shift",
        enabled=lambda at: "" if any(item.open for item in at.board.handoffs) else "no handoff is open",
        writes=True,
    ),
    Action(
        "end",
        "e",
        "End",
        "End the shift without a successor, with a reason",
        "shift",
        enabled=when.on_shift,
        writes=True,
    ),
)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

MOVES: tuple[tuple[str, str], ...] = (
    ("j k, arrows", "down, up"),
    ("g G, home end", "first, last"),
    ("page up, page down", "a page"),
    ("/", "filter the list; n N next and previous match; esc clears"),
    ("tab", "the next pane"),
    ("mouse", "click, double click, wheel; hold shift to select text"),
)
"""What every list does."""

_SIGNS = {
    "question_mark": "?", "colon": ":", "plus": "+", "escape": "esc", "enter": "enter", "slash": "/",
}  # fmt: skip


def sign(key: str) -> str:
    """A Textual key name as it is printed."""
    return _SIGNS.get(key, key)


def of(scope: str) -> tuple[Action, ...]:
    """The actions of a screen, its own first."""
    own = [action for action in ACTIONS if scope in action.scope.split()]
    taken = {key for action in own for key in action.keys.split(",") if key}
    common = [action for action in ACTIONS if action.scope == "everywhere"]
    # A screen's own meaning of a key goes before that of everywhere.
    return (*own, *(action for action in common if not action.keys or not taken.issuperset(action.keys.split(","))))


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """The keys an action has, after the operator's own mapping."""
    keys = keymap.get(action.id, action.keys)
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def unknown_ids(keymap: Iterable[str]) -> list[str]:
    """The ids of a keymap that name no action."""
    return sorted(set(keymap) - set(BY_ID))


ON_THE_ROW = ON_A_STEP | frozenset(
    {
        "alert",
        "link",
        "declare",
        "triage",
        "unwatch",
        "answer",
        "row",
        "correct",
        "open-incident",
        "change",
        "undo",
        "extend",
        "hand-over",
        "settle",
        "message",
        "send-again",
        "alert-acknowledge",
        "alert-unacknowledge",
        "silence",
        "verdict",
        "alert-note",
        "open-link",
        "fold",
        "silence-details",
        "silence-expire",
        "silence-extend",
        "silence-again",
        "slo",
        "slo-query",
        "slo-links",
    }
)
"""Actions on what is under the cursor."""
