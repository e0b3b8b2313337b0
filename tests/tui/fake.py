"""An engine for screens: the real rules over a Board that the test chooses, and a clock that stands still."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

from console.engine.lookups import FlagLook, Found
from console.engine.outcome import Denied, Done, Unsaved
from console.model import commands as cmd
from console.model import events as ev
from console.model.decide import Context, Refusal, decide
from console.model.events import Recorded
from console.model.state import State, apply
from tests.view import boards


class StillClock:
    def __init__(self, at=boards.NOW):
        self.at = at

    def now(self):
        return self.at

    def monotonic(self):
        return self.at.timestamp()

    def advance(self, **by):
        self.at += timedelta(**by)

    async def sleep_until(self, when):
        await asyncio.sleep(0)

    async def wait(self, event, until):
        return False


class Answers:
    """Lookups that the test chooses; nothing is known by itself."""

    def __init__(self):
        self.asked, self.found, self.histories, self.flags = [], {}, {}, {}

    async def history(self, alert):
        return self._answer("history", alert.fingerprint)

    async def runbook(self, alert):
        return self._answer("runbook", alert.fingerprint)

    async def page_log(self, pager_id):
        return self._answer("page", pager_id)

    async def flag(self, name):
        self.asked.append(("flag", name))
        return self.flags.get(name, FlagLook(error=f"no flag {name} here"))

    async def levels(self, name):
        self.asked.append(("levels", name))
        return self.histories.get(name)

    def _answer(self, name, subject):
        self.asked.append((name, subject))
        return self.found.get(name, Found(error=f"no {name} here"))


class FakeEngine:
    settings = boards.CONFIG

    def __init__(self, board, clock):
        self.lookups = Answers()
        self.clock, self.state, self._board = clock, State(), board
        self.listeners, self.log, self.commands, self.stopped_jobs = [], [], [], []
        self.ids = itertools.count(1)
        self._told, self._cared = 0, {}
        self.people = ()
        self.not_saved = ""
        self.delay = None
        self.started = self.stopped = self.refreshed = 0

    @property
    def board(self):
        return self._board

    def subscribe(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def stop_job(self, run, step):
        self.stopped_jobs.append((run, step))
        return any((job.run, job.step) == (run, step) for job in self._board.jobs)

    async def read_playbooks(self):
        if not self._board.playbooks_read:
            shelf = await asyncio.to_thread(self.settings.library.read)
            self.show(playbooks=shelf.playbooks, playbooks_read=True)

    def refresh(self):
        self.refreshed += 1

    async def start(self):
        self.started += 1
        self.show()

    async def stop(self):
        self.stopped += 1

    async def timeline(self, *streams):
        return [event for event in self.log if event.stream in streams]

    def show(self, **changes):
        """A new Board: what the record says, with some things replaced."""
        self._board = replace(
            self._board,
            number=self._board.number + 1,
            at=self.clock.now(),
            incidents=tuple(self.state.incidents.values()),
            runs=tuple(self.state.runs.values()),
            shift=self.state.shift,
            handoffs=tuple(item for item in self.state.handoffs.values() if item.open),
            care=self._care(),
            changes=tuple(self.state.changes.values()),
            trusted=frozenset(self.state.trusted),
            **{"deliveries": tuple(self.state.deliveries.values()), **changes},
        )
        for listener in list(self.listeners):
            listener(self._board)

    def _care(self):
        """Another one only when something was said, as of the engine."""
        if self._told != self.state.told:
            self._told, self._cared = self.state.told, dict(self.state.care)
        return self._cared

    async def submit(self, command, *, unsaved=False):
        self.commands.append(command)
        if self.delay is not None:
            await self.delay.wait()
        context = Context(
            now=self.clock.now(),
            actor=self._board.actor,
            target=self._board.target,
            fresh=lambda: f"id-{next(self.ids)}",
            severities=self._board.severities,
            playbooks={loaded.playbook.name: loaded for loaded in self._board.playbooks},
            readings=self._board.readings,
            flags=self._board.flags,
            channels=self._board.channels,
            rota=dict(self._board.on_call),
            people=self.people,
            alerts=self._board.feed.alerts,
            pages=self._board.feed.pages,
            console=self._board.console,
            held=self._board.held,
            standing={person.name: person.roles for person in self._board.people},
            settings=self.settings.variables,
        )
        try:
            batches = decide(self.state, command, context)
        except Refusal as refusal:
            return Denied(str(refusal))
        may = cmd.may_proceed(command)
        if self.not_saved and not (unsaved and may):
            return Unsaved(self.not_saved, may)
        recorded = tuple(
            self._record(batch, payload, bool(self.not_saved)) for batch in batches for payload in batch.payloads
        )
        if isinstance(command, cmd.SetFlag):
            intent = next(event.payload for event in recorded if isinstance(event.payload, ev.EffectIntended))
            done = ev.EffectFinished(intent.effect, "done", f"{intent.target} is at 0 %")
            recorded += (self._append(recorded[0].stream, done, self.clock.now(), False),)
        self.show()
        return Done(recorded, "/tmp/spool.jsonl" if self.not_saved else "")

    def _record(self, batch, payload, aside):
        return self._append(batch.stream, payload, batch.occurred_at or self.clock.now(), aside)

    def _append(self, stream, payload, occurred_at, aside):
        kind, version = ev.kind_of(payload)
        seq = 0 if aside else len(self.log) + 1
        count = sum(1 for event in self.log if event.stream == stream) + 1
        event = Recorded(
            seq, stream, count, kind, version, f"event-{len(self.log) + 1}", occurred_at, self.clock.now(),
            self._board.actor, self._board.console or "test", "", self._board.mode, payload, "", "abc",
        )  # fmt: skip
        self.log.append(event)
        apply(self.state, event)
        return event
