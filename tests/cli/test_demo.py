"""The headless demo and drill: the same to the byte, and true to the story."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from console.bootstrap import Demo, Options, headless, play_drill
from console.cli.main import run
from console.model.events import DrillFinished, DrillStarted, StepOverdue
from console.reports.drill import passed

KEYS = {
    "at",
    "mode",
    "environment",
    "sources",
    "slos",
    "rollout",
    "rollback",
    "alerts",
    "incidents",
    "shift",
    "channels",
}
VALUE = {"state", "value", "at", "source", "n"}


def demo(capsys, *arguments, code=0):
    assert run(["demo", "--headless", *arguments]) == code
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def test_three_minutes_twice_are_the_same_bytes(capsys):
    here = demo(capsys, "--for", "3m", "--json")
    command = [sys.executable, "-m", "console", "demo", "--headless", "--for", "3m", "--json"]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "LC_ALL": "C"}
    elsewhere = subprocess.run(command, capture_output=True, timeout=60, env=environment, check=True)

    assert elsewhere.stdout == here.encode()
    assert elsewhere.stderr == b""
    assert demo(capsys, "--for", "3m", "--json", "--seed", "2") != here


def test_what_it_shows_after_three_minutes(capsys):
    shown = json.loads(demo(capsys, "--json"))

    assert set(shown) == KEYS
    assert (shown["mode"], shown["environment"]) == ("demo", "lighthouse/demo")
    assert shown["at"] == "2025-11-03T14:03:00.000000Z" or shown["at"].startswith("2025-11-03T14:02:")
    firing = {alert["name"] for alert in shown["alerts"]["items"] if alert["state"] == "active"}
    assert "P99LatencyHigh" in firing
    guardrails = {item["name"]: item for item in shown["rollout"]["guardrails"]}
    assert guardrails["p99"]["level"] == "critical"
    assert guardrails["p99"]["value"] > 500
    assert {source["state"] for source in shown["sources"]} == {"ok"}


def test_everything_measured_has_its_evidence(capsys):
    shown = json.loads(demo(capsys, "--json"))
    measured = [
        shown["alerts"],
        *shown["sources"],
        *(slo[key] for slo in shown["slos"] for key in ("ratio", "budget_left", "burn")),
        shown["rollout"]["percent"],
        shown["rollout"]["since"],
        *shown["rollout"]["guardrails"],
        *next(source for source in shown["sources"] if source["name"] == "health")["components"],
    ]

    assert len(measured) > 15
    for item in measured:
        assert set(item) >= VALUE
        assert item["state"] in {"ok", "no_traffic", "no_data", "stale", "partial", "unreachable"}
    assert set(shown["rollback"]) >= {"can", "proofs", "minutes", "p_within", "runs", "no_return_at"}
    assert shown["rollback"]["can"] in {"yes", "no", "unverified"}
    assert shown["rollback"]["minutes"] is shown["rollback"]["p_within"] is None
    for proof in shown["rollback"]["proofs"]:
        assert set(proof) == {"name", "title", "state", "at", "expires_at", "evidence", "source", "value", "unit"}


def test_a_broken_source_is_not_shown_as_healthy(capsys):
    shown = json.loads(demo(capsys, "--json", "--break", "prometheus", "--break", "watchdog"))

    states = {source["name"]: source["state"] for source in shown["sources"]}
    assert states == {"prometheus": "unreachable", "alertmanager": "ok", "health": "ok", "flags": "ok"}
    assert {slo["ratio"]["state"] for slo in shown["slos"]} == {"unreachable"}
    assert shown["alerts"]["state"] == "no_data"
    assert shown["rollback"]["can"] == "unverified"


def test_what_cannot_be_broken(capsys):
    assert run(["demo", "--headless", "--break", "the-moon"]) == 2
    assert "prometheus" in capsys.readouterr().err


def test_a_read_only_demo_is_refused_instead_of_writing_all_the_same(capsys):
    assert run(["--read-only", "demo", "--headless", "--for", "5s"]) == 2
    assert "leave it out" in capsys.readouterr().err


def test_text_says_the_same(capsys):
    shown = demo(capsys)

    assert "DEMO" in shown
    assert "P99LatencyHigh" in shown
    assert "CAN ROLL BACK: UNVERIFIED" in shown


def test_a_picture_of_the_screen(tmp_path):
    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for picture in pictures:
        command = [sys.executable, "-m", "console", "demo", "--svg", str(picture)]
        subprocess.run(command, timeout=60, check=True, capture_output=True)

    assert "P99LatencyHigh" in pictures[0].read_text()
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


# -- the drill --------------------------------------------------------------------------------------------------------


def test_a_rehearsed_drill_is_reported_and_repeats(capsys, tmp_path):
    report = demo(capsys, "--drill", "rollback")

    assert report.count("SIMULATED") >= 3
    assert report.startswith("# DRILL: Emergency rollback")
    assert "| 7. Validate | 1:12 min | 2:00 min | within | 1 | - |" in report
    assert demo(capsys, "--drill", "rollback") == report
    target = tmp_path / "drill.json"
    demo(capsys, "--drill", "rollback", "--report", str(target))
    assert json.loads(target.read_text())["status"] == "completed"
    assert target.stat().st_mode & 0o077 == 0


def test_a_drill_without_a_terminal_is_rehearsed_by_itself():
    command = [sys.executable, "-m", "console", "demo", "--drill", "rollback", "--json"]
    done = subprocess.run(command, timeout=60, capture_output=True, stdin=subprocess.DEVNULL)

    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "completed"


def test_an_unknown_drill(capsys):
    assert run(["demo", "--headless", "--drill", "flood"]) == 2
    assert "rollback" in capsys.readouterr().err


@pytest.fixture
def simulation():
    return headless(Options(), Demo(drill=True))


async def test_a_late_step_is_over_its_timebox_in_the_report_and_overdue_in_the_record(simulation):
    report = await play_drill(simulation, "rollback", {"restore-consistency": timedelta(minutes=7, seconds=30)})

    steps = {step["id"]: step for step in report["steps"]}
    assert steps["restore-consistency"]["took_seconds"] == 450
    assert [step["id"] for step in report["steps"] if step["verdict"] == "over"] == ["restore-consistency"]
    assert report["verdict"] == "completed faster than the objective"
    assert passed(report)
    events = simulation.journal.read()
    overdue = [event for event in events if isinstance(event.payload, StepOverdue)]
    assert [event.payload.step for event in overdue] == ["restore-consistency"]
    assert {event.mode for event in events} == {"drill"}
    started, finished = (
        next(event for event in events if isinstance(event.payload, kind)) for kind in (DrillStarted, DrillFinished)
    )
    assert started.stream == finished.stream
    assert finished.payload.outcome == "completed"
    ended, began = (datetime.fromisoformat(report[key]) for key in ("ended_at", "started_at"))
    assert finished.payload.minutes == pytest.approx((ended - began).total_seconds() / 60, abs=0.001)


async def test_a_drill_beyond_its_objective_has_not_passed(simulation):
    report = await play_drill(simulation, "rollback", {"restore-consistency": timedelta(minutes=16)})

    assert "over the objective" in report["verdict"]
    assert not passed(report)


async def test_the_rollback_heals_the_simulated_service(simulation):
    await play_drill(simulation, "rollback")

    board = simulation.console.board
    assert board.rollout.percent.value == 0
    assert board.readings["guardrail.p99"].value < 300
