"""OpenSLO v1 and v1alpha, Sloth, Pyrra: what is read, what it becomes, what is warned of, what is refused by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from console.model.burn import RULES, BurnRule, Urgency
from console.model.sli import (
    Bucket,
    Part,
    Unit,
    averaged,
    filled,
    of_bool_gauge,
    of_counters,
    of_deltas,
    of_expressions,
    of_ratio,
    of_threshold,
    sliced,
)
from console.model.slo import Alerting
from console.model.window import Calendar, Rolling
from tests.settings.slo import HEAD, PLAIN, PROBE, lines, ratio, read, sli, slo, warnings

clock = partial(datetime, tzinfo=None)
COUNTERS = of_counters("all_total", bad="bad_total")
GOOD = of_counters("all_total", good="good_total")


# --- queries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "selector"),
    [
        ("errors_total", "errors_total"),
        ('errors_total{code=~"5..",path!="/{x}"}', 'errors_total{code=~"5..",path!="/{x}"}'),
        ('{__name__="errors_total"}', '{__name__="errors_total"}'),
        ('sum(rate(errors_total{code="500"}[{{.window}}]))', 'errors_total{code="500"}'),
        ("sum(increase(errors_total[{{ .window }}]))", "errors_total"),
        ("sum (increase (errors_total [$__range]))", "errors_total"),
        ("sum(increase(errors_total[window]))", "errors_total"),
        ("sum(errors_total)", "errors_total"),
    ],
)
def test_a_counter_is_a_selector_or_a_sum_over_the_window(query: str, selector: str):
    assert sli(slo(query)) == of_counters("all_total", bad=selector)


@pytest.mark.parametrize(
    ("query", "template"),
    [
        (
            "sum(rate(a[{{.window}}])) - sum(rate(b[{{.window}}]))",
            "(sum(rate(a[$window])) - sum(rate(b[$window]))) * $seconds",
        ),
        (
            "sum(increase(a[$__range])) - sum(increase(b[window]))",
            "sum(increase(a[$window])) - sum(increase(b[$window]))",
        ),
        ("sum(rate(a[{{.window}}])) by (x)", "(sum(rate(a[$window])) by (x)) * $seconds"),
        ("sum_over_time(count(a < 1)[{{.window}}:1m])", "sum_over_time(count(a < 1)[$inner:1m])"),
    ],
)
def test_an_expression_has_its_own_range(query: str, template: str):
    found = sli(slo(query))
    assert (found.part, found.counts) == (template, Part.BAD)
    assert found == replace(of_expressions("x"), part=template, total=COUNTERS.total, counts=Part.BAD)


def test_samples_that_are_amounts_are_added_up():
    assert sli(slo("bad", "all", counter="counter: false")) == of_deltas("all", bad="bad")


def test_without_a_word_on_it_a_name_says_whether_it_counts():
    text = slo("bad_total", "all", counter="# counter: true")
    assert sli(text) == replace(COUNTERS, total=of_deltas("all", bad="x").total, widens=False)
    assert [line.split(", expected ")[1] for line in warnings(text)] == [
        "counter: true, as it is taken",
        "counter: false, as it is taken: every sample is an amount",
    ]


@pytest.mark.parametrize(
    "query",
    ["max(errors_total)", "rate(errors_total[5m])", "errors_total[5m]", "a / b", "sum(rate(a[5m]))", "sum(a) by (b)"],
)
def test_what_has_no_range_over_the_window_is_refused_with_the_fix(query: str):
    (line,) = lines(slo(query))
    assert line.startswith("a.yaml:11:44: spec.indicator.spec.ratioMetric.bad.metricSource.spec.query: found '")
    assert (
        'a plain selector such as requests_total{job="x"}, or a range over the window: rate(...[{{.window}}])' in line
        or ("[...] belongs inside of a function" in line)
    )


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("a{b}}", "a label matcher needs =, !=, =~ or !~"),
        ("sum(rate(a[{{.window}}])", "a bracket of sum is never closed"),
        ("sum(rate(a[{{.slot}}]))", "'{{.slot}}' is not known here, only {{.window}}"),
        ("share(a[{{.window}}])", "'share' is no function"),
        ("vector(1)", "it names no metric"),
        ('a_total{job=~"(("}', 'job=~"(("\': the regular expression does not compile: missing )'),
        ('a_total{job!~"x(?=y)"}', "the regular expression does not compile: invalid perl operator: (?="),
        ('a_total{job=~"[z-a]"}', "the regular expression does not compile: invalid character class range"),
        ('a_total{job=~"' + "(" * 501 + '"}', "the regular expression does not compile: missing )"),
    ],
)
def test_what_is_no_promql_is_refused_with_the_reason(query: str, why: str):
    (line,) = lines(slo(query))
    assert line.startswith("a.yaml:11:")
    assert "expected PromQL: " in line
    assert why in line


@pytest.mark.parametrize(
    "pattern", ["5..", "a|b-.*", "^(?i:x)+$", r"\\d{3}", "|".join(["(host-1.example)"] * 100), ".{999}"]
)
def test_the_regular_expressions_of_prometheus_are_taken(pattern: str):
    assert lines(slo(f'a_total{{job=~"{pattern}"}}')) == []


def test_a_hostile_query_of_the_longest_length_takes_no_more_than_one_look():
    """Where one look goes over the text for each character of it, these would take hours, and the test its timeout."""
    parts = ["{", "{{", "{{ ", "{{.window", "a", "1", "1m", "[", "[ ", " or ", "on(", "_over_time ", "rate ", "\\", ":"]
    for part in parts:
        text = part * (20_000 // len(part))
        for before, after in (("", ""), ("{{", ""), ("", "}}"), ("a[", ";")):
            query = f"{before}{text}{after}"[:20_000].replace("'", "")
            assert lines(slo(query)) != [] or part in ("a", ":")


def test_a_bucket_at_the_threshold_is_known_by_its_limit():
    histogram = 'requests_seconds_bucket{job="x",le=~"0\\\\.30*"}'
    found = sli(slo(histogram, "requests_seconds_count", of="good"))
    assert found.bucket == Bucket('requests_seconds_bucket{job="x"}', 0.3)
    assert found.counts is Part.GOOD


@pytest.mark.parametrize("text", ["1", "1.0", "5"])
def test_a_limit_that_servers_write_in_two_ways_is_read_in_both(text: str):
    query = slo(f'x_bucket{{le="{text}"}}', "x_count", of="good")
    number = float(text)
    found = sli(query)
    assert found.bucket == Bucket("x_bucket", number)
    assert f'le=~"{number:g}(\\\\.0)?"' in found.part
    (warning,) = warnings(query)
    assert f'found le="{text}", which Prometheus 3 writes differently from Prometheus 2' in warning


def test_every_bucket_of_a_histogram_is_no_count():
    (line,) = lines(slo("x_bucket", "x_count", of="good"))
    assert 'found every bucket of a histogram, expected the one at the threshold: le="0.3"' in line


@pytest.mark.parametrize(
    ("query", "warning"),
    [
        ("sum(rate(bad_total[{{.window}}])) or vector(0)", "`or vector(0)`"),
        ("sum(rate(bad_total[{{.window}}])) OR on() vector(0)", "`or vector(0)`"),
        ("sum(bad_total)", "a sum of samples"),
        ("requests", "'requests', which is not the name of a counter"),
        ('x_bucket{le=~"1|2"}', "one bucket: whether it is there"),
        ("all_total", "the same as `total`: 'all_total'"),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(query: str, warning: str):
    assert warning in "\n".join(warnings(slo(query)))


# --- methods ---------------------------------------------------------------------------------------------------------

SLICED = "  budgetingMethod: {}\n  objectives: [{{target: 0.99{}, timeSliceWindow: {}}}]\n"


def test_timeslices_of_a_ratio():
    text = HEAD + ratio("bad_total", "all_total") + SLICED.format("Timeslices", ", timeSliceTarget: 0.95", 5)
    assert sli(text) == sliced(COUNTERS, 300, 0.95)


def test_ratio_timeslices_of_a_ratio():
    text = HEAD + ratio("good_total", "all_total", of="good") + SLICED.format("RatioTimeslices", "", "1m")
    assert sli(text) == averaged(GOOD, 60)


def test_slices_longer_than_ours_are_none_in_between():
    text = HEAD + ratio("bad_total", "all_total") + SLICED.format("Timeslices", ", timeSliceTarget: 0.95", "1h")
    base, bad, probe = sliced(COUNTERS, 3600, 0.95), filled(COUNTERS.part, 3600), filled(COUNTERS.total, 3600)
    found = sli(text)
    assert (found.part, found.total) == (f"(({base.part}) or ({bad}) * 0)", f"(({base.total}) or ({probe}) * 0)")


@pytest.mark.parametrize(
    ("method", "more", "expected"),
    [
        ("Occurrences", "", of_threshold("min(up)", ">=", 1.0, 60, Unit.SAMPLES)),
        ("Timeslices", ", timeSliceTarget: 1, timeSliceWindow: 30s", of_threshold("min(up)", ">=", 1.0, 30)),
        ("Timeslices", ", timeSliceTarget: 1, timeSliceWindow: 1", of_threshold("min(up)", ">=", 1.0, 60)),
        (
            "Timeslices",
            ", timeSliceTarget: 0.8, timeSliceWindow: 5m",
            sliced(of_threshold("min(up)", ">=", 1.0, 60, Unit.SAMPLES), 300, 0.8),
        ),
        ("RatioTimeslices", ", timeSliceWindow: 2m", of_threshold("min(up)", ">=", 1.0, 60, Unit.SAMPLES)),
    ],
)
def test_a_threshold_is_sampled(method: str, more: str, expected: object):
    text = f"  budgetingMethod: {method}\n  objectives: [{{op: gte, value: 1, target: 0.99{more}}}]\n"
    assert sli(HEAD + PROBE + text) == expected


RAW = "  indicator: {spec: {ratioMetric: {rawType: %s, raw: {metricSource: {spec: {query: 'errors:ratio'}}}}}}\n"


def test_a_raw_ratio_weighs_every_five_minutes_the_same_and_says_so():
    assert sli(HEAD + RAW % "failure" + PLAIN) == of_ratio("errors:ratio", Part.BAD)
    assert sli(HEAD + RAW % "success" + PLAIN) == of_ratio("errors:ratio", Part.GOOD)
    (warning,) = warnings(HEAD + RAW % "failure" + PLAIN)
    assert "found a ratio without its counts, expected RatioTimeslices, which it is" in warning
    by_slices = SLICED.format("RatioTimeslices", "", "5m")
    assert warnings(HEAD + RAW % "failure" + by_slices) == []


# --- objectives ------------------------------------------------------------------------------------------------------


def test_several_objectives_each_have_a_name():
    text = (
        "  budgetingMethod: Occurrences\n"
        "  objectives:\n"
        "    - {displayName: fast, op: lt, value: 0.3, targetPercent: 99.9}\n"
        "    - {op: lt, value: 1, target: 0.999}\n"
    )
    levels, problems = read(HEAD + PROBE + text)
    problems.check()
    assert [(one.name, one.title, one.target) for one in levels.objectives] == [
        ("checkout-1", "checkout: fast", 0.999),
        ("checkout-2", "checkout: 2", 0.999),
    ]


def test_everything_that_is_said_of_an_objective_is_kept():
    text = slo("sum(rate(bad_total[{{.window}}]))").replace(
        "metadata: {name: checkout}",
        "metadata: {name: checkout, displayName: Check out, labels: {team: [a, b], env: prod},"
        " annotations: {runbook: x, oncall/groups: 'path, code', oncall/alert: CheckoutBurns, oncall/page: off,"
        ' oncall/ticket-labels: \'{"severity": "slack"}\', oncall/burn-rules: page 1h 5m 2; ticket 36h 12h 5}}',
    )
    levels, problems = read(
        text.replace("  service: shop", "  service: shop\n  description: >-\n    of all\n    carts")
    )
    problems.check()
    (one,) = levels.objectives
    assert (one.title, one.description, one.service) == ("Check out", "of all carts", "shop")
    assert one.labels == (("team", "a, b"), ("env", "prod"))
    assert one.annotations == (("runbook", "x"),)
    assert one.queries == (("bad", "sum(rate(bad_total[{{.window}}]))"), ("total", "all_total"))
    assert one.where == "a.yaml:14"
    assert (one.groups, one.alert) == (("path", "code"), "CheckoutBurns")
    assert (one.page, one.ticket) == (Alerting(off=True), Alerting((("severity", "slack"),)))
    assert one.rules == (BurnRule(Urgency.PAGE, "1h", "5m", 2.0), BurnRule(Urgency.TICKET, "36h", "12h", 5.0))


def test_each_objective_of_a_composite_has_an_indicator_of_its_own():
    one = ratio("bad_total", "all_total").replace("\n", "\n    ").rstrip().replace("  indicator", "    indicator", 1)
    text = (
        HEAD + "  budgetingMethod: Occurrences\n  objectives:\n  - target: 0.99\n    compositeWeight: 2\n" + one
        + "\n  - {target: 0.9, indicatorRef: other}\n"
    )  # fmt: skip
    other = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: other}\nspec:\n" + ratio("b_total", "c_total").replace(
        "  indicator:\n    spec:\n", ""
    ).replace("    ", "  ", 1)
    levels, problems = read(text, other)
    problems.check()
    assert [item.sli for item in levels.objectives] == [COUNTERS, of_counters("c_total", bad="b_total")]
    assert "`compositeWeight`, which is not used" in str(problems.warnings[0])


@pytest.mark.parametrize(
    ("target", "percent"), [("0.999", "99.9"), ("0.9995", "99.95"), ("0.99999", "99.999"), ("0.95", "95")]
)
def test_percent_are_exact(target: str, percent: str):
    levels, problems = read(slo().replace("target: 0.999", f"targetPercent: {percent}"))
    problems.check()
    assert levels.objectives[0].target == float(target)


@pytest.mark.parametrize(
    "goal", ["target: 0.99999999999999999", "target: 0.9999999999", "targetPercent: 99.99999999999999999"]
)
def test_a_target_whose_budget_is_lost_in_a_float_is_refused(goal: str):
    (line,) = lines(slo().replace("target: 0.999", goal))
    most = "99.9999999" if "Percent" in goal else "0.999999999"
    assert f"expected less than {most}; zero tolerance is an Invariant" in line
    assert line.startswith("a.yaml:14:")


@pytest.mark.parametrize("goal", ["target: 0.99999999", "targetPercent: 99.999999"])
def test_eight_nines_are_a_target(goal: str):
    assert lines(slo().replace("target: 0.999", goal)) == []


def test_pages_that_can_never_fire_and_low_targets_are_warned_of():
    text = warnings(slo().replace("target: 0.999", "target: 0.9"))
    assert text == [
        "a.yaml:14:25: spec.objectives[0].target: found a target for which the page over 1h can never fire, "
        "expected more than 92.56%: it needs a burn rate above 13.44, and a full outage reaches 10"
    ]
    assert "found '0.5', a low target" in "\n".join(warnings(slo().replace("target: 0.999", "target: 0.5")))
    as_percent = slo().replace("target: 0.999", "targetPercent: 0.999")
    assert "found '0.999', which is a percentage, expected 99.900 if a ratio was meant" in warnings(as_percent)[0]
    off = slo().replace("{name: checkout}", "{name: checkout, annotations: {oncall/page: off}}")
    assert warnings(off.replace("target: 0.999", "target: 0.9")) == []


# --- burn rules ------------------------------------------------------------------------------------------------------


def annotated(**annotations: str) -> str:
    """An SLO with annotations of ours."""
    said = ", ".join(f"oncall/{key.replace('_', '-')}: '{text}'" for key, text in annotations.items())
    return slo().replace("{name: checkout}", f"{{name: checkout, annotations: {{{said}}}}}")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("page 0s 5m 2", "windows of 5m or more"),
        ("page 1h 0s 2", "windows of 5m or more"),
        ("page 1s 1s 2", "windows of 5m or more"),
        ("page 5m 1h 2", "a short window that is at most as long as the long one"),
        ("page 5y 5m 2", "rules such as"),
        ("page 5w 5m 2", "windows of at most 28d, which is the objective's"),
        ("page 29d 5m 2", "windows of at most 28d, which is the objective's"),
        ("page 999999999d 5m 2", "windows of at most 28d, which is the objective's"),
        *((f"page 1h 5m {percent}", "above 0, at most 100") for percent in ("0", "-3", "nan", "inf", "1e400", "101")),
    ],
)
def test_burn_rules_that_cannot_be_are_refused_where_they_stand(rule: str, expected: str):
    for text in (rule, f"page 1h 5m 2; {rule}"):
        (line,) = lines(annotated(burn_rules=text))
        assert line.startswith("a.yaml:3:")
        assert f"'oncall/burn-rules': found '{rule}', expected" in line
        assert expected in line


@pytest.mark.parametrize(
    ("what", "by", "expected"),
    [
        ("threshold: 14", "threshold: 0", "spec.condition.threshold: found '0', expected a burn rate above 0"),
        ("threshold: 14", "threshold: -1", "found '-1', expected a burn rate above 0"),
        ("lookbackWindow: 2h", "lookbackWindow: 4m", "found '4m', expected 5m or more"),
        ("alertAfter: 10m", "alertAfter: 3h", "found '3h', expected at most 2h"),
        ("lookbackWindow: 2h", "lookbackWindow: 8w", "expected windows of at most 28d, which is the objective's"),
        ("threshold: 14", "threshold: 400", "a burn rate of 400 over 2h, which is 119 % of the budget, expected "),
    ],
)  # fmt: skip
def test_conditions_that_cannot_be_are_refused(what: str, by: str, expected: str):
    text = slo() + "  alertPolicies: [{alertPolicyRef: policy}]\n"
    assert expected in "\n".join(lines(text, (CONDITION % ("page", "gt")).replace(what, by), POLICY))


def test_a_condition_that_looks_back_for_less_than_a_slice_is_taken_as_one():
    text = slo() + "  alertPolicies: [{alertPolicyRef: policy}]\n"
    condition = (CONDITION % ("page", "gt")).replace("10m", "2m")
    assert "found '2m', expected 5m, which it is taken for" in "\n".join(warnings(text, condition, POLICY))


@pytest.mark.parametrize(
    ("what", "by", "expected"),
    [
        ("longWindow: 30m", "longWindow: nonsense", "expected a duration such as"),
        ("shortWindow: 2m, longWindow: 30m", "shortWindow: 1s, longWindow: 2s", "windows of 5m or more"),
        ("longWindow: 36h", "longWindow: 31d", "windows of at most 30d"),
        ("errorBudgetPercent: 1,", "errorBudgetPercent: 0,", "a percentage above 0, at most 100"),
        ("errorBudgetPercent: 1,", "errorBudgetPercent: .inf,", "a percentage above 0, at most 100"),
    ],
)
def test_alert_windows_that_cannot_be_are_refused(what: str, by: str, expected: str):
    (line,) = [line for line in lines(SLOTH, WINDOWS.replace(what, by)) if "expected" in line]
    assert line.startswith("b.yaml:")
    assert expected in line


def test_a_rule_that_fires_while_the_budget_lasts_is_warned_of():
    (line,) = warnings(annotated(burn_rules="page 1h 5m 2; ticket 3d 6h 2"))
    assert "a window of 28 d" in line
    assert "the ticket over 3d fires at a burn rate of 0.187, while the budget lasts" in line
    assert "expected 1 or more, which is 10.71 % of the budget over 3d" in line
    assert warnings(slo()) == []
    assert warnings(window("[{duration: 7d, isRolling: true}]")) == [], "no file asked for these rules"
    assert warnings(annotated(burn_rules="page 1h 5m 2; ticket 3d 6h 2", ticket="off")) == []


# --- labels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["__name__", "le", "__x", "a b", "a) (vector(1)", "0a", "ä", "a-b", "a.b"])
def test_what_an_objective_is_grouped_by_is_a_label(name: str):
    (line,) = lines(annotated(groups=f"handler, {name}"))
    assert line.startswith("a.yaml:3:")
    assert f"'oncall/groups': found the label '{name}'" in line
    (line,) = lines(PYRRA % f"bool_gauge: {{metric: up, grouping: [handler, '{name}']}}")
    assert f"found the label '{name}'" in line
    assert ".yaml:9:" in line


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ('{"": "x"}', "a name that Prometheus takes"),
        ('{"__name__": "x"}', "a name that Prometheus takes"),
        ('{"//x": "x"}', "a name that Prometheus takes"),
        ('{"a.b": "x", "a/b": "y"}', "one: both become a_b"),
        ('{"a": "\\ud800"}', "text in Unicode"),
        ('{"\\ud800": "x"}', "text in Unicode"),
    ],
)
def test_labels_that_no_rule_can_carry_are_refused(found: str, expected: str):
    for key in ("page_labels", "ticket_annotations"):
        (line,) = lines(annotated(**{key: found}))
        assert line.startswith("a.yaml:3:")
        assert expected in line


def test_labels_of_every_format_are_looked_at():
    both = "{a.b: x, a-b: y}"
    assert "both become a_b" in lines(slo().replace("{name: checkout}", f"{{name: checkout, labels: {both}}}"))[0]
    assert "both become a_b" in lines(SLOTH.replace("service: ", f"labels: {both}\nservice: ", 1))[0]
    pyrra = PYRRA % "bool_gauge: {metric: up}"
    assert "found the label an empty text" in lines(pyrra.replace("pyrra.dev/team: us", "pyrra.dev/: us"))[0]


# --- windows ---------------------------------------------------------------------------------------------------------


def window(text: str) -> str:
    return slo().replace("[{duration: 4w, isRolling: true}]", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[{duration: 30d, isRolling: true}]", Rolling(timedelta(days=30))),
        ("[{duration: 90m}]", Rolling(timedelta(minutes=90))),
        ("{duration: 1M, isRolling: true}", Rolling(timedelta(days=30))),
        ("[{duration: 1Y, isRolling: true}]", Rolling(timedelta(days=365))),
        (
            "[{duration: 1M, calendar: {startTime: 2026-01-31 00:00:00, timeZone: Europe/Berlin}}]",
            Calendar(1, "M", clock(2026, 1, 31), "Europe/Berlin"),
        ),
        (
            '[{duration: 2Q, isRolling: false, calendar: {startTime: "2026-01-01T06:00:00"}}]',
            Calendar(2, "Q", clock(2026, 1, 1, 6), "UTC"),
        ),
        (
            "[{duration: 1m, isRolling: false, calendar: {startTime: 2022-01-01, timeZone: UTC}}]",
            Calendar(1, "m", clock(2022, 1, 1), "UTC"),
        ),
    ],
)
def test_windows_roll_or_follow_the_calendar(text: str, expected: object):
    levels, problems = read(window(text))
    problems.check()
    assert levels.objectives[0].window == expected


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "[{duration: 1m, calendar: {startTime: 2022-01-01}}]",
            "1m, which is 1 minute, expected 1M if months are meant",
        ),
        ("[{duration: 90m}]", "90m, which is 90 minutes"),
        ("[{duration: 1Q}]", "1Q that rolls, expected 90d"),
    ],
)
def test_windows_that_are_probably_not_meant(text: str, warning: str):
    assert warning in "\n".join(warnings(window(text)))


def test_without_a_window_it_is_thirty_days():
    text = slo().replace("  timeWindow: [{duration: 4w, isRolling: true}]\n", "")
    levels, problems = read(text)
    assert levels.objectives[0].window == Rolling(timedelta(days=30))
    assert "expected one time window; it is taken as 30d that roll" in str(problems.warnings[0])


# --- other documents -------------------------------------------------------------------------------------------------


def test_an_indicator_stands_in_any_file():
    indicator = (
        "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: failures}\nspec:\n  ratioMetric:\n    counter: true\n"
        "    bad: {metricSource: {metricSourceRef: ours, spec: {query: bad_total}}}\n"
        "    total: {metricSource: {metricSourceRef: ours, spec: {query: all_total}}}\n"
    )
    source = (
        "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: ours}\nspec: {type: %s, connectionDetails: []}\n"
    )
    ref = HEAD + "  indicatorRef: failures\n" + PLAIN
    levels, problems = read(ref, indicator, source % "Prometheus")
    problems.check()
    assert (levels.objectives[0].sli, levels.objectives[0].where) == (COUNTERS, "b.yaml:7")

    assert lines(ref) == [
        "a.yaml:7:17: spec.indicatorRef: found the unknown SLI 'failures', expected one that a file defines"
    ]
    assert lines(ref.replace("failures", "failure"), indicator, source % "Prometheus") == [
        "a.yaml:7:17: spec.indicatorRef: found the unknown SLI 'failure', expected 'failures'"
    ]
    (line,) = lines(ref, indicator, source % "Datadog")
    assert line.endswith("found an indicator of 'Datadog', which nothing measures here, expected one of Prometheus")
    assert lines(indicator, source % "Datadog") == [], "as a document it is read"


def test_an_unknown_source_is_warned_of_and_refused_where_it_would_measure():
    levels, problems = read(slo().replace("{spec: {query: 'bad", "{type: Prometeus, spec: {query: 'bad"))
    assert [item.found for item in problems.warnings] == ["the unknown type 'Prometeus'"]
    assert [item.expected for item in problems.warnings] == ["'Prometheus'"]
    assert [str(item) for item in problems.found] == [
        "a.yaml:11:36: spec.indicator.spec.ratioMetric.bad.metricSource.type: "
        "found an indicator of 'Prometeus', which nothing measures here, expected one of Prometheus"
    ]
    assert levels.objectives == ()


CONDITION = """\
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns}
spec:
  severity: %s
  condition: {kind: burnrate, op: %s, threshold: 14, lookbackWindow: 2h, alertAfter: 10m}
"""
POLICY = """\
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: policy}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: burns}]
  notificationTargets: [{kind: AlertNotificationTarget, metadata: {name: us}, spec: {target: slack}}]
"""


def test_the_conditions_of_a_policy_are_the_rules_of_its_objectives():
    text = slo() + "  alertPolicies: [{alertPolicyRef: policy}]\n"
    levels, problems = read(text, CONDITION % ("page", "gt"), POLICY)
    problems.check()
    (rule,) = levels.objectives[0].rules
    assert (rule.urgency, rule.long, rule.short) == (Urgency.PAGE, "2h", "10m")
    assert rule.factor(timedelta(weeks=4)) == pytest.approx(14, abs=1e-12)

    levels, _ = read(text, CONDITION % ("low", "gte"), POLICY)
    assert levels.objectives[0].rules[0].urgency is Urgency.TICKET
    levels, problems = read(text, CONDITION % ("page", "lte"), POLICY)
    assert levels.objectives[0].rules == RULES
    assert "'lte', which alerts while nothing burns" in str(problems.warnings[0])
    assert read(text, CONDITION % ("page", "gt"), POLICY.replace("true", "false"))[0].objectives[0].rules == RULES
    assert "the AlertPolicy 'policy', which none of these files defines" in warnings(text)[0]


def test_names_are_their_own():
    assert lines(slo(), slo()) == [
        "b.yaml:3:18: metadata.name: found 'checkout' again (the first is at a.yaml:3), expected a name of its own"
    ]


def test_one_name_in_two_services_has_the_service_before_it():
    levels, problems = read(slo(), slo().replace("service: shop", "service: bank"))
    problems.check()
    assert [(one.name, one.short, one.service) for one in levels.objectives] == [
        ("shop-checkout", "checkout", "shop"),
        ("bank-checkout", "checkout", "bank"),
    ]


def test_two_objectives_with_one_id_of_sloth_s_are_refused():
    one = slo().replace("service: shop", "service: a-b").replace("name: checkout", "name: c")
    other = slo().replace("service: shop", "service: a").replace("name: checkout", "name: b-c")
    assert lines(one, other) == [
        "b.yaml:3:18: metadata.name: found 'a-b-c' for its service and its name, as at a.yaml:3, expected an id of its"
        " own: Sloth's series and rules go by it"
    ]
    assert lines(one, other.replace("b-c", "b-d")) == []


@pytest.mark.parametrize("days", [1, 2, 4])
def test_the_usual_rules_over_a_short_window_are_warned_of(days: int):
    (line,) = warnings(slo().replace("duration: 4w", f"duration: {days}d"))
    assert f"a window of {days} d with the usual burn rules, which are for 30 d: its page over 6h fires" in line
    assert f"at a burn rate of {0.05 * days * 4:.3g}, while the budget lasts" in line


@pytest.mark.parametrize("days", [5, 7, 28, 30])
def test_the_usual_rules_over_longer_ones_are_not(days: int):
    assert warnings(slo().replace("duration: 4w", f"duration: {days}d")) == []


def test_a_template_that_is_none_for_sure_is_warned_of():
    said = (
        """{"a": "{{ $labels.job }}: {{ $value | humanize }}", "b": "{{ .Broken", "c": "{{ if $value }}x{{ end }}"}"""
    )
    found = warnings(annotated(page_annotations=said))
    assert [line.partition("found ")[2].partition(":")[0] for line in found] == ["'b'", "'c'"]
    assert all("which is text in the rules that are generated" in line for line in found)
    assert warnings(annotated(page_labels=said)) == []  # labels always are


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "apiVersion: sre.google.com/v2\nkind: x\n",
            "1:13: apiVersion: found 'sre.google.com/v2', which is slo-generator's",
        ),
        ("backends: {}\n", "1:1: (document): found a configuration of slo-generator"),
        ("version: prometheus/v2\n", "1:10: version: found 'prometheus/v2', expected 'prometheus/v1'"),
        ("kind: SLO\n", "1:1: apiVersion: found nothing, expected openslo/v1, openslo/v1alpha, "),
        ("apiVersion: v1\nkind: ConfigMap\n", "1:13: apiVersion: found 'v1', expected openslo/v1, openslo/v1alpha, "),
        (
            "apiVersion: oncall/v1\nkind: Playbook\n",
            "2:7: kind: found the kind 'Playbook', expected Guardrail or Invariant",
        ),
        ("apiVersion: openslo/v1\n", "1:1: kind: found nothing, expected SLO, "),
        ("- just\n- words\n", "1:3: [0]: found a text, expected a mapping"),
    ],
)
def test_every_other_kind_is_refused_by_name(text: str, line: str):
    assert lines(text)[0].startswith(f"a.yaml:{line}")


# --- OpenSLO v1alpha -------------------------------------------------------------------------------------------------

ALPHA = """\
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: old}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindows: [{count: 1, unit: Month, isRolling: false, calendar: {startTime: 2022-01-01 12:00:00, timeZone: UTC}}]
  objectives:
    - target: 0.999
      value: 1
      ratioMetrics:
        incremental: true
        good: {source: prometheus, queryType: promql, query: good_total}
        total: {source: Prometheus, queryType: promql, query: all_total}
"""


def test_v1alpha():
    levels, problems = read(ALPHA)
    problems.check()
    (one,) = levels.objectives
    assert (one.name, one.target, one.sli, one.where) == ("old", 0.999, GOOD, "a.yaml:13")
    assert one.window == Calendar(1, "M", clock(2022, 1, 1, 12), "UTC")
    assert "an indicator of 'datadog', which nothing measures here" in lines(ALPHA.replace("prometheus", "datadog"))[0]


def test_v1alpha_threshold():
    text = (
        ALPHA.partition("      ratioMetrics")[0]
        .replace("value: 1", "value: 200\n      op: lt")
        .replace(
            "  objectives:",
            "  indicator: {thresholdMetric: {source: prometheus, queryType: q, query: max(ms)}}\n  objectives:",
        )
    )
    assert sli(text) == of_threshold("max(ms)", "<", 200.0, 60, Unit.SAMPLES)


# --- Sloth -----------------------------------------------------------------------------------------------------------

SLOTH = """\
version: prometheus/v1
service: shop
labels: {owner: us, tier: "2"}
slos:
  - name: carts
    objective: 99.9
    description: All carts
    labels: {tier: "1"}
    sli:
      events:
        error_query: sum(rate(bad_total[{{.window}}]))
        total_query: sum(rate(all_total[{{.window}}]))
    alerting:
      name: CartsFail
      labels: {a: b}
      annotations: {summary: oh}
      page_alert: {labels: {severity: page}}
      ticket_alert: {disable: true}
"""


def test_sloth():
    levels, problems = read(SLOTH)
    problems.check()
    (one,) = levels.objectives
    assert (one.name, one.service, one.target, one.window) == ("carts", "shop", 0.999, Rolling(timedelta(days=30)))
    assert one.sli == COUNTERS
    assert one.method == "Occurrences"
    assert dict(one.labels) == {"owner": "us", "tier": "1"}
    assert one.alert == "CartsFail"
    assert one.page == Alerting((("a", "b"), ("severity", "page")), (("summary", "oh"),))
    assert one.ticket == Alerting((("a", "b"),), (("summary", "oh"),), off=True)
    assert (one.where, one.rules) == ("a.yaml:11", RULES)


def test_sloth_raw():
    raw = "      raw: {error_ratio_query: 'avg_over_time(r[{{.window}}])'}\n    alerting:"
    text = SLOTH[: SLOTH.index("      events:")] + raw + SLOTH.partition("    alerting:")[2]
    assert sli(text) == of_ratio("avg_over_time(r[$inner])", Part.BAD)
    assert read(text)[0].objectives[0].method == "RatioTimeslices"
    (line,) = lines(text.replace("avg_over_time(r[{{.window}}])", "errors:ratio"))
    assert line.endswith("error_ratio_query: found 'errors:ratio', expected a range over the window: [{{.window}}]")


def test_sloth_in_kubernetes():
    body = SLOTH.partition("\n")[2].replace("_query", "Query").replace("_alert", "Alert").replace("\n", "\n  ").rstrip()
    head = "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {name: x, namespace: y}\nspec:\n"
    text = f"{head}  {body}\n"
    ours = read(SLOTH)[0].objectives[0]
    assert read(text)[0].objectives == (replace(ours, where="a.yaml:14"),)
    items = "\n".join(f"    {line}" for line in text.splitlines())
    wrapped = f"apiVersion: v1\nkind: List\nitems:\n  -\n{items}\n"
    assert read(wrapped)[0].objectives[0].sli == COUNTERS


def test_a_plugin_of_sloth_is_refused_by_name():
    text = SLOTH[: SLOTH.index("      events")] + "      plugin: {id: http, options: {a: b}}\n"
    (line,) = lines(text)
    assert line.endswith(
        "found the plugin 'http', which is a program of Sloth's, expected events or raw, with its query"
    )


WINDOWS = """\
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 30d
  page:
    quick: {errorBudgetPercent: 1, shortWindow: 2m, longWindow: 30m}
    slow: {errorBudgetPercent: 2, shortWindow: 15m, longWindow: 3h}
  ticket:
    quick: {errorBudgetPercent: 5, shortWindow: 1h, longWindow: 12h}
    slow: {errorBudgetPercent: 5, shortWindow: 3h, longWindow: 36h}
"""


def test_alert_windows_are_the_rules_of_their_period():
    levels, problems = read(SLOTH, WINDOWS, slo())
    problems.check()
    sloth, ours = levels.objectives
    assert [rule.factor(timedelta(days=30)) for rule in sloth.rules] == pytest.approx([14.4, 4.8, 3, 1])
    assert [(rule.long, rule.short) for rule in sloth.rules] == [
        ("30m", "5m"),
        ("3h", "15m"),
        ("12h", "1h"),
        ("36h", "3h"),
    ]
    assert ours.rules == RULES, "its window is 4w"
    assert "'2m', expected 5m, which it is taken for" in str(problems.warnings[0])


# --- Pyrra -----------------------------------------------------------------------------------------------------------

PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: carts, namespace: shop, labels: {prometheus: k8s, pyrra.dev/team: us}}
spec:
  target: '99.5'
  window: 2w
  alerting: {name: Burns, severities: {fastBurn: page}}
  indicator:
    %s
"""
NATIVE = "histogram_count(sum(increase(x[$window])))"


@pytest.mark.parametrize(
    ("indicator", "expected", "groups"),
    [
        (
            "ratio: {errors: {metric: bad_total}, total: {metric: all_total}, grouping: [path, code]}",
            COUNTERS,
            ("path", "code"),
        ),
        (
            "latency: {success: {metric: 'x_bucket{le=\"0.25\"}'}, total: {metric: x_count}}",
            of_counters("x_count", good='x_bucket{le="0.25"}', bucket=Bucket("x_bucket", 0.25)),
            (),
        ),
        (
            "latencyNative: {latency: 250ms, total: {metric: x}}",
            of_expressions(
                NATIVE,
                good=f"histogram_fraction(0, 0.25, sum(increase(x[$window]))) * {NATIVE}",
            ),
            (),
        ),
        ("bool_gauge: {metric: 'probe_success{job=\"x\"}', grouping: []}", of_bool_gauge('probe_success{job="x"}'), ()),
    ],
)
def test_pyrra(indicator: str, expected: object, groups: tuple[str, ...]):
    levels, problems = read(PYRRA % indicator)
    problems.check()
    (one,) = levels.objectives
    assert (one.name, one.service, one.target, one.window) == ("carts", "shop", 0.995, Rolling(timedelta(weeks=2)))
    assert (one.sli, one.groups, one.alert) == (expected, groups, "Burns")
    assert one.labels == (("team", "us"),)
    assert one.page == Alerting((("severity", "page"),))
