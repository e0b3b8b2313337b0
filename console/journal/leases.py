"""The rules of the lease: who may run the engine. A lease with an empty holder was given back; its epoch lives on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from console.ports import Lease, LeaseLost

SLACK = timedelta(seconds=1)
"""How far apart the clocks of two consoles on one host may read."""


def renewed(lease: Lease | None, holder: str, now: datetime, ttl: timedelta, take: bool) -> Lease | None:
    """The lease after the holder asked for it.

    A holder that comes late keeps its epoch as long as nobody else took the lease: nothing was fenced meanwhile. A
    lease that runs for longer than `ttl` counts as expired: the clock was set back, or somebody wrote it by hand.
    """
    if lease is not None and lease.holder == holder:
        return replace(lease, expires_at=now + ttl)
    if take and (lease is None or not lease.holder or not now < lease.expires_at <= now + ttl + SLACK):
        return Lease(holder, 1 if lease is None else lease.epoch + 1, now + ttl)
    return lease


def released(lease: Lease | None, holder: str, now: datetime) -> Lease | None:
    """The lease after the holder gave it back; unchanged when another holds it."""
    return Lease("", lease.epoch, now) if lease is not None and lease.holder == holder else lease


def shown(lease: Lease | None) -> Lease | None:
    """The lease as the rest of the program sees it: none when it was given back."""
    return lease if lease is not None and lease.holder else None


def check_fence(lease: Lease | None, fence: int, now: datetime) -> None:
    """Raises LeaseLost unless `fence` is the epoch of an unexpired lease."""
    if lease is None or not lease.holder:
        raise LeaseLost(f"nobody holds the lease now; this engine had epoch {fence}")
    if lease.epoch != fence:
        raise LeaseLost(f"{lease.holder} holds the lease since epoch {lease.epoch}; this engine had epoch {fence}")
    if lease.expires_at <= now:
        raise LeaseLost(f"the lease of epoch {fence} has expired at {lease.expires_at:%H:%M:%S} UTC")
