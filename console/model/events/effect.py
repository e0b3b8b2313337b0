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


@event("effect.finished", 2, reads=(1,))
@value
class EffectFinished:
    effect: str
    outcome: str
    """done, refused, or unknown."""
    detail: str = ""
    output: str = ""
    """What a program wrote: bounded, safe, without secrets."""
    digest: str = ""
