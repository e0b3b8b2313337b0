"""`playbooks/*.yaml`: checklists. What they refer to elsewhere is kept for a later check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from console.model.people import Severity
from console.model.playbook import OPS, Check, Option, Playbook, Step, StepKind
from console.settings.matchers import read_matcher
from console.settings.nodes import Node, header, unique
from console.settings.problems import one_of, shown
from console.settings.references import References

_SEVERITIES = {severity.value: severity for severity in Severity}
_KINDS = {kind.value: kind for kind in StepKind}
_CHECK = re.compile(r"(\S+)\s+(<=|>=|==|<|>)\s+([-+]?\d{1,15}(?:\.\d{1,15})?)")
OWNER = "incident commander"
"""Who owns a step that does not say."""
_ONLY: Mapping[str, StepKind] = {
    "flag": StepKind.FLAG,
    "percent": StepKind.FLAG,
    "options": StepKind.DECISION,
}
"""Keys that belong to one kind of step."""


def read_playbook(node: Node, references: References) -> tuple[Playbook, Node]:
    """The playbook, and the place of its name. Adds to `references` what it uses."""
    fields = node.mapping(
        "apiVersion", "kind", "name", "title", "summary", "severities", "owner", "reviewed", "match",
        "objective", "steps",
    )  # fmt: skip
    header(fields, "Playbook")
    name = fields["name"].name("the name of the playbook")
    places = fields["steps"].sequence("a list of steps", least=1)
    steps = tuple(_step(place, references) for place in places)
    ids = [(step.id, place.open_mapping()["id"]) for step, place in zip(steps, places, strict=True)]
    unique(ids, "an id")
    for index, place in enumerate(places):
        _check_jumps(place, index, [step.id for step in steps], name)
    playbook = Playbook(
        name,
        fields["title"].text(),
        tuple(place.choice(_SEVERITIES) for place in fields["severities"].sequence("a list of severities", least=1)),
        fields["owner"].text("who keeps the playbook right"),
        fields["reviewed"].day(),
        steps,
        _matchers(fields["match"]),
        fields["summary"].text(default=""),
        _objective(fields["objective"]),
    )
    return playbook, fields["name"]


def _objective(node: Node) -> tuple[timedelta, timedelta] | None:
    if not node.present:
        return None
    fields = node.mapping("at_least", "at_most")
    least, most = fields["at_least"].duration(), fields["at_most"].duration()
    if least > most > timedelta(0):
        fields["at_least"].refuse(shown(fields["at_least"].tree.text), "at most what `at_most` says")
    return least, most


def _matchers(node: Node) -> tuple[str, ...]:
    places = node.sequence("a list of matchers", required=False)
    return tuple(place.text() for place in places if read_matcher(place) is not None)


def _step(node: Node, references: References) -> Step:
    fields = node.mapping(
        "id", "title", "challenge", "response", "kind", "owner", "timebox", "parallel", "look_at", "verify",
        "confirm", "flag", "percent", "options",
    )  # fmt: skip
    kind = fields["kind"].choice(_KINDS, default=StepKind.MANUAL)
    owner = fields["owner"].text("a role", default=OWNER)
    references.roles.append((owner, fields["owner"]))
    timebox, verify = fields["timebox"], fields["verify"]
    parallel = fields["parallel"].boolean(default=False)
    known = not fields["kind"].present or fields["kind"].tree.text in _KINDS
    for key, only in _ONLY.items():
        if key in fields and kind is not only and known:
            fields.key(key).refuse(
                f"`{key}` in a step of kind {kind.value}", f"it in a step of kind {only.value} alone"
            )
    if parallel and kind is StepKind.DECISION:
        fields.key("parallel").refuse("a decision that nobody waits for", "a decision without `parallel`")
    if kind is StepKind.WAIT and not timebox.present and not verify.present:
        node.refuse("a wait without an end", "a timebox or `verify`")
    if kind is StepKind.FLAG:
        references.flags.append((fields["flag"].text("the name of a flag"), fields["flag"]))
    confirm = fields["confirm"].text("the words to type", default="")
    if confirm and "{target}" not in confirm:
        fields["confirm"].refuse(shown(confirm), "words with {target} in them, such as CLEAR {target}")
    return Step(
        fields["id"].name("the id of a step"),
        fields["title"].text(),
        fields["challenge"].text("what to do or ask"),
        fields["response"].text("the state that answers it"),
        kind,
        owner,
        timebox.duration() if timebox.present else None,
        parallel,
        tuple(_check(place, references) for place in fields["look_at"].sequence("a list of checks", required=False)),
        _check(verify, references) if verify.present else None,
        confirm,
        fields["flag"].text(default="") if kind is StepKind.FLAG else "",
        fields["percent"].number("a percentage from 0 to 100", least=0.0, most=100.0) if kind is StepKind.FLAG else 0.0,
        _options(fields["options"], references) if kind is StepKind.DECISION else (),
    )


def _check(node: Node, references: References) -> Check:
    text = node.text("a check such as rollout.percent <= 0")
    found = _CHECK.fullmatch(text)
    if found is None:
        if text:
            node.refuse(shown(text), f"a check such as rollout.percent <= 0, with one of {' '.join(OPS)}")
        return Check("", "<", 0.0)
    reading, op, value = found.groups()
    references.readings.append((reading, node))
    return Check(reading, op, float(value))


def _options(node: Node, references: References) -> tuple[Option, ...]:
    places = node.sequence("a list of at least two options", least=1)
    if len(places) == 1:
        node.refuse("one option", "a list of at least two options")
    options = tuple(_option(place, references) for place in places)
    ids = [(option.id, place.open_mapping()["id"]) for option, place in zip(options, places, strict=True)]
    unique(ids, "an id")
    return options


def _option(node: Node, references: References) -> Option:
    fields = node.mapping("id", "label", "goto", "playbook", "when")
    goto, playbook = fields["goto"].name(default=""), fields["playbook"].name(default="")
    if "goto" in fields and "playbook" in fields:
        fields.key("playbook").refuse("two ways to go", "either goto or playbook")
    if playbook:
        references.playbooks.append((playbook, fields["playbook"]))
    return Option(
        fields["id"].name("the id of an option"),
        fields["label"].text(),
        goto,
        playbook,
        _check(fields["when"], references) if fields["when"].present else None,
    )


def _check_jumps(node: Node, index: int, ids: list[str], playbook: str) -> None:
    """Every jump goes to a later step, so that each run ends."""
    for place in node.open_mapping()["options"].tree.items:
        fields = Node(node.file, place, node.problems)
        for key, allowed, what in (
            ("goto", ids[index + 1 :], "a later step"),
            ("playbook", None, "another playbook"),
        ):
            target = fields.tree.entries.get(key)
            if target is None or not target.text:
                continue
            at = Node(node.file, target, node.problems)
            if allowed is not None and target.text not in allowed:
                known = shown(target.text) if target.text in ids else f"{shown(target.text)}, which is no step here"
                at.refuse(known, f"{what}: {one_of([name for name in allowed if name], target.text)}")
            elif allowed is None and target.text == playbook:
                at.refuse("this playbook itself", what)
