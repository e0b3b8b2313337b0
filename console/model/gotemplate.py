"""Whether a text is surely a template that Prometheus can read: one that it cannot read spoils the whole file of rules.

Known are values, labels and texts, with the functions of one argument and `printf`. What branches or asks a query may
be one, too; it is not judged here, and so it is not sure.
"""

from __future__ import annotations

import re

_TEXT = r'"(?:[^"\\\n]|\\[abfnrtv\\"])*"|`[^`]*`'
_VALUE = rf"(?:\$(?:value|labels|externalLabels)|\.(?:Value|Labels|ExternalLabels))(?:\.[a-zA-Z_]\w*)?|{_TEXT}"
_CALL = (
    "humanize(?:1024|Duration|Percentage|Timestamp)?|toUpper|toLower|title|stripPort|stripDomain|safeHtml|graphLink"
    "|tableLink|html|js|urlquery|print|println|len"
)
_GAP = r"[ \t]+"
_FIRST = rf"(?:printf{_GAP}(?:{_TEXT})(?:{_GAP}(?:{_VALUE}))*|(?:{_CALL}){_GAP}(?:{_VALUE})|{_VALUE})"
_PIPED = rf"(?:[ \t]*\|[ \t]*(?:printf{_GAP}(?:{_TEXT})|{_CALL}))*"
_ACTION = re.compile(rf"\{{\{{(?:-{_GAP}|[ \t]*){_FIRST}{_PIPED}(?:{_GAP}-|[ \t]*)\}}\}}", re.ASCII)


def readable(text: str) -> bool:
    """Whether Prometheus can read it for sure; a text without `{{` is read as it is."""
    return "{{" not in _ACTION.sub("", text)
