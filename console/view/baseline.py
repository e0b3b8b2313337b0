"""The present beside a baseline, in words; and what a baseline holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from console.model.advice import Advice, Kind
from console.model.baseline import BaselineNote, Estimate, Measured, Standing
from console.view.line import Tone
from console.view.values import number, share

TONES = {
    Standing.HIGHER: Tone.WARNING,
    Standing.LOWER: Tone.NORMAL,
    Standing.WITHIN: Tone.NORMAL,
    Standing.THIN: Tone.UNKNOWN,
    Standing.UNKNOWN: Tone.UNKNOWN,
}

Write = Callable[[float], str]


def errors(value: float) -> str:
    """An error ratio in percent, with the decimals that tell it from its neighbours: `0.0432 %`."""
    return f"{value * 100:.3g} %"


def amount(value: float) -> str:
    """A figure of a histogram, in its own unit."""
    return f"{value:.4g}"


def note_words(note: BaselineNote, write: Write = errors) -> tuple[Tone, str]:
    """How the present compares, in one line: `higher than in 95 % of the baseline's same hours (84 peak hours: 0 % to
    0.1 %), Tue 14:00 had 0.02 %`."""
    return TONES[note.standing], "; ".join([_standing(note, write), *_same(note, write)])


def gauge_words(note: BaselineNote) -> tuple[Tone, str]:
    """The same for a gauge, shorter: the difference is left to `oncall baseline compare`."""
    same = f"; {note.hour} had {errors(note.same.value)}, n {note.same.n:,}" if note.same is not None else ""
    return TONES[note.standing], f"last hour {_standing(note, errors)}{same}"


def _standing(note: BaselineNote, write: Write) -> str:
    if note.standing is Standing.UNKNOWN:
        return f"no comparison with baseline {note.baseline}: {note.why}"
    if note.value is None:
        return f"no comparison with baseline {note.baseline}"
    now = f"{'>= ' if note.at_least else ''}{write(note.value)}{' only' if note.at_least else ''}, n {note.n:,}"
    if note.standing is Standing.THIN:
        return f"{now}: too little evidence for a comparison: {note.why}"
    hours = f"{note.compared} {note.like} hours"
    between = f": {write(note.low)} to {write(note.high)}" if note.low is not None and note.high is not None else ""
    if note.standing is Standing.WITHIN:
        return f"{now}: within the middle 90 % of the baseline's same hours ({hours}{between})"
    word = "higher" if note.standing is Standing.HIGHER else "lower"
    return f"{now}: {word} than in 95 % of the baseline's same hours ({hours}{between})"


def _same(note: BaselineNote, write: Write) -> Iterator[str]:
    if note.same is not None:
        yield f"{note.hour} had {estimate_words(note.same, write)}"
    if note.difference is not None:
        yield f"difference {signed(note.difference, write)}"


def estimate_words(found: Estimate, write: Write = errors) -> str:
    """A number with its evidence: value, interval, n, method."""
    if found.at_least:
        least = found.low if found.low is not None else found.bounds[0] if found.bounds else found.value
        return f">= {write(least)} only (n {found.n:,}, {found.method})"
    return f"{write(found.value)} ({_interval(found, write)}n {found.n:,}, {found.method})"


def signed(found: Estimate, write: Write = errors) -> str:
    """A difference with its sign and its evidence."""

    def plus(value: float) -> str:
        return f"{'+' if value > 0 else ''}{write(value)}"

    return f"{plus(found.value)} ({_interval(found, plus)}{found.method})"


def _interval(found: Estimate, write: Write) -> str:
    if found.low is None and found.high is None:
        pieces = "no interval, "
    else:
        low = write(found.low) if found.low is not None else "unknown"
        high = write(found.high) if found.high is not None else "unknown"
        pieces = f"95 % between {low} and {high}, "
    if found.bounds is not None and found.bounds != (found.low, found.high):
        high = write(found.bounds[1]) if found.bounds[1] is not None else "no bound"
        pieces += f"by its buckets {write(found.bounds[0])} to {high}, "
    return pieces


def measured_lines(item: Measured) -> Iterator[str]:
    """What a baseline says of one SLI."""
    what = item.unit.value
    yield (
        f"{item.name}: {item.title}; objective {share(item.target, 4)}, n {round(item.total):,} {what}, "
        f"covers {number(100 * item.coverage, 1)} %, deff {item.deff:.3g}"
    )
    for load, found in item.ratios.items():
        yield f"  error ratio, {load.value}: {estimate_words(found)}"
    for one in item.quantiles:
        yield f"  P{100 * one.quantile:g}, {one.load.value}: {estimate_words(one.estimate, amount)}"
    if item.doubtful:
        yield f"  {item.doubtful} slices are doubtful: the server warned about its answer"
    if item.note:
        yield f"  {item.note}"


def advice_words(advice: Advice, measured: Measured) -> str:
    """A piece of advice, and what it rests on."""
    target, found = share(measured.target, 4), advice.evidence
    rests = f"the error ratio was {estimate_words(found)}"
    suggested = share(advice.suggested, 4) if advice.suggested is not None else ""
    if advice.kind is Kind.OBJECTIVE_FITS:
        return f"objective {target} fits: {rests}"
    if advice.kind is Kind.OBJECTIVE_UNSURE:
        return (
            f"objective {target}: kept or missed cannot be told: {rests}, the budget is {errors(1 - measured.target)}"
        )
    if advice.kind is Kind.OBJECTIVE_STRICTER:
        return f"objective {target} could be stricter, {suggested} with half of its budget to spare: {rests}"
    if advice.kind is Kind.OBJECTIVE_LOOSER:
        kept = f"{suggested} was kept" if suggested else "none of the usual ones was kept"
        return f"objective {target} was missed, {kept}: {rests}"
    if advice.kind is Kind.ERROR_LIMIT:
        return f"guardrail on errors: above {errors(found.value)} ({found.method}, n {found.n:,})"
    name = f"P{100 * advice.quantile:g}"
    if advice.suggested is None:
        return (
            f"guardrail on {name}: no limit can be given, its upper end is not known: {estimate_words(found, amount)}"
        )
    return f"guardrail on {name}: above {amount(advice.suggested)}, its upper bound: {estimate_words(found, amount)}"
