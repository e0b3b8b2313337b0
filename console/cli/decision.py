"""`oncall decision`: what is asked before the next phase, who says what, and the certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli import decision_files
from console.cli.exits import FAILED, NOT_FOUND, OK, USAGE, Stop
from console.cli.output import json_option, show
from console.cli.parse import later
from console.cli.record import How, Shown, write, writing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.board import Board
    from console.model.commands import Command, Decide
    from console.model.decision import Proposal
    from console.model.events.decision import Condition, Finding

STATUS = ("GO", "CONDITIONAL", "NO-GO")


@click.group("decision")
def command() -> None:
    """Go, hold or no-go for the next phase. A DEC is DEC-41, 41, or a uuid. None of this ever blocks a rollback."""


# -- how it stands ----------------------------------------------------------------------------------------------------


@command.command("status")
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Read every source once, and say what each criterion of the next phase says, with its evidence.

    Ends with 0 only for GO. Nothing is written.
    """
    from console.bootstrap import opened, run

    async def read() -> bool:
        async with opened(ctx.obj, sources=True, read_only=True) as console:
            await console.read_playbooks()
            await console.ask()
            board = console.board
            found = proposal_of(board)
            show(_status_data(board, found), lambda: _status_lines(board, found), as_json)
            return found.answer == "go"

    ctx.exit(OK if run(read()) else FAILED)


def proposal_of(board: Board) -> Proposal:
    """What the findings say of the next phase. Raises Stop where there is none."""
    if board.progress is None:
        raise Stop("no rollout is configured: rollout.yaml says what a decision asks", NOT_FOUND)
    if board.progress.proposal is None:
        why = f": {board.fault}" if board.fault else ""
        raise Stop(f"the rollout is {board.progress.record.state}: there is nothing to decide{why}", NOT_FOUND)
    return board.progress.proposal


def _status_data(board: Board, found: Proposal) -> object:
    from console.model.certificate import offered
    from console.reports.decision import finding_data
    from console.reports.values import instant, number

    return {
        "at": instant(found.at),
        "environment": str(board.target),
        "mode": board.mode,
        "from_percent": number(found.from_percent),
        "to_percent": number(found.to_percent),
        "answer": found.answer.value,
        "status": offered(found).value,
        "findings": [finding_data(item) for item in found.findings],
    }


def _status_lines(board: Board, found: Proposal) -> Iterable[str]:
    from console.model.certificate import offered
    from console.model.decision import step

    allowed = offered(found)
    yield f"{found.answer.upper()}  {board.target}  {step(found.from_percent, found.to_percent)}"
    yield from (_line(item) for item in found.findings)
    if found.answer == "go":
        yield f"`oncall decision record {allowed}` records it"


def _line(item: Finding) -> str:
    weight = "required" if item.required else "advisory"
    until = f"  until {item.expires_at:%H:%M:%S}Z" if item.expires_at is not None and item.outcome == "pass" else ""
    return f"  {item.outcome:<7}  {weight}  {item.name}: {item.evidence}{until}"


# -- the certificate --------------------------------------------------------------------------------------------------


def _status(_: click.Context, __: click.Parameter, said: str) -> str:
    if said.upper() not in STATUS:
        raise Stop(f"{said}: no status of a decision; expected {', '.join(STATUS[:-1])} or {STATUS[-1]}", USAGE)
    return said.upper()


@command.command("record")
@click.argument("status", metavar="|".join(STATUS), callback=_status)
@click.option(
    "--condition", "conditions", nargs=3, multiple=True, metavar="TEXT OWNER DUE",
    help="What must still happen, who does it, and until when (+2h, 14:32, ISO 8601); repeatable.",
)  # fmt: skip
@click.option("--override", default="", metavar="REASON", help="Why it is not what the findings give.")
@click.option(
    "--second", default="", metavar="NAME", help="Who has agreed to that: `oncall decision approve override`."
)
@click.option("--break-glass", default="", metavar="REASON", help="Why there is no second person. It is told.")
@click.option("--dissent", default="", metavar="TEXT", help="What somebody says against it; kept.")
@writing()
@click.pass_obj
def record(
    options: Options,
    status: str,
    conditions: tuple[tuple[str, str, str], ...],
    override: str,
    second: str,
    break_glass: str,
    dissent: str,
    how: How,
) -> None:
    """Read every source once, and record a decision on what each criterion says now.

    GO needs every required criterion to be a pass and no advisory one to fail, CONDITIONAL conditions. Against the
    findings it needs a reason and a second person, or a reason why there is none.
    """
    from console.model.certificate import wanted as certified
    from console.model.decision import Status

    async def wanted(console: Console) -> Decide:
        await console.read_playbooks()
        await console.ask()
        board = console.board
        return certified(
            board,
            proposal_of(board),
            Status(status),
            conditions=tuple(_condition(item, console) for item in conditions),
            override=override,
            second=second,
            break_glass=break_glass,
            dissent=dissent,
        )

    write(options, wanted, _recorded, how, sources=True)


def _condition(said: tuple[str, str, str], console: Console) -> Condition:
    from console.model.events.decision import Condition

    text, owner, due = said
    try:
        return Condition(text, owner, later(due, console.board.at))
    except ValueError as error:
        raise Stop(str(error), USAGE) from None


def _recorded(_: Console, done: Done) -> Shown:
    from console.reports.decision import document

    event = done.events[0]
    return {"decision": document(event)}, decision_files.lines(event)


# -- what people say --------------------------------------------------------------------------------------------------


@command.command("attest")
@click.argument("criterion")
@click.option("--link", default="", metavar="URL", help="Its evidence: http or https.")
@click.option("--note", default="", help="In your words; with --fails, why.")
@click.option("--phase", type=float, default=None, metavar="PERCENT", help="For this phase alone.")
@click.option("--fails", is_flag=True, help="It does not hold.")
@writing()
@click.pass_obj
def attest(options: Options, criterion: str, link: str, note: str, phase: float | None, fails: bool, how: How) -> None:
    """Say that a criterion of the kind checklist holds, with a link to its evidence; or that it does not."""
    from console.model.commands import Attest

    _say(options, Attest(criterion, link, note, phase, not fails), how)


@command.command("approve")
@click.argument("criterion")
@click.option("--phase", type=float, required=True, metavar="PERCENT", help="The phase that comes next.")
@click.option("--note", default="", help="In your words.")
@click.option("--withdraw", is_flag=True, help="You no longer approve, or never did.")
@writing()
@click.pass_obj
def approve(options: Options, criterion: str, phase: float, note: str, withdraw: bool, how: How) -> None:
    """Approve the next phase, as a criterion of the kind approval asks; `override` agrees to a decision against the
    findings. Whoever began the rollout does not approve it."""
    from console.model.commands import Approve

    _say(options, Approve(criterion, phase, not withdraw, note), how)


def _say(options: Options, said: Command, how: How) -> None:
    write(options, lambda _: said, _said, how)


def _said(_: Console, done: Done) -> Shown:
    from console.model.fold.decisions import attested
    from console.reports.decision import attestation_data
    from console.view.events import describe

    event = done.events[0]
    (attestation,) = attested((), event, event.payload)
    return {"attestation": attestation_data(attestation)}, [describe(event, {})[1]]


decision_files.add_to(command)
