"""`oncall generate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from console.bootstrap.common import Options
from console.cli.exits import FAILED, REFUSED, USAGE, Stop
from console.cli.output import json_option, show

if TYPE_CHECKING:
    from console.reports.generate import Made

F = TypeVar("F", bound=Callable[..., Any])


@click.group("generate")
def command() -> None:
    """Write the files that a monitoring set-up needs, from the configuration.

    They are those of one environment: --env SERVICE/ENV before `generate`, else the first. The same configuration gives
    the same bytes; no secret is ever in them. All files are written or none, and one that somebody edited is not
    overwritten without --force. docs/monitoring.md says where each belongs.
    """


def _common(function: F) -> F:
    for option in (
        json_option,
        click.option("--force", is_flag=True, help="Overwrite files that were edited, or that are not ours."),
        click.option("--check", is_flag=True, help="Write nothing; end with 1 unless every file is up to date."),
        click.option(
            "--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The folder they go to."
        ),
    ):
        function = option(function)
    return function


@command.command("prometheus")
@_common
@click.pass_context
def prometheus(ctx: click.Context, out: Path, check: bool, force: bool, as_json: bool) -> None:
    """Recording and alerting rules: SLOs, guardrails, invariants, health; and the targets to probe."""
    _generate(ctx, "prometheus", out, check, force, as_json)


@command.command("alertmanager")
@click.option(
    "--secrets",
    metavar="DIR",
    default="/etc/alertmanager/secrets",
    show_default=True,
    help="The folder on Alertmanager's host in which each secret is a file.",
)
@click.option(
    "--heartbeat",
    metavar="URL",
    default="",
    help="A dead man's switch, told while alerting works. It stands in the file as it is: not one with a secret in it.",
)
@_common
@click.pass_context
def alertmanager(
    ctx: click.Context, secrets: str, heartbeat: str, out: Path, check: bool, force: bool, as_json: bool
) -> None:
    """Who hears of which alert, by severity and team: PagerDuty, Slack, a dead man's switch."""
    if not secrets.startswith("/"):
        raise Stop(f"--secrets {secrets}: expected an absolute path; Alertmanager does not look beside its file", USAGE)
    if heartbeat and not _address(heartbeat):
        raise Stop(f"--heartbeat {heartbeat}: expected an http or https address with a host", USAGE)
    _generate(ctx, "alertmanager", out, check, force, as_json, secrets=secrets.rstrip("/"), heartbeat=heartbeat)


def _address(text: str) -> bool:
    """Whether it is an address that Alertmanager may tell: of http, with a host."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        host = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return host and text.isascii() and text.isprintable() and " " not in text


@command.command("grafana")
@_common
@click.pass_context
def grafana(ctx: click.Context, out: Path, check: bool, force: bool, as_json: bool) -> None:
    """Four dashboards to import: performance, security, rollout, health."""
    _generate(ctx, "grafana", out, check, force, as_json)


def _generate(
    ctx: click.Context, kind: str, out: Path, check: bool, force: bool, as_json: bool, **settings: str
) -> None:
    from console.cli.generated import Edited, State, inspect, write

    made = _made(ctx.obj, kind, **settings)
    states = inspect(out, made.files)
    if not check:
        try:
            write(out, made.files, states, force=force)
        except Edited as edited:
            raise Stop(str(edited), REFUSED) from None
        except OSError as error:
            raise Stop(f"{error.filename or out}: cannot be written ({error.strerror})", USAGE) from None
    done = {State.CURRENT: "up to date"} if check else {State.CURRENT: "unchanged"}
    words = {name: done.get(state, state.value if check else "written") for name, state in states.items()}
    ok = not check or all(state is State.CURRENT for state in states.values())
    show(
        {
            "ok": ok,
            "files": [{"file": str(out / name), "state": word} for name, word in words.items()],
            "notes": made.notes,
        },
        lambda: [f"{out / name}: {word}" for name, word in words.items()] + [f"note: {note}" for note in made.notes],
        as_json,
    )
    ctx.exit(0 if ok else FAILED)


def _made(options: Options, kind: str, **settings: str) -> Made:
    from console import __version__
    from console.bootstrap.common import configuration, environment
    from console.reports.generate import KINDS, Kind, plan_of

    config = configuration(options)
    return KINDS[Kind(kind)](plan_of(config, environment(config, options), __version__, **settings))
