"""A whole console on a server that acts a world: what its gauges, guardrails, snapshot and readiness say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.engine.clocks import SimulatedClock
from console.integrations.prometheus import Prometheus
from console.model.board import Board
from console.model.rollback import Can, ProofState
from console.model.rollout import GuardrailRule, Level, RolloutPlan
from console.model.sli import Sli, of_counters
from console.model.slo import Objective
from console.model.window import Rolling, Window
from console.ports import SliceStore
from console.reports.levels import gauges
from console.reports.snapshot import snapshot
from console.settings.config import HttpSource
from console.view import rollback, rollout, slos
from console.view.line import Tone
from console.view.look import ASCII, Look
from tests.engine.bench import CONFIG, ENVIRONMENT, Bench

NOW = datetime(2026, 3, 1, 12, 4, 10, tzinfo=UTC)
DAY = Rolling(timedelta(days=1))
COUNTED = of_counters("all_total", bad="bad_total")
GUARD = GuardrailRule("p99", "P99", "guard", 300.0, 500.0, "ms")
LOOK = Look(ASCII)


@dataclass(frozen=True)
class Plan:
    """What a console is told to watch."""

    sli: Sli = COUNTED
    window: Window = DAY
    target: float = 0.999
    groups: tuple[str, ...] = ()
    guard: GuardrailRule = GUARD
    share: str = "share"
    objectives: tuple[Objective, ...] | None = None
    """Others in place of the one."""

    @property
    def objective(self) -> Objective:
        return Objective("slo", "Slo", "s", self.target, self.window, "Occurrences", self.sli, groups=self.groups)


class Site:
    """A console; `ask` asks as `oncall status` does, and `look` is what there is to see."""

    def __init__(
        self, folder: Path, plan: Plan, url: str | None, store: SliceStore | None = None, now: datetime = NOW,
        timeout: float = 5.0, clock: SimulatedClock | None = None,
    ) -> None:  # fmt: skip
        self.bench = bench = Bench(folder, clock or SimulatedClock(now))
        source = HttpSource("prometheus", url or "http://127.0.0.1:9", timeout=timedelta(seconds=timeout))
        bench.metrics = None if url is None else Prometheus(source, bench.clock)
        bench.outside = {"slices": store}
        bench.environment = replace(ENVIRONMENT, prometheus=None if url is None else source)
        told = RolloutPlan(
            "r", "new", "old", (5, 25, 50, 100), timedelta(minutes=30), plan.share, guardrails=(plan.guard,)
        )
        objectives = (plan.objective,) if plan.objectives is None else plan.objectives
        bench.config = replace(CONFIG, objectives=objectives, rollout=told)

    async def open(self) -> None:
        self.console = await self.bench.console(start=False)

    async def ask(self) -> None:
        await self.console.ask()

    async def round(self) -> None:
        """One round of the source, without what is read in the background."""
        await self.console._pollers["prometheus"].ask()
        self.console._publish()

    def leap(self, **span: float) -> None:
        self.bench.clock.leap(self.bench.clock.now() + timedelta(**span))
        self.console._publish()

    async def close(self) -> None:
        await self.bench.kill(self.console)
        if self.bench.metrics is not None:
            self.bench.metrics.close()

    @property
    def board(self) -> Board:
        return self.console.board


@dataclass
class Seen:
    """What a Board shows: the words of the gauges with all their notes, and where anything says that it is well."""

    words: list[str] = field(default_factory=list)
    notes: str = ""
    gauge_ok: list[str] = field(default_factory=list)
    guard_ok: list[str] = field(default_factory=list)
    share_ok: list[str] = field(default_factory=list)


def look(board: Board, only: str = "") -> Seen:
    """Everything that a person or a program may take for good news. `only`: the gauges whose name holds this."""
    shown = [gauge for gauge in board.slos if only in gauge.objective.name]
    seen = Seen([slos.verdict(gauge)[1] for gauge in shown])
    readings = [reading for gauge in shown for reading in (gauge.ratio, gauge.budget_left, gauge.burn)]
    seen.notes = "; ".join(dict.fromkeys(filter(None, (reading.note for reading in readings))))
    seen.gauge_ok = list(_gauges_ok(replace(board, slos=tuple(shown)), board.at))
    seen.guard_ok = list(_guards_ok(board))
    seen.share_ok = list(_share_ok(board))
    return seen


def _gauges_ok(board: Board, now: datetime) -> Iterator[str]:
    if not board.slos:
        yield "no gauge at all"
    for gauge in board.slos:
        tone, word = slos.verdict(gauge)
        if tone is Tone.OK or word == "ok":
            yield f"verdict {word}"
        if gauge.ratio.ok and gauge.burn.ok and gauge.budget_left.ok:
            yield "all readings ok"
        if re.search(r": ok\b", slos.sentence(gauge, now, LOOK)):
            yield "sentence"
        for width in (80, 160):
            if any(tone is Tone.OK for tone in _tones([slos.row(gauge, now, width, LOOK)])):
                yield f"row of {width}"
    for data in (*snapshot(board)["slos"], *gauges(board)["slos"]):
        if {data[name]["state"] for name in ("ratio", "budget_left", "burn")} == {"ok"}:
            yield "snapshot"
    for gauge in board.slos:
        name = f"slo.{gauge.objective.name}"
        if all(board.readings[f"{name}.{what}"].ok for what in ("burn", "budget_left")):
            yield "readings of the playbooks' checks"


def _guards_ok(board: Board) -> Iterator[str]:
    assert board.rollout is not None
    if board.rollout.level is Level.OK:
        yield "rollout"
    for item in board.rollout.guardrails:
        if item.level is Level.OK:
            yield "guardrail"
        if any(tone is Tone.OK for tone in _tones([rollout.guardrail(item, board.at, 160, LOOK)])):
            yield "line of the guardrail"
        named = board.readings.get(f"guardrail.{item.rule.name}")
        if named is not None and named.ok and item.level is not Level.CRITICAL:
            yield "reading of the playbooks' checks"
    data = snapshot(board)["rollout"]
    if data["level"] == "ok" or any(item["level"] == "ok" for item in data["guardrails"]):
        yield "snapshot"


def _share_ok(board: Board) -> Iterator[str]:
    proof = next(item for item in board.readiness.proofs if item.name == "share")
    if proof.state is ProofState.PROVEN:
        yield "proof"
    if board.readiness.can is Can.YES:
        yield "can roll back"
    if any(tone is Tone.OK for tone in _tones([rollback.proof_row(proof, board.at, 100, LOOK)])):
        yield "line of the proof"
    shown = next(item for item in snapshot(board)["rollback"]["proofs"] if item["name"] == "share")
    if shown["state"] == "proven":
        yield "snapshot"


def _tones(lines: Iterable[Sequence[object]]) -> list[object]:
    return [span.tone for line in lines for span in line]


__all__ = ["COUNTED", "DAY", "GUARD", "NOW", "Plan", "Seen", "Site", "look"]
