"""Values: frozen dataclasses that are quick to make.

`dataclass` compiles six methods for each class, and the model has over a hundred: more than anything else of ours
between the start and the first full screen. A value shares four of them with all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """As `dataclass(frozen=True, slots=True)`: made once, compared and hashed by its fields."""
    own = set(vars(cls))
    made: Any = dataclass(frozen=True, slots=True, eq=False, repr=False)(cls)
    if "__repr__" not in own:
        made.__repr__ = _repr
    if "__eq__" not in own:
        content = _content([item.name for item in fields(made) if item.compare])

        def __eq__(self: Any, other: object) -> Any:
            return content(self) == content(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self: Any) -> int:
            return hash(content(self))

        made.__eq__, made.__hash__ = __eq__, __hash__
    return made  # type: ignore[no-any-return]


def _content(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)  # a tuple, put together in C
    return lambda item: tuple(getattr(item, name) for name in names)


def _repr(self: Any) -> str:
    shown = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in fields(self) if item.repr)
    return f"{type(self).__qualname__}({shown})"
