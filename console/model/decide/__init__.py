"""What follows from a command: events, or a refusal with its reason. Pure: state + command + context -> batches.

The rules are imported when one of these names is first wanted. Importing a module of this package imports nothing but
this file before it: two threads that begin with different ones (the screen, and the engine behind it) never wait for
each other.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.model.decide.context import Batch, Context, Refusal
    from console.model.decide.rules import (
        decide,
        effect_outcome,
        fire_deadlines,
        flag_outcome,
        next_deadline,
        settle,
        step_outcome,
        watched,
        write_outcome,
    )

__all__ = [
    "Batch",
    "Context",
    "Refusal",
    "decide",
    "effect_outcome",
    "fire_deadlines",
    "flag_outcome",
    "next_deadline",
    "settle",
    "step_outcome",
    "watched",
    "write_outcome",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from console.model.decide import rules

    return getattr(rules, name)
