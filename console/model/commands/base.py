"""The base of all commands."""

from __future__ import annotations

from console.model.value import value


@value
class Command:
    """The base of all commands. Ids name what was under the cursor: a command never acts on a row."""
