"""A console's configuration and record in a folder of its own, and its command line. Where nothing else is said, its
sources lie behind a port that nobody listens on."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from console.cli.main import run
from console.settings.load import init

NOWHERE = "http://127.0.0.1:1"


def in_this_process(command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Carries out one command of a console without the second of work that a process takes to start. It is another
    console than the one on the terminal all the same."""
    assert command[:3] == [sys.executable, "-m", "console"]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(command[3:])
    return subprocess.CompletedProcess(command, code, out.buffer.getvalue(), err.buffer.getvalue())


class Site:
    """`prometheus`, `alertmanager` and `health` are URLs; all are asked every second."""

    def __init__(
        self,
        folder: Path,
        *,
        prometheus: str = NOWHERE,
        alertmanager: str = NOWHERE,
        health: str = NOWHERE,
        journal: Path | None = None,
    ) -> None:
        self.config = folder / "config"
        self.journal = journal or folder / "record" / "journal.db"
        init(self.config)
        path = self.config / "console.yaml"
        text = path.read_text().replace("http://127.0.0.1:9090", prometheus)
        text = text.replace("http://127.0.0.1:9093", alertmanager)
        for number, component in enumerate(("bridge", "event-store", "elicitation", "wait-for-messages"), start=8101):
            text = text.replace(f"http://127.0.0.1:{number}/health", f"{health}/{component}/health")
        path.write_text(text.replace("interval: 15s", "interval: 1s"))

    def oncall(self, *arguments: str, who: str = "") -> Sequence[str]:
        """The command line of a console here."""
        options = ["--config", str(self.config), "--journal", str(self.journal), *(["--as", who] if who else [])]
        return [sys.executable, "-m", "console", *options, *arguments]

    def run(self, *arguments: str, who: str = "", check: bool = True) -> bytes:
        """What a command prints."""
        done = in_this_process(self.oncall(*arguments, who=who))
        assert not check or done.returncode == 0, (arguments, done.returncode, done.stderr.decode())
        return done.stdout

    def json(self, *arguments: str, who: str = "") -> Any:
        """What a command says with --json."""
        return json.loads(self.run(*arguments, "--json", who=who))
