"""What happened, in words: every kind of the response has a sentence that says what matters, as loud as it is."""

from datetime import UTC, datetime

import pytest

from console.model import events as ev
from console.model.alert import AlertRef, Matcher
from console.model.care import Verdict
from console.model.change import ChangeKind
from console.model.escalation import Reach
from console.model.events import KINDS, Recorded, kind_of
from console.model.message import Act, Message
from console.model.pager import OnCall, PagerStatus
from console.model.people import Actor, Severity
from console.model.reading import ReadingState
from console.model.silence import Silence
from console.view.events import describe
from console.view.line import Tone
from console.view.response_events import WRITERS

AT = datetime(2025, 11, 3, 14, 32, 10, tzinfo=UTC)
BOB, CAROL = Reach("bob", (("phone", "+1 555 0101"), ("slack", "@bob"))), Reach("carol")
ALERT = AlertRef("f1", "P99High")
SILENCE = Silence((Matcher("team", "=", "x"),), AT, AT, "alice", "a deploy")
READINGS = (
    ev.ReadingNote("guardrail.p99", ReadingState.OK, 0.6, AT, "prometheus"),
    ev.ReadingNote("rollout.percent", ReadingState.UNREACHABLE, None, None, "prometheus"),
)

SENTENCES = [
    (
        ev.IncidentOpened("P99", Severity.SEV2, "svc", "prod", (ALERT,)),
        Tone.STRONG,
        "in triage, SEV2 proposed: P99, from P99High",
    ),
    (ev.IncidentAcknowledged(), Tone.STRONG, "acknowledged"),
    (ev.IncidentAcknowledged("Bob O.", "PagerDuty"), Tone.STRONG, "acknowledged by Bob O. in PagerDuty"),
    (
        ev.IncidentUnacknowledged("it timed out", via="PagerDuty"),
        Tone.WARNING,
        "NOT acknowledged any more in PagerDuty",
    ),
    (ev.IncidentEscalated(2, "secondary", (BOB,)), Tone.WARNING, "level 2 (secondary): bob reachable by phone, slack"),
    (ev.IncidentEscalated(2, "secondary", (BOB,), late_seconds=90), Tone.WARNING, "(noticed 1 min late)"),
    (ev.IncidentEscalated(3, "lead", ()), Tone.ALARM, "level 3 (lead): NOBODY ON CALL"),
    (ev.IncidentEscalated(3, "lead", (CAROL,)), Tone.ALARM, "NOBODY ON CALL: carol NO WAY TO REACH"),
    (
        ev.IncidentEscalated(2, "", (), pager="Lighthouse"),
        Tone.WARNING,
        "PagerDuty pages somebody by policy Lighthouse",
    ),
    (ev.PageReassigned((BOB, CAROL), "knows it"), Tone.WARNING, "page reassigned to bob, carol: knows it"),
    (ev.UpdatePosted("P99 620 ms", "", "a DBA", AT), Tone.STRONG, "update: conditions: P99 620 ms; needs: a DBA (next"),
    (ev.UpdateOverdue(AT, 61), Tone.ALARM, "STATUS UPDATE OVERDUE since 14:32:10Z (noticed 1 min late)"),
    (
        ev.TimeSet("impact_started", AT, True, "logs"),
        Tone.NORMAL,
        "impact started 2025-11-03 14:32:10Z, estimated: logs",
    ),
    (ev.ImpactRecorded("failed", "12", "Prometheus"), Tone.NORMAL, "impact: failed: 12 (Prometheus)"),
    (ev.EvidenceTaken("declared", READINGS), Tone.DIM, "evidence when declared: 1 of 2 readings known"),
    (ev.TaskAdded("T1", "drain", "bob", AT), Tone.NORMAL, "task T1: drain (bob, due 2025-11-03 14:32:10Z)"),
    (ev.TaskAdded("T2", "alert on it", kind="detect"), Tone.NORMAL, "action item to detect T2: alert on it (nobody"),
    (ev.TaskAssigned("T1", "carol"), Tone.NORMAL, "task T1: carol has it"),
    (ev.TaskEnded("T1", "dropped", "not needed"), Tone.WARNING, "task T1 dropped: not needed"),
    (
        ev.DecisionRecorded("D1", "roll back", "errors", ("wait",), "risky", "P99 down", AT),
        Tone.STRONG,
        "D1: roll back: errors; among wait; objections: risky; expected: P99 down; to be checked at 2025-11-03 14:32",
    ),
    (ev.DecisionObserved("D1", "P99 240 ms"), Tone.NORMAL, "what came of decision D1: P99 240 ms"),
    (ev.IncidentMerged("i2", "one cause"), Tone.STRONG, "merged into another incident: one cause"),
    (ev.IncidentMerged("i2", "one cause", "INC-7"), Tone.STRONG, "merged into INC-7: one cause"),
    (ev.IncidentMergedIn("i1", "INC-7"), Tone.STRONG, "INC-7 goes on here"),
    (ev.PagerLinked("PX", "key", True, policy="L"), Tone.NORMAL, "PX pages for it (it paged already, policy L)"),
    (
        ev.PagerSilent(AT, 61),
        Tone.ALARM,
        "PagerDuty SILENT since 14:32:10Z: its page is no evidence any more, our clock tells (noticed 1 min late)",
    ),
    (
        ev.PagerChanged("PX", PagerStatus.ACKNOWLEDGED, "Bob", 2, ("Bob",)),
        Tone.NORMAL,
        "PX: acknowledged by Bob, level 2",
    ),
    (
        ev.Corrected("e1", "the second", AT, "typo"),
        Tone.WARNING,
        "the second; it happened at 2025-11-03 14:32:10Z (typo)",
    ),
    (ev.AlertAcknowledged(ALERT, "Bob O.", "PagerDuty"), Tone.STRONG, "P99High: acknowledged by Bob O. in PagerDuty"),
    (ev.AlertUnacknowledged("lunch"), Tone.WARNING, "alert given back: lunch"),
    (ev.AlertJudged("P99High", Verdict.POOR_DETAILS, "host?"), Tone.NORMAL, "P99High: judged poor details: host?"),
    (
        ev.ChangeIntended(ChangeKind.SILENCE, "am", "silence x", "expire", "", AT, SILENCE),
        Tone.WARNING,
        "about to: silence on am: silence x, until 2025-11-03 14:32:10Z",
    ),
    (ev.ChangeMade("silenced"), Tone.STRONG, "change made: silenced"),
    (ev.ChangeRefused("no"), Tone.CRITICAL, "change NOT made: no"),
    (ev.ExtendIntended(AT), Tone.WARNING, "about to be extended to 2025-11-03 14:32:10Z"),
    (ev.ExtendRefused("ended"), Tone.CRITICAL, "change NOT extended: ended"),
    (ev.ChangeExtended(AT, "ok"), Tone.STRONG, "extended to 2025-11-03 14:32:10Z: ok"),
    (ev.UndoIntended("over"), Tone.WARNING, "about to be undone: over"),
    (ev.UndoRefused("no"), Tone.CRITICAL, "change NOT undone: no"),
    (ev.ChangeUndone("ended"), Tone.STRONG, "change undone: ended"),
    (ev.ChangeTied("i2"), Tone.DIM, "belongs to another incident"),
    (ev.ChangeHandedOver("OPS-12", "until May"), Tone.STRONG, "OPS-12 owes the undoing: until May"),
    (ev.DeliveryQueued("slack", Act.POST, Message("k", "down", AT)), Tone.DIM, "to slack, message: down"),
    (ev.DeliveryFailing("refused"), Tone.CRITICAL, "NOT SENT yet: refused"),
    (ev.DeliverySent("ok"), Tone.OK, "sent: ok"),
    (ev.DeliveryFailed("400", 3), Tone.ALARM, "NOT SENT, given up after 3 attempts: 400"),
    (ev.DeliveryFailed("INC-1 is acknowledged", 0), Tone.DIM, "not needed any more: INC-1 is acknowledged"),
    (ev.ChannelProven("read back"), Tone.OK, "channel proven: read back"),
    (ev.ChannelTestFailed("401"), Tone.CRITICAL, "channel test FAILED: 401"),
    (ev.OnCallChanged((OnCall("Lighthouse", 1, "Eve"),)), Tone.NORMAL, "on call: Lighthouse level 1: Eve"),
    (ev.OnCallChanged(()), Tone.WARNING, "on call: NOBODY"),
    (ev.PhaseObserved(25, "prometheus", 5), Tone.STRONG, "rollout: 25 % of the traffic (was 5 %), seen by prometheus"),
]


def recorded(payload):
    kind, version = kind_of(payload)
    who = Actor("alice", "alice")
    return Recorded(1, "s:1", 1, kind, version, "e1", AT, AT, who, "c", "", "live", payload)


@pytest.mark.parametrize(("payload", "tone", "words"), SENTENCES, ids=lambda value: type(value).__name__)
def test_it_says_what_happened_as_loud_as_it_is(payload, tone, words):
    shown_tone, shown = describe(recorded(payload), {})

    assert words in shown
    assert shown_tone is tone
    assert "\n" not in shown


def test_every_kind_of_the_response_is_tried_here():
    assert {type(payload) for payload, _, _ in SENTENCES} == set(WRITERS)
    assert set(WRITERS) <= set(KINDS.values())


def test_many_alerts_are_the_first_ones_and_a_count():
    alerts = tuple(AlertRef(f"f{number}", f"A{number}") for number in range(50))

    assert describe(recorded(ev.AlertsLinked(alerts)), {})[1] == "linked A0, A1, A2, A3, A4 and 45 more"
