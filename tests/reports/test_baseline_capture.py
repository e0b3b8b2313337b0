"""Slices from a source that has gaps, warns, refuses, or goes away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from console.model.baseline import Baseline, Load
from console.model.reading import Reading, ReadingState
from console.model.sli import Bucket, filled, of_counters, of_deltas
from console.model.slices import DAY, SLICE, instant, slot
from console.model.slo import Objective
from console.model.window import Rolling
from console.ports import Row, Series, SourceError
from console.reports.baseline.beside import besides
from console.reports.baseline.capture import POINTS, NotCaptured, Wanted, capture, edge_of, read
from console.reports.baseline.statistics import plain

EDGE = slot(datetime(2026, 11, 21, 12, tzinfo=UTC))
NAN = float("nan")


class Source:
    """A metric source of functions of the slice, by the expression as it arrives."""

    name, skew_seconds = "fake", 0.0

    def __init__(self, answers: Mapping[str, object], les=(), fails=()) -> None:
        self._answers = {filled(text, SLICE): value for text, value in answers.items()}
        self._les, self.fails, self.points, self.asked = les, list(fails), [], 0
        self.widened: set[tuple[str, float]] = set()

    def read(self, queries, *, at=None, seconds=300.0):
        return {query.name: Reading(ReadingState.OK, 1.0) for query in queries}

    def read_range(self, queries, start, end, step_seconds):
        self.asked += 1
        if self.fails and self.fails.pop(0):
            raise SourceError("fake: is away")
        count = int((end - start).total_seconds() / step_seconds) + 1
        self.points.append(count * len(queries))
        self.widened |= {(query.expr, query.scrape) for query in queries}
        first = slot(start - timedelta(seconds=SLICE))
        found = {}
        for query in queries:
            answer = self._answers.get(filled(query.expr, SLICE))
            if answer is not None:
                values = tuple(answer(first + at) for at in range(count))
                found[query.name] = Series(values, start, step_seconds, first < EDGE - 6 * DAY)
        return found

    def rows(self, expr):
        return tuple(Row({"le": le}, 1.0) for le in self._les)


def wanted(sli=None, name="errors"):
    sli = sli or of_counters("all_total", bad="bad_total")
    return Wanted(Objective(name, name.title(), "s", 0.99, Rolling(timedelta(days=30)), "Occurrences", sli), sli)


def increase(selector):
    return f"sum(increase({selector}[$window]))"


def captured(source, items, days=7):
    empty = Baseline("week", "a/b", instant(EDGE), "fake", "UTC", 0, 0)
    return capture(source, items, EDGE, days, empty, plain, lambda *_: None)


ERRORS = {increase("bad_total"): lambda index: 1.0, increase("all_total"): lambda index: 100.0}


def test_plain_counters_are_read_as_the_gauges_read_them():
    """The source says of everything that it is sampled once a second."""
    source = Source(ERRORS)
    read(source, [wanted(), wanted(of_deltas("all", bad="bad"), "deltas")], EDGE - DAY, EDGE, lambda *_: None)
    counters = {(increase("bad_total"), 1.0), (increase("all_total"), 1.0)}
    assert {item for item in source.widened if "increase" in item[0]} == counters
    assert {seconds for text, seconds in source.widened if "increase" not in text} == {0.0}


def test_every_slice_is_read_in_answers_of_bounded_size():
    source, told = Source(ERRORS), []
    (found,) = read(source, [wanted()], EDGE - 7 * DAY, EDGE, lambda *step: told.append(step))
    assert len(found.slices) == 2016
    assert [item.index for item in found.slices] == list(range(EDGE - 7 * DAY, EDGE))
    assert told == [(done, 7) for done in range(8)]
    many = Source(ERRORS)
    read(many, [wanted(name=f"n{number}") for number in range(60)], EDGE - 2 * DAY, EDGE, lambda *_: None)
    assert max(many.points) <= POINTS


def test_gaps_silence_and_doubt_are_kept_apart():
    def total(index):
        return None if index % 288 < 12 else NAN if index % 288 < 24 else 100.0

    source = Source({increase("bad_total"): lambda index: None if index % 2 else 2.0, increase("all_total"): total})
    baseline, (detail,) = captured(source, [wanted()])
    (item,) = baseline.measured
    assert (item.seen, item.slices, item.doubtful) == (7 * 276, 2016, 276)  # the server warned about one day
    assert item.total == 7 * 264 * 100
    assert item.bad == 7 * 132 * 2
    assert detail.total.count(None) == 7 * 12
    assert len(item.hours) == 168
    assert [day.slices for day in item.days] == [144, *[288] * 6, 144]


def test_an_answer_that_does_not_come_is_asked_for_once_more():
    source = Source(ERRORS, fails=[False, True])
    assert captured(source, [wanted()])[0].measured[0].seen == 2016
    with pytest.raises(SourceError, match="is away"):
        captured(Source(ERRORS, fails=[False, True, True]), [wanted()])


def test_what_cannot_be_measured_is_named_and_the_rest_is_kept():
    nothing = Source({**ERRORS, increase("nope"): lambda index: None, increase("x"): lambda index: None})
    nowhere = wanted(of_counters("nope", bad="x"), "nowhere")
    refused = wanted(of_counters("((", bad="x"), "refused")
    good = wanted(of_counters("all_total", good="nope"), "good")
    baseline, details = captured(nothing, [wanted(), nowhere, refused, good])
    assert [item.name for item in baseline.measured] == ["errors"]
    assert [item.name for item in details] == ["errors"]
    assert baseline.missing == {
        "nowhere": "no sample of its total",
        "refused": "its expression is refused, or gives more than one series",
        "good": "no good event was ever counted: check its selector",
    }
    with pytest.raises(NotCaptured, match="nowhere: no sample of its total"):
        captured(nothing, [nowhere])
    with pytest.raises(NotCaptured, match="no SLO is configured"):
        captured(nothing, [])


def test_an_error_series_that_was_never_seen_is_noted():
    source = Source({increase("bad_total"): lambda index: None, increase("all_total"): lambda index: 100.0})
    (item,) = captured(source, [wanted()])[0].measured
    assert (item.bad, item.note) == (0.0, "no bad event was ever counted: none, or a typo in its selector")
    assert item.ratios[Load.ALL].high > 0


LATENCY = of_counters("h_count", good='h_bucket{le="0.3"}', bucket=Bucket("h_bucket", 0.3))


def buckets(**more):
    shares = {"0.1": 60.0, "0.3": 98.0, "1": 99.0, "+Inf": 100.0}
    answers = {
        f'sum(increase(h_bucket{{le="{le}"}}[$window]))': (lambda index, share=share: share)
        for le, share in shares.items()
    }
    return {**answers, increase("h_count"): lambda index: 100.0, **more}


def test_buckets_are_read_by_their_bounds_and_never_fall():
    lost = 'sum(increase(h_bucket{le="0.3"}[$window]))'
    source = Source(
        buckets(**{lost: lambda index: None if index == EDGE - 1 else 98.0}), ["+Inf", "1", "0.1", "0.3", "?"]
    )
    baseline, (detail,) = captured(source, [wanted(LATENCY)])
    (item,) = baseline.measured
    assert (item.les, item.histogram) == ((0.1, 0.3, 1.0), "h_bucket")
    assert detail.buckets[0] == (60.0, 98.0, 99.0, 100.0)
    assert detail.buckets[-1] == (60.0, 60.0, 99.0, 100.0)
    assert len(detail.buckets) == 2016


def test_one_bound_in_two_spellings_is_one_bucket():
    both = 'sum(increase(h_bucket{le="1"}[$window]) or increase(h_bucket{le="1.0"}[$window]))'
    source = Source(buckets(**{both: lambda index: 99.5}), ["0.1", "0.3", "1", "1.0", "+Inf"])
    baseline, (detail,) = captured(source, [wanted(LATENCY)])
    assert baseline.measured[0].les == (0.1, 0.3, 1.0)
    assert detail.buckets[0][2] == 99.5


def test_a_histogram_without_buckets_says_so():
    (item,) = captured(Source(buckets()), [wanted(LATENCY)])[0].measured
    assert (item.les, item.note) == ((), "the histogram has no buckets: h_bucket")


def test_the_present_beside_what_was_captured():
    source = Source(buckets(), ["0.1", "0.3", "1", "+Inf"])
    baseline, details = captured(source, [wanted(LATENCY)])
    later = EDGE + 7 * DAY + 4  # 12:20
    found = read(source, [wanted(LATENCY)], later - 12, later, lambda *_: None)
    notes = {(item.hour, item.what): item.note for item in besides(baseline, details, [wanted(LATENCY)], found, later)}
    assert {hour for hour, _ in notes} == {"last hour", "present hour"}
    assert {what for _, what in notes} == {"errors", "P50", "P90", "P95", "P99"}
    assert notes["last hour", "errors"].n == 1200
    assert notes["present hour", "errors"].n == 400
    assert notes["last hour", "P99"].standing == "within"

    gap = read(Source(buckets(**{increase("h_count"): lambda index: None if index % 12 == 2 else 100.0}),
                      ["0.1", "0.3", "1", "+Inf"]), [wanted(LATENCY)], later - 12, later, lambda *_: None)  # fmt: skip
    note = next(iter(besides(baseline, details, [wanted(LATENCY)], gap, later))).note
    assert (note.standing, note.why) == ("thin", "covers 55 of 60 min")

    other = wanted(of_counters("all_total", bad="bad_total"), "errors")
    (changed,) = besides(baseline, details, [other], found, later)
    assert changed.note.why == "its definition is another than when the baseline was captured"
    (new,) = besides(baseline, details, [wanted(LATENCY, "new")], found, later)
    assert new.note.why == "the baseline does not have it"


def test_the_edge_is_by_the_sources_clock():
    source = Source({})
    at = instant(EDGE) + timedelta(seconds=149)
    assert edge_of(source, at) == EDGE - 1
    source.skew_seconds = 2.0
    assert edge_of(source, at) == EDGE
