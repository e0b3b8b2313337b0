"""Changes to the outside world: in the stream of what they are done for."""

from __future__ import annotations

from console.model.events.registry import event
from console.model.value import value


@event("effect.intended")
@value
class EffectIntended:
    """Written before the outside world is touched. Without its `EffectFinished`, the outcome is unknown."""

    effect: str
    kind: str
    target: str
    detail: str
    step: str = ""


@event("effect.finished")
@value
class EffectFinished:
    effect: str
    outcome: str
    """done, refused, or unknown."""
    detail: str = ""
