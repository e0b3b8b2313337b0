"""A headless child that appends and says what was acknowledged, for tests that kill it, trace it or break its disk.

python -m tests.journal.appender PATH COUNT     appends one after the other; `SEQ:HASH` or `NOT SAVED: why` for each
python -m tests.journal.appender PATH           for every line read, forks a process that appends until it is killed:
                                                `pid N`, `open SEQ`, then `SEQ:HASH` for every event, at last `dead`
"""

import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from console.journal.sqlite import SqliteJournal
from console.model.events import NoteAdded
from console.model.people import Actor
from console.ports import Append, NewEvent, NotSaved

ACTOR = Actor("child", "child")


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # one call, so that a kill leaves the whole line or none of it


def notes(stream: str, expected: int | None, count: int) -> Append:
    events = (NewEvent(NoteAdded("x" * 50), datetime.now(UTC), str(uuid.uuid4())) for _ in range(count))
    return Append(stream, expected, tuple(events), ACTOR)


async def one_by_one(path: Path, count: int) -> None:
    journal = SqliteJournal(path, Clock(), console="child")
    for _ in range(count):
        try:
            (recorded,) = await journal.append([notes("shift:1", None, 1)])
            say(f"{recorded.seq}:{recorded.hash}")
        except NotSaved as error:
            say(f"NOT SAVED: {error}")
    await journal.close()


async def until_killed(path: Path) -> None:
    journal = SqliteJournal(path, Clock(), console="child")
    say(f"open {journal.head().seq}")
    process = os.getpid()

    async def keep_appending(number: int) -> None:
        versions = 0
        while True:
            own, shared = notes(f"run:{process}-{number}", versions, 1 + number), notes("shift:1", None, 1)
            recorded = await journal.append([own, shared])
            versions += 1 + number
            say("\n".join(f"{item.seq}:{item.hash}" for item in recorded))

    await asyncio.gather(*(keep_appending(number) for number in range(3)))


def fork_on_demand(path: Path) -> None:
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            say(f"pid {os.getpid()}")
            asyncio.run(until_killed(path))
        os.waitpid(process, 0)
        say("dead")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(one_by_one(Path(sys.argv[1]), int(sys.argv[2])))
    else:
        fork_on_demand(Path(sys.argv[1]))
