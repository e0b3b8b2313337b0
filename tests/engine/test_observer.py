"""What happens elsewhere and is written down here: PagerDuty's acknowledgements, who is on call, the phase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from console.engine.clocks import task_name
from console.engine.outcome import Done
from console.integrations.simulated import SimulatedChannel
from console.integrations.simulated.pager import SimulatedPager
from console.model import commands as cmd
from console.model.alert import Alert, AlertSnapshot, AlertState, reference
from console.model.decide.pager import own_key
from console.model.escalation import OnCallRole
from console.model.message import PAGER_ACTS, Act, ChannelSpec, Topic
from console.model.pager import PagerStatus
from console.model.people import Person, Severity
from console.settings.config import HttpSource
from console.settings.outside import Notify, PagerDuty
from tests.engine.bench import START, Bench

DECLARE = cmd.DeclareIncident("P99 is high", Severity.SEV1)
LATENCY_ALERT = Alert(
    "f1", (("alertname", "LatencyHigh"),), (), AlertState.ACTIVE, START, paged=True, page_keys=("group-key",)
)


@pytest.fixture
def pager(bench: Bench) -> SimulatedPager:
    found = SimulatedPager(bench.clock)
    bench.environment = replace(
        bench.environment, notify=Notify(PagerDuty(HttpSource("pagerduty", "https://api.pagerduty.com")))
    )
    bench.outside = {"pager": found}
    read = bench.alerts.read
    bench.alerts.read = lambda: AlertSnapshot((*read().alerts, LATENCY_ALERT), bench.clock.now(), True)  # type: ignore[method-assign]
    return found


async def test_acknowledged_there_is_acknowledged_here_with_the_person(bench: Bench, pager: SimulatedPager) -> None:
    console = await bench.console()
    declared = await console.submit(DECLARE)
    assert isinstance(declared, Done)
    page = pager.open("P99 is high", own_key(declared.subject))
    await bench.run(40)
    incident = console.board.incidents[0]
    assert [(link.pager_id, link.adopted) for link in incident.pages.values()] == [(page.id, False)]
    assert incident.acknowledged_at is None
    pager.acting_as("Dana").acknowledge(page.id)
    await bench.run(40)
    incident = console.board.incidents[0]
    assert incident.acknowledged_at is not None
    event = next(event for event in bench.journal.read() if event.kind == "incident.acknowledged")
    assert (event.payload.by, event.payload.via, event.actor.name) == ("Dana", "PagerDuty", "engine")
    assert incident.commander != "engine"


async def test_resolved_there_is_shown_and_resolves_nothing_here(bench: Bench, pager: SimulatedPager) -> None:
    console = await bench.console()
    declared = await console.submit(DECLARE)
    assert isinstance(declared, Done)
    page = pager.open("P99 is high", own_key(declared.subject))
    await bench.run(40)
    pager.acting_as("Dana").resolve(page.id)
    await bench.run(40)
    incident = console.board.incidents[0]
    assert incident.pages[page.id].status is PagerStatus.RESOLVED
    assert incident.pages[page.id].by == "Dana"
    assert incident.state == "declared"


async def test_what_is_seen_is_written_down_once_by_the_holder_of_the_lease(
    bench: Bench, pager: SimulatedPager
) -> None:
    console = await bench.console("alice")
    await bench.console("bob")
    declared = await console.submit(DECLARE)
    assert isinstance(declared, Done)
    page = pager.open("P99 is high", own_key(declared.subject))
    pager.acting_as("Dana").acknowledge(page.id)
    await bench.run(200)
    kinds = [event.kind for event in bench.journal.read()]
    for kind in ("incident.acknowledged", "incident.pager_linked", "pager.on_call_changed", "rollout.phase_observed"):
        assert kinds.count(kind) == 1, kind


async def test_a_page_that_alertmanager_opened_is_adopted_and_its_acknowledgement_is_the_alerts(
    bench: Bench, pager: SimulatedPager
) -> None:
    page = pager.open("LatencyHigh", "group-key")
    console = await bench.console()
    await bench.run(40)
    assert console.board.feed.pages["f1"].id == page.id
    assert [alert.fingerprint for alert in console.board.feed.alerts] == ["f1"]
    declared = await console.submit(replace(DECLARE, alerts=(reference(LATENCY_ALERT),)))
    assert isinstance(declared, Done)
    incident = console.board.incidents[0]
    assert [(link.pager_id, link.adopted) for link in incident.pages.values()] == [(page.id, True)]
    pager.acting_as("Dana").acknowledge(page.id)
    await bench.run(40)
    care = console.board.care["f1"]
    assert care.acknowledges(LATENCY_ALERT)
    assert (care.acknowledged_by, care.via) == ("Dana", "PagerDuty")
    assert console.board.incidents[0].acknowledged_at is not None


async def test_who_is_on_call_is_known_while_pagerduty_is_not_there(bench: Bench, pager: SimulatedPager) -> None:
    schedule = pager.read().on_calls[0]
    bench.config = replace(bench.config, on_call=(OnCallRole("primary", (), schedule.schedule_id),))
    console = await bench.console()
    await bench.run(40)
    known = console.board.on_call
    assert known[0][1][0].person == schedule.person
    pager.stop_answering()
    await bench.kill(console)
    later = await bench.console("bob")
    await bench.run(40)
    assert later.board.on_call == known
    assert pager.name in [source.name for source in later.board.blind_spots]


async def test_an_outage_of_pagerduty_gives_an_adopted_page_to_our_clock_and_its_end_takes_it_back(
    bench: Bench, pager: SimulatedPager
) -> None:
    mail = SimulatedChannel("email", bench.clock, (Act.POST, Act.PAGE))
    bench.outside |= {"channels": (mail,), "specs": (ChannelSpec(mail.name, mail.acts, tuple(Topic)),)}
    people = tuple(Person(name, name, contacts=(("email", f"{name}@example.com"),)) for name in ("pat", "sam"))
    rota = (OnCallRole("primary", ("pat",)), OnCallRole("secondary", ("sam",)))
    bench.config = replace(bench.config, people=people, on_call=rota)
    page = pager.open("LatencyHigh", "group-key")
    console = await bench.console()
    await bench.run(40)
    await console.submit(replace(DECLARE, alerts=(reference(LATENCY_ALERT),)))
    assert console.board.incidents[0].paged_by
    last = console._pollers[pager.name].at
    pager.stop_answering()
    assert last is not None
    await bench.run(280)
    assert bench.kinds("incident.pager_silent") == []
    await bench.run(60)
    (silent,) = (event for event in bench.journal.read() if event.kind == "incident.pager_silent")
    assert (silent.payload.late_seconds, silent.recorded_at - silent.payload.since) == (0.0, timedelta(minutes=5))
    assert not console.board.incidents[0].paged_by
    told = [delivery.message for delivery in mail.kept if delivery.act is Act.PAGE]
    assert any("PagerDuty has not answered since" in message.text for message in told)
    later = await bench.console("bob")  # another engine sees the same, and repeats nothing
    await bench.kill(console)
    await bench.run(600)
    assert len(bench.kinds("incident.pager_silent")) == 1
    pager.stop_answering("")
    await bench.run(120)
    assert later.board.incidents[0].paged_by == page.escalation_policy
    assert later.board.incidents[0].pager_silent_since is None


async def test_what_was_taken_together_is_one_command_and_one_message(bench: Bench, pager: SimulatedPager) -> None:
    """A group of many alerts has one page: its acknowledgement is told once, and not once for each of them."""
    slack = SimulatedChannel("slack.alerts", bench.clock, (Act.POST,))
    bench.outside |= {"channels": (slack,), "specs": (ChannelSpec(slack.name, slack.acts, tuple(Topic)),)}
    many = tuple(replace(LATENCY_ALERT, fingerprint=f"m{number}") for number in range(200))
    bench.alerts.read = lambda: AlertSnapshot(many, bench.clock.now(), True)  # type: ignore[method-assign]
    pager.acting_as("Dana").acknowledge(pager.open("LatencyHigh", "group-key").id)
    console = await bench.console()
    await bench.run(40)
    assert all(console.state.care[alert.fingerprint].acknowledged_by == "Dana" for alert in many)
    assert [delivery.message.title for delivery in slack.kept] == ["Dana acknowledged 200 alerts in PagerDuty"]


async def test_an_alert_that_was_given_back_stays_so_until_somebody_takes_it_again(
    bench: Bench, pager: SimulatedPager
) -> None:
    page = pager.open("LatencyHigh", "group-key")
    pager.acting_as("Dana").acknowledge(page.id)
    console = await bench.console()
    await bench.run(40)
    assert console.board.care["f1"].acknowledges(LATENCY_ALERT)
    assert isinstance(await console.submit(cmd.UnacknowledgeAlert("f1", "Dana is asleep")), Done)
    await bench.run(200)
    assert not console.board.care["f1"].acknowledges(LATENCY_ALERT)
    assert len(bench.kinds("alert.acknowledged")) == 1


async def test_an_incident_that_is_declared_while_pagerduty_is_asked_is_no_fault(
    bench: Bench, pager: SimulatedPager
) -> None:
    console = await bench.console()
    declared = await console.submit(DECLARE)
    assert isinstance(declared, Done)
    page = pager.open("P99 is high", own_key(declared.subject))
    await bench.run(40)
    ask = console._world.offload

    async def meanwhile(function: Callable[[], Any]) -> Any:
        if task_name() == "observe":
            await console.submit(replace(DECLARE, title="Another"))
        return await ask(function)

    faults: list[str] = []
    console.subscribe(lambda board: faults.append(board.fault))
    object.__setattr__(console._world, "offload", meanwhile)
    pager.acting_as("Dana").resolve(page.id)
    await bench.run(40)
    assert console.board.incident(declared.subject).pages[page.id].status is PagerStatus.RESOLVED  # type: ignore[union-attr]
    assert not any(faults)


@pytest.mark.parametrize("state", [AlertState.ACTIVE, AlertState.SUPPRESSED])
async def test_an_alert_that_is_suppressed_pages_nobody_so_we_do(
    bench: Bench, pager: SimulatedPager, state: AlertState
) -> None:
    line = SimulatedChannel("pagerduty", bench.clock, PAGER_ACTS)
    bench.outside |= {"channels": (line,), "specs": (ChannelSpec(line.name, line.acts),)}
    alert = replace(LATENCY_ALERT, state=state)
    bench.alerts.read = lambda: AlertSnapshot((alert,), bench.clock.now(), True)  # type: ignore[method-assign]
    console = await bench.console()
    await bench.run(5)
    await console.submit(replace(DECLARE, alerts=(reference(alert),)))
    await bench.run(5)
    triggers = [item for item in line.kept if item.act is Act.TRIGGER]
    assert len(triggers) == (1 if state is AlertState.SUPPRESSED else 0)
