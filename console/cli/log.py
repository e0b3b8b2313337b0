"""`oncall log`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, USAGE, Stop
from console.cli.output import json_option, line, show, write_out

if TYPE_CHECKING:
    from console.journal.sqlite import SqliteJournal
    from console.model.events import Recorded
    from console.ports import Head

BATCH = 1_000
BOOKKEEPING = frozenset(
    {"delivery.queued", "delivery.sent", "engine.lease_taken", "engine.lease_released", "incident.evidence_taken"}
)
"""Kinds that `log tail` passes over: what went as it should, beside what happened."""
_HEAD = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")


@click.group("log")
def command() -> None:
    """Read, verify and export the record."""


@command.command("tail")
@click.option("-n", "--lines", "count", type=click.IntRange(0), default=20, show_default=True, help="How many events.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until ctrl+c.")
@click.option(
    "--all", "all_", is_flag=True, help="The bookkeeping, too: deliveries that went through, evidence, leases."
)
@json_option
@click.pass_obj
def tail(options: Options, count: int, follow: bool, all_: bool, as_json: bool) -> None:
    """The last events, oldest first; with --json, one object on a line.

    What went as it should (a message queued and sent, evidence kept, the lease) is passed over unless --all is given.
    """
    from console.bootstrap import journal_for_reading, run
    from console.view.events import step_names

    async def work() -> None:
        async with journal_for_reading(options) as journal:
            hidden: frozenset[str] = frozenset() if all_ else BOOKKEEPING
            seen = _before_last(journal, count, hidden)
            names: dict[tuple[str, str], str] = {}
            while True:
                for recorded in _events(journal, seen):
                    names |= step_names([recorded])
                    if recorded.kind not in hidden:
                        _print(recorded, names, as_json)
                    seen = recorded.seq
                if not follow:
                    return
                await journal.changed(seen)

    run(work())


def _before_last(journal: SqliteJournal, count: int, hidden: frozenset[str]) -> int:
    """The number after which `count` events are shown."""
    end = journal.head().seq
    while end > 0 and count > 0:
        start = max(end - BATCH, 0)
        shown = [item.seq for item in journal.read(start, end - start) if item.kind not in hidden]
        if len(shown) >= count:
            return shown[-count] - 1
        count, end = count - len(shown), start
    return end


def _events(journal: SqliteJournal, after: int) -> Iterator[Recorded]:
    while batch := journal.read(after, BATCH):
        yield from batch
        after = batch[-1].seq


def _print(recorded: Recorded, names: Mapping[tuple[str, str], str], as_json: bool) -> None:
    from console.reports.timeline import entry, mark, who

    data = entry(recorded, names)
    if as_json:
        click.echo(_one_line(data))
        return
    mode = f" {mark(recorded.mode)}" if mark(recorded.mode) else ""
    subject = recorded.stream.partition(":")
    name = f"{subject[0]}:{subject[2][:8]}" if subject[2] else subject[0]
    when = f"{recorded.occurred_at:%Y-%m-%d %H:%M:%S}Z"
    what = data["what"] + (f": {data['raw']}" if data["raw"] else "")
    line(f"{recorded.seq:>6}  {when}{mode}  {who(data)}  {name}  {what}")


def _one_line(data: Any) -> str:
    import json

    return json.dumps(data, sort_keys=True, ensure_ascii=True)


@command.command("verify")
@click.option(
    "--expect", metavar="SEQ:HASH", default="", help="An anchor kept elsewhere: shows a cut or rewritten end."
)
@json_option
@click.pass_obj
def verify(options: Options, expect: str, as_json: bool) -> None:
    """Recompute every hash of the record. Exit 1 names the first bad event."""
    from console.bootstrap import journal_for_reading, run
    from console.journal.verify import verify as check

    anchor = _head(expect)

    async def work() -> None:
        async with journal_for_reading(options) as journal:
            result = check(journal, anchor)
            data = {"ok": result.ok, "head": str(result.head), "bad_seq": result.bad_seq, "why": result.why}
            show(data, str(result), as_json) if result.ok or as_json else None
            if not result.ok:
                raise Stop(str(result), FAILED)

    run(work())


def _head(text: str) -> Head | None:
    from console.ports import Head

    if not text:
        return None
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise Stop(f"--expect {text}: found no SEQ:HASH; expected one such as exports print under Record", USAGE)
    return Head(int(found[1]), found[2])


@command.command("export")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@click.option("--json", "as_json", is_flag=True, help="The format in any case: one JSON object on a line.")
@click.pass_obj
def export(options: Options, output: Path | None, as_json: bool) -> None:
    """The whole record as JSON lines, each with its payload as it is stored, its links and its hash."""
    from console.bootstrap import journal_for_reading, run

    async def work() -> None:
        async with journal_for_reading(options) as journal:
            lines = _rows(journal)
            if output is not None:
                write_out("".join(f"{item}\n" for item in lines), output)
                return
            for item in lines:
                click.echo(item)

    run(work())


def _rows(journal: SqliteJournal) -> Iterator[str]:
    """Each stored event; `payload` is the text that was hashed."""
    after = 0
    while rows := journal.rows(after, BATCH):
        for row in rows:
            yield _one_line({**row._asdict(), "payload": row.payload.decode("utf-8", "backslashreplace")})
        after = rows[-1].seq
