"""The severities as a choice, each with what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.model.people import Severity
from console.tui.dialogs.form import Choice, Item
from console.view.incidents import severity_tone
from console.view.line import Tone, fit, line, span
from console.view.times import timebox

if TYPE_CHECKING:
    from console.model.board import Board


def severities(board: Board, chosen: Severity) -> Choice:
    """All of them, with `chosen` highlighted."""
    rules = {rule.severity: rule for rule in board.severities}
    items = []
    for severity in Severity:
        rule = rules.get(severity)
        title = f"{rule.title}; acknowledge within {timebox(rule.acknowledge_within)}" if rule else "no definition"
        row = line(
            span(f"{severity} ", severity_tone(severity)),
            span(fit(rule.title if rule else "", 10), Tone.STRONG),
            rule.definition if rule else title,
        )
        items.append(Item(severity.value, row, severity.value, f"{title}. {rule.definition}" if rule else title))
    return Choice("severity", "Severity (1 to 5, j k, or click; what it means is below)", tuple(items), chosen.value)
