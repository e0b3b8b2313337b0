"""The example folder is what the issue asks for, and a team can copy it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from console.model.alert import parse_matcher
from console.model.guard import Invariant, PhaseGuard
from console.model.message import Topic
from console.model.people import Severity
from console.model.playbook import StepKind
from console.settings import example
from console.settings.load import NoConfig, find, init, load, shipped
from console.settings.outside import Notify, SecretRef
from tests.settings.conftest import Folder

INCIDENTS, ALERTS, SECURITY, PERFORMANCE = Topic.INCIDENTS, Topic.ALERTS, Topic.SECURITY, Topic.PERFORMANCE
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def config():
    return load(shipped("config"))


def test_watches_lighthouse_in_two_environments(config):
    assert [str(item.target) for item in config.environments] == ["lighthouse/production", "lighthouse/staging"]
    assert [item.target.production for item in config.environments] == [True, False]
    for item in config.environments:
        assert [c.name for c in item.components] == ["bridge", "event-store", "elicitation", "wait-for-messages"]
        assert [c.name for c in item.components if c.legacy] == ["wait-for-messages"]
        assert {c.critical_after for c in item.components} == {MINUTE}
    assert config.environments[0].prometheus.url == "http://127.0.0.1:9090"
    assert config.environments[0].alertmanagers[0].source.url == "http://127.0.0.1:9093"


def test_tells_people_of_production_alone(config):
    production, staging = (item.notify for item in config.environments)
    assert production.pagerduty.source.token == SecretRef("env", "PAGERDUTY_API_KEY")
    assert production.pagerduty.source.url == "https://api.pagerduty.com"
    assert production.slack[0].webhook == SecretRef("env", "SLACK_WEBHOOK_URL")
    assert [item.topics for item in production.slack] == [
        (topic,) for topic in (INCIDENTS, ALERTS, SECURITY, PERFORMANCE)
    ]
    assert production.grafana.source.token == SecretRef("env", "GRAFANA_API_KEY")
    assert staging == Notify()


def test_declares_the_rollout_with_its_guardrails(config):
    assert config.rollout.phases == (5, 25, 50, 75, 100)
    assert config.rollout.bake == 30 * MINUTE
    limits = {rule.name: (rule.warning, rule.breach, rule.critical) for rule in config.rollout.guardrails}
    assert limits == {
        "p99": (300, ">=", 500),
        "errors": (1, ">=", 5),
        "undelivered": (None, ">=", 0.05),
        "security": (None, ">", 0),
    }


def test_a_guardrail_of_the_new_path_and_an_invariant_stand_beside_the_objectives(config):
    guardrail, invariant = config.guards
    assert isinstance(guardrail, PhaseGuard)
    assert (guardrail.min_samples, guardrail.after, guardrail.of, guardrail.phases) == (
        100,
        2,
        3,
        config.rollout.phases,
    )
    assert guardrail.query.count('path="elicitation"') == 3
    assert isinstance(invariant, Invariant)
    assert (invariant.counter, invariant.severity) == ("security_violations_total", "SEV1")
    assert invariant.where.endswith("slo/guards.yaml:31")


def test_has_the_objectives_of_the_service_and_of_the_business(config):
    found = {item.name: item for item in config.objectives}
    assert {name: item.target for name, item in found.items()} == {
        "availability": 0.9995,
        "errors": 0.999,
        "latency": 0.99,
        "latency-degradation": 0.99,
        "message-delivery": 0.995,
        "agent-communication": 0.995,
    }
    assert ">= bool 1.0)[$inner:60s]" in found["availability"].sli.part
    assert found["latency"].sli.bucket.le == 0.3
    assert "< bool 300.0)[$inner:300s]" in found["latency"].sli.fallback.part
    assert not config.warnings or all("every user of this host" in line for line in config.warnings)


def test_severities_and_people(config):
    assert [rule.severity for rule in config.severities] == list(Severity)
    waits = [rule.acknowledge_within for rule in config.severities]
    assert waits == sorted(waits)
    assert waits[0] == 5 * MINUTE
    assert len(config.people) == 4
    assert {role for person in config.people for role in person.roles} <= set(config.roles)


def test_playbooks(config):
    found = {item.playbook.name: item.playbook for item in config.playbooks}
    latency, rollback = found["p99-latency-high"], found["emergency-rollback"]
    away = next(option for option in latency.step("roll-back-or-repair").options if option.playbook)
    assert (away.playbook, str(away.when)) == ("emergency-rollback", "guardrail.p99 >= 500")
    assert all(parse_matcher(text).matches({"alertname": "P99LatencyHigh"}) for text in latency.match)

    assert rollback.objective == (15 * MINUTE, 20 * MINUTE)
    assert [step.timebox / MINUTE for step in rollback.steps] == [1, 2, 5, 2, 3, 5, 2]
    assert [step.id for step in rollback.steps if step.parallel] == ["alert-teams"]
    assert [step.id for step in rollback.steps if step.irreversible] == ["clear-state"]
    flag = rollback.step("disable-flag")
    assert (flag.kind, flag.percent, str(flag.verify)) == (StepKind.FLAG, 0, "rollout.percent <= 0")
    assert rollback.step("drain-in-flight").kind is StepKind.WAIT


def test_every_challenge_fits_a_tired_reader(config):
    for item in config.playbooks:
        for step in item.playbook.steps:
            assert len(step.title) <= 40, step.title
            assert len(step.challenge) <= 220, step.challenge
            assert "check" not in step.response.split()[0].lower(), "a response states a value, not 'checked'"


def test_a_copy_loads_with_its_own_playbooks(folder: Folder):
    config = load(folder.path)
    assert {Path(item.file).parent for item in config.playbooks} == {folder / "playbooks"}


def test_an_edited_playbook_has_another_hash(folder: Folder):
    before = [item.hash for item in load(folder.path).playbooks]
    folder.replace("playbooks/p99-latency-high.yaml", "title: P99 latency high", "title: P99 latency too high")
    after = [item.hash for item in load(folder.path).playbooks]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_playbooks_may_lie_elsewhere(folder: Folder):
    (folder / "playbooks").rename(folder.path.parent / "ours")
    assert {Path(item.file).parent for item in load(folder.path).playbooks} == {shipped("playbooks")}
    folder.replace("console.yaml", "# playbooks: ../our-playbooks", "playbooks: ../ours")
    assert {Path(item.file).parent.name for item in load(folder.path).playbooks} == {"ours"}


def test_find_takes_the_first_of_four_places(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("option", "variable", "home/oncall", "here/config"):
        init(tmp_path / name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    variable = {"ONCALL_CONFIG": str(tmp_path / "variable")}
    assert find(str(tmp_path / "option"), variable) == tmp_path / "option"
    assert find(None, variable) == tmp_path / "variable"
    assert find(None, {}) == Path("config")
    monkeypatch.chdir(tmp_path)
    assert find(None, {}) == tmp_path / "home/oncall"


def test_find_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoConfig) as caught:
        find(None, {})
    assert str(caught.value) == (
        "found no configuration, expected one of: --config (not given), ONCALL_CONFIG (not set), config/console.yaml, "
        f"{tmp_path / 'home' / 'oncall' / 'console.yaml'}; `oncall init DIR` writes an example"
    )


@pytest.mark.parametrize(("explicit", "environ"), [("gone", {}), (None, {"ONCALL_CONFIG": "gone"})])
def test_a_named_folder_is_never_passed_over(explicit, environ, folder: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder.path)
    origin = "--config" if explicit else "ONCALL_CONFIG"
    with pytest.raises(NoConfig, match=f"^{origin} gone: found no console.yaml there, expected a configuration$"):
        find(explicit, environ)


def test_init_refuses_to_overwrite_and_writes_nothing(folder: Folder):
    (folder / "console.yaml").write_text("mine")
    for name in ("people.yaml", "rollout.yaml"):
        (folder / name).unlink()
    before = sorted(folder.path.rglob("*"))
    with pytest.raises(FileExistsError, match=r"found console\.yaml, playbooks, severity\.yaml, slo there already"):
        init(folder.path)
    assert sorted(folder.path.rglob("*")) == before
    assert (folder / "console.yaml").read_text() == "mine"


def test_init_leaves_nothing_behind_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/notes.txt").write_text("mine")
    files = example._files()
    broken = {**files, Path("zz/last.yaml"): tmp_path / "gone"}
    monkeypatch.setattr(example, "_files", lambda: broken)
    for target in ("kept", "new/deep"):
        with pytest.raises(FileNotFoundError):
            init(tmp_path / target)
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "notes.txt"]


def test_settings_types_load_without_yaml():
    code = "import sys, console.settings.config; sys.exit('yaml' in sys.modules or 'platformdirs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
