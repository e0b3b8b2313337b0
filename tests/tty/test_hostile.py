"""Text from outside is shown and never obeyed: on the screen, in every report, and typed in by hand."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from tests.servers import Exporter
from tests.tty.site import Site
from tests.tty.terminal import Terminal
from tests.tty.test_visible import pick
from tests.tty.wire import copied, foreign, harmful, rung

pytestmark = [pytest.mark.tty, pytest.mark.integration]

CLIPBOARD = "c3RvbGVu"  # "stolen"
PAYLOADS = {
    "closing tag": "[/] [/b] [/foo]",
    "click action": "[@click=app.quit]press[/] [@click='app.exit']press[/]",
    "variable": "[$primary]x[/] [bold red on blue]x",
    "broken markup": "[@click=app.bell( [[[ ]] \\[ [link=http://evil.example]x",
    "OSC 52": f"\x1b]52;c;{CLIPBOARD}\x1b\\",
    "OSC 52 with BEL": f"\x1b]52;c;{CLIPBOARD}\x07",
    "OSC 0": "\x1b]0;owned\x07\x1b]2;owned\x1b\\",
    "OSC 8": "\x1b]8;;http://evil.example/\x1b\\press\x1b]8;;\x1b\\",
    "OSC 1337": "\x1b]1337;File=inline=1:AAAA\x07",
    "colour": "\x1b[31;5;8m",
    "clear": "\x1b[2J\x1b[H\x1b[3J",
    "alternate screen": "\x1b[?1049l\x1b[?47h",
    "answerback": "\x1b[21t\x1b[6n\x1b[c\x05",
    "reset": "\x1bc\x1b[!p",
    "DCS": "\x1bP+q544e\x1b\\\x1b_apc\x1b\\\x1b^pm\x1b\\",
    "charset": "\x1b(0\x0e\x1b#8",
    "C1": "\x9b2J\x9d0;owned\x9c\x90q\x9c\x85\x8d",
    "bidi": "\u202eevil\u202c \u2066evil\u2069 \u200f\u061c\u200e",
    "NUL and DEL": "a\x00b\x7f\x7f\x7f",
    "backspace": "safe\b\b\b\bevil\r\x0b\x0c",
    "lines": "one\r\n# heading\n- item\u2028two\u2029three\x85",
    "unseen": "a\u200bb\ufeffc\u2060d\ufff9e\U000e0041f",
    "long": "L" * 100_000,
    "long wide": "日" * 30_000,
    "combining": "e" + "\u0301" * 400 + "Z\u0489\u0336",
    "wide": "日本語 \U0001f469\u200d\U0001f680 \U0001f3f3\ufe0f \U0001f1eb\U0001f1f7 ﷽ ꧅",
    "HTML": "<script>alert(1)</script> <img src=x onerror=alert(1)> &lt;b&gt;",
    "Markdown": "[press](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example> `a` | b | **c**",
    "templates": "{{ 7 * 7 }} {% raw %} ${HOME} $(id) `id` %s %n {0} {labels!r}",
}
CORPUS = [f"zq{number:02} {payload} end" for number, payload in enumerate(PAYLOADS.values())]
PASTED = [text for text in CORPUS if len(text) < 5_000][::3]
NO_TERMINAL = r"\ud800 \udfff\ud800 \udc80"  # lone surrogates: JSON can say them, Alertmanager's own JSON does not


def canary(text: str) -> str:
    return text[:4]


AN_ALERT = re.compile(r"(?m)^acknowledged  ").search
"""Only an alert's own screen says this at the beginning of a line."""
ALERTS = 10
NAMES = CORPUS[:ALERTS]


def alerts():
    """Alerts that carry all of the corpus: ten payloads as names, every one somewhere in the details."""
    began = datetime.now(UTC) - timedelta(hours=1)
    found = [{"labels": {"alertname": "Watchdog", "severity": "none"}}]
    for number, name in enumerate(NAMES):
        second, third = CORPUS[ALERTS + number], CORPUS[(2 * ALERTS + number) % len(CORPUS)]
        found.append(
            {
                "labels": {"alertname": name, "severity": "critical", "component": second, "team": third},
                "annotations": {"summary": second, "description": third, "runbook_url": f"http://{name}"},
                "startsAt": (began - timedelta(seconds=number)).isoformat(),
            }
        )
    return found


def groups():
    """What only a server that is none of ours would answer: every field hostile, lone surrogates too."""
    found = []
    for number in range(ALERTS):
        name, second, third = (f"{CORPUS[(part + number) % len(CORPUS)]} SURROGATE" for part in (0, ALERTS, 2 * ALERTS))
        found.append(
            {
                "labels": {name: second},
                "receiver": {"name": third},
                "alerts": [
                    {
                        "fingerprint": f"{number} {name}"[:3000],
                        "startsAt": second if number % 2 else "2025-11-03T14:00:00Z",
                        "status": {"state": third if number % 3 else "active", "silencedBy": [second]},
                        "labels": {"alertname": name, "severity": third if number % 2 else "critical", second: third},
                        "annotations": {"summary": second, third: name},
                        "generatorURL": name,
                    }
                ],
            }
        )
    return json.dumps(found).replace("SURROGATE", NO_TERMINAL)


def details(terminal, text):
    """Opens and closes the details of what is highlighted."""
    terminal.press("enter")
    terminal.wait_for(canary(text), "╭")
    terminal.press("G", "q")
    terminal.wait_for("╭", gone=True)


def alert_screen(terminal, wanted):
    """Opens the screen of the highlighted alert, goes to its end and leaves it."""
    terminal.press("enter")
    terminal.wait_for(wanted, AN_ALERT)

    def at_the_end(shown):
        """What is looked up comes later, and moves the end."""
        if "fingerprint " not in shown:
            terminal.press("G")
        return "fingerprint " in shown

    terminal.wait_for(at_the_end)
    terminal.press("q")
    terminal.wait_for("ALERTS ──")


def click_around(terminal):
    """Clicks on each row that shows something of the corpus."""
    for row, line in enumerate(terminal.lines):
        if "zq" in line:
            for column in (30, 50, 70):
                terminal.click_at(column, row)


def look_at_alerts(terminal, texts):
    """Every alert's row and screen, and clicks."""
    terminal.press("g")
    terminal.wait_for("ALERTS", canary(texts[0]))
    for text in texts:
        alert_screen(terminal, canary(text))
        terminal.press("j")
    click_around(terminal)


def on_the_feed(terminal, alertmanager):
    """The feed with its details, what people say of an alert, and a silence whose every word is hostile."""
    terminal.press("5")
    terminal.wait_for("ALERTS ──", "unowned", "acknowledged  by nobody")
    terminal.press("g")
    terminal.wait_for(canary(CORPUS[0]))
    terminal.press("+")
    terminal.wait_for("Note on zq00", "╭")
    terminal.paste(CORPUS[13])
    terminal.press("enter", "enter")
    terminal.wait_for("Note: saved", canary(CORPUS[13]))
    terminal.press("v")
    terminal.wait_for("worth waking somebody?", "╭")
    terminal.press("tab")
    terminal.paste(CORPUS[14])
    terminal.press("enter")
    terminal.wait_for("Verdict: saved", canary(CORPUS[14]))
    terminal.press("s")
    terminal.wait_for("It would hide 1 alert", canary(CORPUS[0]), "[ Silence on")
    terminal.fill("Why, for whoever finds it", "zq77 comment")
    terminal.paste(CORPUS[4])
    terminal.click("[ Silence on")
    terminal.wait_for("a matcher holds what could not be shown: it")
    terminal.click("alertname=")
    terminal.press("ctrl+e", "ctrl+u")
    terminal.type(f'alertname="{CORPUS[0]}"')
    terminal.wait_for(canary(CORPUS[0]), "It would hide 1 alert")
    terminal.press("enter", "enter", "enter", "enter")
    terminal.wait_for("Silence: saved")
    terminal.press("S")
    terminal.wait_for("SILENCES", "1 active", "zq77")
    details(terminal, CORPUS[0])
    terminal.press("x")
    terminal.wait_for("Expire the silence?", "╭", canary(CORPUS[0]))
    terminal.press("tab", "enter")
    terminal.wait_for("0 active", "1 ended")
    terminal.press("q")
    terminal.wait_for("ALERTS ──")
    click_around(terminal)
    assert [item["status"]["state"] for item in alertmanager.silences().values()] == ["expired"]


def look_at_panes(terminal):
    """Every pane of the incident, and what its first row opens."""
    terminal.press("t")
    terminal.wait_for("What has to be done", "╭")
    terminal.paste(CORPUS[17])
    terminal.click("[ Add the task ]")
    terminal.wait_for(re.compile(r"Task in INC-\d+: saved").search)
    hostile = {"W": CORPUS[17], "A": CORPUS[1], "M": CORPUS[11]}
    for pane in "WAMFCPS":
        shown = hostile.get(pane, "")
        terminal.press(pane)
        terminal.wait_for(f"{pane} [", canary(shown))
        if shown:
            terminal.press("g", "enter")
            terminal.wait_for(canary(shown), lambda text: "╭" in text or AN_ALERT(text))
            terminal.press("G", "q")
            terminal.wait_for(f"{pane} [")
            terminal.wait_for("╭", gone=True)
    terminal.press("L")
    terminal.wait_for("L [Log")


def leave(terminal):
    """Leaves on purpose: until now nothing made the program end."""
    assert terminal.status is None
    terminal.press("ctrl+q")
    terminal.read_for(0.2)
    if terminal.status is None and "is running" in terminal.text:
        terminal.press("down", "enter")
    assert terminal.wait_end() == 0
    assert foreign(bytes(terminal.raw)) == []
    assert terminal.raw.count(b"\x1b[?1049l") == 1


def strings(data):
    """Every text in a JSON document, keys included."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)
    elif isinstance(data, str):
        yield data


def check_json(raw):
    text = raw.decode()
    assert harmful(text) == set()
    lines = text.splitlines() if text.startswith("{") and text.count("\n{") else [text]
    for line in lines:
        for found in strings(json.loads(line)):
            assert harmful(found) == set()


def check_markdown(raw):
    """Nothing in the document is a link, an image or HTML, and no code or bold of the corpus became one."""
    text = raw.decode()
    assert harmful(text) == set()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    every = [item for token in tokens for item in (token, *(token.children or ()))]
    kinds = {item.type for item in every}
    assert not kinds & {"link_open", "image", "html_block", "html_inline", "code_block"}
    fences = [item.content for item in every if item.type == "fence"]
    assert len(fences) <= 1, "the lanes, where there are any, and nothing else"
    assert not any("zq" in content for content in fences)
    assert not [item.content for item in every if item.type == "code_inline" and item.content in ("a", "id")]
    headings = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    assert "heading" not in headings
    for token, after in pairwise(every):
        assert token.type != "strong_open" or after.content != "c"


@pytest.fixture
def sabotage():
    """A Prometheus and components whose every word is hostile."""
    with Exporter() as exporter:
        error = {"status": "error", "errorType": "bad_data", "error": " ".join(CORPUS[:20])}
        for path in ("query", "query_range"):
            exporter.serve(f"/api/v1/{path}", json.dumps(error), 400, "application/json")
        for component in ("bridge", "event-store", "elicitation", "wait-for-messages"):
            exporter.serve(f"/{component}/health", " ".join(CORPUS[:20]), 500)
        yield exporter


@pytest.mark.timeout(400)  # one record, whose reports hold all of it
def test_what_alertmanager_carries_is_shown_and_never_obeyed(tmp_path, start_alertmanager, sabotage):
    alertmanager = start_alertmanager()
    alertmanager.post_alerts(alerts())
    site = Site(tmp_path, prometheus=sabotage.url, alertmanager=alertmanager.url, health=sabotage.url)
    site.run("shift", "begin", who="alice")
    with Terminal(site.oncall(who="alice"), columns=100, rows=24) as terminal:
        terminal.wait_for("alice on shift", canary(CORPUS[0]), f"{ALERTS} active", "DOWN")
        look_at_alerts(terminal, NAMES)

        # The filter, and copying.
        for text in (PAYLOADS["click action"], PAYLOADS["OSC 52"], PAYLOADS["closing tag"]):
            terminal.press("/")
            terminal.wait_for("filter")
            terminal.paste(text)
            terminal.wait_for(re.compile(r"\b[01] rows").search)
            terminal.press("esc")
            terminal.wait_for("filter ", gone=True)
        terminal.press("g", "y")
        terminal.wait_for("Copied by the terminal", canary(CORPUS[0]))

        # Declared from an alert, which becomes its title; then every other alert is linked to it.
        terminal.press("j", "D")
        terminal.wait_for("Declare an incident", "linked alert")
        terminal.press("enter", "enter")
        terminal.wait_for("Start a playbook?")
        terminal.press("q")
        terminal.wait_for("L [Log")
        incident = re.search(r"SEV\d (INC-\d+) ", terminal.text)[1]
        terminal.press("1")
        terminal.wait_for("ALERTS")
        terminal.press("g")
        for text in NAMES:
            terminal.press("l")
            terminal.wait_for(re.compile(rf"{canary(text)}.*\[{incident}\]").search)
            terminal.press("j")

        on_the_feed(terminal, alertmanager)

        # The same as notes, as far as a terminal can paste it.
        terminal.press("2")
        terminal.wait_for("L [Log")
        for text in PASTED:
            terminal.press("+")
            terminal.wait_for("What happened, was seen")
            terminal.paste(text)
            terminal.press("enter", "enter", "enter")
            terminal.wait_for("What happened, was seen", gone=True)
        terminal.wait_for("Note: saved", canary(PASTED[-1]))
        for text in PASTED[::-1]:
            details(terminal, text)
            terminal.press("k")
        for row in range(12, 23):  # not the footer: that would press keys
            terminal.click_at(50, row)

        look_at_panes(terminal)

        # Help, palette, picker; a step closed on hostile words; a watch item; a handoff that quotes all of it.
        for key, title in (("?", "Help"), (":", "All actions"), ("s", "It becomes"), ("v", "Severity of")):
            terminal.press(key)
            terminal.wait_for(title, "╭")
            terminal.press("esc")
            terminal.wait_for("╭", gone=True)
        terminal.press("p")
        terminal.wait_for("Start a playbook?")
        pick(terminal, "Emergency rollback")
        terminal.wait_for("STEP 2")  # the first one runs beside it
        run = re.search(r"RUN-\d+", terminal.text)[0]
        terminal.press("g", "c")
        terminal.wait_for("What did you observe?")
        terminal.paste(CORPUS[1])
        terminal.press("enter")
        terminal.wait_for("Alert all teams: done: saved")
        terminal.press("4")
        terminal.wait_for("HANDED OVER AND WATCHED")
        for text in PASTED[:3]:
            terminal.press("w")
            terminal.wait_for("What must be watched?")
            terminal.paste(text)
            terminal.press("enter", "enter")
            terminal.wait_for("What must be watched?", gone=True)
        terminal.press("h")
        terminal.wait_for("To whom?", canary(PASTED[0]))
        terminal.press("enter", "enter")
        terminal.wait_for("Handoff offered: saved")
        leave(terminal)
        assert [harmful(text) for text in copied(bytes(terminal.raw))] == [set()]
        notified = rung(bytes(terminal.raw))
        assert any(canary(CORPUS[0]) in text for text in notified)
        assert all(text.startswith("lighthouse/production: ") and not harmful(text) for text in notified)
    check_exports(site, incident, run)


def check_exports(site, incident, run):
    """Every report of the record and of what is seen now."""
    texts = [
        ("status",),
        (),
        ("incident", "show", incident),
        ("run", "show", run),
        ("shift", "show"),
        ("log", "tail", "-n", "500"),
    ]
    documents = [("incident", "export", incident), ("handoff", "draft"), ("handoff", "show")]
    datas = [
        ("status", "--json"),
        ("incident", "export", incident, "--json"),
        ("handoff", "show", "--json"),
        ("log", "export"),
    ]
    every = [*texts, *documents, *datas]
    found = {command: site.run(*command, check=False) for command in every}
    for command in texts:
        assert found[command], command
        assert harmful(found[command].decode()) == set(), command
    for command in documents:
        assert found[command], command
        check_markdown(found[command])
    for command in datas:
        assert found[command], command
        check_json(found[command])
    for command in (("incident", "export", incident), ("log", "tail", "-n", "500"), ("log", "export")):
        assert all(canary(text) in found[command].decode() for text in (*NAMES, *PASTED)), command
    assert site.json("log", "verify")["ok"]


def test_what_no_alertmanager_would_say_is_shown_and_never_obeyed(tmp_path, exporter):
    exporter.serve("/api/v2/alerts/groups", groups(), content_type="application/json")
    site = Site(tmp_path, alertmanager=exporter.url)
    with Terminal(site.oncall(), columns=80, rows=24) as terminal:
        terminal.wait_for("ALERTS", re.compile(r"zq\d\d").search)
        terminal.press("g")
        for _ in range(ALERTS):
            alert_screen(terminal, re.compile(r"zq\d\d").search)
            terminal.press("l", "j")
        for number in range(3):
            terminal.press(*"g", *"j" * (number * 5), "D")
            terminal.wait_for("linked alert")
            terminal.press("enter", "enter")
            terminal.wait_for("Start a playbook?")
            terminal.press("q")
            terminal.wait_for("L [Log")
            terminal.press("enter")
            terminal.wait_for("occurred")
            terminal.press("q", "1")
            terminal.wait_for("ALERTS")
        terminal.press("a")
        terminal.wait_for("Acknowledge which?")
        terminal.press("enter")
        terminal.wait_for("acknowledged: saved")
        terminal.press("2")
        terminal.wait_for("INCIDENTS", "3 open", re.compile(r"zq\d\d").search)
        leave(terminal)
    for command in (("status", "--json"), ("log", "export")):
        check_json(site.run(*command))
    for command in ((), ("status",), ("log", "tail"), ("incident", "ls")):
        assert harmful(site.run(*command).decode()) == set()


def test_bytes_that_are_no_text_are_taken_as_unreadable_characters(tmp_path):
    site = Site(tmp_path)
    site.run("shift", "begin")
    with Terminal(site.oncall(), columns=80, rows=24) as terminal:
        terminal.wait_for("ALERTS", "root on shift")
        for data in (b"caf\xe9 latin", b"\xff\xfe\x80", "lone \ud800".encode(errors="surrogatepass"), b"\xf0\x9f"):
            terminal.press("+")
            terminal.wait_for("What happened, was seen")
            terminal.paste(data)
            terminal.type(" typed")
            terminal.press("enter", "enter", "enter")
            terminal.wait_for("What happened, was seen", gone=True)
        leave(terminal)
    events = map(json.loads, site.run("log", "export").splitlines())
    notes = [json.loads(event["payload"])["text"] for event in events if "note" in event["kind"]]
    assert notes == [
        "caf\ufffd latin typed",
        "\ufffd\ufffd\ufffd typed",
        "lone \ufffd\ufffd\ufffd typed",
        "\ufffd typed",
    ]
