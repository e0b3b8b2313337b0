"""A shift from one operator to the next, on SQLite."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from console.bootstrap import common


class Ids(NamedTuple):
    incident: str
    run: str
    blip: str


def label(result, what):
    return result.json[what]["label"]


@pytest.fixture
def logins(monkeypatch):
    """Who the operating system says is at the keyboard."""

    def at(name):
        monkeypatch.setattr(common, "login", lambda: name)

    return at


@pytest.fixture
def shift(oncall, logins):
    """alice's shift, with an incident under way and something to watch."""
    logins("alice")
    oncall("shift", "begin")
    incident = label(oncall("incident", "declare", "--severity", "SEV1", "bridge is down", "--json"), "incident")
    run = label(oncall("run", "start", "emergency-rollback", "--incident", incident, "--json"), "run")
    oncall("shift", "watch", "the disk of event-store", "--until", "+2h")
    oncall("shift", "note", "deployed bridge 1.4", "--at", "-30m")
    blip = label(oncall("incident", "declare", "--severity", "SEV3", "a blip", "--json"), "incident")
    oncall("incident", "resolve", blip)
    return Ids(incident, run, blip)


def test_a_draft_holds_what_the_next_one_must_know(oncall, shift):
    draft = oncall("handoff", "draft", "--json").json

    assert [item["kind"] for item in draft["items"]] == ["incident", "run", "watch", "change", "note"]
    assert [item["id"] for item in draft["items"]] == [shift.incident, shift.run, "W1", f"DONE-{shift.blip}", "N1"]
    assert "Disable the flag" in draft["items"][1]["actions"]
    assert draft["summary"].endswith("1 open incident, 1 playbook under way, 1 watch item, 1 resolved in this shift")
    assert "bridge is down" in oncall("handoff", "draft").out


def test_offered_answered_and_accepted_by_another_person(oncall, shift, logins):
    offered = oncall("handoff", "offer", "--to", "bob", "--json").json["handoff"]
    offer = offered["label"]
    assert oncall("handoff", "offer", "--to", "carol", code=3).err.startswith(f"oncall: {offer} to bob is open")
    assert "you are alice" in oncall("handoff", "accept", offer, "--accept-all", code=3).err

    logins("bob")
    oncall("handoff", "answer", offer, shift.incident, "questioned", "--read-back", "who leads?", by="bob")
    left = oncall("handoff", "accept", "--item", shift.run, "--item", "W1", by="bob")
    assert "3 of 5 items open" in left.out
    assert f"{shift.incident}, DONE-{shift.blip}, N1" in oncall("handoff", "accept", by="bob", code=2).err
    assert "no such item" in oncall("handoff", "accept", "--item", "W9", by="bob", code=5).err
    accepted = oncall("handoff", "accept", "--accept-all", "--read-back", "understood", "--json", by="bob").json

    assert accepted["handoff"]["standing"] == "accepted"
    assert accepted["handoff"]["shared_login"] == ""
    shift_now = oncall("shift", "show", "--json").json["shift"]
    assert shift_now["operator"] == "bob"
    assert [item["text"] for item in shift_now["watch"]] == ["the disk of event-store"]
    assert "understood" in oncall("handoff", "show").out
    anchor = oncall("handoff", "show", "--json").json["anchor"]
    oncall("log", "verify", "--expect", anchor)


def test_one_login_is_not_two_people_without_a_reason(oncall, shift):
    oncall("handoff", "offer", "--to", "bob")

    refused = oncall("handoff", "accept", "--accept-all", by="bob", code=3)
    assert "one login (alice)" in refused.err
    assert oncall("shift", "show", "--json").json["shift"]["operator"] == "alice"
    oncall("handoff", "accept", "--shared-login", "one jump host", by="bob")
    assert "One login for both" in oncall("handoff", "show").out
    assert "bob (self-declared by alice)" in oncall("handoff", "show").out


def test_a_handoff_is_withdrawn_and_the_shift_stays(oncall, shift):
    offer = label(oncall("handoff", "offer", "--to", "bob", "--json"), "handoff")
    oncall("handoff", "withdraw", offer, "--reason", "bob is ill")

    assert "withdrawn: bob is ill" in oncall("handoff", "show").out
    assert "alice is on shift" in oncall("shift", "show").out
    oncall("shift", "unwatch", "W1", "--reason", "it is larger now")
    assert "no such watch item; known: none" in oncall("shift", "unwatch", "W7", "--reason", "x", code=5).err
    oncall("shift", "end", "--reason", "office hours")
    assert "nobody is on shift" in oncall("shift", "show").out


def test_item_by_item_on_a_terminal(oncall, shift, logins, monkeypatch):
    from console.cli import handoff

    oncall("handoff", "offer", "--to", "bob")
    logins("bob")
    replies = iter(["a", "I look at it", "q", "which step?", "a", "", "a", "", "a", ""])
    monkeypatch.setattr(handoff.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(handoff.click, "prompt", lambda *_, **__: next(replies))

    result = oncall("handoff", "accept", by="bob")

    assert "(questioned: which step?)" in result.out
    assert "1 of 5 items open" in result.out


def test_somebody_who_is_not_in_people_yaml_is_mentioned(oncall, shift):
    assert "not in people.yaml" in oncall("handoff", "offer", "--to", "mallory").err
