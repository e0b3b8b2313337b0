"""Proving on the Rollback screen: the canary is read before it is asked, and what was read is what is set."""

from __future__ import annotations

from dataclasses import replace

from console.engine.lookups import FlagLook
from console.model import commands as cmd
from console.model.flag import FlagState
from console.model.rollback import Source
from console.tui.dialogs.form import Form
from console.tui.screens.rollout import RollbackScreen
from tests.view import boards, rollouts

CANARY = "lighthouse-canary"
HOSTILE = "[bold]403[/] \x1b]52;c;cm0=\x07 \u202e"


def board(flags="unleash"):
    return replace(rollouts.baking(), flags=flags)


async def asked(at, percent):
    at.engine.lookups.flags = {CANARY: FlagLook(FlagState(CANARY, percent, percent > 0, boards.NOW), "may write")}
    await at.press("B")
    assert isinstance(at.screen, RollbackScreen)
    await at.press("w")
    await at.until(lambda: isinstance(at.screen, Form))


async def test_the_canary_is_read_and_asked_about_by_name(open_console):
    async with open_console(board(), size=(100, 40)) as at:
        await asked(at, 0.0)

        text = at.text()
        assert f"Toggle the canary flag {CANARY}" in text
        assert "0 % to 100 % and back, in unleash" in text
        assert "lighthouse/production" in text
        assert "may write" in text
        assert at.engine.commands == []  # the focus is on Cancel
        await at.press("enter")
        assert at.engine.commands == []
        assert isinstance(at.screen, RollbackScreen)


async def test_what_was_read_is_what_is_set(open_console):
    async with open_console(board(), size=(100, 40)) as at:
        await asked(at, 40.0)
        assert "40 % to 0 % and back" in at.text()
        await at.press("tab", "enter")
        await at.until(lambda: at.engine.commands)

        assert at.engine.commands[-1] == cmd.ProveWritePath(CANARY, 40.0, 0.0)


async def test_a_canary_that_cannot_be_read_is_not_asked_about(open_console):
    async with open_console(board(), size=(120, 40)) as at:
        at.engine.lookups.flags = {CANARY: FlagLook(error=f"unleash: {HOSTILE}")}
        await at.press("B", "w")
        await at.until(lambda: "cannot be read" in at.text())

        assert isinstance(at.screen, RollbackScreen)
        assert "\x1b" not in at.text()
        assert at.engine.commands == []


async def test_without_a_provider_the_key_says_why(open_console):
    async with open_console(board(""), size=(120, 40)) as at:
        await at.press("B", "w")
        await at.until(lambda: "no flag provider" in at.text())

        assert at.engine.lookups.asked == []


async def test_people_who_answered_are_recorded(open_console):
    async with open_console(board(), size=(100, 40)) as at:
        await at.press("B", "t")
        await at.until(lambda: isinstance(at.screen, Form))
        await at.type("both answered the phone")
        await at.press("enter")
        await at.until(lambda: at.engine.commands)

        assert at.engine.commands[-1] == cmd.RenewProof("people", "both answered the phone", Source.PEOPLE)
