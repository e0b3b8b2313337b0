"""What cannot be is not known, and the note says what it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.model import plausible
from console.model.guard import Invariant
from console.model.reading import Reading, ReadingState
from console.model.rollout import GuardrailRule

VIOLATIONS = Invariant("v", "V", "violations_total", timedelta(days=1)).rule
LIMIT = GuardrailRule("p99", "P99", "p99", None, 500, "ms")


def said(value):
    return Reading(ReadingState.OK, value, None, "prometheus")


@pytest.mark.parametrize(
    ("check", "value", "note"),
    [
        (plausible.share, 0.0, ""),
        (plausible.share, 100.4, ""),
        (plausible.share, -0.1, ""),
        (plausible.share, None, ""),
        (plausible.share, 1e300, "1e+300 % is no share"),
        (plausible.share, -5.0, "-5 % is no share"),
        (plausible.count, 1e9, ""),
        (plausible.count, -1.0, "-1 is no possible count"),
        (plausible.count, -1e308, "-1e+308 is no possible count"),
        (plausible.count, 1e300, "1e+300 is no possible count"),
        (lambda reading: plausible.of_rule(VIOLATIONS, reading), -1e308, "-1e+308 is no possible count"),
        (lambda reading: plausible.of_rule(VIOLATIONS, reading), 3.0, ""),
        (lambda reading: plausible.of_rule(LIMIT, reading), -40.0, ""),
    ],
)
def test_what_cannot_be_is_not_known(check, value, note):
    found = check(said(value))
    if not note:
        assert found == said(value)
        return
    assert (found.state, found.value, found.note) == (ReadingState.NO_DATA, None, note)
