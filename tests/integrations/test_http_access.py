"""What lets us in: credentials, certificates, headers and parameters; who gets them, and who never does."""

from __future__ import annotations

import logging
import os
import ssl
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from console.bootstrap.outside import reveal
from console.integrations.http import Http, Redirected, Unanswered, act
from console.integrations.http.client import client
from console.integrations.prometheus.probe import metric_names
from console.ports import Rejected
from console.settings.outside import BasicAuth, HttpSource, SecretRef, TlsFiles
from tests.fakes.authority import Authority
from tests.integrations.conftest import CANARY
from tests.integrations.fault_server import FaultServer, answer

LONG = timedelta(seconds=20)
"""For servers that answer at once: no test waits for it."""
PASSWORD, HEADER, PASSPHRASE = "canary-password-1", "canary-header-2", "canary-passphrase-3"
BLOB = b64encode(f"team:{PASSWORD}".encode()).decode()
CANARIES = (CANARY, PASSWORD, HEADER, PASSPHRASE, BLOB)


@pytest.fixture(autouse=True)
def secrets(monkeypatch, caplog):
    """In the environment; none of them is ever logged."""
    values = {"TOKEN": CANARY, "PASSWORD": PASSWORD, "HEADER": HEADER, "PASSPHRASE": PASSPHRASE}
    for name, text in values.items():
        monkeypatch.setenv(name, text)
    with caplog.at_level(logging.DEBUG):
        yield
    assert not [canary for canary in CANARIES if canary in caplog.text]


def env(name: str) -> SecretRef:
    return SecretRef("env", name)


@pytest.fixture
def source(server) -> HttpSource:
    """As `source` of the others, without a token, and with the patience of somebody who measures nothing."""
    return HttpSource("probe", server.url, timeout=LONG)


EVERYTHING = {
    "basic_auth": BasicAuth("team", env("PASSWORD")),
    "headers": (("X-Scope-OrgID", "a|b"), ("X-Api-Key", env("HEADER"))),
    "params": (("dedup", "true"), ("partial_response", "false")),
}


def refused(http: Http, *arguments, **options) -> str:
    with pytest.raises(Unanswered) as caught:
        http.ask(*(arguments or ("GET", "api")), **options)
    said = str(caught.value)
    assert not [canary for canary in CANARIES if canary in said + repr(caught.value)]
    assert said.isprintable()
    return said


# --- what is sent ---


def test_everything_that_is_configured_is_sent_with_each_request(server, source, clock):
    http = Http(replace(source, **EVERYTHING), clock, reveal)
    http.ask("POST", "api/v1/query", form={"query": "up"})
    http.ask("GET", "api/v2/alerts", params={"active": "true", "dedup": "false"})
    for request in server.requests:
        assert request.headers["authorization"] == f"Basic {BLOB}"
        assert (request.headers["x-scope-orgid"], request.headers["x-api-key"]) == ("a|b", HEADER)
    post, get = server.requests
    assert (post.method, post.path, post.form) == ("POST", "/api/v1/query", {"query": "up"})
    assert post.params == {"dedup": "true", "partial_response": "false"}
    assert get.params == {"dedup": "false", "partial_response": "false", "active": "true"}, "a request's own go first"


def test_nothing_shows_a_secret(server, source, clock):
    server.behave = answer(500, f"you said {PASSWORD} {BLOB} {HEADER}")
    http = Http(replace(source, **EVERYTHING), clock, reveal)
    said = str(http.refusal(http.ask("GET")))
    assert "you said *** *** ***" in said
    shown = repr((http, http.source, vars(http)["_access"]))
    assert not [canary for canary in CANARIES if canary in said + shown]
    assert http.source.manner == (
        "basic auth; headers X-Scope-OrgID, X-Api-Key (secret); parameters dedup, partial_response"
    )


def test_without_a_resolver_nothing_secret_is_sent(server, source, clock):
    Http(replace(source, token=env("TOKEN"), **EVERYTHING), clock).ask("GET")
    assert {"authorization", "x-api-key"}.isdisjoint(server.requests[0].headers)
    assert server.requests[0].headers["x-scope-orgid"] == "a|b"


def test_a_token_file_is_read_for_each_request(server, source, clock, tmp_path):
    path = tmp_path / "token"
    http = Http(replace(source, token=SecretRef("file", str(path))), clock, reveal)
    for text in (CANARY, "canary-rotated"):
        path.write_text(f"{text}\n")
        path.chmod(0o600)
        assert http.ask("GET").good
    assert [request.headers["authorization"] for request in server.requests] == [
        f"Bearer {CANARY}",
        "Bearer canary-rotated",
    ]
    server.behave = answer(403, f"not {CANARY} and not canary-rotated")
    said = str(http.refusal(http.ask("GET")))
    assert f"what file:{path} may do there" in said
    assert said.endswith("not *** and not ***"), "the one before is masked too"

    path.chmod(0o644)
    ref = f"the token file:{path} cannot be read"
    assert f"{ref}: found mode 0644, expected 0600: others must not reach it (chmod 600)" in refused(http)
    path.unlink()
    assert f"{ref}: found a file that cannot be read (No such file or directory)" in refused(http)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("access", "said"),
    [
        ({"basic_auth": BasicAuth("team", env("GONE"))}, "the password env:GONE cannot be read: the variable is not"),
        ({"headers": (("X-Api-Key", env("GONE")),)}, "the header X-Api-Key env:GONE cannot be read: the variable"),
    ],
)
def test_a_secret_that_is_not_there(server, source, clock, access, said):
    assert said in refused(Http(replace(source, **access), clock, reveal))
    assert not server.requests


@pytest.mark.parametrize(
    ("access", "advice"),
    [
        ({}, "check whether it wants any"),
        (EVERYTHING, "check env:PASSWORD and env:HEADER"),
        ({"token": env("TOKEN")}, "check env:TOKEN"),
    ],
)
def test_a_401_says_where_to_look(server, source, clock, access, advice):
    server.behave = answer(401)
    http = Http(replace(source, **access), clock, reveal)
    assert f"does not accept the credentials; {advice}" in str(http.refusal(http.ask("GET")))


def test_the_metric_names_are_asked_for_with_the_same(server, source, clock):
    server.behave = answer(200, {"status": "success", "data": ["up", "down"]})
    http = Http(replace(source, url=f"{server.url}/select/0/prometheus", **EVERYTHING), clock, reveal)
    assert metric_names(http) == ["up", "down"]
    (request,) = server.requests
    assert request.path == "/select/0/prometheus/api/v1/label/__name__/values"
    assert request.params == {"dedup": "true", "partial_response": "false"}
    assert (request.headers["authorization"], request.headers["x-api-key"]) == (f"Basic {BLOB}", HEADER)
    server.behave = answer(403, f"not {PASSWORD}")
    with pytest.raises(Unanswered, match="does not list its metrics") as caught:
        metric_names(http)
    assert PASSWORD not in str(caught.value)


# --- redirects ---


@pytest.fixture
def other():
    """Another origin: a server on another port of the same host."""
    running = FaultServer()
    yield running
    running.close()


def onward(status: int, location: str, at: str = "/api"):
    """Sends whoever asks for `at` to `location`, and answers all others."""

    def behave(connection):
        found = answer(status, Location=location) if connection.request.path == at else answer(200, b"there")
        found(connection)

    return behave


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("target", ["/api/?a=1", "/prometheus/api?a=1", "{self}/prometheus/api?a=1"])
def test_a_redirect_to_the_same_thing_on_the_same_server_is_followed(server, source, clock, status, target):
    server.behave = onward(status, target.replace("{self}", server.url))
    http = Http(replace(source, token=env("TOKEN")), clock, reveal)
    assert http.ask("GET", "api", params={"a": "1"}).body == b"there"
    assert [request.params for request in server.requests] == [{"a": "1"}] * 2
    assert server.requests[1].headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("status", [307, 308])
def test_a_post_stays_one(server, source, clock, status):
    server.behave = onward(status, "/prometheus/api?dedup=true")
    http = Http(replace(source, params=(("dedup", "true"),)), clock, reveal)
    assert http.ask("POST", "api", form={"query": "up"}).good
    assert [(item.method, item.form, item.params) for item in server.requests] == [
        ("POST", {"query": "up"}, {"dedup": "true"})
    ] * 2


@pytest.mark.parametrize(
    ("method", "status", "location", "todo"),
    [
        ("GET", 302, "/login", "/login; set the final url"),
        ("GET", 302, "/apiary", "/apiary; set the final url"),
        ("GET", 302, "/api/?b=2", "/api; set the final url"),
        ("GET", 303, "/api/", "/api; set the final url"),
        ("POST", 302, "/api/", "/api; set the final url"),
        ("GET", 301, "//user:x@{host}/api/", "/api; set the final url"),
        ("GET", 301, "https://{host}/api", "/api; write https in its url: until then the credentials go over plain"),
        ("GET", 307, "/api", "/api; it is the redirect number 4"),
    ],
)
def test_a_redirect_to_anything_else_is_not(server, source, clock, method, status, location, todo):
    server.behave = onward(status, location.replace("{host}", f"127.0.0.1:{server.port}"))
    http = Http(replace(source, token=env("TOKEN")), clock, reveal)
    said = refused(http, method, "api")
    assert f"answers {status}, a redirect to http" in said
    assert todo in said
    assert len(server.requests) == (4 if "number 4" in todo else 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_other_server_hears_of_us(server, other, source, clock, method, status):
    """Neither the host that is redirected to, nor the one after a redirect that was followed."""
    access = {**EVERYTHING, "basic_auth": None, "token": env("TOKEN")}
    http = Http(replace(source, **access), clock, reveal)
    for target in (f"{other.url}/api", f"http://localhost:{server.port}/api", f"//127.0.0.1:{other.port}/api"):
        server.behave = onward(status, target)
        assert "set the final url" in refused(http, method, "api")

        def behave(connection, target=target):
            last = connection.request.path == "/p/api"
            answer(307, Location=target if last else f"/p{connection.request.target}")(connection)

        server.behave = behave
        assert "set the final url" in refused(http, method, "api")
    assert other.requests == []
    assert len(server.requests) == 9


def test_a_redirect_that_is_not_followed_has_changed_nothing(server, source, clock):
    server.behave = answer(302, Location="/login")
    with pytest.raises(Redirected) as caught:
        act(Http(source, clock), "POST", json={})
    assert (caught.value.status, caught.value.sent) == (302, False)


# --- TLS ---


class Secured(FaultServer):
    """Speaks TLS; exchange `context` at any time. `clients` are the names in the certificates that were shown."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self.context, self.clients = context, []
        self._server.get_request = self._accept

        def behave(connection):
            shown = connection.sock.getpeercert() or {}
            self.clients += [text for part in shown.get("subject", ()) for name, text in part if name == "commonName"]
            answer(200, b"secured")(connection)

        self.behave = behave

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def _accept(self):
        accepted, address = self._server.socket.accept()
        accepted.settimeout(5)
        return self.context.wrap_socket(accepted, server_side=True), address


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secured(authority):
    running = Secured(authority.serving(clients=True))
    yield running
    running.close()


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("console")


@pytest.fixture
def files(authority, pair, tmp_path):
    """The files of a source, each its own to break."""
    found = {"ca": authority.ca, "certificate": pair[0], "key": pair[1]}
    for name, path in found.items():
        write(tmp_path / name, path.read_bytes())
    return TlsFiles(*(str(tmp_path / name) for name in found))


def write(path, data: bytes, mode: int = 0o600) -> None:
    """In one step, as a certificate is rotated."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(data)
    new.chmod(mode)
    new.replace(path)


def through(secured, clock, files) -> Http:
    return Http(HttpSource("probe", secured.url, timeout=LONG, tls=files, token=env("TOKEN")), clock, reveal)


def test_a_client_certificate_and_an_authority_of_ones_own(secured, clock, files):
    http = through(secured, clock, files)
    assert http.ask("GET").body == b"secured"
    made = client(files, reveal)
    assert http.ask("GET").good
    assert client(files, reveal) is made, "the files are loaded once"
    assert secured.clients == ["console", "console"]
    assert http.source.manner == "bearer token; client certificate; a CA of its own"


def test_certificate_and_key_in_one_file(secured, clock, files, pair, tmp_path):
    write(tmp_path / "both", pair[0].read_bytes() + pair[1].read_bytes())
    assert through(secured, clock, replace(files, certificate=str(tmp_path / "both"), key="")).ask("GET").good


def test_a_key_with_a_password(secured, clock, files, authority, tmp_path):
    certificate, key = authority.issue("locked", PASSPHRASE)
    locked = TlsFiles(str(authority.ca), str(certificate), str(key), env("PASSPHRASE"))
    assert through(secured, clock, locked).ask("GET").good
    assert secured.clients == ["locked"]
    assert "a key with a password, expected key_password" in refused(
        through(secured, clock, replace(locked, key_password=None))
    )
    wrong = replace(locked, key_password=env("HEADER"))
    assert "a key that key_password does not open" in refused(through(secured, clock, wrong))
    assert "env:GONE: the variable is not set" in refused(
        through(secured, clock, replace(locked, key_password=env("GONE")))
    )


def test_a_rotated_certificate_is_taken_up(secured, clock, files, authority, tmp_path):
    http = through(secured, clock, files)
    assert http.ask("GET").good
    certificate, key = authority.issue("rotated")
    write(tmp_path / "certificate", certificate.read_bytes())
    assert f"key_file {files.key}: found a key of another certificate than {files.certificate}" in refused(http)
    write(tmp_path / "key", key.read_bytes())
    assert http.ask("GET").good
    assert secured.clients == ["console", "rotated"]


def test_a_rotated_authority_is_taken_up(secured, clock, files, tmp_path):
    http = through(secured, clock, files)
    assert http.ask("GET").good
    new = Authority(tmp_path / "new", "new")
    secured.context = new.serving()
    assert "its certificate is not trusted" in (said := refused(http))
    assert said.endswith("; check ca_file")
    write(tmp_path / "ca", new.ca.read_bytes())
    assert http.ask("GET").good


def test_the_systems_authorities_do_not_know_it(secured, clock, files):
    said = refused(through(secured, clock, replace(files, ca="")))
    assert "its certificate is not trusted" in said
    assert said.endswith("; check ca_file, or SSL_CERT_FILE")


def test_a_server_that_wants_a_certificate(secured, clock, files):
    said = refused(through(secured, clock, TlsFiles(files.ca)))
    # The alert may be overtaken by the end of the connection.
    assert "does it want a client certificate of ours?" in said or "cuts the connection off" in said


def test_a_certificate_that_the_server_does_not_trust(secured, clock, files, tmp_path):
    certificate, key = Authority(tmp_path / "stranger", "stranger").issue("console")
    said = refused(through(secured, clock, replace(files, certificate=str(certificate), key=str(key))))
    assert "does not accept our client certificate" in said or "cuts the connection off" in said
    assert secured.clients == []


BROKEN = {
    "no ca": ("ca", None, "ca_file {}: found a file that cannot be read (No such file or directory)"),
    "no certificate": ("certificate", None, "cert_file {}: found a file that cannot be read (No such file"),
    "no key": ("key", None, "key_file {}: found a file that cannot be read (No such file or directory)"),
    "an empty ca": ("ca", b"", "ca_file {}: found no certificate, expected one in PEM"),
    "a ca that is none": (
        "ca",
        b"-----BEGIN CERTIFICATE-----\n%s\n",
        "ca_file {}: found something that cannot be read",
    ),
    "a ca that is binary": ("ca", b"\xff\x00%s", "ca_file {}: found no certificate, expected one in PEM"),
    "a certificate that is none": ("certificate", b"%s", "cert_file {}: found no certificate, expected one in PEM"),
    "half a certificate": (
        "certificate",
        b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n",
        "key_file {key}: found something that cannot be read, expected a certificate and its key in PEM",
    ),
    "a key that is none": ("key", b"%s", "key_file {}: found no private key, expected one in PEM"),
    "half a key": (
        "key",
        b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n",
        "key_file {}: found something that cannot be read, expected a certificate and its key in PEM",
    ),
    "too much": ("ca", b"%s" * 300_000, "ca_file {}: found more than 4194304 bytes"),
}


@pytest.mark.parametrize(("name", "data", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_one_line_and_sends_nothing(secured, clock, files, tmp_path, name, data, said):
    path = tmp_path / name
    if data is None:
        path.unlink()
    else:
        write(path, data.replace(b"%s", CANARY.encode()))
    assert said.format(path, key=files.key) in refused(through(secured, clock, files))
    assert not secured.requests


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_that_others_read(secured, clock, files, mode, tmp_path):
    os.chmod(files.key, mode)
    expected = f"key_file {files.key}: found mode {mode:04o}, expected 0600: others must not reach it (chmod 600)"
    assert expected in refused(through(secured, clock, files))
    os.chmod(files.key, 0o600)
    os.chmod(files.certificate, 0o644)
    assert through(secured, clock, files).ask("GET").good, "a certificate is no secret"


def test_a_pipe_in_the_place_of_a_file_hangs_nobody(secured, clock, files):
    os.unlink(files.key)
    os.mkfifo(files.key, 0o600)
    assert f"key_file {files.key}: found something that is no regular file" in refused(through(secured, clock, files))


def test_a_change_that_cannot_be_sent_is_not_taken_for_sent(secured, clock, files):
    os.unlink(files.key)
    with pytest.raises(Unanswered) as caught:
        act(through(secured, clock, files), "POST", json={})
    assert not isinstance(caught.value, Rejected)
    assert caught.value.sent is False
