"""Grafana: annotations that Grafana's published interface accepts, regions that get their end, and tests that leave
nothing behind. A fake keeps the annotations; no Grafana server runs here."""

from datetime import timedelta

import pytest

from console.integrations.grafana import Grafana
from console.integrations.http.client import client
from console.model.message import Act
from console.model.pager import ActOutcome
from console.model.reading import ReadingState
from console.model.text import safe
from console.ports import Busy, Rejected, SourceError, Uncertain
from console.settings.outside import Grafana as Settings
from console.settings.outside import HttpSource, SecretRef
from tests.fakes.deliveries import AT, EACH_HOSTILE, delivery, hostile
from tests.fakes.grafana import CONTRACT, TOKEN, WHY_NOT, FakeGrafana, Judge
from tests.integrations.conftest import MIXED, PLENTY, failing, gives_up_one, told_after
from tests.integrations.fault_server import answer, hang, raw, reset, trickle
from tests.timing import in_time

LIST = "/api/annotations"
MILLISECONDS = round(AT.timestamp() * 1000)


@pytest.fixture(scope="module", autouse=True)
def _warm():
    """The first request imports httpx, which may take longer than the deadline of these tests."""
    client()


@pytest.fixture(scope="module")
def judge():
    if not CONTRACT.exists():
        pytest.skip(WHY_NOT)
    return Judge()


@pytest.fixture
def fake():
    fake = FakeGrafana()
    yield fake
    fake.close()


@pytest.fixture
def judged(judge):
    fake = FakeGrafana(judge)
    yield fake
    fake.close()
    assert fake.objections == []


def grafana_at(fake, clock, waits=PLENTY, *, uid="known", token=TOKEN, url=""):
    timeout = timedelta(seconds=waits)
    source = HttpSource("grafana", url or fake.url, timeout=timeout, token=SecretRef("env", "GRAFANA_TOKEN"))
    return Grafana(Settings(source, uid, ("team-a",)), clock, lambda ref: token)


@pytest.fixture
def waits(waits):
    """What never comes is among answers that do."""
    return max(waits, MIXED)


@pytest.fixture
def grafana(fake, clock, waits):
    return grafana_at(fake, clock, waits)


def annotate(**changes):
    return delivery(Act.ANNOTATE, **changes)


def test_a_region_by_the_published_interface(judged, clock):
    grafana = grafana_at(judged, clock)
    first = grafana.deliver(annotate())
    assert (first.outcome, first.ref) == (ActOutcome.DONE, "42")
    assert judged.annotations[42] == {
        "id": 42,
        "text": judged.annotations[42]["text"],
        "tags": ["oncall", "incident.declared", "INC-12", "SEV1", "lighthouse/production", "team-a"],
        "time": MILLISECONDS,
        "timeEnd": MILLISECONDS,
        "dashboardUID": "known",
    }
    assert judged.annotations[42]["text"].startswith("INC-12 SEV1 lighthouse/production: Error budget burns\nCondition")
    later = AT + timedelta(minutes=20)
    args = (("annotation", first.ref),)
    last = grafana.deliver(annotate(id="x", args=args, kind="incident.resolved", title="Resolved", at=later))
    assert (last.outcome, last.ref) == (ActOutcome.DONE, "42")
    found = judged.annotations[42]
    assert (found["time"], found["timeEnd"]) == (MILLISECONDS, MILLISECONDS + 1_200_000)
    assert "incident.resolved" in found["tags"]
    assert "Resolved" in found["text"]


@EACH_HOSTILE
def test_36_hostile_text_by_the_published_interface(judged, clock, text):
    grafana_at(judged, clock).deliver(saying(safe(text)))
    (found,) = judged.annotations.values()
    assert "<" not in found["text"]
    assert ">" not in found["text"]
    assert all(0 < len(tag) <= 100 for tag in found["tags"])


def saying(text):
    told = hostile(text).message
    return delivery(Act.ANNOTATE, title=told.title, text=told.text, label=told.label, target=told.target, by=told.by)


def test_proving_writes_reads_back_and_removes(judged, clock):
    found = grafana_at(judged, clock).prove(annotate(test=True))
    assert found.text == "annotation 42 written, read back and removed"
    assert judged.annotations == {}
    assert [request.method for request in judged.server.requests] == ["POST", "GET", "DELETE"]
    assert b'"oncall_test"' in judged.server.requests[0].body
    assert b"oncall_test=true" in judged.server.requests[0].body


def test_checking_writes_nothing(judged, clock):
    assert [finding.ok for finding in grafana_at(judged, clock).probe()] == [True, True, True]
    assert {request.method for request in judged.server.requests} == {"GET"}


def test_the_mark_of_a_drill_comes_first(grafana, fake):
    grafana.deliver(annotate(mode="drill"))
    assert fake.annotations[42]["text"].startswith("DRILL: INC-12")
    assert "drill" in fake.annotations[42]["tags"]


def test_what_was_written_without_an_answer_is_found_and_not_written_twice(grafana, fake):
    fake.after = {("POST", LIST): reset}
    with pytest.raises(Uncertain):
        grafana.deliver(annotate())
    fake.after = {}
    again = grafana.deliver(annotate())
    assert (again.outcome, again.ref) == (ActOutcome.ALREADY, "42")
    other = grafana.deliver(annotate(id="other", title="Something else"))
    assert (other.outcome, other.ref) == (ActOutcome.DONE, "43")


def test_an_annotation_that_somebody_removed_is_lost(grafana, fake):
    found = grafana.deliver(annotate(args=(("annotation", "7"),)))
    assert (found.outcome, found.ref) == (ActOutcome.LOST, "7")
    assert fake.annotations == {}


@pytest.mark.parametrize("number", ["x", "../org", "7?x=1", "-1", "\u0663"])
def test_an_id_that_is_none_is_not_sent(grafana, fake, number):
    with pytest.raises(Rejected, match="id is a number"):
        grafana.deliver(annotate(args=(("annotation", number),)))
    assert fake.server.requests == []


def test_other_acts_are_not_grafanas(grafana, fake):
    with pytest.raises(Rejected, match="cannot post"):
        grafana.deliver(delivery(Act.POST))
    assert fake.server.requests == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (answer(500, "no"), "answers 500"),
        (answer(200, {"id": 42, "text": "other", "tags": []}), "reads otherwise"),
        (answer(200, b'{"id"'), "cannot be read back"),
        (answer(200, {"id": 42, "text": None, "tags": None}), "reads otherwise"),
        (hang, "no complete answer"),
    ],
)
def test_a_test_that_is_not_read_back_is_removed_all_the_same(grafana, fake, fault, words):
    fake.faults = {("GET", f"{LIST}/42"): fault}
    with pytest.raises(SourceError, match=words):
        grafana.prove(annotate(test=True))
    assert fake.annotations == {}


@gives_up_one
def test_a_test_whose_answer_got_lost_is_found_and_removed(grafana, fake):
    fake.after = {("POST", LIST): hang}
    assert grafana.prove(annotate(test=True)).text == "annotation 42 written, read back and removed"
    assert fake.annotations == {}


def test_a_test_that_cannot_be_removed_is_named(grafana, fake):
    fake.faults = {("DELETE", f"{LIST}/42"): answer(403, {"message": "no permission"})}
    with pytest.raises(Rejected, match="the test annotation 42 is left over, remove it by hand"):
        grafana.prove(annotate(test=True))


HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"id'
ECHO = {"message": f"bad token {TOKEN}"}
FAULTS = {
    "400": (answer(400, ECHO), Rejected),
    "401": (answer(401, ECHO), Rejected),
    "403": (answer(403, ECHO), Rejected),
    "404": (answer(404, ECHO), Rejected),
    "429": (answer(429, ECHO, Retry_After="9"), Busy),
    "500": (answer(500, ECHO), SourceError),
    "hung": (hang, Uncertain),
    "reset": (reset, Uncertain),
    "half": (raw(HALF), Uncertain),
    "slow": (trickle(HALF, b" "), Uncertain),
    "no id": (answer(200, {"message": "Annotation added"}), Uncertain),
    "redirect": (answer(302, Location=f"https://evil.example/?x={TOKEN}"), SourceError),
}


@pytest.mark.parametrize(("fault", "kind"), FAULTS.values(), ids=FAULTS)
def test_35_43_45_a_fault_is_of_its_kind_in_time_and_without_the_token(grafana, fake, waits, caplog, fault, kind):
    fake.faults = {("POST", LIST): fault}
    found = in_time(2 * told_after(waits) + 1, failing(lambda: grafana.deliver(annotate())))
    assert isinstance(found, kind)
    if kind is SourceError:
        assert not isinstance(found, (Busy, Rejected, Uncertain))
    assert str(found).isprintable()
    assert TOKEN not in str(found) + repr(found) + repr(grafana) + caplog.text


@gives_up_one
def test_a_look_up_without_an_answer_writes_nothing_and_is_certain(grafana, fake):
    fake.faults = {("GET", LIST): hang}
    with pytest.raises(SourceError) as caught:
        grafana.deliver(annotate())
    assert not isinstance(caught.value, Uncertain)
    assert fake.annotations == {}


def test_its_health_is_a_reading(grafana, fake, clock):
    found = grafana.read()
    assert (found.state, found.value, found.source) == (ReadingState.OK, "12.0.0", "grafana")
    assert found.at <= clock.now()


@pytest.mark.parametrize(
    ("fault", "state", "note"),
    [
        (answer(503, {"database": "failing", "version": "12.0.0"}), ReadingState.PARTIAL, "database is failing"),
        (answer(200, {}), ReadingState.PARTIAL, "not mentioned"),
        (answer(200, "<html>"), ReadingState.UNREACHABLE, "does not answer as Grafana does"),
        (answer(200, {"database": 7}), ReadingState.UNREACHABLE, "does not answer as Grafana does"),
        (hang, ReadingState.UNREACHABLE, "no complete answer"),
        (answer(302, Location="/login"), ReadingState.UNREACHABLE, "redirect"),
    ],
)
def test_a_grafana_that_is_not_well_is_never_ok(grafana, fake, fault, state, note):
    fake.faults = {("GET", "/api/health"): fault}
    found = grafana.read()
    assert (found.state, found.ok) == (state, False)
    assert note in found.note
    (finding,) = grafana.probe()
    assert not finding.ok
    assert finding.todo


def test_a_check_says_what_is_wrong_with_the_token_and_the_dashboard(fake, clock):
    bad = grafana_at(fake, clock, token="other-canary-token").probe()
    assert [finding.ok for finding in bad] == [True, False, False]
    assert "check env:GRAFANA_TOKEN" in bad[1].what
    assert "canary" not in "".join(finding.what + finding.todo for finding in bad)
    gone = grafana_at(fake, clock, uid="gone").probe()
    assert [finding.ok for finding in gone] == [True, True, False]
    assert "Dashboard not found" in gone[2].what


@pytest.mark.parametrize("body", [{}, {"text": 1}, {"text": "x", "time": "now"}, {"text": "x", "tags": "oncall"}])
def test_the_judge_objects_to_what_is_not_grafanas(judge, fake, clock, body):
    from console.integrations.http import Http

    fake._judge = judge
    Http(HttpSource("grafana", fake.url), clock).ask("POST", "api/annotations", json=body)
    assert len(fake.objections) == 1
