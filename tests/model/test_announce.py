"""Whom an event is told to: what is queued with it, for which channel, and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import Alert, AlertRef, AlertState, parse_matcher
from console.model.decide import Batch
from console.model.escalation import Team
from console.model.fold.outside import KEPT
from console.model.incident import COMMANDER
from console.model.links import LONGEST, TOLD
from console.model.message import Act, ChannelSpec, Delivery, DeliveryState, Topic
from console.model.pager import OnCall, PagerIncident, PagerStatus
from console.model.people import Severity
from tests.model.life import ALICE, BOB, MINUTES, P99, SAM, START, Life

TALKS = (Act.POST, Act.PAGE)
PAGERDUTY = (
    Act.TRIGGER,
    Act.ACKNOWLEDGE,
    Act.RESOLVE,
    Act.ESCALATE,
    Act.NOTE,
    Act.STATUS_UPDATE,
    Act.CHANGE,
    Act.RESPOND,
)
CHANNELS = (
    ChannelSpec("pagerduty", PAGERDUTY),
    ChannelSpec("slack.incidents", TALKS, (Topic.INCIDENTS,)),
    ChannelSpec("slack.security", TALKS, (Topic.SECURITY,)),
    ChannelSpec("slack.alerts", TALKS, (Topic.ALERTS,)),
    ChannelSpec("email", TALKS, (Topic.INCIDENTS,), Severity.SEV1),
    ChannelSpec("grafana", (Act.ANNOTATE,)),
)


def told() -> Life:
    life = Life()
    life.channels = CHANNELS
    return life


def queued(life: Life, command: cmd.Command) -> list[Delivery]:
    return deliveries(life, life.do(command))


def deliveries(life: Life, events: list[ev.Recorded]) -> list[Delivery]:
    return [life.state.deliveries[event.stream[9:]] for event in events if event.kind == "delivery.queued"]


def acts(found: list[Delivery]) -> list[tuple[str, str]]:
    return [(item.channel, item.act.value) for item in found]


def page(status: PagerStatus = PagerStatus.TRIGGERED, **fields: object) -> PagerIncident:
    known: dict[str, object] = {"keys": ("k1",), "escalation_policy": "Platform", "level": 1}
    return PagerIncident("PD1", 7, "P99", status, "high", "svc", START, **{**known, **fields})  # type: ignore[arg-type]


def end(life: Life, delivery: Delivery, payload: object) -> None:
    life.record([Batch(delivery.stream, life.state.deliveries[delivery.id].version, (payload,))], ALICE)


def test_a_declaration_is_told_once_to_each_with_who_was_paged() -> None:
    life = told()
    found = queued(life, cmd.DeclareIncident("P99 is high", Severity.SEV1, (P99,)))
    assert acts(found) == [
        ("slack.incidents", "post"),
        ("email", "post"),
        ("pagerduty", "trigger"),
        ("grafana", "annotate"),
        ("email", "page"),
    ]
    posted, trigger, paged = found[0], found[2], found[-1]
    incident = next(iter(life.state.incidents))
    assert dict(posted.message.facts)["told"] == "primary: pat (@pat)"
    assert (posted.message.subject, posted.message.label, posted.message.by) == (incident, "", "alice")
    assert trigger.ref == f"oncall-{incident}"
    assert paged.args == (("to", "pat@example.com"),)


@pytest.mark.parametrize("where", ["paged", "pages"])
def test_what_pages_already_is_never_triggered_again(where: str) -> None:
    life = told()
    life.paged = frozenset({"f1"} if where == "paged" else ())
    life.pages = {"f1": page()} if where == "pages" else {}
    found = queued(life, cmd.DeclareIncident("P99 is high", Severity.SEV1, (P99,)))
    assert Act.TRIGGER not in {item.act for item in found}
    (incident,) = life.state.incidents.values()
    assert [link.adopted for link in incident.pages.values()] == ([True] if where == "pages" else [])
    # Where a policy pages there, nobody is paged from here.
    assert (Act.PAGE in {item.act for item in found}) is (where == "paged")


def test_what_happens_here_happens_to_the_page_and_what_came_from_there_does_not_go_back() -> None:
    life = told()
    life.pages = {"f1": page()}
    incident = life.declare()

    def at_pagerduty(command: cmd.Command) -> list[tuple[str, str, dict[str, str]]]:
        return [
            (item.act.value, item.ref, dict(item.args)) for item in queued(life, command) if item.channel == "pagerduty"
        ]

    linked = {"incident": "PD1"}
    assert at_pagerduty(cmd.Escalate(incident, 1)) == [("escalate", "PD1", {**linked, "level": "1"})]
    assert at_pagerduty(cmd.PostUpdate(incident, "slow", "", "")) == [("status_update", "PD1", linked)]
    assert at_pagerduty(cmd.AddNote(incident, "seen")) == [("note", "PD1", linked)]
    assert at_pagerduty(cmd.ChangeSeverity(incident, Severity.SEV2, "less")) == [("note", "PD1", linked)]
    assert at_pagerduty(cmd.AcknowledgeIncident(incident)) == [("acknowledge", "PD1", linked)]
    assert at_pagerduty(cmd.UnacknowledgeIncident(incident, "not me")) == [("note", "PD1", linked)]
    assert (
        at_pagerduty(cmd.LinkPager(incident, page(PagerStatus.ACKNOWLEDGED, acknowledged_by="carol", level=2), True))
        == []
    )
    assert at_pagerduty(cmd.LinkPager(incident, page(level=3), True)) == []
    assert at_pagerduty(cmd.ChangeState(incident, "resolved")) == [("resolve", "PD1", linked)]
    life.do(cmd.LinkPager(incident, page(PagerStatus.RESOLVED, level=3), True))
    assert at_pagerduty(cmd.AddNote(incident, "over")) == []


def test_an_own_page_is_reached_by_its_key_before_pagerduty_has_said_which_it_is() -> None:
    life = told()
    incident = life.declare()
    key = f"oncall-{incident}"
    found = [item for item in queued(life, cmd.AcknowledgeIncident(incident)) if item.channel == "pagerduty"]
    assert [(item.act, item.ref, item.args) for item in found] == [(Act.ACKNOWLEDGE, key, ())]
    life.do(cmd.LinkPager(incident, page(), False))
    found = [
        item for item in queued(life, cmd.ChangeState(incident, "cancelled", "false")) if item.channel == "pagerduty"
    ]
    assert [(item.act, item.ref, item.args) for item in found] == [(Act.RESOLVE, key, (("incident", "PD1"),))]


def test_a_cancelled_incident_does_not_resolve_what_alertmanager_pages_for() -> None:
    life = told()
    life.pages = {"f1": page()}
    incident = life.declare()
    found = queued(life, cmd.ChangeState(incident, "cancelled", "no incident"))
    assert [item.act for item in found if item.channel == "pagerduty"] == [Act.NOTE]


def test_a_level_is_a_page_to_its_people_and_names_them_where_all_read() -> None:
    life = told()
    life.declare()
    life.pass_time(5)
    found = deliveries(life, life.fire())
    paged = [(item.channel, item.args) for item in found if item.act is Act.PAGE]
    assert paged == [("slack.incidents", ()), ("email", (("to", "sam@example.com"),))]
    assert any("secondary: sam" in dict(item.message.facts).get("told", "") for item in found)
    assert {item.message.by for item in found} == {"engine"}


def test_nobody_on_call_is_said_loudly() -> None:
    life = told()
    life.rota = {}
    found = queued(life, cmd.DeclareIncident("P99 is high", Severity.SEV1))
    said = [value for name, value in found[0].message.facts if name == "told"]
    assert said == [f"NOBODY can be reached as {role}" for role in ("primary", "secondary", "lead")]


def test_a_channel_hears_of_its_topics_by_label_and_of_its_severities() -> None:
    life = told()
    life.teams = ((Team("security", (parse_matcher("kind=intrusion"),), ("sam",)), (SAM,)),)
    alert = AlertRef("f9", "Intrusion", labels=(("kind", "intrusion"),))
    found = queued(life, cmd.DeclareIncident("Intrusion", Severity.SEV2, (alert,)))
    assert {item.channel for item in found if item.act is Act.POST} == {"slack.incidents", "slack.security"}
    incident = next(iter(life.state.incidents))
    raised = queued(life, cmd.ChangeSeverity(incident, Severity.SEV1, "data is exposed"))
    assert "email" in {item.channel for item in raised}
    lowered = queued(life, cmd.ChangeSeverity(incident, Severity.SEV3, "it was a scan"))
    assert "email" in {item.channel for item in lowered}  # who knows of the SEV1 learns that it is none
    assert "email" not in {item.channel for item in queued(life, cmd.PostUpdate(incident, "quiet", "", ""))}


@pytest.mark.parametrize(
    ("command", "posts"),
    [
        (cmd.RecordDecision("I", "roll back", "P99"), True),
        (cmd.AssignRole("I", COMMANDER, "bob"), True),
        (cmd.AssignRole("I", "scribe", "bob"), False),
        (cmd.AddTask("I", "ask"), False),
        (cmd.RecordImpact("I", "users", "12 %"), False),
        (cmd.SetTime("I", "impact_started", START - MINUTES), False),
        (cmd.ChangeState("I", "mitigated"), True),
    ],
)
def test_only_what_others_need_to_know_is_posted(command: cmd.Command, posts: bool) -> None:
    life = told()
    incident = life.declare()
    found = queued(life, replace(command, incident=incident))
    assert ("slack.incidents" in {item.channel for item in found}) is posts


def test_many_alerts_taken_together_are_one_message_and_each_page_is_acknowledged_once() -> None:
    life = told()
    alerts = tuple(AlertRef(f"f{number}", f"A{number}") for number in range(9))
    life.pages = {"f1": page(), "f2": page()}
    found = queued(life, cmd.AcknowledgeAlerts(alerts))
    assert acts(found) == [("slack.alerts", "post"), ("pagerduty", "acknowledge")]
    assert found[0].message.title == "alice acknowledged 9 alerts"
    assert found[0].message.text == "A0, A1, A2, A3, A4 and 4 more"
    assert acts(
        queued(life, cmd.AcknowledgeAlerts((AlertRef("f1", "A1", starts_at=START),), "carol", "PagerDuty"))
    ) == [("slack.alerts", "post")]


def test_a_phase_is_a_change_event_and_an_annotation_when_it_is_another_one() -> None:
    life = told()
    assert queued(life, cmd.ObservePhase(10.0, "prometheus")) == []
    assert acts(queued(life, cmd.ObservePhase(25.0, "prometheus"))) == [
        ("pagerduty", "change"),
        ("grafana", "annotate"),
    ]
    assert life.do(cmd.ObservePhase(25.2, "prometheus")) == []
    assert life.do(cmd.ObservePhase(float("nan"), "prometheus")) == []
    life.do(cmd.ObservePhase(0.3, "prometheus"))
    assert life.do(cmd.ObservePhase(0.0, "prometheus"))
    phase = life.state.rollouts["lighthouse/production"].seen
    assert phase is not None
    assert (phase.percent, phase.before) == (0.0, 0.3)


def test_the_annotation_of_the_beginning_gets_its_end() -> None:
    life = told()
    declared = queued(life, cmd.DeclareIncident("P99 is high", Severity.SEV1))
    begun = next(item for item in declared if item.channel == "grafana")
    end(life, begun, ev.DeliverySent("written", 1, "77"))
    (ended,) = [
        item for item in queued(life, cmd.ChangeState(begun.message.subject, "resolved")) if item.channel == "grafana"
    ]
    assert ended.args == (("annotation", "77"),)


def test_an_overdue_step_is_told() -> None:
    life = told()
    life.run()
    life.pass_time(1)
    found = deliveries(life, life.fire())
    assert {item.message.title for item in found} == {"step OVERDUE: Alert (Emergency rollback)"}


@pytest.mark.parametrize("mode", ["demo", "drill"])
def test_every_message_says_that_it_is_not_in_earnest(mode: str) -> None:
    life = told()
    life.mode = mode
    assert {item.message.mode for item in queued(life, cmd.DeclareIncident("x", Severity.SEV1))} == {mode}


def test_texts_are_harmless_before_they_are_queued() -> None:
    life = told()
    found = queued(life, cmd.DeclareIncident("\x1b]52;c;x\x07 boom", Severity.SEV1))
    assert "\x1b" not in repr(found)
    assert found[0].message.title.endswith("boom")


def test_what_was_given_up_is_queued_again_under_its_own_id() -> None:
    life = told()
    first = queued(life, cmd.DeclareIncident("x", Severity.SEV1))[0]
    assert "is queued, not given up" in life.refused(cmd.RetryDelivery(first.id))
    end(life, first, ev.DeliveryFailing("refused"))
    assert life.state.deliveries[first.id].state is DeliveryState.FAILING
    end(life, first, ev.DeliveryFailed("404", 9))
    assert not life.state.deliveries[first.id].open
    life.do(cmd.RetryDelivery(first.id), BOB)
    again = life.state.deliveries[first.id]
    assert (again.state, again.message) == (DeliveryState.QUEUED, first.message)
    assert "not in this record" in life.refused(cmd.RetryDelivery("x"))


def test_finished_deliveries_are_forgotten_and_open_ones_never() -> None:
    life = told()
    first = queued(life, cmd.DeclareIncident("x", Severity.SEV1))[0]
    incident = next(iter(life.state.incidents))
    while len(life.state.deliveries) < KEPT + 50:
        life.pass_time(0.1)
        for item in queued(life, cmd.PostUpdate(incident, "still slow", "", "")):
            end(life, item, ev.DeliverySent("ok"))
        if len([item for item in life.state.deliveries.values() if not item.open]) == KEPT:
            break
    oldest = min((item for item in life.state.deliveries.values() if not item.open), key=lambda item: item.ended_at)  # type: ignore[type-var,return-value]
    life.pass_time(1)
    for item in queued(life, cmd.PostUpdate(incident, "better", "", "")):
        end(life, item, ev.DeliverySent("ok"))
    assert oldest.id not in life.state.deliveries
    assert first.id in life.state.deliveries
    assert sum(not item.open for item in life.state.deliveries.values()) == KEPT


def test_who_is_on_call_is_kept_by_environment_and_only_when_it_differs() -> None:
    life = told()
    on_calls = (OnCall("Platform", 1, "Pat"),)
    life.do(cmd.ObserveOnCall(on_calls))
    assert life.do(cmd.ObserveOnCall(on_calls)) == []
    known = life.state.on_call["lighthouse/production"]
    assert (known.on_calls, known.at) == (on_calls, START)


def test_contacts_that_are_known_outlive_an_answer_without_them() -> None:
    life = told()
    pat = OnCall("Platform", 1, "Pat", "PPAT", contacts=(("phone", "+1 555"),))
    life.do(cmd.ObserveOnCall((pat,)))
    assert life.do(cmd.ObserveOnCall((replace(pat, contacts=()),))) == []
    life.do(cmd.ObserveOnCall((replace(pat, contacts=(), level=2),)))
    assert life.state.on_call["lighthouse/production"].on_calls == (replace(pat, level=2),)


def test_the_proof_of_a_channel_is_dated_and_a_failure_does_not_wipe_it_out() -> None:
    life = told()
    life.do(cmd.RecordProof("email", "taken for 2 of 2"))
    life.pass_time(1)
    life.do(cmd.RecordProof("email", "", "connection refused"))
    proof = life.state.proofs["email"]
    assert (proof.proven_at, proof.by, proof.evidence, proof.error) == (
        START,
        "alice",
        "taken for 2 of 2",
        "connection refused",
    )
    life.do(cmd.RecordProof("email", "taken"))
    assert life.state.proofs["email"].error == ""


RUNBOOK = "https://runbooks.example/p99?env=a&b=2"


def alert(fingerprint: str = "f1", **annotations: str) -> Alert:
    return Alert(
        fingerprint,
        (("alertname", "P99LatencyHigh"),),
        tuple(annotations.items()),
        AlertState.ACTIVE,
        START,
        generator_url="http://prometheus.example/graph?g0.expr=p99",
    )


def links(life: Life) -> set[tuple[tuple[str, str], ...]]:
    found = queued(life, cmd.DeclareIncident("P99 is high", Severity.SEV1, (P99,)))
    return {item.message.links for item in found}


def test_a_message_leads_to_what_is_known_of_its_alerts() -> None:
    life = told()
    life.alerts = (alert(runbook_url=RUNBOOK, dashboard="https://grafana.example/d/1"), alert("f2", runbook_url="x"))
    life.pages = {"f1": page(url="https://pd.example/PD1")}
    known = (
        ("Runbook of P99LatencyHigh", RUNBOOK),
        ("Dashboard of P99LatencyHigh", "https://grafana.example/d/1"),
        ("Expression of P99LatencyHigh", "http://prometheus.example/graph?g0.expr=p99"),
        ("PagerDuty of P99LatencyHigh", "https://pd.example/PD1"),
    )
    assert links(life) == {known}
    (incident,) = life.state.incidents
    assert {item.message.links for item in queued(life, cmd.AcknowledgeIncident(incident))} == {known}
    assert {item.message.links for item in queued(life, cmd.AcknowledgeAlerts((P99,)))} == {known}


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://me:secret@runbooks.example/",
        "https://",
        "https://runbooks.example/a b",
        "https://runbooks.example/\u202e",
        f"https://runbooks.example/{'x' * LONGEST}",
        "https://[",
    ],
)
def test_what_is_no_plain_web_address_goes_into_no_message(address: str) -> None:
    life = told()
    life.alerts = (alert(runbook_url=address, dashboard_url=address),)
    assert links(life) == {(("Expression of P99LatencyHigh", "http://prometheus.example/graph?g0.expr=p99"),)}


def test_an_alert_that_has_left_the_feed_leads_nowhere_and_many_lead_to_a_few_places_once() -> None:
    assert links(told()) == {()}
    life = told()
    many = [f"m{number}" for number in range(40)]
    life.alerts = tuple(alert(name, runbook_url=f"https://runbooks.example/{name}") for name in many)
    refs = tuple(AlertRef(name, "P99LatencyHigh") for name in many)
    (told_of,) = {item.message.links for item in queued(life, cmd.DeclareIncident("many", Severity.SEV1, refs))}
    addresses = [url for _, url in told_of]
    assert len(addresses) == len(set(addresses)) == TOLD
