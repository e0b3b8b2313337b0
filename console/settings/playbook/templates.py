"""Texts in which variables may stand, judged where they stand in the file."""

from __future__ import annotations

from collections.abc import Mapping

from console.model.playbook import Variable
from console.settings.nodes import Node
from console.settings.problems import shown

Variables = Mapping[str, Variable]


def words(node: Node, variables: Variables, expected: str = "a text", *, optional: bool = False) -> str:
    """A text that people read."""
    text = node.text(expected, default="") if optional else node.text(expected)
    _judge(node, "WORDS", text, variables)
    return text


def typed(node: Node, variables: Variables) -> str:
    """The words to type before what cannot be undone; they name the target."""
    text = node.text("the words to type", default="")
    if text and "{target}" not in text.replace("{{target}}", ""):
        node.refuse(shown(text), "words with {target} in them, such as CLEAR {target}")
    _judge(node, "TYPED", text, variables)
    return text


def plain(node: Node, variables: Variables, expected: str) -> str:
    """A text that a machine reads, as it is."""
    text = node.exact(expected)
    _judge(node, "PLAIN", text, variables)
    return text


def argument(node: Node, variables: Variables) -> str:
    """One argument of a program, as it is."""
    text = node.exact("an argument", empty=True)
    _judge(node, "ARGUMENT", text, variables)
    return text


def address(node: Node, variables: Variables) -> str:
    """An http or https URL."""
    text = node.exact("an http or https URL")
    if text:
        _judge(node, "URL", text, variables)
    return text


def query(node: Node, variables: Variables) -> str:
    """A PromQL expression, on one line."""
    text = node.expression()
    if "{{" not in text and not set("\n#\"'`") & set(text):
        return " ".join(text.split())
    from console.model.binding import Unfit, one_line

    try:
        text = one_line(text)
    except Unfit as unfit:
        node.refuse(unfit.found, unfit.expected)
        return ""
    _judge(node, "QUERY", text, variables)
    return text


def fixed(node: Node, text: str) -> str:
    """A text in which no variable may stand."""
    if "{{" in text:
        from console.model.binding import used

        for name in used(text)[:1]:
            node.refuse(f"the variable {shown(name)} where none is put in", "a text without variables")
    return text


def _judge(node: Node, place: str, text: str, variables: Variables) -> None:
    if "{{" in text or place == "URL":
        from console.model.binding import (
            Place,
            Unfit,
            judge,
        )  # most texts have no variables: a start does not pay for it

        try:
            judge(Place[place], text, variables)
        except Unfit as unfit:
            node.refuse(unfit.found, unfit.expected)
