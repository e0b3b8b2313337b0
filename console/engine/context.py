"""The moment a decision is taken in: what the rules may look at besides the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from console.engine import rota
from console.engine.poller import Poller
from console.engine.record import Record
from console.engine.world import World
from console.model.alert import AlertState
from console.model.board import Board
from console.model.decide import Context
from console.model.decision import Proposal, Unjudged
from console.model.people import Actor, Person, SeverityRule
from console.model.playbook import LoadedPlaybook
from console.model.rollout import RolloutPlan
from console.settings.config import Config, Environment


class Moments:
    """Gives the `Context` of now. `board` makes a Board of this moment, without what judges the rollout, and `judged`
    one with it, for the few rules that ask for a proposal; `pager` asks PagerDuty."""

    def __init__(
        self,
        world: World,
        config: Config,
        environment: Environment,
        record: Record,
        board: Callable[[], Board],
        judged: Callable[[], Board],
        mode: str,
        pager: Poller | None,
        console: str = "",
    ) -> None:
        self._world, self._config, self._environment = world, config, environment
        self._record, self._board, self._judged, self._mode = record, board, judged, mode
        self._pager, self._console = pager, console
        self._standing = _standing(config.people)
        self._began = world.clock.now()

    @property
    def target(self) -> str:
        """What the engine acts for: incidents, runs and deliveries of other targets are other engines' work."""
        return str(self._environment.target)

    @property
    def plan(self) -> RolloutPlan | None:
        """What is rolled out here, and how; None where nothing is."""
        return self._config.rollout

    @property
    def console(self) -> str:
        """The console that asks: it knows that it is there."""
        return self._console

    @property
    def severities(self) -> tuple[SeverityRule, ...]:
        """The severity matrix."""
        return self._config.severities

    def pager_unheard(self) -> datetime | None:
        """When PagerDuty answered last, or since when it has been asked in vain, while it does not answer."""
        if self._pager is None:
            return None
        status = self._pager.status(self._world.clock.now())
        return (status.at or self._began) if status.blind else None

    def brief(self, actor: Actor) -> Context:
        """What a rule needs that looks at the record and the plan alone: without a Board, for what is asked often."""
        config, world = self._config, self._world
        return Context(world.clock.now(), actor, self._environment.target, world.ids.new, plan=config.rollout)

    def context(self, actor: Actor, board: Board | None = None) -> Context:
        """For a decision of `actor`. `board`: one of this moment that is made already."""
        config, world = self._config, self._world
        board = board if board is not None else self._board()
        return Context(
            now=world.clock.now(),
            actor=actor,
            target=self._environment.target,
            fresh=world.ids.new,
            severities=config.severities,
            playbooks=_Named((lambda: board.playbooks) if board.playbooks_read else (lambda: config.playbooks)),
            readings=board.readings,
            flags=world.flags.name if world.flags is not None else "",
            mode=self._mode,
            channels=world.specs,
            rota=dict(board.on_call),
            people=rota.everybody(config.people),
            teams=rota.teams(config.teams, config.people),
            alerts=board.feed.alerts,
            pages=board.feed.pages,
            # What is suppressed is not notified, whoever would be.
            paged=frozenset(
                alert.fingerprint
                for alert in board.feed.alerts
                if alert.paged and alert.state is not AlertState.SUPPRESSED
            ),
            pager_silent=world.pager is not None and (self._pager is None or self.pager_unheard() is not None),
            pager_unheard=self.pager_unheard(),
            console=self._console,
            held=board.held,
            standing=self._standing,
            settings=config.variables,
            plan=config.rollout,
            proposed=self._proposed,
        )

    def _proposed(self) -> Proposal | Unjudged | None:
        asked = self._world.clock.now()
        board = self._judged()
        if board.at < asked:  # it is the last one that could be made
            return Unjudged(board.fault)
        if board.progress is None:
            return None
        return Unjudged(board.progress.unjudged) if board.progress.unjudged else board.progress.proposal


class _Named(Mapping[str, LoadedPlaybook]):
    """Playbooks by name. The few rules that look one up may be the first that need them: they wait until they are
    read."""

    def __init__(self, playbooks: Callable[[], Iterable[LoadedPlaybook]]) -> None:
        self._playbooks = playbooks

    @cached_property
    def _named(self) -> Mapping[str, LoadedPlaybook]:
        return {loaded.playbook.name: loaded for loaded in self._playbooks()}

    def __getitem__(self, name: str) -> LoadedPlaybook:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)


def _standing(people: Iterable[Person]) -> Mapping[str, tuple[str, ...]]:
    """The roles that people have by people.yaml, by what they may be called in the record: name and login."""
    found: dict[str, tuple[str, ...]] = {}
    for person in people:
        for name in {person.name, person.login}:
            found[name] = (*found.get(name, ()), *person.roles)
    return found
