"""Everything outside that a configuration names: servers to ask, channels to write to, and where their secrets are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeAlias

from console.model.message import Topic
from console.model.people import Severity
from console.model.playbook import Program
from console.model.value import value


@value
class SecretRef:
    """Where a secret is: `env:NAME` or `file:PATH`. The secret itself is never part of the configuration."""

    scheme: str
    name: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"


Reveal: TypeAlias = Callable[[SecretRef], str]
"""Gives the secret behind a reference, as it is now. Raises SecretError."""


@value
class BasicAuth:
    """A user and a password, sent with each request (RFC 7617)."""

    username: str
    password: SecretRef


@value
class TlsFiles:
    """Absolute paths of PEM files: the authorities that a server is judged by (without one: the system's), the
    certificate that we show, and its key (without one: it lies in the certificate's file)."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    key_password: SecretRef | None = None


@value
class HttpSource:
    """An HTTP server to ask. `token` is sent as a bearer token; `headers` are fixed, a tenant's id say, or secrets of
    their own; `params` go into the query of each request."""

    name: str
    url: str
    interval: timedelta = timedelta(seconds=15)
    timeout: timedelta = timedelta(seconds=5)
    token: SecretRef | None = None
    headers: tuple[tuple[str, str | SecretRef], ...] = ()
    basic_auth: BasicAuth | None = None
    tls: TlsFiles | None = None
    params: tuple[tuple[str, str], ...] = ()

    @property
    def manner(self) -> str:
        """What lets us in, by kind and without any value: `bearer token, client certificate, header X-Scope-OrgID`."""
        headers = [f"{name} (secret)" if isinstance(text, SecretRef) else name for name, text in self.headers]
        kinds = (
            "bearer token" if self.token is not None else "",
            "basic auth" if self.basic_auth is not None else "",
            "client certificate" if self.tls is not None and self.tls.certificate else "",
            "" if self.tls is None else "a CA of its own" if self.tls.ca else "the system's CAs",
            f"headers {', '.join(headers)}" if headers else "",
            f"parameters {', '.join(name for name, _ in self.params)}" if self.params else "",
        )
        return "; ".join(filter(None, kinds)) or "nothing: no credentials are configured"

    def secrets(self) -> Iterator[tuple[str, SecretRef]]:
        """Every secret that is referred to, by its key in the file."""
        named = [
            ("token", self.token),
            ("basic_auth.password", self.basic_auth.password if self.basic_auth is not None else None),
            ("tls_config.key_password", self.tls.key_password if self.tls is not None else None),
            *((f"headers.{name}", text) for name, text in self.headers if isinstance(text, SecretRef)),
        ]
        return ((key, ref) for key, ref in named if ref is not None)


@value
class Component:
    """A part of the service with a health endpoint. An answer of 200 to 299 is healthy."""

    name: str
    url: str
    critical_after: timedelta = timedelta(minutes=1)
    legacy: bool = False
    """Whether a rollback needs it."""
    source: HttpSource | None = None
    """What it is asked with, where its address alone does not do."""


@value
class PagerDuty:
    """PagerDuty for one environment. `source.token` is the REST API key, `sender` the login e-mail that writes carry in
    `From`, `services` the ids of the services that are watched. `events_key` is the integration key that hand-declared
    incidents page through, `test_events_key` that of a service which pages nobody."""

    source: HttpSource
    sender: str = ""
    services: tuple[str, ...] = ()
    events_url: str = "https://events.pagerduty.com"
    events_key: SecretRef | None = None
    test_events_key: SecretRef | None = None


@value
class SlackWebhook:
    """One incoming webhook. The whole address is a secret. `test` marks the one that `check --send-test` prefers."""

    name: str
    webhook: SecretRef
    topics: tuple[Topic, ...] = ()
    least: Severity = Severity.SEV5
    test: SecretRef | None = None
    """A webhook of a channel for tests; without it, the test goes to the channel itself."""


@value
class Email:
    """A mail server. `security` is starttls, tls or none; `none` is refused with a user and password."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    security: str = "starttls"
    user: str = ""
    password: SecretRef | None = None
    topics: tuple[Topic, ...] = ()
    least: Severity = Severity.SEV5
    test_to: tuple[str, ...] = ()


@value
class Grafana:
    """Annotations and links. `dashboard_uid` is the dashboard that annotations are put on; empty: the whole
    organization's."""

    source: HttpSource
    dashboard_uid: str = ""
    tags: tuple[str, ...] = ()


@value
class Webhook:
    """A receiver of our own JSON, posted with an `Idempotency-Key` header."""

    source: HttpSource
    topics: tuple[Topic, ...] = ()
    least: Severity = Severity.SEV5


@value
class Notify:
    """What an environment writes to. `oncall check` proves that the secrets are set, `--send-test` that they work."""

    pagerduty: PagerDuty | None = None
    slack: tuple[SlackWebhook, ...] = ()
    email: Email | None = None
    grafana: Grafana | None = None
    webhooks: tuple[Webhook, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of what tells people something."""
        return (
            *(f"slack.{item.name}" for item in self.slack),
            *(["email"] if self.email is not None else []),
            *(f"webhook.{item.source.name}" for item in self.webhooks),
        )

    def secrets(self) -> Iterator[tuple[str, SecretRef]]:
        """Every secret that is referred to, by its key in the file."""
        named: list[tuple[str, SecretRef | None]] = []
        if self.pagerduty is not None:
            named.append(("pagerduty.token", self.pagerduty.source.token))
            named.append(("pagerduty.events_key", self.pagerduty.events_key))
            named.append(("pagerduty.test_events_key", self.pagerduty.test_events_key))
        for slack in self.slack:
            named.append((f"slack.{slack.name}.webhook", slack.webhook))
            named.append((f"slack.{slack.name}.test", slack.test))
        if self.email is not None:
            named.append(("email.password", self.email.password))
        if self.grafana is not None:
            named += [(f"grafana.{key}", ref) for key, ref in self.grafana.source.secrets()]
        for webhook in self.webhooks:
            named += [(f"webhooks.{webhook.source.name}.{key}", ref) for key, ref in webhook.source.secrets()]
        return ((key, ref) for key, ref in named if ref is not None)


@value
class Alertmanager:
    """One Alertmanager. Those with the same `cluster` are peers and share their silences."""

    source: HttpSource
    cluster: str = "alertmanager"


@value
class ServedFlags:
    """Flags of a server, which says how often and how long it is asked."""

    source: HttpSource

    @property
    def server(self) -> HttpSource | None:
        """The server that it is asked of."""
        return self.source

    @property
    def interval(self) -> timedelta:
        """How often it is asked."""
        return self.source.interval

    @property
    def timeout(self) -> timedelta:
        """How long one question may take."""
        return self.source.timeout


@value
class UnleashFlags(ServedFlags):
    """The flags of one project and environment of an Unleash. `source.url` is Unleash's own, without /api."""

    project: str
    environment: str


@value
class HttpFlags(ServedFlags):
    """Flags behind addresses: `pointer` (RFC 6901) finds the percentage in what `source.url` answers, `body` with a
    number in the place of `{percent}` sets it. `{flag}` in both addresses is the flag's name."""

    pointer: str
    write_url: str
    method: str
    body: str


@value
class CommandFlags:
    """Flags behind two programs: `read` prints the percentage of `{flag}`, `write` sets it to `{percent}`."""

    read: Program
    write: Program
    interval: timedelta = timedelta(seconds=15)
    timeout: timedelta = timedelta(seconds=10)

    @property
    def server(self) -> HttpSource | None:
        """None: programs know by themselves whom they ask."""
        return None


FlagSettings: TypeAlias = UnleashFlags | HttpFlags | CommandFlags
"""What reads and sets the flags of an environment."""
