"""The Board: everything a console shows, in one immutable value with a sequence number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta

from console.model.alert import Alert, AlertState
from console.model.care import AlertCare
from console.model.change import Change
from console.model.escalation import Reach
from console.model.incident import Incident
from console.model.message import ChannelProof, ChannelSpec, Delivery
from console.model.pager import PagerIncident, PagerSnapshot
from console.model.people import Actor, Person, SeverityRule
from console.model.playbook import LoadedPlaybook
from console.model.progress import Progress
from console.model.reading import Reading, ReadingState
from console.model.rollback import Readiness
from console.model.rollout import Rollout
from console.model.run import Job, Run
from console.model.shift import Handoff, Shift
from console.model.silence import Silence
from console.model.slo import SloGauge
from console.model.value import value


@value
class SourceStatus:
    """One outside system: whether it answers, when it last did, what went wrong, when it is asked again."""

    name: str
    state: ReadingState
    at: datetime | None = None
    error: str = ""
    next_try_at: datetime | None = None
    interval: timedelta = timedelta(seconds=15)
    note: str = ""
    """What to know of its answer: its clock is off, a part of it could not be read."""
    rejected: bool = False
    """It has answered the last question, and will not tell: forbidden, or there is no such thing."""

    @property
    def blind(self) -> bool:
        """Whether nothing it says can be relied on now."""
        return self.state is not ReadingState.OK


@value
class Health:
    """One component's health; `since` is when its present state was first seen by this console."""

    component: str
    up: Reading[bool]
    since: datetime | None = None
    critical_after: timedelta = timedelta(minutes=1)
    legacy: bool = False
    """Whether a rollback needs it."""

    def down_for(self, now: datetime) -> timedelta | None:
        """How long it has been down; None when it is up or unknown."""
        return now - self.since if self.up.value is False and self.since is not None else None

    def critical(self, now: datetime) -> bool:
        """Whether it has been down for long enough to be critical."""
        down = self.down_for(now)
        return down is not None and down >= self.critical_after


@value
class HealthSnapshot:
    """One round over the components' endpoints, by component name."""

    components: Mapping[str, Reading[bool]]
    at: datetime


@value
class AlertFeed:
    """The alerts, and whether their absence would mean anything. `evidence` is OK only while the always-firing alert
    is seen; `note` says what is missing otherwise."""

    alerts: tuple[Alert, ...] = ()
    evidence: ReadingState = ReadingState.NO_DATA
    at: datetime | None = None
    note: str = "not read yet"
    watchdog: str = "Watchdog"
    pages: Mapping[str, PagerIncident] = field(default_factory=dict)
    """The PagerDuty incidents that page for alerts, by the alert's fingerprint."""
    arrivals: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    """When alerts arrived during the last minutes, by fingerprint: storms and flapping are seen by it."""

    @property
    def active(self) -> tuple[Alert, ...]:
        """Alerts that are neither silenced nor inhibited, without the always-firing one."""
        always = ("alertname", self.watchdog)
        return tuple(item for item in self.alerts if item.state is AlertState.ACTIVE and always not in item.labels)


@value
class LeaseView:
    """Who runs the engine. `holder` is empty when nobody does: ESCALATION NOT RUNNING."""

    holder: str = ""
    mine: bool = False
    expires_at: datetime | None = None


@value
class Target:
    """The service and environment that the console watches and acts on."""

    service: str
    environment: str
    production: bool = True

    def __str__(self) -> str:
        return f"{self.service}/{self.environment}"


@value
class Board:
    """What is known at `at`. `number` grows with each new Board of a process."""

    number: int
    at: datetime
    mode: str
    target: Target
    actor: Actor
    read_only: bool = False
    sources: tuple[SourceStatus, ...] = ()
    slos: tuple[SloGauge, ...] = ()
    rollout: Rollout | None = None
    progress: Progress | None = None
    """The rollout by the record, with its evidence; None where no plan is configured."""
    readiness: Readiness = field(default_factory=Readiness)
    feed: AlertFeed = field(default_factory=AlertFeed)
    health: tuple[Health, ...] = ()
    incidents: tuple[Incident, ...] = ()
    runs: tuple[Run, ...] = ()
    shift: Shift | None = None
    handoffs: tuple[Handoff, ...] = ()
    lease: LeaseView = field(default_factory=LeaseView)
    head: str = ""
    """`SEQ:HASH` of the record shown."""
    not_saved: str = ""
    """Why the journal cannot be written now; empty when it can."""
    fault: str = ""
    """Why this console cannot read the record, or which part of its engine has failed; empty when all is well."""
    spooled: str = ""
    """Where unsaved events wait; empty when there are none."""
    flags: str = ""
    """The name of what can set feature flags from here; empty when that is done by hand."""
    silences: tuple[Silence, ...] = ()
    care: Mapping[str, AlertCare] = field(default_factory=dict)
    """What people said about the alerts, by fingerprint."""
    changes: tuple[Change, ...] = ()
    """Temporary changes that may be in force, and those of the incidents shown."""
    deliveries: tuple[Delivery, ...] = ()
    """What is not sent yet, what was given up, and the newest that were sent."""
    channels: tuple[ChannelSpec, ...] = ()
    proofs: Mapping[str, ChannelProof] = field(default_factory=dict)
    """When each channel was last proven, by its name."""
    pager: PagerSnapshot | None = None
    on_call: tuple[tuple[str, tuple[Reach, ...]], ...] = ()
    """(role, who holds it now), in the order of the rota."""
    on_call_at: datetime | None = None
    """When PagerDuty first named those who are on call now; None when the names are those of people.yaml."""
    retries: Mapping[str, datetime] = field(default_factory=dict)
    """When this console tries again what was not sent, by the delivery's id."""
    people: tuple[Person, ...] = ()
    environments: tuple[Target, ...] = ()
    severities: tuple[SeverityRule, ...] = ()
    playbooks: tuple[LoadedPlaybook, ...] = ()
    playbooks_read: bool = True
    """Whether anybody has looked for playbooks yet."""
    readings: Mapping[str, Reading[float]] = field(default_factory=dict)
    """Named readings that playbook checks refer to: `rollout.percent`, `health.<component>`, `guardrail.<name>`, and
    what is read for the steps under way (`query:`, `probe:`)."""
    held: Mapping[str, datetime] = field(default_factory=dict)
    """Since when the checks of the steps under way (as text) hold without interruption."""
    jobs: tuple[Job, ...] = ()
    """The programs that this console runs now."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The hash of each playbook's file as it is now, by the playbook's name; empty: the file is gone or unreadable."""
    console: str = ""
    """The id of this console, as it stands in the record: steps are held by consoles."""
    trusted: frozenset[str] = frozenset()
    """The hashes of playbook files whose programs may run, whoever may write them."""

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """Incidents that need somebody, most severe first, then oldest."""
        found = [incident for incident in self.incidents if incident.open]
        return tuple(sorted(found, key=lambda item: (item.severity.rank, item.declared_at)))

    def incident(self, incident_id: str) -> Incident | None:
        """The incident with this id, or None."""
        return next((item for item in self.incidents if item.id == incident_id), None)

    def run(self, run_id: str) -> Run | None:
        """The run with this id, or None."""
        return next((item for item in self.runs if item.id == run_id), None)

    @property
    def blind_spots(self) -> tuple[SourceStatus, ...]:
        """Sources whose silence means nothing."""
        return tuple(source for source in self.sources if source.blind)
