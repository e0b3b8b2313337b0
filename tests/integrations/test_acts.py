"""Requests that change something: which class of error each fault becomes, so that the outbox does the right thing."""

import socket
from dataclasses import replace

import pytest

from console.integrations.http import Http, act
from console.integrations.http.client import client
from console.ports import Busy, NotThere, Rejected, SourceError, Uncertain
from tests.integrations.conftest import CANARY
from tests.integrations.fault_server import answer, hang, raw, reset, trickle


@pytest.fixture(scope="module", autouse=True)
def _warm():
    """The first request imports httpx, which may take longer than the deadline of these tests."""
    client()


HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"'


def kind_of(http, **options):
    with pytest.raises(SourceError) as caught:
        act(http, "POST", "x", **options)
    assert CANARY not in str(caught.value) + repr(caught.value)
    assert str(caught.value).isprintable()
    return type(caught.value), caught.value


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422])
def test_what_would_be_refused_again_is_rejected(server, source, clock, token, status):
    server.behave = answer(status, f"no {CANARY}")
    assert kind_of(Http(source, clock, token))[0] is (NotThere if status in (404, 410) else Rejected)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503])
def test_what_may_pass_is_tried_again(server, source, clock, token, status):
    server.behave = answer(status, f"no {CANARY}")
    kind, _ = kind_of(Http(source, clock, token))
    assert not issubclass(kind, (Busy, Rejected, Uncertain))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("99999999", 3600), ("9" * 400, 30), ("Fri, 31 Dec 1999 23:59:59 GMT", 30), ("-1", 30)],
)
def test_429_says_how_long_within_reason(server, source, clock, header, seconds):
    server.behave = answer(429, Retry_After=header)
    kind, error = kind_of(Http(source, clock))
    assert (kind, error.retry_after) == (Busy, seconds)


@pytest.mark.parametrize("behave", [hang, reset, raw(b""), raw(HALF), trickle(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n")])
def test_sent_and_not_answered_is_uncertain(server, source, clock, behave):
    server.behave = behave
    kind, error = kind_of(Http(source, clock))
    assert kind is Uncertain
    assert "may or may not have been carried out" in str(error)


def test_a_redirect_was_answered_and_carried_nothing_out(server, source, clock):
    server.behave = answer(307, Location=f"https://evil.example/{CANARY}")
    kind, error = kind_of(Http(source, clock, secrets=[CANARY]))
    assert issubclass(kind, SourceError)
    assert not issubclass(kind, (Busy, Rejected, Uncertain))
    assert "a redirect to https://evil.example/***" in str(error)
    assert len(server.requests) == 1


def test_what_never_went_out_is_certain(source, clock, server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    kind, _ = kind_of(Http(replace(source, url=f"http://127.0.0.1:{port}"), clock))
    assert not issubclass(kind, Uncertain)
    server.behave = answer(200)
    kind, error = kind_of(Http(replace(source, url=server.url.replace("http", "https")), clock))
    assert not issubclass(kind, Uncertain)
    assert "no TLS connection" in str(error)


def test_a_body_of_json_and_headers_of_its_own(server, source, clock, token):
    server.behave = answer(202)
    found = act(Http(source, clock, token), "POST", "x", json={"a": "ü"}, headers={"Idempotency-Key": "k"})
    assert found.status == 202
    (request,) = server.requests
    assert request.body == '{"a":"ü"}'.encode()
    headers = request.headers
    assert headers["content-type"] == "application/json"
    assert (headers["idempotency-key"], headers["authorization"]) == ("k", f"Bearer {CANARY}")


def test_a_parameter_may_be_given_several_times(server, source, clock):
    server.behave = answer(200)
    act(Http(source, clock), "GET", "x", params={"tags": ["a", "b"]})
    assert server.requests[0].target == "/x?tags=a&tags=b"
