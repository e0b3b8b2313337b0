"""A receiver of our own JSON: each message once or more, under its delivery's id as `Idempotency-Key`."""

from __future__ import annotations

from typing import Any

from console.integrations.http import Finding, Http, act
from console.model.message import Act, Delivery
from console.model.pager import ActOutcome, ActResult
from console.ports import Clock, Rejected, SourceError
from console.settings.outside import Reveal
from console.settings.outside import Webhook as Settings

VERSION = 1
"""Of the JSON. It grows when a field changes its meaning or goes, not when one is added."""


class Webhook:
    """A `Channel` that posts to one address; any answer of 200 to 299 is taken for received."""

    acts = (Act.POST, Act.PAGE)

    def __init__(self, settings: Settings, clock: Clock, secret: Reveal | None = None) -> None:
        self.name = f"webhook.{settings.source.name}"
        self._http = Http(settings.source, clock, secret)

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        self._http.close()

    def deliver(self, delivery: Delivery) -> ActResult:
        """Posts it. Raises SourceError."""
        if delivery.act not in self.acts:
            raise Rejected(f"{self.name}: cannot {delivery.act}")
        answer = act(self._http, "POST", json=document(delivery), headers={"Idempotency-Key": delivery.id})
        text = f"{self._http.where} took it: {answer.status} after {answer.seconds * 1000:.0f} ms"
        return ActResult(ActOutcome.DONE, text, at=self._http.clock.now())

    def prove(self, delivery: Delivery) -> ActResult:
        """Posts a test, marked `"test": true`; that it was taken is the evidence. Raises SourceError."""
        return self.deliver(delivery)

    def probe(self) -> list[Finding]:
        """What can be said without sending: whether the host answers at all, and knows us."""
        try:
            answer = self._http.ask("HEAD")
            if answer.status == 401:
                raise self._http.refusal(answer)
        except SourceError as error:
            return [Finding(self.name, False, str(error), "correct the url, what it is asked with, or the network")]
        return [Finding(self.name, True, f"{self._http.where} answers ({answer.status}); nothing was sent")]


def document(delivery: Delivery) -> dict[str, Any]:
    """The JSON of a delivery. Times are RFC 3339 in UTC."""
    message = delivery.message
    return {
        "version": VERSION,
        "id": delivery.id,
        "act": delivery.act,
        "queued_at": delivery.queued_at,
        "kind": message.kind,
        "title": message.title,
        "at": message.at,
        "subject": message.subject,
        "label": message.label,
        "severity": message.severity,
        "target": message.target,
        "text": message.text,
        "facts": [{"name": name, "value": value} for name, value in message.facts],
        "links": [{"label": label, "url": url} for label, url in message.links],
        "by": message.by,
        "mode": message.mode,
        "test": message.test,
    }
