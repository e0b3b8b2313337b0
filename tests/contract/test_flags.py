"""One suite over the Flags port: simulated, a real Unleash, an address, two programs."""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from console.engine.clocks import SimulatedClock, SystemClock
from console.integrations.flags import CommandFlags, HttpFlags
from console.integrations.program import LocalPrograms
from console.integrations.simulated import SimulatedFlags, World
from console.integrations.unleash import Unleash
from console.model.flag import FlagOutcome
from console.model.playbook import Program
from console.ports import Flags, SourceError, Uncertain
from console.settings import outside
from console.settings.load import load
from tests.unleash_server import ENVIRONMENT, PROJECT

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PATIENT = timedelta(seconds=20)
_names = (f"contract-{number}" for number in itertools.count())


@dataclass
class Case:
    """A provider, and a flag of it that is at 5 %."""

    flags: Flags
    flag: str
    meddle: Callable[[float], object]
    """Somebody else sets it."""
    break_it: Callable[[], object]


class Shares:
    """A small server of flags: GET and PUT /flags/NAME, each version with its ETag. `drop` takes writes without effect,
    `lose` carries them out and says nothing; `status` refuses them, `hidden` refuses to be read."""

    def __init__(self) -> None:
        self.shares, self.version = {}, 1  # type: dict[str, object], int
        self.etags, self.drop, self.lose, self.status, self.hidden = True, False, False, 0, 0
        self.cached: dict[str, object] = {}
        """What is answered instead of the shares."""
        self.seen: list[tuple[str, str, str, bytes]] = []
        self.before_write: Callable[[], object] = lambda: None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner._answer(self)

            do_PUT = do_POST = do_PATCH = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/flags/{{flag}}"

    def put(self, flag: str, percent: object) -> None:
        self.shares[flag], self.version = percent, self.version + 1

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        flag = unquote(handler.path.rpartition("/")[2])
        tag, writes = handler.headers.get("If-Match", ""), handler.command != "GET"
        self.seen.append((handler.command, flag, tag, body))
        status = self.status if writes else self.hidden
        if writes and not status:
            self.before_write()
        if not status and flag not in self.shares:
            status = 404
        if not status and writes:
            status = 412 if tag and tag != f'"{self.version}"' else 200
            if status == 200 and not self.drop:
                self.put(flag, json.loads(body)["rollout"]["percentage"])
            if self.lose:
                return
        answer = json.dumps({"rollout": {"percentage": {**self.shares, **self.cached}.get(flag)}}).encode()
        handler.send_response(status or 200)
        handler.send_header("Content-Length", str(len(answer)))
        if self.etags:
            handler.send_header("ETag", f'"{self.version}"')
        handler.end_headers()
        handler.wfile.write(answer)


def over_http(server: Shares) -> HttpFlags:
    source = outside.HttpSource("flags", server.url, timeout=PATIENT)
    body = '{"rollout": {"percentage": {percent}}}'
    return HttpFlags(outside.HttpFlags(source, "/rollout/percentage", server.url, "PUT", body), SystemClock())


@dataclass
class Scripts:
    """Two programs over a file for each flag."""

    folder: Path
    timeout: timedelta = PATIENT
    reading: str = 'cat "$1"'
    writing: str = 'test -e "$1" && printf "%s\\n" "$2" > "$1"'

    def provider(self) -> CommandFlags:
        programs = []
        for name, text in (("read", self.reading), ("write", self.writing)):
            path = self.folder / name
            path.write_text(f'#!/bin/sh\ncd "{self.folder}"\n{text}\n')
            path.chmod(0o700)
            arguments = ("{flag}",) if name == "read" else ("{flag}", "{percent}")
            programs.append(Program((str(path), *arguments), timeout=self.timeout))
        clock = SystemClock()
        return CommandFlags(outside.CommandFlags(*programs), clock, LocalPrograms(self.folder, clock))

    def put(self, flag: str, percent: object) -> None:
        (self.folder / flag).write_text(f"{percent}\n")


@pytest.fixture
def shares() -> Iterator[Shares]:
    found = Shares()
    yield found
    found.close()


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    folder = tmp_path / "programs"
    folder.mkdir(mode=0o700)
    return Scripts(folder)


REAL = (pytest.mark.integration, pytest.mark.xdist_group("unleash"))


@pytest.fixture(params=["simulated", pytest.param("unleash", marks=REAL), "http", "command"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "unleash":
        server = request.getfixturevalue("unleash")
        flag = server.flag(next(_names))
        source = outside.HttpSource("unleash", server.url, timeout=PATIENT, token=outside.SecretRef("env", "T"))
        token = [server.token]
        flags = Unleash(outside.UnleashFlags(source, PROJECT, ENVIRONMENT), SystemClock(), lambda _: token[0])
        return Case(
            flags, flag, lambda to: server.set_rollout(flag, f"{to:g}"), lambda: token.__setitem__(0, "user:gone")
        )
    if request.param == "http":
        small = request.getfixturevalue("shares")
        small.put("new path", 5)
        return Case(over_http(small), "new path", lambda to: small.put("new path", to), small.shares.clear)
    if request.param == "command":
        made = request.getfixturevalue("scripts")
        made.put("new-path", 5)
        broken = made.folder / "new-path"
        return Case(made.provider(), "new-path", lambda to: made.put("new-path", to), broken.unlink)
    config, clock = load(Path(__file__).parents[2] / "config"), SimulatedClock(START)
    assert config.rollout is not None
    chosen = config.environments[0]
    world = World(clock, 1, config.rollout, config.objectives, chosen.components, START, target=chosen.target)
    world.set_percent(5)
    return Case(SimulatedFlags(world), config.rollout.flag, world.set_percent, lambda: world.break_source("flags"))


def test_what_is_set_is_what_is_read(case: Case) -> None:
    assert (case.flags.read(case.flag).percent, case.flags.read(case.flag).on) == (5.0, True)
    for before, to in ((5.0, 25.0), (25.0, 50.0), (50.0, 0.0), (0.0, 5.0)):
        answered = case.flags.set_percent(case.flag, to, before)
        assert (answered.outcome, answered.before, answered.after) == (FlagOutcome.DONE, before, to)
        assert answered.seconds is not None
        assert answered.seconds >= 0
        assert f"{to:g} %" in answered.text
        found = case.flags.read(case.flag)
        assert (found.flag, found.percent, found.on) == (case.flag, to, to > 0)
        assert found.at.tzinfo is not None


def test_without_an_expected_share_it_is_set_whatever_it_was(case: Case) -> None:
    case.meddle(75)
    answered = case.flags.set_percent(case.flag, 0)
    assert (answered.outcome, answered.before, answered.after) == (FlagOutcome.DONE, 75.0, 0.0)


def test_somebody_else_was_faster(case: Case) -> None:
    case.meddle(30)
    answered = case.flags.set_percent(case.flag, 25, 5)
    assert (answered.outcome, answered.before) == (FlagOutcome.LOST, 30.0)
    assert "30 %" in answered.text
    assert "somebody else was faster" in answered.text
    assert case.flags.read(case.flag).percent == 30.0


def test_what_is_so_already_stays_so(case: Case) -> None:
    answered = case.flags.set_percent(case.flag, 5, 5)
    assert answered.outcome in (FlagOutcome.ALREADY, FlagOutcome.DONE)
    assert case.flags.read(case.flag).percent == 5.0


@pytest.mark.parametrize("percent", [-1, 100.5, 250, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(case: Case, percent: float) -> None:
    with pytest.raises(SourceError) as caught:
        case.flags.set_percent(case.flag, percent)
    assert not isinstance(caught.value, Uncertain)
    assert case.flags.read(case.flag).percent == 5.0


def test_a_flag_that_there_is_not(case: Case) -> None:
    for act in (lambda: case.flags.read("no-such"), lambda: case.flags.set_percent("no-such", 5, 0)):
        with pytest.raises(SourceError) as caught:
            act()
        assert not isinstance(caught.value, Uncertain)
        assert str(caught.value).isprintable()


def test_what_cannot_be_read_is_not_written_either(case: Case) -> None:
    case.break_it()
    for act in (
        lambda: case.flags.read(case.flag),
        lambda: case.flags.set_percent(case.flag, 25, 5),
        lambda: case.flags.set_percent(case.flag, 0),
    ):
        with pytest.raises(SourceError) as caught:
            act()
        assert not isinstance(caught.value, Uncertain)


def test_its_history_is_in_order_and_ends_with_what_was_done(case: Case) -> None:
    case.flags.set_percent(case.flag, 25, 5)
    history = case.flags.history(case.flag)
    assert [item.at for item in history] == sorted(item.at for item in history)
    if history:
        assert (history[-1].before, history[-1].percent) == (5.0, 25.0)
        assert history[-1].by


def test_what_it_may_do_is_words_and_changes_nothing(case: Case) -> None:
    assert case.flags.scope(case.flag)
    assert case.flags.read(case.flag).percent == 5.0


# -- an address -------------------------------------------------------------------------------------------------------


def test_a_write_holds_the_number_alone_and_what_was_read(shares: Shares) -> None:
    shares.put("a/b c", 5)
    flags = over_http(shares)

    assert flags.set_percent("a/b c", 12.5, 5).outcome is FlagOutcome.DONE

    assert shares.seen == [
        ("GET", "a/b c", "", b""),
        ("PUT", "a/b c", '"2"', b'{"rollout":{"percentage":12.5}}'),
        ("GET", "a/b c", "", b""),
    ]


def test_the_server_itself_finds_who_was_faster(shares: Shares) -> None:
    shares.put("f", 5)
    shares.before_write = lambda: shares.put("f", 50)

    answered = over_http(shares).set_percent("f", 25, 5)

    assert answered.outcome is FlagOutcome.LOST
    assert shares.shares["f"] == 50


def test_what_must_be_0_asks_for_no_version(shares: Shares) -> None:
    shares.put("f", 50)
    shares.before_write = lambda: shares.put("f", 75)

    assert over_http(shares).set_percent("f", 0).outcome is FlagOutcome.DONE
    shares.put("f", "broken")
    assert over_http(shares).set_percent("f", 0).before is None, "nor for a share that can be read"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_what_may_not_be_read_is_set_to_0_all_the_same(shares: Shares, status: int) -> None:
    shares.put("f", 50)
    shares.hidden = status
    flags = over_http(shares)
    with pytest.raises(Uncertain, match=f"cannot be read back: .*{status}"):
        flags.set_percent("f", 0)
    assert shares.shares["f"] == 0
    shares.put("f", 50)
    with pytest.raises(SourceError, match=str(status)):
        flags.set_percent("f", 25, 50)
    assert shares.shares["f"] == 50, "no other share is"


def test_what_reads_0_may_be_old_and_0_is_written_all_the_same(shares: Shares) -> None:
    """What stands between may answer from its memory, the write never does."""
    shares.put("f", 50)
    shares.cached = {"f": 0}
    flags = over_http(shares)
    answered = flags.set_percent("f", 0)
    assert answered.outcome is FlagOutcome.DONE
    assert shares.shares["f"] == 0
    assert [seen[0] for seen in shares.seen] == ["GET", "PUT", "GET"]
    assert flags.set_percent("f", 0, 0).outcome is FlagOutcome.DONE, "also where 0 is what is expected"
    assert [seen[0] for seen in shares.seen].count("PUT") == 2


def test_a_flag_that_there_is_not_is_not_made_by_switching_it_off(shares: Shares) -> None:
    with pytest.raises(SourceError, match="404"):
        over_http(shares).set_percent("f", 0)
    assert [seen[0] for seen in shares.seen] == ["GET"]


def test_a_write_that_is_dropped_lost_or_forbidden(shares: Shares) -> None:
    shares.put("f", 5)
    flags = over_http(shares)
    shares.drop = True
    answered = flags.set_percent("f", 25, 5)
    assert (answered.outcome, answered.after) == (FlagOutcome.INEFFECTIVE, 5.0)
    shares.drop, shares.lose = False, True
    with pytest.raises(Uncertain):
        flags.set_percent("f", 25, 5)
    assert shares.shares["f"] == 25
    shares.lose = False
    for status, kind in ((403, SourceError), (502, Uncertain), (500, Uncertain)):
        shares.status = status
        with pytest.raises(kind, match=str(status)):
            flags.set_percent("f", 50, 25)


@pytest.mark.parametrize(("value", "percent"), [(7, 7.0), (7.5, 7.5), ("7.5", 7.5), ("100", 100.0), (0, 0.0)])
def test_shares_as_servers_tell_them(shares: Shares, value: object, percent: float) -> None:
    shares.put("f", value)
    assert over_http(shares).read("f").percent == percent


@pytest.mark.parametrize("value", [None, True, -1, 101, "x\x1b[2J", "", [5], {"a": 5}, "1e2", "٥"])
def test_what_is_no_share_is_not_guessed(shares: Shares, value: object) -> None:
    shares.put("f", value)
    with pytest.raises(SourceError, match="no share from 0 to 100 at /rollout/percentage") as caught:
        over_http(shares).read("f")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (math.nan, "NaN, not a number"), (-math.inf, "-Infinity, not a number"), ("NaN", '"NaN"')],
)
def test_what_was_found_is_said(shares: Shares, value: object, shown: str) -> None:
    shares.put("f", value)
    with pytest.raises(SourceError) as caught:
        over_http(shares).read("f")
    assert str(caught.value).endswith(f"has no share from 0 to 100 at /rollout/percentage: {shown}")


def test_a_probe_writes_nothing(shares: Shares) -> None:
    shares.put("f", 5)
    flags = over_http(shares)
    assert [finding.ok for finding in flags.probe("f")] == [True]
    assert [finding.ok for finding in flags.probe("g")] == [False]
    assert {seen[0] for seen in shares.seen} == {"GET"}


# -- two programs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["5", "5 %", "  5.0\n"])
def test_what_a_program_says(scripts: Scripts, said: str) -> None:
    scripts.reading = f"printf '%s' '{said}'"
    assert scripts.provider().read("f").percent == 5.0


@pytest.mark.parametrize("said", ["", "five", "5\n6", "-1", "101", "nan", "warning: old\n5"])
def test_what_is_no_number_is_not_guessed(scripts: Scripts, said: str) -> None:
    scripts.reading = f"printf '%s' '{said}'"
    with pytest.raises(SourceError, match="not a number from 0 to 100"):
        scripts.provider().read("f")


def test_nothing_goes_through_a_shell(scripts: Scripts) -> None:
    evil = "$(touch owned); touch owned #"
    scripts.put(evil.replace("/", ""), 5)
    assert scripts.provider().set_percent(evil, 25, 5).outcome is FlagOutcome.DONE
    assert not (scripts.folder / "owned").exists()
    with pytest.raises(SourceError, match="no name of a flag"):
        scripts.provider().read("--help")


def test_a_program_that_fails_hangs_or_does_nothing(scripts: Scripts) -> None:
    scripts.put("f", 5)
    scripts.writing = "echo who are you >&2; exit 3"
    with pytest.raises(SourceError, match="write ended with 3: who are you") as caught:
        scripts.provider().set_percent("f", 25, 5)
    assert not isinstance(caught.value, Uncertain)
    scripts.writing = "true"
    assert scripts.provider().set_percent("f", 25, 5).outcome is FlagOutcome.INEFFECTIVE
    scripts.writing, scripts.timeout = "exec sleep 60", timedelta(seconds=1)
    with pytest.raises(Uncertain, match="stopped after 1 s"):
        scripts.provider().set_percent("f", 25, 5)
    scripts.reading = "exec sleep 60"
    with pytest.raises(SourceError, match="stopped after 1 s") as caught:
        scripts.provider().read("f")
    assert not isinstance(caught.value, Uncertain)


def test_a_program_that_somebody_else_may_write_is_not_run(scripts: Scripts) -> None:
    scripts.put("f", 5)
    flags = scripts.provider()
    (scripts.folder / "write").chmod(0o777)
    with pytest.raises(SourceError, match="not started"):
        flags.set_percent("f", 25, 5)
    assert flags.scope("f").startswith("NOT usable")
    assert [finding.ok for finding in flags.probe("f")] == [False]
    assert (scripts.folder / "f").read_text() == "5\n"
