"""Matchers and filters of alerts, as they stand in a file."""

from __future__ import annotations

from console.model.alert import Matcher, parse_matcher
from console.model.filter import parse_filter
from console.settings.nodes import Node
from console.settings.problems import shown

_EXPECTED = 'a matcher: name="value", with =, !=, =~ or !~'


def read_matcher(node: Node) -> Matcher | None:
    """A matcher such as `severity="critical"`; None for what was refused."""
    text = node.text('a matcher such as alertname="P99LatencyHigh"')
    try:
        return parse_matcher(text) if text else None
    except ValueError as error:
        node.refuse(shown(text), _wanted(error, _EXPECTED))
        return None


def read_filter(node: Node) -> str:
    """A filter of the alert feed, as it was written."""
    expected = 'matchers and words such as severity="critical" timeout'
    text = node.text(expected)
    try:
        if text:
            parse_filter(text)
    except ValueError as error:
        node.refuse(shown(text), _wanted(error, expected))
    return text


def _wanted(error: ValueError, otherwise: str) -> str:
    """What was expected: the pattern's own reason where only that is wrong."""
    reason = str(error).partition("the regular expression does not compile: ")[2]
    return f"a regular expression that compiles ({shown(reason)})" if reason else otherwise
