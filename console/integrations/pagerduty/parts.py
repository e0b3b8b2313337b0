"""What PagerDuty's JSON says, whatever it holds: every text safe, every key optional, every type in doubt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from console.model.pager import OnCall, PagerIncident, PagerLogEntry, PagerStatus
from console.model.text import safe

NAME_LIMIT, TEXT_LIMIT = 200, 1_000
"""Characters kept of a name, and of a title or a line of the log."""
CONTACT_KINDS = {
    "email_contact_method": "email",
    "phone_contact_method": "phone",
    "sms_contact_method": "sms",
    "whatsapp_contact_method": "whatsapp",
}
"""How PagerDuty reaches people, without push notifications: their address is a device's secret."""

_STATUSES = {status.value: status for status in PagerStatus}
Levels = dict[tuple[str, str], set[int]]
"""The levels at which somebody is on call, by (policy id, user id)."""


class Part:
    """One JSON object. A key that is missing, null or of another type reads as empty."""

    def __init__(self, raw: object) -> None:
        self.raw: dict[str, Any] = raw if isinstance(raw, dict) else {}

    def text(self, name: str, limit: int = NAME_LIMIT) -> str:
        """A text, made safe; a number as its text."""
        found = self.raw.get(name)
        if isinstance(found, bool) or not isinstance(found, (str, int, float)):
            return ""
        return safe(str(found), limit)

    def number(self, name: str) -> int:
        """A whole number that is not negative; 0 otherwise."""
        found = self.raw.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0

    def part(self, name: str) -> Part:
        """An object."""
        return Part(self.raw.get(name))

    def parts(self, name: str) -> list[Part]:
        """The objects of a list."""
        found = self.raw.get(name)
        return [Part(item) for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def instant(self, name: str, latest: datetime | None = None) -> datetime | None:
        """A time with its offset, no later than `latest`, so that no age is negative; None without one."""
        found = self.raw.get(name)
        try:
            when = datetime.fromisoformat(found) if isinstance(found, str) else None
            if when is None or when.tzinfo is None:
                return None
            when = when.astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return min(when, latest) if latest else when

    @property
    def id(self) -> str:
        """Its id; empty when there is none, or one that no address may hold."""
        found = self.text("id", 64)
        return found if found.isascii() and found.replace("_", "").replace("-", "").isalnum() else ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.text("summary") or self.text("name") or self.id


def incident(raw: object, now: datetime, levels: Levels, keys: tuple[str, ...] = ()) -> PagerIncident | None:
    """One incident; None when it is none or has no id. `keys` are those of its alerts."""
    part = Part(raw)
    if not part.id:
        return None
    acknowledgements = sorted(
        ((ack.instant("at", now) or now, ack.part("acknowledger").name) for ack in part.parts("acknowledgements")),
        key=lambda pair: pair[0],
    )
    policy, own = part.part("escalation_policy"), part.text("incident_key", TEXT_LIMIT)
    created = part.instant("created_at", now) or now
    return PagerIncident(
        id=part.id,
        number=part.number("incident_number"),
        title=part.text("title", TEXT_LIMIT) or part.text("summary", TEXT_LIMIT) or "(no title)",
        status=_STATUSES.get(part.text("status"), PagerStatus.UNKNOWN),
        urgency=part.text("urgency"),
        service=part.part("service").name,
        created_at=created,
        keys=tuple(dict.fromkeys(key for key in (own, *keys) if key)),
        url=_link(part.text("html_url", TEXT_LIMIT)),
        priority=part.part("priority").name,
        escalation_policy=policy.name,
        escalation_policy_id=policy.id,
        level=min(levels_of(part, levels), default=0),
        assigned_to=tuple(one.part("assignee").name for one in part.parts("assignments")),
        acknowledged_by=acknowledgements[0][1] if acknowledgements else "",
        acknowledged_at=acknowledgements[0][0] if acknowledgements else None,
        changed_at=part.instant("last_status_change_at", now) or part.instant("updated_at", now),
        changed_by=part.part("last_status_change_by").name,
    )


def levels_of(part: Part, levels: Levels) -> set[int]:
    """The levels at which all it is assigned to are on call. PagerDuty itself does not say the level."""
    if part.text("assigned_via") == "direct_assignment":
        return set()
    policy = part.part("escalation_policy").id
    people = [one.part("assignee").id for one in part.parts("assignments")]
    found = [levels.get((policy, person), set()) for person in people]
    return set.intersection(*found) if found else set()


def on_call(raw: object, contacts: dict[str, tuple[tuple[str, str], ...]]) -> OnCall | None:
    """Who is on call at one level; None when it does not say who, where or at which."""
    part = Part(raw)
    user, policy = part.part("user"), part.part("escalation_policy")
    level = part.number("escalation_level")
    if not (user.id and policy.id and level):
        return None
    return OnCall(
        policy=policy.name,
        level=level,
        person=user.name,
        person_id=user.id,
        schedule=part.part("schedule").name,
        schedule_id=part.part("schedule").id,
        until=part.instant("end"),
        contacts=contacts.get(user.id, ()),
    )


def contact(part: Part) -> tuple[str, str] | None:
    """A way to reach somebody as (kind, address)."""
    kind, address = CONTACT_KINDS.get(part.text("type").removesuffix("_reference"), ""), part.text("address")
    if not (kind and address):
        return None
    country = part.number("country_code")
    return kind, f"+{country} {address}" if country and kind != "email" else address


def log_entry(raw: object, now: datetime) -> tuple[PagerLogEntry, str] | None:
    """One line of an incident's history, and the id of whoever caused it; None for what is none."""
    part = Part(raw)
    when = part.instant("created_at", now)
    if not part.id or when is None:
        return None
    agent = part.part("agent")
    text = part.text("note", TEXT_LIMIT) or part.part("channel").text("content", TEXT_LIMIT)
    said = text or part.text("summary", TEXT_LIMIT)
    return PagerLogEntry(part.id, part.text("type").removesuffix("_log_entry"), when, agent.name, said), agent.id


def _link(url: str) -> str:
    return url if url.startswith("https://") else ""
