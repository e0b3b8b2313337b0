"""`oncall rollout`: where it is, the next phase, held, set, given up, finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, NOT_FOUND, NOT_SAVED, USAGE, Stop, complain
from console.cli.feed import confirm, yes_option
from console.cli.output import columns, json_option, line, show
from console.cli.record import How, Shown, allowed, decision_of, write, writing

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.board import Board
    from console.model.commands import Command
    from console.model.progress import Progress
    from console.model.rolling import FlagWrite

glass_option = click.option(
    "--break-glass", "glass", default="", metavar="REASON", help="Without a decision: why. It is recorded, and told."
)
decision_option = click.option(
    "--decision", default="", metavar="DEC", help="The decision that it rests on; else the newest of this step."
)
reason_option = click.option("--reason", required=True, help="Why.")


@click.group("rollout")
def command() -> None:
    """Where the rollout is; the next phase, on a decision; hold, set, give up, finish."""


# -- how it stands ----------------------------------------------------------------------------------------------------


@command.command("status")
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Read every source once, and say where the rollout is, by the record and as it is measured.

    Ends with 1 while a guardrail is breached or nobody knows what came of a write. Nothing is written.
    """
    from console.bootstrap import opened, run
    from console.reports.rollout import progress_data
    from console.reports.values import instant

    async def read() -> bool:
        async with opened(ctx.obj, sources=True, read_only=True) as console:
            await console.ask()
            board, progress = console.board, _progress(console)
            data = {"at": instant(board.at), "environment": str(board.target), "mode": board.mode}
            show({**data, **progress_data(progress, board.at)}, lambda: lines(board), as_json)
            record = progress.record
            return not record.breaches and record.open_write is None

    ctx.exit(0 if run(read()) else FAILED)


def lines(board: Board) -> list[str]:
    """The page of the screen, in plain text."""
    from console.view import rollout_detail
    from console.view.line import words
    from console.view.look import ASCII, Look

    return [words(item).rstrip() for item in rollout_detail.page(board, board.at, columns(), Look(ASCII))]


def _progress(console: Console) -> Progress:
    """The rollout on the Board. Raises Stop where none is planned."""
    progress = console.board.progress
    if progress is None:
        raise Stop("no rollout is planned here: rollout.yaml says nothing", USAGE)
    return progress


def _shown(console: Console, _: Done) -> Shown:
    """The record after a command."""
    from console.model.rolling import RolloutState
    from console.reports.rollout import record_data

    record = _progress(console).record
    share = "an unknown share" if record.percent is None else f"{record.percent:g} %"
    if record.started_at is None:
        said = [f"{_progress(console).plan.flag} is at {share}; no rollout was begun"]
    else:
        said = [f"{record.plan}: {record.state} at {share}"]
    if record.state is RolloutState.RAMPING and record.open_write is None and not console.board.lease.holder:
        said.append("No engine runs: the phase is entered, and the bake begins, when one sees the share")
    return {"rollout": record_data(record)}, said


# -- begun, held, given up --------------------------------------------------------------------------------------------


@command.command("begin")
@click.option("--revision", default="", help="What is rolled out; else as it is measured.")
@yes_option
@writing()
@click.pass_obj
def begin(options: Options, revision: str, yes: bool, how: How) -> None:
    """Begin the plan where the flag stands: at 0 %, or at the share that is read."""
    from console.model.commands import BeginRollout

    async def wanted(console: Console) -> Command:
        await console.ask()
        progress = _progress(console)
        share = progress.flag.value
        command = BeginRollout(revision)
        await allowed(console, command)
        at = f"at {share:g} %" if progress.flag.ok and share is not None else "at an unknown share"
        confirm(f"Begin the rollout {progress.plan.name} of {console.board.target} {at}?", yes)
        return command

    write(options, wanted, _shown, how, sources=True)


@command.command("hold")
@reason_option
@writing(unsaved=True)
@click.pass_obj
def hold(options: Options, reason: str, how: How) -> None:
    """Promote nothing until it is released."""
    from console.model.commands import HoldRollout

    write(options, lambda _: HoldRollout(reason), _shown, how)


@command.command("release")
@reason_option
@writing()
@click.pass_obj
def release(options: Options, reason: str, how: How) -> None:
    """Go on. After a breach in this phase the bake begins anew. A breach whose guardrail the plan has no longer is let
    go with it."""
    from console.model.commands import ReleaseRollout

    write(options, lambda _: ReleaseRollout(reason), _shown, how)


@command.command("abort")
@reason_option
@yes_option
@writing()
@click.pass_obj
def abort(options: Options, reason: str, yes: bool, how: How) -> None:
    """Give it up where it is, without a rollback: the flag is left as it stands."""
    from console.model.commands import AbortRollout

    async def wanted(console: Console) -> Command:
        record, command = _progress(console).record, AbortRollout(reason)
        await allowed(console, command)
        share = "an unknown share" if record.percent is None else f"{record.percent:g} %"
        confirm(f"Give up {record.plan} of {console.board.target}, and leave it at {share}?", yes)
        return command

    write(options, wanted, _shown, how)


@command.command("finish")
@decision_option
@glass_option
@yes_option
@writing()
@click.pass_obj
def finish(options: Options, decision: str, glass: str, yes: bool, how: How) -> None:
    """Finish it: the last phase has baked. It rests on a decision from the last phase to itself."""
    from console.model.commands import FinishRollout

    async def wanted(console: Console) -> Command:
        await console.ask()
        command = FinishRollout(_decision(console, decision), glass)
        await allowed(console, command)
        confirm(f"Finish {_progress(console).record.plan} of {console.board.target}?", yes)
        return command

    write(options, wanted, _shown, how, sources=True)


@command.command("cancel")
@reason_option
@writing(unsaved=True)
@click.pass_obj
def cancel(options: Options, reason: str, how: How) -> None:
    """Cancel the countdown to the rollback that would start by itself. There is none again for the same breach.

    With --unsaved it waits in a file that the engine reads before it begins the rollback, where that runs as the same
    user on this machine; where it does not, that is said, and it ends with 4.
    """
    from console.model.commands import CancelCountdown

    async def heard(console: Console, done: Done) -> None:
        why = _unheard(console, done.unsaved) if done.unsaved else ""
        if why:
            raise Stop(
                f"NOT SAVED, and NOT HEARD: {why}: cancel it there (H), or abort its run once it has begun", NOT_SAVED
            )

    write(options, lambda _: CancelCountdown(reason), _shown, how, after=heard)


def _unheard(console: Console, where: str) -> str:
    """Why the engine does not see what was put aside here; empty where it does, or where there is none."""
    from console.journal.spool import MEMORY

    board = console.board
    engine = board.lease.holder
    if where == MEMORY:
        return f"no folder takes it, and {engine or 'no engine'} reads the memory of this process"
    here, there = (name.partition(":")[0] for name in (board.console, engine))
    return f"{engine} is not {here}, and reads no file of theirs" if engine and here != there else ""


# -- the share --------------------------------------------------------------------------------------------------------


@command.command("promote")
@decision_option
@glass_option
@click.option("--reason", default="", help="Why.")
@yes_option
@writing()
@click.pass_obj
def promote(options: Options, decision: str, glass: str, reason: str, yes: bool, how: How) -> None:
    """Set the flag to the next phase, and read it back. It rests on a decision for exactly this step."""
    from console.model.commands import SetShare

    async def wanted(console: Console) -> Command:
        rests = _decision(console, decision)
        now = await _now(console)
        following = _progress(console).plan.next_phase(now)
        if following is None:
            raise Stop(f"{now:g} % is the last phase: `oncall rollout finish`", USAGE)
        command = SetShare(following, now, True, reason, rests, glass)
        await allowed(console, command)
        _agreed(console, now, following, yes)
        return command

    write(options, wanted, _shown, how, sources=True)


@command.command("set")
@click.argument("percent", type=click.FloatRange(0, 100))
@decision_option
@glass_option
@click.option("--reason", default="", help="Why.")
@yes_option
@writing(unsaved=True)
@click.pass_obj
def set_(options: Options, percent: float, decision: str, glass: str, reason: str, yes: bool, how: How) -> None:
    """Set the flag to so many PERCENT, and read it back. Lowering rests on nothing; raising on a decision for exactly
    this step, as a promotion does."""
    from console.model.commands import SetShare

    async def wanted(console: Console) -> Command:
        rests = _decision(console, decision)
        # The way to 0 waits for nothing that is read: half of what is asked may accept and never answer.
        now = await _now(console) if percent > 0 else _recorded(console)
        command = SetShare(percent, now or 0.0, False, reason, rests, glass)
        await allowed(console, command)
        _agreed(console, now, percent, yes)
        return command

    write(options, wanted, _shown, how, sources=True)


def _decision(console: Console, said: str) -> str:
    """The id of the decision that is named; empty where none is. Raises Stop where there is no such one."""
    return decision_of(console.state, said).id if said else ""


def _recorded(console: Console) -> float | None:
    """The share that is set by the record; None where it does not say."""
    return _progress(console).record.percent


async def _now(console: Console) -> float:
    """The share that is set: by the record, else as the flag is read. Raises Stop where it is unknown."""
    await console.ask()
    progress = _progress(console)
    share = progress.record.percent
    if share is None and progress.flag.ok:
        share = progress.flag.value
    if share is None:
        raise Stop(f"what {progress.plan.flag or 'the flag'} gives is not known ({progress.flag.note})", FAILED)
    return share


def _agreed(console: Console, now: float | None, to: float, yes: bool) -> None:
    """Asks, once what stands against more traffic was said."""
    progress, board = _progress(console), console.board
    proposal = progress.proposal
    if now is not None and to > now and proposal is not None and proposal.answer != "go":
        step = f"{proposal.from_percent:g} to {proposal.to_percent:g} %"
        complain(f"note: {step} is {proposal.answer.upper()} by what is known now: `oncall decision status` says why")
    flag = progress.flag
    if flag.ok and flag.value is not None:
        seen = f" (the flag gives {flag.value:g} %)"
    else:
        seen = "" if to == 0 else " (the flag is not readable)"
    there = f"{now:g}" if now is not None else "an unknown share"
    where = f" by {board.flags}" if board.flags else ""
    confirm(f"Set {progress.plan.flag} of {board.target}{where} from {there} to {to:g} %{seen}?", yes)


@command.command("settle")
@click.option("--done/--not-done", "done", required=True, help="Whether the flag gives what was asked for.")
@click.option("--observed", type=click.FloatRange(0, 100), help="The share that the flag gives, in percent.")
@click.option("--seen", "answer", required=True, help="What was seen, and where.")
@click.option("--effect", default="", metavar="ID", help="Which write, where several are open.")
@writing()
@click.pass_obj
def settle(options: Options, done: bool, observed: float | None, answer: str, effect: str, how: How) -> None:
    """Say what came of a write whose outcome nobody knew."""
    from console.model.commands import SettleWrite

    def wanted(console: Console) -> Command:
        write_ = _open_write(console, effect)
        line_ = f"from {write_.before:g} to {write_.percent:g} %, {write_.at:%Y-%m-%d %H:%M:%S}Z, by {write_.by}"
        if not how.as_json:
            line(f"The write {line_}")
        return SettleWrite(write_.effect, done, observed, answer)

    write(options, wanted, _shown, how)


def _open_write(console: Console, effect: str) -> FlagWrite:
    """The open write that is meant. Raises Stop."""
    record = _progress(console).record
    found = [item for item in (record.write, *record.doubtful) if item is not None and item.open]
    if effect:
        found = [item for item in found if item.effect == effect]
    if not found:
        raise Stop("no write is open: nothing is to be settled", NOT_FOUND)
    if len(found) > 1:
        named = ", ".join(f"{item.effect} ({item.percent:g} %)" for item in found)
        raise Stop(f"several writes are open; --effect names one of {named}", USAGE)
    return found[0]
