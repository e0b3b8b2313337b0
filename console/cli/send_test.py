"""`oncall check --send-test`: proves every channel by a test, and keeps the proof in the journal."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, NOT_SAVED, OK, REFUSED, USAGE, Stop
from console.cli.output import show
from console.cli.record import unknown

if TYPE_CHECKING:
    from console.bootstrap.proving import Trial
    from console.engine.console import Console
    from console.model.message import Delivery
    from console.ports import Clock

WHOM = 30.0
"""Seconds to find out whom a test reaches."""


@dataclass(frozen=True, slots=True)
class Tested:
    """How one test ended. `target`: whether there is something meant for tests; `unsaved`: why it is not kept."""

    name: str
    proven: bool
    evidence: str
    error: str
    target: bool
    unsaved: str = ""


def command(options: Options, names: Sequence[str], *, yes: bool, as_json: bool) -> int:
    """Tests all channels and Alertmanagers, or those named. The exit code."""
    from console.bootstrap import run

    refuse(options)
    tested, head = run(_work(options, names, yes))
    ok = all(item.proven for item in tested)
    data = {"ok": ok, "tests": [asdict(item) for item in tested], "head": head}
    show(data, lambda: [_text(item) for item in tested], as_json)
    return NOT_SAVED if any(item.unsaved for item in tested) else OK if ok else FAILED


def refuse(options: Options) -> None:
    """Stops where nobody may be paged, before anything is read or sent."""
    if os.environ.get("CI"):
        raise Stop("--send-test never runs with CI set: it may page people; nothing was sent", REFUSED)
    if options.read_only:
        raise Stop("--send-test writes to its channels and to the journal: not with --read-only", REFUSED)


def _text(item: Tested) -> str:
    said = f"proven  {item.name}: {item.evidence}" if item.proven else f"FAILED  {item.name}: {item.error}"
    aside = "" if item.target else "; without a test target"
    return said + aside + (f"; NOT SAVED: {item.unsaved}" if item.unsaved else "")


async def _work(options: Options, names: Sequence[str], yes: bool) -> tuple[list[Tested], str]:
    from console.bootstrap import opened
    from console.bootstrap.common import environment
    from console.bootstrap.outside import outlets_of
    from console.bootstrap.proving import trials
    from console.engine.clocks import SystemClock

    async with opened(options) as console:
        if console.board.not_saved:
            raise Stop(f"NOT SAVED: {console.board.not_saved}; nothing was sent", NOT_SAVED)
        clock, chosen = SystemClock(), environment(console.settings, options)
        found = _chosen(trials(chosen, outlets_of(chosen, clock), clock), names)
        await _announce(found, str(chosen.target))
        _ask(len(found), yes)
        tested = await _all([_test(console, trial, clock) for trial in found])
        return tested, console.board.head


def _chosen(found: list[Trial], names: Sequence[str]) -> list[Trial]:
    known = [trial.name for trial in found]
    for name in names:
        if name not in known:
            raise unknown("channel", name, known)
    if not found:
        raise Stop("this environment has neither channels nor Alertmanagers to test", USAGE)
    return [trial for trial in found if not names or trial.name in names]


async def _announce(found: Sequence[Trial], target: str) -> None:
    """Names everything that is going to be sent, and whom it reaches, on stderr."""
    from console.model.text import safe

    reached = await asyncio.gather(*(_within(trial.reaches, WHOM) for trial in found))
    click.echo(f"{len(found)} tests for {target}, each labelled oncall_test=true:", err=True)
    for trial, whom in zip(found, reached, strict=True):
        click.echo(f"  {safe(trial.name)} -> {safe(whom, 2_000)}", err=True)


async def _within(say: Callable[[], str], seconds: float) -> str:
    from console.engine.offload import in_thread
    from console.ports import SourceError

    try:
        async with asyncio.timeout(seconds):
            said = await in_thread(say)
            return str(said)
    except (SourceError, TimeoutError) as error:
        return f"whom it reaches cannot be found out ({str(error) or 'no answer'})"


def _ask(count: int, yes: bool) -> None:
    """Once, on a terminal; elsewhere --yes is the answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Stop("nothing was sent: it asks on a terminal; elsewhere, --yes sends the tests named above", USAGE)
    if not click.confirm(f"Send {'these tests' if count > 1 else 'this test'} now?", err=True):
        raise Stop("nothing was sent", REFUSED)


async def _all(tests: Sequence[Coroutine[Any, Any, Tested]]) -> list[Tested]:
    """All at once. Whoever breaks off waits until those under way have taken back what they sent."""
    tasks = [asyncio.ensure_future(test) for test in tests]
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        click.echo("oncall: ending the tests under way, so that none is left open", err=True)
        await asyncio.wait(tasks)
        raise
    return [task.result() for task in tasks]


async def _test(console: Console, trial: Trial, clock: Clock) -> Tested:
    """One test, within its deadline, and its outcome in the record. Nothing that goes wrong with it stops another."""
    from console.engine.offload import in_thread
    from console.engine.outcome import Denied, Unsaved
    from console.model.commands import RecordProof
    from console.model.text import safe
    from console.ports import SourceError

    delivery, evidence, error = _delivery(console, trial, clock), "", ""
    try:
        async with asyncio.timeout(trial.deadline.total_seconds()):
            evidence = safe((await in_thread(lambda: trial.prove(delivery))).text, 500)
    except SourceError as failure:
        error = safe(str(failure), 500)
    except TimeoutError:
        error = f"no answer within {trial.deadline.total_seconds():.0f} s"
    except Exception as fault:
        # Its own words may hold anything.
        error = f"a fault of ours in {trial.name}: {type(fault).__name__}"
    if not (evidence or error):
        error = "it was taken, and nothing was said that would prove it"
    outcome = await console.submit(RecordProof(trial.name, evidence, error))
    unsaved = outcome.reason if isinstance(outcome, Denied | Unsaved) else ""
    return Tested(trial.name, not error, evidence, error, trial.target, unsaved)


def _delivery(console: Console, trial: Trial, clock: Clock) -> Delivery:
    from console.engine.clocks import SystemIds
    from console.model.message import Delivery, Message
    from console.model.people import Severity

    board, now = console.board, clock.now()
    message = Message(
        kind="test",
        title=f"test of {trial.name}: nothing is wrong",
        at=now,
        severity=Severity.SEV5,
        target=str(board.target),
        text="Sent by `oncall check --send-test`. Nobody needs to do anything.",
        facts=(("oncall_test", "true"),),
        by=board.actor.name,
        mode=board.mode,
        test=True,
    )
    return Delivery(SystemIds().new(), trial.name, trial.act, message, now)
