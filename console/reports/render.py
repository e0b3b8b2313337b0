"""Markdown from templates, in which every value is text and stays text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.model.text import safe

if TYPE_CHECKING:
    from jinja2 import Environment

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~!$^=]|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.|^[-+](?=\s)", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


class Fixed(str):
    """Text of ours that is Markdown already."""

    __slots__ = ()


def escape(value: Any) -> str:
    """`value` as Markdown that shows it and does nothing else: no heading, table, HTML, link, image or mention."""
    if isinstance(value, Fixed):
        return str(value)
    text = _SPECIAL.sub(lambda found: "\\" + found[0], safe(str(value), 100_000).strip())
    text = _NUMBERED.sub(r"\1\\\2", text)
    return text.replace("&", "&amp;").replace("@", "&#64;")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,  # HTML's; what Markdown needs, `finalize` does for every value
        finalize=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **values: Any) -> str:
    """A document. The same values give the same bytes."""
    return _environment().get_template(template).render(**values)
