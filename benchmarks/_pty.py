"""Programs on a pseudo-terminal, timed. A text counts as painted when its bytes have arrived, however few of its cells
those had to change."""

import errno
import os
import pty
import re
import select
import signal
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pyte

if str(Path(__file__).parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from console.settings.example import init

REPO = Path(__file__).parents[1]
BARE = (sys.executable, str(REPO / "benchmarks" / "bare.py"))
BARE_TEXT = "bare and ready"
ONCALL = (sys.executable, "-m", "console")
DEMO = (*ONCALL, "demo")
DEMO_TEXT = "oncall DEMO"
OVERVIEW = ("Latency below 300 ms  ok", "measured 25 %", "9/12 proven", "DiskFillingUp", "wait-for-messages   up")
"""Once the month of every SLO has been read."""
STARTED = (" % ≥ 99 %", *OVERVIEW[1:])
"""What the demo's Overview says with data in every pane: the gauges cover what the first round has read, and say so."""
LIVE_TEXT = "oncall  starting"
CLOSED = ("prometheus    UNREACHABLE", "alertmanager  UNREACHABLE", "wait-for-messages   DOWN")
"""What the live Overview says where nothing answers."""
SIZE = (140, 45)

_SYNC_QUERY, _SYNC_REPLY = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_=>])")
_CPUCLOCK_SCHED = 2
"""With a process id, the id of that process's CPU clock: clock_getcpuclockid(3), which Python does not have."""


def environment(**more: str) -> dict[str, str]:
    """A clean environment, the same for floor and console; bytecode is written, as on any machine."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **more}


class Child:
    """A program on a pseudo-terminal. Leaving the context kills it."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = SIZE, **more: str) -> None:
        self.raw = bytearray()
        self._arrived: list[tuple[float, int]] = []
        """When something came, and how many bytes there were then."""
        self._asked = self._drawn = 0
        self._size = size
        self._open = True
        self.ended_at: float | None = None
        variables = environment(**more)
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (size[1], size[0]))
        self.started_at = time.perf_counter()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.chdir(REPO)
                os.close(master)
                os.login_tty(slave)
                os.execvpe(command[0], list(command), variables)
            finally:
                os._exit(127)
        os.close(slave)
        self._fd = master

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        if self.ended_at is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def read(self, seconds: float) -> bool:
        """Takes what comes next within `seconds`; False when nothing did or the program let go of the terminal."""
        if not self._open:
            return False
        if not select.select([self._fd], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        self._open = bool(data)
        self.raw += data
        self._arrived.append((time.perf_counter(), len(self.raw)))
        asked = self.raw.count(_SYNC_QUERY)
        if asked > self._asked:
            os.write(self._fd, _SYNC_REPLY * (asked - self._asked))
            self._asked = asked
        return bool(data)

    def text(self, since: int = 0) -> str:
        """What was written since a byte, without escape sequences."""
        return _ESCAPES.sub(b"", bytes(self.raw[since:])).decode(errors="replace")

    def until(self, *wanted: str, timeout: float = 30.0) -> float:
        """Seconds from the start until every text has been painted."""
        deadline = time.perf_counter() + timeout
        while True:
            quiet = not self.read(0.25)
            if (painted := self.painted(*wanted, quiet=quiet)) is not None:
                return painted
            if time.perf_counter() > deadline or not self._open:
                raise RuntimeError(f"{wanted} did not come: {self.text()[-2000:]}")

    def painted(self, *wanted: str, quiet: bool) -> float | None:
        """Seconds from the start until every text had been painted; None where it was not seen yet. What was written in
        pieces, into cells that held the rest already, is seen once the program is `quiet`: a screen put together from
        the bytes takes a while."""
        if not self._arrived:
            return None
        if all(text in self.text() for text in wanted):
            return self._arrived[-1][0] - self.started_at
        if not quiet or len(self.raw) == self._drawn:
            return None
        self._drawn, begin = len(self.raw), 0
        screen = pyte.Screen(*self._size)
        stream = pyte.ByteStream(screen)
        for at, end in self._arrived:
            stream.feed(bytes(self.raw[begin:end]))
            begin = end
            shown = "\n".join(
                "".join(screen.buffer[row][x].data for x in range(screen.columns)) for row in range(screen.lines)
            )
            if all(text in shown for text in wanted):
                return at - self.started_at
        return None

    def settle(self, quiet: float = 0.4, timeout: float = 20.0) -> None:
        """Reads until nothing has come for `quiet` seconds."""
        deadline = time.perf_counter() + timeout
        while self.read(quiet) and time.perf_counter() < deadline:
            pass

    def read_waiting(self) -> None:
        """Takes what has come already."""
        while self.read(0.0):
            pass

    def press(self, key: str, quiet: float = 0.08) -> tuple[float, int]:
        """Seconds until the first bytes that a key caused, and all bytes that it did."""
        self.read_waiting()
        before, start = len(self.raw), time.perf_counter()
        os.write(self._fd, key.encode())
        if not self.read(2.0):
            raise RuntimeError(f"{key!r} changed nothing")
        seconds = time.perf_counter() - start
        while self.read(quiet):
            pass
        return seconds, len(self.raw) - before

    def leave(self, key: str = "q") -> float:
        """Presses a key that leaves; seconds until the process is gone."""
        start = time.perf_counter()
        os.write(self._fd, key.encode())
        while not os.waitpid(self.pid, os.WNOHANG)[0]:
            if not self.read(0.002):
                time.sleep(0.001)
            if time.perf_counter() - start > 15.0:
                raise RuntimeError(f"{key!r} did not end it: {self.text()[-500:]}")
        self.ended_at = time.perf_counter()
        return self.ended_at - start

    def fileno(self) -> int:
        """For select()."""
        return self._fd

    @property
    def is_open(self) -> bool:
        """Whether the program still holds its terminal."""
        return self._open

    @property
    def cpu(self) -> float:
        """Seconds of CPU used so far, by all its threads; to the nanosecond, not to the tick."""
        return time.clock_gettime(~self.pid << 3 | _CPUCLOCK_SCHED)

    @property
    def resident_mb(self) -> float:
        """Resident memory, 10^6 bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def live(address: str = "127.0.0.1:9") -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """The command, and the variables, of a live console in a home of its own. All its sources are at `address`, where
    nothing listens."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        init(folder / "config")
        path = folder / "config" / "console.yaml"
        path.write_text(re.sub(r"127\.0\.0\.1:\d+", address, path.read_text()))
        command = (*ONCALL, "--config", str(folder / "config"), "--journal", str(folder / "record" / "journal.db"))
        yield command, {"HOME": name}


def read_all(children: Collection[Child], seconds: float) -> None:
    """Reads whatever several programs write in that time."""
    deadline = time.perf_counter() + seconds
    while (left := deadline - time.perf_counter()) > 0 and (living := [child for child in children if child.is_open]):
        for child in select.select(living, [], [], left)[0]:
            child.read(0.0)


def until_each(children: Sequence[Child], *wanted: str, timeout: float = 30.0) -> list[float]:
    """Of each, seconds from its start until every text has been painted, while all run at once."""
    found: dict[Child, float] = {}
    deadline = time.perf_counter() + timeout
    while waiting := [child for child in children if child not in found]:
        ready = select.select(waiting, [], [], 0.25)[0]
        for child in ready or waiting:
            child.read(0.0)
            painted = child.painted(*wanted, quiet=not ready)
            if painted is not None:
                found[child] = painted
            elif not child.is_open:
                deadline = time.perf_counter()
        if time.perf_counter() > deadline:
            shown = [child.text()[-2000:] for child in children if child not in found]
            if shown:
                raise RuntimeError(f"{wanted} did not come: {shown}")
    return [found[child] for child in children]


def rounds(count: int, *measured: Callable[[], Sequence[float]]) -> list[list[float]]:
    """The medians of what several measurements give, taken in turn `count` times: a noisy neighbour hits all alike."""
    found: list[list[Sequence[float]]] = [[] for _ in measured]
    for number in range(count):
        order = range(len(measured)) if number % 2 == 0 else reversed(range(len(measured)))
        for index in order:
            found[index].append(measured[index]())
    return [[median(values) for values in zip(*times, strict=True)] for times in found]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
