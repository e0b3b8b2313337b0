"""The simulated Alertmanager's silences, which hide its alerts."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from console.integrations.simulated.curves import digest
from console.model.alert import Alert, AlertState
from console.model.pager import ActOutcome, ActResult
from console.model.silence import (
    KEPT,
    Silence,
    SilenceState,
    created,
    created_before,
    end_refusal,
    ended,
    ended_before,
    extended,
    refusal,
)
from console.ports import Rejected

if TYPE_CHECKING:
    from console.integrations.simulated.world import World


class Book:
    """What the silences and the alerts of one simulated Alertmanager share."""

    def __init__(self, seed: int) -> None:
        self.lock = threading.RLock()
        self._seed = seed
        self._silences: dict[str, Silence] = {}
        self._written = 0

    def add(self, silence: Silence) -> Silence:
        """Keeps a new one, under an id that the seed and its number decide."""
        with self.lock:
            name = f"silence {self._seed}" + (f" {self._written}" if self._written else "")
            self._written += 1
            found = replace(silence, id=str(uuid.UUID(bytes=digest(name, 16), version=4)))
            self._silences[found.id] = found
            return found

    def put(self, silence: Silence) -> None:
        """Keeps a changed one."""
        with self.lock:
            self._silences[silence.id] = silence

    def at(self, when: datetime) -> list[Silence]:
        """All, each in its state of that instant."""
        with self.lock:
            return [replace(item, state=_state(item, when)) for item in self._silences.values()]

    def hidden(self, alerts: Iterable[Alert], when: datetime) -> Iterable[Alert]:
        """The alerts, suppressed where an active silence fits."""
        active = [item for item in self.at(when) if item.state is SilenceState.ACTIVE]
        for alert in alerts:
            by = tuple(item.id for item in active if item.hides(alert))
            yield replace(alert, state=AlertState.SUPPRESSED, silenced_by=by) if by else alert


class SimulatedSilences:
    """Implements Silences on a World, by the rules of the real ones."""

    def __init__(self, world: World, cluster: str = "alertmanager") -> None:
        self.cluster = cluster
        self._world, self._book = world, world.silences

    def read(self) -> tuple[Silence, ...]:
        """Those that are pending or active, and those that expired within the last day. Raises SourceError."""
        now = self._world.answer("alertmanager")
        found = (replace(item, cluster=self.cluster) for item in self._book.at(now) if item.ends_at > now - KEPT)
        return tuple(sorted(found, key=lambda item: (item.ends_at, item.id)))

    def create(self, silence: Silence) -> ActResult:
        """Creates it. The same silence (matchers, end, author, comment) is never made twice."""
        with self._book.lock:
            now = self._world.answer("alertmanager")
            reason = refusal(silence, now)
            if reason:
                raise Rejected(f"{self.cluster}: not silenced: {reason}")
            for other in self._book.at(now):
                if other.state is not SilenceState.EXPIRED and _content(other) == _content(silence):
                    return created_before(other)
            made = self._book.add(replace(silence, starts_at=max(silence.starts_at, now), updated_at=now))
            return created(replace(made, state=_state(made, now)))

    def expire(self, silence_id: str) -> ActResult:
        """Ends it now. ALREADY when it has ended before."""

        def act(found: Silence, now: datetime) -> ActResult:
            if found.state is SilenceState.EXPIRED:
                return ended_before(found, ActOutcome.ALREADY)
            over = replace(found, starts_at=min(found.starts_at, now), ends_at=now, updated_at=now)
            self._book.put(over)
            return ended(replace(over, state=SilenceState.EXPIRED))

        return self._change(silence_id, act)

    def extend(self, silence_id: str, ends_at: datetime) -> ActResult:
        """Moves its end, to an earlier instant, too. LOST when it has ended meanwhile."""

        def act(found: Silence, now: datetime) -> ActResult:
            reason = end_refusal(ends_at, now)
            if reason:
                raise Rejected(f"{self.cluster}: not changed: {reason}")
            if found.state is SilenceState.EXPIRED or found.ends_at == ends_at:
                return extended(found, found, ends_at)
            longer = replace(found, ends_at=ends_at, updated_at=now)
            self._book.put(longer)
            return extended(found, longer, ends_at)

        return self._change(silence_id, act)

    def _change(self, silence_id: str, act: Callable[[Silence, datetime], ActResult]) -> ActResult:
        with self._book.lock:
            now = self._world.answer("alertmanager")
            for found in self._book.at(now):
                if found.id == silence_id:
                    return act(found, now)
        raise Rejected(f"{self.cluster}: there is no silence {silence_id}")


def _state(silence: Silence, when: datetime) -> SilenceState:
    if when >= silence.ends_at:
        return SilenceState.EXPIRED
    return SilenceState.ACTIVE if when >= silence.starts_at else SilenceState.PENDING


def _content(silence: Silence) -> tuple[object, ...]:
    return frozenset(silence.matchers), silence.ends_at, silence.created_by, silence.comment
