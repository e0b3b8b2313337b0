"""The keys of a playbook's file, mapping by mapping: what the reader accepts, and what the published schema says."""

from __future__ import annotations

from collections.abc import Mapping

from console.model.playbook import DECIDED, OBSERVED, Do, StepKind

PLAYBOOK = (
    "apiVersion", "kind", "name", "title", "summary", "severities", "owner", "reviewed", "review_every", "match",
    "match_incident", "roles", "objective", "variables", "steps", "checklists",
)  # fmt: skip
OBJECTIVE = ("at_least", "at_most")
CHECKLIST = ("id", "title", "mode", "pause_point", "completion_call", "steps")
VARIABLE = ("type", "from", "default", "ask", "choices", "pattern")
CHECK = ("query", "expect", "for")
OPTION = ("id", "label", "goto", "playbook", "when")
ON_FAILURE = ("tries", "back_off", "then")

STEP = (
    "id", "title", "kind", "challenge", "response", "owner", "timebox", "on_overdue", "on_failure", "look_at", "verify",
    "confirm", "second_person", "undo", "skip_needs_reason", "critical", "parallel",
)  # fmt: skip
"""Keys of a step of any kind, but for `NOT_IN`."""
PARALLEL = "parallel"
"""The kind that is no step, but several that start together."""
GROUP = ("id", "title", "kind", "steps")
"""All the keys of such a group."""
OWN: Mapping[str, tuple[str, ...]] = {
    StepKind.MANUAL: (),
    StepKind.QUERY: ("query", "expect", "for"),
    StepKind.HTTP: ("url", "method", "status", "contains", "timeout", "for"),
    StepKind.WAIT: (),
    StepKind.COMMAND: ("command", "cwd", "timeout", "env", "set_env", "exits", "dry_run"),
    StepKind.FLAG: ("flag", "percent", "off"),
    StepKind.NOTIFY: ("channel", "text"),
    StepKind.DECISION: ("options", "role"),
    StepKind.APPROVAL: ("role",),
    StepKind.PLAYBOOK: ("playbook",),
    PARALLEL: ("steps",),
}
"""The keys of each kind of step beside those of every step."""
NOT_IN: Mapping[str, frozenset[StepKind]] = {
    # These end on something else: on their own check, on what somebody says, on what another system or run says.
    "verify": DECIDED | {StepKind.QUERY, StepKind.HTTP, StepKind.NOTIFY, StepKind.PLAYBOOK},
    "confirm": OBSERVED | {StepKind.APPROVAL},
    "second_person": OBSERVED | {StepKind.APPROVAL},
    "parallel": DECIDED,
}
"""Keys of `STEP` that have no meaning in some kinds."""
ANY_STEP = tuple(dict.fromkeys((*STEP, *(key for keys in OWN.values() for key in keys))))
"""Every key that some step may have."""

OVERDUE = (Do.ESCALATE, Do.NOTIFY, Do.GOTO, Do.GO_ON, Do.FAIL)
"""What may happen when a step is late."""
FAILED = (Do.ESCALATE, Do.NOTIFY, Do.GOTO, Do.GO_ON, Do.ABORT, Do.ASK)
"""What may happen when a step has failed."""
NAMED = (Do.NOTIFY, Do.GOTO)
"""Reactions that name a channel or a step."""
WAYS = (Do.GOTO, Do.GO_ON, Do.FAIL, Do.ABORT, Do.ASK)
"""Reactions that say how the run goes on: one of them at most."""


def in_kind(key: str, kind: str) -> bool:
    """Whether a step of this kind may have the key."""
    if kind == PARALLEL:
        return key in GROUP
    return key in OWN[kind] or (key in STEP and kind not in NOT_IN.get(key, ()))


ALLOWED = {str(kind): frozenset(key for key in ANY_STEP if in_kind(key, kind)) for kind in OWN}
"""The keys that a step of each kind may have."""


def kinds_with(key: str) -> tuple[str, ...]:
    """The kinds of steps that may have the key."""
    return tuple(str(kind) for kind in OWN if in_kind(key, kind))
