"""The root command: global options, commands that are imported when they are called, and the exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from console import __version__
from console.bootstrap.common import Options
from console.cli.exits import CODES, FAULT, NOT_SAVED, OK, REFUSED, USAGE, Stop, complain

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "The console on a simulated service; rehearse a rollback there."),
    "check": ("check", "Say what works, what does not, and what to do."),
    "status": ("status", "Read every source once and say how things stand."),
    "watch": ("watch", "Run the engine without a screen, for a service manager."),
    "alerts": ("alerts", "The alert feed: list, show, acknowledge, judge."),
    "silence": ("silence", "Silences: preview, add, expire, extend."),
    "slo": ("slo", "Service levels: their gauges; check and convert their files."),
    "baseline": ("baseline", "What was normal: capture it, and compare the present with it."),
    "decision": ("decision", "Go, hold or no-go for the next phase, and its certificate."),
    "incident": ("incident", "Declare, lead, follow and export incidents."),
    "rollout": ("rollout", "Where the rollout is; promote, hold, set, finish."),
    "rollback": ("rollback", "Can we roll back right now; prove it, begin it."),
    "changes": ("changes", "Temporary changes: what is owed, undone, handed over."),
    "outbox": ("outbox", "Messages: what went out, what is NOT SENT."),
    "who": ("who", "Who is on call, and how to reach them."),
    "playbook": ("playbook", "Show the playbooks, and which ones fit."),
    "run": ("run", "Carry out a playbook, step by step."),
    "shift": ("shift", "Begin and end shifts; notes and watch items."),
    "handoff": ("handoff", "Hand a shift over, item by item."),
    "generate": ("generate", "Write rules, routes and dashboards for a monitoring set-up."),
    "log": ("log", "Read, verify and export the record."),
    "init": ("init", "Write an example configuration to a new folder."),
}
"""Name -> (module under console.cli, one line for the list)."""


class Lazy(click.Group):
    """A group whose commands live in modules of their own; the list of them is known without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which somebody meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"console.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command. A pipe that nobody reads any more is no fault; click would end it with 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # nothing is left to flush at the exit
            ctx.exit(128 + signal.SIGPIPE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, and below it the exit codes."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        with formatter.section("Exit codes"):
            formatter.write_dl([*((str(code), what) for code, what in CODES.items()), ("128+n", "ended by signal n")])


@click.group(
    cls=Lazy,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without a command: the screen, on the configured services. `oncall demo` needs no configuration.",
)
@click.option(
    "--config", metavar="DIR", default="", help="The configuration folder. Else ONCALL_CONFIG, ./config, yours."
)
@click.option(
    "--journal",
    metavar="FILE",
    default="",
    envvar="ONCALL_JOURNAL",
    help="The record. Else ONCALL_JOURNAL, console.yaml's.",
)
@click.option("--as", "operator", metavar="NAME", default="", help="Who you are. Else ONCALL_OPERATOR, your login.")
@click.option("--env", "environment", metavar="SERVICE/ENV", default="", help="Which environment. Else the first one.")
@click.option("--read-only", is_flag=True, help="Show everything, change nothing, write no event.")
@click.option("--plain", is_flag=True, help="Lines instead of a screen, for screen readers and pipes.")
@click.version_option(__version__, prog_name="oncall", message="%(prog)s %(version)s")
@click.pass_context
def oncall(
    ctx: click.Context, config: str, journal: str, operator: str, environment: str, read_only: bool, plain: bool
) -> None:
    """The on-call console: what is broken, who leads, what happens next, and can we roll back right now."""
    options = ctx.obj = Options(config, journal, operator, environment, read_only, plain)
    if ctx.invoked_subcommand is None:
        from console.bootstrap.real import live_with_clock
        from console.bootstrap.screen import run_screen

        ctx.exit(run_screen(live_with_clock, options))


def run(arguments: Sequence[str]) -> int:
    """Runs one command line. The exit code; whatever failed has been said on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    try:
        code = oncall.main(list(arguments), prog_name="oncall", standalone_mode=False)
        return code if isinstance(code, int) else OK
    except click.Abort as abort:
        click.echo(err=True)
        return USAGE if isinstance(abort.__cause__, EOFError) else 130
    except Stop as stop:
        stop.show()
        return stop.code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return explain(error)


def explain(error: Exception) -> int:
    """Says what an error means and gives its code. What nobody foresaw is a fault of ours, with its traceback."""
    from console.bootstrap.common import BadInput
    from console.settings.problems import ConfigError, NoConfig

    if isinstance(error, NoConfig):
        complain(f"{error}; `oncall demo` needs none")
        return USAGE
    if isinstance(error, ConfigError):
        for problem in error.problems:
            click.echo(str(problem), err=True)
        return USAGE
    if isinstance(error, BadInput):
        complain(str(error))
        return USAGE
    return _explain_journal(error)


def _explain_journal(error: Exception) -> int:
    from console.ports import JournalUnusable, NotSaved, Refused

    if isinstance(error, JournalUnusable):
        complain(str(error))
        return USAGE
    if isinstance(error, NotSaved):
        complain(f"NOT SAVED: {error}")
        return NOT_SAVED
    if isinstance(error, Refused):
        complain(str(error))
        return REFUSED
    import traceback

    traceback.print_exception(error)
    complain(f"a fault of the program itself: {type(error).__name__}")
    return FAULT
