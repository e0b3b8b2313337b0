"""The components' health endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from console.integrations.http import Finding, Http, Pending, Unanswered
from console.model.board import HealthSnapshot
from console.model.reading import Reading, ReadingState
from console.ports import Clock
from console.settings.config import Component, HttpSource
from console.settings.outside import Reveal

LIMIT = 8 * 1024 * 1024
"""Bytes read of one endpoint's answer."""


class HealthEndpoints:
    """A `HealthSource`. All endpoints are asked at the same time: a round takes `timeout`, however many hang.

    Up is a whole answer with a status of 200 to 299. All else is down, as seen from here, and the note says why.
    """

    name = "health"

    def __init__(
        self, components: Sequence[Component], timeout: timedelta, clock: Clock, secret: Reveal | None = None
    ) -> None:
        self._clock = clock
        sources = ((item.name, item.source or HttpSource(item.name, item.url)) for item in components)
        self._servers = {
            name: Http(replace(source, timeout=timeout), clock, secret, limit=LIMIT) for name, source in sources
        }

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        for server in self._servers.values():
            server.close()

    def read(self) -> HealthSnapshot:
        """One reading for every component; never raises."""
        return HealthSnapshot(self._round(), self._clock.now())

    def probe(self) -> list[Finding]:
        """Each component: up, or what is wrong."""
        findings = []
        for name, up in self._round().items():
            where = self._servers[name].where
            if up.value:
                findings.append(Finding(self.name, True, f"{name} ({where}) is up"))
            else:
                todo = "start it, or correct its url or what it is asked with"
                findings.append(Finding(self.name, False, f"{name} ({where}): {up.note}", todo))
        return findings

    def _round(self) -> Mapping[str, Reading[bool]]:
        begun = {name: self._begin(server) for name, server in self._servers.items()}
        return {name: self._reading(answer) for name, answer in begun.items()}

    def _begin(self, server: Http) -> Pending | Unanswered:
        try:
            return server.start("GET")
        except Unanswered as error:
            return error

    def _reading(self, begun: Pending | Unanswered) -> Reading[bool]:
        try:
            if isinstance(begun, Unanswered):
                raise begun
            answer = begun.result()
        except Unanswered as error:
            # No answer may be our own network's fault: down as far as we can tell, and no proof of it.
            return Reading(
                ReadingState.PARTIAL, False, self._clock.now(), self.name, note=f"from here it {error.reason}"
            )
        note = "" if answer.good else f"answers {answer.status}"
        return Reading(ReadingState.OK, answer.good, self._clock.now(), self.name, note=note)
