"""`oncall incident report`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.output import json_option, write_out
from console.cli.record import incident_of, reading

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.model.events import Recorded
    from console.model.incident import Incident
    from console.ports import Journal

BATCH = 1_000


@click.command("report")
@click.argument("incident_id", metavar="ID")
@click.option("--utc", is_flag=True, help="Without your own time zone, so that every reader gets the same bytes.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@json_option
@click.pass_obj
def command(options: Options, incident_id: str, utc: bool, output: Path | None, as_json: bool) -> None:
    """The post-incident review, as far as the record can fill it in: Markdown, or JSON. Twice gives the same bytes."""
    from console.bootstrap import run
    from console.reports.history import replay
    from console.reports.incident import document, markdown
    from console.reports.values import dump

    async def work() -> None:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            data = document(replay(incident.id, await _events(options, console, incident)))
        if as_json:
            write_out(dump(data) + "\n", output)
        else:
            write_out(markdown(data) if utc else markdown(data, lambda at: at.astimezone().tzinfo), output)

    run(work())


async def _events(options: Options, console: Console, incident: Incident) -> list[Recorded]:
    """Everything about it: from the whole record, and what waits in the spool."""
    from console.bootstrap import journal_for_reading, journal_path
    from console.reports.history import gather

    streams = [incident.stream, *(run.stream for run in console.state.runs_of(incident.id))]
    streams += [change.stream for change in console.state.changes_of(incident.id)]
    waiting = [item for item in await console.timeline(*streams) if not item.saved]
    if not journal_path(options, console.settings).exists():
        return waiting
    async with journal_for_reading(options) as journal:
        return [*gather(incident, lambda: _all(journal)), *waiting]


def _all(journal: Journal) -> Iterator[Recorded]:
    after = 0
    while batch := journal.read(after, BATCH):
        yield from batch
        after = batch[-1].seq
