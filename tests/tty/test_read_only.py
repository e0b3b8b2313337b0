"""A console that shall only look: every key of every screen, and nothing is asked but questions. Numbers are those of
the study."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from console.model import commands as cmd
from console.model.alert import Matcher
from console.model.change import ChangeKind
from console.model.silence import Silence
from console.tui.keys import of
from tests.fakes.connected import alert, declare, do, opened_only, running, secrets_of, until, waiting
from tests.fakes.door import Door
from tests.fakes.outside import Outside
from tests.servers import REPO, Alertmanager, Prometheus
from tests.tty.terminal import KEYS, Terminal

pytestmark = [pytest.mark.tty, pytest.mark.integration]

PLACES = {
    "overview": ("1", "CAN ROLL BACK"),
    "incident": ("2 enter", "owed      to undo"),
    "run": ("3", r"RUN-\d+ .* gone of "),
    "shift": ("4", "HANDED OVER AND WATCHED"),
    "alerts": ("5", r"(?m)^ALERTS ─"),
    "alert": ("5 enter", r"(?m)^✖ Slow(er)? +critical"),
    "silences": ("5 S", "(?m)^SILENCES ─"),
    "incidents": ("6", "(?m)^INCIDENTS ─"),
    "changes": ("7", "(?m)^TEMPORARY CHANGES"),
    "outbox": ("8", "(?m)^OUTBOX ─"),
}
"""The way to every screen, and what stands on it."""
LEAVING = {"quit", "exit", "back", "suspend", "environment", "unfilter"}
"""Actions that end the walk, or go on with it elsewhere."""
NAMED = {"question_mark": "?", "colon": ":", "plus": "+", "escape": "esc"}


@pytest.fixture
def outside(tmp_path):
    with (
        Outside(tmp_path / "outside") as outside,
        Alertmanager(tmp_path / "alertmanager") as alertmanager,
        Prometheus(tmp_path / "prometheus") as prometheus,
    ):
        labels = ({"alertname": name, "severity": "critical"} for name in ("Watchdog", "Slow", "Slower", "Quiet"))
        alertmanager.post_alerts({"labels": item} for item in labels)
        behind = {
            "prometheus": prometheus.url,
            "alertmanager": alertmanager.url,
            "pagerduty": outside.pagerduty.url,
            "slack": outside.slack.url,
        }
        outside.door = Door(behind)
        url_of = outside.door.url_of
        outside.configure(url_of("prometheus"), [url_of("alertmanager")], pagerduty=url_of("pagerduty"))
        outside.edit("severity.yaml", "acknowledge_within: 5m", "acknowledge_within: 1s")
        yield outside
        outside.door.close()


async def fill(outside: Outside) -> None:
    """A record in which every screen has something to act on, and with what an engine would do at once."""
    with secrets_of(outside):
        async with running(outside, outside.journal) as console:
            seen = await until(console, lambda: alert(console, "Slow"), "an alert")
            found = await declare(console, "It is slow", seen)
            await do(console, cmd.StartRun(found, console.settings.playbooks[0]))
            await do(console, cmd.AddTask(found, "look at the queue", "alice"))
            await do(console, cmd.RecordChange(ChangeKind.FLAG, "checkout", "off", "turn it on", found))
            await do(console, cmd.BeginShift())
            await do(console, cmd.AddWatchItem(console.state.shift.id, "the queue"))
            now = datetime.now(UTC)
            matchers = (Matcher("alertname", "=", "Quiet"),)
            silence = Silence(matchers, now, now + timedelta(hours=1), "alice", "known", cluster="alertmanager")
            await do(console, cmd.CreateSilence(silence))
            await until(console, lambda: console.board.silences and not waiting(console), "all of it")
        async with opened_only(outside, outside.journal) as console:
            await declare(console, "Nobody was told of this")
            assert len(waiting(console)) > 3


def kept(outside: Outside) -> object:
    """All that a console could have changed in the record."""
    connection = sqlite3.connect(f"{outside.journal.as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    finally:
        connection.close()
    files = {item.name for item in outside.journal.parent.iterdir() if not item.name.endswith(("-shm", "-wal"))}
    return rows, files


def go(console: Terminal, scope: str) -> None:
    """To a screen, by keys; what is open is left."""
    way, text = PLACES[scope]
    for last in (False,) * 9 + (True,):
        console.press("esc")
        console.read_for(0.12)  # or it would be the beginning of the next key: a busy program reads both at once
        console.wait_for("╭", gone=True)
        console.press("1")
        try:
            console.wait_for(PLACES["overview"][1], timeout=60 if last else 5)
            break
        except AssertionError:
            if last:
                raise
    first, *then = way.split()
    console.press(first)
    if then:  # it acts on a row, which has to be there
        console.wait_for(lambda shown: bool(re.search(r"(?m)^(ALERTS|INCIDENTS) ─", shown)) and "Slow" in shown.title())
        console.press(*then)
    console.wait_for(lambda shown: bool(re.search(text, shown)))


def walk(console: Terminal) -> int:
    """Every key of every screen; after one that opens something, the screen is entered anew. How many keys."""
    pressed = 0
    for scope in PLACES:
        go(console, scope)
        for action in of(scope):
            everywhere = action.scope == "everywhere" and not action.writes
            if action.id in LEAVING or action.id in PLACES or (everywhere and scope != "overview"):
                continue
            for key in filter(None, action.keys.split(",")):
                sign = NAMED.get(key, key)
                if sign not in KEYS and len(sign) > 1:
                    continue  # a second name of the same action, such as f1
                console.press(sign)
                pressed += 1
                if not action.writes:
                    go(console, scope)
    go(console, "overview")
    for name in ("Declare", "Acknowledge"):
        console.press(":")
        console.wait_for("All actions", "╭")
        console.type(name)
        console.wait_for("Not now: this console is read-only")
        console.press("enter")
        go(console, "overview")
    return pressed


def is_question(request) -> bool:
    """Whether it only asks: anything by GET, and expressions by POST."""
    if request.method in ("GET", "HEAD"):
        return True
    asks = request.path.startswith("/prometheus/api/v1/query") and request.method == "POST"
    return asks and set(parse_qs(request.body.decode())) <= {"query", "time", "timeout", "start", "end", "step"}


@pytest.mark.timeout(400)  # 100 keys, one after the other
def test_46_a_walk_through_a_read_only_console_changes_nothing(outside, tmp_path):
    asyncio.run(fill(outside))
    before, door = kept(outside), outside.door
    door.requests.clear()
    outside.pagerduty.requests.clear()
    quiet = len(outside.slack.requests), len(outside.webhook.requests), len(outside.mailbox.taken)
    env = outside.secrets | {"HOME": str(tmp_path)}
    line = outside.oncall()
    with Terminal([*line[:3], "--read-only", *line[3:]], columns=160, rows=45, env=env, cwd=str(tmp_path)) as console:
        console.wait_for("READ-ONLY", "It is slow", "+1 OPEN", "✔ pagerduty")
        keys = walk(console)
        console.press("D")
        console.wait_for("Declare: this console is read-only")
        console.press("ctrl+q")
        console.wait_for("stays open")
        console.press("ctrl+q")
        assert console.wait_end() == 0
    for command in ("incident declare x --severity SEV1", "outbox flush"):
        done = subprocess.run(
            [*line[:3], "--read-only", *line[3:], *command.split()],
            env=os.environ | env,
            cwd=REPO,
            capture_output=True,
            timeout=100,
        )
        assert done.returncode != 0, (command, done)

    assert keys > 80
    asked = {request.path.split("/")[1] for request in door.requests}
    assert asked == {"prometheus", "alertmanager", "pagerduty"}, "it did look"
    assert [(item.method, item.target) for item in door.requests if not is_question(item)] == []
    assert {request.method for request in outside.pagerduty.requests} == {"GET"}
    assert (len(outside.slack.requests), len(outside.webhook.requests), len(outside.mailbox.taken)) == quiet
    assert kept(outside) == before
