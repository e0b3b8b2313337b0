"""What must be seen at a glance, at the smallest and at a large size; how it is drawn; how the terminal is left."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest

from tests.tty.site import Site
from tests.tty.terminal import Terminal

pytestmark = pytest.mark.tty

ONCALL = [sys.executable, "-m", "console"]
SIZES = pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 45)], ids=["80x24", "160x45"])
VERDICT = r"CAN ROLL BACK: (YES|NO|UNVERIFIED) \(\d+/\d+ proven\)"


def luminance(colour):
    def part(value):
        value = int(value, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * part(colour[:2]) + 0.7152 * part(colour[2:4]) + 0.0722 * part(colour[4:])


def contrast(one, other):
    """Between two colours of six hex digits, by WCAG 2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def check_contrast(terminal):
    """Every character that is read; borders and bars are none."""
    cells = [cell for cell in terminal.cells() if not 0x2500 <= ord(cell[0][0]) < 0x25A0]
    assert len(cells) > 100
    faint = {cell for cell in cells if contrast(*cell[1:]) < 4.5}
    assert not faint


def see(terminal, *patterns):
    """Waits until all of it stands on the screen, each on one line, and checks the colours."""
    wanted = [re.compile(pattern) for pattern in patterns]

    def seen(text):
        return all(any(pattern.search(line) for line in text.splitlines()) for pattern in wanted)

    terminal.wait_for(seen)
    check_contrast(terminal)


def leave(terminal, running=False):
    terminal.press("ctrl+q")
    if running:
        terminal.wait_for("stays open")
        terminal.press("ctrl+q")
    assert terminal.wait_end() == 0


def pick(terminal, name):
    """Finds an entry of a picker by its name, and takes it."""
    terminal.wait_for("reading playbooks", gone=True)
    terminal.press("/")
    terminal.wait_for("type a part of the name")
    terminal.type(name)
    terminal.press("enter")


def start_playbook(terminal):
    """From the highlighted alert to a playbook under way."""
    terminal.press("D")
    terminal.wait_for("Declare on")
    check_contrast(terminal)
    terminal.press("enter", "enter")
    terminal.wait_for("Start a playbook?")
    check_contrast(terminal)
    pick(terminal, "P99 latency high")
    terminal.wait_for("STEP 1 of 8")


@SIZES
def test_quiet(columns, rows):
    with Terminal([*ONCALL, "demo"], columns=columns, rows=rows) as terminal:
        see(
            terminal,
            r"DEMO +lighthouse/demo",
            r"engine: here",
            r"nobody on shift.*\d\d:\d\dZ",
            r"No incident is open; 1 alert is active",
            VERDICT,
            r"Error ratio +ok .*99.9 %.*budget",
            r"25\].*decides to 50 % in \d+ min",
            r"ALERTS .*1 active.*alertmanager ok",
            r"✔ prometheus",
            r"wait-for-messages +up",
            r"Declare.*\? Help",
        )
        assert "BLIND" not in terminal.text
        for key, title in (("?", "Help"), (":", "All actions")):
            terminal.press(key)
            terminal.wait_for(title, "╭")
            assert "DEMO" in terminal.text
            check_contrast(terminal)
            terminal.press("esc")
            terminal.wait_for("╭", gone=True)
        terminal.press("enter")
        see(terminal, r"DEMO +lighthouse/demo", r"DiskFillingUp  warning", r"acknowledged +by nobody", r"state +active")
        terminal.press("esc")
        terminal.wait_for("CAN ROLL BACK")
        leave(terminal)


@SIZES
def test_incident(columns, rows):
    with Terminal([*ONCALL, "demo", "--speed", "20"], columns=columns, rows=rows) as terminal:
        terminal.wait_for("DiskFillingUp")
        start_playbook(terminal)
        see(
            terminal,
            r"DEMO +lighthouse/demo",
            r"SEV3 INC-\d+ DECLARED .*NOBODY LEADS",
            r"RUN-\d+ .* gone of .* P99 latency high on lighthouse/demo",
            r"STEP 1 of 8 +IS IT REAL\? .*OVERDUE by \d+:\d\d",
            r"look at .*guardrail.p99 < 300: (yes|NO)",
            r"c Complete .*f Fail",
        )
        terminal.press("2")
        see(
            terminal,
            r"SEV3 INC-\d+ DECLARED",
            r"NOT ACKNOWLEDGED +\d+:\d\d left",
            r"step +OVERDUE by \d+:\d\d .*Is it real\?",
            r"told .*(next|nobody|NOBODY)",
            r"update +(next in|none is asked for)",
            r"owed ",
            r"L \[Log",
            r"engine +step Is it real\?: OVERDUE since",
        )
        terminal.press("1")
        see(
            terminal,
            r"DEMO +lighthouse/demo",
            r"SEV3 INC-\d+ DECLARED .*NOBODY LEADS",
            r"NEXT +OVERDUE by \d+:\d\d +in Is it real\?.* \d+:\d\d left to acknowledge INC-\d+",
            VERDICT,
            r"P99 latency +(BREACH|CRITICAL|WARNING) +\d+ ms",
            r"DiskFillingUp .*\[INC-\d+\]",
        )
        leave(terminal, running=True)


@SIZES
def test_stale(columns, rows):
    broken = ["--break", "prometheus", "--break", "watchdog", "--break", "elicitation"]
    with Terminal([*ONCALL, "demo", *broken], columns=columns, rows=rows) as terminal:
        see(
            terminal,
            r"DEMO +lighthouse/demo",
            r"BLIND: prometheus UNREACHABLE, never seen",
            r"NO EVIDENCE OF ALERTING",
            r"Availability +UNREACHABLE +no value",
            VERDICT,
            r"elicitation +DOWN",
            r"P99 latency +UNREACHABLE +no value",
        )
        assert not re.search(r"(Availability|Error ratio|P99 latency) +ok", terminal.text)
        leave(terminal)


@SIZES
def test_broken(columns, rows, tmp_path):
    site = Site(tmp_path)
    site.run("incident", "declare", "elicitation hangs", "--severity", "SEV1")
    with Terminal([*site.oncall(), "--read-only"], columns=columns, rows=rows) as terminal:
        see(
            terminal,
            r"LIVE +READ-ONLY +lighthouse/production",
            r"ESCALATION NOT RUNNING",
            r"BLIND: prometheus UNREACHABLE.*alertmanager UNREACHABLE",
            r"NO EVIDENCE OF ALERTING",
            r"SEV1 INC-1 DECLARED elicitation hangs.*NOBODY LEADS",
            r"NEXT .*\d+:\d\d left to acknowledge INC-1",
            r"CAN ROLL BACK: (UNVERIFIED|NO) \(0/12 proven\)",
            r"legacy|unknown: no-return|UNKNOWN +- +kill-switch",
            r"wait-for-messages +DOWN",
        )
        assert not re.search(r"(Availability|Error ratio|P99 latency|prometheus|alertmanager) +ok", terminal.text)
        leave(terminal)


# -- how it is drawn --------------------------------------------------------------------------------------------------


def test_no_color_uses_the_terminals_own_colours():
    with Terminal([*ONCALL, "demo", "--speed", "20"], env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("DiskFillingUp")
        assert terminal.colours() == {"default"}
        start_playbook_plainly(terminal)
        for key, title in (
            ("2", "L [Log"),
            ("4", "HANDED OVER"),
            ("?", "This screen"),
            ("esc", "HANDED OVER"),
            (":", "type a part"),
        ):
            terminal.press(key)
            terminal.wait_for(title)
            assert terminal.colours() == {"default"}
        terminal.press("esc")
        terminal.wait_for("type a part", gone=True)
        leave(terminal, running=True)
    assert not re.search(rb"\x1b\[[0-9;]*(?:[34]8;|\b3[0-7]\b|\b4[0-7]\b)[0-9;]*m", bytes(terminal.raw))


def start_playbook_plainly(terminal):
    terminal.press("D")
    terminal.wait_for("Declare on")
    assert terminal.colours() == {"default"}
    terminal.press("enter", "enter")
    terminal.wait_for("Start a playbook?")
    assert terminal.colours() == {"default"}
    pick(terminal, "P99 latency high")
    terminal.wait_for("STEP 1 of 8", "OVERDUE")
    assert terminal.colours() == {"default"}


def test_without_utf8_everything_is_ascii(tmp_path, exporter):
    labels = {"alertname": "Größe überschritten", "severity": "critical", "component": "検索"}
    alert = {"fingerprint": "1", "startsAt": "2025-11-03T14:00:00Z", "status": {"state": "active"}, "labels": labels}
    exporter.serve("/api/v2/alerts/groups", json.dumps([{"labels": {}, "alerts": [alert]}]))
    site = Site(tmp_path, alertmanager=exporter.url)
    with Terminal(site.oncall(), env={"LANG": "C", "LC_ALL": "C"}) as terminal:
        terminal.wait_for("Gr??e ?berschritten", "BLIND: prometheus UNREACHABLE", "CAN ROLL BACK")
        terminal.press("enter")
        terminal.wait_for("Gr??e ?berschritten  critical", "component         ????")
        terminal.press("esc")
        terminal.wait_for("CAN ROLL BACK")
        terminal.press("D")
        terminal.wait_for("Declare on", "Gr??e")
        terminal.press("enter", "enter")
        terminal.wait_for("Start a playbook?")
        pick(terminal, "Emergency rollback")
        terminal.wait_for(re.compile(r"STEP \d of 7").search)
        for key, title in (("2", "L [Log"), ("?", "This screen"), ("esc", "L [Log"), (":", "type a part")):
            terminal.press(key)
            terminal.wait_for(title)
        terminal.press("esc")
        terminal.wait_for("type a part", gone=True)
        leave(terminal, running=True)
    assert max(terminal.raw) < 0x80


def test_too_small_a_terminal_gets_one_clear_message():
    with Terminal([*ONCALL, "demo"], columns=59, rows=24) as terminal:
        for columns, rows in ((59, 24), (80, 15), (20, 5)):
            terminal.resize(columns, rows)
            shown = terminal.wait_for(f"{columns}x{rows} is too small")
            assert " ".join(shown.split()) == f"{columns}x{rows} is too small: make the terminal at least 60x16."
        terminal.resize(60, 16)
        see(terminal, r"DEMO +lighthouse/demo", r"1 alert is active", VERDICT[:-10])
        terminal.resize(80, 24)
        see(terminal, r"DEMO +lighthouse/demo.*\d\d:\d\dZ", VERDICT, r"DiskFillingUp")
        leave(terminal)


# -- how it is left ---------------------------------------------------------------------------------------------------

LEFT = {1049: "l", 25: "h", 7: "h", 1000: "l", 1003: "l", 1006: "l", 1015: "l", 1004: "l", 2004: "l"}


def check_clean(terminal):
    """Alternate screen left, mouse off, cursor shown, lines wrapped, keys as before."""
    raw = bytes(terminal.raw)
    last = {int(mode): how.decode() for mode, how in re.findall(rb"\x1b\[\?(\d+)([hl])", raw)}
    assert {mode: last.get(mode) for mode in LEFT} == LEFT
    assert raw.count(b"\x1b[<u") == len(re.findall(rb"\x1b\[>\d+u", raw))
    assert terminal.cooked


def at_the_overview(terminal):
    terminal.wait_for("DiskFillingUp", "CAN ROLL BACK")


def in_a_dialog(terminal):
    at_the_overview(terminal)
    terminal.press("D")
    terminal.wait_for("Declare on")


def while_starting(terminal):
    terminal.wait_for("DEMO")


ENDS = [("TERM", 143), ("HUP", 129), ("ctrl+q", 0)]
WHERE = [while_starting, at_the_overview, in_a_dialog]


@pytest.mark.parametrize(
    ("where", "how", "code"), [*((where, *end) for where in WHERE for end in ENDS), (at_the_overview, "q", 0)]
)
def test_the_terminal_is_left_clean(where, how, code):
    with Terminal([*ONCALL, "demo"]) as terminal:
        where(terminal)
        if how in ("TERM", "HUP"):
            terminal.signal(getattr(signal, f"SIG{how}"))
        else:
            terminal.press(how)
        assert terminal.wait_end() == code
        check_clean(terminal)
        assert b"Traceback" not in terminal.raw


CRASHES = {
    "a drawing": "import console.view.overview as module; name = 'panels'",
    "the start": "import console.engine.console as module; module = module.Console; name = 'start'",
    "a key": "import console.tui.actions as module; module = module.HANDLERS; name = 'shift'",
}


@pytest.mark.parametrize("place", CRASHES)
def test_a_crash_leaves_the_terminal_clean_and_prints_no_locals(place, tmp_path):
    program = tmp_path / "crash.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import sys
            from console.__main__ import main
            {CRASHES[place]}
            def crash(*arguments, **options):
                password = "canary-" + "of-a-local"
                raise RuntimeError("broken on purpose")
            if isinstance(module, dict):
                module[name] = crash
            else:
                setattr(module, name, crash)
            sys.argv[1:] = ["demo"]
            main()
            """
        )
    )
    with Terminal(
        [sys.executable, str(program)], env={"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": os.getcwd()}
    ) as it:
        if place == "a key":
            at_the_overview(it)
            it.press("4")
        code = it.wait_end()
        check_clean(it)
    after = bytes(it.raw).rpartition(b"\x1b[?1049l")[2].decode()
    assert code == 70
    assert "oncall stopped: RuntimeError; see " in " ".join(after.split())
    assert "Traceback" not in after
    logged = next(tmp_path.rglob("oncall.log")).read_text()
    assert "broken on purpose" in logged
    assert "canary-of-a-local" not in after + logged


def test_suspended_and_back_in_the_foreground_it_is_painted_again(tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash for its job control")
    with Terminal([bash, "--norc", "--noprofile", "--noediting", "-i"], env={"PS1": "$ ", "HISTFILE": ""}) as terminal:
        terminal.wait_for("$")
        terminal.type(f"{' '.join(ONCALL)} demo\r")
        at_the_overview(terminal)
        terminal.press("ctrl+z")
        terminal.wait_for("Stopped")
        last = {int(mode): how.decode() for mode, how in re.findall(rb"\x1b\[\?(\d+)([hl])", bytes(terminal.raw))}
        assert {mode: last.get(mode) for mode in LEFT} == LEFT
        terminal.type("printf '\\033[2J\\033[H'; echo clea''red\r")
        terminal.wait_for("cleared")
        terminal.wait_for("CAN ROLL BACK", gone=True)
        terminal.type("fg\r")
        see(terminal, r"DEMO +lighthouse/demo.*\d\d:\d\dZ", VERDICT, r"DiskFillingUp", r"\? Help")
        terminal.press("ctrl+q")
        terminal.wait_for("$")
        terminal.type("echo code $?; exit\r")
        terminal.wait_for("code 0")
        terminal.wait_end()
        check_clean(terminal)


# -- without a screen -------------------------------------------------------------------------------------------------


def check_plain(text):
    assert "\x1b" not in text
    assert not re.search("[\u2500-\u259f]", text)
    assert re.search(VERDICT, text)
    assert "ALERTING" in text


def test_a_pipe_gets_the_plain_report(tmp_path):
    site = Site(tmp_path)
    check_plain(site.run().decode())
    done = subprocess.run([*ONCALL, "demo", "--break", "watchdog"], capture_output=True, text=True, check=True)
    check_plain(done.stdout)
    assert done.stdout.startswith("DEMO: lighthouse/demo at ")
    assert done.stderr == ""


def test_a_terminal_that_cannot_draw_gets_the_plain_report(tmp_path):
    with Terminal(Site(tmp_path).oncall(), env={"TERM": "dumb"}, columns=200, rows=60) as terminal:
        assert terminal.wait_end() == 0
    check_plain(terminal.raw.decode())


def test_plain_follows_in_lines_without_boxes(tmp_path):
    site = Site(tmp_path)
    with Terminal([*site.oncall(), "--plain"], columns=200, rows=60) as terminal:
        terminal.wait_for("can roll back: no", "prometheus: unreachable")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_end() == 143
        assert terminal.cooked
    text = terminal.raw.decode()
    assert "\x1b" not in text
    assert not re.search("[\u2500-\u259f]", text)
