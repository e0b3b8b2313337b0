"""The feed out of several sources: what counts as evidence, who pages, what arrives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.engine.feed import RECENT, FeedKeeper
from console.model.alert import Alert, AlertSnapshot, AlertState
from console.model.board import SourceStatus
from console.model.pager import PagerIncident, PagerSnapshot, PagerStatus
from console.model.reading import ReadingState
from console.settings.outside import Alertmanager, HttpSource

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEERS = tuple(Alertmanager(HttpSource(name, "http://x")) for name in ("am 1", "am 2"))
OTHER = Alertmanager(HttpSource("far", "http://y"), "far")


def alert(name: str, *, page_keys: tuple[str, ...] = (), state: AlertState = AlertState.ACTIVE) -> Alert:
    return Alert(name, (("alertname", name),), (), state, NOW, page_keys=page_keys, paged=bool(page_keys))


def said(*alerts: Alert, watchdog: bool = True) -> AlertSnapshot:
    return AlertSnapshot(alerts, NOW, watchdog)


def status(name: str, state: ReadingState = ReadingState.OK, error: str = "") -> SourceStatus:
    return SourceStatus(name, state, NOW, error)


DEAD = ReadingState.UNREACHABLE


def test_one_living_peer_of_a_cluster_is_evidence() -> None:
    keeper = FeedKeeper(PEERS, "Watchdog")
    statuses = {"am 1": status("am 1", DEAD, "refused"), "am 2": status("am 2")}
    feed = keeper.feed({"am 1": said(alert("old")), "am 2": said(alert("new"))}, statuses, None, NOW)
    assert [item.fingerprint for item in feed.alerts] == ["new"]
    assert feed.evidence is ReadingState.OK


def test_a_dead_cluster_is_stale_beside_a_living_one() -> None:
    keeper = FeedKeeper((PEERS[0], OTHER), "Watchdog")
    statuses = {"am 1": status("am 1", DEAD, "refused"), "far": status("far")}
    feed = keeper.feed({"am 1": said(alert("old")), "far": said(alert("new"))}, statuses, None, NOW)
    assert {item.fingerprint for item in feed.alerts} == {"old", "new"}
    assert feed.evidence is ReadingState.STALE
    assert feed.note == "refused"


def test_what_was_put_together_beforehand_is_taken_only_where_it_is_what_stands_now() -> None:
    one, two, three = said(alert("a")), said(alert("b")), said(alert("c"))
    keeper = FeedKeeper(PEERS, "Watchdog")
    up = {"am 1": status("am 1"), "am 2": status("am 2")}
    down = {**up, "am 1": status("am 1", DEAD, "refused")}

    def seen(first: AlertSnapshot, second: AlertSnapshot, statuses: dict[str, SourceStatus]) -> list[str]:
        return [item.fingerprint for item in keeper.feed({"am 1": first, "am 2": second}, statuses, None, NOW).alerts]

    assert seen(one, two, up) == ["a", "b"]
    keeper.prepare("am 1", one)
    keeper.prepare("am 2", two)
    assert seen(one, two, up) == ["a", "b"]
    keeper.prepare("am 2", three)
    assert seen(one, two, up) == ["a", "b"]  # the answer has not arrived yet
    prepared = keeper._ready["am 1"][1]
    assert keeper.feed({"am 1": one, "am 2": three}, up, None, NOW).alerts is prepared.alerts
    assert seen(one, three, down) == ["c"]
    keeper.prepare("am 2", two)
    assert seen(one, two, down) == ["b"]
    assert seen(one, two, up) == ["a", "b"]


def test_without_the_always_firing_alert_an_empty_feed_is_no_evidence() -> None:
    keeper = FeedKeeper(PEERS[:1], "Watchdog")
    feed = keeper.feed({"am 1": said(watchdog=False)}, {"am 1": status("am 1")}, None, NOW)
    assert feed.evidence is ReadingState.NO_DATA
    assert "'Watchdog' is not there" in feed.note


def test_the_page_of_our_own_incident_is_no_alert() -> None:
    keeper = FeedKeeper(PEERS[:1], "Watchdog")
    snapshot = PagerSnapshot((page(1, "oncall-i1"), page(2, "other")), at=NOW)
    statuses = {"am 1": status("am 1")}
    told = keeper.feed({"am 1": said()}, statuses, snapshot, NOW)
    assert {item.fingerprint for item in told.alerts} == {"pd:P1", "pd:P2"}
    told = keeper.feed({"am 1": said()}, statuses, snapshot, NOW, frozenset({"oncall-i1"}))
    assert {item.fingerprint for item in told.alerts} == {"pd:P2"}, "as soon as it is known to be ours"


def test_nothing_read_yet_and_nothing_configured_are_told_apart() -> None:
    unread = FeedKeeper(PEERS[:1], "W").feed({}, {"am 1": status("am 1", ReadingState.NO_DATA)}, None, NOW)
    assert (unread.evidence, unread.note) == (ReadingState.NO_DATA, "not read yet")
    assert FeedKeeper((), "W").feed({}, {}, None, NOW).note == "no alert source is configured"


def page(number: int, *keys: str, status: PagerStatus = PagerStatus.TRIGGERED) -> PagerIncident:
    return PagerIncident(f"P{number}", number, f"page {number}", status, "high", "lighthouse", NOW, keys)


def test_a_page_under_the_alerts_key_is_adopted_and_any_other_is_an_item_of_its_own() -> None:
    keeper = FeedKeeper(PEERS[:1], "Watchdog")
    pager = PagerSnapshot((page(1, "k1"), page(2, "k2"), page(3, status=PagerStatus.UNKNOWN)), at=NOW)
    feed = keeper.feed({"am 1": said(alert("a", page_keys=("k0", "k1")))}, {"am 1": status("am 1")}, pager, NOW)
    assert {name: found.id for name, found in feed.pages.items()} == {"a": "P1", "pd:P2": "P2", "pd:P3": "P3"}
    assert [(item.fingerprint, item.state) for item in feed.alerts] == [
        ("a", AlertState.ACTIVE),
        ("pd:P2", AlertState.ACTIVE),
        ("pd:P3", AlertState.UNKNOWN),
    ]


def test_arrivals_are_those_after_the_first_answer_and_are_forgotten() -> None:
    keeper = FeedKeeper(PEERS[:1], "Watchdog")
    statuses = {"am 1": status("am 1")}
    keeper.feed({"am 1": said(alert("a"))}, statuses, None, NOW)
    for minute, alerts in enumerate(((), (alert("a"),), (), (alert("a"), alert("b")))):
        feed = keeper.feed({"am 1": said(*alerts)}, statuses, None, NOW + timedelta(minutes=minute))
    assert {name: len(times) for name, times in feed.arrivals.items()} == {"a": 2, "b": 1}
    later = keeper.feed({"am 1": said(alert("b"))}, statuses, None, NOW + timedelta(minutes=2) + RECENT)
    assert set(later.arrivals) == {"a", "b"}
    assert {name: len(times) for name, times in later.arrivals.items()} == {"a": 1, "b": 1}
    assert not keeper.feed({"am 1": said()}, statuses, None, NOW + 2 * RECENT).arrivals


def test_nothing_is_put_together_anew_while_no_source_has_answered() -> None:
    keeper = FeedKeeper(PEERS[:1], "Watchdog")
    snapshots, statuses = {"am 1": said(alert("a"))}, {"am 1": status("am 1")}
    first = keeper.feed(snapshots, statuses, None, NOW)
    assert keeper.feed(snapshots, statuses, None, NOW + timedelta(seconds=1)) is first
    failed = {"am 1": replace(statuses["am 1"], state=DEAD, error="refused")}
    assert keeper.feed(snapshots, failed, None, NOW).evidence is ReadingState.STALE
