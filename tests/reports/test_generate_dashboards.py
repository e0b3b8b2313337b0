"""The dashboards: what Grafana needs in order to import them, and that every expression is one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from console.model.board import Target
from tests.reports.generated import made, plan, promtool, shipped_plan

NAMES = ("performance", "security", "rollout", "health")


def pages(of):
    return {
        name.removeprefix("oncall-").removesuffix(".json"): json.loads(text)
        for name, text in made("grafana", of).files.items()
    }


def expressions(page):
    return [target["expr"] for panel in page["panels"] for target in panel.get("targets", ())]


@pytest.mark.parametrize("of", [shipped_plan, plan], ids=["shipped", "every kind of SLI"])
def test_grafana_can_import_them(of):
    found = pages(of())
    assert tuple(found) == NAMES
    assert len({page["uid"] for page in found.values()}) == 4
    for name, page in found.items():
        assert page["uid"] == f"oncall-lighthouse-production-{name}"
        assert "id" not in page
        assert page["schemaVersion"] == 39
        assert page["title"] == f"lighthouse/production: {name}"
        assert isinstance(page["annotations"]["list"], list)
        (variable,) = page["templating"]["list"]
        assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
        ids = [panel["id"] for panel in page["panels"]]
        assert ids == list(range(1, len(ids) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_has_a_source_a_place_and_a_word_for_no_data(name):
    page = pages(plan())[name]
    assert len(page["panels"]) >= 2
    taken = set()
    for panel in page["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["type"] in ("timeseries", "stat")
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["noValue"] == "NO DATA"
        assert panel["targets"]
        assert [target["refId"] for target in panel["targets"]] == [chr(65 + i) for i in range(len(panel["targets"]))]
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None
        assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])


@pytest.mark.integration
def test_every_expression_is_promql(tmp_path):
    found = [expr for of in (shipped_plan(), plan()) for page in pages(of).values() for expr in expressions(page)]
    rules = [{"record": f"e:{index}", "expr": expr} for index, expr in enumerate(found)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

    assert f"{len(found)} rules found" in promtool("check", "rules", tmp_path / "rules.yml")


def test_they_show_what_the_configuration_names():
    of = shipped_plan()
    found = pages(of)
    performance, rollout, security = (
        " ".join(expressions(found[name])) for name in ("performance", "rollout", "security")
    )
    for objective in of.objectives:
        assert f'sloth_slo="{objective.name}"' in performance
    assert of.rollout.percent_expr in rollout
    assert "security_violations_total" in security
    assert "security_violations_total" not in performance
    health = " ".join(expressions(found["health"]))
    for component in of.environment.components:
        assert f'component="{component.name}"' in health
    assert 'alertname="Watchdog"' in health


def test_the_consoles_annotations_are_drawn_in():
    tags = [
        item["target"]["tags"] for item in pages(shipped_plan())["rollout"]["annotations"]["list"] if "target" in item
    ]
    assert tags == [["lighthouse"]]


def test_a_long_name_has_a_short_address_that_stays():
    of = shipped_plan()
    of = replace(of, environment=replace(of.environment, target=Target("a" * 60, "production")))
    uid = pages(of)["performance"]["uid"]
    assert len(uid) <= 40
    assert uid == pages(of)["performance"]["uid"]
    assert uid.endswith("-performance")
