"""The rules without a journal: decide, record, fold, one after the other."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from console.model.alert import Alert, AlertRef
from console.model.board import Target
from console.model.commands import Command, DeclareIncident, StartRun
from console.model.decide import Batch, Context, Refusal, decide, effect_outcome, fire_deadlines, settle
from console.model.escalation import Reach, Team
from console.model.events import Recorded, kind_of
from console.model.message import ChannelSpec
from console.model.pager import PagerIncident
from console.model.people import Actor, Severity, SeverityRule
from console.model.playbook import Check, LoadedPlaybook, Option, Playbook, Step, StepKind
from console.model.reading import Reading, ReadingState
from console.model.rollout import RolloutPlan
from console.model.run import Effect
from console.model.state import State, apply

START = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
ALICE = Actor("alice", "alice")
BOB = Actor("bob", "bob")
ENGINE = Actor("engine", "alice")
MINUTES = timedelta(minutes=1)
P99 = AlertRef("f1", "P99LatencyHigh", "P99 is 620 ms", (("alertname", "P99LatencyHigh"), ("severity", "critical")))


def step(name: str, **fields: object) -> Step:
    """A step with a challenge and a response made of its name."""
    fields.setdefault("timebox", 2 * MINUTES)
    return Step(name, name.title(), f"Do {name}", f"{name} is done", **fields)  # type: ignore[arg-type]


PAT = Reach("pat", (("email", "pat@example.com"), ("slack", "@pat")), "PPAT")
SAM = Reach("sam", (("email", "sam@example.com"),), "PSAM")
LEE = Reach("lee", (("email", "lee@example.com"),), "PLEE")

ROLLBACK = LoadedPlaybook(
    Playbook(
        "emergency-rollback",
        "Emergency rollback",
        (Severity.SEV1, Severity.SEV2),
        "platform",
        "2026-11-01",
        (
            step("alert", parallel=True, timebox=1 * MINUTES),
            step(
                "disable", kind=StepKind.FLAG, flag="elicitation", percent=0, verify=Check("rollout.percent", "<=", 0)
            ),
            step("drain", kind=StepKind.WAIT, timebox=5 * MINUTES),
            step("clear", confirm="CLEAR {target}"),
            step("validate"),
        ),
    ),
    "hash-of-rollback",
    "emergency-rollback.yaml",
)
LATENCY = LoadedPlaybook(
    Playbook(
        "p99-latency-high",
        "P99 latency high",
        (Severity.SEV2, Severity.SEV3),
        "platform",
        "2026-11-01",
        (
            step("confirm"),
            step(
                "decide",
                kind=StepKind.DECISION,
                options=(
                    Option("rollback", "Roll back", playbook="emergency-rollback"),
                    Option("again", "Look again", goto="confirm"),
                    Option("skip-tuning", "Nothing to tune", goto="observe"),
                    Option("go-on", "Go on"),
                ),
            ),
            step("tune"),
            step("observe"),
        ),
    ),
    "hash-of-latency",
    "p99-latency-high.yaml",
)


class Life:
    """A record in memory, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START
        self.state = State()
        self.events: list[Recorded] = []
        self.readings: dict[str, Reading[float]] = {}
        self.flags = ""
        self.held: dict[str, datetime] = {}
        self.standing: dict[str, tuple[str, ...]] = {}
        self.playbooks: tuple[LoadedPlaybook, ...] = (ROLLBACK, LATENCY)
        self.severities = (
            SeverityRule(Severity.SEV1, "Down", "Nothing works", 5 * MINUTES, 30 * MINUTES),
            SeverityRule(Severity.SEV2, "Major", "Much is slow", 10 * MINUTES, None, ("primary", "secondary")),
        )
        self.rota: dict[str, tuple[Reach, ...]] = {"primary": (PAT,), "secondary": (SAM,), "lead": (LEE,)}
        self.teams: tuple[tuple[Team, tuple[Reach, ...]], ...] = ()
        self.channels: tuple[ChannelSpec, ...] = ()
        self.alerts: tuple[Alert, ...] = ()
        self.pages: dict[str, PagerIncident] = {}
        self.paged: frozenset[str] = frozenset()
        self.pager_silent = False
        self.pager_unheard: datetime | None = None
        self.mode = "live"
        self.plan: RolloutPlan | None = None
        self._ids = itertools.count(1)
        self._versions: dict[str, int] = {}

    def context(self, actor: Actor = ALICE, console: str = "test") -> Context:
        return Context(
            self.now,
            actor,
            Target("lighthouse", "production"),
            lambda: f"id{next(self._ids)}",
            self.severities,
            {loaded.playbook.name: loaded for loaded in self.playbooks},
            self.readings,
            self.flags,
            self.mode,
            self.channels,
            self.rota,
            self.teams,
            self.pages,
            self.paged,
            self.pager_silent,
            (PAT, SAM, LEE, Reach("kim", (("phone", "+1 555 0199"),))),
            self.alerts,
            console=console,
            held=self.held,
            standing=self.standing,
            pager_unheard=self.pager_unheard,
            plan=self.plan,
        )

    def do(self, command: Command, actor: Actor = ALICE, console: str = "test") -> list[Recorded]:
        """Decides and records. Raises Refusal."""
        return self.record(decide(self.state, command, self.context(actor, console)), actor, console)

    def fire(self) -> list[Recorded]:
        """What the engine would write now, because of the clock."""
        return self._by_itself(fire_deadlines(self.state, self.context(ENGINE)))

    def settle(self) -> list[Recorded]:
        """What the engine would write now, because of what is observed."""
        return self._by_itself(settle(self.state, self.context(ENGINE)))

    def _by_itself(self, appends: list[list[Batch]]) -> list[Recorded]:
        return [event for batches in appends for event in self.record(batches, ENGINE)]

    def end_effect(
        self, run: str, outcome: str, detail: str = "", output: str = "", *, effect: Effect | None = None
    ) -> list[Recorded]:
        """How an effect of a run ended, the newest one if none is named."""
        effect = effect or self.state.runs[run].effects[-1]
        known = (self.state, run, effect.step, effect.id, outcome, detail, output, f"sha256:{output}" if output else "")
        return self.record(effect_outcome(*known, self.context(ENGINE)), ENGINE)

    def refused(self, command: Command, actor: Actor = ALICE, console: str = "test") -> str:
        """The reason for a refusal; fails when there is none, or when the refusal left a trace."""
        before = len(self.events)
        with pytest.raises(Refusal) as refusal:
            self.do(command, actor, console)
        assert len(self.events) == before
        assert "\n" not in str(refusal.value)
        return str(refusal.value)

    def record(
        self, batches: list[Batch], actor: Actor, console: str = "test", *, cut_off: bool = False
    ) -> list[Recorded]:
        """Appends. `cut_off`: what was decided on an older state, and waited in a spool."""
        recorded = []
        for batch in batches:
            assert cut_off or self._versions.get(batch.stream, 0) == batch.expected, "decided on an old version"
            for payload in batch.payloads:
                version = self._versions.get(batch.stream, 0) + 1
                self._versions[batch.stream] = version
                kind, kind_version = kind_of(payload)
                at, seq = batch.occurred_at or self.now, len(self.events) + 1
                entry = Recorded(
                    seq,
                    batch.stream,
                    version,
                    kind,
                    kind_version,
                    f"e{seq}",
                    at,
                    self.now,
                    actor,
                    console,
                    "",
                    "live",
                    payload,
                )
                self.events.append(entry)
                apply(self.state, entry)
                recorded.append(entry)
        return recorded

    def pass_time(self, minutes: float) -> None:
        self.now += minutes * MINUTES

    def reading(self, name: str, value: float | None, state: ReadingState = ReadingState.OK) -> None:
        self.readings[name] = Reading(state, value, self.now, "test")

    def declare(self, severity: Severity = Severity.SEV1) -> str:
        """The id of a new incident."""
        return self.do(DeclareIncident("P99 is high", severity, (P99,)))[0].stream.partition(":")[2]

    def run(self, playbook: LoadedPlaybook = ROLLBACK) -> str:
        """The id of a new run in a new incident."""
        return self.do(StartRun(self.declare(), playbook))[0].stream.partition(":")[2]
