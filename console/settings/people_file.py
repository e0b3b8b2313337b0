"""`people.yaml`: the roles, and who may act in them."""

from __future__ import annotations

from console.model.incident import ROLES
from console.model.people import Person
from console.settings.nodes import Node, header, unique
from console.settings.problems import one_of, shown


def read_people(node: Node) -> tuple[tuple[str, ...], tuple[Person, ...]]:
    """The roles and the people."""
    fields = node.mapping("apiVersion", "kind", "roles", "people")
    header(fields, "People")
    roles: tuple[str, ...] = ROLES
    if fields["roles"].present:
        places = fields["roles"].sequence("a list of roles", least=1)
        roles = tuple(place.text("a role") for place in places)
        unique([*zip(roles, places, strict=True)], "a role")
    items = fields["people"].sequence("a list of people", least=1)
    people = tuple(_person(item, roles) for item in items)
    for what in ("name", "login"):
        named = [(getattr(who, what), item.open_mapping()[what]) for who, item in zip(people, items, strict=True)]
        unique(named, f"a {what}")
    return roles, people


def _person(node: Node, roles: tuple[str, ...]) -> Person:
    fields = node.mapping("name", "login", "full_name", "roles", "pagerduty", "contacts")
    held: list[str] = []
    for place in fields["roles"].sequence("a list of roles", required=False):
        role = place.text("a role")
        if role and role not in roles:
            place.refuse(shown(role), one_of(roles, role))
        held.append(role)
    return Person(
        fields["name"].text("the name a person goes by"),
        fields["login"].text("a login of the operating system"),
        fields["full_name"].text(default=""),
        tuple(held),
        fields["pagerduty"].text("a PagerDuty user id", default=""),
        tuple((channel, place.text("an address")) for channel, place in fields["contacts"].open_mapping().items())
        if fields["contacts"].present
        else (),
    )
