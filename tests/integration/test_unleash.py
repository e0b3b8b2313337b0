"""Flags on a real Unleash: the way of a rollout, who was faster, who may not, and what a proxy in between does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.unleash import Unleash
from console.model.flag import FlagOutcome
from console.ports import Rejected, SourceError, Uncertain
from console.settings.outside import HttpSource, SecretRef, UnleashFlags
from tests.fakes.door import Door
from tests.integrations.fault_server import Behaviour, Connection, answer, hang, reset
from tests.servers import HttpError
from tests.unleash_server import EDITOR, ENVIRONMENT, PROJECT, VIEWER, at
from tests.unleash_server import Unleash as Server

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("unleash")]

SOON = timedelta(seconds=1)
PATIENT = timedelta(seconds=20)
_names = (f"checkout-{number}" for number in itertools.count())


@pytest.fixture
def flag(unleash: Server) -> str:
    """On, at 5 %."""
    return unleash.flag(next(_names))


@pytest.fixture
def door(unleash: Server) -> Iterator[Door]:
    """Between us and Unleash."""
    found = Door({"u": unleash.url})
    yield found
    found.close()


@pytest.fixture(scope="session")
def viewer(unleash: Server) -> str:
    return unleash.token_of("vera", VIEWER)


@pytest.fixture(scope="session")
def editor(unleash: Server) -> str:
    return unleash.token_of("eddie", EDITOR)


def provider(
    server: Server,
    *,
    url: str = "",
    token: str = "",
    timeout: timedelta = PATIENT,
    project: str = PROJECT,
    environment: str = ENVIRONMENT,
) -> Unleash:
    source = HttpSource("unleash", url or server.url, timeout=timeout, token=SecretRef("env", "UNLEASH_TOKEN"))
    return Unleash(UnleashFlags(source, project, environment), SystemClock(), lambda _: token or server.token)


def when(door: Door, method: str, behave: Callable[[Connection], None]) -> Behaviour:
    """Does that to requests of a method, and passes all others on."""

    def fault(connection: Connection) -> None:
        (behave if connection.request.method == method else door.pass_on)(connection)

    return fault


def methods(door: Door) -> list[str]:
    return [request.method for request in door.requests]


# -- the whole way ----------------------------------------------------------------------------------------------------


def test_from_5_to_25_to_50_to_0_and_its_history(unleash, flag):
    flags = provider(unleash)
    assert (flags.read(flag).percent, flags.read(flag).on) == (5.0, True)

    steps = [flags.set_percent(flag, to, expected) for expected, to in ((5, 25), (25, 50), (50, 0))]

    assert [step.outcome for step in steps] == [FlagOutcome.DONE] * 3
    assert [(step.before, step.after) for step in steps] == [(5, 25), (25, 50), (50, 0)]
    assert steps[1].text == f"{flag} in development was at 25 %, is set to 50 %"
    assert all(step.seconds and step.seconds > 0 for step in steps)
    assert unleash.rollout(flag) == (False, "0"), "off, and a later `on` would not jump back to 50 %"
    assert (flags.read(flag).percent, flags.read(flag).on) == (0.0, False)
    seen = flags.history(flag)
    assert [(item.before, item.percent) for item in seen if item.before is not None] == [(5, 25), (25, 50), (50, 0)]
    assert [item.what for item in seen[-4:]] == [
        "rollout 5 -> 25 %", "rollout 25 -> 50 %", "switched off", "rollout 50 -> 0 %",
    ]  # fmt: skip
    assert {item.by for item in seen} == {"admin"}
    assert [item.at for item in seen] == sorted(item.at for item in seen)


def test_above_0_it_is_switched_on_after_its_share_is_written(unleash):
    name = unleash.flag(next(_names), "100", on=False)
    flags = provider(unleash)

    assert flags.set_percent(name, 5, 0).outcome is FlagOutcome.DONE

    assert unleash.rollout(name) == (True, "5")
    assert [item.what for item in flags.history(name)[-2:]] == ["rollout 100 -> 5 %", "switched on"]


def test_what_is_so_already_is_not_written_but_0(unleash, flag):
    flags = provider(unleash)
    before = len(flags.history(flag))

    assert flags.set_percent(flag, 5, 5).outcome is FlagOutcome.ALREADY
    assert flags.set_percent(flag, 0).outcome is FlagOutcome.DONE
    after = len(flags.history(flag))
    assert flags.set_percent(flag, 0).outcome is FlagOutcome.DONE, "what was read may be old"

    assert (after - before, len(flags.history(flag))) == (2, after)


@pytest.mark.parametrize("percent", [-1, 101, 250, 12.5, float("nan"), float("inf")])
def test_a_share_that_unleash_would_take_and_no_client_understands(unleash, flag, percent):
    unleash.set_rollout(flag, "250")
    unleash.set_rollout(flag, "5")  # it does take it

    with pytest.raises(Rejected, match="nothing was sent"):
        provider(unleash).set_percent(flag, percent)

    assert unleash.rollout(flag) == (True, "5")


# -- strategies -------------------------------------------------------------------------------------------------------

REGION = {"contextName": "region", "operator": "IN", "values": ["eu"]}


def test_strategies_that_let_in_whom_they_name_stand_beside_the_share(unleash, flag):
    named = {"name": "userWithId", "parameters": [{"name": "userIds", "type": "list"}]}
    unleash.call("POST", "strategies", named)  # as Unleash had it until version 6
    unleash.strategy(flag, "userWithId", {"userIds": "qa-1"})
    unleash.strategy(flag, "flexibleRollout", {"rollout": "100", "stickiness": "default"}, constraints=[REGION])
    flags = provider(unleash)

    assert flags.read(flag).percent == 5.0
    assert flags.read(flag).detail == (
        "on, flexibleRollout 5 % by default, and whom userWithId and flexibleRollout with constraints lets in"
    )
    assert flags.set_percent(flag, 25, 5).outcome is FlagOutcome.DONE
    assert [item["parameters"].get("rollout") for item in unleash.call("GET", at(flag))["strategies"]] == [
        "25", None, "100",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parameters", "more", "why"),
    [
        ("flexibleRollout", {"rollout": "30", "stickiness": "default"}, {}, "2 flexibleRollouts without constraints"),
        ("default", {}, {}, "default lets people in beside its flexibleRollout"),
    ],
)
def test_what_comes_to_no_single_share_is_refused_by_name_and_can_be_switched_off(
    unleash, flag, name, parameters, more, why
):
    unleash.strategy(flag, name, parameters, **more)
    flags = provider(unleash)

    with pytest.raises(Rejected, match=why):
        flags.read(flag)
    with pytest.raises(Rejected, match=why):
        flags.set_percent(flag, 25)
    answered = flags.set_percent(flag, 0)

    assert (answered.outcome, answered.before, answered.after) == (FlagOutcome.DONE, None, 0.0)
    assert "a later `on` brings them back" in answered.text
    assert unleash.rollout(flag) == (False, "5")
    assert flags.read(flag).percent == 0.0


def test_a_flag_without_a_strategy_or_with_a_disabled_one(unleash):
    bare, idle = unleash.flag(next(_names), None, on=False), unleash.flag(next(_names), None, on=False)
    unleash.strategy(idle, "flexibleRollout", {"rollout": "50", "stickiness": "default"}, disabled=True)

    for name, why in ((bare, "it has no strategy"), (idle, "its flexibleRollout is disabled")):
        assert provider(unleash).read(name).percent == 0.0
        with pytest.raises(Rejected, match=why):
            provider(unleash).set_percent(name, 5)


def test_a_flag_that_is_not_there_archived_or_elsewhere(unleash, flag):
    unleash.call("DELETE", f"projects/{PROJECT}/features/{flag}")
    there = unleash.flag(next(_names))

    for flags, name, why in (
        (provider(unleash), "nobody", 'no feature named "nobody" in project "default"'),
        (provider(unleash), flag, "Could not find feature|is archived"),
        (provider(unleash), "..", "no name of a flag"),
        (provider(unleash, project="other"), there, "feature with that name in project"),
        (provider(unleash, environment="moon"), there, "has no environment moon; it has development, production"),
    ):
        with pytest.raises(Rejected, match=why):
            flags.read(name)
        with pytest.raises(Rejected):
            flags.set_percent(name, 0)


# -- who was faster ---------------------------------------------------------------------------------------------------


def test_a_share_that_is_not_the_expected_one_is_left_alone_and_the_other_is_named(unleash, flag, editor):
    unleash.set_rollout(flag, "30", editor)

    answered = provider(unleash).set_percent(flag, 25, 5)

    assert (answered.outcome, answered.before, answered.after) == (FlagOutcome.LOST, 30.0, 30.0)
    assert f"{flag} in development is at 30 %, not at 5 %: somebody else was faster" in answered.text
    assert "eddie@example.com" in answered.text
    assert "rollout 5 -> 30 %; nothing was written" in answered.text
    assert unleash.rollout(flag) == (True, "30")


def test_a_second_writer_between_our_read_and_our_write_wins(unleash, flag, editor, door):
    def meanwhile(connection: Connection) -> None:
        unleash.set_rollout(flag, "50", editor)
        door.pass_on(connection)

    door.fault = when(door, "PATCH", meanwhile)

    answered = provider(unleash, url=door.url_of("u")).set_percent(flag, 25, 5)

    assert (answered.outcome, answered.after) == (FlagOutcome.LOST, 50.0)
    assert "eddie@example.com" in answered.text
    assert unleash.rollout(flag) == (True, "50")


@pytest.mark.parametrize("theirs", ["5", "100"])
def test_what_is_off_and_says_the_share_already_goes_live_with_that_share_alone(unleash, editor, door, theirs):
    name = unleash.flag(next(_names), "25", on=False)

    def meanwhile(connection: Connection) -> None:
        unleash.set_rollout(name, theirs, editor)
        door.pass_on(connection)

    door.fault = when(door, "PATCH", meanwhile)

    answered = provider(unleash, url=door.url_of("u")).set_percent(name, 25, 0)

    assert answered.outcome is FlagOutcome.LOST
    assert unleash.rollout(name) == (False, theirs)


def test_what_somebody_wrote_just_before_we_switched_it_on_is_switched_off_again(unleash, editor, door):
    name = unleash.flag(next(_names), "25", on=False)

    def meanwhile(connection: Connection) -> None:
        if connection.request.target.endswith("/on"):
            unleash.set_rollout(name, "100", editor)
        door.pass_on(connection)

    door.fault = when(door, "POST", meanwhile)

    answered = provider(unleash, url=door.url_of("u")).set_percent(name, 25, 0)

    assert (answered.outcome, answered.after) == (FlagOutcome.INEFFECTIVE, 0.0)
    assert "it reads 100 %" in answered.text
    assert "eddie@example.com" in answered.text
    assert "it was off before, and is switched off again" in answered.text
    assert unleash.rollout(name) == (False, "100")


def test_somebody_who_changes_it_after_our_write_is_named(unleash, flag, editor, door):
    def afterwards(connection: Connection) -> None:
        door.pass_on(connection)
        unleash.set_rollout(flag, "75", editor)

    door.fault = when(door, "PATCH", lambda connection: _then(door, connection, afterwards))

    answered = provider(unleash, url=door.url_of("u")).set_percent(flag, 25, 5)

    assert (answered.outcome, answered.after) == (FlagOutcome.INEFFECTIVE, 75.0)
    assert "eddie@example.com" in answered.text


def _then(door: Door, connection: Connection, act: Callable[[Connection], None]) -> None:
    """Lets Unleash carry it out, and somebody else act, before we get the answer."""
    late = _Late(connection)
    act(late)  # type: ignore[arg-type]
    late.deliver()


class _Late:
    """A connection that keeps what is sent until it is told to."""

    def __init__(self, connection: Connection) -> None:
        self.request, self._connection, self._kept = connection.request, connection, bytearray()

    def send(self, data: bytes) -> None:
        self._kept += data

    def deliver(self) -> None:
        self._connection.send(bytes(self._kept))


def test_of_two_that_promote_at_once_one_wins(unleash, flag, door):
    first, second = provider(unleash), provider(unleash, url=door.url_of("u"))
    door.fault = when(door, "PATCH", lambda it: (first.set_percent(flag, 25, 5), door.pass_on(it))[1])

    lost = second.set_percent(flag, 50, 5)

    assert lost.outcome is FlagOutcome.LOST
    assert unleash.rollout(flag) == (True, "25")


# -- who may not ------------------------------------------------------------------------------------------------------


def test_a_token_that_may_only_look(unleash, flag, viewer):
    flags = provider(unleash, token=viewer)

    assert flags.read(flag).percent == 5.0
    for percent, permission in ((25, "UPDATE_FEATURE_STRATEGY"), (0, "UPDATE_FEATURE_ENVIRONMENT")):
        with pytest.raises(Rejected, match=f"403.*{permission}"):
            flags.set_percent(flag, percent)
    assert unleash.rollout(flag) == (True, "5")
    assert flags.scope(flag) == (
        "it may read, and NOT write in development: it has no UPDATE_FEATURE_STRATEGY and no UPDATE_FEATURE_ENVIRONMENT"
    )
    _, token = flags.probe(flag)
    assert (token.ok, token.todo) == (
        False, "give its role UPDATE_FEATURE_STRATEGY and UPDATE_FEATURE_ENVIRONMENT in development",
    )  # fmt: skip


def test_what_tokens_may_do_is_known_without_changing_anything(unleash, flag, editor):
    before = len(provider(unleash).history(flag))

    for token in (editor, unleash.token):
        flags = provider(unleash, token=token)
        assert flags.scope(flag) == "it may read, set the share and switch in development"
        assert [finding.ok for finding in flags.probe(flag)] == [True, True]

    assert len(provider(unleash).history(flag)) == before
    assert provider(unleash, token=editor).set_percent(flag, 25, 5).outcome is FlagOutcome.DONE


def test_a_token_that_is_none_is_said_and_not_shown(unleash, flag):
    flags = provider(unleash, token="user:not-a-token-at-all")

    with pytest.raises(Rejected, match="401") as caught:
        flags.set_percent(flag, 0)

    assert "not-a-token-at-all" not in str(caught.value)
    assert [finding.ok for finding in flags.probe(flag)] == [False]
    assert unleash.rollout(flag) == (True, "5")


# -- what a proxy in between does -------------------------------------------------------------------------------------


@pytest.mark.parametrize("percent", [25, 0])
def test_a_write_that_is_answered_200_and_dropped_is_ineffective(unleash, flag, door, percent):
    door.fault = lambda it: (door.pass_on if it.request.method == "GET" else answer(200, {}))(it)

    answered = provider(unleash, url=door.url_of("u")).set_percent(flag, percent, 5)

    assert (answered.outcome, answered.before, answered.after) == (FlagOutcome.INEFFECTIVE, 5.0, 5.0)
    assert f"was set to {percent} %, which Unleash accepted; it reads 5 %" in answered.text
    assert unleash.rollout(flag) == (True, "5")


def test_a_kill_switch_that_is_dropped_is_said_though_the_share_is_0(unleash, flag, door):
    door.fault = when(door, "POST", answer(200, {}))

    answered = provider(unleash, url=door.url_of("u")).set_percent(flag, 0)

    assert answered.outcome is FlagOutcome.DONE
    assert answered.text.endswith("is set to 0 %; it is switched on all the same")
    assert unleash.rollout(flag) == (True, "0")


@pytest.mark.parametrize("lost", [reset, answer(502, {"message": "gone"}), answer(504, {})])
@pytest.mark.parametrize(("percent", "method"), [(25, "PATCH"), (0, "POST")])
def test_an_answer_that_is_lost_leaves_it_open(unleash, flag, door, lost, percent, method):
    def carried_out(connection: Connection) -> None:
        door.pass_on(_Late(connection))  # type: ignore[arg-type]
        lost(connection)

    door.fault = when(door, method, carried_out)

    with pytest.raises(Uncertain, match="may or may not have been carried out"):
        provider(unleash, url=door.url_of("u")).set_percent(flag, percent)

    assert unleash.rollout(flag) == ((True, "25") if percent else (False, "5"))
    assert methods(door).count(method) == 1, "it is not repeated"


def test_a_write_that_hangs_leaves_it_open_and_a_read_that_hangs_writes_nothing(unleash, flag, door):
    flags = provider(unleash, url=door.url_of("u"), timeout=SOON)
    flags.read(flag)  # what is imported by the first request takes its time

    door.fault = when(door, "PATCH", hang)
    with pytest.raises(Uncertain, match="no complete answer within 1 s"):
        flags.set_percent(flag, 25, 5)
    door.fault, door.requests = when(door, "GET", hang), []
    with pytest.raises(SourceError, match="no complete answer within 1 s") as caught:
        flags.set_percent(flag, 25, 5)

    assert not isinstance(caught.value, Uncertain | Rejected)
    assert methods(door) == ["GET"]
    assert unleash.rollout(flag) == (True, "5")


def test_the_kill_switch_needs_nothing_that_is_read_before(unleash, flag, door):
    hung = iter([True])

    def once(connection: Connection) -> None:
        (answer(500, {"message": "oops"}) if next(hung, False) else door.pass_on)(connection)

    door.fault = when(door, "GET", once)

    answered = provider(unleash, url=door.url_of("u")).set_percent(flag, 0)

    assert (answered.outcome, answered.before, answered.after) == (FlagOutcome.DONE, None, 0.0)
    assert methods(door)[:2] == ["GET", "POST"]
    assert unleash.rollout(flag)[0] is False


def test_the_share_is_0_though_the_rollout_could_not_be_written(unleash, flag, door):
    door.fault = when(door, "PATCH", answer(503, {}))

    answered = provider(unleash, url=door.url_of("u")).set_percent(flag, 0)

    assert answered.outcome is FlagOutcome.DONE
    assert "its rollout may still say 5 %, and a later `on` would jump there" in answered.text
    assert unleash.rollout(flag) == (False, "5")


def test_what_was_written_and_cannot_be_read_back_is_not_called_done(unleash, flag, door):
    def blind(connection: Connection) -> None:
        door.pass_on(connection)
        door.fault = when(door, "GET", answer(500, {}))

    door.fault = when(door, "PATCH", blind)

    with pytest.raises(Uncertain, match="was accepted, and cannot be read back"):
        provider(unleash, url=door.url_of("u")).set_percent(flag, 25, 5)


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_change_that_needs_a_request_is_said_as_such(unleash, flag, door, status):
    words = "Strategy changes need a change request in this environment"
    door.fault = when(door, "PATCH", answer(status, {"message": words}))

    with pytest.raises(Rejected, match=f"{status}.*make it in Unleash"):
        provider(unleash, url=door.url_of("u")).set_percent(flag, 25, 5)


def test_the_share_is_written_and_switching_on_is_refused(unleash, door):
    name = unleash.flag(next(_names), "5", on=False)
    door.fault = when(door, "POST", answer(403, {"message": "no"}))

    with pytest.raises(Rejected, match="its rollout says 25 % by now, and it is still off"):
        provider(unleash, url=door.url_of("u")).set_percent(name, 25, 0)

    assert unleash.rollout(name) == (False, "25")


def test_hostile_words_reach_nobody(unleash, flag, door):
    evil = "gone\x1b[2J\u202e\n[red]now"
    door.fault = when(door, "PATCH", answer(409, {"message": evil}))

    with pytest.raises(Rejected) as caught:
        provider(unleash, url=door.url_of("u")).set_percent(flag, 25, 5)

    assert str(caught.value).isprintable()
    with pytest.raises(HttpError):
        unleash.call("GET", "nowhere")
