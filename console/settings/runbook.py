"""A Markdown runbook taken apart: headings, and under each what there is to do, in the order of the text.

Nothing that can be read in the runbook is lost: what is no step of its own is text of one. Only the markup goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.settings.runbook_words import code, harmless, html_words, inline, lines_of, plain, unused

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.tree import SyntaxTreeNode

TITLE = 60
"""Characters of a title that is made of a text."""
NESTING = 100
"""Lists and quotes within each other that are read as such."""
EFFORT = 80_000
"""Looks at a place of a text that are enough for any runbook; a text made to be slow takes millions."""
_FAR = 2_000
"""Characters that one look may pass."""
_EXPECTED = re.compile(
    r"(?:expect(?:ed)?(?: (?:result|outcome|output|response|value|state))?|you should see|result)\s*[:=]\s*(\S.*)",
    re.IGNORECASE,
)
_TASK = re.compile(r"\[[ xX]\]\s+")


@dataclass(slots=True)
class Draft:
    """A step to be: its title, its text in parts, and the response where the runbook says one. `within` is the title of
    the step that it is a part of."""

    title: str
    parts: list[str] = field(default_factory=list)
    response: str = ""
    within: str = ""

    @property
    def text(self) -> str:
        """All of it on one line."""
        return " ".join(" ".join(self.parts).split())


@dataclass(slots=True)
class Section:
    """A heading and what stands under it. `items` says whether a list is among it."""

    level: int
    title: str
    steps: list[Draft] = field(default_factory=list)
    items: bool = False
    children: list[Section] = field(default_factory=list)

    @property
    def prose(self) -> bool:
        """Whether it holds text alone: then it is one step."""
        return not self.items and not self.children


@dataclass(slots=True)
class Runbook:
    """A whole runbook. `title` is its first heading, and empty without one; `matter` are the lines of its front
    matter."""

    title: str
    root: Section
    matter: tuple[str, ...] = ()


class _Effort:
    """What it takes to read a text, counted, so that it ends for every text after the same work."""

    def __init__(self) -> None:
        self._left = EFFORT

    def spend(self, looks: int, over: int) -> None:
        """So many looks, each of which may pass so many characters. Raises ValueError when it is too much."""
        self._left -= looks * (1 + over // _FAR)
        if self._left < 0:
            raise ValueError("too much to read: it is very long, or has brackets, lists or tags without end")

    def inline(self, state: StateInline, silent: bool) -> bool:
        """A rule that looks, and finds nothing."""
        self.spend(1, state.posMax - state.pos)
        return False

    def block(self, state: StateBlock, start: int, end: int, silent: bool) -> bool:
        """The same for lists, headings and the like: they are dearer."""
        self.spend(5, 0)
        return False


def read_runbook(text: str) -> Runbook:
    """Takes Markdown apart (CommonMark, with tables and task lists). Raises ValueError, in words."""
    from markdown_it import MarkdownIt  # only an import pays for it
    from markdown_it.tree import SyntaxTreeNode

    matter, body = _front_matter(text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff"))
    parser = MarkdownIt("commonmark", {"maxNesting": NESTING}).enable(["table", "strikethrough"])
    effort = _Effort()
    parser.inline.ruler.before("text", "effort", effort.inline)
    parser.block.ruler.before("table", "effort", effort.block)
    env: dict[str, dict[str, dict[str, str]]] = {}
    tokens = parser.parse(body, env)
    if any(token.level >= NESTING - 1 and token.nesting == 1 for token in tokens):
        raise ValueError("lists or quotes too deep within each other")  # the parser would leave out what they hold
    for token in tokens:
        if token.type == "html_block":
            effort.spend(token.content.count("<"), len(token.content))
    root = Section(0, "")
    path = [root]
    last = _Writer(root)
    for node in SyntaxTreeNode(tokens).children:
        if node.type == "heading":
            section = Section(int(node.tag[1]), plain(node))
            while path[-1].level >= section.level:
                path.pop()
            path[-1].children.append(section)
            path.append(section)
            last = _Writer(section)
        else:
            last.take(node)
    last.rest(unused(tokens, env.get("references", {})))
    return _titled(root, matter)


def _front_matter(text: str) -> tuple[tuple[str, ...], str]:
    """The lines between a first line `---` (or `+++`) and the next one, and the rest."""
    lines = text.split("\n")
    fence = lines[0].rstrip()
    if fence not in ("---", "+++"):
        return (), text
    ends = (fence, "...") if fence == "---" else (fence,)
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() in ends:
            return tuple(harmless(item.rstrip()) for item in lines[1:number]), "\n".join(lines[number + 1 :])
    return (), text


def _titled(root: Section, matter: tuple[str, ...]) -> Runbook:
    """The first heading is the title. Where it is the only one of its level, all the others stand under it: what is
    below the title then begins the runbook."""
    if not root.children:
        return Runbook("", root, matter)
    first = root.children[0]
    if len(root.children) == 1 and (first.children or first.steps):
        below = Section(0, "", [*root.steps, *first.steps], root.items or first.items, first.children)
        return Runbook(first.title, below, matter)
    return Runbook(first.title, root, matter)


def title_of(text: str) -> str:
    """The first words of a text."""
    text = re.sub(r" \((?:https?:|image: )[^ )]*\)", "", " ".join(text.replace("`", "").split()))
    found = re.match(r"(.{3,}?[^\s.])[.:;!?](?=\s|$)", text[: TITLE + 1])
    if found is not None:
        return found.group(1)
    if len(text) <= TITLE:
        return text.rstrip(" .:;")
    return (
        text[: TITLE - 1].rpartition(" ")[0].rstrip(" .,:;") + "…" if " " in text[:TITLE] else text[: TITLE - 1] + "…"
    )


# -- blocks -----------------------------------------------------------------------------------------------------------


class _Writer:
    """Makes steps of the blocks below one heading."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self._loose: list[Draft] = []
        """Paragraphs since the last list: they belong to it, if it goes on."""

    def take(self, node: SyntaxTreeNode) -> None:
        """The next block."""
        if node.type in ("bullet_list", "ordered_list"):
            self._list(node)
            return
        text = _flat(node)
        if not text:
            return
        steps = self._section.steps
        if steps and (not self._section.items or self._loose or node.type != "paragraph"):
            draft = steps[-1]
        else:
            draft = Draft(self._section.title if not steps else title_of(text))
            steps.append(draft)
            if self._section.items:
                self._loose.append(draft)
        draft.parts.append(text)
        draft.response = draft.response or _response(node)

    def rest(self, lines: Iterable[str]) -> None:
        """What belongs to no place of its own."""
        for line in lines:
            if not self._section.steps:
                self._section.steps.append(Draft(self._section.title))
            self._section.steps[-1].parts.append(line)

    def _list(self, node: SyntaxTreeNode) -> None:
        goes_on = node.type == "ordered_list" and int(node.attrs.get("start", 1)) > 1
        steps = self._section.steps
        if goes_on and self._loose and len(steps) > len(self._loose):
            # `1. Do this`, a paragraph that is not indented, `2. Do that`: the paragraph is about the first.
            del steps[-len(self._loose) :]
            for draft in self._loose:
                steps[-1].parts += draft.parts
                steps[-1].response = steps[-1].response or draft.response
        self._loose = []
        found = [draft for item in node.children for draft in _item(item, "")]
        self._section.items = self._section.items or bool(found)
        steps += found


def _item(node: SyntaxTreeNode, within: str) -> Iterator[Draft]:
    """An item and the items within it, in their order."""
    found: list[Draft] = []
    for child in node.children:
        if child.type in ("bullet_list", "ordered_list"):
            above = found[0].title if found else within
            for item in child.children:
                if found and (said := _said(item)):
                    found[-1].parts.append(_flat(item))
                    found[-1].response = found[-1].response or said
                else:
                    found += _item(item, above)
            continue
        text = _TASK.sub("", _flat(child), count=1) if not found and child.type == "paragraph" else _flat(child)
        if not text:
            continue
        if not found:
            found.append(Draft(_strong(child) or _title(child) or title_of(text), within=within))
        found[-1].parts.append(text)
        found[-1].response = found[-1].response or _response(child)
    yield from found


def _title(node: SyntaxTreeNode) -> str:
    """The first words of a paragraph, without a line that says what is expected."""
    if node.type != "paragraph":
        return ""
    lines = [_TASK.sub("", line.strip(), count=1) for line in lines_of(inline(node))]
    return title_of(" ".join(line for line in lines if not _EXPECTED.fullmatch(line.strip())))


def _strong(node: SyntaxTreeNode) -> str:
    """The words in bold that a paragraph begins with: its own title."""
    tokens = inline(node)
    if not tokens or node.type != "paragraph":
        return ""
    skipped = [token for token in tokens if token.type != "text" or _TASK.sub("", token.content).strip()]
    if not skipped or skipped[0].type != "strong_open":
        return ""
    end = next(number for number, token in enumerate(skipped) if token.type == "strong_close")
    return " ".join(" ".join(lines_of(skipped[1:end])).split())[:TITLE].rstrip(" .:;")


def _said(item: SyntaxTreeNode) -> str:
    """The response, where an item says nothing else."""
    only = item.children[0] if len(item.children) == 1 else None
    return _response(only) if only is not None and len(list(lines_of(inline(only)))) == 1 else ""


def _response(node: SyntaxTreeNode) -> str:
    """What a line such as `Expected: 200 OK` says is to be seen."""
    if node.type != "paragraph":
        return ""
    for line in lines_of(inline(node)):
        found = _EXPECTED.fullmatch(_TASK.sub("", line.strip(), count=1).strip())
        if found is not None:
            return found.group(1)
    return ""


def _flat(node: SyntaxTreeNode) -> str:
    """All the text of a block, on one line."""
    match node.type:
        case "paragraph" | "heading" | "th" | "td":
            return plain(node)
        case "fence" | "code_block":
            return " ".join(code(line) for line in node.content.split("\n") if line.strip())
        case "html_block":
            return html_words(node.content)
        case "hr":
            return ""
        case "tr":
            return "| " + " | ".join(_flat(cell) for cell in node.children) + " |"
        case "blockquote":
            inner = " ".join(filter(None, map(_flat, node.children)))
            return f"> {inner}" if inner else ""
        case "list_item":
            inner = " ".join(filter(None, map(_flat, node.children)))
            return f"- {inner}" if inner else ""
        case _:
            return " ".join(filter(None, map(_flat, node.children)))
