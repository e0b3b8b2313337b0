"""Can we roll back right now, how long would it take, and how do we know? Nothing here is invented: what was not proven
or measured says so."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.estimate import Driver, Estimate, Remaining
from console.model.rollback import Can, Proof, ProofState, Readiness
from console.view.line import Line, Tone, clip, first_fit, fit, join, line, span
from console.view.look import Look
from console.view.rollout_words import CLOSE, minutes
from console.view.times import age, clock, count, past, span_of, timebox

CAN = {Can.YES: ("YES", Tone.OK), Can.NO: ("NO", Tone.CRITICAL), Can.UNVERIFIED: ("UNVERIFIED", Tone.UNKNOWN)}
TONES = {
    ProofState.PROVEN: Tone.OK,
    ProofState.FAILED: Tone.CRITICAL,
    ProofState.EXPIRED: Tone.UNKNOWN,
    ProofState.UNKNOWN: Tone.UNKNOWN,
    ProofState.NOT_NEEDED: Tone.DIM,
}
_WORST = (ProofState.FAILED, ProofState.EXPIRED, ProofState.UNKNOWN)
_MARGIN = 9
ROWS = 3
"""Proofs that are not proven, of which the Overview has a row each."""
LATE = timedelta(seconds=10)
"""An estimate that is older than what it rests on by so much says so: it is computed anew within a moment."""
NO_RETURN = "no-return"
"""The proof that the point of no return is not passed."""


def verdict(readiness: Readiness, now: datetime, width: int, look: Look) -> Line:
    """CAN ROLL BACK, in one word, with how much of it is proven, and what stands against it."""
    word, tone = CAN[readiness.can_at(now)]
    needed = [proof for proof in readiness.proofs if proof.state is not ProofState.NOT_NEEDED]
    states = [proof.state_at(now) for proof in needed]
    head = line(
        look.marks.of(tone),
        span("CAN ROLL BACK: ", Tone.STRONG),
        span(word, tone),
        span(f" ({states.count(ProofState.PROVEN)}/{len(needed)} proven)", Tone.NORMAL),
    )
    if tone is Tone.OK:
        seen = [proof.at for proof in needed if proof.at is not None]
        oldest = f" verified {age(max(seen), now, look)} ago" if seen else ""
        return clip(line(head, span(oldest, Tone.DIM)), width)
    return clip(line(head, " ", against(readiness, now)), width)


def against(readiness: Readiness, now: datetime) -> Line:
    """What is not proven, the worst first: a failed proof with its evidence, the others by name."""
    pieces = []
    for state in _WORST:
        found = [proof for proof in readiness.proofs if proof.state_at(now) is state]
        if not found:
            continue
        found.sort(key=lambda proof: proof.name != NO_RETURN)
        names = ", ".join(proof.name for proof in found)
        text = f"{found[0].name}: {found[0].evidence}" if state is ProofState.FAILED else f"{state}: {names}"
        pieces.append(line(span(text, TONES[state])))
    return join(pieces, "; ")


def time_line(estimate: Estimate, now: datetime, width: int, look: Look) -> Line:
    """TIME: how long it would take, with the probabilities, and on what that rests."""
    head = span(fit("TIME", _MARGIN), Tone.STRONG)
    if estimate.p50 is None:
        return clip(line(head, span(f"unknown: {estimate.statement}", Tone.UNKNOWN)), width)
    most = estimate.p95 if estimate.p95 is not None else estimate.p80
    low, high = estimate.p50 / 60, (most if most is not None else estimate.p50) / 60
    span_text = line(span(f"{low:.0f}-{high:.0f} min ", Tone.STRONG if not estimate.human_only else Tone.UNKNOWN))
    quantiles = line(span(f"(P50 {minutes(estimate.p50)}, P95 {minutes(estimate.p95)}) ", Tone.NORMAL))
    least = look.marks.at_most
    chances = line(
        *(span(f" P({least}{length} min) {_sure(chance)}", _chance(chance)) for length, chance in estimate.within)
    )
    rests = line(span(f"  {basis(estimate, now, look)}", Tone.DIM))
    people = line(span("  people only: drills measure no machine", Tone.UNKNOWN)) if estimate.human_only else ()
    people = line(people, _late(estimate.at, now))
    return first_fit(
        width,
        line(head, span_text, quantiles, chances, people, rests),
        line(head, span_text, quantiles, chances, people, span(f"  n={estimate.runs}", Tone.DIM)),
        line(head, span_text, quantiles, chances, people),
        line(head, span_text, chances, _late(estimate.at, now)),
    )


def _late(at: datetime | None, now: datetime) -> Line:
    """As of when it is, where one of now is long in coming."""
    if at is None or now - at < LATE:
        return ()
    return line(span(f"  of {clock(at, seconds=True)}: what it rests on has changed since", Tone.UNKNOWN))


def _sure(chance: float) -> str:
    """Never rounded up to certainty, or down to none."""
    return f"{min(max(round(chance * 100), 1), 99)} %"


def _chance(chance: float) -> Tone:
    return Tone.NORMAL if chance >= 0.8 else Tone.WARNING if chance >= 0.5 else Tone.CRITICAL


def to_go(remaining: Remaining, now: datetime, width: int) -> Line:
    """TO GO: how much longer the rollback under way takes; loud where that is past its objective."""
    head = span(fit("TO GO", _MARGIN), Tone.STRONG)
    if remaining.p50 is None:
        return line(head, span("unknown: no rollback was measured step by step", Tone.UNKNOWN))
    text = f"{minutes(remaining.p50)} min (P80 {minutes(remaining.p80)}, P95 {minutes(remaining.p95)})"
    tone, end = Tone.STRONG, ""
    if remaining.within is not None:
        end = f"  objective {timebox(remaining.within)}, {minutes(remaining.elapsed)} gone"
        if remaining.p95 is not None and remaining.elapsed + remaining.p95 > remaining.within.total_seconds():
            tone = Tone.WARNING
    pace = "" if abs(remaining.pace - 1) < 0.05 else f"  pace {remaining.pace:.1f}x of what was expected"
    said = line(head, span(text, tone), _late(remaining.at, now), end)
    return first_fit(width, line(said, span(pace, Tone.DIM)), said)


def basis(estimate: Estimate, now: datetime, look: Look) -> str:
    """On what an estimate rests."""
    newest = f", newest {age(estimate.newest, now, look)}" if estimate.newest is not None else ""
    changed = {True: ", plan CHANGED since", False: ", plan unchanged", None: ", plan: unknown whether changed"}
    return f"n={estimate.runs}{newest}{changed[estimate.plan_changed]}"


def drivers(estimate: Estimate, width: int, most: int = 6) -> Line:
    """DRIVERS: the steps that take longest, and which are live."""
    head = span(fit("DRIVERS", _MARGIN), Tone.STRONG)
    found = sorted(estimate.drivers, key=lambda item: -item.seconds)[:most]
    if not found:
        return clip(line(head, span("unknown: no step was measured", Tone.UNKNOWN)), width)
    named = [join([_driver(item, name) for item, name in zip(found, names, strict=True)], " | ") for names in (
        [item.title for item in found],
        [item.step or item.title for item in found],
    )]  # fmt: skip
    end = span(" min", Tone.DIM)
    return first_fit(width, *(line(head, pieces, end) for pieces in named))


def _driver(item: Driver, name: str) -> Line:
    return line(name, span(f" {minutes(item.seconds)}", Tone.STRONG), span(" live" if item.live else "", Tone.ACCENT))


def until(readiness: Readiness, now: datetime, width: int, look: Look) -> Line:
    """UNTIL: the clock of the point of no return. A moment that has passed is loud."""
    deadline = readiness.deadline
    head = span(fit("UNTIL", _MARGIN), Tone.STRONG)
    gone = _no_way_back(readiness, now)
    if gone is not None:
        return clip(line(head, span(" POINT OF NO RETURN PASSED ", Tone.ALARM), f" {gone.evidence}"), width)
    if deadline.passed or (deadline.at is not None and deadline.at <= now):
        since = f" {past(now - deadline.at)} ago" if deadline.at is not None else ""
        return clip(line(head, span(f" TOO LATE{since} ", Tone.ALARM), f" {deadline.why}"), width)
    if deadline.at is None:
        known = bool(deadline.why) and not deadline.why.startswith("unknown")
        text = deadline.why or "unknown"
        return clip(line(head, span(text, Tone.NORMAL if known else Tone.UNKNOWN)), width)
    left = deadline.at - now
    tone = Tone.CRITICAL if left <= CLOSE else Tone.STRONG
    told = f"start by {clock(deadline.at, seconds=True)}, in {count(left) if left <= CLOSE else span_of(left)}"
    return clip(line(head, span(told, tone), f" or {deadline.why}"), width)


def _no_way_back(readiness: Readiness, now: datetime) -> Proof | None:
    """The proof that failed, once the point of no return is passed."""
    failed = (proof for proof in readiness.proofs if proof.state_at(now) is ProofState.FAILED)
    return next((proof for proof in failed if proof.name == NO_RETURN), None)


def proof_row(proof: Proof, now: datetime, width: int, look: Look) -> Line:
    """One proof on one line, with its evidence, age and expiry."""
    state = proof.state_at(now)
    tone = TONES[state]
    word = state.value if state in (ProofState.PROVEN, ProofState.NOT_NEEDED) else state.value.upper()
    mark = span(f"{look.marks.skipped} ", Tone.DIM) if state is ProofState.NOT_NEEDED else look.marks.of(tone)
    return clip(
        line(
            mark,
            span(fit(word, 10) + " ", tone),
            span(fit(age(proof.at, now, look) if proof.at is not None else "-", 8) + " ", Tone.DIM),
            span(
                fit(proof.title, 34) + " " if width >= 100 else fit(proof.name, 16),
                Tone.NORMAL if state is not ProofState.NOT_NEEDED else Tone.DIM,
            ),
            span(proof.evidence, Tone.DIM if tone in (Tone.OK, Tone.DIM) else Tone.NORMAL),
            span(_counts_until(proof, now), Tone.DIM),
        ),
        width,
    )


def _counts_until(proof: Proof, now: datetime) -> str:
    source = f"; {proof.source}" if proof.source else ""
    if proof.expires_at is None:
        return source
    over = proof.expires_at <= now
    length = span_of(abs(proof.expires_at - now))
    return f"{source}, expired {length} ago" if over else f"{source}, counts {length} more"


def lines(readiness: Readiness, now: datetime, width: int, look: Look, *, roomy: bool) -> list[Line]:
    """The verdict and the time; where there is room also what takes longest, until when, and what is not proven."""
    left = readiness.remaining
    time = to_go(left, now, width) if left is not None else time_line(readiness.estimate, now, width, look)
    head = [verdict(readiness, now, width, look), time]
    deadline = readiness.deadline
    urgent = deadline.at is not None or deadline.passed or _no_way_back(readiness, now) is not None
    if not roomy:
        return [*head, until(readiness, now, width, look)] if urgent else head
    found = [proof for proof in readiness.proofs if proof.state_at(now) in _WORST]
    open_now = sorted(found, key=lambda proof: _WORST.index(proof.state_at(now)))
    return [
        *head,
        drivers(readiness.estimate, width),
        until(readiness, now, width, look),
        *(proof_row(proof, now, width, look) for proof in open_now[:ROWS]),
        *([_more(open_now[ROWS:], width)] if len(open_now) > ROWS else []),
    ]


def _more(proofs: list[Proof], width: int) -> Line:
    return clip(
        line(span(f"  B shows {len(proofs)} more: {', '.join(item.name for item in proofs)}", Tone.UNKNOWN)), width
    )
