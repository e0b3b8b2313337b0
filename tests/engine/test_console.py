"""The engine in simulated time: deadlines, lease, sources that fail, a journal that cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.console import Console
from console.engine.offload import in_place
from console.engine.outcome import Denied, Done, Unsaved
from console.engine.record import AT_ONCE
from console.engine.world import World
from console.journal.spool import FileSpool
from console.model import commands as cmd
from console.model.alert import AlertRef
from console.model.board import Board, Target
from console.model.events import AlertAcknowledged, IncidentAcknowledged, IncidentDeclared, Recorded
from console.model.fold import care
from console.model.people import Actor, Severity
from console.model.reading import Reading, ReadingState
from console.ports import Append, JournalUnusable, Lease, NewEvent, NotSaved, Uncertain
from console.settings.config import Environment, HttpSource
from console.settings.outside import Grafana as Watched
from console.settings.outside import Notify
from tests.engine.bench import CONFIG, ENVIRONMENT, START, Bench
from tests.model.life import ENGINE, ROLLBACK


async def started_run(console: Console) -> str:
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(declared, Done)
    begun = await console.submit(cmd.StartRun(declared.subject, ROLLBACK))
    assert isinstance(begun, Done)
    return begun.subject


async def test_only_an_event_of_the_incident_itself_can_be_corrected(bench: Bench) -> None:
    console = await bench.console()
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    other = await console.submit(cmd.DeclareIncident("Disk full", Severity.SEV3))
    assert isinstance(declared, Done)
    assert isinstance(other, Done)
    mine, theirs = declared.events[0].id, other.events[0].id
    last = (await console.timeline(f"incident:{declared.subject}"))[-1]
    label = console.state.incidents[declared.subject].label
    for event, shown in ((theirs, theirs), ("no-such-event", "no-such-event"), ("\x1b[2J", "\ufffd[2J")):
        refused = await console.submit(cmd.Correct(declared.subject, event, "x"))
        assert isinstance(refused, Denied)
        assert refused.reason.startswith(f"{shown} is no event of {label}; expected the id of one of its ")
        assert refused.reason.endswith(f"{last.id} ({last.kind})")
    assert bench.kinds("record.corrected") == []

    fixed = await console.submit(cmd.Correct(declared.subject, f" {mine} ", "P99 was high"))
    assert isinstance(fixed, Done)
    assert isinstance(await console.submit(cmd.Correct(declared.subject, fixed.events[0].id, "no, it is")), Done)
    nobody = await console.submit(cmd.Correct("nothing", mine, "x"))
    assert isinstance(nobody, Denied)
    assert nobody.reason == "incident nothing is not in this record"


async def test_what_waits_in_the_spool_can_be_corrected_and_a_record_that_cannot_be_read_says_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = await bench.console()
    bench.journal.problem = "disk full"
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1), unsaved=True)
    assert isinstance(declared, Done)
    bench.journal.problem = ""
    assert isinstance(await console.submit(cmd.Correct(declared.subject, declared.events[0].id, "x")), Done)

    def broken(_: str) -> list[Recorded]:
        raise JournalUnusable("journal: disk I/O error")

    monkeypatch.setattr(bench.journal, "stream", broken)
    refused = await console.submit(cmd.Correct(declared.subject, declared.events[0].id, "y"))
    assert refused == Denied("journal: disk I/O error")


async def test_the_board_shows_readings_that_age_when_their_source_fails(bench: Bench) -> None:
    console = await bench.console()
    await bench.run(20)
    board = console.board
    assert [source.state for source in board.sources] == [ReadingState.OK, ReadingState.OK]
    assert board.slos[0].burn.value == pytest.approx(1000)
    assert (board.readings["rollout.percent"].value, board.rollout is not None) == (1.0, True)
    bench.metrics.error = "connection refused"
    await bench.run(60)
    board = console.board
    assert (board.sources[0].state, board.sources[0].error) == (ReadingState.UNREACHABLE, "connection refused")
    assert [source.name for source in board.blind_spots] == ["prometheus"]
    assert board.readings["rollout.percent"].state is ReadingState.STALE
    assert not board.slos[0].burn.ok
    bench.metrics.error = ""
    console.refresh()
    await bench.run(1)
    assert console.board.blind_spots == ()


async def test_grafana_is_a_source_with_an_age_and_one_that_is_not_well_is_a_blind_spot(bench: Bench) -> None:
    said = [Reading(ReadingState.OK, "11.3.0", source="grafana")]

    class Grafana:
        name = "grafana"

        def read(self) -> Reading[str]:
            return said[-1]

    grafana = Watched(HttpSource("grafana", "http://x", timedelta(seconds=20)))
    bench.environment = replace(bench.environment, notify=Notify(grafana=grafana))
    bench.outside = {"watched": (Grafana(),)}
    console = await bench.console()
    await bench.run(50)
    (status,) = (item for item in console.board.sources if item.name == "grafana")
    assert (status.state, status.interval) == (ReadingState.OK, timedelta(seconds=20))
    assert status.at is not None
    assert timedelta(0) <= bench.clock.now() - status.at <= timedelta(seconds=22)
    said.append(Reading(ReadingState.PARTIAL, "11.3.0", source="grafana", note="its database is failing"))
    await bench.run(30)
    (blind,) = console.board.blind_spots
    assert (blind.name, blind.error, blind.at is not None) == ("grafana", "its database is failing", True)


async def test_42_a_fault_of_ours_is_in_the_log_once_with_its_place_and_without_its_words(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.alerts.fault = "canary-4711-do-not-print"
    console = await bench.console()
    await bench.run(200)
    (record,) = caplog.records
    assert record.name == "console.engine"
    assert "fault in the alertmanager source: KeyError" in record.getMessage()
    assert "tests/engine/bench.py" in record.getMessage()
    assert "in read" in record.getMessage()
    assert "canary" not in caplog.text + console.board.sources[1].error
    bench.alerts.fault = ""
    console.refresh()
    await bench.run(1)
    bench.alerts.fault = "again"
    await bench.run(60)
    assert len(caplog.records) == 2


async def test_a_source_that_never_answered_blanks_everything_it_would_say(bench: Bench) -> None:
    bench.metrics.error = "connection refused"
    console = await bench.console()
    await bench.run(1)
    board = console.board
    assert board.slos[0].ratio.state is ReadingState.UNREACHABLE
    assert board.rollout is not None
    assert {guardrail.value.state for guardrail in board.rollout.guardrails} == {ReadingState.UNREACHABLE}


async def test_backing_off_asks_less_often_but_at_least_once_a_minute(bench: Bench) -> None:
    bench.metrics.error = "connection refused"
    await bench.console()
    await bench.run(600)
    assert 10 <= bench.metrics.asked <= 15


async def test_a_fault_in_a_source_blanks_it_and_nothing_else(bench: Bench) -> None:
    bench.alerts.fault = "token=hunter2"
    console = await bench.console()
    await bench.run(1)
    states = {source.name: source for source in console.board.sources}
    assert states["prometheus"].state is ReadingState.OK
    assert states["alertmanager"].error == "fault in the alertmanager source: KeyError"


async def test_an_empty_feed_is_evidence_only_while_the_watchdog_is_seen(bench: Bench) -> None:
    console = await bench.console()
    await bench.run(1)
    assert console.board.feed.evidence is ReadingState.OK
    bench.alerts.watchdog = False
    await bench.run(20)
    feed = console.board.feed
    assert (feed.evidence, feed.note) == (ReadingState.NO_DATA, "the always-firing alert 'Watchdog' is not there")


async def test_deadlines_fire_on_time_and_once(bench: Bench) -> None:
    console = await bench.console()
    await started_run(console)
    await bench.run(600)
    overdue = [event for event in bench.journal.read() if event.kind == "run.step_overdue"]
    assert {(event.payload.step, event.payload.late_seconds) for event in overdue} == {("alert", 0.0), ("disable", 0.0)}
    assert [event.recorded_at for event in overdue] == [START + timedelta(minutes=1), START + timedelta(minutes=2)]
    assert len(bench.kinds("incident.acknowledge_overdue")) == 1


async def test_a_dead_holder_is_replaced_within_15_s_and_deadlines_still_fire_once(bench: Bench) -> None:
    holder, second, third = [await bench.console(name) for name in ("alice", "bob", "watch")]
    assert [console.board.lease.holder for console in (holder, second, third)] == ["alice"] * 3
    await started_run(second)
    await bench.run(45)
    await bench.kill(holder)
    await bench.run(15)
    takers = {console.board.lease.holder for console in (second, third)}
    assert len(takers) == 1
    assert takers < {"bob", "watch"}
    await bench.run(600)
    assert len(bench.kinds("run.step_overdue")) == 2
    assert len(bench.kinds("incident.acknowledge_overdue")) == 1


async def test_a_stopped_holder_gives_the_lease_back_at_once(bench: Bench) -> None:
    holder, second = await bench.console("alice"), await bench.console("bob")
    bench.consoles.remove(holder)
    await holder.stop()
    await bench.run(4)
    assert second.board.lease.mine


async def test_deadlines_that_passed_while_nothing_ran_fire_at_start_marked_late(bench: Bench) -> None:
    console = await bench.console()
    await started_run(console)
    await bench.kill(console)
    await bench.run(300)
    await bench.console("bob")
    await bench.run(1)
    overdue = {event.payload.step: event.payload.late_seconds for event in bench.journal.read() if "overdue" in event.kind and event.stream.startswith("run:")}  # fmt: skip  # noqa: E501
    assert overdue == {"alert": 240.0, "disable": 180.0}


async def test_consoles_on_one_journal_see_each_other(bench: Bench) -> None:
    one, other = await bench.console("alice"), await bench.console("bob")
    declared = await one.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    await bench.run(1)
    assert isinstance(declared, Done)
    assert [incident.id for incident in other.board.open_incidents] == [declared.subject]
    assert isinstance(await other.submit(cmd.AcknowledgeIncident(declared.subject)), Done)
    denied = await one.submit(cmd.AcknowledgeIncident(declared.subject))
    assert denied == Denied("INC-2 was acknowledged by bob at 12:00:01Z")


async def test_a_command_decided_on_an_old_state_is_decided_again(bench: Bench) -> None:
    one, other = await bench.console("alice"), await bench.console("bob")
    declared = await one.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(declared, Done)
    await other._record.catch_up()
    note = lambda text: cmd.AddNote(declared.subject, text)  # noqa: E731
    outcomes = await asyncio.gather(
        *(console.submit(note(f"{number}")) for number in range(5) for console in (one, other))
    )
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert len(bench.kinds("note.added")) == 10


async def test_a_read_only_console_appends_nothing_and_takes_no_lease(bench: Bench) -> None:
    console = await bench.console(read_only=True)
    assert await console.submit(cmd.BeginShift()) == Denied("this console is read-only")
    await bench.run(60)
    assert bench.journal.read() == []
    assert console.board.lease.holder == ""


async def test_what_cannot_be_saved_is_said_and_a_rollback_still_runs(bench: Bench) -> None:
    console = await bench.console(flags=True)
    run = await started_run(console)
    bench.journal.problem = "disk full"
    skip = cmd.SkipStep(run, "disable", "cut at the proxy")
    assert await console.submit(skip) == Unsaved("disk full", may_proceed=True)
    assert console.board.not_saved == "disk full"
    assert await console.submit(cmd.BeginShift(), unsaved=True) == Unsaved("disk full", may_proceed=False)
    flagged = await console.submit(cmd.SetFlag(run, "disable"), unsaved=True)
    assert isinstance(flagged, Done)
    assert flagged.unsaved
    assert bench.flags.set == [("elicitation", 0.0)]
    gone_on = await console.submit(skip, unsaved=True)
    assert isinstance(gone_on, Done)
    assert console.board.run(run).unsaved  # type: ignore[union-attr]
    assert console.board.spooled
    await bench.run(30)
    bench.journal.problem = ""
    await bench.run(10)
    saved = console.board.run(run)
    assert saved is not None
    assert (saved.unsaved, saved.steps["disable"].status, console.board.spooled) == (False, "skipped", "")
    kinds = [event.kind for event in bench.journal.stream(f"run:{run}")]
    assert kinds.count("effect.intended") == kinds.count("effect.finished") == kinds.count("run.step_skipped") == 1
    assert all(event.payload.events for event in bench.journal.read() if event.kind == "journal.spool_merged")


async def test_an_incident_declared_while_nothing_can_be_saved_gets_its_number_later(bench: Bench) -> None:
    console = await bench.console()
    bench.journal.problem = "disk full"
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1), unsaved=True)
    assert isinstance(declared, Done)
    assert console.board.open_incidents[0].label == "INC-? (NOT SAVED)"
    again = await console.submit(cmd.AddNote(declared.subject, "pool is full"), unsaved=True)
    assert isinstance(again, Done)
    bench.journal.problem = ""
    await bench.run(10)
    incident = console.board.open_incidents[0]
    assert (incident.id, incident.notes, incident.unsaved) == (declared.subject, 1, False)
    assert incident.number > 0


async def test_what_waits_in_the_spool_survives_a_crash(bench: Bench) -> None:
    async def start() -> Console:
        spool = FileSpool([bench.folder], bench.clock, bench.ids, ENGINE, console="bench", journal="bench")
        world = World(bench.clock, bench.ids, bench.journal, spool, offload=in_place)
        console = Console(world, CONFIG, ENVIRONMENT, Actor("alice", "alice"), console="alice")
        await console.start()
        bench.consoles.append(console)
        return console

    console = await start()
    bench.journal.problem = "disk full"
    declared = await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1), unsaved=True)
    assert isinstance(declared, Done)
    await bench.kill(console)
    again = await start()
    assert [incident.id for incident in again.board.open_incidents] == [declared.subject]
    bench.journal.problem = ""
    await bench.run(5)
    assert len(bench.kinds("incident.declared")) == 1


async def test_a_refused_flag_is_said_and_its_step_stays_open(bench: Bench) -> None:
    console = await bench.console(flags=True)
    run = await started_run(console)
    bench.flags.error = "403 from the provider"
    assert await console.submit(cmd.SetFlag(run, "disable")) == Denied(
        "elicitation was not set: 403 from the provider", passing=True
    )
    seen = console.board.run(run)
    assert seen is not None
    assert (seen.effects[0].outcome, seen.effects[0].answer) == ("refused", "403 from the provider")
    assert seen.steps["disable"].status == "failed"
    bench.flags.error = ""
    assert isinstance(await console.submit(cmd.RetryStep(run, "disable")), Done)
    assert isinstance(await console.submit(cmd.SetFlag(run, "disable")), Done)


async def test_a_flag_of_which_no_answer_came_is_not_called_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = await bench.console(flags=True)
    run = await started_run(console)

    def silent(*_: object) -> str:
        raise Uncertain("no answer within 5 s")

    monkeypatch.setattr(bench.flags, "set_percent", silent)
    denied = await console.submit(cmd.SetFlag(run, "disable"))
    assert isinstance(denied, Denied)
    assert denied.unknown
    seen = console.board.run(run)
    assert seen is not None
    assert seen.effects[0].outcome == ""


async def test_a_listener_gets_every_board_until_it_unsubscribes(bench: Bench) -> None:
    console = await bench.console()
    boards: list[Board] = []
    stop: Callable[[], None] = console.subscribe(boards.append)
    await bench.run(20)
    assert [board.number for board in boards] == sorted({board.number for board in boards})
    assert boards[-1] is console.board
    stop()
    count = len(boards)
    await bench.run(60)
    assert len(boards) == count


async def test_alerts_that_could_not_be_read_leave_the_feed_partial(bench: Bench) -> None:
    console = await bench.console()
    bench.alerts.note = "2 of its alerts could not be read"
    await bench.run(20)
    feed = console.board.feed
    assert (feed.evidence, feed.note) == (ReadingState.PARTIAL, "2 of its alerts could not be read")


async def test_incidents_of_another_environment_are_neither_shown_nor_acted_on(bench: Bench) -> None:
    here = await bench.console()
    declared = await here.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(declared, Done)
    staging = Environment(Target("lighthouse", "staging"))
    spool = FileSpool([bench.folder], bench.clock, bench.ids, ENGINE, console="bob", journal="other")
    other = Console(
        World(bench.clock, bench.ids, bench.journal, spool, offload=in_place),
        CONFIG, staging, Actor("bob", "bob"), console="bob",
    )  # fmt: skip
    await other.open()
    assert other.board.incidents == ()
    refused = await other.submit(cmd.StartRun(declared.subject, ROLLBACK))
    elsewhere = "INC-2 is on lighthouse/production, this console on lighthouse/staging: choose that one (--env)"
    assert refused == Denied(elsewhere)
    for command in (
        cmd.AcknowledgeIncident(declared.subject),
        cmd.AddNote(declared.subject, "looking"),
        cmd.ChangeState(declared.subject, "resolved"),
    ):
        assert await other.submit(command) == Denied(elsewhere)
    spool.close()


async def test_what_another_process_left_in_the_spool_is_merged_while_running(bench: Bench) -> None:
    console = await bench.console()
    folder = bench.folder / "alice1"
    left = FileSpool([folder], bench.clock, bench.ids, ENGINE, console="gone", journal="bench")
    event = NewEvent(IncidentDeclared("Written while full", Severity.SEV2, "lighthouse", "production"), START, "e1")
    left.put(Append("incident:i1", None, (event,), Actor("bob", "bob")))
    left.close()
    await bench.run(5)
    assert [incident.title for incident in console.board.open_incidents] == ["Written while full"]


async def test_a_merge_loses_no_event_to_a_task_that_follows_the_journal(bench: Bench) -> None:
    console = await bench.console()
    for number in range(30):
        await console.submit(cmd.DeclareIncident(f"Incident {number}", Severity.SEV4))
    bench.journal.problem = "disk full"
    await console.submit(cmd.DeclareIncident("Written aside", Severity.SEV4), unsaved=True)
    bench.journal.problem = ""
    release = asyncio.Event()
    console._record._offload = slowly(release)  # every read lets the other tasks go first
    merging = asyncio.create_task(console._record.merge())
    for _ in range(20):
        await asyncio.sleep(0)
    release.set()
    await merging
    await console._record.catch_up()
    assert len(console.state.incidents) == 31
    assert console.state.seq == bench.journal.head().seq
    assert console.board.head != ""


def slowly(release: asyncio.Event) -> Callable[..., object]:
    async def offload(function: Callable[[], object]) -> object:
        answer = function()
        await release.wait()
        return answer

    return offload


async def test_an_opened_console_knows_who_escalates(bench: Bench) -> None:
    await bench.console("alice")
    spool = FileSpool([bench.folder], bench.clock, bench.ids, ENGINE, console="bob", journal="other")
    world = World(bench.clock, bench.ids, bench.journal, spool, offload=in_place)
    opened = Console(world, CONFIG, ENVIRONMENT, Actor("bob", "bob"), console="bob")
    await opened.open()
    assert opened.board.lease.holder == "alice"
    spool.close()


async def test_a_record_that_cannot_be_read_is_said_and_read_again(bench: Bench) -> None:
    one, other = await bench.console("alice"), await bench.console("bob")
    reading, fault = bench.journal.read, JournalUnusable("journal: disk I/O error")

    def unreadable(*_: object) -> list[Recorded]:
        raise fault

    bench.journal.read = unreadable  # type: ignore[method-assign]
    declared = await one.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1))
    assert isinstance(declared, Done)
    await bench.run(2)
    assert other.board.fault == "journal: disk I/O error"
    assert isinstance(await other.submit(cmd.BeginShift()), Done)  # what is saved is said to be saved
    bench.journal.read = reading  # type: ignore[method-assign]
    await bench.run(10)
    assert other.board.fault == ""
    assert [incident.id for incident in other.board.open_incidents] == [declared.subject]


async def test_a_fault_in_a_task_is_shown_and_the_task_goes_on(bench: Bench) -> None:
    console = await bench.console()
    await started_run(console)
    renew = bench.journal.renew

    async def broken(*_: object, **__: object) -> None:
        raise ValueError("garbage in the lease")

    bench.journal.renew = broken  # type: ignore[method-assign, assignment]
    await bench.run(4)
    assert console.board.fault == "fault in the engine's task 'lease': ValueError"
    bench.journal.renew = renew  # type: ignore[method-assign]
    await bench.run(12)
    assert console.board.fault == ""
    assert console.board.lease.mine


async def test_a_lease_that_no_engine_would_ask_for_holds_up_nobody(bench: Bench) -> None:
    bench.journal._lease = Lease("ghost", 7, START + timedelta(days=3650))
    console = await bench.console()
    assert (console.board.lease.holder, console.board.lease.mine) == ("alice", True)
    bench.journal._lease = Lease("ghost", 9, START + timedelta(days=3650))
    await bench.run(4)
    assert console.board.lease.mine


async def test_a_request_that_outlives_its_deadline_does_not_meet_the_next_one(bench: Bench) -> None:
    console = await bench.console()
    await bench.run(1)
    console._pollers["prometheus"]._asking = True
    await bench.run(20)
    assert console.board.sources[0].error == "the request before has not ended yet"


async def test_a_holder_that_was_stopped_fires_what_passed_as_soon_as_it_goes_on(bench: Bench) -> None:
    console = await bench.console()
    await started_run(console)
    await bench.run(1)
    bench.journal._lease = Lease("alice", 1, START - timedelta(days=1))  # it ran out meanwhile; nobody took it
    console._lease._seen = bench.journal._lease
    bench.clock._now += timedelta(minutes=3)
    await bench.run(5)
    assert len(bench.kinds("run.step_overdue")) == 2


async def test_what_failed_to_be_saved_is_written_by_the_same_ids_when_it_is_given_again(bench: Bench) -> None:
    console = await bench.console()
    tried: list[str] = []
    append = bench.journal.append

    async def failing(appends: Sequence[Append], **options: object) -> tuple[Recorded, ...]:
        tried.extend(event.id for item in appends for event in item.events)
        raise NotSaved("fsync failed")

    bench.journal.append = failing  # type: ignore[method-assign, assignment]
    declare = cmd.DeclareIncident("P99 is high", Severity.SEV1)
    assert isinstance(await console.submit(declare), Unsaved)
    done = await console.submit(declare, unsaved=True)
    assert isinstance(done, Done)
    assert {*tried} == {event.id for event in done.events}
    bench.journal.append = append  # type: ignore[method-assign]
    await bench.run(5)
    stream = done.events[0].stream
    given = [event.id for event in done.events if event.stream == stream]
    assert [event.id for event in bench.journal.stream(stream)] == given


async def test_a_server_that_refuses_every_expression_is_a_blind_spot(bench: Bench) -> None:
    bench.metrics.read = lambda queries, **_: {  # type: ignore[method-assign]
        query.name: Reading(ReadingState.UNREACHABLE, None, None, "prometheus", None, "400: bad_data")
        for query in queries
    }
    console = await bench.console()
    await bench.run(1)
    assert [source.name for source in console.board.blind_spots] == ["prometheus"]
    assert console.board.sources[0].error == "refuses every expression: 400: bad_data"


async def test_a_record_with_a_gap_is_a_fault_and_not_read_for_ever(bench: Bench) -> None:
    console = await bench.console()
    await console.submit(cmd.BeginShift())
    whole = bench.journal.read
    await bench.journal.append(
        [Append("shift:x", 0, (NewEvent(IncidentAcknowledged(), START, n),), ENGINE) for n in ("x",)]
    )
    seen = console._record.state.seq
    bench.journal.read = lambda after=0, limit=9: [item for item in whole(after, limit) if item.seq > seen + 1]  # type: ignore[method-assign]
    await bench.journal.append([Append("shift:y", 0, (NewEvent(IncidentAcknowledged(), START, "y"),), ENGINE)])
    with pytest.raises(JournalUnusable, match=f"event {seen + 1} is missing"):
        await console._record.catch_up()


async def test_an_alert_that_the_fold_has_forgotten_is_read_again_when_somebody_takes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "KEPT", 1)
    monkeypatch.setattr(care, "_STEP", 1)
    console = await bench.console()
    old = [AlertRef(name, name, starts_at=START - timedelta(days=31)) for name in ("a", "b")]
    for item in old:
        event = NewEvent(AlertAcknowledged(item), START - timedelta(days=31), f"e-{item.name}")
        await console._record.append([Append(f"alert:{item.name}", 0, (event,), Actor("bob", "bob"))])
    assert isinstance(await console.submit(cmd.AcknowledgeAlerts((AlertRef("c", "c"),))), Done)
    assert set(console.state.care) == {"c"}
    again = await console.submit(cmd.AcknowledgeAlerts(tuple(replace(item, starts_at=START) for item in old)))
    assert isinstance(again, Done)
    assert [event.version for event in again.events if event.kind == "alert.acknowledged"] == [2, 2]
    assert {"a", "b"} <= set(console.board.care)


async def test_what_is_said_about_alerts_is_copied_only_when_something_was_said(bench: Bench) -> None:
    console = await bench.console()
    await console.submit(cmd.AcknowledgeAlerts((AlertRef("a", "A"),)))
    before = console.board
    await bench.run(60)
    assert console.board is not before
    assert console.board.care is before.care
    await console.submit(cmd.AcknowledgeAlerts((AlertRef("b", "B"),)))
    assert (set(before.care), set(console.board.care)) == ({"a"}, {"a", "b"})


async def test_ten_thousand_alerts_that_are_taken_at_once_let_the_keys_in_between(bench: Bench) -> None:
    console = await bench.console()
    turns = 0

    async def keys() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    typing = asyncio.create_task(keys())
    many = tuple(AlertRef(str(number), "A") for number in range(10_000))
    taken = await console.submit(cmd.AcknowledgeAlerts(many))
    typing.cancel()
    assert isinstance(taken, Done)
    assert len(console.board.care) == 10_000
    assert turns >= 2 * 10_000 / AT_ONCE  # to prepare them, and to fold them in
