"""The simulated Alertmanager: which alerts stand at an instant, and since when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from console.integrations.simulated.curves import digest, noise
from console.integrations.simulated.world import ERRORS_LAG_SECONDS, World
from console.model.alert import Alert, AlertSnapshot, AlertState

SOURCE = "simulated alertmanager"
EVALUATION_SECONDS = 5.0
"""How often the rules are evaluated: alerts begin and end on this grid."""

_HOUR, _DAY = 3600.0, 86_400.0
_LAG_SLOT_SECONDS = 600


class SimulatedAlerts:
    """Implements AlertSource on a World. `watchdog` names the alert that always fires."""

    name = SOURCE

    def __init__(self, world: World, watchdog: str = "Watchdog") -> None:
        self._world = world
        self._watchdog = watchdog
        self._last: dict[str, Alert] = {}

    def read(self) -> AlertSnapshot:
        """Every alert that stands now. Raises SourceError while the source is broken."""
        now = self._world.answer("alertmanager")
        alerts = tuple(self._world.silences.hidden(self._standing(now), now))
        seen = {alert.fingerprint: alert for alert in alerts}
        changed = frozenset(key for key, alert in seen.items() if self._last.get(key) != alert)
        self._last = seen
        watchdog_seen = any(alert.name == self._watchdog for alert in alerts)
        return AlertSnapshot(alerts, now, watchdog_seen, 0.0, changed=changed)

    def _standing(self, when: datetime) -> Iterable[Alert]:
        world, plan, at = self._world, self._world.plan, self._world.seconds(when)
        if not world.broken("watchdog", when):
            yield self._alert(self._watchdog, "none", "", -6 * _DAY, "Always fires: alerting works end to end.")

        slow = _since(world.sickness.above(world.sickness_at_p99(500.0)), at, for_=15.0, keep=60.0)
        inhibitor = ""
        if slow is not None:
            text = f"P99 of {plan.new_path} is above 500 ms"
            high = self._alert("P99LatencyHigh", "critical", plan.new_path, slow, text)
            inhibitor = high.fingerprint
            yield high

        failing = [
            (begin + ERRORS_LAG_SECONDS, end + ERRORS_LAG_SECONDS)
            for begin, end in world.sickness.above(world.sickness_at_errors(0.01))
        ]
        errors = _since(failing, at, for_=30.0, keep=60.0)
        if errors is not None:
            text = f"More than 1 % of the requests to {plan.new_path} fail"
            yield self._alert("ErrorRateHigh", "warning", plan.new_path, errors, text)

        queue = _since(world.sickness.above(0.5), at, for_=15.0, keep=45.0)
        if queue is not None:
            text = "More than 200 requests wait in the bridge"
            yield self._alert("BridgeQueueDepthHigh", "warning", "bridge", queue, text, inhibited_by=inhibitor)

        lag = self._replica_lag_since(at)
        if lag is not None:
            yield self._alert(
                "ReplicaLagHigh", "warning", "event-store", lag, "The read replica is more than 10 s behind"
            )
        yield self._alert(
            "DiskFillingUp", "warning", "event-store", -3 * _HOUR, "The disk will be full in about 4 days"
        )
        yield self._alert(
            "CertificateExpiresSoon",
            "warning",
            "bridge",
            -2 * _DAY,
            "The certificate expires in 12 days; renewal is planned",
        )

    def _replica_lag_since(self, at: float) -> float | None:
        """A warning that comes and goes: three minutes long, in about a fifth of the ten-minute slots."""
        slot = math.floor(at / _LAG_SLOT_SECONDS)
        begin = _LAG_SLOT_SECONDS * slot + _next_evaluation(400.0 * noise(self._world.seed, "lag at", slot))
        if noise(self._world.seed, "lag", slot) < 0.2 and begin <= at < begin + 180.0:
            return begin
        return None

    def _alert(
        self,
        name: str,
        severity: str,
        component: str,
        since: float,
        summary: str,
        *,
        inhibited_by: str = "",
    ) -> Alert:
        target = self._world.target
        labels = {
            "alertname": name,
            "component": component,
            "environment": target.environment,
            "service": target.service,
            "severity": severity,
        }
        pairs = tuple(sorted((key, value) for key, value in labels.items() if value))
        return Alert(
            fingerprint=digest(repr(pairs), 8).hex(),
            labels=pairs,
            annotations=(("summary", summary),),
            state=AlertState.SUPPRESSED if inhibited_by else AlertState.ACTIVE,
            starts_at=self._world.instant(since),
            source=SOURCE,
            inhibited_by=(inhibited_by,) if inhibited_by else (),
            group=f'{{service="{target.service}"}}',
        )


def _since(above: Sequence[tuple[float, float]], at: float, *, for_: float, keep: float) -> float | None:
    """Since when an alert fires whose expression holds in the intervals `above`; None when it does not fire.

    Like a Prometheus rule with `for` and `keep_firing_for`, in seconds.
    """
    firing: float | None = None
    until = -math.inf
    for begin, end in above:
        if firing is not None and begin < until:
            until = _next_evaluation(end + keep)
        elif begin + for_ < end:
            if firing is not None and at < until:
                break
            firing, until = _next_evaluation(begin + for_), _next_evaluation(end + keep)
    return firing if firing is not None and firing <= at < until else None


def _next_evaluation(at: float) -> float:
    return at if math.isinf(at) else math.ceil(at / EVALUATION_SECONDS) * EVALUATION_SECONDS
