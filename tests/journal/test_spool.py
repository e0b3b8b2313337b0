"""What waits in the spool gets into the journal exactly once, whatever happens in between."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from console.journal import spool as spooling
from console.journal.codec import Unrecordable
from console.journal.memory import MemoryJournal
from console.journal.spool import MEMORY, FileSpool
from console.journal.sqlite import SqliteJournal
from console.model import events as ev
from console.model.people import Actor
from console.ports import NotSaved
from tests.journal.tools import ALICE, START, CountedIds, SetClock, append, event, note

ENGINE = Actor("engine", "alice")


class Killed(BaseException):
    """The process ended here."""


def spool(*folders: Path, journal: str = "/data/journal.db", console: str = "here") -> FileSpool:
    ids = CountedIds()
    ids.new = lambda: os.urandom(8).hex()
    return FileSpool(folders, SetClock(), ids, ENGINE, console=console, journal=journal)


@pytest.fixture
def journal():
    return MemoryJournal(SetClock(), console="here")


def texts(journal) -> list[str]:
    return [item.payload.text for item in journal.read() if item.kind == "note.added"]


def content_of(made: FileSpool) -> bytes:
    return Path(made.where).read_bytes()


def damage(made: FileSpool, content: bytes) -> None:
    Path(made.where).write_bytes(content)


def merges(journal) -> list[ev.SpoolMerged]:
    return [item.payload for item in journal.read() if item.kind == "journal.spool_merged"]


async def test_nothing_was_put(tmp_path, journal):
    empty = spool(tmp_path / "spool")
    assert (empty.where, empty.pending(), await empty.merge(journal)) == ("", [], 0)
    assert not (tmp_path / "spool").exists()
    assert journal.read() == []


async def test_what_is_put_outlives_the_process_and_is_merged_once(tmp_path, journal):
    first = spool(tmp_path / "spool", console="first")
    appends = [append("shift:1", 7, note("a"), note("b")), append("run:1", 0, event(ev.StepFailed("s", "größer")))]
    for item in appends:
        first.put(item)
    assert len(content_of(first).splitlines()) == 2
    first.close()
    second = spool(tmp_path / "spool", console="second")
    assert [item.events for item in second.pending()] == [item.events for item in appends]
    assert [item.actor for item in second.pending()] == [ALICE, ALICE]
    assert await second.merge(journal) == 3
    assert (second.where, second.pending(), await second.merge(journal)) == ("", [], 0)
    assert [item.occurred_at for item in journal.read()] == [START] * 4
    assert merges(journal) == [ev.SpoolMerged(3, "first")]
    assert journal.read()[-1].actor == ENGINE
    assert list((tmp_path / "spool").iterdir()) == []
    assert spool(tmp_path / "spool").pending() == []


async def test_what_is_being_taken_over_in_a_thread_is_merged_as_a_whole_or_not_yet(tmp_path, journal, monkeypatch):
    here, gone = spool(tmp_path / "spool", console="here"), spool(tmp_path / "spool", console="gone")
    for text in "abcd":
        gone.put(append("shift:1", None, note(text)))
    gone.close()
    read_line, half, go_on = spooling._read_line, threading.Event(), threading.Event()

    def halting(raw, file):
        if b'"c"' in raw:
            half.set()
            assert go_on.wait(30)
        return read_line(raw, file)

    monkeypatch.setattr(spooling, "_read_line", halting)
    looking = asyncio.create_task(asyncio.to_thread(here.look))
    await asyncio.to_thread(half.wait)
    here.put(append("shift:1", None, note("own")))
    assert await here.merge(journal) == 1
    go_on.set()
    await looking
    assert await here.merge(journal) == 4
    assert texts(journal) == ["own", *"abcd"]
    assert list((tmp_path / "spool").iterdir()) == []


async def test_a_process_that_dies_between_append_and_clearing_repeats_nothing(tmp_path, journal, monkeypatch):
    dying = spool(tmp_path)
    dying.put(append("shift:1", None, note("a")))
    with monkeypatch.context() as patched:
        patched.setattr("console.journal.spool._File.remove", lambda self: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            await dying.merge(journal)
    for handle in handles(tmp_path):
        os.close(handle)
    again = spool(tmp_path)
    again.put(append("shift:1", None, note("b"), note("c")))
    assert len(again.pending()) == 2
    assert await again.merge(journal) == 2
    assert texts(journal) == ["a", "b", "c"]
    assert [merged.events for merged in merges(journal)] == [1, 2]
    assert list(tmp_path.iterdir()) == []


def handles(folder: Path) -> list[int]:
    """This process's descriptors of files in a folder."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith(str(folder)):
                found.append(int(name))
        except OSError:
            continue
    return found


async def test_what_is_merged_already_leaves_no_second_trace(tmp_path, journal):
    waiting = append("shift:1", None, note("a"))
    for _ in range(2):
        one = spool(tmp_path)
        one.put(waiting)
        await one.merge(journal)
    assert texts(journal) == ["a"]
    assert len(merges(journal)) == 1


async def test_the_same_append_in_two_files_is_one(tmp_path, journal):
    waiting = append("shift:1", None, note("a"))
    for folder in ("one", "two"):
        made = spool(tmp_path / folder)
        made.put(waiting)
        made.close()
    assert await spool(tmp_path / "one", tmp_path / "two").merge(journal) == 1
    assert texts(journal) == ["a"]


async def test_while_the_journal_fails_everything_waits(tmp_path, journal):
    journal.problem = "the disk is full"
    waiting = spool(tmp_path)
    waiting.put(append("shift:1", None, note("a")))
    for _ in range(3):
        with pytest.raises(NotSaved):
            await waiting.merge(journal)
    waiting.put(append("shift:1", None, note("b")))
    assert len(list(tmp_path.iterdir())) == 1
    journal.problem = ""
    assert await waiting.merge(journal) == 2
    assert texts(journal) == ["a", "b"]


async def test_what_is_put_during_a_merge_is_not_forgotten(tmp_path):
    class Slow(MemoryJournal):
        async def append(self, appends, *, fence=None):
            waiting.put(append("shift:1", None, note("meanwhile")))
            return await super().append(appends, fence=fence)

    journal, waiting = Slow(SetClock(), console="here"), spool(tmp_path)
    waiting.put(append("shift:1", None, note("before")))
    assert await waiting.merge(journal) == 1
    assert [item.events[0].payload.text for item in waiting.pending()] == ["meanwhile"]
    waiting.close()
    assert [item.events[0].payload.text for item in spool(tmp_path).pending()] == ["meanwhile"]


async def test_a_torn_line_is_kept_word_for_word_in_the_record(tmp_path, journal):
    torn = spool(tmp_path)
    torn.put(append("shift:1", None, note("a")))
    torn.put(append("shift:1", None, note("b")))
    damage(torn, b'{"from the future":1}\n' + content_of(torn)[:-20] + b"\xff")
    torn.close()
    again = spool(tmp_path)
    assert len(again.pending()) == 1
    assert await again.merge(journal) == 1
    (merged,) = merges(journal)
    assert merged.skipped[0] == '{"from the future":1}'
    assert merged.skipped[1].startswith(
        '{"put_at":"2026-03-28T22:30:00.000000Z","number":2,"console":"here","stream":"shift:1"'
    )
    assert merged.skipped[1].endswith("\\xff")


def test_files_are_private(tmp_path):
    before = os.umask(0)
    try:
        made = spool(tmp_path / "spool")
        made.put(append("shift:1", None, note("a")))
        assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(made.where).stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_the_next_folder_is_tried_and_memory_last(tmp_path):
    (tmp_path / "in the way").touch()
    there = spool(tmp_path / "in the way", tmp_path / "second")
    there.put(append("shift:1", None, note("a")))
    assert Path(there.where).parent == tmp_path / "second"
    nowhere = spool(tmp_path / "in the way", tmp_path / "in the way" / "too")
    nowhere.put(append("shift:1", None, note("a")))
    assert nowhere.where == MEMORY == "memory only"
    assert len(nowhere.pending()) == 1
    (tmp_path / "in the way").unlink()
    nowhere.put(append("shift:1", None, note("b")))  # what was in memory only is brought along
    assert Path(nowhere.where).read_bytes().count(b"\n") == 2


def test_a_disk_that_fails_halfway_leaves_no_half_line(tmp_path, monkeypatch):
    made = spool(tmp_path / "one", tmp_path / "two")
    made.put(append("shift:1", None, note("a")))
    first = Path(made.where)
    whole = first.read_bytes()
    write = os.write

    def full(handle, data):
        if os.readlink(f"/proc/self/fd/{handle}") == str(first):
            if len(data) < 20:
                raise OSError(28, "No space left on device")
            return write(handle, data[:-10])
        return write(handle, data)

    monkeypatch.setattr(os, "write", full)
    made.put(append("shift:1", None, note("b")))
    assert first.read_bytes() == whole
    assert Path(made.where) != first
    made.close()
    assert [item.events[0].payload.text for item in spool(tmp_path / "one", tmp_path / "two").pending()] == ["a", "b"]


def test_a_living_process_keeps_its_file_and_a_dead_ones_is_taken_over(tmp_path):
    script = (
        "import sys; from pathlib import Path; from tests.journal.test_spool import *\n"
        "made = spool(Path(sys.argv[1])); made.put(append('shift:1', None, note('a'))); print('put', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout.readline() == "put\n"
        assert spool(tmp_path).pending() == []
        process.kill()
        process.wait()
        assert len(spool(tmp_path).pending()) == 1


def test_another_journals_events_and_other_peoples_files_are_left_alone(tmp_path):
    other = spool(tmp_path, journal="/tmp/drill.db")
    other.put(append("shift:1", None, note("a")))
    path = Path(other.where)
    other.close()
    assert spool(tmp_path).pending() == []
    path.chmod(0o660)
    assert spool(tmp_path, journal="/tmp/drill.db").pending() == []
    path.chmod(0o600)
    assert len(spool(tmp_path, journal="/tmp/drill.db").pending()) == 1


def test_what_no_journal_would_take_is_refused_at_once(tmp_path):
    made = spool(tmp_path)
    with pytest.raises(Unrecordable):
        made.put(append("shift:1", None, note("\ud800")))
    assert made.pending() == []


async def test_two_consoles_that_merge_the_same_events_record_them_once(tmp_path):
    journals = [SqliteJournal(tmp_path / "journal.db", SetClock(), console=name) for name in "ab"]
    spools = [spool(tmp_path / name) for name in "ab"]
    for waiting in spools:
        waiting.put(append("shift:1", None, note("a", "same id")))
    assert [await waiting.merge(journal) for waiting, journal in zip(spools, journals, strict=True)] == [1, 0]
    assert texts(journals[0]) == ["a"]
    for journal in journals:
        await journal.close()


def test_what_others_hold_can_be_read_and_stays_theirs(tmp_path):
    folder = tmp_path / "spool"
    living, gone = spool(folder, console="living"), spool(folder, console="gone")
    looks = spool(folder, console="looks")
    living.put(append("run:1", 3, note("a")))
    gone.put(append("run:1", 4, note("b")))
    gone.close()
    with Path(living.where).open("ab") as file:
        file.write(b'{"put_at": "cut o')
    found = looks.others()
    assert sorted(item.events[0].payload.text for item in found) == ["a", "b"], "at one instant there is no order"
    assert [item.actor for item in found] == [ALICE, ALICE]
    assert looks.pending() == []
    looks.look()
    assert [item.events[0].payload.text for item in looks.pending()] == ["b"]
    assert [item.events[0].payload.text for item in looks.others()] == ["a"], "what is ours is no other's"
    Path(living.where).chmod(0o644)
    assert looks.others() == [], "others could put words into our mouth"
    assert spool(tmp_path / "nowhere").others() == []
