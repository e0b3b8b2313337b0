"""Alertmanager, API v2: the alerts that stand, with the groups that they are notified in.

One request a round. What an alert says is decoded only when it is new or has changed; an unchanged one is the same
object as before. One alert that cannot be read does not take the others with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import sleep

from console.integrations.alertmanager import wire
from console.integrations.alertmanager.routes import RoutesReader
from console.integrations.http import Finding, Http, Unanswered, decode
from console.model.alert import Alert, AlertSnapshot, AlertState
from console.model.text import safe
from console.ports import Clock
from console.settings.outside import HttpSource, Reveal

GROUPS = "api/v2/alerts/groups"
MAX_LABELS = 100
"""Labels, and annotations, kept of one alert."""
FUTURE = timedelta(hours=1)
"""How far our clock may be behind the one that says when an alert began."""
AT_A_STRETCH = 32
"""Alerts read before the other threads get their turn."""
SPARE = 2_000
"""Shared texts remembered beyond a quarter more than those that stand, before those that are gone are forgotten."""

_STATES = {state.value: state for state in AlertState}


class Alertmanager:
    """An `AlertSource`, named as its configuration names it. `watchdog` is the `alertname` of the always-firing
    alert."""

    def __init__(self, source: HttpSource, watchdog: str, clock: Clock, secret: Reveal | None = None) -> None:
        self.name = source.name
        self.http = Http(source, clock, secret)
        self.note = ""
        """What of the last answer could not be read; empty when all could."""
        self._watchdog, self._clock = watchdog, clock
        self._known: dict[str, tuple[int, Alert]] = {}
        self._routing = RoutesReader(self.http)
        self._shared = _Shared()

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        self.http.close()

    def read(self) -> AlertSnapshot:
        """Every alert, silenced and inhibited ones too, each once. Raises SourceError."""
        pending = self.http.start("GET", GROUPS, params={"active": "true", "silenced": "true", "inhibited": "true"})
        self._routing.refresh()  # at the same time: a slow answer delays the round no further than its time-out
        answer = pending.result()
        if not answer.good:
            raise self.http.refusal(answer)
        now = self._clock.now()
        known: dict[str, tuple[int, Alert]] = {}
        changed: set[str] = set()
        unreadable = 0
        version = self._routing.version
        for number, found in enumerate(self._alerts(answer.body)):
            if not number % AT_A_STRETCH:
                sleep(0)  # lets go of the interpreter: else each step of a key waits for the whole switch interval
            if found is None:
                unreadable += 1
                continue
            raw, group = found
            # The labels are behind the fingerprint; endsAt and updatedAt move with every evaluation, and generatorURL
            # with whichever of two Prometheus was last.
            parts = (raw.starts, bytes(raw.status), bytes(raw.annotations), bytes(raw.labels), bytes(raw.receivers))
            key = hash((parts, group, version))
            before = self._known.get(raw.fingerprint)
            identity = raw.fingerprint if before else safe(raw.fingerprint, 64) or self._unnamed(raw)
            before = before or self._known.get(identity)
            if identity in known:
                continue  # in another group, too
            if before is None or before[0] != key:
                alert = self._alert(raw, identity, group, before and before[1], now)
                if before is None or alert != before[1]:
                    changed.add(identity)
                    before = (key, alert)
                else:
                    before = (key, before[1])
            known[identity] = before
        if unreadable and not known:
            raise self.http.error("answers with alerts of which none can be read; is it Alertmanager's API v2?")
        self.note = f"{unreadable} of its alerts could not be read" if unreadable else ""
        self._known = known
        alerts = tuple(alert for _, alert in known.values())
        self._shared.forget(alerts)
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
            version = decode(answer.body, wire.SERVER).version.version
            snapshot = self.read()
        except Unanswered as error:
            return [Finding(self.name, False, str(error), "correct the url, what it is asked with, or the network")]
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

    def _alerts(self, body: bytes) -> Iterator[tuple[wire.Alert, str] | None]:
        """Every alert with its group's labels; None for one, or for a group, that is none."""
        for group in self._groups(body):
            if group is None:
                yield None
                continue
            labels = ", ".join(f'{name}="{value}"' for name, value in self._shared.pairs(wire.texts(group.labels)))
            text = f"{{{labels}}}"
            for raw in group.alerts:
                try:
                    yield decode(raw, wire.ALERT), text
                except ValueError:
                    loose = wire.loose_alert(raw)
                    yield (loose, text) if loose else None

    def _groups(self, body: bytes) -> Iterator[wire.Group | None]:
        try:
            yield from decode(body, wire.GROUPS)
            return
        except ValueError:
            pass
        try:
            groups = decode(body, wire.RAW_LIST)
        except ValueError as error:
            raise self.http.error(f"answers what is not Alertmanager's: {error}") from None
        for raw in groups:
            try:
                yield decode(raw, wire.GROUP)
            except ValueError:
                yield None

    def _alert(self, raw: wire.Alert, identity: str, group: str, before: Alert | None, now: datetime) -> Alert:
        try:
            status = decode(raw.status, wire.STATUS)
        except ValueError:
            status = wire.Status()
        labels, receivers = wire.texts(raw.labels), wire.receivers(raw.receivers)
        paged, keys = self._paging(labels, receivers)
        share = self._shared
        return Alert(
            identity,
            share.pairs(labels),
            _annotations(wire.texts(raw.annotations)),
            _STATES.get(status.state, AlertState.UNKNOWN),
            _beginning(raw.starts, now) or (before.starts_at if before else now),
            self.name,
            wire.names(status.silenced),
            wire.names(status.inhibited),
            group,
            wire.names(status.muted),
            before.generator_url if before else share.text(wire.link(raw.generator)),
            share.names(wire.names(receivers)),
            paged,
            share.names(keys),
        )

    def _paging(self, labels: dict[str, str], receivers: tuple[str, ...]) -> tuple[bool | None, tuple[str, ...]]:
        self._routing.met(receivers)
        routes = self._routing.routes
        if routes is None or not receivers:
            return None, ()
        return routes.pages(receivers), routes.page_keys(labels, receivers)

    def _unnamed(self, raw: wire.Alert) -> str:
        """An identity for an alert that came without a fingerprint: that of its labels."""
        import hashlib

        labels = repr(self._shared.pairs(wire.texts(raw.labels))).encode("utf-8", "replace")
        return f"unnamed-{hashlib.sha256(labels).hexdigest()[:16]}"


class _Shared:
    """Texts that many alerts have in common are kept once."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._texts: dict[str, str] = {}
        self._floor = 0

    def pairs(self, texts: dict[str, str]) -> tuple[tuple[str, str], ...]:
        """Labels as safe pairs, in order."""
        pairs = self._pairs
        found = []
        for item in sorted(texts.items())[:MAX_LABELS]:
            pair = pairs.get(item)
            if pair is None:
                pair = safe(item[0], wire.NAME_LIMIT), safe(item[1], wire.LABEL_LIMIT)
                pair = pairs[item] = item if pair == item else pair
            found.append(pair)
        return tuple(found)

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Names, or keys."""
        return self._names.setdefault(names, names) if names else ()

    def text(self, text: str) -> str:
        """An address."""
        return self._texts.setdefault(text, text) if text else ""

    def forget(self, alerts: tuple[Alert, ...]) -> None:
        """Keeps what stands, once most of it does not."""
        if len(self._pairs) + len(self._names) + len(self._texts) <= self._floor + self._floor // 4 + SPARE:
            return
        self._pairs = {pair: pair for alert in alerts for pair in alert.labels}
        self._names = {names: names for alert in alerts for names in (alert.receivers, alert.page_keys)}
        self._texts = {alert.generator_url: alert.generator_url for alert in alerts}
        self._floor = len(self._pairs) + len(self._names) + len(self._texts)


def _annotations(texts: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((safe(name, wire.NAME_LIMIT), safe(value)) for name, value in sorted(texts.items())[:MAX_LABELS])


def _beginning(text: str, now: datetime) -> datetime | None:
    """When an alert began, as it says: an acknowledgement belongs to that instant, also where our clock is behind.
    None when it does not say, or nonsense."""
    found = wire.instant(text, UTC)  # without a zone: the API knows no other
    return None if found is None or found.year < 1970 or found > now + FUTURE else found
