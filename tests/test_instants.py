"""Test 25 of the study: a time without a zone is refused wherever one comes in; tests/cli looks at what goes out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.integrations.alertmanager import wire
from console.integrations.pagerduty.parts import Part
from console.journal.codec import Unrecordable, decode, encode
from console.model import events as ev
from console.model.alert import AlertRef, Matcher
from console.model.events import Unknown
from console.model.silence import Silence, refusal

NAIVE = datetime(2026, 3, 1, 12)  # noqa: DTZ001
AWARE = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = "2026-03-01T12:00:00"


@pytest.mark.parametrize(
    "payload",
    [
        ev.TimeSet("detected", NAIVE),
        ev.AlertAcknowledged(AlertRef("f1", "P99", starts_at=NAIVE)),
        ev.UpdatePosted("", "", "", NAIVE),
    ],
    ids=lambda payload: type(payload).__name__,
)
def test_25_the_record_takes_no_time_without_a_zone(payload):
    with pytest.raises(Unrecordable, match="no zone"):
        encode(payload)


@pytest.mark.parametrize("separator", ["T", "t", " "])
@pytest.mark.parametrize("deep", [False, True])
def test_25_a_stored_time_without_a_zone_is_kept_raw_and_no_instant(separator, deep):
    """Only another program can have written it so; the engine compares instants, and would stop at it."""
    payload = ev.AlertAcknowledged(AlertRef("f1", "P99", starts_at=AWARE)) if deep else ev.TimeSet("detected", AWARE)
    kind, version = ("alert.acknowledged", 1) if deep else ("incident.time_set", 1)
    stored = encode(payload)
    assert decode(kind, version, stored) == payload
    naive = stored.replace(b"2026-03-01T12:00:00.000000Z", f"2026-03-01{separator}12:00:00".encode())
    assert naive != stored
    assert isinstance(decode(kind, version, naive), Unknown)


def test_25_a_text_that_looks_like_a_time_without_a_zone_stays_a_text():
    said = ev.NoteAdded(TEXT)
    assert decode("note.added", 1, encode(said)) == said


def test_25_what_sources_say_without_a_zone_is_no_instant():
    assert wire.instant(TEXT) is None
    assert wire.instant(TEXT + "+02:00") == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert Part({"created_at": TEXT}).instant("created_at") is None
    assert Part({"created_at": TEXT + "Z"}).instant("created_at") == AWARE


def test_25_a_silence_needs_a_zone_before_it_is_sent():
    assert "time zone" in refusal(Silence((Matcher("a", "=", "b"),), NAIVE, NAIVE, "alice", ""), AWARE)
