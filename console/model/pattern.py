"""Regular expressions as Alertmanager reads them: RE2, by RE2 itself.

Python's own `re` backtracks: a pattern such as `(a+)+b`, typed into a filter or sent by whoever made a silence, would
hold the whole program for minutes. RE2 takes time linear in the text, and refuses what Alertmanager refuses. It is
loaded by the first pattern, so that a start does not wait for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LONGEST = 500
"""Characters of a pattern."""
MEMORY = 1 << 20
"""Bytes that one pattern may take."""
KEPT = 4_000
"""Answers remembered of one pattern: the same few label values come again and again."""


class Pattern:
    """A pattern that is matched against whole texts. Raises ValueError with one line where it is none."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"the regular expression is longer than {LONGEST} characters")
        self._compiled = re2_of(text)
        self._answers: dict[str, bool] = {}

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` is matched."""
        known = self._answers.get(text)
        if known is None:
            if len(self._answers) >= KEPT:
                self._answers.clear()
            known = self._answers[text] = self._compiled.fullmatch(text) is not None
        return known


def re2_of(text: str) -> Any:
    """The compiled pattern, by RE2. Raises what RE2 raises for one that it refuses."""
    import re2

    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args else "not RE2"
        raise ValueError(f"the regular expression does not compile: {reason}") from None
    except UnicodeEncodeError:
        raise ValueError("the regular expression does not compile: a lone surrogate") from None


@lru_cache(maxsize=64)
def compiled(text: str) -> Pattern:
    """The pattern of a text, read once. Raises ValueError with one line."""
    return Pattern(text)
