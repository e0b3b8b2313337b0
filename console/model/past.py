"""Which rollbacks and drills of the record count for the next one, for how much, and without what is modelled live.

An old run weighs exp(-age / 90 d), a drill half; n is then the effective number (sum w)^2 / sum w^2 (Kish).

A drill gives the times of people alone. What the machine did in it was simulated: such a step counts as long beside
people's steps as in a real run, each drill taking after another one, for with a median they would all be alike. Where
there is no real run it counts as long as a canary showed, and where there is no canary either the estimate is of
people's steps alone, and says so. A borrowed time is the same measurement again and not another one: what is known of
the machine's part is known from the real runs alone (`worth_runs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from math import exp

from console.model.estimate import Measured, Origin
from console.model.value import value

FADES = timedelta(days=90)
"""The age at which a run weighs 1 / e."""
DRILL = 0.5
"""What a drill weighs."""
LEAST_SECONDS = 1.0
"""No run that counts is shorter."""


@value
class Past:
    """A run as it counts: with the steps that are modelled live taken out. `whole`: machine times are in it;
    `borrowed`: those that were measured in another run, or by a canary."""

    run: Measured
    weight: float
    seconds: float
    steps: Mapping[str, float] = field(default_factory=dict)
    whole: bool = True
    borrowed: frozenset[str] = frozenset()


def kish(weights: Sequence[float]) -> float:
    """How many runs these are, by weight; 0 of none."""
    return sum(weights) ** 2 / sum(weight * weight for weight in weights) if weights else 0.0


def visible(run: Measured, mode: str) -> bool:
    """Whether a console of a mode may rest on it: a live one never on what a demo or a drill's own record holds as
    real."""
    if mode != "live":
        return True
    return run.mode == "live" or (run.mode == "drill" and run.origin is Origin.SIMULATED)


def counts(run: Measured) -> bool:
    """A drill counts at real-time speed alone."""
    return run.origin is not Origin.SIMULATED or abs(run.speed - 1.0) < 0.01


def machine_times(runs: Iterable[Measured]) -> dict[str, float]:
    """The median of each machine step, over what was no drill."""
    seen: dict[str, list[float]] = {}
    for run in runs:
        if run.origin is not Origin.SIMULATED:
            for step, seconds in run.steps.items():
                if step not in run.human:
                    seen.setdefault(step, []).append(seconds)
    return {step: median(sorted(times)) for step, times in seen.items()}


def median(ordered: Sequence[float]) -> float:
    """Of one or more, in order."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0


def past(
    runs: Sequence[Measured],
    now: datetime,
    live: frozenset[str] = frozenset(),
    machine: Mapping[str, float] | None = None,
) -> tuple[Past, ...]:
    """The runs that count, without their `live` steps. `machine` are seconds of steps that were measured elsewhere, by
    a canary. Drills with machine times that nobody knows are left out while there is anything whole."""
    known = {**(machine or {}), **machine_times(runs)}
    real = [run for run in runs if run.origin is not Origin.SIMULATED and _people(run) > 0.0]
    found = []
    for place, run in enumerate(run for run in runs if counts(run)):
        item = _past(run, now, live, known, real[place % len(real)] if real else None)
        if item.seconds > 0.0:
            found.append(item)
    return tuple([item for item in found if item.whole] or found)


def _people(run: Measured) -> float:
    return sum(seconds for step, seconds in run.steps.items() if step in run.human)


def _past(
    run: Measured, now: datetime, live: frozenset[str], machine: Mapping[str, float], like: Measured | None
) -> Past:
    """Of a drill, the machine's steps are those of `like`, a real run, at the pace of the drill's people."""
    weight = exp(-max(timedelta(0), now - run.at) / FADES)
    if run.origin is not Origin.SIMULATED:
        steps = {step: seconds for step, seconds in run.steps.items() if step not in live}
        taken_out = sum(seconds for step, seconds in run.steps.items() if step in live)
        return Past(run, weight, max(run.seconds - taken_out, LEAST_SECONDS), steps)
    pace = _people(run) / _people(like) if like is not None else 1.0
    found, whole, borrowed = {}, True, set()
    for step, seconds in run.steps.items():
        if step in live:
            continue
        if step in run.human:
            found[step] = seconds
        elif seconds > 0.0:  # what nobody waited for takes no time of the whole
            whole = whole and step in machine
            usual = machine.get(step, 0.0)
            found[step] = pace * like.steps.get(step, usual) if like is not None else usual
            borrowed.add(step)
    return Past(run, DRILL * weight, sum(found.values()), found, whole, frozenset(borrowed))


def worth_runs(runs: Sequence[Past], left: frozenset[str] | None = None) -> float:
    """How many runs they are worth; of these steps alone, while a rollback is under way. People's part of the time,
    1 - f, was measured in all of them; the machine's, f, in the real ones alone, or once by a canary. A mean of both
    varies as one of ((1 - f)^2 + f^2) / ((1 - f)^2 / all + f^2 / real) runs does."""
    every = kish([item.weight for item in runs])
    drills = [item for item in runs if item.borrowed]
    real = max(1.0, kish([item.weight for item in runs if item.run.origin is not Origin.SIMULATED]))
    whole = borrowed = 0.0
    for item in drills:
        for step, seconds in item.steps.items():
            if left is None or step in left:
                whole += item.weight * seconds
                borrowed += item.weight * seconds if step in item.borrowed else 0.0
    if not borrowed > 0.0:
        return every
    people, machine = (1.0 - borrowed / whole) ** 2, (borrowed / whole) ** 2
    return min(every, (people + machine) / (people / every + machine / real))


def own(run: Measured, step: str) -> bool:
    """Whether the run has measured it: a drill only what people did."""
    return step in run.steps and (run.origin is not Origin.SIMULATED or step in run.human)
