"""Reading and verifying the record, and what happens when it cannot be written."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from console.cli.log import BOOKKEEPING


@pytest.fixture
def record(oncall):
    for title in ("one", "two", "three"):
        oncall("incident", "declare", "--severity", "SEV3", title)
    return oncall


def tamper(journal, statement):
    with sqlite3.connect(journal) as connection:
        connection.execute("DROP TRIGGER events_are_not_changed")
        connection.execute("DROP TRIGGER events_are_not_deleted")
        connection.execute(statement)
    connection.close()


def tail(record, *options):
    return [json.loads(line) for line in record("log", "tail", "--json", *options).out.splitlines()]


def test_tail(record):
    everything = tail(record, "--all", "-n", "1000")
    assert [line["seq"] for line in everything] == [*range(1, len(everything) + 1)]
    shown = [line for line in everything if line["kind"] not in BOOKKEEPING]

    assert [line["seq"] for line in tail(record, "-n", "1000")] == [line["seq"] for line in shown]
    assert [line["seq"] for line in tail(record, "-n", "2")] == [line["seq"] for line in shown[-2:]]
    assert tail(record, "-n", "0") == []
    (last,) = record("log", "tail", "--all", "-n", "1").out.splitlines()
    assert last.split()[0] == str(everything[-1]["seq"])
    declared = [line for line in shown if line["kind"] == "incident.declared"]
    assert [line["what"] for line in declared] == [f"declared SEV3: {title}" for title in ("one", "two", "three")]


def test_tail_passes_over_only_what_went_as_it_should(record):
    kinds = {line["kind"] for line in tail(record, "-n", "1000")}

    assert "incident.escalated" in kinds
    assert kinds & {"delivery.failing", "delivery.failed"}  # no secret is set: NOT SENT is shown
    assert {"delivery.queued", "incident.evidence_taken"} <= BOOKKEEPING
    assert not kinds & BOOKKEEPING


def test_export_is_the_whole_record_and_verifies_by_itself(record, tmp_path):
    import hashlib

    target = tmp_path / "record.jsonl"
    record("log", "export", "--output", str(target))
    rows = [json.loads(line) for line in target.read_text().splitlines()]

    assert record("log", "export").out == target.read_text()
    before = "0" * 64
    for row in rows:
        assert row["prev_hash"] == before
        header = {key: row[key] for key in sorted(row) if key not in ("payload", "prev_hash", "hash")}
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        before = hashlib.sha256((row["prev_hash"] + text + row["payload"]).encode()).hexdigest()
        assert row["hash"] == before


def test_verify(record):
    result = record("log", "verify", "--json").json

    assert result["ok"] is True
    record("log", "verify", "--expect", result["head"])
    assert record("log", "verify", "--expect", "2:" + "a" * 64, code=1).err.startswith("oncall: event 2: ")
    assert "SEQ:HASH" in record("log", "verify", "--expect", "two", code=2).err


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE events SET payload = replace(payload, 'primary', 'nobody') WHERE seq = 2", 2),
        ("UPDATE events SET actor = 'mallory' WHERE seq = 1", 1),
        ("DELETE FROM events WHERE seq = 2", 2),
    ],
)
def test_a_tampered_record_fails_with_the_first_bad_event(record, statement, bad):
    tamper(record.journal, statement)

    assert record("log", "verify", code=1).err.startswith(f"oncall: event {bad}: ")
    result = record("log", "verify", "--json", code=1)
    assert (json.loads(result.out)["ok"], json.loads(result.out)["bad_seq"]) == (False, bad)


def test_a_cut_end_shows_only_against_an_anchor(record):
    anchor = record("log", "verify", "--json").json["head"]
    end = int(anchor.partition(":")[0])
    tamper(record.journal, f"DELETE FROM events WHERE seq = {end}")

    record("log", "verify")
    assert f"ends at {end - 1}" in record("log", "verify", "--expect", anchor, code=1).err


def test_no_journal_is_one_line_and_nothing_is_made(oncall):
    assert "found no journal" in oncall("log", "tail", code=2).err
    oncall("incident", "ls")
    oncall("status")
    assert not oncall.journal.exists()


def test_a_reader_that_goes_away_is_no_fault(record):
    command = [sys.executable, "-m", "console", "--journal", str(record.journal), "log", "export"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")


# -- NOT SAVED --------------------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere(tmp_path):
    """A journal that cannot be: its folder is a file."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "journal.db"


def test_what_cannot_be_saved_is_said_and_given_back(oncall, nowhere):
    result = oncall("incident", "declare", "--severity", "SEV1", "all is lost", journal=nowhere, code=4)

    assert result.out == ""
    assert "NOT SAVED" in result.err
    assert "all is lost" in result.err
    assert "--unsaved" in result.err
    shift = oncall("shift", "begin", journal=nowhere, code=4)
    assert "--unsaved" not in shift.err  # no rollback waits for it


def test_nothing_stops_a_rollback_and_it_is_merged_later(oncall, nowhere):
    went = oncall("incident", "declare", "--severity", "SEV1", "lost", "--unsaved", "--json", journal=nowhere).json
    assert went["saved"] is False
    incident = went["incident"]["id"]
    oncall("run", "start", "emergency-rollback", "--incident", incident, "--unsaved", journal=nowhere)
    (run,) = oncall("run", "ls", "--json", journal=nowhere).json["runs"]
    assert run["saved"] is False

    nowhere.parent.unlink()
    saved = oncall("incident", "note", incident, "the disk is back", "--json", journal=nowhere).json
    assert saved["incident"]["label"].startswith("INC-")
    assert saved["incident"]["saved"] is True
    assert [item["playbook"] for item in saved["incident"]["runs"]] == ["emergency-rollback"]
    assert "merged from the spool" in oncall("log", "tail", journal=nowhere).out
    oncall("log", "verify", journal=nowhere)


def test_on_a_terminal_the_words_must_be_typed(oncall, nowhere, monkeypatch):
    from console.cli import record as written

    typed = iter(["yes", "NOT SAVED"])
    monkeypatch.setattr(written.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(written.click, "prompt", lambda *_, **__: next(typed))
    declare = ("incident", "declare", "--severity", "SEV1", "lost", "--unsaved")

    assert "nothing done" in oncall(*declare, journal=nowhere, code=4).err
    assert "NOT SAVED: waits in" in oncall(*declare, journal=nowhere).out
