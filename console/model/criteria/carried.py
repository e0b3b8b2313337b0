"""Criteria on playbooks that are carried out: the checks before the first phase, and the smoke checks of each phase."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from console.model.criteria.facts import Facts, Said
from console.model.decision import FAIL, PASS, UNKNOWN
from console.model.rollout_plan import CriterionRule
from console.model.run import Run, RunStatus, StepRun, StepStatus

_DRILL = "drill"
"""The mode of a run that proves nothing of what was deployed."""


def before(_: CriterionRule, facts: Facts, __: datetime) -> Said:
    """Whether the checks before the first phase were carried out since the rollout was begun."""
    return _carried(facts, facts.plan.before, facts.record.started_at, "the rollout was begun")


def smoke(_: CriterionRule, facts: Facts, __: datetime) -> Said:
    """Whether the smoke checks were carried out since the present phase was entered, and since its revision came."""
    stay, record = facts.record.stay, facts.record
    if stay is None:
        return Said(UNKNOWN, "no phase is entered: there is nothing that smoke checks could look at")
    if record.bake_since is not None and record.revision != stay.revision and stay.revision:
        new = record.revision or "another revision"
        return _carried(facts, facts.plan.smoke, record.bake_since, f"the bake of {new} began")
    return _carried(facts, facts.plan.smoke, stay.entered_at, f"{stay.percent:g} % was entered")


def _carried(facts: Facts, playbook: str, since: datetime | None, what: str) -> Said:
    """The newest run counts: a failed one is mended by another."""
    if not playbook:
        return Said(UNKNOWN, "rollout.yaml names no playbook for it")
    if since is None:
        return Said(UNKNOWN, "no rollout was begun")
    runs = [run for run in facts.runs if _counts(run, playbook, facts.record.target, since)]
    run = max(runs, key=lambda run: (run.started_at, run.number), default=None)
    if run is None:
        how = f"`oncall run start {playbook} --incident ID`"
        return Said(UNKNOWN, f"no run of {playbook} since {what} at {_at(since)}: {how}", query=playbook)
    outcome, words = _outcome(run)
    at = run.ended_at or run.started_at
    return Said(outcome, f"{run.label} of {playbook}, {words} at {_at(at)}", at, None, playbook, run.label)


def _counts(run: Run, playbook: str, target: str, since: datetime) -> bool:
    return run.playbook.name == playbook and run.target == target and run.started_at >= since and run.mode != _DRILL


def _outcome(run: Run) -> tuple[str, str]:
    """A step that failed is none that went well, also where the run went on without it."""
    failed = _named(run, lambda step: step.status is StepStatus.FAILED)
    match run.status:
        case RunStatus.RUNNING if failed:
            return FAIL, f"{failed} failed; it goes on, begun"
        case RunStatus.RUNNING:
            return UNKNOWN, "under way, begun"
        case RunStatus.COMPLETED if failed:
            return FAIL, f"{failed} failed and was left; it ended"
        case RunStatus.COMPLETED:
            return PASS, f"completed{_less(run)}"
        case RunStatus.CONTINUED:
            return FAIL, "another playbook took over"
    return FAIL, f"aborted{f' ({run.reason})' if run.reason else ''}"


def _less(run: Run) -> str:
    """What was not carried out, or not in time: whoever decides sees it."""
    skipped = _named(run, lambda step: step.status is StepStatus.SKIPPED)
    expired = _named(run, lambda step: step.status is StepStatus.EXPIRED)
    pieces = [f"{skipped} skipped" if skipped else "", f"{expired} not seen in time" if expired else ""]
    told = ", ".join(filter(None, pieces))
    return f" ({told})" if told else ""


def _named(run: Run, wanted: Callable[[StepRun], bool]) -> str:
    """The titles of the steps that are meant, in playbook order."""
    found: Iterable[str] = (step.title for step in run.playbook.steps if wanted(run.steps[step.id]))
    return ", ".join(found)


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
