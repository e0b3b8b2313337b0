"""Plain mode on a terminal: what was typed before a prompt was seen is no answer to it, and what waits listens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tty.site import Site
from tests.tty.terminal import Terminal

pytestmark = pytest.mark.tty

PLAYBOOK = """\
apiVersion: oncall/v1
kind: Playbook
name: try
title: Try it
severities: [SEV2]
owner: lighthouse team
reviewed: 2026-11-21
steps:
  - id: restart
    title: Restart it
    kind: command
    challenge: Restart it
    response: Restarted
    command: [sh, -c, "read x < GATE; echo up again"]
  - id: way
    title: Which way?
    kind: decision
    challenge: Which?
    response: The choice
    options: [{id: a, label: A}, {id: b, label: B}]
  - id: again
    title: Once more
    kind: command
    challenge: Restart it
    response: Restarted
    command: [sh, -c, "echo done"]
    verify: reading.inflight <= 0
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    os.mkfifo(tmp_path / "gate")
    for path in (site.config / "playbooks").glob("*.yaml"):
        path.unlink()
    (site.config / "playbooks" / "try.yaml").write_text(PLAYBOOK.replace("GATE", str(tmp_path / "gate")))
    main = site.config / "console.yaml"
    head, _, rest = main.read_text().partition("    notify:\n")
    main.write_text(head + rest[rest.index("  - service: ") :])
    site.run("incident", "declare", "--severity", "SEV2", "P99 is high", "--no-wait", who="alice")
    site.run("playbook", "trust", "try", "--reason", "a test's folder lies where others may write", who="alice")
    return site


def enter(terminal: Terminal, text: str) -> None:
    terminal.type(f"{text}\r")


def test_only_commands_act_while_it_waits_and_nothing_answers_what_was_not_asked(site: Site, tmp_path: Path):
    command = site.oncall("playbook", "run", "try", "--incident", "1", "--plain", who="alice")
    with Terminal(command, columns=160, rows=60) as terminal:
        terminal.wait_for("/run does it")
        enter(terminal, "/run")
        terminal.wait_for("Do it?")
        enter(terminal, "y")
        terminal.wait_for("waiting: Restart it", "/quit, or ?")
        enter(terminal, "1")
        terminal.wait_for("not taken: nothing is asked now")
        terminal.type("1")  # and no Enter yet
        (tmp_path / "gate").write_text("go on\n")
        terminal.wait_for("up again", "choose 1-2")
        enter(terminal, "b")
        terminal.wait_for("observed:")
        enter(terminal, "seen")
        terminal.wait_for("STEP 3 of 3", lambda text: text.count("/run does it") == 2)  # asked again, not still there
        enter(terminal, "/run")
        terminal.wait_for(lambda text: text.count("Do it?") == 2)
        enter(terminal, "y")
        terminal.wait_for("it was carried out and closes by its reading", "CANNOT VERIFY")
        enter(terminal, "/override seen by hand")
        terminal.wait_for("Try it: completed")
        assert terminal.wait_end() == 0

    (run,) = site.json("run", "ls", "--all")["runs"]
    steps = site.json("run", "show", run["label"])["run"]["steps"]
    assert [(item["status"], item["observed"]) for item in steps[1:]] == [("done", "seen"), ("done", "seen by hand")]


def test_a_program_that_runs_can_be_failed_and_the_run_put_on_hold_and_aborted(site: Site):
    command = site.oncall("playbook", "run", "try", "--incident", "1", "--plain", who="alice")
    with Terminal(command, columns=160, rows=60) as terminal:
        terminal.wait_for("/run does it")
        enter(terminal, "/run")
        terminal.wait_for("Do it?")
        enter(terminal, "y")
        terminal.wait_for("waiting: Restart it")
        enter(terminal, "/fail it hangs")
        terminal.wait_for("FAILED: it hangs", "/retry, /skip WHY, /abort WHY")
        enter(terminal, "/hold a call")
        terminal.wait_for("ON HOLD", "/resume WHY goes on")
        enter(terminal, "")
        terminal.wait_for("stays as it is; go on with")
        assert terminal.wait_end() == 0

    (run,) = site.json("run", "ls")["runs"]
    with Terminal(site.oncall("run", "attach", run["label"], who="alice"), columns=160) as terminal:
        terminal.wait_for("ON HOLD", "/resume WHY goes on")
        enter(terminal, "/abort enough")
        terminal.wait_for("aborted: enough")
        assert terminal.wait_end() == 1
