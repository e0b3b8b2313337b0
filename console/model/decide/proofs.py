"""The rules of what proves that a rollback is possible.

The write path is proven by a write that was read back: of a canary flag, or of the flag itself in a real rollback. A
canary that was toggled is a temporary change until it has been set back: its way back is in the ledger.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Any

from console.model import commands as cmd
from console.model import events as ev
from console.model.change import Change, ChangeKind
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.flag import FlagAnswer, FlagOutcome
from console.model.readiness import names_of
from console.model.rollback import BY_PEOPLE, PEOPLE_LIFE, WRITE_LIFE, Source, StandingProof, write_basis
from console.model.rolling import same_share
from console.model.rollout_plan import RollbackPlan
from console.model.state import State
from console.model.value import value

WRITE_PATH = "write-path"
STANDING = (WRITE_PATH, *BY_PEOPLE)
"""The proofs that are kept in the record; the others are read anew with every round."""


def renew(state: State, command: cmd.RenewProof, context: Context) -> list[Batch]:
    """How a proof was tried. What people say is evidence of people, and of no machine; what was simulated is, too."""
    if command.name not in STANDING:
        raise Refusal(f"{command.name} is no proof that is kept in the record; expected {', '.join(STANDING)}")
    try:
        source = Source(command.source)
    except ValueError:
        raise Refusal(f"{command.source} is no source of a proof; expected {', '.join(Source)}") from None
    if source is Source.PROBE:
        raise Refusal("what a probe says is read anew, and not kept")
    source = Source.SIMULATED if context.mode != "live" else source
    said = source is Source.PEOPLE or (source is Source.SIMULATED and context.mode == "live")
    if said and command.name not in BY_PEOPLE:
        raise Refusal(f"{command.name} is proven by a write that is read back; `oncall rollback prove` does one")
    evidence = required(command.evidence, "the evidence")
    known = _known(state, command.name, context)
    if command.broken:
        return [Batch(known.stream, known.version, (ev.ProofBroken(command.name, evidence, source.value),))]
    expires = command.expires_at or _expiry(command.name, context)
    if expires is not None and expires <= context.now:
        raise Refusal(f"{expires:%Y-%m-%d %H:%M:%S}Z has passed: it would prove nothing")
    event = replace(_renewed(command.name, evidence, source, command.seconds, context), expires_at=expires)
    return [Batch(known.stream, known.version, (event,))]


def prove(state: State, command: cmd.ProveWritePath, context: Context) -> list[Batch]:
    """The intent, in the proof's stream and in the ledger. A canary that was not set back is settled first."""
    canary, plan = _rollback(context).canary_flag, context.plan
    if not context.flags:
        raise Refusal("nothing here can set flags: flags in console.yaml says who can")
    if not canary:
        raise Refusal("no canary flag is configured: rollback.canary_flag in rollout.yaml names one")
    if command.flag != canary:
        raise Refusal(f"{command.flag} is not the canary flag {canary}: nothing else is toggled for a proof")
    if plan is not None and canary == plan.flag:
        raise Refusal(f"{canary} is the flag of the rollout itself: toggling it would move its traffic")
    for share in (command.before, command.other):
        if not (isfinite(share) and 0 <= share <= 100):
            raise Refusal(f"{share:g} is no share of 0 to 100 %")
    if command.before == command.other:
        raise Refusal(f"{canary} is at {command.before:g} % already: nothing would be proven")
    if (change := _open(state, canary, context)) is not None:
        raise Refusal(f"{change.label}: {change.what} is {change.state}: settle it first (`oncall changes settle`)")
    known = _known(state, WRITE_PATH, context)
    detail = f"from {command.before:g} to {command.other:g} % and back, to prove the write path"
    intent = ev.EffectIntended(context.fresh(), "canary flag", canary, detail)
    ledger = ev.ChangeIntended(
        ChangeKind.FLAG,
        _target(canary, context),
        f"{canary} set to {command.other:g} % to prove the write path",
        f"set {canary} back to {command.before:g} %",
    )
    return [Batch(known.stream, known.version, (intent,)), Batch(f"change:{context.fresh()}", 0, (ledger,))]


@value
class Toggled:
    """How both writes went: `there` is the first, `back` the second; an error in words where there is no answer.
    `unknown`: no answer came to the second, and it may have been carried out."""

    there: FlagAnswer | str
    back: FlagAnswer | str = ""
    unknown: bool = False

    @property
    def seconds(self) -> float | None:
        """How long the slower of both took until it was read back."""
        found = [item.seconds for item in (self.there, self.back) if isinstance(item, FlagAnswer)]
        known = [item for item in found if item is not None]
        return max(known) if known else None


def toggled(
    state: State, command: cmd.ProveWritePath, change_id: str, effect: str, found: Toggled, context: Context
) -> tuple[list[Batch], str]:
    """What follows from a toggle of the canary: for the engine. Beside it why the path is not proven, in one line;
    empty when it is."""
    there, back = _words(found.there), _words(found.back)
    known, change = _known(state, WRITE_PATH, context), state.changes[change_id]
    source = Source.CANARY if context.mode == "live" else Source.SIMULATED
    ledger: tuple[Any, ...]
    proof: tuple[Any, ...]
    took = f", read back within {found.seconds:.2g} s" if found.seconds is not None else ""
    moved = f"set to {command.other:g} % and back to {command.before:g} %"
    if not stands(found.there, command.other):
        lost = _lost(found.there)
        # It was taken, and something else is read back: it may still come to it.
        ledger = (ev.ChangeRefused(there),)
        if not lost and _moved(found.there, command.before):
            ledger = (ev.ChangeMade(there),)
        why = f"{command.flag} was not toggled: {there}"
        proof = () if lost else (ev.ProofBroken(WRITE_PATH, why, source.value),)
    elif stands(found.back, command.before):
        ledger, why = (ev.ChangeMade(there), ev.ChangeUndone(back)), ""
        proof = (_renewed(WRITE_PATH, f"{command.flag} {moved}{took}", source, found.seconds, context),)
    elif _lost(found.back):
        ledger, proof = (ev.ChangeMade(there), ev.ChangeUndone(back)), ()
        why = f"somebody else changed {command.flag} meanwhile: {back}"
    else:
        undone = (ev.UndoIntended("set back"),) if found.unknown else ()
        ledger = (ev.ChangeMade(there), *undone)
        is_ = "it is NOT KNOWN WHETHER IT WAS SET BACK" if found.unknown else "it COULD NOT BE SET BACK"
        why = f"{command.flag} is at {command.other:g} %, {is_} to {command.before:g} %: {back}"
        proof = (ev.ProofBroken(WRITE_PATH, why, source.value),)
    ended = ev.EffectFinished(effect, "refused" if why else "done", why or f"{moved}{took}")
    return [
        Batch(known.stream, known.version, (ended, *proof)),
        Batch(change.stream, change.version, ledger),
    ], why


def written(state: State, flag: str, percent: float, found: FlagAnswer | str, context: Context) -> list[Batch]:
    """What a write of the rollout's own flag says of the write path: for the engine, beside the outcome. `found`: what
    the provider answered, or why it refused. Only one to 0 % proves it: what sets a share above that may use another
    permission. Only one by which the flag was seen to change: a 0 over a 0 reads the same where nothing is ever
    written. One that somebody else was faster with says nothing, and is not for this."""
    if context.plan is None or flag != context.plan.flag or percent != 0:
        return []
    known = _known(state, WRITE_PATH, context)
    source = Source.REAL if context.mode == "live" else Source.SIMULATED
    if not isinstance(found, FlagAnswer) or not stands(found, percent):
        why = f"{flag} was not set to 0 %: {_words(found)}"
        return [Batch(known.stream, known.version, (ev.ProofBroken(WRITE_PATH, why, source.value),))]
    if found.before is None or same_share(found.before, percent) or not _measured(found.before, context):
        return []
    event = _renewed(WRITE_PATH, f"{flag} was set to 0 %: {found.text}", source, found.seconds, context)
    return [Batch(known.stream, known.version, (event,))]


def _measured(share: float, context: Context) -> bool:
    """Whether the flag gave a share by what is measured, too; true where none is measured."""
    reading, plan = context.readings.get("rollout.percent"), context.plan
    if plan is None or reading is None or not reading.ok:
        return True
    return plan.agrees(share, reading.value)


def _words(answer: FlagAnswer | str) -> str:
    return answer if isinstance(answer, str) else answer.text


def stands(answer: FlagAnswer | str, wanted: float) -> bool:
    """Whether a write was carried out and read back as it was asked for."""
    if not isinstance(answer, FlagAnswer) or answer.outcome is not FlagOutcome.DONE or answer.after is None:
        return False
    return same_share(answer.after, wanted)


def _lost(answer: FlagAnswer | str) -> bool:
    """Whether somebody else was faster: what is there now is theirs."""
    return isinstance(answer, FlagAnswer) and answer.outcome in (FlagOutcome.LOST, FlagOutcome.ALREADY)


def _moved(answer: FlagAnswer | str, before: float) -> bool:
    """Whether something else than before is read back, or nothing, after a write that was taken."""
    return isinstance(answer, FlagAnswer) and answer.after != before


def _renewed(name: str, evidence: str, source: Source, seconds: float | None, context: Context) -> ev.ProofRenewed:
    return ev.ProofRenewed(name, evidence, source.value, _expiry(name, context), seconds, _basis(name, context))


def _expiry(name: str, context: Context) -> datetime | None:
    lives = {WRITE_PATH: WRITE_LIFE, "people": PEOPLE_LIFE, "drill": _rollback(context).drill_every}
    return context.now + lives[name]


def _basis(name: str, context: Context) -> str:
    """What it is proven of; practice is with people, whose rota turns: of drills, only the playbook counts."""
    if name == WRITE_PATH:
        flag = context.plan.flag if context.plan is not None else ""
        return write_basis(context.flags, flag, _rollback(context).canary_flag)
    return names_of(reach for reaches in context.rota.values() for reach in reaches) if name == "people" else ""


def _rollback(context: Context) -> RollbackPlan:
    return (context.plan.rollback if context.plan is not None else None) or RollbackPlan("")


def _known(state: State, name: str, context: Context) -> StandingProof:
    key = f"{context.target}/{name}"
    return state.standing.get(key, StandingProof(key))


def _target(canary: str, context: Context) -> str:
    return f"{canary} on {context.target}"


def _open(state: State, canary: str, context: Context) -> Change | None:
    """A toggle that nobody has settled."""
    target = _target(canary, context)
    return next((item for item in state.changes.values() if item.target == target and item.owed(context.now)), None)
