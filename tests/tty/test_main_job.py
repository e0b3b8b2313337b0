"""The main job on real servers: from an alert to the handoff, over a crash in the middle of the rollback."""

import json
import re
import signal
from typing import NamedTuple

import pytest

from tests.servers import wait_until
from tests.tty.lighthouse import Lighthouse
from tests.tty.terminal import Terminal

pytestmark = [pytest.mark.tty, pytest.mark.integration]

OBSERVED = "What did you observe?"
ONE_LOGIN = "one laptop tonight, Bob sits beside me"


@pytest.fixture
def lighthouse(tmp_path):
    with Lighthouse(tmp_path) as running:
        yield running


def close_step(console: Terminal, title: str, observed: str, button: str = "[ Done") -> None:
    """Closes the highlighted step on what was observed."""
    console.wait_for(f"  {title.upper()}", "c Complete")
    console.press("c")
    console.wait_for(f": {title}", OBSERVED, button)
    console.fill(OBSERVED, observed)
    console.click(button)
    console.wait_for(f"{title}: done: saved")


def choose(console: Terminal, key: str, question: str, number: str) -> None:
    """Opens a list by its key and picks by number."""
    console.press(key)
    console.wait_for(question)
    console.wait_for("reading playbooks", gone=True)
    console.press(number)
    console.wait_for(question, gone=True)


class Labels(NamedTuple):
    """How the screen names what this test made."""

    incident: str
    first_run: str
    rollback: str


def facts(lighthouse: Lighthouse, labels: Labels) -> object:
    """What the record says of the incident and its runs: every step, what was observed, every deadline."""
    shown = lighthouse.json("run", "show", labels.rollback)
    assert [step["deadline"] is not None for step in shown["run"]["steps"]] == [True, True, *[False] * 5]
    return shown, lighthouse.json("incident", "show", labels.incident)


@pytest.mark.timeout(400)  # a whole night
def test_from_an_alert_to_the_handoff_over_a_crash_in_the_middle(lighthouse: Lighthouse):
    lighthouse.shorten("playbooks/p99-latency-high.yaml", "timebox: 2m", "timebox: 2s")
    alice = lighthouse.oncall(who="alice")
    with Terminal(alice, columns=160, rows=45) as console:
        labels = respond(lighthouse, console)
        before, recorded = facts(lighthouse, labels), lighthouse.events()
        console.signal(signal.SIGKILL)
        assert console.wait_end() == -signal.SIGKILL

    with Terminal(alice) as console:
        console.wait_for(f"SEV2 {labels.incident}", "IC alice", "alice on shift")
        assert facts(lighthouse, labels) == before
        assert lighthouse.events()[: len(recorded)] == recorded
        console.press("3")
        console.wait_for("RUN-", "Emergency rollback", "DISABLE THE FLAG")
        roll_back(lighthouse, console)
        console.press("2")
        console.wait_for("L [Log")
        choose(console, "s", "It becomes:", "4")
        console.wait_for(f"{labels.incident} mitigated: saved")
        choose(console, "s", "It becomes:", "5")
        console.wait_for(f"{labels.incident} resolved: saved")
        # A second person takes the shift at a second console, and closes the incident.
        with Terminal(lighthouse.oncall(who="bob"), columns=160, rows=45) as other:
            hand_over(console, other)
            other.press("2")
            other.wait_for("RESOLVED", "L [Log", "run completed")
            hand_over_the_flag(other, labels.incident)
            close(other)
            other.wait_for(f"{labels.incident} closed: saved")
            other.press("1")
            other.wait_for("No incident is open")
            other.press("q")
            assert other.wait_end() == 0
        console.wait_for("bob on shift")

    [overdue] = lighthouse.events("run.step_overdue", "is-it-the-new-path")
    assert overdue.actor == "engine"
    accepted = [event.payload for event in lighthouse.events("handoff.accepted")]
    assert accepted == [{"shared_login": ONE_LOGIN}]
    check_exports(lighthouse, labels)


def respond(lighthouse: Lighthouse, console: Terminal) -> Labels:
    """From the alert to the second step of the rollback."""
    console.wait_for("No incident is open", "engine: here", "elicitation         up")
    console.press("4")
    console.wait_for("Nobody is on shift")
    console.press("b")
    console.wait_for("Shift of alice began: saved", "alice on shift")
    console.press("1")

    lighthouse.measure(p99=620)
    lighthouse.wait_for_alert("P99LatencyHigh")
    console.wait_for("P99LatencyHigh", "1 alert is active", "620 ms")

    console.press("D")
    console.wait_for("linked alert  P99LatencyHigh", "Many users feel it: P99 above 500 ms", "[ Declare on lighthouse/")
    console.click("SEV2 Major")
    console.click("Declare on lighthouse/production")
    declared = re.compile(r"SEV2 INC-\d+ DECLARED").search
    offered = console.wait_for("Start a playbook?", "P99 latency high ", "Emergency rollback ", declared)
    incident = re.search(r"SEV2 (INC-\d+) DECLARED", offered)[1]
    assert offered.index("P99 latency high ") < offered.index("Emergency rollback ")
    assert re.search(r"P99 latency high .* fits P99LatencyHigh", offered)
    console.press("q")
    console.wait_for("Start a playbook?", gone=True)
    console.press("a")
    console.wait_for(f"{incident} acknowledged: saved", "IC alice")
    choose(console, "p", "Start a playbook?", "1")

    close_step(console, "Is it real?", "620 ms, 2 s old")
    console.wait_for("STEP 2 of 8", "IS IT THE NEW PATH?", "OVERDUE by")
    wait_until(lambda: lighthouse.events("run.step_overdue"), what="the overdue event")
    console.press("1")
    console.wait_for(f"SEV2 {incident}", "OVERDUE by")  # on the Overview, too
    console.press("3")
    close_step(console, "Is it the new path?", "elicitation only, 25 %")
    console.wait_for("STEP 3 of 8", "ADVISED Roll back now", "guardrail.p99 is 620")
    close_step(console, "Roll back or repair?", "P99 620 ms and rising")
    console.wait_for("Emergency rollback on lighthouse/production", "STEP 2 of 7", "Alert all teams")
    console.press("+")
    console.wait_for("What happened, was seen, was said", "[ Save the note ]")
    console.fill("What happened, was seen, was said", "told #lighthouse-war-room at once")
    console.click("Save the note")
    console.wait_for("Note: saved")
    first, second = (f"RUN-{event.seq}" for event in lighthouse.events("run.started"))
    return Labels(incident, first, second)


def roll_back(lighthouse: Lighthouse, console: Terminal) -> None:
    """The rest of the rollback at 80x24: by hand, on observed values."""
    console.press("c")
    console.wait_for("Disable the flag", OBSERVED, "[ Done ]")
    console.fill(OBSERVED, "flag shows 0 %, set by hand")
    console.click("[ Done ]")
    console.wait_for("Not done: rollout.percent = 25")  # What was typed is not what is measured.
    assert "flag shows 0 %, set by hand" in console.text
    console.press("esc")
    lighthouse.measure(p99=210, percent=0)
    console.wait_for("rollout.percent <= 0: yes")
    close_step(console, "Disable the flag", "flag shows 0 %, set by hand")
    console.wait_for("VERIFY THE LEGACY PATH")  # nothing is in flight: the wait has ended by itself
    close_step(console, "Verify the legacy path", "healthy, test request answered")

    console.wait_for("CLEAR ELICITATION STATE", "IRREVERSIBLE")
    console.press("c")
    confirm = "To confirm, type: CLEAR lighthouse/production"
    console.wait_for(OBSERVED, confirm, "Done, irreversibly")
    console.fill(OBSERVED, "backup el-0412 of 02:10Z, 0 pending")
    console.fill(confirm, "CLEAR lighthouse")
    console.click("Done, irreversibly")
    console.wait_for("is irreversible: type")
    assert not lighthouse.events("run.step_completed", "clear-state")
    console.fill(confirm, "/production")
    console.click("Done, irreversibly")
    console.wait_for("needs a second person")
    assert not lighthouse.events("run.step_completed", "clear-state")
    console.fill("BREAK THE GLASS", "nobody else is awake")
    console.click("Done, irreversibly")
    console.wait_for("Clear elicitation state: done: saved")

    close_step(console, "Restore event-store consistency", "0 inconsistent, 14 replayed")
    console.wait_for("guardrail.p99 < 300: yes")
    close_step(console, "Validate", "P99 210 ms, errors 0.02 %, 0 violations")
    close_step(console, "Alert all teams", "sent to #all-teams")
    console.wait_for("COMPLETED")


def hand_over(giver: Terminal, receiver: Terminal) -> None:
    """Offered, read back item by item, refused between two names of one login, accepted with the reason."""
    giver.press("4")
    giver.wait_for("on shift since")
    giver.press("w")
    giver.wait_for("What must be watched?", "[ Add it ]")
    giver.fill("What must be watched?", "P99 until the next deploy")
    giver.click("[ Add it ]")
    giver.wait_for("Watch item: saved")
    giver.press("h")
    giver.wait_for("Hand the shift over", "bob", "[ Offer it ]")
    giver.click("bob ")
    giver.click("[ Offer it ]")
    giver.wait_for("Handoff offered: saved", "3 of 3 items wait for bob")

    receiver.wait_for("engine", "alice on shift")
    receiver.press("4")
    receiver.wait_for(
        "3 of 3 items wait for bob",
        "P99 until the next deploy",
        re.compile(r"temporary +flag in force: lighthouse-elicitation set to 0 %").search,
    )
    for left in (2, 1, 0):
        receiver.press("enter")
        receiver.wait_for("Your answer", "[ Answer ]")
        receiver.fill("Read it back in your words, or ask", f"I have it, {left} to go")
        receiver.click("[ Answer ]")
        receiver.wait_for("answered: saved", f"{left} of 3 items wait" if left else "t takes the shift")
        receiver.press("j")
    receiver.press("t")
    reason = "Only if both of you use one login: why is this all right?"
    receiver.wait_for("Take the shift of alice?", reason, "[ Take it ]")
    receiver.click("[ Take it ]")
    receiver.wait_for("Not done: alice and bob act from one login")
    receiver.fill(reason, ONE_LOGIN)
    receiver.click("[ Take it ]")
    receiver.wait_for("you are on shift: saved", "bob on shift")


def close(console: Terminal) -> None:
    """Asks for the last state of the incident on the screen, and says yes."""
    choose(console, "s", "It becomes:", "6")
    console.wait_for("CLOSED is final")
    console.press("tab", "enter")


def hand_over_the_flag(console: Terminal, incident: str) -> None:
    """The flag that the rollback set is in force: nothing is closed before somebody owes its undoing."""
    choose(console, "s", "It becomes:", "6")
    stands = console.wait_for(
        "Or hand it over.", re.compile(r"CHG-\d+ in force lighthouse-elicitation set to 0 %").search
    )
    change = re.search(r"(CHG-\d+) in force", stands)[1]
    assert "CLOSED is final" not in stands
    console.press("enter")
    console.wait_for("TEMPORARY CHANGES", change)
    console.press("h")
    console.wait_for(f"Hand {change} over", "[ Hand it over ]")
    console.fill("Who, or which ticket, owes the undoing", "OPS-412")
    console.fill("Why, and until when", "it stays off until the release is repaired")
    console.click("[ Hand it over ]")
    console.wait_for(f"{change} handed over: saved", "OPS-412 owes it")
    console.press("2")
    console.wait_for("RESOLVED", "L [Log")


def check_exports(lighthouse: Lighthouse, labels: Labels) -> None:
    """The timeline as Markdown and as JSON holds all of it; the record verifies against its anchor."""
    text = lighthouse.run("incident", "export", labels.incident).stdout
    data = json.loads(lighthouse.run("incident", "export", labels.incident, "--json").stdout)
    said = [
        "620 ms, 2 s old",
        "elicitation only, 25 %",
        "P99 620 ms and rising",
        "told #lighthouse-war-room at once",
        "flag shows 0 %, set by hand",
        "nobody else is awake",
        "healthy, test request answered",
        "backup el-0412 of 02:10Z, 0 pending",
        "0 inconsistent, 14 replayed",
        "P99 210 ms, errors 0.02 %, 0 violations",
        "sent to #all-teams",
        "OPS-412 owes the undoing: it stays off until the release is repaired",
    ]
    plain = text.replace("\\", "")
    assert [line for line in said if line not in plain] == []
    assert [line for line in said if line not in json.dumps(data, ensure_ascii=False)] == []
    for word in ("SEV2", "closed", "P99LatencyHigh", "alice (self-declared by", "bob (self-declared by", "OVERDUE"):
        assert word in plain

    incident = data["incident"]
    assert (incident["severity"], incident["state"]) == ("SEV2", "closed")
    assert [alert["name"] for alert in incident["alerts"]] == ["P99LatencyHigh"]
    times = incident["times"]
    order = ("impact_started", "detected", "declared", "acknowledged", "mitigated", "resolved", "closed")
    assert set(times) == set(order)
    assert [times[name] for name in order] == sorted(times.values())
    assert incident["roles"] == {"incident commander": "alice"}
    assert [(run["label"], run["status"], run["next_run"] != "") for run in incident["runs"]] == [
        (labels.first_run, "continued", True),
        (labels.rollback, "completed", False),
    ]
    steps = {step["id"]: step for run in incident["runs"] for step in run["steps"]}
    late = {name for name, step in steps.items() if step["overdue_seconds"] is not None}
    assert late == {"is-it-the-new-path"}
    assert steps["roll-back-or-repair"]["option"] == "roll-back"
    assert "rollout.percent = 0" in steps["disable-flag"]["evidence"]
    assert "guardrail.p99 = 210" in steps["validate"]["evidence"]
    assert [event["kind"] for event in data["events"]].count("run.step_overdue") == 1
    streams = {event["stream"] for event in data["events"]}
    assert {event["seq"] for event in data["events"]} == {
        event.seq for event in lighthouse.events() if event.stream in streams
    }

    anchor = data["anchor"]
    assert anchor in plain
    lighthouse.run("log", "verify", "--expect", anchor)
    seq, _, digest = anchor.partition(":")
    lighthouse.run("log", "verify", "--expect", f"{seq}:{digest[::-1]}", code=1)
    lighthouse.run("log", "verify", "--expect", f"{int(seq) + 100}:{digest}", code=1)
