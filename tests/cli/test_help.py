"""Every command explains itself."""

from __future__ import annotations

import re

import click
import pytest

from console.cli.exits import CODES
from console.cli.main import COMMANDS, run
from console.cli.main import oncall as root
from tests.servers import REPO


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
    text = (REPO / "docs" / "exit-codes.md").read_text()
    for code in CODES:
        assert f"| {code} |" in text


def writes(command):
    return "--no-wait" in [name for parameter in command.params for name in parameter.opts]


def test_the_documentation_names_every_command_that_writes_and_what_it_prints():
    text = (REPO / "docs" / "commands.md").read_text()
    table = text.partition("| Commands | Subject |")[2].partition("\n\n")[0]
    documented = set(re.findall(r"`([a-z]+(?: [a-z]+)+)`", table))

    assert documented == {" ".join(path) for path in TREE if writes(TREE[path])}


def documented_keys():
    table = (REPO / "docs" / "commands.md").read_text().partition("| Command | Keys |")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        name, keys = row.strip("|").split("|")
        yield name.strip(" `"), set(re.findall(r"`([a-z_]+)`", keys.partition(";")[0]))


NEEDS = {
    "generate alertmanager": ["--out", "no-such-folder", "--check"],
    "generate grafana": ["--out", "no-such-folder", "--check"],
    "generate prometheus": ["--out", "no-such-folder", "--check"],
    "incident show": ["1"],
    "incident export": ["1"],
    "incident report": ["1"],
    "incident task ls": ["1"],
    "playbook graph": ["emergency-rollback"],
    "playbook import": [str(REPO / "tests" / "cli" / "runbooks" / "crlf.md")],
    "playbook offer": ["1"],
    "playbook show": ["emergency-rollback"],
    "playbook test": ["emergency-rollback", "--tables", "no-such-folder"],
    "slo convert": [str(REPO / "config" / "slo" / "errors.yaml")],
    "slo lint": [str(REPO / "config" / "slo")],
}
DECIDED = [["rollout", "begin", "--revision", "v2", "--yes"], ["decision", "record", "NO-GO"]]
BEFORE = {
    "run show": [["run", "start", "emergency-rollback", "--incident", "1"]],
    "decision export": DECIDED,
    "decision show": DECIDED,
    "handoff draft": [["shift", "begin"]],
    "handoff show": [["shift", "begin"], ["handoff", "offer", "--to", "bob"]],
}
ON_A_SERVER = (  # test_alerts.py, test_silences.py, test_decision.py, test_rollback.py, integration/test_baseline.py
    "alerts ls",
    "alerts show",
    "baseline capture",
    "baseline compare",
    "baseline show",
    "decision verify",
    "rollback prove",
    "silence ls",
    "silence preview",
)
FOUND_WRONG = (
    "check",
    "decision status",
    "generate alertmanager",
    "generate grafana",
    "generate prometheus",
    "playbook lint",
    "playbook test",
    "rollback status",
)


@pytest.mark.parametrize(("name", "keys"), [row for row in documented_keys() if row[0] not in ON_A_SERVER])
def test_the_documented_keys_are_those_that_are_printed(oncall, name, keys):
    oncall.notify()
    oncall("incident", "declare", "--severity", "SEV3", "x", "--no-wait")
    for command in BEFORE.get(name, []):
        oncall(*command)
    more = [oncall("run", "ls", "--json").json["runs"][0]["label"]] if name == "run show" else NEEDS.get(name, [])

    shown = oncall(*name.split(), *more, "--json", code=int(name in FOUND_WRONG))
    assert set(shown.json) == keys


def test_every_command_that_looks_is_documented():
    by_lines = {"log tail", "log export", "watch", "demo", "init", "playbook run", "playbook schema", "run attach"}
    looks = {" ".join(path) for path, item in TREE.items() if not isinstance(item, click.Group) and not writes(item)}
    assert {name for name, _ in documented_keys()} == looks - by_lines


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
