"""The intervals of a baseline, and the process that makes them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from console.model.baseline import Load
from console.model.interval import wilson
from console.reports.baseline.statistics import Counts, NoStatistics, Worker, plain
from tests.servers import REPO, wait_until

WEEK = 2016


@pytest.fixture(scope="module")
def stats():
    """SciPy takes seconds to import: with these tests, and not with every collection."""
    from console.reports.baseline import stats

    return stats


def test_days_that_are_alike_leave_no_doubt(stats):
    """Whatever slice a block of a day begins at, it holds the same."""
    day = np.arange(stats.DAY) % 7
    bad, total = np.tile(day * 2.0, 7), np.full(WEEK, 100.0)
    found = stats.ratio(bad, total)
    assert found["low"] == pytest.approx(found["value"], abs=1e-12)
    assert found["high"] == pytest.approx(found["value"], abs=1e-12)
    assert (found["n"], found["method"]) == (201_600, "circular day-block bootstrap")
    single = stats.ratio(bad, total, block=1)
    assert single["low"] < found["value"] < single["high"]


def test_resamples_go_around_the_end(stats):
    rows = np.array([[1.0], [2.0], [4.0]])
    assert stats.resampled(rows, np.array([[0], [1], [2]]), 2).ravel().tolist() == [3.0, 6.0, 5.0]


def test_seven_blocks_reach_further_out(stats):
    # t(0.975, 6 degrees of freedom) = 2.4469; times sqrt(7/6) it is 2.6430, beyond which the normal one has 0.41 %.
    assert stats.tail(7) == pytest.approx(0.004109, abs=2e-5)
    assert stats.tail(10_000) == pytest.approx(0.025, abs=1e-4)
    assert stats.tail(7, expanded=False) == 0.025


def test_no_error_is_no_certainty(stats):
    found = stats.ratio(np.zeros(WEEK), np.ones(WEEK))
    assert (found["low"], found["high"]) == pytest.approx(wilson(0, WEEK))
    assert "Wilson" in found["method"]
    assert stats.ratio(np.zeros(WEEK), np.zeros(WEEK)) is None


def test_a_percentile_has_the_bounds_of_its_buckets(stats):
    rows = np.tile([0.6, 0.985, 0.997, 1.0, 1.0], (WEEK, 1)) * 100
    found = stats.quantile([0.1, 0.3, 0.5, 1.0], rows, 0.99)
    assert found["value"] == pytest.approx(0.3 + 0.2 * 5 / 12)
    assert found["bounds"] == [0.3, 0.5]
    assert found["low"] <= found["value"] <= found["high"]


def test_a_percentile_of_few_is_at_least(stats):
    rows = np.zeros((WEEK, 3))
    rows[:298] = [0.0, 1.0, 1.0]
    assert stats.quantile([0.1, 0.3], rows, 0.99)["at_least"]
    assert stats.quantile([0.1, 0.3], rows, 0.99)["high"] is None
    rows[298] = [0.0, 1.0, 1.0]
    assert "at_least" not in stats.quantile([0.1, 0.3], rows, 0.99)


def test_above_the_last_bound_nobody_knows_how_far(stats):
    rows = np.tile([50.0, 90.0, 100.0], (WEEK, 1))
    found = stats.quantile([0.1, 0.3], rows, 0.99)
    assert (found["value"], found["high"], found["bounds"], found["at_least"]) == (0.3, None, [0.3, None], True)


def test_the_interval_of_a_wandering_rate_holds_the_truth_most_of_the_time():
    """The whole table: benchmarks/baseline.py."""
    sys.path.insert(0, str(REPO / "benchmarks"))
    try:
        import baseline as bench
    finally:
        sys.path.remove(str(REPO / "benchmarks"))
    assert bench.coverage("block bootstrap, 1 d, expanded (used)", 30)[0] >= 0.85
    assert bench.coverage("Wilson on pooled counts", 30)[0] <= 0.4


# -- the process ------------------------------------------------------------------------------------------------------


def counts(slices=WEEK):
    peak = [index % 288 >= 144 for index in range(slices)]
    rows = [(30.0, 99.0, 100.0)] * (slices - 1) + [None]
    bad, total = [1.0] * (slices - 1) + [None], [100.0] * (slices - 1) + [None]
    return Counts(bad, total, peak, (0.1, 0.3), rows)


def test_the_worker_answers_as_often_as_it_is_asked_and_ends(tmp_path, monkeypatch):
    (tmp_path / "scipy.py").write_text("raise SystemExit('what lies in the present folder is not run')")
    monkeypatch.chdir(tmp_path)
    with Worker() as worker:
        pid = worker.pid
        first, second = worker.estimates(counts()), worker.estimates(counts())
        with pytest.raises(NoStatistics, match="could not be made"):
            worker.estimates(Counts([1.0], [1.0, 2.0], [True] * 3))
        assert worker.estimates(counts()) == first
    assert first == second
    assert set(first.ratios) == set(Load)
    assert first.ratios[Load.ALL].value == pytest.approx(0.01)
    assert {(item.load, item.quantile) for item in first.quantiles} >= {(Load.PEAK, 0.99), (Load.OFF_PEAK, 0.5)}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


PARENT = """
import sys, time
from console.reports.baseline.statistics import Worker
with Worker() as worker:
    print(worker.pid, flush=True)
    time.sleep(600)
"""


def test_the_worker_ends_with_whoever_started_it():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)

    def gone():
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        return state == "Z"  # nobody has asked how it ended

    wait_until(gone, 20, what="the end of the worker")


def test_without_scipy_one_line_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "scipy.py").write_text("raise ImportError('no', name='scipy')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NoStatistics) as found, Worker():
        pass
    assert str(found.value) == (
        "no confidence intervals by bootstrap: scipy is missing; pip install 'oncall-console[stats]'"
    )


def test_what_there_is_without_scipy_says_what_it_is():
    found = plain(counts())
    assert found.ratios[Load.ALL].method == "Wilson, n / deff 1"
    p99 = next(item.estimate for item in found.quantiles if (item.load, item.quantile) == (Load.ALL, 0.99))
    assert (p99.low, p99.high, p99.bounds) == (None, None, (0.1, 0.3))
    assert "pip install" in p99.method


def test_the_console_imports_no_scipy():
    code = """
import sys
from pathlib import Path
import console
for path in sorted(Path(console.__path__[0]).rglob("*.py")):
    name = ".".join(path.relative_to(Path(console.__path__[0]).parent).with_suffix("").parts).removesuffix(".__init__")
    if name.startswith(("console.cli", "console.engine", "console.reports", "console.journal", "console.view")):
        if name != "console.reports.baseline.stats":
            __import__(name)
assert not {"scipy", "numpy"} & set(sys.modules), "numpy or scipy"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
