"""One suite over every place where slices are kept, and what the file is for."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from datetime import UTC, datetime, timedelta

import pytest

from console.engine.clocks import SimulatedClock
from console.journal import slices
from console.journal.slices import MemorySlices, SqliteSlices
from console.model.slices import DAY, Slice
from console.ports import SliceStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = 5_905_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "record" / "slices.db"


@pytest.fixture(params=["file", "memory"])
def store(request, path):
    made: SliceStore = MemorySlices() if request.param == "memory" else SqliteSlices(path, SimulatedClock(NOW))
    yield made
    made.close()


def rows(first=FIRST, count=600):
    return [Slice(first + at, float(at), None if at % 7 == 0 else at / 3, at % 5 == 0) for at in range(count)]


def kept(store, key="a", since=FIRST):
    found = store.load(key, since).slices
    return [] if found.first is None else [item for item in found.between(found.first, FIRST + 5000) if item]


def test_what_was_kept_is_there(store):
    store.keep({"a": rows(), "b": rows(FIRST, 1)}, {"a": {FIRST // DAY: 17.5}})
    assert kept(store) == rows()
    assert kept(store, "b") == rows(FIRST, 1)
    assert store.load("a", FIRST).asked == {FIRST // DAY: 17.5}
    assert kept(store, "c") == []


def test_days_before_are_left_out(store):
    store.keep({"a": rows()}, {"a": {FIRST // DAY: 1.0, FIRST // DAY + 2: 2.0}})
    since = FIRST + 400
    found = kept(store, since=since)
    assert found == [item for item in rows() if item.index // DAY >= since // DAY]
    assert store.load("a", since).asked == {FIRST // DAY + 2: 2.0}


def test_a_slice_that_is_read_again_takes_the_place_of_the_old_one(store):
    store.keep({"a": rows()})
    new = Slice(FIRST + 3, 99.0, 1.0)
    store.keep({"a": [new]}, {"a": {FIRST // DAY: 5.0}})
    found = kept(store)
    assert found[3] == new
    assert found[:3] + found[4:] == rows()[:3] + rows()[4:]


def test_groups_are_kept(store):
    assert store.groups("g") == ()
    store.keep_groups("g", [{"agent": "ä\n"}, {"agent": ""}])
    assert store.groups("g") == ({"agent": "ä\n"}, {"agent": ""})
    store.keep_groups("g", [{"agent": "b"}])
    assert store.groups("g") == ({"agent": "b"},)


def test_what_is_old_is_dropped(store):
    store.keep({"a": rows()}, {"a": {FIRST // DAY: 1.0}})
    store.drop({"a": FIRST + 300}, NOW - timedelta(days=60))
    assert kept(store) == [item for item in rows() if item.index // DAY >= (FIRST + 300) // DAY]
    assert store.load("a", FIRST).asked == {}


def test_a_definition_that_nobody_uses_is_dropped(path):
    before = SqliteSlices(path, SimulatedClock(NOW))
    before.keep({"old": rows(), "used": rows()})
    before.close()
    later = SqliteSlices(path, SimulatedClock(NOW + timedelta(days=61)))
    later.load("used", FIRST)
    later.drop({}, NOW + timedelta(days=1))
    assert (kept(later, "old"), kept(later, "used")) == ([], rows())
    later.close()


def test_what_is_kept_is_used(path):
    """A console that runs for months loads once."""
    clock = SimulatedClock(NOW)
    store = SqliteSlices(path, clock)
    store.load("a", FIRST)
    store.keep({"a": rows(count=10)})
    clock.leap(NOW + timedelta(days=61))
    store.keep({"a": rows(FIRST + 10, 5)})
    store.drop({}, clock.now() - timedelta(days=60))
    assert len(kept(store)) == 15
    store.close()


def test_it_survives_a_restart_and_is_private(path):
    store = SqliteSlices(path, SimulatedClock(NOW))
    store.keep({"a": rows()})
    store.close()
    again = SqliteSlices(path, SimulatedClock(NOW))
    assert kept(again) == rows()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again.close()


def test_two_consoles_keep_in_one_file(path):
    one, other = (SqliteSlices(path, SimulatedClock(NOW)) for _ in range(2))
    one.keep({"a": rows()[0::2]})
    other.keep({"a": rows()[1::2]})
    one.keep({"a": [Slice(FIRST + 1, 5.0, 1.0)]})
    expected = rows()
    expected[1] = Slice(FIRST + 1, 5.0, 1.0)
    assert kept(one) == kept(other) == expected
    one.close()
    other.close()


@pytest.mark.parametrize(
    "damage", [b"not a database at all, but long enough for one" * 200, b"SQLite format 3\0" * 300]
)
def test_a_damaged_file_is_set_aside_and_made_anew(path, damage):
    path.parent.mkdir()
    path.write_bytes(damage)
    store = SqliteSlices(path, SimulatedClock(NOW))
    store.keep({"a": rows()})
    assert (kept(store), store.note) == (rows(), "")
    assert path.with_name("slices.db.damaged").read_bytes() == damage
    store.close()


def test_damage_within_is_found_when_it_is_read(path):
    store = SqliteSlices(path, SimulatedClock(NOW))
    store.keep({"a": rows(), "b": rows()})
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE days SET slices = ? WHERE key = 1", (b"x" * 40,))
    connection.close()
    again = SqliteSlices(path, SimulatedClock(NOW))
    assert (kept(again, "a"), kept(again, "b")) == ([], rows())
    again.keep({"a": rows()})
    assert kept(again, "a") == rows()
    again.close()


def test_no_room_for_the_file_is_memory_and_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    store = SqliteSlices(tmp_path / "file" / "slices.db", SimulatedClock(NOW))
    store.keep({"a": rows()}, {"a": {3: 1.0}})
    store.keep_groups("g", [{"a": "b"}])
    assert (kept(store), store.groups("g")) == (rows(), ({"a": "b"},))
    assert store.note.startswith("slices of service levels are kept in memory only: ")
    assert "\n" not in store.note
    store.close()


def test_a_full_disk_is_memory_from_then_on(path):
    store = SqliteSlices(path, SimulatedClock(NOW))
    store.keep({"a": rows(count=10)})
    store._connection.execute("PRAGMA max_page_count = 1")
    store.keep({"a": rows(count=2000)})
    assert "full" in store.note
    assert len(kept(store)) == 2000


def test_a_read_only_console_reads_and_leaves_the_file_alone(path):
    writer = SqliteSlices(path, SimulatedClock(NOW))
    writer.keep({"a": rows()})
    reader = SqliteSlices(path, SimulatedClock(NOW), read_only=True)
    assert kept(reader) == rows()
    reader.keep({"a": [Slice(FIRST, 5.0, 5.0)], "b": rows()})
    reader.keep_groups("g", [{"a": "b"}])
    reader.drop({"a": FIRST + 500}, NOW)
    assert (kept(writer), writer.groups("g"), kept(writer, "b")) == (rows(), (), [])
    for store in (reader, writer):
        store.close()
    nowhere = SqliteSlices(path.with_name("none.db"), SimulatedClock(NOW), read_only=True)
    assert (kept(nowhere), nowhere.path.exists(), nowhere.note) == ([], False, "")


def test_a_file_that_is_busy_when_it_is_opened_is_opened_the_next_time(path, monkeypatch):
    monkeypatch.setattr(slices, "BUSY_SECONDS", 0.05)
    before = SqliteSlices(path, SimulatedClock(NOW))
    before.keep({"a": rows()})
    later = SqliteSlices(path, SimulatedClock(NOW))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert kept(later) == []
        other.execute("ROLLBACK")
    assert kept(later) == rows()
    assert later.note == ""
    before.close()
    later.close()
