"""What an operator wants. `model.decide` answers with events or a refusal."""

from __future__ import annotations

from datetime import datetime

from console.model.alert import AlertRef
from console.model.events import HandoffItem
from console.model.people import Severity
from console.model.playbook import LoadedPlaybook
from console.model.value import value


@value
class Command:
    """The base of all commands. Ids name what was under the cursor: a command never acts on a row."""


@value
class DeclareIncident(Command):
    title: str
    severity: Severity
    alerts: tuple[AlertRef, ...] = ()
    impact_started_at: datetime | None = None


@value
class AcknowledgeIncident(Command):
    incident: str


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
    incident: str
    playbook: LoadedPlaybook


@value
class CompleteStep(Command):
    """Closes a step on what was observed. `option` for a decision, `typed` for an irreversible step, `override` is the
    reason to close it although its reading does not show the effect."""

    run: str
    step: str
    observed: str
    option: str = ""
    typed: str = ""
    override: str = ""


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
    run: str
    step: str
    reason: str


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
class SetFlag(Command):
    """Carries out a flag step: the engine journals the intent, sets the share, and journals the outcome."""

    run: str
    step: str


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
    ChangeState,
    AddNote,
    StartRun,
    CompleteStep,
    FailStep,
    RetryStep,
    SkipStep,
    ExpireStep,
    SetFlag,
    AbortRun,
)
"""What may proceed, after one typed confirmation, when the journal cannot write: nothing may stop a rollback."""
