"""The feed as rows."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from console.model.alert import AlertState
from console.model.board import AlertFeed
from console.model.care import AlertCare
from console.model.filter import parse_filter
from console.model.folding import BY_GROUP, FLAT, Arrangement, Fold, Folder, Row, Sort, label_names, rank_of
from console.model.reading import ReadingState
from tests.tui import feeds

NOW = feeds.NOW


def feed(alerts, **arrivals):
    times = {
        f"{int(name[1:]):016x}": tuple(NOW - timedelta(seconds=ago) for ago in agos) for name, agos in arrivals.items()
    }
    return AlertFeed(tuple(alerts), ReadingState.OK, NOW, "", arrivals=times)


def fold(alerts, care=(), folder=None, arrived=None, **wanted):
    found = alerts if isinstance(alerts, AlertFeed) else feed(alerts, **(arrived or {}))
    cared = {item.fingerprint: item for item in care}
    return (folder or Folder()).fold(found, cared, Arrangement(**wanted), NOW)


def took(alert):
    return AlertCare(alert.fingerprint, acknowledged_at=NOW, acknowledged_by="bob", firing=alert.starts_at, version=1)


def names(folded):
    return [row.name or row.title for row in folded.rows]


# -- order and counts -------------------------------------------------------------------------------------------------


def test_what_nobody_has_comes_first_then_the_worst_then_the_newest():
    old = feeds.alert(1, "OldCritical", severity="critical", minutes=50)
    new = feeds.alert(2, "NewCritical", severity="critical", minutes=1)
    warning = feeds.alert(3, "Warning", minutes=0.5)
    had = feeds.alert(4, "Had", severity="critical", minutes=2)
    quiet = feeds.alert(5, "Quiet", severity="critical", minutes=1, state=AlertState.SUPPRESSED)
    folded = fold([quiet, had, warning, old, new], [took(had)])
    assert names(folded) == ["NewCritical", "OldCritical", "Warning", "Had", "Quiet"]
    assert (folded.counts.unowned, folded.counts.owned, folded.counts.suppressed) == (3, 1, 1)
    assert folded.counts.active == 4
    assert [row.owned for row in folded.rows] == [False, False, False, True, False]


def test_06_an_acknowledgement_ends_with_its_firing():
    alert = feeds.alert(1)
    again = replace(alert, starts_at=NOW)
    folder = Folder()
    assert fold([alert], [took(alert)], folder).counts.owned == 1
    assert fold([again], [took(alert)], folder).counts.unowned == 1


def test_an_acknowledgement_is_seen_although_the_alert_is_the_same_object():
    alert, folder = feeds.alert(1), Folder()
    found = feed([alert])
    assert not fold(found, (), folder).rows[0].owned
    assert fold(found, [took(alert)], folder).rows[0].owned


def test_other_orders():
    alerts = [
        feeds.alert(1, "B", severity="critical", minutes=9),
        feeds.alert(2, "A", minutes=1),
        feeds.alert(3, "C", minutes=5),
    ]
    assert names(fold(alerts, sort=Sort.NEWEST, group_by=FLAT)) == ["A", "C", "B"]
    assert names(fold(alerts, sort=Sort.NAME, group_by=FLAT)) == ["A", "B", "C"]
    pair = [feeds.alert(n, "Pair", group="g", severity="info") for n in (7, 8)]
    assert names(fold([*alerts, *pair], sort=Sort.COUNT))[0] == "Pair"


def test_the_always_firing_alert_is_no_row_and_not_counted():
    folded = fold([feeds.alert(1, "Watchdog")])
    assert not folded.rows
    assert folded.counts.active == 0


def test_a_state_that_is_not_known_is_not_taken_for_quiet():
    folded = fold([feeds.alert(1, "Strange", state=AlertState.UNKNOWN), feeds.alert(2, "Info", severity="info")])
    assert names(folded)[0] == "Strange"
    assert folded.counts.other == 1


# -- groups -----------------------------------------------------------------------------------------------------------


def test_groups_as_alertmanager_groups_them_small_ones_are_open():
    small = [feeds.alert(n, "Small", group="small") for n in range(3)]
    large = [feeds.alert(n, "Large", group="large", severity="critical") for n in range(10, 30)]
    folded = fold([*small, *large, feeds.alert(90, "Alone", group="alone")])
    first, second, *inside = folded.rows[:5]
    assert isinstance(first, Fold)
    assert (first.name, len(first.alerts), first.unowned, first.opened) == ("Large", 20, 20, False)
    assert isinstance(folded.rows[1], Row | Fold)
    assert {row.name for row in inside if isinstance(row, Row)} <= {"Small", "Alone"}
    assert sum(isinstance(row, Row) and row.inside for row in folded.rows) == 3
    assert second.id in folded.places


def test_a_fold_is_opened_and_closed_by_its_id():
    alerts = [feeds.alert(n, "Large", group="g") for n in range(10)]
    wanted = Arrangement()
    closed = Folder().fold(feed(alerts), {}, wanted, NOW)
    opened = Folder().fold(feed(alerts), {}, wanted.toggled(closed.rows[0]), NOW)
    assert len(closed.rows) == 1
    assert len(opened.rows) == 11
    again = Folder().fold(feed(alerts), {}, wanted.toggled(closed.rows[0]).toggled(opened.rows[0]), NOW)
    assert len(again.rows) == 1


def test_any_label_groups():
    alerts = [feeds.alert(n, f"Name{n}", team="ab"[n % 2]) for n in range(8)]
    folded = fold(alerts, group_by="team")
    assert {row.title for row in folded.rows if isinstance(row, Fold)} == {'team="a"', 'team="b"'}
    assert label_names(alerts) == ("alertname", "job", "severity", "team")


def test_only_what_passes_the_filter_is_listed_but_everything_is_counted():
    alerts = [feeds.alert(n, f"Name{n}", team="ab"[n % 2]) for n in range(8)]
    folded = fold(alerts, filter=parse_filter('team="a"'))
    assert folded.passed == len(folded.rows) == 4
    assert folded.counts.active == 8


# -- storms and flapping ----------------------------------------------------------------------------------------------


def storm(count, kinds):
    alerts = [feeds.alert(1000 + n, f"Storm{n % kinds}", group=f"own-{n}", severity="critical") for n in range(count)]
    return alerts, {f"a{1000 + n}": (n * 10 / count,) for n in range(count)}


def test_29_a_storm_is_one_row_for_each_name_with_count_and_rate():
    alerts, arrived = storm(5000, 4)
    before = feeds.alert(1, "Before")
    for by in (BY_GROUP, FLAT, "instance"):
        folded = fold([before, *alerts], arrived=arrived, group_by=by)
        folds = [row for row in folded.rows if isinstance(row, Fold)]
        assert len(folded.rows) <= 6
        assert sum(len(row.alerts) for row in folds) + sum(isinstance(row, Row) for row in folded.rows) >= 5001
        assert any(row.rate >= 1000 for row in folds)
        assert folded.counts.storm


def test_29_a_storm_of_many_names_is_one_row():
    alerts, arrived = storm(5000, 5000)
    folded = fold([feeds.alert(1, "Before"), *alerts], arrived=arrived)
    assert len(folded.rows) == 2
    assert {len(row.alerts) for row in folded.rows} == {1, 5000}


def test_few_arrivals_are_no_storm():
    alerts, arrived = storm(19, 1)
    folded = fold(alerts, arrived=arrived)
    assert len(folded.rows) == 19
    assert not folded.counts.storm


def test_31_an_alert_that_comes_and_goes_stays_one_row_with_a_count():
    alert, folder = feeds.alert(2, "Flaps"), Folder()
    for number in range(1, 30):
        ago = tuple(range(number, 0, -1))
        there = fold(feed([replace(alert)], a2=ago), (), folder)
        gone = fold(feed([], a2=ago), (), folder)
        assert len(there.rows) == 1
        assert there.rows[0].repeats == number
        assert len(gone.rows) == (1 if number >= 3 else 0)
        if gone.rows:
            assert gone.rows[0].id == there.rows[0].id
            assert gone.rows[0].alert.state is AlertState.RESOLVED
            assert gone.counts.active == 0
    assert not fold(feed([]), (), folder).rows


# -- the same as from scratch -----------------------------------------------------------------------------------------

STATES = st.sampled_from([AlertState.ACTIVE, AlertState.ACTIVE, AlertState.SUPPRESSED, AlertState.UNKNOWN])
ALERTS = st.builds(
    lambda number, severity, minutes, state, group: feeds.alert(
        number, f"Name{number % 3}", severity=severity, minutes=minutes, state=state, group=group, team="ab"[number % 2]
    ),
    st.integers(0, 12),
    st.sampled_from(["critical", "warning", "info", "", "odd"]),
    st.integers(0, 100),
    STATES,
    st.sampled_from(["", "g1", "g2"]),
)
FEEDS = st.lists(ALERTS, max_size=12, unique_by=lambda alert: alert.fingerprint)
WANTED = st.builds(
    Arrangement,
    st.sampled_from(["", 'severity="critical"', "name1", "@acked=no", '!name2 team=~"a|c"']).map(parse_filter),
    st.sampled_from(list(Sort)),
    st.sampled_from([BY_GROUP, FLAT, "team"]),
)


@given(
    st.lists(
        st.tuples(FEEDS, st.sets(st.integers(0, 12)), WANTED, st.none() | st.integers(0, 40)), min_size=1, max_size=5
    )
)
def test_feed_after_feed_gives_what_a_fresh_start_gives(rounds):
    folder, kept = Folder(), {}
    for alerts, taken, wanted, given_up_after in rounds:
        # Unchanged alerts are the same objects from feed to feed, as their source keeps them.
        alerts = [kept.setdefault((item.fingerprint, item), item) for item in alerts]
        care = {item.fingerprint: took(item) for item in alerts if int(item.fingerprint, 16) in taken}
        if given_up_after is not None:
            for _ in zip(range(given_up_after), folder.steps(feed(alerts), care, wanted, NOW), strict=False):
                pass
            continue
        told = folder.fold(feed(alerts), care, wanted, NOW)
        fresh = Folder().fold(feed(alerts), care, wanted, NOW)
        assert (told.rows, told.counts, told.passed) == (fresh.rows, fresh.counts, fresh.passed)
        assert told.places == {row.id: number for number, row in enumerate(told.rows)}
        if wanted.sort is Sort.SEVERITY and wanted.group_by == FLAT:
            quiet = AlertState.SUPPRESSED
            keys = [
                (r.alert.state is quiet, r.owned and r.alert.state is not quiet, rank_of(r.alert)) for r in told.rows
            ]
            assert keys == sorted(keys)


@given(FEEDS, FEEDS, st.integers(0, 60))
def test_a_fold_that_was_given_up_leaves_nothing_behind(first, second, pauses):
    folder = Folder()
    steps = folder.steps(feed(first), {}, Arrangement(), NOW)
    for _ in zip(range(pauses), steps, strict=False):
        pass
    assert (
        folder.fold(feed(second), {}, Arrangement(), NOW).rows
        == Folder().fold(feed(second), {}, Arrangement(), NOW).rows
    )


def test_what_is_known_does_not_grow_with_the_refreshes():
    folder, alerts, sizes = Folder(), [feeds.alert(n, f"Name{n % 7}", group=f"g{n % 9}") for n in range(200)], set()
    for number in range(500):
        # One leaves, one comes into a group of its own, one is said again in other words.
        alerts = [*alerts[1:], feeds.alert(1000 + number, f"New{number}", group=f"new-{number}")]
        alerts[number % 200] = replace(alerts[number % 200], annotations=(("summary", str(number)),))
        fold(alerts, [took(alerts[5])], folder, {f"a{1000 + number}": (1,)})
        kept = (getattr(folder, name) for name in ("_known", "_held", "_marked", "_groups", "_entries", "_new"))
        if number > 200:
            sizes.add(tuple(map(len, kept)))
    assert sizes == {(200, 200, 2, 200, 200, 0)}
