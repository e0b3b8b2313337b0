"""Real servers behind their own TLS, client certificates, basic auth and a path prefix: they judge what we send."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import replace
from datetime import timedelta

import pytest

from console.bootstrap.outside import reveal
from console.engine.clocks import SystemClock
from console.integrations.alertmanager import Alertmanager as AlertmanagerSource
from console.integrations.health import HealthEndpoints
from console.integrations.prometheus import Prometheus as Source
from console.ports import Query, SourceError
from console.settings.outside import BasicAuth, Component, HttpSource, SecretRef, TlsFiles
from tests.fakes.authority import Authority
from tests.fakes.door import Door
from tests.integrations.fault_server import answer
from tests.servers import Alertmanager, Prometheus, wait_until

pytestmark = pytest.mark.integration

PASSWORD, ROTATED, TOKEN = "canary-password-1", "canary-password-2", "canary-token-3"
HASHES = {  # by bcrypt, at its lowest cost
    PASSWORD: "$2b$04$abcdefghijklmnopqrstuubPSwTB.R3/sBAGv3qLGsrEtRMxNxl6G",
    ROTATED: "$2b$04$abcdefghijklmnopqrstuubAeHghLEaiA9PUQ6IuV5nFnXQ99jdW2",
}
PREFIX = "/select/0/prometheus"
TIMEOUT = timedelta(seconds=10)
QUERY = Query("one", "vector(1)")


class Guarded:
    """A server that lets in only who shows a certificate and knows the password, and has all below `PREFIX`."""

    def guard(self, authority: Authority) -> None:
        certificate, key = authority.issue("server")
        self._tls = {
            "cert_file": str(certificate),
            "key_file": str(key),
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": str(authority.ca),
        }
        self._context = ssl.create_default_context(cafile=str(authority.ca))
        self._context.load_cert_chain(*authority.issue("test"))
        self.admit(PASSWORD)

    def admit(self, password: str) -> None:
        """From now on; the server reads the file for each request."""
        self.password = password
        content = {"tls_server_config": self._tls, "basic_auth_users": {"team": HASHES[password]}}
        new = self.folder / "web.yml.new"
        new.write_text(json.dumps(content))
        new.replace(self.folder / "web.yml")

    @property
    def url(self) -> str:
        return f"https://{self.address}{PREFIX}"

    def command(self) -> list[str]:
        return [*super().command(), "--web.config.file=web.yml", f"--web.route-prefix={PREFIX}"]

    def wait_ready(self, timeout: float = 20.0) -> None:
        login = base64.b64encode(f"team:{self.password}".encode()).decode()

        def ready() -> bool:
            assert self._process.poll() is None, self._log_tail()
            connection = http.client.HTTPSConnection(self.address, timeout=2, context=self._context)
            try:
                connection.request("GET", f"{PREFIX}/-/ready", headers={"Authorization": f"Basic {login}"})
                return connection.getresponse().status == 200
            except OSError:
                return False
            finally:
                connection.close()

        wait_until(ready, timeout, 0.02, "its readiness")


class GuardedPrometheus(Guarded, Prometheus):
    pass


class GuardedAlertmanager(Guarded, Alertmanager):
    pass


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory, authority):
    made = GuardedPrometheus(tmp_path_factory.mktemp("prometheus"))
    made.guard(authority)
    with made:
        yield made


@pytest.fixture
def source(server, authority, monkeypatch):
    """All that it asks for."""
    monkeypatch.setenv("PASSWORD", PASSWORD)
    certificate, key = authority.issue("console")
    return HttpSource(
        "prometheus",
        server.url,
        timeout=TIMEOUT,
        basic_auth=BasicAuth("team", SecretRef("env", "PASSWORD")),
        tls=TlsFiles(str(authority.ca), str(certificate), str(key)),
        headers=(("X-Scope-OrgID", "payments"),),
        params=(("dedup", "true"),),
    )


def test_a_guarded_prometheus_answers(source):
    prometheus = Source(source, SystemClock(), reveal)
    assert prometheus.read([QUERY])["one"].value == 1
    now = SystemClock().now()
    assert prometheus.read_range([QUERY], now - timedelta(minutes=5), now, 60)["one"].values == (1.0,) * 6
    assert isinstance(prometheus.metrics(), list), "by prometheus-api-client"
    findings = prometheus.probe([QUERY])
    assert [item.ok for item in findings] == [True, True]
    assert f"{PREFIX} answers, version 2." in findings[0].what


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda source: {"basic_auth": None},
            "answers 401: it does not accept the credentials; check whether it wants",
        ),
        (
            lambda source: {"basic_auth": BasicAuth("nobody", SecretRef("env", "PASSWORD"))},
            "answers 401: it does not accept the credentials; check env:PASSWORD",
        ),
        (
            lambda source: {"tls": replace(source.tls, certificate="", key="")},
            "does it want a client certificate of ours",
        ),
        (lambda source: {"tls": replace(source.tls, ca="")}, "its certificate is not trusted"),
        (lambda source: {"tls": None, "url": source.url.replace("https", "http")}, "answers 400"),
        (
            lambda source: {"url": source.url.removesuffix(PREFIX)},
            "answers 404: it knows no such address; check the url",
        ),
    ],
    ids=["no password", "another user", "no certificate", "no authority", "no TLS", "no prefix"],
)
def test_whatever_is_missing_is_named(source, change, said):
    prometheus = Source(replace(source, **change(source)), SystemClock(), reveal)
    for _ in range(10):  # the answer, too, may be overtaken by the end of the connection
        with pytest.raises(SourceError) as caught:
            prometheus.read([QUERY])
        if "cuts the connection" not in str(caught.value):
            break
    found = prometheus.probe([QUERY])
    # The alert that asks for a certificate may be overtaken by the end of the connection.
    assert said in str(caught.value) or ("client certificate" in said and "cuts the connection" in str(caught.value))
    assert not found[0].ok
    assert "canary" not in f"{caught.value} {found}"


def test_a_rotated_password_is_taken_up(server, source, tmp_path):
    path = tmp_path / "password"

    def write(password: str) -> None:
        path.write_text(password)
        path.chmod(0o600)

    write(PASSWORD)
    ref = SecretRef("file", str(path))
    prometheus = Source(replace(source, basic_auth=BasicAuth("team", ref)), SystemClock(), reveal)
    assert prometheus.read([QUERY])["one"].value == 1
    server.admit(ROTATED)
    try:
        with pytest.raises(SourceError, match="does not accept the credentials"):
            prometheus.read([QUERY])
        write(ROTATED)
        assert prometheus.read([QUERY])["one"].value == 1
    finally:
        server.admit(PASSWORD)


def test_its_health_is_asked_with_the_same(source):
    def up(access: HttpSource | None, path: str):
        url = f"{source.url}{path}"
        component = Component("bridge", url, source=access and replace(access, url=url))
        return HealthEndpoints([component], TIMEOUT, SystemClock(), reveal).read().components["bridge"]

    assert up(source, "/-/healthy").value is True
    assert up(None, "/-/healthy").value is False
    there = up(source, "")
    assert there.value is False, "a page that it leads to instead is not what was asked for"
    assert "a redirect to" in there.note


def test_a_guarded_alertmanager_answers(tmp_path, authority, source):
    made = GuardedAlertmanager(tmp_path / "alertmanager")
    made.guard(authority)
    with made:
        alerts = AlertmanagerSource(replace(source, url=made.url), "Watchdog", SystemClock(), reveal)
        assert alerts.read().alerts == ()
        without = AlertmanagerSource(replace(source, url=made.url, basic_auth=None), "Watchdog", SystemClock(), reveal)
        with pytest.raises(SourceError, match="answers 401"):
            without.read()


def test_a_bearer_token_at_a_proxy_with_a_prefix(tmp_path, monkeypatch):
    """A proxy that knows the token, and sends who leaves its prefix out to where they belong."""
    with Prometheus(tmp_path / "prometheus") as behind:
        door = Door({"prometheus": behind.url})

        def guarded(connection) -> None:
            request = connection.request
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                answer(401, f"not {request.headers.get('authorization')}")(connection)
            elif not request.target.startswith("/prometheus/"):
                answer(308, Location=f"/prometheus{request.target}")(connection)
            else:
                door.pass_on(connection)

        door.behave = guarded
        try:
            for url in (door.url_of("prometheus"), door.url_of("").rstrip("/")):
                monkeypatch.setenv("TOKEN", TOKEN)
                ref = SecretRef("env", "TOKEN")
                prometheus = Source(HttpSource("prometheus", url, timeout=TIMEOUT, token=ref), SystemClock(), reveal)
                assert prometheus.read([QUERY])["one"].value == 1
                now = SystemClock().now()
                assert prometheus.read_range([QUERY], now - timedelta(minutes=1), now, 60)["one"].values == (1.0, 1.0)
                assert "up" in prometheus.metrics() or prometheus.metrics() == []
                monkeypatch.setenv("TOKEN", "canary-wrong")
                with pytest.raises(SourceError, match=r"check env:TOKEN: not Bearer \*\*\*"):
                    prometheus.read([QUERY])
            queries = [item for item in door.requests if "/api/v1/query" in item.path]
            assert {item.method for item in queries} == {"POST"}
        finally:
            door.close()
