"""What a run that was carried out says of how long a rollback takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from math import log

from console.model.estimate import Prediction
from console.model.playbook import Playbook, StepKind
from console.model.run import Run, RunStatus, StepStatus

HUMAN = frozenset({StepKind.MANUAL, StepKind.DECISION, StepKind.APPROVAL})
"""Kinds whose time is a person's. All others are a machine's, also of a playbook that is called: there may be machines
in it."""
_EDGE = 1e-6


def human_steps(playbook: Playbook) -> tuple[str, ...]:
    """The steps that people carry out, by themselves."""
    return tuple(step.id for step in playbook.steps if step.kind in HUMAN)


def whole(run: Run) -> bool:
    """Whether a run says how long a rollback takes: it came to its end, and no step of it was left out. One that was
    skipped, or has failed and was left behind, took no time."""
    if run.status is not RunStatus.COMPLETED or run.ended_at is None:
        return False
    return not any(item.status in (StepStatus.SKIPPED, StepStatus.FAILED) for item in run.steps.values())


def step_seconds(run: Run, until: datetime) -> Mapping[str, float]:
    """How long the run waited for each step until then: every moment belongs to one step, so that they sum to the
    whole. Of steps at the same time it is the one that ends last, and one that is never waited for comes last; a
    moment between two steps belongs to the one before it."""
    ends = until if run.ended_at is None else min(run.ended_at, until)
    spans: list[tuple[datetime, datetime, bool, str]] = []  # begin, end, waited for, step
    for step in run.playbook.steps:
        progress = run.steps.get(step.id)
        for part in (*progress.earlier, progress) if progress is not None else ():
            if part.started_at is not None and part.started_at < ends:
                spans.append((part.started_at, min(part.ended_at or ends, ends), not step.parallel, step.id))
    marks = sorted({run.started_at, ends, *(span[0] for span in spans), *(span[1] for span in spans)})
    found: dict[str, float] = {}
    last = min(spans)[3] if spans else ""
    for begin, end in pairwise(marks):
        active = [span for span in spans if span[0] <= begin and end <= span[1]]
        if active:
            last = max(active, key=lambda span: (span[2], span[1], span[0]))[3]
        if last:
            found[last] = found.get(last, 0.0) + (end - begin).total_seconds()
    return found


def place(prediction: Prediction, seconds: float) -> float | None:
    """Where a duration falls in what was predicted, 0 to 1: between two quantiles that were said, in straight lines of
    the normal score over the logarithm. None where too little was said."""
    from statistics import NormalDist  # not at every start: asked at the end of a rollback

    normal = NormalDist()
    said = [(prediction.p50, 0.5), (prediction.p80, 0.8), (prediction.p95, 0.95)]
    points = sorted({(log(at), share) for at, share in said if at is not None and at > 0.0})
    if len(points) < 2 or seconds <= 0.0 or points[0][0] == points[-1][0]:
        return None
    scores = [(at, normal.inv_cdf(share)) for at, share in points]
    x = log(seconds)
    pairs = [(one, other) for one, other in pairwise(scores) if other[0] > one[0]]
    one, other = next((pair for pair in pairs if x <= pair[1][0]), pairs[-1])
    score = one[1] + (other[1] - one[1]) * (x - one[0]) / (other[0] - one[0])
    return min(max(normal.cdf(score), _EDGE), 1.0 - _EDGE)
