"""A test of one Alertmanager: an alert of our own, read back, and resolved whatever happens.

It ends by itself soon, so that it stands no longer even when nobody is left to resolve it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from console.integrations.alertmanager import wire
from console.integrations.alertmanager.routes import RoutesReader
from console.integrations.http import Http, act, decode
from console.model.message import Delivery
from console.model.pager import ActOutcome, ActResult
from console.model.text import safe
from console.ports import Clock, SourceError
from console.settings.outside import HttpSource, Reveal

ALERTS = "api/v2/alerts"
NAME = "OncallSendTest"
"""The test alert's `alertname`."""
LASTS = timedelta(minutes=2)
READ_BACK = timedelta(seconds=10)
"""How long the test alert may take to be seen, and its end too."""
READ_BACK_EVERY_SECONDS = 0.2


class _Seen(msgspec.Struct):
    labels: dict[str, str] = {}
    receivers: tuple[wire.Receiver, ...] = ()


_SEEN = msgspec.json.Decoder(tuple[_Seen, ...])


class AlertmanagerTest:
    """Has the `name` and the `prove` of a `Channel`. `pause` waits for that many seconds."""

    def __init__(
        self,
        source: HttpSource,
        clock: Clock,
        secret: Reveal | None = None,
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = source.name
        self._http, self._clock, self._pause = Http(source, clock, secret), clock, pause

    def receivers(self, target: str) -> tuple[tuple[str, bool], ...]:
        """Whom the test alert is routed to, and whether that pages by PagerDuty; nothing where that is not known."""
        reader = RoutesReader(self._http)
        reader.refresh()
        if reader.routes is None:
            return ()
        names = reader.routes.notified(_labels("", target))
        return tuple((safe(name, wire.NAME_LIMIT), reader.routes.pages((name,))) for name in names)

    def prove(self, delivery: Delivery) -> ActResult:
        """Sends the alert, reads it back, and ends it. Raises SourceError."""
        labels, ahead = _labels(delivery.id, delivery.message.target), self._ahead()
        began = self._clock.now() + ahead
        note = {"summary": delivery.message.title, "description": delivery.message.text}
        alert = {"labels": labels, "annotations": note, "startsAt": _written(began)}
        problem = ""
        receivers: tuple[str, ...] = ()
        try:
            self._post({**alert, "endsAt": _written(began + LASTS)})
            receivers = self._await(delivery.id, there=True)
        except SourceError as error:
            problem = str(error)
        try:
            # Also after an answer that got lost: it may have been taken.
            self._resolve(alert, ahead)
            self._await(delivery.id, there=False)
        except SourceError as error:
            ends = f"the test alert {NAME} may stand until {began + LASTS:%H:%M:%SZ}, when it ends by itself"
            raise SourceError("; and ".join(filter(None, (problem, str(error), ends)))) from None
        if problem:
            raise SourceError(f"{problem}; the test alert {NAME} is resolved")
        routed = f", routed to {', '.join(receivers)}" if receivers else ""
        what = f"{self._http.where} took the test alert {NAME}, read back{routed}, and seen to be resolved"
        return ActResult(ActOutcome.DONE, safe(what, 400), at=self._clock.now(), ref=delivery.id)

    def _ahead(self) -> timedelta:
        """How far the server's clock is ahead: by ours, an alert might end before it began."""
        return act(self._http, "GET", "api/v2/status").skew

    def _post(self, alert: Mapping[str, object]) -> None:
        act(self._http, "POST", ALERTS, json=[alert], words=wire.words)

    def _resolve(self, alert: Mapping[str, object], ahead: timedelta) -> None:
        """With a second attempt."""
        for last in (False, True):
            try:
                self._post({**alert, "endsAt": _written(self._clock.now() + ahead)})
                return
            except SourceError:
                if last:
                    raise

    def _await(self, test: str, *, there: bool) -> tuple[str, ...]:
        """Until the test alert stands, or does not any more. The names of its receivers."""
        until = self._clock.monotonic() + READ_BACK.total_seconds()
        while True:
            found = self._find(test)
            if (found is not None) is there:
                return found or ()
            if self._clock.monotonic() >= until:
                what = "took the test alert and does not show it" if there else "still shows the resolved test alert"
                raise self._http.error(f"{what} after {READ_BACK.seconds} s")
            self._pause(READ_BACK_EVERY_SECONDS)

    def _find(self, test: str) -> tuple[str, ...] | None:
        params = {"filter": f'oncall_test_id="{test}"', "active": "true", "silenced": "true", "inhibited": "true"}
        answer = act(self._http, "GET", ALERTS, params=params, words=wire.words)
        try:
            alerts = decode(answer.body, _SEEN)
        except ValueError:
            raise self._http.error("answers with alerts that cannot be read") from None
        for alert in alerts:
            if alert.labels.get("oncall_test_id") == test:
                return tuple(safe(receiver.name, wire.NAME_LIMIT) for receiver in alert.receivers)
        return None


def _labels(test: str, target: str) -> dict[str, str]:
    service, _, environment = target.partition("/")
    labels = {"alertname": NAME, "oncall_test": "true", "severity": "none", "oncall_test_id": test}
    return {name: text for name, text in (labels | {"service": service, "environment": environment}).items() if text}


def _written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
