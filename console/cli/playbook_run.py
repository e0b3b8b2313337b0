"""`oncall playbook run|trust|schema`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.bootstrap.common import Options
from console.cli.output import json_option, show, write_out
from console.cli.plain_begin import dry_run, started
from console.cli.plain_talk import Talk
from console.cli.record import How, Shown, unknown, write, writing
from console.cli.run_common import set_option, variables
from console.cli.run_plain import carry_out, plain_option

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.engine.outcome import Done
    from console.model.commands import Command
    from console.model.playbook import LoadedPlaybook
    from console.settings.config import Config


def loaded_of(config: Config, name: str) -> LoadedPlaybook:
    """The playbook of this name. Raises Stop with the known ones."""
    for loaded in config.playbooks:
        if loaded.playbook.name == name:
            return loaded
    raise unknown("playbook", name, [loaded.playbook.name for loaded in config.playbooks])


@click.command("run")
@click.argument("name")
@click.option("--incident", "incident_id", required=True, metavar="ID", help="The incident that it is run for.")
@set_option
@click.option("--dry-run", "dry", is_flag=True, help="Say what would happen; write nothing.")
@plain_option
@json_option
@click.pass_context
def run_it(
    ctx: click.Context, name: str, incident_id: str, given: tuple[str, ...], dry: bool, plain: bool, as_json: bool
) -> None:
    """Start a playbook in an incident and carry it out, prompt by prompt. With --json, what is asked goes to stderr."""
    from console.bootstrap import configuration

    options: Options = ctx.obj
    loaded, answers = loaded_of(configuration(options), name), variables(given)
    if dry:
        lines = dry_run(options, loaded, incident_id, answers)
        show({"would": lines}, lambda: lines, as_json)
        return

    async def begin(talk: Talk) -> str:
        return await started(talk, loaded, incident_id, answers)

    ctx.exit(carry_out(options, begin, as_json))


@click.command("trust")
@click.argument("name")
@click.option("--reason", required=True, help="What was looked at, and why its programs may run.")
@writing()
@click.pass_obj
def trust(options: Options, name: str, reason: str, how: How) -> None:
    """Let the programs of a playbook's file run as it is now, whoever may write it. Read the file first."""
    from console.bootstrap import configuration
    from console.model.commands import TrustPlaybook

    loaded = loaded_of(configuration(options), name)

    def wanted(_: Console) -> Command:
        return TrustPlaybook(loaded, reason)

    def result(_: Console, __: Done) -> Shown:
        data = {"name": name, "file": loaded.file, "hash": loaded.hash}
        return {"trusted": data}, [f"{name}: {loaded.file} is trusted as it is now (sha256 {loaded.hash[:12]})"]

    write(options, wanted, result, how)


@click.command("schema")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of stdout.")
@json_option
def schema(output: Path | None, as_json: bool) -> None:
    """The JSON Schema of playbooks, for editors."""
    from console.settings.playbook.schema import published

    write_out(published(), output)


COMMANDS = (run_it, trust, schema)
