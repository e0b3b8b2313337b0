"""Rules of other windows than the workbook's are looked at, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.model.budget import Counted, gauge
from console.model.burn import RULES, WINDOWS, BurnRule, Urgency, windows
from console.model.sli import of_counters
from console.model.slices import Slice, Slices, Sums, slot
from console.model.slo import Objective
from console.model.window import Rolling

NOW = datetime(2026, 1, 20, tzinfo=UTC)


def test_the_windows_of_rules_stand_among_the_usual_ones():
    assert windows(RULES) is WINDOWS
    found = windows((BurnRule(Urgency.TICKET, "36h", "12h", 5.0),))
    assert list(found) == ["5m", "30m", "1h", "2h", "6h", "12h", "1d", "36h", "3d"]


def test_a_rule_over_36_hours_fires():
    rule = BurnRule(Urgency.TICKET, "36h", "12h", 5.0)
    objective = Objective(
        "x", "x", "x", 0.99, Rolling(timedelta(days=30)), "Occurrences", of_counters("a", bad="b"), rules=(rule,)
    )
    edge = slot(NOW)
    slices = Slices(Slice(index, 100.0, 2.0) for index in range(edge - 8640, edge))
    (alert,) = gauge(objective, Counted(slices, edge, Sums(2.0, 100.0, 1, 1, 0, 1), NOW)).alerts
    assert alert.factor == pytest.approx(1.0)
    assert alert.long.value == pytest.approx(2.0)
    assert alert.firing is True
