"""One incident: what must be known in five seconds, and the panes behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from console.model.alert import AlertState
from console.model.board import Board
from console.model.change import Change
from console.model.incident import QUIET, ROLES, TIMES, TRANSITIONS, Incident
from console.model.message import Delivery
from console.model.reading import ReadingState
from console.model.response import Decision, PagerLink, Task
from console.model.run import Run
from console.view import changes, deliveries, escalation, incidents, run_plan, runs, step_card
from console.view.line import Line, Tone, clip, cut, fit, join, labelled, line, span, spread
from console.view.look import STATE_WORDS, Look
from console.view.times import age, clock, count, past, span_of, stamp, timebox

MARGIN = 10
PANES = {
    "L": "log", "W": "work", "F": "facts", "A": "alerts", "C": "changes", "M": "messages", "P": "people", "S": "steps"
}  # fmt: skip
"""The panes of an incident, by key."""


class Row(NamedTuple):
    """One row of a pane. `id` says what it is of (`task:T1`), `text` names it in messages and is what is copied."""

    id: str
    text: str
    draw: Callable[[int], Line]


class Pane(NamedTuple):
    """A pane: its key, its name, what it holds, and how many of them want somebody."""

    key: str
    title: str
    rows: list[Row]
    loud: int = 0


# -- the essentials ---------------------------------------------------------------------------------------------------


def essentials(incident: Incident, board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """State, severity, who leads, the clocks, the step, what is owed: never more than ten lines at 80 cells."""
    lines = [
        spread(
            line(span(f"{incident.label} ", Tone.TITLE), span(incident.title, Tone.STRONG)),
            line(span(f"{incidents.begun(incident)} {age(incident.declared_at, now, look)} ago", Tone.DIM)),
            width,
        ),
        *labelled("state", _state(incident, board), width, MARGIN),
        *labelled("severity", _severity(incident, board), width, MARGIN)[: 2 if width >= 100 else 1],
        *labelled("leads", _roles(incident), width, MARGIN),
        *labelled("response", _response(incident, board, now), width, MARGIN),
    ]
    if incident.open:
        lines += labelled("told", escalation.levels(incident, board, now), width, MARGIN)
        lines += labelled("update", _update(incident, now), width, MARGIN)
    lines += labelled("step", _step(incident, board, now, look), width, MARGIN)
    lines += labelled("owed", _owed(incident, board, now), width, MARGIN)
    return lines


def _state(incident: Incident, board: Board) -> Line:
    legal = ", ".join(TRANSITIONS[incident.state])
    into = incidents.merged_into(incident, board)
    where = f"goes on in {into}" if into else ""
    following = span(f"  s: {legal}" if legal else f"  {where or 'nothing follows'}", Tone.DIM)
    return line(span(incident.state.value.upper(), Tone.STRONG), following)


def _severity(incident: Incident, board: Board) -> str | Line:
    rule = next((item for item in board.severities if item.severity is incident.severity), None)
    tone = incidents.severity_tone(incident.severity)
    if rule is None:
        return line(span(incident.severity.value, tone), span(" no definition", Tone.DIM))
    return line(span(f"{incident.severity} {rule.title} ", tone), span(rule.definition, Tone.NORMAL))


def _roles(incident: Incident) -> Line:
    commander = incident.commander
    lead = span(f"{commander} (IC)", Tone.STRONG) if commander else span("NOBODY LEADS: a takes command", Tone.WARNING)
    others = [f"{role} {incident.roles[role]}" for role in (*ROLES[1:], *incident.roles) if role in incident.roles]
    seen = dict.fromkeys(item for item in others if not item.startswith(ROLES[0]))
    return line(lead, span("".join(f", {item}" for item in seen), Tone.NORMAL))


def _response(incident: Incident, board: Board, now: datetime) -> Line:
    if incident.acknowledged_at is not None:
        via = f" in {incident.acknowledged_via}" if incident.acknowledged_via else ""
        took = f"after {span_of(incident.acknowledged_at - incident.declared_at, seconds=True)}"
        if incident.acknowledged_at < incident.declared_at:
            took = "in triage"
        late = span(" too late", Tone.WARNING) if incident.acknowledge_overdue else ""
        who = f"acknowledged {clock(incident.acknowledged_at)} by {incident.acknowledged_by}{via} {took}"
        return line(who, late)
    if incident.state in QUIET or incident.acknowledge_by is None:
        return line(span("not acknowledged; no clock runs", Tone.DIM))
    head = span("NOT ACKNOWLEDGED  ", Tone.WARNING)
    left = incidents.due(incidents.Deadline(incident.acknowledge_by, "", incident.id, ""), now)
    rule = next((item for item in board.severities if item.severity is incident.severity), None)
    of = span(f"of {timebox(rule.acknowledge_within)}; a acknowledges" if rule else "a acknowledges", Tone.DIM)
    return line(head, left, of)


def _update(incident: Incident, now: datetime) -> Line:
    last = incident.updates[-1] if incident.updates else None
    said = "none was sent yet"
    if last is not None:
        said = f"last {clock(last.at)} by {last.by.name}: {last.conditions or last.actions or last.needs}"
    if incident.state in QUIET:
        return line(span(f"no clock runs; {said}", Tone.DIM))
    if incident.update_due is None:
        return line(span(f"none is asked for; {said}", Tone.DIM))
    if incident.update_due <= now:
        overdue = span(f" UPDATE OVERDUE by {past(now - incident.update_due)} ", Tone.ALARM)
        return line(overdue, span(" u writes it; ", Tone.WARNING), said)
    left = incident.update_due - now
    tone = Tone.WARNING if left < incidents.APART * 5 else Tone.STRONG
    return line(span(f"next in {count(left)}", tone), span(" u writes it; ", Tone.DIM), span(said, Tone.NORMAL))


def runs_of(incident: Incident, board: Board) -> list[Run]:
    """Its runs, those under way first, then the newest."""
    mine = [run for run in board.runs if run.incident == incident.id]
    return sorted(reversed(mine), key=lambda run: run.ended_at is not None)


def _step(incident: Incident, board: Board, now: datetime, look: Look) -> Line:
    mine = runs_of(incident, board)
    if not mine:
        return line(span("no playbook runs; p offers some", Tone.DIM))
    run = mine[0]
    current = run.current
    if current is None or run.ended_at is not None:
        return runs.run_line(run, now, look)
    return step_card.briefly(run, board, now)


def _owed(incident: Incident, board: Board, now: datetime) -> Line:
    pieces: list[Line] = []
    unsent = deliveries.not_sent(board, now, incident.id)
    if unsent:
        channels = ", ".join(dict.fromkeys(item.channel for item in unsent))
        pieces.append(line(span(f" {len(unsent)} NOT SENT ", Tone.ALARM), f" to {channels}"))
    due = changes.owed(board, incident.id, now)
    if due:
        unknown = [item for item in due if item.state in changes.UNKNOWN]
        tone = Tone.ALARM if unknown else Tone.WARNING
        word = " OUTCOME UNKNOWN: " if unknown else "to undo: "
        pieces.append(line(span(word, tone), cut(f"{(unknown or due)[0].label} {(unknown or due)[0].what}", 40)))
        if len(due) > 1:
            pieces.append(line(f"{len(due)} changes"))
    undone = [task for task in incident.tasks.values() if task.open]
    if undone:
        pieces.append(line(f"{len(undone)} open task{'s' if len(undone) > 1 else ''}"))
    return join(pieces, "; ") or line(span("nothing: no change, no message, no task is open", Tone.DIM))


# -- the panes --------------------------------------------------------------------------------------------------------


def work(incident: Incident, now: datetime, look: Look) -> list[Row]:
    """Tasks and decisions: what is open first."""
    tasks = sorted(incident.tasks.values(), key=lambda task: not task.open)
    decisions = sorted(incident.decisions.values(), key=lambda item: item.observed_at is not None)
    rows = [Row(f"task:{task.id}", task.text, partial(_task, task, now, look)) for task in tasks]
    rows += [Row(f"decision:{item.id}", item.choice, partial(_decision, item, now, look)) for item in decisions]
    return sorted(rows, key=lambda row: _ended(incident, row.id))


def _ended(incident: Incident, row: str) -> bool:
    kind, _, name = row.partition(":")
    if kind == "task":
        return not incident.tasks[name].open
    return incident.decisions[name].observed_at is not None


def _clock(at: datetime | None, now: datetime) -> Line:
    if at is None:
        return ()
    if at <= now:
        return line(span(f" OVERDUE by {past(now - at)} ", Tone.ALARM))
    return line(span(f"{count(at - now)} left", Tone.WARNING if at - now < incidents.APART else Tone.STRONG))


def _task(task: Task, now: datetime, look: Look, width: int) -> Line:
    owner = span(f"{fit(task.owner, 9)} ", Tone.NORMAL) if task.owner else span("nobody's  ", Tone.WARNING)
    kind = "" if task.kind == "task" else f"[{task.kind}] "
    head = span(f"{look.marks.here if task.open else look.marks.ok} {fit(task.id, 4)} ", Tone.ACCENT)
    if task.open:
        return spread(line(head, owner, span(kind, Tone.DIM), task.text), _clock(task.due_at, now), width)
    result = f"{task.outcome}{f': {task.result}' if task.result else ''}"
    return clip(line(head, owner, span(f"{kind}{task.text}  {result}", Tone.DIM)), width)


def _decision(item: Decision, now: datetime, look: Look, width: int) -> Line:
    head = span(f"{look.marks.here if item.observed_at is None else look.marks.ok} {fit(item.id, 4)} ", Tone.ACCENT)
    said = line(head, f"{fit(item.by.name, 9)} ", span("decided ", Tone.DIM), span(item.choice, Tone.STRONG))
    if item.observed_at is not None:
        return clip(line(said, span(f"  came out: {item.observed}", Tone.NORMAL)), width)
    expected = f"  expected: {item.expected}" if item.expected else f"  {item.reason}"
    return spread(line(said, span(expected, Tone.DIM)), _clock(item.check_at, now), width)


def facts(incident: Incident, board: Board, now: datetime, look: Look) -> list[Row]:
    """Times, impact, status updates, pages, where it was declared."""
    rows = [Row(f"time:{name}", name.replace("_", " "), partial(_time, incident, name)) for name in TIMES]
    for number, item in enumerate(incident.impact):
        text = f"{item.what}: {item.value}{f' ({item.evidence})' if item.evidence else ''}"
        rows.append(Row(f"impact:{number}", text, partial(_labelled, "impact", line(text))))
    for number, update in reversed(list(enumerate(incident.updates))):
        text = "; ".join(filter(None, (update.conditions, update.actions, update.needs)))
        head = span(f"{clock(update.at)} {update.by.name}: ", Tone.DIM)
        rows.append(Row(f"update:{number}", text, partial(_labelled, "update", line(head, text))))
    for link in incident.pages.values():
        rows.append(Row(f"page:{link.pager_id}", link.pager_id, partial(_page, link, now, look)))
    rule = next((item for item in board.severities if item.severity is incident.severity), None)
    if rule is not None:
        rows.append(Row("severity", rule.definition, partial(_labelled, incident.severity, line(rule.definition))))
    since = f"{stamp(incident.declared_at)} by {incident.declared_by} on {incident.target}"
    return [*rows, Row("declared", since, partial(_labelled, incidents.begun(incident), line(since)))]


def _labelled(label: str, body: Line, width: int) -> Line:
    return clip(line(span(f"{fit(label, 15)} ", Tone.DIM), body), width)


def _time(incident: Incident, name: str, width: int) -> Line:
    at = incident.times.get(name)
    label = name.replace("_", " ")
    if at is None:
        return _labelled(label, line(span("not known", Tone.DIM)), width)
    start = incident.times.get("impact_started") or incident.impact_started_at
    apart = f"  {span_of(at - start, seconds=True)} after the impact began" if start and at > start else ""
    guess = span("  ESTIMATED", Tone.WARNING) if name in incident.estimated else ""
    return _labelled(label, line(stamp(at), guess, span(apart, Tone.DIM)), width)


def _page(link: PagerLink, now: datetime, look: Look, width: int) -> Line:
    how = "adopted" if link.adopted else "opened from here"
    policy = f", policy {link.policy} level {link.level or '?'}" if link.policy else ", no policy: our clock tells"
    since = f" SILENT since {clock(link.silent_since)}: our clock tells " if link.silent_since else ""
    to = f", assigned to {', '.join(link.assigned_to)}" if link.assigned_to else ""
    by = f" by {link.by}" if link.by else ""
    seen = f" {age(link.changed_at, now, look)} ago" if link.changed_at else ""
    text = line(
        span(f"{link.status}{by}{seen}", Tone.STRONG),
        span(since, Tone.ALARM),
        f"{policy}{to}",
        span(f" ({how}) {link.url}", Tone.DIM),
    )
    return _labelled(f"page {link.pager_id}", text, width)


def alerts(incident: Incident, board: Board, now: datetime, look: Look) -> list[Row]:
    """The linked alerts: still firing, suppressed, gone, or not known."""
    present = {alert.fingerprint: alert for alert in board.feed.alerts} if incident.alerts else {}
    sure = board.feed.evidence in (ReadingState.OK, ReadingState.PARTIAL)
    rows = []
    for reference in incident.alerts:
        alert = present.get(reference.fingerprint)
        if alert is None:
            state = STATE_WORDS[board.feed.evidence]
            word = span("gone       ", Tone.OK) if sure else span(f"NOT KNOWN ({state}) ", Tone.UNKNOWN)
            mark = look.marks.of(Tone.OK if sure else Tone.UNKNOWN)
        elif alert.state is AlertState.ACTIVE:
            word, mark = span("firing     ", Tone.CRITICAL), look.marks.of(Tone.CRITICAL)
        else:
            word, mark = span(f"{fit(alert.state.value, 10)} ", Tone.WARNING), look.marks.of(Tone.WARNING)
        since = alert.starts_at if alert is not None else reference.starts_at
        begun = f"since {clock(since)}, {age(since, now, look)}" if since else ""
        shown = line(mark, word, span(f"{reference.name} ", Tone.STRONG), reference.summary)
        end = line(span(begun, Tone.DIM))
        rows.append(Row(f"alert:{reference.fingerprint}", reference.name, partial(_spread, shown, end)))
    return rows


def _spread(left: Line, end: Line, width: int) -> Line:
    return spread(left, end, width)


def owed(incident: Incident, board: Board, now: datetime, look: Look) -> list[Row]:
    """The temporary changes of the incident, what is owed first."""
    mine = changes.ordered((item for item in board.changes if item.incident == incident.id), now)
    return [Row(f"change:{item.id}", item.label, partial(_change, item, board, now, look)) for item in mine]


def _change(item: Change, board: Board, now: datetime, look: Look, width: int) -> Line:
    return changes.row(item, board, now, width, look)


def messages(incident: Incident, board: Board, now: datetime, look: Look) -> list[Row]:
    """What was told to whom about the incident, what is NOT SENT first."""
    mine = deliveries.ordered(item for item in board.deliveries if item.message.subject == incident.id)
    return [Row(f"delivery:{item.id}", item.message.title, partial(_delivery, item, now, look)) for item in mine]


def _delivery(item: Delivery, now: datetime, look: Look, width: int) -> Line:
    return deliveries.row(item, now, width, look)


def people(incident: Incident, board: Board, now: datetime, look: Look) -> list[Row]:
    """Who is told next, who was told, and whom to call by hand: readable when everything else is down."""
    rows = [Row("next", "", partial(_clipped, escalation.coming(incident, board, now)))]
    for level in reversed(incident.escalations):
        sent = escalation.went_out(level, incident, board)
        shown = line(escalation.told(level), " " if sent else "", sent, escalation.reasons(level))
        rows.append(Row(f"level:{level.level}", f"level {level.level}", partial(_clipped, shown)))
    rows.append(Row("source", "", partial(_labelled, "who to call", escalation.where_from(board, now, look))))
    for number, (role, reach) in enumerate(escalation.rota(board)):
        ways = ", ".join(f"{way} {address}" for way, address in reach.ways) if reach is not None else ""
        named = f"{reach.person}: {ways}" if reach is not None else role
        rows.append(Row(f"reach:{number}", named, partial(_clipped, escalation.contact(role, reach))))
    return rows


def _clipped(shown: Line, width: int) -> Line:
    return clip(shown, width)


def steps(incident: Incident, board: Board, now: datetime, look: Look) -> list[Row]:
    """The checklists of the incident, as they stand."""
    rows = []
    for run in runs_of(incident, board):
        rows.append(Row(f"run:{run.id}", run.label, partial(_clipped, runs.title(run, now))))
        warned = run_plan.warnings(run, board, now, look)
        plan = run_plan.plan_line(run, board, now, 200, look)
        for number, said in enumerate((*warned, *((plan,) if plan else ()))):
            rows.append(Row(f"run:{run.id}::{number}", run.label, partial(_clipped, said)))
        for entry in runs.entries(run.playbook):
            draw = partial(_entry, run, entry, now, look)
            rows.append(Row(f"run:{run.id}:{entry.id}", entry.title, draw))
    return rows


def _entry(run: Run, entry: runs.Entry, now: datetime, look: Look, width: int) -> Line:
    return runs.entry_row(run, entry, now, width, look)


def playbook(incident: Incident, board: Board, now: datetime, width: int, look: Look, rows: int) -> list[Line]:
    """The running playbook beside the incident: the step large, the checklist below it, in at most `rows` lines where
    that is possible."""
    mine = runs_of(incident, board)
    if not mine:
        return [line(span("No playbook runs. p offers those that fit.", Tone.DIM))]
    run = mine[0]
    lines = [clip(runs.title(run, now), width)]
    lines += [clip(item, width) for item in run_plan.warnings(run, board, now, look)]
    lines += [run_plan.plan_line(run, board, now, width, look), ()]
    checklist = [runs.entry_row(run, entry, now, width, look) for entry in runs.entries(run.playbook)]
    if run.current is not None and run.ended_at is None:
        room = max(8, rows - len(lines) - len(checklist) - 1)
        lines += [*step_card.card(run, run.playbook.step(run.current.id), board, now, width, look, room), ()]
    return lines + checklist


def tabs(panes: list[Pane], chosen: str, width: int) -> Line:
    """The panes by key and name, with how many rows each holds; what wants somebody is loud."""
    pieces: list[Line] = []
    for pane in panes:
        here = pane.key == chosen
        number = f" {pane.loud}!" if pane.loud else f" {len(pane.rows)}" if pane.rows and width >= 100 else ""
        tone = Tone.TITLE if here else Tone.WARNING if pane.loud else Tone.DIM
        title = f"[{pane.title}{number}]" if here else f"{pane.title}{number}"
        pieces.append(line(span(f"{pane.key} ", Tone.ACCENT), span(title, tone)))
    return clip(join(pieces, " " if width < 100 else "   "), width)
