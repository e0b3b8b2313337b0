"""What the events of a rollout, of its decisions and of its rollback say, as sentences of the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from console.model import events as ev
from console.model.decision import the_step
from console.view.line import Tone
from console.view.response_events import Writer, because
from console.view.times import clock, span_of


def _share(percent: float | None) -> str:
    return "an unknown share" if percent is None else f"{percent:g} %"


def _glass(reason: str) -> str:
    return f"; BREAK-GLASS: {reason}" if reason else ""


def _seconds(seconds: float) -> str:
    return span_of(timedelta(seconds=seconds), seconds=True)


# -- the share --------------------------------------------------------------------------------------------------------


def _begun(p: ev.RolloutBegun, _: str) -> tuple[Tone, str]:
    revision = f", revision {p.revision}" if p.revision else ""
    phases = ", ".join(f"{phase:g}" for phase in p.phases)
    return Tone.STRONG, f"rollout {p.plan} begun at {_share(p.percent)}{revision}: phases {phases} %"


def _write_intended(p: ev.WriteIntended, _: str) -> tuple[Tone, str]:
    why = {"promote": "to promote", "rollback": "to roll back"}.get(p.purpose, "")
    head = f"about to set {p.flag} from {p.before:g} to {p.percent:g} %{f' {why}' if why else ''}"
    return (Tone.ALARM if p.break_glass else Tone.WARNING), f"{head}{because(p.reason)}{_glass(p.break_glass)}"


def _write_finished(p: ev.WriteFinished, _: str) -> tuple[Tone, str]:
    tone = {"done": Tone.OK, "refused": Tone.CRITICAL}.get(p.outcome, Tone.UNKNOWN)
    head = {"done": "the flag is set", "refused": "the flag was NOT SET"}.get(p.outcome, "OUTCOME UNKNOWN of the flag")
    seen = f", read back at {p.observed:g} %" if p.observed is not None else ""
    return tone, f"{head}{seen}{because(p.answer)}"


def _entered(p: ev.PhaseEntered, _: str) -> tuple[Tone, str]:
    seen = "no share is measured" if p.measured is None else f"{p.measured:.1f} % are measured"
    return Tone.STRONG, f"phase {p.percent:g} % entered, the bake begins ({seen})"


def _moved(p: ev.ShareMoved, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"the flag was set elsewhere: {p.percent:g} %, was {_share(p.before)}"


def _revision(p: ev.RevisionChanged, _: str) -> tuple[Tone, str]:
    if not p.before:
        return Tone.NORMAL, f"revision {p.revision} is rolled out"
    return Tone.WARNING, f"revision {p.revision} in place of {p.before}: the bake begins anew"


def _disagreed(p: ev.ShareDisagreed, _: str) -> tuple[Tone, str]:
    since = clock(p.since, seconds=True)
    return Tone.WARNING, f"{p.measured:.1f} % of the traffic are measured and {p.set:g} % are set, since {since}"


def _agreed(p: ev.ShareAgreed, _: str) -> tuple[Tone, str]:
    return Tone.OK, f"the measured share is what is set again: {p.measured:.1f} % of {p.set:g} %"


# -- held, breached, rolled back --------------------------------------------------------------------------------------


def _recovered(p: ev.GuardrailRecovered, _: str) -> tuple[Tone, str]:
    if p.removed:
        told = f"the breach of {p.guardrail} was let go, which the plan has no longer"
        return Tone.WARNING, f"{told}{because(p.why)}"
    return Tone.OK, f"guardrail {p.guardrail} holds again{because(p.why)}"


def _released(p: ev.RolloutReleased, _: str) -> tuple[Tone, str]:
    anew = ", the bake begins anew" if p.bake_anew else ""
    return Tone.STRONG, f"rollout released{anew}{because(p.reason)}"


def _finished(p: ev.RolloutFinished, _: str) -> tuple[Tone, str]:
    glass = _glass(p.break_glass)
    return (
        Tone.ALARM if glass else Tone.STRONG
    ), f"rollout finished: the last phase has baked{because(p.reason)}{glass}"


def _breached(p: ev.GuardrailBreached, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"guardrail {p.guardrail} BREACHED{' (fast rule)' if p.fast else ''}{because(p.why)}"


def _countdown(p: ev.CountdownStarted, _: str) -> tuple[Tone, str]:
    at = clock(p.at, seconds=True)
    return Tone.ALARM, f"the rollback starts by itself at {at}, unless it is cancelled{because(p.why)}"


def _cancelled(p: ev.CountdownCancelled, _: str) -> tuple[Tone, str]:
    return Tone.WARNING, f"the countdown to the rollback was cancelled{because(p.reason)}"


def _rollback_begun(p: ev.RollbackBegun, _: str) -> tuple[Tone, str]:
    return Tone.ALARM, f"ROLLBACK begun{' by the console itself' if p.automatic else ''}{because(p.reason)}"


def _rollback_ended(p: ev.RollbackEnded, _: str) -> tuple[Tone, str]:
    if p.completed:
        return Tone.OK, f"rolled back{because(p.answer)}"
    return Tone.ALARM, f"the rollback ended BEFORE ITS END, the rollout is held{because(p.answer)}"


# -- what is known of rollbacks ---------------------------------------------------------------------------------------


def _predicted(p: ev.RollbackPredicted, _: str) -> tuple[Tone, str]:
    # In seconds, as the command that it comes from.
    named = (("half", p.p50), ("80 %", p.p80), ("95 %", p.p95))
    parts = [f"{name} within {_seconds(value)}" for name, value in named if value is not None]
    of = f"from {p.runs} measured" if p.runs else "none was measured"
    return Tone.NORMAL, f"rollback predicted: {', '.join(parts) or 'no figure'} ({of})"


def _measured(p: ev.RollbackMeasured, _: str) -> tuple[Tone, str]:
    where = f", which {p.quantile:.0%} were predicted to need at most" if p.quantile is not None else ""
    speed = f" at {p.speed:g} times real time" if p.speed != 1 else ""
    return Tone.NORMAL, f"rollback by {p.playbook} took {_seconds(p.seconds)} ({p.source}{speed}){where}"


def _renewed(p: ev.ProofRenewed, _: str) -> tuple[Tone, str]:
    until = f", counts until {p.expires_at:%Y-%m-%d %H:%M}Z" if p.expires_at else ""
    return Tone.OK, f"proven: {p.name} ({p.source}{until}){because(p.evidence)}"


def _broken(p: ev.ProofBroken, _: str) -> tuple[Tone, str]:
    return Tone.CRITICAL, f"proof FAILED: {p.name} ({p.source}){because(p.evidence)}"


# -- decisions --------------------------------------------------------------------------------------------------------


def _for(phase: float | None) -> str:
    return f" for {phase:g} %" if phase is not None else ""


def _attested(p: ev.CriterionAttested, _: str) -> tuple[Tone, str]:
    head = f"{p.criterion} {'holds' if p.holds else 'does NOT hold'}{_for(p.phase)}"
    link = f", see {p.link}" if p.link else ""
    return (Tone.NORMAL if p.holds else Tone.WARNING), f"{head}{because(p.note)}{link}"


def _approved(p: ev.PhaseApproved, _: str) -> tuple[Tone, str]:
    done = "approved" if p.approved else "approval WITHDRAWN of"
    role = f" as {p.role}" if p.role else ""
    return (Tone.STRONG if p.approved else Tone.WARNING), f"{done} {p.phase:g} %{role} ({p.criterion}){because(p.note)}"


def _certified(p: ev.DecisionCertified, _: str) -> tuple[Tone, str]:
    step = the_step(p.from_percent, p.to_percent)
    conditions = f", {len(p.conditions)} conditions" if p.conditions else ""
    override = f"; against the findings ({p.verdict}): {p.override}" if p.override else ""
    second = f", with {p.second}" if p.second else ""
    tone = Tone.ALARM if p.break_glass else Tone.WARNING if p.override else Tone.STRONG
    return tone, f"decided {p.status} on {step}{conditions}{override}{second}{_glass(p.break_glass)}"


WRITERS: Mapping[type[Any], Writer] = {
    ev.RolloutBegun: _begun,
    ev.WriteIntended: _write_intended,
    ev.WriteFinished: _write_finished,
    ev.PhaseEntered: _entered,
    ev.ShareMoved: _moved,
    ev.RevisionChanged: _revision,
    ev.RolloutHeld: lambda p, t: (Tone.WARNING, f"rollout HELD{because(p.reason)}"),
    ev.RolloutReleased: _released,
    ev.RolloutAborted: lambda p, t: (Tone.WARNING, f"rollout given up where it is{because(p.reason)}"),
    ev.RolloutFinished: _finished,
    ev.GuardrailBreached: _breached,
    ev.GuardrailRecovered: _recovered,
    ev.ShareDisagreed: _disagreed,
    ev.ShareAgreed: _agreed,
    ev.CountdownStarted: _countdown,
    ev.CountdownCancelled: _cancelled,
    ev.RollbackBegun: _rollback_begun,
    ev.RollbackEnded: _rollback_ended,
    ev.RollbackPredicted: _predicted,
    ev.RollbackMeasured: _measured,
    ev.ProofRenewed: _renewed,
    ev.ProofBroken: _broken,
    ev.CriterionAttested: _attested,
    ev.PhaseApproved: _approved,
    ev.DecisionCertified: _certified,
}
