"""The card of a step and the plan of a run: never wider than asked for, never more rows, never obeyed by a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from console.model.run import Job, StepStatus
from console.view import run_plan, step_card
from console.view.line import words
from console.view.look import Look
from console.view.runs import entries, entry_row, open_line, title
from tests.view import boards, nights

LOOK = Look(seconds=True)
HOSTILE = "\x1b]52;c;aGFjaw==\x07\x9b31m[bold]日本語 \u202e‮" * 3
RUNS = nights.runs("i")


def board(*runs, **changes):
    held = {str(nights.POOL): boards.NOW - timedelta(seconds=40)}
    readings = dict(boards.busy().readings) | {nights.POOL.reading: boards.ok(28.0)}
    return replace(boards.busy(), runs=runs, readings=readings, held=held, console=nights.HERE, **changes)


def drawn(run, seen, width, rows=1_000):
    now = boards.NOW
    for step in run.playbook.steps:
        yield from step_card.card(run, step, seen, now, width, LOOK, rows)
        yield open_line(run, step.id, now, width)
    yield from (entry_row(run, entry, now, width, LOOK) for entry in entries(run.playbook))
    yield run_plan.plan_line(run, seen, now, width, LOOK)


@pytest.mark.parametrize("width", [58, 78, 100])
@pytest.mark.parametrize("name", RUNS)
def test_nothing_of_a_run_is_wider_than_the_screen(name, width):
    run = RUNS[name]
    for shown in drawn(run, board(run), width):
        assert cell_len(words(shown)) <= width, words(shown)


@pytest.mark.parametrize("rows", [8, 10, 13])
@pytest.mark.parametrize("name", RUNS)
def test_the_card_has_no_more_rows_than_there_is_room_for_and_says_when_there_is_more(name, rows):
    run = RUNS[name]
    for step in run.playbook.steps:
        full = step_card.card(run, step, board(run), boards.NOW, 78, LOOK)
        shown = step_card.card(run, step, board(run), boards.NOW, 78, LOOK, rows)
        assert len(shown) <= max(rows, 8)
        assert (len(full) > rows) is ("d shows all of it" in words(shown[-1])), name
        assert shown[0] == full[0]


def test_what_others_wrote_is_harmless_wherever_it_stands():
    run = RUNS["program"]
    steps = {name: replace(item, observed=HOSTILE, reason=HOSTILE, output=HOSTILE) for name, item in run.steps.items()}
    step = replace(run.playbook.step("restart"), challenge=HOSTILE, response=HOSTILE, undo=HOSTILE)
    playbook = replace(run.playbook, title=HOSTILE, steps=(step,), checklists=())
    changed = replace(run, playbook=playbook, steps=steps, held_reason=HOSTILE, untrusted=HOSTILE)
    for held_at in (None, boards.NOW):
        shown = replace(changed, held_at=held_at)
        seen = board(shown, jobs=(Job(run.id, "restart", (HOSTILE,), boards.NOW, (HOSTILE, HOSTILE)),))
        lines = [*drawn(shown, seen, 78), title(shown, boards.NOW), *run_plan.warnings(shown, seen, boards.NOW, LOOK)]
        lines += step_card.whole(shown, step, seen, boards.NOW, 78, LOOK)
        text = "".join(words(item) for item in lines)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


def test_a_step_that_is_over_keeps_its_evidence_and_its_earlier_attempts():
    run = RUNS["running"]
    earlier = replace(run.steps["look"], status=StepStatus.FAILED, reason="no access", ended_at=boards.NOW)
    done = replace(
        run.steps["look"],
        status=StepStatus.DONE,
        attempt=2,
        ended_at=boards.NOW,
        observed="38 of 40",
        evidence="guardrail.p99 = 612 at 14:32:00Z",
        override="the metric lags",
        break_glass="nobody is awake",
        links=("https://grafana.example/d/1",),
        digest="sha256:beef",
        by=boards.ALICE,
        earlier=(earlier,),
    )
    run = replace(run, steps={**run.steps, "look": done})
    text = "\n".join(map(words, step_card.whole(run, run.playbook.step("look"), board(run), boards.NOW, 100, LOOK)))
    for wanted in (
        "done      38 of 40 (by alice 14:32:10Z)",
        "evidence  guardrail.p99 = 612",
        "NO PROOF  closed all the same: the metric lags",
        "ALONE     broke the glass: nobody is awake",
        "link      https://grafana.example/d/1",
        "digest    sha256:beef",
        "earlier   attempt 1: failed 14:32:10Z: no access",
    ):
        assert wanted in text


def test_the_projected_end_follows_the_likely_path_and_stands_still_on_hold():
    running, held = RUNS["running"], RUNS["held"]
    plan = run_plan.projected(running, board(running), boards.NOW)
    # 2 left of it, 3 to decide, then what is advised: 3 to agree, 5 to restart, 5 of the longest proof, 2 of the last.
    assert plan == run_plan.Plan(timedelta(minutes=20), True)
    later = boards.NOW + timedelta(minutes=5)
    assert run_plan.projected(held, board(held), later) == run_plan.projected(held, board(held), boards.NOW)
