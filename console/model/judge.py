"""Judges a guardrail at two speeds: what trips at once, and what wants evidence.

The slow rule asks two things. Was the share beyond the limit in this bake, beyond chance? And is it the new path's
doing, and not what this service does now and then by itself: it is more than such a stretch varies by (`Spread`), or
more than the legacy path shows in the same slices, where what happens to both counts for nothing. It passes when the
share was below the limit in this bake, beyond chance; a slice that is not known counts as a bad one there. What the
share may be in the long run, of a service that varies from one bake to the next, is said beside a pass and does not
hinder it: a bake of half an hour is too short to show that. The bounds for a breach hold over every look of the
rollout, of all guardrails together; that of a pass over every look of its bake.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from console.model.reading import Reading
from console.model.rollout import Guardrail, GuardrailRule, Level
from console.model.rollout_plan import Evidence
from console.model.sequential import (
    FEWEST,
    Spread,
    above,
    below,
    chance,
    design_effect,
    highest,
    is_even,
    lowest,
    spread,
)
from console.model.value import value
from console.model.verdict import Counts, Judged, Speed, Verdict

FALSE_ROLLBACKS = 0.05
"""How often at most a rollout is called a breach that is none, over all its phases and guardrails."""
FALSE_PASSES = 0.05
"""How often at most a guardrail passes in a bake whose own share, the mean over its events, is at its limit or above.
Of the share in the long run this is said by `_long_run` alone."""
FAST_CHANCE = 1e-4
"""How probable at most it is to see such a minute by chance, at the limit of the slow rule, or at the share that the
legacy path has in the same minute: 2 of 30 are above 5 %, and at 1 % that happens once in half an hour."""
UNKNOWN_SPREAD = 0.05
"""The relative variance of a share from one bake to another, at least, where nobody has measured it."""
BEYOND = 2.0
"""How many times the highest share of the time before it must be, to be the new path's doing where there is no legacy
path to compare with: what comes in bursts comes in larger ones now and then."""
APART = 0.25
"""The part of what a path varies by that is at least its own, whatever was seen: a bake is short for what wanders."""
EXPECTED = 12.0
"""How many requests must have been expected before none is too few: by chance, that happens 6 times in a million."""
ABSENT = 3
"""Slices without a series of the new path, while the legacy one has traffic, that are not late any more."""
MISSING = 0.05
"""The share of a bake's slices that may be unknown when it passes."""
FARTHEST = 24 * 60
"""Slices after which it is not worth while to wait."""
RECENT = 10
"""Slices that tell the present traffic."""


@value
class Slice:
    """What was counted in one slice of time, on both paths. `fast`: what the fast rule counts, where it is something
    else than `new.bad`."""

    new: Counts
    legacy: Counts = Counts(None, None)
    fast: float | None = None


@value
class Course:
    """What is known of the rollout at large. `before`: how much a share varies by itself, measured before the bake.
    `percent`: the share of traffic that is set. `tests`: phases times guardrails, which share `FALSE_ROLLBACKS`.
    `seconds`: how long a slice is. `missing`: why there are no counts."""

    now: datetime
    before: Spread = Spread()
    percent: float | None = None
    tests: int = 1
    seconds: float = 60.0
    missing: str = ""

    @property
    def alpha(self) -> float:
        """The share of one guardrail in one phase."""
        return FALSE_ROLLBACKS / max(1, self.tests)


@value
class _Sum:
    """Bad and all events of the slices that are known, and how many those are."""

    bad: float = 0.0
    total: float = 0.0
    slices: int = 0

    @property
    def share(self) -> float | None:
        """None without events."""
        return self.bad / self.total if self.total > 0 else None


def judge(evidence: Evidence, slices: Sequence[Slice], rule: GuardrailRule | None, course: Course) -> Judged:
    """Judges a guardrail by the slices of the present bake, oldest first. `after` and `of` of the rule: how many of the
    last looks must show a breach."""
    after, of = (rule.after, rule.of) if rule is not None else (1, 1)
    new, legacy = _sum([item.new for item in slices]), _sum([item.legacy for item in slices])
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
    looks = [_breaks(evidence, slices[:end], course) for end in range(max(1, len(slices) - of + 1), len(slices) + 1)]
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
    more = _more(evidence, slices, new, legacy, course)
    needs = f"needs about {_long(more)} more of this traffic" if more is not None else "no end can be told"
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
    found = _sum(own)
    if found.slices < many or found.share is None or found.total < evidence.fast_samples:
        return ""
    legacy = _sum([item.legacy for item in last])
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
    asked for."""
    if not course.percent or not 0 < course.percent < 100:
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


# --- the slow rule ---------------------------------------------------------------------------------------------------


def _breaks(evidence: Evidence, slices: Sequence[Slice], course: Course) -> bool:
    """Whether the share is beyond the limit, and it is the new path's doing."""
    new, legacy = _sum([item.new for item in slices]), _sum([item.legacy for item in slices])
    return _broken(evidence, slices, new, legacy, course)


def _broken(evidence: Evidence, slices: Sequence[Slice], new: _Sum, legacy: _Sum, course: Course) -> bool:
    if not above(new.bad, new.total, evidence.limit, course.alpha):
        return False
    if not above(legacy.bad, legacy.total, evidence.limit, course.alpha) and _unheard_of(evidence, slices, new, course):
        return True
    both = new.bad + legacy.bad
    if not (both > 0 and legacy.total > 0):
        return False
    # Of the bad events of both paths, so many are the new one's; so many would be if both were alike.
    alike = new.total / (new.total + legacy.total)
    if not above(new.bad, both, alike, course.alpha):
        return False
    deff = 1 + both * alike * (1 - alike) * _apart(slices, course)
    return above(new.bad / deff, both / deff, alike, course.alpha)


def _unheard_of(evidence: Evidence, slices: Sequence[Slice], new: _Sum, course: Course) -> bool:
    """Whether it is beyond what the service does by itself: more than it varies by, and than it ever had in so long a
    time. Where nobody knows, what the bake itself has shown must do."""
    own, before = [item.new for item in slices], course.before
    if before.all:
        found = before.over(new.slices, is_even(own))
        varies, most = found.variance, found.highest
    else:
        varies, most = max(UNKNOWN_SPREAD, spread([own]).over(new.slices).variance), 0.0
    deff = design_effect(new.total, evidence.limit, varies)
    limit = max(evidence.limit, min(BEYOND * most, 1.0))
    return new.bad > limit * new.total and above(new.bad / deff, new.total / deff, evidence.limit, course.alpha)


def _apart(slices: Sequence[Slice], course: Course) -> float:
    """How much the paths vary against one another over these slices, relative, beyond chance: all that both vary by,
    unless it is seen here that they vary together, and never nothing. Of what the legacy path varies by from slice to
    slice, a part is not shared by the new one; as large a part is not shared over the whole stretch."""
    pairs = [(item.new, item.legacy) for item in slices if _known(item.new) and _known(item.legacy)]
    new, legacy = [item for item, _ in pairs], [item for _, item in pairs]
    still = is_even(new) and is_even(legacy)
    whole = course.before.over(len(slices), still).variance if course.before.all else UNKNOWN_SPREAD
    seen = _excess(legacy, [item.total or 0.0 for item in legacy], -1.0)
    if still or len(pairs) < FEWEST or not seen > 0:
        return 2 * whole
    bad = [(one.bad or 0.0) + (other.bad or 0.0) for one, other in pairs]
    return min(max(APART, _excess(new, bad, 1.0) / seen), 2.0) * whole


def _excess(items: Sequence[Counts], weights: Sequence[float], errors: float) -> float:
    """The relative variance of the bad events, of which each slice should have its part by weight, beyond chance: by so
    many standard errors more."""
    whole, bad, freed = sum(weights), sum(item.bad or 0.0 for item in items), len(items) - 1
    if not (whole > 0 and bad > 0 and freed > 0):
        return 0.0
    part = bad / whole
    expected = [weight * part for weight in weights]
    own = sum(expected) * max(0.0, 1 - part)
    squares = sum(((item.bad or 0.0) - mean) ** 2 for item, mean in zip(items, expected, strict=True))
    off = 1 + errors * math.sqrt(2 / freed)
    return (squares * len(items) / freed * off - own) / sum((mean * max(0.0, 1 - part)) ** 2 for mean in expected)


def _holds(evidence: Evidence, slices: Sequence[Slice], new: _Sum) -> bool:
    """Whether it passes: the share of this bake was below the limit. Events count as many as they are, in bursts too:
    what was in this bake is certain, whatever made it so."""
    most = _worst(evidence, slices, new)
    few = len(slices) - new.slices <= MISSING * len(slices)
    return few and below(most.bad, most.total, evidence.limit, FALSE_PASSES)


def _caveat(evidence: Evidence, slices: Sequence[Slice], new: _Sum, course: Course) -> str:
    """What a pass does not say; empty where the share is below the limit in the long run, too."""
    most = _long_run(evidence, slices, new, course)
    if most is None:
        return "of this bake; what the share varies by is not known"
    return f"of this bake; in the long run up to {_percent(most)}" if most >= evidence.limit else ""


def _long_run(evidence: Evidence, slices: Sequence[Slice], new: _Sum, course: Course) -> float | None:
    """The most that the share is in the long run, where one bake varies from the next as such stretches did the day
    before: the events are weighed as fewer. None: nobody knows."""
    if not course.before.all:
        return None
    most = _worst(evidence, slices, new)
    deff = design_effect(most.total, evidence.limit, course.before.over(len(slices)).variance)
    return highest(most.bad / deff, most.total / deff, FALSE_PASSES)


def _worst(evidence: Evidence, slices: Sequence[Slice], new: _Sum) -> _Sum:
    """What there may have been: a slice that is not known counts as the worst that would not have tripped the fast
    rule, with the most traffic."""
    unknown = len(slices) - new.slices
    total = max((all_ for _, all_ in _clean([item.new for item in slices])), default=0.0) * unknown
    return _Sum(new.bad + total * min(1.0, evidence.fast or 5 * evidence.limit), new.total + total, len(slices))


def _more(evidence: Evidence, slices: Sequence[Slice], new: _Sum, legacy: _Sum, course: Course) -> timedelta | None:
    """How much longer the traffic of the last slices must go on, with this share, until it is conclusive."""
    recent = _sum([item.new for item in slices[-RECENT:]])
    share = new.share
    if share is None or not recent.slices or not recent.total > 0:
        return None
    pace = recent.total / recent.slices
    beside = legacy.total / max(1, legacy.slices)
    unknown = len(slices) - new.slices

    def conclusive(count: int) -> bool:
        then = _Sum(new.bad + share * pace * count, new.total + pace * count, new.slices + count)
        if unknown <= MISSING * (len(slices) + count) and below(then.bad, then.total, evidence.limit, FALSE_PASSES):
            return True
        other = (legacy.share or 0.0) * beside * count
        control = _Sum(legacy.bad + other, legacy.total + beside * count, legacy.slices + count)
        return _broken(evidence, slices, then, control, course)

    longest = int(FARTHEST * 60 / course.seconds)
    low, high = 0, 1
    while not conclusive(high):
        if high >= longest:
            return None
        low, high = high, min(2 * high, longest)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if conclusive(middle) else (middle, high)
    return timedelta(seconds=high * course.seconds)


# --- counts ----------------------------------------------------------------------------------------------------------


def _known(item: Counts) -> bool:
    return item.bad is not None and item.total is not None


def _sum(items: Sequence[Counts]) -> _Sum:
    bad = total = 0.0
    count = 0
    for one, all_ in _clean(items):
        bad, total, count = bad + one, total + all_, count + 1
    return _Sum(bad, total, count)


def _clean(items: Sequence[Counts]) -> Iterator[tuple[float, float]]:
    """Those that are known. Increases are extrapolated: there may be a little more that is bad than there is at all."""
    for item in items:
        if item.bad is not None and item.total is not None:
            yield min(item.bad, item.total), item.total


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _unknown(reading: Reading[float], phase_unknown: bool) -> str:
    return reading.note or ("the phase is unknown" if phase_unknown else str(reading.state))


def _long(length: timedelta) -> str:
    """`7 min`, `3 h 05 min`."""
    hours, rest = divmod(math.ceil(length.total_seconds() / 60), 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"
