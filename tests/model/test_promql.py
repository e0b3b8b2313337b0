"""What is PromQL, and what is not: the shipped expressions, every form of the grammar, and what hands get wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.promql import complaint, patched, selectors
from tests.servers import REPO

GOOD = """
up
a:b:c
-x
+(x)
1 - x
x == bool 1
time() - x
hour() >= 8
vector(1) + x
absent(up{job="a"})
sum(x)
sum by (a, b) (x)
sum(x) by (a)
sum without(instance)(x)
topk(5, x)
quantile(0.9, x)
count_values("v", x)
rate(x[5m])
rate(x[5m] offset 1w)
x offset -5m
x @ 1609746000
x @ end()
max_over_time(rate(x[5m])[1h:1m])
max_over_time(sum(x)[1h:])
histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))
label_replace(up, "a", "$1", "b", "(.*)")
a / on(x) group_left(y) b
a and on() b
a or b unless ignoring(c) d
{__name__="x"}
{"with.dots"}
x{a="b", c!="d", e=~"f", g!~'h',}
0x1f * x
1e3 * x + .5
x{a="{{name}}"} > {{limit}}
rate(x[{{window}}])
x # behind it
x{a=~"\\\\d+", b="\\"\\n\\x41\\101\\u00e9"}
x{a=~`\\d+`}
""".strip().splitlines()
BAD = {
    "": "empty",
    "1 + 1": "names no metric",
    "vector(1)": "names no metric",
    "sum(x": "never closed",
    "sum(rate(x[5m])": "never closed",
    "x)": "left over",
    "x y": "left over",
    "x +": "missing before its end",
    "and x": "missing before 'and'",
    "summ(x)": "no function",
    "rate(x)": "needs a range",
    "rate(x[5])": "needs a duration",
    "rate(sum(x)[5m])": "subquery",
    "abs(x[5m])": "needs an instant vector",
    "sum(x[5m])": "needs an instant vector",
    "x[5m]": "gives a range",
    "x[5m] + 1": "a range vector on one side",
    '"a"': "gives a text",
    'x{a="b}': "a quote is never closed",
    'x{a="b"': "never closed",
    "x{a=b}": "in quotes",
    "x{a}": "needs =",
    "x{5}": "no label matcher",
    "{}": "no metric",
    "sum()": "0 of 1",
    "quantile(x)": "1 of 2",
    "sum by (x": "never closed",
    "sum by (+) (x)": "a label's name",
    "x + bool y": "comparison",
    "x offset y": "a duration",
    "x @ y": "a time",
    "x ? y": "no part",
    "(" * 300 + "x": "nested",
    "x % % y": "missing before '%'",
    "5.5.5 * x": "no part",
    r'x{a=~"\d+"}': r"\d is no escape: a backslash of a regular expression is doubled, \\d",
    r"""x{a='\"'}""": "no escape",
    r'x{a="\x4"}': "no escape",
    r'x{a="\400"}': "no escape",
    r'x{a="\U00110000"}': "no escape",
}


@pytest.mark.parametrize("text", GOOD)
def test_expressions(text):
    assert complaint(text) == ""


@pytest.mark.parametrize(("text", "why"), BAD.items())
def test_what_is_none(text, why):
    assert why in complaint(text)


def test_what_ships_is_promql():
    text = "\n".join(path.read_text() for folder in ("config", "playbooks") for path in (REPO / folder).rglob("*.yaml"))
    found = re.findall(r"^ *(?:- )?(?:query|expr): ([^|>\n\"'].*)$", text, re.MULTILINE)

    assert len(found) > 20
    assert [(item, complaint(item)) for item in found if complaint(item)] == []


@given(
    st.lists(st.sampled_from([*"()[]{},+-*/@=<>\"' \n5x", "sum", "rate", "by", "[5m]", "offset", "{{x}}"]), max_size=40)
)
def test_whatever_it_is_there_is_an_answer(pieces):
    assert isinstance(complaint("".join(pieces)), str)


# --- selectors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("up", ["up"]),
        ('sum(rate(a{b="c"}[$window])) / sum(increase(d[$inner:60s])) * $seconds', ['a{b="c"}', "d"]),
        ("a{} offset 5m unless on(x) b @ 3", ["a", "b"]),
        ("""{"a metric", b!='c\\'d'}""", ['{__name__="a metric",b!="c\'d"}']),
        ('a{le=~"0\\\\.30*"}', ['a{le=~"0\\\\.30*"}']),
        ("a{b=`c\\d`,}", ['a{b="c\\\\d"}']),
        ("vector(1)", []),
    ],
)
def test_selectors_are_found_with_their_places(text: str, found: list[str]):
    assert [str(item) for item in selectors(text)] == found
    for item in selectors(text):
        assert [str(one) for one in selectors(text[item.begin : item.end])] == [str(item)]


@pytest.mark.parametrize(
    ("quoted", "said"),
    [
        (r'"a\\.b"', r"a\.b"),
        (r'"\x41\101\u00e9\t\a"', "AA\u00e9\t\a"),
        (r"'\''", "'"),
        (r"`\d`", r"\d"),
        (r'"\ud800"', "\ufffd"),
    ],
)
def test_escapes_mean_what_they_mean_to_prometheus(quoted: str, said: str):
    (found,) = selectors(f"x{{a={quoted}}}")
    assert found.matchers[0].value == said


def test_every_selector_of_an_expression_gets_the_labels():
    text = 'sum(rate(a{track="all",b="c"}[$window])) or (sum(rate(d[$window])) * 0)'
    assert patched(text, {"track": 'x"y'}) == (
        'sum(rate(a{b="c",track="x\\"y"}[$window])) or (sum(rate(d{track="x\\"y"}[$window])) * 0)'
    )
    assert patched(text, {}) == text


def test_what_is_no_expression_has_no_selectors():
    with pytest.raises(ValueError, match="never closed"):
        selectors("sum(a")
