"""THE registry of actions. Bindings, footer, help, palette, keymap and the documentation all read it.

An action is reached by its key and from the palette. One that makes no sense now stays visible, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.model.board import Board
    from console.model.incident import Incident
    from console.model.playbook import Run, Step, StepRun


@dataclass(frozen=True, slots=True)
class Situation:
    """What a key press meant at the moment of the press: ids, never rows. Empty where nothing is meant.

    `gone` names what was under the cursor and is no longer there: an action on it is refused by that name.
    """

    board: Board
    scope: str
    alert: str = ""
    incident: str = ""
    run: str = ""
    step: str = ""
    entry: str = ""
    event: str = ""
    gone: str = ""

    @property
    def the_incident(self) -> Incident | None:
        """The incident meant, while it is on the Board."""
        return self.board.incident(self.incident) if self.incident else None

    @property
    def the_run(self) -> Run | None:
        """The run meant, while it is on the Board."""
        return self.board.run(self.run) if self.run else None

    @property
    def the_step(self) -> tuple[Step, StepRun] | None:
        """The step under the cursor with its progress."""
        run = self.the_run
        if run is None or self.step not in run.steps:
            return None
        return run.playbook.step(self.step), run.steps[self.step]


def _always(_: Situation) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing an operator can do. `id` names it in keymaps; `keys` are Textual key names, separated by commas, none
    for what only the palette offers; `enabled` gives "" or the reason why not; `footer` is its place in the footer."""

    id: str
    keys: str
    title: str
    tooltip: str
    scope: str = "everywhere"
    enabled: Callable[[Situation], str] = field(default=_always)
    footer: int = 0
    writes: bool = False
    """Whether it changes the record: not while read-only."""

    def reason(self, situation: Situation) -> str:
        """Why it cannot be done now; empty when it can."""
        if self.writes and situation.board.read_only:
            return "this console is read-only"
        return self.enabled(situation)


# -- reasons ----------------------------------------------------------------------------------------------------------


def _alert(at: Situation) -> str:
    return "" if at.alert or at.gone else "no alert is highlighted"


def _incident(at: Situation) -> str:
    found = at.the_incident
    if found is None:
        return "no incident is open" if not at.incident else "that incident is not on the board"
    return "" if found.open else f"{found.label} is {found.state.value}"


def _known_incident(at: Situation) -> str:
    return "" if at.the_incident is not None else "there is no incident"


def _acknowledge(at: Situation) -> str:
    reason = _incident(at)
    found = at.the_incident
    if not reason and found is not None and found.acknowledged_at is not None:
        return f"{found.label} was acknowledged by {found.acknowledged_by}"
    return reason


def _note(at: Situation) -> str:
    return (
        ""
        if at.the_incident is not None or at.board.shift is not None
        else "no incident is open and nobody is on shift"
    )


def _link(at: Situation) -> str:
    return _alert(at) or _incident(at)


def _playbooks(at: Situation) -> str:
    return _incident(at) or ("" if at.board.playbooks else "no playbook is loaded")


def _run(at: Situation) -> str:
    return "" if at.the_run is not None else "no playbook is running"


def _running(at: Situation) -> str:
    run = at.the_run
    if run is None:
        return "no playbook is running"
    return "" if run.ended_at is None else f"{run.label} is {run.status.value}"


def _step(*statuses: str) -> Callable[[Situation], str]:
    def reason(at: Situation) -> str:
        stopped = _running(at)
        found = at.the_step
        if stopped or found is None:
            return stopped or "no step is highlighted"
        step, progress = found
        return "" if progress.status.value in statuses else f"step {step.title} is {progress.status.value}"

    return reason


_active = _step("active")
_open_step = _step("active", "failed")


def _skip(at: Situation) -> str:
    reason, found = _open_step(at), at.the_step
    if not reason and found is not None and found[0].kind.value == "decision":
        return "a decision is not skipped: choose a branch, or abort the run"
    return reason


def _expire(at: Situation) -> str:
    reason, found = _open_step(at), at.the_step
    if not reason and found is not None and found[0].kind.value != "wait":
        return f"{found[0].title} is no wait: complete, fail or skip it"
    return reason


def _flag(at: Situation) -> str:
    reason, found = _active(at), at.the_step
    if reason or found is None:
        return reason
    if found[0].kind.value != "flag":
        return f"{found[0].title} sets no flag"
    return "" if at.board.flags else "nothing here can set flags: set it by hand, then c with what you observe"


def _environments(at: Situation) -> str:
    return "" if len(at.board.environments) > 1 else "only one service and environment is configured"


def _begin(at: Situation) -> str:
    shift = at.board.shift
    return f"{shift.operator} is on shift: it is taken over by a handoff" if shift is not None else ""


def _shift(at: Situation) -> str:
    return "" if at.board.shift is not None else "nobody is on shift"


def _entry(kind: str, otherwise: str) -> Callable[[Situation], str]:
    return lambda at: "" if at.entry.startswith(kind) else otherwise


def _take(at: Situation) -> str:
    mine = [item for item in at.board.handoffs if item.open and item.to == at.board.actor.name]
    if not mine:
        return "no handoff is offered to you"
    left = len(mine[0].pending)
    return f"{left} items of {mine[0].label} are not accepted yet" if left else ""


def _has_incidents(at: Situation) -> str:
    return "" if at.board.incidents else "there is no incident: D declares one"


def _has_runs(at: Situation) -> str:
    return "" if at.board.runs else "no playbook was started: p offers some"


# -- the registry -----------------------------------------------------------------------------------------------------

ACTIONS: tuple[Action, ...] = (
    Action("help", "question_mark,f1", "Help", "The keys of this screen, and what the screen means", footer=90),
    Action("palette", "colon,ctrl+p", "All actions", "Find an action by its name", footer=89),
    Action("quit", "q", "Back or quit", "Close this screen; on the Overview, leave the console"),
    Action("back", "escape", "Back", "One step back"),
    Action("exit", "ctrl+q,ctrl+c", "Quit", "Leave the console"),
    Action("overview", "1", "Overview", "What is broken, and can we roll back"),
    Action(
        "incident",
        "2",
        "Incident",
        "The open incident; a list when there are several",
        enabled=_has_incidents,
        footer=50,
    ),
    Action("run", "3", "Checklist", "The running playbook", enabled=_has_runs, footer=51),
    Action("shift", "4", "Shift", "Who is on, what is watched, handoffs", footer=52),
    Action("refresh", "r", "Ask again", "Ask every source now"),
    Action("environment", "E", "Service, environment", "Watch another service or environment", enabled=_environments),
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
        "acknowledge",
        "a",
        "Acknowledge",
        "Say that you have the incident; does not ask",
        enabled=_acknowledge,
        footer=11,
        writes=True,
    ),
    Action(
        "note",
        "plus",
        "Note",
        "Write down what happened, now or at an earlier time",
        enabled=_note,
        footer=20,
        writes=True,
    ),
    Action(
        "playbooks",
        "p",
        "Playbooks",
        "The playbooks that fit the incident, best first",
        enabled=_playbooks,
        footer=12,
        writes=True,
    ),
    # Overview
    Action(
        "alert", "enter", "Details", "Everything known of the highlighted alert", "overview", enabled=_alert, footer=5
    ),
    Action(
        "link", "l", "Link", "Link the highlighted alert to the open incident", "overview", enabled=_link, writes=True
    ),
    # Incident
    Action(
        "state",
        "s",
        "State",
        "Mitigated, resolved, closed and the others",
        "incident",
        enabled=_known_incident,
        footer=5,
        writes=True,
    ),
    Action(
        "severity", "v", "Severity", "Change the severity, with a reason", "incident", enabled=_incident, writes=True
    ),
    Action("role", "o", "Roles", "Hand a role to somebody", "incident", enabled=_incident, writes=True),
    Action("event", "enter", "Details", "The highlighted event in full", "incident"),
    # Run
    Action(
        "complete",
        "c,enter",
        "Complete",
        "Close the step on what you observed; on a decision, choose",
        "run",
        enabled=_active,
        footer=1,
        writes=True,
    ),
    Action(
        "flag",
        "F",
        "Set flag",
        "Let the console set the flag of this step",
        "run",
        enabled=_flag,
        footer=2,
        writes=True,
    ),
    Action("fail", "f", "Fail", "The step did not work: say why", "run", enabled=_active, footer=3, writes=True),
    Action("skip", "s", "Skip", "Go on without this step: say why", "run", enabled=_skip, footer=4, writes=True),
    Action(
        "retry",
        "t",
        "Try again",
        "Start a failed step again, with a new timebox",
        "run",
        enabled=_step("failed"),
        footer=5,
        writes=True,
    ),
    Action(
        "expire",
        "x",
        "End wait",
        "End a wait by decision: what is left, and why",
        "run",
        enabled=_expire,
        footer=6,
        writes=True,
    ),
    Action(
        "abort", "X", "Abort run", "End the run where it stands, with a reason", "run", enabled=_running, writes=True
    ),
    # Shift
    Action("begin", "b", "Begin", "Begin your shift", "shift", enabled=_begin, footer=1, writes=True),
    Action("watch", "w", "Watch item", "Something to keep an eye on", "shift", enabled=_shift, footer=2, writes=True),
    Action(
        "unwatch",
        "x",
        "Close item",
        "Close the highlighted watch item, with a reason",
        "shift",
        enabled=_entry("watch:", "no watch item is highlighted"),
        writes=True,
    ),
    Action(
        "offer",
        "h",
        "Hand over",
        "Offer the shift to somebody, with a draft from the record",
        "shift",
        enabled=_shift,
        footer=3,
        writes=True,
    ),
    Action(
        "answer",
        "enter",
        "Answer",
        "Accept or question the highlighted item",
        "shift",
        enabled=_entry("item:", "no handoff item is highlighted"),
        footer=4,
        writes=True,
    ),
    Action(
        "take",
        "t",
        "Take over",
        "Accept the handoff, once every item is accepted",
        "shift",
        enabled=_take,
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
    Action("end", "e", "End", "End the shift without a successor, with a reason", "shift", enabled=_shift, writes=True),
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
    own = [action for action in ACTIONS if action.scope == scope]
    return (*own, *(action for action in ACTIONS if action.scope == "everywhere"))


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """The keys an action has, after the operator's own mapping."""
    keys = keymap.get(action.id, action.keys)
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def unknown_ids(keymap: Iterable[str]) -> list[str]:
    """The ids of a keymap that name no action."""
    return sorted(set(keymap) - set(BY_ID))


ON_THE_ROW = frozenset(
    {"alert", "link", "declare", "complete", "fail", "skip", "retry", "expire", "flag", "unwatch", "answer", "event"}
)
"""Actions on what is under the cursor."""
