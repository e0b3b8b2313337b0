"""Programs of playbooks, real ones: what they get, what they may not, and that nothing of them is left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SystemClock
from console.integrations.program import LocalPrograms
from console.integrations.program.output import HEAD, TAIL, Output
from console.model.playbook import Program
from console.model.text import safe
from console.ports import Ended, Rejected, Uncertain
from tests.servers import wait_until
from tests.timing import in_time

CANARY = "canary-4711-do-not-print"
GRACE = timedelta(seconds=0.4)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a program leaves behind is found by /proc")


@dataclass
class Bench:
    """A folder of playbooks and what runs programs in it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def programs(self) -> LocalPrograms:
        secrets = [lambda item=item: item for item in self.secrets]
        return LocalPrograms(self.folder, SystemClock(), secrets, self.environ, GRACE)

    def run(self, *argv: str, seconds: float = 20, **changes: object) -> Ended:
        program = replace(Program(argv, timeout=timedelta(seconds=seconds)), **changes)
        return self.programs.run(program, self.lines.append, self.stop)

    def shell(self, text: str, **changes: object) -> Ended:
        return self.run("sh", "-c", text, **changes)

    def python(self, text: str, *argv: str, **changes: object) -> Ended:
        """By a shell, for the interpreter of the tests may lie in a folder that is not ours."""
        return self.run("sh", "-c", 'exec "$0" "$@"', sys.executable, "-I", "-c", text, *argv, **changes)

    def script(self, name: str, text: str, mode: int = 0o700) -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(mode)
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "playbooks"
    folder.mkdir(mode=0o700)
    marks = set(alive())
    yield Bench(folder)
    wait_until(lambda: set(alive()) <= marks, what="every process of the test has ended, and been waited for")


def alive() -> list[int]:
    """This process's children and what they have, zombies among them."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                fields = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
    below = {os.getpid()}
    for _ in range(20):
        below |= {pid for pid, parent in parents.items() if parent in below}
    return sorted(below - {os.getpid()})


def named(word: str) -> list[int]:
    """Living processes that have this word on their command line."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != os.getpid():
            try:
                line = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in line:
                found.append(int(name))
    return found


# -- what it gets -----------------------------------------------------------------------------------------------------


HOSTILE = (
    "$(id)",
    "`id`",
    "; id",
    "| id",
    "&& id",
    "> /tmp/x",
    "*",
    "~",
    "a b",
    '"',
    "'",
    "\\",
    "\n",
    "-rf",
    "",
    "ä\u202e",
)


def test_an_argument_stays_one_argument(bench: Bench) -> None:
    show = "import sys; print(ascii(sys.argv[1:]))"
    ended = bench.python(show, *HOSTILE)
    assert ended.status == 0
    assert ended.output == ascii(list(HOSTILE))
    assert os.listdir(bench.folder) == []


def test_the_environment_is_what_was_named_and_nothing_else(bench: Bench) -> None:
    bench.environ = {"PATH": "/evil", "LANG": "de_DE.UTF-8", "API_TOKEN": CANARY, "REGION": "eu-1", "LD_PRELOAD": "/x"}
    ended = bench.run("env", env=("REGION", "ABSENT"), set_env=(("LEVEL", "3; id"),))
    found = dict(line.split("=", 1) for line in ended.output.splitlines())
    home = found.pop("HOME")
    assert Path(home).is_absolute()
    assert found.pop("PATH").startswith("/usr/local/sbin:")
    assert found == {"LANG": "de_DE.UTF-8", "REGION": "eu-1", "LEVEL": "3; id"}


def test_nothing_of_the_console_is_inherited(bench: Bench) -> None:
    with open(bench.folder / "journal", "w") as kept:
        os.set_inheritable(kept.fileno(), True)
        look = """
import os
print(os.readlink("/proc/self/fd/0"))
for number in range(3, 200):
    try:
        os.fstat(number)
    except OSError:
        continue
    print(number, "is open")
"""
        ended = bench.python(look)
    assert ended.output == "/dev/null"
    group = bench.python("import os; print(os.getsid(0) == os.getpid(), os.getsid(0))")
    assert group.output.split()[0] == "True"
    assert int(group.output.split()[1]) != os.getsid(0)


def test_an_ignored_broken_pipe_is_not_passed_on(bench: Bench) -> None:
    ended = bench.shell("yes | head -1; echo ${PIPESTATUS}", seconds=5)
    assert ended.output.splitlines()[0] == "y"


def test_it_works_in_the_playbooks_folder_or_where_it_says(bench: Bench, tmp_path: Path) -> None:
    (bench.folder / "tools").mkdir(mode=0o755)
    assert bench.run("pwd").output == str(bench.folder)
    assert bench.run("pwd", cwd="tools").output == str(bench.folder / "tools")
    assert bench.run("pwd", cwd="/usr").output == "/usr"


def test_a_program_of_the_folder_by_its_relative_name(bench: Bench) -> None:
    bench.script("restart", 'echo "restarting $1"')
    assert bench.run("./restart", "a b").output == "restarting a b"
    assert bench.run("./restart", "x", cwd="/usr").output == "restarting x"


# -- what it may not --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "cwd", "said"),
    [
        (("../outside",), "", "leads out of the playbooks' folder"),
        (("./../outside",), "", "leads out"),
        (("tools/../../outside",), "", "leads out"),
        (("./link",), "", "leads out"),
        (("./linked/outside",), "", "leads out"),
        (("true",), "..", "leads out"),
        (("true",), "linked", "leads out"),
        (("./absent",), "", "no such program"),
        (("absent-4711",), "", "no such program in /usr/local/sbin"),
        (("/usr",), "", "no such program"),
        (("./plain",), "", "may not be executed"),
        (("true",), "absent", "no such folder"),
        (("",), "", "without a name"),
        ((), "", "without a name"),
        (("true", "a\0b"), "", "zero byte"),
        (("tr\0ue",), "", "zero byte"),
        (("true",), "a\0b", "zero byte"),
    ],
)
def test_what_is_not_there_or_leads_elsewhere_is_refused(bench: Bench, argv, cwd, said) -> None:
    outside = bench.folder.parent / "outside"
    outside.write_text("#!/bin/sh\ntouch ran\n")
    outside.chmod(0o700)
    (bench.folder / "link").symlink_to(outside)
    (bench.folder / "linked").symlink_to(bench.folder.parent)
    (bench.folder / "plain").write_text("#!/bin/sh\n")
    program = Program(argv, cwd)
    assert said in bench.programs.refusal(program)
    with pytest.raises(Rejected, match="not started"):
        bench.programs.run(program, bench.lines.append, bench.stop)
    assert not (bench.folder / "ran").exists()


def test_the_folder_itself_may_be_reached_by_a_link(bench: Bench) -> None:
    bench.script("restart", "echo ok")
    link = bench.folder.parent / "by-link"
    link.symlink_to(bench.folder)
    assert replace(bench, folder=link).run("./restart").output == "ok"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_nothing_is_run_from_a_folder_that_others_may_write(bench: Bench, mode: int) -> None:
    bench.script("restart", "touch ran")
    bench.folder.chmod(mode)
    said = bench.programs.refusal(Program(("./restart",)))
    assert "can be changed by others" in said
    with pytest.raises(Rejected):
        bench.run("./restart")
    (bench.folder / "tools").mkdir(mode=0o755)
    assert "can be changed by others" in bench.programs.refusal(Program(("true",))), "nor does any work there"
    assert bench.run("true", cwd="/").status == 0
    if mode != 0o1777:
        with pytest.raises(Rejected):
            bench.run("true", cwd="tools")
    bench.folder.chmod(0o755)
    assert bench.programs.refusal(Program(("./restart",))) == ""


def test_nor_a_folder_above_it_nor_the_file_nor_where_a_link_leads(bench: Bench) -> None:
    path = bench.script("restart", "echo ok")
    bench.folder.parent.chmod(0o777)
    assert "can be changed by others" in bench.programs.refusal(Program(("./restart",)))
    bench.folder.parent.chmod(0o700)
    path.chmod(0o722)
    assert "can be changed by others" in bench.programs.refusal(Program(("./restart",)))
    path.chmod(0o700)
    open_to_all = bench.folder / "open"
    open_to_all.mkdir()
    (open_to_all / "target").symlink_to(path)
    (bench.folder / "alias").symlink_to(open_to_all / "target")
    open_to_all.chmod(0o777)
    absolute = str(bench.folder / "alias")
    assert "can be changed by others" in bench.programs.refusal(Program((absolute,)))
    open_to_all.chmod(0o755)
    assert bench.programs.refusal(Program((absolute,))) == ""


def test_the_way_to_a_program_is_judged_and_not_where_it_ends_alone(bench: Bench) -> None:
    (bench.folder / "safe").mkdir(mode=0o755)
    bench.script("safe/prog", "echo safe")
    (bench.folder / "open").mkdir()
    (bench.folder / "open").chmod(0o777)
    (bench.folder / "open/current").symlink_to("../safe")
    for name in ("open/current/prog", "./open/current/prog", str(bench.folder / "open/current/prog")):
        said = bench.programs.refusal(Program((name,)))
        assert said.startswith(f"{bench.folder}/open can be changed by others (mode 0777)")
    assert "open can be changed" in bench.programs.refusal(Program(("true",), "open/current"))
    (bench.folder / "open").chmod(0o755)
    assert bench.run("open/current/prog").output == "safe"


def test_two_dots_lead_up_from_where_the_link_before_them_leads(bench: Bench) -> None:
    """`a -> else/dir`: `a/../prog` is `else/prog`, whatever `prog` is."""
    (bench.folder / "else/dir").mkdir(parents=True, mode=0o755)
    (bench.folder / "a").symlink_to("else/dir")
    bench.script("prog", "echo the wrong one")
    bench.script("else/prog", "echo the right one", 0o777)
    for name in ("a/../prog", str(bench.folder / "a/../prog")):
        assert "else/prog can be changed by others (mode 0777)" in bench.programs.refusal(Program((name,)))
        (bench.folder / "else/prog").chmod(0o755)
        assert bench.run(name).output == "the right one"
        (bench.folder / "else/prog").chmod(0o777)


def test_what_runs_is_the_path_that_was_judged(bench: Bench) -> None:
    (bench.folder / "real").mkdir(mode=0o755)
    bench.script("real/prog", 'echo "$0"')
    (bench.folder / "link").symlink_to("real")
    assert bench.run("link/prog").output == str(bench.folder / "real/prog")
    assert bench.run("pwd", "-P", cwd="link").output == str(bench.folder / "real")


def test_links_in_a_circle_lead_nowhere(bench: Bench) -> None:
    (bench.folder / "a").symlink_to("b")
    (bench.folder / "b").symlink_to("a")
    assert "no such program" in bench.programs.refusal(Program(("./a",)))


def test_a_script_that_is_named_as_an_argument_is_judged(bench: Bench) -> None:
    script = bench.script("fix.sh", "echo fixed", 0o755)
    (bench.folder / "parts").mkdir(mode=0o755)
    bench.script("parts/one", "echo one", 0o666)
    for argv in (("bash", "fix.sh"), ("bash", str(script)), ("bash", "-c", 'sh "${0#*=}"', f"--file={script}")):
        script.chmod(0o755)
        assert bench.run(*argv).output == "fixed"
        script.chmod(0o666)
        said = bench.programs.refusal(Program(argv))
        assert said.startswith(f"the argument {argv[-1]}: {script} can be changed by others (mode 0666)")
        with pytest.raises(Rejected):
            bench.run(*argv)
    assert "parts/one can be changed" in bench.programs.refusal(Program(("sh", "one"), "parts"))
    assert bench.programs.refusal(Program(("ls", "parts"))) == ""
    (bench.folder / "parts").chmod(0o777)
    assert "parts can be changed" in bench.programs.refusal(Program(("ls", "parts")))
    assert bench.programs.refusal(Program(("ls", "/tmp", "/dev/null", "absent", "x" * 5000, "-"))) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_somebody_else_is_not_run(bench: Bench) -> None:
    path = bench.script("restart", "touch ran", 0o755)
    os.chown(path, 4711, 4711)
    assert "belongs to another user" in bench.programs.refusal(Program(("./restart",)))


@pytest.mark.parametrize("name", ["", "A=B", "A B", "1A", "ä", "A\0"])
def test_a_variable_that_is_none_is_refused(bench: Bench, name: str) -> None:
    assert "no name of an environment variable" in bench.programs.refusal(Program(("true",), set_env=((name, "x"),)))


# -- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "status", "why"), [
    ("exit 0", 0, ""),
    ("exit 3", 3, ""),
    ("kill -SEGV $$", None, "ended by SIGSEGV"),
    ("kill -TERM $$", None, "ended by SIGTERM"),
    ("exec >&- 2>&- <&-; sleep 0.1; exit 4", 4, ""),
])  # fmt: skip
def test_how_it_ended(bench: Bench, text: str, status: int | None, why: str) -> None:
    ended = bench.shell(text)
    assert (ended.status, ended.why) == (status, why)


def test_what_cannot_be_started_says_so(bench: Bench) -> None:
    (bench.folder / "broken").write_bytes(b"\x7fELF nonsense")
    (bench.folder / "broken").chmod(0o700)
    with pytest.raises(Rejected, match="not started: Exec format error"):
        bench.run("./broken")
    bench.script("orphan", "").write_text("#!/nonexistent/interpreter\n")
    with pytest.raises(Rejected, match="not started: No such file"):
        bench.run("./orphan")
    with pytest.raises(Rejected, match="not started: Argument list too long"):
        bench.run("true", "x" * 3_000_000)


LIMIT = 2.0
"""Seconds that a program gets in which it comes to what it is about, also on a busy machine."""


def timed(bench: Bench, text: str, limit: float, **changes: object) -> tuple[Ended, float]:
    """How it ended, and after how long: less than `limit`."""
    took: list[float] = []

    def ended() -> Ended:
        began = time.monotonic()
        found = bench.shell(text, **changes)
        took.append(time.monotonic() - began)
        return found

    return in_time(limit, ended), took[-1]


def test_one_that_never_ends_is_stopped_at_its_timeout(bench: Bench) -> None:
    ended, _ = timed(bench, "echo begun; sleep 1000", LIMIT + 2, seconds=LIMIT)
    assert (ended.status, ended.why) == (None, "stopped after 2 s, its timeout")
    assert ended.output == "begun"


def test_one_that_ignores_sigterm_is_killed(bench: Bench) -> None:
    least = LIMIT + GRACE.total_seconds()
    ended, took = timed(bench, "trap '' TERM INT HUP; while :; do sleep 0.05; done", least + 2, seconds=LIMIT)
    assert ended.status is None
    assert took >= least
    print(f"killed {took - LIMIT:.2f} s after its timeout, with {GRACE.total_seconds()} s of grace")


def test_one_that_is_stopped_hears_that_it_is_to_end(bench: Bench) -> None:
    ended = bench.shell("trap 'echo bye; exit 0' TERM; kill -STOP $$; sleep 9", seconds=LIMIT)
    assert ended.status is None
    assert ended.output == "bye"


def test_one_sigterm_for_each(bench: Bench) -> None:
    text = """
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
while not asked:
    time.sleep(0.01)
time.sleep(0.1)
print(len(asked))
"""
    assert bench.python(text, seconds=LIMIT).output == "1"


@pytest.mark.parametrize("text", [
    "sleep 4711.{mark} & exit 0",
    "(sleep 4711.{mark} &) ; exit 0",
    "setsid sleep 4711.{mark} & sleep 0.2; exit 0",
    "(setsid sh -c 'trap \"\" TERM HUP; sleep 4711.{mark}; sleep 4711.{mark}' >/dev/null 2>&1 &); sleep 0.2; exit 0",
])  # fmt: skip
def test_what_it_leaves_behind_is_ended_and_holds_nobody_up(bench: Bench, text: str) -> None:
    """Forked, forked twice, in a session of its own, holding the pipe or not."""
    mark = str(os.getpid())
    ended, _ = timed(bench, text.replace("{mark}", mark), 5)
    assert ended.status == 0
    assert "that it had left running]" in ended.output
    assert named(f"4711.{mark}") == []


def test_all_that_it_started_ends_with_it_at_its_timeout(bench: Bench) -> None:
    mark = f"4712.{os.getpid()}"
    text = f"setsid sleep {mark} & (setsid sleep {mark} &) ; sleep {mark}"
    ended = bench.shell(text, seconds=LIMIT)
    assert ended.status is None
    assert named(mark) == []


def test_a_burst_of_forks_is_ended(bench: Bench) -> None:
    mark = f"4713.{os.getpid()}"
    text = f"i=0; while [ $i -lt 150 ]; do sleep {mark} & i=$((i+1)); done; wait"
    assert bench.shell(text, seconds=LIMIT).status is None
    assert named(mark) == []


def test_somebody_stops_it(bench: Bench) -> None:
    timer = threading.Timer(0.3, bench.stop.set)
    timer.start()
    began = time.monotonic()
    ended = bench.shell("sleep 1000", seconds=600)
    assert ended.status is None
    assert ended.why.startswith("stopped after")
    assert time.monotonic() - began < 60, "at its timeout it would be 600 s"
    with pytest.raises(Rejected, match="stopped before it began"):
        bench.run("true")


def test_without_its_keeper_nobody_knows_how_it_ended(bench: Bench) -> None:
    mark = f"4714.{os.getpid()}"
    with pytest.raises(Uncertain):
        bench.shell(f"kill -9 $PPID; sleep {mark}; echo never")
    wait_until(lambda: not named(mark), what="its session has been ended all the same")


def test_a_console_that_is_killed_leaves_nothing_running(bench: Bench) -> None:
    """kill -9: nobody is told, and the keeper sees that nobody listens any more."""
    mark = f"4715.{os.getpid()}"
    text = f"""
import sys, threading
from datetime import timedelta
from pathlib import Path
from console.engine.clocks import SystemClock
from console.integrations.program import LocalPrograms
from console.model.playbook import Program
programs = LocalPrograms(Path({str(bench.folder)!r}), SystemClock(), grace=timedelta(seconds=0.3))
shell = "trap '' TERM; (setsid sleep {mark} &); sleep {mark}; sleep {mark}"
programs.run(Program(("sh", "-c", shell)), print, threading.Event())
"""
    for number in (9, 15):
        console = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.DEVNULL)
        wait_until(lambda: len(named(mark)) >= 2, what="it runs")
        began = time.monotonic()
        os.kill(console.pid, number)
        console.wait()
        wait_until(lambda: not named(mark), what="nothing of it is left")
        print(f"signal {number}: everything had ended {time.monotonic() - began:.2f} s later")


# -- what it wrote ----------------------------------------------------------------------------------------------------


def test_output_and_errors_as_they_came(bench: Bench) -> None:
    ended = bench.shell("echo one; echo two >&2; printf three")
    assert ended.output == "one\ntwo\nthree"
    assert ended.digest == "sha256:" + hashlib.sha256(b"one\ntwo\nthree").hexdigest()
    assert bench.lines == ["one", "two", "three"]


def test_lines_are_told_while_it_runs(bench: Bench) -> None:
    """Also those that end like the beginning of a secret, but for that beginning."""
    bench.secrets = ("ready-and-secret",)
    heard = threading.Event()

    class Lines(list):
        def append(self, line: str) -> None:
            super().append(line)
            if line == "begun":
                heard.set()
                bench.stop.set()

    bench.lines = Lines()
    bench.shell("echo begun; sleep 100", seconds=30)
    assert heard.is_set()


def test_nothing_of_it_reaches_the_terminal(bench: Bench) -> None:
    hostile = r"\033]52;c;aGk=\007\033[2J\233x\200\377 \342\200\256gnp\342\200\250 a\rb\n"
    ended = bench.shell(f"printf '{hostile}'; head -c 3000 /dev/urandom")
    for text in (*ended.output.split("\n"), *bench.lines):
        assert safe(text) == text, "nothing is left that would have to go"
        assert {unicodedata.category(char) for char in text} & {"Cc", "Cs", "Zl", "Zp"} == set()


def test_a_progress_bar_tells_where_it_stands(bench: Bench) -> None:
    ended = bench.shell(r"printf '10%%\r50%%\r100%%\r\n'")
    assert bench.lines == ["100%"]
    assert ended.output == "10% 50% 100%"


def test_secrets_are_not_in_the_output(bench: Bench) -> None:
    bench.secrets = (CANARY, "short", "")
    bench.environ = {"DB_PASSWORD": "hunter22", "REGION": "eu-central-1", "LEVEL": "3", "NOT_PASSED": "visible-1"}
    ended = bench.shell(
        f"echo {CANARY} x{CANARY}{CANARY}; echo $DB_PASSWORD $REGION $LEVEL visible-1; echo short $TOKEN",
        env=("DB_PASSWORD", "REGION", "LEVEL"),
        set_env=(("TOKEN", "s3cr3t-in-file"),),
    )
    assert ended.output == "*** x******\n*** *** 3 visible-1\n*** ***"
    assert bench.lines == ended.output.splitlines()


KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nabc\n  c2VjcmV0LWxpbmU=\r\n-----END KEY-----\n"


@pytest.mark.parametrize(
    ("secret", "text", "wanted"),
    [
        (KEY, "got MIIEvQIBADANBgkq, abc, c2VjcmV0LWxpbmU=", "got ***, abc, ***"),
        (
            "postgres://app:p%40ss-word@db:5432/x?sslmode=off",
            "app:p%40ss-word app:p@ss-word p%40ss-word p@ss-word db:5432",
            "*** *** *** *** db:5432",
        ),
        ("https://t0ken-in-front@git.example/x", "t0ken-in-front at git.example", "*** at git.example"),
        ("redis://:pass@cache", "AUTH pass at cache", "AUTH *** at cache"),
    ],
)
def test_the_telling_parts_of_a_secret_are_hidden_too(bench: Bench, secret: str, text: str, wanted: str) -> None:
    bench.secrets = (secret,)
    assert bench.run("echo", text).output == wanted
    bench.secrets, bench.environ = (), {"WHERE": secret}
    assert bench.run("echo", text, env=("WHERE",)).output == wanted


def test_a_secret_is_hidden_however_it_is_cut() -> None:
    secrets = (CANARY, "canary-4711", "line one\nline two")
    text = f"a {CANARY} b canary-4711 c canary-47 d line one\nline two e {CANARY[:-1]}".encode()
    wanted = f"a *** b *** c canary-47 d *** e ***{CANARY[len('canary-4711') : -1]}"
    for size in (*range(1, 40), len(text)):
        told: list[str] = []
        output = Output(secrets, told.append)
        for at in range(0, len(text), size):
            output.take(text[at : at + size])
        assert output.end() == wanted, size
        assert "".join(told) == wanted
        assert output.digest == "sha256:" + hashlib.sha256(wanted.encode()).hexdigest()


def test_the_beginning_and_the_end_are_kept() -> None:
    data = b"".join(b"line %07d\n" % number for number in range(100_000))
    told: list[str] = []
    output = Output((), told.append)
    for at in range(0, len(data), 4099):
        output.take(data[at : at + 4099])
    text = output.end()
    assert text.startswith("line 0000000\nline 0000001\n")
    assert text.endswith("line 0099999")
    assert f"[{len(data) - HEAD - TAIL} bytes left out]" in text
    assert len(text) < HEAD + TAIL + 100
    assert output.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    assert told[-1] == "line 0099999"
    assert len(told) < 100_000


def test_one_line_without_an_end() -> None:
    told: list[str] = []
    output = Output((), told.append)
    for _ in range(100):
        output.take(b"x" * 65536)
    assert max(map(len, output.end().split("\n"))) <= 2000
    assert [len(line) for line in told] == [2000]


@pytest.mark.serial
@pytest.mark.timeout(180)
@pytest.mark.parametrize("what", ["head -c 1000000000 /dev/zero", "yes line of output | head -c 1000000000"])
def test_a_gigabyte_of_output_takes_little_memory(bench: Bench, what: str) -> None:
    code = f"""
import collections, re, threading
from datetime import timedelta
from pathlib import Path
from console.engine.clocks import SystemClock
from console.integrations.program import LocalPrograms
from console.model.playbook import Program
programs = LocalPrograms(Path({str(bench.folder)!r}), SystemClock(), [lambda: "a-secret-of-ours"])
lines = collections.deque(maxlen=20)
rss = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
programs.run(Program(("true",)), lines.append, threading.Event())
before = rss()
ended = programs.run(Program(("sh", "-c", {what!r}), timeout=timedelta(minutes=2)), lines.append, threading.Event())
assert ended.status == 0, ended
assert len(ended.output) < 70_000
print(before // 1024, (rss() - before) // 1024, round(ended.seconds, 1), ended.digest)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stderr
    before, grown, seconds, digest = done.stdout.split()
    print(f"1 GB in {seconds} s: {grown} MiB more than the {before} MiB before")
    assert int(grown) <= 8
    if "zero" in what:
        zeros, piece = hashlib.sha256(), bytes(1_000_000)
        for _ in range(1000):
            zeros.update(piece)
        assert digest == f"sha256:{zeros.hexdigest()}"
