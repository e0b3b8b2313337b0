"""Whether a text is PromQL: its grammar and the kinds of values, as far as they can be known without a server.

It judges no metric's name. What a newer Prometheus may know (an experimental function) is refused: a playbook is no
place for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from console.model.pattern import re2_of
from console.model.sli import INNER, SECONDS, WINDOW, replaced
from console.model.text import quoted
from console.model.value import value


class _Kind(StrEnum):
    NUMBER = "a number"
    TEXT = "a text"
    VECTOR = "an instant vector"
    RANGE = "a range vector"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AGGREGATORS = _words("sum min max avg group stddev stdvar count count_values bottomk topk quantile limitk limit_ratio")
_WITH_PARAMETER = _words("count_values bottomk topk quantile limitk limit_ratio")
_OF_RANGE = _words(
    "rate irate increase delta idelta deriv predict_linear resets changes absent_over_time avg_over_time min_over_time"
    " max_over_time sum_over_time count_over_time quantile_over_time stddev_over_time stdvar_over_time last_over_time"
    " present_over_time mad_over_time holt_winters double_exponential_smoothing"
)
"""Functions that need what `[5m]` gives."""
_OF_VECTOR = _words(
    "abs absent acos acosh asin asinh atan atanh ceil clamp clamp_max clamp_min cos cosh day_of_month day_of_week"
    " day_of_year days_in_month deg exp floor histogram_avg histogram_count histogram_fraction histogram_quantile"
    " histogram_stddev histogram_stdvar histogram_sum hour label_join label_replace ln log10 log2 minute month rad"
    " round scalar sgn sin sinh sort sort_by_label sort_by_label_desc sort_desc sqrt tan tanh timestamp year"
)
_OF_TIME = _words("time hour minute day_of_week day_of_month day_of_year days_in_month month year")
"""Functions that need nothing to say something new."""
_OF_NOTHING: Mapping[str, _Kind] = {"time": _Kind.NUMBER, "pi": _Kind.NUMBER, "vector": _Kind.VECTOR}
_OPERATORS = _words("+ - * / % ^ == != <= >= < > and or unless atan2")
_COMPARING = _words("== != <= >= < >")
_COMPUTING = _words("+ - * / % ^ atan2")
_WORDS = _words("and or unless atan2 by without on ignoring group_left group_right bool offset")
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_TOKEN = re.compile(
    rf"""
      (?P<duration>{_DURATION})(?![\w.])
    | (?P<number>(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)(?![\w.])
                  |(?:[iI]nf|[nN]a[nN])\b)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<name>(?<!:):*[a-zA-Z_][\w:]*)
    | (?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){{}}\[\],:@])
    """,
    re.VERBOSE,
)
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_VARIABLE = re.compile(r"(\[\s*|\boffset\s+)?\{\{\s*(?:[\w-]+\s*)?\}\}")
_RANGES = {WINDOW: "300000s", INNER: "29999s", SECONDS: "30000000"}
"""What stands for the ranges of a template (`model.sli`) while it is read: as long as they are."""
_DEEPEST = 100
_PLAIN = re.compile(r"(?:[\w:/ -]|\.[*+]?|\|)*", re.ASCII)
"""A regular expression that needs no look by RE2, which takes its time to load: `5..`, `GET|POST`, `api-.*`."""
_TOO_LARGE = "too large"
"""What RE2 says of one that needs more memory than `model.pattern` gives it; Prometheus gives more."""


class _Wrong(Exception):
    """It is no PromQL, and why."""


@value
class Matcher:
    """`label operator "value"`, the value without its quotes."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quoted(self.value)}"


@value
class Selector:
    """A metric with its matchers, and where it stands: from `begin` up to, and without, `end`."""

    name: str
    matchers: tuple[Matcher, ...]
    begin: int = 0
    end: int = 0

    def __str__(self) -> str:
        inside = ",".join(map(str, self.matchers))
        return f"{self.name}{{{inside}}}" if inside else self.name


def complaint(text: str) -> str:
    """Why `text` is no expression that gives a value; empty when it is one. `{{name}}` stands for a number."""
    if not text.strip():
        return "it is empty"
    try:
        parser = _Parser(_VARIABLE.sub(lambda found: f"{found[1]}1m" if found[1] else "1", text))
        kind = parser.whole()
    except _Wrong as wrong:
        return str(wrong)
    if kind is _Kind.RANGE:
        return "it gives a range, and no value: [...] belongs inside of a function"
    if kind is _Kind.TEXT:
        return "it gives a text, and no value"
    return "" if parser.metrics or parser.times else "it names no metric"


@lru_cache(maxsize=256)  # the same query is looked at for several reasons
def selectors(text: str) -> tuple[Selector, ...]:
    """Every selector of an expression, in its order; `model.sli`'s placeholders may stand in it. Raises ValueError,
    with the reason, when it is no PromQL."""
    try:
        parser = _Parser(replaced(text, _RANGES))
        parser.whole()
    except _Wrong as wrong:
        raise ValueError(str(wrong)) from None
    return tuple(parser.selectors)


@lru_cache(maxsize=256)
def computes(text: str) -> bool:
    """Whether an expression computes with two vectors, as a sum or a difference of series does: it has no series where
    either has none. `model.sli`'s placeholders may stand in it. Raises ValueError."""
    try:
        parser = _Parser(replaced(text, _RANGES))
        parser.whole()
    except _Wrong as wrong:
        raise ValueError(str(wrong)) from None
    return parser.computes


def unreadable(matcher: Matcher) -> str:
    """Why Prometheus would refuse a matcher's regular expression; empty when it would not."""
    if matcher.operator not in ("=~", "!~") or _PLAIN.fullmatch(matcher.value):
        return ""
    try:
        re2_of(matcher.value)
    except ValueError as error:
        return "" if _TOO_LARGE in str(error) else str(error)
    return ""


def patched(text: str, labels: Mapping[str, str]) -> str:
    """An expression or a template whose every selector asks for these labels' values, in place of what it said of
    them. Raises ValueError."""
    for found in reversed(selectors(text)):
        kept = tuple(item for item in found.matchers if item.label not in labels)
        asked = tuple(Matcher(label, "=", wanted) for label, wanted in labels.items())
        text = text[: found.begin] + str(Selector(found.name, kept + asked)) + text[found.end :]
    return text


def _end(text: str, at: int) -> int:
    """Where blanks and comments end."""
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


class _Parser:
    """Recursive descent. `metrics` counts the selectors that were read, `times` what tells the time without one;
    `computes`: there is an operation of two vectors."""

    def __init__(self, text: str) -> None:
        self.metrics = 0
        self.times = 0
        self.computes = False
        self.selectors: list[Selector] = []
        self._tokens: list[tuple[str, str]] = []
        self._places: list[tuple[int, int]] = []
        self._at = 0
        self._selected = -1
        """Where the last selector ended: a range belongs directly behind one."""
        self._depth = 0
        at = _end(text, 0)
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                quote = text[at] in "\"'`"
                raise _Wrong(
                    "a quote is never closed" if quote else f"{text[at : at + 12]!r} is no part of an expression"
                )
            if found.lastgroup == "text":
                _escaped(found[0])
            self._tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            self._places.append(found.span())
            at = _end(text, found.end())

    def whole(self) -> _Kind:
        kind = self._expression()
        if self._at < len(self._tokens):
            raise _Wrong(f"{self._next()!r} is left over: an operator is missing, or a bracket is closed too often")
        return kind

    def _next(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _type(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next()
        self._at += 1
        return token

    def _accept(self, *wanted: str) -> bool:
        found = self._next().lower() in wanted and self._type() in ("name", "sign")
        self._at += found
        return found

    def _expect(self, wanted: str) -> None:
        if not self._accept(wanted):
            found = repr(self._next()) if self._next() else "its end"
            raise _Wrong(f"{wanted!r} is missing before {found}")

    def _expression(self) -> _Kind:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Wrong(f"it is nested more than {_DEEPEST} deep")
        kind = self._unary()
        while self._next().lower() in _OPERATORS and self._type() in ("name", "sign"):
            operator = self._take().lower()
            if self._accept("bool") and operator not in _COMPARING:
                raise _Wrong(f"bool goes with a comparison, not with {operator!r}")
            if self._accept("on", "ignoring"):
                self._labels()
                if self._accept("group_left", "group_right") and self._next() == "(":
                    self._labels()
            other = self._unary()
            for side in (kind, other):
                if side in (_Kind.RANGE, _Kind.TEXT):
                    raise _Wrong(f"{operator!r} has {side} on one side")
            self.computes |= operator in _COMPUTING and kind is other is _Kind.VECTOR
            kind = _Kind.VECTOR if _Kind.VECTOR in (kind, other) else _Kind.NUMBER
        self._depth -= 1
        return kind

    def _unary(self) -> _Kind:
        while self._accept("+", "-"):
            pass
        return self._after(self._primary())

    def _after(self, kind: _Kind) -> _Kind:
        while True:
            if self._accept("["):
                kind = self._range(kind)
            elif self._accept("offset"):
                self._accept("-")
                if self._type() not in ("duration", "number"):
                    raise _Wrong("offset needs a duration such as 5m")
                self._take()
            elif self._accept("@"):
                self._accept("-")
                if self._accept("start", "end"):
                    self._expect("(")
                    self._expect(")")
                elif self._type() == "number":
                    self._take()
                else:
                    raise _Wrong("@ needs a time")
            else:
                return kind

    def _range(self, kind: _Kind) -> _Kind:
        selector = self._selected == self._at - 1
        if self._type() != "duration":
            raise _Wrong("[...] needs a duration such as 5m")
        self._take()
        if self._accept(":"):
            if self._type() == "duration":
                self._take()
        elif not selector:
            raise _Wrong(f"[5m] follows {kind}: it belongs directly behind a metric, or is a subquery, [5m:1m]")
        self._expect("]")
        return _Kind.RANGE

    def _primary(self) -> _Kind:
        kind = self._type()
        if kind in ("number", "duration"):
            self._take()
            return _Kind.NUMBER
        if kind == "text":
            self._take()
            return _Kind.TEXT
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if self._next() == "{":
            return self._selector("")
        if kind != "name" or self._next().lower() in _WORDS:
            found = repr(self._next()) if self._next() else "its end"
            raise _Wrong(f"a value is missing before {found}")
        name = self._take()
        if name.lower() in _AGGREGATORS and (self._next() == "(" or self._next().lower() in ("by", "without")):
            return self._aggregate(name.lower())
        return self._function(name) if self._next() == "(" else self._selector(name)

    def _aggregate(self, name: str) -> _Kind:
        grouped = self._accept("by", "without")
        if grouped:
            self._labels()
        given = self._arguments(name)
        wanted = 2 if name in _WITH_PARAMETER else 1
        if len(given) != wanted:
            raise _Wrong(f"{name} has {len(given)} of {wanted} arguments")
        if given[-1] is not _Kind.VECTOR:
            raise _Wrong(f"{name} needs {_Kind.VECTOR}, not {given[-1]}")
        if not grouped and self._accept("by", "without"):
            self._labels()
        return _Kind.VECTOR

    def _function(self, name: str) -> _Kind:
        if name not in _OF_RANGE and name not in _OF_VECTOR and name not in _OF_NOTHING:
            raise _Wrong(f"{name!r} is no function")
        given = self._arguments(name)
        self.times += name in _OF_TIME and not given
        if name in _OF_NOTHING:
            return _OF_NOTHING[name]
        if name in _OF_RANGE and _Kind.RANGE not in given:
            raise _Wrong(f"{name} needs a range such as [5m]")
        if name in _OF_VECTOR and _Kind.RANGE in given:
            raise _Wrong(f"{name} needs {_Kind.VECTOR}, not {_Kind.RANGE}")
        return _Kind.NUMBER if name == "scalar" else _Kind.VECTOR

    def _arguments(self, name: str) -> list[_Kind]:
        self._expect("(")
        given: list[_Kind] = []
        while not self._accept(")"):
            given.append(self._expression())
            if not self._accept(","):
                if self._next() != ")":
                    raise _Wrong(f"a bracket of {name} is never closed")
                continue
        return given

    def _labels(self) -> None:
        self._expect("(")
        while not self._accept(")"):
            if self._type() not in ("name", "text"):
                raise _Wrong("a label's name is missing")
            self._take()
            if not self._accept(",") and self._next() != ")":
                raise _Wrong("a list of labels is never closed")

    def _selector(self, name: str) -> _Kind:
        matchers: list[Matcher] = []
        begin = self._places[self._at - bool(name)][0]
        if self._accept("{"):
            while not self._accept("}"):
                quoted = self._type() == "text"
                if self._type() not in ("name", "text"):
                    raise _Wrong("a list of label matchers is never closed" if not self._next() else "no label matcher")
                label = _unquoted(self._take()) if quoted else self._take()
                operator = self._next()
                if self._accept("=", "!=", "=~", "!~"):
                    if self._type() not in ("text", "number"):  # a variable in quotes has become a text already
                        raise _Wrong("a label's value stands in quotes")
                    matchers.append(Matcher(label, operator, _unquoted(self._take())))
                elif quoted:  # {"the metric's name"}
                    matchers.append(Matcher("__name__", "=", label))
                else:
                    raise _Wrong("a label matcher needs =, !=, =~ or !~")
                if not self._accept(",") and self._next() != "}":
                    raise _Wrong("a list of label matchers is never closed")
        if not name and not matchers:
            raise _Wrong("{} names no metric")
        self.metrics += 1
        self.selectors.append(Selector(name, tuple(matchers), begin, self._places[self._at - 1][1]))
        self._selected = self._at
        return _Kind.VECTOR


def _unquoted(text: str) -> str:
    """What a quoted text says; anything else is itself."""
    if text[:1] == "`":
        return text[1:-1]
    if text[:1] not in ("'", '"'):
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1]) or _code(found[1]) or found[1], text[1:-1])


def _escaped(text: str) -> None:
    """Refuses a backslash before what Prometheus knows no meaning of."""
    if text[0] == "`" or "\\" not in text:
        return
    for found in _ESCAPE.finditer(text, 1, len(text) - 1):
        said = found[1]
        if said not in _ESCAPED and said != text[0] and _code(said) is None:
            raise _Wrong(f"{found[0]} is no escape: a backslash of a regular expression is doubled, \\{found[0]}")


def _code(said: str) -> str | None:
    """The character of a numeric escape, without its backslash; None when it is none."""
    digits = said[1:] if said[0] in "xuU" else said
    try:
        number = int(digits, 16 if said[0] in "xuU" else 8) if len(said) > 1 else -1
    except ValueError:
        return None
    most = 0x10FFFF if said[0] in "uU" else 0xFF
    if 0xD800 <= number < 0xE000:  # half a character
        return "\ufffd"
    return chr(number) if 0 <= number <= most else None


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
