"""Criteria on what is measured: readings, budgets, guardrails, capacity, the baseline, an endpoint."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.burn import Urgency
from console.model.capacity import Headroom
from console.model.criteria.facts import Facts, Said, by_reading, clock, grouped, minutes, worst
from console.model.decision import FAIL, PASS, UNKNOWN
from console.model.duration import duration
from console.model.playbook import check_of
from console.model.reading import ReadingState, missing
from console.model.rollout import Guardrail, Level
from console.model.rollout_plan import CriterionRule
from console.model.slo import SloGauge
from console.model.verdict import Judged, Verdict

HEALTH = "health."
"""How the readings of components begin."""
BASELINE_AGE = timedelta(days=30)
"""How old a baseline may be, where a criterion does not say it."""


def reading(rule: CriterionRule, facts: Facts, _: datetime) -> Said:
    """A check on a named reading."""
    check = check_of(rule.check)
    if check is None:
        return Said(UNKNOWN, f"{rule.check!r} is no check")
    absent = missing(ReadingState.NO_DATA, "", "nothing reads it")
    found = facts.readings.get(check.reading, absent)
    told = _up if check.reading.startswith(HEALTH) else "{:g}".format
    return by_reading(found, check.holds, str(check), facts.queries.get(check.reading, ""), told)


def _up(value: float) -> str:
    """How a component stands, in the words of every page."""
    return "up" if value > 0 else "DOWN"


def http(rule: CriterionRule, facts: Facts, _: datetime) -> Said:
    """Whether an endpoint answers with a 2xx."""
    absent = missing(ReadingState.NO_DATA, "", "not asked yet")
    found = facts.readings.get(rule.reading, absent)
    said = by_reading(found, lambda value: value > 0, rule.check, f"GET {rule.check}")
    if found.value is None:
        return said
    return said._replace(evidence=f"{rule.check}: {found.note or ('2xx' if found.value > 0 else 'no 2xx')}")


# -- service levels ---------------------------------------------------------------------------------------------------


def budget(rule: CriterionRule, facts: Facts, _: datetime) -> Said:
    """The error budget of all objectives of the service: what is left, and whether it burns."""
    least = _number(rule.check, 0.0)
    if least is None:
        return Said(UNKNOWN, f"{rule.check!r} is no share")
    gauges = [gauge for gauge in facts.slos if gauge.objective.service == facts.service]
    if not gauges:
        return Said(UNKNOWN, f"no objective of {facts.service} is known")
    judged = [(gauge, *_gauge(gauge, least)) for gauge in gauges]
    outcome = worst([item for _, item, _ in judged])
    wrong = grouped((gauge.objective.title, why) for gauge, item, why in judged if item == outcome and item != PASS)
    left = [gauge.budget_left.value for gauge in gauges if gauge.budget_left.value is not None]
    at = _seen(outcome, [gauge.budget_left.at for gauge in gauges] + [gauge.burn.at for gauge in gauges])
    lowest = f"{100 * min(left):.3g} % is the least that is left of {len(gauges)} budgets" if left else ""
    queries = "; ".join(dict.fromkeys(f"slo.{gauge.objective.name}.budget_left" for gauge in gauges))
    return Said(outcome, wrong or lowest, at, min(left, default=None), queries, gauges[0].budget_left.source)


def _gauge(gauge: SloGauge, least: float) -> tuple[str, str]:
    left = gauge.budget_left
    if any(item.firing for item in gauge.alerts if item.rule.urgency is Urgency.PAGE):
        return FAIL, "it burns so fast that somebody is paged"
    if left.value is not None and (left.value <= 0 or left.value < least):
        what = "it is exhausted" if left.value <= 0 else f"{100 * least:g} % must be left"
        return FAIL, f"{100 * left.value:.3g} % of the budget is left: {what}"
    if not left.ok:
        return UNKNOWN, f"what is left of the budget: {left.note or left.state.replace('_', ' ')}"
    pages = [item.firing for item in gauge.alerts if item.rule.urgency is Urgency.PAGE]
    if not gauge.burn.ok or any(item is None for item in pages):
        return UNKNOWN, f"how fast it burns: {gauge.burn.note or gauge.burn.state.replace('_', ' ')}"
    return PASS, ""


# -- guardrails -------------------------------------------------------------------------------------------------------


def guardrails(_: CriterionRule, facts: Facts, __: datetime) -> Said:
    """All of this phase: those that are judged by evidence, and the levels of the others."""
    judged = {item.guardrail: item for item in facts.judged}
    levels = [item for item in facts.guardrails if item.level is not Level.NOT_IN_PHASE]
    found: list[tuple[str, str]] = [_verdict(item) for item in facts.judged]
    counted = [item for item in levels if item.rule.name not in judged or item.level is Level.CRITICAL]
    found += [_level(item) for item in counted]
    unjudged = [item.guardrail for item in facts.plan.evidence if item.guardrail not in judged]
    known = {item.rule.name for item in facts.guardrails if item.level is Level.NOT_IN_PHASE}
    found += [(UNKNOWN, f"{name} is not judged yet") for name in unjudged if name not in known]
    if not found:
        return Said(UNKNOWN, "no guardrail is known")
    outcome = worst([item for item, _ in found])
    why = "; ".join(dict.fromkeys(text for item, text in found if item == outcome and text))
    at = _seen(outcome, [*(item.at for item in facts.judged), *(item.value.at for item in counted)])
    counted_by = {item.guardrail: f"{item.bad} / {item.total}" for item in facts.plan.evidence}
    names = dict.fromkeys([*judged, *(item.rule.name for item in counted)])
    asked = {name: counted_by.get(name) or facts.queries.get(f"guardrail.{name}", "") for name in names}
    queries = "; ".join(f"{name}: {query}" if query else name for name, query in asked.items())
    if outcome == PASS:
        why = f"{len(found)} of {len(found)} guardrails pass: {why}" if why else f"all {len(found)} guardrails pass"
    return Said(outcome, why, at, float(sum(item == PASS for item, _ in found)), queries)


def _verdict(item: Judged) -> tuple[str, str]:
    if item.verdict is Verdict.PASS:
        return PASS, f"{item.title}: {item.caveat}" if item.caveat else ""
    if item.verdict is Verdict.BREACH:
        return FAIL, f"{item.title}: {item.why or 'breached'}"
    return UNKNOWN, f"{item.title}: {item.why or 'too little evidence'}"  # how much more it needs is said there


def _level(item: Guardrail) -> tuple[str, str]:
    level, found = item.level, item.value
    text = f"{item.rule.title}: {found.value:g} {item.rule.unit}".rstrip() if found.value is not None else ""
    if level is Level.CRITICAL:
        return FAIL, f"{text} is critical ({item.rule.breach} {item.rule.critical:g})"
    if level is Level.WARNING and found.ok and not item.phase_unknown:
        return PASS, f"{text} is a warning"
    if level is Level.OK:
        return PASS, ""
    why = (
        item.too_few or found.note or ("the phase is unknown" if item.phase_unknown else found.state.replace("_", " "))
    )
    return UNKNOWN, f"{item.rule.title}: {why}"


# -- capacity and baseline --------------------------------------------------------------------------------------------


def capacity(_: CriterionRule, facts: Facts, __: datetime) -> Said:
    """Whether the next phase fits."""
    if not facts.plan.capacities:
        return Said(UNKNOWN, "the plan names no capacity")
    found = {item.capacity.name: item for item in facts.headroom}
    missing_ = [item.title for item in facts.plan.capacities if item.name not in found]
    judged = [_headroom(item, facts.to_percent) for item in found.values()]
    judged += [(UNKNOWN, f"{title} is not read") for title in missing_]
    outcome = worst([item for item, _ in judged])
    why = "; ".join(text for item, text in judged if item == outcome and text)
    shares = [max(s for s in (item.share, item.next_share) if s is not None) for item in found.values() if _any(item)]
    at = _seen(outcome, [item.used.at for item in found.values()] + [item.limit.at for item in found.values()])
    queries = "; ".join(f"{item.used} / {item.limit}" for item in facts.plan.capacities)
    most = f"at most {100 * max(shares):.3g} % would be in use" if shares else ""
    return Said(outcome, why or most, at, max(shares, default=None), queries)


def _any(item: Headroom) -> bool:
    return item.share is not None or item.next_share is not None


def _headroom(item: Headroom, to: float) -> tuple[str, str]:
    title, level = item.capacity.title, item.level
    ahead = "" if item.next_share is None else f" {100 * item.next_share:.3g} % at {to:g} % ({item.basis})"
    if level is Level.CRITICAL:
        return FAIL, f"{title}:{ahead or ' more is in use than there is'}"
    read = item.need is not None and all(reading.ok for reading in (item.used, item.limit, item.need))
    if level is Level.UNKNOWN or not read or item.next_share is None:
        reading = next((r for r in (item.used, item.limit, item.need) if r is not None and not r.ok), item.used)
        return UNKNOWN, f"{title}: {reading.note or 'what the next phase needs is unknown'}"
    return PASS, f"{title}:{ahead}, above the warning" if level is Level.WARNING else ""


def baseline(rule: CriterionRule, facts: Facts, now: datetime) -> Said:
    """Whether there is something to compare with, and how old it is."""
    try:
        most = duration(rule.check) if rule.check else BASELINE_AGE
    except ValueError as error:
        return Said(UNKNOWN, str(error))
    notes = [gauge.baseline for gauge in facts.slos if gauge.baseline is not None]
    if not notes:
        read = any(gauge.ratio.known for gauge in facts.slos)
        return Said(FAIL, "no baseline was captured", now) if read else Said(UNKNOWN, "the baselines are not read yet")
    newest = max(notes, key=lambda note: note.captured_at)
    age = now - newest.captured_at
    text = f"{newest.baseline}, captured {clock(newest.captured_at)}"
    if age > most:
        return Said(FAIL, f"{text}: older than {minutes(most)}", now, age.total_seconds(), "", newest.baseline)
    return Said(PASS, text, now, age.total_seconds(), "", newest.baseline, newest.captured_at + most)


def _seen(outcome: str, instants: list[datetime | None]) -> datetime | None:
    """When the oldest piece of evidence was seen. A pass rests on all of them: one without a date leaves none."""
    dated = [at for at in instants if at is not None]
    return None if outcome == PASS and len(dated) < len(instants) else min(dated, default=None)


def _number(text: str, default: float) -> float | None:
    try:
        found = float(text) if text else default
    except ValueError:
        return None
    return found if found == found else None
