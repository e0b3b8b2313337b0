"""What the tests of generation share: the shipped configuration, objectives by hand, and the judges."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import yaml

from console.model.burn import BurnRule, Urgency
from console.model.sli import Part, of_bool_gauge, of_counters, of_expressions, of_ratio, of_threshold, sliced
from console.model.slo import Alerting, Objective
from console.model.window import Calendar, Rolling
from console.reports.generate import KINDS, Kind, Made, Plan, plan_of
from console.settings.load import load, shipped
from tests.servers import amtool_binary, promtool_binary

SLOTH_7D = (
    BurnRule(Urgency.PAGE, "1h", "5m", 8.0),
    BurnRule(Urgency.PAGE, "6h", "30m", 12.5),
    BurnRule(Urgency.TICKET, "1d", "2h", 20.0),
    BurnRule(Urgency.TICKET, "3d", "6h", 42.0),
)
"""The AlertWindows that Sloth ships for 7 days."""
MONTH = Rolling(timedelta(days=30))
SLOW = of_threshold("max(p99)", "<", 300.0, 300)
EVENTS = of_counters("requests_total", bad='requests_total{code=~"5.."}')


def objective(name="errors", sli=EVENTS, target=0.999, window=MONTH, service="shop", **more):
    return Objective(name, f"Title of {name}", service, target, window, "Occurrences", sli, **more)


OBJECTIVES = {
    "errors": objective(),
    "errors-28d": objective("errors-28d", window=Rolling(timedelta(days=28))),
    "errors-7d": objective("errors-7d", target=0.95, window=Rolling(timedelta(days=7)), rules=SLOTH_7D),
    "good-part": objective("good-part", of_counters("h_count", good='h_bucket{le="0.3"}'), 0.99),
    "expressions": objective(
        "expressions", of_expressions("sum(rate(a[$window]))", bad='sum(rate(a{code="500"}[$window]))')
    ),
    "raw-ratio": objective("raw-ratio", of_ratio("sum(rate(x[$window])) / sum(rate(y[$window]))"), 0.95),
    "raw-success": objective("raw-success", of_ratio("avg_over_time(ok:ratio[$window])", Part.GOOD), 0.95),
    "timeslices": objective("timeslices", of_threshold("min(probe_success)", ">=", 1.0, 60), 0.9995),
    "sliced-ratio": objective("sliced-ratio", sliced(EVENTS, 300, 0.95), 0.99),
    "bool-gauge": objective("bool-gauge", of_bool_gauge("up{job='x'}"), 0.99),
    "fallback": objective("fallback", replace(of_counters("f_count", good="f_bucket"), fallback=SLOW), 0.99),
    "grouped": objective("grouped", of_counters("g_count", good="g_bucket"), 0.99, groups=("region", "handler")),
    "calendar": objective("calendar", window=Calendar(1, "M", datetime(2026, 1, 1), "Europe/Berlin")),  # noqa: DTZ001  # a wall clock's
    "hostile": objective(
        "hostile",
        description='a "quote", {{ .Injected }}\nand \\ lines: - [x] \x1b[31m',
        labels=(("app.kubernetes.io/name", "x {{ y }}"), ("0day", 'say "hi"')),
        page=Alerting(
            (("severity", "pageteam"), ("team", "security")), (("dashboard", "https://example.com/{{ $labels.x }}"),)
        ),
        ticket=Alerting(off=True),
        alert="MyAlert",
    ),
    "silent": objective("silent", page=Alerting(off=True), ticket=Alerting(off=True)),
}  # fmt: skip


@cache
def shipped_plan() -> Plan:
    config = load(shipped("config"))
    return plan_of(config, config.environment("production"), "1.2.3")


def plan(*objectives: Objective, **more) -> Plan:
    return replace(shipped_plan(), objectives=objectives or tuple(OBJECTIVES.values()), **more)


def made(kind: str, of: Plan) -> Made:
    return KINDS[Kind(kind)](of)


def rules(of: Plan, file: str = "oncall-slo.rules.yml") -> list[dict]:
    """The rules of one file, as they are in it."""
    return [rule for group in yaml.safe_load(made("prometheus", of).files[file])["groups"] for rule in group["rules"]]


def written(folder: Path, kind: str, of: Plan) -> list[Path]:
    paths = []
    for name, text in made(kind, of).files.items():
        paths.append(folder / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_text(text)
    return paths


def promtool(*arguments: str | Path, code: int = 0, cwd: Path | None = None) -> str:
    return _judge(promtool_binary(), *arguments, code=code, cwd=cwd)


def amtool(*arguments: str | Path, code: int = 0) -> str:
    return _judge(amtool_binary(), *arguments, code=code)


def _judge(*command: str | Path, code: int, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    said = f"{done.stdout}{done.stderr}"
    assert done.returncode == code, said
    return said
