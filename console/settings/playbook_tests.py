"""`playbooks/tests/*.yaml`: tables of answers, and what a playbook must come to with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import nan
from pathlib import Path

from console.model.people import Severity
from console.model.playbook import Playbook, StepKind
from console.model.reading import Reading, ReadingState, missing
from console.model.run import RunStatus, StepStatus
from console.settings import tree
from console.settings.nodes import Fields, Node, header
from console.settings.problems import Problem, Problems, one_of, shown
from console.settings.tree import Kind

FOLDER = "tests"
"""Beside the playbooks."""
SOURCE = "table"


class Act(StrEnum):
    """What an answer does."""

    OBSERVED = "observed"
    """Completes a step, a decision or an approval too."""
    RUN = "run"
    """Has the console carry it out: a program, a flag, a notice."""
    FAIL = "fail"
    SKIP = "skip"
    EXPIRE = "expire"
    RETRY = "retry"
    CONFIRM = "confirm"
    TAKE = "take"
    CHILD = "child"
    """Ends the run of the playbook that the step has called: its own steps have a table of their own."""
    AFTER = "after"
    WORLD = "world"
    """What is read, or what programs come to, changes."""
    HOLD = "hold"
    RESUME = "resume"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Told:
    """What a program, a flag or a channel does when a step is carried out, and how the world is afterwards. `refused`,
    `stopped` and `unknown`: it was not taken, a program was ended before it was done, nobody answered. `changes` is
    None where the table does not say."""

    exit: int = 0
    output: str = ""
    refused: str = ""
    stopped: str = ""
    unknown: bool = False
    changes: Mapping[str, Reading[float]] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of a table. `place` is `file:line`."""

    place: str
    act: Act
    step: str = ""
    text: str = ""
    option: str = ""
    typed: str | None = None
    override: str = ""
    break_glass: str = ""
    reason: str = ""
    by: str = ""
    refused: str | None = None
    """Words of the refusal that it must meet."""
    after: timedelta = timedelta(0)
    readings: Mapping[str, Reading[float]] = field(default_factory=dict)
    programs: Mapping[str, tuple[Told, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case must come to. None: it does not matter."""

    outcome: RunStatus
    next: str = ""
    steps: Mapping[str, StepStatus] = field(default_factory=dict)
    overdue: frozenset[str] | None = None
    escalated: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One night."""

    place: str
    name: str
    severity: Severity
    alerts: tuple[Mapping[str, str], ...]
    """By their labels; none: such as the playbook is for."""
    roles: Mapping[str, str]
    """Who holds which role; the others are held by whoever acts in them."""
    variables: Mapping[str, str]
    readings: Mapping[str, Reading[float]]
    programs: Mapping[str, tuple[Told, ...]]
    answers: tuple[Answer, ...]
    expected: Expected


@dataclass(frozen=True, slots=True)
class PlaybookTest:
    """The cases of one file."""

    file: str
    playbook: str
    cases: tuple[Case, ...]


def read_tests(folder: Path, playbooks: Mapping[str, Playbook]) -> tuple[PlaybookTest, ...]:
    """The tables of a folder, by file name; none where there is no such folder. Raises ConfigError with every
    problem."""
    problems, found = Problems(), []
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return ()
    except OSError as error:
        what = f"a folder that cannot be read ({error.strerror})"
        problems.add(Problem(str(folder), 1, 1, "(folder)", what, "a folder of YAML files"))
        names = []
    for name in names:
        if not name.endswith((".yaml", ".yml")) or name.startswith("."):
            continue
        documents, _ = tree.read(folder / name, problems)
        for extra in documents[1:]:
            Node(str(folder / name), extra, problems).refuse("a second document", "one table in a file")
        if documents:
            found.append(read_test(Node(str(folder / name), documents[0], problems), playbooks))
    problems.check()
    return tuple(found)


def read_test(node: Node, playbooks: Mapping[str, Playbook]) -> PlaybookTest:
    """One file. Every step and option in it must be there in the playbook."""
    fields = node.mapping("apiVersion", "kind", "playbook", "cases")
    header(fields, "PlaybookTest")
    name = fields["playbook"].name("the name of a playbook")
    playbook = playbooks.get(name)
    if name and playbook is None:
        fields["playbook"].refuse(shown(name), one_of(tuple(playbooks), name))
    places = fields["cases"].sequence("a list of cases", least=1)
    cases = tuple(_Reader(playbook).case(place) for place in places)
    return PlaybookTest(node.file, name, cases)


_OUTCOMES = {status.value: status for status in RunStatus}
_STATUSES = {status.value: status for status in StepStatus}
_SEVERITIES = {severity.value: severity for severity in Severity}
_YES = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_ACTS: Mapping[str, Act] = {
    **{act.value: act for act in Act if act is not Act.WORLD},
    "option": Act.OBSERVED,
    "approve": Act.OBSERVED,
    "set": Act.RUN,
    "send": Act.RUN,
    "readings": Act.WORLD,
    "programs": Act.WORLD,
}
"""The key that says what an answer does."""
_WITHOUT_STEP = frozenset({Act.AFTER, Act.WORLD, Act.HOLD, Act.RESUME, Act.ABORT})
_ANSWER = (
    "step", *_ACTS, "typed", "override", "break_glass", "reason", "by", "refused",
)  # fmt: skip


class _Reader:
    """Reads cases of one playbook; None: one that is not there."""

    def __init__(self, playbook: Playbook | None) -> None:
        self._playbook = playbook

    def case(self, node: Node) -> Case:
        fields = node.mapping("name", "incident", "variables", "readings", "programs", "answers", "expect")
        about = fields["incident"].mapping("severity", "alerts", "roles")
        severity = next(iter(self._playbook.severities), Severity.SEV3) if self._playbook else Severity.SEV3
        alerts = about["alerts"].sequence("a list of alerts, each by its labels", required=False)
        variables = {item.name for item in self._playbook.variables} if self._playbook else set()
        for key, _ in fields["variables"].open_mapping().items():
            if self._playbook is not None and key not in variables:
                place = fields["variables"].open_mapping().key(key)
                place.refuse(shown(key), f"a variable of the playbook: {one_of(sorted(variables), key)}")
        answers = fields["answers"].sequence("a list of answers", required=False)
        return Case(
            f"{node.file}:{node.tree.line}",
            fields["name"].text("what the case shows"),
            about["severity"].choice(_SEVERITIES, default=severity),
            tuple({key: place.text() for key, place in alert.open_mapping().items()} for alert in alerts),
            {key: place.text() for key, place in about["roles"].open_mapping().items()},
            {key: place.text() for key, place in fields["variables"].open_mapping().items()},
            _readings(fields["readings"]),
            self._programs(fields["programs"]),
            tuple(self._answer(place) for place in answers),
            self._expected(fields["expect"]),
        )

    def _known(self, place: Node, step: str) -> str:
        if self._playbook is not None and step:
            ids = [item.id for item in self._playbook.steps]
            if step not in ids:
                place.refuse(shown(step), f"a step of the playbook: {one_of(ids, step)}")
        return step

    def _programs(self, node: Node) -> dict[str, tuple[Told, ...]]:
        found = {}
        for step, place in node.open_mapping().items():
            self._known(node.open_mapping().key(step), step)
            found[step] = tuple(map(_told, place.one_or_more("what comes of it, or a list of that")))
        return found

    def _answer(self, node: Node) -> Answer:
        fields = node.mapping(*_ANSWER)
        acts = [key for key in node.tree.entries if key in _ACTS]
        kinds = {_ACTS[key] for key in acts}
        act = _ACTS[acts[0]] if acts else Act.OBSERVED
        if len(kinds) > 1 and not (kinds == {Act.OBSERVED} or kinds == {Act.WORLD}):
            second = next(key for key in acts if _ACTS[key] is not act)
            fields.key(second).refuse("a second answer", "one thing done in each answer")
        if act in _WITHOUT_STEP:
            if "step" in fields:
                fields.key("step").refuse(f"a step beside `{acts[0]}`", "no step there")
        elif not acts and not fields["step"].present:
            node.refuse("no answer", f"a step with its answer, or one of {', '.join(_WITHOUT_STEP)}")
        text = ""
        for key in ("observed", "fail", "skip", "expire", "take", "hold", "resume", "abort"):
            if key in fields:
                text = fields[key].text()
        for key in ("run", "set", "send", "retry", "confirm"):
            if key in fields:
                fields[key].choice({"true": True})
        if "approve" in fields:
            text = fields["approve"].choice(_YES)
        if "child" in fields:
            text = fields["child"].choice({item.value: item.value for item in (RunStatus.COMPLETED, RunStatus.ABORTED)})
        needs = act not in _WITHOUT_STEP
        step = self._known(fields["step"], fields["step"].name("the id of a step") if needs else "")
        return Answer(
            f"{node.file}:{node.tree.line}",
            act,
            step,
            text or ("ok" if act is Act.OBSERVED else ""),
            self._option(fields, step),
            fields["typed"].text() if "typed" in fields else None,
            fields["override"].text(default=""),
            fields["break_glass"].text(default=""),
            fields["reason"].text(default=""),
            fields["by"].text("a name", default=""),
            fields["refused"].text("words of the refusal") if "refused" in fields else None,
            fields["after"].duration() if "after" in fields else timedelta(0),
            _readings(fields["readings"]),
            self._programs(fields["programs"]) if "programs" in fields else {},
        )

    def _option(self, fields: Fields, step: str) -> str:
        option = fields["option"].name("the id of an option", default="")
        if self._playbook is None or not any(item.id == step for item in self._playbook.steps):
            return option
        found = self._playbook.step(step)
        ids = [item.id for item in found.options]
        if option and option not in ids:
            fields["option"].refuse(shown(option), f"an option of {step}: {one_of(ids, option)}")
        elif not option and found.kind is StepKind.DECISION and "observed" in fields:
            fields.key("observed").refuse("no option", f"`option` beside it: {one_of(ids)}")
        return option

    def _expected(self, node: Node) -> Expected:
        fields = node.mapping("outcome", "next", "steps", "overdue", "escalated")
        for key, _ in fields["steps"].open_mapping().items():
            self._known(fields["steps"].open_mapping().key(key), key)
        late = fields["overdue"].sequence("a list of steps", required=False)
        outcome = fields["outcome"].choice(_OUTCOMES)
        if "next" in fields and outcome is not RunStatus.CONTINUED:
            fields.key("next").refuse(f"`next` with the outcome {outcome}", "it with the outcome continued alone")
        return Expected(
            outcome,
            fields["next"].name("the name of a playbook", default=""),
            {key: place.choice(_STATUSES) for key, place in fields["steps"].open_mapping().items()},
            frozenset(self._known(place, place.name()) for place in late) if "overdue" in fields else None,
            _count(fields["escalated"]) if "escalated" in fields else None,
        )


def _told(node: Node) -> Told:
    fields = node.mapping("exit", "output", "refused", "stopped", "unknown", "changes")
    return Told(
        _count(fields["exit"]) if "exit" in fields else 0,
        fields["output"].text(default=""),
        fields["refused"].text(default=""),
        fields["stopped"].text(default=""),
        fields["unknown"].boolean(default=False),
        _readings(fields["changes"]) if "changes" in fields else None,
    )


def _count(node: Node) -> int:
    value = node.number("a whole number from 0 to 255", least=0, most=255)
    if value != value or value != int(value):
        if value == value:
            node.refuse(shown(node.tree.text), "a whole number from 0 to 255")
        return 0
    return int(value)


_WORDS: Mapping[str, Callable[[], Reading[float]]] = {
    "none": lambda: missing(ReadingState.NO_DATA, SOURCE, "no data in the table"),
    "unreachable": lambda: missing(ReadingState.UNREACHABLE, SOURCE, "unreachable in the table"),
    "nan": lambda: Reading(ReadingState.OK, nan, None, SOURCE),
}


def _readings(node: Node) -> dict[str, Reading[float]]:
    """Readings by name: a number, `none` (no data), `unreachable`, `nan`, or `stale N`."""
    return {name: _reading(place) for name, place in node.open_mapping().items()}


def _reading(node: Node) -> Reading[float]:
    text = node.tree.text.strip() if node.tree.kind is Kind.TEXT else ""
    if text in _WORDS:
        return _WORDS[text]()
    stale = text.startswith("stale ")
    if stale:
        words = tree.Tree(Kind.TEXT, node.path, node.tree.line, node.tree.column, text.removeprefix("stale ").strip())
        node = Node(node.file, words, node.problems)
    value = node.number(f"a number, `stale` and a number, or one of {', '.join(_WORDS)}")
    return Reading(ReadingState.STALE if stale else ReadingState.OK, value, None, SOURCE)


def untested(tests: Iterable[PlaybookTest], names: Iterable[str]) -> tuple[str, ...]:
    """The playbooks that no table is for."""
    known = {test.playbook for test in tests}
    return tuple(name for name in names if name not in known)
