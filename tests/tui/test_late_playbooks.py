"""Playbooks that are still being read when somebody wants one: they are waited for, and nothing else is."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.settings.library import Library, Shelf
from console.tui.dialogs.pick import Picker
from tests.tui.conftest import console
from tests.view import boards

READING = "reading playbooks"
NONE = "No playbook now"


@asynccontextmanager
async def held_back(*playbooks, size=(120, 40)):
    """A console whose playbooks are read once the gate is opened."""
    gate = threading.Event()

    def read():
        assert gate.wait(60)
        return Shelf(playbooks)

    board = replace(boards.busy(), playbooks=(), playbooks_read=False, files={})
    try:
        async with console(board, size=size, settings=replace(boards.CONFIG, library=Library(read))) as at:
            assert not at.engine.board.playbooks_read
            yield at, gate
    finally:
        gate.set()


async def declare(at):
    await at.press("D")
    at.screen.query_one("#submit").action_press()
    await at.until(lambda: isinstance(at.screen, Picker))
    await at.settle()


def started(at):
    return [item.playbook.playbook.name for item in at.engine.commands if isinstance(item, cmd.StartRun)]


def entries(at):
    return [item.label for item in at.screen.query_one("LineList").items]


async def test_who_declares_before_they_are_read_is_offered_them_when_they_are():
    async with held_back(*boards.CONFIG.playbooks) as (at, gate):
        await declare(at)
        assert "Start a playbook?" in at.text()
        assert READING in at.text()
        assert entries(at) == [NONE]
        gate.set()
        await at.until(lambda: len(entries(at)) == 1 + len(boards.CONFIG.playbooks))
        await at.settle()
        assert READING not in at.text()
        assert at.screen.query_one("LineList").selected.label == NONE, "what came under the cursor is not what it is on"
        second = at.screen.query_one("LineList").items[1].id
        await at.press("2")
        await at.until(lambda: started(at))
        assert started(at) == [second]


async def test_p_offers_them_in_the_same_way():
    async with held_back(*boards.CONFIG.playbooks) as (at, gate):
        await declare(at)
        await at.press("q", "p")
        assert READING in at.text()
        await at.press("enter")
        assert not isinstance(at.screen, Picker)
        assert started(at) == []
        await at.press("p")
        gate.set()
        await at.until(lambda: len(entries(at)) > 1)
        await at.press("slash", *"memory")
        await at.press("enter")
        await at.until(lambda: started(at))
        assert started(at) == ["memory-leak"]


async def test_what_is_typed_meanwhile_filters_them_when_they_come():
    async with held_back(*boards.CONFIG.playbooks) as (at, gate):
        await declare(at)
        await at.press("slash", *"memory", "enter")
        assert isinstance(at.screen, Picker)
        assert started(at) == []
        gate.set()
        await at.until(lambda: entries(at))
        await at.settle()
        assert entries(at) == [at.screen.query_one("LineList").selected.label]
        await at.press("enter")
        await at.until(lambda: started(at))
        assert started(at) == ["memory-leak"]


@pytest.mark.parametrize("key", ["enter", "q"])
async def test_nobody_has_to_wait_and_what_comes_too_late_opens_nothing(key):
    async with held_back(*boards.CONFIG.playbooks) as (at, gate):
        await declare(at)
        await at.press(key)
        assert not isinstance(at.screen, Picker)
        await at.press("plus")
        await at.type("while they are read")
        await at.press("enter", "enter", "enter")
        assert isinstance(at.engine.commands[-1], cmd.AddNote)
        gate.set()
        await at.until(lambda: at.engine.board.playbooks_read)
        await at.settle()
        assert not isinstance(at.screen, Picker)
        assert "Start a playbook?" not in at.text()
        assert started(at) == []


async def test_a_folder_without_any_says_so():
    async with held_back() as (at, gate):
        await declare(at)
        gate.set()
        await at.until(lambda: at.engine.board.playbooks_read)
        await at.until(lambda: "no playbook is loaded" in at.text())
        assert READING not in at.text()
        await at.press("q", "p")
        assert "Playbooks: no playbook is loaded" in at.text()
