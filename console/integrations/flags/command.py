"""A share behind two programs: one prints it, one sets it. Argument vectors, never a shell; run, bounded and ended as
the playbooks' programs are."""

from __future__ import annotations

import threading
from dataclasses import replace

from console.integrations.flags.common import SHOWN, checked, found, set_and_read_back, share, written
from console.integrations.http import Finding
from console.model.flag import FlagAnswer, FlagChange, FlagState
from console.model.playbook import Program
from console.model.text import safe
from console.ports import Clock, Ended, Programs, Rejected, SourceError, Uncertain
from console.settings.outside import CommandFlags as Settings

FLAG, PERCENT = "{flag}", "{percent}"
"""Where the flag's name and the number stand in an argument."""
_QUOTED = 200
"""Characters of a program's output in a sentence."""


class CommandFlags:
    """A `Flags`."""

    name = "flag programs"

    def __init__(self, settings: Settings, clock: Clock, programs: Programs) -> None:
        self._settings, self._clock, self._programs = settings, clock, programs
        self._stop = threading.Event()

    def close(self) -> None:
        """Ends the programs under way; later ones are refused."""
        self._stop.set()

    def read(self, flag: str) -> FlagState:
        """The flag as it is now: its output is one number, with or without a %. Raises SourceError."""
        program = _filled(self._settings.read, flag)
        try:
            ended = self._programs.run(program, _unheard, self._stop)
        except Uncertain as error:
            raise SourceError(f"{self.name}: {error}") from None  # nothing was to be changed
        said = self._good(program, ended).strip()
        percent = share(said.removesuffix("%").rstrip())
        if percent is None:
            shown = safe(said, SHOWN) or "nothing"
            raise SourceError(f"{self.name}: {_name(program)} says {shown}, not a number from 0 to 100")
        return FlagState(flag, percent, percent > 0, self._clock.now())

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        """As the port says; between the comparison and the write somebody else may be faster all the same."""
        wanted = checked(self.name, percent)

        def write(before: FlagState | None) -> bool:
            program = _filled(self._settings.write, flag, wanted)
            ended = self._programs.run(program, _unheard, self._stop)
            if ended.status is None:
                raise Uncertain(f"{self.name}: {_name(program)} was {ended.why}; what it did by then nobody knows")
            self._good(program, ended)
            return True

        return set_and_read_back(flag, wanted, expected, self._clock, lambda: self.read(flag), write)

    def history(self, flag: str) -> tuple[FlagChange, ...]:
        """None: there is nobody to ask."""
        return ()

    def scope(self, flag: str) -> str:
        """Whether both programs may run here is all that is known of them."""
        refusal = self._refusal()
        return (
            f"NOT usable: {refusal}" if refusal else "both programs may run; what they may do is shown by a write alone"
        )

    def probe(self, flag: str = "") -> list[Finding]:
        """What `oncall check` says. The reading program is run, the writing one is not."""
        todo = "correct flags in console.yaml, or the program"
        if refusal := self._refusal():
            return [Finding(self.name, False, refusal, todo)]
        if not flag:
            return [Finding(self.name, True, "both programs may run; rollout.yaml names no flag")]
        return found(self.name, flag, lambda: self.read(flag), todo)

    def _refusal(self) -> str:
        programs = (_filled(program, "flag", 0.0) for program in (self._settings.read, self._settings.write))
        return next(filter(None, map(self._programs.refusal, programs)), "")

    def _good(self, program: Program, ended: Ended) -> str:
        """The output of one that ended well. Raises SourceError."""
        if ended.status in program.exits:
            return ended.output
        how = ended.why or f"ended with {ended.status}"
        words = safe(" ".join(ended.output.split()), _QUOTED)
        raise SourceError(f"{self.name}: {_name(program)} {how}{f': {words}' if words else ''}")


def _filled(program: Program, flag: str, percent: float | None = None) -> Program:
    """The program for a flag. Raises Rejected for a name that it would take for an option."""
    if not flag or flag.startswith("-"):
        raise Rejected(f"{safe(flag, SHOWN)!r} is no name of a flag that a program can be given")
    number = written(percent) if percent is not None else PERCENT
    argv = (item.replace(PERCENT, number).replace(FLAG, flag) for item in program.argv[1:])
    return replace(program, argv=(program.argv[0], *argv))


def _name(program: Program) -> str:
    return safe(program.argv[0].rpartition("/")[2], SHOWN)


def _unheard(_: str) -> None:
    pass
