"""Puts the Board together from what the sources said and what the record says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from console.engine import faults
from console.engine.aside import Aside
from console.engine.deciding import CRITERIA, http_readings
from console.engine.feed import FeedKeeper
from console.engine.history import History
from console.engine.metrics import MetricAnswers, rollout, stale, unread
from console.engine.progress import Judges, with_progress
from console.engine.readiness import ReadinessMaker
from console.engine.rota import rota
from console.engine.share import PERCENT, measured
from console.engine.sources import FLAG_PERCENT, FLAGS, METRICS, PLAYBOOKS, flag_percent, silences_of
from console.model.board import Board, Health, HealthSnapshot, SourceStatus, Target
from console.model.care import AlertCare
from console.model.change import Change
from console.model.decide.pager import own_key
from console.model.incident import Incident
from console.model.pager import KnownOnCalls, OnCall
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import Readiness, unproven
from console.model.rollout import Rollout, RolloutPlan
from console.model.run import Job, Run
from console.model.slo import Objective, SloGauge
from console.model.state import State
from console.settings.config import Component, Config, Environment

if TYPE_CHECKING:
    from console.engine.lease import LeaseKeeper
    from console.engine.poller import Poller
    from console.engine.record import Record
    from console.engine.runs import Watching
    from console.engine.world import World
    from console.model.people import Actor
    from console.ports import PlaybookSnapshot

ENDED_SHOWN = 20
"""How many ended incidents stay on the Board."""


class BoardMaker:
    """Looks at everything the engine has and makes a Board of it. `faults` are those of the engine's tasks."""

    def __init__(
        self,
        world: World,
        config: Config,
        environment: Environment,
        actor: Actor,
        record: Record,
        lease: LeaseKeeper,
        pollers: Mapping[str, Poller],
        faults: Mapping[str, str],
        retries: Callable[[], Mapping[str, datetime]],
        watching: Watching,
        jobs: Callable[[], tuple[Job, ...]],
        aside: Aside,
        *,
        console: str,
        mode: str,
        read_only: bool,
        kept: Callable[[], tuple[SloGauge, ...]] = tuple,
        judges: Judges | None = None,
    ) -> None:
        self._judges = judges if judges is not None else Judges()
        self._kept = kept
        self._world, self._config, self._environment, self._actor = world, config, environment, actor
        self._record, self._lease, self._pollers, self._faults = record, lease, pollers, faults
        self._retries, self._watching, self._jobs, self._console = retries, watching, jobs, console
        self._mode, self._read_only = mode, read_only
        self._health: dict[str, Health] = {}
        self._noted = ""
        """The fault that is in the log already."""
        self._cared, self._told, self._care_now = State(), 0, dict[str, AlertCare]()
        asked = environment.alertmanagers[: len(world.alerts)]
        self._alert_sources = [item.source.name for item in asked]
        self._feed = FeedKeeper(asked, environment.watchdog)
        for name in self._alert_sources:
            pollers[name].prepare = partial(self._feed.prepare, name)
        self._silences = [silences_of(silences.cluster) for silences in world.silences]
        self._readiness = ReadinessMaker(world, config, environment, pollers, mode, aside)

    def _worth_saying(self, status: SourceStatus, statuses: Mapping[str, SourceStatus]) -> bool:
        """Silences come from the Alertmanagers: they are named only when they fail alone. The playbooks' files and
        the endpoints of criteria are named when there is something wrong with them."""
        if status.name in (PLAYBOOKS, CRITERIA):
            return bool(status.error or status.note)
        if status.name not in self._silences:
            return True
        alone = any(statuses[name].state is ReadingState.OK for name in self._alert_sources)
        return alone and status.state in (ReadingState.UNREACHABLE, ReadingState.STALE)

    def _care(self) -> Mapping[str, AlertCare]:
        """The record's own changes, and a Board does not: one copy for all Boards until something is said anew."""
        state = self._record.state
        if self._cared is not state or self._told != state.told:
            self._cared, self._told, self._care_now = state, state.told, dict(state.care)
        return self._care_now

    def _on_calls(self) -> KnownOnCalls:
        """Who PagerDuty said last is on call: also while it does not answer."""
        target = str(self._environment.target)
        return self._record.state.on_call.get(target, KnownOnCalls(target))

    def schedule(self) -> Sequence[OnCall]:
        """Who PagerDuty said last is on call, and until when."""
        return self._on_calls().on_calls

    @property
    def history(self) -> History:
        """How long rollbacks take."""
        return self._readiness.history

    def timed(self, board: Board) -> Readiness:
        """The Board's readiness with when a rollback must begin, and how much longer the one under way takes."""
        return self.history.completed(self._record.state, board)

    def _ready(self, make: Callable[[], Readiness]) -> tuple[Readiness, str]:
        """How a rollback stands, and what to say of a fault of ours: then nothing is proven, and it can be started all
        the same."""
        try:
            return make(), ""
        except Exception as error:  # One part of the Board must not take the others down, and is never a proof.
            told = f"fault in the proofs: {type(error).__name__}"
            if told != self._noted:  # once, and not with every Board
                faults.note(told, error)
                self._noted = told
            return unproven(told), told

    def make(self, number: int) -> Board:
        """The Board of this moment."""
        return with_progress(self.without_evidence(number), self._config.rollout, self._record.state, self._judges)

    def without_evidence(self, number: int) -> Board:
        """It without what judges the rollout, for whoever looks at readings alone."""
        now, known = self._world.clock.now(), self._on_calls()
        status = {name: poller.status(now) for name, poller in self._pollers.items()}
        values = {name: poller.value for name, poller in self._pollers.items()}
        record, environment, config = self._record, self._environment, self._config
        absent = SourceStatus("prometheus", ReadingState.UNREACHABLE, error="no metric source is configured")
        slos, present, readings = metric_panels(
            values.get(METRICS),
            status.get(METRICS, absent),
            config.objectives,
            config.rollout,
            now,
            self._kept(),
            flag_percent(values[FLAGS], status[FLAGS]) if FLAGS in status else None,
        )
        health = health_rows(values.get("health"), self._health, environment.components, status.get("health"), now)
        self._health = {row.component: row for row in health}
        pager = values.get(self._world.pager.name) if self._world.pager is not None else None
        ours = frozenset(own_key(item.id) for item in record.state.incidents.values() if item.open)
        feed = self._feed.feed(values, {name: status[name] for name in self._alert_sources}, pager, now, ours)
        incidents = shown_incidents(record.state, environment.target)
        readings |= {f"health.{row.component}": row.up.map(float) for row in health}
        if FLAGS in status:
            readings[FLAG_PERCENT] = flag_percent(values[FLAGS], status[FLAGS])
        readings |= self._watching.readings(now)
        readings |= http_readings(values.get(CRITERIA), now)
        files: PlaybookSnapshot | None = values.get(PLAYBOOKS)
        shelf = config.library.known
        playbooks = files.playbooks if files is not None else shelf.playbooks if shelf is not None else ()
        hashes = files.files if files is not None else {item.playbook.name: item.hash for item in playbooks}
        on_call = tuple(rota(config.on_call, config.people, known.on_calls).items())
        readiness, fault = self._ready(
            lambda: self._readiness.make(
                record.state,
                now,
                status,
                readings,
                health,
                on_call,
                pager,
                hashes if files is not None or shelf is not None else None,
            )
        )
        return Board(
            number=number,
            at=now,
            mode=self._mode,
            target=environment.target,
            actor=self._actor,
            read_only=self._read_only,
            sources=tuple(item for item in status.values() if self._worth_saying(item, status)),
            slos=slos,
            rollout=present,
            readiness=readiness,
            feed=feed,
            health=health,
            incidents=incidents,
            runs=shown_runs(record.state, incidents),
            shift=record.state.shift,
            handoffs=tuple(handoff for handoff in record.state.handoffs.values() if handoff.open),
            lease=self._lease.view(),
            head=record.head,
            not_saved=record.not_saved or (record.journal.writable if not self._read_only else ""),
            fault="; ".join(filter(None, (record.fault, *self._faults.values(), fault))),
            spooled=self._world.spool.where if record.unsaved else "",
            flags=self._world.flags.name if self._world.flags is not None else "",
            silences=tuple(item for name in self._silences for item in values[name] or ()),
            care=self._care(),
            changes=shown_changes(record.state, incidents, now),
            deliveries=tuple(record.state.deliveries.values()),
            channels=self._world.specs,
            proofs=dict(record.state.proofs),
            pager=pager,
            on_call=on_call,
            on_call_at=known.at,
            retries=self._retries(),
            people=config.people,
            environments=tuple(item.target for item in config.environments),
            severities=config.severities,
            playbooks=playbooks,
            playbooks_read=files is not None or shelf is not None,
            readings=readings,
            held=self._watching.held,
            jobs=self._jobs(),
            files=hashes,
            console=self._console,
            trusted=frozenset(record.state.trusted),
        )


def metric_panels(
    answers: MetricAnswers | None,
    status: SourceStatus,
    objectives: Sequence[Objective],
    plan: RolloutPlan | None,
    now: datetime,
    kept: tuple[SloGauge, ...] = (),
    flag: Reading[float] | None = None,
) -> tuple[tuple[SloGauge, ...], Rollout | None, dict[str, Reading[float]]]:
    """Gauges, rollout and named readings. What an unreachable source said before is stale; `kept` are the gauges to
    show when it has not said anything yet. `flag`: the share that the flag gives, None where nobody tells."""
    if answers is None and status.state is not ReadingState.NO_DATA:
        return _blank(objectives, plan, missing(status.state, status.name, status.error), kept)
    answers = answers or MetricAnswers(gauges=unread(objectives))
    named = {name: _dated(reading, status, now) for name, reading in answers.readings.items()}
    if plan is not None and PERCENT in named:
        named[PERCENT] = measured(plan, named, flag)
    slos = answers.gauges
    if any(_dated(gauge.burn, status, now) is not gauge.burn for gauge in slos):
        slos = tuple(map(stale, slos))
    present = rollout(replace(answers, readings=named), plan) if plan is not None else None
    for item in present.guardrails if present is not None else ():
        if (name := f"guardrail.{item.rule.name}") in named:
            named[name] = item.told
    named |= {f"slo.{gauge.objective.name}.burn": gauge.burn for gauge in slos}
    named |= {f"slo.{gauge.objective.name}.budget_left": gauge.budget_left for gauge in slos}
    return slos, present, named


def _blank(
    objectives: Sequence[Objective], plan: RolloutPlan | None, lost: Reading[Any], kept: tuple[SloGauge, ...]
) -> tuple[tuple[SloGauge, ...], Rollout | None, dict[str, Reading[float]]]:
    slos = tuple(item if item.ratio.known else unread([item.objective], lost)[0] for item in kept)
    slos = slos or unread(objectives, lost)
    named: dict[str, Reading[float]] = {}
    for gauge in slos:
        for what, reading in (("burn", gauge.burn), ("budget_left", gauge.budget_left)):
            named[f"slo.{gauge.objective.name}.{what}"] = reading if reading.known else lost
    if plan is None:
        return slos, None, named
    named |= {f"guardrail.{rule.name}": lost for rule in plan.guardrails}
    named |= {f"reading.{name}": lost for name, _ in plan.readings} | {"rollout.percent": lost}
    named |= {f"capacity.{item.name}.{part}": lost for item in plan.capacities for part in ("used", "limit")}
    blank = rollout(MetricAnswers(), plan)
    guardrails = tuple(replace(guardrail, value=lost) for guardrail in blank.guardrails)
    return slos, replace(blank, percent=lost, since=lost, guardrails=guardrails), named


def _dated(reading: Reading[float], status: SourceStatus, now: datetime) -> Reading[float]:
    if status.state is ReadingState.UNREACHABLE and reading.known:
        return replace(reading, state=ReadingState.STALE)
    # The long windows are read once a minute, whatever the interval is.
    return reading.aged(now, max(3 * status.interval, timedelta(minutes=3)))


def health_rows(
    snapshot: HealthSnapshot | None,
    before: Mapping[str, Health],
    components: Sequence[Component],
    status: SourceStatus | None,
    now: datetime,
) -> tuple[Health, ...]:
    """One row per component, with the instant its present state was first seen."""
    rows = []
    for component in components:
        up: Reading[bool] = missing(ReadingState.NO_DATA, "health", "not read yet")
        if snapshot is not None and component.name in snapshot.components:
            up = snapshot.components[component.name]
            if status is not None and status.state in (ReadingState.UNREACHABLE, ReadingState.STALE):
                up = replace(up, state=ReadingState.STALE)
        known = before.get(component.name)
        same = known is not None and known.up.value == up.value and known.since is not None
        since = known.since if known is not None and same else (up.at or now) if up.known else None
        rows.append(Health(component.name, up, since, component.critical_after, component.legacy))
    return tuple(rows)


def shown_incidents(state: State, target: Target) -> tuple[Incident, ...]:
    """All open incidents of what this console watches, and the newest ended ones."""
    here = [
        item
        for item in state.incidents.values()
        if (item.service, item.environment) == (target.service, target.environment)
    ]
    kept = {incident.id for incident in [item for item in here if not item.open][-ENDED_SHOWN:]}
    return tuple(item for item in here if item.open or item.id in kept)


def shown_changes(state: State, incidents: Sequence[Incident], now: datetime) -> tuple[Change, ...]:
    """What may be in force, and what was changed for the incidents shown."""
    shown = {incident.id for incident in incidents}
    return tuple(item for item in state.changes.values() if item.in_force(now) or item.incident in shown)


def shown_runs(state: State, incidents: Sequence[Incident]) -> tuple[Run, ...]:
    """The runs of the incidents shown."""
    shown = {incident.id for incident in incidents}
    return tuple(run for run in state.runs.values() if run.incident in shown)
