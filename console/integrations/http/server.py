"""The one way out to HTTP servers: bounded in time and size, no secret in any message.

A redirect is followed only to the same server and the same thing: same scheme, host and port, the same query, and a
path that differs by a slash at its end or by a prefix before it, with the method and the body as they were. So no
credentials go to anybody else, and no login page is taken for an answer.

Every failure is an `Unanswered`, a `SourceError` of one line that says what happened and what to do:

    no answer    refused, no such host, no route, not trusted, timed out, cut off
    no use       another redirect, too large, an encoding that nobody asked for
    a refusal    a status other than 200 to 299; the caller decides, `Http.refusal` words it

httpx is imported by the first request, in that request's own thread: a start never waits for it.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from console import __version__
from console.integrations.http.access import Access, AccessError
from console.integrations.http.network import late
from console.integrations.http.tls import TlsError
from console.model.text import safe
from console.model.value import value
from console.ports import Clock, SourceError
from console.settings.outside import HttpSource, Reveal

if TYPE_CHECKING:
    import httpx

# httpx does without its command line where that cannot be imported: pygments and more, half of what httpx costs.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

LIMIT = 64 * 1024 * 1024
"""Bytes taken of one answer, after decompression."""
HANGING = 12
"""Requests to one server, under way or abandoned (in the resolver, say), before no more are sent."""
HOPS = 3
"""Redirects that are followed in a row."""
EXCERPT = 200
"""Characters quoted of a server's own words."""
_ETAG = re.compile(r'"[\x21\x23-\x7e]{0,200}"')


@value
class Finding:
    """One line of `oncall check`: `what` is the case with `source`, and `todo` what to do about it."""

    source: str
    ok: bool
    what: str
    todo: str = ""


class Unanswered(SourceError):
    """A server gave nothing of use. `reason` says why, without the server's name; `sent` whether the request had gone
    out by then, so that it may have been carried out."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.reason = reason
        self.sent = False


class Redirected(Unanswered):
    """The server sends us elsewhere, where we do not go: it has carried out nothing itself. `status` is its answer."""

    status = 0


@value
class Answer:
    """A whole HTTP answer, and how long it took.

    `skew` is how far the server's clock is ahead of ours, zero while that is within what a Date header can tell. `etag`
    is its strong entity tag, as a later `If-Match` repeats it.
    """

    status: int
    body: bytes
    seconds: float
    skew: timedelta = timedelta(0)
    retry_after: str = ""
    etag: str = ""

    @property
    def good(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status <= 299


class Pending:
    """A request under way in a thread of its own.

    So neither a resolver nor a trickling server holds the caller longer than the deadline.
    """

    def __init__(self, http: Http, timeout: float) -> None:
        self._http, self._timeout = http, timeout
        self._deadline = http.clock.monotonic() + timeout
        self._done = threading.Event()
        self._outcome: Answer | Unanswered | None = None
        self._sockets: list[Any] = []
        self._sent = False

    def result(self) -> Answer:
        """Waits for the answer, at most until the deadline. Raises SourceError."""
        if not self._done.wait(max(0.0, self._deadline - self._http.clock.monotonic())):
            self.abort(late(self._timeout))
        if isinstance(self._outcome, Answer):
            return self._outcome
        raise self._outcome or self._http.error("failed")

    def abort(self, why: str) -> None:
        """Lets the caller go on at once, and cuts the connection."""
        self._settle(self._http.error(why))
        for sock in self._sockets:
            _cut(sock)

    def run(self, method: str, url: str, options: Mapping[str, Any]) -> None:
        """The thread's work."""
        try:
            outcome: Answer | Unanswered = self._http.exchange(method, url, options, self._timeout, self._trace)
        except Unanswered as error:
            outcome = error
        except Exception as error:
            # The caller waits for a word whatever goes wrong; the error's own words might hold anything.
            outcome = self._http.error(f"failed ({type(error).__name__})")
        self._settle(outcome)
        self._http.forget(self)

    def _settle(self, outcome: Answer | Unanswered) -> None:
        if not self._done.is_set():
            if isinstance(outcome, Unanswered):
                outcome.sent = self._sent and not isinstance(outcome, Redirected)
            self._outcome = outcome
            self._done.set()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self._sent = True
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self._done.is_set():
                _cut(self._sockets[-1])


class Http:
    """One server. `secret` resolves the source's references before each request, so that a rotated one is taken up;
    without it nothing secret is sent. `secrets` are further texts that no message may show.

    Every request has its own connection: polls are further apart than servers keep one open, and a connection
    that the server has just closed would look like an outage.
    """

    def __init__(
        self,
        source: HttpSource,
        clock: Clock,
        secret: Reveal | None = None,
        *,
        limit: int = LIMIT,
        secrets: Sequence[str] = (),
        follow: bool = True,
    ) -> None:
        self.source, self.clock = source, clock
        self.where = display(source.url)
        self._access, self._limit, self._follow = Access(source, secret, secrets), limit, follow
        ca = "ca_file" if source.tls is not None and source.tls.ca else "ca_file, or SSL_CERT_FILE"
        self._ca = ca if secret is not None else "SSL_CERT_FILE"
        self._shows = source.tls is not None and bool(source.tls.certificate)
        self._lock = threading.Lock()
        self._live: set[Pending] = set()
        self._closed = False

    def start(
        self,
        method: str,
        path: str = "",
        *,
        params: Mapping[str, str | Sequence[str]] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Pending:
        """Begins a request for `path` under the source's URL; `timeout`, in seconds, bounds all of it. A body is
        either a `form` or `json`.

        Raises SourceError.
        """
        url = _address(self.source.url, path)
        if url is None:
            raise self.error("needs an http or https url without user and password")
        with self._lock:
            if self._closed:
                raise self.error("not asked: the console is closing")
            if len(self._live) >= HANGING:
                raise self.error(f"not asked: {len(self._live)} earlier requests still hang")
            pending = Pending(self, self.source.timeout.total_seconds() if timeout is None else timeout)
            self._live.add(pending)
        # None, and not nothing: httpx takes a query away that the address itself has.
        query = {**dict(self.source.params), **(params or {})} or None
        options: dict[str, Any] = {"params": query, "data": form, "headers": dict(headers or {})}
        if json is not None:
            try:
                options["content"] = msgspec.json.encode(json)
            except UnicodeEncodeError:
                raise self.error("not asked: the text holds what no JSON can carry") from None
            options["headers"]["Content-Type"] = "application/json"
        work = (method, url, options)
        threading.Thread(target=pending.run, args=work, name=f"http {self.source.name}", daemon=True).start()
        return pending

    def ask(self, method: str, path: str = "", **options: Any) -> Answer:
        """One request, waited for; takes what `start` takes. Raises SourceError."""
        return self.start(method, path, **options).result()

    def close(self) -> None:
        """Ends the requests under way, so that the program can leave at once."""
        with self._lock:
            self._closed = True
            live = tuple(self._live)
        for pending in live:
            pending.abort("stopped: the console is closing")

    def forget(self, pending: Pending) -> None:
        """Called by a request's thread as it ends."""
        with self._lock:
            self._live.discard(pending)

    def error(self, reason: str, kind: type[Unanswered] = Unanswered) -> Unanswered:
        """The error for `reason`, made safe and without secrets, with the server's name and address before it."""
        return kind(safe(f"{self.source.name} ({self.where})", EXCERPT), safe(self._access.masked(reason), 2 * EXCERPT))

    def words(self, text: str) -> str:
        """A server's own words: safe, short, on one line, without our secrets."""
        return safe(" ".join(self._access.masked(text).split()), EXCERPT)

    def refusal(self, answer: Answer, words: str = "") -> Unanswered:
        """The error for an answer that is not good. `words` are the server's own, where they are known."""
        names = self._access.names
        advice = {
            401: f"it does not accept the credentials; check {names or 'whether it wants any'}",
            403: f"it forbids that; check what {names or 'a reader without credentials'} may do there",
            404: "it knows no such address; check the url",
            429: "it asks us to slow down" + (f", for {answer.retry_after} s" if answer.retry_after else ""),
        }.get(answer.status, "")
        said = self.words(words or answer.body[:65536].decode("utf-8", "replace"))
        return self.error(": ".join(filter(None, (f"answers {answer.status}", advice, said))))

    def exchange(
        self, method: str, url: str, options: Mapping[str, Any], timeout: float, trace: Callable[..., None]
    ) -> Answer:
        """The request itself, in whichever thread. Raises SourceError."""
        try:
            options = {**options, "headers": self._headers() | options["headers"], "extensions": {"trace": trace}}
        except AccessError as error:
            raise self.error(str(error)) from None
        import httpx

        from console.integrations.http.client import client, explain

        try:
            asking = client(self.source.tls, self._access.reveal, url)
            began, sent_at = self.clock.monotonic(), self.clock.now()
            response, body = self._exchanged(asking, method, url, {**options, "timeout": timeout})
        except TlsError as error:
            raise self.error(str(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self.error(explain(error, self._ca, shown=self._shows) or late(timeout)) from None
        seconds = self.clock.monotonic() - began
        ahead = skew(response.headers.get("date", ""), sent_at + timedelta(seconds=seconds / 2), seconds)
        retry_after = response.headers.get("retry-after", "")
        retry_after = retry_after if retry_after.isdecimal() else ""
        etag = response.headers.get("etag", "")
        etag = etag if _ETAG.fullmatch(etag) else ""
        return Answer(response.status_code, body, seconds, ahead, safe(retry_after, 10), etag)

    def _exchanged(
        self, asking: httpx.Client, method: str, url: str, options: Mapping[str, Any], hops: int = 0
    ) -> tuple[httpx.Response, bytes]:
        with asking.stream(method, url, **options) as response:
            if not 300 <= response.status_code <= 399:
                return response, self._body(response) if method != "HEAD" else b""
            onward = self._onward(response, hops)
        return self._exchanged(asking, method, onward, {**options, "params": None}, hops + 1)  # they are in it

    def _body(self, response: httpx.Response) -> bytes:
        """The body, unpacked here and not by httpx, so that a few bytes cannot become gigabytes."""
        import zlib

        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise self.error("answers in an encoding that was not asked for")
        unpack = zlib.decompressobj(31) if encoding == "gzip" else None
        body = bytearray()
        try:
            for chunk in response.iter_raw():
                body += unpack.decompress(chunk, self._limit + 1 - len(body)) if unpack else chunk
                if len(body) > self._limit:
                    raise self.error(f"answers with more than {self._limit // 1024} KiB")
        except zlib.error:
            raise self.error("answers with damaged compression") from None
        if unpack and not unpack.eof:
            raise self.error("broke off in the middle of its answer")
        return bytes(body)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "gzip", "Cache-Control": "no-cache", "User-Agent": f"oncall/{__version__}"}
        return headers | self._access.headers()

    def _onward(self, response: httpx.Response, hops: int) -> str:
        """Where a redirect leads that is followed. Raises Redirected for all others."""
        asked, onward = response.url, response.next_request
        target = onward.url if onward is not None else None
        todo = "set the final url"
        if target is not None:
            same = (target.scheme, target.host, target.port) == (asked.scheme, asked.host, asked.port)
            if self._follow and same and not target.userinfo and _same_thing(response, str(target)):
                if hops < HOPS:
                    return str(target)
                todo = f"it is the redirect number {hops + 1}"
            elif (asked.scheme, target.scheme, target.host) == ("http", "https", asked.host):
                todo = "write https in its url"
                if next(self.source.secrets(), None) is not None:
                    todo += ": until then the credentials go over plain http"
        shown = display(str(target)) if target is not None else "nowhere"
        elsewhere = self.error(f"answers {response.status_code}, a redirect to {shown}; {todo}", Redirected)
        assert isinstance(elsewhere, Redirected)
        elsewhere.status = response.status_code
        raise elsewhere


def display(url: str) -> str:
    """An address as it may be shown: scheme, host, port and path, without user, password and query."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.hostname or "?"
        host = f"[{host}]" if ":" in host else host
        port = "" if parts.port is None else f":{parts.port}"
        return safe(f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}", EXCERPT)
    except ValueError:
        return "(no address)"


def _same_thing(response: httpx.Response, target: str) -> bool:
    """Whether a redirect leaves the method, the body and the query as they are, and the path but for a slash at its
    end and a prefix before it."""
    from urllib.parse import parse_qsl, urlsplit

    keeps = (301, 302, 307, 308) if response.request.method in ("GET", "HEAD") else (307, 308)
    asked, found = urlsplit(str(response.url)), urlsplit(target)
    path = asked.path.rstrip("/")
    same = (
        path
        and found.path.rstrip("/").endswith(path)
        and sorted(parse_qsl(found.query)) == sorted(parse_qsl(asked.query))
    )
    return response.status_code in keeps and bool(same)


def _address(base: str, path: str) -> str | None:
    """`path` under `base`; None when `base` is no plain http or https address."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(base)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    if not usable or parts.username is not None or parts.password is not None:
        return None
    return f"{base.split('?')[0].split('#')[0].rstrip('/')}/{path}" if path else base


def skew(date: str, middle: datetime, seconds: float) -> timedelta:
    """How far the server is ahead, from its Date header, which counts whole seconds."""
    from email.utils import parsedate_to_datetime

    try:
        told = parsedate_to_datetime(date) + timedelta(seconds=0.5)
        ahead = told - middle
    except (TypeError, ValueError, OverflowError):
        return timedelta(0)
    return ahead if abs(ahead.total_seconds()) > 1 + seconds / 2 else timedelta(0)


def _cut(sock: Any) -> None:
    import contextlib
    import socket

    with contextlib.suppress(OSError, TypeError):
        # Not the TLS socket's own shutdown, which would pull the state away under the reading thread.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
