"""A disk that takes nothing more, in the middle of a rollback: the screen says so, keeps what was typed, and goes on
after a typed confirmation; once the disk is well again, the record is whole."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess

import pytest

from tests.servers import in_ci, wait_until
from tests.tty.site import Site
from tests.tty.terminal import Terminal

pytestmark = pytest.mark.tty

STEPS = ("Alert all teams", "Disable the flag", "Drain in-flight", "Verify the legacy", "Clear", "Restore", "Validate")
IDS = (
    "alert-teams",
    "disable-flag",
    "drain-in-flight",
    "verify-legacy",
    "clear-state",
    "restore-consistency",
    "validate",
)


def unavailable(reason):
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def mount(disk, *options):
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "oncall-test", str(disk)]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """A folder that can be filled or locked: a disk of 1 MiB for whoever may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir(mode=0o700)
    mounted = os.geteuid() == 0 and mount(folder, "size=1m")
    if os.geteuid() == 0 and not mounted:
        unavailable("root may write everywhere, and may not mount a disk of its own here")
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def full(folder, pid):
    """No room on the disk; for whoever may not mount one, no file of the program may grow."""
    if os.geteuid() != 0:
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        yield
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        return
    with (folder / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"x" * 1024):
            pass
    yield
    (folder / "ballast").unlink()


@contextlib.contextmanager
def read_only(folder):
    if os.geteuid() == 0:
        assert mount(folder, "remount", "ro")
        yield
        assert mount(folder, "remount", "rw")
    else:
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)


@contextlib.contextmanager
def unsynced(folder, pid, *paths):
    """Every fsync fails, or those of some files."""
    strace = shutil.which("strace")
    if strace is None:
        unavailable("no strace: make servers, or apt-get install strace")
    only = [option for path in paths for option in ("-P", str(path))]
    options = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO", *only]
    log = folder / "strace.txt"
    with (
        log.open("wb") as output,
        subprocess.Popen([strace, "-f", "-o", os.devnull, *options, "-p", str(pid)], stderr=output) as tracer,
    ):
        try:
            wait_until(lambda: tracer.poll() is not None or b"attached" in log.read_bytes(), what="strace")
            if tracer.poll() is not None:
                unavailable(f"strace may not attach: {log.read_text()}")
            yield
        finally:
            tracer.send_signal(signal.SIGINT)


def begin(site):
    """An incident and an emergency rollback under way. The incident's label."""
    incident = site.json("incident", "declare", "elicitation hangs", "--severity", "SEV1")["incident"]["label"]
    site.run("run", "start", "emergency-rollback", "--incident", incident)
    return incident


def answer(terminal, place):
    """Fills in the form of a step, as an operator does whose sources are all out of reach."""
    terminal.press("c")
    terminal.wait_for("What did you observe?", STEPS[place])
    shown = terminal.text
    terminal.fill("What did you observe?", f"observed {IDS[place]}")
    if "To confirm, type:" in shown:
        terminal.fill("To confirm, type:", "CLEAR lighthouse/production")
    if "BREAK THE GLASS" in shown:
        terminal.fill("BREAK THE GLASS", "nobody else is awake")
    if "cannot be shown:" in shown:
        terminal.fill("cannot be shown:", "blind: nothing can be read")
    terminal.press("enter")
    if "irreversibly" in shown:
        terminal.press("enter")
    return f"observed {IDS[place]}"


def roll_back_unsaved(terminal, where, steps=7):
    """The steps of the rollback, each confirmed by what must be typed."""
    terminal.press("3")
    terminal.wait_for("STEP 2 of 7")
    terminal.press("g")
    terminal.wait_for("STEP 1 of 7")
    for place in range(steps):
        kept = answer(terminal, place)
        shown = terminal.wait_for("NOT SAVED: ", "what you wrote is kept here", kept)
        assert "To go on without a saved record, type NOT SAVED" in " ".join(shown.replace("│", " ").split())
        terminal.type("NOT SAVED")
        terminal.press("enter")
        terminal.wait_for("What did you observe?", gone=True)
        terminal.wait_for("NOT SAVED in the journal", where)
        if place == 0:
            terminal.press("j")
        if place + 1 < len(STEPS):
            terminal.wait_for(f"STEP {place + 2} of 7")


def healed(terminal, steps=7):
    """The bars go once the engine has merged what waited. A run that is not through is asked about."""
    terminal.wait_for("NOT SAVED", gone=True)
    terminal.press("ctrl+q")
    if steps < len(STEPS):
        terminal.wait_for(re.compile(r"RUN-\d+ is running").search, "Leave; ")
        terminal.press("2")
    assert terminal.wait_end() == 0


def check_record(site, steps=7):
    """Every fact is there, once, in order, and the chain holds."""
    assert site.json("log", "verify")["ok"]
    events = [json.loads(line) for line in site.run("log", "export").splitlines()]
    kinds = [event["kind"] for event in events]
    done = [json.loads(event["payload"]) for event in events if event["kind"] == "run.step_completed"]
    assert [(it["step"], it["observed"]) for it in done] == [(id_, f"observed {id_}") for id_ in IDS[:steps]]
    assert "journal.spool_merged" in kinds
    assert kinds.count("run.finished") == (steps == len(STEPS))
    assert "note.added" not in kinds
    assert len({event["id"] for event in events}) == len(events)


def test_03_a_rollback_goes_on_while_the_disk_is_full(tmp_path, disk):
    site = Site(tmp_path, journal=disk / "record" / "journal.db")
    incident = begin(site)
    with Terminal(site.oncall(), columns=100, rows=30) as terminal:
        terminal.wait_for("ALERTS", "engine: here", incident)
        with full(disk, terminal.pid):
            terminal.press("+")
            terminal.wait_for("What happened, was seen")
            terminal.type("customers report timeouts")
            terminal.press("enter", "enter", "enter")
            terminal.wait_for("NOT SAVED: ", "what you wrote is kept here", "customers report timeouts")
            terminal.press("esc")
            terminal.wait_for("What happened, was seen", gone=True)
            terminal.wait_for("NOT SAVED: journal")
            roll_back_unsaved(terminal, "/")
            assert b"run.step_completed" not in site.run("--read-only", "log", "export")
        healed(terminal)
    check_record(site)


def test_03_a_rollback_goes_on_where_nothing_may_be_written(tmp_path, disk):
    site = Site(tmp_path, journal=disk / "journal.db")
    incident = begin(site)
    with contextlib.ExitStack() as stack:
        with read_only(disk):
            terminal = stack.enter_context(Terminal(site.oncall(), columns=80, rows=24))
            terminal.wait_for("NOT SAVED: journal", "ESCALATION NOT RUNNING", incident)
            roll_back_unsaved(terminal, "/")
        healed(terminal)
    check_record(site)


def test_what_waits_in_memory_is_saved_once_the_disk_syncs_again(tmp_path):
    site = Site(tmp_path)
    incident = begin(site)
    with Terminal(site.oncall(), columns=80, rows=24) as terminal:
        terminal.wait_for("ALERTS", "engine", incident)
        with unsynced(tmp_path, terminal.pid):
            roll_back_unsaved(terminal, "memory only", 2)
        healed(terminal, 2)
    check_record(site, 2)


def test_what_waits_in_a_file_outlives_the_program(tmp_path):
    site = Site(tmp_path)
    incident = begin(site)
    with Terminal(site.oncall(), columns=160, rows=30) as terminal:
        terminal.wait_for("ALERTS", "engine", incident)
        with unsynced(tmp_path, terminal.pid, site.journal, f"{site.journal}-wal"):
            roll_back_unsaved(terminal, "spool-", 2)
            terminal.kill()
    assert list(site.journal.parent.glob("spool-*.jsonl"))
    with Terminal(site.oncall(), columns=80, rows=24) as terminal:
        terminal.wait_for("ALERTS", incident)
        healed(terminal, 2)
    assert not list(site.journal.parent.glob("spool-*.jsonl"))
    check_record(site, 2)
