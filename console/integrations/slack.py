"""Slack, by incoming webhooks: one channel for each.

Everything foreign goes as plain text, where Slack knows no mention, link or format; what is one of ours (links) is
escaped. Slack knows no idempotency key: a message whose answer got lost may come twice, and carries its delivery's
beginning so that a reader can tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.integrations.http import Finding, Http, act
from console.model.message import Act, Delivery, Message
from console.model.pager import ActOutcome, ActResult
from console.ports import Clock, Rejected, SourceError
from console.settings.outside import HttpSource, SecretRef, SlackWebhook
from console.view import telling

if TYPE_CHECKING:
    from slack_sdk.models.blocks import Block

HEADER, TEXT, FIELD, FIELDS = 150, 3_000, 2_000, 10
"""Slack's limits: characters of a header, of a section and of a field in it, and fields of a section."""
FIELD_SECTIONS = 3
"""Sections of facts; what does not fit is counted."""
SECRET_LEAST = 6
"""Parts of a webhook's path from this length on are secrets of their own."""

_SHOUTS = re.compile(r"(?<![\w.])@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)


class Slack:
    """A `Channel` that posts to one webhook. `address` and `test_address` give the whole addresses anew for each
    message; without the latter, a test goes to the channel itself."""

    acts = (Act.POST, Act.PAGE)

    def __init__(
        self,
        webhook: SlackWebhook,
        clock: Clock,
        address: Callable[[], str],
        test_address: Callable[[], str] | None = None,
        *,
        timeout: timedelta = timedelta(seconds=5),
    ) -> None:
        self.name = f"slack.{webhook.name}"
        self._webhook, self._clock, self._timeout = webhook, clock, timeout
        self._address, self._test_address = address, test_address

    def deliver(self, delivery: Delivery) -> ActResult:
        """Posts it. Raises SourceError."""
        if delivery.act not in self.acts:
            raise Rejected(f"{self.name}: cannot {delivery.act}")
        return self._post(delivery, self._webhook.webhook, self._address)

    def prove(self, delivery: Delivery) -> ActResult:
        """Posts a test; Slack's own word that it took it is the evidence. Raises SourceError."""
        if self._webhook.test is None or self._test_address is None:
            return self.deliver(delivery)
        return self._post(delivery, self._webhook.test, self._test_address)

    def probe(self) -> list[Finding]:
        """What can be said without sending: that there is an address, and that it can be one."""
        findings = []
        for ref, address in ((self._webhook.webhook, self._address), (self._webhook.test, self._test_address)):
            if ref is None or address is None:
                continue
            try:
                http, path = self._server(ref, address)
            except SourceError as error:
                findings.append(Finding(self.name, False, str(error), f"put the webhook's address into {ref}"))
                continue
            if not path or http.source.url.startswith("http:"):
                what = f"{ref} is no https address with a path"
                findings.append(Finding(self.name, False, what, "copy the webhook's address from Slack's app page"))
            else:
                what = f"{ref} names a webhook at {http.where}; nothing was sent"
                findings.append(Finding(self.name, True, what))
        return findings

    def _post(self, delivery: Delivery, ref: SecretRef, address: Callable[[], str]) -> ActResult:
        http, path = self._server(ref, address)
        answer = act(http, "POST", path, json=payload(delivery))
        if answer.body.strip() != b"ok":
            raise http.error(
                f"answers 200, but not Slack's ok: {http.words(answer.body[:500].decode('utf-8', 'replace'))}"
            )
        text = f"{http.where} took it after {answer.seconds * 1000:.0f} ms"
        return ActResult(ActOutcome.DONE, text, at=self._clock.now())

    def _server(self, ref: SecretRef, address: Callable[[], str]) -> tuple[Http, str]:
        """The server, by the harmless part of the address, and the rest of it, which no message may show."""
        from urllib.parse import urlsplit

        try:
            whole = address().strip()
            parts = urlsplit(whole)
            base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            secret = whole.partition("://")[2].partition("/")[2]
        except Exception as error:
            # Neither the resolver's words nor a broken address may be shown.
            raise Rejected(f"{self.name}: the address in {ref} cannot be read ({type(error).__name__})") from None
        pieces = [piece for piece in re.split(r"[/?&=#]", secret) if len(piece) >= SECRET_LEAST]
        source = HttpSource(self.name, base, timeout=self._timeout, token=ref)
        return Http(
            source, self._clock, secrets=[secret, *sorted(pieces, key=len, reverse=True)] if secret else ()
        ), secret


def payload(delivery: Delivery) -> dict[str, Any]:
    """What is posted: blocks, and the text of notifications and of readers that show no blocks."""
    message = delivery.message
    return {
        "text": fit(telling.headline(message), TEXT),
        "blocks": [block.to_dict() for block in _blocks(message, delivery.id)],
        "unfurl_links": False,  # Slack's servers need not know what an incident links to
        "unfurl_media": False,
    }


def fit(text: str, limit: int) -> str:
    """`text` without anything that Slack obeys, at most `limit` UTF-16 units long, a cut marked."""
    text = _SHOUTS.sub("@ ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    units = text.encode("utf-16-le", "replace")
    if len(units) <= 2 * limit:
        return units.decode("utf-16-le")
    cut = units[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    return re.sub(r"&[a-z]{0,3}$", "", cut) + "…"


def _blocks(message: Message, delivery_id: str) -> Iterator[Block]:
    from slack_sdk.models.blocks import ContextBlock, HeaderBlock, MarkdownTextObject, PlainTextObject, SectionBlock

    def plain(text: str, limit: int) -> PlainTextObject:
        return PlainTextObject(text=fit(text, limit), emoji=False)

    yield HeaderBlock(text=plain(telling.headline(message), HEADER))
    if message.text.strip():
        yield SectionBlock(text=plain(message.text, TEXT))
    facts = [f"{name}: {value}" for name, value in message.facts]
    room = FIELDS * FIELD_SECTIONS
    if len(facts) > room:
        facts = [*facts[: room - 1], f"and {len(facts) - room + 1} more"]
    for first in range(0, len(facts), FIELDS):
        yield SectionBlock(fields=[plain(fact, FIELD) for fact in facts[first : first + FIELDS]])
    if links := _links(message):
        yield SectionBlock(text=MarkdownTextObject(text=links, verbatim=True))
    yield ContextBlock(elements=[plain(f"{telling.origin(message)}, delivery {delivery_id[:8]}", FIELD)])


def _links(message: Message) -> str:
    """As many links as fit, in Slack's own notation."""
    text = ""
    for label, url in telling.links(message):
        link = f"<{url.replace('&', '&amp;')}|{fit(label.replace('|', '/'), HEADER)}>"
        longer = f"{text} · {link}" if text else link
        if _units(longer) <= TEXT:
            text = longer
    return text


def _units(text: str) -> int:
    """The length of `text` as Slack may count it, in UTF-16."""
    return len(text.encode("utf-16-le", "replace")) // 2
