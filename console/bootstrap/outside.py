"""The real outside of an environment: the sources it is read from, and the channels it writes to. Nothing is asked or
sent yet, and each integration is imported only where it is configured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from console.model.message import PAGER_ACTS, Act, ChannelSpec
from console.model.value import value

if TYPE_CHECKING:
    from console.ports import (
        AlertSource,
        Channel,
        Clock,
        Flags,
        HealthSource,
        MetricSource,
        Pager,
        PlaybookFiles,
        Probes,
        Programs,
        Runbooks,
        Silences,
        Watched,
    )
    from console.settings.config import Config, Environment
    from console.settings.outside import PagerDuty, SecretRef

_NEEDS_EVENTS_KEY = (Act.TRIGGER, Act.CHANGE)
_NEEDS_REST_KEY = (Act.ESCALATE, Act.REASSIGN, Act.RESPOND, Act.NOTE, Act.STATUS_UPDATE)


@value
class Sources:
    """What is read."""

    metrics: MetricSource | None = None
    alerts: tuple[AlertSource, ...] = ()
    health: HealthSource | None = None
    silences: tuple[Silences, ...] = ()
    watched: tuple[Watched, ...] = ()


@value
class Outlets:
    """What is written to. `pager` is read, too."""

    pager: Pager | None = None
    channels: tuple[Channel, ...] = ()
    specs: tuple[ChannelSpec, ...] = ()


def sources_of(chosen: Environment, clock: Clock) -> Sources:
    """The sources of an environment."""
    metrics: MetricSource | None = None
    health: HealthSource | None = None
    alerts: list[AlertSource] = []
    silences: list[Silences] = []
    if chosen.prometheus is not None:
        from console.integrations.prometheus import Prometheus

        metrics = Prometheus(chosen.prometheus, clock, reveal)
    if chosen.alertmanagers:
        from console.integrations.alertmanager import Alertmanager, AlertmanagerSilences
        from console.integrations.http import Http

        clusters: dict[str, list[Http]] = {}
        for item in chosen.alertmanagers:
            alerts.append(Alertmanager(item.source, chosen.watchdog, clock, reveal))
            clusters.setdefault(item.cluster, []).append(Http(item.source, clock, reveal))
        silences += [AlertmanagerSilences(cluster, peers) for cluster, peers in clusters.items()]
    if chosen.components:
        from console.integrations.health import HealthEndpoints

        health = HealthEndpoints(chosen.components, chosen.health_timeout, clock, reveal)
    watched: tuple[Watched, ...] = ()
    if chosen.notify.grafana is not None:
        from console.integrations.grafana import Grafana

        grafana = chosen.notify.grafana
        watched = (Grafana(grafana, clock, reveal),)  # one of its own: reads wait for no act
    return Sources(metrics, tuple(alerts), health, tuple(silences), watched)


def outlets_of(chosen: Environment, clock: Clock) -> Outlets:
    """The channels of an environment, PagerDuty first."""
    notify = chosen.notify
    pager: Pager | None = None
    channels: list[Channel] = []
    specs: list[ChannelSpec] = []
    if notify.pagerduty is not None:
        pager, channel = _pagerduty(notify.pagerduty, clock)
        channels.append(channel)
        specs.append(ChannelSpec(channel.name, _acts(notify.pagerduty)))
    for webhook in notify.slack:
        from console.integrations.slack import Slack

        test = _secret(webhook.test) if webhook.test is not None else None
        slack = Slack(webhook, clock, _secret(webhook.webhook), test)
        channels.append(slack)
        specs.append(ChannelSpec(slack.name, slack.acts, webhook.topics, webhook.least))
    if notify.email is not None:
        from console.integrations.mail import Mail

        password = _secret(notify.email.password) if notify.email.password is not None else None
        mail = Mail(notify.email, clock, password)
        channels.append(mail)
        specs.append(ChannelSpec(mail.name, mail.acts, notify.email.topics, notify.email.least))
    if notify.grafana is not None:
        from console.integrations.grafana import Grafana

        grafana = Grafana(notify.grafana, clock, reveal)
        channels.append(grafana)
        specs.append(ChannelSpec(grafana.name, grafana.acts))
    for item in notify.webhooks:
        from console.integrations.webhook import Webhook

        hook = Webhook(item, clock, reveal)
        channels.append(hook)
        specs.append(ChannelSpec(hook.name, hook.acts, item.topics, item.least))
    return Outlets(pager, tuple(channels), tuple(specs))


def runbooks_of(config: Config, clock: Clock) -> Runbooks:
    """What is known to do about an alert, by its name or its address."""
    from console.integrations.runbooks import Runbooks

    return Runbooks(config.runbooks, clock)


def probes_of(clock: Clock) -> Probes:
    """What asks the health endpoints that playbooks name."""
    from console.integrations.probe import HttpProbes

    return HttpProbes(clock)


def programs_of(config: Config, clock: Clock) -> Programs:
    """What runs the programs that playbooks name. None of the configured secrets is shown in their output."""
    from console.integrations.program import LocalPrograms

    return LocalPrograms(config.playbook_folder, clock, [_secret(ref) for ref in secrets_in(config.environments)])


def flags_of(config: Config, chosen: Environment, clock: Clock) -> Flags | None:
    """What sets the flags of an environment; None where that is done by hand. A program's path may be relative to the
    configuration's folder."""
    settings = chosen.flags
    if settings is None:
        return None
    from console.settings.outside import CommandFlags as Commands
    from console.settings.outside import UnleashFlags

    if isinstance(settings, UnleashFlags):
        from console.integrations.unleash import Unleash

        return Unleash(settings, clock, reveal)
    if isinstance(settings, Commands):
        from console.integrations.flags import CommandFlags
        from console.integrations.program import LocalPrograms

        hidden = [_secret(ref) for ref in secrets_in(config.environments)]
        return CommandFlags(settings, clock, LocalPrograms(config.folder, clock, hidden))
    from console.integrations.flags import HttpFlags

    return HttpFlags(settings, clock, reveal)


def playbook_files_of(config: Config) -> PlaybookFiles:
    """The playbooks' files, which may change while the console runs."""
    from console.integrations.playbook_files import PlaybookFolder

    return PlaybookFolder(config)


def secrets_in(settings: object) -> Iterator[SecretRef]:
    """Every reference to a secret in a part of the configuration, each once."""
    from dataclasses import fields, is_dataclass

    from console.settings.outside import SecretRef

    found: dict[SecretRef, None] = {}
    left = [settings]
    while left:
        item = left.pop()
        if isinstance(item, SecretRef):
            found[item] = None
        elif isinstance(item, tuple):
            left += item
        elif is_dataclass(item):
            left += [getattr(item, name.name) for name in fields(item)]
    yield from found


def _pagerduty(settings: PagerDuty, clock: Clock) -> tuple[Pager | None, Channel]:
    from console.integrations.pagerduty import PagerDutyApi, PagerDutyChannel

    api = PagerDutyApi(settings, clock, reveal)
    rest = _rest(settings)
    return (api if rest else None), PagerDutyChannel(api, clock, tester=api.for_tests(), rest=rest)


def _acts(settings: PagerDuty) -> tuple[Act, ...]:
    """What its keys allow."""
    without = (() if settings.events_key else _NEEDS_EVENTS_KEY) + (() if _rest(settings) else _NEEDS_REST_KEY)
    return tuple(act for act in PAGER_ACTS if act not in without)


def _rest(settings: PagerDuty) -> bool:
    return settings.source.token is not None


def _secret(ref: SecretRef) -> Callable[[], str]:
    """Resolves a secret anew before each use, so that a rotated one is taken up; nothing keeps it."""
    return lambda: reveal(ref)


def reveal(ref: SecretRef) -> str:
    """A secret, resolved anew. Raises SecretError."""
    from console.settings.secrets import resolve

    return resolve(ref, os.environ).reveal()
