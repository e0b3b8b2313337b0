"""PagerDuty as a channel of the outbox: a delivery becomes the act it names."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from console.model.message import Act, Delivery
from console.model.pager import ActOutcome, ActResult, PagerIncident, PagerStatus
from console.ports import Clock, Pager, Rejected, SourceError

OWN_PREFIX = "oncall-"
"""What the dedup keys of the console's own incidents begin with."""
READ_BACK = timedelta(seconds=30)
"""How long a test event may take to become an incident, and its resolution to be seen: events are taken in later."""
READ_BACK_EVERY_SECONDS = 1.0


class PagerDutyChannel:
    """Implements `Channel` over a `Pager`.

    `delivery.ref` is a dedup key of ours (`oncall-...`), or a PagerDuty incident's id, which `incident` among the args
    overrules; `level` is the level that an escalation was decided on, each `person` a user's id. `tester` is the pager
    that tests go through; `rest` whether there is a key to read back with; `pause` waits for that many seconds.
    """

    name = "pagerduty"

    def __init__(
        self,
        pager: Pager,
        clock: Clock,
        *,
        tester: Pager | None = None,
        rest: bool = True,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._pager, self._clock, self._tester = pager, clock, tester or pager
        self._rest, self._pause = rest, pause

    def deliver(self, delivery: Delivery) -> ActResult:
        """Carries one out. Raises Busy, Rejected, Uncertain or SourceError."""
        text = delivery.message.text or delivery.message.title
        match delivery.act:
            case Act.TRIGGER | Act.PAGE:
                return self._pager.trigger(delivery)
            case Act.CHANGE:
                return self._pager.change(delivery)
            case Act.ACKNOWLEDGE | Act.RESOLVE if _own(delivery):
                return self._by_event(delivery)
            case Act.ACKNOWLEDGE:
                return self._pager.acknowledge(self._incident(delivery))
            case Act.RESOLVE:
                return self._pager.resolve(self._incident(delivery))
            case Act.ESCALATE:
                level = delivery.arg("level", "0")
                return self._pager.escalate(self._incident(delivery), int(level) if level.isdecimal() else 0)
            case Act.REASSIGN:
                return self._pager.reassign(self._incident(delivery), _people(delivery))
            case Act.RESPOND:
                return self._pager.request_responders(self._incident(delivery), _people(delivery), text)
            case Act.NOTE:
                return self._pager.note(self._incident(delivery), text)
            case Act.STATUS_UPDATE:
                return self._pager.status_update(self._incident(delivery), text)
        raise Rejected(f"{self.name}: cannot {delivery.act.value}")

    def prove(self, delivery: Delivery) -> ActResult:
        """Opens a test alert, sees its incident, resolves it whatever happens, and sees that too."""
        key = delivery.ref or f"{OWN_PREFIX}test-{delivery.id}"
        tester, sent = self._tester, self._clock.now()
        try:
            tester.trigger(_under(delivery, key))
            seen = self._await(key, lambda found: True, "opened no incident") if self._rest else None
        finally:
            # Even when it is not known to have been taken: a test must page nobody for longer than it lasts.
            resolved = self._resolve(key)
        if not resolved:
            raise SourceError(f"{self.name}: the test event {key} could not be resolved; resolve it by hand")
        if seen is None:
            what = f"test event {key} taken and resolved, not read back: no REST key"
            return ActResult(ActOutcome.DONE, what, at=self._clock.now(), ref=key)
        done = self._await(key, lambda found: found.status is PagerStatus.RESOLVED, "is not seen to be resolved")
        ended = done.changed_at or self._clock.now()
        what = f"test event {key} sent {sent:%H:%M:%SZ}, incident {seen.id} read back, seen resolved {ended:%H:%M:%SZ}"
        return ActResult(ActOutcome.DONE, what, done.changed_by, self._clock.now(), seen.id)

    def _by_event(self, delivery: Delivery) -> ActResult:
        """Through Events v2, which can reopen nothing. What became of the incident is read first where possible: an
        event that changes nothing is taken all the same."""
        found: PagerIncident | None = None
        if self._rest:
            with suppress(SourceError):
                found = self._pager.find(delivery.ref)
        if found is not None and found.status is PagerStatus.RESOLVED:
            outcome = ActOutcome.ALREADY if delivery.act is Act.RESOLVE else ActOutcome.LOST
            said = f"{found.id} is resolved already{f' by {found.changed_by}' if found.changed_by else ''}"
            return ActResult(outcome, said, found.changed_by, found.changed_at, found.id)
        if found is not None and found.status is PagerStatus.ACKNOWLEDGED and delivery.act is Act.ACKNOWLEDGE:
            by = found.acknowledged_by
            said = f"{found.id} was acknowledged already{f' by {by}' if by else ''}"
            return ActResult(ActOutcome.ALREADY, said, by, found.acknowledged_at, found.id)
        return self._pager.event(delivery.act, delivery.ref)

    def _incident(self, delivery: Delivery) -> str:
        """The id of the incident that the act is for."""
        if named := delivery.arg("incident"):
            return named
        if not delivery.ref.startswith(OWN_PREFIX):
            return delivery.ref
        found = self._pager.find(delivery.ref)
        if found is None:
            raise SourceError(f"{self.name}: has no incident for {delivery.ref} yet")
        return found.id

    def _await(self, key: str, enough: Callable[[PagerIncident], bool], otherwise: str) -> PagerIncident:
        until = self._clock.now() + READ_BACK
        while True:
            found = self._tester.find(key)
            if found is not None and enough(found):
                return found
            if self._clock.now() >= until:
                waited = READ_BACK.total_seconds()
                raise SourceError(f"{self.name}: the test event {key} was taken, but {otherwise} within {waited:.0f} s")
            self._pause(READ_BACK_EVERY_SECONDS)

    def _resolve(self, key: str) -> bool:
        """Resolves the test, with a second attempt."""
        for _ in range(2):
            with suppress(SourceError):
                self._tester.event(Act.RESOLVE, key)
                return True
        return False


def _own(delivery: Delivery) -> bool:
    return delivery.ref.startswith(OWN_PREFIX)


def _people(delivery: Delivery) -> tuple[str, ...]:
    return tuple(value for name, value in delivery.args if name == "person")


def _under(delivery: Delivery, key: str) -> Delivery:
    """The delivery under a key, and surely marked as a test."""
    from dataclasses import replace

    return replace(delivery, ref=key, message=replace(delivery.message, test=True))
