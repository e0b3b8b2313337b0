"""The card of a step and the plan of a run: never wider than asked for, never more rows, never obeyed by a terminal."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from console.model.run import Job, RunStatus, StepRun, StepStatus
from console.view import run_plan, step_card
from console.view.line import Tone, words
from console.view.look import Look
from console.view.runs import entries, entry_row, open_line, run_line, title
from console.view.step_acts import earlier_lines, effect_lines
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


def test_what_is_overdue_has_at_least_left_what_comes_after_it_and_is_nowhere_in_time():
    running = RUNS["running"]
    late = replace(running.steps["look"], deadline=boards.NOW - timedelta(seconds=152))
    steps = {**running.steps, "look": late}
    run = replace(running, steps=steps, playbook=replace(running.playbook, objective=("p95", timedelta(hours=2))))
    assert run_plan.projected(run, board(run), boards.NOW)[1:] == (False, "", 1)
    for width in (80, 200):
        shown = run_plan.plan_line(run, board(run), boards.NOW, width, LOOK)
        assert words(shown).startswith(
            f"{LOOK.marks.unknown} in time so far; step 1 is overdue: at least 18:00 left to do"
        )
        assert not any(part.tone is Tone.OK for part in shown)
    hurried = replace(run, playbook=replace(running.playbook, objective=("p95", timedelta(minutes=12))))
    shown = words(run_plan.plan_line(hurried, board(hurried), boards.NOW, 100, LOOK))
    assert re.search(r" LATE by at least \d+:\d\d: at least 18:00 left to do, ends .*Z at the earliest", shown)


def test_that_it_ends_in_time_is_a_plan_until_a_step_was_done():
    running = RUNS["running"]
    objective = replace(running.playbook, objective=("p95", timedelta(hours=2)))
    begun = replace(running, playbook=objective)
    assert not any(step.status is StepStatus.DONE for step in begun.steps.values())
    shown = run_plan.plan_line(begun, board(begun), boards.NOW, 100, LOOK)
    assert words(shown).startswith("  by the timeboxes in time: 20:00 left to do")
    assert not any(part.tone is Tone.OK for part in shown)
    first = begun.playbook.steps[0].id
    measured = replace(begun, steps={**begun.steps, first: replace(begun.steps[first], status=StepStatus.DONE)})
    shown = run_plan.plan_line(measured, board(measured), boards.NOW, 100, LOOK)
    assert words(shown).startswith(f"{LOOK.marks.ok} in time: ")


@pytest.mark.parametrize("width", [58, 80, 100])
@pytest.mark.parametrize(
    ("why", "wanted"),
    [
        ({"override": "the metric lags"}, "WITHOUT PROOF"),
        ({"break_glass": "nobody is awake"}, "BREAK-GLASS"),
        ({"override": "it lags", "break_glass": "alone"}, "BREAK-GLASS WITHOUT PROOF"),
    ],
)
def test_a_step_closed_without_its_proof_never_looks_like_a_proven_one(width, why, wanted):
    run = RUNS["program"]
    steps = {**run.steps, "look": replace(run.steps["look"], **why)}
    shown = words(entry_row(replace(run, steps=steps), entries(run.playbook)[1], boards.NOW, width, LOOK))
    assert wanted in shown
    assert shown.startswith("▲")
    assert cell_len(shown) <= width


def test_after_the_end_no_clock_counts_and_what_was_open_is_left_open():
    run = RUNS["overdue"]
    ended = replace(run, status=RunStatus.ABORTED, ended_at=boards.NOW, reason="enough")
    for now in (boards.NOW, boards.NOW + timedelta(hours=1)):
        seen = board(ended)
        text = [
            words(item) for step in run.playbook.steps for item in step_card.card(ended, step, seen, now, 100, LOOK)
        ]
        text += [words(entry_row(ended, entry, now, 100, LOOK)) for entry in entries(run.playbook)]
        text += [words(run_line(ended, now, LOOK)), words(open_line(ended, "look", now, 100))]
        shown = "\n".join(text)
        assert "left open" in shown
        for unwanted in ("open now", " left of", "OVERDUE", "by itself"):
            assert unwanted not in shown, shown


def test_an_attempt_that_was_left_open_says_so():
    progress = replace(RUNS["running"].steps["look"], earlier=(StepRun("look", StepStatus.ACTIVE, 1),))
    assert words(earlier_lines(progress, 100)[0]).rstrip() == "earlier   attempt 1: left open when the run ended"


def test_what_another_console_has_begun_is_never_said_to_run():
    now = boards.NOW
    for ago, wanted in ((40, "last heard of at 14:31:30Z"), (240, "NOT HEARD OF since 14:28:10Z (4:00)")):
        until = now + timedelta(minutes=5, seconds=-ago)
        run = replace(
            nights.made(41, "i", "restart", **nights.holding(holder=nights.THERE, held_until=until)),
            effects=(nights.effect(),),
        )
        shown = " ".join(
            words(item).strip() for item in effect_lines(run, run.playbook.step("restart"), board(run), now, 78, LOOK)
        )
        assert wanted in shown
        assert "m takes the step" in shown
        assert f"{until:%H:%M:%S}Z" in shown
        assert "it runs on" not in shown


@pytest.mark.parametrize(
    ("answer", "digest", "word"),
    [
        ("exit status 1 after 4.0 s", "", "failed"),
        ("killed", "sha256:77", "failed"),
        ("not started: not found", "", "refused"),
    ],
)
def test_what_ran_has_failed_and_what_was_not_done_is_refused(answer, digest, word):
    effect = nights.effect("refused", answer, digest=digest)
    run = replace(nights.made(42, "i", "restart", **nights.holding()), effects=(effect,))
    shown = words(effect_lines(run, run.playbook.step("restart"), board(run), boards.NOW, 100, LOOK)[0])
    assert f": {word}: {answer}" in shown


def test_that_another_version_is_trusted_is_said():
    run = replace(RUNS["untrusted"], id="newer", playbook_hash="sha256:bbbbbbbbb")
    older = replace(run, id="older", playbook_hash="sha256:aaaaaaaaa")
    files = {run.playbook.name: run.playbook_hash}
    seen = board(older, run, trusted=frozenset({older.playbook_hash}), files=files)
    assert "trusted was aaaaaaa, and this is another version, bbbbbbb" in run_plan.untrusted(run, seen)
    seen = board(older, run, trusted=frozenset({run.playbook_hash}), files=files)
    assert "trusted is the file as it is now, bbbbbbb" in run_plan.untrusted(older, seen)
    assert run_plan.untrusted(run, board(run)) == run.untrusted
