"""What is known of one alert, and of several that are grouped together: kept for as long as they stay as they are."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from operator import attrgetter

from console.model.alert import Alert, AlertState
from console.model.filter import Filter, Seen, text_of
from console.model.folding.values import BY_GROUP, FLAT, Row, rank_of

SLICE = 250
"""Alerts looked at between two pauses."""

_FAR = 1e11
"""More seconds than any instant has: what comes before the instant is counted in it."""

_NOWHERE = (0.0, "")


class Known:
    """One alert. Another one takes its place when anything of it changes."""

    __slots__ = (
        "alert",
        "alive",
        "counted",
        "fingerprint",
        "home",
        "inside",
        "judged_by",
        "key",
        "name",
        "outside",
        "owned",
        "passed",
        "repeats",
        "text",
    )

    def __init__(self, alert: Alert, owned: bool, repeats: int) -> None:
        self.alert, self.fingerprint, self.name = alert, alert.fingerprint, alert.name
        self.owned, self.repeats = owned, repeats
        self.text: str | None = None
        self.passed = True
        self.judged_by: Filter | None = None
        self.inside: Row | None = None
        self.outside: Row | None = None
        state, active = alert.state, 1 if owned else 0
        self.counted = active if state is AlertState.ACTIVE else 2 if state is AlertState.SUPPRESSED else 3
        self.key = _NOWHERE
        self.home: Group | None = None
        self.alive = True

    def keyed(self, newest: bool) -> tuple[float, str]:
        """Its place in the order: one number, for sorting by one is many times quicker than by several; and what tells
        two apart that have the same, so that their order never depends on what was there before."""
        quiet = self.alert.state in (AlertState.SUPPRESSED, AlertState.RESOLVED)
        kind = 2 if quiet else 1 if self.owned else 0
        number = (kind * 8 + (0 if newest else rank_of(self.alert))) * _FAR - self.alert.starts_at.timestamp()
        return number, self.fingerprint

    def group(self, by: str) -> str:
        """The name of the group it belongs to; empty where it stands alone."""
        if by == BY_GROUP:
            return self.alert.group
        return "" if by == FLAT else f'{by}="{self.alert.label(by)}"'

    def passes(self, wanted: Filter) -> bool:
        """Whether it is listed. Found out once for each filter."""
        if self.judged_by is not wanted:
            if self.text is None and wanted.reads_text:
                self.text = text_of(self.alert)
            seen = Seen(self.alert, dict(self.alert.labels), self.text or "", self.owned, self.repeats)
            self.passed, self.judged_by = wanted.passes(seen), wanted
        return self.passed

    def row(self) -> Row:
        """Its row, outside of any fold."""
        if self.outside is None:
            self.outside = Row(self.fingerprint, self.alert, self.owned, self.repeats, False)
        return self.outside

    def row_inside(self) -> Row:
        """Its row below a fold."""
        if self.inside is None:
            self.inside = Row(self.fingerprint, self.alert, self.owned, self.repeats, True)
        return self.inside


class Group:
    """Alerts of one group. `passed` are those that pass the filter, in their order: a new list when anything of it
    changes."""

    __slots__ = ("alive", "judged_by", "key", "members", "name", "passed", "stale")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[str, Known] = {}
        self.passed: Sequence[Known] = ()
        self.judged_by: Filter | None = None
        self.stale = self.alive = True
        self.key = _NOWHERE

    def add(self, item: Known) -> None:
        """Takes an alert in."""
        self.members[item.fingerprint] = item
        self.stale = self.alive = True

    def remove(self, item: Known) -> None:
        """Lets an alert go."""
        if self.members.get(item.fingerprint) is item:
            del self.members[item.fingerprint]
            self.stale, self.alive = True, bool(self.members)

    def settle(self, wanted: Filter) -> Generator[None, None, None]:
        """Brings order and filter up to date."""
        passed = sorted(self.members.values(), key=KEY)
        # Kept in order: what is almost sorted is sorted fast.
        self.members = dict(zip(map(FINGERPRINT, passed), passed, strict=True))
        if wanted:
            items, passed = passed, []
            for first in range(0, len(items), SLICE):
                passed += [item for item in items[first : first + SLICE] if item.passes(wanted)]
                yield
        self.passed, self.judged_by, self.stale = passed, wanted, False
        if passed:
            self.key = passed[0].key


KEY = attrgetter("key")
FINGERPRINT = attrgetter("fingerprint")
