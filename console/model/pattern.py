"""Regular expressions as Alertmanager reads them (RE2), matched in time linear in the text.

Python's own `re` backtracks: a pattern such as `(a+)+b`, typed into a filter or sent by whoever made a silence, would
hold the whole program for minutes. Here every character is looked at once. What RE2 refuses is refused, too: references
back and looking around.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

LONGEST = 500
"""Characters of a pattern."""
DEEPEST = 40
"""Groups within groups."""
MOST_STATES = 2_000
"""States of the automaton: `(a{50}){50}` would have more."""
MOST_REPEATS = 1_000
"""RE2's own limit of `{n}`."""
KEPT = 4_000
"""Steps, and answers, remembered of one pattern."""

Test = Callable[[str], bool]


class _Node(NamedTuple):
    """A part of a pattern: `char` with a test, `all` or `any` of parts, `repeat` of one part, `begin`, `end`."""

    kind: str
    test: Test | None = None
    parts: tuple[_Node, ...] = ()
    least: int = 0
    most: int | None = None


_CLASSES: dict[str, Test] = {
    "d": lambda char: "0" <= char <= "9",
    "w": lambda char: char.isascii() and (char.isalnum() or char == "_"),
    "s": lambda char: char in "\t\n\f\r ",
}
_NAMED: dict[str, Test] = {
    "alnum": lambda char: char.isascii() and char.isalnum(),
    "alpha": lambda char: char.isascii() and char.isalpha(),
    "ascii": str.isascii,
    "blank": lambda char: char in "\t ",
    "digit": _CLASSES["d"],
    "lower": lambda char: "a" <= char <= "z",
    "punct": lambda char: char.isascii() and char.isprintable() and not char.isalnum() and char != " ",
    "space": lambda char: char in "\t\n\v\f\r ",
    "upper": lambda char: "A" <= char <= "Z",
    "word": _CLASSES["w"],
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
}
_CONTROLS = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_CATEGORIES = re.compile("C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?")


def _not(test: Test) -> Test:
    return lambda char: not test(char)


def _either(tests: Iterable[Test]) -> Test:
    found = tuple(tests)
    return found[0] if len(found) == 1 else lambda char: any(test(char) for test in found)


def _between(first: str, last: str, fold: bool) -> Test:
    if not fold:
        return lambda char: first <= char <= last
    return lambda char: any(first <= one <= last for one in (char, char.lower(), char.upper()))


class _Reader:
    """Reads a pattern. Every complaint is a ValueError of one line."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.fold, self.depth = text, 0, False, 0

    def read(self) -> _Node:
        if len(self.text) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
        found = self._any()
        if self.at < len(self.text):
            raise self._bad("an unexpected )")
        return found

    def _bad(self, what: str) -> ValueError:
        return ValueError(f"{what} at character {self.at + 1}")

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, token: str) -> bool:
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def _any(self) -> _Node:
        parts = [self._all()]
        while self._take("|"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else _Node("any", parts=tuple(parts))

    def _all(self) -> _Node:
        parts: list[_Node] = []
        while self._next() and self._next() not in "|)":
            if self._take("\\Q"):
                quoted, _, _ = self.text[self.at :].partition("\\E")
                self.at = min(len(self.text), self.at + len(quoted) + 2)
                parts += [self._char(char) for char in quoted]
                if quoted:
                    parts.append(self._repeated(parts.pop()))
            else:
                parts.append(self._repeated(self._one()))
        return _Node("all", parts=tuple(parts))

    def _repeated(self, node: _Node) -> _Node:
        count = self._count()
        if count is None:
            return node
        self._take("?")  # shortest first: the same for a whole match
        if self._next() and self._next() in "*+?":
            raise self._bad("a repetition of a repetition")
        return _Node("repeat", parts=(node,), least=count[0], most=count[1])

    def _count(self) -> tuple[int, int | None] | None:
        for sign, count in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return count
        if self._next() != "{":
            return None
        inside, closed, _ = self.text[self.at + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        if not (closed and low.isdecimal() and low.isascii() and (not high or (high.isdecimal() and high.isascii()))):
            return None  # an ordinary {, as in RE2
        if len(low) > 4 or len(high) > 4 or max(int(low), int(high or 0)) > MOST_REPEATS:
            raise self._bad(f"a repetition above {MOST_REPEATS}")
        least, most = int(low), (int(high) if high else None) if comma else int(low)
        if most is not None and most < least:
            raise self._bad("a repetition that ends before it begins")
        self.at += len(inside) + 2
        return least, most

    def _one(self) -> _Node:
        char = self._next()
        if char in "*+?":
            raise self._bad("nothing to repeat")
        self.at += 1
        if char == "(":
            return self._group()
        if char == "[":
            return _Node("char", self._set())
        if char == ".":
            return _Node("char", lambda _: True)
        if char in "^$":
            return _Node("begin" if char == "^" else "end")
        if char != "\\":
            return self._char(char)
        if self._take("A"):
            return _Node("begin")
        if self._take("z"):
            return _Node("end")
        return _Node("char", self._escape())

    def _char(self, char: str) -> _Node:
        return _Node("char", self._equal(char))

    def _equal(self, char: str) -> Test:
        if not self.fold or char.lower() == char.upper():
            return char.__eq__
        return frozenset((char, char.lower(), char.upper())).__contains__

    def _group(self) -> _Node:
        if self.depth == DEEPEST:
            raise self._bad(f"more than {DEEPEST} groups within each other")
        before, self.depth = self.fold, self.depth + 1
        if self._take("?") and not self._options():
            self.depth -= 1
            return _Node("all")  # (?i): holds to the end of the group around it
        found = self._any()
        if not self._take(")"):
            raise self._bad("a missing )")
        self.fold, self.depth = before, self.depth - 1
        return found

    def _options(self) -> bool:
        """What follows `(?`; whether a group follows in turn."""
        if self._take("P<") or (self._next() == "<" and self.text[self.at + 1 : self.at + 2] not in ("=", "!")):
            name, closed, _ = self.text[self.at :].lstrip("<").partition(">")
            if not closed or not name.isidentifier():
                raise self._bad("a group without a name")
            self.at = self.text.index(">", self.at) + 1
            return True
        on = True
        while char := self._next():
            self.at += 1
            if char == ":":
                return True
            if char == ")":
                return False
            if char == "-" and on:
                on = False
            elif char == "i":
                self.fold = on
            elif char not in "msU":  # no line feeds in a label's value, and which match is found makes no difference
                break
        raise self._bad("a (? that Alertmanager does not know")

    def _escape(self) -> Test:
        char = self._next()
        self.at += 1
        if char.lower() in _CLASSES and char:
            test = _CLASSES[char.lower()]
            return test if char.islower() else _not(test)
        if char in ("p", "P"):
            if self._next() == "{":
                name = self._braced()
            else:
                name = self._next()
                self.at += 1
            if _CATEGORIES.fullmatch(name) is None:
                raise self._bad(f"the unknown class \\{char}{{{name[:20]}}}")
            return _not(self._category(name)) if char == "P" else self._category(name)
        if char == "x":
            return self._equal(self._hexadecimal())
        if char in _CONTROLS:
            return _CONTROLS[char].__eq__
        if not char or char.isalnum():
            raise self._bad(f"the escape \\{char}, which is not known here,")
        return char.__eq__

    @staticmethod
    def _category(name: str) -> Test:
        return lambda char: unicodedata.category(char).startswith(name)

    def _braced(self) -> str:
        inside, closed, _ = self.text[self.at + 1 :].partition("}")
        if not closed:
            raise self._bad("a missing }")
        self.at += len(inside) + 2
        return inside

    def _hexadecimal(self) -> str:
        if self._next() == "{":
            digits = self._braced()
        else:
            digits = self.text[self.at : self.at + 2]
            self.at += 2
        try:
            return chr(int(digits, 16))
        except (ValueError, OverflowError):
            raise self._bad("a \\x without a character") from None

    def _set(self) -> Test:
        inverse = self._take("^")
        tests: list[Test] = []
        while not self._take("]") or not tests:
            if not self._next():
                raise self._bad("a missing ]")
            if tests == [] and self.text[self.at - 1] == "]":
                tests.append("]".__eq__)  # the first ] stands for itself
            else:
                tests.append(self._member())
        test = _either(tests)
        return _not(test) if inverse else test

    def _member(self) -> Test:
        if self._take("[:"):
            name, closed, _ = self.text[self.at :].partition(":]")
            inverse = name.startswith("^")
            if not closed or name.lstrip("^") not in _NAMED:
                raise self._bad("an unknown [:class:]")
            self.at += len(name) + 2
            test = _NAMED[name.lstrip("^")]
            return _not(test) if inverse else test
        first = self._bound()
        if not isinstance(first, str):
            return first
        if self._next() != "-" or self.text[self.at + 1 : self.at + 2] in ("]", ""):
            return self._equal(first)
        self.at += 1
        last = self._bound()
        if not isinstance(last, str) or last < first:
            raise self._bad("a range without an end")
        return _between(first, last, self.fold)

    def _bound(self) -> str | Test:
        """One character of a set, or a class."""
        char = self._next()
        if char != "\\":
            self.at += 1
            return char
        after = self.text[self.at + 1 : self.at + 2]
        self.at += 1
        if after and after in "xaftnrv":
            self.at += 1
            return self._hexadecimal() if after == "x" else _CONTROLS[after]
        if after and not after.isalnum():
            self.at += 1
            return after
        return self._escape()


class _Step:
    """Where the automaton can be after some characters."""

    __slots__ = ("accepts", "moves", "states")

    def __init__(self, states: tuple[int, ...], accepts: bool) -> None:
        self.states, self.accepts = states, accepts
        self.moves: dict[str, _Step] = {}


class Pattern:
    """A pattern that is matched against whole texts. Raises ValueError with one line where it is none."""

    def __init__(self, text: str) -> None:
        self._tests: list[Test | None] = [None]
        self._to: list[tuple[int, ...]] = [()]
        self._only_at: list[str] = [""]
        try:
            first = self._emit(_Reader(text).read(), 0)
        except ValueError as error:
            raise ValueError(f"the regular expression does not compile: {error}") from None
        self._first = self._closed((first,), "begin")
        self._answers: dict[str, bool] = {}
        self._forget()

    def _forget(self) -> None:
        self._made = 0
        self._steps: dict[tuple[int, ...], _Step] = {}
        self._start = self._step(self._first)

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` is matched."""
        known = self._answers.get(text)
        if known is None:
            if len(self._answers) >= KEPT:
                self._answers.clear()
            known = self._answers[text] = self._run(text)
        return known

    def _run(self, text: str) -> bool:
        if not text:
            # Begin and end at once: only here may an end come before a begin.
            return 0 in self._closed(self._first, "begin", "end")
        here = self._start
        for char in text:
            there = here.moves.get(char)
            if there is None:
                there = self._move(here, char)
            if not there.states:
                return False
            here = there
        return here.accepts

    def _move(self, here: _Step, char: str) -> _Step:
        if self._made >= KEPT:
            self._forget()
        self._made += 1
        targets = []
        for state in here.states:
            test = self._tests[state]
            if test is not None and test(char):
                targets.append(self._to[state][0])
        there = here.moves[char] = self._step(self._closed(targets))
        return there

    def _step(self, states: tuple[int, ...]) -> _Step:
        found = self._steps.get(states)
        if found is None:
            found = self._steps[states] = _Step(states, 0 in self._closed(states, "end"))
        return found

    def _closed(self, states: Iterable[int], *at: str) -> tuple[int, ...]:
        """All states that are reached without another character; `at` says where in the text that is."""
        seen = set(states)
        waiting = list(seen)
        while waiting:
            state = waiting.pop()
            if self._tests[state] is None and (not self._only_at[state] or self._only_at[state] in at):
                for other in self._to[state]:
                    if other not in seen:
                        seen.add(other)
                        waiting.append(other)
        return tuple(sorted(seen))

    def _new(self, test: Test | None, to: tuple[int, ...], only_at: str = "") -> int:
        if len(self._tests) >= MOST_STATES:
            raise ValueError("it has too many repetitions")
        self._tests.append(test)
        self._to.append(to)
        self._only_at.append(only_at)
        return len(self._tests) - 1

    def _emit(self, node: _Node, after: int) -> int:
        """The states of a part that goes on at `after`; the first of them."""
        if node.kind == "char":
            return self._new(node.test, (after,))
        if node.kind in ("begin", "end"):
            return self._new(None, (after,), node.kind)
        if node.kind == "any":
            return self._new(None, tuple(self._emit(part, after) for part in node.parts))
        if node.kind == "all":
            for part in reversed(node.parts):
                after = self._emit(part, after)
            return after
        (part,) = node.parts
        start = after
        if node.most is None:
            start = self._new(None, ())
            self._to[start] = (self._emit(part, start), after)
        else:
            for _ in range(node.most - node.least):
                start = self._new(None, (self._emit(part, start), after))
        for _ in range(node.least):
            start = self._emit(part, start)
        return start


@lru_cache(maxsize=64)
def compiled(text: str) -> Pattern:
    """The pattern of a text, read once. Raises ValueError with one line."""
    return Pattern(text)
