"""What was counted on both paths, slice by slice, as the source answered it. What is late, missing, doubtful or no
possible count is not known, and never 0; bad events without a series are 0 only where that is known to be so
(`model/absence.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from console.model.absence import doubt, is_zero
from console.model.bake import Slice
from console.model.plausible import MOST
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import Evidence
from console.model.value import value
from console.model.verdict import Counts
from console.ports import Series

TOTALS = ("total", "legacy_total")
PARTS = ("bad", "total", "legacy_bad", "legacy_total", "fast_bad")
SELDOM = "the new path is scraped too rarely to be counted minute by minute"
TWICE, FEW = 2.0, 10.0
"""Increases are extrapolated, each series' by itself: so many times all events may be bad ones, and so many more."""


@value
class Counted:
    """The slices of one guardrail, oldest first. `missing`: why nothing was counted; `doubt`: why nothing passes by it.
    Each in a few words, else empty."""

    slices: tuple[Slice, ...]
    missing: str
    doubt: str


@value
class _Numbers:
    """The samples of one template, None for what is no count; `told`: the server answered it, and warned of nothing."""

    values: tuple[float | None, ...]
    told: bool
    begins: int
    """The slot of the first sample, whatever it is."""


def seen(plan: RolloutPlan, answers: Mapping[str, Series]) -> Mapping[str, frozenset[str]]:
    """Which templates had a series, by the guardrail."""
    return {
        item.guardrail: frozenset(
            part
            for part in PARTS
            if (series := answers.get(_name(item, part))) is not None
            and any(number is not None for number in series.values)
        )
        for item in plan.evidence
    }


def fallen(plan: RolloutPlan, answers: Mapping[str, Series], last: int) -> frozenset[str]:
    """The names of the totals of which nothing was counted in the last so many slices, and not all of them hold a 0."""
    tails = {name: answers[name].values[-last:] for name in _totals(plan) if name in answers}
    return frozenset(name for name, tail in tails.items() if None in tail and not any(tail))


def rare(plan: RolloutPlan, answers: Mapping[str, Series]) -> frozenset[str]:
    """The names of the totals that are counted in fewer than half of the slices in which anything is, from where each
    begins: what is scraped once a minute is seen in a minute only now and then."""
    told = {name: answers[name].values for name in _totals(plan) if name in answers}
    any_ = [any(item is not None for item in slot) for slot in zip(*told.values(), strict=False)]
    found = set()
    for name, values in told.items():
        begins = next((at for at, item in enumerate(values) if item is not None), 0)
        if 2 * sum(item is not None for item in values) < max(1, sum(any_[begins:])):
            found.add(name)
    return frozenset(found)


def _totals(plan: RolloutPlan) -> list[str]:
    return [_name(item, part) for item in plan.evidence for part in TOTALS if getattr(item, part)]


def counted(
    item: Evidence, answers: Mapping[str, Series], slots: int, ever: Collection[str], seldom: Collection[str] = ()
) -> Counted:
    """What was counted of one guardrail. `ever`: its templates that were ever seen with a series. `seldom`: the names
    of the totals that hold samples, and too few for a slice: what is missing of them was not missing."""
    numbers = {part: _numbers(answers.get(_name(item, part)), slots) for part in PARTS}

    def counts(part: str, total: str) -> list[Counts]:
        return _counts(numbers[part], numbers[total], is_zero(item, part, ever))

    new, legacy, quick = counts("bad", "total"), counts("legacy_bad", "legacy_total"), counts("fast_bad", "total")
    slices = tuple(Slice(one, other, last.bad) for one, other, last in zip(new, legacy, quick, strict=True))
    missing = _missing(item, answers, slots) or (SELDOM if _name(item, "total") in seldom else "")
    return Counted(slices, missing, _doubt(item, numbers, slots, ever) or _odd(numbers))


def finite(series: Series | None, slots: int) -> tuple[float | None, ...]:
    """The samples that are numbers, so many; None for the others, and where the server is in doubt."""
    values = series.values if series is not None and not series.doubtful else ()
    found = [item if item is not None and math.isfinite(item) else None for item in values]
    return tuple([*found, *[None] * slots][:slots])


def _name(item: Evidence, part: str) -> str:
    return f"evidence.{item.guardrail}.{part}"


def _numbers(series: Series | None, slots: int) -> _Numbers:
    if series is None or series.doubtful:
        return _Numbers((None,) * slots, False, 0)
    values = tuple(item if item is not None and 0 <= item <= MOST else None for item in finite(series, slots))
    begins = next((at for at, item in enumerate(series.values) if item is not None), slots)
    return _Numbers(values, True, begins)


def _counts(bad: _Numbers, total: _Numbers, zero: bool) -> list[Counts]:
    """Counts slot by slot. `zero`: a counter of bad events is 0 as long as it was never seen in this bake."""
    unborn = bad.begins if bad.told and zero else 0
    found = []
    for at, (one, whole) in enumerate(zip(bad.values, total.values, strict=True)):
        if at < unborn and whole is not None:
            one = 0.0
        found.append(Counts(None if _beyond(one, whole) else one, whole))
    return found


def _beyond(bad: float | None, total: float | None) -> bool:
    """Whether more events are bad than there are."""
    return bad is not None and total is not None and bad > TWICE * total + FEW


def _missing(item: Evidence, answers: Mapping[str, Series], slots: int) -> str:
    """Why nothing was counted, in a few words; empty where something was."""
    if not slots:
        return "the first minute is not over"
    for part, words in (("total", "events"), ("bad", "bad events")):
        series = answers.get(_name(item, part))
        if series is None:
            return f"the {words} cannot be read"
        if series.doubtful:
            return f"the server warns of what it says of the {words}"
        told = [number for number in series.values if number is not None]
        if told and not any(0 <= number <= MOST for number in told):
            return f"what the server says of the {words} is no possible count: {told[-1]:.3g}"
    return ""


def _doubt(item: Evidence, numbers: Mapping[str, _Numbers], slots: int, ever: Collection[str]) -> str:
    """Why bad events that have no series in this bake may be more than none."""
    if not any(number is not None for number in numbers["total"].values):
        return ""
    for part in ("bad", "fast_bad"):
        if numbers[part].told and numbers[part].begins >= slots and (why := doubt(item, part, ever)):
            return why
    return ""


def _odd(numbers: Mapping[str, _Numbers]) -> str:
    """Whether more is bad than there is, the last time that both were told."""
    pairs = zip(reversed(numbers["bad"].values), reversed(numbers["total"].values), strict=True)
    last = next(((one, whole) for one, whole in pairs if one is not None and whole is not None), (None, None))
    return "more bad events were counted than events: is `bad` a part of `total`?" if _beyond(*last) else ""
