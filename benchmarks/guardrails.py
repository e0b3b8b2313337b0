"""How often the guardrails call a rollout a breach that is none, find one that is, and come to an end.

A/A: both paths are the same, over 5 phases of 30 minutes, looked at every minute, three guardrails with counts. A
threefold error rate: found within the bake, or else, what is said of it, and whether what the console says it needs is
true; and how often the best of all tests could find it. The truths are nothing that the rules assume: rates that wander
(AR(1), logarithmic), come in heavy-tailed bursts, have two levels, or drift over the day; on both paths together, or on
each by itself. Counts are binomial. The seeds are fixed.

Passes: how often one bake passes at its end, by how far the rate in the long run is from the limit; how often one
whose own share was at the limit or above; what would be left where a pass had to hold in the long run, too; and how
often the bound that is said of the long run is below the truth.

    python -m benchmarks.guardrails [RUNS] [PART] [FIRST SEED] [REQUESTS A SECOND]

where PART is aa-0.3, aa-0.7, threefold, told, possible or passes.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

import numpy as np
from scipy.signal import lfilter

from console.model import judge as judging
from console.model.bake import FALSE_ROLLBACKS, Course, Slice, summed
from console.model.interval import wilson
from console.model.judge import judge
from console.model.rollout_plan import Evidence
from console.model.sequential import spread
from console.model.verdict import Counts, Speed, Verdict

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
PART = sys.argv[2] if len(sys.argv) > 2 else ""
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 0
REQUESTS = (int(sys.argv[4]),) if len(sys.argv) > 4 else (10, 100, 1000)
PHASES, BAKE, HISTORY, FARTHER = (5, 25, 50, 75, 100), 30, 24 * 60, 24 * 60
EVIDENCE = (
    Evidence("errors", "", "", limit=0.01, fast=0.05),
    Evidence("p99", "", "", limit=0.01, fast_bad="x", fast=0.01),
    Evidence("undelivered", "", "", limit=0.05),
)
TESTS = len(PHASES) * len(EVIDENCE)
CLEAR = 1.5
"""The bake's own mean rate is clear when it is so many times the limit: a rate that wanders may be within it."""
SLOWEST = 0.2
"""Of the requests that are slower than 300 ms, so many are slower than 500."""
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def ar1(phi, spread=0.6):
    def wander(chance, length):
        noise = chance.normal(0.0, spread * np.sqrt(1 - phi * phi), length + 200)
        return np.exp(lfilter([1.0], [1.0, -phi], noise)[200:] - spread * spread / 2)

    return wander


def bursts(chance, length):
    """Once in two hours, for three minutes on average, Pareto (alpha 1.5) times as many, at most 30."""
    rate, at = np.ones(length), 0.0
    while (at := at + chance.exponential(120)) < length:
        last = int(at + 1 + chance.exponential(3))
        rate[int(at) : last] = min(30.0, 1 + chance.pareto(1.5) * 2)
    return rate / 1.1


def bimodal(chance, length):
    """Two levels, the upper one three times the lower, for 10 of 50 minutes on average."""
    rate, at, high = np.empty(length), 0, False
    while at < length:
        last = at + 1 + int(chance.exponential(10 if high else 40))
        rate[at:last], at, high = 2.14 if high else 0.714, last, not high
    return rate


def drift(chance, length):
    """A day's wave of 50 %, and iid noise."""
    day = np.sin(2 * np.pi * (np.arange(length) / 1440 + chance.random()))
    return (1 + 0.5 * day) * chance.lognormal(-0.045, 0.3, length)


TRUTHS = {
    "steady": lambda chance, length: np.ones(length),
    "AR(1) 0.5": ar1(0.5),
    "AR(1) 0.8": ar1(0.8),
    "AR(1) 0.9": ar1(0.9),
    "heavy-tailed bursts": bursts,
    "bimodal": bimodal,
    "drifting": drift,
}


def traffic(chance, requests, length):
    wave = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(length) / 1440 + chance.random()))
    return chance.poisson(60 * requests * wave)


def counted(chance, base, wander, total):
    return chance.binomial(total, np.minimum(1.0, base * wander))


@contextmanager
def verdicts_alone(alone):
    """What is shown beside a verdict takes most of the time: it is left out where nobody looks at it."""
    if not alone:
        yield
        return
    shown = {"needed": lambda *_, **__: None, "lowest": lambda *_: 0.0, "highest": lambda *_: 1.0}
    with mock.patch.multiple(judging, **shown):
        yield


class Trace:
    """One guardrail over a rollout: a day before it, and its bakes one after the other."""

    def __init__(self, chance, evidence, truth, common, base, requests, shares, bake=BAKE, worse=1.0):
        begin = HISTORY
        length = begin + bake * len(shares)
        total = traffic(chance, requests, length)
        share = np.concatenate([np.zeros(begin), np.repeat(np.array(shares) / 100, bake)])
        new = chance.binomial(total, share)
        legacy = total - new
        wander = truth(chance, length)
        own = wander if common else truth(chance, length)
        self.rate, self.requests = base * worse * own, new
        bad = counted(chance, base * worse, own, new)
        beside = counted(chance, base, wander, legacy)
        fast = chance.binomial(bad, SLOWEST) if evidence.fast_bad else None
        self.slices = [
            Slice(
                Counts(float(bad[at]), float(new[at])),
                Counts(float(beside[at]), float(legacy[at])),
                None if fast is None else float(fast[at]),
            )
            for at in range(length)
        ]
        self.evidence, self.begin, self.bake = evidence, begin, bake

    def before(self, begin):
        past = self.slices[max(0, begin - HISTORY) : begin]
        return spread([[item.legacy for item in past], [item.new for item in past]])

    def phase(self, number, percent, looks=BAKE):
        """What is judged at every look of a phase."""
        begin = self.begin + number * self.bake
        course = Course(NOW, self.before(begin), percent, TESTS)
        for look in range(1, looks + 1):
            with verdicts_alone(look != BAKE):
                yield judge(self.evidence, self.slices[begin : begin + look], None, course)

    def ends(self, percent, wanted):
        """Whether it is conclusive after so many more minutes, or was before; beyond an hour it is looked at now and
        then alone."""
        course, at = Course(NOW, self.before(self.begin), percent, TESTS), 1
        while at <= wanted:
            with verdicts_alone(True):
                bake = self.slices[self.begin : self.begin + BAKE + at]
                if judge(self.evidence, bake, None, course).verdict is not Verdict.INCONCLUSIVE:
                    return True
            at = at + 1 if at < 60 or at == wanted else min(wanted, at + at // 10)
        return False

    def truly_fast(self, number, look):
        """Whether the rate itself was above the fast limit at a look."""
        at = self.begin + number * self.bake + look - 1
        part = SLOWEST if self.evidence.fast_bad else 1.0
        return self.evidence.fast is not None and self.rate[at] * part > self.evidence.fast


def share_of(count, runs):
    low, high = wilson(count, runs)
    return f"{100 * count / runs:5.1f} % ({100 * low:.0f} to {100 * high:.0f})"


def kinds():
    """The truths, each on both paths together and on each by itself; where nothing wanders, both are the same."""
    for name, truth in TRUTHS.items():
        yield name, truth, True
        if name != "steady":
            yield name, truth, False


def number_of(name):
    """Each truth has seeds of its own."""
    return list(TRUTHS).index(name)


def without_a_difference(base):
    print(f"A/A, a rollout of {len(PHASES)} phases of {BAKE} min, {len(EVIDENCE)} guardrails, {RUNS} rollouts each")
    print(f"the rate is {base} of the limit. false rollback: a breach in any phase (95 %, Wilson). fast: rollouts with")
    print("no other breach than minutes whose own rate was above the fast limit. PASS: of all phases and guardrails")
    for requests in REQUESTS:
        wrong = Counter()
        for name, truth, common in kinds():
            wrong[common] += aa(base, requests, name, truth, common)
        for common, runs in ((True, len(TRUTHS) * RUNS), (False, (len(TRUTHS) - 1) * RUNS)):
            words = "on both paths together" if common else "on each path by itself"
            print(f"  {requests:5} /s  all truths {words}: false rollback {share_of(wrong[common], runs)}")


def aa(base, requests, name, truth, common):
    false, fast, ends, whys = 0, 0, Counter(), Counter()
    for run in range(RUNS):
        chance = np.random.default_rng([SEED + run, requests, int(100 * base), common, number_of(name)])
        found = set()
        for evidence in EVIDENCE:
            trace = Trace(chance, evidence, truth, common, base * evidence.limit, requests, PHASES)
            for number, percent in enumerate(PHASES):
                last = None
                for look, last in enumerate(trace.phase(number, percent), 1):
                    if last.verdict is Verdict.BREACH:
                        real = last.speed is Speed.FAST and trace.truly_fast(number, look)
                        found.add("true" if real else "false")
                        whys[f"{evidence.guardrail} {last.speed} at {percent} %"] += not real
                        break
                ends[last.verdict] += 1
        false += "false" in found
        fast += found == {"true"}
    where = f"{requests:5} /s  {name:20} {'common' if common else 'own':7}"
    told = ", ".join(f"{count} {why}" for why, count in whys.items() if count)
    ended = f"PASS {100 * ends[Verdict.PASS] / sum(ends.values()):3.0f} %"
    print(f"  {where} false rollback {share_of(false, RUNS):18} fast {fast:2}  {ended}  {told}", flush=True)
    return false


POINTS = ((10, 5), (10, 25), (100, 25))
"""Requests a second, and the percent of them on the new path."""


def told():
    """Is what is said to be needed true, where it is nothing as clear as a threefold rate?"""
    for times in (0.3, 0.7, 1.3):
        threefold(times / 0.7, ((10, 25),))


def threefold(times=3.0, points=POINTS):
    print(
        f"\n{times:.3g} times the error rate (0.7 % -> {0.7 * times:.2g} %, limit 1 %), {BAKE} min, {RUNS} bakes each"
    )
    print(
        f"the clear ones: bakes whose own mean rate was above {CLEAR} times the limit. of those not found: what is said"
    )
    print("at the end of the bake. true: conclusive by when it is said to be (95 %, Wilson)")
    print("WRONG PASS: of a bake whose own share was at the limit or above; a pass of the others is true of its bake")
    for requests, percent in points:
        if requests not in REQUESTS:
            continue
        sums = {True: Counter(), False: Counter()}
        for name, truth, common in kinds():
            one = regression(requests, percent, name, truth, common, times)
            tell_found(f"{requests:5} /s at {percent:3} %  {name:20} {'common' if common else 'own':7}", one)
            sums[common] += one
        for common, whole in sums.items():
            words = "all truths, on both paths" if common else "all truths, each by itself"
            tell_found(f"{requests:5} /s at {percent:3} %  {words:28}", whole)


def regression(requests, percent, name, truth, common, times):
    one = Counter(runs=RUNS)
    for run in range(RUNS):
        chance = np.random.default_rng([SEED + run, requests, percent, common, number_of(name), 3])
        evidence = EVIDENCE[0]
        trace = Trace(chance, evidence, truth, common, 0.007, requests, (percent,), BAKE + FARTHER, times)
        bake = slice(trace.begin, trace.begin + BAKE)
        clear = trace.rate[bake].mean() > CLEAR * evidence.limit
        over = np.average(trace.rate[bake], weights=trace.requests[bake]) >= evidence.limit
        one["clear"] += clear
        last = None
        for last in trace.phase(0, percent):
            if last.verdict is Verdict.BREACH:
                break
        if last.verdict is Verdict.BREACH:
            said = "found"
        elif last.verdict is Verdict.PASS:
            said = "passed"
            one["wrong pass"] += over
        elif last.more is None:
            said = "no end"
        else:
            said = "needs"
            wanted = int(last.more / timedelta(minutes=1))
            ends = trace.ends(percent, wanted)
            one["ends"] += ends
            one["clear ends"] += ends and clear
        one[said] += 1
        one[f"clear {said}"] += clear
    return one


def tell_found(where, one):
    left = one["clear"] - one["clear found"]
    needs = f"needs so much {one['needs']:3}, true {share_of(one['ends'], one['needs'])}" if one["needs"] else ""
    print(
        f"  {where} found {share_of(one['found'], one['runs']):20}"
        f" of the clear ones {share_of(one['clear found'], max(1, one['clear'])):20} of {one['clear']:4};"
        f" of the {left:3} others: passed {one['clear passed']}, no end told {one['clear no end']},"
        f" needs so much {one['clear needs']}, true {one['clear ends']}"
        f" | of all: passed {one['passed']}, WRONG PASS {one['wrong pass']}, no end told {one['no end']}, {needs}",
        flush=True,
    )


def possible():
    """How often any test could find it. The best one (Neyman, Pearson) of a rate that wanders, AR(1), knows its law and
    what is usual, and sees the rates themselves, without the chance of counts; of the clear bakes alone, it calls none
    of the others a breach. Of the mean of a bake: one that knows how such means are distributed."""
    level, times, runs = FALSE_ROLLBACKS / TESTS, 3.0, 200_000
    print(f"\nWhat is possible, for each path by itself: {100 * level:.2g} % of the A/A bakes are called a breach")
    for name, truth in TRUTHS.items():
        chance = np.random.default_rng([SEED, number_of(name), 9])
        long = truth(chance, runs * BAKE // 10).reshape(-1, BAKE)
        beside = truth(chance, runs * BAKE // 10).reshape(-1, BAKE)
        mean, other = long.mean(1), beside.mean(1)
        clear = times * mean * 0.7 > CLEAR
        most, ratio = np.quantile(mean, 1 - level), np.quantile(mean / other, 1 - level)
        spans = f"log mean sd {np.std(np.log(mean)):.2f}, A/A quantile x{most:.2f}, of both paths' ratio x{ratio:.2f}"
        found = f"by the mean {100 * (times * mean > most)[clear].mean():3.0f} %"
        found += f", by the ratio {100 * (times * mean / other > ratio)[clear].mean():3.0f} %"
        if name.startswith("AR(1)"):
            found += (
                f", by the best of all tests {100 * best(float(name.split()[1]), level, times, chance, runs):3.0f} %"
            )
        print(f"  {name:20} {spans}; of the clear ones: {found}", flush=True)


def best(phi, level, times, chance, runs, spread=0.6):
    """The power of the likelihood ratio of a shift of the logarithms, of the clear bakes."""
    noise = chance.normal(0.0, spread * np.sqrt(1 - phi * phi), (runs, BAKE))
    noise[:, 0] = chance.normal(0.0, spread, runs)
    logs = lfilter([1.0], [1.0, -phi], noise, axis=1)
    # 1' S^-1 y of an AR(1), but for a factor: the first and the last count in full, those between less.
    ratio = logs[:, 0] + logs[:, -1] + (1 - phi) * logs[:, 1:-1].sum(1)
    shift = np.log(times) * (2 + (1 - phi) * (BAKE - 2))
    mean = np.exp(logs - spread * spread / 2).mean(1)
    usual, worse = mean * 0.7 > CLEAR, times * mean * 0.7 > CLEAR
    most = np.sort(np.where(usual, ratio, -np.inf))[-max(1, int(level * runs))]
    return (ratio[worse] + shift > most).mean()


def passes():
    print(f"\nOne bake of {BAKE} min at 25 %, {RUNS} each: passes at its end")
    print("of these: bakes whose own share was at the limit or above, and how many of them passed")
    print("long run: would pass where the bound of the long run had to be below the limit, too")
    print("beyond: the rate in the long run was above the bound that is said of it (95 %)")
    for requests in (10, 100):
        if requests not in REQUESTS:
            continue
        for base in (0.3, 0.5, 0.7, 1.0, 1.3):
            told = Counter()
            for number, (name, truth, common) in enumerate(kinds()):
                one = Counter()
                for run in range(RUNS):
                    chance = np.random.default_rng([SEED + run, requests, number, int(100 * base), 7])
                    one += baked(base, requests, chance, truth, common)
                tell(f"{name:20} {'common' if common else 'own':7}", requests, base, one)
                told += one
            tell(f"{'all truths':28}", requests, base, told)


def baked(base, requests, chance, truth, common):
    evidence = EVIDENCE[0]
    trace = Trace(chance, evidence, truth, common, base * evidence.limit, requests, (25,))
    course = Course(NOW, trace.before(trace.begin), 25, TESTS)
    slices = trace.slices[trace.begin :]
    passed = judge(evidence, slices, None, course).verdict is Verdict.PASS
    most = judging._long_run(evidence, slices, summed([item.new for item in slices]), course)
    own = np.average(trace.rate[trace.begin :], weights=trace.requests[trace.begin :]) >= evidence.limit
    return Counter(
        runs=1,
        passed=passed,
        over=own,
        wrong=own and passed,
        long_run=passed and most < evidence.limit,
        beyond=most < base * evidence.limit,
    )


def tell(where, requests, base, one):
    runs = one["runs"]
    print(
        f"  {requests:4} /s  {base} of the limit  {where} passed {100 * one['passed'] / runs:3.0f} %"
        f"  of these {one['wrong']} of {one['over']:3}  long run {100 * one['long_run'] / runs:3.0f} %"
        f"  beyond {100 * one['beyond'] / runs:4.1f} %",
        flush=True,
    )


if __name__ == "__main__":
    began = time.perf_counter()
    for base in (0.3, 0.7):
        if PART in ("", f"aa-{base}"):
            without_a_difference(base)
    if PART in ("", "threefold"):
        threefold()
    if PART in ("", "told"):
        told()
    if PART in ("", "possible"):
        possible()
    if PART in ("", "passes"):
        passes()
    print(f"\n{time.perf_counter() - began:.0f} s")
