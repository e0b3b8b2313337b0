"""The canary flag is toggled and set back: proven only when both were read back, loud when it was not set back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from console.engine.outcome import Denied, Done
from console.model import commands as cmd
from console.model.change import ChangeStatus
from console.model.flag import FlagAnswer, FlagChange, FlagOutcome, FlagState
from console.model.rollback import WRITE_LIFE, ProofState
from console.model.rollout_plan import RollbackPlan
from console.ports import NotSaved, Rejected, SourceError, Uncertain
from tests.engine.bench import CONFIG, PLAN, START, Bench

CANARY = "canary"
ROLLBACK_PLAN = RollbackPlan("rollback-to-legacy", canary_flag=CANARY)
WANTED = cmd.ProveWritePath(CANARY, 0.0, 100.0)
FORBIDDEN = Rejected("unleash: 403: no permission to update this flag")
LATE = Uncertain("unleash: no answer within 5 s")
Fault = Exception | FlagAnswer | Callable[["Flags"], None]


class Flags:
    """Flags by name; each write may be told to go wrong, in order."""

    name = "test flags"

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.at = {CANARY: 0.0, PLAN.flag: 25.0}
        self.faults: list[Fault | None] = []
        self.writes: list[tuple[str, float, float | None]] = []
        self.seen_before: list[list[str]] = []
        self.rejects = ""
        self.asked_scope = 0

    def read(self, flag: str) -> FlagState:
        if self.rejects:
            raise Rejected(self.rejects)
        return FlagState(flag, self.at[flag], self.at[flag] > 0, self.bench.clock.now())

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        self.writes.append((flag, percent, expected))
        self.seen_before.append([event.kind for event in self.bench.journal.read()])
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, FlagAnswer):
            self.at[flag] = fault.after if fault.after is not None else self.at[flag]
            return fault
        if fault is not None:
            fault(self)
        before = self.at[flag]
        if expected is not None and before != expected:
            return FlagAnswer(FlagOutcome.LOST, f"{flag} is at {before:g} %: eve was faster", before, before)
        self.at[flag] = percent
        return FlagAnswer(FlagOutcome.DONE, f"{flag} is at {percent:g} %", before, percent, 0.25)

    def history(self, flag: str) -> tuple[FlagChange, ...]:
        return ()

    def scope(self, flag: str) -> str:
        self.asked_scope += 1
        return "it may read and write"


@pytest.fixture
def flags(bench: Bench) -> Flags:
    found = Flags(bench)
    bench.config = replace(CONFIG, rollout=replace(PLAN, rollback=ROLLBACK_PLAN))
    bench.outside = {"flags": found}
    bench.flags = found  # type: ignore[assignment]  # more than the bench's own
    return found


async def opened(bench: Bench, **more: bool):
    bench.outside.pop("flags", None)
    return await bench.console(flags=True, start=False, **more)


def proof(console):
    return next(item for item in console._published.build().readiness.proofs if item.name == "write-path")


def ledger(console):
    return [(item.label, item.state, item.undo) for item in console.state.changes.values()]


async def test_a_canary_that_was_toggled_and_set_back_proves_the_write_path(bench, flags):
    console = await opened(bench)
    assert "`oncall rollback prove` toggles canary" in proof(console).evidence

    outcome = await console.submit(WANTED)

    assert isinstance(outcome, Done)
    assert flags.writes == [(CANARY, 100.0, 0.0), (CANARY, 0.0, 100.0)]
    assert flags.seen_before[0] == ["effect.intended", "change.intended"]
    kinds = [event.kind for event in bench.journal.read()]
    assert kinds == [
        "effect.intended",
        "change.intended",
        "effect.finished",
        "proof.renewed",
        "change.made",
        "change.undone",
    ]
    streams = {event.stream for event in bench.journal.read()}
    assert "proof:lighthouse/production/write-path" in streams
    seen = proof(console)
    assert (seen.state, seen.source, seen.value) == (ProofState.PROVEN, "canary", 0.25)
    assert seen.evidence == "canary set to 100 % and back to 0 %, read back within 0.25 s, by alice"
    assert seen.expires_at == START + WRITE_LIFE
    assert [state for _, state, _ in ledger(console)] == [ChangeStatus.UNDONE]
    assert console.state.standing["lighthouse/production/write-path"].trying == ""


@pytest.mark.parametrize("mode", ["demo", "drill"])
async def test_in_a_simulated_world_it_is_simulated_whatever_it_says(bench, flags, mode):
    bench.journal._mode = mode
    console = await opened(bench)
    console._moments._mode = mode

    await console.submit(WANTED)

    standing = console.state.standing["lighthouse/production/write-path"]
    assert standing.source == "simulated"
    # The same proof in a live console proves nothing.
    assert (proof(console).state, proof(console).evidence[:14]) == (ProofState.UNKNOWN, "only simulated")


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (FORBIDDEN, "403"),
        (SourceError("unleash: connection refused"), "connection refused"),
        (FlagAnswer(FlagOutcome.INEFFECTIVE, "accepted, and read back as 0 %", 0.0, 0.0), "read back as 0 %"),
    ],
)
async def test_a_write_that_was_not_carried_out_breaks_the_proof_and_leaves_nothing_to_undo(bench, flags, first, words):
    console = await opened(bench)
    await console.submit(WANTED)
    flags.faults = [first]
    flags.writes.clear()

    outcome = await console.submit(WANTED)

    assert isinstance(outcome, Denied)
    assert words in outcome.reason
    assert not outcome.unknown
    assert len(flags.writes) == 1
    assert proof(console).state is ProofState.FAILED
    assert words in proof(console).evidence
    assert [state for _, state, _ in ledger(console)] == [ChangeStatus.UNDONE, ChangeStatus.REFUSED]
    assert isinstance(await console.submit(WANTED), Done)
    assert proof(console).state is ProofState.PROVEN


async def test_a_share_that_nobody_asked_for_is_owed(bench, flags):
    console = await opened(bench)
    flags.faults = [FlagAnswer(FlagOutcome.INEFFECTIVE, "accepted, and read back as 50 %", 0.0, 50.0)]

    await console.submit(WANTED)

    assert proof(console).state is ProofState.FAILED
    assert ledger(console) == [("CHG-2", ChangeStatus.IN_FORCE, "set canary back to 0 %")]


async def test_no_answer_leaves_it_open_and_it_is_not_repeated(bench, flags):
    console = await opened(bench)
    flags.faults = [LATE]

    outcome = await console.submit(WANTED)

    assert isinstance(outcome, Denied)
    assert outcome.unknown
    assert "OUTCOME UNKNOWN of setting canary from 0 to 100 %" in outcome.reason
    assert len(flags.writes) == 1
    assert [event.kind for event in bench.journal.read()] == ["effect.intended", "change.intended"]
    assert (proof(console).state, proof(console).evidence[:15]) == (ProofState.UNKNOWN, "OUTCOME UNKNOWN")
    again = await console.submit(WANTED)
    assert isinstance(again, Denied)
    assert "settle it first" in again.reason
    (change,) = console.state.changes
    await console.submit(cmd.SettleChange(change, ChangeStatus.REFUSED, "canary is at 0 % in Unleash"))
    assert isinstance(await console.submit(WANTED), Done)
    assert proof(console).state is ProofState.PROVEN


@pytest.mark.parametrize(
    ("second", "words", "unknown", "state"),
    [
        (FORBIDDEN, "it COULD NOT BE SET BACK to 0 %: unleash: 403", False, ChangeStatus.IN_FORCE),
        (LATE, "it is NOT KNOWN WHETHER IT WAS SET BACK to 0 %", True, ChangeStatus.UNDOING),
        (
            FlagAnswer(FlagOutcome.INEFFECTIVE, "accepted, and read back as 100 %", 100.0, 100.0),
            "COULD NOT BE SET BACK",
            False,
            ChangeStatus.IN_FORCE,
        ),
    ],
)
async def test_a_canary_that_is_not_set_back_is_said_loudly_and_owed(bench, flags, second, words, unknown, state):
    console = await opened(bench)
    flags.faults = [None, second]

    outcome = await console.submit(WANTED)

    assert isinstance(outcome, Denied)
    assert outcome.unknown == unknown
    assert words in outcome.reason
    assert proof(console).state is ProofState.FAILED
    assert words in proof(console).evidence
    assert ledger(console) == [("CHG-2", state, "set canary back to 0 %")]
    assert isinstance(await console.submit(WANTED), Denied)
    assert len(flags.writes) == 2


async def test_somebody_who_was_faster_breaks_nothing(bench, flags):
    console = await opened(bench)
    await console.submit(WANTED)
    flags.faults = [lambda found: found.at.update({CANARY: 40.0})]

    first = await console.submit(WANTED)

    assert isinstance(first, Denied)
    assert "eve was faster" in first.reason
    assert proof(console).state is ProofState.PROVEN
    assert flags.at[CANARY] == 40.0
    flags.faults = [None, lambda found: found.at.update({CANARY: 70.0})]
    second = await console.submit(cmd.ProveWritePath(CANARY, 40.0, 0.0))
    assert isinstance(second, Denied)
    assert flags.at[CANARY] == 70.0
    assert proof(console).state is ProofState.PROVEN
    assert {state for _, state, _ in ledger(console)} == {ChangeStatus.UNDONE, ChangeStatus.REFUSED}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (cmd.ProveWritePath(PLAN.flag, 25.0, 0.0), "is not the canary flag"),
        (cmd.ProveWritePath(CANARY, 0.0, 0.0), "nothing would be proven"),
        (cmd.ProveWritePath(CANARY, 0.0, 101.0), "no share"),
        (cmd.ProveWritePath(CANARY, float("nan"), 100.0), "no share"),
        (cmd.RenewProof("write-path", "believe me", "people"), "a write that is read back"),
        (cmd.RenewProof("write-path", "in a drill", "simulated"), "a write that is read back"),
        (cmd.RenewProof("backup", "believe me", "people"), "no proof that is kept"),
        (cmd.RenewProof("people", "believe me", "probe"), "read anew"),
        (cmd.RenewProof("people", "believe me", "rumour"), "no source"),
        (cmd.RenewProof("people", " ", "people"), "the evidence is empty"),
        (cmd.RenewProof("people", "both answered", "people", expires_at=START), "has passed"),
    ],
)
async def test_what_would_prove_nothing_is_refused_before_anything_is_done(bench, flags, command, why):
    console = await opened(bench)

    outcome = await console.submit(command)

    assert isinstance(outcome, Denied)
    assert why in outcome.reason
    assert flags.writes == []
    assert bench.journal.read() == []


@pytest.mark.parametrize("canary", ["", PLAN.flag])
async def test_without_a_canary_of_its_own_nothing_is_toggled(bench, flags, canary):
    plan = replace(PLAN, rollback=replace(ROLLBACK_PLAN, canary_flag=canary))
    bench.config = replace(CONFIG, rollout=plan)
    console = await opened(bench)

    outcome = await console.submit(cmd.ProveWritePath(canary or CANARY, 0.0, 100.0))

    assert isinstance(outcome, Denied)
    assert flags.writes == []


async def test_where_the_intent_cannot_be_saved_nothing_is_toggled(bench, flags, monkeypatch):
    console = await opened(bench)

    async def full(*_: object, **__: object) -> None:
        raise NotSaved("disk full")

    monkeypatch.setattr(bench.journal, "append", full)
    outcome = await console.submit(WANTED, unsaved=True)

    assert getattr(outcome, "may_proceed", None) is False  # a proof is no rollback
    assert flags.writes == []


async def test_an_outcome_that_cannot_be_saved_waits_in_the_spool(bench, flags, monkeypatch):
    console = await opened(bench)

    async def full(*_: object, **__: object) -> None:
        raise NotSaved("disk full")

    flags.faults = [lambda _: monkeypatch.setattr(bench.journal, "append", full)]
    outcome = await console.submit(WANTED)

    assert isinstance(outcome, Done)
    assert outcome.unsaved
    assert flags.at[CANARY] == 0.0
    assert proof(console).state is ProofState.PROVEN


async def test_whoever_breaks_off_waits_until_it_is_set_back(bench, flags):
    console = await opened(bench)
    begun, may_go = asyncio.Event(), asyncio.Event()

    async def slow(work: Callable[[], object]) -> object:
        begun.set()
        await may_go.wait()
        return work()

    object.__setattr__(console._world, "offload", slow)
    task = asyncio.ensure_future(console.submit(WANTED))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_go.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert flags.at[CANARY] == 0.0
    assert [event.kind for event in bench.journal.read()][-1] == "change.undone"
    assert proof(console).state is ProofState.PROVEN


async def test_a_proof_of_another_flag_or_provider_has_run_out(bench, flags):
    console = await opened(bench)
    await console.submit(WANTED)
    flags.name = "another provider"
    other = await opened(bench)

    assert proof(other).state is ProofState.EXPIRED
    assert "test flags: elicitation, canary canary; now it is another provider" in proof(other).evidence


async def test_after_a_crash_between_intent_and_outcome_it_is_unknown(bench, flags):
    console = await opened(bench)
    begun, never = asyncio.Event(), asyncio.Event()

    async def hangs(_: Callable[[], object]) -> None:
        begun.set()
        await never.wait()

    object.__setattr__(console._world, "offload", hangs)
    task = asyncio.ensure_future(console.submit(WANTED))
    await begun.wait()
    later = await opened(bench)

    assert (proof(later).state, proof(later).evidence[:15]) == (ProofState.UNKNOWN, "OUTCOME UNKNOWN")
    assert [state for _, state, _ in ledger(later)] == [ChangeStatus.INTENDED]
    for left in (task, *(item for item in asyncio.all_tasks() if item.get_name() == "prove")):
        left.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_people_say_that_they_can_be_reached_for_half_a_day(bench, flags):
    console = await opened(bench)

    await console.submit(cmd.RenewProof("people", "both answered the phone", "people"))

    standing = console.state.standing["lighthouse/production/people"]
    assert (standing.source, standing.evidence) == ("people", "both answered the phone")
    assert standing.expires_at == START + timedelta(hours=12)
    await console.submit(cmd.RenewProof("people", "ben does not answer", "people", broken=True))
    assert console.state.standing["lighthouse/production/people"].error == "ben does not answer"


# -- the rollout's own flag -------------------------------------------------------------------------------------------


def measured(bench, share):
    """What the metric source says of the share."""
    read = bench.metrics.read

    def told(queries, **more):
        found = dict(read(queries, **more))
        if "rollout.percent" in found:
            found["rollout.percent"] = replace(found["rollout.percent"], value=share())
        return found

    bench.metrics.read = told


async def test_a_way_back_that_was_carried_out_proves_the_write_path_and_one_that_was_refused_breaks_it(bench, flags):
    measured(bench, lambda: flags.at[PLAN.flag])
    console = await opened(bench)
    await console.ask()
    assert isinstance(await console.submit(cmd.BeginRollout("rev-1")), Done)
    flags.faults = [FORBIDDEN]

    refused = await console.submit(cmd.SetShare(0.0, 25.0, reason="errors"))

    assert isinstance(refused, Denied)
    assert (proof(console).state, proof(console).source) == (ProofState.FAILED, "real")
    assert "elicitation was not set to 0 %: unleash: 403" in proof(console).evidence
    done = await console.submit(cmd.SetShare(0.0, 25.0, reason="errors"))
    assert isinstance(done, Done)
    assert flags.at[PLAN.flag] == 0.0
    assert (proof(console).state, proof(console).source, proof(console).value) == (ProofState.PROVEN, "real", 0.25)
    kinds = [event.kind for event in bench.journal.read()]
    assert kinds.index("rollout.write_finished") < kinds.index("proof.broken") < kinds.index("proof.renewed")


async def test_a_server_that_takes_every_write_and_keeps_none_is_proven_by_no_zero_over_a_zero(bench, flags):
    flags.at[PLAN.flag] = 0.0
    accepted = FlagAnswer(FlagOutcome.DONE, "elicitation was at 0 %, is set to 0 %", 0.0, 0.0, 0.2)
    flags.faults = [accepted, accepted, FlagAnswer(FlagOutcome.INEFFECTIVE, "accepted; it reads 0 %", 0.0, 0.0, 0.2)]
    console = await opened(bench)
    await console.ask()

    assert isinstance(await console.submit(cmd.SetShare(0.0, 0.0, reason="to be sure")), Done)

    assert proof(console).state is ProofState.UNKNOWN
    assert isinstance(await console.submit(cmd.SetShare(0.0, 0.0, reason="once more")), Done)
    assert proof(console).state is ProofState.UNKNOWN
    assert isinstance(await console.submit(WANTED), Denied)
    assert (proof(console).state, proof(console).source) == (ProofState.FAILED, "canary")


async def test_a_flag_that_says_another_share_than_is_measured_is_not_proven_by_its_word(bench, flags):
    measured(bench, lambda: 100.0)
    console = await opened(bench)
    await console.ask()

    assert isinstance(await console.submit(cmd.SetShare(0.0, 25.0, reason="errors")), Done)

    assert flags.at[PLAN.flag] == 0.0
    assert proof(console).state is ProofState.UNKNOWN


async def test_a_share_above_none_proves_nothing(bench, flags):
    console = await opened(bench)
    await console.ask()
    await console.submit(cmd.BeginRollout("rev-1"))

    done = await console.submit(cmd.SetShare(5.0, 25.0, reason="less"))

    assert isinstance(done, Done)
    assert proof(console).state is ProofState.UNKNOWN
