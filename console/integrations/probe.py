"""Health probes that a playbook's steps name: GET or HEAD, one answer, nothing followed and nothing given away."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import timedelta

from console.integrations.http import Http, Redirected, Unanswered
from console.model.playbook import Probe
from console.model.reading import Reading, ReadingState, missing
from console.ports import Clock
from console.settings.config import HttpSource

LIMIT = 1024 * 1024
"""Bytes read of an answer."""
_KEPT = 64
"""Servers whose hanging requests are counted, the last ones asked."""
LONGEST = timedelta(seconds=30)
"""How long an answer is waited for, whatever a playbook of before says."""
_METHODS = ("GET", "HEAD")


class HttpProbes:
    """Implements `Probes`. No credentials are sent: a URL with a user or a password is not asked."""

    name = "probe"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._servers: OrderedDict[tuple[str, object], Http] = OrderedDict()

    def read(self, probe: Probe) -> Reading[float]:
        """1.0 or 0.0 as `Probe` says; UNREACHABLE, with one safe line, when nothing answered."""
        try:
            return self._read(probe)
        except Unanswered as error:
            return missing(ReadingState.UNREACHABLE, self.name, str(error), self._clock.now())
        except Exception as error:  # A probe of somebody's playbook must blank one step, not end the engine's task.
            return missing(
                ReadingState.UNREACHABLE, self.name, f"cannot be asked ({type(error).__name__})", self._clock.now()
            )

    def _read(self, probe: Probe) -> Reading[float]:
        server = self._server(probe)
        if probe.method not in _METHODS:
            raise server.error(f"not asked: a probe is one of {', '.join(_METHODS)}")
        try:
            answer = server.ask(probe.method)
            status, body = answer.status, answer.body
        except Redirected as error:
            if not error.status:
                raise
            status, body = error.status, b""
        said = f"answers {status}"
        good = status in probe.status
        if not good:
            said += f", not {' or '.join(map(str, probe.status))}"
        elif probe.contains and probe.contains.encode("utf-8", "replace") not in body:
            good = False
            said += f" without {probe.contains!r}"
        note = f"{probe.method} {server.where} {server.words(said)}"
        return Reading(ReadingState.OK, float(good), self._clock.now(), self.name, note=note)

    def _server(self, probe: Probe) -> Http:
        timeout = min(probe.timeout, LONGEST)
        key = probe.url, timeout
        with self._lock:
            server = self._servers.pop(key, None)  # the last one asked goes last
            if server is None:
                server = Http(HttpSource(self.name, probe.url, timeout=timeout), self._clock, limit=LIMIT, follow=False)
            self._servers[key] = server
            while len(self._servers) > _KEPT:
                self._servers.popitem(last=False)
        return server
