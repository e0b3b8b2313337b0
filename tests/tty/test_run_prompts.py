"""A run carried out prompt by prompt on a terminal, while somebody else works on it, too."""

from __future__ import annotations

import signal
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
  - {id: one, title: The first, challenge: Look at one, response: A number}
  - {id: two, title: The second, challenge: Look at two, response: A number}
  - {id: drained, title: Drained, kind: wait, challenge: Wait, response: 0, verify: reading.inflight <= 0}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    for path in (site.config / "playbooks").glob("*.yaml"):
        path.unlink()
    (site.config / "playbooks" / "try.yaml").write_text(PLAYBOOK)
    main = site.config / "console.yaml"
    head, _, rest = main.read_text().partition("    notify:\n")
    main.write_text(head + rest[rest.index("  - service: ") :])
    site.run("incident", "declare", "--severity", "SEV2", "P99 is high", "--no-wait", who="alice")
    return site


def asked(text: str) -> bool:
    """Whether the last line is a prompt: what is typed before it is no answer."""
    return text.rstrip().endswith("observed, or ?:")


def test_an_answer_is_to_the_step_that_was_asked_for(site: Site):
    with Terminal(site.oncall("playbook", "run", "try", "--incident", "1", "--plain", who="alice")) as terminal:
        terminal.wait_for("STEP 1 of 3", "observed, or ?:")
        (run,) = site.json("run", "ls")["runs"]
        terminal.type("4")  # and before Enter, somebody else completes it
        site.run("run", "complete", run["label"], "one", "--observed", "3", who="bob")
        terminal.wait_for("The first: done, 3 by bob", "Press Enter to go on.")
        terminal.press("enter")
        terminal.wait_for("refused:", "is done by bob", "STEP 2 of 3", asked)
        terminal.type("7")
        terminal.press("enter")
        terminal.wait_for("STEP 3 of 3", "CANNOT VERIFY", "Enter looks again")
        terminal.type("/expire 4 left")
        terminal.press("enter")
        terminal.wait_for("Try it: completed")
        assert terminal.wait_end() == 0

    steps = site.json("run", "show", run["label"])["run"]["steps"]
    assert [(step["observed"], step["status"]) for step in steps] == [
        ("3", "done"),
        ("7", "done"),
        ("4 left", "expired"),
    ]


def test_ctrl_c_gives_the_terminal_back(site: Site):
    with Terminal(site.oncall("playbook", "run", "try", "--incident", "1", "--plain", who="alice")) as terminal:
        terminal.wait_for("observed, or ?:")
        terminal.signal(signal.SIGINT)
        terminal.wait_for("stays as it is; go on with: oncall run attach RUN-")
        assert terminal.wait_end() == 130
