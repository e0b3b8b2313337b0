"""Unleash's answers as they should not be, and strategies as versions before 7 had them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.unleash import Unleash
from console.integrations.unleash.share import standing
from console.integrations.unleash.wire import FEATURE
from console.ports import Rejected, SourceError, Uncertain
from console.settings.outside import HttpSource, SecretRef, UnleashFlags
from tests.integrations.fault_server import FaultServer, answer
from tests.servers import free_port

TOKEN = "user:0123456789abcdef"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    found = FaultServer()
    yield found
    found.close()


def provider(url: str) -> Unleash:
    source = HttpSource("unleash", url, timeout=timedelta(seconds=20), token=SecretRef("env", "T"))
    return Unleash(UnleashFlags(source, "default", "production"), SystemClock(), lambda _: TOKEN)


def feature(*strategies: dict, enabled: bool = True, **more: object) -> bytes:
    there = {"name": "production", "enabled": enabled, "strategies": list(strategies)}
    return json.dumps({"name": "f", "environments": [there], **more}).encode()


def rollout(percent: object, **more: object) -> dict:
    return {"name": "flexibleRollout", "id": "s1", "parameters": {"rollout": percent, "stickiness": "userId"}, **more}


def stands(body: bytes):
    found = FEATURE.decode(body)
    return standing(found, found.environments[0])


@pytest.mark.parametrize(
    ("body", "percent", "words"),
    [
        (feature(rollout("25")), 25.0, "on, flexibleRollout 25 % by userId"),
        (feature(rollout("25"), enabled=False), 0.0, "off, flexibleRollout 25 % by userId"),
        (feature(rollout("25"), {"name": "userWithId", "parameters": {"userIds": "a"}}), 25.0, "whom userWithId lets"),
        (feature(rollout("25"), rollout("90", disabled=True)), 25.0, "on, flexibleRollout 25 % by userId"),
        (feature(rollout("25"), rollout("90", segments=[7])), 25.0, "whom flexibleRollout with constraints lets in"),
        (feature(rollout("25"), dependencies=[{"feature": "parent"}]), 25.0, "while parent lets them in"),
        (feature(rollout("25", constraints=None, segments=None, variants=[{"name": "a"}])), 25.0, "25 %"),
    ],
)  # fmt: skip
def test_what_a_flag_gives(body: bytes, percent: float, words: str) -> None:
    found = stands(body)
    assert (found.percent, found.untellable) == (percent, "")
    assert words in found.detail


@pytest.mark.parametrize(
    ("strategies", "why"),
    [
        ((), "it has no strategy"),
        ((rollout("25"), rollout("5")), "it has 2 flexibleRollouts without constraints"),
        ((rollout("25"), {"name": "gradualRolloutRandom"}), "gradualRolloutRandom lets people in beside"),
        ((rollout("25"), {"name": "our-own\x1b[2J"}), "lets people in beside"),
        ((rollout("25", constraints=[{}]),), "it has flexibleRollout with constraints, and no flexibleRollout without"),
        ((rollout("25", disabled=True),), "its flexibleRollout is disabled"),
        ((rollout(None),), "no rollout from 0 to 100"),
        ((rollout(25),), "no rollout from 0 to 100"),
        ((rollout("250"),), "no rollout from 0 to 100"),
        ((rollout("nan"),), "no rollout from 0 to 100"),
        ((rollout("٢٥"),), "no rollout from 0 to 100"),
        ((rollout("2_5"),), "no rollout from 0 to 100"),
        (({"name": "flexibleRollout"},), "no rollout from 0 to 100"),
    ],
)  # fmt: skip
def test_what_comes_to_no_single_share(strategies: tuple[dict, ...], why: str) -> None:
    found = stands(feature(*strategies))
    assert found.percent is None
    assert why in found.untellable
    assert found.untellable.isprintable()
    assert stands(feature(*strategies, enabled=False)).percent == 0.0


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>login</html>", b"[]", b"null", b'{"name": "f"', b'{"name": "f", "environments": 5}',
        b'{"name": "f", "environments": [{"name": "production"}]}', b"[" * 100_000,
        b'{"name": "f", "environments": [{"name": "production", "enabled": "yes", "strategies": [{}]}]}',
        feature(rollout("25"), archived=True), feature(rollout("25")).replace(b"production", b"moon\\u001b[2J"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_said_and_nothing_is_written(server: FaultServer, body: bytes) -> None:
    server.behave = answer(200, body)

    for act in (
        lambda: provider(server.url).read("f"),
        lambda: provider(server.url).set_percent("f", 25, 5),
    ):
        with pytest.raises(SourceError) as caught:
            act()
        assert not isinstance(caught.value, Uncertain)
        assert str(caught.value).isprintable()
        assert TOKEN not in str(caught.value)
    assert {request.method for request in server.requests} == {"GET"}


def test_0_is_written_though_what_is_read_says_0_already(server: FaultServer) -> None:
    server.behave = answer(200, feature(rollout("0"), enabled=False))

    assert provider(server.url).set_percent("f", 0).after == 0

    written = [request.path for request in server.requests if request.method == "POST"]
    assert [path.rpartition("/")[2] for path in written] == ["off"]


@pytest.mark.parametrize("percent", [25, 0])
def test_where_nobody_listens_nothing_was_sent(percent: int) -> None:
    with pytest.raises(SourceError) as caught:
        provider(f"http://127.0.0.1:{free_port()}").set_percent("f", percent)
    assert not isinstance(caught.value, Uncertain | Rejected)


def test_the_token_in_an_answer_is_not_repeated(server: FaultServer) -> None:
    server.behave = answer(403, {"message": f"{TOKEN} may not"})
    with pytest.raises(Rejected, match=r"403.*\*\*\* may not"):
        provider(server.url).read("f")


def test_whom_it_stands_for_may_be_untold(server: FaultServer) -> None:
    server.behave = answer(200, {"user": {"secret": TOKEN}})
    assert provider(server.url).scope("f") == "it may read; whether it may write, Unleash does not say"
    server.behave = answer(200, {"permissions": [{"permission": "ADMIN"}]})
    assert provider(server.url).scope("f") == "it may read, set the share and switch in production"
    held = [
        {"permission": "UPDATE_FEATURE_STRATEGY", "project": "default", "environment": "production"},
        {"permission": "UPDATE_FEATURE_ENVIRONMENT", "project": "default", "environment": "development"},
        {"permission": "UPDATE_FEATURE_ENVIRONMENT", "project": "other"},
    ]
    server.behave = answer(200, {"permissions": held})
    assert provider(server.url).scope("f").endswith("it has no UPDATE_FEATURE_ENVIRONMENT")


@pytest.mark.parametrize("data", [5, "x", [], {"name": "flexibleRollout"}, {"name": 5}, {"parameters": None}])
def test_events_of_any_shape_have_a_place_in_the_history(server: FaultServer, data: object) -> None:
    event = {"id": 1, "type": "feature-strategy-update", "createdAt": "2026-11-21T20:02:18.613Z", "data": data}
    event |= {"createdBy": "eve\x1b]0;x", "environment": "production", "preData": None}
    other = {**event, "id": 2, "environment": "development"}
    broken = {**event, "id": 3, "createdAt": "yesterday"}
    server.behave = answer(200, {"events": [broken, other, event]})

    [found] = provider(server.url).history("f")

    assert (found.id, found.percent, found.what) == ("1", None, "strategy update")
    assert found.by.isprintable()
