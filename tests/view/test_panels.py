from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.model.alert import AlertState
from console.model.board import LeaseView
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Proof, ProofState, Readiness
from console.model.rollout import Guardrail, GuardrailRule
from console.model.shift import Shift
from console.view import alerts, header, overview, rollback, rollout, slos, sources
from console.view.incidents import banner
from console.view.line import Tone, words
from console.view.look import ASCII, Look
from console.view.plain import report
from tests.view import boards

NOW, LOOK = boards.NOW, Look()
STATES = st.sampled_from(list(ReadingState))
NUMBERS = st.none() | st.floats(min_value=-2, max_value=2)


@st.composite
def readings(draw):
    return Reading(
        draw(STATES), draw(NUMBERS), boards.NOW - timedelta(seconds=draw(st.integers(0, 10_000))), "prometheus"
    )


def text(lines):
    return "\n".join(words(item) for item in lines)


# -- never green without ok -------------------------------------------------------------------------------------------


@given(readings(), readings(), readings())
def test_a_gauge_is_ok_only_on_ok_readings_within_their_limits(ratio, left, burn):
    gauge = boards.gauge(0, ratio, left, burn)
    tone, word = slos.verdict(gauge)
    assert (tone is Tone.OK) == (word == "ok")
    if tone is Tone.OK:
        assert ratio.ok
        assert burn.ok
        assert ratio.value >= gauge.objective.target
        assert burn.value <= 1
    for piece in slos.row(gauge, NOW, 100, LOOK):
        assert piece.tone is not Tone.OK or tone is Tone.OK


@given(readings())
def test_a_guardrail_is_ok_only_on_an_ok_reading(value):
    part = boards.rollout(value, value, value, value, value)
    for item in part.guardrails:
        tones = {piece.tone for piece in rollout.guardrail(item, NOW, 100, LOOK)}
        assert Tone.OK not in tones or value.ok


CANARY = GuardrailRule("canary", "Canary", "x", None, 0.3, "s", phases=(5, 25), samples="n", min_samples=100)


@pytest.mark.parametrize(
    ("value", "samples", "within", "shown"),
    [
        (0.9, 100, True, "CRITICAL     0.9 s"),
        (0.9, 100, None, "CRITICAL     0.9 s"),
        (0.1, 100, True, "ok           0.1 s"),
        (0.1, 100, None, "PHASE UNKNOWN 0.1 s"),
        (0.9, 100, False, "not in this phase 0.9 s   critical 0.3 s, in 5, 25 %"),
        (0.9, 7, True, "7 of 100 samples 0.9 s"),
        (None, 7, True, "7 of 100 samples no value"),
        (None, None, True, "NO DATA      no value"),
    ],
)
def test_a_guardrail_says_why_it_is_not_judged(value, samples, within, shown):
    found = [
        boards.ok(number) if number is not None else missing(ReadingState.NO_DATA, "x") for number in (value, samples)
    ]
    item = rollout.guardrail(Guardrail(CANARY, *found, within), NOW, 100, LOOK)
    assert shown in words(item)
    assert {piece.tone for piece in item} & {Tone.OK, Tone.CRITICAL} == (
        {Tone.CRITICAL} if "CRITICAL" in shown else {Tone.OK} if "ok" in shown else set()
    )


@given(st.lists(st.sampled_from(list(ProofState)), max_size=8))
def test_can_roll_back_is_yes_only_when_every_proof_is_proven(states):
    proofs = tuple(Proof(f"p{index}", f"proof {index}", state, "seen") for index, state in enumerate(states))
    shown = rollback.verdict(Readiness(proofs), NOW, 100, LOOK)
    green = any(piece.tone is Tone.OK for piece in shown)
    assert green == (set(states) - {ProofState.NOT_NEEDED} == {ProofState.PROVEN})
    told = rollback.time_line(Readiness(proofs).estimate, NOW, 100, LOOK)
    assert words(told).split() == ["TIME", "unknown:", "no", "rollback", "and", "no", "drill", "was", "measured"]


@given(STATES)
def test_an_empty_feed_is_calm_only_with_evidence(state):
    feed = replace(boards.quiet().feed, evidence=state, note="not read")
    shown = alerts.empty(feed, NOW, LOOK)
    assert any(piece.tone is Tone.OK for item in shown for piece in item) == (state is ReadingState.OK)
    assert ("NO EVIDENCE OF ALERTING" in text(shown)) == (state is not ReadingState.OK)


@given(STATES, st.sampled_from([True, False, None]))
def test_a_component_is_up_only_when_it_was_just_read(state, up):
    row = replace(boards.health()[0], up=Reading(state, up, NOW, "health"))
    tone, _ = sources.health_word(row, NOW, LOOK)
    assert (tone is Tone.OK) == (state is ReadingState.OK and up is True)


def test_the_broken_board_shows_no_ok_but_for_what_still_answers():
    board = boards.broken()
    for item in overview.panels(board, NOW, 100, LOOK, roomy=True):
        assert all(piece.tone is not Tone.OK for piece in item), words(item)


# -- words that must be there -----------------------------------------------------------------------------------------


def test_the_header_says_mode_target_engine_shift_and_time():
    board = replace(boards.busy("demo"), shift=Shift("s", 1, 1, "bob", NOW - timedelta(hours=3)))
    shown = words(header.header(board, NOW, 100, LOOK))
    for wanted in ("DEMO", "lighthouse/production", "engine: here", "bob on shift 3 h 00", "14:32Z"):
        assert wanted in shown
    alone = replace(board, lease=LeaseView(), read_only=True)
    shown = words(header.header(alone, NOW, 80, LOOK))
    assert "ESCALATION NOT RUNNING" in shown
    assert "READ-ONLY" in shown
    assert "14:32Z" in shown


def test_blind_sources_are_named_with_their_age_and_reason():
    shown = text(header.bars(boards.broken(), NOW, 160, LOOK))
    assert "NOT SAVED: disk full" in shown
    assert "prometheus UNREACHABLE 4 min (connection refused" in shown
    assert "alertmanager STALE 1 min" in shown
    narrow = text(header.bars(boards.broken(), NOW, 80, LOOK))
    assert "prometheus UNREACHABLE" in narrow
    assert "alertmanager STALE" in narrow


def test_no_bar_when_all_is_well():
    assert header.bars(boards.quiet(), NOW, 80, LOOK) == []


def test_the_banner_tells_what_to_do_about_alerts_without_an_incident():
    assert words(banner(boards.quiet(), NOW, 80, LOOK)[0]) == "No incident is open."
    assert "3 alerts are active. D declares" in words(banner(boards.busy(), NOW, 80, LOOK)[0])


def test_a_gauge_row_holds_value_objective_budget_burn_and_trend():
    shown = words(slos.row(boards.busy().slos[1], NOW, 100, LOOK))
    for wanted in ("Error ratio", "SPENT", "98.71 %", "< 99.9 %", "budget -13 %", "burn 24×", "▁"):
        assert wanted in shown


def test_a_partial_budget_is_dim_and_says_what_it_covers():
    row = slos.row(boards.quiet().slos[0], NOW, 120, LOOK)
    assert next(piece.tone for piece in row if piece.text.startswith("62 %")) is Tone.DIM
    assert "budget covers 1 of 30 d" in words(overview.panels(boards.quiet(), NOW, 80, LOOK, roomy=False)[0])


def test_the_track_marks_the_present_phase():
    assert words(rollout.track(boards.busy().rollout, LOOK)) == "5 ─ [▸25] ─ 50 ─ 75 ─ 100 %"
    unknown = boards.rollout(boards.lost(), boards.lost(), boards.lost(), boards.lost(), boards.lost())
    assert words(rollout.track(unknown, LOOK)) == "5 ─ 25 ─ 50 ─ 75 ─ 100 %"
    assert "bake unknown" in words(rollout.bake(None, NOW))


def test_alerts_come_active_and_severe_first_without_the_watchdog():
    names = [item.name for item in alerts.ordered(boards.busy().feed)]
    assert names == ["P99LatencyCritical", "ErrorRatioHigh", "P99LatencyHigh", "EventStoreReplicaLag"]


def test_a_silenced_alert_says_so():
    quieted = boards.alert("Lag", "critical", state=AlertState.SUPPRESSED)
    shown = alerts.row(quieted, boards.busy(), NOW, 100, LOOK)
    assert "silenced" in words(shown)
    assert all(piece.tone is not Tone.CRITICAL for piece in shown)


def test_a_severity_nobody_knows_is_shown_as_it_is():
    assert "disaster" in words(alerts.row(boards.alert("X", "disaster"), boards.busy(), NOW, 100, LOOK))


@pytest.mark.parametrize("board", [boards.quiet(), boards.busy(), boards.broken()], ids=["quiet", "busy", "broken"])
@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("look", [LOOK, Look(ASCII, seconds=True)], ids=["unicode", "ascii"])
def test_no_panel_is_wider_than_its_column(board, width, look):
    lines = [
        header.header(board, NOW, width, look),
        *header.bars(board, NOW, width, look),
        *banner(board, NOW, width, look),
        *overview.panels(board, NOW, width, look, roomy=False),
        *overview.panels(board, NOW, width, look, roomy=True),
        *sources.lines(board, NOW, width, look, roomy=False),
        *(alerts.row(item, board, NOW, width, look) for item in alerts.ordered(board.feed)),
    ]
    for item in lines:
        assert cell_len(words(item)) <= width, words(item)
    if look.marks is ASCII:
        assert text(lines).replace("…", "").isascii()


# -- plain ------------------------------------------------------------------------------------------------------------


def test_the_plain_report_says_everything_in_words_without_boxes():
    shown = "\n".join(report(boards.broken("drill"), NOW))
    for wanted in (
        "DRILL: lighthouse/production at 2025-11-03 14:32:10Z",
        "ESCALATION NOT RUNNING",
        "nobody on shift",
        "NOT SAVED: disk full",
        "Availability: STALE",
        "CAN ROLL BACK: UNVERIFIED",
        "UNKNOWN - legacy path healthy health: timed out",
        "NO EVIDENCE OF ALERTING: the always-firing alert 'Watchdog' is not there",
        "prometheus UNREACHABLE",
        "event-store UNREACHABLE",
    ):
        assert wanted in shown
    assert shown.isascii()
    assert "--" not in shown


def test_the_plain_report_names_alerts_and_guardrails():
    shown = "\n".join(report(boards.busy(), NOW))
    assert "critical P99LatencyCritical 4 min" in shown
    assert "P99 latency CRITICAL 612 ms warning 300 ms, critical 500 ms" in shown
    assert "elicitation DOWN 1 h 30 503" in shown
