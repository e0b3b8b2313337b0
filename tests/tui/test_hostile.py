"""Text that wants to be obeyed goes through every widget: nothing of it reaches the terminal, nothing crashes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import reference
from console.model.board import AlertFeed, Target
from console.model.change import ChangeKind
from console.model.escalation import Reach
from console.model.people import Actor, Severity
from console.model.reading import ReadingState
from console.tui.dialogs.base import Dialog
from tests.view import boards

PAYLOADS = {
    "closing tag": "[/] [/foo] [bold red]x[/]",
    "action": "[@click=app.leave]details[/]",
    "clipboard": "\x1b]52;c;aGFjaw==\x1b\\",
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J\x1b[?1049l",
    "c1": "\x9d52;c;aGk=\x9c\x9b2J",
    "bidi": "\u202eevil\u2066x\u2069",
    "nul": "a\x00b\x08c\x7f",
    "separators": "a\u2028b\u2029c\ufeffd\u200be",
    "surrogate": "\ud800\udfff lone",
    "long": "x" * 100_000,
    "wide": "日本語" * 500,
    "lines": "one\ntwo\r\nthree\tfour",
    "matcher": 'pod=~"[a-z]+" {{ $labels.x }} %s {0}',
}


INVISIBLE = {0x200B, 0x2028, 0x2029, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
TOGETHER = {
    "obeyed": " ".join(text for name, text in PAYLOADS.items() if name not in ("long", "wide")),
    "large": PAYLOADS["wide"] + PAYLOADS["long"],
}


OPENED = {"1": "alert", "2": "row", "3": "complete", "4": "answer", "6": "open-incident", "7": "change", "8": "message"}
DIALOGS = ("state", "update", "severity", "role", "escalate", "task", "decision", "times", "unacknowledge")


def poisoned(text):
    board = boards.busy()
    alerts = (
        boards.alert(text, text, fingerprint="f1", summary=text, description=text, **{"runbook_url": text}),
        *board.feed.alerts,
    )
    bad = tuple(replace(item, error=text, state=ReadingState.UNREACHABLE) for item in board.sources)
    health = tuple(replace(item, up=boards.lost("health", text)) for item in board.health)
    return replace(
        board,
        target=Target(text[:300], text[:300]),
        actor=Actor(text[:300] or "x", "login"),
        feed=AlertFeed(alerts, ReadingState.NO_DATA, boards.NOW, text),
        sources=bad,
        health=health,
        not_saved=text,
        spooled=text,
        severities=tuple(replace(rule, title=text, definition=text) for rule in board.severities),
    )


def assert_harmless(at):
    for strip in at.app.screen._compositor.render_strips():
        for char in strip.text:
            code = ord(char)
            assert code >= 0x20, hex(code)
            assert not 0x7F <= code < 0xA0, hex(code)
            assert not 0xD800 <= code < 0xE000, hex(code)
            assert code not in (0x200B, 0x2028, 0x2029, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), hex(
                code
            )


PARTS = {"screens 1-3": ("123", "", ()), "screens 4-8": ("4678", "", ()), "incident": ("2", "LWFACMPR", DIALOGS)}
"""Screens by their keys, panes, dialogs: each part is short on a busy machine, too."""


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("text", TOGETHER.values(), ids=TOGETHER.keys())
async def test_hostile_text_through_every_screen_and_dialog(open_console, text, part):
    screens, panes, dialogs = PARTS[part]
    async with open_console(poisoned(text), size=(120, 40)) as at:
        engine = at.engine
        assert_harmless(at)
        await at.press("g", "enter")  # the alert's details
        assert_harmless(at)
        await at.press("q", "D")
        assert_harmless(at)
        await at.press("escape")
        first = engine.board.feed.alerts[0]
        done = await engine.submit(cmd.DeclareIncident(text, Severity.SEV2, (reference(first),)))
        begun = await engine.submit(cmd.BeginShift())
        await engine.submit(cmd.AddWatchItem(begun.subject, text))
        await engine.submit(cmd.AddNote(done.subject, text))
        loaded = engine.board.playbooks[0]
        step = replace(loaded.playbook.steps[0], title=text, challenge=text, response=text, owner=text)
        steps = (step, *(replace(step, id=item.id) for item in loaded.playbook.steps[1:]))
        # A target of such a name fills in no variable: the run would be refused, and nothing of it shown.
        named = replace(loaded.playbook, title=text, summary=text, steps=steps, variables=())
        twisted = replace(loaded, playbook=named)
        run = await engine.submit(cmd.StartRun(done.subject, twisted))
        intent = ev.EffectIntended("e", text, text, text, steps[0].id)
        engine._append(f"run:{run.subject}", intent, boards.NOW, False)
        items = (ev.HandoffItem("1", text, text, text, text),)
        await engine.submit(cmd.OfferHandoff(begun.subject, text or "bob", items, "1:a", text))
        engine.show(playbooks=(twisted,))
        for command in (
            cmd.AcknowledgeIncident(done.subject, by=text or "x"),
            cmd.PostUpdate(done.subject, text, text, text or "x"),
            cmd.AddTask(done.subject, text or "x", text),
            cmd.RecordDecision(done.subject, text or "x", text or "x", (text,), text, text),
            cmd.RecordImpact(done.subject, text or "x", text or "x", text),
            cmd.RecordChange(ChangeKind.FLAG, text or "x", text or "x", text or "x", done.subject),
            cmd.Correct(done.subject, engine.log[0].id, text or "x", None, text),
            cmd.Escalate(done.subject, 1, text),
        ):
            await engine.submit(command)
        engine.show(on_call=((text, (Reach(text, ((text, text),)),)),))
        for key in screens:
            await at.press(key)
            assert_harmless(at)
            for dialog in () if panes else ("help", "palette", "note", "playbooks", OPENED[key]):
                at.app.screen.action_act(dialog)
                await at.settle()
                assert_harmless(at)
                while isinstance(at.app.screen, Dialog):
                    await at.app.pop_screen()
        for pane in panes:
            await at.press(pane)
            assert_harmless(at)
        for dialog in dialogs:
            at.app.screen.action_act(dialog)
            await at.settle()
            assert isinstance(at.app.screen, Dialog), dialog
            assert_harmless(at)
            await at.app.pop_screen()
        at.app.say(text)
        at.app.notify(text, title=text)
        await at.settle()
        assert_harmless(at)
        assert at.app.is_running


@pytest.mark.parametrize("text", TOGETHER.values(), ids=TOGETHER.keys())
async def test_hostile_text_that_is_pasted(open_console, text):
    from textual import events

    async with open_console() as at:
        await at.press("D")
        at.app.focused.value = ""
        at.app.focused.post_message(events.Paste(text))
        await at.settle()
        assert_harmless(at)
        at.app.focused.value = text
        await at.settle()
        assert_harmless(at)


async def test_a_click_on_markup_does_nothing(open_console):
    async with open_console(poisoned(PAYLOADS["action"])) as at:
        shown = at.text().splitlines()
        row = next(index for index, line in enumerate(shown) if "[@click=app.leave]" in line and "critical" not in line)
        await at.pilot.click(offset=(shown[row].index("details"), row))
        await at.settle()
        assert at.app.is_running
        assert not at.app.leaving
