"""`oncall rollback`: what stands, the proof by a canary behind real programs, and the beginning of a rollback."""

from __future__ import annotations

import re

import pytest

from tests.servers import REPO

READ = '#!/bin/sh\ncat "$(dirname "$0")/$1.percent"\n'
WRITE = """#!/bin/sh
folder=$(dirname "$0")
echo "$1 $2" >> "$folder/writes"
[ -e "$folder/forbidden" ] && { echo "403: no permission"; exit 1; }
[ -e "$folder/deaf" ] && exit 0
[ -e "$folder/hangs" ] && exec sleep 60
[ "$2" = 0 ] && [ -e "$folder/one-way" ] && { echo "403: no permission to switch off"; exit 1; }
echo "$2" > "$folder/$1.percent"
"""
CANARY, FLAG = "lighthouse-canary", "lighthouse-elicitation"


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")  # as in a pipe: pytest-xdist says 80, and a terminal what it has


@pytest.fixture
def flagged(oncall):
    """Production's flags are behind two programs; both flags are known to them."""
    oncall.notify()
    flags = """
    flags:
      type: command
      read: [./read, "{flag}"]
      write: [./write, "{flag}", "{percent}"]
      timeout: 2s
"""
    oncall.edit(r"(?<=\n)    notify: \{\}\n", "    notify: {}" + flags)
    for name, text in (("read", READ), ("write", WRITE)):
        program = oncall.config / name
        program.write_text(text)
        program.chmod(0o700)
    (oncall.config / f"{CANARY}.percent").write_text("0\n")
    (oncall.config / f"{FLAG}.percent").write_text("25\n")
    return oncall


def writes(cli):
    found = cli.config / "writes"
    return found.read_text().splitlines() if found.exists() else []


def proof(cli, name, code=1):
    found = cli("rollback", "status", "--json", code=code).json
    return next(item for item in found["proofs"] if item["name"] == name)


def test_the_status_names_every_proof_and_ends_badly_unless_all_are_proven(oncall):
    shown = oncall("rollback", "status", code=1)

    assert "CAN ROLL BACK: NO (0/12 proven) legacy: it is DOWN: from here it refuses the connection" in shown.out
    for title in ("kill switch readable", "event store and schema compatible", "two people reachable"):
        assert title in shown.out
    data = oncall("rollback", "status", "--json", code=1).json
    assert data["can"] == "no", "what refuses every connection is down here as it is on Overview"
    assert len(data["proofs"]) == 12
    for item in data["proofs"]:
        assert item["state"] == ("failed" if item["name"] == "legacy" else "unknown"), item
        assert item["evidence"], item
    assert not oncall.journal.exists()
    assert "CAN ROLL BACK" in oncall("status").out
    assert [item["name"] for item in oncall("status", "--json").json["rollback"]["proofs"]] == [
        item["name"] for item in data["proofs"]
    ]


@pytest.mark.parametrize("columns", ["60", "140"])
def test_the_status_is_as_wide_as_the_terminal_and_cuts_no_evidence(oncall, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    shown = oncall("rollback", "status", code=1).out
    assert max(map(len, shown.splitlines())) <= int(columns)
    assert "flags in console.yaml says who can read lighthouse-elicitation" in " ".join(shown.split())


def test_a_canary_that_was_toggled_proves_the_write_path(flagged):
    assert proof(flagged, "kill-switch")["state"] == "proven"
    assert "`oncall rollback prove` toggles lighthouse-canary" in proof(flagged, "write-path")["evidence"]

    asked = flagged("rollback", "prove", code=2)

    question = (
        "Set the canary flag lighthouse-canary of lighthouse/production in flag programs from 0 % to 100 % and back"
    )
    assert question in asked.err
    assert writes(flagged) == []
    shown = flagged("rollback", "prove", "--yes")
    assert re.search(r"PROVEN: lighthouse-canary set to 100 % and back to 0 %, read back within .* s", shown.out)
    assert "flag programs: lighthouse-elicitation, canary lighthouse-canary" in shown.out
    assert writes(flagged) == [f"{CANARY} 100", f"{CANARY} 0"]
    found = proof(flagged, "write-path")
    assert (found["state"], found["source"], found["unit"]) == ("proven", "canary", "s")
    assert 0 < found["value"] < 60
    assert flagged("changes", "ls", "--json").json["changes"] == []
    data = flagged("rollback", "prove", "--yes", "--json").json
    assert (data["proven"], data["saved"], data["proof"]["source"]) == (True, True, "canary")
    assert data["head"]


def test_a_write_that_is_forbidden_breaks_the_proof(flagged):
    (flagged.config / "forbidden").touch()

    failed = flagged("rollback", "prove", "--yes", "--json", code=1)

    assert "403: no permission" in failed.err
    assert failed.json["proven"] is False
    assert "403" in failed.json["proof"]["error"]
    found = proof(flagged, "write-path")
    assert (found["state"], found["source"]) == ("failed", "canary")
    assert "403" in found["evidence"]
    assert flagged("rollback", "status", "--json", code=1).json["can"] == "no"
    assert flagged("changes", "ls", "--json").json["changes"] == []


def test_a_write_that_is_accepted_and_does_nothing_breaks_it_too(flagged):
    (flagged.config / "deaf").touch()

    flagged("rollback", "prove", "--yes", code=1)

    assert writes(flagged) == [f"{CANARY} 100"]
    assert proof(flagged, "write-path")["state"] == "failed"


def test_no_answer_is_an_unknown_outcome_and_is_not_repeated(flagged):
    (flagged.config / "hangs").touch()

    said = flagged("rollback", "prove", "--yes", code=6)

    assert "OUTCOME UNKNOWN" in said.err
    assert "is owed: set lighthouse-canary back to 0 %" in said.err
    found = proof(flagged, "write-path")
    assert (found["state"], found["evidence"][:15]) == ("unknown", "OUTCOME UNKNOWN")
    (flagged.config / "hangs").unlink()
    assert "settle it first" in flagged("rollback", "prove", code=3).err
    assert writes(flagged) == [f"{CANARY} 100"]
    (change,) = flagged("changes", "ls", "--json").json["changes"]
    flagged("changes", "settle", change["label"], "refused", "--observed", "still at 0 %")
    flagged("rollback", "prove", "--yes")
    assert proof(flagged, "write-path")["state"] == "proven"


def test_a_canary_that_cannot_be_set_back_is_loud_and_owed(flagged):
    (flagged.config / "one-way").touch()

    said = flagged("rollback", "prove", "--yes", code=1)

    assert "lighthouse-canary is at 100 %, it COULD NOT BE SET BACK to 0 %" in said.err
    assert "403: no permission to switch off" in said.err
    (change,) = flagged("changes", "ls", "--json").json["changes"]
    assert f"{change['label']} is owed: set lighthouse-canary back to 0 %" in said.err
    assert (change["state"], change["owed"]) == ("in force", True)
    assert proof(flagged, "write-path")["state"] == "failed"
    assert "COULD NOT BE SET BACK" in flagged("log", "tail").out


def test_it_is_refused_where_it_would_prove_nothing(flagged, oncall):
    assert "read-only" in flagged("--read-only", "rollback", "prove", code=3).err, "refused, and not asked"
    (oncall.config / f"{CANARY}.percent").unlink()
    assert "cannot be read, and nothing was written" in flagged("rollback", "prove", "--yes", code=1).err
    plan = oncall.config / "rollout.yaml"
    plan.write_text(re.sub(r"\n  canary_flag: [^\n]*", "", plan.read_text()))
    assert "rollback.canary_flag in rollout.yaml" in flagged("rollback", "prove", "--yes", code=2).err
    assert writes(flagged) == []


def test_without_a_provider_it_says_which_key_names_one(oncall):
    assert "flags in console.yaml" in oncall("rollback", "prove", "--yes", code=1).err


def test_people_say_that_they_were_reached(oncall):
    oncall.notify()

    said = oncall("rollback", "reached", "both answered the phone")

    assert "can be reached: both answered the phone" in said.out
    found = proof(oncall, "people")
    assert (found["state"], found["source"]) == ("proven", "people")
    assert "by alice" in found["evidence"]


def test_a_rollback_begins_with_nothing_proven_and_declares_its_incident(oncall):
    oncall.notify()

    asked = oncall("rollback", "start", "--reason", "errors above 5 %", code=2)
    begun = oncall("rollback", "start", "--reason", "errors above 5 %", "--yes", "--json").json

    assert "Begin the rollback of lighthouse/production" in asked.err
    assert begun["run"]["playbook"] == "emergency-rollback"
    assert begun["saved"]
    label = begun["incident"]["label"]
    assert label in oncall("incident", "ls", "--json").out
    again = oncall("rollback", "start", "--reason", "twice", code=3)
    assert "rolls back already" in again.err


def test_a_rollback_waits_for_no_reason(oncall):
    oncall.notify()

    begun = oncall("rollback", "start", "--yes", "--json").json

    assert begun["run"]["playbook"] == "emergency-rollback"
    assert "no reason was given" in oncall("incident", "ls", "--json").out


def test_a_rollback_of_an_incident_that_is_open(oncall):
    oncall.notify()
    label = oncall("incident", "declare", "--severity", "SEV1", "slow", "--json").json["incident"]["label"]

    begun = oncall("rollback", "start", "--reason", "slow", "--incident", label, "--yes")

    assert label in begun.out
    assert "emergency" in begun.out.lower()
    assert "there is no such incident" in oncall(
        "rollback", "start", "--reason", "x", "--incident", "INC-99", "--yes", code=5
    ).err  # fmt: skip


# -- in the demo ------------------------------------------------------------------------------------------------------


async def test_in_the_demo_a_toggled_canary_proves_the_simulated_path_and_nothing_else():
    from datetime import timedelta

    from console.bootstrap import Demo, Options, headless
    from console.engine.outcome import Done
    from console.model import commands as cmd

    simulation = headless(Options(config=str(REPO / "config")), Demo())
    console, clock = simulation.console, simulation.clock
    await console.start()
    try:
        await clock.run(clock.now() + timedelta(seconds=40), lambda: console.clock_tasks)
        look = await console.lookups.flag(CANARY)
        assert look.state is not None
        assert look.state.percent == 0
        assert isinstance(await console.submit(cmd.ProveWritePath(CANARY, 0.0, 100.0)), Done)
        assert isinstance(await console.submit(cmd.RenewProof("people", "both answered", "people")), Done)
        board = console.board
    finally:
        await console.stop()

    found = {proof.name: (proof.state.value, proof.source) for proof in board.readiness.proofs}
    assert found["write-path"] == ("proven", "simulated")
    assert found["people"] == ("proven", "simulated")
    assert {name for name, (state, _) in found.items() if state != "proven"} == {"drill"}
    assert {event.mode for event in simulation.journal.read()} == {"demo"}
