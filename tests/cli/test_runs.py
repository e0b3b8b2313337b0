"""Runs from the command line: programs, two persons, holds, and prompt by prompt."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys

import pytest

from console.settings import modes

PLAYBOOK = """\
apiVersion: oncall/v1
kind: Playbook
name: try
title: Try everything
severities: [SEV1, SEV2, SEV3]
owner: lighthouse team
reviewed: 2026-11-21
variables:
  host: {type: host, ask: Which host?}
  why: {type: text, ask: Why now?, default: a test}
steps:
  - id: look
    title: Look at it
    challenge: Look at {{host}}, because of {{why}}
    response: The number of files
  - id: way
    title: Which way?
    kind: decision
    challenge: Restart or leave it?
    response: The choice
    options:
      - {id: restart, label: Restart it}
      - {id: leave, label: Leave it, goto: last}
  - id: restart
    title: Restart it
    kind: command
    challenge: Restart {{host}}
    response: Restarted
    command: [sh, -c, 'echo "restarted $1" && echo done >&2', restart, "{{host}}"]
    dry_run: [--dry-run]
    undo: Start the old one
  - id: agree
    title: May it be cleared?
    kind: approval
    role: incident commander
    challenge: Look at the backup
    response: Its time
  - id: clear
    title: Clear it
    challenge: Clear the files
    response: "0 files"
    confirm: CLEAR {target}
    second_person: true
  - id: last
    title: Write it down
    challenge: Write down what was done
    response: Where it stands
    skip_needs_reason: false
"""


@pytest.fixture
def incident(oncall, tmp_path, monkeypatch):
    judged = modes._judged
    # Above the test's own folder is /tmp, where others may write: no program of a playbook there is trusted.
    monkeypatch.setattr(modes, "_judged", lambda path: judged(path) if str(path).startswith(str(tmp_path)) else "")
    oncall.notify()
    path = oncall.config / "playbooks" / "try.yaml"
    for other in path.parent.glob("*.yaml"):
        other.unlink()
    path.write_text(PLAYBOOK)
    path.chmod(0o644)
    return oncall("incident", "declare", "--severity", "SEV2", "P99 is high", "--json").json["incident"]["label"]


@pytest.fixture
def run(oncall, incident):
    return oncall("run", "start", "try", "--incident", incident, "--set", "host=web-1:80", "--json").json["run"][
        "label"
    ]


@pytest.fixture
def who(monkeypatch):
    """Acts as a person with a login of their own, as on a shared machine."""

    def become(name):
        monkeypatch.setattr("console.bootstrap.common.login", lambda: name)

    become("alice")
    return become


def step(shown, name):
    return next(item for item in shown["steps"] if item["id"] == name)


def test_variables_are_set_and_asked_for(oncall, incident):
    assert "Which host?" in oncall("run", "start", "try", "--incident", incident, code=3).err
    assert "NAME=VALUE" in oncall("run", "start", "try", "--incident", incident, "--set", "host", code=2).err
    assert "no variable" in oncall("run", "start", "try", "--incident", incident, "--set", "x=1", code=3).err
    shown = oncall("run", "start", "try", "--incident", incident, "--set", "host=web-1", "--json").json["run"]

    assert shown["variables"] == {"host": "web-1", "why": "a test"}


def test_a_program_is_asked_for_once_naming_what_and_where(oncall, run, who):
    oncall("run", "complete", run, "look", "--observed", "12")
    oncall("run", "complete", run, "way", "--observed", "12", "--option", "restart")

    asked = oncall("run", "program", run, "restart", code=2).err
    for word in ("echo", "web-1:80", "lighthouse/production", "service lighthouse, environment production", "--yes"):
        assert word in asked
    dry = oncall("run", "program", run, "restart", "--dry-run").out
    assert "its own dry run: sh -c" in dry
    assert dry.endswith("--dry-run\n")
    assert [step(oncall("run", "show", run, "--json").json["run"], "restart")["asked_by"]] == [None]

    done = oncall("run", "program", run, "restart", "--yes", "--json").json["run"]
    restart = step(done, "restart")
    assert (restart["status"], restart["digest"][:7]) == ("done", "sha256:")
    assert restart["output"].split() == ["restarted", "web-1:80", "done"]
    assert done["effects"][0]["outcome"] == "done"
    shown = oncall("run", "show", run).out
    assert "| restarted web-1:80" in shown
    assert "exit status 0" in shown


def test_a_program_that_fails_ends_with_1(oncall, incident):
    path = oncall.config / "playbooks" / "try.yaml"
    path.write_text(PLAYBOOK.replace("echo done >&2", "exit 3"))
    run = oncall("run", "start", "try", "--incident", incident, "--set", "host=web-1", "--json").json["run"]["label"]
    oncall("run", "complete", run, "look", "--observed", "12")
    oncall("run", "complete", run, "way", "--observed", "12", "--option", "restart")

    assert "exit status 3" in oncall("run", "program", run, "restart", "--yes", code=1).err
    assert step(oncall("run", "show", run, "--json").json["run"], "restart")["status"] == "failed"
    oncall("run", "retry", run, "restart")
    oncall("run", "skip", run, "restart", "--reason", "by hand")
    attempts = step(oncall("run", "show", run, "--json").json["run"], "restart")["attempts"]
    assert [(item["attempt"], item["status"]) for item in attempts] == [(1, "failed")]
    assert "attempt 1: failed" in oncall("run", "show", run).out


def test_the_tries_that_the_playbook_declares_are_made_and_shown(oncall, incident, tmp_path):
    path = oncall.config / "playbooks" / "try.yaml"
    counted = f"echo try >> {tmp_path}/tries; test $(wc -l < {tmp_path}/tries) -ge 3"
    text = PLAYBOOK.replace("echo done >&2", counted).replace(
        "    undo: Start", "    on_failure: {tries: 3, back_off: 1s}\n    undo: Start"
    )
    path.write_text(text)
    run = oncall("run", "start", "try", "--incident", incident, "--set", "host=web-1", "--json").json["run"]["label"]
    oncall("run", "complete", run, "look", "--observed", "12")
    oncall("run", "complete", run, "way", "--observed", "12", "--option", "restart")

    said = oncall("run", "program", run, "restart", "--yes").err
    assert "attempt 1: exit status 1" in said
    assert "attempt 2: exit status 1" in said
    shown = oncall("run", "show", run, "--json").json["run"]
    assert step(shown, "restart")["status"] == "done"
    assert [effect["outcome"] for effect in shown["effects"]] == ["refused", "refused", "done"]


def test_ctrl_c_between_two_tries_says_how_to_go_on(oncall, incident, tmp_path):
    path = oncall.config / "playbooks" / "try.yaml"
    text = PLAYBOOK.replace("echo done >&2", "exit 3").replace(
        "    undo: Start", "    on_failure: {tries: 3, back_off: 10m}\n    undo: Start"
    )
    path.write_text(text)
    run = oncall("run", "start", "try", "--incident", incident, "--set", "host=web-1", "--json").json["run"]["label"]
    oncall("run", "complete", run, "look", "--observed", "12")
    oncall("run", "complete", run, "way", "--observed", "12", "--option", "restart")
    arguments = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--as", "alice"]
    command = [sys.executable, "-c", TRUSTING, *arguments, "run", "program", run, "restart", "--yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        seen = b""
        while b"tried again at" not in seen:
            more = os.read(child.stderr.fileno(), 4096)
            assert more, seen
            seen += more
        child.send_signal(signal.SIGINT)
        _, rest = child.communicate(timeout=60)

    assert child.returncode == 130
    assert f"oncall run program {run} restart" in (seen + rest).decode()
    assert b"Traceback" not in seen + rest


TRUSTING = """
from console.settings import modes
modes._judged = lambda path: ""
from console.cli.main import run
import sys
sys.exit(run(sys.argv[1:]))
"""


def test_what_carries_nothing_out_is_refused(oncall, run):
    for act in ("program", "flag", "notice"):
        oncall("run", act, run, "look", "--yes", code=3)


def test_a_file_that_others_may_write_is_trusted_by_its_hash(oncall, incident):
    path = oncall.config / "playbooks" / "try.yaml"
    path.chmod(0o666)
    start = ("run", "start", "try", "--incident", incident, "--set", "host=web-1", "--json")
    run = oncall(*start).json["run"]["label"]
    oncall("run", "complete", run, "look", "--observed", "12")
    oncall("run", "complete", run, "way", "--observed", "12", "--option", "restart")

    assert "oncall playbook trust try" in oncall("run", "program", run, "restart", "--yes", code=3).err
    assert "its programs may not run" in oncall("run", "show", run).out
    shown = oncall("playbook", "trust", "try", "--reason", "read on 2026-11-21", "--json").json["trusted"]
    assert shown["file"] == str(path)
    assert "was trusted by" in oncall("playbook", "trust", "try", "--reason", "again", code=3).err
    oncall("run", "program", run, "restart", "--yes")


def test_two_persons(oncall, run, who):
    oncall("run", "complete", run, "look", "--observed", "12")
    oncall("run", "complete", run, "way", "--observed", "12", "--option", "restart")
    oncall("run", "program", run, "restart", "--yes")
    oncall("incident", "role", "1", "incident commander", "bob")

    assert "another person" in oncall("run", "approve", run, "agree", code=3).err
    who("bob")
    link = "https://backup.example.com/42"
    oncall("run", "approve", run, "agree", "--observed", "13:40", "--link", link, by="bob")
    assert "read back" in oncall("run", "confirm", run, "clear", "--read-back", "lighthouse/demo", by="bob", code=3).err
    oncall("run", "confirm", run, "clear", "--read-back", "lighthouse/production", by="bob")
    who("alice")
    typed = ("--typed", "CLEAR lighthouse/production")
    shown = oncall("run", "complete", run, "clear", "--observed", "0 files", *typed, "--json").json["run"]

    assert step(shown, "agree")["links"] == [link]
    assert step(shown, "clear")["confirmed_by"] == "bob"
    report = oncall("incident", "report", "1").out
    for text in ("read back by bob", "/42", "sha256:"):
        assert text in report


def test_alone_the_glass_is_broken(oncall, run):
    oncall("run", "complete", run, "look", "--observed", "12")
    oncall("run", "complete", run, "way", "--observed", "12", "--option", "restart")
    oncall("run", "skip", run, "restart", "--reason", "not needed")

    assert "break the glass" in oncall("run", "approve", run, "agree", code=3).err
    oncall("run", "approve", run, "agree", "--break-glass", "nobody else is awake")
    assert "BREAK-GLASS: nobody else is awake" in oncall("run", "show", run).out
    assert "BREAK-GLASS: nobody else is awake" in oncall("incident", "report", "1").out


def test_hold_resume_abort(oncall, run):
    held = oncall("run", "hold", run, "--reason", "the power is off", "--json").json["run"]
    assert held["held_reason"] == "the power is off"
    assert "ON HOLD" in oncall("run", "show", run).out
    assert "on hold" in oncall("run", "ls").out
    assert "on hold" in oncall("run", "complete", run, "look", "--observed", "12", code=3).err

    oncall("run", "resume", run, "--reason", "it is back")
    oncall("run", "abort", run, "--reason", "enough")
    assert oncall("run", "resume", run, "--reason", "no, go on", "--json").json["run"]["status"] == "running"


def test_a_step_is_taken_over(oncall, run, who):
    oncall("run", "take", run, "look")
    who("bob")
    assert "alice holds step" in oncall("run", "complete", run, "look", "--observed", "1", by="bob", code=3).err
    assert "held by alice" in oncall("run", "show", run).out
    oncall("run", "take", run, "look", "--reason", "alice sleeps", by="bob")
    oncall("run", "complete", run, "look", "--observed", "1", by="bob")


def test_a_command_that_has_ended_holds_nothing_up(oncall, run):
    """The process that took the step is gone: the next command of the same user goes on."""
    arguments = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--as", "alice"]
    take = [sys.executable, "-m", "console", *arguments, "run", "take", run, "look"]
    subprocess.run(take, check=True, capture_output=True, timeout=60)

    oncall("run", "complete", run, "look", "--observed", "12")


def test_a_file_that_has_changed_is_said(oncall, run):
    path = oncall.config / "playbooks" / "try.yaml"
    path.write_text(PLAYBOOK + "# changed\n")
    assert "has changed since" in oncall("run", "show", run).out
    path.unlink()
    assert "is gone" in oncall("run", "show", run, "--json").json["run"]["drift"]


def test_the_schema_is_that_of_the_program(capsys):
    from console.cli.main import run as oncall

    assert oncall(["playbook", "schema"]) == 0
    assert "$schema" in json.loads(capsys.readouterr().out)


# -- prompt by prompt -------------------------------------------------------------------------------------------------


@pytest.fixture
def says(oncall, monkeypatch):
    """Runs a command with these lines at its input."""

    def work(*arguments, lines, code=0):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return oncall(*arguments, code=code)

    return work


def test_from_the_start_to_the_end(says, incident):
    lines = ["web-1:80", "", "?", "12 files", "1", "12 is too many", "/run", "n", "/run", "y"]
    lines += ["y", "/glass alone at night", "0 files", "CLEAR nothing", "0 files", "CLEAR lighthouse/production"]
    lines += ["/glass alone at night", "", "INC-1"]
    done = says("playbook", "run", "try", "--incident", incident, "--plain", lines=lines)

    for text in (
        "Which host? (host):",
        "Why now? (text) [a test]:",
        "STEP 1 of 6: Look at it (manual, incident commander), no timebox",
        "do: Look at web-1:80, because of a test",
        "expect: The number of files",
        "/skip WHY",
        "  1 restart: Restart it",
        "run sh -c 'echo",
        "service lighthouse, environment production. Do it? [y/N] n",
        "nothing was done",
        "  | restarted web-1:80",
        "refused: 'May it be cleared?' needs another person",
        "IRREVERSIBLE, there is no way back. Type CLEAR lighthouse/production to go on:",
        "refused: 'Clear it' needs a second person",
        "Try everything: completed",
    ):
        assert text in done.out, text
    assert "go on with" not in done.out


def test_the_end_of_the_input_leaves_the_run_as_it_is(says, oncall, run):
    left = says("run", "attach", run, "--plain", lines=["12 files"], code=2)

    assert "STEP 2 of 6: Which way?" in left.out
    assert f"{run} stays as it is; go on with: oncall run attach {run} --plain" in left.out
    shown = says("run", "attach", run, "--json", lines=["leave", "12", "/skip"]).json["run"]
    assert shown["status"] == "completed"
    assert step(shown, "restart")["status"] == "passed over"


def test_failed_held_aborted(says, run):
    lines = [
        "/fail it is gone",
        "no answer",
        "/nonsense",
        "/retry",
        "/hold a call",
        "go on",
        "/resume it is over",
        "/abort enough",
    ]
    ended = says("run", "attach", run, lines=lines, code=1)

    for text in (
        "FAILED: it is gone",
        "this is no answer here",
        "/nonsense is not known",
        "ON HOLD since",
        "aborted: enough",
    ):
        assert text in ended.out, text


def test_in_a_pipe_a_wait_is_ended_by_its_own_word_alone(says, oncall, incident):
    path = oncall.config / "playbooks" / "try.yaml"
    wait = (
        "  - {id: drained, title: Drained, kind: wait, challenge: Wait, response: 0, verify: reading.inflight <= 0}\n"
    )
    path.write_text(PLAYBOOK.partition("variables:")[0] + "steps:\n" + wait + wait.replace("drained", "again"))
    lines = ["/expire 4 left", "/expire 3 left"]

    shown = says("playbook", "run", "try", "--incident", incident, "--json", lines=lines).json["run"]
    assert [(item["status"], item["observed"]) for item in shown["steps"]] == [
        ("expired", "4 left"),
        ("expired", "3 left"),
    ]


def test_a_dry_run_writes_nothing(oncall, incident):
    before = oncall("log", "verify", "--json").json["head"]
    shown = oncall("playbook", "run", "try", "--incident", incident, "--dry-run", "--set", "host=web-1").out

    for text in (
        "DRY RUN",
        "host = web-1",
        "would run sh -c",
        "its own dry run: sh -c",
        "goes to last",
        "CLEAR lighthouse",
    ):
        assert text in shown, text
    assert oncall("log", "verify", "--json").json["head"] == before
    assert "--set" in oncall("playbook", "run", "try", "--incident", incident, "--dry-run", code=2).err


def test_ctrl_c_leaves_the_run_as_it_is(oncall, run):
    arguments = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--as", "alice"]
    attach = [sys.executable, "-m", "console", *arguments, "run", "attach", run, "--plain"]
    with subprocess.Popen(attach, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        seen = b""
        while b"observed, or ?:" not in seen:
            more = os.read(child.stdout.fileno(), 4096)
            assert more, seen
            seen += more
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 130
        out, err = child.communicate()

    assert f"oncall run attach {run} --plain" in out.decode()
    assert b"Traceback" not in err
    assert oncall("run", "show", run, "--json").json["run"]["status"] == "running"
