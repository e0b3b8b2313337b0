"""Programs of runs: the intent before, the outcome after, and a doubt stays a doubt."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from console.engine.outcome import Denied, Done
from console.engine.runs_jobs import TAIL, judged
from console.model import commands as cmd
from console.model import events as ev
from console.model.board import Board
from console.model.people import Actor
from console.model.playbook import Do, Program, Reaction, StepKind
from console.ports import Append, Ended, NewEvent, PlaybookSnapshot, Rejected, Uncertain
from console.settings.library import Library
from tests.engine.bench import START, Bench, OfConsole
from tests.engine.runs import MINUTE, TRIES, Files, Night, drained, playbook, program
from tests.model.life import step

SECOND = timedelta(seconds=1)
ENDED = Ended(0, 2.0, "ok", "sha256:1")
FAILED = Ended(3, 2.0, "no", "sha256:2")


async def test_the_intent_is_saved_before_the_program_starts_and_the_outcome_after(bench: Bench) -> None:
    night = Night(bench, program(), step("next"))
    console = await bench.console()
    await night.begin(console)
    done = await night.ask(console)
    intents = [event.id for event in done.events if isinstance(event.payload, ev.EffectIntended)]
    assert len(intents) == 1
    (job,) = console.board.jobs
    assert (job.run, job.step, job.argv, job.started_at) == (night.id, "restart", ("restart", "bridge"), START)
    assert night.run(console).effects[0].outcome == ""
    night.programs.going[0].end(output="bridge restarted")
    await night.settled()
    assert console.board.jobs == ()
    (effect,) = night.run(console).effects
    assert (effect.outcome, effect.output, effect.digest) == ("done", "bridge restarted", "sha256:1")
    assert night.step(console, "restart").status == "done"
    assert night.step(console, "next").status == "active"
    (finished,) = [event for event in bench.journal.read() if isinstance(event.payload, ev.EffectFinished)]
    assert [finished.causation] == intents


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (FAILED, "exit status 3 after 2.0 s"),
        (Rejected("not started: Exec format error"), "not started: Exec format error"),
    ],
)
async def test_a_program_that_fails_fails_its_step(bench: Bench, answer: Ended | Exception, said: str) -> None:
    night = Night(bench, program())
    console = await bench.console()
    await night.begin(console)
    night.programs.at_once = [answer]
    await night.ask(console)
    assert night.run(console).effects[0].outcome == "refused"
    found = night.step(console, "restart")
    assert (found.status, found.reason) == ("failed", said)
    await bench.run(300)
    assert len(night.programs.going) == 1, "nobody asked for another try"


async def test_what_was_asked_for_is_tried_again_by_itself_and_then_no_more(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES, timebox=None))
    console = await bench.console()
    await night.begin(console)
    night.programs.at_once = [FAILED] * 5
    await night.ask(console)
    level = console.board.open_incidents[0].level
    assert night.step(console, "restart").retry_at == START + 10 * SECOND
    await bench.run(9)
    assert len(night.programs.going) == 1
    await bench.run(3)
    assert len(night.programs.going) == 2
    await bench.run(60)
    assert len(night.programs.going) == 3
    await bench.run(600)
    assert len(night.programs.going) == 3
    assert night.step(console, "restart").status == "failed"
    assert console.board.open_incidents[0].level > level
    assert [effect.attempt for effect in night.run(console).effects] == [1, 2, 3]


async def test_a_later_try_may_end_well(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES))
    console = await bench.console()
    await night.begin(console)
    night.programs.at_once = [FAILED, ENDED]
    await night.ask(console)
    await bench.run(15)
    assert night.step(console, "restart").status == "done"
    assert len(bench.kinds("run.step_asked")) == 1


async def test_a_flag_is_tried_again_too(bench: Bench) -> None:
    night = Night(bench, step("disable", kind=StepKind.FLAG, flag="elicitation", on_failure=TRIES))
    console = await bench.console(flags=True)
    await night.begin(console)
    bench.flags.error = "503 from the provider"
    assert isinstance(await console.submit(cmd.SetFlag(night.id, "disable")), Denied)
    bench.flags.error = ""
    await bench.run(15)
    assert bench.flags.set == [("elicitation", 0.0)]
    assert len(bench.kinds("run.step_asked")) == 1


# -- doubts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Uncertain("its keeper was killed"),
        KeyError("secret-4711"),
        Ended(None, 60.0, "", "", "stopped after 60 s, its timeout"),
        Ended(None, 3.0, "", "", "ended by SIGKILL"),
    ],
)
async def test_when_nobody_knows_how_it_ended_it_is_not_tried_again(bench: Bench, fault: Ended | Exception) -> None:
    night = Night(bench, program(on_failure=TRIES))
    console = await bench.console()
    await night.begin(console)
    night.programs.at_once = [fault]
    await night.ask(console)
    await bench.run(200)
    (effect,) = night.run(console).effects
    assert effect.outcome == "unknown"
    assert "secret-4711" not in effect.answer
    assert night.step(console, "restart").status == "active"
    assert len(night.programs.going) == 1


async def test_a_crash_between_intent_and_outcome_stays_unknown_and_is_never_repeated(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES, timebox=30 * MINUTE))
    console = await bench.console("alice")
    await night.begin(console)
    await night.ask(console)
    await bench.kill(console)
    again = await bench.console("carol")
    await bench.run(30)
    assert again.board.jobs == ()
    (effect,) = night.run(again).effects
    assert effect.outcome == ""
    refused = await again.submit(cmd.RunProgram(night.id, "restart"))
    assert isinstance(refused, Denied)
    assert "alice holds step" in refused.reason
    await bench.run(400)
    run = night.run(again)
    assert run.held_at == START + 5 * MINUTE, "its holder has not been heard of"
    assert isinstance(await again.submit(cmd.ResumeRun(night.id, "alice's console is gone")), Done)
    refused = await again.submit(cmd.RunProgram(night.id, "restart"))
    assert isinstance(refused, Denied)
    assert "unknown outcome" in refused.reason
    await bench.run(600)
    assert len(night.programs.going) == 1
    closed = await again.submit(cmd.CompleteStep(night.id, "restart", "the bridge runs since 12:01"))
    assert isinstance(closed, Done), closed


async def test_an_outcome_that_cannot_be_saved_is_not_lost(bench: Bench) -> None:
    night = Night(bench, program(), step("next"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    bench.journal.problem = "disk full"
    night.programs.going[0].end(output="half of it")
    await bench.run(30)
    assert console.board.spooled
    assert night.run(console).effects[0].outcome == "done"
    bench.journal.problem = ""
    await bench.run(30)
    (finished,) = [event for event in bench.journal.read() if isinstance(event.payload, ev.EffectFinished)]
    assert (finished.payload.outcome, finished.payload.output) == ("done", "half of it")
    assert night.step(console, "next").status == "active"


async def test_an_outcome_is_recorded_whoever_has_written_meanwhile(bench: Bench) -> None:
    """Taken over with a reason, closed by hand, and the run ended: how the program ended is in the record all the
    same."""
    night = Night(bench, program(timebox=None), step("next"))
    alice, bob = await bench.console("alice"), await bench.console("bob")
    await night.begin(alice)
    await night.ask(alice)
    await bench.run(2)
    late = await bob.submit(cmd.CompleteStep(night.id, "restart", "it is up"))
    assert isinstance(late, Denied)
    assert "alice holds step" in late.reason
    assert isinstance(await bob.submit(cmd.TakeStep(night.id, "restart", "alice has no power")), Done)
    assert isinstance(await bob.submit(cmd.CompleteStep(night.id, "restart", "it is up")), Done)
    mine = await alice.submit(cmd.CompleteStep(night.id, "restart", "I saw it first"))
    assert isinstance(mine, Denied)
    assert isinstance(await bob.submit(cmd.AbortRun(night.id, "enough")), Done)
    night.programs.going[0].end(3)
    await bench.run(2)
    for console in (alice, bob):
        (effect,) = night.run(console).effects
        assert effect.outcome == "unknown", "it was told to end when its step was closed"
        assert effect.answer == "stopped: the step was closed after 2.0 s, exit status 3"
        assert night.step(console, "restart").status == "done"
    assert len(bench.kinds("run.step_completed")) == 1
    assert bench.kinds("run.step_failed") == []


async def test_others_may_append_while_the_outcome_is_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(bench, program(), step("next"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    other = await bench.console("bob")
    journal, append = console._world.journal, console._world.journal.append
    beaten: list[int] = []

    async def raced(appends: object, *, fence: int | None = None) -> object:
        if len(beaten) < 3 and any(isinstance(event.payload, ev.EffectFinished) for event in appends[0].events):
            beaten.append(1)
            assert isinstance(await other.submit(cmd.TakeStep(night.id, "restart", f"{len(beaten)}")), Done)
        return await append(appends, fence=fence)

    monkeypatch.setattr(journal, "append", raced)
    night.programs.going[0].end()
    await bench.run(2)
    assert len(beaten) == 3
    assert night.run(console).effects[0].outcome == "done"
    assert night.step(console, "next").status == "active"


# -- who runs it ------------------------------------------------------------------------------------------------------


async def test_only_the_console_that_was_asked_runs_it(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES, timebox=None))
    alice, bob = await bench.console("alice"), await bench.console("bob")
    await night.begin(alice)
    await night.settled()
    night.programs.at_once = [FAILED]
    await night.ask(bob)
    await bench.run(2)
    assert alice.board.jobs == ()
    await bench.run(10)
    assert len(bob.board.jobs) == 1, "the further try, too"
    assert alice.board.jobs == ()
    refused = await alice.submit(cmd.RunProgram(night.id, "restart"))
    assert isinstance(refused, Denied)
    assert len(night.programs.going) == 2


async def test_a_long_program_keeps_hold_of_its_step(bench: Bench) -> None:
    night = Night(bench, program(timebox=None))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    await bench.run(3600)
    assert night.run(console).held_at is None
    assert night.step(console, "restart").status == "active"
    renewed = len(bench.kinds("run.step_taken"))
    assert 3600 / 300 <= renewed <= 3600 / 150
    night.programs.going[0].end()
    await night.settled()
    assert night.step(console, "restart").status == "done"
    await bench.run(600)
    assert len(bench.kinds("run.step_taken")) == renewed


async def test_what_may_not_run_is_refused_before_anything_is_written(bench: Bench) -> None:
    night = Night(bench, program())
    console = await bench.console()
    await night.begin(console)
    before = len(bench.journal.read())
    night.programs.refused = "/usr/local/bin/restart has mode 0777: others can change it (chmod go-w)"
    denied = await console.submit(cmd.RunProgram(night.id, "restart"))
    assert denied == Denied(f"not run: {night.programs.refused}")
    console._jobs._world = replace(console._jobs._world, programs=None)
    denied = await console.submit(cmd.RunProgram(night.id, "restart"))
    assert denied == Denied("nothing here can run restart: do it by hand and type what you observe")
    assert len(bench.journal.read()) == before


async def test_a_file_that_others_may_write_runs_nothing_until_somebody_has_read_it(bench: Bench) -> None:
    night = Night(bench, program())
    night.playbook = replace(night.playbook, untrusted="others can change bridge-down.yaml")
    bench.config = replace(bench.config, library=Library.of(night.playbook))
    console = await bench.console()
    await night.begin(console)
    denied = await console.submit(cmd.RunProgram(night.id, "restart"))
    assert isinstance(denied, Denied)
    assert "others can change bridge-down.yaml" in denied.reason
    assert night.programs.going == []
    assert isinstance(await console.submit(cmd.TrustPlaybook(night.playbook, "read it line by line")), Done)
    assert console.board.trusted == {night.playbook.hash}
    await night.ask(console)
    assert len(night.programs.going) == 1


async def test_a_forged_record_runs_nothing(bench: Bench) -> None:
    """Whoever may write the journal can say that this console holds a step and was asked for it: it knows better."""
    night = Night(bench, step("x"))
    console = await bench.console("alice")
    await night.begin(console)
    evil = playbook(program("go"), name="evil")
    incident = console.board.open_incidents[0].id
    await forged(
        bench,
        "run:deadbeef",
        ev.RunStarted(incident, evil.playbook, night.playbook.hash, "lighthouse/production"),
        ev.StepStarted("go", "ic", None, 1),
        ev.StepAsked("go", 1),
        ev.StepTaken("go", bench.clock.now() + MINUTE),
    )
    await bench.run(90)
    assert night.programs.going == []


async def test_a_further_try_is_of_what_was_asked_for_here(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES, timebox=None))
    console = await bench.console("alice")
    await night.begin(console)
    night.programs.at_once = [FAILED]
    await night.ask(console)
    console._jobs._asked.clear()  # as in a process that knows of it by the record alone
    await bench.run(30)
    assert night.step(console, "restart").attempt == 2
    assert len(night.programs.going) == 1


async def test_a_playbook_that_this_console_has_not_read_runs_nothing(bench: Bench) -> None:
    night = Night(bench, step("x"))
    console = await bench.console("alice")
    await night.begin(console)
    theirs = playbook(program("go"), name="bobs-own", hash_="hash-of-bob")
    incident = console.board.open_incidents[0].id
    await forged(
        bench,
        "run:deadbeef",
        ev.RunStarted(incident, theirs.playbook, theirs.hash, "lighthouse/production"),
        ev.StepStarted("go", "ic", None, 1),
        console="bob",
    )
    await bench.run(1)
    denied = await console.submit(cmd.RunProgram("deadbeef", "go"))
    assert isinstance(denied, Denied)
    assert "oncall playbook trust bobs-own" in denied.reason
    assert isinstance(await console.submit(cmd.TrustPlaybook(theirs, "read it line by line")), Done)
    assert isinstance(await console.submit(cmd.RunProgram("deadbeef", "go")), Done)


async def test_a_version_that_was_read_earlier_goes_on(bench: Bench) -> None:
    night = Night(bench, program(), step("next"))
    files = Files(PlaybookSnapshot((night.playbook,), {"bridge-down": "hash-1"}))
    bench.config = replace(bench.config, library=Library.of())
    bench.outside["files"] = files
    console = await bench.console()
    await bench.run(20)
    await night.begin(console)
    files.snapshot = PlaybookSnapshot((playbook(step("other"), hash_="hash-2"),), {"bridge-down": "hash-2"})
    await bench.run(20)
    assert [item.hash for item in console.board.playbooks] == ["hash-2"]
    await night.ask(console)
    assert len(night.programs.going) == 1


async def forged(bench: Bench, stream: str, *payloads: Any, console: str = "alice") -> None:
    """Writes events as another process would that may write the journal."""
    events = tuple(NewEvent(payload, bench.clock.now(), bench.ids.new()) for payload in payloads)
    await OfConsole(bench.journal, console).append([Append(stream, None, events, Actor("mallory", "mallory"))])


# -- what others do to the step ---------------------------------------------------------------------------------------

ENDINGS = {
    "the step was skipped": lambda run: cmd.SkipStep(run, "restart", "not needed"),
    "the step failed": lambda run: cmd.FailStep(run, "restart", "it hangs"),
    "the run was aborted": lambda run: cmd.AbortRun(run, "a false alarm"),
}


@pytest.mark.parametrize("why", ENDINGS)
async def test_what_ends_a_step_ends_its_program(bench: Bench, why: str) -> None:
    night = Night(bench, program(timebox=None), step("next"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    (going,) = night.programs.going
    assert isinstance(await console.submit(ENDINGS[why](night.id)), Done)
    assert going.stop.is_set()
    going.end(None, why="stopped after 2 s")
    await bench.run(1)
    (effect,) = night.run(console).effects
    assert effect.outcome == "unknown"
    assert effect.answer.endswith(f"stopped: {why} after 2.0 s")
    assert console.board.jobs == ()


async def test_what_another_console_ends_ends_it_too(bench: Bench) -> None:
    night = Night(bench, program(timebox=None), step("next"))
    alice, bob = await bench.console("alice"), await bench.console("bob")
    await night.begin(alice)
    await night.ask(alice)
    await bench.run(1)
    assert isinstance(await bob.submit(cmd.AbortRun(night.id, "a false alarm")), Done)
    await bench.run(1)
    assert night.programs.going[0].stop.is_set()


async def test_a_program_that_runs_on_while_the_run_is_on_hold_is_left_alone(bench: Bench) -> None:
    night = Night(bench, program(timebox=None), step("next"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    assert isinstance(await console.submit(cmd.HoldRun(night.id, "wait")), Done)
    await bench.run(10)
    assert not night.programs.going[0].stop.is_set()


async def test_a_step_never_has_two_programs_at_once(bench: Bench) -> None:
    night = Night(bench, program(timebox=None), step("next"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    assert isinstance(await console.submit(cmd.FailStep(night.id, "restart", "it hangs")), Done)
    await console.submit(cmd.RetryStep(night.id, "restart"))
    ask = cmd.RunProgram(night.id, "restart", break_glass="I have looked")
    denied = await console.submit(ask)
    assert isinstance(denied, Denied)
    assert "has not ended yet" in denied.reason
    assert len(console.board.jobs) == len(night.programs.going) == 1
    night.programs.going[0].end(None, why="stopped")
    await night.settled()
    await console.submit(cmd.RetryStep(night.id, "restart"))
    assert isinstance(await console.submit(ask), Done)
    await night.settled()
    assert len(night.programs.going) == 2


async def test_no_further_try_while_an_earlier_one_has_not_ended(bench: Bench) -> None:
    """The step has failed by its time, and is tried again: not while the program is still on its way out."""
    fail = (Reaction(Do.FAIL),)
    night = Night(bench, program(on_failure=TRIES, timebox=timedelta(seconds=30), on_overdue=fail), step("next"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    await bench.run(120)
    assert len(night.programs.going) == 1
    night.programs.going[0].end(0)
    await bench.run(60)
    assert len(night.programs.going) == 1, "it has done its work"


# -- who holds it -----------------------------------------------------------------------------------------------------


async def test_a_console_that_closes_gives_its_steps_back(bench: Bench) -> None:
    night = Night(bench, step("wait", kind=StepKind.QUERY, verify=drained(), timebox=None), step("next"))
    alice, bob = await bench.console("alice"), await bench.console("bob")
    await night.begin(alice)
    assert isinstance(await alice.submit(cmd.TakeStep(night.id, "wait")), Done)
    await bench.run(1)
    bench.consoles.remove(alice)
    await alice.stop()
    await bench.run(1)
    assert night.step(bob, "wait").holder == ""
    assert night.step(bob, "wait").held_until is None
    assert isinstance(await bob.submit(cmd.TakeStep(night.id, "wait")), Done), "nobody is asked why"
    await bench.run(400)
    assert night.run(bob).held_at is None


async def test_a_console_that_closes_puts_nothing_on_hold(bench: Bench) -> None:
    night = Night(bench, step("look", timebox=None), step("next"))
    alice, bob = await bench.console("alice"), await bench.console("bob")
    await night.begin(alice)
    assert isinstance(await alice.submit(cmd.TakeStep(night.id, "look")), Done)
    await bench.run(1)
    bench.consoles.remove(alice)
    await alice.stop()
    await bench.run(400)
    assert night.run(bob).held_at is None


async def test_what_one_command_has_taken_it_keeps(bench: Bench) -> None:
    night = Night(bench, step("look", timebox=None), step("next"))
    alice = await bench.console("alice")
    await night.begin(alice)
    one = await bench.console("cli", start=False)
    bench.consoles.remove(one)
    assert isinstance(await one.submit(cmd.TakeStep(night.id, "look")), Done)
    await one.stop()
    await bench.run(1)
    assert night.step(alice, "look").held_until == START + 5 * MINUTE


async def test_after_a_journal_was_down_nobody_was_gone(bench: Bench) -> None:
    night = Night(bench, program(timebox=None), step("next"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    await bench.run(10)
    bench.journal.problem = "disk full"
    await bench.run(400)
    bench.journal.problem = ""
    await bench.run(60)
    assert night.run(console).held_at is None
    held_until = night.step(console, "restart").held_until
    assert held_until is not None
    assert held_until > bench.clock.now()


# -- stopping ---------------------------------------------------------------------------------------------------------


async def test_somebody_stops_it_and_people_look(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES, timebox=None))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    assert not console.stop_job(night.id, "other")
    assert console.stop_job(night.id, "restart")
    (going,) = night.programs.going
    assert going.stop.is_set()
    going.end(None, why="stopped after 2 s")
    await bench.run(60)
    (effect,) = night.run(console).effects
    assert (effect.outcome, effect.answer) == ("unknown", "stopped by alice after 2.0 s")
    assert night.step(console, "restart").status == "active"
    assert len(night.programs.going) == 1


async def test_a_console_that_closes_ends_its_programs_and_says_so(bench: Bench) -> None:
    night = Night(bench, program(timebox=None))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    (going,) = night.programs.going
    closing = asyncio.create_task(console.stop())
    assert await asyncio.to_thread(going.stop.wait, 5)
    going.end(None, why="stopped after 2 s")
    await closing
    bench.consoles.remove(console)
    (finished,) = [event for event in bench.journal.read() if isinstance(event.payload, ev.EffectFinished)]
    assert finished.payload.outcome == "unknown"
    assert finished.payload.detail.startswith("stopped: the console was closed")


def test_how_it_is_judged() -> None:
    two = Program(("x",), exits=(0, 2))
    assert judged(two, Ended(2, 1.0, "", "")) == ("done", "exit status 2 after 1.0 s")
    assert judged(two, Ended(1, 1.0, "", ""))[0] == "refused"
    assert judged(two, Ended(None, 1.0, "", "", "ended by SIGKILL")) == ("unknown", "ended by SIGKILL")
    assert judged(two, Ended(0, 1.0, "", ""), "stopped by alice")[0] == "done", "it was faster"
    assert judged(two, Ended(143, 1.0, "", ""), "stopped by alice")[0] == "unknown", "it heard of it, and ended itself"


# -- one command, and the screen --------------------------------------------------------------------------------------


async def test_one_command_waits_for_its_program_and_what_follows(bench: Bench) -> None:
    night = Night(bench, program(), step("next"))
    console = await bench.console("alice", start=False)
    await night.begin(console)
    night.programs.at_once = [ENDED]
    assert isinstance(await console.submit(cmd.RunProgram(night.id, "restart")), Done)
    await console.finish_jobs()
    assert night.step(console, "restart").status == "done"
    assert night.step(console, "next").status == "active"
    assert console.board.jobs == ()


async def test_one_command_makes_the_tries_that_the_playbook_declares(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES, timebox=None), step("next"))
    one = await bench.console("alice", start=False)
    await night.begin(one)
    night.programs.at_once = [FAILED, FAILED, ENDED]
    assert isinstance(await one.submit(cmd.RunProgram(night.id, "restart")), Done)
    finishing = asyncio.create_task(one.finish_jobs())
    for _ in range(60):
        await bench.run(1)
    assert finishing.done()
    await finishing
    assert [effect.outcome for effect in night.run(one).effects] == ["refused", "refused", "done"]
    assert night.step(one, "next").status == "active"
    await one.stop()
    bench.consoles.remove(one)


async def test_one_command_waits_for_the_engine_of_another_console(bench: Bench) -> None:
    night = Night(bench, program(on_failure=TRIES, timebox=None), step("next"))
    alice = await bench.console("alice")
    await night.begin(alice)
    one = await bench.console("cli", start=False)
    night.programs.at_once = [FAILED, ENDED]
    assert isinstance(await one.submit(cmd.RunProgram(night.id, "restart")), Done)
    finishing = asyncio.create_task(one.finish_jobs())
    for _ in range(40):
        await bench.run(1)
    assert finishing.done()
    await finishing
    assert alice.board.lease.holder == "alice"
    assert night.step(alice, "restart").status == "done"
    await one.stop()
    bench.consoles.remove(one)


async def test_lines_are_shown_while_it_runs_and_not_too_often(bench: Bench) -> None:
    night = Night(bench, program())
    console = await bench.console()
    await night.begin(console)
    await night.ask(console)
    tails: list[tuple[str, ...]] = []
    shown = asyncio.Event()

    def look(board: Board) -> None:
        tails.append(board.jobs[0].tail)
        shown.set()

    console.subscribe(look)
    for number in range(1000):
        night.programs.going[0].tell(f"line {number} \x1b[2J")
    async with asyncio.timeout(30):
        await shown.wait()
    assert len(tails) == 1
    assert len(tails[0]) == TAIL
    assert tails[0][-1] == "line 999 \ufffd[2J"


async def test_several_at_once(bench: Bench) -> None:
    night = Night(bench, program("one", parallel=True), program("two"))
    console = await bench.console()
    await night.begin(console)
    await night.ask(console, "one")
    await night.ask(console, "two")
    assert [job.step for job in console.board.jobs] == ["one", "two"]
    night.programs.going[1].end()
    await night.settled()
    assert [job.step for job in console.board.jobs] == ["one"]
    night.programs.going[0].end()
    await night.settled()
    assert night.run(console).status == "completed"
