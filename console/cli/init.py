"""`oncall init`."""

from __future__ import annotations

from pathlib import Path

import click

from console.cli.exits import USAGE, Stop
from console.cli.output import json_option, show


@click.command("init")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Write an example configuration to DIR, complete and explained, with its playbooks.

    Nothing that is there already is touched.
    """
    from console.settings.example import init

    try:
        init(directory)
    except FileExistsError as error:
        raise Stop(str(error), USAGE) from None
    except OSError as error:
        raise Stop(f"{directory}: cannot be written ({error.strerror})", USAGE) from None
    next_step = f"oncall --config {directory} check"
    show(
        {"folder": str(directory.absolute()), "next": next_step},
        lambda: [f"The example configuration is in {directory}. Change it, then: {next_step}"],
        as_json,
    )
