"""The world of a rehearsal: it says what its table says, and nothing else."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from math import isnan, nan

import pytest

from console.engine.clocks import SimulatedClock
from console.integrations.simulated.table import (
    Table,
    TableAlerts,
    TableChannel,
    TableFlags,
    TableHealth,
    TableMetrics,
    TableProbes,
    TablePrograms,
)
from console.model.message import Act, Delivery, Message
from console.model.playbook import Check, Playbook, Probe, Program, Step, StepKind
from console.model.reading import Reading, ReadingState
from console.model.run import Run, StepRun, StepStatus
from console.model.sli import of_counters
from console.model.slo import Objective
from console.model.window import Rolling
from console.ports import Query, SourceError, Uncertain
from console.settings.playbook_tests import Told

START = datetime(2026, 3, 2, 3, tzinfo=UTC)
SLI = of_counters("all", bad="bad")
OBJECTIVE = Objective("errors", "Errors", "x", 0.99, Rolling(timedelta(days=30)), "Occurrences", SLI)
PROBE, PROGRAM = Probe("https://x.example.com/health"), Program(("restart",))
STEPS = (
    Step("asked", "a", "a", "a", StepKind.QUERY, verify=Check("query: up", ">=", 1.0, "up")),
    Step("probed", "b", "b", "b", StepKind.HTTP, probe=PROBE, verify=Check(PROBE.reading, "==", 1.0)),
    Step("restart", "c", "c", "c", StepKind.COMMAND, program=PROGRAM),
    Step("off", "d", "d", "d", StepKind.FLAG, flag="f"),
    Step("tell", "e", "e", "e", StepKind.NOTIFY),
)


def ok(value):
    return Reading(ReadingState.OK, value)


def table(readings=None, **told):
    made = Table(SimulatedClock(START), (OBJECTIVE,), readings or {}, told)
    playbook = Playbook("try", "Try", (), "x", "2026-11-21", STEPS)
    steps = {step.id: StepRun(step.id, StepStatus.ACTIVE, 1) for step in STEPS}
    made.runs = lambda: [Run("r", 1, 1, "i", playbook, "", "x/y", START, "drill", steps)]
    return made


def read(made, name, expr=""):
    return TableMetrics(made).read([Query(name, expr)])[name]


def test_what_is_not_in_the_table_has_no_data():
    made = table()
    for name in ("guardrail.p99", "rollout.percent", "query: up", "slo.errors.part"):
        assert read(made, name).value is None
    assert read(made, "guardrail.p99").state is ReadingState.NO_DATA
    assert TableProbes(made).read(PROBE).state is ReadingState.NO_DATA
    assert TableHealth(made, ["bridge"]).read().components["bridge"].value is None


def test_a_steps_own_query_and_probe_are_named_by_the_step():
    made = table({"step.asked": ok(3.0), "step.probed": ok(1.0), "health.bridge": ok(0.0)})

    assert (read(made, "query: up").value, read(made, "anything", "up").value) == (3.0, 3.0)
    assert TableProbes(made).read(PROBE).value == 1.0
    assert TableHealth(made, ["bridge"]).read().components["bridge"].value is False
    assert read(made, "query: up").at == START


def test_what_is_no_number_stays_none():
    found = read(table({"guardrail.p99": ok(nan)}), "guardrail.p99")
    assert found.value is not None
    assert isnan(found.value)


def test_the_burn_of_an_objective_is_what_the_table_says():
    made = table({"slo.errors.burn": ok(14.4)})
    bad, total = read(made, "slo.errors.part"), read(made, "slo.errors.total")

    assert bad.value / total.value / (1 - OBJECTIVE.target) == pytest.approx(14.4)


def test_each_try_comes_to_what_its_place_in_the_list_says_and_the_last_goes_on():
    made = table(restart=(Told(exit=1), Told(output="up", changes={"step.asked": ok(1.0)})))
    programs, said = TablePrograms(made), []

    ended = [programs.run(PROGRAM, said.append, threading.Event()) for _ in range(3)]
    assert [item.status for item in ended] == [1, 0, 0]
    assert said == ["up", "up"]
    assert read(made, "query: up").value == 1.0


@pytest.mark.parametrize(("told", "error"), [(Told(refused="no"), SourceError), (Told(unknown=True), Uncertain)])
def test_what_is_refused_or_not_answered_changes_nothing(told, error):
    made = table(restart=(told,), off=(told,), tell=(told,))

    with pytest.raises(error):
        TablePrograms(made).run(PROGRAM, print, threading.Event())
    with pytest.raises(error):
        TableFlags(made).set_percent("f", 0.0)
    with pytest.raises(error):
        TableChannel(made, "slack.x").deliver(delivery("run:r:tell:1"))
    assert read(made, "rollout.percent").value is None


def delivery(ref):
    message = Message("run.step_asked", "It is over", START)
    return Delivery("d" * 12, "slack.x", Act.POST, message, START, ref=ref)


def test_a_flag_sets_the_share_unless_the_table_says_that_nothing_changes():
    made, closed = table(), table(off=(Told(changes={}),))
    for each in (made, closed):
        TableFlags(each).set_percent("f", 0.0)

    assert (read(made, "rollout.percent").value, read(closed, "rollout.percent").value) == (0.0, None)
    assert TableChannel(made, "slack.x").deliver(delivery("")).ref


def test_the_alert_that_always_fires_is_there():
    snapshot = TableAlerts(table(), "alertmanager", "Watchdog", [{"alertname": "Slow"}]).read()

    assert [alert.name for alert in snapshot.alerts] == ["Slow", "Watchdog"]
    assert snapshot.watchdog_seen
