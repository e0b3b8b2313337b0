"""Where an alert leads: logs, traces, dashboards, its expression, its runbook, its page. Only http and https."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from console.model.alert import Alert, AlertRef
from console.model.pager import PagerIncident

_PLACE = re.compile(r"\{(annotation\.)?([a-zA-Z_][a-zA-Z0-9_]*)\}")
_PLAIN = re.compile(r"[!-~]+")
TOLD, LONGEST = 5, 2_000
"""Links that go into one message, and the characters of an address that does."""


class Link(NamedTuple):
    """A title and the whole address."""

    title: str
    url: str


def usable(url: str) -> bool:
    """Whether an address may be opened: http or https, a host, no user or password, nothing but visible ASCII."""
    if _PLAIN.fullmatch(url) is None:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def filled(template: str, alert: Alert) -> str:
    """A template's address for an alert, `{label}` and `{annotation.NAME}` filled in URL-quoted; empty when the alert
    lacks one of them."""
    labels, annotations = dict(alert.labels), dict(alert.annotations)
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        text = (annotations if found[1] else labels).get(found[2], "")
        missing = missing or not text
        return quote(text, safe="")

    address = _PLACE.sub(value, template)
    return "" if missing else address


def links(alert: Alert, templates: Iterable[tuple[str, str]], page: PagerIncident | None) -> list[Link]:
    """Everything that can be opened for an alert: the operator's own links, as (title, template), go first."""
    found = [Link(title, filled(template, alert)) for title, template in templates]
    found += [
        Link("Runbook", alert.annotation("runbook_url")),
        Link("Dashboard", alert.annotation("dashboard_url") or alert.annotation("dashboard")),
        Link("Expression", alert.generator_url),
        Link("PagerDuty", page.url if page is not None else ""),
    ]
    return [link for link in found if usable(link.url)]


def told(refs: Iterable[AlertRef], alerts: Iterable[Alert], pages: Mapping[str, PagerIncident]) -> list[Link]:
    """What a message about these alerts leads to: of those that are in the feed, each address once. The operator's own
    links stay here."""
    wanted = {ref.fingerprint: None for ref in refs}
    present = {alert.fingerprint: alert for alert in alerts if alert.fingerprint in wanted} if wanted else {}
    found: dict[str, Link] = {}
    for alert in (present[fingerprint] for fingerprint in wanted if fingerprint in present):
        for title, url in links(alert, (), pages.get(alert.fingerprint)):
            if len(url) <= LONGEST:
                found.setdefault(url, Link(f"{title} of {alert.name}", url))
        if len(found) >= TOLD:
            break
    return list(found.values())[:TOLD]
