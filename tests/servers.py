"""Real servers for tests: Prometheus and Alertmanager on loopback, and a small HTTP server to scrape and to break.

Each is a context manager. Processes are stopped by process id, listen on loopback only, and keep their port over
`stop()` and `start()`, so that a test can take a source away and give it back.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar
from urllib.parse import urlencode

import pytest

REPO = Path(__file__).resolve().parent.parent
_SERVERS = REPO / ".servers" / "usr"

T = TypeVar("T")


def in_ci() -> bool:
    """Whether a missing server is a failure."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def missing(
    reason: str = "Prometheus or Alertmanager is missing: run `make servers`, or install both on PATH",
) -> NoReturn:
    """Skips the test; with CI=true, fails it."""
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _binary(*names: str) -> Path:
    for name in names:
        if (_SERVERS / "bin" / name).exists():
            return _SERVERS / "bin" / name
        if found := shutil.which(name):
            return Path(found)
    missing()


def prometheus_binary() -> Path:
    """Skips the test (with CI=true: fails it) where there is none."""
    return _binary("prometheus")


def promtool_binary() -> Path:
    return _binary("promtool")


def alertmanager_binary() -> Path:
    return _binary("prometheus-alertmanager", "alertmanager")


def amtool_binary() -> Path:
    return _binary("amtool")


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(
    predicate: Callable[[], T], timeout: float = 60.0, interval: float = 0.05, what: str = "the condition"
) -> T:
    """The first truthy value of `predicate`, asked every `interval` seconds; AssertionError after `timeout`."""
    deadline = time.monotonic() + timeout
    while True:
        if value := predicate():
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not come within {timeout} s (last value: {value!r})")
        time.sleep(interval)


class HttpError(Exception):
    """A server's answer other than 2xx."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body[:500]}")
        self.status = status
        self.body = body


def request(address: str, method: str, path: str, body: object = None, timeout: float = 30.0) -> Any:
    """One JSON request to HOST:PORT, past any proxy. An answer that is no JSON comes back as text."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json"} if data else {})
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    if response.status // 100 != 2:
        raise HttpError(response.status, text)
    try:
        return json.loads(text)
    except ValueError:
        return text


class Server:
    """A server process: `start`, `wait_ready`, `stop`, `kill`; leaving the context stops it."""

    ready_at = "/-/ready"
    ends_by = signal.SIGTERM
    patience = 60.0
    """Seconds until it must be ready."""
    user: str | None = None
    """Whom it runs as; None: the user of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not running"
        return self._process.pid

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str] | None:
        """What it gets; None: all that the tests have."""
        return None

    def start(self) -> Self:
        """Starts it and waits until it is ready; the same port again after a stop."""
        if self.port:
            self._launch()
            return self
        for attempt in range(3):  # the free port may have been taken meanwhile
            self.port = free_port()
            try:
                self._launch()
            except AssertionError as error:
                if attempt == 2 or "address already in use" not in str(error).lower():
                    raise
            else:
                break
        return self

    def _launch(self) -> None:
        assert self._process is None, "already running"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                user=self.user,
            )
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def wait_ready(self) -> None:
        """Until it says so itself; AssertionError with the end of its log if it exits or takes longer."""

        def ready() -> bool:
            if self._process is None or self._process.poll() is not None:
                raise AssertionError(f"{type(self).__name__} is not running:\n{self._log_tail()}")
            return self.is_ready()

        wait_until(ready, self.patience, 0.02, f"{type(self).__name__}'s readiness")

    def is_ready(self) -> bool:
        """Whether it says so now."""
        try:
            request(self.address, "GET", self.ready_at, timeout=5.0)
        except (OSError, HttpError, http.client.HTTPException):
            return False
        return True

    def stop(self) -> None:
        """Asks it to end (SIGTERM) and waits; nothing if it is not running."""
        if self._process is None:
            return
        self._process.send_signal(self.ends_by)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, then waits; nothing if it is not running."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def __enter__(self) -> Self:
        return self.start() if self._process is None else self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Prometheus(Server):
    """A real Prometheus that scrapes and evaluates every second.

    Args:
        folder: where its configuration, data and log go.
        rules: alerting and recording rules as mappings, or a whole rules file as text.
        scrape_targets: job to HOST:PORT; the job's name is the `instance` label, too, so that series of a restarted
            exporter, and of `history`, join. The first sample comes about 5 s after the start: wait for `up`.
        alertmanagers: HOST:PORT of each.
        history: OpenMetrics text, ending in "# EOF", that is there from the start (promtool backfill).
        external_labels: added to every alert on its way to Alertmanager.
    """

    def __init__(
        self,
        folder: Path,
        rules: Sequence[Mapping[str, Any]] | str = (),
        scrape_targets: Mapping[str, str] | None = None,
        alertmanagers: Iterable[str] = (),
        history: str | None = None,
        external_labels: Mapping[str, str] | None = None,
    ) -> None:
        self._binary = prometheus_binary()
        super().__init__(folder)
        config = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
                "external_labels": dict(external_labels or {}),
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [target], "labels": {"instance": job}}]}
                for job, target in (scrape_targets or {}).items()
            ],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
        }
        # JSON is YAML, and quotes whatever an expression contains.
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.write_rules(rules)
        if history is not None:
            self._backfill(history)

    def write_rules(self, rules: Sequence[Mapping[str, Any]] | str) -> None:
        """Replaces the rules file; a running server takes it up with `reload`."""
        if not isinstance(rules, str):
            rules = json.dumps({"groups": [{"name": "tests", "rules": list(rules)}]} if rules else {"groups": []})
        (self.folder / "rules.yml").write_text(rules)

    def _backfill(self, history: str) -> None:
        (self.folder / "history.om").write_text(history)
        options = "tsdb create-blocks-from openmetrics -q --max-block-duration=720h"  # one block, not one per 2 h
        subprocess.run(
            [promtool_binary(), *options.split(), "history.om", "tsdb"],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def command(self) -> list[str]:
        return [
            str(self._binary),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=tsdb",
            "--storage.tsdb.retention.time=40d",
            f"--web.listen-address={self.address}",
            "--web.enable-lifecycle",
            # It finds its Alertmanagers some seconds after the start; what fired before is sent again only then.
            "--rules.alert.resend-delay=1s",
        ]

    def reload(self) -> None:
        request(self.address, "POST", "/-/reload")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query: `metric` and `value` of each series."""
        path = "/api/v1/query?" + urlencode({"query": expression})
        return request(self.address, "GET", path)["data"]["result"]

    def wait_for(self, expression: str, timeout: float = 60.0) -> list[dict[str, Any]]:
        """Until the expression has a result, e.g. `up == 1` or `ALERTS{alertstate="firing"}`."""
        return wait_until(lambda: self.query(expression), timeout, 0.1, f"a result of {expression}")


class Alertmanager(Server):
    """A real Alertmanager that notifies nobody unless `webhook` names a URL.

    `config` replaces its whole configuration. Without it: one receiver, grouped by alertname, group_wait 1 s. It is
    alone, unless `gossip` names the ports of its own and of its peers: see `alertmanager_pair`.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any] | None = None,
        inhibit_rules: Sequence[Mapping[str, Any]] = (),
        webhook: str | None = None,
        gossip: Sequence[int] = (),
    ) -> None:
        self._binary = alertmanager_binary()
        self._gossip = [f"127.0.0.1:{port}" for port in gossip]
        super().__init__(folder)
        receiver: dict[str, Any] = {"name": "tests"}
        if webhook is not None:
            receiver["webhook_configs"] = [{"url": webhook, "send_resolved": True}]
        default = {
            "route": {
                "receiver": "tests",
                "group_by": ["alertname"],
                "group_wait": "1s",
                "group_interval": "2s",
                "repeat_interval": "1h",
            },
            "receivers": [receiver],
            "inhibit_rules": list(inhibit_rules),
        }
        (folder / "alertmanager.yml").write_text(json.dumps(default if config is None else config))
        for template in (_SERVERS / "share/prometheus/alertmanager").glob("*.tmpl"):  # see scripts/servers.sh
            shutil.copy(template, folder)

    def command(self) -> list[str]:
        return [
            str(self._binary),
            "--config.file=alertmanager.yml",
            "--storage.path=data",
            f"--web.listen-address={self.address}",
            # Left out, it listens on every interface and waits 10 s for gossip.
            f"--cluster.listen-address={self._gossip[0] if self._gossip else ''}",
            *(f"--cluster.peer={peer}" for peer in self._gossip[1:]),
        ]

    def post_alerts(self, alerts: Iterable[Mapping[str, Any]]) -> None:
        """Each a mapping with `labels` (alertname among them), and `annotations`, `startsAt`, `endsAt` if wanted."""
        request(self.address, "POST", "/api/v2/alerts", list(alerts))

    def alerts(self, **parameters: str) -> list[dict[str, Any]]:
        return request(self.address, "GET", "/api/v2/alerts?" + urlencode(parameters))

    def status(self) -> dict[str, Any]:
        return request(self.address, "GET", "/api/v2/status")

    def silences(self) -> dict[str, dict[str, Any]]:
        """All it knows, by id."""
        return {item["id"]: item for item in request(self.address, "GET", "/api/v2/silences")}

    def post_silence(self, matchers: Mapping[str, str], seconds: float = 3600, comment: str = "test") -> str:
        """Silences alerts with exactly these labels from now on; returns the silence's id."""
        now = datetime.now(UTC)
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in matchers.items()
            ],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(seconds=seconds)).isoformat(),
            "createdBy": "tests",
            "comment": comment,
        }
        return request(self.address, "POST", "/api/v2/silences", body)["silenceID"]

    def expire_silence(self, silence: str) -> None:
        request(self.address, "DELETE", f"/api/v2/silence/{silence}")


@contextlib.contextmanager
def alertmanager_pair(folder: Path, **options: Any) -> Iterator[tuple[Alertmanager, Alertmanager]]:
    """Two real Alertmanagers that share their silences, once they know of each other."""
    ports = free_port(), free_port()
    with (
        Alertmanager(folder / "one", gossip=ports, **options) as one,
        Alertmanager(folder / "other", gossip=ports[::-1], **options) as other,
    ):
        for server in (one, other):
            wait_until(lambda: len(server.status()["cluster"]["peers"]) == 2, what="the cluster")  # noqa: B023
        yield one, other


class Exporter:
    """A small HTTP server in a thread: metrics to scrape, health endpoints, sources that break.

    `set(text)` is what /metrics answers; `serve(path, ...)` any other path; others are 404. `delay` (seconds) holds
    every answer back, as a hung source does. `requests` lists "METHOD PATH" as they came, `bodies` what was posted.
    """

    def __init__(self, metrics: str = "") -> None:
        self._answers: dict[str, tuple[int, bytes, str]] = {}
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.delay = 0.0
        self._closing = threading.Event()
        self.set(metrics)
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                exporter._answer(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                pass

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a client that went away

        self._http = Http(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def set(self, metrics: str) -> None:
        """What /metrics answers from now on (Prometheus text format)."""
        self.serve("/metrics", metrics if metrics.endswith("\n") else metrics + "\n")

    def serve(self, path: str, body: str | bytes = "ok", status: int = 200, content_type: str = "text/plain") -> None:
        data = body.encode() if isinstance(body, str) else body
        self._answers[path] = (status, data, content_type)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.requests.append(f"{handler.command} {handler.path}")
        self.bodies.append(body)
        if self.delay and self._closing.wait(self.delay):
            return
        missing = (404, b"not found", "text/plain")
        status, data, content_type = self._answers.get(handler.path.partition("?")[0], missing)
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def stop(self) -> None:
        """Refuses connections from now on."""
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
