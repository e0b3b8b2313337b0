"""Any order of operators, time, PagerDuty and engine keeps the promises of a response: property tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from console.model import commands as cmd
from console.model import events as ev
from console.model.alert import Matcher
from console.model.care import Verdict
from console.model.change import ChangeKind, ChangeStatus
from console.model.decide import Batch, Refusal
from console.model.incident import COMMANDER, ENDED, QUIET, TIMES
from console.model.message import Act
from console.model.pager import PagerIncident, PagerStatus
from console.model.people import Actor, Severity
from console.model.silence import Silence
from console.model.state import State, apply
from tests.model.life import ALICE, BOB, MINUTES, P99, START, Life
from tests.model.test_announce import CHANNELS

WHO = st.sampled_from([ALICE, BOB])
SOME = st.integers(0, 1)
TEXT = st.sampled_from(["because", "because", "because", " "])  # most are taken, so that something comes of it
STATES = st.sampled_from(["investigating", "identified", "mitigating", "mitigated", "resolved", "closed", "cancelled"])
ENDING = st.sampled_from(
    [ev.ChangeMade("ok", "s1"), ev.ChangeRefused("no"), ev.ChangeUndone("gone"), ev.UndoRefused("no")]
)


class Responses(RuleBasedStateMachine):
    """Two operators, PagerDuty, the far side's answers and the engine, doing anything at any time."""

    @initialize(channels=st.booleans(), primary=st.booleans())
    def begin(self, channels: bool, primary: bool) -> None:
        self.life = Life()
        self.life.channels = CHANNELS if channels else ()
        if not primary:
            self.life.rota["primary"] = ()
        self.life.declare()

    def attempt(self, command: cmd.Command, who: Actor = ALICE) -> None:
        before = len(self.life.events)
        try:
            self.life.do(command, who)
        except Refusal:
            assert len(self.life.events) == before

    def incident(self, number: int) -> str:
        known = list(self.life.state.incidents)
        return known[number % len(known)]

    @rule(who=WHO, severity=st.sampled_from(Severity), alerts=st.booleans())
    def declare(self, who: Actor, severity: Severity, alerts: bool) -> None:
        if len(self.life.state.incidents) < 3:
            self.attempt(cmd.DeclareIncident("x", severity, (P99,) if alerts else ()), who)

    @rule(who=WHO, number=SOME, state=STATES, reason=TEXT)
    def change_state(self, who: Actor, number: int, state: str, reason: str) -> None:
        incident = self.incident(number)
        before = self.life.state.incidents[incident].state
        owed = [item for item in self.life.state.changes_of(incident) if item.owed(self.life.now)]
        self.attempt(cmd.ChangeState(incident, state, reason), who)
        if owed and before != "closed":
            assert self.life.state.incidents[incident].state != "closed"

    @rule(number=SOME)
    def wind_up(self, number: int) -> None:
        for state in ("resolved", "closed"):
            self.change_state(ALICE, number, state, "")

    @rule(who=WHO, number=SOME, reason=TEXT, give_back=st.booleans())
    def take(self, who: Actor, number: int, reason: str, give_back: bool) -> None:
        incident = self.incident(number)
        back = cmd.UnacknowledgeIncident(incident, reason)
        self.attempt(back if give_back else cmd.AcknowledgeIncident(incident), who)

    @rule(who=WHO, number=SOME, level=st.integers(0, 4))
    def escalate(self, who: Actor, number: int, level: int) -> None:
        self.attempt(cmd.Escalate(self.incident(number), level), who)

    @rule(who=WHO, number=SOME, severity=st.sampled_from(Severity), reason=TEXT)
    def change_severity(self, who: Actor, number: int, severity: Severity, reason: str) -> None:
        self.attempt(cmd.ChangeSeverity(self.incident(number), severity, reason), who)

    @rule(number=SOME, into=SOME, reason=TEXT)
    def merge(self, number: int, into: int, reason: str) -> None:
        self.attempt(cmd.MergeIncident(self.incident(number), self.incident(into), reason))

    @rule(number=SOME, person=st.sampled_from(["alice", "bob", " "]))
    def transfer(self, number: int, person: str) -> None:
        self.attempt(cmd.AssignRole(self.incident(number), COMMANDER, person))

    @rule(number=SOME, text=TEXT, minutes=st.sampled_from([None, -1, 0, 5]))
    def update(self, number: int, text: str, minutes: int | None) -> None:
        after = None if minutes is None else minutes * MINUTES
        self.attempt(cmd.PostUpdate(self.incident(number), text, "", "", after))

    @rule(
        number=SOME,
        name=st.sampled_from([*TIMES, "lunch"]),
        minutes=st.integers(-30, 60),
        reason=TEXT,
        guess=st.booleans(),
    )
    def set_time(self, number: int, name: str, minutes: int, reason: str, guess: bool) -> None:
        self.attempt(cmd.SetTime(self.incident(number), name, START + minutes * MINUTES, guess, reason))

    @rule(number=SOME, task=st.sampled_from(["T1", "T2"]), what=st.integers(0, 4), text=TEXT)
    def work(self, number: int, task: str, what: int, text: str) -> None:
        incident = self.incident(number)
        commands = (
            cmd.AddTask(incident, text, "bob"),
            cmd.AssignTask(incident, task, text),
            cmd.EndTask(incident, task, "dropped", text),
            cmd.RecordDecision(incident, text, text),
            cmd.ObserveDecision(incident, "D1", text),
        )
        self.attempt(commands[what])

    @rule(number=st.integers(-1, 1), what=st.integers(0, 3), reason=TEXT, ending=ENDING)
    def change(self, number: int, what: int, reason: str, ending: object) -> None:
        incident = "" if number < 0 else self.incident(number)
        life, changes = self.life, list(self.life.state.changes.values())
        ends_at = life.now + 30 * MINUTES
        silence = Silence((Matcher("a", "=", "b"),), life.now, ends_at, "alice", reason)
        if what == 0:
            self.attempt(cmd.CreateSilence(silence, incident))
        elif what == 1:
            self.attempt(cmd.RecordChange(ChangeKind.FLAG, "flag", "off", reason, incident))
        elif what == 2:
            self.attempt(cmd.ExpireSilence(replace(silence, id="s1"), reason))
        elif changes:  # the far side's answer, whenever it comes
            life.record([Batch(changes[-1].stream, changes[-1].version, (ending,))], ALICE)

    @rule(pick=SOME, state=st.sampled_from(ChangeStatus), hand=st.booleans(), text=TEXT)
    def settle(self, pick: int, state: ChangeStatus, hand: bool, text: str) -> None:
        changes = list(self.life.state.changes)
        if changes:
            change = changes[pick % len(changes)]
            self.attempt(cmd.HandOverChange(change, text, text) if hand else cmd.SettleChange(change, state, text))

    @rule(
        number=SOME,
        status=st.sampled_from(PagerStatus),
        level=st.integers(0, 3),
        policy=st.booleans(),
        own=st.booleans(),
    )
    def look_at_pagerduty(self, number: int, status: PagerStatus, level: int, policy: bool, own: bool) -> None:
        name = "Platform" if policy else ""
        page = PagerIncident(
            f"P{number}",
            1,
            "x",
            status,
            "high",
            "s",
            START,
            escalation_policy=name,
            level=level,
            acknowledged_by="carol",
        )
        self.attempt(cmd.LinkPager(self.incident(number), page, not own))

    @rule(who=WHO, firing=st.integers(0, 2), what=st.integers(0, 2), reason=TEXT)
    def care(self, who: Actor, firing: int, what: int, reason: str) -> None:
        alert = replace(P99, starts_at=START + firing * MINUTES)
        commands: tuple[cmd.Command, ...] = (
            cmd.AcknowledgeAlerts((alert,)),
            cmd.UnacknowledgeAlert(alert.fingerprint, reason),
            cmd.JudgeAlert(alert, Verdict.NOT_ACTIONABLE, reason),
        )
        self.attempt(commands[what], who)

    @rule(minutes=st.floats(0, 20))
    def pass_time(self, minutes: float) -> None:
        self.life.pass_time(minutes)

    @rule()
    def fire(self) -> None:
        self.life.fire()
        assert self.life.fire() == []  # whatever was due has become an event, and what follows lies ahead

    @invariant()
    def every_level_is_told_at_most_once(self) -> None:
        for incident in self.life.state.incidents.values():
            own = [item.level for item in incident.escalations]
            assert all(before < after for before, after in pairwise(own))

    @invariant()
    def the_clock_tells_nobody_while_somebody_has_it_or_it_is_over(self) -> None:
        for incident in self.life.state.incidents.values():
            if incident.acknowledged_at is not None or incident.state in QUIET:
                assert incident.escalate_at is None

    @invariant()
    def an_acknowledged_incident_is_led_and_by_one(self) -> None:
        for incident in self.life.state.incidents.values():
            assert incident.acknowledged_at is None or incident.commander

    @invariant()
    def every_deadline_fires_once(self) -> None:
        overdue = ("incident.update_overdue", "run.step_overdue")
        fired = Counter((item.stream, item.payload.due_at) for item in self.life.events if item.kind in overdue)
        assert all(count == 1 for count in fired.values())

    @invariant()
    def nothing_is_queued_for_a_page_that_came_from_pagerduty(self) -> None:
        for event in self.life.events:
            if event.kind == "delivery.queued" and event.payload.message.kind == "incident.acknowledged":
                assert event.payload.message.by != "carol" or event.payload.act is Act.POST

    @invariant()
    def a_merged_incident_points_to_one_that_does_not_point_back(self) -> None:
        known = self.life.state.incidents
        for incident in known.values():
            seen = {incident.id}
            while incident.merged_into:
                incident = known[incident.merged_into]
                assert incident.id not in seen
                seen.add(incident.id)

    @invariant()
    def what_is_owed_by_an_open_incident_is_never_lost(self) -> None:
        for change in self.life.state.changes.values():
            if change.incident and change.owed(self.life.now):
                incident = self.life.state.incidents[change.incident]
                assert incident.state != "closed" or change.made_at >= incident.times["closed"]
                assert incident.state in ENDED or incident.open

    @invariant()
    def a_replay_gives_the_same_state(self) -> None:
        replayed = State()
        for event in self.life.events:
            apply(replayed, event)
        assert replayed == self.life.state


@pytest.mark.parametrize("shard", range(4))
def test_responses(shard):
    """100 responses, in parts that are short on a busy machine, too."""
    machine = seed(shard)(type("Responses", (Responses,), {}))
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=50, deadline=None))
