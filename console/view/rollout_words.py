"""What is to be known of the rollout at once: what to do now, and when the next decision is."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.model.board import Board
from console.model.decision import Answer
from console.model.progress import Progress
from console.model.rolling import RolloutState
from console.model.rollout import Guardrail, Level
from console.model.value import value
from console.model.verdict import Judged, Verdict
from console.view.line import EMPTY, Line, Tone, clip, fold, line, span
from console.view.look import Look
from console.view.times import clock, count, span_of

SOON = timedelta(minutes=2)
"""What is due within this time is counted in seconds."""
OVER = (RolloutState.PROMOTED, RolloutState.ROLLED_BACK, RolloutState.ABORTED)


@value
class Told:
    """One thing that must not be overlooked: how urgent, the words first to be read, why, and what to press."""

    tone: Tone
    word: str
    why: str
    key: str = ""

    def lines(self, width: int, look: Look, most: int = 2) -> list[Line]:
        """It with its reason in full, in a few lines."""
        folded = fold(self.line(look), width)
        return folded if len(folded) <= most else [*folded[: most - 1], clip(line("  ", *folded[most - 1]), width)]

    def line(self, look: Look) -> Line:
        """It on one line, in the order in which it is to be read."""
        word = span(f" {self.word} " if self.tone is Tone.ALARM else self.word, self.tone)
        loud = self.tone in (Tone.ALARM, Tone.CRITICAL)
        return line(
            look.marks.of(self.tone),
            word,
            " ",
            span(f"{self.key}. ", Tone.ACCENT) if self.key else "",
            span(self.why, Tone.STRONG if loud else Tone.NORMAL),
        )


def percent(share: float | None) -> str:
    """A share of traffic in words."""
    return "unknown" if share is None else f"{share:g} %"


def breached(progress: Progress) -> list[tuple[str, str]]:
    """The guardrails that are breached, by the record or as they are judged now, with the reason."""
    judged = {item.guardrail: item for item in progress.judged if item.verdict is Verdict.BREACH}
    names = [*judged, *(name for name in progress.record.breaches if name not in judged)]
    found = []
    for name in names:
        if name in judged:
            found.append((judged[name].title, judged[name].why))
        else:
            title = next((rule.title for rule in progress.plan.guardrails if rule.name == name), name)
            found.append((title, progress.record.breaches[name].why))
    return found


def reason(progress: Progress) -> str:
    """Why to roll back, by the first guardrail that is breached; empty where none is."""
    return next((f"{title}: {why}" for title, why in breached(progress)), "")


def to_roll_back(progress: Progress) -> list[tuple[str, str]]:
    """The guardrails for which a rollback is recommended, with the reason; none once it is under way, or over."""
    over = progress.record.state in OVER or progress.record.state is RolloutState.ROLLING_BACK
    return [] if over else breached(progress)


def without_evidence(board: Board) -> list[Guardrail]:
    """Guardrails that are critical by their reading, and are judged by nothing else."""
    if board.rollout is None:
        return []
    judged = {item.guardrail for item in board.progress.judged} if board.progress is not None else set()
    return [item for item in board.rollout.guardrails if item.level is Level.CRITICAL and item.rule.name not in judged]


def urgent(board: Board, now: datetime) -> Told | None:
    """The most urgent thing about the rollout; None while nothing is to be done."""
    progress = board.progress
    if progress is None:
        return None
    record = progress.record
    if record.state is RolloutState.ROLLING_BACK:
        return _rolling_back(board, now)
    if record.countdown is not None and not board.lease.holder:
        why = f"no engine holds the lease: {record.countdown.why}"
        return Told(Tone.ALARM, "ROLLBACK DOES NOT START BY ITSELF", why, "R starts it")
    if record.countdown is not None:
        left = count(record.countdown.at - now)
        return Told(Tone.ALARM, f"ROLLBACK STARTS BY ITSELF IN {left}", record.countdown.why, "H stops it")
    found = to_roll_back(progress)
    if found:
        title, why = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return Told(Tone.ALARM, "ROLL BACK", f"{title}: {why}{more}", "R starts it")
    return _doubts(board, now) or _held(board, now) or _limits(board)


def _rolling_back(board: Board, now: datetime) -> Told:
    assert board.progress is not None
    record, remaining = board.progress.record, board.readiness.remaining
    run = board.run(record.run)
    where = ""
    if run is not None:
        done = sum(1 for item in run.steps.values() if item.ended_at is not None)
        where = f"{run.label}, {done} of {len(run.steps)} steps"
    since = record.rollback_since
    took = f" {'in' if where else 'for'} {span_of(now - since, seconds=True)}" if since is not None else ""
    left = ""
    if remaining is not None and remaining.p50 is not None:
        most = f"-{remaining.p95 / 60:.0f}" if remaining.p95 is not None else ""
        left = f", {remaining.p50 / 60:.0f}{most} min to go"
    return Told(Tone.WARNING, "ROLLING BACK", f"{where}{took}{left}".strip(", ") or record.reason, "3 shows the steps")


def _doubts(board: Board, now: datetime) -> Told | None:
    assert board.progress is not None
    progress, record = board.progress, board.progress.record
    write = record.open_write
    if write is not None:
        asked = f"{write.flag} to {write.percent:g} %, asked for by {write.by} {clock(write.at, seconds=True)}"
        if write.outcome == "unknown":
            return Told(Tone.CRITICAL, "OUTCOME UNKNOWN", f"{asked}: {write.answer or 'no answer'}", "S settles it")
        return Told(Tone.WARNING, "BEING SET", asked)
    if record.disagrees_since is not None:
        said = f"the flag says {percent(record.percent)}, the traffic says {percent(progress.share.value)}"
        return Told(Tone.CRITICAL, "DISAGREEMENT", f"{said}, since {clock(record.disagrees_since)}")
    return None


def _held(board: Board, now: datetime) -> Told | None:
    assert board.progress is not None
    record = board.progress.record
    if record.state is not RolloutState.HELD:
        return None
    by = f" by {record.held_by}" if record.held_by is not None else ""
    return Told(Tone.WARNING, "HELD", f"{by}: {record.held_reason}".lstrip(": ").strip(), "u releases it")


def _limits(board: Board) -> Told | None:
    critical = without_evidence(board)
    assert board.progress is not None
    if not critical or board.progress.record.state in OVER:
        return None
    item = critical[0]
    value = f"{item.value.value:g} {item.rule.unit}".strip() if item.value.value is not None else "unknown"
    return Told(
        Tone.CRITICAL, "LOOK AT", f"{item.rule.title}: {value} is critical, and no evidence judges it", "R rolls back"
    )


def minutes(seconds: float | None) -> str:
    """Seconds as minutes with one decimal; `?` for what is unknown."""
    return "?" if seconds is None else f"{seconds / 60:.1f}"


def next_decision(progress: Progress, now: datetime, *, brief: bool = False) -> Line:
    """When the next decision is, what it would be now, and what it still waits for."""
    record, state = progress.record, progress.state(now)
    following = progress.next_percent
    to = f"to {following:g} %" if following is not None else "to finish"
    if record.started_at is None:
        return line(span("not begun by this console", Tone.DIM))
    if state is RolloutState.PENDING:
        return line(span(f"begun, at {percent(record.percent)}: V decides {to}", Tone.STRONG))
    if state in (*OVER, RolloutState.ROLLING_BACK, RolloutState.HELD):
        return line(span(f"{state}", Tone.STRONG))
    if state is RolloutState.RAMPING:
        return line(span("ramping: the bake begins when the share is seen", Tone.NORMAL))
    if state is RolloutState.DECIDING and not breached(progress):
        return line(span("decide now ", Tone.STRONG), _answer(progress, to))
    if breached(progress):
        told = "no promotion: guardrail breached" if brief else f"no promotion {to}: a guardrail is breached"
        return line(span(told, Tone.CRITICAL))
    left, missing = progress.bake_left(now), samples_missing(progress)
    if left is None:
        when = span("bake unknown", Tone.UNKNOWN)
    elif left:
        when = span(f"decides {to} in {count(left) if left <= SOON else span_of(left)}", Tone.STRONG)
        missing = "" if brief else missing  # the bake is not over: they may still come
    else:
        when = span("waits" if brief else f"bake over, {to} waits", Tone.WARNING)
    answer = _answer(progress, "") if progress.proposal is not None else EMPTY
    if not answer:
        return line(when, span(f": {missing}", Tone.UNKNOWN) if missing else "")
    return line(
        when, span(", " if brief else ", now ", Tone.DIM), answer, span(f": {missing}", Tone.UNKNOWN) if missing else ""
    )


def _answer(progress: Progress, to: str) -> Line:
    if progress.proposal is None:
        return line(span(f"{to}: no finding yet", Tone.UNKNOWN))
    word, tone = ANSWERS[progress.proposal.answer]
    return line(span(f"{to}: " if to else "", Tone.NORMAL), span(word, tone))


ANSWERS = {
    Answer.GO: ("GO", Tone.OK),
    Answer.HOLD: ("HOLD", Tone.UNKNOWN),
    Answer.NO_GO: ("NO-GO", Tone.CRITICAL),
}


def samples_missing(progress: Progress) -> str:
    """How many requests of the phase's least number there are; empty when there are enough."""
    if progress.record.percent is None:
        return ""
    least = progress.plan.stage(progress.record.percent).min_samples
    if not least or (progress.samples.ok and (progress.samples.value or 0) >= least):
        return ""
    counted = progress.samples.value
    return f"{'unknown' if counted is None else f'{counted:,.0f}'} of {least:,} requests"


def judged_of(board: Board, name: str) -> Judged | None:
    """How a guardrail was judged; None where nothing judges it."""
    if board.progress is None:
        return None
    return next((item for item in board.progress.judged if item.guardrail == name), None)


VERDICTS = {
    Verdict.PASS: ("pass", Tone.OK),
    Verdict.BREACH: ("BREACH", Tone.CRITICAL),
    Verdict.INCONCLUSIVE: ("INCONCLUSIVE", Tone.UNKNOWN),
}


def counts_down(board: Board, now: datetime) -> bool:
    """Whether something of the rollout is counted in seconds now."""
    progress = board.progress
    if progress is None:
        return False
    left, deadline = progress.bake_left(now), board.readiness.deadline
    baking = progress.record.state is RolloutState.BAKING and left is not None and timedelta(0) < left <= SOON
    due = deadline.at is not None and not deadline.passed and timedelta(0) < deadline.at - now <= CLOSE
    rolling = progress.record.state is RolloutState.ROLLING_BACK
    return progress.record.countdown is not None or baking or due or rolling


CLOSE = timedelta(minutes=10)
"""From when on the last moment to start a rollback is counted in seconds."""
