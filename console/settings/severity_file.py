"""`severity.yaml`: what each severity means, and what it asks of us."""

from __future__ import annotations

from console.model.people import ESCALATION, Severity, SeverityRule
from console.settings.nodes import Node, header, unique
from console.settings.problems import one_of
from console.settings.references import References

_NAMES = tuple(severity.value for severity in Severity)


def read_severities(node: Node, references: References) -> tuple[SeverityRule, ...]:
    """The rules, most severe first. A team may use fewer than five."""
    fields = node.mapping("apiVersion", "kind", "severities")
    header(fields, "Severities")
    severities = fields["severities"].open_mapping()
    rules: list[SeverityRule] = []
    for name, place in severities.items():
        if name not in _NAMES:
            severities.key(name).refuse("an unknown severity", one_of(_NAMES, name))
            continue
        rules.append(_rule(Severity(name), place, references))
    if not rules and fields["severities"].present:
        fields["severities"].refuse("no severity", one_of(_NAMES))
    return tuple(sorted(rules, key=lambda rule: rule.severity.rank))


def _rule(severity: Severity, node: Node, references: References) -> SeverityRule:
    fields = node.mapping("title", "definition", "acknowledge_within", "update_every", "escalation")
    every = fields["update_every"]
    return SeverityRule(
        severity,
        fields["title"].text(),
        fields["definition"].text("what makes an incident this severe"),
        fields["acknowledge_within"].duration(),
        every.duration() if every.present else None,
        _escalation(fields["escalation"], references),
    )


def _escalation(node: Node, references: References) -> tuple[str, ...]:
    """The roles that are told, one after the other. A role that comes twice would be a level that is never reached."""
    roles: tuple[str, ...] = ESCALATION
    places: tuple[Node, ...] = (node,) * len(ESCALATION)
    if node.present:
        places = node.sequence("a list of on-call roles", least=1)
        roles = tuple(place.text("an on-call role") for place in places)
        unique([*zip(roles, places, strict=True)], "each level a role")
    references.ladders.append(tuple(zip(roles, places, strict=True)))
    return roles
