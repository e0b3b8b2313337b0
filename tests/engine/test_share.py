"""What 0 % looks like where the new path has no series, and what only looks like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.metrics import MetricAnswers
from console.engine.said import metric_panels
from console.engine.share import LEGACY, NEW, PERCENT, measured, share_queries
from console.model.board import SourceStatus
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout_plan import Evidence
from console.ports import NO_SERIES
from tests.engine.bench import PLAN, START

COUNTED = replace(
    PLAN,
    evidence=(
        Evidence("own", "bad[$window]", "all[$window]"),
        Evidence("both", "bad[$window]", "new[$window]", legacy_total="old[$window]"),
    ),
)
EMPTY: Reading[float] = missing(ReadingState.NO_DATA, "prometheus", NO_SERIES)
LOST: Reading[float] = missing(ReadingState.UNREACHABLE, "prometheus", "refused")
FAULTY: Reading[float] = missing(ReadingState.NO_DATA, "prometheus", "parse error")
EARLIER = START - timedelta(seconds=20)


def ok(number: float, at: object = START) -> Reading[float]:
    return Reading(ReadingState.OK, number, at, "prometheus")  # type: ignore[arg-type]


OFF = Reading(ReadingState.OK, 0.0, EARLIER, "flags")


def seen(
    percent: Reading[float] = EMPTY,
    new: Reading[float] = EMPTY,
    legacy: Reading[float] | None = None,
    flag: Reading[float] | None = OFF,
) -> Reading[float]:
    readings = {PERCENT: percent, NEW: new, LEGACY: ok(12_345) if legacy is None else legacy}
    return measured(COUNTED, readings, flag)


def test_no_series_of_the_new_path_is_0_beside_traffic_on_the_legacy_path_and_a_flag_at_0() -> None:
    found = seen()
    assert (found.state, found.value) == (ReadingState.OK, 0.0)
    assert found.source == (
        "prometheus: no series of elicitation, 12,345 requests on wait-for-messages in a minute, and the flag at 0 %"
    )
    assert found.at == EARLIER, "as old as the oldest of what it rests on"
    assert seen(new=ok(0.0)).source.startswith("prometheus: no request of elicitation, ")


@pytest.mark.parametrize(
    "other",
    [
        {"percent": ok(3.0)},
        {"percent": LOST},
        {"percent": FAULTY},
        {"new": ok(4.0)},
        {"new": LOST},
        {"new": FAULTY},
        {"legacy": EMPTY},
        {"legacy": LOST},
        {"legacy": ok(0.0)},
        {"legacy": replace(ok(900.0), state=ReadingState.STALE)},
        {"legacy": replace(ok(900.0), state=ReadingState.PARTIAL)},
        {"flag": None},
        {"flag": replace(OFF, value=5.0)},
        {"flag": replace(OFF, state=ReadingState.STALE)},
        {"flag": missing(ReadingState.UNREACHABLE, "flags", "refused")},
    ],
)
def test_without_one_of_these_it_stays_as_it_was_read(other: Mapping[str, Reading[float]]) -> None:
    assert seen(**other) is other.get("percent", EMPTY)


def test_what_is_counted_is_the_evidence_that_knows_both_paths() -> None:
    asked = {query.name: query.expr for query in share_queries(COUNTED)}
    assert asked == {NEW: "new[60s]", LEGACY: "old[60s]"}
    assert share_queries(PLAN) == share_queries(None) == []
    assert share_queries(replace(COUNTED, percent_expr="")) == []


def test_on_the_board_it_is_the_share_for_everybody_and_old_when_the_source_falls_silent() -> None:
    answers = MetricAnswers({PERCENT: EMPTY, NEW: EMPTY, LEGACY: ok(700.0)})
    up = SourceStatus("prometheus", ReadingState.OK, interval=timedelta(seconds=15))
    _, rollout, named = metric_panels(answers, up, (), COUNTED, START, flag=OFF)
    assert rollout is not None
    assert (rollout.percent, rollout.phase) == (named[PERCENT], -1)
    assert named[PERCENT].value == 0.0

    down = replace(up, state=ReadingState.UNREACHABLE, error="refused")
    _, rollout, named = metric_panels(answers, down, (), COUNTED, START, flag=OFF)
    assert rollout is not None
    assert (named[PERCENT], rollout.percent) == (EMPTY, EMPTY)
