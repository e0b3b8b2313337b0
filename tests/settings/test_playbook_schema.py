"""The published schema says what the reader reads: the same keys and words, and nothing is refused that is read."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from console.model.people import Severity
from console.model.playbook import Mode, StepKind, VariableType
from console.settings.playbook import keys, schema
from tests.servers import REPO
from tests.settings.conftest import EVERY_KIND, PLAYBOOKS
from tests.settings.playbook import read

LIBRARY = sorted([*(REPO / "playbooks").glob("*.yaml"), *PLAYBOOKS.glob("*.yaml")])


class Core(yaml.SafeLoader):
    """YAML 1.2, as editors read it: `off` is a word, a date is a text."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+", "-+0123456789"),
    ("null", r"~|null|", ["~", "n", ""]),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


@cache
def judge() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema.schema())


def errors(document: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message}"[:300] for error in judge().iter_errors(document)]


def document(text: str) -> Any:
    """What an editor makes of a file. libyaml, which the console reads by, takes some texts that PyYAML does not."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    return yaml.load(yaml.emit(events, allow_unicode=True, width=10_000), Loader=Core)


def test_is_published_as_it_is():
    assert schema.FILE.read_text() == schema.published(), (
        "python -m console.settings.playbook.schema > console/settings/playbook.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.published()))


def test_has_every_key_of_the_reader_and_no_other():
    found = schema.schema()
    definitions = found["$defs"]
    assert tuple(found["properties"]) == keys.PLAYBOOK
    assert tuple(found["properties"]["objective"]["properties"]) == keys.OBJECTIVE
    assert tuple(definitions["step"]["properties"]) == keys.ANY_STEP
    assert tuple(definitions["checklist"]["properties"]) == keys.CHECKLIST
    assert tuple(definitions["variable"]["properties"]) == keys.VARIABLE
    assert tuple(definitions["option"]["properties"]) == keys.OPTION
    assert tuple(definitions["check"]["anyOf"][1]["properties"]) == keys.CHECK
    assert tuple(definitions["on_failure"]["anyOf"][0]["properties"]) == keys.ON_FAILURE


def test_has_every_word_of_the_types():
    found = schema.schema()
    definitions = found["$defs"]
    assert set(definitions["step"]["properties"]["kind"]["enum"]) == {*map(str, StepKind), "parallel"}
    assert definitions["checklist"]["properties"]["mode"]["enum"] == [*map(str, Mode)]
    assert definitions["variable"]["properties"]["type"]["enum"] == [*map(str, VariableType)]
    assert found["properties"]["severities"]["anyOf"][1]["items"]["enum"] == [*map(str, Severity)]


@pytest.mark.parametrize("kind", list(keys.OWN))
def test_each_kind_has_the_keys_that_the_reader_takes(kind: str):
    """The reader is asked, key by key, whether it refuses the key by name."""
    rules = schema.schema()["$defs"]["step"]["allOf"]
    (names,) = [
        rule["then"]["propertyNames"]["enum"]
        for rule in rules
        if rule["if"].get("properties", {}).get("kind", {}).get("const") == kind
    ]
    for key in keys.ANY_STEP:
        text = f"steps:\n- kind: {kind}\n" + (f"  {key}: x\n" if key != "kind" else "")
        lines = [line for line in read(text)[1] if f"`{key}` in a step of kind {kind}" in line]
        assert (key in names) is not bool(lines), key


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_playbook_of_the_library_is_valid(path):
    assert errors(document(path.read_text())) == []


# --- mutants ---------------------------------------------------------------------------------------------------------

FULL = EVERY_KIND.read_text()
VALUES: list[Any] = [
    "",
    None,
    7,
    -1,
    1e9,
    True,
    "x y",
    "Ünicode",
    [],
    ["x"],
    {},
    {"x": "y"},
    "x" * 5000,
    "forever",
    [[]],
]


def nodes(at: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, value in at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ():
        yield from nodes(value, (*path, key))


def mutants(count: int) -> Iterator[tuple[str, Any]]:
    """A key deleted, renamed, doubled elsewhere, or given a value of another shape."""
    chance = random.Random(4)
    whole = document(FULL)
    for _ in range(count):
        mutant = deepcopy(whole)
        path = chance.choice([path for path in nodes(mutant) if path])
        parent = mutant
        for key in path[:-1]:
            parent = parent[key]
        match chance.choice(["delete", "rename", "value", "value", "strange key"]):
            case "delete":
                del parent[path[-1]]
                what = "deleted"
            case "rename" if isinstance(parent, dict):
                parent[f"{path[-1]}x"] = parent.pop(path[-1])
                what = "renamed"
            case "strange key" if isinstance(parent, dict):
                key = chance.choice([*keys.ANY_STEP, *keys.PLAYBOOK, *keys.VARIABLE])
                parent.setdefault(key, chance.choice(["x", "1m", True, ["x"]]))
                what = f"with a {key} beside it"
            case _:
                parent[path[-1]] = value = chance.choice(VALUES)
                what = f"= {value!r:.40}"
        yield f"{'.'.join(map(str, path))} {what}", mutant


def written(value: Any) -> str:
    return yaml.dump(value, Dumper=yaml.CSafeDumper, allow_unicode=True, width=10_000, sort_keys=False)


def test_the_example_is_read_and_valid():
    assert (errors(document(FULL)), read(FULL)[1]) == ([], [])


def test_what_the_schema_refuses_the_reader_refuses():
    refused, both = 0, 0
    for what, mutant in mutants(400):
        found, lines = not judge().is_valid(mutant), read(written(mutant))[1]
        refused += bool(lines)
        both += found
        assert lines or not found, f"{what}: the reader takes what the schema refuses: {errors(mutant)}"
    assert both >= 60, "there is something to compare"
    assert both >= 0.8 * refused, "an editor finds most of what is wrong in the shape of a file"
