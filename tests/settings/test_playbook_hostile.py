"""Playbooks that mean harm: one clear line each, soon."""

# ruff: noqa: E501 -- the lines are exact

from __future__ import annotations

import time

import pytest

from console.settings.tree import MAX_BYTES
from tests.settings.playbook import HEAD, STEP, read, stepped

SOON = 5.0
"""Seconds, on the slowest machine that runs the tests: each of these would else take hours, or all memory."""


def lines_of(text: str | bytes) -> list[str]:
    started = time.process_time()
    lines = read(text)[1]
    assert time.process_time() - started < SOON
    assert all("\n" not in line and len(line) < 1000 for line in lines)
    return lines


BOMB = "a: &a0 [x]\n" + "".join(f"b{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))
DEEP = "steps: " + "[" * 100_000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BOMB, "p.yaml:9:15: b8[1]: found more than 100000 values (aliases count in full), expected fewer"),
        ("a: &a [*a]\n", "p.yaml:1:8: a[0]: found the alias *a inside its own anchor, expected no recursion"),
        (DEEP, f"p.yaml:1:47: steps{'[0]' * 39}: found more than 40 levels of nesting, expected fewer"),
        (f"{HEAD}a: {{b: {{<<: x}}}}\n", "p.yaml:8:9: a.b: found the merge key '<<', expected the keys themselves"),
        (f"{HEAD}a: !!python/object/apply:os.system [reboot]\n", "p.yaml:8:4: a: found the tag 'tag:yaml.org,2002:python/object/apply:os.system', expected a value without a tag"),
        (f"{HEAD}a: x\x00y\n", "p.yaml:8:5: (file): found the control character U+0000, expected printable text"),
        (f"{HEAD}a: x\u202ey\n", "p.yaml:8:5: (file): found the control character U+202E, expected printable text"),
        (f"{HEAD}a: x\x1b[2Jy\n", "p.yaml:8:5: (file): found the control character U+001B, expected printable text"),
        (HEAD.encode() + b"a: \xff\n", "p.yaml:8:4: (file): found the byte 0xff, expected UTF-8"),
        (f"{HEAD}? [a]\n: b\n", "p.yaml:8:3: (document): found a list as a key, expected a text as a key"),
    ],
    ids=["alias bomb", "recursion", "nesting", "merge", "tag", "NUL", "bidi", "escape", "not UTF-8", "key"],
)  # fmt: skip
def test_39_one_line_each(text: str | bytes, line: str):
    assert lines_of(text) == [line]


def test_39_duplicate_keys():
    (line,) = lines_of(f"{HEAD}steps:\n- {{id: a, title: A, id: b, challenge: c, response: r}}\n")
    assert line == "p.yaml:9:21: steps[0].id: found a second 'id' (the first is on line 9), expected every key once"


def test_39_unknown_keys():
    assert lines_of(stepped("verfiy: guardrail.p99 < 3")) == [
        "p.yaml:13:3: steps[0].verfiy: found an unknown key, expected 'verify'"
    ]


def test_39_a_control_character_by_its_escape():
    assert lines_of(stepped('undo: "a\\e[2Jb"')) == [
        "p.yaml:13:9: steps[0].undo: found a control character, expected how it is taken back in printable characters"
    ]
    assert lines_of(stepped('kind: command\ncommand: [x, "a\\0b"]')) == [
        "p.yaml:14:16: steps[0].command[1]: found a line break or a control character, expected an argument in printable characters"
    ]


def test_39_a_huge_file(folder):
    path = folder / "playbooks/p99-latency-high.yaml"
    path.write_bytes(b"# " + b"x" * MAX_BYTES)
    (line,) = [line for line in folder.lines() if "p99" in line.partition(": ")[0]]
    assert line == (
        f"playbooks/p99-latency-high.yaml:1:1: (file): found more than {MAX_BYTES} bytes, "
        f"expected a YAML file of at most {MAX_BYTES} bytes"
    )


def test_39_more_steps_than_anybody_does():
    many = "\n".join(STEP.replace("last", f"s{number}") for number in range(3_000))
    assert lines_of(f"{HEAD}steps:\n{many}\n") == [
        "p.yaml:1:1: (document): found 3000 steps, expected at most 500; a step of kind playbook runs another one"
    ]
    same = "\n".join(STEP.replace("last", "s") for _ in range(400))
    assert len(lines_of(f"{HEAD}steps:\n{same}\n")) == 399, "each has a place of its own"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\\1", "the regular expression does not compile: invalid escape sequence: \\1"),
        (r"(?=a)b", "the regular expression does not compile: invalid perl operator: (?="),
        (r"a{1000}{1000}", "the regular expression does not compile: bad repetition operator: {1000}{1000}"),
        ("(", "the regular expression does not compile: missing ): ("),
        ("a" * 501, "the regular expression is longer than 500 characters"),
    ],
)
def test_39_patterns_that_are_not_re2(pattern: str, why: str):
    (line,) = lines_of(stepped("", f'variables: {{a: {{pattern: "{pattern}"}}}}\n'))
    assert f"({why}), expected an RE2 expression, which has neither backreferences nor lookaround" in line
    assert line.startswith("p.yaml:8:26: variables.a.pattern: found ")


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*(.*)*(.*)*b", "([a-z]+)*!", "(a?){50}a{50}b"])
def test_39_catastrophic_patterns_take_no_time(pattern: str):
    value = "a" * 400
    (line,) = lines_of(stepped("", f"variables: {{a: {{pattern: '{pattern}', default: {value}}}}}\n"))
    assert "expected what matches" in line


@pytest.mark.parametrize(
    "text",
    [
        "verify: " + "x" * 3000 + " <",
        "verify: " + "x " * 1500,
        "kind: query\nexpect: '< 1'\nquery: '" + "{" * 3000 + "'",
        "kind: query\nexpect: '< 1'\nquery: '" + '"' + "\\\\" * 1500 + "'",
        "kind: query\nexpect: '< 1'\nquery: '" + "{{" * 1500 + "'",
        "challenge2: '" + "{{ " * 1200 + "'",
        "undo: '" + "{{a}}" * 700 + "'",
        "kind: http\nurl: 'http://" + "[" * 3000 + "'",
        "kind: http\nurl: 'http://" + "{{host}}" * 400 + "'",
        "on_failure: [" + "escalate, " * 3000 + "]",
    ],
    ids=lambda text: text[:40],
)
def test_39_long_texts_are_judged_in_linear_time(text: str):
    lines_of(stepped(text, "variables: {host: {type: host}}\n"))
