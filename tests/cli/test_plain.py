"""Prompt by prompt in a pipe: what waits can be answered, what was not asked is answered by nothing."""

from __future__ import annotations

import contextlib
import io
import os
import select
import subprocess
import sys

import pytest

from console.settings import modes

HEAD = """\
apiVersion: oncall/v1
kind: Playbook
name: try
title: Try it
severities: [SEV2]
owner: lighthouse team
reviewed: 2026-11-21
steps:
"""
RESTART = """\
  - id: restart
    title: Restart it
    kind: command
    challenge: Restart it
    response: Restarted
    command: [sh, -c, "PROGRAM"]
    timebox: 30m
"""
UNREADABLE = "    verify: reading.inflight <= 0\n"
LOOK = "  - {id: look, title: Look at it, challenge: Look, response: A number}\n"
WAIT = "  - {id: drained, title: Drained, kind: wait, challenge: Wait, response: 0, verify: reading.inflight <= 0}\n"
FLAG = (
    "  - {id: off, title: Switch it off, kind: flag, flag: lighthouse-elicitation, off: true, challenge: Do,"
    " response: 0}\n"
)


@pytest.fixture
def start(oncall, tmp_path, monkeypatch):
    """Starts a run of these steps, and gives its label."""
    judged = modes._judged
    monkeypatch.setattr(modes, "_judged", lambda path: judged(path) if str(path).startswith(str(tmp_path)) else "")
    oncall.notify()
    path = oncall.config / "playbooks" / "try.yaml"
    for other in path.parent.glob("*.yaml"):
        other.unlink()
    oncall("incident", "declare", "--severity", "SEV2", "P99 is high")

    def work(*steps, program="echo restarted"):
        path.write_text(HEAD + "".join(steps).replace("PROGRAM", program))
        path.chmod(0o644)
        return oncall("run", "start", "try", "--incident", "1", "--json").json["run"]["label"]

    return work


@pytest.fixture
def says(oncall, monkeypatch):
    def work(*arguments, lines, code=0):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return oncall(*arguments, code=code)

    return work


class Pipe:
    """An attached console on two pipes."""

    def __init__(self, child):
        self._child, self.seen = child, ""

    def wait_for(self, text):
        while text not in self.seen:
            assert select.select([self._child.stdout], [], [], 20)[0], (text, self.seen)
            more = os.read(self._child.stdout.fileno(), 4096)
            assert more, self.seen
            self.seen += more.decode()

    def say(self, line):
        self.seen = ""
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()

    def end(self):
        self._child.stdin.close()
        return self._child.wait(timeout=60)


@pytest.fixture
def attached(oncall):
    @contextlib.contextmanager
    def work(run):
        oncall("playbook", "trust", "try", "--reason", "a test's folder lies where others may write")
        arguments = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--as", "alice"]
        command = [sys.executable, "-m", "console", *arguments, "run", "attach", run, "--plain"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            try:
                yield Pipe(child)
            finally:
                child.kill()

    return work


def step(oncall, run, name):
    shown = oncall("run", "show", run, "--json").json["run"]
    return next(item for item in shown["steps"] if item["id"] == name)


# -- what waits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("/override seen by hand", "done"),
        ("/skip not needed", "skipped"),
        ("/fail it did not come up", "failed"),
    ],
)
def test_a_program_that_ended_without_closing_is_no_dead_end(oncall, start, attached, said, status):
    run = start(RESTART, UNREADABLE, LOOK)
    with attached(run) as pipe:
        pipe.wait_for("/run does it")
        pipe.say("/run")
        pipe.wait_for("Do it?")
        pipe.say("y")
        pipe.wait_for("exit status 0")
        pipe.say("12 files")
        pipe.wait_for("not taken: nothing is asked now")
        pipe.say("?")
        pipe.wait_for("/override WHY")
        pipe.say(said)
        pipe.wait_for("/retry, /skip WHY, /abort WHY" if status == "failed" else "STEP 2 of 2")
        assert ("timebox 30 min" in pipe.seen) == (status == "failed")
        assert pipe.end() == 2

    assert step(oncall, run, "restart")["status"] == status
    assert step(oncall, run, "look")["observed"] in (None, "")


def test_hold_and_abort_act_while_it_waits(oncall, start, attached):
    run = start(WAIT)
    with attached(run) as pipe:
        pipe.wait_for("waiting: Drained")
        pipe.say("/hold a call")
        pipe.wait_for("ON HOLD")
        for text in ("go on", "/nonsense"):
            pipe.say(text)
            pipe.wait_for("it stays on hold")
        pipe.say("?")
        pipe.wait_for("/resume WHY")
        pipe.say("y")
        pipe.wait_for("why it goes on")
        pipe.say("the call is over")
        pipe.wait_for("waiting: Drained")
        pipe.say("/hold again")
        pipe.wait_for("ON HOLD")
        pipe.say("/abort enough")
        pipe.wait_for("aborted: enough")
        assert pipe.end() == 1


def test_an_unknown_outcome_is_asked_about(start, says, oncall, attached):
    run = start(RESTART, LOOK, program="kill -9 $$")
    with attached(run) as pipe:
        pipe.wait_for("/run does it")
        pipe.say("/run")
        pipe.wait_for("Do it?")
        pipe.say("y")
        pipe.wait_for("OUTCOME UNKNOWN: look, then what you observe closes it; /fail WHY, /skip WHY, or ?:")
        pipe.say("/run")
        pipe.wait_for("not from here: an earlier attempt has an unknown outcome")
        pipe.wait_for("or ?:")
        pipe.say("it runs")
        pipe.wait_for("by hand")
        pipe.say("y")
        pipe.wait_for("STEP 2 of 2")
        assert pipe.end() == 2
    assert step(oncall, run, "restart")["observed"] == "it runs"


def test_a_script_is_not_cut_off_by_its_end(oncall, start, says):
    """All lines are there before the program has ended: they are for what follows, and the end waits for it."""
    run = start(RESTART, LOOK, program="cat /dev/urandom | head -c 3000000 | cksum")
    done = says("run", "attach", run, lines=["/run", "y", "/skip not needed"])

    assert "Try it: completed" in done.out
    assert [step(oncall, run, name)["status"] for name in ("restart", "look")] == ["done", "skipped"]
    run = start(RESTART)
    assert "Try it: completed" in says("run", "attach", run, lines=["/run", "y"]).out


@pytest.mark.parametrize("steps", [WAIT, RESTART])
def test_the_end_of_the_input_leaves(oncall, start, steps):
    run = start(steps)
    arguments = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--as", "alice"]
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        command = [sys.executable, "-m", "console", *arguments, "run", "attach", run, "--plain"]
        options = {"stdin": stdin} if stdin == subprocess.DEVNULL else {"input": b""}
        done = subprocess.run(command, check=False, capture_output=True, timeout=60, **options)
        assert done.returncode == 2
        assert b"the input has ended" in done.stdout
        assert f"oncall run attach {run} --plain".encode() in done.stdout


def test_leaving_on_purpose_is_no_failure(start, says):
    run = start(LOOK)
    for lines in (["/quit"], ["/hold a call", ""], ["no"], ["n"], ["/quit"]):
        done = says("run", "attach", run, lines=lines)
        assert f"stays as it is; go on with: oncall run attach {run} --plain" in done.out
        assert "the input has ended" not in done.out


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_an_acting_step_is_closed_by_hand_only_on_purpose(oncall, start, says):
    run = start(RESTART, LOOK)
    words = ["run", "y", "skip", "NOT SAVED", "12 files", "n"]
    done = says("run", "attach", run, lines=words, code=2)

    assert "'run' is no observation; /run is the command" in done.out
    assert done.out.count("is no observation") == 4
    assert "close Restart it by hand, without running it from here? [y/N] n" in done.out
    assert step(oncall, run, "restart")["status"] == "active"
    says("run", "attach", run, lines=["12 files", "y", "skip"], code=2)
    assert step(oncall, run, "restart")["observed"] == "12 files"
    assert step(oncall, run, "look")["status"] == "active"


def test_it_is_not_asked_where_it_can_only_be_refused(oncall, start, says):
    run = start(FLAG)
    done = says("run", "attach", run, lines=["/run"], code=2)
    assert "not from here: nothing here can set lighthouse-elicitation" in done.out
    assert "Do it?" not in done.out
    oncall("run", "abort", run, "--reason", "x")

    run = start(RESTART)
    (oncall.config / "playbooks" / "try.yaml").chmod(0o666)
    done = says("--read-only", "run", "attach", run, lines=["/run"], code=2)
    assert "not from here: this console is read-only" in done.out
    done = says("run", "attach", run, lines=["/fail no", "/run"], code=2)
    assert "not from here: it has failed: /retry begins it again" in done.out
    assert "Do it?" not in done.out
    oncall("run", "abort", run, "--reason", "x")

    oncall("incident", "note", "1", "x")
    path = oncall.config / "playbooks" / "try.yaml"
    run = oncall("run", "start", "try", "--incident", "1", "--json").json["run"]["label"]
    done = says("run", "attach", run, lines=["/run"], code=2)
    assert f"not from here: {path}" in done.out
    assert "Do it?" not in done.out


def test_the_ways_are_those_of_the_prompt(start, says):
    clear = LOOK.replace("}", ", confirm: 'CLEAR {target}', second_person: true}")
    run = start(clear)
    done = says("run", "attach", run, lines=["0", "CLEAR lighthouse/production", "/glass alone at night"])

    assert "IRREVERSIBLE: CLEAR lighthouse/production must be typed; it is asked for" in done.out
    assert "by /glass WHY, which is told" in done.out
    for words in ("--typed", "break the glass", "--break-glass"):
        assert words not in done.out


def test_a_command_among_observations_is_a_command(oncall, start, says):
    way = (
        "  - {id: way, title: Which?, kind: decision, challenge: Which?, response: x,"
        " options: [{id: a, label: A}, {id: b, label: B}]}\n"
    )
    run = start(way)
    says("run", "attach", run, lines=["1", "/quit"])
    assert step(oncall, run, "way")["status"] == "active"


def test_a_line_of_a_program_is_clipped(start, says):
    run = start(RESTART, program="printf '%05000d' 1")
    done = says("run", "attach", run, lines=["/run", "y"])

    (line,) = {line for line in done.out.splitlines() if line.startswith("  | 000")}
    assert len(line) == 200
    assert line.endswith("…")


def test_a_file_that_has_changed_is_said_on_the_card(oncall, start, says):
    run = start(LOOK)
    path = oncall.config / "playbooks" / "try.yaml"
    path.write_text(path.read_text() + "# changed\n")
    assert "has changed since" in says("run", "attach", run, lines=[], code=2).out


# -- who holds it -----------------------------------------------------------------------------------------------------


def test_who_left_cleanly_is_not_locked_out(start, says, oncall):
    run = start(LOOK)
    says("run", "attach", run, lines=["/take mine", "/quit"])
    assert "held by" not in says("run", "attach", run, lines=["12"]).out
    assert step(oncall, run, "look")["status"] == "done"


def test_after_a_crash_the_same_operator_goes_on(oncall, start, attached, says, tmp_path):
    os.mkfifo(tmp_path / "gate")
    run = start(RESTART, LOOK, program=f"echo ready; read x < {tmp_path / 'gate'}")
    with attached(run) as pipe:
        pipe.wait_for("/run does it")
        pipe.say("/run")
        pipe.wait_for("Do it?")
        pipe.say("y")
        pipe.wait_for("| ready")  # and the console is killed
    with contextlib.suppress(OSError):  # Its program ends, if it was not ended with it.
        os.close(os.open(tmp_path / "gate", os.O_WRONLY | os.O_NONBLOCK))
    done = says("run", "attach", run, lines=["/fail nobody knows", "/skip by hand", "12"])

    assert "is gone: it is taken" in done.out
    assert "OUTCOME UNKNOWN: look" in done.out
    assert "Try it: completed" in done.out


def test_of_another_who_is_gone_it_is_said_how_it_is_taken(oncall, start, says, monkeypatch):
    run = start(LOOK)
    arguments = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--as", "bob"]
    take = [sys.executable, "-m", "console", *arguments, "run", "take", run, "look"]
    subprocess.run(take, check=True, capture_output=True, timeout=60)
    monkeypatch.setattr("console.bootstrap.holders.login", lambda: "somebody else")
    done = says("run", "attach", run, lines=["12", "/take bob is gone", "12"])

    assert "held by bob" in done.out
    assert "/take WHY takes it" in done.out
    assert step(oncall, run, "look")["status"] == "done"


# -- names ------------------------------------------------------------------------------------------------------------


def test_the_name_that_was_meant_is_said_first(oncall, start):
    start(LOOK)
    folder = oncall.config / "playbooks"
    for number in range(15):
        (folder / f"a{number}.yaml").write_text(
            (folder / "try.yaml").read_text().replace("name: try", f"name: a{number}")
        )
    (folder / "rollback.yaml").write_text((folder / "try.yaml").read_text().replace("name: try", "name: aa-rollback"))
    assert (
        "no such playbook; did you mean aa-rollback? known:"
        in oncall("run", "start", "aa-rolback", "--incident", "1", code=5).err
    )
