"""Puts the Board together from what the sources said and what the record says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from console.engine import faults
from console.engine.aside import Aside
from console.engine.deciding import CRITERIA
from console.engine.feed import FeedKeeper
from console.engine.history import History
from console.engine.kept import Kept
from console.engine.progress import Judges, progress_of, with_progress
from console.engine.readiness import ReadinessMaker
from console.engine.rota import rota
from console.engine.said import Hearing
from console.engine.sources import PLAYBOOKS, silences_of
from console.model.board import Board, SourceStatus, Target
from console.model.care import AlertCare
from console.model.change import Change
from console.model.decide.pager import own_key
from console.model.incident import Incident
from console.model.pager import KnownOnCalls, OnCall
from console.model.progress import Progress
from console.model.reading import ReadingState
from console.model.rollback import Readiness, unproven
from console.model.run import Job, Run
from console.model.slo import SloGauge
from console.model.state import State
from console.settings.config import Config, Environment

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
_UNASKED = unproven("not asked for")


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
        self._world, self._config, self._environment, self._actor = world, config, environment, actor
        self._record, self._lease, self._pollers, self._faults = record, lease, pollers, faults
        self._retries, self._watching, self._jobs, self._console = retries, watching, jobs, console
        self._mode, self._read_only = mode, read_only
        self._same = Kept()
        self._noted = ""
        """The fault that is in the log already."""
        self._cared, self._told, self._care_now = State(), 0, dict[str, AlertCare]()
        asked = environment.alertmanagers[: len(world.alerts)]
        self._alert_sources = [item.source.name for item in asked]
        self._feed = FeedKeeper(asked, environment.watchdog)
        for name in self._alert_sources:
            pollers[name].prepare = partial(self._feed.prepare, name)
        self._silences = [silences_of(silences.cluster) for silences in world.silences]
        self._hearing = Hearing(config, environment, watching, kept)
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

    def timed(self, board: Board, progress: Progress) -> Readiness:
        """The Board's readiness with when a rollback must begin, and how much longer the one under way takes."""
        return self.history.completed(self._record.state, board, progress)

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
        return with_progress(self._made(number, judged=True), self._judges)

    def without_evidence(self, number: int) -> Board:
        """It without what judges the rollout and how a rollback stands, for whoever looks at readings alone."""
        return self._made(number, judged=False)

    def _made(self, number: int, *, judged: bool) -> Board:
        now, known = self._world.clock.now(), self._on_calls()
        status = {name: poller.status(now) for name, poller in self._pollers.items()}
        values = {name: poller.value for name, poller in self._pollers.items()}
        record, environment, config = self._record, self._environment, self._config
        said = self._hearing.now(values, status, now)
        readings = said.readings
        progress = None
        if judged and config.rollout is not None:
            progress = progress_of(config.rollout, record.state, str(environment.target), readings)
        pager = values.get(self._world.pager.name) if self._world.pager is not None else None
        ours = frozenset(own_key(item.id) for item in record.state.incidents.values() if item.open)
        feed = self._feed.feed(values, {name: status[name] for name in self._alert_sources}, pager, now, ours)
        incidents = shown_incidents(record.state, environment.target)
        files: PlaybookSnapshot | None = values.get(PLAYBOOKS)
        shelf = config.library.known
        playbooks = files.playbooks if files is not None else shelf.playbooks if shelf is not None else ()
        hashes = files.files if files is not None else {item.playbook.name: item.hash for item in playbooks}
        on_call = self._same.get(
            "on call",
            known,
            lambda: tuple(rota(config.on_call, config.people, known.on_calls).items()),
        )
        readiness, fault = _UNASKED, ""
        if judged:
            readiness, fault = self._ready(
                lambda: self._readiness.make(
                    record.state,
                    now,
                    status,
                    readings,
                    said.health,
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
            slos=said.slos,
            rollout=said.rollout,
            readiness=readiness,
            progress=progress,
            feed=feed,
            health=said.health,
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
