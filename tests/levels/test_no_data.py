"""What there is no evidence for never shows OK: one table of worlds in which something is missing.

Each case is a server that acts a world (`scripted`), and a whole console on it (`site`): the real HTTP source, engine,
slices, Board and views. What PromQL itself makes of missing series is in `test_real_prometheus.py`. For every case the
gauge must not be OK anywhere, and unless the case says that a guardrail or the traffic's share are well founded in its
world, neither may they.
"""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.engine import level, levels
from console.engine.clocks import SimulatedClock
from console.journal.slices import FILE, SqliteSlices
from console.model import budget
from console.model.guard import Invariant, Limit, PhaseGuard
from console.model.sli import (
    Bucket,
    Part,
    Sli,
    averaged,
    filled,
    of_bool_gauge,
    of_counters,
    of_deltas,
    of_expressions,
    of_ratio,
    of_threshold,
    sliced,
)
from console.model.slices import Slice, Sums, slot
from console.model.window import Calendar, Rolling
from console.ports import SliceStore
from tests import servers
from tests.integrations.fault_server import answer, hang, raw, reset, trickle
from tests.levels.history import broken_worlds
from tests.levels.scripted import GONE, Scripted, Signal, World, error, page
from tests.levels.site import COUNTED, NOW, Plan, Site, look

HOUR, DAYS = 3600.0, 86400.0
HEALTHY = World(
    {
        "all_total": Signal(10.0),
        "bad_total": Signal(0.0001),
        "good_total": Signal(9.999),
        "guard": Signal(value=250.0),
        "share": Signal(value=25.0),
    }
)
GOOD = of_counters("all_total", good="good_total")
PLAN = Plan()
MONTH = Rolling(timedelta(days=30))

Script = Callable[[Site, Scripted], Any]


def every(**change: Any) -> World:
    """The healthy world, with something about all of its series."""
    return HEALTHY.but(signals={name: replace(signal, **change) for name, signal in HEALTHY.signals.items()})


def only(**signals: Signal) -> World:
    """The healthy world, with other signals in the place of these."""
    return HEALTHY.but(signals=signals)


@dataclass(frozen=True)
class Case:
    """`world` is how the server is; `then` are further worlds, each after so many minutes. `word` is the gauge's
    verdict and `note` what its notes must hold. `guard` and `share`: whether these have evidence in this world, and so
    may show what it says."""

    id: str
    what: str
    word: str
    note: str = ""
    world: World = HEALTHY
    then: tuple[tuple[float, World], ...] = ()
    plan: Plan = PLAN
    guard: bool = False
    share: bool = False
    only: str = ""
    timeout: float = 5.0
    script: Script | None = None
    """In place of asking once for each world."""
    real: bool = False
    """Asked of a real Prometheus (`history.broken_worlds`): what matters is what PromQL makes of it."""


def founded(*arguments: Any, **more: Any) -> Case:
    """A case of the gauge alone: what the guardrail and the share rest on is there."""
    return Case(*arguments, guard=True, share=True, **more)


def real(id: str, what: str, word: str, note: str, sli: Sli, *, well: bool = False, **more: Any) -> Case:
    """A case on a real Prometheus, with a guardrail and a share of the same series; `well`: these are founded."""
    query = f"({sli.part}) / ({sli.total})"
    guard = PhaseGuard("p99", "P99", query, timedelta(minutes=5), Limit("<", 500.0)).rule
    plan = Plan(sli, guard=more.pop("guard", guard), share=f"100 * {filled(query, 300)}", **more.pop("plan", {}))
    return Case(id, what, word, note, plan=plan, real=True, guard=well, share=well, **more)


# -- worlds that need more than a line -----------------------------------------------------------------------------


def refuse(word: str, reason: str = "query processing would load too many samples into memory") -> Callable[..., str]:
    return lambda text, ranged: reason if word in text else ""


def refuse_ranges(text: str, ranged: bool) -> str:
    return "exceeded maximum resolution of 11,000 points per timeseries" if ranged else ""


def refuse_instants(text: str, ranged: bool) -> str:
    return "" if ranged else "query timed out in expression evaluation"


def unmarked(body: Any, ranged: bool) -> Any:
    for item in body["data"]["result"]:
        item["metric"] = {}
    return body


def halved(body: Any, ranged: bool) -> Any:
    """A union of which only the first expression is answered."""
    body["data"]["result"] = body["data"]["result"][:1]
    return body


def each_value(change: Callable[[list[Any]], Any], *, ranges: bool = True) -> Callable[[Any, bool], Any]:
    def mangle(body: Any, ranged: bool) -> Any:
        for item in body["data"]["result"]:
            if "value" in item:
                item["value"] = change(item["value"])
            elif ranges:
                item["values"] = [change(pair) for pair in item["values"]]
        return body

    return mangle


def histograms(body: Any, ranged: bool) -> Any:
    for item in body["data"]["result"]:
        item.pop("value", None), item.pop("values", None)
        item["histogram"] = [0, {"count": "1", "sum": "1", "buckets": []}]
    return body


def as_type(kind: str, result: Any = None) -> Callable[[Any, bool], Any]:
    def mangle(body: Any, ranged: bool) -> Any:
        body["data"] = {"resultType": kind, "result": body["data"]["result"] if result is None else result}
        return body

    return mangle


def cut(body: Any, ranged: bool) -> Any:
    return json.dumps(body)[:-7]


def damaged(connection: Any) -> None:
    data = gzip.compress(b"{}" * 1000)[:-9]
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data) + data)


BROKEN_OFF = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + b'{"status":"success","data":{"resultType":"vec')


async def not_asked(site: Site, server: Scripted) -> None:
    """The console stands, and nothing was asked yet."""


async def first_round(site: Site, server: Scripted) -> None:
    await site.round()


async def asleep(site: Site, server: Scripted) -> None:
    await site.ask()
    site.leap(minutes=20)


async def half_an_hour_of_silence(site: Site, server: Scripted) -> None:
    """It answers, and then every minute it does not."""
    await site.ask()
    server.act(HEALTHY.but(all=reset))
    for _ in range(4):
        site.leap(minutes=1)
        await site.ask()


async def groups_that_fail(site: Site, server: Scripted) -> None:
    server.act(HEALTHY.but(refuses=lambda text, ranged: "no" if "group by" in text else ""))
    await site.ask()


BY_AGENT = {"all_total{": ({"agent": "a"}, {"agent": "b"}), "all_total": ({"agent": "a"}, {"agent": "b"})}
A_ALONE = {word: rows[:1] for word, rows in BY_AGENT.items()}
GROUPED = Plan(groups=("agent",))
LATENCY = replace(of_counters("took_count", good='took_bucket{le="0.3"}'), bucket=Bucket("took_bucket", 0.3))
LES = {"took_bucket": tuple({"le": le} for le in ("0.25", "0.5", "+Inf"))}
TOOK = {"took_count": Signal(10.0), 'took_bucket{le="0.25"}': Signal(9.9999), 'took_bucket{le="0.5"}': Signal(9.99999)}
PHASE = PhaseGuard("errors", "Errors", "guard", timedelta(minutes=5), Limit("<", 500), "samples", 100).rule
BERLIN_DAY = Calendar(1, "d", datetime.fromisoformat("2026-01-01T13:00"), "Europe/Berlin")
TWO_WEEKS = 14 * DAYS

CASES = (
    # -- nobody answers
    Case("refused", "nobody listens", "UNREACHABLE", "refuses the connection", HEALTHY.but(stopped=True)),
    Case("timeout", "takes the question and says nothing", "UNREACHABLE", "within", HEALTHY.but(all=hang), timeout=0.2),
    Case("reset", "cuts the connection", "UNREACHABLE", world=HEALTHY.but(all=reset)),
    Case(
        "trickle", "a drop at a time, without end", "UNREACHABLE",
        world=HEALTHY.but(all=trickle(b"HTTP/1.1 200 OK\r\n\r\n", b" ")), timeout=0.2,
    ),
    Case("not-http", "speaks something else", "UNREACHABLE", world=HEALTHY.but(all=raw(b"SSH-2.0-OpenSSH_9.2\r\n"))),
    Case("no-source", "no metric source is configured", "UNREACHABLE", "no metric source", script=not_asked),
    Case("not-read", "the console has just started", "NO DATA", "not read yet", script=not_asked),
    # -- somebody answers, and not with numbers
    Case("400", "bad_data for everything", "NO DATA", "parse error",
         HEALTHY.but(all=error(400, "bad_data", "parse error"))),
    Case("401", "wants credentials", "UNREACHABLE", "401", HEALTHY.but(all=page(401))),
    Case("403", "forbids it", "UNREACHABLE", "403", HEALTHY.but(all=page(403))),
    Case("404", "knows no such address", "UNREACHABLE", "404", HEALTHY.but(all=page(404))),
    Case(
        "422", "too many samples, for everything", "NO DATA", "too many samples",
        HEALTHY.but(all=error(422, "execution", "too many samples")),
    ),
    Case("429", "asks us to slow down", "UNREACHABLE", "429", HEALTHY.but(all=page(429, Retry_After="30"))),
    Case("500", "an empty failure", "UNREACHABLE", "500", HEALTHY.but(all=page(500, ""))),
    Case("503", "a proxy's page", "UNREACHABLE", "503", HEALTHY.but(all=page(503))),
    Case("503-json", "not ready, in its own words", "UNREACHABLE", "starting",
         HEALTHY.but(all=error(503, "unavailable", "starting up"))),
    Case("204", "an answer without content", "UNREACHABLE", world=HEALTHY.but(all=answer(204))),
    Case("redirect", "sends us to a login page", "UNREACHABLE", "redirect",
         HEALTHY.but(all=answer(302, "", Location="http://127.0.0.1:9/login"))),
    Case("portal", "200 and a page to log in", "UNREACHABLE", world=HEALTHY.but(all=page(200, "<html>login</html>"))),
    Case("empty-body", "200 and nothing", "UNREACHABLE", world=HEALTHY.but(all=page(200, ""))),
    Case("cut-json", "half of the JSON, as if that were all", "UNREACHABLE", world=HEALTHY.but(mangle=cut)),
    Case("broken-off", "the connection ends in the middle", "UNREACHABLE", world=HEALTHY.but(all=BROKEN_OFF)),
    Case("bad-gzip", "compression that breaks off", "UNREACHABLE", world=HEALTHY.but(all=damaged)),
    Case("no-data-key", "success, and no data", "UNREACHABLE",
         world=HEALTHY.but(mangle=lambda body, ranged: {"status": "success"})),
    Case("null-data", "success, and data: null", "UNREACHABLE",
         world=HEALTHY.but(mangle=lambda body, ranged: {"status": "success", "data": None})),
    Case("unmarked", "a proxy that drops labels", "UNREACHABLE", "nobody asked for", HEALTHY.but(mangle=unmarked)),
    Case("streams", "it is a Loki", "NO DATA", "streams", HEALTHY.but(mangle=as_type("streams"))),
    # -- numbers that are none
    Case("absent", "empty vectors for everything", "NO DATA", "no sample of the total", World()),
    Case("nan", "NaN for everything", "NO TRAFFIC", "nothing was counted", every(rate="NaN", value="NaN")),
    Case("inf", "+Inf for everything", "NO DATA", world=every(rate="+Inf", value="+Inf")),
    Case("minus-inf", "-Inf for everything", "NO DATA", world=every(rate="-Inf", value="-Inf")),
    Case("words", "a value that is a word", "NO DATA", world=HEALTHY.but(mangle=each_value(lambda v: [v[0], "many"]))),
    Case("histogram", "native histograms in place of numbers", "NO DATA", world=HEALTHY.but(mangle=histograms)),
    Case("string", "a string in place of a vector", "NO DATA", "the answer is a string",
         HEALTHY.but(mangle=as_type("string", [0, "x"]))),
    Case("no-date", "an impossible date", "NO DATA",
         world=HEALTHY.but(mangle=each_value(lambda v: [1e300, v[1]]))),
    Case("several", "two series where one is expected", "NO DATA", "2 series, expected one",
         every(series=2, value=[1.0, 2.0])),
    Case("zero", "counters that never move", "NO TRAFFIC", "nothing was counted",
         every(rate=0.0, value="NaN")),
    Case("negative-total", "a negative number of events", "NO TRAFFIC", world=every(rate=-10.0, value="NaN")),
    founded("negative-bad", "fewer than no bad events", "PARTIAL", "less than no bad events",
            only(bad_total=Signal(-5.0))),
    founded("more-good-than-all", "the good selector is wider than the total's", "PARTIAL", "more good events",
            only(good_total=Signal(15.0)), plan=Plan(GOOD)),
    Case("dated-an-hour-ago", "a cache in between answers with what it has", "STALE", "dates from 01 Mar 11:04",
         HEALTHY.but(mangle=each_value(lambda v: [v[0] - HOUR, v[1]], ranges=False))),
    # -- a part of it
    Case("total-absent", "errors, and no total", "NO DATA", "no sample of the total",
         only(all_total=GONE, guard=GONE, share=GONE)),
    Case("bad-absent", "the error series was never seen: none, or a typo", "PARTIAL", "or a typo",
         only(bad_total=GONE, guard=GONE, share=GONE)),
    Case("good-absent", "the good series was never seen", "NO DATA", "check its selector",
         only(good_total=GONE, guard=GONE, share=GONE), plan=Plan(GOOD)),
    founded("bad-born", "the first error ever: its counter began above zero, which increase() does not see", "PARTIAL",
            "new", only(bad_total=Signal(0.0, since=600))),
    Case("bad-nan", "NaN for the errors alone", "NO DATA", "no number, with traffic",
         only(bad_total=Signal("NaN"), guard=Signal(value="NaN"), share=Signal(value="NaN"))),
    Case("bad-refused", "422 for the errors alone", "NO DATA", "too many samples",
         HEALTHY.but(refuses=lambda text, ranged: "too many samples" if "all_total" not in text else "")),
    Case("total-refused", "422 for the total alone", "NO DATA", "too many samples",
         HEALTHY.but(refuses=lambda text, ranged: "too many samples" if "bad_total" not in text else "")),
    Case("first-only", "the first of the expressions is answered", "NO DATA", "",
         HEALTHY.but(mangle=halved)),
    founded("no-ranges", "ranges are refused, instants are answered", "PARTIAL", "covers",
            HEALTHY.but(refuses=refuse_ranges)),
    Case("no-instants", "instants are refused, ranges are answered", "STALE", "timed out",
         HEALTHY.but(refuses=refuse_instants)),
    Case("warned", "the server warns that a store did not answer", "PARTIAL", "not complete",
         HEALTHY.but(warnings=("store gateway 3 of 4 is down",))),
    founded("warned-before", "it warned of what it said, and was not asked again yet", "PARTIAL", "not complete",
            HEALTHY.but(warnings=("no",)), then=((16, HEALTHY),)),
    # -- not the whole window
    founded("retention-1h", "it remembers an hour of the day", "PARTIAL", "covers", every(since=HOUR)),
    founded("retention-15d", "it remembers 15 of 30 d", "PARTIAL", "covers 15 of 30 d", every(since=15 * DAYS),
            plan=Plan(window=MONTH)),
    founded("new-server", "it was set up ten minutes ago", "PARTIAL", "covers", every(since=600.0)),
    founded("gap", "two hours of the day are missing", "PARTIAL", "covers 22.1 of 24 h",
            every(holes=((8 * HOUR, 6 * HOUR),))),
    founded("gaps", "five minutes of every hour are missing", "PARTIAL", "covers",
            every(holes=tuple((n * HOUR + 600, n * HOUR) for n in range(1, 24)))),
    founded("still-reading", "the first round, before older slices were read", "PARTIAL", "still being read",
            script=first_round),
    founded("old-refused", "whatever is older than an hour is refused", "PARTIAL", "covers", script=None,
            world=HEALTHY.but(refuses=lambda text, ranged: "the query time range exceeds the limit" if ranged else "")),
    founded("calendar-begun", "the day began four minutes ago, and nothing came since", "NO DATA",
            "no sample of the total", only(all_total=Signal(10.0, until=900), bad_total=Signal(0.0001, until=900)),
            plan=Plan(window=BERLIN_DAY)),
    founded("calendar-no-traffic", "the day began four minutes ago, without traffic", "NO TRAFFIC",
            "nothing was counted",
            only(all_total=Signal(0.0), bad_total=Signal(0.0)),
            plan=Plan(window=BERLIN_DAY)),
    # -- not any more
    Case("stopped-20m", "the exporter stopped 20 minutes ago", "STALE", "no sample since", every(until=1200.0)),
    Case("stopped-2w", "the exporter stopped two weeks ago", "STALE", "no sample since 15 Feb",
         every(until=TWO_WEEKS), plan=Plan(window=MONTH)),
    Case("stopped-2d", "it stopped before the window began", "NO DATA", "no sample of the total",
         every(until=2 * DAYS)),
    Case("died", "it answered, and then nobody does", "STALE", then=((10, HEALTHY.but(all=reset)),)),
    Case("hangs", "it answered, and then hangs", "STALE", then=((10, HEALTHY.but(all=hang)),), timeout=0.3),
    Case("overloaded", "it answered, and then 503", "STALE", then=((10, HEALTHY.but(all=page(503))),)),
    Case("silent", "it answered, and then fails minute after minute", "STALE", script=half_an_hour_of_silence),
    Case("asleep", "it answered 20 minutes ago, and was not asked since", "STALE", script=asleep),
    Case("vanished", "it answered, and 20 minutes later knows none of it", "STALE", "no sample since",
         then=((20, World()),)),
    Case("part-lost", "it answered, and then refuses the errors", "STALE", "too many samples",
         then=((1, HEALTHY.but(refuses=lambda text, ranged: "too many samples" if "all_total" not in text else "")),)),
    Case("renamed", "it answered, and then the total has two series", "STALE", "2 series",
         then=((1, every(series=2, value=[1.0, 2.0])),)),
    Case("clock-behind", "its clock is an hour behind, and it does not say so", "STALE", "no sample since",
         every(until=HOUR).but(dated=False)),
    # -- other kinds of indicators
    Case("ratio-absent", "a recorded ratio that is gone", "NO DATA", "no sample of the total", World(),
         plan=Plan(of_ratio("ratio"))),
    Case("ratio-nan", "a recorded ratio that is NaN", "NO TRAFFIC", "nothing was counted",
         only(ratio=Signal("NaN", value="NaN"), guard=Signal(value="NaN"), share=Signal(value="NaN")),
         plan=Plan(of_ratio("ratio"))),
    Case("threshold-absent", "a threshold on nothing", "NO DATA", "no sample of the total", World(),
         plan=Plan(of_threshold("ratio", "<", 0.3, 60))),
    Case("bool-absent", "a gauge that is gone", "NO DATA", "no sample of the total", World(),
         plan=Plan(of_bool_gauge("probe"))),
    Case("deltas-absent", "deltas that are gone", "NO DATA", "no sample of the total", World(),
         plan=Plan(of_deltas("all_total", bad="bad_total"))),
    Case("slices-several", "Timeslices of several series", "NO DATA", "2 series",
         every(series=2, value=[1.0, 2.0]), plan=Plan(sliced(COUNTED, 60, 0.99))),
    Case("both-absent", "neither the objective's own series nor the recorded ones", "NO DATA",
         "no sample of the total",
         World(), plan=Plan(replace(COUNTED, fallback=replace(of_ratio("ratio"), basis="recorded")))),
    founded("no-group", "an objective with groups, and no series has the label", "NO DATA",
            "no series has the labels agent",
            plan=GROUPED),
    founded("groups-unknown", "it does not say which groups there are", "NO DATA", "", plan=GROUPED,
            script=groups_that_fail),
    founded("group-gone", "a group whose series stopped", "STALE", "no sample since", only="[b]", plan=GROUPED,
            world=HEALTHY.but(tables=BY_AGENT), then=((20, HEALTHY.but(tables=A_ALONE, signals={
                'all_total{agent="b"}': Signal(10.0, until=1200), 'bad_total{agent="b"}': GONE})),)),
    founded("no-bucket", "a latency without the bucket at its threshold, and none beside it", "NO DATA",
            "check its selector", only(took_count=Signal(10.0)), plan=Plan(LATENCY)),
    founded("other-buckets", "only buckets below and above the threshold", "PARTIAL", "no bucket at 0.3",
            HEALTHY.but(signals=TOOK, tables=LES), plan=Plan(LATENCY)),
    # -- guardrails
    Case("few-samples", "a guardrail with fewer samples than it needs, on a day without traffic", "NO TRAFFIC",
         world=only(all_total=Signal(0.0), bad_total=Signal(0.0), guard=GONE, share=GONE), plan=Plan(guard=PHASE)),
    # -- the store
    founded("store-corrupt", "the slices on disk are damaged, and the server remembers an hour", "PARTIAL", "covers",
            every(since=HOUR)),
    founded("store-read-only", "nothing can be kept, and the server remembers an hour", "PARTIAL", "covers",
            every(since=HOUR)),
    founded("redefined", "slices of another definition are kept, the server remembers an hour", "PARTIAL", "covers",
            every(since=HOUR)),
    # -- what a real Prometheus makes of it
    real("real-absent", "metrics that do not exist", "NO DATA", "no sample of the total",
         of_counters("nothing_total", bad='nothing_total{code="500"}')),
    real("real-typo-total", "a typo in the total's name", "NO DATA", "no sample of the total",
         of_counters("rek_total", bad='req_total{code="500"}')),
    real("real-typo-bad", "a typo in the bad events' value", "PARTIAL", "or a typo",
         of_counters("req_total", bad='req_total{code="5OO"}')),
    real("real-typo-good", "a typo in the good events' value", "NO DATA", "check its selector",
         of_counters("req_total", good='req_total{code="2OO"}')),
    real("real-label-typo", "a label that no series has", "NO DATA", "no sample of the total",
         of_counters('req_total{servise="x"}', bad='req_total{servise="x",code="500"}')),
    real("real-label-typo-bad", "a label that no series has, in the bad events alone", "PARTIAL", "or a typo",
         of_counters("req_total", bad='req_total{cod="500"}')),
    real("real-typo-timeslices", "a typo in the bad events of Timeslices", "PARTIAL", "or a typo",
         sliced(of_counters("req_total", bad='req_total{code="5OO"}'), 60, 0.99)),
    real("real-typo-ratio-timeslices", "a typo in the bad events of RatioTimeslices", "PARTIAL", "or a typo",
         averaged(of_counters("req_total", bad='req_total{code="5OO"}'), 300)),
    real("real-first-error", "the error series was born at 5 ten minutes ago", "PARTIAL", "new",
         of_counters("first_total", bad='first_total{code="500"}'), well=True),
    real("real-born", "all series were born at 5 ten minutes ago", "NO TRAFFIC", "nothing was counted",
         of_counters("born_total", bad='born_total{code="500"}')),
    real("real-idle", "counters that stand still: 0 / 0", "NO TRAFFIC", "nothing was counted",
         of_counters("idle_total", bad='idle_total{code="500"}')),
    real("real-idle-timeslices", "Timeslices without traffic", "NO TRAFFIC", "nothing was counted",
         sliced(of_counters("idle_total", bad='idle_total{code="500"}'), 60, 0.99)),
    real("real-idle-quantile", "a quantile of no traffic is NaN", "NO TRAFFIC", "nothing was counted",
         of_threshold("histogram_quantile(0.99, sum by (le) (rate(still_bucket[5m])))", "<", 0.3, 60)),
    real("real-no-quantile", "the quantile of a histogram that does not exist", "NO DATA", "no sample of the total",
         of_threshold("histogram_quantile(0.99, sum by (le) (rate(nothing_bucket[5m])))", "<", 0.3, 60)),
    real("real-nan-ratio", "a recorded ratio that is NaN", "NO TRAFFIC", "nothing was counted", of_ratio("nan_ratio")),
    real("real-no-ratio", "a recorded ratio that was never recorded", "NO DATA", "no sample of the total",
         of_ratio('slo:sli_error:ratio_rate5m{sloth_id="x"}')),
    real("real-gone-ratio", "a recorded ratio whose rule was deleted half an hour ago", "STALE", "no sample since",
         of_ratio("gone_ratio")),
    real("real-percent", "percent where a ratio is expected", "PARTIAL", "more good events",
         of_ratio("percent_ratio", Part.GOOD), well=True),
    real("real-no-probe", "an up-or-down gauge that does not exist", "NO DATA", "no sample of the total",
         of_bool_gauge("nothing_up")),
    real("real-gap", "two hours without a sample", "PARTIAL", "of 24 h",
         of_counters("gapped_total", bad='gapped_total{code="500"}'), well=True),
    real("real-blinking", "twelve minutes of every hour are missing", "PARTIAL", "of 24 h",
         of_counters("blinking_total", bad='blinking_total{code="500"}'), well=True),
    real("real-stopped", "the exporter stopped 20 minutes ago", "STALE", "no sample since",
         of_counters("stopped_total", bad='stopped_total{code="500"}')),
    real("real-fresh", "scraped for an hour and a half", "PARTIAL", "of 24 h",
         of_counters("fresh_total", bad='fresh_total{code="500"}'), well=True),
    real("real-retention", "a day of data for a window of 30", "PARTIAL", "of 30 d",
         of_counters("req_total", bad='req_total{code="500"}'), well=True, plan={"window": MONTH}),
    real("real-no-bucket", "no bucket at 0.3", "NO DATA", "check its selector",
         of_counters("took_count", good='took_bucket{le="0.3"}')),
    real("real-other-buckets", "no bucket at 0.3, and it is known which are beside it", "PARTIAL", "no bucket at 0.3",
         of_counters("took_count", good='took_bucket{le="0.3"}', bucket=Bucket("took_bucket", 0.3))),
    real("real-le", "the bucket is there, written 0.30", "NO DATA", "check its selector",
         of_counters("padded_count", good='padded_bucket{le="0.3"}')),
    real("real-no-group", "groups by a label that no series has", "NO DATA", "no series has the labels agent",
         of_counters("req_total", bad='req_total{code="500"}'), well=True, plan={"groups": ("agent",)}),
    real("real-several", "an expression that gives two series", "NO DATA", "2 series, expected one",
         of_expressions("rate(req_total[$window])", bad='rate(req_total{code="500"}[$window])'), well=True),
    real("real-syntax", "an expression that cannot be parsed", "NO DATA", "bad_data",
         of_expressions("sum(rate(req_total[$window])", bad='sum(rate(req_total{code="500"}[$window])')),
    real("real-matrix", "a range where a number is expected", "NO DATA", "",
         of_expressions("req_total[$window]", bad='req_total{code="500"}[$window]')),
    real("real-infinite", "a division by zero", "NO DATA", "infinite",
         of_expressions("sum(increase(req_total[$window]))", bad="sum(increase(req_total[$window])) / 0")),
    real("real-many-to-many", "a matching that Prometheus refuses", "NO DATA", "many-to-many",
         of_expressions("sum(req_total * on () req_total)", bad="sum(req_total * on () req_total)")),
    real("real-invariant", "an invariant on a counter that does not exist", "NO DATA", "no sample of the total",
         of_counters("violations_total", bad="violations_total"), guard=Invariant("v", "V", "violations_total").rule),
    real("real-few-samples", "a guardrail with fewer samples than it needs", "NO TRAFFIC", "nothing was counted",
         of_counters("idle_total", bad='idle_total{code="500"}'),
         guard=PhaseGuard("p99", "P99", "vector(1)", timedelta(minutes=5), Limit("<", 5),
                          "sum(increase(idle_total[$window]))", 100).rule),
)  # fmt: skip


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Prometheus]:
    history = broken_worlds(time.time())
    with servers.Prometheus(tmp_path_factory.mktemp("levels"), history=history) as running:
        yield running


async def carried_out(case: Case, folder: Path, prometheus: servers.Prometheus | None = None) -> Site:
    """A console that has lived through a case, and closed."""
    if prometheus is not None:
        site = Site(folder, case.plan, prometheus.url, now=datetime.now(UTC))
        return await _lived(case, site, None)
    now = [NOW]
    server = Scripted(lambda: now[0])
    server.act(case.world)
    site = Site(
        folder, case.plan, None if case.id == "no-source" else server.url, _store(case, folder), timeout=case.timeout
    )
    server._now = site.bench.clock.now
    try:
        return await _lived(case, site, server)
    finally:
        server.close()


async def _lived(case: Case, site: Site, server: Scripted | None) -> Site:
    try:
        await site.open()
        if case.script is not None and server is not None:
            await case.script(site, server)
            return site
        await site.ask()
        await site.ask()  # groups and buckets are known now
        for minutes, world in case.then:
            assert server is not None
            server.act(world)
            site.leap(minutes=minutes)
            await site.ask()
        return site
    finally:
        await site.close()


def _store(case: Case, folder: Path) -> SliceStore | None:
    if case.id == "store-corrupt":
        (folder / FILE).write_bytes(b"SQLite format 3\0" + b"\xff" * 9000)
    elif case.id == "store-read-only":
        (folder / FILE).mkdir()
    elif case.id != "redefined":
        return None
    store = SqliteSlices(folder / FILE, SimulatedClock(NOW))
    if case.id == "redefined":
        store.keep({"another": [Slice(slot(NOW) - n, 3000.0, 0.0) for n in range(1, 900)]})
    return store


def judge(case: Case, site: Site) -> None:
    """Raises AssertionError where the case is taken for good news, or not for what it is."""
    seen = look(site.board, case.only)
    assert seen.gauge_ok == []
    assert set(seen.words) == {case.word}, seen
    assert case.note in seen.notes
    if not case.guard:
        assert seen.guard_ok == []
    if not case.share:
        assert seen.share_ok == []


@pytest.mark.parametrize("case", [case for case in CASES if not case.real], ids=lambda case: case.id)
async def test_it_is_not_ok(case: Case, tmp_path: Path) -> None:
    judge(case, await carried_out(case, tmp_path))


@pytest.mark.integration
@pytest.mark.xdist_group("levels")
@pytest.mark.parametrize("case", [case for case in CASES if case.real], ids=lambda case: case.id)
async def test_it_is_not_ok_on_a_real_server(case: Case, tmp_path: Path, prometheus: servers.Prometheus) -> None:
    judge(case, await carried_out(case, tmp_path, prometheus))


# -- whether the table proves anything ---------------------------------------------------------------------------------


def all_is_well(site: Site) -> None:
    seen = look(site.board)
    assert seen.words == ["ok"]
    assert {"verdict ok", "all readings ok", "sentence", "row of 80", "snapshot"} <= set(seen.gauge_ok)
    assert {"rollout", "guardrail", "line of the guardrail", "snapshot"} <= set(seen.guard_ok)
    assert {"proof", "line of the proof", "snapshot"} <= set(seen.share_ok)


async def test_a_healthy_world_is_ok(tmp_path: Path) -> None:
    all_is_well(await carried_out(Case("healthy", "nothing is missing", "ok"), tmp_path))


@pytest.mark.integration
@pytest.mark.xdist_group("levels")
async def test_a_healthy_world_is_ok_on_a_real_server(tmp_path: Path, prometheus: servers.Prometheus) -> None:
    case = real("healthy", "nothing is missing", "ok", "", of_counters("req_total", bad='req_total{code="500"}'))
    all_is_well(await carried_out(case, tmp_path, prometheus))


async def test_what_it_warned_of_is_ok_after_it_was_read_again_without(tmp_path: Path) -> None:
    """Case `warned-before`, seven hours later."""
    then = ((16, HEALTHY), (7 * 60, HEALTHY))
    case = founded("recovered", "it does not warn any more", "ok", "", HEALTHY.but(warnings=("no",)), then=then)
    all_is_well(await carried_out(case, tmp_path))


async def test_a_clock_that_is_known_to_be_off_is_no_lack_of_data(tmp_path: Path) -> None:
    case = Case("clock", "its clock is an hour behind, and says so", "ok", world=HEALTHY.but(ahead=-HOUR))
    site = await carried_out(case, tmp_path)
    all_is_well(site)
    assert "behind ours" in next(item.note for item in site.board.sources if item.name == "prometheus")


def test_the_table() -> None:
    assert len(CASES) >= 60
    assert [id for id, count in Counter(case.id for case in CASES).items() if count > 1] == []
    assert sum(not case.guard for case in CASES) >= 60
    assert sum(not case.share for case in CASES) >= 60
    assert all(case.what and case.word != "ok" for case in CASES)


def of_sums(change: Callable[[Sums, Sums], tuple[Sums, Sums]]) -> Callable[..., Any]:
    """`budget.ratio`, told something better than what was seen."""
    honest = budget.ratio

    def ratio(sums: Sums, sli: Sli, counted: Any, ever: Sums, share: float) -> Any:
        sums, ever = change(sums, ever)
        return honest(sums, sli, counted, ever, share)

    return ratio


MUTANTS: dict[str, tuple[tuple[Any, str, Any], tuple[str, ...]]] = {
    "nothing is stale": ((budget, "LATEST", 10**9), ("stopped-20m", "vanished", "clock-behind", "group-gone")),
    "any coverage will do": ((budget, "COMPLETE", 0.0), ("retention-15d", "retention-1h", "new-server", "gap", "gaps")),
    "anything may be extrapolation": ((budget, "SLACK", 1e9), ("negative-bad", "more-good-than-all")),
    "warnings are words": (
        (budget, "ratio", of_sums(lambda sums, ever: (replace(sums, doubtful=0), ever))),
        ("warned-before",),
    ),
    "no bad event is no error": (
        (budget, "ratio", of_sums(lambda sums, ever: (sums, replace(ever, parts=ever.seen)))),
        ("bad-absent", "bad-born"),
    ),
    "what cannot be read is nothing": ((level, "_failed", lambda _: False), ("bad-refused", "part-lost", "renamed")),
    "what cannot be read now is what was": ((levels, "clouded", lambda found, *_: found), ("part-lost", "renamed")),
    "a number is fresh": ((level, "AGAIN", timedelta(days=1)), ("dated-an-hour-ago",)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("mutant", "id"), [(mutant, id) for mutant, (_, ids) in MUTANTS.items() for id in ids], ids=str
)
async def test_a_rule_that_is_dropped_is_missed(
    mutant: str, id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each rule has cases that fail without it."""
    case = next(case for case in CASES if case.id == id)
    monkeypatch.setattr(*MUTANTS[mutant][0])
    site = await carried_out(case, tmp_path)
    with pytest.raises(AssertionError):
        judge(case, site)
