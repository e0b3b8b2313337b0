"""Moving around, lists, help, palette, sizes, modes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events

from console.model import commands as cmd
from console.model.board import AlertFeed
from console.model.people import Severity
from console.model.reading import ReadingState
from console.tui import actions, keys
from console.tui.dialogs.base import TWICE_SECONDS
from console.tui.dialogs.pick import Picker
from console.tui.screens.alert import AlertScreen
from console.tui.screens.incident import IncidentScreen
from console.tui.screens.incidents import IncidentsScreen
from console.tui.screens.overview import OverviewScreen
from console.tui.screens.run import RunScreen
from console.tui.screens.shift import ShiftScreen
from console.tui.widgets.line_list import LineList
from tests.view import boards


def with_alerts(at, *alerts):
    at.engine.show(feed=AlertFeed(tuple(alerts), ReadingState.OK, boards.NOW, ""))
    at.app.redraw()


def alerts_of(at):
    return at.app.screen.query_one("#alerts", LineList)


# -- the list ---------------------------------------------------------------------------------------------------------


async def test_the_cursor_follows_its_alert_through_refreshes(open_console):
    async with open_console() as at:
        await at.press("j")
        chosen = alerts_of(at).selected
        with_alerts(at, boards.alert("New", "critical", 0), *boards.busy().feed.alerts)
        await at.settle()
        assert alerts_of(at).selected.id == chosen.id


async def test_an_action_on_an_alert_that_vanished_is_refused_by_name(open_console):
    async with open_console() as at:
        await at.press("j")
        with_alerts(at, boards.alert("Other"))
        await at.settle()
        assert alerts_of(at).selected is None
        await at.press("enter")
        assert "ErrorRatioHigh is no longer there" in at.text()
        await at.press("D")
        assert "Declare: ErrorRatioHigh is no longer there" in at.text()
        assert isinstance(at.screen, OverviewScreen)
        await at.press("j", "enter")
        assert isinstance(at.screen, AlertScreen)


async def test_moving_in_a_long_list(open_console):
    async with open_console() as at:
        with_alerts(at, *(boards.alert(f"Alert{number:04}", "warning", number + 1) for number in range(10_000)))
        await at.until(lambda: len(alerts_of(at).items) == 10_000)

        def chosen():
            return getattr(alerts_of(at).selected, "name", "")

        await at.press("G")
        await at.until(lambda: chosen() == "Alert9999" and "Alert9999" in at.text())
        await at.press("pageup", "k", "N", "up")
        await at.press("g")
        await at.until(lambda: chosen() == "Alert0000")
        await at.press("n", "j", "down", "ctrl+d", "ctrl+u")
        await at.until(lambda: chosen() == "Alert0003")


async def test_the_filter_is_live_and_esc_takes_it_away(open_console):
    async with open_console() as at:
        await at.press("slash")
        await at.type("ratio")
        assert [item.name for item in alerts_of_overview(at).items] == ["ErrorRatioHigh"]
        await at.press("enter")
        assert alerts_of(at).selected.name == "ErrorRatioHigh"
        await at.press("slash")
        at.app.focused.value = "!ratio"
        await at.settle()
        assert len(alerts_of_overview(at).items) == 3
        await at.press("escape")
        assert len(alerts_of(at).items) == 4


def alerts_of_overview(at):
    return next(screen for screen in at.app.screen_stack if isinstance(screen, OverviewScreen)).query_one(LineList)


async def test_the_mouse_moves_and_chooses(open_console):
    async with open_console() as at:
        await at.pilot.click("#alerts", offset=(5, 2))
        await at.settle()
        assert alerts_of(at).selected.name == "P99LatencyHigh"


async def test_a_click_on_the_footer_runs_the_action(open_console):
    async with open_console() as at:
        column = at.text().splitlines()[-1].index("D Declare")
        await at.pilot.click("#footer", offset=(column, 0))
        await at.settle()
        assert "Declare an incident" in at.text()


# -- moving around ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["q", "escape"])
@pytest.mark.parametrize("opener", ["question_mark", "colon", "enter", "D"])
async def test_q_and_esc_close_every_dialog(open_console, key, opener):
    async with open_console() as at:
        await at.press(opener)
        assert not isinstance(at.screen, OverviewScreen)
        if key == "q" and opener in ("colon", "D"):
            await at.press("tab")  # out of the text field, in which q is a letter
        await at.press(key)
        assert isinstance(at.screen, OverviewScreen)


async def test_q_quits_at_the_root_and_the_engine_is_stopped(open_console):
    async with open_console() as at:
        await at.press("q")
        await at.app.stop_engine()
        assert at.engine.stopped == 1
    assert at.app.return_code == 0


async def test_leaving_while_a_playbook_runs_is_asked_about_once(open_console):
    async with open_console() as at:
        await incident_with_run(at)
        await at.press("q")
        assert isinstance(at.screen, Picker)
        assert "RUN-" in at.text()
        await at.press("q")
        assert isinstance(at.screen, OverviewScreen)
        await at.press("ctrl+c", "ctrl+c")
    assert at.app.return_code == 0


async def incident_with_run(at):
    done = await at.engine.submit(cmd.DeclareIncident("P99", Severity.SEV2))
    run = await at.engine.submit(cmd.StartRun(done.subject, at.engine.board.playbooks[0]))
    at.app.redraw()
    await at.settle()
    return done.subject, run.subject


async def test_numbers_lead_to_the_screens(open_console):
    async with open_console() as at:
        await at.press("2")
        assert "there is no incident: D declares one" in at.text()
        await incident_with_run(at)
        await at.press("2")
        assert isinstance(at.screen, IncidentScreen)
        await at.press("3")
        assert isinstance(at.screen, RunScreen)
        await at.press("4")
        assert isinstance(at.screen, ShiftScreen)
        await at.press("1")
        assert isinstance(at.screen, OverviewScreen)
        assert len(at.app.screen_stack) == 2


async def test_with_several_incidents_one_is_picked(open_console):
    async with open_console() as at:
        for title in ("first", "second"):
            await at.engine.submit(cmd.DeclareIncident(title, Severity.SEV2))
        at.app.redraw()
        await at.press("2")
        assert isinstance(at.screen, IncidentsScreen)
        await at.press("j", "enter")
        assert isinstance(at.screen, IncidentScreen)
        assert "second" in at.text().splitlines()[2]


async def test_refresh_asks_every_source(open_console):
    async with open_console() as at:
        await at.press("r")
        assert at.engine.refreshed == 1


async def test_the_environment_picker_calls_back_and_leaves(open_console):
    chosen = []
    async with open_console(choose_target=chosen.append) as at:
        await at.press("E", "1")
        assert "it is on the screen already" in at.text()
        await at.press("2")
    assert [str(item) for item in chosen] == ["lighthouse/staging"]


async def test_y_copies_what_is_highlighted(open_console, monkeypatch):
    async with open_console() as at:
        copied = []
        monkeypatch.setattr(at.app, "copy_to_clipboard", copied.append)
        await at.press("y")
        assert copied == ["P99LatencyCritical fp-P99LatencyCritical"]


# -- the registry -----------------------------------------------------------------------------------------------------


def test_every_action_has_a_handler_and_every_handler_an_action():
    assert set(actions.HANDLERS) == set(keys.BY_ID)


@pytest.mark.parametrize("scope", ["overview", "incident", "run", "shift"])
def test_no_key_means_two_things_on_one_screen(scope):
    bound = [key for action in keys.of(scope) for key in keys.keys_of(action, {})]
    assert len(bound) == len(set(bound))


def test_what_is_urgent_has_its_key_on_every_screen():
    scopes = {scope for action in keys.ACTIONS for scope in action.scope.split()}
    for name, key in (("roll-back", "R"), ("halt", "H")):
        assert {action.id for action in keys.ACTIONS if key in keys.keys_of(action, {})} == {name}
        assert all(keys.BY_ID[name] in keys.of(scope) for scope in scopes)


def test_no_key_is_one_that_terminals_swallow():
    dead = {"ctrl+enter", "ctrl+i", "ctrl+m", "ctrl+h", "ctrl+s", "ctrl+b", "ctrl+a", "ctrl+slash", "ctrl+j"}
    assert not dead & {key for action in keys.ACTIONS for key in keys.keys_of(action, {})}


async def test_help_lists_every_key_of_the_screen_with_reasons(open_console):
    async with open_console(size=(120, 60)) as at:
        await at.press("question_mark")
        shown = at.text()
        for action in keys.of("overview"):
            assert action.title in shown
        assert "Not now:" in shown


async def test_the_palette_runs_an_action_by_name_and_shows_why_not(open_console):
    async with open_console() as at:
        await at.press("ctrl+p")
        await at.type("shift")
        await at.press("enter")
        assert isinstance(at.screen, ShiftScreen)
        await at.press("q", "colon")
        await at.type("acknowledge")
        assert "Not now: no incident is open" in at.text()


async def test_keys_are_remapped_by_id(open_console):
    async with open_console(keymap={"declare": "ctrl+n", "nonsense": "z"}) as at:
        assert keys.unknown_ids(at.app.keys_mapped) == ["nonsense"]
        await at.press("ctrl+n")
        assert "Declare an incident" in at.text()
        await at.press("escape")
        assert "ctrl+n Declare" in at.text()


# -- modes and sizes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["demo", "drill"])
async def test_the_mode_is_said_in_words_on_every_screen(open_console, mode):
    async with open_console(boards.busy(mode)) as at:
        await incident_with_run(at)
        for key in ("1", "2", "3", "4", "question_mark"):
            await at.press(key)
            assert mode.upper() in at.text()


async def test_read_only_says_so_and_refuses_what_writes(open_console):
    async with open_console(replace(boards.busy(), read_only=True)) as at:
        assert "READ-ONLY" in at.text()
        await at.press("D")
        assert "Declare: this console is read-only" in at.text()


@pytest.mark.parametrize("size", [(59, 24), (80, 15), (30, 5), (1, 1)])
async def test_a_terminal_too_small_gets_one_clear_message(open_console, size):
    async with open_console() as at:
        await at.pilot.resize_terminal(*size)
        await at.settle()
        assert "SLO" not in at.text()
        if size[0] > 20:
            assert "too small" in " ".join(at.text().split())
        await at.pilot.resize_terminal(80, 24)
        await at.settle()
        assert "CAN ROLL BACK" in at.text()


async def test_a_terminal_that_was_too_small_has_its_focus_again(open_console):
    async with open_console() as at:
        await incident_with_run(at)
        await at.press("2", "j", "e")
        for place in ("cancel", "submit"):
            await at.focus(f"#{place}")
            for size in ((50, 12), (80, 24)):
                await at.pilot.resize_terminal(*size)
                await at.settle()
            assert at.app.focused is not None
            assert at.app.focused.id == place
        await at.press("q")
        list_ = at.app.focused
        for size in ((50, 12), (80, 24)):
            await at.pilot.resize_terminal(*size)
            await at.settle()
        assert at.app.focused is list_ is not None


UNMEASURED = "unknown: no rollback and no drill was measured"
MUST_SEE = ("lighthouse/production", "14:32Z", "CAN ROLL BACK: UNVERIFIED", UNMEASURED)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (160, 45), (200, 50)])
@pytest.mark.parametrize("case", ["quiet", "busy", "broken"])
async def test_what_matters_is_seen_without_scrolling(open_console, case, size):
    async with open_console(getattr(boards, case)(), size=size) as at:
        shown = at.text()
        for wanted in MUST_SEE:
            assert wanted in shown
        if case == "busy":
            for wanted in ("P99LatencyCritical", "CRITICAL", "612 ms", "elicitation", "DOWN"):
                assert wanted in shown
        if case == "broken":
            for wanted in ("prometheus UNREACHABLE", "alertmanager STALE", "NOT SAVED", "ESCALATION NOT RUNNING"):
                assert wanted in shown
            assert "NO EVIDENCE OF ALERTING" in shown


async def test_ascii_has_no_other_marks(open_console):
    async with open_console(ascii_marks=True) as at:
        await incident_with_run(at)
        for key in ("1", "2", "3", "4"):
            await at.press(key)
            rest = at.text().replace("…", "").replace("▏", "")
            assert rest.isascii() or {char for char in rest if not char.isascii()} <= {"█", "▎"}


# -- shift ------------------------------------------------------------------------------------------------------------


async def test_a_shift_begins_is_watched_and_handed_over(open_console):
    async with open_console() as at:
        await at.press("4", "b")
        assert at.engine.state.shift.operator == "alice"
        await at.press("w")
        await at.type("replica lag")
        await at.press("enter")
        await at.type("18:00")
        await at.press("enter")
        assert "until 18:00Z" in at.text()
        await at.press("h", "enter", "enter")
        handoff = at.engine.board.handoffs[0]
        assert (handoff.to, [item.kind for item in handoff.items]) == ("bob", ["watch"])
        assert "items wait for bob" in at.text()
        at.engine.show(actor=boards.BOB)
        at.app.redraw()
        await at.press("g", "enter", "enter", "enter")
        assert "every item is accepted: t takes the shift" in " ".join(at.text().split())
        await at.press("t", "enter")
        assert at.engine.state.shift.operator == "bob"


@pytest.mark.parametrize("make", [lambda board: AlertScreen(board.feed.alerts[0]), lambda board: Picker("x", [])])
async def test_a_screen_that_is_taken_away_before_it_was_there_ends_nothing(open_console, make):
    async with open_console() as at:
        at.app.push_screen(make(at.engine.board))
        at.app.pop_screen()  # as by the answer to a form that was just sent
        await at.settle()
        await at.press("enter")
        assert isinstance(at.screen, AlertScreen)


async def struck(at, key, seconds=0.0, after=None):
    """A key pressed so many seconds after another one, whatever time it takes the machine to hand it out."""
    event = events.Key(key, "/" if key == "slash" else key)
    event.time = event.time if after is None else after.time + seconds
    at.app.post_message(event)
    await at.until(lambda: at.app.handed is event and not at.app._underway)
    return event


def standing_long(at):
    """The dialog was there to be read before any key that follows."""
    at.screen._there_at = 0.0


async def test_a_key_that_is_pressed_twice_is_not_the_beginning_of_what_it_asks_for(open_console):
    async with open_console() as at:
        last = await struck(at, "D")
        standing_long(at)
        for _ in range(2):
            last = await struck(at, "D", TWICE_SECONDS - 0.01, last)
        offered = at.screen.query_one("#field-title").value
        assert not offered.endswith("D")
        last = await struck(at, "x", 0.1, last)
        assert at.screen.query_one("#field-title").value == f"{offered}x"
        at.screen.query_one("#field-title").value = ""
        for _ in range(3):
            last = await struck(at, "D", 0.1, last)
        assert at.screen.query_one("#field-title").value == "DDD", "another key came between"
        await at.press("escape")
        last = await struck(at, "slash")
        standing_long(at)
        await struck(at, "slash", TWICE_SECONDS - 0.01, last)
        assert at.app.focused.value == ""


async def test_keys_typed_before_the_form_was_there_are_its_opening_however_long_it_takes(open_console):
    async with open_console() as at:
        last = await struck(at, "D")
        at.screen._there_at = last.time + 60
        for _ in range(2):
            last = await struck(at, "D", 20, last)
        offered = at.screen.query_one("#field-title").value
        assert not offered.endswith("D")
        await struck(at, "x", 1, last)
        assert at.screen.query_one("#field-title").value == f"{offered}x"


async def test_one_key_is_handed_out_at_a_time(open_console):
    async with open_console() as at:
        at.app._typed.extend(events.Key(char, char) for char in "4j")
        await at.app.next_key()
        first = at.app.handed
        await at.app.next_key()  # as it comes when a key was typed just as the one before was done
        assert at.app.handed is first
        await at.until(lambda: not at.app._typed and not at.app._underway)
        assert isinstance(at.screen, ShiftScreen)


async def test_letters_that_reach_a_button_while_the_field_gets_the_focus_are_all_written(open_console):
    async with open_console() as at:
        await incident_with_run(at)
        await at.press("2", "e")
        cancel = at.screen.query_one("#cancel")
        assert cancel.has_focus
        for char in "rollers q":
            cancel._forward_event(events.Key({" ": "space"}.get(char, char), char))
        await at.settle()
        assert at.screen.query_one("#field-reason").value == "rollers q"


async def test_a_key_typed_after_the_form_was_there_to_be_read_is_text(open_console):
    async with open_console() as at:
        opened = await struck(at, "D")
        standing_long(at)
        await struck(at, "D", TWICE_SECONDS + 0.01, opened)
        assert at.screen.query_one("#field-title").value.endswith("D")


async def test_a_stray_key_is_added_to_the_offered_title_and_replaces_none_of_it(open_console):
    async with open_console() as at:
        await at.press("D")
        offered = at.screen.query_one("#field-title").value
        assert len(offered) > 2
        await at.press("2")
        assert at.screen.query_one("#field-title").value == f"{offered}2"
        await at.press("ctrl+u", "p", "r")
        assert at.screen.query_one("#field-title").value == "pr"


async def test_which_severity_is_chosen_is_seen_without_colour_and_a_digit_chooses_it(open_console):
    async with open_console() as at:
        await at.press("D", "enter")
        for key, chosen in (("4", "SEV4"), ("1", "SEV1"), ("j", "SEV2"), ("5", "SEV5")):
            await at.press(key)
            marked = [row for row in at.text().splitlines() if "▶ " in row]
            assert len(marked) == 1, at.text()
            assert f"▶ {chosen} " in marked[0]
            assert f"chosen: {chosen}. " in at.text()
        await at.press("7", "enter")
        assert next(iter(at.engine.state.incidents.values())).severity is Severity.SEV5


async def test_a_filter_says_what_it_hides_and_esc_clears_it(open_console):
    async with open_console() as at:
        await at.press("slash", "z", "z", "z", "enter")
        assert "filter zzz: 0 of 4; esc clears" in at.text()
        assert "No row matches zzz: esc clears the filter." in at.text()
        await at.press("escape")
        assert "filter zzz" not in at.text()
        assert len(alerts_of(at).items) == 4
        await at.press("6", "slash", "z", "enter")
        await at.press("escape")
        assert isinstance(at.screen, IncidentsScreen), "esc does not leave while it clears"
