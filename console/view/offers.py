"""Which playbooks fit an incident, best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console.model.alert import AlertRef, parse_matcher
from console.model.people import Severity
from console.model.playbook import LoadedPlaybook, Playbook


class Offer(NamedTuple):
    """A playbook with how well it fits: `fits` when one linked alert satisfies every matcher, `why` in words."""

    loaded: LoadedPlaybook
    fits: bool
    score: int
    why: str


def rank(playbooks: Sequence[LoadedPlaybook], alerts: Sequence[AlertRef], severity: Severity) -> list[Offer]:
    """All playbooks: those whose matchers fit a linked alert first, then those for this severity, then the others."""
    offers = [_offer(loaded, alerts, severity) for loaded in playbooks]
    return sorted(offers, key=lambda offer: (-offer.score, offer.loaded.playbook.name))


def _offer(loaded: LoadedPlaybook, alerts: Sequence[AlertRef], severity: Severity) -> Offer:
    playbook = loaded.playbook
    matched = [alert.name for alert in alerts if _fits(playbook, alert)]
    for_severity = severity in playbook.severities
    score = (100 + 10 * len(playbook.match) + len(matched) if matched else 0) + (5 if for_severity else 0)
    reasons = []
    if matched:
        reasons.append(f"fits {', '.join(dict.fromkeys(matched))}")
    elif playbook.match:
        reasons.append("no linked alert fits")
    if playbook.severities:
        named = ", ".join(item.value for item in playbook.severities)
        reasons.append(f"for {named}" if for_severity else f"meant for {named}")
    return Offer(loaded, bool(matched), score, "; ".join(reasons))


def _fits(playbook: Playbook, alert: AlertRef) -> bool:
    if not playbook.match:
        return False
    labels = dict(alert.labels)
    labels.setdefault("alertname", alert.name)
    try:
        return all(parse_matcher(text).matches(labels) for text in playbook.match)
    except ValueError:
        return False  # A run may carry a playbook from an older file; it is still offered, as one that does not fit.
