"""What an operator wants. `model.decide` answers with events or a refusal."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.alert import AlertRef
from console.model.care import Verdict
from console.model.change import ChangeKind, ChangeStatus
from console.model.events import HandoffItem
from console.model.pager import OnCall, PagerIncident
from console.model.people import Severity
from console.model.playbook import LoadedPlaybook
from console.model.silence import Silence
from console.model.value import value


@value
class Command:
    """The base of all commands. Ids name what was under the cursor: a command never acts on a row."""


@value
class DeclareIncident(Command):
    """`triage`: only opens it, to be declared or cancelled by `ChangeState`."""

    title: str
    severity: Severity
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None
    triage: bool = False


@value
class AcknowledgeIncident(Command):
    """`by` and `via` name the person and the system when it was acknowledged elsewhere: in PagerDuty."""

    incident: str
    by: str = ""
    via: str = ""


@value
class UnacknowledgeIncident(Command):
    incident: str
    reason: str
    via: str = ""


@value
class Escalate(Command):
    """Tells the next level now. `as_of_level` is the level that was on the screen: two presses are one escalation."""

    incident: str
    as_of_level: int
    reason: str = ""


@value
class ReassignPage(Command):
    """PagerDuty shall page these people, by their names in `people.yaml`, in place of whoever has it."""

    incident: str
    people: tuple[str, ...]
    reason: str = ""


@value
class PostUpdate(Command):
    """A status update by Conditions, Actions, Needs. `next_in` None: the severity's own cadence."""

    incident: str
    conditions: str
    actions: str
    needs: str
    next_in: timedelta | None = None


@value
class SetTime(Command):
    """Says or corrects one of `model.incident.TIMES`; their order is kept."""

    incident: str
    name: str
    at: datetime
    estimated: bool = False
    reason: str = ""


@value
class RecordImpact(Command):
    incident: str
    what: str
    value: str
    evidence: str = ""


@value
class AddTask(Command):
    incident: str
    text: str
    owner: str = ""
    due_at: datetime | None = None
    kind: str = "task"


@value
class AssignTask(Command):
    incident: str
    task: str
    owner: str


@value
class EndTask(Command):
    """`outcome` is done or dropped; dropping needs a `result` that says why."""

    incident: str
    task: str
    outcome: str = "done"
    result: str = ""


@value
class RecordDecision(Command):
    incident: str
    choice: str
    reason: str
    options: tuple[str, ...] = ()
    objections: str = ""
    expected: str = ""
    check_at: datetime | None = None


@value
class ObserveDecision(Command):
    incident: str
    decision: str
    observed: str


@value
class MergeIncident(Command):
    """`incident` is the same as `into`: its alerts, tasks and changes go there, and it ends."""

    incident: str
    into: str
    reason: str


@value
class Correct(Command):
    """What the event `event_id` of an incident should have said."""

    incident: str
    event_id: str
    text: str = ""
    occurred_at: datetime | None = None
    reason: str = ""


@value
class AcknowledgeAlerts(Command):
    """Takes these firings. Those that somebody has already are left alone; all taken already is a refusal."""

    alerts: tuple[AlertRef, ...]
    by: str = ""
    via: str = ""


@value
class UnacknowledgeAlert(Command):
    fingerprint: str
    reason: str
    via: str = ""


@value
class JudgeAlert(Command):
    alert: AlertRef
    verdict: Verdict
    note: str = ""


@value
class CreateSilence(Command):
    """`silence` has no id yet; its `cluster` names the Alertmanagers that shall keep it."""

    silence: Silence
    incident: str = ""


@value
class ExtendSilence(Command):
    """`silence` is as it was on the screen; also one that somebody else made."""

    silence: Silence
    ends_at: datetime


@value
class ExpireSilence(Command):
    silence: Silence
    reason: str = ""


@value
class RecordChange(Command):
    """A temporary change that somebody made by hand, elsewhere."""

    kind: ChangeKind
    target: str
    what: str
    undo: str
    incident: str = ""
    expires_at: datetime | None = None


@value
class SettleChange(Command):
    """How a change stands, as a person saw it: `undone`, or still `in force`, after an outcome that nobody knew."""

    change: str
    state: ChangeStatus
    observed: str


@value
class HandOverChange(Command):
    """Somebody else, or a ticket, owes the undoing from now on."""

    change: str
    to: str
    reason: str


@value
class RetryDelivery(Command):
    """Queues anew what was given up."""

    delivery: str


@value
class LinkPager(Command):
    """The engine saw the PagerDuty incident that pages for an incident, or that it changed."""

    incident: str
    page: PagerIncident
    adopted: bool


@value
class ObserveOnCall(Command):
    """The engine saw somebody else on call."""

    on_calls: tuple[OnCall, ...]


@value
class ObservePhase(Command):
    """The engine saw another share of traffic on the new path."""

    percent: float
    source: str


@value
class RecordProof(Command):
    """How a test of a channel ended. `error` is empty when `evidence` proves it."""

    channel: str
    evidence: str
    error: str = ""


@value
class ChangeState(Command):
    """Moves an incident to a state of `model.incident.IncidentState`; going back to investigating needs a reason."""

    incident: str
    state: str
    reason: str = ""


@value
class ChangeSeverity(Command):
    incident: str
    severity: Severity
    reason: str


@value
class LinkAlerts(Command):
    incident: str
    alerts: tuple[AlertRef, ...]


@value
class AssignRole(Command):
    incident: str
    role: str
    person: str


@value
class AddNote(Command):
    """A note on an incident or a shift (`subject` is its id); `occurred_at` is when the thing noted happened."""

    subject: str
    text: str
    occurred_at: datetime | None = None
    step: str = ""


@value
class StartRun(Command):
    """`variables` are the operator's answers; the rest is bound from the incident and the configuration."""

    incident: str
    playbook: LoadedPlaybook
    variables: tuple[tuple[str, str], ...] = ()


@value
class CompleteStep(Command):
    """Closes a step on what was observed. `option` for a decision, `typed` for an irreversible step, `override` is the
    reason to close it although its reading does not show the effect, `break_glass` the reason to do alone what needs
    another person or role."""

    run: str
    step: str
    observed: str
    option: str = ""
    typed: str = ""
    override: str = ""
    break_glass: str = ""
    links: tuple[str, ...] = ()


@value
class FailStep(Command):
    run: str
    step: str
    reason: str


@value
class RetryStep(Command):
    run: str
    step: str


@value
class SkipStep(Command):
    """`break_glass` is the reason to pass over, alone, what another person or role had to approve."""

    run: str
    step: str
    reason: str
    break_glass: str = ""


@value
class ExpireStep(Command):
    """Ends a wait by decision: what was left, and why it may be left behind."""

    run: str
    step: str
    observed: str
    reason: str


@value
class AbortRun(Command):
    run: str
    reason: str


@value
class HoldRun(Command):
    """Stops every clock of a run, and refuses to go on until it is resumed."""

    run: str
    reason: str


@value
class ResumeRun(Command):
    """Goes on with a run that was held or aborted."""

    run: str
    reason: str


@value
class TakeStep(Command):
    """Holds a step for this console. A reason is needed to take it from one that holds it still."""

    run: str
    step: str
    reason: str = ""


@value
class ConfirmStep(Command):
    """A second person reads back the target of a step: `read_back` is what they typed."""

    run: str
    step: str
    read_back: str


@value
class SetFlag(Command):
    """Carries out a flag step: the engine journals the intent, sets the share, and journals the outcome."""

    run: str
    step: str
    typed: str = ""
    break_glass: str = ""


@value
class RunProgram(Command):
    """Carries out a command step: done once the intent is in the record; the outcome follows when the program ends."""

    run: str
    step: str
    typed: str = ""
    break_glass: str = ""


@value
class SendNotice(Command):
    """Carries out a notify step: its message is queued; the step closes when the far side has taken it."""

    run: str
    step: str
    typed: str = ""
    break_glass: str = ""


@value
class TrustPlaybook(Command):
    """Lets the programs of this very file run, whoever may write it."""

    playbook: LoadedPlaybook
    reason: str


@value
class RecordBaseline(Command):
    """A baseline was captured, and is on the disk."""

    name: str
    hash: str
    target: str
    source: str
    begin: datetime
    end: datetime
    slis: int


@value
class BeginShift(Command):
    pass


@value
class EndShift(Command):
    shift: str
    reason: str


@value
class AddWatchItem(Command):
    shift: str
    text: str
    until: datetime | None = None


@value
class CloseWatchItem(Command):
    shift: str
    item: str
    reason: str


@value
class OfferHandoff(Command):
    """Offers the open shift to `to`. `items` is the draft, `anchor` the `SEQ:HASH` it was made from."""

    shift: str
    to: str
    items: tuple[HandoffItem, ...]
    anchor: str
    summary: str = ""


@value
class AnswerHandoffItem(Command):
    handoff: str
    item: str
    answer: str
    read_back: str = ""


@value
class AcceptHandoff(Command):
    """Takes the shift. `shared_login` is the reason, needed when giver and receiver share one login."""

    handoff: str
    shared_login: str = ""


@value
class WithdrawHandoff(Command):
    handoff: str
    reason: str


ROLLBACK_SAFE: tuple[type[Command], ...] = (
    DeclareIncident,
    AcknowledgeIncident,
    AcknowledgeAlerts,
    Escalate,
    CreateSilence,
    ExtendSilence,
    ExpireSilence,
    PostUpdate,
    ChangeState,
    AddNote,
    StartRun,
    CompleteStep,
    FailStep,
    RetryStep,
    SkipStep,
    ExpireStep,
    SetFlag,
    RunProgram,
    SendNotice,
    HoldRun,
    ResumeRun,
    TakeStep,
    ConfirmStep,
    AbortRun,
)
"""What may proceed, after one typed confirmation, when the journal cannot write: nothing may stop a rollback, a silence
or an escalation."""
