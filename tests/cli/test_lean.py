"""What a command costs before it does anything: nothing is imported that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"textual", "rich", "httpx", "requests", "pdpyras", "prometheus_api_client", "slack_sdk", "jinja2", "smtplib"}
RUN = """
import json, sys
from console.cli.main import run
code = run(sys.argv[1:])
sys.stderr.write("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def loaded(*arguments):
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, timeout=60)
    code, names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(names)


@pytest.mark.parametrize(
    "command",
    ["incident ls", "incident show 1", "changes ls", "outbox ls", "who", "shift show", "log tail", "alerts ls --help"],
)
def test_the_record_is_read_without_the_screen_and_without_http(oncall, command):
    oncall("incident", "declare", "--severity", "SEV3", "x", "--no-wait")
    options = ["--config", str(oncall.config), "--journal", str(oncall.journal)]

    assert HEAVY & loaded(*options, *command.split()) == set()


@pytest.mark.parametrize("command", ["playbook", "run", "playbook import", "playbook test", "run attach"])
def test_help_on_playbooks_reads_nothing(command):
    heavy = HEAVY | {"markdown_it", "yaml", "sqlite3", "multiprocessing"}

    assert heavy & loaded(*command.split(), "--help") == set()


def test_a_runbook_is_imported_without_the_screen(tmp_path):
    source = tmp_path / "x.md"
    source.write_text("# Disk full\n\n- Look\n")

    names = loaded("playbook", "import", str(source), "--out", str(tmp_path / "out.yaml"))
    assert "markdown_it" in names
    assert HEAVY & names == set()


def test_what_is_recorded_needs_http_only_to_tell_it(oncall):
    oncall("incident", "declare", "--severity", "SEV3", "x", "--no-wait")
    options = ["--config", str(oncall.config), "--journal", str(oncall.journal), "--as", "alice"]

    assert HEAVY & loaded(*options, "incident", "ack", "1", "--no-wait") == set()


def test_alerts_are_listed_without_the_screen(oncall):
    from tests import servers

    with servers.Exporter() as server:
        server.serve("/api/v2/alerts/groups", "[]", content_type="application/json")
        server.serve("/api/v2/silences", "[]", content_type="application/json")
        names = loaded("alerts", "ls", "--alertmanager", server.url)

    assert "httpx" in names
    assert not {"textual", "pdpyras", "slack_sdk", "jinja2", "yaml", "sqlite3"} & names
