"""Deliveries: at least once, in order of urgency, one channel never stopping the next, and what became of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.outbox import LONGEST_PAUSE
from console.engine.outcome import Done
from console.integrations.simulated import SimulatedChannel
from console.journal.sqlite import SqliteJournal
from console.model import commands as cmd
from console.model.alert import Alert, AlertState, reference
from console.model.board import Target
from console.model.escalation import OnCallRole
from console.model.events import DeliverySent, Recorded
from console.model.message import PAGER_ACTS, Act, ChannelSpec, Delivery, DeliveryState, Topic
from console.model.pager import ActResult
from console.model.people import Person, Severity
from console.ports import Append, Busy, NotSaved, ReadOnly, Rejected, SourceError
from tests.engine.bench import Bench

DECLARE = cmd.DeclareIncident("P99 is high", Severity.SEV1)


class Line(SimulatedChannel):
    """A channel that fails as often as it is told to, and remembers every attempt."""

    def __init__(self, name: str, bench: Bench, acts: tuple[Act, ...] = (Act.POST, Act.PAGE)) -> None:
        super().__init__(name, bench.clock, acts)
        self.bench = bench
        self.faults: list[SourceError | RuntimeError] = []
        self.tried: list[tuple[float, str]] = []

    def deliver(self, delivery: Delivery) -> ActResult:
        self.tried.append((self.bench.clock.monotonic(), delivery.id))
        if self.faults:
            raise self.faults.pop(0)
        return super().deliver(delivery)


@pytest.fixture
def slack(bench: Bench) -> Line:
    return Line("slack.incidents", bench)


@pytest.fixture
def pagerduty(bench: Bench, slack: Line) -> Line:
    found = Line("pagerduty", bench, PAGER_ACTS)
    bench.outside = {
        "channels": (found, slack),
        "specs": tuple(ChannelSpec(line.name, line.acts, tuple(Topic)) for line in (found, slack)),
    }
    return found


def of(bench: Bench, channel: str) -> list[Delivery]:
    state = bench.consoles[0].state
    return [item for item in state.deliveries.values() if item.channel == channel]


async def test_what_happens_is_told_once_and_its_receipt_is_in_the_record(
    bench: Bench, pagerduty: Line, slack: Line
) -> None:
    console = await bench.console()
    await console.submit(DECLARE)
    await bench.run(5)
    for line in (pagerduty, slack):
        found = of(bench, line.name)
        assert found
        assert {item.state for item in found} == {DeliveryState.SENT}
        assert [name for _, name in line.tried] == [item.id for item in line.kept]
        assert all("kept" in item.receipt for item in found)
    assert pagerduty.kept[0].act is Act.TRIGGER
    assert pagerduty.kept[0].message.label == console.board.incidents[0].label
    queued = [event for event in bench.journal.read() if event.kind == "delivery.queued"]
    sent = [event for event in bench.journal.read() if event.kind == "delivery.sent"]
    assert {event.stream for event in queued} == {event.stream for event in sent}
    assert {event.actor.name for event in sent} == {"engine"}


async def test_what_is_told_leads_to_the_runbook_of_an_alert_that_fires(
    bench: Bench, pagerduty: Line, slack: Line
) -> None:
    runbook = ("runbook_url", "https://runbooks.example/p99")
    alert = Alert("f1", (("alertname", "P99"),), (runbook,), AlertState.ACTIVE, bench.clock.now())
    bench.alerts.firing = (alert,)
    console = await bench.console()
    await bench.run(1)
    await console.submit(cmd.DeclareIncident("P99 is high", Severity.SEV1, (reference(alert),)))
    await bench.run(5)
    for line in (pagerduty, slack):
        assert {item.message.links for item in line.kept} == {(("Runbook of P99", "https://runbooks.example/p99"),)}


async def test_56_a_failing_channel_never_stops_the_next_and_is_tried_again_with_growing_pauses(
    bench: Bench, pagerduty: Line, slack: Line
) -> None:
    pagerduty.faults = [SourceError("connection refused")] * 4
    console = await bench.console()
    await console.submit(DECLARE)
    await bench.run(1)
    assert {item.state for item in of(bench, "slack.incidents")} == {DeliveryState.SENT}
    (waiting,) = of(bench, "pagerduty")
    assert (waiting.state, waiting.error) == (DeliveryState.FAILING, "connection refused")
    await bench.run(60)
    (sent,) = of(bench, "pagerduty")
    assert (sent.state, sent.attempts) == (DeliveryState.SENT, 5)
    times = [at for at, _ in pagerduty.tried]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= 1.5
    assert len(bench.kinds("delivery.failing")) == 1


async def test_30_a_busy_channel_is_left_alone_for_as_long_as_it_asks(bench: Bench, pagerduty: Line) -> None:
    pagerduty.faults = [Busy("429: too many requests", 40)]
    console = await bench.console()
    await console.submit(DECLARE)
    await bench.run(39)
    assert len(pagerduty.tried) == 1
    await bench.run(3)
    assert len(pagerduty.tried) == 2
    assert 40 <= pagerduty.tried[1][0] - pagerduty.tried[0][0] < 42


async def test_what_is_refused_for_good_is_given_up_and_can_be_retried_by_hand(bench: Bench, slack: Line) -> None:
    bench.outside = {"channels": (slack,), "specs": (ChannelSpec(slack.name, slack.acts, tuple(Topic)),)}
    slack.faults = [Rejected("404 channel_not_found")]
    console = await bench.console()
    await console.submit(DECLARE)
    await bench.run(2)
    failed = next(item for item in of(bench, slack.name) if item.state is DeliveryState.FAILED)
    assert failed.error == "404 channel_not_found"
    tried = len(slack.tried)
    await bench.run(600)
    assert len([name for _, name in slack.tried if name == failed.id]) == 1
    assert isinstance(await console.submit(cmd.RetryDelivery(failed.id)), Done)
    await bench.run(2)
    assert len(slack.tried) > tried
    assert console.state.deliveries[failed.id].state is DeliveryState.SENT


async def test_a_fault_of_ours_in_one_channel_is_shown_and_tried_again(bench: Bench, pagerduty: Line) -> None:
    pagerduty.faults = [RuntimeError("a bug")]
    console = await bench.console()
    await console.submit(DECLARE)
    await bench.run(1)
    assert of(bench, "pagerduty")[0].error == "fault in pagerduty: RuntimeError"
    await bench.run(5)
    assert of(bench, "pagerduty")[0].state is DeliveryState.SENT


async def test_the_urgent_goes_first(bench: Bench, pagerduty: Line, slack: Line) -> None:
    carol = Person("carol", "carol", contacts=(("slack.incidents", "@carol"),))
    bench.config = replace(bench.config, people=(carol,), on_call=(OnCallRole("primary", ("carol",)),))
    slack.faults = [Busy("429", 5)]
    console = await bench.console()
    await console.submit(DECLARE)
    await bench.run(0.5)
    waiting = [item.act for item in of(bench, slack.name)]
    assert waiting.index(Act.POST) < waiting.index(Act.PAGE)
    await bench.run(10)
    assert slack.kept[0].act is Act.PAGE


async def test_54_nobody_is_paged_for_what_somebody_has(bench: Bench, pagerduty: Line) -> None:
    """The trigger waited while PagerDuty did not answer; meanwhile somebody acknowledged."""
    pagerduty.faults = [SourceError("down")]
    console = await bench.console()
    declared = await console.submit(DECLARE)
    assert isinstance(declared, Done)
    await bench.run(0.5)
    await console.submit(cmd.AcknowledgeIncident(declared.subject))
    await bench.run(30)
    assert Act.TRIGGER not in [item.act for item in pagerduty.kept]
    trigger = next(item for item in of(bench, "pagerduty") if item.act is Act.TRIGGER)
    assert trigger.state is DeliveryState.FAILED
    assert "is acknowledged" in trigger.error


async def test_55_what_waited_for_days_is_not_sent(bench: Bench, pagerduty: Line, slack: Line) -> None:
    slack.fault = SourceError("down")
    console = await bench.console()
    await console.submit(DECLARE)
    await bench.run(10)
    tried = len(slack.tried)
    await bench.kill(console)
    await bench.clock.run(bench.clock.now() + timedelta(days=3), lambda: 0)
    slack.fault = None
    await bench.console("bob")
    await bench.run(LONGEST_PAUSE.total_seconds())
    old = [item for item in of(bench, slack.name) if "too old" in item.error]
    assert old
    assert not {item.id for item in old} & {name for _, name in slack.tried[tried:]}


async def test_only_the_holder_of_the_lease_delivers_and_its_successor_goes_on(
    bench: Bench, pagerduty: Line, slack: Line
) -> None:
    alice = await bench.console("alice")
    bob = await bench.console("bob")
    slack.fault = SourceError("down")
    await bob.submit(DECLARE)
    await bench.run(3)
    before = len(pagerduty.kept)
    assert before
    assert len({name for _, name in pagerduty.tried}) == len(pagerduty.tried)
    await bench.kill(alice)
    slack.fault = None
    await bench.run(30)
    assert {item.state for item in of(bench, slack.name)} == {DeliveryState.SENT}
    assert len({name for _, name in pagerduty.tried}) == len(pagerduty.tried)


@pytest.mark.parametrize("fault", [NotSaved("disk full"), ReadOnly("written by a newer program")])
async def test_an_outcome_that_cannot_be_saved_is_kept_aside_and_not_sent_twice(
    bench: Bench, pagerduty: Line, slack: Line, fault: Exception
) -> None:
    console = await bench.console()
    append = bench.journal.append

    async def failing(appends: Sequence[Append], **options: object) -> tuple[Recorded, ...]:
        if any(isinstance(event.payload, DeliverySent) for item in appends for event in item.events):
            raise fault
        return await append(appends, **options)  # type: ignore[arg-type]

    bench.journal.append = failing  # type: ignore[method-assign]
    await console.submit(DECLARE)
    await bench.run(20)
    tried = len(pagerduty.tried)
    assert tried == len({name for _, name in pagerduty.tried}) == len(pagerduty.kept)
    bench.journal.append = append  # type: ignore[method-assign]
    await bench.run(60)
    assert len(pagerduty.tried) == tried
    assert {item.state for item in of(bench, "pagerduty")} == {DeliveryState.SENT}


async def test_one_command_of_an_opened_console_delivers_for_itself_unless_an_engine_runs(
    bench: Bench, pagerduty: Line
) -> None:
    running = await bench.console("alice")
    assert await running.deliver() == ""
    opened = await bench.console("bob")
    assert await opened.deliver() == "alice delivers"


@pytest.fixture
def reached(bench: Bench, slack: Line) -> Line:
    """Slack alone, by which carol (primary) and dan (secondary) are reached."""
    people = tuple(Person(name, name, contacts=((slack.name, f"@{name}"),)) for name in ("carol", "dan"))
    roles = (OnCallRole("primary", ("carol",)), OnCallRole("secondary", ("dan",)))
    bench.config = replace(bench.config, people=people, on_call=roles)
    bench.outside = {"channels": (slack,), "specs": (ChannelSpec(slack.name, slack.acts, tuple(Topic)),)}
    return slack


def paged(line: Line) -> list[str]:
    return [item.arg("to") for item in line.kept if item.act is Act.PAGE]


async def test_whoever_has_it_can_page_more_people(bench: Bench, reached: Line) -> None:
    console = await bench.console()
    declared = await console.submit(DECLARE)
    assert isinstance(declared, Done)
    await bench.run(5)
    await console.submit(cmd.AcknowledgeIncident(declared.subject))
    await bench.run(5)
    assert isinstance(await console.submit(cmd.Escalate(declared.subject, 1, "I need help")), Done)
    await bench.run(5)
    assert paged(reached) == ["@carol", "@dan"]


async def test_an_escalation_that_cannot_be_saved_pages_all_the_same_and_once(bench: Bench, reached: Line) -> None:
    """Without a journal nobody can hold the lease: the console that was told to go ahead sends what it keeps aside."""
    console = await bench.console()
    other = await bench.console("bob")
    declared = await console.submit(DECLARE)
    assert isinstance(declared, Done)
    await bench.run(5)
    bench.journal.problem = "disk full"
    await bench.run(20)
    assert console.board.lease.holder == ""
    done = await other.submit(cmd.Escalate(declared.subject, 1, "nobody answers"), unsaved=True)
    assert isinstance(done, Done)
    assert done.unsaved
    await bench.run(20)
    assert paged(reached) == ["@carol", "@dan"]
    bench.journal.problem = ""
    await bench.run(60)
    assert paged(reached) == ["@carol", "@dan"]
    assert {item.state for item in console.state.deliveries.values()} == {DeliveryState.SENT}


async def test_a_page_waits_neither_for_acknowledgements_nor_for_the_rest_of_another_door(
    bench: Bench, pagerduty: Line
) -> None:
    console = await bench.console()
    first = await console.submit(DECLARE)
    assert isinstance(first, Done)
    await bench.run(5)
    pagerduty.faults = [Busy("429", 200)]
    await console.submit(cmd.AcknowledgeIncident(first.subject))
    await bench.run(5)
    assert Act.ACKNOWLEDGE not in [item.act for item in pagerduty.kept]
    await console.submit(replace(DECLARE, title="And the queue is full"))
    await bench.run(5)
    assert [item.act for item in pagerduty.kept] == [Act.TRIGGER, Act.TRIGGER]
    await bench.run(240)
    assert [item.act for item in pagerduty.kept] == [Act.TRIGGER, Act.TRIGGER, Act.ACKNOWLEDGE]


async def test_what_was_queued_before_the_clock_was_set_back_goes_out_now(bench: Bench, reached: Line) -> None:
    console = await bench.console()
    reached.faults = [SourceError("down")]
    await console.submit(DECLARE)
    await bench.run(0.1)
    (page,) = (item for item in of(bench, reached.name) if item.act is Act.PAGE)
    hour = timedelta(hours=1)
    assert console._outbox._due(page, bench.clock.now() - hour) == bench.clock.now() - hour
    assert console._outbox._due(page, bench.clock.now()) > bench.clock.now()


async def test_each_target_of_one_record_has_an_engine_of_its_own(bench: Bench, reached: Line) -> None:
    """The engine of staging knows neither the channels nor the people of production, whatever they are called."""
    path, here, outside = bench.folder / "shared" / "journal.db", bench.environment, bench.outside
    staging = Line(reached.name, bench)
    channels = {"channels": (staging,), "specs": (ChannelSpec(staging.name, staging.acts, tuple(Topic)),)}
    journals = []
    for name, chosen, world in (
        ("staging", replace(here, target=Target("lighthouse", "staging")), channels),
        ("production", here, outside),
    ):
        bench.journal = SqliteJournal(path, bench.clock, console=name, scope=str(chosen.target))  # type: ignore[assignment]
        journals.append(bench.journal)
        bench.environment, bench.outside = chosen, world
        await bench.console(name)
    other, production = bench.consoles
    assert other.board.lease.mine
    assert production.board.lease.mine
    assert isinstance(await production.submit(DECLARE), Done)
    await bench.run(400)
    assert paged(reached) == ["@carol", "@dan"]
    assert not staging.tried
    assert {item.state for item in production.state.deliveries.values()} == {DeliveryState.SENT}
    for console in list(bench.consoles):
        await bench.kill(console)
    for journal in journals:
        await journal.close()
