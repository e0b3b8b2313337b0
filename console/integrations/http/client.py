"""httpx, set up once for the whole process. Imported by the first request, never at the start."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from http.cookiejar import CookieJar, DefaultCookiePolicy

import certifi
import httpx

_shared: list[httpx.Client] = []
_shared_lock = threading.Lock()


def client() -> httpx.Client:
    """The one client of the process, built by the first request."""
    with _shared_lock:
        if not _shared:
            for name in ("httpx", "httpcore"):  # they log whole addresses, queries included
                logging.getLogger(name).setLevel(logging.WARNING)
            trust = ssl.create_default_context()  # the system's store: a company keeps its own authority there
            places = ssl.get_default_verify_paths()
            if not any(place and os.path.exists(place) for place in (places.cafile, places.capath)):
                trust.load_verify_locations(certifi.where())
            _shared.append(
                httpx.Client(
                    verify=trust,
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
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for cause in causes:
        match cause:
            case socket.gaierror():
                return "its host name does not resolve; check the url and the name server"
            case ConnectionRefusedError():
                return "refuses the connection; is it running, and is the port right?"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({cause.verify_message}); check SSL_CERT_FILE"
            case ssl.SSLError():
                return f"no TLS connection ({cause.reason or 'cut off'}); does the url want http:// ?"
            case ConnectionError() | BrokenPipeError():
                return "cuts the connection off"
            case OSError(strerror=str(reason)) if not isinstance(cause, TimeoutError):
                return f"cannot be reached ({reason})"
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
