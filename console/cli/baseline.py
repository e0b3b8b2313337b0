"""`oncall baseline`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, NOT_FOUND, NOT_SAVED, REFUSED, USAGE, Stop, complain
from console.cli.output import json_option, show, table
from console.cli.parse import moment

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.journal.baselines import BaselineFiles
    from console.model.baseline import Baseline, Detail
    from console.ports import MetricSource
    from console.reports.baseline.capture import Slicing, Wanted
    from console.reports.baseline.statistics import Counts, Estimates

MOST_DAYS = 90
HOUR = 12
"""Slices of an hour."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""What `--until` may be: days before it are subtracted from it, and slices are counted from 1970."""


@click.group("baseline")
def command() -> None:
    """What was normal: capture it, and compare the present with it."""


@command.command("capture")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=7, show_default=True, help="How many.")
@click.option("--until", default="", metavar="TIME", help="Up to when, as before an incident. Else now.")
@click.option("--name", default="", help="What to call it. Else the time.")
@click.option("--zone", default="", metavar="NAME", help="Whose hours: Europe/Berlin. Else that of the SLOs, else UTC.")
@json_option
@click.pass_context
def capture(ctx: click.Context, days: int, until: str, name: str, zone: str, as_json: bool) -> None:
    """Read the 5-minute slices of every SLI, and keep them with their statistics.

    Counts are kept, and for latencies the buckets of the histogram; per hour and day, for peak and off-peak hours, with
    confidence intervals by day-block bootstrap (needs `pip install 'oncall-console[stats]'`). All of it is kept, in a
    private file beside the journal, or nothing. Exit 1 when an SLI could not be measured; the others are kept.
    """
    from console.bootstrap import opened, run

    options: Options = ctx.obj
    if options.read_only:
        raise Stop("this console is read-only", REFUSED)
    _check_zone(zone)

    async def work() -> int:
        async with opened(options, sources=True) as console:
            return await _capture(console, options, days, until, name, zone, as_json)

    ctx.exit(run(work()))


async def _capture(
    console: Console, options: Options, days: int, until: str, name: str, zone: str, as_json: bool
) -> int:
    from console.bootstrap.common import actor
    from console.engine.offload import in_thread
    from console.model.baseline import Baseline
    from console.reports.baseline.data import whole

    source, where, clock = _source(options)
    now = clock.now()
    try:
        end = min(moment(until, now), now) if until else now
    except ValueError as error:
        raise Stop(f"--until: {error}", USAGE) from None
    if end < EARLIEST:
        raise Stop(f"--until {until}: expected a time from {EARLIEST:%Y-%m-%d} on; nothing was measured then", USAGE)
    name = name or f"{now:%Y%m%dT%H%M%SZ}"
    files = _files(options, console)
    if _said(lambda: files.taken(name)):
        raise Stop(f"there is a baseline {name} already", REFUSED)
    await console.ask()
    wanted, missing = await _wanted(console)
    by = actor(options.operator, console.settings.people).name
    empty = Baseline(name, str(console.board.target), now, where, zone or _zone_of(wanted), 0, 0, by, missing=missing)

    def read() -> tuple[Baseline, str]:
        return _made(source, wanted, days, empty, files, end)

    baseline, digest = await in_thread(read)
    saved, why = await _record(console, baseline, digest)
    data = {"saved": saved, "head": console.board.head, "file": str(files.folder / f"{name}.jsonl"), "hash": digest}
    show({**data, "baseline": {**whole(baseline), "hash": digest}}, lambda: _captured(baseline, digest), as_json)
    if not saved:
        complain(f"NOT SAVED in the record that it was captured: {why}")
        return NOT_SAVED
    return FAILED if baseline.missing else 0


def _made(
    source: MetricSource, wanted: list[Wanted], days: int, empty: Baseline, files: BaselineFiles, end: Any
) -> tuple[Baseline, str]:
    """Reads, computes and keeps; called in a thread. Raises Stop."""
    from dataclasses import replace

    from console.ports import SourceError
    from console.reports.baseline import capture as reading
    from console.reports.baseline.statistics import NoStatistics, Worker, plain

    try:
        with ExitStack() as stack:
            estimates: Callable[[Counts], Estimates] = plain
            notes: tuple[str, ...] = ()
            try:
                estimates = stack.enter_context(Worker()).estimates
            except NoStatistics as none:
                notes = (str(none),)
                complain(str(none))
            edge = reading.edge_of(source, end)
            made, details = reading.capture(source, wanted, edge, days, empty, estimates, Progress())
    except SourceError as error:
        raise Stop(f"nothing was kept: {error}", FAILED) from None
    except (reading.NotCaptured, NoStatistics) as error:
        raise Stop(f"nothing was kept: {error}", FAILED) from None
    baseline = replace(made, missing={**empty.missing, **made.missing}, notes=notes)
    return baseline, _said(lambda: files.keep(baseline, details))


async def _record(console: Console, baseline: Baseline, digest: str) -> tuple[bool, str]:
    from console.engine.outcome import Denied, Unsaved
    from console.model.commands import RecordBaseline
    from console.model.slices import instant

    found = await console.submit(
        RecordBaseline(
            baseline.name,
            digest,
            baseline.environment,
            baseline.source,
            instant(baseline.begin),
            instant(baseline.end),
            len(baseline.measured),
        )
    )
    if isinstance(found, Denied | Unsaved):
        return False, found.reason
    return not found.unsaved, found.unsaved


def _captured(baseline: Baseline, digest: str) -> Iterator[str]:
    yield f"captured {_title(baseline)}, hash {digest}"
    yield from _contents(baseline)


class Progress:
    """Says on stderr how far it is: on a terminal in one line that is written over, else at every quarter."""

    def __init__(self) -> None:
        self._told: tuple[str, int] = ("", -1)

    def __call__(self, what: str, done: int, of: int) -> None:
        """So many of all are done."""
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{what} {done} of {of}", nl=done >= of, err=True)
            return
        quarter = (what, 4 * done // max(1, of))
        if quarter != self._told:
            click.echo(f"{what} {done} of {of}", err=True)
        self._told = quarter


# -- looking ----------------------------------------------------------------------------------------------------------


@command.command("ls")
@json_option
@click.pass_obj
def ls(options: Options, as_json: bool) -> None:
    """The baselines that there are, oldest first."""
    from console.journal.baselines import BadBaseline
    from console.reports.baseline.data import listed

    files = _files(options)
    found: list[Baseline] = []
    broken: list[str] = []
    for name in files.names():
        try:
            found.append(files.summary(name))
        except BadBaseline as error:
            broken.append(str(error))
    found.sort(key=lambda item: item.captured_at)

    def lines() -> Iterator[str]:
        yield from table([_row(item) for item in found])
        yield from (f"BROKEN {text}" for text in broken)
        if not found and not broken:
            yield "no baseline; `oncall baseline capture` makes one"

    show({"baselines": [listed(item) for item in found], "broken": broken}, lines, as_json)


def _row(item: Baseline) -> tuple[str, ...]:
    from console.view.times import stamp

    when = f"captured {stamp(item.captured_at)}"
    return item.name, item.environment, when, f"{item.days:g} d", f"{len(item.measured)} SLIs"


@command.command("show")
@click.argument("name")
@json_option
@click.pass_obj
def show_one(options: Options, name: str, as_json: bool) -> None:
    """What one holds, and what it suggests for objectives and guardrails. Its hash is checked."""
    from console.reports.baseline.data import whole

    files = _files(options)
    baseline, _ = _read(files, name)
    show({"baseline": whole(baseline)}, lambda: _contents_of(baseline), as_json)


def _contents_of(baseline: Baseline) -> Iterator[str]:
    yield f"{_title(baseline)}, hash {baseline.hash}"
    yield from _contents(baseline)
    yield from _advice(baseline)


def _title(baseline: Baseline) -> str:
    from console.model.slices import instant
    from console.view.times import stamp

    span = f"{stamp(instant(baseline.begin))} to {stamp(instant(baseline.end))}"
    by = f" by {baseline.by}" if baseline.by else ""
    return (
        f"baseline {baseline.name} of {baseline.environment}: {span}, hours of {baseline.zone}, "
        f"captured {stamp(baseline.captured_at)}{by} from {baseline.source}"
    )


def _contents(baseline: Baseline) -> Iterator[str]:
    from console.view.baseline import measured_lines

    for item in baseline.measured:
        yield from measured_lines(item)
    for name, why in baseline.missing.items():
        yield f"NOT MEASURED {name}: {why}"
    yield from baseline.notes


def _advice(baseline: Baseline) -> Iterator[str]:
    from console.model.advice import advise
    from console.view.baseline import advice_words

    for item in baseline.measured:
        for found in advise(item):
            yield f"{item.name}: {advice_words(found, item)}"


# -- comparing --------------------------------------------------------------------------------------------------------


@command.command("compare")
@click.argument("name", required=False, default="")
@json_option
@click.pass_obj
def compare(options: Options, name: str, as_json: bool) -> None:
    """The last hour, and the present hour so far, beside the same hours of a baseline: the newest, or that of a NAME.

    The same hour of the week where the baseline has it. Of which hours 95 % are spoken of, is said: of 20 at least.
    """
    from console.bootstrap import opened, run

    async def work() -> None:
        async with opened(options, sources=True, read_only=True) as console:
            await _compare(console, options, name, as_json)

    run(work())


async def _compare(console: Console, options: Options, name: str, as_json: bool) -> None:
    from console.engine.offload import in_thread
    from console.reports.baseline.data import advice_data, listed, note_data

    files, target = _files(options, console), str(console.board.target)
    newest = None if name else await asyncio.to_thread(files.newest, target)
    if not name and newest is None:
        raise Stop(f"there is no baseline of {target}; `oncall baseline capture` makes one", NOT_FOUND)
    baseline, details = _read(files, name or (newest.name if newest is not None else ""))
    if baseline.environment != target:
        raise Stop(f"{baseline.name} is of {baseline.environment}, and not of {target}", REFUSED)
    source, _, clock = _source(options)
    await console.ask()
    wanted, _missing = await _wanted(console)
    now = clock.now()
    found, edge = await in_thread(lambda: _present(source, wanted, baseline, now))
    from console.model.advice import advise
    from console.reports.baseline.beside import besides

    notes = list(besides(baseline, details, wanted, found, edge))
    data = {
        "baseline": {**listed(baseline), "hash": baseline.hash},
        "comparisons": [
            {"slo": item.name, "hour": item.hour, "what": item.what, **note_data(item.note)} for item in notes
        ],
        "advice": [{"slo": item.name, **advice_data(one)} for item in baseline.measured for one in advise(item)],
    }
    show(data, lambda: _compared(baseline, notes), as_json)


def _present(source: MetricSource, wanted: list[Wanted], baseline: Baseline, now: Any) -> tuple[list[Slicing], int]:
    from console.ports import SourceError
    from console.reports.baseline import capture as reading

    try:
        edge = reading.edge_of(source, now)
        return reading.read(source, wanted, edge - HOUR, edge, lambda done, of: None), edge
    except SourceError as error:
        raise Stop(str(error), FAILED) from None


def _compared(baseline: Baseline, notes: list[Any]) -> Iterator[str]:
    from console.view.baseline import amount, errors, note_words

    yield _title(baseline)
    for item in notes:
        _, words = note_words(item.note, errors if item.what == "errors" else amount)
        yield f"{item.name}, {item.hour}, {item.what}: {words}"
    yield from _advice(baseline)


# -- what they share --------------------------------------------------------------------------------------------------


def _said(work: Callable[[], Any]) -> Any:
    from console.journal.baselines import BadBaseline

    try:
        return work()
    except BadBaseline as error:
        raise Stop(str(error), USAGE) from None


def _files(options: Options, console: Console | None = None) -> BaselineFiles:
    from console.bootstrap.common import baselines_of, configuration, journal_path

    config = console.settings if console is not None else configuration(options)
    return baselines_of(journal_path(options, config), config)


def _read(files: BaselineFiles, name: str) -> tuple[Baseline, tuple[Detail, ...]]:
    from console.cli.record import unknown

    if not _said(lambda: files.taken(name)):
        raise unknown("baseline", name, files.names())
    found: tuple[Baseline, tuple[Detail, ...]] = _said(lambda: files.read(name))
    return found


def _source(options: Options) -> tuple[MetricSource, str, Any]:
    from console.bootstrap.baselines import metrics_of

    source, where, clock = metrics_of(options)
    if source is None:
        raise Stop("this environment has no metric source: console.yaml names no prometheus", USAGE)
    return source, where, clock


async def _wanted(console: Console) -> tuple[list[Wanted], dict[str, str]]:
    """What is measured: every objective, and every group of one, by what its gauge shows; and what cannot be."""
    from console.reports.baseline.capture import Wanted

    found, missing = [], {}
    for gauge in console.board.slos:
        objective = gauge.objective
        if objective.groups:
            missing[objective.name] = gauge.ratio.note or "no series has the labels " + ", ".join(objective.groups)
            continue
        history = await console.lookups.levels(objective.name)
        found.append(Wanted(objective, history.sli if history is not None else objective.sli))
    return found, missing


def _zone_of(wanted: list[Wanted]) -> str:
    """The zone of the calendar windows, where they agree on one."""
    from console.model.window import Calendar

    zones = {item.objective.window.zone for item in wanted if isinstance(item.objective.window, Calendar)}
    return zones.pop() if len(zones) == 1 else "UTC"


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if zone:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Stop(f"--zone {zone}: expected the name of a time zone, such as Europe/Berlin", USAGE) from None
