"""A headless child in which people do whatever they like with a rollout, on a journal, until it is killed.

python -m tests.journal.rollouts PATH    for every line read, a seed, forks a process: `pid N`, `open SEQ DIGEST`, then,
                                         before each append `will SEQ DIGEST` and after it `SEQ DIGEST`; at last `dead`

DIGEST is over the whole of what was folded.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import sys
import uuid
from pathlib import Path
from random import Random

from console.journal.codec import decode, encode
from console.journal.sqlite import SqliteJournal
from console.model.decide import Batch
from console.model.events import Recorded, kind_of
from console.model.people import Actor
from console.model.state import State, apply
from console.ports import Append, NewEvent
from tests.journal.appender import Clock, say
from tests.model.rollouts import Rollouts, anything

CONSOLE = "child"


def digest(state: State) -> str:
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


class Kept(Rollouts):
    """Its events are in a journal, and its state is what was folded from there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._journal = SqliteJournal(path, Clock(), console=CONSOLE)
        while events := self._journal.read(self.state.seq, 1000):
            for recorded in events:
                apply(self.state, recorded)
            self.now = events[-1].occurred_at
        self._ids = itertools.count(1000 * (self.state.seq + 1))
        self.real = self.rollout.percent or 0.0
        self.look()
        say(f"open {self.state.seq} {digest(self.state)}")

    def record(
        self, batches: list[Batch], actor: Actor, console: str = "test", *, cut_off: bool = False
    ) -> list[Recorded]:
        if not batches:
            return []
        self._say_what_will_be(batches, actor)
        appends = [
            Append(
                batch.stream,
                batch.expected,
                tuple(NewEvent(item, self.now, str(uuid.uuid4())) for item in batch.payloads),
                actor,
            )
            for batch in batches
        ]
        recorded = self._loop.run_until_complete(self._journal.append(appends))
        for event in recorded:
            apply(self.state, event)
        self.events += recorded
        say(f"{self.state.seq} {digest(self.state)}")
        return list(recorded)

    def _say_what_will_be(self, batches: list[Batch], actor: Actor) -> None:
        state = self.state.copy()
        for batch in batches:
            for number, payload in enumerate(batch.payloads, start=batch.expected + 1):
                kind, version = kind_of(payload)
                payload = decode(kind, version, encode(payload))  # as it will be read: 0 is 0.0
                known = (state.seq + 1, batch.stream, number, kind, version, "", self.now, self.now, actor, CONSOLE)
                apply(state, Recorded(*known, "", "live", payload))
        say(f"will {state.seq} {digest(state)}")


def until_killed(path: Path, seed: int) -> None:
    life, draw = Kept(path), Random(seed)
    while True:
        anything(life, draw)


if __name__ == "__main__":
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            say(f"pid {os.getpid()}")
            until_killed(Path(sys.argv[1]), int(line))
        os.waitpid(process, 0)
        say("dead")
