"""Criteria on people: when something may be done, who is there, and what they say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from console.model.criteria.facts import Cover, Facts, Said, clock, minutes
from console.model.decision import FAIL, PASS, UNKNOWN, Attestation
from console.model.hours import Hours, parse_hours
from console.model.people import Actor, are_two_people
from console.model.rollout_plan import CriterionKind, CriterionRule

PRIMARY = "primary"
"""The on-call role that must be held, where a criterion names none."""
_DAY = timedelta(days=1)
_WEEKS = 60
"""Days that are looked ahead for when a window opens."""


# -- when -------------------------------------------------------------------------------------------------------------


def window(rule: CriterionRule, _: Facts, now: datetime) -> Said:
    """Whether it is within its hours, and no freeze is on: by the clock on the wall of its zone."""
    try:
        hours = parse_hours(rule.check)
        freezes = [frozen(text) for text in rule.freezes]
    except ValueError as error:
        return Said(UNKNOWN, f"its hours cannot be read: {error}")
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    freeze = next((item for item in freezes if item[0] <= today <= item[1]), None)
    if freeze is not None:
        return Said(FAIL, f"frozen until the end of {freeze[1]} ({hours.zone}); {_opens(hours, freezes, now)}", now)
    if not hours.hold(now):
        return Said(FAIL, f"outside of {rule.check}; {_opens(hours, freezes, now)}", now)
    ends = [_end(hours, now)]
    ends += [_instant(first, time(0), hours.zone) for first, _ in freezes if first > today]
    return Said(PASS, f"within {rule.check}, until {clock(min(ends))}", now, until=min(ends))


def frozen(text: str) -> tuple[date, date]:
    """The first and the last day of a freeze. Raises ValueError."""
    first, _, last = text.partition("/")
    try:
        found = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
    except ValueError:
        raise ValueError(f"{text!r} is no freeze; expected 2026-12-24 or 2026-12-24/2027-01-01") from None
    if found[1] < found[0]:
        raise ValueError(f"{text!r} ends before it begins")
    return found


def _instant(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def _end(hours: Hours, now: datetime) -> datetime:
    """When the hours that hold now end."""
    local = now.astimezone(ZoneInfo(hours.zone))
    over_night = hours.begin >= hours.end
    began = local.date()
    if over_night and not (local.time() >= hours.begin and local.weekday() in hours.days):
        began -= _DAY
    return _instant(began + _DAY if over_night else began, hours.end, hours.zone)


def _opens(hours: Hours, freezes: Iterable[tuple[date, date]], now: datetime) -> str:
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    closed = list(freezes)
    for offset in range(_WEEKS):
        day = today + offset * _DAY
        if day.weekday() in hours.days and not any(first <= day <= last for first, last in closed):
            begins = _instant(day, hours.begin, hours.zone)
            if begins > now:
                return f"opens {clock(begins)}"
    return f"does not open within {_WEEKS} days"


# -- who is there -----------------------------------------------------------------------------------------------------


def staffing(rule: CriterionRule, facts: Facts, now: datetime) -> Said:
    """Whether somebody is on call until the next phase has baked and could still be rolled back."""
    role = rule.role or PRIMARY
    there = [item for item in facts.on_call if item.role == role]
    if not there:
        return Said(FAIL, f"nobody is on call as {role}", now) if facts.on_call else Said(UNKNOWN, "no rota is known")
    p95 = facts.readiness.estimate.bound
    end = now + facts.plan.stage(facts.to_percent).bake
    if facts.to_percent <= facts.from_percent:
        end = now
    names = ", ".join(dict.fromkeys(item.person for item in there))
    if p95 is None:
        return Said(UNKNOWN, f"{names}; the bake ends {clock(end)}, how long a rollback takes then is unknown", now)
    end += timedelta(seconds=p95)
    needed = f"{clock(end)} (the end of the bake, and {minutes(timedelta(seconds=p95))} to roll back)"
    covering = [item for item in there if item.endless or (item.until is not None and item.until >= end)]
    if covering:
        return Said(PASS, f"{covering[0].person} is on call past {needed}", now, until=_until(covering))
    timed = [item for item in there if item.until is not None]
    if not timed:
        return Said(UNKNOWN, f"{names}: the rota says no times; somebody must be there until {needed}", now)
    last = max(timed, key=lambda item: item.until or now)
    if last.until is not None and last.until <= now:
        return Said(UNKNOWN, f"{last.person} was on call until {clock(last.until)}, and nobody says who is now", now)
    ends = clock(last.until) if last.until is not None else ""
    return Said(
        UNKNOWN, f"{last.person} is on call until {ends}; who follows until {needed}, the rota does not say", now
    )


def _until(covering: Iterable[Cover]) -> datetime | None:
    ends = [item.until for item in covering if not item.endless and item.until is not None]
    return max(ends) if ends and not any(item.endless for item in covering) else None


# -- what they say ----------------------------------------------------------------------------------------------------


def checklist(rule: CriterionRule, facts: Facts, now: datetime) -> Said:
    """Whether somebody in the role says that it holds, with a link."""
    said = [item for item in _said(rule, facts) if item.phase is None or item.phase == facts.to_percent]
    said = [item for item in said if not rule.role or item.role == rule.role]
    if not said:
        by = f" as {rule.role}" if rule.role else ""
        return Said(UNKNOWN, f"nobody has attested it{by}")
    last = max(said, key=lambda item: item.at)
    text = f"{last.by}: {last.link or 'no link'}{f' ({last.note})' if last.note else ''}"
    if not last.approved:
        return Said(FAIL, f"it does not hold, says {text}", last.at, source=str(last.by), query=last.link)
    if not last.link:
        return Said(UNKNOWN, f"attested without a link by {last.by}", last.at)
    return Said(PASS, text, last.at, source=str(last.by), query=last.link, until=_ends(rule, last))


def approval(rule: CriterionRule, facts: Facts, now: datetime) -> Said:
    """Whether enough people in the role, none of whom is the author, approve exactly this phase."""
    needed = int(rule.check) if rule.check.isascii() and rule.check.isdigit() and rule.check else 1
    said = [item for item in _said(rule, facts) if item.phase == facts.to_percent and item.role == rule.role]
    began = facts.record.bake_since
    said = [item for item in said if began is None or item.at >= began]
    last: dict[Actor, Attestation] = {}
    for item in sorted(said, key=lambda item: item.at):
        last[item.by] = item
    refused = [item for item in last.values() if not item.approved]
    if refused:
        note = f": {refused[-1].note}" if refused[-1].note else ""
        return Said(FAIL, f"{refused[-1].by} withdrew the approval{note}", refused[-1].at, source=str(refused[-1].by))
    authors = [facts.author, *([facts.decider] if facts.decider is not None else [])]
    others = [item for item in last.values() if all(who and are_two_people(who, item.by) for who in authors)]
    standing = [item for item in others if _ends(rule, item) > now]
    counted = different(standing)
    names = ", ".join(str(item.by) for item in counted)
    if len(counted) >= max(needed, 1):
        oldest = min(counted, key=lambda item: item.at)
        until = min(_ends(rule, item) for item in counted)
        return Said(PASS, f"approved by {names}", oldest.at, float(len(counted)), source=names, until=until)
    why = f"{len(counted)} of {max(needed, 1)} approve as {rule.role or 'anybody'}{f': {names}' if names else ''}"
    if facts.author is None and last:
        why += "; who began the rollout is not known"
    elif len(others) < len(last):
        whom = " and ".join(dict.fromkeys(str(who) for who in authors))
        why += f"; {whom}, who began or decides it, does not count, nor does another name of that login"
    elif len(standing) < len(others):
        why += "; what was approved before has expired"
    elif len(counted) < len(standing):
        why += "; two names of one login are one person"
    return Said(UNKNOWN, why, max((item.at for item in last.values()), default=None))


def discounted(rule: CriterionRule, facts: Facts, item: Attestation, now: datetime) -> str:
    """Why one person's word on a criterion does not count for this step now, by what `checklist` and `approval` ask;
    empty when it does."""
    approving = rule.kind is CriterionKind.APPROVAL
    if item.phase != facts.to_percent and (approving or item.phase is not None):
        return (
            f"it is about {f'{item.phase:g} %' if item.phase is not None else 'no phase'}, not {facts.to_percent:g} %"
        )
    if item.role != rule.role and (approving or rule.role):
        return f"said as {item.role or 'nobody'}, asked of {rule.role or 'anybody'}"
    if approving and facts.record.bake_since is not None and item.at < facts.record.bake_since:
        return "said before this bake"
    if _ends(rule, item) <= now:
        return f"expired at {clock(_ends(rule, item))}"
    later = [
        other for other in _said(rule, facts) if other.at > item.at and other.phase in (item.phase, facts.to_percent)
    ]
    if any(not approving or other.by == item.by for other in later):
        return "something else was said since"
    if not item.approved:
        return ""
    if not approving:
        return "" if item.link else "without a link"
    if facts.author is None:
        return "who began the rollout is not known"
    return "" if are_two_people(facts.author, item.by) else "of who began the rollout, or under the same login"


def different(said: Iterable[Attestation]) -> list[Attestation]:
    """Those by surely different people: no two share a name or a login."""
    found: list[Attestation] = []
    for item in sorted(said, key=lambda item: item.at):
        if all(are_two_people(item.by, other.by) for other in found):
            found.append(item)
    return found


def _said(rule: CriterionRule, facts: Facts) -> list[Attestation]:
    return [item for item in facts.attestations if item.criterion == rule.name]


def _ends(rule: CriterionRule, item: Attestation) -> datetime:
    own = item.at + rule.expires
    return min(own, item.expires_at) if item.expires_at is not None else own
