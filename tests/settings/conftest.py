import shutil
from pathlib import Path

import pytest

from console.settings.load import ConfigError, init, load

PLAYBOOKS = Path(__file__).parent / "playbooks"
EVERY_KIND = Path(__file__).parent / "every-kind.yaml"
"""A playbook with every key and every kind of step."""
ROLLOUT = Path(__file__).parent / "rollout.yaml"
"""A plan with phases and limits, and nothing else, as files were before there was more."""


class Folder:
    """A copy of the example that a test breaks. `lines()` is what `load` says, without the folder's own path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        (self / name).write_text(text.replace(old, new, 1))

    def lines(self) -> list[str]:
        try:
            load(self.path)
        except ConfigError as error:
            return [line.replace(f"{self.path}/", "") for line in str(error).splitlines()]
        return []


def private(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o600)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """The example as `oncall init` writes it, with a rollout and two playbooks whose lines the tests know."""
    init(tmp_path / "conf")
    private(str(ROLLOUT), str(tmp_path / "conf" / "rollout.yaml"))
    (tmp_path / "conf" / "risks.yaml").unlink()
    playbooks = tmp_path / "conf" / "playbooks"
    shutil.rmtree(playbooks)
    shutil.copytree(PLAYBOOKS, playbooks, copy_function=private)
    return Folder(tmp_path / "conf")
