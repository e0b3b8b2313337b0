"""What both do alike: read before, compare, write, read back."""

from __future__ import annotations

import re
from collections.abc import Callable

from console.integrations.http import Finding
from console.model.flag import FlagAnswer, FlagOutcome, FlagState
from console.model.text import safe
from console.ports import Clock, NotThere, Rejected, SourceError, Uncertain

SHOWN = 60
"""Characters of a flag's name, and of an odd value, in a sentence."""
_SAME = 1e-6
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,9})?")


def checked(name: str, percent: float) -> float:
    """The share, when it is one. Raises Rejected before anything is sent."""
    if not 0.0 <= percent <= 100.0:
        raise Rejected(f"{name}: a share is 0 to 100 %, not {percent:g}; nothing was sent")
    return percent


def written(percent: float) -> str:
    """A share as a number in JSON and on a command line: `5`, `12.5`."""
    return str(int(percent)) if percent == int(percent) else repr(percent)


def share(found: object) -> float | None:
    """A share from outside, a number or a text that is one; None for everything else."""
    if isinstance(found, str) and _NUMBER.fullmatch(found):
        found = float(found)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if 0.0 <= found <= 100.0 else None


def same(one: float, other: float) -> bool:
    """Whether two shares are one, but for how they were rounded."""
    return abs(one - other) < _SAME


def set_and_read_back(
    flag: str,
    percent: float,
    expected: float | None,
    clock: Clock,
    read: Callable[[], FlagState],
    write: Callable[[FlagState | None], bool],
) -> FlagAnswer:
    """As the port says. `write` is given what was read just before, and answers False when the far side itself found
    that somebody else was faster. A share of 0 needs nothing of what is read before, so that nothing unread stops it,
    nor a reading that is forbidden, nor one out of a cache; but a flag that there is not is not made by a write.
    """
    called, began = safe(flag, SHOWN), clock.monotonic()
    before: FlagState | None = None
    try:
        before = read()
    except NotThere:
        raise
    except SourceError:
        if percent or expected is not None:
            raise
    was = before.percent if before is not None else None
    if expected is not None and was is not None and not same(was, expected):
        return _lost(called, expected, was)
    if percent and was is not None and same(was, percent):  # what is read may be old: 0 is written whatever it says
        return FlagAnswer(FlagOutcome.ALREADY, f"{called} is at {percent:g} % already", was, was)
    if not write(before):
        return _lost(called, expected or 0.0, None)
    try:
        after = read().percent
    except SourceError as error:
        raise Uncertain(f"the write was accepted, and cannot be read back: {error}") from None
    seconds, past = clock.monotonic() - began, f"was at {was:g} %, " if was is not None else ""
    if same(after, percent):
        return FlagAnswer(FlagOutcome.DONE, f"{called} {past}is set to {percent:g} %", was, after, seconds)
    text = f"{called} {past}was set to {percent:g} %, which was accepted; it reads {after:g} %"
    return FlagAnswer(FlagOutcome.INEFFECTIVE, text, was, after, seconds)


def found(name: str, flag: str, read: Callable[[], FlagState], todo: str) -> list[Finding]:
    """What `oncall check` says. Nothing is changed."""
    try:
        state = read()
    except SourceError as error:
        return [Finding(name, False, str(error), todo)]
    what = f"{safe(flag, SHOWN)} is at {state.percent:g} %; that it may be written is shown by a write alone"
    return [Finding(name, True, what)]


def _lost(called: str, expected: float, was: float | None) -> FlagAnswer:
    stands = f"is at {was:g} %" if was is not None else "was changed"
    text = f"{called} {stands}, not at {expected:g} %: somebody else was faster; nothing was written"
    return FlagAnswer(FlagOutcome.LOST, text, was, was)
