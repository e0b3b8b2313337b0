"""Acts on incidents, compare-and-set: PagerDuty carries out whatever it is told, so each act looks before and after.

What it documents and others run into: acknowledging a resolved incident reopens it and assigns it to us. The log before
and after says whether that happened between our look and our act; then it is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from console.integrations.pagerduty.history import Line, first, overtaken, reopened
from console.integrations.pagerduty.parts import Part, levels_of
from console.integrations.pagerduty.reads import Reads
from console.integrations.pagerduty.wire import Talk, Wire
from console.model.pager import ActOutcome, ActResult, PagerIncident, PagerLogEntry, PagerStatus
from console.ports import Rejected, SourceError, Uncertain

Known = dict[str, datetime]
"""When each line of a log was written, by id."""


class Acts:
    """The acts. One at a time, see `Gate`."""

    def __init__(self, wire: Wire, reads: Reads) -> None:
        self._wire, self._reads = wire, reads
        self._me: dict[str, str] = {}
        self._unsure: dict[str, Known] = {}
        """The logs as they were before acknowledgements of which no answer came."""

    def acknowledge(self, incident_id: str) -> ActResult:
        """LOST when it is resolved, and left or put back so; ALREADY when somebody has it."""
        with self._wire.act() as talk:
            unsure = self._unsure.get(incident_id)
            known = self._known(talk, incident_id) if unsure is None else unsure
            before, _ = self._reads.one(talk, incident_id)
            if before.status is PagerStatus.RESOLVED:
                self._unsure.pop(incident_id, None)
                return _lost(before)
            if before.status is PagerStatus.ACKNOWLEDGED:
                if unsure is not None:
                    return self._acknowledged(talk, before, known)
                return _already(before, before.acknowledged_by, before.acknowledged_at, "acknowledged")
            try:
                self._put(talk, incident_id, status="acknowledged")
            except Uncertain:
                self._unsure[incident_id] = known
                raise
            except Rejected:
                now, _ = self._reads.one(talk, incident_id)
                if now.status is PagerStatus.RESOLVED:
                    return _lost(now)
                raise
            self._unsure[incident_id] = known
            return self._acknowledged(talk, before, known)

    def _acknowledged(self, talk: Talk, incident: PagerIncident, known: Known) -> ActResult:
        """What our acknowledgement has come to. Until that is known for sure, the next attempt asks again."""
        lines, me = self._new(talk, incident.id, known), self._myself(talk)
        resolution = reopened(lines, me)
        if resolution is None:
            self._unsure.pop(incident.id, None)
            if (faster := first(lines, "acknowledge", me)) is not None:
                return _already(incident, faster.by, faster.at, "acknowledged")
            now, _ = self._reads.one(talk, incident.id)
            since = f", and has been resolved since{_by(now.changed_by)}" if not now.open else ""
            return ActResult(
                ActOutcome.DONE, f"{_named(now)} acknowledged{since}", now.acknowledged_by, now.changed_at, now.id
            )
        who = f"{_named(incident)} was resolved{_by(resolution.by)} before the acknowledgement arrived"
        if overtaken(lines, me):
            said = f"{who}, which reopened it; somebody has changed it since, and it was left as it is"
        else:
            self._put(talk, incident.id, status="resolved")
            said = f"{who}, which reopened it; it is resolved again"
        self._unsure.pop(incident.id, None)
        return ActResult(ActOutcome.LOST, said, resolution.by, resolution.at)

    def resolve(self, incident_id: str) -> ActResult:
        """ALREADY when it is resolved."""
        with self._wire.act() as talk:
            known = self._known(talk, incident_id)
            before, _ = self._reads.one(talk, incident_id)
            if before.status is PagerStatus.RESOLVED:
                return _already(before, before.changed_by, before.changed_at, "resolved")
            try:
                self._put(talk, incident_id, status="resolved")
            except Rejected:
                now, _ = self._reads.one(talk, incident_id)
                if now.status is PagerStatus.RESOLVED:
                    return _already(now, now.changed_by, now.changed_at, "resolved")
                raise
            if (faster := first(self._new(talk, incident_id, known), "resolve", self._myself(talk))) is not None:
                return _already(before, faster.by, faster.at, "resolved")
            return self._done(talk, incident_id, "resolved")

    def escalate(self, incident_id: str, as_of_level: int) -> ActResult:
        """To the level after `as_of_level` (0: after the present one). LOST when it stands at another already."""
        with self._wire.act() as talk:
            known = self._known(talk, incident_id)
            before, parts = self._reads.one(talk, incident_id)
            if before.status is PagerStatus.RESOLVED:
                return _lost(before)
            levels = levels_of(parts, self._reads.levels(talk, before.escalation_policy_id))
            as_of = as_of_level or min(levels, default=0)
            if not as_of:
                raise Rejected(f"{self._wire.where}: does not say at which level {_named(before)} stands")
            if levels and as_of not in levels:
                last = _last([*self._entries(talk, incident_id)], "escalate")
                return _escalated(before, last, min(levels))
            self._put(talk, incident_id, escalation_level=as_of + 1)
            if (faster := first(self._new(talk, incident_id, known), "escalate", self._myself(talk))) is not None:
                return _escalated(before, faster, as_of + 1)
            return self._done(talk, incident_id, f"escalated to level {as_of + 1}")

    def reassign(self, incident_id: str, person_ids: Sequence[str]) -> ActResult:
        """LOST when it is resolved, ALREADY when it is theirs."""
        if not person_ids:
            raise Rejected(f"{self._wire.where}: nobody to reassign {incident_id} to")
        with self._wire.act() as talk:
            before, parts = self._reads.one(talk, incident_id)
            if before.status is PagerStatus.RESOLVED:
                return _lost(before)
            if {one.part("assignee").id for one in parts.parts("assignments")} == set(person_ids):
                return ActResult(ActOutcome.ALREADY, f"{_named(before)} is assigned to them already")
            people = [{"assignee": {"id": person, "type": "user_reference"}} for person in person_ids]
            self._put(talk, incident_id, assignments=people)
            now, _ = self._reads.one(talk, incident_id)
            if now.status is PagerStatus.RESOLVED:
                return _lost(now)
            return _done(now, f"assigned to {', '.join(now.assigned_to) or 'nobody'}")

    def note(self, incident_id: str, text: str) -> ActResult:
        """Adds a note, unless it is there word by word."""
        path = f"/incidents/{incident_id}/notes"
        with self._wire.act() as talk:
            self._reads.one(talk, incident_id)
            if (found := self._noted(talk, path, text)) is not None:
                by = found.part("user").name
                said = f"the note is on {incident_id} already"
                return ActResult(ActOutcome.ALREADY, said, by, self._at(found), found.id)
            try:
                made = Part(talk.post(path, {"note": {"content": text}})).part("note")
            except Uncertain as error:
                # Whether it was taken can be seen; what was not taken yet is seen by the next attempt.
                again = self._noted(talk, path, text)
                if again is None:
                    raise error from None
                made = again
            return ActResult(
                ActOutcome.DONE, f"noted on {incident_id}", made.part("user").name, self._at(made), made.id
            )

    def status_update(self, incident_id: str, text: str) -> ActResult:
        """Tells the subscribers. PagerDuty shows no list of them: after an uncertain answer it may come twice."""
        with self._wire.act() as talk:
            before, _ = self._reads.one(talk, incident_id)
            answer = talk.post(f"/incidents/{incident_id}/status_updates", {"message": text})
            made = Part(answer).part("status_update")
            said = f"the subscribers of {_named(before)} are told"
            return ActResult(ActOutcome.DONE, said, made.part("sender").name, self._at(made), made.id)

    def request_responders(self, incident_id: str, person_ids: Sequence[str], text: str) -> ActResult:
        """Asks those who were not asked before."""
        with self._wire.act() as talk:
            before, parts = self._reads.one(talk, incident_id)
            if before.status is PagerStatus.RESOLVED:
                return _lost(before)
            asked = {one.part("user").id for one in parts.parts("incidents_responders")}
            new = [person for person in dict.fromkeys(person_ids) if person not in asked]
            if not new:
                return ActResult(ActOutcome.ALREADY, f"{_named(before)}: all of them have been asked")
            me = self._myself(talk)
            if not me:
                raise Rejected(f"{self._wire.where}: {self._wire.settings.sender} is no user there; set the sender")
            targets = [{"responder_request_target": {"id": one, "type": "user_reference"}} for one in new]
            body = {"requester_id": me, "message": text, "responder_request_targets": targets}
            made = Part(talk.post(f"/incidents/{incident_id}/responder_requests", body)).part("responder_request")
            said = f"{len(new)} asked to join {_named(before)}"
            return ActResult(ActOutcome.DONE, said, made.part("requester").name, self._at(made, "requested_at"))

    def _put(self, talk: Talk, incident_id: str, **changes: Any) -> None:
        talk.put(f"/incidents/{incident_id}", {"incident": {"type": "incident_reference", **changes}})

    def _entries(self, talk: Talk, incident_id: str, since: datetime | None = None) -> list[Line]:
        return [Line(entry, agent) for entry, agent in self._reads.log(talk, incident_id, since)]

    def _known(self, talk: Talk, incident_id: str) -> Known:
        return {line.entry.id: line.entry.at for line in self._entries(talk, incident_id)}

    def _new(self, talk: Talk, incident_id: str, known: Known) -> list[Line]:
        lines = self._entries(talk, incident_id, max(known.values(), default=None))
        return [line for line in lines if line.entry.id not in known]

    def _done(self, talk: Talk, incident_id: str, what: str) -> ActResult:
        now, _ = self._reads.one(talk, incident_id)
        return _done(now, what)

    def _noted(self, talk: Talk, path: str, text: str) -> Part | None:
        notes = Part(talk.get(path)).parts("notes")
        return next((note for note in notes if str(note.raw.get("content", "")).strip() == text.strip()), None)

    def _at(self, part: Part, name: str = "created_at") -> datetime:
        now = self._wire.clock.now()
        return part.instant(name, now) or now

    def _myself(self, talk: Talk) -> str:
        """The id of the user whose login e-mail is the sender; empty while it cannot be had."""
        sender = self._wire.settings.sender
        if sender not in self._me:
            try:
                users, _ = talk.pages("/users", "users", {"query": sender})
            except SourceError:
                return ""
            found = (Part(user) for user in users)
            mine = next((user.id for user in found if user.text("email").casefold() == sender.casefold()), "")
            if not mine:
                return ""
            self._me[sender] = mine
        return self._me[sender]


def _named(incident: PagerIncident) -> str:
    return f"{incident.id} (#{incident.number})" if incident.number else incident.id


def _by(who: str) -> str:
    return f" by {who}" if who else ""


def _done(incident: PagerIncident, what: str) -> ActResult:
    return ActResult(
        ActOutcome.DONE, f"{_named(incident)} {what}", incident.changed_by, incident.changed_at, incident.id
    )


def _already(incident: PagerIncident, by: str, at: datetime | None, what: str) -> ActResult:
    return ActResult(ActOutcome.ALREADY, f"{_named(incident)} was {what} already{_by(by)}", by, at, incident.id)


def _lost(incident: PagerIncident) -> ActResult:
    by, at = incident.changed_by, incident.changed_at
    return ActResult(ActOutcome.LOST, f"{_named(incident)} is resolved{_by(by)}; it stays so", by, at, incident.id)


def _escalated(incident: PagerIncident, entry: PagerLogEntry | None, level: int) -> ActResult:
    by, at = (entry.by, entry.at) if entry else ("", None)
    said = f"{_named(incident)} was escalated already{_by(by)}; it stands at level {level}"
    return ActResult(ActOutcome.LOST, said, by, at, incident.id)


def _last(lines: Sequence[Line], kind: str) -> PagerLogEntry | None:
    return next((line.entry for line in reversed(lines) if line.entry.kind == kind), None)
