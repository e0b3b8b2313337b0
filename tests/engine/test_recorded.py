"""Objectives that are found on a server, because Sloth or Pyrra record them."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest

from console.engine import recorded
from console.engine.recorded import objectives
from console.journal.slices import MemorySlices
from console.model.reading import ReadingState
from console.model.sli import Unit
from console.model.slices import SLICE
from console.model.window import Rolling
from console.ports import Row
from tests.engine.levels_bench import MONTH, NOW, bench


def row(metric: str, value: float, **labels: str) -> Row:
    return Row({"__name__": metric, **labels}, value)


def sloth(service: str, slo: str, target: float | None = 0.999, **more: str) -> list[Row]:
    labels = {"sloth_id": f"{service}-{slo}", "sloth_service": service, "sloth_slo": slo, **more}
    found = [row("slo:sli_error:ratio_rate5m", 0.0, sloth_window="5m", **labels)]
    if target is not None:
        found.append(row("slo:objective:ratio", target, **labels))
    return found


def pyrra(name: str, target: float | None = 0.99, seconds: float = 28 * 86_400, generic: bool = False) -> list[Row]:
    found = [row("http_requests:burnrate5m", 0.0, slo=name)]
    if target is not None:
        found += [row("pyrra_objective", target, slo=name), row("pyrra_window", seconds, slo=name)]
    if generic:
        found += [row("pyrra_requests:rate5m", 5.0, slo=name), row("pyrra_errors:rate5m", 0.0, slo=name)]
    return found


def test_what_sloth_records_is_a_ratio_of_slices() -> None:
    rows = [*sloth("shop", "requests", team="a"), row("slo:time_period:days", 7, sloth_id="shop-requests")]
    (found,), note = objectives(rows)
    assert note == ""
    assert (found.name, found.title, found.service, found.target) == ("shop-requests", "requests", "shop", 0.999)
    assert (found.window, found.method) == (Rolling(timedelta(days=7)), "RatioTimeslices")
    assert (found.sli.basis, found.sli.unit) == ("recorded by Sloth", Unit.SLICES)
    assert 'slo:sli_error:ratio_rate5m{sloth_id="shop-requests"}' in found.sli.part


def test_the_objective_may_stand_in_the_information_alone() -> None:
    rows = [*sloth("shop", "x", None), row("sloth_slo_info", 1, sloth_id="shop-x", sloth_objective="99.5")]
    (found,), _ = objectives(rows)
    assert found.target == pytest.approx(0.995)


def test_pyrras_burn_rates_are_error_ratios() -> None:
    (found,), _ = objectives(pyrra("api"))
    assert (found.name, found.target, found.window) == ("api", 0.99, Rolling(timedelta(days=28)))
    assert (found.sli.basis, found.method) == ("recorded by Pyrra", "RatioTimeslices")
    assert 'http_requests:burnrate5m{slo="api"}' in found.sli.part


def test_pyrras_generic_rules_have_counts() -> None:
    (found,), _ = objectives(pyrra("api", generic=True))
    assert (found.method, found.sli.unit) == ("Occurrences", Unit.EVENTS)
    assert found.sli.part == 'sum(pyrra_errors:rate5m{slo="api"}) * $seconds'


def test_without_its_objective_there_is_no_budget_and_it_is_said() -> None:
    found, note = objectives([*sloth("shop", "x", None), *pyrra("y", None), *pyrra("z")])
    assert [item.name for item in found] == ["z"]
    assert note == "no objective that can be measured is recorded of shop-x, y"


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -5, 0, 8.64e-05, 299, 401 * 86_400, 8.64e11, 1e300])
def test_a_window_that_is_none_is_no_objective_and_it_is_said(seconds: float) -> None:
    rows = [*sloth("shop", "x"), row("slo:time_period:days", seconds / 86_400, sloth_id="shop-x"), *sloth("shop", "y")]
    found, note = objectives([*rows, *pyrra("api", seconds=seconds), *pyrra("z", seconds=300)])
    assert [(item.name, item.window) for item in found] == [
        ("shop-y", Rolling(timedelta(days=30))),
        ("z", Rolling(timedelta(minutes=5))),
    ]
    assert note == "no objective that can be measured is recorded of api, shop-x"


@pytest.mark.parametrize("target", [math.nan, math.inf, 0.0, 1.0, -0.5, 99.9, 1e-300, 1 - 1e-16])
def test_an_objective_without_a_budget_is_none(target: float) -> None:
    found, note = objectives([*sloth("shop", "x", target), *pyrra("y", target), *pyrra("z")])
    assert [item.name for item in found] == ["z"]
    assert note == "no objective that can be measured is recorded of shop-x, y"


def test_a_burn_rate_of_somebody_elses_is_none_of_ours() -> None:
    assert objectives([row("apiserver_request:burnrate5m", 0.1, verb="read")]) == ([], "")


async def test_gauges_are_filled_without_any_file() -> None:
    keeper = bench(MemorySlices())
    keeper.objectives = []
    keeper.history.tables[recorded.QUERY] = [*sloth("shop", "requests"), *pyrra("api", 0.9)]
    keeper.restart()
    assert keeper.rounds.read().gauges == ()
    keeper.filling.step()
    found, _ = objectives(keeper.history.tables[recorded.QUERY])
    first = int(NOW.timestamp() // SLICE) - MONTH
    for item in found:
        keeper.history.put(item.sli, first, [(0.002, 1.0)] * MONTH)
    keeper.pass_(minutes=1)
    keeper.round()
    await keeper.fill()
    gauges = keeper.answers.gauges
    assert [(gauge.objective.name, gauge.basis) for gauge in gauges] == [
        ("api", "recorded by Pyrra"),
        ("shop-requests", "recorded by Sloth"),
    ]
    assert [gauge.burn.value for gauge in gauges] == [pytest.approx(0.02), pytest.approx(2)]
    assert {gauge.budget_left.state for gauge in gauges} == {ReadingState.OK}


async def test_a_search_that_fails_is_a_note_and_the_slices_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OverflowError("of theirs")

    keeper = bench(pairs=[(1.0, 100.0)] * MONTH)
    keeper.filling._finds = True
    monkeypatch.setattr(recorded, "objectives", fail)
    keeper.round()
    assert (await keeper.fill()).coverage == 1
    assert keeper.answers.note == "objectives that others record: fault: OverflowError"
    monkeypatch.undo()
    keeper.history.tables[recorded.QUERY] = sloth("shop", "requests")
    keeper.pass_(minutes=6)
    keeper.round()
    await keeper.fill()
    assert keeper.answers.note == ""
    assert [gauge.objective.name for gauge in keeper.answers.gauges] == ["shop-requests"]


async def test_a_fault_in_the_background_is_a_note_and_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = bench(pairs=[(1.0, 100.0)] * MONTH)
    keeper.round()
    keeper.filling.step()  # for groups
    asks = asyncio.Event()

    def fail(*_: object, **__: object) -> None:
        asks.set()
        raise OverflowError("of ours")

    monkeypatch.setattr(keeper.rounds.levels, "ask", fail)
    work = asyncio.create_task(keeper.filling.watch())
    try:
        await asks.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not work.done()
        assert keeper.rounds.again(keeper.answers).note == "what is read in the background: fault: OverflowError"
        monkeypatch.undo()
        assert (await keeper.fill()).coverage == 1
        assert keeper.answers.note == ""
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_where_there_is_a_file_nothing_is_looked_for() -> None:
    keeper = bench(pairs=[(1.0, 100.0)] * 100)
    keeper.history.tables[recorded.QUERY] = sloth("shop", "requests")
    keeper.round()
    keeper.requests()
    await keeper.fill()
    assert keeper.requests("rows") == 0
