"""Alertmanager, API v2: the alerts that stand, with the groups that they are notified in.

One request a round. What an alert says is decoded only when it is new or has changed; an unchanged one is the same
object as before. One alert that cannot be read does not take the others with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from console.integrations.http import Finding, Http, Unanswered, decode
from console.model.alert import Alert, AlertSnapshot, AlertState
from console.model.text import safe
from console.ports import Clock
from console.settings.config import HttpSource

GROUPS = "api/v2/alerts/groups"
NAME_LIMIT, LABEL_LIMIT = 200, 1_000
"""Characters kept of a label's or annotation's name, and of a label's value."""
MAX_LABELS = 100
"""Labels, and annotations, kept of one alert."""
MAX_PAIRS = 100_000
"""Label pairs remembered as safe text before the memory starts anew."""

_NOTHING = msgspec.Raw(b"null")


class _Status(msgspec.Struct, gc=False):
    state: str = ""
    silenced: tuple[str, ...] | None = msgspec.field(name="silencedBy", default=None)
    inhibited: tuple[str, ...] | None = msgspec.field(name="inhibitedBy", default=None)


class _Alert(msgspec.Struct, gc=False):
    fingerprint: str = ""
    starts: str = msgspec.field(name="startsAt", default="")
    status: msgspec.Raw = _NOTHING
    labels: msgspec.Raw = _NOTHING
    annotations: msgspec.Raw = _NOTHING


class _LooseAlert(msgspec.Struct, gc=False):
    """The same for an alert in which something has the wrong type."""

    fingerprint: object = None
    starts: object = msgspec.field(name="startsAt", default=None)
    status: msgspec.Raw = _NOTHING
    labels: msgspec.Raw = _NOTHING
    annotations: msgspec.Raw = _NOTHING


class _Group(msgspec.Struct, gc=False):
    alerts: tuple[msgspec.Raw, ...]
    labels: msgspec.Raw = _NOTHING


class _Version(msgspec.Struct):
    version: str = ""


class _ServerStatus(msgspec.Struct):
    version: _Version = msgspec.field(name="versionInfo", default_factory=_Version)


_GROUPS = msgspec.json.Decoder(tuple[_Group, ...])
_RAW_GROUPS = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_GROUP = msgspec.json.Decoder(_Group)
_ALERT = msgspec.json.Decoder(_Alert)
_LOOSE = msgspec.json.Decoder(_LooseAlert)
_STATUS = msgspec.json.Decoder(_Status)
_TEXTS = msgspec.json.Decoder(dict[str, str])
_SERVER = msgspec.json.Decoder(_ServerStatus)


class Alertmanager:
    """An `AlertSource`. `watchdog` is the `alertname` of the always-firing alert."""

    name = "alertmanager"

    def __init__(self, source: HttpSource, watchdog: str, clock: Clock, token: Callable[[], str] | None = None) -> None:
        self.http = Http(source, clock, token)
        self.note = ""
        """What of the last answer could not be read; empty when all could."""
        self._watchdog, self._clock = watchdog, clock
        self._known: dict[str, tuple[int, Alert]] = {}
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        self.http.close()

    def read(self) -> AlertSnapshot:
        """Every alert, silenced and inhibited ones too, each once. Raises SourceError."""
        flags = {"active": "true", "silenced": "true", "inhibited": "true"}
        answer = self.http.ask("GET", GROUPS, params=flags)
        if not answer.good:
            raise self.http.refusal(answer)
        now = self._clock.now()
        if len(self._pairs) > MAX_PAIRS:
            self._pairs.clear()
        known: dict[str, tuple[int, Alert]] = {}
        changed: set[str] = set()
        unreadable = 0
        for found in self._alerts(answer.body):
            if found is None:
                unreadable += 1
                continue
            raw, group = found
            # The labels are behind the fingerprint; endsAt and updatedAt move with every evaluation.
            key = hash((raw.starts, bytes(raw.status), bytes(raw.annotations), bytes(raw.labels), group))
            before = self._known.get(raw.fingerprint)
            identity = raw.fingerprint if before else safe(raw.fingerprint, 64) or self._unnamed(raw)
            before = before or self._known.get(identity)
            if identity in known:
                continue  # in another group, too
            if before is None or before[0] != key:
                before = (key, self._alert(raw, identity, group, before and before[1], now))
                changed.add(identity)
            known[identity] = before
        if unreadable and not known:
            raise self.http.error("answers with alerts of which none can be read; is it Alertmanager's API v2?")
        self.note = f"{unreadable} of its alerts could not be read" if unreadable else ""
        self._known = known
        alerts = tuple(alert for _, alert in known.values())
        return AlertSnapshot(
            alerts,
            now,
            bool(self._watchdog) and any(("alertname", self._watchdog) in alert.labels for alert in alerts),
            answer.skew.total_seconds(),
            self.note,
            frozenset(changed),
        )

    def probe(self) -> list[Finding]:
        """What works and what does not: the server, its alerts, and the always-firing one."""
        try:
            answer = self.http.ask("GET", "api/v2/status")
            if not answer.good:
                raise self.http.refusal(answer)
            version = decode(answer.body, _SERVER).version.version
            snapshot = self.read()
        except Unanswered as error:
            return [Finding(self.name, False, str(error), "correct the url, the token or the network")]
        except ValueError:
            return [Finding(self.name, False, f"{self.http.where} is no Alertmanager with API v2", "correct the url")]
        count = len(snapshot.alerts)
        what = f"{self.http.where} answers, version {self.http.words(version) or 'unknown'}, {count} alerts"
        findings = [Finding(self.name, True, what)]
        if self.note:
            findings.append(Finding(self.name, False, self.note, "ask who sends them: they are not to the API's form"))
        if snapshot.watchdog_seen:
            findings.append(Finding(self.name, True, f"the always-firing alert {self._watchdog} is there"))
        else:
            todo = f'add a rule "alert: {self._watchdog}, expr: vector(1)", or name yours in the configuration'
            what = f"no alert {self._watchdog}: an empty feed would be no evidence of calm"
            findings.append(Finding(self.name, False, what, todo))
        return findings

    def _alerts(self, body: bytes) -> Iterator[tuple[_Alert, str] | None]:
        """Every alert with its group's labels; None for one, or for a group, that is none."""
        for group in self._groups(body):
            if group is None:
                yield None
                continue
            labels = ", ".join(f'{name}="{value}"' for name, value in self._texts(group.labels, LABEL_LIMIT))
            text = f"{{{labels}}}"
            for raw in group.alerts:
                try:
                    yield decode(raw, _ALERT), text
                except ValueError:
                    yield _loose(raw, text)

    def _groups(self, body: bytes) -> Iterator[_Group | None]:
        try:
            yield from decode(body, _GROUPS)
            return
        except ValueError:
            pass
        try:
            groups = decode(body, _RAW_GROUPS)
        except ValueError as error:
            raise self.http.error(f"answers what is not Alertmanager's: {error}") from None
        for raw in groups:
            try:
                yield decode(raw, _GROUP)
            except ValueError:
                yield None

    def _alert(self, raw: _Alert, identity: str, group: str, before: Alert | None, now: datetime) -> Alert:
        try:
            status = decode(raw.status, _STATUS)
        except ValueError:
            status = _Status()
        return Alert(
            identity,
            self._texts(raw.labels, LABEL_LIMIT),
            self._texts(raw.annotations),
            _STATES.get(status.state, AlertState.UNKNOWN),
            _instant(raw.starts, now) or (before.starts_at if before else now),
            self.name,
            tuple(safe(name, NAME_LIMIT) for name in status.silenced or ()),
            tuple(safe(name, NAME_LIMIT) for name in status.inhibited or ()),
            group,
        )

    def _unnamed(self, raw: _Alert) -> str:
        """An identity for an alert that came without a fingerprint: that of its labels."""
        import hashlib

        labels = repr(self._texts(raw.labels, LABEL_LIMIT)).encode("utf-8", "replace")
        return f"unnamed-{hashlib.sha256(labels).hexdigest()[:16]}"

    def _texts(self, raw: msgspec.Raw, limit: int = 0) -> tuple[tuple[str, str], ...]:
        """A map of texts as safe pairs. With a limit they are labels, and shared among the alerts."""
        try:
            texts = decode(raw, _TEXTS)
        except ValueError:
            texts = _loose_texts(raw)
        items = sorted(texts.items())[:MAX_LABELS]
        if not limit:
            return tuple((safe(name, NAME_LIMIT), safe(value)) for name, value in items)
        pairs = self._pairs
        found = []
        for item in items:
            pair = pairs.get(item)
            if pair is None:
                pair = pairs[item] = (safe(item[0], NAME_LIMIT), safe(item[1], limit))
            found.append(pair)
        return tuple(found)


_STATES = {state.value: state for state in AlertState}


def _instant(text: str, now: datetime) -> datetime | None:
    """When an alert began, no later than `now`; None when it does not say."""
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if found.year < 1970 else min(found, now)


def _loose(raw: msgspec.Raw, group: str) -> tuple[_Alert, str] | None:
    """An alert with something of a wrong type in it; None when it is not even an object."""
    try:
        found = decode(raw, _LOOSE)
    except ValueError:
        return None
    fingerprint, starts = (value if isinstance(value, str) else "" for value in (found.fingerprint, found.starts))
    return _Alert(fingerprint, starts, found.status, found.labels, found.annotations), group


def _loose_texts(raw: msgspec.Raw) -> dict[str, str]:
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
