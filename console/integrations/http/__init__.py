"""What every conversation over HTTP shares: what lets us in, the requests themselves, their bodies, and the findings of
a check."""

from console.integrations.http.acts import act
from console.integrations.http.bodies import decode
from console.integrations.http.server import Answer, Finding, Http, Pending, Redirected, Unanswered, display, skew

__all__ = ["Answer", "Finding", "Http", "Pending", "Redirected", "Unanswered", "act", "decode", "display", "skew"]
