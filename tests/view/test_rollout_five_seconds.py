"""Who opens any of the screens knows where the rollout is, whether the evidence allows the next phase, whether and
until when there is a way back, and what to press; nothing of it is cut off at 80 cells without a way to see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.model.capacity import headrooms
from console.model.estimate import Deadline
from console.model.rollback import ProofState
from console.model.verdict import Judged, Verdict
from console.view import decision, overview, rollback, rollback_detail, rollout, rollout_detail
from console.view.line import Tone, line_width, words, wrap
from console.view.look import Look
from tests.view import rollouts
from tests.view.boards import NOW, ok

LOOK = Look()


def text(lines):
    return "\n".join(words(item) for item in lines)


def row(lines, label):
    """The one row with this label, and its tones."""
    (found,) = [item for item in lines if words(item).startswith(label)]
    return words(found), {piece.tone for piece in found}


@pytest.mark.parametrize(
    ("name", "wanted", "tone"),
    [
        ("baking", "? 25 to 50 %: HOLD  2 required unknown", Tone.UNKNOWN),
        ("deciding", "✔ 25 to 50 %: GO  1 advisory fail: conditions on DEC-341 CONDITIONAL, P promotes", Tone.OK),
        ("breached", "✖ 25 to 50 %: NO-GO  1 required FAIL: Every guardrail passed  V shows why", Tone.CRITICAL),
        ("passed", "✔ finish at 100 %: GO  all required pass  V decides", Tone.OK),
        ("unknown", "? 0 to 5 %: HOLD  10 required unknown  V shows why", Tone.UNKNOWN),
    ],
)
def test_the_rollout_screen_says_whether_the_evidence_allows_the_next_phase(name, wanted, tone):
    shown, tones = row(rollout_detail.where(rollouts.CASES[name](), NOW, 100, LOOK), "NEXT")
    assert wanted in shown
    assert tone in tones


@pytest.mark.parametrize(
    ("board", "wanted", "tone"),
    [
        (rollouts.baking, "✔ YES (12/12 proven) · 14-20 min · start by 15:19:22Z, in 47 min", Tone.OK),
        (rollouts.breached, "? UNVERIFIED (11/12 proven) · 14-20 min · start by 14:39:40Z, in 7:30", Tone.CRITICAL),
        (rollouts.passed, "✖ NO (10/12 proven) · 14-20 min ·  POINT OF NO RETURN PASSED ", Tone.ALARM),
        (rollouts.unknown, "? UNVERIFIED (0/12 proven) · time unknown · until unknown", Tone.UNKNOWN),
        (lambda: rollouts.rolling_back("no-run"), "✔ YES (12/12 proven) · 8.2 min to go (P95 12.8)", Tone.STRONG),
    ],
    ids=["baking", "breached", "passed", "unknown", "rolling"],
)
def test_the_rollout_screen_says_whether_how_long_and_until_when_there_is_a_way_back(board, wanted, tone):
    shown, tones = row(rollout_detail.where(board(), NOW, 79, LOOK), "BACK")
    assert shown == f"BACK      {wanted}"
    assert tone in tones


@pytest.mark.parametrize("name", [*rollouts.CASES])
def test_the_row_of_the_track_is_whole_at_80_cells(name):
    shown = words(rollout.head(rollouts.CASES[name](), NOW, 80, LOOK))
    assert len(shown) <= 80
    assert "…" not in shown


@pytest.mark.parametrize(
    ("percent", "track"),
    [
        (0.0, "[▸0] ─ 5 ─ 25"),
        (3.2, "[▸3.2] ─ 5 ─ 25"),
        (5.1, "[▸5] ─ 25"),
        (100.0, "75 ─ [▸100] %"),
        (None, "5 ─ 25 ─ 50"),
    ],
)
def test_the_track_has_a_place_for_every_share(percent, track):
    assert track in words(rollout.stops(rollouts.PLAN, percent, True, LOOK))


def test_a_guardrail_on_the_overview_says_its_figures_where_its_reason_is_too_long():
    shown = text(rollout.lines(rollouts.inconclusive(), NOW, 80, LOOK))
    assert "INCONCLUSIVE 182 ms 0.9 % of 412, limit 1 %, 12 min more" in shown
    assert "needs about 12 min more of this traffic" in text(rollout.lines(rollouts.inconclusive(), NOW, 170, LOOK))
    assert "48.1 % of 1,204, limit 1 %" in text(rollout.lines(rollouts.breached(), NOW, 80, LOOK))


def test_how_much_more_a_guardrail_needs_is_said_once_on_overview_too():
    rows = [
        row for row in text(rollout.lines(rollouts.inconclusive(), NOW, 300, LOOK)).splitlines() if "min more" in row
    ]
    assert [row.count("12 min more") for row in rows] == [1, 1]


def test_how_much_more_a_guardrail_needs_is_said_once():
    shown = " ".join(text(rollout_detail.guardrails(rollouts.inconclusive(), NOW, 79, LOOK)).split())
    assert shown.count("needs about") == 2
    assert "12 min more of this traffic; between 0.3 % and 2.1 %" in shown


def test_what_is_judged_by_its_reading_is_told_in_its_own_unit_and_what_is_not_counted_is_no_zero():
    value = Judged("undelivered", "Messages", Verdict.PASS, value=3.0, limit=5.0, unit="ms")
    lost = replace(value, guardrail="p99", title="P99", verdict=Verdict.INCONCLUSIVE, value=None, unit="", why="?")
    board = replace(rollouts.baking(), progress=rollouts.progress(judged=(value, lost)))
    _, _, first, second, *_ = rollout_detail.guardrails(board, NOW, 79, LOOK)
    assert words(first).split() == ["✔", "Messages", "pass", "3", "ms", "5", "ms", "+2", "ms", "-", "-"]
    assert words(second).split()[-4:] == ["%", "?", "?", "?"]


def test_a_capacity_is_whole_at_80_cells_and_nothing_read_of_it_is_said_once():
    shown = text(rollout_detail.capacity(rollouts.baking().progress, NOW, 79, LOOK))
    assert "38 of 100 connections, 38 %; then 66, 66 %" in shown
    assert "…" not in shown
    full = headrooms(rollouts.PLAN, rollouts.used(replicas=(10, 10)), ok(75.0), 100.0)
    assert "…" not in text(rollout_detail.capacity(rollouts.progress(headroom=full), NOW, 79, LOOK))
    assert "UNKNOWN  UNREACHABLE; then 22 connections" in text(
        rollout_detail.capacity(rollouts.unknown().progress, NOW, 79, LOOK)
    )


def test_the_drivers_that_do_not_fit_are_counted():
    shown = words(rollback.drivers(rollouts.ESTIMATE, 79))
    assert shown == "DRIVERS  drain-in-flight 5.2 live | verify-legacy 3.0 min, 4 more 5.8 min"


def test_until_when_is_told_in_full_on_its_own_screen():
    why = "the budget of the checkout of all regions, and of the search, cannot be met (P95 20.0 min)"
    until = replace(rollouts.readiness().deadline, why=why)
    readiness = rollouts.readiness(deadline=until)
    assert words(rollback.until(readiness, NOW, 79, LOOK)).endswith("…")
    shown = rollback.until_lines(readiness, NOW, 79, LOOK)
    assert max(map(line_width, shown)) <= 79
    assert why in " ".join(text(shown).split())


def test_what_is_loud_is_folded_with_its_blanks_and_what_is_unknown_keeps_its_tone():
    first, _ = rollback.until_lines(rollouts.passed().readiness, NOW, 79, LOOK)
    assert words(first).startswith("UNTIL     POINT OF NO RETURN PASSED  passed 42 min ago")
    assert first[1] == (" ", Tone.ALARM)
    unknown = rollback.until(rollouts.unknown().readiness, NOW, 79, LOOK)
    assert {piece.tone for piece in unknown[1:]} == {Tone.UNKNOWN}


def test_many_proofs_that_are_missing_are_counted():
    shown = words(rollback.verdict(rollouts.unknown().readiness, NOW, 80, LOOK))
    assert shown.endswith("unknown: no-return and 11 more")
    assert "no-return, kill-switch and 10 more" in words(rollback.verdict(rollouts.unknown().readiness, NOW, 86, LOOK))


def test_the_proofs_do_not_count_seconds():
    readiness, look = rollouts.breached().readiness, Look(seconds=True)
    first, second = (rollback_detail.proofs(readiness, NOW + timedelta(seconds=late), 79, look) for late in (1, 2))
    assert first == second


def test_where_there_is_room_the_overview_tells_the_reason_in_full():
    shown = " ".join(text(overview.panels(rollouts.breached(), NOW, 86, LOOK, roomy=True)).split())
    assert "took longer than 300 ms, the limit is 1 %" in shown


def test_a_spent_budget_warns_wherever_until_when_is_told():
    readiness = rollouts.readiness(deadline=Deadline(None, "the budget of errors is spent already", spent=True))
    assert ("BUDGET SPENT", Tone.WARNING) in rollback.brief(readiness, NOW, 79, LOOK)
    shown = rollback.lines(readiness, NOW, 80, LOOK, roomy=False)
    assert words(shown[2]) == "UNTIL    ▲ BUDGET SPENT: the budget of errors is spent already"
    assert ("BUDGET SPENT", Tone.WARNING) in shown[2]


def test_every_proof_is_told_with_its_source_and_what_stands_against_a_rollback_in_full_and_first():
    gone = (ProofState.FAILED, "passed 42 min ago: new code writes what old code cannot read")
    shown = rollback_detail.proofs(rollouts.readiness(no_return=gone, drill=ProofState.EXPIRED), NOW, 79, LOOK)
    assert max(map(line_width, shown)) <= 79
    rows = [words(item).split()[1] for item in shown[1:] if not words(item).startswith(" ")]
    assert rows == ["FAILED", "EXPIRED", *["proven"] * 10]
    told = " ".join(text(shown).split())
    assert f"{gone[1]}; probe, counts 2 min more" in told
    for evidence in rollouts.EVIDENCE.values():
        assert evidence in told or evidence in ("not passed",)
    assert told.count("; probe") == 12
    assert "…" not in told


def test_where_rows_are_few_until_when_has_one_of_its_own_only_where_it_ends():
    for readiness, rows in ((rollouts.unknown().readiness, 2), (rollouts.passed().readiness, 3)):
        assert len(rollback.lines(readiness, NOW, 80, LOOK, roomy=False)) == rows
    shown = rollback.lines(rollouts.unknown().readiness, NOW, 80, LOOK, roomy=False)
    assert words(shown[1]) == "TIME     unknown: no rollback and no drill was measured; until unknown"
    free = rollouts.readiness(deadline=Deadline(None, "nothing bounds it: no guardrail is breached"))
    assert "until" not in text(rollback.lines(free, NOW, 80, LOOK, roomy=False)).lower()


def test_while_a_rollback_is_under_way_nothing_says_by_when_to_start_it():
    shown = text(rollback.lines(rollouts.rolling_back("no-run").readiness, NOW, 80, LOOK, roomy=False))
    assert "TO GO" in shown
    assert "UNTIL" not in shown


def test_what_to_do_about_a_risk_is_told_in_full():
    shown = " ".join(text(rollout_detail.risks(rollouts.baking().progress, NOW, 79, LOOK)).split())
    assert "Database pool runs out high, low: raise pool_max (db-pool-exhaustion)" in shown


def test_a_number_is_never_parted_from_its_unit():
    assert wrap("the limit is 1 % of it", 15) == ["the limit is", "1 % of it"]
    assert wrap("longer than 300 ms, the limit", 15) == ["longer than", "300 ms, the", "limit"]
    assert wrap("about 12 minutes", 8) == ["about 12", "minutes"]


def test_the_decision_in_brief_names_what_holds_it_up_where_there_is_room():
    shown = words(decision.brief(rollouts.baking().progress, NOW, 120, LOOK))
    assert "2 required unknown: Baked, with enough requests, Somebody else agrees  V shows why" in shown
    assert words(decision.brief(rollouts.rolling_back("r").progress, NOW, 120, LOOK)) == "nothing is to be decided"
