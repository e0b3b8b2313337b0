"""What was acknowledged is there, whatever happened to the process or the disk."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.journal.sqlite import SqliteJournal
from console.journal.verify import verify
from console.ports import NotSaved
from tests.journal.tools import SetClock, notes

ROOT = Path(__file__).parents[2]
APPENDER = [sys.executable, "-m", "tests.journal.appender"]
KILLS = 200
SEED = int(os.environ.get("ONCALL_TEST_SEED", "20260328"))


def strace() -> str:
    """Where strace is; else the test skips, or fails where CI promises the tools."""
    found = shutil.which("strace") or shutil.which("strace", path=ROOT / ".servers" / "strace")
    if found is None:
        lacking = "no strace: make servers, or apt-get install strace"
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)
    return found


def hashes(path: Path) -> dict[int, str]:
    """The record's hashes by seq, after checking all of it."""
    journal = SqliteJournal(path, SetClock(), console="here", read_only=True)
    try:
        result = verify(journal)
        assert result.ok, result
        found = {}
        while rows := journal.rows(len(found)):
            found.update((row.seq, row.hash) for row in rows)
        return found
    finally:
        journal._close_reader()


def test_01_nothing_acknowledged_is_lost_at_200_kills(tmp_path):
    path, draw = tmp_path / "journal.db", random.Random(SEED)
    acknowledged: dict[int, str] = {}
    print(f"seed {SEED}")
    with subprocess.Popen(
        [*APPENDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:

        def heard(line: str) -> bool:
            """Notes what a line says; whether it was an acknowledgement."""
            word, _, rest = line.strip().partition(" ")
            if word == "open":
                assert int(rest) >= max(acknowledged, default=0), "the record became shorter"
                return False
            seq, _, hash_ = word.partition(":")
            assert acknowledged.setdefault(int(seq), hash_) == hash_, "one seq was acknowledged twice"
            return True

        try:
            for number in range(KILLS):
                after = draw.randrange(25) if number % 5 else -1  # every fifth while the journal is being opened
                spin = draw.random() * 0.004
                print(f"kill {number}: after {after} acknowledgements and {spin * 1e6:.0f} µs")
                process.stdin.write("\n")
                process.stdin.flush()
                victim = int(process.stdout.readline().removeprefix("pid "))
                count = 0
                while count < after:
                    count += heard(process.stdout.readline())
                until = time.perf_counter() + spin
                while time.perf_counter() < until:
                    pass
                os.kill(victim, signal.SIGKILL)
                while (line := process.stdout.readline()) != "dead\n":
                    heard(line)
                if number % 20 == 19:
                    assert acknowledged.items() <= hashes(path).items()
        finally:
            process.stdin.close()
    found = hashes(path)
    print(f"{len(acknowledged)} acknowledged, {len(found)} found")
    assert len(acknowledged) > KILLS
    assert acknowledged.items() <= found.items()


def test_every_acknowledgement_follows_a_sync_of_its_bytes(tmp_path):
    path, trace = tmp_path / "journal.db", tmp_path / "trace"
    subprocess.run(
        [
            strace(),
            "-f",
            "-y",
            "-o",
            str(trace),
            "-e",
            "trace=fsync,fdatasync,write,pwrite64",
            *APPENDER,
            str(path),
            "20",
        ],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,  # a file would do as well; strace shows descriptor 1 either way
    )
    log = re.escape(f"{path}-wal")
    dirty, synced, acknowledged, syncing = False, False, 0, {}
    for line in trace.read_text(errors="replace").splitlines():
        thread, _, call = line.partition(" ")
        call = call.strip()
        if re.match(rf"pwrite64\(\d+<{log}>", call):
            dirty, synced = True, False
        elif re.match(rf"f(data)?sync\(\d+<{log}>", call):
            if "unfinished" in call:
                syncing[thread] = True
            else:
                assert call.endswith("= 0")
                dirty, synced = False, True
        elif re.match(r"<\.\.\. f(data)?sync resumed>", call) and syncing.pop(thread, False):
            assert call.endswith("= 0")
            dirty, synced = False, True
        elif re.match(r'write\(1<.*>, "\d+:', call):
            assert synced, f"acknowledged without a sync: {call}"
            assert not dirty, f"acknowledged before the sync of its bytes: {call}"
            acknowledged, synced = acknowledged + 1, False
    assert acknowledged == 20


def test_a_failing_fsync_is_not_saved_and_later_ones_are(tmp_path):
    path = tmp_path / "journal.db"
    subprocess.run([*APPENDER, str(path), "3"], check=True, cwd=ROOT, stdout=subprocess.PIPE)
    before = hashes(path)
    options = (
        "-f -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO:when=6..12"  # of each thread
    )
    lines = subprocess.run(
        [strace(), *options.split(), *APPENDER, str(path), "30"],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.splitlines()
    failed = [line for line in lines if line.startswith("NOT SAVED")]
    saved = dict(line.split(":") for line in lines if not line.startswith("NOT SAVED"))
    assert len(failed) >= 2
    assert set(failed) == {f"NOT SAVED: journal {path}: the disk refused to make it durable (fsync failed)"}
    assert not lines[-1].startswith("NOT SAVED")
    assert hashes(path) == before | {int(seq): hash_ for seq, hash_ in saved.items()}


FILE_SIZE_LIMIT = """
import asyncio, os, resource, sys
from pathlib import Path
from console.journal.sqlite import SqliteJournal
from console.ports import NotSaved
from tests.journal.tools import SetClock, notes

async def main(path):
    journal = SqliteJournal(path, SetClock(), console="child")
    await journal.append(notes(5))
    before = os.path.getsize(f"{path}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (before + 1000, resource.RLIM_INFINITY))
    for _ in range(3):
        try:
            await journal.append(notes(5))
            sys.exit("saved beyond the limit")
        except NotSaved as error:
            print(error)
            assert journal.writable == str(error)
            assert journal.head().seq == 5
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await journal.append(notes(5))
    assert journal.writable == ""
    await journal.close()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_at_a_file_size_limit_nothing_is_saved_until_it_is_lifted(tmp_path):
    path = tmp_path / "journal.db"
    child = subprocess.run(
        [sys.executable, "-c", FILE_SIZE_LIMIT, str(path)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    assert set(child.stdout.splitlines()) == {
        f"journal {path}: the disk refused a write (input/output error, or a file size limit)"
    }
    assert len(hashes(path)) == 10


def mount(disk: Path, *options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "oncall-test", str(disk)]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 512 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or not mount(disk, "size=512k"):
        pytest.skip("a small tmpfs needs root and the right to mount; the file size limit is tested instead")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def lockable(request, tmp_path):
    """A folder, and a function that makes it read-only or writable again. Root may write where modes forbid it, so for
    root it is a disk of its own."""
    if os.geteuid() == 0:
        disk = request.getfixturevalue("small_disk")
        return disk, lambda locked: mount(disk, "remount", "ro" if locked else "rw")
    return tmp_path, lambda locked: tmp_path.chmod(0o500 if locked else 0o700)


async def test_on_a_full_disk_nothing_is_saved_until_there_is_room(small_disk):
    disk = small_disk
    journal = SqliteJournal(disk / "journal.db", SetClock(), console="here")
    await journal.append(notes(5))
    with (disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"x" * 1024):
            pass
    for _ in range(3):
        with pytest.raises(NotSaved, match="the disk is full"):
            await journal.append(notes(50))
    assert "the disk is full" in journal.writable
    assert len(journal.read()) == 5
    (disk / "ballast").unlink()
    await journal.append(notes(5))
    assert journal.writable == ""
    assert verify(journal).head.seq == 10
    await journal.close()


async def test_a_full_disk_at_the_start_is_no_reason_not_to_start(small_disk):
    disk = small_disk
    with (disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"x" * 1024):
            pass
    journal = SqliteJournal(disk / "journal.db", SetClock(), console="here")
    assert "the disk is full" in journal.writable
    assert journal.read() == []
    with pytest.raises(NotSaved, match="the disk is full"):
        await journal.append(notes(1))
    (disk / "ballast").unlink()
    await journal.append(notes(1))
    assert [item.name for item in disk.iterdir() if item.name.startswith(".")] == []
    await journal.close()


async def test_in_a_read_only_folder_the_record_is_read_and_nothing_saved(lockable):
    folder, lock = lockable
    journal = SqliteJournal(folder / "journal.db", SetClock(), console="here")
    await journal.append(notes(5))
    await journal.close()
    lock(True)
    try:
        journal = SqliteJournal(folder / "journal.db", SetClock(), console="here")
        assert "read-only" in journal.writable
        assert len(journal.read()) == 5
        with pytest.raises(NotSaved, match="read-only"):
            await journal.append(notes(1))
    finally:
        lock(False)
    await journal.append(notes(1))
    assert journal.writable == ""
    assert len(journal.read()) == 6  # the connection of the read-only time sees it too
    await journal.close()
