"""Alertmanager's API v2 as it comes over the wire, and what is made of its odd parts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo

import msgspec

from console.integrations.http import Answer, decode
from console.model.text import safe

NAME_LIMIT, LABEL_LIMIT = 200, 1_000
"""Characters kept of a label's or annotation's name, and of a label's value."""
URL_LIMIT = 4_000

NOTHING = msgspec.Raw(b"null")


class Status(msgspec.Struct, gc=False):
    """An alert's state, and what suppresses it."""

    state: str = ""
    silenced: tuple[str, ...] | None = msgspec.field(name="silencedBy", default=None)
    inhibited: tuple[str, ...] | None = msgspec.field(name="inhibitedBy", default=None)
    muted: tuple[str, ...] | None = msgspec.field(name="mutedBy", default=None)


class Alert(msgspec.Struct, gc=False):
    """One alert of a group. What is decoded only when it has changed stays as it came."""

    fingerprint: str = ""
    starts: str = msgspec.field(name="startsAt", default="")
    status: msgspec.Raw = NOTHING
    labels: msgspec.Raw = NOTHING
    annotations: msgspec.Raw = NOTHING
    receivers: msgspec.Raw = NOTHING
    generator: msgspec.Raw = msgspec.field(name="generatorURL", default=NOTHING)


class _LooseAlert(msgspec.Struct, gc=False):
    """The same for an alert in which something has the wrong type."""

    fingerprint: object = None
    starts: object = msgspec.field(name="startsAt", default=None)
    status: msgspec.Raw = NOTHING
    labels: msgspec.Raw = NOTHING
    annotations: msgspec.Raw = NOTHING
    receivers: msgspec.Raw = NOTHING
    generator: msgspec.Raw = msgspec.field(name="generatorURL", default=NOTHING)


class Group(msgspec.Struct, gc=False):
    """One group: the alerts that are notified together."""

    alerts: tuple[msgspec.Raw, ...]
    labels: msgspec.Raw = NOTHING


class Receiver(msgspec.Struct):
    """Whom a group is sent to."""

    name: str = ""


class _Version(msgspec.Struct):
    version: str = ""


class _Config(msgspec.Struct):
    original: str = ""


class ServerStatus(msgspec.Struct):
    """What the server says about itself."""

    version: _Version = msgspec.field(name="versionInfo", default_factory=_Version)
    config: _Config = msgspec.field(default_factory=_Config)


GROUPS = msgspec.json.Decoder(tuple[Group, ...])
RAW_LIST = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
GROUP = msgspec.json.Decoder(Group)
ALERT = msgspec.json.Decoder(Alert)
STATUS = msgspec.json.Decoder(Status)
RECEIVERS = msgspec.json.Decoder(tuple[Receiver, ...])
TEXT = msgspec.json.Decoder(str)
ANYTHING = msgspec.json.Decoder()
SERVER = msgspec.json.Decoder(ServerStatus)
_LOOSE = msgspec.json.Decoder(_LooseAlert)
_TEXTS = msgspec.json.Decoder(dict[str, str])


def loose_alert(raw: msgspec.Raw) -> Alert | None:
    """An alert with something of a wrong type in it; None when it is not even an object."""
    try:
        found = decode(raw, _LOOSE)
    except ValueError:
        return None
    fingerprint, starts = (value if isinstance(value, str) else "" for value in (found.fingerprint, found.starts))
    return Alert(fingerprint, starts, found.status, found.labels, found.annotations, found.receivers, found.generator)


def texts(raw: msgspec.Raw) -> dict[str, str]:
    """A map of texts, as it is; what is no text in it as JSON."""
    try:
        return decode(raw, _TEXTS)
    except ValueError:
        pass
    try:
        found = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in found.items()
        if value is not None
    }


def receivers(raw: msgspec.Raw) -> tuple[str, ...]:
    """Names of receivers, as they are, in order."""
    try:
        return tuple(sorted({item.name for item in decode(raw, RECEIVERS) if item.name}))
    except ValueError:
        return ()


def link(raw: msgspec.Raw) -> str:
    """An address that may be opened: http or https, in one piece; else empty."""
    try:
        url = decode(raw, TEXT)
    except ValueError:
        return ""
    fine = url.isascii() and url.isprintable() and not set(" \"'<>\\^`{|}") & set(url) and len(url) <= URL_LIMIT
    return url if fine and url.lower().startswith(("http://", "https://")) else ""


def names(found: tuple[str, ...] | None) -> tuple[str, ...]:
    """Ids and names as safe text."""
    return tuple(safe(name, NAME_LIMIT) for name in found or ())


def words(answer: Answer) -> str:
    """Alertmanager's own words on an error: a bare JSON string, or the `message` of an object."""
    try:
        found = decode(answer.body, ANYTHING)
    except ValueError:
        return ""
    said = found.get("message") if isinstance(found, dict) else found
    return said if isinstance(said, str) else ""


def instant(text: str, zone: tzinfo | None = None) -> datetime | None:
    """An instant, in UTC; None when it is none. One without a zone is none either, unless a `zone` is given for it."""
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=zone) if found.tzinfo is None else found
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
