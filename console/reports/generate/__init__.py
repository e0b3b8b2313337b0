"""What a team sets up once, made of its configuration: rules for Prometheus, routes for Alertmanager, dashboards for
Grafana. Pure: the same configuration gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from console.reports.generate.dashboards import dashboards
from console.reports.generate.plan import Made, Plan, plan_of
from console.reports.generate.prometheus import prometheus
from console.reports.generate.routing import alertmanager


class Kind(StrEnum):
    """Whom the files are for."""

    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"


KINDS: Mapping[Kind, Callable[[Plan], Made]] = {
    Kind.PROMETHEUS: prometheus,
    Kind.ALERTMANAGER: alertmanager,
    Kind.GRAFANA: dashboards,
}

__all__ = ["KINDS", "Kind", "Made", "Plan", "plan_of"]
