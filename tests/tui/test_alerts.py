"""The alert feed by keys: identity, owners, folds, filters, silences, storms."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model.alert import reference
from console.model.board import AlertFeed, SourceStatus
from console.model.care import Verdict
from console.model.folding import Fold, Row
from console.model.people import Severity
from console.model.reading import ReadingState
from console.tui.dialogs.base import Dialog
from console.tui.dialogs.form import Form
from console.tui.screens.alert import AlertScreen
from console.tui.screens.alerts import AlertsScreen
from console.tui.screens.silences import SilencesScreen
from console.tui.widgets.line_list import LineList
from tests.tui import feeds
from tests.tui.test_hostile import TOGETHER, assert_harmless

BOARD = feeds.made("feed")


def rows(at):
    screen = next(screen for screen in at.app.screen_stack if isinstance(screen, AlertsScreen))
    return screen.query_one("#feed", LineList)


def given(at, alerts, **more):
    feed = AlertFeed(tuple(alerts), ReadingState.OK, feeds.NOW, "", **more)
    at.engine.show(feed=feed)
    at.app.redraw()


async def until(at, condition):
    for _ in range(400):
        await at.settle()
        if condition():
            return
    raise AssertionError(at.text())


async def on(at, name):
    """The cursor on a row, from wherever it is."""
    await at.press("g")
    for number, item in enumerate(rows(at).items):
        if item.name == name:
            await at.press(*["j"] * number)
            return
    raise AssertionError(name)


@pytest.fixture
async def at(open_console):
    async with open_console(BOARD) as driver:
        feeds.answers(driver.engine)
        await driver.press("5")
        yield driver


# -- what is seen -----------------------------------------------------------------------------------------------------


async def test_how_many_nobody_has_and_the_worst_first(at):
    shown = at.text().splitlines()
    assert "16 unowned, 0 acknowledged, 1 silenced or inhibited" in at.text()
    assert "critical" in shown[3]
    assert "PodCrashLooping" in shown[3]
    assert "silenced EventStoreReplicaLag" in at.text()
    assert "Checkout is down" in at.text()


async def test_a_silence_of_the_sources_is_said(open_console):
    async with open_console(feeds.made("broken")) as at:
        await at.press("5")
        assert "NO EVIDENCE OF ALERTING: connection refused" in at.text()
        assert "P99LatencyCritical" in at.text()


async def test_an_empty_feed_is_evidence_only_with_the_watchdog(open_console):
    async with open_console(feeds.board([])) as at:
        await at.press("5")
        assert "No alert is active; Watchdog was seen" in at.text()
        at.engine.show(feed=AlertFeed((), ReadingState.NO_DATA, feeds.NOW, "the always-firing alert is not there"))
        at.app.redraw()
        await at.settle()
        assert "NO EVIDENCE OF ALERTING: the always-firing alert is not there" in at.text()
        assert "No alert is active" not in at.text()


async def test_the_details_are_a_screen_of_their_own_and_beside_the_list_where_there_is_room(open_console):
    async with open_console(BOARD, size=(160, 45)) as at:
        feeds.answers(at.engine)
        await at.press("5")
        await on(at, "P99LatencyCritical")
        assert "#311 acknowledged, high urgency: Bob, level 2" in at.text()
        await at.press("enter")
        assert isinstance(at.screen, AlertScreen)
        await until(at, lambda: "fired 4 times in 24 h" in at.text())
        assert {name for name, _ in at.engine.lookups.asked} == {"history", "runbook", "page"}
        await at.press("G")
        shown = at.text()
        assert "High latency" in shown
        assert "# High latency" not in shown
        assert "kubectl get pods -l app=elicitation" in shown
        assert "- [ ] roll back when it grows" in shown
        assert "the dashboard (https://grafana.example.com/d/x)" in shown


async def test_whoever_passes_by_asks_nothing(open_console):
    async with open_console(BOARD, size=(160, 45)) as at:
        await at.press("5", "j", "j", "j", "k")
        assert at.engine.lookups.asked == []


# -- identity ---------------------------------------------------------------------------------------------------------


async def test_18_the_cursor_stays_on_its_alert_whatever_comes_and_goes(at):
    dice = random.Random(7)
    pool = [item for item in BOARD.feed.alerts if item.name != "Watchdog"]
    await on(at, "ErrorRatioHigh")
    chosen = rows(at).selected.id
    for number in range(25):
        others = [item for item in pool if item.fingerprint != chosen and dice.random() < 0.6]
        others += [feeds.alert(5000 + dice.randrange(50), severity="critical", minutes=0.1) for _ in range(3)]
        there = dice.random() < 0.8
        own = [item for item in pool if item.fingerprint == chosen] if there else []
        mixed = list({item.fingerprint: item for item in [*others, *own]}.values())
        dice.shuffle(mixed)
        given(at, mixed)
        await at.settle()
        count = len(at.engine.commands)
        await at.press("a")
        if there:
            assert rows(at).selected.id == chosen
            if number and len(at.engine.commands) > count:
                assert at.engine.commands[-1].alerts[0].fingerprint == chosen
        else:
            assert rows(at).selected is None
            assert len(at.engine.commands) == count
            assert "ErrorRatioHigh is no longer there" in at.text()


@pytest.mark.parametrize("key", ["a", "s", "v", "plus", "o", "l", "enter", "u"])
async def test_19_what_vanished_is_refused_by_name(at, key):
    await at.engine.submit(cmd.DeclareIncident("x", Severity.SEV3))
    await on(at, "ErrorRatioHigh")
    given(at, [item for item in BOARD.feed.alerts if item.name != "ErrorRatioHigh"])
    await at.settle()
    count = len(at.engine.commands)
    await at.press(key)
    assert "ErrorRatioHigh is no longer there" in at.text()
    assert len(at.engine.commands) == count
    assert isinstance(at.screen, AlertsScreen)


# -- owners -----------------------------------------------------------------------------------------------------------


async def test_11_an_acknowledgement_does_not_ask_and_ends_with_the_firing(at):
    await on(at, "ErrorRatioHigh")
    await at.press("a")
    assert isinstance(at.screen, AlertsScreen)
    assert "ErrorRatioHigh acknowledged: saved" in at.text()
    assert "15 unowned, 1 acknowledged" in at.text()
    assert "✔ alice" in at.text()
    await at.press("a")
    assert "Acknowledge: ErrorRatioHigh was acknowledged by alice" in at.text()
    again = [
        replace(item, starts_at=feeds.NOW) if item.name == "ErrorRatioHigh" else item for item in BOARD.feed.alerts
    ]
    given(at, again)
    await at.settle()
    assert "16 unowned, 0 acknowledged" in at.text()


async def test_giving_back_needs_a_reason(at):
    await on(at, "ErrorRatioHigh")
    await at.press("u")
    assert "Give back: nobody has it" in at.text()
    await at.press("a", "u")
    await at.press("enter")
    assert "Not done" in at.text()
    await at.type("my shift ends")
    await at.press("enter")
    assert isinstance(at.engine.commands[-1], cmd.UnacknowledgeAlert)
    assert "16 unowned, 0 acknowledged" in at.text()


async def test_20_a_fold_is_acknowledged_as_it_was_seen(at):
    await on(at, "PodCrashLooping")
    fold = rows(at).selected
    assert isinstance(fold, Fold)
    await at.press("a")
    assert isinstance(at.screen, Form)
    assert "Acknowledge 9 alerts on lighthouse/production" in at.text()
    assert "9 x PodCrashLooping" in at.text()
    late = feeds.alert(150, "PodCrashLooping", group=fold.title, severity="critical", minutes=0)
    one_gone = [item for item in BOARD.feed.alerts if item.fingerprint != fold.alerts[0].fingerprint]
    given(at, [late, *one_gone])
    await at.press("tab", "enter")
    done = at.engine.commands[-1]
    assert isinstance(done, cmd.AcknowledgeAlerts)
    assert {item.fingerprint for item in done.alerts} == {item.fingerprint for item in fold.alerts[1:]}


async def test_the_focus_of_a_wide_act_is_on_cancel(at):
    await on(at, "PodCrashLooping")
    await at.press("a", "enter")
    assert isinstance(at.screen, AlertsScreen)
    assert at.engine.commands == []


# -- what people say --------------------------------------------------------------------------------------------------


async def test_a_verdict_and_a_note_stay_with_the_alert(at):
    await on(at, "ErrorRatioHigh")
    await at.press("v", "j", "enter")
    await at.type("nobody can do anything")
    await at.press("enter")
    assert at.engine.commands[-1].verdict is Verdict.NOT_ACTIONABLE
    await at.press("plus")
    await at.type("storage was told")
    await at.press("enter", "enter")
    assert at.engine.commands[-1].subject.startswith("alert:")
    await at.press("enter")
    assert "not actionable, said alice: nobody can do anything" in at.text()
    assert "storage was told" in at.text()


async def test_a_fold_is_linked_and_declared_whole(at):
    await on(at, "PodCrashLooping")
    await at.press("D", "enter", "enter")
    await until(at, lambda: at.engine.commands)
    assert len(at.engine.commands[-1].alerts) == 9
    while isinstance(at.screen, Dialog):
        await at.press("escape")
    await at.press("5")
    await on(at, "ErrorRatioHigh")
    await at.press("l")
    assert [item.name for item in at.engine.commands[-1].alerts] == ["ErrorRatioHigh"]


async def test_41_the_whole_address_is_shown_before_it_is_opened(at, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    opened = []
    monkeypatch.setattr(at.app, "open_url", lambda url, **_: opened.append(url))
    copied = []
    monkeypatch.setattr(at.app, "copy_to_clipboard", copied.append)
    await on(at, "P99LatencyCritical")
    await at.press("o")
    assert "https://logs.example.com/search?query=service:elicitation" in at.text()
    assert opened == copied == []
    await at.press("enter")
    assert not opened
    assert copied == ["https://logs.example.com/search?query=service:elicitation"]
    monkeypatch.setenv("DISPLAY", ":0")
    await at.press("o", "enter")
    assert opened == copied


# -- arranging --------------------------------------------------------------------------------------------------------


async def test_folds_open_and_close(at):
    await on(at, "PodCrashLooping")
    count = len(rows(at).items)
    await at.press("enter")
    assert len(rows(at).items) == count + 9
    assert isinstance(rows(at).selected, Fold)
    await at.press("j")
    assert isinstance(rows(at).selected, Row)
    await at.press("k", "space")
    assert len(rows(at).items) == count


async def test_the_filter_speaks_alertmanagers_language(at):
    await at.press("slash")
    await at.type('severity="crit')
    assert "a quote is not closed" in at.text()
    assert len(rows(at).items) > 3
    await at.type('ical" pod')
    assert [item.name for item in rows(at).items] == ["PodCrashLooping"]
    await at.press("enter")
    assert '9 of 17: severity="critical" pod' in at.text()
    await at.press("escape")
    assert isinstance(at.screen, AlertsScreen)
    assert len(rows(at).items) > 3
    await at.press("escape")
    assert not isinstance(at.screen, AlertsScreen)


async def test_saved_filters_sorts_and_groups(at):
    await at.press("f")
    assert "urgent" in at.text()
    await at.press("enter")
    assert '10 of 17: severity="critical"' in at.text()
    await at.press("escape", "t")
    assert "newest first" in at.text()
    await at.press("b")
    await at.press("2")
    assert "not grouped" in at.text()
    assert all(isinstance(item, Row) for item in rows(at).items)


# -- silences ---------------------------------------------------------------------------------------------------------


async def test_12_21_a_silence_shows_what_it_would_hide_and_where(at):
    await on(at, "PodCrashLooping")
    await at.press("s")
    shown = at.text()
    assert shown.count("lighthouse/production") >= 3
    assert "It would hide 9 alerts that fire now:" in shown
    assert "▶ Cancel ◀" in shown
    matchers = at.screen.query_one("#field-matchers")
    assert matchers.value == 'alertname="PodCrashLooping", job="elicitation", severity="critical"'
    matchers.value = 'alertname="DiskFull", instance=~"db-[01]"'
    await at.settle()
    assert "It would hide 2 alerts that fire now:" in at.text()
    matchers.value = 'job="elicitation'
    await at.settle()
    assert "a quote is not closed" in at.text()
    matchers.value = 'alertname="DiskFull"'
    at.screen.query_one("#field-length").value = "1h30m"
    at.screen.query_one("#field-comment").value = "disks are being replaced"
    await at.focus("#submit")
    await at.press("enter")
    made = at.engine.commands[-1]
    assert isinstance(made, cmd.CreateSilence)
    assert made.silence.text == '{alertname="DiskFull"}'
    assert (made.silence.ends_at - made.silence.starts_at).total_seconds() == 5400


async def test_what_a_silence_would_hide_among_thousands_is_found_beside_the_keys_for_the_last_word_typed(open_console):
    many = [feeds.alert(number, f"A{number % 7}", instance=f"h{number}") for number in range(2_000)]
    async with open_console() as at:
        given(at, many)
        await at.press("5")
        await until(at, lambda: rows(at).items)
        await at.press("s")
        matchers = at.screen.query_one("#field-matchers")
        for text in ('alertname="A1"', 'instance=~"h1.*"', 'instance=~"h1[0-9]"'):
            matchers.value = text
        await until(at, lambda: "It would hide 10 alerts that fire now:" in at.text())
        matchers.value = 'instance=~"h1("'
        await until(at, lambda: "does not compile" in at.text())


@pytest.mark.parametrize("length", ["", "soon", "0s", "-5m", "1000d"])
async def test_26_a_silence_of_no_sensible_length_is_refused_before_it_is_sent(at, length):
    await on(at, "ErrorRatioHigh")
    await at.press("s")
    at.screen.query_one("#field-length").value = length
    at.screen.query_one("#field-comment").value = "x"
    await at.focus("#submit")
    await at.press("enter")
    assert isinstance(at.screen, Form)
    assert at.engine.commands == []


async def test_silences_are_listed_expired_extended_and_made_again(at):
    await at.press("S")
    assert isinstance(at.screen, SilencesScreen)
    assert "1 active, 1 pending, 1 ended lately" in at.text()
    await at.press("x")
    assert "Expire it on lighthouse/production" in at.text()
    await at.press("tab", "enter")
    assert at.engine.commands[-1].silence.id == "s-1"
    await at.press("j", "e", "enter")
    extended = at.engine.commands[-1]
    assert isinstance(extended, cmd.ExtendSilence)
    assert (extended.ends_at - extended.silence.ends_at).total_seconds() == 7200
    await at.press("j", "x")
    assert "Expire: it is expired" in at.text()
    await at.press("c")
    assert at.screen.query_one("#field-matchers").value == 'alertname="DiskFull"'


# -- hostile text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TOGETHER.values(), ids=TOGETHER.keys())
async def test_36_37_hostile_text_through_the_feed(open_console, text):
    hostile = [
        replace(
            feeds.alert(1 + n, text, group=text, severity=text[:500], evil=text),
            annotations=(("summary", text), (text, text)),
        )
        for n in range(2)
    ]
    silences = (feeds.silence(alertname=text), feeds.silence("s-9", comment=text))
    page = replace(feeds.page(), title=text, service=text, acknowledged_by=text, url=text)
    board = feeds.board(hostile, silences=silences, pages={f"{1:016x}": page}, note=text, evidence=ReadingState.STALE)
    async with open_console(board, size=(160, 45)) as at:
        feeds.answers(at.engine)
        at.engine.lookups.found["runbook"] = replace(at.engine.lookups.found["runbook"], text=text, source=text)
        await at.engine.submit(cmd.AddNote(f"alert:{hostile[0].fingerprint}", text))
        await at.engine.submit(cmd.AcknowledgeAlerts((reference(hostile[0]),), by=text))
        await at.press("5")
        assert_harmless(at)
        await at.press("j")
        for key in ("enter", "s", "v", "o", "f", "b", "S"):
            await at.press(key)
            assert_harmless(at)
            while not isinstance(at.screen, AlertsScreen):
                at.app.pop_screen()
                await at.settle()
        await at.press("slash")
        at.app.focused.value = text
        await at.settle()
        assert_harmless(at)
        assert at.app.is_running


# -- many -------------------------------------------------------------------------------------------------------------


@pytest.mark.serial
async def test_29_5000_alerts_in_ten_seconds_fold_while_keys_are_answered(open_console):
    async with open_console(BOARD) as at:
        await at.press("5")
        alerts, arrivals, waits = list(BOARD.feed.alerts), {}, []
        for second in range(10):
            new = [feeds.storming(second * 500 + n, 5000) for n in range(500)]
            alerts = [*alerts, *new]
            arrivals = {**arrivals, **{item.fingerprint: (feeds.NOW,) for item in new}}
            given(at, alerts, arrivals=arrivals)
            for _ in range(5):
                begin = time.perf_counter()
                await at.pilot.press("j")
                waits.append(time.perf_counter() - begin)
        await until(at, lambda: sum(len(item.alerts) for item in rows(at).items) >= 5000)
        assert len(rows(at).items) < 20
        assert "STORM: 5000 new in a minute" in at.text()
        assert sorted(waits)[int(len(waits) * 0.95)] < 0.5  # the pilot's own pauses are in it; the figure: benchmarks
        assert sum(not task.done() for task in at.app._session._tasks) <= 1


@pytest.mark.serial
async def test_50000_alerts_scroll_and_filter(open_console):
    async with open_console(feeds.board(feeds.many(50_000))) as at:
        await at.press("5")
        await until(at, lambda: len(rows(at).items) == 5000)
        begin = time.thread_time()
        await at.press("G", "k", "pageup", "g")
        assert time.thread_time() - begin < 3.0
        await at.press("slash")
        for char in "host-4999":
            at.app.focused.insert_text_at_cursor(char)
        await until(at, lambda: [len(item.alerts) for item in rows(at).items] == [10, 1])
        assert at.app.screen._target.count == 11


async def test_an_alert_cannot_look_taken_by_its_own_words_or_have_no_name(open_console):
    said = (
        ("Taken", "\N{HEAVY CHECK MARK} root disk is full"),
        ("Linked", "[INC-3] silenced by ops"),
        (" ", "honest words"),
    )
    hostile = [
        replace(feeds.alert(number, name, severity="critical"), annotations=(("summary", summary),))
        for number, (name, summary) in enumerate(said, start=1)
    ]
    async with open_console(feeds.board(hostile), size=(160, 45)) as at:
        await at.press("5")
        shown = at.text()
        assert '"\N{HEAVY CHECK MARK} root disk is full"' in shown
        assert '"[INC-3] silenced by ops"' in shown
        assert "(no name) " in shown
        assert '"honest words"' not in shown


async def test_silences_that_cannot_be_read_are_not_counted_as_none(open_console):
    board = feeds.board([feeds.alert(1, "DiskFull")], evidence=ReadingState.UNREACHABLE)
    async with open_console(board) as at:
        await at.press("5", "S")
        assert "NOT KNOWN NOW, UNREACHABLE" in at.text()
        await at.press("escape", "s")
        assert "NO EVIDENCE OF ALERTING" in at.text()
    down = SourceStatus("silences of alertmanager", ReadingState.UNREACHABLE, error="refuses the connection")
    async with open_console(replace(feeds.board([]), sources=(*board.sources, down))) as at:
        await at.press("5", "S")
        assert "NOT KNOWN NOW, UNREACHABLE" in at.text()
