"""The filter of the alert feed: Alertmanager's matchers, plain words, and what the console knows besides.

* `severity="critical" team=~"pay.*"`: matchers, with blanks or commas between them;
* `timeout "disk full" !staging`: words in the name, the labels or the annotations, in any case; `!` for without;
* `@state=active|silenced @acked=no`: what is no label: @state, @acked, @source, @paged, @flapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from console.model.alert import Alert, AlertState, Matcher, parse_matcher
from console.model.value import value

LONGEST = 2_000
"""Characters of a filter."""

_STATES = ("active", "suppressed", "silenced", "inhibited", "muted", "unprocessed", "resolved", "unknown")
_YES_NO = ("yes", "no")


@value
class Seen:
    """An alert with what a filter may ask of it. `text` is everything it says, casefolded."""

    alert: Alert
    labels: Mapping[str, str]
    text: str
    acknowledged: bool = False
    repeats: int = 0
    """How often it arrived during the last minutes."""


@value
class Fact:
    """`@name=one|other`: something that is no label."""

    name: str
    values: tuple[str, ...]
    negated: bool = False

    def holds(self, seen: Seen) -> bool:
        """Whether it is so."""
        return any(_FACTS[self.name][1](seen, wanted) for wanted in self.values) is not self.negated


@value
class Filter:
    """What an alert must be to be listed. The empty filter passes everything."""

    text: str = ""
    matchers: tuple[Matcher, ...] = ()
    facts: tuple[Fact, ...] = ()
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.matchers or self.facts or self.words or self.without)

    @property
    def reads_text(self) -> bool:
        """Whether `Seen.text` is looked at."""
        return bool(self.words or self.without)

    def passes(self, seen: Seen) -> bool:
        """Whether an alert is listed."""
        return (
            all(matcher.matches(seen.labels) for matcher in self.matchers)
            and all(fact.holds(seen) for fact in self.facts)
            and all(word in seen.text for word in self.words)
            and not any(word in seen.text for word in self.without)
        )


def text_of(alert: Alert) -> str:
    """Everything that an alert says, casefolded, for words to be found in."""
    parts = [text for pair in alert.labels for text in pair]
    parts += [text for pair in alert.annotations for text in pair]
    return "\n".join(parts).casefold()


def parse_filter(text: str) -> Filter:
    """The filter that a text means. Raises ValueError with one line for the operator."""
    if len(text) > LONGEST:
        raise ValueError(f"the filter is longer than {LONGEST} characters")
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    matchers: list[Matcher] = []
    facts: list[Fact] = []
    words: list[str] = []
    without: list[str] = []
    at = 0
    while at < len(inner):
        if blank := _BLANK.match(inner, at):
            at = blank.end()
        elif found := _FACT.match(inner, at):
            facts.append(_fact(*found.groups()))
            at = found.end()
        elif found := _MATCHER.match(inner, at):
            matchers.append(parse_matcher(found[0]))
            at = found.end()
        elif found := _UNFINISHED.match(inner, at):
            raise ValueError(f'{found[0].strip()} needs a value: {found[0].strip()}"..."')
        elif found := _WORD.match(inner, at):
            inverse, quoted, bare = found.groups()
            word = (bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)).casefold()
            if word:
                (without if inverse else words).append(word)
            at = found.end()
        else:
            raise ValueError(f"a quote is not closed: {inner[at : at + 40]}")
    return Filter(text.strip(), tuple(matchers), tuple(facts), tuple(words), tuple(without))


_BLANK = re.compile(r"[\s,]+")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(rf'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*(?:{_QUOTED}|[^\s",{{}}]+)')
_UNFINISHED = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*(?:=~|!~|!=|=)(?=[\s,]|$)")
_FACT = re.compile(rf'@([a-zA-Z_]*)\s*(!=|=)?\s*({_QUOTED}|[^\s",]*)')
_WORD = re.compile(r'(!?)(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')


def _fact(name: str, op: str | None, text: str) -> Fact:
    if name not in _FACTS:
        raise ValueError(f"@{name} is not known; expected {', '.join(f'@{known}' for known in _FACTS)}")
    allowed, _ = _FACTS[name]
    values = tuple(part.casefold() for part in text.strip('"').split("|") if part)
    if op is None or not values:
        raise ValueError(f"@{name} needs a value: @{name}={'|'.join(allowed[:2]) or 'NAME'}")
    for part in values:
        if allowed and part not in allowed:
            raise ValueError(f"@{name}={part[:40]} is not known; expected {', '.join(allowed)}")
    return Fact(name, values, op == "!=")


def _state(seen: Seen, wanted: str) -> bool:
    alert = seen.alert
    if wanted in ("silenced", "inhibited", "muted"):
        return bool({"silenced": alert.silenced_by, "inhibited": alert.inhibited_by, "muted": alert.muted_by}[wanted])
    return alert.state is AlertState(wanted)


def _acked(seen: Seen, wanted: str) -> bool:
    return seen.acknowledged is (wanted == "yes")


def _source(seen: Seen, wanted: str) -> bool:
    return wanted in seen.alert.source.casefold()


def _paged(seen: Seen, wanted: str) -> bool:
    return {"yes": True, "no": False, "unknown": None}[wanted] is seen.alert.paged


def _flapping(seen: Seen, wanted: str) -> bool:
    return (seen.repeats >= FLAPPING) is (wanted == "yes")


FLAPPING = 3
"""An alert that arrived so often within the last minutes comes and goes."""

_FACTS: dict[str, tuple[tuple[str, ...], Callable[[Seen, str], bool]]] = {
    "state": (_STATES, _state),
    "acked": (_YES_NO, _acked),
    "source": ((), _source),
    "paged": ((*_YES_NO, "unknown"), _paged),
    "flapping": (_YES_NO, _flapping),
}
