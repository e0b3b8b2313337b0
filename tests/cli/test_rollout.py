"""`oncall rollout`: begun, promoted, held, set and settled, on flags behind real programs."""

from __future__ import annotations

import asyncio
import os
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from console.bootstrap import common
from console.engine.clocks import SystemClock
from console.engine.lease import TTL_SECONDS
from console.journal.sqlite import SqliteJournal
from console.model.events import CountdownStarted, DecisionCertified, PhaseEntered
from console.model.people import Actor
from console.ports import Append, NewEvent
from tests.cli.test_rollback import FLAG, READ, WRITE, writes
from tests.tty.test_not_saved import disk as disk
from tests.tty.test_not_saved import full

GLASS = ("--break-glass", "nobody is there to decide", "--yes")
FLAGS = """
    flags:
      type: command
      read: [./read, "{flag}"]
      write: [./write, "{flag}", "{percent}"]
      timeout: 2s
"""


@pytest.fixture
def rolled(oncall):
    """Production's flag is behind two programs, and at 0 %."""
    oncall.notify()
    oncall.edit(r"(?<=\n)    notify: \{\}\n", "    notify: {}" + FLAGS)
    for name, text in (("read", READ), ("write", WRITE)):
        program = oncall.config / name
        program.write_text(text)
        program.chmod(0o700)
    (oncall.config / f"{FLAG}.percent").write_text("0\n")
    return oncall


def state(cli, code=0):
    found = cli("rollout", "status", "--json", code=code).json
    return found["state"], found["record"]["percent"]


def test_nothing_is_promoted_before_it_is_begun_nor_without_a_decision(rolled):
    assert "no rollout is under way: begin one" in rolled("rollout", "promote", "--yes", code=3).err

    begun = rolled("rollout", "begin", "--revision", "abc123", "--yes", "--json").json

    assert (begun["rollout"]["state"], begun["rollout"]["revision"]) == ("pending", "abc123")
    assert begun["saved"] is True
    refused = rolled("rollout", "promote", "--yes", code=3).err
    assert "no decision is recorded for 0 to 5 %. Without one it can be done with a reason" in refused
    assert writes(rolled) == []
    assert "is under way at 0 %" in rolled("rollout", "begin", "--yes", code=3).err


def test_a_promotion_names_target_and_environment_and_shows_from_and_to(rolled):
    rolled("rollout", "begin", "--yes")

    asked = rolled("rollout", "promote", *GLASS[:2], code=2).err

    assert f"Set {FLAG} of lighthouse/production by flag programs from 0 to 5 % (the flag gives 0 %)?" in asked
    assert "Give --yes to go ahead; nothing was done" in asked
    assert "note: 0 to 5 % is NO-GO by what is known now: `oncall decision status` says why" in asked
    shown = rolled("rollout", "promote", *GLASS)
    assert "ramping at 5 %" in shown.out
    assert "No engine runs" in shown.out
    assert writes(rolled) == [f"{FLAG} 5"]
    assert state(rolled) == ("ramping", 5)
    again = rolled("rollout", "promote", *GLASS, code=3).err
    assert "5 % is set and not entered yet: the measured share does not say so" in again


@pytest.mark.parametrize("words", [("promote",), ("set", "5"), ("finish",), ("begin",), ("abort", "--reason", "no")])
def test_what_the_rules_refuse_is_refused_before_anybody_is_asked(rolled, words):
    if words[0] != "abort":  # of nothing
        rolled("rollout", "begin", "--yes")

    refused = rolled("rollout", *words, code=3).err

    assert refused == rolled("rollout", *words, "--yes", code=3).err
    assert "?" not in refused
    assert "note:" not in refused
    assert writes(rolled) == []


def test_a_broken_glass_is_asked_for_nothing_while_it_is_held(rolled):
    rolled("rollout", "begin", "--yes")
    rolled("rollout", "hold", "--reason", "lunch")
    assert "lunch" in rolled("rollout", "promote", *GLASS[:2], code=3).err
    assert "from 0 to 0 %" in rolled("rollout", "set", "0", code=2).err, "the way down is only asked for"


def test_what_is_held_is_not_promoted_and_goes_down_all_the_same(rolled):
    rolled("rollout", "begin", "--yes")
    rolled("rollout", "promote", *GLASS)
    rolled("rollout", "hold", "--reason", "lunch")

    refused = rolled("rollout", "set", "25", *GLASS, code=3, by="bob").err
    assert re.search(r"held since [0-9:]+Z by alice.*: lunch", refused)
    rolled("rollout", "set", "0", "--yes", by="bob")

    assert state(rolled) == ("held", 0)
    assert writes(rolled) == [f"{FLAG} 5", f"{FLAG} 0"]
    rolled("rollout", "release", "--reason", "fed")
    assert state(rolled) == ("pending", 0)
    assert "is not held" in rolled("rollout", "release", "--reason", "fed", code=3).err
    aborted = rolled("rollout", "abort", "--reason", "another day", "--yes", "--json").json
    assert (aborted["rollout"]["state"], aborted["rollout"]["reason"]) == ("aborted", "another day")


def test_a_write_that_is_refused_or_has_no_effect_leaves_the_share(rolled):
    rolled("rollout", "begin", "--yes")
    (rolled.config / "forbidden").touch()
    assert "403: no permission" in rolled("rollout", "promote", *GLASS, code=3).err
    (rolled.config / "forbidden").unlink()
    (rolled.config / "deaf").touch()
    assert f"{FLAG} was not set" in rolled("rollout", "promote", *GLASS, code=3).err
    assert state(rolled) == ("pending", 0)


def test_an_unknown_outcome_is_not_repeated_and_somebody_settles_it(rolled):
    rolled("rollout", "begin", "--yes")
    (rolled.config / "hangs").touch()

    said = rolled("rollout", "promote", *GLASS, code=6).err

    assert "outcome unknown" in said.lower()
    (rolled.config / "hangs").unlink()
    shown = rolled("rollout", "status", "--json", code=1).json["record"]
    (write,) = shown["open_writes"]
    assert (write["percent"], write["by"], write["outcome"]) == (5, "alice", "unknown")
    assert "nobody knows what came of the write of 5 %" in rolled("rollout", "promote", *GLASS, code=3).err
    settled = rolled("rollout", "settle", "--not-done", "--observed", "0", "--seen", "the file says 0", by="bob")
    assert "pending at 0 %" in settled.out
    assert "no write is open" in rolled("rollout", "settle", "--done", "--seen", "x", code=5).err


def test_there_is_nothing_to_cancel_and_nothing_to_finish(rolled):
    assert "no rollback is counted down" in rolled("rollout", "cancel", "--reason", "no", code=3).err
    rolled("rollout", "begin", "--yes")
    assert "it is finished after its last phase, 100 %" in rolled("rollout", "finish", "--yes", code=3).err


def test_what_a_decision_to_finish_rests_on_is_read_again(rolled):
    """The components refuse every connection: whatever was decided, it is NO-GO now."""
    (rolled.config / f"{FLAG}.percent").write_text("100\n")
    rolled("rollout", "begin", "--yes")
    plan = rolled("rollout", "status", "--json").json["plan"]["hash"]
    target = "lighthouse/production"

    async def write():
        journal = SqliteJournal(rolled.journal, SystemClock(), console="us", scope=target)
        go = DecisionCertified(target, "lighthouse-9", "", 100.0, 100.0, "GO", "go", (), plan)
        for stream, payload in ((f"rollout:{target}", PhaseEntered(100.0, 100.0)), (f"decision:{uuid.uuid4()}", go)):
            event = NewEvent(payload, datetime.now(UTC), str(uuid.uuid4()))
            await journal.append([Append(stream, None, (event,), Actor("engine", "alice"))])
        await journal.close()

    asyncio.run(write())
    refused = rolled("rollout", "finish", "--yes", code=3).err
    assert re.search(r"DEC-\d+ says GO, and it is NO-GO since then: .*it is DOWN, from here it refuses", refused)
    assert "promoted at 100 %" in rolled("rollout", "finish", *GLASS).out


def test_a_flag_that_cannot_be_read_begins_nothing_and_is_lowered_all_the_same(rolled):
    (rolled.config / f"{FLAG}.percent").unlink()
    assert "is not known" in rolled("rollout", "begin", "--yes", code=3).err
    assert "is not known" in rolled("rollout", "promote", *GLASS, code=1).err
    said = rolled("rollout", "set", "0", "--yes").out
    assert said.splitlines()[0] == f"{FLAG} is at 0 %; no rollout was begun"
    assert writes(rolled) == [f"{FLAG} 0"]


def test_the_status_is_the_page_of_the_screen_and_the_old_keys_stay(rolled):
    rolled("rollout", "begin", "--yes")
    assert rolled("rollout", "status").out
    assert {"guardrails", "phase", "percent", "phases"} <= rolled("status", "--json").json["rollout"].keys()


@pytest.mark.parametrize("columns", ["72", "140"])
def test_the_status_is_as_wide_as_the_terminal(rolled, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    rolled("rollout", "begin", "--yes")
    shown = rolled("rollout", "status").out
    assert max(map(len, shown.splitlines())) == int(columns), "a heading goes to its edge"


def test_a_journal_that_cannot_be_written_does_not_stop_the_way_to_0(rolled, tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = tmp_path / "file" / "journal.db"
    (rolled.config / f"{FLAG}.percent").write_text("25\n")

    refused = rolled("rollout", "set", "5", "--yes", "--unsaved", journal=nowhere, code=4).err
    assert "NOT SAVED" in refused
    assert "--unsaved goes ahead" not in refused
    assert "--unsaved goes ahead" in rolled("rollout", "set", "0", "--yes", journal=nowhere, code=4).err
    assert writes(rolled) == []

    done = rolled("rollout", "set", "0", "--yes", "--unsaved", "--json", journal=nowhere).json

    assert done["saved"] is False
    assert writes(rolled) == [f"{FLAG} 0"]


# -- a countdown ------------------------------------------------------------------------------------------------------


@pytest.fixture
def counting(rolled, disk):
    """A rollback starts by itself in a minute, by a record on a disk that can be filled; its engine is `holds`."""
    path = disk / "record" / "journal.db"
    rolled("rollout", "begin", "--yes", journal=path)

    async def write(holds):
        journal = SqliteJournal(path, SystemClock(), console=holds, scope="lighthouse/production")
        at = datetime.now(UTC)
        event = NewEvent(CountdownStarted(at + timedelta(minutes=1), "errors: 7 %"), at, str(uuid.uuid4()))
        await journal.append([Append("rollout:lighthouse/production", None, (event,), Actor("engine", "alice"))])
        await journal.renew(holds, TTL_SECONDS)
        await journal.close()

    def begin(holds):
        asyncio.run(write(holds))
        return path

    return begin


@pytest.mark.parametrize(("holds", "code"), [("us", 0), ("bob@elsewhere:7", 4)])
def test_a_cancel_that_waits_is_heard_by_an_engine_of_ours_and_else_it_is_said(rolled, counting, disk, holds, code):
    us = common.console_name()
    path = counting(us if holds == "us" else holds)
    with full(disk, os.getpid()):
        said = rolled("rollout", "cancel", "--reason", "we look first", "--unsaved", journal=path, code=code)
        if code:
            assert f"NOT HEARD: {holds} is not {us.partition(':')[0]}, and reads no file of theirs" in said.err
        else:
            assert "NOT SAVED: waits in " in said.out
    assert rolled("rollout", "status", "--json", journal=path, code=0).json["record"]["countdown"] is None
