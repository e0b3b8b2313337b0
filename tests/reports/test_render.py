"""Outside text in Markdown: shown, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from console.reports.render import Fixed, escape

PARSER = MarkdownIt("gfm-like")
PLAIN = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "bullet_list_open", "bullet_list_close"}
PLAIN |= {"list_item_open", "list_item_close"}
TABLE = {"table_open", "thead_open", "tr_open", "th_open", "tbody_open", "td_open"}
TABLE |= {name.replace("_open", "_close") for name in TABLE}

NASTY = "\\`*_{}[]()#+-.!|<>~&$@:/\"'^= \t\n\r1a)(wWhtps"


def kinds(document):
    found = set()
    for token in PARSER.parse(document):
        found.add(token.type)
        found |= {child.type for child in token.children or ()}
    return found


def text_of(document):
    tokens = PARSER.parse(document)
    return "".join(child.content for token in tokens for child in token.children or ())


nasty = st.one_of(st.text(NASTY, max_size=40), st.text(max_size=40))


@given(nasty)
@example("# heading")
@example("| a | b |\n| --- | --- |\n| 1 | 2 |")
@example("[x](http://evil.example)")
@example("![x](http://evil.example/x.png)")
@example("<script>alert(1)</script>")
@example("http://evil.example www.evil.example mail me@evil.example")
@example("```\ncode")
@example("---")
@example("1. one")
@example("&lt;b&gt; &#60;b&#62;")
@example("<!-- -->")
@example("a\\")
@example("[ref]: http://evil.example")
def test_it_stays_text(text):
    assert kinds(f"- {escape('before')}: {escape(text)}") <= PLAIN
    assert kinds(f"| a | b |\n| --- | --- |\n| x | {escape(text)} |") <= PLAIN | TABLE


@given(nasty)
def test_a_table_keeps_its_columns(text):
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {escape(text)} | end |")

    assert sum(token.type == "td_open" for token in tokens) == 2


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40))
def test_what_is_read_is_what_was_written(text):
    assert text_of(f"- x {escape(text)}") == f"x {text}"


@pytest.mark.parametrize("text", ["\x1b]0;x\x07", "\u202e", "\x9b31m", "\ud800", "\x00"])
def test_nothing_that_a_terminal_obeys(text):
    assert text not in escape(text)


def test_readable_where_it_can_be():
    assert escape("P99 620.5 ms at 14:02:45Z, 25 %") == "P99 620.5 ms at 14:02:45Z, 25 %"
    assert escape(Fixed("**bold**")) == "**bold**"
