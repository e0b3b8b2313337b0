"""Values are what frozen dataclasses are."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from console.model.value import value


@value
class Place:
    """A place."""

    name: str
    level: int = 3
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Standard:
    """The same, by the library."""

    name: str
    level: int = 3
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False)


@pytest.mark.parametrize("kind", [Place, Standard])
def test_a_value_is_made_compared_replaced_and_copied_as_a_frozen_dataclass(kind):
    one, two = kind("a"), kind(name="a", note="other")
    assert (one.name, one.level, one.tags, one.note) == ("a", 3, [], "")
    assert one.tags is not two.tags
    assert one == two
    assert one != kind("a", 4)
    assert replace(one, level=5) == kind("a", 5)
    assert [item.name for item in fields(kind)] == ["name", "level", "tags", "note"]
    assert copy.deepcopy(two).note == "other"
    assert pickle.loads(pickle.dumps(two)) == two
    assert "level=3" in repr(one)


@pytest.mark.parametrize("kind", [Place, Standard])
def test_a_value_stays_as_it_was_made(kind):
    one = kind("a")
    with pytest.raises(FrozenInstanceError):
        one.name = "b"
    with pytest.raises(FrozenInstanceError):
        del one.name
    with pytest.raises((AttributeError, TypeError)):
        one.other = 1
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(TypeError):
        kind("a", other=1)


def test_what_makes_a_value_is_compiled_with_the_first_one():
    @value
    class Rare:
        """Seldom met."""

        name: str

    assert "name" not in Rare.__init__.__code__.co_varnames
    assert Rare("x").name == "x"
    assert "name" in Rare.__init__.__code__.co_varnames
