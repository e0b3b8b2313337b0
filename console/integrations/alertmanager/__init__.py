"""Alertmanager, API v2: its alerts, its silences, and where it sends them."""

from console.integrations.alertmanager.alerts import Alertmanager
from console.integrations.alertmanager.proving import AlertmanagerTest
from console.integrations.alertmanager.silences import AlertmanagerSilences

__all__ = ["Alertmanager", "AlertmanagerSilences", "AlertmanagerTest"]
