"""Where Alertmanager sends an alert, computed from its configuration as Alertmanager itself does.

Alertmanager pages under a dedup key of its own: the SHA-256 of the group's key, `<route key>:<group labels>`. Whoever
knows the key knows which PagerDuty incident an alert has opened. The API tells neither routes nor keys, but the
configuration (`config.original` of `GET /api/v2/status`), from which both follow.

A regular expression that cannot be read here may or may not fit; then the keys of both cases are candidates.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from console.integrations.alertmanager import wire
from console.integrations.http import Http, decode
from console.model.pattern import Pattern
from console.model.value import value
from console.ports import SourceError

EVERY_SECONDS = 300.0
"""How often the configuration is read again."""
SOON_SECONDS = 30.0
"""The same after a failure, and once an alert names a receiver that the configuration does not."""
MAX_ROUTES = 20_000
"""Routes of one configuration. A few lines of YAML can stand for billions."""

_ALL = "..."


@value
class _Matcher:
    name: str
    op: str
    text: str
    pattern: Pattern | None = None
    """None also for an expression that cannot be read here."""

    def fits(self, labels: Mapping[str, str]) -> bool | None:
        """Whether it fits; None when that cannot be said here."""
        actual = labels.get(self.name, "")
        if self.op in ("=", "!="):
            return (actual == self.text) is (self.op == "=")
        if self.pattern is None:
            return None
        return self.pattern.matches(actual) is (self.op == "=~")

    def __str__(self) -> str:
        if any(char.isspace() or char in "{}!=~,\\\"'`" for char in self.name):
            return f"{_quoted(self.name)}{self.op}{_quoted(self.text)}"
        text = self.text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'{self.name}{self.op}"{text}"'


@value
class _Route:
    receiver: str
    key: str
    matchers: tuple[_Matcher, ...]
    group_by: frozenset[str]
    by_all: bool
    goes_on: bool
    routes: tuple[_Route, ...]

    def fits(self, labels: Mapping[str, str]) -> bool | None:
        """Whether all matchers fit; None when that cannot be said here."""
        found = [matcher.fits(labels) for matcher in self.matchers]
        return False if False in found else None if None in found else True

    def hits(self, labels: Mapping[str, str]) -> list[_Route]:
        """The routes that notify, depth first; those of which that is not certain among them."""
        if self.fits(labels) is False:
            return []
        hits: list[_Route] = []
        below = False
        for child in self.routes:
            fits = child.fits(labels)
            hits += child.hits(labels)
            below = below or fits is True
            if fits is True and not child.goes_on:
                break
        return hits if below else [*hits, self]

    def group_keys(self, labels: Mapping[str, str]) -> Iterator[str]:
        """The keys of the alert's group: one, or two where versions of Alertmanager sort the labels differently."""
        pairs = sorted(
            (name, f"{name}={_quoted(text)}") for name, text in labels.items() if self.by_all or name in self.group_by
        )
        by_name = [text for _, text in pairs]
        by_text = sorted(by_name)
        yield f"{self.key}:{{{', '.join(by_text)}}}"
        if by_name != by_text:
            yield f"{self.key}:{{{', '.join(by_name)}}}"


class Routes:
    """The routing tree of a configuration, and which of its receivers page by PagerDuty."""

    def __init__(self, root: _Route, receivers: frozenset[str], paging: frozenset[str]) -> None:
        self._root = root
        self.receivers, self.paging = receivers, paging

    def pages(self, receivers: tuple[str, ...]) -> bool:
        """Whether one of these receivers pages by PagerDuty."""
        return not self.paging.isdisjoint(receivers)

    def notified(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The receivers of an alert with these labels; those of which that is not certain among them."""
        return tuple(dict.fromkeys(route.receiver for route in self._root.hits(labels)))

    def page_keys(self, labels: Mapping[str, str], receivers: tuple[str, ...]) -> tuple[str, ...]:
        """The dedup keys under which an alert with these labels may have been paged. `receivers` are those that
        Alertmanager itself names. Labels and names must be as they are, not made safe."""
        paging = self.paging.intersection(receivers)
        keys = (
            hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
            for route in (self._root.hits(labels) if paging else ())
            if route.receiver in paging
            for key in route.group_keys(labels)
        )
        return tuple(dict.fromkeys(keys))


def read_routes(original: str) -> Routes:
    """The routes of a configuration. Raises ValueError when it is none."""
    import yaml

    try:
        config = yaml.safe_load(original)  # not libyaml's: deep nesting ends the whole process there
        receivers = {_text(item["name"]): item for item in config["receivers"]}
        root = _route(config["route"], None, iter(range(MAX_ROUTES)))
    except yaml.YAMLError:
        raise ValueError("its configuration is no YAML") from None
    except (AttributeError, KeyError, RecursionError, TypeError):
        raise ValueError("its configuration has no routes and receivers") from None
    paging = frozenset(name for name, item in receivers.items() if item.get("pagerduty_configs"))
    return Routes(root, frozenset(receivers), paging)


class RoutesReader:
    """Keeps the routes of one Alertmanager. `version` grows when they change."""

    def __init__(self, http: Http) -> None:
        self.routes: Routes | None = None
        self.version = 0
        self._read: int | None = None
        self._http = http
        self._due = self._asked = http.clock.monotonic()

    def refresh(self) -> None:
        """Reads the configuration when it is time. What cannot be read stays as it was, and is tried again soon."""
        now = self._http.clock.monotonic()
        if now < self._due:
            return
        self._asked, self._due = now, now + SOON_SECONDS
        try:
            answer = self._http.ask("GET", "api/v2/status")
            if not answer.good:
                return
            original = decode(answer.body, wire.SERVER).config.original
            if hash(original) != self._read:
                self._read = hash(original)  # also of one that cannot be read: once is enough
                self.routes = read_routes(original)
                self.version += 1
        except (SourceError, ValueError):
            return
        self._due = now + EVERY_SECONDS

    def met(self, receivers: tuple[str, ...]) -> None:
        """An alert names these receivers: one that is unknown is a sign of a new configuration."""
        if self.routes is not None and not self.routes.receivers.issuperset(receivers):
            self._due = min(self._due, self._asked + SOON_SECONDS)


def _route(node: Mapping[str, Any], parent: _Route | None, count: Iterator[int]) -> _Route:
    if next(count, None) is None:
        raise KeyError("too many routes")
    matchers = [_Matcher(_text(name), "=", _text(text)) for name, text in (node.get("match") or {}).items()]
    matchers += [_regex(_text(name), f"^(?:{_text(text)})$") for name, text in (node.get("match_re") or {}).items()]
    for line in node.get("matchers") or ():
        matchers += _parsed(_text(line))
    matchers.sort(key=lambda item: (item.name, item.text, _OPS.index(item.op)))
    key = f"{parent.key}/" if parent else ""
    group_by = [_text(name) for name in node.get("group_by") or ()]
    by_all, named = _ALL in group_by, frozenset(group_by) - {_ALL}
    if parent and not named:
        named, by_all = parent.group_by, by_all or parent.by_all
    here = _Route(
        _text(node.get("receiver") or (parent.receiver if parent else "")),
        f"{key}{{{','.join(map(str, matchers))}}}",
        tuple(matchers),
        named,
        by_all,
        bool(node.get("continue")),
        (),
    )
    below = tuple(_route(child, here, count) for child in node.get("routes") or ())
    return _Route(here.receiver, here.key, here.matchers, named, by_all, here.goes_on, below)


_OPS = ("=", "!=", "=~", "!~")
_QUOTED, _BARE = r'"(?:[^"\\]|\\.)*"', r"[^\s\"{},=!~]+"
_PARSED = re.compile(rf"\s*({_QUOTED}|{_BARE})\s*(=~|!~|!=|=)\s*({_QUOTED}|[^\",]*?)\s*(?:,\s*|$)", re.DOTALL)


def _parsed(line: str) -> list[_Matcher]:
    """The matchers of one line such as `a="b"` or `{a=b, c=~"d|e"}`. Raises KeyError when it has none."""
    line = line.strip().removeprefix("{").removesuffix("}").strip()
    found, at = [], 0
    while at < len(line):
        match = _PARSED.match(line, at)
        if match is None:
            raise KeyError(line)
        at = match.end()
        name, op, text = _unquoted(match[1]), match[2], _unquoted(match[3])
        found.append(_regex(name, text, op) if op in ("=~", "!~") else _Matcher(name, op, text))
    return found


def _unquoted(text: str) -> str:
    text = text[1:-1] if text.startswith('"') else text
    return re.sub(r'\\(["n\\])', lambda found: "\n" if found[1] == "n" else found[1], text)


def _regex(name: str, text: str, op: str = "=~") -> _Matcher:
    try:
        return _Matcher(name, op, text, Pattern(text))
    except ValueError:
        return _Matcher(name, op, text)


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise TypeError(item)
    return item


_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def _quoted(text: str) -> str:
    """As Go's strconv.Quote."""
    if text.isprintable() and "\\" not in text and '"' not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in '\\"':
        return f"\\{char}"
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x20 or code == 0x7F else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
