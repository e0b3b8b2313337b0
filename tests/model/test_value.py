"""Values: as frozen dataclasses with slots, but quicker to make."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from console.model.value import value


@value
class Point:
    """A point."""

    x: int
    y: int = 2
    names: list[str] = field(default_factory=list, compare=False)


@value
class Named(Point):
    """A point with a name."""

    name: str = "origin"


@value
class Nothing:
    """Has no fields."""


@dataclass(frozen=True, slots=True)
class Plain:
    x: int
    y: int = 2
    names: list[str] = field(default_factory=list, compare=False)


def test_made_as_a_dataclass_is() -> None:
    for made in (Point, Plain):
        point = made(1)
        assert (point.x, point.y, point.names) == (1, 2, [])
        assert made(1).names is not made(1).names
        assert made(1, names=["a"]).names == ["a"]
        assert [item.name for item in fields(point)] == ["x", "y", "names"]
        assert replace(point, y=3) == made(1, 3) != point
        assert repr(point).endswith("(x=1, y=2, names=[])")
    assert hash(Point(1)) == hash(Point(1, names=["a"]))
    assert Nothing() == Nothing()


@pytest.mark.parametrize("given", [{}, {"x": 1, "z": 2}])
def test_what_does_not_fit_is_refused_each_time(given: dict[str, int]) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Point\.__init__\(\)"):
            Point(**given)


def test_it_does_not_change() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="'x'"):
        del point.x  # type: ignore[misc]
    with pytest.raises((FrozenInstanceError, AttributeError)):
        point.other = 2  # type: ignore[attr-defined]
    assert not hasattr(point, "__dict__")


def test_a_value_may_be_made_of_another_one() -> None:
    assert Named(1, name="a") == Named(1, 2, [], "a") != Point(1)
    assert Point(1) == Point(1)


def test_it_can_be_copied_and_sent_to_another_process() -> None:
    named = Named(1, 2, ["a"], "b")
    for other in (copy.copy(named), copy.deepcopy(named), pickle.loads(pickle.dumps(named))):
        assert other == named
        assert other.names == ["a"]
