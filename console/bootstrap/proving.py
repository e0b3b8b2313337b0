"""The tests that `oncall check --send-test` can make in an environment: through what, and whom each one reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.model.message import Act

if TYPE_CHECKING:
    from console.bootstrap.outside import Outlets
    from console.model.message import Delivery
    from console.model.pager import ActResult
    from console.ports import Clock
    from console.settings.config import Environment
    from console.settings.outside import PagerDuty

SHORT, LONG = timedelta(seconds=45), timedelta(seconds=150)
"""How long a test may take; PagerDuty takes events in later, and is asked until it shows them. Both are beyond what
the integrations allow themselves, so that no test is left open by its deadline."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One test. `reaches` says whom, and may ask for it; `target` is False where there is nothing meant for tests."""

    name: str
    act: Act
    prove: Callable[[Delivery], ActResult]
    reaches: Callable[[], str]
    target: bool
    deadline: timedelta = SHORT
    probe: Callable[[], list[Any]] | None = None
    """What can be said without sending."""


def trials(chosen: Environment, outlets: Outlets, clock: Clock) -> list[Trial]:
    """Every Alertmanager, then every channel."""
    return [*_alertmanagers(chosen, clock), *_channels(chosen, outlets)]


def _alertmanagers(chosen: Environment, clock: Clock) -> Iterator[Trial]:
    from console.bootstrap.outside import reveal
    from console.integrations.alertmanager import AlertmanagerTest

    for server in chosen.alertmanagers:
        test = AlertmanagerTest(server.source, clock, reveal)

        def reaches(test: AlertmanagerTest = test) -> str:
            found = test.receivers(str(chosen.target))
            named = ", ".join(f"{name} (PAGES by PagerDuty)" if pages else name for name, pages in found)
            return f"its receivers: {named}" if named else "whichever receivers it routes to: that cannot be read"

        yield Trial(test.name, Act.POST, test.prove, reaches, True)


def _channels(chosen: Environment, outlets: Outlets) -> Iterator[Trial]:
    notify = chosen.notify
    reached: dict[str, tuple[str, bool]] = {}
    for slack in notify.slack:
        text = f"the channel of {slack.webhook} itself: NO TEST WEBHOOK is configured"
        if slack.test is not None:
            text = f"the channel of {slack.test}, for tests"
        reached[f"slack.{slack.name}"] = text, slack.test is not None
    if notify.email is not None:
        tests = notify.email.test_to
        end = ", for tests" if tests else ": NO TEST RECIPIENTS are configured"
        reached["email"] = ", ".join(tests or notify.email.to) + end, bool(tests)
    if notify.grafana is not None:
        uid = notify.grafana.dashboard_uid
        text = f"dashboard {uid}" if uid else "the whole organization"
        reached["grafana"] = f"{text}: an annotation, written and removed", True
    for hook in notify.webhooks:
        reached[f"webhook.{hook.source.name}"] = "its receiver itself: NO TEST ADDRESS is configured", False
    for channel in outlets.channels:
        probe = getattr(channel, "probe", None)
        if notify.pagerduty is not None and channel.name == "pagerduty":
            probe = getattr(outlets.pager, "probe", None)
            says = _pages(notify.pagerduty, outlets)
            yield Trial(
                channel.name,
                Act.TRIGGER,
                channel.prove,
                says,
                notify.pagerduty.test_events_key is not None,
                LONG,
                probe,
            )
            continue
        text, target = reached[channel.name]
        act = Act.ANNOTATE if channel.name == "grafana" else Act.POST
        yield Trial(channel.name, act, channel.prove, _says(text), target, probe=probe)


def _says(text: str) -> Callable[[], str]:
    return lambda: text


def _pages(settings: PagerDuty, outlets: Outlets) -> Callable[[], str]:
    """Who is paged: whoever is on call, unless there is a service for tests."""

    def reaches() -> str:
        from console.ports import SourceError

        if settings.test_events_key is not None:
            return f"the service of {settings.test_events_key}, for tests"
        if settings.events_key is None:
            return "nobody: no events_key is configured, and nothing can be sent without one"
        head = f"the service of {settings.events_key} itself: NO TEST SERVICE is configured, it PAGES"
        if outlets.pager is None:
            return f"{head} whoever is on call (no REST key to ask who)"
        try:
            on_calls = outlets.pager.read().on_calls
        except SourceError as error:
            return f"{head} whoever is on call (it cannot say who: {error})"
        people = dict.fromkeys(
            f"{item.person} ({item.policy} level {item.level}"
            + "".join(f", {kind} {address}" for kind, address in item.contacts)
            + ")"
            for item in on_calls
        )
        return f"{head} {'; '.join(people) or 'NOBODY: nobody is on call'}"

    return reaches
