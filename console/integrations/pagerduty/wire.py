"""Conversations with PagerDuty: each over a session of its own, each request bounded in time, each failure one line.

A request that changes something and of which no answer came is Uncertain; one that PagerDuty will not take is Rejected.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from console.integrations.http import decode, display, skew
from console.integrations.http.acts import PASSING
from console.integrations.http.network import late
from console.integrations.pagerduty.gate import Gate, asked_to_wait
from console.model.text import safe
from console.ports import Busy, Clock, Rejected, SourceError, Uncertain
from console.settings.outside import PagerDuty, SecretRef

if TYPE_CHECKING:
    from console.integrations.pagerduty.session import Broken, Reply

NAME = "pagerduty"
EXCERPT = 200
"""Characters quoted of PagerDuty's own words."""
HANGING = 12
"""Requests under way or abandoned before no more are sent."""
PAGE, LAST = 100, 10_000
"""Items of one page, and how many PagerDuty lets anybody page through."""

_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Wire:
    """The way to one PagerDuty. `secret` resolves a reference, before each conversation, so that a rotated key is
    taken up; what it gave is masked in whatever PagerDuty says."""

    def __init__(self, settings: PagerDuty, clock: Clock, secret: Callable[[SecretRef], str]) -> None:
        self.settings, self.clock, self.gate = settings, clock, Gate(clock)
        self.where = f"{NAME} ({display(settings.source.url)})"
        self.skew = timedelta(0)
        """How far PagerDuty's clock is ahead of ours, by its last answer."""
        self._secret = secret
        self._secrets: set[str] = set()
        self._lock = threading.Lock()
        self._live = 0
        self._closed = False

    def close(self) -> None:
        """Sends nothing from now on."""
        self._closed = True

    @contextmanager
    def talk(self, *, refresh: bool = False) -> Iterator[Talk]:
        """A conversation with the REST API. A refresh lets acts go first, and keeps still after a 429."""
        key = self.reveal(self.settings.source.token, "its token")
        from console.integrations.pagerduty import session

        with self._prepared(session.RestSession(key), self.settings.source.url) as opened:
            opened.default_from = self.settings.sender or None
            yield Talk(self, opened, refresh)

    @contextmanager
    def act(self) -> Iterator[Talk]:
        """A conversation that changes something: acts follow each other, and go before refreshes."""
        if not self.settings.sender:
            raise Rejected(f"{self.where}: needs a login e-mail to act under; set the sender of pagerduty")
        with self.gate.act(), self.talk() as talk:
            yield talk

    def send(self, key: SecretRef | None, change: bool, work: Callable[[Any], object]) -> dict[str, Any]:
        """One event to the Events API with this integration key, sent by `work` over the session it is given."""
        revealed = self.reveal(key, "an integration key")
        from console.integrations.pagerduty import session

        kind = session.ChangesSession if change else session.EventsSession
        with self._prepared(kind(revealed), self.settings.events_url) as opened:
            return self.exchange(opened, lambda: work(opened), writing=True)

    def reveal(self, ref: SecretRef | None, what: str) -> str:
        """A secret, known from now on to be masked. Raises SourceError."""
        if ref is None:
            raise Rejected(f"{self.where}: needs {what}, and none is configured")
        try:
            found = self._secret(ref).strip()
        except Exception as error:
            # The resolver's own words may name what only the operator should see.
            raise SourceError(f"{self.where}: {ref} cannot be read ({type(error).__name__})") from None
        if not found or not found.isascii() or not found.isprintable():
            raise SourceError(f"{self.where}: {ref} is empty, or holds what no header can carry")
        self._secrets.add(found)
        return found

    def words(self, text: str, limit: int = EXCERPT) -> str:
        """PagerDuty's own words: safe, short, on one line, without our secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return safe(" ".join(text.split()), limit)

    def exchange(self, opened: Any, work: Callable[[], object], *, writing: bool) -> dict[str, Any]:
        """One request in a thread of its own, so that neither a resolver nor a trickling answer holds the caller
        longer than the time-out. Raises SourceError."""
        from console.integrations.pagerduty import session

        timeout, began, sent_at = self.settings.source.timeout.total_seconds(), self.clock.monotonic(), self.clock.now()
        outcome: list[Reply | Broken] = []
        done = threading.Event()

        def run() -> None:
            outcome.append(session.exchange(opened, work, timeout))
            done.set()
            with self._lock:
                self._live -= 1

        with self._lock:
            if self._closed:
                raise SourceError(f"{self.where}: not asked: the console is closing")
            if self._live >= HANGING:
                raise SourceError(f"{self.where}: not asked: {self._live} earlier requests still hang")
            self._live += 1
        threading.Thread(target=run, name=f"http {NAME}", daemon=True).start()
        found: Reply | Broken = session.Broken(late(timeout), True)
        if done.wait(timeout + 0.1):  # the request's own time-out comes first, and says more
            found = outcome[0]
        else:
            session.cut(opened)
        match found:
            case session.Broken(reason, sent):
                if writing and sent:
                    raise Uncertain(f"{self.where}: {self.words(reason)}; it may or may not have been carried out")
                raise SourceError(f"{self.where}: {self.words(reason)}")
            case session.Reply() as reply:
                seconds = self.clock.monotonic() - began
                self.skew = skew(reply.headers.get("date", ""), sent_at + timedelta(seconds=seconds / 2), seconds)
                return self._settled(reply, writing)

    def _settled(self, reply: Reply, writing: bool) -> dict[str, Any]:
        if 200 <= reply.status <= 299:
            try:
                return decode(reply.body, _OBJECT)
            except ValueError as error:
                failure = Uncertain if writing else SourceError
                raise failure(f"{self.where}: answers what is not PagerDuty's: {self.words(str(error))}") from None
        said = self._refusal(reply)
        if reply.status == 429:
            seconds = asked_to_wait(reply.headers, self.clock.now())
            self.gate.slow_down(seconds)
            raise Busy(f"{said}, for {seconds:.0f} s", seconds)
        if 400 <= reply.status <= 499 and reply.status not in PASSING:
            raise Rejected(said)
        if writing and reply.status >= 500:
            raise Uncertain(f"{said}; it may or may not have been carried out")
        raise SourceError(said)

    def _refusal(self, reply: Reply) -> str:
        token = self.settings.source.token
        if 300 <= reply.status <= 399:
            target = display(reply.headers["location"]) if reply.headers.get("location") else "nowhere"
            return f"{self.where}: answers {reply.status}, a redirect to {self.words(target)}; set the final url"
        advice = {
            401: f"it does not accept the key; check {token}",
            402: "the account's plan does not have that",
            403: f"it forbids that; check what {token} may do there",
            404: "it knows no such thing; was it deleted, or is the url wrong?",
            429: "it asks us to slow down",
        }.get(reply.status, "")
        said = self.words(_error(reply.body))
        if reply.status in (400, 422) and "from" in said.lower().replace("_", " ").split():
            advice = f"it does not take {self.settings.sender or 'no one'} as the sender; set a login e-mail"
        return ": ".join(filter(None, (self.where, f"answers {reply.status}", advice, said)))

    @contextmanager
    def _prepared(self, opened: Any, url: str) -> Iterator[Any]:
        from console.integrations.pagerduty import session

        session.prepare(opened, url, self.settings.source.timeout.total_seconds(), self.clock.monotonic)
        try:
            yield opened
        finally:
            opened.close()


class Talk:
    """Requests in a row over one session of the REST API."""

    def __init__(self, wire: Wire, opened: Any, refresh: bool) -> None:
        self._wire, self._opened, self._refresh = wire, opened, refresh

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One object. Raises SourceError."""
        if self._refresh:
            self._wire.gate.refresh(self._wire.where)
        opened = self._opened
        return self._wire.exchange(opened, lambda: opened.request("GET", path, params=params), writing=False)

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One change. Raises SourceError, Uncertain when it may have been made."""
        opened = self._opened
        return self._wire.exchange(opened, lambda: opened.request("PUT", path, json=body), writing=True)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One addition. Raises SourceError, Uncertain when it may have been made."""
        opened = self._opened
        return self._wire.exchange(opened, lambda: opened.request("POST", path, json=body), writing=True)

    def pages(self, path: str, items: str, params: Mapping[str, Any] | None = None) -> tuple[list[Any], str]:
        """What lies under `items` on all pages, and a note when that is not all there is. Raises SourceError."""
        found: list[Any] = []
        while len(found) + PAGE <= LAST:
            page = self.get(path, {**(params or {}), "limit": PAGE, "offset": len(found)})
            here = page.get(items)
            if not isinstance(here, list):
                raise SourceError(f"{self._wire.where}: answers without {items}; is the url that of its REST API?")
            found += here
            # An empty page that promises more would promise it for ever.
            if page.get("more") is not True or not here:
                return found, ""
        return found, f"more than {LAST} {items.replace('_', ' ')}: PagerDuty shows no more"


def _error(body: bytes) -> str:
    """What an answer that is not good says: PagerDuty's message and details where it has them."""
    try:
        found = decode(body[:65_536], _OBJECT)
    except ValueError:
        return body[:2_000].decode("utf-8", "replace")
    error = found.get("error", found)
    if not isinstance(error, dict):
        return str(error)
    details = error.get("errors")
    return ", ".join(
        str(part) for part in (error.get("message"), *(details if isinstance(details, list) else ())) if part
    )
