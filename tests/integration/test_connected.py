"""The console between real servers: alerts of a Prometheus and an Alertmanager, paged by Alertmanager itself, adopted,
answered and told on. Numbers are those of the study."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from console.engine.outcome import Denied, Done
from console.model import commands as cmd
from console.model.alert import AlertState, Matcher, reference
from console.model.incident import IncidentState
from console.model.pager import PagerStatus
from console.model.people import Severity
from console.model.reading import ReadingState
from console.model.silence import Silence
from tests.fakes.connected import (
    World,
    alert,
    declare,
    do,
    elsewhere,
    incident,
    opened_only,
    payloads,
    running,
    secrets_of,
    told,
    until,
    waiting,
)
from tests.fakes.pagerduty import BEN
from tests.integrations.fault_server import hang

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("connected")]

ADOPTED, RACED, SILENCED, UNPAGED = "P99LatencyHigh", "BridgeDown", "QueueGrows", "CertificateEnds"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    alerts = dict.fromkeys((ADOPTED, RACED), True) | dict.fromkeys((SILENCED, UNPAGED), False)
    with World(tmp_path_factory.mktemp("world"), alerts) as running, secrets_of(running):
        running.wait_until_settled()
        yield running


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "record" / "journal.db"


def page_of(world, title):
    """PagerDuty's newest incident of that title."""
    return next((item for item in reversed(world.pagerduty.incidents.values()) if title in item.title), None)


async def test_what_alertmanager_pages_for_is_adopted_and_never_paged_again(world, journal):
    world.fire(ADOPTED)
    async with running(world, journal) as console:
        page = await elsewhere(lambda: page_of(world, ADOPTED), "Alertmanager's own page")
        seen = await until(console, lambda: alert(console, ADOPTED), "the alert")
        await until(console, lambda: console.board.feed.pages.get(seen.fingerprint), "its page")
        assert seen.paged
        assert page.key in seen.page_keys
        assert [item.fingerprint for item in console.board.feed.alerts if item.source == "pagerduty"] == []

        found = await declare(console, "P99 is high", seen)
        [link] = incident(console, found).pages.values()
        assert (link.pager_id, link.key, link.adopted, link.policy) == (page.id, page.key, True, "Lighthouse policy")

        world.pagerduty.acknowledge(page, BEN)
        await until(console, lambda: incident(console, found).acknowledged_at, "the acknowledgement")
        taken = incident(console, found)
        assert (taken.acknowledged_by.name, taken.acknowledged_via) == ("Ben Bold", "PagerDuty")
        await until(console, lambda: console.board.care.get(seen.fingerprint), "the alert's acknowledgement")
        care = console.board.care[seen.fingerprint]
        assert (care.acknowledges(seen), care.acknowledged_by, care.via) == (True, "Ben Bold", "PagerDuty")
        assert world.pagerduty.sent("PUT") == [], "what came from there is not sent back"

        await do(console, cmd.PostUpdate(found, "P99 is 620 ms", "we roll back", "nobody else"))
        await until(
            console,
            lambda: ("pagerduty", "status_update", "sent") in told(console) and not waiting(console),
            "all deliveries",
        )
        assert [text for id, text in world.pagerduty.updates if id == page.id and "620 ms" in text]
        assert len(world.posted("620 ms")) == 1
        assert world.mails("620 ms") == [["team@example.com"]]
        hooks = [json.loads(body) for body in world.webhook.bodies if "620 ms" in body]
        ids = [request.headers["idempotency-key"] for request in world.webhook.requests]
        assert len(hooks) == 1
        assert hooks[0]["id"] in ids

        await do(console, cmd.ChangeState(found, "resolved"))
        await elsewhere(lambda: page.status == "resolved", "its end in PagerDuty")
    triggered = world.events("trigger")
    assert set(triggered) == {page.key}
    assert world.events("trigger", ours=True) == []
    assert ("pagerduty", "trigger") not in [item[:2] for item in told(console)]


async def test_what_nobody_pages_for_is_paged_once_by_its_own_key(world, journal):
    async with running(world, journal) as console:
        await until(console, lambda: console.board.feed.evidence is ReadingState.OK, "evidence")
        found = await declare(console, "Customers cannot log in")
        key = f"oncall-{found}"
        await until(console, lambda: incident(console, found).pages, "its page")
        [link] = incident(console, found).pages.values()
        assert (link.key, link.adopted) == (key, False)
        page = world.pagerduty.incidents[link.pager_id]
        assert "Customers cannot log in" in page.title

        await do(console, cmd.AcknowledgeIncident(found))
        await elsewhere(lambda: page.status == "acknowledged", "its acknowledgement in PagerDuty")
        await until(console, lambda: not waiting(console), "all deliveries")
        assert incident(console, found).acknowledged_via == "", "here first"
        await do(console, cmd.ChangeState(found, "resolved"))
        await elsewhere(lambda: page.status == "resolved", "its end in PagerDuty")
        await until(
            console,
            lambda: incident(console, found).pages[page.id].status is PagerStatus.RESOLVED and not waiting(console),
            "the end, read back",
        )
        assert [item for item in told(console) if item[2] != "sent"] == []
    assert [sent for sent in world.events("trigger") if sent == key] == [key]
    assert [sent for sent in world.events("acknowledge") if sent == key] == [key]
    assert [sent for sent in world.events("resolve") if sent == key] == [key]
    assert [line["type"] for line in page.log] == ["trigger_log_entry", "acknowledge_log_entry", "resolve_log_entry"]


async def test_26_a_silence_hides_an_alert_until_it_is_expired(world, journal):
    world.fire(SILENCED)
    async with running(world, journal) as console:
        await until(console, lambda: alert(console, SILENCED), "the alert")
        [silences] = console._world.silences
        now = datetime.now(UTC)
        ends = (now + timedelta(hours=1)).replace(microsecond=0)
        by_name = (Matcher("alertname", "=", SILENCED),)
        wanted = Silence(by_name, now, ends, "alice", "known, see INC-1", cluster=silences.cluster)
        await do(console, cmd.CreateSilence(wanted))
        [kept] = [item for item in world.alertmanager.silences().values() if item["comment"] == wanted.comment]
        assert datetime.fromisoformat(kept["endsAt"]) == ends
        hidden = await until(
            console,
            lambda: (found := alert(console, SILENCED)) and found.state is AlertState.SUPPRESSED and found,
            "its suppression",
        )
        assert hidden.silenced_by == (kept["id"],)
        [change] = console.board.changes
        assert change.in_force(datetime.now(UTC))
        made = await until(console, lambda: [s for s in console.board.silences if s.id == kept["id"]], "the silence")

        for wrong in (
            (now - timedelta(hours=2), now - timedelta(hours=1)),
            (now + timedelta(hours=2), now + timedelta(hours=1)),
        ):
            before = len(world.alertmanager.silences())
            refused = await console.submit(
                cmd.CreateSilence(Silence(by_name, *wrong, "alice", "wrong", cluster=silences.cluster))
            )
            assert isinstance(refused, Denied)
            assert len(world.alertmanager.silences()) == before

        await do(console, cmd.ExpireSilence(made[0]))
        await until(console, lambda: alert(console, SILENCED).state is AlertState.ACTIVE, "the alert again")
        assert world.alertmanager.silences()[kept["id"]]["status"]["state"] == "expired"
        assert not console.state.changes[change.id].in_force(datetime.now(UTC))


# Alone: in two whole parallel runs PagerDuty's escalation did not come, and never in the 15 runs of it since. Should it
# fail again, the deliveries say why.
@pytest.mark.serial
async def test_08_10_two_operators_at_once_are_one_winner_and_one_escalation(world, journal):
    async with running(world, journal, "alice") as alice, running(world, journal, "bob") as bob:
        found = await declare(alice, "Two hands on it")
        await until(bob, lambda: bob.state.incidents.get(found), "the incident")
        await until(alice, lambda: incident(alice, found).pages, "its page")
        page = world.pagerduty.incidents[next(iter(incident(alice, found).pages))]
        await until(bob, lambda: incident(bob, found).pages, "its page")
        await until(alice, lambda: not waiting(alice), "all deliveries")

        level = incident(alice, found).level
        assert incident(bob, found).level == level
        both = await asyncio.gather(*(one.submit(cmd.Escalate(found, level, "more hands")) for one in (alice, bob)))
        assert {type(outcome) for outcome in both} == {Done, Denied}
        [denied] = [outcome for outcome in both if isinstance(outcome, Denied)]
        assert f"was escalated to level {level + 1}" in denied.reason
        try:
            await elsewhere(lambda: page.level == 2, "the escalation in PagerDuty")
        except AssertionError as error:
            error.add_note(
                f"of level {level}: {page.log}, {alice.board.lease}, {list(alice.state.deliveries.values())}"
            )
            raise
        await until(alice, lambda: not waiting(alice), "all deliveries")
        assert [line["type"] for line in page.log].count("escalate_log_entry") == 1

        both = await asyncio.gather(*(one.submit(cmd.AcknowledgeIncident(found)) for one in (alice, bob)))
        [denied] = [outcome for outcome in both if isinstance(outcome, Denied)]
        taken = incident(alice, found)
        said = f"was acknowledged by {taken.acknowledged_by} at {taken.acknowledged_at:%H:%M:%S}Z"
        assert said in denied.reason, "the loser is told who was first, and when"
        await elsewhere(lambda: page.status == "acknowledged", "its acknowledgement in PagerDuty")
        await until(alice, lambda: not waiting(alice), "all deliveries")
    assert [line["type"] for line in page.log].count("acknowledge_log_entry") == 1
    assert world.events("trigger").count(f"oncall-{found}") == 1


async def test_09_an_acknowledgement_under_way_does_not_reopen_what_resolves(world, journal):
    world.fire(RACED)
    async with running(world, journal) as console:
        page = await elsewhere(lambda: page_of(world, RACED), "Alertmanager's own page")
        seen = await until(console, lambda: alert(console, RACED), "the alert")
        await until(console, lambda: console.board.feed.pages.get(seen.fingerprint), "its page")
        world.pagerduty.rule("PUT", f"/incidents/{page.id}", before=lambda: world.pagerduty.resolve(page, BEN))
        await do(console, cmd.AcknowledgeAlerts((reference(seen),)))
        [sent] = await until(
            console,
            lambda: [item for item in console.state.deliveries.values() if item.act == "acknowledge" and not item.open],
            "the outcome",
        )
        assert page.status == "resolved"
        assert "Ben Bold" in sent.receipt + sent.error
        statuses = [line["type"] for line in page.log if "note" not in line["type"]]
        assert statuses[-1] == "resolve_log_entry"


async def test_24_a_clock_90_s_off_is_said_and_no_age_is_negative(world, journal):
    world.pagerduty.ahead = timedelta(seconds=90)
    try:
        async with running(world, journal) as console:
            found = await declare(console, "From the future")
            await until(console, lambda: incident(console, found).pages, "its page")
            page = world.pagerduty.incidents[next(iter(incident(console, found).pages))]
            assert page.at > datetime.now(UTC) + timedelta(seconds=60)
            world.pagerduty.acknowledge(page, BEN)
            await until(console, lambda: incident(console, found).acknowledged_at, "the acknowledgement")
            taken = incident(console, found)
            assert taken.acknowledged_at <= datetime.now(UTC)
            assert taken.acknowledged_at >= taken.declared_at
            times = [event.recorded_at for event in await console.timeline(taken.stream)]
            assert times == sorted(times)
            assert all(moment <= datetime.now(UTC) for moment in times)
            [said] = [item.note for item in console.board.sources if item.name == "pagerduty"]
            assert re.fullmatch(r"its clock is (89|90|91) s ahead of ours", said)
    finally:
        world.pagerduty.ahead = timedelta(0)


async def test_27_an_end_in_the_future_is_no_end(world, journal):
    world.fire(UNPAGED)
    async with running(world, journal) as console:
        seen = await until(console, lambda: alert(console, UNPAGED), "the alert")
        [raw] = [item for item in world.alertmanager.alerts() if item["labels"]["alertname"] == UNPAGED]
        assert datetime.fromisoformat(raw["endsAt"]) > datetime.now(UTC), "Prometheus sends one with every alert"
        assert seen.state is AlertState.ACTIVE
        assert not seen.paged
        world.calm(UNPAGED)
        await until(console, lambda: not alert(console, UNPAGED), "its end")


async def test_56_one_channel_that_hangs_holds_up_no_other(world, journal):
    world.slack.behave = hang
    try:
        async with running(world, journal) as console:
            found = await declare(console, "Slack is down as well", severity=Severity.SEV2)
            await until(
                console,
                lambda: (
                    {channel for channel, act, state in told(console) if state == "sent" and act in ("post", "trigger")}
                    >= {"pagerduty", "email", "webhook.status"}
                ),
                "the other channels",
            )
            [slack] = [item for item in console.state.deliveries.values() if item.channel == "slack.incidents"][:1]
            assert slack.open
            assert not slack.error, "its first attempt, of 5 s, has not even come to its end"
            world.slack.heal()
            world.slack.stop.set()  # ends those that hang
            await until(console, lambda: not console.state.deliveries[slack.id].open, "the message to Slack")
            assert console.state.deliveries[slack.id].state == "sent"
            await do(console, cmd.ChangeState(found, "cancelled", "a test"))
            await until(console, lambda: not waiting(console), "all deliveries")
    finally:
        world.slack.stop.clear()
        world.slack.heal()


async def test_55_an_engine_that_was_away_pages_nobody_for_what_is_over(world, journal, monkeypatch):
    import console.engine.clocks as clocks

    class AnHourAgo(clocks.SystemClock):
        def now(self):
            return super().now() - timedelta(hours=1)

    with monkeypatch.context() as patch:
        patch.setattr(clocks, "SystemClock", AnHourAgo)
        async with opened_only(world, journal) as console:
            over = await declare(console, "Over before anybody was there")
            await do(console, cmd.ChangeState(over, "resolved"))
            had = await declare(console, "Somebody had it")
            await do(console, cmd.AcknowledgeIncident(had))
            left = await declare(console, "Nobody had it")
            assert {state for _, _, state in told(console)} == {"queued"}
    triggers = len(world.events("trigger"))
    async with running(world, journal) as console:
        await until(console, lambda: incident(console, left).pages, "the page of what is still there")
        await until(console, lambda: not waiting(console), "all deliveries")
        ours = [item for item in console.state.deliveries.values() if item.act in ("trigger", "page")]
        gone = {item.message.subject: (item.state, item.error) for item in ours if item.message.subject != left}
        assert set(gone) == {over, had}
        assert {state for state, _ in gone.values()} == {"failed"}
        assert all("nobody needs to be paged" in error for _, error in gone.values())
        assert world.events("trigger", ours=True)[-1] == f"oncall-{left}"
        assert len(world.events("trigger")) == triggers + 1
        assert incident(console, over).state is IncidentState.RESOLVED
        assert incident(console, over).level == 1
        [late] = payloads(journal, "incident.acknowledge_overdue")
        assert late["late_seconds"] > 3000
        assert ["alice@example.com"] in world.mails("Nobody had it")
        assert {*map(tuple, world.mails("Somebody had it") + world.mails("Over before"))} == {("team@example.com",)}
