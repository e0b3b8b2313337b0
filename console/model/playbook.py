"""Playbooks: who does what, when, in what order, and how long it may take.

`docs/playbooks.md` is the reference of the format. Here a playbook is a flat list of steps in the order of the file;
checklists and groups are names that steps carry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum

from console.model.people import Severity
from console.model.value import value


class StepKind(StrEnum):
    """What a step is, and how it ends.

    MANUAL: a person acts and says what they saw. DECISION: a person chooses a branch. APPROVAL: somebody of a role
    agrees. QUERY, HTTP, WAIT: end by themselves on what is observed. COMMAND, FLAG, NOTIFY: the console acts when asked
    to, once, and they end on the observed effect. PLAYBOOK: another playbook runs, and the step ends with it.
    """

    MANUAL = "manual"
    DECISION = "decision"
    FLAG = "flag"
    WAIT = "wait"
    QUERY = "query"
    HTTP = "http"
    COMMAND = "command"
    NOTIFY = "notify"
    APPROVAL = "approval"
    PLAYBOOK = "playbook"


OBSERVED = frozenset({StepKind.QUERY, StepKind.HTTP, StepKind.WAIT})
"""Kinds that close by themselves when their `verify` has held."""
ACTING = frozenset({StepKind.COMMAND, StepKind.FLAG, StepKind.NOTIFY})
"""Kinds that the console carries out when a person asks for it."""
DECIDED = frozenset({StepKind.DECISION, StepKind.APPROVAL})
"""Kinds that only a person can close, and never by skipping."""


@value
class Check:
    """What a reading should show: `reading op value`, such as `rollout.percent <= 0`, without interruption for `hold`.

    `reading` names a reading of the Board; one that begins with `query:` or `probe:` is read for the step alone, from
    `expr` (PromQL) or from the step's probe.
    """

    reading: str
    op: str
    value: float
    expr: str = ""
    hold: timedelta = timedelta(0)

    def holds(self, actual: float) -> bool:
        """Whether an observed value satisfies the check."""
        return _COMPARE[self.op](actual, self.value)

    @property
    def watched(self) -> bool:
        """Whether it is read for the step alone: it is no reading of the Board otherwise."""
        return self.reading.startswith((QUERY, PROBE))

    def __str__(self) -> str:
        held = f" for {self.hold.total_seconds():g} s" if self.hold else ""
        return f"{self.reading} {self.op} {self.value:g}{held}"


QUERY, PROBE = "query:", "probe:"
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
}
OPS = tuple(_COMPARE)
_WRITTEN = re.compile(r"(\S+)\s+(<=|>=|==|<|>)\s+([-+]?\d{1,15}(?:\.\d{1,15})?)")


def check_of(text: str) -> Check | None:
    """A check on a reading as it is written, such as `guardrail.p99 < 300`; None when it is none."""
    found = _WRITTEN.fullmatch(text.strip())
    return Check(found[1], found[2], float(found[3])) if found is not None else None


@value
class Option:
    """One way out of a decision. `goto` names a step, `playbook` another playbook; neither means the next step.
    `when` is the reading that speaks for this option: shown as advice, never taken by itself."""

    id: str
    label: str
    goto: str = ""
    playbook: str = ""
    when: Check | None = None


@value
class Probe:
    """A health probe over HTTP: reads 1.0 when the answer's status is one of `status` and its body contains `contains`,
    else 0.0. GET or HEAD alone; a redirect is an answer and is not followed."""

    url: str
    method: str = "GET"
    status: tuple[int, ...] = (200,)
    contains: str = ""
    timeout: timedelta = timedelta(seconds=5)

    @property
    def reading(self) -> str:
        """The name of what it reads."""
        contains = f" contains {self.contains}" if self.contains else ""
        return f"{PROBE} {self.method} {self.url} {','.join(map(str, self.status))}{contains}"


@value
class Program:
    """A program as an argument vector, never a shell. `cwd` is relative to the playbooks' folder, or absolute; `env`
    names what is passed on from the console's environment, `set_env` is given here. `exits` are the exit statuses that
    mean success."""

    argv: tuple[str, ...]
    cwd: str = ""
    timeout: timedelta = timedelta(minutes=1)
    env: tuple[str, ...] = ()
    set_env: tuple[tuple[str, str], ...] = ()
    exits: tuple[int, ...] = (0,)
    dry_run: tuple[str, ...] = ()
    """The arguments that, added to it, let it say what it would do and do nothing; empty: there is no such way."""


@value
class Notice:
    """What a notify step tells. `channel` is the name of a channel (`slack.alerts`) or a kind of it (`slack`)."""

    channel: str
    text: str


class Do(StrEnum):
    """What happens by itself, when a step is late or has failed. ASK: it waits for a person. ESCALATE: the next level
    is told. NOTIFY: a channel is told. GOTO: another step goes on. GO_ON: the next one does. ABORT: the run ends.
    FAIL: the late step has failed."""

    ASK = "ask"
    ESCALATE = "escalate"
    NOTIFY = "notify"
    GOTO = "goto"
    GO_ON = "go_on"
    ABORT = "abort"
    FAIL = "fail"


@value
class Reaction:
    """One thing that happens by itself. `to` is the step of GOTO, the channel of NOTIFY."""

    do: Do
    to: str = ""


@value
class OnFailure:
    """A step that fails is tried `tries` times in all, with `back_off` before the second try and twice as long before
    each further one; then the reactions follow."""

    tries: int = 1
    back_off: timedelta = timedelta(seconds=10)
    then: tuple[Reaction, ...] = ()


class VariableType(StrEnum):
    """TEXT may hold anything and stands in words alone; the others may stand in arguments, URLs and queries."""

    TEXT = "text"
    NAME = "name"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    CHOICE = "choice"
    HOST = "host"
    URL = "url"


@value
class Variable:
    """A value that a run is started with; `{{name}}` stands for it. `source` is `incident.FIELD`, `alert.LABEL`,
    `config.NAME`, or empty: the operator is asked, and `default` is proposed. `pattern` (RE2) must match it whole."""

    name: str
    type: VariableType = VariableType.NAME
    source: str = ""
    default: str = ""
    ask: str = ""
    choices: tuple[str, ...] = ()
    pattern: str = ""


class Mode(StrEnum):
    """READ_DO: read a step, do it, go on. DO_CONFIRM: everything is done from memory, then confirmed in any order."""

    READ_DO = "read_do"
    DO_CONFIRM = "do_confirm"


@value
class Checklist:
    """A part of a playbook: `pause_point` is when it is read, `completion_call` what is said aloud at its end (a step
    of its own, `<id>-complete`)."""

    id: str
    title: str
    mode: Mode = Mode.READ_DO
    pause_point: str = ""
    completion_call: str = ""


@value
class Step:
    """One line of the checklist: a challenge and its expected response."""

    id: str
    title: str
    challenge: str
    response: str
    kind: StepKind = StepKind.MANUAL
    owner: str = "incident commander"
    timebox: timedelta | None = None
    parallel: bool = False
    """The next step starts together with this one: it is never waited for."""
    look_at: tuple[Check, ...] = ()
    """Readings to look at before acting. They warn and never block."""
    verify: Check | None = None
    """The observed value on which the step closes; a human may override it with a reason."""
    confirm: str = ""
    """For an irreversible step: the word to type; `{target}` stands for service/environment."""
    flag: str = ""
    percent: float = 0.0
    options: tuple[Option, ...] = ()
    checklist: str = ""
    """The id of its checklist; empty in a playbook with one list of steps."""
    group: str = ""
    """Steps in a row with the same group start together, and what follows waits for all of them."""
    probe: Probe | None = None
    program: Program | None = None
    notice: Notice | None = None
    call: str = ""
    """The playbook that a PLAYBOOK step runs."""
    role: str = ""
    """Who alone may decide or approve; for an approval never the person who started the run."""
    on_overdue: tuple[Reaction, ...] = ()
    on_failure: OnFailure = OnFailure()
    undo: str = ""
    """How it is taken back; told when the run is aborted, and kept on the list of temporary changes."""
    second_person: bool = False
    """Another person must read the target back, on their own console, before it is carried out or closed."""
    skip_needs_reason: bool = True
    critical: bool = False
    """Its failure and its skipping are told to the next level."""

    @property
    def irreversible(self) -> bool:
        """Whether there is no way back after this step."""
        return bool(self.confirm)

    @property
    def repeatable(self) -> bool:
        """Whether it may be asked for again while nobody knows what came of the last time: a flag at 0 % is off,
        however often it is set, and a rollback waits for it."""
        return self.kind is StepKind.FLAG and self.percent == 0

    @property
    def reactions(self) -> tuple[Reaction, ...]:
        """Everything that may happen by itself."""
        return (*self.on_overdue, *self.on_failure.then)


@value
class Playbook:
    """A checklist for a kind of trouble. `match` holds alert matchers in Alertmanager's syntax; every one must hold of
    one alert. `match_incident` holds matchers on the incident's service, environment, severity and title.
    `objective` is the time the whole should take (at least, at most)."""

    name: str
    title: str
    severities: tuple[Severity, ...]
    owner: str
    reviewed: str
    steps: tuple[Step, ...]
    match: tuple[str, ...] = ()
    summary: str = ""
    objective: tuple[timedelta, timedelta] | None = None
    match_incident: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """The roles that must be filled to carry it out."""
    variables: tuple[Variable, ...] = ()
    checklists: tuple[Checklist, ...] = ()
    review_every: timedelta = timedelta(days=365)
    """How long after `reviewed` (a day) it counts as reviewed."""

    def step(self, step_id: str) -> Step:
        """The step with this id. Raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def group_of(self, step: Step) -> tuple[Step, ...]:
        """The steps that start together with this one, itself among them."""
        return tuple(item for item in self.steps if item.group == step.group) if step.group else (step,)

    def after(self, step_id: str) -> Step | None:
        """The step that follows in order, or None at the end. What follows a step of a group follows its last one."""
        last = self.group_of(self.step(step_id))[-1].id
        index = [step.id for step in self.steps].index(last) + 1
        return self.steps[index] if index < len(self.steps) else None

    @property
    def leads_elsewhere(self) -> bool:
        """Whether a step calls another playbook, or a choice goes on in one."""
        return any(step.call or any(option.playbook for option in step.options) for step in self.steps)


@value
class LoadedPlaybook:
    """A playbook as read from a file: its hash pins runs to what was read. `untrusted` says why programs of that file
    may not run (somebody else may write it); empty when they may."""

    playbook: Playbook
    hash: str
    file: str
    untrusted: str = ""
