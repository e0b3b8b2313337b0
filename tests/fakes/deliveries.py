"""Deliveries to hand to a channel."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from console.model.message import Act, Delivery, Message
from console.model.people import Severity

AT = datetime(2026, 11, 21, 7, 32, 10, tzinfo=UTC)

MESSAGE = Message(
    "incident.declared",
    "Error budget burns",
    AT,
    "6f1c2d3e-0000-4000-8000-000000000001",
    "INC-12",
    Severity.SEV1,
    "lighthouse/production",
    "Conditions: 5 % of the requests fail.\nActions: we roll back.\nNeeds: nothing.",
    (("lead", "alice"), ("next update", "07:47Z")),
    (("runbook", "https://runbooks.example/burn?x=1&y=2"),),
    "alice",
)


def delivery(act=Act.POST, *, id="0b1e8d6e-5f0a-4d4b-9a51-3f4f5d6a7b8c", ref="", args=(), **changes) -> Delivery:
    """The usual one; `changes` are to its message."""
    return Delivery(id, "channel", act, replace(MESSAGE, **changes), AT, ref, args)


HOSTILE = (
    "<!channel> <!here|x> <!everyone> <@U123> <#C1> @channel @here, @Everyone",
    "<https://evil.example|click> & &lt;!channel&gt; &amp;",
    "*bold* _it_ ~no~ `code` ```block``` > quote :fire:",
    "</td><script>alert(1)</script><img src=x onerror=alert(1)>",
    "Bcc: everyone@example\r\nSubject: other\r\n\r\n.\r\nMAIL FROM:<x@example>",
    "x\n.\ny\n..\nz",
    "\x1b]52;c;x\x07 \x9b2J \u202e \u2066 \u200b \x00 \x7f \ud800",
    "\U0001f525" * 5_000,
    "&" * 5_000,
    "<" * 2_999 + "x",
    "e\u0301" * 3_000,
    "=cmd|' /C calc'!A0",
    " ",
    "",
)
"""Text from outside that tries to be more than text, or is much of it."""
EACH_HOSTILE = pytest.mark.parametrize("text", HOSTILE, ids=[f"hostile {number}" for number in range(len(HOSTILE))])


def hostile(text: str) -> Delivery:
    """A delivery that says `text` wherever it can."""
    return delivery(
        title=text,
        label=text,
        target=text,
        text=text,
        by=text,
        subject=text,
        facts=((text, text),) * 45,
        links=((text, "https://x.example/a"), (text, f"javascript:{text}"), ("y", f"https://x.example/{text}")) * 30,
    )
