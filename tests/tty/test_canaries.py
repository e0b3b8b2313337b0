"""Every secret of the configuration is a canary: none sings in what a console draws, writes, exports or says, whatever
its servers answer and wherever it fails. Numbers are those of the study."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from console.cli.exits import FAULT
from tests.fakes.door import echo
from tests.fakes.outside import Outside, Sink
from tests.fakes.pagerduty import TOKEN
from tests.servers import REPO
from tests.tty.terminal import Terminal

pytestmark = pytest.mark.tty

KEPT = "webhook-token"
"""The one file that holds a secret."""
COMMANDS = (
    "check",
    "check --json",
    "status --json",
    "incident export {}",
    "incident export {} --json",
    "incident report {}",
    "handoff draft",
    "outbox ls --json",
    "who --ask",
    "alerts ls",
    "silence ls",
    "log export",
    "log tail --json",
    "--plain --read-only status",
)


@pytest.fixture
def outside(tmp_path):
    with Outside(tmp_path / "outside") as running:
        yield running


def variables(outside: Outside, folder: Path) -> dict[str, str]:
    """Of a console with a home of its own."""
    names = ("CACHE", "CONFIG", "DATA", "STATE")
    return outside.secrets | {"HOME": str(folder)} | {f"XDG_{name}_HOME": str(folder / name) for name in names}


def singing(outside: Outside, *places: bytes | Path) -> dict[str, str]:
    """The canaries that are found, with where; of a folder all files are searched."""
    found = {}
    for place in places:
        files = [item for item in place.rglob("*") if item.is_file()] if isinstance(place, Path) else []
        parts = [(str(file), file.read_bytes()) for file in files if file.name != KEPT] or [("bytes", place)]
        for name, data in parts:
            found |= {
                canary: name for canary in outside.canaries if isinstance(data, bytes) and canary.encode() in data
            }
    return found


def test_43_44_no_secret_is_in_anything_that_is_left(outside, tmp_path):
    """All servers say back whatever they get: the path, the key, the body."""
    server, home = Sink(), tmp_path / "home"
    home.mkdir()
    server.behave = echo(500, "you said")
    outside.slack.behave = echo(403, "you said")
    outside.webhook.behave = echo(500, "you said")
    outside.configure(server.url, [server.url], pagerduty=server.url)
    env = variables(outside, home)
    processes = b""
    try:
        with Terminal(outside.oncall(), columns=160, rows=45, env=env, cwd=str(home)) as console:
            console.wait_for("engine: here", "answers 500")
            console.press("D")
            console.wait_for("Title: what people notice", "Declare on lighthouse")
            console.fill("Title: what people notice", "Everything answers wrongly")
            console.click("Declare on lighthouse")
            console.wait_for("Start a playbook?")
            console.press("q")
            console.press("8")
            console.wait_for("OUTBOX", "slack.incidents", "answers 403")
            processes = Path(f"/proc/{console.pid}/cmdline").read_bytes()
            console.press("4")
            console.wait_for("Nobody is on shift")
            console.press("b")
            console.wait_for("alice on shift")
            console.press(":")
            console.wait_for("All actions")
            console.type("Save a picture")
            console.wait_for("Write the screen to an SVG file")
            console.press("enter")
            console.wait_for("The picture is in")
            assert [*home.glob("*.svg")]
            console.signal(signal.SIGTERM)
            assert console.wait_end() == 128 + signal.SIGTERM
            raw = bytes(console.raw)

        def said(command: str) -> bytes:
            line = outside.oncall(*command.format("INC-2").split())
            done = subprocess.run(line, env=os.environ | env, cwd=REPO, capture_output=True, timeout=60)
            assert done.returncode != FAULT, (command, done)
            assert done.stdout + done.stderr, command
            return done.stdout + done.stderr

        with ThreadPoolExecutor(2) as pool:
            texts = dict(zip(COMMANDS, pool.map(said, COMMANDS), strict=True))
    finally:
        server.close()
    assert any(TOKEN in request.headers.get("authorization", "") for request in server.requests), "they were sent"
    assert any("canary-slack" in request.target for request in outside.slack.requests)
    assert b"you said" in texts["check"], "and came back"
    assert b"***" in texts["check"]
    assert singing(outside, raw, processes, *texts.values(), tmp_path) == {}
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in outside.journal.parent.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes
    assert outside.journal.parent.stat().st_mode & 0o777 == 0o700


WORKERS = (
    "prometheus.source.Prometheus.read",
    "prometheus.source.Prometheus.read_range",
    "alertmanager.alerts.Alertmanager.read",
    "alertmanager.silences.AlertmanagerSilences.read",
    "pagerduty.PagerDutyApi.read",
    "pagerduty.channel.PagerDutyChannel.deliver",
    "slack.Slack.deliver",
    "webhook.Webhook.deliver",
    "mail.Mail.deliver",
)
"""What runs in a thread while it knows a secret."""

FAULTY = """
    import os, sys
    from importlib import import_module
    from console.cli.main import run

    def fails(*arguments, **options):
        held = [text for name, text in os.environ.items() if "canary" in text]
        raise RuntimeError("broken on purpose with " + ", ".join(held))

    for place in {places!r}:
        module, kind, name = place.rsplit(".", 2)
        setattr(getattr(import_module("console.integrations." + module), kind), name, fails)

    import console.view.sources as module
    rows = module.lines

    def drawn(*arguments, **options):
        held = [text for name, text in os.environ.items() if "canary" in text]
        if os.path.exists({signal!r}):
            raise LookupError("broken on purpose")
        return rows(*arguments, **options)

    module.lines = drawn
    sys.exit(run({arguments!r}))
"""


def test_42_what_breaks_with_secrets_in_hand_drops_none(outside, tmp_path):
    home, program, crash = tmp_path / "home", tmp_path / "faulty.py", tmp_path / "crash"
    home.mkdir()
    outside.configure("http://127.0.0.1:1", ["http://127.0.0.1:1"])
    env = variables(outside, home) | {"PYTHONPATH": str(REPO)}
    text = FAULTY.format(places=WORKERS, signal=str(crash), arguments=outside.oncall()[3:])
    program.write_text(textwrap.dedent(text))
    with Terminal([sys.executable, str(program)], columns=160, rows=45, env=env, cwd=str(REPO)) as console:
        faults = [f"fault in the {name} source" for name in ("prometheus", "am-1", "pagerduty")]
        console.wait_for("engine: here", *faults)
        line = outside.oncall("incident", "declare", "Broken inside", "--severity", "SEV4")
        subprocess.run(line, env=os.environ | env, cwd=REPO, check=True, capture_output=True, timeout=30)
        console.press("8")
        channels = ("pagerduty", "slack.incidents", "email", "webhook.status")
        console.wait_for(*(f"fault in {name}: RuntimeError" for name in channels))
        crash.touch()
        console.press("1")
        assert console.wait_end() == FAULT
        raw = bytes(console.raw)
    after = raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "oncall stopped: LookupError; see " in " ".join(after.split())
    [log] = tmp_path.rglob("oncall.log")
    assert "broken on purpose" in log.read_text()
    assert singing(outside, raw, tmp_path) == {}
