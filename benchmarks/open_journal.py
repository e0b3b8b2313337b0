"""Opening a journal of 100,000 events, until the state is there: by its snapshot, and for comparison by replay.

    python -m benchmarks.open_journal

Prints the medians; exits with 1 above the budget.
"""

import asyncio
import itertools
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from console.journal import database
from console.journal.codec import EMPTY, Draft, Row, draft, seal
from console.journal.sqlite import SqliteJournal
from console.model import events as ev
from console.model.alert import AlertRef
from console.model.people import Actor, Severity
from console.model.playbook import Playbook, Step
from console.model.state import State, apply
from console.ports import Append, Head, NewEvent

BUDGET_SECONDS = 0.5
EVENTS = 100_000
TAIL = 1_000
"""The events since the snapshot: as many as there can be between two."""
ROUNDS = 9

START = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = Actor("ana", "ana")
STEPS = tuple(
    Step(f"step-{number}", f"Step {number}", "Look at the legacy path", "It answers", timebox=timedelta(minutes=2))
    for number in range(7)
)
PLAYBOOK = Playbook("emergency-rollback", "Emergency rollback", (Severity.SEV1,), "platform", "2026-01-01", STEPS)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def incident() -> list[Draft]:
    """The 27 events of one incident with one playbook run."""
    at = START

    def append(stream: str, *payloads: object) -> list[Draft]:
        return draft(Append(stream, None, tuple(NewEvent(item, at, "id") for item in payloads), ACTOR))

    alert = AlertRef(
        "f1", "P99LatencyHigh", "P99 is 620 ms", (("severity", "critical"), ("service", "elicitation")), at
    )
    return [
        *append(
            "incident",
            ev.IncidentDeclared("P99 latency high", Severity.SEV2, "lighthouse", "production", (alert,), at, at),
            ev.IncidentAcknowledged(),
            ev.IncidentStateChanged("mitigating"),
        ),
        *append(
            "run",
            ev.RunStarted("incident", PLAYBOOK, "hash", "lighthouse/production"),
            *(
                payload
                for step in STEPS
                for payload in (
                    ev.StepStarted(step.id, "incident commander", at + timedelta(minutes=2)),
                    ev.StepCompleted(step.id, "it answers", evidence="rollout.percent 0, prometheus, 12:30:05Z"),
                )
            ),
            ev.RunFinished("completed"),
        ),
        *append(
            "incident",
            *(ev.NoteAdded(f"note {note}: the legacy path takes the traffic") for note in range(5)),
            *(ev.IncidentStateChanged(state) for state in ("mitigated", "resolved", "closed")),
        ),
    ]


def rows() -> Iterator[Row]:
    """The same incident over and over, each time in streams of its own."""
    head, template = EMPTY, incident()
    for number in itertools.count():
        versions: Counter[str] = Counter()
        for event in template:
            if head.seq == EVENTS:
                return
            versions[event.stream] += 1
            named = event._replace(stream=f"{event.stream}:{number}", id=str(uuid.uuid4()))
            row = seal(named, head, versions[event.stream], event.occurred_at, "here", "live")
            head = Head(row.seq, row.hash)
            yield row


def build(path: Path) -> None:
    """Writes the events past the journal, which would take its time for them."""
    database.ensure(path, None)
    connection = database.connect(path)
    connection.execute("BEGIN")
    connection.executemany(database.INSERT, rows())
    connection.execute("COMMIT")
    connection.close()


def load(path: Path, *, until: int = EVENTS, save: bool = False) -> tuple[float, State]:
    """Seconds until the state is there, and the state; `save` keeps a snapshot of it."""
    start = time.perf_counter()
    journal = SqliteJournal(path, Clock(), console="here")
    seq, state = journal.load_snapshot() or (0, State())
    while events := journal.read(seq, min(10_000, until - seq)):
        for recorded in events:
            apply(state, recorded)
        seq = events[-1].seq
    seconds = time.perf_counter() - start

    async def finish() -> None:
        if save:
            await journal.save_snapshot(state.seq, state)
        await journal.close()

    asyncio.run(finish())
    return seconds, state


def seconds() -> tuple[float, str]:
    """The figure that has a budget, and a line with all figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        build(path)
        replay, state = load(path, until=EVENTS - TAIL, save=True)
        rounds = [load(path) for _ in range(ROUNDS)]
    assert state.seq == EVENTS - TAIL
    assert all(state.seq == EVENTS and len(state.incidents) == -(-EVENTS // 27) for _, state in rounds)
    found = median(taken for taken, _ in rounds)
    return found, (
        f"open_journal: {EVENTS} events, {found:.3f} s by snapshot (budget {BUDGET_SECONDS}), {replay:.3f} s by replay"
    )


if __name__ == "__main__":
    found, line = seconds()
    print(line)
    sys.exit(found > BUDGET_SECONDS)
