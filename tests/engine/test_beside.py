"""The gauges beside a baseline: a note for what can be compared, a reason for what cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from console.engine.beside import Beside
from console.engine.clocks import SimulatedClock
from console.engine.metrics import MetricAnswers, MetricRounds
from console.model.baseline import Baseline, Measured, Span, Standing, definition
from console.model.reading import Reading, ReadingState, missing
from console.model.sli import Unit, of_counters, of_threshold
from console.model.slices import DAY, slot
from console.model.slo import Objective, SloGauge
from console.model.window import Rolling

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
BEGIN = slot(NOW) - 20 * DAY
SLI = of_counters("all_total", bad="bad_total")
OBJECTIVE = Objective("errors", "Errors", "s", 0.99, Rolling(timedelta(days=30)), "Occurrences", SLI)
HOURS = tuple(Span(BEGIN + 12 * hour, 12, 12, 1 + hour % 3, 1000.0) for hour in range(168))
MEASURED = Measured(
    "errors", "Errors", definition(SLI), Unit.EVENTS, 2016, 2016, 0, 336.0, 168_000.0, 1.0, 0.99, HOURS, (),
    tuple(range(84)), {},
)  # fmt: skip
WEEK = Baseline("week", "a/b", NOW, "prometheus", "UTC", BEGIN, BEGIN + 2016, measured=(MEASURED,))
SOURCE = SimpleNamespace(name="prometheus", skew_seconds=0.0)


class Files:
    def __init__(self, newest=WEEK):
        self.found = newest

    def newest(self, environment):
        return self.found if environment == "a/b" else None


def gauge(share, n=1000, state=ReadingState.OK, note="", **changes):
    burn = Reading(state, share / OBJECTIVE.budget, NOW, "prometheus", n, note)
    return replace(SloGauge(OBJECTIVE, burn, burn, burn, basis="Occurrences", burns={"1h": burn}), **changes)


def note(found, baseline=WEEK):
    return Beside(baseline).noted([found])[0].baseline


def test_the_last_hour_is_compared_with_the_newest_baseline():
    assert note(gauge(0.002)).standing is Standing.WITHIN
    high = note(gauge(0.05))
    assert (high.standing, high.baseline, high.n) == (Standing.HIGHER, "week", 1000)
    assert high.value == pytest.approx(0.05)


def test_what_is_not_ok_is_never_within():
    partial = note(gauge(0.002, state=ReadingState.PARTIAL, note="covers 25 of 60 min"))
    assert (partial.standing, partial.why) == (Standing.THIN, "covers 25 of 60 min")
    assert note(gauge(0.05, state=ReadingState.PARTIAL)).standing is Standing.HIGHER
    assert note(gauge(0.002, state=ReadingState.STALE)).standing is Standing.UNKNOWN
    lost = missing(ReadingState.UNREACHABLE, "prometheus", "is away")
    assert note(gauge(0.0, burns={"1h": lost})).why == "is away"


def test_another_definition_is_not_compared():
    other = replace(OBJECTIVE, sli=of_counters("all_total", bad="other_total"))
    assert "definition is another" in note(gauge(0.002, objective=other)).why
    fallback = of_threshold("up", ">=", 1, 300)
    measured_by = replace(OBJECTIVE, sli=replace(SLI, fallback=replace(fallback, basis="fallback")))
    assert note(gauge(0.002, objective=measured_by)).standing is Standing.WITHIN
    assert "definition is another" in note(gauge(0.002, objective=measured_by, basis="fallback")).why


def test_what_the_baseline_lacks_says_why():
    assert note(gauge(0.002), replace(WEEK, measured=())).why == "the baseline does not have it"
    typo = replace(WEEK, measured=(), missing={"errors": "no sample of its total"})
    assert note(gauge(0.002), typo).why == "no sample of its total"


def test_a_newer_baseline_takes_the_place_of_the_one_before():
    files = Files()

    def noted(environment="a/b"):
        rounds = MetricRounds(SOURCE, [OBJECTIVE], None, SimulatedClock(NOW), baselines=files, environment=environment)
        (found,) = rounds.again(MetricAnswers()).gauges
        return found.baseline

    assert (noted().baseline, noted().standing) == ("week", Standing.UNKNOWN)
    assert noted("a/other") is None
    files.found = replace(WEEK, name="later")
    assert noted().baseline == "later"
    files.found = None
    assert noted() is None
