"""Test 25 of the study, what goes out: every date with a time of day says its offset, on a terminal and in JSON."""

from __future__ import annotations

import re

BARE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?!\d|:|\.|Z|[+-]\d\d)")


def test_it_would_be_found():
    assert BARE.findall("at 2026-03-01 12:00, 2026-03-01T12:00:00.5") != []
    assert BARE.findall("at 2026-03-01 12:00:01Z, 2026-03-01T12:00:00.5+02:00") == []


def test_25_every_export_says_its_offset(oncall):
    started = oncall("incident", "declare", "--severity", "SEV2", "P99", "--started", "-10m", "--no-wait", "--json")
    label = started.json["incident"]["label"]
    oncall("incident", "note", label, "it began before", "--at", "-5m")
    oncall("incident", "update", label, "--conditions", "slow")
    oncall("incident", "mitigate", label)
    for command in (
        ("incident", "show", label),
        ("incident", "ls"),
        ("incident", "export", label),
        ("incident", "report", label),
        ("status",),
        ("log", "tail"),
        ("who",),
    ):
        for more in ((), ("--json",)):
            shown = oncall(*command, *more).out
            assert BARE.findall(shown) == [], command
