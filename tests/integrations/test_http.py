"""The way out: every fault becomes one line, in time, without a secret."""

import gzip
import logging
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from console.integrations.http import Http, Unanswered, display, network
from console.integrations.http.client import client
from console.settings.config import HttpSource
from tests.integrations.conftest import CANARY, PLENTY, TIMEOUT, failing, gives_up
from tests.integrations.fault_server import answer, hang, raw, reset, trickle
from tests.timing import in_time

HEAD = b"HTTP/1.1 200 OK\r\n"


def zipped(data: bytes):
    return answer(200, gzip.compress(data), Content_Encoding="gzip")


FAULTS = {
    "hung": (hang, "no complete answer within 0.4 s"),
    "reset": (reset, "cuts the connection off"),
    "closed": (raw(b""), "broke off"),
    "no http": (raw(b"220 mail.example ESMTP\r\n\r\n"), "speaks no HTTP"),
    "headers without end": (trickle(HEAD, b"X-Drop: 1\r\n"), "no complete answer within"),
    "body without end": (trickle(HEAD + b"Content-Length: 99999\r\n\r\n", b"x"), "no complete answer within"),
    "chunks without end": (trickle(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "no complete answer"),
    "half a body": (raw(HEAD + b'Content-Length: 100\r\n\r\n{"a"'), "broke off"),
    "half a gzip": (answer(200, gzip.compress(b"x" * 999)[:-9], Content_Encoding="gzip"), "broke off"),
    "no gzip": (answer(200, b"plain", Content_Encoding="gzip"), "damaged compression"),
    "foreign encoding": (answer(200, b"x", Content_Encoding="br"), "encoding"),
    "too large": (answer(200, b"x" * 70_000), "more than 64 KiB"),
    "gzip bomb": (zipped(b"\0" * 50_000_000), "more than 64 KiB"),
    "redirect": (
        answer(302, Location=f"https://user:{CANARY}@evil.example/login?token={CANARY}"),
        "answers 302, a redirect to https://evil.example/login; set the final url",
    ),
    "redirect to nowhere": (answer(301), "a redirect to nowhere"),
    "redirect to nonsense": (answer(302, Location="http://[:::"), "broke off"),
}


@pytest.mark.parametrize(("behave", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_line_in_time(server, source, clock, token, behave, words):
    server.behave = behave
    http = Http(source, clock, token, limit=65_536)
    found = in_time(TIMEOUT + 0.6, failing(lambda: http.ask("GET", "x", params={"secret": CANARY}), Unanswered))
    assert words in str(found)
    assert_clean(str(found), server)
    assert str(found).startswith(f"probe ({server.url}): {found.reason[:20]}")


def assert_clean(text, server):
    assert CANARY not in text
    assert text.isprintable()
    assert len(text) < 700


def test_refused(source, clock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unanswered, match="refuses the connection"):
        Http(replace(source, url=f"http://127.0.0.1:{port}"), clock).ask("GET")


def test_unknown_host(source, clock):
    http = Http(replace(source, url="http://no-such-host.invalid", timeout=timedelta(seconds=5)), clock)
    with pytest.raises(Unanswered, match=r"does not resolve|no complete answer"):
        http.ask("GET")


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http://x:0/", "http://x:99999", "http://[", "", "x", "http://a:b@c"]
)
def test_an_address_that_cannot_be_one(source, clock, url):
    with pytest.raises(Unanswered, match="needs an http or https url"):
        Http(replace(source, url=url), clock).ask("GET", "x")


def test_plain_http_where_tls_was_expected(server, source, clock):
    server.behave = answer(200)
    with pytest.raises(Unanswered, match="no TLS connection"):
        Http(replace(source, url=server.url.replace("http", "https")), clock).ask("GET")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl: apt-get install openssl")
def test_a_certificate_that_nobody_signed(tmp_path, source, clock):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=here".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            accepted, _ = listening.accept()
            try:
                context.wrap_socket(accepted, server_side=True).close()
            except OSError:
                accepted.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(Unanswered, match=r"certificate is not trusted .*self.signed"):
            Http(replace(source, url=f"https://127.0.0.1:{listening.getsockname()[1]}"), clock).ask("GET")
        thread.join()


def test_without_tls_no_authority_is_read_and_none_is_trusted(monkeypatch):
    assert client(url="http://here") is client(url="http://there") is not client(url="https://here")
    assert client(url="https://here") is client()
    assert (context := network.trust(nobody=True)).verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509"] == 0 < network.trust().cert_store_stats()["x509"]
    monkeypatch.setenv("http_proxy", "https://proxy.invalid")
    assert client(url="http://here") is client(), "the proxy speaks TLS"


def test_the_token_goes_as_a_header_and_is_asked_for_each_time(server, source, clock):
    tokens = iter(["first", "second"])
    http = Http(replace(source, headers=(("X-Scope-OrgID", "team-a"),)), clock, lambda ref: next(tokens) + "\n")
    assert http.ask("GET", "a").good
    assert http.ask("GET", "b").good
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer first", "Bearer second"]
    assert {request.headers["x-scope-orgid"] for request in server.requests} == {"team-a"}


@pytest.mark.parametrize("secret", ["", "  ", "two\nlines", "caf\u00e9", "a\x00b"])
def test_a_token_that_no_header_can_carry(server, source, clock, secret):
    with pytest.raises(Unanswered, match="the token env:PROBE_TOKEN is empty, or holds") as caught:
        Http(source, clock, lambda ref: secret).ask("GET")
    assert "two" not in str(caught.value)
    assert not server.requests


def test_a_token_that_cannot_be_read(server, source, clock):
    def token(ref):
        raise OSError(f"permission denied: {CANARY}")

    with pytest.raises(Unanswered, match=r"the token env:PROBE_TOKEN cannot be read \(OSError\)"):
        Http(source, clock, token).ask("GET")
    assert not server.requests


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not accept the credentials; check env:PROBE_TOKEN"),
        (403, "forbids that; check what env:PROBE_TOKEN may do there"),
        (404, "knows no such address"),
        (429, "asks us to slow down, for 7 s"),
        (500, "answers 500: "),
    ],
)
def test_a_refusal_quotes_the_server_but_never_our_token(server, source, clock, token, status, words):
    words_of_server = f"<b>\x1b]52;c;x\x07 bad\u202e token \n{CANARY}\n" + "y" * 100_000
    server.behave = answer(status, words_of_server, Retry_After="7")
    http = Http(source, clock, token)
    error = http.refusal(http.ask("GET"))
    assert words in str(error)
    assert "token ***" in str(error)
    assert_clean(str(error), server)


def test_fixed_headers_are_masked_too(server, source, clock):
    server.behave = answer(500, f"no such key {CANARY}")
    http = Http(replace(source, headers=(("X-Api-Key", CANARY),)), clock)
    assert CANARY not in str(http.refusal(http.ask("GET")))


def test_closing_ends_what_is_under_way_at_once(server, source, clock):
    arrived = threading.Event()

    def behave(connection):
        arrived.set()
        hang(connection)

    def closing():
        arrived.clear()
        http = Http(replace(source, timeout=timedelta(seconds=60)), clock)
        pending = http.start("GET")
        assert arrived.wait(PLENTY)
        began = time.monotonic()
        http.close()
        with pytest.raises(Unanswered, match="the console is closing"):
            pending.result()
        with pytest.raises(Unanswered, match="the console is closing"):
            http.ask("GET")
        return time.monotonic() - began

    server.behave = behave
    assert min(closing() for _ in range(3)) < 1


@gives_up
def test_an_abandoned_request_does_not_stay(server, source, clock):
    server.behave = trickle(HEAD, b"X-Drop: 1\r\n")
    with pytest.raises(Unanswered):
        Http(source, clock).ask("GET")
    for thread in threading.enumerate():
        if thread.name == "http probe":
            thread.join(PLENTY)
            assert not thread.is_alive()


def test_requests_that_hang_are_not_piled_up(source, clock):
    release = threading.Event()

    def token(ref):
        release.wait()
        return "x"

    http = Http(replace(source, timeout=timedelta(seconds=0.01)), clock, token)
    try:
        errors = []
        for _ in range(15):
            with pytest.raises(Unanswered) as caught:
                http.ask("GET")
            errors.append(str(caught.value))
        assert "12 earlier requests still hang" in errors[-1]
        assert "no complete answer" in errors[0]
    finally:
        release.set()


def test_gzip_is_taken(server, source, clock):
    server.behave = zipped(b"hello " * 1000)
    assert Http(source, clock).ask("GET").body == b"hello " * 1000


def test_no_cookie_is_kept(server, source, clock):
    server.behave = answer(200, Set_Cookie="session=1; Path=/")
    http = Http(source, clock)
    http.ask("GET")
    http.ask("GET")
    assert "cookie" not in server.requests[-1].headers


@pytest.mark.parametrize(("offset", "expected"), [(0, 0), (120, 120), (-3600, -3600)])
def test_skew_from_the_date_header(server, source, clock, offset, expected):
    def behave(connection):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=offset), usegmt=True)
        answer(200, Date=date)(connection)

    server.behave = behave
    assert Http(source, clock).ask("GET").skew.total_seconds() == pytest.approx(expected, abs=1.5 if expected else 0)


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Nov 2026 00:00:00 GMT", "Fri, 21 Nov 2026 07:00:00"])
def test_a_date_that_is_none_makes_no_skew(server, source, clock, date):
    server.behave = answer(200, Date=date)
    assert Http(source, clock).ask("GET").skew == timedelta(0)


def test_nothing_is_logged(server, source, clock, token, caplog):
    with caplog.at_level(logging.DEBUG):
        Http(source, clock, token).ask("GET", "x", params={"query": CANARY})
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@h:9/a/?q=1#f", "http://h:9/a"),
        ("https://[::1]:9090/", "https://[::1]:9090"),
        ("http://h:bad/", "(no address)"),
        ("http://h/\x1b[2J", "http://h/\ufffd[2J"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url, shown):
    assert display(url) == shown


def test_a_path_prefix_is_kept_and_a_whole_address_is_left_alone(server, source, clock):
    Http(replace(source, url=server.url + "/prometheus/"), clock).ask("GET", "api/v1/query")
    Http(replace(source, url=server.url + "/health?deep=1"), clock).ask("GET")
    assert [request.target for request in server.requests] == ["/prometheus/api/v1/query", "/health?deep=1"]


def test_importing_the_integrations_loads_no_http_library():
    code = (
        "import sys, console.integrations.prometheus, console.integrations.alertmanager, console.integrations.health\n"
        "heavy = {'httpx', 'httpcore', 'requests', 'prometheus_api_client', 'email.utils'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_source_is_made_without_touching_the_network(clock):
    assert Http(HttpSource("x", "http://192.0.2.1"), clock).where == "http://192.0.2.1"
