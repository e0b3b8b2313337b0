"""What Alertmanager is given: who hears of which alert, by severity and team. No secret: every one is in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from console.model.escalation import Team
from console.model.message import Topic
from console.model.people import Severity
from console.model.text import quoted
from console.reports.generate.plan import Made, Plan, span
from console.reports.generate.seal import yaml_text
from console.settings.outside import PagerDuty, SecretRef, SlackWebhook
from console.settings.slo.labels import label_name

PAGE, TICKET, NOBODY, WATCHDOG = "page", "ticket", "nobody", "watchdog"
EVENTS_URL = "https://events.pagerduty.com"
PAGING = ('severity=~"critical|page"', 'sloth_severity="page"')
"""What pages: our own alerts, and those of Sloth's whose `severity` is somebody's own word."""
UPDATE, AGAIN = timedelta(hours=1), timedelta(hours=4)
"""How often what still fires is told again, where the severity matrix says nothing."""
HEARTBEAT = "1m"

_MOST = 10
"""Alerts that one message tells of."""
_TITLE = (
    '{{ if eq .Status "firing" }}{{ .CommonLabels.severity | toUpper }} {{ .Alerts.Firing | len }}{{ else }}RESOLVED'
    "{{ end }} {{ .CommonLabels.alertname }} {{ .CommonLabels.service }}/{{ .CommonLabels.environment }}"
)
_SUMMARY = (
    "{{ with .CommonAnnotations.summary }}{{ . }}{{ else }}{{ .GroupLabels.alertname }}: {{ .Alerts.Firing | len }}"
    " alerts{{ end }}"
)
_TEXT = (
    f"{{{{ range $index, $alert := .Alerts }}}}{{{{ if lt $index {_MOST} }}}}"
    "{{ .Annotations.summary }}\n"
    "{{ with .Annotations.description }}{{ . }}\n{{ end }}"
    "{{ with .Annotations.runbook_url }}Runbook: {{ . }}\n{{ else }}{{ with .Annotations.runbook }}Runbook: {{ . }}\n"
    "{{ end }}{{ end }}"
    "{{ with .Annotations.playbook }}Playbook: {{ . }}\n{{ end }}"
    "{{ end }}{{ end }}"
)
_DETAILS = ("summary", "description", "runbook", "runbook_url", "playbook")


def alertmanager(plan: Plan) -> Made:
    """The configuration, and what cannot be said in it."""
    notify = plan.environment.notify
    notes = list(_notes(plan))
    data = {
        "route": {
            "receiver": TICKET,
            "group_by": ["alertname", "service", "environment"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": _again(plan, Severity.SEV4, AGAIN),
            "routes": [*_routes(plan)],
        },
        "inhibit_rules": _inhibitions(plan),
        "receivers": [
            {"name": PAGE} | _configs(plan, notify.pagerduty, _hearing(plan, Topic.ALERTS)),
            {"name": TICKET} | _configs(plan, None, _hearing(plan, Topic.ALERTS)),
            *({"name": _receiver(team)} | _configs(plan, None, found) for team, found in _teams(plan)),
            {"name": WATCHDOG} | _heartbeat(plan),
            {"name": NOBODY},
        ],
    }
    secrets = [f"  {path}   {what}" for path, what in _secrets(plan)]
    remarks = (
        "",
        f"For {plan.environment.target}.",
        *(("", "Each secret is a file that Alertmanager alone may read:", *secrets) if secrets else ()),
        *(("", *(f"NOTE {note}" for note in notes)) if notes else ()),
    )
    return Made({"alertmanager.yml": yaml_text("alertmanager", remarks, data)}, tuple(notes))


def _notes(plan: Plan) -> Iterator[str]:
    notify = plan.environment.notify
    if notify.pagerduty is None:
        yield f"{plan.environment.target} has no notify.pagerduty: nobody is paged"
    if not _hearing(plan, Topic.ALERTS):
        yield f"{plan.environment.target} has no Slack channel with the topic alerts: warnings are told to nobody"
    if not plan.heartbeat:
        yield (
            f"{plan.environment.watchdog} goes to nobody: with --heartbeat URL, a dead man's switch notices when"
            " alerting is gone"
        )


def _routes(plan: Plan) -> Iterator[dict[str, Any]]:
    """First what is no trouble, then the teams' channels beside everybody else's, then who is paged."""
    yield {
        "matchers": [f"alertname={quoted(plan.environment.watchdog)}"],
        "receiver": WATCHDOG,
        "group_wait": "0s",
        "group_interval": HEARTBEAT,
        "repeat_interval": HEARTBEAT,
    }
    yield {"matchers": ['severity="none"'], "receiver": NOBODY}
    for team, _ in _teams(plan):
        yield {"matchers": [str(matcher) for matcher in team.matchers], "receiver": _receiver(team), "continue": True}
    for matcher in PAGING:
        yield {
            "matchers": [matcher],
            "receiver": PAGE,
            "group_wait": "10s",
            "repeat_interval": _again(plan, Severity.SEV2, UPDATE),
        }
    yield {"receiver": TICKET}  # the root itself hears only of what no route took, and a team's does


def _again(plan: Plan, severity: Severity, usual: timedelta) -> str:
    """How often what still fires is told again: a page as often as an update of a SEV2 is due, anything else as often
    as somebody has to look at a SEV4."""
    rule = plan.rule(severity)
    if rule is None:
        return span(usual)
    return span(rule.update_every or usual if severity is Severity.SEV2 else rule.acknowledge_within)


def _inhibitions(plan: Plan) -> list[dict[str, Any]]:
    groups = sorted({label_name(name) for objective in plan.objectives for name in objective.groups})
    return [
        {
            "source_matchers": ['sloth_severity="page"'],
            "target_matchers": ['sloth_severity="ticket"'],
            "equal": ["sloth_id", *plan.place, *groups],
        },
        {
            "source_matchers": ['guardrail!=""', 'severity="critical"'],
            "target_matchers": ['guardrail!=""', 'severity="warning"'],
            "equal": ["guardrail", "rollout", *plan.place],
        },
    ]


def _hearing(plan: Plan, topic: Topic) -> list[SlackWebhook]:
    return [item for item in plan.environment.notify.slack if topic in item.topics]


def _teams(plan: Plan) -> list[tuple[Team, list[SlackWebhook]]]:
    """The teams with a channel of their own: one with the topic that is called as they are, in which not every alert
    is told already."""
    found = []
    for team in plan.teams:
        own = (
            [item for item in _hearing(plan, Topic(team.name)) if Topic.ALERTS not in item.topics]
            if (team.name in {topic.value for topic in Topic})
            else []
        )
        if own:
            found.append((team, own))
    return found


def _receiver(team: Team) -> str:
    return f"team-{team.name}"


def _configs(plan: Plan, pager: PagerDuty | None, slack: Sequence[SlackWebhook]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if pager is not None:
        found["pagerduty_configs"] = [_pagerduty(plan, pager)]
    if slack:
        found["slack_configs"] = [_slack(plan, item) for item in slack]
    return found


def _pagerduty(plan: Plan, pager: PagerDuty) -> dict[str, Any]:
    url = {"url": f"{pager.events_url.rstrip('/')}/v2/enqueue"} if pager.events_url != EVENTS_URL else {}
    return {
        "routing_key_file": f"{plan.secrets}/pagerduty-events-key",
        **url,
        "send_resolved": True,
        "severity": "critical",
        "description": _SUMMARY,
        "component": "{{ .CommonLabels.component }}",
        "group": "{{ .CommonLabels.service }}/{{ .CommonLabels.environment }}",
        "class": "{{ .CommonLabels.alertname }}",
        "details": {name: f"{{{{ .CommonAnnotations.{name} }}}}" for name in _DETAILS},
    }


def _slack(plan: Plan, channel: SlackWebhook) -> dict[str, Any]:
    return {
        "api_url_file": f"{plan.secrets}/slack-{channel.name}",
        "send_resolved": True,
        "title": _TITLE,
        "fallback": _SUMMARY,
        "text": _TEXT,
    }


def _heartbeat(plan: Plan) -> dict[str, Any]:
    return {"webhook_configs": [{"url": plan.heartbeat, "send_resolved": False}]} if plan.heartbeat else {}


def _secrets(plan: Plan) -> Iterator[tuple[str, str]]:
    """Each file, and what belongs into it."""
    notify = plan.environment.notify
    if notify.pagerduty is not None:
        key: SecretRef | str = notify.pagerduty.events_key or f"the service {', '.join(notify.pagerduty.services)}"
        yield f"{plan.secrets}/pagerduty-events-key", f"the integration key (Events API v2): {key}"
    for channel in notify.slack:
        if Topic.ALERTS in channel.topics or any(channel in own for _, own in _teams(plan)):
            yield f"{plan.secrets}/slack-{channel.name}", f"the address of the incoming webhook: {channel.webhook}"
