"""How a command becomes part of the record, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from console.engine.outcome import Denied, Done, Outcome, Unsaved
from console.engine.record import Record
from console.engine.world import World
from console.model import commands as cmd
from console.model.decide import Context, Refusal, decide
from console.model.people import Actor
from console.model.reading import Reading
from console.ports import Append, Conflict, NotSaved, Refused
from console.settings.config import Config, Environment

_RETRIES = 20
"""How often a command is decided anew because others appended first."""


class Submission:
    """Decides and records the commands of one operator. `readings` gives what can be read now."""

    def __init__(
        self,
        world: World,
        config: Config,
        environment: Environment,
        actor: Actor,
        record: Record,
        readings: Callable[[], Mapping[str, Reading[float]]],
    ) -> None:
        self._world, self._config, self._environment = world, config, environment
        self._actor, self._record, self._readings = actor, record, readings
        self._failed: tuple[cmd.Command, list[Append]] | None = None

    async def record(self, command: cmd.Command, unsaved: bool) -> Outcome:
        """Decides and appends one command. `unsaved`: what may proceed, goes to the spool where it cannot be saved."""
        may_proceed = isinstance(command, cmd.ROLLBACK_SAFE)
        for _ in range(_RETRIES):
            # A write that failed may turn up after all, when the journal is recovered. So the same command, given
            # again, writes the same events by the same ids: they can be in the record once, and not twice.
            failed, self._failed = self._failed, None
            if failed is not None and failed[0] == command:
                appends = failed[1]
            else:
                try:
                    batches = decide(self._record.state, command, self._context())
                except Refusal as refusal:
                    return Denied(str(refusal))
                appends = self._record.appends(batches, self._actor)
            try:
                return Done(await self._record.append(appends))
            except Conflict as conflict:
                if not await self._record.caught_up():
                    return Denied(f"{conflict}; {self._record.fault}")
            except Refused as refused:
                return Denied(str(refused))
            except NotSaved as error:
                if not (unsaved and may_proceed):
                    self._failed = (command, appends)
                    return Unsaved(str(error), may_proceed)
                # What happened, happened, whatever else was written meanwhile: no expected version.
                aside = [replace(append, expected=None) for append in appends]
                return Done(self._record.put_aside(aside), unsaved=self._world.spool.where)
        return Denied("other consoles kept changing the same thing; try again")

    def _context(self) -> Context:
        return Context(
            now=self._world.clock.now(),
            actor=self._actor,
            target=self._environment.target,
            fresh=self._world.ids.new,
            severities=self._config.severities,
            playbooks={loaded.playbook.name: loaded for loaded in self._config.playbooks},
            readings=self._readings(),
            flags=self._world.flags.name if self._world.flags is not None else "",
        )
