"""The evidence of a rollout: what was counted on both paths, minute by minute since the bake began, and how the
guardrails are judged by it.

Once a minute, in the background and in one request: the counts of the bake, at most of the last day. Once a bake: those
of the day before it, which tell how much a share varies by itself. What is late or missing is not known, and never 0;
it is read again with every minute (`counting.py`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.engine import faults
from console.engine.counting import TOTALS, Counted, counted, fallen, finite, rare, seen
from console.engine.metrics import MetricRounds
from console.engine.plan_queries import count_queries
from console.engine.poller import Offload
from console.model.bake import Course
from console.model.board import Board
from console.model.judge import ABSENT, judge, judge_value
from console.model.progress import Progress
from console.model.reading import Reading, ReadingState, missing
from console.model.rollout import Guardrail, GuardrailRule, Level, RolloutPlan
from console.model.rollout_plan import Evidence
from console.model.sequential import Spread, spread
from console.model.text import safe
from console.model.value import value
from console.model.verdict import Judged, Verdict
from console.ports import Clock, MetricSource, Query, Series, SourceError

MINUTE, SLOW = 60, 300
"""Seconds of a slice; and where nothing is scraped often enough for a minute to hold two samples."""
LATE = 20.0
"""Seconds after its end before a slice is read: the last scrape must be in."""
LONGEST = 24 * 3600
"""Seconds that are looked back at most."""
STALE = timedelta(minutes=3)
"""How old the counts may be that something passes by."""
FIRST = timedelta(seconds=0.5)
"""After its start it first reads: the screen gets the sources' first answers before a day of counts."""
AGAIN = timedelta(seconds=20)
"""How soon it is tried again what could not be read."""
BEFORE_AGAIN = timedelta(minutes=10)
"""How soon it is tried again to read the day before the bake."""
UNSEEN = 5
"""Slices without a sample after which longer ones are tried."""
KEPT = 60
"""Evaluations of the values that are kept."""


@value
class Read:
    """What was counted in a bake: of each guardrail, how long the slices are, and when that was read; and how much the
    shares varied the day before. `ticks` are the monotonic seconds of that: a clock that is set back makes nothing
    young again."""

    since: datetime
    counted: Mapping[str, Counted]
    seconds: int
    at: datetime
    spreads: Mapping[str, Spread]
    ticks: float


class Tracks:
    """Reads the counts and judges by them. `told` is called, on the loop, when something is judged anew. Everything but
    `step` is called on the loop; that runs in a thread, one at a time."""

    def __init__(
        self,
        source: MetricSource,
        plan: RolloutPlan,
        clock: Clock,
        offload: Offload,
        told: Callable[[], Awaitable[None]],
        rounds: MetricRounds | None = None,
    ) -> None:
        self._source, self._plan, self._clock, self._offload, self._told = source, plan, clock, offload, told
        self._rounds = rounds
        self._rules = {rule.name: rule for rule in plan.guardrails}
        self._event = asyncio.Event()
        self._since: datetime | None = None
        self._percent: float | None = None
        self._read: Read | None = None
        self._before: tuple[datetime, Mapping[str, Spread]] | None = None
        self._before_due = datetime.min.replace(tzinfo=UTC)
        self._judged: Mapping[str, Judged] = {}
        self._ever: dict[str, set[str]] = {item.guardrail: set() for item in plan.evidence}
        """Which templates of each guardrail were ever seen with a series."""
        self._evaluations: dict[str, list[Guardrail]] = {}
        self._evaluated: dict[str, int] = {}
        """The minute of the last evaluation of each."""
        self._of_values: dict[str, Judged] = {}
        """What they come to, while no other one is added."""
        self._recalled: datetime | None = None
        self._revision = ""
        self.error = ""
        """Why the counts could not be read the last time."""

    # -- for the Board ------------------------------------------------------------------------------------------------

    def judged(self, board: Board) -> tuple[Judged, ...]:
        """The guardrails of this phase, from memory. From the Board it learns which bake is to be read."""
        if board.progress is None:
            return ()
        self._follow(board.progress)
        guardrails = board.rollout.guardrails if board.rollout is not None else ()
        self._evaluate(guardrails)
        counted = {item.guardrail: item for item in self._plan.evidence}
        found = [self._of_counts(item) for item in counted.values() if self._within(self._rules.get(item.guardrail))]
        for item in guardrails:
            name = item.rule.name
            if name not in counted and item.level is not Level.NOT_IN_PHASE:
                found.append(self._of_value(name))
        order = {rule.name: at for at, rule in enumerate(self._plan.guardrails)}
        return tuple(sorted(found, key=lambda item: order.get(item.guardrail, len(order))))

    def revision(self) -> str:
        """The revision that is rolled out, as it was read last; empty: unknown, or not one alone."""
        return self._revision

    def _follow(self, progress: Progress) -> None:
        """Another bake has evidence of its own."""
        since, self._percent = _bake(progress), progress.record.percent
        if since == self._since:
            return
        self._since, self._judged, self._evaluations, self._evaluated, self._of_values = since, {}, {}, {}, {}
        if self._rounds is not None:
            self._rounds.bake_since = since
        self._event.set()

    def _evaluate(self, guardrails: Sequence[Guardrail]) -> None:
        """Keeps one evaluation of each value for every minute, the last one; of a minute in which it was not read anew,
        that it is unknown. A value that is ok still is no evaluation of the next minute, and takes nothing back."""
        minute = int(self._clock.now().timestamp() // MINUTE)
        for item in guardrails:
            name, value = item.rule.name, item.value
            kept = self._evaluations.setdefault(name, [])
            again = bool(kept) and self._evaluated.get(name) == minute
            if kept and value.at is not None and value.at == kept[-1].value.at:
                # Read once, it counts once, however long nothing newer comes.
                if kept[-1].value.value is not None and (again or value.ok):
                    if kept[-1] is not item:
                        kept[-1] = item
                        self._of_values.pop(name, None)
                    continue
                item = replace(item, value=missing(value.state, value.source, value.note, value.at))
            del kept[len(kept) - 1 if again else len(kept) :]
            kept.append(item)
            self._of_values.pop(name, None)
            self._evaluated[name] = minute
            del kept[:-KEPT]

    def _within(self, rule: GuardrailRule | None) -> bool:
        if rule is None or not rule.phases or self._percent is None:
            return True
        return self._plan.within(rule.phases, Reading(ReadingState.OK, self._percent)) is not False

    def _of_value(self, name: str) -> Judged:
        """By its evaluations: made anew with each of them."""
        found = self._of_values.get(name)
        if found is None:
            found = self._of_values[name] = judge_value(self._evaluations[name], self._clock.now())
        return found

    def _of_counts(self, evidence: Evidence) -> Judged:
        found, now = self._judged.get(evidence.guardrail), self._clock.now()
        if found is None or self._read is None:
            why = self.error or ("not counted yet" if self._since is not None else "no phase bakes")
            return judge(evidence, (), self._rules.get(evidence.guardrail), Course(now, missing=why))
        age = max(now - self._read.at, timedelta(seconds=self._clock.monotonic() - self._read.ticks))
        if age > STALE and found.verdict is Verdict.PASS:
            why = f"not read for {int(age / timedelta(minutes=1))} min: {self.error or 'no answer'}"
            return replace(found, verdict=Verdict.INCONCLUSIVE, why=why)
        return found

    # -- in the background --------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Reads for ever, a few seconds after the end of each minute."""
        await self._clock.sleep_until(self._clock.now() + FIRST)
        while True:
            self._event.clear()
            await self.look()
            await self._clock.wait(self._event, self._next())

    async def look(self) -> None:
        """Reads and judges once."""
        since, percent = self._since, self._percent
        before = self.error, self._judged, self._revision
        found = await self._offload(lambda: self._sound(since, percent))
        recalled = await self._recall(since)
        if since == self._since:
            self._judged = found
        if recalled or (self.error, self._judged, self._revision) != before:
            await self._told()

    async def _recall(self, since: datetime | None) -> bool:
        """Reads the evaluations of the values that were before this console looked, once a bake: how often one was
        beyond its limit must not depend on who asks. Whether there are any."""
        short = [kept[-1] for kept in self._evaluations.values() if len(kept) < kept[-1].rule.of]
        if since is None or since == self._recalled or not short:
            return False
        found = await self._offload(lambda: self._values(short, since))
        if found is None or since != self._since:
            return False
        self._recalled = since
        for name, earlier in found.items():
            kept = self._evaluations[name]
            self._of_values.pop(name, None)
            kept[:0] = earlier[: max(0, len(earlier) + 1 - len(kept))]
        return any(found.values())

    def _values(self, short: Sequence[Guardrail], since: datetime) -> Mapping[str, list[Guardrail]] | None:
        """What guardrails were worth minute by minute before now; None while the source does not say."""
        now, ahead = self._clock.now(), timedelta(seconds=self._source.skew_seconds)
        most = max(item.rule.of for item in short) - 1
        count = min(most, int((now - since) / timedelta(seconds=MINUTE)))
        if count < 1:
            return {}
        queries = [Query(f"guardrail.{item.rule.name}", item.rule.expr) for item in short]
        queries += [Query(f"guardrail.{item.rule.name}.samples", item.rule.samples) for item in short]
        begin, end = now - timedelta(seconds=MINUTE * count), now - timedelta(seconds=MINUTE)
        try:
            asked = [query for query in queries if query.expr]
            answers = self._source.read_range(asked, begin + ahead, end + ahead, MINUTE)
        except SourceError:
            return None
        found = {}
        for item in short:
            name = f"guardrail.{item.rule.name}"
            values, samples = (finite(answers.get(key), count) for key in (name, f"{name}.samples"))
            past = zip(values, samples, strict=True)
            found[item.rule.name] = [_past(item, value, number) for value, number in past][1 - item.rule.of :]
        return found

    def _next(self) -> datetime:
        now = self._clock.now()
        if self.error:
            return now + AGAIN
        seconds = self._read.seconds if self._read is not None else MINUTE
        ahead = self._source.skew_seconds
        unix = now.timestamp() + ahead
        due = (unix - LATE) // seconds * seconds + seconds + LATE
        return max(datetime.fromtimestamp(due - ahead, UTC), now + timedelta(seconds=1))

    def _sound(self, since: datetime | None, percent: float | None) -> Mapping[str, Judged]:
        """A step. A fault of ours is a note, and not the end of the task; then nothing is judged."""
        try:
            return self.step(since, percent)
        except Exception as error:
            told = f"the evidence of the rollout: fault: {type(error).__name__}"
            if told != self.error:
                faults.note(told, error)
            self.error = told
            return {}

    def step(self, since: datetime | None, percent: float | None) -> Mapping[str, Judged]:
        """Reads the revision, and the counts of a bake; how the guardrails stand by them. Never raises for the source:
        what was judged before stands then."""
        try:
            self._revision = self._read_revision()
            if since is None or not self._plan.evidence:
                self.error = ""
                return {}
            self._read = read = self._read_bake(since)
            self.error = ""
        except SourceError as error:
            self.error = safe(str(error), 300)
            return self._judged if self._read is not None and self._read.since == since else {}
        return {item.guardrail: self._judge(item, read, percent) for item in self._plan.evidence}

    def _judge(self, item: Evidence, read: Read, percent: float | None) -> Judged:
        """By what was counted. Where it is not certain that what has no series is 0, nothing passes."""
        found, tests = read.counted[item.guardrail], len(self._plan.phases) * len(self._plan.evidence)
        varies = read.spreads.get(item.guardrail, Spread())
        course = Course(read.at, varies, percent, tests, read.seconds, found.missing)
        judged = judge(item, found.slices, self._rules.get(item.guardrail), course)
        if not found.doubt or judged.verdict is Verdict.BREACH:
            return judged
        return replace(judged, verdict=Verdict.INCONCLUSIVE, more=None, caveat="", why=found.doubt)

    def _read_revision(self) -> str:
        if not (self._plan.revision_expr and self._plan.revision_label):
            return ""
        rows = self._source.rows(self._plan.revision_expr)
        names = {safe(row.labels.get(self._plan.revision_label, ""), 100) for row in rows}
        return names.pop() if len(names) == 1 else ""

    def _read_bake(self, since: datetime) -> Read:
        """The counts of the bake. Minutes that hold no two samples hold nothing: then longer slices are tried, for
        either path that they tell more of."""
        now, ticks = self._clock.now(), self._clock.monotonic()
        known = self._read if self._read is not None and self._read.since == since else None
        seconds = known.seconds if known is not None else MINUTE
        slots, answers = self._ask(since, now, seconds)
        gone = fallen(self._plan, answers, ABSENT) if seconds == MINUTE and slots >= ABSENT else frozenset()
        alive = self._alive(gone, now) if gone else frozenset()
        unseen = rare(self._plan, answers) - (gone - alive if self._seen(answers) else frozenset())
        if seconds == MINUTE and slots >= UNSEEN and unseen:
            longer, others = self._ask(since, now, SLOW)
            if longer and unseen - rare(self._plan, others):
                seconds, slots, answers, alive, self._before = SLOW, longer, others, frozenset(), None
        self._saw(answers)
        spreads = self._spreads(since, seconds)  # the day before tells what was ever seen, too
        found = {
            item.guardrail: counted(item, answers, slots, self._ever[item.guardrail], alive)
            for item in self._plan.evidence
        }
        return Read(since, found, seconds, now, spreads, ticks)

    def _alive(self, gone: frozenset[str], now: datetime) -> frozenset[str]:
        """Those of the totals of which the last slices hold nothing, that were counted over these slices as one: their
        samples lie further apart than a slice is long. What has ended has none in either."""
        seconds = self._source.skew_seconds - LATE
        last = datetime.fromtimestamp(math.floor((now.timestamp() + seconds) / MINUTE) * MINUTE, UTC)
        asked = [query for query in count_queries(self._plan) if query.name in gone]
        answers = self._source.read_range(asked, last, last, ABSENT * MINUTE)
        return frozenset(name for name, series in answers.items() if any(finite(series, 1)))

    def _saw(self, answers: Mapping[str, Series]) -> None:
        for guardrail, parts in seen(self._plan, answers).items():
            self._ever[guardrail] |= parts

    def _spreads(self, since: datetime, seconds: int) -> Mapping[str, Spread]:
        """How much the shares vary by themselves, by the day before the bake."""
        if self._before is not None and self._before[0] == since:
            return self._before[1]
        if self._clock.now() < self._before_due:
            return {}
        self._before_due = self._clock.now() + BEFORE_AGAIN
        try:
            slots, answers = self._ask(since - timedelta(seconds=LONGEST), since, seconds, late=0.0)
        except SourceError:
            return {}
        self._saw(answers)
        found: dict[str, Spread] = {}
        for item in self._plan.evidence:
            past = counted(item, answers, slots, self._ever[item.guardrail]).slices
            found[item.guardrail] = spread([[one.legacy for one in past], [one.new for one in past]])
        self._before, self._before_due = (since, found), datetime.min.replace(tzinfo=UTC)
        return found

    def _ask(
        self, begin: datetime, end: datetime, seconds: int, late: float = LATE
    ) -> tuple[int, Mapping[str, Series]]:
        """How many whole slices lie between two instants of our clock, at most a day of them, and what was counted in
        each. A sample at an instant is of the slice that ends there."""
        ahead = self._source.skew_seconds
        last = math.floor((end.timestamp() + ahead - late) / seconds) * seconds
        first = max(math.ceil((begin.timestamp() + ahead) / seconds) * seconds, last - LONGEST) + seconds
        if last < first:
            return 0, {}
        start, stop = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
        return (last - first) // seconds + 1, self._source.read_range(count_queries(self._plan), start, stop, seconds)

    def _seen(self, answers: Mapping[str, Series]) -> bool:
        """Whether anything was counted at all, on either path."""
        return any(part in TOTALS for parts in seen(self._plan, answers).values() for part in parts)


def _bake(progress: Progress) -> datetime | None:
    """Since when the present phase bakes, by the record; None: none does."""
    return progress.record.bake_since if progress.record.percent else None


def _past(item: Guardrail, number: float | None, samples: float | None) -> Guardrail:
    """A guardrail as it was."""
    return replace(item, value=_was(number), samples=_was(samples) if item.samples is not None else None)


def _was(number: float | None) -> Reading[float]:
    return missing(ReadingState.NO_DATA, "") if number is None else Reading(ReadingState.OK, number)
