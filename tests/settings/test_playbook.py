"""Playbooks are read as docs/playbooks.md says, and refused where they are not so, with the place."""

# ruff: noqa: E501 -- the lines are exact

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.model.people import Severity
from console.model.playbook import (
    Check,
    Checklist,
    Do,
    Mode,
    Notice,
    OnFailure,
    Option,
    Probe,
    Program,
    Reaction,
    StepKind,
    Variable,
    VariableType,
)
from console.settings.load import load
from tests.settings.conftest import Folder
from tests.settings.playbook import HEAD, STEP, playbook, read, refused, step, stepped

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOST = """\
variables:
  host: {type: host}
  words: {type: text}
"""


# --- every key, as it is meant ---------------------------------------------------------------------------------------


def test_the_head_of_the_file():
    found = playbook("""\
        summary: One sentence.
        review_every: 90d
        match: ['alertname="DbPoolHigh"']
        match_incident: ['service="lighthouse"', 'severity=~"SEV1|SEV2"']
        roles: [incident commander, scribe]
        objective: {at_least: 10m, at_most: 20m}
        steps:
        - {id: a, title: A, challenge: c, response: r}
    """)
    assert found.severities == (Severity.SEV1, Severity.SEV2, Severity.SEV3)
    assert (found.summary, found.review_every) == ("One sentence.", timedelta(days=90))
    assert found.match == ('alertname="DbPoolHigh"',)
    assert found.match_incident == ('service="lighthouse"', 'severity=~"SEV1|SEV2"')
    assert (found.roles, found.objective) == (("incident commander", "scribe"), (10 * MINUTE, 20 * MINUTE))
    (only,) = found.steps
    assert (only.kind, only.owner, only.skip_needs_reason) == (StepKind.MANUAL, "incident commander", True)


def test_severities_as_a_list_and_one_alone():
    for text, expected in (
        ("[SEV2, SEV4]", (Severity.SEV2, Severity.SEV4)),
        ("SEV4", (Severity.SEV4,)),
        ("SEV4 - SEV5", (Severity.SEV4, Severity.SEV5)),
    ):
        found, lines, _ = read(HEAD.replace("SEV1-SEV3", text) + f"steps:\n{STEP}\n")
        assert (lines, found.severities) == ([], expected)


def test_checklists_with_a_pause_point_and_a_completion_call():
    found = playbook("""\
        checklists:
        - id: stabilise
          title: Stabilise
          pause_point: Before anything is restarted
          completion_call: Stabilise complete
          steps:
          - {id: a, title: A, challenge: c, response: r}
          - {id: b, title: B, challenge: c, response: r, on_overdue: {goto: stabilise-complete}, timebox: 1m}
        - id: prove
          title: Prove
          mode: do_confirm
          completion_call: Done
          steps:
          - {id: c, title: C, challenge: c, response: r}
          - {id: d, title: D, challenge: c, response: r}
    """)
    assert found.checklists == (
        Checklist("stabilise", "Stabilise", Mode.READ_DO, "Before anything is restarted", "Stabilise complete"),
        Checklist("prove", "Prove", Mode.DO_CONFIRM, "", "Done"),
    )
    assert [(item.id, item.checklist, item.group) for item in found.steps] == [
        ("a", "stabilise", ""),
        ("b", "stabilise", ""),
        ("stabilise-complete", "stabilise", ""),
        ("c", "prove", "prove"),
        ("d", "prove", "prove"),
        ("prove-complete", "prove", ""),
    ]
    call = found.step("stabilise-complete")
    assert (call.kind, call.title, call.challenge) == (
        StepKind.MANUAL,
        "Stabilise complete",
        'Say: "Stabilise complete"',
    )
    assert found.after("d").id == "prove-complete"


def test_a_group_starts_together_and_is_gone_to_by_its_own_name():
    found = playbook("""\
        steps:
        - id: look
          kind: parallel
          title: Look at both
          steps:
          - {id: a, title: A, challenge: c, response: r}
          - {id: b, title: B, challenge: c, response: r}
        - {id: c, title: C, challenge: c, response: r, timebox: 1m, on_overdue: {goto: look}}
    """)
    assert [(item.id, item.group) for item in found.steps] == [("a", "look"), ("b", "look"), ("c", "")]
    assert found.step("c").on_overdue == (Reaction(Do.GOTO, "a"),)


def test_variables():
    found = playbook("""\
        variables:
          instance: {type: host, from: alert.instance, pattern: 'host-[0-9]+'}
          pool_max: {type: integer, from: config.pool_max, default: "40"}
          colour: {type: choice, choices: [blue, green]}
          reason: {type: text, ask: Why now?}
          plain: {}
        steps:
        - {id: a, title: A, challenge: "{{reason}} on {{instance}} in {{ environment }}", response: r}
    """)
    assert found.variables == (
        Variable("instance", VariableType.HOST, "alert.instance", pattern="host-[0-9]+"),
        Variable("pool_max", VariableType.INTEGER, "config.pool_max", "40"),
        Variable("colour", VariableType.CHOICE, choices=("blue", "green")),
        Variable("reason", VariableType.TEXT, ask="Why now?"),
        Variable("plain"),
    )


def test_what_every_step_may_have():
    found = step("""\
        owner: scribe
        timebox: 2m
        parallel: true
        look_at:
        - guardrail.p99 < 300
        - {query: up, expect: "> 0"}
        verify: rollout.percent <= 0 for 60s
        confirm: CLEAR {target}
        second_person: true
        undo: Put it back
        skip_needs_reason: false
        critical: true
        on_overdue: [escalate, notify: slack]
        on_failure: {tries: 3, back_off: 20s, then: [escalate, abort]}
    """)
    assert (found.owner, found.timebox, found.parallel) == ("scribe", 2 * MINUTE, True)
    assert found.look_at == (Check("guardrail.p99", "<", 300.0), Check("query: up", ">", 0.0, "up"))
    assert found.verify == Check("rollout.percent", "<=", 0.0, hold=MINUTE)
    assert (found.confirm, found.second_person, found.undo) == ("CLEAR {target}", True, "Put it back")
    assert (found.skip_needs_reason, found.critical) == (False, True)
    assert found.on_overdue == (Reaction(Do.ESCALATE), Reaction(Do.NOTIFY, "slack"))
    assert found.on_failure == OnFailure(3, 20 * SECOND, (Reaction(Do.ESCALATE), Reaction(Do.ABORT)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abort", OnFailure(then=(Reaction(Do.ABORT),))),
        ("{goto: last}", OnFailure(then=(Reaction(Do.GOTO, "last"),))),
        ("[{notify: email}, go_on]", OnFailure(then=(Reaction(Do.NOTIFY, "email"), Reaction(Do.GO_ON)))),
        ("{tries: 2}", OnFailure(2)),
        ("{then: ask}", OnFailure(then=(Reaction(Do.ASK),))),
    ],
)
def test_on_failure_in_short(text: str, expected: OnFailure):
    assert step(f"on_failure: {text}").on_failure == expected


def test_a_query_step_closes_on_its_own_value():
    found = step("kind: query\nquery: |\n  max(  # of all\n    up{job='a  b'})\nexpect: <= 300\nfor: 2m")
    expr = "max( up{job='a  b'})"
    assert found.verify == Check(f"query: {expr}", "<=", 300.0, expr, 2 * MINUTE)
    assert found.verify.watched


def test_verify_with_a_query():
    found = step("verify: {query: 'up{a=\"b\"}', expect: '==1', for: 60s}")
    assert found.verify == Check('query: up{a="b"}', "==", 1.0, 'up{a="b"}', MINUTE)


def test_an_http_step_reads_its_probe():
    found = step("kind: http\nurl: https://a.example/health?full=1\nfor: 30s")
    probe = Probe("https://a.example/health?full=1")
    assert (found.probe, found.verify) == (probe, Check(probe.reading, "==", 1.0, hold=30 * SECOND))
    found = step(
        "kind: http\nurl: http://{{host}}:80/\nmethod: GET\nstatus: [200, 204]\ncontains: ok\ntimeout: 2s", HOST
    )
    assert found.probe == Probe("http://{{host}}:80/", "GET", (200, 204), "ok", 2 * SECOND)


def test_a_command_step_keeps_its_arguments_as_they_are():
    found = step(
        """\
        kind: command
        command: [bin/restart, "two  blanks", "", 40, "{{host}}"]
        cwd: tools
        timeout: 90s
        env: [KUBECONFIG]
        set_env: {MODE: " quick ", HOST: "{{host}}"}
        exits: [0, 3]
        dry_run: [--dry-run=client]
        verify: health.bridge >= 1
        """,
        HOST,
    )
    assert found.program == Program(
        ("bin/restart", "two  blanks", "", "40", "{{host}}"),
        "tools",
        90 * SECOND,
        ("KUBECONFIG",),
        (("MODE", " quick "), ("HOST", "{{host}}")),
        (0, 3),
        ("--dry-run=client",),
    )


def test_the_other_kinds():
    assert step("kind: wait\ntimebox: 5m").kind is StepKind.WAIT
    flag = step("kind: flag\nflag: f\npercent: 25")
    assert (flag.flag, flag.percent) == ("f", 25.0)
    assert (step("kind: flag\nflag: f\noff: true").percent, flag.kind) == (0.0, StepKind.FLAG)
    notify = step("kind: notify\nchannel: slack.alerts\ntext: '{{words}} on {{target}}'", HOST)
    assert notify.notice == Notice("slack.alerts", "{{words}} on {{target}}")
    assert step("kind: approval\nrole: deputy").role == "deputy"
    assert step("kind: playbook\nplaybook: other").call == "other"
    decision = step("""\
        kind: decision
        role: deputy
        options:
        - {id: a, label: A, goto: last, when: guardrail.p99 >= 500}
        - {id: b, label: B, playbook: other}
        - {id: c, label: C}
    """)
    assert decision.role == "deputy"
    assert decision.options == (
        Option("a", "A", "last", when=Check("guardrail.p99", ">=", 500.0)),
        Option("b", "B", playbook="other"),
        Option("c", "C"),
    )


def test_goto_may_lead_back():
    found = playbook("""\
        steps:
        - {id: first, title: A, challenge: c, response: r}
        - {id: second, title: B, challenge: c, response: r, timebox: 1m, on_overdue: {goto: first}}
    """)
    assert found.steps[1].on_overdue == (Reaction(Do.GOTO, "first"),)


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("kind: commnad", ["kind: found 'commnad', expected 'command'"]),
        ("expect: '< 1'", ["expect: found `expect` in a step of kind manual, expected it in a step of kind query alone"]),
        (
            "kind: wait\ntimebox: 1m\nurl: https://a.example/",
            ["url: found `url` in a step of kind wait, expected it in a step of kind http alone"],
        ),
        (
            "kind: manual\nplaybook: other",
            ["playbook: found `playbook` in a step of kind manual, expected it in a step of kind playbook alone"],
        ),
        (
            "kind: flag\nflag: f\noff: true\ntimeout: 1m\nfor: 1m",
            [
                "timeout: found `timeout` in a step of kind flag, expected it in a step of kind http or command",
                "for: found `for` in a step of kind flag, expected it in a step of kind query or http",
            ],
        ),
        (
            "kind: notify\nchannel: slack\ntext: t\nverify: guardrail.p99 < 3",
            ["verify: found `verify` in a step of kind notify, expected it in a step of kind manual, wait, command or flag"],
        ),
        (
            "kind: wait\ntimebox: 1m\nconfirm: X {target}",
            [
                "confirm: found `confirm` in a step of kind wait, expected it in a step of kind manual, command, flag, notify, decision or playbook"
            ],
        ),
        ("on_overdue: escalate", ["on_overdue: found `on_overdue` without a timebox, expected a timebox, after which the step is overdue"]),
        (
            "timebox: 1m\non_overdue: abort",
            ["on_overdue: found 'abort', expected a reaction: escalate, notify: CHANNEL, goto: STEP, go_on or fail"],
        ),
        (
            "timebox: 1m\non_overdue: goto",
            ["on_overdue: found 'goto', expected a reaction: escalate, notify: CHANNEL, goto: STEP, go_on or fail"],
        ),
        (
            "on_failure: fail",
            ["on_failure: found 'fail', expected a reaction: escalate, notify: CHANNEL, goto: STEP, go_on, abort or ask"],
        ),
        ("on_failure: {goto: last, notify: slack}", ["on_failure: found not one reaction, expected one reaction: escalate, notify: CHANNEL, goto: STEP, go_on, abort or ask"]),
        ("on_failure: {goto: last, tries: 2}", ["on_failure.tries: found an unknown key, expected notify or goto"]),
        ("on_failure: {retries: 2}", ["on_failure.retries: found an unknown key, expected 'tries'"]),
        ("on_failure: {tries: 10}", ["on_failure.tries: found '10', expected how often it is tried in all, 1 to 9"]),
        ("on_failure: {back_off: 1s}", ["on_failure.back_off: found `back_off` without a second try, expected it beside `tries`, 2 or more"]),
        (
            "timebox: 1m\non_overdue: [go_on, fail]",
            ["on_overdue: found more than one way to go on (go_on, fail), expected one of them"],
        ),
        ("timebox: 1m\non_overdue: []", ["on_overdue: found an empty list, expected a reaction: escalate, notify: CHANNEL, goto: STEP, go_on or fail"]),
        ("timebox: 1m\non_overdue: {goto: one}", ["on_overdue.goto: found this step itself, expected another step; `on_failure.tries` repeats this one"]),
        ("timebox: 1m\non_overdue: {goto: lst}", ["on_overdue.goto: found 'lst', which is no step here, expected a step: 'last'"]),
        (
            "kind: approval\nrole: deputy\ntimebox: 1m\non_overdue: go_on",
            ["on_overdue: found 'go_on', expected a reaction: escalate, notify: CHANNEL, goto: STEP or fail"],
        ),
        (
            "kind: approval\nrole: deputy\nparallel: true",
            [
                "parallel: found `parallel` in a step of kind approval, expected it in a step of kind manual, query, http, wait, command, flag, notify or playbook"
            ],
        ),
        ("kind: approval", ["role: found nothing, expected a role"]),
        ("look_at: [guardrail.p99 < 3 for 1m]", ["look_at[0]: found a length of time where the value is only looked at, expected a check without `for`"]),
        ("look_at: [{query: up, expect: '< 1', for: 1m}]", ["look_at[0].for: found a length of time where the value is only looked at, expected a check without `for`"]),
        ("verify: guardrail.p99 < 3 for ever", ["verify: found 'ever', expected a duration such as 90s, 5m, 1h30m or 30d"]),
        ("verify: {query: up}", ["verify.expect: found nothing, expected what the query should give, such as <= 300"]),
        ("verify: {query: up, expect: below 3}", ["verify.expect: found 'below 3', expected what the query should give, such as <= 300, with one of < <= > >= =="]),
        ("verify: {query: 'up{a=\"b}', expect: '< 3'}", ["verify.query: found a quote that is never closed, expected its other end"]),
        ("kind: query\nexpect: '< 3'", ["query: found nothing, expected a PromQL expression"]),
        ("kind: wait", ["found a wait without an end, expected a timebox or `verify`"]),
        ("kind: http\nurl: ftp://a.example", ["url: found 'ftp://a.example', expected an http or https URL without credentials or fragment"]),
        ("kind: http\nurl: https://u:p4ss@a.example", ["url: found a secret (not shown), expected an http or https URL; a secret stays outside of this file"]),
        ("kind: http\nurl: https://a.example\nmethod: POST", ["method: found 'POST', expected GET or HEAD"]),
        ("kind: http\nurl: https://a.example\nmethod: HEAD\ncontains: ok", ["contains: found `contains` with HEAD, whose answer has no body, expected it with GET"]),
        ("kind: http\nurl: https://a.example\nstatus: 20", ["status: found '20', expected a status such as 200, or a list of them"]),
        ("kind: flag\nflag: f", ["percent: found nothing, expected a percentage from 0 to 100"]),
        ("kind: flag\nflag: f\noff: true\npercent: 0", ["off: found `off` beside `percent`, expected one of them"]),
        ("kind: flag\nflag: f\noff: false", ["off: found 'false', expected true"]),
        ("kind: flag\nflag: '{{host}}'\noff: true", ["flag: found the variable 'host' where none is put in, expected a text without variables"]),
        ("kind: command\ncommand: rm -rf /", ["command: found a text, expected a program and its arguments, as a list"]),
        ("kind: command\ncommand: []", ["command: found an empty list, expected a program and its arguments, as a list"]),
        ("kind: command\ncommand: ['{{host}}']", ["command[0]: found the variable 'host' where none is put in, expected a text without variables"]),
        ("kind: command\ncommand: [../bin/x]", ["command[0]: found '../bin/x', which leads to a folder above, expected a path below the playbook's folder, or a whole one"]),
        ("kind: command\ncommand: [x]\ncwd: a/../../b", ["cwd: found 'a/../../b', which leads to a folder above, expected a path below the playbook's folder, or a whole one"]),
        ("kind: command\ncommand: [x]\nenv: [LD_PRELOAD]", ["env[0]: found LD_PRELOAD, which chooses what code a program runs, expected a program that needs no such variable"]),
        ("kind: command\ncommand: [x]\nset_env: {BASH_ENV: x}", ["set_env.BASH_ENV: found BASH_ENV, which chooses what code a program runs, expected a program that needs no such variable"]),
        *(
            (f"kind: command\ncommand: [x]\nenv: [{name}]", [f"env[0]: found {name}, which chooses what code a program runs, expected a program that needs no such variable"])
            for name in ("LD_AUDIT", "DYLD_X", *["PERL5LIB", "PERL5OPT", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONSTARTUP", "PYTHONPATH", "RUBYLIB", "RUBYOPT", "NODE_PATH", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "GCONV_PATH", "GIT_SSH_COMMAND", "GIT_SSH", "GIT_EXEC_PATH", "PS4", "PROMPT_COMMAND", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "IFS"])
        ),
        *(
            (f"kind: command\ncommand: [x]\nset_env: {{{name}: x}}", [f"set_env.{name}: found {name}, which every program gets, expected another variable"])
            for name in ("PATH", "HOME", "LANG")
        ),
        ("kind: command\ncommand: [x]\nenv: [HOME]", ["env[0]: found HOME, which every program gets, expected another variable"]),
        ("kind: http\nurl: https://a.example\ntimeout: 31s", ["timeout: found '31s', expected at most 30s: a step of kind http asks again by itself"]),
        ("parallel: true\ntimebox: 1m\non_overdue: {goto: last}", ["on_overdue.goto: found `goto` in a step with `parallel`, which nothing waits for, expected it in a step that is waited for"]),
        ("parallel: true\non_failure: {then: [escalate, {goto: last}]}", ["on_failure.then[1].goto: found `goto` in a step with `parallel`, which nothing waits for, expected it in a step that is waited for"]),
        ("kind: query\nquery: 'label_replace(up, \"a\", \"$1\", \"b\", \"{{host}}\")'\nexpect: '< 1'", ["query: found {{host}} in a quoted text that no matcher compares with, expected it as in {label=\"...\"} or {label=~\"...\"}"]),
        ("kind: command\ncommand: [x]\nenv: [A B]", ["env[0]: found 'A B', expected the name of an environment variable"]),
        ("kind: command\ncommand: [x]\nenv: [A]\nset_env: {A: x}", ["set_env.A: found 'A' again (the first is at line 18), expected a variable of its own"]),
        ("kind: command\ncommand: [x, \"a\\nb\"]", ["command[1]: found a line break or a control character, expected an argument in printable characters"]),
        ("kind: command\ncommand: [x]\nexits: [256]", ["exits[0]: found '256', expected an exit status, 0 to 255"]),
        ("kind: command\ncommand: [x, '{{words}}']", ["command[1]: found {{words}}, a variable of type text, in an argument, expected one of another type: a text is only for words"]),
        ("kind: command\ncommand: [x]\nset_env: {A: '{{words}}'}", ["set_env.A: found {{words}}, a variable of type text, in a text for machines, expected one of another type: a text is only for words"]),
        ("kind: query\nquery: 'up{a=\"{{words}}\"}'\nexpect: '< 1'", ["query: found {{words}}, a variable of type text, in a query, expected one of another type: a text is only for words"]),
        ("kind: http\nurl: 'https://a.example/{{words}}'", ["url: found {{words}}, a variable of type text, in a URL, expected one of another type: a text is only for words"]),
        ("undo: 'Restart {{hots}}'", ["undo: found the unknown variable 'hots', expected host, words, target, service, environment, incident"]),
        ("kind: playbook\nplaybook: example", ["playbook: found this playbook itself, expected another playbook"]),
        ("kind: decision\noptions: [{id: a, label: A}]", ["options: found one option, expected a list of at least two options"]),
    ],
)  # fmt: skip
def test_refuses(text: str, lines: list[str]):
    assert refused(text, HOST) == lines


HEADS = [
    ("title: An example", "title: On {{ host }}", ["4:8: title: found the variable 'host' where none is put in, expected a text without variables"]),
    ("severities: SEV1-SEV3", "severities: SEV3-SEV1", ["5:13: severities: found 'SEV3-SEV1', expected a list of severities, or a range such as SEV1-SEV3"]),
    ("severities: SEV1-SEV3", "severities: [SEV1, SEV1]", ["5:20: severities[1]: found 'SEV1' again (the first is at line 5), expected a severity of its own"]),
    ("owner: us", "owner: us\nreview_every: often", ["7:15: review_every: found 'often', expected a duration such as 90s, 5m, 1h30m or 30d"]),
    ("owner: us", "owner: us\nmatch_incident: ['team=\"a\"']", ["7:18: match_incident[0]: found a matcher on 'team', expected one on service, environment, severity or title"]),
    ("owner: us", "owner: us\nsevereties: []", ["7:1: severeties: found an unknown key, expected 'severities'"]),
    ("owner: us", "owner: us\nroles: [a, a]", ["7:12: roles[1]: found 'a' again (the first is at line 7), expected a role of its own"]),
    ("owner: us", "owner: us\nchecklists: []", ["7:13: checklists: found an empty list, expected a list of checklists", "9:1: steps: found `steps` beside `checklists`, expected one of them"]),
    ("owner: us", "owner: us\nvariables: {Instance: {}}", ["7:13: variables.Instance: found 'Instance', expected the name of a variable: lower-case letters, digits and _, beginning with a letter"]),
    ("owner: us", "owner: us\nvariables: {target: {}}", ["7:13: variables.target: found 'target', which every playbook has, expected a name of its own"]),
    ("owner: us", "owner: us\nvariables: {a: {type: string}}", ["7:23: variables.a.type: found 'string', expected text, name, integer, number, boolean, duration, choice, host or url"]),
    ("owner: us", "owner: us\nvariables: {a: {type: choice}}", ["7:16: variables.a.choices: found nothing, expected a list of choices"]),
    ("owner: us", "owner: us\nvariables: {a: {choices: [x]}}", ["7:17: variables.a.choices: found `choices` of a variable of type name, expected them with the type choice alone"]),
    ("owner: us", "owner: us\nvariables: {a: {from: env.HOME}}", ["7:23: variables.a.from: found 'env.HOME', expected incident.FIELD, alert.LABEL or config.NAME"]),
    ("owner: us", "owner: us\nvariables: {a: {from: incident.titel}}", ["7:23: variables.a.from: found 'incident.titel', expected 'incident.title'"]),
    ("owner: us", "owner: us\nvariables: {a: {type: integer, default: many}}", ["7:41: variables.a.default: found 'many', expected a whole number"]),
    ("owner: us", "owner: us\nvariables: {a: {pattern: '[0-9]+', default: x}}", ["7:45: variables.a.default: found 'x', expected what matches '[0-9]+'"]),
    ("owner: us", "owner: us\nvariables: {a: {pattern: '(a)\\1'}}", ["7:26: variables.a.pattern: found '(a)\\1' (the regular expression does not compile: invalid escape sequence: \\1), expected an RE2 expression, which has neither backreferences nor lookaround"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "lines"), HEADS)
def test_refuses_in_the_head(old: str, new: str, lines: list[str]):
    _, found, _ = read(f"{HEAD.replace(old, new)}steps:\n{STEP}\n")
    assert found == [f"p.yaml:{line}" for line in lines]


def test_refuses_what_has_no_place_in_a_group():
    _, lines, _ = read(f"""{HEAD}\
steps:
- id: look
  kind: parallel
  owner: scribe
  steps:
  - {{id: a, title: A, challenge: c, response: r, parallel: true}}
  - {{id: b, title: B, challenge: c, response: r, timebox: 1m, on_overdue: {{goto: last}}}}
  - {{id: c, title: C, challenge: c, response: r, kind: decision, options: [{{id: a, label: A}}, {{id: b, label: B}}]}}
  - {{id: d, kind: parallel, steps: [{{id: e, title: E, challenge: c, response: r}}]}}
- {{id: look, title: A, challenge: c, response: r, on_failure: {{goto: b}}}}
- {{id: last, title: A, challenge: c, response: r, on_failure: {{goto: look}}}}
""")
    assert lines == [
        "p.yaml:11:3: steps[0].owner: found `owner` in a step of kind parallel, expected it in a step of the group",
        "p.yaml:13:50: steps[0].steps[0].parallel: found `parallel` in a step that starts together with others, expected a step without it",
        "p.yaml:14:82: steps[0].steps[1].on_overdue.goto: found `goto` in a step that starts together with others, expected it in a step after them",
        "p.yaml:15:56: steps[0].steps[2].kind: found a decision among steps that start together, expected it before or after them",
        "p.yaml:16:5: steps[0].steps[3]: found a group within steps that start together, expected its steps themselves",
        "p.yaml:16:36: steps[0].steps[3].steps: found one step, expected a list of at least two steps",
        "p.yaml:17:8: steps[1].id: found 'look' again (the first is at line 9), expected an id of its own",
        "p.yaml:17:70: steps[1].on_failure.goto: found 'b', which starts together with others before it, expected the first of them",
    ]


def test_a_completion_call_is_a_step_whose_id_is_taken():
    _, lines, _ = read(f"""{HEAD}\
checklists:
- id: a
  title: A
  completion_call: Done
  steps:
  - {{id: a-complete, title: A, challenge: c, response: r}}
""")
    assert lines == ["p.yaml:13:10: checklists[0].steps[0].id: found 'a-complete' again (the first is at line 11), expected an id of its own"]  # fmt: skip


def test_a_host_that_an_alert_chooses_needs_a_pattern():
    text = "kind: http\nurl: http://{{seen}}/health"
    assert refused(text, "variables: {seen: {type: host, from: alert.instance}}\n") == [
        "url: found a host that alert.instance chooses, without a pattern, expected a `pattern` that seen must match"
    ]
    assert refused(text, "variables: {seen: {type: host, from: alert.instance, pattern: 'host-[0-9]+'}}\n") == []


# --- what it refers to elsewhere -------------------------------------------------------------------------------------


def write(folder: Folder, text: str) -> None:
    (folder / "playbooks" / "example.yaml").write_text(text)
    (folder / "playbooks" / "example.yaml").chmod(0o600)


@pytest.mark.parametrize("name", ["slack", "slack.alerts", "slack.incidents"])
def test_a_channel_is_one_of_console_yaml_or_a_kind_of_it(folder: Folder, name: str):
    write(folder, stepped(f"kind: notify\nchannel: {name}\ntext: t\ntimebox: 1m\non_overdue: {{notify: {name}}}"))
    config = load(folder.path)
    assert not [line for line in config.warnings if "channel" in line]


def test_refuses_a_channel_that_there_is_not(folder: Folder):
    write(folder, stepped("kind: notify\nchannel: slack\ntext: t\non_failure: {notify: irc}"))
    assert folder.lines() == [
        "playbooks/example.yaml:16:24: steps[0].on_failure.notify: found the unknown channel 'irc', expected slack, email, webhook, slack.incidents, slack.alerts, slack.security or slack.performance",
    ]


@pytest.mark.parametrize("name", ["email", "webhook.status", "slack.alert"])
def test_warns_of_a_channel_that_another_team_may_have(folder: Folder, name: str):
    write(folder, stepped(f"on_failure: {{notify: {name}}}"))
    (line,) = [line for line in load(folder.path).warnings if "channel" in line]
    assert line.endswith(f"found the channel '{name}', which no environment has, expected one under `notify` in console.yaml")  # fmt: skip


def test_refuses_roles_playbooks_and_readings_that_there_are_not(folder: Folder):
    more = "roles: [stoker]\n"
    write(folder, stepped("kind: approval\nrole: captain\nlook_at: [guardrail.p98 < 3]", more))
    assert folder.lines() == [
        "playbooks/example.yaml:8:9: roles[0]: found the unknown role 'stoker', expected incident commander, deputy, scribe, communications lead or subject-matter expert",
        "playbooks/example.yaml:15:9: steps[0].role: found the unknown role 'captain', expected incident commander, deputy, scribe, communications lead or subject-matter expert",
        "playbooks/example.yaml:16:13: steps[0].look_at[0]: found the unknown reading 'guardrail.p98', expected 'guardrail.p99'",
    ]
    write(folder, stepped("kind: playbook\nplaybook: emergency-rolback"))
    assert folder.lines() == [
        "playbooks/example.yaml:14:13: steps[0].playbook: found the unknown playbook 'emergency-rolback', expected 'emergency-rollback'"
    ]


def test_variables_of_console_yaml(folder: Folder):
    text = (folder / "console.yaml").read_text()
    kept = text.partition("\nvariables:")[0] + "\n"
    (folder / "console.yaml").write_text(f"{kept}\nvariables:\n  pool_max: 20\n  other: '-x'\n")
    write(folder, stepped("", "variables: {a: {type: integer, from: config.pool_max}}\n"))
    assert load(folder.path).variables == {"pool_max": "20", "other": "-x"}
    more = """\
        variables:
          a: {type: integer, from: config.pool_mux}
          b: {type: name, from: config.other}
          c: {type: integer, from: config.gone, default: 5}
        """
    write(folder, stepped("", more))
    assert folder.lines() == [
        "playbooks/example.yaml:9:28: variables.a.from: found the unknown variable 'pool_mux', expected 'pool_max'",
        "playbooks/example.yaml:10:25: variables.b.from: found '-x', expected letters, digits and . _ -, with a letter, a digit or _ in front",
    ]
    (folder / "console.yaml").write_text(f"{kept}\nvariables: {{a b: 1, c: [x]}}\n")
    lines = [line.partition(": ")[2] for line in folder.lines() if line.startswith("console.yaml")]
    assert (
        lines
        == [
            "variables.\"a b\": found 'a b', expected the name of a variable: letters, digits and _",
            "variables.c: found a list, expected a value",
        ]
        or len(lines) == 2
    )


# --- who may write it ------------------------------------------------------------------------------------------------

COMMAND = stepped("kind: command\ncommand: [true]")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below which everything is judged: what is above it (/tmp) is taken as root's own."""
    from console.settings import modes

    judged = modes._judged
    monkeypatch.setattr(modes, "_judged", lambda path: judged(path) if Path(path).is_relative_to(tmp_path) else "")
    tmp_path.chmod(0o755)
    return tmp_path


def untrusted(folder: Folder) -> str:
    return {item.playbook.name: item.untrusted for item in load(folder.path).playbooks}["example"]


def test_a_playbook_with_programs_that_nobody_else_may_write(own: Path, folder: Folder):
    write(folder, COMMAND)
    assert untrusted(folder) == ""


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("conf/playbooks/example.yaml", 0o620),
        ("conf/playbooks/example.yaml", 0o602),
        ("conf/playbooks", 0o777),
        ("conf", 0o770),
        ("conf", 0o1777),
        (".", 0o757),
    ],
)
def test_says_why_programs_may_not_run(own: Path, folder: Folder, name: str, mode: int):
    write(folder, COMMAND)
    (own / name).chmod(mode)
    assert untrusted(folder) == f"{(own / name).resolve()} can be changed by others (mode {mode:04o})"
    write(folder, stepped(""))
    (own / "conf/playbooks/example.yaml").chmod(mode | 0o600)
    assert untrusted(folder) == "", "there is nothing to run in it"


def test_a_link_is_judged_at_both_ends(own: Path, folder: Folder):
    write(folder, COMMAND)
    (own / "shared").mkdir()
    (own / "shared").chmod(0o777)
    (folder / "playbooks/example.yaml").rename(own / "shared/real.yaml")
    (folder / "playbooks/example.yaml").symlink_to(own / "shared/real.yaml")
    assert untrusted(folder) == f"{own}/shared can be changed by others (mode 0777)"
    (own / "shared").chmod(0o755)
    assert untrusted(folder) == ""
    (folder / "playbooks").chmod(0o777)
    assert untrusted(folder) == f"{folder.path}/playbooks can be changed by others (mode 0777)"


def test_a_file_of_another_user(own: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch):
    write(folder, COMMAND)
    config = load(folder.path)
    monkeypatch.setattr("os.getuid", lambda: 4242)
    import os

    if os.stat(folder.path).st_uid:
        assert untrusted(folder).endswith("belongs to another user")
    else:
        assert untrusted(folder) == "", "what root has, root may change anyway"
    assert config is not None


def test_a_folder_like_tmp_is_no_exception(tmp_path: Path):
    from console.settings.modes import written_by_others

    shared = tmp_path / "shared"
    (shared / "mine").mkdir(parents=True)
    shared.chmod(0o1777)
    (shared / "mine/p.yaml").write_text("")
    assert "shared can be changed by others (mode 1777)" in written_by_others(shared / "mine/p.yaml")


def test_every_folder_on_the_way_is_judged(own: Path):
    from console.settings.modes import written_by_others

    (own / "safe/dir").mkdir(parents=True)
    (own / "safe/p.yaml").write_text("")
    (own / "open").mkdir()
    (own / "open/current").symlink_to("../safe")
    (own / "open").chmod(0o777)
    assert written_by_others(own / "open/current/p.yaml") == f"{own}/open can be changed by others (mode 0777)"
    (own / "p.yaml").write_text("")
    (own / "a").symlink_to("safe/dir")
    (own / "safe/p.yaml").chmod(0o666)
    assert written_by_others(own / "a/../p.yaml") == f"{own}/safe/p.yaml can be changed by others (mode 0666)"
    assert written_by_others(own / "p.yaml") == ""
