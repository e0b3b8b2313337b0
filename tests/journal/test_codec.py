"""Events as bytes: nothing is lost on the way, and the bytes are those that the documentation promises."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.journal.codec import (
    EMPTY,
    ZERO_HASH,
    JournalUnusable,
    Row,
    Unrecordable,
    decode,
    draft,
    encode,
    hash_of,
    header,
    recorded,
    seal,
    time_text,
)
from console.model import events as ev
from console.model.people import Actor
from console.ports import Head
from tests.journal.tools import PAYLOADS, START, TEXT, append, event, payloads_of


@pytest.mark.parametrize("kind", sorted(ev.KINDS))
def test_every_kind_survives_the_round_trip(kind):
    @settings(max_examples=25)  # for each of a hundred kinds
    @given(payloads_of(ev.KINDS[kind]))
    def survives(payload):
        assert decode(*kind, encode(payload)) == payload

    survives()


@given(PAYLOADS, TEXT, TEXT, st.integers(1, 2**53))
def test_a_stranger_can_check_the_hash(payload, name, stream, seq):
    """As documented, with nothing but the standard library."""
    (new,) = draft(append(stream, None, event(payload), actor=Actor(name, "login")))
    row = seal(new, Head(seq - 1, ZERO_HASH), 1, "2026", "c", "live")
    fields = {name: value for name, value in row._asdict().items() if name not in ("payload", "prev_hash", "hash")}
    stranger = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert header(row) == stranger
    assert row.hash == hash_of(row) == hashlib.sha256(b"0" * 64 + stranger + row.payload).hexdigest()
    json.loads(row.payload)


def test_a_known_hash_stays_what_it_was():
    """The layout is for ever: a journal of today is verified by the program of tomorrow."""
    (new,) = draft(append("shift:1", 0, event(ev.WatchItemAdded("1", "größer", START), id_="id-1")))
    row = seal(new, EMPTY, 1, time_text(START), "here", "live")
    assert row.payload.decode() == '{"item":"1","text":"größer","until":"2026-03-28T22:30:00.000000Z"}'
    assert row.hash == "85c26bcca2f1133a78a695276a0a21bf12dbd8b9260fa028d800753300f6a140"


def test_times_are_utc_with_six_digits():
    assert time_text(datetime(2026, 3, 28, 22, 30, tzinfo=UTC)) == "2026-03-28T22:30:00.000000Z"
    east = timezone(timedelta(hours=5, minutes=30))
    assert time_text(datetime(2026, 3, 29, 4, 0, 0, 7, tzinfo=east)) == "2026-03-28T22:30:00.000007Z"
    with pytest.raises(Unrecordable, match="no zone"):
        time_text(START.replace(tzinfo=None))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_non_finite_numbers_are_refused(number):
    with pytest.raises(Unrecordable, match=r"drill\.finished: the number .* is not finite"):
        encode(ev.DrillFinished("ok", number))


def test_04_an_unknown_kind_is_kept_raw():
    raw = b'{"colour":"mauve"}'
    assert decode("paint.dried", 1, raw) == ev.Unknown('{"colour":"mauve"}')
    assert decode("note.added", 99, raw) == ev.Unknown('{"colour":"mauve"}')
    assert decode("note.added", 1, raw) == ev.Unknown('{"colour":"mauve"}')
    assert decode("note.added", 1, b'{"text":"\xff"}') == ev.Unknown('{"text":"\\xff"}')
    with pytest.raises(Unrecordable, match="Unknown is no event"):
        encode(ev.Unknown(raw.decode()))


def test_a_row_whose_times_were_tampered_with_is_named():
    (new,) = draft(append("shift:1", 0, event(ev.NoteAdded("x"))))
    row: Row = seal(new, EMPTY, 1, "not a time", "here", "live")
    with pytest.raises(JournalUnusable, match="event 1 was changed"):
        recorded(row)
