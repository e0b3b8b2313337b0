"""What a decision about the next phase is made of: headroom, findings, risks, put together for the Board.

Cheap: nothing is asked here but the endpoints of HTTP criteria, by a poller of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from console.engine.kept import Kept, Same
from console.engine.plan_queries import round_queries, whole_minutes
from console.model.board import Board
from console.model.capacity import Headroom, headrooms
from console.model.decision import Proposal, answer
from console.model.escalation import OnCallRole, Reach
from console.model.pager import OnCall
from console.model.playbook import Probe, check_of
from console.model.progress import LiveRisk, Progress
from console.model.reading import Reading, ReadingState
from console.model.rollback import Readiness
from console.model.rolling import RolloutState
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import CriterionKind, CriterionRule, Risk

if TYPE_CHECKING:
    from console.model.criteria import Cover
    from console.ports import Probes

CRITERIA = "criteria"
"""The name of the poller that asks the endpoints of HTTP criteria."""
ASKED_EVERY = timedelta(seconds=60)
ASKED_WITHIN = timedelta(seconds=5)

_OVER = (RolloutState.PROMOTED, RolloutState.ROLLED_BACK, RolloutState.ABORTED, RolloutState.ROLLING_BACK)


class Deciding:
    """Judges what is on the Board: `Judges` asks it. `schedule` is what PagerDuty said last of who is on call until
    when. It remembers the plan's expressions while they are the same."""

    def __init__(
        self, roles: Sequence[OnCallRole], risks: Sequence[Risk], schedule: Callable[[], Sequence[OnCall]]
    ) -> None:
        self._roles, self._risks, self._schedule = roles, risks, schedule
        self._plan: RolloutPlan | None = None
        self._bake = timedelta(-1)
        self._queries: Mapping[str, str] = {}
        self._judged_on: tuple[Any, ...] = ()
        self._kept: Proposal | None = None
        self._same = Kept()

    def headroom(self, board: Board) -> tuple[Headroom, ...]:
        """Every capacity of the plan, now and at the next phase."""
        progress = board.progress
        if progress is None:
            return ()
        share = progress.share if progress.share.known else progress.flag
        following = None if progress.record.state in _OVER else progress.next_percent
        return self._same.get(
            "headroom",
            (Same(progress.plan), Same(board.readings), Same(share), following),
            lambda: headrooms(progress.plan, board.readings, share, following),
        )

    def risks(self, board: Board) -> tuple[LiveRisk, ...]:
        """The risk register with its signals."""
        return self._same.get("risks", Same(board.readings), lambda: live_risks(self._risks, board.readings))

    def proposal(self, board: Board, progress: Progress, readiness: Readiness) -> Proposal | None:
        """What the findings say of the next phase, or of the end after the last; None where nothing can go on, and
        before any source was asked. `progress` and `readiness` go before those of the Board."""
        if progress.record.state in _OVER:
            return None
        if board.sources and all(source.state is ReadingState.NO_DATA for source in board.sources):
            return None
        # Several Boards are made in a second, and what they are made of is mostly the very same: that is seen by
        # comparing, for equal objects are compared by identity first.
        judged_on = (
            board.at.replace(microsecond=0),
            progress.plan,
            progress.record,
            progress.samples,
            progress.judged,
            progress.headroom,
            board.rollout,
            board.slos,
            readiness,
            board.feed,
            board.readings,
            board.on_call,
            board.runs,
            tuple(self._schedule()),
        )
        if self._kept is None or self._judged_on != judged_on:
            self._kept, self._judged_on = self._judged(board, progress, readiness), judged_on
        return self._kept

    def _judged(self, board: Board, progress: Progress, readiness: Readiness) -> Proposal:
        from console.model.criteria import Facts, findings, rules_of  # not before the first screen

        plan, record, now = progress.plan, progress.record, board.at
        here = record.percent or 0.0
        following = plan.next_phase(here)
        guardrails = board.rollout.guardrails if board.rollout is not None else ()
        asked = dict(self._expressions(plan, now - record.bake_since if record.bake_since is not None else None))
        asked |= {f"guardrail.{item.rule.name}": item.rule.expr for item in guardrails}  # over the range that was read
        facts = Facts(
            service=board.target.service,
            plan=plan,
            record=record,
            from_percent=here,
            to_percent=here if following is None else following,
            bake_left=progress.bake_left(now),
            samples=progress.samples,
            judged=progress.judged,
            guardrails=guardrails,
            slos=board.slos,
            readiness=readiness,
            headroom=progress.headroom,
            feed=board.feed,
            readings=board.readings,
            queries=asked,
            attestations=record.attestations,
            on_call=covers(self._roles, board.on_call, self._schedule()),
            author=record.begun_by,
            runs=board.runs,
        )
        found = findings(rules_of(plan), facts, now)
        return Proposal(here, facts.to_percent, answer(found), found, now)

    def _expressions(self, plan: RolloutPlan, baked: timedelta | None) -> Mapping[str, str]:
        bake = whole_minutes(baked if baked is not None else timedelta(0))
        if self._plan is not plan or self._bake != bake:
            asked = round_queries(plan, bake, bake)
            self._plan, self._bake, self._queries = plan, bake, {query.name: query.expr for query in asked}
        return self._queries


def covers(
    roles: Sequence[OnCallRole], on_call: Iterable[tuple[str, Sequence[Reach]]], on_calls: Sequence[OnCall]
) -> tuple[Cover, ...]:
    """Who is on call, role by role. PagerDuty's schedules say until when; people.yaml does not."""
    from console.model.criteria import Cover

    found: list[Cover] = []
    schedules = {role.name: role.schedule for role in roles if role.schedule}
    for role, reaches in on_call:
        entries = [item for item in on_calls if role in schedules and item.schedule_id == schedules[role]]
        if entries:
            found += [Cover(role, item.person, item.until, item.until is None) for item in entries]
        else:
            found += [Cover(role, reach.person) for reach in reaches]
    return tuple(found)


def live_risks(risks: Iterable[Risk], readings: Mapping[str, Reading[float]]) -> tuple[LiveRisk, ...]:
    """Each risk, and whether its signal holds. A signal that is stale or partial shows a risk and never clears it."""
    found = []
    for risk in risks:
        check = check_of(risk.signal)
        reading = readings.get(check.reading) if check is not None else None
        live: bool | None = None
        if check is not None and reading is not None and reading.value is not None:
            holds = check.holds(reading.value)
            live = holds if holds or reading.ok else None
        found.append(LiveRisk(risk, live, reading))
    return tuple(found)


# -- criteria over HTTP -----------------------------------------------------------------------------------------------


def http_rules(plan: RolloutPlan | None) -> tuple[CriterionRule, ...]:
    """The criteria that an endpoint answers."""
    rules = plan.criteria if plan is not None else ()
    return tuple(rule for rule in rules if rule.kind is CriterionKind.HTTP)


class Endpoints:
    """Asks the endpoints of HTTP criteria, one after another. Called in a worker thread."""

    def __init__(self, probes: Probes, rules: Sequence[CriterionRule]) -> None:
        self._probes = probes
        self._asked = {
            rule.reading: Probe(rule.check, status=tuple(range(200, 300)), timeout=ASKED_WITHIN) for rule in rules
        }

    @property
    def within(self) -> timedelta:
        """How long a round may take."""
        return ASKED_WITHIN * len(self._asked) + timedelta(seconds=1)

    def read(self) -> Mapping[str, Reading[float]]:
        """By the names of their readings: 1.0 for a 2xx, 0.0 for any other answer."""
        return {name: self._probes.read(probe) for name, probe in self._asked.items()}


def http_readings(answers: Mapping[str, Reading[float]] | None, now: datetime) -> Mapping[str, Reading[float]]:
    """What the endpoints said, as readings of the Board."""
    return {name: reading.aged(now, 3 * ASKED_EVERY) for name, reading in (answers or {}).items()}
