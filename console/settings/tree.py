"""YAML text to a tree of nodes that know where they stand.

Scalars stay as written: YAML 1.1 would turn `on` into a boolean and a date into a naive datetime. Aliases are
followed, but not into themselves, and not beyond a bound on what they expand to.
"""

from __future__ import annotations

import os
import re
import stat
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

import yaml

from console.model.text import safe
from console.settings.problems import Problem, Problems, shown

MAX_BYTES = 1_000_000
"""Size of one file."""
MAX_NODES = 100_000
"""Values in one file, counting what an alias stands for each time it is used."""
MAX_DEPTH = 40
"""Lists and mappings within each other."""

# What YAML forbids, and what makes a file read differently from what an editor shows: Unicode's line breaks,
# marks without width, marks that turn the direction of writing.
_REFUSED = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_EMPTY = frozenset(("", "~", "null", "Null", "NULL"))
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Kind(StrEnum):
    """What a node is. EMPTY: a key with nothing, `null` or `~` behind it. ABSENT: the key is not there."""

    TEXT = "text"
    LIST = "a list"
    MAPPING = "a mapping"
    EMPTY = "nothing"
    ABSENT = "absent"


class Tree:
    """One value in a file.

    `line` and `column` count from 1; `size` is the number of values in it, aliases expanded. A file has thousands of
    them at each start: they share what is empty, and say their path only when they are asked for it.
    """

    __slots__ = ("column", "entries", "items", "keys", "kind", "line", "place", "size", "text")

    def __init__(self, kind: Kind, place: Place, line: int, column: int, text: str = "") -> None:
        self.kind, self.place, self.line, self.column, self.text = kind, place, line, column, text
        self.items: list[Tree] = [] if kind is Kind.LIST else _NO_ITEMS
        self.entries: dict[str, Tree] = {} if kind is Kind.MAPPING else _NO_ENTRIES
        self.keys: dict[str, tuple[int, int]] = {} if kind is Kind.MAPPING else _NO_KEYS
        """Where each key of a mapping stands."""
        self.size = 1

    @property
    def path(self) -> str:
        """The dotted path of this value in its file."""
        keys = []
        place = self.place
        while not isinstance(place, str):
            place, key = place
            keys.append(key)
        path = place
        for key in reversed(keys):
            path = f"{'' if path == DOCUMENT else path}[{key}]" if isinstance(key, int) else join(path, key)
        return path


Place: TypeAlias = "str | tuple[Place, str | int]"
"""A path, or what a value lies in and its key there: without the value itself, so that nothing refers in circles."""
DOCUMENT = "(document)"
_NO_ITEMS: list[Tree] = []
_NO_ENTRIES: dict[str, Tree] = {}
_NO_KEYS: dict[str, tuple[int, int]] = {}


class _Stop(Exception):
    """The rest of a file cannot be read. Line and column count from 0."""

    def __init__(self, line: int, column: int, field: str, found: str, expected: str) -> None:
        super().__init__(found)
        self.line, self.column, self.field, self.found, self.expected = line, column, field, found, expected


def without_waiting(path: str, flags: int) -> int:
    """Opens a file, and does not wait for somebody at the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_bytes(path: Path) -> bytes:
    """The content of a regular file of at most `MAX_BYTES`.

    Raises OSError, ValueError (in words) for anything else.
    """
    with open(path, "rb", opener=without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("something that is no regular file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return data


def read(path: Path, problems: Problems) -> tuple[list[Tree], bytes]:
    """The documents of a YAML file, and its bytes.

    Mistakes of syntax go to `problems`; no document is returned then.
    """
    name, data = str(path), b""
    try:
        data = read_bytes(path)
        documents = parse(name, data, problems)
        if documents:
            return documents, data
    except FileNotFoundError:
        problems.add(Problem(name, 1, 1, "(file)", "no such file", "a YAML file"))
    except OSError as error:
        problems.add(Problem(name, 1, 1, "(file)", f"a file that cannot be read ({error.strerror})", "a YAML file"))
    except ValueError as error:
        problems.add(Problem(name, 1, 1, "(file)", str(error), f"a YAML file of at most {MAX_BYTES} bytes"))
    problems.give_up(name)
    return [], data


def parse(name: str, data: bytes, problems: Problems) -> list[Tree]:
    """The documents in `data`. `name` is what messages call the file."""
    try:
        text = _decode(data)
    except _Stop as stop:
        problems.add(Problem(name, stop.line + 1, stop.column + 1, stop.field, stop.found, stop.expected))
        return []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")

    def report(line: int, column: int, field: str, found: str, expected: str) -> None:
        line, column = _inside(lines, line, column)
        problems.add(Problem(name, line + 1, column + 1, field, found, expected))

    builder = _Builder(report, lines)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _Stop as stop:
        report(stop.line, stop.column, stop.field, stop.found, stop.expected)
        return []
    except yaml.MarkedYAMLError as error:
        quote = "quoted" in (error.context or "") and "end of stream" in (error.problem or "")
        mark = error.context_mark if quote else error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        report(line, column, "(syntax)", *_syntax(error, lines[min(line, len(lines) - 1)]))
        return []
    except (yaml.YAMLError, RecursionError):
        report(0, 0, "(syntax)", "text that is not YAML", "YAML")
        return []
    if not builder.documents:
        problems.add(Problem(name, 1, 1, "(file)", "an empty file", "a YAML document"))
    return builder.documents


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = _position(before)
        raise _Stop(line, column, "(file)", f"the byte 0x{data[error.start]:02x}", "UTF-8") from None
    bad = _REFUSED.search(text)
    if bad:
        line, column = _position(text[: bad.start()])
        raise _Stop(line, column, "(file)", f"the control character U+{ord(bad.group()):04X}", "printable text")
    return text


def _inside(lines: list[str], line: int, column: int) -> tuple[int, int]:
    """The place itself, or the end of the text: the parser marks that on a line after the last."""
    if line < len(lines):
        return line, min(column, len(lines[line]))
    return len(lines) - 1, len(lines[-1])


def _position(before: str) -> tuple[int, int]:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines) - 1, len(lines[-1])


def _syntax(error: yaml.MarkedYAMLError, line: str) -> tuple[str, str]:
    problem = (error.problem or "text that is not YAML").removeprefix("found ")
    if problem == "unexpected end of stream" and "quoted" in (error.context or ""):
        return "a quote that is never closed", "its other end"
    if "\t" in line[: len(line) - len(line.lstrip())] or "tab" in problem:
        return "a tab", "spaces for indentation"
    if problem.startswith("did not find expected "):
        missing = problem.removeprefix("did not find expected ")
        return f"no {missing}", "it here or on a line before"
    if problem.startswith("mapping values are not allowed"):
        return "a second ': '", "one key per line, with quotes around a text that holds ': '"
    if problem.startswith("character that cannot start any token"):
        return problem, "quotes around a text that begins with @ or `"
    return problem, "YAML"


class _Report(Protocol):
    """How the builder reports: line and column from 0, field, found, expected."""

    def __call__(self, line: int, column: int, field: str, found: str, expected: str) -> None: ...


class _Builder:
    """Builds trees from parser events, without recursion and with bounds that a composer does not have."""

    def __init__(self, report: _Report, lines: list[str]) -> None:
        self.documents: list[Tree] = []
        self._report = report
        self._lines = lines
        self._stack: list[tuple[Tree, str]] = []
        self._keys: list[tuple[str, int, int] | None] = []
        self._anchors: dict[str, Tree | None] = {}
        self._size = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = _place_of(event)
        self._no_key(event, "an alias")
        if event.anchor not in self._anchors:
            raise _Stop(line, column, self._path(), f"the alias *{event.anchor}", "an anchor of that name before it")
        target = self._anchors[event.anchor]
        if target is None:
            raise _Stop(line, column, self._path(), f"the alias *{event.anchor} inside its own anchor", "no recursion")
        self._count(target.size, line, column)
        self._place(target)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        """Nearly all of a file is scalars: what the other methods do is done here in one go."""
        mark, text, tag = event.start_mark, event.value, event.tag
        line, column = (0, 0) if mark is None else (mark.line, mark.column)
        if tag is not None and tag != "!":
            self._no_tag(event)
        parent, key = (self._stack[-1][0], self._keys[-1]) if self._stack else (None, None)
        if parent is None:
            place: Place = DOCUMENT
        elif parent.kind is Kind.LIST:
            place = parent.place, len(parent.items)
        elif key is not None:
            place = parent.place, key[0]
        else:
            if text == "<<" and event.implicit[0]:
                raise _Stop(line, column, self._path(), "the merge key '<<'", "the keys themselves")
            if safe(text, len(text)) != text:
                raise _Stop(line, column, self._path(), "a control character in a key", "printable text")
            self._keys[-1] = (text, line, column)
            return
        empty = text in _EMPTY and event.implicit[0]
        if empty and key is not None:
            _, line, column = key  # an empty value has no place of its own
        if line >= len(self._lines) or column > len(self._lines[line]):
            line, column = _inside(self._lines, line, column)
        tree = Tree(Kind.EMPTY if empty else Kind.TEXT, place, line + 1, column + 1, text)
        if event.anchor:
            self._anchors[event.anchor] = tree
        self._count(1, line, column)
        self._place(tree)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        line, column = _place_of(event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._no_tag(event)
        self._no_key(event, "a mapping" if mapping else "a list")
        if len(self._stack) >= MAX_DEPTH:
            raise _Stop(line, column, self._path(), f"more than {MAX_DEPTH} levels of nesting", "fewer")
        self._count(1, line, column)
        tree = Tree(Kind.MAPPING if mapping else Kind.LIST, self._here(), line + 1, column + 1)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append((tree, event.anchor or ""))
        self._keys.append(None)

    def _close(self) -> None:
        tree, anchor = self._stack.pop()
        self._keys.pop()
        tree.size += sum([item.size for item in tree.items]) + sum([item.size for item in tree.entries.values()])
        if anchor:
            self._anchors[anchor] = tree
        self._place(tree)

    def _place(self, tree: Tree) -> None:
        if not self._stack:
            self.documents.append(tree)
            return
        parent = self._stack[-1][0]
        if parent.kind is Kind.LIST:
            parent.items.append(tree)
            return
        key = self._keys[-1]
        assert key is not None, "the parser gives a key before a value"
        name, line, column = key
        self._keys[-1] = None
        if name in parent.entries:
            first = f"a second {shown(name)} (the first is on line {parent.keys[name][0]})"
            self._report(line, column, tree.path, first, "every key once")
            return
        parent.entries[name] = tree
        parent.keys[name] = (line + 1, column + 1)

    def _here(self) -> Place:
        """The place of the value that comes next."""
        if not self._stack:
            return DOCUMENT
        parent, key = self._stack[-1][0], self._keys[-1]
        if parent.kind is Kind.LIST:
            return parent.place, len(parent.items)
        return (parent.place, key[0]) if key is not None else parent.place

    def _path(self) -> str:
        return Tree(Kind.EMPTY, self._here(), 0, 0).path

    def _awaits_key(self) -> bool:
        return bool(self._stack) and self._stack[-1][0].kind is Kind.MAPPING and self._keys[-1] is None

    def _no_key(self, event: yaml.NodeEvent, found: str) -> None:
        if self._awaits_key():
            raise _Stop(*_place_of(event), self._path(), f"{found} as a key", "a text as a key")

    def _no_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag not in (None, "!"):
            raise _Stop(*_place_of(event), self._path(), f"the tag {shown(event.tag)}", "a value without a tag")

    def _count(self, size: int, line: int, column: int) -> None:
        self._size += size
        if self._size > MAX_NODES:
            raise _Stop(line, column, self._path(), f"more than {MAX_NODES} values (aliases count in full)", "fewer")


def _place_of(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (0, 0) if mark is None else (mark.line, mark.column)


def join(path: str, key: str) -> str:
    """The dotted path of a key, quoted where the key itself holds a dot or anything unusual."""
    plain = key if re.fullmatch(r"[\w-]{1,60}", key) else shown(key)
    return f"{path}.{plain}" if path and path != DOCUMENT else plain
