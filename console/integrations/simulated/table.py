"""The world of `oncall playbook test`: what is read, and what comes of what is carried out, stand in a table.

Nothing here reaches anything outside, and nothing happens by itself: a value changes when the table says so.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from console.model.alert import Alert, AlertSnapshot, AlertState
from console.model.board import HealthSnapshot
from console.model.flag import FlagAnswer, FlagChange, FlagOutcome, FlagState
from console.model.message import Act, Delivery
from console.model.pager import ActOutcome, ActResult
from console.model.playbook import Check, Probe, Program, Step, StepKind
from console.model.reading import Reading, ReadingState, missing
from console.model.run import Run, StepStatus
from console.model.sli import Part
from console.model.slo import Objective
from console.ports import Clock, Ended, Query, Rejected, Row, Series, SourceError, Uncertain
from console.settings.playbook_tests import SOURCE, Told

PERCENT = "rollout.percent"
_NOT_THERE = "not in the table"
_REQUESTS = 1_000_000.0


class Table:
    """The values, by their names, and what becomes of each step. `runs` are those of the record.

    A step's own query or probe is `step.<id>`, that of an option `step.<id>.<option>`.
    """

    def __init__(
        self,
        clock: Clock,
        objectives: Iterable[Objective],
        readings: Mapping[str, Reading[float]],
        told: Mapping[str, tuple[Told, ...]],
    ) -> None:
        self.clock = clock
        self.runs: Callable[[], Iterable[Run]] = tuple
        self.objectives = {item.name: item for item in objectives}
        self._readings = dict(readings)
        self._told = dict(told)
        self._tries: Counter[str] = Counter()

    def change(
        self, readings: Mapping[str, Reading[float]], told: Mapping[str, tuple[Told, ...]] | None = None
    ) -> None:
        """The world is different now."""
        self._readings |= readings
        for step, answers in (told or {}).items():
            self._told[step] = answers
            self._tries[step] = 0

    def reading(self, name: str) -> Reading[float]:
        """What is read under a name now; no data where the table does not say."""
        now = self.clock.now()
        found = self._readings.get(name)
        if found is None:
            return missing(ReadingState.NO_DATA, SOURCE, _NOT_THERE, now)
        return replace(found, at=now)

    def of_check(self, reading: str) -> Reading[float]:
        """What is read for a step alone, by the reading of its check."""
        keys = [key for run in self.runs() for step in run.playbook.steps for key in _keys(step, reading)]
        key = next((key for key in keys if key in self._readings), reading)
        return self.reading(key)

    def under_way(self, kind: StepKind, fits: Callable[[Step], bool]) -> Step | None:
        """The step that is being carried out: the first of this kind that fits."""
        for run in self.runs():
            for progress in run.active:
                step = run.playbook.step(progress.id)
                if progress.status is StepStatus.ACTIVE and step.kind is kind and fits(step):
                    return step
        return None

    def told(self, step: Step | None) -> Told:
        """What comes of carrying out a step, this time; the world is as it is afterwards."""
        answers = self._told.get(step.id, ()) if step is not None else ()
        if step is None or not answers:
            return Told()
        found = answers[min(self._tries[step.id], len(answers) - 1)]
        self._tries[step.id] += 1
        if found.changes is not None and not found.refused:
            self.change(found.changes)
        return found


def _keys(step: Step, reading: str) -> Iterable[str]:
    """The names in the table that mean a step's own reading."""

    def own(check: Check | None) -> bool:
        return check is not None and check.reading == reading

    if own(step.verify) or any(map(own, step.look_at)):
        yield f"step.{step.id}"
    yield from (f"step.{step.id}.{option.id}" for option in step.options if own(option.when))


class TableMetrics:
    """Answers every query from the table: those of the configuration by their names, a step's own by its step."""

    name = SOURCE
    skew_seconds = 0.0

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(
        self, queries: Sequence[Query], *, at: datetime | None = None, seconds: float = 300
    ) -> Mapping[str, Reading[float]]:
        """A reading for every query. Never raises."""
        return {query.name: self._answer(query) for query in queries}

    def read_range(
        self, queries: Sequence[Query], start: datetime, end: datetime, step_seconds: float
    ) -> Mapping[str, Series]:
        """Nothing happened before, where the table knows the objective: what it says now is all there is."""
        count = int((end - start).total_seconds() / step_seconds) + 1
        known = [query.name for query in queries if query.name.startswith("slo.") and self._slo(query.name).known]
        return {name: Series((0.0,) * count, start, step_seconds) for name in known}

    def rows(self, expr: str) -> tuple[Row, ...]:
        """There are none."""
        return ()

    def _answer(self, query: Query) -> Reading[float]:
        name = query.name
        if name.startswith("slo."):
            return self._slo(name)
        if name.startswith("guardrail.") and name.endswith(".covered"):
            return Reading(ReadingState.OK, 1.0, self._table.clock.now(), SOURCE)
        if name.startswith(("guardrail.", "reading.", "rollout.", "capacity.", "rollback.")):
            return self._table.reading(name)
        return self._table.of_check(name if name.startswith("query:") else f"query: {query.expr}")

    def _slo(self, name: str) -> Reading[float]:
        """`slo.<objective>.burn` of the table, as the part of all requests that makes it."""
        objective, _, part = name.removeprefix("slo.").rpartition(".")
        found, burn = self._table.objectives.get(objective), self._table.reading(f"slo.{objective}.burn")
        if found is None or part not in ("part", "total") or burn.value is None:
            return replace(burn, value=None)
        bad = burn.value * (1.0 - found.target) * _REQUESTS
        counted = bad if found.sli.counts is Part.BAD else _REQUESTS - bad
        return replace(burn, value=counted if part == "part" else _REQUESTS)


class TableHealth:
    """`health.<component>` of the table: 1 is up."""

    name = "health"

    def __init__(self, table: Table, components: Sequence[str]) -> None:
        self._table, self._components = table, tuple(components)

    def read(self) -> HealthSnapshot:
        """Every component."""
        found = {name: self._table.reading(f"health.{name}").map(bool) for name in self._components}
        return HealthSnapshot(found, self._table.clock.now())


class TableAlerts:
    """The alerts of a case, and the one that always fires."""

    def __init__(self, table: Table, name: str, watchdog: str, alerts: Sequence[Mapping[str, str]]) -> None:
        self.name = name
        since = table.clock.now()
        self._clock = table.clock
        self.alerts = tuple(_alert(labels, since) for labels in alerts)
        self._watchdog = _alert({"alertname": watchdog}, since)

    def read(self) -> AlertSnapshot:
        """All of them."""
        return AlertSnapshot((*self.alerts, self._watchdog), self._clock.now(), True)


def _alert(labels: Mapping[str, str], since: datetime) -> Alert:
    rows = tuple(sorted(labels.items()))
    return Alert(hashlib.sha256(repr(rows).encode()).hexdigest()[:16], rows, (), AlertState.ACTIVE, since)


class TableFlags:
    """Sets what the table lets it set; without a word there, the rollout's share is what was set."""

    name = "flags in the table"

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, flag: str) -> FlagState:
        """The share of the rollout, as the table has it. Raises SourceError where it has none."""
        found = self._table.reading(PERCENT)
        if found.value is None:
            raise SourceError(f"{flag} cannot be read here: the table says nothing of {PERCENT}")
        return FlagState(flag, found.value, found.value > 0, self._table.clock.now())

    def history(self, flag: str) -> tuple[FlagChange, ...]:
        """None."""
        return ()

    def scope(self, flag: str) -> str:
        """Nothing."""
        return ""

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        """Raises SourceError, and Uncertain where the table says so."""
        told = self._table.told(self._table.under_way(StepKind.FLAG, lambda step: step.flag == flag))
        if told.refused:
            raise SourceError(told.refused)
        if told.unknown:
            raise Uncertain("no answer in the table")
        if told.changes is None:
            self._table.change({PERCENT: Reading(ReadingState.OK, percent, None, SOURCE)})
        return FlagAnswer(FlagOutcome.DONE, f"{flag} is set to {percent:g} %", None, percent)


class TableChannel:
    """Tells nobody, and takes what the table lets it take."""

    def __init__(self, table: Table, name: str, acts: tuple[Act, ...] = (Act.POST, Act.PAGE)) -> None:
        self.name, self.acts = name, acts
        self._table = table

    def deliver(self, delivery: Delivery) -> ActResult:
        """Raises Rejected, and Uncertain where the table says so."""
        step = None
        if delivery.ref.startswith("run:"):
            run_id, _, rest = delivery.ref.removeprefix("run:").partition(":")
            step_id = rest.partition(":")[0]
            runs = [run for run in self._table.runs() if run.id == run_id]
            step = next((step for run in runs for step in run.playbook.steps if step.id == step_id), None)
        told = self._table.told(step)
        if told.refused:
            raise Rejected(told.refused)
        if told.unknown:
            raise Uncertain("no answer in the table")
        return ActResult(ActOutcome.DONE, "kept in the table", at=self._table.clock.now(), ref=delivery.id[:8])

    def prove(self, delivery: Delivery) -> ActResult:
        """As any other message."""
        return self.deliver(delivery)


class TablePrograms:
    """Runs nothing: every program ends at once, as the table says; well, where it does not."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.ran: list[tuple[str, ...]] = []

    def refusal(self, program: Program) -> str:
        """Any program may run."""
        return ""

    def run(self, program: Program, tell: Callable[[str], None], stop: threading.Event) -> Ended:
        """Raises Rejected, and Uncertain where the table says so."""
        step = self._table.under_way(StepKind.COMMAND, lambda step: step.program == program)
        told = self._table.told(step)
        self.ran.append(program.argv)
        if told.refused:
            raise Rejected(told.refused)
        for line in told.output.splitlines():
            tell(line)
        digest = f"sha256:{hashlib.sha256(told.output.encode()).hexdigest()}"
        if told.unknown:
            raise Uncertain("no answer in the table")
        return Ended(None if told.stopped else told.exit, 0.0, told.output, digest, told.stopped)


class TableProbes:
    """Asks the table for the endpoints' health."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, probe: Probe) -> Reading[float]:
        """1 or 0; never raises."""
        return self._table.of_check(probe.reading)
