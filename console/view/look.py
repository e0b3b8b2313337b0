"""How things are written down: the marks, the local zone, and whether seconds are wanted."""

from __future__ import annotations

from dataclasses import field
from datetime import tzinfo

from console.model.reading import ReadingState
from console.model.run import StepStatus
from console.model.value import value
from console.view.line import Span, Tone


@value
class Marks:
    """One cell for every state. A mark never stands alone: a word follows."""

    ok: str = "✔"
    warning: str = "▲"
    critical: str = "✖"
    unknown: str = "?"
    here: str = "▸"
    opened: str = "▾"
    coming: str = "·"
    skipped: str = "↷"
    expired: str = "⊘"
    rule: str = "─"
    dot: str = " · "
    at_least: str = "≥"
    at_most: str = "≤"
    below: str = "<"
    times: str = "×"
    spark: str = "▁▂▃▄▅▆▇█"

    def of(self, tone: Tone) -> Span:
        """The mark for a tone, followed by a blank."""
        sign = {Tone.OK: self.ok, Tone.WARNING: self.warning, Tone.CRITICAL: self.critical, Tone.ALARM: self.critical}
        return Span(sign.get(tone, self.unknown) + " ", tone)

    def of_step(self, status: StepStatus) -> Span:
        """The mark for a step of a run."""
        sign, tone = {
            StepStatus.PENDING: (self.coming, Tone.DIM),
            StepStatus.ACTIVE: (self.here, Tone.ACCENT),
            StepStatus.DONE: (self.ok, Tone.OK),
            StepStatus.FAILED: (self.critical, Tone.CRITICAL),
            StepStatus.SKIPPED: (self.skipped, Tone.WARNING),
            StepStatus.EXPIRED: (self.expired, Tone.WARNING),
            StepStatus.PASSED_OVER: (self.coming, Tone.DIM),
        }[status]
        return Span(sign + " ", tone)


UNICODE = Marks()
ASCII = Marks(
    ok="+",
    warning="!",
    critical="X",
    here=">",
    opened="v",
    coming=".",
    skipped="-",
    expired="x",
    rule="-",
    dot=" | ",
    at_least=">=",
    at_most="<=",
    times="x",
    spark="_.:-=+*#",
)


@value
class Look:
    """`zone` is the reader's own; None shows UTC alone. `seconds`: ages below a minute are counted, because something
    on the screen counts down anyway; otherwise a quiet screen stays still."""

    marks: Marks = field(default=UNICODE)
    zone: tzinfo | None = None
    seconds: bool = False


STATE_WORDS = {
    ReadingState.OK: "ok",
    ReadingState.PARTIAL: "partial",
    ReadingState.STALE: "STALE",
    ReadingState.NO_TRAFFIC: "no traffic",
    ReadingState.NO_DATA: "no data",
    ReadingState.UNREACHABLE: "UNREACHABLE",
}


def state_tone(state: ReadingState) -> Tone:
    """The tone of a source or reading in this state; only ok is OK."""
    if state is ReadingState.OK:
        return Tone.OK
    return Tone.WARNING if state is ReadingState.UNREACHABLE else Tone.UNKNOWN
