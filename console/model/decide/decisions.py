"""The rules of decisions: what people say of a criterion, and the certificate. Nothing here stops a rollback."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from math import isfinite

from console.model import commands as cmd
from console.model import events as ev
from console.model.decide.context import Batch, Context, Refusal, required
from console.model.decision import FAIL, LIFE, OVERRIDE, PASS, UNKNOWN, Answer, Attestation, Status, answer
from console.model.events.decision import Condition, Finding
from console.model.people import are_two_people
from console.model.rolling import RolloutRecord, RolloutState
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import CriterionKind, CriterionRule
from console.model.state import State
from console.model.text import safe

_BY_RECORD = (CriterionKind.CHECKLIST, CriterionKind.APPROVAL, CriterionKind.BEFORE, CriterionKind.SMOKE)
_OVER = (RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK, RolloutState.ABORTED, RolloutState.PROMOTED)
_LINK = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
SHOWN = 3
"""Of so many findings a refusal says why; of more, what they are."""
_AHEAD = timedelta(days=366)
"""How far ahead a condition may be due."""


def attest(state: State, command: cmd.Attest, context: Context) -> list[Batch]:
    """Somebody in the role says with a link that a criterion holds, or that it does not."""
    plan, record = _begun(state, context)
    rule = _rule(plan, command.criterion, CriterionKind.CHECKLIST)
    _in_role(rule.role, context)
    link = command.link.strip()
    if command.holds and not _LINK.fullmatch(link):
        raise Refusal(f"{rule.title!r} is attested with a link to its evidence: http:// or https://")
    note = command.note.strip() if command.holds else required(command.note, "why it does not hold")
    if command.phase is not None:
        _phase(plan, command.phase)
    ends = context.now + rule.expires
    said = ev.CriterionAttested(rule.name, link, note, command.phase, ends, rule.role, command.holds)
    return [Batch(record.stream, record.version, (said,))]


def approve(state: State, command: cmd.Approve, context: Context) -> list[Batch]:
    """Somebody in the role, who did not begin the rollout, approves the next phase, or withdraws that."""
    plan, record = _begun(state, context)
    _phase(plan, command.phase)
    if command.criterion == OVERRIDE:
        note = required(command.note, "why you agree") if command.approved else command.note.strip()
        if command.approved:
            _may_agree(plan, record, context)
        said = ev.PhaseApproved(OVERRIDE, command.phase, "", command.approved, note)
        return [Batch(record.stream, record.version, (said,))]
    rule = _rule(plan, command.criterion, CriterionKind.APPROVAL)
    _in_role(rule.role, context)
    author = record.begun_by
    if command.approved and author is not None and not are_two_people(author, context.actor):
        raise Refusal(f"{author} began the rollout: another person approves {command.phase:g} %")
    said = ev.PhaseApproved(rule.name, command.phase, rule.role, command.approved, command.note.strip())
    return [Batch(record.stream, record.version, (said,))]


def decide(state: State, command: cmd.Decide, context: Context) -> list[Batch]:
    """The certificate: the status follows from the findings, or somebody else agrees that it does not."""
    plan, record = _begun(state, context)
    _same_step(plan, record, command)
    status = _status(command.status)
    looked = _looked_at(state, plan, record, command, context)
    verdict = answer(looked)
    holding = _holding(looked, status)
    conditions = _conditions(command, status, context)
    override = second = broken = ""
    if status is Status.NO_GO:
        # The safe direction: alone, and with a reason where the findings say otherwise.
        override = required(command.override, "the reason for a NO-GO") if verdict is Answer.GO else ""
    else:
        if record.state in _OVER:
            raise Refusal(f"the rollout is {record.state}: nothing can go on")
        if holding:
            override, second, broken = _against(record, command, context, holding)
            looked = tuple(replace(item, waived=override) if item in holding else item for item in looked)
    certificate = ev.DecisionCertified(
        target=str(context.target),
        rollout=plan.name,
        revision=record.revision,
        from_percent=command.from_percent,
        to_percent=command.to_percent,
        status=status.value,
        verdict=verdict.value,
        findings=looked,
        plan_hash=plan.hash,
        slo_hash=command.slo_hash,
        conditions=conditions,
        override=override,
        second=second,
        break_glass=broken,
        dissent=command.dissent.strip(),
        p95_minutes=_finite(command.p95_minutes),
        head=command.head,
    )
    return [Batch(f"decision:{context.fresh()}", 0, (certificate,))]


# -- what is asked ----------------------------------------------------------------------------------------------------


def _begun(state: State, context: Context) -> tuple[RolloutPlan, RolloutRecord]:
    record = state.rollouts.get(str(context.target))
    if context.plan is None:
        raise Refusal("no rollout is configured here: rollout.yaml says what a decision asks")
    if record is None or record.started_at is None:
        raise Refusal(f"no rollout was begun on {context.target}")
    return context.plan, record


def _rule(plan: RolloutPlan, name: str, kind: CriterionKind) -> CriterionRule:
    from console.model.criteria import rules_of

    rules = [rule for rule in rules_of(plan) if rule.kind is kind]
    found = next((rule for rule in rules if rule.name == name), None)
    if found is None:
        known = ", ".join(rule.name for rule in rules) or "none"
        raise Refusal(f"{name!r} is no criterion of the kind {kind.value}; known: {known}")
    return found


def _may_agree(plan: RolloutPlan, record: RolloutRecord, context: Context) -> None:
    """Whether a word against the findings can count: of another person than who began, in a role that approves."""
    author, actor = record.begun_by, context.actor
    if author is not None and not are_two_people(author, actor):
        raise Refusal(f"{author} began the rollout, and {actor} is not surely another person: it would not count")
    roles = dict.fromkeys(rule.role for rule in plan.criteria if rule.kind is CriterionKind.APPROVAL and rule.role)
    if roles and not roles.keys() & set(context.standing.get(actor.name, ())):
        raise Refusal(f"it is for the {' or '.join(roles)}, which {actor.name} is not by people.yaml")


def _in_role(role: str, context: Context) -> None:
    if role and role not in context.standing.get(context.actor.name, ()):
        raise Refusal(f"it is for the {role}, which {context.actor.name} is not by people.yaml")


def _phase(plan: RolloutPlan, phase: float) -> None:
    if phase not in plan.phases:
        raise Refusal(f"{phase:g} % is no phase of {plan.name}: {', '.join(f'{item:g}' for item in plan.phases)}")


def _same_step(plan: RolloutPlan, record: RolloutRecord, command: cmd.Decide) -> None:
    """The step is the one that comes next: from where the rollout is."""
    here = record.percent or 0.0
    if command.from_percent != here:
        raise Refusal(f"the rollout is at {here:g} %, and the decision is about {command.from_percent:g} %: look again")
    comes = next_step(plan, record)
    if command.to_percent != comes:
        raise Refusal(f"after {here:g} % comes {comes:g} %, and the decision is about {command.to_percent:g} %")


def next_step(plan: RolloutPlan, record: RolloutRecord) -> float:
    """The share that a decision is about: of the next phase; the present one, where only the end is left."""
    here = record.percent or 0.0
    following = plan.next_phase(here)
    return here if following is None else following


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError:
        raise Refusal(f"{text!r} is no status; expected one of {', '.join(Status)}") from None


# -- the findings -----------------------------------------------------------------------------------------------------


def _looked_at(
    state: State, plan: RolloutPlan, record: RolloutRecord, command: cmd.Decide, context: Context
) -> tuple[Finding, ...]:
    """The findings that were on the screen, as they stand now: none is missing, those that have expired are unknown,
    and what people said and carried out is looked up in the record anew."""
    from console.model.criteria import Facts, asked, findings, rules_of  # few starts decide anything

    rules = asked(rules_of(plan), command.from_percent, command.to_percent)
    given = {item.name: item for item in command.findings}
    missing = [rule.title for rule in rules if rule.name not in given]
    other = [name for name in given if all(rule.name != name for rule in rules)]
    if missing or other or len(given) != len(command.findings):
        raise Refusal(f"the findings are not those of the plan ({', '.join(missing or other) or 'twice'}): look again")
    facts = Facts(
        context.target.service,
        plan,
        record,
        command.from_percent,
        command.to_percent,
        attestations=record.attestations,
        author=record.begun_by,
        decider=context.actor,
        runs=tuple(state.runs.values()),
    )
    said = {item.name: item for item in findings([r for r in rules if r.kind in _BY_RECORD], facts, context.now)}
    return tuple(_now(said.get(rule.name, given[rule.name]), rule, context) for rule in rules)


def _now(item: Finding, rule: CriterionRule, context: Context) -> Finding:
    item = replace(
        item,
        title=rule.title,
        kind=rule.kind.value,
        domain=rule.domain.value,
        required=rule.required,
        waived="",
        outcome=item.outcome if item.outcome in (PASS, FAIL) else UNKNOWN,
        value=_finite(item.value),
    )
    if item.outcome == PASS and (item.expires_at is None or item.expires_at <= context.now):
        when = f"expired at {item.expires_at:%Y-%m-%d %H:%M:%S}Z" if item.expires_at is not None else "without a date"
        return replace(item, outcome=UNKNOWN, evidence=f"{when}: {item.evidence}")
    return item


def _finite(number: float | None) -> float | None:
    """A record holds no other number."""
    return number if number is not None and isfinite(number) else None


def _holding(looked: tuple[Finding, ...], status: Status) -> list[Finding]:
    """What stands against a status that lets the rollout go on. A GO has no advisory fail: that is a condition."""
    required_ = [item for item in looked if item.required and item.outcome != PASS]
    advisory = [item for item in looked if not item.required and item.outcome == FAIL]
    return required_ + (advisory if status is Status.GO else [])


def _conditions(command: cmd.Decide, status: Status, context: Context) -> tuple[Condition, ...]:
    found = tuple(
        Condition(required(item.text, "a condition"), required(item.owner, "who owns a condition"), item.due)
        for item in command.conditions
    )
    if status is Status.CONDITIONAL and not found:
        raise Refusal("a conditional GO says what must still happen, who does it, and until when")
    if status is Status.GO and found:
        raise Refusal("a GO has no conditions: with conditions it is CONDITIONAL")
    for item in found:
        if not context.now < item.due <= context.now + _AHEAD:
            raise Refusal(f"the condition {item.text!r} is due later than now, and within a year")
    return found


# -- against the findings ---------------------------------------------------------------------------------------------


def _against(
    record: RolloutRecord, command: cmd.Decide, context: Context, holding: list[Finding]
) -> tuple[str, str, str]:
    """The reason, the second person, and why there is none. Raises Refusal."""
    short = len(holding) <= SHOWN
    what = "; ".join(
        f"{item.title}: {item.outcome}{f' ({safe(item.evidence, 160)})' if short else ''}" for item in holding
    )
    if not command.override.strip():
        only = all(not item.required for item in holding)
        hint = "CONDITIONAL names what is done about it" if only else "Against that, it needs a reason"
        raise Refusal(f"{what}. {hint}{'' if only else ' and a second person'}")
    reason, second = command.override.strip(), command.second.strip()
    agreed = _agreed(record, second, command, context) if second else None
    if agreed is not None:
        return reason, str(agreed.by), ""
    if command.break_glass.strip():
        return reason, "", command.break_glass.strip()
    how = f"`oncall decision approve {OVERRIDE} --phase {command.to_percent:g}`"
    who = f"{second} has not agreed in the last hour, or is not surely another person" if second else "nobody is named"
    raise Refusal(
        f"{what}. A second person agrees by {how}: {who}. "
        "Alone it can be done with a reason, which is told (break the glass)"
    )


def _agreed(record: RolloutRecord, second: str, command: cmd.Decide, context: Context) -> Attestation | None:
    """The word of another person for exactly this, who did not begin the rollout either: their last one, and not an old
    one."""
    author = record.begun_by
    for item in record.attestations:
        same = (
            item.criterion == OVERRIDE and item.phase == command.to_percent and second in (item.by.name, item.by.login)
        )
        fresh = context.now - LIFE < item.at and (record.bake_since is None or item.at >= record.bake_since)
        other = are_two_people(item.by, context.actor) and (author is None or are_two_people(item.by, author))
        if same and fresh and item.approved and other:
            return item
    return None
