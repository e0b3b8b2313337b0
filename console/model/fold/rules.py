"""How the entries of one table are born and change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from console.model.events import Recorded

F = TypeVar("F", bound=Callable[..., Any])


class Rules:
    """What each kind of event does to an entry of one table. The entries have a `version`.

    `blank` makes the entry that the first event changes, where it is not an event of its own that gives birth.
    `forgotten` names the entries that the table need not keep any longer; `at_birth`: it is asked only after a birth.
    """

    def __init__(
        self,
        blank: Callable[[str], Any] | None = None,
        forgotten: Callable[[Mapping[str, Any]], Iterable[str]] = lambda _: (),
        *,
        at_birth: bool = False,
    ) -> None:
        self._blank, self._forgotten, self._at_birth = blank, forgotten, at_birth
        self._births: dict[type[Any], Callable[..., Any]] = {}
        self._changes: dict[type[Any], Callable[..., Any]] = {}

    def born(self, kind: type[Any]) -> Callable[[F], F]:
        """Registers `(recorded, payload) -> entry`."""
        return _into(self._births, kind)

    def changed(self, kind: type[Any]) -> Callable[[F], F]:
        """Registers `(entry, recorded, payload) -> entry`. What does not fit, and raises, leaves the entry as it
        was."""
        return _into(self._changes, kind)

    def fold(self, table: dict[str, Any], entity: str, recorded: Recorded) -> None:
        """Puts what `recorded` makes of the entry `entity` into `table`."""
        payload = recorded.payload
        kind = type(payload)
        before = table.get(entity)
        known = before is not None
        if before is None and self._blank is not None:
            before = self._blank(entity)
        # Neither a second birth, nor an event of something this journal never saw born, has a rule.
        rule = (self._births if before is None else self._changes).get(kind)
        after = before
        if rule is not None:
            # A state or a step that this program does not know: the record keeps it, and the timeline shows it.
            # So is one whose values cannot be what they say: an instant at the end of time, a number in a text's place.
            with contextlib.suppress(ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                after = rule(recorded, payload) if before is None else rule(before, recorded, payload)
        if after is None:
            return
        changes: dict[str, Any] = {"version": max(recorded.version, after.version)}
        if not recorded.saved and hasattr(after, "unsaved"):
            changes["unsaved"] = True
        table[entity] = replace(after, **changes)
        if known and self._at_birth:
            return
        for name in list(self._forgotten(table)):
            del table[name]


def _into(rules: dict[type[Any], Callable[..., Any]], kind: type[Any]) -> Callable[[F], F]:
    def register(rule: F) -> F:
        rules[kind] = rule
        return rule

    return register
