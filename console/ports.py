"""What the engine needs of the world. Integrations, journals and the drill's simulated world implement these."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from console.model.alert import AlertSnapshot
from console.model.board import HealthSnapshot
from console.model.events import Recorded
from console.model.flag import FlagAnswer, FlagChange, FlagState
from console.model.message import Act, Delivery
from console.model.pager import ActResult, PagerIncident, PagerLogEntry, PagerSnapshot
from console.model.people import Actor
from console.model.playbook import LoadedPlaybook, Probe, Program
from console.model.reading import Reading
from console.model.silence import Silence
from console.model.slices import Slice, Slices
from console.model.value import value

if TYPE_CHECKING:
    from console.model.baseline import Baseline  # not at every start: few consoles have one


class Clock(Protocol):
    """The only way to the time."""

    def now(self) -> datetime:
        """The wall clock, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations inside the process."""
        ...

    async def sleep_until(self, when: datetime) -> None:
        """Waits until the wall clock reads `when`; a stepped clock is noticed within a second. One that was set back
        ends the wait: whoever waits looks again."""
        ...

    async def wait(self, event: asyncio.Event, until: datetime | None) -> bool:
        """Waits for `event` or the instant (None: for the event alone), whichever is first; True when it was the event.
        Ends as `sleep_until`."""
        ...


class Ids(Protocol):
    """The only source of identifiers and jitter."""

    def new(self) -> str:
        """A fresh uuid, as text."""
        ...

    def jitter(self) -> float:
        """A number in [0, 1)."""
        ...


class SourceError(Exception):
    """A source could not answer. The message is one safe line without secrets: what failed, and what to do."""


class Busy(SourceError):
    """The far side asks us to wait (429). `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Rejected(SourceError):
    """The far side will not take it, now or later (400, 401, 403, 404, 410): trying again would change nothing."""


class NotThere(Rejected):
    """The far side knows no such thing (404, 410)."""


class Uncertain(SourceError):
    """The request went out and no answer came back: it may or may not have been carried out."""


class Refused(Exception):
    """The record did not take an append, for a reason that is no fault of the disk."""


class Conflict(Refused):
    """The stream has moved on: somebody else appended first. `actual` is its present version."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream} is at version {actual}, not {expected}: somebody else was first")
        self.stream, self.expected, self.actual = stream, expected, actual


class LeaseLost(Refused):
    """The engine that wanted to act no longer holds the lease."""


class ReadOnly(Refused):
    """The journal was opened for reading: `--read-only`, or a journal newer than the program."""


class JournalUnusable(Exception):
    """The journal cannot be opened or read. The message is one line: what is wrong, and what to do."""


class NotSaved(Exception):
    """The journal could not write (disk full, folder read-only, fsync failed). The message is one line."""


@value
class NewEvent:
    """An event on its way into the record."""

    payload: Any
    occurred_at: datetime
    id: str
    causation: str = ""


@value
class Append:
    """Events for one stream. `expected` is the stream's version they were decided on (0: the stream is new);
    None appends whatever the version is."""

    stream: str
    expected: int | None
    events: tuple[NewEvent, ...]
    actor: Actor


@value
class Head:
    """Where the chain ends. Printed as `SEQ:HASH`."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@value
class Lease:
    """Who runs the engine of a target. `epoch` grows with every change of holder and fences late writes."""

    holder: str
    epoch: int
    expires_at: datetime


class Journal(Protocol):
    """The durable record. Its plain methods may be called from any thread, the awaited ones from the loop."""

    @property
    def writable(self) -> str:
        """Empty when appends are possible, else one line that says why not."""
        ...

    async def append(self, appends: Sequence[Append], *, fence: int | None = None) -> tuple[Recorded, ...]:
        """Appends to one or several streams, all or nothing, and returns only after fsync.

        Raises Conflict when a stream is not at its expected version, LeaseLost when `fence` is not the present epoch
        of an unexpired lease, ReadOnly, or NotSaved when the disk failed; nothing is kept in any of these cases.
        """
        ...

    def read(self, after: int = 0, limit: int = 10_000) -> list[Recorded]:
        """Events with `seq > after`, in order."""
        ...

    def stream(self, stream: str) -> list[Recorded]:
        """All events of a stream, in order."""
        ...

    def head(self) -> Head:
        """The end of the chain; seq 0 and the zero hash for an empty journal."""
        ...

    async def changed(self, after: int) -> None:
        """Returns once the journal holds an event with `seq > after`, written by whichever process; within a second."""
        ...

    def load_snapshot(self) -> tuple[int, Any] | None:
        """(seq, state) of the newest snapshot that fits this program and this chain, or None."""
        ...

    async def save_snapshot(self, seq: int, state: Any) -> None:
        """Keeps a disposable snapshot of the state after `seq`."""
        ...

    async def renew(self, holder: str, ttl_seconds: float, *, take: bool = True) -> Lease | None:
        """Renews the lease, or takes it when it is free or expired and `take` is set. Answers how it stands."""
        ...

    async def release(self, holder: str) -> None:
        """Gives the lease back at once, when held."""
        ...

    def lease(self) -> Lease | None:
        """The lease as it stands, expired or not."""
        ...

    async def close(self) -> None:
        """Finishes pending appends and lets go of the file."""
        ...


class Spool(Protocol):
    """Where events wait while the journal cannot be written."""

    def put(self, append: Append) -> None:
        """Keeps one append, fsynced where the disk allows. Never raises for a full or read-only disk: it tries the
        next folder, and memory last. `where` says what it came to."""
        ...

    @property
    def where(self) -> str:
        """The file in use, or "memory only"; empty while nothing was put."""
        ...

    def pending(self) -> list[Append]:
        """What waits, oldest first."""
        ...

    def look(self) -> None:
        """Takes over what processes that are gone have left."""
        ...

    def others(self) -> list[Append]:
        """What other processes of this user have put aside and hold still, oldest first. It stays theirs."""
        ...

    async def merge(self, journal: Journal) -> int:
        """Appends what waits to the journal, each event exactly once even across a crash, and forgets it. The number
        of events merged. Raises NotSaved while the journal still cannot be written."""
        ...


@value
class Query:
    """One expression with a name; the answer must be a single number. It may be a template of `model.sli`, with
    placeholders for its range. `scrape`: every how many seconds its counters are sampled, where its range may begin so
    much earlier and its answer is scaled (`model.sli.filled`, `scale`); of one template it is the same in all queries
    that are asked together."""

    name: str
    expr: str
    scrape: float = 0.0


@value
class Series:
    """Values on a regular grid, oldest first; None where there was no sample, NaN or infinite where it was no number.
    `doubtful`: the server itself warned about its answer."""

    values: tuple[float | None, ...]
    start: datetime
    step_seconds: float
    doubtful: bool = False


@value
class Row:
    """One element of an instant vector. The labels are foreign text, as it came."""

    labels: Mapping[str, str]
    value: float


NO_SERIES = "no series"
"""The note of a reading without data because the answer was empty: the expression is well, and selects nothing."""


class MetricSource(Protocol):
    """Answers expressions. Called in worker threads, several at a time."""

    name: str
    skew_seconds: float
    """How far its clock was ahead of ours at the last answer."""

    def read(
        self, queries: Sequence[Query], *, at: datetime | None = None, seconds: float = 300
    ) -> Mapping[str, Reading[float]]:
        """A reading for every query, by name; a bad expression blanks only its own. Templates are filled with a range
        of `seconds`. `at` is the instant by the source's own clock; None: its present. Raises SourceError when nothing
        could be read."""
        ...

    def read_range(
        self, queries: Sequence[Query], start: datetime, end: datetime, step_seconds: float
    ) -> Mapping[str, Series]:
        """A series for every query that was answered, by name; one without samples is a series of None. Templates are
        filled with a range of one step. Instants are by the source's own clock. Raises SourceError."""
        ...

    def rows(self, expr: str) -> tuple[Row, ...]:
        """What an expression gives now, element by element. Raises SourceError, also when it is refused."""
        ...


@value
class Kept:
    """What a store has of one SLI: its slices, and when the source was last asked for each day of them (unix
    seconds, by `slices.day`)."""

    slices: Slices
    asked: Mapping[int, float]


class SliceStore(Protocol):
    """Keeps slices over restarts: a cache, which may be thrown away at any time. Called in worker threads, several at a
    time, and by several consoles. Never raises for the disk."""

    @property
    def note(self) -> str:
        """Why nothing is kept over a restart, in one line; empty while it is."""
        ...

    def load(self, key: str, since: int) -> Kept:
        """What is kept under a key of the days from that of slice `since` on."""
        ...

    def keep(self, rows: Mapping[str, Sequence[Slice]], asked: Mapping[str, Mapping[int, float]] | None = None) -> None:
        """Keeps slices, by their key, each in place of what was known of it, and when which days were asked for."""
        ...

    def groups(self, key: str) -> tuple[Mapping[str, str], ...]:
        """The groups that are known under a key."""
        ...

    def keep_groups(self, key: str, groups: Sequence[Mapping[str, str]]) -> None:
        """Keeps the groups of a key, in place of those known of it."""
        ...

    def drop(self, before: Mapping[str, int], unused_since: datetime) -> None:
        """Forgets the days before that of a slice, by key, and whole keys that nobody has loaded since an instant."""
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...


class Baselines(Protocol):
    """The baselines that were captured. Called in worker threads. Never raises."""

    def newest(self, environment: str) -> Baseline | None:
        """The one of an environment that was captured last, without its slices; the same object while it stays so."""
        ...


class AlertSource(Protocol):
    """The alerts that stand now. Called in a worker thread."""

    name: str

    def read(self) -> AlertSnapshot:
        """Every alert, silenced and inhibited ones too. Raises SourceError."""
        ...


class HealthSource(Protocol):
    """The components' own word on their health. Called in a worker thread."""

    name: str

    def read(self) -> HealthSnapshot:
        """One reading for every component; an endpoint that does not answer is a reading too, no exception."""
        ...


class Watched(Protocol):
    """A system that is written to, and read only to know that it is well. Called in a worker thread."""

    name: str

    def read(self) -> Reading[str]:
        """Its version, ok while it is well; else why not. Never raises."""
        ...


class Flags(Protocol):
    """Reads and sets the share of traffic that a flag gives. Called in worker threads. Raises SourceError; Rejected for
    what the far side will not take (403, a flag that does not exist); Uncertain for a write without an answer."""

    name: str

    def read(self, flag: str) -> FlagState:
        """The flag as it is now."""
        ...

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        """Sets the share, 0 to 100, and reads it back. With `expected`, only while the share is that: it is read just
        before, and LOST says who was faster."""
        ...

    def history(self, flag: str) -> tuple[FlagChange, ...]:
        """The newest changes that the provider remembers, oldest first; none where it keeps none."""
        ...

    def scope(self, flag: str) -> str:
        """What the credentials allow on this flag, in words, without changing anything; empty when nothing can be
        said."""
        ...


class Silences(Protocol):
    """Reads and changes silences of one cluster of Alertmanagers. Called in a worker thread.

    Every change is compare-and-set: the silence is read again just before, and a change that somebody else was faster
    with is answered with LOST or ALREADY. Raises SourceError; Uncertain when a change may have gone through.
    """

    cluster: str

    def read(self) -> tuple[Silence, ...]:
        """All silences that are pending or active, and those that expired within the last day."""
        ...

    def create(self, silence: Silence) -> ActResult:
        """Creates it; `ref` of the answer is its id. Refuses (Rejected) an end in the past and matchers that match
        everything, before anything is sent."""
        ...

    def expire(self, silence_id: str) -> ActResult:
        """Ends it now. ALREADY when it has ended before."""
        ...

    def extend(self, silence_id: str, ends_at: datetime) -> ActResult:
        """Moves its end. `ref` is the id it has afterwards. LOST when it has expired meanwhile."""
        ...


class Pager(Protocol):
    """PagerDuty. Called in worker threads, refreshes and acts in different ones. Raises SourceError, Busy, Rejected,
    and Uncertain for an act without an answer.

    Acts re-read the incident just before and just after. `acknowledge` never reopens what is resolved.
    """

    name: str

    def read(self) -> PagerSnapshot:
        """All open incidents of the watched services, and who is on call. Waits while an act is under way."""
        ...

    def incident(self, incident_id: str) -> PagerIncident:
        """One incident as it is now."""
        ...

    def find(self, key: str) -> PagerIncident | None:
        """The newest incident with this dedup key, open or not."""
        ...

    def log(self, incident_id: str) -> tuple[PagerLogEntry, ...]:
        """An incident's own history, oldest first, all pages."""
        ...

    def acknowledge(self, incident_id: str) -> ActResult:
        """LOST when it is resolved; ALREADY when somebody has it."""
        ...

    def resolve(self, incident_id: str) -> ActResult:
        """ALREADY when it is resolved."""
        ...

    def escalate(self, incident_id: str, as_of_level: int) -> ActResult:
        """To the level after `as_of_level`. LOST when it stands at another level already."""
        ...

    def reassign(self, incident_id: str, person_ids: tuple[str, ...]) -> ActResult:
        """To these users, in place of those it is assigned to. LOST when it is resolved."""
        ...

    def note(self, incident_id: str, text: str) -> ActResult:
        """Adds a note, once: one that is there already word by word is ALREADY."""
        ...

    def status_update(self, incident_id: str, text: str) -> ActResult:
        """Tells its subscribers."""
        ...

    def request_responders(self, incident_id: str, person_ids: tuple[str, ...], text: str) -> ActResult:
        """Asks these users to join. Those who were asked before are not asked again."""
        ...

    def trigger(self, delivery: Delivery) -> ActResult:
        """Events v2: opens an alert under `delivery.ref` as its dedup key; a repetition changes nothing."""
        ...

    def event(self, act: Act, key: str) -> ActResult:
        """Events v2: acknowledges or resolves the alert with this dedup key; neither can reopen anything."""
        ...

    def change(self, delivery: Delivery) -> ActResult:
        """Events v2: records a change event (a rollout phase)."""
        ...


class Channel(Protocol):
    """Carries out deliveries: Slack, e-mail, PagerDuty, Grafana, a webhook. Called in a worker thread."""

    name: str

    def deliver(self, delivery: Delivery) -> ActResult:
        """Carries one out. Raises Busy, Rejected (given up at once), Uncertain or SourceError (tried again)."""
        ...

    def prove(self, delivery: Delivery) -> ActResult:
        """Sends a test, and takes it back or reads it back where the far side can, even on failure. The answer's text
        is the evidence. Raises as `deliver`."""
        ...


class Runbooks(Protocol):
    """What to do about an alert. Called in a worker thread."""

    def read(self, name: str, url: str) -> tuple[str, str]:
        """The runbook of the alert `name` as Markdown, safe text, and where it is from. Raises SourceError."""
        ...


class Probes(Protocol):
    """Asks health endpoints. Called in a worker thread."""

    def read(self, probe: Probe) -> Reading[float]:
        """1.0 or 0.0 as `Probe` says; UNREACHABLE, with one safe line, when nothing answered. Never raises."""
        ...


@value
class Ended:
    """How a program ended. `status` is its exit status, None when it was stopped: `why` says by what."""

    status: int | None
    seconds: float
    output: str
    """Its beginning and its end, standard output and error as they came: bounded, safe, without secrets."""
    digest: str
    """`sha256:` over everything it wrote."""
    why: str = ""


class Programs(Protocol):
    """Runs programs. Called in a worker thread."""

    def refusal(self, program: Program) -> str:
        """Why it may not run here: it is not found, or somebody else may write it; empty when it may."""
        ...

    def run(self, program: Program, tell: Callable[[str], None], stop: threading.Event) -> Ended:
        """Runs it to its end, its timeout, or `stop`; nothing of it is left running. `tell` is called with its lines,
        of a burst with the last ones. Raises Rejected when it was not started, Uncertain when nobody knows how it
        ended."""
        ...


@value
class PlaybookSnapshot:
    """The playbooks' files at one moment. Of one with a mistake, what was read of it before is still in `playbooks`.
    `files` has the hash of each file by the playbook's name, empty for one that is gone or has a mistake; `problems`
    says in a line each what is wrong."""

    playbooks: tuple[LoadedPlaybook, ...]
    files: Mapping[str, str]
    problems: tuple[str, ...] = ()


class PlaybookFiles(Protocol):
    """The playbooks' files as they are now. Called in a worker thread."""

    def read(self) -> PlaybookSnapshot:
        """What new runs start from, and which files it was read from. Never raises."""
        ...
