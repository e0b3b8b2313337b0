"""What every journal does, whatever it is made of."""

import asyncio
from datetime import timedelta

import pytest

from console.journal.codec import EMPTY, Duplicate, Unrecordable
from console.journal.memory import MemoryJournal
from console.journal.sqlite import SqliteJournal
from console.journal.verify import verify
from console.model import events as ev
from console.model.state import State, apply
from console.ports import Conflict, Head, LeaseLost
from tests.journal.tools import ALICE, START, SetClock, append, event, note, notes

JOURNALS = ["memory", "sqlite"]


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture(params=JOURNALS)
async def journal(request, clock, tmp_path):
    made = (
        MemoryJournal(clock, console="here", mode="drill")
        if request.param == "memory"
        else SqliteJournal(tmp_path / "journal.db", clock, console="here", mode="drill")
    )
    yield made
    await made.close()


async def test_an_empty_journal_has_an_empty_head(journal):
    assert journal.head() == EMPTY == Head(0, "0" * 64)
    assert journal.read() == []
    assert journal.stream("shift:1") == []
    assert journal.load_snapshot() is None
    assert journal.lease() is None
    assert journal.writable == ""


async def test_an_append_comes_back_with_its_envelope(journal, clock):
    clock.advance(5)
    began = event(ev.ShiftBegan("alice"), at=START)
    (recorded,) = await journal.append([append("shift:1", 0, began)])
    assert (recorded.seq, recorded.stream, recorded.version) == (1, "shift:1", 1)
    assert (recorded.kind, recorded.kind_version, recorded.id) == ("shift.began", 1, began.id)
    assert (recorded.occurred_at, recorded.recorded_at) == (START, START + timedelta(seconds=5))
    assert (recorded.actor, recorded.console, recorded.mode) == (ALICE, "here", "drill")
    assert recorded.payload == ev.ShiftBegan("alice")
    assert journal.read() == [recorded] == journal.stream("shift:1")
    assert journal.head() == Head(1, recorded.hash)


async def test_seq_counts_over_the_journal_and_version_within_the_stream(journal):
    await journal.append([append("shift:1", 0, note("a"), note("b")), append("shift:2", 0, note("c"))])
    await journal.append([append("shift:1", 2, note("d"))])
    assert [(item.seq, item.stream, item.version) for item in journal.read()] == [
        (1, "shift:1", 1),
        (2, "shift:1", 2),
        (3, "shift:2", 1),
        (4, "shift:1", 3),
    ]
    assert [item.seq for item in journal.stream("shift:1")] == [1, 2, 4]
    assert [item.seq for item in journal.read(after=1, limit=2)] == [2, 3]


async def test_a_stream_that_moved_on_refuses_and_says_where_it_is(journal):
    await journal.append(notes(2))
    with pytest.raises(Conflict) as refused:
        await journal.append([append("shift:1", 1, note("late"))])
    assert (refused.value.stream, refused.value.expected, refused.value.actual) == ("shift:1", 1, 2)
    assert journal.head().seq == 2


async def test_a_sequence_is_appended_whole_or_not_at_all(journal):
    await journal.append(notes(1))
    with pytest.raises(Conflict):
        await journal.append([append("shift:2", 0, note("a")), append("shift:1", 0, note("b"))])
    assert journal.stream("shift:2") == []
    assert journal.head().seq == 1


async def test_two_appends_to_one_stream_follow_each_other(journal):
    await journal.append([append("shift:1", 0, note("a")), append("shift:1", 1, note("b"))])
    assert [item.payload.text for item in journal.stream("shift:1")] == ["a", "b"]


async def test_an_id_is_recorded_once(journal):
    await journal.append([append("shift:1", 0, note("a", "id-1"))])
    with pytest.raises(Duplicate) as refused:
        await journal.append([append("shift:1", None, note("b", "id-2"), note("a", "id-1"))])
    assert refused.value.ids == {"id-1"}
    with pytest.raises(Duplicate) as refused:
        await journal.append([append("shift:1", None, note("b", "id-3"), note("a", "id-3"))])
    assert refused.value.ids == {"id-3"}
    assert journal.head().seq == 1


async def test_one_of_many_at_once_wins_and_the_others_conflict(journal):
    outcomes = await asyncio.gather(
        *(journal.append([append("run:1", 0, note(str(number)))]) for number in range(20)),
        *(journal.append([append(f"shift:{number}", 0, note(str(number)))]) for number in range(20)),
        return_exceptions=True,
    )
    racing, apart = outcomes[:20], outcomes[20:]
    assert sum(isinstance(outcome, tuple) for outcome in racing) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in racing) == 19
    assert all(isinstance(outcome, tuple) for outcome in apart)
    assert verify(journal, journal.head()).ok


async def test_what_cannot_be_kept_faithfully_is_refused_in_one_line(journal):
    for bad in (
        event(ev.DrillStarted("rollback", "1", speed=float("nan"))),
        event(ev.WatchItemAdded("1", "look", until=START.replace(tzinfo=None))),
        event(ev.NoteAdded("\ud800")),
        event(ev.NoteAdded(5)),
        event("no event"),
        event(ev.NoteAdded("x"), at=START.replace(tzinfo=None)),
        event(ev.NoteAdded("x"), id_="\udfff"),
    ):
        with pytest.raises(Unrecordable) as refused:
            await journal.append([append("shift:1", None, bad)])
        assert "\n" not in str(refused.value)
    assert journal.head() == EMPTY


async def test_waiting_for_a_change_ends_with_the_append(journal):
    waiting = [asyncio.create_task(journal.changed(after)) for after in (0, 1, 2)]
    await journal.append(notes(2))
    await asyncio.wait_for(asyncio.gather(*waiting[:2]), 30)
    await asyncio.wait_for(journal.changed(1), 30)  # what is there already is not waited for
    assert not waiting[2].done()
    waiting[2].cancel()


async def test_the_lease_goes_to_one_holder_at_a_time(journal, clock):
    assert await journal.renew("a", 10, take=False) is None
    mine = await journal.renew("a", 10)
    assert (mine.holder, mine.epoch, mine.expires_at) == ("a", 1, START + timedelta(seconds=10))
    assert await journal.renew("b", 10) == mine
    clock.advance(9)
    assert (await journal.renew("a", 10)).epoch == 1
    clock.advance(10)
    assert await journal.renew("b", 10, take=False) == journal.lease()
    assert journal.lease().holder == "a"
    taken = await journal.renew("b", 10)
    assert (taken.holder, taken.epoch) == ("b", 2)
    await journal.release("a")
    assert journal.lease() == taken
    await journal.release("b")
    assert journal.lease() is None
    assert (await journal.renew("a", 10)).epoch == 3


async def test_a_late_holder_keeps_its_epoch_when_nobody_was_faster(journal, clock):
    await journal.renew("a", 10)
    clock.advance(60)
    assert (await journal.renew("a", 10)).epoch == 1


async def test_the_fence_lets_nobody_write_who_lost_the_lease(journal, clock):
    with pytest.raises(LeaseLost):
        await journal.append(notes(1), fence=1)
    await journal.renew("a", 10)
    await journal.append(notes(1), fence=1)
    clock.advance(10)
    with pytest.raises(LeaseLost, match="expired"):
        await journal.append(notes(1), fence=1)
    await journal.renew("b", 10)
    with pytest.raises(LeaseLost, match="b holds"):
        await journal.append(notes(1), fence=1)
    await journal.append(notes(1), fence=2)
    await journal.release("b")
    with pytest.raises(LeaseLost, match="nobody"):
        await journal.append(notes(1), fence=2)
    assert journal.head().seq == 2


async def test_a_snapshot_is_what_was_saved_whatever_is_folded_later(journal):
    state = State()
    for recorded in await journal.append([append("shift:1", 0, event(ev.ShiftBegan("alice")))]):
        apply(state, recorded)
    await journal.save_snapshot(1, state)
    expected = state.copy()
    for recorded in await journal.append([append("shift:1", 1, note("later"))]):
        apply(state, recorded)
    seq, loaded = journal.load_snapshot()
    assert (seq, loaded) == (1, expected)
    apply(loaded, journal.read(1)[0])
    assert loaded == state
    await journal.save_snapshot(2, loaded)
    assert journal.load_snapshot() == (2, state)


async def test_equal_input_gives_equal_hashes_everywhere(tmp_path):
    heads = set()
    for made in (
        MemoryJournal(SetClock(), console="c"),
        SqliteJournal(tmp_path / "journal.db", SetClock(), console="c"),
    ):
        await made.append([append("shift:1", 0, event(ev.ShiftBegan("alice"), id_="1"), note("ä\x00\x7f", "2"))])
        await made.append([append("shift:2", None, event(ev.DrillFinished("ok", 1.5), id_="3"))])
        heads.add(made.head())
        await made.close()
    assert len(heads) == 1
