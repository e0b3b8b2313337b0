"""The playbooks are read when somebody first asks for them, once, and their mistakes are told as ever."""

from __future__ import annotations

import threading

import pytest

from console.model.playbook import LoadedPlaybook
from console.settings import load as loading
from console.settings.library import Library, Shelf
from console.settings.load import ConfigError, load
from tests.settings.conftest import Folder


@pytest.fixture
def broken(folder: Folder) -> Folder:
    path = sorted((folder.path / "playbooks").glob("*.yaml"))[0]
    path.write_text(path.read_text().replace("title:", "titel:", 1))
    return folder


def test_a_start_reads_none(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    reader = loading.read_playbook

    def counted(node, references):
        read.append(node.file)
        return reader(node, references)

    monkeypatch.setattr(loading, "read_playbook", counted)
    config = load(folder.path, strict=False)
    assert config.library.known is None
    assert read == []
    assert config.playbooks == load(folder.path).playbooks
    before = len(read)
    assert (config.playbooks, config.broken, config.warnings) == (config.playbooks, (), load(folder.path).warnings)
    assert len(read) - before == before // 2, "only what is loaded anew is read anew"


def test_a_mistake_is_told_once_they_are_read(broken: Folder) -> None:
    config = load(broken.path, strict=False)
    with pytest.raises(ConfigError) as strictly:
        load(broken.path)
    assert config.broken == tuple(map(str, strictly.value.problems))
    assert any("'titel'" in line or "titel" in line for line in config.broken)
    assert len(config.playbooks) == len(list((broken.path / "playbooks").glob("*.yaml"))) - 1


def test_with_a_mistake_elsewhere_all_are_told_at_once(broken: Folder) -> None:
    path = broken.path / "people.yaml"
    path.write_text(path.read_text().replace("people:", "poeple:", 1))
    with pytest.raises(ConfigError) as raised:
        load(broken.path, strict=False)
    assert {"playbooks", "conf"} <= {problem.file.split("/")[-2] for problem in raised.value.problems}


def test_whoever_comes_second_waits_for_the_first() -> None:
    begun, go_on, times = threading.Event(), threading.Event(), []

    def read() -> Shelf:
        times.append(1)
        begun.set()
        assert go_on.wait(10)
        return Shelf(broken=("one",))

    library, found = Library(read), list[Shelf]()
    threads = [threading.Thread(target=lambda: found.append(library.read())) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    assert library.known is None
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [shelf.broken for shelf in found] == [("one",)] * 3
    assert len(times) == 1


def test_what_is_given_need_not_be_read(folder: Folder) -> None:
    some: LoadedPlaybook = load(folder.path).playbooks[0]
    assert Library.of(some).known == Shelf((some,))
