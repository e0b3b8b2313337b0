"""What happened to an incident between two looks at its log: who was first, and what an act of ours has undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from console.model.pager import PagerLogEntry
from console.model.value import value

_STATES = ("trigger", "acknowledge", "unacknowledge", "resolve")
_AT_ONCE = timedelta(seconds=1)


@value
class Line:
    """A line of the log and the id of whoever caused it."""

    entry: PagerLogEntry
    agent: str


def reopened(lines: Sequence[Line], me: str) -> PagerLogEntry | None:
    """The resolution that our acknowledgement has undone; None when it has undone none.

    `lines` are new since before the incident was seen open, oldest first.
    """
    states = _states(lines)
    ours = _ours(states, "acknowledge", me)
    if ours is None:
        return None
    for line in reversed(states[:ours]):
        at_once = states[ours].entry.at - line.entry.at <= _AT_ONCE
        if line.entry.kind != "resolve" and line.agent == states[ours].agent and at_once:
            continue  # how PagerDuty may put down that our acknowledgement reopened it
        return line.entry if line.entry.kind == "resolve" else None
    return None


def overtaken(lines: Sequence[Line], me: str) -> bool:
    """Whether somebody has changed the incident's state since our acknowledgement."""
    states = _states(lines)
    ours = _ours(states, "acknowledge", me)
    return ours is not None and any(line.agent != states[ours].agent for line in states[ours + 1 :])


def first(lines: Sequence[Line], kind: str, me: str) -> PagerLogEntry | None:
    """Who did the same just before us; None when we were first, or when nobody can tell."""
    same = _states(lines) if kind in _STATES else [line for line in lines if line.entry.kind == kind]
    ours = _ours(same, kind, me)
    if ours is None or not me:
        return None
    found: PagerLogEntry | None = None
    for line in reversed(same[:ours]):
        if line.entry.kind == kind:
            found = line.entry if line.agent != me else None
        elif line.entry.kind != "trigger":  # an alert that repeats itself ends nothing
            break
    return found


def _states(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.entry.kind in _STATES or "reopen" in line.entry.kind]


def _ours(lines: Sequence[Line], kind: str, me: str) -> int | None:
    """Where our own line is: the last of its kind by us, or by anybody while we do not know who we are."""
    found = [at for at, line in enumerate(lines) if line.entry.kind == kind and (line.agent == me or not me)]
    return found[-1] if found else None
