"""Every command explains itself."""

from __future__ import annotations

import click
import pytest

from console.cli.exits import CODES
from console.cli.main import COMMANDS, run
from console.cli.main import oncall as root


def tree(command: click.Command, path: tuple[str, ...] = ()):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from tree(command.get_command(context, name), (*path, name))


TREE = dict(tree(root))


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_has_help(path, capsys):
    assert run([*path, "--help"]) == 0

    shown = capsys.readouterr()
    assert shown.err == ""
    assert TREE[path].help, "says what it does"
    assert TREE[path].help.split("\n")[0].rstrip().endswith(".") or "." in TREE[path].help
    for parameter in TREE[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} says what it is for"


@pytest.mark.parametrize("path", [path for path in TREE if not isinstance(TREE[path], click.Group)], ids=" ".join)
def test_every_command_speaks_json(path):
    assert "--json" in [name for parameter in TREE[path].params for name in parameter.opts]


def test_the_root_lists_every_command_and_every_exit_code(capsys):
    run(["--help"])
    shown = capsys.readouterr().out

    for name in COMMANDS:
        assert f"\n  {name} " in shown
    for code in CODES:
        assert f"\n  {code} " in shown


def test_the_documentation_names_every_exit_code():
    from tests.servers import REPO

    text = (REPO / "docs" / "exit-codes.md").read_text()
    for code in CODES:
        assert f"| {code} |" in text


def test_the_version(capsys):
    from console import __version__

    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"oncall {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["nope"], ["incident"], ["incident", "declare"], ["demo", "--for", "5x"]], ids=" ".join
)
def test_wrong_usage_is_2(arguments, capsys):
    assert run(arguments) == 2
    assert capsys.readouterr().out == ""
