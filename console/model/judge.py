"""Judges a guardrail at two speeds: what trips at once, and what wants evidence.

The slow rule asks two things. Was the share beyond the limit in this bake, beyond chance? And is it the new path's
doing (`doing.py`)? It passes when the share was below the limit in this bake, beyond chance; a slice that is not known
counts as a bad one there. What the share may be in the long run, of a service that varies from one bake to the next, is
said beside a pass and does not hinder it: a bake of half an hour is too short to show that. The bounds for a breach
hold over every look of the rollout, of all guardrails together; that of a pass over every look of its bake.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from console.model.bake import Course, Slice, Sum, clean, summed
from console.model.doing import Shown, breaks, is_above, shown
from console.model.reading import Reading
from console.model.rollout import Guardrail, GuardrailRule, Level
from console.model.rollout_plan import Evidence
from console.model.sequential import below, chance, design_effect, highest, lowest
from console.model.verdict import Counts, Judged, Speed, Verdict
from console.model.wait import RECENT, SURE, Passes, needed

FALSE_PASSES = 0.05
"""How often at most a guardrail passes in a bake whose own share, the mean over its events, is at its limit or above.
Of the share in the long run this is said by `_long_run` alone."""
FAST_CHANCE = 1e-4
"""How probable at most it is to see such a minute by chance, at the limit of the slow rule, or at the share that the
legacy path has in the same minute: 2 of 30 are above 5 %, and at 1 % that happens once in half an hour."""
EXPECTED = 12.0
"""How many requests must have been expected before none is too few: by chance, that happens 6 times in a million."""
ABSENT = 3
"""Slices without a series of the new path, while the legacy one has traffic, that are not late any more."""
MISSING = 0.05
"""The share of a bake's slices that may be unknown when it passes."""


def judge(evidence: Evidence, slices: Sequence[Slice], rule: GuardrailRule | None, course: Course) -> Judged:
    """Judges a guardrail by the slices of the present bake, oldest first. `after` and `of` of the rule: how many of the
    last looks must show a breach."""
    after, of = (rule.after, rule.of) if rule is not None else (1, 1)
    new, legacy = summed([item.new for item in slices]), summed([item.legacy for item in slices])
    told = Judged(
        evidence.guardrail,
        rule.title if rule is not None else evidence.guardrail,
        Verdict.INCONCLUSIVE,
        value=new.share,
        limit=evidence.limit,
        samples=round(new.total),
        legacy=legacy.share,
        legacy_samples=round(legacy.total),
        at=course.now,
    )
    if new.share is not None:
        most = _worst(evidence, slices, new)
        low, high = lowest(new.bad, new.total, course.alpha), highest(most.bad, most.total, FALSE_PASSES)
        told = replace(told, low=low, high=high)
    if nothing := _receives_nothing(slices, course):
        return replace(told, verdict=Verdict.BREACH, speed=Speed.FAST, why=nothing)
    if tripped := _trips(evidence, slices, course):
        return replace(told, verdict=Verdict.BREACH, speed=Speed.FAST, why=tripped)
    if new.share is None:
        why = course.missing or ("no traffic on the new path" if new.slices else "not counted yet")
        return replace(told, why=why)
    seen = f"{_percent(new.share)} of {new.total:,.0f}"
    limit = f"the limit is {_percent(evidence.limit)}"
    beside = f"; the legacy path {_percent(legacy.share)}" if legacy.share is not None else ""
    bakes = [shown(slices[:end], course) for end in range(max(1, len(slices) - of + 1), len(slices) + 1)]
    looks = [breaks(evidence.limit, bake, course) for bake in bakes]
    if looks[-1:] == [True] and sum(looks) >= after:
        return replace(told, verdict=Verdict.BREACH, why=f"{seen} bad, {limit}{beside}")
    unknown = len(slices) - new.slices
    if _holds(evidence, slices, new):
        caveat = _caveat(evidence, slices, new, course)
        return replace(told, verdict=Verdict.PASS, why=f"{seen} bad, {limit}{beside}", caveat=caveat)
    if unknown > MISSING * len(slices):
        minutes = course.seconds / 60
        return replace(told, why=f"{unknown * minutes:g} of {len(slices) * minutes:g} minutes are not known")
    if looks[-1:] == [True]:
        return replace(told, why=f"{seen} bad, {limit}: seen {sum(looks)} times, {after} of {of} count")
    more, needs = _needs(evidence, slices, bakes[-1], after - 1, course)
    return replace(told, more=more, why=f"{seen} bad, {limit}{beside}; {needs}")


def judge_value(evaluations: Sequence[Guardrail], now: datetime) -> Judged:
    """Judges a guardrail that has a value and no counts, by its last evaluations, oldest first: a breach is as many of
    them beyond the critical limit as the rule says, a pass is all of them within the limits. A limit of nothing at all,
    as of an invariant, is broken by one."""
    last = evaluations[-1]
    rule, level = last.rule, last.level
    recent = evaluations[-rule.of :]
    broken = sum(1 for item in recent if item.level is Level.CRITICAL)
    number, unit = last.value.value, f" {rule.unit}" if rule.unit else ""
    samples = last.samples.value if last.samples is not None else None
    told = Judged(
        rule.name,
        rule.title,
        Verdict.INCONCLUSIVE,
        value=number,
        limit=rule.critical,
        samples=max(0, round(samples)) if samples is not None and math.isfinite(samples) else 0,
        unit=rule.unit,
        at=now,
    )
    seen = f"{number:g}{unit}, the limit is {rule.critical:g}{unit}" if number is not None else ""
    if level is Level.CRITICAL and broken >= rule.after:
        return replace(told, verdict=Verdict.BREACH, speed=Speed.FAST if rule.after == 1 else Speed.SLOW, why=seen)
    if level is Level.CRITICAL:
        return replace(told, why=f"{seen}: seen {broken} times, {rule.after} of {rule.of} count")
    if level is Level.WARNING:
        return replace(told, why=f"{number:g}{unit} is beyond its warning at {rule.warning:g}{unit}")
    if level is Level.OK and len(recent) >= rule.of and all(item.level is Level.OK for item in recent):
        return replace(told, verdict=Verdict.PASS, why=seen)
    if level is Level.OK:
        return replace(told, why=f"{seen}: not within its limits {rule.of} times in a row yet")
    return replace(told, why=last.too_few or _unknown(last.value, last.phase_unknown))


# --- the fast rule ---------------------------------------------------------------------------------------------------


def _trips(evidence: Evidence, slices: Sequence[Slice], course: Course) -> str:
    """What the fast rule says of the last slices; empty when it does not trip."""
    if evidence.fast is None:
        return ""
    many = max(1, math.ceil(evidence.fast_for.total_seconds() / course.seconds))
    last = slices[-many:]
    own = [Counts(item.fast if evidence.fast_bad else item.new.bad, item.new.total) for item in last]
    found = summed(own)
    if found.slices < many or found.share is None or found.total < evidence.fast_samples:
        return ""
    legacy = summed([item.legacy for item in last])
    likely = max(evidence.limit, min(legacy.share or 0.0, 1.0))
    if found.share <= evidence.fast or likely >= 1 or chance(found.bad, found.total, likely) > FAST_CHANCE:
        return ""
    beside = f"; the legacy path {_percent(legacy.share)}" if legacy.share is not None else ""
    over = _long(timedelta(seconds=many * course.seconds))
    seen = f"{_percent(found.share)} of {found.total:,.0f} bad in {over}"
    return f"{seen}, at once at {_percent(evidence.fast)}{beside}"


def _receives_nothing(slices: Sequence[Slice], course: Course) -> str:
    """Whether the new path receives nothing while its share is above 0 %: so many requests went to the legacy path in
    the meantime that some would have come. A series that is not there may be late, for a while; it must have been
    asked for. At 100 % its own traffic just before says how many would have come, and only a count of 0 that none
    have: nothing beside it shows that what is not there was looked for."""
    if course.percent is not None and course.percent >= 100:
        return _fallen_silent(slices, course)
    if not course.percent or course.percent < 0:
        return ""
    odds, expected, count, absent = course.percent / (100 - course.percent), 0.0, 0, 0
    for item in reversed(slices):
        if item.new.total is not None and item.new.total > 0:
            break
        if item.legacy.total is None:
            break
        absent += item.new.total is None
        count, expected = count + 1, expected + item.legacy.total * odds
    if expected < EXPECTED or (absent and (count < ABSENT or course.missing)):
        return ""
    over = _long(timedelta(seconds=count * course.seconds))
    return f"the new path received nothing for {over}, {course.percent:g} % of the traffic should"


def _fallen_silent(slices: Sequence[Slice], course: Course) -> str:
    count = next((at for at, item in enumerate(reversed(slices)) if item.new.total != 0), len(slices))
    before = [item.new.total for item in slices[: len(slices) - count][-RECENT:] if item.new.total is not None]
    if not before or count * sum(before) / len(before) < EXPECTED:
        return ""
    over = _long(timedelta(seconds=count * course.seconds))
    return f"the new path received nothing for {over}, all of the traffic should"


# --- the slow rule ---------------------------------------------------------------------------------------------------


def _holds(evidence: Evidence, slices: Sequence[Slice], new: Sum) -> bool:
    """Whether it passes: the share of this bake was below the limit. Events count as many as they are, in bursts too:
    what was in this bake is certain, whatever made it so."""
    most = _worst(evidence, slices, new)
    few = len(slices) - new.slices <= MISSING * len(slices)
    return few and below(most.bad, most.total, evidence.limit, FALSE_PASSES)


def _caveat(evidence: Evidence, slices: Sequence[Slice], new: Sum, course: Course) -> str:
    """What a pass does not say; empty where the share is below the limit in the long run, too."""
    most = _long_run(evidence, slices, new, course)
    if most is None:
        return "of this bake; what the share varies by is not known"
    return f"of this bake; in the long run up to {_percent(most)}" if most >= evidence.limit else ""


def _long_run(evidence: Evidence, slices: Sequence[Slice], new: Sum, course: Course) -> float | None:
    """The most that the share is in the long run, where one bake varies from the next as such stretches did the day
    before: the events are weighed as fewer. None: nobody knows."""
    if not course.before.all:
        return None
    most = _worst(evidence, slices, new)
    deff = design_effect(most.total, evidence.limit, course.before.over(len(slices)).variance)
    return highest(most.bad / deff, most.total / deff, FALSE_PASSES)


def _worst(evidence: Evidence, slices: Sequence[Slice], new: Sum) -> Sum:
    """What there may have been: a slice that is not known counts as the worst that would not have tripped the fast
    rule, with the most traffic."""
    unknown = len(slices) - new.slices
    total = max((all_ for _, all_ in clean([item.new for item in slices])), default=0.0) * unknown
    return Sum(new.bad + total * min(1.0, evidence.fast or 5 * evidence.limit), new.total + total, len(slices))


def _needs(
    evidence: Evidence, slices: Sequence[Slice], bake: Shown, looks: int, course: Course
) -> tuple[timedelta | None, str]:
    """How long it takes until it is conclusive, and so many looks more; and that in words. What cannot be told with
    some certainty is said as what it is."""
    beyond = "above the limit, but it may be what the service does by itself: "
    told = beyond if is_above(evidence.limit, bake, course) else ""
    passes = Passes(FALSE_PASSES, MISSING, _worst(evidence, slices, bake.new))
    count = needed(evidence.limit, slices, bake, course, passes)
    if count is not None:
        more = timedelta(seconds=(count + looks) * course.seconds)
        return more, f"{told}needs about {_long(more)} more of this traffic, {100 * SURE:.0f} % sure"
    count = needed(evidence.limit, slices, bake, course, passes, as_it_is=True)
    if count is None:
        return None, f"{told}no end can be told"
    least = timedelta(seconds=(count + looks) * course.seconds)
    return None, f"{told}no end can be told, {_long(least)} if the share stays as it was"


# --- words -----------------------------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _unknown(reading: Reading[float], phase_unknown: bool) -> str:
    return reading.note or ("the phase is unknown" if phase_unknown else str(reading.state))


def _long(length: timedelta) -> str:
    """`7 min`, `3 h 05 min`."""
    hours, rest = divmod(math.ceil(length.total_seconds() / 60), 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"
