"""`playbooks/*.yaml`: checklists. What they refer to elsewhere is kept for a later check."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from console.model.people import Severity
from console.model.playbook import Checklist, Mode, Playbook, Step, StepKind
from console.settings.matchers import read_matcher
from console.settings.nodes import Node, header, unique
from console.settings.playbook import keys
from console.settings.playbook.steps import OWNER, Around, Where, read_steps
from console.settings.playbook.templates import fixed, words
from console.settings.playbook.variables import read_variables
from console.settings.problems import one_of, shown
from console.settings.references import References
from console.settings.tree import Kind, Tree

_SEVERITIES = {severity.value: severity for severity in Severity}
_MODES = {mode.value: mode for mode in Mode}
INCIDENT_LABELS = ("service", "environment", "severity", "title")
"""What `match_incident` may look at."""
MOST = 500
"""Steps of a playbook."""
SAID = "It was said aloud, and heard"
"""The response of a completion call."""


def read_playbook(node: Node, references: References) -> tuple[Playbook, Node]:
    """The playbook, and the place of its name. Adds to `references` what it uses."""
    fields = node.mapping(*keys.PLAYBOOK)
    header(fields, "Playbook")
    name = fields["name"].name("the name of the playbook")
    variables = read_variables(fields["variables"], references)
    jumps, together = _jumps(node.tree)
    around = Around(name, variables, references, jumps, together)
    checklists: tuple[Checklist, ...] = ()
    if "checklists" in fields:
        if "steps" in fields:
            fields.key("steps").refuse("`steps` beside `checklists`", "one of them")
        places = fields["checklists"].sequence("a list of checklists", least=1)
        read = [_checklist(place, around) for place in places]
        checklists = tuple(item for item, _ in read)
        unique([(item.id, place.open_mapping()["id"]) for item, place in zip(checklists, places, strict=True)], "an id")
        found = [pair for _, steps in read for pair in steps]
    else:
        found = read_steps(fields["steps"].sequence("a list of steps", least=1), around, Where())
    if len(found) > MOST:
        node.refuse(f"{len(found)} steps", f"at most {MOST}; a step of kind playbook runs another one")
    named = [*((step.id, place) for step, place in found), *((place.tree.text, place) for place in _groups(node))]
    unique(sorted(named, key=lambda pair: (pair[1].tree.line, pair[1].tree.column)), "an id")
    playbook = Playbook(
        name,
        fixed(fields["title"], fields["title"].text()),
        _severities(fields["severities"]),
        fields["owner"].text("who keeps the playbook right"),
        fields["reviewed"].day(),
        tuple(step for step, _ in found),
        _matchers(fields["match"]),
        fixed(fields["summary"], fields["summary"].text(default="")),
        _objective(fields["objective"]),
        _incident_matchers(fields["match_incident"]),
        _roles(fields["roles"], references),
        tuple(variables.values()),
        checklists,
        fields["review_every"].duration(default=timedelta(days=365)),
    )
    return playbook, fields["name"]


def _checklist(node: Node, around: Around) -> tuple[Checklist, list[tuple[Step, Node]]]:
    fields = node.mapping(*keys.CHECKLIST)
    call = fields["completion_call"]
    checklist = Checklist(
        fields["id"].name("the id of a checklist"),
        words(fields["title"], around.variables),
        fields["mode"].choice(_MODES, default=Mode.READ_DO),
        words(fields["pause_point"], around.variables, "when it is read", optional=True),
        words(call, around.variables, "what is said at its end", optional=True),
    )
    places = fields["steps"].sequence("a list of steps", least=1)
    group = checklist.id if checklist.mode is Mode.DO_CONFIRM else ""
    steps = read_steps(places, around, Where(checklist.id, group))
    if call.present:
        steps.append((_completion(checklist, around.references, call), _complete(call, checklist.id)))
    return checklist, steps


def _completion(checklist: Checklist, references: References, call: Node) -> Step:
    """The step that says that a checklist is complete: whoever was interrupted sees that it is not."""
    references.roles.append((OWNER, Node(call.file, call.tree, call.problems)))
    return Step(
        id=f"{checklist.id}-complete",
        title=f"{checklist.title} complete",
        challenge=f'Say: "{checklist.completion_call}"',
        response=SAID,
        kind=StepKind.MANUAL,
        owner=OWNER,
        checklist=checklist.id,
    )


def _complete(call: Node, name: str) -> Node:
    tree = Tree(Kind.TEXT, call.path, call.tree.line, call.tree.column, f"{name}-complete")
    return Node(call.file, tree, call.problems)


# --- what goto may name ----------------------------------------------------------------------------------------------


def _jumps(playbook: Tree) -> tuple[dict[str, str], frozenset[str]]:
    """What `goto` may name, each with the step that is meant: a step by its id, or a group by its own. And the steps
    that start together with others before them: to begin in the middle of them has no meaning."""
    jumps: dict[str, str] = {}
    together: set[str] = set()

    def take(steps: list[Tree], confirmed: bool) -> None:
        for index, step in enumerate(steps):
            name = _text(step, "id")
            if _text(step, "kind") == keys.PARALLEL:
                inner = [_text(item, "id") for item in _items(step, "steps")]
                if inner:
                    jumps[name] = inner[0]
                    jumps[inner[0]] = inner[0]
                together.update(inner[1:])
            elif confirmed and index:
                together.add(name)
            else:
                jumps[name] = name

    take(_items(playbook, "steps"), False)
    for checklist in _items(playbook, "checklists"):
        take(_items(checklist, "steps"), _text(checklist, "mode") == Mode.DO_CONFIRM)
        if "completion_call" in checklist.entries:
            name = f"{_text(checklist, 'id')}-complete"
            jumps[name] = name
    jumps.pop("", None)
    return jumps, frozenset(together)


def _items(tree: Tree, key: str) -> list[Tree]:
    found = tree.entries.get(key)
    return [item for item in found.items if item.kind is Kind.MAPPING] if found is not None else []


def _text(tree: Tree, key: str) -> str:
    found = tree.entries.get(key)
    return found.text if found is not None else ""


def _groups(node: Node) -> Iterator[Node]:
    """The places of the groups' ids. A list that is done from memory is a group, too."""
    lists = [node.tree, *_items(node.tree, "checklists")]
    for tree in lists:
        if _text(tree, "mode") == Mode.DO_CONFIRM and "id" in tree.entries:
            yield Node(node.file, tree.entries["id"], node.problems)
    for step in (step for tree in lists for step in _items(tree, "steps")):
        if _text(step, "kind") == keys.PARALLEL and "id" in step.entries:
            yield Node(node.file, step.entries["id"], node.problems)


# --- the head of the file --------------------------------------------------------------------------------------------


def _severities(node: Node) -> tuple[Severity, ...]:
    """A list, or a range such as SEV1-SEV3."""
    if node.tree.kind is not Kind.TEXT:
        places = node.sequence("a list of severities, or a range such as SEV1-SEV3", least=1)
        found = tuple(place.choice(_SEVERITIES) for place in places)
        unique([(place.tree.text, place) for place in places], "a severity")
        return found
    first, _, last = node.text().partition("-")
    ends = [_SEVERITIES.get(name.strip()) for name in (first, last or first)]
    low, high = ends
    if low is None or high is None or low.rank > high.rank:
        node.refuse(shown(node.tree.text), "a list of severities, or a range such as SEV1-SEV3")
        return (Severity.SEV5,)
    return tuple(item for item in Severity if low.rank <= item.rank <= high.rank)


def _objective(node: Node) -> tuple[timedelta, timedelta] | None:
    if not node.present:
        return None
    fields = node.mapping(*keys.OBJECTIVE)
    least, most = fields["at_least"].duration(), fields["at_most"].duration()
    if least > most > timedelta(0):
        fields["at_least"].refuse(shown(fields["at_least"].tree.text), "at most what `at_most` says")
    return least, most


def _matchers(node: Node) -> tuple[str, ...]:
    places = node.sequence("a list of matchers", required=False)
    return tuple(place.text() for place in places if read_matcher(place) is not None)


def _incident_matchers(node: Node) -> tuple[str, ...]:
    found = []
    for place in node.sequence("a list of matchers", required=False):
        matcher = read_matcher(place)
        if matcher is None:
            continue
        if matcher.name not in INCIDENT_LABELS:
            place.refuse(f"a matcher on {shown(matcher.name)}", f"one on {one_of(INCIDENT_LABELS, matcher.name)}")
        found.append(place.text())
    return tuple(found)


def _roles(node: Node, references: References) -> tuple[str, ...]:
    places = node.sequence("a list of roles", required=False)
    roles = tuple(place.text("a role") for place in places)
    references.roles += zip(roles, places, strict=True)
    unique([*zip(roles, places, strict=True)], "a role")
    return roles
