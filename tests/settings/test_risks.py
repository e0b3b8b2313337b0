"""`risks.yaml`: what it says, and where it says something wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.model.playbook import check_of
from console.settings.load import load, shipped

REGISTER = """\
apiVersion: oncall/v1
kind: Risks
risks:
  - id: latency
    title: The new path is slow
    severity: high
    probability: medium
    mitigation: The flag back to 0 %
    owner: incident commander
    signal: guardrail.p99 >= 300
    playbook: p99-latency-high
  - {id: support, title: Nobody knows, severity: low, probability: low, mitigation: They are told}
"""


@pytest.fixture
def register(folder):
    def write(old: str = "", new: str = "") -> list[str]:
        assert old in REGISTER
        path = Path(folder / "risks.yaml")
        path.write_text(REGISTER.replace(old, new, 1))
        path.chmod(0o600)
        return folder.lines()

    return write


def test_a_register_is_read(folder, register):
    assert register() == []
    latency, support = load(folder.path).risks

    assert (latency.id, latency.severity, latency.probability) == ("latency", "high", "medium")
    assert latency.signal == "guardrail.p99 >= 300"
    assert latency.playbook == "p99-latency-high"
    assert (support.signal, support.owner) == ("", "")


def test_nobody_has_to_keep_one(folder):
    assert load(folder.path).risks == ()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("severity: high", "severity: hig", "risks.yaml:6:15: risks[0].severity: found 'hig', expected 'high'"),
        ("probability: medium", "probability: certain",
         "risks.yaml:7:18: risks[0].probability: found 'certain', expected low, medium or high"),
        ("guardrail.p99 >= 300", "guardrail.p98 >= 300",
         "risks.yaml:10:13: risks[0].signal: found the unknown reading 'guardrail.p98', expected 'guardrail.p99'"),
        ("guardrail.p99 >= 300", "guardrail.p99 is high",
         "risks.yaml:10:13: risks[0].signal: found 'guardrail.p99 is high', expected a check such as "
         "rollout.percent <= 0, with one of < <= > >= =="),
        ("guardrail.p99 >= 300", "guardrail.p99 >= 300 for 5m",
         "risks.yaml:10:13: risks[0].signal: found a length of time where the value is only looked at, "
         "expected a check without `for`"),
        ("playbook: p99-latency-high", "playbook: p99-latency-hihg",
         "risks.yaml:11:15: risks[0].playbook: found the unknown playbook 'p99-latency-hihg', "
         "expected 'p99-latency-high'"),
        ("id: support", "id: latency",
         "risks.yaml:12:5: risks[1]: found 'latency' again (the first is at line 4), expected an id of its own"),
        ("    mitigation: The flag back to 0 %\n", "",
         "risks.yaml:4:5: risks[0].mitigation: found nothing, expected what is done about it"),
        ("    owner", "    owners", "risks.yaml:9:5: risks[0].owners: found an unknown key, expected 'owner'"),
        ("kind: Risks", "kind: Risk", "risks.yaml:2:7: kind: found 'Risk', expected 'Risks'"),
        ("guardrail.p99 >= 300", "{query: up, expect: < 1}",
         "risks.yaml:10:13: risks[0].signal: found a mapping, expected a check such as guardrail.p99 >= 300; "
         "a query is one of `readings` in rollout.yaml"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_and_where(register, old, new, line):
    assert line in register(old, new)


def test_every_signal_of_the_example_is_a_check_on_a_reading():
    risks = load(shipped("config")).risks

    assert len(risks) >= 5
    assert all(check_of(risk.signal) is not None for risk in risks if risk.signal)
    assert any(not risk.signal for risk in risks)
