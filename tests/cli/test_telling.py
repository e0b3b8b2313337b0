"""Messages that commands queue: carried out by themselves when no engine runs, and left to the engine when one does."""

from __future__ import annotations

import asyncio
import threading

import pytest

from console.cli import telling
from console.engine.clocks import SystemClock
from console.journal.sqlite import SqliteJournal
from tests import servers

DECLARE = ("incident", "declare", "--severity", "SEV1", "bridge is down")


@pytest.fixture
def far():
    with servers.Exporter() as server:
        server.serve("/hook", "{}", content_type="application/json")
        yield server


@pytest.fixture
def told(oncall, far):
    oncall.notify(f'{{webhooks: [{{name: page, url: "{far.url}/hook", timeout: 5s}}]}}')
    return oncall


def test_without_an_engine_the_command_sends_itself(told, far):
    result = told(*DECLARE)

    assert "sent: " in result.out
    assert far.requests == ["POST /hook"]
    assert "bridge is down" in far.bodies[0].decode()
    data = told("incident", "ack", "1", "--json").json
    assert [(item["state"], item["attempts"]) for item in data["deliveries"]] == [("sent", 1)]
    assert data["delivery_note"] == ""
    assert told("log", "verify", "--expect", data["head"]).code == 0


def test_no_wait_leaves_it_to_the_engine_or_to_a_flush(told, far):
    result = told(*DECLARE, "--no-wait")
    assert "queued for" in result.out
    assert far.requests == []
    assert "queued" in told("outbox", "ls").out

    flushed = told("outbox", "flush", "--json").json
    assert [item["state"] for item in flushed["deliveries"]] == ["sent"]
    assert far.requests == ["POST /hook"]
    assert told("outbox", "flush").out == "nothing waits\n"
    assert far.requests == ["POST /hook"]
    assert told("outbox", "ls").out == "nothing waits, and nothing is NOT SENT\n"
    assert "sent" in told("outbox", "ls", "--all").out


def test_what_fails_is_not_sent_and_the_command_is_done(told, far):
    far.serve("/hook", "no", 500)

    result = told(*DECLARE)

    assert "NOT SENT: " in result.out
    assert "NOT SENT" in told("outbox", "ls").out
    assert "not everything was sent" in told("outbox", "flush", code=1).err
    assert "NOT SENT" in told("incident", "show", "1").out
    far.serve("/hook", "{}")
    assert "sent: " in told("outbox", "flush").out


def test_what_was_given_up_is_queued_anew(told, far):
    far.serve("/hook", "no", 400)
    assert "GIVEN UP" in told(*DECLARE).out
    (failed,) = told("outbox", "ls", "--json").json["deliveries"]

    far.serve("/hook", "{}")
    assert "sent: " in told("outbox", "retry", failed["id"][:8]).out
    assert "no such message" in told("outbox", "retry", "00000000", code=5).err


def test_while_another_engine_holds_the_lease_it_delivers(told, far):
    told("shift", "begin")  # makes the journal

    class Holder(threading.Thread):
        """Holds the lease, as an engine in another process does."""

        def run(self):
            asyncio.run(self.hold())

        async def hold(self):
            journal = SqliteJournal(told.journal, SystemClock(), console="bob@host:1", scope="lighthouse/production")
            await journal.renew("bob@host:1", 9.0)
            await journal.close()

    holder = Holder()
    holder.start()
    holder.join()
    result = told(*DECLARE)

    assert "bob@host:1 delivers" in result.out
    assert far.requests == []
    assert "bob@host:1 delivers" in told("outbox", "flush").out
    assert far.requests == []


def test_a_channel_that_hangs_holds_the_command_up_no_longer_than_it_may(told, far, monkeypatch):
    far.delay = 30.0
    monkeypatch.setattr(telling, "PATIENCE", 0.3)

    result = told(*DECLARE)

    assert "queued for webhook.page: no answer within 0.3 s" in result.out
    assert "queued" in told("outbox", "ls").out


def test_read_only_sends_nothing(told, far):
    told(*DECLARE, "--no-wait")

    assert "read-only" in told("--read-only", "outbox", "flush", code=3).err
    told("--read-only", "outbox", "ls")
    told("--read-only", "incident", "show", "1")
    assert far.requests == []
    assert "queued" in told("outbox", "ls").out


def test_what_cannot_be_saved_is_told_all_the_same(told, far, tmp_path):
    (tmp_path / "file").write_text("")
    journal = tmp_path / "file" / "journal.db"
    result = told(*DECLARE, "--unsaved", "--no-wait", journal=journal)

    assert "they wait for the journal, until it can be written" in result.out
    assert far.requests == []

    told(*DECLARE, "--unsaved", journal=journal)
    assert far.requests
