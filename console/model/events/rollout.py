"""The rollout: stream "rollout:<service>/<environment>". What was observed of it is there, too (`pager`).

The flag's write is an effect: its intent stands before the far side is asked, its outcome after. A phase is entered
when what was set has been read back, and the measured share agrees where it is measured.
"""

from __future__ import annotations

from datetime import datetime

from console.model.events.registry import event
from console.model.value import value


@event("rollout.begun")
@value
class RolloutBegun:
    plan: str
    plan_hash: str
    revision: str
    phases: tuple[float, ...]
    flag: str
    percent: float | None = 0.0
    """What the flag gave then; None: not read."""


@event("rollout.write_intended")
@value
class WriteIntended:
    effect: str
    flag: str
    percent: float
    before: float
    purpose: str
    reason: str = ""
    decision: str = ""
    """The id of the decision that a promotion rests on."""
    break_glass: str = ""
    safe: float | None = None
    """The share whose bake is over without a breach: the last safe point from now on."""


@event("rollout.write_finished")
@value
class WriteFinished:
    effect: str
    outcome: str
    """done, refused, or unknown."""
    answer: str
    observed: float | None = None


@event("rollout.phase_entered")
@value
class PhaseEntered:
    """The bake begins. `measured` is the measured share, in percent; None where none is measured."""

    percent: float
    measured: float | None = None
    effect: str = ""


@event("rollout.moved")
@value
class ShareMoved:
    """Somebody else set the flag. Where that raised it, the rollout is held."""

    percent: float
    before: float | None


@event("rollout.revision_changed")
@value
class RevisionChanged:
    """The bake begins anew."""

    revision: str
    before: str


@event("rollout.held")
@value
class RolloutHeld:
    reason: str


@event("rollout.released")
@value
class RolloutReleased:
    """It goes on; the bake begins anew when it was held for a breach."""

    reason: str
    bake_anew: bool = False


@event("rollout.aborted")
@value
class RolloutAborted:
    reason: str


@event("rollout.finished")
@value
class RolloutFinished:
    """The last phase has baked."""

    reason: str = ""
    decision: str = ""
    break_glass: str = ""


@event("rollout.breached")
@value
class GuardrailBreached:
    guardrail: str
    why: str
    fast: bool = False
    value: float | None = None
    limit: float | None = None
    samples: int = 0


@event("rollout.recovered")
@value
class GuardrailRecovered:
    """The breach is over. `removed`: the plan has the guardrail no longer, and somebody let its breach go."""

    guardrail: str
    why: str
    removed: bool = False


@event("rollout.disagreed")
@value
class ShareDisagreed:
    """The measured share differed from the one that is set for too long."""

    set: float
    measured: float
    since: datetime


@event("rollout.agreed")
@value
class ShareAgreed:
    set: float
    measured: float


@event("rollout.countdown_started")
@value
class CountdownStarted:
    """The rollback starts by itself `at` that instant, unless somebody cancels."""

    at: datetime
    why: str


@event("rollout.countdown_cancelled")
@value
class CountdownCancelled:
    """`again`: it starts anew when what it needs is there again. Cancelled by a person, it does not."""

    reason: str
    again: bool = False


@event("rollout.rollback_begun")
@value
class RollbackBegun:
    run: str
    reason: str
    automatic: bool = False


@event("rollout.rollback_ended")
@value
class RollbackEnded:
    """`completed`: the playbook was carried out to its end, and the share was observed at 0 %. `aborted`: somebody
    ended it before: nothing begins by itself again for the breaches that stand."""

    run: str
    completed: bool
    answer: str = ""
    aborted: bool = False
