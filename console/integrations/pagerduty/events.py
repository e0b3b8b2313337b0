"""Events v2: alerts that the console owns by their dedup key, and change events."""

from __future__ import annotations

from typing import Any

from console.integrations.pagerduty.wire import Wire
from console.model.message import Act, Delivery, Message
from console.model.pager import ActOutcome, ActResult
from console.model.people import Severity
from console.ports import Rejected, Uncertain
from console.settings.outside import SecretRef

SUMMARY_LIMIT, DETAIL_LIMIT = 1024, 4_000
"""Characters that PagerDuty takes of a summary, and that we send of one detail."""

_SEVERITIES = {
    Severity.SEV1: "critical",
    Severity.SEV2: "critical",
    Severity.SEV3: "error",
    Severity.SEV4: "warning",
    Severity.SEV5: "info",
}
_ACTIONS = {Act.ACKNOWLEDGE: "acknowledge", Act.RESOLVE: "resolve"}


class Events:
    """Sends events with one integration key."""

    def __init__(self, wire: Wire, key: SecretRef | None) -> None:
        self._wire, self._key = wire, key

    def trigger(self, delivery: Delivery) -> ActResult:
        """Opens an alert under `delivery.ref`; a repetition adds to it."""
        if not delivery.ref:
            raise Rejected(f"{self._wire.where}: an alert needs a dedup key")
        message = delivery.message
        self._wire.send(
            self._key,
            False,
            lambda session: session.trigger(
                _summary(message),
                "oncall",
                dedup_key=delivery.ref,
                severity=_SEVERITIES[message.severity or Severity.SEV3],
                payload={"timestamp": message.at.isoformat(), "class": message.kind},
                custom_details=_details(message),
                links=_links(message),
            ),
        )
        return self._taken(f"PagerDuty has taken the alert {delivery.ref}", delivery.ref)

    def event(self, act: Act, key: str) -> ActResult:
        """Acknowledges or resolves the alert with this key; reopens nothing."""
        action = _ACTIONS.get(act)
        if action is None or not key:
            raise Rejected(f"{self._wire.where}: no event can {act.value} {key or 'an alert without a dedup key'}")
        self._wire.send(self._key, False, lambda session: getattr(session, action)(key))
        return self._taken(f"PagerDuty has taken the event: {action} {key}", key)

    def change(self, delivery: Delivery) -> ActResult:
        """Records a change event. PagerDuty knows no key for it: after an uncertain answer it may come twice."""
        message = delivery.message
        answer = self._wire.send(
            self._key,
            True,
            lambda session: session.submit(
                _summary(message),
                "oncall",
                custom_details=_details(message),
                links=_links(message),
                timestamp=message.at.isoformat(),  # pdpyras' own is naive
            ),
        )
        if answer.get("status", "success") != "success":
            raise Uncertain(f"{self._wire.where}: answers {self._wire.words(str(answer.get('status')))} to the change")
        return self._taken("PagerDuty has taken the change event", "")

    def _taken(self, text: str, ref: str) -> ActResult:
        return ActResult(ActOutcome.DONE, text, at=self._wire.clock.now(), ref=ref)


def _summary(message: Message) -> str:
    marks = "[TEST] " if message.test else f"[{message.mode.upper()}] " if message.mode != "live" else ""
    label = f"{message.label}: " if message.label else ""
    return f"{marks}{label}{message.title}"[:SUMMARY_LIMIT]


def _details(message: Message) -> dict[str, Any]:
    details = {name: value[:DETAIL_LIMIT] for name, value in message.facts}
    own = {
        "kind": message.kind,
        "incident": message.subject,
        "label": message.label,
        "severity": message.severity.value if message.severity else "",
        "text": message.text[:DETAIL_LIMIT],
        "by": message.by,
        "mode": message.mode,
        "oncall_test": "true" if message.test else "",
    }
    return details | {name: value for name, value in own.items() if value}


def _links(message: Message) -> list[dict[str, str]]:
    return [{"href": url, "text": name} for name, url in message.links if url.startswith(("https://", "http://"))]
