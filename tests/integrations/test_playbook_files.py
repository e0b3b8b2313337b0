"""The playbooks' files while a console runs: edited, broken, gone, mended. Study test 49."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from console.integrations import playbook_files
from console.integrations.playbook_files import PlaybookFolder
from console.settings.load import init, load

TITLE = "title: Emergency rollback"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    init(folder)
    if not (folder / "playbooks").exists():
        shutil.copytree(Path(__file__).parents[2] / "playbooks", folder / "playbooks")
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """How often the configuration was read anew."""
    found: list[Path] = []
    gather = playbook_files.gather

    def counted(folder, problems):
        found.append(folder)
        return gather(folder, problems)

    monkeypatch.setattr(playbook_files, "gather", counted)
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_has_not_changed_is_not_read_again(config, reads) -> None:
    loaded = load(config)
    files = PlaybookFolder(loaded)
    for _ in range(3):
        snapshot = files.read()
    assert reads == []
    assert snapshot.playbooks == loaded.playbooks
    assert snapshot.files == {item.playbook.name: item.hash for item in loaded.playbooks}
    assert snapshot.problems == ()


def test_a_changed_file_is_what_new_runs_start_from(config, reads) -> None:
    loaded = load(config)
    files = PlaybookFolder(loaded)
    before = files.read()
    path = config / "playbooks" / "emergency-rollback.yaml"
    edit(path, TITLE, "title: Another title")
    after = files.read()
    assert len(reads) == 1
    named = {item.playbook.name: item for item in after.playbooks}
    assert named["emergency-rollback"].playbook.title == "Another title"
    assert after.files["emergency-rollback"] == named["emergency-rollback"].hash
    assert after.files["emergency-rollback"] != before.files["emergency-rollback"]
    assert len(after.playbooks) == len(before.playbooks)
    assert files.read() is after


def test_changed_between_the_reading_and_the_first_look(config, reads) -> None:
    files = PlaybookFolder(load(config))
    edit(config / "playbooks" / "emergency-rollback.yaml", TITLE, "title: Another title")
    titles = [item.playbook.title for item in files.read().playbooks]
    assert "Another title" in titles


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [", "emergency-rollback.yaml:"),
        ("", "emergency-rollback.yaml:"),
        ("apiVersion: oncall/v1\nkind: Playbook\nname: emergency-rollback\nname: twice\n", "emergency-rollback.yaml:"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n", "emergency-rollback.yaml:"),
        ("[" * 100_000, "emergency-rollback.yaml:"),
        ("\x00\x01", "emergency-rollback.yaml:"),
    ],
)
def test_a_broken_file_keeps_what_was_read_of_it(config, text, said) -> None:
    loaded = load(config)
    files = PlaybookFolder(loaded)
    files.read()
    path = config / "playbooks" / "emergency-rollback.yaml"
    good = path.read_text()
    path.write_text(text)
    broken = files.read()
    named = {item.playbook.name: item for item in broken.playbooks}
    assert named["emergency-rollback"] in loaded.playbooks
    assert broken.files["emergency-rollback"] == ""
    assert broken.files["p99-latency-high"]
    assert any(line.startswith(said) for line in broken.problems)
    assert all("\n" not in line and "\x1b" not in line for line in broken.problems)
    path.write_text(good)
    mended = files.read()
    assert mended.problems == ()
    assert mended.files == {item.playbook.name: item.hash for item in loaded.playbooks}


def test_a_file_that_is_gone_starts_nothing_and_a_new_one_does(config) -> None:
    files = PlaybookFolder(load(config))
    before = {item.playbook.name for item in files.read().playbooks}
    folder = config / "playbooks"
    (folder / "daily-health-check.yaml").rename(folder / "daily-health-check.txt")
    gone = files.read()
    assert {item.playbook.name for item in gone.playbooks} == before - {"daily-health-check"}
    assert gone.files["daily-health-check"] == ""
    text = (folder / "daily-health-check.txt").read_text().replace("name: daily-health-check", "name: weekly-check", 1)
    (folder / "weekly-check.yaml").write_text(text)
    added = files.read()
    assert "weekly-check" in {item.playbook.name for item in added.playbooks}
    assert added.files["weekly-check"]


def test_who_may_write_is_looked_at_again(config) -> None:
    files = PlaybookFolder(load(config))

    def by_the_folder() -> list[str]:
        """Not by a folder above it, such as /tmp."""
        return [item.untrusted for item in files.read().playbooks if f"{config / 'playbooks'} " in item.untrusted]

    assert by_the_folder() == []
    (config / "playbooks").chmod(0o777)
    assert by_the_folder(), "programs of a folder that others may write"
    (config / "playbooks").chmod(0o755)
    assert by_the_folder() == []


def test_a_file_that_cannot_be_read(config) -> None:
    files = PlaybookFolder(load(config))
    file = config / "playbooks" / "emergency-rollback.yaml"
    file.unlink()
    file.mkdir()  # root reads whatever a mode forbids
    assert files.read().files["emergency-rollback"] == ""


def test_a_folder_that_is_gone_leaves_what_we_have(config) -> None:
    loaded = load(config)
    files = PlaybookFolder(loaded)
    shutil.rmtree(config / "playbooks")
    snapshot = files.read()
    assert snapshot.playbooks == loaded.playbooks
    assert set(snapshot.files.values()) == {""}
    assert snapshot.problems
