"""What playbooks run and probe, in the simulated world: no process is started and no address is asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from console.integrations.simulated.world import World
from console.model.playbook import Probe, Program
from console.model.reading import Reading, ReadingState, missing
from console.model.text import safe
from console.ports import Ended, Rejected, SourceError

SECONDS = 1.5
"""How long a simulated program says it took."""


class SimulatedPrograms:
    """Implements Programs on a World: every program ends well and says that nothing was run. One that names a component
    brings it up again, as a restart would."""

    name = "simulated programs"

    def __init__(self, world: World) -> None:
        self._world = world

    def refusal(self, program: Program) -> str:
        """Every program that has a name may run."""
        return "" if program.argv and program.argv[0] else "a program without a name"

    def run(self, program: Program, tell: Callable[[str], None], stop: threading.Event) -> Ended:
        """Says what would have been run. Raises Rejected while programs are broken on purpose."""
        if refusal := self.refusal(program):
            raise Rejected(f"not started: {refusal}")
        if stop.is_set():
            raise Rejected("not started: it was stopped before it began")
        try:
            self._world.answer("programs")
        except SourceError as error:
            raise Rejected(f"not started: {error}") from None
        restarted = [
            item.name for item in self._world.components if any(item.name in argument for argument in program.argv)
        ]
        for component in restarted:
            self._world.mend(component)
        lines = ["simulated: nothing was run", safe(" ".join(program.argv), 400)]
        lines += [f"{component} is up" for component in restarted]
        for line in lines:
            tell(line)
        text = "\n".join(lines)
        return Ended(
            min(program.exits, default=0), SECONDS, text, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        )


class SimulatedProbes:
    """Implements Probes on a World: an address that names a component answers as it is, every other one answers."""

    name = "simulated probe"

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, probe: Probe) -> Reading[float]:
        """1.0, or 0.0 where the component is down or another answer than its own is wanted; UNREACHABLE while the
        endpoints are broken on purpose."""
        now = self._world.clock.now()
        try:
            parts = urlsplit(probe.url)
            self._world.answer("health")
        except SourceError as error:
            return missing(ReadingState.UNREACHABLE, self.name, str(error), now)
        except ValueError:
            return missing(ReadingState.UNREACHABLE, self.name, "no address", now)
        if parts.scheme not in ("http", "https") or not parts.hostname or probe.method not in ("GET", "HEAD"):
            return missing(ReadingState.UNREACHABLE, self.name, "cannot be asked", now)
        asked = next((item for item in self._world.components if item.name in probe.url or item.url == probe.url), None)
        down = asked is not None and self._world.broken(asked.name, now)
        status = 503 if down else 200
        note = f"answers {status}"
        return Reading(ReadingState.OK, float(status in probe.status), now, self.name, 1, note)
