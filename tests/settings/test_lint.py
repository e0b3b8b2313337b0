"""What lint finds and what it leaves alone, by small playbooks; the library's mutants show the rest."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.lint import CODES
from console.model.text import safe
from console.settings.lint import Linter, linter, paths_of
from console.settings.load import ConfigError, init
from tests.servers import REPO
from tests.settings.conftest import ROLLOUT

TODAY = date(2026, 11, 21)
HEAD = """\
apiVersion: oncall/v1
kind: Playbook
name: small
title: Small
severities: [SEV2]
owner: us
reviewed: 2026-11-01
"""


def step(name, text="", indent=2):
    """A manual step, with more keys; what is on `text`'s lines replaces what it would have."""
    keys = {
        "id": name,
        "title": name.title(),
        "challenge": f"Look at {name}",
        "response": f"Number of {name}",
        "timebox": "1m",
    }
    lines = text.strip("\n").split("\n") if text.strip() else []
    for key in [line.partition(":")[0] for line in lines if line[:1].isalpha()]:
        keys.pop(key, None)
    body = [f"{key}: {value}" for key, value in keys.items() if value] + [line for line in lines if line != "timebox:"]
    return "".join(f"{' ' * indent}{'- ' if index == 0 else '  '}{line}\n" for index, line in enumerate(body))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lint") / "conf"
    init(path)
    return path


@pytest.fixture(scope="module")
def judge(folder) -> Linter:
    return linter(folder, TODAY)


@pytest.fixture
def found(judge, folder):
    """The codes that lint gives to a playbook with these steps, and the lines' text that it names."""

    def run(*steps, head="", tail=""):
        text = f"{HEAD}{head}steps:\n{''.join(steps)}{tail}"
        lines = text.split("\n")
        findings = judge.data(str(folder / "playbooks" / "small.yaml"), text.encode())
        return [(item.code, lines[item.line - 1].strip()) for item in findings]

    return run


DECISION = """
kind: decision
options:
"""


def option(name, more=""):
    return f"  - {{id: {name}, label: Take {name}{', ' if more else ''}{more}}}\n"


def test_a_plain_list_is_clean(found):
    assert (
        found(step("one"), step("two"), step("three", "kind: wait\nverify: guardrail.p99 < 300\non_overdue: fail"))
        == []
    )


def test_what_only_looks_needs_no_proof(found):
    look = "kind: command\ncommand: [kubectl, get, pods]\ntimeout: 30s\non_failure: {then: go_on}"
    assert found(step("look", look)) == []
    assert found(step("look", look.replace("go_on", "escalate"))) == [("PB501", "- id: look")]
    assert found(step("look", f"{look}\nundo: Put it back.")) == [("PB501", "- id: look")]


def test_a_program_that_ends_with_its_step_ends_after_it(found):
    """It starts when somebody has said yes, and the step before."""
    look = "kind: command\ncommand: [kubectl, get, pods]\non_failure: {then: go_on}"
    assert found(step("look", f"{look}\ntimeout: 1m")) == [("PB306", "timeout: 1m")]
    assert found(step("look", look)) == [("PB306", "- id: look")], "that is the usual one"
    assert found(step("look", f"{look}\ntimeout: 59s")) == []


def test_an_option_without_a_condition_takes_the_rest(found):
    high, low = option("high", "goto: two, when: guardrail.p99 > 600"), option("low", "when: guardrail.p99 < 500")
    rest = option("rest", "goto: three")
    steps = (step("two"), step("three"))

    assert found(step("one", DECISION + high + low + rest), step("zero"), *steps) == []
    assert found(step("one", DECISION + high + low), step("zero"), *steps) == [("PB203", low.strip())]


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("guardrail.p99 >= 500", "guardrail.p99 < 500", ""),
        ("guardrail.p99 > 500", "guardrail.p99 < 500", "PB203"),
        ("guardrail.p99 >= 500", "guardrail.p99 <= 500", "PB204"),
        ("guardrail.p99 >= 0", "guardrail.p99 < 0", ""),
        ("rollout.percent == 0", "rollout.percent > 0", ""),
        ("health.bridge == 1", "health.bridge == 0", ""),
        ("health.bridge >= 1", "health.bridge < 1", ""),
        ("health.bridge >= 1", "health.event-store < 1", "PB203"),
        ("guardrail.p99 < 300", "guardrail.p99 == 299", "PB203 PB204"),
    ],
)
def test_gaps_and_overlaps(found, one, other, code):
    options = option("a", f"goto: two, when: {one}") + option("b", f"goto: three, when: {other}")
    codes = [code for code, _ in found(step("one", DECISION + options), step("two"), step("three"))]

    assert codes == code.split()


def test_loops_are_bounded_by_a_decision_with_a_way_out(found):
    again = option("again", "goto: one")
    late = "on_overdue: {goto: one}"

    assert found(step("one"), step("two", DECISION + again + option("on")), step("three")) == []
    assert found(step("one"), step("two", late)) == [("PB205", late)]
    assert (
        found(step("one", DECISION + option("a") + option("b", "goto: three")), step("two"), step("three", late)) == []
    )
    back = step("two", DECISION + again + option("once-more", "goto: one"))
    assert [code for code, _ in found(step("one"), back)] == ["PB202", "PB206", "PB206"]
    agreed = step("two", "kind: approval\nrole: incident commander")
    assert found(step("one"), agreed, step("three", late)) == []


def test_what_nothing_leads_to_is_said_once(found):
    away = step("one", DECISION + option("a", "goto: four") + option("b", "playbook: emergency-rollback"))

    assert found(away, step("two"), step("three"), step("four")) == [("PB201", "- id: two")]


def test_the_longest_way_counts(found):
    objective = "objective: {at_least: 2m, at_most: 10m}\n"
    branch = DECISION + option("a", "goto: three") + option("b")

    assert found(step("one", "timebox: 5m"), step("two", "timebox: 5m"), head=objective) == []
    assert [code for code, _ in found(step("one", "timebox: 6m"), step("two", "timebox: 5m"), head=objective)] == [
        "PB301"
    ]
    assert found(step("one", "timebox: 11m"), step("two"), head=objective) == [("PB301", "timebox: 11m")]
    assert found(step("one", branch), step("two", "timebox: 8m"), step("three", "timebox: 1m"), head=objective) == []
    beside = step("one", "timebox: 9m\nparallel: true")
    assert found(beside, step("two", "timebox: 9m"), head=objective) == []
    assert [code for code, _ in found(step("one"), head=objective)] == ["PB302"]
    assert [code for code, _ in found(step("one"), step("open", "timebox:"), head=objective)] == ["PB307"]


def test_a_child_takes_its_own_objective(found):
    objective = "objective: {at_least: 2m, at_most: 10m}\n"
    child = step("one", "kind: playbook\nplaybook: emergency-rollback\ntimebox:")

    assert [code for code, _ in found(child, step("two"), head=objective)] == ["PB301"]


def test_links_and_variables(found, folder):
    (folder / "playbooks" / "there.md").write_text("# There")
    named = "variables:\n  port: {type: integer, from: config.nowhere}\n"

    assert found(step("one", "challenge: See there.md, and https://example.com/x/nowhere.md")) == []
    assert [code for code, _ in found(step("one", "challenge: See ./gone.md"))] == ["PB110"]
    assert [code for code, _ in found(step("one", "challenge: Look at {{port}}"), head=named)] == ["PB111"]
    default = named.replace("nowhere}", 'nowhere, default: "1"}')
    assert found(step("one", "challenge: Look at {{port}}"), head=default) == []


def test_matchers_that_cannot_hold(found):
    assert found(step("one"), head="match_incident: ['severity=\"SEV2\"', 'service=~\"a|b\"']\n") == []
    both = """match: ['team=\"a\"', 'team!=\"a\"']\n"""
    assert [code for code, _ in found(step("one"), head=both)] == ["PB703"]
    other = """match_incident: ['severity=\"SEV4\"']\n"""
    assert [code for code, _ in found(step("one"), head=other)] == ["PB703"]


def test_what_an_import_could_not_know_is_left_to_say(found):
    assert found(step("one", "response: 'TODO: the value that answers it'")) == [
        ("PB601", "response: 'TODO: the value that answers it'")
    ]


def test_long_lists(found):
    nine = [step(f"s{number}") for number in range(9)]

    assert found(*nine) == []
    assert found(*nine, step("tenth")) == [("PB603", "- id: tenth")]


def test_every_list_but_one_that_is_left_by_jumps_has_a_call(judge):
    lists = (
        ("a", "title: A, pause_point: Now", "x", ""),
        ("b", "title: B, pause_point: Then", "y", ", kind: decision, options: [{OPTIONS}]"),
        ("c", "title: C, pause_point: Last, completion_call: Done", "z", ""),
    )
    options = "{id: p, label: P, goto: z}, {id: q, label: Q, playbook: emergency-rollback}"
    text = f"{HEAD}checklists:\n" + "".join(
        f"  - {{id: {name}, {more}, steps: [{{id: {one}, title: 1, timebox: 1m, challenge: A {one}, response: 1"
        f"{kind}}}]}}\n"
        for name, more, one, kind in lists
    ).replace("{OPTIONS}", options)
    findings = judge.data("small.yaml", text.encode())

    assert [(item.code, item.text) for item in findings] == [("PB604", "nobody hears that a is complete")]


def test_every_code_is_documented():
    text = (REPO / "docs" / "playbooks.md").read_text()
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if "| PB" in line]

    assert rows == [(code, grade.value, meaning) for code, (grade, meaning) in CODES.items()]


def test_every_code_is_found_by_a_test():
    here = "".join((REPO / "tests" / path).read_text() for path in ("settings/test_lint.py", "playbooks/mutants.py"))

    assert [code for code in CODES if f'"{code}' not in here and f" {code}" not in here] == []


# --- the world around ------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    """A folder of its own, with one playbook."""
    init(tmp_path / "conf")
    shutil.copyfile(ROLLOUT, tmp_path / "conf" / "rollout.yaml")  # the example names playbooks that are gone here
    (tmp_path / "conf" / "risks.yaml").unlink()  # and so does this one
    playbooks = tmp_path / "conf" / "playbooks"
    for path in playbooks.rglob("*.yaml"):
        path.unlink()
    (playbooks / "small.yaml").write_text(f"{HEAD}steps:\n{step('one')}")

    def run(*names):
        found = linter(tmp_path / "conf", TODAY)
        return [item.code for item in found.files(paths_of(found, names))]

    run.path = tmp_path / "conf"
    return run


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_roles_need_people(own):
    second = step("two", "second_person: true\nowner: scribe")
    (own.path / "playbooks" / "small.yaml").write_text(f"{HEAD}roles: [deputy]\nsteps:\n{step('one')}{second}")
    assert own() == []

    people = own.path / "people.yaml"
    text = people.read_text()
    people.write_text(text.replace(", scribe]", "]").replace("communications lead, scribe", "communications lead"))
    assert own() == ["PB401"]
    people.write_text(text.replace("deputy]", "scribe]").replace("deputy, scribe", "scribe"))
    assert own() == ["PB401"]
    one = text.partition("  - name: bob")[0].replace("deputy]", "deputy, scribe]")
    everybody = ", ".join(f"{role}: {{people: [alice]}}" for role in ("primary", "secondary", "lead"))
    people.write_text(f"{one}on_call: {{{everybody}}}\n")
    assert own() == ["PB403"]


def test_playbooks_in_a_circle(own):
    def calls(name, other):
        return (
            HEAD.replace("name: small", f"name: {name}")
            + "steps:\n"
            + step("one", f"kind: playbook\nplaybook: {other}")
        )

    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (own.path / "playbooks" / f"{name}.yaml").write_text(calls(name, other))
    assert own() == ["PB207", "PB207", "PB207"]
    (own.path / "playbooks" / "c.yaml").write_text(calls("c", "small"))
    assert own() == []


def test_what_an_alert_says_is_nobodys_answer(own):
    def write(name, variables, steps):
        head = HEAD.replace("name: small", f"name: {name}")
        (own.path / "playbooks" / f"{name}.yaml").write_text(f"{head}variables: {{{variables}}}\nsteps:\n{steps}")

    use = step("one", "undo: 'Put {{pod}} back'")
    call = step("two", "kind: playbook\nplaybook: child")
    decide = step("two", DECISION + option("a", "playbook: child") + option("b"))
    for ask, code in (
        ("pod: {}", ["PB209"]),
        ("pod: {default: x}", ["PB209"]),
        ("pod: {pattern: 'pod-[0-9]+'}", []),
        ("pod: {type: choice, choices: [a, b]}", []),
        ("pod: {from: alert.pod}", []),
    ):
        write("child", ask, use)
        for way in (call, decide):
            write("small", "pod: {from: alert.pod}", use + way)
            assert own() == code, ask
            write("small", "pod: {ask: Which one?}", use + way)
            assert own() == []
    write("child", "pod: {}", use)
    write("small", "pod: {pattern: 'p.*'}", use + call)
    write("above", "pod: {from: alert.pod}", use + step("two", "kind: playbook\nplaybook: small"))
    assert own("small") == ["PB209"], "also what was handed on to it"


def test_two_files_of_one_name(own):
    (own.path / "playbooks" / "twin.yaml").write_text((own.path / "playbooks" / "small.yaml").read_text())
    assert own() == ["PB002"]


def test_files_that_cannot_be_read_are_findings(own, tmp_path):
    (own.path / "playbooks" / "broken.yaml").write_text("a: [")
    (own.path / "playbooks" / "bytes.yaml").write_bytes(b"\xff")
    assert own() == ["PB001", "PB001"]
    assert own("small") == []
    assert own(str(tmp_path)) == ["PB001"]
    with pytest.raises(KeyError):
        own("nobody")


def test_what_is_wrong_elsewhere_is_no_finding(own):
    edit(own.path / "people.yaml", "apiVersion", "apiversion")
    with pytest.raises(ConfigError):
        own()


KEY = re.compile(r"^(\s*(?:- )*)([\w/-]+):", re.MULTILINE)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_a_hand_does_lint_answers_inside_the_file(data, judge):
    path = data.draw(st.sampled_from(sorted((REPO / "playbooks").glob("*.yaml"))))
    text = path.read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        found = data.draw(st.sampled_from(list(KEY.finditer(text)) or [re.match("", text)]))
        start, end = found.span()
        line = text[start : text.find("\n", end)]
        words = st.sampled_from(["", "x", "goto: one", "[]", "{}", "- a", "kind: wait", "{{x}}", "1 + (", "\t", "~"])
        text = text[:start] + data.draw(st.sampled_from(["", line, line * 2, line[:4]])) + data.draw(words) + text[end:]
    lines = re.split(r"\r\n|\r|\n", text)
    for item in judge.data(path.name, text.encode()):
        assert item.code in CODES
        assert 1 <= item.line <= len(lines), item
        assert 1 <= item.column <= len(lines[item.line - 1]) + 1, item
        assert safe(str(item), 100_000) == str(item)
