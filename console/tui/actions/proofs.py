"""Actions that renew the proofs of a rollback. The share that was read just before is the one that is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.rollback import Source
from console.tui.actions.submit import ask
from console.tui.dialogs.form import Question, Text
from console.view.line import Tone, line, span

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation


def _prove(app: ConsoleApp, at: Situation) -> None:
    """Reads the canary, and asks with what was read."""
    plan = at.board.progress.plan.rollback if at.board.progress is not None else None
    assert plan is not None  # `enabled` looked.
    canary = plan.canary_flag

    async def work() -> None:
        look = await app.engine.lookups.flag(canary)
        if look.state is None:
            app.say(f"{canary} cannot be read, and nothing was written: {look.error}", bad=True)
            return
        now = look.state.percent
        other = 0.0 if now > 0 else 100.0
        question = Question(
            f"Toggle the canary flag {canary}",
            f"Toggle it in {at.board.target}",
            lambda _: cmd.ProveWritePath(canary, now, other),
            (
                line(span("from      ", Tone.DIM), f"{now:g} % to {other:g} % and back, in {at.board.flags}"),
                line(span("may       ", Tone.DIM), span(look.scope or "unknown", Tone.DIM)),
                line(span("Nothing depends on it. What cannot be set back is owed, and said.", Tone.DIM)),
            ),
            careful=True,
            returns=True,
        )
        ask(app, question, "The write path is proven")

    app.spawn(work())


def _reached(app: ConsoleApp, at: Situation) -> None:
    people = ", ".join(dict.fromkeys(reach.person for _, reaches in at.board.on_call for reach in reaches))
    question = Question(
        "Those on call can be reached",
        f"Record it for {at.board.target}",
        lambda answers: cmd.RenewProof("people", answers["evidence"], Source.PEOPLE),
        (line(span("on call   ", Tone.DIM), people or "nobody"),),
        (Text("evidence", "How you know", "", "such as: both answered the phone"),),
    )
    ask(app, question, "That they can be reached")


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {"prove": _prove, "reached": _reached}
