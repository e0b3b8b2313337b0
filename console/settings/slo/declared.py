"""What a file says of an objective, whatever its format, and the objective that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from console.model.burn import RULES, BurnRule, Urgency
from console.model.duration import duration
from console.model.sli import Part, Sli, Unit, averaged, filled, of_ratio, of_threshold, sliced
from console.model.slices import SLICE
from console.model.slo import Alerting, Objective
from console.model.value import value
from console.model.window import Rolling, Window
from console.settings.nodes import Fields, Node
from console.settings.problems import shown
from console.settings.slo.queries import Counted
from console.settings.slo.spans import MONTH
from console.settings.tree import Kind

METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")
OCCURRENCES, TIMESLICES, RATIO_TIMESLICES = METHODS
OPS: Mapping[str, str] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
SPARING = 0.9
"""A burn rate below it never uses the budget up. The workbook's rules, which are for 30 d, have 0.93 over 28 d."""
SAMPLE = 60
"""Seconds between two samples of a threshold."""
LEAST_BUDGET = 1e-9
"""A budget below it is lost in the digits of a float: nothing is divided by it."""
LOW = 0.9
"""A target below it is probably not what was meant."""

Pairs = tuple[tuple[str, str], ...]


@value
class Ratio:
    """Events: those that are counted (bad or good), and all."""

    part: Part
    counted: Counted
    total: Counted


@value
class Raw:
    """A ratio of 0 to 1 without its counts: as it is written, and as a template."""

    counts: Part
    text: str
    template: str


@value
class Threshold:
    """A value that is compared; `template` may hold the range of one sample."""

    text: str
    template: str


Measure = Ratio | Raw | Threshold


@value
class Limit:
    """What a threshold is compared with; `op` is OpenSLO's word."""

    op: str
    value: float


@value
class Fallback:
    """What is measured when the total has no series at all: a value, good in the slices in which the limit holds."""

    query: str
    limit: Limit


@value
class Declared:
    """One objective as a file has it. `seconds` and `share` are of a time slice: how long it is, and the share of good
    that makes it good. `name_at` and `service_at` are the places to complain at."""

    name: str
    title: str
    service: str
    target: float
    measure: Measure
    name_at: Node
    service_at: Node
    target_at: Node
    where: str = ""
    window: Window = MONTH
    method: str = OCCURRENCES
    seconds: int = SAMPLE
    share: float = 1.0
    limit: Limit | None = None
    fallback: Fallback | None = None
    description: str = ""
    labels: Pairs = ()
    annotations: Pairs = ()
    groups: tuple[str, ...] = ()
    rules: tuple[BurnRule, ...] | None = None
    """None: those of its window."""
    alert: str = ""
    page: Alerting = field(default_factory=Alerting)
    ticket: Alerting = field(default_factory=Alerting)
    short: str = ""
    """Its name within its service, where `name` had to say more."""

    def objective(self, rules: Mapping[timedelta, tuple[BurnRule, ...]]) -> Objective:
        """The objective; `rules` are those that AlertWindows set, by the length of a rolling window."""
        own = self.rules
        if own is None:
            own = rules.get(self.window.length, RULES) if isinstance(self.window, Rolling) else RULES
        return Objective(
            self.name,
            self.title,
            self.service,
            self.target,
            self.window,
            self.method,
            self.sli(),
            self.description,
            _queries(self.measure),
            self.where,
            self.labels,
            self.annotations,
            self.groups,
            (),
            own,
            self.alert,
            self.page,
            self.ticket,
            self.short,
        )

    def sli(self) -> Sli:
        """How it is measured."""
        sli = self._by_method()
        if self.fallback is None:
            return sli
        limit = self.fallback.limit
        stand_in = of_threshold(self.fallback.query, OPS[limit.op], limit.value, SLICE)
        basis = "no histogram" if sli.bucket else "fallback"
        return replace(sli, fallback=replace(stand_in, basis=f"{TIMESLICES} ({basis})"))

    def _by_method(self) -> Sli:
        measure, seconds = self.measure, self.seconds
        if isinstance(measure, Threshold):
            query = filled(measure.template, seconds if self.method != OCCURRENCES else SAMPLE)
            op, limit = (OPS[self.limit.op], self.limit.value) if self.limit else (">=", 1.0)
            if self.method == TIMESLICES and seconds <= SAMPLE:
                return of_threshold(query, op, limit, seconds)
            basic = of_threshold(query, op, limit, min(SAMPLE, seconds), Unit.SAMPLES)
            if self.method != TIMESLICES:  # the mean over equal slices is the share over all samples
                return basic
        elif isinstance(measure, Raw):
            basic = of_ratio(measure.template, measure.counts)
            if self.method == OCCURRENCES or (self.method == RATIO_TIMESLICES and seconds == SLICE):
                return basic
        else:
            counted, total = measure.counted, measure.total
            bucket = counted.bucket if measure.part is Part.GOOD else None
            widens = counted.widens and total.widens
            basic = Sli(counted.template, total.template, measure.part, total.unit, bucket, widens=widens)
            if self.method == OCCURRENCES:
                return basic
        by_slices = sliced(basic, seconds, self.share) if self.method == TIMESLICES else averaged(basic, seconds)
        return _sparse(by_slices, basic, seconds) if seconds > SLICE else by_slices


def _sparse(sli: Sli, basic: Sli, seconds: int) -> Sli:
    """Time slices that are longer than ours end in some of ours only: in the others nothing ended, which is known as
    long as there is something to count at all."""
    part, total = (f"({filled(item, seconds)}) * 0" for item in (basic.part, basic.total))
    part = part if sli.counts is Part.BAD else total
    return replace(sli, part=f"(({sli.part}) or {part})", total=f"(({sli.total}) or {total})")


def _queries(measure: Measure) -> Pairs:
    if isinstance(measure, Ratio):
        return ((str(measure.part), measure.counted.text), ("total", measure.total.text))
    if isinstance(measure, Raw):
        return ((f"{measure.counts} ratio", measure.text),)
    return (("value", measure.text),)


def percentage(node: Node, expected: str = "a percentage above 0, below 100") -> float:
    """A target in percent, as a ratio in (0, 1)."""
    value = _target(node, 100, expected)
    if 0 < value < 0.01:
        node.warn(
            f"{shown(node.tree.text)}, which is a percentage", f"{Decimal(node.tree.text) * 100:f} if a ratio was meant"
        )
    elif value:
        low(node, value)
    return value


def ratio(node: Node) -> float:
    """A target as a ratio in (0, 1)."""
    value = _target(node, 1, "a number above 0, below 1")
    if value:
        low(node, value)
    return value


def low(node: Node, target: float) -> None:
    """Warns of a target that lets much go wrong."""
    if target < LOW:
        node.warn(f"{shown(node.tree.text)}, a low target", f"{LOW:g} or more: {1 - target:.0%} may fail")


def _target(node: Node, most: int, expected: str) -> float:
    number = node.number(expected)
    if number != number:  # refused already
        return 0.0
    try:
        exact = Decimal(node.tree.text) / most
    except InvalidOperation:
        exact = Decimal(number) / most
    if exact == 1:
        node.refuse(shown(node.tree.text), f"less than {most}; zero tolerance is an Invariant (oncall/v1)")
    elif not 0 < exact < 1:
        node.refuse(shown(node.tree.text), expected)
    elif 1 - float(exact) < LEAST_BUDGET:  # 17 nines are 1 in a float, and a budget of nothing
        limit = (most * (1 - Decimal(repr(LEAST_BUDGET)))).normalize()
        node.refuse(shown(node.tree.text), f"less than {limit:f}; zero tolerance is an Invariant (oncall/v1)")
    else:
        return float(exact)
    return 0.0


def judged(declared: Declared, objective: Objective) -> None:
    """Warns of alerts that can never fire, and of those that a file asked for and that fire while the budget lasts."""
    period, budget = objective.period, objective.budget
    if not 0 < objective.target < 1:
        return
    if objective.rules == RULES and not declared.page.off:
        _usual(declared, objective)
    for rule in objective.rules:
        off = declared.page.off if rule.urgency is Urgency.PAGE else declared.ticket.off
        if not off and rule.urgency is Urgency.PAGE and not rule.can_fire(objective.target, period):
            found = f"a target for which the page over {rule.long} can never fire"
            expected = f"more than {1 - 1 / rule.factor(period):.2%}: it needs a burn rate above"
            declared.target_at.warn(
                found, f"{expected} {rule.factor(period):.4g}, and a full outage reaches {1 / budget:.4g}"
            )
        if not off and objective.rules != RULES and (factor := rule.factor(period)) < SPARING:
            declared.target_at.warn(
                f"a window of {objective.window.name}, in which the {rule.urgency} over {rule.long} fires at a burn"
                f" rate of {factor:.3g}, while the budget lasts",
                f"1 or more, which is {100 * (duration(rule.long) / period):.4g} % of the budget over {rule.long}",
            )


def _usual(declared: Declared, objective: Objective) -> None:
    """Warns of the usual rules where their pages fire while the budget of a short window lasts: they are for 30 d."""
    period = objective.period
    sparing = [rule for rule in RULES if rule.urgency is Urgency.PAGE and rule.factor(period) < SPARING]
    if sparing:
        rule = sparing[-1]
        declared.target_at.warn(
            f"a window of {objective.window.name} with the usual burn rules, which are for 30 d: its page over"
            f" {rule.long} fires at a burn rate of {rule.factor(period):.3g}, while the budget lasts",
            "rules of its own (alert policies or oncall/burn-rules), or a window of 5 d or more",
        )


def pairs(node: Node, *, lists: bool = False) -> Pairs:
    """A mapping of texts, such as labels; a value may be a list of them where `lists`."""
    if not node.present or node.tree.kind is Kind.EMPTY:
        return ()
    found = []
    for key, place in node.open_mapping().items():
        if lists and place.tree.kind is Kind.LIST:
            value = ", ".join(item.text() for item in place.sequence())
        else:
            value = prose(place)
        found.append((key, value))
    return tuple(found)


def merged(*several: Pairs) -> Pairs:
    """The pairs of all; a later one replaces an earlier one of its name."""
    return tuple({key: value for one in several for key, value in one}.items())


def prose(node: Node) -> str:
    """A text that somebody reads: any length of lines, or nothing."""
    if node.tree.kind in (Kind.ABSENT, Kind.EMPTY) or (node.tree.kind is Kind.TEXT and not node.tree.text.strip()):
        return ""
    return node.text()


def where(node: Node) -> str:
    """`FILE:LINE` of a place."""
    return f"{node.file}:{node.tree.line}"


def exactly_one(fields: Fields, names: Iterable[str]) -> str:
    """The one of some keys that is there; refused, and empty, when none is or several are."""
    wanted = tuple(names)
    if fields.node.tree.kind not in (Kind.MAPPING, Kind.ABSENT):
        return ""  # refused already
    there = [name for name in wanted if name in fields]
    if len(there) == 1:
        return there[0]
    if there:
        fields.key(there[1]).refuse(f"`{there[1]}` beside `{there[0]}`", "one of them")
    else:
        fields.node.refuse(f"none of {', '.join(wanted)}", "one of them")
    return ""
