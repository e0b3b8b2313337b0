"""What an operator wants of playbook runs."""

from __future__ import annotations

from console.model.commands.base import Command
from console.model.playbook import LoadedPlaybook
from console.model.value import value


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
    """Holds a step for this console. A reason is needed to take it from one that holds it still. `holder` is the
    console that the reason is about, where it is about one alone: from another, that has it by then, nothing is taken.
    """

    run: str
    step: str
    reason: str = ""
    holder: str = ""


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
