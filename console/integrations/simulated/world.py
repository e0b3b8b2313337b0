"""A service that exists only in the console: the lighthouse of the demo and of the drills.

The story: the rollout has stood at 25 % for twenty minutes. About a minute after the start the new path becomes slow,
within half a minute its P99 is near 620 ms, and a little later 2 to 3 % of the requests fail. It heals when the flag is
set to 0 %, and in-flight requests of the new path drain.

Everything is a pure function of the seed, the instant and the flag's actions.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from console.integrations.simulated.curves import Curve, diurnal, noise
from console.integrations.simulated.silences import Book
from console.model.alert import Matcher
from console.model.board import Target
from console.model.rollout import RolloutPlan
from console.model.silence import Silence
from console.model.slo import Objective
from console.model.value import value
from console.ports import Clock, SourceError
from console.settings.config import Component

IN_PHASE = timedelta(minutes=20)
"""How long the phase at the start has lasted then."""

BREAKABLE = ("prometheus", "alertmanager", "health", "flags", "programs", "watchdog")
FLAG_DELAY_SECONDS = 2.0
START_PERCENT = 25.0
SCRAPE_SECONDS = 15
ERRORS_LAG_SECONDS = 20.0
"""How much later than its latency the new path's errors come and go."""

_REQUESTS_PER_SECOND = 90.0
_CALM_P99_MS, _SICK_P99_MS = 185.0, 435.0
_CALM_ERRORS, _SICK_ERRORS = 0.0003, 0.024
_CALM_SLOW, _SICK_SLOW = 0.003, 0.12
_CALM_VERY_SLOW, _SICK_VERY_SLOW = 0.0004, 0.03
_HOLD_SECONDS = 6.0
_HOUR_MINUTES = 60
_LONG_AGO = -7200.0
"""Blips of the past end here, so that they do not blur the story."""
_LONGER_AGO = -86_400.0
"""Before this the noise is one of hours and not of minutes: weeks of history cost next to nothing."""


@value
class Outage:
    """A source or component that does not answer from `begin` to `end`, seconds since the start."""

    begin: float
    end: float


class World:
    """The simulated service. Thread-safe; every method may be asked about any instant, in any order."""

    def __init__(
        self,
        clock: Clock,
        seed: int,
        plan: RolloutPlan,
        objectives: Sequence[Objective],
        components: Sequence[Component],
        start: datetime,
        *,
        target: Target | None = None,
    ) -> None:
        self.clock = clock
        self.seed = seed
        self.plan = plan
        self.objectives = tuple(objectives)
        self.components = tuple(components)
        self.start = start.astimezone(UTC)
        self.target = target or Target(objectives[0].service if objectives else plan.name, "demo", False)
        self.onset = 60.0 + 10.0 * noise(seed, "onset", 0)
        """When the new path becomes slow, seconds since the start."""
        self.silences = Book(seed)
        """What is silenced; from the start, what somebody takes care of already."""
        self.silences.add(
            Silence(
                (Matcher("alertname", "=", "CertificateExpiresSoon"),),
                self.start - timedelta(days=2),
                self.start + timedelta(days=12),
                "Ada Example",
                "renewal is planned",
            )
        )
        self._epoch = self.start.timestamp()
        self._lock = threading.Lock()
        self._history = self._earlier_phases()
        self._actions: list[tuple[float, float]] = []
        self._outages: dict[str, list[Outage]] = {}
        self._sums: dict[tuple[str, int, int], float] = {}
        self._hours: dict[tuple[str, int], float] = {}
        self._fine_since = math.floor((self._epoch + _LONGER_AGO) / 3600) * 3600 - self._epoch
        self._follow_flag()

    def _earlier_phases(self) -> list[tuple[float, float]]:
        reached = [phase for phase in self.plan.phases if phase < START_PERCENT] + [START_PERCENT]
        since, steps = -IN_PHASE.total_seconds(), []
        for phase in reversed(reached):
            steps.append((since, phase))
            since -= self.plan.bake.total_seconds() + 900.0
        return steps[::-1]

    def _follow_flag(self) -> None:
        """Rebuilds what depends on the flag. Called with every action, under the lock."""
        self.steps = [*self._history, *self._actions]
        """(seconds since the start, percent) of every change of the share, in order."""
        onset = (self.onset, self.percent(self.onset))
        later = [step for step in self.steps if step[0] > self.onset]
        strain = [(at, min(1.5, percent / START_PERCENT)) for at, percent in (onset, *later)]
        self.sickness = Curve.following(strain, rate=1 / 30, tau=20.0)
        """0 when all is well, 1 at the height of the regression."""
        shares = [(at, percent / 100.0) for at, percent in self.steps]
        self._drained = Curve.following(shares, tau=18.0)
        self._sums.clear()

    # --- what is done to it ---

    def seconds(self, when: datetime) -> float:
        """An instant as seconds since the start."""
        return (when - self.start).total_seconds()

    def instant(self, seconds: float) -> datetime:
        """Seconds since the start as an instant."""
        return self.start + timedelta(seconds=seconds)

    @property
    def set_to(self) -> float:
        """The share that was set last, be it in effect yet or not."""
        with self._lock:
            return self._actions[-1][1] if self._actions else self.percent(self.seconds(self.clock.now()))

    def set_percent(self, percent: float) -> datetime:
        """Sets the share of traffic on the new path, now. The instant at which that takes effect."""
        with self._lock:
            effective = self.seconds(self.clock.now()) + FLAG_DELAY_SECONDS
            if self._actions:
                effective = max(effective, self._actions[-1][0])
            self._actions.append((effective, percent))
            self._follow_flag()
        return self.instant(effective)

    def break_source(self, name: str, after: timedelta = timedelta(0), for_: timedelta | None = None) -> None:
        """Lets a source not answer, from `after` the start on, for a time or for good.

        `name` is "prometheus", "alertmanager", "health", "flags", "programs", a component, which is down then, or
        "watchdog", the always-firing alert, which is missing then. Raises ValueError for any other name.
        """
        known = [*BREAKABLE, *(item.name for item in self.components)]
        if name not in known:
            raise ValueError(f"{name!r} cannot be broken; expected one of {', '.join(known)}")
        begin = after.total_seconds()
        outage = Outage(begin, math.inf if for_ is None else begin + for_.total_seconds())
        self._outages.setdefault(name, []).append(outage)

    def mend(self, name: str) -> None:
        """Ends, now, what `break_source` did to a source or component."""
        now = self.seconds(self.clock.now())
        self._outages[name] = [
            Outage(item.begin, min(item.end, now)) for item in self._outages.get(name, ()) if item.begin < now
        ]

    def broken(self, name: str, when: datetime) -> bool:
        """Whether a source or component does not answer at an instant."""
        at = self.seconds(when)
        return any(outage.begin <= at < outage.end for outage in self._outages.get(name, ()))

    def answer(self, name: str) -> datetime:
        """The instant of an answer by a source, which is now. Raises SourceError while it is broken."""
        now = self.clock.now()
        if self.broken(name, now):
            raise SourceError(f"simulated {name} does not answer: it was broken on purpose")
        return now

    # --- how it is at an instant (seconds since the start) ---

    def percent(self, at: float) -> float:
        """The share of traffic on the new path, in percent."""
        return next((percent for begin, percent in reversed(self.steps) if at >= begin), 0.0)

    def phase_since(self, at: float) -> float | None:
        """When the present share was set; None before the rollout."""
        begun = [begin for begin, _ in self.steps if at >= begin]
        return begun[-1] if begun else None

    def p99_ms(self, at: float) -> float:
        """The 99th percentile of response times in milliseconds."""
        if at < self._fine_since:
            hour, slot = divmod(math.floor((self._epoch + at) / 300), 12)
            drawn = noise(self.seed, "p99", hour) * 400  # below 12: this twelfth of the hour had a blip
            return (_CALM_P99_MS + (150.0 if math.floor(drawn) == slot else 0.0)) * (0.97 + 0.06 * (drawn / 400))
        slot = math.floor(at / SCRAPE_SECONDS)
        jitter = 1.0 + 0.06 * (noise(self.seed, "p99", slot) - 0.5)
        rare = math.floor(at / 300)
        blip = 150.0 if at < _LONG_AGO and noise(self.seed, "p99 blip", rare) < 1 / 400 else 0.0
        return (_CALM_P99_MS + blip + _SICK_P99_MS * self.sickness.value(at)) * jitter

    def error_share(self, at: float) -> float:
        """The share of requests that fail, 0 to 1."""
        if at < self._fine_since:
            return self._calm_errors(math.floor((self._epoch + at) / 3600) * _HOUR_MINUTES)
        return self._calm_errors(self._minute(at)) + _SICK_ERRORS * self.sickness.value(at - ERRORS_LAG_SECONDS)

    def sickness_at_p99(self, milliseconds: float) -> float:
        """The sickness at which the P99, without its jitter, is this high."""
        return (milliseconds - _CALM_P99_MS) / _SICK_P99_MS

    def sickness_at_errors(self, share: float) -> float:
        """The sickness at which, after the lag, about this share of the requests fails."""
        return (share - _CALM_ERRORS) / _SICK_ERRORS

    def requests_per_second(self, at: float) -> float:
        """The traffic of both paths."""
        return self._rate(self._minute(at))

    def in_flight(self, at: float, *, legacy: bool = False) -> int:
        """Requests that wait for an answer on the new or the legacy path. Falls steadily once the flag is at 0 %."""
        share = self._drained.value(at)
        load = _REQUESTS_PER_SECOND * diurnal(self._epoch + at) * _HOLD_SECONDS
        if legacy:
            return round(load * (1.0 - share))
        return math.floor(load * share * (1.0 + 2.0 * self.sickness.value(at)) + 0.25)

    def probe_ok(self, at: float, slice_seconds: int) -> bool:
        """Whether the probes of the slice around an instant all succeeded."""
        if at > _LONG_AGO:
            return True
        slot = math.floor((self._epoch + at) / slice_seconds)
        if at >= self._fine_since:
            return noise(self.seed, f"slice {slice_seconds}", slot) >= 1 / 6000
        slots = max(1, 3600 // slice_seconds)
        drawn = noise(self.seed, "slice", slot // slots) * 6000  # below `slots`: this one of the hour is bad
        return math.floor(drawn) != slot % slots

    def by_twelfths(self, judge: Callable[[float], bool]) -> Callable[[float], bool]:
        """The same, asked once for each twelfth of an hour long ago, within which nothing changes."""
        known: dict[float, bool] = {}

        def judged(at: float) -> bool:
            if at >= self._fine_since:
                return judge(at)
            twelfth = (self._epoch + at) // 300
            found = known.get(twelfth)
            if found is None:
                found = known[twelfth] = judge(at)
            return found

        return judged

    # --- what it counted (increases over [begin, end], seconds since the start) ---

    def requests(self, begin: float, end: float) -> float:
        """Requests."""
        return self._count("requests", begin, end)

    def errors(self, begin: float, end: float) -> float:
        """Failed requests."""
        return self._count("errors", begin, end)

    def slow_requests(self, begin: float, end: float) -> float:
        """Requests that took longer than 300 ms."""
        return self._count("slow", begin, end)

    def very_slow_requests(self, begin: float, end: float) -> float:
        """Requests that took longer than 500 ms."""
        return self._count("very slow", begin, end)

    def without_regression(self, name: str, begin: float, end: float) -> float:
        """What it would have counted as "errors", "slow" or "very slow" without the regression."""
        return self._count(f"calm {name}", begin, end)

    def probes(self, begin: float, end: float) -> float:
        """Probes of all components."""
        return self._count("probes", begin, end)

    def failed_probes(self, begin: float, end: float) -> float:
        """Probes without a good answer."""
        return self._count("failed probes", begin, end)

    def _count(self, name: str, begin: float, end: float) -> float:
        """Whole hours and minutes (in unix time) are counted once and kept."""
        if end <= begin:
            return 0.0
        if end <= self._fine_since and end - begin <= 300.0:
            hour = (self._epoch + begin) // 3600
            if self._epoch + end <= (hour + 1) * 3600:
                return self._per_second(name, int(hour)) * (end - begin)
        if begin < self._fine_since:
            long_ago = self._count_hours(name, begin, min(end, self._fine_since))
            return long_ago + self._count(name, self._fine_since, end)
        first, last = self._minute(begin), self._minute(end)
        if first == last:
            return self._in_minute(name, first, begin, end)
        total = self._in_minute(name, first, begin, self._minute_start(first + 1))
        minute = first + 1
        while minute < last:
            if minute % _HOUR_MINUTES == 0 and minute + _HOUR_MINUTES <= last:
                total += self._whole(name, minute, _HOUR_MINUTES)
                minute += _HOUR_MINUTES
            else:
                total += self._whole(name, minute, 1)
                minute += 1
        return total + self._in_minute(name, last, self._minute_start(last), end)

    def _count_hours(self, name: str, begin: float, end: float) -> float:
        total, hour = 0.0, math.floor((self._epoch + begin) / 3600)
        while begin < end:
            stop = min(end, (hour + 1) * 3600 - self._epoch)
            total += self._per_second(name, hour) * (stop - begin)
            begin, hour = stop, hour + 1
        return total

    def _per_second(self, name: str, hour: int) -> float:
        """What was counted in a second of an hour long ago."""
        found = self._hours.get((name, hour))
        if found is None:
            first = hour * _HOUR_MINUTES
            match name:
                case "requests":
                    found = self._rate(first)
                case "errors" | "calm errors":
                    found = self._rate(first) * self._calm_errors(first)
                case "slow" | "calm slow":
                    found = self._rate(first) * self._calm_slow(first)
                case "very slow" | "calm very slow":
                    found = self._rate(first) * _CALM_VERY_SLOW
                case "probes":
                    found = max(1, len(self.components)) / SCRAPE_SECONDS
                case _:
                    found = 1 / 3600 if noise(self.seed, "probe", first) < _HOUR_MINUTES / 800 else 0.0
            self._hours[name, hour] = found
        return found

    def _whole(self, name: str, first_minute: int, minutes: int) -> float:
        key = (name, first_minute, minutes)
        with self._lock:
            found = self._sums.get(key)
            if found is None:
                begins = [self._minute_start(minute) for minute in range(first_minute, first_minute + minutes + 1)]
                counted = (
                    self._in_minute(name, first_minute + index, begin, end)
                    for index, (begin, end) in enumerate(pairwise(begins))
                )
                found = self._sums[key] = sum(counted)
        return found

    def _in_minute(self, name: str, minute: int, begin: float, end: float) -> float:
        span = end - begin
        match name:
            case "requests":
                return self._rate(minute) * span
            case "errors":
                lag = ERRORS_LAG_SECONDS
                sick = _SICK_ERRORS * self.sickness.integral(begin - lag, end - lag)
                return self._rate(minute) * (self._calm_errors(minute) * span + sick)
            case "slow":
                sick = _SICK_SLOW * self.sickness.integral(begin, end)
                return self._rate(minute) * (self._calm_slow(minute) * span + sick)
            case "very slow":
                sick = _SICK_VERY_SLOW * self.sickness.integral(begin, end)
                return self._rate(minute) * (_CALM_VERY_SLOW * span + sick)
            case "calm errors":
                return self._rate(minute) * self._calm_errors(minute) * span
            case "calm slow":
                return self._rate(minute) * self._calm_slow(minute) * span
            case "calm very slow":
                return self._rate(minute) * _CALM_VERY_SLOW * span
            case "probes":
                return max(1, len(self.components)) * span / SCRAPE_SECONDS
            case _:
                calm = self._minute_start(minute) > _LONG_AGO
                failed = not calm and noise(self.seed, "probe", minute) < 1 / 800
                return span / 60.0 if failed else 0.0

    def _rate(self, minute: int) -> float:
        jitter = 1.0 + 0.1 * (noise(self.seed, "rate", minute) - 0.5)
        return _REQUESTS_PER_SECOND * diurnal(minute * 60.0 + 30.0) * jitter

    def _calm_slow(self, minute: int) -> float:
        return _CALM_SLOW * (0.5 + noise(self.seed, "slow", minute))

    def _calm_errors(self, minute: int) -> float:
        burst = 6.0 if noise(self.seed, "burst", minute) < 1 / 300 else 1.0
        return _CALM_ERRORS * burst * (0.4 + noise(self.seed, "errors", minute))

    def _minute(self, at: float) -> int:
        return math.floor((self._epoch + at) / 60.0)

    def _minute_start(self, minute: int) -> float:
        return minute * 60.0 - self._epoch
