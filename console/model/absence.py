"""Whether bad events of which there is no series are none.

A counter with a label for the failure has no series before the first failure, and none at all where the label's name or
its value has a slip of a hand: the two look the same. So no series is 0 only where the same was ever seen with one,
or where the plan says that it is.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import takewhile

from console.model.promql import Selector, computes, selectors
from console.model.rollout_plan import Evidence

_TOTALS = {"bad": "total", "fast_bad": "total", "legacy_bad": "legacy_total"}
"""The templates of bad events, each with the one of all events on its path."""
BAD = tuple(_TOTALS)


def is_zero(item: Evidence, part: str, seen: Collection[str]) -> bool:
    """Whether bad events without a series count as 0. `part` is one of `BAD`; `seen` are those that ever had a series.
    What is computed of two series never does: where one of them is missing, nothing is known."""
    template = getattr(item, part)
    if not template or computed(template):
        return False
    if item.absent_is_zero or part in seen:
        return True
    asked = _asked(item, part)
    return asked is not None and any(asked == _asked(item, other) for other in BAD if other in seen)


def doubt(item: Evidence, part: str, seen: Collection[str]) -> str:
    """What is to be said of bad events without a series that do not count as 0; empty where they do."""
    template = getattr(item, part)
    if not template or is_zero(item, part, seen):
        return ""
    key = "`fast: bad`" if part == "fast_bad" else "`bad`"
    if computed(template):
        return f"{key} is computed of several series, and one of them is missing: is {key} right?"
    where = (
        "on this path, and the legacy path's `bad` asks something else" if "legacy_bad" in seen else "on either path"
    )
    return f"no bad event was ever counted {where}: is {key} right? `absent: zero` in the plan says that it is"


def computed(template: str) -> bool:
    """Whether it adds or subtracts series; what cannot be read may."""
    try:
        return computes(template)
    except ValueError:
        return True


def _asked(item: Evidence, part: str) -> tuple[object, ...] | None:
    """What makes events bad ones on a path, without what names the path: how each of its selectors differs from that of
    all events. None: it cannot be told."""
    template, total = getattr(item, part), getattr(item, _TOTALS[part])
    try:
        found, all_ = selectors(template), selectors(total)
    except ValueError:
        return None
    if not found or not all_:
        return None
    parts: list[object] = []
    begin = 0
    for one in found:
        parts += ["".join(template[begin : one.begin].split()), _differs(one, all_)]
        begin = one.end
    return (*parts, "".join(template[begin:].split()))


def _differs(one: Selector, all_: Collection[Selector]) -> tuple[object, ...]:
    """`errors_total` and `requests_total` where the names have the rest in common, and the matchers beyond."""
    nearest = max(all_, key=lambda other: _common(one.name, other.name))
    common, known = _common(one.name, nearest.name), {str(item) for item in nearest.matchers}
    beyond = sorted({str(item) for item in one.matchers} - known)
    return (one.name[common:], nearest.name[common:], *beyond)


def _common(one: str, other: str) -> int:
    """How many letters two names begin with that are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
