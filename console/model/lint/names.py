"""Names that lead somewhere else: every one must lead to something. Nothing here needs a playbook without mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from console.model.binding import BUILT_IN, fit, used
from console.model.flow import Key, calls
from console.model.lint.finding import Finding, World
from console.model.playbook import QUERY, Check, Do, Playbook, Step, StepKind, Variable
from console.model.promql import complaint
from console.model.text import safe

_URL = re.compile(r"[a-z][a-z+.-]*://\S*", re.IGNORECASE)
_LINK = re.compile(r"(?<![\w./-])((?:\.{0,2}/)?[\w][\w./-]*\.md)\b")


def rules(playbook: Playbook, world: World) -> Iterator[Finding]:
    """Everything that leads nowhere."""
    for index, role in enumerate(playbook.roles):
        yield from _known("PB101", "role", role, world.roles, "", ("roles", index))
    for step in playbook.steps:
        yield from _step(step, world)
    yield from _links(playbook.summary, world, "", ("summary",))
    yield from _variables(playbook, world)


def _known(
    code: str, what: str, name: str, known: Sequence[str], step: str, keys: tuple[Key, ...]
) -> Iterator[Finding]:
    if name and name not in known:
        yield Finding(code, no_such(what, name, known), step, keys)


def no_such(what: str, name: str, known: Sequence[str]) -> str:
    """That a name leads nowhere, and which one may be meant."""
    near = get_close_matches(name, known, 1, 0.6)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}" if known else ""
    return f"there is no {what} {safe(name)!r}{hint}"


def _step(step: Step, world: World) -> Iterator[Finding]:
    yield from _known("PB101", "role", step.owner, world.roles, step.id, ("owner",))
    yield from _known("PB101", "role", step.role, world.roles, step.id, ("role",))
    yield from _known("PB102", "playbook", step.call, tuple(world.playbooks), step.id, ("playbook",))
    if world.flags and step.kind is StepKind.FLAG:
        yield from _known("PB105", "flag", step.flag, world.flags, step.id, ("flag",))
    if step.notice is not None:
        yield from _known("PB104", "channel", step.notice.channel, world.channels, step.id, ("channel",))
    for option in step.options:
        known = tuple(world.playbooks)
        yield from _known("PB102", "playbook", option.playbook, known, step.id, ("options", option.id, "playbook"))
        if option.when is not None:
            yield from _reading(option.when, world, step.id, ("options", option.id, "when"))
    for reactions, key in ((step.on_overdue, ("on_overdue",)), (step.on_failure.then, ("on_failure", "then"))):
        for reaction in reactions:
            if reaction.do is Do.NOTIFY:
                yield from _known("PB104", "channel", reaction.to, world.channels, step.id, (*key, "notify"))
    for index, check in enumerate(step.look_at):
        yield from _reading(check, world, step.id, ("look_at", index))
    if step.verify is not None:
        key = ("query",) if step.kind is StepKind.QUERY else ("verify",)
        yield from _reading(step.verify, world, step.id, key)
    for text, where in ((step.challenge, "challenge"), (step.response, "response"), (step.undo, "undo")):
        yield from _links(text, world, step.id, (where,))


def _reading(check: Check, world: World, step: str, keys: tuple[Key, ...]) -> Iterator[Finding]:
    if check.reading.startswith(QUERY):
        wrong = check.expr and complaint(check.expr)  # an empty one the reader has refused
        if wrong:
            yield Finding("PB109", f"no server can answer this query: {wrong}", step, (*keys, "query"))
    elif not check.watched:
        yield from _known("PB103", "reading", check.reading, world.readings, step, keys)


def _links(text: str, world: World, step: str, keys: tuple[Key, ...]) -> Iterator[Finding]:
    for link in dict.fromkeys(_LINK.findall(_URL.sub(" ", text))):
        if not world.leads(link):
            yield Finding("PB110", f"{link} is not there", step, keys)


def _variables(playbook: Playbook, world: World) -> Iterator[Finding]:
    declared = {variable.name: variable for variable in playbook.variables}
    unused = dict.fromkeys(declared)
    for step_id, text, keys in _templates(playbook):
        for name in dict.fromkeys(used(text)):
            unused.pop(name, None)
            yield from _known("PB107", "variable", name, (*declared, *BUILT_IN), step_id, keys)
    for name in unused:
        yield Finding("PB108", f"nothing uses {{{{{name}}}}}", "", ("variables", name))
    for name, variable in declared.items():
        place, _, key = variable.source.partition(".")
        if place == "config" and key in world.variables:
            yield from _unfit(variable, world.variables[key])
        elif place == "config" and not variable.default:
            known = tuple(world.variables)
            yield from _known("PB111", "variable in console.yaml", key, known, "", ("variables", name, "from"))


def _unfit(variable: Variable, said: str) -> Iterator[Finding]:
    try:
        fit(variable, said)
    except ValueError as error:
        yield Finding("PB111", f"console.yaml says otherwise: {error}", "", ("variables", variable.name, "from"))


def _templates(playbook: Playbook) -> Iterator[tuple[str, str, tuple[Key, ...]]]:
    """Everything in which `{{name}}` may stand, and where it stands: the step, if any, the text, the keys."""
    for item in playbook.checklists:
        for key, text in (
            ("title", item.title),
            ("pause_point", item.pause_point),
            ("completion_call", item.completion_call),
        ):
            yield "", text, ("checklists", item.id, key)
    made = calls(playbook)
    for step in playbook.steps:
        if step.id not in made:
            yield from ((step.id, text, keys) for text, keys in _texts(step))


def _texts(step: Step) -> Iterator[tuple[str, tuple[Key, ...]]]:
    """Of one step."""
    yield step.challenge, ("challenge",)
    yield step.response, ("response",)
    yield step.undo, ("undo",)
    yield step.confirm, ("confirm",)
    yield step.title, ("title",)
    if step.notice is not None:
        yield step.notice.text, ("text",)
    if step.probe is not None:
        yield step.probe.url, ("url",)
        yield step.probe.contains, ("contains",)
    if step.program is not None:
        yield step.program.cwd, ("cwd",)
        yield from ((text, ("command", index)) for index, text in enumerate(step.program.argv))
        yield from ((text, ("dry_run", index)) for index, text in enumerate(step.program.dry_run))
        yield from ((text, ("set_env", name)) for name, text in step.program.set_env)
    if step.verify is not None:
        yield step.verify.expr, ("query",) if step.kind is StepKind.QUERY else ("verify", "query")
    yield from ((check.expr, ("look_at", index)) for index, check in enumerate(step.look_at))
    for option in step.options:
        yield option.label, ("options", option.id, "label")
        if option.when is not None:
            yield option.when.expr, ("options", option.id, "when", "query")
