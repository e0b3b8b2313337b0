"""PagerDuty when it does not answer as it should: one line, in time, nothing sent twice, no key anywhere."""

import logging
import shutil
import ssl
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.pagerduty import PagerDutyApi
from console.model.message import Act
from console.ports import Busy, Rejected, SourceError, Uncertain
from tests.fakes.pagerduty import CANARIES, EVENTS_KEY, TOKEN, FakePagerDuty
from tests.integrations.conftest import MIXED, PLENTY, TIMEOUT, failing
from tests.integrations.fault_server import FaultServer, answer, hang, raw, reset, trickle
from tests.servers import wait_until
from tests.timing import in_time

HEAD = b"HTTP/1.1 200 OK\r\n"


def quick(fake, waits=TIMEOUT):
    """The configuration with a time-out of its own."""
    settings = fake.settings()
    return replace(settings, source=replace(settings.source, timeout=timedelta(seconds=waits)))


FAULTS = {
    "hung": (hang, "no complete answer within 0.4 s"),
    "reset": (reset, "cuts the connection off"),
    "slow body": (trickle(HEAD + b"Content-Length: 99999\r\n\r\n", b" "), "no complete answer within"),
    "headers without end": (trickle(HEAD, b"X-Drop: 1\r\n"), "no complete answer within"),
    "half a JSON": (answer(200, '{"incidents": [{"id"'), "not JSON, or cut off"),
    "cut off": (raw(HEAD + b"Content-Length: 100\r\n\r\n{"), "broke off"),
    "no http": (raw(b"220 mail.example ESMTP\r\n\r\n"), "speaks no HTTP"),
    "no JSON": (answer(200, "<html>log in</html>"), "not PagerDuty's"),
    "null": (answer(200, "null"), "not PagerDuty's"),
    "list": (answer(200, "[]"), "not PagerDuty's"),
    "deep": (answer(200, "[" * 100_000), "not PagerDuty's"),
    "missing keys": (answer(200, {}), "without incident"),
    "wrong types": (answer(200, {"incidents": {"id": 5}, "incident": [1]}), "without"),
    "foreign encoding": (answer(200, b"x", Content_Encoding="br"), "encoding"),
    "401": (answer(401, f"who is {TOKEN}?"), "check env:REST"),
    "403": (answer(403, {"error": {"message": f"no {TOKEN}"}}), "check what env:REST may do"),
    "404": (answer(404, {"error": {"message": "Not Found"}}), "knows no such thing"),
    "400": (answer(400, {"error": {"message": "Bad", "errors": ["worse", None]}}), "Bad, worse"),
    "429": (answer(429, "slow down", Retry_After="9"), "slow down"),
    "500": (answer(500, f"oops {TOKEN}\x1b[2J" + "z" * 100_000), "answers 500"),
    "redirect": (
        answer(302, Location=f"https://u:{TOKEN}@evil.example/?{TOKEN}"),
        "a redirect to https://evil.example; set the final url",
    ),
    "redirect to nowhere": (answer(301), "a redirect to nowhere"),
}


@pytest.mark.parametrize(("behave", "words"), FAULTS.values(), ids=FAULTS)
def test_35_a_fault_is_one_line_in_time(fake, waits, caplog, behave, words):
    caplog.set_level(logging.DEBUG)
    api = PagerDutyApi(quick(fake, waits), SystemClock(), fake.secret)
    acting = PagerDutyApi(quick(fake, max(waits, MIXED)), SystemClock(), fake.secret)  # it looks first, and that works
    incident = fake.open()
    calls = [
        ("GET", api.read),
        ("GET", lambda: api.incident(incident.id)),
        ("GET", lambda: api.acknowledge(incident.id)),
        ("PUT", lambda: acting.acknowledge(incident.id)),
    ]
    if "without" in words:
        calls.pop()  # what a PUT answers is not relied on: the incident is read again
    for method, call in calls:

        def before(method=method):
            fake._rules.clear()
            fake.rule(method, "/incidents.*", instead=behave, times=9)
            fake.requests.clear()
            for one in (api, acting):
                one._wire.gate.__init__(SystemClock())

        found = in_time(3, failing(call), before)
        text = str(found)
        assert text.startswith("pagerduty (http://127.0.0.1:")
        assert text.isprintable()
        assert len(text) < 700
        assert not any(canary in f"{text}{found!r}{api!r}{api._wire!r}" for canary in CANARIES)
        if (method, call) == ("GET", api.read):
            assert words in text
        if method == "PUT":
            assert len(fake.sent("PUT")) == 1, "nothing is sent twice"
            assert isinstance(found, (Uncertain, Rejected, Busy)) or "redirect" in text
        assert fake.requests or isinstance(found, Busy)
    fake._rules.clear()
    for one in (api, acting):
        one._wire.gate.__init__(SystemClock())
    assert acting.read().incidents[0].id == incident.id, "it recovers by itself"
    assert not any(canary in caplog.text for canary in CANARIES)


@pytest.mark.parametrize("location", ["http://localhost:{port}/incidents", "/elsewhere"])
def test_45_a_redirect_is_not_followed(fake, api, location):
    incident = fake.open(key="oncall-1")
    with FakePagerDuty(fake.judge) as other:
        away = answer(307, Location=location.format(port=other.server.port))
        for method, call in (("GET", api.read), ("PUT", lambda: api.resolve(incident.id))):
            fake.rule(method, "/incidents.*", instead=away)
            with pytest.raises(SourceError, match="a redirect to"):
                call()
        fake.rule("POST", "/v2/enqueue", instead=away)
        with pytest.raises(SourceError, match="a redirect to"):
            api.event(Act.RESOLVE, "oncall-1")
        assert not other.requests
    assert not fake.sent("GET", "/elsewhere")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl: apt-get install openssl")
def test_45_a_tls_error_never_falls_back(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=here"
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = FaultServer()
    plain = server._server.get_request
    server._server.get_request = lambda: wrapped(context, *plain())
    try:
        api = PagerDutyApi(settings_at(f"https://127.0.0.1:{server.port}"), SystemClock(), lambda ref: TOKEN)
        with pytest.raises(SourceError, match="its certificate is not trusted"):
            api.read()
        with pytest.raises(SourceError, match="its certificate is not trusted") as caught:
            api.event(Act.RESOLVE, "oncall-1")
        assert not isinstance(caught.value, Uncertain), "it was never sent"
        assert not server.requests
    finally:
        server.close()


def settings_at(url):
    from console.settings.outside import HttpSource, PagerDuty, SecretRef

    source = HttpSource("pagerduty", url, timeout=timedelta(seconds=PLENTY), token=SecretRef("env", "REST"))
    return PagerDuty(source, "ann@example.com", (), url, SecretRef("env", "EVENTS"))


def wrapped(context, sock, address):
    return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address


def test_35_refused_and_unknown_hosts_are_certainly_not_sent():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url, words in (
        (f"http://127.0.0.1:{port}", "refuses the connection"),
        ("http://no.invalid", "does not resolve"),
    ):
        api = PagerDutyApi(settings_at(url), SystemClock(), lambda ref: EVENTS_KEY)
        with pytest.raises(SourceError, match=words) as caught:
            api.event(Act.RESOLVE, "oncall-1")
        assert not isinstance(caught.value, Uncertain)
        with pytest.raises(SourceError, match=words):
            api.read()


def test_35_requests_that_were_given_up_end(fake):
    api = PagerDutyApi(quick(fake, MIXED), SystemClock(), fake.secret)  # it is to recover
    fake.rule("GET", "/incidents", instead=trickle(HEAD + b"X-Drop: ", b"x"), times=3)
    for _ in range(3):
        with pytest.raises(SourceError, match=r"no complete answer within 1\.5 s"):
            api.read()
    wait_until(lambda: not requests_under_way(), what="the requests end")
    assert api.read().incidents == ()


def test_35_requests_that_cannot_be_ended_do_not_pile_up(monkeypatch):
    import socket

    settings = settings_at("http://hangs.invalid")
    settings = replace(settings, source=replace(settings.source, timeout=timedelta(seconds=0.01)))
    go_on = threading.Event()

    def hanging(*_, **__):
        go_on.wait(30)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    api, texts = PagerDutyApi(settings, SystemClock(), lambda ref: TOKEN), []
    for _ in range(13):
        with pytest.raises(SourceError) as caught:
            api.read()
        texts.append(str(caught.value))
    assert "not asked: 12 earlier requests still hang" in texts[12]
    assert all("no complete answer" in text for text in texts[:12])
    go_on.set()
    wait_until(lambda: not requests_under_way(), what="the requests end")
    with pytest.raises(SourceError, match="does not resolve"):
        api.read()


def requests_under_way():
    return [thread for thread in threading.enumerate() if thread.name == "http pagerduty"]


def test_42_a_key_that_cannot_be_had_is_one_line_without_its_words(fake):
    def broken(ref):
        raise RuntimeError(f"nobody may read {TOKEN}")

    api = PagerDutyApi(fake.settings(), SystemClock(), broken)
    for call in (api.read, lambda: api.event(Act.RESOLVE, "oncall-1"), lambda: api.resolve("P1")):
        with pytest.raises(SourceError, match=r"env:\w+ cannot be read \(RuntimeError\)") as caught:
            call()
        assert TOKEN not in str(caught.value)
    for bad in ("", "two\nlines", "é"):
        api = PagerDutyApi(fake.settings(), SystemClock(), lambda ref, bad=bad: bad)
        with pytest.raises(SourceError, match="is empty, or holds what no header can carry"):
            api.read()
    assert not fake.requests


def test_43_a_rotated_key_is_taken_up_and_netrc_is_not(fake, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    keys = iter(["stale-canary-key", TOKEN, TOKEN, TOKEN])
    api = PagerDutyApi(fake.settings(), SystemClock(), lambda ref: next(keys))
    with pytest.raises(Rejected, match="check env:REST"):
        api.read()
    assert api.read().incidents == ()
    assert {one.headers["authorization"] for one in fake.requests} == {
        "Token token=stale-canary-key",
        f"Token token={TOKEN}",
    }


def test_43_a_proxy_of_the_environment_is_used(monkeypatch):
    proxy = FaultServer()
    try:
        proxy.behave = answer(503)
        monkeypatch.setenv("http_proxy", proxy.url)
        api = PagerDutyApi(settings_at("http://pagerduty.invalid"), SystemClock(), lambda ref: TOKEN)
        with pytest.raises(SourceError, match="answers 503"):
            api.read()
        assert proxy.requests[0].target.startswith("http://pagerduty.invalid/incidents?")
    finally:
        proxy.close()
