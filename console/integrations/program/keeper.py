"""Keeps one program: starts it, ends it and all that it started, and says how it ended.

A process of its own between the console and the program, for two reasons. What a program leaves behind becomes its
child (Linux: PR_SET_CHILD_SUBREAPER), however often it was forked and whatever session it made for itself, so that it
can be found and ended. And it outlives a console that is killed: its standard input ends then, and it ends the program.

Run as a script, by file, with `-I -S`: it imports the standard library alone, and little of that.

    keeper.py OUTPUT STATUS     file descriptors: what the program writes to, and where its end is told
    standard input              8 bytes of length, then marshalled: argv, executable, folder, environment, seconds,
                                grace; later one byte: stop
    STATUS                      lines: `started PID`, then `failed ERRNO` or `ended CODE WHY LEFT LOST`: CODE as
                                os.waitstatus_to_exitcode, WHY by itself, timeout, stopped, or gone (the console); LEFT
                                processes were ended after the program had ended, LOST could not be ended
"""

from __future__ import annotations

import contextlib
import ctypes
import marshal
import os
import resource
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LEFTOVER_GRACE = 1.0
"""Seconds that what a program left behind has to end by itself once it was asked to."""
LAST_RESORT = 3.0
"""Seconds for which what does not die is killed again and again."""
LOOK = 0.05
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE)


def descendants() -> list[int]:
    """The processes below this one; without a /proc, none that we know of."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdecimal():
                with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                    if fields[0] != b"Z":  # a dead one only waits for its parent
                        parents[int(name)] = int(fields[1])
    found: set[int] = set()
    grown = True
    while grown:
        below = {pid for pid, parent in parents.items() if parent == os.getpid() or parent in found}
        grown = below != found
        found |= below
    return sorted(found)


def send(number: int, main: int | None) -> list[int]:
    """Signals each process below this one, once: some take a second SIGTERM for impatience. Where they cannot be
    listed, the program's own group. Who was reached."""
    found = descendants()
    if not found and main is not None:
        with contextlib.suppress(OSError):
            os.killpg(main, number)
    for pid in found:
        with contextlib.suppress(OSError):
            os.kill(pid, number)
            if number == signal.SIGTERM:
                os.kill(pid, signal.SIGCONT)  # one that is stopped hears nothing
    return found


class Keeper:
    """One program, from its start to the end of all that it started."""

    def __init__(self, output: int, status: int) -> None:
        self.output, self.status = output, status
        self.code: int | None = None
        self.main = 0
        self.children = True

    def start(self, spec: tuple[list[bytes], bytes, bytes, dict[bytes, bytes]]) -> int:
        """Starts it. 0, or the error's number."""
        argv, executable, folder, environment = spec
        told, tell = os.pipe()
        self.main = os.fork()
        if not self.main:
            self._become(argv, executable, folder, environment, tell)
        os.close(tell)
        os.close(self.output)
        answer = os.read(told, 16)
        os.close(told)
        return int(answer or b"0")

    def _become(
        self, argv: list[bytes], executable: bytes, folder: bytes, environment: dict[bytes, bytes], tell: int
    ) -> None:
        """The child's part: becomes the program, or tells why not."""
        try:
            os.setsid()
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold what the environment held
            signal.set_wakeup_fd(-1)
            for number in (
                signal.SIGPIPE,
                signal.SIGXFSZ,
                signal.SIGTERM,
                signal.SIGINT,
                signal.SIGHUP,
                signal.SIGCHLD,
            ):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(folder)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.dup2(self.output, 1)
            os.dup2(self.output, 2)
            say(self.status, f"started {os.getpid()}")  # before it can do anything, such as kill its keeper
            os.execve(executable, argv, environment)
        except OSError as error:
            os.write(tell, b"%d" % (error.errno or 1))
        finally:
            os._exit(127)

    def reap(self) -> None:
        """Takes leave of those that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.children = False
                return
            if not pid:
                return
            if pid == self.main:
                self.code = os.waitstatus_to_exitcode(status)

    def wait(self, poll: select.poll, until: float) -> str:
        """Waits for its end, its time-out, or a word from the console; which of them it was."""
        while True:
            self.reap()
            if self.code is not None:
                return "itself"
            left = until - time.monotonic()
            if left <= 0:
                return "timeout"
            for descriptor, _ in poll.poll(min(left, 3600.0) * 1000 + 1):
                word = os.read(descriptor, 512)
                if not descriptor:
                    return "stopped" if word else "gone"

    def end(self, poll: select.poll, grace: float) -> int:
        """Asks the program and all that it started to end, and kills what does not. How many could not be ended."""
        poll.unregister(0)  # whatever else the console says: it is being done
        asked = time.monotonic()
        send(signal.SIGTERM, self.main if self.code is None else None)
        while time.monotonic() < asked + grace:
            self.reap()
            if not self.children:
                return 0
            for descriptor, _ in poll.poll(LOOK * 1000):
                os.read(descriptor, 512)
        killing = time.monotonic()
        while time.monotonic() < killing + LAST_RESORT:
            alive = send(signal.SIGKILL, self.main if self.code is None else None)
            self.reap()
            if not self.children and not alive:
                return 0
            for descriptor, _ in poll.poll(LOOK * 100):
                os.read(descriptor, 512)
        return len(descendants()) or 1


def prctl(option: int, value: int) -> None:
    """Where there is such a call; elsewhere (macOS) a program's own session is what can be ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def main() -> None:
    """What the module's docstring says."""
    output, status = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(output, False)
    os.set_inheritable(status, False)
    for ignored in IGNORED:
        signal.signal(ignored, signal.SIG_IGN)  # the console alone says when
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    heard, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    length = int.from_bytes(read(8), "big")
    argv, executable, folder, environment, seconds, grace = marshal.loads(read(length))
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(heard, select.POLLIN)
    keeper = Keeper(output, status)
    began = time.monotonic()
    error = keeper.start((argv, executable, folder, environment))
    if error:
        say(status, f"failed {error}")
        return
    why = keeper.wait(poll, began + seconds)
    left = 0
    if why == "itself":
        left = len(descendants())
        grace = min(grace, LEFTOVER_GRACE)
    keeper.reap()
    lost = keeper.end(poll, grace) if keeper.children else 0
    say(status, f"ended {keeper.code if keeper.code is not None else 0} {why} {left} {lost}")


def read(count: int) -> bytes:
    """So many bytes of standard input; without them there is nobody to work for."""
    data = b""
    while len(data) < count:
        more = os.read(0, count - len(data))
        if not more:
            os._exit(1)
        data += more
    return data


def say(status: int, line: str) -> None:
    """Tells the console, if it is still there."""
    with contextlib.suppress(OSError):
        os.write(status, line.encode() + b"\n")


if __name__ == "__main__":
    main()
