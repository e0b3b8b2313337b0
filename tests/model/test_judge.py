"""How a guardrail is judged: at once, by evidence, or not yet."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.bake import Course, Slice
from console.model.guard import Invariant, Limit, PhaseGuard
from console.model.judge import ABSENT, judge, judge_value
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import Guardrail, GuardrailRule
from console.model.rollout_plan import Evidence
from console.model.sequential import spread
from console.model.verdict import Counts, Judged, Speed, Verdict

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ERRORS = Evidence("errors", "bad", "total", limit=0.01, fast=0.05)
RULE = GuardrailRule("errors", "Error ratio", "e", 1, 5, "%")
CALM = spread([[Counts(7, 1000)] * 1440])
"""A day in which nothing varies."""
AT_25 = Course(NOW, CALM, 25, 15)
UNKNOWN = Counts(None, None)


def slices(count: int, bad: float, total: float, legacy_bad: float = 21, legacy_total: float = 3000) -> list[Slice]:
    return [Slice(Counts(bad, total), Counts(legacy_bad, legacy_total))] * count


def verdict(evidence: Sequence[Slice], course: Course = AT_25, rule: GuardrailRule = RULE) -> Verdict:
    return judge(ERRORS, evidence, rule, course).verdict


# --- evidence --------------------------------------------------------------------------------------------------------


def test_enough_good_ones_pass_and_stand_beside_the_legacy_path() -> None:
    found = judge(ERRORS, slices(30, 3, 1000), RULE, AT_25)
    assert (found.verdict, found.speed, found.title) == (Verdict.PASS, Speed.SLOW, "Error ratio")
    assert (found.value, found.samples) == (0.003, 30_000)
    assert (found.legacy, found.legacy_samples) == (0.007, 90_000)
    assert found.margin == pytest.approx(0.007)
    assert found.low < 0.003 < found.high < 0.01
    assert found.more is None
    assert found.why == "0.3 % of 30,000 bad, the limit is 1 %; the legacy path 0.7 %"


def test_a_pass_is_of_this_bake_and_says_what_the_share_may_be_in_the_long_run() -> None:
    """The day before it was 0.1 % for an hour and 1.9 % for the next: half an hour of the better one is no mean."""
    levels = spread([[Counts(19 if minute // 60 % 2 else 1, 1000) for minute in range(1440)]])
    wanders, good = replace(AT_25, before=levels), slices(30, 1, 1000)
    steady, told = judge(ERRORS, good, RULE, AT_25), judge(ERRORS, good, RULE, wanders)
    unknown = judge(ERRORS, good, RULE, replace(AT_25, before=spread([])))
    assert {item.verdict for item in (steady, told, unknown)} == {Verdict.PASS}
    assert steady.high == told.high < 0.01, "the bake is what it was, whatever the service does"
    assert steady.caveat == ""
    said = float(told.caveat.removeprefix("of this bake; in the long run up to ").removesuffix(" %"))
    assert said > 1, "which is what it was the day before"
    assert unknown.caveat == "of this bake; what the share varies by is not known"


@given(st.integers(1, 30), st.integers(2, 60), st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_of_the_long_run_only_what_is_at_the_limit_or_above_is_said(high: int, period: int, bad: int) -> None:
    before = spread([[Counts(high if minute // period % 2 else 1, 1000) for minute in range(1440)]])
    found = judge(ERRORS, slices(30, bad, 1000), RULE, replace(AT_25, before=before))
    if found.verdict is Verdict.PASS and found.caveat:
        assert float(found.caveat.split("up to ")[1].removesuffix(" %")) >= 1
    else:
        assert found.caveat == ""


def test_a_threefold_rate_is_a_breach_by_evidence() -> None:
    found = judge(ERRORS, slices(10, 21, 1000), RULE, AT_25)
    assert (found.verdict, found.speed) == (Verdict.BREACH, Speed.SLOW)
    assert found.low > 0.01
    assert found.why == "2.1 % of 10,000 bad, the limit is 1 %; the legacy path 0.7 %"


def test_too_little_says_how_much_more_it_needs_and_that_is_so_of_the_same_share() -> None:
    for bad, then in ((0.09, Verdict.PASS), (0.9, Verdict.BREACH)):
        found = judge(ERRORS, slices(10, bad, 30, 0.7, 100), RULE, AT_25)
        assert found.verdict is Verdict.INCONCLUSIVE
        assert found.more is not None
        more = int(found.more / timedelta(minutes=1))
        assert found.why.endswith(f"needs about {_hours(more)} more of this traffic, 80 % sure")
        assert verdict(slices(10 + more, bad, 30, 0.7, 100)) is then


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


@given(st.integers(0, 40), st.integers(20, 400), st.integers(2, 30), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_what_is_needed_is_enough_for_the_share_that_was_seen(bad: int, total: int, count: int, after: int) -> None:
    """It is told for a share that is not as far from the limit as that: so it is more than enough for this one."""
    rule = replace(RULE, after=after, of=5)
    bake = slices(count, min(bad, total) / 10, total)
    found = judge(ERRORS, bake, rule, AT_25)
    if found.more is not None:
        assert found.verdict is Verdict.INCONCLUSIVE
        assert found.more <= timedelta(days=1, minutes=5)
        longer = slices(count + int(found.more / timedelta(minutes=1)), min(bad, total) / 10, total)
        assert verdict(longer, rule=rule) is not Verdict.INCONCLUSIVE


def test_what_is_needed_is_enough_in_four_of_five_rollouts() -> None:
    """In a service whose rates do not wander, at 30 requests a minute on the new path."""
    told = enough = 0
    for seed in range(40):
        draw = random.Random(seed)

        def minute(draw: random.Random = draw) -> Slice:
            beside = sum(draw.random() < 0.007 for _ in range(300))
            return Slice(Counts(sum(draw.random() < 0.021 for _ in range(30)), 30), Counts(beside, 300))

        taken = [minute() for _ in range(30)]
        found = judge(ERRORS, taken, RULE, AT_25)
        if found.more is None or found.more > timedelta(hours=3):
            continue
        told += 1
        taken += [minute() for _ in range(int(found.more / timedelta(minutes=1)))]
        enough += verdict(taken) is not Verdict.INCONCLUSIVE
    assert told > 10
    assert enough >= 0.8 * told


def test_a_share_that_varies_by_itself_needs_longer() -> None:
    bake = slices(30, 1.2, 60)
    wander = spread([[Counts(10 if minute // 5 % 2 else 4, 1000) for minute in range(1440)]])
    calm, told = (judge(ERRORS, bake, RULE, replace(AT_25, before=before)) for before in (CALM, wander))
    assert calm.more is not None
    assert told.more is None or told.more > calm.more


def test_what_cannot_be_told_says_what_it_would_be_if_nothing_changed() -> None:
    found = judge(ERRORS, slices(3, 0.09, 30, 0.7, 100), RULE, AT_25)
    assert (found.verdict, found.more) == (Verdict.INCONCLUSIVE, None), "none of 90: they show next to nothing"
    assert " no end can be told, " in found.why
    assert found.why.endswith(" if the share stays as it was")


def test_at_the_limit_itself_no_end_can_be_told() -> None:
    found = judge(ERRORS, slices(30, 10, 1000), RULE, AT_25)
    assert (found.verdict, found.more) == (Verdict.INCONCLUSIVE, None)
    assert "no end can be told" in found.why


def test_what_both_paths_have_is_not_the_new_ones_doing() -> None:
    assert verdict(slices(10, 30, 1000, 90, 3000)) is Verdict.INCONCLUSIVE
    assert verdict(slices(10, 30, 1000, 21, 3000)) is Verdict.BREACH


def test_without_a_legacy_path_it_must_be_beyond_what_the_service_does_by_itself() -> None:
    alone = [Slice(Counts(21, 1000))] * 20
    assert verdict(alone) is Verdict.BREACH
    bursts = [Counts(60 if minute % 60 < 10 else 1, 1000) for minute in range(1440)]
    known = replace(AT_25, before=spread([bursts]))
    assert verdict([Slice(item) for item in bursts[:20]], known) is Verdict.INCONCLUSIVE, "such a burst as there were"
    assert verdict(alone, known) is Verdict.INCONCLUSIVE, "it may be a long one"
    assert verdict(alone * 2, known) is Verdict.BREACH, "and this is none"
    assert verdict(alone, replace(AT_25, before=spread([]))) is Verdict.BREACH, "nobody knows: the bake must do"
    wild = [Slice(Counts(bad, 1000)) for bad in (0, 0, 0, 0, 0, 0, 0, 0, 0, 110, 120, 180, 0, 0, 0, 0)]
    quiet = Evidence("errors", "", "", limit=0.01)
    assert judge(quiet, wild, RULE, replace(AT_25, before=spread([]))).verdict is Verdict.INCONCLUSIVE


def test_a_path_that_varies_by_itself_is_not_worse_for_a_while() -> None:
    """Both paths wander, each by itself: more than the legacy path has it for some minutes, and that is nothing."""
    wander = [Counts(20 if minute // 10 % 2 else 2, 1000) for minute in range(1440)]
    course = replace(AT_25, before=spread([wander]))
    apart = [
        Slice(Counts(20 if minute // 10 % 2 else 2, 1000), Counts(2 if minute // 10 % 2 else 20, 1000))
        for minute in range(10, 40)
    ]
    together = [Slice(item.new, Counts((item.new.bad or 0) / 3, 1000)) for item in apart]
    assert verdict(apart, course) is Verdict.INCONCLUSIVE
    assert verdict(together, course) is Verdict.BREACH


def test_what_is_usual_is_what_the_day_before_had_and_not_the_limit() -> None:
    """The day wanders between 0.4 % and 1 %: 2.1 % is three times its mean, and more than it ever had."""
    wander = spread([[Counts(10 if minute // 15 % 2 else 4, 1000) for minute in range(1440)]])
    worse = [Slice(Counts(30 if minute // 15 % 2 else 12, 1000)) for minute in range(30)]
    assert verdict(worse, replace(AT_25, before=wander)) is Verdict.BREACH
    high = spread([[Counts(30 if minute // 15 % 2 else 12, 1000) for minute in range(1440)]])
    assert verdict(worse, replace(AT_25, before=high)) is Verdict.INCONCLUSIVE, "it does that every day"


def test_above_the_limit_but_not_beyond_the_service_says_so() -> None:
    high = spread([[Counts(30 if minute // 15 % 2 else 12, 1000) for minute in range(1440)]])
    found = judge(ERRORS, [Slice(Counts(21, 1000))] * 30, RULE, replace(AT_25, before=high))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "above the limit, but it may be what the service does by itself: " in found.why


def test_what_is_worse_for_a_fifth_of_the_bake_is_a_burst() -> None:
    """Six minutes of 30 with 4.5 %, and the others as ever: it must last to be the new path's doing."""
    noisy = replace(AT_25, before=spread([[Counts(bad, 1000) for bad in (5, 7, 9, 7)] * 360]))
    burst = [Slice(Counts(45 if 10 <= minute < 16 else 7, 1000)) for minute in range(30)]
    lasting = [Slice(Counts(45 if minute >= 10 else 7, 1000)) for minute in range(30)]
    assert sum(item.new.bad or 0 for item in burst) > 400, "above the limit, in the mean"
    assert verdict(burst, noisy) is Verdict.INCONCLUSIVE
    assert verdict(lasting, noisy) is Verdict.BREACH


def test_what_happens_to_both_counts_for_nothing_beside_a_better_day() -> None:
    """0.3 % the day before; now the legacy path has three times as much, and is within the limit still."""
    day = replace(AT_25, before=spread([[Counts(3, 1000)] * 1440]))
    assert verdict(slices(30, 12, 1000, 27, 3000), day) is Verdict.INCONCLUSIVE
    assert verdict(slices(30, 18, 1000, 9, 3000), day) is Verdict.BREACH


def test_a_breach_counts_after_so_many_looks() -> None:
    rule = replace(RULE, after=3, of=5)
    assert [verdict(slices(count, 40, 1000), rule=rule) for count in (1, 2, 3)] == [
        Verdict.INCONCLUSIVE,
        Verdict.INCONCLUSIVE,
        Verdict.BREACH,
    ]
    found = judge(ERRORS, slices(2, 40, 1000), rule, AT_25)
    assert found.why.endswith("seen 2 times, 3 of 5 count")
    over = [*slices(4, 40, 1000), *slices(40, 0, 1000)]
    assert verdict(over, rule=rule) is Verdict.PASS, "it must be seen at the last look, too"


# --- at once ---------------------------------------------------------------------------------------------------------


def test_the_fast_rule_needs_its_samples_and_more_than_chance() -> None:
    def last(bad: float, total: float, legacy_bad: float = 7) -> Judged:
        return judge(ERRORS, [*slices(20, 1, 100, 7, 1000), *slices(1, bad, total, legacy_bad, 1000)], RULE, AT_25)

    found = last(10, 100)
    assert (found.verdict, found.speed) == (Verdict.BREACH, Speed.FAST)
    assert found.why == "10 % of 100 bad in 1 min, at once at 5 %; the legacy path 0.7 %"
    assert last(10, 29).verdict is not Verdict.BREACH, "too few samples"
    assert last(2, 30).verdict is not Verdict.BREACH, "6.7 %, and chance does that"
    assert last(5, 100).verdict is not Verdict.BREACH, "not above"
    assert last(10, 100, 110).speed is not Speed.FAST, "the legacy path has it in the same minute"


def test_the_fast_rule_counts_what_it_was_told_to() -> None:
    slow = Evidence("p99", "", "", limit=0.01, fast_bad="x", fast=0.01, fast_for=timedelta(minutes=2))
    both = [Slice(Counts(30, 1000), UNKNOWN, 30.0)] * 2
    assert judge(slow, both, None, AT_25).speed is Speed.FAST
    assert judge(slow, both[:1], None, AT_25).speed is Speed.SLOW, "two minutes"
    assert judge(slow, [Slice(Counts(30, 1000), UNKNOWN, 9.0)] * 2, None, AT_25).speed is Speed.SLOW
    assert judge(slow, [Slice(Counts(30, 1000), UNKNOWN, None)] * 2, None, AT_25).speed is Speed.SLOW


def test_a_path_that_receives_nothing_is_a_breach_named_so() -> None:
    idle, absent = slices(1, 0, 0), [Slice(UNKNOWN, Counts(21, 3000))]
    found = judge(ERRORS, [*slices(5, 0, 100), *idle], RULE, AT_25)
    assert (found.verdict, found.speed) == (Verdict.BREACH, Speed.FAST)
    assert found.why == "the new path received nothing for 1 min, 25 % of the traffic should"
    assert verdict(absent * (ABSENT - 1)) is Verdict.INCONCLUSIVE, "it may be late"
    assert verdict(absent * ABSENT) is Verdict.BREACH
    assert verdict(idle, replace(AT_25, percent=0)) is Verdict.INCONCLUSIVE
    assert verdict(idle, replace(AT_25, percent=None)) is Verdict.INCONCLUSIVE
    assert verdict([Slice(Counts(0, 0), UNKNOWN)]) is Verdict.INCONCLUSIVE, "nor does the legacy path, as far as known"
    assert verdict(slices(1, 0, 0, 0, 30)) is Verdict.INCONCLUSIVE, "of 40 requests, none may come by chance"
    assert verdict(slices(2, 0, 0, 0, 30)) is Verdict.BREACH


def test_a_path_that_falls_silent_at_100_is_a_breach_by_its_own_traffic_before() -> None:
    whole, silent = replace(AT_25, percent=100), [Slice(Counts(0, 0), UNKNOWN)]
    busy = [Slice(Counts(0, 100), UNKNOWN)] * 5
    found = judge(ERRORS, [*busy, *silent], RULE, whole)
    assert (found.verdict, found.speed) == (Verdict.BREACH, Speed.FAST)
    assert found.why == "the new path received nothing for 1 min, all of the traffic should"
    assert verdict(silent * 30, whole) is Verdict.INCONCLUSIVE, "nobody knows that something would come"
    assert verdict([*busy, *[Slice(UNKNOWN, UNKNOWN)] * ABSENT], whole) is not Verdict.BREACH, "it was not counted"
    quiet = [Slice(Counts(0, 2), UNKNOWN)] * 5
    assert verdict([*quiet, *silent * 5], whole) is not Verdict.BREACH, "10 of 12 that must be missed"
    assert verdict([*quiet, *silent * 6], whole) is Verdict.BREACH


# --- unknown ---------------------------------------------------------------------------------------------------------


def test_nothing_is_known_of_nothing() -> None:
    nothing = Course(NOW, missing="the bad events cannot be read")
    for evidence in ([], [Slice(UNKNOWN)] * 30, [Slice(Counts(None, 1000))] * 30, [Slice(Counts(0, None))] * 30):
        found = judge(ERRORS, evidence, RULE, nothing)
        assert (found.verdict, found.why, found.value) == (Verdict.INCONCLUSIVE, nothing.missing, None)
    assert judge(ERRORS, [Slice(Counts(0, 0))] * 3, RULE, Course(NOW)).why == "no traffic on the new path"
    assert judge(ERRORS, [], RULE, Course(NOW)).why == "not counted yet"


def test_a_few_slices_may_be_unknown_and_count_as_bad_ones() -> None:
    good = slices(60, 1, 1000)
    one = [Slice(UNKNOWN), *good[1:]]
    assert judge(ERRORS, one, RULE, AT_25).high > judge(ERRORS, good, RULE, AT_25).high
    assert verdict(one) is Verdict.PASS
    near = slices(60, 8, 1000)
    assert verdict(near[2:]) is Verdict.PASS
    assert verdict([*near[2:], Slice(UNKNOWN), Slice(UNKNOWN)]) is Verdict.INCONCLUSIVE, "they may have been the worst"
    four = [Slice(UNKNOWN)] * 4 + good[4:]
    found = judge(ERRORS, four, RULE, AT_25)
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, "4 of 60 minutes are not known")


counted = st.lists(st.integers(0, 50), min_size=1, max_size=40)


@given(counted, st.data())
@settings(max_examples=200, deadline=None)
def test_a_slice_that_is_not_known_never_makes_a_pass(bad: list[int], data: st.DataObject) -> None:
    known = [Slice(Counts(item, 1000), Counts(7, 1000)) for item in bad]
    holes = data.draw(st.sets(st.integers(0, len(bad) - 1), min_size=1))
    less = [Slice(UNKNOWN, UNKNOWN) if at in holes else item for at, item in enumerate(known)]
    if verdict(less) is Verdict.PASS:
        assert verdict(known) is Verdict.PASS
        assert len(holes) <= 0.05 * len(bad)


@given(counted, st.integers(0, 39), st.integers(1, 50), st.booleans())
@settings(max_examples=200, deadline=None)
def test_more_that_is_bad_never_helps(bad: list[int], at: int, more: int, compared: bool) -> None:
    legacy = Counts(7, 1000) if compared else UNKNOWN
    worse = [item + (more if index == at % len(bad) else 0) for index, item in enumerate(bad)]
    before = judge(ERRORS, [Slice(Counts(item, 1000), legacy) for item in bad], RULE, AT_25)
    after = judge(ERRORS, [Slice(Counts(item, 1000), legacy) for item in worse], RULE, AT_25)
    if after.verdict is Verdict.PASS:
        assert before.verdict is Verdict.PASS
    assert before.low <= after.low + 1e-9
    assert before.high <= after.high + 1e-9


@given(st.integers(0, 30), st.integers(10, 1000), st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_more_of_the_same_evidence_never_takes_a_verdict_back(bad: int, total: int, count: int) -> None:
    bad = min(bad, total)
    before, after = verdict(slices(count, bad, total)), verdict(slices(2 * count, bad, total))
    assert before in (after, Verdict.INCONCLUSIVE)


def test_threes_of_a_hundred_are_found_and_likes_are_let_be() -> None:
    """In a service whose rates do not wander, at 250 requests a minute."""
    found = {0.007: 0, 0.021: 0}
    for seed in range(20):
        draw = random.Random(seed)
        for rate in found:
            taken: list[Slice] = []
            for _ in range(30):
                new = Counts(sum(draw.random() < rate for _ in range(250)), 250)
                taken.append(Slice(new, Counts(sum(draw.random() < 0.007 for _ in range(750)), 750)))
                if verdict(taken) is Verdict.BREACH:
                    found[rate] += 1
                    break
    assert found[0.007] == 0
    assert found[0.021] >= 18


# --- values without counts -------------------------------------------------------------------------------------------


def seen(rule: GuardrailRule, *values: float | None, samples: float | None = None) -> Judged:
    counted = None if samples is None else Reading(ReadingState.OK, samples, NOW)
    readings = [
        missing(ReadingState.NO_DATA, "p", "no series") if value is None else Reading(ReadingState.OK, value, NOW)
        for value in values
    ]
    return judge_value([Guardrail(rule, reading, counted) for reading in readings], NOW)


GUARD = PhaseGuard(
    "lost", "Lost", "q", timedelta(minutes=5), Limit("<", 5, "%"), samples="n", min_samples=100, after=2, of=3
)


def test_a_value_is_judged_by_its_last_evaluations() -> None:
    rule = GUARD.rule
    assert (rule.after, rule.of) == (2, 3)
    assert seen(rule, 1, 1, 9, samples=500).verdict is Verdict.INCONCLUSIVE
    assert seen(rule, 1, 1, 9, samples=500).why == "9 %, the limit is 5 %: seen 1 times, 2 of 3 count"
    found = seen(rule, 1, 9, 1, 9, samples=500)
    assert (found.verdict, found.speed, found.samples, found.limit) == (Verdict.BREACH, Speed.SLOW, 500, 5)
    assert found.margin == -4
    assert seen(rule, 9, 9, 1, samples=500).verdict is Verdict.INCONCLUSIVE
    assert seen(rule, 9, 1, 1, 1, samples=500).verdict is Verdict.PASS
    assert seen(rule, 1, 1, samples=500).verdict is Verdict.INCONCLUSIVE, "three in a row"


def test_a_value_with_too_few_samples_or_none_is_neither() -> None:
    assert seen(GUARD.rule, 9, 9, 9, samples=99).why == "99 of 100 samples"
    assert seen(GUARD.rule, 1, None, samples=500).why == "no series"
    assert {seen(GUARD.rule, 9, 9, 9, samples=99).verdict, seen(GUARD.rule, None).verdict} == {Verdict.INCONCLUSIVE}
    assert seen(GUARD.rule, 1, None, 1, samples=500).verdict is Verdict.INCONCLUSIVE


def test_a_value_beyond_its_warning_does_not_pass() -> None:
    assert seen(replace(RULE, after=1, of=1), 3).why == "3 % is beyond its warning at 1 %"
    assert seen(RULE, 3).verdict is Verdict.INCONCLUSIVE
    assert (seen(RULE, 0.5).verdict, seen(RULE, 5).verdict) == (Verdict.PASS, Verdict.BREACH)


def test_a_violation_is_a_breach_at_once() -> None:
    rule = Invariant("security", "Security violations", "violations_total", timedelta(days=1)).rule
    found = seen(rule, 0, 0, 1)
    assert (found.verdict, found.speed) == (Verdict.BREACH, Speed.FAST)
    assert found.why == "1 in 1 d, the limit is 0 in 1 d"
    assert seen(rule, 0).verdict is Verdict.PASS
    assert seen(rule, None).verdict is Verdict.INCONCLUSIVE
    stale = Guardrail(rule, Reading(ReadingState.STALE, 0, NOW))
    assert judge_value([stale], NOW).verdict is Verdict.INCONCLUSIVE


def test_a_value_of_a_source_that_was_away_is_no_pass() -> None:
    ok, stale = (Guardrail(RULE, Reading(state, 0.5, NOW)) for state in (ReadingState.OK, ReadingState.STALE))
    assert judge_value([ok, stale], NOW).verdict is Verdict.INCONCLUSIVE
