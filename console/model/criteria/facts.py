"""What the criteria of a decision look at, and how one of them answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.board import AlertFeed
from console.model.capacity import Headroom
from console.model.decision import FAIL, PASS, UNKNOWN, Attestation
from console.model.people import Actor
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Readiness
from console.model.rolling import RolloutRecord
from console.model.rollout import Guardrail, RolloutPlan
from console.model.run import Run
from console.model.slo import SloGauge
from console.model.value import value
from console.model.verdict import Judged


@value
class Cover:
    """Somebody who is on call in a role, and until when; None: nobody says. `endless`: the schedule has no end."""

    role: str
    person: str
    until: datetime | None = None
    endless: bool = False


@value
class Facts:
    """Everything that is known of going from one share to the next; the same percent twice: of ending the rollout.

    `queries` are the expressions behind the readings, by name. `bake_left` is None while nothing bakes.
    """

    service: str
    plan: RolloutPlan
    record: RolloutRecord
    from_percent: float
    to_percent: float
    bake_left: timedelta | None = None
    samples: Reading[float] = missing(ReadingState.NO_DATA, "", "not counted")
    judged: tuple[Judged, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    slos: tuple[SloGauge, ...] = ()
    readiness: Readiness = field(default_factory=Readiness)
    headroom: tuple[Headroom, ...] = ()
    feed: AlertFeed = field(default_factory=AlertFeed)
    readings: Mapping[str, Reading[float]] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)
    attestations: tuple[Attestation, ...] = ()
    on_call: tuple[Cover, ...] = ()
    author: Actor | None = None
    """Who began the rollout."""
    decider: Actor | None = None
    """Who decides, where that is known already: somebody else approves."""
    runs: tuple[Run, ...] = ()
    """The playbooks that were carried out, of any target."""


class Said(NamedTuple):
    """What a criterion says: pass, fail or unknown, and why. `at` is when its evidence was seen, None: nobody knows;
    `until` is when it ends, where that is known."""

    outcome: str
    evidence: str
    at: datetime | None = None
    value: float | None = None
    query: str = ""
    source: str = ""
    until: datetime | None = None


def by_reading(
    reading: Reading[float],
    holds: Callable[[float], bool],
    words: str,
    query: str = "",
    told: Callable[[float], str] = "{:g}".format,
) -> Said:
    """A pass only from a reading that is ok; a fail also from one that is stale or partial, as with guardrails. `told`
    writes its value."""
    if reading.value is None or reading.value != reading.value:
        why = reading.note or reading.state.replace("_", " ")
        return Said(UNKNOWN, f"{words}: {why}", reading.at, None, query, reading.source)
    held = holds(reading.value)
    outcome = FAIL if not held else PASS if reading.ok else UNKNOWN
    less = "" if reading.ok else f", {reading.note or reading.state.replace('_', ' ')}"
    return Said(
        outcome, f"{words}: it is {told(reading.value)}{less}", reading.at, reading.value, query, reading.source
    )


def worst(outcomes: list[str]) -> str:
    """A fail before an unknown before a pass; without any, unknown."""
    if FAIL in outcomes:
        return FAIL
    return PASS if outcomes and all(item == PASS for item in outcomes) else UNKNOWN


def grouped(said: Iterable[tuple[str, str]]) -> str:
    """(what, why) pairs as one text: what has the same reason stands together."""
    together: dict[str, list[str]] = {}
    for what, why in said:
        together.setdefault(why, []).append(what)
    return "; ".join(f"{', '.join(dict.fromkeys(names))}: {why}" for why, names in together.items())


def minutes(length: timedelta) -> str:
    """`12 min`, `45 s`, `3 h 05 min`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    hours, rest = divmod(-(-seconds // 60), 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


def clock(at: datetime) -> str:
    """An instant, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}Z"
