"""What a program wrote: taken in without end, kept within bounds, without secrets, safe to show."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

from console.model.text import safe

HEAD = TAIL = 32 * 1024
"""Bytes kept of its beginning and of its end."""
LINE = 2_000
"""Characters kept of one line."""
TOLD = 40
"""Lines told of one piece of output: of a burst, the last ones."""
LEAST = 4
"""Shorter values are too common to be hidden: half of the output would be."""
HIDDEN = b"***"


class Output:
    """Takes in pieces as they come. `tell` hears the lines; of a burst, the last ones."""

    def __init__(self, secrets: Iterable[str], tell: Callable[[str], None]) -> None:
        self._tell = tell
        found = {item.encode("utf-8", "surrogateescape") for item in secrets if len(item) >= LEAST}
        self._secrets = sorted(found, key=lambda item: (-len(item), item))
        # Literals of our own, escaped: no foreign pattern.
        self._any = re.compile(b"|".join(map(re.escape, self._secrets))) if self._secrets else None
        self._held = b""
        """What may be the beginning of a secret."""
        self._digest = hashlib.sha256()
        self._head, self._tail = bytearray(), bytearray()
        self._after = 0
        """Bytes that came after the head."""
        self._line = b""

    @property
    def digest(self) -> str:
        """Of everything that came, with secrets masked: a short secret could be found by trying, from a digest with it.
        It is whole after `end`."""
        return f"sha256:{self._digest.hexdigest()}"

    def take(self, data: bytes) -> None:
        """The next piece."""
        self._pass(self._hidden(data))

    def end(self) -> str:
        """Everything has come: what is kept of it, as safe lines."""
        self._pass(self._masked(self._held)[0])
        self._held = b""
        if self._line:
            self._tell(_last(self._line))
        left_out = self._after - len(self._tail)
        if left_out <= 0:
            return _lines(bytes(self._head + self._tail))
        return "\n".join((_lines(bytes(self._head)), f"[{left_out} bytes left out]", _lines(bytes(self._tail))))

    def _hidden(self, data: bytes) -> bytes:
        """What can be passed on by now, with secrets masked; the rest is held, as it may be the beginning of one."""
        if self._any is None:
            return data
        data = self._held + data
        longest = len(self._secrets[0])
        begun = 0
        for length in range(min(longest - 1, len(data)), 0, -1):
            end = data[-length:]
            if any(len(secret) > length and secret.startswith(end) for secret in self._secrets):
                begun = length
                break
        masked, used = self._masked(data, len(data) - begun)
        self._held = data[used:]
        return masked

    def _masked(self, data: bytes, until: int | None = None) -> tuple[bytes, int]:
        """`data` up to `until` without the secrets that begin there, and how much of it that is."""
        until = len(data) if until is None else until
        if self._any is None or not any(secret in data for secret in self._secrets):  # far quicker than the pattern
            return data[:until], until
        parts, at = [], 0
        for match in self._any.finditer(data):
            if match.start() >= until:
                break
            parts += [data[at : match.start()], HIDDEN]
            at = match.end()
        end = max(at, until)
        return b"".join((*parts, data[at:end])), end

    def _pass(self, data: bytes) -> None:
        self._digest.update(data)
        room = HEAD - len(self._head)
        if room > 0:
            self._head += data[:room]
        rest = data[max(room, 0) :]
        if rest:
            self._after += len(rest)
            self._tail += rest[-TAIL:]
            del self._tail[:-TAIL]
        if b"\n" in data:
            *lines, self._line = (self._line + data[-LINE * TOLD :]).split(b"\n")
            for line in lines[-TOLD:]:
                self._tell(_last(line))
        else:
            self._line += data[:LINE]
        self._line = self._line[:LINE]


def _safe(line: bytes) -> str:
    return safe(line.rstrip(b"\r").decode("utf-8", "replace"), LINE)


def _last(line: bytes) -> str:
    """A progress bar goes back to the start of its line: what it wrote last is what it shows."""
    return _safe(line.rstrip(b"\r").rpartition(b"\r")[2])


def _lines(data: bytes) -> str:
    return "\n".join(_safe(line) for line in data.split(b"\n")).strip("\n")
