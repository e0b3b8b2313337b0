"""What follows from a command: events, or a refusal with its reason. Pure: state + command + context -> batches.

The rules are imported when one of these names is first wanted. Importing a module of this package imports nothing but
this file before it: two threads that begin with different ones (the screen, and the engine behind it) never wait for
each other.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.model.decide.changes import flag_outcome as flag_outcome
    from console.model.decide.context import Batch as Batch
    from console.model.decide.context import Context as Context
    from console.model.decide.context import Refusal as Refusal
    from console.model.decide.deadlines import fire_deadlines as fire_deadlines
    from console.model.decide.deadlines import next_deadline as next_deadline
    from console.model.decide.rollout import step_outcome as step_outcome
    from console.model.decide.rollout import write_outcome as write_outcome
    from console.model.decide.rules import decide as decide
    from console.model.decide.runs import effect_outcome as effect_outcome
    from console.model.decide.runs import settle as settle
    from console.model.decide.runs import watched as watched

_MODULES = {
    "Batch": "context",
    "Context": "context",
    "Refusal": "context",
    "decide": "rules",
    "effect_outcome": "runs",
    "fire_deadlines": "deadlines",
    "flag_outcome": "changes",
    "next_deadline": "deadlines",
    "settle": "runs",
    "step_outcome": "rollout",
    "watched": "runs",
    "write_outcome": "rollout",
}
"""Where each of the names comes from: as above, which is for whoever checks types."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
