"""Silences, against a server that plays Alertmanager and does everything wrong that one can."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import console.integrations.http.client  # noqa: F401  # now: no time-out pays for its import
from console.engine.clocks import SystemClock
from console.integrations.alertmanager import AlertmanagerSilences
from console.integrations.http import Http
from console.model.alert import Matcher
from console.model.silence import Silence, SilenceState
from console.model.text import safe
from console.ports import Busy, Rejected, SourceError, Uncertain
from console.settings.outside import HttpSource
from tests.integrations.conftest import CANARY, MIXED, PLENTY, failing, gives_up_one, told_after
from tests.integrations.fault_server import FaultServer, answer, hang, raw, reset, trickle
from tests.timing import in_time

HOUR = timedelta(hours=1)
ID = "0d2579cf-b5a3-4ba3-8841-691330027b7b"
PATIENCE = 0.3
HOSTILE = "[red]x[/] \x1b]52;c;eA==\x07\x1b[2J \x9b31m \u202eabc\u2066 \x00 \u2028"


def stamp(when):
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row(silence_id=ID, state="active", **fields):
    now = datetime.now(UTC)
    return {
        "id": silence_id,
        "status": {"state": state},
        "updatedAt": stamp(now),
        "comment": "known",
        "createdBy": "ana",
        "startsAt": stamp(now - HOUR),
        "endsAt": stamp(now + HOUR if state != "expired" else now - HOUR),
        "matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}],
    } | fields


def good(connection):
    """Reads that work; changes go to `server.change`."""
    path = connection.request.path
    answer(200, [row()] if path.endswith("silences") else row())(connection)


def changing(behave):
    """Reads work, and changes meet `behave`."""
    return lambda connection: (good if connection.request.method == "GET" else behave)(connection)


def wanted(**fields):
    now = datetime.now(UTC)
    return replace(Silence((Matcher("a", "=", "c"),), now, now + HOUR, "ana", "known"), **fields)


@pytest.fixture
def waits(waits):
    """What never comes is among answers that do."""
    return max(waits, MIXED)


@pytest.fixture
def silences(source, clock, token):
    return AlertmanagerSilences("am", [Http(replace(source, name="one"), clock, token)], patience=PATIENCE)


def acts(silences):
    return {
        "create": lambda: silences.create(wanted()),
        "expire": lambda: silences.expire(ID),
        "extend": lambda: silences.extend(ID, datetime.now(UTC) + 2 * HOUR),
    }


def assert_clean(error):
    text = str(error)
    assert CANARY not in text
    assert text.isprintable()
    assert 0 < len(text) < 900


HEAD = b"HTTP/1.1 200 OK\r\n"
FAULTS = {
    "hung": hang,
    "reset": reset,
    "slow body": trickle(HEAD + b"Content-Length: 99999\r\n\r\n", b" "),
    "half a JSON": answer(200, json.dumps([row()])[:99]),
    "cut off": raw(HEAD + b"Content-Length: 100\r\n\r\n[{"),
    "no JSON": answer(200, "<html>log in</html>"),
    "deep": answer(200, "[" * 100_000),
    "empty": answer(200),
    "null": answer(200, "null"),
    "text": answer(200, '"x"'),
    "only junk": answer(200, [5, None]),
    "missing keys": answer(200, [{"id": ID}]),
    "wrong types": answer(200, [row(matchers="a=b"), row(endsAt=5)]),
    "401": answer(401, f"who is {CANARY}?"),
    "403": answer(403, "no"),
    "400": answer(400, '"bad matcher"'),
    "429": answer(429, "slow down", Retry_After="9"),
    "500": answer(500, f"oops {CANARY}\x1b[2J" + "z" * 100_000),
    "redirect": answer(302, Location=f"https://elsewhere.example/?{CANARY}"),
    "204": answer(204),
}


@pytest.mark.parametrize("behave", FAULTS.values(), ids=FAULTS)
def test_35_a_fault_while_reading_is_an_outage_in_time(server, silences, waits, behave):
    server.behave = behave
    for call in (silences.read, *acts(silences).values()):
        assert_clean(in_time(told_after(waits) + 0.6, failing(call)))
    assert {request.method for request in server.requests} == {"GET"}, "nothing is changed unseen"
    server.behave = good
    assert len(silences.read()) == 1


UNCERTAIN = ("hung", "reset", "slow body", "cut off", "500")


@pytest.mark.parametrize("behave", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("act", ["create", "expire", "extend"])
def test_a_fault_while_changing_says_what_is_known(server, silences, waits, act, behave, request):
    server.behave = changing(behave)
    fault = request.node.callspec.id.rsplit("-", 1)[-1]
    if act == "expire" and fault not in (*UNCERTAIN, "401", "403", "400", "429", "redirect"):
        assert silences.expire(ID).outcome == "lost", "whatever it says: it is looked at, and still stands"
        return
    limit = 2 * told_after(waits) + PATIENCE + 0.6
    found = in_time(limit, failing(acts(silences)[act]), server.requests.clear)
    assert_clean(found)
    if fault in ("401", "403", "400"):
        assert isinstance(found, Rejected)
    elif fault == "429":
        assert isinstance(found, Busy)
        assert found.retry_after == 9
    elif fault == "redirect":
        assert not isinstance(found, (Rejected, Uncertain))
    else:
        assert isinstance(found, Uncertain)
    assert sum(item.method != "GET" for item in server.requests) == 1, "a change is never sent twice"


def test_refused_connection(server, silences):
    server.close()
    for call in (silences.read, *acts(silences).values()):
        with pytest.raises(SourceError, match="refuses the connection"):
            call()


def test_a_peer_without_tls(clock, server):
    source = HttpSource("one", server.url.replace("http:", "https:"), timeout=timedelta(seconds=PLENTY))
    with pytest.raises(SourceError, match="TLS"):
        AlertmanagerSilences("am", [Http(source, clock)]).read()


@pytest.mark.parametrize("seconds", [90, -90])
def test_24_a_clock_that_is_off_changes_no_instant(server, silences, clock, seconds):
    ends = datetime.now(UTC).replace(microsecond=0) + HOUR
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    bodies = []

    def behave(connection):
        if connection.request.method == "POST":
            bodies.append(json.loads(connection.request.body))
            answer(200, {"silenceID": ID}, Date=date)(connection)
            return
        made = [row(**{key: bodies[-1][key] for key in ("matchers", "endsAt")})] if bodies else []
        answer(200, made if connection.request.path.endswith("silences") else made[0], Date=date)(connection)

    server.behave = behave
    assert silences.create(wanted(ends_at=ends)).outcome == "done"
    assert datetime.fromisoformat(bodies[0]["endsAt"]) == ends
    theirs = datetime.now(UTC) + timedelta(seconds=min(seconds, 0))
    assert datetime.fromisoformat(bodies[0]["startsAt"]) < theirs, "it must not wait for their clock"


def test_a_server_that_knows_no_negative_matchers_is_found_out(server, silences):
    """Alertmanager before 0.22 reads `!=` as `=`."""
    made = []

    def behave(connection):
        request = connection.request
        if request.method == "POST":
            body = json.loads(request.body)
            for matcher in body["matchers"]:
                del matcher["isEqual"]
            made.append(row(matchers=body["matchers"], endsAt=body["endsAt"]))
            answer(200, {"silenceID": ID})(connection)
        elif request.method == "DELETE":
            made[0] = row(state="expired")
            answer(200)(connection)
        else:
            answer(200, made if request.path.endswith("silences") else made[0])(connection)

    server.behave = behave
    with pytest.raises(Rejected, match="has understood something else"):
        silences.create(wanted(matchers=(Matcher("a", "=", "b"), Matcher("c", "!=", "d"))))
    assert made[0]["status"]["state"] == "expired"


def test_what_cannot_be_taken_back_is_named(server, silences):
    made = []

    def behave(connection):
        request = connection.request
        if request.method == "POST":
            made.append(row(endsAt=json.loads(request.body)["endsAt"]))
            answer(200, {"silenceID": ID})(connection)
        elif request.method == "DELETE":
            answer(403, "no")(connection)
        else:
            answer(200, made if request.path.endswith("silences") else made[0])(connection)

    server.behave = behave
    with pytest.raises(Uncertain, match=f"stands under {ID}, and could not be ended again: .*403"):
        silences.create(wanted())


def test_one_that_cannot_be_read_hides_no_other(server, silences):
    server.behave = answer(200, [row(), row(ID[:-1] + "c", startsAt="2026-11-21T07:00:00"), 5, row(matchers=[])])
    assert [item.id for item in silences.read()] == [ID]
    assert silences.note == "3 of its silences could not be read"
    server.behave = good
    silences.read()
    assert silences.note == ""


def test_5_an_unknown_state_stays_unknown(server, silences):
    server.behave = answer(200, [row(state="hibernating")])
    assert [item.state for item in silences.read()] == [SilenceState.UNKNOWN]


def test_what_ended_long_ago_is_left_out(server, silences):
    ended = {hours: stamp(datetime.now(UTC) - hours * HOUR) for hours in (1, 23, 25)}
    server.behave = answer(200, [row(f"{ID[:-2]}{hours:02}", "expired", endsAt=end) for hours, end in ended.items()])
    assert [item.id[-2:] for item in silences.read()] == ["23", "01"]


def test_36_outside_text_is_made_safe(server, silences):
    matcher = {"name": HOSTILE, "value": HOSTILE * 9, "isRegex": True, "isEqual": False}
    server.behave = answer(200, [row(HOSTILE, HOSTILE, createdBy=HOSTILE, comment=HOSTILE * 999, matchers=[matcher])])
    [found] = silences.read()
    texts = [found.id, found.created_by, found.comment, found.text, found.matchers[0].name, found.matchers[0].value]
    assert all(text == safe(text, 10**6) for text in texts)
    assert max(map(len, texts)) <= 4_000


@gives_up_one
def test_a_peer_that_hangs_is_asked_once(server, clock, source):
    other = FaultServer()
    server.behave, other.behave = hang, good
    try:
        peers = [Http(replace(source, name=name, url=at.url, token=None), clock) for name, at in
                 (("one", server), ("other", other))]  # fmt: skip
        silences = AlertmanagerSilences("am", peers, patience=PATIENCE)
        silences.read()
        silences.read()
        assert (len(server.requests), len(other.requests)) == (1, 2)
    finally:
        other.close()


@pytest.fixture(scope="module")
def shared_server():
    server = FaultServer()
    yield server
    server.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(row())), JSON, max_size=3))
def test_whatever_one_holds_the_others_stay(shared_server, change):
    silences = AlertmanagerSilences("am", [Http(HttpSource("a", shared_server.url), SystemClock())])
    shared_server.behave = answer(200, [row() | change, row(ID[:-1] + "c")])
    found = silences.read()
    assert ID[:-1] + "c" in {item.id for item in found}
    for item in found:
        assert item.starts_at.utcoffset() == item.ends_at.utcoffset() == timedelta(0)
        assert item.text == safe(item.text, 10**6)
