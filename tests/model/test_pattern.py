"""Regular expressions as RE2 reads them, in linear time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.pattern import Pattern

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "(?:ab)", "(a|b)", "(?i:A)", "a|b", "^", "$", "[a-c]"]
)
COUNTS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"])
PATTERNS = st.lists(st.tuples(ATOMS, COUNTS), max_size=5).map(
    lambda parts: "".join(atom if not count or atom in "^$" else f"(?:{atom}){count}" for atom, count in parts)
)

CATASTROPHIC = [
    "(a+)+b",
    "(a|a)*b",
    "(a|aa)+b",
    "(.*a){20}b",
    "(a?){100}a{100}b",
    "((a*)*)*b",
    "([a-z]+)*b",
    "(a|a?)+b",
    "(x+x+)+y",
    r"(\w+\s?)*b",
    ".*.*.*.*.*.*.*.*b",
]


@given(PATTERNS, st.text("abAB1 ", max_size=8))
def test_it_matches_what_pythons_own_matches(pattern, text):
    assert Pattern(pattern).matches(text) is (re.fullmatch(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_39_a_catastrophic_pattern_takes_no_time(pattern):
    compiled = Pattern(pattern)
    begin = time.thread_time()
    assert not compiled.matches("a" * 4000 + "!")
    assert not compiled.matches("xa " * 1300 + "!")
    assert time.thread_time() - begin < 2.0


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused_in_one_line(text):
    try:
        Pattern(text).matches("some value")
    except ValueError as error:
        said = str(error).replace(text, "")
    else:
        said = "a pattern"
    assert "\n" not in said


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "a**", "(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "a{1001}", "a{3,2}", r"\8"],
)
def test_what_re2_refuses_is_refused(pattern):
    with pytest.raises(ValueError, match="does not compile"):
        Pattern(pattern)


def test_a_pattern_that_would_be_too_large_is_refused():
    with pytest.raises(ValueError, match="does not compile"):
        Pattern("((a{50}){50}){50}")
    with pytest.raises(ValueError, match="longer than"):
        Pattern("a" * 501)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"\pL+", "äb"), (r"\p{Lu}", "Ä"), (r"\Qa.b\E+", "a.bb"), ("[[:alpha:]]+", "ab"), ("(?P<n>a)(?<m>b)", "ab"),
     ("(?i)PAY[a-z]*", "payments"), (r"\x41\x{42}", "AB"), ("[]a]+", "]a"), ("a{,2}", "a{,2}"), ("(?i)[a-c]", "B")],
)  # fmt: skip
def test_the_syntax_of_re2(pattern, text):
    assert Pattern(pattern).matches(text)
    assert not Pattern(pattern).matches(text + "!")
