"""Incidents, playbooks and runs from the command line, on a real journal."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def incident(oncall):
    return oncall("incident", "declare", "--severity", "sev2", "P99 is high", "--json").json["incident"]["label"]


def test_an_incident_from_the_declaration_to_the_close(oncall):
    declared = oncall("incident", "declare", "--severity", "SEV2", "P99 is high", "--started", "-10m", "--json").json

    assert declared["saved"] is True
    assert declared["incident"]["label"] == "INC-1"
    assert oncall("log", "verify", "--expect", declared["head"]).code == 0
    assert "NOBODY" in oncall("status").out
    acknowledged = oncall("incident", "ack", "INC-1", "--json").json["incident"]
    assert acknowledged["roles"] == {"incident commander": "alice"}
    oncall("incident", "severity", "inc-1", "SEV1", "--reason", "it spreads")
    oncall("incident", "role", "1", "scribe", "bob")
    oncall("incident", "note", "INC-1", "the queue grew", "--at", "-5m")
    for alias in ("mitigate", "resolve", "close"):
        oncall("incident", alias, "INC-1")
    assert "no open incident" in oncall("incident", "ls").out
    (closed,) = oncall("incident", "ls", "--all", "--json").json["incidents"]
    assert (closed["state"], closed["severity"]) == ("closed", "SEV1")


def test_an_incident_is_opened_in_triage_and_declared_or_cancelled(oncall):
    opened = oncall("incident", "declare", "--triage", "--severity", "SEV2", "P99 is high", "--json").json["incident"]
    assert (opened["state"], opened["label"]) == ("triage", "INC-1")
    assert "opened by alice" in oncall("incident", "show", "1").out
    oncall("incident", "state", "1", "declared")
    (declared,) = oncall("incident", "ls", "--json").json["incidents"]
    assert (declared["state"], set(declared["times"])) == ("declared", {"triage", "detected", "declared"})
    assert "in triage, SEV2 proposed: P99 is high" in oncall("incident", "report", "1").out
    other = oncall("incident", "declare", "--triage", "--severity", "SEV3", "slow", "--json").json["incident"]["label"]
    assert "cancelled" in oncall("incident", "cancel", other, "--reason", "a deploy").out
    assert "SEV3 proposed" in oncall("incident", "report", other).out


def test_the_rules_refuse_with_3_and_a_reason(oncall, incident):
    oncall("incident", "ack", incident)

    again = oncall("incident", "ack", incident, by="bob", code=3)
    assert "was acknowledged by alice" in again.err
    assert again.out == ""
    assert "from there it can become" in oncall("incident", "close", incident, code=3).err
    assert "no incident state" in oncall("incident", "state", incident, "gone", code=3).err
    assert "future" in oncall("incident", "note", incident, "x", "--at", "+5m", code=3).err
    assert "no time" in oncall("incident", "note", incident, "x", "--at", "soon", code=2).err
    assert "read-only" in oncall("--read-only", "incident", "declare", "--severity", "SEV1", "x", code=3).err


@pytest.mark.parametrize(
    "arguments",
    [
        ("incident", "ack", "INC-99"),
        ("incident", "export", "RUN-1"),
        ("run", "show", "RUN-99"),
        ("run", "start", "no-such", "--incident", "INC-1"),
        ("playbook", "show", "no-such"),
        ("handoff", "withdraw", "HO-1", "--reason", "x"),
        ("handoff", "show"),
        ("shift", "note", "nobody hears it"),
    ],
    ids=" ".join,
)
def test_what_there_is_not_is_5_on_one_line_with_what_there_is(oncall, incident, arguments):
    result = oncall(*arguments, code=5)

    assert result.out == ""
    assert len(result.err.splitlines()) == 1
    assert "known" in result.err or "oncall " in result.err


def test_alerts_are_linked_only_while_they_stand(oncall, incident):
    result = oncall("incident", "link", incident, "P99LatencyHigh", code=5)

    assert "alertmanager" in result.err  # why there are none
    assert "refuses the connection" in result.err


def test_the_emergency_rollback_step_by_step(oncall, incident):
    started = oncall("run", "start", "emergency-rollback", "--incident", incident, "--json").json["run"]
    run = started["label"]

    assert [step["id"] for step in started["steps"] if step["status"] == "active"] == ["alert-teams", "disable-flag"]
    oncall("run", "complete", run, "alert-teams", "--observed", "#all-teams 14:02")
    # Live, nothing here sets the flag; and its reading cannot be had: a person closes the step, with a reason.
    assert "by hand" in oncall("run", "flag", run, "disable-flag", code=3).err
    assert "cannot verify" in oncall("run", "complete", run, "disable-flag", "--observed", "0 %", code=3).err
    oncall("run", "complete", run, "disable-flag", "--observed", "0 %", "--override", "Prometheus is down")
    oncall("run", "expire", run, "drain-in-flight", "--observed", "3 left", "--reason", "five minutes are over")
    oncall("run", "fail", run, "verify-legacy", "--reason", "no answer")
    oncall("run", "retry", run, "verify-legacy")
    oncall("run", "complete", run, "verify-legacy", "--observed", "answered", "--override", "seen by hand")
    refused = oncall("run", "complete", run, "clear-state", "--observed", "backup 13:40", "--typed", "yes", code=3)
    assert "CLEAR lighthouse/production" in refused.err
    typed = ("--typed", "CLEAR lighthouse/production")
    assert "second person" in oncall("run", "complete", run, "clear-state", "--observed", "b", *typed, code=3).err
    alone = ("--break-glass", "nobody else is awake", "--link", "https://backup.example.com/42")
    oncall("run", "complete", run, "clear-state", "--observed", "backup 13:40", *typed, *alone)
    assert "BREAK-GLASS: nobody else is awake" in oncall("run", "show", run).out
    oncall("run", "skip", run, "restore-consistency", "--reason", "nothing is missing")
    done = oncall("run", "complete", run, "validate", "--observed", "ok", "--override", "graphs", "--json").json["run"]

    assert done["status"] == "completed"
    assert {step["status"] for step in done["steps"]} == {"done", "expired", "skipped"}
    assert "no run under way" in oncall("run", "ls").out
    assert "completed" in oncall("run", "ls", "--all").out


def test_a_decision_leads_to_another_playbook_and_an_abort_ends_it(oncall, incident):
    run = oncall("run", "start", "p99-latency-high", "--incident", incident, "--json").json["run"]["label"]
    oncall("run", "complete", run, "is-it-real", "--observed", "620 ms")
    oncall("run", "complete", run, "is-it-the-new-path", "--observed", "elicitation only")
    assert "roll-back, repair" in oncall("run", "complete", run, "roll-back-or-repair", "--observed", "x", code=3).err
    oncall("run", "complete", run, "roll-back-or-repair", "--observed", "620 ms", "--option", "roll-back")

    runs = oncall("run", "ls", "--json").json["runs"]
    assert [item["playbook"] for item in runs] == ["emergency-rollback"]
    assert "running" in oncall("incident", "state", incident, "cancelled", "--reason", "x", code=3).err
    oncall("run", "abort", runs[0]["id"], "--reason", "a false alarm")
    assert "unknown" not in oncall("run", "show", run).out


def test_playbooks(oncall, incident):
    assert {item["name"] for item in oncall("playbook", "ls", "--json").json["playbooks"]} >= {
        "emergency-rollback",
        "p99-latency-high",
    }
    assert "IRREVERSIBLE" in oncall("playbook", "show", "emergency-rollback").out
    offered = oncall("playbook", "offer", incident, "--json").json["offers"]
    assert len(offered) == len(oncall("playbook", "ls", "--json").json["playbooks"])


def test_an_export_twice_is_the_same_and_holds_everything(oncall, incident, tmp_path):
    run = oncall("run", "start", "emergency-rollback", "--incident", incident, "--json").json["run"]["label"]
    oncall("run", "complete", run, "alert-teams", "--observed", "told | everyone")
    oncall("incident", "note", incident, "# not a heading <b>", "--at", "-5m")
    oncall("shift", "begin")  # another stream: not part of the incident

    first = oncall("incident", "export", incident).out
    assert oncall("incident", "export", incident).out == first
    assert "(recorded " in first
    assert "alice (self-declared by" in first
    assert "told \\| everyone" in first
    assert "\\# not a heading \\<b\\>" in first
    target = tmp_path / "out.json"
    oncall("incident", "export", incident, "--json", "--output", str(target))
    data = json.loads(target.read_text())
    assert [event["kind"] for event in data["events"]].count("note.added") == 1
    seq, _, chain = data["anchor"].partition(":")
    assert oncall("log", "verify", "--expect", f"{seq}:{chain}").code == 0
    assert (
        oncall("incident", "export", incident, "--output", str(tmp_path / "no" / "x.md"), code=2).err.count("\n") == 1
    )
