"""`oncall rollback`: can we, how long would it take, prove it, begin it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, NOT_SAVED, REFUSED, UNKNOWN, USAGE, Stop, complain
from console.cli.feed import confirm, yes_option
from console.cli.output import columns, json_option, line, show
from console.cli.record import How, Shown, allowed, incident_of, report, write, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.lookups import FlagLook
    from console.engine.outcome import Done, Outcome
    from console.model.board import Board
    from console.model.commands import ProveWritePath
    from console.model.rollback import StandingProof

OFF, ON = 0.0, 100.0


@click.group("rollback")
def command() -> None:
    """Can we roll back right now, how long would it take; prove it, begin it."""


# -- how it stands ----------------------------------------------------------------------------------------------------


@command.command("status")
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Read every source once, and say whether a rollback is possible now: each proof with its evidence.

    Ends with 0 only while every proof that is needed is proven. Nothing is written.
    """
    from console.bootstrap import opened, run
    from console.model.rollback import Can
    from console.reports.snapshot import rollback_data
    from console.reports.values import instant

    async def read() -> Can:
        async with opened(ctx.obj, sources=True, read_only=True) as console:
            await console.read_playbooks()
            await console.ask()
            board = console.board
            data = {"at": instant(board.at), "environment": str(board.target), "mode": board.mode}
            show({**data, **rollback_data(board.readiness, board.at)}, lambda: lines(board), as_json)
            return board.readiness.can_at(board.at)

    ctx.exit(0 if run(read()) is Can.YES else FAILED)


def lines(board: Board) -> list[str]:
    """The page of the screen, in plain text: the verdict, how long, until when, and every proof with its evidence."""
    from console.view import rollback_detail
    from console.view.line import words
    from console.view.look import ASCII, Look

    return [words(item).rstrip() for item in rollback_detail.page(board, board.at, columns(), Look(ASCII))]


# -- proving ----------------------------------------------------------------------------------------------------------


@command.command("prove")
@yes_option
@json_option
@click.pass_obj
def prove(options: Options, yes: bool, as_json: bool) -> None:
    """Toggle the canary flag, on which nothing depends, and set it back: that proves the write path.

    It asks first. Both writes are read back and timed; the intent is in the record before, the outcome after.
    """
    from console.bootstrap import opened, run

    async def work() -> None:
        async with opened(options, sources=True) as console:
            wanted = await _wanted(console, yes)
            before = _standing(console)
            outcome = await console.submit(wanted)
            _told(console, wanted, outcome, before, as_json)

    run(work())


async def _wanted(console: Console, yes: bool) -> ProveWritePath:
    """What is going to be done, once the operator has agreed. Raises Stop."""
    from console.model.commands import ProveWritePath

    board, plan = console.board, console.settings.rollout
    canary = plan.rollback.canary_flag if plan is not None and plan.rollback is not None else ""
    if not canary:
        raise Stop("no canary flag is configured: rollback.canary_flag in rollout.yaml names one", USAGE)
    look: FlagLook = await console.lookups.flag(canary)
    if look.state is None:
        raise Stop(f"{canary} cannot be read, and nothing was written: {look.error}", FAILED)
    now = look.state.percent
    other = OFF if now > OFF else ON
    wanted = ProveWritePath(canary, now, other)
    await allowed(console, wanted)
    if look.scope:
        complain(f"note: {board.flags}: {look.scope}")
    what = f"Set the canary flag {canary} of {board.target} in {board.flags} from {now:g} % to {other:g} % and back"
    confirm(f"{what} now?", yes)
    return wanted


def _standing(console: Console) -> StandingProof | None:
    return console.state.standing.get(f"{console.board.target}/write-path")


def _told(
    console: Console, wanted: ProveWritePath, outcome: Outcome, before: StandingProof | None, as_json: bool
) -> None:
    """Says what came of it. Raises Stop unless it is proven: FAILED when it was tried and did not work."""
    from console.engine.outcome import Denied, Done, Unsaved
    from console.reports.readiness import standing_data

    proof = _standing(console)
    tried = proof is not None and proof.version != (before.version if before is not None else 0)
    toggled = f"{wanted.flag} on {console.board.target}"
    owed = [item for item in console.state.changes.values() if item.target == toggled and item.owed(console.board.at)]
    failed = isinstance(outcome, Denied | Unsaved)
    if as_json and (not failed or tried):
        data = standing_data(proof) if proof is not None else None
        saved = isinstance(outcome, Denied) or (isinstance(outcome, Done) and not outcome.unsaved)
        show({"proven": not failed, "proof": data, "saved": saved, "head": console.board.head}, "", as_json=True)
    elif isinstance(outcome, Done) and proof is not None:
        line(f"PROVEN: {proof.evidence}")
        if proof.expires_at is not None:
            line(f"It counts until {proof.expires_at:%Y-%m-%d %H:%M}Z, for {proof.basis}.")
        if outcome.unsaved:
            line(f"NOT SAVED: waits in {outcome.unsaved} and is merged when the journal can be written")
    if isinstance(outcome, Unsaved):
        raise Stop(f"NOT SAVED: {outcome.reason}; nothing was written to the flag", NOT_SAVED)
    if isinstance(outcome, Denied):
        way = f"\n{owed[-1].label} is owed: {owed[-1].undo}" if owed else ""
        raise Stop(outcome.reason + way, UNKNOWN if outcome.unknown else FAILED if tried else REFUSED)


@command.command("reached")
@click.argument("evidence")
@writing()
@click.pass_obj
def reached(options: Options, evidence: str, how: How) -> None:
    """Record that those on call answered, and how: for when PagerDuty cannot say it. It counts for 12 hours, and for
    the people who are on call now."""
    from console.model.commands import RenewProof
    from console.model.rollback import Source

    def shown(console: Console, _: Done) -> Shown:
        from console.reports.readiness import standing_data

        proof = console.state.standing[f"{console.board.target}/people"]
        return {"proof": standing_data(proof)}, [f"PROVEN: {proof.basis} can be reached: {proof.evidence}"]

    write(options, lambda _: RenewProof("people", evidence, Source.PEOPLE), shown, how)


# -- beginning --------------------------------------------------------------------------------------------------------


@command.command("start")
@click.option("--reason", default="", help="Why; else the guardrail that is breached.")
@click.option(
    "--incident",
    "incident_id",
    default="",
    metavar="INC",
    help="Of which incident; else the most severe that is open, else one is declared.",
)
@yes_option
@writing(unsaved=True)
@click.pass_obj
def start(options: Options, reason: str, incident_id: str, yes: bool, how: How) -> None:
    """Begin the rollback's playbook. No proof, no approver and no notifier that is missing stops it."""
    from console.bootstrap import opened, run
    from console.cli.record import submit
    from console.model.commands import StartRollback

    async def work() -> None:
        async with opened(options) as console:
            incident = incident_of(console.state, incident_id) if incident_id else None
            wanted = StartRollback(reason.strip() or _why(console), incident.id if incident is not None else "")
            await allowed(console, wanted)
            for_ = f"for {incident.label}" if incident is not None else "and declare an incident where none is open"
            confirm(f"Begin the rollback of {console.board.target}, {for_}?", yes)
            done = await submit(console, wanted, how.unsaved)
            await report(console, done, _run_shown, how)

    run(work())


def _why(console: Console) -> str:
    """The reason that stands in the record already. A missing one stops no rollback."""
    from console.view.rollout_words import reason

    progress = console.board.progress
    return (reason(progress) if progress is not None else "") or "no reason was given"


def _run_shown(console: Console, done: Done) -> Shown:
    """The run that has begun, and its incident."""
    from console.cli.run_common import shown
    from console.model.events import RunStarted

    begun = next(item for item in done.events if isinstance(item.payload, RunStarted))
    run = begun.stream.partition(":")[2]
    data, text = shown(console, run)
    incident = console.state.incidents[console.state.runs[run].incident]
    head = {"id": incident.id, "label": incident.label}
    return {**data, "incident": head}, [f"{incident.label} {incident.title}", *text]
