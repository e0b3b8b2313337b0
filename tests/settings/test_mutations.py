"""Whatever a hand does to the example, the answer is a `Config` or a `ConfigError` that points into the file."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.text import safe
from console.settings.load import ConfigError, init, load
from console.settings.problems import Problem
from tests.settings.conftest import EVERY_KIND, PLAYBOOKS

WORDS = [
    "",
    "~",
    "0",
    "-1",
    "1e99",
    ".nan",
    "yes",
    "2026-01-01",
    "[]",
    "{}",
    "[[[",
    "*x",
    "&x",
    "!!int 1",
    "'",
    '"\\e[2J"',
    "|",
    "env:",
    "x" * 5000,
]
KEY = re.compile(r"^(\s*(?:- )*)([\w/-]+):", re.MULTILINE)


@cache
def example(base: Path) -> list[tuple[str, str]]:
    folder = base / "conf"
    init(folder)
    named = [folder / "playbooks" / f"{name}.yaml" for name in ("pre-deployment-checks", "post-deployment-smoke")]
    kept = {path: path.read_text() for path in named}  # rollout.yaml names them
    shutil.rmtree(folder / "playbooks")
    shutil.copytree(PLAYBOOKS, folder / "playbooks")
    shutil.copy(EVERY_KIND, folder / "playbooks")
    for path, text in kept.items():
        path.write_text(text)
    return [(str(path.relative_to(folder)), path.read_text()) for path in sorted(folder.rglob("*.yaml"))]


def refused(folder: Path) -> tuple[Problem, ...]:
    try:
        load(folder)
    except ConfigError as error:
        return error.problems
    return ()


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """The text with a key deleted, doubled, renamed or given another value, or with a stretch of it cut or replaced."""
    found = draw(st.sampled_from(list(KEY.finditer(text))))
    line_end = text.find("\n", found.end())
    line_end = len(text) if line_end < 0 else line_end
    line = text[found.start() : line_end]
    match draw(st.sampled_from(["delete", "double", "rename", "value", "cut", "insert"])):
        case "delete":
            return text[: found.start()] + text[line_end + 1 :]
        case "double":
            return text[:line_end] + "\n" + line.replace("- ", "  ") + text[line_end:]
        case "rename":
            return (
                text[: found.start(2)]
                + draw(st.sampled_from(["x", "name", "kind", "<<", "? a"]))
                + text[found.end(2) :]
            )
        case "value":
            return f"{text[: found.end()]} {draw(st.sampled_from(WORDS))}{text[line_end:]}"
        case "cut":
            start = draw(st.integers(0, len(text)))
            return text[:start] + text[start + draw(st.integers(1, 200)) :]
        case _:
            start = draw(st.integers(0, len(text)))
            return text[:start] + draw(st.text(max_size=8)) + text[start:]


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_a_broken_example_is_refused_inside_the_file(data: st.DataObject, tmp_path_factory):
    base = tmp_path_factory.getbasetemp() / "mutations"
    files = example(base)
    folder = base / "conf"
    name, text = data.draw(st.sampled_from(files))
    for _ in range(data.draw(st.integers(1, 3))):
        text = data.draw(mutated(text)) if KEY.search(text) else text
    original = (folder / name).read_bytes()
    (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        for problem in refused(folder):
            lines = re.split(r"\r\n|\r|\n", Path(problem.file).read_bytes().decode("utf-8", "replace"))
            assert 1 <= problem.line <= len(lines), problem
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem
            assert safe(str(problem), 100_000) == str(problem), "harmless to a terminal, on one line"
            assert problem.field
            assert len(str(problem)) < 1000 + len(str(folder))
    finally:
        (folder / name).write_bytes(original)
