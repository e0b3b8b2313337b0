"""Whether a rollback is possible now: the proofs from what the sources have said anyway, and what is in the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from console.engine.aside import Aside
from console.engine.history import History
from console.engine.poller import Poller
from console.engine.sources import FLAGS, METRICS
from console.engine.world import World
from console.model.board import Health, SourceStatus
from console.model.escalation import Reach
from console.model.pager import PagerSnapshot
from console.model.readiness import Facts, assess
from console.model.reading import Reading, ReadingState, missing
from console.model.rollback import TITLES, Proof, Readiness, StandingProof
from console.model.state import State
from console.model.text import safe
from console.ports import SourceError
from console.settings.config import Config, Environment

SCOPE_EVERY = timedelta(minutes=10)
"""How often the permissions are asked for."""


class Scope:
    """What the credentials of the flag's provider allow, in words. Asked in the poller's thread, after the flag was
    read."""

    def __init__(self, world: World, flag: str) -> None:
        self._flags, self._flag, self._clock = world.flags, flag, world.clock
        self._due = 0.0
        self.words = ""

    def look(self, _: object) -> None:
        """Asks, when it is time. Never raises: nothing depends on it."""
        if self._flags is None or (self.words and self._clock.monotonic() < self._due):
            return
        self._due = self._clock.monotonic() + SCOPE_EVERY.total_seconds()
        try:
            self.words = safe(self._flags.scope(self._flag), 200)
        except SourceError as error:
            self.words = safe(f"its permissions cannot be read: {error}", 200)


class ReadinessMaker:
    """Puts together how a rollback stands. Nothing is asked for it but the permissions: these are the readings of the
    sources' own rounds."""

    def __init__(
        self,
        world: World,
        config: Config,
        environment: Environment,
        pollers: Mapping[str, Poller],
        mode: str,
        aside: Aside,
    ) -> None:
        self._plan, self._target, self._live = config.rollout, str(environment.target), mode == "live"
        self._provider = world.flags.name if world.flags is not None else ""
        self._pager = world.pager.name if world.pager is not None else ""
        self.history = History(world, config, environment, pollers, mode, aside)
        self._of: tuple[datetime, Facts] | None = None
        self._proofs: tuple[Proof, ...] = ()
        self._scope = Scope(world, self._plan.flag if self._plan is not None else "")
        if FLAGS in pollers:
            pollers[FLAGS].prepare = self._scope.look

    def make(
        self,
        state: State,
        now: datetime,
        status: Mapping[str, SourceStatus],
        readings: Mapping[str, Reading[float]],
        health: Sequence[Health],
        on_call: Sequence[tuple[str, tuple[Reach, ...]]],
        pager: PagerSnapshot | None,
        hashes: Mapping[str, str] | None,
    ) -> Readiness:
        """How it stands now. `status` of the sources, by name; `pager` is what PagerDuty said last; `hashes` are those
        of the playbooks' files as they are, None while nobody has looked."""
        plan, flags = self._plan, status.get(FLAGS)
        playbook = plan.rollback.playbook if plan is not None and plan.rollback is not None else ""
        estimate = self.history.estimate(state, now, readings)
        facts = Facts(
            plan=plan,
            readings=readings,
            standing=standing_of(state, self._target),
            unread=_unread(status.get(METRICS)),
            legacy=_legacy(health),
            provider=self._provider,
            refused=flags.error if flags is not None and flags.rejected else "",
            scope=self._scope.words,
            drain=estimate.drain,
            practised=self.history.practised(state),
            playbook_hash=hashes.get(playbook, "") if hashes is not None else None,
            on_call=tuple(reach for _, reaches in on_call for reach in reaches),
            pager=_answers(status.get(self._pager)),
            paged=frozenset(entry.person_id for entry in pager.on_calls if entry.person_id) if pager else frozenset(),
            live=self._live,
        )
        # As often as something changes, and once a second: several Boards are made in one.
        of = (now.replace(microsecond=0), facts)
        if self._of != of:
            self._proofs, self._of = assess(facts, now), of
        return Readiness(self._proofs, estimate)


def standing_of(state: State, target: str) -> Mapping[str, StandingProof]:
    """What is in the record of a target's proofs, by their names."""
    found = {name: state.standing.get(f"{target}/{name}") for name in TITLES}
    return {name: proof for name, proof in found.items() if proof is not None}


def _unread(metrics: SourceStatus | None) -> str:
    if metrics is None:
        return "no metric source is configured: prometheus in console.yaml"
    return metrics.error or "not read yet"


def _legacy(health: Sequence[Health]) -> Reading[bool] | None:
    """The health of the legacy path: of several components, the one that stands worst."""
    rows = [row.up for row in health if row.legacy]
    return min(rows, key=lambda up: (up.value is not False, up.known, up.ok), default=None)


def _answers(status: SourceStatus | None) -> Reading[bool] | None:
    """Whether PagerDuty answers; None where there is none."""
    if status is None:
        return None
    if status.state is ReadingState.OK:
        return Reading(ReadingState.OK, True, status.at, status.name)
    return missing(status.state, status.name, status.error or f"{status.name} has not answered yet", status.at)
