"""E-mail addresses, as they stand in a file."""

from __future__ import annotations

import re

from console.settings.nodes import Node, unique
from console.settings.problems import shown

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def read_address(node: Node) -> str:
    """One address, without a name."""
    expected = "an e-mail address"
    text = node.text(expected)
    if text and not _ADDRESS.fullmatch(text):
        node.refuse(shown(text), expected)
    return text


def read_addresses(node: Node, *, required: bool = True) -> tuple[str, ...]:
    """A list of addresses, each once."""
    places = node.sequence("a list of e-mail addresses", least=1, required=required)
    found = tuple(read_address(place) for place in places)
    unique([*zip(found, places, strict=True)], "an address")
    return found
