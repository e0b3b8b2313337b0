"""The JSON Schemas of our own kinds, Guardrail and Invariant, for editors: the keys are those of `guards`.

They are published beside the settings, and say less than the reader: what they refuse, the reader refuses too.

    python -m console.settings.slo.schema
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from console.model.guard import Action
from console.model.text import LIMIT
from console.settings.slo import guards
from console.settings.slo.declared import OPS

FOLDER = Path(__file__).parent.parent
FILES: Mapping[str, Path] = {
    guards.GUARDRAIL: FOLDER / "guardrail.schema.json",
    guards.INVARIANT: FOLDER / "invariant.schema.json",
}
"""Where they are published."""

Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": LIMIT}
_EXACT: Schema = {"type": ["string", "number", "boolean"], "maxLength": LIMIT}
_NAME: Schema = {"type": ["string", "number", "boolean"], "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
_PROSE: Schema = {"type": ["string", "number", "boolean", "null"], "maxLength": LIMIT}
_QUERY: Schema = {"type": ["string", "number", "boolean"], "minLength": 1}
_SPAN: Schema = {
    "type": "string",
    "pattern": r"^(?=.)(\d{1,4}w)?(\d{1,5}d)?(\d{1,6}h)?(\d{1,7}m)?(\d{1,9}s)?$",
    "examples": ["5m", "1h", "1d"],
}


def _said(text: str, schema: Schema) -> Schema:
    return {**schema, "description": text}


def _number(least: float | None = None, most: float | None = None, *, whole: bool = False) -> Schema:
    bounds = {key: bound for key, bound in (("minimum", least), ("maximum", most)) if bound is not None}
    kind = "integer" if whole else "number"
    return {"anyOf": [{"type": kind, **bounds}, {"type": "string", "pattern": r"^[-+.\d]"}]}


def _list(items: Schema, least: int) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


def _mapping(properties: Mapping[str, Schema], order: Iterable[str], required: Iterable[str] = ()) -> Schema:
    """A mapping with these keys and no other; `order` is the reader's own list of them."""
    known = {key: properties[key] for key in order}
    found: Schema = {"type": "object", "properties": known, "additionalProperties": False}
    return found | ({"required": list(required)} if required else {})


def _guardrail() -> Schema:
    spec: dict[str, Schema] = {
        "description": _PROSE,
        "appliesTo": _mapping(
            {
                "rollout": _said("The name of rollout.yaml", _NAME),
                "phases": _said("In percent; all of them when it is left out", _list(_number(1e-6, 100), 1)),
            },
            guards.APPLIES,
        ),
        "query": _said("PromQL, with {{.window}} as its range", _QUERY),
        "samples": _said("PromQL that counts what the query is made of", _QUERY),
        "sliRef": _said("An SLI or an SLO: its error ratio", _TEXT),
        "selectorPatch": _said("Labels that its selectors ask for", {"type": "object", "additionalProperties": _EXACT}),
        "window": _SPAN,
        "must": _mapping({"op": {"enum": list(OPS)}, "value": _number(), "unit": _TEXT}, guards.MUST, ("op", "value")),
        "minSamples": _number(0, 10**9, whole=True),
        "onNoData": {"enum": list(guards.NO_DATA[guards.GUARDRAIL]), "default": "inconclusive"},
        "onBreach": _mapping(
            {
                "after": _said("So many breaches", _number(1, guards.MOST, whole=True)),
                "of": _said("of so many evaluations", _number(1, guards.MOST, whole=True)),
                "action": {"enum": [str(action) for action in Action], "default": str(Action.RECOMMEND_ROLLBACK)},
            },
            guards.ON_BREACH,
        ),
    }
    found = _mapping(spec, guards.GUARDRAIL_SPEC, ("window", "must"))
    return found | {
        "oneOf": [
            {"required": ["query"], "not": {"required": ["selectorPatch"]}},
            {"required": ["sliRef"], "not": {"required": ["samples"]}},
        ]
    }


def _invariant() -> Schema:
    since = {"anyOf": [{"const": guards.SINCE}, _SPAN]}
    spec: dict[str, Schema] = {
        "description": _PROSE,
        "counter": _said("A plain selector of a counter", _QUERY),
        "since": _said("Since when it may not grow", since),
        "must": _mapping({"op": {"const": "eq"}, "value": {"enum": [0, "0"]}}, guards.INVARIANT_MUST, ("op", "value")),
        "onNoData": {"enum": list(guards.NO_DATA[guards.INVARIANT]), "default": "unknown"},
        "onBreach": _mapping({"severity": {"enum": list(guards.SEVERITIES)}}, guards.INVARIANT_BREACH),
    }
    return _mapping(spec, guards.INVARIANT_SPEC, ("counter", "since", "must"))


def schema(kind: str) -> Schema:
    """The schema of one of the two kinds."""
    spec = _guardrail() if kind == guards.GUARDRAIL else _invariant()
    metadata = _mapping({"name": _NAME, "title": _said("A few words", _TEXT)}, guards.METADATA, ("name",))
    whole = _mapping(
        {"apiVersion": {"const": guards.VERSION}, "kind": {"const": kind}, "metadata": metadata, "spec": spec},
        guards.TOP,
        guards.TOP,
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://oncall.invalid/schemas/{kind.lower()}-v1.json",
        "title": f"The kind {kind} of the on-call console",
        **whole,
    }


def published(kind: str) -> str:
    """The schema as it is published."""
    return json.dumps(schema(kind), indent=2) + "\n"


if __name__ == "__main__":
    for name, path in FILES.items():
        path.write_text(published(name), encoding="utf-8")
