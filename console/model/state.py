"""State is a fold over events: `apply` takes one recorded event and replaces what it changed.

The values in a `State` are immutable; only its dictionaries change, so a Board may keep the values of an older moment.
An event that does not fit (a spooled one that was overtaken, an unknown kind) changes as little as possible and never
raises: the record is the truth, and it holds whatever happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from console.model.care import AlertCare
from console.model.change import Change
from console.model.decision import Decision
from console.model.estimate import Drill, RollbackHistory
from console.model.events import Recorded
from console.model.fold import care, change, decisions, outside, proofs, response, rollback, rollout, run, shift
from console.model.fold.rules import Rules
from console.model.incident import Incident
from console.model.message import ChannelProof, Delivery
from console.model.pager import KnownOnCalls
from console.model.rollback import StandingProof
from console.model.rolling import RolloutRecord
from console.model.run import Run, Trust
from console.model.shift import Handoff, Shift

FOLD_VERSION = 11
"""Grows when the meaning of the fold changes: older snapshots are then rebuilt."""


@dataclass(slots=True)
class State:
    """Everything the record says, by id. `seq` is the last recorded event folded in."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    shifts: dict[str, Shift] = field(default_factory=dict)
    handoffs: dict[str, Handoff] = field(default_factory=dict)
    seq: int = 0
    care: dict[str, AlertCare] = field(default_factory=dict)
    """What people said about alerts, by fingerprint; of old ones see `fold.care`."""
    changes: dict[str, Change] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    proofs: dict[str, ChannelProof] = field(default_factory=dict)
    """By the channel's name."""
    on_call: dict[str, KnownOnCalls] = field(default_factory=dict)
    """By target."""
    rollouts: dict[str, RolloutRecord] = field(default_factory=dict)
    """By target."""
    told: int = 0
    """How often something was said about alerts: while it stays, `care` does."""
    trusted: dict[str, Trust] = field(default_factory=dict)
    """By the hash of the playbook's file."""
    decisions: dict[str, Decision] = field(default_factory=dict)
    """The newest, by id."""
    standing: dict[str, StandingProof] = field(default_factory=dict)
    """What proves that a rollback is possible, by `<target>/<proof>`."""
    rollbacks: dict[str, RollbackHistory] = field(default_factory=dict)
    """By target."""
    drills: dict[str, Drill] = field(default_factory=dict)
    """The newest, by id."""

    @property
    def shift(self) -> Shift | None:
        """The open shift, the newest when there are several."""
        return next((shift for shift in reversed(self.shifts.values()) if shift.ended_at is None), None)

    def place(self, stream: str) -> tuple[dict[str, Any] | None, str]:
        """The table that a stream's events are folded into (None: nothing of it is kept), and the id in it."""
        folder, _, entity = stream.partition(":")
        known = _TABLES.get(folder)
        return (getattr(self, known[0]) if known is not None else None), entity

    def copy(self) -> State:
        """A State that later events do not change."""
        tables: dict[str, Any] = {name: dict(getattr(self, name)) for name, _ in _TABLES.values()}
        return replace(self, **tables)

    def changes_of(self, incident_id: str) -> tuple[Change, ...]:
        """The temporary changes that were made for an incident, oldest first."""
        return tuple(change for change in self.changes.values() if change.incident == incident_id)

    def runs_of(self, incident_id: str) -> tuple[Run, ...]:
        """The runs of an incident, in the order they were started."""
        return tuple(run for run in self.runs.values() if run.incident == incident_id)


_TABLES: Mapping[str, tuple[str, Rules]] = {
    "incident": ("incidents", response.RULES),
    "run": ("runs", run.RULES),
    "shift": ("shifts", shift.SHIFTS),
    "handoff": ("handoffs", shift.HANDOFFS),
    "alert": ("care", care.RULES),
    "change": ("changes", change.RULES),
    "delivery": ("deliveries", outside.DELIVERIES),
    "channel": ("proofs", outside.PROOFS),
    "pager": ("on_call", outside.ON_CALL),
    "rollout": ("rollouts", rollout.RULES),
    "trust": ("trusted", run.TRUST),
    "decision": ("decisions", decisions.DECISIONS),
    "proof": ("standing", proofs.RULES),
    "rollback": ("rollbacks", rollback.RULES),
    "drill": ("drills", rollback.DRILLS),
}
"""The first part of a stream's name to the table it is folded into, and how."""


def apply(state: State, recorded: Recorded) -> None:
    """Folds one event in."""
    state.seq = max(state.seq, recorded.seq)
    folder, _, entity = recorded.stream.partition(":")
    known = _TABLES.get(folder)
    if known is not None:
        name, rules = known
        rules.fold(getattr(state, name), entity, recorded)
        state.told += name == "care"
