"""What files define by name for others: indicators, sources, policies, conditions, windows of alerts."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

from console.model.burn import BurnRule, Urgency
from console.model.value import value
from console.settings.nodes import Node
from console.settings.problems import one_of, shown
from console.settings.slo.declared import Measure

T = TypeVar("T")


@value
class Indicator:
    """How something is measured; `measure` is None when it was refused, or is measured by `backend`, which is none of
    ours. `where` is its query's place, `at` the one to complain at."""

    measure: Measure | None
    where: str
    at: Node
    backend: str = ""
    description: str = ""


@value
class Condition:
    """A burn rate over a window that somebody is to hear of; `over` is false for one that is low."""

    urgency: Urgency
    over: bool
    threshold: float
    long: timedelta
    short: timedelta


class Library:
    """What was read so far. `others` is what stands in files that this one may refer to, and is not judged with."""

    def __init__(self, others: Library | None = None) -> None:
        self.indicators: ChainMap[str, Indicator] = _with(others.indicators if others else None)
        self.sources: ChainMap[str, str] = _with(others.sources if others else None)
        """Data source -> its type."""
        self.conditions: ChainMap[str, Condition | None] = _with(others.conditions if others else None)
        self.policies: ChainMap[str, tuple[Condition, ...]] = _with(others.policies if others else None)
        self.targets: ChainMap[str, None] = _with(others.targets if others else None)
        self.measures: ChainMap[str, Measure] = _with(others.measures if others else None)
        """Objective -> how it is measured."""
        self.windows: dict[timedelta, tuple[BurnRule, ...]] = {}
        """The rules that AlertWindows set, by the length of the window that they are for."""
        self._places: dict[tuple[str, str], Node] = {}

    def define(self, kind: str, place: Node, *, again: bool = False) -> str:
        """The name at `place`, for one of a kind. A second one of the name is refused, or where it may be defined
        `again`, warned of."""
        name = place.name(f"the name of the {kind}")
        first = self._places.setdefault((kind, name), place)
        if name and first.tree is not place.tree:
            complain = place.warn if again else place.refuse
            complain(f"the {kind} {shown(name)} again (the first is at {seen_at(first, place)})", "a name of its own")
        return name


def missing(kind: str, place: Node, known: Mapping[str, object]) -> None:
    """Warns of a name that no file defines, which nothing is measured by."""
    name = place.tree.text
    expected = one_of(tuple(known), name) if known else f"a file that defines the {kind}"
    place.warn(f"the {kind} {shown(name)}, which none of these files defines", expected)


def seen_at(first: Node, place: Node) -> str:
    """Where something stands, as somebody reads it who looks at `place`."""
    return f"line {first.tree.line}" if first.file == place.file else f"{first.file}:{first.tree.line}"


def _with(others: ChainMap[str, T] | None) -> ChainMap[str, T]:
    return ChainMap({}, *(others.maps if others is not None else ()))
