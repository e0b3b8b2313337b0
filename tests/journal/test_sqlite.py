"""What only the journal in a file does: private files, several consoles, damage, snapshots, disks that come and go."""

import asyncio
import contextlib
import grp
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from console.journal import database
from console.journal.files import make_folder, refuse_network
from console.journal.sqlite import SqliteJournal
from console.journal.verify import verify
from console.model import events as ev
from console.model.state import State, apply
from console.ports import Conflict, JournalUnusable, NotSaved, ReadOnly
from tests.journal.tools import SetClock, append, event, note, notes
from tests.timing import soon


@contextlib.asynccontextmanager
async def opened(path, clock=None, **options):
    journal = SqliteJournal(path, clock or SetClock(), console="here", **options)
    try:
        yield journal
    finally:
        await journal.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "journal.db"


def modes(folder: Path) -> dict[str, int]:
    return {item.name: stat.S_IMODE(item.stat().st_mode) for item in (folder, *folder.iterdir())}


def tamper(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER events_are_not_changed")
        connection.execute("DROP TRIGGER events_are_not_deleted")
        for statement in statements:
            connection.execute(statement)


# -- files ------------------------------------------------------------------------------------------------------------


async def test_all_files_are_private_whatever_the_umask(path):
    before = os.umask(0)
    try:
        async with opened(path) as journal:
            await journal.append(notes(1))
            assert modes(path.parent) == {
                "data": 0o700,
                "journal.db": 0o600,
                "journal.db-wal": 0o600,
                "journal.db-shm": 0o600,
            }
    finally:
        os.umask(before)


async def test_a_group_shares_folder_and_files(path):
    group = grp.getgrgid(os.getgid()).gr_name
    before = os.umask(0o077)
    try:
        async with opened(path, group=group) as journal:
            await journal.append(notes(1))
            assert modes(path.parent) == {
                "data": 0o2770,
                "journal.db": 0o660,
                "journal.db-wal": 0o660,
                "journal.db-shm": 0o660,
            }
    finally:
        os.umask(before)


async def test_a_journal_that_others_could_read_is_tightened(path):
    async with opened(path):
        path.chmod(0o644)
    async with opened(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_not_the_groups_is_refused_with_what_to_do(path):
    path.parent.mkdir(0o755)
    group = grp.getgrgid(os.getgid()).gr_name
    with pytest.raises(JournalUnusable, match=f"chgrp {group} .* && chmod 2770"):
        SqliteJournal(path, SetClock(), console="here", group=group)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    with pytest.raises(JournalUnusable, match="there is no group 'no-such-group'"):
        make_folder(path.parent, "no-such-group")


@pytest.mark.parametrize("kind", ["nfs4", "nfs", "cifs", "smb3", "9p", "fuse.sshfs", "ceph"])
def test_a_network_file_system_is_refused(tmp_path, kind):
    mounts = tmp_path / "mountinfo"
    folder = tmp_path / "with space" / "data"
    escaped = str(tmp_path / "with space").replace(" ", "\\040")
    mounts.write_text(
        "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
        f"23 22 0:50 / {escaped} rw,relatime shared:1 - {kind} server:/export rw\n"
        f"24 22 0:51 / {tmp_path}/with rw - tmpfs none rw\n"
        "a line that makes no sense\n"
    )
    with pytest.raises(JournalUnusable, match=f"network file system \\({kind}\\)"):
        refuse_network(folder, mounts)
    refuse_network(tmp_path / "elsewhere", mounts)
    refuse_network(folder, tmp_path / "no such file")


async def test_an_empty_file_becomes_a_journal(path):
    path.parent.mkdir()
    path.touch()
    async with opened(path) as journal:
        await journal.append(notes(1))


@pytest.mark.parametrize("database_of_others", [False, True])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(path, database_of_others):
    path.parent.mkdir()
    if database_of_others:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE recipes (name)")
    else:
        path.write_text("root:x:0:0::/root:/bin/sh\n" * 200)
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(JournalUnusable, match="is not a journal of this program"):
        SqliteJournal(path, SetClock(), console="here")
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_is_no_regular_file_is_refused_and_left_alone(path):
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(JournalUnusable, match="is no regular file"):
        SqliteJournal(path, SetClock(), console="here")
    assert stat.S_ISFIFO(path.stat().st_mode)


async def test_read_only_makes_nothing_and_writes_nothing(path):
    async with opened(path, read_only=True) as journal:
        assert journal.read() == []
        assert journal.writable == "the journal was opened read-only"
    assert not path.parent.exists()
    async with opened(path) as journal, opened(path, read_only=True) as reader:
        await journal.append(notes(1))
        for refused in (
            reader.append(notes(1)),
            reader.renew("a", 10),
            reader.release("a"),
            reader.save_snapshot(1, State()),
        ):
            with pytest.raises(ReadOnly):
                await refused
        await asyncio.wait_for(reader.changed(0), 30)
        assert len(reader.read()) == 1


async def test_a_newer_schema_opens_read_only_with_one_line(path):
    async with opened(path) as journal:
        await journal.append(notes(2))
    tamper(path, "UPDATE meta SET value = '2' WHERE key = 'schema'")
    async with opened(path) as journal:
        assert "has schema 2, this program knows 1: opened read-only" in journal.writable
        assert len(journal.read()) == 2
        with pytest.raises(ReadOnly, match="schema 2"):
            await journal.append(notes(1))


async def test_events_cannot_be_changed_by_accident(path):
    async with opened(path) as journal:
        await journal.append(notes(1))
        with contextlib.closing(sqlite3.connect(path)) as connection:
            for statement in ("UPDATE events SET actor = 'eve'", "DELETE FROM events"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    connection.execute(statement)


# -- several consoles -------------------------------------------------------------------------------------------------


async def test_consoles_on_one_file_share_one_record(path):
    async with opened(path) as one, opened(path) as other:
        await one.append([append("shift:1", 0, note("a"))])
        with pytest.raises(Conflict):
            await other.append([append("shift:1", 0, note("b"))])
        await other.append([append("shift:1", 1, note("b"))])
        assert one.read() == other.read()
        await one.renew("one", 10)
        assert (await other.renew("other", 10)).holder == "one"
        assert verify(one, other.head()).ok


OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from console.journal.sqlite import SqliteJournal
from tests.journal.tools import SetClock, append, note

async def main(path, name, count):
    journal = SqliteJournal(Path(path), SetClock(), console=name)
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(count):
        await journal.append([append("shift:1", None, note(str(number), f"{name}-{number}"))])
    await journal.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def other_process(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(path), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


async def test_another_process_is_seen_within_a_second(path):
    async with opened(path) as journal:
        with other_process(path, "other", 1) as process:
            await asyncio.to_thread(process.stdout.readline)
            waiting = asyncio.create_task(journal.changed(0))
            await asyncio.sleep(0)
            process.stdin.write("go\n")
            process.stdin.flush()
            committed = asyncio.to_thread(process.wait)
            await asyncio.wait_for(waiting, 60)
            assert [item.console for item in journal.read()] == ["other"]
            assert await committed == 0
        clock = asyncio.get_running_loop()
        async with asyncio.timeout(60), opened(path) as second:

            async def seen() -> float:
                waiting = asyncio.create_task(journal.changed(journal.head().seq))
                await second.append(notes(1))
                saved_at = clock.time()
                await waiting
                return clock.time() - saved_at

            await soon(1.0, seen)


def test_processes_that_start_and_write_together_make_one_whole_chain(path):
    """Nobody finds half a journal, no append is lost, none fails for another's lock."""
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(other_process(path, f"p{number}", 40)) for number in range(4)]
        for process in processes:
            assert process.stdout.readline() == "open\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait() for process in processes] == [0] * 4
    journal = SqliteJournal(path, SetClock(), console="here", read_only=True)
    assert journal.writable == "the journal was opened read-only"
    result = verify(journal)
    assert (result.ok, result.head.seq) == (True, 160)
    asyncio.run(journal.close())


# -- damage -----------------------------------------------------------------------------------------------------------


async def test_a_payload_that_became_text_is_named(path):
    async with opened(path) as journal:
        await journal.append(notes(10))
    tamper(path, "UPDATE events SET payload = replace(payload, 'note 4', 'note 5') WHERE seq = 5")
    async with opened(path) as journal:
        with pytest.raises(JournalUnusable, match="event 5 was changed: its payload"):
            journal.read()


async def test_a_changed_tail_opens_read_only(path):
    async with opened(path) as journal:
        await journal.append(notes(10))
    tamper(path, "UPDATE events SET payload = CAST(replace(payload, 'note 4', 'note 5') AS BLOB)")
    async with opened(path) as journal:
        assert "event 5: it was changed" in journal.writable
        with pytest.raises(ReadOnly):
            await journal.append(notes(1))
        assert len(journal.read()) == 10


async def test_only_the_tail_is_read_at_opening(path):
    async with opened(path) as journal:
        await journal.append(notes(1_500))
    tamper(path, "UPDATE events SET actor = 'eve' WHERE seq = 100")
    async with opened(path) as journal:
        assert journal.writable == ""
        assert verify(journal).bad_seq == 100


async def with_snapshot(path):
    """A journal of 20 events with a snapshot at 15."""
    state = State()
    async with opened(path) as journal:
        for recorded in await journal.append([append("shift:1", 0, event(ev.ShiftBegan("alice")), *map(note, "abcd"))]):
            apply(state, recorded)
        for recorded in await journal.append(notes(10)):
            apply(state, recorded)
        await journal.save_snapshot(15, state)
        await journal.append(notes(5))
    return state


async def test_a_snapshot_outlives_the_process(path):
    state = await with_snapshot(path)
    async with opened(path) as journal:
        assert journal.load_snapshot() == (15, state)
        assert journal.writable == ""


@pytest.mark.parametrize(
    "damage",
    [
        "bytes = substr(bytes, 2)",
        "bytes = CAST(replace(bytes, 'alice', 'malice') AS BLOB)",
        "bytes = 'text'",
        "digest = 'x'",
        "content = 'x'",
        "hash = 'x'",
        "seq = 3",
        "seq = 99",
        "fold_version = fold_version + 1",
        "fold_version = 'x'",
    ],
)
async def test_a_damaged_snapshot_is_forgotten_and_nothing_else(path, damage):
    await with_snapshot(path)
    tamper(path, f"UPDATE snapshot SET {damage}")
    async with opened(path) as journal:
        assert journal.load_snapshot() is None
        assert journal.writable == ""
        await journal.append(notes(1))


async def test_a_snapshot_of_another_fold_is_forgotten_but_still_an_anchor(path, monkeypatch):
    await with_snapshot(path)
    monkeypatch.setattr("console.journal.snapshots.FOLD_VERSION", 999)
    async with opened(path) as journal:
        assert journal.load_snapshot() is None
        assert journal.writable == ""


async def test_a_record_cut_before_its_snapshot_is_noticed_at_opening(path):
    await with_snapshot(path)
    tamper(path, "DELETE FROM events WHERE seq > 12")
    async with opened(path) as journal:
        assert "event 13: missing: the record ends at 12" in journal.writable


async def test_a_record_rewritten_before_its_snapshot_is_noticed_at_opening(path, tmp_path):
    await with_snapshot(path)
    async with opened(tmp_path / "forged.db") as forged:
        await forged.append(notes(20))
    tamper(
        path,
        f"ATTACH '{tmp_path / 'forged.db'}' AS f",
        "DELETE FROM events",
        "INSERT INTO events SELECT * FROM f.events",
    )
    async with opened(path) as journal:
        assert "event 15: its hash is" in journal.writable
        assert "the record was rewritten" in journal.writable


async def test_a_journal_that_takes_the_place_of_an_empty_file_meanwhile_is_not_removed(path, monkeypatch):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    aside, rename = path.with_name("other.db"), os.rename
    async with opened(aside) as other:
        await other.append(notes(3))

    def another_is_faster(source, target):
        os.replace(aside, path)
        rename(source, target)

    monkeypatch.setattr(database.os, "rename", another_is_faster)
    async with opened(path) as journal:
        assert len(journal.read()) == 3


# -- disks that come and go; more in test_durability ----------------------------------------------------------------


async def test_a_lock_that_is_held_too_long_is_not_saved_and_then_saved(path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    async with opened(path) as journal:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(NotSaved, match="locked"):
                await journal.append(notes(1))
            assert "locked" in journal.writable
            other.execute("ROLLBACK")
        await journal.append(notes(1))
        assert journal.writable == ""
        assert journal.head().seq == 1


async def test_a_folder_that_cannot_be_made_is_tried_again_with_every_append(path):
    path.parent.parent.joinpath("data").write_text("in the way")
    async with opened(path) as journal:
        assert journal.writable.startswith(f"journal {path}: ")
        assert journal.read() == []
        assert journal.lease() is None
        with pytest.raises(NotSaved) as failed:
            await journal.append(notes(1))
        assert "\n" not in str(failed.value)
        path.parent.unlink()
        await journal.append(notes(1))
        assert journal.writable == ""
        assert journal.head().seq == 1


async def test_a_journal_that_was_moved_away_saves_nothing_elsewhere(path):
    async with opened(path) as journal:
        await journal.append(notes(1))
        path.rename(path.with_name("moved.db"))
        with pytest.raises(NotSaved):
            await journal.append(notes(1))
        async with opened(path):  # another console starts, and makes a new one
            with pytest.raises(NotSaved, match="replaced while open"):
                await journal.append(notes(1))


async def test_after_closing_nothing_is_saved(path):
    async with opened(path) as journal:
        pass
    with pytest.raises(NotSaved, match="closed"):
        await journal.append(notes(1))


async def test_closing_finishes_what_was_begun(path):
    async with opened(path) as journal:
        tasks = [asyncio.create_task(journal.append(notes(1))) for _ in range(50)]
        await asyncio.sleep(0)
    assert [len(await task) for task in tasks] == [1] * 50


async def test_a_cancelled_append_leaves_the_others_alone(path):
    async with opened(path) as journal:
        tasks = [asyncio.create_task(journal.append(notes(1))) for _ in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 9
        assert verify(journal).ok


async def test_waiting_is_over_when_cancelled(path):
    async with opened(path) as journal:
        waiting = asyncio.create_task(journal.changed(0))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert journal._writer._waiters == []


async def test_the_payload_lies_there_as_it_was_hashed(path):
    async with opened(path) as journal:
        await journal.append([append("shift:1", 0, note("größer"))])
        (row,) = journal.rows()
    assert json.loads(row.payload) == {"text": "größer", "step": ""}
    assert "größer".encode() in row.payload
