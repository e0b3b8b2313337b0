"""The simulated health endpoints and the simulated flag."""

from __future__ import annotations

from datetime import datetime

from console.integrations.simulated.world import World
from console.model.board import HealthSnapshot
from console.model.flag import FlagAnswer, FlagChange, FlagOutcome, FlagState
from console.model.reading import Reading, ReadingState
from console.ports import SourceError


class SimulatedHealth:
    """Implements HealthSource on a World: every component is up unless it was broken on purpose."""

    name = "simulated health"

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self) -> HealthSnapshot:
        """One reading for every component. Raises SourceError while the source is broken."""
        now = self._world.answer("health")
        return HealthSnapshot(
            {
                item.name: Reading(
                    ReadingState.OK,
                    not (down := self._world.broken(item.name, now)),
                    now,
                    self.name,
                    1,
                    "connection refused" if down else "200 OK",
                )
                for item in self._world.components
            },
            now,
        )


class SimulatedFlags:
    """Implements Flags on a World: the flag of its rollout, and the canary flag, on which nothing depends."""

    name = "simulated flags"

    def __init__(self, world: World) -> None:
        self._world = world
        self._canary = 0.0

    def read(self, flag: str) -> FlagState:
        """The share that was set last. Raises SourceError for another flag, and while the source is broken."""
        now = self._known(flag)
        percent = self._set_to(flag)
        return FlagState(flag, percent, percent > 0, now)

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        """Sets the share of traffic on the new path, which takes effect after two seconds.

        Raises SourceError for another flag, for a share that is not 0 to 100 %, and while the source is broken.
        """
        self._known(flag)
        if not 0.0 <= percent <= 100.0:
            raise SourceError(f"simulated flags: {flag} takes 0 to 100 %, not {percent:g}")
        before = self._set_to(flag)
        if expected is not None and before != expected:
            text = f"simulated flags: {flag} is at {before:g} %, not {expected:g} %: somebody else was faster"
            return FlagAnswer(FlagOutcome.LOST, text, before, before)
        if flag == self._world.plan.flag:
            self._world.set_percent(percent)
        else:
            self._canary = percent
        text = f"simulated flags: {flag} was at {before:g} %, is set to {percent:g} %"
        return FlagAnswer(FlagOutcome.DONE, text, before, percent, 0.0)

    def history(self, flag: str) -> tuple[FlagChange, ...]:
        """What was set here; of the canary flag nothing is remembered."""
        self._known(flag)
        if flag != self._world.plan.flag:
            return ()
        found, before = [], None
        for number, (at, percent) in enumerate(self._world.steps):
            what = f"set to {percent:g} %"
            found.append(FlagChange(str(number), self._world.instant(at), "simulated", what, before, percent))
            before = percent
        return tuple(found)

    def scope(self, flag: str) -> str:
        """Nothing real can be reached by it."""
        self._known(flag)
        return "simulated: read and write"

    def _set_to(self, flag: str) -> float:
        return self._world.set_to if flag == self._world.plan.flag else self._canary

    def _known(self, flag: str) -> datetime:
        now = self._world.answer("flags")
        known, back = self._world.plan.flag, self._world.plan.rollback
        if flag != known and (back is None or not back.canary_flag or flag != back.canary_flag):
            raise SourceError(f"simulated flags: there is no flag {flag!r}; the rollout's is {known!r}")
        return now
