"""What files define by name for others: indicators, sources, policies, conditions, windows of alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from console.model.burn import BurnRule, Urgency
from console.settings.nodes import Node
from console.settings.problems import one_of, shown
from console.settings.slo.declared import Measure


@dataclass(frozen=True, slots=True)
class Indicator:
    """How something is measured; `measure` is None when it was refused, or is measured by `backend`, which is none of
    ours. `where` is its query's place, `at` the one to complain at."""

    measure: Measure | None
    where: str
    at: Node
    backend: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A burn rate over a window that somebody is to hear of; `over` is false for one that is low."""

    urgency: Urgency
    over: bool
    threshold: float
    long: timedelta
    short: timedelta


@dataclass(slots=True)
class Library:
    """What was read so far."""

    indicators: dict[str, Indicator] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """Data source -> its type."""
    conditions: dict[str, Condition | None] = field(default_factory=dict)
    policies: dict[str, tuple[Condition, ...]] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    windows: dict[timedelta, tuple[BurnRule, ...]] = field(default_factory=dict)
    """The rules that AlertWindows set, by the length of the window that they are for."""
    _places: dict[tuple[str, str], Node] = field(default_factory=dict)

    def define(self, kind: str, place: Node, *, again: bool = False) -> str:
        """The name at `place`, for one of a kind. A second one of the name is refused, or where it may be defined
        `again`, warned of."""
        name = place.name(f"the name of the {kind}")
        first = self._places.setdefault((kind, name), place)
        if name and first.tree is not place.tree:
            at = f"line {first.tree.line}" if first.file == place.file else f"{first.file}:{first.tree.line}"
            complain = place.warn if again else place.refuse
            complain(f"the {kind} {shown(name)} again (the first is at {at})", "a name of its own")
        return name

    def missing(self, kind: str, place: Node, known: dict[str, object]) -> None:
        """Warns of a name that no file defines, which nothing is measured by."""
        name = place.tree.text
        expected = one_of(tuple(known), name) if known else f"a file that defines the {kind}"
        place.warn(f"the {kind} {shown(name)}, which none of these files defines", expected)
