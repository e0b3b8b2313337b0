"""What the rollout, the way back and the decision look like: what is to be done first, and unknown never green."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model.board import LeaseView
from console.model.decision import Answer
from console.model.estimate import Deadline, Estimate, Remaining
from console.model.rollback import ProofState
from console.model.rolling import FlagWrite, Purpose, RolloutState
from console.model.verdict import Judged, Verdict
from console.view import decision, overview, promotion, rollback, rollback_detail, rollout, rollout_detail
from console.view.line import Tone, line_width, words
from console.view.look import ASCII, Look
from console.view.plain import report
from console.view.rollout import bake
from console.view.rollout_words import counts_down, next_decision, urgent
from tests.view import boards, rollouts
from tests.view.boards import ALICE, NOW, ok

LOOK = Look()
WIDTHS = (60, 80, 100, 160)
EVERY = [*rollouts.CASES, "rolling"]


def case(name):
    return rollouts.rolling_back("no-run") if name == "rolling" else rollouts.CASES[name]()


def text(lines):
    return "\n".join(words(item) for item in lines)


def everything(board, width, look=LOOK):
    lines = [
        *rollout_detail.page(board, NOW, width, look),
        *rollback_detail.page(board, NOW, width, look),
        *decision.headline(board, NOW, width, look),
        *(decision.row(item, NOW, width, look) for item in decision.ordered(board.progress.proposal)),
        *decision.beside(board, NOW, width, look),
        *overview.panels(board, NOW, width, look, roomy=width >= 160),
    ]
    for item in decision.ordered(board.progress.proposal):
        lines += decision.detail(item, None, NOW, width, look)
    return lines


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_line_fits(name, width):
    for shown in everything(case(name), width):
        assert line_width(shown) <= width, words(shown)


@pytest.mark.parametrize("name", EVERY)
def test_ascii_marks_leave_ascii_alone(name):
    shown = text(everything(case(name), 100, Look(ASCII))).replace("…", "")
    assert shown.isascii(), {char for char in shown if not char.isascii()}


def test_unknown_is_never_green():
    shown = [*rollout_detail.page(rollouts.unknown(), NOW, 160, LOOK)]
    shown += rollback_detail.page(rollouts.unknown(), NOW, 160, LOOK)
    shown += [decision.row(item, NOW, 160, LOOK) for item in rollouts.unknown().progress.proposal.findings]
    green = {piece.text for shown_one in shown for piece in shown_one if piece.tone is Tone.OK}
    assert {item.strip(" ✔") for item in green} - {""} <= {"quiet"} - {"quiet"}
    for word in ("CAN ROLL BACK: UNVERIFIED (0/12 proven)", "TIME     unknown", "UNTIL    unknown", "INCONCLUSIVE"):
        assert word in text(shown)


# -- what is to be done first -----------------------------------------------------------------------------------------


def test_a_breach_says_roll_back_with_its_reason_and_the_key():
    told = urgent(rollouts.breached(), NOW)
    assert (told.tone, told.word, told.key) == (Tone.ALARM, "ROLL BACK", "R starts it")
    assert "48.1 % of 1,204" in told.why
    for lines in (
        rollout.lines(rollouts.breached(), NOW, 80, LOOK),
        rollout_detail.headline(rollouts.breached(), NOW, 80, LOOK),
        rollback_detail.first(rollouts.breached(), NOW, 80, LOOK),
        decision.headline(rollouts.breached(), NOW, 80, LOOK),
    ):
        assert " ROLL BACK " in text(lines[:2])
    assert "no promotion" in words(next_decision(rollouts.breached().progress, NOW))


def test_an_automatic_rollback_counts_down_before_all_else():
    told = urgent(rollouts.breached(countdown=True), NOW)
    assert (told.tone, told.word, told.key) == (Tone.ALARM, "ROLLBACK STARTS BY ITSELF IN 0:42", "H stops it")
    assert counts_down(rollouts.breached(countdown=True), NOW)


def test_without_the_lease_nothing_starts_by_itself_and_that_is_said():
    told = urgent(replace(rollouts.breached(countdown=True), lease=LeaseView()), NOW)
    assert (told.tone, told.word, told.key) == (Tone.ALARM, "ROLLBACK DOES NOT START BY ITSELF", "R starts it")
    assert told.why.startswith("no engine holds the lease: P99 latency")


def with_record(**changes):
    shown = rollouts.baking()
    return replace(shown, progress=replace(shown.progress, record=rollouts.record(**changes)))


WRITE = FlagWrite(
    "e", "lighthouse-elicitation", 50.0, 25.0, Purpose.SET, NOW, ALICE, outcome="unknown", answer="timed out"
)


@pytest.mark.parametrize(
    ("board", "word", "why"),
    [
        (with_record(write=WRITE), "OUTCOME UNKNOWN", "to 50 %, asked for by alice 14:32:10Z: timed out"),
        (with_record(write=replace(WRITE, outcome="")), "BEING SET", "to 50 %"),
        (
            with_record(disagrees_since=NOW - timedelta(minutes=3)),
            "DISAGREEMENT",
            "the flag says 25 %, the traffic says 24.8 %, since 14:29Z",
        ),
        (with_record(state=RolloutState.HELD, held_by=ALICE, held_reason="weekend"), "HELD", "by alice: weekend"),
        (rollouts.rolling_back("no-run"), "ROLLING BACK", "for 6 min, 8-13 min to go"),
    ],
    ids=["unknown", "open", "disagrees", "held", "rolling"],
)  # fmt: skip
def test_what_else_must_not_be_overlooked(board, word, why):
    told = urgent(board, NOW)
    assert told.word == word
    assert why in told.why


def test_nothing_is_urgent_while_it_bakes_and_all_is_well():
    assert urgent(rollouts.baking(), NOW) is None
    assert words(next_decision(rollouts.baking().progress, NOW)) == "decides to 50 % in 9 min, now HOLD"
    assert words(bake(rollouts.baking().progress, NOW)).startswith("bake 9 min left of 30 min")
    assert not counts_down(rollouts.baking(), NOW)


def test_too_few_requests_are_said_and_so_is_how_much_longer():
    board = rollouts.inconclusive()
    assert words(next_decision(board.progress, NOW)) == "bake over, to 50 % waits, now HOLD: 412 of 10,000 requests"
    shown = text(rollout_detail.guardrails(board, NOW, 80, LOOK))
    assert "INCONCLUSIVE" in shown
    assert "needs about 12 min more of this traffic" in " ".join(shown.split())


@pytest.mark.parametrize("name", ["baking", "inconclusive", "breached", "unknown"])
def test_a_guardrail_on_the_overview_is_never_better_than_its_reading_or_its_verdict(name):
    board = case(name)
    for item in board.rollout.guardrails:
        judged = next((one for one in board.progress.judged if one.guardrail == item.rule.name), None)
        tones = {piece.tone for piece in rollout.guardrail(item, NOW, 120, LOOK, judged)}
        if Tone.OK in tones:
            assert item.value.ok
            assert judged is None or judged.verdict is Verdict.PASS


def test_a_pass_says_of_what_it_is_one():
    board = rollouts.baking()
    caveat = "of this bake; in the long run up to 1.4 %"
    passed = tuple(replace(item, caveat=caveat) for item in board.progress.judged if item.verdict is Verdict.PASS)
    assert passed
    board = replace(board, progress=replace(board.progress, judged=passed))
    assert text(rollout_detail.guardrails(board, NOW, 80, LOOK)).count(caveat) == len(passed)


def test_new_stands_beside_legacy_with_limit_margin_and_samples():
    shown = words(rollout_detail.guardrails(rollouts.breached(), NOW, 80, LOOK)[2])
    assert shown.split() == [
        "✖",
        "P99",
        "latency",
        "BREACH",
        "fast",
        "48.1",
        "%",
        "1",
        "%",
        "-47.10",
        "pt",
        "0.31",
        "%",
        "1,204",
    ]


@pytest.mark.parametrize(
    ("value", "limit", "margin"),
    [(0.0003916, 0.05, "+0.0496"), (0.06, 0.05, "-0.01"), (250.0, 1500.0, "+1250"), (1500.0, 250.0, "-1250")],
)
def test_a_margin_in_its_own_unit_has_three_digits_and_touches_nothing(value, limit, margin):
    board = rollouts.breached()
    item = Judged("undelivered", "Messages undelivered", Verdict.PASS, value=value, limit=limit)
    board = replace(board, progress=replace(board.progress, judged=(item,)))
    shown = words(rollout_detail.guardrails(board, NOW, 78, LOOK)[2])
    assert margin in shown.split()
    assert "undelivered pass" in shown


# -- the way back -----------------------------------------------------------------------------------------------------


def test_the_three_lines_of_the_study():
    shown = rollback.lines(rollouts.readiness(), NOW, 160, LOOK, roomy=True)
    assert words(shown[0]).startswith("✔ CAN ROLL BACK: YES (12/12 proven)")
    assert words(shown[1]) == (
        "TIME     14-20 min (P50 14.4, P95 20.0)  P(≤15 min) 60 % P(≤20 min) 95 %  n=5, newest 6 d 0 h, plan unchanged"
    )
    assert words(shown[2]).startswith("UNTIL    start by 15:19:22Z, in 47 min, or the budget of errors cannot be met")
    assert words(shown[3]).startswith("DRIVERS  drain-in-flight 5.2 live | verify-legacy 3.0 | restore-consistency")


def test_a_probability_is_never_certainty():
    sure = replace(rollouts.ESTIMATE, within=((15, 0.0001), (20, 0.9999)))
    assert "P(≤15 min) 1 % P(≤20 min) 99 %" in words(rollback.time_line(sure, NOW, 120, LOOK))


def test_drills_alone_say_that_no_machine_was_measured():
    shown = words(rollback.time_line(replace(rollouts.ESTIMATE, human_only=True), NOW, 160, LOOK))
    assert "people only" in shown


def test_the_verdict_names_what_failed_first_and_what_is_unknown():
    readiness = rollouts.readiness(write_path=ProofState.EXPIRED, drill=ProofState.UNKNOWN)
    assert words(rollback.verdict(readiness, NOW, 120, LOOK)).endswith("expired: write-path; unknown: drill")
    gone = rollouts.passed().readiness
    assert "CAN ROLL BACK: NO (10/12 proven) failed: no-return, data" in words(rollback.verdict(gone, NOW, 160, LOOK))
    alone = rollouts.readiness(data=(ProofState.FAILED, "old code cannot read events of version 3"))
    assert "NO (11/12 proven) data: old code cannot read" in words(rollback.verdict(alone, NOW, 160, LOOK))


def test_what_was_proven_expires_on_the_screen_without_a_new_board():
    readiness = rollouts.readiness()
    later = NOW + timedelta(minutes=3)
    assert "CAN ROLL BACK: UNVERIFIED (0/12 proven)" in words(rollback.verdict(readiness, later, 120, LOOK))
    assert "EXPIRED" in words(rollback.proof_row(readiness.proofs[0], later, 120, LOOK))


@pytest.mark.parametrize(
    ("deadline", "shown", "tone"),
    [
        (Deadline(NOW + timedelta(minutes=7), "the budget is spent"), "start by 14:39:10Z, in 7:00, or", Tone.CRITICAL),
        (Deadline(NOW + timedelta(hours=2), "the budget is spent"), "start by 16:32:10Z, in 2 h 00, or", Tone.STRONG),
        (Deadline(NOW - timedelta(seconds=65), "the budget is spent"), " TOO LATE 1:05 ago ", Tone.ALARM),
        (Deadline(None, "unknown: no rollback was measured"), "unknown: no rollback", Tone.UNKNOWN),
        (Deadline(), "unknown", Tone.UNKNOWN),
        (Deadline(None, "nothing bounds it: no budget runs out"), "UNTIL    nothing bounds it: no", Tone.NORMAL),
        (
            Deadline(None, "the budget of a is spent already", spent=True),
            "▲ BUDGET SPENT: the budget of a",
            Tone.WARNING,
        ),
    ],
)
def test_the_clock_of_the_point_of_no_return(deadline, shown, tone):
    found = rollback.until(rollouts.readiness(deadline=deadline), NOW, 120, LOOK)
    assert shown in words(found)
    assert tone in {piece.tone for piece in found}


def test_the_point_of_no_return_is_loud_wherever_the_way_back_is():
    for width, roomy in ((80, False), (160, True)):
        shown = rollback.lines(rollouts.passed().readiness, NOW, width, LOOK, roomy=roomy)
        assert any(piece == (" POINT OF NO RETURN PASSED ", Tone.ALARM) for item in shown for piece in item)


def test_while_one_runs_its_clock_stands_first():
    board = rollouts.rolling_back("no-run")
    shown = text(rollback_detail.first(board, NOW, 100, LOOK))
    assert "CLOCK    6:12 elapsed of 20 min, 13:48 left of the objective" in shown
    assert "TO GO    8.2 min (P80 10.7, P95 12.8)  objective 20 min, 6.2 gone  pace 1.2x" in shown
    late = replace(
        board, readiness=rollouts.readiness(remaining=Remaining("no-run", 1300, 60, 80, 90, 1.0, timedelta(minutes=20)))
    )
    late = replace(
        late,
        progress=replace(
            late.progress, record=replace(late.progress.record, rollback_since=NOW - timedelta(seconds=1300))
        ),
    )
    assert "1:40 PAST THE OBJECTIVE" in text(rollback_detail.first(late, NOW, 100, LOOK))  # fmt: skip


def test_nothing_measured_says_so_everywhere():
    shown = text(rollback_detail.measured(rollouts.readiness(Estimate()), NOW, 80, LOOK))
    assert "unknown: no rollback and no drill was measured" in shown
    assert "no prediction was scored yet" in shown
    assert "unknown: what is in flight is not read" in shown


# -- the decision -----------------------------------------------------------------------------------------------------


def test_what_stands_against_the_phase_comes_first():
    rows = [item.name for item in decision.ordered(rollouts.inconclusive().progress.proposal)]
    assert rows[:2] == ["guardrails", "bake"]
    failed = [item.outcome for item in decision.ordered(rollouts.breached().progress.proposal)]
    assert failed[0] == "fail"


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("baking", Answer.HOLD, "25 to 50 %: HOLD  2 required unknown"),
        ("breached", Answer.NO_GO, "25 to 50 %: NO-GO  1 required FAIL"),
        ("deciding", Answer.GO, "25 to 50 %: GO  1 advisory fail: conditions"),
    ],
)
def test_the_answer_and_why(name, answer, said):
    board = case(name)
    assert board.progress.proposal.answer is answer
    assert said in text(decision.headline(board, NOW, 80, LOOK))


def test_a_recorded_decision_says_for_how_long_it_counts_and_its_conditions():
    board = rollouts.deciding()
    assert decision.refusal(board.progress, NOW) == ""
    assert "DEC-341 CONDITIONAL by alice, counts for" in text(decision.headline(board, NOW, 80, LOOK))
    assert "bob: watch P99 until Monday" in text(decision.beside(board, NOW, 80, LOOK))
    other = replace(board.progress, record=rollouts.record(revision="2.15.0"))
    assert "is about revision 2.14.0, not 2.15.0" in decision.refusal(other, NOW)


def test_what_was_decided_at_the_last_phase_is_the_finish():
    board = rollouts.deciding()
    (item, *_) = board.progress.decisions
    last = replace(board.progress, decisions=(replace(item, from_percent=100.0, to_percent=100.0),))
    shown = text(decision.beside(replace(board, progress=last), NOW, 100, LOOK))
    assert "finish at 100 %" in shown
    assert "100 to 100" not in shown


def test_criteria_that_cannot_be_computed_are_unknown_and_not_nothing():
    board = rollouts.deciding()
    fault = "fault in the criteria: ValueError"
    board = replace(board, progress=replace(board.progress, proposal=None, unjudged=fault))
    for shown in (
        text(decision.headline(board, NOW, 100, LOOK)),
        words(decision.brief(board.progress, NOW, 100, LOOK)),
        text(promotion.doubts(board, NOW, 100, LOOK)),
        decision.refusal(board.progress, NOW),
    ):
        assert fault in shown
        assert "nothing is to be decided" not in shown.lower()


def test_a_finding_that_expired_is_no_pass():
    item = rollouts.finding("guardrails")
    assert decision.outcome(item, NOW + timedelta(minutes=6)) == ("EXPIRED", Tone.UNKNOWN)


# -- plain ------------------------------------------------------------------------------------------------------------


def test_the_plain_report_says_the_same():
    shown = "\n".join(report(rollouts.breached(), NOW))
    for wanted in (
        "ROLL BACK R starts it. P99 latency: 48.1 % of 1,204",
        "25 to 50 %: NO-GO 1 required FAIL",
        "CAN ROLL BACK: UNVERIFIED (11/12 proven) expired: write-path",
        "TIME 14-20 min (P50 14.4, P95 20.0) P(<=15 min) 60 %",
        "UNTIL start by 14:39:40Z",
    ):
        assert wanted in shown


def test_without_a_plan_the_screens_say_so():
    bare = replace(boards.quiet(), rollout=None, progress=None)
    assert "rollout.yaml" in text(rollout_detail.page(bare, NOW, 80, LOOK))
    assert "nothing to decide" in text(decision.headline(bare, NOW, 80, LOOK))
    assert rollback_detail.page(bare, NOW, 80, LOOK)


def test_where_what_was_measured_is_apart_from_what_is_set_it_says_by_how_much():
    board = with_record(disagrees_since=NOW - timedelta(minutes=3))
    board = replace(board, progress=replace(board.progress, share=ok(4.0)))
    assert "21.0 points apart, DISAGREES" in text(rollout_detail.where(board, NOW, 100, LOOK))
