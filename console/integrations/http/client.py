"""httpx, set up once for the whole process, and once for each set of TLS files. Imported by the first request, never
at the start."""

from __future__ import annotations

import logging
import ssl
import threading
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.request import getproxies

import httpx

from console.integrations.http import network, tls
from console.settings.outside import Reveal, TlsFiles


class _Kept:
    """A client, and the state of the files that it was made from."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.client: httpx.Client | None = None
        self.stamp: tls.Stamp = ()


_PLAIN = "without TLS"
_kept: dict[TlsFiles | str | None, _Kept] = {}
_kept_lock = threading.Lock()


def client(files: TlsFiles | None = None, secret: Reveal | None = None, url: str = "") -> httpx.Client:
    """The client for these TLS files, built by the first request, and again once one of them has changed; the one for
    the system's authorities without them. Raises TlsError.

    Where nothing on the way to `url` speaks TLS, it is one that trusts nobody: reading some 140 authorities takes as
    long as the first answers, and 2 MB."""
    plain = files is None and url.startswith("http://") and not _by_tls()
    with _kept_lock:
        kept = _kept.setdefault(_PLAIN if plain else files, _Kept())
    with kept.lock:
        now = tls.stamp(files) if files is not None else ()
        if kept.client is None or now != kept.stamp:
            kept.client = None  # no certificate is shown any more that has been replaced, be it by a broken one
            context = tls.context(files, secret) if files is not None else network.trust(nobody=plain)
            kept.client, kept.stamp = _made(context), now
        return kept.client


def _by_tls() -> bool:
    """Whether a proxy of the environment is asked by TLS, for addresses without it too."""
    return any(address.startswith("https:") for address in getproxies().values())


def _made(context: ssl.SSLContext) -> httpx.Client:
    for name in ("httpx", "httpcore"):  # they log whole addresses, queries included
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        verify=context,
        follow_redirects=False,
        trust_env=True,  # HTTPS_PROXY and NO_PROXY, as curl and promtool do
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


def explain(error: Exception, ca: str = "SSL_CERT_FILE", *, shown: bool = False) -> str:
    """What went wrong, in an operator's words; of the error's own only what the system or TLS says.

    Empty when it is a matter of time. `ca` and `shown` are those of `network.explain`.
    """
    if said := network.explain(error, ca, shown=shown):
        return said
    match error:
        case httpx.ConnectTimeout():
            return "no connection in time; is there a route, or a firewall?"
        case httpx.TimeoutException():
            return ""
        case httpx.ProxyError():
            return "the proxy does not let us through; check HTTPS_PROXY and NO_PROXY"
        case httpx.RemoteProtocolError():
            return "broke off in the middle of its answer, or speaks no HTTP"
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return "cannot be asked: the url or a header holds what HTTP cannot carry"
    return f"cannot be asked ({type(error).__name__})"
