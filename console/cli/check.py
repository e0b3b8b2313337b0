"""`oncall check`."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED
from console.cli.output import json_option, show

if TYPE_CHECKING:
    from console.bootstrap.proving import Trial
    from console.model.message import ChannelProof
    from console.settings.config import Config, Environment, HttpSource, SecretRef


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, about a source or another part; `ok` None: nothing is known. `todo` says what to do."""

    source: str
    ok: bool | None
    what: str
    todo: str = ""


@click.command("check")
@click.option("--send-test", is_flag=True, help="Send a test through every channel. Names who is paged, and asks once.")
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="With --send-test: only this; repeatable.")
@click.option("--yes", is_flag=True, help="With --send-test: do not ask.")
@json_option
@click.pass_context
def command(ctx: click.Context, send_test: bool, channels: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Say, source by source, what works, what does not, and what to do.

    The configuration, every secret it refers to (set or not; never shown), what each server is asked with, the
    journal, the chosen environment's sources, and its channels: what can be said of each without sending, and when a
    test last proved it. Exit 0 when nothing is wrong, else 1.

    With --send-test: an alert through each Alertmanager, an event through PagerDuty, a message to every other channel,
    each labelled oncall_test=true, taken back where that can be, and its proof kept in the journal. Exit 0 when all
    are proven, else 1; 3, and nothing sent, with CI set, with --read-only, or when the answer is no; 4 when a proof
    could not be saved.
    """
    from console.bootstrap import run

    if send_test:
        from console.cli import send_test as sending

        ctx.exit(sending.command(ctx.obj, channels, yes=yes, as_json=as_json))
    if channels or yes:
        raise click.UsageError("--channel and --yes go with --send-test")
    lines = run(findings(ctx.obj))
    ok = all(line.ok is not False for line in lines)
    show({"ok": ok, "findings": [asdict(line) for line in lines]}, lambda: [_text(line) for line in lines], as_json)
    ctx.exit(0 if ok else FAILED)


def _text(line: Line) -> str:
    todo = f"; {line.todo}" if line.todo else ""
    mark = "?? " if line.ok is None else "ok " if line.ok else "BAD"
    return f"{mark}  {line.source}: {line.what}{todo}"


async def findings(options: Options) -> list[Line]:
    """Everything that was found, in the order of the report."""
    from console.bootstrap.common import configuration, environment
    from console.settings.problems import ConfigError

    try:
        config = configuration(options)
    except ConfigError as error:
        return [Line("config", False, text) for text in str(error).splitlines()]
    chosen = environment(config, options)
    rest = " but for what is below" if config.broken else ""
    lines = [Line("config", True, f"{config.folder} is complete and correct{rest}")]
    lines += [Line("playbook", False, text, "until then nobody can start it") for text in config.broken]
    lines += [Line("config", True, f"note: {warning}") for warning in config.warnings]
    lines += _keys(config)
    secrets, unread = _secrets(config, chosen)
    access, unusable = _access(config, chosen)
    lines += [*secrets, *access]
    unread += unusable
    lines += _journal(options, config)
    lines.append(
        Line(
            "environment", True, f"{chosen.target}: {len(config.objectives)} SLOs, {len(chosen.components)} components"
        )
    )
    others = [*await _sources(config, chosen), *await _channels(options, config, chosen)]
    return [*lines, *(line for line in others if line.ok is not False or not _said(line, unread))]


def _said(line: Line, unread: Sequence[str]) -> bool:
    """Whether it only repeats that a secret or a certificate cannot be read, which its own line says better."""
    return any(words in line.what for words in unread)


def _keys(config: Config) -> list[Line]:
    from console.tui.keys import unknown_ids

    unknown = unknown_ids(action for action, _ in config.keys)
    return [
        Line("config", False, f"keys: there is no action {name!r}", "`?` on a screen lists them") for name in unknown
    ]


def _secrets(config: Config, chosen: Environment) -> tuple[list[Line], list[str]]:
    """A line for each secret, and the words by which others say that one cannot be read."""
    from console.settings.secrets import SecretError, resolve

    lines, unread = [], []
    for name, ref in _references(config, chosen):
        try:
            resolve(ref, os.environ)
        except SecretError as error:
            lines.append(Line("secret", False, f"{name}: {error}", f"set it, or remove {name} from console.yaml"))
            unread.append(f"{ref} cannot be read")
        else:
            lines.append(Line("secret", True, f"{name}: {ref} is set"))
    return lines, unread


def _references(config: Config, chosen: Environment) -> Iterator[tuple[str, SecretRef]]:
    """Every environment's sources; of the channels, those of the chosen one, which alone is written to."""
    for item in config.environments:
        for name, source in _read_from(item):
            yield from ((f"{item.target} {name}.{key}", ref) for key, ref in source.secrets())
    for key, ref in chosen.notify.secrets():
        yield f"{chosen.target} notify.{key}", ref


def _read_from(item: Environment) -> Iterator[tuple[str, HttpSource]]:
    """The HTTP servers that an environment is read from, each with its name; of the components, those that need more
    than their address."""
    if item.prometheus is not None:
        yield item.prometheus.name, item.prometheus
    yield from ((server.source.name, server.source) for server in item.alertmanagers)
    for component in item.components:
        if component.source is not None:
            yield f"health.{component.name}", component.source
    if item.flags is not None and (server := item.flags.server) is not None:
        yield "flags", server


def _access(config: Config, chosen: Environment) -> tuple[list[Line], list[str]]:
    """What lets us into each server, by kind, and whether its certificates can be used; the words of those that cannot.
    Every environment's sources; of the channels, those of the chosen one."""
    from console.bootstrap.outside import reveal

    lines, unusable = [], []
    servers = [(item.target, *server) for item in config.environments for server in _read_from(item)]
    notify = chosen.notify
    told = [notify.grafana.source] if notify.grafana is not None else []
    servers += [(chosen.target, f"notify.{source.name}", source) for source in told]
    servers += [(chosen.target, f"notify.webhooks.{hook.source.name}", hook.source) for hook in notify.webhooks]
    for target, name, source in servers:
        lines.append(Line("access", True, f"{target} {name}: asked with {source.manner}"))
        if source.tls is None:
            continue
        from console.integrations.http.tls import TlsError, context

        try:
            context(source.tls, reveal)
        except TlsError as error:
            lines.append(Line("access", False, f"{target} {name}: {error}", f"correct tls_config of {name}"))
            unusable.append(str(error))
    return lines, unusable


def _journal(options: Options, config: Config) -> Iterator[Line]:
    """Whether the journal can be written; one that is not there yet is not made."""
    from console.bootstrap.common import journal_path, open_journal
    from console.engine.clocks import SystemClock
    from console.journal.files import refuse_network
    from console.ports import JournalUnusable

    path = journal_path(options, config)
    try:
        refuse_network(path.parent)
        if not path.exists():
            yield _future(path)
            return
        journal = open_journal(options, config, SystemClock())
    except JournalUnusable as error:
        yield Line("journal", False, str(error))
        return
    problem = "" if options.read_only else journal.writable
    yield Line("journal", not problem, problem or f"{path} ends at {journal.head()}")


def _future(path: Path) -> Line:
    from console.bootstrap.common import no_place

    why = no_place(path)
    if not why:
        return Line("journal", True, f"{path} will be made at the first start")
    return Line("journal", False, f"{path} cannot be made: {why}", "name another with --journal")


async def _sources(config: Config, chosen: Environment) -> list[Line]:
    from console.bootstrap.outside import flags_of, sources_of
    from console.engine.clocks import SystemClock
    from console.engine.offload import in_thread
    from console.engine.sources import rollout_flag

    sources = sources_of(chosen, SystemClock())
    flags: Any = flags_of(config, chosen, SystemClock())
    metrics, health = sources.metrics, sources.health
    probes: list[Callable[[], list[Line]]] = []
    if metrics is not None:
        probes.append(lambda: _metrics(metrics, config))
    probes += [partial(_probe, source) for source in (*sources.alerts, health) if source is not None]
    if flags is not None:
        probes.append(lambda: _lines(flags.probe(rollout_flag(config))))
    found = await asyncio.gather(*(in_thread(probe) for probe in probes))
    missing = [
        Line(name, True, "none is configured")
        for name, source in (("prometheus", metrics), ("alertmanager", sources.alerts), ("health", health))
        if not source
    ]
    if flags is None:
        missing.append(Line("flags", True, "none is configured: flags are set by hand"))
    return [line for lines in found for line in lines] + missing


async def _channels(options: Options, config: Config, chosen: Environment) -> list[Line]:
    """Each channel's own word on itself without sending, and when a test last proved it; the Alertmanagers' proofs,
    too."""
    from console.bootstrap.outside import outlets_of
    from console.bootstrap.proving import trials
    from console.engine.clocks import SystemClock

    clock = SystemClock()
    found = trials(chosen, outlets_of(chosen, clock), clock)
    if not found:
        return []
    proofs = await _proofs(options, config)
    probed = await asyncio.gather(*(_probed(trial) for trial in found))
    lines: list[Line] = []
    for trial, said in zip(found, probed, strict=True):
        lines += said
        lines.append(_proof(trial, proofs, clock.now()))
    return lines


async def _proofs(options: Options, config: Config) -> Mapping[str, ChannelProof] | str:
    """What the journal keeps; why that is not known, where it cannot be read. One that is not there is not made."""
    from console.bootstrap import opened
    from console.bootstrap.common import journal_path
    from console.ports import JournalUnusable

    if not journal_path(options, config).exists():
        return {}
    try:
        async with opened(options, read_only=True) as console:
            return console.state.proofs
    except JournalUnusable as error:
        return str(error)


async def _probed(trial: Trial) -> list[Line]:
    from console.engine.offload import in_thread

    if trial.probe is None:
        return []
    probe = trial.probe
    try:
        async with asyncio.timeout(trial.deadline.total_seconds()):
            return list(await in_thread(lambda: _lines(probe())))
    except TimeoutError:
        return [Line(trial.name, False, "does not say how it is in time", "look at its server, or the network")]


def _proof(trial: Trial, proofs: Mapping[str, ChannelProof] | str, now: datetime) -> Line:
    from console.model.message import ChannelProof
    from console.view.times import span_of, stamp

    todo = f"`oncall check --send-test --channel {shlex.quote(trial.name)}` tests it"
    aside = "" if trial.target else "; no test target is configured: a test goes to whom it is for"
    if isinstance(proofs, str):
        return Line(trial.name, None, f"UNPROVEN: the journal cannot be read ({proofs}){aside}", todo)
    proof = proofs.get(trial.name, ChannelProof(trial.name))
    last = "never proven"
    if proof.proven_at is not None:
        age = span_of(now - proof.proven_at, seconds=True)
        last = f"last proven {age} ago, {stamp(proof.proven_at)} by {proof.by}: {proof.evidence}"
    if proof.failed_at is not None:
        age = span_of(now - proof.failed_at, seconds=True)
        return Line(trial.name, False, f"the last test FAILED {age} ago: {proof.error}; {last}{aside}", todo)
    if proof.proven_at is None:
        return Line(trial.name, None, f"UNPROVEN: no test of it is on record{aside}", todo)
    return Line(trial.name, True, last + aside)


def _probe(source: Any) -> list[Line]:
    return _lines(source.probe())


def _lines(found: Any) -> list[Line]:
    return [Line(item.source, item.ok, item.what, item.todo) for item in found]


def _metrics(source: Any, config: Config) -> list[Line]:
    """The server, then every expression. An SLI and its fallback need not both have data."""
    from console.engine.clocks import SystemClock
    from console.engine.metrics import MetricRounds

    rounds = MetricRounds(source, config.objectives, config.rollout, SystemClock())
    queries = rounds.queries
    lines = _lines(source.probe(queries))
    if len(lines) != len(queries) + 1:
        return lines
    by_name = {query.name: line for query, line in zip(queries, lines[1:], strict=True)}
    by_name |= _without_bad_events(source, config, by_name)
    return [lines[0], *(_excused(name, line, by_name) for name, line in by_name.items())]


def _without_bad_events(source: Any, config: Config, by_name: Mapping[str, Line]) -> dict[str, Line]:
    """Bad events without a series, as a rollout takes them: 0 where the same was seen in the last day, or where the
    plan says so; else nothing passes by them, and whether they are right is not known."""
    from datetime import timedelta

    from console.engine.clocks import SystemClock
    from console.engine.counting import seen
    from console.engine.plan_queries import count_queries
    from console.model.absence import BAD, computed, doubt
    from console.ports import SourceError

    plan = config.rollout
    silent = [
        (item, part, name)
        for item in (plan.evidence if plan is not None else ())
        for part in BAD
        if (line := by_name.get(name := f"evidence.{item.guardrail}.{part}")) is not None
        and line.what == f"{name}: no data"
    ]
    if plan is None or not silent:
        return {}
    now = SystemClock().now()
    try:
        ever = seen(plan, source.read_range(count_queries(plan), now - timedelta(days=1), now, 300.0))
    except SourceError:
        return {}
    found = {}
    for item, part, name in silent:
        line, why = by_name[name], doubt(item, part, ever[item.guardrail])
        if not why:
            found[name] = replace(line, ok=True, what=f"{name}: no series, which counts as 0", todo="")
        elif not computed(getattr(item, part)):
            found[name] = replace(line, ok=None, what=f"{name}: {why}")
        else:
            found[name] = replace(line, what=f"{name}: {why}")
    return found


def _excused(name: str, line: Line, by_name: dict[str, Line]) -> Line:
    """An SLI without data whose fallback has some, or the other way round, is no failure."""
    if line.ok or not name.startswith("slo."):
        return line
    twin = name.replace(".fallback.", ".") if ".fallback." in name else _fallback(name)
    other = by_name.get(twin)
    if other is None or not other.ok:
        return line
    return replace(line, ok=True, what=f"{line.what} ({twin} is used instead)", todo="")


def _fallback(name: str) -> str:
    objective, what = name.rsplit(".", 1)
    return f"{objective}.fallback.{what}"
