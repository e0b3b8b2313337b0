"""What every HTTP server has in common: an address, how often and how long it is asked, and what lets us in.

The keys are named as in Prometheus's own HTTP client configuration.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from console.settings.nodes import Fields, Node, beside, unique
from console.settings.outside import BasicAuth, HttpSource, SecretRef, TlsFiles

ACCESS = ("token", "basic_auth", "tls_config", "headers", "params")
"""The keys that say what lets us in."""
SOURCE = ("url", "interval", "timeout", *ACCESS)
"""The keys that `read_source` reads; a server may have others beside them."""

_SECRET_WORDS = ("auth", "cookie", "key", "password", "secret", "token")
_OURS = ("accept-encoding", "connection", "content-length", "content-type", "transfer-encoding")
"""Headers that belong to the request itself."""
_INTERVAL, _TIMEOUT = timedelta(seconds=15), timedelta(seconds=5)
_REFERENCE = "env:NAME or file:PATH"


def read_source(
    name: str, fields: Fields, *, url: str = "", interval: timedelta = _INTERVAL, timeout: timedelta = _TIMEOUT
) -> HttpSource:
    """The server behind `fields`. `url`, `interval` and `timeout` are what is meant where they are not given; a server
    without a `url` of its own must name one."""
    found = HttpSource(
        name,
        fields["url"].url(default=url) if url else fields["url"].url(),
        fields["interval"].duration(default=interval),
        fields["timeout"].duration(default=timeout),
        fields["token"].secret(),
        _headers(fields["headers"]),
        _basic_auth(fields["basic_auth"]) if fields["basic_auth"].present else None,
        _tls(fields["tls_config"]) if fields["tls_config"].present else None,
        _params(fields["params"]),
    )
    _agree(found, fields)
    return found


def _agree(source: HttpSource, fields: Fields) -> None:
    """Refuses what contradicts itself, and warns of secrets that anybody on the way could read."""
    ways = [key for key in ("token", "basic_auth") if fields[key].present]
    ways += [f"the header {name}" for name, _ in source.headers if name.lower() == "authorization"]
    if len(ways) > 1:
        fields.node.refuse(" and ".join(ways), "one of them: a request has one Authorization header")
    plain = source.url.startswith("http://")
    if plain and fields["tls_config"].present:
        fields["tls_config"].refuse("tls_config with an http url", "https in url, or no tls_config")
    elif plain and ways and not _loopback(source.url):
        fields["url"].warn(f"credentials over plain http ({ways[0]})", "https, so that nobody reads them on the way")


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _basic_auth(node: Node) -> BasicAuth:
    fields = node.mapping("username", "password")
    username = fields["username"].text("a user's name")
    if ":" in username:
        fields["username"].refuse("a name with a colon (not shown)", "a user's name; the password has a key of its own")
    if not fields["password"].present:
        fields["password"].refuse("nothing", _REFERENCE)
    return BasicAuth(username, fields["password"].secret() or SecretRef("env", ""))


def _tls(node: Node) -> TlsFiles:
    fields = node.mapping("ca_file", "cert_file", "key_file", "key_password")
    if not any(fields[key].present for key in ("ca_file", "cert_file", "key_file")):
        node.refuse("neither ca_file nor cert_file", "one of them, or no tls_config")
    for key in ("key_file", "key_password"):
        if fields[key].present and not fields["cert_file"].present:
            fields[key].refuse(f"{key} without a certificate", "cert_file, the certificate that the key belongs to")
    return TlsFiles(
        _file(fields["ca_file"]), _file(fields["cert_file"]), _file(fields["key_file"]), fields["key_password"].secret()
    )


def _file(node: Node) -> str:
    name = node.text("the path of a PEM file", default="")
    return str(beside(node.file, name)) if name else ""


def _headers(node: Node) -> tuple[tuple[str, str | SecretRef], ...]:
    fields = node.open_mapping()
    found: list[tuple[str, str | SecretRef]] = []
    for name, place in fields.items():
        if not name.replace("-", "").isalnum() or not name.isascii():
            fields.key(name).refuse("a name that is no HTTP header", "letters, digits and hyphens")
        elif name.lower() in _OURS:
            fields.key(name).refuse(f"{name}, which each request sets itself", "another header")
        elif re.match(r"env:|file:", place.tree.text):
            reference = place.secret()
            found += [(name, reference)] if reference is not None else []
        elif any(word in name.lower() for word in _SECRET_WORDS):
            place.refuse("a header that carries a secret (not shown)", _REFERENCE)
        else:
            value = place.text("the value of an HTTP header")
            if not value.isascii():
                place.refuse("a character outside ASCII", "the value of an HTTP header")
            found.append((name, value))
    unique([(name.lower(), fields.key(name)) for name, _ in found], "a header")
    return tuple(found)


def _params(node: Node) -> tuple[tuple[str, str], ...]:
    fields = node.open_mapping()
    found: list[tuple[str, str]] = []
    for name, place in fields.items():
        if any(word in name.lower() for word in _SECRET_WORDS) or re.match(r"env:|file:", place.tree.text):
            place.refuse(
                "a secret in a url (not shown)", f"a header, with {_REFERENCE}: addresses are logged on the way"
            )
        else:
            found.append((name, place.exact("the value of a query parameter")))
    return tuple(found)
