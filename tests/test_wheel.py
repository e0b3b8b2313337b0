"""The wheel, installed into an empty environment outside the checkout, is the whole program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers import REPO

pytestmark = pytest.mark.xdist_group("wheel")  # built once

STATUS_KEYS = {
    "at", "mode", "environment", "sources", "slos", "rollout", "rollback", "alerts", "incidents", "shift",
}  # fmt: skip


def run(command: Sequence[str | Path], cwd: Path, expect: int = 0, **environment: str) -> str:
    """The standard output of a command that sees nothing of the checkout."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ONCALL_"))}
    done = subprocess.run(
        command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, timeout=100,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=REPO)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel in it, and the dependencies of this one, but not its editable console."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel], cwd=folder
    )
    (site,) = folder.glob("lib/python*/site-packages")
    # A folder named in a .pth file is searched, but its own .pth files (the editable console's) are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_it_holds_the_example_the_playbooks_and_nothing_else(wheel):
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    shipped = {
        Path("console/_data") / path.relative_to(REPO)
        for top in ("config", "playbooks")
        for path in (REPO / top).rglob("*.y*ml")
    }

    assert shipped
    assert shipped <= names
    assert Path("console/settings/playbook.schema.json") in names
    assert {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")} == {"console"}


def test_it_runs_from_its_own_place(environment, outside):
    code = "import console, sys; print(console.__file__); print(*sys.path, sep='\\n')"
    file, *path = run([environment / "bin" / "python", "-c", code], cwd=outside).splitlines()

    assert Path(file).is_relative_to(environment)
    assert str(REPO) not in path


def test_a_team_copies_the_example_and_it_is_valid(environment, outside):
    oncall = environment / "bin" / "oncall"
    run([oncall, "init", "ours"], cwd=outside)

    assert (outside / "ours" / "console.yaml").is_file()
    assert list((outside / "ours" / "slo").glob("*.yaml"))
    # No source of the example answers here, hence exit 1.
    printed = run([oncall, "--config", "ours", "check", "--json"], cwd=outside, expect=1)
    findings = {finding["source"]: finding for finding in json.loads(printed)["findings"]}
    assert findings["config"]["ok"], findings["config"]
    assert "6 SLOs" in findings["environment"]["what"]


def test_the_demo_runs_and_prints_the_status(environment, outside):
    printed = run([environment / "bin" / "oncall", "demo", "--headless", "--for", "10s", "--json"], cwd=outside)

    status = json.loads(printed)
    assert status.keys() >= STATUS_KEYS
    assert status["mode"] == "demo"
    assert len(status["slos"]) == 6
    assert status["rollback"]["can"] in {"yes", "no", "unverified"}
    assert not list(outside.iterdir())  # its journal is temporary


def test_the_module_is_the_command(environment, outside):
    by_name = run([environment / "bin" / "oncall", "--version"], cwd=outside)

    assert run([environment / "bin" / "python", "-m", "console", "--version"], cwd=outside) == by_name
