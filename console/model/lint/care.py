"""Steps that wait, act and need people: limits, proofs, and who may do it."""

from __future__ import annotations

from collections.abc import Container, Iterator

from console.model.flow import calls
from console.model.lint.finding import Finding, World
from console.model.playbook import ACTING, OBSERVED, Do, OnFailure, Playbook, Step, StepKind

OWN_CHECK = (StepKind.QUERY, StepKind.HTTP)
"""Kinds whose check is no `verify` in the file, but keys of the step itself."""


def rules(playbook: Playbook, world: World) -> Iterator[Finding]:
    """Everything about single steps."""
    for index, role in enumerate(playbook.roles):
        yield from _held(role, world, "", ("roles", index))
    made = calls(playbook)
    for step in playbook.steps:
        yield from _limits(step, made)
        yield from _effects(step)
        yield from _people(step, world)


def _limits(step: Step, made: Container[str]) -> Iterator[Finding]:
    if step.timebox is None:
        if step.kind in OBSERVED:
            yield Finding("PB303", "it may wait for ever: it has no timebox", step.id)
        elif step.kind is not StepKind.PLAYBOOK and step.id not in made:
            yield Finding("PB307", "without a timebox it is never late, and nobody is told", step.id)
        return
    if step.kind in OBSERVED and not step.on_overdue:
        yield Finding("PB304", "nothing says what happens when it has not come true in time", step.id, ("timebox",))
    if step.verify is not None and step.verify.hold >= step.timebox:
        text = f"{step.verify.hold.total_seconds():g} s cannot be over within {step.timebox.total_seconds():g} s"
        yield Finding("PB305", text, step.id, ("for",) if step.kind in OWN_CHECK else ("verify", "for"))
    if step.program is not None and step.program.timeout >= step.timebox:
        text = f"the step is overdue {step.timebox.total_seconds():g} s after it started, its program later"
        yield Finding("PB306", text, step.id, ("timeout",))


def _effects(step: Step) -> Iterator[Finding]:
    if _changes(step) and step.verify is None:
        yield Finding("PB501", "it changes something, and no `verify` looks at what came of it", step.id)
    if step.critical and step.kind in ACTING | OBSERVED and step.on_failure == OnFailure():
        yield Finding(
            "PB502", "it is critical, and no `on_failure` says how to go on without it", step.id, ("critical",)
        )
    if step.irreversible and not step.second_person:
        yield Finding("PB503", "there is no way back, and nobody reads it back: second_person", step.id, ("confirm",))
    if (step.irreversible or step.critical) and not step.skip_needs_reason:
        yield Finding("PB504", "it may be skipped without a word", step.id, ("skip_needs_reason",))


def _changes(step: Step) -> bool:
    """Whether it changes something. A program that may fail without consequence, and has nothing to take back, is one
    that only looks."""
    if step.kind is not StepKind.COMMAND:
        return step.kind is StepKind.FLAG
    passed_over = any(reaction.do is Do.GO_ON for reaction in step.on_failure.then)
    return not passed_over or bool(step.undo or step.confirm)


def _people(step: Step, world: World) -> Iterator[Finding]:
    yield from _held(step.owner, world, step.id, ("owner",))
    yield from _held(step.role, world, step.id, ("role",))
    holders = world.holders.get(step.role, ())
    if step.kind is StepKind.APPROVAL and len(set(holders)) == 1:
        text = f"{holders[0]} alone is {step.role}: who starts the run cannot approve it"
        yield Finding("PB402", text, step.id, ("role",))
    if step.second_person and world.logins < 2:
        yield Finding("PB403", "people.yaml has no second person", step.id, ("second_person",))


def _held(role: str, world: World, step: str, keys: tuple[str | int, ...]) -> Iterator[Finding]:
    if role in world.roles and not world.holders.get(role):
        yield Finding("PB401", f"nobody in people.yaml holds the role {role!r}", step, keys)
