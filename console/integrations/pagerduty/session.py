"""pdpyras, held so that it sends every request once, to one host, and says nothing of the key.

As it comes, it retries a 429 for ever, sends a POST up to four times when the answer is slow, quotes the end of the key
when that is refused, follows redirects, and takes a key from ~/.netrc over ours. Imported by the first request, in that
request's own thread.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

warnings.filterwarnings("ignore", "The package .pdpyras. is deprecated", UserWarning)

import pdpyras  # noqa: E402
import requests  # noqa: E402
import urllib3.exceptions  # noqa: E402
from requests.adapters import HTTPAdapter  # noqa: E402

from console.integrations.http import network  # noqa: E402

LIMIT = 16 * 1024 * 1024
"""Bytes taken of one answer."""
_CHUNK = 65_536

_UNSENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    ssl.SSLCertVerificationError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
)
"""What fails before the request has left."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """No answer of use, and why. `sent` is whether the request may have reached the far side."""

    reason: str
    sent: bool


class _Refused(Exception):
    """Carries an answer that is not good out of pdpyras, before it sleeps, tries again or quotes the key."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__("not good")
        self.response = response


_trust = functools.cache(network.trust)


class _Once:
    """Over a pdpyras session: one attempt, no redirects, nothing from the environment but a proxy."""

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Sends it, and keeps the answer in `last`."""
        return super().request(method, url, **options | {"allow_redirects": False})  # type: ignore[misc,no-any-return]

    def postprocess(self, response: requests.Response) -> None:
        """Pdpyras calls this with every answer, before it judges it."""
        self.last = response
        if not 200 <= response.status_code <= 299:
            raise _Refused(response)


class RestSession(_Once, pdpyras.APISession):  # type: ignore[misc]
    """The REST API v2."""


class EventsSession(_Once, pdpyras.EventsAPISession):  # type: ignore[misc]
    """The Events API v2."""


class ChangesSession(_Once, pdpyras.ChangeEventsAPISession):  # type: ignore[misc]
    """The change events of the Events API v2."""


class _Bounded(HTTPAdapter):
    """Reads an answer within the deadline and the limit, however slowly or long it comes; checks certificates as all
    of the console does."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._connections: list[Any] = []
        super().__init__(max_retries=0)

    def cut(self) -> None:
        """Ends what is under way, so that its thread does."""
        for connection in self._connections:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, ssl_context=_trust())

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same certificates behind a proxy."""
        return super().proxy_manager_for(proxy, **options, ssl_context=_trust())

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """A pool whose connections can be cut while an answer is trickling in."""
        pool = super().get_connection_with_tls_context(*args, **options)
        opened = self._connections
        kind: Any = pool.ConnectionCls

        class Watched(kind):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                opened.append(self)

        pool.ConnectionCls = Watched
        return pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leaves the context's own authorities alone, where requests would put others beside them."""

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, *args: Any, **options: Any
    ) -> requests.Response:
        deadline = self._monotonic() + timeout
        response = super().send(request, True, timeout, *args, **options)
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > LIMIT:
                raise requests.exceptions.ContentDecodingError(f"answers with more than {LIMIT // 1024} KiB")
            if self._monotonic() > deadline:
                raise requests.exceptions.ReadTimeout
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise requests.exceptions.ContentDecodingError("answers in an encoding that was not asked for")
        response._content = bytes(body)
        response._content_consumed = True
        return response


def prepare(session: Any, url: str, timeout: float, monotonic: Callable[[], float]) -> None:
    """Sets a fresh session up for `url`."""
    session.url = url
    session.timeout = timeout
    session.retry = {}
    session.max_network_attempts = 0
    session.trust_env = False  # or ~/.netrc would replace the key
    session.proxies = dict(requests.utils.get_environ_proxies(url, no_proxy=None))  # as curl and promtool do
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Bounded(monotonic))


def cut(session: Any) -> None:
    """Ends the request under way over `session`."""
    for adapter in session.adapters.values():
        adapter.cut()


def exchange(session: Any, work: Callable[[], object], timeout: float) -> Reply | Broken:
    """Carries out `work`, which sends one request over `session`. Never raises: pdpyras' words may hold anything."""
    try:
        work()
        response = session.last
    except _Refused as refused:
        response = refused.response
    except Exception as error:
        return _broken(error, timeout)
    finally:
        session.close()  # a connection that the server has closed meanwhile would look like a lost answer
    return Reply(
        response.status_code, {name.lower(): text for name, text in response.headers.items()}, response.content
    )


def _broken(error: BaseException, timeout: float) -> Broken:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    sent = not any(isinstance(cause, _UNSENT) for cause in causes)
    if said := network.explain(error):
        return Broken(said, sent)
    for cause in causes:
        match cause:
            case urllib3.exceptions.ConnectTimeoutError():
                return Broken("no connection in time; is there a route, or a firewall?", False)
            case requests.Timeout() | urllib3.exceptions.TimeoutError():
                return Broken(network.late(timeout), sent)
            case requests.exceptions.ContentDecodingError(args=(str(reason),)):
                return Broken(reason, sent)
            case urllib3.exceptions.ProxyError():
                return Broken("the proxy does not let us through; check HTTPS_PROXY and NO_PROXY", False)
            case pdpyras.PDServerError():
                return Broken("answers what is not PagerDuty's", sent)
            case urllib3.exceptions.ProtocolError():
                return Broken("broke off in the middle of its answer, or speaks no HTTP", sent)
    return Broken(f"cannot be asked ({type(causes[-1]).__name__})", sent)
