"""Health endpoints: up, or down with the reason, never later than the timeout."""

import socket
from datetime import timedelta

import pytest

from console.integrations.health import HealthEndpoints
from console.model.reading import ReadingState
from console.settings.config import Component
from tests.integrations.conftest import CANARY, MIXED, TIMEOUT, gives_up_one
from tests.integrations.fault_server import answer, hang, raw, reset, trickle
from tests.timing import in_time

HEAD = b"HTTP/1.1 200 OK\r\n"
DOWN = {
    "500": (answer(500, f"oops {CANARY}"), "answers 500"),
    "503": (answer(503), "answers 503"),
    "404": (answer(404), "answers 404"),
    "401": (answer(401), "answers 401"),
    "429": (answer(429), "answers 429"),
    "redirect": (answer(302, Location=f"https://login.example/?k={CANARY}"), "a redirect to https://login.example"),
    "hung": (hang, "no complete answer within 0.4 s"),
    "reset": (reset, "cuts the connection off"),
    "slow body": (trickle(HEAD + b"Content-Length: 99999\r\n\r\n", b"x"), "no complete answer"),
    "half a body": (raw(HEAD + b"Content-Length: 100\r\n\r\nok"), "broke off"),
    "no http": (raw(b"\x1b[2Jhello\r\n\r\n"), "speaks no HTTP"),
}


def endpoints(clock, waits, *urls):
    components = [Component(f"c{number}", url) for number, url in enumerate(urls)]
    return HealthEndpoints(components, timedelta(seconds=waits), clock)


@pytest.mark.parametrize(("behave", "note"), DOWN.values(), ids=DOWN)
def test_down_with_the_reason(server, clock, waits, behave, note):
    server.behave = behave
    source = endpoints(clock, waits, f"{server.url}/health?key={CANARY}")
    up = in_time(TIMEOUT + 0.6, source.read).components["c0"]
    answered = note.startswith("answers")  # without an answer, our own network may be to blame
    assert (up.state, up.value, up.source) == (
        ReadingState.OK if answered else ReadingState.PARTIAL, False, "health",
    )  # fmt: skip
    assert note in up.note
    assert CANARY not in up.note
    assert up.note.isprintable()


@pytest.mark.parametrize("status", [200, 204, 299])
def test_up(server, clock, waits, status):
    server.behave = answer(status, b"" if status == 204 else b"<html>\x1b[2J" + b"x" * 100_000)
    before = clock.now()
    snapshot = endpoints(clock, waits, f"{server.url}/health?key=1").read()
    up = snapshot.components["c0"]
    assert (up.state, up.value, up.note) == (ReadingState.OK, True, "")
    assert before <= up.at <= snapshot.at
    assert server.requests[0].target == "/health?key=1"


def test_nobody_there_and_no_address(clock, waits):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = endpoints(
        clock, waits, f"http://127.0.0.1:{port}", "http://u:p@h", "nonsense", "http://no-such.invalid"
    ).read()
    assert [up.value for up in found.components.values()] == [False] * 4
    notes = [up.note for up in found.components.values()]
    assert "refuses the connection" in notes[0]
    assert "without user and password" in notes[1]
    assert "u:p" not in notes[1]


@gives_up_one
def test_many_that_hang_take_the_time_of_one(server, clock, waits):
    def behave(connection):
        (hang if "hang" in connection.request.target else answer(200))(connection)

    server.behave = behave
    urls = [f"{server.url}/{'hang' if number % 2 else 'ok'}{number}" for number in range(30)]
    found = in_time(MIXED + 1, endpoints(clock, waits, *urls).read).components
    assert [up.value for up in found.values()] == [number % 2 == 0 for number in range(30)]


def test_no_components_no_readings(clock, waits):
    assert endpoints(clock, waits).read().components == {}


def test_probe_and_close(server, clock, waits):
    server.behave = answer(503)
    source = endpoints(clock, waits, server.url)
    [finding] = source.probe()
    assert (finding.ok, finding.source) == (False, "health")
    assert "answers 503" in finding.what
    assert finding.todo
    server.behave = answer(200)
    assert source.probe()[0].ok
    source.close()
    assert "closing" in source.read().components["c0"].note
