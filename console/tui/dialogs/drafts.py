"""What was written in a form that was closed: kept while the console runs, for when the same is asked again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from console.model.value import value

KEPT = 20
"""Forms; the oldest goes first."""


@value
class Draft:
    """The texts of a form by field id, and when it was closed."""

    texts: Mapping[str, str]
    at: datetime


class Drafts:
    """Drafts by what was asked."""

    def __init__(self) -> None:
        self._kept: dict[str, Draft] = {}

    def of(self, about: str) -> Draft | None:
        """What was left unsent in such a form."""
        return self._kept.get(about)

    def keep(self, about: str, texts: Mapping[str, str], at: datetime) -> None:
        """Keeps it in place of what was kept before."""
        self._kept.pop(about, None)
        self._kept[about] = Draft(texts, at)
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]

    def drop(self, about: str) -> None:
        """It is sent, or emptied."""
        self._kept.pop(about, None)
