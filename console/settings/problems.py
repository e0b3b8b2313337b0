"""What is wrong with a configuration, and where: one line per problem, all of them at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from console.model.text import safe

SHOWN = 60
"""Characters of a wrong value that a message repeats."""

_SECRET = re.compile(
    r"://[^/@\s]+@"  # credentials in a URL
    r"|hooks\.slack\.com/(services|workflows|triggers)/"
    r"|\bxox[a-z]-|\bgh[opsu]_\w{20}|\bglsa_|\bglc_|\bAKIA[0-9A-Z]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bBearer\s+\S{20}"
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `line` and `column` count from 1.

    `field` is a dotted path: `environments[0].prometheus.url`.
    """

    file: str
    line: int
    column: int
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: {self.field}"
        return f"{where}: found {self.found}, expected {self.expected}"


class ConfigError(Exception):
    """A configuration that cannot be used.

    `problems` holds every mistake found; `str()` is one line for each.
    """

    def __init__(self, problems: Sequence[Problem], line: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__(line or "\n".join(str(problem) for problem in self.problems))


class NoConfig(ConfigError):
    """There is no configuration folder where one was looked for.

    `str()` is one line that says where that was.
    """

    def __init__(self, line: str) -> None:
        super().__init__((), line)


class Problems:
    """Collects mistakes while files are read. The same one counts once.

    `warnings` do not stop the reading.
    """

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}
        self._unread: set[Path] = set()

    def add(self, problem: Problem) -> None:
        """Notes a mistake."""
        self._found[problem] = None

    def warn(self, problem: Problem) -> None:
        """Notes something that was accepted but is probably not meant."""
        self._warnings[problem] = None

    def give_up(self, file: str) -> None:
        """Notes that nothing of a file could be read."""
        self._unread.add(Path(file))

    def unread(self, path: Path) -> bool:
        """Whether the file at `path`, or one in the folder at `path`, could not be read at all."""
        return any(path == file or path in file.parents for file in self._unread)

    def touch(self, path: Path) -> bool:
        """Whether anything is wrong with the file at `path`, or one in the folder at `path`."""
        return any(path == file or path in file.parents for file in {Path(item.file) for item in self._found})

    def of(self, folder: Path) -> tuple[Problem, ...]:
        """The mistakes in the files that lie in a folder, by file and line."""
        return tuple(item for item in self.found if Path(item.file).parent == folder)

    @property
    def found(self) -> tuple[Problem, ...]:
        """Every mistake, by file and line."""
        return tuple(sorted(self._found))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What was accepted with a warning, by file and line."""
        return tuple(sorted(self._warnings))

    def __len__(self) -> int:
        return len(self._found)

    def check(self) -> None:
        """Raises ConfigError when anything was found, sorted by file and line."""
        if self._found:
            raise ConfigError(self.found)


def looks_secret(text: str) -> bool:
    """Whether a value has the shape of a credential: it is then never repeated in a message."""
    # Nearly every text of a folder is told apart by its parts alone, many times faster than by the pattern.
    if not (
        "://" in text or "slack.com/" in text or "xox" in text or "gh" in text or "gl" in text or "AKIA" in text
        or "KEY" in text or "Bearer" in text
    ):  # fmt: skip
        return False
    return _SECRET.search(text) is not None


def without_secrets(text: str) -> str:
    """The text with what has the shape of a credential left out, so that a file may hold it."""
    while _SECRET.search(text):
        text = _SECRET.sub(" (a secret, left out) ", text)
    return text


def shown(text: str) -> str:
    """A wrong value as a message repeats it: quoted, cut, harmless to a terminal, and never a secret."""
    if looks_secret(text):
        return "a secret (not shown)"
    return f"'{safe(text, SHOWN)}'" if text else "an empty text"


def one_of(names: Sequence[str], found: str = "") -> str:
    """`'a'` when one name is near what was found, else "a, b or c"."""
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(found.lower(), by_lower, 1, 0.8) if found else []
    if near:
        return f"'{by_lower[near[0]]}'"
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part) or "none"
