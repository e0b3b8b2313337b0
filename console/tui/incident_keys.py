"""The registry's part for the response: the incident, the list of incidents, temporary changes, the outbox."""

from __future__ import annotations

from console.tui import situation as when
from console.tui.action import Action

INCIDENT_ACTIONS: tuple[Action, ...] = (
    # Incident
    Action(
        "state",
        "s",
        "State",
        "Mitigated, resolved, closed and the others; says what stands against it",
        "incident",
        enabled=when.known_incident,
        footer=2,
        writes=True,
    ),
    Action(
        "update",
        "u",
        "Update",
        "Tell people: Conditions, Actions, Needs; shows what is sent to whom",
        "incident",
        enabled=when.open_incident,
        footer=1,
        writes=True,
    ),
    Action(
        "escalate",
        "e",
        "Escalate",
        "Tell the next level now; asks once",
        "incident",
        enabled=when.escalate,
        footer=3,
        writes=True,
    ),
    Action(
        "row",
        "enter",
        "Open",
        "The highlighted row in full, or what can be done about it",
        "incident",
        enabled=when.row,
        footer=4,
    ),
    Action(
        "severity",
        "v",
        "Severity",
        "Change the severity, with a reason",
        "incident",
        enabled=when.open_incident,
        footer=7,
        writes=True,
    ),
    Action(
        "role", "o", "Roles", "Hand a role to somebody", "incident", enabled=when.open_incident, footer=8, writes=True
    ),
    Action(
        "task",
        "t",
        "Task",
        "Something that somebody does; action items too",
        "incident",
        enabled=when.known_incident,
        footer=5,
        writes=True,
    ),
    Action(
        "decision",
        "d",
        "Decide",
        "Write a decision down, with what is expected of it",
        "incident",
        enabled=when.known_incident,
        footer=6,
        writes=True,
    ),
    Action(
        "impact",
        "i",
        "Impact",
        "A number of the impact, and where it comes from",
        "incident",
        enabled=when.known_incident,
        writes=True,
    ),
    Action(
        "times",
        "T",
        "Times",
        "When the impact began, was detected, and so on",
        "incident",
        enabled=when.known_incident,
        writes=True,
    ),
    Action(
        "correct",
        "c",
        "Correct",
        "What the highlighted line of the log should have said",
        "incident",
        enabled=when.log_line,
        writes=True,
    ),
    Action(
        "unacknowledge",
        "U",
        "Give back",
        "Nobody has it any more: asks once, then the next level is told",
        "incident",
        enabled=when.unacknowledge,
        writes=True,
    ),
    Action(
        "reassign",
        "h",
        "Reassign",
        "Hand the open PagerDuty page to other people: asks once",
        "incident",
        enabled=when.paged,
        writes=True,
    ),
    Action(
        "merge",
        "m",
        "Merge",
        "It is the same as another incident: asks once",
        "incident",
        enabled=when.merge,
        writes=True,
    ),
    Action("pane", "tab", "Next pane", "The next pane of the incident", "incident"),
    Action("pane-log", "L", "Log", "What happened, in order; corrections beside what they correct", "incident"),
    Action("pane-work", "W", "Work", "Tasks and decisions", "incident"),
    Action("pane-facts", "F", "Facts", "Times, impact, status updates, pages", "incident"),
    Action("pane-alerts", "A", "Alerts", "The linked alerts: firing or gone", "incident"),
    Action("pane-changes", "C", "Changes owed", "What was altered for it and has to be undone", "incident"),
    Action("pane-messages", "M", "Messages", "What was told to whom about it", "incident"),
    Action("pane-people", "P", "People", "Who was told, who is next, whom to call", "incident"),
    Action("pane-steps", "S", "Steps", "The checklists of the incident", "incident"),
    # Incidents
    Action(
        "open-incident", "enter", "Open", "The highlighted incident", "incidents", enabled=when.known_incident, footer=1
    ),
    # Temporary changes
    Action(
        "change", "enter", "Open", "Everything about it, and what can be done", "changes", enabled=when.row, footer=1
    ),
    Action(
        "undo",
        "x",
        "Undo",
        "Expire the silence, or record that it is undone",
        "changes",
        enabled=when.change(),
        footer=2,
        writes=True,
    ),
    Action(
        "extend",
        "e",
        "Extend",
        "Let the silence last longer",
        "changes",
        enabled=when.change("silence"),
        footer=3,
        writes=True,
    ),
    Action(
        "hand-over",
        "h",
        "Hand over",
        "Somebody else, or a ticket, owes it",
        "changes",
        enabled=when.hand_over,
        footer=4,
        writes=True,
    ),
    Action(
        "settle",
        "t",
        "Settle",
        "Say how it stands, after you looked",
        "changes",
        enabled=when.change(),
        footer=5,
        writes=True,
    ),
    Action(
        "record", "b", "By hand", "Record a temporary change that was made by hand", "changes", footer=6, writes=True
    ),
    # Outbox
    Action("message", "enter", "Read", "The highlighted message in full", "outbox", enabled=when.row, footer=1),
    Action(
        "send-again", "t", "Send again", "Queue what was given up", "outbox", enabled=when.retry, footer=2, writes=True
    ),
)
