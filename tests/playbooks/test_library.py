"""The playbooks that ship: they load, nothing is wrong with them, and their tables reach every step and branch."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest

from console.bootstrap.rehearsal import fitting_alert, rehearse
from console.engine.clocks import SimulatedClock
from console.integrations.simulated import SimulatedAlerts, World
from console.model.alert import AlertRef, parse_matcher, reference
from console.model.binding import bound
from console.model.incident import Incident, IncidentState
from console.model.people import Actor, Severity
from console.model.playbook import ACTING, Check, Playbook, StepKind
from console.settings.lint import linter
from console.settings.load import load
from console.settings.playbook_tests import FOLDER, read_tests, untested
from console.view.offers import rank
from tests.servers import REPO, promtool_binary

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAMES = [
    "bridge-down",
    "certificate-expiry",
    "cross-team-coordination",
    "daily-health-check",
    "db-pool-exhaustion",
    "dependency-outage",
    "emergency-rollback",
    "error-rate-high",
    "event-store-inconsistent",
    "failed-deployment",
    "major-incident-command",
    "memory-leak",
    "p99-latency-high",
    "phase-promotion",
    "post-deployment-smoke",
    "pre-deployment-checks",
    "rate-limit-violations",
    "replication-lag",
    "security-violation",
    "websocket-drops",
]
BEST = {
    "P99LatencyHigh": "p99-latency-high",
    "ErrorRateHigh": "error-rate-high",
    "BridgeQueueDepthHigh": "bridge-down",
    "ReplicaLagHigh": "replication-lag",
    "CertificateExpiresSoon": "certificate-expiry",
}
"""What is offered first for the alerts of the demo."""


@cache
def config():
    return load(REPO / "config")


def playbook(name: str) -> Playbook:
    return next(item.playbook for item in config().playbooks if item.playbook.name == name)


@cache
def tables():
    return read_tests(REPO / "playbooks" / FOLDER, {item.playbook.name: item.playbook for item in config().playbooks})


def concrete(name: str) -> Playbook:
    """A playbook as a run has it: every variable filled in."""
    found = playbook(name)
    incident = Incident(
        id="id",
        number=1,
        version=1,
        title="a bad night",
        severity=Severity.SEV2,
        state=IncidentState.DECLARED,
        service="lighthouse",
        environment="production",
        declared_at=NOW,
        declared_by=Actor("alice", "alice"),
        mode="live",
        alerts=(AlertRef("f", "x", labels=tuple(fitting_alert(found).items())),),
    )
    answers = {item.name: item.default or (*item.choices, "x")[0] for item in found.variables if not item.source}
    return bound(found, incident, answers, config().variables)[0]


def checks(found: Playbook) -> list[Check]:
    return [
        check
        for step in found.steps
        for check in (step.verify, *step.look_at, *(option.when for option in step.options))
        if check is not None
    ]


def test_the_library_is_complete():
    assert sorted(item.playbook.name for item in config().playbooks) == NAMES
    assert untested(tables(), NAMES) == ()
    assert {item.file.rpartition("/")[2] for item in tables()} == {f"{name}.yaml" for name in NAMES}


def test_nothing_is_wrong_with_it():
    judge = linter(REPO / "config", TODAY)
    assert [str(item) for item in judge.files(sorted((REPO / "playbooks").glob("*.yaml")))] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_its_table_passes_and_reaches_every_step_and_branch(name):
    (result,) = rehearse(config(), config().environment("production"), tables(), [name])
    assert [(case.case.name, case.differences) for case in result.cases if not case.passed] == []
    assert result.missed_steps == ()
    assert [str(branch) for branch in result.missed_branches] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_finds_its_place(name):
    text = repr(concrete(name).steps)
    assert "{{" not in text


def test_every_query_is_read_by_prometheus(tmp_path):
    expressions = {check.expr for name in NAMES for check in checks(concrete(name)) if check.expr}
    rules = [{"record": f"r{index}", "expr": expr} for index, expr in enumerate(sorted(expressions))]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "library", "rules": rules}]}))
    done = subprocess.run(
        [promtool_binary(), "check", "rules", file], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rules) > 30


def test_the_peak_hours_and_a_full_memory_decide_when_it_is_restarted(tmp_path):
    found = concrete("memory-leak")
    wait, later = found.step("wait-for-quiet").verify, found.step("now-or-later").options[1].when
    memory = 'container_memory_working_set_bytes{namespace="lighthouse",container="bridge"}'
    limit = 'kube_pod_container_resource_limits{resource="memory",namespace="lighthouse",container="bridge"}'
    sample = "      - {{expr: {0}, eval_time: {1}, exp_samples: [{{labels: '{{}}', value: {2}}}]}}"
    # The memory reaches 96 % at ten o'clock; the peak hours are 7 to 19.
    asked = [
        *((wait, hour, value) for hour, value in (("6h", 1), ("8h", 0), ("11h", 1), ("20h", 1))),
        *((later, hour, value) for hour, value in (("6h", 0), ("8h", 1), ("20h", 0))),
    ]
    rows = "\n".join(sample.format(json.dumps(check.expr), hour, value) for check, hour, value in asked)
    file = tmp_path / "test.yml"
    file.write_text(
        "evaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n"
        f"      - {{series: '{memory}', values: '50x600 96x900'}}\n"
        f"      - {{series: '{limit}', values: '100x1500'}}\n"
        f"    promql_expr_test:\n{rows}\n"
    )
    done = subprocess.run(
        [promtool_binary(), "test", "rules", file], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("alert", "name"), BEST.items())
def test_the_right_one_is_offered_first(alert, name):
    world = World(
        SimulatedClock(NOW), 1, config().rollout, config().objectives, config().environments[0].components, NOW
    )
    # As the demo's Alertmanager makes it, whether or not it stands at this instant.
    made = SimulatedAlerts(world)._alert(alert, "critical", "bridge", 0.0, "x")
    for severity in (Severity.SEV2, Severity.SEV3):
        best = rank(config().playbooks, [reference(made)], severity)[0]
        assert (best.loaded.playbook.name, best.fits) == (name, True)


@pytest.mark.parametrize("name", NAMES)
def test_its_own_alerts_fit_it(name):
    labels = fitting_alert(playbook(name))
    assert all(parse_matcher(text).matches(labels) for text in playbook(name).match if "severity" not in text)
    assert playbook(name).match or playbook(name).match_incident, "nothing ever offers it"


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_read_at_three_in_the_morning(name):
    for step in playbook(name).steps:
        assert step.timebox is not None or step.id.endswith("-complete"), step.id
        assert len(step.title) <= 40, step.title
        assert len(step.challenge) <= 220, step.challenge
        assert len(step.challenge.split()) <= 45, step.challenge
        assert len(step.response) <= 100, step.response
    assert playbook(name).objective is not None
    assert playbook(name).summary


@pytest.mark.parametrize("name", NAMES)
def test_what_changes_something_says_how_it_is_taken_back(name):
    """But for what cannot be, which says so, and what only reads, restarts, or tells."""
    for step in playbook(name).steps:
        argv = step.program.argv if step.program is not None else ()
        lasting = step.kind is StepKind.FLAG or {"set", "label", "undo"} & set(argv)
        if step.kind in ACTING and lasting:
            assert step.undo, step.id
        if step.irreversible:
            assert not step.undo, step.id


def test_programs_name_the_environment_and_can_be_rehearsed_where_they_can():
    for name in NAMES:
        for step in concrete(name).steps:
            if step.program is None:
                continue
            argv = step.program.argv
            assert argv[0] in ("kubectl", "psql", "openssl", "cmctl"), argv
            if argv[0] in ("kubectl", "cmctl"):
                assert "--context=lighthouse-production" in argv, step.id
            elif argv[0] == "psql":
                assert any(item.startswith("service=lighthouse-production") for item in argv), step.id
            if {"set", "label", "undo", "create"} & set(argv):
                assert step.program.dry_run == ("--dry-run=server",), step.id


def test_the_rollback_has_seven_steps_and_takes_15_to_20_minutes():
    found = playbook("emergency-rollback")
    assert len(found.steps) == 7
    assert found.objective == (15 * MINUTE, 20 * MINUTE)
    waited = sum((step.timebox for step in found.steps if not step.parallel), timedelta())
    assert 15 * MINUTE <= waited <= 20 * MINUTE


def test_nothing_holds_a_rollback_up():
    """It goes on at the limit of its wait, its only second person can be done without, and no step asks for a role."""
    found = playbook("emergency-rollback")
    assert [step.id for step in found.steps if step.second_person] == ["clear-state"]
    assert not [step.id for step in found.steps if step.role or step.kind is StepKind.APPROVAL]
    assert found.step("alert-teams").parallel
    assert [item.do.value for item in found.step("drain-in-flight").on_overdue] == ["go_on"]


def test_a_security_violation_is_contained_before_anything_is_understood():
    found = playbook("security-violation")
    order = [step.id for step in found.steps]
    assert order.index("stop-new-path") == 1
    assert order.index("save-logs") < order.index("what-was-touched") < order.index("new-keys")
    evidence = order.index("preserve-complete")
    restarts = [step.id for step in found.steps if step.program and {"restart", "delete"} & set(step.program.argv)]
    assert not restarts
    assert all(order.index(step.id) > evidence for step in found.steps if step.irreversible)


def test_the_pool_is_raised_from_20_to_40_with_a_way_back():
    step = concrete("db-pool-exhaustion").step("raise-pool")
    assert step.program.argv[-1] == "DB_POOL_MAX=40"
    assert "back to 20" in step.undo
    assert config().variables["pool_max"] == "20"


def test_a_dependency_is_asked_for_60_seconds():
    for step in playbook("dependency-outage").steps:
        if step.kind is StepKind.HTTP:
            assert step.verify.hold == MINUTE


def test_the_phases_are_those_of_the_rollout():
    found = playbook("phase-promotion")
    flags = [step.percent for step in found.steps if step.kind is StepKind.FLAG]
    assert tuple(flags) == config().rollout.phases
    bakes = [step.verify.hold for step in found.steps if step.kind is StepKind.WAIT]
    assert set(bakes) == {config().rollout.bake}
    approvals = [step for step in found.steps if step.kind is StepKind.APPROVAL]
    assert len(approvals) == len(flags)


def test_nothing_is_restarted_or_undone_by_a_default():
    """Which component is meant is said by the alert or by a person, wherever more than one can be meant."""
    for name in NAMES:
        for variable in playbook(name).variables:
            if len(variable.choices) > 2:
                assert not variable.default, (name, variable.name)


def test_the_documentation_names_every_playbook_metric_and_program():
    text = (REPO / "docs/library.md").read_text()
    named = set(re.findall(r"`([a-z0-9_-]+)`", text))
    assert set(NAMES) <= named
    expressions = (check.expr for name in NAMES for check in checks(concrete(name)) if check.expr)
    metrics = {
        metric
        for expr in expressions
        for metric in re.findall(r"\b(?:[a-z]+(?:_[a-z]+)+|up)\b", re.sub(r"\{[^}]*\}", "", expr))
    } - {"clamp_max", "predict_linear"}
    assert metrics <= named, metrics - named
    steps = (step for name in NAMES for step in playbook(name).steps)
    assert {step.program.argv[0] for step in steps if step.program is not None} <= named
