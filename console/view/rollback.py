"""Can we roll back right now, how long would it take, and how do we know? Nothing here is invented: what was not proven
or measured says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from console.model.estimate import Driver, Estimate, Remaining
from console.model.rollback import Can, Proof, ProofState, Readiness
from console.view.line import Line, Tone, clip, first_fit, fit, fold, join, line, line_width, span, width_of, words
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
    needed = _needed(readiness)
    head = line(
        look.marks.of(tone), span("CAN ROLL BACK: ", Tone.STRONG), span(word, tone), f" {_proven(readiness, now)}"
    )
    if tone is Tone.OK:
        seen = [proof.at for proof in needed if proof.at is not None]
        oldest = f" verified {age(max(seen), now, look)} ago" if seen else ""
        return clip(line(head, span(oldest, Tone.DIM)), width)
    return first_fit(width, *(line(head, " ", against(readiness, now, most)) for most in (12, 3, 2, 1)))


def _needed(readiness: Readiness) -> list[Proof]:
    return [proof for proof in readiness.proofs if proof.state is not ProofState.NOT_NEEDED]


def _proven(readiness: Readiness, now: datetime) -> str:
    states = [proof.state_at(now) for proof in _needed(readiness)]
    return f"({states.count(ProofState.PROVEN)}/{len(states)} proven)"


def brief(readiness: Readiness, now: datetime, width: int, look: Look) -> Line:
    """Can we, how long, until when, on one line."""
    word, tone = CAN[readiness.can_at(now)]
    can = line(look.marks.of(tone), span(word, tone), f" {_proven(readiness, now)}")
    left = readiness.remaining
    if left is not None:
        told = line(span(f"{minutes(left.p50)} min to go", Tone.STRONG), f" (P95 {minutes(left.p95)})")
        return first_fit(width, join([can, told], look.marks.dot))
    estimate = readiness.estimate
    time = _length(estimate) if estimate.p50 is not None else line(span("time unknown", Tone.UNKNOWN))
    when, _ = _until(readiness, now)
    if [piece.text for piece in when] == ["unknown"]:
        when = line(span("until unknown", Tone.UNKNOWN))
    return first_fit(width, *(join([can, time, when], dot) for dot in (look.marks.dot, ", ")))


def _length(estimate: Estimate) -> Line:
    """From the median to the 95th percentile."""
    most = estimate.p95 if estimate.p95 is not None else estimate.p80
    low, high = (estimate.p50 or 0.0) / 60, (most if most is not None else estimate.p50 or 0.0) / 60
    return line(span(f"{low:.0f}-{high:.0f} min", Tone.STRONG if not estimate.human_only else Tone.UNKNOWN))


def against(readiness: Readiness, now: datetime, most: int = 12) -> Line:
    """What is not proven, the worst first: `most` by name, and a proof that alone has failed with its evidence."""
    pieces = []
    for state in _WORST:
        found = [proof for proof in readiness.proofs if proof.state_at(now) is state]
        if not found:
            continue
        found.sort(key=lambda proof: proof.name != NO_RETURN)
        more = f" and {len(found) - most} more" if len(found) > most else ""
        names = ", ".join(proof.name for proof in found[:most]) + more
        alone = state is ProofState.FAILED and len(found) == 1
        text = f"{names}: {found[0].evidence}" if alone else f"{state}: {names}"
        pieces.append(line(span(text, TONES[state])))
    return join(pieces, "; ")


def time_line(estimate: Estimate, now: datetime, width: int, look: Look) -> Line:
    """TIME: how long it would take, with the probabilities, and on what that rests."""
    head = span(fit("TIME", _MARGIN), Tone.STRONG)
    if estimate.p50 is None:
        return clip(line(head, span(f"unknown: {estimate.statement}", Tone.UNKNOWN)), width)
    span_text = line(_length(estimate), " ")
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
    """DRIVERS: the steps that take longest, and which are live; those that do not fit are counted."""
    head = span(fit("DRIVERS", _MARGIN), Tone.STRONG)
    found = sorted(estimate.drivers, key=lambda item: -item.seconds)[:most]
    if not found:
        return clip(line(head, span("unknown: no step was measured", Tone.UNKNOWN)), width)
    titles = [_driver(item, item.title) for item in found]
    steps = [_driver(item, item.step or item.title) for item in found]
    choices = [line(head, join(titles, " | "), span(" min", Tone.DIM))]
    for shown in range(len(steps), 0, -1):
        rest = found[shown:]
        more = f", {len(rest)} more {minutes(sum(item.seconds for item in rest))} min" if rest else ""
        choices.append(line(head, join(steps[:shown], " | "), span(f" min{more}", Tone.DIM)))
    return first_fit(width, *choices)


def _driver(item: Driver, name: str) -> Line:
    return line(name, span(f" {minutes(item.seconds)}", Tone.STRONG), span(" live" if item.live else "", Tone.ACCENT))


def until(readiness: Readiness, now: datetime, width: int, look: Look) -> Line:
    """UNTIL: the clock of the point of no return. A moment that has passed is loud, and so is a budget that is."""
    return first_fit(width, *_whole_until(readiness, now, look))


def until_lines(readiness: Readiness, now: datetime, width: int, look: Look) -> list[Line]:
    """The same in full, in as many lines as it needs."""
    choices = _whole_until(readiness, now, look)
    fitting = next((shown for shown in choices if line_width(shown) <= width), None)
    if fitting is not None:
        return [fitting]
    head, first, *body = choices[0]
    begins = " " if first.text.startswith(" ") else ""  # folding takes the blank that a loud word begins with
    parts = fold((first, *body), width - _MARGIN - len(begins))
    parts[0] = line(span(begins, first.tone), parts[0])
    return [line(head if index == 0 else " " * _MARGIN, part) for index, part in enumerate(parts)]


def _whole_until(readiness: Readiness, now: datetime, look: Look) -> tuple[Line, ...]:
    """Of any length, and without the figure in brackets, which stands under TIME, too."""
    head, (told, why) = span(fit("UNTIL", _MARGIN), Tone.STRONG), _until(readiness, now)
    first = line(head, look.marks.of(Tone.WARNING), told) if _spent(readiness, now) else line(head, told)
    tone = Tone.UNKNOWN if told[0].tone is Tone.UNKNOWN else Tone.NORMAL
    return tuple(line(first, span(text, tone)) for text in (why, why.partition(" (")[0]))


def _spent(readiness: Readiness, now: datetime) -> bool:
    """Whether nothing is left of a budget that would bound it."""
    deadline = readiness.deadline
    return deadline.spent and deadline.at is None and not deadline.passed and _no_way_back(readiness, now) is None


def _until(readiness: Readiness, now: datetime) -> tuple[Line, str]:
    """Until when, in a few words, and what they rest on."""
    deadline = readiness.deadline
    gone = _no_way_back(readiness, now)
    if gone is not None:
        return line(span(" POINT OF NO RETURN PASSED ", Tone.ALARM)), f" {gone.evidence}"
    if deadline.passed or (deadline.at is not None and deadline.at <= now):
        since = f" {past(now - deadline.at)} ago" if deadline.at is not None else ""
        return line(span(f" TOO LATE{since} ", Tone.ALARM)), f" {deadline.why}"
    if deadline.at is None and deadline.spent:
        return line(span("BUDGET SPENT", Tone.WARNING)), f": {deadline.why}"
    if deadline.at is None:
        word, colon, why = (deadline.why or "unknown").partition(":")
        return line(span(word, Tone.UNKNOWN if word == "unknown" else Tone.NORMAL)), colon + why
    left = deadline.at - now
    tone = Tone.CRITICAL if left <= CLOSE else Tone.STRONG
    told = f"start by {clock(deadline.at, seconds=True)}, in {count(left) if left <= CLOSE else span_of(left)}"
    return line(span(told, tone)), f", or {deadline.why}"


def _no_way_back(readiness: Readiness, now: datetime) -> Proof | None:
    """The proof that failed, once the point of no return is passed."""
    failed = (proof for proof in readiness.proofs if proof.state_at(now) is ProofState.FAILED)
    return next((proof for proof in failed if proof.name == NO_RETURN), None)


def proof_row(proof: Proof, now: datetime, width: int, look: Look) -> Line:
    """One proof on one line, with its evidence, age and expiry."""
    return clip(_proof(proof, now, width, look), width)


def proof_lines(proof: Proof, now: datetime, width: int, look: Look) -> list[Line]:
    """One proof: in full, in as many lines as it needs; how long a proven one counts is left out for want of room."""
    whole = _proof(proof, now, width, look)
    if line_width(whole) <= width:
        return [whole]
    if proof.state_at(now) is ProofState.PROVEN:
        shorter = line(whole[:-1], span(f"; {proof.source}" if proof.source else "", Tone.DIM))
        if line_width(shorter) <= width:
            return [shorter]
    told, margin = whole[-2:], width_of(words(whole[:-2]))
    parts = fold(line(*told), width - margin)
    return [line(whole[:-2] if index == 0 else " " * margin, part) for index, part in enumerate(parts)]


def _proof(proof: Proof, now: datetime, width: int, look: Look) -> Line:
    """Of any length: what stands against it in front, at the end its evidence, and until when that counts. Its age is
    in minutes: twelve rows that count seconds would move for nothing."""
    state, still = proof.state_at(now), replace(look, seconds=False)
    tone = TONES[state]
    word = state.value if state in (ProofState.PROVEN, ProofState.NOT_NEEDED) else state.value.upper()
    mark = span(f"{look.marks.skipped} ", Tone.DIM) if state is ProofState.NOT_NEEDED else look.marks.of(tone)
    return (
        mark,
        span(fit(word, 10) + " ", tone),
        span(fit(age(proof.at, now, still) if proof.at is not None else "-", 8) + " ", Tone.DIM),
        span(
            fit(proof.title, 34) + " " if width >= 100 else fit(proof.name, 16),
            Tone.NORMAL if state is not ProofState.NOT_NEEDED else Tone.DIM,
        ),
        span(proof.evidence, Tone.DIM if tone in (Tone.OK, Tone.DIM) else Tone.NORMAL),
        span(_counts_until(proof, now), Tone.DIM),
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
    deadline, gone = readiness.deadline, _no_way_back(readiness, now) is not None
    if gone or (left is None and (roomy or deadline.at is not None or deadline.passed or deadline.spent)):
        head.append(until(readiness, now, width, look))
    elif left is None and _until(readiness, now)[0][0].tone is Tone.UNKNOWN:
        head[-1] = first_fit(width, line(time, span("; until unknown", Tone.UNKNOWN)), time)  # the row is an alert's
    if not roomy:
        return head
    open_now = [proof for proof in worst_first(readiness, now) if proof.state_at(now) in _WORST]
    return [
        *head,
        drivers(readiness.estimate, width),
        *(proof_row(proof, now, width, look) for proof in open_now[:ROWS]),
        *([_more(open_now[ROWS:], width)] if len(open_now) > ROWS else []),
    ]


def worst_first(readiness: Readiness, now: datetime) -> list[Proof]:
    """The proofs, what stands against a rollback first."""
    places = {state: place for place, state in enumerate(_WORST)}
    return sorted(readiness.proofs, key=lambda proof: places.get(proof.state_at(now), len(_WORST)))


def _more(proofs: list[Proof], width: int) -> Line:
    return clip(
        line(span(f"  B shows {len(proofs)} more: {', '.join(item.name for item in proofs)}", Tone.UNKNOWN)), width
    )
