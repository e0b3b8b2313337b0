"""OpenSLO: what is read, what it becomes, what is refused by name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.model.sli import Sli, Unit, of_counters, of_threshold, sliced
from console.model.window import Rolling
from console.settings import tree
from console.settings.nodes import Node
from console.settings.problems import ConfigError, Problem, Problems
from console.settings.slo_file import Found, read_slos

HEAD = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout}
spec:
  service: shop
  timeWindow: [{duration: 4w, isRolling: true}]
"""


def read(text: str) -> tuple[list[Found], Problems]:
    problems = Problems()
    found: list[Found] = []
    for document in tree.parse("slo.yaml", text.encode(), problems):
        found += read_slos(Node("slo.yaml", document, problems))
    return found, problems


def sli(text: str) -> Sli:
    found, problems = read(HEAD + text)
    problems.check()
    (one,) = found
    assert one.objective.window == Rolling(timedelta(weeks=4))
    return one.objective.sli


def ratio(bad: str, total: str) -> str:
    return f"""\
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad: {{metricSource: {{spec: {{query: '{bad}'}}}}}}
        total: {{metricSource: {{spec: {{query: '{total}'}}}}}}
"""


PROBE = "  indicator: {spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: 'min(up)'}}}}}\n"
PLAIN = "  budgetingMethod: Occurrences\n  objectives: [{target: 0.999}]\n"


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
    ],
)
def test_a_counter_is_a_selector_or_a_sum_over_the_window(query: str, selector: str):
    assert sli(ratio(query, "all_total") + PLAIN) == of_counters("all_total", bad=selector)


@pytest.mark.parametrize(
    "query", ["sum(errors_total)", "rate(errors_total[5m])", "errors_total[5m]", "a / b", "sum(rate(a[5m]))", "a{b}}"]
)
def test_another_query_is_refused_with_the_fix(query: str):
    with pytest.raises(ConfigError, match="expected a plain selector such as requests_total"):
        sli(ratio(query, "all_total") + PLAIN)


def test_a_ratio_by_slices_is_a_threshold_on_each_slice_with_traffic():
    text = "  budgetingMethod: Timeslices\n  objectives: [{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 5}]\n"
    assert sli(ratio("bad_total", "all_total") + text) == sliced(of_counters("all_total", bad="bad_total"), 300, 0.95)


@pytest.mark.parametrize(
    ("method", "objective", "seconds"),
    [
        ("Occurrences", "", 60),
        ("Timeslices", ", timeSliceTarget: 1, timeSliceWindow: 2m", 120),
        ("RatioTimeslices", ", timeSliceWindow: 2m", 60),
    ],
)
def test_a_threshold_is_sampled(method: str, objective: str, seconds: int):
    text = f"  budgetingMethod: {method}\n  objectives: [{{op: gte, value: 1, target: 0.99{objective}}}]\n"
    unit = Unit.SAMPLES if method == "Occurrences" else Unit.SLICES
    assert sli(PROBE + text) == of_threshold("min(up)", ">=", 1.0, seconds, unit)


def test_several_objectives_each_have_a_name():
    text = (
        "  budgetingMethod: Occurrences\n"
        "  objectives:\n"
        "    - {displayName: fast, op: lt, value: 0.3, targetPercent: 99}\n"
        "    - {op: lt, value: 1, target: 0.999}\n"
    )
    found, problems = read(HEAD + PROBE + text)
    problems.check()
    assert [(f.objective.name, f.objective.title, f.objective.target) for f in found] == [
        ("checkout-1", "checkout: fast", 0.99),
        ("checkout-2", "checkout: 2", 0.999),
    ]


def test_op_on_a_ratio_is_accepted_with_a_warning():
    found, problems = read(HEAD + ratio("a", "b") + PLAIN.replace("{target", "{op: gt, target"))
    assert len(found) == 1
    assert [str(warning) for warning in problems.warnings] == [
        "slo.yaml:14:17: spec.objectives[0].op: found `op` with a ratio, which is not used, expected only a target"
    ]


def refused(problems: Problems) -> tuple[Problem, ...]:
    try:
        problems.check()
    except ConfigError as error:
        return error.problems
    return ()


# The fields that each public OpenSLO file is refused for.
CORPUS = {
    "occurences-slo.yaml": ["spec.indicator.spec.thresholdMetric.metricSource.type"],
    "decode/v1_slos.yaml": ["[0].spec.timeWindow"],
    "decode/single_object.yaml": ["kind"],
    "decode/sequence_of_objects.yaml": ["[0].kind", "[1].kind"],
    "decode/two_documents.yaml": ["kind", "kind"],
    "v1/slis.yaml": ["[0].kind", "[1].kind", "[2].kind", "[3].kind"],
    "v1/slos.yaml": [
        "[0].spec.indicator.spec.ratioMetric.good.metricSource.spec.query",
        "[0].spec.indicator.spec.ratioMetric.total.metricSource.spec.query",
        "[0].spec.timeWindow[0].calendar",
    ],
}


@pytest.fixture
def corpus() -> Path:
    path = Path(__file__).resolve().parents[3] / "shared/corpus/slo"
    if not path.is_dir():
        pytest.skip(f"{path} is not there: the public SLO files lie beside the checkout")
    return path


@pytest.mark.parametrize("name", CORPUS)
def test_public_openslo_files(corpus: Path, name: str):
    _, problems = read((corpus / "openslo" / name).read_text())
    assert [problem.field for problem in refused(problems)] == CORPUS[name]


def test_every_public_slo_file_loads_or_is_refused_in_one_line_each(corpus: Path):
    files = [path for path in corpus.rglob("*.y*ml")]
    assert len(files) > 30
    for path in files:
        problems = Problems()
        documents, _ = tree.read(path, problems)
        found = [item for document in documents for item in read_slos(Node(str(path), document, problems))]
        assert found or refused(problems), path
        assert all(str(problem).startswith(f"{path}:") for problem in refused(problems))
