"""Silences on real Alertmanagers: alone, and two in a cluster of which one is killed."""

import itertools
import json
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from console.engine.clocks import SystemClock
from console.integrations.alertmanager import Alertmanager, AlertmanagerSilences
from console.integrations.http import Http
from console.model.alert import AlertState, Matcher, parse_matcher
from console.model.feed import merge
from console.model.pager import ActOutcome
from console.model.silence import Silence, SilenceState, preview
from console.ports import Rejected, SourceError, Uncertain
from console.settings.outside import HttpSource
from tests.integrations.fault_server import FaultServer, answer
from tests.servers import HttpError, alertmanager_pair, request, wait_until

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
TIMEOUT = timedelta(seconds=20)


class ShiftedClock(SystemClock):
    """Ours, ahead of everybody's by `ahead`."""

    def __init__(self, ahead):
        self.ahead = ahead

    def now(self):
        return super().now() + self.ahead


def http_of(server, clock=None):
    return Http(HttpSource(server.folder.name, server.url, timeout=TIMEOUT), clock or SystemClock())


def silences_of(*servers, clock=None):
    return AlertmanagerSilences("am", [http_of(server, clock) for server in servers])


def alerts_of(server):
    source = Alertmanager(HttpSource(server.folder.name, server.url, timeout=TIMEOUT), "Watchdog", SystemClock())
    return {alert.name: alert for alert in source.read().alerts}


def silence(*matchers, starts=timedelta(0), lasts=HOUR, now=None, **fields):
    begins = (now or datetime.now(UTC)) + starts
    return Silence(tuple(map(parse_matcher, matchers)), begins, begins + lasts, "ana", "known, being fixed", **fields)


def alert(name, **labels):
    return {"labels": {"alertname": name, **labels}}


def test_created_previewed_ended_and_created_anew(alertmanager):
    alertmanager.post_alerts([alert("Slow", pod="a"), alert("Slow2", pod="b"), alert("Slow3", pod=""), alert("Other")])
    silences, wanted = silences_of(alertmanager), silence('alertname=~"Slow.*"', 'pod!="b"')
    hidden = {item.name for item in preview(wanted.matchers, wait_until(lambda: alerts_of(alertmanager).values()))}
    assert hidden == {"Slow", "Slow3"}

    made = silences.create(wanted)
    assert made.outcome is ActOutcome.DONE
    assert "pending" not in made.text
    suppressed = wait_until(lambda: {n for n, a in alerts_of(alertmanager).items() if a.state is AlertState.SUPPRESSED})
    assert suppressed == hidden
    assert alerts_of(alertmanager)["Slow"].silenced_by == (made.ref,)
    [found] = silences.read()
    assert (found.id, found.state, found.cluster) == (made.ref, SilenceState.ACTIVE, "am")
    assert set(found.matchers) == set(wanted.matchers)
    assert (found.created_by, found.comment) == ("ana", "known, being fixed")
    assert silences.create(wanted).outcome is ActOutcome.ALREADY

    ended = silences.expire(made.ref)
    assert ended.outcome is ActOutcome.DONE
    assert silences.expire(made.ref).outcome is ActOutcome.ALREADY
    wait_until(lambda: alerts_of(alertmanager)["Slow"].state is AlertState.ACTIVE)
    [found] = silences.read()
    assert found.state is SilenceState.EXPIRED

    later = silence('alertname=~"Slow.*"', 'pod!="b"')
    anew = silences.create(later)
    assert anew.outcome is ActOutcome.DONE
    assert anew.ref != made.ref
    assert {item.id: item.state for item in silences.read()} == {
        made.ref: SilenceState.EXPIRED, anew.ref: SilenceState.ACTIVE
    }  # fmt: skip


def test_all_four_operators_come_back_as_they_went(alertmanager):
    silences = silences_of(alertmanager)
    odd = Matcher("note", "=", 'say "hi" \\ {there}, ünï')
    wanted = silence("a=b", 'c!="d"', 'e=~"f|g"', 'h!~"i+"')
    wanted = Silence((*wanted.matchers, odd), wanted.starts_at, wanted.ends_at, "ana", 'a "comment"')
    made = silences.create(wanted)
    [found] = silences.read()
    assert set(found.matchers) == set(wanted.matchers)
    raw = alertmanager.silences()[made.ref]["matchers"]
    flags = {item["name"]: (item["isEqual"], item["isRegex"]) for item in raw}
    assert flags == {
        "a": (True, False), "c": (False, False), "e": (True, True), "h": (False, True), "note": (True, False)
    }  # fmt: skip


ODD = {"Windows": "C:\\dir", "Regex": "a.b", "Quote": 'say "hi"', "Line": "one\ntwo", "End": "a\\"}
WRITTEN = [
    r'path="C:\dir"', r'path="C:\\dir"', r'path=C:\dir', r'path=~"C:\\.*"', r'path=~"C:\\\\.*"', r'path=~"a\.b"',
    r'path=~"a\\.b"', r'path=~"a\\\\.b"', r'path="say \"hi\""', r'path=~"say .hi."', r'path="one\ntwo"',
    r'path=~"one\ntwo"', r'path=~"one\\ntwo"', r'path="a\\"', r'path=~".*\\\\"',
    *(str(Matcher("path", "=", text)) for text in ODD.values()),
]  # fmt: skip


def test_what_is_escaped_means_what_alertmanager_takes_it_for(alertmanager):
    alertmanager.post_alerts([alert(name, path=text) for name, text in ODD.items()])
    wait_until(lambda: len(alerts_of(alertmanager)) == len(ODD))
    for text in WRITTEN:
        theirs = {item["labels"]["alertname"] for item in alertmanager.alerts(filter=text)}
        ours = {name for name, path in ODD.items() if parse_matcher(text).matches({"path": path})}
        assert ours == theirs, text


@pytest.mark.parametrize("starts", [timedelta(0), HOUR], ids=["active", "pending"])
def test_extended_under_the_same_id(alertmanager, starts):
    silences, wanted = silences_of(alertmanager), silence("a=b", "c=d", starts=starts)
    made = silences.create(wanted)
    before = alertmanager.silences()[made.ref]
    longer = wanted.ends_at + HOUR
    moved = silences.extend(made.ref, longer)
    assert (moved.outcome, moved.ref) == (ActOutcome.DONE, made.ref)
    after = alertmanager.silences()
    assert list(after) == [made.ref]
    assert after[made.ref]["startsAt"] == before["startsAt"]
    assert abs(datetime.fromisoformat(after[made.ref]["endsAt"]) - longer) < timedelta(milliseconds=1)
    assert silences.extend(made.ref, longer).outcome is ActOutcome.ALREADY
    shorter = silences.extend(made.ref, longer - HOUR)
    assert shorter.outcome is ActOutcome.DONE


def test_an_ended_one_is_not_extended(alertmanager):
    silences, wanted = silences_of(alertmanager), silence("a=b")
    made = silences.create(wanted)
    alertmanager.expire_silence(made.ref)
    lost = silences.extend(made.ref, wanted.ends_at + HOUR)
    assert lost.outcome is ActOutcome.LOST
    assert "had ended at" in lost.text
    assert len(alertmanager.silences()) == 1


class Between:
    """Stands between the console and a real Alertmanager. `first` happens before a change is passed on; the answer to
    a change is lost while `loses`."""

    def __init__(self, server):
        self.server, self.folder = server, server.folder
        self.first, self.loses = None, False
        self._proxy = FaultServer()
        self._proxy.behave = self._pass_on
        self.url, self.close = self._proxy.url, self._proxy.close

    def _pass_on(self, connection):
        asked = connection.request
        changes = asked.method != "GET"
        if changes and self.first:
            self.first()
        body = json.loads(asked.body) if asked.body else None
        try:
            given = answer(200, request(self.server.address, asked.method, asked.target, body))
        except HttpError as error:
            given = answer(error.status, error.body)
        if not (changes and self.loses):
            given(connection)


@pytest.fixture
def between():
    with ExitStack() as open_:

        def stand(server):
            return open_.enter_context(closing(Between(server)))

        yield stand


def test_ended_by_somebody_else_between_look_and_change(alertmanager, between):
    way, wanted = between(alertmanager), silence("a=b")
    silences = silences_of(way)
    made = silences.create(wanted)
    way.first = lambda: alertmanager.expire_silence(made.ref)
    lost = silences.extend(made.ref, wanted.ends_at + HOUR)
    assert lost.outcome is ActOutcome.LOST
    states = [item["status"]["state"] for item in alertmanager.silences().values()]
    assert states == ["expired", "expired"], "what Alertmanager made anew for us is taken back"


def test_ended_by_somebody_else_before_our_end(alertmanager, between):
    way = between(alertmanager)
    silences = silences_of(way)
    made = silences.create(silence("a=b"))
    way.first = lambda: alertmanager.expire_silence(made.ref)
    assert silences.expire(made.ref).outcome is ActOutcome.DONE
    assert alertmanager.silences()[made.ref]["status"]["state"] == "expired"


def test_two_operators_create_the_same_and_different_ones(alertmanager):
    mine, theirs = silences_of(alertmanager), silences_of(alertmanager)
    wanted = silence("a=b")
    first, second = mine.create(wanted), theirs.create(wanted)
    assert (second.outcome, second.ref) == (ActOutcome.ALREADY, first.ref)
    other = Silence(wanted.matchers, wanted.starts_at, wanted.ends_at, "ben", wanted.comment)
    assert theirs.create(other).outcome is ActOutcome.DONE
    assert len(mine.read()) == 2


BAD = {
    "an end in the past": (silence("a=b", starts=-2 * HOUR), "in the past"),
    "an end before its start": (silence("a=b", starts=2 * HOUR, lasts=-HOUR), "not after its start"),
    "no matcher": (silence(), "fit every alert"),
    "matchers of nothing": (silence('a=~".*"', "b!=c", 'd=""'), "fit every alert"),
    "every name": (silence('alertname=~".+"'), "fit every alert"),
    "any name": (silence('alertname!=""', 'team!~"x"'), "fit every alert"),
    "what could not be shown": (silence('a="\ufffd"'), "could not be shown"),
    "naive": (silence("a=b", now=datetime(2999, 1, 1)), "time zone"),  # noqa: DTZ001
}


@pytest.mark.parametrize(("bad", "words"), BAD.values(), ids=BAD)
def test_26_refused_before_anything_is_sent(alertmanager, bad, words):
    silences = silences_of(alertmanager)
    alertmanager.stop()
    with pytest.raises(Rejected, match=words):
        silences.create(bad)


def test_26_an_instant_typed_in_local_time_comes_back_as_the_same_instant(alertmanager):
    silences = silences_of(alertmanager)
    year = datetime.now(UTC).year + 1
    for number, (zone, fold) in enumerate(
        itertools.product(["America/Chicago", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia"], (0, 1))
    ):
        typed = datetime(year, 11, 1, 1, 30, 0, 123_000, tzinfo=ZoneInfo(zone), fold=fold)
        wanted = Silence((Matcher("a", "=", str(number)),), datetime.now(UTC), typed, "ana", "c")
        made = silences.create(wanted)
        [found] = [item for item in silences.read() if item.id == made.ref]
        assert found.ends_at == typed.astimezone(UTC)
        assert found.ends_at.utcoffset() == timedelta(0)
        assert all(when.tzinfo for when in (found.starts_at, found.updated_at))


def test_alertmanager_s_own_refusals_in_both_shapes(alertmanager):
    silences, now = silences_of(alertmanager), datetime.now(UTC)
    with pytest.raises(Rejected, match=r"answers 400: silence invalid: invalid label matcher 0"):
        silences.create(Silence((Matcher("a", "=~", "(?<x>"),), now, now + HOUR, "ana", "c"))
    with pytest.raises(Rejected, match=r"answers 4\d\d: .*"):
        silences.create(Silence((Matcher("", "=", "x"),), now, now + HOUR, "ana", "c"))
    with pytest.raises(Rejected, match="there is no silence"):
        silences.extend("00000000-0000-0000-0000-000000000000", now + HOUR)
    with pytest.raises(Rejected, match="is no silence's id"):
        silences.expire("../../status")


@pytest.mark.parametrize("ahead", [90, -90])
def test_24_a_silence_from_now_on_waits_for_no_clock(alertmanager, ahead):
    clock = ShiftedClock(timedelta(seconds=ahead))
    silences = silences_of(alertmanager, clock=clock)
    made = silences.create(silence("a=b", now=clock.now()))
    [found] = silences.read()
    assert (found.id, found.state) == (made.ref, SilenceState.ACTIVE)
    if ahead < 0:
        soon = silence("a=c", lasts=timedelta(seconds=30), now=clock.now())
        with pytest.raises(Rejected, match="in the past by the clock of"):
            silences.create(soon)
        with pytest.raises(Rejected, match="in the past by the clock of"):
            silences.extend(made.ref, clock.now() + timedelta(seconds=30))


@pytest.fixture
def pair(tmp_path):
    with alertmanager_pair(tmp_path) as servers:
        yield servers


def test_a_cluster_of_which_one_is_killed(pair):
    one, other = pair
    for server in pair:
        server.post_alerts([alert("Watchdog"), alert("Slow")])
    silences = silences_of(one, other)
    wanted = silence("alertname=Slow")
    made = silences.create(wanted)
    assert made.ref in one.silences()
    wait_until(lambda: made.ref in other.silences(), what="the silence on the other peer")

    one.kill()
    [found] = silences.read()
    assert (found.id, found.state) == (made.ref, SilenceState.ACTIVE)
    moved = silences.extend(made.ref, wanted.ends_at + HOUR)
    assert (moved.outcome, moved.ref) == (ActOutcome.DONE, made.ref)
    again = silences.create(silence("alertname=Other"))
    assert again.outcome is ActOutcome.DONE
    assert silences.expire(again.ref).outcome is ActOutcome.DONE

    one.start()
    wait_until(lambda: again.ref in one.silences(), what="gossip after the restart")
    other.kill()
    assert {item.id: item.state for item in silences.read()} == {
        made.ref: SilenceState.ACTIVE, again.ref: SilenceState.EXPIRED
    }  # fmt: skip
    one.kill()
    with pytest.raises(SourceError, match=r"no Alertmanager of am can say: .*refuses.*; .*refuses") as caught:
        silences.read()
    assert not isinstance(caught.value, Uncertain)


def test_two_peers_give_one_feed(pair):
    began = datetime.now(UTC) - HOUR
    for server in pair:
        server.post_alerts([alert(name) | {"startsAt": began.isoformat()} for name in ("Watchdog", "Slow")])
    pair[1].post_alerts([alert("Only here")])
    sources = [
        Alertmanager(HttpSource(server.folder.name, server.url, timeout=TIMEOUT), "Watchdog", SystemClock())
        for server in pair
    ]

    def all_three():
        found = merge([source.read() for source in sources])
        names = {alert.name for alert in found.alerts if alert.state is AlertState.ACTIVE}
        return found if names == {"Watchdog", "Slow", "Only here"} else None

    merged = wait_until(all_three)
    assert merged.watchdog_seen
    assert {alert.name: alert.source for alert in merged.alerts}["Only here"] == "other"
    assert len({alert.fingerprint for alert in merged.alerts}) == 3


def test_a_lost_answer_is_looked_up_on_the_other_peer(pair, between):
    one, other = pair
    way, wanted = between(one), silence("a=b")
    way.loses = True
    silences = silences_of(way, other)
    made = silences.create(wanted)
    assert (made.outcome, bool(made.ref)) == (ActOutcome.DONE, True)
    moved = silences.extend(made.ref, wanted.ends_at + HOUR)
    assert (moved.outcome, moved.ref) == (ActOutcome.DONE, made.ref)
    assert silences.expire(made.ref).outcome is ActOutcome.DONE
    assert list(one.silences()) == [made.ref]
    assert one.silences()[made.ref]["status"]["state"] == "expired"


def test_a_lost_answer_of_a_peer_that_died_is_uncertain(alertmanager, between):
    way, wanted = between(alertmanager), silence("a=b")
    way.loses, way.first = True, alertmanager.kill
    silences = AlertmanagerSilences("am", [http_of(way)], patience=0.3)
    with pytest.raises(Uncertain, match="may or may not have been carried out"):
        silences.create(wanted)
