"""`oncall generate`: files on the disk. What is in them is tests/reports/test_generate_*.py's."""

from __future__ import annotations

import os

import pytest
import yaml

from console.cli import generated
from console.reports.generate.seal import is_sealed
from tests.reports.generated import promtool
from tests.servers import REPO

KINDS = ("prometheus", "alertmanager", "grafana")
COUNT = {"prometheus": 4, "alertmanager": 1, "grafana": 4}


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_configuration_gives_the_same_bytes(oncall, tmp_path, kind):
    for name in ("one", "two"):
        oncall("generate", kind, "--out", str(tmp_path / name))

    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "two")
    assert len(one) == COUNT[kind]
    assert all(is_sealed(data.decode()) for data in one.values())
    assert str(tmp_path).encode() not in b"".join(one.values())


@pytest.mark.parametrize("kind", KINDS)
def test_check_says_whether_they_are_up_to_date(oncall, tmp_path, kind):
    out = ("--out", str(tmp_path / "out"))
    missing = oncall("generate", kind, *out, "--check", "--json", code=1).json
    assert {item["state"] for item in missing["files"]} == {"missing"}
    assert not (tmp_path / "out").exists()

    oncall("generate", kind, *out)
    before = contents(tmp_path / "out")
    assert oncall("generate", kind, *out, "--check", "--json").json["ok"]
    assert {item["state"] for item in oncall("generate", kind, *out, "--json").json["files"]} == {"unchanged"}

    oncall.edit("watchdog: Watchdog", "watchdog: DeadMan")
    oncall("--env", "lighthouse/staging", "generate", kind, *out, "--check", code=1)
    assert contents(tmp_path / "out") == before


def test_a_file_that_somebody_edited_is_kept_and_with_it_all_others(oncall, tmp_path):
    out = tmp_path / "out"
    oncall("generate", "prometheus", "--out", str(out))
    edited = out / "oncall-health.rules.yml"
    edited.write_text(edited.read_text().replace("5m", "6m"))
    oncall.edit("watchdog: Watchdog", "watchdog: DeadMan")
    (out / "oncall-slo.rules.yml").unlink()
    before = contents(out)

    refused = oncall("generate", "prometheus", "--out", str(out), code=3)
    assert refused.err == f"oncall: {edited}: edited by hand, or not ours; --force overwrites it\n"
    assert contents(out) == before
    assert "edited by hand" in oncall("generate", "prometheus", "--out", str(out), "--check", code=1).out

    oncall("generate", "prometheus", "--out", str(out), "--force")
    oncall("generate", "prometheus", "--out", str(out), "--check")
    assert b"DeadMan" in edited.read_bytes()


def test_somebody_elses_file_of_that_name_is_kept(oncall, tmp_path):
    (tmp_path / "alertmanager.yml").write_bytes(b"\xff route: {}")
    oncall("generate", "alertmanager", "--out", str(tmp_path), code=3)
    (tmp_path / "alertmanager.yml").unlink()
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "alertmanager.yml").symlink_to(tmp_path / "elsewhere")
    oncall("generate", "alertmanager", "--out", str(tmp_path), code=3)
    assert (tmp_path / "elsewhere").read_text() == ""


@pytest.mark.parametrize("fails_at", [1, 3])
def test_all_are_written_or_none(oncall, tmp_path, monkeypatch, fails_at):
    out = tmp_path / "out"
    oncall("generate", "prometheus", "--out", str(out))
    (out / "oncall-slo.rules.yml").unlink()
    before = contents(out)
    oncall.edit("environment: production", "environment: prod")
    count = iter(range(100))
    replace = os.replace

    def full(source, target):
        if next(count) == fails_at:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(generated.os, "replace", full)
    said = oncall("generate", "prometheus", "--out", str(out), code=2)
    assert "No space left" in said.err
    assert contents(out) == before


def test_settings_of_alertmanager(oncall, tmp_path):
    out = ("--out", str(tmp_path / "out"))
    assert "absolute" in oncall("generate", "alertmanager", *out, "--secrets", "secrets", code=2).err
    for address in ("deadman", "http://", "https:///beat", "http://:80/", "http://a:b/", "http://[/", "http://a b/"):
        said = oncall("generate", "alertmanager", *out, "--heartbeat", address, code=2).err
        assert "http or https address with a host" in said, address
    oncall("generate", "alertmanager", *out, "--secrets", "/run/am/", "--heartbeat", "http://127.0.0.1:1/beat")
    text = (tmp_path / "out" / "alertmanager.yml").read_text()
    assert "/run/am/slack-alerts" in text
    assert "http://127.0.0.1:1/beat" in text


@pytest.mark.integration
def test_the_page_on_monitoring_shows_a_prometheus_configuration_that_works(oncall, tmp_path):
    oncall("generate", "prometheus", "--out", str(tmp_path))
    page = (REPO / "docs" / "monitoring.md").read_text()
    begin = page.index("    rule_files:")
    shown = yaml.safe_load(page[begin : page.index("\n\n", begin)])
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(shown))

    said = promtool("check", "config", tmp_path / "prometheus.yml")
    assert "SUCCESS: 3 rule files found" in said
    targets = yaml.safe_load((tmp_path / "targets" / "oncall-probes.yml").read_text())
    assert [item["labels"]["component"] for item in targets] == [
        "bridge", "event-store", "elicitation", "wait-for-messages",
    ]  # fmt: skip
    for path in tmp_path.rglob("oncall-*"):
        assert f"`{path.relative_to(tmp_path)}`" in page
    assert promtool("check", "rules", *sorted(tmp_path.glob("oncall-*.yml"))).count("SUCCESS") == 3
