"""No series of bad events is 0 only where the same was seen with one, or where the plan says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model.absence import doubt, is_zero
from console.model.rollout_plan import Evidence

ERRORS = Evidence(
    "errors",
    'sum(increase(new_requests_total{status=~"5.."}[$window]))',
    "sum(increase(new_requests_total[$window]))",
    'sum(increase(old_requests_total{status=~"5.."}[$window]))',
    "sum(increase(old_requests_total[$window]))",
)


def test_nothing_seen_is_no_zero_and_says_what_to_do():
    assert not is_zero(ERRORS, "bad", ())
    assert not is_zero(ERRORS, "bad", {"total", "legacy_total"})
    assert "`absent: zero` in the plan" in doubt(ERRORS, "bad", ())
    assert is_zero(replace(ERRORS, absent_is_zero=True), "bad", ())
    assert not is_zero(ERRORS, "fast_bad", {"bad"})
    assert doubt(ERRORS, "fast_bad", ()) == "", "there is none"


@pytest.mark.parametrize(("part", "by"), [("bad", "bad"), ("bad", "legacy_bad"), ("legacy_bad", "bad")])
def test_what_was_seen_here_or_as_the_same_on_the_other_path_is_zero(part, by):
    assert is_zero(ERRORS, part, {by})
    assert doubt(ERRORS, part, {by}) == ""


@pytest.mark.parametrize(
    ("bad", "total", "legacy_bad", "legacy_total", "twin"),
    [
        # one metric, the path a label
        ('all{path="new",code="500"}', 'all{path="new"}', 'all{code="500",path="old"}', 'all{path="old"}', True),
        ('all{path="nwe",code="500"}', 'all{path="new"}', 'all{code="500",path="old"}', 'all{path="old"}', False),
        ('all{path="new",code="5OO"}', 'all{path="new"}', 'all{code="500",path="old"}', 'all{path="old"}', False),
        # counters of their own
        ("new_errors_total", "new_requests_total", "old_errors_total", "old_requests_total", True),
        ("new_erors_total", "new_requests_total", "old_errors_total", "old_requests_total", False),
        ("newerrors_total", "new_requests_total", "old_errors_total", "old_requests_total", False),
        # what is done with it
        ('sum(new{code="5"})', "sum(new)", 'max(old{code="5"})', "sum(old)", False),
        ('sum( new{code="5"} )', "sum(new)", 'sum(old{code="5"})', "sum(old)", True),
        ("no promql (", "new", "old", "old", False),
        ("new", "new", "old", "", False),
    ],
)
def test_the_twin_asks_the_same_of_the_other_path(bad, total, legacy_bad, legacy_total, twin):
    item = Evidence("errors", bad, total, legacy_bad, legacy_total)
    assert is_zero(item, "bad", {"legacy_bad"}) is twin
    assert bool(doubt(item, "bad", {"legacy_bad"})) is not twin


@pytest.mark.parametrize(
    ("template", "zero"),
    [
        ('sum(increase(n_count[$window])) - sum(increase(n_bucket{le="0.3"}[$window]))', False),
        ("sum(increase(errors[$window])) + sum(increase(timeouts[$window]))", False),
        ("clamp_min(sum(a) - sum(b), 0)", False),
        ("sum(rate(errors[$window])) * $seconds", True),
        ("sum(increase(errors[$window]) or increase(timeouts[$window]))", True),
        ("sum(errors unless old)", True),
        ("not promql (", False),
    ],
)
def test_what_is_computed_of_several_series_is_never_zero(template, zero):
    item = replace(ERRORS, bad=template, absent_is_zero=True)
    assert is_zero(item, "bad", {"bad", "legacy_bad"}) is zero
    assert bool(doubt(item, "bad", {"bad"})) is not zero
