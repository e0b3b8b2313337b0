"""The Decision screen: may the next phase come, what stands against it, and what people have said."""

from __future__ import annotations

from datetime import datetime

from console.model.board import Board
from console.model.decision import (
    FAIL,
    OVERRIDE,
    PASS,
    UNKNOWN,
    Answer,
    Attestation,
    Decision,
    Proposal,
    Status,
    newest,
    valid,
)
from console.model.decision import step as step_words
from console.model.events.decision import Finding
from console.model.progress import Progress
from console.model.rollout_plan import CriterionKind, CriterionRule
from console.view.line import EMPTY, Line, Tone, clip, first_fit, fit, join, labelled, line, span
from console.view.look import Look
from console.view.rollout_words import ANSWERS, next_decision, urgent
from console.view.times import age, clock, span_of
from console.view.values import heading

OUTCOMES = {
    PASS: ("pass", Tone.OK),
    FAIL: ("FAIL", Tone.CRITICAL),
    UNKNOWN: ("UNKNOWN", Tone.UNKNOWN),
}
STATUSES = {Status.GO: Tone.OK, Status.CONDITIONAL: Tone.WARNING, Status.NO_GO: Tone.CRITICAL}
_RANK = {FAIL: 0, UNKNOWN: 1, PASS: 2}


def ordered(proposal: Proposal | None) -> list[Finding]:
    """The findings, what stands against the phase first."""
    if proposal is None:
        return []
    found = proposal.findings
    return sorted(found, key=lambda item: (bool(item.waived), not item.required, _RANK.get(item.outcome, 1)))


def step(proposal: Proposal) -> str:
    """The step that is decided."""
    return step_words(proposal.from_percent, proposal.to_percent)


def headline(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """GO, HOLD or NO-GO for which step, and why in a few words."""
    progress = board.progress
    if progress is None:
        return [line(span("No rollout is planned: there is nothing to decide.", Tone.DIM))]
    told = urgent(board, now)
    lines = told.lines(width, look) if told is not None else []
    proposal = progress.proposal
    if proposal is None and progress.unjudged:
        return [*lines, clip(_unknown(progress, look), width)]
    if proposal is None:
        state = progress.state(now)
        return [*lines, clip(line(span(f"Nothing is to be decided: it is {state}. ", Tone.STRONG)), width)]
    word, tone = ANSWERS[proposal.answer]
    told_of = counted(proposal)
    lines.append(
        clip(
            line(
                look.marks.of(tone),
                span(f"{step(proposal)}: ", Tone.STRONG),
                span(word, tone),
                span(f"  {told_of}", Tone.NORMAL),
            ),
            width,
        )
    )
    when = next_decision(progress, now)
    return [*lines, clip(line(span(fit("WHEN", 10), Tone.DIM), when), width), *_standing(progress, now, width)]


def _unknown(progress: Progress, look: Look) -> Line:
    """The criteria could not be computed."""
    why = f"whether the next phase may come: {progress.unjudged}"
    return line(look.marks.of(Tone.UNKNOWN), span("UNKNOWN ", Tone.UNKNOWN), why)


def brief(progress: Progress, now: datetime, width: int, look: Look) -> Line:
    """Whether the evidence allows the next phase, on one line: the answer, what stands against it, what to press."""
    proposal = progress.proposal
    if proposal is None and progress.unjudged:
        return clip(_unknown(progress, look), width)
    if proposal is None:
        return line(span("nothing is to be decided", Tone.DIM))
    word, tone = ANSWERS[proposal.answer]
    head = line(look.marks.of(tone), f"{step(proposal)}: ", span(word, tone))
    resting = present(progress)
    if resting is not None and not refusal(progress, now):
        key = line(
            span(f" on {resting.label} {resting.status}, ", STATUSES[resting.status]), span("P promotes", Tone.ACCENT)
        )
    else:
        key = line("  ", span("V decides" if proposal.answer is Answer.GO else "V shows why", Tone.ACCENT))
    against = ", ".join(item.title for item in ordered(proposal) if holds_up(item))
    told = span(f"  {counted(proposal)}", Tone.NORMAL)
    return first_fit(width, line(head, told, f": {against}" if against else "", key), line(head, told, key))


def holds_up(item: Finding) -> bool:
    """Whether a criterion stands against the phase: it is required, and does not pass."""
    return item.required and not item.waived and item.outcome != PASS


def counted(proposal: Proposal) -> str:
    """How many criteria stand against it, by weight and outcome."""
    required = [item for item in proposal.findings if item.required and not item.waived]
    failed = sum(1 for item in required if item.outcome == FAIL)
    unknown = sum(1 for item in required if item.outcome not in (FAIL, PASS))
    advised = sum(1 for item in proposal.findings if not item.required and not item.waived and item.outcome == FAIL)
    pieces = [
        f"{failed} required FAIL" if failed else "",
        f"{unknown} required unknown" if unknown else "",
        f"{advised} advisory fail: conditions" if advised else "",
    ]
    told = ", ".join(piece for piece in pieces if piece)
    return told or ("all required pass" if proposal.answer is Answer.GO else "no criterion is required")


def present(progress: Progress) -> Decision | None:
    """The last decision about the step that comes next."""
    proposal = progress.proposal
    if proposal is None:
        return None
    return newest(progress.decisions, progress.record.target, proposal.from_percent, proposal.to_percent)


def refusal(progress: Progress, now: datetime) -> str:
    """Why the next phase must not rest on the last decision about it; empty when it may."""
    proposal = progress.proposal
    if proposal is None:
        return progress.unjudged or "nothing is to be decided"
    return _invalid(progress, present(progress), proposal.from_percent, proposal.to_percent, now)


def _invalid(progress: Progress, decision: Decision | None, begin: float, end: float, now: datetime) -> str:
    """Why a step of the rollout must not rest on a decision, by all that the record holds; empty when it may."""
    record = progress.record
    return valid(
        decision,
        begin,
        end,
        progress.plan.hash,
        record.revision,
        now,
        target=record.target,
        others=progress.decisions,
        attestations=progress.attestations,
    )


def _standing(progress: Progress, now: datetime, width: int) -> list[Line]:
    """The decision that the next phase may rest on, or why there is none."""
    decision, why = present(progress), refusal(progress, now)
    head = span(fit("RECORDED", 10), Tone.DIM)
    if decision is None or why:
        return [clip(line(head, span(f"{why}: c records one", Tone.UNKNOWN)), width)]
    left = span_of(decision.expires_at - now)
    told = f"by {decision.by}, counts for {left} more: P promotes"
    return [clip(line(head, span(f"{decision.label} {decision.status} ", STATUSES[decision.status]), told), width)]


def columns(width: int) -> Line:
    """What stands in the rows of the criteria."""
    return clip(
        line(span(f"  {fit('OUTCOME', 9)}{fit('', 5)}{fit('CRITERION', _title(width))} EVIDENCE", Tone.DIM)), width
    )


def _title(width: int) -> int:
    return 34 if width < 90 else 46


def row(item: Finding, now: datetime, width: int, look: Look) -> Line:
    """One criterion: its outcome, whether it is required, on what that rests."""
    word, tone = outcome(item, now)
    must = "" if item.required else "adv."
    mark = span(f"{look.marks.skipped} ", Tone.DIM) if item.waived else look.marks.of(tone)
    if tone is Tone.CRITICAL and not item.required:
        tone = Tone.WARNING
        mark = look.marks.of(tone)
    return clip(
        line(
            mark,
            span(fit(word, 9), tone),
            span(fit(must, 5), Tone.DIM),
            span(fit(item.title, _title(width)) + " ", Tone.STRONG),
            span(item.evidence, Tone.NORMAL if word != "pass" else Tone.DIM),
        ),
        width,
    )


def outcome(item: Finding, now: datetime) -> tuple[str, Tone]:
    """The word and the tone of a finding; one that has expired is unknown."""
    if item.waived:
        return "waived", Tone.DIM
    if item.outcome == PASS and item.expires_at is not None and item.expires_at <= now:
        return "EXPIRED", Tone.UNKNOWN
    return OUTCOMES.get(item.outcome, OUTCOMES[UNKNOWN])


def label(item: Finding) -> str:
    """What it is called in a message."""
    return item.title


def detail(item: Finding, rule: CriterionRule | None, now: datetime, width: int, look: Look) -> list[Line]:
    """Everything about one criterion."""
    word, tone = outcome(item, now)
    weight = "required" if item.required else "advisory"
    lines = [heading(item.title.upper(), line(span(f"{item.domain}, {item.kind}, {weight}", Tone.DIM)), width, look)]
    lines += [clip(line(span(fit("outcome", 10), Tone.DIM), span(word, tone)), width)]
    lines += labelled("evidence", item.evidence, width)
    if item.query:
        lines += labelled("asked", item.query, width)
    seen = f"{clock(item.at, seconds=True)}, {age(item.at, now, look)} ago" if item.at is not None else "never"
    until = f", counts until {clock(item.expires_at, seconds=True)}" if item.expires_at is not None else ""
    lines += labelled("seen", f"{item.source or 'no source'}, {seen}{until}", width)
    if item.waived:
        lines += labelled("waived", item.waived, width)
    hint = _hint(item, rule)
    return [*lines, *(labelled("to do", hint, width, tone=Tone.ACCENT) if hint else [])]


def _hint(item: Finding, rule: CriterionRule | None) -> str:
    who = f" (in the role {rule.role})" if rule is not None and rule.role else ""
    if item.kind == CriterionKind.CHECKLIST:
        return f"t attests it{who}, with a link"
    if item.kind == CriterionKind.APPROVAL:
        return f"v approves it{who}: not by the author of the rollout"
    return ""


def people(progress: Progress, now: datetime, width: int, look: Look) -> list[Line]:
    """What was said: attestations and approvals, newest first."""
    found = sorted(progress.attestations, key=lambda item: item.at, reverse=True)
    lines = [heading("SIGN-OFF", line(span("attested and approved", Tone.DIM)), width, look)]
    if not found:
        return [*lines, line(span("nobody has said anything yet", Tone.DIM))]
    return [*lines, *(_said(item, uncounted(progress, item, now), now, width, look) for item in found[:8])]


def uncounted(progress: Progress, item: Attestation, now: datetime) -> str:
    """Why what somebody said does not count for the step that comes next; empty when it does."""
    from console.model.criteria import Facts, rules_of  # not before the first screen
    from console.model.criteria.people import discounted

    if item.expires_at is not None and item.expires_at <= now:
        return f"expired at {clock(item.expires_at)}"
    proposal, record = progress.proposal, progress.record
    if proposal is None:
        return "nothing is to be decided"
    if item.criterion == OVERRIDE:
        return "" if item.phase == proposal.to_percent else f"it is not about {proposal.to_percent:g} %"
    rule = next((rule for rule in rules_of(progress.plan) if rule.name == item.criterion), None)
    if rule is None:
        return "the plan asks for no such thing"
    facts = Facts(
        record.target,
        progress.plan,
        record,
        proposal.from_percent,
        proposal.to_percent,
        attestations=progress.attestations,
        author=record.begun_by,
    )
    return discounted(rule, facts, item, now)


def _said(item: Attestation, void: str, now: datetime, width: int, look: Look) -> Line:
    """`void`: why it does not count."""
    word, tone = ("yes", Tone.OK) if item.approved else ("NO", Tone.CRITICAL)
    if void:
        word, tone = "EXPIRED" if void.startswith("expired") else "void", Tone.UNKNOWN
    about = f" for {item.phase:g} %" if item.phase is not None else ""
    role = f" as {item.role}" if item.role else ""
    return clip(
        line(
            look.marks.of(tone),
            span(fit(word, 8), tone),
            span(f"{item.criterion}{about} ", Tone.STRONG),
            span(f"does not count: {void}; " if void else "", Tone.UNKNOWN),
            f"{item.by}{role}, {age(item.at, now, look)} ago",
            span(f"  {item.link} {item.note}".rstrip(), Tone.DIM),
        ),
        width,
    )


def decisions(progress: Progress, now: datetime, width: int, look: Look, most: int = 6) -> list[Line]:
    """The certificates, newest first, with their conditions."""
    lines = [heading("DECISIONS", line(span("oncall decision show DEC-... prints one", Tone.DIM)), width, look)]
    if not progress.decisions:
        return [*lines, line(span("none is recorded", Tone.DIM))]
    for item in sorted(progress.decisions, key=lambda one: one.number, reverse=True)[:most]:
        lines.append(_decision(item, _dead(progress, item, now), now, width, look))
        lines += [_condition(text, width) for text in _conditions(item, now)]
    return lines


def _dead(progress: Progress, item: Decision, now: datetime) -> str:
    """Why no phase may rest on a decision any more, of those that say that one may."""
    if not item.allows:
        return ""
    if item.expires_at <= now:
        return "EXPIRED"
    why = _invalid(progress, item, item.from_percent, item.to_percent, now)
    return f"DOES NOT COUNT: {why.removeprefix(item.label).strip()}" if why else ""


def _decision(item: Decision, dead: str, now: datetime, width: int, look: Look) -> Line:
    """`dead`: why it does not count any more."""
    tone = Tone.UNKNOWN if dead else STATUSES[item.status]
    second = f" with {item.second}" if item.second else ""
    against = " AGAINST THE FINDINGS" if item.override else ""
    pieces = [
        line(
            span(f"{item.label} ", Tone.STRONG),
            span(f"{item.status} {dead}".rstrip(), tone),
            span(against, Tone.WARNING),
        ),
        line(step_words(item.from_percent, item.to_percent)),
        line(f"{item.by}{second}, {age(item.at, now, look)} ago"),
    ]
    return clip(line(look.marks.of(tone), join(pieces, look.marks.dot)), width)


def _conditions(item: Decision, now: datetime) -> list[str]:
    found = []
    for condition in item.conditions:
        due = "OVERDUE " if condition.due <= now else f"due {clock(condition.due)} "
        found.append(f"{due}{condition.owner}: {condition.text}")
    return found


def _condition(text: str, width: int) -> Line:
    return clip(
        line(span("    condition ", Tone.DIM), span(text, Tone.WARNING if text[:3] == "OVE" else Tone.NORMAL)), width
    )


def beside(board: Board, now: datetime, width: int, look: Look) -> list[Line]:
    """Sign-off and certificates."""
    progress = board.progress
    if progress is None:
        return []
    return [*people(progress, now, width, look), EMPTY, *decisions(progress, now, width, look)]
