"""`people.yaml`: the roles, who may act in them, and who is told when nobody does."""

from __future__ import annotations

from collections.abc import Sequence

from console.model.escalation import OnCallRole, Team
from console.model.people import Person
from console.model.value import value
from console.settings.addresses import read_address
from console.settings.matchers import read_matcher
from console.settings.nodes import Node, header, unique
from console.settings.problems import one_of, shown

ROLES = ("incident commander", "deputy", "scribe", "communications lead", "subject-matter expert")
"""The roles where the file lists none."""


@value
class PeopleFile:
    """What `people.yaml` says."""

    roles: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    on_call: tuple[OnCallRole, ...] = ()
    teams: tuple[Team, ...] = ()


def read_people(node: Node) -> PeopleFile:
    """Reads the whole file."""
    fields = node.mapping("apiVersion", "kind", "roles", "people", "on_call", "teams")
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
    teams = fields["teams"].sequence("a list of teams", required=False)
    found = tuple(_team(item, people) for item in teams)
    unique([(team.name, item) for team, item in zip(found, teams, strict=True)], "a name")
    return PeopleFile(roles, people, _on_call(fields["on_call"], people), found)


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
        tuple(
            (channel, read_address(place) if channel == "email" else place.text("an address"))
            for channel, place in fields["contacts"].open_mapping().items()
        ),
    )


def _on_call(node: Node, people: Sequence[Person]) -> tuple[OnCallRole, ...]:
    if not node.present:
        node.refuse("nothing", "who is told when nobody acknowledges, by role: primary, secondary, lead")
        return ()
    fields = node.open_mapping()
    return tuple(_role(fields.key(name).name("the name of a role"), place, people) for name, place in fields.items())


def _role(name: str, node: Node, people: Sequence[Person]) -> OnCallRole:
    fields = node.mapping("people", "schedule")
    schedule = fields["schedule"].text("the id of a PagerDuty schedule", default="")
    holders: tuple[str, ...] = ()
    if fields["people"].present:
        holders = _named(fields["people"], people)
    elif not fields["schedule"].present:
        fields.node.refuse("neither people nor a schedule", "somebody who is told")
    return OnCallRole(name, holders, schedule)


def _team(node: Node, people: Sequence[Person]) -> Team:
    fields = node.mapping("name", "matchers", "people")
    matchers = [read_matcher(place) for place in fields["matchers"].sequence("a list of matchers", least=1)]
    return Team(
        fields["name"].name("the name of a team"),
        tuple(matcher for matcher in matchers if matcher is not None),
        _named(fields["people"], people),
    )


def _named(node: Node, people: Sequence[Person]) -> tuple[str, ...]:
    """People of this file, each once. It is flagged when none of them can be reached."""
    places = node.sequence("a list of people", least=1)
    names = tuple(place.text("the name of a person") for place in places)
    unique([*zip(names, places, strict=True)], "a person")
    known = {person.name: person for person in people}
    for name, place in zip(names, places, strict=True):
        if name and name not in known and known and all(known):  # the names may have been refused
            place.refuse(f"the unknown person {shown(name)}", one_of(tuple(known), name))
    if names and all(name in known and not known[name].contacts for name in names):
        node.warn("nobody with contacts", "somebody who can be reached")
    return names
