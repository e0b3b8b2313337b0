"""What a reading should show: on one line, or a query of its own."""

from __future__ import annotations

import re
from datetime import timedelta

from console.model.playbook import OPS, QUERY, Check
from console.settings.nodes import Node
from console.settings.playbook import keys
from console.settings.playbook.templates import Variables, query
from console.settings.problems import shown
from console.settings.references import References
from console.settings.tree import Kind, Tree

_NUMBER = r"[-+]?\d{1,15}(?:\.\d{1,15})?"
_CHECK = re.compile(rf"(\S+)\s+(<=|>=|==|<|>)\s+({_NUMBER})(?:\s+for\s+(\S+))?")
_EXPECT = re.compile(rf"(<=|>=|==|<|>)\s*({_NUMBER})")
NONE = Check("", "<", 0.0)
"""The stand-in for a check that was refused."""


def read_check(node: Node, variables: Variables, references: References, *, held: bool = False) -> Check:
    """`reading op value`, or a mapping with a query. With `held`, it may say for how long."""
    if node.tree.kind is Kind.MAPPING:
        fields = node.mapping(*keys.CHECK)
        if "for" in fields and not held:
            fields.key("for").refuse("a length of time where the value is only looked at", "a check without `for`")
        return read_query(fields["query"], fields["expect"], fields["for"], variables)
    text = node.text("a check such as rollout.percent <= 0")
    found = _CHECK.fullmatch(text)
    if found is None:
        if text:
            node.refuse(shown(text), f"a check such as rollout.percent <= 0, with one of {' '.join(OPS)}")
        return NONE
    reading, op, value, hold = found.groups()
    references.readings.append((reading, node))
    if hold is None:
        return Check(reading, op, float(value))
    if not held:
        node.refuse("a length of time where the value is only looked at", "a check without `for`")
    tree = Tree(Kind.TEXT, node.path, node.tree.line, node.tree.column, hold)
    return Check(reading, op, float(value), hold=Node(node.file, tree, node.problems).duration())


def read_query(expr: Node, expect: Node, hold: Node, variables: Variables) -> Check:
    """A query of its own, what it should give, and for how long."""
    text = query(expr, variables)
    wanted = expect.text("what the query should give, such as <= 300")
    found = _EXPECT.fullmatch(wanted)
    if found is None:
        if wanted:
            expect.refuse(shown(wanted), f"what the query should give, such as <= 300, with one of {' '.join(OPS)}")
        return NONE
    return Check(f"{QUERY} {text}", found[1], float(found[2]), text, hold.duration(default=timedelta(0)))
