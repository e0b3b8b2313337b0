"""A share behind an address: GET and a JSON pointer read it, one request with nothing but the number writes it.

A strong `ETag` of the answer goes into the `If-Match` of a write that must find what was read, so that the server
itself refuses it (412) where somebody else was faster.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from console.integrations.flags.common import SHOWN, checked, found, set_and_read_back, share, written
from console.integrations.http import Answer, Finding, Http, Unanswered, act, decode
from console.model.flag import FlagAnswer, FlagChange, FlagState
from console.model.text import safe
from console.ports import Clock, Rejected, Uncertain
from console.settings.outside import HttpFlags as Settings
from console.settings.outside import Reveal

LIMIT = 1024 * 1024
"""Bytes of one answer."""
FLAG, PERCENT = "{flag}", "{percent}"
"""Where the flag's name stands in an address, and the number in a body."""
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class HttpFlags:
    """A `Flags`."""

    name = "flags over http"

    def __init__(self, settings: Settings, clock: Clock, secret: Reveal | None = None) -> None:
        self._settings, self._clock, self._secret = settings, clock, secret
        self._open: dict[str, Http] = {}

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        for http in tuple(self._open.values()):
            http.close()

    def read(self, flag: str) -> FlagState:
        """The flag as it is now. Raises SourceError."""
        return self._read(flag)[0]

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        """As the port says."""
        wanted, tag = checked(self.name, percent), ""

        def read() -> FlagState:
            nonlocal tag
            state, tag = self._read(flag)
            return state

        def write(before: FlagState | None) -> bool:
            return self._write(flag, wanted, tag if expected is not None else "")

        return set_and_read_back(flag, wanted, expected, self._clock, read, write)

    def history(self, flag: str) -> tuple[FlagChange, ...]:
        """None: there is nobody to ask."""
        return ()

    def scope(self, flag: str) -> str:
        """That it may read is all that reading shows. Raises SourceError."""
        self.read(flag)
        return "it may read; whether it may write is shown by a write alone"

    def probe(self, flag: str = "") -> list[Finding]:
        """What `oncall check` says. Nothing is changed."""
        if not flag:
            return [Finding(self.name, True, "not asked: rollout.yaml names no flag")]
        return found(self.name, flag, lambda: self.read(flag), "correct flags in console.yaml, or flag in rollout.yaml")

    def _read(self, flag: str) -> tuple[FlagState, str]:
        http = self._http(self._settings.source.url, flag)
        answer = act(http, "GET")
        try:
            value = _pointed(decode(answer.body, _ANY), self._settings.pointer)
        except ValueError as error:
            raise http.error(f"answers without a share: {error}") from None
        percent = share(value)
        if percent is None:
            shown = safe(json.dumps(value), SHOWN) if value is not None else _null(answer.body, self._settings.pointer)
            raise http.error(f"has no share from 0 to 100 at {self._settings.pointer or 'the top'}: {shown}")
        return FlagState(flag, percent, percent > 0, self._clock.now()), answer.etag

    def _write(self, flag: str, percent: float, tag: str) -> bool:
        http, status = self._http(self._settings.write_url, flag), 0

        def words(answer: Answer) -> str:
            nonlocal status
            status = answer.status
            return ""

        body = json.loads(self._settings.body.replace(PERCENT, written(percent)))
        try:
            act(http, self._settings.method, words=words, json=body, headers={"If-Match": tag} if tag else None)
        except Rejected:
            if status == 412 and tag:
                return False
            raise
        except Unanswered as error:
            if error.sent:  # a gateway's answer, say
                raise Uncertain(f"{error}; it may or may not have been carried out") from None
            raise
        return True

    def _http(self, url: str, flag: str) -> Http:
        """The server at the flag's own address. Raises Rejected for a name that would make it another one."""
        if flag in ("", ".", ".."):
            raise Rejected(f"{flag!r} is no name of a flag")
        address = url.replace(FLAG, quote(flag, safe=""))
        if address not in self._open:
            self._open[address] = Http(
                replace(self._settings.source, url=address), self._clock, self._secret, limit=LIMIT
            )
        return self._open[address]


def _null(body: bytes, pointer: str) -> str:
    """What stands where null was read: that, or NaN or Infinity, which are no JSON and are read as null."""
    try:
        value = _pointed(json.loads(body), pointer)
    except (ValueError, RecursionError):
        return "null"
    return "null" if value is None else f"{json.dumps(value)}, not a number"


def _pointed(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points at. Raises ValueError where there is nothing."""
    at = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and key in at:
            at = at[key]
        elif isinstance(at, list) and key.isascii() and key.isdecimal() and int(key) < len(at):
            at = at[int(key)]
        else:
            raise ValueError(f"nothing is at {safe(pointer, SHOWN)}")
    return at
