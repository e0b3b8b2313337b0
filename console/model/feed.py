"""One alert feed out of several Alertmanagers' answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from console.model.alert import Alert, AlertSnapshot, AlertState

_LOUDNESS = {
    AlertState.ACTIVE: 0,
    AlertState.UNPROCESSED: 1,
    AlertState.UNKNOWN: 2,  # not known to be quiet
    AlertState.SUPPRESSED: 3,
    AlertState.RESOLVED: 4,
}


def merge(snapshots: Sequence[AlertSnapshot]) -> AlertSnapshot:
    """The answers of several sources as one: each alert once, by its fingerprint, in the order of the sources.

    The loudest says how an alert stands: active wins over suppressed, for a silence that one of two peers does not know
    hides nothing. Among the equally loud it is the one with the earliest beginning, so that an alert stays the same
    firing. The whole is as old as its oldest part, and the always-firing alert has to be in one of them.
    """
    if len(snapshots) == 1:
        return snapshots[0]
    found: dict[str, Alert] = {}
    for snapshot in snapshots:
        for alert in snapshot.alerts:
            other = found.setdefault(alert.fingerprint, alert)
            if other is not alert:
                found[alert.fingerprint] = _louder(other, alert)
    ages = [snapshot.at for snapshot in snapshots if snapshot.at is not None]
    return AlertSnapshot(
        tuple(found.values()),
        min(ages, default=None),
        any(snapshot.watchdog_seen for snapshot in snapshots),
        max((snapshot.skew_seconds for snapshot in snapshots), key=abs, default=0.0),
        "; ".join(dict.fromkeys(snapshot.note for snapshot in snapshots if snapshot.note)),
        frozenset().union(*(snapshot.changed for snapshot in snapshots)),
    )


def _louder(one: Alert, other: Alert) -> Alert:
    """The louder of two, with the pages of both: either source may have paged."""
    loud, quiet = one, other
    if _rank(other) < _rank(one):
        loud, quiet = other, one
    if quiet.page_keys == loud.page_keys and quiet.paged is loud.paged:
        return loud
    if set(quiet.page_keys) <= set(loud.page_keys) and (loud.paged or not quiet.paged):
        return loud
    return replace(loud, paged=True, page_keys=tuple(sorted({*loud.page_keys, *quiet.page_keys})))


def _rank(alert: Alert) -> tuple[int, datetime, str]:
    return _LOUDNESS[alert.state], alert.starts_at, alert.source
