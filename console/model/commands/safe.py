"""What may proceed when it cannot be saved."""

from __future__ import annotations

from console.model.commands.base import Command
from console.model.commands.incidents import (
    AcknowledgeIncident,
    AddNote,
    ChangeState,
    DeclareIncident,
    Escalate,
    PostUpdate,
)
from console.model.commands.outside import AcknowledgeAlerts, CreateSilence, ExpireSilence, ExtendSilence
from console.model.commands.rollout import CancelCountdown, HoldRollout, SetShare, StartRollback
from console.model.commands.runs import (
    AbortRun,
    CompleteStep,
    ConfirmStep,
    ExpireStep,
    FailStep,
    HoldRun,
    ResumeRun,
    RetryStep,
    RunProgram,
    SendNotice,
    SetFlag,
    SkipStep,
    StartRun,
    TakeStep,
)

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
    StartRollback,
    HoldRollout,
    CancelCountdown,
)
"""What may proceed, after one typed confirmation, when the journal cannot write: nothing may stop a rollback, a silence
or an escalation."""


def may_proceed(command: Command) -> bool:
    """Whether it may go ahead unsaved. Of the share, only the way to 0 %."""
    return command.percent == 0 if isinstance(command, SetShare) else isinstance(command, ROLLBACK_SAFE)
