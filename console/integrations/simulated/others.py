"""The simulated health endpoints and the simulated flag."""

from __future__ import annotations

from console.integrations.simulated.world import World
from console.model.board import HealthSnapshot
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
    """Implements Flags on a World: the one flag of its rollout."""

    name = "simulated flags"

    def __init__(self, world: World) -> None:
        self._world = world

    def set_percent(self, flag: str, percent: float) -> str:
        """Sets the share of traffic on the new path, which takes two seconds, and says so in one line.

        Raises SourceError for another flag, for a share that is not 0 to 100 %, and while the source is broken.
        """
        now = self._world.answer("flags")
        known = self._world.plan.flag
        if flag != known:
            raise SourceError(f"simulated flags: there is no flag {flag!r}; the rollout's is {known!r}")
        if not 0.0 <= percent <= 100.0:
            raise SourceError(f"simulated flags: {flag} takes 0 to 100 %, not {percent:g}")
        before = self._world.percent(self._world.seconds(now))
        self._world.set_percent(percent)
        return f"simulated flags: {flag} was at {before:g} %, is set to {percent:g} %"
