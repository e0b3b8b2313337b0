"""Every alert of 56 public rule files fires in a real Prometheus, arrives in a real Alertmanager, and is seen.

Their expressions need exporters that are not here: each is replaced by one that always holds and has the labels that
templates like to use. Names, labels and annotations stay as they are.
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from console.engine.clocks import SystemClock
from console.integrations.alertmanager import Alertmanager
from console.model.alert import AlertState
from console.model.links import links
from console.settings.config import HttpSource
from console.tui.screens.alert import AlertScreen
from console.tui.screens.alerts import AlertsScreen
from console.tui.widgets.line_list import LineList
from console.view import alert_detail, alerts
from console.view.line import line_width
from console.view.look import ASCII, UNICODE, Look
from tests import servers
from tests.servers import REPO, wait_until
from tests.tui import feeds
from tests.tui.conftest import console
from tests.tui.test_hostile import INVISIBLE, PAYLOADS, assert_harmless

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("alert-rules")]

CORPUS = REPO.parent / "shared/corpus/alert-rules"
LABELS = {
    "instance": "db-1:9100",
    "job": "node",
    "namespace": "shop",
    "pod": "cart-7d9",
    "name": "cart",
    "device": "sda",
}
RUNBOOK = "https://runbooks.example.com/{{ $labels.rule }}"
HOSTILE = " ".join(text for name, text in PAYLOADS.items() if name not in ("surrogate", "long", "wide", "matcher"))


def files():
    if not CORPUS.is_dir():
        pytest.skip("needs ../shared/corpus beside the checkout")
    return sorted(CORPUS.glob("*.yml"))


def firing(found):
    """A rule file in which each alert of these files fires at once, and what is to arrive, by the label `rule`."""
    groups, expected = [], {}
    for file in found:
        for group in yaml.safe_load(file.read_text())["groups"]:
            rules = []
            for rule in group["rules"]:
                if "alert" not in rule:
                    continue
                key = str(len(expected))
                expr = "vector(1)"
                for name, text in {**LABELS, "rule": key}.items():
                    expr = f'label_replace({expr}, "{name}", "{text}", "", "")'
                annotations = {"runbook_url": RUNBOOK, **rule.get("annotations", {})}
                expected[key] = (rule["alert"], rule.get("labels", {}), annotations)
                labels = rule.get("labels", {})
                rules.append({"alert": rule["alert"], "expr": expr, "labels": labels, "annotations": annotations})
            groups.append({"name": f"{file.name} {len(groups)}", "rules": rules})
    hostile = {"alert": "Hostile", "expr": "vector(1)", "annotations": {"summary": HOSTILE, "runbook_url": HOSTILE}}
    groups.append({"name": "ours", "rules": [{"alert": "Watchdog", "expr": "vector(1)"}, hostile]})
    return json.dumps({"groups": groups}), expected


@pytest.fixture(scope="module")
def arrived(tmp_path_factory):
    """(what the console read of Alertmanager, what was to arrive)."""
    text, expected = firing(files())
    folder = tmp_path_factory.mktemp("alert-rules")
    with (
        servers.Alertmanager(folder / "alertmanager") as alertmanager,
        servers.Prometheus(folder / "prometheus", rules=text, alertmanagers=[alertmanager.address]) as prometheus,
    ):
        check = subprocess.run(
            [servers.promtool_binary(), "check", "rules", prometheus.folder / "rules.yml"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert check.returncode == 0, check.stdout + check.stderr
        wait_until(lambda: len(alertmanager.alerts()) >= len(expected) + 2, 60, 0.5, "every alert")
        source = HttpSource("alertmanager", alertmanager.url, timeout=timedelta(seconds=10))
        yield Alertmanager(source, "Watchdog", SystemClock()).read(), expected


def test_the_files_are_rules_that_prometheus_takes():
    done = subprocess.run(
        [servers.promtool_binary(), "check", "rules", *files()], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(files()) == 56


def of_rule(snapshot):
    return {alert.label("rule"): alert for alert in snapshot.alerts if alert.label("rule")}


def test_every_alert_is_in_the_feed(arrived):
    snapshot, expected = arrived
    found = of_rule(snapshot)
    assert found.keys() == expected.keys()
    assert len(expected) > 500
    assert snapshot.watchdog_seen
    for key, (name, labels, texts) in expected.items():
        alert = found[key]
        assert (alert.name, alert.state) == (name, AlertState.ACTIVE)
        assert dict(alert.labels).items() >= {**LABELS, **{k: v for k, v in labels.items() if "{{" not in v}}.items()
        assert dict(alert.annotations).keys() == texts.keys()


def test_templates_are_expanded(arrived):
    snapshot, expected = arrived
    for key, alert in of_rule(snapshot).items():
        for name, text in alert.annotations:
            written = expected[key][2][name]
            assert "{{" not in text, (alert.name, text)
            if "$labels.instance" in written:
                assert LABELS["instance"] in text


def test_runbook_links_are_recognised(arrived):
    snapshot, _ = arrived
    for key, alert in of_rule(snapshot).items():
        found = {link.title: link.url for link in links(alert, (), None)}
        assert found["Runbook"] == f"https://runbooks.example.com/{key}"
        assert "Expression" in found
    hostile = next(alert for alert in snapshot.alerts if alert.name == "Hostile")
    assert "Runbook" not in {link.title for link in links(hostile, (), None)}


def harmless(lines, width):
    for line in lines:
        text = "".join(piece.text for piece in line)
        assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) < 0xA0 and ord(char) not in INVISIBLE for char in text)
        assert line_width(line) <= width, text


@pytest.mark.parametrize(("width", "marks"), [(80, ASCII), (160, UNICODE)])
def test_each_has_a_row_and_details(arrived, width, marks):
    snapshot, _ = arrived
    board = feeds.board(snapshot.alerts)
    now, look = datetime.now(UTC), Look(marks)
    for alert in snapshot.alerts:
        row = alerts.row(alert, board, now, width, look)
        shown = alert_detail.details(alert, board, links(alert, (), None), now, width, look)
        harmless([row, *shown], width)
        assert alert.name[:15] in "".join(piece.text for piece in row)
        said = "".join(piece.text for line in shown for piece in line)
        assert alert.name in said
        for _, text in alert.annotations:
            if text.split():
                assert text.split()[0][:20] in said


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_screens_show_them(arrived, size):
    snapshot, _ = arrived
    board = feeds.board(snapshot.alerts)
    async with console(board, size=size) as at:
        feeds.answers(at.engine)
        await at.press("5")
        screen = next(screen for screen in at.app.screen_stack if isinstance(screen, AlertsScreen))
        assert f"{len(of_rule(snapshot)) + 1} unowned" in at.text()
        assert_harmless(at)
        rows = screen.query_one("#feed", LineList)
        assert len(rows.items) > 20
        for _ in range(2):
            await at.press("enter")
            assert_harmless(at)
            if isinstance(at.screen, AlertScreen):
                await at.press("G")
                assert_harmless(at)
                await at.press("q")
            await at.press("j")
        await at.press("G")
        assert_harmless(at)
