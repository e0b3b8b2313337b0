"""Prometheus and what speaks like it: Thanos, Mimir, VictoriaMetrics."""

from console.integrations.prometheus.source import Prometheus

__all__ = ["Prometheus"]
