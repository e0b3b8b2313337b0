"""Objectives that Sloth or Pyrra record, made into ours: for a server that has them, where no SLO file is.

Sloth records error ratios per window; Pyrra's `burnrate` series are error ratios too, in spite of their name, not
divided by the budget. What is recorded as a ratio is measured as one per slice (RatioTimeslices), because the counts
behind it are not there; what is recorded as rates (Pyrra's generic rules) is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from console.model.promql import Matcher
from console.model.sli import SECONDS, Sli, Unit, of_ratio
from console.model.slo import Objective
from console.model.text import safe
from console.model.window import Rolling
from console.ports import Row

QUERY = (
    '{__name__=~"sloth_slo_info|slo:objective:ratio|slo:time_period:days|slo:sli_error:ratio_rate5m'
    '|pyrra_objective|pyrra_window|pyrra_requests:rate5m|pyrra_errors:rate5m|.+:burnrate5m"}'
)
MOST = 500
"""Objectives that are taken."""
MONTH = timedelta(days=30)
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=400)
"""Windows that are taken."""
SMALLEST = 1e-9
"""The least budget, and the least objective: what rounds to nothing or all is none."""

_SLOTH, _PYRRA = "recorded by Sloth", "recorded by Pyrra"
_RATIO = "slo:sli_error:ratio_rate5m"


def objectives(rows: Sequence[Row]) -> tuple[list[Objective], str]:
    """The objectives that a server's series speak of, by name, and what to know of them."""
    found: dict[str, Objective] = {}
    lost: set[str] = set()
    by_metric: dict[str, list[Row]] = {}
    for row in rows:
        by_metric.setdefault(row.labels.get("__name__", ""), []).append(row)
    _sloth(by_metric, found, lost)
    _pyrra(by_metric, found, lost)
    notes = []
    if lost:
        notes.append(
            f"no objective that can be measured is recorded of {', '.join(sorted(lost)[:5])}"
            + (" ..." if len(lost) > 5 else "")
        )
    if len(found) > MOST:
        notes.append(f"{len(found)} objectives are recorded, the first {MOST} are shown")
    return [found[name] for name in sorted(found)][:MOST], "; ".join(notes)


def _sloth(by_metric: Mapping[str, list[Row]], found: dict[str, Objective], lost: set[str]) -> None:
    info = {row.labels.get("sloth_id", ""): row.labels for row in by_metric.get("sloth_slo_info", ())}
    targets = {row.labels.get("sloth_id", ""): row.value for row in by_metric.get("slo:objective:ratio", ())}
    days = {row.labels.get("sloth_id", ""): row.value for row in by_metric.get("slo:time_period:days", ())}
    for labels in (row.labels for row in by_metric.get(_RATIO, ())):
        known = labels.get("sloth_id", "")
        if not known:
            continue
        target = targets.get(known) or _percent(info.get(known, {}).get("sloth_objective", ""))
        name = safe(known, 120)
        length = _length(days[known] * 86_400) if known in days else MONTH
        if length is None or not _sensible(target):
            lost.add(name)
            continue
        sli = replace(of_ratio(_series(_RATIO, "sloth_id", known)), basis=_SLOTH)
        service, slo = labels.get("sloth_service", ""), labels.get("sloth_slo", "")
        found[name] = _objective(name, safe(slo, 120) or name, safe(service, 120), target, length, sli)


def _pyrra(by_metric: Mapping[str, list[Row]], found: dict[str, Objective], lost: set[str]) -> None:
    targets = {row.labels.get("slo", ""): row.value for row in by_metric.get("pyrra_objective", ())}
    windows = {row.labels.get("slo", ""): row.value for row in by_metric.get("pyrra_window", ())}
    generic = {row.labels.get("slo", "") for row in by_metric.get("pyrra_requests:rate5m", ())}
    ratios = {
        row.labels.get("slo", ""): metric
        for metric, rows in by_metric.items()
        if metric.endswith(":burnrate5m")
        for row in rows
    }
    for known in sorted((generic | ratios.keys()) - {""}):
        name, target = safe(known, 120), targets.get(known, 0.0)
        length = _length(windows[known]) if known in windows else MONTH
        if length is None or not _sensible(target):
            lost.add(name)
            continue
        if known in generic:
            bad, total = (_series(f"pyrra_{what}:rate5m", "slo", known) for what in ("errors", "requests"))
            sli = Sli(f"sum({bad}) * {SECONDS}", f"sum({total}) * {SECONDS}")
        else:
            sli = of_ratio(_series(ratios[known], "slo", known))
        found.setdefault(name, _objective(name, name, "", target, length, replace(sli, basis=_PYRRA)))


def _objective(name: str, title: str, service: str, target: float, length: timedelta, sli: Sli) -> Objective:
    method = "Occurrences" if sli.unit is Unit.EVENTS else "RatioTimeslices"
    return Objective(name, title, service, target, Rolling(length), method, sli, where="recorded series")


def _series(metric: str, label: str, wanted: str) -> str:
    return f"{metric}{{{Matcher(label, '=', wanted)}}}"


def _length(seconds: float) -> timedelta | None:
    """A window of so many seconds; None when that is no number, or none of a window."""
    whole = SHORTEST.total_seconds() <= seconds <= LONGEST.total_seconds()
    return timedelta(seconds=seconds) if whole else None


def _sensible(target: float) -> bool:
    """Whether there is a budget. Not where it is no number."""
    return SMALLEST <= target <= 1.0 - SMALLEST


def _percent(text: str) -> float:
    try:
        return float(text) / 100.0
    except ValueError:
        return 0.0
