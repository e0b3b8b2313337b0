"""A program under a real pseudo-terminal: keys in, screen and raw bytes out. Waits for conditions, never sleeps."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from tests.tty.vt import Screen, Stream

KEYS = {
    "enter": b"\r",
    "esc": b"\x1b",
    "tab": b"\t",
    "space": b" ",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "backspace": b"\x7f",
    "ctrl+e": b"\x05",
    "ctrl+p": b"\x10",
    "ctrl+q": b"\x11",
    "ctrl+z": b"\x1a",
    "ctrl+u": b"\x15",
}

_SYNC_QUERY, _SYNC_REPLY = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_FRAME_BEGINS, _FRAME_ENDS = b"\x1b[?2026h", b"\x1b[?2026l"


class Terminal:
    """A child on a pseudo-terminal of `columns` x `rows`, with its screen as pyte sees it.

    `raw` holds every byte that the child wrote. Leaving the context kills the child.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self.raw = bytearray()
        self._screen = Screen(columns, rows)
        self._stream = Stream(self._screen)
        self._lines: list[str] | None = None
        self._answered = 0
        self.status: int | None = None
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONDONTWRITEBYTECODE", "CI", "COLUMNS", "LINES")
        }
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **(env or {})}
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                if cwd is not None:
                    os.chdir(cwd)
                os.execvpe(command[0], list(command), environment)
            finally:
                os._exit(127)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    # -- what is seen -------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The screen, a line each, without trailing blanks."""
        # Not pyte's `display`: it stumbles over half of a wide character that was written over.
        if self._lines is None:
            rows, columns = map(self._screen.buffer.__getitem__, range(self._screen.lines)), range(self._screen.columns)
            self._lines = ["".join([row[x].data for x in columns]).rstrip() for row in rows]
        return list(self._lines)

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def find(self, text: str) -> tuple[int, int]:
        """Column and row of the last place where a text stands."""
        for row, line in reversed(list(enumerate(self.lines))):
            if (column := line.rfind(text)) >= 0:
                return column, row
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def colours(self) -> set[str]:
        """Every foreground and background in use: pyte's names, six hex digits, or "default"."""
        rows = self._screen.buffer.values()
        return {colour for row in rows for cell in row.values() for colour in (cell.fg, cell.bg)}

    def cells(self) -> list[tuple[str, str, str]]:
        """Every cell with something in it: character, foreground and background as drawn, reversed or not."""
        drawn = []
        for y in range(self._screen.lines):
            for x in range(self._screen.columns):
                cell = self._screen.buffer[y][x]
                if cell.data.strip():
                    drawn.append((cell.data, cell.bg, cell.fg) if cell.reverse else (cell.data, cell.fg, cell.bg))
        return drawn

    @property
    def cooked(self) -> bool:
        """Whether the terminal echoes and takes whole lines, as a shell leaves it."""
        flags = termios.tcgetattr(self._fd)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    # -- what is done -------------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Presses keys by name, or characters as they are."""
        for key in keys:
            os.write(self._fd, KEYS.get(key, key.encode()))

    def type(self, text: str) -> None:
        """Types a text."""
        os.write(self._fd, text.encode())

    def paste(self, text: str | bytes) -> None:
        """Pastes a text, as a terminal of today marks it."""
        data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
        rest = memoryview(b"\x1b[200~" + data + b"\x1b[201~")
        while rest:
            rest = rest[os.write(self._fd, rest[:1024]) :]
            self._read(0)  # so that neither side waits for the other

    def resize(self, columns: int, rows: int) -> None:
        """Gives the terminal another size."""
        self._screen.resize(rows, columns)
        self._lines = None
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def click_at(self, column: int, row: int) -> None:
        """Presses and releases the left button on a cell, counted from 0."""
        at = f"0;{column + 1};{row + 1}"
        os.write(self._fd, f"\x1b[<{at}M\x1b[<{at}m".encode())

    def click(self, text: str) -> None:
        """Clicks on the last place where a text stands."""
        self.click_at(*self.find(text))

    def fill(self, label: str, text: str) -> None:
        """Adds to what is in the field under a label, and waits until it stands there. The click moves the focus before
        the next key is read, and the cursor to the end."""
        column, row = self.find(label)
        self.click_at(min(column + 60, self._screen.columns - 4), row + 1)
        self.type(text)
        self.wait_for(lambda _: text in self.lines[self.find(label)[1] + 1])

    def wait_for(self, *wanted: str | Callable[[str], bool], timeout: float = 60.0, gone: bool = False) -> str:
        """Reads until every text is on the screen (or, with `gone`, until none is), and gives the screen."""

        def holds() -> bool:
            if self.raw.rfind(_FRAME_BEGINS) > self.raw.rfind(_FRAME_ENDS):
                return False  # half a frame
            text = self.text
            found = [item in text if isinstance(item, str) else item(text) for item in wanted]
            return not any(found) if gone else all(found)

        deadline = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > deadline or not self._read(0.1):
                if holds():
                    break
                state = "ended" if self.status is not None else "is running"
                raise AssertionError(f"{wanted} did not {'go' if gone else 'come'}; the program {state}:\n{self.text}")
        return self.text

    def read_for(self, seconds: float) -> int:
        """Reads whatever comes in that time; the number of bytes."""
        before, deadline = len(self.raw), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._read(left):
            pass
        return len(self.raw) - before

    def wait_end(self, timeout: float = 60.0) -> int:
        """Reads until the child has ended: its exit code, or minus the signal that ended it."""
        deadline = time.monotonic() + timeout
        while self._read(0.05):
            if time.monotonic() > deadline:
                raise AssertionError(f"the program did not end:\n{self.text}")
        while self.status is None:
            self._reap()
            if time.monotonic() > deadline:
                raise AssertionError("the terminal was closed and the program goes on")
            time.sleep(0.005)
        return self.status

    def signal(self, number: int) -> None:
        """Sends a signal to the child."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends the child at once, as a power cut would."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # -- inside -------------------------------------------------------------------------------------------------------

    def _read(self, timeout: float) -> bool:
        """Takes what is there within `timeout`; False once the terminal is closed."""
        ready, _, _ = select.select([self._fd], [], [], timeout)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            self._reap()
            return False
        self.raw += data
        self._stream.feed(data)
        self._lines = None
        asked = self.raw.count(_SYNC_QUERY, self._answered)
        if asked:  # As a terminal of today does, so that frames come whole.
            os.write(self._fd, _SYNC_REPLY * asked)
            self._answered = self.raw.rfind(_SYNC_QUERY) + len(_SYNC_QUERY)
        else:
            self._answered = max(self._answered, len(self.raw) - len(_SYNC_QUERY))
        return True

    def _reap(self) -> None:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
