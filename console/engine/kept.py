"""What was computed last, and of what: the same again for as long as it is made of the very same things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class Same:
    """Equal to what holds the very same object, which stays alive for as long as it is compared."""

    __slots__ = ("item",)

    def __init__(self, item: object) -> None:
        self.item = item

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.item is self.item

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Kept:
    """What was computed last under a name, and of what."""

    known: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def get(self, name: str, key: Any, make: Callable[[], T]) -> T:
        """The same again while the key is the same."""
        found = self.known.get(name)
        if found is None or found[0] != key:
            found = (key, make())
            self.known[name] = found
        made: T = found[1]
        return made
