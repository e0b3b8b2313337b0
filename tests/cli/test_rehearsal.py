"""`oncall playbook test`: what a table shows, and what it leaves out."""

from __future__ import annotations

import pytest

PLAYBOOK = """\
apiVersion: oncall/v1
kind: Playbook
name: try
title: Try it
severities: [SEV2]
owner: lighthouse team
reviewed: 2026-11-21
match: ['alertname=~"Slow|Down"', 'service="lighthouse"']
variables:
  host: {type: host, from: alert.instance}
steps:
  - id: way
    title: Which way?
    kind: decision
    challenge: Restart or leave it?
    response: The choice
    timebox: 2m
    on_overdue: escalate
    options:
      - {id: restart, label: Restart it}
      - {id: leave, label: Leave it, goto: agree}
  - id: restart
    title: Restart it
    kind: command
    challenge: Restart {{host}}
    response: Restarted
    command: [restart, "{{host}}"]
    timebox: 5m
    verify: {query: "max(up)", expect: ">= 1", for: 30s}
    on_failure: {tries: 2, back_off: 10s, then: [escalate, {goto: agree}]}
  - id: agree
    title: May it be cleared?
    kind: approval
    role: incident commander
    challenge: Look at the backup
    response: Its time
  - id: off
    title: Switch it off
    kind: flag
    flag: lighthouse-elicitation
    off: true
    challenge: Switch it off
    response: 0 %
    second_person: true
    verify: rollout.percent <= 0
    timebox: 5m
  - id: drained
    title: Drained
    kind: wait
    challenge: Wait until nothing is in flight
    response: 0 in flight
    verify: reading.inflight <= 0
    timebox: 3h
"""

GOOD = """\
apiVersion: oncall/v1
kind: PlaybookTest
playbook: try
cases:
  - name: all goes well
    readings: {step.restart: 0, rollout.percent: 25, reading.inflight: 4}
    programs: {restart: [{exit: 1}, {output: up again, changes: {step.restart: 1}}]}
    answers:
      - {step: way, option: restart}
      - {step: restart, run: true}
      - {step: agree, approve: yes, refused: another person}
      - {step: agree, approve: yes, by: bob}
      - {step: off, run: true, refused: second person}
      - {step: off, confirm: true, by: bob}
      - {step: off, run: true}
      - {hold: a call}
      - {after: 4h}
      - {resume: it is over}
      - {readings: {reading.inflight: 0}}
    expect: {outcome: completed, steps: {restart: done, drained: done}, overdue: [], escalated: 0}
  - name: nothing works
    readings: {rollout.percent: 25, reading.inflight: none}
    programs: {restart: {exit: 1}, off: {changes: {}}}
    answers:
      - {after: 3m}
      - {step: way, option: restart}
      - {step: restart, run: true}
      - {step: agree, observed: "13:40", break_glass: alone}
      - {step: off, run: true, break_glass: alone}
      - {after: 1m}
      - {step: off, observed: "25 %", refused: rollout.percent = 25}
      - {step: off, observed: off, override: seen by hand, break_glass: alone}
      - {step: drained, expire: 4 left, reason: too long}
    expect:
      outcome: completed
      steps: {restart: failed, drained: expired}
      overdue: [way]
      escalated: 2
  - name: it is left
    answers:
      - {step: way, option: leave}
      - {abort: nobody is there}
    expect: {outcome: aborted, steps: {restart: passed over}}
"""


@pytest.fixture
def tables(oncall):
    playbooks = oncall.config / "playbooks"
    for path in playbooks.rglob("*.yaml"):
        path.unlink()
    (playbooks / "try.yaml").write_text(PLAYBOOK)
    (playbooks / "tests").mkdir(exist_ok=True)

    def write(text):
        (playbooks / "tests" / "try.yaml").write_text(text)

    write(GOOD)
    return write


def test_a_table_that_reaches_everything(oncall, tables):
    done = oncall("playbook", "test")

    assert "  PASS  all goes well" in done.out
    assert "reached 5 of 5 steps, 7 of 7 branches" in done.out
    assert "1 playbooks, 3 cases: 0 failed; 0 steps and 0 branches not reached" in done.out
    assert not oncall.journal.exists()  # nothing of it is recorded


def test_what_is_not_reached_is_named(oncall, tables):
    tables(GOOD[: GOOD.index("  - name: nothing works")])

    result = oncall("playbook", "test", "try", "--json", code=1).json
    (playbook,) = result["playbooks"]
    assert (result["ok"], [case["ok"] for case in playbook["cases"]]) == (False, [True])
    assert playbook["steps"] == {"total": 5, "not_reached": []}
    assert playbook["branches"]["not_reached"] == [
        "way: option leave",
        "way: overdue, escalate",
        "restart: failed, escalate",
        "restart: failed, goto agree",
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("overdue: [],", "overdue: [way],", "overdue: expected way, found none"),
        ("escalated: 0", "escalated: 1", "escalated: expected 1 levels, found 0"),
        ("steps: {restart: done,", "steps: {restart: failed,", "step restart: expected failed, found done"),
        (
            "expect: {outcome: completed, steps: {restart: done",
            "expect: {outcome: running, steps: {restart: done",
            "outcome: expected running, found completed",
        ),
        ("refused: another person", "refused: because", "answer 3"),
        ("      - {step: agree, approve: yes, by: bob}\n", "", "answer 4"),
        ("approve: yes, by: bob}", "approve: no, by: bob}", "step off is pending: it never came to this answer"),
        ("{exit: 1}, ", "{exit: 1}, {exit: 1}, ", "step restart: expected done, found failed"),
        ("changes: {step.restart: 1}", "changes: {step.restart: nan}", "closes on query: max(up) >= 1"),
        ("changes: {step.restart: 1}", "changes: {step.restart: stale 1}", "closes on query: max(up) >= 1"),
        ("changes: {step.restart: 1}", "changes: {step.restart: none}", "closes on query: max(up) >= 1"),
    ],
)
def test_a_difference_is_said_with_the_answer_where_it_was_found(oncall, tables, before, after, expected):
    assert before in GOOD
    tables(GOOD.replace(before, after, 1))

    out = oncall("playbook", "test", code=1).out
    assert "FAIL  all goes well" in out
    assert expected in out


@pytest.mark.parametrize(
    ("before", "after", "place", "expected"),
    [
        ("playbook: try", "playbook: tyr", "3:11", "expected try"),
        ("kind: PlaybookTest", "kind: Table", "2:7", "PlaybookTest"),
        (
            "{step: way, option: restart}",
            "{step: wya, option: restart}",
            "9:16",
            "expected a step of the playbook: way",
        ),
        ("{step: way, option: restart}", "{step: way, option: restrat}", "9:29", "'restart'"),
        ("{step: way, option: restart}", "{step: way, observed: ok}", "9:21", "`option`"),
        ("{hold: a call}", "{step: off, hold: a call}", "16:10", "no step"),
        ("{hold: a call}", "{}", "16:9", "a step with its answer"),
        ("{step: off, run: true}", "{step: off, run: maybe}", "15:26", "true"),
        ("{step: off, run: true}", "{step: off, run: true, fail: no}", "15:32", "one thing"),
        ("{after: 4h}", "{after: soon}", "17:17", "a duration"),
        ("programs: {restart: [", "programs: {restrat: [", "7:16", "'restart'"),
        ("reading.inflight: 4}", "reading.inflight: four}", "6:72", "a number"),
        ("outcome: completed, steps", "outcome: finished, steps", "20:23", "completed"),
        ("steps: {restart: done", "steps: {restrat: done", "20:42", "'restart'"),
        ("overdue: []", "overdue: [wya]", "20:83", "a step of the playbook"),
        ("escalated: 0", "escalated: 0.5", "20:97", "a whole number"),
        ("outcome: completed, steps", "outcome: completed, next: x, steps", "20:34", "continued"),
        (
            "    answers:\n      - {step: way",
            "    variables: {hots: x}\n    answers:\n      - {step: way",
            "8:17",
            "a variable of the playbook: host",
        ),
        ("name: all goes well", "nmae: all goes well", "5:5", "an unknown key"),
    ],
)
def test_a_mistake_in_a_table_is_said_with_its_place(oncall, tables, before, after, place, expected):
    assert before in GOOD
    tables(GOOD.replace(before, after, 1))

    err = oncall("playbook", "test", code=2).err
    assert any(f"try.yaml:{place}: " in line and expected in line for line in err.splitlines()), err


def test_names_and_folders(oncall, tables, tmp_path):
    assert "known: try" in oncall("playbook", "test", "none", code=5).err
    assert "no table" in oncall("playbook", "test", "--tables", str(tmp_path / "none"), code=1).out


def test_the_same_case_gives_the_same_bytes(oncall, tables):
    assert oncall("playbook", "test", "--json").out == oncall("playbook", "test", "--json").out
