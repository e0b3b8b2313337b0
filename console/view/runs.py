"""A playbook run: the checklist, and the present step large."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.board import Board
from console.model.playbook import Check, Option, Step, StepKind
from console.model.reading import ReadingState
from console.model.run import Run, RunStatus, StepRun, StepStatus
from console.view.line import Line, Span, Tone, clip, fit, join, labelled, line, span, spread
from console.view.look import STATE_WORDS, Look
from console.view.times import age, count, past, timebox
from console.view.values import number


def title(run: Run, now: datetime) -> Line:
    """What runs, against what, how long, and its objective."""
    status = "" if run.status is RunStatus.RUNNING else run.status.value.upper()
    spent = count_up((run.ended_at or now), run.started_at)
    goal = ""
    if run.playbook.objective:
        goal = f" of {objective(*run.playbook.objective)}"
    unsaved = span(" NOT SAVED ", Tone.ALARM) if run.unsaved else ""
    return line(
        unsaved,
        span(f"{run.label} {run.playbook.title} ", Tone.STRONG),
        span(f"on {run.target} ", Tone.ACCENT),
        span(f"{status} " if status else "", Tone.STRONG),
        span(f"{spent} gone" if not status else f"took {spent}", Tone.NORMAL),
        span(goal, Tone.DIM),
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
    done = sum(step.status in (StepStatus.DONE, StepStatus.SKIPPED, StepStatus.EXPIRED) for step in run.steps.values())
    current = run.current
    where = ""
    if current is not None:
        where = f", now: {run.playbook.step(current.id).title}"
    head = span(f"{look.marks.here} {run.label} ", Tone.ACCENT if run.status is RunStatus.RUNNING else Tone.DIM)
    left = clock_of(run, current, now)
    what = f"{run.playbook.title}: {run.status}, {done} of {len(run.steps)} steps{where}"
    return line(head, left, "  " if left else "", what)


def clock_of(run: Run, step: StepRun | None, now: datetime) -> Line:
    """The timebox of a step: what is left while it runs, OVERDUE by how much, what it took once ended."""
    if step is None or step.started_at is None:
        return ()
    planned = run.playbook.step(step.id).timebox
    of = f" of {timebox(planned)}" if planned else ""
    over = step.overdue_by(now)
    if step.status is StepStatus.ACTIVE:
        if over is not None:
            return line(span(f" OVERDUE by {past(over)} ", Tone.ALARM), span(of, Tone.DIM))
        if step.deadline is None:
            return line(span(f"{past(now - step.started_at)}, no timebox", Tone.DIM))
        left = step.deadline - now
        tone = Tone.WARNING if left.total_seconds() < 60 else Tone.STRONG
        return line(span(f"{count(left)} left", tone), span(of, Tone.DIM))
    took = past((step.ended_at or now) - step.started_at)
    late = span(f", OVERDUE by {past(over)}", Tone.WARNING) if over is not None and over.total_seconds() >= 1 else ""
    return line(span(f"{took}{of}", Tone.DIM), late)


def row(run: Run, step: Step, now: datetime, width: int, look: Look) -> Line:
    """One step of the checklist on one line."""
    progress = run.steps[step.id]
    index = [item.id for item in run.playbook.steps].index(step.id) + 1
    active = progress.status in (StepStatus.ACTIVE, StepStatus.FAILED)
    tone = (
        Tone.STRONG
        if active
        else Tone.DIM
        if progress.status in (StepStatus.PENDING, StepStatus.PASSED_OVER)
        else Tone.NORMAL
    )
    end = clock_of(run, progress, now)
    if not end:
        planned = f"{timebox(step.timebox)}" if step.timebox else ""
        word = "passed over" if progress.status is StepStatus.PASSED_OVER else planned
        end = line(span(word, Tone.DIM))
    notes = [progress.observed or progress.reason]
    word = {
        StepStatus.FAILED: "FAILED ",
        StepStatus.SKIPPED: "skipped ",
        StepStatus.EXPIRED: "ended by decision ",
    }.get(progress.status, "")
    kind = (
        " irreversible"
        if step.irreversible and not progress.ended_at
        else " parallel"
        if step.parallel and active
        else ""
    )
    left = line(
        look.marks.of_step(progress.status),
        span(f"{index} ", Tone.DIM),
        span(fit(step.title, 30 if width >= 76 else 22) + " ", tone),
        span(word, Tone.CRITICAL if progress.status is StepStatus.FAILED else Tone.WARNING),
        span(kind.strip() + " " if kind else "", Tone.WARNING if step.irreversible else Tone.DIM),
        span("; ".join(part for part in notes if part), Tone.DIM),
    )
    return spread(left, end, width)


def check_line(check: Check, board: Board, now: datetime, look: Look) -> Line:
    """What a step asks to look at: whether it holds now, with the value and its age."""
    reading = board.readings.get(check.reading)
    if reading is None:
        return line(look.marks.of(Tone.UNKNOWN), span(f"{check}: no such reading", Tone.UNKNOWN))
    if reading.value is None:
        return line(look.marks.of(Tone.UNKNOWN), span(f"{check}: {STATE_WORDS[reading.state]}", Tone.UNKNOWN))
    seen = f"{number(reading.value)}, {age(reading.at, now, look)} old"
    if reading.state is not ReadingState.OK:
        return line(look.marks.of(Tone.UNKNOWN), span(f"{check}: {STATE_WORDS[reading.state]} ({seen})", Tone.UNKNOWN))
    held = check.holds(reading.value)
    tone = Tone.OK if held else Tone.WARNING
    word = "yes" if held else "NO"
    return line(look.marks.of(tone), span(f"{check}: {word}", tone), span(f" ({seen})", Tone.DIM))


def advice(option: Option, board: Board) -> tuple[Span | None, str]:
    """What the option's reading says for or against it, as a tag and in words; nothing is ever chosen by it."""
    if option.when is None:
        return None, ""
    reading = board.readings.get(option.when.reading)
    if reading is None or not reading.ok or reading.value is None:
        return None, f"no advice: {option.when.reading} cannot be relied on now"
    now_is = f"{option.when.reading} is {number(reading.value)}; this way fits {option.when}"
    if option.when.holds(reading.value):
        return span("ADVISED ", Tone.ACCENT), now_is
    return None, f"not advised: {now_is}"


def card(run: Run, step: Step, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """A step large: challenge, expected response, what closes it, who owns it, its clock."""
    progress = run.steps[step.id]
    index = [item.id for item in run.playbook.steps].index(step.id) + 1
    head = line(span(f"STEP {index} of {len(run.playbook.steps)}  ", Tone.TITLE), span(step.title.upper(), Tone.STRONG))
    end = clock_of(run, progress, now) or line(span(progress.status.value, Tone.DIM))
    lines = [spread(head, end, width)]
    if step.irreversible:
        typed = f"IRREVERSIBLE: there is no way back. It must be typed: {run.confirmation(step)}"
        lines.append(clip(line(look.marks.of(Tone.CRITICAL), span(typed, Tone.CRITICAL)), width))
    lines += labelled("do", step.challenge, width, tone=Tone.STRONG)
    lines += labelled("expect", step.response, width)
    for check in step.look_at:
        lines += labelled("look at", check_line(check, board, now, look), width)
    if step.verify is not None:
        lines += labelled("closes on", check_line(step.verify, board, now, look), width)
    if step.kind is StepKind.FLAG:
        lines += labelled("flag", _flag(step, board), width)
    for place, option in enumerate(step.options, start=1):
        tag, why = advice(option, board)
        lines.append(clip(line(span(f"  {place} ", Tone.ACCENT), tag or "", option.label), width))
        lines += labelled("", why, width, 4, Tone.DIM) if why else []
    lines += labelled("owner", step.owner, width)
    lines += _outcome(run, step, progress, width, look)
    return lines


def _flag(step: Step, board: Board) -> str:
    if board.flags:
        return f"{step.flag} to {step.percent:g} %: F sets it with {board.flags}"
    return f"set {step.flag} to {step.percent:g} % by hand, then type what you observe"


def _outcome(run: Run, step: Step, progress: StepRun, width: int, look: Look) -> list[Line]:
    lines: list[Line] = []
    for effect in run.effects:
        if effect.step != step.id:
            continue
        if not effect.outcome:
            what = f"{effect.kind} {effect.target}, {effect.detail}"
            text = f"OUTCOME UNKNOWN: {what}. Read it, then close the step by hand."
            lines.append(clip(line(look.marks.of(Tone.UNKNOWN), span(text, Tone.ALARM)), width))
        else:
            tone = (
                Tone.OK if effect.outcome == "done" else Tone.CRITICAL if effect.outcome == "refused" else Tone.UNKNOWN
            )
            lines.append(
                clip(
                    line(
                        look.marks.of(tone),
                        span(f"{effect.kind} {effect.target}: {effect.outcome}: {effect.answer}", tone),
                    ),
                    width,
                )
            )
    if progress.status is StepStatus.FAILED:
        lines += labelled("FAILED", progress.reason + " (t tries again, s skips)", width, tone=Tone.CRITICAL)
    elif progress.ended_at is not None:
        text = "; ".join(
            part for part in (progress.observed, progress.reason, progress.evidence, progress.override) if part
        )
        lines += labelled(progress.status.value, f"{text} (by {progress.by})", width)
    return lines


def others_active(run: Run, step_id: str, now: datetime, width: int) -> Line:
    """The steps that run beside this one, with their clocks; empty when there are none."""
    pieces = [
        line(span(f"{run.playbook.step(item.id).title} ", Tone.NORMAL), clock_of(run, item, now))
        for item in run.active
        if item.id != step_id
    ]
    return clip(line(span("also open: ", Tone.DIM), join(pieces, ", ")), width) if pieces else ()
