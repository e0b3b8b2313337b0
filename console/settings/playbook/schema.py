"""The JSON Schema of playbooks, for editors: the keys are those of `keys`, the words those of the types.

It is published as `console/settings/playbook.schema.json`, and says less than the reader: what it refuses, the reader
refuses too. Scalars may be quoted or not, as the reader takes them as they are written.

    python -m console.settings.playbook.schema > console/settings/playbook.schema.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from console.model.binding import BUILT_IN, INCIDENT_FIELDS
from console.model.people import Severity
from console.model.playbook import DECIDED, Do, Mode, StepKind, VariableType
from console.model.text import LIMIT
from console.settings.playbook import keys
from console.settings.playbook.reactions import MOST_TRIES
from console.settings.playbook.steps import MOST_PATIENCE

FILE = Path(__file__).parent.parent / "playbook.schema.json"
"""Where it is published."""
ID = "https://oncall.invalid/schemas/playbook-v1.json"

Schema = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": LIMIT}
_EXACT: Schema = {"type": ["string", "number", "boolean"], "maxLength": LIMIT}
_NAME: Schema = {"type": ["string", "number", "boolean"], "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
_SPAN: Schema = {
    "type": "string",
    "pattern": r"^(?=.)(\d{1,4}w)?(\d{1,5}d)?(\d{1,6}h)?(\d{1,7}m)?(\d{1,9}s)?$",
    "examples": ["90s", "5m", "1h30m", "30d"],
}
_PATIENCE = r"^(0+w)?(0+d)?(0+h)?(0+m)?0*([1-9]|[12][0-9]|30)s$"
_DAY: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_SWITCH: Schema = {"enum": [True, False, "true", "false"]}
_MATCHER: Schema = {"type": "string", "pattern": r"^\s*[a-zA-Z_][a-zA-Z0-9_]*\s*(=~|!~|!=|=)"}
_URL: Schema = {"type": "string", "pattern": r"^(https?://\S+|\{\{\s*[A-Za-z_][A-Za-z0-9_-]*\s*\}\})$"}


def _said(text: str, schema: Schema) -> Schema:
    return {**schema, "description": text}


def _number(least: float, most: float, *, whole: bool = False) -> Schema:
    kind = "integer" if whole else "number"
    return {"anyOf": [{"type": kind, "minimum": least, "maximum": most}, {"type": "string", "pattern": r"^[-+.\d]"}]}


def _list(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least} if least else {"type": "array", "items": items}


def _one_or_list(items: Schema) -> Schema:
    return {"anyOf": [items, _list(items, 1)]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _mapping(properties: Mapping[str, Schema], order: Iterable[str], required: Iterable[str] = ()) -> Schema:
    """A mapping with these keys and no other; `order` is the reader's own list of them."""
    known = {key: properties[key] for key in order}
    found: Schema = {"type": "object", "properties": known, "additionalProperties": False}
    return found | ({"required": list(required)} if required else {})


def _reactions(allowed: tuple[Do, ...]) -> Schema:
    bare = [str(do) for do in allowed if do not in keys.NAMED]
    named = {Do.GOTO: _said("The step that goes on", _NAME), Do.NOTIFY: _said("A channel, or a kind of it", _TEXT)}
    mappings = [_mapping({str(do): named[do]}, [str(do)], [str(do)]) for do in allowed if do in keys.NAMED]
    return _one_or_list({"anyOf": [{"enum": bare}, *mappings]})


_STEP: dict[str, Schema] = {
    "id": _said("Lower-case letters, digits and hyphens", _NAME),
    "title": _said("A few words", _TEXT),
    "kind": {"enum": [str(kind) for kind in keys.OWN], "default": "manual"},
    "challenge": _said("What to do or ask", _TEXT),
    "response": _said("The state that answers it, with its value", _TEXT),
    "owner": _said("The role that does it", _TEXT),
    "timebox": _said("How long it may take; then it is overdue", _SPAN),
    "on_overdue": _said("What happens by itself when it is late", _ref("on_overdue")),
    "on_failure": _said("What happens by itself when it has failed", _ref("on_failure")),
    "look_at": _said("Readings to look at before acting; they warn and never block", _list(_ref("check"))),
    "verify": _said("The value it closes on", _ref("check")),
    "confirm": _said("Irreversible: the words to type, with {target} in them", _TEXT | {"pattern": r"\{target\}"}),
    "second_person": _said("Another person reads the target back first", _SWITCH),
    "undo": _said("How it is taken back", _TEXT),
    "skip_needs_reason": _said("false: it may be skipped without one", _SWITCH),
    "critical": _said("Its failure and its skipping are told to the next level", _SWITCH),
    "parallel": _said("The next step starts together with it", _SWITCH),
    "query": _said("A PromQL expression", {**_TEXT, "type": "string"}),
    "expect": _said("What it should give", {"type": "string", "pattern": r"^\s*(<=|>=|==|<|>)\s*[-+]?\d"}),
    "for": _said("Without interruption for so long", _SPAN),
    "url": _said("https or http, without credentials or fragment", _URL),
    "method": {"enum": ["GET", "HEAD"], "default": "GET"},
    "status": _said("What counts as healthy; 200 by default", _one_or_list(_number(100, 599, whole=True))),
    "contains": _said("What the answer's body must contain", _TEXT),
    "timeout": _said("How long it is waited for", _SPAN),
    "command": _said("A program and its arguments; there is no shell", _list(_EXACT, 1)),
    "cwd": _said("A folder: whole, or below the playbook's own", _TEXT),
    "env": _said("Environment variables that are passed on", _list({"type": ["string", "boolean"]})),
    "set_env": _said("Environment variables that are set", {"type": "object", "additionalProperties": _TEXT}),
    "exits": _said("Exit statuses that mean success; 0 by default", _list(_number(0, 255, whole=True), 1)),
    "dry_run": _said("Arguments that are added, with which it only says what it would do", _list(_EXACT, 1)),
    "flag": _said("The name of a flag", _TEXT),
    "percent": _number(0, 100),
    "off": {"enum": [True, "true"]},
    "channel": _said("slack, email, webhook, or one of them: slack.alerts", _TEXT),
    "text": _said("What is told", _TEXT),
    "options": _said("The ways out", _list(_ref("option"), 2)),
    "role": _said("Who alone may decide or agree", _TEXT),
    "playbook": _said("The name of another playbook", _NAME),
}
_WORDS = ("title", "challenge", "response")
_REQUIRED: dict[str, tuple[str, ...]] = {
    StepKind.QUERY: ("query", "expect"),
    StepKind.HTTP: ("url",),
    StepKind.COMMAND: ("command",),
    StepKind.FLAG: ("flag",),
    StepKind.NOTIFY: ("channel", "text"),
    StepKind.DECISION: ("options",),
    StepKind.APPROVAL: ("role",),
    StepKind.PLAYBOOK: ("playbook",),
}


def _step() -> Schema:
    """A step: what its keys may hold, and which of them its kind has."""
    properties = {**_STEP, "steps": _list(_ref("step"), 2)}
    by_default = {"if": {"not": {"required": ["kind"]}}, "then": _kind(StepKind.MANUAL)}
    rules = [
        {"if": {"properties": {"kind": {"const": str(kind)}}, "required": ["kind"]}, "then": _kind(str(kind))}
        for kind in keys.OWN
    ]
    return _mapping(properties, keys.ANY_STEP, ("id",)) | {"allOf": [by_default, *rules]}


def _kind(kind: str) -> Schema:
    """What is more of a step of one kind: it has none of the other kinds' keys."""
    found: Schema = {"propertyNames": {"enum": [key for key in keys.ANY_STEP if key in keys.ALLOWED[kind]]}}
    if kind == keys.PARALLEL:
        return found | {"required": ["steps"]}
    found["required"] = [*_WORDS, *_REQUIRED.get(kind, ())]
    if kind in DECIDED:
        without = _reactions(tuple(do for do in keys.OVERDUE if do is not Do.GO_ON))
        found["properties"] = {"on_overdue": without}
    elif kind == StepKind.HTTP:
        found["properties"] = {"timeout": _said(f"At most {MOST_PATIENCE.seconds}s", {"pattern": _PATIENCE})}
    elif kind == StepKind.FLAG:
        found["oneOf"] = [{"required": ["percent"]}, {"required": ["off"]}]
    elif kind == StepKind.WAIT:
        found["anyOf"] = [{"required": ["timebox"]}, {"required": ["verify"]}]
    return found


def _check() -> Schema:
    short = {"type": "string", "pattern": r"^\s*\S+\s+(<=|>=|==|<|>)\s+[-+]?\d"}
    return {"anyOf": [short, _mapping(_STEP, keys.CHECK, ("query", "expect"))]}


def _variable() -> Schema:
    fields = "|".join(INCIDENT_FIELDS)
    kinds = [str(kind) for kind in VariableType]
    return _mapping(
        {
            "type": {"enum": kinds, "default": str(VariableType.NAME)},
            "from": {
                "type": "string",
                "pattern": rf"^\s*(incident\.({fields})|(alert|config)\.[A-Za-z_][A-Za-z0-9_]*)\s*$",
                "description": "Without it, the operator is asked",
            },
            "default": _said("Proposed to the operator; taken where the source says nothing", _TEXT),
            "ask": _said("What the operator is asked", _TEXT),
            "choices": _list(_TEXT, 1),
            "pattern": _said("RE2, matched against all of it", _EXACT),
        },
        keys.VARIABLE,
    ) | {"if": {"required": ["choices"]}, "then": {"required": ["type"], "properties": {"type": {"const": "choice"}}}}


def _option() -> Schema:
    found = _mapping(
        {
            "id": _NAME,
            "label": _TEXT,
            "goto": _said("A step of this playbook; without it, the next one", _NAME),
            "playbook": _said("Another playbook, which goes on", _NAME),
            "when": _said("What speaks for it; never taken by itself", _ref("check")),
        },
        keys.OPTION,
        ("id", "label"),
    )
    return found | {"not": {"required": ["goto", "playbook"]}}


def _on_failure() -> Schema:
    whole = _mapping(
        {
            "tries": _said("How often it is tried in all", _number(1, MOST_TRIES, whole=True)),
            "back_off": _said("Before the second try; twice as long before each further one", _SPAN),
            "then": _ref("failed"),
        },
        keys.ON_FAILURE,
    )
    return {"anyOf": [whole, _ref("failed")]}


def _checklist() -> Schema:
    return _mapping(
        {
            "id": _NAME,
            "title": _TEXT,
            "mode": {"enum": [str(mode) for mode in Mode], "default": str(Mode.READ_DO)},
            "pause_point": _said("When it is read", _TEXT),
            "completion_call": _said("What is said aloud at its end", _TEXT),
            "steps": _list(_ref("step"), 1),
        },
        keys.CHECKLIST,
        ("id", "title", "steps"),
    )


def schema() -> Schema:
    """The whole schema."""
    names = [str(severity) for severity in Severity]
    severities = {"enum": names}
    span = {"type": "string", "pattern": r"^SEV[1-5](\s*-\s*SEV[1-5])?$"}
    playbook = _mapping(
        {
            "apiVersion": {"const": "oncall/v1"},
            "kind": {"const": "Playbook"},
            "name": _said("Lower-case letters, digits and hyphens; unique", _NAME),
            "title": _TEXT,
            "summary": _TEXT,
            "severities": _said("A list, or a range: SEV1-SEV3", {"anyOf": [span, _list(severities, 1)]}),
            "owner": _said("Who keeps it right", _TEXT),
            "reviewed": _DAY,
            "review_every": _said("Older than that, it is no longer reviewed; 365d by default", _SPAN),
            "match": _said("Matchers that one alert must meet", _list(_MATCHER)),
            "match_incident": _said("On service, environment, severity, title", _list(_MATCHER)),
            "roles": _said("Those that must be filled", _list(_TEXT)),
            "objective": _mapping({"at_least": _SPAN, "at_most": _SPAN}, keys.OBJECTIVE, keys.OBJECTIVE),
            "variables": {
                "type": "object",
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,62}$", "not": {"enum": [*BUILT_IN]}},
                "additionalProperties": _ref("variable"),
            },
            "steps": _list(_ref("step"), 1),
            "checklists": _list(_ref("checklist"), 1),
        },
        keys.PLAYBOOK,
        ("apiVersion", "kind", "name", "title", "severities", "owner", "reviewed"),
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "A playbook of the on-call console",
        **playbook,
        "oneOf": [{"required": ["steps"]}, {"required": ["checklists"]}],
        "$defs": {
            "step": _step() | {"dependentRequired": {"on_overdue": ["timebox"]}},
            "check": _check(),
            "variable": _variable(),
            "option": _option(),
            "on_overdue": _reactions(keys.OVERDUE),
            "on_failure": _on_failure(),
            "failed": _reactions(keys.FAILED),
            "checklist": _checklist(),
        },
    }


def published() -> str:
    """The schema as it is published."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(published(), end="")  # noqa: T201
