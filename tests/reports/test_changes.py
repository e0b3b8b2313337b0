"""What a log without a screen says of the response: who was told, what is not sent, what is owed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from console.model.care import AlertCare
from console.model.change import Change, ChangeKind, ChangeStatus
from console.model.escalation import Reach
from console.model.incident import Incident, IncidentState
from console.model.judge import judge_value
from console.model.message import Act, Delivery, DeliveryState, Message
from console.model.pager import PagerStatus
from console.model.people import Actor, Severity
from console.model.response import Escalation, PagerLink
from console.model.rolling import RolloutState
from console.model.verdict import Verdict
from console.reports.changes import changes
from tests.view import boards, rollouts

ALICE = Actor("alice", "alice")
BOARD = boards.busy()
NOW = BOARD.at
INCIDENT = Incident(
    "i1", 7, 1, "slow", Severity.SEV2, IncidentState.DECLARED, "lighthouse", "production", NOW, ALICE, "live"
)


def news(before, after):
    """Of two Boards that differ in these fields."""
    return changes(replace(BOARD, **before), replace(BOARD, **after))


def test_each_level_is_a_line_and_nobody_is_loud():
    bob = Escalation(1, "primary", NOW, (Reach("bob", (("phone", "1"),)),))
    told = replace(INCIDENT, escalations=(bob,))
    silent = replace(told, escalations=(bob, Escalation(2, "lead", NOW, (Reach("carol"),))))

    assert news({"incidents": (INCIDENT,)}, {"incidents": (told,)}) == [
        "escalation of INC-7: level 1 primary: bob reachable by phone"
    ]
    (line,) = news({"incidents": (told,)}, {"incidents": (silent,)})
    assert line == "escalation of INC-7: level 2 lead (was level 1 primary): NOBODY ON CALL carol NO WAY TO REACH"


def test_a_page_and_an_overdue_update():
    link = PagerLink("PX", "key", True, policy="L")
    paged = replace(INCIDENT, pages={"PX": link}, update_overdue=True)
    taken = replace(paged, pages={"PX": replace(link, status=PagerStatus.ACKNOWLEDGED, by="Bob")}, update_overdue=False)

    assert news({"incidents": (paged,)}, {"incidents": (taken,)}) == [
        "page PX of INC-7: acknowledged (was triggered): by Bob",
        "update of INC-7: sent, or not asked for any more",
    ]


def test_what_is_not_sent_is_a_line_and_so_is_its_end():
    queued = Delivery("d1234567890", "slack", Act.POST, Message("k", "down", NOW), NOW)
    failing = replace(queued, state=DeliveryState.FAILING, error="refused", attempts=1)
    given_up = replace(failing, state=DeliveryState.FAILED, ended_at=NOW)

    assert news({"deliveries": ()}, {"deliveries": (queued,)}) == []
    assert news({"deliveries": (queued,)}, {"deliveries": (failing,)}) == [
        "message to slack d1234567: NOT SENT: refused"
    ]
    assert news({"deliveries": (failing,)}, {"deliveries": (given_up,)}) == [
        "message to slack d1234567: NOT SENT, given up (was NOT SENT): refused"
    ]
    sent = replace(failing, state=DeliveryState.SENT)
    assert news({"deliveries": (failing,)}, {"deliveries": (sent,)}) == [
        "message to slack d1234567: sent, or not needed"
    ]


def test_a_change_whose_outcome_nobody_knows_is_loud():
    change = Change("c1", 9, 1, ChangeKind.SILENCE, "am", "silence x", "expire", NOW, ALICE, ChangeStatus.INTENDED)
    change = replace(change, expires_at=NOW + timedelta(hours=1))

    assert news({"changes": ()}, {"changes": (change,)}) == ["change CHG-9: OUTCOME UNKNOWN: silence x"]
    undone = replace(change, state=ChangeStatus.UNDONE)
    assert news({"changes": (change,)}, {"changes": (undone,)}) == ["change CHG-9: not owed any more"]


def test_who_takes_an_alert():
    alert = BOARD.feed.active[0]
    care = AlertCare(alert.fingerprint, alert.name, 1, NOW, "bob", "PagerDuty", alert.starts_at)
    name = f"alert {alert.name} {alert.fingerprint[:8]}"

    assert news({"care": {}}, {"care": {alert.fingerprint: care}}) == [f"owner of {name}: bob: PagerDuty"]
    assert news({"care": {alert.fingerprint: care}}, {"care": {}}) == [f"owner of {name}: nobody has it"]


def lines_of(board, subject):
    return [line for line in changes(None, board) if line.startswith(subject)]


def test_a_guardrail_is_told_as_it_is_judged_and_not_as_its_value_stands_alone():
    board = rollouts.inconclusive()
    for item in (*board.progress.judged, *rollouts.baking().progress.judged):
        if item.verdict is Verdict.PASS:
            board = rollouts.baking()
        (line,) = lines_of(board, f"guardrail {item.guardrail}: ")
        told = {Verdict.PASS: "pass", Verdict.INCONCLUSIVE: "INCONCLUSIVE"}[item.verdict]
        assert line.split(": ")[1].endswith(told), line
        assert item.why in line
    assert lines_of(board, "recommended") == []


def test_a_breach_is_told_with_what_is_recommended_until_that_is_under_way():
    board = rollouts.breached()
    item = next(item for item in board.progress.judged if item.verdict is Verdict.BREACH)
    (line,) = lines_of(board, f"guardrail {item.guardrail}: ")
    assert ": BREACH: " in line
    assert item.why in line
    assert lines_of(board, "recommended") == [f"recommended: ROLL BACK: {item.title}: {item.why}"]
    record = replace(board.progress.record, state=RolloutState.ROLLING_BACK)
    assert "recommended: no rollback is recommended any more" in changes(
        board, replace(board, progress=replace(board.progress, record=record))
    )


def test_a_value_that_is_judged_alone_is_said_once():
    board = rollouts.inconclusive()
    (item,) = [item for item in board.rollout.guardrails if item.rule.name == "undelivered"]
    judged = judge_value([item], board.at)
    told = replace(board, progress=replace(board.progress, judged=(judged,)))
    assert lines_of(told, "guardrail undelivered") == [f"guardrail undelivered: INCONCLUSIVE: {judged.why}"]


def test_a_value_that_nothing_judges_is_told_alone():
    board = rollouts.inconclusive()
    alone = replace(board, progress=replace(board.progress, judged=()))
    assert lines_of(alone, "guardrail p99: ") == ["guardrail p99: ok: 182 ms"]
