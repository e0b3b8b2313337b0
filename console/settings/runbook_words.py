"""The words of a Markdown runbook: what inline markup, links and HTML within it say, as harmless text.

Nothing that can be read is lost: addresses and comments stand behind the words that they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from console.model.text import safe

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_TAGS = (
    "a abbr address article aside audio b bdi bdo blockquote body br button caption center cite code col colgroup dd"
    " del details dfn div dl dt em embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr"
    " html i iframe img input ins kbd label legend li link main mark meta nav ol option p picture pre q s samp script"
    " section select small source span strike strong style sub summary sup svg table tbody td template textarea tfoot"
    " th thead title tr tt u ul var video wbr"
)
_HTML = frozenset(_TAGS.split())
"""Tags that are markup. Any other, such as `<pod>`, is a word that stands for something."""


def inline(node: SyntaxTreeNode) -> Sequence[Token]:
    """The inline tokens of a paragraph, a heading or a cell."""
    return [token for child in node.children if child.token is not None for token in child.token.children or ()]


def plain(node: SyntaxTreeNode) -> str:
    """The words of a block, on one line."""
    return " ".join(" ".join(lines_of(inline(node))).split())


def code(line: str) -> str:
    """A line of a program between backquotes: where it begins and ends must be seen when the lines are joined."""
    mark = "``" if "`" in line else "`"
    pad = " " if mark == "``" else ""
    return f"{mark}{pad}{harmless(line.strip())}{pad}{mark}"


def lines_of(tokens: Sequence[Token]) -> Iterator[str]:
    """The text of inline tokens, line by line as it was written. A link's address stands behind its words."""
    line: list[str] = []
    links: list[tuple[str, str, int]] = []
    tags: list[tuple[str, str]] = []
    for token in tokens:
        match token.type:
            case "softbreak" | "hardbreak":
                yield "".join(line)
                line = []
                links = [(href, title, 0) for href, title, _ in links]
            case "code_inline":
                line.append(code(token.content) if token.content.strip() else "")
            case "link_open":
                links.append((str(token.attrs.get("href", "")), str(token.attrs.get("title", "")), len(line)))
            case "link_close":
                href, title, begin = links.pop()
                words = "".join(line[begin:])
                line.append(_address(words, href, title))
            case "image":
                title = str(token.attrs.get("title", ""))
                alt = "".join(lines_of(token.children or ())) or token.content
                line.append(harmless(f"{alt} (image: {token.attrs.get('src', '')}{', ' + title if title else ''})"))
            case "html_inline":
                line.append(_tag(token.content, tags))
            case _:
                line.append(harmless(token.content))
    yield "".join(line)


def _address(words: str, href: str, title: str) -> str:
    """What stands behind the words of a link."""
    known = href in ("", words.strip(), f"mailto:{words.strip()}")
    parts = [part for part in ("" if known else harmless(href), harmless(title)) if part]
    return f" ({', '.join(parts)})" if parts else ""


def _tag(text: str, open_tags: list[tuple[str, str]]) -> str:
    """What an HTML tag within a line says. A tag that HTML does not know is a word in angle brackets."""
    found = re.match(r"</?([A-Za-z][A-Za-z0-9-]*)", text)
    if not text.startswith("<!--") and (found is None or found.group(1).lower() not in _HTML):
        return harmless(text)
    if found is not None and text.startswith("</"):
        name = found.group(1).lower()
        if open_tags and open_tags[-1][0] == name:
            href = open_tags.pop()[1]
            return f" ({harmless(href)})" if href else ""
        return ""
    page = _Page()
    page.feed(text)
    page.close()
    if found is not None and found.group(1).lower() == "a":
        open_tags.append(("a", page.href))
        return ""
    return page.words


def harmless(text: str) -> str:
    """Harmless, and not cut."""
    return safe(text, len(text) + 1)


def html_words(text: str) -> str:
    """The words of a block of HTML, on one line."""
    page = _Page()
    page.feed(text)
    page.close()
    return " ".join(page.words.split())


class _Page(HTMLParser):
    """The words of a piece of HTML, comments and addresses among them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._links: list[str] = []
        self.href = ""

    @property
    def words(self) -> str:
        """What was found so far."""
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An opening tag."""
        given = {name: value or "" for name, value in attrs}
        if tag not in _HTML:
            self._add(self.get_starttag_text() or "")
        elif tag == "a":
            self.href = given.get("href", "")
            self._links.append(self.href)
        elif tag == "img":
            self._add(f" {given.get('alt', '')} (image: {given.get('src', '')}) ")
        else:
            self._add(" ")

    def handle_endtag(self, tag: str) -> None:
        """A closing tag."""
        if tag not in _HTML:
            self._add(f"</{tag}>")
        elif tag == "a" and self._links:
            href = self._links.pop()
            self._add(f" ({href})" if href else "")
        else:
            self._add(" ")

    def handle_data(self, data: str) -> None:
        """The words themselves."""
        self._add(data)

    def handle_comment(self, data: str) -> None:
        """A comment is often the most honest line of a runbook."""
        if data.strip():
            self._add(f" (comment: {data.strip()}) ")

    def handle_decl(self, decl: str) -> None:
        """Such as DOCTYPE."""
        self._add(f" <!{decl}> ")

    def handle_pi(self, data: str) -> None:
        """Such as a piece of PHP."""
        self._add(f" <?{data}> ")

    def unknown_decl(self, data: str) -> None:
        """Such as CDATA."""
        self._add(f" {data} ")

    def _add(self, text: str) -> None:
        self._parts.append(harmless(text))


def unused(tokens: Sequence[Token], references: dict[str, dict[str, str]]) -> Iterator[str]:
    """Addresses that are defined at the end of a runbook and that nothing refers to."""
    used = {
        str(token.attrs.get("href", "") or token.attrs.get("src", ""))
        for block in tokens
        for token in block.children or ()
    }
    for label, reference in references.items():
        if reference["href"] not in used:
            title = f", {reference['title']}" if reference.get("title") else ""
            yield harmless(f"[{label.lower()}]: {reference['href']}{title}")
