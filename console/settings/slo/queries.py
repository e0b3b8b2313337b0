"""How a query meets a window: what formats leave open, settled once.

A plain selector of a counter is counted by `sum(increase(selector[window]))`; one of a series whose samples are amounts
by `sum(sum_over_time(...))`. An expression has its own range, written `[{{.window}}]`, `[window]` or `[$__range]`. What
has neither cannot be counted over a window, and is refused with the fix.
"""

from __future__ import annotations

import re
from math import inf, isnan, nan

from console.model import promql
from console.model.promql import Matcher, Selector
from console.model.sli import INNER, WINDOW, Bucket, Unit, of_counters, of_deltas, of_expressions
from console.model.value import value
from console.settings.nodes import Node
from console.settings.problems import shown

RANGE = "[{{.window}}]"
COUNTERS = ("_total", "_count", "_bucket", "_sum")
"""How the names of counters end."""

_PLACEHOLDER = re.compile(r"\{\{\s*\.window\s*\}\}|\$__range\b|(?<=\[)\s*window\s*(?=[\]:])")
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_SAMPLED = re.compile(r"\w_over_time\s*\(")
_COUNTER = re.compile(r"\b(?:i?rate|increase|i?delta)\s*\(")
_FILLED = re.compile(r"\bor\s+(?:on\s*\(\s*\)\s*)?vector\s*\(\s*0", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
_SPELLINGS = re.compile(r"\^?([0-9]+(?:\\\.[0-9]+)?)(?:0[*?]|\(0[*+]?\)\??|\((?:\?:)?\\\.0[*+]?\)\??)?\$?")
"""A pattern of `le` that means one number in its spellings: `0\\.30*`, `1(\\.0)?`."""
_LONGEST = 20_000
"""Characters of a query."""


@value
class Counted:
    """A query as it is written, and the template that counts it over a range."""

    text: str
    template: str
    unit: Unit = Unit.EVENTS
    bucket: Bucket | None = None
    counter: bool = True
    """Whether a plain selector is a counter's."""
    widens: bool = False
    """Whether it is a plain selector of a counter (`Sli.widens`)."""


def expression(node: Node, *, ranged: bool | None = None) -> str:
    """A PromQL expression as a template, empty when it is refused; `ranged`: whether it must have the placeholder
    of its range, or may not have one."""
    text = node.expression()
    template, complaint = _read(text)
    if complaint:
        node.refuse(shown(text), f"PromQL: {complaint}")
        return ""
    if ranged is not None and text and (WINDOW in template or INNER in template) is not ranged:
        range_of = f"a range over the window: {RANGE}" if ranged else "an expression without a range of its own"
        node.refuse(shown(text), range_of)
        return ""
    return _settled(node, template)


def counted(node: Node, *, counter: bool | None) -> Counted:
    """What counts events over a range. `counter`: whether the samples of a plain selector only grow (or are amounts);
    None: it is not said."""
    text = node.expression()
    template, complaint = _read(text)
    if not text or complaint:
        if text:
            node.refuse(shown(text), f"PromQL: {complaint}")
        return Counted(text, "")
    plain = _plain(template)
    if plain is None and (inner := _inside(template, "sum")):
        plain = _plain(inner)
        if plain is not None:
            node.warn("a sum of samples", f"{plain} alone, which it is taken for: the range is added")
        elif (plain := _ranged(inner)) is not None:
            counter = True
    if plain is not None:
        return _of_selector(node, text, plain, counter)
    if WINDOW not in template and INNER not in template:
        fix = f'a plain selector such as requests_total{{job="x"}}, or a range over the window: rate(...{RANGE})'
        node.refuse(shown(text), fix)
        return Counted(text, "")
    settled = _settled(node, template)
    unit = Unit.SAMPLES if "count_over_time" in settled and WINDOW not in settled else Unit.EVENTS
    return Counted(text, of_expressions(settled, bad=settled).total, unit)


def selector(node: Node) -> Selector | None:
    """A plain selector; None when it is refused."""
    text = node.expression()
    _, complaint = _read(text)
    found = _plain(text) if not complaint else None
    if text and found is None:
        node.refuse(
            shown(text), f'a plain selector such as requests_total{{job="x"}}{f" ({complaint})" * bool(complaint)}'
        )
    return found


def of_selector(node: Node, found: Selector, *, counter: bool | None = True) -> Counted:
    """What counts the events of a plain selector."""
    return _of_selector(node, node.expression(), found, counter)


def _read(text: str) -> tuple[str, str]:
    """The template of a query, and why it is none."""
    if len(text) > _LONGEST:
        return "", f"it has more than {_LONGEST} characters"
    template = _PLACEHOLDER.sub(lambda _: WINDOW, text)
    strange = _TEMPLATE.search(template)
    if strange is not None:
        return "", f"{shown(strange[0])} is not known here, only {{{{.window}}}}"
    if _SAMPLED.search(template) and not _COUNTER.search(template):
        template = template.replace(WINDOW, INNER)  # what is sampled at both ends of a range counts once
    try:
        found = promql.selectors(template)
    except ValueError as error:
        return "", str(error)
    for item in (matcher for one in found for matcher in one.matchers):
        if why := promql.unreadable(item):
            return "", f"{shown(str(item))}: {why}"
    return template, "" if found else "it names no metric"


def _plain(text: str) -> Selector | None:
    """The selector that a text is, and nothing else."""
    try:
        found = promql.selectors(text)
    except ValueError:
        return None
    whole = len(found) == 1 and not text[: found[0].begin].strip() and not text[found[0].end :].strip()
    return found[0] if whole else None


def _inside(text: str, *names: str) -> str:
    """What stands between the brackets of `name(...)`; empty where a text is none."""
    name, opened, rest = text.strip().partition("(")
    return rest[:-1].strip() if opened and name.strip() in names and rest.endswith(")") else ""


def _ranged(text: str) -> Selector | None:
    """The selector in `increase(selector[window])`, or in `rate`."""
    before, _, window = _inside(text, "increase", "rate").rpartition("[")
    return _plain(before) if "".join(window.split()) == f"{WINDOW}]" else None


def _of_selector(node: Node, text: str, plain: Selector, counter: bool | None) -> Counted:
    name = plain.name or next((item.value for item in plain.matchers if item.label == "__name__"), "")
    if counter is None:
        counter = name.endswith(COUNTERS)
        meant = "true, as it is taken" if counter else "false, as it is taken: every sample is an amount"
        node.warn("no `counter`", f"counter: {meant}")
    bucket = None
    if name.endswith("_bucket") and counter:
        limits = [item for item in plain.matchers if item.label == "le"]
        if not limits:
            node.refuse("every bucket of a histogram", 'the one at the threshold: le="0.3"')
        elif isnan(threshold := _threshold(limits[0])):
            node.warn(shown(str(limits[0])), "one bucket: whether it is there cannot be seen from several")
        elif threshold != inf:
            kept = tuple(item for item in plain.matchers if item.label != "le")
            bucket = Bucket(str(Selector(plain.name, kept)), threshold)
    elif counter and name and not name.endswith(COUNTERS) and ":" not in name:
        ends = ", ".join(COUNTERS[:-1])
        node.warn(f"{shown(name)}, which is not the name of a counter", f"one that ends in {ends} or {COUNTERS[-1]}")
    settled = _settled(node, str(plain))
    template = (of_counters(settled, bad=settled) if counter else of_deltas(settled, bad=settled)).total
    return Counted(text, template, Unit.EVENTS, bucket, counter, counter)


def _settled(node: Node, template: str) -> str:
    """The template with what is known to go wrong in a server put right, and warned of."""
    if _FILLED.search(template):
        node.warn(
            "`or vector(0)`", "the query without it: it makes 0 of a name with a typo, and no errors are none here"
        )
    try:
        found = promql.selectors(template)
    except ValueError:
        return template
    for item in reversed(found):
        matchers = tuple(map(_spelled, item.matchers))
        if matchers != item.matchers:
            exact, loose = next((old, new) for old, new in zip(item.matchers, matchers, strict=True) if old is not new)
            node.warn(f"{exact}, which Prometheus 3 writes differently from Prometheus 2", f"{loose}, as it is read")
            template = template[: item.begin] + str(Selector(item.name, matchers)) + template[item.end :]
    return template


def _spelled(matcher: Matcher) -> Matcher:
    """A bucket's limit in every spelling that servers have of it: `1`, `1.0`."""
    if matcher.label != "le" or matcher.operator != "=" or not _NUMBER.fullmatch(matcher.value):
        return matcher
    limit = float(matcher.value)
    if limit.is_integer() and limit < 1e15:
        return Matcher("le", "=~", rf"{int(limit)}(\.0)?")
    return matcher if matcher.value == f"{limit!r}" else Matcher("le", "=", f"{limit!r}")


def _threshold(matcher: Matcher) -> float:
    """The one limit of a bucket that a matcher asks for; NaN when it cannot be said."""
    if matcher.operator == "=":
        try:
            return float(matcher.value)
        except ValueError:
            return nan
    found = _SPELLINGS.fullmatch(matcher.value) if matcher.operator == "=~" else None
    return float(found[1].replace("\\", "")) if found else nan
