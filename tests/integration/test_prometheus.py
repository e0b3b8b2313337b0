"""The Prometheus source against the real server, on a day of history whose numbers were worked out by hand."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SystemClock
from console.engine.metrics import MetricRounds, rollout
from console.integrations.prometheus import Prometheus
from console.model.guard import Invariant
from console.model.reading import ReadingState
from console.model.rollout import Level
from console.model.sli import of_counters
from console.model.slo import Objective
from console.model.window import Rolling
from console.ports import Query, SourceError
from console.settings.config import HttpSource
from console.settings.load import load
from tests import servers
from tests.timing import in_time

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("prometheus")]

CONFIG = load(Path(__file__).parents[2] / "config")
HOURS = 25


class History:
    """OpenMetrics text with a sample a minute, from 25 h ago to a few minutes ahead, so that no edge is missing."""

    def __init__(self) -> None:
        self.now = int(time.time()) // 60 * 60
        self.minutes = range(-HOURS * 60, 11)
        self._families: list[str] = []

    def family(self, name, kind, *series):
        """`series` are (labels, function of the minute before or after now; None for no sample)."""
        lines = [f"# TYPE {name} {kind}"]
        for suffix, value in series:
            for minute in self.minutes:
                if (number := value(minute)) is not None:
                    lines.append(f"{suffix} {number} {self.now + 60 * minute}")
        self._families.append("\n".join(lines))

    def counter(self, name, labels, per_minute, born=-HOURS * 60):
        return f"{name}{labels}", lambda minute: None if minute < born else 1e6 + per_minute * (minute + HOURS * 60)

    def text(self):
        return "\n".join([*self._families, "# EOF\n"])


def histogram(history, name, buckets):
    series = [history.counter(f"{name}_bucket", f'{{le="{le}"}}', rate) for le, rate in buckets.items()]
    series.append(history.counter(f"{name}_count", "", buckets["+Inf"]))
    history.family(name, "histogram", *series, history.counter(f"{name}_sum", "", 50))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    history = History()
    bad_minutes = {*range(-10, -7), *range(-300, -297)}
    history.family(
        "probe_success",
        "gauge",
        ('probe_success{job="lighthouse",instance="a"}', lambda minute: int(minute not in bad_minutes)),
        ('probe_success{job="lighthouse",instance="b"}', lambda minute: 1),
    )
    history.family(
        "elicitation_requests",
        "counter",
        history.counter("elicitation_requests_total", '{status="200",pod="a"}', 398.8),
        history.counter("elicitation_requests_total", '{status="200",pod="b"}', 200),
        history.counter("elicitation_requests_total", '{status="503",pod="a"}', 0.7),
        history.counter("elicitation_requests_total", '{status="timeout",pod="b"}', 0.5),
    )
    fast = {"0.25": 980, "0.3": 991, "0.5": 995, "1.0": 1000, "+Inf": 1000}
    histogram(history, "elicitation_response_seconds", fast)
    histogram(history, "padded_seconds", {"0.30": 991, "+Inf": 1000})
    histogram(history, "coarse_seconds", {"0.25": 980, "0.5": 995, "+Inf": 1000})
    history.family("quiet_requests", "counter", history.counter("quiet_requests_total", '{status="200"}', 600))
    history.family("idle_requests", "counter", ('idle_requests_total{status="200"}', lambda minute: 5000))
    history.family("born", "counter", ("born_total", lambda minute: 5 if minute >= -30 else None))
    history.family("old", "counter", ("old_total", lambda minute: 3))
    history.family(
        "missed", "counter", ("missed_total", lambda minute: None if -1480 <= minute <= -1430 else 3)
    )  # no scrape a day ago
    history.family(
        "restarted",
        "counter",
        ("restarted_total", lambda minute: 100 * (minute + 1500 if minute < -30 else minute + 30)),
    )
    history.family("p99_latency_milliseconds", "gauge", ("p99_latency_milliseconds", lambda minute: 250))
    history.family("lighthouse_rollout_percent", "gauge", ("lighthouse_rollout_percent", lambda minute: 25))
    history.family("many", "gauge", *((f'many{{n="{number}"}}', lambda minute: 1) for number in range(20)))
    with servers.Prometheus(tmp_path_factory.mktemp("prometheus"), history=history.text()) as running:
        yield running


@pytest.fixture
def source(server):
    return Prometheus(HttpSource("prometheus", server.url, timeout=timedelta(seconds=20)), SystemClock())


def measured(source, target, sli):
    """The gauge of one round."""
    objective = Objective("x", "X", "s", target, Rolling(timedelta(days=30)), "Occurrences", sli)
    (found,) = MetricRounds(source, [objective], None, SystemClock()).read().gauges
    return found


def test_the_shipped_configuration(source):
    before = datetime.now(UTC)
    rounds = MetricRounds(source, CONFIG.objectives, CONFIG.rollout, SystemClock())
    answers = rounds.read()
    by_name = {found.objective.name: found for found in answers.gauges}
    availability, errors, latency = (by_name[name] for name in ("availability", "errors", "latency"))

    # 3 of 60 minutes and 6 of 360 were bad; the budget is 0.0005. The windows end in the slice that is running, and are
    # up to half a slice shorter or longer for it.
    assert availability.burn.value == pytest.approx(3 / 60 / 0.0005, rel=3.1 / 57)
    assert availability.burns["6h"].value == pytest.approx(6 / 360 / 0.0005, rel=3.1 / 357)
    # 1.2 of 600 requests a minute failed; the budget is 0.001.
    assert errors.burn.value == pytest.approx(2, rel=1e-6)
    assert errors.ratio.value == pytest.approx(0.998, rel=1e-6)
    assert errors.budget_left.value == pytest.approx(-1, rel=1e-6)
    # 9 of 1000 requests took more than 0.3 s; the budget is 0.01.
    assert latency.burn.value == pytest.approx(0.9, rel=1e-6)
    assert latency.budget_left.value == pytest.approx(0.1, rel=1e-6)
    assert latency.basis == "Occurrences"

    for found in (availability, errors, latency):
        assert {found.burn.state, found.burns["6h"].state} == {ReadingState.OK}
        assert {found.ratio.state, found.budget_left.state} == {ReadingState.PARTIAL}
        assert found.budget_left.note.startswith("covers 0.253 of 30 d")
        assert before - timedelta(seconds=5) <= found.burn.at <= datetime.now(UTC)
    assert errors.trend == pytest.approx([0.998] * 36)
    assert latency.trend == pytest.approx([0.991] * 36)
    assert 0.4 <= min(availability.trend) < max(availability.trend) == 1

    found = rollout(answers, CONFIG.rollout)
    assert found.percent.value == 25
    levels = {guardrail.rule.name: guardrail.level for guardrail in found.guardrails}
    assert levels.items() >= {"p99": Level.OK, "errors": Level.OK, "security": Level.UNKNOWN}.items()
    assert answers.readings["guardrail.errors"].value == pytest.approx(0.2)


@pytest.mark.parametrize(("name", "expected"), [("born_total", 5), ("old_total", 0), ("missed_total", 0)])
def test_violations_count_even_when_their_counter_is_new(source, name, expected):
    rule = next(rule for rule in CONFIG.rollout.guardrails if rule.name == "security")
    found = source.read([Query("x", rule.expr.replace("security_violations_total", name))])["x"]
    assert found.value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "note"), [("old_total", ""), ("missed_total", ""), ("born_total", "covers 3[0-5] min of 1 d")]
)
def test_an_invariant_says_how_much_of_its_window_there_is(source, name, note):
    rule = Invariant("security", "Security violations", name).rule
    plan = replace(CONFIG.rollout, guardrails=(rule,))
    (found,) = rollout(MetricRounds(source, [], plan, SystemClock()).read(), plan).guardrails
    assert re.fullmatch(note, found.value.note)
    assert found.value.state is (ReadingState.PARTIAL if note else ReadingState.OK)


def test_a_bucket_s_bound_may_be_written_in_another_way(source):
    sli = of_counters("padded_seconds_count", good=r'padded_seconds_bucket{le=~"0\\.30*"}')
    assert measured(source, 0.99, sli).burn.value == pytest.approx(0.9, rel=1e-6)


def test_without_the_bucket_there_is_no_number(source):
    found = measured(source, 0.99, of_counters("coarse_seconds_count", good=r'coarse_seconds_bucket{le=~"0\\.30*"}'))
    assert (found.burn.state, found.burn.value) == (ReadingState.NO_DATA, None)


def test_an_error_counter_that_was_never_created_means_no_errors_or_a_typo(source):
    found = measured(source, 0.999, of_counters("quiet_requests_total", bad='quiet_requests_total{status="500"}'))
    assert (found.burn.value, found.ratio.value) == (0, 1)
    assert found.burn.state is ReadingState.PARTIAL
    assert "no bad event was ever counted" in found.burn.note


def test_without_traffic_there_is_neither_good_nor_bad(source):
    found = measured(source, 0.999, of_counters("idle_requests_total", bad='idle_requests_total{status="500"}'))
    assert {found.burn.state, found.ratio.state, found.budget_left.state} == {ReadingState.NO_TRAFFIC}
    assert found.burn.value is None


def test_a_metric_that_does_not_exist(source):
    found = measured(source, 0.999, of_counters("nothing_total", bad='nothing_total{status="500"}'))
    assert {found.burn.state, found.ratio.state} == {ReadingState.NO_DATA}


def test_a_restart_is_no_loss(source):
    found = source.read([Query("x", "increase(restarted_total[1h])")])["x"]
    assert found.value == pytest.approx(6000, rel=0.04)


def test_every_way_to_write_an_expression(source):
    texts = {
        "comment": "sum(many) # all of them",
        "lines": "sum(\n  many # some\n)\n# end",
        "or": "nothing or sum(many)",
        "and": "sum(many) and on() vector(1)",
        "scalar": "20",
        "scalar function": "scalar(sum(many))",
        "string in it": 'count(many{n!="\\" or \')"})',
        "offset": "sum(many offset 5m)",
        "negative": "-sum(-many)",
        "name kept": "max without() (many{n='0'}) * 20",
    }
    for _ in range(2):
        found = source.read([Query(name, text) for name, text in texts.items()])
        assert {name: reading.value for name, reading in found.items()} == dict.fromkeys(texts, 20.0)


def test_one_bad_expression_blanks_its_own(source):
    queries = [
        Query("good", "sum(many)"),
        Query("syntax", "sum(many"),
        Query("unknown", "nope(many)"),
        Query("many", "many"),
        Query("matching", "many * on() many"),
        Query("range", "many[5m]"),
        Query("string", '"x"'),
        Query("nan", "vector(0) / 0"),
        Query("infinite", "vector(1) / 0"),
        Query("twice", "sum(many)"),
    ]
    for _ in range(2):
        found = source.read(queries)
        assert {name for name, reading in found.items() if reading.ok} == {"good", "twice"}
        assert "bad_data" in found["syntax"].note
        assert "unknown function" in found["unknown"].note
        assert found["many"].note.startswith("20 series, expected one")
        assert "many-to-many" in found["matching"].note
        assert found["range"].note == "the answer is a matrix, expected one number"
        assert found["string"].note == "the answer is a string, expected one number"
        assert found["nan"].state is ReadingState.NO_TRAFFIC
        assert found["infinite"].note == "the answer is infinite"


def test_what_is_too_slow_is_stopped_by_the_server(server, source):
    slow = Prometheus(replace(source.http.source, timeout=timedelta(seconds=2)), SystemClock())
    # Many cheap steps: the server looks at the clock between them.
    heavy = Query("heavy", f"sum(sum_over_time({'abs(' * 300}many{')' * 300}[1d:1s]))")
    for left in reversed(range(6)):
        try:
            found = in_time(2 * 2 + 1, lambda: slow.read([heavy, Query("light", "sum(many)")]))
            break
        except SourceError:  # a machine that is so busy that the light one takes as long
            assert left, "six times nothing was answered"
    assert found["light"].value == 20
    assert found["heavy"].state is ReadingState.UNREACHABLE
    assert "timeout: query timed out" in found["heavy"].note


def test_five_hundred_expressions_are_one_request(source):
    queries = [Query(f"q{number}", f"sum(many) + {number}") for number in range(500)]
    found = source.read(queries)
    assert [reading.value for reading in found.values()] == [20.0 + number for number in range(500)]


def test_a_long_text_is_split(source):
    filler = "|".join(f"n{number}" for number in range(4_000))
    queries = [Query(f"q{number}", f"sum(many) or vector({number} * 0) # {filler}") for number in range(8)]
    assert sum(len(query.expr) for query in queries) > 150_000
    assert {reading.value for reading in source.read(queries).values()} == {20.0}


def test_ranges(source):
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    queries = [
        Query("good", "sum(many)"),
        Query("bad", "sum(many"),
        Query("none", "nothing"),
        Query("several", "many"),
        Query("gaps", "restarted_total > 140000"),
    ]
    for _ in range(2):
        found = source.read_range(queries, end - timedelta(hours=1), end, 60)
        assert set(found) == {"good", "none", "gaps"}
        assert set(found["none"].values) == {None}
        assert found["good"].values == (20.0,) * 61
        assert None in found["gaps"].values
    assert len(source.read_range(queries[:1], end - timedelta(days=1), end, 8)["good"].values) == 10_801


def test_probe(source, server):
    findings = source.probe(
        [
            Query("good", "sum(many)"),
            Query("typo", 'sum(rate(elicitation_request_total{status="500"}[5m]))'),
            Query("labels", 'sum(many{n="99"})'),
            Query("bad", "sum(many"),
            Query("idle", "sum(rate(idle_requests_total[5m])) / sum(rate(idle_requests_total[5m]))"),
            Query("empty", ""),
        ]
    )
    assert [finding.ok for finding in findings] == [True, True, False, False, False, True, False]
    assert findings[0].what.startswith(f"{server.url} answers, version 2.")
    assert findings[1].what == "good = 20"
    assert findings[2].todo == "there is no metric elicitation_request_total; did you mean elicitation_requests_total?"
    assert "no series matches" in findings[3].todo
    assert "bad_data" in findings[4].what
    assert "no traffic" in findings[5].what
    assert all(finding.source == "prometheus" and (finding.ok or finding.todo) for finding in findings)
    assert "elicitation_requests_total" in source.metrics()


def test_a_server_that_goes_and_comes_back(tmp_path):
    with servers.Prometheus(tmp_path) as running:
        source = Prometheus(HttpSource("prometheus", running.url, timeout=timedelta(seconds=20)), SystemClock())
        assert source.read([Query("x", "vector(1)")])["x"].ok
        running.kill()

        def refused():
            with pytest.raises(SourceError, match="refuses the connection"):
                source.read([Query("x", "vector(1)")])
            with pytest.raises(SourceError):
                source.metrics()

        in_time(2, refused)
        running.start()
        assert source.read([Query("x", "vector(1)")])["x"].ok
