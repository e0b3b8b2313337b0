"""What files are made of, and what they all say alike: names, labels, annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from console.model.alert import AlertRef
from console.model.escalation import Team
from console.model.gotemplate import readable
from console.model.guard import Invariant, PhaseGuard
from console.model.people import Severity, SeverityRule
from console.model.playbook import LoadedPlaybook
from console.model.rollout import GuardrailRule, RolloutPlan
from console.model.slo import Objective
from console.model.text import quoted, safe
from console.model.value import value
from console.settings.config import Config, Environment
from console.view.offers import rank

CRITICAL, WARNING = "critical", "warning"
"""Severity labels: somebody is paged; somebody reads it."""
SECURITY = "security"
"""The team whose guardrails have a dashboard of their own."""

_UNITS = (
    ("y", 31_536_000_000, True),
    ("w", 604_800_000, True),
    ("d", 86_400_000, False),
    ("h", 3_600_000, False),
    ("m", 60_000, False),
    ("s", 1_000, False),
    ("ms", 1, False),
)
"""In milliseconds, and whether the unit is used only where nothing is left over."""


@value
class Made:
    """The files of one kind, by name, and what somebody should know of them."""

    files: Mapping[str, str]
    notes: tuple[str, ...] = ()


@value
class Plan:
    """One environment with what its files say. `secrets` is a folder on Alertmanager's host, `heartbeat` the address
    of a dead man's switch; empty: there is none."""

    environment: Environment
    objectives: tuple[Objective, ...]
    rollout: RolloutPlan | None
    teams: tuple[Team, ...]
    severities: tuple[SeverityRule, ...]
    playbooks: tuple[LoadedPlaybook, ...]
    version: str
    guards: tuple[PhaseGuard | Invariant, ...] = ()
    secrets: str = "/etc/alertmanager/secrets"
    heartbeat: str = ""

    @property
    def service(self) -> str:
        """The service's name."""
        return self.environment.target.service

    @property
    def place(self) -> dict[str, str]:
        """The labels that say where an alert is from."""
        return {"service": self.service, "environment": self.environment.target.environment}

    def rule(self, severity: Severity) -> SeverityRule | None:
        """The row of the severity matrix."""
        return next((item for item in self.severities if item.severity is severity), None)

    def team(self, name: str) -> dict[str, str]:
        """The label of the team that something is named after: `security`, or `no-security-violations`."""
        words = name.split("-")
        return next(({"team": team.name} for team in self.teams if team.name in (name, *words)), {})

    def hints(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Annotations: the runbook's id, which is the alert's name, and the ids of the playbooks that fit an alert
        with these labels, best first."""
        alert = AlertRef("", labels["alertname"], labels=tuple(labels.items()))
        severity = Severity.SEV2 if labels.get("severity") == CRITICAL else Severity.SEV3
        fit = [offer.loaded.playbook.name for offer in rank(self.playbooks, [alert], severity) if offer.fits]
        return {"runbook": literal(labels["alertname"])} | ({"playbook": ", ".join(fit)} if fit else {})


def plan_of(config: Config, environment: Environment, version: str, **settings: str) -> Plan:
    """What concerns one environment of a configuration; `settings` may be `secrets` and `heartbeat`."""
    service = environment.target.service
    return Plan(
        environment,
        tuple(item for item in config.objectives if item.service in ("", service)),
        config.rollout,
        config.teams,
        config.severities,
        config.playbooks,
        version,
        config.guards,
        **settings,
    )


@value
class Guarded:
    """A guardrail or invariant: as it is shown, as slo/ has it (None: rollout.yaml has it), and the labels of its
    alerts but for the severity."""

    rule: GuardrailRule
    guard: PhaseGuard | Invariant | None
    labels: Mapping[str, str]

    @property
    def security(self) -> bool:
        """Whether it belongs to those who look after security: what may never happen does."""
        return isinstance(self.guard, Invariant) or self.labels.get("team") == SECURITY


def guarded(plan: Plan) -> Iterator[Guarded]:
    """The guardrails and invariants of the rollout."""
    if plan.rollout is None:
        return
    guards = {guard.name: guard for guard in plan.guards}
    for rule in plan.rollout.guardrails:
        labels = {"rollout": plan.rollout.name, "guardrail": rule.name, "component": plan.rollout.new_path}
        yield Guarded(rule, guards.get(rule.name), plan.place | labels | plan.team(rule.name))


def span(length: timedelta) -> str:
    """A length of time as Prometheus, and Sloth after it, writes it: 30d, but 4w for 28 d and 1d for 24 h."""
    left = round(length.total_seconds() * 1000)
    said = ""
    for unit, size, exact in _UNITS:
        if left >= size and not (exact and left % size):
            said += f"{left // size}{unit}"
            left %= size
    return said


def number(amount: float) -> str:
    """Without the last digits, which are those of the binary fraction."""
    return f"{amount:.12g}"


def selector(labels: Mapping[str, str]) -> str:
    """`{name="value", ...}`."""
    return "{" + ", ".join(f"{name}={quoted(text)}" for name, text in labels.items()) + "}"


def literal(text: str) -> str:
    """Text that stands in a template of Prometheus as it is."""
    return re.sub(r"\{\{", '{{ "{{" }}', safe(text))


def template(text: str) -> str:
    """An annotation as somebody wrote it: a template of Prometheus where it can surely be read, else text."""
    return text if readable(text) else literal(text)


def literals(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of an alert, whose values are templates to Prometheus, as they are."""
    return {name: literal(text) for name, text in labels.items()}


def camel(*words: str) -> str:
    """`P99 latency` as `P99Latency`."""
    parts = re.findall(r"[a-zA-Z0-9]+", " ".join(words))
    return "".join(part[:1].upper() + part[1:] for part in parts)
