"""The one thread that writes to the journal, and looks for what other consoles wrote."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from console.journal import database
from console.journal.codec import EMPTY
from console.ports import Clock, Head, JournalUnusable, NotSaved

T = TypeVar("T")

POLL_SECONDS = 0.5
"""How often another console's commits are looked for, while somebody waits for them."""

GROUP = 1_000
"""The most jobs that share one transaction."""

STREAMS = 1_000
"""The most streams whose versions are remembered."""


@dataclass(slots=True)
class Group:
    """The transaction that several jobs share. `now` was read once the write lock was ours; `head` moves on. `versions`
    holds those of the streams that are known; `epoch` changes when another connection writes, and they are stale."""

    connection: sqlite3.Connection
    now: datetime
    head: Head
    versions: dict[str, int]
    epoch: int


Work = Callable[[Group], Any]


@dataclass(slots=True)
class _Job:
    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


@dataclass(slots=True, eq=False)
class _Waiter:
    after: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]


class Writer:
    """Runs jobs in the order of their arrival. Those that wait share one transaction, so that a slow fsync serves all;
    each has its own savepoint, so that a refused one fails alone.

    `look` is called in the thread and returns the seq of the head when other connections may have committed since the
    last call (or always, when forced), else None. `problem` says in one line why the last transaction failed; empty
    when it did not.
    """

    def __init__(self, path: Path, group: str | None, clock: Clock, look: Callable[[bool], int | None]) -> None:
        self.problem = ""
        self._path, self._group, self._clock, self._look = path, group, clock, look
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._last: Group | None = None
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._waiters: list[_Waiter] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False

    async def submit(self, work: Callable[[Group], T]) -> T:
        """Runs `work` inside a transaction and returns its result after fsync; its refusals are raised here.

        Raises NotSaved when the transaction could not be committed. A cancelled call may still be carried out.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(work, loop, future))
        return await future

    async def changed(self, after: int) -> None:
        """Returns once the head is past `after`."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(after, loop, loop.create_future())
        with self._lock:
            self._waiters.append(waiter)
        try:
            self._put(None)
            await waiter.future
        finally:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

    async def close(self) -> None:
        """Finishes what was submitted and ends the thread."""
        with self._lock:
            self._closing = True
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _put(self, job: _Job | None) -> None:
        with self._lock:
            if self._closing:
                raise NotSaved(f"journal {self._path}: closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()
            self._jobs.put(job)

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not (self._closing and self._jobs.empty()):
                jobs, nudged = self._next()
                if jobs:
                    self._commit(jobs)
                if self._waiters:
                    self._wake(self._look(nudged))
        finally:
            self._disconnect()

    def _next(self) -> tuple[list[_Job], bool]:
        """What waits, and whether somebody has just begun to wait for a change."""
        jobs: list[_Job] = []
        nudged = False
        try:
            item = self._jobs.get(timeout=POLL_SECONDS if self._waiters else None)
            while True:
                if item is None:
                    nudged = True
                else:
                    jobs.append(item)
                if len(jobs) == GROUP:
                    break
                item = self._jobs.get_nowait()
        except Empty:
            pass
        return jobs, nudged

    def _commit(self, jobs: list[_Job]) -> None:
        outcomes: list[tuple[_Job, Any, Exception | None]] = []
        try:
            group = self._begin()
            for job in jobs:
                outcomes.append((job, *_attempt(group, job.work, alone=len(jobs) == 1)))
            if group.connection.in_transaction:
                group.connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._fail(jobs, database.why(error, self._path))
        except JournalUnusable as error:
            self._fail(jobs, str(error))
        except Exception as error:  # a fault of ours: whoever waits shall see it, and the thread lives on
            self._disconnect()
            _settle([(job, None, error) for job in jobs])
        else:
            self.problem = ""
            _settle(outcomes)
            if len(group.versions) < STREAMS:
                self._last = group
            self._wake(group.head.seq)

    def _begin(self) -> Group:
        if self._connection is None:
            database.ensure(self._path, self._group)
            self._connection = database.connect(self._path)
            if (schema := database.schema_of(self._connection, self._path)) != database.SCHEMA:
                raise JournalUnusable(f"journal {self._path}: its schema is {schema} now; update this program")
        seen = os.stat(self._path)
        if self._identity not in (None, (seen.st_dev, seen.st_ino)):
            raise JournalUnusable(f"journal {self._path}: the file was replaced while open; start the console again")
        self._identity = (seen.st_dev, seen.st_ino)
        self._connection.execute("BEGIN IMMEDIATE")
        (epoch,) = self._connection.execute("PRAGMA data_version").fetchone()
        last, self._last = self._last, None
        if last is not None and last.epoch == epoch:
            last.now = self._clock.now()
            return last
        return Group(self._connection, self._clock.now(), head_of(self._connection), {}, epoch)

    def _fail(self, jobs: list[_Job], problem: str) -> None:
        """Nothing of the transaction is kept. A new connection for the next one: this one's view may be broken."""
        self.problem = problem
        self._disconnect()
        _settle([(job, None, NotSaved(problem)) for job in jobs])

    def _disconnect(self) -> None:
        self._last = None
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _wake(self, seq: int | None) -> None:
        if seq is None or not self._waiters:
            return
        with self._lock:
            due = [waiter for waiter in self._waiters if waiter.after < seq]
            self._waiters = [waiter for waiter in self._waiters if waiter.after >= seq]
        for waiter in due:
            with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits any more
                waiter.loop.call_soon_threadsafe(_resolve, waiter.future, None, None)


def head_of(connection: sqlite3.Connection) -> Head:
    """The end of the chain, as the connection sees it. Raises sqlite3.Error."""
    row = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else EMPTY


def _attempt(group: Group, work: Work, alone: bool) -> tuple[Any, Exception | None]:
    """Runs one job: what it raises is its own, unless the disk is to blame, which ends the group. A job that is not
    alone gets a savepoint of its own."""
    before = group.head
    if not alone:
        group.connection.execute("SAVEPOINT job")
    try:
        result, failure = work(group), None
    except (sqlite3.Error, OSError):
        raise
    except Exception as error:  # a refusal; or a fault of the job's own, which its caller shall see
        result, failure = None, error
        group.connection.execute("ROLLBACK" if alone else "ROLLBACK TO job")
        group.head = before
    if not alone:
        group.connection.execute("RELEASE job")
    return result, failure


def _settle(outcomes: list[tuple[_Job, Any, Exception | None]]) -> None:
    """Tells the callers, with one call into each event loop."""
    for loop in {job.loop for job, _, _ in outcomes}:
        mine = [(job.future, result, failure) for job, result, failure in outcomes if job.loop is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve_all, mine)


def _resolve_all(outcomes: list[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    for outcome in outcomes:
        _resolve(*outcome)


def _resolve(future: asyncio.Future[Any], result: Any, failure: Exception | None) -> None:
    if future.done():  # cancelled meanwhile
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
