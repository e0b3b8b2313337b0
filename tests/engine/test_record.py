"""The record as one console sees it."""

from __future__ import annotations

from console.engine.clocks import SystemClock, SystemIds
from console.engine.offload import in_thread
from console.engine.record import Record
from console.journal.memory import MemoryJournal
from console.journal.spool import FileSpool
from console.model.people import Actor


async def test_what_waits_and_cannot_be_read_is_told_although_nothing_else_waits(tmp_path) -> None:
    clock, ids = SystemClock(), SystemIds()

    def spool() -> FileSpool:
        return FileSpool([tmp_path / "spool"], clock, ids, Actor("a", "a"), console="here", journal="j")

    (tmp_path / "spool").mkdir(mode=0o700)
    prefix = spool()._prefix
    torn = tmp_path / "spool" / f"{prefix}1-aa.jsonl"
    torn.write_text('{"put_at":"2026-01-01T00:00')
    torn.chmod(0o600)
    journal = MemoryJournal(clock, console="here")
    record = Record(journal, spool(), clock, ids, "here", "live", in_thread)
    await record.load()
    assert not await record.merge()
    (told,) = journal.read()
    assert told.payload.skipped == ('{"put_at":"2026-01-01T00:00',)
    assert not torn.exists()
