"""The groups of objectives: one level for each combination of their labels' values."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

from console.engine.level import Level
from console.model.promql import patched
from console.model.sli import Sli
from console.model.slo import Objective
from console.model.text import safe

GROUPS = 100
"""Groups of one objective that are measured."""


class Groups:
    """The groups that are known, by their objective's name. Under `lock` while they change."""

    def __init__(self, where: str, lock: threading.RLock) -> None:
        self._where, self._lock = where, lock
        self._known: dict[str, dict[tuple[str, ...], Level]] = {}
        """By the values of the objective's labels."""

    def of(self, objective: Objective) -> list[Level]:
        """The level of each group, in the order of their values."""
        return list(self._known.get(objective.name, {}).values())

    def made(self, objective: Objective, groups: Iterable[Mapping[str, str]]) -> tuple[list[Level], str]:
        """Levels for those that are not known yet, and what to say of those that are too many. They are not known
        before they are added."""
        with self._lock:
            known = dict(self._known.get(objective.name, {}))
        wanted = {_values(objective, group) for group in groups}
        new = sorted(wanted - known.keys())[: max(0, GROUPS - len(known))]
        many = len(wanted | known.keys()) > GROUPS
        taken, made = {level.objective.name for level in known.values()}, []
        for values in new:
            child = _of_group(objective, values, taken)
            if child is not None:
                taken.add(child.name)
                made.append(Level(child, self._where, objective))
        return made, f"{objective.name}: more than {GROUPS} groups, the others are not measured" if many else ""

    def add(self, objective: Objective, made: Iterable[Level]) -> None:
        """Knows these, too; those that are known stay."""
        with self._lock:
            known = dict(self._known.get(objective.name, {}))
            for level in made:
                known.setdefault(tuple(text for _, text in level.objective.group), level)
            self._known[objective.name] = dict(sorted(known.items()))

    def forget(self, objective: Objective, present: Iterable[Mapping[str, str]]) -> None:
        """Drops those that are not present any more, and of whose slices none is left in the window."""
        still = {_values(objective, group) for group in present}
        with self._lock:
            known = self._known.get(objective.name, {})
            for values in [values for values in known if values not in still]:
                track = known[values].own
                newest = track.slices.newest
                if newest is not None and newest < track.begin:
                    del known[values]


def _values(objective: Objective, group: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(group.get(label, "") for label in objective.groups)


def group_key(objective: Objective, where: str) -> str:
    """Under which key the groups of an objective are kept."""
    text = "\0".join((where, objective.name, objective.sli.total, *objective.groups))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _of_group(objective: Objective, values: tuple[str, ...], taken: set[str]) -> Objective | None:
    """The objective of one group; None when its expressions cannot be asked for one alone."""
    labels = dict(zip(objective.groups, values, strict=True))

    def of_group(sli: Sli) -> Sli:
        bucket = sli.bucket
        return replace(
            sli,
            part=patched(sli.part, labels),
            total=patched(sli.total, labels),
            bucket=replace(bucket, selector=patched(bucket.selector, labels)) if bucket is not None else None,
            fallback=of_group(sli.fallback) if sli.fallback is not None else None,
        )

    try:
        sli = of_group(objective.sli)
    except ValueError:
        return None
    shown = ", ".join(safe(item, 60) or "(none)" for item in values)
    name, number = f"{objective.name}[{shown}]", 1
    while name in taken:
        number += 1
        name = f"{objective.name}[{shown} {number}]"
    return replace(
        objective, name=name, title=f"{objective.title} {shown}", sli=sli, groups=(), group=tuple(labels.items())
    )
