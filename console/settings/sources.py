"""What every HTTP server has in common: an address, how often and how long it is asked, a token, fixed headers."""

from __future__ import annotations

from datetime import timedelta

from console.settings.nodes import Fields, Node
from console.settings.outside import HttpSource

SOURCE = ("url", "interval", "timeout", "token", "headers")
"""The keys that `read_source` reads; a server may have others beside them."""

_SECRET_HEADERS = ("auth", "cookie", "key", "password", "secret", "token")
_INTERVAL, _TIMEOUT = timedelta(seconds=15), timedelta(seconds=5)


def read_source(
    name: str, fields: Fields, *, url: str = "", interval: timedelta = _INTERVAL, timeout: timedelta = _TIMEOUT
) -> HttpSource:
    """The server behind `fields`. `url`, `interval` and `timeout` are what is meant where they are not given; a server
    without a `url` of its own must name one."""
    return HttpSource(
        name,
        fields["url"].url(default=url) if url else fields["url"].url(),
        fields["interval"].duration(default=interval),
        fields["timeout"].duration(default=timeout),
        fields["token"].secret(),
        _headers(fields["headers"]),
    )


def _headers(node: Node) -> tuple[tuple[str, str], ...]:
    fields = node.open_mapping()
    found: list[tuple[str, str]] = []
    for name, place in fields.items():
        if any(word in name.lower() for word in _SECRET_HEADERS):
            place.refuse("a header that carries a secret (not shown)", "`token`, with env:NAME or file:PATH")
        elif not name.replace("-", "").isalnum() or not name.isascii():
            fields.key(name).refuse("a name that is no HTTP header", "letters, digits and hyphens")
        else:
            value = place.text("the value of an HTTP header")
            if not value.isascii():
                place.refuse("a character outside ASCII", "the value of an HTTP header")
            found.append((name, value))
    return tuple(found)
