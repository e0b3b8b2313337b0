"""The response to an incident from the command line, on a real journal."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def incident(oncall):
    oncall.notify()
    return oncall("incident", "declare", "--severity", "SEV2", "P99 is high", "--json").json["incident"]["label"]


def shown(oncall, incident):
    return oncall("incident", "show", incident, "--json").json["incident"]


def test_the_first_level_is_told_with_the_declaration(oncall, incident):
    (level,) = shown(oncall, incident)["escalations"]

    assert (level["level"], level["role"], level["nobody"]) == (1, "primary", False)
    assert level["people"][0]["person"] == "alice"
    assert "level 1 primary" in oncall("incident", "show", incident).out


def test_escalated_twice_as_of_the_same_level_is_once(oncall, incident):
    oncall("incident", "escalate", incident, "--as-of", "1", "--reason", "alice is on a plane")

    again = oncall("incident", "escalate", incident, "--as-of", "1", by="bob", code=3)
    assert "was escalated to level 2 (secondary) by alice" in again.err
    assert [level["level"] for level in shown(oncall, incident)["escalations"]] == [1, 2]
    oncall("incident", "escalate", incident)  # as of what stands now
    assert shown(oncall, incident)["level"] == 3


def test_given_back_the_escalation_goes_on(oncall, incident):
    oncall("incident", "ack", incident)
    assert "acknowledged" in oncall("incident", "show", incident).out

    oncall("incident", "unack", incident, "--reason", "wrong team")
    data = shown(oncall, incident)
    assert data["acknowledged_at"] is None
    assert [level["role"] for level in data["escalations"]] == ["primary", "secondary"]
    assert "NOT ACKNOWLEDGED" in oncall("incident", "show", incident).out
    assert "nobody has acknowledged" in oncall("incident", "unack", incident, "--reason", "x", code=3).err


def test_tasks(oncall, incident):
    oncall("incident", "task", "add", incident, "drain the queue", "--owner", "bob", "--due", "+30m")
    oncall("incident", "task", "add", incident, "an alert on the queue", "--kind", "detect")
    oncall("incident", "task", "assign", incident, "t2", "carol")
    oncall("incident", "task", "done", incident, "T1", "--result", "it is empty")

    (left,) = oncall("incident", "task", "ls", incident, "--json").json["tasks"]
    assert (left["id"], left["owner"], left["kind"]) == ("T2", "carol", "detect")
    assert "it is empty" in oncall("incident", "task", "ls", incident, "--all").out
    assert "was done" in oncall("incident", "task", "done", incident, "T1", code=3).err
    assert "known: T1, T2" in oncall("incident", "task", "drop", incident, "T9", "--reason", "x", code=5).err
    oncall("incident", "task", "drop", incident, "T2", "--reason", "there is one")
    assert oncall("incident", "task", "ls", incident).out == "no open task\n"
    assert "has passed" in oncall("incident", "task", "add", incident, "x", "--due", "-5m", code=3).err


def test_decisions(oncall, incident):
    arguments = ["--reason", "errors rise", "--option", "wait", "--expected", "P99 < 300 ms", "--check-at", "+10m"]
    oncall("incident", "decide", incident, "roll back", *arguments)
    assert "left to check D1" in oncall("incident", "show", incident).out

    oncall("incident", "observe", incident, "d1", "P99 is 240 ms")
    (decision,) = shown(oncall, incident)["decisions"]
    assert (decision["options"], decision["observed"]) == (["wait"], "P99 is 240 ms")
    assert "noted at" in oncall("incident", "observe", incident, "D1", "x", code=3).err
    assert "known: D1" in oncall("incident", "observe", incident, "D7", "x", code=5).err


def test_updates_promise_the_next_one(oncall, incident):
    oncall("incident", "update", incident, "--conditions", "P99 620 ms", "--needs", "a DBA", "--next", "20m")

    (update,) = shown(oncall, incident)["updates"]
    assert (update["conditions"], update["actions"], update["needs"]) == ("P99 620 ms", "", "a DBA")
    text = oncall("incident", "show", incident).out
    assert "needs: a DBA" in text
    assert "left to update" in text
    assert "empty" in oncall("incident", "update", incident, code=3).err
    assert "no duration" in oncall("incident", "update", incident, "--needs", "x", "--next", "soon", code=2).err


def test_times_and_impact(oncall, incident):
    oncall("incident", "time", incident, "impact-started", "-20m", "--estimated")
    oncall("incident", "impact", incident, "failed requests", "1,204", "--evidence", "Prometheus 14:00-14:20")

    text = oncall("incident", "show", incident).out
    assert "(estimated)" in text
    assert "failed requests: 1,204" in text
    assert "no time of an incident" in oncall("incident", "time", incident, "lunch", "-5m", code=3).err
    assert "future" in oncall("incident", "time", incident, "detected", "+5m", code=3).err
    assert "expected 14:32" in oncall("incident", "time", incident, "detected", "soon", code=2).err


def test_merged_into_another_one(oncall, incident):
    other = oncall("incident", "declare", "--severity", "SEV1", "all is slow", "--json").json["incident"]["label"]
    oncall("incident", "task", "add", incident, "call the bank")

    oncall("incident", "merge", incident, other, "--reason", "one cause")
    assert shown(oncall, incident)["state"] == "merged"
    assert [task["text"] for task in shown(oncall, other)["tasks"]] == ["call the bank"]
    assert incident not in oncall("incident", "ls").out
    assert f"merged into {other}" in oncall("incident", "ls", "--all").out
    assert f"merged into {other}: one cause" in oncall("incident", "export", incident).out
    assert f"goes on in {other}" in oncall("incident", "show", incident).out
    assert f"- Merged into: {other}" in oncall("incident", "report", incident).out
    assert f"- Merged in: {incident}" in oncall("incident", "report", other).out
    assert "merged into itself" in oncall("incident", "merge", other, other, "--reason", "x", code=3).err


def test_reopened_and_cancelled_need_a_reason(oncall, incident):
    oncall("incident", "mitigate", incident)
    assert "--reason" in oncall("incident", "reopen", incident, code=2).err
    oncall("incident", "reopen", incident, "--reason", "it is back")

    assert shown(oncall, incident)["state"] == "investigating"
    oncall("incident", "cancel", incident, "--reason", "a drill of somebody else")
    assert shown(oncall, incident)["state"] == "cancelled"


def test_the_search_finds_every_word_anywhere(oncall, incident):
    oncall("incident", "declare", "--severity", "SEV4", "a blip")
    oncall("incident", "role", incident, "scribe", "carol")
    oncall("incident", "task", "add", incident, "drain the queue")

    for search in ("p99", "carol sev2", "QUEUE", incident):
        assert [item["label"] for item in oncall("incident", "ls", "--search", search, "--json").json["incidents"]] == [
            incident
        ]
    assert oncall("incident", "ls", "--search", "carol blip").out == "no such incident\n"


def test_corrections_stand_beside_the_line_they_correct(oncall, incident):
    oncall("incident", "note", incident, "the *first* deploy", "--at", "-30m")
    tail = [json.loads(line) for line in oncall("log", "tail", "--json").out.splitlines()]
    (note,) = [line["seq"] for line in tail if line["kind"] == "note.added"]

    oncall(
        "incident", "correct", incident, str(note), "--text", "the second deploy", "--at", "-40m", "--reason", "typo"
    )
    events = oncall("incident", "export", incident, "--json").json["events"]
    (line,) = [event for event in events if event["seq"] == note]
    assert line["late"] is True
    assert "the second deploy" in line["corrections"][0]["what"]
    assert [event["corrections"] for event in events if event["seq"] != note] == [[] for _ in events[1:]]
    lines = oncall("incident", "export", incident).out.splitlines()
    at = next(number for number, text in enumerate(lines) if "first" in text)
    assert "(recorded " in lines[at]
    assert "CORRECTED" in lines[at + 1]
    assert "the second deploy" in lines[at + 1]
    assert "no such event of" in oncall("incident", "correct", incident, "9999", "--text", "x", code=5).err
    assert "no such event of" in oncall("incident", "correct", incident, "0", "--text", "x", code=5).err
    assert "is empty" in oncall("incident", "correct", incident, str(note), code=3).err


def test_an_old_incident_of_another_environment_is_shown_too(oncall, incident):
    oncall("--env", "staging", "incident", "declare", "--severity", "SEV5", "a question")
    (other,) = [item for item in oncall("incident", "ls", "--json").json["incidents"] if item["severity"] == "SEV5"]

    assert "lighthouse/staging" in oncall("incident", "show", other["label"]).out
