"""One suite over what runs programs: what the engine relies on, be they real or simulated."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SimulatedClock, SystemClock
from console.integrations.program import LocalPrograms
from console.integrations.simulated import SimulatedPrograms, World
from console.model.playbook import Program
from console.ports import Ended, Programs, Rejected
from console.settings.load import load

CONFIG = load(Path(__file__).parents[2] / "config")
ECHO = Program(("echo", "restart", "a b", "$HOME; id"), timeout=timedelta(seconds=20))


@dataclass
class Case:
    """What runs programs, and a folder in which nothing may happen."""

    programs: Programs
    folder: Path

    def run(self, program: Program, stop: threading.Event | None = None) -> tuple[Ended, list[str]]:
        lines: list[str] = []
        return self.programs.run(program, lines.append, stop or threading.Event()), lines


@pytest.fixture(params=["real", "simulated"])
def case(request, tmp_path) -> Case:
    folder = tmp_path / "playbooks"
    folder.mkdir(mode=0o700)
    if request.param == "real":
        return Case(LocalPrograms(folder, SystemClock()), folder)
    environment = CONFIG.environments[0]
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert CONFIG.rollout is not None
    clock = SimulatedClock(start)
    world = World(clock, 1, CONFIG.rollout, CONFIG.objectives, environment.components, start, target=environment.target)
    return Case(SimulatedPrograms(world), folder)


def test_a_program_that_may_run_ends_and_says_how(case: Case) -> None:
    assert case.programs.refusal(ECHO) == ""
    ended, lines = case.run(ECHO)
    assert (ended.status, ended.why) == (0, "")
    assert ended.seconds >= 0
    assert ended.digest.startswith("sha256:")
    assert len(ended.digest) == len("sha256:") + 64
    assert ended.output.splitlines() == lines
    assert "restart a b $HOME; id" in ended.output, "nothing is expanded"


@pytest.mark.parametrize("program", [Program(()), Program(("",))])
def test_one_without_a_name_is_refused_in_one_line(case: Case, program: Program) -> None:
    said = case.programs.refusal(program)
    assert said
    assert "\n" not in said
    with pytest.raises(Rejected, match="not started"):
        case.run(program)


def test_one_that_was_stopped_before_it_began_is_not_started(case: Case) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Rejected, match="not started"):
        case.run(Program(("touch", "mark")), stop)
    assert list(case.folder.iterdir()) == []


def test_what_is_told_is_safe_and_the_same_program_may_run_again(case: Case) -> None:
    hostile = replace(ECHO, argv=("echo", "\x1b]52;c;x\x07", "\u202e", "\n\x9b2J"))
    for _ in range(2):
        ended, lines = case.run(hostile)
        for text in (*lines, *ended.output.split("\n")):
            assert not {"\x1b", "\u202e", "\x9b", "\x07"} & set(text)


def test_several_run_at_once(case: Case) -> None:
    found: list[Ended] = []
    threads = [threading.Thread(target=lambda: found.append(case.run(ECHO)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [ended.status for ended in found] == [0] * 4


def test_nothing_simulated_ever_starts_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By construction: the module knows neither processes nor sockets."""
    import ast
    import inspect

    from console.integrations.simulated import acting

    tree = ast.parse(inspect.getsource(acting))
    names = {item.module or "" for item in ast.walk(tree) if isinstance(item, ast.ImportFrom)}
    names |= {name.name for item in ast.walk(tree) if isinstance(item, ast.Import) for name in item.names}
    own = {name for name in names if name.startswith("console.")}
    assert names - own == {"__future__", "collections.abc", "hashlib", "threading", "urllib.parse"}
    assert not any("program" in name.rpartition(".")[2] or "http" in name for name in own)
