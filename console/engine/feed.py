"""The alert feed: what several Alertmanagers and PagerDuty say, as one list with one word on its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import is_

from console.model.alert import Alert, AlertSnapshot, AlertState
from console.model.board import AlertFeed, SourceStatus
from console.model.feed import merge
from console.model.pager import PagerIncident, PagerSnapshot, PagerStatus
from console.model.reading import ReadingState
from console.settings.outside import Alertmanager

RECENT = timedelta(minutes=10)
"""For how long an arrival is remembered: what comes and goes within it is flapping, what comes in crowds is a storm."""


class FeedKeeper:
    """Puts the feed together anew when a source has answered, and else gives the one from before."""

    def __init__(self, alertmanagers: Sequence[Alertmanager], watchdog: str) -> None:
        self._watchdog = watchdog
        self._clusters: dict[str, list[str]] = {}
        for item in alertmanagers:
            self._clusters.setdefault(item.cluster, []).append(item.source.name)
        self._peers = {name: names for names in self._clusters.values() for name in names}
        self._newest: dict[str, AlertSnapshot] = {}
        self._live: Sequence[str] = ()
        self._ready: dict[str, tuple[list[AlertSnapshot], AlertSnapshot]] = {}
        """By the first peer of a cluster: answers, and what they come to together."""
        self._answers: list[AlertSnapshot | PagerSnapshot | None] = []
        self._standing: list[tuple[ReadingState, str]] | None = None
        self._ours: frozenset[str] = frozenset()
        self._feed = AlertFeed(watchdog=watchdog)
        self._present: frozenset[str] | None = None
        self._arrivals: dict[str, tuple[datetime, ...]] = {}

    def prepare(self, name: str, snapshot: AlertSnapshot) -> None:
        """Puts an answer together with those of its peers, in the thread that it came in: `feed` is called where keys
        are waited for. It is only sooner so: what is not ready is put together there."""
        self._newest[name] = snapshot
        peers = self._peers[name]
        found = [self._newest[peer] for peer in peers if peer in self._newest and (peer == name or peer in self._live)]
        self._ready[peers[0]] = found, merge(found)

    def feed(
        self,
        snapshots: Mapping[str, AlertSnapshot | None],
        statuses: Mapping[str, SourceStatus],
        pager: PagerSnapshot | None,
        now: datetime,
        ours: frozenset[str] = frozenset(),
    ) -> AlertFeed:
        """The feed of this moment; `snapshots` and `statuses` by the source's name. Empty, it is evidence of calm only
        while every cluster has a peer that answers and shows the always-firing alert. `ours` are the dedup keys of our
        own incidents: their pages are no alerts."""
        answers = [pager, *(snapshots.get(name) for name in statuses)]
        standing = [(status.state, status.error) for status in statuses.values()]
        # Compared by identity: the answers are large, and a new one is a new object.
        if standing != self._standing or ours != self._ours or not all(map(is_, answers, self._answers)):
            self._answers, self._standing, self._ours = answers, standing, ours
            self._live = [name for name, status in statuses.items() if status.state is ReadingState.OK]
            self._feed = self._merged(snapshots, statuses, pager)
            self._note_arrivals(self._feed.alerts, now)
        horizon = now - RECENT
        if any(times[0] < horizon for times in self._arrivals.values()):
            fresh = {name: tuple(at for at in times if at >= horizon) for name, times in self._arrivals.items()}
            self._arrivals = {name: times for name, times in fresh.items() if times}
        if self._feed.arrivals is not self._arrivals:
            self._feed = replace(self._feed, arrivals=self._arrivals)
        return self._feed

    def _merged(
        self,
        snapshots: Mapping[str, AlertSnapshot | None],
        statuses: Mapping[str, SourceStatus],
        pager: PagerSnapshot | None,
    ) -> AlertFeed:
        if not self._clusters:
            feed = AlertFeed(note="no alert source is configured", watchdog=self._watchdog)
        else:
            feed = self._of_clusters(
                [
                    self._of_cluster({name: snapshots.get(name) for name in names}, statuses)
                    for names in self._clusters.values()
                ]
            )
        if pager is None:
            return feed
        pages = adopted(feed.alerts, pager.incidents)
        known = {incident.id for incident in pages.values()}
        others = (item for item in pager.incidents if item.id not in known and self._ours.isdisjoint(item.keys))
        alone = {paged(item): item for item in others if item.open}
        pages |= {alert.fingerprint: incident for alert, incident in alone.items()}
        return replace(feed, alerts=(*feed.alerts, *alone), pages=pages)

    def _of_cluster(
        self, snapshots: Mapping[str, AlertSnapshot | None], statuses: Mapping[str, SourceStatus]
    ) -> AlertFeed:
        """One cluster's feed: that of the peers that answer; when none does, what they said last."""
        found = {name: snapshot for name, snapshot in snapshots.items() if snapshot is not None}
        errors = "; ".join(statuses[name].error for name in snapshots if statuses[name].error)
        if not found:
            state = min((statuses[name].state for name in snapshots), key=_worst)
            return AlertFeed(evidence=state, note=errors or "not read yet", watchdog=self._watchdog)
        live = [snapshot for name, snapshot in found.items() if statuses[name].state is ReadingState.OK]
        chosen = live or list(found.values())
        ready = self._ready.get(next(iter(snapshots)))
        known = ready is not None and len(ready[0]) == len(chosen) and all(map(is_, ready[0], chosen))
        merged = ready[1] if ready is not None and known else merge(chosen)
        feed = AlertFeed(merged.alerts, ReadingState.OK, merged.at, watchdog=self._watchdog)
        if not live:
            return replace(feed, evidence=ReadingState.STALE, note=errors)
        if not merged.watchdog_seen:
            note = f"the always-firing alert {self._watchdog!r} is not there"
            return replace(feed, evidence=ReadingState.NO_DATA, note=note)
        return replace(feed, evidence=ReadingState.PARTIAL, note=merged.note) if merged.note else replace(feed, note="")

    def _of_clusters(self, feeds: Sequence[AlertFeed]) -> AlertFeed:
        if len(feeds) == 1:
            return feeds[0]
        worst = min(feeds, key=lambda feed: _worst(feed.evidence))
        merged = merge([AlertSnapshot(feed.alerts, feed.at) for feed in feeds])
        note = "; ".join(feed.note for feed in feeds if feed.note)
        return AlertFeed(merged.alerts, worst.evidence, merged.at, note, self._watchdog)

    def _note_arrivals(self, alerts: Iterable[Alert], now: datetime) -> None:
        present = frozenset(alert.fingerprint for alert in alerts)
        if self._present is not None:
            new = present - self._present
            if new:
                self._arrivals = {**self._arrivals, **{name: (*self._arrivals.get(name, ()), now) for name in new}}
        self._present = present


_ORDER = (
    ReadingState.UNREACHABLE,
    ReadingState.STALE,
    ReadingState.NO_DATA,
    ReadingState.PARTIAL,
    ReadingState.NO_TRAFFIC,
    ReadingState.OK,
)


def _worst(state: ReadingState) -> int:
    return _ORDER.index(state)


def adopted(alerts: Iterable[Alert], incidents: Iterable[PagerIncident]) -> dict[str, PagerIncident]:
    """The PagerDuty incidents that Alertmanager opened for alerts, by fingerprint: those with the dedup key that it
    gives the alert's group."""
    by_key = {key: incident for incident in incidents for key in incident.keys}
    if not by_key:
        return {}
    found = {}
    for alert in alerts:
        for key in alert.page_keys:
            if key in by_key:
                found[alert.fingerprint] = by_key[key]
                break
    return found


def paged(incident: PagerIncident) -> Alert:
    """A PagerDuty incident that no alert of ours stands for, as an item of the feed."""
    labels = {
        "alertname": f"{incident.title} (#{incident.number})",
        "pagerduty": f"#{incident.number}",
        "priority": incident.priority,
        "service": incident.service,
        "urgency": incident.urgency,
    }
    state = AlertState.UNKNOWN if incident.status is PagerStatus.UNKNOWN else AlertState.ACTIVE
    return Alert(
        fingerprint=f"pd:{incident.id}",
        labels=tuple((name, value) for name, value in labels.items() if value),
        annotations=(),
        state=state,
        starts_at=incident.created_at,
        source="pagerduty",
    )
