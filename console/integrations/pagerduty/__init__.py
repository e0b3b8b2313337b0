"""PagerDuty by pdpyras: incidents, who is on call, acts that are compare-and-set, events, and the channel for them."""

from console.integrations.pagerduty.api import PagerDutyApi
from console.integrations.pagerduty.channel import PagerDutyChannel

__all__ = ["PagerDutyApi", "PagerDutyChannel"]
