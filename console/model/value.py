"""Values: frozen dataclasses that are quick to make.

`dataclass` compiles six methods for each class, and a start makes four hundred: more than anything else of ours between
the start and the first full screen. A value shares all but `__init__` with all others, and that is compiled when the
first one is made. What `dataclass` looks for in a class beyond fields with their defaults, none of ours has: its fields
are written down here, as `dataclasses.fields`, `replace` and msgspec read them, in a fifth of the time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass(slots=True)
class _Plain:
    """What every value has of a dataclass without fields."""


_ORDINARY: Any = dataclasses._FIELD  # type: ignore[attr-defined]  # neither ClassVar nor InitVar


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """As `dataclass(frozen=True, slots=True)`: made once, compared and hashed by its fields."""
    own = set(vars(cls))
    made = _made(cls)
    made.__setattr__ = made.__delattr__ = _refuse
    made.__reduce__ = _reduce

    def __init__(self: Any, *args: Any, **named: Any) -> None:
        made.__init__ = _init(made)
        made.__init__(self, *args, **named)

    made.__init__ = __init__
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


def _made(cls: type[Any]) -> Any:
    """The class with slots for the fields that it adds, and all that tells `dataclasses` of them."""
    inherited: dict[str, Field[Any]] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited |= vars(base).get("__dataclass_fields__", {})
    content = dict(vars(cls))
    declared = {
        name: _field(name, annotation, content.pop(name, MISSING))
        for name, annotation in content.get("__annotations__", {}).items()
    }
    every = inherited | declared
    for without in ("__dict__", "__weakref__"):
        content.pop(without, None)
    content |= {
        "__doc__": cls.__doc__ or cls.__name__,
        "__slots__": tuple(name for name in declared if name not in inherited),
        "__match_args__": tuple(every),
        "__dataclass_fields__": every,
        "__dataclass_params__": _Plain.__dataclass_params__,  # type: ignore[attr-defined]
    }
    kind: Any = type(cls)
    made = kind(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    return made


def _field(name: str, annotation: Any, default: Any) -> Field[Any]:
    made: Any = default if isinstance(default, Field) else field(default=default)
    made.name, made.type, made._field_type = name, annotation, _ORDINARY
    return made  # type: ignore[no-any-return]


def _content(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)  # a tuple, put together in C
    return lambda item: tuple(getattr(item, name) for name in names)


def _init(made: Any) -> Callable[..., None]:
    """What `dataclass` compiles for a class with these fields; it sets them past `__setattr__`, on any object. Compiled
    alone: a whole dataclass, made for its `__init__`, takes eight times as long, and stays in memory."""
    given: dict[str, Any] = {"_set_": object.__setattr__, "_new_": object()}
    parameters, lines = ["self"], ["pass"]
    for item in fields(made):
        name = content = item.name
        if item.default_factory is not MISSING:
            given[f"_{name}_"] = item.default_factory
            parameters.append(f"{name}=_new_")
            content = f"_{name}_() if {name} is _new_ else {name}"
        elif item.default is not MISSING:
            given[f"_{name}_"] = item.default
            parameters.append(f"{name}=_{name}_")
        else:
            parameters.append(name)
        lines.append(f"_set_(self, {name!r}, {content})")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines), given)
    init: Any = given.pop("__init__")
    init.__qualname__ = f"{made.__qualname__}.__init__"
    init.__module__ = made.__module__
    return init  # type: ignore[no-any-return]


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), tuple(getattr(self, item.name) for item in fields(self))


@cache
def _shown(made: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(made) if item.repr)


def _repr(self: Any) -> str:
    shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in _shown(self.__class__)])
    return f"{type(self).__qualname__}({shown})"
