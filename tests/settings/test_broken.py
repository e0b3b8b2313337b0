"""Broken inputs: each gets exactly the lines that it deserves, with file, line and column."""

# ruff: noqa: E501 -- the lines are exact

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from console.settings.load import ConfigError, load
from console.settings.tree import MAX_BYTES
from tests.settings.conftest import Folder

# file, what is in it, what a hand slips and writes in its place, what `load` says
BROKEN: list[tuple[str, str, str, list[str]]] = [
    (
        "console.yaml",
        "    alertmanager:",
        "    alertmanger:",
        ["console.yaml:24:5: environments[0].alertmanger: found an unknown key, expected 'alertmanager'"],
    ),
    (
        "console.yaml",
        "url: http://127.0.0.1:9090",
        "url: ftp://127.0.0.1:9090",
        [
            "console.yaml:16:12: environments[0].prometheus.url: found 'ftp://127.0.0.1:9090', expected an http or https URL"
        ],
    ),
    (
        "console.yaml",
        "url: http://127.0.0.1:9090",
        "url: http://alice:hunter2@127.0.0.1:9090",
        [
            "console.yaml:16:12: environments[0].prometheus.url: found a URL with credentials (not shown), expected an http or https URL without credentials"
        ],
    ),
    (
        "console.yaml",
        "url: http://127.0.0.1:9090",
        "url: http://127.0.0.1:9090/?token=hunter2",
        [
            "console.yaml:16:12: environments[0].prometheus.url: found a URL with a query or fragment (not shown), expected an http or https URL without a query or fragment"
        ],
    ),
    (
        "console.yaml",
        "url: http://127.0.0.1:9090",
        "url: http://127.0.0.1:9090\n      url: http://other",
        [
            "console.yaml:17:7: environments[0].prometheus.url: found a second 'url' (the first is on line 16), expected every key once"
        ],
    ),
    (
        "console.yaml",
        "      url: http://127.0.0.1:9090\n",
        "",
        ["console.yaml:16:7: environments[0].prometheus.url: found nothing, expected an http or https URL"],
    ),
    (
        "console.yaml",
        "url: http://127.0.0.1:9090",
        "url:",
        ["console.yaml:16:7: environments[0].prometheus.url: found nothing, expected an http or https URL"],
    ),
    (
        "console.yaml",
        "url: http://127.0.0.1:9090",
        "url: [a]",
        ["console.yaml:16:12: environments[0].prometheus.url: found a list, expected an http or https URL"],
    ),
    (
        "console.yaml",
        "interval: 15s",
        "interval: 15",
        [
            "console.yaml:17:17: environments[0].prometheus.interval: found '15', expected a duration such as 90s, 5m, 1h30m or 30d"
        ],
    ),
    (
        "console.yaml",
        "interval: 15s",
        "interval: 0s",
        [
            "console.yaml:17:17: environments[0].prometheus.interval: found '0s', expected a duration such as 90s, 5m, 1h30m or 30d"
        ],
    ),
    (
        "console.yaml",
        "production: true ",
        "production: yes ",
        ["console.yaml:14:17: environments[0].production: found 'yes', expected true or false"],
    ),
    (
        "console.yaml",
        "environment: production",
        "environment: Production",
        [
            "console.yaml:13:18: environments[0].environment: found 'Production', expected the name of an environment: lower-case letters, digits and hyphens"
        ],
    ),
    (
        "console.yaml",
        "environment: staging",
        "environment: production",
        [
            "console.yaml:107:5: environments[1]: found 'lighthouse/production' again (the first is at line 12), expected a pair of service and environment of its own"
        ],
    ),
    (
        "console.yaml",
        "token: env:PAGERDUTY_API_KEY",
        "token: u+hunter2hunter2",
        [
            "console.yaml:51:16: environments[0].notify.pagerduty.token: found a value in place of a reference (not shown), expected env:NAME or file:PATH"
        ],
    ),
    (
        "console.yaml",
        "webhook: env:SLACK_WEBHOOK_URL",
        "webhook: https://hooks.slack.com/services/T0/B0/hunter2",
        [
            "console.yaml:62:20: environments[0].notify.slack[0].webhook: found a value in place of a reference (not shown), expected env:NAME or file:PATH"
        ],
    ),
    (
        "console.yaml",
        "# headers: {X-Scope-OrgID: payments}",
        "headers: {Authorization: hunter2} #",
        [
            "console.yaml:20:32: environments[0].prometheus.headers.Authorization: found a header that carries a secret (not shown), expected env:NAME or file:PATH"
        ],
    ),
    (
        "console.yaml",
        "# token: env:PROMETHEUS_TOKEN",
        "token: {key: hunter2} #",
        ["console.yaml:19:14: environments[0].prometheus.token: found a mapping, expected env:NAME or file:PATH"],
    ),
    ("console.yaml", "kind: Console", "kind: Consle", ["console.yaml:8:7: kind: found 'Consle', expected 'Console'"]),
    (
        "console.yaml",
        "apiVersion: oncall/v1",
        "apiVersion: oncall/v2",
        ["console.yaml:7:13: apiVersion: found 'oncall/v2', expected 'oncall/v1'"],
    ),
    (
        "console.yaml",
        "      interval: 15s              # how",
        "\tinterval: 15s              # how",
        ["console.yaml:17:1: (syntax): found a tab, expected spaces for indentation"],
    ),
    (
        "console.yaml",
        "dashboard_uid: lighthouse ",
        "dashboard_uid: {uid: lighthouse ",
        ["console.yaml:79:9: (syntax): found no ',' or '}', expected it here or on a line before"],
    ),
    (
        "console.yaml",
        "kind: Console",
        "kind: !!python/name:os.system Console",
        [
            "console.yaml:8:7: kind: found the tag 'tag:yaml.org,2002:python/name:os.system', expected a value without a tag"
        ],
    ),
    (
        "console.yaml",
        "kind: Console",
        "kind: *nothing",
        ["console.yaml:8:7: kind: found the alias *nothing, expected an anchor of that name before it"],
    ),
    (
        "console.yaml",
        "    health:\n",
        "    health: &n\n      components: *n\n    health2:\n",
        [
            "console.yaml:34:19: environments[0].health.components: found the alias *n inside its own anchor, expected no recursion"
        ],
    ),
    (
        "console.yaml",
        "environments:\n",
        "<<: {}\nenvironments:\n",
        ["console.yaml:11:1: (document): found the merge key '<<', expected the keys themselves"],
    ),
    (
        "console.yaml",
        "kind: Console",
        "kind: Console\n---\nkind: Console",
        [
            "console.yaml:7:1: environments: found nothing, expected a list of environments",
            "console.yaml:10:1: (document): found a second document, expected one in this file",
        ],
    ),
    (
        "console.yaml",
        "watchdog: Watchdog",
        'watchdog: "Watch\\e]0;x\\adog"',
        [
            "console.yaml:32:15: environments[0].watchdog: found a control character, expected the name of the alert that always fires in printable characters"
        ],
    ),
    (
        "people.yaml",
        "login: bob",
        "login: alice",
        [
            "people.yaml:26:12: people[1].login: found 'alice' again (the first is at line 17), expected a login of its own"
        ],
    ),
    (
        "people.yaml",
        "roles: [communications lead, scribe]",
        "roles: [comunications lead]",
        ["people.yaml:37:13: people[2].roles[0]: found 'comunications lead', expected 'communications lead'"],
    ),
    (
        "people.yaml",
        "people:",
        "people: nobody\nx:",
        [
            "people.yaml:15:9: people: found a text, expected a list of people",
            "people.yaml:16:1: x: found an unknown key, expected apiVersion, kind, roles, people, on_call or teams",
        ],
    ),
    (
        "severity.yaml",
        "  SEV2:",
        "  SEV9:",
        ["severity.yaml:17:3: severities.SEV9: found an unknown severity, expected SEV1, SEV2, SEV3, SEV4 or SEV5"],
    ),
    (
        "severity.yaml",
        "acknowledge_within: 5m ",
        "acknowledge_within: five ",
        [
            "severity.yaml:12:25: severities.SEV1.acknowledge_within: found 'five', expected a duration such as 90s, 5m, 1h30m or 30d"
        ],
    ),
    (
        "severity.yaml",
        "    title: Critical\n",
        "",
        ["severity.yaml:8:5: severities.SEV1.title: found nothing, expected a text"],
    ),
    (
        "rollout.yaml",
        "[5, 25, 50, 75, 100]",
        "[5, 50, 25, 75, 101]",
        [
            "rollout.yaml:10:17: phases[2]: found '25', expected more than the phase before, 50",
            "rollout.yaml:10:25: phases[4]: found '101', expected a percentage above 0, at most 100",
        ],
    ),
    (
        "rollout.yaml",
        "warning: 300",
        "warning: 600",
        ["rollout.yaml:24:14: guardrails[0].warning: found '600', expected less than critical, 500"],
    ),
    (
        "rollout.yaml",
        "critical: 500",
        "critical: .inf",
        ["rollout.yaml:25:15: guardrails[0].critical: found '.inf', expected a number"],
    ),
    (
        "rollout.yaml",
        "name: errors",
        "name: p99",
        [
            "playbooks/emergency-rollback.yaml:86:9: steps[6].look_at[0]: found the unknown reading 'guardrail.errors', expected guardrail.p99, guardrail.undelivered or guardrail.security",
            "rollout.yaml:30:5: guardrails[1]: found 'p99' again (the first is at line 21), expected a name of its own",
        ],
    ),
    (
        "rollout.yaml",
        "name: p99",
        "name: p98",
        [
            "playbooks/emergency-rollback.yaml:89:13: steps[6].verify: found the unknown reading 'guardrail.p99', expected 'guardrail.p98'",
            "playbooks/p99-latency-high.yaml:25:9: steps[0].look_at[0]: found the unknown reading 'guardrail.p99', expected 'guardrail.p98'",
            "playbooks/p99-latency-high.yaml:47:15: steps[2].options[0].when: found the unknown reading 'guardrail.p99', expected 'guardrail.p98'",
            "playbooks/p99-latency-high.yaml:51:15: steps[2].options[1].when: found the unknown reading 'guardrail.p99', expected 'guardrail.p98'",
            "playbooks/p99-latency-high.yaml:77:13: steps[5].verify: found the unknown reading 'guardrail.p99', expected 'guardrail.p98'",
        ],
    ),
    (
        "slo/errors.yaml",
        "kind: SLO",
        "kind: SLOs",
        ["slo/errors.yaml:3:7: kind: found the kind 'SLOs', expected 'SLO'"],
    ),
    (
        "slo/errors.yaml",
        "apiVersion: openslo/v1",
        "apiVersion: openslo/v2alpha",
        [
            "slo/errors.yaml:2:13: apiVersion: found 'openslo/v2alpha', expected openslo/v1, openslo/v1alpha, sloth.slok.dev/v1, pyrra.dev/v1alpha1 or oncall/v1"
        ],
    ),
    (
        "slo/errors.yaml",
        "target: 0.999",
        "target: 1",
        [
            "slo/errors.yaml:31:15: spec.objectives[0].target: found '1', expected less than 1; zero tolerance is an Invariant (oncall/v1)"
        ],
    ),
    (
        "slo/errors.yaml",
        "target: 0.999",
        "target: 99.9",
        ["slo/errors.yaml:31:15: spec.objectives[0].target: found '99.9', expected a number above 0, below 1"],
    ),
    (
        "slo/errors.yaml",
        "target: 0.999",
        "target: 0.999\n      targetPercent: 99.9",
        [
            "slo/errors.yaml:32:22: spec.objectives[0].targetPercent: found a second target, expected either target or targetPercent"
        ],
    ),
    (
        "slo/errors.yaml",
        "isRolling: true",
        "isRolling: false",
        [
            "slo/errors.yaml:28:18: spec.timeWindow[0].isRolling: found a window that neither rolls nor has a calendar, expected calendar: {startTime, timeZone}"
        ],
    ),
    (
        "slo/errors.yaml",
        "isRolling: true",
        "isRolling: true\n      calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}",
        [
            "slo/errors.yaml:29:7: spec.timeWindow[0].calendar: found `calendar` in a window that rolls, expected isRolling: false, or no calendar"
        ],
    ),
    (
        "slo/errors.yaml",
        "duration: 30d",
        "duration: 1 month",
        [
            "slo/errors.yaml:27:17: spec.timeWindow[0].duration: found '1 month', expected a duration such as 30d, 4w or 1M (m is minutes, M is months)"
        ],
    ),
    (
        "slo/errors.yaml",
        "query: elicitation_requests_total\n",
        "query: max(elicitation_requests_total)\n",
        [
            "slo/errors.yaml:25:22: spec.indicator.spec.ratioMetric.total.metricSource.spec.query: found 'max(elicitation_requests_total)', expected a plain selector such as requests_total{job=\"x\"}, or a range over the window: rate(...[{{.window}}])"
        ],
    ),
    (
        "slo/errors.yaml",
        "counter: true",
        "counter: perhaps",
        ["slo/errors.yaml:15:18: spec.indicator.spec.ratioMetric.counter: found 'perhaps', expected true or false"],
    ),
    (
        "slo/errors.yaml",
        "        bad:\n",
        "        good:\n          metricSource: {spec: {query: x}}\n        bad:\n",
        ["slo/errors.yaml:18:9: spec.indicator.spec.ratioMetric.bad: found `bad` beside `good`, expected one of them"],
    ),
    (
        "slo/errors.yaml",
        "type: Prometheus",
        "type: Datadog",
        [
            "slo/errors.yaml:18:19: spec.indicator.spec.ratioMetric.bad.metricSource.type: found an indicator of 'Datadog', which nothing measures here, expected one of Prometheus"
        ],
    ),
    (
        "slo/errors.yaml",
        "budgetingMethod: Occurrences",
        "budgetingMethod: Occurences",
        ["slo/errors.yaml:29:20: spec.budgetingMethod: found 'Occurences', expected 'Occurrences'"],
    ),
    (
        "slo/errors.yaml",
        "service: lighthouse",
        "service: lighthose",
        ["slo/errors.yaml:9:12: spec.service: found the unknown service 'lighthose', expected 'lighthouse'"],
    ),
    (
        "slo/errors.yaml",
        "name: errors",
        "name: latency",
        [
            "slo/latency.yaml:5:9: metadata.name: found 'latency' again (the first is at slo/errors.yaml:5), expected a name of its own"
        ],
    ),
    (
        "slo/latency.yaml",
        "oncall/fallback-op",
        "oncall/fallback-opp",
        [
            "slo/latency.yaml:10:5: metadata.annotations.'oncall/fallback-op': found nothing, expected lt, lte, gt or gte",
            "slo/latency.yaml:11:5: metadata.annotations.'oncall/fallback-opp': found an unknown annotation, expected 'oncall/fallback-op'",
        ],
    ),
    (
        "slo/availability.yaml",
        "      timeSliceWindow: 1m\n",
        "",
        [
            "slo/availability.yaml:33:7: spec.objectives[0].timeSliceWindow: found nothing, expected a slice such as 1m or 5m; a bare number is minutes"
        ],
    ),
    (
        "slo/errors.yaml",
        "budgetingMethod: Occurrences",
        "budgetingMethod: RatioTimeslices",
        [
            "slo/errors.yaml:31:7: spec.objectives[0].timeSliceWindow: found nothing, expected a slice such as 1m or 5m; a bare number is minutes",
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "kind: flag\n",
        "kind: flags\n",
        ["playbooks/emergency-rollback.yaml:32:11: steps[1].kind: found 'flags', expected 'flag'"],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "    flag: lighthouse-elicitation\n",
        "",
        ["playbooks/emergency-rollback.yaml:30:5: steps[1].flag: found nothing, expected the name of a flag"],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "id: validate",
        "id: disable-flag",
        [
            "playbooks/emergency-rollback.yaml:80:9: steps[6].id: found 'disable-flag' again (the first is at line 30), expected an id of its own"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "timebox: 1m",
        "timebox: 0m",
        [
            "playbooks/emergency-rollback.yaml:27:14: steps[0].timebox: found '0m', expected a duration such as 90s, 5m, 1h30m or 30d"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "verify: rollout.percent <= 0",
        "verify: rollout.percent is 0",
        [
            "playbooks/emergency-rollback.yaml:42:13: steps[1].verify: found 'rollout.percent is 0', expected a check such as rollout.percent <= 0, with one of < <= > >= =="
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "verify: rollout.percent <= 0",
        "verify: rollout.precent <= 0",
        [
            "playbooks/emergency-rollback.yaml:42:13: steps[1].verify: found the unknown reading 'rollout.precent', expected 'rollout.percent'"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "verify: health.wait-for-messages",
        "verify: health.wait-for-message",
        [
            "playbooks/emergency-rollback.yaml:59:13: steps[3].verify: found the unknown reading 'health.wait-for-message', expected 'health.wait-for-messages'"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "confirm: CLEAR {target}",
        "confirm: CLEAR",
        [
            "playbooks/emergency-rollback.yaml:69:14: steps[4].confirm: found 'CLEAR', expected words with {target} in them, such as CLEAR {target}"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "owner: subject-matter expert",
        "owner: database expert",
        [
            "playbooks/emergency-rollback.yaml:63:12: steps[4].owner: found the unknown role 'database expert', expected incident commander, deputy, scribe, communications lead or subject-matter expert"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        '  - severity="critical"',
        "  - severity is critical",
        [
            "playbooks/emergency-rollback.yaml:16:5: match[1]: found 'severity is critical', expected a matcher: name=\"value\", with =, !=, =~ or !~"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        '  - severity="critical"',
        '  - severity=~"cri("',
        [
            "playbooks/emergency-rollback.yaml:16:5: match[1]: found 'severity=~\"cri(\"', expected a regular expression that compiles ('missing ): cri(')"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "at_least: 15m",
        "at_least: 25m",
        [
            "playbooks/emergency-rollback.yaml:18:13: objective.at_least: found '25m', expected at most what `at_most` says"
        ],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "reviewed: 2026-11-21",
        "reviewed: 3 Nov 2025",
        ["playbooks/emergency-rollback.yaml:13:11: reviewed: found '3 Nov 2025', expected a date as YYYY-MM-DD"],
    ),
    (
        "playbooks/emergency-rollback.yaml",
        "kind: wait\n",
        "kind: manual\n    percent: 5\n",
        [
            "playbooks/emergency-rollback.yaml:47:5: steps[2].percent: found `percent` in a step of kind manual, expected it in a step of kind flag alone"
        ],
    ),
    (
        "playbooks/p99-latency-high.yaml",
        "goto: hold-rollout",
        "goto: hold-rollouts",
        [
            "playbooks/p99-latency-high.yaml:50:15: steps[2].options[1].goto: found 'hold-rollouts', which is no step here, expected a step: 'hold-rollout'"
        ],
    ),
    (
        "playbooks/p99-latency-high.yaml",
        "goto: hold-rollout",
        "goto: roll-back-or-repair",
        [
            "playbooks/p99-latency-high.yaml:50:15: steps[2].options[1].goto: found this step itself, expected another step; `on_failure.tries` repeats this one"
        ],
    ),
    (
        "playbooks/p99-latency-high.yaml",
        "playbook: emergency-rollback",
        "playbook: emergency-rolback",
        [
            "playbooks/p99-latency-high.yaml:46:19: steps[2].options[0].playbook: found the unknown playbook 'emergency-rolback', expected 'emergency-rollback'"
        ],
    ),
    (
        "playbooks/p99-latency-high.yaml",
        "playbook: emergency-rollback",
        "playbook: p99-latency-high",
        [
            "playbooks/p99-latency-high.yaml:46:19: steps[2].options[0].playbook: found this playbook itself, expected another playbook"
        ],
    ),
    (
        "playbooks/p99-latency-high.yaml",
        "playbook: emergency-rollback",
        "playbook: emergency-rollback\n        goto: hold-rollout",
        [
            "playbooks/p99-latency-high.yaml:46:9: steps[2].options[0].playbook: found two ways to go, expected either goto or playbook"
        ],
    ),
    (
        "playbooks/p99-latency-high.yaml",
        "kind: decision",
        "kind: manual",
        [
            "playbooks/p99-latency-high.yaml:43:5: steps[2].options: found `options` in a step of kind manual, expected it in a step of kind decision alone"
        ],
    ),
    (
        "playbooks/p99-latency-high.yaml",
        "severities: [SEV2, SEV3]",
        "severities: [SEV2, sev3]",
        ["playbooks/p99-latency-high.yaml:11:20: severities[1]: found 'sev3', expected 'SEV3'"],
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "lines"), BROKEN)
def test_says_what_is_wrong_and_where(folder: Folder, name: str, old: str, new: str, lines: list[str]):
    folder.replace(name, old, new)
    assert folder.lines() == lines


def test_no_line_repeats_a_secret():
    assert not [line for *_, lines in BROKEN for line in lines if "hunter2" in line]


# a whole file, as bytes, and what `load` says of it
FILES: list[tuple[bytes, str]] = [
    (b"", "1:1: (file): found an empty file, expected a YAML document"),
    (b"# nothing\n", "1:1: (file): found an empty file, expected a YAML document"),
    (b"---\n", "1:4: (document): found nothing, expected a mapping"),
    (b"[]", "1:1: (document): found a list, expected a mapping"),
    (b"hello", "1:1: (document): found a text, expected a mapping"),
    (b"a: 1\nb: \xff\n", "2:4: (file): found the byte 0xff, expected UTF-8"),
    ("a: 1\nbé: \x00\n".encode(), "2:5: (file): found the control character U+0000, expected printable text"),
    ("a: \u202eb\n".encode(), "1:4: (file): found the control character U+202E, expected printable text"),
    ("a: \u2028b\n".encode(), "1:4: (file): found the control character U+2028, expected printable text"),
    (b"a: 'open\n", "1:4: (syntax): found a quote that is never closed, expected its other end"),
    (
        b"a: @b\n",
        "1:4: (syntax): found character that cannot start any token, expected quotes around a text that begins with @ or `",
    ),
    (
        b"a: b: c\n",
        "1:5: (syntax): found a second ': ', expected one key per line, with quotes around a text that holds ': '",
    ),
    (b"a:\n\t- b\n", "2:1: (syntax): found a tab, expected spaces for indentation"),
    (b"? [a]\n: b\n", "1:3: (document): found a list as a key, expected a text as a key"),
    (b'"\\e[2J": b\n', "1:1: (document): found a control character in a key, expected printable text"),
    (b"a: &x\n  b: *x\n", "2:6: a.b: found the alias *x inside its own anchor, expected no recursion"),
    (b"a: &x 1\n---\nb: *x\n", "3:4: b: found the alias *x, expected an anchor of that name before it"),
    (b"[" * 100_000, "1:41: " + "[0]" * 40 + ": found more than 40 levels of nesting, expected fewer"),
    (b"- " * 100_000, "1:81: " + "[0]" * 40 + ": found more than 40 levels of nesting, expected fewer"),
    (
        b"#" * (MAX_BYTES + 1),
        f"1:1: (file): found more than {MAX_BYTES} bytes, expected a YAML file of at most {MAX_BYTES} bytes",
    ),
]


@pytest.mark.parametrize(("data", "line"), FILES, ids=lambda value: str(value)[:40])
def test_refuses_what_is_no_configuration_at_all(folder: Folder, data: bytes, line: str):
    (folder / "people.yaml").write_bytes(data)
    assert folder.lines() == [f"people.yaml:{line}"]


def test_refuses_an_alias_bomb_at_once(folder: Folder):
    lol = ["a0: &a0 lol", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))]
    (folder / "people.yaml").write_text("\n".join(lol))
    start = time.process_time()
    (line,) = folder.lines()
    assert line.endswith("found more than 100000 values (aliases count in full), expected fewer")
    assert time.process_time() - start < 1


def test_anchors_are_welcome_where_they_help(folder: Folder):
    folder.replace("people.yaml", "roles: [incident commander, deputy]", "roles: &lead [incident commander, deputy]")
    folder.replace("people.yaml", "roles: [incident commander, deputy, scribe]", "roles: *lead")
    assert [person.roles for person in load(folder.path).people[:2]] == [("incident commander", "deputy")] * 2


def test_reads_a_file_with_a_byte_order_mark_and_with_windows_line_ends(folder: Folder):
    for path in folder.path.rglob("*.yaml"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert folder.lines() == []


@pytest.mark.parametrize("name", ["console.yaml", "people.yaml", "severity.yaml", "rollout.yaml"])
def test_says_which_file_is_missing(folder: Folder, name: str):
    (folder / name).unlink()
    assert folder.lines() == [f"{name}:1:1: (file): found no such file, expected a YAML file"]


def test_a_folder_without_slos_says_so_and_its_playbooks_cannot_read_their_guards(folder: Folder):
    for path in (folder / "slo").iterdir():
        path.unlink()
    (folder / "slo").rmdir()
    assert folder.lines() == [
        "slo:1:1: (folder): found no such folder, expected a folder of OpenSLO files, "
        "or `without: [slo]` in console.yaml"
    ]
    folder.replace("console.yaml", "# without: [rollout, slo]", "without: [slo]")
    (line,) = folder.lines()
    assert "found the unknown reading 'guardrail.security'" in line
    folder.replace("playbooks/emergency-rollback.yaml", "guardrail.security < 1", "guardrail.errors < 1")
    assert load(folder.path).objectives == ()


def test_a_folder_without_a_rollout_says_so_and_its_playbooks_cannot_read_it(folder: Folder):
    folder.replace("console.yaml", "# without: [rollout, slo]", "without: [rollout]")
    (folder / "rollout.yaml").unlink()
    assert "slo/guards.yaml:9:9: metadata.name: found a guard without a rollout, " in "\n".join(folder.lines())
    (folder / "slo/guards.yaml").unlink()
    assert (
        "playbooks/emergency-rollback.yaml:42:13: steps[1].verify: found the unknown reading 'rollout.percent', "
        "expected no reading: none is defined"
    ) in folder.lines()
    for path in (folder / "playbooks").iterdir():
        path.unlink()
    assert load(folder.path).rollout is None


def test_refuses_a_file_that_nothing_reads(folder: Folder):
    (folder / "severities.yaml").write_text("")
    (folder / ".people.yaml.swp").write_text("")
    assert folder.lines() == ["severities.yaml:1:1: (file): found a file that nothing reads, expected 'severity.yaml'"]


def test_waits_for_no_pipe_and_reads_no_folder(folder: Folder):
    (folder / "people.yaml").unlink()
    os.mkfifo(folder / "people.yaml")
    (folder / "slo/more.yaml").mkdir()
    assert folder.lines() == [
        "people.yaml:1:1: (file): found something that is no regular file, "
        f"expected a YAML file of at most {MAX_BYTES} bytes",
        "slo/more.yaml:1:1: (file): found a file that cannot be read (Is a directory), expected a YAML file",
    ]


def test_a_folder_that_is_none(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "gone")
    line = f"{tmp_path}/gone:1:1: (folder): found no such folder, expected a configuration folder"
    assert str(caught.value) == line


def test_reports_every_mistake_of_every_file_at_once(folder: Folder):
    folder.replace("console.yaml", "url: http://127.0.0.1:9090", "uri: http://127.0.0.1:9090")
    folder.replace("console.yaml", "token: env:GRAFANA_API_KEY", "token: glsa_hunter2")
    folder.replace("people.yaml", "login: bob", "login: [bob]")
    folder.replace("severity.yaml", "update_every: 30m", "update_every: often")
    folder.replace("rollout.yaml", "bake: 30m", "bake: 30m\nbake: 40m")
    folder.replace("slo/latency.yaml", "target: 0.99", "target: 1.5")
    folder.replace("playbooks/p99-latency-high.yaml", "timebox: 1m", "timebox: -1m")
    folder.replace("playbooks/emergency-rollback.yaml", "rollout.percent <= 0", "rollout.percents <= 0")
    assert [line.split(": found")[0] for line in folder.lines()] == [
        "console.yaml:16:7: environments[0].prometheus.uri",
        "console.yaml:16:7: environments[0].prometheus.url",
        "console.yaml:77:16: environments[0].notify.grafana.token",
        "people.yaml:26:12: people[1].login",
        "playbooks/emergency-rollback.yaml:42:13: steps[1].verify",
        "playbooks/p99-latency-high.yaml:23:14: steps[0].timebox",
        "rollout.yaml:12:1: bake",
        "severity.yaml:13:19: severities.SEV1.update_every",
        "slo/latency.yaml:38:15: spec.objectives[0].target",
    ]


def test_one_file_that_cannot_be_read_is_one_line(folder: Folder):
    for name in ("console.yaml", "people.yaml", "rollout.yaml", "slo/errors.yaml", "playbooks/emergency-rollback.yaml"):
        (folder / name).write_text("a: [")
    names = [line.partition(":")[0] for line in folder.lines()]
    assert names == [
        "console.yaml",
        "people.yaml",
        "playbooks/emergency-rollback.yaml",
        "rollout.yaml",
        "slo/errors.yaml",
    ]


def test_warns_of_a_flag_that_is_not_the_rollouts(folder: Folder):
    folder.replace("playbooks/emergency-rollback.yaml", "flag: lighthouse-elicitation", "flag: lighthouse-elicitatoin")
    (warning,) = load(folder.path).warnings
    assert warning.removeprefix(f"{folder.path}/") == (
        "playbooks/emergency-rollback.yaml:33:11: steps[1].flag: found the flag 'lighthouse-elicitatoin', "
        "expected 'lighthouse-elicitation', as in rollout.yaml"
    )
