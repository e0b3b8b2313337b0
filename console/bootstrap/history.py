"""How the rollout of a demo came to where it stands: the world's earlier phases, told to the demo's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.engine.console import Console
from console.integrations.simulated.paths import REVISION
from console.model import events as ev
from console.model.people import Actor
from console.ports import Append, NewEvent

if TYPE_CHECKING:
    from console.integrations.simulated import World
    from console.ports import Ids, Journal

AUTHOR = Actor("lighthouse team", "lighthouse team")
"""Who began it: nobody who sits at the demo, so that its operator may approve the next phase."""


class DemoConsole(Console):
    """A console whose record begins with the phases that its world has behind it. Set `world`, `journal` and `ids`
    before it starts."""

    world: World
    journal: Journal
    ids: Ids

    async def start(self) -> None:
        """Tells the record before it is read."""
        await remember(self.world, self.journal, self.ids)
        await super().start()


async def remember(world: World, journal: Journal, ids: Ids) -> None:
    """The rollout as it was begun and promoted, in an empty journal; another one knows it already."""
    if journal.head().seq:
        return
    plan = world.plan
    first = world.instant(world.steps[0][0])
    events = [NewEvent(ev.RolloutBegun(plan.name, plan.hash, REVISION, plan.phases, plan.flag, 0.0), first, ids.new())]
    before = safe = 0.0
    for at, percent in world.steps:
        when, effect = world.instant(at), ids.new()
        why = "the story of the demo"
        write = ev.WriteIntended(effect, plan.flag, percent, before, "promote", break_glass=why, safe=safe)
        done = ev.WriteFinished(effect, "done", f"set to {percent:g} %, read back", percent)
        entered = ev.PhaseEntered(percent, percent, effect)
        events += [NewEvent(item, when, ids.new()) for item in (write, done, entered)]
        before = safe = percent
    await journal.append([Append(f"rollout:{world.target}", 0, tuple(events), AUTHOR)])
