"""Whether somebody keeps the playbook right, and whether it is ever offered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from console.model.alert import parse_matcher
from console.model.flow import Key
from console.model.lint.finding import Finding, World
from console.model.playbook import Playbook


def rules(playbook: Playbook, world: World) -> Iterator[Finding]:
    """Everything about its review and its matchers."""
    reviewed = date.fromisoformat(playbook.reviewed)
    if reviewed > world.today:
        yield Finding("PB702", f"{reviewed} is not yet", "", ("reviewed",))
    elif world.today - reviewed > playbook.review_every:
        days = (world.today - reviewed - playbook.review_every).days
        yield Finding("PB701", f"a review was due {days} days ago", "", ("reviewed",))
    severities = {"severity": tuple(item.value for item in playbook.severities)}
    yield from _matching(playbook.match, {}, "match")
    yield from _matching(playbook.match_incident, severities, "match_incident")


def _matching(texts: Sequence[str], values: dict[str, tuple[str, ...]], key: Key) -> Iterator[Finding]:
    """Matchers must all hold at once: tried with the values that a label can have, where those are known."""
    matchers = [parse_matcher(text) for text in texts]
    for index, matcher in enumerate(matchers):
        exact = tuple(item.value for item in matchers if item.name == matcher.name and item.op == "=")
        possible = values.get(matcher.name) or exact[:1]
        if possible and not any(matcher.matches({matcher.name: text}) for text in possible):
            found = " or ".join(possible)
            yield Finding("PB703", f"{matcher.name} is {found}, which {matcher} never fits", "", (key, index))
