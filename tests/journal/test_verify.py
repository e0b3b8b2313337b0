"""The chain shows what was done to it, and where."""

import contextlib
import random
import shutil
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.journal.codec import EMPTY, Row, draft, hash_of, seal
from console.journal.sqlite import SqliteJournal
from console.journal.verify import check, verify
from console.model import events as ev
from console.ports import Head, JournalUnusable
from tests.journal.tools import SetClock, append, event, note


def chain(count: int) -> list[Row]:
    rows, head = [], EMPTY
    for number in range(count):
        (new,) = draft(append(f"shift:{number % 3}", None, event(ev.NoteAdded(f"note {number}"))))
        row = seal(new, head, number // 3 + 1, "2026-03-28T22:30:00.000000Z", "here", "live")
        head = Head(row.seq, row.hash)
        rows.append(row)
    return rows


CHAIN = chain(12)
HEAD = Head(12, CHAIN[-1].hash)


def test_a_whole_chain_is_whole():
    assert check(CHAIN, expect=HEAD).ok
    assert check(CHAIN).head == HEAD
    assert str(check(CHAIN)) == f"the chain is whole up to {HEAD}"
    assert check([]).head == EMPTY


@given(st.integers(0, 11), st.sampled_from(Row._fields), st.data())
def test_any_changed_byte_of_any_column_is_found_at_its_event(index, column, data):
    row = CHAIN[index]
    value = getattr(row, column)
    if isinstance(value, int):
        changed = value ^ (1 << data.draw(st.integers(0, 40)))
    else:
        raw = bytearray(value if isinstance(value, bytes) else value.encode())
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 6))
        else:
            raw += b"x"
        changed = bytes(raw) if isinstance(value, bytes) else raw.decode()
    rows = [*CHAIN[:index], row._replace(**{column: changed}), *CHAIN[index + 1 :]]
    result = check(rows)
    assert not result.ok
    assert result.bad_seq == index + 1
    assert result.head.seq == index
    assert "\n" not in str(result)


@given(st.integers(0, 11), st.sampled_from(Row._fields), st.sampled_from([None, 1.5, b"bytes", "text"]))
def test_a_column_of_another_type_is_found(index, column, value):
    rows = [*CHAIN[:index], CHAIN[index]._replace(**{column: value}), *CHAIN[index + 1 :]]
    assert not check(rows).ok


def test_a_missing_event_is_named():
    result = check([*CHAIN[:4], *CHAIN[5:]])
    assert (result.bad_seq, result.why) == (5, "missing: the record jumps from 4 to 6")


def test_a_forged_event_breaks_the_link():
    forged = CHAIN[4]._replace(actor="eve")
    forged = forged._replace(hash=hash_of(forged))
    result = check([*CHAIN[:4], forged, *CHAIN[5:]])
    assert result.bad_seq == 6
    assert "the link to event 5 is broken" in result.why


def test_a_cut_tail_shows_only_by_what_was_expected():
    assert check(CHAIN[:9]).ok
    result = check(CHAIN[:9], expect=HEAD)
    assert (result.bad_seq, result.head.seq) == (10, 9)
    assert "missing: the record ends at 9" in result.why


def test_a_rewritten_record_shows_only_by_what_was_expected():
    rewritten = chain(12)  # other ids
    assert check(rewritten).ok
    assert check(CHAIN, expect=Head(3, CHAIN[2].hash)).ok
    result = check(rewritten, expect=Head(3, CHAIN[2].hash))
    assert result.bad_seq == 3
    assert "the record was rewritten" in result.why


def test_versions_without_a_gap():
    (new,) = draft(append("shift:0", None, note("x")))
    result = check([seal(new, EMPTY, 2, "2026", "here", "live")])
    assert result.why == "it is version 2 of shift:0, expected 1"


async def test_no_flipped_bit_of_the_file_goes_unseen(tmp_path):
    """Either the file is refused, or a fault is named, or what is read is what was written (the bit lay elsewhere)."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path, SetClock(), console="here")
    for number in range(40):
        await journal.append([append("shift:1", None, note(f"note {number}"))])
    head, written = journal.head(), journal.rows()
    await journal.close()
    content = path.read_bytes()
    draw = random.Random(20260328)
    found = 0
    for _ in range(150):
        at = draw.randrange(len(content))
        broken = bytearray(content)
        broken[at] ^= 1 << draw.randrange(8)
        target = tmp_path / "broken.db"
        target.write_bytes(broken)
        try:
            opened = SqliteJournal(target, SetClock(), console="here", read_only=True)
        except JournalUnusable:
            found += 1
            continue
        try:
            result = verify(opened, head)
            if result.ok:
                assert opened.rows() == written, f"bit at {at}"
            else:
                found += 1
        finally:
            await opened.close()
    assert found > 20


@pytest.mark.parametrize(
    "statement", ["DELETE FROM events WHERE seq = 3", "UPDATE events SET login = 'eve' WHERE seq = 3"]
)
async def test_a_journal_changed_by_hand_is_found(tmp_path, statement):
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path, SetClock(), console="here")
    await journal.append([append("shift:1", None, *(note(str(number)) for number in range(5)))])
    await journal.close()
    shutil.copy(path, tmp_path / "copy.db")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER events_are_not_changed")
        connection.execute("DROP TRIGGER events_are_not_deleted")
        connection.execute(statement)
    for name, bad in (("journal.db", 3), ("copy.db", None)):
        journal = SqliteJournal(tmp_path / name, SetClock(), console="here", read_only=True)
        assert verify(journal).bad_seq == bad
        await journal.close()
