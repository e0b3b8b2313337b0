"""The public SLO files beside the checkout: each loads or is refused as their index says. One table of all of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from console.model.sli import filled
from console.model.slo import Objective
from console.settings import tree
from console.settings.nodes import Node
from console.settings.problems import Problems
from console.settings.slo.convert import openslo
from console.settings.slo.reader import Levels, read, read_apart, read_paths
from tests.servers import REPO, promtool_binary

CORPUS = Path(__file__).resolve().parents[3] / "shared/corpus/slo"

REWRITE = "expected an SLO of openslo/v1 with the same queries"
FOREIGN = f"found 'sre.google.com/v2', which is slo-generator's and not read, {REWRITE}"
BAD = "28:16: slos[1].objective: found '101', expected a percentage above 0, below 100"
LOADS: dict[str, tuple[int, int]] = {
    "openslo/occurences-slo.yaml": (1, 1),
    "openslo/decode/single_object.yaml": (0, 0),
    "openslo/decode/sequence_of_objects.yaml": (0, 0),
    "openslo/decode/two_documents.yaml": (0, 0),
    "openslo/decode/v1_slos.yaml": (1, 1),
    "openslo/v1/alert_conditions.yaml": (0, 1),
    "openslo/v1/alert_notification_targets.yaml": (0, 0),
    "openslo/v1/alert_policies.yaml": (0, 4),
    "openslo/v1/data_sources.yaml": (0, 0),
    "openslo/v1/services.yaml": (0, 1),
    "openslo/v1/slis.yaml": (0, 0),
    "openslo/v1/slos.yaml": (1, 5),
    "pyrra/caddy-response-latency.yaml": (1, 1),
    "pyrra/kubernetes/slo-coredns-response-errors.yaml": (1, 0),
    "pyrra/kubernetes/slo-kubelet-request-errors.yaml": (1, 0),
    "pyrra/kubernetes/slo-kubelet-runtime-errors.yaml": (1, 0),
    "pyrra/kubernetes/slo-prometheus-notification-errors.yaml": (1, 0),
    "pyrra/kubernetes/slo-prometheus-operator-http-errors.yaml": (1, 0),
    "pyrra/kubernetes/slo-prometheus-query-errors.yaml": (1, 0),
    "pyrra/kubernetes/slo-prometheus-sd-kubernetes-errors.yaml": (1, 0),
    "pyrra/prometheus-http.yaml": (1, 0),
    "pyrra/prometheus-operator.yaml": (1, 0),
    "pyrra/pyrra-connect-errors.yaml": (1, 0),
    "pyrra/thanos-grpc.yaml": (1, 0),
    "pyrra/thanos-http.yaml": (1, 0),
    "sloth/getting-started.yml": (1, 0),
    "sloth/home-wifi.yml": (2, 2),
    "sloth/integration/in-base.yaml": (2, 0),
    "sloth/integration/in-multifile.yaml": (4, 0),
    "sloth/integration/in-openslo.yaml": (1, 0),
    "sloth/k8s-getting-started.yml": (1, 0),
    "sloth/k8s-home-wifi.yml": (2, 2),
    "sloth/kubernetes-apiserver.yml": (2, 0),
    "sloth/multifile.yml": (2, 0),
    "sloth/no-alerts.yml": (1, 0),
    "sloth/openslo-getting-started.yml": (1, 0),
    "sloth/validate/good-aa.yaml": (2, 2),
    "sloth/validate/good-ab.yaml": (2, 2),
    "sloth/windows/7d.yaml": (0, 0),
}
"""File -> how many objectives and how many warnings."""
REFUSED = {
    "sloth/validate/bad-aa.yaml": BAD,
    "sloth/validate/bad-ab.yaml": BAD,
    "slo-generator/availability_query_sli.yaml": f"1:13: apiVersion: {FOREIGN}",
    "slo-generator/availability_ratio.yaml": f"1:13: apiVersion: {FOREIGN}",
    "slo-generator/latency_distribution_cut.yaml": f"1:13: apiVersion: {FOREIGN}",
    "slo-generator/latency_query_sli.yaml": f"1:13: apiVersion: {FOREIGN}",
    "slo-generator/config.yaml": "2:1: (document): found a configuration of slo-generator, which is not read, "
    + REWRITE,
}
"""File -> the one line that it is refused with."""


@pytest.fixture(scope="module", autouse=True)
def corpus() -> Path:
    if not CORPUS.is_dir():
        pytest.skip(f"{CORPUS} is not there: the public SLO files lie beside the checkout")
    return CORPUS


def alone(name: str) -> tuple[Levels, Problems]:
    problems = Problems()
    return read_paths([CORPUS / name], problems), problems


def test_the_table_has_every_file(corpus: Path):
    assert {str(path.relative_to(corpus)) for path in corpus.rglob("*.y*ml")} == {*LOADS, *REFUSED}


@pytest.mark.parametrize("name", LOADS)
def test_loads(name: str):
    levels, problems = alone(name)
    assert [str(problem) for problem in problems.found] == []
    assert (len(levels.objectives), len(problems.warnings)) == LOADS[name]
    assert all(one.where.startswith(f"{CORPUS / name}:") for one in levels.objectives)


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_line_and_reason(name: str):
    _, problems = alone(name)
    assert [str(problem).removeprefix(f"{CORPUS / name}:") for problem in problems.found] == [REFUSED[name]]


def test_all_files_at_once_say_what_each_says_alone(corpus: Path):
    problems = Problems()
    paths = [corpus / name for name in (*LOADS, *REFUSED)]
    assert [len(levels.objectives) for levels in read_apart(paths, problems)][: len(LOADS)] == [
        count for count, _ in LOADS.values()
    ]
    assert {str(Path(problem.file).relative_to(corpus)) for problem in problems.found} == REFUSED.keys()


def test_the_windows_of_seven_days_have_the_published_factors():
    problems = Problems()
    levels = read_paths([CORPUS / "pyrra/prometheus-http.yaml", CORPUS / "sloth/windows/7d.yaml"], problems)
    (one,) = levels.objectives
    assert [rule.factor(timedelta(days=7)) for rule in one.rules] == pytest.approx([13.44, 3.5, 1.4, 0.98], abs=1e-12)
    assert one.groups == ("handler",)


@pytest.mark.integration
def test_every_query_that_is_made_is_one_to_prometheus_itself(tmp_path: Path):
    problems = Problems()
    levels = [read_paths([path], problems) for path in (CORPUS / name for name in LOADS)]
    levels.append(read_paths(sorted((REPO / "config/slo").glob("*.yaml")), problems))
    problems.check()
    slis = [one.sli for item in levels for one in item.objectives]
    slis += [one.fallback for one in slis if one.fallback is not None]
    queries = [filled(text, seconds) for one in slis for text in (one.part, one.total) for seconds in (300, 217.345)]
    queries += [guard.rule.expr for item in levels for guard in item.guards]
    rules = [{"record": f"query:{index}", "expr": query} for index, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    shown = subprocess.run(
        [promtool_binary(), "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, timeout=60
    )
    assert (shown.returncode, f"SUCCESS: {len(queries)} rules found" in shown.stdout) == (0, True), shown.stderr


def same(objective: Objective) -> Objective:
    """Without the place that it was read at, and the words that it was written in."""
    return replace(objective, where="", queries=())


def every() -> Iterator[Path]:
    yield from (CORPUS / name for name in LOADS)
    yield from (path for path in sorted((REPO / "config/slo").glob("*.yaml")) if path.name != "guards.yaml")


@pytest.mark.parametrize("path", list(every()), ids=lambda path: path.name)
def test_what_is_converted_reads_back_to_the_same_objectives(path: Path):
    problems = Problems()
    levels = read_paths([path], problems)
    documents = tree.parse("converted.yaml", openslo(levels.found).encode(), problems) if levels.found else []
    back = read([Node("converted.yaml", document, problems) for document in documents])
    problems.check()
    assert list(map(same, back.objectives)) == list(map(same, levels.objectives))
