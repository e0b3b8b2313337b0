"""`oncall incident report`: the whole record is read, twice gives the same bytes, and hostile text stays text."""

from __future__ import annotations

import json

from markdown_it import MarkdownIt


def declared(oncall, title="bridge is down"):
    oncall("incident", "declare", "--severity", "SEV1", title, "--started", "-5m")
    oncall("incident", "ack", "1")
    oncall("incident", "note", "1", "the queue | grew\n# heading <b>")
    return oncall


def test_59_the_report_is_the_same_to_the_byte_and_its_anchor_is_in_the_record(oncall, tmp_path):
    declared(oncall)
    first = oncall("incident", "report", "INC-1").out
    data = oncall("incident", "report", "1", "--json").out
    oncall("incident", "declare", "--severity", "SEV3", "another one")

    assert oncall("incident", "report", "1").out == first
    assert oncall("incident", "report", "1", "--json").out == data
    oncall("log", "verify", "--expect", json.loads(data)["header"]["anchor"])
    oncall("incident", "report", "1", "--output", str(tmp_path / "report.md"))
    assert (tmp_path / "report.md").read_text() == first
    assert (tmp_path / "report.md").stat().st_mode & 0o777 == 0o600


def test_the_report_reads_what_the_journal_keeps(oncall):
    data = declared(oncall)("incident", "report", "1", "--json").json

    seconds = {row["id"]: row["seconds"] for row in data["metrics"]}
    assert 290 < seconds["TTA"] + 300 < 330
    assert seconds["TTR"] is None
    events = [json.loads(line) for line in oncall("log", "export").out.splitlines()]
    assert {row["event"] for row in data["times"] if row["at"]} <= {event["id"] for event in events}
    channels = {item["channel"] for item in data["deliveries"]["not_sent"]}
    assert "slack.incidents" in channels  # its address is not set: what could not be sent is named


def test_38_hostile_text_opens_nothing(oncall):
    declared(oncall, "x <script> | ![i](http://evil.example) \x1b]0;pwned\x07")
    text = oncall("incident", "report", "1").out

    found = {child.type for token in MarkdownIt("gfm-like").parse(text) for child in [token, *(token.children or ())]}
    assert not found & {"link_open", "image", "html_inline", "html_block", "code_block"}
    assert text.count("```") == 2  # the lanes
    assert "\x1b" not in text


def test_the_readers_own_time_stands_beside_utc(oncall, monkeypatch):
    import time

    declared(oncall)
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert "+05:30 |" in oncall("incident", "report", "1").out
        assert "+05:30" not in oncall("incident", "report", "1", "--utc").out
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_incident_that_is_not_there_is_named(oncall):
    declared(oncall)
    assert "there is no such incident" in oncall("incident", "report", "INC-99", code=5).err


def test_what_is_not_saved_is_in_it_and_says_so(oncall, tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = tmp_path / "file" / "journal.db"
    went = oncall("incident", "declare", "--severity", "SEV1", "lost", "--unsaved", "--json", journal=nowhere).json
    text = oncall("incident", "report", went["incident"]["id"], journal=nowhere).out

    assert "**NOT SAVED**: part of this waits outside the journal" in text
    assert "incident.declared is NOT SAVED" in text.replace("\\", "")
    assert "| declared | 2" in text
