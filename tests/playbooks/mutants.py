"""Mutants of playbooks, made mechanically: each operator breaks one thing, and says beforehand which code lint should
give it, and on which line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from console.model.playbook import ACTING, OBSERVED, Do, Playbook, Step, StepKind
from console.settings import tree
from console.settings.nodes import Node
from console.settings.playbook.reader import read_playbook
from console.settings.problems import Problems
from console.settings.references import References
from console.settings.tree import Kind, Tree

PER_OPERATOR = 3
"""Mutants by one operator of one playbook, from its start and its end: more of them are more of the same, except where
the operator says so."""


@dataclass(frozen=True)
class Mutant:
    """A broken playbook, and what lint must say of it."""

    file: str
    operator: str
    site: str
    code: str
    lines: frozenset[int]
    text: str

    @property
    def name(self) -> str:
        return f"{self.file}: {self.operator}: {self.site}"

    @property
    def step(self) -> str:
        return f"{self.file}: {self.site.partition(' ')[0]}"


Made = Iterator[tuple[str, str, set[int]] | tuple[str, str, set[int], str]]
"""The place in words, the broken text, the lines that may be named, and the code where it is not the operator's."""
OPERATORS: dict[str, tuple[str, Callable[[Source], Made], bool]] = {}
"""By name: the code, the function, and whether all of its mutants are wanted."""


def operator(code: str, *, every: bool = False) -> Callable[[Callable[[Source], Made]], Callable[[Source], Made]]:
    def register(make: Callable[[Source], Made]) -> Callable[[Source], Made]:
        OPERATORS[make.__name__] = (code, make, every)
        return make

    return register


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """All mutants of one playbook."""
    source = Source(text)
    for name, (code, make, every) in OPERATORS.items():
        found = [
            Mutant(file, name, site, more[0] if more else code, frozenset(lines), broken)
            for site, broken, lines, *more in make(source)
        ]
        assert all(item.text != text for item in found), name
        half = PER_OPERATOR // 2
        few = every or len(found) <= PER_OPERATOR
        yield from found if few else [*found[:half], *found[-(PER_OPERATOR - half) :]]


class Lines:
    """A text that is changed by its lines. Every change gives a new text."""

    def __init__(self, text: str) -> None:
        self.text, self.lines = text, text.split("\n")

    def flow(self, node: Tree) -> bool:
        """Whether it is written as {a: b}."""
        return self.lines[node.line - 1][node.column - 1 : node.column] in "{["

    def put(self, node: Tree, key: str, value: str) -> str:
        """The text with a key of a mapping set, and all that stood there gone."""
        if self.flow(node):
            line = self.lines[node.line - 1]
            if key in node.entries:
                raw = node.entries[key].text
                assert f"{key}: {raw}" in line or f'{key}: "{raw}"' in line
                changed = line.replace(f"{key}: {raw}", f"{key}: {value}").replace(f'{key}: "{raw}"', f"{key}: {value}")
            else:
                changed = line.rstrip().removesuffix("}") + f", {key}: {value}}}"
            return self.with_lines(node.line, node.line, [changed])
        if key not in node.entries:
            first = next(iter(node.keys.values()))
            return self.with_lines(first[0] + 1, first[0], [" " * (first[1] - 1) + f"{key}: {value}"])
        line, column = node.keys[key]
        before = self.lines[line - 1][: column - 1]
        return self.with_lines(line, self.end(line, column), [f"{before}{key}: {value}"])

    def without(self, node: Tree, *names: str) -> str:
        """The text without some keys of a mapping that is written line by line."""
        gone: set[int] = set()
        for key in names:
            if key in node.keys:
                line, column = node.keys[key]
                gone |= set(range(line, self.end(line, column) + 1))
        return "\n".join(line for number, line in enumerate(self.lines, 1) if number not in gone)

    def without_item(self, node: Tree) -> str:
        """The text without an item of a list that is written line by line."""
        return self.with_lines(node.line, self.end(node.line, node.column - 2), [])

    def scalar(self, node: Tree, value: str) -> str:
        """The text with one scalar replaced that stands on one line."""
        line = self.lines[node.line - 1]
        rest = line[node.column - 1 :]
        raw = next((text for text in (node.text, f'"{node.text}"', f"'{node.text}'") if rest.startswith(text)), None)
        assert raw is not None, rest
        return self.with_lines(node.line, node.line, [line[: node.column - 1] + value + rest[len(raw) :]])

    def end(self, line: int, column: int) -> int:
        """The last line of what begins at a place: all that is indented further belongs to it."""
        last = line
        for number in range(line + 1, len(self.lines) + 1):
            text = self.lines[number - 1]
            if text.strip() and len(text) - len(text.lstrip()) < column:
                break
            if text.strip() and not text.lstrip().startswith("#"):
                last = number
        return last

    def with_lines(self, first: int, last: int, lines: list[str]) -> str:
        return "\n".join([*self.lines[: first - 1], *lines, *self.lines[last:]])


class Source(Lines):
    """A playbook as text, as a tree, and as it is meant."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        problems = Problems()
        (self.tree,) = tree.parse("x", text.encode(), problems)
        self.playbook: Playbook = read_playbook(Node("x", self.tree, problems), References())[0]
        assert not len(problems)
        self.model = {step.id: step for step in self.playbook.steps}
        self.steps = [step for step in _steps(self.tree) if step.entries["id"].text in self.model]

    def of(self, step: Tree) -> Step:
        return self.model[step.entries["id"].text]

    def checks(self) -> Iterator[tuple[Tree, str]]:
        """Every check that is written on one line, and what is read."""
        for step in self.steps:
            found = [step.entries[key] for key in ("verify",) if key in step.entries]
            found += step.entries["look_at"].items if "look_at" in step.entries else []
            found += [option.entries["when"] for option in _options(step) if "when" in option.entries]
            for check in found:
                if check.kind is Kind.TEXT:
                    yield check, check.text.split()[0]

    def decisions(self) -> Iterator[Tree]:
        return (step for step in self.steps if self.of(step).kind is StepKind.DECISION)

    def before(self, step: Tree) -> Tree | None:
        """The step before it in the same list, where that one leads here in order and nowhere else."""
        index = self.steps.index(step)
        if index == 0:
            return None
        before = self.steps[index - 1]
        own, other = self.of(step), self.of(before)
        apart = own.checklist != other.checklist or own.group or other.group or other.parallel
        chosen = other.kind in (StepKind.DECISION, StepKind.APPROVAL)
        jumps = any(reaction.do in (Do.GOTO, Do.ABORT, Do.GO_ON) for reaction in other.reactions)
        return None if apart or chosen or jumps else before


def _steps(node: Tree) -> Iterator[Tree]:
    for key in ("checklists", "steps"):
        for item in node.entries[key].items if key in node.entries else ():
            if key == "steps" and "steps" not in item.entries:
                yield item
            yield from _steps(item)


def _options(step: Tree) -> list[Tree]:
    return step.entries["options"].items if "options" in step.entries else []


def _id(node: Tree) -> str:
    return node.entries["id"].text


def _at(text: str, step_id: str, *names: str) -> set[int]:
    """The line of a step, or of a key of it, in a text that may be broken. By its lines: reading thousands of trees
    would take most of the time."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        found = re.fullmatch(rf"( *)- id: {re.escape(step_id)} *(#.*)?", line)
        keys = _keys(lines, number, f"{found[1]}  ") if found else {}
        if "challenge" in keys:  # a list or an option may have the same id
            return {keys[names[0]]} if names else {number}
    raise AssertionError(f"no step {step_id}")


def _keys(lines: list[str], start: int, blanks: str) -> dict[str, int]:
    """The keys of a mapping that goes on below a line, by what they are indented."""
    found: dict[str, int] = {}
    for number, line in enumerate(lines[start:], start + 1):
        if line.strip() and not line.startswith(blanks):
            break
        key = re.match(r"[a-z_]+(?=:)", line[len(blanks) :])
        if key:
            found[key[0]] = number
    return found


# --- names -----------------------------------------------------------------------------------------------------------


@operator("PB106")
def goto_nowhere(p: Source) -> Made:
    for step in p.steps:
        for node in _gotos(step):
            yield f"{_id(step)} to {node.text}", p.scalar(node, "nowhere-at-all"), {node.line}


def _gotos(node: Tree) -> Iterator[Tree]:
    if "goto" in node.entries:
        yield node.entries["goto"]
    for item in (*node.entries.values(), *node.items):
        yield from _gotos(item)


@operator("PB101")
def unknown_role(p: Source) -> Made:
    for step in p.steps:
        for key in ("owner", "role"):
            if key in step.entries:
                yield f"{_id(step)} {key}", p.scalar(step.entries[key], "wizard"), {step.entries[key].line}


@operator("PB103")
def unknown_reading(p: Source) -> Made:
    for check, name in p.checks():
        broken = check.text.replace(name, name.partition(".")[0] + ".nothing", 1)
        yield f"line {check.line}, {name}", p.scalar(check, broken), {check.line}


@operator("PB104")
def unknown_channel(p: Source) -> Made:
    for step in p.steps:
        for node in _under(step, "channel", "notify"):
            yield f"{_id(step)} {node.text}", p.scalar(node, "slack.nobody"), {node.line}


def _under(node: Tree, *names: str) -> Iterator[Tree]:
    for key, item in node.entries.items():
        if key in names and item.kind is Kind.TEXT:
            yield item
        yield from _under(item, *names)
    for item in node.items:
        yield from _under(item, *names)


@operator("PB102")
def unknown_playbook(p: Source) -> Made:
    for step in p.steps:
        for node in _under(step, "playbook"):
            yield f"{_id(step)} {node.text}", p.scalar(node, "no-such-playbook"), {node.line}


@operator("PB105")
def unknown_flag(p: Source) -> Made:
    for step in p.steps:
        for node in _under(step, "flag"):
            yield f"{_id(step)} {node.text}", p.scalar(node, "no-such-flag"), {node.line}


@operator("PB107")
def undeclared_variable(p: Source) -> Made:
    for step in p.steps:
        broken = p.put(step, "challenge", json.dumps(step.entries["challenge"].text + " Look at {{nowhere}}."))
        yield _id(step), broken, _at(broken, _id(step), "challenge")


@operator("PB108")
def unused_variable(p: Source) -> Made:
    if "variables" in p.tree.entries:
        line = p.tree.keys["variables"][0]
        yield "beside others", p.with_lines(line + 1, line, ['  never_used: {type: integer, default: "1"}']), {line + 1}
    else:
        line = p.tree.keys["checklists" if "checklists" in p.tree.keys else "steps"][0]
        lines = ["variables:", '  never_used: {type: integer, default: "1"}']
        yield "alone", p.with_lines(line, line - 1, lines), {line + 1}


def _queries(p: Source) -> Iterator[tuple[Tree, Tree]]:
    """Mappings that hold a query, each with the step."""

    def below(node: Tree) -> Iterator[Tree]:
        if "query" in node.entries:
            yield node
        for item in (*node.entries.values(), *node.items):
            yield from below(item)

    for step in p.steps:
        yield from ((step, node) for node in below(step))


@operator("PB109")
def query_syntax(p: Source) -> Made:
    """A bracket is lost, as it is when somebody shortens a query in a hurry."""
    for step, node in _queries(p):
        query = " ".join(node.entries["query"].text.split())
        broken = "".join(query.rsplit(")", 1)) if ")" in query else f"{query} +"
        yield f"{_id(step)} line {node.line}", p.put(node, "query", json.dumps(broken)), {node.keys["query"][0]}


@operator("PB109")
def query_of_nothing(p: Source) -> Made:
    for step, node in _queries(p):
        yield f"{_id(step)} line {node.line}", p.put(node, "query", "1 + 1"), {node.keys["query"][0]}


@operator("PB110")
def dead_link(p: Source) -> Made:
    for step in p.steps:
        for key in ("challenge", "undo"):
            if key in step.entries:
                broken = p.put(step, key, json.dumps(step.entries[key].text + " See [it](runbooks/nowhere.md)."))
                yield f"{_id(step)} {key}", broken, _at(broken, _id(step), key)


# --- ways ------------------------------------------------------------------------------------------------------------


@operator("PB203", every=True)
def dropped_branch(p: Source) -> Made:
    """With two options it is the reader that sees it; where every option has a condition, the gap; where a step is
    led to by this option alone, the step. What is left, nobody but its author can know."""
    for step in p.decisions():
        options = _options(step)
        for option in options:
            alone = p.flow(option)
            broken = p.with_lines(option.line, option.line, []) if alone else p.without_item(option)
            site = f"{_id(step)} without {_id(option)}"
            whens = [item for item in options if "when" in item.entries]
            decision = _at(broken, _id(step), "options")
            if len(options) == 2:
                yield site, broken, {line + plus for line in decision for plus in (0, 1)}, "PB001"
            elif len(whens) >= len(options) - ("when" not in option.entries):
                yield site, broken, decision | _whens(broken, _id(step))
            elif "goto" in option.entries and _only_way(p, option.entries["goto"]):
                yield site, broken, _at(broken, option.entries["goto"].text), "PB201"
            else:
                yield site, broken, decision


def _whens(text: str, step_id: str) -> set[int]:
    (document,) = tree.parse("x", text.encode(), Problems())
    step = next(item for item in _steps(document) if _id(item) == step_id)
    return {line for option in _options(step) if "when" in option.keys for line in _span(option)}


def _span(option: Tree) -> range:
    """The lines of a condition, be it a mapping or a text."""
    node = option.entries["when"]
    return range(option.keys["when"][0], max([node.line, *(item.line for item in node.entries.values())]) + 1)


def _only_way(p: Source, goto: Tree) -> bool:
    """Whether nothing else leads to what it leads to."""
    target = next((step for step in p.steps if _id(step) == goto.text), None)
    if target is None:
        return False
    others = [node for step in p.steps for node in _gotos(step) if node.text == goto.text]
    index = p.steps.index(target)
    before = p.steps[index - 1] if index else None
    in_order = (
        before is None
        or p.of(before).kind is not StepKind.DECISION
        or any(not {"goto", "playbook"} & option.entries.keys() for option in _options(before))
    )
    same_list = before is not None and p.of(before).checklist == p.of(target).checklist
    return len(others) == 1 and not in_order and same_list


@operator("PB202")
def same_place(p: Source) -> Made:
    """Every option leads where the first one does."""
    for step in p.decisions():
        options = _options(step)
        if all("goto" in option.entries for option in options):
            text = p.text
            for index in range(1, len(options)):
                text = Lines(text).scalar(options[index].entries["goto"], options[0].entries["goto"].text)
            yield _id(step), text, {step.keys["options"][0]}


_BOUND = re.compile(r"(<=|>=|<|>)(\s*)([-+]?\d+(?:\.\d+)?)")


def _bounds(p: Source) -> Iterator[tuple[str, str, Tree, set[int]]]:
    """Bounds of decisions whose options all look at one reading in two directions: the sign, where, the scalar."""
    for step in p.decisions():
        options = p.of(step).options
        if not all(option.when for option in options) or len({o.when.reading for o in options if o.when}) != 1:
            continue
        lines = {line for option in _options(step) for line in _span(option)}
        for option, node in zip(options, _options(step), strict=True):
            when = node.entries["when"]
            scalar = when.entries["expect"] if when.kind is Kind.MAPPING else when
            found = _BOUND.search(scalar.text)
            others = {other.when.op[0] for other in options if other is not option and other.when}
            if found and option.when is not None and others & ({"<"} if found[1][0] == ">" else {">"}):
                yield found[1], f"{_id(step)} {option.id}", scalar, lines


def _moved(p: Source, scalar: Tree, by: int) -> str:
    def move(found: re.Match[str]) -> str:
        value = float(found[3])
        return f"{found[1]}{found[2]}{value + by * (1 + abs(value) / 2):g}"

    return p.scalar(scalar, json.dumps(_BOUND.sub(move, scalar.text)))


@operator("PB203")
def gap(p: Source) -> Made:
    for sign, site, scalar, lines in _bounds(p):
        yield site, _moved(p, scalar, 1 if sign[0] == ">" else -1), lines


@operator("PB204")
def overlap(p: Source) -> Made:
    for sign, site, scalar, lines in _bounds(p):
        yield site, _moved(p, scalar, -1 if sign[0] == ">" else 1), lines


@operator("PB205")
def endless_loop(p: Source) -> Made:
    """When it is late, it goes back to the step before, and from there on here again."""
    for step in p.steps:
        before, own = p.before(step), p.of(step)
        if before is not None and own.timebox is not None and not own.parallel and own.kind is not StepKind.DECISION:
            broken = p.put(step, "on_overdue", f"{{goto: {_id(before)}}}")
            yield f"{_id(step)} back to {_id(before)}", broken, _at(broken, _id(step), "on_overdue")


@operator("PB206")
def loop_without_exit(p: Source) -> Made:
    """Every option leads back to the step before."""
    for step in p.decisions():
        before = p.before(step)
        leaves = any(reaction.do in (Do.GOTO, Do.ABORT) for reaction in p.of(step).reactions)
        if before is None or leaves or p.flow(_options(step)[0]):
            continue
        options = [f'{{id: {_id(item)}, label: "x", goto: {_id(before)}}}' for item in _options(step)]
        line, column = step.keys["options"]
        lines = [" " * (column - 1) + "options:", *(" " * (column + 1) + f"- {item}" for item in options)]
        broken = p.with_lines(line, p.end(line, column), lines)
        yield _id(step), broken, set(range(line + 1, line + 1 + len(options)))


@operator("PB201")
def orphan(p: Source) -> Made:
    """A step where nothing passes: behind a decision whose options all lead elsewhere."""
    for step in p.decisions():
        options = _options(step)
        if all({"goto", "playbook"} & option.entries.keys() for option in options):
            last, blanks = p.end(step.line, step.column - 2), " " * (step.column - 3)
            lines = [
                f"{blanks}- id: never-reached",
                f"{blanks}  title: Never reached",
                f"{blanks}  challenge: Read the number of the house.",
                f"{blanks}  response: The number, such as 12",
                f"{blanks}  timebox: 1s",
            ]
            yield f"behind {_id(step)}", p.with_lines(last + 1, last, lines), {last + 1}


@operator("PB208")
def parallel_at_the_end(p: Source) -> Made:
    step = p.steps[-1]
    own = p.of(step)
    if p.playbook.steps[-1] is own and not own.group and own.kind not in (StepKind.DECISION, StepKind.APPROVAL):
        broken = p.put(step, "parallel", "true")
        yield _id(step), broken, _at(broken, _id(step), "parallel")


# --- times -----------------------------------------------------------------------------------------------------------


def _seconds(length: timedelta) -> str:
    return f"{int(length.total_seconds())}s"


@operator("PB301")
def timebox_beyond_objective(p: Source) -> Made:
    if p.playbook.objective is not None:
        for step in p.steps:
            if "timebox" in step.entries:
                text = _seconds(p.playbook.objective[1] + timedelta(minutes=1))
                yield _id(step), p.scalar(step.entries["timebox"], text), {step.entries["timebox"].line}


@operator("PB301")
def objective_too_short(p: Source) -> Made:
    """As long as the longest step alone: what is before or after it has no time left."""
    times = [step.timebox for step in p.playbook.steps if step.timebox is not None]
    if "objective" in p.tree.entries and len(times) > 1:
        node = p.tree.entries["objective"]
        text = p.scalar(node.entries["at_least"], "1s")
        yield "at_most", Lines(text).scalar(node.entries["at_most"], _seconds(max(times))), {node.keys["at_most"][0]}


@operator("PB303")
def no_limit(p: Source) -> Made:
    for step in p.steps:
        if p.of(step).kind in OBSERVED and (p.of(step).kind is not StepKind.WAIT or "verify" in step.entries):
            broken = p.without(step, "timebox", "on_overdue")
            yield _id(step), broken, _at(broken, _id(step))


@operator("PB307")
def no_timebox(p: Source) -> Made:
    for step in p.steps:
        if p.of(step).kind not in OBSERVED | {StepKind.PLAYBOOK}:
            broken = p.without(step, "timebox", "on_overdue")
            yield _id(step), broken, _at(broken, _id(step))


@operator("PB304")
def nothing_at_the_limit(p: Source) -> Made:
    for step in p.steps:
        if p.of(step).kind in OBSERVED and p.of(step).on_overdue:
            broken = p.without(step, "on_overdue")
            yield _id(step), broken, _at(broken, _id(step)) | _at(broken, _id(step), "timebox")


@operator("PB305")
def held_for_too_long(p: Source) -> Made:
    for step in p.steps:
        own, verify = p.of(step), step.entries.get("verify")
        if own.timebox is None or own.verify is None or not own.verify.hold:
            continue
        longer = _seconds(own.timebox + timedelta(seconds=30))
        if verify is not None and verify.kind is Kind.TEXT:
            text = verify.text.rpartition(" ")[0] + " " + longer
            yield _id(step), p.scalar(verify, text), {verify.line}
        else:
            node = (verify or step).entries["for"]
            yield _id(step), p.scalar(node, longer), {node.line}


@operator("PB306")
def program_outlives_step(p: Source) -> Made:
    for step in p.steps:
        timebox = p.of(step).timebox
        if p.of(step).kind is StepKind.COMMAND and timebox is not None:
            broken = p.put(step, "timeout", _seconds(timebox + timedelta(seconds=30)))
            yield _id(step), broken, _at(broken, _id(step), "timeout")


# --- people and proofs -----------------------------------------------------------------------------------------------


@operator("PB402")
def lone_approver(p: Source) -> Made:
    for step in p.steps:
        if p.of(step).kind is StepKind.APPROVAL:
            yield _id(step), p.scalar(step.entries["role"], "subject-matter expert"), {step.entries["role"].line}


@operator("PB501")
def nothing_verifies(p: Source) -> Made:
    for step in p.steps:
        if p.of(step).kind in (StepKind.COMMAND, StepKind.FLAG) and "verify" in step.entries:
            broken = p.without(step, "verify")
            yield _id(step), broken, _at(broken, _id(step))


@operator("PB502")
def critical_without_failure(p: Source) -> Made:
    for step in p.steps:
        own = p.of(step)
        if own.kind in ACTING | OBSERVED and "on_failure" in step.entries:
            now = Source(p.without(step, "on_failure"))
            same = next(item for item in now.steps if _id(item) == _id(step))
            broken = now.put(same, "critical", "true")
            yield _id(step), broken, _at(broken, _id(step), "critical")


@operator("PB503")
def irreversible_alone(p: Source) -> Made:
    for step in p.steps:
        if p.of(step).irreversible and "second_person" in step.entries:
            broken = p.without(step, "second_person")
            yield _id(step), broken, _at(broken, _id(step), "confirm")


@operator("PB504")
def skipped_without_a_word(p: Source) -> Made:
    for step in p.steps:
        if p.of(step).irreversible or p.of(step).critical:
            broken = p.put(step, "skip_needs_reason", "false")
            yield _id(step), broken, _at(broken, _id(step), "skip_needs_reason")


# --- words and upkeep ------------------------------------------------------------------------------------------------


@operator("PB601")
def empty_response(p: Source) -> Made:
    for index, step in enumerate(p.steps):
        word = ("Checked", "Done", "OK", "It is verified", "Yes, everything looks good")[index % 5]
        broken = p.put(step, "response", word)
        yield f"{_id(step)}: {word}", broken, _at(broken, _id(step), "response")


@operator("PB602")
def challenge_twice(p: Source) -> Made:
    for before, step in zip(p.steps, p.steps[1:], strict=False):
        if p.of(before).checklist == p.of(step).checklist:
            broken = p.put(step, "challenge", json.dumps(p.of(before).challenge))
            yield f"{_id(step)} as {_id(before)}", broken, _at(broken, _id(step), "challenge")


@operator("PB604")
def no_completion_call(p: Source) -> Made:
    yield from _without_key(p, "completion_call")


@operator("PB605")
def no_pause_point(p: Source) -> Made:
    yield from _without_key(p, "pause_point")


def _without_key(p: Source, key: str) -> Made:
    lists = p.tree.entries["checklists"].items if "checklists" in p.tree.entries else []
    jumps = {node.text for step in p.steps for node in _gotos(step)}
    for item in lists if len(lists) > 1 else ():
        if key in item.entries and f"{_id(item)}-complete" not in jumps:
            yield _id(item), p.without(item, key), {item.line}


@operator("PB701")
def reviewed_long_ago(p: Source) -> Made:
    node = p.tree.entries["reviewed"]
    yield "2019", p.scalar(node, "2019-01-01"), {node.line}


@operator("PB702")
def reviewed_tomorrow(p: Source) -> Made:
    node = p.tree.entries["reviewed"]
    yield "2199", p.scalar(node, "2199-01-01"), {node.line}


@operator("PB703")
def matches_nothing(p: Source) -> Made:
    if "match" in p.tree.entries and any("alertname" in item.text for item in p.tree.entries["match"].items):
        node = p.tree.entries["match"]
        line, column = node.items[-1].line, node.items[-1].column
        if not p.flow(node):
            added = " " * (column - 3) + '- alertname="SomethingElse"'
            yield "alertname", p.with_lines(line + 1, line, [added]), {*(item.line for item in node.items), line + 1}


# --- what the reader sees --------------------------------------------------------------------------------------------


@operator("PB001")
def same_id(p: Source) -> Made:
    for before, step in zip(p.steps, p.steps[1:], strict=False):
        yield f"{_id(step)} as {_id(before)}", p.scalar(step.entries["id"], _id(before)), {step.entries["id"].line}


@operator("PB001")
def misspelt_key(p: Source) -> Made:
    for step in p.steps:
        if "timebox" in step.keys and not p.flow(step):
            line, _ = step.keys["timebox"]
            changed = p.lines[line - 1].replace("timebox:", "timbox:", 1)
            yield _id(step), p.with_lines(line, line, [changed]), {line}


@operator("PB001")
def leads_to_itself(p: Source) -> Made:
    for step in p.steps:
        for node in _gotos(step):
            yield _id(step), p.scalar(node, _id(step)), {node.line}
