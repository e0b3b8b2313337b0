"""The rules: what they are called, what they compute, and when they fire, judged by promtool."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from console.model.burn import RULES
from console.model.guard import Invariant, Limit, NoData, PhaseGuard
from console.model.promql import complaint
from console.model.sli import of_counters
from console.model.slo import Alerting
from console.model.window import Rolling
from console.reports.generate.grouping import kept
from console.reports.generate.plan import literal, span, template
from console.settings.problems import Problems
from console.settings.slo.reader import read_paths
from tests.reports.generated import OBJECTIVES, made, objective, plan, promtool, rules, shipped_plan, written

META = {
    "slo:objective:ratio", "slo:error_budget:ratio", "slo:time_period:days", "slo:current_burn_rate:ratio",
    "slo:period_burn_rate:ratio", "slo:period_error_budget_remaining:ratio", "sloth_slo_info",
}  # fmt: skip
COUNTS = {"slo:sli_error:count5m", "slo:sli_total:count5m"}
SHORT = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


@pytest.mark.integration
def test_promtool_accepts_the_rules_of_the_shipped_configuration_and_of_every_kind_of_sli(tmp_path):
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    files = [*written(shipped, "prometheus", shipped_plan()), *written(tmp_path, "prometheus", plan())]

    said = promtool("check", "rules", *(path for path in files if path.name.endswith(".rules.yml")))
    assert said.count("SUCCESS") == 6


@pytest.mark.parametrize(("name", "period"), [("errors", "30d"), ("errors-28d", "4w"), ("errors-7d", "1w")])
def test_what_is_recorded_is_called_as_sloth_calls_it(name, period):
    of = OBJECTIVES[name]
    recorded = [rule for rule in rules(plan(of)) if "record" in rule]

    ratios = {f"slo:sli_error:ratio_rate{window}" for window in (*SHORT, period)}
    assert {rule["record"] for rule in recorded} == ratios | META | COUNTS
    for rule in recorded:
        own = {"sloth_id": f"shop-{name}", "sloth_service": "shop", "sloth_slo": name}
        assert own.items() <= rule["labels"].items()
        window = rule["record"].partition("ratio_rate")[2]
        assert rule["labels"].get("sloth_window", "") == window
    info = recorded[-1]["labels"]
    assert {"sloth_mode", "sloth_objective", "sloth_spec", "sloth_version"} <= info.keys()
    assert info["sloth_objective"] == ("95" if name == "errors-7d" else "99.9")


@pytest.mark.parametrize(
    ("name", "budget", "factors"),
    [
        ("errors", "0.001", ["14.4", "6", "3", "1"]),
        ("errors-28d", "0.001", ["13.44", "5.6", "2.8", "0.933333333333"]),
        ("errors-7d", "0.05", ["13.44", "3.5", "1.4", "0.98"]),
    ],
)
def test_the_factors_of_the_two_alerts(name, budget, factors):
    page, ticket = (rule for rule in rules(plan(OBJECTIVES[name])) if "alert" in rule)

    limits = re.compile(r'ratio_rate(\w+)\{sloth_id="[^"]+", .*?\} > \(([\d.]+) \* ([\d.]+)\)')
    found = limits.findall(page["expr"] + ticket["expr"])
    windows = ["5m", "1h", "30m", "6h", "2h", "1d", "6h", "3d"]
    assert found == [(window, factors[at // 2], budget) for at, window in enumerate(windows)]
    assert (page["labels"]["severity"], page["labels"]["sloth_severity"]) == ("critical", "page")
    assert (ticket["labels"]["severity"], ticket["labels"]["sloth_severity"]) == ("warning", "ticket")
    assert page["alert"] == ticket["alert"]
    assert page["labels"]["service"] == "lighthouse"
    assert page["labels"]["environment"] == "production"


def test_an_slo_says_how_its_alerts_are_called_what_they_carry_and_which_there_are():
    (page,) = [rule for rule in rules(plan(OBJECTIVES["hostile"])) if "alert" in rule]

    assert page["alert"] == "MyAlert"
    assert page["labels"] | {"severity": "pageteam", "sloth_severity": "page", "team": "security"} == page["labels"]
    assert page["annotations"]["dashboard"] == "https://example.com/{{ $labels.x }}"
    assert '{{ "{{" }} .Injected' in page["annotations"]["description"]
    assert "\x1b" not in page["annotations"]["description"]
    labels = rules(plan(OBJECTIVES["hostile"]))[0]["labels"]
    assert labels["app_kubernetes_io_name"] == "x {{ y }}"  # labels of what is recorded are no templates
    assert labels["_0day"] == 'say "hi"'
    assert not [rule for rule in rules(plan(OBJECTIVES["silent"])) if "alert" in rule]


def test_a_calendar_window_has_no_period_that_promql_cannot_compute_and_says_so():
    of = plan(OBJECTIVES["calendar"])
    recorded = {rule["record"] for rule in rules(of) if "record" in rule}

    assert "slo:sli_error:ratio_rate30d" in recorded
    assert not {name for name in recorded if name.startswith("slo:period_")}
    (note,) = made("prometheus", of).notes
    assert "calendar month" in note
    assert f"# NOTE {note}" in made("prometheus", of).files["oncall-slo.rules.yml"]


def test_a_page_that_can_never_fire_is_noted():
    notes = made("prometheus", plan(objective(target=0.9))).notes
    assert [note.partition(" can never")[0] for note in notes] == ["errors: its page over 1h"]


def test_the_shipped_alerts_find_the_shipped_playbooks():
    found = {
        rule["alert"]: rule["annotations"].get("playbook", "")
        for file in ("oncall-guardrails.rules.yml", "oncall-health.rules.yml")
        for rule in rules(shipped_plan(), file)
    }

    assert "p99-latency-high" in found["P99LatencyHigh"]
    assert set(found["P99LatencyCritical"].split(", ")) == {"p99-latency-high", "emergency-rollback"}
    assert set(found["ErrorRatioCritical"].split(", ")) == {"error-rate-high", "emergency-rollback"}
    assert set(found["SecurityViolations"].split(", ")) == {"security-violation", "emergency-rollback"}
    assert found["BridgeDown"] == "bridge-down"
    assert found["EventStoreDown"] == "event-store-inconsistent"
    assert found["ElicitationDown"] == "emergency-rollback"
    burns = {
        rule["labels"]["sloth_severity"]: rule for rule in rules(shipped_plan()) if "Latency" in rule.get("alert", "")
    }
    assert burns["page"]["annotations"]["playbook"] == "p99-latency-high"


def test_every_alert_says_what_it_is_where_it_is_from_and_what_to_do():
    for file in ("oncall-guardrails.rules.yml", "oncall-health.rules.yml", "oncall-slo.rules.yml"):
        for rule in rules(shipped_plan(), file):
            if "alert" in rule:
                assert {"summary", "description"} <= rule["annotations"].keys(), rule["alert"]
                assert {"service", "environment", "severity"} <= rule["labels"].keys(), rule["alert"]
                if rule["alert"] != "Watchdog":
                    assert rule["annotations"]["runbook"] == rule["alert"]


def test_a_guardrail_named_after_a_team_is_the_teams():
    (rule,) = [rule for rule in rules(shipped_plan(), "oncall-guardrails.rules.yml") if "Security" in rule["alert"]]
    assert rule["labels"]["team"] == "security"
    assert rule["labels"]["component"] == "elicitation"
    assert "for" not in rule  # what may never happen has no time


def test_what_sloths_own_example_becomes(shared_dir):
    found = read_paths(
        [shared_dir / "corpus" / "slo" / "sloth" / "integration" / "in-base.yaml"], Problems()
    ).objectives
    every = rules(plan(*found))
    recorded = next(rule for rule in every if rule["record"] == "slo:sli_error:ratio_rate30d")
    assert recorded["labels"] == {
        "global01k1": "global01v1", "global02k1": "global02v1", "sloth_id": "svc01-slo1", "sloth_service": "svc01",
        "sloth_slo": "slo1", "sloth_window": "30d",
    }  # fmt: skip
    page, ticket = (rule for rule in every if "alert" in rule)  # the second SLO has its alerts disabled
    assert page["alert"] == ticket["alert"] == "myServiceAlert"
    common = {"alert01k1": "alert01v1"}
    assert (common | {"alert03k1": "alert03v1", "sloth_severity": "page"}).items() <= page["labels"].items()
    assert (common | {"alert04k1": "alert04v1", "sloth_severity": "ticket"}).items() <= ticket["labels"].items()
    assert page["annotations"]["alert02k1"] == "alert02k2"
    assert page["expr"].count("> (14.4 * 0.001)") == page["expr"].count("> (6 * 0.001)") == 2


def test_the_windows_of_sloths_file_for_7_days(shared_dir):
    folder = shared_dir / "corpus" / "slo" / "sloth"
    library_of = read_paths([folder / "windows" / "7d.yaml", folder / "integration" / "in-base.yaml"], Problems())
    (first, *_) = library_of.objectives
    week = {rule.factor(timedelta(days=7)) for rule in OBJECTIVES["errors-7d"].rules}
    assert {round(factor, 9) for factor in week} == {13.44, 3.5, 1.4, 0.98}
    assert first.rules == RULES  # its period is 30 d: those of 7 d are not for it


@pytest.mark.integration
def test_promtool_accepts_the_rules_of_every_public_file_that_loads(shared_dir, tmp_path):
    files = []
    for index, path in enumerate(sorted((shared_dir / "corpus" / "slo").rglob("*.y*ml"))):
        levels = read_paths([path], Problems())
        if levels.objectives:
            (tmp_path / str(index)).mkdir()
            files += written(tmp_path / str(index), "prometheus", plan(*levels.objectives))

    assert len(files) > 100
    slos = [path for path in files if path.name == "oncall-slo.rules.yml"]
    assert promtool("check", "rules", *slos).count("SUCCESS") == len(slos)


def guarded(*guards, **more):
    """The shipped plan with guards of slo/, as the configuration's reader puts them together."""
    rollout = shipped_plan().rollout
    return replace(
        shipped_plan(),
        guards=guards,
        rollout=replace(rollout, guardrails=tuple(guard.rule for guard in guards), **more),
    )


CANARY = PhaseGuard(
    "canary-errors",
    "Canary errors",
    'sum(rate(c{code="500"}[$window])) / sum(rate(c[$window]))',
    timedelta(minutes=5),
    Limit("<", 0.01),
    "sum(increase(c[$window]))",
    400,
    phases=(5.0, 25.0, 75.0),
    description="The canary's own.",
)
ALIVE = PhaseGuard("alive", "Replicas", "min(replicas)", timedelta(minutes=5), Limit(">=", 2.0), after=2, of=3)
VIOLATIONS = Invariant(
    "no-security-violations", "Security violations", "violations_total", on_no_data=NoData.BREACH, severity="SEV1"
)


def test_guards_of_the_slo_folder_keep_what_they_say():
    of = guarded(CANARY, ALIVE, VIOLATIONS)
    canary, alive, violations = rules(of, "oncall-guardrails.rules.yml")

    assert canary["expr"].count(">= 400") == 1
    assert "(\nmax(lighthouse_rollout_percent)\n) >= 4.5) < 49.5" in canary["expr"]  # 5 and 25, not 50
    assert ">= 74.5) < 99.5" in canary["expr"]
    assert canary["annotations"]["description"].startswith("The canary's own.")
    assert "recommend rollback" in canary["annotations"]["description"]
    assert "[3m:1m]) >= 2" in alive["expr"]
    assert ") < 2" in alive["expr"]
    assert violations["labels"]["team"] == "security"
    assert "It is a SEV1." in violations["annotations"]["description"]
    silent = {
        rule["labels"]["guardrail"]: rule["labels"]["severity"]
        for rule in rules(of, "oncall-health.rules.yml")
        if rule["alert"] == "GuardrailUnmeasured"
    }
    assert silent == {"canary-errors": "warning", "alive": "warning", "no-security-violations": "critical"}


@pytest.mark.integration
def test_guards_of_the_slo_folder_fire_in_their_phases_with_enough_samples(tmp_path):
    breach = 'alertname="CanaryErrors", severity="critical"'
    busy = [series('c{code="500"}', "0+5x100"), series('c{code="200"}', "0+95x100")]
    quiet = [series('c{code="500"}', "0+1x100"), series('c{code="200"}', "0+9x100")]
    percent = series("lighthouse_rollout_percent", "0x20 25x20 50x20 100x40")
    replicas = series("replicas", "3x20 1x1 3x10 1x20 3x40")
    tests = [
        {
            "interval": "1m",
            "input_series": [percent, replicas, *busy],
            "promql_expr_test": [
                firing(breach, 0, "15m"),
                firing(breach, 1, "30m"),
                firing(breach, 0, "55m"),
                firing('alertname="Replicas"', 0, "21m"),
                firing('alertname="Replicas"', 1, "40m"),
                firing('alertname="SecurityViolations"', 0, "40m"),
                firing('alertname="GuardrailUnmeasured", guardrail="no-security-violations"', 1, "40m"),
            ],
        },
        {
            "interval": "1m",
            "input_series": [percent, series("violations_total", "0x30 2x70"), *quiet],
            "promql_expr_test": [
                firing(breach, 0, "30m"),
                firing('alertname="SecurityViolations"', 0, "30m"),
                firing('alertname="SecurityViolations", team="security"', 1, "32m"),
            ],
        },
    ]
    of = guarded(CANARY, ALIVE, VIOLATIONS)
    judged(tmp_path, of, tests, "1m", "oncall-guardrails", "oncall-health")


def test_the_expressions_are_promql_for_the_console_too():
    for rule in rules(plan()):
        assert complaint(rule["expr"]) in ("", "it names no metric"), rule


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(days=30), "30d"), (timedelta(days=28), "4w"), (timedelta(days=365), "1y"), (timedelta(days=7), "1w"),
        (timedelta(hours=24), "1d"), (timedelta(hours=26), "1d2h"), (timedelta(minutes=90), "1h30m"),
        (timedelta(seconds=90), "1m30s"), (timedelta(milliseconds=1500), "1s500ms"),
    ],
)  # fmt: skip
def test_lengths_as_prometheus_writes_them(length, said):
    assert span(length) == said


def test_text_that_looks_like_a_template_stays_text():
    assert literal("a {{ b }}") == 'a {{ "{{" }} b }}'


@pytest.mark.integration
def test_templates_in_names_and_labels_are_text_to_prometheus(tmp_path):
    odd = '{{ query "up" }} {{ unclosed'
    of = objective(
        "odd",
        alert=odd,
        service=odd,
        labels=(("a.b", odd),),
        page=Alerting((("a b", odd), ("team", odd)), (("dash board", "x"),)),
    )
    of = plan(of)
    written(tmp_path, "prometheus", of)
    files = sorted(tmp_path.glob("*.rules.yml"))
    assert promtool("check", "rules", *files).count("SUCCESS") == 3

    page, _ = (rule for rule in rules(of) if "alert" in rule)
    assert page["alert"] == odd
    assert page["annotations"]["runbook"] == literal(odd)
    assert page["annotations"]["dash_board"] == "x"
    assert page["labels"]["a_b"] == page["labels"]["team"] == page["labels"]["sloth_service"] == literal(odd)


READABLE = (
    "plain }} text", "{{ $value }}", "{{$labels.job}} and {{- $value | humanizePercentage -}}"
    , '{{ printf "%.2f" $value | title }}', '{{ humanize $value }}', '{{ "{{" }}', "{{ $externalLabels.cluster }}",
)  # fmt: skip
UNREADABLE = (
    "{{", "{{ }}", "{{ .Broken", "{{ $nope }}", "{{ $value | nope }}", "{{ end }}", "{{ range query }}",
    '{{ "half }}', "{{ $labels. }}", "{{ if $value }}x{{ end }}", "{{ $value }} {{ (", "{{-$value}}",
)  # fmt: skip


def test_an_annotation_is_a_template_where_it_surely_is_one():
    assert [template(text) for text in READABLE] == list(READABLE)
    assert [template(text) for text in UNREADABLE] == [literal(text) for text in UNREADABLE]


@pytest.mark.integration
def test_no_annotation_spoils_a_file(tmp_path):
    said = tuple((f"a{number}", text) for number, text in enumerate((*READABLE, *UNREADABLE)))
    written(tmp_path, "prometheus", plan(objective("odd", page=Alerting((), said))))
    assert promtool("check", "rules", *sorted(tmp_path.glob("*.rules.yml"))).count("SUCCESS") == 3


def test_aggregations_keep_the_labels_of_the_groups():
    expression = """sum(increase(a{x="sum("}[5m])) or sum (b) by (c) / max without(d) (e) + min( f )"""
    assert kept(expression, "g, h") == (
        """sum by (g, h) (increase(a{x="sum("}[5m])) or sum (b) by (c) / max without(d) (e) + min by (g, h) ( f )"""
    )


# -- what they compute, and when they fire

CLEAN, BURST = 480, 40
"""Samples of 15 s: two hours, then ten minutes."""


def firing(expression, count, at):
    """How many alerts fire."""
    expected = [{"labels": "{}", "value": count}] if count else []
    return {"expr": f'count(ALERTS{{alertstate="firing", {expression}}})', "eval_time": at, "exp_samples": expected}


def value(expression, number, at, within=1e-9, labels="{}"):
    test = f"abs(({expression}) - {number!r}) < bool {within * max(abs(number), 1e-3)!r}"
    return {"expr": test, "eval_time": at, "exp_samples": [{"labels": labels, "value": 1}]}


def nothing(expression, at):
    return {"expr": expression, "eval_time": at, "exp_samples": []}


def series(name, values):
    return {"series": name, "values": values}


def judged(folder, of, tests, evaluated, *names):
    """`promtool test rules` on files that are generated."""
    files = [path for path in written(folder, "prometheus", of) if path.name.removesuffix(".rules.yml") in names]
    groups = [group["name"] for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    document = {
        "rule_files": [path.name for path in files],
        "evaluation_interval": evaluated,
        "group_eval_order": groups,
        "tests": tests,
    }
    (folder / "tests.yml").write_text(yaml.safe_dump(document, width=10_000))
    promtool("test", "rules", "tests.yml", cwd=folder)


@pytest.mark.integration
def test_a_burst_pages_when_its_burn_rate_says_and_no_longer_than_it_says(tmp_path):
    """15 % of the requests fail for ten minutes, at 99.9 %: the hour's ratio reaches 1.44 % after 5.76 min, and that of
    five minutes falls below it 4.52 min after the end. Everything is evaluated each 15 s. The slow page is left out:
    with two hours of history alone, it would be the quicker one."""
    page = 'alertname="ShopErrorsBudgetBurn", sloth_severity="page"'
    ticket = 'alertname="ShopErrorsBudgetBurn", sloth_severity="ticket"'
    burst = {
        "interval": "15s",
        "input_series": [
            series('requests_total{code="200"}', "0+127.5x1000"),
            series('requests_total{code="500"}', f"0+0x{CLEAN} 22.5+22.5x{BURST - 1} 900+0x480"),
            series('requests_total{code="404"}', f"0+22.5x{CLEAN} 10800+0x{BURST - 1} 10800+22.5x480"),
        ],
        "promql_expr_test": [
            value('slo:sli_error:ratio_rate5m{sloth_slo="errors"}', 0.0, "120m", labels=LABELS_5M),
            firing(page, 0, "125m45s"),
            firing(page, 1, "126m"),
            firing(page, 1, "130m"),
            firing(page, 1, "134m30s"),
            firing(page, 0, "134m45s"),
            firing(ticket, 1, "126m"),
            value('slo:sli_error:ratio_rate5m{sloth_slo="errors"}', 0.15, "129m", 1e-2, LABELS_5M),
            value('slo:current_burn_rate:ratio{sloth_slo="errors"}', 150.0, "129m", 1e-2, LABELS_5M),
        ],
    }  # fmt: skip
    judged(tmp_path, plan(objective(rules=(RULES[0], RULES[2]))), [burst], "15s", "oncall-slo")


LABELS = 'sloth_id="shop-errors", sloth_service="shop", sloth_slo="errors"'
LABELS_5M = f'{{{LABELS}, sloth_window="5m"}}'


@pytest.mark.integration
def test_the_period_is_a_ratio_of_sums(tmp_path):
    """A busy day without an error, then a quiet hour in which everything fails (the study's vector): 0.000434594, where
    the mean of the ratios is 96 times as much."""
    window = objective(window=Rolling(timedelta(hours=26)))
    day = {
        "interval": "1m",
        "input_series": [
            series('requests_total{code="200"}', f"0+6000x{23 * 60} {6000 * 23 * 60}+0x80"),
            series('requests_total{code="500"}', f"0+0x{23 * 60} 60+60x59 3600+0x20"),
        ],
        "promql_expr_test": [
            value("max(slo:sli_error:ratio_rate1d2h)", 3600 / 8_283_600, "24h15m", 1e-3),
            value("max(slo:period_burn_rate:ratio)", 0.434594, "24h15m", 1e-3),
            value("max(slo:period_error_budget_remaining:ratio)", 1 - 0.434594, "24h15m", 1e-3),
            value(
                "max(sum_over_time(slo:sli_error:ratio_rate5m[26h]) / count_over_time(slo:sli_error:ratio_rate5m[26h]))"
                " != bool 0",  # NaN: what ten minutes without traffic make of a mean
                1.0,
                "24h15m",
            ),
        ],
    }
    judged(tmp_path, plan(window), [day], "5m", "oncall-slo")


@pytest.mark.integration
def test_what_is_missing_is_neither_good_nor_silent(tmp_path):
    of = plan(
        OBJECTIVES["errors"],
        OBJECTIVES["good-part"],
        OBJECTIVES["fallback"],
        OBJECTIVES["grouped"],
        objective("typo", of_counters("h_count", good='h_bucket{le="0.31"}')),
    )
    unmeasured = 'alertname="SloUnmeasured", sloth_slo='
    requests = [series('requests_total{code="200"}', "0+100x400")]
    cases = {
        "an error series that never was: no errors, as long as there are requests": (
            requests,
            [
                value('max(slo:sli_error:ratio_rate5m{sloth_slo="errors"})', 0.0, "20m"),
                firing(f'{unmeasured}"errors"', 0, "20m"),
            ],
        ),
        "no requests at all: unknown, and somebody hears of it": (
            [],
            [
                nothing('slo:sli_error:ratio_rate5m{sloth_slo="errors"}', "20m"),
                firing(f'{unmeasured}"errors"', 1, "20m"),
            ],
        ),
        "counters that stand still: no traffic, which is no alert": (
            [series('requests_total{code="200"}', "100+0x400"), series('requests_total{code="500"}', "7+0x400")],
            [
                value('count(slo:sli_error:ratio_rate5m{sloth_slo="errors"})', 1.0, "90m"),
                nothing('slo:sli_error:ratio_rate5m{sloth_slo="errors"} >= 0', "90m"),
                firing(f'{unmeasured}"errors"', 0, "90m"),
                firing('sloth_slo="errors"', 0, "90m"),
            ],
        ),
        "a restart in an outage takes the good events' series away: everything fails": (
            [series("h_count", "0+100x400"), series('h_bucket{le="0.3"}', "0+100x60 stale")],
            [
                value('max(slo:sli_error:ratio_rate5m{sloth_slo="good-part"})', 0.0, "50m"),
                value('max(slo:sli_error:ratio_rate5m{sloth_slo="good-part"})', 1.0, "80m"),
                firing('sloth_slo="good-part", sloth_severity="page"', 1, "80m"),
            ],
        ),
        "good events that never were are a typo, not an outage": (
            [series("h_count", "0+100x400")],
            [
                nothing('slo:sli_error:ratio_rate5m{sloth_slo="typo"}', "80m"),
                firing(f'{unmeasured}"typo"', 1, "80m"),
                firing('sloth_slo="typo", sloth_severity="page"', 0, "80m"),
            ],
        ),
        "the fallback stands in for a total without series": (
            [series("p99", "200x60 400x60")],
            [
                value('max(slo:sli_error:ratio_rate5m{sloth_slo="fallback"})', 0.0, "50m"),
                value('max(slo:sli_error:ratio_rate5m{sloth_slo="fallback"})', 1.0, "80m"),
                value('max(slo:sli_error:ratio_rate30d{oncall_basis="fallback"})', 0.5, "2h", 0.1),
            ],
        ),
        "one group fails: it alone pages": (
            [
                series('g_count{region="a", handler="x"}', "0+100x400"),
                series('g_bucket{region="a", handler="x"}', "0+100x400"),
                series('g_count{region="b", handler="x"}', "0+100x400"),
                series('g_bucket{region="b", handler="x"}', "0+50x400"),
            ],
            [
                firing('sloth_slo="grouped", sloth_severity="page", region="b", handler="x"', 1, "80m"),
                firing('sloth_slo="grouped", sloth_severity="page"', 1, "80m"),
                value('max(slo:sli_error:ratio_rate30d{region="b"})', 0.5, "80m", 1e-6),
                value('max(slo:period_error_budget_remaining:ratio{region="b"})', -49.0, "80m", 1e-6),
            ],
        ),
    }  # fmt: skip
    tests = [
        {"name": name, "interval": "1m", "input_series": found, "promql_expr_test": expected}
        for name, (found, expected) in cases.items()
    ]
    judged(tmp_path, of, tests, "5m", "oncall-slo", "oncall-health")


@pytest.mark.integration
def test_health_and_guardrails(tmp_path):
    of = shipped_plan()
    place = 'service="lighthouse", environment="production"'
    rollout = [
        series("lighthouse_rollout_percent", "25x100"),
        series('elicitation_requests_total{status="ok"}', "0+100x100"),
    ]
    up = [series(f'probe_success{{component="{name}", {place}}}', "1x100") for name in ("event-store", "elicitation")]
    tests = [
        {
            "interval": "1m",
            "input_series": [
                *rollout,
                *up,
                series(f'probe_success{{component="bridge", {place}}}', "1x20 0x20 1x60"),
                series("p99_latency_milliseconds", "200x20 350x20 600x20 200x40"),
                series('security_violations_total{kind="x"}', "_x50 5x50"),
                series('up{job="shop", instance="a"}', "1x30 0x70"),
            ],
            "promql_expr_test": [
                firing('alertname="Watchdog"', 1, "0m"),
                firing('alertname="BridgeDown"', 0, "21m"),
                firing('alertname="BridgeDown", component="bridge", severity="critical"', 1, "23m"),
                firing('alertname="BridgeDown"', 0, "42m"),
                firing('alertname="ComponentUnprobed"', 1, "15m"),
                firing('alertname="ComponentUnprobed", component="wait-for-messages"', 1, "15m"),
                firing('alertname="P99LatencyHigh", guardrail="p99", severity="warning"', 1, "30m"),
                firing('alertname="P99LatencyCritical"', 0, "30m"),
                firing('alertname="P99LatencyCritical", guardrail="p99", severity="critical"', 1, "50m"),
                firing('alertname="P99LatencyHigh"', 0, "80m"),
                # A counter that is born at 5 has "increased" by 0: it counts all the same.
                firing('alertname="SecurityViolations", team="security", severity="critical"', 1, "52m"),
                firing('alertname="TargetDown", job="shop", severity="warning"', 1, "40m"),
                firing('alertname="GuardrailUnmeasured", guardrail=~"p99|errors"', 0, "40m"),
                # Nobody counts violations that never were: that they are none is not known.
                firing('alertname="GuardrailUnmeasured", guardrail=~".*security.*"', 1, "40m"),
                firing('alertname="GuardrailUnmeasured", guardrail=~".*security.*"', 0, "55m"),
            ],
        },
        {
            "interval": "1m",
            "input_series": rollout,
            "promql_expr_test": [firing('alertname="GuardrailUnmeasured", guardrail="p99"', 1, "20m")],
        },
        {
            "interval": "1m",
            "input_series": [series("lighthouse_rollout_percent", "0x100")],
            "promql_expr_test": [firing('alertname="GuardrailUnmeasured"', 0, "20m")],
        },
    ]  # fmt: skip
    judged(tmp_path, of, tests, "1m", "oncall-guardrails", "oncall-health")
