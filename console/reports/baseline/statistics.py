"""The estimates of an SLI: by the worker process where scipy is installed, else what can be had without."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from console.model.baseline import Estimate, Load, Quantile, by_deff, design_effect
from console.model.histogram import QUANTILES, added, needed, place
from console.model.value import value

INSTALL = "pip install 'oncall-console[stats]'"
_BEGIN = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from console.reports.baseline.worker import main
main()
"""


class NoStatistics(Exception):
    """There is no worker. The message is one line: why, and what to do."""


@value
class Estimates:
    """The estimates of one SLI."""

    ratios: Mapping[Load, Estimate]
    quantiles: tuple[Quantile, ...] = ()


@value
class Counts:
    """What they are made of: one entry for each slice, None where it was not seen. `buckets` are cumulative."""

    bad: Sequence[float | None]
    total: Sequence[float | None]
    peak: Sequence[bool]
    les: Sequence[float] = ()
    buckets: Sequence[Sequence[float] | None] = ()


class Worker:
    """The worker process, for as long as the context lasts. Not thread-safe. Raises NoStatistics on entering where
    scipy is not installed, and whenever the process has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Our own path, and not that of the present folder: what lies there is not ours to run.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BEGIN, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            said = self._heard()
            if "missing" in said:
                raise NoStatistics(f"no confidence intervals by bootstrap: {said['missing']} is missing; {INSTALL}")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process's number; 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    def estimates(self, counts: Counts) -> Estimates:
        """The estimates of one SLI."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(counts) + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise NoStatistics("the process that makes the statistics has ended") from None
        said = self._heard()
        if "error" in said:
            raise NoStatistics(f"the statistics could not be made: {said['error']}")
        return msgspec.convert(said, Estimates)

    def close(self) -> None:
        """Ends it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _heard(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NoStatistics("the process that makes the statistics has ended")
        return dict(json.loads(line))


def plain(counts: Counts) -> Estimates:
    """Without scipy: the ratios' intervals by Wilson with the design effect, which are a little too narrow (they hold
    the truth 87 times of 100), and percentiles with no more than the bounds of their buckets."""
    ratios: dict[Load, Estimate] = {}
    quantiles = []
    for load in Load:
        mask = [load is Load.ALL or peak is (load is Load.PEAK) for peak in counts.peak]
        bad = [item if chosen else None for item, chosen in zip(counts.bad, mask, strict=True)]
        total = [item if chosen else None for item, chosen in zip(counts.total, mask, strict=True)]
        events = sum(item or 0.0 for item in total)
        if events > 0:
            ratios[load] = by_deff(sum(item or 0.0 for item in bad), events, design_effect(bad, total))
        rows = [row for row, chosen in zip(counts.buckets, mask, strict=False) if row is not None and chosen]
        whole = added(rows) if rows else []
        for wanted in QUANTILES:
            found = place(counts.les, whole, wanted)
            if found is not None:
                method = f"no interval: {INSTALL}"
                thin = whole[-1] < needed(wanted) or found.high is None
                bounds = (found.low, None if thin else found.high)
                quantiles.append(
                    Quantile(load, wanted, Estimate(found.value, None, None, int(whole[-1]), method, bounds, thin))
                )
    return Estimates(ratios, tuple(quantiles))
