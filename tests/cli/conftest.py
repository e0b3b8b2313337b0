"""`oncall` run in the test's own process: fast, and every exit code and line is seen."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.cli.main import run
from console.settings.load import init


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Cli:
    """The command line on a configuration whose servers refuse every connection, and on a journal of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self.journal = folder / "config", folder / "record" / "journal.db"
        self._capsys = capsys
        init(self.config)
        main = self.config / "console.yaml"
        text = main.read_text()
        for port in (9090, 9093, 9190, 9193, *range(8101, 8105), *range(8111, 8115), 3000):
            text = text.replace(f"127.0.0.1:{port}", "127.0.0.1:1")
        text = text.replace(
            "      pagerduty:\n",
            "      pagerduty:\n        url: http://127.0.0.1:1\n        events_url: http://127.0.0.1:1\n",
        )
        main.write_text(text)

    def edit(self, pattern: str, text: str) -> None:
        """Replaces the first place in console.yaml that the pattern fits."""
        main = self.config / "console.yaml"
        changed, count = re.subn(pattern, lambda _: text, main.read_text(), count=1, flags=re.DOTALL)
        assert count == 1
        main.write_text(changed)

    def alertmanager(self, address: str) -> None:
        """Production's alerts come from there."""
        self.edit(
            r"(?<=\n)    alertmanager:[^\n]*\n      url: [^\n]*", f"    alertmanager:\n      url: http://{address}"
        )

    def notify(self, text: str = "") -> None:
        """Production tells these channels (YAML) and no others."""
        self.edit(r"    notify:\n.*?(?=\n  - service: )", f"    notify: {text or '{}'}\n")

    def __call__(self, *arguments: str, code: int = 0, by: str = "alice", journal: Path | None = None) -> Result:
        """Runs one command by an operator, and asserts its exit code."""
        self._capsys.readouterr()
        options = ["--config", str(self.config), "--journal", str(journal or self.journal), "--as", by]
        return self.bare(*options, *arguments, code=code)

    def bare(self, *arguments: str, code: int = 0) -> Result:
        """Runs one command line as it is."""
        self._capsys.readouterr()
        found = run(arguments)
        result = Result(found, *self._capsys.readouterr())
        assert found == code, f"oncall {' '.join(arguments)}: {result}"
        assert "Traceback" not in result.err
        return result


@pytest.fixture
def oncall(tmp_path, capsys, monkeypatch):
    for name in ("PAGERDUTY_API_KEY", "PAGERDUTY_EVENTS_KEY", "GRAFANA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("SLACK_WEBHOOK_")]:
        monkeypatch.delenv(name)
    return Cli(tmp_path, capsys)
