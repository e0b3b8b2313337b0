"""The plan of a rollout: what it says, and each slip of a hand refused where it stands."""

# ruff: noqa: E501 -- the lines are exact

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.model.absence import is_zero
from console.model.hours import parse_hours
from console.model.rollout_plan import AutoRollback, CriterionKind, Domain
from console.model.sli import WINDOW
from console.settings.load import ConfigError, init, load
from console.settings.rollout_file import rollout_readings
from tests.settings.conftest import ROLLOUT, Folder

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("rollout") / "conf"
    init(path)
    return path


@pytest.fixture(scope="module")
def plan(written):
    return load(written).rollout


@pytest.fixture
def example(written: Path):
    """The example as it ships, with its playbooks; what a test writes into rollout.yaml is taken back."""
    path = written / "rollout.yaml"
    text = path.read_text()
    yield Folder(written)
    path.write_text(text)


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "rollout.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


# --- what it says ---


def test_each_phase_has_its_bake_its_samples_and_its_needs(plan):
    assert plan.phases == (5, 25, 50, 75, 100)
    assert [stage.bake / MINUTE for stage in plan.stages] == [30, 30, 30, 45, 60]
    assert plan.stage(25).min_samples == 10_000
    assert dict(plan.stage(50).needs) == {"replicas": 6, "db-connections": 66, "memory": 18}
    names = {item.name for item in plan.capacities}
    assert all(dict(stage.needs).keys() == names for stage in plan.stages)
    assert (plan.share_points, plan.share_for) == (3, 2 * MINUTE)
    assert plan.samples_expr == f"sum(increase(elicitation_requests_total[{WINDOW}]))"
    assert (plan.before, plan.smoke) == ("pre-deployment-checks", "post-deployment-smoke")


def test_no_series_of_bad_events_is_none_where_the_plan_says_so(plan, example):
    assert not any(item.absent_is_zero for item in plan.evidence)
    assert is_zero(plan.evidence[1], "bad", {"legacy_bad"}), "both paths ask the same"
    assert not is_zero(plan.evidence[0], "bad", {"legacy_bad"}), "it is a difference"
    example.replace("rollout.yaml", "      fast: {above", "      absent: zero\n      fast: {above")
    assert [item.absent_is_zero for item in load(example.path).rollout.evidence] == [False, True]


def test_evidence_counts_both_paths_over_any_range(plan):
    latency, errors = plan.evidence
    for item in plan.evidence:
        counted = (item.bad, item.total, item.legacy_bad, item.legacy_total)
        assert all(WINDOW in text for text in counted)
        assert item.limit == 0.01
    assert (latency.guardrail, latency.fast, latency.fast_samples) == ("p99", 0.01, 30)
    assert 'le="0.5"' in latency.fast_bad
    assert (errors.guardrail, errors.fast, errors.fast_bad, errors.fast_for) == ("errors", 0.05, "", MINUTE)


def test_the_way_back_names_steps_of_its_playbook_and_is_not_automatic(plan, written):
    playbooks = {item.playbook.name: item.playbook for item in load(written).library.read().playbooks}
    steps = [step.id for step in playbooks[plan.rollback.playbook].steps]
    assert {plan.rollback.drain_step, plan.rollback.restore_step} < set(steps)
    assert len(steps) == 7
    assert plan.rollback.objective == 20 * MINUTE
    assert plan.rollback.durations == "elicitation_duration_seconds_bucket"
    assert plan.auto is None


def test_a_decision_asks_technical_operational_and_business_questions(plan):
    assert {item.domain for item in plan.criteria} == set(Domain)
    kinds = {item.kind for item in plan.criteria}
    by_playbook = {CriterionKind.BEFORE, CriterionKind.SMOKE}  # asked because the plan names them
    assert set(CriterionKind) - kinds == {CriterionKind.HTTP} | by_playbook
    assert not next(item for item in plan.criteria if item.kind is CriterionKind.WINDOW).required


def test_its_hash_is_of_the_bytes_of_the_file(example):
    text = (example / "rollout.yaml").read_bytes()
    assert load(example.path).rollout.hash == f"sha256:{hashlib.sha256(text).hexdigest()}"
    (example / "rollout.yaml").write_bytes(text + b"# a word\n")
    assert load(example.path).rollout.hash != f"sha256:{hashlib.sha256(text).hexdigest()}"


def test_a_plan_without_any_of_it_is_still_one(folder):
    assert (folder / "rollout.yaml").read_bytes() == ROLLOUT.read_bytes()
    plan = load(folder.path).rollout
    assert plan.phases == (5, 25, 50, 75, 100)
    assert [(stage.bake, stage.min_samples, stage.needs) for stage in plan.stages] == [(30 * MINUTE, 0, ())] * 5
    assert (plan.evidence, plan.capacities, plan.criteria, plan.rollback, plan.auto) == ((), (), (), None, None)
    assert (plan.share_points, plan.share_for) == (3, 2 * MINUTE)


@pytest.mark.parametrize(
    ("written_as", "auto"),
    [
        ("auto_rollback: false", None),
        ("auto_rollback: true", AutoRollback(timedelta(seconds=60))),
        ("auto_rollback: {countdown: 90s}", AutoRollback(timedelta(seconds=90))),
        ("", None),
    ],
)
def test_the_console_rolls_back_by_itself_only_when_it_was_told_to(example, written_as, auto):
    example.replace("rollout.yaml", "auto_rollback: false", written_as)
    assert load(example.path).rollout.auto == auto


def test_what_a_plan_reads_may_be_looked_at(example, plan):
    names = rollout_readings(plan)
    assert {"rollout.samples", "capacity.replicas.used", "rollback.no_return", "flag.percent"} < {
        name for found in names.values() for name in found
    }
    for check in ("capacity.memory.limit > 0", "rollback.backup_age < 3600", "rollout.samples >= 1"):
        example.replace("rollout.yaml", "check: health.event-store >= 1", f"check: {check}")
        assert example.lines() == []
        example.replace("rollout.yaml", f"check: {check}", "check: health.event-store >= 1")


def test_what_has_nothing_to_prove_says_why(example):
    example.replace("rollout.yaml", "  backup_age: time() - max(event_store_backup_finished_timestamp_seconds)\n", "")
    example.replace("rollout.yaml", "  backup_within: 1h  ", "  not_needed: {backup: nothing is stored}  ")
    assert load(example.path).rollout.rollback.not_needed == (("backup", "nothing is stored"),)


# --- what is refused: what is in the file, what a hand slips, where, and what is said of it ---

REFUSED: list[tuple[str, str, str, str]] = [
    ("percent: 50", "percent: 20", "percent: 20", "14: phases[2].percent: found '20', expected more than the phase before, 25"),
    ("percent: 50", "percent: 500", "percent: 500", "14: phases[2].percent: found '500', expected a percentage above 0, at most 100"),
    ("min_samples: 2000 ", "min_sample: 2000 ", "min_sample:", "5: phases[0].min_sample: found an unknown key, expected 'min_samples'"),
    ("min_samples: 2000 ", "min_samples: many ", "min_samples: many", "18: phases[0].min_samples: found 'many', expected a number of requests"),
    ("- percent: 5\n", "- percent: 0.4\n", "percent: 0.4", "14: phases[0].percent: found '0.4', expected a point or more above the phase before, or 0: traffic does not tell less"),
    ("bake: 45m", "bake: 99999d", "bake: 99999d", "11: phases[3].bake: found '99999d', expected a duration of at most ten years"),
    ("bake: 45m", "bake: 0s", "bake: 0s", "11: phases[3].bake: found '0s', expected a duration such as 90s, 5m, 1h30m or 30d"),
    ("{replicas: 2,", "{replicsa: 2,", "replicsa", "13: phases[0].needs.replicsa: found the unknown capacity 'replicsa', expected 'replicas'"),
    ("{replicas: 2,", "{replicas: -2,", "replicas: -2", "23: phases[0].needs.replicas: found '-2', expected how much of it the phase takes"),
    ("samples: elicitation_requests_total", "# samples", "- percent: 5", "3: phases: found `min_samples` that nothing counts, expected `samples`, which counts requests on the new path"),
    ("samples: elicitation_requests_total", "samples: sum(rate(x_total[5m]))", "samples: sum", "10: samples: found 'sum(rate(x_total[5m]))', expected a plain selector such as requests_total{job=\"x\"}, or a range over the window: rate(...[{{.window}}])"),
    ("{points: 3, for: 2m}", "{points: 0, for: 2m}", "points: 0", "17: share.points: found '0', expected points above 0"),
    ("label: revision", "label: re-vision", "label: re-vision", "10: revision.label: found 're-vision', expected the name of a label: letters, digits and underscores"),
    ("      limit: 0.01\n      bad: >-", "      limit: 1.5\n      bad: >-", "limit: 1.5", "14: guardrails[0].evidence.limit: found '1.5', expected a share above 0, at most 1"),
    ("      total: elicitation_response_seconds_count\n", "", "limit: 0.01", "7: guardrails[0].evidence.total: found nothing, expected a PromQL expression"),
    ("{above: 0.05, for", "{above: 0.005, for", "above: 0.005", "21: guardrails[1].evidence.fast.above: found '0.005', expected at least the limit, 0.01"),
    ("      legacy:\n        bad: >-", "      absent: zero\n      legacy:\n        bad: >-", "      absent: zero", "15: guardrails[0].evidence.absent: found 'zero', expected nothing: `bad` is computed of several series, and where one is missing nothing is known"),
    ("      fast: {above", "      absent: none\n      fast: {above", "      absent: none", "15: guardrails[1].evidence.absent: found 'none', expected unknown or zero"),
    ("{above: 0.05, for: 1m", "{above: 0.05, for: 90s", "for: 90s", "32: guardrails[1].evidence.fast.for: found '90s', expected whole minutes, as they are counted"),
    ("warning: 0.9", "warning: 90", "warning: 90", "14: capacity[0].warning: found '90', expected a share above 0, at most 1"),
    ("kind: guardrails", "kind: guardrail", "kind: guardrail", "11: criteria[0].kind: found 'guardrail', expected 'guardrails'"),
    ("check: 0.2 ", "check: 20 ", "check: 20", "12: criteria[2].check: found '20', expected the least share of the budget that is left, 0 to 1"),
    ("kind: bake", "kind: bake\n    check: 1h", "check: 1h", "5: criteria[1].check: found `check` beside the kind bake, expected nothing: the console knows what it looks at"),
    ("check: health.event-store >= 1", "check: health.event-stor >= 1", "health.event-stor >", "12: criteria[4].check: found the unknown reading 'health.event-stor', expected 'health.event-store'"),
    ("check: health.event-store >= 1", "check: {query: up, expect: '> 0'}", "query: up", "12: criteria[4].check: found a mapping, expected a check such as guardrail.p99 < 300; a query is one of `readings`"),
    ("check: Mon-Fri 07:00-19:00 UTC", "check: Mon-Fri 7-19", "Mon-Fri 7-19", "12: criteria[11].check: found 'Mon-Fri 7-19', expected hours such as Mon-Fri 08:00-17:00 Europe/Berlin"),
    ("check: Mon-Fri 07:00-19:00 UTC", "check: Mon-Fri 07:00-19:00 Europe/Berli", "Berli", "12: criteria[11].check: found 'Mon-Fri 07:00-19:00 Europe/Berli', expected a time zone such as Europe/Berlin, not Europe/Berli"),
    ("check: Mon-Fri 07:00-19:00 UTC", "freezes: [2026-12-24]", "name: window", "5: criteria[11].check: found nothing, expected hours such as Mon-Fri 08:00-17:00 Europe/Berlin"),
    ("check: Mon-Fri 07:00-19:00 UTC", "check: 07:00-19:00\n    freezes: [2026-12-24/2026-12-01]", "freezes:", "15: criteria[11].freezes[0]: found '2026-12-24/2026-12-01', expected a day such as 2026-12-24, or the first and the last: 2026-12-24/2027-01-01"),
    ("role: communications lead", "role: comms lead", "role: comms", "11: criteria[12].role: found the unknown role 'comms lead', expected incident commander, deputy, scribe, communications lead or subject-matter expert"),
    ("    role: incident commander\n", "", "name: approval", "5: criteria[13].role: found nothing, expected the role that approves"),
    ("kind: staffing", "kind: staffing\n    role: tertiary", "role: tertiary", "11: criteria[10].role: found the unknown on-call role 'tertiary', expected primary, secondary or lead"),
    ("phases: [50, 100]", "phases: [50, 90]", "phases: [50, 90]", "18: criteria[12].phases[1]: found '90', expected a phase: 5, 25, 50, 75 or 100"),
    ("playbook: emergency-rollback", "playbook: emergency-rolback", "playbook: emergency", "13: rollback.playbook: found the unknown playbook 'emergency-rolback', expected 'emergency-rollback'"),
    ("drain_step: drain-in-flight", "drain_step: drain-inflight", "drain_step:", "15: rollback.drain_step: found the unknown step 'drain-inflight', expected 'drain-in-flight'"),
    ("canary_flag: lighthouse-canary", "canary_flag: lighthouse-elicitation", "canary_flag:", "16: rollback.canary_flag: found the flag of the rollout itself, expected a flag that nothing depends on"),
    ("  backup_age: time() - max(event_store_backup_finished_timestamp_seconds)\n", "", "backup_within:", "3: rollback.backup_within: found `backup_within` without `backup_age`, expected the expression that gives its age: backup_age"),
    ("durations: elicitation_duration_seconds_bucket", "durations: elicitation_duration_seconds", "durations:", "14: rollback.durations: found 'elicitation_duration_seconds', expected a selector of the buckets of a histogram: NAME_bucket"),
    ("objective: 20m", "objective: 20", "objective:", "14: rollback.objective: found '20', expected a duration such as 90s, 5m, 1h30m or 30d"),
    ("drain_step:", "not_needed: {backup: none}\n  drain_step:", "not_needed:", "16: rollback.not_needed.backup: found 'backup' beside `backup_age`, which it is read from, expected one of the two"),
    ("drain_step:", "not_needed: {legacy: none}\n  drain_step:", "not_needed:", "16: rollback.not_needed.legacy: found the proof 'legacy', which is always needed, expected kill-switch, write-path, legacy-capacity, share, drain, data, no-return, backup or restore"),
    ("auto_rollback: false", "auto_rollback: yes", "auto_rollback: yes", "16: auto_rollback: found 'yes', expected true or false"),
    ("auto_rollback: false", "auto_rollback: {countdown: 5s}", "countdown: 5s", "28: auto_rollback.countdown: found '5s', expected 10s or more: people must see it"),
    ("name: baseline", "name: smoke", "name: smoke", "11: criteria[3].name: found 'smoke', expected another name, or the kind smoke: so is called what the playbook of `smoke` says"),
    ("name: baseline", "name: override", "name: override", "11: criteria[3].name: found 'override', expected another name: so is called the word of a second person against the findings"),
    ("smoke: post-deployment-smoke", "smoke: post-deploy-smoke", "smoke:", "8: smoke: found the unknown playbook 'post-deploy-smoke', expected 'post-deployment-smoke'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "at", "said"), REFUSED, ids=[item[3][:60] for item in REFUSED])
def test_a_slip_is_refused_at_its_place(example, old, new, at, said):
    example.replace("rollout.yaml", old, new)
    line = line_of(example.path, at)
    assert example.lines() == [f"rollout.yaml:{line}:{said}"]


def test_two_capacities_of_one_name(folder):
    capacity = "  - {name: pods, used: up, limit: up}\n"
    folder.replace("rollout.yaml", "bake: 30m", f"capacity:\n{capacity}{capacity}bake: 30m")
    assert folder.lines() == [
        "rollout.yaml:13:5: capacity[1]: found 'pods' again (the first is at line 12), expected a name of its own"
    ]


def test_an_automatic_rollback_needs_a_way_back(folder):
    folder.replace("rollout.yaml", "bake: 30m", "auto_rollback: true\nbake: 30m")
    assert folder.lines() == [
        "rollout.yaml:11:16: auto_rollback: found an automatic rollback, expected `rollback`, which says by which playbook"
    ]


def test_a_playbook_that_is_missing_is_seen_without_reading_the_others_at_the_start(example):
    example.replace("rollout.yaml", "smoke: post-deployment-smoke", "smoke: post-deploy-smoke")
    lazy = load(example.path, strict=False)
    assert any("the unknown playbook 'post-deploy-smoke'" in line for line in lazy.library.read().broken)
    with pytest.raises(ConfigError):
        load(example.path)


def test_hours_of_the_week_follow_their_zone():
    hours = parse_hours("Mon-Fri 08:00-17:00 Europe/Berlin")
    assert hours.hold(datetime(2026, 3, 27, 7, 0, tzinfo=UTC)), "winter: UTC+1"
    assert not hours.hold(datetime(2026, 3, 27, 6, 59, tzinfo=UTC))
    assert hours.hold(datetime(2026, 3, 30, 6, 0, tzinfo=UTC)), "summer: UTC+2"
    assert not hours.hold(datetime(2026, 3, 28, 9, 0, tzinfo=UTC)), "a Saturday"
    night = parse_hours("Fri-Sun 22:00-06:00")
    assert night.days == (4, 5, 6)
    assert night.hold(datetime(2026, 3, 30, 5, 59, tzinfo=UTC)), "Monday morning belongs to Sunday's night"
    assert not night.hold(datetime(2026, 3, 27, 5, 59, tzinfo=UTC)), "Friday morning to Thursday's"
    assert parse_hours("00:00-24:00").hold(datetime(2026, 1, 1, tzinfo=UTC))
