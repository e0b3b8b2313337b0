"""`variables:` of a playbook."""

from __future__ import annotations

import re

from console.model.playbook import Variable, VariableType
from console.settings.nodes import Node
from console.settings.playbook import keys
from console.settings.problems import one_of, shown
from console.settings.references import References

_TYPES = {kind.value: kind for kind in VariableType}
_SOURCE = re.compile(r"(incident|alert|config)\.([A-Za-z_][A-Za-z0-9_]{0,127})")


def read_variables(node: Node, references: References) -> dict[str, Variable]:
    """The variables by their names, in the order of the file. Those that were refused are among them, so that their
    uses are not refused as well."""
    if not node.present:
        return {}
    from console.model.binding import BUILT_IN, NAME

    fields = node.open_mapping()
    found: dict[str, Variable] = {}
    for name, place in fields.items():
        if NAME.fullmatch(name) is None:
            expected = "the name of a variable: lower-case letters, digits and _, beginning with a letter"
            fields.key(name).refuse(shown(name), expected)
        elif name in BUILT_IN:
            fields.key(name).refuse(f"{shown(name)}, which every playbook has", "a name of its own")
        found[name] = _variable(name, place, references)
    return found


def _variable(name: str, node: Node, references: References) -> Variable:
    fields = node.mapping(*keys.VARIABLE)
    kind = fields["type"].choice(_TYPES, default=VariableType.NAME)
    places = fields["choices"].sequence("a list of choices", required=kind is VariableType.CHOICE, least=1)
    if fields["choices"].present and kind is not VariableType.CHOICE:
        fields.key("choices").refuse(f"`choices` of a variable of type {kind}", "them with the type choice alone")
    source = _source(fields["from"])
    variable = Variable(
        name,
        kind,
        source,
        fields["default"].text("a value", default=""),
        fields["ask"].text("what to ask the operator", default=""),
        tuple(place.text("a choice") for place in places),
        _pattern(fields["pattern"]),
    )
    default = fields["default"]
    if default.present:
        check_value(variable, default, default.tree.text)
    if source.startswith("config."):
        references.settings.append((variable, fields["from"]))
    return variable


def check_value(variable: Variable, node: Node, value: str) -> None:
    """Refuses, at `node`, a value that is not of the variable's type."""
    from console.model.binding import fit

    if not value:
        return
    try:
        fit(variable, value)
    except ValueError as error:
        found, _, expected = str(error).removeprefix(f"{variable.name}: found ").partition(", expected ")
        node.refuse(found, expected)


def _source(node: Node) -> str:
    if not node.present:
        return ""
    from console.model.binding import INCIDENT_FIELDS

    text = node.text("where the value comes from")
    found = _SOURCE.fullmatch(text)
    if found is None:
        if text:
            node.refuse(shown(text), "incident.FIELD, alert.LABEL or config.NAME")
        return ""
    if found[1] == "incident" and found[2] not in INCIDENT_FIELDS:
        known = tuple(f"incident.{name}" for name in INCIDENT_FIELDS)
        node.refuse(shown(text), one_of(known, text))
    return text


def _pattern(node: Node) -> str:
    text = node.exact("an RE2 expression") if node.present else ""
    if not text:
        return ""
    from console.model.pattern import compiled

    try:
        compiled(text)
    except ValueError as error:
        node.refuse(f"{shown(text)} ({error})", "an RE2 expression, which has neither backreferences nor lookaround")
        return ""
    return text
