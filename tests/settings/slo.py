"""SLO files as texts, read."""

from __future__ import annotations

from console.model.sli import Sli
from console.settings import tree
from console.settings.nodes import Node
from console.settings.problems import Problems
from console.settings.slo.reader import Levels
from console.settings.slo.reader import read as read_nodes


def read(*texts: str) -> tuple[Levels, Problems]:
    """What texts say together: `a.yaml`, `b.yaml` and so on."""
    problems = Problems()
    nodes = []
    for name, text in zip("abcdefgh", texts, strict=False):
        documents = tree.parse(f"{name}.yaml", text.encode(), problems)
        nodes += [Node(f"{name}.yaml", document, problems) for document in documents]
    return read_nodes(nodes), problems


def lines(*texts: str) -> list[str]:
    """What is wrong with them."""
    return [str(problem) for problem in read(*texts)[1].found]


def warnings(*texts: str) -> list[str]:
    """What is warned of; nothing may be wrong."""
    _, problems = read(*texts)
    problems.check()
    return [str(problem) for problem in problems.warnings]


def sli(*texts: str) -> Sli:
    """How the one objective is measured."""
    levels, problems = read(*texts)
    problems.check()
    (one,) = levels.objectives
    return one.sli


HEAD = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout}
spec:
  service: shop
  timeWindow: [{duration: 4w, isRolling: true}]
"""
PROBE = "  indicator: {spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: 'min(up)'}}}}}\n"
PLAIN = "  budgetingMethod: Occurrences\n  objectives: [{target: 0.999}]\n"


def ratio(part: str, total: str, *, of: str = "bad", counter: str = "counter: true") -> str:
    """An indicator of counts."""
    return f"""\
  indicator:
    spec:
      ratioMetric:
        {counter}
        {of}: {{metricSource: {{spec: {{query: '{part}'}}}}}}
        total: {{metricSource: {{spec: {{query: '{total}'}}}}}}
"""


def slo(part: str = "bad_total", total: str = "all_total", **more: str) -> str:
    """A whole SLO."""
    return HEAD + ratio(part, total, **more) + PLAIN
