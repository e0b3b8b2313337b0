"""What a configuration folder says, typed. `load` builds it; nothing here touches a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path

from console.model.board import Target
from console.model.escalation import OnCallRole, Team
from console.model.guard import Invariant, PhaseGuard
from console.model.people import Person, SeverityRule
from console.model.playbook import LoadedPlaybook
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import Risk
from console.model.slo import Objective
from console.model.value import value
from console.settings.library import Library
from console.settings.outside import Alertmanager, FlagSettings, Notify
from console.settings.outside import Component as Component
from console.settings.outside import HttpSource as HttpSource
from console.settings.outside import SecretRef as SecretRef


@value
class Environment:
    """Everything that is watched for one service in one environment."""

    target: Target
    prometheus: HttpSource | None = None
    alertmanagers: tuple[Alertmanager, ...] = ()
    watchdog: str = "Watchdog"
    components: tuple[Component, ...] = ()
    health_interval: timedelta = timedelta(seconds=15)
    health_timeout: timedelta = timedelta(seconds=3)
    notify: Notify = field(default_factory=Notify)
    """Each environment has its own: staging never pages production's people."""
    flags: FlagSettings | None = None
    """None: flags are set by hand."""


@value
class Link:
    """A link that is offered on an alert or incident. `url` may hold `{label}` and `{annotation.NAME}`, filled in
    URL-quoted; a link whose parts are missing is not offered. https and http only."""

    title: str
    url: str


@value
class SavedFilter:
    """A filter of the alert feed by name."""

    name: str
    filter: str


@value
class Config:
    """A whole configuration folder."""

    folder: Path
    environments: tuple[Environment, ...]
    people: tuple[Person, ...]
    severities: tuple[SeverityRule, ...]
    rollout: RolloutPlan | None
    """With the guardrails and invariants of slo/ among its own."""
    objectives: tuple[Objective, ...]
    library: Library = field(default_factory=Library.of)
    links: tuple[Link, ...] = ()
    filters: tuple[SavedFilter, ...] = ()
    on_call: tuple[OnCallRole, ...] = ()
    teams: tuple[Team, ...] = ()
    bell: bool = True
    """Whether new critical things ring the terminal's bell and send an OSC 9 notification."""
    runbooks: Path | None = None
    """A folder of Markdown runbooks, by alert name."""
    journal: Path | None = None
    journal_group: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    """(action id, key names separated by commas): the operator's own keys."""
    roles: tuple[str, ...] = ()
    """Who may own a step, most senior first."""
    playbook_folder: Path = Path()
    """Where the playbooks are, those that cannot be read among them."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What playbooks mean by `config.NAME`."""
    guards: tuple[PhaseGuard | Invariant, ...] = ()
    """What slo/ says of the rollout."""
    risks: tuple[Risk, ...] = ()
    """The risk register of the rollout."""
    own_warnings: tuple[str, ...] = ()
    """What is to be said of the files that are no playbooks."""

    @property
    def playbooks(self) -> tuple[LoadedPlaybook, ...]:
        """Those without a mistake. The first to ask waits until they are read."""
        return self.library.read().playbooks

    @property
    def broken(self) -> tuple[str, ...]:
        """One line for each mistake in a playbook that was left out for it. The first to ask waits, too."""
        return self.library.read().broken

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each thing that was accepted but is probably not meant; `oncall check` prints them. The first to
        ask waits, too."""
        return tuple(dict.fromkeys((*self.own_warnings, *self.library.read().warnings)))

    def environment(self, name: str = "") -> Environment:
        """The environment called `service/environment` or `environment`; the first one when no name is given.

        Raises KeyError.
        """
        if not name:
            return self.environments[0]
        for item in self.environments:
            if name in (str(item.target), item.target.environment):
                return item
        raise KeyError(name)
