"""One expression for all combinations of some labels' values: every aggregation keeps these labels."""

from __future__ import annotations

import re
from dataclasses import replace

from console.model.sli import Sli

_AGGREGATION = re.compile(r"\b(sum|min|max|avg|count|group)(?=\s*\()")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_SAYS_WHICH = re.compile(r"\s*(?:by|without)\b")


def grouped(sli: Sli, labels: str) -> Sli:
    """An SLI that keeps these labels, `service, handler`."""
    fallback = grouped(sli.fallback, labels) if sli.fallback is not None else None
    return replace(sli, part=kept(sli.part, labels), total=kept(sli.total, labels), fallback=fallback)


def kept(expression: str, labels: str) -> str:
    """PromQL whose aggregations keep these labels. One that says itself what it keeps stays as it is."""
    plain = _TEXT.sub(lambda found: "_" * len(found[0]), expression)  # what texts hold is no PromQL
    for found in reversed([*_AGGREGATION.finditer(plain)]):
        if not _SAYS_WHICH.match(plain, _end(plain, found.end())):
            expression = f"{expression[: found.end()]} by ({labels}) {expression[found.end() :].lstrip()}"
    return expression


def _end(text: str, begin: int) -> int:
    """Behind the bracket that closes the first one."""
    depth = 0
    for index in range(text.index("(", begin), len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if not depth:
            return index + 1
    return len(text)
