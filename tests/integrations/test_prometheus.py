"""Batching, fallback and reading, against a server that plays Prometheus."""

import json
import re
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from console.integrations.prometheus import Prometheus
from console.model.reading import ReadingState
from console.ports import Query, SourceError
from tests.integrations.conftest import CANARY, MIXED, TIMEOUT, failing, gives_up_one
from tests.integrations.fault_server import answer, hang, raw, reset, trickle
from tests.timing import in_time

TERM = re.compile(r'label_replace\((vector\()?\(\n(.*?)\n\)\)?, "oncall_query", "(\d+)", "", ""\)', re.DOTALL)


def error(status, kind, words):
    return answer(status, {"status": "error", "errorType": kind, "error": words})


@dataclass
class Fake:
    """Answers an expression with what `known` holds: a list of values, or an exception's worth of (status, type)."""

    known: dict = field(default_factory=dict)
    warnings: dict = field(default_factory=dict)
    scalars: set = field(default_factory=set)
    largest: int = 10_000
    at: float = 0.0
    asked: list = field(default_factory=list)

    def __call__(self, connection):
        query = connection.request.form["query"]
        terms = [(text, mark, bool(vector)) for vector, text, mark in TERM.findall(query)]
        union = bool(terms)
        terms = terms or [(query, None, False)]
        self.asked.append([text for text, _, _ in terms])
        result, warnings = [], []
        for text, mark, vector in terms:
            found = self.known.get(text, [])
            if isinstance(found, tuple):
                return error(*found, f"it is about {text}")(connection)
            if text in self.scalars and union and not vector:
                return error(400, "bad_data", "expected type instant vector, got scalar")(connection)
            if text in self.scalars and not union:
                data = {"resultType": "scalar", "result": [self.at or time.time(), found[0]]}
                return answer(200, {"status": "success", "data": data})(connection)
            warnings += self.warnings.get(text, [])
            for number, value in enumerate(found):
                metric = {"series": str(number)} | ({"oncall_query": mark} if mark else {})
                result.append({"metric": metric, "value": [self.at or time.time(), value]})
        if len(terms) > self.largest:
            return error(422, "execution", "query processing would load too many samples into memory")(connection)
        body = {"status": "success", "data": {"resultType": "vector", "result": result}}
        return answer(200, body | ({"warnings": warnings} if warnings else {}))(connection)


@pytest.fixture
def fake(server) -> Fake:
    server.behave = Fake()
    return server.behave


@pytest.fixture
def prometheus(source, clock, token) -> Prometheus:
    return Prometheus(replace(source, name="prometheus"), clock, token)


def read(prometheus, *texts):
    return prometheus.read([Query(f"n{number}", text) for number, text in enumerate(texts)])


def test_every_expression_goes_in_one_request(server, fake, prometheus, waits):
    fake.known = {"a": ["1"], "b # why": ["2.5"], 'x{c="\\"(, \n"}': ["-3e-7"]}
    found = read(prometheus, *fake.known)
    assert [reading.value for reading in found.values()] == [1.0, 2.5, -3e-7]
    assert {(reading.state, reading.source) for reading in found.values()} == {(ReadingState.OK, "prometheus")}
    assert len(server.requests) == 1
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/api/v1/query")
    assert float(request.form["timeout"]) < waits
    assert "time" not in request.form


def test_a_template_is_filled_by_the_interval_that_it_comes_with(server, fake, prometheus):
    asked = [Query("a", "sum(increase(a[$window]))", 60), Query("b", "sum(increase(b[$window]))"), Query("c", "up")]
    texts = ["sum(increase(a[659999ms]))", "sum(increase(b[600s]))", "up"]
    fake.known = {text: [number] for text, number in zip(texts, ("659.999", "1", "2"), strict=True)}
    found = prometheus.read(asked, seconds=600)
    assert [reading.value for reading in found.values()] == [pytest.approx(600), 1.0, 2.0]
    assert fake.asked == [texts]


@pytest.mark.parametrize(
    ("values", "state", "value", "note"),
    [
        (["0"], ReadingState.OK, 0.0, ""),
        ([], ReadingState.NO_DATA, None, "no series"),
        (["NaN"], ReadingState.NO_TRAFFIC, None, "not a number"),
        (["+Inf"], ReadingState.NO_DATA, None, "infinite"),
        (["-Inf"], ReadingState.NO_DATA, None, "infinite"),
        (["1", "2"], ReadingState.NO_DATA, None, "2 series, expected one"),
        (["one"], ReadingState.NO_DATA, None, "no number"),
        ([7], ReadingState.OK, 7.0, ""),
    ],
)
@pytest.mark.parametrize("company", [(), ("other",)])
def test_what_an_answer_means(fake, prometheus, values, state, value, note, company):
    fake.known = {"a": values, "other": ["1"]}
    found = read(prometheus, "a", *company)["n0"]
    assert (found.state, found.value) == (state, value)
    assert note in found.note
    assert not found.note or not found.ok


def test_a_bad_expression_blanks_its_own_and_leaves_the_union(fake, prometheus):
    fake.known = {"a": ["1"], "bad(": (400, "bad_data"), "b": ["2"], "many": (422, "execution")}
    for _ in range(2):
        found = read(prometheus, "a", "bad(", "b", "many")
        assert [found[name].value for name in ("n0", "n1", "n2", "n3")] == [1.0, None, 2.0, None]
        assert found["n1"].note == "bad_data: it is about bad("
        assert found["n1"].state is ReadingState.NO_DATA
    assert sorted(fake.asked[:5]) == sorted([["a", "bad(", "b", "many"], ["a"], ["bad("], ["b"], ["many"]])
    assert sorted(fake.asked[5:]) == [["a", "b"], ["bad("], ["many"]]
    fake.known["bad("] = ["3"]
    assert read(prometheus, "a", "bad(", "b", "many")["n1"].value == 3.0
    del fake.asked[:]
    read(prometheus, "a", "bad(", "b", "many")
    assert sorted(fake.asked) == [["a", "bad(", "b"], ["many"]]


def test_a_changed_expression_is_tried_in_the_union_again(fake, prometheus):
    fake.known = {"a": ["1"], "bad(": (400, "bad_data"), "good": ["2"]}
    read(prometheus, "a", "bad(")
    del fake.asked[:]
    assert read(prometheus, "a", "good")["n1"].value == 2.0
    assert fake.asked == [["a", "good"]]


def test_a_scalar_joins_the_union_as_a_vector(fake, prometheus):
    fake.known, fake.scalars = {"a": ["1"], "42": ["42"]}, {"42"}
    assert read(prometheus, "a", "42")["n1"].value == 42.0
    del fake.asked[:]
    assert read(prometheus, "a", "42")["n1"].value == 42.0
    assert fake.asked == [["a", "42"]]


def test_a_union_that_is_too_much_is_halved(fake, prometheus):
    texts = [f"e{number}" for number in range(10)]
    fake.known, fake.largest = {text: ["1"] for text in texts}, 6
    assert all(reading.ok for reading in read(prometheus, *texts).values())
    assert len(fake.asked) == 11
    del fake.asked[:]
    assert all(reading.ok for reading in read(prometheus, *texts).values())
    assert sorted(map(len, fake.asked)) == [5, 5]


def test_long_texts_are_split(fake, prometheus):
    texts = [f"e{number}" + "x" * 30_000 for number in range(7)]
    fake.known = {text: [str(number)] for number, text in enumerate(texts)}
    found = read(prometheus, *texts)
    assert [reading.value for reading in found.values()] == [0, 1, 2, 3, 4, 5, 6]
    assert sorted(map(len, fake.asked)) == [1, 3, 3]


def test_a_warning_makes_its_own_reading_partial(fake, prometheus):
    fake.known = {"a": ["1"], "b": ["2"], "none": []}
    fake.warnings = {"b": ["PromQL warning: \x1b[31mmixed", "more", "more"], "none": ["a store is down"]}
    for _ in range(2):
        found = read(prometheus, "a", "b", "none")
        assert found["n0"].ok
        assert (found["n1"].state, found["n1"].value) == (ReadingState.PARTIAL, 2.0)
        assert found["n1"].note == "PromQL warning: \ufffd[31mmixed (and 2 more)"
        assert (found["n2"].state, found["n2"].note) == (ReadingState.NO_DATA, "a store is down")
    assert sorted(fake.asked[4:]) == [["a"], ["b"], ["none"]]


def test_a_server_that_always_warns_is_not_asked_one_by_one_for_ever(fake, prometheus):
    fake.known = {"a": ["1"], "b": ["2"]}
    fake.warnings = {"a": ["partial response"], "b": ["partial response"]}
    for _ in range(3):
        assert {reading.state for reading in read(prometheus, "a", "b").values()} == {ReadingState.PARTIAL}
    assert [len(texts) for texts in fake.asked] == [2, 1, 1, 2, 2]


def test_a_timeout_of_one_leaves_the_others(fake, prometheus):
    fake.known = {"a": ["1"], "slow": (503, "timeout")}
    found = read(prometheus, "a", "slow")
    assert found["n0"].ok
    assert found["n1"].state is ReadingState.UNREACHABLE
    assert "timeout: it is about slow" in found["n1"].note
    del fake.asked[:]
    read(prometheus, "a", "slow")
    assert sorted(fake.asked) == [["a"], ["slow"]]


@gives_up_one
def test_one_that_hangs_costs_one_share_of_the_time(server, fake, prometheus):
    fake.known = {"a": ["1"], "b": ["2"], "hangs": (400, "bad_data")}
    read(prometheus, "a", "b", "hangs")

    def behave(connection):
        (hang if "hangs" in connection.request.form["query"] else fake)(connection)

    server.behave = behave
    found = in_time(2 * MIXED + 0.5, lambda: read(prometheus, "a", "b", "hangs"))
    assert (found["n0"].value, found["n1"].value) == (1.0, 2.0)
    assert found["n2"].state is ReadingState.UNREACHABLE


def test_all_bad_is_no_outage(fake, prometheus):
    fake.known = {"a(": (400, "bad_data"), "b(": (400, "bad_data")}
    assert {reading.state for reading in read(prometheus, "a(", "b(").values()} == {ReadingState.NO_DATA}


def test_nothing_to_ask_and_nothing_configured(server, prometheus):
    assert prometheus.read([]) == {}
    found = read(prometheus, "  ")["n0"]
    assert (found.state, found.note) == (ReadingState.NO_DATA, "no expression is configured")
    assert not server.requests


@pytest.mark.parametrize("ahead", [-300, 0, 300])
def test_no_reading_comes_from_the_future(fake, prometheus, clock, ahead, server):
    fake.known, fake.at = {"a": ["1"]}, time.time() + ahead
    before = clock.now()
    found = read(prometheus, "a")["n0"]
    assert found.at <= clock.now()
    if ahead == 300:  # without a Date header the server's clock is not known
        assert found.at >= before


@pytest.mark.parametrize("at", [1e300, -1e300, 1e12 * 1e6])
def test_an_impossible_date(fake, prometheus, at):
    fake.known, fake.at = {"a": ["1"]}, at
    assert not read(prometheus, "a")["n0"].ok


def matrix(*series):
    return answer(200, {"status": "success", "data": {"resultType": "matrix", "result": list(series)}})


def test_a_range_lies_on_its_grid(server, prometheus):
    start = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    at = start.timestamp()
    values = [[at, "1"], [at + 120, "NaN"], [at + 180, "4"], [at + 240, "+Inf"], [at + 9999, "9"]]
    server.behave = matrix({"metric": {}, "values": values})
    found = prometheus.read_range([Query("a", "a")], start, start + timedelta(minutes=5), 60)
    assert str(found["a"].values) == "(1.0, None, nan, 4.0, inf, None)"
    assert (found["a"].start, found["a"].step_seconds) == (start, 60)
    form = server.requests[0].form
    assert (server.requests[0].path, form["step"], form["query"]) == ("/api/v1/query_range", "60.000", "a")
    assert float(form["end"]) - float(form["start"]) == 300


def test_ranges_are_asked_together(server, prometheus):
    start = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    values = [[start.timestamp(), "1"]]
    server.behave = matrix(
        {"metric": {"oncall_query": "1"}, "values": values},
        {"metric": {"oncall_query": "2", "x": "1"}, "values": values},
        {"metric": {"oncall_query": "2", "x": "2"}, "values": values},
    )
    queries = [Query(name, name) for name in ("none", "one", "two")]
    found = prometheus.read_range(queries, start, start, 60)
    assert {name: series.values for name, series in found.items()} == {"none": (None,), "one": (1.0,)}
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("span", "step"),
    [(timedelta(seconds=11_000 * 300), 300), (timedelta(days=1), 7), (-timedelta(1), 60), (timedelta(1), 0)],
)
def test_a_range_that_no_server_should_be_asked(server, prometheus, span, step):
    start = datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(ValueError, match="expected at most"):
        prometheus.read_range([Query("a", "a")], start, start + span, step)
    assert not server.requests


HEAD = b"HTTP/1.1 200 OK\r\n"
SUCCESS = {"status": "success", "data": {"resultType": "vector", "result": []}}
FAULTS = {
    "hung": hang,
    "reset": reset,
    "slow body": trickle(HEAD + b"Content-Length: 99999\r\n\r\n", b" "),
    "half a JSON": answer(200, json.dumps(SUCCESS)[:30]),
    "cut off": raw(HEAD + b'Content-Length: 100\r\n\r\n{"status"'),
    "no JSON": answer(200, "<html>log in</html>"),
    "deep": answer(200, "[" * 100_000),
    "empty": answer(200),
    "null": answer(200, "null"),
    "list": answer(200, []),
    "no data": answer(200, {"status": "success"}),
    "null data": answer(200, {"status": "success", "data": None}),
    "no status": answer(200, {"data": SUCCESS["data"]}),
    "wrong type": answer(200, {"status": "success", "data": {"resultType": "vector", "result": {"a": 1}}}),
    "wrong value": answer(200, {"status": "success", "data": {"resultType": "vector", "result": [{"value": [None]}]}}),
    "401": answer(401, f"who is {CANARY}?"),
    "403": answer(403, "no"),
    "404": answer(404, "404 page not found"),
    "429": answer(429, "slow down", Retry_After="9"),
    "500": answer(500, f"oops {CANARY}\x1b[2J" + "z" * 100_000),
    "502": answer(502, "<html>bad gateway</html>"),
    "redirect": answer(307, Location="https://elsewhere.example/api/v1/query"),
    "204": answer(204),
}  # fmt: skip


@pytest.mark.parametrize("behave", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("count", [1, 9])
def test_a_fault_is_an_outage_in_time(server, prometheus, behave, count):
    server.behave = behave
    texts = [f"e{number}" for number in range(count)]
    found = in_time(2 * TIMEOUT + 0.6, failing(lambda: read(prometheus, *texts)), server.requests.clear)
    assert len(server.requests) <= 5, "a server in trouble is not asked again and again"
    text = str(found)
    assert text.startswith("prometheus (http://127.0.0.1:")
    assert CANARY not in text
    assert text.isprintable()
    assert len(text) < 700


ODD = {
    "string": ({"resultType": "string", "result": [1, "x"]}, "the answer is a string"),
    "matrix": ({"resultType": "matrix", "result": []}, "the answer is a matrix"),
    "histogram": ({"resultType": "vector", "result": [{"metric": {}, "histogram": [1, {"count": "3"}]}]}, "no number"),
    "unheard of": ({"resultType": "\x1b]0;x\x07", "result": []}, "\ufffd]0;x\ufffd"),
}


@pytest.mark.parametrize(("data", "note"), ODD.values(), ids=ODD)
def test_an_odd_answer_has_no_value(server, prometheus, data, note):
    server.behave = answer(200, {"status": "success", "data": data})
    found = read(prometheus, "a")["n0"]
    assert (found.state, found.value) == (ReadingState.NO_DATA, None)
    assert note in found.note


def test_samples_that_nobody_asked_for(server, prometheus):
    result = [{"metric": {"oncall_query": "99"}, "value": [1, "1"]}]
    server.behave = answer(200, {"status": "success", "data": {"resultType": "vector", "result": result}})
    with pytest.raises(SourceError, match="samples that nobody asked for"):
        read(prometheus, "a", "b")


def test_a_lone_surrogate_in_a_label_loses_nothing(server, prometheus):
    body = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"\\ud800"},"value":[1,"3"]}]}}'
    server.behave = answer(200, body)
    assert read(prometheus, "a")["n0"].value == 3.0


def test_the_token_is_sent_and_never_shown(server, fake, prometheus):
    fake.known = {"a": (400, "bad_data")}
    server.behave = error(400, "bad_data", f"bad header Bearer {CANARY}")
    found = read(prometheus, "a")["n0"]
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert found.note == "bad_data: bad header Bearer ***"


def test_probe_of_a_server_that_is_not_there(server, prometheus):
    server.behave = reset
    [finding] = prometheus.probe([Query("a", "a")])
    assert not finding.ok
    assert "cuts the connection off" in finding.what
    assert finding.todo


@pytest.mark.parametrize(("status", "words"), [(401, "credentials"), (404, "no such address"), (500, "answers 500")])
def test_probe_of_something_else(server, prometheus, status, words):
    server.behave = answer(status, "no")
    [finding] = prometheus.probe([])
    assert not finding.ok
    assert words in finding.what
