"""Several engines on one record: one acts, another takes over when it dies, and every deadline fires once."""

import signal
import subprocess
import time
from datetime import UTC, datetime
from unittest.mock import ANY

import pytest

from console.model.decide.deadlines import ON_TIME_SECONDS
from tests.servers import REPO, wait_until
from tests.tty.lighthouse import Lighthouse
from tests.tty.terminal import Terminal

pytestmark = [pytest.mark.tty, pytest.mark.integration]

TAKEN_OVER_WITHIN = 15.0


@pytest.fixture
def lighthouse(tmp_path):
    with Lighthouse(tmp_path) as running:
        yield running


def age_of(instant: str) -> float:
    """Seconds since an instant of the record, by the clock of this machine."""
    return (datetime.now(UTC) - datetime.fromisoformat(instant)).total_seconds()


class Watch:
    """`oncall watch` with its log in a file."""

    def __init__(self, lighthouse: Lighthouse) -> None:
        self.log = lighthouse.folder / "watch.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(lighthouse.oncall("watch"), cwd=REPO, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def take_over(lighthouse: Lighthouse, dead: int, consoles: dict[int, Terminal], watch: Watch) -> int:
    """Waits until another one holds the lease, and until every living one says so. The new holder's process id."""
    began = time.monotonic()
    holder = wait_until(
        lambda: (now := lighthouse.holder()) != dead and now, TAKEN_OVER_WITHIN, what="another holder of the lease"
    )
    print(f"{holder} took over {time.monotonic() - began:.1f} s after {dead} was killed")
    for pid, console in consoles.items():
        console.wait_for("engine: here" if pid == holder else f":{holder} ·")
        assert "NOT RUNNING" not in console.text
    if watch.process.poll() is None:
        wait_until(lambda: f":{holder}" in last_engine_line(watch), what="the new holder in the log of watch")
    return holder


def last_engine_line(watch: Watch) -> str:
    lines = [line for line in watch.log.read_text().splitlines() if " engine: " in line]
    return lines[-1].partition(" (was")[0] if lines else ""


def test_02_the_next_engine_takes_over_and_fires_what_passed_meanwhile_once(lighthouse: Lighthouse):
    lighthouse.shorten("severity.yaml", "acknowledge_within: 5m", "acknowledge_within: 5s")
    lighthouse.shorten("playbooks/p99-latency-high.yaml", "timebox: 1m", "timebox: 5s")
    size = {"columns": 160, "rows": 45}
    with Terminal(lighthouse.oncall(who="alice"), **size) as one:
        one.wait_for("engine: here")
        watch = Watch(lighthouse)
        with Terminal(lighthouse.oncall(who="bob"), **size) as two:
            try:
                living = {one.pid: one, two.pid: two}
                two.wait_for(f":{one.pid} ·")
                wait_until(lambda: f":{one.pid}" in last_engine_line(watch), what="the holder in the log of watch")

                # The holder dies before the deadline; whoever comes next fires it, late, and once.
                lighthouse.run("incident", "declare", "P99 is high", "--severity", "sev1", who="bob")
                living.pop(one.pid).signal(signal.SIGKILL)
                assert not lighthouse.events("incident.acknowledge_overdue")
                second = take_over(lighthouse, one.pid, living, watch)
                wait_until(
                    lambda: lighthouse.events("incident.acknowledge_overdue"), what="the overdue acknowledgement"
                )

                [declared] = lighthouse.events("incident.declared")
                incident = f"INC-{declared.seq}"
                lighthouse.run("run", "start", "p99-latency-high", "--incident", incident, who="bob")
                if second == two.pid:
                    living.pop(two.pid).signal(signal.SIGKILL)
                else:
                    watch.kill()
                assert not lighthouse.events("run.step_overdue")
                third = take_over(lighthouse, second, living, watch)
                wait_until(lambda: lighthouse.events("run.step_overdue"), what="the overdue step")
                if living:
                    two.press("3")
                    two.wait_for("STEP 1 of 8", "OVERDUE by")
            finally:
                watch.kill()

    assert {second, third} == {watch.process.pid, two.pid}
    [acknowledge] = lighthouse.events("incident.acknowledge_overdue")
    [step] = lighthouse.events("run.step_overdue")
    for event, holder in ((acknowledge, second), (step, third)):
        assert event.console.endswith(f":{holder}")
        assert event.actor == "engine"
        late = (
            datetime.fromisoformat(event.recorded_at) - datetime.fromisoformat(event.payload["due_at"])
        ).total_seconds()
        assert late > 0
        assert event.payload["late_seconds"] == (pytest.approx(late, abs=1) if late > ON_TIME_SECONDS + 1 else ANY)
    assert acknowledge.payload["due_at"] == declared.payload["acknowledge_by"]
    [started] = lighthouse.events("run.step_started")
    assert step.payload["due_at"] == started.payload["deadline"]
    taken = [(event.payload["holder"], event.payload["epoch"]) for event in lighthouse.events("engine.lease_taken")]
    assert [int(holder.rpartition(":")[2]) for holder, _ in taken] == [one.pid, second, third]
    assert [epoch for _, epoch in taken] == [1, 2, 3]
    lighthouse.run("log", "verify")


def test_28_a_screen_that_was_stopped_fires_what_passed_once_it_goes_on_and_says_how_late(lighthouse: Lighthouse):
    lighthouse.shorten("severity.yaml", "acknowledge_within: 5m", "acknowledge_within: 5s")
    with Terminal(lighthouse.oncall(who="alice"), columns=160, rows=45) as one:
        one.wait_for("engine: here")
        lighthouse.run("incident", "declare", "P99 is high", "--severity", "sev1", who="bob")
        [declared] = lighthouse.events("incident.declared")
        one.wait_for(f"INC-{declared.seq}")
        one.signal(signal.SIGSTOP)
        due = declared.payload["acknowledge_by"]
        wait_until(lambda: age_of(due) > 4, what="the deadline, and some seconds more")
        assert not lighthouse.events("incident.acknowledge_overdue")
        one.signal(signal.SIGCONT)
        one.wait_for("OVERDUE by")
        [overdue] = wait_until(lambda: lighthouse.events("incident.acknowledge_overdue"), what="the overdue answer")
        assert overdue.payload["late_seconds"] >= 4
        one.wait_for("engine: here")
    assert len(lighthouse.events("incident.acknowledge_overdue")) == 1
    assert lighthouse.events("engine.clock_stepped") == []
    lighthouse.run("log", "verify")


@pytest.mark.serial
def test_16_consoles_see_each_others_events_within_a_second(lighthouse: Lighthouse):
    with Terminal(lighthouse.oncall(who="alice")) as one, Terminal(lighthouse.oncall(who="bob")) as two:
        for console in (one, two):
            console.wait_for("ROLLOUT", "engine", "No incident is open", "elicitation up")
        two.press("D")
        two.wait_for("Title: what people notice", "Declare on lighthouse")
        two.fill("Title: what people notice", "slow answers")
        two.click("Declare on lighthouse")
        one.wait_for("SEV3 INC-", "slow answers")
        [declared] = lighthouse.events("incident.declared")
        taken = [age_of(declared.recorded_at)]
        two.wait_for("Start a playbook?")
        two.press("q")
        two.wait_for("Start a playbook?", gone=True)
        one.press("2")
        for number in range(5):  # the screen ticks every second now: events must not wait for the tick
            lighthouse.run("incident", "note", f"INC-{declared.seq}", f"n{number}!")
            one.wait_for(f"n{number}!")
            taken.append(age_of(lighthouse.events("note.added")[-1].recorded_at))
        two.press("a")
        one.wait_for("IC bob")
        taken.append(age_of(lighthouse.events("incident.acknowledged")[0].recorded_at))
    print("seen after", ", ".join(f"{seconds:.2f} s" for seconds in taken))
    assert max(taken) < 1.0
