"""Baselines as files: whole or not at all, private, and told from what somebody has changed."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.journal.baselines import BadBaseline, BaselineFiles
from console.model.baseline import Baseline, Detail, Estimate, Load, Measured, Quantile, Span
from console.model.sli import Unit

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
MEASURED = Measured(
    "errors", "Fehler \x1b[31m", "abc", Unit.EVENTS, 2, 1, 0, 1.5, 10.25, 2.0, 0.99, (Span(0, 2, 1, 1.5, 10.25),), (),
    (3, 4), {Load.ALL: Estimate(0.1, 0.05, None, 10, "x")},
    (Quantile(Load.PEAK, 0.99, Estimate(0.3, 0.2, 0.4, 300, "y", (0.1, None))),), (0.1, 0.3), "h_bucket",
)  # fmt: skip
DETAIL = Detail("errors", 0, (1.5, None), (10.25, None), ((1.0, 2.0, 3.0), None))
BASELINE = Baseline("week", "a/b", AT, "prometheus", "UTC", 0, 2, "alice", (MEASURED,), {"typo": "no"}, ("note",))


@pytest.fixture
def files(tmp_path):
    return BaselineFiles(tmp_path / "data" / "baselines")


def test_what_is_kept_is_read(files):
    digest = files.keep(BASELINE, [DETAIL])
    assert files.read("week") == (replace(BASELINE, hash=digest), (DETAIL,))
    assert files.summary("week") == BASELINE
    assert files.names() == ["week"]
    path = files.folder / "week.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert [entry.name for entry in files.folder.iterdir()] == ["week.jsonl"]


def test_none_is_overwritten(files):
    files.keep(BASELINE, [DETAIL])
    with pytest.raises(BadBaseline, match="there is a baseline week already"):
        files.keep(replace(BASELINE, by="mallory"), [DETAIL])
    assert files.read("week")[0].by == "alice"
    assert files.taken("week")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a\x1b[2J", "x" * 65, "a b", "a\n", "ü"])
def test_names_that_lead_elsewhere_are_refused(files, name):
    for act in (files.taken, files.summary, files.read, lambda name: files.keep(replace(BASELINE, name=name), [])):
        with pytest.raises(BadBaseline, match="is no name"):
            act(name)
    assert not files.folder.exists()


@pytest.mark.parametrize("where", ["by", "total"])
def test_what_was_changed_since_is_told(files, where):
    files.keep(BASELINE, [DETAIL])
    path = files.folder / "week.jsonl"
    old, new = {"by": (b'"alice"', b'"mallo"'), "total": (b"10.25", b"10.75")}[where]
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(BadBaseline, match="was changed since it was captured"):
        files.read("week")


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"[]\n", b'{"format": "other"}\n', b"\xff\xfe", b"{" * 100_000, b'{"format":"oncall-baseline"}'],
)
def test_what_is_no_baseline_is_one_line(files, content):
    files.folder.mkdir(parents=True)
    (files.folder / "odd.jsonl").write_bytes(content)
    for act in (files.read, files.summary):
        with pytest.raises(BadBaseline, match="odd") as found:
            act("odd")
        assert "\n" not in str(found.value)
    assert files.newest("a/b") is None


def test_every_cut_is_told(files):
    files.keep(BASELINE, [DETAIL])
    path = files.folder / "week.jsonl"
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:length])
        with pytest.raises(BadBaseline):
            files.read("week")


def test_a_newer_format_is_refused_by_its_version(files):
    files.keep(BASELINE, [DETAIL])
    path = files.folder / "week.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2', 1))
    with pytest.raises(BadBaseline, match="version 2, this program reads 1"):
        files.summary("week")


def test_a_disk_that_fails_keeps_nothing(files, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadBaseline, match="No space left on device"):
        files.keep(BASELINE, [DETAIL])
    assert list(files.folder.iterdir()) == []


def test_what_was_never_finished_is_swept_away(files):
    files.folder.mkdir(parents=True)
    for name, age in (("old", 2 * 86_400), ("new", 0)):
        path = files.folder / f".{name}.1.part"
        path.touch()
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    files.keep(BASELINE, [DETAIL])
    assert {path.name for path in files.folder.iterdir()} == {"week.jsonl", ".new.1.part"}
    assert files.names() == ["week"]


def test_the_newest_of_an_environment_stays_the_same_object(files):
    assert files.newest("a/b") is None
    files.keep(BASELINE, [DETAIL])
    first = files.newest("a/b")
    assert first == BASELINE
    assert files.newest("a/b") is first
    assert files.newest("a/other") is None
    files.keep(replace(BASELINE, name="later", captured_at=AT + timedelta(days=1)), [DETAIL])
    files.keep(replace(BASELINE, name="zz-old", captured_at=AT - timedelta(days=1)), [DETAIL])
    assert files.newest("a/b").name == "later"
    (files.folder / "later.jsonl").unlink()
    assert files.newest("a/b").name == "week"
