"""The flow of a playbook: what is drawn leads where the playbook leads, and fits."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.flow import Way, edges, units
from console.model.playbook import Check, Do, OnFailure, Option, Playbook, Reaction, Step, StepKind
from console.settings.load import load
from console.view.graph import drawn
from console.view.line import Tone, line_width, words
from console.view.look import ASCII, UNICODE, Look
from console.view.mermaid import mermaid, quoted
from tests.servers import REPO

MINUTE = timedelta(minutes=1)


def playbook(*steps, title="Small"):
    return Playbook("small", title, (), "us", "2026-11-21", steps)


def step(name, kind=StepKind.MANUAL, **more):
    return Step(name, name.replace("-", " ").capitalize(), "do", "1", kind, timebox=MINUTE, **more)


def lines(found, width=80, marks=UNICODE):
    return [words(line) for line in drawn(found, width, Look(marks))]


SMALL = playbook(
    step("is-it-real"),
    step(
        "what-now",
        StepKind.DECISION,
        options=(
            Option("back", "Go back now", playbook="emergency-rollback"),
            Option("repair", "Stay and repair, because it is not that bad and goes by itself", goto="is-it-over"),
            Option("ask", "Ask somebody", goto="ask"),
        ),
    ),
    step("ask", StepKind.NOTIFY, on_failure=OnFailure(3, MINUTE, (Reaction(Do.ESCALATE),))),
    step("is-it-over", StepKind.WAIT, on_overdue=(Reaction(Do.ESCALATE), Reaction(Do.GOTO, "what-now"))),
)


def test_a_small_playbook():
    assert (
        "\n".join(lines(SMALL, 60))
        == """\
 1 Is it real                            manual, 1 min
   │
 2 What now                            decision, 1 min ◀┄┄┄┐
   ├─ Go back now ▶ emergency-rollback                     ┊
   ├─ Stay and repair, because it is not that bad and      ┊
   │  goes by itself ▶ 4 ────────────────────────────────┐ ┊
   ├─ Ask somebody ▶ 3                                   │ ┊
   │                                                     │ ┊
 3 Ask                                   notify, 1 min   │ ┊
   ┊ failed 3 times: escalate                            │ ┊
   │                                                     │ ┊
 4 Is it over                              wait, 1 min ◀─┘ ┊
   ┊ overdue: escalate, go ▶ 2 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┘
   │
   the end"""
    )


@cache
def library():
    return {loaded.playbook.name: loaded.playbook for loaded in load(REPO / "config").playbooks}


def followed(rows):
    """Where each line beside the steps leads: (row it leaves, number of the step it reaches)."""
    wide = max(map(len, rows))
    grid = [row.ljust(wide) for row in rows]
    reached = {}
    for index, row in enumerate(grid):
        found = re.search(r"◀([─┄┼]*)([┘┐┤])", row)
        if found:
            number = re.match(r" ?(\d+) ", row)
            reached[index, found.start(2)] = int(number[1])
    for index, row in enumerate(grid):
        found = re.search(r" ▶ (\d+) ([─┄┼]+)([┘┐┤])", row)
        if found is None:
            continue
        column = found.start(3)
        ends = set()
        for way in {"┘": (-1,), "┐": (1,), "┤": (-1, 1)}[found[3]]:
            at = index + way
            while (sign := grid[at][column]) in "│┊┼┤":
                if (at, column) in reached:
                    ends.add(reached[at, column])
                at += way
            if (at, column) in reached and sign in "┘┐":
                ends.add(reached[at, column])
        yield index, int(found[1]), ends


def judge(found, width):
    rows = lines(found, width)
    shown = drawn(found, width, Look(UNICODE))
    assert all(line_width(line) <= width for line in shown), max(map(line_width, shown))
    for _, wanted, ends in followed(rows):
        assert ends == {wanted}, "\n".join(rows)
    numbers = [int(line[0].text) for line in shown if line and line[0].tone is Tone.ACCENT]
    assert numbers == list(range(1, len(found.steps) + 1))
    assert all(line.isascii() for line in lines(found, width, ASCII))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_playbook_of_the_library_leads_where_it_leads(width):
    for found in library().values():
        judge(found, width)
        for edge in edges(found):
            if edge.playbook:
                assert any(row.rstrip(" ┊│").endswith(f"▶ {edge.playbook}") for row in lines(found, width))


IDS = [f"s{number}" for number in range(12)]


@st.composite
def playbooks(draw):
    ids = IDS[: draw(st.integers(1, 12))]
    target = st.sampled_from(ids)
    steps = []
    for name in ids:
        kind = draw(st.sampled_from([StepKind.MANUAL, StepKind.DECISION, StepKind.WAIT, StepKind.PLAYBOOK]))
        options = draw(
            st.lists(
                st.builds(
                    Option, st.just("x"), st.sampled_from(["a", "two words", "long " * 20]), target | st.just("")
                ),
                min_size=2,
                max_size=4,
            )
        )
        reactions = st.sampled_from([(), (Reaction(Do.ESCALATE),), (Reaction(Do.ABORT),)]) | target.map(
            lambda name: (Reaction(Do.GOTO, name),)
        )
        steps.append(
            Step(
                name,
                draw(st.sampled_from(["T", "A title " * 12])),
                "do",
                "1",
                kind,
                timebox=draw(st.sampled_from([None, MINUTE])),
                options=tuple(options) if kind is StepKind.DECISION else (),
                on_overdue=draw(reactions),
                call="other" if kind is StepKind.PLAYBOOK else "",
                group=draw(st.sampled_from(["", "", "g"])),
                confirm=draw(st.sampled_from(["", "GO {target}"])),
            )
        )
    return playbook(*steps)


@settings(max_examples=60, deadline=None)
@given(found=playbooks(), width=st.integers(60, 120))
def test_whatever_leads_anywhere_is_drawn(found, width):
    judge(found, width)
    flowchart(mermaid(found), found)


# --- Mermaid ---------------------------------------------------------------------------------------------------------

_LABEL = r'"(?:[^"\\{}\[\]|;#<>&`%]|#\d+;)*"'
_NODE = re.compile(
    rf"([a-z]+\d*)(?:\[{_LABEL}\]|\(\[{_LABEL}\]\)|\{{{_LABEL}\}}|\{{\{{{_LABEL}\}}\}}|\[\[{_LABEL}\]\]|\[/{_LABEL}/\])"
)
_EDGE = re.compile(rf"([a-z]+\d*) (?:-->|-\.->|---)(?:\|{_LABEL}\|)? ([a-z]+\d*)")


def flowchart(text, found):
    """Reads the whole text as Mermaid's grammar has it, as far as it is used here."""
    head, start, *rest = text.splitlines()
    assert head == "flowchart TD"
    nodes, ends, depth = {"start"}, [], 0
    assert re.fullmatch(rf"  start\(\[{_LABEL}\]\) --> s1", start)
    for line in rest:
        line = line.strip()
        if re.fullmatch(rf"subgraph [cg]\d+\[{_LABEL}\]", line):
            depth += 1
        elif line == "end":
            depth -= 1
        elif (node := _NODE.fullmatch(line)) is not None:
            assert node[1] not in nodes
            nodes.add(node[1])
        else:
            edge = _EDGE.fullmatch(line)
            assert edge is not None, line
            ends.append((edge[1], edge[2]))
    assert depth == 0
    assert {name for pair in ends for name in pair} <= nodes
    called = [step for step in found.steps if step.call]
    assert len(ends) == len(list(edges(found))) + len(called)
    assert len([name for name in nodes if re.fullmatch(r"s\d+", name)]) == len(found.steps)


def test_the_library_as_flowcharts():
    for found in library().values():
        flowchart(mermaid(found), found)


def test_a_label_is_only_a_label():
    hostile = 'x"]; click s1 "javascript:alert(1)" %%{init: {}}%% <img src=x onerror=1> #quot; `a` | end'

    assert re.fullmatch(_LABEL, quoted(hostile))
    flowchart(mermaid(playbook(step("a"), title=hostile)), playbook(step("a")))


# --- the ways --------------------------------------------------------------------------------------------------------


def test_steps_that_start_together_are_one():
    found = playbook(step("a"), step("b", group="g"), step("c", group="g"), step("d"))

    assert [[item.id for item in unit] for unit in units(found)] == [["a"], ["b", "c"], ["d"]]
    assert {(edge.source, edge.target) for edge in edges(found)} == {("a", "b"), ("b", "d"), ("c", "d"), ("d", "")}


def test_reactions_are_ways_of_their_own():
    ways = [(edge.source, edge.target, edge.way) for edge in edges(SMALL) if edge.source == "is-it-over"]

    assert ways == [("is-it-over", "", Way.ORDER), ("is-it-over", "what-now", Way.REACTION)]
    assert Check("a", "<", 1).holds(0)
