"""`oncall playbook import`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from console.cli.exits import REFUSED, USAGE, Stop, complain
from console.cli.output import json_option, show, write_out


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A new file, instead of stdout.")
@click.option("--name", default="", help="The playbook's name. Else it is made of the file's.")
@json_option
def command(file: Path, out: Path | None, name: str, as_json: bool) -> None:
    """Make a playbook of a Markdown runbook: its headings, task lists and items become checklists and steps.

    All its text is kept. What it does not say (the value that answers a step, the owner, the review) begins with TODO.
    """
    from console.settings.playbook_import import RESPONSE, imported, slug

    if name and name != slug(name):
        raise Stop(f"--name {name}: expected lower-case letters, digits and hyphens, such as {slug(name)!r}", USAGE)
    text = _read(file)
    try:
        made = imported(text, "stdin.md" if str(file) == "-" else file.name, name)
    except ValueError as error:
        raise Stop(f"{file}: found {error}, expected a runbook in Markdown", USAGE) from None
    steps, open_ = made.count("\n  - id: ") + made.count("\n      - id: "), made.count(RESPONSE)
    if out is not None and out.exists():
        raise Stop(f"{out} is there already; import to a new file", REFUSED)
    if as_json:
        found = {"file": str(file), "out": str(out) if out else None, "without_response": open_, "yaml": made}
        show(found, "", as_json=True)
    if out is not None or not as_json:
        write_out(made, out)
    complain(
        f"{file}: {open_} of {steps} steps have no expected response; `oncall playbook lint` lists what to fill in"
    )


def _read(file: Path) -> str:
    from console.settings.tree import MAX_BYTES, read_bytes

    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if str(file) == "-" else read_bytes(file)
        if len(data) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Stop(f"{file}: found bytes that are not UTF-8", USAGE) from None
    except ValueError as error:
        raise Stop(f"{file}: found {error}, expected a Markdown file", USAGE) from None
    except OSError as error:
        raise Stop(f"{file}: cannot be read ({error.strerror})", USAGE) from None
