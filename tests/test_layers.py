"""What import-linter cannot see: which modules are loaded when, and by whom."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from tests.servers import REPO

CONSOLE = REPO / "console"


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `code`."""
    script = f"{code}\nimport sys, json; sys.stderr.write('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stderr.rpartition("\n")[2])}


def run_oncall(*arguments: str) -> str:
    return f"""
import sys
sys.argv = ["oncall", *{list(arguments)!r}]
from console.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def modules_below(package: str) -> Iterator[str]:
    for path in sorted((CONSOLE / package).rglob("*.py")):
        yield ".".join(path.relative_to(REPO).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("package", ["cli", "engine", "journal", "integrations", "model", "settings", "view"])
def test_no_textual_until_a_screen_is_wanted(package):
    imports = "\n".join(f"import {name}" for name in modules_below(package))

    assert "textual" not in loaded_by(imports)  # rich comes in with httpx


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["--version"]], ids=" ".join)
def test_help_is_light(arguments):
    loaded = loaded_by(run_oncall(*arguments))

    assert "console" in loaded
    assert not {"textual", "rich", "pdpyras", "prometheus_api_client", "requests"} & loaded


def test_what_draws_curves_is_loaded_by_nothing_but_the_widget_that_draws_them():
    others = [name for name in modules_below("tui") if name != "console.tui.widgets.plot"]
    loaded = loaded_by("\n".join(f"import {name}" for name in others))

    assert "textual" in loaded
    assert not {"numpy", "textual_plot", "textual_hires_canvas"} & loaded


def test_the_model_needs_the_standard_library_and_re2_only():
    allowed = sys.stdlib_module_names | {"console", "re2"}  # re2: what an alert's matchers mean is a rule, too
    strangers = {
        f"{path.relative_to(REPO)}:{node.lineno}: {name}"
        for path in (CONSOLE / "model").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported(node)
        if name.partition(".")[0] not in allowed
    }

    assert not strangers


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module] if node.module and not node.level else []
    return []


def test_the_rules_do_not_wait_for_each_other():
    """The screen and the engine import them in two threads: what every one of them imports first imports none."""
    code = "import sys, console.model.decide; print([name for name in sys.modules if 'model.decide.' in name])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_no_circle_of_imports_is_in_the_model():
    """In one, two threads that begin at different ends of it would see half of each other's modules."""
    paths = {name: CONSOLE.parent / (name.replace(".", "/") + ".py") for name in modules_below("model")}
    needs = {}
    for name, path in paths.items():
        found = path if path.exists() else path.with_suffix("") / "__init__.py"
        needs[name] = {
            full if (full := f"{node.module}.{alias.name}") in paths else node.module
            for node in ast.parse(found.read_text(encoding="utf-8")).body
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        } & (paths.keys() - {name})

    assert len(list(TopologicalSorter(needs).static_order())) == len(paths)
