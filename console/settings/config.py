"""What a configuration folder says, typed. `load` builds it; nothing here touches a file."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from pathlib import Path

from console.model.board import Target
from console.model.people import Person, SeverityRule
from console.model.playbook import LoadedPlaybook
from console.model.rollout import RolloutPlan
from console.model.slo import Objective
from console.model.value import value


@value
class SecretRef:
    """Where a secret is: `env:NAME` or `file:PATH`. The secret itself is never part of the configuration."""

    scheme: str
    name: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"


@value
class HttpSource:
    """An HTTP server to ask. `token` is sent as a bearer token; `headers` are fixed: a tenant's id."""

    name: str
    url: str
    interval: timedelta = timedelta(seconds=15)
    timeout: timedelta = timedelta(seconds=5)
    token: SecretRef | None = None
    headers: tuple[tuple[str, str], ...] = ()


@value
class Component:
    """A part of the service with a health endpoint. An answer of 200 to 299 is healthy."""

    name: str
    url: str
    critical_after: timedelta = timedelta(minutes=1)
    legacy: bool = False
    """Whether a rollback needs it."""


@value
class Notify:
    """Outgoing channels. `oncall check` proves that their secrets are set."""

    pagerduty: SecretRef | None = None
    slack: SecretRef | None = None
    grafana: SecretRef | None = None


@value
class Environment:
    """Everything that is watched for one service in one environment."""

    target: Target
    prometheus: HttpSource | None = None
    alertmanager: HttpSource | None = None
    watchdog: str = "Watchdog"
    components: tuple[Component, ...] = ()
    health_interval: timedelta = timedelta(seconds=15)
    health_timeout: timedelta = timedelta(seconds=3)


@value
class Config:
    """A whole configuration folder."""

    folder: Path
    environments: tuple[Environment, ...]
    people: tuple[Person, ...]
    severities: tuple[SeverityRule, ...]
    rollout: RolloutPlan | None
    objectives: tuple[Objective, ...]
    playbooks: tuple[LoadedPlaybook, ...]
    notify: Notify = field(default_factory=Notify)
    journal: Path | None = None
    journal_group: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    """(action id, key names separated by commas): the operator's own keys."""
    roles: tuple[str, ...] = ()
    """Who may own a step, most senior first."""
    warnings: tuple[str, ...] = ()
    """One line for each thing that was accepted but is probably not meant; `oncall check` prints them."""

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
