"""Unleash's events on one flag in one environment, as changes of its share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from console.integrations.http import decode
from console.integrations.unleash.share import ROLLOUT, SHOWN, number
from console.integrations.unleash.wire import STRATEGY, Event
from console.model.flag import FlagChange
from console.model.text import safe

_SWITCHED = {"feature-environment-enabled": "switched on", "feature-environment-disabled": "switched off"}


def changes(events: Sequence[Event], environment: str) -> tuple[FlagChange, ...]:
    """Those of this environment and of the flag as a whole, oldest first; `events` come newest first."""
    found = (_change(item) for item in reversed(events) if item.environment in (None, environment))
    return tuple(item for item in found if item is not None)


def _change(event: Event) -> FlagChange | None:
    at = _instant(event.createdAt)
    if at is None:
        return None
    by = safe(event.createdBy or "somebody", SHOWN)
    if event.type in _SWITCHED:
        off = event.type == "feature-environment-disabled"
        return FlagChange(str(event.id), at, by, _SWITCHED[event.type], percent=0.0 if off else None)
    before, after = _rollout(event.preData), _rollout(event.data)
    if before is not None and after is not None and before != after:
        what = f"rollout {before:g} -> {after:g} %"
    elif before is None and after is not None:
        what = f"rollout {after:g} % ({_kind(event)})"
    else:
        what = _kind(event)
    return FlagChange(str(event.id), at, by, what, before, after)


def _kind(event: Event) -> str:
    return safe(event.type.removeprefix("feature-").replace("-", " "), SHOWN)


def _rollout(data: msgspec.Raw) -> float | None:
    """The share of the flexibleRollout that an event tells of; None for everything else."""
    try:
        strategy = decode(data, STRATEGY)
    except ValueError:
        return None
    return number((strategy.parameters or {}).get("rollout")) if strategy.name == ROLLOUT else None


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
