"""What an operator wants of the rollout, and what the engine has seen of it."""

from __future__ import annotations

from datetime import datetime

from console.model.commands.base import Command
from console.model.events.decision import Condition, Finding
from console.model.value import value


@value
class BeginRollout(Command):
    """A plan is begun, at 0 %."""

    revision: str = ""


@value
class SetShare(Command):
    """Sets the share of traffic: the engine journals the intent, writes the flag, reads it back, and journals the
    outcome. `expected` is the share that was on the screen: at another one nothing is written. `promote`: to the next
    phase, which rests on `decision`, or on a reason and a second person (`break_glass`)."""

    percent: float
    expected: float
    promote: bool = False
    reason: str = ""
    decision: str = ""
    break_glass: str = ""


@value
class SettleWrite(Command):
    """Somebody looked what came of a write whose outcome nobody knew."""

    effect: str
    done: bool
    observed: float | None
    answer: str


@value
class HoldRollout(Command):
    reason: str


@value
class ReleaseRollout(Command):
    reason: str


@value
class AbortRollout(Command):
    """Given up where it is, without a rollback."""

    reason: str


@value
class FinishRollout(Command):
    """The last phase has baked; it rests on a decision as a promotion does."""

    decision: str = ""
    break_glass: str = ""


@value
class StartRollback(Command):
    """Starts the rollback's playbook in an incident, and declares one where there is none. `automatic`: the engine
    itself, at the end of a countdown."""

    reason: str
    incident: str = ""
    automatic: bool = False


@value
class StartCountdown(Command):
    """The engine itself, on a breach, where the plan wants it: the rollback starts when the countdown has ended."""

    why: str


@value
class CancelCountdown(Command):
    """`again`: the engine itself, because what it needs is missing; it may start anew."""

    reason: str
    again: bool = False


@value
class ObserveShare(Command):
    """What the engine saw: the share as it was read back and as it is measured (percent), and the revision. None: not
    read. `since` is when the measured one began to differ from what is set, without a break since then."""

    flag: float | None
    measured: float | None
    revision: str = ""
    since: datetime | None = None


@value
class ObserveGuardrail(Command):
    """A guardrail was breached, or has recovered."""

    guardrail: str
    breached: bool
    why: str
    fast: bool = False
    value: float | None = None
    limit: float | None = None
    samples: int = 0


@value
class ObserveRollback(Command):
    """The rollback's run has ended; `flag` is the share that is read back since then, and `measured` that of the
    traffic, in percent. None: not read. `given_up`: they were looked for long enough."""

    run: str
    flag: float | None
    measured: float | None = None
    given_up: bool = False


@value
class PredictRollback(Command):
    """What is said of the rollback that begins: seconds, by quantile."""

    run: str
    runs: int
    p50: float | None = None
    p80: float | None = None
    p95: float | None = None
    within_15: float | None = None
    within_20: float | None = None


@value
class MeasureRollback(Command):
    """The run of a rollback, or of a drill of one, was carried out to its end: what it took."""

    run: str


@value
class RenewProof(Command):
    """How a standing proof was tried: `broken`, or it worked."""

    name: str
    evidence: str
    source: str
    broken: bool = False
    expires_at: datetime | None = None
    """None: as long as such a proof usually counts."""
    seconds: float | None = None


@value
class Attest(Command):
    """A criterion holds, says the operator, with a link; or that it does not."""

    criterion: str
    link: str
    note: str = ""
    phase: float | None = None
    holds: bool = True


@value
class Approve(Command):
    """The operator approves the next phase in a role, or withdraws it."""

    criterion: str
    phase: float
    approved: bool = True
    note: str = ""


@value
class Decide(Command):
    """Records a decision on the findings that were on the screen. `override`: why it is not what they give, with the
    `second` person who agrees, or with why there is none (`break_glass`)."""

    from_percent: float
    to_percent: float
    status: str
    findings: tuple[Finding, ...]
    conditions: tuple[Condition, ...] = ()
    override: str = ""
    second: str = ""
    dissent: str = ""
    p95_minutes: float | None = None
    head: str = ""
    slo_hash: str = ""
    break_glass: str = ""
