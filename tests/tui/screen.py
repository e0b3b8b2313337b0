"""A console on a made-up Board, to be looked at: `python -m tests.tui.screen quiet|busy|broken|incident [mode]`."""

from __future__ import annotations

import sys

from console.tui.launch import run


async def troubled(engine):
    from datetime import timedelta

    from console.model import commands as cmd
    from console.model.alert import reference
    from console.model.people import Severity

    clock = engine.clock
    alerts = tuple(reference(alert) for alert in engine.board.feed.active[:2])
    await engine.submit(cmd.BeginShift())
    await engine.submit(cmd.AddWatchItem(engine.state.shift.id, "replica lag of the event store"))
    begun = await engine.submit(
        cmd.DeclareIncident("P99 of elicitation is 612 ms, limit 500 ms", Severity.SEV2, alerts)
    )
    clock.advance(minutes=1)
    await engine.submit(cmd.AcknowledgeIncident(begun.subject))
    then = clock.now() - timedelta(minutes=9)
    await engine.submit(cmd.AddNote(begun.subject, "customers report timeouts", then))
    rollback = next(item for item in engine.board.playbooks if item.playbook.name == "emergency-rollback")
    started = await engine.submit(cmd.StartRun(begun.subject, rollback))
    clock.advance(seconds=95)
    await engine.submit(cmd.CompleteStep(started.subject, "disable-flag", "flag at 0 %", override="the metric lags"))
    clock.advance(seconds=100)


def main():
    case = sys.argv[1] if len(sys.argv) > 1 else "busy"
    mode = sys.argv[2] if len(sys.argv) > 2 else "live"

    def start():
        import asyncio
        from datetime import UTC, datetime

        from tests.tui.fake import FakeEngine, StillClock
        from tests.view import boards

        class Ticking(StillClock):
            began = datetime.now(UTC)

            def now(self):
                return self.at + (datetime.now(UTC) - self.began)

        clock = StillClock() if case == "still" else Ticking()
        board = {"broken": boards.broken, "quiet": boards.quiet, "still": boards.quiet}.get(case, boards.busy)(mode)
        engine = FakeEngine(board, clock)
        if case in ("incident", "broken"):
            asyncio.run(troubled(engine))
        if case == "broken":
            engine.not_saved = engine.board.not_saved
        return engine, clock

    sys.exit(run(start, title=f"lighthouse/production {mode.upper()}"))


if __name__ == "__main__":
    main()
