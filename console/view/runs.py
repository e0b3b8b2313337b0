"""A playbook run in rows: its title, its clocks, its checklist. The step large is in `step_card`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.playbook import Checklist, Mode, Playbook, Step, StepKind
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.view.line import Line, Span, Tone, clip, fit, join, line, line_width, span, spread
from console.view.look import Look
from console.view.times import clock, count, past, timebox


def title(run: Run, now: datetime) -> Line:
    """What runs, against what, how long, and its objective."""
    status = "" if run.status is RunStatus.RUNNING else run.status.value.upper()
    spent = count_up((run.ended_at or now), run.started_at)
    goal = ""
    if run.playbook.objective:
        goal = f" of {objective(*run.playbook.objective)}"
    unsaved = span(" NOT SAVED ", Tone.ALARM) if run.unsaved else ""
    gone = f"{spent} gone" if not status else f"{status} after {spent}"
    # The time stands before what an edge may cut.
    return line(
        unsaved,
        span(f"{run.label} ", Tone.TITLE),
        span(gone, Tone.STRONG),
        span(goal, Tone.DIM),
        span(f"  {run.playbook.title}", Tone.STRONG),
        span(f" on {run.target}", Tone.ACCENT),
    )


def objective(least: timedelta, most: timedelta) -> str:
    """How long the whole should take: `15 to 20 min`."""
    low, high = timebox(least), timebox(most)
    return (
        f"{low.removesuffix(' min')} to {high}"
        if low.endswith(" min") and high.endswith(" min")
        else f"{low} to {high}"
    )


def count_up(end: datetime, start: datetime) -> str:
    """Time gone by, as `m:ss`."""
    return past(end - start)


def run_line(run: Run, now: datetime, look: Look) -> Line:
    """A run on one line, for the incident's screen. The time stands first: an edge must not cut it."""
    done = sum(step.over and step.status is not StepStatus.PASSED_OVER for step in run.steps.values())
    current = run.current
    where = ""
    if current is not None and run.ended_at is None:
        where = f", now: {run.playbook.step(current.id).title}"
    head = span(f"{look.marks.here} {run.label} ", Tone.ACCENT if run.status is RunStatus.RUNNING else Tone.DIM)
    left = clock_of(run, current, now) if run.ended_at is None else ()
    what = f"{run.playbook.title}: {run.status}, {done} of {len(run.steps)} steps{where}"
    held = span(" ON HOLD ", Tone.ALARM) if run.held_at is not None else ""
    return line(head, held, left, "  " if left else "", what)


def clock_of(run: Run, step: StepRun | None, now: datetime) -> Line:
    """The timebox of a step: what is left while it runs, OVERDUE by how much, what it took once ended."""
    if step is None or step.started_at is None:
        return ()
    planned = run.playbook.step(step.id).timebox
    of = f" of {timebox(planned)}" if planned else ""
    over = step.overdue_by(run.ended_at or now)
    if step.status is StepStatus.ACTIVE and run.ended_at is not None:
        return line(span("left open", Tone.WARNING))
    if step.status is StepStatus.ACTIVE:
        if run.held_at is not None:
            rest = f"{count(step.deadline - run.held_at)} left, " if step.deadline is not None else ""
            return line(span(f"{rest}ON HOLD", Tone.WARNING))
        if over is not None:
            return line(span(f" OVERDUE by {past(over)} ", Tone.ALARM), span(of, Tone.DIM))
        if step.deadline is None:
            return line(span(f"{past(now - step.started_at)}, no timebox", Tone.DIM))
        left = step.deadline - now
        tone = Tone.WARNING if left.total_seconds() < 60 else Tone.STRONG
        return line(span(f"{count(left)} left", tone), span(of, Tone.DIM))
    took = past((step.ended_at or run.ended_at or now) - step.started_at)
    late = span(f", OVERDUE by {past(over)}", Tone.WARNING) if over is not None and over.total_seconds() >= 1 else ""
    return line(span(f"{took}{of}", Tone.DIM), late)


_WORDS = {
    StepStatus.FAILED: "FAILED ",
    StepStatus.SKIPPED: "skipped ",
    StepStatus.EXPIRED: "ended by decision ",
}
_KINDS = {StepKind.DECISION: "decision ", StepKind.APPROVAL: "approval ", StepKind.PLAYBOOK: "playbook "}


def row(run: Run, step: Step, now: datetime, width: int, look: Look) -> Line:
    """One step of the checklist on one line."""
    progress = run.steps[step.id]
    index = [item.id for item in run.playbook.steps].index(step.id) + 1
    quiet = progress.status in (StepStatus.PENDING, StepStatus.PASSED_OVER)
    tone = Tone.STRONG if progress.open else Tone.DIM if quiet else Tone.NORMAL
    end = clock_of(run, progress, now)
    if not end:
        planned = f"{timebox(step.timebox)}" if step.timebox else ""
        end = line(span("passed over" if progress.status is StepStatus.PASSED_OVER else planned, Tone.DIM))
    # What starts together stands together.
    beside = "| " if step.group else ""
    doubt = unproven(progress)
    named = 30 if width >= 76 else 26
    if doubt:
        named = max(8, min(named, width - line_width(end) - len(f"{index} {beside}{doubt}") - 6))
    left = line(
        look.marks.of(Tone.WARNING) if doubt else look.marks.of_step(progress.status),
        span(f"{index} {beside}", Tone.DIM),
        span(fit(step.title, named) + " ", tone),
        span(f"{doubt} " if doubt else "", Tone.WARNING),
        span(_WORDS.get(progress.status, ""), Tone.CRITICAL if progress.open else Tone.WARNING),
        *_tags(step, progress),
        span(progress.observed or progress.reason, Tone.DIM),
    )
    return spread(left, end, width)


def unproven(progress: StepRun) -> str:
    """What is to be seen at once of a step that was closed otherwise than by its proof or its people; empty else."""
    if not progress.over:
        return ""
    words = (("BREAK-GLASS", progress.break_glass), ("WITHOUT PROOF", progress.override))
    return " ".join(word for word, why in words if why)


def _tags(step: Step, progress: StepRun) -> list[Span]:
    """What is to be known of a step before it is over."""
    if progress.over:
        return []
    tags = [span(_KINDS.get(step.kind, ""), Tone.DIM)]
    if step.irreversible:
        tags.append(span("irreversible ", Tone.WARNING))
    if step.second_person and progress.confirmed_by is None:
        tags.append(span("second person ", Tone.WARNING))
    if step.parallel and progress.open:
        tags.append(span("parallel ", Tone.DIM))
    tries = try_words(step, progress)
    if tries and progress.open:
        tags.append(span(f"{tries} ", Tone.WARNING))
    return tags


def try_words(step: Step, progress: StepRun) -> str:
    """Which try of how many it is, or when the next one begins; empty where there is one alone."""
    tries = step.on_failure.tries
    if tries <= 1 or progress.over:
        return ""
    if progress.retry_at is not None:
        return f"try {max(progress.tries, 1) + 1} of {tries} at {clock(progress.retry_at, seconds=True)}"
    return f"try {max(progress.tries, 1)} of {tries}" if progress.asked_by is not None else ""


class Entry(NamedTuple):
    """A row of the checklist on the screen: a step, or the head of one of the lists that it is divided into."""

    id: str
    title: str
    step: Step | None = None
    head: Checklist | None = None


def entries(playbook: Playbook) -> list[Entry]:
    """The steps in order, each list under its head."""
    found: list[Entry] = []
    lists = {item.id: item for item in playbook.checklists}
    last = ""
    for step in playbook.steps:
        head = lists.get(step.checklist)
        if head is not None and head.id != last:
            found.append(Entry(f"list:{head.id}", head.title, None, head))
        last = step.checklist
        found.append(Entry(step.id, step.title, step))
    return found


def head_row(run: Run, head: Checklist, width: int, look: Look) -> Line:
    """The head of a list: how it is worked through, when it is read, how much of it is done."""
    mine = [run.steps[step.id] for step in run.playbook.steps if step.checklist == head.id]
    done = sum(item.over for item in mine)
    mode = ", in any order" if head.mode is Mode.DO_CONFIRM else ""
    pause = span(f"  PAUSE POINT: {head.pause_point}", Tone.ACCENT if done < len(mine) else Tone.DIM)
    return spread(
        line(
            span(f"{look.marks.rule * 2} {head.title}", Tone.TITLE),
            span(mode, Tone.DIM),
            pause if head.pause_point else "",
        ),
        line(span(f"{done} of {len(mine)}", Tone.DIM)),
        width,
    )


def entry_row(run: Run, entry: Entry, now: datetime, width: int, look: Look) -> Line:
    """A row of the checklist, whatever it is."""
    if entry.head is not None:
        return head_row(run, entry.head, width, look)
    assert entry.step is not None
    return row(run, entry.step, now, width, look)


def open_line(run: Run, step_id: str, now: datetime, width: int) -> Line:
    """The steps that are open, with their clocks; empty when it is this one alone, and once the run has ended."""
    if run.ended_at is not None or [item.id for item in run.active] in ([], [step_id]):
        return ()
    pieces = [
        line(span(f"{run.playbook.step(item.id).title} ", Tone.NORMAL), clock_of(run, item, now)) for item in run.active
    ]
    return clip(line(span("open now: ", Tone.DIM), join(pieces, ", ")), width)
