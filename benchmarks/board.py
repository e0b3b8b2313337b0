"""What making a Board costs: it is made anew with every reading, key press that decides something, and turn of a run.

    python -m benchmarks.board

The world is the demo's, in driven time, with its rollout at a phase that bakes. Milliseconds of CPU for one Board, the
median of nine rounds:

  again     nothing has changed, a few milliseconds later
  second    nothing has changed but the second: what depends on the time is computed anew
  round     each of the sources has answered anew
  record    an incident was written down, nothing was read

`again` is what most Boards are: several are made for each round of a source.
"""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import process_time

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from console.bootstrap import Demo, headless
from console.bootstrap.common import Options
from console.engine.console import Console
from console.engine.outcome import Done
from console.model import commands as cmd
from console.model.people import Severity

ROUNDS, EACH = 9, 200
GOAL = 0.6
"""Milliseconds of a Board when nothing has changed."""


def cost(before: Callable[[], None], console: Console, each: int = EACH) -> float:
    """Milliseconds for one Board, each after `before`, whose own time is not counted."""
    found = []
    for _ in range(ROUNDS):
        took = 0.0
        for number in range(each):
            before()
            begin = process_time()
            console._boards.make(number)
            took += process_time() - begin
        found.append(1000.0 * took / each)
    return median(found)


async def measure() -> dict[str, float]:
    """The figures, by name."""
    simulation = headless(Options(), Demo())
    console, clock = simulation.console, simulation.clock
    await console.start()
    try:
        await clock.run(clock.now() + timedelta(minutes=3), lambda: console.clock_tasks)
        declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV2))
        assert isinstance(declared, Done), declared
        await clock.run(clock.now() + timedelta(seconds=2), lambda: console.clock_tasks)
        figures = {"again": cost(lambda: clock.leap(clock.now() + timedelta(milliseconds=4)), console)}
        figures["second"] = cost(lambda: clock.leap(clock.now() + timedelta(seconds=1)), console, 10)
        took, rounds = 0.0, 30
        for number in range(rounds):
            for poller in console._pollers.values():
                await poller.ask()
            begin = process_time()
            console._boards.make(number)
            took += process_time() - begin
        figures["round"] = 1000.0 * took / rounds
        took = 0.0
        for number in range(rounds):
            noted = await console.submit(cmd.AddNote(declared.subject, f"note {number}"))
            assert isinstance(noted, Done), noted
            begin = process_time()
            console._boards.make(number)
            took += process_time() - begin
        figures["record"] = 1000.0 * took / rounds
        return figures
    finally:
        await console.stop()


def main() -> int:
    """Prints the figures; 1 when a Board that is the same costs more than the goal."""
    figures = asyncio.run(measure())
    for name, cost_ in figures.items():
        print(f"{name:10}{cost_:8.3f} ms")
    met = figures["again"] <= GOAL
    print(f"again: goal {GOAL:g} ms: {'met' if met else 'NOT met'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
