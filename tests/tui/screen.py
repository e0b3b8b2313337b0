"""A console on a made-up Board, to be looked at: `python -m tests.tui.screen quiet|busy|broken|incident|sev1|down
[mode]`, or `night [NAME ...]`: runs of `tests.view.nights`; or `levels [NAME ...]`: objectives
of `tests.view.levels`; or `rollout CASE`: of `tests.view.rollouts`."""

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


async def sev1(engine):
    """A SEV1 in progress: the update is overdue, a level reached nobody, messages are not sent, a change is owed."""
    from datetime import timedelta

    from console.model import commands as cmd
    from console.model import events as ev
    from console.model.alert import reference
    from console.model.change import ChangeKind
    from console.model.people import Severity

    clock = engine.clock
    clock.advance(minutes=-40)
    alerts = tuple(reference(alert) for alert in engine.board.feed.active[:2])
    begun = await engine.submit(
        cmd.DeclareIncident("Checkout fails: half of all requests time out", Severity.SEV1, alerts)
    )
    incident = begun.subject
    clock.advance(minutes=6)
    await engine.submit(cmd.Escalate(incident, 1, "no answer"))
    await engine.submit(cmd.AcknowledgeIncident(incident))
    await engine.submit(cmd.ChangeState(incident, "investigating"))
    await engine.submit(
        cmd.PostUpdate(incident, "50 % of checkouts fail", "rolling back", "a DBA", timedelta(minutes=15))
    )
    await engine.submit(cmd.AddTask(incident, "watch the replica lag", "bob", clock.now() + timedelta(minutes=60)))
    await engine.submit(
        cmd.RecordDecision(
            incident,
            "roll back",
            "the release is the only change",
            ("roll back", "scale"),
            "",
            "errors below 1 %",
            clock.now() + timedelta(minutes=50),
        )
    )
    await engine.submit(
        cmd.RecordChange(
            ChangeKind.OVERRIDE, "lighthouse/production", "pool raised from 40 to 80", "set pool back to 40", incident
        )
    )
    note = await engine.submit(cmd.AddNote(incident, "support has 41 tickets", clock.now() - timedelta(minutes=3)))
    await engine.submit(cmd.Correct(incident, note.events[0].id, "support has 14 tickets", None, "typo"))
    rollback = next(item for item in engine.board.playbooks if item.playbook.name == "emergency-rollback")
    clock.advance(minutes=32)
    await engine.submit(cmd.StartRun(incident, rollback))
    clock.advance(seconds=130)
    for item in list(engine.state.deliveries.values()):
        slack = item.channel == "slack-incidents"
        late = slack and clock.now() - item.queued_at < timedelta(minutes=36)
        done = ev.DeliveryFailing("no answer within 10 s") if late else ev.DeliverySent("accepted")
        engine._append(item.stream, done, clock.now(), False)
    engine.show()


async def told(engine):
    """What happened while the levels of `tests.view.levels` burned."""
    from datetime import timedelta

    from console.model import commands as cmd
    from console.model.alert import reference
    from console.model.people import Severity

    clock, now = engine.clock, engine.clock.now()
    alerts = tuple(reference(alert) for alert in engine.board.feed.active[-1:])
    for back, percent in ((9 * 1440, 5.0), (4 * 1440, 25.0), (95, 50.0)):
        clock.advance(minutes=-back)
        await engine.submit(cmd.ObservePhase(percent, "flagd"))
        clock.advance(minutes=back)
    clock.advance(minutes=-62)
    begun = await engine.submit(cmd.DeclareIncident("Errors of the API", Severity.SEV2, alerts))
    clock.advance(minutes=1)
    await engine.submit(cmd.AcknowledgeIncident(begun.subject))
    await engine.submit(cmd.AddNote(begun.subject, "the new version fails on large orders"))
    clock.advance(minutes=9)
    await engine.submit(cmd.ChangeSeverity(begun.subject, Severity.SEV1, "all orders"))
    clock.advance(minutes=6)
    await engine.submit(cmd.ChangeState(begun.subject, "investigating"))
    clock.advance(minutes=16)
    await engine.submit(cmd.ObservePhase(5.0, "flagd"))
    clock.advance(minutes=4)
    await engine.submit(cmd.ChangeState(begun.subject, "mitigating"))
    clock.advance(minutes=26)
    assert clock.now() - now < timedelta(minutes=1)


async def rolled(engine, case):
    """A rollout of `tests.view.rollouts`; `rolling` is one with the run of its rollback."""
    from dataclasses import replace

    from tests.view import rollouts

    if case == "rolling":
        shown = await rolling(engine)
    else:
        shown = rollouts.CASES[case]()
    engine._board = replace(shown, incidents=engine.board.incidents, runs=engine.board.runs)
    engine.show()


async def rolling(engine):
    """The Board six minutes into a rollback, whose run the engine has made."""
    from console.model import commands as cmd
    from console.model.people import Severity
    from tests.view import rollouts

    clock = engine.clock
    clock.advance(minutes=-7)
    begun = await engine.submit(cmd.DeclareIncident("P99 of elicitation is 612 ms", Severity.SEV2, ()))
    await engine.submit(cmd.AcknowledgeIncident(begun.subject))
    book = next(item for item in engine.board.playbooks if item.playbook.name == "emergency-rollback")
    started = await engine.submit(cmd.StartRun(begun.subject, book))
    clock.advance(seconds=50)
    await engine.submit(cmd.CompleteStep(started.subject, "alert-teams", "told at 14:26"))
    clock.advance(seconds=40)
    await engine.submit(cmd.CompleteStep(started.subject, "disable-flag", "flag at 0 %", override="the metric lags"))
    clock.advance(seconds=330)
    return rollouts.rolling_back(started.subject)


def main():
    case = sys.argv[1] if len(sys.argv) > 1 else "busy"
    mode = sys.argv[2] if len(sys.argv) > 2 and case not in ("night", "levels", "rollout") else "live"

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
        board = {"down": boards.broken, "broken": boards.broken, "quiet": boards.quiet, "still": boards.quiet}.get(
            case, boards.busy
        )(mode)
        engine = FakeEngine(boards.staffed(board), clock)
        if case == "levels":
            from tests.view import levels

            engine = FakeEngine(levels.board(*sys.argv[2:], base=boards.staffed(boards.quiet())), clock)
            engine.lookups.histories = levels.histories()
            asyncio.run(told(engine))
        if case == "rollout":
            asyncio.run(rolled(engine, sys.argv[2]))
        if case in ("sev1", "down"):
            asyncio.run(sev1(engine))
        if case in ("incident", "broken"):
            asyncio.run(troubled(engine))
        if case == "night":
            from tests.view.nights import night

            night(engine, *sys.argv[2:])
        if case == "broken":
            engine.not_saved = engine.board.not_saved
        return engine, clock

    sys.exit(run(start, title=f"lighthouse/production {mode.upper()}"))


if __name__ == "__main__":
    main()
