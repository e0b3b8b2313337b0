"""Actions of every screen: help, palette, moving between screens, leaving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from console.tui import keys
from console.tui.dialogs.pick import Entry, Picker
from console.tui.dialogs.text import Reader
from console.tui.screens.base import ConsoleScreen
from console.tui.screens.overview import OverviewScreen
from console.view.line import EMPTY, Line, Tone, fit, labelled, line, span
from console.view.runs import run_line

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

_MEANINGS = {
    "overview": "What is broken, since when, how bad, who leads, what is next, and can we roll back. Every number "
    "carries its age and state; what cannot be read says so and is never shown as healthy.",
    "incident": "One incident: its clocks, who leads, who is told next, what is owed; below, a pane for each letter. "
    "Enter on a row opens it, or does what there is to do about it.",
    "incidents": "All incidents: the open ones first, the worst before the others; then the ended ones.",
    "changes": "What was altered for now: silences, flags, overrides, maintenance. Each has somebody who owes its "
    "undoing; closing an incident waits for that.",
    "outbox": "What was told to whom. NOT SENT means that nobody has read it; the channels say when they last worked.",
    "run": "The checklist of a playbook. The highlighted step is shown large: do it, then say what you observed.",
    "alerts": "What is new and nobody's, worst first. An acknowledgement says who has an alert: it is no silence, and "
    "ends with the alert. A storm, and an alert that comes and goes, is one line.",
    "alert": "One alert: who has it, who was paged, what hides it, how often it fired, and what its runbook says.",
    "silences": "What hides alerts now, what will, and what did within a day. Everybody on Alertmanager shares them.",
    "slos": "The service levels, what burns most first. Left is the share of the error budget that is left, budget "
    "what that is in bad events or minutes; a burn of 1 spends it just in time. What is less than ok is never green.",
    "slo": "One service level: what was left of its budget over time, and below, on the same axis, what happened. "
    "Left and right read the marks one by one; z shows less time, Z more.",
    "rollout": "Where the rollout is, and whether the evidence allows the next phase. Set is what the record says, "
    "flag what the provider says, measured what the traffic says. INCONCLUSIVE and UNKNOWN are never a pass.",
    "rollback": "Can we roll back right now, how long would it take, and until when. A proof that is unknown or "
    "expired never counts; and nothing on this screen ever stops a rollback.",
    "go-no-go": "May the next phase come? A required fail is NO-GO, a required unknown is HOLD, an advisory fail is a "
    "condition. A promotion rests on a recorded decision for exactly that step.",
    "shift": "Who is on shift, what must be watched, and the handoffs that wait for an answer.",
}


def help_lines(scope: str, at: Situation, keymap: Mapping[str, str], width: int) -> list[Line]:
    """The keys of a screen and what it means, from the registry."""
    lines = [*labelled("", _MEANINGS.get(scope, ""), width, 0), EMPTY]
    own = [action for action in keys.of(scope) if action.scope != "everywhere"]
    common = [action for action in keys.of(scope) if action.scope == "everywhere"]
    for title, actions in (("This screen", own), ("Everywhere", common)):
        lines.append(line(span(title, Tone.TITLE)))
        for action in actions:
            lines += _help_row(action, at, keymap, width)
        lines.append(EMPTY)
    lines.append(line(span("Every list", Tone.TITLE)))
    lines += [line(span(f"  {fit(names, 22)}", Tone.ACCENT), what) for names, what in keys.MOVES]
    return lines


def _help_row(action: keys.Action, at: Situation, keymap: Mapping[str, str], width: int) -> list[Line]:
    bound = ", ".join(keys.sign(key) for key in keys.keys_of(action, keymap)) or "palette only"
    reason = action.reason(at)
    text = f"{action.tooltip}. Not now: {reason}" if reason else action.tooltip
    head = line(
        span(f"  {fit(bound, 14)} ", Tone.DIM if reason else Tone.ACCENT),
        span(f"{fit(action.title, 20)} ", Tone.STRONG),
    )
    body = labelled("", text, max(width - 38, 20), 0, Tone.DIM if reason else Tone.NORMAL)
    return [line(head, body[0]), *(line(" " * 38, more) for more in body[1:])]


def _help(app: ConsoleApp, at: Situation) -> None:
    app.push_screen(Reader("Help", lambda width: help_lines(at.scope, at, app.keys_mapped, width)))


def _palette(app: ConsoleApp, at: Situation) -> None:
    entries = []
    for action in keys.of(at.scope):
        if action.id in ("palette", "back"):
            continue
        bound = ", ".join(keys.sign(key) for key in keys.keys_of(action, app.keys_mapped))
        reason = action.reason(at)
        row = line(
            span(fit(action.title, 22) + " ", Tone.DIM if reason else Tone.STRONG),
            span(fit(bound, 14) + " ", Tone.ACCENT),
            span(f"not now: {reason}" if reason else action.tooltip, Tone.DIM),
        )
        entries.append(Entry(action.id, row, action.title, action.tooltip, reason))
    picker = Picker("All actions", entries, typing_first=True)
    app.push_screen(picker, lambda chosen: app.perform(chosen, at) if chosen else None)


def top(app: ConsoleApp) -> ConsoleScreen | None:
    """The console screen on top, dialogs aside."""
    return next((screen for screen in reversed(app.screen_stack) if isinstance(screen, ConsoleScreen)), None)


def show(app: ConsoleApp, screen: ConsoleScreen) -> None:
    """A screen over the Overview; what was over it before goes."""
    _to_overview(app)
    app.push_screen(screen)


def _to_overview(app: ConsoleApp) -> None:
    for _ in range(len(app.screen_stack)):
        if isinstance(app.screen, OverviewScreen):
            break
        app.pop_screen()


def _overview(app: ConsoleApp, _: Situation) -> None:
    _to_overview(app)


def _incident(app: ConsoleApp, at: Situation) -> None:
    opened = at.board.open_incidents
    if len(opened) == 1:
        show_incident(app, opened[0].id)
    else:
        show_incidents(app)


def show_incidents(app: ConsoleApp) -> None:
    """All of them, the open ones first."""
    from console.tui.screens.incidents import IncidentsScreen

    show(app, IncidentsScreen())


def _open_incident(app: ConsoleApp, at: Situation) -> None:
    show_incident(app, at.incident)


def show_incident(app: ConsoleApp, incident: str) -> None:
    """The screen of an incident."""
    from console.tui.screens.incident import IncidentScreen

    show(app, IncidentScreen(incident))


def show_run(app: ConsoleApp, run: str) -> None:
    """The checklist of a run."""
    from console.tui.screens.run import RunScreen

    show(app, RunScreen(run))


def _run(app: ConsoleApp, at: Situation) -> None:
    running = [run for run in at.board.runs if run.ended_at is None] or list(at.board.runs[-5:])
    if len(running) == 1:
        show_run(app, running[0].id)
        return
    _, now, look = app.seen
    entries = [Entry(run.id, run_line(run, now, look), run.label) for run in reversed(running)]
    app.push_screen(Picker("Checklists", entries), lambda chosen: show_run(app, chosen) if chosen else None)


def _shift(app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.shift import ShiftScreen

    show(app, ShiftScreen())


def _back(app: ConsoleApp, _: Situation) -> None:
    if not isinstance(app.screen, OverviewScreen):
        app.pop_screen()


def _quit(app: ConsoleApp, _: Situation) -> None:
    if isinstance(app.screen, OverviewScreen):
        app.action_leave(slip=True)
    else:
        app.pop_screen()


def ask_to_leave(app: ConsoleApp, why: Sequence[str]) -> None:
    """Leaving while something waits for a clock: it stays in the record, but nobody looks at it here."""
    deadlines = "Nobody else is told, and no deadline fires, unless another console runs."
    entries = [
        Entry("stay", line("Stay"), "Stay", "The console goes on."),
        Entry("leave", line("Leave; it stays open in the record"), "Leave", deadlines),
    ]
    picker = Picker(", ".join(why), entries)
    app.push_screen(picker, lambda chosen: app.leave(0) if chosen == "leave" else app.stay())


def _refresh(app: ConsoleApp, _: Situation) -> None:
    app.engine.refresh()
    app.say("Every source is being asked.")


def _environment(app: ConsoleApp, at: Situation) -> None:
    here = at.board.target
    choose = app.choose_target
    entries = []
    for target in at.board.environments:
        word = "production" if target.production else "not production"
        refusal = (
            "it is on the screen already" if target == here else "" if choose else "start oncall with --env for that"
        )
        entries.append(
            Entry(str(target), line(span(f"{target} ", Tone.STRONG), span(word, Tone.DIM)), str(target), "", refusal)
        )

    def chosen(name: str | None) -> None:
        for target in at.board.environments:
            if name == str(target) and choose is not None:
                choose(target)
                app.leave(0)

    app.push_screen(Picker("Service and environment", entries), chosen)


def _copy(app: ConsoleApp, at: Situation) -> None:
    screen = top(app)
    text = screen.copied(at) if screen is not None else ""
    if text:
        app.copy_to_clipboard(text)
        app.say(f"Copied by the terminal: {text}")
    else:
        app.say("There is nothing to copy here.", bad=True)


def _suspend(app: ConsoleApp, _: Situation) -> None:
    app.action_suspend_process()


def _screenshot(app: ConsoleApp, at: Situation) -> None:
    _, now, _ = app.seen
    name = f"oncall-{at.board.target.service}-{now:%Y%m%dT%H%M%SZ}.svg"
    path = app.save_screenshot(name, str(app.pictures))
    app.say(f"The picture is in {path}")


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "help": _help,
    "palette": _palette,
    "quit": _quit,
    "back": _back,
    "exit": lambda app, at: app.action_leave(),
    "overview": _overview,
    "incident": _incident,
    "incidents": lambda app, at: show_incidents(app),
    "open-incident": _open_incident,
    "run": _run,
    "shift": _shift,
    "refresh": _refresh,
    "environment": _environment,
    "copy": _copy,
    "suspend": _suspend,
    "screenshot": _screenshot,
}
