"""What the screen showed as saved is in the record, whenever the process was killed."""

import os
import random

import pytest

from tests.tty.lighthouse import Lighthouse
from tests.tty.terminal import Terminal

pytestmark = [pytest.mark.tty, pytest.mark.integration]

KILLS = 5
SEED = int(os.environ.get("ONCALL_TEST_SEED", "20260502"))
NOTE = "What happened, was seen, was said"


@pytest.fixture
def lighthouse(tmp_path):
    with Lighthouse(tmp_path) as running:
        yield running


def write_note(console: Terminal, text: str) -> None:
    """Types a note and presses its button; what comes of it is another matter."""
    console.press("+")
    console.wait_for(NOTE, "[ Save the note ]")
    console.fill(NOTE, text)
    console.click("Save the note")


def shown_as_saved(screen: str) -> bool:
    return "Note: saved" in screen and NOTE not in screen


def test_nothing_shown_as_saved_is_lost_at_5_kills(lighthouse: Lighthouse):
    lighthouse.run("incident", "declare", "P99 is high", "--severity", "sev2", who="alice")
    draw = random.Random(SEED)
    print(f"seed {SEED}")
    saved: list[str] = []
    torn: list[str] = []
    for number in range(KILLS):
        count, wait = draw.randint(1, 2), draw.random() * 0.06
        with Terminal(lighthouse.oncall(who="alice")) as console:
            console.wait_for("INC-1", "P99 is high")
            for turn in range(count):
                write_note(console, f"note {number}.{turn} of {SEED}")
                console.wait_for(shown_as_saved)
                saved.append(f"note {number}.{turn} of {SEED}")
            last = f"note {number}.last of {SEED}"
            write_note(console, last)
            console.read_for(wait)
            console.kill()
            in_time = NOTE not in console.text
            (saved if in_time else torn).append(last)
        print(f"kill {number}: {wait * 1000:.1f} ms after note {count + 1} was sent; {'' if in_time else 'not '}shown")
        found = [event.payload["text"] for event in lighthouse.events("note.added")]
        assert len(found) == len(set(found)), "a note is in the record twice"
        assert set(saved) <= set(found), "something that was shown as saved is lost"
        assert set(found) <= {*saved, *torn}, "something is in the record that nobody wrote"
    print(f"{len(saved)} shown as saved, {len(found)} found")
    lighthouse.run("log", "verify")
    with Terminal(lighthouse.oncall(who="alice"), columns=100, rows=45) as console:
        console.wait_for("INC-1")
        console.press("2")
        console.wait_for(*saved)


def test_whoever_starts_again_after_a_kill_goes_on_with_the_step(lighthouse: Lighthouse):
    declared = lighthouse.json("incident", "declare", "P99 is high", "--severity", "sev2", who="alice")
    lighthouse.run("run", "start", "p99-latency-high", "--incident", declared["incident"]["id"], who="alice")
    with Terminal(lighthouse.oncall(who="alice")) as console:
        console.wait_for("INC-1")
        console.press("3")
        console.wait_for("STEP 1 of")
        console.press("m")
        console.wait_for(": taken: saved")
        console.kill()
    with Terminal(lighthouse.oncall(who="alice")) as console:
        console.wait_for("INC-1")
        console.press("3")
        console.wait_for("is gone: it is taken")
        console.press("c")
        console.wait_for("What did you observe?")
    killed, again = lighthouse.events("run.step_taken")
    assert killed.console in again.payload["reason"]
    assert again.console != killed.console
