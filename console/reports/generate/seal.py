"""Generated text, sealed: its own hash stands in it, so that an edit by hand is seen before it would be lost."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

UNSEALED = "sha256:" + "0" * 64
"""Where the seal goes, once in each text."""
_SEAL = re.compile(r"sha256:[0-9a-f]{64}")


def sealed(text: str) -> str:
    """The text with its seal in the place of `UNSEALED`: the hash of the text as it was."""
    assert text.count(UNSEALED) == 1
    return text.replace(UNSEALED, _seal(text))


def is_sealed(text: str) -> bool:
    """Whether a text is as it was generated."""
    found = _SEAL.search(text)
    return found is not None and found[0] == _seal(text.replace(found[0], UNSEALED, 1))


def _seal(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def yaml_text(kind: str, remarks: Sequence[str], data: Any) -> str:
    """A YAML file, sealed. `remarks` are the comment at its top."""
    lines = [f"Made by `oncall generate {kind}`. Change the configuration and make it anew: {UNSEALED}", *remarks]
    header = "".join(f"# {line}".rstrip() + "\n" for line in lines)
    body = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20)
    return sealed(f"{header}\n{body}")


def json_text(kind: str, data: Mapping[str, Any]) -> str:
    """A JSON file, sealed in its `description`."""
    said = (
        f"{data['description']} Made by `oncall generate {kind}`. Change the configuration and make it anew: {UNSEALED}"
    )
    return sealed(json.dumps({**data, "description": said}, indent=2, ensure_ascii=False) + "\n")


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
