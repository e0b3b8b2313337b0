"""Grafana: its health, and annotations for incidents, phases and decisions.

An incident is a region: written when it begins, its end set when it is resolved, by the id that the first delivery
came back with (`annotation` among the delivery's args). Grafana knows no idempotency key, so an annotation that is to
be written is looked for first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from console.integrations.http import Answer, Finding, Http, act, decode
from console.model.message import Act, Delivery, Message
from console.model.pager import ActOutcome, ActResult
from console.model.reading import Reading, ReadingState, missing
from console.ports import Clock, Rejected, SourceError, Uncertain
from console.settings.outside import Grafana as Settings
from console.settings.outside import Reveal
from console.view import telling

ANNOTATIONS = "api/annotations"
TEXT, TAG = 4_000, 100
"""Characters of an annotation's text, and of one tag, of which Grafana's database keeps no more."""
NEAR = 100
"""Annotations read at most when one is looked for: those of one millisecond."""


class _Health(msgspec.Struct):
    database: str = ""
    version: str = ""


class _Written(msgspec.Struct):
    id: int


class _Annotation(msgspec.Struct):
    id: int
    text: str | None = None
    time: int | None = None
    tags: tuple[str, ...] | None = None


_HEALTH = msgspec.json.Decoder(_Health)
_WRITTEN = msgspec.json.Decoder(_Written)
_ANNOTATION = msgspec.json.Decoder(_Annotation)
_FOUND = msgspec.json.Decoder(tuple[_Annotation, ...])


class Grafana:
    """A `Channel` that annotates. `deliver` answers with the annotation's id as `ref`."""

    name = "grafana"
    acts = (Act.ANNOTATE,)

    def __init__(self, settings: Settings, clock: Clock, secret: Reveal | None = None) -> None:
        self._settings, self._clock = settings, clock
        self._http = Http(settings.source, clock, secret)

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        self._http.close()

    def read(self) -> Reading[str]:
        """Its own word on its health: the version, ok while its database is. Never raises."""
        now = self._clock.now()
        try:
            answer = self._http.ask("GET", "api/health")
            health = decode(answer.body, _HEALTH)  # unwell, it answers 503 and says what is wrong all the same
        except SourceError as error:
            return missing(ReadingState.UNREACHABLE, self.name, str(error), now)
        except ValueError:
            note = f"{self._http.where} does not answer as Grafana does"
            return missing(ReadingState.UNREACHABLE, self.name, note, now)
        version = self._http.words(health.version) or "unknown"
        if answer.good and health.database == "ok":
            return Reading(ReadingState.OK, version, now, self.name)
        note = f"its database is {self._http.words(health.database) or 'not mentioned'}"
        return Reading(ReadingState.PARTIAL, version, now, self.name, note=note)

    def probe(self) -> list[Finding]:
        """What can be said without writing: its health, whether it takes the token, and whether the dashboard is
        there."""
        health = self.read()
        if not health.ok:
            return [Finding(self.name, False, health.note, "correct the url or the network, or ask who runs Grafana")]
        findings = [Finding(self.name, True, f"{self._http.where} answers, version {health.value}")]
        uid = self._settings.dashboard_uid
        asked = [(ANNOTATIONS, {"limit": "1"}, "lets us read annotations; that we may write is shown by a test only")]
        if uid:
            asked.append((f"api/dashboards/uid/{uid}", {}, f"has the dashboard {uid}"))
        for path, params, what in asked:
            try:
                self._get(path, params)
            except SourceError as error:
                findings.append(Finding(self.name, False, str(error), "correct grafana.token or grafana.dashboard_uid"))
            else:
                findings.append(Finding(self.name, True, what))
        return findings

    def deliver(self, delivery: Delivery) -> ActResult:
        """Writes an annotation, or sets the end of the one that the arg `annotation` names.

        ALREADY when it stands there, LOST when somebody has removed it. Raises SourceError.
        """
        if delivery.act not in self.acts:
            raise Rejected(f"{self.name}: cannot {delivery.act}")
        number = delivery.arg("annotation")
        if number:
            return self._end(number, delivery.message)
        body = self._body(delivery.message)
        known = self._find(body)
        if known is not None:
            return self._result(ActOutcome.ALREADY, "stands there already", known)
        return self._result(ActOutcome.DONE, "written", self._write(body))

    def prove(self, delivery: Delivery) -> ActResult:
        """Writes a test annotation, reads it back, and removes it whatever happens. Raises SourceError."""
        body = self._body(delivery.message, "oncall_test")
        try:
            number = self._write(body)
        except Uncertain:
            found = self._find(body)
            if found is None:
                raise
            number = found
        problem: SourceError | None = None
        try:
            self._read_back(number, body)
        except SourceError as error:
            problem = error
        try:
            act(self._http, "DELETE", f"{ANNOTATIONS}/{number}")
        except SourceError as error:
            first = f"{problem}; and " if problem else ""
            left = f"the test annotation {number} is left over, remove it by hand"
            kind = Rejected if isinstance(problem or error, Rejected) else SourceError
            raise kind(f"{first}{error}; {left}") from None
        if problem is not None:
            raise problem
        return self._result(ActOutcome.DONE, "written, read back and removed", number)

    def _end(self, number: str, message: Message) -> ActResult:
        if not (number.isascii() and number.isdecimal()):
            raise Rejected(f"{self.name}: an annotation's id is a number, not what the record has")
        body = self._body(message)
        changes = {"timeEnd": body["time"], "text": body["text"], "tags": body["tags"]}
        answer = self._http.ask("GET", f"{ANNOTATIONS}/{number}")
        if answer.status == 404:
            return self._result(ActOutcome.LOST, "was removed in Grafana", int(number))
        act(self._http, "PATCH", f"{ANNOTATIONS}/{number}", json=changes)
        return self._result(ActOutcome.DONE, "now has an end", int(number))

    def _write(self, body: dict[str, Any]) -> int:
        answer = act(self._http, "POST", ANNOTATIONS, json=body)
        try:
            return decode(answer.body, _WRITTEN).id
        except ValueError:
            raise Uncertain(str(self._http.error("took the annotation and answers without its id"))) from None

    def _find(self, body: dict[str, Any]) -> int | None:
        """The id of an annotation that says exactly this."""
        instant = str(body["time"])
        params: dict[str, Any] = {"from": instant, "to": instant, "tags": body["tags"], "limit": str(NEAR)}
        if "dashboardUID" in body:
            params["dashboardUID"] = body["dashboardUID"]
        answer = self._get(ANNOTATIONS, params | {"type": "annotation"})
        try:
            found = decode(answer.body, _FOUND)
        except ValueError:
            raise self._http.error("answers with annotations that cannot be read") from None
        same = (one.id for one in found if one.time == body["time"] and one.text == body["text"])
        return next(same, None)

    def _read_back(self, number: int, body: dict[str, Any]) -> None:
        answer = self._get(f"{ANNOTATIONS}/{number}", {})
        try:
            found = decode(answer.body, _ANNOTATION)
        except ValueError:
            raise self._http.error(f"annotation {number} cannot be read back") from None
        if found.text != body["text"] or not set(body["tags"]) <= set(found.tags or ()):
            raise self._http.error(f"annotation {number} reads otherwise than it was written")

    def _get(self, path: str, params: dict[str, Any]) -> Answer:
        return act(self._http, "GET", path, params=params)

    def _body(self, message: Message, *tags: str) -> dict[str, Any]:
        from html import escape  # with HTML's names of characters, 300 kB

        lines = filter(None, (telling.headline(message), message.text, telling.origin(message)))
        mode = () if message.mode == "live" else (message.mode,)
        own = ("oncall", message.kind, message.label, message.severity or "", message.target, *mode, *tags)
        body: dict[str, Any] = {
            # It is shown as HTML.
            "text": escape("\n".join(lines)[:TEXT], quote=False),
            "tags": [tag[:TAG] for tag in dict.fromkeys((*own, *self._settings.tags)) if tag],
            "time": _milliseconds(message.at),
        }
        if self._settings.dashboard_uid:
            body["dashboardUID"] = self._settings.dashboard_uid
        return body

    def _result(self, outcome: ActOutcome, what: str, number: int) -> ActResult:
        return ActResult(outcome, f"annotation {number} {what}", at=self._clock.now(), ref=str(number))


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
