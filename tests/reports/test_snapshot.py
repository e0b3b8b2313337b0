"""What `status --json` says of a rollout: the verdicts with what they rest on, and what is recommended."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from console.model.verdict import Verdict
from console.reports.snapshot import snapshot
from tests.view import boards, rollouts


def passed():
    """Every guardrail of the phase is judged, and passes."""
    board = rollouts.passed()
    names = {item.guardrail for item in board.progress.judged}
    kept = tuple(item for item in board.rollout.guardrails if item.rule.name in names)
    return replace(board, rollout=replace(board.rollout, guardrails=kept))


@pytest.mark.parametrize(
    ("board", "verdict"),
    [
        (rollouts.breached(), "breach"),
        (rollouts.inconclusive(), "inconclusive"),
        (passed(), "pass"),
        (boards.quiet(), None),
    ],
)
def test_the_verdict_of_each_guardrail_and_of_all(board, verdict):
    found = json.loads(json.dumps(snapshot(board)))["rollout"]
    assert found["verdict"] == verdict
    known = {item.guardrail: item for item in board.progress.judged} if board.progress is not None else {}
    for item in found["guardrails"]:
        judged = known.get(item["name"])
        if judged is None:
            assert item["judged"] is None
            continue
        told = item["judged"]
        assert (told["verdict"], told["value"], told["limit"]) == (judged.verdict, judged.value, judged.limit)
        assert (told["margin"], told["samples"]) == (pytest.approx(judged.margin), judged.samples)
        assert told["why"] == judged.why
        assert told["more"] == (judged.more.total_seconds() if judged.more is not None else None)
    names = [item["name"] for item in found["guardrails"] if (item["judged"] or {}).get("verdict") == "breach"]
    assert bool(found["recommendation"]) == bool(names) == (verdict == "breach")


def test_a_breach_recommends_to_roll_back_with_its_reason():
    board = rollouts.breached()
    item = next(item for item in board.progress.judged if item.verdict is Verdict.BREACH)
    assert snapshot(board)["rollout"]["recommendation"] == {
        "act": "roll back",
        "why": [{"guardrail": item.title, "why": item.why}],
    }


def test_a_guardrail_that_is_not_judged_is_no_pass_of_all():
    assert snapshot(rollouts.passed())["rollout"]["verdict"] == "inconclusive", "nothing judges what is undelivered"
    board = passed()
    less = replace(board, progress=replace(board.progress, judged=board.progress.judged[1:]))
    assert snapshot(less)["rollout"]["verdict"] == "inconclusive"
