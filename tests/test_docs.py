"""What the documentation says is there, is there."""

from __future__ import annotations

import re
import shlex
from importlib import import_module

import click
import pytest

from console.cli.main import oncall as root
from console.model import events as ev
from console.model.decide import rollout_wording, wording
from console.model.events.registry import _NAMES
from console.model.message import PAGER_ACTS, Act
from console.settings.slo.metadata import ANNOTATIONS
from console.tui import keys
from tests.cli.conftest import oncall as oncall
from tests.servers import REPO
from tests.settings import slo

announce = import_module("console.model.decide.announce")  # the package has a function of that name
PAGES = {path.relative_to(REPO).as_posix(): path for path in (REPO / "docs").glob("*.md")} | {
    name: REPO / name for name in ("README.md", "AGENTS.md")
}
each_page = pytest.mark.parametrize("page", sorted(PAGES))


@each_page
def test_links_lead_somewhere(page):
    path = PAGES[page]
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def commands(text):
    """Everything that begins with `oncall`: between backquotes, and on lines of indented blocks."""
    yield from (" ".join(found.split()) for found in re.findall(r"`oncall ([^`]+)`", text))
    yield from re.findall(r"^ {4}(?:\.venv/bin/)?oncall (.+)$", text, re.MULTILINE)


@each_page
def test_commands_and_their_options_exist(page):
    for line in commands(PAGES[page].read_text()):
        command: click.Command = root
        words = iter(shlex.split(line, comments=True))
        for word in words:
            if word.startswith("-"):
                options = {
                    name: item for item in command.params if isinstance(item, click.Option) for name in item.opts
                }
                options["--help"] = click.Option(["--help"], is_flag=True)
                assert word in options, f"oncall {line}"
                if not options[word].is_flag:
                    next(words, "")
            elif isinstance(command, click.Group) and not word.isupper():
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"oncall {line}"
                command = found


def rows(text):
    lines = (line for line in text.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_who_is_told_is_that_of_the_program():
    text = (REPO / "docs" / "what-happens-when.md").read_text().partition("## Which event")[2].partition("\n\nEvery")[0]
    table = {re.search(r"`(.+)`", cells[0])[1]: cells[1:] for cells in rows(text) if "`" in cells[0]}
    asked = {_NAMES[kind][0]: set(acts) for kind, acts in announce._ASKS.items()} | {
        _NAMES[kind][0]: acts
        for kind, acts in (
            (ev.AlertAcknowledged, {Act.POST, Act.ACKNOWLEDGE}),
            (ev.AlertUnacknowledged, {Act.NOTE}),
            (ev.PhaseObserved, {Act.CHANGE, Act.ANNOTATE}),
            (ev.DecisionCertified, {Act.POST}),
            *((event, {Act.POST}) for event in (*wording.RUN_EVENTS, *rollout_wording.ROLLOUT_EVENTS)),
        )
    }
    assert table.keys() == asked.keys()
    for kind, cells in table.items():
        groups = ({Act.POST, Act.PAGE}, set(PAGER_ACTS), {Act.ANNOTATE})
        assert [cell != "-" for cell in cells] == [bool(group & asked[kind]) for group in groups], kind


def test_every_key_and_id_of_every_screen_is_listed():
    text = (REPO / "docs" / "keys.md").read_text()
    listed = [tuple(cells) for cells in rows(text) if len(cells) == 3 and cells[1].startswith("`")]
    actions = {
        action.id: (
            ", ".join(f"`{keys.sign(key)}`" for key in action.keys.split(",") if key) or "-",
            f"`{action.id}`",
            action.title,
        )
        for action in keys.ACTIONS
    }
    assert set(listed) == set(actions.values())
    assert len(listed) == sum(len(action.scope.split()) for action in keys.ACTIONS)


@each_page
def test_keys_exist(page):
    known = {keys.sign(key) for action in keys.ACTIONS for key in action.keys.split(",")} | set("jkgGnN/")
    assert set(re.findall(r"`(\S)`", PAGES[page].read_text())) <= known


def test_the_tour_by_commands_works_up_to_the_review(oncall):
    block = (REPO / "README.md").read_text().partition("**The same by commands**")[2].partition("\n\nThe review")[0]
    lines = [shlex.split(line) for line in block.splitlines() if line.startswith("    oncall incident")]
    assert len(lines) >= 6
    for line in [shlex.split(line) for line in block.splitlines() if re.match(r" {4}oncall [a-z]", line)]:
        shown = oncall("--env", "lighthouse/staging", *line[1:])
    assert "# Post-incident review of INC-1: checkout is slow" in shown.out
    assert "not known" in shown.out


def test_the_map_names_what_there_is():
    """Each word of the map's left column that looks like a path, below the line that it stands under."""
    block = (REPO / "AGENTS.md").read_text().partition("## Map")[2].partition("Layers,")[0]
    above = ""
    for line in block.splitlines():
        found = re.match(r"( {4,6})([a-z_]+(?:/[a-z_]*)*[a-z_./, ]*?)(?:  |$)", line)
        if found is None:
            continue
        names = found[2].split(", ")
        if len(found[1]) == 4:
            above = names[0]
        for name in names:
            path = REPO / ("" if len(found[1]) == 4 else above) / name
            assert path.exists() or path.with_name(f"{path.name}.py").exists(), name


def test_the_guards_and_annotations_of_the_page_on_service_levels_are_those_that_are_read():
    text = (REPO / "docs" / "slo.md").read_text()
    for block in re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE):
        if "apiVersion" in block:
            levels, problems = slo.read(re.sub(r"^ {4}", "", block, flags=re.MULTILINE))
            assert (len(levels.guards), problems.found) == (1, ())
    table = text.partition("| Annotation | Meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`oncall/([a-z-]+)`", table)) == set(ANNOTATIONS)
