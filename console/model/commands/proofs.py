"""What an operator wants to be proven."""

from __future__ import annotations

from console.model.commands.base import Command
from console.model.value import value


@value
class ProveWritePath(Command):
    """Toggles the canary `flag`, on which nothing depends: the engine sets it from `before` to `other`, reads it back,
    sets it back to `before`, and reads it again. `before` is the share that was on the screen: at another one nothing
    is written."""

    flag: str
    before: float
    other: float
