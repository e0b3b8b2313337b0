"""Lines from stdin for the prompts of plain mode, told apart by when they came: before a prompt, or while it waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import sys
import termios
from collections import deque
from collections.abc import Callable

AHEAD = 256
"""Lines that are read ahead; whoever writes more waits."""
LONGEST = 65_536
"""Bytes of one line."""
_NO_FILE, _CLOSED = -1, -2


class Lines:
    """Lines from stdin, in their order. `arrived` is called when there are new ones, and at the end."""

    def __init__(self, arrived: Callable[[], None] = lambda: None) -> None:
        self.arrived = arrived
        self.ended = False
        self._lines: deque[str] = deque()
        self._rest = b""
        self._before = 0
        """How many of the lines were there when the wait began that is under way."""
        self._new = asyncio.Event()
        self._listening = False
        try:
            self._handle = sys.stdin.fileno()
            self.terminal = sys.stdin.isatty()
        except (OSError, ValueError):
            self._handle, self.terminal = _NO_FILE, False
        except AttributeError:  # None: it was closed before the program began.
            self._handle, self.terminal = _CLOSED, False

    # -- one answer ---------------------------------------------------------------------------------------------------

    async def next(self) -> str | None:
        """The next line, without its end; None at the end of the input."""
        self._listen()
        while not self._lines and not self.ended:
            self._new.clear()
            await self._new.wait()
        return self._pop(0) if self._lines else None

    def discard(self) -> None:
        """On a terminal, what was typed before a prompt is seen is no answer to it."""
        if self.terminal and not self.ended:
            self._lines.clear()
            self._rest, self._before = b"", 0
            with contextlib.suppress(termios.error):  # The terminal is gone: its end comes next.
                termios.tcflush(self._handle, termios.TCIFLUSH)

    # -- while nothing is asked ---------------------------------------------------------------------------------------

    def mark(self) -> None:
        """A wait begins: what is there already was written for the prompts to come."""
        self._listen()
        if not self.terminal:
            while self._listening and not self.ended and select.select([self._handle], [], [], 0)[0]:
                self._take()
            self._before = len(self._lines)

    def live(self) -> str | None:
        """Takes a line that came since the wait began."""
        return self._pop(self._before) if len(self._lines) > self._before else None

    @property
    def head(self) -> str | None:
        """The next of the lines that were there before."""
        return self._lines[0] if self._before else None

    def take_head(self) -> None:
        """It is taken."""
        self._pop(0)

    @property
    def spent(self) -> bool:
        """Whether nothing more can come."""
        return self.ended and not self._lines

    # -- inside -------------------------------------------------------------------------------------------------------

    def _pop(self, place: int) -> str:
        line = self._lines[place]
        del self._lines[place]
        self._before -= place < self._before
        self._listen()
        return line

    @property
    def _wanted(self) -> bool:
        return not self.ended and len(self._lines) < AHEAD

    def _listen(self) -> None:
        """Reads what comes from now on, unless enough was read ahead."""
        if self._listening or not self._wanted:
            return
        if self._handle < 0:
            self._all(sys.stdin.read() if self._handle == _NO_FILE else "")
            return
        try:
            asyncio.get_running_loop().add_reader(self._handle, self._take)
            self._listening = True
        except PermissionError:  # A file, or /dev/null: it never keeps anybody waiting.
            while self._wanted:
                self._take()

    def _all(self, text: str) -> None:
        self._rest += text.encode()
        self._split()
        self._end()

    def _take(self) -> None:
        """Takes what is there."""
        try:
            more = os.read(self._handle, LONGEST)
        except BlockingIOError:
            return
        except OSError:
            more = b""  # The terminal is gone.
        if not more:
            self._end()
            return
        self._rest += more
        self._split()
        if len(self._lines) >= AHEAD:
            self.close()

    def _split(self) -> None:
        *whole, self._rest = self._rest.split(b"\n")
        if len(self._rest) > LONGEST:
            whole.append(self._rest)
            self._rest = b""
        self._lines.extend(line.decode("utf-8", "replace").rstrip("\r") for line in whole)
        if whole:
            self._tell()

    def _end(self) -> None:
        if self._rest:
            self._lines.append(self._rest.decode("utf-8", "replace").rstrip("\r"))
            self._rest = b""
        self.ended = True
        self.close()
        self._tell()

    def _tell(self) -> None:
        self._new.set()
        self.arrived()

    def close(self) -> None:
        """Stops reading."""
        if self._listening:
            asyncio.get_running_loop().remove_reader(self._handle)
            self._listening = False
