"""A durable append, awaited from the event loop, against a bare insert of the same row with the same pragmas.

    python -m benchmarks.append

Prints the medians and their ratio; exits with 1 above the budget.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from console.journal import database
from console.journal.codec import EMPTY, Row, draft, seal, time_text
from console.journal.sqlite import SqliteJournal
from console.model.events import StepCompleted
from console.model.people import Actor
from console.ports import Append, Head, NewEvent

BUDGET = 1.5
PAIRS = 600


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def new() -> Append:
    payload = StepCompleted("drain", "0 requests in flight", evidence="in_flight 0, prometheus, 12:30:05Z")
    return Append("run:1", None, (NewEvent(payload, datetime.now(UTC), str(uuid.uuid4())),), Actor("ana", "ana"))


def bare_seconds(connection: sqlite3.Connection, row: Row) -> float:
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(database.INSERT, row)
    connection.execute("COMMIT")
    return time.perf_counter() - start


async def journal_seconds(journal: SqliteJournal, append: Append) -> float:
    start = time.perf_counter()
    await journal.append([append])
    return time.perf_counter() - start


async def measure(folder: Path, pairs: int = PAIRS) -> tuple[float, float]:
    """Median seconds of a bare insert and of an append to the journal, one after the other in turns."""
    journal = SqliteJournal(folder / "journal.db", Clock(), console="here")
    database.ensure(folder / "bare.db", None)
    connection, head = database.connect(folder / "bare.db"), EMPTY
    bare, ours = [], []
    for _ in range(pairs):
        (event,) = draft(new())
        row = seal(event, head, head.seq + 1, time_text(datetime.now(UTC)), "here", "live")
        head = Head(row.seq, row.hash)
        bare.append(bare_seconds(connection, row))
        ours.append(await journal_seconds(journal, new()))
    connection.close()
    await journal.close()
    return median(bare), median(ours)


def ratio() -> tuple[float, str]:
    """The figure that has a budget, and a line with all figures."""
    with tempfile.TemporaryDirectory() as folder:
        bare, ours = asyncio.run(measure(Path(folder)))
    found = ours / bare
    return found, (
        f"append: bare insert {bare * 1e3:.3f} ms, journal {ours * 1e3:.3f} ms, ratio {found:.2f} (budget {BUDGET})"
    )


if __name__ == "__main__":
    found, line = ratio()
    print(line)
    sys.exit(found > BUDGET)
