"""What is in flight, and what waits to be restored: read by the Board's own rounds, and made into what the estimates of
a rollback are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from console.engine.kept import Kept, Same
from console.model.estimate import Drain
from console.model.playbook import Do, LoadedPlaybook, Playbook, StepKind
from console.model.reading import Reading
from console.model.rollout_plan import RollbackPlan
from console.model.run import Run, StepStatus

if TYPE_CHECKING:
    from console.engine.durations import Durations
    from console.model.drain import Seen
    from console.model.draining import Residual
    from console.model.predict import Live

DECAY = 200
"""Readings of a drain that are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Flowing:
    """What was read, with nothing computed yet. `items` None: what is in flight is unknown. `arrivals` None: unknown,
    though they are configured. `restore` are seconds: the backlog over the throughput."""

    drain_step: str
    restore_step: str
    restore: float | None
    items: float | None = None
    completions: float | None = None
    arrivals: float | None = 0.0
    lasting: Residual | None = None
    decay: tuple[Seen, ...] = ()
    cut: float | None = None


class InFlight:
    """Looks at the readings, on the loop, and keeps those of a drain under way."""

    def __init__(self, rollback: RollbackPlan, durations: Durations | None) -> None:
        self._rollback, self._durations = rollback, durations
        self._decay: tuple[Seen, ...] = ()
        self._decay_of: tuple[str, datetime | None] = ("", None)
        """The run that drains, and since when its flag is at 0."""
        self._kept = Kept()

    def look(self, run: Run | None, readings: Mapping[str, Reading[float]], loaded: LoadedPlaybook | None) -> Flowing:
        """What there is to see now; the very same object while it is the same. `run` is the rollback under way."""
        from console.model.drain import FOREVER, plausible_count, plausible_rate

        plan = self._rollback
        items = plausible_count(reliable(readings.get("rollback.inflight")))
        completions = plausible_rate(reliable(readings.get("rollback.completions")))
        arrivals = plausible_rate(reliable(readings.get("rollback.arrivals")))
        backlog = plausible_count(reliable(readings.get("rollback.backlog")))
        throughput = plausible_rate(reliable(readings.get("rollback.throughput")))
        restore = min(backlog / throughput, FOREVER) if backlog is not None and throughput else None
        if backlog == 0.0:
            restore = 0.0
        rest = (plan.drain_step, plan.restore_step, restore)
        if items is None:
            return self._kept.get("flowing", rest, lambda: Flowing(*rest))
        self._see(run, items, completions, readings["rollback.inflight"].at)
        if not plan.arrivals and arrivals is None:
            arrivals = 0.0
        lasting = self._durations.lasting if self._durations is not None else None
        cut = cut_after(loaded.playbook, plan.drain_step) if loaded is not None else None
        decay = self._decay
        return self._kept.get(
            "flowing",
            (rest, items, completions, arrivals, Same(lasting), Same(decay), cut),
            lambda: Flowing(*rest, items, completions, arrivals, lasting, decay, cut),
        )

    def _see(self, run: Run | None, items: float, completions: float | None, at: datetime | None) -> None:
        """Keeps what is in flight while a rollback drains it: from when its flag is at 0."""
        since = _off_since(run) if run is not None else None
        of = (run.id if run is not None else "", since)
        if of != self._decay_of:
            self._decay_of, self._decay = of, ()
        if since is None or at is None or at < since:
            return
        from console.model.drain import Seen

        after = (at - since).total_seconds()
        if not self._decay or after > self._decay[-1].after:
            self._decay = (*self._decay, Seen(after, items, completions))[-DECAY:]


def modelled(flowing: Flowing) -> Live:
    """What can be said of it: how long it takes. Raises ArithmeticError for what no number can hold."""
    from console.model.drain import Flow, drained
    from console.model.predict import Live

    items, cut = flowing.items, flowing.cut
    if items is None:
        return Live(restore_step=flowing.restore_step, restore=flowing.restore)
    drain, draining = drained(Flow(items, flowing.completions, flowing.arrivals or 0.0, flowing.lasting, flowing.decay))
    if flowing.arrivals is None:
        # Configured and not read: that nothing arrives any more is not known.
        drain, draining = Drain("", items, why="how much still arrives was not read"), None
    if cut is not None:
        left = draining.after(cut) if draining is not None else items if drain.never else None
        drain = replace(drain, cut_after=cut, cut=left)
    return Live(flowing.drain_step, drain, draining, cut, flowing.restore_step, flowing.restore)


def cut_after(playbook: Playbook, step_id: str) -> float | None:
    """After how many seconds the playbook goes on, whatever is still in flight."""
    step = next((step for step in playbook.steps if step.id == step_id), None)
    if step is None or step.timebox is None or not any(item.do is Do.GO_ON for item in step.on_overdue):
        return None
    return step.timebox.total_seconds()


def _off_since(run: Run) -> datetime | None:
    """When the first step that sets a flag to 0 was done."""
    for step in run.playbook.steps:
        progress = run.steps[step.id]
        if step.kind is StepKind.FLAG and step.percent == 0 and progress.status is StepStatus.DONE:
            return progress.ended_at
    return None


def reliable(reading: Reading[float] | None) -> float | None:
    """Its value, where it can be relied on."""
    return reading.value if reading is not None and reading.ok else None
