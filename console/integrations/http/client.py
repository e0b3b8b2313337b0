"""httpx, set up once for the whole process. Imported by the first request, never at the start."""

from __future__ import annotations

import logging
import threading
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from console.integrations.http import network

_shared: list[httpx.Client] = []
_shared_lock = threading.Lock()


def client() -> httpx.Client:
    """The one client of the process, built by the first request."""
    with _shared_lock:
        if not _shared:
            for name in ("httpx", "httpcore"):  # they log whole addresses, queries included
                logging.getLogger(name).setLevel(logging.WARNING)
            _shared.append(
                httpx.Client(
                    verify=network.trust(),
                    follow_redirects=False,
                    trust_env=True,  # HTTPS_PROXY and NO_PROXY, as curl and promtool do
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                )
            )
        return _shared[0]


def explain(error: Exception) -> str:
    """What went wrong, in an operator's words; of the error's own only what the system or TLS says.

    Empty when it is a matter of time.
    """
    if said := network.explain(error):
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
