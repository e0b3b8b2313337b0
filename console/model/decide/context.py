"""What a decision may look at besides the state, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from console.model.alert import Alert
from console.model.board import Target
from console.model.decision import Proposal, Unjudged
from console.model.escalation import Reach, Team
from console.model.message import ChannelSpec
from console.model.pager import PagerIncident
from console.model.people import Actor, Severity, SeverityRule
from console.model.playbook import LoadedPlaybook
from console.model.reading import Reading
from console.model.rollout import RolloutPlan
from console.model.value import value


class Refusal(Exception):
    """Why a command is not carried out: one line, for the operator."""


@value
class Batch:
    """Events for one stream, decided on its version `expected` (0: new). `occurred_at` None means now."""

    stream: str
    expected: int
    payloads: tuple[Any, ...]
    occurred_at: datetime | None = None


@value
class Context:
    """The moment a decision is taken in. `fresh` gives a new id; `readings` are those of the Board on the screen."""

    now: datetime
    actor: Actor
    target: Target
    fresh: Callable[[], str]
    severities: tuple[SeverityRule, ...] = ()
    playbooks: Mapping[str, LoadedPlaybook] = field(default_factory=dict)
    readings: Mapping[str, Reading[float]] = field(default_factory=dict)
    flags: str = ""
    """The name of what can set flags; empty when that is done by hand."""
    mode: str = "live"
    """live, demo or drill: said in every message."""
    channels: tuple[ChannelSpec, ...] = ()
    """What can be told."""
    rota: Mapping[str, tuple[Reach, ...]] = field(default_factory=dict)
    """Who holds the roles of the rota now, and how they are reached."""
    teams: tuple[tuple[Team, tuple[Reach, ...]], ...] = ()
    pages: Mapping[str, PagerIncident] = field(default_factory=dict)
    """The PagerDuty incidents that page for alerts, by the alert's fingerprint."""
    paged: frozenset[str] = frozenset()
    """Fingerprints of the alerts that Alertmanager itself sends to PagerDuty: those are never triggered again."""
    pager_silent: bool = False
    """Whether PagerDuty is configured and does not answer: what it is said to page for is not known to be paged."""
    people: tuple[Reach, ...] = ()
    """Everybody in `people.yaml`, and how they are reached."""
    alerts: tuple[Alert, ...] = ()
    """Those of the feed."""

    console: str = ""
    """The id of the console that decides: steps are held by consoles."""
    held: Mapping[str, datetime] = field(default_factory=dict)
    """Since when a check (as text) has been seen to hold without interruption; only checks that hold now."""
    standing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The roles that people have by people.yaml, by their names."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """`variables` of console.yaml: what playbooks mean by `config.NAME`."""
    pager_unheard: datetime | None = None
    """When PagerDuty answered last, while it does not; None while it does, or where there is none."""
    plan: RolloutPlan | None = None
    """The plan of the rollout; None where there is none."""
    proposed: Callable[[], Proposal | Unjudged | None] = lambda: None
    """What the criteria say of its next phase now; None where nothing is to be said. Asked, for few rules need it, and
    it is much to compute."""

    def rule(self, severity: Severity) -> SeverityRule | None:
        """What the severity matrix asks, if it says anything of this severity."""
        return next((rule for rule in self.severities if rule.severity is severity), None)

    def acknowledge_by(self, severity: Severity) -> datetime | None:
        """When a response clock that starts now ends; None without one."""
        rule = self.rule(severity)
        return self.now + rule.acknowledge_within if rule is not None else None

    def update_due(self, severity: Severity) -> datetime | None:
        """When the next status update is due from now; None where none is asked for."""
        rule = self.rule(severity)
        return self.now + rule.update_every if rule is not None and rule.update_every is not None else None


def required(text: str, what: str) -> str:
    """`text` without surrounding blanks. Raises Refusal when nothing is left."""
    text = text.strip()
    if not text:
        raise Refusal(f"{what} is empty; say it in a few words")
    return text
