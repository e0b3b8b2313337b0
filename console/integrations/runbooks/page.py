"""What a runbook in HTML says. Imported when there is one."""

from __future__ import annotations

import re
from html.parser import HTMLParser


def plain(page: str) -> str:
    """The words of a page of HTML, one line for each block, headings and points as Markdown has them."""
    parser = _Text()
    # Never closed: at the end, Python 3.11's parser reads all that was left open again for each "<" in it, for minutes
    # with a page of a hundred kilobytes.
    parser.feed(page)
    return re.sub(r"\n{3,}", "\n\n", "".join(parser.parts)).strip()


class _Text(HTMLParser):
    """The words of a page, one line for each block."""

    HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
    BLOCKS = frozenset((*HEADINGS, "p", "div", "li", "tr", "br", "pre", "table", "ul", "ol", "section", "article"))
    SILENT = frozenset(("script", "style", "head", "nav", "footer", "svg"))

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, _: object) -> None:
        if tag in self.SILENT:
            self._silent += 1
        elif tag in self.BLOCKS:
            self.parts.append("\n")
            if tag in self.HEADINGS:
                self.parts.append("#" * int(tag[1]) + " ")
            elif tag == "li":
                self.parts.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(" ".join(data.split()) + (" " if data[-1:].isspace() else ""))
