"""Names of labels: what Prometheus takes for one, and what a foreign one becomes in its rules."""

from __future__ import annotations

import re
from collections.abc import Iterable

from console.model.gotemplate import readable
from console.settings.nodes import Node
from console.settings.problems import shown

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NO_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_RESERVED = "__"
"""What Prometheus' own labels begin with, `__name__` among them."""
_BUCKET = "le"


def label_name(name: str) -> str:
    """A name that Prometheus takes for a label's: `app.kubernetes.io/name` becomes `app_kubernetes_io_name`."""
    found = _NO_LABEL.sub("_", name)
    return f"_{found}" if found[:1].isdigit() else found


def valid(name: str) -> bool:
    """Whether it is a label's name as it stands, and none of Prometheus' own."""
    return _LABEL.fullmatch(name) is not None and not name.startswith(_RESERVED)


def group(node: Node, name: str) -> bool:
    """Whether an objective can be grouped by a label; refused where it cannot: the name stands in PromQL as it is."""
    if valid(name) and name != _BUCKET:
        return True
    own = name == _BUCKET or name.startswith(_RESERVED)
    why = "a label of what is measured; this one is Prometheus' own" if own else "letters, digits and underscores"
    node.refuse(f"the label {shown(name)}", f"{why}, such as handler")
    return False


def taken(node: Node, named: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of some labels (or annotations) at a place that rules can carry. A name that is none of Prometheus' is
    mapped to one there; one that becomes none, or the same as another one, is refused."""
    found, seen = [], dict[str, str]()
    for name, text in named:
        mapped = label_name(name)
        first = seen.setdefault(mapped, name)
        if not mapped or mapped.startswith(_RESERVED):
            node.refuse(f"the label {shown(name)}", "a name that Prometheus takes, such as team; __ is its own")
        elif first != name:
            node.refuse(f"the labels {shown(first)} and {shown(name)}", f"one: both become {mapped}")
        elif not _encodes(name + text):
            node.refuse(f"the label {shown(name)} with half a character", "text in Unicode")
        else:
            found.append((name, text))
    return tuple(found)


def noted(node: Node, named: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of some annotations that rules can carry. What Prometheus cannot read as a template for sure, is text."""
    found = taken(node, named)
    for name, text in found:
        if not readable(text):
            node.warn(
                f"{shown(name)}: {shown(text)}, which is text in the rules that are generated",
                "a template without branches and queries, such as {{ $labels.job }} or {{ $value | humanize }}",
            )
    return found


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
