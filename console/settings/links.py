"""Links that are offered on alerts: a title, and an address with places for labels and annotations."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from console.settings.config import Link
from console.settings.nodes import Node
from console.settings.problems import shown

_PLACE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"(annotation\.)?[a-zA-Z_][a-zA-Z0-9_]*")
_EXPECTED = "an http or https URL with {label} or {annotation.NAME} in its path, query or fragment"


def read_link(node: Node) -> Link:
    """One link."""
    fields = node.mapping("title", "url")
    return Link(fields["title"].text("the title of a link"), _template(fields["url"]))


def _template(node: Node) -> str:
    text = node.text(_EXPECTED)
    if not text:
        return ""
    for name in _PLACE.findall(text):
        if not _NAME.fullmatch(name):
            node.refuse(f"the placeholder {shown('{' + name + '}')}", "{label} or {annotation.NAME}")
            return ""
    if not _good(text):
        node.refuse(shown(text), _EXPECTED)
        return ""
    return text


def _good(text: str) -> bool:
    """An alert comes from anywhere: it fills in what is asked of a host of ours, and does not choose the host."""
    try:
        parts = urlsplit(text)
        fixed = bool(parts.hostname) and parts.port != 0 and not set("{}@") & set(parts.netloc)
    except ValueError:
        return False
    plain = re.fullmatch(r"[\x21-\x7e]+", text) and not re.search(r"[{}]", _PLACE.sub("", text))
    return fixed and bool(plain) and parts.scheme in ("http", "https")
