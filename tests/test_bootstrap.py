"""The composition root: who acts, where the record lies, what a demo is made of, and what a front end gets."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from console.bootstrap import Demo, Options, common, demo, demo_folder, headless, live, play
from console.bootstrap.plain import follow, once, teller
from console.bootstrap.screen import run_screen
from console.model.people import Actor, Person
from console.settings.config import Config
from console.settings.load import init

PEOPLE = (Person("Alice Moreau", "alice"), Person("bob", "bob"))


@pytest.mark.parametrize(
    ("claimed", "environ", "login", "expected"),
    [
        ("", {}, "alice", Actor("alice", "alice")),
        ("Alice Moreau", {}, "alice", Actor("alice", "alice")),  # her own name in people.yaml: not self-declared
        ("Alice Moreau", {}, "bob", Actor("alice", "bob")),
        ("", {}, "mallory", Actor("mallory", "mallory")),  # nobody there: the login
        ("", {"ONCALL_OPERATOR": "bob"}, "alice", Actor("bob", "alice")),
        ("carol", {"ONCALL_OPERATOR": "bob"}, "alice", Actor("carol", "alice")),
        ("", {"LOGNAME": "root", "USER": "root"}, "bob", Actor("bob", "bob")),  # anybody may set those
        ("  eve\x1b[31m \n", {}, "bob", Actor("eve�[31m", "bob")),
    ],
)
def test_who_acts(monkeypatch, claimed, environ, login, expected):
    monkeypatch.setattr(common, "login", lambda: login)

    assert common.actor(claimed, PEOPLE, environ) == expected


def test_the_login_is_the_effective_users(monkeypatch):
    monkeypatch.setenv("LOGNAME", "mallory")
    import pwd

    assert common.login() == pwd.getpwuid(os.geteuid()).pw_name


def test_where_the_record_lies(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    config = Config(tmp_path, (), (), (), None, (), (), journal=Path("/var/lib/oncall/journal.db"))

    assert common.journal_path(Options(journal="/x/y.db"), config) == Path("/x/y.db")
    assert common.journal_path(Options(), config) == config.journal
    assert common.journal_path(Options()) == tmp_path / "oncall" / "journal.db"


def test_a_demo_never_imports_what_could_reach_the_world():
    script = """
import sys
sys.argv = ["oncall", "demo", "--headless", "--for", "1m"]
from console.__main__ import main
try:
    main()
except SystemExit:
    pass
bad = [name for name in sys.modules if name.split(".")[0] in ("httpx", "pdpyras", "requests", "textual")]
bad += [name for name in sys.modules if name.startswith("console.integrations.") and "simulated" not in name]
assert not bad, bad
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)


async def test_a_headless_demo_needs_no_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    board = await play(headless(Options(), Demo()), timedelta(minutes=1))

    assert board.mode == "demo"
    assert board.flags == "simulated flags"
    assert list(tmp_path.iterdir()) == []


async def test_a_live_demo_keeps_its_record_in_a_private_folder_that_vanishes():
    with demo_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        simulation = demo(Options(), Demo(), folder)
        board = await once(simulation.console)
        assert (folder / "journal.db").exists()
        assert {source.state.value for source in board.sources} == {"ok"}
    assert not folder.exists()


def test_a_signal_ends_a_demo_without_a_trace(tmp_path):
    command = [sys.executable, "-m", "console", "--plain", "demo"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as running:
        assert b"demo lighthouse/demo" in running.stdout.readline()
        running.terminate()
        _, errors = running.communicate(timeout=100)

    assert (running.returncode, errors) == (143, b"")
    assert list(tmp_path.iterdir()) == []


async def test_following_tells_each_change_once():
    """In driven time: on a busy machine a source of a live demo is stale for a while, and that is told, too."""
    told: list[str] = []
    simulation = headless(Options(), Demo())
    console, clock = simulation.console, simulation.clock
    following = asyncio.create_task(follow(console, teller(lambda _, line: told.append(line))), name="following")
    changed = asyncio.Event()
    console.subscribe(lambda _: changed.set())
    while not console.clock_tasks:  # until it has started
        changed.clear()
        await changed.wait()
    await clock.run(clock.now() + timedelta(minutes=15), lambda: console.clock_tasks)
    assert not following.done()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await following == 143

    assert sum("source prometheus: ok" in line for line in told) == 1
    assert sum(line.startswith("alert P99LatencyHigh") for line in told) >= 1
    assert sum("guardrail p99: critical" in line for line in told) == 1
    assert told[0].startswith("engine: ")


def test_without_a_terminal_there_is_one_report(capsys):
    with demo_folder() as folder:
        code = run_screen(lambda _: ((made := demo(Options(), Demo(), folder)).console, made.clock), Options())

    assert code == 0
    shown = capsys.readouterr()
    assert "DEMO" in shown.out.splitlines()[0]
    assert "\x1b" not in shown.out
    assert shown.err == ""


async def test_live_console_of_the_example_shows_dead_sources(tmp_path):
    init(tmp_path / "config")
    text = (tmp_path / "config" / "console.yaml").read_text()
    for port in (9090, 9093, *range(8101, 8105)):
        text = text.replace(f"127.0.0.1:{port}", "127.0.0.1:1")
    (tmp_path / "config" / "console.yaml").write_text(text)
    options = Options(config=str(tmp_path / "config"), journal=str(tmp_path / "journal.db"), read_only=True)

    board = await once(live(options))

    assert [source.name for source in board.blind_spots] == ["prometheus", "alertmanager", "grafana", "pagerduty"]
    assert not any(row.up.value for row in board.health)
    assert not (tmp_path / "journal.db").exists()


def test_no_configured_secret_is_shown_in_what_a_program_writes(tmp_path, monkeypatch):
    from console.bootstrap import outside
    from console.engine.clocks import SystemClock
    from console.model.playbook import Program
    from console.settings.load import load

    init(tmp_path / "config")
    text = (tmp_path / "config" / "console.yaml").read_text()
    wanted = {part for line in text.splitlines() if not line.strip().startswith("#") for part in line.split("env:")[1:]}
    names = {part.split()[0] for part in wanted}
    assert len(names) >= 5
    config = load(tmp_path / "config")
    assert {ref.name for ref in outside.secrets_in(config.environments)} == names
    for name in names:
        monkeypatch.setenv(name, f"https-canary-{name}")
    (tmp_path / "config").chmod(0o700)
    programs = outside.programs_of(config, SystemClock())
    said = " ".join(f"https-canary-{name}" for name in sorted(names))
    ended = programs.run(Program(("echo", said)), lambda _: None, threading.Event())
    assert ended.output == " ".join("***" for _ in names)
