"""What comes next in a run: where each step leads, and when the whole ends if every step takes all of its timebox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.board import Board
from console.model.flow import calls, units
from console.model.playbook import Do, Option, Playbook, Reaction, Step, StepKind
from console.model.run import Run, StepStatus
from console.view.checks import advice
from console.view.line import Line, Tone, first_fit, line, span
from console.view.look import Look
from console.view.times import clock, count, past, timebox

SHORT_HASH = 7
"""Characters of a hash that tell one version of a file from another."""


def place(playbook: Playbook, step_id: str) -> int:
    """The number of a step, from 1."""
    return [step.id for step in playbook.steps].index(step_id) + 1


def told(playbook: Playbook, step_id: str) -> str:
    """A step by its number and title."""
    return f"{place(playbook, step_id)} {playbook.step(step_id).title}"


def following(playbook: Playbook, step_id: str) -> tuple[Step, ...]:
    """The steps that start when this one, and those beside it, are settled; empty at the end."""
    found = units(playbook)
    index = next(index for index, unit in enumerate(found) if any(step.id == step_id for step in unit))
    coming: list[Step] = []
    for unit in found[index + 1 :]:
        coming += unit
        if not unit[-1].parallel:
            break
    return tuple(coming)


def leads_to(option: Option, playbook: Playbook, step_id: str, board: Board) -> str:
    """Where an option of a decision leads, in words."""
    if option.playbook:
        loaded = next((item for item in board.playbooks if item.playbook.name == option.playbook), None)
        return f"goes on in {loaded.playbook.title if loaded is not None else option.playbook}"
    if option.goto:
        known = any(step.id == option.goto for step in playbook.steps)
        back = known and place(playbook, option.goto) <= place(playbook, step_id)
        return f"{'back to' if back else 'to'} {told(playbook, option.goto) if known else option.goto}"
    return next_words(playbook, step_id)


def next_words(playbook: Playbook, step_id: str) -> str:
    """What follows a step in order: `3 Drain (5 min)`."""
    coming = following(playbook, step_id)
    if not coming:
        return "the run ends"
    parts = [f"{told(playbook, step.id)}{f' ({timebox(step.timebox)})' if step.timebox else ''}" for step in coming[:4]]
    more = f" and {len(coming) - 4} more" if len(coming) > 4 else ""
    return f"{'together: ' if len(coming) > 1 else ''}{'; '.join(parts)}{more}"


def reactions(playbook: Playbook, wanted: Sequence[Reaction]) -> str:
    """What happens by itself, in words."""
    words = {
        Do.ASK: "it waits for a person",
        Do.ESCALATE: "the next level is told",
        Do.GO_ON: "the next step goes on",
        Do.ABORT: "the run is aborted",
        Do.FAIL: "it has failed",
    }
    known = {step.id for step in playbook.steps}
    parts = []
    for item in wanted:
        if item.do is Do.NOTIFY:
            parts.append(f"{item.to} is told")
        elif item.do is Do.GOTO:
            parts.append(f"it goes to {told(playbook, item.to) if item.to in known else item.to}")
        else:
            parts.append(words[item.do])
    return ", ".join(parts)


class Plan(NamedTuple):
    """How long the rest takes at most, along the likely path. `sure` is False where nobody knows that: a step on it has
    no timebox, or what it waits for is overdue (`overdue` is the number of that step), and the rest is the least that
    is left. `branch` names the playbook that it goes on in, whose time is not counted."""

    left: timedelta
    sure: bool
    branch: str = ""
    overdue: int = 0


def projected(run: Run, board: Board, now: datetime) -> Plan:
    """The timeboxes from now to the end, along the likely path. What is said aloud at the end of a list takes none."""
    left, sure, at, overdue = timedelta(0), True, "", 0
    spoken = calls(run.playbook)
    blocking = [item for item in run.active if not run.playbook.step(item.id).parallel] or list(run.active)
    for item in blocking:
        if item.deadline is not None:
            left = max(left, item.deadline - (run.held_at or now))
            if item.deadline < (run.held_at or now):
                overdue = overdue or place(run.playbook, item.id)
        sure = sure and not overdue and (item.deadline is not None or item.id in spoken)
        at = item.id
    seen: set[str] = set()
    while at and at not in seen:
        seen.add(at)
        coming, branch = _likely(run.playbook, at, board)
        if branch:
            return Plan(left, sure, branch, overdue)
        waited = [item for item in coming if not item.parallel] or list(coming)
        if any(item.id in seen for item in waited):
            break
        boxes = {item.id: item.timebox for item in waited if run.steps[item.id].status is not StepStatus.DONE}
        sure = sure and all(box is not None or name in spoken for name, box in boxes.items())
        left += max((box for box in boxes.values() if box is not None), default=timedelta(0))
        at = waited[-1].id if waited else ""
    return Plan(left, sure, overdue=overdue)


def _likely(playbook: Playbook, step_id: str, board: Board) -> tuple[tuple[Step, ...], str]:
    """What comes after a step, or the playbook that it goes on in. At a decision: what its readings advise, else the
    way for which no reading speaks, else the first; and never back, where there is another way."""
    step = playbook.step(step_id)
    if step.kind is not StepKind.DECISION or not step.options:
        return following(playbook, step_id), ""

    def unlikely(option: Option) -> tuple[bool, bool, bool]:
        known = any(item.id == option.goto for item in playbook.steps)
        back = known and place(playbook, option.goto) <= place(playbook, step_id)
        return back, advice(option, board)[0] is None, option.when is not None

    way = min(step.options, key=unlikely)
    if way.playbook:
        return (), way.playbook
    if way.goto and any(item.id == way.goto for item in playbook.steps):
        return playbook.group_of(playbook.step(way.goto)), ""
    return following(playbook, step_id), ""


def plan_line(run: Run, board: Board, now: datetime, width: int, look: Look) -> Line:
    """When the run ends if every step takes all of its time, against the objective; empty once it has ended. That it
    will be in time is no more than a plan until a step was done: how long one takes was not measured before."""
    if run.ended_at is not None:
        return ()
    plan = projected(run, board, now)
    least, earliest = ("", "") if plan.sure else ("at least ", " at the earliest")
    ends = now + plan.left
    then = f", then {plan.branch}" if plan.branch else ""
    rest = f"{least}{count(plan.left)} left to do{then}, ends {clock(ends, seconds=True)}{earliest}"
    if run.playbook.objective is None:
        return line(span(f"no objective; {rest}", Tone.DIM))
    limit = run.started_at + run.playbook.objective[1]
    gone = span(f"; the objective ended {clock(limit, seconds=True)}" if limit <= now else "", Tone.DIM)
    if ends > limit:
        word = f"LATE by {least}{past(ends - limit)}"
        tone = Tone.WARNING
        return first_fit(
            width,
            line(look.marks.of(tone), span(word, tone), span(f": {rest}", Tone.NORMAL), gone),
            line(look.marks.of(tone), span(word, tone), span(f": {rest}", Tone.NORMAL)),
        )
    tone, spare = Tone.OK if plan.sure else Tone.UNKNOWN, f"{count(limit - ends)} to spare"
    unsure = f"step {plan.overdue} is overdue" if plan.overdue else "a step on the way has no timebox"
    word = "in time" if plan.sure else f"in time so far; {unsure}"
    mark = look.marks.of(tone)
    if plan.sure and not any(item.status is StepStatus.DONE for item in run.steps.values()):
        word, tone, mark = "by the timeboxes in time", Tone.NORMAL, span("  ", Tone.NORMAL)
    return first_fit(
        width,
        line(mark, span(word, tone), span(f": {rest}, {spare}", Tone.NORMAL)),
        line(mark, span(word, tone), span(f": {rest}", Tone.NORMAL)),
    )


# -- what must not be overlooked --------------------------------------------------------------------------------------


def hold_line(run: Run, now: datetime) -> Line:
    """That a run is on hold, since when and why; empty when it is not."""
    if run.held_at is None:
        return ()
    since = f"{clock(run.held_at, seconds=True)} ({past(now - run.held_at)})"
    return line(span(" ON HOLD ", Tone.ALARM), span(f" since {since}: {run.held_reason}. ", Tone.STRONG), "u resumes")


def warnings(run: Run, board: Board, now: datetime, look: Look) -> list[Line]:
    """Hold, an aborted run and what is to be undone, drift of the file, programs that may not run."""
    found = [hold_line(run, now)] if run.held_at is not None else []
    changed = drift(run, board)
    if changed and run.ended_at is None:
        found.append(line(look.marks.of(Tone.WARNING), span(changed, Tone.WARNING)))
    if may_not_run(run, board):
        reason = f"its programs may not run: {untrusted(run, board)}"
        found.append(line(look.marks.of(Tone.WARNING), span(reason, Tone.WARNING)))
    if run.status == "aborted":
        found.append(line(span("ABORTED: ", Tone.WARNING), span(f"{run.reason}. ", Tone.NORMAL), "u resumes it"))
        found += [
            line(
                look.marks.of(Tone.WARNING), span(f"to undo: {told(run.playbook, step.id)}: {step.undo}", Tone.WARNING)
            )
            for step, _ in run.undoing
        ]
    return found


def drift(run: Run, board: Board) -> str:
    """That the playbook's file is not what the run was started from; empty when it is, or when nobody has looked."""
    present = board.files.get(run.playbook.name)
    if present is None or present == run.playbook_hash:
        return ""
    if not present:
        return "the playbook's file is gone or unreadable; this run goes on as it was started"
    return (
        f"the file has changed since: was {short(run.playbook_hash)}, is {short(present)}; this run goes on as it was"
    )


def short(digest: str) -> str:
    """A hash as it is told."""
    return digest.rpartition(":")[2][:SHORT_HASH]


def may_not_run(run: Run, board: Board) -> bool:
    """Whether programs of the run are kept from running."""
    programs = any(step.program is not None for step in run.playbook.steps)
    return bool(run.untrusted) and programs and run.playbook_hash not in board.trusted and run.ended_at is None


def untrusted(run: Run, board: Board) -> str:
    """Why they are kept from running; and that another version is trusted, where the Board knows of one."""
    mine, name = short(run.playbook_hash), run.playbook.name
    present = board.files.get(name, "")
    if present in board.trusted:
        return f"{run.untrusted}; trusted is the file as it is now, {short(present)}; this run has another one, {mine}"
    other = [item.playbook_hash for item in board.runs if item.playbook.name == name]
    older = next((item for item in reversed(other) if item in board.trusted), "")
    return (
        f"{run.untrusted}; trusted was {short(older)}, and this is another version, {mine}" if older else run.untrusted
    )
