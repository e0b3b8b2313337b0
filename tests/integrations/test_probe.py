"""Health probes against a server that does whatever it wants."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.probe import LIMIT, HttpProbes
from console.model.playbook import Probe
from console.model.reading import ReadingState
from tests.integrations.conftest import CANARY, TIMEOUT
from tests.integrations.fault_server import FaultServer, answer, hang, raw, reset, trickle

SHORT = timedelta(seconds=TIMEOUT)


@pytest.fixture
def probes(clock: SystemClock) -> HttpProbes:
    return HttpProbes(clock)


@pytest.fixture
def probe(server: FaultServer, waits: float) -> Probe:
    return Probe(f"{server.url}/health", timeout=timedelta(seconds=waits))


@pytest.mark.parametrize(
    ("behaviour", "wanted", "value"),
    [
        (answer(200, "ready"), {}, 1.0),
        (answer(204), {}, 0.0),
        (answer(204), {"status": (200, 204)}, 1.0),
        (answer(503, "ready"), {"contains": "ready"}, 0.0),
        (answer(200, "not yet"), {"contains": "ready"}, 0.0),
        (answer(200, "all is ready now"), {"contains": "ready"}, 1.0),
        (answer(200, gzip.compress(b"ready"), Content_Encoding="gzip"), {"contains": "ready"}, 1.0),
        (answer(200, "zweites Gerät bereit"), {"contains": "Gerät"}, 1.0),
        (answer(302, Location="http://127.0.0.1:1/elsewhere"), {}, 0.0),
        (answer(301, Location="http://127.0.0.1:1/elsewhere"), {"status": (301,)}, 1.0),
    ],
)
def test_the_answer_decides(server, probes, probe, behaviour, wanted, value):
    server.behave = behaviour
    reading = probes.read(replace(probe, **wanted))
    assert (reading.state, reading.value) == (ReadingState.OK, value)
    assert reading.at is not None
    assert len(server.requests) == 1, "a redirect is not followed"


def test_none_is_waited_for_longer_than_the_reader_would_let_it(probes, probe):
    """A run that was started before has its playbook of then."""
    assert probes._server(replace(probe, timeout=timedelta(hours=1))).source.timeout == timedelta(seconds=30)
    assert probes._server(replace(probe, timeout=SHORT)).source.timeout == SHORT


def test_head_has_no_body_whatever_its_headers_say(server, probes, probe):
    server.behave = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\nContent-Encoding: gzip\r\n\r\n")
    assert probes.read(replace(probe, method="HEAD")).value == 1.0
    assert server.requests[0].method == "HEAD"


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        reset,
        raw(b""),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
        trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"."),
        answer(200, b"x" * (LIMIT + 1)),
        answer(200, gzip.compress(b"\0" * (50 * LIMIT)), Content_Encoding="gzip"),
        answer(200, b"x", Content_Encoding="br"),
    ],
)
def test_48_without_an_answer_nothing_is_known(server, probes, probe, behaviour):
    server.behave = behaviour
    reading = probes.read(probe)
    assert (reading.state, reading.value) == (ReadingState.UNREACHABLE, None)
    assert "\n" not in reading.note
    assert "127.0.0.1" in reading.note


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http:///x",
        "",
        f"http://operator:{CANARY}@127.0.0.1:1/health",
        "http://127.0.0.1:1/\r\nX-Injected: 1",
        "http://127.0.0.1:1/health",
    ],
)
def test_what_cannot_be_asked_raises_nothing(probes, url):
    reading = probes.read(Probe(url, timeout=SHORT))
    assert reading.state is ReadingState.UNREACHABLE
    assert "\n" not in reading.note
    assert CANARY not in reading.note


def test_only_what_changes_nothing_is_asked(server, probes, probe):
    for method in ("POST", "DELETE", "PUT", "get", "CONNECT"):
        assert probes.read(replace(probe, method=method)).state is ReadingState.UNREACHABLE
    assert server.requests == []


def test_43_nothing_is_given_away(server, probes, probe, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login operator password {CANARY}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("PROBE_TOKEN", CANARY)
    server.behave = answer(200, "ready", Set_Cookie=f"session={CANARY}")
    url = f"{probe.url}?token={CANARY}"
    readings = [probes.read(replace(probe, url=url)) for _ in range(2)]
    assert [reading.value for reading in readings] == [1.0, 1.0]
    for request in server.requests:
        assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(request.headers)
        assert CANARY not in "".join(request.headers.values())
    assert all(CANARY not in reading.note for reading in readings)


def test_a_server_s_own_words_are_harmless(server, probes, probe):
    server.behave = answer(500, "\x1b]52;c;x\x07" * 10)
    assert "\x1b" not in probes.read(probe).note
