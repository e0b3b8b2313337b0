"""Typed reading of YAML trees: each reader of a file reads like its schema, and no mistake stops the search.

A reader that finds something wrong notes it and returns a harmless stand-in. `Problems.check` raises at the
end, so that no stand-in reaches the console. A key that is absent takes the accessor's default, or is missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import nan
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from console.model.text import LIMIT, safe
from console.settings.outside import SecretRef
from console.settings.problems import Problem, Problems, looks_secret, one_of, shown
from console.settings.tree import Kind, Tree, join

T = TypeVar("T")

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})([eE][-+]?\d{1,2})?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ZERO = timedelta(0)
LONGEST = timedelta(days=3660)


class Required:
    """Stands where an accessor has no default: the key must be there."""


REQUIRED = Required()
"""The default of every accessor's `default`."""


@dataclass(slots=True, eq=False)  # not frozen: thousands are made at each start, in half the time
class Node:
    """A value in a file, and the only way to it.

    Accessors note a mistake and return a stand-in, they never raise.
    """

    file: str
    tree: Tree
    problems: Problems

    @property
    def present(self) -> bool:
        """Whether the key is there at all, even with nothing behind it."""
        return self.tree.kind is not Kind.ABSENT

    @property
    def path(self) -> str:
        """The dotted path of this value in its file."""
        return self.tree.path

    def refuse(self, found: str, expected: str) -> None:
        """Notes a mistake at this place."""
        self.problems.add(Problem(self.file, self.tree.line, self.tree.column, self.path, found, expected))

    def warn(self, found: str, expected: str) -> None:
        """Notes, at this place, what is accepted but probably not meant."""
        self.problems.warn(Problem(self.file, self.tree.line, self.tree.column, self.path, found, expected))

    def nothing(self) -> Node:
        """A stand-in for what was refused already: it complains no more."""
        return Node(self.file, Tree(Kind.EMPTY, self.path, self.tree.line, self.tree.column), Problems())

    def mapping(self, *keys: str) -> Fields:
        """The values under `keys`, which are all that may be there."""
        tree = self.tree
        if tree.kind is Kind.MAPPING and not tree.keys.keys() <= set(keys):
            for key, (line, column) in tree.keys.items():
                if key not in keys:
                    place = join(self.path, key)
                    self.problems.add(Problem(self.file, line, column, place, "an unknown key", one_of(keys, key)))
        return self._fields()

    def open_mapping(self) -> Fields:
        """The values under whatever keys there are."""
        return self._fields()

    def sequence(self, expected: str = "a list", *, least: int = 0, required: bool = True) -> tuple[Node, ...]:
        """The items of a list. Absent is empty when it is not required."""
        if self.tree.kind is Kind.ABSENT and not required:
            return ()
        if self.tree.kind is not Kind.LIST:
            self.refuse(self._kind(), expected)
            return ()
        if len(self.tree.items) < least:
            self.refuse("an empty list", expected)
        return tuple(Node(self.file, item, self.problems) for item in self.tree.items)

    def one_or_more(self, expected: str) -> tuple[Node, ...]:
        """The items of a list that is not empty; anything else stands for a list of itself alone."""
        return self.sequence(expected, least=1) if self.tree.kind is Kind.LIST else (self,)

    def text(self, expected: str = "a text", *, default: str | Required = REQUIRED) -> str:
        """Text on one line: line breaks and runs of blanks become one blank. Not empty."""
        if self.tree.kind is Kind.ABSENT and isinstance(default, str):
            return default
        text = self._scalar(expected)
        if text is None:
            return ""
        folded = " ".join(text.split())
        if not folded:
            self.refuse("an empty text", expected)
        elif len(folded) > LIMIT:
            self.refuse(f"{len(folded)} characters", f"{expected} of at most {LIMIT}")
        elif safe(folded, len(folded)) != folded:
            self.refuse("a control character", f"{expected} in printable characters")
        return folded

    def exact(self, expected: str = "a text", *, empty: bool = False) -> str:
        """Text on one line, with its blanks as they are. Not empty, unless `empty`."""
        text = self._scalar(expected)
        if text is None:
            return ""
        if not text and not empty:
            self.refuse("an empty text", expected)
        elif len(text) > LIMIT:
            self.refuse(f"{len(text)} characters", f"{expected} of at most {LIMIT}")
        elif safe(text, len(text)) != text:
            self.refuse("a line break or a control character", f"{expected} in printable characters")
        return text

    def expression(self, *, default: str | Required = REQUIRED) -> str:
        """A PromQL expression, with its line breaks. It is the server that judges it."""
        expected = "a PromQL expression"
        if self.tree.kind is Kind.ABSENT and isinstance(default, str):
            return default
        text = (self._scalar(expected) or "").strip()
        if not text and self.tree.kind is Kind.TEXT:
            self.refuse("an empty text", expected)
        return text

    def name(self, expected: str = "a name", *, default: str | Required = REQUIRED) -> str:
        """An identifier: lower-case letters, digits and hyphens, at most 63, as in DNS (RFC 1123)."""
        name = self.text(expected, default=default)
        if name and self.present and not _NAME.fullmatch(name):
            self.refuse(shown(name), f"{expected}: lower-case letters, digits and hyphens")
            return ""
        return name

    def choice(self, choices: Mapping[str, T], *, default: T | Required = REQUIRED) -> T:
        """The value behind one of the words in `choices`."""
        if self.tree.kind is Kind.ABSENT and not isinstance(default, Required):
            return default
        tree = self.tree
        if tree.kind is Kind.TEXT and tree.text in choices:
            return choices[tree.text]
        text = self._scalar(one_of(tuple(choices)))
        if text is not None:
            self.refuse(shown(text), one_of(tuple(choices), text))
        return next(iter(choices.values()))

    def boolean(self, *, default: bool | Required = REQUIRED) -> bool:
        """`true` or `false`, and no other word."""
        return self.choice({"true": True, "false": False}, default=default)

    def number(
        self,
        expected: str = "a number",
        *,
        least: float | None = None,
        most: float | None = None,
        default: float | Required = REQUIRED,
    ) -> float:
        """A finite decimal number within [least, most]. The stand-in is NaN, which no later comparison refuses."""
        if self.tree.kind is Kind.ABSENT and not isinstance(default, Required):
            return default
        text = self._scalar(expected)
        if text is None:
            return nan
        value = float(text) if _NUMBER.fullmatch(text) else None
        if value is None or (least is not None and value < least) or (most is not None and value > most):
            self.refuse(shown(text), expected)
            return nan
        return value

    def integer(self, expected: str, *, least: int, most: int, default: int | None = None) -> int:
        """A whole number within [least, most]. The stand-in is `least`."""
        if self.tree.kind is Kind.ABSENT and default is not None:
            return default
        text = self._scalar(expected)
        if text is None:
            return least
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            self.refuse(shown(text), expected)
            return least
        return int(text)

    def duration(
        self,
        expected: str = "a duration such as 90s, 5m, 1h30m or 30d",
        *,
        default: timedelta | Required = REQUIRED,
    ) -> timedelta:
        """A time span above zero, such as `90s`, `5m`, `1h30m`, `30d` or `4w`; at most ten years."""
        if self.tree.kind is Kind.ABSENT and not isinstance(default, Required):
            return default
        text = self._scalar(expected)
        if text is None:
            return _ZERO
        span = _span(text)
        if not _ZERO < span <= LONGEST:
            self.refuse(shown(text), "a duration of at most ten years" if span > LONGEST else expected)
            return _ZERO
        return span

    def day(self) -> str:
        """A date as YYYY-MM-DD."""
        text = self._scalar("a date as YYYY-MM-DD")
        try:
            if text is not None and date.fromisoformat(text).isoformat() != text:
                raise ValueError
        except ValueError:
            self.refuse(shown(text or ""), "a date as YYYY-MM-DD")
        return text or ""

    def secret(self) -> SecretRef | None:
        """A reference to a secret, `env:NAME` or `file:PATH`; None when absent.

        What is no reference is not repeated.
        """
        expected = "env:NAME or file:PATH"
        if self.tree.kind is Kind.ABSENT:
            return None
        if self.tree.kind is not Kind.TEXT:
            self.refuse(self._kind(), expected)
            return None
        scheme, _, name = self.tree.text.partition(":")
        if scheme == "env" and _ENV.fullmatch(name):
            return SecretRef(scheme, name)
        if scheme == "file" and name and safe(name, len(name)) == name:
            return SecretRef(scheme, str(beside(self.file, name)))
        self.refuse("a value in place of a reference (not shown)", expected)
        return None

    def url(self, *, default: str | Required = REQUIRED) -> str:
        """An http or https URL without credentials, query or fragment; a trailing slash is dropped."""
        expected = "an http or https URL"
        if self.tree.kind is Kind.ABSENT and isinstance(default, str):
            return default
        if self.tree.kind is not Kind.TEXT:
            self.refuse(self._kind(), expected)
            return ""
        text = self.tree.text
        try:
            parts = urlsplit(text)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname)
            port = _port(parts)
            if valid and not port:
                self.refuse(shown(text), f"{expected} with a port from 1 to 65535, or without one")
                return ""
        except ValueError:
            valid = False
        else:
            if valid and ("@" in parts.netloc or parts.query or parts.fragment):
                what = "credentials" if "@" in parts.netloc else "a query or fragment"
                self.refuse(f"a URL with {what} (not shown)", f"{expected} without {what}")
                return ""
        if not valid or re.search(r"[^\x21-\x7e]", text):
            self.refuse(shown(text), expected)
            return ""
        return text.rstrip("/")

    def _scalar(self, expected: str) -> str | None:
        if self.tree.kind is not Kind.TEXT:
            self.refuse(self._kind(), expected)
        elif looks_secret(self.tree.text):
            self.refuse("a secret (not shown)", f"{expected}; a secret stays outside of this file")
        else:
            return self.tree.text
        return None

    def _kind(self) -> str:
        return (
            "nothing" if self.tree.kind is Kind.ABSENT else "a text" if self.tree.kind is Kind.TEXT else self.tree.kind
        )

    def _fields(self) -> Fields:
        if self.tree.kind is Kind.ABSENT or self.tree.kind is Kind.MAPPING:
            return Fields(self)
        self.refuse(self._kind(), "a mapping")
        return Fields(self.nothing())


@dataclass(slots=True, eq=False)
class Fields:
    """The values of a mapping by key.

    A key that is not there gives an absent node; what lies under something that was refused already gives
    nodes that complain no more.
    """

    node: Node

    def __getitem__(self, key: str) -> Node:
        """The value under `key`."""
        tree = self.node.tree
        found = tree.entries.get(key) or Tree(Kind.ABSENT, (tree.place, key), tree.line, tree.column)
        return Node(self.node.file, found, self.node.problems)

    def __contains__(self, key: str) -> bool:
        return key in self.node.tree.entries

    def items(self) -> Iterator[tuple[str, Node]]:
        """Every key with its value, in the order of the file."""
        for key in self.node.tree.entries:
            yield key, self[key]

    def key(self, key: str) -> Node:
        """The key itself, as a node to complain at."""
        line, column = self.node.tree.keys.get(key, (self.node.tree.line, self.node.tree.column))
        tree = Tree(Kind.TEXT, (self.node.tree.place, key), line, column, key)
        return Node(self.node.file, tree, self.node.problems)


def _port(parts: SplitResult) -> int:
    """The port that is meant; 0 for one that cannot be."""
    try:
        return 443 if parts.port is None else parts.port
    except ValueError:
        return 0


@lru_cache(maxsize=64)  # the same few are written again and again
def _span(text: str) -> timedelta:
    """A duration; zero for what is none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return _ZERO
    return timedelta(seconds=sum(int(n or 0) * u for n, u in zip(found.groups(), _UNITS.values(), strict=True)))


def beside(file: str, name: str) -> Path:
    """A path that `file` names.

    `~` is the home folder; a relative path starts at the folder of `file`, never at the working folder.
    """
    return Path(file).parent.absolute() / os.path.expanduser(name)


def header(fields: Fields, kind: str, version: str = "oncall/v1") -> None:
    """Checks `apiVersion` and `kind`, which begin each of our files."""
    fields["apiVersion"].choice({version: version})
    fields["kind"].choice({kind: kind})


def unique(nodes: Sequence[tuple[str, Node]], what: str) -> None:
    """Refuses the second use of a name; `nodes` pairs each name with the place to complain at."""
    seen: dict[str, Node] = {}
    for name, node in nodes:
        if name and name in seen:
            first = seen[name]
            where = f"line {first.tree.line}" if first.file == node.file else f"{first.file}:{first.tree.line}"
            node.refuse(f"{shown(name)} again (the first is at {where})", f"{what} of its own")
        seen.setdefault(name, node)
