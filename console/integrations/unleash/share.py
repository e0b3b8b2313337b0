"""What a flag's strategies in one environment come to: one share of the traffic, or why that cannot be said.

The share is that of the one flexibleRollout without constraints. Strategies beside it may only name people or machines,
or be bound to constraints of their own: they let some more in. What lets everybody in, or a second share, makes it
untellable: the console neither reads nor sets what it would have to guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from console.integrations.unleash.wire import Feature, InEnvironment, Strategy
from console.model.text import safe
from console.model.value import value

ROLLOUT = "flexibleRollout"
NAMED = ("userWithId", "remoteAddress", "applicationHostname")
"""Strategies that let in whom they name."""
_SHARE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,9})?")
SHOWN = 60
"""Characters of a foreign name in a sentence."""


@value
class Standing:
    """How a flag stands. `strategy` is the id of the flexibleRollout that sets its share, `rollout` that share, whether
    the environment is on or not, `text` as Unleash keeps it; `untellable` says why there is none, and is empty where
    there is one."""

    on: bool
    strategy: str = ""
    rollout: float | None = None
    text: str = ""
    untellable: str = ""
    detail: str = ""

    @property
    def percent(self) -> float | None:
        """The share that the flag gives now; None where nobody can tell."""
        return self.rollout if self.on else 0.0

    def is_at(self, wanted: float) -> bool:
        """Whether nothing is left to write. At 0, it is off, and whoever switches it on starts from nothing."""
        if not wanted:
            return not self.on and not self.rollout
        return self.percent == wanted


def standing(feature: Feature, environment: InEnvironment) -> Standing:
    """How the flag stands in that environment."""
    active = [item for item in environment.strategies if not item.disabled]
    shares = [item for item in active if item.name == ROLLOUT and not _narrowed(item)]
    others = [item for item in active if item not in shares]
    untellable = _untellable(environment.strategies, shares, others)
    given = (shares[0].parameters or {}) if not untellable else {}
    rollout = number(given.get("rollout"))
    if not untellable and rollout is None:
        untellable = "its flexibleRollout has no rollout from 0 to 100"
    parts = ["on" if environment.enabled else "off"]
    if rollout is not None:
        stickiness = safe(str(given.get("stickiness") or "default"), SHOWN)
        parts.append(f"flexibleRollout {rollout:g} % by {stickiness}")
    if others and not untellable:
        parts.append(f"and whom {_names(others)} lets in")
    if feature.dependencies:
        parts.append(f"while {' and '.join(safe(item.feature, SHOWN) for item in feature.dependencies)} lets them in")
    strategy, text = (shares[0].id, str(given["rollout"])) if rollout is not None else ("", "")
    return Standing(environment.enabled, strategy, rollout, text, untellable, ", ".join(parts))


def number(text: object) -> float | None:
    """A share as Unleash keeps it, in a string; None for what is none."""
    if not isinstance(text, str) or not _SHARE.fullmatch(text):
        return None
    share = float(text)
    return share if 0.0 <= share <= 100.0 else None


def _narrowed(item: Strategy) -> bool:
    return bool(item.constraints) or bool(item.segments)


def _untellable(all_of_them: Sequence[Strategy], shares: Sequence[Strategy], others: Sequence[Strategy]) -> str:
    wide = [item for item in others if not _narrowed(item) and item.name not in NAMED]
    if len(shares) == 1 and not wide:
        return ""
    if not all_of_them:
        return "it has no strategy"
    if wide and shares:
        return f"{_names(wide)} lets people in beside its flexibleRollout"
    if len(shares) > 1:
        return f"it has {len(shares)} flexibleRollouts without constraints"
    if any(item.name == ROLLOUT and item.disabled for item in all_of_them):
        return "its flexibleRollout is disabled"
    return f"it has {_names(all_of_them)}, and no flexibleRollout without constraints"


def _names(items: Sequence[Strategy]) -> str:
    named = [safe(item.name, SHOWN) + (" with constraints" if _narrowed(item) else "") for item in items]
    return " and ".join(dict.fromkeys(named))
