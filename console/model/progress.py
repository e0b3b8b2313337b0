"""The rollout with its evidence, as the Board shows it: what the record says beside what is measured."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.capacity import Headroom
from console.model.decision import Attestation, Decision, Proposal
from console.model.reading import Reading, ReadingState, missing
from console.model.rolling import RolloutRecord, RolloutState
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import Risk
from console.model.value import value
from console.model.verdict import Judged


@value
class LiveRisk:
    """A risk, and whether it shows itself now; None: its signal is not known, or it has none."""

    risk: Risk
    live: bool | None
    reading: Reading[float] | None = None


@value
class Progress:
    """`flag` is the share as the flag's provider tells it; `samples` counts the requests on the new path since the bake
    began; `share` is the measured one. `judged` are the guardrails of this phase."""

    plan: RolloutPlan
    record: RolloutRecord
    share: Reading[float]
    flag: Reading[float] = missing(ReadingState.NO_DATA, "", "no flag provider is configured")
    samples: Reading[float] = missing(ReadingState.NO_DATA, "", "not counted")
    judged: tuple[Judged, ...] = ()
    headroom: tuple[Headroom, ...] = ()
    proposal: Proposal | None = None
    unjudged: str = ""
    """Why the criteria could not be computed: a fault of ours. Empty where they could, and where none is asked."""
    decisions: tuple[Decision, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    risks: tuple[LiveRisk, ...] = ()

    @property
    def next_percent(self) -> float | None:
        """The phase that comes next; None after the last one."""
        return self.plan.next_phase(self.record.percent or 0.0)

    def bake_left(self, now: datetime) -> timedelta | None:
        """Bake time still to run, zero when it is over; None while nothing bakes."""
        if self.record.bake_since is None or self.record.percent is None:
            return None
        bake = self.plan.stage(self.record.percent).bake
        return max(self.record.bake_since + bake - now, timedelta(0))

    def state(self, now: datetime) -> RolloutState:
        """The state of the record; DECIDING once the bake is over and the samples are there."""
        if self.record.state is not RolloutState.BAKING or self.record.percent is None:
            return self.record.state
        least = self.plan.stage(self.record.percent).min_samples
        enough = not least or (self.samples.ok and (self.samples.value or 0) >= least)
        over = self.bake_left(now) == timedelta(0)
        return RolloutState.DECIDING if over and enough else RolloutState.BAKING
