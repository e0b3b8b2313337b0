"""That a baseline was captured."""

from __future__ import annotations

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context
from console.model.state import State


def record(_: State, command: cmd.RecordBaseline, __: Context) -> list[Batch]:
    """It is on the disk already: nothing can refuse it."""
    captured = ev.BaselineCaptured(
        command.name, command.hash, command.target, command.source, command.begin, command.end, command.slis
    )
    return [Batch(f"baseline:{command.hash}", 0, (captured,))]
