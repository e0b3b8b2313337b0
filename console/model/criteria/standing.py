"""Criteria on how things stand: the bake, the way back, the alerts."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.alert import Alert, AlertState
from console.model.criteria.facts import Facts, Said, grouped, minutes
from console.model.decision import FAIL, PASS, UNKNOWN
from console.model.reading import ReadingState
from console.model.rollback import PROOF_LIFE, Can, ProofState
from console.model.rolling import RolloutState
from console.model.rollout_plan import CriterionRule

LEAST = 0.8
"""The least probability of a rollback within its objective, where a criterion does not say it."""
OBJECTIVE = 20
"""Minutes."""
PAGES = ("critical", "page")

_STOPPED = (RolloutState.HELD, RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK, RolloutState.ABORTED)


def bake(_: CriterionRule, facts: Facts, now: datetime) -> Said:
    """Whether the phase has baked for as long, and on as many requests, as it must."""
    record = facts.record
    if record.started_at is None:
        return Said(UNKNOWN, "no rollout was begun")
    if record.state in _STOPPED:
        reason = record.held_reason if record.state is RolloutState.HELD else record.reason
        return Said(FAIL, f"it is {record.state}{f': {reason}' if reason else ''}", now)
    if record.disagrees_since is not None:
        return Said(
            FAIL, f"the measured share differs from the one that is set since {_at(record.disagrees_since)}", now
        )
    if record.open_write is not None:
        return Said(UNKNOWN, "a write of the share has no known outcome yet")
    if facts.from_percent <= 0:
        return Said(PASS, "nothing bakes before the first phase", now)
    if record.state is not RolloutState.BAKING or facts.bake_left is None:
        return Said(UNKNOWN, f"nothing bakes: it is {record.state}")
    if facts.bake_left > timedelta(0):
        return Said(UNKNOWN, f"{minutes(facts.bake_left)} of the bake are left", now, facts.bake_left.total_seconds())
    return _samples(facts, now)


def _samples(facts: Facts, now: datetime) -> Said:
    least, found = facts.plan.stage(facts.from_percent).min_samples, facts.samples
    since = f"the bake since {_at(facts.record.bake_since)} is over" if facts.record.bake_since else "the bake is over"
    if not least:
        return Said(PASS, since, now)
    query = facts.plan.samples_expr
    if not found.ok or found.value is None:
        why = found.note or found.state.replace("_", " ")
        return Said(UNKNOWN, f"{since}; its requests: {why}", found.at, found.value, query, found.source)
    count = f"{since}; {found.value:,.0f} of {least:,} requests"
    outcome = PASS if found.value >= least else UNKNOWN
    return Said(outcome, count, found.at, found.value, query, found.source)


def readiness(_: CriterionRule, facts: Facts, now: datetime) -> Said:
    """Whether a rollback is possible now."""
    proofs = facts.readiness.proofs
    can = facts.readiness.can_at(now)
    if can is Can.NO:
        failed = grouped((proof.title, proof.evidence) for proof in proofs if proof.state is ProofState.FAILED)
        return Said(FAIL, f"rollback: no. {failed}", now)
    if can is Can.YES:
        # A drill of last month stands until it expires: what counts is when all of them were looked at. What is read
        # anew every few seconds expires by the criterion alone.
        ends = [it.expires_at for it in proofs if it.at and it.expires_at and it.expires_at - it.at > PROOF_LIFE]
        until = min(ends, default=None)
        needed = sum(proof.state is ProofState.PROVEN for proof in proofs)
        return Said(PASS, f"rollback: yes, {needed} of {needed} proofs stand", now, until=until)
    expired = [item for item in proofs if item.expires_at is not None and item.expires_at <= now]
    stand = (ProofState.PROVEN, ProofState.NOT_NEEDED)
    open_ = [(item.title, item.evidence) for item in proofs if item.state not in stand]
    open_ += [(item.title, "expired") for item in expired if item.state in stand]
    at = min((proof.at for proof in proofs if proof.at is not None), default=None)
    return Said(UNKNOWN, f"rollback: unverified. {grouped(open_) or 'nothing is proven'}", at)


def rollback_time(rule: CriterionRule, facts: Facts, now: datetime) -> Said:
    """How likely a rollback ends within its objective."""
    try:
        least = float(rule.check) if rule.check else LEAST
    except ValueError:
        return Said(UNKNOWN, f"{rule.check!r} is no share")
    estimate = facts.readiness.estimate
    within = dict(estimate.within)
    wanted = int(facts.plan.rollback.objective.total_seconds() // 60) if facts.plan.rollback is not None else OBJECTIVE
    known = [minutes for minutes in within if minutes <= wanted]
    limit = max(known, default=OBJECTIVE)  # in less time is in time, too
    if estimate.drain is not None and estimate.drain.never:
        return Said(FAIL, f"what is in flight would never end: {estimate.drain.why or 'more arrives than ends'}", now)
    if not estimate.runs or limit not in within or limit > wanted:
        return Said(UNKNOWN, estimate.statement or "how long a rollback takes is unknown", estimate.newest)
    chance = within[limit]
    text = f"P(at most {limit} min) is {100 * chance:.3g} %, from {estimate.runs} runs"
    if estimate.plan_changed:
        text += "; the playbook has changed since"
    if chance < least:
        return Said(FAIL, f"{text}; {100 * least:g} % are asked for", now, chance)
    if estimate.human_only:
        return Said(UNKNOWN, f"{text}, which are drills: machine times are not in it", now, chance)
    return Said(PASS, text, now, chance)


def alerts(_: CriterionRule, facts: Facts, now: datetime) -> Said:
    """That no alert of the service pages. Without evidence of alerting, nobody knows."""
    feed = facts.feed
    firing = [item for item in feed.alerts if _pages(item, facts.service)]
    if firing:
        names = ", ".join(dict.fromkeys(item.name + _hidden(item) for item in firing))
        return Said(FAIL, f"{len(firing)} fire: {names}", feed.at or now, float(len(firing)))
    if feed.evidence is not ReadingState.OK:
        return Said(UNKNOWN, f"NO EVIDENCE OF ALERTING: {feed.note or feed.evidence.replace('_', ' ')}", feed.at)
    return Said(PASS, f"none pages, and {feed.watchdog} is seen", feed.at, 0.0, source="alertmanager")


def _pages(alert: Alert, service: str) -> bool:
    """An alert that names no service may be about this one. One that is silenced fires all the same."""
    urgent = alert.severity.lower() in PAGES or alert.label("urgency") == "high" or alert.paged is True
    return urgent and alert.label("service", service) == service and alert.state is not AlertState.RESOLVED


def _hidden(alert: Alert) -> str:
    return " (silenced)" if alert.state is AlertState.SUPPRESSED else ""


def _at(at: datetime) -> str:
    return f"{at:%H:%M:%S}Z"
