"""All that a console is connected to, on loopback: PagerDuty, Slack, a webhook and a mail server that keep what they
get, and the configuration that leads there. Every secret is a canary: it must be found nowhere but here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from console.settings.load import init
from tests.fakes.mailbox import Mailbox
from tests.fakes.openapi import Judge
from tests.fakes.pagerduty import ANN, BEN, CAT, EVENTS_KEY, SERVICE, TEST_KEY, TOKEN, FakePagerDuty, email
from tests.integrations.fault_server import FaultServer, answer
from tests.servers import REPO
from tests.tty.site import NOWHERE

SLACK_SECRET = "canary-slack-T4714/canary-slack-B4715/canary-slack-x4716"
WEBHOOK_TOKEN, PROMETHEUS_TOKEN, ALERTMANAGER_TOKEN = "canary-hook-4717", "canary-prom-4718", "canary-am-4719"
ALERTMANAGER_KEY = "canary-am-key-4720"
SHARED = REPO.parent / "shared"
NOTIFY = re.compile(r"(?ms)^    # What this environment tells people.*?(?=^  - service)")


class Sink(FaultServer):
    """Keeps what is posted to it, and says that all is well."""

    def __init__(self) -> None:
        super().__init__()
        self.heal()

    def heal(self) -> None:
        self.behave = answer(200, b"ok")

    @property
    def bodies(self) -> list[str]:
        return [request.body.decode() for request in self.requests]


class Outside:
    """Runs until the `with` ends. Its configuration goes into `folder`."""

    def __init__(self, folder: Path) -> None:
        if not SHARED.is_dir():
            pytest.skip("needs ../shared beside the checkout")
        self.folder, self.config = folder, folder / "config"
        self.journal = folder / "record" / "journal.db"
        self._running = ExitStack()

    def __enter__(self) -> Outside:
        self.pagerduty = self._running.enter_context(FakePagerDuty(Judge(SHARED)))
        self.slack, self.webhook, self.mailbox = Sink(), Sink(), Mailbox()
        for server in (self.slack, self.webhook, self.mailbox):
            self._running.callback(server.close)
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.__exit__(*exception)

    # --- the configuration ---

    @property
    def secrets(self) -> dict[str, str]:
        """The environment's variables."""
        return {
            "PAGERDUTY_API_KEY": TOKEN,
            "PAGERDUTY_EVENTS_KEY": EVENTS_KEY,
            "PAGERDUTY_TEST_EVENTS_KEY": TEST_KEY,
            "SLACK_WEBHOOK_URL": f"{self.slack.url}/services/{SLACK_SECRET}",
            "PROMETHEUS_TOKEN": PROMETHEUS_TOKEN,
            "ALERTMANAGER_TOKEN": ALERTMANAGER_TOKEN,
            "ALERTMANAGER_KEY": ALERTMANAGER_KEY,
        }

    @property
    def canaries(self) -> tuple[str, ...]:
        """Every secret, and each part of the webhook's address that is one of its own."""
        found = [text for name, text in self.secrets.items() if name != "SLACK_WEBHOOK_URL"]
        return (*found, *SLACK_SECRET.split("/"), WEBHOOK_TOKEN)

    def configure(
        self,
        prometheus: str,
        alertmanagers: Sequence[str],
        *,
        pagerduty: str = "",
        slack: str = "SLACK_WEBHOOK_URL",
        folder: Path | None = None,
        health: str = NOWHERE,
    ) -> Path:
        """The example's configuration, leading here; everything is asked every second. `slack` is the variable with
        the address of its webhook. The folder."""
        config = folder or self.config
        init(config)
        token = config / "webhook-token"
        token.write_text(WEBHOOK_TOKEN)
        token.chmod(0o600)
        path = config / "console.yaml"
        text = path.read_text().replace("interval: 15s", "interval: 1s").replace("timeout: 5s", "timeout: 1s")
        text = text.replace("      # token: env:PROMETHEUS_TOKEN ", "      token: env:PROMETHEUS_TOKEN #")
        text = text.replace("http://127.0.0.1:9090", prometheus)
        access = {"token": "env:ALERTMANAGER_TOKEN", "headers": {"X-Api-Key": "env:ALERTMANAGER_KEY"}}
        peers = [
            {"name": f"am-{i}", "url": url, "interval": "1s", "timeout": "1s", **access}
            for i, url in enumerate(alertmanagers, 1)
        ]
        text = re.sub(
            r"(?ms)^    alertmanager: .*?(?=^    #)", f"    alertmanager: {json.dumps(peers)}\n", text, count=1
        )
        text = re.sub(r"http://127\.0\.0\.1:810\d/health", f"{health}/health", text)
        notify = json.dumps(self._notify(pagerduty or self.pagerduty.url, slack))
        text, found = NOTIFY.subn(f"    notify: {notify}\n", text)
        assert found == 1
        path.write_text(text)
        people = config / "people.yaml"
        text = people.read_text()
        for example, user in (("PALICE1", ANN), ("PBOB0001", BEN), ("PCAROL01", CAT)):
            text = text.replace(example, user[0])
        people.write_text(text)
        return config

    def edit(self, file: str, old: str, new: str) -> None:
        """Changes the first such text of a configuration file."""
        path = self.config / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def _notify(self, pagerduty: str, slack: str) -> dict[str, object]:
        return {
            "pagerduty": {
                "url": pagerduty,
                "events_url": pagerduty,
                "token": "env:PAGERDUTY_API_KEY",
                "sender": email(ANN),
                "services": [SERVICE[0]],
                "events_key": "env:PAGERDUTY_EVENTS_KEY",
                "test_events_key": "env:PAGERDUTY_TEST_EVENTS_KEY",
                "interval": "1s",
                "timeout": "2s",
            },
            "slack": [{"name": "incidents", "webhook": f"env:{slack}"}],
            "email": {
                "host": "127.0.0.1",
                "port": self.mailbox.port,
                "security": "none",
                "sender": "oncall@example.com",
                "to": ["team@example.com"],
            },
            "webhooks": [{"name": "status", "url": f"{self.webhook.url}/hook", "token": "file:webhook-token"}],
        }

    def oncall(self, *arguments: str, who: str = "alice") -> list[str]:
        """The command line of a console here."""
        options = ["--config", str(self.config), "--journal", str(self.journal), "--as", who]
        return [sys.executable, "-m", "console", *options, *arguments]

    # --- what came ---

    def events(self, action: str, *, ours: bool | None = None) -> list[str]:
        """Dedup keys of the events that came in; `ours` are those of the console, else those of Alertmanager."""
        bodies = [json.loads(request.body) for request in self.pagerduty.sent("POST", "/v2/enqueue")]
        keys = [body["dedup_key"] for body in bodies if body["event_action"] == action]
        return [key for key in keys if ours is None or key.startswith("oncall-") is ours]

    def mails(self, text: str) -> list[list[str]]:
        """To whom the mails went that hold a text."""
        return [mail.rcpt_tos for mail in self.mailbox.taken if text in mail.content.decode("utf-8", "replace")]

    def posted(self, text: str) -> list[str]:
        """What Slack got that holds a text."""
        return [body for body in self.slack.bodies if text in body]
