"""Several Alertmanagers, one feed: nothing is lost, nothing is doubled, nothing that fires is hidden."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from console.model.alert import Alert, AlertSnapshot, AlertState
from console.model.feed import merge

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@st.composite
def answers(draw):
    """One to four sources; each says what it likes about a few alerts."""
    snapshots = []
    for source in "abcd"[: draw(st.integers(1, 4))]:
        alerts = tuple(
            Alert(
                fingerprint,
                (("alertname", fingerprint),),
                (),
                draw(st.sampled_from(AlertState)),
                START + timedelta(seconds=draw(st.integers(0, 3))),
                source,
                paged=draw(st.sampled_from([None, False, True])),
                page_keys=tuple(sorted(draw(st.sets(st.sampled_from("xyz"), max_size=2)))),
            )
            for fingerprint in draw(st.lists(st.sampled_from("pqrs"), unique=True))
        )
        at = START + timedelta(seconds=draw(st.integers(0, 9)))
        watchdog, skew = draw(st.booleans()), draw(st.sampled_from([0.0, -90.0, 3.0]))
        changed = frozenset(draw(st.sets(st.sampled_from([alert.fingerprint for alert in alerts])))) if alerts else ()
        note = draw(st.sampled_from(["", f"{source} is odd"]))
        snapshots.append(AlertSnapshot(alerts, at, watchdog, skew, note, frozenset(changed)))
    return snapshots


def by_fingerprint(snapshot):
    return {alert.fingerprint: alert for alert in snapshot.alerts}


@given(answers())
def test_each_alert_is_there_once_and_in_order(snapshots):
    seen = [alert.fingerprint for snapshot in snapshots for alert in snapshot.alerts]
    assert [alert.fingerprint for alert in merge(snapshots).alerts] == list(dict.fromkeys(seen))


@given(answers())
def test_what_fires_anywhere_is_never_hidden(snapshots):
    merged = by_fingerprint(merge(snapshots))
    for snapshot in snapshots:
        for alert in snapshot.alerts:
            if alert.state is AlertState.ACTIVE:
                assert merged[alert.fingerprint].state is AlertState.ACTIVE
            if merged[alert.fingerprint].state in (AlertState.SUPPRESSED, AlertState.RESOLVED):
                assert alert.state in (AlertState.SUPPRESSED, AlertState.RESOLVED)


@given(answers())
def test_no_page_of_a_source_is_lost(snapshots):
    merged = by_fingerprint(merge(snapshots))
    for snapshot in snapshots:
        for alert in snapshot.alerts:
            assert set(alert.page_keys) <= set(merged[alert.fingerprint].page_keys)
            assert merged[alert.fingerprint].paged or not alert.paged


@given(answers())
def test_nothing_is_made_up(snapshots):
    for alert in merge(snapshots).alerts:
        said = [found for snapshot in snapshots if (found := by_fingerprint(snapshot).get(alert.fingerprint))]
        assert (alert.state, alert.starts_at, alert.source) in {(a.state, a.starts_at, a.source) for a in said}
        assert set(alert.page_keys) <= {key for other in said for key in other.page_keys}


@given(answers(), st.randoms(use_true_random=False))
def test_the_order_of_the_sources_decides_nothing(snapshots, random):
    mixed = random.sample(snapshots, len(snapshots))
    one, other = by_fingerprint(merge(snapshots)), by_fingerprint(merge(mixed))
    assert {name: (a.state, a.starts_at, a.source) for name, a in one.items()} == {
        name: (a.state, a.starts_at, a.source) for name, a in other.items()
    }


@given(answers())
def test_the_same_answers_give_the_same_objects_when_the_pages_agree(snapshots):
    unpaged = [
        AlertSnapshot(tuple(a for a in snapshot.alerts if not (a.page_keys or a.paged)), snapshot.at)
        for snapshot in snapshots
    ]
    given = {id(alert) for snapshot in unpaged for alert in snapshot.alerts}
    assert all(id(alert) in given for alert in merge(unpaged).alerts)


@given(answers())
def test_it_is_evidence_only_where_the_watchdog_is_and_as_old_as_its_oldest_part(snapshots):
    merged = merge(snapshots)
    assert merged.watchdog_seen is any(snapshot.watchdog_seen for snapshot in snapshots)
    assert merged.at == min(snapshot.at for snapshot in snapshots)
    assert abs(merged.skew_seconds) == max(abs(snapshot.skew_seconds) for snapshot in snapshots)
    assert all(snapshot.note in merged.note for snapshot in snapshots)
    assert merged.changed == {name for snapshot in snapshots for name in snapshot.changed}


def test_nobody_answered():
    assert merge([]) == AlertSnapshot()
