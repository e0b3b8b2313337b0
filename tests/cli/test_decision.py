"""`oncall decision`: what it says, what it refuses, what it writes, and whether a file says the same."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest

from console.bootstrap import common

CRITERIA = """criteria:
  - {name: hours, title: Within hours, kind: window, check: "00:00-24:00 UTC", expires: 30m}
  - {name: legacy, title: Legacy path healthy, kind: reading, check: health.wait-for-messages >= 1, required: false}
  - {name: support, title: Support knows, kind: checklist, role: scribe}
  - {name: lead, title: Somebody else agrees, kind: approval, role: incident commander}
"""
LINK = "https://wiki.example/rollout"


@pytest.fixture
def logins(monkeypatch):
    """Who the operating system says is at the keyboard."""

    def at(name):
        monkeypatch.setattr(common, "login", lambda: name)

    return at


@pytest.fixture
def rollout(oncall, logins):
    """A rollout that alice has begun; its criteria ask for people, for hours, and for the legacy path; that is away."""
    oncall.notify()
    plan = oncall.config / "rollout.yaml"
    text, count = re.subn(r"\ncriteria:\n.*?\n(?=\S)", lambda _: f"\n{CRITERIA}", plan.read_text(), flags=re.DOTALL)
    assert count == 1
    text, count = re.subn(r"^(before|smoke): .*\n", "", text, flags=re.MULTILINE)  # runs that are required: elsewhere
    assert count == 2
    plan.write_text(text)
    logins("alice")
    oncall("rollout", "begin", "--revision", "v2", "--yes")
    return oncall


@pytest.fixture
def agreed(rollout, logins):
    """What people have to say was said, by bob."""
    logins("bob")
    rollout("decision", "attest", "support", "--link", LINK, by="bob")
    rollout("decision", "approve", "lead", "--phase", "5", by="bob")
    logins("alice")
    return rollout


CONDITION = ("--condition", "look at the legacy path", "bob", "+2h")


# -- how it stands ----------------------------------------------------------------------------------------------------


def test_the_status_says_what_each_criterion_says_and_ends_with_0_for_go_alone(rollout, logins):
    shown = rollout("decision", "status", code=1)
    assert shown.out.startswith("HOLD  lighthouse/production  0 to 5 %\n")
    assert "  unknown  required  support: nobody has attested it as scribe\n" in shown.out
    assert "  fail     advisory  legacy: health.wait-for-messages >= 1: it is DOWN, from here" in shown.out

    logins("bob")
    rollout("decision", "attest", "support", "--link", LINK, by="bob")
    rollout("decision", "approve", "lead", "--phase", "5", by="bob")
    data = rollout("decision", "status", "--json").json
    assert (data["answer"], data["status"], data["environment"]) == ("go", "CONDITIONAL", "lighthouse/production")
    assert {item["name"]: item["outcome"] for item in data["findings"]} == {
        "hours": "pass", "legacy": "fail", "support": "pass", "lead": "pass",
    }  # fmt: skip
    assert "`oncall decision record CONDITIONAL` records it" in rollout("decision", "status").out


def test_without_a_rollout_in_the_configuration_there_is_nothing_to_decide(oncall):
    oncall.edit(r"\A", "without: [rollout]\n")
    (oncall.config / "rollout.yaml").unlink()
    for path in (oncall.config / "slo" / "guards.yaml", oncall.config / "risks.yaml"):
        path.unlink()
    playbooks = oncall.config / "playbooks"
    for path in [*playbooks.glob("*.yaml"), *(playbooks / "tests").glob("*.yaml")]:
        path.unlink()

    assert "no rollout is configured" in oncall("decision", "status", code=5).err
    assert oncall("decision", "ls").out == "nothing was decided yet\n"


# -- the certificate --------------------------------------------------------------------------------------------------


def test_what_is_not_a_pass_is_refused_with_its_reasons(rollout):
    refused = rollout("decision", "record", "CONDITIONAL", *CONDITION, code=3)

    assert "Support knows: unknown (nobody has attested it as scribe)" in refused.err
    assert "it needs a reason and a second person" in refused.err
    assert rollout("decision", "ls", "--json").json["decisions"] == []


def test_a_decision_is_recorded_shown_exported_and_verified(agreed, tmp_path):
    assert "CONDITIONAL names what is done about it" in agreed("decision", "record", "GO", code=3).err
    assert "14:32" in agreed("decision", "record", "CONDITIONAL", "--condition", "a", "b", "soon", code=2).err
    result = agreed("decision", "record", "conditional", *CONDITION, "--dissent", "carol would wait", "--json").json
    data = result["decision"]
    assert result["saved"]
    assert (data["status"], data["verdict"], data["dissent"]) == ("CONDITIONAL", "go", "carol would wait")
    assert [(item["text"], item["owner"]) for item in data["conditions"]] == [("look at the legacy path", "bob")]
    assert data["anchor"] == result["head"]
    seq = int(data["rests_on"].partition(":")[0])
    assert f"DEC-{seq + 1}" == data["id"]

    assert agreed("decision", "show", "--json").json == data
    for name in (data["id"], data["id"].lower(), str(seq + 1), data["uuid"]):
        assert agreed("decision", "show", name).out.startswith(f"{data['id']}  CONDITIONAL  lighthouse/production  ")
    (row,) = agreed("decision", "ls", "--json").json["decisions"]
    assert (row["id"], row["stands"]) == (data["id"], True)
    assert agreed("decision", "ls").out.startswith(f"{data['id']}  CONDITIONAL  0 to 5 %  by alice  ")

    for name, options in (("c.md", ()), ("c.json", ("--json",))):
        file = tmp_path / name
        agreed("decision", "export", "--output", str(file), *options)
        assert file.stat().st_mode & 0o777 == 0o600
        assert agreed("decision", "export", data["id"], *options).out == file.read_text()
        verified = agreed("decision", "verify", str(file))
        assert f"{data['id']} is in the record as it stands there" in verified.out
        assert agreed("decision", "verify", str(file), "--json").json == {
            "ok": True, "decision": data["id"], "differences": [],
        }  # fmt: skip


def test_a_status_that_is_none_is_refused_in_one_line(rollout):
    refused = rollout("decision", "record", "MAYBE", code=2).err
    assert refused == "oncall: MAYBE: no status of a decision; expected GO, CONDITIONAL or NO-GO\n"


def test_a_decision_that_nobody_took_is_not_found(rollout):
    assert "nothing was decided yet" in rollout("decision", "show", code=5).err
    rollout("decision", "record", "NO-GO")
    assert "no such decision" in rollout("decision", "export", "DEC-1", code=5).err


# -- verifying --------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(agreed, tmp_path):
    agreed("decision", "record", "CONDITIONAL", *CONDITION)
    path = tmp_path / "certificate.md"
    agreed("decision", "export", "--output", str(path))
    return path


def test_a_file_that_was_changed_is_named_line_by_line(agreed, file):
    file.write_text(file.read_text().replace("CONDITIONAL", "GO"))

    shown = agreed("decision", "verify", str(file), code=1)
    assert "line 1: " in shown.out
    assert ": CONDITIONAL' in the record" in shown.out
    found = agreed("decision", "verify", str(file), "--json", code=1).json
    assert not found["ok"]
    assert len(found["differences"]) == 2


def test_a_file_of_another_record_is_none_of_this_one(agreed, file, tmp_path):
    text = file.read_text()
    seq = re.search(r"^Record: (\d+):", text, re.MULTILINE)[1]
    file.write_text(re.sub(r"^Record: \d+:\w+", f"Record: {seq}:{64 * '0'}", text, flags=re.MULTILINE))
    assert (
        "it is about another record, or one of the two was changed"
        in agreed("decision", "verify", str(file), code=1).out
    )
    first = agreed("log", "tail", "--all", "-n", "999", "--json").out.splitlines()[0]
    anchor = f"Record: 1:{json.loads(first)['hash']}"
    file.write_text(re.sub(r"^Record: .*", anchor, text, flags=re.MULTILINE))
    assert "event 1 is no decision" in agreed("decision", "verify", str(file), code=1).out
    file.write_text(re.sub(r"^Record: \d+", "Record: 9999", text, flags=re.MULTILINE))
    assert "event 9999 is not in this record, which ends at" in agreed("decision", "verify", str(file), code=1).out
    file.write_text("no certificate\n")
    assert "it names no SEQ:HASH" in agreed("decision", "verify", str(file), code=1).out
    file.write_bytes(b"\xff\xfe\x00")
    assert "it names no SEQ:HASH" in agreed("decision", "verify", str(file), code=1).out
    agreed("decision", "verify", str(tmp_path / "none.md"), code=2)


@pytest.mark.parametrize("as_", ["replace(payload, 'e', 'E')", "CAST(replace(payload, 'e', 'o') AS BLOB)", "x'00'"])
@pytest.mark.parametrize("where", ["kind = 'decision.certified'", "seq = 1"])
def test_a_record_that_was_changed_is_found(agreed, file, where, as_):
    with sqlite3.connect(agreed.journal) as connection:
        connection.execute("DROP TRIGGER events_are_not_changed")
        connection.execute(f"UPDATE events SET payload = {as_} WHERE {where}")
    connection.close()

    shown = agreed("decision", "verify", str(file), code=1)
    assert "the record: event " in shown.out
    assert "it was changed" in shown.out


# -- people -----------------------------------------------------------------------------------------------------------


def test_who_says_what_is_checked(rollout, logins):
    assert "alice began the rollout" in rollout("decision", "approve", "lead", "--phase", "5", code=3).err
    logins("carol")
    assert (
        "it is for the incident commander"
        in rollout("decision", "approve", "lead", "--phase", "5", by="carol", code=3).err
    )
    assert "with a link" in rollout("decision", "attest", "support", by="carol", code=3).err
    said = rollout("decision", "attest", "support", "--fails", "--note", "nobody told me", "--json", by="carol").json
    assert said["attestation"]["holds"] is False
    assert "no criterion of the kind checklist" in rollout("decision", "attest", "lead", by="carol", code=3).err
    logins("bob")
    shown = rollout("decision", "approve", "lead", "--phase", "5", "--withdraw", by="bob")
    assert "WITHDRAWN" in shown.out
    assert "no phase" in rollout("decision", "approve", "lead", "--phase", "7", by="bob", code=3).err


def test_against_the_findings_with_a_second_person_and_alone(rollout, logins):
    asked = ("decision", "record", "GO", "--override", "the legacy path is not needed any more")
    assert "nobody is named" in rollout(*asked, code=3).err
    assert "has not agreed in the last hour" in rollout(*asked, "--second", "bob", code=3).err
    logins("bob")
    rollout("decision", "approve", "override", "--phase", "5", "--note", "I looked", by="bob")
    logins("alice")
    data = rollout(*asked, "--second", "bob", "--json").json["decision"]
    assert (data["status"], data["verdict"], data["second"]) == ("GO", "hold", "bob")
    assert all(item["waived"] for item in data["findings"] if item["outcome"] != "pass")

    alone = rollout(*asked, "--break-glass", "nobody answers")
    assert "ALONE, the glass broken: nobody answers" in alone.out
    assert "**Alone, the glass broken**: nobody answers" in rollout("decision", "export").out


def test_another_name_of_the_same_login_is_nobody_else(rollout):
    """Everybody acts from alice's login here."""
    assert "alice began the rollout" in rollout("decision", "approve", "lead", "--phase", "5", by="bob", code=3).err
    agreed = rollout("decision", "approve", "override", "--phase", "5", "--note", "fine", by="bob", code=3)
    assert "not surely another person" in agreed.err

    refused = rollout("decision", "record", "GO", "--override", "why not", "--second", "bob", code=3)
    assert "not surely another person" in refused.err


# -- what the next phase rests on -------------------------------------------------------------------------------------


@pytest.fixture
def flagged(agreed):
    """Production's flag is behind two programs, and at 0 %."""
    oncall = agreed
    programs = 'read: [./read, "{flag}"], write: [./write, "{percent}", "{flag}"]'
    flags = f"\n    flags: {{type: command, {programs}, timeout: 5s}}\n"
    oncall.edit(r"(?<=\n)    notify: \{\}\n", f"    notify: {{}}{flags}")
    for name, text in (("read", "cat"), ("write", "echo $1 >")):
        program = oncall.config / name
        program.write_text(f'#!/bin/sh\n{text} "$(dirname "$0")/percent"\n')
        program.chmod(0o700)
    (oncall.config / "percent").write_text("0\n")
    return oncall


def test_the_next_phase_rests_on_the_newest_decision_for_exactly_it(flagged):
    promote = ("rollout", "promote", "--yes")
    share = flagged.config / "percent"
    assert "no decision is recorded for 0 to 5 %" in flagged(*promote, code=3).err

    flagged("decision", "record", "CONDITIONAL", *CONDITION)
    flagged("decision", "record", "NO-GO", "--override", "not before the demo")
    assert "says NO-GO" in flagged(*promote, code=3).err
    assert share.read_text() == "0\n"
    flagged("decision", "record", "conditional", *CONDITION)
    assert "DEC-99: there is no such decision" in flagged(*promote, "--decision", "DEC-99", code=5).err
    newest = flagged("decision", "ls", "--json").json["decisions"][-1]["id"]
    flagged(*promote, "--decision", newest.removeprefix("DEC-"))
    assert share.read_text() == "5\n"
    assert "5 % is set and not entered yet" in flagged(*promote, code=3).err  # no server measures the share
    assert flagged("decision", "status", "--json", code=1).json["to_percent"] == 25


def test_an_approval_that_was_withdrawn_ends_the_decision(flagged, logins):
    flagged("decision", "record", "CONDITIONAL", *CONDITION)
    logins("bob")
    flagged("decision", "approve", "lead", "--phase", "5", "--withdraw", by="bob")

    assert "bob withdrew the approval 'lead'" in flagged("rollout", "promote", "--yes", code=3).err
    assert (flagged.config / "percent").read_text() == "0\n"
