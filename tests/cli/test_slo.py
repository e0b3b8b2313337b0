"""`oncall slo`: files judged and converted, and the gauges."""

from __future__ import annotations

import pytest

from tests.settings.test_slo import PYRRA, SLOTH

COUNT = "    ratio: {errors: {metric: bad_total}, total: {metric: all_total}}"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "sloth.yaml").write_text(SLOTH)
    (tmp_path / "pyrra.yaml").write_text(PYRRA % COUNT.strip())
    (tmp_path / "bad.yaml").write_text(SLOTH.replace("99.9", "101").replace("service: shop", "service: ''"))
    return tmp_path


def test_lint_says_one_line_for_each_file(oncall, files):
    shown = oncall("slo", "lint", f"{files}/sloth.yaml", f"{files}/pyrra.yaml")
    assert shown.out == f"{files}/sloth.yaml: ok, 1 objectives\n{files}/pyrra.yaml: ok, 1 objectives\n"


def test_lint_says_every_error_of_a_file_and_ends_with_1(oncall, files):
    shown = oncall("slo", "lint", f"{files}/bad.yaml", f"{files}/sloth.yaml", f"{files}/none.yaml", code=1)
    assert shown.out.splitlines() == [
        f"{files}/bad.yaml:2:10: service: found an empty text, expected the name of the service",
        f"{files}/bad.yaml:6:16: slos[0].objective: found '101', expected a percentage above 0, below 100",
        f"{files}/sloth.yaml: ok, 1 objectives",
        f"{files}/none.yaml:1:1: (file): found no such file, expected a YAML file",
    ]


def test_lint_says_warnings_below_their_file(oncall, files):
    (files / "sloth.yaml").write_text(SLOTH.replace("[{{.window}}]))\n", "[{{.window}}])) or vector(0)\n", 1))
    shown = oncall("slo", "lint", f"{files}/sloth.yaml")
    first, second = shown.out.splitlines()
    assert first == f"{files}/sloth.yaml: ok, 1 objectives"
    assert second.startswith(
        f"  warning: {files}/sloth.yaml:11:22: slos[0].sli.events.error_query: found `or vector(0)`"
    )


def test_lint_takes_a_folder_and_counts_guards(oncall):
    folder = oncall.config / "slo"
    assert oncall("slo", "lint", str(folder)).out.splitlines() == [
        f"{folder}/availability.yaml: ok, 1 objectives",
        f"{folder}/errors.yaml: ok, 1 objectives",
        f"{folder}/guards.yaml: ok, 0 objectives, 1 guardrail, 1 invariant",
        f"{folder}/latency.yaml: ok, 2 objectives",
        f"{folder}/messages.yaml: ok, 2 objectives",
    ]
    data = oncall("slo", "lint", str(folder), "--json").json
    assert data["ok"]
    assert data["files"][2]["guardrails"] == ["undelivered"]
    assert data["files"][3]["objectives"] == ["latency", "latency-degradation"]


def test_lint_of_files_that_share_a_name_judges_each(oncall, files):
    (files / "again.yaml").write_text(SLOTH)
    assert oncall("slo", "lint", f"{files}/sloth.yaml", f"{files}/again.yaml").out.count("ok, 1 objectives") == 2


def test_lint_needs_a_file(oncall):
    assert "Missing argument" in oncall("slo", "lint", code=2).err


def test_convert_prints_what_lint_takes(oncall, files):
    shown = oncall("slo", "convert", f"{files}/pyrra.yaml")
    assert shown.out.startswith("apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: carts\n")
    oncall("slo", "convert", f"{files}/pyrra.yaml", f"{files}/sloth.yaml", "-o", f"{files}/out.yaml", code=2)
    assert "'carts'" not in oncall("slo", "convert", f"{files}/sloth.yaml", "-o", f"{files}/out.yaml").out
    assert oncall("slo", "lint", f"{files}/out.yaml").out == f"{files}/out.yaml: ok, 1 objectives\n"
    data = oncall("slo", "convert", f"{files}/pyrra.yaml", "--json").json
    assert data == {"objectives": ["carts"], "yaml": shown.out}


def test_convert_of_what_cannot_be_read_says_why(oncall, files):
    shown = oncall("slo", "convert", f"{files}/bad.yaml", code=2)
    assert shown.out == ""
    assert shown.err.count("\n") == 2


def test_ls_says_how_each_objective_stands(oncall):
    shown = oncall("slo", "ls")
    assert [line.partition(":")[0] for line in shown.out.splitlines()] == [
        "Availability",
        "Error ratio",
        "Latency below 300 ms",
        "P99 below 500 ms",
        "Message delivery",
        "Agent failures",
    ]
    data = oncall("slo", "ls", "--json").json
    assert data["environment"] == "lighthouse/production"
    first = data["slos"][0]
    assert (first["name"], first["method"], first["window"]) == ("availability", "Timeslices", "30 d")
    assert first["where"].endswith("slo/availability.yaml:27")
    assert first["queries"] == {"value": 'min(probe_success{job="lighthouse"})'}
    assert first["ratio"]["state"] == "unreachable"
