"""`oncall baseline` without a server; with one: tests/integration/test_baseline.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import wait_until


def kept(oncall):
    folder = oncall.journal.with_name("baselines")
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_without_a_server_nothing_is_kept(oncall):
    assert "nothing was kept: prometheus" in oncall("baseline", "capture", code=1).err
    assert kept(oncall) == []
    assert "baseline" not in oncall("log", "tail").out


def test_where_there_is_none_it_says_how_to_make_one(oncall):
    assert "`oncall baseline capture` makes one" in oncall("baseline", "ls").out
    assert "`oncall baseline capture` makes one" in oncall("baseline", "compare", code=5).err
    assert "there is no such baseline" in oncall("baseline", "show", "x", code=5).err
    assert oncall("baseline", "ls", "--json").json == {"baselines": [], "broken": []}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--name", "../../etc/passwd"], "is no name"),
        (["--name", "\x1b]0;x\x07"], "is no name"),
        (["--zone", "Europe/Nowhere"], "the name of a time zone"),
        (["--zone", "../../etc/passwd"], "the name of a time zone"),
        (["--until", "tomorrow"], "is no time"),
        (["--until", "0001-01-01T00:00:00Z"], "from 2000-01-01 on"),
        (["--until", "1970-01-02T00:00:00Z"], "from 2000-01-01 on"),
        (["--days", "0"], "0 is not in the range"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(oncall, options, word):
    refused = oncall("baseline", "capture", *options, code=2)
    assert word in refused.err
    assert "\x1b" not in refused.err
    assert kept(oncall) == []


def test_a_read_only_console_captures_nothing(oncall):
    options = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--read-only"]
    assert "read-only" in oncall.bare(*options, "baseline", "capture", code=3).err


def test_a_broken_file_is_listed_as_such(oncall):
    folder = oncall.journal.with_name("baselines")
    folder.mkdir(parents=True)
    (folder / "odd.jsonl").write_text('{"format": "\\u001b[31m"}\n')
    assert oncall("baseline", "ls").out == "BROKEN odd: is no baseline\n"
    assert "is no baseline" in oncall("baseline", "show", "odd", code=2).err


HELD_UP = """
import sys, time
from console.reports.baseline import capture

def read(*_):
    print("reading", flush=True)
    time.sleep(600)

capture.edge_of, capture.read = lambda source, now: 5_000_000, read
from console.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to look for children")
def test_an_interrupted_capture_keeps_nothing_and_leaves_no_process(oncall):
    options = ["--config", str(oncall.config), "--journal", str(oncall.journal), "baseline", "capture"]
    with subprocess.Popen([sys.executable, "-c", HELD_UP, *options], stdout=subprocess.PIPE, text=True) as capture:
        assert capture.stdout.readline() == "reading\n"
        children = [
            int(pid)
            for task in Path(f"/proc/{capture.pid}/task").iterdir()
            for pid in (task / "children").read_text().split()
        ]
        assert children
        capture.send_signal(signal.SIGINT)
        assert capture.wait(30) == 130

    def gone(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    wait_until(lambda: all(map(gone, children)), 20, what="the end of the worker")
    assert kept(oncall) == []
    assert os.path.exists(oncall.journal)
    assert "baseline" not in oncall("log", "tail").out
