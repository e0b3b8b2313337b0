"""What happens by itself when a step is late or has failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from console.model.playbook import Do, OnFailure, Reaction
from console.settings.nodes import Node
from console.settings.playbook import keys
from console.settings.problems import one_of, shown
from console.settings.references import References
from console.settings.tree import Kind

MOST_TRIES = 9
Jump = Callable[[Node], str]
"""Reads the name of a step to go to."""


def read_on_failure(node: Node, jump: Jump, references: References, *, decided: bool) -> OnFailure:
    """A mapping with `tries`, `back_off` and `then`, or what `then` would say."""
    if not node.present:
        return OnFailure()
    if node.tree.kind is Kind.MAPPING and not set(node.tree.entries) & set(keys.NAMED):
        fields = node.mapping(*keys.ON_FAILURE)
        usual = OnFailure()
        tries = fields["tries"]
        number = tries.integer(f"how often it is tried in all, 1 to {MOST_TRIES}", least=1, most=MOST_TRIES, default=1)
        if "back_off" in fields and tries.tree.text in ("", "1"):
            fields.key("back_off").refuse("`back_off` without a second try", "it beside `tries`, 2 or more")
        then = fields["then"]
        return OnFailure(
            number,
            fields["back_off"].duration(default=usual.back_off),
            read_reactions(then, keys.FAILED, jump, references, decided=decided) if then.present else (),
        )
    return OnFailure(1, timedelta(seconds=10), read_reactions(node, keys.FAILED, jump, references, decided=decided))


def read_reactions(
    node: Node, allowed: tuple[Do, ...], jump: Jump, references: References, *, decided: bool
) -> tuple[Reaction, ...]:
    """One reaction or a list of them. `decided`: a person must close the step, so that nothing goes on without one."""
    if decided:
        allowed = tuple(do for do in allowed if do is not Do.GO_ON)
    several = node.tree.kind is Kind.LIST
    places = node.sequence(f"a reaction: {_words(allowed)}", least=1) if several else (node,)
    found = tuple(_reaction(place, allowed, jump, references) for place in places)
    ways = [reaction.do.value for reaction in found if reaction is not None and reaction.do in keys.WAYS]
    if len(ways) > 1:
        node.refuse(f"more than one way to go on ({', '.join(ways)})", "one of them")
    return tuple(reaction for reaction in found if reaction is not None)


def _words(allowed: tuple[Do, ...]) -> str:
    return one_of(
        [f"{do}: {'CHANNEL' if do is Do.NOTIFY else 'STEP'}" if do in keys.NAMED else str(do) for do in allowed]
    )


def _reaction(node: Node, allowed: tuple[Do, ...], jump: Jump, references: References) -> Reaction | None:
    if node.tree.kind is Kind.MAPPING:
        named = tuple(str(do) for do in allowed if do in keys.NAMED)
        fields = node.mapping(*named)
        if len(node.tree.entries) != 1:
            if all(key in named for key in node.tree.entries):
                node.refuse("not one reaction", f"one reaction: {_words(allowed)}")
            return None
        (key,) = node.tree.entries
        if key == Do.GOTO:
            return Reaction(Do.GOTO, jump(fields[key]))
        if key == Do.NOTIFY:
            return Reaction(Do.NOTIFY, read_channel(fields[key], references))
        return None
    if node.tree.kind is Kind.TEXT and node.tree.text in allowed and node.tree.text not in keys.NAMED:
        return Reaction(Do(node.tree.text))
    text = node.text(f"a reaction: {_words(allowed)}")
    if text:
        node.refuse(shown(text), f"a reaction: {_words(allowed)}")
    return None


def read_channel(node: Node, references: References) -> str:
    """The name of a channel, or a kind of channel."""
    name = node.text("a channel, such as slack.alerts, or a kind of it, such as slack")
    references.channels.append((name, node))
    return name
