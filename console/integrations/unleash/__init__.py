"""Unleash, over its Admin API: the share of traffic that a flag gives in one project and environment."""

from console.integrations.unleash.provider import Unleash as Unleash
