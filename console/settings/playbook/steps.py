"""Steps of a playbook, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from console.model.playbook import (
    DECIDED,
    Check,
    Notice,
    Option,
    Probe,
    Program,
    Step,
    StepKind,
)  # fmt: skip
from console.model.value import value
from console.settings.nodes import Fields, Node, unique
from console.settings.playbook import keys
from console.settings.playbook.checks import read_check, read_query
from console.settings.playbook.reactions import read_channel, read_on_failure, read_reactions
from console.settings.playbook.templates import Variables, address, argument, fixed, plain, typed, words
from console.settings.problems import one_of, shown
from console.settings.references import References
from console.settings.tree import Kind

_KINDS = {kind.value: kind for kind in StepKind}
_ALL_KINDS = {**_KINDS, keys.PARALLEL: StepKind.MANUAL}
_SWITCHES = ("parallel", "second_person", "skip_needs_reason", "critical")
OWNER = "incident commander"
"""Who owns a step that does not say."""
_METHODS = {"GET": "GET", "HEAD": "HEAD"}
_LOADER = ("LD_", "DYLD_")
_CODE = """
    BASH_ENV ENV SHELLOPTS BASHOPTS IFS PS4 PROMPT_COMMAND PYTHONPATH PYTHONHOME PYTHONUSERBASE PYTHONSTARTUP PERL5LIB
    PERL5OPT RUBYLIB RUBYOPT NODE_PATH NODE_OPTIONS JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS GCONV_PATH GIT_SSH
    GIT_SSH_COMMAND GIT_EXEC_PATH
"""
_CHOOSING = frozenset(_CODE.split())
"""Environment variables that are known to choose what code a program runs: trust in the program would mean nothing."""
_GIVEN = ("PATH", "HOME", "LANG")
"""Those that every program gets."""
MOST_PATIENCE = timedelta(seconds=30)
"""How long an endpoint may be waited for."""


@value
class Around:
    """What a step may refer to. `jumps` maps what `goto` may name to the step that is meant; `together` holds the steps
    that start with others before them."""

    name: str
    variables: Variables
    references: References
    jumps: Mapping[str, str]
    together: frozenset[str]


@value
class Where:
    """The list that a step stands in."""

    checklist: str = ""
    group: str = ""


def read_steps(places: tuple[Node, ...], around: Around, where: Where) -> list[tuple[Step, Node]]:
    """The steps of a list, each with the place of its id."""
    found: list[tuple[Step, Node]] = []
    for place in places:
        fields = place.mapping(*keys.ANY_STEP)
        if fields["kind"].tree.text == keys.PARALLEL:
            found += _group(place, fields, around, where)
        else:
            found.append((_step(place, fields, around, where), fields["id"]))
    return found


def _group(node: Node, fields: Fields, around: Around, where: Where) -> list[tuple[Step, Node]]:
    _refuse_strange(fields, keys.PARALLEL)
    name = fields["id"].name("the id of a group")
    fields["title"].text("the title of a group", default="")
    places = fields["steps"].sequence("a list of at least two steps", least=1)
    if len(places) == 1:
        fields["steps"].refuse("one step", "a list of at least two steps")
    if where.group:
        node.refuse("a group within steps that start together", "its steps themselves")
    return read_steps(places, around, Where(where.checklist, where.group or name))


def _refuse_strange(fields: Fields, kind: str) -> None:
    """Refuses keys of other kinds of steps, by name."""
    present = fields.node.tree.entries
    if present.keys() <= keys.ALLOWED[kind]:
        return
    for key in present:
        if key in keys.ANY_STEP and key not in keys.ALLOWED[kind]:
            others = keys.kinds_with(key)
            if kind == keys.PARALLEL:
                expected = "it in a step of the group"
            elif len(others) == 1:
                expected = f"it in a step of kind {others[0]} alone"
            else:
                expected = f"it in a step of kind {one_of(others)}"
            fields.key(key).refuse(f"`{key}` in a step of kind {kind}", expected)


def _step(node: Node, fields: Fields, around: Around, where: Where) -> Step:
    variables, references = around.variables, around.references
    given = fields.node.tree.entries  # most keys are not there: what is not is not asked for
    name = fields["id"].name("the id of a step")
    kind = fields["kind"].choice(_ALL_KINDS) if "kind" in given else StepKind.MANUAL
    if "kind" not in given or given["kind"].text in _KINDS:
        _refuse_strange(fields, kind)
    owner = fields["owner"].text("a role", default=OWNER)
    references.roles.append((owner, fields["owner"]))
    if where.group:
        _refuse_in_group(fields, kind)

    def jump(place: Node) -> str:
        if "parallel" in given and given["parallel"].text == "true":
            place.refuse("`goto` in a step with `parallel`, which nothing waits for", "it in a step that is waited for")
        return _jump(place, name, around, where)

    decided = kind in DECIDED
    if "on_overdue" in given and "timebox" not in given:
        fields.key("on_overdue").refuse("`on_overdue` without a timebox", "a timebox, after which the step is overdue")
    more: dict[str, Any] = _OWN[kind](node, fields, around, jump) if kind in _OWN else {}
    if "verify" in given and "verify" not in more:
        more["verify"] = read_check(fields["verify"], variables, references, held=True)
    if "timebox" in given:
        more["timebox"] = fields["timebox"].duration()
    if "look_at" in given:
        looked = fields["look_at"].sequence("a list of checks")
        more["look_at"] = tuple(read_check(place, variables, references) for place in looked)
    if "confirm" in given:
        more["confirm"] = typed(fields["confirm"], variables)
    if "on_overdue" in given:
        more["on_overdue"] = read_reactions(fields["on_overdue"], keys.OVERDUE, jump, references, decided=decided)
    if "on_failure" in given:
        more["on_failure"] = read_on_failure(fields["on_failure"], jump, references, decided=decided)
    if "undo" in given:
        more["undo"] = words(fields["undo"], variables, "how it is taken back")
    for key in _SWITCHES:
        if key in given:
            more[key] = fields[key].boolean()
    return Step(
        id=name,
        title=words(fields["title"], variables),
        challenge=words(fields["challenge"], variables, "what to do or ask"),
        response=words(fields["response"], variables, "the state that answers it"),
        kind=kind,
        owner=owner,
        checklist=where.checklist,
        group=where.group,
        **more,
    )


def _refuse_in_group(fields: Fields, kind: StepKind) -> None:
    """What leads elsewhere, or is not waited for, has no place among steps that all start and end together."""
    if kind is StepKind.DECISION:
        fields["kind"].refuse("a decision among steps that start together", "it before or after them")
    if "parallel" in fields:
        fields.key("parallel").refuse("`parallel` in a step that starts together with others", "a step without it")


def _jump(node: Node, step: str, around: Around, where: Where) -> str:
    """The step that `goto` means."""
    name = node.name("the id of a step")
    if not name:
        return ""
    target = around.jumps.get(name, "")
    if where.group:
        node.refuse("`goto` in a step that starts together with others", "it in a step after them")
    elif name in around.together:
        node.refuse(f"{shown(name)}, which starts together with others before it", "the first of them")
    elif not target:
        node.refuse(f"{shown(name)}, which is no step here", f"a step: {one_of([*around.jumps], name)}")
    elif target == step:
        node.refuse("this step itself", "another step; `on_failure.tries` repeats this one")
    return target


# --- kinds -----------------------------------------------------------------------------------------------------------


def _query(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    return {"verify": read_query(fields["query"], fields["expect"], fields["for"], around.variables)}


def _http(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    usual = Probe("")
    method = fields["method"].choice(_METHODS, default=usual.method)
    if "contains" in fields and method == "HEAD":
        fields.key("contains").refuse("`contains` with HEAD, whose answer has no body", "it with GET")
    contains = fields["contains"]
    status = fields["status"]
    expected = "a status such as 200, or a list of them"
    statuses = status.one_or_more(expected) if status.present else ()
    probe = Probe(
        address(fields["url"], around.variables),
        method,
        tuple(place.integer(expected, least=100, most=599) for place in statuses) or usual.status,
        plain(contains, around.variables, "a text in the answer") if contains.present else "",
        _patience(fields["timeout"], usual.timeout),
    )
    hold = fields["for"].duration(default=timedelta(0))
    return {"probe": probe, "verify": Check(probe.reading, "==", 1.0, hold=hold)}


def _patience(node: Node, usual: timedelta) -> timedelta:
    found = node.duration(default=usual)
    if found > MOST_PATIENCE:
        node.refuse(
            shown(node.tree.text), f"at most {MOST_PATIENCE.seconds}s: a step of kind http asks again by itself"
        )
    return min(found, MOST_PATIENCE)


def _wait(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    if not fields["timebox"].present and not fields["verify"].present:
        node.refuse("a wait without an end", "a timebox or `verify`")
    return {}


def _command(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    usual = Program(())
    variables = around.variables
    places = fields["command"].sequence("a program and its arguments, as a list", least=1)
    argv = tuple(argument(place, variables) for place in places)
    for place in places[:1]:
        program_name(place)
    env = fields["env"].sequence("a list of names of environment variables", required=False)
    given = fields["set_env"].open_mapping()
    names = [(place.tree.text, place) for place in env] + [(key, given.key(key)) for key, _ in given.items()]
    for name, place in names:
        environment_name(name, place)
    unique(names, "a variable")
    exits = fields["exits"].sequence("a list of exit statuses", least=1, required=False)
    return {
        "program": Program(
            argv,
            _folder(fields["cwd"]),
            fields["timeout"].duration(default=usual.timeout),
            tuple(place.tree.text for place in env),
            tuple((key, plain(place, variables, "a value")) for key, place in given.items()),
            tuple(place.integer("an exit status, 0 to 255", least=0, most=255) for place in exits) or usual.exits,
            tuple(
                argument(place, variables)
                for place in fields["dry_run"].sequence("arguments, as a list", least=1, required=False)
            ),
        )
    }


def program_name(node: Node) -> None:
    """Refuses what is no program that may be named."""
    text = node.tree.text if node.tree.kind is Kind.TEXT else "x"
    if not text or text.startswith("-"):
        node.refuse(shown(text), "the name or the path of a program")
    elif ".." in text.split("/"):
        node.refuse(
            f"{shown(text)}, which leads to a folder above", "a path below the playbook's folder, or a whole one"
        )
    fixed(node, text)


def _folder(node: Node) -> str:
    text = node.exact("a folder") if node.present else ""
    if ".." in text.split("/"):
        node.refuse(
            f"{shown(text)}, which leads to a folder above", "a path below the playbook's folder, or a whole one"
        )
    return fixed(node, text)


def environment_name(name: str, node: Node) -> None:
    """Refuses what is no variable that a program may be given."""
    expected = "the name of an environment variable"
    if node.tree.kind is not Kind.TEXT:
        node.text(expected)
    elif not name.isascii() or not name.isidentifier():
        node.refuse(shown(name), expected)
    elif name in _GIVEN:
        node.refuse(f"{name}, which every program gets", "another variable")
    elif name.startswith(_LOADER) or name in _CHOOSING:
        node.refuse(f"{name}, which chooses what code a program runs", "a program that needs no such variable")


def _flag(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    flag, percent, off = fields["flag"], fields["percent"], fields["off"]
    name = flag.text("the name of a flag")
    around.references.flags.append((fixed(flag, name), flag))
    if off.present and percent.present:
        fields.key("off").refuse("`off` beside `percent`", "one of them")
    elif off.present:
        off.choice({"true": True})
        return {"flag": name}
    return {"flag": name, "percent": percent.number("a percentage from 0 to 100", least=0.0, most=100.0)}


def _notify(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    channel = read_channel(fields["channel"], around.references)
    return {"notice": Notice(channel, words(fields["text"], around.variables, "what is told"))}


def _decision(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    places = fields["options"].sequence("a list of at least two options", least=1)
    if len(places) == 1:
        fields["options"].refuse("one option", "a list of at least two options")
    options = tuple(_option(place, around, jump) for place in places)
    unique([(option.id, place.open_mapping()["id"]) for option, place in zip(options, places, strict=True)], "an id")
    return {"options": options, "role": _role(fields["role"], around) if fields["role"].present else ""}


def _option(node: Node, around: Around, jump: Any) -> Option:
    fields = node.mapping(*keys.OPTION)
    if "goto" in fields and "playbook" in fields:
        fields.key("playbook").refuse("two ways to go", "either goto or playbook")
    when = fields["when"]
    return Option(
        fields["id"].name("the id of an option"),
        words(fields["label"], around.variables),
        jump(fields["goto"]) if fields["goto"].present else "",
        _other(fields["playbook"], around) if fields["playbook"].present else "",
        read_check(when, around.variables, around.references) if when.present else None,
    )


def _approval(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    return {"role": _role(fields["role"], around)}


def _call(node: Node, fields: Fields, around: Around, jump: Any) -> dict[str, Any]:
    return {"call": _other(fields["playbook"], around)}


def _role(node: Node, around: Around) -> str:
    role = node.text("a role")
    around.references.roles.append((role, node))
    return role


def _other(node: Node, around: Around) -> str:
    """The name of another playbook."""
    name = node.name("the name of a playbook")
    around.references.playbooks.append((name, node))
    if name and name == around.name:
        node.refuse("this playbook itself", "another playbook")
    return name


_OWN = {
    StepKind.QUERY: _query,
    StepKind.HTTP: _http,
    StepKind.WAIT: _wait,
    StepKind.COMMAND: _command,
    StepKind.FLAG: _flag,
    StepKind.NOTIFY: _notify,
    StepKind.DECISION: _decision,
    StepKind.APPROVAL: _approval,
    StepKind.PLAYBOOK: _call,
}
