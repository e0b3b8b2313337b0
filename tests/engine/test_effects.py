"""Silences: the intent is in the record before Alertmanager is asked, the outcome after, and a doubt stays a doubt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.engine.outcome import Denied, Done
from console.model import commands as cmd
from console.model.alert import Matcher
from console.model.change import ChangeStatus
from console.model.pager import ActOutcome, ActResult
from console.model.silence import Silence, SilenceState
from console.ports import Rejected, Uncertain
from tests.engine.bench import START, Bench

HOUR = timedelta(hours=1)
WANTED = Silence(
    (Matcher("alertname", "=", "LatencyHigh"),), START, START + HOUR, "alice", "deploy", cluster="alertmanager"
)


class Book:
    """A cluster of one Alertmanager that answers what it is told to."""

    cluster = "alertmanager"

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.answers: list[ActResult | Exception] = []
        self.seen_before: list[list[str]] = []

    def read(self) -> tuple[Silence, ...]:
        return ()

    def _answer(self) -> ActResult:
        self.seen_before.append([event.kind for event in self.bench.journal.read()])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def create(self, silence: Silence) -> ActResult:
        return self._answer()

    def expire(self, silence_id: str) -> ActResult:
        return self._answer()

    def extend(self, silence_id: str, ends_at: object) -> ActResult:
        return self._answer()


DONE = ActResult(ActOutcome.DONE, "active until 13:00Z", ref="s-1")


@pytest.fixture
def book(bench: Bench) -> Book:
    found = Book(bench)
    bench.outside = {"silences": (found,)}
    return found


async def test_the_intent_is_saved_before_alertmanager_is_asked(bench: Bench, book: Book) -> None:
    console = await bench.console()
    book.answers = [DONE]
    done = await console.submit(cmd.CreateSilence(WANTED))
    assert isinstance(done, Done)
    assert "change.intended" in book.seen_before[0]
    assert "change.made" not in book.seen_before[0]
    change = console.state.changes[done.subject]
    assert (change.state, change.remote, change.expires_at) == (ChangeStatus.IN_FORCE, "s-1", START + HOUR)


async def test_a_refusal_is_recorded_and_nothing_is_in_force(bench: Bench, book: Book) -> None:
    console = await bench.console()
    book.answers = [Rejected("422: end time in the past")]
    assert await console.submit(cmd.CreateSilence(WANTED)) == Denied("not silenced: 422: end time in the past")
    (change,) = console.state.changes.values()
    assert change.state is ChangeStatus.REFUSED
    assert not change.in_force(bench.clock.now())


@pytest.mark.parametrize(
    ("fault", "said"),
    [(Uncertain("no answer within 5 s"), "no answer within 5 s"), (KeyError("id"), "fault (KeyError)")],
)
async def test_a_doubt_stays_open_and_is_not_repeated(bench: Bench, book: Book, fault: Exception, said: str) -> None:
    console = await bench.console()
    book.answers = [fault]
    denied = await console.submit(cmd.CreateSilence(WANTED))
    assert isinstance(denied, Denied)
    assert denied.unknown
    assert denied.reason.startswith(f"outcome unknown: {said}")
    await bench.run(60)
    (change,) = console.state.changes.values()
    assert change.state is ChangeStatus.INTENDED
    assert change.in_force(bench.clock.now())
    assert len(book.seen_before) == 1


async def test_who_was_faster_is_said_and_the_silence_stands_as_it_was(bench: Bench, book: Book) -> None:
    console = await bench.console()
    book.answers = [DONE, ActResult(ActOutcome.LOST, "it expired at 12:10Z"), DONE, DONE]
    done = await console.submit(cmd.CreateSilence(WANTED))
    assert isinstance(done, Done)
    standing = Silence(
        WANTED.matchers, START, START + HOUR, "alice", "deploy", "s-1", SilenceState.ACTIVE, "alertmanager"
    )
    lost = await console.submit(cmd.ExtendSilence(standing, START + 2 * HOUR))
    assert lost == Denied("not extended: it expired at 12:10Z")
    assert console.state.changes[done.subject].expires_at == START + HOUR
    assert isinstance(await console.submit(cmd.ExtendSilence(standing, START + 2 * HOUR)), Done)
    assert console.state.changes[done.subject].expires_at == START + 2 * HOUR
    assert isinstance(await console.submit(cmd.ExpireSilence(standing, "deploy is over")), Done)
    assert console.state.changes[done.subject].state is ChangeStatus.UNDONE


async def test_a_cluster_that_nobody_configured(bench: Bench, book: Book) -> None:
    console = await bench.console()
    elsewhere = Silence(WANTED.matchers, START, START + HOUR, "alice", "deploy", cluster="far")
    denied = await console.submit(cmd.CreateSilence(elsewhere))
    assert denied == Denied("not silenced: no Alertmanager of the cluster 'far' is configured")


async def test_46_a_read_only_console_asks_for_nothing(bench: Bench, book: Book) -> None:
    console = await bench.console(read_only=True)
    assert await console.submit(cmd.CreateSilence(WANTED)) == Denied("this console is read-only")
    assert book.seen_before == []
