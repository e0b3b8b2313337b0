"""Runs programs on this host, each under a keeper of its own.

What cannot be caught: a process that another service starts on the program's behalf (systemd, docker, cron, another
host); one that runs as another user and may not be signalled by us; and, when the program kills its keeper itself, what
it had left behind by then. Where there is no /proc (macOS), what has made a session of its own is not found either.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import pwd
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

from console.integrations.program import place
from console.integrations.program.output import Output
from console.model.playbook import Program
from console.model.text import safe
from console.ports import Clock, Ended, Rejected, Uncertain

GRACE = timedelta(seconds=5)
"""How long a program has to end by itself once it was asked to."""
PATIENCE = 10.0
"""Seconds that a keeper has to answer beyond all that it waits for itself."""
PIECE = 64 * 1024
LOOK_MS = 100
"""How often it is looked whether the program is to be stopped."""

_SWEEPS = 20
_KEEPER = Path(__file__).with_name("keeper.py")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|DSN|PRIVATE|SESSION", re.IGNORECASE)
_USER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#:@]*)(?::([^\s/?#]*))?@")
_PLAIN = 8
"""Values of variables that do not look like secrets are hidden from so many characters on: shorter ones are words."""


class LocalPrograms:
    """Implements `Programs`. `folder` is the playbooks'; `secrets` are texts that no output may show, each given anew
    before each run, so that a rotated one is taken up."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        secrets: Sequence[Callable[[], str]] = (),
        environ: Mapping[str, str] = os.environ,
        grace: timedelta = GRACE,
    ) -> None:
        self._folder, self._clock, self._secrets, self._environ = folder, clock, tuple(secrets), environ
        self._grace = grace

    def refusal(self, program: Program) -> str:
        """Why it may not run here; empty when it may."""
        try:
            self._placed(program)
        except (place.Misplaced, OSError, ValueError) as error:
            return safe(str(error), 400)
        return ""

    def run(self, program: Program, tell: Callable[[str], None], stop: threading.Event) -> Ended:
        """Runs it to its end, its timeout, or `stop`. Raises Rejected when it was not started, and Uncertain when its
        keeper was killed: then nobody knows how it ended."""
        try:
            executable, folder = self._placed(program)
        except (place.Misplaced, OSError, ValueError) as error:
            raise Rejected(f"not started: {safe(str(error), 400)}") from None
        environment = self.environment(program)
        output = Output([*self._hidden(program)], tell)
        if stop.is_set():
            raise Rejected("not started: it was stopped before it began")
        began = self._clock.monotonic()
        spec = (
            [os.fsencode(argument) for argument in program.argv],
            os.fsencode(executable),
            os.fsencode(folder),
            {os.fsencode(name): os.fsencode(text) for name, text in environment.items()},
            max(program.timeout.total_seconds(), 0.0),
            self._grace.total_seconds(),
        )
        said = self._kept(marshal.dumps(spec), output, stop, program.timeout + 2 * self._grace)
        lines = [line.split() for line in said.splitlines()] or [[]]
        if lines[-1][:1] == ["started"]:
            _sweep(int(lines[-1][1]))
        return self._ended(program, lines[-1], output, self._clock.monotonic() - began)

    def environment(self, program: Program) -> dict[str, str]:
        """All that it gets: PATH, HOME, LANG, what the playbook lets through by name, and what it sets."""
        found = {"PATH": os.pathsep.join(place.PATH), "HOME": _home(), "LANG": self._environ.get("LANG", "C.UTF-8")}
        found |= {name: self._environ[name] for name in program.env if name in self._environ}
        return found | dict(program.set_env)

    def _placed(self, program: Program) -> tuple[str, str]:
        """The executable, and the folder to run it in. Raises Misplaced."""
        if not program.argv:
            raise place.Misplaced("a program without a name")
        if any("\0" in argument for argument in program.argv):
            raise place.Misplaced("an argument with a zero byte in it")
        for name, text in (*((name, "") for name in program.env), *program.set_env):
            if not _NAME.fullmatch(name) or "\0" in text:
                raise place.Misplaced(f"{safe(name, 60)}: no name of an environment variable, or a zero byte in it")
        executable, folder = (
            place.executable(program.argv[0], self._folder),
            place.working_folder(program, self._folder),
        )
        place.arguments(program, folder)
        return executable, folder

    def _hidden(self, program: Program) -> list[str]:
        """What no output may show: the configured secrets, and what is passed on from the console's environment."""
        found = []
        for secret in self._secrets:
            with contextlib.suppress(Exception):  # one that cannot be had cannot be shown
                found.append(secret())
        for name, text in [*((name, self._environ.get(name, "")) for name in program.env), *program.set_env]:
            if _SECRET.search(name) or (name in program.env and len(text) >= _PLAIN):
                found += [text, text.strip()]
        return [part for text in found for part in _parts(text)]

    def _kept(self, spec: bytes, output: Output, stop: threading.Event, longest: timedelta) -> str:
        """Runs a keeper, takes in the output, and answers with what it said."""
        reading, writing = os.pipe()
        hearing, telling = os.pipe()
        try:
            keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_KEEPER), str(writing), str(telling)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(writing, telling),
                start_new_session=True,  # what ends the console's session does not end it before the program
                env={"PATH": os.pathsep.join(place.PATH), "LANG": "C.UTF-8"},
                cwd="/",
            )
        except OSError as error:
            os.close(reading)
            os.close(hearing)
            raise Rejected(f"not started: {safe(str(error.strerror), 200)}") from None
        finally:
            os.close(writing)
            os.close(telling)
        try:
            return self._listen(keeper, spec, output, stop, (reading, hearing), longest.total_seconds() + PATIENCE)
        finally:
            os.close(reading)
            os.close(hearing)
            _leave(keeper)

    def _listen(
        self,
        keeper: subprocess.Popen[bytes],
        spec: bytes,
        output: Output,
        stop: threading.Event,
        pipes: tuple[int, int],
        longest: float,
    ) -> str:
        reading, hearing = pipes
        assert keeper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            keeper.stdin.write(len(spec).to_bytes(8, "big") + spec)
            keeper.stdin.flush()
        os.set_blocking(reading, False)
        poll = select.poll()
        poll.register(reading, select.POLLIN)
        poll.register(hearing, select.POLLIN)
        give_up, asked, said = self._clock.monotonic() + longest, False, b""
        while self._clock.monotonic() < give_up:
            if stop.is_set() and not asked:
                asked = True
                with contextlib.suppress(BrokenPipeError):
                    keeper.stdin.write(b"s")
                    keeper.stdin.flush()
            for descriptor, _ in poll.poll(LOOK_MS):
                if descriptor == reading:
                    if _take(reading, output):
                        poll.unregister(reading)
                elif word := os.read(hearing, 512):
                    said += word
                else:
                    while not _take(reading, output, wait=False):
                        pass  # what was written before the end is there to be read
                    return said.decode()
        return said.decode()

    def _ended(self, program: Program, said: list[str], output: Output, seconds: float) -> Ended:
        match said:
            case ["failed", number]:
                raise Rejected(f"not started: {os.strerror(int(number))}")
            case ["ended", code, why, left, lost]:
                return self._outcome(program, int(code), why, (int(left), int(lost)), output, seconds)
        raise Uncertain("what kept the program was killed: nobody knows how it ended, or whether all of it has")

    def _outcome(
        self, program: Program, code: int, why: str, others: tuple[int, int], output: Output, seconds: float
    ) -> Ended:
        left, lost = others
        notes = []
        if left:
            notes.append(f"[ended {left} {'process' if left == 1 else 'processes'} that it had left running]")
        if lost:
            notes.append(f"[{lost} {'process' if lost == 1 else 'processes'} of it could not be ended]")
        text = "\n".join(filter(None, (output.end(), *notes)))
        status: int | None = None
        if why == "timeout":
            reason = f"stopped after {program.timeout.total_seconds():g} s, its timeout"
        elif why != "itself":
            reason = f"stopped after {seconds:.0f} s"
        elif code < 0:
            reason = f"ended by {_signal(-code)}"
        else:
            status, reason = code, ""
        return Ended(status, seconds, text, output.digest, reason)


def _parts(secret: str) -> list[str]:
    """A secret, and what of it gives it away: the lines of a key, the password of a URL, as written and as meant."""
    found = [secret]
    if "\n" in secret:
        found += [line.strip() for line in secret.splitlines() if len(line.strip()) >= _PLAIN]
    for user, password in _USER.findall(secret):
        for text in (f"{user}:{password}" if password else user, password):
            found += [text, unquote(text)]
    return found


def _take(reading: int, output: Output, *, wait: bool = True) -> bool:
    """One piece of output. Whether there will be no more; without `wait`, whether there is none now."""
    try:
        data = os.read(reading, PIECE)
    except BlockingIOError:
        return not wait
    output.take(data)
    return not data


def _leave(keeper: subprocess.Popen[bytes]) -> None:
    """Lets go of the keeper, which has nothing left to do, or does not answer."""
    assert keeper.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.close()
    try:
        keeper.wait(timeout=1)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()


def _sweep(session: int) -> None:
    """Kills what is in a session whose keeper has gone: the program's, but for what made one of its own. Again, for
    somebody may be forking."""
    for _ in range(_SWEEPS):
        found = False
        with contextlib.suppress(OSError):
            for name in filter(str.isdecimal, os.listdir("/proc")):
                with contextlib.suppress(OSError, ValueError, IndexError):
                    fields = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()
                    if int(fields[3]) == session and fields[0] != b"Z":
                        os.kill(int(name), signal.SIGKILL)
                        found = True
        if not found:
            return


def _home() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return "/"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
