"""What is said of service levels, in every way in which they may stand; the curves and the lanes under them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.model import events as ev
from console.model.people import Actor, Severity
from console.model.reading import Reading, ReadingState
from console.model.slices import SLICE
from console.reports.snapshot import slo_data
from console.reports.values import dump
from console.view import lane, slo_curve, slo_detail, slo_list, slo_words, slos
from console.view.line import Tone, line_width, words
from console.view.look import ASCII, Look
from console.view.plain import report
from tests.view import boards, levels
from tests.view.levels import CASES, NOW

LOOK = Look()
HOUR = timedelta(hours=1)


def text(lines):
    return "\n".join(words(item) for item in lines)


def detail(name):
    gauge = CASES[name][0]
    alerts = levels.board(name).feed.alerts
    return text([*slo_detail.head(gauge, NOW, 100, LOOK), *slo_detail.below(gauge, alerts, NOW, 100, LOOK)])


STANDING = {
    "healthy": (Tone.OK, "ok"),
    "burning": (Tone.CRITICAL, "PAGE BURN"),
    "slow": (Tone.WARNING, "TICKET BURN"),
    "exhausted": (Tone.CRITICAL, "SPENT"),
    "no_data": (Tone.UNKNOWN, "NO DATA"),
    "partial": (Tone.UNKNOWN, "PARTIAL"),
    "gaps": (Tone.UNKNOWN, "PARTIAL"),
    "stale": (Tone.UNKNOWN, "STALE"),
    "no_traffic": (Tone.UNKNOWN, "NO TRAFFIC"),
    "unreachable": (Tone.UNKNOWN, "UNREACHABLE"),
    "bounds": (Tone.UNKNOWN, "PARTIAL"),
    "low_traffic": (Tone.OK, "ok"),
    "calendar": (Tone.OK, "ok"),
}


def test_there_is_a_case_for_every_way_to_stand():
    assert STANDING.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_every_view_says_how_it_stands_by_mark_word_and_tone(name):
    gauge, (tone, word) = CASES[name][0], STANDING[name]
    assert slos.verdict(gauge) == (tone, word)
    mark = LOOK.marks.of(tone).text
    for width in (60, 79, 86, 120, 200):
        for row in (slos.row(gauge, NOW, width, LOOK), slo_list.row(gauge, NOW, width, LOOK)):
            assert row[0].text == mark
            assert any(piece.text.strip() == word and piece.tone is tone for piece in row)
            assert line_width(row) <= width
            assert tone is Tone.OK or not any(piece.tone is Tone.OK for piece in row)
    assert f"{mark}{word}  " in detail(name)
    assert f"{gauge.objective.title}: {word}" in slos.sentence(gauge, NOW, LOOK)
    if gauge.ratio.value is None:
        assert "%" not in words(slo_list.row(gauge, NOW, 120, LOOK)).replace("99.9 %", "")


def test_a_burn_alert_that_cannot_be_told_is_not_ok():
    gauge = CASES["healthy"][0]
    unsure = Reading(ReadingState.PARTIAL, 0.2, NOW, "prometheus", 5, "covers 2 of 3 d")
    alerts = (*gauge.alerts[:-1], replace(gauge.alerts[-1], long=unsure, short=unsure))
    assert slos.verdict(replace(gauge, alerts=alerts)) == (Tone.UNKNOWN, "PARTIAL")
    assert "not known: covers 2 of 3 d" in text(
        slo_detail.alert_lines(replace(gauge, alerts=alerts), (), NOW, 80, LOOK)
    )


def test_what_burns_most_comes_first():
    ordered = [item.objective.name for item in slo_list.ordered(levels.board().slos)]
    assert ordered[:3] == ["checkout", "error-ratio", "delivery"]
    assert set(ordered[-3:]) == {"webhooks", "availability", "uptime"}
    counted = words(slo_list.counts(levels.board().slos))
    assert "1 SPENT" in counted
    assert "3 ok" in counted
    assert "7 not known" in words(slo_list.counts(levels.board().slos, short=True))


def test_of_many_slos_the_overview_shows_the_worst_and_how_many_more():
    shown = slos.gauges(levels.board(), NOW, 80, LOOK, 5)
    assert len(shown) == 5
    assert words(shown[0]).startswith("✖ Checkout")
    assert words(shown[-1]) == "  and 9 more, 6 of them not ok: 9 shows all"
    assert len(slos.gauges(levels.board(), NOW, 80, LOOK, 13)) == 13


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("burning", ["page alert fires: 21× over 1h, 21× over 5m, above 14.4×", "spent in 0.9 to 2.4 d"]),
        ("burning", ["page 1h/5m above 14.4×    FIRING", "page 6h/30m above 6×      not firing"]),
        ("burning", ["error-ratio-burns active 12 min, alertmanager"]),
        ("exhausted", ["-67.4 % left: -3493 events", "freeze what can wait"]),
        ("healthy", ["80 % left: 4147 events", "never", "n 5.2M events", "covers its window"]),
        ("partial", ["covers 15.2 of 30 d", "The alert feed holds none that names it."]),
        ("stale", ["no sample since 03 Nov 13:50 UTC"]),
        ("bounds", ["between 99.2 and 99.7 %", "no bucket at 0.3"]),
        ("low_traffic", ["LOW TRAFFIC: between 0 and 24.8× (95 %)"]),
        ("calendar", ["Timeslices, calendar month", "93.1 % left: 201 min", "21.3 % left to date", "Europe/Berlin"]),
        ("calendar", ["spent in 20 d or later, or never", "216 min of 30 d", "n 3812 slices", "FEW SLICES: between"]),
        ("healthy", ["slo/availability.yaml:7", "query: bad", 'code=~"5.."}[$window]']),
        ("unreachable", ["cannot be judged: connection refused", "UNREACHABLE"]),
    ],
)  # fmt: skip
def test_the_detail_says(name, wanted):
    shown = detail(name)
    for part in wanted:
        assert part in shown, shown


def test_alerts_are_its_own_by_the_labels_of_sloth_and_pyrra_and_by_their_name():
    gauge = replace(CASES["burning"][0])
    mine = levels.alert("error-ratio")
    pyrra = replace(mine, labels=(("alertname", "ErrorBudgetBurn"), ("slo", "error-ratio")))
    named = replace(mine, labels=(("alertname", "error-ratio-burns"),))
    other = replace(mine, labels=(*mine.labels, ("sloth_service", "another")))
    foreign = replace(mine, labels=(("alertname", "X"), ("sloth_slo", "checkout")))
    unnamed = replace(other, labels=tuple(item for item in other.labels if item[0] != "alertname"))
    found = slo_detail.told_alerts(gauge, [mine, pyrra, named, unnamed, foreign])
    assert found == [mine, pyrra, named]


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (4.25, "4.2"), (86, "86"), (-3493, "-3493"), (10_400, "10.4k"), (1.3e6, "1.3M")]
)
def test_amounts_are_short(value, shown):
    assert slo_words.amount(value) == shown


def test_plain_mode_has_a_sentence_for_each():
    shown = "\n".join(report(levels.board(), NOW, Look(ASCII)))
    assert "Error ratio: PAGE BURN, page alert fires: burn above 14.4x over 1h" in shown
    assert "budget spent in 0.9 to 2.4 d" in shown
    assert "somewhere in 99.2 to 99.7 %" in shown
    assert "budget left to date 21 %" in shown
    assert "low traffic, so between 0 and 24.8x" in shown


@pytest.mark.parametrize("name", CASES)
def test_json_has_every_value_with_its_evidence(name):
    gauge = CASES[name][0]
    data = slo_data(gauge)
    dump(data)
    measured = [data[key] for key in ("ratio", "budget_left", "burn", "to_date", "coverage", "bounds", "interval")]
    for item in [*measured, data["forecast"], *data["burns"].values()]:
        assert item is None or {"state", "value", "at", "source", "n"} <= item.keys()
    assert data["ratio"]["state"] == gauge.ratio.state.value
    assert data["where"] == gauge.objective.where
    assert len(data["alerts"]) == 4
    if name == "bounds":
        assert data["bounds"]["value"] == [0.992, 0.997]
    if name == "burning":
        assert data["forecast"]["value"]["p10"] == 0.9 * 86_400


# -- curves -----------------------------------------------------------------------------------------------------------

WINDOW, SIX_HOURS = slo_curve.ZOOMS[-1], slo_curve.ZOOMS[1]


def drawn(name, zoom=WINDOW, columns=68):
    gauge, history = CASES[name]
    return gauge, slo_curve.curve(gauge.objective, history, NOW, zoom, columns)


@pytest.mark.parametrize("name", ["healthy", "burning", "slow", "exhausted", "calendar"])
def test_the_budget_is_whole_at_the_begin_of_the_window_and_as_the_gauge_says_now(name):
    gauge, found = drawn(name)
    assert found.pieces[0].before == 1.0
    assert found.pieces[-1].after == pytest.approx(gauge.budget_left.value, abs=0.002)  # without the running slice
    seen = [share for piece in found.pieces for share in (piece.before, piece.after)]
    assert seen == sorted(seen, reverse=True)


def test_a_gap_is_a_gap():
    _, found = drawn("gaps")
    empty = [piece for piece in found.pieces if piece.good is None]
    assert found.unseen == 575
    missed = sum(((piece.end - piece.begin) for piece in empty), timedelta())
    assert abs(missed - timedelta(days=2)) < timedelta(hours=12)
    assert all(piece.before is None and piece.after is None for piece in empty)
    budget, good = (words(row)[10:] for row in slo_curve.sparklines(found, WINDOW, 68, LOOK, 10)[1::2])
    assert "····" in budget
    assert "····" in good


def test_less_time_shows_less_and_every_slice():
    _, found = drawn("burning", SIX_HOURS)
    assert len(found.pieces) == 72
    assert found.end - found.start == timedelta(hours=6)
    assert found.pieces[-1].good == pytest.approx(0.979)
    low, high = slo_curve.scale(found, SIX_HOURS)
    assert low < found.pieces[-1].after < found.pieces[0].before < high
    assert slo_curve.scale(drawn("exhausted")[1], WINDOW)[1] == 1.0
    assert slo_curve.scale(drawn("exhausted")[1], WINDOW)[0] < -0.6


@pytest.mark.parametrize("name", CASES)
def test_every_case_can_be_drawn(name):
    for zoom in slo_curve.ZOOMS:
        _, found = drawn(name, zoom)
        low, high = slo_curve.scale(found, zoom)
        assert low < high
        assert 0 <= slo_curve.lowest(found) < 1
        assert all(line_width(row) <= 78 for row in slo_curve.sparklines(found, zoom, 68, LOOK, 10))


# -- lanes ------------------------------------------------------------------------------------------------------------

ALICE, ENGINE = Actor("alice", "alice"), Actor("engine", "engine")


def event(payload, minutes, actor=ALICE, stream="incident:1", number=None):
    at = NOW - timedelta(minutes=minutes)
    seq = number or round(10_000 - minutes * 10)
    kind, version = ev.kind_of(payload)
    return ev.Recorded(
        seq, stream, 1, kind, version, f"e{seq}-{kind}", at, at, actor, "c", "", "live", payload, "", "h"
    )


def story():
    return [
        event(ev.PhaseObserved(25.0, "flagd", 5.0), 55, ENGINE, "rollout:x"),
        event(ev.IncidentDeclared("x", Severity.SEV2, "s", "e"), 40),
        event(ev.NoteAdded("looks bad"), 39.9),
        event(ev.NoteAdded("worse"), 39.8),
        event(ev.SeverityChanged(Severity.SEV1, "all"), 30),
        event(ev.PhaseObserved(5.0, "flagd", 25.0), 20, ENGINE, "rollout:x"),
        event(ev.IncidentStateChanged("mitigated"), 10),
        event(ev.IncidentStateChanged("resolved"), 2),
        event(ev.EvidenceTaken("declared", ()), 40, ENGINE),
    ]


def test_marks_stand_in_the_columns_of_their_instants():
    found = lane.moments(story(), [levels.alert("checkout", minutes=45)])
    rows = {words(row)[:10].strip(): words(row)[10:] for row in lane.lanes(found, NOW - HOUR, NOW, 60, LOOK)}
    assert rows["phase"][5:9] == ">25%"
    assert rows["phase"][40:43] == "<5%"
    assert rows["alerts"].index("!") == 15
    assert rows["incident"].replace("·", "") == "DSMR"
    assert [rows["incident"].index(mark) for mark in "DSMR"] == [20, 30, 50, 58]
    assert rows["people"].replace("·", "") == "2"
    assert all(len(row) == 60 for row in rows.values())


def test_marks_in_one_place_are_counted_and_read_one_by_one():
    found = lane.within(lane.moments(story()), NOW - 30 * HOUR, NOW)
    rows = lane.lanes(found, NOW - 30 * HOUR, NOW, 60, LOOK)
    assert "3" in words(rows[3]) or "4" in words(rows[3])
    chosen, seen = "", []
    for _ in found:
        chosen = lane.beside(found, chosen, -1)
        seen.append(text(lane.reading(found, chosen, 100, LOOK)))
    assert "state: resolved" in seen[0]
    assert "rollout: 25 % of the traffic (was 5 %), seen by flagd" in seen[-1]
    assert lane.beside(found, chosen, -1) == chosen
    assert "by alice" in seen[0]
    assert any(piece.tone is Tone.TAG for row in lane.lanes(found, NOW - HOUR, NOW, 60, LOOK, chosen) for piece in row)


def test_a_firing_is_marked_once_whoever_tells_of_it():
    alert = levels.alert("checkout", minutes=45)
    spell = lane.Spell(alert.name, alert.starts_at + timedelta(minutes=4), alert.starts_at + timedelta(minutes=30), "p")
    found = lane.moments([], [alert], [spell])
    assert [(item.mark, item.source) for item in found] == [("!", "alertmanager"), ("o", "p")]


@pytest.mark.parametrize("hours", [1, 6, 24, 72, 720, 2160])
@pytest.mark.parametrize("columns", [40, 68, 150])
def test_the_axis_has_round_instants_of_utc_in_their_columns(hours, columns):
    start = NOW - timedelta(hours=hours)
    shown = words(lane.axis(start, NOW, columns, LOOK))
    assert len(shown) <= 10 + columns
    ticks = lane.ticks(start, NOW, columns)
    assert ticks
    assert shown.count("|") >= 1
    for at, name in ticks:
        assert at.timestamp() % 60 == 0
        place = 10 + lane.column(at, start, NOW, columns)
        assert place >= len(shown) or shown[place] != "|" or shown[place + 1 :].startswith(name)


def test_a_hostile_name_is_harmless_in_the_lane():
    found = lane.moments([event(ev.NoteAdded("\x1b]0;x\x07 [red]a[/]"), 5)])
    shown = text(lane.reading(found, found[0].id, 100, LOOK))
    assert "\x1b" not in shown
    assert "[red]a[/]" in shown


def test_the_bucket_of_a_plot_is_never_shorter_than_a_slice():
    _, found = drawn("healthy", slo_curve.ZOOMS[0], 300)
    assert {(piece.end - piece.begin).total_seconds() for piece in found.pieces} == {SLICE}
    assert datetime.fromtimestamp(found.pieces[-1].end.timestamp(), UTC) <= NOW


@pytest.mark.parametrize(
    ("left", "told", "loud"),
    [(-0.13, "-13 %", True), (-0.001, "<0 %", True), (0.0, "0 %", True), (0.003, "<1 %", False), (0.2, "20 %", False)],
)
def test_a_budget_of_which_nothing_is_left_is_critical_with_mark_and_word(left, told, loud):
    gauge = replace(boards.busy().slos[0], budget_left=boards.ok(left), burn=boards.ok(0.4))
    for shown in (slos.row(gauge, NOW, 80, LOOK), slo_list.row(gauge, NOW, 80, LOOK)):
        assert (told, loud) in {(piece.text.strip(), piece.tone is Tone.CRITICAL) for piece in shown}
        assert (words(shown).startswith("✖ ") and "SPENT" in words(shown)) is loud
    head = [piece for item in slo_detail.head(gauge, NOW, 80, LOOK) for piece in item]
    assert any(piece.tone is Tone.CRITICAL and piece.text.strip().endswith("%") for piece in head) is loud
