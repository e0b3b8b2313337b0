"""A console that is killed while a program of a playbook runs: nothing of it is left running, and what came of it is
shown as unknown, and not repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.servers import REPO, wait_until
from tests.tty.site import Site
from tests.tty.terminal import Terminal

pytestmark = [pytest.mark.tty]

PLAYBOOK = """\
apiVersion: oncall/v1
kind: Playbook
name: restart-bridge
title: Restart the bridge
severities: SEV1-SEV4
owner: lighthouse team
reviewed: 2026-11-21
steps:
  - id: restart
    title: Restart it
    kind: command
    command: [sh, -c, "echo begun; (setsid sleep MARK &) ; trap '' TERM; sleep MARK; sleep MARK"]
    timeout: 10m
    timebox: 10m
    challenge: Restart the bridge.
    response: The bridge is up, and says its version
    on_failure: {tries: 3, back_off: 1s}
"""


def running(mark: str) -> list[int]:
    """Living processes that have this word on their command line."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(name))
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_running_and_the_outcome_is_unknown(tmp_path: Path, number: signal.Signals) -> None:
    site, mark = Site(tmp_path), f"{4700 + number}.{os.getpid()}"
    playbooks = site.config / "playbooks"
    playbooks.mkdir(exist_ok=True)
    (playbooks / "restart-bridge.yaml").write_text(PLAYBOOK.replace("MARK", mark))
    site.run("playbook", "trust", "restart-bridge", "--reason", "a test", who="alice")
    site.run("incident", "declare", "The bridge hangs", "--severity", "sev1", who="alice")
    site.run("run", "start", "restart-bridge", "--incident", "INC-2", who="alice")
    run = site.json("run", "ls")["runs"][0]["id"]
    command = site.oncall("run", "program", run, "restart", "--yes", who="alice")
    console = subprocess.Popen(command, cwd=REPO, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(running(mark)) >= 2, what="the program runs")
    began = time.monotonic()
    console.send_signal(number)
    console.wait(20)
    wait_until(lambda: not running(mark), what="all that it started has ended")
    print(f"{number.name}: all of it had ended {time.monotonic() - began:.1f} s later")
    assert "OUTCOME UNKNOWN" in site.run("run", "show", run).decode()
    with Terminal(site.oncall(who="bob"), columns=160, rows=45) as screen:
        screen.wait_for("The bridge hangs")
        screen.wait_for("engine: here")
        screen.read_for(2)
    (effect,) = site.json("run", "ls")["runs"][0]["effects"]
    assert effect["outcome"] in (None, "", "unknown"), (
        "an engine that comes later does not know, and does not ask again"
    )
    refused = subprocess.run(site.oncall("run", "program", run, "restart", "--yes", who="bob"), capture_output=True)
    assert refused.returncode != 0
    assert running(mark) == []
