"""One suite for every Pager: the simulated one and PagerDuty itself, that is, its fake."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from console.engine.clocks import SystemClock
from console.integrations.pagerduty import PagerDutyApi
from console.integrations.simulated.pager import SimulatedPager
from console.model.message import Act, Delivery, Message
from console.model.pager import ActOutcome, PagerStatus
from console.ports import Pager, Rejected, SourceError
from tests.fakes.openapi import Judge
from tests.fakes.pagerduty import BEN, FakePagerDuty
from tests.integrations.fault_server import answer


@dataclass
class World:
    """One PagerDuty, two who act on it, and a way to break it."""

    mine: Pager
    theirs: Pager
    world: Any
    people: tuple[str, ...]
    """Ids of those on call, by level."""

    def open(self, key="key-1"):
        return self.world.open("Lighthouse is slow", key).id

    def stop(self):
        if isinstance(self.world, SimulatedPager):
            self.world.stop_answering()
        else:
            for method in ("GET", "PUT", "POST"):
                self.world.rule(method, ".*", instead=answer(503), times=99)


@pytest.fixture(params=["simulated", "pagerduty"])
def world(request):
    clock = SystemClock()
    if request.param == "simulated":
        one = SimulatedPager(clock, people=("Ann Able", "Ben Bold", "Cat Calm"), who="Ann Able")
        yield World(one, one.acting_as("Ben Bold"), one, ("UANNABLE", "UBENBOLD", "UCATCALM"))
    else:
        with FakePagerDuty(Judge(request.getfixturevalue("shared_dir"))) as fake:
            apis = [PagerDutyApi(settings, clock, fake.secret) for settings in (fake.settings(), fake.settings(BEN))]
            yield World(*apis, fake, ("PANN", "PBEN", "PCAT"))


def delivery(ref="oncall-i-1"):
    return Delivery(
        "d", "pagerduty", Act.TRIGGER, Message("k", "It is down", datetime.now(UTC)), datetime.now(UTC), ref
    )


def test_open_incidents_and_who_is_on_call(world):
    name = world.open()
    found = world.mine.read()
    [incident] = found.incidents
    assert (incident.id, incident.status, incident.level) == (name, PagerStatus.TRIGGERED, 1)
    assert (incident.title, incident.keys, incident.assigned_to) == ("Lighthouse is slow", ("key-1",), ("Ann Able",))
    assert incident.created_at <= datetime.now(UTC)
    assert [(one.level, one.person, one.person_id) for one in found.on_calls] == [
        (level, person, name)
        for level, (person, name) in enumerate(zip(("Ann Able", "Ben Bold", "Cat Calm"), world.people, strict=True), 1)
    ]
    assert all(one.contacts for one in found.on_calls)
    assert incident.escalation_policy_id in dict(found.policies)
    assert found.note == ""
    assert found.at is not None


def test_an_acknowledgement_is_seen_with_who(world):
    name = world.open()
    done = world.mine.acknowledge(name)
    assert (done.outcome, done.by) == (ActOutcome.DONE, "Ann Able")
    found = world.theirs.incident(name)
    assert (found.status, found.acknowledged_by) == (PagerStatus.ACKNOWLEDGED, "Ann Able")
    assert found.open
    late = world.theirs.acknowledge(name)
    assert (late.outcome, late.by) == (ActOutcome.ALREADY, "Ann Able")
    assert late.at is not None


def test_what_is_resolved_stays_resolved(world):
    name = world.open()
    assert world.theirs.resolve(name).outcome is ActOutcome.DONE
    for act in (
        lambda: world.mine.acknowledge(name),
        lambda: world.mine.escalate(name, 1),
        lambda: world.mine.reassign(name, world.people[:1]),
        lambda: world.mine.request_responders(name, world.people[:1], "join"),
    ):
        lost = act()
        assert (lost.outcome, lost.by) == (ActOutcome.LOST, "Ben Bold")
    again = world.mine.resolve(name)
    assert (again.outcome, again.by) == (ActOutcome.ALREADY, "Ben Bold")
    assert world.mine.incident(name).status is PagerStatus.RESOLVED
    assert world.mine.read().incidents == ()


def test_10_escalations_go_as_of_a_level(world):
    name = world.open()
    assert world.mine.escalate(name, 1).outcome is ActOutcome.DONE
    lost = world.theirs.escalate(name, 1)
    assert (lost.outcome, lost.by) == (ActOutcome.LOST, "Ann Able")
    assert world.theirs.escalate(name, 2).outcome is ActOutcome.DONE
    [found] = world.mine.read().incidents
    assert (found.level, found.assigned_to) == (3, ("Cat Calm",))
    with pytest.raises(Rejected):
        world.mine.escalate(name, 3)


def test_reassign(world):
    name = world.open()
    people = (world.people[2],)
    assert world.mine.reassign(name, people).outcome is ActOutcome.DONE
    assert world.mine.incident(name).assigned_to == ("Cat Calm",)
    assert world.mine.reassign(name, people).outcome is ActOutcome.ALREADY


def test_notes_and_responders_once(world):
    name = world.open()
    done = world.mine.note(name, "Firefighters are on the scene")
    assert (done.outcome, done.by) == (ActOutcome.DONE, "Ann Able")
    again = world.theirs.note(name, "Firefighters are on the scene")
    assert (again.outcome, again.by, again.ref) == (ActOutcome.ALREADY, "Ann Able", done.ref)
    assert world.mine.request_responders(name, world.people[:2], "join").outcome is ActOutcome.DONE
    assert world.mine.request_responders(name, world.people[:2], "join").outcome is ActOutcome.ALREADY
    assert world.mine.request_responders(name, world.people, "join").outcome is ActOutcome.DONE
    assert world.mine.status_update(name, "All is well").outcome is ActOutcome.DONE


def test_the_log_is_oldest_first_with_who(world):
    name = world.open()
    world.mine.acknowledge(name)
    world.theirs.resolve(name)
    lines = world.mine.log(name)
    assert [line.kind for line in lines] == ["trigger", "acknowledge", "resolve"]
    assert [line.by for line in lines][1:] == ["Ann Able", "Ben Bold"]
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_events_open_once_and_reopen_nothing(world):
    assert world.mine.find("oncall-i-1") is None
    for _ in range(2):
        assert world.mine.trigger(delivery()).outcome is ActOutcome.DONE
    [incident] = world.mine.read().incidents
    assert incident.keys == ("oncall-i-1",)
    world.mine.event(Act.ACKNOWLEDGE, "oncall-i-1")
    assert world.mine.incident(incident.id).status is PagerStatus.ACKNOWLEDGED
    world.mine.event(Act.RESOLVE, "oncall-i-1")
    world.mine.event(Act.ACKNOWLEDGE, "oncall-i-1")
    assert world.mine.find("oncall-i-1").status is PagerStatus.RESOLVED
    world.mine.trigger(delivery())
    newest = world.mine.find("oncall-i-1")
    assert newest.id != incident.id
    assert newest.open
    with pytest.raises(Rejected):
        world.mine.event(Act.NOTE, "oncall-i-1")


def test_a_change_event(world):
    assert world.mine.change(delivery()).outcome is ActOutcome.DONE
    assert len(world.world.changes) == 1
    assert world.mine.read().incidents == ()


def test_what_is_not_there_is_refused(world):
    for act in (world.mine.acknowledge, world.mine.resolve, world.mine.incident, world.mine.log):
        with pytest.raises(Rejected):
            act("PNOTHERE")


def test_broken_it_says_so_in_one_line(world):
    name = world.open()
    world.stop()
    for act in (world.mine.read, lambda: world.mine.acknowledge(name), lambda: world.mine.trigger(delivery())):
        with pytest.raises(SourceError) as caught:
            act()
        assert str(caught.value).isprintable()
