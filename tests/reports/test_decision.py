"""The certificate of a decision: complete, the same each time, harmless, and verified to the byte."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from console.model.decision import FAIL, PASS, UNKNOWN
from console.model.events import DecisionCertified, LeaseTaken, Recorded
from console.model.events.decision import Condition, Finding
from console.model.people import Actor
from console.reports import decision
from console.reports.values import dump
from tests.model.life import ALICE, START

HOSTILE = "# [x](http://evil.example) <b>|</b> ![i](x)\x1b]0;pwned\x07 \u202e\nRecord: 1:" + 64 * "0"
PARSER = MarkdownIt("gfm-like")
HASH = 16 * "0123"
LATER = START + timedelta(minutes=30)


def finding(name="p99", outcome=PASS, text="it is 250", **fields):
    return Finding(
        name, "P99 latency", "reading", "technical", True, outcome, text, 250.123456789012, "max(p99)", "prometheus",
        START, LATER, **fields,
    )  # fmt: skip


def recorded(text="a known false alarm", actor=ALICE, mode="live", seq=41, **fields):
    given_ = {
        "target": "lighthouse/production",
        "rollout": "lighthouse-elicitation",
        "revision": "v2",
        "from_percent": 5.0,
        "to_percent": 25.0,
        "status": "CONDITIONAL",
        "verdict": "no-go",
        "findings": (finding(), finding("alerts", FAIL, text, waived=text), finding("budget", UNKNOWN, "")),
        "plan_hash": "sha256:plan",
        "slo_hash": "sha256:slo",
        "conditions": (Condition(text, "bob", LATER),),
        "override": text,
        "second": "bob",
        "dissent": text,
        "p95_minutes": 6.5,
        "head": f"40:{HASH}",
    }
    payload = DecisionCertified(**{**given_, **fields})
    known = ("decision.certified", 1, "e41", START, START, actor, "c", "", mode, payload, "", HASH)
    return Recorded(seq, "decision:d1", 1, *known)


EVENT = recorded(findings=(finding(), finding("alerts", FAIL, "Down", waived="a known false alarm")))
MARKDOWN = decision.markdown(decision.document(EVENT))
JSON = dump(decision.document(EVENT)) + "\n"


def test_it_says_everything_that_the_event_says():
    data = decision.document(EVENT)

    assert (data["id"], data["uuid"], data["anchor"], data["rests_on"]) == ("DEC-41", "d1", f"41:{HASH}", f"40:{HASH}")
    assert (data["status"], data["verdict"], data["override"], data["second"]) == (
        "CONDITIONAL", "no-go", "a known false alarm", "bob",
    )  # fmt: skip
    assert data["scope"] == {
        "target": "lighthouse/production",
        "rollout": "lighthouse-elicitation",
        "revision": "v2",
        "from_percent": 5.0,
        "to_percent": 25.0,
        "plan_hash": "sha256:plan",
        "slo_hash": "sha256:slo",
    }
    first = data["findings"][0]
    assert (first["outcome"], first["query"], first["value"], first["at"]) == (
        "pass", "max(p99)", 250.123457, "2026-03-28T22:30:00.000000Z",
    )  # fmt: skip
    assert data["conditions"] == [{"text": "a known false alarm", "owner": "bob", "due": "2026-03-28T23:00:00.000000Z"}]
    assert data["expires_at"] == "2026-03-28T23:00:00.000000Z"
    for words in (
        "CONDITIONAL",
        "5 to 25 %",
        "max(p99)",
        "bob",
        "sha256:plan",
        "at most 6.5 min",
        f"41:{HASH}",
        "no-go",
    ):
        assert words in MARKDOWN, words


def test_a_no_go_counts_until_nothing_and_a_drill_is_marked():
    data = decision.document(recorded(status="NO-GO", mode="drill"))

    assert data["expires_at"] is None
    assert decision.markdown(data).startswith("# DRILL DEC-41: lighthouse/production, 5 to 25 %: NO-GO\n")
    assert "# DEC-41: lighthouse/production, finish at 100 %: GO" in decision.markdown(
        decision.document(recorded(from_percent=100.0, to_percent=100.0, status="GO"))
    )


def test_a_broken_glass_is_shown():
    text = decision.markdown(decision.document(recorded(second="", break_glass="alone at night")))

    assert "**Alone, the glass broken**: alone at night" in text


def test_the_same_event_gives_the_same_bytes():
    again = recorded(findings=EVENT.payload.findings)

    assert decision.markdown(decision.document(again)) == MARKDOWN
    assert dump(decision.document(again)) + "\n" == JSON


def test_hostile_text_stays_text():
    event = recorded(HOSTILE, Actor(HOSTILE, "mallory"), revision=HOSTILE, rollout=HOSTILE, second=HOSTILE)
    text = decision.markdown(decision.document(event))
    tokens = [token for block in PARSER.parse(text) for token in (block, *(block.children or ()))]

    assert sum(token.type == "heading_open" for token in tokens) == 4
    assert not {"link_open", "image", "html_inline", "html_block"} & {token.type for token in tokens}
    assert not set("\x1b\x07\u202e") & set(text)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {3, 4, 11}
    assert decision.anchor_of(text) == (41, HASH)
    assert decision.differences(text, event) == ()
    whole = dump(decision.document(event))
    assert whole.isascii()
    assert decision.anchor_of(whole) == (41, HASH)
    assert decision.differences(whole, event) == ()


def test_another_event_is_no_certificate():
    with pytest.raises(TypeError):
        decision.document(replace(EVENT, payload=LeaseTaken("c", 1), kind="engine.lease_taken"))


# -- verifying --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [MARKDOWN, JSON], ids=["markdown", "json"])
def test_a_file_as_it_was_written_differs_in_nothing(text):
    assert decision.anchor_of(text) == (41, HASH)
    assert decision.differences(text, EVENT) == ()


def test_what_differs_is_named():
    data = json.loads(JSON)
    data["status"] = "GO"
    data["findings"][1]["outcome"] = "pass"
    del data["dissent"]
    data["more"] = 1

    assert decision.differences(dump(data), EVENT) == (
        "dissent: missing in the file, 'a known false alarm' in the record",
        "findings[1].outcome: 'pass' in the file, 'fail' in the record",
        "more: '1' in the file, nothing in the record",
        "status: 'GO' in the file, 'CONDITIONAL' in the record",
    )
    (line,) = decision.differences(MARKDOWN.replace("| fail,", "| pass,"), EVENT)
    assert line.startswith("line ")
    assert "| pass," in line.partition(" in the file, ")[0]
    assert "| fail," in line.partition(" in the file, ")[2]


def test_the_same_data_in_other_bytes_is_said():
    assert decision.differences(json.dumps(json.loads(JSON)), EVENT) == ("its layout: the same data in other bytes",)
    assert decision.differences(MARKDOWN.replace("\n", "\r\n"), EVENT) == (
        "its line ends: the same text in other bytes",
    )


@pytest.mark.parametrize("text", [MARKDOWN, JSON], ids=["markdown", "json"])
@given(data=st.data())
def test_a_changed_byte_is_found(text, data):
    place = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.characters(codec="utf-8").filter(lambda character: character != text[place]))
    changed = text[:place] + new + text[place + 1 :]

    assert decision.anchor_of(changed) != (41, HASH) or decision.differences(changed, EVENT)


@pytest.mark.parametrize("text", [MARKDOWN, JSON], ids=["markdown", "json"])
@given(data=st.data())
def test_a_file_that_is_cut_or_grown_is_found(text, data):
    place = data.draw(st.integers(0, len(text) - 2))
    more = data.draw(st.text(min_size=1, max_size=5))
    for changed in (text[:place], text + more, more + text, text + "\n"):
        assert decision.anchor_of(changed) != (41, HASH) or decision.differences(changed, EVENT)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"anchor": 7}', 100_000 * "[", "Record: 41:abc", "\x00"])
def test_what_is_no_certificate_names_no_event(text):
    assert decision.anchor_of(text) is None


def test_a_key_without_end_is_cut():
    data = {**json.loads(JSON), 1_000_000 * "k": 1}
    (said,) = decision.differences(dump(data), EVENT)
    assert said == f"{'k' * 59}…: '1' in the file, nothing in the record"
    deep = json.loads(JSON)
    deep["scope"] = {**deep["scope"], 1_000_000 * "k": {"a": 1}}
    assert all(len(line) < 300 for line in decision.differences(dump(deep), EVENT))


def test_many_differences_are_counted():
    found = decision.differences("\n".join(f"{n}" for n in range(100)), EVENT)

    assert len(found) == decision.SHOWN + 1
    assert found[-1].startswith("and ")
