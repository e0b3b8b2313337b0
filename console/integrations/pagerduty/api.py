"""The `Pager` that is PagerDuty."""

from __future__ import annotations

from collections.abc import Callable

from console.integrations.http import Finding
from console.integrations.pagerduty.acts import Acts
from console.integrations.pagerduty.events import Events
from console.integrations.pagerduty.reads import Reads
from console.integrations.pagerduty.wire import NAME, Wire
from console.model.message import Act, Delivery
from console.model.pager import ActResult, PagerIncident, PagerLogEntry, PagerSnapshot
from console.ports import Clock, SourceError
from console.settings.outside import PagerDuty, SecretRef


class PagerDutyApi:
    """Implements `Pager`, for any number of threads. `secret` resolves a reference to a key, before each conversation.

    `tests` makes it the same PagerDuty through the integration key of the test service, on whichever service that is;
    see `for_tests`.
    """

    name = NAME

    def __init__(
        self,
        settings: PagerDuty,
        clock: Clock,
        secret: Callable[[SecretRef], str],
        *,
        tests: bool = False,
        wire: Wire | None = None,
    ) -> None:
        self._settings, self._clock, self._secret, self._tests = settings, clock, secret, tests
        self._wire = wire or Wire(settings, clock, secret)
        self._reads = Reads(self._wire)
        self._acts = Acts(self._wire, self._reads)
        key = settings.test_events_key or settings.events_key if tests else settings.events_key
        self._events = Events(self._wire, key)

    def for_tests(self) -> PagerDutyApi:
        """The same, with events going through the test service where one is configured."""
        return PagerDutyApi(self._settings, self._clock, self._secret, tests=True, wire=self._wire)

    def close(self) -> None:
        """Sends nothing from now on."""
        self._wire.close()

    def read(self) -> PagerSnapshot:
        """All open incidents of the watched services, and who is on call. Waits while an act is under way."""
        return self._reads.snapshot()

    def incident(self, incident_id: str) -> PagerIncident:
        """One incident as it is now."""
        with self._wire.talk() as talk:
            return self._reads.one(talk, incident_id)[0]

    def find(self, key: str) -> PagerIncident | None:
        """The newest incident with this dedup key, open or not."""
        return self._reads.find(key, watched=not self._tests)

    def log(self, incident_id: str) -> tuple[PagerLogEntry, ...]:
        """An incident's own history, oldest first, all pages."""
        with self._wire.talk(refresh=True) as talk:
            return tuple(entry for entry, _ in self._reads.log(talk, incident_id))

    def schedules(self) -> tuple[tuple[str, str], ...]:
        """(id, name) of every schedule."""
        return self._reads.schedules()

    def acknowledge(self, incident_id: str) -> ActResult:
        """LOST when it is resolved; ALREADY when somebody has it."""
        return self._acts.acknowledge(incident_id)

    def resolve(self, incident_id: str) -> ActResult:
        """ALREADY when it is resolved."""
        return self._acts.resolve(incident_id)

    def escalate(self, incident_id: str, as_of_level: int) -> ActResult:
        """To the level after `as_of_level`. LOST when it stands at another level already."""
        return self._acts.escalate(incident_id, as_of_level)

    def reassign(self, incident_id: str, person_ids: tuple[str, ...]) -> ActResult:
        """To these users, in place of those it is assigned to. LOST when it is resolved."""
        return self._acts.reassign(incident_id, person_ids)

    def note(self, incident_id: str, text: str) -> ActResult:
        """Adds a note, once."""
        return self._acts.note(incident_id, text)

    def status_update(self, incident_id: str, text: str) -> ActResult:
        """Tells its subscribers."""
        return self._acts.status_update(incident_id, text)

    def request_responders(self, incident_id: str, person_ids: tuple[str, ...], text: str) -> ActResult:
        """Asks these users to join, each once."""
        return self._acts.request_responders(incident_id, person_ids, text)

    def trigger(self, delivery: Delivery) -> ActResult:
        """Opens an alert under `delivery.ref` as its dedup key."""
        return self._events.trigger(delivery)

    def event(self, act: Act, key: str) -> ActResult:
        """Acknowledges or resolves the alert with this dedup key; neither can reopen anything."""
        return self._events.event(act, key)

    def change(self, delivery: Delivery) -> ActResult:
        """Records a change event."""
        return self._events.change(delivery)

    def probe(self) -> list[Finding]:
        """What works and what does not, for `oncall check`: nothing is changed."""
        try:
            found = self.read()
        except SourceError as error:
            return [Finding(NAME, False, str(error), "set the token and the url of pagerduty")]
        people = len({one.person_id for one in found.on_calls})
        what = f"{self._wire.where} answers: {len(found.incidents)} open incidents, {people} people on call"
        findings = [Finding(NAME, True, what)]
        if found.note:
            findings.append(Finding(NAME, False, found.note, "see what its token may read"))
        if not self._settings.sender:
            what = "no sender: incidents can be seen, but not acknowledged or resolved by name"
            findings.append(Finding(NAME, False, what, "set the sender of pagerduty to a login e-mail"))
        unreachable = sorted({one.person for one in found.on_calls if not one.contacts})
        if unreachable:
            what = f"on call without a known way to reach them: {', '.join(unreachable)}"
            findings.append(Finding(NAME, False, what, "let them add a phone number in PagerDuty"))
        return findings
