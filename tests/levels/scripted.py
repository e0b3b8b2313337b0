"""A Prometheus as it is written in a script: it speaks the wire format, and says of each series what a world says.

A world names what its series are, by the first word of an expression that it knows; an expression over a range (the
console's templates) gets what was counted within it, any other one the value of the moment. The union of many
expressions, each marked by `label_replace`, is taken apart as the server would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.integrations.fault_server import Behaviour, Connection, FaultServer, answer

SLICE = 300
FOREVER = 1e18

_TERM = re.compile(r'label_replace\((?:vector\()?\(\n(.*?)\n\)\)?, "oncall_query", "(\d+)", "", ""\)', re.DOTALL)
_RANGE = re.compile(r"\[(\d+)(ms|s)[\]:]")

Value = float | str | list[float] | None
"""What a query has for an answer: a number, a number as it is written, several series, or no series at all."""


@dataclass(frozen=True)
class Signal:
    """One series. Counted over a range it gives `rate` for each second that lies within [since, until), ages before the
    newest moment in seconds; of a moment it gives `value`. `holes` are further ages without a sample."""

    rate: float | str = 0.0
    value: Value = None
    since: float = FOREVER
    until: float = -FOREVER
    holes: tuple[tuple[float, float], ...] = ()
    series: int = 1

    def at(self, begin: float, end: float, now: float, ranged: bool) -> list[float | str]:
        """What an answer holds of it; `now` is where ages are counted from."""
        if not ranged:
            found = self.value if isinstance(self.value, list) else [] if self.value is None else [self.value]
            return list(found) if now - self.since <= end <= now - self.until else []
        first, last = max(begin, now - self.since), min(end, now - self.until)
        spans = [(first, last)] if first < last else []
        for old, young in self.holes:
            spans = [
                part
                for low, high in spans
                for part in ((low, min(high, now - old)), (max(low, now - young), high))
                if part[0] < part[1]
            ]
        seconds = sum(high - low for low, high in spans)
        if not spans:
            return []
        return [self.rate if isinstance(self.rate, str) else self.rate * seconds] * self.series


GONE = Signal(since=-FOREVER)
"""No series at all."""


@dataclass(frozen=True)
class World:
    """What a server holds, and how it behaves. `signals` are by the word that an expression begins to speak of them
    with. `warnings` go with each answer; `refuses` says of an expression, and whether it is asked as a range, why it is
    refused; `all` replaces every answer; `tables` are the label sets that a question for groups finds."""

    signals: Mapping[str, Signal] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    refuses: Callable[[str, bool], str] = lambda *_: ""
    refusal: tuple[int, str] = (422, "execution")
    all: Behaviour | None = None
    mangle: Callable[[dict[str, Any], bool], Any] = lambda body, _: body
    tables: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    ahead: float = 0.0
    """How far the server's clock is ahead of ours."""
    dated: bool = True
    """Whether its answers say what time it is there."""
    stopped: bool = False
    """Nobody listens."""

    def but(self, **more: Any) -> World:
        """It, with something else about it; signals are added to those there are."""
        signals = {**self.signals, **more.pop("signals", {})}
        return replace(self, signals=signals, **more)


class Scripted:
    """A server on loopback that acts a world; `now` tells what time it is for us."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self.world = now, World()
        self.server = FaultServer()
        self.server.behave = self._behave
        self._closed = False

    @property
    def url(self) -> str:
        return self.server.url

    def act(self, world: World) -> None:
        self.world = world
        if world.stopped:
            self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.server.close()

    def _behave(self, connection: Connection) -> None:
        world = self.world
        if world.all is not None:
            return world.all(connection)
        form, ranged = connection.request.form, connection.request.path.endswith("query_range")
        headers = {"Content_Type": "application/json"}
        if world.dated:
            headers["Date"] = format_datetime(datetime.fromtimestamp(self._there, UTC), usegmt=True)
        status, body = self._answer(form, ranged)
        answer(status, world.mangle(body, ranged), **headers)(connection)

    @property
    def _there(self) -> float:
        return self._now().timestamp() + self.world.ahead

    def _answer(self, form: Mapping[str, str], ranged: bool) -> tuple[int, dict[str, Any]]:
        world, query = self.world, form["query"]
        terms = _TERM.findall(query)
        marked = [(text, {"oncall_query": number}) for text, number in terms] or [(query, {})]
        result: list[dict[str, Any]] = []
        for text, labels in marked:
            reason = world.refuses(text, ranged)
            if reason:
                status, kind = world.refusal
                return status, {"status": "error", "errorType": kind, "error": reason}
            if text.startswith("group by"):
                found = next((rows for word, rows in world.tables.items() if word in text), ())
                result += [{"metric": {**labels, **row}, "value": [self._there, "1"]} for row in found]
            else:
                result += self._series(text, labels, form, ranged)
        for term in re.findall(r'label_replace\((group by .*?), "oncall_objective", "(\d+)", "", ""\)', query):
            rows = next((rows for word, rows in world.tables.items() if word in term[0]), ())
            result = [{"metric": {"oncall_objective": term[1], **row}, "value": [self._there, "1"]} for row in rows]
        body: dict[str, Any] = {
            "status": "success",
            "data": {"resultType": "matrix" if ranged else "vector", "result": result},
        }
        if world.warnings:
            body["warnings"] = list(world.warnings)
        return 200, body

    def _series(
        self, text: str, labels: Mapping[str, str], form: Mapping[str, str], ranged: bool
    ) -> list[dict[str, Any]]:
        there = self._there
        signal = self._signal(text)
        over = _RANGE.search(text)
        seconds = 0.0 if over is None else int(over[1]) / (1000 if over[2] == "ms" else 1)
        if not ranged:
            at = float(form.get("time", there))
            values = signal.at(at - seconds, at, there, over is not None)
            return [{"metric": {**labels, **_number(n)}, "value": [at, _text(value)]} for n, value in enumerate(values)]
        first, last, step = (float(form[name]) for name in ("start", "end", "step"))
        rows: dict[int, list[list[Any]]] = {}
        for index in range(round((last - first) / step) + 1):
            at = first + step * index
            if at > there:
                break
            for n, value in enumerate(signal.at(at - seconds, at, there, over is not None)):
                rows.setdefault(n, []).append([at, _text(value)])
        return [{"metric": {**labels, **_number(n)}, "values": values} for n, values in rows.items()]

    def _signal(self, text: str) -> Signal:
        signals = self.world.signals
        words = sorted((text.find(word), -len(word), word) for word in signals if word in text)
        return signals[words[0][2]] if words else GONE


def _number(n: int) -> dict[str, str]:
    return {"series": str(n)} if n else {}


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else repr(float(value))


def page(status: int, text: str = "<html>gateway</html>", **headers: str) -> Behaviour:
    """Somebody else's page instead of an answer."""
    return answer(status, text, **{"Content_Type": "text/html", **headers})


def error(status: int, kind: str, text: str) -> Behaviour:
    """Prometheus's own words for a refusal, whatever is asked."""
    body = json.dumps({"status": "error", "errorType": kind, "error": text})
    return answer(status, body, Content_Type="application/json")
