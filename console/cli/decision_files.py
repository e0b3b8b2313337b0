"""`oncall decision`: what was decided, as lines and as files; and whether a file says what the record says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, NOT_FOUND, USAGE, Stop
from console.cli.output import json_option, show, write_out
from console.cli.record import reading, unknown

if TYPE_CHECKING:
    from console.journal.sqlite import SqliteJournal
    from console.model.events import Recorded

LARGEST = 4 * 1024 * 1024
"""Bytes of a certificate's file."""

decision_argument = click.argument("decision", metavar="[DEC]", default="")


def add_to(group: click.Group) -> None:
    """The commands of this module."""
    for command in (ls, show_one, export, verify):
        group.add_command(command)


def lines(event: Recorded) -> Iterable[str]:
    """A decision for people."""
    from console.model.decision import step
    from console.reports.decision import document
    from console.reports.timeline import day

    data = document(event)
    scope = data["scope"]
    where = step(scope["from_percent"], scope["to_percent"])
    yield f"{data['id']}  {data['status']}  {scope['target']}  {where}  by {data['by']['said']}  {day(data['at'])}"
    yield f"  by the rule: {data['verdict']}"
    if data["expires_at"]:
        yield f"  counts until {day(data['expires_at'])}"
    if data["override"]:
        agreed = f"agreed by {data['second']}" if data["second"] else ""
        alone = f"ALONE, the glass broken: {data['break_glass']}" if data["break_glass"] else ""
        yield f"  against the findings: {data['override']}  {agreed or alone}".rstrip()
    if data["dissent"]:
        yield f"  dissent: {data['dissent']}"
    for item in data["findings"]:
        weight = "required" if item["required"] else "advisory"
        waived = " (waived)" if item["waived"] else ""
        yield f"  {item['outcome']:<7}  {weight}  {item['name']}: {item['evidence']}{waived}"
    for item in data["conditions"]:
        yield f"  condition: {item['text']}  {item['owner']}  until {day(item['due'])}"
    yield f"  record: {data['anchor'] or 'NOT SAVED'}"


@click.command("ls")
@json_option
@click.pass_obj
def ls(options: Options, as_json: bool) -> None:
    """The decisions about this service, newest last."""
    from console.bootstrap import run

    async def work() -> None:
        from console.model.decision import step
        from console.reports.decision import listed

        async with reading(options) as console:
            here = str(console.board.target)
            found = [item for item in console.state.decisions.values() if item.target == here]
            found.sort(key=lambda item: item.number)
            now = console.board.at
            rows = [listed(item, now) for item in found]
            text = [
                f"{item.label}  {item.status}  {step(item.from_percent, item.to_percent)}  by {item.by}  "
                f"{item.at:%Y-%m-%d %H:%M:%S}Z{'' if row['stands'] else '  expired' if item.allows else ''}"
                for item, row in zip(found, rows, strict=True)
            ]
            show({"decisions": rows, "environment": here}, lambda: text or ["nothing was decided yet"], as_json)

    run(work())


@click.command("show")
@decision_argument
@json_option
@click.pass_obj
def show_one(options: Options, decision: str, as_json: bool) -> None:
    """Show a decision with its findings; the newest one without DEC."""
    from console.bootstrap import journal_for_reading, run
    from console.reports.decision import document

    async def work() -> None:
        async with journal_for_reading(options) as journal:
            event = _event(journal, decision)
            show(document(event), lambda: lines(event), as_json)

    run(work())


@click.command("export")
@decision_argument
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@json_option
@click.pass_obj
def export(options: Options, decision: str, output: Path | None, as_json: bool) -> None:
    """The certificate as Markdown, or as JSON; of the newest decision without DEC."""
    from console.bootstrap import journal_for_reading, run
    from console.reports.decision import document, markdown
    from console.reports.values import dump

    async def work() -> None:
        async with journal_for_reading(options) as journal:
            data = document(_event(journal, decision))
            write_out(dump(data) + "\n" if as_json else markdown(data), output)

    run(work())


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@click.pass_context
def verify(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Whether a certificate's file says what the record says, to the byte, and the record is whole.

    Ends with 1 and names what differs: the file, the event, or the chain.
    """
    from console.bootstrap import journal_for_reading, run

    text = _text(file)

    async def work() -> list[str]:
        async with journal_for_reading(ctx.obj) as journal:
            named, wrong = _wrong(journal, text)
            says = f"{file}: {named} is in the record as it stands there, and the record is whole"
            show(
                {"ok": not wrong, "decision": named, "differences": wrong},
                says if not wrong else lambda: [f"{file}: {item}" for item in wrong],
                as_json,
            )
            return wrong

    ctx.exit(FAILED if run(work()) else 0)


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()[: LARGEST + 1]
    except OSError as error:
        raise Stop(f"{file}: cannot be read ({error.strerror})", USAGE) from None
    if len(data) > LARGEST:
        raise Stop(f"{file}: larger than a certificate", USAGE)
    return data.decode("utf-8", "backslashreplace")  # what is no UTF-8 differs from every certificate


def _wrong(journal: SqliteJournal, text: str) -> tuple[str, list[str]]:
    """The decision that a file names, and what is wrong with the file or with the record."""
    from console.journal.verify import verify as check
    from console.model.events import DecisionCertified
    from console.reports.decision import anchor_of, differences

    anchor = anchor_of(text)
    if anchor is None:
        return "", ["it names no SEQ:HASH of the record: no certificate, or a broken one"]
    seq, digest = anchor
    chain = check(journal)
    wrong = [] if chain.ok else [f"the record: {chain}"]
    if chain.bad_seq is not None and chain.bad_seq <= seq:
        return "", wrong  # what stands there now proves nothing
    event = next(iter(journal.read(seq - 1, 1)), None) if seq else None
    if event is None:
        return "", [*wrong, f"event {seq} is not in this record, which ends at {chain.head.seq}"]
    if event.hash != digest:
        why = "it is about another record, or one of the two was changed"
        return "", [*wrong, f"event {seq} has the hash {event.hash} in this record, and {digest} in the file: {why}"]
    if not isinstance(event.payload, DecisionCertified):
        return "", [*wrong, f"event {seq} is no decision"]
    return f"DEC-{seq}", [*wrong, *differences(text, event)]


def _event(journal: SqliteJournal, said: str) -> Recorded:
    """The event of a decision, the newest one when none is named. Raises Stop."""
    from console.model.events import DecisionCertified

    known: list[Recorded] = []
    after = 0
    while batch := journal.read(after):
        known += [item for item in batch if isinstance(item.payload, DecisionCertified)]
        after = batch[-1].seq
    if not known:
        raise Stop("nothing was decided yet; `oncall decision record` records a decision", NOT_FOUND)
    if not said:
        return known[-1]
    text = said.strip().lower()
    for item in known:
        if text in (f"dec-{item.seq}", str(item.seq), item.stream.partition(":")[2]):
            return item
    raise unknown("decision", said, [f"DEC-{item.seq}" for item in known], names=False)
