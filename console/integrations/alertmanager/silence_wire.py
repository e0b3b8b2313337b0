"""Silences as they come and go over the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from console.integrations.alertmanager import wire
from console.integrations.http import decode
from console.model.alert import Matcher
from console.model.silence import Silence, SilenceState
from console.model.text import safe

EARLY = timedelta(seconds=5)
"""A silence from now on is sent with a start this long ago, for which Alertmanager puts its own "now": its clock may be
behind ours, and the silence would wait for it."""
MATCHER_LIMIT = 65_536
"""Characters kept of a matcher's value. One that was cut would match something else when it is created anew."""


_STATES = {state.value: state for state in SilenceState}


class _Matcher(msgspec.Struct):
    name: str
    value: str
    regex: bool = msgspec.field(name="isRegex", default=False)
    equal: bool = msgspec.field(name="isEqual", default=True)

    @property
    def op(self) -> str:
        return ("!~" if self.regex else "!=") if not self.equal else "=~" if self.regex else "="


class _Status(msgspec.Struct):
    state: str = ""


class _Silence(msgspec.Struct):
    id: str
    matchers: tuple[_Matcher, ...]
    starts: str = msgspec.field(name="startsAt")
    ends: str = msgspec.field(name="endsAt")
    updated: str = msgspec.field(name="updatedAt", default="")
    created_by: str = msgspec.field(name="createdBy", default="")
    comment: str = ""
    status: _Status = msgspec.field(default_factory=_Status)


class _Created(msgspec.Struct):
    id: str = msgspec.field(name="silenceID")


_SILENCE = msgspec.json.Decoder(_Silence)
CREATED = msgspec.json.Decoder(_Created)
FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def silence(raw: bytes | msgspec.Raw, cluster: str) -> Silence:
    """A silence, its text made safe. Raises ValueError."""
    found = decode(raw, _SILENCE)
    starts, ends = wire.instant(found.starts), wire.instant(found.ends)
    if not found.id or not found.matchers or starts is None or ends is None:
        raise ValueError("no silence")
    return Silence(
        tuple(matcher(item.name, item.op, item.value) for item in found.matchers),
        starts,
        ends,
        safe(found.created_by, wire.NAME_LIMIT),
        safe(found.comment),
        safe(found.id, wire.NAME_LIMIT),
        _STATES.get(found.status.state, SilenceState.UNKNOWN),
        cluster,
        wire.instant(found.updated),
    )


def matcher(name: str, op: str, value: str) -> Matcher:
    """A matcher, its text made safe."""
    return Matcher(safe(name, MATCHER_LIMIT), op, safe(value, MATCHER_LIMIT))


def body(silence: Silence, now: datetime, theirs: datetime) -> dict[str, object]:
    """What is sent to create it. `now` by our clock, `theirs` by Alertmanager's."""
    starts = silence.starts_at if silence.starts_at > now else min(silence.starts_at, theirs) - EARLY
    return {
        "matchers": [
            {"name": item.name, "value": item.value, "isRegex": "~" in item.op, "isEqual": not item.op.startswith("!")}
            for item in silence.matchers
        ],
        "startsAt": written(starts),
        "endsAt": written(silence.ends_at),
        "createdBy": silence.created_by,
        "comment": silence.comment,
    }


def millis(when: datetime) -> datetime:
    """To the millisecond, as Alertmanager tells it."""
    return when.astimezone(UTC).replace(microsecond=when.microsecond // 1000 * 1000)


def written(when: datetime) -> str:
    """As Alertmanager writes an instant."""
    return millis(when).isoformat(timespec="milliseconds").replace("+00:00", "Z")
