"""What calls an operator who looks elsewhere: the terminal's bell, and a notification (OSC 9) with one line of text.

What happens together rings together, at most once in `PAUSE`; but nothing critical waits behind what is not.
An alert that comes and goes rings once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from console.model.incident import QUIET
from console.model.run import RunStatus, StepStatus
from console.model.text import safe

if TYPE_CHECKING:
    from console.model.alert import Alert
    from console.model.board import Board
    from console.model.incident import Incident
    from console.tui.app import ConsoleApp

PAUSE = timedelta(seconds=30)
CALM = timedelta(minutes=15)
"""An alert that arrives again within this time of its last arrival is flapping: it has rung already."""
FRESH = timedelta(minutes=10)
"""How long a level that was told is news; older ones, seen at the start, are history."""
LENGTH = 160
"""Characters of a notification."""
MOST_WAITING = 200

Key = tuple[str, ...]


class Alarm(NamedTuple):
    """Something that should be looked at now."""

    critical: bool
    text: str


class Ringer:
    """Says when to ring, and with what. Knows no terminal."""

    def __init__(self) -> None:
        self._known: set[Key] = set()
        self._waiting: dict[Key, Alarm] = {}
        self._feed: object = None
        self._arrived: dict[str, datetime] = {}
        self._unseen: set[str] = set()
        """Alerts that arrived and were not there yet when they were looked for."""
        self._rang_at: datetime | None = None
        self._rang_critical = False

    def hear(self, board: Board, now: datetime) -> str:
        """The text to ring with now; empty for silence."""
        present = {key: alarm for incident in board.open_incidents for key, alarm in _of_incident(incident, board, now)}
        present |= dict(_overdue_steps(board, now))
        self._waiting = {key: alarm for key, alarm in self._waiting.items() if key in present or key[0] == "alert"}
        for key, alarm in present.items():
            if key not in self._known:
                self._waiting[key] = alarm
        self._known = set(present)
        for alert in self._new_alerts(board):
            if len(self._waiting) < MOST_WAITING:
                self._waiting["alert", alert.fingerprint] = Alarm(True, f"{alert.name} {alert.annotation('summary')}")
        return self._ring(board, now)

    def rest(self, now: datetime) -> timedelta | None:
        """How long what waits has to wait; None when nothing does."""
        return self._rang_at + PAUSE - now if self._waiting and self._rang_at is not None else None

    def _new_alerts(self, board: Board) -> list[Alert]:
        """Critical alerts that arrived since the last look and had not just been there. One that has left again before
        it was looked at is waited for."""
        if board.feed is self._feed:
            return []
        self._feed = board.feed
        for fingerprint, times in board.feed.arrivals.items():
            before, self._arrived[fingerprint] = self._arrived.get(fingerprint), times[-1]
            if before is None or times[-1] - before >= CALM:
                self._unseen.add(fingerprint)
        latest = max(self._arrived.values(), default=None)
        if latest is not None:
            self._arrived = {name: at for name, at in self._arrived.items() if latest - at < CALM}
        self._unseen &= self._arrived.keys()
        seen = [alert for alert in board.feed.alerts if alert.fingerprint in self._unseen] if self._unseen else []
        self._unseen -= {alert.fingerprint for alert in seen}
        return [alert for alert in seen if _calls(alert, board)]

    def _ring(self, board: Board, now: datetime) -> str:
        critical = [alarm for alarm in self._waiting.values() if alarm.critical]
        rested = self._rang_at is None or now - self._rang_at >= PAUSE
        if not self._waiting or not (rested or (critical and not self._rang_critical)):
            return ""
        first = (critical or list(self._waiting.values()))[0]
        more = f" (+{len(self._waiting) - 1} more)" if len(self._waiting) > 1 else ""
        mode = "" if board.mode == "live" else f"{board.mode.upper()}: "
        room = LENGTH - len(more) - len(mode)
        self._waiting, self._rang_at, self._rang_critical = {}, now, bool(critical)
        return mode + safe(f"{board.target}: {first.text}", room) + more


def _of_incident(incident: Incident, board: Board, now: datetime) -> Iterator[tuple[Key, Alarm]]:
    """What of an open incident calls; what this operator did himself does not."""
    if incident.state in QUIET:
        return
    named = f"{incident.severity} {incident.label}"
    if incident.acknowledged_at is None:
        if incident.severity.rank <= 2 and incident.declared_by != board.actor:
            yield ("incident", incident.id), Alarm(True, f"{named} not acknowledged: {incident.title}")
        due = incident.acknowledge_by
        if due is not None and due <= now:
            yield ("acknowledge", incident.id, str(due)), Alarm(True, f"{named} NOT ACKNOWLEDGED in time")
    for level in incident.escalations:
        if now - level.at < FRESH and level.by != board.actor.name:
            yield ("level", incident.id, str(level.level)), Alarm(True, f"{named} escalated to level {level.level}")
    if incident.update_due is not None and incident.update_due <= now:
        yield ("update", incident.id, str(incident.update_due)), Alarm(False, f"{named} status update OVERDUE")


def _overdue_steps(board: Board, now: datetime) -> Iterator[tuple[Key, Alarm]]:
    for run in board.runs:
        if run.status is not RunStatus.RUNNING:
            continue
        for step in run.active:
            if step.status is StepStatus.ACTIVE and step.deadline is not None and step.deadline <= now:
                title = run.playbook.step(step.id).title
                yield ("step", run.id, step.id, str(step.deadline)), Alarm(False, f"{run.label} {title} OVERDUE")


def _calls(alert: Alert, board: Board) -> bool:
    """Whether an alert is critical, active, and nobody's yet."""
    if alert.name == board.feed.watchdog or alert.state != "active":
        return False
    care = board.care.get(alert.fingerprint)
    if care is not None and care.acknowledges(alert):
        return False
    return alert.severity.lower() in ("critical", "page") or alert.label("urgency") == "high"


class Bell:
    """Rings the terminal of an app, unless the configuration says `bell: false`."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app, self._ringer = app, Ringer()
        self._timed = False

    def hear(self, board: Board, now: datetime) -> None:
        """Looks at what is drawn, and rings if there is news."""
        if not self._app.engine.settings.bell:
            return
        text = self._ringer.hear(board, now)
        if text:
            self._sound(text)
        rest = self._ringer.rest(now)
        if rest is not None and not self._timed:
            self._timed = True
            self._app.set_timer(max(0.1, rest.total_seconds()), self._again)

    def _again(self) -> None:
        self._timed = False
        self._app.redraw()

    def _sound(self, text: str) -> None:
        from console.tui.terminal import ascii_of

        driver = self._app._driver
        if driver is None or self._app.is_headless:
            return
        shown = ascii_of(text) if self._app.ascii_marks else text
        # Ended by ST: a BEL at the end would ring a second time where OSC 9 is not known.
        driver.write(f"\x07\x1b]9;{shown}\x1b\\")
        driver.flush()
