"""A message to people as text: what every channel says first, and the whole of it where only plain text goes."""

from __future__ import annotations

from collections.abc import Iterator

from console.model.message import Message
from console.view.times import stamp

TEST_LABEL = "oncall_test=true"
"""Stands in everything that `check --send-test` sends."""


def marks(message: Message) -> tuple[str, ...]:
    """What keeps a reader from taking it for an emergency: DRILL, DEMO, TEST; nothing in earnest."""
    mode = () if message.mode == "live" else (message.mode.upper(),)
    return (*mode, "TEST") if message.test else mode


def headline(message: Message) -> str:
    """`DRILL: INC-12 SEV1 lighthouse/production: Error budget burns`."""
    what = " ".join(filter(None, (message.label, message.severity or "", message.target)))
    return ": ".join((*marks(message), *filter(None, (what, message.title))))


def origin(message: Message) -> str:
    """Who says it, and when."""
    by = f"by {message.by}, " if message.by else ""
    return f"{by}{stamp(message.at)}" + (f", {TEST_LABEL}" if message.test else "")


def links(message: Message) -> Iterator[tuple[str, str]]:
    """Its links that may be followed: http and https, and nothing in them that would end a link early."""
    for label, url in message.links:
        if url.startswith(("https://", "http://")) and url.isprintable() and not set(url) & set(' "<>|\\^`{}'):
            yield label or url, url


def plain(message: Message) -> str:
    """All of it, in lines."""
    facts = [f"{name}: {value}" for name, value in message.facts]
    parts = [
        [headline(message)],
        message.text.splitlines(),
        facts,
        [f"{label}: {url}" for label, url in links(message)],
        [origin(message)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
