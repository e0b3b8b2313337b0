"""`risks.yaml`: what may go wrong with the rollout, how it shows itself, and what is done about it."""

from __future__ import annotations

from console.model.rollout_plan import Risk
from console.settings.nodes import Node, header, unique
from console.settings.playbook.checks import read_check
from console.settings.references import References
from console.settings.tree import Kind

RISK = ("id", "title", "severity", "probability", "mitigation", "owner", "signal", "playbook")
DEGREES = {word: word for word in ("low", "medium", "high", "critical")}
LIKELY = {word: word for word in ("low", "medium", "high")}


def read_risks(node: Node, references: References) -> tuple[Risk, ...]:
    """Reads the whole file."""
    fields = node.mapping("apiVersion", "kind", "risks")
    header(fields, "Risks")
    places = fields["risks"].sequence("a list of risks, each with id, title, severity, probability and mitigation")
    found = tuple(_risk(place, references) for place in places)
    unique([(risk.id, place) for risk, place in zip(found, places, strict=True)], "an id")
    return found


def _risk(node: Node, references: References) -> Risk:
    fields = node.mapping(*RISK)
    playbook = fields["playbook"].name("the name of a playbook", default="")
    if playbook:
        references.playbooks.append((playbook, fields["playbook"]))
    return Risk(
        fields["id"].name("the id of a risk"),
        fields["title"].text(),
        fields["severity"].choice(DEGREES),
        fields["probability"].choice(LIKELY),
        fields["mitigation"].text("what is done about it"),
        fields["owner"].text("who owns it", default=""),
        _signal(fields["signal"], references),
        playbook,
    )


def _signal(node: Node, references: References) -> str:
    """A check on a reading that holds while the risk shows itself."""
    if not node.present:
        return ""
    if node.tree.kind is Kind.MAPPING:
        node.refuse("a mapping", "a check such as guardrail.p99 >= 300; a query is one of `readings` in rollout.yaml")
        return ""
    read_check(node, {}, references)
    return node.tree.text
