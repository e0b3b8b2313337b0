"""What becomes of a flag step: only what was read back is done, and whatever else came leaves the step open and says
why. And the rollout's flag as a reading."""

from __future__ import annotations

import pytest

from console.engine.outcome import Denied, Done
from console.model import commands as cmd
from console.model.flag import FlagAnswer, FlagOutcome
from console.model.reading import ReadingState
from console.model.run import RunStatus, StepStatus
from console.ports import Rejected, SourceError, Uncertain
from tests.engine.bench import Bench, Flags
from tests.engine.test_console import started_run

LOST = FlagAnswer(FlagOutcome.LOST, "elicitation is at 30 %, not at 5 %: somebody else was faster", 30.0, 30.0)
INEFFECTIVE = FlagAnswer(FlagOutcome.INEFFECTIVE, "elicitation was set to 0 %; it reads 5 %", 5.0, 5.0, 0.2)
ALREADY = FlagAnswer(FlagOutcome.ALREADY, "elicitation is at 0 % already", 0.0, 0.0)


class Answering(Flags):
    """Answers the next writes as it is told."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench.clock)
        self.percent = 5.0
        self.answers: list[FlagAnswer | Exception] = []

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        if not self.answers:
            return super().set_percent(flag, percent, expected)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def flags(bench: Bench) -> Answering:
    found = Answering(bench)
    bench.flags = found
    return found


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (LOST, "somebody else was faster"),
        (INEFFECTIVE, "it reads 5 %"),
        (Rejected("unleash: answers 403: no UPDATE_FEATURE_STRATEGY"), "403"),
        (SourceError("unleash: no complete answer within 5 s"), "no complete answer"),
    ],
)
async def test_what_was_not_carried_out_leaves_the_step_open_and_says_why(
    bench: Bench, flags: Answering, answer: FlagAnswer | Exception, words: str
) -> None:
    console = await bench.console(flags=True)
    run = await started_run(console)
    flags.answers = [answer]

    denied = await console.submit(cmd.SetFlag(run, "disable"))

    assert isinstance(denied, Denied)
    assert not denied.unknown
    assert words in denied.reason
    seen = console.board.run(run)
    assert seen is not None
    assert (seen.effects[0].outcome, seen.steps["disable"].status) == ("refused", "failed")
    assert words in seen.effects[0].answer
    assert (seen.status, seen.steps["disable"].open) == (RunStatus.RUNNING, True)
    assert flags.set == [], "it is not repeated by itself"
    again = await console.submit(cmd.RetryStep(run, "disable"))
    assert isinstance(again, Done)
    assert isinstance(await console.submit(cmd.SetFlag(run, "disable")), Done)
    assert flags.set == [("elicitation", 0.0)]


@pytest.mark.parametrize("fault", [Uncertain("unleash: the answer was lost"), KeyError("secret-4711")])
async def test_a_doubt_stays_a_doubt_and_its_step_open(bench: Bench, flags: Answering, fault: Exception) -> None:
    console = await bench.console(flags=True)
    run = await started_run(console)
    flags.answers = [fault]

    denied = await console.submit(cmd.SetFlag(run, "disable"))

    assert isinstance(denied, Denied)
    assert denied.unknown
    assert denied.reason.startswith("outcome unknown: ")
    assert "secret-4711" not in denied.reason
    seen = console.board.run(run)
    assert seen is not None
    assert seen.effects[0].outcome == ""
    assert seen.steps["disable"].status is StepStatus.ACTIVE
    await bench.run(600)
    assert flags.set == [], "it is never repeated unasked"


async def test_what_is_so_already_counts_as_done(bench: Bench, flags: Answering) -> None:
    console = await bench.console(flags=True)
    run = await started_run(console)
    flags.answers = [ALREADY]

    assert isinstance(await console.submit(cmd.SetFlag(run, "disable")), Done)

    seen = console.board.run(run)
    assert seen is not None
    assert (seen.effects[0].outcome, seen.effects[0].answer) == ("done", "elicitation is at 0 % already")


# -- the reading ------------------------------------------------------------------------------------------------------


async def test_the_rollouts_flag_is_a_reading_that_follows_the_provider(bench: Bench, flags: Answering) -> None:
    console = await bench.console(flags=True)
    await bench.run(1)
    assert console.board.readings["flag.percent"].value == 5.0
    assert console.board.readings["flag.percent"].ok
    flags.percent = 30.0
    await bench.run(17)  # 15 s, and the jitter
    assert console.board.readings["flag.percent"].value == 30.0


async def test_a_provider_that_falls_silent_makes_the_reading_stale_and_one_that_never_spoke_unknown(
    bench: Bench,
    flags: Answering,
) -> None:
    console = await bench.console(flags=True)
    await bench.run(1)
    flags.error = "unleash: answers 503"
    await bench.run(17)
    reading = console.board.readings["flag.percent"]
    assert (reading.state, reading.value, reading.note) == (ReadingState.STALE, 5.0, "unleash: answers 503")
    [status] = [item for item in console.board.sources if item.name == "flags"]
    assert (status.state, status.error) == (ReadingState.UNREACHABLE, "unleash: answers 503")
    late = await bench.console("bob", flags=True)
    await bench.run(1)
    assert (late.board.readings["flag.percent"].state, late.board.readings["flag.percent"].value) == (
        ReadingState.UNREACHABLE, None,
    )  # fmt: skip


async def test_without_a_provider_there_is_no_such_reading(bench: Bench) -> None:
    console = await bench.console()
    await bench.run(1)
    assert "flag.percent" not in console.board.readings
    assert "flags" not in {item.name for item in console.board.sources}
